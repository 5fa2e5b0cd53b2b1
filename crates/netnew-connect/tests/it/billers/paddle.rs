//! Paddle Billing.

use super::*;
use serde_json::json;

fn price(id: &str, name: &str, amount: &str, interval: &str) -> Value {
    json!({"id": id, "product_id": "pro_01tool", "name": name, "description": name, "tax_mode": "account_setting",
        "billing_cycle": {"interval": interval, "frequency": 1}, "trial_period": null,
        "unit_price": {"amount": amount, "currency_code": "USD"}, "updated_at": "2025-01-01T00:00:00Z"})
}

fn item(price: Value, quantity: u32, since: &str) -> Value {
    json!({"status": "active", "quantity": quantity, "recurring": true, "created_at": since, "updated_at": since,
        "trial_dates": null, "price": price})
}

fn subscription(status: &str, updated: &str, items: Vec<Value>) -> Value {
    json!({"id": "sub_01acme", "status": status, "customer_id": "ctm_01acme", "currency_code": "USD",
        "created_at": "2025-02-01T10:00:01.5Z", "updated_at": updated, "started_at": "2025-02-01T10:00:00Z",
        "paused_at": null, "canceled_at": null, "discount": null, "scheduled_change": null,
        "billing_cycle": {"interval": "month", "frequency": 1}, "items": items, "custom_data": null})
}

fn event(kind: &str, at: &str, data: Value) -> Value {
    json!({"event_id": format!("evt_{kind}_{at}"), "event_type": kind, "occurred_at": at,
        "notification_id": "ntf_01", "data": data})
}

const BEGAN: &str = "2025-02-01T10:00:01.5Z";

/// Basic with 3 seats; from April on Team with 5 and an add-on; asked to end in May, ended in June.
fn life() -> Vec<Value> {
    let basic = || price("pri_01basic", "Basic", "1050", "month");
    let team = || price("pri_01team", "Team", "2000", "month");
    let chat = || price("pri_01chat", "Chat", "500", "month");
    let changed = "2025-04-10T08:00:00.25Z";
    let now = || vec![item(team(), 5, changed), item(chat(), 1, changed)];
    let first = subscription("active", BEGAN, vec![item(basic(), 3, BEGAN)]);
    let mut asked = subscription("active", "2025-05-12T09:00:00Z", now());
    asked["scheduled_change"] =
        json!({"action": "cancel", "effective_at": "2025-06-01T10:00:00Z", "resume_at": null});
    let mut ended = subscription("canceled", "2025-06-01T10:00:02Z", now());
    ended["canceled_at"] = json!("2025-06-01T10:00:00Z");
    vec![
        event("subscription.created", "2025-02-01T10:00:02Z", first),
        event("subscription.updated", changed, subscription("active", changed, now())),
        event("subscription.updated", "2025-05-12T09:00:00.3Z", asked),
        event("subscription.canceled", "2025-06-01T10:00:03Z", ended),
        transaction(),
        event(
            "adjustment.created",
            "2025-04-12T00:00:00Z",
            json!({"id": "adj_01", "action": "refund", "transaction_id": "txn_01acme", "customer_id": "ctm_01acme",
                "subscription_id": "sub_01acme", "reason": "error", "currency_code": "USD", "status": "approved",
                "totals": {"subtotal": "500", "tax": "100", "total": "600"}, "created_at": "2025-04-12T00:00:00Z"}),
        ),
        event(
            "customer.created",
            "2025-02-01T09:59:00Z",
            json!({"id": "ctm_01acme", "name": "Acme", "email": "ops@acme.test", "created_at": "2025-02-01T09:59:00Z",
                "updated_at": "2025-02-01T09:59:00Z", "custom_data": {"tier": "gold"}}),
        ),
    ]
}

