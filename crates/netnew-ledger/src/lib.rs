//! Item states and a policy in, levels and movements out.
//!
//! The ledger of one customer is [`replay`]: facts -> winning states -> phases (`phase`) -> levels (`level`)
//! -> netted steps ([`replay`]) -> posted rows (`posting`) with causes (`cause`). The rules are written
//! down in `docs/ledger.md`; section numbers in this crate's comments are that page's.
//!
//! This crate does no I/O, reads no clock, and knows neither SQL nor HTTP nor JSON. Every instant, rate and time
//! zone it uses is in the [`Context`].

mod attributes;
mod cause;
mod context;
mod entries;
#[cfg(test)]
mod entries_tests;
mod invoiced;
mod level;
mod movement;
mod phase;
mod posting;
mod replay;
#[cfg(test)]
mod replay_tests;
mod valuation;

pub use attributes::{Dimensions, Epoch, epochs};
pub use cause::{End, Surroundings, of_change, of_end, of_start};
pub use context::{Context, LedgerError};
pub use level::{Level, level_of};
pub use movement::{Cause, CustomerLedger, ItemInfo, Kind, Layer, LevelChange, Row, Step};
pub use phase::{Phase, Standing, phases};
pub use posting::{Delta, Part, split};
pub use replay::replay;
pub use valuation::{Money, rate};
