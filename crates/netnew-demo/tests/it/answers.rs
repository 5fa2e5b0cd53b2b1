//! The answers by themselves.

use netnew_demo::{Demo, DemoOptions, Waterfall};
use netnew_money::{Amount, Day, Ratio};

fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

fn usual() -> Demo {
    Demo::new(DemoOptions::up_to(day("2026-11-24")))
}

#[test]
fn start_and_movements_make_the_end_at_every_grouping() {
    let answers = usual().answers();
    let mut total_before = Amount::ZERO;
    let mut heads_before = 0;
    for month in &answers.months {
        let total = &month.total;
        let all = month.by_plan.iter().copied().chain([("all", *total)]);
        for (name, w) in all {
            assert_eq!(w.start + w.movements() + w.fx, w.end, "{name}, {}", month.period);
            assert!(!w.contraction.is_positive() && !w.churn.is_positive() && !w.new.is_negative());
        }
        for (currency, w) in &month.by_currency {
            assert_eq!(
                (w.start + w.movements(), w.fx),
                (w.end, Amount::ZERO),
                "{currency}, {}",
                month.period
            );
        }
        let plans = |of: fn(&Waterfall) -> Amount| month.by_plan.iter().map(|(_, w)| of(w)).sum::<Amount>();
        assert_eq!(plans(|w| w.end), total.end);
        assert_eq!(plans(|w| w.churn), total.churn);
        assert_eq!(plans(|w| w.transfer), total.transfer);
        assert!(total.transfer.abs() < Amount::from_raw(100), "transfers cancel out, but for rounding");
        assert_eq!(total.start, total_before);
        total_before = total.end;

        let c = &month.customers;
        assert_eq!((c.start, c.start + c.new + c.reactivated - c.churned), (heads_before, c.end));
        heads_before = c.end;
    }
    let moved = answers.months.iter().flat_map(|m| &m.by_plan).any(|(_, w)| w.transfer.is_positive());
    assert!(moved, "something moves from plan to plan");
    assert!(answers.months.iter().any(|m| !m.total.fx.is_zero()));
}

#[test]
fn months_are_the_calendar_s() {
    let months = usual().answers().months;
    assert_eq!(months.len(), 24);
    assert_eq!((months[0].period, months[0].last), (day("2024-12-01"), day("2024-12-31")));
    assert_eq!((months[23].period, months[23].last), (day("2026-11-01"), day("2026-11-24")));
    assert_eq!(months.iter().filter(|m| m.complete).count(), 23);
}

/// The story that the demo is there to tell: a business of some 10 to 16 thousand a month in which churn takes
/// most of what new customers bring.
#[test]
fn the_business_is_on_a_treadmill() {
    for (seed, as_of) in [(1, "2026-11-24"), (1, "2027-01-05"), (1, "2027-06-18"), (2, "2026-11-24")] {
        let demo = Demo::new(DemoOptions { seed, ..DemoOptions::up_to(day(as_of)) });
        let months = demo.answers().months;
        let last = months.last().expect("24 months");
        assert!(last.total.end > Amount::from_major(10_000), "{seed} {as_of} {}", last.total.end);
        assert!(last.total.end < Amount::from_major(16_000), "{seed} {as_of} {}", last.total.end);
        assert!((180..320).contains(&last.customers.end));
    }
    // Many customers, so that it is the rule and not luck.
    let options = DemoOptions { customers: 20_000, ..DemoOptions::up_to(day("2026-11-24")) };
    let months = Demo::new(options).answers().months;
    let sum = |of: fn(&Waterfall) -> Amount| months[20..23].iter().map(|m| of(&m.total)).sum::<Amount>();
    let share = Ratio::from_amount(-sum(|w| w.churn)).checked_div(Ratio::from_amount(sum(|w| w.new)));
    let share = share.and_then(|s| s.round_to(2, Default::default())).expect("there are new customers");
    assert!((70..=90).contains(&share), "churn is {share} % of new");
    assert!(sum(|w| w.expansion) > -sum(|w| w.contraction));
    assert!(sum(|w| w.reactivation).is_positive());
}

#[test]
fn tables_say_it_all() {
    let demo = usual();
    let answers = demo.answers();
    let markdown = demo.answers_markdown();
    assert_eq!(markdown, answers.markdown());
    assert_eq!(markdown.lines().count(), 26);
    assert!(markdown.starts_with("|"), "{markdown}");
    let end = answers.months[23].total.end.to_string();
    assert!(markdown.lines().last().expect("a line").contains(&end));
    let widths: Vec<usize> = markdown.lines().map(str::len).collect();
    assert!(widths.iter().all(|width| *width == widths[0]));

    let mut csv = Vec::new();
    assert_eq!(answers.write_csv(&mut csv).expect("memory takes everything"), 24);
    let csv = String::from_utf8(csv).expect("text");
    assert_eq!(csv.lines().count(), 25);
    assert!(csv.starts_with("period,complete,start,new,"));
    assert!(csv.lines().all(|line| line.split(',').count() == 16));
}
