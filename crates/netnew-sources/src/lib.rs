//! Files and payloads in, facts and problems out.
//!
//! [`open`] takes a file in any of the [`Format`]s, recognises what it is by its content and its columns, and
//! gives a [`Reader`], which turns rows into [`netnew_facts::Statement`]s. A row that cannot be taken is a
//! [`Problem`] with file, line, column, code and hint, and the others flow on. Memory does not grow with the
//! file, but for workbooks, which are held whole.
//!
//! Nothing is guessed: where a number or date can mean two things and no other cell of the file tells which, the
//! row is a problem. Nothing here knows what MRR is. The guide for users is `docs/importing.md`.

mod bulk;
mod cell;
pub mod code;
mod currency_mark;
mod date;
mod evidence;
mod fields;
mod formats;
mod kind;
mod number;
mod open;
mod problem;
mod recognise;
mod records;
mod row;
mod rows;
mod words;

pub use bulk::{Bulk, Group, Unfit};
pub use formats::JsonObjects;
pub use kind::Kind;
pub use open::{Context, Format, Opened, Reader, Row, open};
pub use problem::{Problem, SourceError};
pub use records::Records;
pub use rows::{entry_columns, entry_row};
