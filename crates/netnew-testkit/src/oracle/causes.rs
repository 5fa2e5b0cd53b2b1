//! Section 8: why an item changed.

use std::collections::BTreeMap;

use netnew_money::Ratio;

use super::Business;
use super::groups::Group;
use super::item::{Item, ItemId};
use crate::rows::PlainStatus;

impl Business {
    /// The cause of every item that is live before or after the group.
    pub(super) fn causes(&self, group: &Group<'_>) -> BTreeMap<ItemId, &'static str> {
        let live =
            |items: &'_ [Item<'_>], id: &ItemId| items.iter().any(|item| item.id == *id && item.is_live());
        let mut starts: Vec<&Item<'_>> = group.after.iter().filter(|item| item.is_live()).collect();
        starts.retain(|item| !live(&group.before, &item.id));
        let mut ends: Vec<&Item<'_>> = group.before.iter().filter(|item| item.is_live()).collect();
        ends.retain(|item| !live(&group.after, &item.id));

        let mut causes = BTreeMap::new();
        for before in group.before.iter().filter(|item| item.is_live()) {
            if let Some(after) = group.after.iter().find(|item| item.id == before.id && item.is_live()) {
                causes.insert(before.id.clone(), change(before, after));
            }
        }
        for same_subscription in [true, false] {
            for end in std::mem::take(&mut ends) {
                let partner = starts
                    .iter()
                    .position(|start| !same_subscription || start.id.shares_subscription(&end.id));
                match partner {
                    None => ends.push(end),
                    Some(at) => {
                        let start = starts.remove(at);
                        let cause = change(end, start);
                        causes.insert(end.id.clone(), cause);
                        causes.insert(start.id.clone(), cause);
                    }
                }
            }
        }
        for start in starts {
            causes.insert(start.id.clone(), self.start(group, start));
        }
        for end in ends {
            causes.insert(end.id.clone(), self.end(group, end));
        }
        causes
    }

    fn start(&self, group: &Group<'_>, item: &Item<'_>) -> &'static str {
        let beside = |other: &Item<'_>| {
            other.is_live() && other.id != item.id && other.id.shares_subscription(&item.id)
        };
        if item.price < Ratio::ZERO {
            "credit"
        } else if group.before.iter().any(beside) {
            "addon_added"
        } else if group.was_present() {
            "second_subscription"
        } else {
            "other"
        }
    }

    fn end(&self, group: &Group<'_>, item: &Item<'_>) -> &'static str {
        let beside = |other: &Item<'_>| {
            other.is_live() && other.id != item.id && other.id.shares_subscription(&item.id)
        };
        // The state that took it away says why, even where it is another customer's.
        let ended = self.item_at(&item.id, self.within_horizon(group.last));
        let delinquent = matches!(item.status, PlainStatus::PastDue | PlainStatus::Unpaid);
        if item.price < Ratio::ZERO {
            "credit"
        } else if group.after.iter().any(beside) {
            "addon_removed"
        } else {
            match ended.and_then(|ended| ended.voluntary) {
                Some(false) => "cancel_involuntary",
                None if delinquent => "cancel_involuntary",
                _ => "cancel_voluntary",
            }
        }
    }
}

/// The first thing in which an item that goes on, or a pair of items, differs.
fn change(before: &Item<'_>, after: &Item<'_>) -> &'static str {
    let (old, new) = (before.row, after.row);
    if old.currency != new.currency {
        return "currency_switch";
    }
    if old.plan != new.plan {
        return if after.mrr >= before.mrr { "upgrade" } else { "downgrade" };
    }
    if (old.interval, old.interval_count) != (new.interval, new.interval_count) {
        return "interval";
    }
    if old.quantity_micros != new.quantity_micros {
        return "quantity";
    }
    if before.price != after.price {
        return "price_change";
    }
    // What a discount takes off something that does not count is nothing.
    if before.status_counts && after.status_counts && before.off != after.off {
        return if after.off > before.off { "discount_start" } else { "discount_end" };
    }
    let (from, to) = (before.status, after.status);
    let goes = |status: PlainStatus| from != status && to == status;
    if from == PlainStatus::Trialing && to != from {
        "trial_conversion"
    } else if goes(PlainStatus::Paused) {
        "pause"
    } else if from == PlainStatus::Paused && to != from {
        "resume"
    } else if goes(PlainStatus::Unpaid) || (after.grace_over && !before.grace_over) {
        "cancel_involuntary"
    } else {
        "other"
    }
}
