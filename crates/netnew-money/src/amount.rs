//! Money at ten decimals: what is stored, added and printed.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use crate::rounding::{Rounding, div_round};
use crate::wide::pow10;
use crate::{Decimal, MoneyError};

/// Raw units in one major unit.
pub(crate) const RAW_PER_MAJOR: i128 = 10_000_000_000;

/// An amount of money in the major unit (dollars, not cents) at ten decimals, without its currency.
///
/// Range: about ±1.7 × 10^28 major units, of which SQL's `DECIMAL(38,10)` holds all up to 10^28.
/// The operators `+`, `-` and `sum` panic beyond that range instead of wrapping; the `checked_` forms
/// return nothing. A book of real amounts is many orders of magnitude below either.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Amount(i128);

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(0);
    /// Decimals of the major unit that are kept.
    pub const SCALE: u8 = 10;

    /// The amount of so many 10^-10 of the major unit.
    pub const fn from_raw(raw: i128) -> Amount {
        Amount(raw)
    }

    /// The amount in 10^-10 of the major unit.
    pub const fn raw(self) -> i128 {
        self.0
    }

    /// The amount of so many whole major units.
    pub fn from_major(major: i64) -> Amount {
        Amount(i128::from(major) * RAW_PER_MAJOR)
    }

    /// The sum, when it is in range.
    pub fn checked_add(self, other: Amount) -> Option<Amount> {
        self.0.checked_add(other.0).map(Amount)
    }

    /// The difference, when it is in range.
    pub fn checked_sub(self, other: Amount) -> Option<Amount> {
        self.0.checked_sub(other.0).map(Amount)
    }

    /// The amount with the other sign, when it is in range.
    pub fn checked_neg(self) -> Option<Amount> {
        self.0.checked_neg().map(Amount)
    }

    /// Whether it is exactly nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether it is above zero.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Whether it is below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The amount without its sign. Panics for the one amount whose opposite is out of range.
    pub fn abs(self) -> Amount {
        if self.is_negative() { -self } else { self }
    }

    /// Reads a plain decimal (`-1234.5`) or the exponent form of spreadsheets (`1.5E3`).
    ///
    /// # Errors
    /// [`MoneyError::BadNumber`] when it is anything else, [`MoneyError::TooManyDecimals`] when an
    /// eleventh decimal is not zero, [`MoneyError::TooLarge`] beyond the range. Nothing is ever rounded.
    pub fn parse(text: &str) -> Result<Amount, MoneyError> {
        let decimal = Decimal::parse(text)?;
        decimal.to_amount_exact().ok_or_else(|| {
            let text = crate::error::shown(text);
            if decimal.scale() > Amount::SCALE {
                MoneyError::TooManyDecimals { text, limit: Amount::SCALE }
            } else {
                MoneyError::TooLarge { text }
            }
        })
    }

    /// The same amount as a decimal of its own scale.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, Amount::SCALE)
    }

    /// The amount rounded to `decimals`; ten or more change nothing. Panics when rounding leads out of range.
    pub fn round_to(self, decimals: u8, rounding: Rounding) -> Amount {
        let unit = unit_at(decimals);
        let raw = div_round(self.0, unit, rounding).checked_mul(unit);
        Amount(raw.unwrap_or_else(|| out_of_range()))
    }

    /// Exactly `decimals` decimals, rounded half-even, without thousands separators: `-1234.50`.
    /// What rounds to zero has no sign.
    pub fn format_fixed(self, decimals: u8) -> String {
        self.format(decimals, "-", false)
    }

    /// Like [`Amount::format_fixed`] with a comma between thousands: `-1,234.50`.
    pub fn format_grouped(self, decimals: u8) -> String {
        self.format(decimals, "-", true)
    }

    /// Like [`Amount::format_grouped`] with the typographic minus sign U+2212, for reading only: `−1,234.50`.
    pub fn display_grouped(self, decimals: u8) -> String {
        self.format(decimals, "\u{2212}", true)
    }

    fn format(self, decimals: u8, minus: &str, grouped: bool) -> String {
        let unit = unit_at(decimals);
        let rounded = div_round(self.0, unit, Rounding::HalfEven);
        let per_major = (RAW_PER_MAJOR / unit).unsigned_abs();
        let (whole, fraction) = (rounded.unsigned_abs() / per_major, rounded.unsigned_abs() % per_major);
        let mut text = String::new();
        if rounded < 0 {
            text.push_str(minus);
        }
        let digits = whole.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if grouped && at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        if decimals > 0 {
            let kept = usize::from(decimals.min(Amount::SCALE));
            text.push('.');
            text.push_str(&format!("{fraction:0kept$}"));
            text.extend(std::iter::repeat_n('0', usize::from(decimals) - kept));
        }
        text
    }
}

