//! PayPal.

use super::*;
use serde_json::json;

fn plan() -> Value {
    json!({"id": "P-1GOLD", "product_id": "PROD-1", "name": "Gold", "status": "ACTIVE", "quantity_supported": true,
        "billing_cycles": [
            {"tenure_type": "TRIAL", "sequence": 1, "total_cycles": 2,
                "frequency": {"interval_unit": "WEEK", "interval_count": 1}},
            {"tenure_type": "REGULAR", "sequence": 2, "total_cycles": 0,
                "frequency": {"interval_unit": "MONTH", "interval_count": 1},
                "pricing_scheme": {"version": 1, "fixed_price": {"currency_code": "EUR", "value": "11.9"}}}],
        "taxes": {"percentage": "19", "inclusive": true},
        "create_time": "2025-01-01T00:00:00Z", "update_time": "2025-01-01T00:00:00Z"})
}

fn event(kind: &str, at: &str, resource: Value) -> Value {
    json!({"id": format!("WH-{at}"), "create_time": at, "resource_type": "subscription", "event_type": kind,
        "summary": "", "resource": resource})
}

fn subscription(status: &str, since: &str, failed: u32) -> Value {
    json!({"id": "I-BW452", "plan_id": "P-1GOLD", "status": status, "status_update_time": since, "quantity": "3",
        "start_time": "2025-01-10T00:00:00Z", "create_time": "2025-01-10T00:00:00Z", "update_time": since,
        "plan_overridden": false, "subscriber": {"payer_id": "PAYER1", "email_address": "p@acme.test",
            "name": {"given_name": "Pat", "surname": "Acme"}},
        "billing_info": {"outstanding_balance": {"currency_code": "EUR", "value": "0.0"}, "failed_payments_count": failed,
            "cycle_executions": [{"tenure_type": "REGULAR", "sequence": 2, "cycles_completed": 1}]}})
}

fn sale(id: &str, at: &str) -> Value {
    let resource = json!({"id": id, "billing_agreement_id": "I-BW452", "state": "completed", "create_time": at,
        "amount": {"total": "35.70", "currency": "EUR"}, "transaction_fee": {"value": "1.24", "currency": "EUR"}});
    event("PAYMENT.SALE.COMPLETED", at, resource)
}

fn life() -> Vec<Value> {
    vec![
        plan(),
        event(
            "BILLING.SUBSCRIPTION.CREATED",
            "2025-01-09T23:59:00Z",
            subscription("APPROVAL_PENDING", "2025-01-09T23:59:00Z", 0),
        ),
        event(
            "BILLING.SUBSCRIPTION.ACTIVATED",
            "2025-01-10T00:00:30Z",
            subscription("ACTIVE", "2025-01-10T00:00:20Z", 0),
        ),
        sale("SALE1", "2025-01-24T00:01:00Z"),
        event("BILLING.SUBSCRIPTION.PAYMENT.FAILED", "2025-02-24T00:01:00Z", {
            let mut one = subscription("ACTIVE", "2025-01-10T00:00:20Z", 1);
            one["billing_info"]["last_failed_payment"] = json!({"amount": {"currency_code": "EUR", "value": "35.70"},
                "time": "2025-02-24T00:00:50Z", "reason_code": "PAYMENT_DENIED"});
            one
        }),
        event(
            "BILLING.SUBSCRIPTION.SUSPENDED",
            "2025-03-05T00:00:00Z",
            subscription("SUSPENDED", "2025-03-05T00:00:00Z", 0),
        ),
        event(
            "BILLING.SUBSCRIPTION.CANCELLED",
            "2025-03-20T10:00:05Z",
            subscription("CANCELLED", "2025-03-20T10:00:00Z", 0),
        ),
    ]
}

#[test]
fn cancelled_is_over_at_once_and_tax_is_taken_out() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    assert_eq!(import(&book, "paypal", &life()).problems, []);
    let wanted = [
        "PAYER1 I-BW452 2025-01-10T00:00:00Z trialing Gold 10 EUR/1 month x3 trial to 2025-01-24T00:00:00Z",
        "PAYER1 I-BW452 2025-01-24T00:00:00Z active Gold 10 EUR/1 month x3",
        "PAYER1 I-BW452 2025-02-24T00:00:50Z past_due Gold 10 EUR/1 month x3",
        "PAYER1 I-BW452 2025-03-05T00:00:00Z paused Gold 10 EUR/1 month x3",
        "PAYER1 I-BW452 2025-03-20T10:00:00Z canceled Gold 10 EUR/1 month x3 asked 2025-03-20T10:00:00Z voluntary",
    ];
    assert_eq!(states(&book), wanted);
    let payments = entries(&book, EntryKind::Payment);
    assert_eq!(payments.len(), 2, "{payments:?}");
    assert!(
        payments.iter().all(|p| p.starts_with("PAYER1 ")),
        "a sale names its subscription only: {payments:?}"
    );
}

#[test]
fn deliveries_in_any_order_say_the_same() {
    any_order_says_the_same("paypal", &life());
}

#[test]
fn a_delivery_is_checked_with_the_certificate_that_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let body = life()[2].to_string();
    let crc = crc32fast::hash(body.as_bytes());
    let key = ring::rsa::KeyPair::from_pkcs8(include_bytes!("keys/paypal.pk8")).unwrap();
    let sign = |webhook: &str| {
        let message = format!("t-1|2026-01-01T00:00:00Z|{webhook}|{crc}");
        let mut tag = vec![0; key.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        key.sign(&ring::signature::RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut tag).unwrap();
        BTreeMap::from([
            ("paypal-transmission-id".to_string(), "t-1".to_string()),
            ("paypal-transmission-time".into(), "2026-01-01T00:00:00Z".into()),
            ("paypal-auth-algo".into(), "SHA256withRSA".into()),
            ("paypal-cert-url".into(), "https://api.paypal.com/v1/notifications/certs/CERT-1".into()),
            ("paypal-transmission-sig".into(), {
                use base64::Engine;
                base64::engine::general_purpose::STANDARD.encode(tag)
            }),
        ])
    };
    let pem = include_str!("keys/paypal.pem").to_string();
    let deliver = |headers: &BTreeMap<String, String>, body: &str, secrets: &[String]| {
        receive(&book, system("paypal").unwrap(), "paypal", headers, body.as_bytes(), secrets, now())
    };
    let ours = ["WH-ID".to_string(), pem];
    assert_eq!(deliver(&BTreeMap::new(), &body, &ours).unwrap_err().code(), "bad_signature_header");
    assert_eq!(deliver(&sign("WH-ID"), &body, &ours[..1]).unwrap_err().code(), "bad_secret");
    assert_eq!(deliver(&sign("WH-OTHER"), &body, &ours).unwrap_err().code(), "bad_signature");
    assert_eq!(
        deliver(&sign("WH-ID"), &body.replace("PAYER1", "PAYER2"), &ours).unwrap_err().code(),
        "bad_signature"
    );
    let done = deliver(&sign("WH-ID"), &body, &ours).unwrap();
    assert_eq!(
        done.problems.iter().map(|p| p.code).collect::<Vec<_>>(),
        ["unknown_price"],
        "the plan is to come"
    );
    import(&book, "paypal", &[plan()]);
    assert_eq!(states(&book).len(), 1);
}
