//! The winning facts of a book as columns, customer by customer, each customer's rows by time.

use crate::rules::NONE;
use crate::texts::Texts;
use netnew_facts::{
    Body, CustomerFacts, DiscountKind, Fact, ItemState, PayloadRef, Status, Text, winning_states,
};
use netnew_money::{Currency, Instant};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// No instant.
pub(crate) const NEVER: i64 = i64::MAX;

/// More discounts than this on one state are left to the general replay.
pub(crate) const MOST_DISCOUNTS: usize = 3;

/// What customers have that some policies cannot be passed over quickly for.
pub(crate) mod flags {
    /// Rows with instants of their own: ends of discounts, of trials, scheduled cancels.
    pub const EXTRAS: u8 = 1;
    /// A discount on one billing interval whose end is not stated.
    pub const ONCE: u8 = 2;
    /// A discount that repeats.
    pub const REPEATING: u8 = 4;
    /// A payment that failed.
    pub const PAST_DUE: u8 = 8;
    /// A cancellation that says when it was asked for.
    pub const REQUESTED: u8 = 16;
    /// More than the columns hold.
    pub const UNUSUAL: u8 = 32;
    /// Every item in a subscription of its own, one currency, no credits, nothing of the above.
    pub const SIMPLE: u8 = 64;
}

/// Everything a state says but for its instants. Few of them occur, however many states there are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Content {
    /// Index into [`Image::sources`].
    pub source: u16,
    /// The state names this customer.
    pub here: bool,
    /// An end is known or asked for.
    pub ends: bool,
    /// The state, without instants.
    pub state: ItemState,
}

/// The instants of a state, and what else is rare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extra {
    pub(crate) row: u32,
    pub(crate) trial_end: i64,
    pub(crate) cancel_at: i64,
    pub(crate) requested_at: i64,
    pub(crate) seq: i64,
    /// Ends of discounts, in the order of the content's.
    pub(crate) until: [i64; MOST_DISCOUNTS],
    /// 1 + number of the customer id as the fact names it, 0 where it is the customer's own.
    pub(crate) written: u32,
}

/// A book's winning facts, as known at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Billing systems and imports.
    pub sources: Vec<Text>,
    /// Distinct contents; rows point to them.
    pub contents: Vec<Content>,
    /// Canonical customer ids, in the book's order.
    pub customers: Texts,
    /// Per customer where its rows begin; one more at the end.
    pub(crate) first_row: Vec<u32>,
    /// Per customer where its items begin; one more at the end.
    pub(crate) first_item: Vec<u32>,
    pub(crate) flags: Vec<u8>,
    /// Per item: index of its subscription among the customer's.
    pub(crate) item_subscription: Vec<u16>,
    pub(crate) item_source: Vec<u16>,
    pub(crate) subscriptions: Texts,
    pub(crate) items: Texts,
    /// Per row: from when it holds, in microseconds.
    pub(crate) at: Vec<i64>,
    /// Per row: index of its item among the customer's.
    pub(crate) item: Vec<u16>,
    /// Per row: index into `contents`.
    pub(crate) content: Vec<u32>,
    /// Per row: which two contents follow one another here, as an index into `pairs`.
    pub(crate) pair: Vec<u32>,
    /// The item's content before ([`crate::rules::NONE`] for none) and the row's.
    pub(crate) pairs: Vec<[u32; 2]>,
    pub(crate) extras: Vec<Extra>,
    /// Customer ids that facts name and that are not the customer's own.
    pub(crate) written: Texts,
    /// States that no longer hold: source and from when they held. They too say up to when a source is known.
    pub(crate) withdrawn: Vec<(u16, i64)>,
    /// Facts of customers whose states do not fit the columns; by customer index.
    pub(crate) whole: Vec<(u32, CustomerFacts)>,
}

/// Why a book does not fit in memory this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the book has more than four billion rows or bytes of ids")]
pub struct TooLarge;

impl Image {
    /// How many customers.
    pub fn len(&self) -> usize {
        self.flags.len()
    }

    /// True when nothing holds.
    pub fn is_empty(&self) -> bool {
        self.flags.is_empty()
    }

    /// How many states.
    pub fn rows(&self) -> usize {
        self.at.len()
    }

    /// Number of the source that speaks of a customer's item.
    pub(crate) fn source_of(&self, customer: usize, item: u16) -> u16 {
        self.item_source[self.first_item[customer] as usize + usize::from(item)]
    }

