//! Conversion into the report's currency: movements at their day's rate, levels at the period's last day
//! (section 9 of `docs/ledger.md`).

use crate::query::{Query, ReportCurrency};
use crate::rollup::RollupError;
use netnew_ledger::{Context, Money};
use netnew_money::{Amount, Currency, Day, Rate, Rounding};
use netnew_policy::FxRow;
use std::cell::RefCell;
use std::collections::HashMap;

/// Converts for one report. Each amount is rounded by itself, so that any grouping adds up.
pub struct Converter<'a> {
    ctx: &'a Context<'a>,
    currency: ReportCurrency,
    constant: Option<Day>,
    /// Rates looked up so far.
    rates: RefCell<HashMap<(Currency, Day), Rate>>,
}

impl<'a> Converter<'a> {
    /// A converter for a report's question.
    pub fn new(ctx: &'a Context<'a>, query: &Query) -> Converter<'a> {
        Converter {
            ctx,
            currency: query.currency,
            constant: query.constant_rates,
            rates: RefCell::new(HashMap::new()),
        }
    }

    /// The report's currency.
    pub fn currency(&self) -> ReportCurrency {
        self.currency
    }

    /// True when levels are the sum of movements at their own rates, so that there is no fx line.
    pub fn frozen(&self) -> bool {
        self.ctx.policy.fx_row == FxRow::Frozen && self.constant.is_none()
    }

    /// The rate on a day; `None` when nothing is converted.
    pub fn rate(&self, from: Currency, day: Day) -> Result<Option<Rate>, RollupError> {
        let ReportCurrency::In(to) = self.currency else { return Ok(None) };
        if from == to {
            return Ok(None);
        }
        let day = self.constant.unwrap_or(day);
        if let Some(rate) = self.rates.borrow().get(&(from, day)) {
            return Ok(Some(*rate));
        }
        let rate = self.ctx.rate_between(from, to, day)?;
        self.rates.borrow_mut().insert((from, day), rate);
        Ok(Some(rate))
    }

    /// A movement's amount at its day's rate.
    pub fn movement(&self, amount: Amount, currency: Currency, day: Day) -> Result<Amount, RollupError> {
        match self.rate(currency, day)? {
            None => Ok(amount),
            Some(rate) => convert(amount, &rate, currency),
        }
    }

    /// Levels counted by value, at a day's rate.
    pub fn levels(&self, levels: &HashMap<(Currency, Amount), i64>, day: Day) -> Result<Amount, RollupError> {
        let mut sum = Amount::ZERO;
        for ((currency, amount), count) in levels {
            if *count == 0 {
                continue;
            }
            let one = self.movement(*amount, *currency, day)?;
            sum += times(one, *count, *currency)?;
        }
        Ok(sum)
    }

    /// A customer's level in all currencies, at a day's rate.
    pub fn total(&self, money: &Money, day: Day) -> Result<Amount, RollupError> {
        let mut sum = Amount::ZERO;
        for (currency, amount) in money.iter() {
            sum += self.movement(amount, currency, day)?;
        }
        Ok(sum)
    }
}

fn convert(amount: Amount, rate: &Rate, currency: Currency) -> Result<Amount, RollupError> {
    rate.convert(amount, Rounding::HalfEven).ok_or_else(|| overflow(currency))
}

fn times(amount: Amount, count: i64, currency: Currency) -> Result<Amount, RollupError> {
    amount.raw().checked_mul(i128::from(count)).map(Amount::from_raw).ok_or_else(|| overflow(currency))
}

fn overflow(currency: Currency) -> RollupError {
    RollupError::Ledger(netnew_ledger::LedgerError::Overflow {
        customer: "(all)".into(),
        item: format!("levels in {}", currency.as_str()),
    })
}