/// How many raw units one unit at `decimals` is.
fn unit_at(decimals: u8) -> i128 {
    let dropped = Amount::SCALE.saturating_sub(decimals);
    pow10(dropped).expect("at most ten decimals are dropped")
}

#[cold]
fn out_of_range() -> ! {
    panic!("an amount left the range of ±1.7e28 major units")
}

impl fmt::Display for Amount {
    /// Plain decimal without trailing zeros: `83.3333333333`, `0`, `-5.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let per_major = RAW_PER_MAJOR.unsigned_abs();
        let whole = magnitude / per_major;
        let text = match magnitude % per_major {
            0 => whole.to_string(),
            // The remainder is below 10^10, where 64-bit formatting is several times faster.
            fraction => format!("{whole}.{:010}", fraction as u64),
        };
        let text = if text.contains('.') { text.trim_end_matches('0') } else { &text };
        f.pad_integral(!self.is_negative(), "", text)
    }
}

impl Add for Amount {
    type Output = Amount;
    fn add(self, other: Amount) -> Amount {
        self.checked_add(other).unwrap_or_else(|| out_of_range())
    }
}

impl Sub for Amount {
    type Output = Amount;
    fn sub(self, other: Amount) -> Amount {
        self.checked_sub(other).unwrap_or_else(|| out_of_range())
    }
}

impl Neg for Amount {
    type Output = Amount;
    fn neg(self) -> Amount {
        self.checked_neg().unwrap_or_else(|| out_of_range())
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Amount) {
        *self = *self + other;
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Amount) {
        *self = *self - other;
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Amount>>(amounts: I) -> Amount {
        amounts.fold(Amount::ZERO, Add::add)
    }
}

impl<'a> Sum<&'a Amount> for Amount {
    fn sum<I: Iterator<Item = &'a Amount>>(amounts: I) -> Amount {
        amounts.copied().sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    #[test]
    fn reads_and_prints_plainly() {
        let cases = [
            ("83.3333333333", "83.3333333333"),
            ("0", "0"),
            ("-0", "0"),
            ("-0.00", "0"),
            ("-5.50", "-5.5"),
            ("+7", "7"),
            ("1200.00", "1200"),
            ("0.0000000001", "0.0000000001"),
            ("1.00000000000000", "1"),
            ("1.5E3", "1500"),
            ("-2.5e-3", "-0.0025"),
        ];
        for (text, printed) in cases {
            assert_eq!(amount(text).to_string(), printed, "{text}");
        }
        assert_eq!(amount("-5.5").raw(), -55_000_000_000);
        assert_eq!(Amount::from_major(-5).raw(), -50_000_000_000);
    }

    #[test]
    fn refuses_what_it_would_have_to_round() {
        let cases = [
            ("0.00000000001", "too_many_decimals"),
            ("1e-11", "too_many_decimals"),
            ("1e29", "too_large"),
            ("99999999999999999999999999999999999999999", "too_large"),
            ("1,000.00", "bad_number"),
            ("", "bad_number"),
            ("$5", "bad_number"),
        ];
        for (text, code) in cases {
            assert_eq!(Amount::parse(text).unwrap_err().code(), code, "{text}");
        }
    }

