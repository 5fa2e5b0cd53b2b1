//! SQL over a book: tables of facts, levels and movements, answered by DataFusion.
//!
//! - [`Table`] names the tables and their columns; `docs/sql.md` is made from it.
//! - [`Tables`] is the one seam to a book: whoever implements it hands over record batches. [`ledgers`] makes them from
//!   customers' ledgers, in one pass.
//! - [`Sql`] answers queries. It only reads, it adds amounts up exactly or fails, and it has limits.
//! - With the feature `pg`, [`pg`] speaks the Postgres protocol.

mod daily;
mod error;
mod exact;
mod functions;
mod guard;
pub mod ledgers;
#[cfg(feature = "pg")]
pub mod pg;
mod provider;
mod rows;
mod session;
mod source;
mod tables;
mod values;

pub use datafusion::arrow::record_batch::RecordBatch;
pub use datafusion::error::DataFusionError as EngineError;
pub use error::QueryError;
pub use rows::Rows;
pub use session::{CATALOG, Limits, SCHEMA, Sql};
pub use source::{Parts, SourceError, Tables, Wanted};
pub use tables::{Column, Table, Type, reference_markdown};
pub use values::Answer;
