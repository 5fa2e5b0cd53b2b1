//! What an import by column books of a range of customers, in the order of the book.

use super::finish::Known;
use super::stored::Verdict;
use super::{Item, Part, Rare};
use crate::error::BookError;
use crate::import::Outcome;
use crate::import::customer::{Terms, decide};
use crate::record::Filed;
use netnew_facts::{Body, CustomerFacts, Fact, Instants, ItemState, NO_INSTANT, PayloadRef, Text, WITHDRAWN};
use netnew_money::Instant;
use std::collections::HashSet;
use std::ops::Range;

/// Texts end to end.
#[derive(Default)]
pub(super) struct Ids {
    pub bytes: Vec<u8>,
    pub ends: Vec<u32>,
}

impl Ids {
    fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as u32);
    }

    pub fn get(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        std::str::from_utf8(&self.bytes[start as usize..self.ends[at] as usize]).unwrap_or_default()
    }
}

/// What was booked of some customers.
pub struct Sorted<'a> {
    pub(super) contents: &'a [ItemState],
    source: Text,
    pub(super) customers: Ids,
    pub(super) hashes: Vec<u64>,
    /// Whether a customer's rows say something once each, for the first time.
    plain: Vec<bool>,
    /// Per customer where its items end.
    items_end: Vec<u32>,
    pub(super) subscriptions: Ids,
    /// Empty where it is the subscription.
    pub(super) items: Ids,
    /// Per item where its rows end.
    pub(super) rows_end: Vec<u32>,
    pub(super) at: Vec<i64>,
    pub(super) content: Vec<u32>,
    pub(super) booked: Vec<u64>,
    pub(super) payload: Vec<u32>,
    pub(super) line: Vec<u64>,
    /// Rows with an order or a moment of learning of their own, ascending.
    rare: Vec<Rare>,
    pub(super) instants: Vec<(u32, Instants)>,
    now: i64,
}

/// Where the rows of an import come from.
pub(super) struct Numbering {
    /// `booked_seq` before the first row.
    pub base: u64,
    /// Positions without a statement, ascending.
    pub without: Vec<u32>,
    /// Position of a file's first row, and its payload.
    pub files: Vec<(u64, u32)>,
}

impl Numbering {
    fn booked(&self, position: u32) -> u64 {
        let missing =
            if self.without.is_empty() { 0 } else { self.without.partition_point(|w| *w < position) };
        self.base + u64::from(position) + 1 - missing as u64
    }

    fn payload(&self, position: u32) -> (u32, u64) {
        let position = u64::from(position);
        let file = self.files.partition_point(|(first, _)| *first <= position).saturating_sub(1);
        let (first, payload) = self.files.get(file).copied().unwrap_or_default();
        (payload, position - first + 1)
    }
}

/// A customer of [`Sorted`].
#[derive(Clone, Copy)]
pub struct SortedCustomer<'s> {
    sorted: &'s Sorted<'s>,
    at: usize,
}

/// What a row says, as columns.
#[derive(Clone, Copy, Debug)]
pub struct SortedRow {
    /// From when, in microseconds.
    pub at: i64,
    /// Index into [`Sorted::contents`].
    pub content: u32,
    /// Order within the instant.
    pub seq: i64,
    /// Instants to put to the content.
    pub instants: Option<Instants>,
}

impl<'a> Sorted<'a> {
    pub(super) fn new(contents: &'a [ItemState], source: &Text, now: Instant) -> Sorted<'a> {
        Sorted {
            contents,
            source: source.clone(),
            customers: Ids::default(),
            hashes: Vec::new(),
            plain: Vec::new(),
            items_end: Vec::new(),
            subscriptions: Ids::default(),
            items: Ids::default(),
            rows_end: Vec::new(),
            at: Vec::new(),
            content: Vec::new(),
            booked: Vec::new(),
            payload: Vec::new(),
            line: Vec::new(),
            rare: Vec::new(),
            instants: Vec::new(),
            now: now.micros(),
        }
    }

    /// All contents of the import.
    pub fn contents(&self) -> &'a [ItemState] {
        self.contents
    }

    /// The source of all facts.
    pub fn source(&self) -> &Text {
        &self.source
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.at.len()
    }

