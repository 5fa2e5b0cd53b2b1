//! Section 1: what is visible, and which statement wins.

use netnew_money::Instant;

use super::Business;
use crate::rows::{KNOWN_FROM_THE_START, PlainAttributes, PlainRate, PlainRow};

fn same_key(a: &PlainRow, b: &PlainRow) -> bool {
    (&a.source, &a.subscription, &a.item, a.effective_at, a.seq)
        == (&b.source, &b.subscription, &b.item, b.effective_at, b.seq)
}

/// The winner of every key; a key whose winner is a retraction has none.
pub(super) fn states(rows: &[PlainRow], known_on: Instant) -> Vec<PlainRow> {
    let visible: Vec<(usize, &PlainRow)> =
        rows.iter().enumerate().filter(|(_, row)| row.learned_at() <= known_on).collect();
    let strength =
        |(order, row): &(usize, &PlainRow)| (row.retracted || !row.reconstructed, row.learned_at(), *order);
    let is_beaten = |one: &(usize, &PlainRow)| {
        visible.iter().any(|other| same_key(one.1, other.1) && strength(other) > strength(one))
    };
    visible.iter().filter(|one| !one.1.retracted && !is_beaten(one)).map(|(_, row)| (*row).clone()).collect()
}

/// The winner of every pair and day; withdrawn ones left out.
pub(super) fn rates(rates: &[PlainRate], known_on: Instant) -> Vec<PlainRate> {
    let learned = |rate: &PlainRate| rate.recorded_at.unwrap_or(KNOWN_FROM_THE_START);
    let visible: Vec<(usize, &PlainRate)> =
        rates.iter().enumerate().filter(|(_, rate)| learned(rate) <= known_on).collect();
    let is_beaten = |(order, one): &(usize, &PlainRate)| {
        visible.iter().any(|(other_order, other)| {
            (one.day, one.base, one.quote) == (other.day, other.base, other.quote)
                && (learned(other), other_order) > (learned(one), order)
        })
    };
    visible
        .iter()
        .filter(|one| one.1.rate.is_some() && !is_beaten(one))
        .map(|(_, rate)| (*rate).clone())
        .collect()
}

/// Every visible statement about attributes.
pub(super) fn attributes(rows: &[PlainAttributes], known_on: Instant) -> Vec<PlainAttributes> {
    rows.iter().filter(|row| learned(row) <= known_on).cloned().collect()
}

fn learned(row: &PlainAttributes) -> Instant {
    row.recorded_at.unwrap_or(KNOWN_FROM_THE_START)
}

impl Business {
    /// The value of an attribute of a customer at an instant: of the statements that name it and have not been
    /// withdrawn by the source that made them, the one from the latest date, then the latest learned.
    pub(super) fn attribute(&self, customer: &str, name: &str, at: Instant) -> Option<String> {
        let from = |row: &PlainAttributes| row.effective_at.unwrap_or(Instant::MIN);
        let about: Vec<(usize, &PlainAttributes)> =
            self.attributes.iter().enumerate().filter(|(_, row)| row.customer == customer).collect();
        let is_withdrawn = |(order, one): &(usize, &PlainAttributes)| {
            about.iter().any(|(other_order, other)| {
                other.values.is_none()
                    && (&other.source, other.effective_at) == (&one.source, one.effective_at)
                    && (learned(other), other_order) > (learned(one), order)
            })
        };
        let stated = about.iter().filter(|one| from(one.1) <= at && !is_withdrawn(one));
        let naming = stated.filter_map(|(order, row)| {
            let value = row.values.as_ref()?.get(name)?;
            Some(((from(row), learned(row), *order), value))
        });
        naming.max_by_key(|(rank, _)| *rank).and_then(|(_, value)| value.clone())
    }

    /// The instants at which some attribute of a customer may change.
    pub(super) fn attribute_instants(&self, customer: &str) -> Vec<Instant> {
        let about = self.attributes.iter().filter(|row| row.customer == customer);
        about.filter_map(|row| row.effective_at).collect()
    }
}
