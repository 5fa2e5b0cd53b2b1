//! What an import adds to one customer: against what is known of it, row by row.

use super::{Conflict, KindOfBody, LISTED_CONFLICTS, Outcome};
use crate::record::Filed;
use netnew_facts::{Attributes, Body, Fact, PayloadRef, Text, beats, hash64};
use netnew_money::Instant;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

/// What does not change from customer to customer.
pub struct Terms<'a> {
    /// Source of the import.
    pub source: &'a Text,
    /// Now.
    pub now: Instant,
    /// Kinds of which the import is the whole truth.
    pub whole: &'a [KindOfBody],
    /// Sequence number of its first row's predecessor: that of retractions, and where the import begins.
    pub first_seq: u64,
}

/// Facts by what they speak of.
struct Known {
    facts: Vec<Fact>,
    by_key: HashMap<u64, Vec<usize>>,
}

impl Known {
    fn add(&mut self, fact: Fact) {
        self.by_key.entry(key_of(&fact)).or_default().push(self.facts.len());
        self.facts.push(fact);
    }

    fn same_key<'a>(&'a self, fact: &'a Fact) -> impl Iterator<Item = &'a Fact> {
        let at = self.by_key.get(&key_of(fact)).map(Vec::as_slice).unwrap_or_default();
        at.iter().map(|i| &self.facts[*i]).filter(move |known| known.same_key(fact))
    }

    fn winner<'a>(&'a self, fact: &'a Fact) -> Option<&'a Fact> {
        self.same_key(fact).max_by(|a, b| beats(a, b))
    }
}

/// A hash of a fact's natural key; equal keys have equal hashes.
fn key_of(fact: &Fact) -> u64 {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend_from_slice(fact.source.as_bytes());
    match &fact.body {
        Body::State { subscription, item, effective_at, seq, .. } => {
            for text in [subscription, item] {
                bytes.push(0);
                bytes.extend_from_slice(text.as_bytes());
            }
            bytes.extend_from_slice(&effective_at.micros().to_le_bytes());
            bytes.extend_from_slice(&seq.to_le_bytes());
        }
        Body::Attributes { effective_at, .. } => {
            bytes.push(1);
            bytes.extend_from_slice(&effective_at.map_or(i64::MIN, Instant::micros).to_le_bytes());
        }
        Body::Entry { kind, key, .. } => {
            bytes.extend_from_slice(&[2, kind.code()]);
            bytes.extend_from_slice(key.as_bytes());
        }
    }
    hash64(&bytes)
}

/// Decides what of `rows` (one customer's, any order) is new against `existing`, and what is missing from them when
/// they are the whole truth. Counts go to `outcome`; the facts to add are returned.
pub fn decide(existing: Vec<Filed>, rows: Vec<Filed>, terms: &Terms, outcome: &mut Outcome) -> Vec<Fact> {
    let place = existing.iter().chain(&rows).map(|filed| filed.under.clone()).next();
    let mut known = Known { facts: Vec::with_capacity(existing.len()), by_key: HashMap::new() };
    for filed in existing {
        known.add(filed.fact);
    }
    let mut rows: Vec<Fact> = rows.into_iter().map(|filed| filed.fact).collect();
    rows.sort_by_key(|f| f.booked_seq);
    let mut added = match place {
        Some(place) if !terms.whole.is_empty() => missing(&known, &rows, &place, terms, outcome),
        _ => Vec::new(),
    };
    let repeated = repeats(&known, &rows);
    for (fact, repeated) in rows.into_iter().zip(repeated) {
        let news = match &fact.body {
            Body::State { .. } | Body::Entry { .. } if repeated => News::Nothing,
            Body::State { .. } | Body::Entry { .. } => state_news(&known, &fact, terms, outcome),
            Body::Attributes { values, .. } => attribute_news(&known, &fact, values.as_ref()),
        };
        match news {
            News::Nothing => outcome.duplicates += 1,
            News::Confirms => {
                outcome.duplicates += 1;
                outcome.confirmed += 1;
                known.add(fact.clone());
                added.push(fact);
            }
            News::Adds | News::Supersedes => {
                outcome.facts += 1;
                outcome.superseded += u64::from(matches!(news, News::Supersedes));
                known.add(fact.clone());
                added.push(fact);
            }
        }
    }
    added
}

/// Of a delivery that says one key several times without saying in what order, the last row holds. Where that is what
/// holds already and the rest was said before, the delivery was there before: which of `rows` that goes for.
fn repeats(known: &Known, rows: &[Fact]) -> Vec<bool> {
    let mut repeated = vec![false; rows.len()];
    if known.facts.is_empty() {
        return repeated;
    }
    let mut keys: HashMap<u64, Vec<usize>> = HashMap::new();
    for (at, fact) in rows.iter().enumerate() {
        if fact.version.is_none() && !matches!(fact.body, Body::Attributes { .. }) {
            keys.entry(key_of(fact)).or_default().push(at);
        }
    }
    for at in keys.into_values().filter(|at| at.len() > 1) {
        let last = &rows[at[at.len() - 1]];
        let one_key = at.iter().all(|i| rows[*i].same_key(last));
        let holds = known.winner(last).is_some_and(|winner| winner.same_content(last));
        let said = |i: &usize| known.same_key(last).any(|k| k.same_content(&rows[*i]));
        if one_key && holds && at.iter().all(said) {
            at.into_iter().for_each(|i| repeated[i] = true);
        }
    }
    repeated
}

