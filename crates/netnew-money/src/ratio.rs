//! Exact fractions: what a computation carries until its single rounding.

use std::cmp::Ordering;
use std::fmt;

use crate::amount::RAW_PER_MAJOR;
use crate::rounding::Rounding;
use crate::wide::{cmp_products, gcd, mul_div, pow10, signed};
use crate::{Amount, Decimal};

/// An exact fraction `num / den`, always reduced, the denominator above zero.
///
/// Arithmetic reduces across before it multiplies, so that it runs out of 128 bits only when the
/// reduced result, or for sums its common denominator, does; then it returns nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ratio {
    num: i128,
    den: i128,
}

impl Ratio {
    /// The fraction zero.
    pub const ZERO: Ratio = Ratio { num: 0, den: 1 };
    /// The fraction one.
    pub const ONE: Ratio = Ratio { num: 1, den: 1 };

    /// `num / den` reduced; nothing when `den` is zero or the reduced fraction does not fit.
    pub fn new(num: i128, den: i128) -> Option<Ratio> {
        Ratio::from_parts((num < 0) != (den < 0), num.unsigned_abs(), den.unsigned_abs())
    }

    fn from_parts(negative: bool, num: u128, den: u128) -> Option<Ratio> {
        if den == 0 {
            return None;
        }
        let shared = gcd(num, den);
        Some(Ratio { num: signed(negative, num / shared)?, den: i128::try_from(den / shared).ok()? })
    }

    /// A whole number.
    pub const fn from_int(whole: i128) -> Ratio {
        Ratio { num: whole, den: 1 }
    }

    /// An amount in major units.
    pub fn from_amount(amount: Amount) -> Ratio {
        Ratio::new(amount.raw(), RAW_PER_MAJOR)
            .expect("a power of ten is not zero, and reducing only shrinks")
    }

    /// The reduced numerator, which carries the sign.
    pub const fn num(self) -> i128 {
        self.num
    }

    /// The reduced denominator, above zero.
    pub const fn den(self) -> i128 {
        self.den
    }

    /// Whether it is zero.
    pub const fn is_zero(self) -> bool {
        self.num == 0
    }

    /// Whether it is below zero.
    pub const fn is_negative(self) -> bool {
        self.num < 0
    }

    /// The fraction with the other sign.
    pub fn checked_neg(self) -> Option<Ratio> {
        Some(Ratio { num: self.num.checked_neg()?, den: self.den })
    }

    /// One over the fraction; nothing for zero.
    pub fn checked_inverse(self) -> Option<Ratio> {
        Ratio::from_parts(self.is_negative(), self.den.unsigned_abs(), self.num.unsigned_abs())
    }

    /// The sum, when it fits.
    pub fn checked_add(self, other: Ratio) -> Option<Ratio> {
        if self.den == other.den {
            return Ratio::new(self.num.checked_add(other.num)?, self.den);
        }
        let shared = i128::try_from(gcd(self.den.unsigned_abs(), other.den.unsigned_abs())).ok()?;
        let scaled_self = self.num.checked_mul(other.den / shared)?;
        let scaled_other = other.num.checked_mul(self.den / shared)?;
        let num = scaled_self.checked_add(scaled_other)?;
        // Only factors of what the denominators share can still cancel.
        let cancel = i128::try_from(gcd(num.unsigned_abs(), shared.unsigned_abs())).ok()?;
        let den = (self.den / shared).checked_mul(other.den / cancel)?;
        Some(Ratio { num: num / cancel, den })
    }

    /// The difference, when it fits.
    pub fn checked_sub(self, other: Ratio) -> Option<Ratio> {
        self.checked_add(other.checked_neg()?)
    }

    /// The product, when it fits.
    pub fn checked_mul(self, other: Ratio) -> Option<Ratio> {
        if self.num == 0 || other.num == 0 {
            return Some(Ratio::ZERO);
        }
        let (a, b) = (self.num.unsigned_abs(), self.den.unsigned_abs());
        let (c, d) = (other.num.unsigned_abs(), other.den.unsigned_abs());
        let (left, right) = (gcd(a, d), gcd(c, b));
        // Both factors are reduced, so after reducing across nothing is left to cancel.
        let num = (a / left).checked_mul(c / right)?;
        let den = (b / right).checked_mul(d / left)?;
        Some(Ratio {
            num: signed(self.is_negative() != other.is_negative(), num)?,
            den: i128::try_from(den).ok()?,
        })
    }

