//! From what was sent to facts: customers whose objects changed are told anew, all of a data source in one import.

use super::acts::events;
use super::{Desk, Object, Refusal};
use crate::compare::{Change, compare};
use crate::error::ConnectError;
use netnew_book::{Book, BucketRange, Finish, ImportOptions, Part};
use netnew_facts::{Body, EntryKind, Fact, PayloadRef, Statement, StatementBody, Text, beats};
use netnew_mogul::history::{Known, Life, states};
use netnew_mogul::paper::{self, Paper};
use netnew_mogul::shapes::{Customer, DataSource, Invoice, Plan, Subscription, SubscriptionEvent};
use netnew_money::Instant;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Customers told in one go.
const BATCH: i64 = 20_000;

/// Above so many the book is read through once instead of looked into for each.
const MANY: usize = 3_000;

/// How long to wait for another writer.
const WAIT_MS: u64 = 60_000;

/// What telling did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Customers told.
    pub customers: usize,
    /// Facts booked.
    pub facts: u64,
}

impl From<Refusal> for ConnectError {
    fn from(refusal: Refusal) -> ConnectError {
        ConnectError::Evidence { id: "what was sent to the API".into(), what: refusal.to_string() }
    }
}

/// Makes facts of everything that was written down before this was called. Only one at a time may run on a book; to do it
/// again after an interruption is harmless.
///
/// # Errors
/// A book that cannot be read or written, or that somebody else writes to for long.
pub fn tell(book: &Book, desk: &Desk, now: Instant) -> Result<Done, ConnectError> {
    let mut done = Done::default();
    while let Some(batch) = Batch::next(desk)? {
        done.customers += batch.customers.len();
        done.facts += batch.book(book, desk, now)?;
    }
    Ok(done)
}

/// A customer with everything that belongs to it.
struct Whole {
    about: String,
    records: Vec<Known<Customer>>,
    /// Taken away: their facts are to be withdrawn.
    gone: Vec<Known<Customer>>,
    life: Life,
}

/// Customers to be told, and the raw records that came since the last time.
struct Batch {
    customers: Vec<Whole>,
    sources: Vec<DataSource>,
    /// Number, data source, text.
    arrivals: Vec<(i64, String, String)>,
    last: i64,
}

