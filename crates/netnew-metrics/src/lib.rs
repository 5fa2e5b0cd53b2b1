//! Rollups, the registry of metric definitions, cohorts and retention.
//!
//! A report is a [`Query`] over customers' ledgers: each is added to a [`Rollup`] (or [`Cohorts`]), parts merge,
//! and [`Rollup::finish`] gives rows in which start + movements + fx = end. Metrics are figures over those rows,
//! defined once in the [`registry`].
//!
//! This crate does no I/O and reads no clock.

mod cash;
mod cohorts;
mod convert;
mod frame;
mod query;
mod recognition;
mod rollup;

pub mod registry;

pub use cash::{CashRollup, CashRow, CashRows, Revenue};
pub use cohorts::{CohortRow, Cohorts, Measure};
pub use convert::Converter;
pub use frame::{Frame, end_of_day, known_rates};
pub use query::{Field, Filter, Period, Place, Query, QueryError, ReportCurrency, Term};
pub use recognition::{Schedule, Spread};
pub use rollup::{
    Extras, GroupKey, Heads, Retained, Rollup, RollupError, RollupRow, Window, join_rows, negated, row_place,
};
