//! What is seen of a life: the rows a billing system would have, and what is true about them.

use netnew_money::{Amount, Day, Instant};

use crate::catalogue::{Billing, Coupon, Money, Plan, worth};
use crate::profile::Profile;

/// Where an item stands, in the words of the file of states.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Status {
    Active,
    Trialing,
    PastDue,
    Unpaid,
    Paused,
    Canceled,
    Free,
}

impl Status {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Trialing => "trialing",
            Status::PastDue => "past_due",
            Status::Unpaid => "unpaid",
            Status::Paused => "paused",
            Status::Canceled => "canceled",
            Status::Free => "free",
        }
    }

    /// Whether it is revenue: a bill that is late still is, one that was given up is not.
    const fn counts(self) -> bool {
        matches!(self, Status::Active | Status::PastDue)
    }
}

/// A coupon on an item, with the day from which it no longer applies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Discount {
    pub coupon: Coupon,
    pub until: Option<Day>,
}

/// An item of a subscription as it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    /// Which of the customer's subscriptions, from 1.
    pub subscription: u32,
    pub plan: Plan,
    /// Price of one unit for one bill, in thousandths of the major unit.
    pub mills: i64,
    pub money: Money,
    pub billing: Billing,
    pub quantity: i64,
    pub discount: Option<Discount>,
    pub status: Status,
    pub trial_end: Option<Instant>,
    pub cancel_requested_at: Option<Instant>,
    pub cancel_at: Option<Instant>,
    pub reason: Option<&'static str>,
}

impl Item {
    /// What it is worth per month as it stands.
    pub(crate) fn worth(&self) -> Amount {
        if !self.status.counts() || self.plan == Plan::ApiCalls {
            return Amount::ZERO;
        }
        worth(self.mills, self.quantity, self.billing, self.discount.map(|d| d.coupon))
    }
}

/// What a movement is, as the simulator knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    New,
    Reactivation,
    Expansion,
    Contraction,
    Churn,
    Transfer,
}

impl Kind {
    pub(crate) const COUNT: usize = 6;
}

/// Something that became true about revenue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Movement {
    /// Index of the month in the history.
    pub month: usize,
    pub day: Day,
    pub kind: Kind,
    pub plan: Plan,
    pub money: Money,
    pub amount: Amount,
}

/// What an item is worth at a month's end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    pub month: usize,
    pub plan: Plan,
    pub money: Money,
    pub amount: Amount,
}

/// Sees a life go by. Everything is ignored unless said otherwise.
pub(crate) trait Witness {
    /// The customer, once and first.
    fn profile(&mut self, _who: &Profile) {}
    /// The customer has moved to another country, which is already in `who`.
    fn relocated(&mut self, _who: &Profile, _on: Day) {}
    /// A row of the file of states.
    fn state(&mut self, _who: &Profile, _at: Instant, _seq: u32, _item: &Item) {}
    /// A movement.
    fn movement(&mut self, _movement: &Movement) {}
    /// The customer came (`New` or `Reactivation`) or left (`Churn`) in a month.
    fn head(&mut self, _month: usize, _kind: Kind) {}
    /// A level at a month's end.
    fn level(&mut self, _level: &Level) {}
}