impl Batch {
    fn next(desk: &Desk) -> Result<Option<Batch>, Refusal> {
        desk.read(|store| {
            let db = store.db();
            let mut open =
                db.prepare_cached("SELECT about, arrival FROM mogul_open ORDER BY arrival LIMIT ?1")?;
            let rows =
                open.query_map([BATCH], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
            let open: Vec<(String, i64)> = rows.collect::<Result<_, _>>()?;
            let Some(last) = open.iter().map(|(_, arrival)| *arrival).max() else { return Ok(None) };
            let mut arrivals = db
                .prepare_cached("SELECT id, source, record FROM mogul_arrivals WHERE id <= ?1 ORDER BY id")?;
            let rows = arrivals.query_map([last], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let arrivals: Vec<(i64, String, String)> = rows.collect::<Result<_, _>>()?;
            let mut sources: Vec<DataSource> = Vec::new();
            for kind in ["gone_source", "data_source"] {
                for object in store.all(kind)? {
                    sources.push(object.read()?);
                }
            }
            let mut plans: BTreeMap<String, Plan> = BTreeMap::new();
            for object in store.all("plan")? {
                plans.insert(object.id.clone(), object.read()?);
            }
            let plans = Arc::new(plans);
            let mut customers = Vec::with_capacity(open.len());
            for (about, _) in open {
                customers.push(whole(store.about(&about)?, about, &plans)?);
            }
            Ok(Some(Batch { customers, sources, arrivals, last }))
        })
    }

    fn book(mut self, book: &Book, desk: &Desk, now: Instant) -> Result<u64, ConnectError> {
        let mut facts = 0;
        let mut places: HashMap<i64, PayloadRef> = HashMap::new();
        let names: BTreeSet<String> = self.sources.iter().map(|s| s.name.clone()).collect();
        for name in names {
            let uuids: Vec<&str> =
                self.sources.iter().filter(|s| s.name == name).map(|s| s.uuid.as_str()).collect();
            let records: Vec<(i64, &str)> = self
                .arrivals
                .iter()
                .filter(|(_, source, _)| uuids.contains(&source.as_str()))
                .map(|(id, _, text)| (*id, text.as_str()))
                .collect();
            let concerned = |whole: &Whole| {
                whole
                    .records
                    .iter()
                    .chain(&whole.gone)
                    .any(|r| uuids.contains(&r.what.data_source_uuid.as_str()))
            };
            if records.is_empty() && !self.customers.iter().any(concerned) {
                continue;
            }
            let mut import = book.begin_import(ImportOptions {
                source: &name,
                now,
                replace: false,
                wait_ms: WAIT_MS,
                memory_budget_bytes: 64 << 20,
            })?;
            if !records.is_empty() {
                let lines: String = records.iter().flat_map(|(_, text)| [*text, "\n"]).collect();
                let payload = import.add_payload_bytes(&format!("{name} API"), lines.as_bytes())?;
                for (row, (id, _)) in (1u64..).zip(&records) {
                    places.insert(*id, PayloadRef { payload, row });
                }
            }
            for whole in self.customers.iter_mut() {
                whole.place(&places);
            }
            let concerned: Vec<&Whole> = self.customers.iter().filter(|w| concerned(w)).collect();
            let mut speaker = Speaker { uuids: &uuids, source: &name, now, said: BTreeMap::new() };
            speaker.all(book, &concerned)?;
            for (_, (place, body)) in speaker.said {
                let statement = Statement { row: place.row, recorded_at: None, version: None, body };
                import.push(place.payload, statement)?;
            }
            facts += import.finish(Finish::Commit)?.facts;
        }
        let last = self.last;
        let told: Vec<String> = self.customers.into_iter().map(|whole| whole.about).collect();
        desk.write(move |store| {
            let db = store.db();
            let mut place = db.prepare_cached(
                "UPDATE mogul_objects SET payload = ?2, row = ?3, arrival = NULL WHERE arrival = ?1",
            )?;
            for (id, at) in places {
                place.execute(rusqlite::params![id, at.payload, at.row as i64])?;
            }
            let mut close = db.prepare_cached("DELETE FROM mogul_open WHERE about = ?1 AND arrival <= ?2")?;
            let mut bury = db.prepare_cached(
                "DELETE FROM mogul_objects WHERE about = ?1 AND kind = 'gone' AND arrival IS NULL",
            )?;
            for about in told {
                close.execute(rusqlite::params![about, last])?;
                bury.execute([about])?;
            }
            db.execute(
                "DELETE FROM mogul_arrivals WHERE id <= ?1 AND id NOT IN (SELECT arrival FROM mogul_objects WHERE arrival IS NOT NULL)",
                [last],
            )?;
            Ok(())
        })?;
        Ok(facts)
    }
}

/// Stands for a payload whose number is not known yet; its row is the arrival.
const TO_COME: u32 = u32::MAX;

fn known<T>(object: &Object, what: T) -> Known<T> {
    let place = match object.arrival {
        Some(arrival) => PayloadRef { payload: TO_COME, row: arrival.unsigned_abs() },
        None => object.place,
    };
    Known { what, order: object.n, place }
}

fn whole(objects: Vec<Object>, about: String, plans: &Arc<BTreeMap<String, Plan>>) -> Result<Whole, Refusal> {
    let mut out = Whole {
        about,
        records: Vec::new(),
        gone: Vec::new(),
        life: Life { plans: plans.clone(), ..Life::default() },
    };
    for object in &objects {
        match object.kind.as_str() {
            "customer" => out.records.push(known(object, object.read::<Customer>()?)),
            "gone" => out.gone.push(known(object, object.read::<Customer>()?)),
            "invoice" => out.life.invoices.push(known(object, object.read::<Invoice>()?)),
            "event" => out.life.events.push(known(object, object.read::<SubscriptionEvent>()?)),
            "subscription" => out.life.subscriptions.push(known(object, object.read::<Subscription>()?)),
            _ => {}
        }
    }
    Ok(out)
}

impl Whole {
    /// Puts in where raw records lie that have been kept by now.
    fn place(&mut self, places: &HashMap<i64, PayloadRef>) {
        let put = |place: &mut PayloadRef| {
            if place.payload == TO_COME
                && let Some(kept) = i64::try_from(place.row).ok().and_then(|arrival| places.get(&arrival))
            {
                *place = *kept;
            }
        };
        self.records.iter_mut().chain(&mut self.gone).for_each(|k| put(&mut k.place));
        self.life.invoices.iter_mut().for_each(|k| put(&mut k.place));
        self.life.events.iter_mut().for_each(|k| put(&mut k.place));
        self.life.subscriptions.iter_mut().for_each(|k| put(&mut k.place));
    }

    /// The record that each subscription belongs to, by data source and external id.
    fn owners(&self) -> BTreeMap<(&str, &str), &str> {
        let mut out = BTreeMap::new();
        for known in &self.life.subscriptions {
            let one = &known.what;
            out.insert((one.data_source_uuid.as_str(), one.external_id.as_str()), one.customer_uuid.as_str());
        }
        let records: Vec<Customer> = self.records.iter().map(|r| r.what.clone()).collect();
        for event in self.life.events.iter().map(|k| &k.what) {
            let record =
                events::account(&records, event).and_then(|a| self.records.iter().find(|r| r.what == *a));
            if let (Some(subscription), Some(record)) = (&event.subscription_external_id, record) {
                out.insert(
                    (event.data_source_uuid.as_str(), subscription.as_str()),
                    record.what.uuid.as_str(),
                );
            }
        }
        for invoice in self.life.invoices.iter().map(|k| &k.what) {
            for subscription in
                invoice.line_items.iter().filter_map(|l| l.subscription_external_id.as_deref())
            {
                out.insert((invoice.data_source_uuid.as_str(), subscription), invoice.customer_uuid.as_str());
            }
        }
        out
    }
}

/// What a statement is about: of two about one thing, what states goes before what withdraws.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Alias(Text),
    Attributes(Text),
    State(Text, Text, Instant, i64),
    Entry(u8, Text),
}

/// Gathers the statements of one data source.
struct Speaker<'s> {
    uuids: &'s [&'s str],
    source: &'s str,
    now: Instant,
    said: BTreeMap<About, (PayloadRef, StatementBody)>,
}

