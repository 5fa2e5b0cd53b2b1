//! Imports by column: many states at once, kept as numbers until they are written.
//!
//! Rows are shared out by the hash of their customer, in the order of the book. A part keeps every item (customer,
//! subscription, item) once and twenty bytes a row; sorting a part is then a matter of sorting its few items. Which
//! rows are new is decided column by column where a customer's rows all say something of their own, and for every
//! other customer by the same rule as in an import row by row.

mod encode;
mod finish;
mod sorted;
mod stored;

pub(crate) use finish::Filled;
pub use finish::Follow;
pub use sorted::{Sorted, SortedCustomer, SortedRow};

use netnew_facts::{
    Instants, ItemState, NO_INSTANT, NO_STATEMENT, StateBatch, TextColumn, WITHDRAWN, hash64,
};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Parts that rows are shared out to, by the upper bits of their customer's hash: a power of two, at most as many as
/// there are buckets.
const PARTS: usize = 512;

/// More than fits in memory, or ids that do not fit columns: the rows have to be imported one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// States on their way into a book.
pub struct Bulk {
    parts: Vec<Mutex<Part>>,
    contents: Mutex<Contents>,
    /// Positions without a statement.
    without: Mutex<Vec<u32>>,
    budget: usize,
    used: AtomicUsize,
}

#[derive(Default)]
struct Contents {
    list: Vec<ItemState>,
    numbers: HashMap<ItemState, u32>,
}

/// Customer, subscription and item, which rows have in common.
struct Item {
    customer_hash: u64,
    /// Where the three texts lie, one after the other; no item is the subscription.
    at: u32,
    customer: u32,
    subscription: u32,
    item: u32,
}

/// What is rare in a row: its order within an instant, and when the file says it was learned.
#[derive(Clone, Copy)]
struct Rare {
    row: u32,
    seq: i64,
    recorded_at: i64,
}

/// The rows of a range of customers.
#[derive(Default)]
struct Part {
    /// Open addressing: the upper half of a hash, and 1 + the number of an item.
    slots: Vec<(u32, u32)>,
    items: Vec<Item>,
    texts: Vec<u8>,
    at: Vec<i64>,
    item: Vec<u32>,
    content: Vec<u32>,
    /// Position among all rows of the import.
    position: Vec<u32>,
    rare: Vec<Rare>,
    instants: Vec<(u32, Instants)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panicked takes the import with it; what it leaves is not used.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bulk {
    /// Holds as much as fits in so many bytes.
    pub fn new(budget_bytes: usize) -> Bulk {
        Bulk {
            parts: (0..PARTS).map(|_| Mutex::default()).collect(),
            contents: Mutex::default(),
            without: Mutex::default(),
            budget: budget_bytes,
            used: AtomicUsize::new(0),
        }
    }

    /// A way in for one thread. `first` is how many rows of the import come before those of the batches' file.
    pub fn feeder(&self, first: u64) -> Feeder<'_> {
        Feeder {
            bulk: self,
            first,
            contents: Vec::new(),
            keys: Vec::new(),
            order: Vec::new(),
            guesses: Vec::new(),
        }
    }

    fn numbers_of(&self, contents: &[ItemState], out: &mut Vec<u32>) {
        if out.len() == contents.len() {
            return;
        }
        let mut all = lock(&self.contents);
        let Contents { list, numbers } = &mut *all;
        for content in &contents[out.len()..] {
            let next = list.len() as u32;
            out.push(*numbers.entry(content.clone()).or_insert_with_key(|content| {
                list.push(content.clone());
                next
            }));
        }
    }
}

/// Puts batches of one reader into a [`Bulk`].
pub struct Feeder<'b> {
    bulk: &'b Bulk,
    first: u64,
    /// By number of the reader's: number of the content here.
    contents: Vec<u32>,
    /// By row: hash of its customer and of its item.
    keys: Vec<(u64, u64)>,
    order: Vec<u32>,
    guesses: Vec<u32>,
}

