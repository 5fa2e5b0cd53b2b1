//! The end of an import by column: parts are sorted, decided and encoded by several threads, and written in order.

use super::encode::{ContentColumns, encode};
use super::sorted::{Numbering, Sorted};
use super::stored::{Segment, Stored, Verdict};
use super::{Bulk, Part, lock};
use crate::book::Snapshot;
use crate::error::BookError;
use crate::import::commit::{Pairs, Pending, Written};
use crate::import::customer::Terms;
use crate::import::{Import, KindOfBody, LISTED_CONFLICTS, Outcome};
use crate::record::Filed;
use crate::scan::{self, BucketRange, Merge};
use crate::segment::Family;
use crate::segment::{EncodedGroup, schema};
use netnew_facts::{ItemState, Text};
use netnew_money::Instant;
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

/// Rows after which a row group ends with its part.
const GROUP_ROWS: usize = 64 * 1024;

/// Row groups after which what was written is made durable.
const SYNC_EVERY: usize = 16;

/// Ranges of customers that are sorted by one thread each, and followed as one.
const RANGES: usize = 32;

/// Rows by column and where they come from.
pub(crate) struct Filled {
    bulk: Bulk,
    numbering: Numbering,
}

/// What somebody makes of an import while it is sorted: something for every range of customers.
pub struct Follow<'f, T> {
    /// Begins a range.
    pub new: &'f (dyn Fn(&[ItemState], &Text) -> T + Sync),
    /// Adds what is booked of some customers of the range, in the order of the book.
    pub add: &'f (dyn Fn(&mut T, &Sorted) + Sync),
    /// Takes a range when it is complete; ranges come in the order of the book, on one thread.
    pub take: &'f mut dyn FnMut(T),
}

/// What one thread made of some parts.
struct Made<T> {
    group: Option<EncodedGroup>,
    outcome: Outcome,
    /// With the last row group of a range.
    followed: Option<T>,
}

/// Parts that make one row group.
struct Task {
    parts: Vec<Part>,
    range: BucketRange,
}

