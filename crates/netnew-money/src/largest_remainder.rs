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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(parts: &[&str], decimals: u8, printed: &[&str]) {
        let parts: Vec<Amount> = parts.iter().map(|part| Amount::parse(part).unwrap()).collect();
        let shares = apportion(&parts, parts.iter().sum(), decimals);
        let shares: Vec<String> = shares.iter().map(|share| share.format_fixed(decimals)).collect();
        assert_eq!(shares, printed);
    }

    #[test]
    fn gives_the_missing_units_to_those_that_lost_most() {
        check(&["33.3333333333", "33.3333333333", "33.3333333334"], 2, &["33.33", "33.33", "33.34"]);
        check(&["33.335", "33.335", "33.33"], 2, &["33.34", "33.33", "33.33"]);
        check(&["0.4", "0.4", "0.2"], 0, &["1", "0", "0"]);
        check(&["5", "0.006", "0.006"], 2, &["5.00", "0.01", "0.00"]);
        check(&["1.2345678901", "2"], 10, &["1.2345678901", "2.0000000000"]);
        check(&[], 2, &[]);
    }

    #[test]
    fn works_below_zero() {
        check(&["-33.335", "-33.335", "-33.33"], 2, &["-33.34", "-33.33", "-33.33"]);
        check(&["0.9", "-0.9"], 0, &["1", "-1"]);
        check(&["10.005", "-3.002", "-1.001"], 2, &["10.00", "-3.00", "-1.00"]);
    }

    #[test]
    fn a_difference_to_the_total_is_spread() {
        let parts = [Amount::from_major(1), Amount::from_major(2)];
        let shares = apportion(&parts, Amount::from_major(8), 0);
        assert_eq!(shares, [Amount::from_major(4), Amount::from_major(4)]);
    }

    proptest! {
        #[test]
        fn adds_up_and_stays_within_a_unit(
            raws in prop::collection::vec(-1_000_000_000_000_000i128..1_000_000_000_000_000, 1..12),
            decimals in 0u8..=11,
        ) {
            let parts: Vec<Amount> = raws.iter().copied().map(Amount::from_raw).collect();
            let total: Amount = parts.iter().sum();
            let shares = apportion(&parts, total, decimals);
            prop_assert_eq!(shares.iter().sum::<Amount>(), total.round_to(decimals, Rounding::HalfEven));
            let unit = 10i128.pow(u32::from(10 - decimals.min(10)));
            for (part, share) in parts.iter().zip(&shares) {
                prop_assert!((share.raw() - part.raw()).abs() < unit);
                prop_assert_eq!(share.raw() % unit, 0);
                if part.raw() % unit == 0 {
                    prop_assert_eq!(part, share);
                }
            }
            if !total.is_zero() {
                let flipped: Vec<Amount> = parts.iter().map(|&part| -part).collect();
                let expected: Vec<Amount> = shares.iter().map(|&share| -share).collect();
                prop_assert_eq!(apportion(&flipped, -total, decimals), expected);
            }
        }

        #[test]
        fn no_unit_would_be_better_elsewhere(raws in prop::collection::vec(0i128..1_000, 2..8)) {
            // In units of a tenth of a cent: whoever was rounded up lost at least as much as whoever was not.
            let parts: Vec<Amount> = raws.iter().map(|raw| Amount::from_raw(raw * 10_000_000)).collect();
            let shares = apportion(&parts, parts.iter().sum(), 2);
            let lost = |at: usize| parts[at].raw().rem_euclid(100_000_000);
            for up in (0..parts.len()).filter(|&at| shares[at] > parts[at]) {
                for down in (0..parts.len()).filter(|&at| shares[at] <= parts[at]) {
                    prop_assert!(lost(up) > lost(down) || (lost(up) == lost(down) && up < down));
                }
            }
        }
    }
}
