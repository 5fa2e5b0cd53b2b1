//! One item at one instant, worked out from all of its states each time.

use std::collections::BTreeMap;

use netnew_money::{Amount, Instant, IntervalUnit, Ratio, Rounding};

use super::Business;
use super::knobs::Grace;
use crate::rows::{PlainDiscount, PlainDuration, PlainOff, PlainRow, PlainStatus};

/// What identifies an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ItemId {
    pub(super) source: String,
    pub(super) subscription: String,
    pub(super) item: String,
}

impl ItemId {
    pub(super) fn of(row: &PlainRow) -> ItemId {
        ItemId { source: row.source.clone(), subscription: row.subscription.clone(), item: row.item.clone() }
    }

    pub(super) fn shares_subscription(&self, other: &ItemId) -> bool {
        self.source == other.source && self.subscription == other.subscription
    }
}

/// An item as it is at an instant.
#[derive(Clone, Debug)]
pub(super) struct Item<'a> {
    pub(super) id: ItemId,
    /// The state that holds.
    pub(super) row: &'a PlainRow,
    /// Status after what time has done to it.
    pub(super) status: PlainStatus,
    /// Canceled, or under `at_request` asked to be.
    pub(super) ended: bool,
    /// Past due for longer than it may.
    pub(super) grace_over: bool,
    /// Whether its status counts, whatever else is against it.
    pub(super) status_counts: bool,
    /// Whether it counts.
    pub(super) counts: bool,
    /// What one unit costs per interval, less what was given back.
    pub(super) price: Ratio,
    /// Price times quantity, per interval.
    full: Ratio,
    /// What the discounts take off it.
    pub(super) off: Ratio,
    /// What is left.
    left: Ratio,
    pub(super) mrr: Amount,
    pub(super) arr: Amount,
    /// Who asked for the end, where it is known.
    pub(super) voluntary: Option<bool>,
}

const IN_RANGE: &str = "the oracle is asked about amounts that fit";

fn times(a: Ratio, b: Ratio) -> Ratio {
    a.checked_mul(b).expect(IN_RANGE)
}

fn minus(a: Ratio, b: Ratio) -> Ratio {
    a.checked_sub(b).expect(IN_RANGE)
}

impl Item<'_> {
    pub(super) fn is_live(&self) -> bool {
        !self.ended
    }

    /// Whether it keeps a customer present who is at 0.
    pub(super) fn keeps(&self, business: &Business) -> bool {
        let knobs = &business.knobs;
        if self.ended {
            return false;
        }
        let discounted_away = self.counts && self.off > Ratio::ZERO && self.left.is_zero();
        let free = self.status == PlainStatus::Free || (self.counts && self.full.is_zero());
        (discounted_away && knobs.is("discount_100", "stays_active"))
            || (free && knobs.is("free_plan", "stays_active"))
            || (self.status == PlainStatus::Paused && knobs.is("pause", "contraction"))
    }

    pub(super) fn layer(&self) -> &'static str {
        let leaving = self.row.cancel_at.is_some() || self.row.cancel_requested_at.is_some();
        match self.status {
            PlainStatus::PastDue | PlainStatus::Unpaid => "past_due",
            PlainStatus::Paused => "paused",
            _ if leaving => "cancelling",
            _ if !self.off.is_zero() => "discounted",
            _ => "paid",
        }
    }
}

impl Business {
    /// The states of an item that ever hold, in order.
    pub(super) fn states_of(&self, id: &ItemId) -> &[PlainRow] {
        self.items.get(id).map_or(&[], Vec::as_slice)
    }

    /// The item at an instant; nothing before its first state.
    pub(super) fn item_at(&self, id: &ItemId, at: Instant) -> Option<Item<'_>> {
        let states = self.states_of(id);
        let index = states.iter().rposition(|row| row.effective_at <= at)?;
        let row = &states[index];
        let since = |moment: Instant| at >= moment.max(row.effective_at);

