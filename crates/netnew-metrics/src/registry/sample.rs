//! Worked examples: small made-up rows that can be checked in one's head. They are data, so that the same ones are
//! printed in the reference and run as tests.

use crate::cash::{CashRow, Revenue};
use crate::query::Period;
use crate::rollup::{GroupKey, Heads, Retained, RollupRow, Window};
use netnew_facts::EntryKind;
use netnew_ledger::{Cause, Kind};
use netnew_money::{Amount, Day};
use std::collections::BTreeMap;

/// A row of a report in short. Amounts are plain decimals in the currency's major unit, losses negative; the end
/// follows from the rest.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// MRR at the start.
    pub start: &'static str,
    /// Movements, one per kind.
    pub movements: &'static [(Kind, &'static str)],
    /// Parts of the movements by cause.
    pub causes: &'static [(Kind, Cause, &'static str)],
    /// What rates did to the level.
    pub fx: &'static str,
    /// ARR at the end, where it matters.
    pub arr: &'static str,
    /// Committed MRR at the end, where it matters.
    pub committed: Option<&'static str>,
    /// Customers at the start.
    pub customers: i64,
    /// Head counts in between.
    pub heads: Heads,
    /// What is left of those who were there at the start of each window.
    pub kept: &'static [(Window, KeptSample)],
}

/// What became of the customers with a level at a window's start.
#[derive(Clone, Copy, Debug)]
pub struct KeptSample {
    /// Their MRR at the window's start.
    pub start: &'static str,
    /// Their MRR at its end.
    pub end: &'static str,
    /// Sum of the lesser of the two, customer by customer.
    pub least: &'static str,
    /// How many they were.
    pub customers: i64,
    /// How many are left.
    pub kept: i64,
}

/// Nobody came, nobody went.
pub(super) const NO_HEADS: Heads = Heads { new: 0, reactivated: 0, entered: 0, churned: 0, left: 0 };

/// An empty book.
pub(super) const NOTHING: Sample = Sample {
    start: "0",
    movements: &[],
    causes: &[],
    fx: "0",
    arr: "0",
    committed: None,
    customers: 0,
    heads: NO_HEADS,
    kept: &[],
};

/// What came in and went out, in short.
#[derive(Clone, Copy, Debug)]
pub struct CashSample {
    /// Kinds of entries that the book has.
    pub has: &'static [EntryKind],
    /// Amounts by the name of the figure, see [`CashSample::row`].
    pub money: &'static [(&'static str, &'static str)],
    /// Attempts to collect that succeeded and that failed.
    pub attempts: (i64, i64),
}

/// A book without entries.
pub(super) const NO_CASH: CashSample = CashSample { has: &[], money: &[], attempts: (0, 0) };

impl CashSample {
    /// The row that a rollup would give.
    ///
    /// Panics on a name that is no figure; every sample is read by a test.
    pub fn row(&self) -> CashRow {
        let mut row = CashRow {
            has: self.has.iter().copied().collect(),
            attempts_succeeded: self.attempts.0,
            attempts_failed: self.attempts.1,
            ..CashRow::default()
        };
        for (name, text) in self.money {
            let value = amount(text);
            match *name {
                "invoiced" => row.invoiced = value,
                "collected" => row.collected = value,
                "refunded" => row.refunded = value,
                "disputes lost" => row.disputes_lost = value,
                "recovered" => row.recovered = value,
                "at risk" => row.at_risk = value,
                "of it recovered" => row.at_risk_recovered = value,
                "expenses" => row.expenses = value,
                "expenses of twelve months" => row.expenses_12_months = value,
                "cost of revenue" => (row.cost_of_revenue, row.has_cost_of_revenue) = (value, true),
                "sales and marketing" => (row.sales_expenses, row.has_sales_expenses) = (value, true),
                "spend" => row.spend = value,
                "weighted pipeline" => row.pipeline_weighted = value,
                "contracted" => row.contracted = value,
                _ => {
                    // Revenue is shown per day; the other ways differ in the rollup only.
                    let one = |revenue: &mut Revenue| match *name {
                        "recognised" => revenue.recognised = value,
                        "deferred" => revenue.deferred = value,
                        "recognised in twelve months" => revenue.last_12_months = value,
                        "in the twelve before" => revenue.prior_12_months = value,
                        other => panic!("{other} is no figure of entries"),
                    };
                    [&mut row.per_day, &mut row.per_second, &mut row.even_months].into_iter().for_each(one);
                }
            }
        }
        row
    }
}