    /// The customers, in the order of the book.
    pub fn customers(&self) -> impl Iterator<Item = SortedCustomer<'_>> {
        (0..self.hashes.len()).map(|at| SortedCustomer { sorted: self, at })
    }

    pub(super) fn items_of(&self, customer: usize) -> Range<usize> {
        customer.checked_sub(1).map_or(0, |before| self.items_end[before] as usize)
            ..self.items_end[customer] as usize
    }

    pub(super) fn rows_of(&self, item: usize) -> Range<usize> {
        item.checked_sub(1).map_or(0, |before| self.rows_end[before] as usize)..self.rows_end[item] as usize
    }

    fn rare(&self, row: usize) -> Option<&Rare> {
        if self.rare.is_empty() {
            return None;
        }
        let found = self.rare.binary_search_by_key(&(row as u32), |rare| rare.row).ok()?;
        Some(&self.rare[found])
    }

    pub(super) fn seq(&self, row: usize) -> i64 {
        self.rare(row).map_or(0, |rare| rare.seq)
    }

    /// When a row was learned, and its version.
    pub(super) fn learned(&self, row: usize) -> (i64, Option<i64>) {
        match self.rare(row).map(|rare| rare.recorded_at).filter(|at| *at != NO_INSTANT) {
            Some(at) => (at, Some(at)),
            None => (self.now, None),
        }
    }

    /// Whether rows have orders or moments of learning of their own.
    pub(super) fn has_rare(&self) -> bool {
        !self.rare.is_empty()
    }

    pub(super) fn instants_of(&self, row: usize) -> Option<Instants> {
        if self.instants.is_empty() {
            return None;
        }
        let found = self.instants.binary_search_by_key(&(row as u32), |(row, _)| *row).ok()?;
        Some(self.instants[found].1)
    }

    pub(super) fn state(&self, row: usize) -> Option<ItemState> {
        let content = self.content[row];
        if content == WITHDRAWN {
            return None;
        }
        let mut state = self.contents[content as usize].clone();
        if let Some(instants) = self.instants_of(row) {
            instants.put_to(&mut state);
        }
        Some(state)
    }

    fn fact(&self, customer: &Text, item: usize, row: usize) -> Fact {
        let subscription: Text = self.subscriptions.get(item).into();
        let item = match self.items.get(item) {
            "" => subscription.clone(),
            own => own.into(),
        };
        let (recorded_at, version) = self.learned(row);
        Fact {
            source: self.source.clone(),
            customer: customer.clone(),
            body: Body::State {
                subscription,
                item,
                effective_at: Instant::from_micros(self.at[row]),
                seq: self.seq(row),
                state: self.state(row).map(Box::new),
            },
            recorded_at: Instant::from_micros(recorded_at),
            version,
            booked_seq: self.booked[row],
            payload: PayloadRef { payload: self.payload[row], row: self.line[row] },
        }
    }

    /// Adds all rows of a part, news or not.
    pub(super) fn add_all(&mut self, part: &Part, numbering: &Numbering) {
        let order = part.order();
        let (ends, rows) = part.rows_by_item(&order);
        let mut from = 0;
        for (number, end) in order.iter().zip(ends) {
            let item = &part.items[*number as usize];
            self.customers.push(part.customer(item));
            self.hashes.push(item.customer_hash);
            self.plain.push(false);
            self.add_item(part, item, &rows[from..end as usize], numbering);
            self.items_end.push(self.rows_end.len() as u32);
            from = end as usize;
        }
    }

    /// Adds the rows of a part that are new; `known` is what the book has of its customers.
    pub(super) fn add(
        &mut self,
        part: &Part,
        numbering: &Numbering,
        terms: &Terms,
        known: &mut Known,
        outcome: &mut Outcome,
    ) -> Result<(), BookError> {
        let order = part.order();
        let (ends, rows) = part.rows_by_item(&order);
        let mut item = 0;
        while item < order.len() {
            let first = &part.items[order[item] as usize];
            let customer = part.customer(first);
            let same = |number: &u32| part.customer(&part.items[*number as usize]) == customer;
            let end = item + order[item..].iter().take_while(|number| same(number)).count();
            let start = self.mark();
            let mut plain = true;
            self.customers.push(customer);
            self.hashes.push(first.customer_hash);
            for at in item..end {
                let from = at.checked_sub(1).map_or(0, |before| ends[before] as usize);
                let here = &rows[from..ends[at] as usize];
                plain &= self.add_item(part, &part.items[order[at] as usize], here, numbering);
            }
            self.items_end.push(self.rows_end.len() as u32);
            let id: Text = self.customers.get(self.hashes.len() - 1).into();
            let rows = (self.at.len() - start.rows) as u64;
            let verdict = match plain {
                true => known.verdict(self, start.items..self.rows_end.len(), first.customer_hash, &id)?,
                false => Verdict::Unclear,
            };
            self.plain.push(plain);
            match verdict {
                Verdict::Nothing => outcome.facts += rows,
                Verdict::Known => {
                    outcome.duplicates += rows;
                    self.keep(start, &|_| false);
                }
                Verdict::New(booked) => {
                    outcome.facts += booked.len() as u64;
                    outcome.duplicates += rows - booked.len() as u64;
                    // They are in the order of keys, which is not always that of booking.
                    let booked: HashSet<u64> = booked.into_iter().collect();
                    self.keep(start, &|seq| booked.contains(&seq));
                }
                Verdict::Unclear => {
                    let before = known.filed(first.customer_hash, &id)?;
                    self.decide(start, &id, before, terms, outcome);
                }
            }
            item = end;
        }
        Ok(())
    }

    /// Adds one item's rows; whether each says something of its own.
    fn add_item(&mut self, part: &Part, item: &Item, rows: &[Placed], numbering: &Numbering) -> bool {
        self.subscriptions.push(part.subscription(item));
        self.items.push(part.item(item));
        let mut plain = true;
        let mut last: Option<(i64, i64)> = None;
        for placed in rows {
            let row = placed.row as usize;
            let number = self.at.len() as u32;
            let rare = part.rare_of(placed.row);
            if let Some(rare) = rare {
                self.rare.push(Rare { row: number, ..*rare });
            }
            if !part.instants.is_empty()
                && let Ok(found) = part.instants.binary_search_by_key(&placed.row, |(row, _)| *row)
            {
                self.instants.push((number, part.instants[found].1));
            }
            let key = (placed.at, rare.map_or(0, |rare| rare.seq));
            let (payload, line) = numbering.payload(placed.position);
            self.at.push(placed.at);
            self.content.push(part.content[row]);
            self.booked.push(numbering.booked(placed.position));
            self.payload.push(payload);
            self.line.push(line);
            plain &= last != Some(key) && part.content[row] != WITHDRAWN;
            last = Some(key);
        }
        self.rows_end.push(self.at.len() as u32);
        plain
    }

    fn mark(&self) -> Mark {
        Mark { rows: self.at.len(), items: self.rows_end.len() }
    }

    /// Keeps of the last customer's rows those that are news.
    fn decide(&mut self, start: Mark, id: &Text, before: Vec<Filed>, terms: &Terms, outcome: &mut Outcome) {
        let mut rows = Vec::new();
        for item in start.items..self.rows_end.len() {
            for row in self.rows_of(item) {
                rows.push(Filed::own(self.fact(id, item, row)));
            }
        }
        let count = rows.len();
        let added = decide(before, rows, terms, outcome);
        if added.len() == count {
            return;
        }
        let added: HashSet<u64> = added.iter().map(|fact| fact.booked_seq).collect();
        self.keep(start, &|booked| added.contains(&booked));
    }

    /// Keeps of the last customer's rows those that are booked under certain numbers.
    fn keep(&mut self, start: Mark, wanted: &dyn Fn(u64) -> bool) {
        let ends: Vec<u32> = self.rows_end.split_off(start.items);
        let texts = |ids: &mut Ids| {
            let texts: Vec<String> =
                (start.items..ids.ends.len()).map(|at| ids.get(at).to_string()).collect();
            ids.ends.truncate(start.items);
            ids.bytes.truncate(ids.ends.last().map_or(0, |end| *end as usize));
            texts
        };
        let (subscriptions, items) = (texts(&mut self.subscriptions), texts(&mut self.items));
        let rare: Vec<Rare> = take_from(&mut self.rare, start.rows, |rare| rare.row);
        let instants = take_from(&mut self.instants, start.rows, |(row, _)| *row);
        let (mut to, mut from) = (start.rows, start.rows);
        for ((end, subscription), item) in ends.into_iter().zip(subscriptions).zip(items) {
            let began = to;
            for row in from..end as usize {
                if !wanted(self.booked[row]) {
                    continue;
                }
                self.at[to] = self.at[row];
                self.content[to] = self.content[row];
                self.booked[to] = self.booked[row];
                self.payload[to] = self.payload[row];
                self.line[to] = self.line[row];
                if let Ok(found) = rare.binary_search_by_key(&(row as u32), |rare| rare.row) {
                    self.rare.push(Rare { row: to as u32, ..rare[found] });
                }
                if let Ok(found) = instants.binary_search_by_key(&(row as u32), |(row, _)| *row) {
                    self.instants.push((to as u32, instants[found].1));
                }
                to += 1;
            }
            from = end as usize;
            if to > began {
                self.subscriptions.push(subscription.as_bytes());
                self.items.push(item.as_bytes());
                self.rows_end.push(to as u32);
            }
        }
        self.at.truncate(to);
        self.content.truncate(to);
        self.booked.truncate(to);
        self.payload.truncate(to);
        self.line.truncate(to);
        self.items_end.pop();
        if to > start.rows {
            self.items_end.push(self.rows_end.len() as u32);
        } else {
            self.hashes.pop();
            self.plain.pop();
            self.customers.ends.pop();
            self.customers.bytes.truncate(self.customers.ends.last().map_or(0, |end| *end as usize));
        }
    }
}

