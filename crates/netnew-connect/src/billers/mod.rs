//! Billing systems other than Stripe into a book: what is worth keeping is kept as evidence, and every customer that was
//! spoken of is told anew. What the book holds is compared with what is told: what is new is stated, what is no longer so
//! is withdrawn. That is why order, repetition and overlap of files and deliveries do not matter.

pub mod files;
pub mod webhook;

use crate::compare::{Change, compare};
use crate::error::ConnectError;
use netnew_billers::{Catalogue, CustomerSaid, EntrySaid, Known, Piece, Said, System, Trouble, history};
use netnew_book::{Book, Evidence, Import, KindOfBody, Snapshot};
use netnew_facts::{Body, EntryKind, Fact, PayloadRef, Statement, StatementBody, Text, hash64};
use netnew_money::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Marks evidence of what went into the book as it is: entries and attributes, of which only a mark is kept.
const STATED: &str = "stated ";

/// The system of a name, as it stands in addresses.
pub fn system(name: &str) -> Option<&'static System> {
    netnew_billers::by_name(name)
}

/// The names of all systems.
pub fn system_names() -> Vec<&'static str> {
    netnew_billers::SYSTEMS.iter().map(|s| s.name).collect()
}

/// Something that goes into the book as it is.
#[derive(Clone, Debug)]
enum Direct {
    Entry(EntrySaid),
    Customer(CustomerSaid),
}

/// Objects gathered for one import.
#[derive(Debug, Default)]
pub struct Gathered {
    rows: BTreeMap<String, Evidence>,
    direct: BTreeMap<String, Direct>,
    /// Whatever is to be told anew.
    touched: BTreeSet<String>,
    /// Types that say nothing here, and how many there were.
    pub unused: BTreeMap<String, u64>,
}

impl Gathered {
    /// Adds what an object says; gives what could not be understood of it.
    pub fn add(&mut self, said: Said, place: PayloadRef) -> Vec<Trouble> {
        if let Some(unused) = said.unused {
            *self.unused.entry(unused).or_default() += 1;
        }
        let mut problems = said.problems;
        for kept in said.pieces {
            match serde_json::to_string(&kept.piece) {
                Ok(body) => {
                    if !kept.about.is_empty() {
                        self.touched.insert(kept.about.clone());
                    }
                    self.put(Evidence { id: kept.id, about: kept.about, version: kept.version, place, body });
                }
                Err(error) => problems.push(Trouble {
                    code: "unreadable",
                    message: error.to_string(),
                    hint: "check the object".into(),
                }),
            }
        }
        for entry in said.entries {
            let id = format!("{STATED}{} {}", entry.kind(), entry.key);
            let text = match &entry.entry {
                Ok(said) => said.to_json(),
                Err(_) => String::new(),
            };
            let text = format!("{} {} {text}", entry.customer, entry.at.micros());
            self.state(id, entry.version, place, &text, Direct::Entry(entry));
        }
        for customer in said.customers {
            let id = format!("{STATED}customer {} {}", customer.customer, customer.part);
            let text = serde_json::to_string(&customer.attributes).unwrap_or_default();
            self.state(id, customer.version, place, &text, Direct::Customer(customer));
        }
        problems
    }

    fn state(&mut self, id: String, version: i64, place: PayloadRef, text: &str, direct: Direct) {
        let body = format!("{:016x}", hash64(text.as_bytes()));
        let row = Evidence { id: id.clone(), about: String::new(), version, place, body };
        if self.put(row) {
            self.direct.insert(id, direct);
        }
    }

    fn put(&mut self, row: Evidence) -> bool {
        let beaten = self.rows.get(&row.id).is_some_and(|held| !row.beats(held));
        if !beaten {
            self.rows.insert(row.id.clone(), row);
        }
        !beaten
    }

