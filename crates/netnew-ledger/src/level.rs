//! What an item is worth per month (section 3).

use netnew_facts::{Discount, DiscountLevel, DiscountValue, ItemState};
use netnew_money::{Amount, Ratio, Rounding, line_value, normalise};
use netnew_policy::{Policy, RoundingRule};

/// What an item is worth, each figure rounded once from an exact number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Level {
    /// Per month.
    pub mrr: Amount,
    /// Per year, from the same exact number as `mrr`.
    pub arr: Amount,
    /// Per month, once everything that is already fixed has happened: scheduled cancels, ends of discounts.
    pub committed: Amount,
}

impl Level {
    /// Nothing.
    pub const ZERO: Level = Level { mrr: Amount::ZERO, arr: Amount::ZERO, committed: Amount::ZERO };

    /// True when there is nothing, now or committed.
    pub fn is_zero(self) -> bool {
        self.mrr.is_zero() && self.arr.is_zero() && self.committed.is_zero()
    }
}

/// The level of a state whose status counts, with the discounts that apply at the moment. `committed` is the
/// same as `mrr`; the caller knows what is scheduled.
///
/// `None` when the numbers do not fit, which no real price does.
pub fn level_of(state: &ItemState, discounts: &[Discount], policy: &Policy) -> Option<Level> {
    let gross = line_value(state.amount, state.quantity_micros)?;
    let net = discounted(gross, discounts)?;
    let (rounding, decimals) = match policy.rounding {
        RoundingRule::HalfEven10 => (Rounding::HalfEven, Amount::SCALE),
        RoundingRule::NearestCent => (Rounding::HalfUp, state.currency.exponent()),
        RoundingRule::TruncateCent => (Rounding::Truncate, state.currency.exponent()),
    };
    let normalised =
        normalise(net, state.interval, state.interval_count, &policy.factors, rounding, decimals)?;
    let arr = if policy.arr_is_twelve_times_mrr() {
        Amount::from_raw(normalised.mrr.raw().checked_mul(12)?)
    } else {
        normalised.arr
    };
    Some(Level { mrr: normalised.mrr, arr, committed: normalised.mrr })
}

/// What discounts leave: item level before subscription level, percent before amount, never below 0.
pub fn discounted(gross: Ratio, discounts: &[Discount]) -> Option<Ratio> {
    let mut left = gross;
    if discounts.is_empty() {
        return Some(left);
    }
    for level in [DiscountLevel::Item, DiscountLevel::Subscription] {
        for percents in [true, false] {
            for discount in discounts.iter().filter(|d| d.level == level) {
                match discount.value {
                    DiscountValue::Percent(p) if percents => {
                        let rest = Ratio::from_int(100).checked_sub(p.to_ratio())?;
                        left = left.checked_mul(rest)?.checked_div(Ratio::from_int(100))?;
                    }
                    DiscountValue::Amount(a) if !percents && left > Ratio::ZERO => {
                        left = left.checked_sub(a.to_ratio())?.max(Ratio::ZERO);
                    }
                    _ => {}
                }
            }
        }
    }
    Some(left)
}
