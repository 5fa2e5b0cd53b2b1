//! From imported files to decisions: businesses with one known illness, through the real command line.

use crate::harness::{Desk, rows};
use serde_json::Value;

/// States of made-up customers.
struct Sheet {
    text: String,
    count: usize,
}

impl Sheet {
    fn new() -> Sheet {
        Sheet {
            text: "customer,subscription,effective_at,status,plan,amount,reason,cancel_at,recorded_at\n"
                .into(),
            count: 0,
        }
    }

    fn state(
        &mut self,
        customer: &str,
        day: &str,
        status: &str,
        plan: &str,
        amount: &str,
        reason: &str,
        ends: &str,
    ) {
        self.text
            .push_str(&format!("{customer},{customer},{day},{status},{plan},{amount},{reason},{ends},\n"));
    }

    /// So many customers on a plan from a day on, until another if one is given, with a reason.
    fn add(&mut self, count: usize, plan: &str, amount: &str, from: &str, until: Option<(&str, &str)>) {
        for _ in 0..count {
            self.count += 1;
            let id = format!("c{:04}", self.count);
            self.state(&id, from, "active", plan, amount, "", "");
            if let Some((day, reason)) = until {
                self.state(&id, day, "canceled", plan, "", reason, "");
            }
        }
    }

    fn desk(&self) -> Desk {
        let desk = Desk::new("2026-11-10");
        desk.import("s.csv", &self.text);
        desk
    }
}

