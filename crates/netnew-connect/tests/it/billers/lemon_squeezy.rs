//! Lemon Squeezy.

use super::*;
use serde_json::json;

fn subscription(event: &str, status: &str, updated: &str, quantity: u32, ends: Option<&str>) -> Value {
    json!({"meta": {"event_name": event, "test_mode": false},
        "data": {"type": "subscriptions", "id": "77", "attributes": {
            "store_id": 5, "customer_id": 9, "product_id": 3, "variant_id": 4, "product_name": "Tool",
            "variant_name": "Team", "user_name": "Ada", "user_email": "ada@acme.test", "status": status,
            "cancelled": ends.is_some(), "pause": null, "trial_ends_at": "2025-01-24T12:00:00.000000Z",
            "first_subscription_item": {"id": 11, "subscription_id": 77, "price_id": 21, "quantity": quantity,
                "is_usage_based": false},
            "renews_at": "2025-04-24T12:00:00.000000Z", "ends_at": ends, "test_mode": false,
            "created_at": "2025-01-17T12:00:00.000000Z", "updated_at": updated}}})
}

fn price() -> Value {
    json!({"data": {"type": "prices", "id": "21", "attributes": {"variant_id": 4, "category": "subscription",
        "scheme": "graduated", "usage_aggregation": null, "unit_price": null, "tax_code": "saas",
        "tiers": [{"last_unit": 5, "unit_price": 1000, "unit_price_decimal": null, "fixed_fee": 0},
            {"last_unit": "inf", "unit_price": 500, "unit_price_decimal": null, "fixed_fee": 0}],
        "renewal_interval_unit": "month", "renewal_interval_quantity": 3,
        "created_at": "2025-01-01T00:00:00.000000Z", "updated_at": "2025-01-01T00:00:00.000000Z"}}})
}

fn store() -> Value {
    json!({"data": {"type": "stores", "id": "5", "attributes": {"name": "Shop", "currency": "EUR",
        "created_at": "2025-01-01T00:00:00.000000Z", "updated_at": "2025-01-01T00:00:00.000000Z"}}})
}

fn invoice() -> Value {
    json!({"meta": {"event_name": "subscription_payment_refunded"}, "data": {"type": "subscription-invoices",
        "id": "300", "attributes": {"store_id": 5, "subscription_id": 77, "customer_id": 9, "billing_reason": "renewal",
            "currency": "EUR", "status": "refunded", "refunded": true, "refunded_at": "2025-02-01T00:00:00.000000Z",
            "subtotal": 4000, "discount_total": 500, "tax": 665, "tax_inclusive": false, "total": 4165,
            "refunded_amount": 4165, "created_at": "2025-01-24T12:00:05.000000Z",
            "updated_at": "2025-02-01T00:00:00.000000Z"}}})
}

fn life() -> Vec<Value> {
    vec![
        subscription("subscription_created", "on_trial", "2025-01-17T12:00:01.000000Z", 4, None),
        subscription("subscription_updated", "active", "2025-01-24T12:00:03.000000Z", 4, None),
        subscription("subscription_updated", "past_due", "2025-02-24T12:00:03.000000Z", 7, None),
        subscription(
            "subscription_cancelled",
            "cancelled",
            "2025-03-01T00:00:00.000000Z",
            7,
            Some("2025-04-24T12:00:00.000000Z"),
        ),
        subscription(
            "subscription_expired",
            "expired",
            "2025-04-24T12:00:09.000000Z",
            7,
            Some("2025-04-24T12:00:00.000000Z"),
        ),
        price(),
        store(),
        invoice(),
    ]
}

#[test]
fn cancelled_runs_on_until_it_expires() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    assert_eq!(import(&book, "lemonsqueezy", &life()).problems, []);
    let wanted = [
        "9 11 2025-01-17T12:00:00Z trialing Tool Team 10 EUR/3 month x4 trial to 2025-01-24T12:00:00Z",
        "9 11 2025-01-24T12:00:00Z active Tool Team 10 EUR/3 month x4",
        // 5 at 10 and 2 at 5 are 60, which seven do not divide.
        "9 11 2025-02-24T12:00:03Z past_due Tool Team 60 EUR/3 month x1",
        "9 11 2025-03-01T00:00:00Z active Tool Team 60 EUR/3 month x1 asked 2025-03-01T00:00:00Z ends 2025-04-24T12:00:00Z",
        "9 11 2025-04-24T12:00:00Z canceled Tool Team 60 EUR/3 month x1 asked 2025-03-01T00:00:00Z",
    ];
    assert_eq!(states(&book), wanted);
    let invoices = entries(&book, EntryKind::Invoice);
    assert!(invoices[0].contains(r#""lines":[{"amount":"35""#), "{invoices:?}");
    assert!(entries(&book, EntryKind::Refund)[0].contains(r#""amount":"41.65""#));
}

#[test]
fn deliveries_in_any_order_say_the_same() {
    any_order_says_the_same("lemonsqueezy", &life());
}

#[test]
fn what_a_subscription_does_not_contain_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let done = import(&book, "lemonsqueezy", &life()[..2]);
    assert_eq!(done.problems.iter().map(|p| p.code).collect::<Vec<_>>(), ["unknown_price"]);
    assert!(states(&book).is_empty());
    let second = import(&book, "lemonsqueezy", &[store()]);
    assert_eq!(second.problems.len(), 1, "the price is still missing: {:?}", second.problems);
    assert_eq!(import(&book, "lemonsqueezy", &[price()]).problems, []);
    assert_eq!(states(&book).len(), 2);
}

#[test]
fn a_delivery_is_signed() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let body = invoice().to_string();
    let sign =
        |key: &str| vec![("x-signature", hmac_hex(hmac::HMAC_SHA256, key.as_bytes(), &[body.as_bytes()]))];
    let refused = |headers: &[(&str, String)]| {
        deliver(&book, "lemonsqueezy", headers, body.as_bytes()).unwrap_err().code()
    };
    assert_eq!(refused(&[]), "bad_signature_header");
    assert_eq!(refused(&sign("another")), "bad_signature");
    assert!(deliver(&book, "lemonsqueezy", &sign(SECRET), body.as_bytes()).unwrap().outcome.facts > 0);
}
