//! Sums in several currencies, their sign, and their value in one.

use crate::context::{Context, LedgerError};
use netnew_money::{Amount, Currency, Day, Ratio};
use std::cmp::Ordering;

/// Amounts per currency; currencies whose sum is zero are left out. Nearly always one entry or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Money(Vec<(Currency, Amount)>);

impl Money {
    /// Nothing.
    pub fn new() -> Money {
        Money(Vec::new())
    }

    /// Adds an amount (may be negative).
    pub fn add(&mut self, currency: Currency, amount: Amount) {
        if amount.is_zero() {
            return;
        }
        match self.0.iter().position(|(c, _)| *c == currency) {
            Some(at) => {
                self.0[at].1 += amount;
                if self.0[at].1.is_zero() {
                    self.0.remove(at);
                }
            }
            None => {
                let at = self.0.partition_point(|(c, _)| *c < currency);
                self.0.insert(at, (currency, amount));
            }
        }
    }

    /// The sum in one currency.
    pub fn get(&self, currency: Currency) -> Amount {
        self.0.iter().find(|(c, _)| *c == currency).map_or(Amount::ZERO, |(_, a)| *a)
    }

    /// Currencies and their non-zero sums, by currency code.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, Amount)> + '_ {
        self.0.iter().copied()
    }

    /// Sign of the whole. Needs rates only when sums of different currencies have different signs.
    pub fn sign(&self, ctx: &Context, customer: &str, day: Day) -> Result<Ordering, LedgerError> {
        let positive = self.0.iter().any(|(_, a)| a.is_positive());
        let negative = self.0.iter().any(|(_, a)| a.is_negative());
        match (positive, negative) {
            (false, false) => Ok(Ordering::Equal),
            (true, false) => Ok(Ordering::Greater),
            (false, true) => Ok(Ordering::Less),
            (true, true) => {
                let mut sum = Ratio::ZERO;
                for (currency, amount) in &self.0 {
                    let value = value(ctx, customer, day, *currency, *amount)?;
                    sum = sum.checked_add(value).ok_or_else(|| overflow(customer))?;
                }
                Ok(sum.cmp(&Ratio::ZERO))
            }
        }
    }
}

/// The exact value of an amount in the book's currency at a day's rate.
pub fn value(
    ctx: &Context,
    customer: &str,
    day: Day,
    currency: Currency,
    amount: Amount,
) -> Result<Ratio, LedgerError> {
    Ratio::from_amount(amount)
        .checked_mul(rate(ctx, customer, day, currency)?)
        .ok_or_else(|| overflow(customer))
}

/// The exact rate from a currency to the book's currency on a day.
pub fn rate(ctx: &Context, customer: &str, day: Day, currency: Currency) -> Result<Ratio, LedgerError> {
    if currency == ctx.book_currency {
        return Ok(Ratio::ONE);
    }
    ctx.rate_between(currency, ctx.book_currency, day).map(|r| r.value).map_err(|source| LedgerError::Rate {
        customer: customer.to_string(),
        day,
        source,
    })
}

pub(crate) fn overflow(customer: &str) -> LedgerError {
    LedgerError::Overflow { customer: customer.to_string(), item: "several".to_string() }
}
