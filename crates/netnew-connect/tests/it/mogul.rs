//! What is sent in ChartMogul's shapes, from the desk to facts.

use netnew_book::{Book, Part, Settings};
use netnew_connect::mogul::acts::{Request, basics, customers, invoices};
use netnew_connect::mogul::{Desk, Refusal, Which, tell};
use netnew_facts::{Body, CustomerFacts, Status, winning_entries, winning_states};
use netnew_money::{Currency, Instant};
use serde_json::{Value, json};

fn at(text: &str) -> Instant {
    Instant::parse_rfc3339(text).unwrap()
}

fn request(day: u32, body: Value) -> Request {
    let now = at(&format!("2026-01-{day:02}T00:00:00Z"));
    Request { now, record: body.to_string(), body: body.as_object().unwrap().clone() }
}

fn book() -> (tempfile::TempDir, Book) {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        currency: Currency::parse("USD").unwrap(),
        timezone: "UTC".into(),
        policy: "default".into(),
    };
    let book = Book::create_at(&dir.path().join("book"), &settings).unwrap();
    (dir, book)
}

/// A data source with a plan and a customer; their uuids.
fn begin(desk: &Desk) -> (String, String, String) {
    let source = desk
        .write(|store| basics::add_data_source(store, &request(1, json!({"name": "Shop"})), |_| false))
        .unwrap()
        .uuid;
    let named = source.clone();
    let (plan, customer) = desk
        .write(move |store| {
            let plan = json!({"data_source_uuid": named, "name": "Gold", "interval_count": 1, "interval_unit": "month"});
            let customer = json!({"data_source_uuid": named, "external_id": "ada", "name": "Ada"});
            Ok((
                basics::add_plan(store, &request(1, plan))?.uuid,
                customers::add(store, &request(1, customer))?.uuid,
            ))
        })
        .unwrap();
    (source, plan, customer)
}

fn invoice(plan: &str, external: &str, month: u32) -> Value {
    json!({"invoices": [{
        "external_id": external, "date": format!("2025-{month:02}-01"), "currency": "USD",
        "line_items": [{
            "type": "subscription", "subscription_external_id": "s1", "plan_uuid": plan, "amount_in_cents": 1000 * i64::from(month),
            "service_period_start": format!("2025-{month:02}-01"), "service_period_end": format!("2025-{:02}-01", month + 1)
        }],
        "transactions": [{"type": "payment", "date": format!("2025-{month:02}-02"), "result": "successful"}]
    }]})
}

fn send(desk: &Desk, customer: &str, body: Value) -> Result<String, Refusal> {
    let customer = customer.to_string();
    desk.write(move |store| Ok(invoices::import(store, &request(2, body), &customer)?[0].uuid.clone()))
}

fn facts(book: &Book, id: &str) -> CustomerFacts {
    book.snapshot().unwrap().customer_part(id, Part::All).unwrap().unwrap()
}

#[test]
fn what_is_sent_becomes_facts_once_with_its_raw_record() {
    let (_dir, book) = book();
    let desk = Desk::open(&book).unwrap();
    let (_, plan, customer) = begin(&desk);
    send(&desk, &customer, invoice(&plan, "i1", 1)).unwrap();
    let done = tell::tell(&book, &desk, at("2026-01-02T00:00:00Z")).unwrap();
    // Attributes, a state, an invoice, a payment.
    assert_eq!((done.customers, done.facts), (1, 4));
    let again = tell::tell(&book, &desk, at("2026-01-03T00:00:00Z")).unwrap();
    assert_eq!((again.customers, again.facts), (0, 0));
    let all = facts(&book, "ada");
    let state = all.facts.iter().find(|f| matches!(f.body, Body::State { .. })).unwrap();
    let kept = book.snapshot().unwrap().payload(state.payload.payload).unwrap().unwrap();
    let text = std::fs::read_to_string(kept.path).unwrap();
    let line = text.lines().nth(usize::try_from(state.payload.row).unwrap() - 1).unwrap();
    assert!(line.contains("\"i1\""), "{line}");
    assert!(matches!(send(&desk, &customer, invoice(&plan, "i1", 1)), Err(Refusal::WrongBody(_))));
    assert_eq!(tell::tell(&book, &desk, at("2026-01-04T00:00:00Z")).unwrap().facts, 0);
}

