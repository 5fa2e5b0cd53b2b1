//! Other billing systems: payloads in the shapes that their documentation shows, by file and by webhook, in any order.

mod app_store;
mod braintree;
mod chargebee;
mod google_play;
mod lemon_squeezy;
mod paddle;
mod paypal;
mod recurly;

use netnew_book::{Book, Finish, ImportOptions, OsFiles, Settings};
use netnew_connect::ConnectError;
use netnew_connect::billers::files::{form_of, gather, recognise};
use netnew_connect::billers::webhook::{Received, receive};
use netnew_connect::billers::{Gathered, system, take};
use netnew_facts::{Body, DiscountValue, EntryKind, ItemState, winning_states};
use netnew_money::{Currency, Instant};
use netnew_sources::Problem;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use ring::hmac;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// Now, in every test: 2026-01-01.
pub const NOW: i64 = 1_767_225_600;

/// The secret of every source.
pub const SECRET: &str = "a secret of the endpoint";

pub fn now() -> Instant {
    Instant::from_micros(NOW * 1_000_000)
}

pub fn book(folder: &Path) -> Book {
    let settings = Settings { currency: Currency::USD, timezone: "UTC".into(), policy: "default".into() };
    Book::create(folder.join("book").as_path(), &settings, Arc::new(OsFiles)).unwrap()
}

/// What an import of one file of payloads gave.
pub struct Imported {
    pub facts: u64,
    pub problems: Vec<Problem>,
}

/// Imports text as a file, recognised by its content.
pub fn import_text(book: &Book, name: &str, text: &str) -> Imported {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let form = recognise(file.path()).unwrap().expect("a file of a billing system");
    assert_eq!(form.system.name, name);
    let options = ImportOptions {
        source: name,
        now: now(),
        replace: false,
        wait_ms: 1_000,
        memory_budget_bytes: 1 << 20,
    };
    let mut import = book.begin_import(options).unwrap();
    let (mut gathered, mut problems) = (Gathered::default(), Vec::new());
    gather(file.path(), form, &mut import, &mut gathered, &mut |_| {}, &mut |p| problems.push(p)).unwrap();
    let taken = take(book, &mut import, name, now(), gathered, false).unwrap();
    problems.extend(
        taken
            .problems
            .into_iter()
            .map(|(place, t)| netnew_connect::billers::files::problem_of("", place.row, t)),
    );
    let outcome = import.finish(Finish::Commit).unwrap();
    Imported { facts: outcome.facts, problems }
}

/// Imports payloads as a file, an object a line.
pub fn import(book: &Book, name: &str, payloads: &[Value]) -> Imported {
    let lines: Vec<String> = payloads.iter().map(Value::to_string).collect();
    import_text(book, name, &lines.join("\n"))
}

/// A delivery with the headers that a system signs it with.
pub fn deliver(
    book: &Book,
    name: &str,
    headers: &[(&str, String)],
    body: &[u8],
) -> Result<Received, ConnectError> {
    let headers: BTreeMap<String, String> = headers.iter().map(|(k, v)| (k.to_string(), v.clone())).collect();
    receive(book, system(name).unwrap(), name, &headers, body, &[SECRET.to_string()], now())
}

