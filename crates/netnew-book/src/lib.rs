//! The store: segments and a catalog, what was known when, one file layer.
//!
//! A **book** is a directory. Facts about customers (states, attributes) live in immutable Parquet **segments** sorted
//! by customer; rates, aliases, settings and the list of the segments that count live in the **catalog**
//! (`book.db`, SQLite). Raw files are kept once each under `payloads`.
//!
//! A commit is: write files under temporary names, sync, rename, sync the folder, then one catalog transaction. What the
//! catalog does not name does not exist; leftovers are removed by the next writer. Readers hold the segment
//! files they list open, so that a merge may unlink them at any time.
//!
//! Everything goes through one [`FileLayer`], SQLite included, so that a test can lose every byte that was not
//! synced. This crate never interprets money.

mod backup;
mod book;
mod bulk;
mod catalog;
mod changes;
mod error;
mod evidence;
mod files;
mod import;
mod lookup;
mod record;
mod runs;
mod scan;
mod segment;
mod verify;

pub use book::{Book, Counts, ImportRecord, PayloadInfo, Settings, Snapshot};
pub use bulk::{Bulk, Feeder, Follow, Full, Sorted, SortedCustomer, SortedRow};
pub use changes::Changes;
pub use error::BookError;
pub use evidence::{Evidence, Evident, SyncedSource};
pub use files::{FileLayer, Lock, OsFiles, ReadFile, WriteFile};
pub use import::{Conflict, Finish, Import, ImportOptions, Keeping, Kept, KindOfBody, Outcome};
pub use scan::{BucketRange, Part};
pub use verify::Finding;
