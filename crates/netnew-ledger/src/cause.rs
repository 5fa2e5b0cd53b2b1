//! Why a row is there (section 8).

use crate::movement::Cause;
use netnew_facts::{CancelReason, Status};
use netnew_money::Amount;
use std::cmp::Ordering;

/// An item at one end of a group, as far as causes ask.
pub trait End {
    /// Its price is below 0.
    fn is_credit(&self) -> bool;
    /// Who ended it, if the source says.
    fn reason(&self) -> Option<CancelReason>;
    /// Status after transitions in time.
    fn status(&self) -> Status;
    /// Its status counts.
    fn counts(&self) -> bool;
    /// A payment failed for good.
    fn lapsed(&self) -> bool;
    /// Its level.
    fn mrr(&self) -> Amount;
    /// Bills in the same currency.
    fn same_currency(&self, other: &Self) -> bool;
    /// On the same plan.
    fn same_plan(&self, other: &Self) -> bool;
    /// Bills at the same interval.
    fn same_interval(&self, other: &Self) -> bool;
    /// The same quantity.
    fn same_quantity(&self, other: &Self) -> bool;
    /// The same price of one unit.
    fn same_price(&self, other: &Self) -> bool;
    /// Its level is what was used of it.
    fn by_usage(&self) -> bool {
        false
    }
    /// By how much discounts take off.
    fn off_cmp(&self, other: &Self) -> Ordering;
}

/// What surrounds an item that starts or ends.
#[derive(Clone, Copy)]
pub struct Surroundings {
    /// Its subscription had another live item before.
    pub others_before: bool,
    /// Its subscription has another live item after.
    pub others_after: bool,
    /// The customer was present before.
    pub present_before: bool,
}

/// Cause of an item that starts: nothing live before.
pub fn of_start<E: End>(after: &E, around: Surroundings) -> Cause {
    if after.is_credit() {
        Cause::Credit
    } else if around.others_before {
        Cause::AddonAdded
    } else if around.present_before {
        Cause::SecondSubscription
    } else {
        Cause::Other
    }
}

/// Cause of an item that ends: nothing live after. `end` is the phase that ended it, if one is known.
pub fn of_end<E: End>(before: &E, end: Option<&E>, around: Surroundings) -> Cause {
    if before.is_credit() {
        return Cause::Credit;
    }
    if around.others_after {
        return Cause::AddonRemoved;
    }
    let reason = end.and_then(E::reason).or(before.reason());
    let failing = matches!(before.status(), Status::PastDue | Status::Unpaid);
    match reason {
        Some(CancelReason::Involuntary) => Cause::CancelInvoluntary,
        None if failing => Cause::CancelInvoluntary,
        _ => Cause::CancelVoluntary,
    }
}

/// Cause of an item that is live before and after, or of a pair that replaces one another.
pub fn of_change<E: End>(before: &E, after: &E) -> Cause {
    if !before.same_currency(after) {
        Cause::CurrencySwitch
    } else if !before.same_plan(after) {
        if after.mrr() < before.mrr() { Cause::Downgrade } else { Cause::Upgrade }
    } else if before.by_usage()
        && after.by_usage()
        && before.mrr() != after.mrr()
        && before.counts()
        && after.counts()
    {
        Cause::Usage
    } else if !before.same_interval(after) {
        Cause::Interval
    } else if !before.same_quantity(after) {
        Cause::Quantity
    } else if !before.same_price(after) {
        Cause::PriceChange
    } else {
        of_status(before, after)
    }
}

/// Discounts are compared only where both ends count: one that takes something off nothing says nothing.
fn of_status<E: End>(before: &E, after: &E) -> Cause {
    if before.counts() && after.counts() {
        match after.off_cmp(before) {
            Ordering::Greater => return Cause::DiscountStart,
            Ordering::Less => return Cause::DiscountEnd,
            Ordering::Equal => {}
        }
    }
    if before.status() == Status::Trialing && after.status() != Status::Trialing {
        Cause::TrialConversion
    } else if before.status() == after.status() && !after.lapsed() {
        Cause::Other
    } else if after.status() == Status::Paused {
        Cause::Pause
    } else if before.status() == Status::Paused {
        Cause::Resume
    } else if after.status() == Status::Unpaid || (after.lapsed() && !before.lapsed()) {
        Cause::CancelInvoluntary
    } else {
        Cause::Other
    }
}
