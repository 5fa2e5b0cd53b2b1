//! How what is in memory follows a book that goes on. A book in memory is not changed when something is booked: the customers
//! who are told otherwise are kept beside it, **layer** by layer, as they were and as they are now. Every figure of a rollup
//! is a sum over customers, so a rollup follows by taking out what those customers were and adding what they are: its cost
//! goes by what is new, not by the book.

use crate::ReportError;
use crate::memory::{Memory, Wanted};
use crate::resident::too_large;
use crate::view::View;
use netnew_book::{Changes, Snapshot};
use netnew_facts::{CustomerFacts, Text, hash64};
use netnew_ledger::Context;
use netnew_metrics::{Extras, GroupKey, Query, Retained, join_rows, negated};
use netnew_money::Instant;
use netnew_resident::{Extent, Image, ImageBuilder, People, PeopleBuilder, Rows, listed_facts};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// After so many layers, or customers in them, the book is best put together anew.
const LAYERS: usize = 1_000;
const CUSTOMERS: usize = 20_000;

/// How many rollups are carried along.
const CARRIED: usize = 64;

/// A book in memory as it stood at some version: all of it, names included.
pub(crate) struct Base {
    version: u64,
    image: Arc<Image>,
    people: Arc<People>,
    /// With the same image and attributes, and the policies applied to them so far.
    memory: Arc<Memory>,
    /// Numbers of customers by the hash of their id; those without states come after those of the image.
    places: OnceLock<Vec<(u64, u32)>>,
    trials: OnceLock<Vec<i64>>,
    carried: Mutex<Vec<Carried>>,
}

/// Customers who are told otherwise from one version on.
struct Layer {
    version: u64,
    /// By id; `None` for who is no customer any more (or not under this id).
    now: BTreeMap<Text, Option<CustomerFacts>>,
    /// The same customers as they were before.
    gone: Memory,
    /// As they are now.
    added: Memory,
    trials: Vec<i64>,
}

/// A rollup as it was at one version.
#[derive(Clone)]
struct Carried {
    key: String,
    version: u64,
    rows: Arc<Rows>,
    /// The moment it was worked out for, and the stretch of time in which it is the same where that is known.
    at: i64,
    holds: Option<(i64, i64)>,
    data_through: BTreeMap<Text, Instant>,
}

/// A book in memory and what has changed since.
#[derive(Clone)]
pub(crate) struct Since {
    base: Arc<Base>,
    layers: Vec<Arc<Layer>>,
    customers: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking reader left behind is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Base {
    fn of(memory: &Arc<Memory>, view: &View) -> Result<Base, ReportError> {
        let (image, people) = (memory.image(view, Extent::All)?, memory.people(view, Wanted::All)?);
        // A memory of its own, so that what the other has been put together from is let go of.
        let memory = Arc::new(memory.alone(image.clone(), people.clone()));
        Ok(Base {
            version: view.snapshot.version(),
            image,
            people,
            memory,
            places: OnceLock::new(),
            trials: OnceLock::new(),
            carried: Mutex::default(),
        })
    }

    fn id(&self, number: u32) -> &str {
        match (number as usize).checked_sub(self.image.len()) {
            None => self.image.customers.get(number as usize),
            Some(other) => self.people.others.get(other),
        }
    }

    fn number(&self, id: &str) -> Option<u32> {
        let places = self.places.get_or_init(|| {
            let count = (self.image.len() + self.people.others.len()) as u32;
            let mut all: Vec<(u64, u32)> = (0..count).map(|n| (hash64(self.id(n).as_bytes()), n)).collect();
            all.sort_unstable();
            all
        });
        let hash = hash64(id.as_bytes());
        let first = places.partition_point(|(h, _)| *h < hash);
        let same = places[first..].iter().take_while(|(h, _)| *h == hash);
        same.map(|(_, number)| *number).find(|number| self.id(*number) == id)
    }

    fn trials(&self) -> &[i64] {
        self.trials.get_or_init(|| self.image.trial_ends())
    }

    fn carry(&self, new: Carried) {
        let mut all = lock(&self.carried);
        // Of each question two are kept: the one of the book in memory, and the newest.
        all.retain(|old| {
            old.key != new.key || (old.version == self.version) != (new.version == self.version)
        });
        if all.len() >= CARRIED {
            all.remove(0);
        }
        all.push(new);
    }
}

/// A few customers on their way into a memory of their own.
struct Few {
    image: ImageBuilder,
    people: PeopleBuilder,
}

impl Few {
    fn new() -> Few {
        Few { image: ImageBuilder::new(Instant::MAX), people: PeopleBuilder::new(Instant::MAX) }
    }

    fn push(&mut self, customer: &CustomerFacts) -> Result<(), ReportError> {
        let before = self.image.customers();
        self.image.push(customer).map_err(too_large)?;
        self.people.push(customer, self.image.customers() > before).map_err(too_large)
    }

