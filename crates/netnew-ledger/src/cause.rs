//! Why a row is there (section 8).

use crate::movement::Cause;
use crate::phase::Phase;
use netnew_facts::{CancelReason, ItemState, Status};
use std::cmp::Ordering;

/// An item at one end of a group: its phase and the state behind it.
#[derive(Clone, Copy)]
pub struct End<'a> {
    /// The phase that holds.
    pub phase: &'a Phase,
    /// The state it comes from.
    pub state: &'a ItemState,
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
pub fn of_start(after: End, around: Surroundings) -> Cause {
    if after.state.amount.is_negative() {
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
pub fn of_end(before: End, end: Option<End>, around: Surroundings) -> Cause {
    if before.state.amount.is_negative() {
        return Cause::Credit;
    }
    if around.others_after {
        return Cause::AddonRemoved;
    }
    let reason = end.and_then(|e| e.state.reason).or(before.state.reason);
    let failing = matches!(before.phase.status, Status::PastDue | Status::Unpaid);
    match reason {
        Some(CancelReason::Involuntary) => Cause::CancelInvoluntary,
        None if failing => Cause::CancelInvoluntary,
        _ => Cause::CancelVoluntary,
    }
}

/// Cause of an item that is live before and after, or of a pair that replaces one another.
pub fn of_change(before: End, after: End) -> Cause {
    let (b, a) = (before.state, after.state);
    if b.currency != a.currency {
        return Cause::CurrencySwitch;
    }
    if b.plan != a.plan {
        let lower = after.phase.level.mrr < before.phase.level.mrr;
        return if lower { Cause::Downgrade } else { Cause::Upgrade };
    }
    if (b.interval, b.interval_count) != (a.interval, a.interval_count) {
        return Cause::Interval;
    }
    if b.quantity_micros != a.quantity_micros {
        return Cause::Quantity;
    }
    if b.amount != a.amount {
        return Cause::PriceChange;
    }
    of_status(before.phase, after.phase)
}

/// Discounts are compared only where both ends count: one that takes something off nothing says nothing.
fn of_status(before: &Phase, after: &Phase) -> Cause {
    if before.counts && after.counts {
        match after.off.cmp(&before.off) {
            Ordering::Greater => return Cause::DiscountStart,
            Ordering::Less => return Cause::DiscountEnd,
            Ordering::Equal => {}
        }
    }
    if before.status == Status::Trialing && after.status != Status::Trialing {
        Cause::TrialConversion
    } else if before.status == after.status && !after.lapsed {
        Cause::Other
    } else if after.status == Status::Paused {
        Cause::Pause
    } else if before.status == Status::Paused {
        Cause::Resume
    } else if after.status == Status::Unpaid || (after.lapsed && !before.lapsed) {
        Cause::CancelInvoluntary
    } else {
        Cause::Other
    }
}
