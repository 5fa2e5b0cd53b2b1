//! Goals, annotations, and what reports say of earlier numbers, through the real command line.

use crate::harness::{Desk, rows};

/// Six months of one new customer of 100 each, by the 10th: a pace of 100 and one customer a month.
fn steady() -> Desk {
    let desk = Desk::new("2026-06-30");
    let mut text = String::from("customer,subscription,effective_at,status,plan,amount\n");
    for month in 1..=6 {
        text.push_str(&format!("c{month},s{month},2026-{month:02}-10,active,Pro,100\n"));
    }
    desk.import("s.csv", &text);
    desk
}

#[test]
fn goals_are_measured_against_the_pace() {
    let desk = steady();
    let told = desk.ok(&["goals", "add", "mrr", "1,000", "--by", "2026-09-30"]);
    // Three whole months at 100 each from 600.
    assert_eq!(told["id"], "g1");
    let figures = ["now", "missing", "expected", "short", "pace_a_month"].map(|k| told[k].as_str().unwrap());
    assert_eq!(figures, ["600", "400", "900", "100", "100"]);
    assert_eq!((&told["needed_a_month"], &told["verdict"]), (&"133.3333333333".into(), &"short".into()));
    let customers = desk.ok(&["goals", "add", "customers", "8", "--by", "2026-08-31"]);
    assert_eq!((&customers["expected"], &customers["verdict"]), (&"8".into(), &"on_pace".into()));
    let arr = desk.ok(&["goals", "add", "arr", "7200", "--by", "2026-12-31"]);
    assert_eq!((&arr["now"], &arr["verdict"]), (&"7200".into(), &"met".into()));
    let past = desk.ok(&["goals", "add", "mrr", "350", "--by", "2026-03-31"]);
    assert_eq!(
        (&past["now"], &past["verdict"], &past["missing"]),
        (&"300".into(), &"missed".into(), &"50".into())
    );
    let churn = desk.ok(&["goals", "add", "gross_mrr_churn", "2%", "--by", "2026-12-31", "--at-most"]);
    assert_eq!(
        (&churn["value"], &churn["now"], &churn["verdict"]),
        (&"0.02".into(), &"0".into(), &"met".into())
    );
    // The command beside a goal prints the value it names.
    let command: Vec<&str> = told["command"].as_str().unwrap().split(' ').skip(1).collect();
    assert_eq!(rows(&desk.ok(&command))[0]["value"], "600");
    let all = desk.ok(&["goals"]);
    let ids: Vec<&str> = rows(&all).iter().map(|r| r["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["g4", "g2", "g1", "g3", "g5"], "by their day");
    desk.ok(&["goals", "remove", "g1"]);
    desk.refused(&["goals", "remove", "g1"], "unknown_goal", 1);
    // An id is never given twice.
    assert_eq!(desk.ok(&["goals", "add", "mrr", "1", "--by", "2027-01-31"])["id"], "g6");
}

#[test]
fn what_is_no_goal_is_refused() {
    let desk = steady();
    let add = |metric: &str, value: &str, by: &str, code: &str| {
        desk.refused(&["goals", "add", metric, value, "--by", by], code, 2);
    };
    add("mmr", "100", "2026-12-31", "unknown_metric");
    add("mrr", "much", "2026-12-31", "bad_goal");
    add("mrr", "5%", "2026-12-31", "bad_goal");
    add("customers", "1.5", "2026-12-31", "bad_goal");
    add("mrr", "100", "soon", "bad_date");
    add("gross_mrr_churn", "2%", "2026-12-31", "bad_goal");
    assert!(rows(&desk.ok(&["goals"])).is_empty());
    desk.refused(&["annotations", "add", "2026-02-30", "x"], "bad_date", 2);
    desk.refused(&["annotations", "add", "2026-02-10", "  "], "bad_annotation", 1);
    desk.refused(&["annotations", "add", "2026-02-10", &"x".repeat(81)], "bad_annotation", 1);
}

#[test]
fn a_goal_without_facts_has_no_value() {
    let desk = Desk::new("2026-06-30");
    let told = desk.ok(&["goals", "add", "mrr", "100", "--by", "2026-12-31"]);
    assert_eq!((&told["now"], &told["verdict"]), (&serde_json::Value::Null, &"unknown".into()));
}

#[test]
fn reports_hold_what_people_wrote_down() {
    let desk = steady();
    desk.ok(&["goals", "add", "mrr", "1000", "--by", "2026-09-30"]);
    desk.ok(&["annotations", "add", "2026-05-04", "Price change"]);
    desk.ok(&["annotations", "add", "2024-05-04", "Long ago"]);
    let told = desk.ok(&["report", "monthly"]);
    let text = told["markdown"].as_str().unwrap();
    assert!(text.contains("2026-05-04: Price change") && !text.contains("Long ago"), "{text}");
    assert!(
        text.contains("| Monthly recurring revenue | 2026-09-30 | 1,000.00 | 600.00 | 900.00 | short |"),
        "{text}"
    );
    let html = told["html"].as_str().unwrap();
    assert!(html.contains("Price change") && html.contains("Goal by 2026-09-30"));
}

#[test]
fn a_report_says_which_earlier_numbers_are_others_now() {
    let mut desk = Desk::new("2026-04-25");
    let text = "customer,subscription,effective_at,status,plan,amount\n\
                a,s1,2026-02-10,active,Pro,100\nb,s2,2026-03-10,active,Pro,50\n";
    desk.import("s.csv", text);
    // In May it turns out that b had paid 80 from the start, and that c was there in March.
    // A book that held nothing when the period began cannot be compared, and says so.
    let empty = Desk::new("2026-06-01T09:00:00Z");
    empty.import("s.csv", text);
    let told = empty.ok(&["report", "monthly"]);
    assert!(told["markdown"].as_str().unwrap().contains("Not compared: nothing was known yet"));
    desk.at("2026-06-01T09:00:00Z");
    let unchanged = desk.ok(&["report", "monthly"]);
    assert!(unchanged["markdown"].as_str().unwrap().contains("None since 2026-05-01T00:00:00Z"));
    desk.at("2026-05-20T09:00:00Z");
    let late = "customer,subscription,effective_at,status,plan,amount\n\
                b,s2,2026-03-10,active,Pro,80\nc,s3,2026-03-20,active,Pro,7\n";
    desk.import("late.csv", late);
    desk.at("2026-06-01T09:00:00Z");
    let told = desk.ok(&["report", "monthly"]);
    let text = told["markdown"].as_str().unwrap();
    assert!(text.contains("| March 2026 | +50.00 | +87.00 | 150.00 | 187.00 | +37.00 |"), "{text}");
    // April itself moved nothing, but ended higher.
    assert!(text.contains("| April 2026 | · | · | 150.00 | 187.00 | +37.00 |"), "{text}");
    assert!(!text.contains("| February 2026 | +100.00 | +100.00"), "{text}");
}
