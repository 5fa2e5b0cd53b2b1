//! Google Play.

use super::*;
use serde_json::json;

fn purchase(state: &str, expires: &str, order: &str, more: Value) -> Value {
    let mut one = json!({"kind": "androidpublisher#subscriptionPurchaseV2", "regionCode": "DE",
        "startTime": "2025-03-10T08:00:00Z", "subscriptionState": format!("SUBSCRIPTION_STATE_{state}"),
        "latestOrderId": order, "acknowledgementState": "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED",
        "externalAccountIdentifiers": {"obfuscatedExternalAccountId": "acme"},
        "lineItems": [{"productId": "pro", "expiryTime": expires, "latestSuccessfulOrderId": order,
            "autoRenewingPlan": {"autoRenewEnabled": state == "ACTIVE",
                "recurringPrice": {"currencyCode": "EUR", "units": "7", "nanos": 990_000_000}},
            "offerDetails": {"basePlanId": "quarterly"}}]});
    for (key, value) in more.as_object().unwrap() {
        one[key] = value.clone();
    }
    one
}

/// A purchase as it was fetched when a notification came.
fn fetched(at: i64, purchase: Value) -> Value {
    json!({"packageName": "test.acme", "eventTimeMillis": at.to_string(), "version": "1.0",
        "subscriptionNotification": {"version": "1.0", "notificationType": 4, "purchaseToken": "tok"},
        "subscription": purchase})
}

fn product() -> Value {
    json!({"packageName": "test.acme", "productId": "pro", "listings": [{"languageCode": "en", "title": "Pro"}],
        "basePlans": [{"basePlanId": "quarterly", "state": "ACTIVE",
            "autoRenewingBasePlanType": {"billingPeriodDuration": "P3M"}}]})
}

/// 2025-03-10T08:00:00Z.
const START: i64 = 1_741_593_600_000;
const DAY: i64 = 86_400_000;
const FIRST: &str = "GPA.3345-1234-1234-12345";
const SECOND: &str = "GPA.3345-1234-1234-12345..0";

fn life() -> Vec<Value> {
    let asked = json!({"canceledStateContext": {"userInitiatedCancellation": {"cancelTime": "2025-07-01T00:00:00Z"}}});
    vec![
        fetched(START + 1_000, purchase("ACTIVE", "2025-06-10T08:00:00Z", FIRST, json!({}))),
        fetched(
            START + 92 * DAY + 1_000,
            purchase("IN_GRACE_PERIOD", "2025-06-12T08:00:00Z", FIRST, json!({})),
        ),
        fetched(START + 93 * DAY, purchase("ACTIVE", "2025-09-10T08:00:00Z", SECOND, json!({}))),
        fetched(START + 113 * DAY, purchase("CANCELED", "2025-09-10T08:00:00Z", SECOND, asked.clone())),
        fetched(START + 184 * DAY + 5_000, purchase("EXPIRED", "2025-09-10T08:00:00Z", SECOND, asked)),
        product(),
    ]
}

#[test]
fn canceled_runs_on_until_it_expires() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    assert_eq!(import(&book, "googleplay", &life()).problems, []);
    let item = format!("acme {FIRST}");
    let asked = "asked 2025-07-01T00:00:00Z";
    let wanted = [
        format!("{item} 2025-03-10T08:00:00Z active Pro 7.99 EUR/3 month x1"),
        format!("{item} 2025-06-10T08:00:01Z past_due Pro 7.99 EUR/3 month x1"),
        format!("{item} 2025-06-11T08:00:00Z active Pro 7.99 EUR/3 month x1"),
        format!(
            "{item} 2025-07-01T00:00:00Z active Pro 7.99 EUR/3 month x1 {asked} ends 2025-09-10T08:00:00Z voluntary"
        ),
        format!("{item} 2025-09-10T08:00:00Z canceled Pro 7.99 EUR/3 month x1 {asked} voluntary"),
    ];
    assert_eq!(states(&book), wanted);
}

#[test]
fn any_order_of_files_says_the_same() {
    any_order_says_the_same("googleplay", &life());
}

#[test]
fn the_first_shape_has_millionths_and_no_period() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let old = json!({"packageName": "test.acme", "subscriptionId": "old", "purchaseToken": "t",
        "subscriptionPurchase": {"kind": "androidpublisher#subscriptionPurchase", "startTimeMillis": START.to_string(),
            "expiryTimeMillis": (START + 365 * DAY).to_string(), "autoRenewing": true, "priceCurrencyCode": "JPY",
            "priceAmountMicros": "4800000000", "countryCode": "JP", "paymentState": 1, "orderId": FIRST}});
    let done = import(&book, "googleplay", std::slice::from_ref(&old));
    assert_eq!(done.problems.iter().map(|p| p.code).collect::<Vec<_>>(), ["unknown_price"]);
    assert!(states(&book).is_empty());
    let product = json!({"productId": "old", "name": "Old", "subscriptionPeriod": "P1Y"});
    assert_eq!(import(&book, "googleplay", &[old, product]).problems, []);
    assert_eq!(
        states(&book),
        [format!("{FIRST} {FIRST} 2025-03-10T08:00:00Z active Old 4800 JPY/1 year x1")]
    );
}

#[test]
fn deliveries_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let error = deliver(&book, "googleplay", &[], b"{\"message\":{}}").unwrap_err();
    assert_eq!(error.code(), "webhook_refused");
    assert!(error.to_string().contains("neither its state nor its price"), "{error}");
}