    /// Whether nothing was gathered.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// What an intake did besides what the import itself counts.
#[derive(Debug, Default)]
pub struct Taken {
    /// Statements that the book had already.
    pub unchanged: u64,
    /// What could not be told, with the raw record.
    pub problems: Vec<(PayloadRef, Trouble)>,
    /// Subscriptions that never began.
    pub never_began: u64,
}

/// Takes gathered objects into an import under way. `replace`: they are the whole truth of the source.
///
/// # Errors
/// When the book cannot be read.
pub fn take(
    book: &Book,
    import: &mut Import,
    source: &str,
    now: Instant,
    gathered: Gathered,
    replace: bool,
) -> Result<Taken, ConnectError> {
    let Gathered { rows, mut direct, mut touched, .. } = gathered;
    let mut taken = Taken::default();
    let mut news: BTreeMap<String, Evidence> = BTreeMap::new();
    for (id, row) in rows {
        let stored = if replace { None } else { book.evidence(source, &id)? };
        if stored.as_ref().is_some_and(|held| !row.beats(held)) {
            taken.unchanged += u64::from(direct.contains_key(&id));
            continue;
        }
        if let Some(direct) = direct.remove(&id) {
            let says_so = stored.as_ref().is_some_and(|held| held.body == row.body);
            taken.unchanged += u64::from(says_so);
            if !says_so {
                state(import, &row, direct)?;
            }
        } else if row.about.is_empty() && stored.as_ref().is_none_or(|held| held.body != row.body) {
            // A price or coupon: whoever lacked it, and whoever may have it.
            match stored {
                Some(_) => touched.extend(book.evidence_abouts(source)?),
                None => touched.extend(book.evidence_wanting(source, &id)?),
            }
        }
        news.insert(id, row);
    }
    if replace {
        touched.extend(book.evidence_abouts(source)?);
        import.evident().forget = true;
        import.declare_kind(KindOfBody::Attributes);
        for kind in [
            EntryKind::Invoice,
            EntryKind::Payment,
            EntryKind::Refund,
            EntryKind::CreditNote,
            EntryKind::Dispute,
        ] {
            import.declare_kind(KindOfBody::Entries(kind));
        }
    }
    tell(book, import, source, now, &touched, &news, replace, &mut taken)?;
    import.evident().rows.extend(news.into_values());
    Ok(taken)
}

fn state(import: &mut Import, row: &Evidence, direct: Direct) -> Result<(), ConnectError> {
    let (customer, body) = match direct {
        Direct::Entry(entry) => (entry.customer.clone(), body_of(entry)),
        Direct::Customer(said) => {
            (said.customer, Body::Attributes { effective_at: None, values: Some(said.attributes) })
        }
    };
    push(import, row.place, Some(row.version), &customer, body)
}

fn body_of(said: EntrySaid) -> Body {
    let (kind, key) = (said.kind(), Text::from(said.key.as_str()));
    Body::Entry { kind, key, effective_at: said.at, entry: said.entry.ok().map(Box::new) }
}

fn push(
    import: &mut Import,
    place: PayloadRef,
    version: Option<i64>,
    customer: &str,
    body: Body,
) -> Result<(), ConnectError> {
    let body = StatementBody::Customer { customer: Text::from(customer), body };
    Ok(import.push(place.payload, Statement { row: place.row, recorded_at: None, version, body })?)
}

#[expect(clippy::too_many_arguments, reason = "one call, and each is a thing of its own")]
fn tell(
    book: &Book,
    import: &mut Import,
    source: &str,
    now: Instant,
    touched: &BTreeSet<String>,
    news: &BTreeMap<String, Evidence>,
    afresh: bool,
    taken: &mut Taken,
) -> Result<(), ConnectError> {
    let mut by_about: BTreeMap<&str, Vec<&Evidence>> = BTreeMap::new();
    for row in news.values().filter(|row| !row.id.starts_with(STATED)) {
        by_about.entry(row.about.as_str()).or_default().push(row);
    }
    let rows_of = |about: &str| -> Result<BTreeMap<String, Evidence>, ConnectError> {
        let stored = if afresh { Vec::new() } else { book.evidence_about(source, about)? };
        let mut rows: BTreeMap<String, Evidence> =
            stored.into_iter().filter(|r| !r.id.starts_with(STATED)).map(|r| (r.id.clone(), r)).collect();
        for row in by_about.get(about).into_iter().flatten() {
            rows.insert(row.id.clone(), (*row).clone());
        }
        Ok(rows)
    };
    if touched.is_empty() {
        return Ok(());
    }
    let mut catalogue = Catalogue::default();
    for row in rows_of("")?.into_values() {
        catalogue.add(&row.id, &piece_of(&row)?);
    }
    let snapshot = book.snapshot()?;
    for about in touched {
        let mut known = Vec::new();
        for row in rows_of(about)?.into_values() {
            let piece = piece_of(&row)?;
            known.push(Known { id: row.id, place: row.place, piece });
        }
        let told = history(&known, about, &catalogue);
        let held = held(&snapshot, source, about, &told.customers)?;
        let mine = held.iter().filter(|f| {
            matches!(&f.body, Body::State { subscription, .. } if afresh || told.subscriptions.contains(&**subscription))
        });
        let mut owner: BTreeMap<String, String> = BTreeMap::new();
        let states = told.states.into_iter().map(|one| {
            owner.insert(one.subscription.clone(), one.customer);
            netnew_stripe::Told {
                subscription: one.subscription,
                item: one.item,
                effective_at: one.effective_at,
                state: one.state,
                place: one.place,
            }
        });
        let states: Vec<netnew_stripe::Told> = states.collect();
        let moved = mine.clone().any(|f| match &f.body {
            Body::State { subscription, .. } => {
                owner.get(&**subscription).is_some_and(|c| **c != *f.customer)
            }
            _ => false,
        });
        let (changes, unchanged) = if moved {
            // A subscription whose customer became known is stated whole under it; what it does not say is withdrawn.
            let stale = mine.filter(|f| !states.iter().any(|told| at_key(f, told)));
            let (mut changes, _) = compare(stale.collect(), Vec::new(), now);
            let (anew, _) = compare(Vec::new(), states, now);
            changes.extend(anew);
            (changes, 0)
        } else {
            compare(mine.collect(), states, now)
        };
        for Change { place, body } in changes {
            let customer = match &body {
                Body::State { subscription, .. } => owner.get(&**subscription),
                _ => None,
            };
            push(import, place, None, customer.unwrap_or(about), body)?;
        }
        for (place, entry) in told.entries {
            let (customer, version) = (entry.customer.clone(), entry.version);
            push(import, place, Some(version), &customer, body_of(entry))?;
        }
        taken.unchanged += unchanged;
        taken.never_began += told.never_began;
        taken.problems.extend(told.problems);
        let keeping = import.evident();
        keeping.told.push(about.clone());
        if !told.wanted.is_empty() {
            keeping.wanted.insert(about.clone(), told.wanted.into_iter().collect());
        }
    }
    Ok(())
}

/// Whether a statement under the first key of what is told replaces the fact.
fn at_key(fact: &Fact, told: &netnew_stripe::Told) -> bool {
    match &fact.body {
        Body::State { subscription, item, effective_at, seq, .. } => {
            **subscription == *told.subscription
                && **item == *told.item
                && *effective_at == told.effective_at
                && *seq == 0
        }
        _ => false,
    }
}

/// The facts of the source that the book holds of anybody that a subscription was ever said to belong to.
fn held(
    snapshot: &Snapshot,
    source: &str,
    about: &str,
    customers: &BTreeSet<String>,
) -> Result<Vec<Fact>, ConnectError> {
    let mut out: Vec<Fact> = Vec::new();
    if !snapshot.begins().contains_key(source) {
        return Ok(out);
    }
    let mut ids: BTreeSet<&str> = customers.iter().map(String::as_str).collect();
    ids.insert(about);
    for id in ids {
        for fact in snapshot.customer(id)?.map(|c| c.facts).unwrap_or_default() {
            if &*fact.source == source && !out.iter().any(|held| held.booked_seq == fact.booked_seq) {
                out.push(fact);
            }
        }
    }
    Ok(out)
}

fn piece_of(row: &Evidence) -> Result<Piece, ConnectError> {
    serde_json::from_str(&row.body)
        .map_err(|error| ConnectError::Evidence { id: row.id.clone(), what: error.to_string() })
}