    /// Touches every row's numbers once: what any pass costs at least.
    pub fn checksum(&self) -> u64 {
        let rows = self
            .at
            .par_chunks(1 << 16)
            .zip(self.content.par_chunks(1 << 16))
            .zip(self.item.par_chunks(1 << 16));
        rows.map(|((at, content), item)| {
            let at = at.iter().fold(0u64, |sum, at| sum.wrapping_add(*at as u64));
            let content = content.iter().fold(0u64, |sum, code| sum.wrapping_add(u64::from(*code)));
            item.iter().fold(at.wrapping_add(content), |sum, item| sum.wrapping_add(u64::from(*item)))
        })
        .reduce(|| 0, u64::wrapping_add)
    }

    pub(crate) fn row_range(&self, customer: usize) -> std::ops::Range<usize> {
        self.first_row[customer] as usize..self.first_row[customer + 1] as usize
    }

    /// When a customer's first state begins, in microseconds.
    pub(crate) fn first_at(&self, customer: usize) -> i64 {
        self.at[self.first_row[customer] as usize]
    }

    /// A name of an item or subscription. Without names they are numbered: that keeps their order.
    fn name_of(&self, names: &Texts, row: usize, number: impl Fn() -> u32) -> Text {
        match names.is_empty() {
            true => format!("{:010}", number()).into(),
            false => names.text(row),
        }
    }

    /// One customer's winning facts again, for the general replay; attributes are not among them.
    pub fn customer_facts(&self, customer: usize) -> CustomerFacts {
        if self.flags[customer] & flags::UNUSUAL != 0
            && let Ok(at) = self.whole.binary_search_by_key(&(customer as u32), |(c, _)| *c)
        {
            return self.whole[at].1.clone();
        }
        let id: Text = match self.customers.is_empty() {
            true => "?".into(),
            false => self.customers.text(customer),
        };
        let first_item = self.first_item[customer] as usize;
        let rows = self.row_range(customer);
        let mut extra = self.extras.partition_point(|e| (e.row as usize) < rows.start);
        let mut facts = Vec::with_capacity(rows.len());
        let mut ids = vec![id.clone()];
        for row in rows {
            let found = self.extras.get(extra).filter(|e| e.row as usize == row);
            extra += usize::from(found.is_some());
            let item = first_item + usize::from(self.item[row]);
            let content = &self.contents[self.content[row] as usize];
            let mut state = content.state.clone();
            let mut seq = 0;
            let mut customer = id.clone();
            if let Some(extra) = found {
                let instant = |at: i64| (at != NEVER).then(|| Instant::from_micros(at));
                state.trial_end = instant(extra.trial_end);
                state.cancel_at = instant(extra.cancel_at);
                state.cancel_requested_at = instant(extra.requested_at);
                for (discount, until) in state.discounts.iter_mut().zip(extra.until) {
                    discount.until = instant(until);
                }
                seq = extra.seq;
                if extra.written > 0 {
                    let number = extra.written - 1;
                    customer = self.name_of(&self.written, number as usize, || number);
                    if content.here && !ids.contains(&customer) {
                        ids.push(customer.clone());
                    }
                }
            }
            facts.push(Fact {
                source: self.sources[usize::from(content.source)].clone(),
                customer,
                body: Body::State {
                    subscription: self
                        .name_of(&self.subscriptions, item, || u32::from(self.item_subscription[item])),
                    item: self.name_of(&self.items, item, || (item - first_item) as u32),
                    effective_at: Instant::from_micros(self.at[row]),
                    seq,
                    state: Some(Box::new(state)),
                },
                recorded_at: Instant::MIN,
                version: None,
                booked_seq: 0,
                payload: PayloadRef::default(),
            });
        }
        CustomerFacts { customer: id, ids, facts }
    }

