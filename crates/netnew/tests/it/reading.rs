//! Reports over imported files, to the last digit.

use crate::harness::{Desk, rows};

const STATES: &str = "\
customer,subscription,effective_at,status,plan,amount,interval
acme,s1,2026-01-10,active,Basic,20,month
acme,s1,2026-02-10,active,Pro,50,month
zen,s2,2026-01-15,active,Year,1000,year
zen,s2,2026-03-15,canceled,,,
acme,s1,2026-03-20,active,Basic,20,month
";

fn desk() -> Desk {
    let desk = Desk::new("2026-04-15T00:00:00Z");
    let imported = desk.import("states.csv", STATES);
    assert_eq!(imported["facts"], 5);
    desk
}

#[test]
fn the_waterfall_adds_up_to_the_last_digit() {
    assert_eq!(
        desk().waterfall(&[]),
        [
            "2026-01-01 0 103.3333333333 0 0 0 0 0 0 103.3333333333 =2",
            "2026-02-01 103.3333333333 0 0 30 0 0 0 0 133.3333333333 =2",
            "2026-03-01 133.3333333333 0 0 0 -30 -83.3333333333 0 0 20 =1",
            "2026-04-01 20 0 0 0 0 0 0 0 20 =1",
        ]
    );
}

#[test]
fn groups_show_the_leaking_plan() {
    assert_eq!(
        desk().waterfall(&["--by", "plan", "--from", "2026-03-01", "--to", "2026-03-31"]),
        [
            "2026-03-01 Basic 0 0 0 0 0 0 20 0 20 =1",
            "2026-03-01 Pro 50 0 0 0 -30 0 -20 0 0 =0",
            "2026-03-01 Year 83.3333333333 0 0 0 0 -83.3333333333 0 0 0 =0",
        ]
    );
    assert_eq!(
        desk().waterfall(&["--where", "plan=Pro", "--from", "2026-02-01", "--to", "2026-03-31"]),
        ["2026-02-01 0 0 0 30 0 0 20 0 50 =1", "2026-03-01 50 0 0 0 -30 0 -20 0 0 =0",]
    );
}

#[test]
fn movements_carry_their_causes_and_stable_ids() {
    let desk = desk();
    assert_eq!(
        desk.movements(&["--customer", "acme"]),
        [
            "2026-01-10 acme new 20 other Basic",
            "2026-02-10 acme transfer -20 upgrade Basic",
            "2026-02-10 acme transfer 20 upgrade Pro",
            "2026-02-10 acme expansion 30 upgrade Pro",
            "2026-03-20 acme transfer -20 downgrade Pro",
            "2026-03-20 acme contraction -30 downgrade Pro",
            "2026-03-20 acme transfer 20 downgrade Basic",
        ]
    );
    let ids = |desk: &Desk| -> Vec<String> {
        rows(&desk.ok(&["movements"])).iter().map(|m| m["id"].to_string()).collect()
    };
    let first = ids(&desk);
    let other = Desk::new("2026-05-01T00:00:00Z");
    let mut lines: Vec<&str> = STATES.lines().collect();
    lines[1..].reverse();
    other.import("again.csv", &lines.join("\n"));
    assert_eq!(ids(&other), first);
    let mut unique = first.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), first.len());
}

#[test]
fn a_running_period_says_so() {
    let desk = desk();
    let value = desk.ok(&["mrr"]);
    let complete: Vec<bool> = rows(&value).iter().map(|r| r["complete"] == true).collect();
    assert_eq!(complete, [true, true, true, false]);
    assert_eq!(value["data_through"], "2026-03-20T00:00:00Z");
    let clipped = desk.ok(&["mrr", "--from", "2026-01-12", "--to", "2026-02-28"]);
    assert_eq!(rows(&clipped)[0]["complete"], false);
    assert_eq!(rows(&clipped)[0]["period"], "2026-01-01");
    assert_eq!(rows(&clipped)[0]["start"], "20");
}

#[test]
fn an_empty_book_has_no_rows_and_no_complaints() {
    let desk = Desk::new("2026-04-15T00:00:00Z");
    for command in ["mrr", "movements", "metrics", "cohorts", "customers", "check"] {
        let value = desk.ok(&[command]);
        if command != "check" {
            assert!(rows(&value).is_empty(), "{command}: {value}");
        }
    }
}

#[test]
fn metrics_are_fractions_and_null_where_not_defined() {
    let value = desk().ok(&["metrics", "mrr", "arr", "customers", "nrr", "grr", "customer_churn", "ltv"]);
    let at = |period: &str, metric: &str| {
        rows(&value)
            .iter()
            .find(|r| r["period"] == period && r["metric"] == metric)
            .map(|r| r["value"].clone())
            .unwrap_or_default()
    };
    assert_eq!(at("2026-01-01", "mrr"), "103.3333333333");
    assert_eq!(at("2026-01-01", "arr"), "1240");
    assert_eq!(at("2026-01-01", "nrr"), serde_json::Value::Null);
    assert_eq!(at("2026-03-01", "nrr"), "0.15");
    assert_eq!(at("2026-03-01", "grr"), "0.15");
    assert_eq!(at("2026-03-01", "customer_churn"), "0.5");
    assert_eq!(at("2026-02-01", "ltv"), serde_json::Value::Null);
}