pub fn hmac_hex(algorithm: hmac::Algorithm, key: &[u8], parts: &[&[u8]]) -> String {
    let tag = hmac::sign(&hmac::Key::new(algorithm, key), &parts.concat());
    tag.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// Every state that holds, one a line: customer, item, from when, and what it is.
pub fn states(book: &Book) -> Vec<String> {
    let mut out = Vec::new();
    book.snapshot()
        .unwrap()
        .scan(netnew_book::BucketRange::ALL, &mut |customer: netnew_facts::CustomerFacts| {
            let mut last: BTreeMap<(String, Instant), String> = BTreeMap::new();
            for fact in winning_states(&customer.facts, Instant::MAX) {
                if let Body::State { item, effective_at, state: Some(state), .. } = &fact.body
                    && customer.ids.contains(&fact.customer)
                {
                    // Sorted by seq: of one instant the highest holds.
                    let line = format!("{} {item} {effective_at} {}", fact.customer, shown(state));
                    last.insert((item.to_string(), *effective_at), line);
                }
            }
            out.extend(last.into_values());
            Ok(())
        })
        .unwrap();
    out.sort();
    out
}

fn shown(state: &ItemState) -> String {
    let mut text = format!(
        "{} {} {} {}/{} {} x{}",
        state.status.as_str(),
        state.plan.as_deref().unwrap_or("-"),
        state.amount,
        state.currency,
        state.interval_count,
        state.interval.as_str(),
        state.quantity_micros / 1_000_000
    );
    for discount in &state.discounts {
        let value = match discount.value {
            DiscountValue::Percent(p) => format!("{p}%"),
            DiscountValue::Amount(a) => a.to_string(),
        };
        text += &format!(" -{value} {}", discount.kind.as_str());
        text += &discount.until.map(|u| format!(" until {u}")).unwrap_or_default();
    }
    for (name, at) in
        [("trial to", state.trial_end), ("asked", state.cancel_requested_at), ("ends", state.cancel_at)]
    {
        text += &at.map(|at| format!(" {name} {at}")).unwrap_or_default();
    }
    text += &state.reason.map(|r| format!(" {}", r.as_str())).unwrap_or_default();
    if state.reconstructed {
        text += " rebuilt";
    }
    text
}

/// Every entry that holds, one a line.
pub fn entries(book: &Book, kind: EntryKind) -> Vec<String> {
    let mut out = Vec::new();
    book.snapshot()
        .unwrap()
        .scan_part(netnew_book::BucketRange::ALL, netnew_book::Part::Entries, &mut |customer| {
            for (fact, at, entry) in netnew_facts::winning_entries(&customer, Instant::MAX) {
                if let Body::Entry { kind: own, key, .. } = &fact.body
                    && *own == kind
                {
                    out.push(format!("{} {key} {at} {}", fact.customer, entry.to_json()));
                }
            }
            Ok(())
        })
        .unwrap();
    out.sort();
    out
}

/// Deliveries shuffled, some more than once, in imports of any size: the book says the same as after one tidy import.
pub fn any_order_says_the_same(name: &str, payloads: &[Value]) {
    let tidy = {
        let folder = tempfile::tempdir().unwrap();
        let book = book(folder.path());
        import(&book, name, payloads);
        everything(&book)
    };
    assert!(!tidy.is_empty());
    let indices: Vec<usize> = (0..payloads.len()).collect();
    let strategy = (
        Just(indices.clone()).prop_shuffle(),
        proptest::collection::vec(0..payloads.len(), 0..payloads.len()),
        1usize..4,
    );
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 10, failure_persistence: None, ..Default::default() });
    runner
        .run(&strategy, |(order, again, size)| {
            let folder = tempfile::tempdir().unwrap();
            let book = book(folder.path());
            let all: Vec<usize> = order.into_iter().chain(again).collect();
            for part in all.chunks(size) {
                let part: Vec<Value> = part.iter().map(|at| payloads[*at].clone()).collect();
                import(&book, name, &part);
            }
            prop_assert_eq!(everything(&book), tidy.clone());
            let again = import(&book, name, payloads);
            prop_assert_eq!(again.facts, 0, "said again, nothing is added");
            Ok(())
        })
        .unwrap();
}

fn everything(book: &Book) -> Vec<String> {
    let mut all = states(book);
    for kind in
        [EntryKind::Invoice, EntryKind::Payment, EntryKind::Refund, EntryKind::CreditNote, EntryKind::Dispute]
    {
        all.extend(entries(book, kind));
    }
    all
}

#[test]
fn every_kind_is_known_by_its_name() {
    for one in netnew_billers::SYSTEMS {
        assert!(form_of(one.kind).is_some_and(|f| !f.table && f.system.name == one.name));
        assert!(netnew_sources::Kind::parse(one.kind).is_ok(), "{}", one.kind);
        if let Some(table) = &one.table {
            assert!(form_of(table.kind).is_some_and(|f| f.table && f.system.name == one.name));
            assert!(netnew_sources::Kind::parse(table.kind).is_ok(), "{}", table.kind);
        }
    }
    assert!(form_of("states").is_none());
}
