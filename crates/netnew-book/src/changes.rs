//! Whose facts two views of one book differ in.

use crate::book::{Book, Snapshot};
use crate::catalog;
use crate::error::BookError;
use crate::segment::{Family, SegmentCursor};
use netnew_facts::{CustomerFacts, Fact, Text};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What happened to a book between two views of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Ids of customers whose states or attributes may be told otherwise than before, canonical in the later or the
    /// earlier view.
    pub customers: BTreeSet<Text>,
    /// Of some of them, the states and attributes as [`Snapshot::customer`] of the later view gives them: those that this
    /// process had in its hands when it booked them.
    pub at_hand: BTreeMap<Text, CustomerFacts>,
}

/// Where more rows than this are new, everything is best read again.
const MOST: u64 = 100_000;

/// So many of the last imports are remembered.
const IMPORTS: usize = 64;

/// An import of more customers or facts than these is not remembered.
const CUSTOMERS: usize = 256;
const FACTS: usize = 16_384;

/// States and attributes of the customers that an import spoke of, as they stood after it.
#[derive(Default)]
pub(crate) struct Touched {
    customers: Vec<(Text, Vec<Fact>)>,
    facts: usize,
    too_many: bool,
}

impl Touched {
    /// Whether a customer of whom so many facts are known is to be remembered.
    pub fn wants(&mut self, facts: usize) -> bool {
        self.facts += facts;
        if self.customers.len() >= CUSTOMERS || self.facts > FACTS {
            *self = Touched { too_many: true, ..Touched::default() };
        }
        !self.too_many
    }

    /// Remembers a customer.
    pub fn add(&mut self, customer: Text, facts: Vec<Fact>) {
        self.customers.push((customer, facts));
    }

    /// Remembers nothing of this import: more changed than was seen.
    pub fn give_up(&mut self) {
        *self = Touched { too_many: true, ..Touched::default() };
    }
}

/// An import that this process booked.
struct Booked {
    /// The book's counter before and after it.
    seqs: [u64; 2],
    customers: Vec<(Text, Vec<Fact>)>,
}

/// What this process booked last: a reader in the same process need not read it back.
#[derive(Default)]
pub(crate) struct Recent(Mutex<VecDeque<Booked>>);

impl Recent {
    fn imports(&self) -> MutexGuard<'_, VecDeque<Booked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what was booked between two values of the book's counter.
    pub fn add(&self, before: u64, after: u64, touched: Touched) {
        let mut imports = self.imports();
        if touched.too_many {
            imports.clear();
            return;
        }
        if imports.len() >= IMPORTS {
            imports.pop_front();
        }
        imports.push_back(Booked { seqs: [before, after], customers: touched.customers });
    }

    /// Everything that was booked between two values of the counter, the last facts of each id as filed; `None` when some
    /// of it was booked elsewhere or is forgotten.
    fn between(&self, before: u64, after: u64) -> Option<BTreeMap<Text, Vec<Fact>>> {
        let imports = self.imports();
        let from = imports.iter().position(|booked| booked.seqs[0] == before)?;
        let mut at = before;
        let mut found = BTreeMap::new();
        for booked in imports.iter().skip(from) {
            if booked.seqs[0] != at || at == after {
                break;
            }
            at = booked.seqs[1];
            found.extend(booked.customers.iter().cloned());
        }
        (at == after).then_some(found)
    }
}

impl Book {
    /// The highest `booked_seq` now: what [`Snapshot::version`] of a new view would be. Asks only the catalog.
    pub fn version(&self) -> Result<u64, BookError> {
        catalog::last_seq(&self.catalog())
    }

    /// What is new in a view of this book since an earlier one: as this process booked it, or else read from the segments
    /// that the earlier one does not have. `None` when that is so much that everything is best read again.
    ///
    /// # Errors
    /// A segment that cannot be read.
    pub fn changes(&self, earlier: &Snapshot, now: &Snapshot) -> Result<Option<Changes>, BookError> {
        let same_merges = earlier.merged() == now.merged();
        if let Some(booked) = self.recent.between(earlier.version(), now.version()).filter(|_| same_merges) {
            let mut changes = Changes::default();
            let targets: BTreeSet<&Text> = now.merged().values().collect();
            for (id, facts) in booked {
                // Of merged customers only a part was seen.
                if let Some(canonical) = now.merged().get(&id) {
                    changes.customers.insert(canonical.clone());
                } else if !targets.contains(&id) {
                    let told = CustomerFacts { customer: id.clone(), ids: vec![id.clone()], facts };
                    changes.at_hand.insert(id.clone(), told);
                }
                changes.customers.insert(id);
            }
            return Ok(Some(changes));
        }
        now.changes_since(earlier)
    }
}

impl Snapshot {
    /// What is new since an earlier view of the same book, read from the segments that the other does not have; `None`
    /// when that is so much that everything is best read again.
    ///
    /// # Errors
    /// A segment that cannot be read.
    pub fn changes_since(&self, earlier: &Snapshot) -> Result<Option<Changes>, BookError> {
        let known: BTreeSet<&str> = earlier.segments().iter().map(|(info, _)| info.name.as_str()).collect();
        let new: Vec<_> = self
            .segments()
            .iter()
            .filter(|(info, _)| info.family == Family::Items && !known.contains(info.name.as_str()))
            // What was merged out of segments that the other has says nothing new.
            .filter(|(info, _)| info.booked_until.is_none_or(|until| until > earlier.version()))
            .collect();
        if new.iter().map(|(info, _)| info.rows).sum::<u64>() > MOST {
            return Ok(None);
        }
        let mut ids: BTreeSet<Text> = BTreeSet::new();
        for (info, file) in new {
            let mut cursor = SegmentCursor::open(file.clone(), &info.name, (0, u64::MAX))?;
            while let Some(filed) = cursor.next()? {
                // Copies of older facts are new where they are filed now.
                if filed.fact.booked_seq > earlier.version() || filed.is_shadow() {
                    ids.insert(filed.under);
                }
            }
        }
        let (before, now) = (earlier.merged(), self.merged());
        ids.extend(now.iter().filter(|(id, to)| before.get(*id) != Some(*to)).map(|(id, _)| id.clone()));
        ids.extend(before.iter().filter(|(id, to)| now.get(*id) != Some(*to)).map(|(id, _)| id.clone()));
        let mut customers = BTreeSet::new();
        for id in ids {
            for merged in [before, now] {
                customers.extend(merged.get(&id).cloned());
            }
            customers.insert(id);
        }
        Ok(Some(Changes { customers, at_hand: BTreeMap::new() }))
    }
}