    /// Adds the customers of another image, which come after this one's in the book's order.
    pub fn append(&mut self, other: Image) -> Result<(), TooLarge> {
        if self.first_row.is_empty() {
            *self = other;
            return Ok(());
        }
        let small = |n: usize| u32::try_from(n).map_err(|_| TooLarge);
        let (customers, rows, items) = (small(self.len())?, small(self.rows())?, small(self.items.len())?);
        small(self.rows() + other.rows())?;
        let sources: Vec<u16> = other.sources.iter().map(|s| number_in(&mut self.sources, s)).collect();
        let mut codes: HashMap<Content, u32> =
            self.contents.iter().enumerate().map(|(at, c)| (c.clone(), at as u32)).collect();
        let mut contents = Vec::with_capacity(other.contents.len());
        for mut content in other.contents {
            content.source = sources[usize::from(content.source)];
            let next = self.contents.len() as u32;
            contents.push(*codes.entry(content).or_insert_with_key(|content| {
                self.contents.push(content.clone());
                next
            }));
        }
        let mut known: Pairs = self.pairs.iter().enumerate().map(|(at, p)| (*p, at as u32)).collect();
        let code = |content: u32| if content == NONE { NONE } else { contents[content as usize] };
        let pairs: Vec<u32> =
            other.pairs.iter().map(|pair| pair_number(&mut known, &mut self.pairs, pair.map(code))).collect();
        self.pair.extend(other.pair.iter().map(|pair| pairs[*pair as usize]));
        let written = self.written.len() as u32;
        self.customers.append(&other.customers).ok_or(TooLarge)?;
        self.subscriptions.append(&other.subscriptions).ok_or(TooLarge)?;
        self.items.append(&other.items).ok_or(TooLarge)?;
        self.written.append(&other.written).ok_or(TooLarge)?;
        self.first_row.extend(other.first_row.iter().skip(1).map(|at| at + rows));
        self.first_item.extend(other.first_item.iter().skip(1).map(|at| at + items));
        self.flags.extend(other.flags);
        self.item_subscription.extend(other.item_subscription);
        self.item_source.extend(other.item_source.iter().map(|s| sources[usize::from(*s)]));
        self.at.extend(other.at);
        self.item.extend(other.item);
        self.content.extend(other.content.iter().map(|code| contents[*code as usize]));
        self.extras.extend(other.extras.into_iter().map(|extra| Extra {
            row: extra.row + rows,
            written: if extra.written == 0 { 0 } else { extra.written + written },
            ..extra
        }));
        self.withdrawn.extend(other.withdrawn.iter().map(|(s, at)| (sources[usize::from(*s)], *at)));
        self.whole.extend(other.whole.into_iter().map(|(customer, facts)| (customer + customers, facts)));
        Ok(())
    }

    /// Numbers contents and pairs by how often they occur, so that what a pass looks up most lies together in memory.
    pub fn finish(mut self) -> Image {
        let contents = by_frequency(self.contents.len(), &mut self.content);
        let place = |code: u32| if code == NONE { NONE } else { contents[code as usize] };
        let mut ordered: Vec<Option<Content>> = vec![None; self.contents.len()];
        for (content, to) in self.contents.into_iter().zip(&contents) {
            ordered[*to as usize] = Some(content);
        }
        self.contents = ordered.into_iter().flatten().collect();
        let pairs = by_frequency(self.pairs.len(), &mut self.pair);
        let mut ordered = vec![[NONE; 2]; self.pairs.len()];
        for (pair, to) in self.pairs.iter().zip(&pairs) {
            ordered[*to as usize] = pair.map(place);
        }
        self.pairs = ordered;
        self
    }

    /// Per source up to when it is known: the newest `effective_at` not after `as_of`, of states that hold or held.
    pub fn data_through(&self, as_of: Instant) -> BTreeMap<Text, Instant> {
        let limit = as_of.micros();
        let sources: Vec<u16> = self.contents.iter().map(|c| c.source).collect();
        let none = || vec![i64::MIN; self.sources.len()];
        let later = |mut a: Vec<i64>, b: Vec<i64>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a = (*a).max(b));
            a
        };
        let mut newest = self
            .at
            .par_chunks(1 << 16)
            .zip(self.content.par_chunks(1 << 16))
            .map(|(at, content)| {
                let mut newest = none();
                for (at, content) in at.iter().zip(content).filter(|(at, _)| **at <= limit) {
                    let slot = &mut newest[usize::from(sources[*content as usize])];
                    *slot = (*slot).max(*at);
                }
                newest
            })
            .reduce(none, later);
        for (source, at) in self.withdrawn.iter().filter(|(_, at)| *at <= limit) {
            let slot = &mut newest[usize::from(*source)];
            *slot = (*slot).max(*at);
        }
        let known = self.sources.iter().zip(newest).filter(|(_, at)| *at != i64::MIN);
        known.map(|(source, at)| (source.clone(), Instant::from_micros(at))).collect()
    }

    /// The currencies that occur, by code.
    pub fn currencies(&self) -> Vec<Currency> {
        let mut all: Vec<Currency> = Vec::new();
        for content in &self.contents {
            if let Err(place) = all.binary_search(&content.state.currency) {
                all.insert(place, content.state.currency);
            }
        }
        all
    }
}

/// Renumbers `codes` (below `count`) by how often they occur, first seen first among equals; gives new by old.
fn by_frequency(count: usize, codes: &mut [u32]) -> Vec<u32> {
    let mut seen = vec![0u32; count];
    codes.iter().for_each(|code| seen[*code as usize] += 1);
    let mut order: Vec<u32> = (0..count as u32).collect();
    order.sort_by_key(|code| (std::cmp::Reverse(seen[*code as usize]), *code));
    let mut to = vec![0u32; count];
    for (at, code) in order.into_iter().enumerate() {
        to[code as usize] = at as u32;
    }
    codes.iter_mut().for_each(|code| *code = to[*code as usize]);
    to
}

