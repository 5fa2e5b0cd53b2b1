//! Chargebee.

use super::*;
use base64::Engine;
use serde_json::json;

const DAY: i64 = 86_400;
/// 2025-03-01.
const START: i64 = 1_740_787_200;

fn subscription(status: &str, day: i64, more: Value) -> Value {
    let mut one = json!({"id": "sub-acme", "customer_id": "acme", "status": status, "currency_code": "USD",
        "billing_period": 1, "billing_period_unit": "month", "start_date": START, "created_at": START,
        "started_at": START, "activated_at": START, "updated_at": START + day * DAY,
        "resource_version": (START + day * DAY) * 1_000, "object": "subscription", "due_invoices_count": 0,
        "subscription_items": [
            {"item_price_id": "pro-USD-monthly", "item_type": "plan", "quantity": 4, "unit_price": 2500, "amount": 10000},
            {"item_price_id": "seats-USD-monthly", "item_type": "addon", "quantity": 3, "unit_price": 500, "amount": 1500},
            {"item_price_id": "setup", "item_type": "charge", "quantity": 1, "unit_price": 9900, "amount": 9900}]});
    for (key, value) in more.as_object().unwrap() {
        one[key] = value.clone();
    }
    one
}

fn event(kind: &str, day: i64, content: Value) -> Value {
    json!({"id": format!("ev_{kind}_{day}"), "object": "event", "event_type": kind, "api_version": "v2",
        "occurred_at": START + day * DAY, "content": content})
}

fn life() -> Vec<Value> {
    let ends = START + 92 * DAY;
    let asked = json!({"cancelled_at": ends, "cancel_schedule_created_at": START + 70 * DAY});
    let ended = json!({"cancelled_at": ends, "cancel_schedule_created_at": START + 70 * DAY, "subscription_items": [
        {"item_price_id": "team-USD-monthly", "item_type": "plan", "quantity": 1, "amount": 24000}]});
    let team = json!({"subscription_items": [
        {"item_price_id": "team-USD-monthly", "item_type": "plan", "quantity": 1, "amount": 24000}]});
    let mut asked_for = asked;
    asked_for["subscription_items"] = team["subscription_items"].clone();
    vec![
        event(
            "subscription_created",
            0,
            json!({"subscription": subscription("active", 0, json!({})),
            "customer": {"id": "acme", "object": "customer", "company": "Acme", "email": "a@acme.test",
                "created_at": START - DAY, "resource_version": START * 1_000, "billing_address": {"country": "DE"}}}),
        ),
        event("subscription_changed", 40, json!({"subscription": subscription("active", 40, team)})),
        event(
            "subscription_cancellation_scheduled",
            70,
            json!({"subscription": subscription("non_renewing", 70, asked_for)}),
        ),
        event("subscription_cancelled", 92, json!({"subscription": subscription("cancelled", 92, ended)})),
        event("invoice_generated", 0, json!({"invoice": invoice("paid", 0)})),
        event(
            "payment_succeeded",
            0,
            json!({"transaction": {"id": "txn_1", "object": "transaction",
            "customer_id": "acme", "subscription_id": "sub-acme", "type": "payment", "status": "success",
            "currency_code": "USD", "amount": 25466, "date": START + 60, "payment_method": "card",
            "resource_version": (START + 61) * 1_000,
            "linked_invoices": [{"invoice_id": "1", "applied_amount": 25466}]}}),
        ),
        json!({"item_price": {"id": "pro-USD-monthly", "object": "item_price", "item_id": "pro", "name": "pro usd",
            "external_name": "Pro", "currency_code": "USD", "price": 2500, "period": 1, "period_unit": "month",
            "pricing_model": "per_unit", "resource_version": START * 1_000}}),
    ]
}

fn invoice(status: &str, day: i64) -> Value {
    let line = |entity: &str, kind: &str, amount: i64, tax: i64| {
        json!({"id": format!("li_{entity}"), "entity_type": kind, "entity_id": entity, "subscription_id": "sub-acme",
            "amount": amount, "tax_amount": tax, "discount_amount": 0, "quantity": 1, "object": "line_item",
            "date_from": START, "date_to": START + 31 * DAY})
    };
    json!({"id": "1", "object": "invoice", "customer_id": "acme", "subscription_id": "sub-acme", "status": status,
        "price_type": "tax_exclusive", "currency_code": "USD", "date": START + day * DAY, "total": 25466, "tax": 4066,
        "paid_at": START + 60, "resource_version": (START + 70 + day * DAY) * 1_000,
        "line_items": [line("pro-USD-monthly", "plan_item_price", 10000, 1900),
            line("seats-USD-monthly", "addon_item_price", 1500, 285), line("setup", "charge_item_price", 9900, 1881)]})
}

