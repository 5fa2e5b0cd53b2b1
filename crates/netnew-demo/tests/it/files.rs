//! The files by themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use netnew_demo::{Demo, DemoOptions};
use netnew_money::Day;

use crate::engine::written;

fn demo(seed: u64, customers: u32) -> Demo {
    let as_of = Day::parse("2026-11-24").expect("a day");
    Demo::new(DemoOptions { seed, customers, ..DemoOptions::up_to(as_of) })
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("the files are text")
}

fn states(demo: &Demo) -> String {
    text(written(|out| demo.write_states_csv(out)))
}

fn customers(demo: &Demo) -> String {
    text(written(|out| demo.write_customers_csv(out)))
}

/// Cells by column; no cell but that of `discounts`, which comes with quotes, has a comma.
fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let cells = |line: &str| {
        let mut quoted = false;
        let cells = line.split(|c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        });
        let row: BTreeMap<String, String> =
            names.iter().zip(cells).map(|(name, cell)| (name.to_string(), cell.to_string())).collect();
        assert_eq!(row.len(), names.len(), "{line}");
        row
    };
    lines.map(cells).collect()
}

#[test]
fn a_seed_is_one_business_and_another_seed_another() {
    assert_eq!(states(&demo(1, 300)), states(&demo(1, 300)));
    assert_eq!(demo(1, 300).answers(), demo(1, 300).answers());
    assert_ne!(states(&demo(1, 300)), states(&demo(2, 300)));
    assert_ne!(customers(&demo(1, 300)), customers(&demo(2, 300)));
}

/// Takes a few bytes at a time, as a pipe may, and fails when it is full.
struct Narrow {
    taken: Vec<u8>,
    room: usize,
}

impl Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(7).min(self.room - self.taken.len());
        self.taken.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn rows_are_the_same_however_they_are_taken() {
    let demo = demo(1, 2_000);
    let whole = states(&demo);
    let mut narrow = Narrow { taken: Vec::new(), room: usize::MAX };
    let count = demo.write_states_csv(&mut narrow).expect("room for all");
    assert_eq!(text(narrow.taken), whole);
    assert_eq!(count as usize, whole.lines().count() - 1);

    let mut full = Narrow { taken: Vec::new(), room: whole.len() / 2 };
    let error = demo.write_states_csv(&mut full).expect_err("there is no room");
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);
}

#[test]
fn files_without_customers_have_a_header() {
    let none = demo(1, 0);
    assert_eq!((states(&none).lines().count(), customers(&none).lines().count()), (1, 1));
    assert!(none.answers().months.iter().all(|m| m.total.end.is_zero() && m.by_plan.is_empty()));
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    for as_of in [Day::MIN, Day::MIN.add_days(40), Day::MAX] {
        let demo = Demo::new(DemoOptions { customers: 200, ..DemoOptions::up_to(as_of) });
        let end = demo.answers().months.last().map(|m| m.last);
        assert_eq!(end, Some(as_of));
        assert_eq!(customers(&demo).lines().skip(1).filter(|l| l.ends_with(',')).count(), 200);
        assert!(states(&demo).lines().count() > 200);
    }
}

#[test]
fn every_customer_has_some_rows_and_they_are_in_order() {
    let demo = demo(1, 2_000);
    let all = rows(&states(&demo));
    let each = all.len() / 2_000;
    assert!((5..=9).contains(&each), "{each} rows a customer");
    let mut known = BTreeSet::new();
    for pair in all.windows(2) {
        let [one, next] = pair else { continue };
        if one["customer"] == next["customer"] {
            assert!(one["effective_at"] <= next["effective_at"], "{one:?} {next:?}");
        } else {
            assert!(known.insert(one["customer"].clone()), "a customer's rows are together");
        }
        assert!(next["effective_at"].as_str() <= "2026-11-24T00:00:00Z");
    }
    assert_eq!(known.len() + 1, 2_000);
}

#[test]
fn keys_are_never_used_twice() {
    let mut keys = BTreeSet::new();
    for row in rows(&states(&demo(1, 5_000))) {
        let key = ["subscription", "item", "effective_at", "seq"].map(|name| row[name].clone());
        assert!(keys.insert(key), "{row:?}");
    }
}

#[test]
fn the_usual_business_has_everything() {
    let all = rows(&states(&demo(1, 600)));
    let values = |column: &str| -> BTreeSet<String> { all.iter().map(|row| row[column].clone()).collect() };
    let has = |column: &str, wanted: &[&str]| {
        let found = values(column);
        for one in wanted {
            assert!(found.contains(*one), "no {column} {one:?}: {found:?}");
        }
    };
    has("status", &["active", "trialing", "past_due", "unpaid", "paused", "canceled", "free"]);
    has("plan", &["Free", "Starter", "Pro", "Team", "Business", "Priority support", "API calls"]);
    has("currency", &["USD", "EUR"]);
    has("interval", &["month", "year"]);
    has("interval_count", &["1", "3"]);
    has("quantity", &["1", "5"]);
    has("usage_type", &["licensed", "metered"]);
    has("discount_percent", &["", "20", "30", "50"]);
    has("discount_kind", &["", "repeating", "forever", "once"]);
    has("seq", &["", "1"]);
    has("item", &["", "support", "usage"]);
    has("amount", &["19", "22", "17", "20", "190", "49", "15", "199", "567.15", "0.002", "0"]);
    has("reason", &["", "voluntary", "voluntary: too expensive", "involuntary: card declined"]);
    for column in ["discounts", "discount_until", "trial_end", "cancel_requested_at", "cancel_at"] {
        assert!(values(column).len() > 1, "no {column}");
    }
    assert!(all.iter().any(|row| row["subscription"].ends_with("_2")));
    assert!(
        all.iter().any(|row| row["cancel_at"].as_str() > "2026-11-24"),
        "some cancellations are still ahead"
    );
    assert!(all.iter().any(|row| row["trial_end"].as_str() > "2026-11-24"), "some trials are still running");
}

#[test]
fn customers_come_from_many_places_and_one_moves() {
    let all = rows(&customers(&demo(1, 600)));
    let values = |column: &str| -> BTreeSet<&str> { all.iter().map(|row| row[column].as_str()).collect() };
    assert_eq!(values("customer").len(), 600);
    assert_eq!(values("email").len(), 600);
    assert!((6..=10).contains(&values("country").len()));
    assert_eq!(values("channel").len(), 5);
    assert_eq!(values("company_size").len(), 4);
    assert!(values("name").len() > 500);
    assert!(all.iter().all(|row| row["email"].ends_with("@example.com") && !row["email"].contains(' ')));
    let moved: Vec<_> = all.iter().filter(|row| !row["effective_at"].is_empty()).collect();
    assert!(!moved.is_empty() && all.len() == 600 + moved.len());
    for row in moved {
        let before = all.iter().find(|other| other["customer"] == row["customer"]).expect("a first row");
        assert_ne!(before["country"], row["country"]);
        assert_eq!(before["name"], row["name"]);
    }
}
