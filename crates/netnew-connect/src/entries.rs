//! Entries out of Stripe's objects: invoices and credit notes as each says it, charges with their refunds and disputes from all
//! that is known about them.
//!
//! What was told of an entry last is kept as a mark, so that saying the same again costs neither a fact nor a look into
//! segments. An entry carries the version of the object it was told from; the highest holds, whichever came first.

use crate::error::ConnectError;
use crate::intake::{seconds_of, state};
use netnew_book::{Book, Evidence, Import};
use netnew_facts::{Body, Entry, EntryKind, PayloadRef, Text, hash64};
use netnew_money::Instant;
use netnew_stripe::{Entered, Paid, Piece, entries_of_charge};
use std::collections::BTreeMap;

/// What marks of entries are about: nobody who could be told anew.
pub(crate) const MARKS: &str = "@entries";
/// What payments of invoices are about.
pub(crate) const LINKS: &str = "@payments";

/// What pieces about a charge, rather than a customer, are about.
pub(crate) fn is_charge(about: &str) -> bool {
    about.starts_with('#')
}

/// What an entry's mark is kept under; [`crate::sync`] counts by it.
pub(crate) fn mark_id(kind: EntryKind, key: &str) -> String {
    format!("entry {kind}/{key}")
}

pub(crate) fn link_id(pays: &str) -> String {
    format!("pays {pays}")
}

/// What entries are told into.
pub(crate) struct Telling<'t, 'b> {
    pub(crate) book: &'t Book,
    pub(crate) import: &'t mut Import<'b>,
    pub(crate) source: &'t str,
    /// What the book holds does not count.
    pub(crate) afresh: bool,
    /// Evidence that comes with this import.
    pub(crate) news: &'t BTreeMap<String, Evidence>,
    /// The same by what it is about.
    pub(crate) by_about: &'t BTreeMap<&'t str, Vec<&'t Evidence>>,
}

/// A version in microseconds, as facts carry it: the order of versions is kept within a second too.
fn micros(version: i64) -> i64 {
    seconds_of(version).saturating_mul(1_000_000).saturating_add(version & 15)
}

impl Telling<'_, '_> {
    fn stored(&self, id: &str) -> Result<Option<Evidence>, ConnectError> {
        Ok(if self.afresh { None } else { self.book.evidence(self.source, id)? })
    }

    /// Tells an entry unless the same was told, or something newer; whether it was.
    pub(crate) fn entry(
        &mut self,
        entered: Entered,
        version: i64,
        place: PayloadRef,
    ) -> Result<bool, ConnectError> {
        let Entered { kind, key, customer, at, entry, .. } = entered;
        let id = mark_id(kind, &key);
        let held = self.stored(&id)?;
        if held.as_ref().is_some_and(|held| held.version > version) || (held.is_none() && entry.is_none()) {
            return Ok(false);
        }
        let text = entry.as_ref().map(Entry::to_json).unwrap_or_default();
        let hash = hash64(format!("{customer}\n{}\n{text}", at.micros()).as_bytes());
        let (count, last) = held.as_ref().map_or((0, None), |held| parted(&held.body));
        let same = last == Some(hash);
        if same && held.is_some_and(|held| held.version == version) {
            return Ok(false);
        }
        // The count makes the later of two that were told of one version the one that holds.
        let count = if same { count } else { count + 1 };
        let body = format!("{count:08} {hash:016x}");
        self.import.evident().rows.push(Evidence { id, about: MARKS.into(), version, place, body });
        if same {
            return Ok(false);
        }
        let body = Body::Entry { kind, key: key.into(), effective_at: at, entry: entry.map(Box::new) };
        state(self.import, place, Some(micros(version)), Text::from(customer.as_str()), body)?;
        Ok(true)
    }

    /// Tells a charge, its refunds and disputes; `about` is what their pieces are about.
    pub(crate) fn charge(&mut self, about: &str) -> Result<u64, ConnectError> {
        let stored = if self.afresh { Vec::new() } else { self.book.evidence_about(self.source, about)? };
        let mut rows: BTreeMap<String, Evidence> = stored.into_iter().map(|r| (r.id.clone(), r)).collect();
        for row in self.by_about.get(about).into_iter().flatten() {
            if rows.get(&row.id).is_none_or(|held| row.beats(held)) {
                rows.insert(row.id.clone(), (*row).clone());
            }
        }
        let rows: Vec<Evidence> = rows.into_values().collect();
        let mut pieces: Vec<Piece> = Vec::with_capacity(rows.len());
        for row in &rows {
            pieces.push(crate::intake::piece_of(row)?);
        }
        let paid: Vec<Paid<'_>> =
            rows.iter().zip(&pieces).map(|(row, piece)| Paid { id: &row.id, piece }).collect();
        let mut failed = None;
        let (entries, wanted) = {
            let failed = std::cell::RefCell::new(&mut failed);
            let invoice_of = |id: &str| match self.invoice_of(id) {
                Ok(found) => found,
                Err(error) => {
                    **failed.borrow_mut() = Some(error);
                    None
                }
            };
            entries_of_charge(&paid, &invoice_of)
        };
        if let Some(error) = failed {
            return Err(error);
        }
        let mut told = 0;
        // What a refund or a dispute says may come to light with the charge: the newest of them all is when.
        let newest = rows.iter().map(|row| row.version).max().unwrap_or(0);
        for entered in entries {
            let row = &rows[entered.by];
            let by_charge = entered.key.ends_with("/refund");
            let (version, place) = (if by_charge { newest } else { row.version }, row.place);
            told += u64::from(self.entry(entered, version, place)?);
        }
        let keeping = self.import.evident();
        keeping.told.push(about.to_string());
        if !wanted.is_empty() {
            keeping.wanted.insert(about.to_string(), wanted);
        }
        Ok(told)
    }

    fn invoice_of(&self, id: &str) -> Result<Option<String>, ConnectError> {
        let id = link_id(id);
        if let Some(news) = self.news.get(&id) {
            return Ok(Some(news.body.clone()));
        }
        Ok(self.stored(&id)?.map(|held| held.body))
    }
}

/// How often an entry was told, and what last.
fn parted(body: &str) -> (u64, Option<u64>) {
    let (count, hash) = body.split_once(' ').unwrap_or(("0", body));
    (count.parse().unwrap_or(0), u64::from_str_radix(hash, 16).ok())
}

/// An entry that says all by itself.
pub(crate) fn entered(said: &netnew_stripe::EntrySaid) -> Entered {
    Entered {
        kind: said.kind,
        key: said.key.clone(),
        customer: said.customer.clone(),
        at: Instant::from_micros(said.at.saturating_mul(1_000_000)),
        entry: said.entry.clone(),
        by: 0,
    }
}
