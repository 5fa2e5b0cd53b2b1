//! Amounts are exact or there is an error.

use crate::harness::Desk;
use crate::{one, rows};
use serde_json::json;

fn desk() -> Desk {
    Desk::new("2026-04-15T12:00:00Z")
}

#[test]
fn literals_are_decimals() {
    let desk = desk();
    assert_eq!(one(&desk, "SELECT 0.1 + 0.2"), json!("0.3"));
    assert_eq!(one(&desk, "SELECT 0.1 + 0.2 = 0.3"), json!(true));
    assert_eq!(one(&desk, "SELECT sum(v) FROM (VALUES (0.1), (0.2), (-0.3)) t(v)"), json!("0"));
    assert_eq!(one(&desk, "SELECT 83.3333333333 * 12"), json!("999.9999999996"));
}

#[test]
fn division_is_by_ratio() {
    let desk = desk();
    assert_eq!(one(&desk, "SELECT ratio(1, 3)"), json!("0.3333333333"));
    assert_eq!(one(&desk, "SELECT ratio(2, 3)"), json!("0.6666666667"));
    assert_eq!(one(&desk, "SELECT ratio(-2, 3)"), json!("-0.6666666667"));
    // Halves go to the even digit, both ways.
    assert_eq!(one(&desk, "SELECT ratio(0.00000000005, 1)"), json!("0"));
    assert_eq!(one(&desk, "SELECT ratio(0.00000000015, 1)"), json!("0.0000000002"));
    assert_eq!(one(&desk, "SELECT ratio(1, 0)"), json!(null));
    assert_eq!(one(&desk, "SELECT ratio(NULL, 1)"), json!(null));
    assert_eq!(
        one(&desk, "SELECT ratio(99999999999999999999999999, 1)"),
        json!("99999999999999999999999999")
    );
    desk.refused(&["sql", "SELECT ratio(CAST(1 AS DOUBLE), 3)"], "sql_plan", 2);
    desk.refused(&["sql", "SELECT 1.0 / 0"], "sql_failed", 1);
}

const NINES: &str = "9999999999999999999999999999.9999999999";

#[test]
fn sums_do_not_wrap() {
    let desk = desk();
    let most = format!("SELECT sum(v) FROM (VALUES (CAST({NINES} AS DECIMAL(38,10)))) t(v)");
    assert_eq!(one(&desk, &most), json!(NINES));
    for sql in [
        format!("SELECT sum(v) FROM (VALUES (CAST({NINES} AS DECIMAL(38,10))), (0.0000000001)) t(v)"),
        format!(
            "SELECT k, sum(v) FROM (VALUES (1, CAST({NINES} AS DECIMAL(38,10))), (1, 0.0000000001)) t(k, v) GROUP BY k"
        ),
        "SELECT sum(v) FROM (VALUES (9223372036854775807), (1)) t(v)".into(),
        "SELECT k, sum(v) FROM (VALUES (1, 9223372036854775807), (1, 1)) t(k, v) GROUP BY k".into(),
        "SELECT sum(v) OVER (ORDER BY v) FROM (VALUES (9223372036854775807), (9223372036854775806)) t(v)"
            .into(),
        format!("SELECT CAST({NINES} AS DECIMAL(38,10)) * CAST({NINES} AS DECIMAL(38,10))"),
    ] {
        desk.refused(&["sql", &sql], "sql_failed", 1);
    }
    // What goes over and comes back fits.
    let back = "SELECT sum(v) FROM (VALUES (9223372036854775807), (1), (-1)) t(v)";
    assert_eq!(one(&desk, back), json!(9_223_372_036_854_775_807i64));
}

#[test]
fn averages_are_rounded_once() {
    let desk = desk();
    assert_eq!(one(&desk, "SELECT avg(v) FROM (VALUES (1), (1), (2)) t(v)"), json!("1.3333333333"));
    assert_eq!(one(&desk, "SELECT avg(v) FROM (VALUES (0.1), (0.2)) t(v)"), json!("0.15"));
    assert_eq!(one(&desk, "SELECT avg(DISTINCT v) FROM (VALUES (1), (1), (2)) t(v)"), json!("1.5"));
    assert_eq!(one(&desk, "SELECT sum(DISTINCT v) FROM (VALUES (1.5), (1.5), (2)) t(v)"), json!("3.5"));
    assert_eq!(one(&desk, "SELECT sum(v) FROM (SELECT 1 AS v WHERE false) t"), json!(null));
}

#[test]
fn sums_move_with_their_window() {
    let sums = rows(
        &desk(),
        &[],
        "SELECT v, sum(v) OVER (ORDER BY v ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS two \
         FROM (VALUES (0.1), (0.2), (0.4)) t(v) ORDER BY v",
    );
    let two: Vec<_> = sums.iter().map(|row| row["two"].as_str().expect("a sum")).collect();
    assert_eq!(two, ["0.1", "0.3", "0.6"]);
}
