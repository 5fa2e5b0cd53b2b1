//! What reports about one version of a book share: its image, attributes, days, and policies applied to it.

use crate::ReportError;
use crate::answers::Answers;
use crate::follow::Since;
use crate::resident::{load, load_people};
use crate::view::View;
use netnew_facts::{CustomerFacts, Text};
use netnew_ledger::{Context, Kind};
use netnew_metrics::{Cohorts, Extras, Field, GroupKey, Query, ReportCurrency, RollupError};
use netnew_money::{Amount, Currency, Day, Instant, Zone};
use netnew_resident::{
    ByPair, Cut, Extent, Found, Image, People, Rows, Rules, Worth, cohorts, find, grouped, rollup, stretch,
    without_dimensions, worth,
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
    /// What it is put together from when somebody needs the whole.
    since: Option<Since>,
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
    /// A small book that is all there.
    pub fn holding(image: Arc<Image>, people: Arc<People>) -> Memory {
        Memory {
            image: Mutex::new(Some((Extent::All, image))),
            people: Mutex::new(Some((Wanted::All, people))),
            ..Memory::default()
        }
    }

    /// The same image and attributes, which are its own, and the policies applied to them, without what they were put
    /// together from.
    pub fn alone(&self, image: Arc<Image>, people: Arc<People>) -> Memory {
        Memory {
            cuts: Mutex::new(lock(&self.cuts).clone()),
            rules: Mutex::new(lock(&self.rules).clone()),
            orders: Mutex::new(lock(&self.orders).clone()),
            ..Memory::holding(image, people)
        }
    }

    /// What has come from an earlier version.
    pub fn since(&self) -> Option<&Since> {
        self.since.as_ref()
    }

    /// Whether nobody has asked for anything yet.
    pub fn is_empty(&self) -> bool {
        self.since.is_none() && lock(&self.image).is_none()
    }

    /// The image and attributes, put together from an earlier version if they are not there.
    fn put_together(&self, since: &Since) -> Result<(), ReportError> {
        let mut image = lock(&self.image);
        if image.is_none() {
            let (whole, people) = since.together()?;
            *lock(&self.people) = Some((Wanted::All, people));
            *image = Some((Extent::All, whole));
        }
        Ok(())
    }

    /// The book's image, read or made if nobody has asked for so much of it yet.
    pub fn image(&self, view: &View, extent: Extent) -> Result<Arc<Image>, ReportError> {
        if let Some(since) = &self.since {
            self.put_together(since)?;
        }
        let mut place = lock(&self.image);
        if let Some((held, image)) = &*place
            && (*held == Extent::All || extent == Extent::Numbers)
        {
            return Ok(image.clone());
        }
        let image = Arc::new(load(&view.book, &view.snapshot, extent)?);
        if place.is_some() {
            // Another image of the same book may number its contents otherwise.
            lock(&self.cuts).clear();
            lock(&self.rules).clear();
            lock(&self.orders).clear();
        }
        *place = Some((extent, image.clone()));
        Ok(image)
    }

    /// Everybody's attributes.
    pub fn people(&self, view: &View, wanted: Wanted) -> Result<Arc<People>, ReportError> {
        if wanted == Wanted::Names(BTreeSet::new()) {
            return Ok(Arc::default());
        }
        if let Some(since) = &self.since {
            self.put_together(since)?;
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
            let first_change = days.first_change().map(|at| ctx.zone.day_of(at));
            let seen = BTreeSet::from([GroupKey::default()]);
            return Ok(Some(Rows { rows, seen, first_change, posted }));
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

    /// The same looking at every attribute.
    pub fn stretch_of_all(&self, view: &View, ctx: &Context) -> Result<(i64, i64), ReportError> {
        Ok(stretch(&*self.image(view, Extent::Numbers)?, &*self.people(view, Wanted::All)?, ctx))
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
    /// What a later view begins with.
    pub fn following(since: Option<Since>) -> Memory {
        Memory { since, ..Memory::default() }
    }
}

/// A book in memory with all names.
pub(crate) struct Held(pub Arc<Image>, pub Arc<People>);