        let mut status = row.status;
        if let (PlainStatus::Trialing, Some(end)) = (status, row.trial_end) {
            let known = self.data_through(&row.source).is_some_and(|through| end <= through);
            if since(end) && (known || end > self.as_of) {
                status = PlainStatus::Active;
            }
        }
        if row.cancel_at.is_some_and(since) {
            status = PlainStatus::Canceled;
        }
        let grace_over =
            status == PlainStatus::PastDue && self.grace_end(states, index).is_some_and(|end| at >= end);
        let (asked, by_whom) = self.asked_to_end(states, index, at);
        let ended = status == PlainStatus::Canceled || asked;
        let voluntary = if status == PlainStatus::Canceled { row.voluntary } else { by_whom };

        let status_counts = !ended && !grace_over && self.status_counts(status);
        let counts = status_counts && !row.metered;
        let quantity = Ratio::new(i128::from(row.quantity_micros), 1_000_000).expect(IN_RANGE);
        let price = self.price_at(row, at);
        let full = times(price, quantity);
        let applied = self.applied(states, index, at);
        let left = applied.iter().fold(full, take_off);
        let worth = if counts { times(left, self.months(row)) } else { Ratio::ZERO };
        let mrr = self.rounded(worth, row);
        let arr = if self.knobs.is("arr", "exact") {
            self.rounded(times(worth, Ratio::from_int(12)), row)
        } else {
            std::iter::repeat_n(mrr, 12).sum()
        };
        Some(Item {
            id: id.clone(),
            row,
            status,
            ended,
            grace_over,
            status_counts,
            counts,
            price,
            full,
            off: minus(full, left),
            left,
            mrr,
            arr,
            voluntary,
        })
    }

    fn status_counts(&self, status: PlainStatus) -> bool {
        let knobs = &self.knobs;
        match status {
            PlainStatus::Canceled | PlainStatus::Free => false,
            PlainStatus::Trialing => knobs.counts("trialing") || knobs.is("trial", "counted"),
            PlainStatus::Unpaid => knobs.counts("unpaid") || knobs.is("unpaid_status", "counted"),
            PlainStatus::Paused => knobs.counts("paused") || knobs.is("pause", "counted"),
            PlainStatus::Active | PlainStatus::PastDue => knobs.counts(status.as_str()),
        }
    }

    /// When the grace of the run of past due states around `index` is over.
    pub(super) fn grace_end(&self, states: &[PlainRow], index: usize) -> Option<Instant> {
        let first = run_start(states, index, |row| row.status == PlainStatus::PastDue)?;
        let start = states[first].effective_at;
        Some(match self.knobs.grace()? {
            Grace::Days(days) => self.zone.add_interval(start, IntervalUnit::Day, days),
            Grace::Months(months) => self.zone.add_interval(start, IntervalUnit::Month, months),
        })
    }

    /// Under `at_request`: whether the end has been asked for, and by whom.
    fn asked_to_end(&self, states: &[PlainRow], index: usize, at: Instant) -> (bool, Option<bool>) {
        if !self.knobs.is("churn.timing", "at_request") {
            return (false, None);
        }
        let row = &states[index];
        let scheduled = row.cancel_at.is_some()
            && row.cancel_requested_at.is_some_and(|asked| at >= asked.max(row.effective_at));
        if scheduled {
            return (true, row.voluntary);
        }
        let ending = states[index + 1..].iter().find(|later| {
            later.status == PlainStatus::Canceled
                && later.cancel_requested_at.is_some_and(|asked| asked < later.effective_at && asked <= at)
        });
        (ending.is_some(), ending.and_then(|later| later.voluntary))
    }

    /// The discounts in force at an instant while `states[index]` holds, in the order of taking off.
    fn applied(&self, states: &[PlainRow], index: usize, at: Instant) -> Vec<PlainDiscount> {
        let row = &states[index];
        let mut applied: Vec<PlainDiscount> = row
            .discounts
            .iter()
            .filter(|discount| self.is_taken(row, discount))
            .filter(|discount| self.discount_end(states, index, discount).is_none_or(|end| at < end))
            .copied()
            .collect();
        applied
            .sort_by_key(|discount| (discount.on_subscription, matches!(discount.off, PlainOff::Amount(_))));
        applied
    }

    /// Whether the rules take a discount off at all.
    fn is_taken(&self, row: &PlainRow, discount: &PlainDiscount) -> bool {
        let knobs = &self.knobs;
        match discount.duration {
            PlainDuration::Forever => knobs.is("discount.forever", "subtract"),
            PlainDuration::Repeating if self.treats_as_one_time(row, discount) => {
                knobs.is("discount.one_time", "subtract")
            }
            PlainDuration::Repeating => !knobs.is("discount.recurring_limited", "ignore"),
            PlainDuration::Once => knobs.is("discount.one_time", "subtract"),
        }
    }

    fn treats_as_one_time(&self, row: &PlainRow, discount: &PlainDiscount) -> bool {
        let month_or_shorter = match row.interval {
            IntervalUnit::Day => row.interval_count <= 31,
            IntervalUnit::Week => row.interval_count <= 4,
            IntervalUnit::Month => row.interval_count <= 1,
            IntervalUnit::Year => false,
        };
        discount.duration == PlainDuration::Repeating
            && self.knobs.is("discount.recurring_limited", "monthly_plans_only")
            && !month_or_shorter
    }

    /// From when a discount of `states[index]` no longer applies.
    pub(super) fn discount_end(
        &self,
        states: &[PlainRow],
        index: usize,
        discount: &PlainDiscount,
    ) -> Option<Instant> {
        let one_interval = || {
            let first = run_start(states, index, |row| row.discounts.contains(discount))?;
            let started = &states[first];
            let count = i32::try_from(started.interval_count).ok()?;
            Some(self.zone.add_interval(started.effective_at, started.interval, count))
        };
        match discount.duration {
            PlainDuration::Once if discount.until.is_none() => one_interval(),
            PlainDuration::Repeating if self.treats_as_one_time(&states[index], discount) => {
                [one_interval(), discount.until].into_iter().flatten().min()
            }
            _ => discount.until,
        }
    }

    /// How many intervals of the row make a month.
    fn months(&self, row: &PlainRow) -> Ratio {
        let one = match row.interval {
            IntervalUnit::Day => self.knobs.factor("interval.day"),
            IntervalUnit::Week => self.knobs.factor("interval.week"),
            IntervalUnit::Month => Ratio::ONE,
            IntervalUnit::Year => Ratio::new(1, 12).expect(IN_RANGE),
        };
        one.checked_div(Ratio::from_int(i128::from(row.interval_count))).unwrap_or(Ratio::ZERO)
    }

    fn rounded(&self, exact: Ratio, row: &PlainRow) -> Amount {
        let cents = row.currency.exponent();
        let (decimals, rounding) = match self.knobs.get("rounding") {
            "nearest_cent" => (cents, Rounding::HalfUp),
            "truncate_cent" => (cents, Rounding::Truncate),
            _ => (Amount::SCALE, Rounding::HalfEven),
        };
        let units = exact.round_to(decimals, rounding).expect(IN_RANGE);
        Amount::from_raw(units * 10i128.pow(u32::from(Amount::SCALE - decimals)))
    }
}

