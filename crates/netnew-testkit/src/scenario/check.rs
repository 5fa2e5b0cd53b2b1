//! Asking somebody the questions of a scenario and saying what differs.

use std::fmt::Write;

use netnew_money::{Amount, Day, Instant, Ratio};

use super::write::{write_movements, write_periods};
use super::{Answer, Expectation, ExpectedMovement, ExpectedPeriod, ExpectedWhen, Scenario};
use crate::question::{COLUMNS, PlainMovement, PlainPeriod, Question, Retention, Shown};

/// Somebody who has taken in a scenario's settings and history and now answers questions: the oracle, the engine
/// in memory, the command line. An error is what it would tell its user, beginning with the stable code of the error.
pub trait Runner {
    /// The posted rows in range, in any order.
    fn movements(&self, question: &Question) -> Result<Vec<PlainMovement>, String>;

    /// The periods, sorted by period, then group (nothing first, then bytes), then currency.
    fn mrr(&self, question: &Question) -> Result<Vec<PlainPeriod>, String>;

    /// The level at an instant, converted at that day's rate, of everybody or of one customer.
    fn level(&self, question: &Question, at: Instant, customer: Option<&str>) -> Result<Amount, String>;

    /// The yearly level at an instant.
    fn arr(&self, question: &Question, at: Instant, customer: Option<&str>) -> Result<Amount, String>;

    /// Retention from the start of the first day to the end of the last; nothing without a level at the start.
    /// A runner that answers no such questions returns `None`, and the question is counted as unanswered.
    fn retained(
        &self,
        _question: &Question,
        _measure: Retention,
        _from: Day,
        _to: Day,
    ) -> Option<Result<Option<Ratio>, String>> {
        None
    }
}

/// How many questions of a scenario were answered rightly, and how many not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Answered as expected.
    pub answered: usize,
    /// Of a kind that the runner does not answer.
    pub unanswered: usize,
}

/// Asks every question of the scenario.
///
/// # Errors
/// For each wrong answer the line of the question, what was expected and what came instead, as text.
pub fn check(scenario: &Scenario, runner: &dyn Runner) -> Result<Checked, String> {
    let mut checked = Checked::default();
    let mut wrong = String::new();
    for expectation in &scenario.expectations {
        match ask(expectation, runner) {
            Outcome::Right => checked.answered += 1,
            Outcome::Unanswered => checked.unanswered += 1,
            Outcome::Wrong(what) => {
                let question = &expectation.question;
                let _ = write!(
                    wrong,
                    "line {}: {}\n  under {}",
                    expectation.line, expectation.text, question.policy
                );
                for (knob, value) in &question.knobs {
                    let _ = write!(wrong, " {knob}={value}");
                }
                let _ = writeln!(wrong, ", as of {}", question.as_of);
                for line in what.lines() {
                    let _ = writeln!(wrong, "  {line}");
                }
            }
        }
    }
    if wrong.is_empty() { Ok(checked) } else { Err(wrong) }
}

enum Outcome {
    Right,
    Unanswered,
    Wrong(String),
}

fn ask(expectation: &Expectation, runner: &dyn Runner) -> Outcome {
    let question = &expectation.question;
    let verdict = match &expectation.answer {
        Answer::Movements { rows, open } => {
            runner.movements(question).and_then(|actual| compare_movements(rows, *open, actual))
        }
        Answer::Periods { rows, open } => {
            runner.mrr(question).and_then(|actual| compare_periods(question, rows, *open, &actual))
        }
        Answer::Level { at, yearly, customer, amount } => {
            let customer = customer.as_deref();
            let actual = if *yearly {
                runner.arr(question, *at, customer)
            } else {
                runner.level(question, *at, customer)
            };
            actual.and_then(|actual| if amount.holds(actual) { Ok(()) } else { Err(format!("got {actual}")) })
        }
        Answer::Retained { measure, from, to, ratio } => {
            let Some(actual) = runner.retained(question, *measure, *from, *to) else {
                return Outcome::Unanswered;
            };
            actual.and_then(|actual| match (actual, ratio) {
                (None, None) => Ok(()),
                (Some(actual), Some(ratio)) if ratio.holds_ratio(actual) => Ok(()),
                (Some(actual), _) => Err(format!("got {}", actual.to_decimal_string(10))),
                (None, Some(_)) => Err("got none".to_string()),
            })
        }
        Answer::Failure { asked, words } => failure(question, asked, words, runner),
    };
    match verdict {
        Ok(()) => Outcome::Right,
        Err(what) => Outcome::Wrong(what),
    }
}

fn failure(question: &Question, asked: &Answer, words: &[String], runner: &dyn Runner) -> Result<(), String> {
    let error = match asked {
        Answer::Movements { .. } => runner.movements(question).err(),
        Answer::Periods { .. } => runner.mrr(question).err(),
        Answer::Level { at, yearly: true, customer, .. } => {
            runner.arr(question, *at, customer.as_deref()).err()
        }
        Answer::Level { at, customer, .. } => runner.level(question, *at, customer.as_deref()).err(),
        Answer::Retained { measure, from, to, .. } => {
            runner.retained(question, *measure, *from, *to).and_then(Result::err)
        }
        Answer::Failure { .. } => return Err("a failure of a failure is no question".to_string()),
    };
    let Some(error) = error else { return Err("got no error".to_string()) };
    match words.iter().find(|word| !error.contains(word.as_str())) {
        None => Ok(()),
        Some(word) => Err(format!("the error does not say `{word}`: {error}")),
    }
}

