//! Facts with two clocks: what was stated, when it is true, when it was learned, and which statement wins.
//!
//! A [`Fact`] is one normalised statement about the business. Facts are never changed, only superseded by a
//! later statement with the same natural key, or retracted. Everything netnew computes is a function of the
//! facts visible at some moment of knowing (see [`winning_states`]).
//!
//! This crate holds types and the rule of which fact wins. It does no I/O and knows nothing of MRR.

mod bucket;
mod columns;
mod discount;
mod entry;
mod fact;
mod packed;
mod resolve;
mod state;

pub use bucket::{BUCKETS, bucket_of, customer_hash, hash64, hash128_hex};
pub use columns::{Instants, NO_INSTANT, NO_STATEMENT, StateBatch, TextColumn, WITHDRAWN};
pub use discount::{Discount, DiscountError, DiscountKind, DiscountLevel, DiscountValue};
pub use entry::{
    CreditNote, Dispute, DisputeStatus, Entry, EntryKind, Event, Expense, ExpenseClass, Invoice, InvoiceLine,
    InvoiceStatus, LineKind, Opportunity, Payment, PaymentResult, Refund, Spend, Stage, Usage,
};
pub use fact::{
    AliasFact, Attributes, Body, CustomerFacts, Fact, PayloadRef, RateFact, Statement, StatementBody, Text,
};
pub use packed::unpack_numbers;
pub use resolve::{AttributeTimeline, attribute_timelines, beats, winning_entries, winning_states};
pub use state::{CancelReason, ItemState, Status, UsageType};
