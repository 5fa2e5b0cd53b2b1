//! What reports about one version of a book share: its image, attributes, days, and policies applied to it.

use crate::ReportError;
use crate::answers::Answers;
use crate::resident::{load, load_people, too_large};
use crate::view::View;
use netnew_book::Snapshot;
use netnew_facts::{CustomerFacts, Text};
use netnew_ledger::{Context, Kind};
use netnew_metrics::{Cohorts, Extras, Field, Query, ReportCurrency, RollupError};
use netnew_money::{Amount, Currency, Day, Instant, Zone};
use netnew_resident::{
    ByPair, Cut, Extent, Found, Image, ImageBuilder, People, PeopleBuilder, Rows, Rules, Worth, cohorts,
    find, grouped, rollup, stretch, without_dimensions, worth,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many time zones and policies are held.
const HELD: usize = 6;

/// A book in memory, as far as somebody asked for it.
#[derive(Default)]
pub(crate) struct Memory {
    image: Mutex<Option<(Extent, Arc<Image>)>>,
    people: Mutex<Option<(Wanted, Arc<People>)>>,
    cuts: Mutex<Vec<(String, Option<Arc<Cut>>)>>,
    rules: Mutex<Vec<(String, Arc<Rules>)>>,
    orders: Mutex<Vec<(String, Arc<ByPair>)>>,
    pub answers: Answers,
}

/// Which attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All there are.
    All,
    /// These.
    Names(BTreeSet<String>),
}

impl Wanted {
    fn covers(&self, other: &Wanted) -> bool {
        match (self, other) {
            (Wanted::All, _) => true,
            (Wanted::Names(_), Wanted::All) => false,
            (Wanted::Names(mine), Wanted::Names(theirs)) => theirs.is_subset(mine),
        }
    }

    /// What a question asks about.
    fn of(query: &Query) -> Wanted {
        let fields = query.by.iter().chain(query.filter.0.iter().map(|term| &term.field));
        let names = fields.filter_map(|field| match field {
            Field::Attribute(name) => Some(name.clone()),
            _ => None,
        });
        Wanted::Names(names.collect())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking reader left behind is whole: places are filled in one move.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last of a few things that were used, made when missing.
fn held<T: Clone, E>(
    place: &Mutex<Vec<(String, T)>>,
    key: String,
    make: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let mut all = lock(place);
    if let Some(at) = all.iter().position(|(name, _)| *name == key) {
        let found = all.remove(at);
        let value = found.1.clone();
        all.push(found);
        return Ok(value);
    }
    let value = make()?;
    if all.len() >= HELD {
        all.remove(0);
    }
    all.push((key, value.clone()));
    Ok(value)
}

impl Memory {
    /// The book's image, read or made if nobody has asked for so much of it yet.
    pub fn image(&self, view: &View, extent: Extent) -> Result<Arc<Image>, ReportError> {
        let mut place = lock(&self.image);
        if let Some((held, image)) = &*place
            && (*held == Extent::All || extent == Extent::Numbers)
        {
            return Ok(image.clone());
        }
        let image = Arc::new(load(&view.book, &view.snapshot, extent)?);
        *place = Some((extent, image.clone()));
        Ok(image)
    }

    /// Everybody's attributes.
    pub fn people(&self, view: &View, wanted: Wanted) -> Result<Arc<People>, ReportError> {
        if wanted == Wanted::Names(BTreeSet::new()) {
            return Ok(Arc::default());
        }
        let mut place = lock(&self.people);
        if let Some((held, people)) = &*place
            && held.covers(&wanted)
        {
            return Ok(people.clone());
        }
        let wanted = if place.is_some() { Wanted::All } else { wanted };
        let asked = |name: &str| match &wanted {
            Wanted::All => true,
            Wanted::Names(names) => names.contains(name),
        };
        let people = Arc::new(load_people(&view.book, &view.snapshot, &asked)?);
        *place = Some((wanted, people.clone()));
        Ok(people)
    }

    /// The image's rows cut into days; `None` for books that span more than 179 years.
    pub fn cut(&self, image: &Image, zone: &Zone) -> Option<Arc<Cut>> {
        let make = || Ok::<_, ReportError>(Cut::new(image, zone).map(Arc::new));
        held(&self.cuts, zone.name().to_string(), make).ok().flatten()
    }

    /// A policy applied to the image.
    pub fn rules(&self, image: &Image, ctx: &Context) -> Arc<Rules> {
        let cut = self.cut(image, ctx.zone);
        let ctx = &without_dimensions(ctx);
        let make = || Ok::<_, ReportError>(Arc::new(Rules::with_cut(image, ctx, cut.as_deref())));
        held(&self.rules, format!("{:?}", ctx.policy), make).expect("making rules does not fail")
    }

    /// The image's events by pair of contents, once somebody asks under a second policy: a single question is answered sooner
    /// without.
    fn order(&self, image: &Image, cut: &Cut, zone: &Zone) -> Option<Arc<ByPair>> {
        if lock(&self.rules).len() < 2 {
            return None;
        }
        let make = || Ok::<_, ReportError>(Arc::new(ByPair::new(image, cut)));
        held(&self.orders, zone.name().to_string(), make).ok()
    }

    /// The rollup for a question; `None` when it cannot be had from memory, or cannot be had at all: who replays the
    /// book says why, with all names.
    pub fn rows(
        &self,
        view: &View,
        ctx: &Context,
        query: &Query,
        extras: Extras,
    ) -> Result<Option<Rows>, ReportError> {
        let image = self.image(view, Extent::Numbers)?;
        let rules = self.rules(&image, ctx);
        let cut = self.cut(&image, ctx.zone);
        // The whole book in the only currency there is can be added up from days, which is quicker.
        let only = |currency: Currency| rules.currencies.iter().all(|c| *c == currency);
        let whole = query.by.is_empty() && query.filter.0.is_empty();
        if let ReportCurrency::In(currency) = query.currency
            && whole
            && !extras.retention
            && !extras.committed
            && only(currency)
            && let Some(cut) = &cut
        {
            let order = self.order(&image, cut, ctx.zone);
            let days = rollup(&image, &rules, ctx, cut, order.as_deref(), query.to, query.with_expected);
            let Ok((days, (rows, posted))) = days.and_then(|d| d.waterfall(query).map(|rows| (d, rows)))
            else {
                return Ok(None);
            };
            let first = days.first_change().filter(|_| posted).map(|at| ctx.zone.day_of(at));
            return Ok(Some((rows, first)));
        }
        let people = self.people(view, Wanted::of(query))?;
        Ok(grouped(&image, &people, &rules, cut.as_deref(), ctx, query, extras).ok().flatten())
    }

    /// The cohorts of a question; `None` as for [`Memory::rows`].
    pub fn cohorts<'a>(
        &self,
        view: &View,
        ctx: &'a Context<'a>,
        query: &'a Query,
    ) -> Result<Option<Cohorts<'a>>, ReportError> {
        let image = self.image(view, Extent::Numbers)?;
        let people = self.people(view, Wanted::of(query))?;
        let (rules, cut) = (self.rules(&image, ctx), self.cut(&image, ctx.zone));
        Ok(cohorts(&image, &people, &rules, cut.as_deref(), ctx, query).ok().flatten())
    }

