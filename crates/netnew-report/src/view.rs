//! A book as it stood at one moment, shared by every report about it.

use crate::ReportError;
use crate::memory::Memory;
use netnew_book::{Book, Changes, Snapshot};
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

    /// The book as it stands now, whoever changed it: this view itself when nobody did. What is in memory is carried over,
    /// with the customers that changed read again.
    ///
    /// # Errors
    /// A book that cannot be read.
    pub fn refresh(&self) -> Result<View, ReportError> {
        if self.book.version()? == self.snapshot.version() {
            return Ok(self.clone());
        }
        let snapshot = Arc::new(self.book.snapshot()?);
        let memory = match snapshot.changes_since(&self.snapshot)? {
            Some(Changes { customers, .. }) => self.memory.carried_over(&snapshot, &customers)?,
            None => Memory::default(),
        };
        Ok(View { book: self.book.clone(), snapshot, memory: Arc::new(memory) })
    }
}
