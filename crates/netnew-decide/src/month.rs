//! What decisions look at: months as the rollup gives them, and single movements.

use netnew_ledger::{Cause, Kind};
use netnew_metrics::{RollupRow, Window};
use netnew_money::{Amount, Day};

/// One month: start, what moved it, end. Losses are negative, and start + movements + fx = end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    /// First day.
    pub first: Day,
    /// Last day, inclusive.
    pub last: Day,
    /// MRR at the start.
    pub start: Amount,
    /// From first-time customers.
    pub new: Amount,
    /// From former customers.
    pub reactivation: Amount,
    /// More from customers.
    pub expansion: Amount,
    /// Less from customers who stay; zero or negative.
    pub contraction: Amount,
    /// The last of customers' MRR; zero or negative.
    pub churn: Amount,
    /// Between groups; zero over the whole.
    pub transfer: Amount,
    /// What exchange rates did.
    pub fx: Amount,
    /// MRR at the end.
    pub end: Amount,
    /// Customers at the start.
    pub customers_start: i64,
    /// First-time customers.
    pub customers_new: i64,
    /// Former customers who came back.
    pub customers_back: i64,
    /// Customers lost.
    pub customers_lost: i64,
    /// Customers at the end.
    pub customers_end: i64,
    /// Of the twelve months up to this month's end: MRR at their start and what the same customers pay at their end.
    pub retained_12: Option<(Amount, Amount)>,
}

impl Month {
    /// The figures of a rollup's row.
    pub fn of(row: &RollupRow) -> Month {
        Month {
            first: row.period.first,
            last: row.period.last,
            start: row.start,
            new: row.movement(Kind::New),
            reactivation: row.movement(Kind::Reactivation),
            expansion: row.movement(Kind::Expansion),
            contraction: row.movement(Kind::Contraction),
            churn: row.movement(Kind::Churn),
            transfer: row.movement(Kind::Transfer),
            fx: row.fx,
            end: row.end,
            customers_start: row.heads_start,
            customers_new: row.heads.new,
            customers_back: row.heads.reactivated + row.heads.entered,
            customers_lost: row.heads.churned + row.heads.left,
            customers_end: row.heads_end,
            retained_12: row
                .retained
                .get(&Window::Months12)
                .filter(|kept| kept.start.is_positive())
                .map(|kept| (kept.start, kept.end)),
        }
    }

    /// The movement of a kind.
    pub fn movement(&self, kind: Kind) -> Amount {
        match kind {
            Kind::New => self.new,
            Kind::Reactivation => self.reactivation,
            Kind::Expansion => self.expansion,
            Kind::Contraction => self.contraction,
            Kind::Churn => self.churn,
            Kind::Transfer => self.transfer,
        }
    }

    /// All movements together, without exchange rates.
    pub fn net_new(&self) -> Amount {
        Kind::ALL.into_iter().map(|kind| self.movement(kind)).sum()
    }
}

/// A kind's sum over months.
pub fn total(months: &[Month], kind: Kind) -> Amount {
    months.iter().map(|month| month.movement(kind)).sum()
}

/// One movement, as far as decisions ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Id of the posted row.
    pub id: String,
    /// Local day.
    pub date: Day,
    /// Customer id.
    pub customer: String,
    /// Its name, if one is known.
    pub name: Option<String>,
    /// Plan the row is about.
    pub plan: Option<String>,
    /// What happened.
    pub kind: Kind,
    /// Why.
    pub cause: Cause,
    /// Change of MRR; losses are negative.
    pub amount: Amount,
    /// The day of the customer's first MRR.
    pub since: Option<Day>,
}

impl Event {
    /// Days from the customer's first MRR to this.
    pub fn tenure(&self) -> Option<i32> {
        self.since.map(|since| self.date.days_since(since))
    }
}
