//! Charges, refunds, disputes, credit notes and invoices: whatever order they come in, the same entries.

use crate::account::{NOW, at, book};
use crate::deliveries::deliver;
use crate::server::{KEY, serve};
use netnew_book::{Book, BucketRange, Finish, ImportOptions, Part};
use netnew_connect::check::check;
use netnew_connect::http::Stripe;
use netnew_connect::intake::{Gathered, Listed, Mode, take};
use netnew_connect::sync::sync;
use netnew_facts::{PayloadRef, winning_entries};
use netnew_money::Instant;
use netnew_stripe::read;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DAY: i64 = 86_400;

fn charge(id: &str, created: i64, status: &str, refunded: i64) -> Value {
    json!({"id": id, "object": "charge", "customer": "cus_1", "created": created, "amount": 5000, "currency": "usd",
        "amount_captured": if status == "succeeded" { 5000 } else { 0 }, "captured": status == "succeeded",
        "amount_refunded": refunded, "status": status, "livemode": true, "payment_intent": "pi_1",
        "failure_code": if status == "failed" { json!("card_declined") } else { Value::Null },
        "outcome": {"reason": if status == "failed" { json!("insufficient_funds") } else { Value::Null }},
        "payment_method_details": {"type": "card"}})
}

fn invoice(status: &str, created: i64, paid: Option<i64>) -> Value {
    json!({"id": "in_1", "object": "invoice", "customer": "cus_1", "created": created, "status": status, "currency": "usd",
        "number": "A-1", "total": 5000, "livemode": true, "billing_reason": "manual",
        "total_taxes": [{"amount": 800, "tax_behavior": "exclusive"}],
        "status_transitions": {"finalized_at": created + 60, "paid_at": paid},
        "lines": {"object": "list", "has_more": false, "data": [
            {"id": "il_1", "object": "line_item", "amount": 4500, "currency": "usd", "quantity": 3, "description": "Set-up",
             "discount_amounts": [{"amount": 300, "discount": "di_1"}], "period": {"start": created, "end": created},
             "parent": {"type": "invoice_item_details", "invoice_item_details": {"proration": false}}}]}})
}

fn refund(status: &str) -> Value {
    json!({"id": "re_1", "object": "refund", "charge": "ch_2", "payment_intent": "pi_1", "created": NOW - 5 * DAY, "amount": 1500,
        "currency": "usd", "status": status, "reason": "requested_by_customer"})
}

fn dispute(status: &str) -> Value {
    json!({"id": "dp_1", "object": "dispute", "charge": "ch_2", "payment_intent": "pi_1", "created": NOW - 4 * DAY, "amount": 3500,
        "currency": "usd", "status": status, "reason": "fraudulent", "livemode": true})
}

fn credit_note(status: &str) -> Value {
    json!({"id": "cn_1", "object": "credit_note", "customer": "cus_1", "invoice": "in_1", "created": NOW - 3 * DAY, "total": 700,
        "currency": "usd", "status": status, "reason": "order_change", "livemode": true,
        "total_taxes": [{"amount": 100, "tax_behavior": "exclusive"}]})
}

fn payment_of_invoice() -> Value {
    json!({"id": "inpay_1", "object": "invoice_payment", "invoice": "in_1", "created": NOW - 10 * DAY, "livemode": true,
        "payment": {"type": "payment_intent", "payment_intent": "pi_1"}, "status": "paid"})
}

