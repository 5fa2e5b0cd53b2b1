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
        let mut magnitude = 0u128;
        for digit in written.whole.iter().chain(written.fraction) {
            magnitude = magnitude
                .checked_mul(10)
                .and_then(|m| m.checked_add(u128::from(digit - b'0')))
                .ok_or_else(too_large)?;
        }
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