    /// The quotient; nothing when it does not fit or `other` is zero.
    pub fn checked_div(self, other: Ratio) -> Option<Ratio> {
        self.checked_mul(other.checked_inverse()?)
    }

    /// The fraction rounded once to an amount of ten decimals; nothing when out of range.
    pub fn to_amount(self, rounding: Rounding) -> Option<Amount> {
        self.round_to(Amount::SCALE, rounding).map(Amount::from_raw)
    }

    /// The fraction times `10^decimals`, rounded once to a whole number; nothing when it does not fit.
    pub fn round_to(self, decimals: u8, rounding: Rounding) -> Option<i128> {
        mul_div(self.num, pow10(decimals)?, self.den.unsigned_abs(), rounding)
    }

    /// Plain decimal of at most `decimals` decimals, rounded half-even, trailing zeros removed:
    /// `0.05`, `-1.5`, `0`. A value too large for that many decimals is given with as many as fit.
    pub fn to_decimal_string(self, decimals: u8) -> String {
        let most = decimals.min(Decimal::MAX_SCALE);
        for decimals in (0..=most).rev() {
            if let Some(rounded) = self.round_to(decimals, Rounding::HalfEven) {
                return Decimal::new(rounded, decimals).to_string();
            }
        }
        // Only reachable in theory: with no decimals the quotient always fits.
        self.to_string()
    }
}

