//! Stripe's objects into a book: what is worth keeping is kept, and every customer that was spoken of is told anew.
//!
//! A history is a function of the set of pieces known about a customer (see [`netnew_stripe::history`]). What the book holds
//! of the source is compared with it: what is new is stated, what is no longer so is withdrawn. That is why order,
//! repetition and overlap of files, syncs and deliveries do not matter.

use crate::compare::{Change, compare};
use crate::entries::{LINKS, Telling, entered, is_charge, link_id};
use crate::error::ConnectError;
use netnew_book::{Book, Evidence, Import, Part};
use netnew_facts::{Body, EntryKind, Fact, PayloadRef, Statement, StatementBody, Text, hash64};
use netnew_money::Instant;
use netnew_stripe::{Catalogue, CustomerSaid, EntrySaid, Known, Piece, Said, Trouble, history};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// When objects that are no events were listed, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Then.
    At(i64),
    /// Then or later.
    AtLeast(i64),
}

const LISTED: i64 = 8;
const AT_LEAST: i64 = 4;

/// A version of evidence: the second it is of, whether it was listed, exactly then or later, and what breaks ties within.
fn version(event: Option<i64>, listed: Listed, rank: i64) -> i64 {
    let (seconds, how) = match (event, listed) {
        (Some(seconds), _) => (seconds, 0),
        (None, Listed::At(seconds)) => (seconds, LISTED),
        (None, Listed::AtLeast(seconds)) => (seconds, LISTED + AT_LEAST),
    };
    seconds.saturating_mul(16).saturating_add(how).saturating_add(rank.clamp(0, 3))
}

pub(crate) fn seconds_of(version: i64) -> i64 {
    version.div_euclid(16)
}

/// Objects gathered for one import.
#[derive(Debug, Default)]
pub struct Gathered {
    rows: BTreeMap<String, Evidence>,
    customers: BTreeMap<String, (i64, PayloadRef, CustomerSaid)>,
    entries: BTreeMap<(EntryKind, String), (i64, PayloadRef, EntrySaid)>,
    /// Customers and charges spoken of.
    touched: BTreeSet<String>,
    /// Types that say nothing here, and how many there were.
    pub unused: BTreeMap<String, u64>,
}

impl Gathered {
    /// Adds what an object says. `listed`: when it was listed, if it is no event.
    ///
    /// # Errors
    /// Gives what could not be understood of it; the rest is taken.
    pub fn add(&mut self, said: Said, place: PayloadRef, listed: Listed) -> Vec<Trouble> {
        if let Some(unused) = said.unused {
            *self.unused.entry(unused).or_default() += 1;
        }
        for kept in said.pieces {
            let body = match serde_json::to_string(&kept.piece) {
                Ok(body) => body,
                Err(error) => return vec![unreadable(&error.to_string())],
            };
            if !kept.about.is_empty() {
                self.touched.insert(kept.about.clone());
            }
            let version = version(said.at, listed, kept.rank);
            self.put(Evidence { id: kept.id, about: kept.about, version, place, body });
        }
        for one in said.customers {
            let version = version(said.at, listed, 0);
            // Of the attributes themselves nothing is kept here but a mark by which the same are known again.
            let text = serde_json::to_string(&one.attributes).unwrap_or_default();
            self.put(Evidence {
                id: seen_id(&one.customer),
                about: one.customer.clone(),
                version,
                place,
                body: format!("{:016x}", hash64(text.as_bytes())),
            });
            let slot = self.customers.entry(one.customer.clone()).or_insert((version, place, one.clone()));
            if slot.0 <= version {
                *slot = (version, place, one);
            }
        }
        for one in said.entries {
            let version = version(said.at, listed, one.rank);
            match self.entries.get(&(one.kind, one.key.clone())) {
                Some((held, ..)) if *held > version => {}
                _ => drop(self.entries.insert((one.kind, one.key.clone()), (version, place, one))),
            }
        }
        for (pays, invoice) in said.links {
            let version = version(said.at, listed, 0);
            self.put(Evidence { id: link_id(&pays), about: LINKS.into(), version, place, body: invoice });
        }
        said.problems
    }

    fn put(&mut self, row: Evidence) {
        match self.rows.get(&row.id) {
            Some(held) if !row.beats(held) => {}
            _ => {
                self.rows.insert(row.id.clone(), row);
            }
        }
    }

    /// Rows and entries gathered.
    pub fn len(&self) -> usize {
        self.rows.len() + self.entries.len()
    }

    /// Whether nothing was gathered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn seen_id(customer: &str) -> String {
    format!("{customer} seen")
}

fn unreadable(what: &str) -> Trouble {
    Trouble { code: "unreadable", message: what.to_string(), hint: "check the object".to_string() }
}