    fn finish(self) -> (Arc<Image>, Arc<People>) {
        (Arc::new(self.image.finish()), Arc::new(self.people.finish()))
    }
}

impl Layer {
    fn new(since: &Since, now: &Snapshot, changes: &Changes) -> Result<Layer, ReportError> {
        let mut told = BTreeMap::new();
        let (mut gone, mut added) = (Few::new(), Few::new());
        for id in &changes.customers {
            if let Some(facts) = since.facts(id) {
                gone.push(&facts)?;
            }
            let facts = match changes.at_hand.get(id) {
                _ if now.canonical_id(id) != *id => None,
                Some(facts) => Some(facts.clone()),
                None => now.customer(id)?,
            };
            if let Some(facts) = &facts {
                added.push(facts)?;
            }
            told.insert(id.clone(), facts);
        }
        let ((was, of_was), (is, of_is)) = (gone.finish(), added.finish());
        Ok(Layer {
            version: now.version(),
            now: told,
            gone: Memory::holding(was, of_was),
            trials: is.trial_ends(),
            added: Memory::holding(is, of_is),
        })
    }
}

impl Since {
    /// What an earlier view has in memory, and what is new in a later one; `None` when the earlier one has nothing.
    pub fn after(earlier: &View, now: &Snapshot, changes: &Changes) -> Result<Option<Since>, ReportError> {
        let mut since = match earlier.memory.since() {
            Some(since) if since.layers.len() < LAYERS && since.customers < CUSTOMERS => since.clone(),
            _ if earlier.memory.is_empty() => return Ok(None),
            _ => {
                let base = Arc::new(Base::of(&earlier.memory, earlier)?);
                Since { base, layers: Vec::new(), customers: 0 }
            }
        };
        let layer = Layer::new(&since, now, changes)?;
        since.customers += layer.now.len();
        since.layers.push(Arc::new(layer));
        Ok(Some(since))
    }

    /// A customer as told up to here.
    fn facts(&self, id: &Text) -> Option<CustomerFacts> {
        match self.layers.iter().rev().find_map(|layer| layer.now.get(id)) {
            Some(told) => told.clone(),
            None => {
                let number = self.base.number(id)?;
                Some(listed_facts(&self.base.image, &self.base.people, number))
            }
        }
    }

    /// The whole book as it stands now, put together.
    pub fn together(&self) -> Result<(Arc<Image>, Arc<People>), ReportError> {
        let base = &self.base;
        let mut told: BTreeMap<&Text, &Option<CustomerFacts>> = BTreeMap::new();
        for layer in &self.layers {
            told.extend(&layer.now);
        }
        let ids: BTreeSet<Text> = told.keys().map(|id| (*id).clone()).collect();
        let numbers = ids.iter().filter_map(|id| base.number(id)).map(|n| n as usize);
        let mut gone: Vec<usize> = numbers.filter(|number| *number < base.image.len()).collect();
        gone.sort_unstable();
        let mut image = base.image.without(&gone);
        let mut people = PeopleBuilder::after(base.people.without(&gone, &ids), Instant::MAX);
        let mut few = ImageBuilder::new(Instant::MAX);
        for facts in told.values().copied().flatten() {
            let before = few.customers();
            few.push(facts).map_err(too_large)?;
            people.push(facts, few.customers() > before).map_err(too_large)?;
        }
        image.append(few.finish()).map_err(too_large)?;
        Ok((Arc::new(image), Arc::new(people.finish())))
    }

    /// A question's rollup, carried on from the last version for which it was worked out; `None` when it has to be worked
    /// out anew.
    pub fn rows(
        &self,
        view: &View,
        ctx: &Context,
        query: &Query,
        extras: Extras,
    ) -> Result<Option<Rows>, ReportError> {
        let key = key(view, ctx, query, extras)?;
        let (carried, from) = match self.last(view, &key, ctx)? {
            Some(found) => found,
            None => {
                let Some(rows) = self.base.memory.rows(view, ctx, query, extras)? else { return Ok(None) };
                let carried = Carried {
                    key,
                    version: self.base.version,
                    rows: Arc::new(rows),
                    at: ctx.as_of.micros(),
                    holds: None,
                    data_through: ctx.data_through.clone(),
                };
                self.base.carry(carried.clone());
                (carried, 0)
            }
        };
        if from == self.layers.len() {
            return Ok(Some((*carried.rows).clone()));
        }
        let Some(carried) =
            in_one_thread(|| through(carried, &self.layers[from..], view, ctx, query, extras))?
        else {
            return Ok(None);
        };
        let rows = carried.rows.clone();
        if carried.holds.is_some() {
            self.base.carry(carried);
        }
        Ok(Some((*rows).clone()))
    }