fn compare_movements(
    expected: &[ExpectedMovement],
    open: bool,
    mut actual: Vec<PlainMovement>,
) -> Result<(), String> {
    actual.sort();
    let all = actual.clone();
    let mut missing = Vec::new();
    // Rows with a rounded amount or without cause match several; the most exact choose first.
    let mut by_exactness: Vec<&ExpectedMovement> = expected.iter().collect();
    by_exactness
        .sort_by_key(|row| (row.amount.decimals.is_some(), row.cause.is_none(), row.currency.is_none()));
    for row in by_exactness {
        match actual.iter().position(|candidate| is_the_movement(row, candidate)) {
            Some(at) => {
                actual.remove(at);
            }
            None => missing.push(row.line),
        }
    }
    if missing.is_empty() && (open || actual.is_empty()) {
        return Ok(());
    }
    let mut what = String::new();
    missing.sort_unstable();
    for line in missing {
        let _ = writeln!(what, "missing: the row of line {line}");
    }
    if !open && !actual.is_empty() {
        let _ = write!(what, "not expected:\n{}", indented(&write_movements(&actual)));
    }
    let _ = write!(what, "all movements:\n{}", indented(&write_movements(&all)));
    Err(what)
}

fn is_the_movement(expected: &ExpectedMovement, actual: &PlainMovement) -> bool {
    let when = match expected.when {
        ExpectedWhen::Day(day) => actual.date == day,
        ExpectedWhen::Instant(at) => actual.at == at,
    };
    when && actual.customer == expected.customer
        && actual.subscription == expected.subscription
        && actual.item == expected.item
        && actual.plan == expected.plan
        && actual.kind == expected.kind
        && expected.amount.holds(actual.amount)
        && expected.currency.is_none_or(|currency| currency == actual.currency)
        && expected.cause.as_ref().is_none_or(|cause| *cause == actual.cause)
}

fn compare_periods(
    question: &Question,
    expected: &[ExpectedPeriod],
    open: bool,
    actual: &[PlainPeriod],
) -> Result<(), String> {
    let original = question.shown == Shown::Original;
    let mut what = String::new();
    for row in expected {
        let found = actual.iter().find(|candidate| {
            candidate.period == row.period
                && candidate.group == row.group
                && row.currency.is_none_or(|currency| currency == candidate.currency)
        });
        match found {
            None => {
                let _ = writeln!(what, "missing: the row of line {}", row.line);
            }
            Some(found) => differences(row, found, &mut what),
        }
    }
    for row in actual.iter().filter(|row| !row.add_up()) {
        let _ = write!(what, "does not add up: {}", write_periods(std::slice::from_ref(row), original));
    }
    if !open && actual.len() != expected.len() {
        let _ = writeln!(what, "{} rows instead of {}", actual.len(), expected.len());
    }
    let key = |row: &PlainPeriod| (row.period, row.group.clone(), row.currency);
    if !actual.is_sorted_by_key(key) {
        let _ = writeln!(what, "the rows are not in order of period, group and currency");
    }
    if what.is_empty() {
        return Ok(());
    }
    let _ = write!(what, "all rows:\n{}", indented(&write_periods(actual, original)));
    Err(what)
}

fn differences(expected: &ExpectedPeriod, actual: &PlainPeriod, what: &mut String) {
    let mut differs = |column: &str, wanted: String, got: String| {
        let _ = writeln!(what, "line {}: {column} should be {wanted}, got {got}", expected.line);
    };
    for (name, read) in COLUMNS {
        let got = read(actual);
        match expected.amounts.get(name) {
            Some(wanted) if wanted.holds(got) => {}
            None if got.is_zero() => {}
            Some(wanted) => differs(name, wanted.value.to_string(), got.to_string()),
            None => differs(name, "0".to_string(), got.to_string()),
        }
    }
    if let Some(customers) = &expected.customers {
        let heads = &actual.customers;
        let columns = [
            ("start", heads.start),
            ("new", heads.new),
            ("reactivated", heads.reactivated),
            ("entered", heads.entered),
            ("churned", heads.churned),
            ("left", heads.left),
            ("end", heads.end),
        ];
        for (name, got) in columns {
            let wanted = customers.get(name).copied().unwrap_or(0);
            if wanted != got {
                differs(&format!("customers {name}"), wanted.to_string(), got.to_string());
            }
        }
    }
    if expected.complete.is_some_and(|complete| complete != actual.complete) {
        differs("running", (!actual.complete).to_string(), actual.complete.to_string());
    }
    if expected.expected != actual.expected {
        differs("expected", expected.expected.to_string(), actual.expected.to_string());
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