impl Import<'_> {
    /// Takes rows in by column. `files` says how many rows of the import come before those of each file, and which
    /// payload it is.
    pub fn add_bulk(&mut self, bulk: Bulk, files: Vec<(u64, u32)>, rows: u64) -> Result<(), BookError> {
        if let Some(filled) = self.bulk.take() {
            self.unfold(filled)?;
        }
        let mut without = std::mem::take(&mut *lock(&bulk.without));
        without.sort_unstable();
        let statements = rows - without.len() as u64;
        let numbering = Numbering { base: self.last_seq, without, files };
        self.last_seq += statements;
        self.bulk = Some(Filled { bulk, numbering });
        Ok(())
    }

    /// How many rows and items there are by column.
    pub fn bulk_size(&self) -> (usize, usize) {
        let parts = self.bulk.iter().flat_map(|filled| &filled.bulk.parts);
        parts.fold((0, 0), |(rows, items), part| {
            let part = lock(part);
            (rows + part.at.len(), items + part.items.len())
        })
    }

    /// The rows by column, if there are no others and nothing has to be withdrawn besides.
    pub(crate) fn take_bulk(&mut self) -> Result<Option<Filled>, BookError> {
        let Some(filled) = self.bulk.take() else { return Ok(None) };
        let withdraws = self.kinds.iter().any(|k| matches!(k, KindOfBody::States | KindOfBody::Attributes))
            && !self.snapshot.segments().is_empty();
        if self.sorter.count() == 0 && !withdraws {
            return Ok(Some(filled));
        }
        self.unfold(filled)?;
        Ok(None)
    }

    /// Puts rows by column among the other rows.
    fn unfold(&mut self, filled: Filled) -> Result<(), BookError> {
        let contents = std::mem::take(&mut lock(&filled.bulk.contents).list);
        for part in &filled.bulk.parts {
            let part = std::mem::take(&mut *lock(part));
            let mut sorted = Sorted::new(&contents, &self.source, self.now);
            sorted.add_all(&part, &filled.numbering);
            for customer in sorted.customers() {
                for fact in customer.facts().facts {
                    self.sorter.push(&Filed::own(fact))?;
                }
            }
        }
        Ok(())
    }

    /// Writes what is new among the rows by column.
    pub(crate) fn write_bulk<T: Send>(
        &mut self,
        filled: Filled,
        number: u64,
        outcome: &mut Outcome,
        follow: Follow<'_, T>,
    ) -> Result<Option<(Written, Pairs)>, BookError> {
        let contents = std::mem::take(&mut lock(&filled.bulk.contents).list);
        let tasks: Vec<_> = tasks(filled.bulk).into_iter().map(|task| Mutex::new(Some(task))).collect();
        let each = tasks.len().div_ceil(RANGES).max(1);
        let ranges: Vec<_> = tasks.chunks(each).collect();
        let name = format!("{number:08}.parquet");
        let damaged = |error| BookError::damaged(&name, error);
        let descriptor: SchemaDescPtr = Arc::new(SchemaDescriptor::new(Arc::new(schema().map_err(damaged)?)));
        let mut segments = Vec::new();
        for (info, file) in self.snapshot.segments().iter().filter(|(info, _)| info.family == Family::Items) {
            segments.push(Segment::open(info, file.clone())?);
        }
        let work = Work {
            source: &self.source,
            now: self.now,
            first_seq: self.first_seq,
            snapshot: &self.snapshot,
            segments,
            contents: &contents,
            columns: ContentColumns::new(&contents),
            numbering: filled.numbering,
            schema: descriptor,
            name: name.clone(),
        };
        let mut pending = Pending::new(self.book, number);
        let Follow { new: begin, add, take } = follow;
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(ranges.len().max(1));
        let written = std::thread::scope(|scope| -> Result<(), BookError> {
            let (sender, receiver) = mpsc::channel::<(usize, Result<Made<T>, BookError>)>();
            for _ in 0..threads {
                let sender = sender.clone();
                let (work, ranges, next, stop) = (&work, &ranges, &next, &stop);
                scope.spawn(move || {
                    loop {
                        let range = next.fetch_add(1, Ordering::Relaxed);
                        let Some(tasks) = ranges.get(range) else { return };
                        let mut follower = Some(begin(work.contents, work.source));
                        for (at, task) in tasks.iter().enumerate() {
                            let Some(task) = lock(task).take() else { return };
                            let mut made = work.make(task, add, follower.as_mut());
                            if let (Ok(made), true) = (&mut made, at + 1 == tasks.len()) {
                                made.followed = follower.take();
                            }
                            let sent = sender.send((range * each + at, made));
                            if stop.load(Ordering::Relaxed) || sent.is_err() {
                                return;
                            }
                        }
                    }
                });
            }
            drop(sender);
            let mut waiting: BTreeMap<usize, Made<T>> = BTreeMap::new();
            let (mut at, mut unsynced) = (0, 0);
            let taken = receiver.iter().try_for_each(|(number, made)| {
                waiting.insert(number, made?);
                while let Some(made) = waiting.remove(&at) {
                    at += 1;
                    merge(outcome, made.outcome);
                    if let Some(followed) = made.followed {
                        take(followed);
                    }
                    let Some(group) = made.group else { continue };
                    pending.writer()?.append(&self.source, group)?;
                    unsynced += 1;
                    if unsynced >= SYNC_EVERY {
                        unsynced = 0;
                        pending.writer()?.sync()?;
                    }
                }
                Ok(())
            });
            if taken.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            taken
        });
        written?;
        pending.finish()
    }
}