/// The states of every item in order; of several at one instant only the last holds.
pub(super) fn by_item(states: &[PlainRow]) -> BTreeMap<ItemId, Vec<PlainRow>> {
    let mut items: BTreeMap<ItemId, Vec<PlainRow>> = BTreeMap::new();
    for row in states {
        items.entry(ItemId::of(row)).or_default().push(row.clone());
    }
    for rows in items.values_mut() {
        rows.sort_by_key(|row| (row.effective_at, row.seq));
        let all = rows.clone();
        let mut following = all.iter().skip(1);
        rows.retain(|row| following.next().is_none_or(|next| next.effective_at > row.effective_at));
    }
    items
}

/// The first of the unbroken run of states that all are `so`, up to `index`; nothing when that one is not.
fn run_start(states: &[PlainRow], index: usize, so: impl Fn(&PlainRow) -> bool) -> Option<usize> {
    let run = states[..=index].iter().rev().take_while(|row| so(row)).count();
    (run > 0).then(|| index + 1 - run)
}

fn take_off(left: Ratio, discount: &PlainDiscount) -> Ratio {
    match discount.off {
        PlainOff::Percent(percent) => {
            let kept = minus(Ratio::from_int(100), percent.to_ratio());
            times(times(left, kept), Ratio::new(1, 100).expect(IN_RANGE))
        }
        PlainOff::Amount(_) if left <= Ratio::ZERO => left,
        PlainOff::Amount(amount) => minus(left, amount.to_ratio()).max(Ratio::ZERO),
    }
}
