//! The App Store.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::json;

const HOUR: i64 = 3_600_000;
/// 2025-03-10T08:00:00Z and the same hour in the months after, in milliseconds.
const MONTHS: [i64; 4] = [1_741_593_600_000, 1_744_272_000_000, 1_746_864_000_000, 1_749_542_400_000];

/// Signed by the chain of the tests, as Apple signs by its own.
fn signed(payload: &Value) -> String {
    let der = |pem: &str| pem.lines().filter(|line| !line.starts_with("-----")).collect::<String>();
    let head = json!({"alg": "ES256", "x5c": [der(include_str!("keys/app_leaf.pem")), der(include_str!("keys/app_mid.pem")),
        der(include_str!("keys/app_root.pem"))]});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&head), part(payload));
    let random = ring::rand::SystemRandom::new();
    let key = include_bytes!("keys/app_leaf.pk8");
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &random).unwrap();
    let tag = key.sign(&random, text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn transaction(n: usize, more: Value) -> Value {
    let mut one = json!({"transactionId": format!("{}", 2000 + n), "originalTransactionId": "2000",
        "bundleId": "test.acme.app", "productId": "pro.monthly", "type": "Auto-Renewable Subscription",
        "purchaseDate": MONTHS[n], "expiresDate": MONTHS[n + 1], "originalPurchaseDate": MONTHS[0], "quantity": 1,
        "appAccountToken": "6f1c-acme", "inAppOwnershipType": "PURCHASED", "environment": "Production",
        "storefront": "USA", "price": 9_990, "currency": "USD", "signedDate": MONTHS[n] + 1_000});
    for (key, value) in more.as_object().unwrap() {
        one[key] = value.clone();
    }
    one
}

fn notification(
    kind: &str,
    subtype: Option<&str>,
    status: i64,
    at: i64,
    transaction: &Value,
    renewal: Value,
) -> Value {
    let mut inside = renewal;
    inside["originalTransactionId"] = json!("2000");
    inside["signedDate"] = json!(at);
    json!({"notificationType": kind, "subtype": subtype, "notificationUUID": format!("{kind}-{at}"), "version": "2.0",
        "signedDate": at, "data": {"bundleId": "test.acme.app", "environment": "Production", "status": status,
            "signedTransactionInfo": signed(transaction), "signedRenewalInfo": signed(&inside)}})
}

fn life() -> Vec<Value> {
    let renews = json!({"autoRenewStatus": 1, "autoRenewProductId": "pro.monthly"});
    let off = json!({"autoRenewStatus": 0, "expirationIntent": 1});
    let second = transaction(1, json!({}));
    let all = [
        notification(
            "SUBSCRIBED",
            Some("INITIAL_BUY"),
            1,
            MONTHS[0] + 2_000,
            &transaction(0, json!({})),
            renews.clone(),
        ),
        notification("DID_RENEW", None, 1, MONTHS[1] + 2_000, &second, renews),
        notification(
            "DID_CHANGE_RENEWAL_STATUS",
            Some("AUTO_RENEW_DISABLED"),
            1,
            MONTHS[1] + 5 * HOUR,
            &second,
            off.clone(),
        ),
        notification("EXPIRED", Some("VOLUNTARY"), 2, MONTHS[2] + 60_000, &second, off),
    ];
    all.iter().map(|one| json!({"signedPayload": signed(one)})).collect()
}

#[test]
fn renewal_turned_off_is_asking_and_expiry_is_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    assert_eq!(import(&book, "appstore", &life()).problems, []);
    let wanted = [
        "6f1c-acme 2000 2025-03-10T08:00:00Z active pro.monthly 9.99 USD/1 month x1",
        "6f1c-acme 2000 2025-04-10T13:00:00Z active pro.monthly 9.99 USD/1 month x1 asked 2025-04-10T13:00:00Z ends 2025-05-10T08:00:00Z",
        "6f1c-acme 2000 2025-05-10T08:00:00Z canceled pro.monthly 9.99 USD/1 month x1 asked 2025-04-10T13:00:00Z voluntary",
    ];
    assert_eq!(states(&book), wanted);
    assert_eq!(entries(&book, EntryKind::Payment).len(), 2);
}

#[test]
fn deliveries_in_any_order_say_the_same() {
    any_order_says_the_same("appstore", &life());
}

