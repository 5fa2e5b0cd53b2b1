//! Published exchange rates, and which of them holds on a day.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::wide::mul_div;
use crate::{Amount, Currency, Day, Decimal, MoneyError, Ratio, Rounding};

/// The currency one unit of which is priced, and the one it is priced in.
type Pair = (Currency, Currency);

/// Published rates by pair and day. Cloning shares the data.
///
/// There is nothing to finish after inserting: the table is in order at any time, and what it answers
/// does not depend on the order in which the rates came, except that of two rates for the same pair
/// and day the later insertion stays.
#[derive(Clone, Debug, Default)]
pub struct RateTable {
    pairs: Arc<BTreeMap<Pair, Vec<(Day, Ratio)>>>,
}

/// How a rate was come by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RatePath {
    /// Both currencies are the same.
    Identity,
    /// As published.
    Direct,
    /// One over the rate published the other way round.
    Inverse,
    /// Through the book's currency: the product of two rates, each direct or inverse.
    Cross,
}

impl RatePath {
    /// `identity`, `direct`, `inverse` or `cross`.
    pub const fn as_str(self) -> &'static str {
        match self {
            RatePath::Identity => "identity",
            RatePath::Direct => "direct",
            RatePath::Inverse => "inverse",
            RatePath::Cross => "cross",
        }
    }
}

/// The rate that holds on a day.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rate {
    /// The price of one unit of the first currency in the second, exactly.
    pub value: Ratio,
    /// The day it was published; of a cross rate, that of its older leg.
    pub published: Day,
    /// How it was come by.
    pub path: RatePath,
}

impl Rate {
    /// The amount in the second currency, rounded once to ten decimals; nothing when out of range.
    pub fn convert(&self, amount: Amount, rounding: Rounding) -> Option<Amount> {
        mul_div(amount.raw(), self.value.num(), self.value.den().unsigned_abs(), rounding)
            .map(Amount::from_raw)
    }
}

impl RateTable {
    /// A table without rates.
    pub fn new() -> RateTable {
        RateTable::default()
    }

    /// Whether there are no rates.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Adds the rate published on `day`: one unit of `base` costs `rate` units of `quote`. It replaces
    /// one of the same pair and day. A currency against itself is 1 and need not be given.
    ///
    /// # Errors
    /// [`MoneyError::BadRate`] when the rate is not above zero, or not 1 for a currency against itself;
    /// [`MoneyError::TooLarge`] when one over the rate does not fit in 128 bits.
    pub fn insert(
        &mut self,
        day: Day,
        base: Currency,
        quote: Currency,
        rate: Decimal,
    ) -> Result<(), MoneyError> {
        let value = rate.to_ratio();
        if rate.is_zero() || rate.is_negative() || (base == quote && value != Ratio::ONE) {
            return Err(MoneyError::BadRate { base, quote, day, rate: rate.to_string() });
        }
        if base == quote {
            return Ok(());
        }
        let published = Arc::make_mut(&mut self.pairs).entry((base, quote)).or_default();
        match published.last() {
            Some(&(last, _)) if last >= day => match published.binary_search_by_key(&day, |&(day, _)| day) {
                Ok(at) => published[at].1 = value,
                Err(at) => published.insert(at, (day, value)),
            },
            // Files are mostly in order of days.
            _ => published.push((day, value)),
        }
        Ok(())
    }

    /// The rate from one currency to another on a day: the last one published on or before the day and
    /// at most `max_age_days` old. The newer of the direct and the inverse rate holds, on a tie the
    /// direct one; only when there is neither, the cross through `pivot`, the book's currency, each of
    /// whose legs is found in the same way.
    ///
    /// # Errors
    /// [`MoneyError::MissingRate`] when there is none or only older ones: a missing rate is never 1.
    /// [`MoneyError::TooLarge`] when the exact cross rate does not fit in 128 bits.
    pub fn lookup(
        &self,
        from: Currency,
        to: Currency,
        on: Day,
        max_age_days: i32,
        pivot: Currency,
    ) -> Result<Rate, MoneyError> {
        if from == to {
            return Ok(Rate { value: Ratio::ONE, published: on, path: RatePath::Identity });
        }
        let fresh = |rate: &Rate| on.days_since(rate.published) <= max_age_days;
        let single = self.newest(from, to, on);
        if let Some(rate) = single.filter(fresh) {
            return Ok(rate);
        }
        let mut newest = single.map(|rate| rate.published);
        if from != pivot && to != pivot {
            let legs = self.newest(from, pivot, on).zip(self.newest(pivot, to, on));
            if let Some((first, second)) = legs {
                let published = first.published.min(second.published);
                if fresh(&first) && fresh(&second) {
                    let value =
                        first.value.checked_mul(second.value).ok_or_else(|| MoneyError::TooLarge {
                            text: format!("the rate from {from} to {to} through {pivot} on {on}"),
                        })?;
                    return Ok(Rate { value, published, path: RatePath::Cross });
                }
                newest = newest.max(Some(published));
            }
        }
        Err(MoneyError::MissingRate { from, to, day: on, newest, max_age_days })
    }

