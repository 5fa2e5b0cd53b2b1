//! Recurly.

use super::*;
use serde_json::json;

fn subscription(state: &str, updated: &str, amount: &str, more: Value) -> Value {
    let mut one = json!({"object": "subscription", "id": "s1", "uuid": "44f83d7c", "state": state,
        "account": {"object": "account", "id": "a1", "code": "acme", "email": "ops@acme.test", "company": "Acme"},
        "plan": {"object": "plan", "id": "p1", "code": "gold", "name": "Gold"}, "currency": "USD", "quantity": 2,
        "unit_amount": amount.parse::<serde_json::Number>().unwrap(), "plan_interval_length": 1,
        "plan_interval_unit": "months", "tax_inclusive": false, "add_ons": [
            {"object": "subscription_add_on", "quantity": 12, "unit_amount": null, "tier_type": "tiered",
                "add_on": {"code": "mail", "name": "Mail", "add_on_type": "fixed"},
                "tiers": [{"ending_quantity": 10, "unit_amount": 1.5}, {"ending_quantity": null, "unit_amount": 1}]}],
        "activated_at": "2025-01-10T00:00:00Z", "created_at": "2025-01-10T00:00:00Z", "updated_at": updated,
        "current_period_ends_at": "2025-05-10T00:00:00Z", "current_term_ends_at": "2025-05-10T00:00:00Z",
        "coupon_redemptions": [{"id": "r", "created_at": "2025-01-10T00:00:00Z", "coupon": {"object": "coupon",
            "code": "half", "duration": "temporal", "temporal_amount": 3, "temporal_unit": "month",
            "discount": {"type": "percent", "percent": 50}}}]});
    for (key, value) in more.as_object().unwrap() {
        one[key] = value.clone();
    }
    one
}

fn notice(event: &str, object: Value) -> Value {
    json!({"id": format!("n-{event}"), "object_type": "subscription", "site_id": "x", "event_type": event,
        "event_time": object["updated_at"], "uuid": "n", "subscription": object})
}

fn life() -> Vec<Value> {
    let asked = json!({"canceled_at": "2025-04-20T00:00:00Z"});
    let ended = json!({"canceled_at": "2025-04-20T00:00:00Z", "expires_at": "2025-05-10T00:00:00Z",
        "expiration_reason": "canceled"});
    vec![
        notice(
            "created",
            subscription(
                "active",
                "2025-01-10T00:00:00Z",
                "40",
                json!({"pending_change": {
            "activate_at": "2025-03-10T00:00:00Z", "unit_amount": 50, "quantity": 2, "add_ons": [],
            "plan": {"code": "gold", "name": "Gold"}}}),
            ),
        ),
        notice("updated", subscription("active", "2025-03-10T00:00:00Z", "50", json!({"add_ons": []}))),
        notice("canceled", {
            let mut one = subscription("canceled", "2025-04-20T00:00:00Z", "50", asked);
            one["add_ons"] = json!([]);
            one
        }),
        notice("expired", {
            let mut one = subscription("expired", "2025-05-10T00:00:01Z", "50", ended);
            one["add_ons"] = json!([]);
            one
        }),
        json!({"object": "invoice", "id": "i1", "number": "1001", "type": "charge", "state": "paid", "currency": "USD",
            "account": {"code": "acme"}, "total": 95.2, "tax": 15.2, "subtotal": 80, "discount": 0,
            "created_at": "2025-01-10T00:00:00Z", "closed_at": "2025-01-10T00:00:03Z",
            "updated_at": "2025-01-10T00:00:03Z", "subscription_ids": ["s1"],
            "line_items": {"object": "list", "data": [{"origin": "plan", "plan_code": "gold", "subtotal": 80,
                "discount": 0, "tax": 15.2, "amount": 95.2, "subscription_id": "s1",
                "start_date": "2025-01-10T00:00:00Z", "end_date": "2025-02-10T00:00:00Z"}]},
            "transactions": [{"id": "t1", "type": "purchase", "status": "success", "amount": 95.2, "currency": "USD",
                "account": {"code": "acme"}, "invoice": {"number": "1001"}, "created_at": "2025-01-10T00:00:02Z",
                "updated_at": "2025-01-10T00:00:02Z"}]}),
    ]
}