impl Feeder<'_> {
    /// Takes a batch in.
    ///
    /// # Errors
    /// [`Full`]; the import has to begin again, row by row.
    pub fn add(&mut self, batch: &StateBatch, contents: &[ItemState]) -> Result<(), Full> {
        let first = u32::try_from(self.first + batch.first).map_err(|_| Full)?;
        first.checked_add(batch.len() as u32).ok_or(Full)?;
        let ids = [&batch.customers, &batch.subscriptions, &batch.items];
        if ids.iter().any(|ids| !sound(ids)) {
            return Err(Full);
        }
        self.bulk.numbers_of(contents, &mut self.contents);
        let counts = self.share_out(batch);
        let mut without: Vec<u32> = Vec::new();
        for (row, content) in batch.content.iter().enumerate() {
            if *content == NO_STATEMENT {
                without.push(first + row as u32);
            }
        }
        lock(&self.bulk.without).append(&mut without);
        let mut grown = 0usize;
        let mut from = 0usize;
        for (part, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            let rows = &self.order[from..from + count as usize];
            from += count as usize;
            let mut part = lock(&self.bulk.parts[part]);
            let before = part.bytes();
            part.guess(rows, &self.keys, &mut self.guesses);
            for (row, guess) in rows.iter().zip(&self.guesses) {
                let row = *row as usize;
                let item = match part.is_item(*guess, batch, row) {
                    true => *guess,
                    false => part.item_of(self.keys[row], batch, row)?,
                };
                let content = match batch.content[row] {
                    WITHDRAWN => WITHDRAWN,
                    content => self.contents[content as usize],
                };
                part.push(item, content, first + row as u32, batch, row)?;
            }
            grown += part.bytes() - before;
        }
        let used = self.bulk.used.fetch_add(grown, Ordering::Relaxed) + grown;
        if used > self.bulk.budget { Err(Full) } else { Ok(()) }
    }

    /// Hashes rows and orders them by part; gives how many there are of each.
    fn share_out(&mut self, batch: &StateBatch) -> Vec<u32> {
        let mut counts = vec![0u32; PARTS];
        self.keys.clear();
        for row in 0..batch.len() {
            let customer = hash64(batch.customers.get(row));
            let subscription = batch.subscriptions.get(row);
            let own = own_item(subscription, batch.items.get(row));
            self.keys.push((customer, item_key(customer, subscription, own)));
            if batch.content[row] != NO_STATEMENT {
                counts[part_of(customer)] += 1;
            }
        }
        let mut ends = counts.clone();
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        self.order.clear();
        self.order.resize(sum as usize, 0);
        for row in (0..batch.len()).rev().filter(|row| batch.content[*row] != NO_STATEMENT) {
            let end = &mut ends[part_of(self.keys[row].0)];
            *end -= 1;
            self.order[*end as usize] = row as u32;
        }
        counts
    }
}

/// Whether ids are text without zero bytes, which end texts in keys.
fn sound(ids: &TextColumn) -> bool {
    if ids.bytes.contains(&0) {
        return false;
    }
    ids.bytes.is_ascii() || (0..ids.spans.len()).all(|row| std::str::from_utf8(ids.get(row)).is_ok())
}

fn part_of(customer_hash: u64) -> usize {
    (customer_hash >> (64 - PARTS.trailing_zeros())) as usize
}

/// A subscription as the item's own is written as no item.
fn own_item<'a>(subscription: &[u8], item: &'a [u8]) -> &'a [u8] {
    if item == subscription { &[] } else { item }
}

fn item_key(customer_hash: u64, subscription: &[u8], own: &[u8]) -> u64 {
    let own = if own.is_empty() { 0 } else { hash64(own) };
    customer_hash ^ hash64(subscription).rotate_left(21) ^ own.rotate_left(42)
}

impl Part {
    fn bytes(&self) -> usize {
        self.at.len() * 20
            + self.items.len() * (size_of::<Item>() + 16)
            + self.texts.len()
            + self.rare.len() * size_of::<Rare>()
            + self.instants.len() * size_of::<(u32, Instants)>()
    }

    fn push(
        &mut self,
        item: u32,
        content: u32,
        position: u32,
        batch: &StateBatch,
        row: usize,
    ) -> Result<(), Full> {
        let number = u32::try_from(self.at.len()).map_err(|_| Full)?;
        self.at.push(batch.effective_at[row]);
        self.item.push(item);
        self.content.push(content);
        self.position.push(position);
        let (seq, recorded_at) = (batch.seq[row], batch.recorded_at[row]);
        if seq != 0 || recorded_at != NO_INSTANT {
            self.rare.push(Rare { row: number, seq, recorded_at });
        }
        if !batch.instants.is_empty()
            && let Ok(found) = batch.instants.binary_search_by_key(&(row as u32), |(row, _)| *row)
        {
            self.instants.push((number, batch.instants[found].1));
        }
        Ok(())
    }

