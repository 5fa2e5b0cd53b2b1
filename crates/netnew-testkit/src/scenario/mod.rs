//! The scenario language: a business's history and what should come out, as text that a bookkeeper can read.
//!
//! The language is described in `docs/scenarios.md`. [`Scenario::parse`] reads it, [`check`] asks a [`Runner`]
//! every question in it and says what differs, and [`write_history`] writes a history in it, so that a failing
//! random case becomes a scenario.

mod bills;
mod check;
mod cursor;
mod expect;
mod history;
mod lexer;
mod write;

use std::collections::BTreeMap;

use netnew_money::{Amount, Currency, Day, Decimal, Instant, Ratio, Rounding, Zone};
use thiserror::Error;

use crate::question::{Question, Retention};
use crate::rows::PlainHistory;

pub use check::{Checked, Runner, check};
pub use write::{write_history, write_movements, write_periods, write_row};

/// What holds for the whole scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The book's currency.
    pub currency: Currency,
    /// The book's time zone.
    pub zone: Zone,
}

/// A scenario: settings, history, and what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The comment lines at the top, without their `#`: what the scenario shows, and its source.
    pub title: String,
    /// What holds for all of it.
    pub settings: Settings,
    /// What was written down.
    pub history: PlainHistory,
    /// Questions with their answers, in order.
    pub expectations: Vec<Expectation>,
}

/// One question and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// 1-based line of the `expect`.
    pub line: usize,
    /// The line itself.
    pub text: String,
    /// What is asked.
    pub question: Question,
    /// What should come out.
    pub answer: Answer,
}

/// What should come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// These posted rows, in any order; more are allowed when `open`.
    Movements {
        /// The rows.
        rows: Vec<ExpectedMovement>,
        /// Whether rows that are not listed are allowed.
        open: bool,
    },
    /// These periods, in this order; more are allowed when `open`.
    Periods {
        /// The rows.
        rows: Vec<ExpectedPeriod>,
        /// Whether rows that are not listed are allowed.
        open: bool,
    },
    /// This level or yearly level at a moment, of everybody or of one customer.
    Level {
        /// The moment.
        at: Instant,
        /// Whether the yearly level is meant.
        yearly: bool,
        /// Whose.
        customer: Option<String>,
        /// How much.
        amount: ExpectedNumber,
    },
    /// This retention over a window of days.
    Retained {
        /// Which.
        measure: Retention,
        /// First day of the window; the level at its start counts.
        from: Day,
        /// Last day; the level at its end counts.
        to: Day,
        /// The ratio; `None` where there is none.
        ratio: Option<ExpectedNumber>,
    },
    /// An error whose text contains all of these.
    Failure {
        /// What the question was about, to know how to ask it.
        asked: Box<Answer>,
        /// The words.
        words: Vec<String>,
    },
}

/// A number as it stands in a scenario: exact, or with `~` right to its last digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedNumber {
    /// The number.
    pub value: Decimal,
    /// How many decimals are compared; `None`: all.
    pub decimals: Option<u8>,
}

impl ExpectedNumber {
    /// Whether the amount is the one expected.
    pub fn holds(&self, amount: Amount) -> bool {
        self.holds_ratio(Ratio::from_amount(amount))
    }

    /// Whether the ratio is the one expected.
    pub fn holds_ratio(&self, ratio: Ratio) -> bool {
        match self.decimals {
            None => ratio == self.value.to_ratio(),
            Some(decimals) => {
                ratio.round_to(decimals, Rounding::HalfUp)
                    == self.value.to_ratio().round_to(decimals, Rounding::HalfUp)
            }
        }
    }
}

/// When a movement is expected: on a day of the report's zone, or at an exact moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedWhen {
    /// On this day.
    Day(Day),
    /// At this moment.
    Instant(Instant),
}

/// A posted row as it stands in a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedMovement {
    /// Line of the scenario.
    pub line: usize,
    /// When.
    pub when: ExpectedWhen,
    /// Customer.
    pub customer: String,
    /// Subscription.
    pub subscription: String,
    /// Item.
    pub item: String,
    /// Plan.
    pub plan: Option<String>,
    /// Kind.
    pub kind: String,
    /// How much.
    pub amount: ExpectedNumber,
    /// Currency, where it is given.
    pub currency: Option<Currency>,
    /// Cause, where it is given.
    pub cause: Option<String>,
}

/// A period as it stands in a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedPeriod {
    /// Line of the scenario.
    pub line: usize,
    /// First day.
    pub period: Day,
    /// Values of the dimensions.
    pub group: Vec<Option<String>>,
    /// Currency, for `in original`.
    pub currency: Option<Currency>,
    /// Column to amount; a column that is not given is 0.
    pub amounts: BTreeMap<&'static str, ExpectedNumber>,
    /// Customers by column, where any are given; a column that is not given is then 0.
    pub customers: Option<BTreeMap<&'static str, i64>>,
    /// `Some(false)` where the row says `running`.
    pub complete: Option<bool>,
    /// Whether the row says `expected`.
    pub expected: bool,
}

/// A scenario that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {what}\nhint: {hint}")]
pub struct ScenarioError {
    /// 1-based line.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

impl ScenarioError {
    pub(crate) fn new(line: usize, what: impl Into<String>, hint: impl Into<String>) -> ScenarioError {
        ScenarioError { line, what: what.into(), hint: hint.into() }
    }
}

/// Words that mean something, so that a name like them is written in quotes.
pub(crate) fn is_keyword(word: &str) -> bool {
    const KEYWORDS: [&str; 35] = [
        "asked",
        "book",
        "cancels",
        "credit",
        "failed",
        "for",
        "invoice",
        "refund",
        "customer",
        "every",
        "expect",
        "expected",
        "forever",
        "from",
        "involuntary",
        "metered",
        "of",
        "on",
        "once",
        "policy",
        "rate",
        "reconstructed",
        "recorded",
        "repeating",
        "retracted",
        "running",
        "seq",
        "set",
        "source",
        "trial",
        "under",
        "until",
        "voluntary",
        "as-of",
        "known-on",
    ];
    KEYWORDS.contains(&word)
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// The first line that cannot be read, with what is wrong and what to do.
    pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
        history::Reader::read(text)
    }

    /// Whether the history says something that files cannot say, so that the command line cannot run it.
    pub fn only_in_memory(&self) -> bool {
        self.history.rows.iter().any(|row| row.reconstructed) || !self.history.entries.is_empty()
    }

    /// Every source that a row or an attribute names, sorted.
    pub fn sources(&self) -> Vec<String> {
        let states = self.history.rows.iter().map(|row| &row.source);
        let attributes = self.history.attributes.iter().map(|row| &row.source);
        let mut sources: Vec<String> = states.chain(attributes).cloned().collect();
        sources.sort();
        sources.dedup();
        sources
    }
}
