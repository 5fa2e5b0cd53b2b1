//! From a question to its answer: a book, a policy, a moment of knowing, and what is asked of them.
//!
//! The command line, the API and the pages ask here and print what they get, so that they cannot differ. Nothing is
//! computed here that a lower room could compute: [`Report`] finds the way (from memory, or by replaying every customer)
//! and the other modules give each kind of answer its shape, typed and as JSON.

mod answers;
pub mod check;
pub mod cohorts;
pub mod compare;
pub mod customer;
pub mod customers;
pub mod decide;
mod error;
pub mod explain;
pub mod figures;
pub mod flat;
mod follow;
mod keep;
mod memory;
pub mod metrics;
pub mod movements;
pub mod mrr;
pub mod page;
mod policies;
mod question;
mod report;
pub mod resident;
pub mod story;
#[cfg(feature = "sql")]
pub mod tables;
mod view;
pub mod written;

pub use answers::warm;
pub use error::ReportError;
pub use policies::{find_policy, load_policy, set_knob};
pub use question::{Now, Question, instant_or_end_of_day, parse_day};
pub use report::Report;
pub use view::View;
