//! Exact amounts, currencies, rates, rounding and calendar periods.
//!
//! Nothing here uses binary floating point, reads a clock or touches a file: every result is a
//! function of its arguments and of the time zone database compiled into the program.
//!
//! - [`Amount`]: money at ten decimals, the only form that is stored and added.
//! - [`Decimal`]: a price, quantity, percentage or rate exactly as it was written.
//! - [`Ratio`]: what a computation carries until its single rounding.
//! - [`Currency`], [`RateTable`]: ISO 4217 codes and published exchange rates.
//! - [`Instant`], [`Day`], [`Zone`], [`Grain`]: UTC microseconds, civil days and how one becomes the other.

mod amount;
mod currency;
mod decimal;
mod error;
mod grain;
mod interval;
mod largest_remainder;
mod rates;
mod ratio;
mod rounding;
mod time;
mod wide;
mod zone;
mod zone_table;

pub use amount::Amount;
pub use currency::{Currency, Provider};
pub use decimal::Decimal;
pub use error::MoneyError;
pub use grain::{Grain, WeekStart};
pub use interval::{IntervalUnit, MonthFactors, Normalised, line_value, monthly_factor, normalise};
pub use largest_remainder::apportion;
pub use rates::{Rate, RatePath, RateTable};
pub use ratio::Ratio;
pub use rounding::{Rounding, div_round};
pub use time::{Day, Instant};
pub use zone::Zone;
