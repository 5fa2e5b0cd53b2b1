//! Reading facts in the order of customers, over all segments at once.

use crate::error::BookError;
use crate::record::Filed;
use crate::segment::{Family, SegmentCursor};
use netnew_facts::{Fact, Text, customer_hash};

/// A contiguous range of customer hashes, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketRange {
    /// First hash.
    pub first: u64,
    /// Last hash.
    pub last: u64,
}

impl BucketRange {
    /// Everything.
    pub const ALL: BucketRange = BucketRange { first: 0, last: u64::MAX };
}

/// Which facts of a customer to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// States and attributes: what levels and movements come from.
    Items,
    /// Entries: invoices, payments, usage, ... Those of the business itself come under the empty customer id.
    Entries,
    /// Both.
    All,
}

impl Part {
    /// True when facts of that family are wanted.
    pub(crate) fn has(self, family: Family) -> bool {
        match self {
            Part::Items => family == Family::Items,
            Part::Entries => family == Family::Entries,
            Part::All => true,
        }
    }
}

/// All facts filed under one customer id.
pub struct Group {
    /// The id.
    pub customer: Text,
    /// Its facts, shadows included, by key within each segment.
    pub facts: Vec<Filed>,
}

/// Merges the cursors of several segments into groups by customer.
pub struct Merge {
    cursors: Vec<(SegmentCursor, Option<Filed>)>,
}

impl Merge {
    /// Starts at the beginning of every cursor.
    pub fn new(cursors: Vec<SegmentCursor>) -> Result<Merge, BookError> {
        let mut merge = Merge { cursors: Vec::with_capacity(cursors.len()) };
        for mut cursor in cursors {
            let head = cursor.next()?;
            merge.cursors.push((cursor, head));
        }
        Ok(merge)
    }

    /// Hash and id of the next group.
    pub fn peek(&self) -> Option<(u64, Text)> {
        self.cursors
            .iter()
            .filter_map(|(_, head)| head.as_ref())
            .map(|filed| (customer_hash(&filed.under), filed.under.clone()))
            .min()
    }

    /// The next group.
    pub fn next(&mut self) -> Result<Option<Group>, BookError> {
        let Some((_, customer)) = self.peek() else { return Ok(None) };
        let mut facts = Vec::new();
        for (cursor, head) in &mut self.cursors {
            while let Some(filed) = head.take_if(|filed| filed.under == customer) {
                facts.push(filed);
                *head = cursor.next()?;
            }
        }
        Ok(Some(Group { customer, facts }))
    }

    /// Goes on no earlier than at a hash.
    pub fn seek(&mut self, hash: u64) -> Result<(), BookError> {
        for (cursor, head) in &mut self.cursors {
            if head.as_ref().is_some_and(|filed| customer_hash(&filed.under) < hash) {
                cursor.seek(hash)?;
                *head = cursor.next()?;
            }
        }
        Ok(())
    }
}

/// The facts of a group, wherever they are filed.
pub fn facts_of(group: Vec<Filed>) -> impl Iterator<Item = Fact> {
    group.into_iter().map(|filed| filed.fact)
}
