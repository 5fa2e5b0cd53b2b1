//! The facts of a few customers among many: one pass over the segments, skipping what lies between.

use crate::book::Snapshot;
use crate::error::BookError;
use crate::scan::{BucketRange, Part, facts_of};
use netnew_facts::{Fact, customer_hash};

impl Snapshot {
    /// The facts filed under each of these ids as written (merges of customers are not applied), copies of moved
    /// subscriptions included, in one pass. Every id is visited once, in no promised order, also one without facts.
    ///
    /// # Errors
    /// A segment that cannot be read, or what `visit` gives.
    pub fn filed_of<'i, E: From<BookError>>(
        &self,
        ids: impl IntoIterator<Item = &'i str>,
        what: Part,
        visit: &mut dyn FnMut(&'i str, Vec<Fact>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut wanted: Vec<(u64, &'i str)> = ids.into_iter().map(|id| (customer_hash(id), id)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { return Ok(()) };
        let mut merge = self.merge(BucketRange { first: first.0, last: last.0 }, what)?;
        for (hash, id) in wanted {
            merge.seek(hash)?;
            let mut found = Vec::new();
            while let Some((next, name)) = merge.peek() {
                if (next, &*name) > (hash, id) {
                    break;
                }
                let group = merge.next()?;
                if next == hash && &*name == id {
                    found = group.map(|g| facts_of(g.facts).collect()).unwrap_or_default();
                    break;
                }
            }
            visit(id, found)?;
        }
        Ok(())
    }
}
