//! The slow oracle: the rules of the ledger read off the page, so that a fast engine has something to agree with.
//!
//! It keeps nothing between two questions and works everything out from all rows each time: an item at an instant
//! by looking through its states, a step by comparing two snapshots, a rate by going back day after day. It uses
//! nothing but exact numbers and calendar of `netnew-money` and shares no code with the engine. It is written from
//! `docs/ledger.md`, whose sections the comments name.

mod causes;
mod dimensions;
mod given_back;
mod groups;
mod item;
mod knobs;
mod posting;
mod rates;
mod report;
mod retention;
mod visible;

use std::collections::{BTreeMap, BTreeSet};

use netnew_money::{Amount, Currency, Day, Instant, Zone};
use thiserror::Error;

use crate::bills::PlainEntry;
use crate::question::PlainMovement;
use crate::rows::{PlainAttributes, PlainHistory, PlainRate, PlainRow};
use item::{Item, ItemId};

pub use knobs::{DEFAULTS, Knobs};
pub use report::Report;
pub use retention::CohortCell;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OracleError {
    /// A conversion needs a rate that was not published.
    #[error("missing_rate: no rate from {from} to {to} for {day}")]
    MissingRate {
        /// From this currency.
        from: Currency,
        /// To this one.
        to: Currency,
        /// On this day.
        day: Day,
    },
    /// A converted amount does not fit.
    #[error("too_large: {0}")]
    TooLarge(String),
    /// A dimension or a field of a filter that does not exist.
    #[error("unknown_field: {0}")]
    UnknownField(String),
}

/// Where and when the question is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// The book's currency.
    pub currency: Currency,
    /// The book's time zone, in which trials, discounts and grace are reckoned.
    pub zone: Zone,
    /// The report's time zone, in which days and periods are cut.
    pub report_zone: Zone,
    /// Now.
    pub as_of: Instant,
    /// Only what was known at this moment counts.
    pub known_on: Option<Instant>,
}

/// A business as known at a moment, under some rules.
#[derive(Clone, Debug)]
pub struct Business {
    currency: Currency,
    zone: Zone,
    report_zone: Zone,
    as_of: Instant,
    knobs: Knobs,
    /// Section 1: the winning states, in the order of arrival.
    states: Vec<PlainRow>,
    /// Source and `effective_at` of every visible row, withdrawn and replaced ones included.
    spoken: Vec<(String, Instant)>,
    /// The same by item, without those that hold for no time.
    items: BTreeMap<ItemId, Vec<PlainRow>>,
    /// The items that ever were a customer's.
    owned: BTreeMap<String, BTreeSet<ItemId>>,
    rates: Vec<PlainRate>,
    /// Visible statements about attributes, in the order of arrival.
    attributes: Vec<PlainAttributes>,
    /// Entries that hold.
    entries: Vec<PlainEntry>,
}

impl Business {
    /// Takes in what is visible of a history.
    pub fn new(history: &PlainHistory, circumstances: Circumstances, knobs: Knobs) -> Business {
        let known_on = circumstances.known_on.unwrap_or(Instant::MAX);
        let states = visible::states(&history.rows, known_on);
        let items = item::by_item(&states);
        let mut owned: BTreeMap<String, BTreeSet<ItemId>> = BTreeMap::new();
        for (id, row) in items.iter().flat_map(|(id, rows)| rows.iter().map(move |row| (id, row))) {
            owned.entry(row.customer.clone()).or_default().insert(id.clone());
        }
        Business {
            spoken: history
                .rows
                .iter()
                .filter(|row| row.learned_at() <= known_on)
                .map(|row| (row.source.clone(), row.effective_at))
                .collect(),
            currency: circumstances.currency,
            zone: circumstances.zone,
            report_zone: circumstances.report_zone,
            as_of: circumstances.as_of.min(known_on),
            knobs,
            states,
            items,
            owned,
            rates: visible::rates(&history.rates, known_on),
            attributes: visible::attributes(&history.attributes, known_on),
            entries: given_back::entries(&history.entries, known_on, circumstances.as_of.min(known_on)),
        }
    }

    /// Now, as far as it is known.
    pub fn as_of(&self) -> Instant {
        self.as_of
    }

    /// Section 2: the newest `effective_at` of a source's visible rows that is not after now.
    pub fn data_through(&self, source: &str) -> Option<Instant> {
        let of_source = self.spoken.iter().filter(|(of, _)| of == source);
        of_source.map(|(_, at)| *at).filter(|&at| at <= self.as_of).max()
    }

    /// Every customer, sorted.
    pub fn customers(&self) -> Vec<String> {
        self.owned.keys().cloned().collect()
    }

    /// Every posted row of the whole history, what is expected after now included, sorted.
    /// `report` gives the interval and the first and last day, which decide under `netting = period`.
    ///
    /// # Errors
    /// A missing rate.
    pub fn ledger(&self, report: &Report) -> Result<Vec<PlainMovement>, OracleError> {
        let mut rows = Vec::new();
        for unit in self.units() {
            for group in self.groups(&unit, report)? {
                rows.extend(self.post(&group)?.into_iter().map(|posted| PlainMovement {
                    at: group.last,
                    date: self.report_zone.day_of(group.last),
                    customer: unit.customer.clone(),
                    source: posted.cell.id.source,
                    subscription: posted.cell.id.subscription,
                    item: posted.cell.id.item,
                    plan: posted.cell.plan,
                    kind: posted.kind.to_string(),
                    cause: posted.cause.to_string(),
                    amount: posted.amount,
                    currency: posted.cell.currency,
                }));
            }
        }
        rows.sort();
        Ok(rows)
    }

    /// Sum of all item levels at an instant, converted to a currency at that day's rate; of everybody or of one.
    ///
    /// # Errors
    /// A missing rate.
    pub fn level_at(
        &self,
        at: Instant,
        customer: Option<&str>,
        currency: Currency,
    ) -> Result<Amount, OracleError> {
        self.sum_at(at, customer, currency, |item| item.mrr)
    }

    /// Like [`Business::level_at`] for a year.
    ///
    /// # Errors
    /// A missing rate.
    pub fn arr_at(
        &self,
        at: Instant,
        customer: Option<&str>,
        currency: Currency,
    ) -> Result<Amount, OracleError> {
        self.sum_at(at, customer, currency, |item| item.arr)
    }

    fn sum_at(
        &self,
        at: Instant,
        customer: Option<&str>,
        currency: Currency,
        worth: impl Fn(&Item<'_>) -> Amount,
    ) -> Result<Amount, OracleError> {
        let day = self.report_zone.day_of(at);
        let mut total = Amount::ZERO;
        for item in
            self.items_at(at).into_iter().filter(|item| customer.is_none_or(|c| item.row.customer == c))
        {
            total += self.converted(worth(&item), item.row.currency, currency, day)?;
        }
        Ok(total)
    }

    /// Every item of everybody at an instant, sorted.
    fn items_at(&self, at: Instant) -> Vec<Item<'_>> {
        self.items.keys().filter_map(|id| self.item_at(id, self.within_horizon(at))).collect()
    }

    /// Unless the known future is to be shown, nothing changes after now.
    fn within_horizon(&self, at: Instant) -> Instant {
        if self.knobs.is("scheduled_changes", "known_future") { at } else { at.min(self.as_of) }
    }
}
