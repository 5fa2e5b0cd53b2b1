//! From JSON to pieces.

pub(crate) mod cash;
mod catalogue;
mod customer;
mod invoice;
mod subscription;

use crate::json::{field, flag, id, int, text};
use crate::piece::Piece;
use netnew_facts::{Attributes, Entry, EntryKind};
use serde_json::Value;
use std::collections::BTreeMap;

/// What one object says.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// What is kept, each under an id of its own.
    pub pieces: Vec<Kept>,
    /// Attributes of a customer.
    pub customers: Vec<CustomerSaid>,
    /// Entries that are told in full: invoices, credit notes.
    pub entries: Vec<EntrySaid>,
    /// Payment intents and charges with the invoice that they are for.
    pub links: Vec<(String, String)>,
    /// What could not be understood.
    pub problems: Vec<Trouble>,
    /// Moment of the event (seconds since 1970), or none for an object that was listed.
    pub at: Option<i64>,
    /// The newest moment that the object speaks of as past: it cannot have been listed before.
    pub newest: Option<i64>,
    /// `false` for test data.
    pub live: Option<bool>,
    /// Test clock that the object runs on.
    pub test_clock: Option<String>,
    /// Type of an object that says nothing here.
    pub unused: Option<String>,
}

impl Said {
    /// Whether there is nothing in it to keep or to tell of.
    pub fn says_nothing(&self) -> bool {
        self.pieces.is_empty()
            && self.customers.is_empty()
            && self.entries.is_empty()
            && self.links.is_empty()
            && self.problems.is_empty()
    }
}

/// A piece and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What it is kept under: the newest of one id holds.
    pub id: String,
    /// Customer it is about; empty for prices, coupons and the like, which any customer may need.
    pub about: String,
    /// Breaks ties between states of one object in one second.
    pub rank: i64,
    /// The piece.
    pub piece: Piece,
}

/// Attributes of a customer as of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerSaid {
    /// Customer id.
    pub customer: String,
    /// Attributes.
    pub attributes: Attributes,
}

/// An entry as one object tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntrySaid {
    /// Its id.
    pub key: String,
    /// Customer id.
    pub customer: String,
    /// When it happened, in seconds.
    pub at: i64,
    /// Breaks ties between states of one object in one second.
    pub rank: i64,
    /// What it is.
    pub kind: EntryKind,
    /// What it says, or none when the object was deleted.
    pub entry: Option<Entry>,
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

    fn missing(what: &str, value: &Value, name: &str) -> Trouble {
        let id = text(value, "id").unwrap_or("without an id");
        Trouble::new(
            "missing_value",
            format!("the {what} {id} has no {name}"),
            "export the object as the API gives it, with all its fields",
        )
    }
}

/// Types of objects that Stripe has and a ledger has no use for.
const OF_NO_USE: [&str; 28] = [
    "account",
    "application_fee",
    "balance",
    "balance_transaction",
    "bank_account",
    "billing_portal.session",
    "capability",
    "card",
    "checkout.session",
    "file",
    "file_link",
    "line_item",
    "mandate",
    "order",
    "payment_intent",
    "payment_link",
    "payment_method",
    "payout",
    "person",
    "quote",
    "review",
    "setup_intent",
    "source",
    "tax_id",
    "tax_rate",
    "test_helpers.test_clock",
    "topup",
    "transfer",
];

/// Objects about money that moved.
const CASH: [&str; 5] = ["charge", "refund", "credit_note", "dispute", "invoice_payment"];

/// Whether a JSON object looks like something of Stripe's: an event, a list of objects, or an object by its type and
/// the form of its id.
pub fn looks_like_stripe(value: &Value) -> bool {
    match text(value, "object") {
        Some("list") => crate::json::list(value, "data").iter().any(looks_like_stripe),
        Some("event") => text(value, "type").is_some() && field(value, "data").is_some(),
        Some("price" | "plan" | "product" | "coupon" | "promotion_code" | "discount") => {
            text(value, "id").is_some()
        }
        Some(
            "customer"
            | "subscription"
            | "invoice"
            | "invoiceitem"
            | "subscription_schedule"
            | "subscription_item",
        ) => text(value, "id").is_some(),
        Some(other) => (OF_NO_USE.contains(&other) || CASH.contains(&other)) && text(value, "id").is_some(),
        None => field(value, "object").is_some_and(|inner| text(inner, "object").is_some()),
    }
}

