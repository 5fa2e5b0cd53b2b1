//! Every movement of a ledger, by column, customer by customer.

use crate::rules::Rules;
use crate::step::{Posting, Sink, Step};
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
pub struct Movements<'r> {
    rules: &'r Rules,
    with_expected: bool,
    /// In the order of customers, then steps, then rows.
    pub rows: Vec<Movement>,
    /// Amounts and levels beyond 64 bits; a movement that is marked large holds its place here.
    large: Vec<[i128; 2]>,
    /// Events that wait for their rows: these lie far apart in memory, and only a loop that does nothing else fetches
    /// many at once.
    waiting: Vec<Posting>,
}

/// Events that wait at a time.
const WAITING: usize = 2048;

impl<'r> Movements<'r> {
    /// None yet; there will be `about` so many. `with_expected`: those that lie after now too.
    pub fn new(rules: &'r Rules, about: usize, with_expected: bool) -> Movements<'r> {
        let waiting = Vec::with_capacity(WAITING);
        Movements { rules, with_expected, rows: Vec::with_capacity(about), large: Vec::new(), waiting }
    }

    fn settle(&mut self) {
        let Some(templates) = &self.rules.templates else { return };
        for posting in &self.waiting {
            for which in templates.rows_of(posting.which) {
                let row = &templates.rows[which];
                let topic = templates.topics[row.topics[usize::from(posting.which.again)] as usize];
                self.rows.push(Movement {
                    at: posting.at,
                    amount: row.amount,
                    before: templates.befores[which],
                    customer: posting.customer,
                    plan: topic.plan,
                    item: posting.item,
                    currency: topic.currency,
                    kind: topic.kind,
                    cause: topic.cause,
                    large: false,
                });
            }
        }
        self.waiting.clear();
    }

    /// Takes what still waits in.
    pub fn finish(mut self) -> Movements<'r> {
        self.settle();
        self
    }

    /// Change of MRR, and the level of the item on this plan before; after it is their sum.
    pub fn amounts(&self, movement: &Movement) -> (Amount, Amount) {
        let [amount, before] = match movement.large {
            true => self.large[movement.amount as usize],
            false => [i128::from(movement.amount), i128::from(movement.before)],
        };
        (Amount::from_raw(amount), Amount::from_raw(before))
    }
}

impl Sink for Movements<'_> {
    #[inline]
    fn post(&mut self, posting: &Posting) {
        if self.waiting.len() == WAITING {
            self.settle();
        }
        self.waiting.push(*posting);
    }

    fn step(&mut self, step: &Step) -> Result<(), RollupError> {
        self.settle();
        if step.expected && !self.with_expected {
            return Ok(());
        }
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
