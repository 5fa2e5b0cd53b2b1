//! Which exchange rate holds on a day, looked for one day after the other.

use netnew_money::{Amount, Currency, Day, Ratio, Rounding};

use super::{Business, OracleError};
use crate::rows::PlainRate;

impl Business {
    /// The price of one unit of a currency in another on a day, exactly.
    pub(super) fn rate(&self, from: Currency, to: Currency, day: Day) -> Result<Ratio, OracleError> {
        if from == to {
            return Ok(Ratio::ONE);
        }
        let direct = self.published(from, to, day);
        let across = || {
            let legs = (self.published(from, self.currency, day)?, self.published(self.currency, to, day)?);
            legs.0.checked_mul(legs.1)
        };
        direct.or_else(across).ok_or(OracleError::MissingRate { from, to, day })
    }

    /// The newest rate of a pair that is not too old, either way round; of one day's two the direct one.
    fn published(&self, from: Currency, to: Currency, day: Day) -> Option<Ratio> {
        if from == to {
            return Some(Ratio::ONE);
        }
        let oldest = self.knobs.number("fx.max_age_days").unwrap_or(7);
        (0..=oldest).find_map(|age| {
            let published = day.add_days(-age);
            let on_day = |base: Currency, quote: Currency| {
                let is_it =
                    |rate: &&PlainRate| rate.day == published && rate.base == base && rate.quote == quote;
                self.rates.iter().find(is_it).and_then(|rate| rate.rate).map(|rate| rate.to_ratio())
            };
            on_day(from, to).or_else(|| on_day(to, from).and_then(Ratio::checked_inverse))
        })
    }

    /// An amount in another currency at a day's rate, rounded to ten decimals.
    pub(super) fn converted(
        &self,
        amount: Amount,
        from: Currency,
        to: Currency,
        day: Day,
    ) -> Result<Amount, OracleError> {
        if amount.is_zero() || from == to {
            return Ok(amount);
        }
        let rate = self.rate(from, to, day)?;
        let exact = Ratio::from_amount(amount).checked_mul(rate);
        exact
            .and_then(|exact| exact.to_amount(Rounding::HalfEven))
            .ok_or_else(|| OracleError::TooLarge(format!("{amount} {from} in {to}")))
    }

    /// Whether amounts of several currencies come to more than 0; rates are asked for only when signs differ.
    pub(super) fn is_above_zero(&self, sums: &[(Currency, Amount)], day: Day) -> Result<bool, OracleError> {
        let any = |sign: fn(Amount) -> bool| sums.iter().any(|&(_, amount)| sign(amount));
        if !(any(Amount::is_positive) && any(Amount::is_negative)) {
            return Ok(any(Amount::is_positive));
        }
        let mut total = Ratio::ZERO;
        for &(currency, amount) in sums {
            let value = Ratio::from_amount(amount).checked_mul(self.rate(currency, self.currency, day)?);
            total = value
                .and_then(|value| total.checked_add(value))
                .ok_or_else(|| OracleError::TooLarge(format!("{amount} {currency}")))?;
        }
        Ok(total > Ratio::ZERO)
    }
}