/// Takes out what belongs to rows from `row` on.
fn take_from<T>(list: &mut Vec<T>, row: usize, of: impl Fn(&T) -> u32) -> Vec<T> {
    let at = list.partition_point(|one| (of(one) as usize) < row);
    list.split_off(at)
}

#[derive(Clone, Copy)]
struct Mark {
    rows: usize,
    items: usize,
}

impl<'s> SortedCustomer<'s> {
    /// Its id.
    pub fn id(&self) -> &'s str {
        self.sorted.customers.get(self.at)
    }

    /// Whether its rows say something of its own each and all hold, so that it needs nobody to find out which do.
    pub fn is_plain(&self) -> bool {
        self.sorted.plain[self.at]
    }

    /// Numbers of its items: subscription, item, and the item's rows by time.
    pub fn items(&self) -> impl Iterator<Item = (&'s str, &'s str, Range<usize>)> + Clone + use<'s> {
        let sorted = self.sorted;
        sorted.items_of(self.at).map(move |item| {
            let subscription = sorted.subscriptions.get(item);
            let own = sorted.items.get(item);
            (subscription, if own.is_empty() { subscription } else { own }, sorted.rows_of(item))
        })
    }

    /// A row.
    pub fn row(&self, row: usize) -> SortedRow {
        let sorted = self.sorted;
        SortedRow {
            at: sorted.at[row],
            content: sorted.content[row],
            seq: sorted.seq(row),
            instants: sorted.instants_of(row),
        }
    }

    /// All of it as facts.
    pub fn facts(&self) -> CustomerFacts {
        let customer: Text = self.id().into();
        let sorted = self.sorted;
        let mut facts = Vec::new();
        for item in sorted.items_of(self.at) {
            facts.extend(sorted.rows_of(item).map(|row| sorted.fact(&customer, item, row)));
        }
        CustomerFacts { ids: vec![customer.clone()], customer, facts }
    }
}

