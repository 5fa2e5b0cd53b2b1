//! Questions about a business and their answers, as plain values that any way of computing them can give.

use std::collections::BTreeMap;

use netnew_money::{Amount, Currency, Day, Grain, Instant, Zone};

/// In which currency a report is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// Whatever the command does when it is told nothing: movements in their own currency, periods in the book's.
    #[default]
    Default,
    /// Converted.
    In(Currency),
    /// As it was, a row per currency.
    Original,
}

/// Everything a report may be asked with; the names are those of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Name of the policy.
    pub policy: String,
    /// Knobs set over the policy's.
    pub knobs: BTreeMap<String, String>,
    /// Now.
    pub as_of: Instant,
    /// As known at.
    pub known_on: Option<Instant>,
    /// The report's time zone.
    pub zone: Zone,
    /// First day; default: the first of the month of the first movement.
    pub from: Option<Day>,
    /// Last day; default: the day of `as_of`.
    pub to: Option<Day>,
    /// Length of the periods.
    pub interval: Grain,
    /// Dimensions, as in `--by`.
    pub by: Vec<String>,
    /// Filter, as in `--where`; empty: none.
    pub filter: String,
    /// Currency.
    pub shown: Shown,
    /// One day's rates for everything.
    pub constant_rates: Option<Day>,
}

/// One posted row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlainMovement {
    /// When.
    pub at: Instant,
    /// The day of `at` in the report's zone.
    pub date: Day,
    /// Customer.
    pub customer: String,
    /// Source.
    pub source: String,
    /// Subscription.
    pub subscription: String,
    /// Item.
    pub item: String,
    /// Plan.
    pub plan: Option<String>,
    /// `new`, `reactivation`, `expansion`, `contraction`, `churn` or `transfer`.
    pub kind: String,
    /// One of the causes of the ledger's rules.
    pub cause: String,
    /// Signed amount.
    pub amount: Amount,
    /// Currency of the amount.
    pub currency: Currency,
}

/// Customers of a period and how they came and went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlainHeads {
    /// At the start.
    pub start: i64,
    /// For the first time.
    pub new: i64,
    /// Came back.
    pub reactivated: i64,
    /// Came from another group.
    pub entered: i64,
    /// Gone.
    pub churned: i64,
    /// Went to another group.
    pub left: i64,
    /// At the end.
    pub end: i64,
}

impl PlainHeads {
    /// Whether start and changes make the end.
    pub fn add_up(&self) -> bool {
        self.start + self.new + self.reactivated + self.entered - self.churned - self.left == self.end
    }
}

/// One row of `netnew mrr`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainPeriod {
    /// Calendar first day.
    pub period: Day,
    /// One value per dimension asked for.
    pub group: Vec<Option<String>>,
    /// Currency of the amounts.
    pub currency: Currency,
    /// Whether the whole calendar period lies in range and in the past.
    pub complete: bool,
    /// Whether it runs past now.
    pub expected: bool,
    /// Level at the start.
    pub start: Amount,
    /// Movements of kind `new`.
    pub new: Amount,
    /// Movements of kind `reactivation`.
    pub reactivation: Amount,
    /// Movements of kind `expansion`.
    pub expansion: Amount,
    /// Movements of kind `contraction`, negative.
    pub contraction: Amount,
    /// Movements of kind `churn`, negative.
    pub churn: Amount,
    /// Movements of kind `transfer`.
    pub transfer: Amount,
    /// What exchange rates did.
    pub fx: Amount,
    /// Level at the end.
    pub end: Amount,
    /// Customers.
    pub customers: PlainHeads,
}

/// The name of a column of a period and how to read it.
pub type Column = (&'static str, fn(&PlainPeriod) -> Amount);

/// The columns of a period in the order in which they are written.
pub const COLUMNS: [Column; 9] = [
    ("start", |p| p.start),
    ("new", |p| p.new),
    ("reactivation", |p| p.reactivation),
    ("expansion", |p| p.expansion),
    ("contraction", |p| p.contraction),
    ("churn", |p| p.churn),
    ("transfer", |p| p.transfer),
    ("fx", |p| p.fx),
    ("end", |p| p.end),
];

impl PlainPeriod {
    /// A row with nothing in it.
    pub fn empty(period: Day, group: Vec<Option<String>>, currency: Currency) -> PlainPeriod {
        PlainPeriod {
            period,
            group,
            currency,
            complete: true,
            expected: false,
            start: Amount::ZERO,
            new: Amount::ZERO,
            reactivation: Amount::ZERO,
            expansion: Amount::ZERO,
            contraction: Amount::ZERO,
            churn: Amount::ZERO,
            transfer: Amount::ZERO,
            fx: Amount::ZERO,
            end: Amount::ZERO,
            customers: PlainHeads::default(),
        }
    }

    /// What came between start and end, `fx` included.
    pub fn change(&self) -> Amount {
        COLUMNS[1..8].iter().map(|(_, read)| read(self)).sum()
    }

    /// Whether start and changes make the end, in money and in customers.
    pub fn add_up(&self) -> bool {
        self.start + self.change() == self.end && self.customers.add_up()
    }
}

/// Two ways of measuring retention over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// Sum of the end levels of the customers there at the start, over their start levels.
    Net,
    /// Sum of the lesser of start and end level of each customer there at the start, over their start levels.
    Gross,
    /// Start less contraction and churn of the customers there at the start, over their start levels.
    GrossByMovements,
}