    /// The newest rollup that was carried along this line of versions and still holds, and how many layers are in it.
    fn last(&self, view: &View, key: &str, ctx: &Context) -> Result<Option<(Carried, usize)>, ReportError> {
        let place = |carried: &Carried| match carried.version == self.base.version {
            true => Some(0),
            false => self
                .layers
                .binary_search_by_key(&carried.version, |layer| layer.version)
                .ok()
                .map(|at| at + 1),
        };
        let now = ctx.as_of.micros();
        let mut found: Vec<(usize, Carried)> = lock(&self.base.carried)
            .iter()
            .filter(|carried| carried.key == key)
            .filter_map(|carried| Some((place(carried)?, carried.clone())))
            .collect();
        found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        for (at, mut carried) in found {
            if carried.holds.is_none() {
                // Nobody needs to know until somebody asks again.
                let (from, until) = self.base.memory.stretch_of_all(view, ctx)?;
                if (from..until).contains(&carried.at) {
                    carried.holds = Some((from, until));
                    self.base.carry(carried.clone());
                }
            }
            let holds = carried.holds.is_some_and(|(from, until)| (from..until).contains(&now));
            if holds && !self.trial_between(at, &carried.data_through, ctx.data_through) {
                return Ok(Some((carried, at)));
            }
        }
        Ok(None)
    }

    /// Whether a trial of the first layers ends in between of how far sources were known then and now: whether it converts
    /// may be known now.
    fn trial_between(
        &self,
        layers: usize,
        then: &BTreeMap<Text, Instant>,
        now: &BTreeMap<Text, Instant>,
    ) -> bool {
        then.keys().chain(now.keys()).any(|source| {
            let at =
                |through: &BTreeMap<Text, Instant>| through.get(source).map_or(i64::MIN, |at| at.micros());
            let (a, b) = (at(then), at(now));
            let (low, high) = (a.min(b), a.max(b));
            let any = |trials: &[i64]| {
                trials.partition_point(|at| *at <= low) < trials.partition_point(|at| *at <= high)
            };
            low < high
                && (any(self.base.trials()) || self.layers[..layers].iter().any(|layer| any(&layer.trials)))
        })
    }
}

/// A rollup carried through layers.
fn through(
    mut carried: Carried,
    layers: &[Arc<Layer>],
    view: &View,
    ctx: &Context,
    query: &Query,
    extras: Extras,
) -> Result<Option<Carried>, ReportError> {
    let mut rows = (*carried.rows).clone();
    for layer in layers {
        let (gone, added) =
            (layer.gone.rows(view, ctx, query, extras)?, layer.added.rows(view, ctx, query, extras)?);
        let (Some(gone), Some(added)) = (gone, added) else { return Ok(None) };
        let Some(next) = exchanged(rows, gone, added) else { return Ok(None) };
        rows = next;
        // What was never asked for before is the book's in memory, and that one is kept.
        if let Some((from, until)) = carried.holds {
            let (f, u) = layer.added.stretch(view, ctx, query)?;
            carried.holds = Some((from.max(f), until.min(u)));
        }
        carried.version = layer.version;
    }
    carried.rows = Arc::new(rows);
    carried.data_through.clone_from(ctx.data_through);
    Ok(Some(carried))
}

/// Works where handing out pieces of work costs nothing: there is too little of it for several threads.
fn in_one_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    static ONE: OnceLock<Option<rayon::ThreadPool>> = OnceLock::new();
    match ONE.get_or_init(|| rayon::ThreadPoolBuilder::new().num_threads(1).build().ok()) {
        Some(pool) => pool.install(work),
        None => work(),
    }
}

/// Everything that a rollup is a function of but the facts, the moment, and how far sources are known.
fn key(view: &View, ctx: &Context, query: &Query, extras: Extras) -> Result<String, ReportError> {
    Ok(format!(
        "{query:?} {extras:?}\n{:?}\n{} {} {:?} {:?} {:?}\n{}",
        ctx.policy,
        ctx.zone.name(),
        ctx.book_zone.name(),
        ctx.book_currency,
        ctx.known_on,
        ctx.zone.day_of(ctx.now()),
        view.snapshot.counts()?.rates,
    ))
}

/// A sum over customers with some of them told otherwise; `None` where that cannot be seen from sums: what was only there
/// because of those who are gone.
fn exchanged(rows: Rows, gone: Rows, added: Rows) -> Option<Rows> {
    let first_change = match (gone.first_change, added.first_change) {
        (Some(was), is) if rows.first_change == Some(was) && is.is_none_or(|is| is > was) => return None,
        (_, is) => rows.first_change.into_iter().chain(is).min(),
    };
    let posted = rows.posted || added.posted;
    let was_posted = gone.posted && !added.posted;
    let doubtful = gone.seen.iter().filter(|group| !added.seen.contains(group));
    let doubtful: Vec<GroupKey> = doubtful.cloned().collect();
    let mut seen = rows.seen;
    seen.extend(added.seen);
    let mut rows = join_rows(join_rows(rows.rows, negated(gone.rows)), added.rows);
    for row in &mut rows {
        row.movements.retain(|_, amount| !amount.is_zero());
        row.causes.retain(|_, amount| !amount.is_zero());
        row.retained.retain(|_, retained| *retained != Retained::default());
    }
    let alive: BTreeSet<&GroupKey> = rows.iter().filter(|row| !row.is_zero()).map(|row| &row.group).collect();
    if doubtful.iter().any(|group| !alive.contains(group)) || (was_posted && alive.is_empty()) {
        return None;
    }
    Some(Rows { rows, seen, first_change, posted })
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