pub(crate) type Pairs = HashMap<[u32; 2], u32, foldhash::fast::FixedState>;

pub(crate) fn pair_number(known: &mut Pairs, pairs: &mut Vec<[u32; 2]>, pair: [u32; 2]) -> u32 {
    *known.entry(pair).or_insert_with(|| {
        pairs.push(pair);
        pairs.len() as u32 - 1
    })
}

fn number_in(sources: &mut Vec<Text>, source: &Text) -> u16 {
    let at = sources.iter().position(|s| s == source).unwrap_or_else(|| {
        sources.push(source.clone());
        sources.len() - 1
    });
    at as u16
}

/// Builds an image customer by customer, in the book's order.
pub struct ImageBuilder {
    pub(crate) image: Image,
    known_on: Instant,
    /// Contents below this number are another's: see [`crate::ColumnsBuilder`].
    pub(crate) base: u32,
    contents: HashMap<Content, u32, foldhash::fast::FixedState>,
    sources: HashMap<Text, u16>,
    written: HashMap<Text, u32>,
    pub(crate) pairs: Pairs,
    /// Content of the customer's items so far.
    pub(crate) holding: Vec<u32>,
}

impl ImageBuilder {
    /// An empty image of what was known at `known_on`.
    pub fn new(known_on: Instant) -> ImageBuilder {
        let image = Image { first_row: vec![0], first_item: vec![0], ..Image::default() };
        ImageBuilder {
            image,
            known_on,
            base: 0,
            contents: HashMap::default(),
            sources: HashMap::new(),
            written: HashMap::new(),
            pairs: Pairs::default(),
            holding: Vec::new(),
        }
    }

    /// How many customers there are so far.
    pub fn customers(&self) -> usize {
        self.image.flags.len()
    }

    /// Adds a customer. One without a state that holds leaves no trace.
    pub fn push(&mut self, customer: &CustomerFacts) -> Result<(), TooLarge> {
        let winners = winning_states(&customer.facts, self.known_on);
        let known_on = self.known_on;
        for fact in customer.facts.iter().filter(|f| f.recorded_at <= known_on) {
            if let Body::State { effective_at, state: None, .. } = &fact.body {
                let source = self.source(&fact.source);
                self.image.withdrawn.push((source, effective_at.micros()));
            }
        }
        if winners.is_empty() {
            return Ok(());
        }
        let number = self.image.flags.len();
        self.image.customers.push(&customer.customer).ok_or(TooLarge)?;
        let mut rows = Vec::with_capacity(winners.len());
        let mut mark = 0u8;
        let (mut items, mut subscriptions) = (0u32, 0u32);
        let mut previous: Option<(&Text, &Text, &Text)> = None;
        for fact in &winners {
            let Body::State { subscription, item, effective_at, state: Some(state), .. } = &fact.body else {
                continue;
            };
            let key = (&fact.source, subscription, item);
            if previous != Some(key) {
                let same_subscription = previous.is_some_and(|p| (p.0, p.1) == (key.0, key.1));
                subscriptions += u32::from(!same_subscription && items > 0);
                items += 1;
                let source = self.source(&fact.source);
                self.image.item_subscription.push(subscriptions.min(u32::from(u16::MAX)) as u16);
                self.image.item_source.push(source);
                self.image.subscriptions.push(subscription).ok_or(TooLarge)?;
                self.image.items.push(item).ok_or(TooLarge)?;
                previous = Some(key);
            }
            mark |= marks(state);
            rows.push((effective_at.micros(), items - 1, *fact, &**state));
        }
        if items > u32::from(u16::MAX) || rows.iter().any(|r| r.3.discounts.len() > MOST_DISCOUNTS) {
            mark |= flags::UNUSUAL;
        }
        // Of several states of an item at one instant the last holds; winners come in their order.
        let mut kept: Vec<(i64, u32, &Fact, &ItemState)> = Vec::with_capacity(rows.len());
        for row in rows {
            if kept.last().is_some_and(|last| (last.0, last.1) == (row.0, row.1)) {
                kept.pop();
            }
            kept.push(row);
        }
        kept.sort_by_key(|row| (row.0, row.1));
        let one_currency = kept.windows(2).all(|two| two[0].3.currency == two[1].3.currency);
        let credits = kept.iter().any(|row| row.3.amount.is_negative());
        if mark == 0 && items == subscriptions + 1 && one_currency && !credits {
            mark |= flags::SIMPLE;
        }
        self.holding.clear();
        self.holding.resize(items as usize, NONE);
        for (at, item, fact, state) in kept {
            self.row(customer, at, item, fact, state)?;
        }
        if mark & flags::UNUSUAL != 0 {
            let facts = winners.into_iter().cloned().collect();
            let whole =
                CustomerFacts { customer: customer.customer.clone(), ids: customer.ids.clone(), facts };
            self.image.whole.push((u32::try_from(number).map_err(|_| TooLarge)?, whole));
        }
        let image = &mut self.image;
        image.flags.push(mark);
        image.first_row.push(u32::try_from(image.at.len()).map_err(|_| TooLarge)?);
        image.first_item.push(u32::try_from(image.items.len()).map_err(|_| TooLarge)?);
        Ok(())
    }

