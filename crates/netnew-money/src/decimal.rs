//! Numbers exactly as they were written: prices, quantities, percentages, rates.

use std::cmp::Ordering;
use std::fmt;

use crate::error::shown;
use crate::rounding::Rounding;
use crate::wide::{cmp_products, mul_div, pow10, signed};
use crate::{Amount, MoneyError, Ratio};

/// A decimal number `mantissa / 10^scale` at its own scale, for prices with many decimals,
/// quantities, percentages and rates.
///
/// Kept without trailing zeros in the fraction, so that equal numbers are equal values: `1.50` and
/// `1.5` are the same `Decimal`. At most [`Decimal::MAX_SCALE`] decimals.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Decimal {
    mantissa: i128,
    scale: u8,
}

impl Decimal {
    /// The number zero.
    pub const ZERO: Decimal = Decimal { mantissa: 0, scale: 0 };
    /// The number one.
    pub const ONE: Decimal = Decimal { mantissa: 1, scale: 0 };
    /// Decimals at most.
    pub const MAX_SCALE: u8 = 30;

    /// `mantissa / 10^scale`. A value that needs more than [`Decimal::MAX_SCALE`] decimals is rounded
    /// half-even to that many; use [`Decimal::parse`] where that should be an error instead.
    pub fn new(mantissa: i128, scale: u8) -> Decimal {
        let stripped = strip(mantissa, i64::from(scale));
        if let Some(decimal) = Decimal::fitting(stripped) {
            return decimal;
        }
        let dropped = scale - Decimal::MAX_SCALE;
        // Past 38 dropped digits every 128-bit mantissa is less than half a unit.
        let rounded = pow10(dropped)
            .and_then(|divisor| mul_div(mantissa, 1, divisor.unsigned_abs(), Rounding::HalfEven))
            .unwrap_or(0);
        Decimal::fitting(strip(rounded, i64::from(Decimal::MAX_SCALE))).unwrap_or(Decimal::ZERO)
    }

    fn fitting((mantissa, scale): (i128, i64)) -> Option<Decimal> {
        let scale = u8::try_from(scale).ok().filter(|&s| s <= Decimal::MAX_SCALE)?;
        Some(Decimal { mantissa, scale })
    }

    /// A whole number.
    pub const fn from_i64(whole: i64) -> Decimal {
        Decimal { mantissa: whole as i128, scale: 0 }
    }

    /// The digits as a whole number; the value is this over `10^scale`.
    pub const fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// How many decimals the number has, without trailing zeros.
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// Whether it is zero.
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Whether it is below zero.
    pub const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// The same value as a fraction.
    pub fn to_ratio(self) -> Ratio {
        let den = pow10(self.scale).expect("the scale is at most 30");
        Ratio::new(self.mantissa, den).expect("a power of ten is not zero, and reducing only shrinks")
    }

    /// The same value as an amount; nothing when it has an eleventh decimal or is out of range.
    pub fn to_amount_exact(self) -> Option<Amount> {
        let missing = Amount::SCALE.checked_sub(self.scale)?;
        self.mantissa.checked_mul(pow10(missing)?).map(Amount::from_raw)
    }

    /// Reads an optional sign, digits, an optional point with digits, and an optional exponent
    /// (`1e3`, `1.5E-2`), which spreadsheets write for long numbers. Spaces, thousands separators,
    /// currency signs, a bare `.5` or `5.`, `inf` and `nan` are refused.
    ///
    /// # Errors
    /// [`MoneyError::BadNumber`] for anything else, [`MoneyError::TooManyDecimals`] beyond
    /// [`Decimal::MAX_SCALE`], [`MoneyError::TooLarge`] beyond 128 bits. Nothing is ever rounded.
    pub fn parse(text: &str) -> Result<Decimal, MoneyError> {
        let written = Written::split(text).ok_or_else(|| MoneyError::BadNumber { text: shown(text) })?;
        let too_large = || MoneyError::TooLarge { text: shown(text) };
        let magnitude = written.magnitude().ok_or_else(too_large)?;
        if magnitude == 0 {
            return Ok(Decimal::ZERO);
        }
        let mantissa = signed(written.negative, magnitude).ok_or_else(too_large)?;
        let decimals = i64::try_from(written.fraction.len()).map_err(|_| too_large())?;
        let (mantissa, scale) = strip(mantissa, decimals - i64::from(written.exponent));
        if scale < 0 {
            let power = u8::try_from(-scale).ok().and_then(pow10).ok_or_else(too_large)?;
            let mantissa = mantissa.checked_mul(power).ok_or_else(too_large)?;
            return Ok(Decimal { mantissa, scale: 0 });
        }
        Decimal::fitting((mantissa, scale))
            .ok_or_else(|| MoneyError::TooManyDecimals { text: shown(text), limit: Decimal::MAX_SCALE })
    }
}

