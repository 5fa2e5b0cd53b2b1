//! What a walk hands over: steps, rows, and events of simple customers.

use crate::rules::Rules;
use crate::templates::Which;
use netnew_ledger::{Cause, Kind};
use netnew_metrics::RollupError;
use netnew_money::Day;

/// One posted row of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Index of the item among the customer's.
    pub item: u16,
    /// Index into [`Rules::plans`].
    pub plan: u32,
    /// Index into [`Rules::currencies`].
    pub currency: u8,
    /// What happened.
    pub kind: Kind,
    /// Why.
    pub cause: Cause,
    /// Change of MRR in 10^-10 of the major unit.
    pub amount: i128,
    /// Level of this item on this plan before the row; after it is `before + amount`.
    pub before: i128,
}

/// How the level of one item on one plan changed over a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Index of the item among the customer's.
    pub item: u16,
    /// Index into [`Rules::plans`].
    pub plan: u32,
    /// Index into [`Rules::currencies`].
    pub currency: u8,
    /// MRR before and after.
    pub mrr: [i128; 2],
    /// ARR before and after.
    pub arr: [i128; 2],
}

/// All that changed for one customer in one netted group.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Index of the customer in the image.
    pub customer: u32,
    /// Instant of the group's last step, in microseconds.
    pub at: i64,
    /// Its local day in the report's zone.
    pub day: Day,
    /// `New`, `Reactivation` or `Churn` when presence changed.
    pub kind: Option<Kind>,
    /// Present before.
    pub present_before: bool,
    /// Present after.
    pub present_after: bool,
    /// Lies after now.
    pub expected: bool,
    /// Posted rows.
    pub rows: &'a [Row],
    /// Changes behind them.
    pub changes: &'a [Change],
}

/// What steps are handed to, customer by customer.
pub trait Sink {
    /// A step. Under `movement.level = subscription` a step of one subscription has rows and says nothing of presence:
    /// see [`Sink::heads`].
    fn step(&mut self, step: &Step) -> Result<(), RollupError>;

    /// What head counts follow, when it is not the steps themselves.
    fn heads(&mut self, _step: &Step) -> Result<(), RollupError> {
        Ok(())
    }

    /// An event of a simple customer: the rows of a step, from a template.
    fn post(&mut self, posting: &Posting);

    /// The customer is done. `first_change`: when a level changed for the first time; may lie ahead.
    fn end(&mut self, customer: u32, first_change: Option<i64>) -> Result<(), RollupError>;
}

/// What an event of a simple customer posts.
#[derive(Clone, Copy)]
pub struct Posting {
    /// Index of the customer in the image.
    pub customer: u32,
    /// Index of the item among the customer's.
    pub item: u16,
    /// Instant of the event, in microseconds.
    pub at: i64,
    /// The row of the image that brings it, or behind them the row that was laid down.
    pub(crate) row: u32,
    pub(crate) which: Which,
    /// Local day, since the cut's first.
    pub(crate) day: u16,
    /// `New`, `Reactivation` or `Churn` when presence changed.
    pub kind: Option<Kind>,
}

impl Posting {
    /// The rows that it posts.
    pub fn rows(&self, rules: &Rules) -> impl Iterator<Item = Row> {
        let which = self.which;
        let item = self.item;
        rules.templates.iter().flat_map(move |templates| {
            templates.rows_of(which).map(move |at| {
                let row = templates.rows[at];
                let topic = templates.topics[row.topics[usize::from(which.again)] as usize];
                Row {
                    item,
                    plan: topic.plan,
                    currency: topic.currency,
                    kind: topic.kind,
                    cause: topic.cause,
                    amount: i128::from(row.amount),
                    before: i128::from(templates.befores[at]),
                }
            })
        })
    }
}
