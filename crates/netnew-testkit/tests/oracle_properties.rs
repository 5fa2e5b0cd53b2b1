//! What must hold of every business, asked of the oracle about random ones.

use std::collections::BTreeMap;

use netnew_money::{Amount, Instant};
use netnew_testkit::OracleRunner;
use netnew_testkit::lives::{Lives, Shape, SplitMix, deliveries, repeated, shrink, shuffled};
use netnew_testkit::question::{COLUMNS, PlainPeriod, Question, Shown};
use netnew_testkit::rows::PlainHistory;
use netnew_testkit::scenario::{Runner, Scenario};
use proptest::prelude::*;

fn runner(lives: &Lives) -> OracleRunner {
    OracleRunner::of(lives.settings.clone(), lives.history.clone())
}

/// Runs a property on a business; one that fails is shrunk and shown as a scenario.
fn holds(lives: &Lives, property: impl Fn(&Lives) -> Result<(), String>) -> Result<(), TestCaseError> {
    let Err(what) = property(lives) else { return Ok(()) };
    // There is a rate for every day; one that is missing only because shrinking took it away is another failure.
    prop_assert!(!what.contains("missing_rate"), "{}", what);
    let fails = |candidate: &Lives| property(candidate).is_err_and(|what| !what.contains("missing_rate"));
    let small = shrink(lives, fails);
    let what = property(&small).expect_err("what is left still fails");
    Err(TestCaseError::fail(format!("{what}\n{}", small.to_text("movements"))))
}

fn adds_up(lives: &Lives) -> Result<(), String> {
    let rows = runner(lives).mrr(&lives.question)?;
    for row in &rows {
        if !row.add_up() {
            return Err(format!("does not add up: {row:?}"));
        }
        let one_currency = lives.question.shown == Shown::Original;
        if one_currency && !row.fx.is_zero() {
            return Err(format!("fx without conversion: {row:?}"));
        }
    }
    for (earlier, later) in rows.iter().flat_map(|a| rows.iter().map(move |b| (a, b))) {
        let follows = later.group == earlier.group
            && later.currency == earlier.currency
            && rows.iter().all(|r| r.period <= earlier.period || r.period >= later.period)
            && earlier.period < later.period;
        if follows && (earlier.end != later.start || earlier.customers.end != later.customers.start) {
            return Err(format!("the end is not the next start:\n{earlier:?}\n{later:?}"));
        }
    }
    Ok(())
}

/// Any grouping adds up to the whole, column by column.
fn groups_add_up(lives: &Lives) -> Result<(), String> {
    let grouped = runner(lives).mrr(&lives.question)?;
    let whole = runner(lives).mrr(&Question { by: Vec::new(), ..lives.question.clone() })?;
    for row in &whole {
        let of_row =
            |candidate: &&PlainPeriod| candidate.period == row.period && candidate.currency == row.currency;
        for (name, read) in COLUMNS {
            let sum: Amount = grouped.iter().filter(of_row).map(read).sum();
            if sum != read(row) {
                return Err(format!("{name} of {} is {}, its groups add up to {sum}", row.period, read(row)));
            }
        }
    }
    Ok(())
}

/// All movements up to now are the level now, per currency, and every customer's transfers cancel out.
fn movements_make_the_level(lives: &Lives) -> Result<(), String> {
    let question = Question {
        filter: String::new(),
        shown: Shown::Default,
        from: None,
        to: None,
        ..lives.question.clone()
    };
    let mut sums: BTreeMap<_, Amount> = BTreeMap::new();
    for row in runner(lives).movements(&question)? {
        *sums.entry(row.currency).or_default() += row.amount;
    }
    let original = Question { shown: Shown::Original, by: Vec::new(), ..question };
    let rows = runner(lives).mrr(&original)?;
    for row in rows.iter().rev().take_while(|row| row.period == rows[rows.len() - 1].period) {
        let sum = sums.get(&row.currency).copied().unwrap_or_default();
        if sum != row.end {
            return Err(format!("movements add up to {sum} {}, the level is {}", row.currency, row.end));
        }
    }
    Ok(())
}

/// Matched at their own day's rates, transfers come to nothing at those rates.
fn transfers_cancel_out(lives: &Lives) -> Result<(), String> {
    let question = Question {
        shown: Shown::In(lives.settings.currency),
        constant_rates: None,
        filter: String::new(),
        ..lives.question.clone()
    };
    let mut transfers: BTreeMap<(String, Instant), (Amount, i128)> = BTreeMap::new();
    for row in runner(lives).movements(&question)?.into_iter().filter(|row| row.kind == "transfer") {
        let sum = transfers.entry((row.customer, row.at)).or_default();
        sum.0 += row.amount;
        sum.1 += 1;
    }
    // Each row is rounded by itself, once in its own currency and once converted, where a yen is worth less.
    for ((customer, at), (sum, rows)) in transfers {
        if sum.raw().abs() > rows * 2 {
            return Err(format!("transfers of {customer} at {at} come to {sum}"));
        }
    }
    Ok(())
}

fn same_answers(lives: &Lives, history: &PlainHistory, question: &Question) -> Result<(), String> {
    let other = OracleRunner::of(lives.settings.clone(), history.clone());
    if runner(lives).movements(&lives.question)? != other.movements(question)? {
        return Err("other movements".to_string());
    }
    if runner(lives).mrr(&lives.question)? != other.mrr(question)? {
        return Err("other periods".to_string());
    }
    Ok(())
}

