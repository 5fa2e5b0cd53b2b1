//! What Stripe's objects and events say, as states of subscription items: no files, no network, no clock.
//!
//! [`read`] takes one object or event, in the shape of any version of the API since 2014, and gives what is worth
//! keeping of it ([`Piece`]s). [`history`] takes all pieces about a customer and tells its subscriptions' histories. It is a
//! function of the set of pieces: order, repetition and who came first do not matter. [`webhook`] checks what comes in
//! by itself.
//!
//! ```text
//! object or event -> read -> pieces (kept) -> history -> item states -> the book
//! ```

mod derive;
mod json;
mod parse;
mod piece;
mod price;
pub mod webhook;

pub use derive::cash::{Entered, Paid, entries_of_charge};
pub use derive::{Catalogue, History, Known, Told, history};
pub use parse::{CustomerSaid, EntrySaid, Kept, Said, Trouble, looks_like_stripe, read};
pub use piece::*;