/// A worked example of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// One sentence about the case; where the figures are somebody's published example, whose.
    pub says: &'static str,
    /// The value of the metric's knob for which it is worked; `None` for the metric's own formula.
    pub variant: Option<&'static str>,
    /// Other rules that it depends on: knob and value.
    pub rules: &'static [(&'static str, &'static str)],
    /// Length of the interval in whole months; the row is of April 2026, or of periods of that length up to its end.
    pub months: u32,
    /// Rows before, oldest first.
    pub history: &'static [Sample],
    /// The row.
    pub sample: Sample,
    /// What came in and went out in it.
    pub cash: CashSample,
    /// The value as reports print it; `None` for null.
    pub expected: Option<&'static str>,
}

impl Example {
    /// An example of a metric's own formula, over a month.
    pub(super) const fn of(says: &'static str, sample: Sample, expected: Option<&'static str>) -> Example {
        Example { says, variant: None, rules: &[], months: 1, history: &[], sample, cash: NO_CASH, expected }
    }

    /// An example over entries.
    pub(super) const fn of_cash(
        says: &'static str,
        sample: Sample,
        cash: CashSample,
        expected: Option<&'static str>,
    ) -> Example {
        Example { cash, ..Example::of(says, sample, expected) }
    }

    /// An example of a variant, over a month.
    pub(super) const fn under(
        variant: &'static str,
        says: &'static str,
        sample: Sample,
        expected: Option<&'static str>,
    ) -> Example {
        Example { variant: Some(variant), ..Example::of(says, sample, expected) }
    }

    /// The rows before and the row, as a rollup would give them.
    pub fn rows(&self) -> (Vec<RollupRow>, RollupRow) {
        let length = i32::try_from(self.months).unwrap_or(1);
        let last = Day::from_ymd(2026, 5, 1).expect("the first of May is a day");
        let before = |index: usize| {
            let back = i32::try_from(self.history.len() - index).unwrap_or(0);
            last.add_months(-length * back)
        };
        let history =
            self.history.iter().enumerate().map(|(index, s)| s.row(before(index), length)).collect();
        (history, self.sample.row(last, length))
    }
}

impl Sample {
    /// The row of the period of so many months that ends before a day.
    fn row(&self, next: Day, months: i32) -> RollupRow {
        let start = next.add_months(-months);
        let last = next.add_days(-1);
        let movements: BTreeMap<Kind, Amount> =
            self.movements.iter().map(|(kind, a)| (*kind, amount(a))).collect();
        let moved: Amount = movements.values().sum();
        let heads = self.heads;
        let heads_end =
            self.customers + heads.new + heads.reactivated + heads.entered - heads.churned - heads.left;
        RollupRow {
            period: Period { start, first: start, last, whole: true, next },
            group: GroupKey::default(),
            start: amount(self.start),
            causes: self.causes.iter().map(|(kind, cause, a)| ((*kind, *cause), amount(a))).collect(),
            fx: amount(self.fx),
            end: amount(self.start) + moved + amount(self.fx),
            movements,
            arr: amount(self.arr),
            committed: self.committed.map(amount),
            heads_start: self.customers,
            heads,
            heads_end,
            retained: self.kept.iter().map(|(window, kept)| (*window, kept.retained())).collect(),
        }
    }
}

impl KeptSample {
    fn retained(&self) -> Retained {
        Retained {
            start: amount(self.start),
            end: amount(self.end),
            least: amount(self.least),
            customers: self.customers,
            kept: self.kept,
        }
    }
}

fn amount(text: &str) -> Amount {
    Amount::parse(text).expect("a test reads every sample")
}
