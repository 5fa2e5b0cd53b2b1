//! How sure a figure from few customers can be, in whole numbers.
//!
//! Two intervals, both at 95 %:
//! - [`wilson`]: a share of customers (k of n), by Wilson's score, which stays inside 0..1 and is honest for few.
//! - [`ratio_interval`]: a quotient of two sums over customers (net retention), by the spread of what each customer
//!   adds to it (the linearised variance of a ratio estimate).
//!
//! Fixed point: the normal quantile is 1.959964 and its square 3.841459, roots are taken of whole numbers, and bounds
//! come out as fractions that are right to about six decimals. No floats are involved, so the same book gives the same
//! bounds on every machine.

use netnew_money::{Amount, Ratio};

/// One millionth: the unit of the fixed point.
const SCALE: i128 = 1_000_000;
/// The 97.5 % quantile of the normal distribution, in millionths.
const Z: i128 = 1_959_964;
/// Its square, in millionths.
const Z2: i128 = 3_841_459;

/// A lower and an upper bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Not below this.
    pub low: Ratio,
    /// Not above this.
    pub high: Ratio,
}

impl Interval {
    /// From one bound to the other.
    pub fn width(&self) -> Ratio {
        self.high.checked_sub(self.low).unwrap_or(Ratio::ONE)
    }

    /// Whether a value lies inside.
    pub fn holds(&self, value: Ratio) -> bool {
        self.low <= value && value <= self.high
    }
}

/// The 95 % interval of a share: `k` of `n` customers. `None` when there is nobody, or `k` is not among `n`.
pub fn wilson(k: i64, n: i64) -> Option<Interval> {
    wilson_thousandths(i128::from(k) * 1_000, i128::from(n) * 1_000)
}

/// [`wilson`] for counts in thousandths, such as an effective sample ([`effective`]).
pub fn wilson_thousandths(k: i128, n: i128) -> Option<Interval> {
    if n <= 0 || k < 0 || k > n || n > 1_000_000_000_000_000 {
        return None;
    }
    // All in millionths of a customer from here.
    let unit = SCALE / 1_000;
    let (hits, size) = (k * unit, n * unit);
    let spread = k * (n - k) * unit / n;
    let half = isqrt(Z2 * (spread + Z2 / 4));
    let (centre, whole) = (hits + Z2 / 2, size + Z2);
    let low = if k == 0 { 0 } else { (centre - half).max(0) };
    let high = if k == n { whole } else { (centre + half).min(whole) };
    Some(Interval { low: Ratio::new(low, whole)?, high: Ratio::new(high, whole)? })
}

/// How many equal customers weigh as much evidence as these unequal ones, in thousandths: the square of the sum over
/// the sum of squares. One customer with half of the money makes a sample small however many others there are.
pub fn effective(weights: &[Amount]) -> i128 {
    let cents: Vec<i128> = weights.iter().map(|w| cents(*w)).filter(|c| *c > 0).collect();
    let sum: i128 = cents.iter().sum();
    let squares: i128 = cents.iter().fold(0i128, |all, c| all.saturating_add(c.saturating_mul(*c)));
    if squares == 0 {
        return 0;
    }
    // (sum^2 / squares) in thousandths, dividing early where the square would not fit.
    match sum.checked_mul(sum).and_then(|square| square.checked_mul(1_000)) {
        Some(square) => square / squares,
        None => {
            (sum / 1_000).saturating_mul(sum / 1_000).saturating_mul(1_000) / (squares / 1_000_000).max(1)
        }
    }
}

/// The 95 % interval of sum(ends) / sum(starts) over customers. `None` with fewer than two customers, when the starts
/// sum to nothing, or when sums leave the range of fixed point (beyond about 10^12 major units).
pub fn ratio_interval(pairs: &[(Amount, Amount)]) -> Option<Interval> {
    let n = i128::try_from(pairs.len()).ok()?;
    let starts: i128 = pairs.iter().map(|(a, _)| cents(*a)).sum();
    let ends: i128 = pairs.iter().map(|(_, b)| cents(*b)).sum();
    if n < 2 || starts <= 0 {
        return None;
    }
    // What each customer's end differs from its share of the whole, in cents.
    let mut squares = 0i128;
    for (a, b) in pairs {
        let expected = cents(*a).checked_mul(ends)? / starts;
        let off = cents(*b) - expected;
        squares = squares.checked_add(off.checked_mul(off)?)?;
    }
    let variance = squares.checked_mul(n)? / (n - 1);
    let half = isqrt(variance.checked_mul(SCALE)?).checked_mul(Z)? / 1_000 / SCALE;
    let low = Ratio::new((ends - half).max(0), starts)?;
    let high = Ratio::new(ends + half, starts)?;
    Some(Interval { low, high })
}

/// The integer square root; 0 for what is below 0.
pub fn isqrt(value: i128) -> i128 {
    u128::try_from(value).map_or(0, |v| i128::try_from(v.isqrt()).unwrap_or(i128::MAX))
}

/// Hundredths of the major unit, cut.
fn cents(amount: Amount) -> i128 {
    amount.raw() / 100_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(interval: Interval) -> (String, String) {
        (interval.low.to_decimal_string(4), interval.high.to_decimal_string(4))
    }

    #[test]
    fn wilson_is_what_the_tables_say() {
        // Reference values of Wilson's score interval without continuity correction.
        for (k, n, low, high) in [
            (2, 9, "0.0632", "0.5474"),
            (0, 10, "0", "0.2775"),
            (10, 10, "0.7225", "1"),
            (81, 263, "0.2553", "0.3662"),
            (1, 2, "0.0945", "0.9055"),
            (500, 10_000, "0.0459", "0.0544"),
        ] {
            let (l, h) = shown(wilson(k, n).unwrap());
            assert_eq!((l.as_str(), h.as_str()), (low, high), "{k} of {n}");
        }
        assert_eq!(wilson(0, 0), None);
        assert_eq!(wilson(3, 2), None);
        assert_eq!(wilson(-1, 2), None);
    }

    #[test]
    fn one_large_customer_makes_a_sample_small() {
        let amount = Amount::from_major;
        assert_eq!(effective(&[amount(10); 40]), 40_000);
        let mut weights = vec![amount(10); 40];
        weights.push(amount(10_000));
        assert!(effective(&weights) < 1_100, "{}", effective(&weights));
        assert_eq!(effective(&[]), 0);
    }

    #[test]
    fn the_spread_of_retention() {
        let amount = Amount::from_major;
        // Half of a hundred equal customers double, half leave: net retention 1, standard error 0.1.
        let mut pairs = vec![(amount(10), amount(20)); 50];
        pairs.extend(vec![(amount(10), amount(0)); 50]);
        let interval = ratio_interval(&pairs).unwrap();
        assert_eq!(shown(interval), ("0.803".into(), "1.197".into()));
        assert_eq!(ratio_interval(&pairs[..1]), None);
        assert_eq!(ratio_interval(&[(amount(0), amount(1)), (amount(0), amount(1))]), None);
    }
}