#[test]
fn a_price_that_is_missing_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let mut old = transaction(0, json!({"signedDate": MONTHS[0] + 1_000}));
    old.as_object_mut().unwrap().remove("price");
    old.as_object_mut().unwrap().remove("currency");
    // A list of signed transactions, as the history of the API is.
    let page = json!({"signedTransactions": [signed(&old)]});
    let done = import_text(
        &book,
        "appstore",
        &json!([{"signedPayload": signed(&notification(
        "SUBSCRIBED", None, 1, MONTHS[0] + 2_000, &old, json!({"autoRenewStatus": 1})))}, old])
        .to_string(),
    );
    assert_eq!(done.problems.iter().map(|p| p.code).collect::<Vec<_>>(), ["unknown_price"]);
    assert!(states(&book).is_empty() && !page.is_null());
    let product = json!({"productId": "pro.monthly", "name": "Pro", "subscriptionPeriod": "P1M", "prices": {"USD": "9.99"}});
    let file = format!("{}\n{product}", life()[0]);
    assert_eq!(import_text(&book, "appstore", &file).problems, []);
    assert_eq!(states(&book)[0], "6f1c-acme 2000 2025-03-10T08:00:00Z active Pro 9.99 USD/1 month x1");
}

#[test]
fn trouble_with_a_payment_and_money_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let first = transaction(0, json!({}));
    let renews = json!({"autoRenewStatus": 1});
    let back = transaction(1, json!({"revocationDate": MONTHS[1] + 24 * HOUR, "revocationReason": 1}));
    let events = [
        notification("SUBSCRIBED", Some("INITIAL_BUY"), 1, MONTHS[0] + 2_000, &first, renews.clone()),
        notification(
            "DID_FAIL_TO_RENEW",
            Some("GRACE_PERIOD"),
            4,
            MONTHS[1] + 60_000,
            &first,
            renews.clone(),
        ),
        notification(
            "DID_RENEW",
            Some("BILLING_RECOVERY"),
            1,
            MONTHS[1] + 2 * HOUR,
            &transaction(1, json!({})),
            renews.clone(),
        ),
        notification("REFUND", None, 5, MONTHS[1] + 25 * HOUR, &back, renews),
    ];
    assert_eq!(import(&book, "appstore", &events).problems, []);
    let wanted = [
        "6f1c-acme 2000 2025-03-10T08:00:00Z active pro.monthly 9.99 USD/1 month x1",
        "6f1c-acme 2000 2025-04-10T08:00:00Z past_due pro.monthly 9.99 USD/1 month x1",
        "6f1c-acme 2000 2025-04-10T10:00:00Z active pro.monthly 9.99 USD/1 month x1",
        "6f1c-acme 2000 2025-04-11T08:00:00Z canceled pro.monthly 9.99 USD/1 month x1 voluntary",
    ];
    assert_eq!(states(&book), wanted);
    assert_eq!(entries(&book, EntryKind::Refund).len(), 1);
}

#[test]
fn a_delivery_is_checked_up_to_the_root_that_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    // The certificates of the tests are younger than the lives in them: 2027.
    let later = Instant::from_micros(1_800_000_000_000_000);
    let root = include_str!("keys/app_root.pem").to_string();
    let deliver = |body: &str, secret: &str| {
        let secrets = [secret.to_string()];
        receive(
            &book,
            system("appstore").unwrap(),
            "appstore",
            &BTreeMap::new(),
            body.as_bytes(),
            &secrets,
            later,
        )
    };
    let refused = |body: &str, secret: &str| deliver(body, secret).unwrap_err().code();
    let body = life()[0].to_string();
    assert_eq!(refused("{}", &root), "bad_event");
    assert_eq!(refused(&body, "no certificate"), "bad_secret");
    assert_eq!(refused(&body, include_str!("keys/paypal.pem")), "bad_signature", "another root");
    // Another payload under the signature of this one.
    let own = life()[0]["signedPayload"].as_str().unwrap().to_string();
    let parts: Vec<&str> = own.split('.').collect();
    let forged =
        format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(r#"{"notificationType":"TEST"}"#), parts[2]);
    assert_eq!(refused(&json!({"signedPayload": forged}).to_string(), &root), "bad_signature");
    // Signed well, by a chain that is not Apple's kind: its leaf is a plain certificate.
    let head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    assert!(STANDARD.decode(head["x5c"][0].as_str().unwrap()).is_ok());
    let mut swapped = head.clone();
    swapped["x5c"][0] = head["x5c"][1].clone();
    let swapped = format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(swapped.to_string()), parts[1], parts[2]);
    assert_eq!(refused(&json!({"signedPayload": swapped}).to_string(), &root), "bad_signature");
    assert!(deliver(&body, &root).unwrap().outcome.facts > 0);
    assert_eq!(deliver(&body, &root).unwrap().outcome.facts, 0);
}
