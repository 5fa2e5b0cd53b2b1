//! What programs that speak to ChartMogul send, on its way into a book.
//!
//! A write is durable when [`Desk::write`] returns: the object and its raw record are in the catalog, many writes in one
//! transaction. From there [`tell`] makes facts of it, customer by customer, through the same import as everything: what a
//! customer's objects say now is compared with what the book holds of it, what is new is stated and what is no longer so is
//! withdrawn. Whoever reads figures calls [`tell::tell`] first, so that nobody sees a state in between.

pub mod acts;
mod desk;
mod store;
pub mod tell;

pub use desk::Desk;
pub use store::{List, Object, Order, Store, Which};

use netnew_mogul::Wrong;
use serde_json::Value;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// Something in it is wrong, field by field.
    #[error("the request is not valid")]
    Wrong(Wrong),
    /// The same with a body of its own.
    #[error("the request is not valid")]
    WrongBody(Value),
    /// The catalog could not be read or written.
    #[error("the catalog: {0}")]
    Catalog(String),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Refusal {
        Refusal::Catalog(error.to_string())
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Refusal {
        Refusal::Catalog(error.to_string())
    }
}

impl From<Wrong> for Refusal {
    fn from(wrong: Wrong) -> Refusal {
        Refusal::Wrong(wrong)
    }
}
