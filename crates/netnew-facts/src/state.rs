//! The fact the ledger lives on: what one item of one subscription looks like from an instant on.

use crate::discount::Discount;
use crate::fact::Text;
use netnew_money::{Currency, Decimal, Instant, IntervalUnit};

/// Status of an item, in the words billing systems share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Running and, as far as known, paid.
    Active,
    /// Inside a trial; becomes active at `trial_end`.
    Trialing,
    /// A payment failed and is being retried.
    PastDue,
    /// Retries have been given up; the subscription still exists.
    Unpaid,
    /// On hold by agreement.
    Paused,
    /// Ended.
    Canceled,
    /// On a plan that costs nothing.
    Free,
}

impl Status {
    /// All statuses, in the order of the documentation.
    pub const ALL: [Status; 7] = [
        Status::Active,
        Status::Trialing,
        Status::PastDue,
        Status::Unpaid,
        Status::Paused,
        Status::Canceled,
        Status::Free,
    ];

    /// The word used in files, JSON and pages.
    pub fn as_str(self) -> &'static str {
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

    /// Reads the word, exactly as [`Status::as_str`] writes it.
    pub fn parse(text: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// Whether the price is for a licensed quantity or for metered use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UsageType {
    /// A price for a quantity agreed beforehand.
    #[default]
    Licensed,
    /// A price per unit used; the amount says nothing about MRR by itself.
    Metered,
}

impl UsageType {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            UsageType::Licensed => "licensed",
            UsageType::Metered => "metered",
        }
    }

    /// Reads the word, exactly as [`UsageType::as_str`] writes it.
    pub fn parse(text: &str) -> Option<UsageType> {
        [UsageType::Licensed, UsageType::Metered].into_iter().find(|u| u.as_str() == text)
    }
}

/// Who ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CancelReason {
    /// The customer asked.
    Voluntary,
    /// A payment failed for good, or was disputed.
    Involuntary,
}

impl CancelReason {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            CancelReason::Voluntary => "voluntary",
            CancelReason::Involuntary => "involuntary",
        }
    }

    /// Reads the word, exactly as [`CancelReason::as_str`] writes it.
    pub fn parse(text: &str) -> Option<CancelReason> {
        [CancelReason::Voluntary, CancelReason::Involuntary].into_iter().find(|r| r.as_str() == text)
    }
}

/// From its `effective_at` on, this is what the item is. It holds until the next state of the same item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ItemState {
    /// Status from this instant on.
    pub status: Status,
    /// Plan, product or price the item is on; `None` when the source names none.
    pub plan: Option<Text>,
    /// Price of one unit for one interval, at the scale the source gave. May be negative (a credit).
    pub amount: Decimal,
    /// Currency of `amount`.
    pub currency: Currency,
    /// Unit of the billing interval.
    pub interval: IntervalUnit,
    /// How many units make one interval, at least 1.
    pub interval_count: u32,
    /// Quantity in millionths of a unit; never negative.
    pub quantity_micros: i64,
    /// Licensed or metered.
    pub usage_type: UsageType,
    /// Discounts in the order given. Empty for most items.
    pub discounts: Vec<Discount>,
    /// When the trial ends; only of meaning while `Trialing`.
    pub trial_end: Option<Instant>,
    /// When the customer asked to cancel, which is not when it ends.
    pub cancel_requested_at: Option<Instant>,
    /// When it ends or ended, if that is fixed already.
    pub cancel_at: Option<Instant>,
    /// Who ended it, if the source says.
    pub reason: Option<CancelReason>,
    /// The source's own words about the reason.
    pub reason_text: Option<Text>,
    /// True when the history was rebuilt from later evidence instead of observed. Observed beats reconstructed.
    pub reconstructed: bool,
}

impl ItemState {
    /// An active, licensed, monthly item with quantity 1 and no discounts: a base to build on.
    pub fn monthly(amount: Decimal, currency: Currency) -> ItemState {
        ItemState {
            status: Status::Active,
            plan: None,
            amount,
            currency,
            interval: IntervalUnit::Month,
            interval_count: 1,
            quantity_micros: 1_000_000,
            usage_type: UsageType::Licensed,
            discounts: Vec::new(),
            trial_end: None,
            cancel_requested_at: None,
            cancel_at: None,
            reason: None,
            reason_text: None,
            reconstructed: false,
        }
    }
}