#[test]
fn what_was_not_told_before_the_end_is_told_by_the_next() {
    let (dir, book) = book();
    let desk = Desk::open(&book).unwrap();
    let (_, plan, customer) = begin(&desk);
    send(&desk, &customer, invoice(&plan, "i1", 1)).unwrap();
    drop((desk, book));
    let book = Book::open_at(&dir.path().join("book")).unwrap();
    let desk = Desk::open(&book).unwrap();
    assert_eq!(desk.read(|store| store.waiting()).unwrap(), 1);
    assert_eq!(tell::tell(&book, &desk, at("2026-01-05T00:00:00Z")).unwrap().facts, 4);
}

#[test]
fn taking_away_withdraws_and_what_was_known_stays_known() {
    let (_dir, book) = book();
    let desk = Desk::open(&book).unwrap();
    let (_, plan, customer) = begin(&desk);
    send(&desk, &customer, invoice(&plan, "i1", 1)).unwrap();
    let second = send(&desk, &customer, invoice(&plan, "i2", 2)).unwrap();
    tell::tell(&book, &desk, at("2026-01-02T00:00:00Z")).unwrap();
    desk.write(move |store| invoices::remove(store, &request(3, json!({})), Which::Id(&second))).unwrap();
    let done = tell::tell(&book, &desk, at("2026-01-03T00:00:00Z")).unwrap();
    // The state, the invoice and the payment.
    assert_eq!(done.facts, 3);
    let all = facts(&book, "ada");
    let states = |known| {
        let winners = winning_states(&all.facts, known);
        winners.iter().filter(|f| matches!(&f.body, Body::State { state: Some(_), .. })).count()
    };
    assert_eq!((states(at("2026-01-02T12:00:00Z")), states(Instant::MAX)), (2, 1));
    assert_eq!(winning_entries(&all, Instant::MAX).len(), 2);
    let id = customer.clone();
    desk.write(move |store| customers::remove(store, &request(4, json!({})), &id)).unwrap();
    tell::tell(&book, &desk, at("2026-01-04T00:00:00Z")).unwrap();
    let all = facts(&book, "ada");
    let live = winning_states(&all.facts, Instant::MAX);
    assert!(
        live.iter()
            .all(|f| !matches!(&f.body, Body::State { state: Some(s), .. } if s.status != Status::Canceled))
    );
    assert!(winning_entries(&all, Instant::MAX).is_empty());
}

#[test]
fn one_wrong_invoice_refuses_the_whole_request() {
    let (_dir, book) = book();
    let desk = Desk::open(&book).unwrap();
    let (_, plan, customer) = begin(&desk);
    let mut both = invoice(&plan, "i1", 1);
    let mut wrong = invoice(&plan, "i2", 2)["invoices"][0].clone();
    wrong["currency"] = json!("XXL");
    both["invoices"].as_array_mut().unwrap().push(wrong);
    let Err(Refusal::WrongBody(body)) = send(&desk, &customer, both) else { panic!("was taken") };
    assert_eq!(body["invoices"][0]["external_id"], json!("i2"));
    let found = desk.read(|store| store.by_external("invoice", "", "i1")).unwrap();
    assert_eq!(found, None);
    assert!(send(&desk, &customer, invoice(&plan, "i1", 1)).is_ok());
}

#[test]
fn requests_at_the_same_time_share_a_commit_and_harm_no_other() {
    let (_dir, book) = book();
    let desk = Desk::open(&book).unwrap();
    let (source, plan, _) = begin(&desk);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (desk, source, plan) = (&desk, &source, &plan);
            scope.spawn(move || {
                for number in 0..20 {
                    let external = format!("c{thread}-{number}");
                    let body = json!({"data_source_uuid": source, "external_id": external});
                    let made = desk.write(move |store| customers::add(store, &request(2, body))).unwrap();
                    let mut body = invoice(plan, &external, 1);
                    body["invoices"][0]["line_items"][0]["subscription_external_id"] = json!(external);
                    send(desk, &made.uuid, body.clone()).unwrap();
                    assert!(send(desk, &made.uuid, body).is_err(), "sent twice");
                }
            });
        }
    });
    let done = tell::tell(&book, &desk, at("2026-01-06T00:00:00Z")).unwrap();
    // A state, an invoice and a payment each; Ada's attributes.
    assert_eq!((done.customers, done.facts), (161, 160 * 3 + 1));
}