/// What happened, as events.
fn story() -> Vec<Value> {
    let (opened, failed, paid) = (NOW - 10 * DAY, NOW - 9 * DAY, NOW - 8 * DAY);
    let told = [
        (opened, "invoice.created", invoice("draft", opened, None)),
        (opened + 60, "invoice.finalized", invoice("open", opened, None)),
        (failed, "charge.failed", charge("ch_1", failed, "failed", 0)),
        (paid, "charge.succeeded", charge("ch_2", paid, "succeeded", 0)),
        (paid, "invoice_payment.paid", payment_of_invoice()),
        (paid, "invoice.paid", invoice("paid", opened, Some(paid))),
        (NOW - 5 * DAY, "refund.created", refund("pending")),
        (NOW - 5 * DAY, "charge.refunded", charge("ch_2", paid, "succeeded", 1500)),
        (NOW - 5 * DAY + 9, "refund.updated", refund("succeeded")),
        (NOW - 4 * DAY, "charge.dispute.created", dispute("needs_response")),
        (NOW - 3 * DAY, "credit_note.created", credit_note("issued")),
        (NOW - 2 * DAY, "charge.dispute.closed", dispute("lost")),
        (NOW - DAY, "credit_note.voided", credit_note("void")),
    ];
    let event = |(n, (created, kind, object)): (usize, (i64, &str, Value))| {
        json!({"id": format!("evt_{n}"), "object": "event", "type": kind, "created": created, "livemode": true,
            "data": {"object": object}})
    };
    told.into_iter().enumerate().map(event).collect()
}

/// The same as lists give it today, by path.
fn lists() -> BTreeMap<String, Vec<Value>> {
    let opened = NOW - 10 * DAY;
    let put = |name: &str, list: Vec<Value>| (name.to_string(), list);
    [
        put("invoices", vec![invoice("paid", opened, Some(NOW - 8 * DAY))]),
        put("invoice_payments", vec![payment_of_invoice()]),
        put(
            "charges",
            vec![
                charge("ch_2", NOW - 8 * DAY, "succeeded", 1500),
                charge("ch_1", NOW - 9 * DAY, "failed", 0),
            ],
        ),
        put("refunds", vec![refund("succeeded")]),
        put("disputes", vec![dispute("lost")]),
        put("credit_notes", vec![credit_note("void")]),
    ]
    .into()
}

/// The entries that hold, as text.
fn entries(book: &Book) -> Vec<String> {
    let snapshot = book.snapshot().unwrap();
    let mut out = Vec::new();
    let visit = &mut |facts: netnew_facts::CustomerFacts| {
        for (fact, at, entry) in winning_entries(&facts, Instant::MAX) {
            let netnew_facts::Body::Entry { kind, key, .. } = &fact.body else { continue };
            out.push(format!("{kind} {key} of {} at {at}: {}", fact.customer, entry.to_json()));
        }
        Ok(())
    };
    snapshot.scan_part(BucketRange::ALL, Part::Entries, visit).unwrap();
    out.sort();
    out
}

fn list_all(book: &Book) {
    let options = ImportOptions {
        source: "stripe",
        now: at(NOW),
        replace: false,
        wait_ms: 1_000,
        memory_budget_bytes: 1 << 20,
    };
    let mut import = book.begin_import(options).unwrap();
    let mut gathered = Gathered::default();
    let payload = import.add_payload_bytes("list", b"{}").unwrap();
    for object in lists().into_values().flatten() {
        gathered.add(read(&object), PayloadRef { payload, row: 1 }, Listed::At(NOW));
    }
    take(book, &mut import, "stripe", at(NOW), gathered, Mode::Tell).unwrap();
    import.finish(Finish::Commit).unwrap();
}

