//! What one object says, before anything is kept.

use crate::json::shown;
use crate::piece::{Billed, Off, Owned, Piece, Seen, Thing};
use netnew_facts::{Attributes, Entry};
use netnew_money::Instant;
use serde_json::Value;

/// What one object, event or row says.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// What is kept, each under an id of its own.
    pub pieces: Vec<Kept>,
    /// Attributes of customers.
    pub customers: Vec<CustomerSaid>,
    /// Invoices, payments, refunds, credit notes and disputes.
    pub entries: Vec<EntrySaid>,
    /// What could not be understood.
    pub problems: Vec<Trouble>,
    /// `false` for data of a sandbox, where the payload says.
    pub live: Option<bool>,
    /// Type of an object that says nothing here.
    pub unused: Option<String>,
}

/// A piece and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What it is kept under: the newest of one id holds.
    pub id: String,
    /// What it is told with: the customer, or the subscription where payloads do not name one; empty for things that
    /// anybody may need.
    pub about: String,
    /// Of two pieces under one id the higher holds.
    pub version: i64,
    /// The piece.
    pub piece: Piece,
}

/// Attributes of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerSaid {
    /// Customer id.
    pub customer: String,
    /// What it is said by, if more than one object speaks of a customer (an address, a subscription).
    pub part: String,
    /// Moment, in microseconds.
    pub version: i64,
    /// Attributes.
    pub attributes: Attributes,
}

/// An entry, and which statement of it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntrySaid {
    /// Customer id.
    pub customer: String,
    /// Id of the entry among those of its kind.
    pub key: String,
    /// When it happened.
    pub at: Instant,
    /// Of two statements the one with the higher version holds, in microseconds.
    pub version: i64,
    /// What it says; [`None`] withdraws it, of the kind named.
    pub entry: Result<Entry, netnew_facts::EntryKind>,
}

impl EntrySaid {
    /// Kind of the entry.
    pub fn kind(&self) -> netnew_facts::EntryKind {
        match &self.entry {
            Ok(entry) => entry.kind(),
            Err(kind) => *kind,
        }
    }
}

/// What is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Stable code.
    pub code: &'static str,
    /// What is wrong, with the object's id.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Trouble {
    pub(crate) fn new(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Trouble {
        Trouble { code, message: message.into(), hint: hint.into() }
    }
}

impl Said {
    /// Keeps a subscription seen at a moment. `about` is its customer, or itself where payloads name none.
    pub(crate) fn seen(&mut self, about: &str, by: &str, seen: Seen) {
        self.pieces.push(Kept {
            id: format!("{} {} {} {by}", seen.subscription, seen.at, seen.rank),
            about: about.to_string(),
            version: seen.at,
            piece: Piece::Seen(Box::new(seen)),
        });
    }

    /// Keeps a price, plan or product.
    pub(crate) fn thing(&mut self, id: &str, version: i64, thing: Thing) {
        self.keep(id, version, Piece::Thing(Box::new(thing)));
    }

    /// Keeps a coupon.
    pub(crate) fn coupon(&mut self, id: &str, version: i64, coupon: Off) {
        self.keep(&format!("coupon {id}"), version, Piece::Coupon(Box::new(coupon)));
    }

    /// Keeps what a bill says of a price.
    pub(crate) fn billed(&mut self, about: &str, by: &str, billed: Billed) {
        self.pieces.push(Kept {
            id: format!("{} billed {by} {}", billed.subscription, billed.thing),
            about: about.to_string(),
            version: billed.at,
            piece: Piece::Billed(billed),
        });
    }

    fn keep(&mut self, id: &str, version: i64, piece: Piece) {
        self.pieces.push(Kept { id: id.to_string(), about: String::new(), version, piece });
    }

    /// Says that an entry stands so.
    pub(crate) fn entry(&mut self, customer: &str, key: &str, at: i64, version: i64, entry: Entry) {
        self.entries.push(EntrySaid {
            customer: customer.to_string(),
            key: key.to_string(),
            at: Instant::from_micros(at),
            version,
            entry: Ok(entry),
        });
    }

    /// Says that an entry of a subscription stands so, whoever its customer may be.
    pub(crate) fn owned(&mut self, subscription: &str, key: &str, at: i64, version: i64, entry: &Entry) {
        let kind = entry.kind().as_str().to_string();
        let entry = entry.to_json();
        let (subscription, key) = (subscription.to_string(), key.to_string());
        self.pieces.push(Kept {
            id: format!("{subscription} {kind} {key}"),
            about: subscription.clone(),
            version,
            piece: Piece::Owned(Box::new(Owned { subscription, kind, key, at, version, entry })),
        });
    }

    /// Says attributes; those without a value are left out.
    pub(crate) fn attributes(
        &mut self,
        customer: &str,
        part: &str,
        version: i64,
        values: impl IntoIterator<Item = (String, Option<String>)>,
    ) {
        let attributes: Attributes = values.into_iter().filter(|(_, value)| value.is_some()).collect();
        if !attributes.is_empty() && !customer.is_empty() {
            self.customers.push(CustomerSaid {
                customer: customer.to_string(),
                part: part.to_string(),
                version,
                attributes,
            });
        }
    }

    /// Says that a field is missing without which the object cannot be used.
    pub(crate) fn missing(&mut self, what: &str, id: Option<&str>, name: &str) {
        self.problems.push(Trouble::new(
            "missing_value",
            format!("the {what} {} has no usable {name}", id.unwrap_or("without an id")),
            "export the object as the API gives it, with all its fields",
        ));
    }

    /// Says that the object is none of the system's.
    pub(crate) fn strange(&mut self, system: &str, value: &Value) {
        self.problems.push(Trouble::new(
            "unknown_object",
            format!("{} is no object of {system}'s that is known here", shown(value)),
            "give objects or events as the API writes them",
        ));
    }
}
