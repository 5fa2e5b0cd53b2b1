//! The shapes of ChartMogul's API, and what is said in them.
//!
//! A program that speaks to ChartMogul sends customers, plans, invoices with line items and transactions, cancellations and
//! subscription events, and reads metrics. [`shapes`] are those objects as they are sent, kept and answered; [`checks`] reads
//! them from requests; [`history`] turns what is known of one customer into item states, and [`paper`] into invoices, payments
//! and refunds; [`figures`] gives metrics the units, signs and roundings of the API. Nothing here does I/O or asks for the
//! time.
//!
//! Money in this API is a whole number of hundredths of the currency's unit, whatever the currency, and the amount of a line
//! is for its whole quantity.

pub mod checks;
pub mod cursor;
pub mod dates;
pub mod figures;
pub mod history;
pub mod ids;
pub mod money;
pub mod paper;
pub mod shapes;

pub use checks::Wrong;
