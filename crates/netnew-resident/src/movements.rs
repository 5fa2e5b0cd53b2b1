//! Every movement of a ledger, by column, customer by customer.

use crate::walk::{Posting, Sink, Step};
use netnew_ledger::{Cause, Kind};
use netnew_metrics::RollupError;
use netnew_money::Amount;

/// One movement: numbers that the image and the rules turn into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Instant of the step, in microseconds.
    pub at: i64,
    amount: i64,
    before: i64,
    /// Index of the customer in the image.
    pub customer: u32,
    /// Index into the rules' plans.
    pub plan: u32,
    /// Index of the item among the customer's.
    pub item: u16,
    /// Index into the rules' currencies.
    pub currency: u8,
    /// What happened.
    pub kind: Kind,
    /// Why.
    pub cause: Cause,
    large: bool,
}

/// All movements of a set of customers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Movements {
    /// In the order of customers, then steps, then rows.
    pub rows: Vec<Movement>,
    /// Amounts and levels beyond 64 bits; a movement that is marked large holds its place here.
    large: Vec<[i128; 2]>,
}

impl Movements {
    /// Change of MRR, and the level of the item on this plan before; after it is their sum.
    pub fn amounts(&self, movement: &Movement) -> (Amount, Amount) {
        let [amount, before] = match movement.large {
            true => self.large[movement.amount as usize],
            false => [i128::from(movement.amount), i128::from(movement.before)],
        };
        (Amount::from_raw(amount), Amount::from_raw(before))
    }
}

impl Sink for Movements {
    #[inline]
    fn post(&mut self, posting: &Posting) {
        let (at, item) = (posting.image.at[posting.row], posting.image.item[posting.row]);
        let again = posting.kind == Some(Kind::Reactivation);
        for row in posting.rows {
            self.rows.push(Movement {
                at,
                amount: row.amount,
                before: row.before,
                customer: posting.customer,
                plan: row.plan,
                item,
                currency: row.currency,
                kind: if again { Kind::Reactivation } else { row.kind },
                cause: row.cause,
                large: false,
            });
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), RollupError> {
        for row in step.rows {
            let (amount, before, large) = match (i64::try_from(row.amount), i64::try_from(row.before)) {
                (Ok(amount), Ok(before)) => (amount, before, false),
                _ => {
                    self.large.push([row.amount, row.before]);
                    (self.large.len() as i64 - 1, 0, true)
                }
            };
            self.rows.push(Movement {
                at: step.at,
                amount,
                before,
                customer: step.customer,
                plan: row.plan,
                item: row.item,
                currency: row.currency,
                kind: row.kind,
                cause: row.cause,
                large,
            });
        }
        Ok(())
    }

    fn end(&mut self, _customer: u32, _first_change: Option<i64>) -> Result<(), RollupError> {
        Ok(())
    }
}
