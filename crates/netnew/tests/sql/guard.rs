//! Only questions, within limits.

use crate::demo;
use crate::harness::Desk;
use serde_json::json;

#[test]
fn what_is_not_a_question_is_refused() {
    let desk = Desk::new("2026-04-15T12:00:00Z");
    let out = desk.path("out.csv").display().to_string();
    let secret = desk.file("secret.csv", "a,b\n1,2\n");
    for sql in [
        "INSERT INTO rates VALUES (1)".to_string(),
        "UPDATE movements SET amount = 0".into(),
        "DELETE FROM facts".into(),
        "DROP TABLE facts".into(),
        "CREATE TABLE t AS SELECT 1".into(),
        "CREATE VIEW v AS SELECT 1".into(),
        "SELECT 1 AS a INTO t".into(),
        format!("COPY (SELECT 1) TO '{out}'"),
        format!("COPY facts TO '{out}' STORED AS CSV"),
        format!("EXPLAIN ANALYZE COPY (SELECT 1) TO '{out}'"),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{secret}'"),
        "SET datafusion.sql_parser.parse_float_as_decimal = false".into(),
        "BEGIN".into(),
        "TRUNCATE TABLE facts".into(),
        "PREPARE p AS SELECT 1".into(),
    ] {
        let error = desk.refused(&["sql", &sql], "read_only", 2);
        assert!(!error["error"]["hint"].as_str().expect("a hint").is_empty(), "{sql}");
    }
    assert!(!desk.path("out.csv").exists(), "a refused query wrote a file");
    // A path is not a table.
    desk.refused(&["sql", &format!("SELECT * FROM '{secret}'")], "sql_plan", 2);
    desk.refused(&["sql", "SELECT 1; SELECT 2"], "sql_statements", 2);
    desk.refused(&["sql", "SELEC 1"], "sql_syntax", 2);
    desk.refused(&["sql", "SELECT nothing FROM movements"], "sql_plan", 2);
    desk.refused(&["sql", "SELECT * FROM moments"], "sql_plan", 2);
    desk.refused(&["sql", "SELECT 1", "--by", "plan"], "usage", 2);
    desk.refused(&["sql"], "usage", 2);
}

#[test]
fn questions_about_the_tables_are_questions() {
    let desk = Desk::new("2026-04-15T12:00:00Z");
    let tables = desk.ok(&["sql", "SHOW TABLES"]);
    assert!(tables["rows"].as_array().expect("rows").iter().any(|row| row["table_name"] == "movements"));
    let columns = desk.ok(&["sql", "DESCRIBE movements"]);
    assert_eq!(columns["rows"][0]["column_name"], "id");
    desk.ok(&["sql", "EXPLAIN SELECT sum(amount) FROM movements"]);
}

#[test]
fn limits_hold() {
    let desk = demo("2026-11-23T14:05:00Z", "40");
    let error = desk.refused(&["sql", "SELECT * FROM movements", "--max-rows", "3"], "too_many_rows", 1);
    assert!(error["error"]["hint"].as_str().expect("a hint").contains("--limit"));
    let first = desk.ok(&["sql", "SELECT id FROM movements ORDER BY id", "--limit", "3", "--max-rows", "3"]);
    assert_eq!(first["rows"].as_array().expect("rows").len(), 3);
    assert_eq!(first["next"], "r3");
    let second = desk.ok(&["sql", "SELECT id FROM movements ORDER BY id", "--limit", "1", "--cursor", "r2"]);
    assert_eq!(second["rows"][0], first["rows"][2]);
    let big = "SELECT a.value + b.value AS v FROM generate_series(1, 3000) a, generate_series(1, 3000) b \
               GROUP BY v, a.value, b.value ORDER BY v LIMIT 1";
    desk.refused(&["sql", big, "--memory", "8"], "sql_memory", 1);
    let long = "SELECT count(*) FROM generate_series(1, 2000000) a, generate_series(1, 2000000) b \
                WHERE a.value % 7 = b.value % 11";
    desk.refused(&["sql", long, "--timeout", "1"], "sql_timeout", 1);
}

#[test]
fn an_empty_book_has_no_rows() {
    let desk = Desk::new("2026-04-15T12:00:00Z");
    for table in [
        "facts",
        "item_states",
        "movements",
        "levels",
        "customers",
        "payloads",
        "rates",
        "metrics",
        "presence",
        "scheduled",
        "periods",
    ] {
        assert_eq!(
            desk.ok(&["sql", &format!("SELECT * FROM {table}")]),
            json!({"rows": [], "next": null}),
            "{table}"
        );
    }
}
