//! Import from outside: what goes in, what is refused, what is said.

use crate::harness::Desk;

#[test]
fn bad_rows_are_problems_and_good_rows_go_in() {
    let desk = Desk::new("2026-04-15T00:00:00Z");
    let file = desk.file(
        "s.csv",
        "customer,subscription,effective_at,amount,currency\n\
         acme,s1,2026-01-10,20,USD\n\
         acme,s2,2026-01-10,twenty,USD\n\
         acme,s3,2026-01-10,20,USX\n\
         ,s4,2026-01-10,20,USD\n",
    );
    let (value, code) = desk.json(&["import", &file]);
    assert_eq!(code, 1);
    assert_eq!(value["facts"], 1);
    assert_eq!(value["problem_count"], 3);
    let lines: Vec<u64> =
        value["problems"].as_array().expect("problems").iter().filter_map(|p| p["line"].as_u64()).collect();
    assert_eq!(lines, [3, 4, 5]);
    for problem in value["problems"].as_array().expect("problems") {
        assert!(!problem["hint"].as_str().unwrap_or_default().is_empty(), "{problem}");
    }
    let strict = Desk::new("2026-04-15T00:00:00Z");
    let (value, code) = strict.json(&["import", &file, "--strict"]);
    assert_eq!((code, &value["facts"]), (1, &0.into()));
    assert!(strict.movements(&[]).is_empty());
}

#[test]
fn strict_refuses_a_file_that_contradicts_itself() {
    let desk = Desk::new("2026-04-15T00:00:00Z");
    let file = desk.file(
        "s.csv",
        "customer,subscription,effective_at,amount\nacme,s1,2026-01-10,20\nacme,s1,2026-01-10,25\n",
    );
    let (value, code) = desk.json(&["import", &file, "--strict"]);
    assert_eq!((code, value["problems"][0]["code"].as_str()), (1, Some("conflicting_fact")));
    assert!(desk.movements(&[]).is_empty());
    let (_, code) = desk.json(&["import", &file]);
    assert_eq!(code, 1);
    assert_eq!(desk.movements(&[]), ["2026-01-10 acme new 25 other -"]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let desk = Desk::new("2026-04-15T00:00:00Z");
    let file = desk.file("s.csv", "customer,subscription,effective_at,amount\nacme,s1,2026-01-10,20\n");
    assert_eq!(desk.ok(&["import", &file, "--dry-run"])["facts"], 1);
    assert!(desk.movements(&[]).is_empty());
    assert_eq!(desk.ok(&["import", &file])["facts"], 1);
}

#[test]
fn replace_retracts_what_the_file_no_longer_says() {
    let desk = Desk::new("2026-04-15T00:00:00Z");
    desk.import(
        "s.csv",
        "customer,subscription,effective_at,amount\nacme,s1,2026-01-10,20\nzen,s2,2026-01-10,30\n",
    );
    let file = desk.file("t.csv", "customer,subscription,effective_at,amount\nacme,s1,2026-01-10,20\n");
    let value = desk.ok(&["import", &file, "--replace"]);
    assert_eq!((&value["facts"], &value["duplicates"]), (&1.into(), &1.into()));
    assert_eq!(desk.movements(&[]), ["2026-01-10 acme new 20 other -"]);
    desk.import("u.csv", "customer,subscription,effective_at,amount,retract\nacme,s1,2026-01-10,,true\n");
    assert!(desk.movements(&[]).is_empty());
}

#[test]
fn periods_that_meet_are_one_step() {
    let desk = Desk::new("2026-04-15T00:00:00Z");
    desk.import(
        "p.csv",
        "customer,plan,start,end,amount\nwayne,Bronze,2026-01-01,2026-02-01,100\nwayne,Gold,2026-02-01,,250\n",
    );
    assert_eq!(
        desk.movements(&[]),
        [
            "2026-01-01 wayne new 100 other Bronze",
            "2026-02-01 wayne transfer -100 upgrade Bronze",
            "2026-02-01 wayne transfer 100 upgrade Gold",
            "2026-02-01 wayne expansion 150 upgrade Gold",
        ]
    );
}

#[test]
fn a_subscription_that_moves_leaves_the_first_customer() {
    let desk = Desk::new("2026-04-15T00:00:00Z");
    desk.import("s.csv", "customer,subscription,effective_at,amount\nacme,s1,2026-01-10,20\n");
    desk.import("t.csv", "customer,subscription,effective_at,amount\nzen,s1,2026-02-10,20\n");
    assert_eq!(
        desk.movements(&[]),
        [
            "2026-01-10 acme new 20 other -",
            "2026-02-10 acme churn -20 cancel_voluntary -",
            "2026-02-10 zen new 20 other -",
        ]
    );
}

#[test]
fn attributes_are_as_of_then() {
    let desk = Desk::new("2026-04-15T00:00:00Z");
    desk.import("s.csv", "customer,subscription,effective_at,amount\nacme,s1,2026-01-10,20\n");
    desk.import("c.csv", "customer,name,country\nacme,Acme GmbH,DE\n");
    desk.import("d.csv", "customer,country,effective_at\nacme,FR,2026-02-10\n");
    assert_eq!(
        desk.waterfall(&["--by", "country", "--to", "2026-02-28"]),
        [
            "2026-01-01 DE 0 20 0 0 0 0 0 0 20 =1",
            "2026-01-01 FR 0 0 0 0 0 0 0 0 0 =0",
            "2026-02-01 DE 20 0 0 0 0 0 -20 0 0 =0",
            "2026-02-01 FR 0 0 0 0 0 0 20 0 20 =1",
        ]
    );
    assert_eq!(desk.movements(&[]), ["2026-01-10 acme new 20 other -"]);
}