/// What an intake did besides what the import itself counts.
#[derive(Debug, Default)]
pub struct Taken {
    /// States that the book had already.
    pub unchanged: u64,
    /// What could not be told, with the raw record.
    pub problems: Vec<(PayloadRef, Trouble)>,
    /// Subscriptions whose first payment never came.
    pub never_began: u64,
    /// Customers that were told.
    pub customers: u64,
    /// Charges that were told.
    pub charges: u64,
}

/// How an intake treats what was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Keep the evidence and tell the customers spoken of.
    Tell,
    /// Keep the evidence; the customers are told later ([`tell_open`]).
    Keep,
    /// What is given is the whole truth of the source: forget the rest.
    Replace,
}

/// Takes gathered objects into an import under way.
///
/// # Errors
/// When the book cannot be read.
pub fn take(
    book: &Book,
    import: &mut Import,
    source: &str,
    now: Instant,
    gathered: Gathered,
    mode: Mode,
) -> Result<Taken, ConnectError> {
    let mut touched = gathered.touched;
    let mut news: BTreeMap<String, Evidence> = BTreeMap::new();
    let mut renamed = false;
    for (id, row) in gathered.rows {
        let stored = if mode == Mode::Replace { None } else { book.evidence(source, &id)? };
        let customer = id.strip_suffix(" seen").and_then(|c| gathered.customers.get(c));
        if let Some((version, place, said)) = customer
            && stored.as_ref().is_none_or(|held| row.beats(held) && held.body != row.body)
        {
            let micros = seconds_of(*version).saturating_mul(1_000_000);
            let body = Body::Attributes { effective_at: None, values: Some(said.attributes.clone()) };
            state(import, *place, Some(micros), Text::from(said.customer.as_str()), body)?;
        }
        match stored {
            Some(held) if !row.beats(&held) => continue,
            held if row.about == LINKS => {
                // Charges that were told without their invoice.
                if held.is_none_or(|held| held.body != row.body) {
                    touched.extend(book.evidence_wanting(source, &id)?);
                }
            }
            Some(held) => renamed |= row.about.is_empty() && held.body != row.body && !id.ends_with("#bare"),
            None if row.about.is_empty() => touched.extend(book.evidence_wanting(source, bare(&id))?),
            None => {}
        }
        news.insert(id, row);
    }
    if mode == Mode::Replace {
        touched.extend(book.evidence_abouts(source)?);
        import.evident().forget = true;
        import.declare_kind(netnew_book::KindOfBody::Attributes);
    }
    if renamed {
        import.evident().open_all = true;
        if mode == Mode::Tell {
            touched.extend(book.evidence_abouts(source)?);
        }
    }
    let afresh = mode == Mode::Replace;
    if afresh {
        let kinds: BTreeSet<EntryKind> = gathered.entries.keys().map(|(kind, _)| *kind).collect();
        let paid = touched.iter().any(|about| is_charge(about));
        let of_charges = [EntryKind::Payment, EntryKind::Refund, EntryKind::Dispute];
        kinds.into_iter().chain(of_charges.into_iter().filter(|_| paid)).for_each(|kind| {
            import.declare_kind(netnew_book::KindOfBody::Entries(kind));
        });
    }
    let nobody = BTreeMap::new();
    let mut telling = Telling { book, import, source, afresh, news: &news, by_about: &nobody };
    for (version, place, said) in gathered.entries.values() {
        telling.entry(entered(said), *version, *place)?;
    }
    let mut taken = Taken::default();
    if mode == Mode::Keep {
        import.evident().open.extend(touched);
    } else {
        import.evident().open_all = false;
        taken = tell(book, import, source, now, &touched, &news, afresh)?;
    }
    import.evident().rows.extend(news.into_values());
    Ok(taken)
}

fn bare(id: &str) -> &str {
    id.strip_suffix("#bare").unwrap_or(id)
}

pub(crate) fn state(
    import: &mut Import,
    place: PayloadRef,
    version: Option<i64>,
    customer: Text,
    body: Body,
) -> Result<(), ConnectError> {
    let body = StatementBody::Customer { customer, body };
    Ok(import.push(place.payload, Statement { row: place.row, recorded_at: None, version, body })?)
}

/// Tells customers that were left open, at most `limit` after `after`; gives the last one told, or none at the end.
///
/// # Errors
/// When the book cannot be read.
pub fn tell_open(
    book: &Book,
    import: &mut Import,
    source: &str,
    now: Instant,
    after: &str,
    limit: u32,
) -> Result<(Taken, Option<String>), ConnectError> {
    let open = book.evidence_open(source, after, limit)?;
    let last = open.last().cloned();
    let taken = tell(book, import, source, now, &open.into_iter().collect(), &BTreeMap::new(), false)?;
    Ok((taken, last))
}