impl Speaker<'_> {
    fn all(&mut self, book: &Book, customers: &[&Whole]) -> Result<(), ConnectError> {
        let snapshot = book.snapshot()?;
        let mut merged: HashMap<Text, (u64, Option<Text>)> = HashMap::new();
        for alias in snapshot.aliases()?.into_iter().filter(|a| &*a.source == self.source) {
            let slot = merged.entry(alias.customer).or_insert((0, None));
            if alias.booked_seq >= slot.0 {
                *slot = (alias.booked_seq, alias.merged_into);
            }
        }
        let ids: BTreeSet<&str> = customers.iter().flat_map(|whole| self.ids(whole)).collect();
        let mut held: HashMap<Text, Vec<Fact>> = HashMap::new();
        let mut keep = |facts: Vec<Fact>| {
            for fact in facts {
                if &*fact.source == self.source && ids.contains(&*fact.customer) {
                    let slot = held.entry(fact.customer.clone()).or_default();
                    // A merged customer is read under each of its ids.
                    if !slot.iter().any(|f| f.booked_seq == fact.booked_seq) {
                        slot.push(fact);
                    }
                }
            }
        };
        if ids.len() > MANY {
            snapshot.scan_part(BucketRange::ALL, Part::All, &mut |customer| {
                if customer.ids.iter().any(|id| ids.contains(&**id)) {
                    keep(customer.facts);
                }
                Ok(())
            })?;
        } else {
            for id in &ids {
                keep(snapshot.customer_part(id, Part::All)?.map(|c| c.facts).unwrap_or_default());
            }
        }
        for whole in customers {
            self.one(whole, &held, &merged);
        }
        Ok(())
    }

    fn ids<'w>(&self, whole: &'w Whole) -> Vec<&'w str> {
        let all = whole.records.iter().chain(&whole.gone).map(|r| &r.what);
        all.filter(|r| self.is_mine(&r.data_source_uuid)).map(|r| r.book_id.as_str()).collect()
    }

    fn is_mine(&self, uuid: &str) -> bool {
        self.uuids.contains(&uuid)
    }

    fn say(&mut self, about: About, place: PayloadRef, body: StatementBody) {
        let withdraws = |body: &StatementBody| match body {
            StatementBody::Customer { body: Body::State { state, .. }, .. } => state.is_none(),
            StatementBody::Customer { body: Body::Entry { entry, .. }, .. } => entry.is_none(),
            StatementBody::Customer { body: Body::Attributes { values, .. }, .. } => values.is_none(),
            StatementBody::Alias { merged_into, .. } => merged_into.is_none(),
            StatementBody::Rate { rate, .. } => rate.is_none(),
        };
        let place = if place.payload == TO_COME { PayloadRef::default() } else { place };
        match self.said.get(&about) {
            Some((_, there)) if withdraws(&body) && !withdraws(there) => {}
            _ => {
                self.said.insert(about, (place, body));
            }
        }
    }

    fn one(
        &mut self,
        whole: &Whole,
        held: &HashMap<Text, Vec<Fact>>,
        merged: &HashMap<Text, (u64, Option<Text>)>,
    ) {
        let root = whole.records.iter().find(|r| r.what.uuid == whole.about).map(|r| r.what.book_id.clone());
        let mut told: BTreeMap<&str, Vec<netnew_stripe::Told>> = BTreeMap::new();
        let owners = whole.owners();
        let life = states(&whole.life);
        for state in life.iter().filter(|s| self.is_mine(&s.data_source_uuid)) {
            let key = (state.data_source_uuid.as_str(), state.subscription.as_str());
            let Some(owner) = owners.get(&key) else { continue };
            told.entry(owner).or_default().push(netnew_stripe::Told {
                subscription: state.subscription.clone(),
                item: state.item.clone(),
                effective_at: state.effective_at,
                state: state.state.clone(),
                place: state.place,
            });
        }
        for (record, is_gone) in
            whole.records.iter().map(|r| (r, false)).chain(whole.gone.iter().map(|r| (r, true)))
        {
            if !self.is_mine(&record.what.data_source_uuid) {
                continue;
            }
            let customer = Text::from(record.what.book_id.as_str());
            let mine: &[Fact] = held.get(&customer).map_or(&[], Vec::as_slice);
            let states = if is_gone { None } else { told.remove(record.what.uuid.as_str()) };
            self.states(&customer, mine, states.unwrap_or_default());
            self.entries(&customer, mine, whole, record.what.uuid.as_str(), is_gone);
            self.attributes(&customer, mine, record, is_gone);
            let into = root.as_deref().filter(|root| !is_gone && *root != &*customer).map(Text::from);
            if merged.get(&customer).and_then(|(_, into)| into.as_ref()) != into.as_ref() {
                let body = StatementBody::Alias { customer: customer.clone(), merged_into: into };
                self.say(About::Alias(customer), record.place, body);
            }
        }
    }

    fn states(&mut self, customer: &Text, held: &[Fact], told: Vec<netnew_stripe::Told>) {
        let states = held.iter().filter(|f| matches!(f.body, Body::State { .. })).collect();
        for Change { place, body } in compare(states, told, self.now).0 {
            let Body::State { subscription, item, effective_at, seq, .. } = &body else { continue };
            let about = About::State(subscription.clone(), item.clone(), *effective_at, *seq);
            self.say(about, place, StatementBody::Customer { customer: customer.clone(), body });
        }
    }

    fn entries(&mut self, customer: &Text, held: &[Fact], whole: &Whole, record: &str, is_gone: bool) {
        let mut winners: BTreeMap<(u8, Text), &Fact> = BTreeMap::new();
        for fact in held {
            let Body::Entry { kind, key, .. } = &fact.body else { continue };
            let slot = winners.entry((kind.code(), key.clone())).or_insert(fact);
            if beats(fact, slot).is_gt() {
                *slot = fact;
            }
        }
        let its = |k: &&Known<Invoice>| {
            !is_gone && k.what.customer_uuid == record && self.is_mine(&k.what.data_source_uuid)
        };
        let invoices: Vec<&Known<Invoice>> = whole.life.invoices.iter().filter(its).collect();
        for known in invoices {
            for Paper { key, at, entry } in paper::of_invoice(&known.what, &whole.life.plans) {
                let kind = entry.kind();
                let key = Text::from(key.as_str());
                let there = winners.remove(&(kind.code(), key.clone()));
                let body =
                    Body::Entry { kind, key: key.clone(), effective_at: at, entry: Some(Box::new(entry)) };
                if there.is_some_and(|fact| fact.body == body) {
                    continue;
                }
                let body = StatementBody::Customer { customer: customer.clone(), body };
                self.say(About::Entry(kind.code(), key), known.place, body);
            }
        }
        for ((code, key), fact) in winners {
            let Body::Entry { effective_at, entry: Some(_), .. } = &fact.body else { continue };
            let Some(kind) = EntryKind::from_code(code) else { continue };
            let body = Body::Entry { kind, key: key.clone(), effective_at: *effective_at, entry: None };
            let body = StatementBody::Customer { customer: customer.clone(), body };
            self.say(About::Entry(code, key), PayloadRef::default(), body);
        }
    }

    fn attributes(&mut self, customer: &Text, held: &[Fact], record: &Known<Customer>, is_gone: bool) {
        let mut winner: Option<&Fact> = None;
        for fact in held.iter().filter(|f| matches!(f.body, Body::Attributes { effective_at: None, .. })) {
            if winner.is_none_or(|w| beats(fact, w).is_gt()) {
                winner = Some(fact);
            }
        }
        let there = winner.and_then(|fact| match &fact.body {
            Body::Attributes { values, .. } => values.as_ref(),
            _ => None,
        });
        let wanted = (!is_gone).then(|| paper::attributes(&record.what)).filter(|all| !all.is_empty());
        if there == wanted.as_ref() {
            return;
        }
        let body = Body::Attributes { effective_at: None, values: wanted };
        let body = StatementBody::Customer { customer: customer.clone(), body };
        self.say(About::Attributes(customer.clone()), record.place, body);
    }
}
