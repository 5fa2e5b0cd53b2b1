//! Billing intervals and what a price per interval is per month and per year.

use std::fmt;

use crate::error::shown;
use crate::wide::pow10;
use crate::{Amount, Decimal, MoneyError, Ratio, Rounding};

/// The unit of a billing interval; "every 3 months" is `Month` with a count of 3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum IntervalUnit {
    /// A civil day.
    Day,
    /// Seven civil days.
    Week,
    /// A calendar month.
    Month,
    /// Twelve calendar months.
    Year,
}

impl IntervalUnit {
    /// Every unit, shortest first.
    pub const ALL: [IntervalUnit; 4] =
        [IntervalUnit::Day, IntervalUnit::Week, IntervalUnit::Month, IntervalUnit::Year];

    /// Reads `day`, `week`, `month` or `year`.
    ///
    /// # Errors
    /// [`MoneyError::UnknownInterval`] for anything else.
    pub fn parse(text: &str) -> Result<IntervalUnit, MoneyError> {
        let found = IntervalUnit::ALL.into_iter().find(|unit| unit.as_str() == text);
        found.ok_or_else(|| MoneyError::UnknownInterval { text: shown(text) })
    }

    /// `day`, `week`, `month` or `year`.
    pub const fn as_str(self) -> &'static str {
        match self {
            IntervalUnit::Day => "day",
            IntervalUnit::Week => "week",
            IntervalUnit::Month => "month",
            IntervalUnit::Year => "year",
        }
    }
}

impl fmt::Display for IntervalUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How many weeks and days a month is taken to have; tools differ, so both are choices.
///
/// In use are 52/12, 4.33, 4, 30/7, 30.4375/7 and 4.345 weeks, and 365/12, 30, 30.4375, 30.437 and
/// 30.44 days; a factor of 0 leaves intervals of that unit out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MonthFactors {
    /// What a weekly price is multiplied by to be a monthly one.
    pub week: Ratio,
    /// What a daily price is multiplied by to be a monthly one.
    pub day: Ratio,
}

impl MonthFactors {
    /// Reads a number or a fraction of two, zero or more: `52/12`, `4.33`, `30.4375/7`, `30`, `0`.
    ///
    /// # Errors
    /// [`MoneyError::BadFactor`] for anything else, a negative value and a denominator of zero included.
    pub fn parse_factor(text: &str) -> Result<Ratio, MoneyError> {
        let number = |part: &str| Decimal::parse(part.trim()).ok().map(Decimal::to_ratio);
        let factor = match text.split_once('/') {
            Some((num, den)) => number(num).zip(number(den)).and_then(|(num, den)| num.checked_div(den)),
            None => number(text),
        };
        factor
            .filter(|factor| !factor.is_negative())
            .ok_or_else(|| MoneyError::BadFactor { text: shown(text) })
    }
}

impl Default for MonthFactors {
    /// 52/12 weeks and 365/12 days.
    fn default() -> MonthFactors {
        let twelfth = |of: i128| Ratio::new(of, 12).expect("twelve is not zero");
        MonthFactors { week: twelfth(52), day: twelfth(365) }
    }
}

/// What a price per `count` units is multiplied by to be a price per month: 1/12 for a year, 1/3 for
/// three months. An interval of no length (`count` 0) has no monthly price and gives zero.
pub fn monthly_factor(unit: IntervalUnit, count: u32, factors: &MonthFactors) -> Ratio {
    let one = match unit {
        IntervalUnit::Day => factors.day,
        IntervalUnit::Week => factors.week,
        IntervalUnit::Month => Ratio::ONE,
        IntervalUnit::Year => Ratio::new(1, 12).unwrap_or(Ratio::ZERO),
    };
    one.checked_div(Ratio::from_int(i128::from(count))).unwrap_or(Ratio::ZERO)
}

/// A price per month and per year, each rounded once from the same exact value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Normalised {
    /// The monthly price.
    pub mrr: Amount,
    /// The yearly price, twelve times the exact monthly one: 1000 a year stays 1000.
    pub arr: Amount,
}

/// The monthly and yearly price of an exact price per `count` units, rounded to `decimals` (at most
/// the ten of an amount). Nothing when `count` is 0 or a result is out of range.
pub fn normalise(
    exact_per_interval: Ratio,
    unit: IntervalUnit,
    count: u32,
    factors: &MonthFactors,
    rounding: Rounding,
    decimals: u8,
) -> Option<Normalised> {
    if count == 0 {
        return None;
    }
    let monthly = exact_per_interval.checked_mul(monthly_factor(unit, count, factors))?;
    let yearly = monthly.checked_mul(Ratio::from_int(12))?;
    let decimals = decimals.min(Amount::SCALE);
    let unit = pow10(Amount::SCALE - decimals)?;
    let rounded = |exact: Ratio| exact.round_to(decimals, rounding)?.checked_mul(unit).map(Amount::from_raw);
    Some(Normalised { mrr: rounded(monthly)?, arr: rounded(yearly)? })
}

/// Unit price times quantity, exactly. The quantity is in millionths: 2.5 seats are 2,500,000.
/// Nothing when out of range.
pub fn line_value(unit_price: Decimal, quantity_micros: i64) -> Option<Ratio> {
    unit_price.to_ratio().checked_mul(Ratio::new(i128::from(quantity_micros), 1_000_000)?)
}
