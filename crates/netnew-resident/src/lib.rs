//! A book in memory, and the fast pass over it.
//!
//! An [`Image`] holds the winning facts of a book as columns, customer by customer, each customer's rows by time.
//! [`Rules`] apply a policy once to every distinct content (price, quantity, interval, plan, status, discounts), of
//! which there are few. The pass ([`pass`]) then only looks up, compares and adds: it hands the same steps, kinds,
//! causes and amounts that [`netnew_ledger::replay`] gives to a [`Sink`], at a fraction of the cost. What is rare is
//! left to `replay` itself, customer by customer, and tests hold the two equal over random businesses.
//!
//! This crate does no I/O and defines no figure: levels and causes are the ledger's own functions.

mod attributes;
mod classes;
mod cohorts;
mod columns;
mod cut;
mod days;
mod finder;
mod grouped;
mod image;
mod kinds;
mod laid;
mod listing;
mod movements;
mod pass;
mod patch;
mod people_store;
mod periods;
mod quick;
mod rollup;
mod rules;
mod step;
mod store;
mod stretch;
mod templates;
mod texts;
mod walk;

pub use attributes::{Attributes, Column, People, PeopleBuilder};
pub use classes::{Classes, facts_with, without_dimensions};
pub use cohorts::cohorts;
pub use columns::{Columns, ColumnsBuilder, Joined, PlainRow};
pub use cut::Cut;
pub use days::{DayCell, DayHeads, Days, Topic};
pub use finder::{Found, Wanted, find};
pub use grouped::{Rows, grouped};
pub use image::{Content, Extra, Image, ImageBuilder, TooLarge};
pub use listing::{Worth, largest, listed_facts, search, worth};
pub use movements::{Movement, Movements};
pub use pass::{pass, pass_among, pass_in_order};
pub use periods::{Periods, can_group};
pub use rollup::{ByPair, rollup};
pub use rules::Rules;
pub use step::{Change, Posting, Row, Sink, Step};
pub use store::{Extent, Source};
pub use stretch::stretch;
pub use texts::Texts;
pub use walk::Walker;
