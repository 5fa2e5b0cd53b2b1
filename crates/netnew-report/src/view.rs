//! A book as it stood at one moment, shared by every report about it.

use crate::ReportError;
use crate::follow::Since;
use crate::memory::Memory;
use netnew_book::{Book, Snapshot};
use std::sync::Arc;

/// A book as it stood at one moment, shared by every report about it. Cheap to clone; clones share what one of them has
/// brought into memory.
#[derive(Clone)]
pub struct View {
    /// The book.
    pub book: Arc<Book>,
    /// All that is known in it.
    pub snapshot: Arc<Snapshot>,
    /// The book in memory, as far as somebody asked for it.
    pub(crate) memory: Arc<Memory>,
}

impl View {
    /// The book as it stands now.
    ///
    /// # Errors
    /// A book that cannot be read.
    pub fn new(book: Arc<Book>) -> Result<View, ReportError> {
        let snapshot = Arc::new(book.snapshot()?);
        Ok(View { book, snapshot, memory: Arc::default() })
    }

    /// The book as it stands now, whoever changed it: this view itself when nobody did. What is in memory follows, at a cost
    /// that goes by what is new.
    ///
    /// # Errors
    /// A book that cannot be read.
    pub fn refresh(&self) -> Result<View, ReportError> {
        if self.book.version()? == self.snapshot.version() {
            return Ok(self.clone());
        }
        let snapshot = Arc::new(self.book.snapshot_after(&self.snapshot)?);
        let since = match self.book.changes(&self.snapshot, &snapshot)? {
            Some(changes) => Since::after(self, &snapshot, &changes)?,
            None => None,
        };
        Ok(View { book: self.book.clone(), snapshot, memory: Arc::new(Memory::following(since)) })
    }
}