#[test]
fn canceled_runs_to_the_end_of_its_term_and_expired_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    assert_eq!(import(&book, "recurly", &life()).problems, []);
    let half = "-50% repeating until 2025-04-10T00:00:00Z";
    let wanted = [
        // 10 at 1.5 and 2 at 1.
        format!("acme mail 2025-01-10T00:00:00Z active Mail 17 USD/1 month x1 {half}"),
        format!("acme mail 2025-03-10T00:00:00Z canceled Mail 17 USD/1 month x1 {half}"),
        format!("acme plan 2025-01-10T00:00:00Z active Gold 40 USD/1 month x2 {half}"),
        format!("acme plan 2025-03-10T00:00:00Z active Gold 50 USD/1 month x2 {half}"),
        "acme plan 2025-04-20T00:00:00Z active Gold 50 USD/1 month x2 asked 2025-04-20T00:00:00Z ends 2025-05-10T00:00:00Z voluntary".into(),
        "acme plan 2025-05-10T00:00:00Z canceled Gold 50 USD/1 month x2 asked 2025-04-20T00:00:00Z voluntary".into(),
    ];
    assert_eq!(states(&book), wanted);
    assert!(entries(&book, EntryKind::Invoice)[0].contains(r#""lines":[{"amount":"80""#));
    assert_eq!(entries(&book, EntryKind::Payment).len(), 1);
}

#[test]
fn deliveries_in_any_order_say_the_same() {
    any_order_says_the_same("recurly", &life());
}

#[test]
fn the_export_is_read_and_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let csv = "account_code,uuid,state,plan_code,plan_name,quantity,unit_amount,currency,interval_length,interval_unit,activated_at,canceled_at,expires_at,updated_at,add_ons,expiration_reason\n\
        acme,u1,active,gold,Gold,2,40.00,USD,1,months,2025-01-10 00:00:00 UTC,,,2025-02-01 00:00:00 UTC,mail,\n\
        beta,u2,expired,gold,Gold,1,400.00,USD,12,months,2024-01-10 00:00:00 UTC,,2025-01-10 00:00:00 UTC,2025-01-10 00:00:00 UTC,,nonpayment\n";
    let done = import_text(&book, "recurly", csv);
    assert_eq!(done.problems.iter().map(|p| (p.code, p.line)).collect::<Vec<_>>(), [("add_ons_left_out", 2)]);
    let wanted = [
        "acme plan 2025-01-10T00:00:00Z active Gold 40 USD/1 month x2 rebuilt",
        "beta plan 2024-01-10T00:00:00Z active Gold 400 USD/12 month x1 rebuilt",
        "beta plan 2025-01-10T00:00:00Z canceled Gold 400 USD/12 month x1 involuntary",
    ];
    assert_eq!(states(&book), wanted);
}

#[test]
fn a_delivery_is_signed_with_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let body = life()[0].to_string();
    let sign = |key: &str, at: i64| {
        let stamp = (at * 1_000).to_string();
        let hex = hmac_hex(hmac::HMAC_SHA256, key.as_bytes(), &[stamp.as_bytes(), b".", body.as_bytes()]);
        vec![("recurly-signature", format!("{stamp},{},{hex}", "00".repeat(32)))]
    };
    let refused =
        |headers: &[(&str, String)]| deliver(&book, "recurly", headers, body.as_bytes()).unwrap_err().code();
    assert_eq!(refused(&[]), "bad_signature_header");
    assert_eq!(refused(&sign("another", NOW)), "bad_signature");
    assert_eq!(refused(&sign(SECRET, NOW - 400)), "stale_signature");
    assert!(deliver(&book, "recurly", &sign(SECRET, NOW), body.as_bytes()).unwrap().outcome.facts > 0);
    // A notification of the kind that only names the object.
    let thin =
        json!({"id": "x", "object_type": "account", "event_type": "updated", "site_id": "s", "uuid": "u"});
    assert_eq!(import(&book, "recurly", &[thin]).problems[0].code, "only_an_id");
}
