//! Invoices, payments, expenses and spend through the command line, with figures worked out by hand.

use crate::harness::Desk;

const NOW: &str = "2026-07-01T00:00:00Z";

const FILES: [(&str, &str); 8] = [
    (
        "states.csv",
        "customer,subscription,effective_at,amount,interval,status\nacme,s1,2026-01-01,1200,year,active\n\
         beta,s2,2026-02-10,100,month,active\nbeta,s2,2026-04-10,100,month,canceled\n",
    ),
    (
        "invoices.csv",
        "invoice,customer,date,total,tax,status,subscription,period_start,period_end\n\
         i1,acme,2026-01-01,1200,0,paid,s1,2026-01-01,2027-01-01\n\
         i2,beta,2026-02-10,110,10,paid,s2,2026-02-10,2026-03-10\n\
         i3,beta,2026-03-10,110,10,open,s2,2026-03-10,2026-04-10\ni4,beta,2026-02-10,500,0,paid,,,\n\
         i5,beta,2026-02-11,999,0,void,,,\n",
    ),
    (
        "payments.csv",
        "payment,customer,date,amount,result,invoice\np1,acme,2026-01-01,1200,succeeded,i1\n\
         p2,beta,2026-02-10,110,failed,i2\np3,beta,2026-02-13,110,succeeded,i2\np4,beta,2026-03-10,110,failed,i3\n",
    ),
    ("refunds.csv", "refund,customer,date,amount,payment\nr1,beta,2026-02-20,55,p3\n"),
    (
        "expenses.csv",
        "date,category,vendor,amount\n2026-02-28,Hosting,Cloud,30\n2026-02-28,Salaries,Team,200\n",
    ),
    ("spend.csv", "date,channel,spend\n2026-02-01,ads,300\n2026-02-01,content,50\n"),
    ("customers.csv", "customer,channel\nacme,content\nbeta,ads\n"),
    ("deals.csv", "deal,stage,mrr,probability,close_date,starts_at\nd1,Won,500,1,2026-02-01,2026-09-01\n"),
];

fn desk(files: &[&str]) -> Desk {
    let desk = Desk::new(NOW);
    for (name, text) in FILES.iter().filter(|(name, _)| files.is_empty() || files.contains(name)) {
        let path = desk.file(name, text);
        assert_eq!(desk.ok(&["import", &path])["problem_count"], 0, "{name}");
    }
    desk
}

/// "period group value" of one metric.
fn values(desk: &Desk, args: &[&str]) -> Vec<String> {
    let mut all = vec!["metrics"];
    all.extend(args);
    let rows = desk.ok(&all)["rows"].as_array().expect("rows").clone();
    rows.iter()
        .map(|row| {
            let group = row["group"].as_str();
            let value = row["value"].as_str().unwrap_or("null");
            match group {
                Some(group) => format!("{} {group} {value}", row["period"].as_str().unwrap()),
                None => format!("{} {value}", row["period"].as_str().unwrap()),
            }
        })
        .collect()
}

#[test]
fn figures_of_a_small_business_are_those_of_its_ledger() {
    let desk = desk(&[]);
    let to = ["--from", "2026-01-01", "--to", "2026-04-30"];
    let one = |name: &str| values(&desk, &[&[name][..], &to].concat());
    assert_eq!(one("invoiced"), ["2026-01-01 1200", "2026-02-01 600", "2026-03-01 100", "2026-04-01 0"]);
    assert_eq!(one("cash_collected"), ["2026-01-01 1200", "2026-02-01 110", "2026-03-01 0", "2026-04-01 0"]);
    assert_eq!(one("net_cash")[1], "2026-02-01 55");
    // 1,200 over 365 days; 100 over the 28 days from 10 February, of which 19 lie in it; 500 at once; 100 over 31 days.
    assert_eq!(
        one("recognised_revenue"),
        [
            "2026-01-01 101.9178082192",
            "2026-02-01 659.9119373776",
            "2026-03-01 205.0284072976",
            "2026-04-01 127.6623950508",
        ]
    );
    assert_eq!(one("recognised_revenue_even_months")[0], "2026-01-01 100");
    // Invoiced so far less recognised so far, to the last digit.
    assert_eq!(one("deferred_revenue")[3], "2026-04-01 805.4794520548");
    assert_eq!(one("failed_payment_rate")[1..3], ["2026-02-01 0.5", "2026-03-01 1"]);
    assert_eq!(one("recovered_revenue")[1], "2026-02-01 110");
    assert_eq!(one("recovery_rate"), ["2026-01-01 null", "2026-02-01 1", "2026-03-01 0", "2026-04-01 null"]);
    assert_eq!(one("voluntary_churn_mrr")[3], "2026-04-01 -100");
    assert_eq!(one("cac")[1], "2026-02-01 350");
    assert_eq!(one("burn")[1], "2026-02-01 175");
    assert_eq!(one("profit")[1], "2026-02-01 429.9119373776");
    // ARR of 1,200 and 500 a month that starts in September.
    assert_eq!(one("carr")[3], "2026-04-01 7200");
}