/// Removes trailing zeros of the fraction.
fn strip(mut mantissa: i128, mut scale: i64) -> (i128, i64) {
    if mantissa == 0 {
        return (0, 0);
    }
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    (mantissa, scale)
}

/// A number's parts as they stand in the text; the fraction has lost its trailing zeros.
struct Written<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i32,
}

impl<'a> Written<'a> {
    fn split(text: &'a str) -> Option<Written<'a>> {
        let (negative, rest) = split_sign(text.as_bytes());
        let (number, exponent) = match rest.iter().position(|b| matches!(b, b'e' | b'E')) {
            Some(at) => (&rest[..at], parse_exponent(&rest[at + 1..])?),
            None => (rest, 0),
        };
        let (whole, fraction) = match number.iter().position(|&b| b == b'.') {
            Some(at) => (&number[..at], digits(&number[at + 1..])?),
            None => (number, &[][..]),
        };
        let kept = fraction.iter().rposition(|&b| b != b'0').map_or(0, |last| last + 1);
        Some(Written { negative, whole: digits(whole)?, fraction: &fraction[..kept], exponent })
    }

    /// All digits as one whole number, when it fits.
    fn magnitude(&self) -> Option<u128> {
        let mut digits = self.whole.iter().chain(self.fraction).map(|digit| digit - b'0');
        // Nineteen digits always fit in 64 bits, where nearly every number stays.
        let start = digits.by_ref().take(19).fold(0u64, |sum, digit| sum * 10 + u64::from(digit));
        digits.try_fold(u128::from(start), |sum, digit| sum.checked_mul(10)?.checked_add(u128::from(digit)))
    }
}

fn split_sign(bytes: &[u8]) -> (bool, &[u8]) {
    match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    }
}

/// The bytes when they are one or more ASCII digits.
fn digits(bytes: &[u8]) -> Option<&[u8]> {
    (!bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit)).then_some(bytes)
}

/// An exponent saturates at a value that no number in range has, so that `0e999999999999` is still zero.
fn parse_exponent(bytes: &[u8]) -> Option<i32> {
    const BEYOND: i32 = 1_000_000;
    let (negative, rest) = split_sign(bytes);
    let magnitude =
        digits(rest)?.iter().fold(0i32, |sum, digit| (sum * 10 + i32::from(digit - b'0')).min(BEYOND));
    Some(if negative { -magnitude } else { magnitude })
}