impl fmt::Display for Ratio {
    /// `num/den`, or just `num` when it is whole: the exact value for explanations.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 { write!(f, "{}", self.num) } else { write!(f, "{}/{}", self.num, self.den) }
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Ratio) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    /// By value, exactly: the cross products are compared at 256 bits.
    fn cmp(&self, other: &Ratio) -> Ordering {
        let signs = self.num.signum().cmp(&other.num.signum());
        if signs != Ordering::Equal {
            return signs;
        }
        let magnitudes = cmp_products(
            self.num.unsigned_abs(),
            other.den.unsigned_abs(),
            other.num.unsigned_abs(),
            self.den.unsigned_abs(),
        );
        if self.is_negative() { magnitudes.reverse() } else { magnitudes }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ratio(num: i128, den: i128) -> Ratio {
        Ratio::new(num, den).unwrap()
    }

    #[test]
    fn is_reduced_with_a_positive_denominator() {
        assert_eq!((ratio(6, -8).num(), ratio(6, -8).den()), (-3, 4));
        assert_eq!(ratio(0, -5), Ratio::ZERO);
        assert_eq!(ratio(i128::MIN, i128::MIN), Ratio::ONE);
        assert_eq!(Ratio::new(1, 0), None);
        assert_eq!(Ratio::new(1, i128::MIN), None, "2^127 does not fit above zero");
        assert_eq!(ratio(2, i128::MIN).den(), 1i128 << 126);
        assert_eq!(Ratio::from_amount(Amount::parse("-2.5").unwrap()), ratio(-5, 2));
    }

    #[test]
    fn arithmetic() {
        assert_eq!(ratio(1, 6).checked_add(ratio(1, 10)), Some(ratio(4, 15)));
        assert_eq!(ratio(1, 6).checked_add(ratio(-1, 6)), Some(Ratio::ZERO));
        assert_eq!(ratio(1, 6).checked_sub(ratio(1, 2)), Some(ratio(-1, 3)));
        assert_eq!(ratio(-2, 3).checked_mul(ratio(9, 4)), Some(ratio(-3, 2)));
        assert_eq!(ratio(-2, 3).checked_div(ratio(-4, 9)), Some(ratio(3, 2)));
        assert_eq!(Ratio::ONE.checked_div(Ratio::ZERO), None);
        assert_eq!(Ratio::ZERO.checked_div(ratio(3, 4)), Some(Ratio::ZERO));
    }

    #[test]
    fn reduces_across_before_multiplying() {
        let big = i128::MAX - 1;
        assert_eq!(ratio(big, 3).checked_mul(ratio(3, big)), Some(Ratio::ONE));
        assert_eq!(ratio(big, 1).checked_mul(ratio(2, 1)), None);
        assert_eq!(ratio(i128::MIN, 1).checked_mul(Ratio::ONE), Some(ratio(i128::MIN, 1)));
        assert_eq!(ratio(i128::MIN, 1).checked_sub(Ratio::ONE), None);
        assert_eq!(ratio(1, big).checked_add(ratio(1, i128::MAX)), None);
    }

    #[test]
    fn order_never_overflows() {
        let close = ratio(i128::MAX - 1, i128::MAX);
        let closer = ratio(i128::MAX - 2, i128::MAX - 1);
        assert!(closer < close && close < Ratio::ONE);
        assert!(ratio(i128::MIN, 3) < ratio(-i128::MAX, 3));
        assert!(ratio(-1, i128::MAX) < Ratio::ZERO);
        assert_eq!(ratio(1, 3).max(ratio(1, 2)), ratio(1, 2));
    }

    #[test]
    fn rounds_once() {
        assert_eq!(ratio(1000, 12).to_amount(Rounding::HalfEven).unwrap().to_string(), "83.3333333333");
        assert_eq!(ratio(2, 3).round_to(2, Rounding::HalfEven), Some(67));
        assert_eq!(ratio(2, 3).round_to(2, Rounding::Truncate), Some(66));
        assert_eq!(ratio(-5, 1000).round_to(2, Rounding::HalfEven), Some(0));
        assert_eq!(ratio(-5, 1000).round_to(2, Rounding::HalfUp), Some(-1));
        assert_eq!(ratio(i128::MAX, 1).to_amount(Rounding::HalfEven), None);
        assert_eq!(ratio(i128::MAX, i128::MAX - 1).round_to(10, Rounding::HalfEven), Some(10_000_000_000));
        assert_eq!(Ratio::ONE.round_to(39, Rounding::HalfEven), None);
    }

    #[test]
    fn prints_decimals() {
        let cases = [
            (ratio(1, 20), 4, "0.05"),
            (ratio(-3, 2), 4, "-1.5"),
            (Ratio::ZERO, 4, "0"),
            (ratio(-1, 1000), 2, "0"),
            (ratio(2, 3), 4, "0.6667"),
            (ratio(1, 8), 2, "0.12"),
            (ratio(3, 1), 2, "3"),
            (ratio(1, 3), 200, "0.333333333333333333333333333333"),
        ];
        for (value, decimals, printed) in cases {
            assert_eq!(value.to_decimal_string(decimals), printed);
        }
        assert_eq!(ratio(i128::MAX, 1).to_decimal_string(10), i128::MAX.to_string());
        assert_eq!(ratio(-3, 2).to_string(), "-3/2");
        assert_eq!(ratio(-3, 1).to_string(), "-3");
    }

    fn small() -> impl Strategy<Value = Ratio> {
        (-1_000_000i128..1_000_000, 1i128..1_000_000).prop_map(|(num, den)| ratio(num, den))
    }

    fn any() -> impl Strategy<Value = Ratio> {
        (proptest::prelude::any::<i128>(), 1i128..i128::MAX).prop_map(|(num, den)| ratio(num, den))
    }

    proptest! {
        #[test]
        fn follows_the_laws_of_fractions(a in small(), b in small(), c in small()) {
            let sum = a.checked_add(b).unwrap();
            prop_assert_eq!(sum, b.checked_add(a).unwrap());
            prop_assert_eq!(sum.checked_sub(b).unwrap(), a);
            let spread = a.checked_mul(c).unwrap().checked_add(b.checked_mul(c).unwrap()).unwrap();
            prop_assert_eq!(sum.checked_mul(c).unwrap(), spread);
            if !b.is_zero() {
                prop_assert_eq!(a.checked_mul(b).unwrap().checked_div(b).unwrap(), a);
            }
            prop_assert_eq!(a.cmp(&b), a.checked_sub(b).unwrap().num().cmp(&0));
            for value in [sum, spread] {
                prop_assert_eq!(Some(value), Ratio::new(value.num(), value.den()), "reduced");
            }
        }

        #[test]
        fn order_is_total(a in any(), b in any(), c in any()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a == b, a.cmp(&b).is_eq());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
            let whole = |r: Ratio| r.num().div_euclid(r.den());
            prop_assert!(whole(a) >= whole(b) || a < b);
        }

        #[test]
        fn half_even_is_symmetric(a in small(), decimals in 0u8..=20) {
            let there = a.checked_neg().unwrap().round_to(decimals, Rounding::HalfEven).unwrap();
            prop_assert_eq!(a.round_to(decimals, Rounding::HalfEven).unwrap(), -there);
        }
    }
}