fn tell(
    book: &Book,
    import: &mut Import,
    source: &str,
    now: Instant,
    customers: &BTreeSet<String>,
    news: &BTreeMap<String, Evidence>,
    afresh: bool,
) -> Result<Taken, ConnectError> {
    let mut taken = Taken::default();
    let mut by_customer: BTreeMap<&str, Vec<&Evidence>> = BTreeMap::new();
    for row in news.values() {
        by_customer.entry(row.about.as_str()).or_default().push(row);
    }
    let mut telling = Telling { book, import: &mut *import, source, afresh, news, by_about: &by_customer };
    for charge in customers.iter().filter(|about| is_charge(about)) {
        telling.charge(charge)?;
        taken.charges += 1;
    }
    let customers: Vec<&str> = customers.iter().map(String::as_str).filter(|c| !is_charge(c)).collect();
    if customers.is_empty() {
        return Ok(taken);
    }
    let stored = |about: &str| if afresh { Ok(Vec::new()) } else { book.evidence_about(source, about) };
    let mut catalogue = Catalogue::default();
    for row in joined(stored("")?, by_customer.get("").map_or(&[], Vec::as_slice)).into_values() {
        catalogue.add(&row.id, &piece_of(&row)?);
    }
    let snapshot = book.snapshot()?;
    let mut one = |import: &mut Import, customer: &str, facts: &[Fact]| -> Result<(), ConnectError> {
        let rows = joined(stored(customer)?, by_customer.get(customer).map_or(&[], Vec::as_slice));
        let mut known = Vec::with_capacity(rows.len());
        for row in rows.into_values().filter(|row| !row.id.ends_with(" seen")) {
            let piece = piece_of(&row)?;
            let seen = seconds_of(row.version);
            let at_least = row.version & (LISTED | AT_LEAST) == LISTED | AT_LEAST;
            known.push(Known { id: row.id, seen, at_least, place: row.place, piece });
        }
        let told = history(&known, &catalogue);
        let mine = facts.iter().filter(|f| {
            matches!(&f.body, Body::State { subscription, .. }
                if &*f.source == source && (afresh || told.subscriptions.contains(&**subscription)))
        });
        let (changes, unchanged) = compare(mine.collect(), told.states, now);
        for Change { place, body } in changes {
            state(import, place, None, Text::from(customer), body)?;
        }
        taken.unchanged += unchanged;
        taken.customers += 1;
        taken.never_began += told.never_began;
        taken.problems.extend(told.problems);
        let keeping = import.evident();
        keeping.told.push(customer.to_string());
        if !told.wanted.is_empty() {
            keeping.wanted.insert(customer.to_string(), told.wanted.into_iter().collect());
        }
        Ok(())
    };
    if !snapshot.begins().contains_key(source) {
        customers.into_iter().try_for_each(|id| one(import, id, &[]))?;
        return Ok(taken);
    }
    snapshot.filed_of(customers, Part::Items, &mut |id, facts| one(import, id, &facts))?;
    Ok(taken)
}

fn joined(stored: Vec<Evidence>, news: &[&Evidence]) -> BTreeMap<String, Evidence> {
    let mut rows: BTreeMap<String, Evidence> = stored.into_iter().map(|row| (row.id.clone(), row)).collect();
    for row in news {
        match rows.get_mut(&row.id) {
            Some(held) if !row.beats(held) => {}
            // What says the same again still stands where it stood first.
            Some(held) if held.body == row.body => held.version = row.version,
            _ => {
                rows.insert(row.id.clone(), (*row).clone());
            }
        }
    }
    rows
}

pub(crate) fn piece_of(row: &Evidence) -> Result<Piece, ConnectError> {
    if row.id.ends_with(" seen") {
        return Ok(Piece::Product(netnew_stripe::Product::default()));
    }
    serde_json::from_str(&row.body)
        .map_err(|error| ConnectError::Evidence { id: row.id.clone(), what: error.to_string() })
}

/// Reads a JSON value as one object, an event, or a list of them.
pub fn unrolled(value: Value) -> Vec<Value> {
    let is_list = value.get("object").and_then(Value::as_str) == Some("list");
    match value {
        Value::Object(mut fields) if is_list => match fields.remove("data") {
            Some(Value::Array(entries)) => entries.into_iter().flat_map(unrolled).collect(),
            _ => Vec::new(),
        },
        Value::Array(entries) => entries.into_iter().flat_map(unrolled).collect(),
        other => vec![other],
    }
}