/// 400 a month comes and 380 goes, all of it after failed payments on Basic within two months.
fn treadmill() -> Sheet {
    let mut sheet = Sheet::new();
    sheet.add(30, "Pro", "40", "2025-06-01", None);
    sheet.add(1, "Basic", "20", "2025-07-01", None);
    let mut months: Vec<String> = vec!["2026-06-15".into()];
    months.extend(["07", "08", "09", "10"].iter().map(|m| format!("2026-{m}-15")));
    for at in 0..4 {
        let gone = format!("{}-20", &months[at + 1][..7]);
        sheet.add(19, "Basic", "20", &months[at], Some((&gone, "involuntary")));
        sheet.add(1, "Basic", "20", &months[at], None);
    }
    sheet.add(20, "Basic", "20", &months[4], None);
    sheet
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is no text in {value:#}"))
}

#[test]
fn a_treadmill_is_named_with_its_leak() {
    let desk = treadmill().desk();
    let told = desk.ok(&["diagnose"]);
    assert_eq!(
        (text(&told, "illness"), text(&told, "lever"), text(&told, "worth")),
        ("treadmill", "churn", "380")
    );
    assert!(text(&told, "says").contains("95.0 % of what new brought"), "{told:#}");
    assert_eq!(told["customers"].as_array().unwrap().len(), 57);
    let leak = &told["leaks"][0];
    assert_eq!(
        text(leak, "says"),
        "57 customers left on Basic within 60 days of their first MRR after a failed payment: \u{2212}1,140.00 USD, \
         100.0 % of all churn."
    );
    // Every figure opens: its command gives the rows that add up to it.
    for reason in told["because"].as_array().unwrap() {
        for figure in reason["figures"].as_array().unwrap() {
            let command: Vec<&str> = text(figure, "command").split(' ').skip(1).collect();
            let opened = desk.ok(&command);
            if command[0] == "movements" && figure["group"]["field"] != "cause" {
                let sum: i64 = rows(&opened).iter().map(|r| text(r, "amount").parse::<i64>().unwrap()).sum();
                assert_eq!(text(figure, "value"), sum.to_string(), "{figure:#}");
            }
        }
    }
    // The customers' movements are real, and add up to the worth of three months.
    let lost = desk.ok(&["movements", "--kind", "churn", "--from", "2026-08-01", "--to", "2026-10-31"]);
    let ids: Vec<&str> = rows(&lost).iter().map(|r| text(r, "id")).collect();
    for customer in told["customers"].as_array().unwrap() {
        assert!(
            customer["movements"].as_array().unwrap().iter().all(|id| ids.contains(&id.as_str().unwrap()))
        );
    }
}

#[test]
fn others_have_other_illnesses() {
    let months = ["2026-08-10", "2026-09-10", "2026-10-10"];
    let with = |new: [usize; 3], lost: [usize; 3], upgrades: usize| {
        let mut sheet = Sheet::new();
        sheet.add(150, "Basic", "20", "2025-06-01", None);
        for (at, month) in months.iter().enumerate() {
            sheet.add(new[at], "Basic", "20", month, None);
            sheet.add(lost[at], "Basic", "20", "2025-06-01", Some((month, "voluntary")));
            for n in 0..upgrades {
                let id = format!("c{:04}", 1 + at * upgrades + n);
                sheet.state(&id, month, "active", "Pro", "30", "", "");
            }
        }
        sheet.desk().ok(&["diagnose"])
    };
    for (new, lost, upgrades, illness, lever) in [
        ([20, 25, 30], [3, 3, 3], 4, "healthy", "acquisition"),
        ([20, 25, 30], [3, 3, 3], 0, "no_expansion", "expansion"),
        ([20, 20, 20], [3, 3, 3], 4, "new_flat", "acquisition"),
        ([30, 20, 10], [3, 3, 3], 4, "new_shrinking", "acquisition"),
        ([20, 21, 22], [2, 7, 15], 4, "churn_outgrows_new", "churn"),
        ([5, 5, 5], [12, 12, 12], 0, "shrinking", "churn"),
    ] {
        let told = with(new, lost, upgrades);
        assert_eq!(
            (text(&told, "illness"), text(&told, "lever")),
            (illness, lever),
            "{new:?} {lost:?}: {told:#}"
        );
        assert_eq!(told["enough"], true);
    }
}

#[test]
fn too_few_and_none_conclude_nothing() {
    let mut sheet = Sheet::new();
    sheet.add(6, "Basic", "20", "2026-01-05", None);
    sheet.add(2, "Basic", "20", "2026-03-05", Some(("2026-09-09", "voluntary")));
    sheet.add(1, "Basic", "20", "2026-09-15", None);
    let told = sheet.desk().ok(&["diagnose"]);
    assert_eq!((text(&told, "illness"), told["lever"].is_null()), ("too_few_customers", true));
    assert!(text(&told["because"][0], "says").contains("could be 6\u{2013}55 %"), "{told:#}");
    assert!(told["needs"]["customers"].as_i64().unwrap() > 9);
    let empty = Desk::new("2026-11-10");
    let told = empty.ok(&["diagnose"]);
    assert_eq!((text(&told, "illness"), told["worth"].is_null()), ("too_little_history", true));
    for command in ["benchmarks", "milestones", "whatif", "forecast", "alerts"] {
        assert_eq!(rows(&empty.ok(&[command])).len(), 0, "{command}");
    }
    empty.refused(&["diagnose", "--currency", "original"], "usage", 2);
}

#[test]
fn benchmarks_of_the_book_and_of_a_file() {
    let desk = treadmill().desk();
    let own = desk.ok(&["benchmarks"]);
    let churn = rows(&own).iter().find(|r| r["metric"] == "gross_mrr_churn").unwrap();
    assert_eq!((text(churn, "stage"), text(churn, "low"), text(churn, "high")), ("early", "0.05", "0.1"));
    // 380 a month on 1,640 to 1,680 at the start.
    let value: String = text(churn, "value").chars().take(5).collect();
    assert_eq!((value.as_str(), text(churn, "verdict")), ("0.228", "worse"));
    assert!(
        text(churn, "value_low") < text(churn, "value") && text(churn, "value") < text(churn, "value_high")
    );
    let mine = "[[source]]\nid = \"me\"\ntitle = \"Our own goal\"\n[[benchmark]]\nstage = \"goal\"\n\
                metric = \"customer_churn\"\nover = \"month\"\nhigh = \"0.02\"\nsays = \"target\"\nbetter = \"lower\"\n\
                source = \"me\"\n";
    let file = desk.file("mine.toml", mine);
    let with = desk.ok(&["benchmarks", "--benchmarks", &file]);
    assert_eq!(text(&rows(&with)[0]["source"], "title"), "Our own goal");
    std::fs::write(desk.path("book").join("benchmarks.toml"), mine).unwrap();
    assert_eq!(rows(&desk.ok(&["benchmarks"])).len(), rows(&own).len() + 1);
    let bad = desk.file("bad.toml", "[[benchmark]]\nstage = 1\n");
    let error = desk.refused(&["benchmarks", "--benchmarks", &bad], "bad_benchmarks", 1);
    assert!(text(&error["error"], "message").contains("bad.toml"));
}

#[test]
fn milestones_have_the_day_of_the_ledger() {
    let mut sheet = Sheet::new();
    sheet.add(1, "Pro", "999", "2026-01-07", None);
    sheet.add(1, "Basic", "1", "2026-02-11", Some(("2026-02-20", "voluntary")));
    sheet.add(1, "Basic", "1", "2026-03-13", None);
    for month in 4..=10 {
        sheet.add(2, "Pro", "150", &format!("2026-{month:02}-04"), None);
    }
    let desk = sheet.desk();
    let told = desk.ok(&["milestones"]);
    let first = &rows(&told)[0];
    assert_eq!((text(first, "reached"), text(first, "held_since")), ("2026-02-11", "2026-03-13"));
    let next = rows(&told).iter().find(|r| r["next"] == true).unwrap();
    assert_eq!((text(next, "amount"), text(next, "missing")), ("5000", "1900"));
    let order: Vec<&str> = ["earliest", "expected", "latest"].iter().map(|k| text(next, k)).collect();
    assert!(order.is_sorted() && order[1] > "2026-11", "{order:?}");
}

#[test]
fn levers_compared_and_each_adds_up() {
    let desk = treadmill().desk();
    let told = desk.ok(&["whatif", "--churn", "50", "--new", "50"]);
    let of = |lever: &str| rows(&told).iter().find(|r| r["lever"] == lever).unwrap();
    assert_eq!(of("churn")["after_12"], of("new")["after_12"]);
    for scenario in rows(&told) {
        let mut before: Option<String> = None;
        for row in scenario["rows"].as_array().unwrap() {
            let raw = |key: &str| raw(text(row, key));
            let moved: i128 = ["new", "reactivation", "expansion", "contraction", "churn", "transfer", "fx"]
                .iter()
                .map(|k| raw(k))
                .sum();
            assert_eq!(raw("start") + moved, raw("end"), "{row:#}");
            assert!(before.is_none_or(|end| end == text(row, "start")));
            before = Some(text(row, "end").to_string());
        }
    }
    desk.refused(&["whatif", "--price", "20"], "bad_assumption", 2);
    desk.refused(&["whatif", "--churn", "much"], "bad_assumption", 2);
}

/// An amount in 10^-10.
fn raw(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: i128 = format!("{}{fraction:0<10}", whole.trim_start_matches('-')).parse().unwrap();
    if text.starts_with('-') { -digits } else { digits }
}

#[test]
fn a_forecast_knows_what_is_agreed_and_shows_its_error() {
    let mut sheet = Sheet::new();
    for month in 1..=10 {
        sheet.add(1, "Basic", "100", &format!("2026-{month:02}-04"), None);
    }
    // The largest customer has already said when it goes.
    sheet.state("big", "2026-01-02", "active", "Pro", "5000", "", "2026-12-15");
    let desk = sheet.desk();
    let told = desk.ok(&["forecast", "--months", "3", "--reach", "1500", "--costs", "1250", "--cash", "100"]);
    let list = rows(&told);
    assert_eq!(list.len(), 3);
    assert_eq!(text(&list[1], "churn"), "-5000");
    assert_eq!(text(&list[1], "agreed"), "-5000");
    assert!(raw(text(&list[2], "mid")) < raw("1500"));
    assert_eq!(told["tries"].as_u64().unwrap(), (1..=7).sum::<u64>());
    assert_eq!(told["errors"][0]["tries"], 7);
    for row in list {
        assert!(
            raw(text(row, "low")) <= raw(text(row, "mid")) && raw(text(row, "mid")) <= raw(text(row, "high"))
        );
    }
    assert_eq!(told["reach"][0]["amount"], "1500");
    assert_eq!(told["runway"]["profitable"], "2026-11-01");
    desk.refused(&["forecast", "--reach", "a lot"], "bad_amount", 2);
}

#[test]
fn an_alert_is_told_once_and_says_what_was_expected() {
    let mut sheet = Sheet::new();
    sheet.state("acme", "2026-01-05", "active", "Pro", "100", "", "");
    sheet.state("acme", "2026-10-05", "active", "Pro", "95", "", "");
    sheet.state("bolt", "2026-01-05", "active", "Pro", "100", "", "");
    sheet.state("bolt", "2026-10-06", "active", "Basic", "94", "", "");
    sheet.state("core", "2026-01-05", "active", "Pro", "100", "", "2026-11-01");
    sheet.add(5, "Pro", "100", "2026-01-05", None);
    let desk = sheet.desk();
    desk.import("c.csv", "customer,name\nbolt,Bolt Ltd\n");
    let told = desk.ok(&["alerts"]);
    let about: Vec<(&str, &str)> =
        rows(&told).iter().map(|r| (text(r, "customer"), text(r, "date"))).collect();
    assert_eq!(about, [("core", "2026-11-01"), ("bolt", "2026-10-06")]);
    let (core, bolt) = (&rows(&told)[0], &rows(&told)[1]);
    assert_eq!(
        (text(&core["expected"], "code"), text(core, "cause")),
        ("scheduled_cancel", "cancel_voluntary")
    );
    assert!(bolt["expected"].is_null());
    assert_eq!((text(bolt, "cause"), text(bolt, "change")), ("downgrade", "-0.06"));
    assert!(text(bolt, "says").starts_with("Bolt Ltd (bolt) fell by 6.0 % from 100.00 USD to 94.00 USD"));
    let command: Vec<&str> = text(bolt, "command").split(' ').skip(1).collect();
    assert_eq!(rows(&desk.ok(&command))[0]["id"], bolt["rows"][0]["id"]);
    // The same files in another book give the same ids.
    let again = sheet.desk().ok(&["alerts"]);
    let ids = |v: &Value| rows(v).iter().map(|r| text(r, "id").to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&again), ids(&told));
}