    fn customer(&self, item: &Item) -> &[u8] {
        let start = item.at as usize;
        &self.texts[start..start + item.customer as usize]
    }

    fn subscription(&self, item: &Item) -> &[u8] {
        let start = (item.at + item.customer) as usize;
        &self.texts[start..start + item.subscription as usize]
    }

    /// Empty where it is the subscription.
    fn item(&self, item: &Item) -> &[u8] {
        let start = (item.at + item.customer + item.subscription) as usize;
        &self.texts[start..start + item.item as usize]
    }

    /// For each row the number of an item that most likely is the row's. Looking slots up ahead of everything else lets
    /// the processor wait for many of them at once.
    fn guess(&self, rows: &[u32], keys: &[(u64, u64)], guesses: &mut Vec<u32>) {
        guesses.clear();
        let mask = self.slots.len().wrapping_sub(1);
        guesses.extend(rows.iter().map(|row| {
            let key = keys[*row as usize].1;
            match self.slots.get(key as usize & mask) {
                Some((tag, number)) if *tag == (key >> 32) as u32 => number.wrapping_sub(1),
                _ => u32::MAX,
            }
        }));
        // The same for where the texts of items are.
        for guess in guesses {
            let item = self.items.get(*guess as usize);
            if item.is_none_or(|item| self.texts.get(item.at as usize).is_none()) {
                *guess = u32::MAX;
            }
        }
    }

    /// Whether a row's item is the one of a number.
    fn is_item(&self, number: u32, batch: &StateBatch, row: usize) -> bool {
        let Some(item) = self.items.get(number as usize) else { return false };
        let (customer, subscription) = (batch.customers.get(row), batch.subscriptions.get(row));
        let own = own_item(subscription, batch.items.get(row));
        let lengths = (item.customer as usize, item.subscription as usize, item.item as usize);
        lengths == (customer.len(), subscription.len(), own.len())
            && self.customer(item) == customer
            && self.subscription(item) == subscription
            && self.item(item) == own
    }

    /// Number of a row's item, new or known.
    fn item_of(&mut self, key: (u64, u64), batch: &StateBatch, row: usize) -> Result<u32, Full> {
        let (customer_hash, key) = key;
        if self.items.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let (customer, subscription) = (batch.customers.get(row), batch.subscriptions.get(row));
        let own = own_item(subscription, batch.items.get(row));
        let mask = self.slots.len() - 1;
        let tag = (key >> 32) as u32;
        let mut slot = key as usize & mask;
        loop {
            let (found, number) = self.slots[slot];
            if number == 0 {
                break;
            }
            if found == tag && self.is_item(number - 1, batch, row) {
                return Ok(number - 1);
            }
            slot = (slot + 1) & mask;
        }
        let at = u32::try_from(self.texts.len()).map_err(|_| Full)?;
        let number = u32::try_from(self.items.len()).map_err(|_| Full)?;
        for text in [customer, subscription, own] {
            self.texts.extend_from_slice(text);
        }
        let length = |text: &[u8]| u32::try_from(text.len()).map_err(|_| Full);
        self.items.push(Item {
            customer_hash,
            at,
            customer: length(customer)?,
            subscription: length(subscription)?,
            item: length(own)?,
        });
        self.slots[slot] = (tag, number + 1);
        Ok(number)
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        let mut slots = vec![(0u32, 0u32); size];
        for (number, item) in self.items.iter().enumerate() {
            let key = item_key(item.customer_hash, self.subscription(item), self.item(item));
            let mut slot = key as usize & (size - 1);
            while slots[slot].1 != 0 {
                slot = (slot + 1) & (size - 1);
            }
            slots[slot] = ((key >> 32) as u32, number as u32 + 1);
        }
        self.slots = slots;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_in_the_order_of_the_book() {
        assert!(PARTS <= netnew_facts::BUCKETS as usize && PARTS.is_power_of_two());
        assert_eq!((part_of(0), part_of(u64::MAX)), (0, PARTS - 1));
        assert_eq!(netnew_facts::customer_hash("acme"), hash64(b"acme"));
    }
}
