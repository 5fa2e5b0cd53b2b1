//! `netnew sql`, through the real binary. Run with `--features sql` or `--features pg`.

#[path = "../it/harness.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod harness;

mod exact;
mod guard;
mod metrics;
#[cfg(feature = "pg")]
mod pg;
mod tables;

use harness::Desk;
use serde_json::Value;

/// The rows of a query.
fn rows(desk: &Desk, args: &[&str], sql: &str) -> Vec<Value> {
    let mut all = vec!["sql", sql];
    all.extend(args);
    let value = desk.ok(&all);
    assert!(value["next"].is_null(), "{value:#}");
    value["rows"].as_array().expect("a list of rows").clone()
}

/// The only value of a query.
fn one(desk: &Desk, sql: &str) -> Value {
    let rows = rows(desk, &[], sql);
    assert_eq!(rows.len(), 1, "{sql}: {rows:#?}");
    let row = rows[0].as_object().expect("a row");
    assert_eq!(row.len(), 1, "{sql}: {row:#?}");
    row.values().next().expect("a value").clone()
}

/// A desk with the book of a made-up business in several currencies.
fn demo(now: &str, customers: &str) -> Desk {
    let desk = Desk::bare(now);
    let dir = desk.path("").display().to_string();
    desk.ok(&["demo", "--no-serve", "--customers", customers, "--keep", &dir]);
    desk
}
