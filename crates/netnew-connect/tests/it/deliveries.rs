//! Deliveries: in any order, more than once, before or after what covers them.

use crate::account::{NOW, account, at, book, held};
use hmac::{Hmac, KeyInit, Mac};
use netnew_book::{Book, Finish, ImportOptions};
use netnew_connect::intake::{Gathered, Listed, Mode, take};
use netnew_connect::webhook::receive;
use netnew_facts::PayloadRef;
use netnew_stripe::read;
use serde_json::{Value, json};
use sha2::Sha256;

const SECRET: &str = "whsec_deliveries";

fn signed(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{NOW}.").as_bytes());
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    format!("t={NOW},v1={hex}")
}

pub fn deliver(book: &Book, event: &Value) -> u64 {
    let body = event.to_string();
    let header = signed(body.as_bytes());
    let (done, outcome) = receive(book, "stripe", &header, body.as_bytes(), &[SECRET], at(NOW + 5)).unwrap();
    assert!(done.problems.is_empty() && !done.left_out, "{done:?}");
    outcome.facts
}

/// Everything that is listed, in one import.
fn listing(book: &Book) {
    let options = ImportOptions {
        source: "stripe",
        now: at(NOW + 5),
        replace: false,
        wait_ms: 1_000,
        memory_budget_bytes: 1 << 20,
    };
    let mut import = book.begin_import(options).unwrap();
    let mut gathered = Gathered::default();
    let payload = import.add_payload_bytes("list", b"{}").unwrap();
    for (_, objects) in account(2).into_iter().filter(|(name, _)| name != "events") {
        for object in objects {
            gathered.add(read(&object), PayloadRef { payload, row: 1 }, Listed::At(NOW));
        }
    }
    take(book, &mut import, "stripe", at(NOW + 5), gathered, Mode::Tell).unwrap();
    import.finish(Finish::Commit).unwrap();
}

/// Three changes of one subscription: quantity 3 to 5 to 7, then asked to end.
fn events() -> Vec<Value> {
    let first = crate::account::event(0);
    let mut second = first.clone();
    second["id"] = json!("evt_second");
    second["created"] = json!(NOW - 3_600);
    second["data"]["object"] = crate::account::subscription(0, 7);
    second["data"]["previous_attributes"]["items"] = first["data"]["object"]["items"].clone();
    let mut third = second.clone();
    third["id"] = json!("evt_third");
    third["created"] = json!(NOW - 60);
    third["data"]["previous_attributes"] = json!({"cancel_at": null, "canceled_at": null});
    third["data"]["object"]["cancel_at"] = json!(NOW + 86_400);
    third["data"]["object"]["canceled_at"] = json!(NOW - 60);
    vec![first, second, third]
}

#[test]
fn whatever_comes_first_the_book_says_the_same_in_the_end() {
    let mut seen: Option<Vec<String>> = None;
    for order in [[0usize, 1, 2, 9], [2, 1, 0, 9], [1, 9, 2, 0], [9, 2, 0, 1]] {
        let folder = tempfile::tempdir().unwrap();
        let book = book(folder.path());
        for step in order {
            if step == 9 {
                // The list shows the subscription as it is in the end.
                let mut objects = events();
                let last = objects.remove(2)["data"]["object"].clone();
                listing_with(&book, last);
            } else {
                deliver(&book, &events()[step]);
            }
        }
        for event in events() {
            assert_eq!(deliver(&book, &event), 0, "a delivery said twice adds nothing");
        }
        let states = held(&book);
        match &seen {
            None => seen = Some(states),
            Some(first) => assert_eq!(*first, states, "order {order:?}"),
        }
    }
    let states = seen.unwrap();
    assert!(states.iter().any(|s| s.starts_with("cus_0000") && s.contains("x7")), "{states:?}");
}

fn listing_with(book: &Book, subscription: Value) {
    let options = ImportOptions {
        source: "stripe",
        now: at(NOW + 5),
        replace: false,
        wait_ms: 1_000,
        memory_budget_bytes: 1 << 20,
    };
    let mut import = book.begin_import(options).unwrap();
    let payload = import.add_payload_bytes("list", b"{}").unwrap();
    let mut gathered = Gathered::default();
    for (name, objects) in account(2) {
        for object in objects {
            if name == "events" {
                continue;
            }
            let object = if object["id"] == subscription["id"] { subscription.clone() } else { object };
            gathered.add(read(&object), PayloadRef { payload, row: 1 }, Listed::At(NOW));
        }
    }
    take(book, &mut import, "stripe", at(NOW + 5), gathered, Mode::Tell).unwrap();
    import.finish(Finish::Commit).unwrap();
}

#[test]
fn what_is_not_signed_is_not_booked() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    listing(&book);
    let before = held(&book);
    let body = events()[1].to_string();
    let header = signed(body.as_bytes());
    let receive = |header: &str, body: &str, now| {
        receive(&book, "stripe", header, body.as_bytes(), &[SECRET], at(now)).unwrap_err().code()
    };
    assert_eq!(receive(&header, &body.replace("\"quantity\":7", "\"quantity\":70"), NOW), "bad_signature");
    assert_eq!(receive(&header, &body, NOW + 301), "stale_signature");
    assert_eq!(held(&book), before);
}