#[test]
fn explain_goes_down_to_the_line_of_the_file() {
    let desk = desk();
    let value = desk.ok(&["explain", "--period", "2026-03", "--kind", "churn"]);
    assert_eq!(value["amount"], "-83.3333333333");
    let fact = &value["movements"][0]["facts"][0];
    assert_eq!(fact["payload"]["row"], 5);
    assert_eq!(fact["payload"]["raw"], "zen,s2,2026-03-15,canceled,,,");
    let id = value["movements"][0]["id"].as_str().expect("an id");
    let one = desk.ok(&["explain", id]);
    assert_eq!(one["amount"], "-83.3333333333");
}

#[test]
fn wrong_usage_is_told_with_a_hint() {
    let desk = desk();
    desk.refused(&["mrr", "--where", "colour=red"], "unknown_field", 2);
    desk.refused(&["mrr", "--set", "nettign=day"], "unknown_knob", 2);
    desk.refused(&["mrr", "--set", "refund=reduces_mrr"], "knob_needs_facts", 2);
    desk.refused(&["mrr", "--interval", "fortnight"], "bad_interval", 2);
    desk.refused(&["metrics", "nrrr"], "unknown_metric", 2);
    desk.refused(&["mrr", "--currency", "EUR"], "missing_rate", 1);
    Desk::bare("2026-01-01").refused(&["mrr"], "not_a_book", 1);
}

#[test]
fn the_book_checks_clean_and_survives_export_and_backup() {
    let desk = desk();
    let checks = desk.ok(&["check"]);
    assert!(rows(&checks).iter().all(|c| c["ok"] == true), "{checks:#}");
    let before = desk.ok(&["movements"]);
    for format in ["csv", "parquet", "xlsx"] {
        let out = desk.path(format!("out-{format}").as_str());
        let output = desk.run(&["export", &out.display().to_string(), "--format", format]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let other = Desk::new("2026-04-15T00:00:00Z");
        other.ok(&["import", &out.join("files").join(format!("states.{format}")).display().to_string()]);
        assert_eq!(other.ok(&["movements"])["rows"], before["rows"], "{format}");
    }
    let backup = desk.path("book.backup").display().to_string();
    desk.ok(&["backup", &backup]);
    let restored = desk.path("restored").display().to_string();
    desk.ok(&["restore", &backup, &restored]);
    let output = desk.run(&["movements", "--format", "json", "--book", &restored]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value["rows"], before["rows"]);
}

#[test]
fn policies_compare_knob_by_knob_with_nothing_left_over() {
    let desk = Desk::new("2026-04-15T00:00:00Z");
    desk.import(
        "states.csv",
        "customer,subscription,effective_at,status,plan,amount,interval,discount_percent,discount_kind\n\
         a,s1,2026-01-10,active,Basic,20,week,,\n\
         b,s2,2026-01-10,paused,Basic,30,month,,\n\
         c,s3,2026-04-10,active,Basic,100,month,10,once\n",
    );
    let policy = desk.file(
        "mine.toml",
        "name = \"mine\"\nversion = \"2026-04\"\nbase = \"default\"\n[knobs]\npause = \"counted\"\n\"discount.one_time\" = \"subtract\"\n\"interval.week\" = \"4\"\n",
    );
    let value = desk.ok(&["policy", "compare", "default", &policy]);
    assert_eq!(value["residual"], "0");
    assert_eq!(value["difference"], "13.3333333333");
    let told: Vec<String> = rows(&value)
        .iter()
        .map(|r| {
            format!(
                "{} {} {}",
                r["knob"].as_str().unwrap_or(""),
                r["customer"].as_str().unwrap_or(""),
                r["amount"].as_str().unwrap_or("")
            )
        })
        .collect();
    assert_eq!(told, ["discount.one_time c -10", "pause b 30", "interval.week a -6.6666666667"]);
}

#[test]
fn an_opening_balance_is_marked_as_truncated_history() {
    let marked = |states: &str| -> Vec<String> {
        let desk = Desk::new("2026-04-15T00:00:00Z");
        desk.import("s.csv", states);
        let value = desk.ok(&["movements"]);
        rows(&value)
            .iter()
            .filter(|m| m["truncated"] == true)
            .map(|m| m["customer"].as_str().unwrap_or_default().to_string())
            .collect()
    };
    let head = "customer,subscription,effective_at,amount\n";
    let opening = format!("{head}a,s1,2026-01-01,10\nb,s2,2026-01-01,10\nc,s3,2026-01-09,10\n");
    assert_eq!(marked(&opening), ["a", "b"]);
    let from_scratch = format!("{head}a,s1,2026-01-01,10\nb,s2,2026-01-05,10\n");
    assert!(marked(&from_scratch).is_empty());
}