    /// The last rate of the pair on or before the day, either way round, of whatever age.
    fn newest(&self, from: Currency, to: Currency, on: Day) -> Option<Rate> {
        let direct = self.last_published(from, to, on);
        let inverse = self.last_published(to, from, on);
        match (direct, inverse) {
            (Some((published, value)), other) if other.is_none_or(|(day, _)| day <= published) => {
                Some(Rate { value, published, path: RatePath::Direct })
            }
            (_, Some((published, value))) => {
                Some(Rate { value: value.checked_inverse()?, published, path: RatePath::Inverse })
            }
            _ => None,
        }
    }

    fn last_published(&self, base: Currency, quote: Currency, on: Day) -> Option<(Day, Ratio)> {
        let published = self.pairs.get(&(base, quote))?;
        let after = published.partition_point(|&(day, _)| day <= on);
        published.get(after.checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Currency {
        Currency::parse(text).unwrap()
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn table(rates: &[(&str, &str, &str, &str)]) -> RateTable {
        let mut table = RateTable::new();
        for (on, base, quote, rate) in rates {
            table.insert(day(on), code(base), code(quote), Decimal::parse(rate).unwrap()).unwrap();
        }
        table
    }

    /// Looks up with a week's age through the euro: value, day of publication and path.
    fn find(
        table: &RateTable,
        from: &str,
        to: &str,
        on: &str,
    ) -> Result<(String, String, RatePath), MoneyError> {
        let rate = table.lookup(code(from), code(to), day(on), 7, Currency::EUR)?;
        Ok((rate.value.to_string(), rate.published.to_string(), rate.path))
    }

    fn found(value: &str, published: &str, path: RatePath) -> Result<(String, String, RatePath), MoneyError> {
        Ok((value.to_string(), published.to_string(), path))
    }

    #[test]
    fn takes_the_last_one_published() {
        let table = table(&[
            ("2026-01-09", "EUR", "USD", "1.25"),
            ("2026-01-02", "EUR", "USD", "1.5"),
            ("2026-01-05", "EUR", "USD", "1.2"),
            ("2026-01-05", "EUR", "USD", "1.3"),
        ]);
        assert_eq!(find(&table, "EUR", "USD", "2026-01-04"), found("3/2", "2026-01-02", RatePath::Direct));
        assert_eq!(find(&table, "EUR", "USD", "2026-01-05"), found("13/10", "2026-01-05", RatePath::Direct));
        assert_eq!(find(&table, "USD", "EUR", "2026-01-16"), found("4/5", "2026-01-09", RatePath::Inverse));
        assert_eq!(find(&table, "USD", "USD", "1999-01-01"), found("1", "1999-01-01", RatePath::Identity));
    }

    #[test]
    fn the_newer_of_direct_and_inverse_wins_and_direct_on_a_tie() {
        let table = table(&[
            ("2026-01-02", "EUR", "USD", "1.5"),
            ("2026-01-03", "USD", "EUR", "0.5"),
            ("2026-01-04", "EUR", "USD", "1.25"),
            ("2026-01-04", "USD", "EUR", "0.7"),
        ]);
        assert_eq!(find(&table, "EUR", "USD", "2026-01-03"), found("2", "2026-01-03", RatePath::Inverse));
        assert_eq!(find(&table, "EUR", "USD", "2026-01-04"), found("5/4", "2026-01-04", RatePath::Direct));
        assert_eq!(find(&table, "USD", "EUR", "2026-01-04"), found("7/10", "2026-01-04", RatePath::Direct));
    }

    #[test]
    fn crosses_through_the_book_s_currency_only_when_there_is_no_other() {
        let mut table = table(&[
            ("2026-01-02", "EUR", "USD", "1.25"),
            ("2026-01-05", "EUR", "GBP", "0.8"),
            ("2026-01-05", "CHF", "JPY", "150"),
        ]);
        assert_eq!(find(&table, "GBP", "USD", "2026-01-06"), found("25/16", "2026-01-02", RatePath::Cross));
        table.insert(day("2026-01-01"), code("GBP"), code("USD"), Decimal::parse("1.4").unwrap()).unwrap();
        assert_eq!(find(&table, "GBP", "USD", "2026-01-06"), found("7/5", "2026-01-01", RatePath::Direct));
        assert_eq!(find(&table, "GBP", "USD", "2026-01-09"), found("25/16", "2026-01-02", RatePath::Cross));
        assert!(find(&table, "CHF", "USD", "2026-01-06").is_err(), "no leg from CHF to EUR");
    }

    #[test]
    fn a_missing_rate_is_an_error_and_never_one() {
        let table = table(&[("2026-01-02", "EUR", "USD", "1.25"), ("2026-01-05", "EUR", "GBP", "0.8")]);
        let missing = |from: &str, to: &str, on: &str| find(&table, from, to, on).unwrap_err();

        assert!(find(&table, "EUR", "USD", "2026-01-09").is_ok());
        let old = missing("EUR", "USD", "2026-01-10");
        assert_eq!(
            old.to_string(),
            "no rate from EUR to USD for 2026-01-10: the newest is of 2026-01-02, older than 7 days"
        );
        assert_eq!(old.code(), "missing_rate");
        assert_eq!(old.hint(), "import a rates file that has EUR/USD on or shortly before 2026-01-10");

        let before = missing("EUR", "USD", "2026-01-01");
        assert_eq!(before.to_string(), "no rate from EUR to USD for 2026-01-01");
        let newest = |error: MoneyError| match error {
            MoneyError::MissingRate { newest, .. } => newest,
            other => panic!("{other}"),
        };
        assert_eq!(newest(missing("GBP", "USD", "2026-01-11")), Some(day("2026-01-02")), "the older leg");
        assert_eq!(newest(missing("JPY", "USD", "2026-01-05")), None);
        assert!(RateTable::new().is_empty());
    }

    #[test]
    fn refuses_rates_that_are_none() {
        let mut table = RateTable::new();
        let mut insert = |base: &str, quote: &str, rate: &str| {
            let rate = Decimal::parse(rate).unwrap();
            table.insert(day("2026-01-02"), code(base), code(quote), rate).map_err(|e| e.to_string())
        };
        assert_eq!(insert("EUR", "USD", "0"), Err("rate EUR/USD of 2026-01-02 cannot be 0".to_string()));
        assert_eq!(
            insert("EUR", "USD", "-1.5"),
            Err("rate EUR/USD of 2026-01-02 cannot be -1.5".to_string())
        );
        assert_eq!(
            insert("EUR", "EUR", "1.01"),
            Err("rate EUR/EUR of 2026-01-02 cannot be 1.01".to_string())
        );
        assert_eq!(insert("EUR", "EUR", "1.00"), Ok(()));
        assert!(table.is_empty());
    }

    #[test]
    fn converts_with_one_rounding() {
        let table = table(&[("2026-01-02", "EUR", "USD", "1.2"), ("2026-01-02", "EUR", "JPY", "160.123456")]);
        let hundred = Amount::from_major(100);
        let rate = |from: &str, to: &str| {
            table.lookup(code(from), code(to), day("2026-01-02"), 7, Currency::EUR).unwrap()
        };
        let convert = |from: &str, to: &str, amount: Amount| {
            rate(from, to).convert(amount, Rounding::HalfEven).unwrap().to_string()
        };
        assert_eq!(convert("EUR", "USD", hundred), "120");
        assert_eq!(convert("USD", "EUR", hundred), "83.3333333333");
        assert_eq!(convert("USD", "EUR", -hundred), "-83.3333333333");
        // 100 / 1.2 * 160.123456, not 83.3333333333 * 160.123456 = 13343.6213333280.
        assert_eq!(convert("USD", "JPY", hundred), "13343.6213333333");
        assert_eq!(rate("EUR", "USD").convert(Amount::from_raw(i128::MAX), Rounding::HalfEven), None);
        let wide = Amount::from_raw(i128::MAX / 161);
        let back = rate("JPY", "EUR")
            .convert(rate("EUR", "JPY").convert(wide, Rounding::HalfEven).unwrap(), Rounding::HalfEven);
        assert!((back.unwrap() - wide).abs() <= Amount::from_raw(1), "beyond 128 bits on the way");
    }

    #[test]
    fn clones_share_until_changed() {
        let one = table(&[("2026-01-02", "EUR", "USD", "1.2")]);
        let mut other = one.clone();
        assert!(Arc::ptr_eq(&one.pairs, &other.pairs));
        other.insert(day("2026-01-02"), code("EUR"), code("USD"), Decimal::from_i64(2)).unwrap();
        assert_eq!(find(&one, "EUR", "USD", "2026-01-02"), found("6/5", "2026-01-02", RatePath::Direct));
        assert_eq!(find(&other, "EUR", "USD", "2026-01-02"), found("2", "2026-01-02", RatePath::Direct));
    }
}
