//! A fact, its natural key, and the statements that imports hand to the book.

use crate::bucket::hash128_hex;
use crate::discount::Discount;
use crate::entry::{Entry, EntryKind};
use crate::state::ItemState;
use netnew_money::{Currency, Day, Decimal, Instant};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Shared text: ids, plan names and source names repeat over many facts.
pub type Text = Arc<str>;

/// Where the raw record lies: which kept payload, and which row of it (1-based line or record; 0 = the whole).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadRef {
    /// Number of the payload in the book's catalog.
    pub payload: u32,
    /// 1-based row (line of a text file, row of a sheet, record of a Parquet file); 0 is the whole payload.
    pub row: u64,
}

/// Attribute name to value; `None` states that the value is empty, an absent name states nothing.
pub type Attributes = BTreeMap<String, Option<String>>;

/// What a fact says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// An item's state from `effective_at` on; `None` withdraws whatever was said under the same key.
    State {
        /// Subscription id, as the source writes it.
        subscription: Text,
        /// Item id; equals the subscription where the source has no items.
        item: Text,
        /// From when it is true.
        effective_at: Instant,
        /// Orders states of one item at one instant: the highest holds.
        seq: i64,
        /// The state, or `None` when retracted.
        state: Option<Box<ItemState>>,
    },
    /// Attributes of the customer from `effective_at` on (`None`: from the beginning).
    Attributes {
        /// From when they hold; `None` is "from the beginning".
        effective_at: Option<Instant>,
        /// Stated values, or `None` when the row is withdrawn.
        values: Option<Attributes>,
    },
    /// Something that happened around the subscriptions: an invoice, a payment, an expense, ...
    Entry {
        /// What it is about.
        kind: EntryKind,
        /// Its id within (source, kind).
        key: Text,
        /// When it happened.
        effective_at: Instant,
        /// What it says, or `None` when retracted.
        entry: Option<Box<Entry>>,
    },
}

/// One normalised statement, kept for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Billing system or import name.
    pub source: Text,
    /// Customer the statement is about, as written (before aliases); empty for entries of the business itself.
    pub customer: Text,
    /// What it says.
    pub body: Body,
    /// When we learned it. A source may say so; otherwise the moment of the import.
    pub recorded_at: Instant,
    /// Version the source itself gives (microseconds of its event or object time, or the stated
    /// `recorded_at`); `None` when it gives none and the order of booking decides.
    pub version: Option<i64>,
    /// The book's own counter: what no source can backdate. 0 until booked.
    pub booked_seq: u64,
    /// The raw record.
    pub payload: PayloadRef,
}

impl Fact {
    /// When it is true: `effective_at`, or `None` for attributes that hold from the beginning.
    pub fn effective_at(&self) -> Option<Instant> {
        match &self.body {
            Body::State { effective_at, .. } => Some(*effective_at),
            Body::Attributes { effective_at, .. } => *effective_at,
            Body::Entry { effective_at, .. } => Some(*effective_at),
        }
    }

    /// True when both speak of the same thing at the same time, so that one of them wins. The customer is not
    /// part of a state's or an entry's key: a correction may move it to another customer.
    pub fn same_key(&self, other: &Fact) -> bool {
        if self.source != other.source {
            return false;
        }
        match (&self.body, &other.body) {
            (
                Body::State { subscription: s, item: i, effective_at: e, seq: q, .. },
                Body::State { subscription: s2, item: i2, effective_at: e2, seq: q2, .. },
            ) => s == s2 && i == i2 && e == e2 && q == q2,
            (Body::Attributes { effective_at: e, .. }, Body::Attributes { effective_at: e2, .. }) => {
                e == e2 && self.customer == other.customer
            }
            (Body::Entry { kind: k, key: i, .. }, Body::Entry { kind: k2, key: i2, .. }) => {
                k == k2 && i == i2
            }
            _ => false,
        }
    }

    /// True when both say the same about the same customer, whatever their versions.
    pub fn same_content(&self, other: &Fact) -> bool {
        self.customer == other.customer && self.body == other.body
    }

    /// Stable id: equal after re-import into a fresh book. It covers what was said, never when it was learned or
    /// booked, so that saying the same again later has the same id.
    pub fn id(&self) -> String {
        hash128_hex(&[self.source.as_bytes(), self.customer.as_bytes(), &self.content_bytes()])
    }