fn transaction() -> Value {
    event(
        "transaction.completed",
        "2025-02-01T10:00:05Z",
        json!({"id": "txn_01acme", "status": "completed", "customer_id": "ctm_01acme", "subscription_id": "sub_01acme",
            "currency_code": "USD", "origin": "web", "invoice_number": "74-1", "billed_at": "2025-02-01T10:00:00Z",
            "created_at": "2025-02-01T09:58:00Z", "updated_at": "2025-02-01T10:00:05Z",
            "billing_period": {"starts_at": "2025-02-01T10:00:00Z", "ends_at": "2025-03-01T10:00:00Z"},
            "items": [{"quantity": 3, "price": price("pri_01basic", "Basic", "1050", "month")}],
            "details": {"totals": {"subtotal": "3150", "discount": "0", "tax": "630", "total": "3780"},
                "line_items": [{"id": "txnitm_1", "price_id": "pri_01basic", "quantity": 3, "proration": null,
                    "unit_totals": {"subtotal": "1050", "discount": "0", "tax": "210", "total": "1260"},
                    "totals": {"subtotal": "3150", "discount": "0", "tax": "630", "total": "3780"}}]},
            "payments": [{"payment_attempt_id": "pay_1", "amount": "3780", "status": "captured", "error_code": null,
                "method_details": {"type": "card"}, "created_at": "2025-02-01T09:59:58Z",
                "captured_at": "2025-02-01T10:00:00Z"}]}),
    )
}

#[test]
fn a_life_is_told_with_request_and_end_apart() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let done = import(&book, "paddle", &life());
    assert_eq!(done.problems, []);
    let wanted = [
        // The item began a moment after the subscription: with it.
        "ctm_01acme pri_01basic 2025-02-01T10:00:00Z active Basic 10.5 USD/1 month x3",
        "ctm_01acme pri_01basic 2025-04-10T08:00:00.25Z active Team 20 USD/1 month x5",
        "ctm_01acme pri_01basic 2025-05-12T09:00:00.3Z active Team 20 USD/1 month x5 asked 2025-05-12T09:00:00.3Z ends 2025-06-01T10:00:00Z",
        "ctm_01acme pri_01basic 2025-06-01T10:00:00Z canceled Team 20 USD/1 month x5 asked 2025-05-12T09:00:00.3Z",
        "ctm_01acme pri_01chat 2025-04-10T08:00:00.25Z active Chat 5 USD/1 month x1",
        "ctm_01acme pri_01chat 2025-05-12T09:00:00.3Z active Chat 5 USD/1 month x1 asked 2025-05-12T09:00:00.3Z ends 2025-06-01T10:00:00Z",
        "ctm_01acme pri_01chat 2025-06-01T10:00:00Z canceled Chat 5 USD/1 month x1 asked 2025-05-12T09:00:00.3Z",
    ];
    assert_eq!(states(&book), wanted);
    let invoices = entries(&book, EntryKind::Invoice);
    assert_eq!(invoices.len(), 1);
    assert!(
        invoices[0].contains(r#""status":"paid""#) && invoices[0].contains(r#""tax":"6.3""#),
        "{invoices:?}"
    );
    assert!(invoices[0].contains(r#""lines":[{"amount":"31.5","kind":"subscription""#), "{invoices:?}");
    assert_eq!(entries(&book, EntryKind::Payment).len(), 1);
    assert!(entries(&book, EntryKind::Refund)[0].contains(r#""amount":"6""#));
}

#[test]
fn deliveries_in_any_order_say_the_same() {
    any_order_says_the_same("paddle", &life());
}

#[test]
fn a_listed_object_alone_is_rebuilt_from_its_dates() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let mut one = subscription(
        "paused",
        "2025-07-01T00:00:00Z",
        vec![item(price("pri_01basic", "Basic", "1000", "year"), 1, BEGAN)],
    );
    one["paused_at"] = json!("2025-06-20T00:00:00Z");
    one["scheduled_change"] = json!({"action": "resume", "effective_at": "2026-06-20T00:00:00Z"});
    // A page, as the API gives it.
    let page = json!({"data": [one], "meta": {"request_id": "r", "pagination": {"has_more": false}}});
    assert_eq!(import_text(&book, "paddle", &page.to_string()).problems, []);
    let wanted = [
        "ctm_01acme pri_01basic 2025-02-01T10:00:00Z active Basic 10 USD/1 year x1 rebuilt",
        "ctm_01acme pri_01basic 2025-06-20T00:00:00Z paused Basic 10 USD/1 year x1 rebuilt",
        "ctm_01acme pri_01basic 2026-06-20T00:00:00Z active Basic 10 USD/1 year x1",
    ];
    assert_eq!(states(&book), wanted);
}

#[test]
fn tax_inside_a_price_is_taken_out_by_a_bill_or_said() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let mut inside = price("pri_01basic", "Basic", "1260", "month");
    inside["tax_mode"] = json!("internal");
    let first = subscription("active", BEGAN, vec![item(inside, 3, BEGAN)]);
    let done = import(&book, "paddle", &[event("subscription.created", BEGAN, first)]);
    assert_eq!(done.problems.len(), 1);
    assert_eq!(done.problems[0].code, "tax_inside");
    assert!(states(&book).is_empty(), "what is not known is not guessed");
    assert_eq!(import(&book, "paddle", &[transaction()]).problems, []);
    assert_eq!(
        states(&book),
        ["ctm_01acme pri_01basic 2025-02-01T10:00:00Z active Basic 10.5 USD/1 month x3"]
    );
}

#[test]
fn discounts_wait_for_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let mut one =
        subscription("active", BEGAN, vec![item(price("pri_01basic", "Basic", "1000", "month"), 1, BEGAN)]);
    one["discount"] =
        json!({"id": "dsc_01ten", "starts_at": "2025-02-01T10:00:00Z", "ends_at": "2025-08-01T10:00:00Z"});
    let done = import(&book, "paddle", &[event("subscription.created", BEGAN, one)]);
    assert_eq!(done.problems.iter().map(|p| p.code).collect::<Vec<_>>(), ["unknown_discount"]);
    let discount = json!({"id": "dsc_01ten", "type": "percentage", "amount": "10", "currency_code": null,
        "recur": true, "maximum_recurring_intervals": 6, "restrict_to": null, "status": "active",
        "updated_at": "2025-01-15T00:00:00Z"});
    assert_eq!(import(&book, "paddle", &[discount]).problems, []);
    assert_eq!(
        states(&book),
        [
            "ctm_01acme pri_01basic 2025-02-01T10:00:00Z active Basic 10 USD/1 month x1 -10% repeating until 2025-08-01T10:00:00Z"
        ]
    );
}

#[test]
fn currencies_without_decimals_and_trials() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let mut yen = price("pri_01yen", "円", "1050", "week");
    yen["unit_price"]["currency_code"] = json!("JPY");
    let mut one = item(yen, 1, BEGAN);
    one["trial_dates"] = json!({"starts_at": "2025-02-01T10:00:00Z", "ends_at": "2025-02-15T10:00:00Z"});
    let first = subscription("trialing", BEGAN, vec![one]);
    assert_eq!(import(&book, "paddle", &[event("subscription.created", BEGAN, first)]).problems, []);
    let states = states(&book);
    assert_eq!(
        states[0],
        "ctm_01acme pri_01yen 2025-02-01T10:00:00Z trialing 円 1050 JPY/1 week x1 trial to 2025-02-15T10:00:00Z"
    );
}