fn expected() -> Vec<String> {
    let day = |ago: i64| at(NOW - ago * DAY);
    let mut out = vec![
        format!(
            "credit-notes cn_1 of cus_1 at {}: {}",
            day(3),
            r#"{"amount":"7","tax":"1","currency":"USD","void":true,"invoice":"in_1","reason":"order_change"}"#
        ),
        format!(
            "disputes dp_1 of cus_1 at {}: {{\"amount\":\"35\",\"currency\":\"USD\",\"status\":\"lost\",\"payment\":\"ch_2\",\"invoice\":\"in_1\",\"closed_at\":\"{}\",\"reason\":\"fraudulent\"}}",
            day(4),
            day(2)
        ),
        format!(
            "invoices in_1 of cus_1 at {}: {{\"status\":\"paid\",\"currency\":\"USD\",\"total\":\"50\",\"tax\":\"8\",\"number\":\"A-1\",\"paid_at\":\"{}\",\"lines\":[{}]}}",
            at(NOW - 10 * DAY + 60),
            day(8),
            r#"{"amount":"42","kind":"one_time","discount":"3","description":"Set-up","quantity_micros":3000000}"#
        ),
        format!(
            "payments ch_1 of cus_1 at {}: {}",
            day(9),
            r#"{"result":"failed","amount":"50","currency":"USD","invoice":"in_1","method":"card","failure":"card_declined: insufficient_funds"}"#
        ),
        format!(
            "payments ch_2 of cus_1 at {}: {}",
            day(8),
            r#"{"result":"succeeded","amount":"50","currency":"USD","invoice":"in_1","method":"card"}"#
        ),
        format!(
            "refunds re_1 of cus_1 at {}: {}",
            day(5),
            r#"{"amount":"15","currency":"USD","result":"succeeded","payment":"ch_2","invoice":"in_1","reason":"requested_by_customer"}"#
        ),
    ];
    out.sort();
    out
}

#[test]
fn money_is_told_the_same_in_any_order() {
    let mut dice = 7u64;
    let mut below = |n: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) as usize % n
    };
    for round in 0..25 {
        let folder = tempfile::tempdir().unwrap();
        let book = book(folder.path());
        let story = story();
        // Everything once, some of it twice, and the lists somewhere in between (or not at all).
        let mut order: Vec<usize> = (0..story.len()).chain((0..5).map(|_| below(story.len()))).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, below(at + 1));
        }
        let listed = (round % 3 != 0).then(|| below(order.len()));
        for (step, n) in order.iter().enumerate() {
            if listed == Some(step) {
                list_all(&book);
            }
            deliver(&book, &story[*n]);
        }
        assert_eq!(entries(&book), expected(), "round {round}, {order:?}, listed {listed:?}");
        let facts: u64 = book.imports().unwrap().iter().map(|i| i.facts).sum();
        for event in &story {
            assert_eq!(deliver(&book, event), 0, "said again it adds nothing");
        }
        list_all(&book);
        let later: u64 = book.imports().unwrap().iter().map(|i| i.facts).sum();
        // Without the lists before, only that the dispute's end is known from an event may differ: it does not.
        assert_eq!((later, entries(&book)), (facts, expected()), "round {round}");
    }
}

#[test]
fn a_sync_reads_money_and_names_what_it_may_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let open = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let given = open.clone();
    let server = serve(
        lists(),
        Box::new(move |_, path| {
            let shut = !given.load(std::sync::atomic::Ordering::SeqCst);
            let said = json!({"error": {"message": "Enable rak_charge_read."}});
            (shut && path.starts_with("/v1/charges")).then_some((403, "", said))
        }),
    );
    let stripe = Stripe::new(&server.base, KEY, &|_| {}).unwrap();
    let first = sync(&book, "stripe", &stripe, &|| at(NOW), &mut |_| {}).unwrap();
    assert_eq!(first.problems.iter().map(|p| p.code).collect::<Vec<_>>(), ["missing_permission"]);
    assert!(first.problems[0].message.contains("rak_charge_read"));
    // Without charges nobody knows whose the refund is, but what it is.
    assert!(entries(&book).iter().any(|e| e.starts_with("refunds re_1 of  at")), "{:?}", entries(&book));
    open.store(true, std::sync::atomic::Ordering::SeqCst);
    sync(&book, "stripe", &stripe, &|| at(NOW + 60), &mut |_| {}).unwrap();
    let mut expected = expected();
    // When the dispute was decided only an event tells.
    for line in &mut expected {
        *line = line.replace(&format!("\"closed_at\":\"{}\",", at(NOW - 2 * DAY)), "");
    }
    assert_eq!(entries(&book), expected);
    let found = check(&book, "stripe", &stripe, &mut |_| {}).unwrap();
    for name in ["charges", "refunds", "disputes", "credit_notes", "invoices"] {
        let of = found.iter().find(|f| f.resource == name).unwrap();
        assert_eq!(of.there, Some(of.here), "{of:?}");
    }
}