    fn row(
        &mut self,
        customer: &CustomerFacts,
        at: i64,
        item: u32,
        fact: &Fact,
        state: &ItemState,
    ) -> Result<(), TooLarge> {
        let row = u32::try_from(self.image.at.len()).map_err(|_| TooLarge)?;
        let micros = |instant: Option<Instant>| instant.map_or(NEVER, Instant::micros);
        let mut until = [NEVER; MOST_DISCOUNTS];
        for (slot, discount) in until.iter_mut().zip(&state.discounts) {
            *slot = micros(discount.until);
        }
        let own = fact.customer == customer.customer;
        let seq = match &fact.body {
            Body::State { seq, .. } => *seq,
            Body::Attributes { .. } | Body::Entry { .. } => 0,
        };
        let extra = Extra {
            row,
            trial_end: micros(state.trial_end),
            cancel_at: micros(state.cancel_at),
            requested_at: micros(state.cancel_requested_at),
            seq,
            until,
            written: if own { 0 } else { self.name(&fact.customer)? + 1 },
        };
        let plain = Extra {
            row,
            trial_end: NEVER,
            cancel_at: NEVER,
            requested_at: NEVER,
            seq: 0,
            until: [NEVER; MOST_DISCOUNTS],
            written: 0,
        };
        if extra != plain {
            self.image.extras.push(extra);
        }
        let mut bare = state.clone();
        bare.trial_end = None;
        bare.cancel_at = None;
        bare.cancel_requested_at = None;
        bare.discounts.iter_mut().for_each(|d| d.until = None);
        let content = Content {
            source: self.source(&fact.source),
            here: customer.ids.contains(&fact.customer),
            ends: state.cancel_at.is_some() || state.cancel_requested_at.is_some(),
            state: bare,
        };
        let next = self.base + self.contents.len() as u32;
        let code = match self.contents.get(&content) {
            Some(code) => *code,
            None => {
                self.image.contents.push(content.clone());
                self.contents.insert(content, next);
                next
            }
        };
        let before = std::mem::replace(&mut self.holding[item as usize], code);
        self.image.pair.push(pair_number(&mut self.pairs, &mut self.image.pairs, [before, code]));
        self.image.at.push(at);
        self.image.item.push(item.min(u32::from(u16::MAX)) as u16);
        self.image.content.push(code);
        Ok(())
    }

    pub(crate) fn source(&mut self, source: &Text) -> u16 {
        if let Some(code) = self.sources.get(source) {
            return *code;
        }
        let code = self.image.sources.len() as u16;
        self.image.sources.push(source.clone());
        self.sources.insert(source.clone(), code);
        code
    }

    fn name(&mut self, id: &Text) -> Result<u32, TooLarge> {
        if let Some(code) = self.written.get(id) {
            return Ok(*code);
        }
        let code = self.image.written.push(id).ok_or(TooLarge)?;
        self.written.insert(id.clone(), code);
        Ok(code)
    }

    /// The image.
    pub fn finish(self) -> Image {
        self.image
    }
}

pub(crate) fn marks(state: &ItemState) -> u8 {
    let mut mark = 0;
    if state.trial_end.is_some()
        || state.cancel_at.is_some()
        || state.cancel_requested_at.is_some()
        || state.discounts.iter().any(|d| d.until.is_some())
    {
        mark |= flags::EXTRAS;
    }
    for discount in &state.discounts {
        mark |= match discount.kind {
            DiscountKind::Once if discount.until.is_none() => flags::ONCE,
            DiscountKind::Repeating => flags::REPEATING,
            _ => 0,
        };
    }
    if state.status == Status::PastDue {
        mark |= flags::PAST_DUE;
    }
    if state.cancel_requested_at.is_some() {
        mark |= flags::REQUESTED;
    }
    mark
}
