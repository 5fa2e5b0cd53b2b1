//! What the simulator knows, against what the engine makes of the files. To the last digit.

use std::collections::BTreeMap;

use netnew_demo::{Answers, Demo, DemoOptions, MonthAnswer, Waterfall};
use netnew_ledger::Kind;
use netnew_metrics::{ReportCurrency, RollupRow};
use netnew_money::{Currency, Day, Instant};

use crate::engine::Engine;

fn options(seed: u64, customers: u32, months: u32, as_of: &str) -> DemoOptions {
    DemoOptions { seed, customers, months, as_of: Day::parse(as_of).expect("a day") }
}

fn first_moment(day: Day) -> Instant {
    Instant::from_micros(i64::from(day.days()) * 86_400_000_000)
}

fn last_moment(day: Day) -> Instant {
    first_moment(day.add_days(1)).add_micros(-1)
}

fn waterfall(row: &RollupRow) -> Waterfall {
    Waterfall {
        start: row.start,
        new: row.movement(Kind::New),
        reactivation: row.movement(Kind::Reactivation),
        expansion: row.movement(Kind::Expansion),
        contraction: row.movement(Kind::Contraction),
        churn: row.movement(Kind::Churn),
        transfer: row.movement(Kind::Transfer),
        fx: row.fx,
        end: row.end,
    }
}

/// Compares month by month and group by group. Months before the first movement are in the answers only.
fn compare(
    what: &str,
    answers: &Answers,
    rows: &[RollupRow],
    group: impl Fn(&RollupRow) -> String,
    expected: impl Fn(&MonthAnswer) -> BTreeMap<String, Waterfall>,
) {
    let mut found: BTreeMap<Day, BTreeMap<String, Waterfall>> = BTreeMap::new();
    for row in rows {
        found.entry(row.period.start).or_default().insert(group(row), waterfall(row));
    }
    for month in &answers.months {
        match found.remove(&month.period) {
            Some(found) => assert_eq!(found, expected(month), "{what}, {}", month.period),
            None => assert!(expected(month).values().all(|w| *w == Waterfall::default()), "{what}"),
        }
    }
    assert!(found.is_empty(), "{what}: months that the answers do not have");
}

fn check(options: DemoOptions) {
    let what = format!("{options:?}");
    let as_of = options.as_of;
    let demo = Demo::new(options);
    let answers = demo.answers();
    let engine = Engine::read(&demo);
    for now in [first_moment(as_of), last_moment(as_of)] {
        let dollars = ReportCurrency::In(Currency::USD);
        let rows = engine.report(now, dollars, &[]);
        compare(&what, &answers, &rows, |_| String::new(), |m| BTreeMap::from([(String::new(), m.total)]));
        for row in &rows {
            let month = answers.months.iter().find(|m| m.period == row.period.start).expect("compared");
            let (found, known) = (&row.heads, &month.customers);
            assert_eq!((found.entered, found.left), (0, 0), "{what}");
            assert_eq!(
                (row.heads_start, found.new, found.reactivated, found.churned, row.heads_end),
                (known.start, known.new, known.reactivated, known.churned, known.end),
                "{what}, {}",
                month.period
            );
        }

        let rows = engine.report(now, dollars, &["plan"]);
        let plan = |row: &RollupRow| row.group.values[0].clone().expect("every item has a plan");
        compare(&what, &answers, &rows, plan, |month| {
            month.by_plan.iter().map(|(plan, waterfall)| (plan.to_string(), *waterfall)).collect()
        });

        let rows = engine.report(now, ReportCurrency::Original, &[]);
        let currency = |row: &RollupRow| row.group.currency.expect("kept apart").to_string();
        compare(&what, &answers, &rows, currency, |month| {
            month.by_currency.iter().map(|(currency, waterfall)| (currency.to_string(), *waterfall)).collect()
        });
    }
}

#[test]
fn the_engine_agrees_with_what_the_simulator_knows() {
    check(options(1, 600, 24, "2026-11-24"));
}

#[test]
fn whatever_the_seed_and_the_day() {
    for (seed, as_of) in [(2, "2026-03-01"), (3, "2028-02-29"), (4, "2026-12-31"), (u64::MAX, "2027-01-31")] {
        check(options(seed, 500, 24, as_of));
    }
}

#[test]
fn whatever_the_length_and_the_size() {
    for (customers, months) in [(0, 24), (1, 24), (2, 1), (40, 1), (300, 2), (300, 5), (250, 60)] {
        for as_of in ["2026-11-01", "2026-11-02", "2026-11-30"] {
            check(options(9, customers, months, as_of));
        }
    }
}

/// Every trial that ended has a result only because the file is complete up to its end.
#[test]
fn the_file_reaches_to_the_first_moment_of_its_last_day() {
    for customers in [1, 7, 600] {
        let options = options(1, customers, 24, "2026-11-24");
        let expected = first_moment(options.as_of);
        assert_eq!(Engine::read(&Demo::new(options)).data_through(), Some(expected));
    }
}

/// Every kind and nearly every cause that the ledger can name happens in the usual demo.
#[test]
fn kinds_and_causes_are_many() {
    let options = options(1, 600, 24, "2026-11-24");
    let now = first_moment(options.as_of);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for ledger in Engine::read(&Demo::new(options)).ledgers(now) {
        for row in ledger.steps.iter().flat_map(|step| &step.rows) {
            *seen.entry(row.kind.as_str().to_string()).or_default() += 1;
            *seen.entry(row.cause.as_str().to_string()).or_default() += 1;
        }
    }
    for word in [
        "new",
        "expansion",
        "contraction",
        "churn",
        "reactivation",
        "transfer",
        "upgrade",
        "downgrade",
        "interval",
        "quantity",
        "price_change",
        "addon_added",
        "addon_removed",
        "discount_start",
        "discount_end",
        "pause",
        "resume",
        "cancel_voluntary",
        "cancel_involuntary",
        "trial_conversion",
        "second_subscription",
        "currency_switch",
    ] {
        assert!(seen.contains_key(word), "no {word}: {seen:?}");
    }
}