    #[test]
    fn formats() {
        let cases = [
            ("-1234.5", 2, "-1234.50", "-1,234.50", "−1,234.50"),
            ("1234567.891", 0, "1234568", "1,234,568", "1,234,568"),
            ("999.995", 2, "1000.00", "1,000.00", "1,000.00"),
            ("0.125", 2, "0.12", "0.12", "0.12"),
            ("0.375", 2, "0.38", "0.38", "0.38"),
            ("-0.004", 2, "0.00", "0.00", "0.00"),
            ("-0.4", 0, "0", "0", "0"),
            ("100", 12, "100.000000000000", "100.000000000000", "100.000000000000"),
            ("-100000.0000000001", 10, "-100000.0000000001", "-100,000.0000000001", "−100,000.0000000001"),
        ];
        for (text, decimals, fixed, grouped, display) in cases {
            assert_eq!(amount(text).format_fixed(decimals), fixed);
            assert_eq!(amount(text).format_grouped(decimals), grouped);
            assert_eq!(amount(text).display_grouped(decimals), display);
        }
    }

    #[test]
    fn rounds_to_decimals() {
        assert_eq!(amount("2.5").round_to(0, Rounding::HalfEven), amount("2"));
        assert_eq!(amount("2.5").round_to(0, Rounding::HalfUp), amount("3"));
        assert_eq!(amount("-2.59").round_to(1, Rounding::Truncate), amount("-2.5"));
        assert_eq!(amount("2.59").round_to(10, Rounding::Truncate), amount("2.59"));
        assert_eq!(amount("2.59").round_to(200, Rounding::HalfUp), amount("2.59"));
    }

    #[test]
    fn checks_its_range() {
        let most = Amount::from_raw(i128::MAX);
        let one = Amount::from_raw(1);
        assert_eq!(most.checked_add(one), None);
        assert_eq!(Amount::from_raw(i128::MIN).checked_neg(), None);
        assert_eq!(most.checked_neg().unwrap().checked_sub(one), Some(Amount::from_raw(i128::MIN)));
    }

    #[test]
    #[should_panic(expected = "left the range")]
    fn adding_out_of_range_panics_rather_than_wraps() {
        let _ = [Amount::from_raw(i128::MAX), Amount::from_raw(1)].iter().sum::<Amount>();
    }

    #[test]
    fn operators() {
        let mut sum = amount("1.5");
        sum += amount("2");
        sum -= amount("5");
        assert_eq!(sum, amount("-1.5"));
        assert_eq!((-sum, sum.abs()), (amount("1.5"), amount("1.5")));
        assert!(sum.is_negative() && !sum.is_positive() && !sum.is_zero());
        assert_eq!([sum, amount("2")].into_iter().sum::<Amount>(), amount("0.5"));
    }

    proptest! {
        #[test]
        fn printing_loses_nothing(raw: i128) {
            prop_assert_eq!(amount(&Amount::from_raw(raw).to_string()).raw(), raw);
        }

        #[test]
        fn signs_do_not_change_what_is_printed(raw in -(1i128 << 100)..1 << 100, decimals in 0u8..14) {
            let (here, there) = (Amount::from_raw(raw), Amount::from_raw(-raw));
            let bare = |text: String| text.trim_start_matches('-').to_string();
            prop_assert_eq!(bare(here.format_fixed(decimals)), bare(there.format_fixed(decimals)));
            prop_assert_eq!(here.format_grouped(decimals).replace(',', ""), here.format_fixed(decimals));
            let printed = amount(&here.format_fixed(decimals));
            prop_assert_eq!(printed, here.round_to(decimals, Rounding::HalfEven));
        }
    }
}
