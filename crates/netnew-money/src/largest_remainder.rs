//! Printed parts that add up to the printed total.

use crate::Amount;
use crate::rounding::{Rounding, div_round};
use crate::wide::pow10;

/// `parts` as they are printed at `decimals`, so that they add up exactly to `total` rounded half-even
/// at `decimals`. The parts should sum to `total`.
///
/// Largest remainder method: every part is rounded down, and the units still missing go one each to
/// the parts that lost most, ties to the earlier. So every part is less than one unit from its exact
/// value, and a part that is exact at `decimals` is left alone. When the total is negative the same is
/// done with every sign flipped, so `apportion(-parts, -total) == -apportion(parts, total)` for
/// every total but zero.
///
/// When the parts do not sum to `total` the difference is spread over all of them in the same order.
/// Without parts the result is empty. Panics, like `+`, when an amount leaves its range.
pub fn apportion(parts: &[Amount], total: Amount, decimals: u8) -> Vec<Amount> {
    let unit = pow10(Amount::SCALE.saturating_sub(decimals)).expect("at most ten decimals are dropped");
    if parts.is_empty() {
        return Vec::new();
    }
    let flip = |amount: Amount| if total.is_negative() { -amount } else { amount };
    let wanted = div_round(flip(total).raw(), unit, Rounding::HalfEven);

    let raws: Vec<i128> = parts.iter().map(|&part| flip(part).raw()).collect();
    let mut units: Vec<i128> = raws.iter().map(|raw| raw.div_euclid(unit)).collect();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(raws[at].rem_euclid(unit)));

    let missing = wanted - units.iter().sum::<i128>();
    let count = i128::try_from(parts.len()).expect("a slice is shorter than 2^127");
    let (each, extra) = (missing.div_euclid(count), missing.rem_euclid(count));
    for (rank, &at) in (0i128..).zip(&order) {
        units[at] += each + i128::from(rank < extra);
    }
    units
        .into_iter()
        .map(|units| flip(Amount::from_raw(units.checked_mul(unit).expect("an amount left its range"))))
        .collect()
}
