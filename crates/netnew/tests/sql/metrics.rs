//! The number of `netnew metrics` and of the query that is published with each metric, digit by digit.

use crate::harness::Desk;
use crate::{demo, rows};
use serde_json::Value;

/// Figures by period, as texts.
fn figures(rows: &[Value]) -> Vec<(String, String)> {
    rows.iter()
        .map(|row| {
            let value = match &row["value"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (row["period"].as_str().expect("a period").to_string(), value)
        })
        .collect()
}

/// Compares one metric over the same flags; returns how many figures there were, and how many were not null.
fn compare(desk: &Desk, name: &str, sql: &str, flags: &[&str]) -> (usize, usize) {
    let mut args = vec!["metrics", name];
    args.extend(flags);
    let told = figures(desk.ok(&args)["rows"].as_array().expect("rows"));
    let asked = figures(&rows(desk, flags, sql));
    assert_eq!(asked, told, "{name} {flags:?}\n{sql}");
    (told.len(), told.iter().filter(|(_, value)| value != "null").count())
}

/// Name and query of every metric, own formula or, with a policy, the formula that it selects.
fn published(desk: &Desk) -> Vec<(String, Value)> {
    let list = desk.ok(&["metrics", "list"]);
    list["rows"]
        .as_array()
        .expect("metrics")
        .iter()
        .map(|m| {
            let name = m["name"].as_str().expect("a name").to_string();
            let described = desk.ok(&["metrics", "describe", &name]);
            (name, described)
        })
        .collect()
}

#[test]
fn every_metric_is_the_number_of_its_query() {
    let desk = demo("2026-11-23T14:05:00Z", "150");
    let metrics = published(&desk);
    assert!(metrics.len() >= 44, "{}", metrics.len());
    let runs: [&[&str]; 5] = [
        &[],
        &["--interval", "quarter", "--from", "2025-10-01", "--to", "2026-12-31"],
        &["--interval", "month", "--from", "2026-03-10", "--to", "2026-06-20", "--currency", "EUR"],
        &["--interval", "week", "--from", "2026-09-01", "--timezone", "America/New_York"],
        &["--interval", "year", "--to", "2027-06-30"],
    ];
    let mut asked = 0;
    for (name, described) in &metrics {
        // Figures over entries have none: the open tables do not hold what they are made from.
        let Some(sql) = described["sql"].as_str() else { continue };
        asked += 1;
        let mut defined = 0;
        for flags in runs {
            let (all, some) = compare(&desk, name, sql, flags);
            assert!(all > 0, "{name} {flags:?}: no periods");
            defined += some;
        }
        assert!(defined > 0, "{name} was null everywhere, which proves nothing");
    }
    assert!(asked >= 46, "{asked}");
}

#[test]
fn every_variant_is_the_number_of_its_query() {
    let desk = demo("2026-11-23T14:05:00Z", "120");
    let mut compared = 0;
    for (name, described) in &published(&desk) {
        for variant in described["variants"].as_array().expect("variants") {
            let Some(sql) = variant["sql"].as_str() else { continue };
            let set = format!(
                "{}={}",
                variant["knob"].as_str().expect("a knob"),
                variant["value"].as_str().expect("a value")
            );
            compare(&desk, name, sql, &["--set", &set, "--from", "2025-12-01"]);
            compared += 1;
        }
    }
    assert!(compared >= 12, "{compared}");
}

#[test]
fn the_table_of_metrics_is_what_metrics_prints() {
    let desk = demo("2026-11-23T14:05:00Z", "60");
    for name in ["mrr", "customers", "nrr", "ltv", "lifetime_months"] {
        let sql = format!("SELECT period, value FROM metrics WHERE metric = '{name}' ORDER BY period");
        compare(&desk, name, &sql, &["--from", "2026-01-01"]);
    }
}