#[test]
fn the_date_of_an_end_is_read_by_the_status_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    assert_eq!(import(&book, "chargebee", &life()).problems, []);
    let wanted = [
        "acme plan 2025-03-01T00:00:00Z active Pro 25 USD/1 month x4",
        "acme plan 2025-04-10T00:00:00Z active team-USD-monthly 240 USD/1 month x1",
        "acme plan 2025-05-10T00:00:00Z active team-USD-monthly 240 USD/1 month x1 asked 2025-05-10T00:00:00Z ends 2025-06-01T00:00:00Z voluntary",
        "acme plan 2025-06-01T00:00:00Z canceled team-USD-monthly 240 USD/1 month x1 asked 2025-05-10T00:00:00Z voluntary",
        "acme seats-USD-monthly 2025-03-01T00:00:00Z active seats-USD-monthly 5 USD/1 month x3",
        "acme seats-USD-monthly 2025-04-10T00:00:00Z canceled seats-USD-monthly 5 USD/1 month x3",
    ];
    assert_eq!(states(&book), wanted);
    let invoices = entries(&book, EntryKind::Invoice);
    assert!(invoices[0].contains(r#""total":"254.66""#) && invoices[0].contains("one_time"), "{invoices:?}");
    assert_eq!(entries(&book, EntryKind::Payment).len(), 1);
}

#[test]
fn deliveries_in_any_order_say_the_same() {
    any_order_says_the_same("chargebee", &life());
}

#[test]
fn overdue_paused_in_trial_and_involuntary() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let plan = json!([{"item_price_id": "p", "item_type": "plan", "quantity": 1, "unit_price": 1000, "amount": 1000}]);
    let with = |more: Value| {
        let mut more = more;
        more["subscription_items"] = plan.clone();
        more
    };
    let lives = [
        subscription("in_trial", 0, with(json!({"trial_start": START, "trial_end": START + 14 * DAY}))),
        subscription("active", 14, with(json!({"trial_start": START, "trial_end": START + 14 * DAY}))),
        subscription(
            "active",
            50,
            with(json!({"trial_start": START, "trial_end": START + 14 * DAY,
            "due_invoices_count": 1, "due_since": START + 45 * DAY})),
        ),
        subscription(
            "cancelled",
            60,
            with(json!({"trial_start": START, "trial_end": START + 14 * DAY,
            "cancelled_at": START + 60 * DAY, "cancel_reason": "not_paid"})),
        ),
    ];
    // The list of the API, with an object beside each other.
    let list: Vec<Value> = lives.iter().map(|s| json!({"subscription": s})).collect();
    let page = json!({"list": list, "next_offset": "[\"1\"]"});
    assert_eq!(import_text(&book, "chargebee", &page.to_string()).problems, []);
    let wanted = [
        "acme plan 2025-03-01T00:00:00Z trialing p 10 USD/1 month x1 trial to 2025-03-15T00:00:00Z",
        "acme plan 2025-03-15T00:00:00Z active p 10 USD/1 month x1",
        "acme plan 2025-04-15T00:00:00Z past_due p 10 USD/1 month x1",
        "acme plan 2025-04-30T00:00:00Z canceled p 10 USD/1 month x1 involuntary",
    ];
    assert_eq!(states(&book), wanted);
}

#[test]
fn the_first_catalogue_tax_inside_and_coupons() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let old = json!({"id": "old", "customer_id": "acme", "status": "active", "currency_code": "KWD", "object": "subscription",
        "plan_id": "gold", "plan_quantity": 2, "plan_unit_price": 10500, "plan_amount": 21000, "billing_period": 1,
        "billing_period_unit": "year", "created_at": START, "started_at": START, "updated_at": START,
        "resource_version": START * 1_000, "addons": [{"id": "help", "quantity": 1, "unit_price": 1000}],
        "coupons": [{"coupon_id": "TEN", "apply_till": START + 365 * DAY}]});
    let coupon = json!({"coupon": {"id": "TEN", "object": "coupon", "discount_type": "percentage",
        "discount_percentage": 10.0, "duration_type": "limited_period", "period": 1, "period_unit": "year",
        "apply_on": "invoice_amount", "resource_version": START * 1_000}});
    assert_eq!(import(&book, "chargebee", &[json!({"subscription": old}), coupon]).problems, []);
    let wanted = [
        "acme help 2025-03-01T00:00:00Z active help 1 KWD/1 year x1 -10% repeating until 2026-03-01T00:00:00Z",
        "acme plan 2025-03-01T00:00:00Z active gold 10.5 KWD/1 year x2 -10% repeating until 2026-03-01T00:00:00Z",
    ];
    assert_eq!(states(&book), wanted);
    let billed = json!({"invoice": {"id": "9", "object": "invoice", "customer_id": "acme", "subscription_id": "old",
        "status": "paid", "price_type": "tax_inclusive", "currency_code": "KWD", "date": START, "total": 20900,
        "tax": 1900, "resource_version": START * 1_000, "line_items": [{"entity_type": "plan", "entity_id": "gold",
        "subscription_id": "old", "amount": 21000, "discount_amount": 2100, "tax_amount": 900}]}});
    assert_eq!(import(&book, "chargebee", &[billed]).problems, []);
    assert!(states(&book)[1].contains("gold 10 KWD"), "{:?}", states(&book));
}

#[test]
fn a_delivery_has_the_name_and_password_of_the_address() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let body = life()[0].to_string();
    let basic = |secret: &str| {
        let text = base64::engine::general_purpose::STANDARD.encode(secret);
        vec![("authorization", format!("Basic {text}"))]
    };
    let refused = |headers: &[(&str, String)]| {
        deliver(&book, "chargebee", headers, body.as_bytes()).unwrap_err().code()
    };
    assert_eq!(refused(&[]), "bad_signature_header");
    assert_eq!(refused(&basic("guess:word")), "bad_signature");
    assert!(deliver(&book, "chargebee", &basic(SECRET), body.as_bytes()).unwrap().outcome.facts > 0);
    assert_eq!(deliver(&book, "chargebee", &basic(SECRET), body.as_bytes()).unwrap().outcome.facts, 0);
}