/// Reads one object or event.
pub fn read(value: &Value) -> Said {
    let mut said = Said::default();
    let (object, previous, event) = match (text(value, "object"), field(value, "object")) {
        (Some("event"), _) => {
            let Some(data) = field(value, "data") else {
                said.problems.push(Trouble::missing("event", value, "data"));
                return said;
            };
            said.at = int(value, "created");
            if said.at.is_none() {
                said.problems.push(Trouble::missing("event", value, "created"));
                return said;
            }
            match field(data, "object") {
                Some(object) => (object, field(data, "previous_attributes"), Some(value)),
                None => {
                    said.problems.push(Trouble::missing("event", value, "data.object"));
                    return said;
                }
            }
        }
        // The data of an event without its envelope: an object, without a moment.
        (None, Some(object @ Value::Object(_))) => (object, field(value, "previous_attributes"), None),
        _ => (value, None, None),
    };
    said.live = field(value, "livemode").or_else(|| field(object, "livemode")).and_then(Value::as_bool);
    said.test_clock = id(object, "test_clock").map(str::to_string);
    said.newest = newest(object).max(said.at);
    let context = Context {
        at: said.at,
        event_id: event.and_then(|e| text(e, "id")).unwrap_or_default(),
        event_type: event.and_then(|e| text(e, "type")).unwrap_or_default(),
        previous,
    };
    match text(object, "object") {
        Some("customer") => customer::read(object, &context, &mut said),
        Some("subscription") => subscription::read(object, &context, &mut said),
        Some("invoice") => invoice::read(object, &context, &mut said),
        Some("charge") => cash::charge(object, &mut said),
        Some("refund") => cash::refund(object, None, &mut said),
        Some("dispute") => cash::dispute(object, Some(&context), &mut said),
        Some("credit_note") => cash::credit_note(object, &mut said),
        Some("invoice_payment") => cash::invoice_payment(object, &mut said),
        Some("invoiceitem") => invoice::pending(object, &context, &mut said),
        Some("subscription_schedule") => subscription::schedule(object, &context, &mut said),
        Some("price" | "plan") => catalogue::price(object, &mut said.pieces),
        Some("product") => catalogue::product(object, &mut said.pieces),
        Some("coupon") => catalogue::coupon(object, &mut said.pieces),
        Some("promotion_code") => catalogue::promotion(object, &mut said.pieces),
        Some("discount") => catalogue::discount(object, &context, "", &mut said.pieces),
        Some(other) => said.unused = Some(other.to_string()),
        None => said.problems.push(Trouble::new(
            "not_stripe",
            format!("{} is no object of Stripe's: it does not say of which type it is", shown(object)),
            "give objects or events as the API writes them, each with its \"object\"",
        )),
    }
    one_of_each(&mut said.pieces);
    said
}

/// Of several pieces of one id the last stays: the fullest mention of a price is as good as any.
fn one_of_each(pieces: &mut Vec<Kept>) {
    if pieces.len() > 1 {
        let last: BTreeMap<String, usize> =
            pieces.iter().enumerate().map(|(at, kept)| (kept.id.clone(), at)).collect();
        let mut at = 0;
        pieces.retain(|kept| {
            at += 1;
            last[&kept.id] == at - 1
        });
    }
}

pub(crate) struct Context<'a> {
    pub(crate) at: Option<i64>,
    pub(crate) event_id: &'a str,
    pub(crate) event_type: &'a str,
    pub(crate) previous: Option<&'a Value>,
}

/// Fields that can only lie in the past of who lists the object.
const PAST: [&str; 16] = [
    "created",
    "updated",
    "canceled_at",
    "ended_at",
    "current_period_start",
    "trial_start",
    "finalized_at",
    "paid_at",
    "voided_at",
    "marked_uncollectible_at",
    "webhooks_delivered_at",
    "completed_at",
    "released_at",
    "effective_at",
    "start",
    "period_start",
];

fn newest(value: &Value) -> Option<i64> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(name, value)| match value {
                Value::Number(number) if PAST.contains(&name.as_str()) => number.as_i64(),
                // Phases of schedules and periods of lines may lie ahead, and so may what is pending.
                Value::Object(_) | Value::Array(_)
                    if !matches!(name.as_str(), "metadata" | "phases" | "period" | "pending_update") =>
                {
                    newest(value)
                }
                _ => None,
            })
            .max(),
        Value::Array(entries) => entries.iter().filter_map(newest).max(),
        _ => None,
    }
}

/// An object as it stood before the changes that an event names.
pub(crate) fn before(object: &Value, previous: &Value) -> Value {
    match (object, previous) {
        (Value::Object(now), Value::Object(was)) => {
            let mut merged = now.clone();
            for (name, old) in was {
                let value = merged.get(name).map_or_else(|| old.clone(), |new| before(new, old));
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        _ => previous.clone(),
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

pub(crate) fn is_deleted(object: &Value, context: &Context) -> bool {
    flag(object, "deleted") || context.event_type.ends_with(".deleted")
}