    /// The statement as canonical bytes; equal statements give equal bytes.
    fn content_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        match &self.body {
            Body::State { subscription, item, effective_at, seq, state } => {
                out.push(b'S');
                put(&mut out, subscription.as_bytes());
                put(&mut out, item.as_bytes());
                out.extend_from_slice(&effective_at.micros().to_le_bytes());
                out.extend_from_slice(&seq.to_le_bytes());
                if let Some(state) = state {
                    put_state(&mut out, state);
                }
            }
            Body::Attributes { effective_at, values } => {
                out.push(b'A');
                out.extend_from_slice(&effective_at.map_or(i64::MIN, Instant::micros).to_le_bytes());
                if let Some(values) = values {
                    let text = serde_json::to_string(values).expect("a map of strings always serialises");
                    put(&mut out, text.as_bytes());
                }
            }
            Body::Entry { kind, key, effective_at, entry } => {
                out.extend_from_slice(&[b'E', kind.code()]);
                put(&mut out, key.as_bytes());
                out.extend_from_slice(&effective_at.micros().to_le_bytes());
                if let Some(entry) = entry {
                    put(&mut out, entry.to_json().as_bytes());
                }
            }
        }
        out
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn put_instant(out: &mut Vec<u8>, instant: Option<Instant>) {
    out.extend_from_slice(&instant.map_or(i64::MIN, Instant::micros).to_le_bytes());
}

fn put_state(out: &mut Vec<u8>, state: &ItemState) {
    put(out, state.status.as_str().as_bytes());
    put(out, state.plan.as_deref().unwrap_or("\u{0}").as_bytes());
    put(out, state.amount.to_string().as_bytes());
    put(out, state.currency.as_str().as_bytes());
    put(out, format!("{:?}", state.interval).as_bytes());
    out.extend_from_slice(&state.interval_count.to_le_bytes());
    out.extend_from_slice(&state.quantity_micros.to_le_bytes());
    put(out, state.usage_type.as_str().as_bytes());
    put(out, Discount::list_to_json(&state.discounts).as_bytes());
    put_instant(out, state.trial_end);
    put_instant(out, state.cancel_requested_at);
    put_instant(out, state.cancel_at);
    put(out, state.reason.map_or("", |r| r.as_str()).as_bytes());
    put(out, state.reason_text.as_deref().unwrap_or("").as_bytes());
    out.push(u8::from(state.reconstructed));
}

/// All facts filed under one canonical customer, in no promised order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerFacts {
    /// Canonical customer id (after aliases).
    pub customer: Text,
    /// Every id whose facts are gathered here: the canonical one and its aliases. Where one (source,
    /// subscription) names several customers, all its facts are filed under each of them; a state fact whose
    /// `customer` is not among `ids` is here so that the item is seen to leave (or to have been corrected away).
    pub ids: Vec<Text>,
    /// States, attributes and entries (whichever were asked for), superseded and retracted ones included.
    pub facts: Vec<Fact>,
}

/// A published exchange rate: 1 `base` = `rate` `quote`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateFact {
    /// Source of the rate.
    pub source: Text,
    /// Day of publication.
    pub day: Day,
    /// One unit of this ...
    pub base: Currency,
    /// ... is worth `rate` of this.
    pub quote: Currency,
    /// The rate; `None` withdraws it.
    pub rate: Option<Decimal>,
    /// When we learned it.
    pub recorded_at: Instant,
    /// The source's own version, see [`Fact::version`].
    pub version: Option<i64>,
    /// The book's counter.
    pub booked_seq: u64,
    /// The raw record.
    pub payload: PayloadRef,
}

/// Two ids that are one customer: facts stay where they were written, the canonical id gathers them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasFact {
    /// Source of the statement.
    pub source: Text,
    /// The id that is given up.
    pub customer: Text,
    /// The id that it belongs to; `None` withdraws the merge.
    pub merged_into: Option<Text>,
    /// When we learned it.
    pub recorded_at: Instant,
    /// The source's own version, see [`Fact::version`].
    pub version: Option<i64>,
    /// The book's counter.
    pub booked_seq: u64,
    /// The raw record.
    pub payload: PayloadRef,
}

/// What an import hands to the book: a statement before it is booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// 1-based row of the payload it was read from.
    pub row: u64,
    /// `recorded_at` as the source states it; `None`: the moment of the import.
    pub recorded_at: Option<Instant>,
    /// Source version, see [`Fact::version`].
    pub version: Option<i64>,
    /// What it says.
    pub body: StatementBody,
}

/// What a file can state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementBody {
    /// A state, attributes or an entry of a customer, or an entry of the business.
    Customer {
        /// Customer id as written; empty for entries of the business.
        customer: Text,
        /// State or attributes (with `None` inside for a retraction).
        body: Body,
    },
    /// A rate, or its withdrawal.
    Rate {
        /// Day of publication.
        day: Day,
        /// One unit of this ...
        base: Currency,
        /// ... is worth `rate` of this.
        quote: Currency,
        /// The rate; `None` withdraws it.
        rate: Option<Decimal>,
    },
    /// A merge of two customer ids, or its withdrawal.
    Alias {
        /// The id that is given up.
        customer: Text,
        /// The id that it belongs to; `None` withdraws.
        merged_into: Option<Text>,
    },
}
