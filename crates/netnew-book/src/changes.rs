//! Whose facts two views of one book differ in.

use crate::book::{Book, Snapshot};
use crate::catalog;
use crate::error::BookError;
use crate::segment::SegmentCursor;
use netnew_facts::Text;
use std::collections::BTreeSet;

/// What happened to a book between two views of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Ids of customers who may be told otherwise than before, canonical in the later or the earlier view.
    pub customers: BTreeSet<Text>,
    /// Rates were stated or withdrawn.
    pub rates: bool,
}

/// Where more rows than this are new, everything is best read again.
const MOST: u64 = 100_000;

impl Book {
    /// The highest `booked_seq` now: what [`Snapshot::version`] of a new view would be. Asks only the catalog.
    pub fn version(&self) -> Result<u64, BookError> {
        catalog::last_seq(&self.catalog())
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
        let new: Vec<_> =
            self.segments().iter().filter(|(info, _)| !known.contains(info.name.as_str())).collect();
        if new.iter().map(|(info, _)| info.rows).sum::<u64>() > MOST {
            return Ok(None);
        }
        let mut ids: BTreeSet<Text> = BTreeSet::new();
        for (info, file) in new {
            let mut cursor = SegmentCursor::open(file.clone(), &info.name, (0, u64::MAX))?;
            while let Some(filed) = cursor.next()? {
                // Copies of older facts are new where they are filed now.
                ids.insert(filed.under);
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
        Ok(Some(Changes { customers, rates: self.rates()?.len() != earlier.rates()?.len() }))
    }
}