fn telling_does_not_matter(lives: &Lives) -> Result<(), String> {
    same_answers(lives, &shuffled(&lives.history, 7), &lives.question)?;
    same_answers(lives, &repeated(&lives.history, 8), &lives.question)?;
    let mut delivered = PlainHistory::default();
    for part in deliveries(&lives.history, 3, 9) {
        delivered.rows.extend(part.rows);
        delivered.attributes.extend(part.attributes);
        delivered.rates.extend(part.rates);
    }
    same_answers(lives, &delivered, &lives.question)
}

/// To look back is to look at a book in which the later rows are not.
fn known_on_hides_later_rows(lives: &Lives) -> Result<(), String> {
    let Some(known_on) = lives.question.known_on else { return Ok(()) };
    let mut then = lives.history.clone();
    then.rows.retain(|row| row.learned_at() <= known_on);
    then.attributes.retain(|row| row.recorded_at.is_none_or(|at| at <= known_on));
    let as_of = lives.question.as_of.min(known_on);
    same_answers(lives, &then, &Question { known_on: None, as_of, ..lives.question.clone() })
}

fn reads_what_it_writes(lives: &Lives) -> Result<(), String> {
    let text = lives.to_text("mrr");
    let scenario = Scenario::parse(&text).map_err(|error| format!("{error}\n{text}"))?;
    if scenario.history != lives.history || scenario.settings != lives.settings {
        return Err(format!("the history is read otherwise than written\n{text}"));
    }
    match scenario.expectations.first() {
        Some(expectation) if expectation.question == lives.question => Ok(()),
        other => Err(format!("the question is read as {other:?}\n{text}")),
    }
}

proptest! {
    // The message of a failure has its seed and the shrunk business, so that nothing else is kept.
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_row_adds_up(seed: u64) {
        holds(&Lives::from_seed(seed), adds_up)?;
    }

    #[test]
    fn groups_add_up_to_the_whole(seed: u64) {
        holds(&Lives::from_seed(seed), groups_add_up)?;
    }

    #[test]
    fn movements_add_up_to_the_level(seed: u64) {
        holds(&Lives::from_seed(seed), movements_make_the_level)?;
    }

    #[test]
    fn transfers_net_to_nothing(seed: u64) {
        holds(&Lives::from_seed(seed), transfers_cancel_out)?;
    }

    #[test]
    fn order_and_repetition_do_not_matter(seed: u64) {
        holds(&Lives::from_seed(seed), telling_does_not_matter)?;
    }

    #[test]
    fn looking_back_hides_what_came_later(seed: u64) {
        holds(&Lives::from_seed(seed), known_on_hides_later_rows)?;
    }

    #[test]
    fn a_random_business_can_be_written_down(seed: u64) {
        holds(&Lives::from_seed(seed), reads_what_it_writes)?;
    }
}

#[test]
fn lives_come_from_the_seed_alone() {
    assert_eq!(Lives::from_seed(42), Lives::from_seed(42));
    assert_ne!(Lives::from_seed(42), Lives::from_seed(43));
    // The first numbers of the generator as its authors publish them for seed 1234567.
    let mut random = SplitMix::new(1_234_567);
    assert_eq!(random.next_u64(), 6_457_827_717_110_365_317);
    assert_eq!(random.next_u64(), 3_203_168_211_198_807_973);
}

#[test]
fn everything_happens_in_random_lives() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..400 {
        let lives = Lives::from_seed(seed);
        let rows = &lives.history.rows;
        for (what, happens) in [
            ("discounts", rows.iter().any(|row| row.discounts.len() > 1)),
            ("credits", rows.iter().any(|row| row.amount.is_negative())),
            ("retractions", rows.iter().any(|row| row.retracted)),
            ("same instant", rows.iter().any(|row| row.seq == 1)),
            ("requests", rows.iter().any(|row| row.cancel_requested_at.is_some())),
            ("currencies", rows.iter().any(|row| row.currency != lives.settings.currency)),
            (
                "moved",
                rows.iter().any(|a| {
                    rows.iter().any(|b| a.subscription == b.subscription && a.customer != b.customer)
                }),
            ),
            ("future", rows.iter().any(|row| row.effective_at > lives.question.as_of)),
            ("attributes", lives.history.attributes.iter().any(|row| row.effective_at.is_some())),
            ("known on", lives.question.known_on.is_some()),
        ] {
            *seen.entry(what).or_default() += usize::from(happens);
        }
        let Ok(movements) = runner(&lives).movements(&lives.question) else { continue };
        for kind in ["new", "reactivation", "expansion", "contraction", "churn", "transfer"] {
            *seen.entry(kind).or_default() += usize::from(movements.iter().any(|row| row.kind == kind));
        }
    }
    assert!(seen.values().all(|&times| times >= 20), "{seen:?}");
}

#[test]
fn shrinking_keeps_what_matters() {
    let has_churn = |lives: &Lives| {
        let question = Question { filter: String::new(), ..lives.question.clone() };
        runner(lives).movements(&question).is_ok_and(|rows| rows.iter().any(|row| row.kind == "churn"))
    };
    let shape = Shape { customers: 6, ..Shape::default() };
    let lives = (0..).map(|seed| Lives::of_shape(seed, shape)).find(has_churn).expect("somebody leaves");
    let small = shrink(&lives, has_churn);
    assert!(has_churn(&small));
    assert!(
        small.history.rows.len() <= 2 && small.history.rates.is_empty(),
        "{}",
        small.to_text("movements")
    );
}
