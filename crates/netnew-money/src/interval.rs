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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn factors(week: &str, day: &str) -> MonthFactors {
        let factor = |text| MonthFactors::parse_factor(text).unwrap();
        MonthFactors { week: factor(week), day: factor(day) }
    }

    fn mrr(price: &str, unit: IntervalUnit, count: u32, factors: &MonthFactors) -> String {
        let exact = line_value(Decimal::parse(price).unwrap(), 1_000_000).unwrap();
        normalise(exact, unit, count, factors, Rounding::HalfEven, 10).unwrap().mrr.to_string()
    }

    #[test]
    fn weeks_and_days_by_every_convention() {
        let weeks = [
            ("52/12", "86.6666666667"),
            ("4.33", "86.6"),
            ("4", "80"),
            ("30/7", "85.7142857143"),
            ("30.4375/7", "86.9642857143"),
            ("4.345", "86.9"),
            ("0", "0"),
        ];
        for (factor, expected) in weeks {
            assert_eq!(mrr("20", IntervalUnit::Week, 1, &factors(factor, "30")), expected, "{factor}");
        }
        let days = [
            ("365/12", "304.1666666667"),
            ("30", "300"),
            ("30.4375", "304.375"),
            ("30.437", "304.37"),
            ("30.44", "304.4"),
            ("0", "0"),
        ];
        for (factor, expected) in days {
            assert_eq!(mrr("10", IntervalUnit::Day, 1, &factors("4", factor)), expected, "{factor}");
        }
        assert_eq!(MonthFactors::default(), factors("52/12", "365/12"));
    }

    #[test]
    fn months_and_years_by_count() {
        let plain = MonthFactors::default();
        assert_eq!(mrr("99", IntervalUnit::Month, 1, &plain), "99");
        assert_eq!(mrr("100", IntervalUnit::Month, 3, &plain), "33.3333333333");
        assert_eq!(mrr("240", IntervalUnit::Year, 2, &plain), "10");
        assert_eq!(mrr("40", IntervalUnit::Week, 2, &plain), "86.6666666667");
        assert_eq!(monthly_factor(IntervalUnit::Year, 1, &plain), Ratio::new(1, 12).unwrap());
        assert_eq!(monthly_factor(IntervalUnit::Month, 0, &plain), Ratio::ZERO);
        assert_eq!(normalise(Ratio::ONE, IntervalUnit::Month, 0, &plain, Rounding::HalfEven, 10), None);
    }

    #[test]
    fn a_thousand_a_year_is_a_thousand_of_arr() {
        let thousand = Ratio::from_int(1000);
        let factors = MonthFactors::default();
        let both = normalise(thousand, IntervalUnit::Year, 1, &factors, Rounding::HalfEven, 10).unwrap();
        assert_eq!((both.mrr.to_string(), both.arr.to_string()), ("83.3333333333".into(), "1000".into()));
        let cents = normalise(thousand, IntervalUnit::Year, 1, &factors, Rounding::HalfEven, 2).unwrap();
        assert_eq!((cents.mrr.to_string(), cents.arr.to_string()), ("83.33".into(), "1000".into()));
        let whole = normalise(thousand, IntervalUnit::Year, 1, &factors, Rounding::Truncate, 0).unwrap();
        assert_eq!((whole.mrr.to_string(), whole.arr.to_string()), ("83".into(), "1000".into()));
    }

    #[test]
    fn prices_finer_than_an_amount_are_not_rounded_before_the_quantity() {
        let price = Decimal::parse("0.00000000000125").unwrap();
        let exact = line_value(price, 4_000_000_000_000_000_000).unwrap();
        assert_eq!(exact.to_amount(Rounding::HalfEven).unwrap().to_string(), "5");
        assert_eq!(line_value(Decimal::parse("3").unwrap(), 2_500_000), Ratio::new(15, 2));
        assert_eq!(line_value(Decimal::parse("3").unwrap(), -1_000_000), Some(Ratio::from_int(-3)));
        assert_eq!(line_value(Decimal::new(i128::MAX, 0), i64::MAX), None);
    }

    #[test]
    fn factors_that_are_none() {
        for text in ["", "/", "52/", "/12", "52/0", "-4", "4/-1", "52/12/1", "x", "4,33", "1e99/1"] {
            let error = MonthFactors::parse_factor(text).unwrap_err();
            assert_eq!(error.code(), "bad_factor", "{text}");
        }
        assert_eq!(MonthFactors::parse_factor(" 52 / 12 "), MonthFactors::parse_factor("13/3"));
    }

    #[test]
    fn units_by_name() {
        for unit in IntervalUnit::ALL {
            assert_eq!(IntervalUnit::parse(unit.as_str()), Ok(unit));
        }
        assert_eq!(IntervalUnit::parse("fortnight").unwrap_err().code(), "unknown_interval");
    }

    proptest! {
        #[test]
        fn the_unrounded_arr_is_twelve_times_the_mrr(cents in -10_000_000i64..10_000_000, count in 1u32..40) {
            let exact = line_value(Decimal::new(i128::from(cents), 2), 1_000_000).unwrap();
            for unit in IntervalUnit::ALL {
                let factors = MonthFactors::default();
                let both = normalise(exact, unit, count, &factors, Rounding::HalfEven, 10).unwrap();
                let apart = both.arr.raw() - both.mrr.raw() * 12;
                // Half a unit in the month counts twelve times, half a unit in the year once.
                prop_assert!(apart.abs() <= 6, "{apart}");
            }
            let years = normalise(exact, IntervalUnit::Year, 1, &MonthFactors::default(), Rounding::HalfEven, 10);
            prop_assert_eq!(years.unwrap().arr, Amount::from_raw(i128::from(cents) * 100_000_000));
        }
    }
}