/// A row in its place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Placed {
    pub at: i64,
    pub position: u32,
    pub row: u32,
}

impl Part {
    /// Items in the order of the book.
    fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.items.len() as u32).collect();
        let key = |number: &u32| {
            let item = &self.items[*number as usize];
            let (subscription, own) = (self.subscription(item), self.item(item));
            let own = if own.is_empty() { subscription } else { own };
            (item.customer_hash, self.customer(item), subscription, own)
        };
        order.sort_unstable_by(|a, b| {
            let (first, second) = (&self.items[*a as usize], &self.items[*b as usize]);
            first.customer_hash.cmp(&second.customer_hash).then_with(|| key(a).cmp(&key(b)))
        });
        order
    }

    /// Rows item by item, each item's by instant, order within it, and booking; and where each item's end.
    fn rows_by_item(&self, order: &[u32]) -> (Vec<u32>, Vec<Placed>) {
        let mut place = vec![0u32; order.len()];
        order.iter().enumerate().for_each(|(at, item)| place[*item as usize] = at as u32);
        let mut ends = vec![0u32; order.len()];
        self.item.iter().for_each(|item| ends[place[*item as usize] as usize] += 1);
        let mut sum = 0;
        for end in &mut ends {
            let count = *end;
            *end = sum;
            sum += count;
        }
        let mut rows = vec![Placed { at: 0, position: 0, row: 0 }; self.at.len()];
        for (row, item) in self.item.iter().enumerate() {
            let end = &mut ends[place[*item as usize] as usize];
            rows[*end as usize] = Placed { at: self.at[row], position: self.position[row], row: row as u32 };
            *end += 1;
        }
        let mut from = 0;
        for end in &ends {
            let rows = &mut rows[from as usize..*end as usize];
            if self.rare.is_empty() {
                rows.sort_unstable();
            } else {
                let seq = |placed: &Placed| self.rare_of(placed.row).map_or(0, |rare| rare.seq);
                rows.sort_by_key(|placed| (placed.at, seq(placed), placed.position));
            }
            from = *end;
        }
        (ends, rows)
    }

    fn rare_of(&self, row: u32) -> Option<&Rare> {
        if self.rare.is_empty() {
            return None;
        }
        let found = self.rare.binary_search_by_key(&row, |rare| rare.row).ok()?;
        Some(&self.rare[found])
    }
}
