//! What requests do.

pub mod basics;
pub mod bulk;
pub mod customers;
pub mod events;
pub mod invoices;
pub mod parts;
pub mod subscriptions;

use super::Refusal;
use netnew_mogul::Wrong;
use netnew_money::Instant;
use serde_json::{Map, Value};

/// A request: when it came, and its raw record.
#[derive(Clone, Debug)]
pub struct Request {
    /// Now.
    pub now: Instant,
    /// What was asked, on one line: the path and the body.
    pub record: String,
    /// The body.
    pub body: Map<String, Value>,
}

fn refuse(wrong: Wrong) -> Result<(), Refusal> {
    if wrong.is_empty() { Ok(()) } else { Err(Refusal::Wrong(wrong)) }
}
