//! Every movement of a ledger, by column, customer by customer.

use crate::walk::{Sink, Step};
use netnew_ledger::{Cause, Kind};
use netnew_metrics::RollupError;
use netnew_money::Day;

/// One movement: numbers that the image and the rules turn into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Index of the customer in the image.
    pub customer: u32,
    /// Index of the item among the customer's.
    pub item: u16,
    /// What happened.
    pub kind: Kind,
    /// Why.
    pub cause: Cause,
    /// Index into the rules' plans.
    pub plan: u32,
    /// Index into the rules' currencies.
    pub currency: u8,
    /// The local day.
    pub day: Day,
    /// Instant of the step, in microseconds.
    pub at: i64,
    /// Change of MRR in 10^-10 of the major unit.
    pub amount: i128,
    /// Level of the item on this plan before; after it is `before + amount`.
    pub before: i128,
}

/// All movements of a set of customers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Movements {
    /// In the order of customers, then steps, then rows.
    pub rows: Vec<Movement>,
}

impl Sink for Movements {
    fn step(&mut self, step: &Step) -> Result<(), RollupError> {
        self.rows.extend(step.rows.iter().map(|row| Movement {
            customer: step.customer,
            item: row.item,
            kind: row.kind,
            cause: row.cause,
            plan: row.plan,
            currency: row.currency,
            day: step.day,
            at: step.at,
            amount: row.amount,
            before: row.before,
        }));
        Ok(())
    }

    fn end(&mut self, _customer: u32, _first_change: Option<i64>) -> Result<(), RollupError> {
        Ok(())
    }
}