enum News {
    Nothing,
    /// Says again what holds, under a version of its own: kept, because what comes late under a version in between must
    /// not win over it.
    Confirms,
    Adds,
    Supersedes,
}

fn state_news(known: &Known, fact: &Fact, terms: &Terms, outcome: &mut Outcome) -> News {
    let holds = matches!(&fact.body, Body::State { state: Some(_), .. } | Body::Entry { entry: Some(_), .. });
    let Some(winner) = known.winner(fact) else {
        return if holds { News::Adds } else { News::Nothing };
    };
    let said_before = |k: &Fact| k.version.is_some() && k.version == fact.version && k.same_content(fact);
    if known.same_key(fact).any(said_before) {
        return News::Nothing;
    }
    if winner.same_content(fact) {
        return if fact.version.is_some() { News::Confirms } else { News::Nothing };
    }
    if winner.booked_seq > terms.first_seq
        && winner.version == fact.version
        && outcome.conflicts.len() < LISTED_CONFLICTS
    {
        outcome.conflicts.push(Conflict {
            payload: fact.payload.payload,
            row: fact.payload.row,
            other_row: winner.payload.row,
            what: what(fact),
        });
    }
    if beats(fact, winner) == Ordering::Greater { News::Supersedes } else { News::Adds }
}

fn what(fact: &Fact) -> String {
    match &fact.body {
        Body::State { subscription, item, effective_at, .. } => {
            format!("customer {}, subscription {subscription}, item {item}, {effective_at}", fact.customer)
        }
        Body::Attributes { .. } => format!("attributes of customer {}", fact.customer),
        Body::Entry { kind, key, .. } => format!("{kind} {key}"),
    }
}

/// The values that hold among the facts of one attribute key.
fn resolved(known: &Known, fact: &Fact) -> Attributes {
    let mut facts: Vec<&Fact> = known.same_key(fact).collect();
    facts.sort_by(|a, b| beats(a, b));
    let mut values = Attributes::new();
    for fact in facts {
        match &fact.body {
            Body::Attributes { values: Some(stated), .. } => {
                values.extend(stated.iter().map(|(k, v)| (k.clone(), v.clone())));
            }
            _ => values.clear(),
        }
    }
    values
}

fn attribute_news(known: &Known, fact: &Fact, values: Option<&Attributes>) -> News {
    let before = resolved(known, fact);
    match values {
        None if before.is_empty() => News::Nothing,
        None => News::Supersedes,
        Some(stated) => {
            let same = |(name, value): (&String, &Option<String>)| before.get(name) == Some(value);
            if !before.is_empty() && stated.iter().all(same)
                || (stated.is_empty() && known.winner(fact).is_some())
            {
                News::Nothing
            } else if stated.keys().any(|name| before.contains_key(name)) {
                News::Supersedes
            } else {
                News::Adds
            }
        }
    }
}

/// Retractions of what the source said before and its whole truth no longer says. What is only filed here as a copy
/// is retracted where it belongs.
fn missing(known: &Known, rows: &[Fact], place: &Text, terms: &Terms, outcome: &mut Outcome) -> Vec<Fact> {
    let said: HashSet<u64> = rows.iter().map(key_of).collect();
    let mut gone: Vec<Fact> = Vec::new();
    let mut looked_at: HashSet<u64> = HashSet::new();
    for fact in &known.facts {
        let kind = match &fact.body {
            Body::State { .. } => KindOfBody::States,
            Body::Attributes { .. } => KindOfBody::Attributes,
            Body::Entry { kind, .. } => KindOfBody::Entries(*kind),
        };
        let key = key_of(fact);
        if fact.source != *terms.source
            || !terms.whole.contains(&kind)
            || said.contains(&key)
            || !looked_at.insert(key)
        {
            continue;
        }
        let Some(winner) = known.winner(fact).filter(|winner| winner.customer == *place) else { continue };
        let body = match &winner.body {
            Body::State { subscription, item, effective_at, seq, state: Some(_) } => Body::State {
                subscription: subscription.clone(),
                item: item.clone(),
                effective_at: *effective_at,
                seq: *seq,
                state: None,
            },
            Body::Attributes { effective_at, values: Some(_) } => {
                Body::Attributes { effective_at: *effective_at, values: None }
            }
            Body::Entry { kind, key, effective_at, entry: Some(_) } => {
                Body::Entry { kind: *kind, key: key.clone(), effective_at: *effective_at, entry: None }
            }
            _ => continue,
        };
        gone.push(Fact {
            source: winner.source.clone(),
            customer: winner.customer.clone(),
            body,
            recorded_at: terms.now,
            // A winner with a version of its own would otherwise stay: the retraction is newer than it.
            version: winner.version.map(|v| v.max(terms.now.micros())),
            booked_seq: terms.first_seq,
            payload: PayloadRef::default(),
        });
    }
    outcome.facts += gone.len() as u64;
    outcome.superseded += gone.len() as u64;
    gone
}
