//! From numbers to decisions: what is wrong and which lever to pull, where a business stands, what comes next.
//!
//! Everything here is a function of months ([`Month`]) and movements ([`Event`]) that the ledger already holds:
//! no I/O, no clock, no floats. Shares and rates are exact fractions; intervals and ranges are worked out in whole
//! numbers at a stated precision ([`interval`]). Every sentence carries its figures, and every figure carries what is
//! needed to open it ([`Figure`]).

pub mod alerts;
pub mod benchmarks;
pub mod diagnosis;
mod figure;
pub mod forecast;
pub mod goals;
pub mod interval;
pub mod milestones;
mod month;
pub mod pace;
pub mod whatif;
pub mod words;

pub use figure::{Figure, FigureValue, Reason, Source};
pub use month::{Event, Month, total};