    /// From when until when (not included) answers stay the same, in microseconds.
    pub fn stretch(&self, view: &View, ctx: &Context, query: &Query) -> Result<(i64, i64), ReportError> {
        let image = self.image(view, Extent::Numbers)?;
        let people = lock(&self.people).as_ref().map(|(_, people)| people.clone());
        let people = match people {
            Some(people) => people,
            None => self.people(view, Wanted::of(query))?,
        };
        Ok(stretch(&image, &people, ctx))
    }

    /// The image and attributes with all names, for pages of movements and customers.
    fn named(&self, view: &View, wanted: Wanted) -> Result<Held, ReportError> {
        Ok(Held(self.image(view, Extent::All)?, self.people(view, wanted)?))
    }

    /// Where the movements of a question lie; `None` as for [`Memory::rows`].
    pub fn find(
        &self,
        view: &View,
        ctx: &Context,
        query: &Query,
        kind: Option<Kind>,
        first: Option<usize>,
        begins: &BTreeMap<Text, Instant>,
    ) -> Result<Option<(Held, Found)>, ReportError> {
        let held = self.named(view, Wanted::of(query))?;
        let (rules, cut) = (self.rules(&held.0, ctx), self.cut(&held.0, ctx.zone));
        let begins: Vec<Option<Instant>> = held.0.sources.iter().map(|s| begins.get(s).copied()).collect();
        let wanted = netnew_resident::Wanted { query, kind, first, begins: &begins };
        let found = find(&held.0, &held.1, &rules, cut.as_deref(), ctx, wanted);
        Ok(found.ok().flatten().map(|found| (held, found)))
    }

    /// What every customer of a question is worth now, in no order; `None` as for [`Memory::rows`].
    pub fn worth(
        &self,
        view: &View,
        ctx: &Context,
        query: &Query,
        now: (Instant, Day),
        slow: impl Fn(&CustomerFacts) -> Result<Option<Amount>, RollupError> + Sync,
    ) -> Result<Option<(Held, Worth)>, ReportError> {
        let held = self.named(view, Wanted::All)?;
        let rules = self.rules(&held.0, ctx);
        let worth = worth(&held.0, &held.1, &rules, ctx, query, now, slow);
        Ok(worth.ok().flatten().map(|worth| (held, worth)))
    }
}

impl Memory {
    /// The same for a later snapshot, in which some customers are told otherwise. What was not complete in memory is left
    /// for later readers.
    pub fn carried_over(&self, now: &Snapshot, changed: &BTreeSet<Text>) -> Result<Memory, ReportError> {
        let image = match &*lock(&self.image) {
            Some((Extent::All, image)) => image.clone(),
            _ => return Ok(Memory::default()),
        };
        let people = match &*lock(&self.people) {
            Some((Wanted::All, people)) => Some(people.clone()),
            _ => None,
        };
        let gone = image.numbers_of(changed);
        let mut left = image.without(&gone);
        let mut builder = ImageBuilder::new(Instant::MAX);
        let mut everybody =
            people.map(|people| PeopleBuilder::after(people.without(&gone, changed), Instant::MAX));
        for id in changed.iter().filter(|id| now.canonical_id(id) == **id) {
            let Some(facts) = now.customer(id)? else { continue };
            let before = builder.customers();
            builder.push(&facts).map_err(too_large)?;
            if let Some(everybody) = &mut everybody {
                everybody.push(&facts, builder.customers() > before).map_err(too_large)?;
            }
        }
        left.append(builder.finish()).map_err(too_large)?;
        Ok(Memory {
            image: Mutex::new(Some((Extent::All, Arc::new(left)))),
            people: Mutex::new(everybody.map(|people| (Wanted::All, Arc::new(people.finish())))),
            ..Memory::default()
        })
    }
}

/// A book in memory with all names.
pub(crate) struct Held(pub Arc<Image>, pub Arc<People>);
