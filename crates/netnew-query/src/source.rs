//! Where rows come from: the one seam between SQL and a book.

use crate::tables::Table;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::DataFusionError;
use netnew_money::{Day, Rate};
use std::fmt;

/// An error of the book, the ledger or the rates, as users see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// Stable code for machines.
    pub code: String,
    /// What and where.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SourceError {}

impl SourceError {
    /// Through the engine, to be found again by [`SourceError::within`].
    pub(crate) fn into_engine(self) -> DataFusionError {
        DataFusionError::External(Box::new(self))
    }

    /// The error of the book inside an error of the engine.
    pub(crate) fn within(error: &DataFusionError) -> Option<&SourceError> {
        let mut error: &(dyn std::error::Error + 'static) = error;
        loop {
            if let Some(found) = error.downcast_ref::<SourceError>() {
                return Some(found);
            }
            // What several partitions failed with is shared; External hides its content from `source`.
            match error.downcast_ref::<DataFusionError>() {
                Some(DataFusionError::External(inner)) => error = inner.as_ref(),
                Some(DataFusionError::Shared(inner)) => error = inner.as_ref(),
                _ => error = error.source()?,
            }
        }
    }
}

/// A table that a query reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub table: Table,
    /// Whether one of [`Table::costly`] is read; otherwise these columns may be null.
    pub whole: bool,
}

/// Rows of a table, in parts that can be read side by side.
pub type Parts = Vec<Vec<RecordBatch>>;

/// The rows of a book under one report: flags, policy and snapshot are fixed when it is made.
pub trait Tables: Send + Sync + fmt::Debug {
    /// IANA name of the report's time zone.
    fn zone(&self) -> &str;

    /// All rows of each wanted table, in the same order, with the schema of [`Table::schema`]. What needs every
    /// customer's ledger should be made in one pass. Never asked for [`Table::LevelsDaily`].
    ///
    /// # Errors
    /// What reading the book or computing a ledger can fail with.
    fn load(&self, wanted: &[Wanted]) -> Result<Vec<Parts>, SourceError>;

    /// The rate from a currency to the report's on a day; `None` when nothing has to be converted.
    ///
    /// # Errors
    /// An unknown currency, a missing rate.
    fn rate(&self, currency: &str, day: Day) -> Result<Option<Rate>, SourceError>;

    /// Code of the report's currency; `None` when each amount keeps its own.
    fn currency(&self) -> Option<&str>;
}
