//! Published exchange rates, and which of them holds on a day.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::wide::mul_div;
use crate::{Amount, Currency, Day, Decimal, MoneyError, Ratio, Rounding};

/// Published rates by pair and day. Cloning shares the data.
///
/// There is nothing to finish after inserting: the table is in order at any time, and what it answers
/// does not depend on the order in which the rates came, except that of two rates for the same pair
/// and day the later insertion stays.
#[derive(Clone, Debug, Default)]
pub struct RateTable {
    pairs: Arc<BTreeMap<(Currency, Currency), Vec<(Day, Ratio)>>>,
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
