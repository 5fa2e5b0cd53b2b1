//! What billing systems other than Stripe say, as states of subscription items and entries: no files, no network, no clock.
//!
//! Each system is a module that knows its shapes and nothing else; it is listed in [`SYSTEMS`]. What all of them end in is
//! the same: a subscription as it was at a moment ([`Seen`]), things that a subscription names ([`Thing`]), entries
//! (invoices, payments, refunds, credit notes, disputes) and attributes of customers. [`history`] takes all that is known of
//! one customer and tells its subscriptions. It is a function of the set of pieces: order and repetition do not matter.
//!
//! ```text
//! object, event or row -> System::read -> pieces (kept) -> history -> item states -> the book
//! ```

mod json;
mod piece;
mod price;
mod said;
pub mod signature;
mod systems;
mod tell;
mod xml;

pub use piece::*;
pub use said::{CustomerSaid, EntrySaid, Kept, Said, Trouble};
pub use systems::{SYSTEMS, System, Webhook, by_name, recognised, recognised_table};
pub use tell::{Catalogue, History, Known, Told, history};
