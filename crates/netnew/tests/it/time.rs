//! Two clocks: what happened, and what was known.

use crate::harness::{Desk, rows};

#[test]
fn a_correction_restates_the_past_and_the_past_stays_readable() {
    let mut desk = Desk::new("2026-02-01T00:00:00Z");
    desk.import("s.csv", "customer,subscription,effective_at,amount\nacme,s1,2026-01-10,20\n");
    desk.at("2026-03-01T00:00:00Z");
    let again = desk.import("s.csv", "customer,subscription,effective_at,amount\nacme,s1,2026-01-10,25\n");
    assert_eq!((&again["facts"], &again["superseded"]), (&1.into(), &1.into()));
    assert_eq!(desk.waterfall(&["--to", "2026-01-31"]), ["2026-01-01 0 25 0 0 0 0 0 0 25 =1"]);
    assert_eq!(
        desk.waterfall(&["--known-on", "2026-02-15", "--to", "2026-01-31"]),
        ["2026-01-01 0 20 0 0 0 0 0 0 20 =1"]
    );
    assert!(desk.waterfall(&["--known-on", "2026-01-15"]).is_empty());
}

#[test]
fn a_b_a_is_three_facts_and_the_same_file_twice_is_one() {
    let mut desk = Desk::new("2026-02-01T00:00:00Z");
    let mut facts = Vec::new();
    for (day, amount) in [(1, 20), (2, 20), (3, 25), (4, 20)] {
        desk.at(&format!("2026-02-0{day}T00:00:00Z"));
        let text = format!("customer,subscription,effective_at,amount\nacme,s1,2026-01-10,{amount}\n");
        let outcome = desk.import("s.csv", &text);
        facts.push((
            outcome["facts"].as_u64(),
            outcome["duplicates"].as_u64(),
            outcome["superseded"].as_u64(),
        ));
    }
    assert_eq!(
        facts,
        [
            (Some(1), Some(0), Some(0)),
            (Some(0), Some(1), Some(0)),
            (Some(1), Some(0), Some(1)),
            (Some(1), Some(0), Some(1)),
        ]
    );
    assert_eq!(desk.movements(&[]), ["2026-01-10 acme new 20 other -"]);
}

#[test]
fn the_book_zone_cuts_the_months() {
    let states = "customer,subscription,effective_at,amount\nacme,s1,2026-01-31T20:00:00Z,20\n";
    let utc = Desk::new("2026-02-10T00:00:00Z");
    utc.import("s.csv", states);
    let kolkata = Desk::with("2026-02-10T00:00:00Z", &["--timezone", "Asia/Kolkata"]);
    kolkata.import("s.csv", states);
    assert_eq!(utc.movements(&[]), ["2026-01-31 acme new 20 other -"]);
    assert_eq!(kolkata.movements(&[]), ["2026-02-01 acme new 20 other -"]);
    assert_eq!(utc.movements(&["--timezone", "Asia/Kolkata"]), ["2026-02-01 acme new 20 other -"]);
}

#[test]
fn the_known_future_is_marked_as_expected() {
    let desk = Desk::new("2026-02-10T00:00:00Z");
    desk.import(
        "s.csv",
        "customer,subscription,effective_at,amount,cancel_at,discount_percent,discount_until\n\
         acme,s1,2026-01-10,20,2026-03-10,,\n\
         zen,s2,2026-01-10,100,,20,2026-04-10\n",
    );
    let value = desk.ok(&["mrr", "--to", "2026-04-30"]);
    let told: Vec<String> = rows(&value)
        .iter()
        .map(|r| {
            format!(
                "{} {} {} {}",
                r["period"].as_str().unwrap_or(""),
                r["expected"],
                r["complete"],
                r["end"].as_str().unwrap_or("")
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "2026-01-01 null true 100",
            "2026-02-01 true false 100",
            "2026-03-01 true false 80",
            "2026-04-01 true false 100",
        ]
    );
    let cmrr = desk.ok(&["metrics", "cmrr"]);
    assert_eq!(rows(&cmrr).last().expect("a row")["value"], "100");
}

#[test]
fn two_currencies_keep_the_identity_through_an_fx_line() {
    let desk = Desk::new("2026-03-01T00:00:00Z");
    desk.import(
        "r.csv",
        "date,base,quote,rate\n2026-01-09,EUR,USD,1.1\n2026-01-30,EUR,USD,1.2\n2026-02-27,EUR,USD,1.15\n",
    );
    desk.import("s.csv", "customer,subscription,effective_at,amount,currency\nacme,s1,2026-01-10,100,EUR\nzen,s2,2026-01-10,50,USD\n");
    assert_eq!(
        desk.waterfall(&["--to", "2026-02-28"]),
        ["2026-01-01 0 160 0 0 0 0 0 10 170 =2", "2026-02-01 170 0 0 0 0 0 0 -5 165 =2"]
    );
    assert_eq!(
        desk.waterfall(&["--to", "2026-01-31", "--constant-rates", "2026-01-10"]),
        ["2026-01-01 0 160 0 0 0 0 0 0 160 =2"]
    );
    // The known future is told at today's rates: there are no others yet.
    assert_eq!(
        desk.waterfall(&["--from", "2026-05-01", "--to", "2026-05-31"]),
        ["2026-05-01 165 0 0 0 0 0 0 0 165 =2"]
    );
    let original = desk.ok(&["mrr", "--to", "2026-01-31", "--currency", "original"]);
    let told: Vec<&str> = rows(&original).iter().filter_map(|r| r["currency"].as_str()).collect();
    assert_eq!(told, ["EUR", "USD"]);
    desk.refused(
        &["mrr", "--to", "2026-01-20", "--from", "2026-01-01", "--set", "fx.max_age_days=3"],
        "missing_rate",
        1,
    );
}