#[test]
fn spend_is_told_apart_by_channel_and_nothing_else_is() {
    let desk = desk(&[]);
    let february = ["--by", "channel", "--from", "2026-02-01", "--to", "2026-02-28"];
    let by = |name: &str| values(&desk, &[&[name][..], &february].concat());
    assert_eq!(by("acquisition_cost"), ["2026-02-01 ads 300", "2026-02-01 content 50"]);
    assert_eq!(by("cac"), ["2026-02-01 ads 300", "2026-02-01 content null"]);
    assert_eq!(by("invoiced"), ["2026-02-01 ads null", "2026-02-01 content null"]);
}

#[test]
fn what_is_missing_gives_no_figure_and_says_why() {
    let desk = desk(&["states.csv"]);
    for name in
        ["invoiced", "cash_collected", "deferred_revenue", "cac", "gross_margin", "burn", "rule_of_40"]
    {
        assert!(values(&desk, &[name]).iter().all(|row| row.ends_with("null")), "{name}");
    }
    let output = desk.run(&["metrics", "cac", "--format", "csv"]);
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("cac: no figure, the book has no spend"), "{words}");
}

#[test]
fn what_was_known_then_is_still_known_then() {
    let mut desk = desk(&["states.csv", "payments.csv"]);
    desk.at("2026-08-01T00:00:00Z");
    let corrected =
        desk.file("more.csv", "payment,customer,date,amount,result,invoice\np3,beta,2026-02-13,90,paid,i2\n");
    assert_eq!(desk.ok(&["import", &corrected])["superseded"], 1);
    let february = ["--from", "2026-02-01", "--to", "2026-02-28"];
    assert_eq!(values(&desk, &[&["cash_collected"][..], &february].concat()), ["2026-02-01 90"]);
    let known = [&["cash_collected", "--known-on", "2026-07-15"][..], &february].concat();
    assert_eq!(values(&desk, &known), ["2026-02-01 110"]);
    let withdrawn =
        desk.file("gone.csv", "payment,customer,date,amount,retract\np3,beta,2026-02-13,90,true\n");
    assert_eq!(desk.ok(&["import", &withdrawn])["superseded"], 1);
    assert_eq!(values(&desk, &[&["cash_collected"][..], &february].concat()), ["2026-02-01 0"]);
}

#[test]
fn knobs_act_on_entries_only_where_the_book_has_them() {
    let mrr = |desk: &Desk, set: &str| -> Vec<String> {
        let value = desk.ok(&["mrr", "--set", set, "--to", "2026-03-31"]);
        let rows = value["rows"].as_array().expect("rows").clone();
        rows.iter()
            .map(|row| format!("{} {}", row["period"].as_str().unwrap(), row["end"].as_str().unwrap()))
            .collect()
    };
    let bare = desk(&["states.csv"]);
    for set in ["activation.moment=first_payment", "metered=trailing_30_days", "refund=erases_history"] {
        bare.refused(&["mrr", "--set", set], "knob_needs_facts", 2);
    }
    let full = desk(&["states.csv", "invoices.csv", "payments.csv"]);
    assert_eq!(mrr(&full, "activation.moment=start")[1], "2026-02-01 200");
    let movements = full.ok(&["movements", "--set", "activation.moment=first_payment", "--customer", "beta"]);
    assert_eq!(movements["rows"][0]["date"], "2026-02-13", "{movements:#}");
    assert_eq!(mrr(&full, "activation.moment=first_payment")[1], "2026-02-01 200");
    full.refused(&["mrr", "--set", "refund=erases_history"], "knob_needs_facts", 2);
}

#[test]
fn an_export_holds_the_entries_and_they_come_back() {
    let desk = desk(&[]);
    let dir = desk.path("out").display().to_string();
    desk.ok(&["export", &dir]);
    let again = Desk::new(NOW);
    for file in
        ["customers", "states", "invoices", "payments", "refunds", "expenses", "spend", "opportunities"]
    {
        let path = desk.path("out").join("files").join(format!("{file}.parquet"));
        assert_eq!(again.ok(&["import", &path.display().to_string()])["problem_count"], 0, "{file}");
    }
    for name in ["invoiced", "deferred_revenue", "cash_collected", "refunds", "burn", "cac", "carr"] {
        assert_eq!(values(&again, &[name]), values(&desk, &[name]), "{name}");
    }
    assert_eq!(again.ok(&["check"])["rows"][0]["ok"], true);
}