fn sign(body: &str, at: i64, key: &str) -> Vec<(&'static str, String)> {
    let stamp = at.to_string();
    let hex = hmac_hex(hmac::HMAC_SHA256, key.as_bytes(), &[stamp.as_bytes(), b":", body.as_bytes()]);
    vec![("paddle-signature", format!("ts={stamp};h1={hex}"))]
}

#[test]
fn a_delivery_is_checked_before_it_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let body = life()[0].to_string();
    let refused = |headers: &[(&str, String)], body: &str| {
        deliver(&book, "paddle", headers, body.as_bytes()).unwrap_err().code()
    };
    assert_eq!(refused(&[], &body), "bad_signature_header");
    assert_eq!(refused(&sign(&body, NOW, "another"), &body), "bad_signature");
    assert_eq!(refused(&sign(&body, NOW, SECRET), &body.replace("1050", "9950")), "bad_signature");
    assert_eq!(refused(&sign(&body, NOW - 301, SECRET), &body), "stale_signature");
    assert!(states(&book).is_empty());
    let done = deliver(&book, "paddle", &sign(&body, NOW - 200, SECRET), body.as_bytes()).unwrap();
    assert!(done.outcome.facts > 0 && done.problems.is_empty(), "{done:?}");
    let again = deliver(&book, "paddle", &sign(&body, NOW, SECRET), body.as_bytes()).unwrap();
    assert_eq!(again.outcome.facts, 0);
    // While secrets rotate there are two; the new one may be ours.
    let both = format!("{};h1={}", sign(&body, NOW, "old")[0].1, &sign(&body, NOW, SECRET)[0].1[17..]);
    assert!(
        deliver(&book, "paddle", &[("paddle-signature", both.replace("h1=h1=", "h1="))], body.as_bytes())
            .is_ok()
    );
}