#[test]
fn rules_of_the_book_watch_metrics_and_segments() {
    let mut sheet = Sheet::new();
    sheet.add(10, "Pro", "100", "2026-01-05", None);
    sheet.add(4, "Basic", "10", "2026-01-05", Some(("2026-09-09", "voluntary")));
    sheet.add(6, "Basic", "10", "2026-01-05", None);
    let desk = sheet.desk();
    let rules = "[[rule]]\nname = \"basic leaks\"\nmetric = \"customer_churn\"\nwhere = \"plan=Basic\"\nabove = \"0.2\"\n\
                 [[rule]]\nname = \"mrr falls\"\nmetric = \"mrr\"\nfalls_by = \"0.5\"\n";
    std::fs::write(desk.path("book").join("alerts.toml"), rules).unwrap();
    let told = desk.ok(&["alerts"]);
    assert_eq!(rows(&told).len(), 1, "{told:#}");
    let alert = &rows(&told)[0];
    assert_eq!(
        (text(alert, "rule"), text(alert, "date"), text(alert, "value")),
        ("basic leaks", "2026-09-30", "0.4")
    );
    assert_eq!((text(alert, "cause"), alert["rows"].as_array().unwrap().len()), ("cancel_voluntary", 4));
    assert_eq!(rows(&desk.ok(&["alerts", "--rules"])).len(), 2);
    let other = desk.file("r.toml", "[[rule]]\nname = \"any\"\ncustomer_drop = \"0.5\"\nleast = \"11\"\n");
    assert_eq!(rows(&desk.ok(&["alerts", "--rules", &other])).len(), 0);
    let bad = desk.file("bad.toml", "[[rule]]\nname = \"x\"\nmetric = \"mood\"\nabove = \"1\"\n");
    desk.refused(&["alerts", "--rules", &bad], "unknown_metric", 2);
}