impl fmt::Display for Decimal {
    /// Plain decimal, never an exponent: `-0.000125`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        let padded =
            if digits.len() <= scale { format!("{digits:0>width$}", width = scale + 1) } else { digits };
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        let text = if scale == 0 { whole.to_string() } else { format!("{whole}.{fraction}") };
        f.pad_integral(!self.is_negative(), "", &text)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    /// By value, exactly.
    fn cmp(&self, other: &Decimal) -> Ordering {
        let signs = self.mantissa.signum().cmp(&other.mantissa.signum());
        if signs != Ordering::Equal {
            return signs;
        }
        let power = |scale: u8| pow10(scale).map_or(u128::MAX, i128::unsigned_abs);
        let magnitudes = cmp_products(
            self.mantissa.unsigned_abs(),
            power(other.scale),
            other.mantissa.unsigned_abs(),
            power(self.scale),
        );
        if self.is_negative() { magnitudes.reverse() } else { magnitudes }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn reads_what_files_contain() {
        let cases = [
            ("0", 0, 0, "0"),
            ("-0.000", 0, 0, "0"),
            ("1.50", 15, 1, "1.5"),
            ("+12", 12, 0, "12"),
            ("007.10", 71, 1, "7.1"),
            ("100", 100, 0, "100"),
            ("-0.000125", -125, 6, "-0.000125"),
            ("1e3", 1000, 0, "1000"),
            ("1.5E-2", 15, 3, "0.015"),
            ("1.25e+1", 125, 1, "12.5"),
            ("2500e-2", 25, 0, "25"),
            ("0e99999999999999", 0, 0, "0"),
            ("0.12345678901234", 12_345_678_901_234, 14, "0.12345678901234"),
            ("12345678901234567890.5", 123_456_789_012_345_678_905, 1, "12345678901234567890.5"),
        ];
        for (text, mantissa, scale, printed) in cases {
            let read = decimal(text);
            assert_eq!((read.mantissa(), read.scale()), (mantissa, scale), "{text}");
            assert_eq!(read.to_string(), printed, "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        let garbage = [
            "", "-", "+", ".", ".5", "5.", "1.2.3", "1,5", "1 000", " 1", "1 ", "--1", "+-1", "1e", "1e+",
            "e3", "1e3.5", "1e3e3", "0x10", "inf", "nan", "NaN", "∞", "١", "1_000", "$1", "1%", "1\0",
        ];
        for text in garbage {
            assert_eq!(Decimal::parse(text).map_err(|e| e.code()), Err("bad_number"), "{text:?}");
        }
        assert_eq!(Decimal::parse("1e-31").unwrap_err().code(), "too_many_decimals");
        assert_eq!(Decimal::parse("1e39").unwrap_err().code(), "too_large");
        assert_eq!(Decimal::parse("1e999999999999999999").unwrap_err().code(), "too_large");
        assert_eq!(Decimal::parse(&"9".repeat(1000)).unwrap_err().code(), "too_large");
        assert!(Decimal::parse(&"9".repeat(1000)).unwrap_err().to_string().len() < 120);
        assert_eq!(decimal(&format!("{}1", "0".repeat(1000))), Decimal::ONE);
    }

    #[test]
    fn equal_numbers_are_equal_values() {
        assert_eq!(Decimal::new(1500, 3), decimal("1.5"));
        assert_eq!(Decimal::new(0, 7), Decimal::ZERO);
        assert_eq!(Decimal::new(10, 31), decimal("1e-30"));
        assert_eq!(Decimal::new(15, 31), Decimal::new(2, 30));
        assert_eq!(Decimal::new(25, 31), Decimal::new(2, 30));
        assert_eq!(Decimal::new(i128::MAX, 255), Decimal::ZERO);
        assert_eq!(Decimal::from_i64(-3), decimal("-3"));
    }

    #[test]
    fn pads_in_a_column() {
        assert_eq!(format!("{:>8}|", decimal("-1.5")), "    -1.5|");
    }

    #[test]
    fn converts_exactly_or_not_at_all() {
        assert_eq!(decimal("0.05").to_amount_exact().unwrap().to_string(), "0.05");
        assert_eq!(decimal("0.00000000005").to_amount_exact(), None);
        assert_eq!(decimal("1e29").to_amount_exact(), None);
        assert_eq!(decimal("-2.50").to_ratio(), Ratio::new(-5, 2).unwrap());
        assert_eq!(Decimal::new(i128::MIN, 0).to_ratio().num(), i128::MIN);
    }

    proptest! {
        #[test]
        fn printing_loses_nothing(mantissa: i128, scale in 0u8..=30) {
            let here = Decimal::new(mantissa, scale);
            prop_assert_eq!(decimal(&here.to_string()), here);
        }

        #[test]
        fn order_is_by_value(a: i128, s in 0u8..=30, b: i128, t in 0u8..=30) {
            let (a, b) = (Decimal::new(a, s), Decimal::new(b, t));
            prop_assert_eq!(a.cmp(&b), a.to_ratio().cmp(&b.to_ratio()));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        }

        #[test]
        fn order_of_close_numbers(a in -1_000i128..1_000, s in 0u8..4, b in -1_000i128..1_000, t in 0u8..4) {
            let aligned = |m: i128, scale: u8| m * 10i128.pow(u32::from(4 - scale));
            prop_assert_eq!(Decimal::new(a, s).cmp(&Decimal::new(b, t)), aligned(a, s).cmp(&aligned(b, t)));
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.eE]{0,12}") {
            if let Ok(read) = Decimal::parse(&text) {
                prop_assert_eq!(decimal(&read.to_string()), read);
            }
        }
    }
}