fn merge(sum: &mut Outcome, part: Outcome) {
    sum.facts += part.facts;
    sum.duplicates += part.duplicates;
    sum.superseded += part.superseded;
    sum.confirmed += part.confirmed;
    let room = LISTED_CONFLICTS - sum.conflicts.len();
    sum.conflicts.extend(part.conflicts.into_iter().take(room));
}

/// Parts in the order of the book, put together to row groups.
fn tasks(bulk: Bulk) -> Vec<Task> {
    let width = u64::MAX / bulk.parts.len() as u64 + 1;
    let mut tasks = Vec::new();
    let mut open: Option<Task> = None;
    let mut rows = 0;
    for (number, part) in bulk.parts.into_iter().enumerate() {
        let part = part.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if part.at.is_empty() {
            continue;
        }
        let first = number as u64 * width;
        let last = first + (width - 1);
        rows += part.at.len();
        let task = open.get_or_insert_with(|| Task { parts: Vec::new(), range: BucketRange { first, last } });
        task.range.last = last;
        task.parts.push(part);
        if rows >= GROUP_ROWS {
            tasks.extend(open.take());
            rows = 0;
        }
    }
    tasks.extend(open);
    tasks
}

/// What all threads need.
struct Work<'w> {
    source: &'w Text,
    now: Instant,
    first_seq: u64,
    snapshot: &'w Snapshot,
    segments: Vec<Segment>,
    contents: &'w [ItemState],
    columns: ContentColumns,
    numbering: Numbering,
    schema: SchemaDescPtr,
    name: String,
}

impl Work<'_> {
    fn make<T>(
        &self,
        task: Task,
        follow: &(dyn Fn(&mut T, &Sorted) + Sync),
        follower: Option<&mut T>,
    ) -> Result<Made<T>, BookError> {
        let terms = Terms { source: self.source, now: self.now, whole: &[], first_seq: self.first_seq };
        let mut known = Known {
            snapshot: self.snapshot,
            last: task.range.last,
            stored: Stored::new(&self.segments, &self.columns),
            merge: None,
        };
        let mut outcome = Outcome::default();
        let mut sorted = Sorted::new(self.contents, self.source, self.now);
        for part in task.parts {
            sorted.add(&part, &self.numbering, &terms, &mut known, &mut outcome)?;
        }
        let damaged = |error| BookError::damaged(&self.name, error);
        let group = match sorted.rows() {
            0 => None,
            _ => Some(encode(&sorted, &self.columns, &self.schema).map_err(damaged)?),
        };
        if let Some(follower) = follower {
            follow(follower, &sorted);
        }
        Ok(Made { group, outcome, followed: None })
    }
}

/// What the book has of the customers of some parts, who are asked for in order.
pub(super) struct Known<'k> {
    snapshot: &'k Snapshot,
    last: u64,
    stored: Stored<'k>,
    /// Opened when it is needed first.
    merge: Option<Merge>,
}

impl Known<'_> {
    /// Compares a customer's new rows with what is known.
    pub(super) fn verdict(
        &mut self,
        sorted: &Sorted,
        items: Range<usize>,
        hash: u64,
        id: &str,
    ) -> Result<Verdict, BookError> {
        self.stored.verdict(sorted, items, hash, id)
    }

    /// Everything that is filed under a customer.
    pub(super) fn filed(&mut self, hash: u64, id: &str) -> Result<Vec<Filed>, BookError> {
        let merge = match &mut self.merge {
            Some(merge) => merge,
            slot => slot.insert(
                self.snapshot.merge(BucketRange { first: hash, last: self.last }, scan::Part::Items)?,
            ),
        };
        merge.seek(hash)?;
        while let Some((found, name)) = merge.peek() {
            match (found, &*name).cmp(&(hash, id)) {
                std::cmp::Ordering::Less => drop(merge.next()?),
                std::cmp::Ordering::Equal => {
                    return Ok(merge.next()?.map(|group| group.facts).unwrap_or_default());
                }
                std::cmp::Ordering::Greater => break,
            }
        }
        Ok(Vec::new())
    }
}
