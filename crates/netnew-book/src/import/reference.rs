//! Rates and merges of an import: few, kept in the catalog, under the same rules as other facts.

use super::{Import, KindOfBody, Outcome};
use netnew_facts::{AliasFact, PayloadRef, RateFact};
use std::collections::BTreeMap;

/// Order of two statements of one key: source version or moment of learning, then booking.
fn rank(version: Option<i64>, recorded_at: i64, booked_seq: u64) -> (i64, u64) {
    (version.unwrap_or(recorded_at), booked_seq)
}

fn rate_rank(rate: &RateFact) -> (i64, u64) {
    rank(rate.version, rate.recorded_at.micros(), rate.booked_seq)
}

fn alias_rank(alias: &AliasFact) -> (i64, u64) {
    rank(alias.version, alias.recorded_at.micros(), alias.booked_seq)
}

/// The rates that the import adds.
pub fn new_rates(import: &mut Import, outcome: &mut Outcome) -> Vec<RateFact> {
    let source = import.source.clone();
    let mut winners: BTreeMap<_, RateFact> = BTreeMap::new();
    let key = |r: &RateFact| (r.day, r.base, r.quote);
    for rate in import.snapshot.rates().unwrap_or_default().into_iter().filter(|r| r.source == source) {
        let slot = winners.entry(key(&rate)).or_insert_with(|| rate.clone());
        if rate_rank(&rate) > rate_rank(slot) {
            *slot = rate;
        }
    }
    let rows = std::mem::take(&mut import.rates);
    let mut added = Vec::new();
    if import.kinds.contains(&KindOfBody::Rates) {
        let said: Vec<_> = rows.iter().map(key).collect();
        for (at, winner) in winners.iter_mut().filter(|(at, w)| w.rate.is_some() && !said.contains(at)) {
            let (day, base, quote) = *at;
            *winner = RateFact {
                source: source.clone(),
                day,
                base,
                quote,
                rate: None,
                recorded_at: import.now,
                version: winner.version.map(|v| v.max(import.now.micros())),
                booked_seq: import.first_seq,
                payload: PayloadRef::default(),
            };
            added.push(winner.clone());
            outcome.facts += 1;
            outcome.superseded += 1;
        }
    }
    for rate in rows {
        match winners.get_mut(&key(&rate)) {
            None if rate.rate.is_none() => outcome.duplicates += 1,
            Some(winner) if winner.rate == rate.rate => outcome.duplicates += 1,
            Some(winner) => {
                outcome.facts += 1;
                if rate_rank(&rate) > rate_rank(winner) {
                    outcome.superseded += 1;
                    *winner = rate.clone();
                }
                added.push(rate);
            }
            None => {
                outcome.facts += 1;
                winners.insert(key(&rate), rate.clone());
                added.push(rate);
            }
        }
    }
    added
}

/// The merges that the import adds.
pub fn new_aliases(import: &mut Import, outcome: &mut Outcome) -> Vec<AliasFact> {
    let source = import.source.clone();
    let mut winners: BTreeMap<_, AliasFact> = BTreeMap::new();
    for alias in import.snapshot.aliases().unwrap_or_default().into_iter().filter(|a| a.source == source) {
        let slot = winners.entry(alias.customer.clone()).or_insert_with(|| alias.clone());
        if alias_rank(&alias) > alias_rank(slot) {
            *slot = alias;
        }
    }
    let mut added = Vec::new();
    for alias in std::mem::take(&mut import.aliases) {
        match winners.get_mut(&alias.customer) {
            None if alias.merged_into.is_none() => outcome.duplicates += 1,
            Some(winner) if winner.merged_into == alias.merged_into => outcome.duplicates += 1,
            Some(winner) => {
                outcome.facts += 1;
                if alias_rank(&alias) > alias_rank(winner) {
                    outcome.superseded += 1;
                    *winner = alias.clone();
                }
                added.push(alias);
            }
            None => {
                outcome.facts += 1;
                winners.insert(alias.customer.clone(), alias.clone());
                added.push(alias);
            }
        }
    }
    added
}
