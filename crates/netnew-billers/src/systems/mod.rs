//! The systems that are known: one table, one module each.

mod app_store;
mod braintree;
mod chargebee;
mod google_play;
mod lemon_squeezy;
mod paddle;
mod paypal;
mod recurly;

use crate::said::Said;
use crate::signature::{Delivery, Opened, Refused};
use serde_json::Value;

/// A billing system.
pub struct System {
    /// Its name in addresses: `/webhooks/NAME/SOURCE`.
    pub name: &'static str,
    /// What it calls itself.
    pub title: &'static str,
    /// Kind of a file of its objects.
    pub kind: &'static str,
    /// Whether an object, event or list of them is of this system.
    pub looks: fn(&Value) -> bool,
    /// What an object or event says.
    pub read: fn(&Value) -> Said,
    /// Its exports as tables, if they are read.
    pub table: Option<Table>,
    /// How its deliveries are checked.
    pub webhook: Webhook,
}

/// An export as a table.
pub struct Table {
    /// Kind of the file.
    pub kind: &'static str,
    /// Whether these columns, in lower case, are those of the export.
    pub looks: fn(&[String]) -> bool,
    /// What a row says: an object with the columns, in lower case, as texts.
    pub read: fn(&Value) -> Said,
}

/// How deliveries are taken.
#[derive(Clone, Copy)]
pub enum Webhook {
    /// Checked by this.
    Checked(fn(&Delivery<'_>) -> Result<Opened, Refused>),
    /// Refused, with the reason: they could not be checked without asking over the network.
    Refused(&'static str),
}

/// Every system, most used first.
pub const SYSTEMS: &[System] = &[
    paddle::SYSTEM,
    chargebee::SYSTEM,
    recurly::SYSTEM,
    lemon_squeezy::SYSTEM,
    paypal::SYSTEM,
    braintree::SYSTEM,
    app_store::SYSTEM,
    google_play::SYSTEM,
];

/// The system of a name.
pub fn by_name(name: &str) -> Option<&'static System> {
    SYSTEMS.iter().find(|s| s.name == name)
}

/// The system that an object, event or list of them is of.
pub fn recognised(value: &Value) -> Option<&'static System> {
    SYSTEMS.iter().find(|system| match value {
        Value::Array(entries) => entries.iter().any(|entry| (system.looks)(entry)),
        _ => (system.looks)(value),
    })
}

/// The system whose export has these columns.
pub fn recognised_table(headers: &[String]) -> Option<(&'static System, &'static Table)> {
    let headers: Vec<String> = headers.iter().map(|h| h.trim().to_lowercase()).collect();
    SYSTEMS.iter().find_map(|system| {
        let table = system.table.as_ref()?;
        (table.looks)(&headers).then_some((system, table))
    })
}
