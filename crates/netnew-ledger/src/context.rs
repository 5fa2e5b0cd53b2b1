//! Everything the ledger depends on besides the facts, and what can go wrong.

use crate::attributes::Dimensions;
use netnew_facts::Text;
use netnew_money::{Currency, Day, Grain, Instant, MoneyError, Rate, RateTable, Zone};
use netnew_policy::Policy;
use std::collections::BTreeMap;

/// What the ledger is a function of, besides the facts: reference data, policy, time zones and `as_of`.
pub struct Context<'a> {
    /// The rules.
    pub policy: &'a Policy,
    /// Zone of the report: days are cut in it for netting and dates.
    pub zone: &'a Zone,
    /// Zone of the book: calendar arithmetic of discounts and grace.
    pub book_zone: &'a Zone,
    /// The book's currency, in which steps across currencies are valued.
    pub book_currency: Currency,
    /// Rates as known at `known_on`.
    pub rates: &'a RateTable,
    /// Now. What is true by itself up to here has happened.
    pub as_of: Instant,
    /// Facts recorded later are not known.
    pub known_on: Instant,
    /// Up to where the known future is worked out; at least `as_of`.
    pub horizon: Instant,
    /// Per source, up to when it is known complete: the newest state not after `as_of`.
    pub data_through: &'a BTreeMap<Text, Instant>,
    /// The report's interval, for `netting = period`.
    pub grain: Grain,
    /// First day of the report, for `netting = period`: netting does not cross it.
    pub range_start: Option<Day>,
    /// Last day of the report, likewise.
    pub range_end: Option<Day>,
    /// What rows are told apart by, besides item and plan.
    pub dimensions: Dimensions,
}

impl Context<'_> {
    /// The rate from one currency to another on a day. Past now, where none is published yet, it is the last one up to
    /// now: the known future is told at today's rates.
    pub fn rate_between(&self, from: Currency, to: Currency, day: Day) -> Result<Rate, MoneyError> {
        let age = self.policy.fx_max_age_days;
        let on = |day: Day| self.rates.lookup(from, to, day, age, self.book_currency);
        let today = self.zone.day_of(self.now());
        match on(day) {
            Err(missing) if day > today => on(today).map_err(|_| missing),
            found => found,
        }
    }

    /// Time never runs past what was known: the instant up to which things have happened.
    pub fn now(&self) -> Instant {
        self.as_of.min(self.known_on)
    }
}

/// Why a ledger could not be computed. Nothing is guessed instead.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// A step across currencies needs a rate that is not there.
    #[error("customer {customer}, {day}: {source}")]
    Rate {
        /// The customer.
        customer: String,
        /// The local day of the step.
        day: Day,
        /// Which rate is missing.
        source: MoneyError,
    },
    /// An amount does not fit 10 decimals in 128 bits.
    #[error("customer {customer}, item {item}: the amount is too large to compute exactly")]
    Overflow {
        /// The customer.
        customer: String,
        /// The item.
        item: String,
    },
}

impl LedgerError {
    /// Stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            LedgerError::Rate { source, .. } => source.code(),
            LedgerError::Overflow { .. } => "amount_overflow",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            LedgerError::Rate { source, .. } => source.hint(),
            LedgerError::Overflow { .. } => {
                "check the amount, quantity and scale of this item; `netnew customer` shows its facts".into()
            }
        }
    }
}
