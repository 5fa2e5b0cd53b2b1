//! Braintree.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use serde_json::json;

/// A notification in XML, in base64 with line breaks, as it comes.
fn notification(kind: &str, at: &str, subscription: &str) -> String {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<notification>\n  <kind>{kind}</kind>\n  \
         <timestamp type=\"datetime\">{at}</timestamp>\n  <subject>\n    <subscription>{subscription}</subscription>\n  \
         </subject>\n</notification>\n"
    );
    let text = STANDARD.encode(xml);
    text.as_bytes().chunks(60).map(|line| String::from_utf8_lossy(line).to_string() + "\n").collect()
}

fn subscription(status: &str, updated: &str, price: &str, more: &str) -> String {
    format!(
        "<id>b1</id><plan-id>gold</plan-id><status>{status}</status><price>{price}</price>\
         <created-at type=\"datetime\">2025-01-10T00:00:00Z</created-at><updated-at type=\"datetime\">{updated}</updated-at>\
         <first-billing-date type=\"date\">2025-01-17</first-billing-date>\
         <billing-period-start-date type=\"date\">2025-01-17</billing-period-start-date>\
         <billing-period-end-date type=\"date\">2025-04-16</billing-period-end-date>\
         <payment-method-token>t</payment-method-token>\
         <add-ons type=\"array\"><add-on><id>seats</id><name>Seats</name><amount>2.50</amount>\
         <quantity type=\"integer\">4</quantity></add-on></add-ons>{more}"
    )
}

const NO_DISCOUNT: &str = "<discounts type=\"array\"/>";

fn sale(amount: &str) -> String {
    format!(
        "<transactions type=\"array\"><transaction><id>tx1</id><status>settled</status><type>sale</type>\
         <currency-iso-code>EUR</currency-iso-code><amount>{amount}</amount><customer><id>acme</id>\
         <email>a@acme.test</email><company>Acme &amp; Co</company></customer>\
         <created-at type=\"datetime\">2025-01-17T04:00:00Z</created-at></transaction></transactions>"
    )
}

fn life() -> Vec<Value> {
    let trial = "<trial-period type=\"boolean\">true</trial-period><transactions type=\"array\"/>\
        <status-history type=\"array\"><status-event><timestamp type=\"datetime\">2025-01-10T00:00:00Z</timestamp>\
        <status>Active</status><currency-iso-code>EUR</currency-iso-code></status-event></status-history>";
    let off = "<discounts type=\"array\"><discount><id>d</id><amount>3.00</amount><quantity type=\"integer\">1</quantity>\
        <never-expires type=\"boolean\">true</never-expires></discount></discounts>";
    let paid = "<trial-period type=\"boolean\">false</trial-period>".to_string();
    let ended = "<status-history type=\"array\"><status-event><timestamp type=\"datetime\">2025-06-02T09:00:00Z</timestamp>\
        <status>Canceled</status></status-event></status-history>";
    let wrapped = |kind: &str, at: &str, inside: String| json!({"bt_signature": "k|00", "bt_payload": notification(kind, at, &inside)});
    vec![
        wrapped(
            "subscription_charged_successfully",
            "2025-01-10T00:00:01Z",
            subscription("Active", "2025-01-10T00:00:00Z", "30.00", &format!("{trial}{NO_DISCOUNT}")),
        ),
        wrapped(
            "subscription_went_active",
            "2025-01-17T04:00:01Z",
            subscription(
                "Active",
                "2025-01-17T04:00:00Z",
                "30.00",
                &format!("{paid}{}{NO_DISCOUNT}", sale("40.00")),
            ),
        ),
        wrapped(
            "subscription_went_past_due",
            "2025-04-17T04:00:00Z",
            subscription(
                "Past Due",
                "2025-04-17T04:00:00Z",
                "30.00",
                &format!("{paid}{}{off}", sale("40.00")),
            ),
        ),
        wrapped(
            "subscription_canceled",
            "2025-06-02T09:00:05Z",
            subscription(
                "Canceled",
                "2025-06-02T09:00:00Z",
                "30.00",
                &format!("{paid}{ended}{}{off}", sale("40.00")),
            ),
        ),
    ]
}

#[test]
fn canceled_is_over_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    assert_eq!(import(&book, "braintree", &life()).problems, []);
    let states = states(&book);
    // 3 off a whole of 30 and 10.
    let off = |share: &str| format!("-{share} forever");
    let item = |line: &str| line.contains(" b1 2025") || line.contains(" b1 2");
    let main: Vec<&String> = states.iter().filter(|line| item(line)).collect();
    assert_eq!(
        main,
        [
            "acme b1 2025-01-10T00:00:00Z trialing gold 30 EUR/3 month x1 trial to 2025-01-17T00:00:00Z",
            "acme b1 2025-01-17T04:00:01Z active gold 30 EUR/3 month x1",
            &format!("acme b1 2025-04-17T04:00:00Z past_due gold 30 EUR/3 month x1 {}", off("2.25")),
            &format!(
                "acme b1 2025-06-02T09:00:00Z canceled gold 30 EUR/3 month x1 {} asked 2025-06-02T09:00:00Z voluntary",
                off("2.25")
            ),
        ],
        "{states:#?}"
    );
    assert!(
        states
            .iter()
            .any(|line| line.contains("b1 seats 2025-01-17T04:00:01Z active Seats 2.5 EUR/3 month x4"))
    );
    assert_eq!(entries(&book, EntryKind::Payment).len(), 1);
    assert!(entries(&book, EntryKind::Payment)[0].starts_with("acme tx1 "));
}

#[test]
fn deliveries_in_any_order_say_the_same() {
    any_order_says_the_same("braintree", &life());
}

#[test]
fn a_delivery_is_a_signed_form() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let payload = life()[1]["bt_payload"].as_str().unwrap().to_string();
    let form = |secret: &str, payload: &str| {
        let key = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
        let hex = hmac_hex(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_ref(), &[payload.as_bytes()]);
        let encoded = |text: &str| {
            text.bytes()
                .map(
                    |b| if b.is_ascii_alphanumeric() { (b as char).to_string() } else { format!("%{b:02X}") },
                )
                .collect::<String>()
        };
        format!("bt_signature={}&bt_payload={}", encoded(&format!("other|00&public|{hex}")), encoded(payload))
    };
    let refused = |body: &str| deliver(&book, "braintree", &[], body.as_bytes()).unwrap_err().code();
    assert_eq!(refused("hello"), "bad_event");
    assert_eq!(refused(&form("another", &payload)), "bad_signature");
    assert_eq!(refused(&form(SECRET, "<not base64>")), "bad_event");
    let done = deliver(&book, "braintree", &[], form(SECRET, &payload).as_bytes()).unwrap();
    assert!(done.outcome.facts > 0 && done.problems.is_empty(), "{done:?}");
}
