//! Bills and what is given back of them, as plain rows.

use netnew_facts::{
    Body, CreditNote, Entry, EntryKind, Fact, Invoice, InvoiceLine, InvoiceStatus, PayloadRef, PaymentResult,
    Refund,
};
use netnew_money::{Amount, Currency, Instant};

use crate::rows::KNOWN_FROM_THE_START;

/// An invoice, a refund or a credit note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainEntry {
    /// Billing system or import name.
    pub source: String,
    /// Customer id.
    pub customer: String,
    /// The entry's id; one kind has each once.
    pub key: String,
    /// When it was issued, or the money went.
    pub at: Instant,
    /// When it was learned; `None`: from the beginning.
    pub recorded_at: Option<Instant>,
    /// Currency of every amount in it.
    pub currency: Currency,
    /// What it says.
    pub what: PlainWhat,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlainWhat {
    /// So much is owed, for these lines.
    Invoice {
        /// In all.
        total: Amount,
        /// Taken back as if it had never been issued.
        void: bool,
        /// What for.
        lines: Vec<PlainLine>,
    },
    /// Money given back of an invoice.
    Refund {
        /// How much.
        amount: Amount,
        /// The invoice.
        of: String,
        /// Whether the money went.
        went: bool,
    },
    /// An invoice lowered.
    Credit {
        /// How much.
        amount: Amount,
        /// The invoice.
        of: String,
        /// Taken back.
        void: bool,
    },
}

impl PlainWhat {
    /// The word of its kind in a scenario.
    pub fn word(&self) -> &'static str {
        match self {
            PlainWhat::Invoice { .. } => "invoice",
            PlainWhat::Refund { .. } => "refund",
            PlainWhat::Credit { .. } => "credit",
        }
    }
}

/// A line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainLine {
    /// Subscription charged for.
    pub subscription: String,
    /// One item of it, or all.
    pub item: Option<String>,
    /// What it charges, discounts taken off.
    pub amount: Amount,
    /// How much discounts took off.
    pub discount: Amount,
    /// First instant of the period.
    pub from: Instant,
    /// First instant after it.
    pub to: Instant,
}

/// The entry as a fact.
pub(crate) fn entry_fact(row: &PlainEntry, booked_seq: u64) -> Fact {
    let (kind, entry) = match &row.what {
        PlainWhat::Invoice { total, void, lines } => (
            EntryKind::Invoice,
            Entry::Invoice(Invoice {
                status: if *void { InvoiceStatus::Void } else { InvoiceStatus::Open },
                total: *total,
                lines: lines.iter().map(line).collect(),
                ..Invoice::open(row.currency)
            }),
        ),
        PlainWhat::Refund { amount, of, went } => (
            EntryKind::Refund,
            Entry::Refund(Refund {
                invoice: Some(of.as_str().into()),
                result: if *went { PaymentResult::Succeeded } else { PaymentResult::Failed },
                ..Refund::of(*amount, row.currency)
            }),
        ),
        PlainWhat::Credit { amount, of, void } => (
            EntryKind::CreditNote,
            Entry::CreditNote(CreditNote {
                invoice: Some(of.as_str().into()),
                void: *void,
                ..CreditNote::of(*amount, row.currency)
            }),
        ),
    };
    Fact {
        source: row.source.as_str().into(),
        customer: row.customer.as_str().into(),
        body: Body::Entry {
            kind,
            key: row.key.as_str().into(),
            effective_at: row.at,
            entry: Some(Box::new(entry)),
        },
        recorded_at: row.recorded_at.unwrap_or(KNOWN_FROM_THE_START),
        version: row.recorded_at.map(|at| at.micros()),
        booked_seq,
        payload: PayloadRef { payload: 0, row: booked_seq },
    }
}

fn line(line: &PlainLine) -> InvoiceLine {
    InvoiceLine {
        subscription: Some(line.subscription.as_str().into()),
        item: line.item.as_deref().map(Into::into),
        discount: (!line.discount.is_zero()).then_some(line.discount),
        period_start: Some(line.from),
        period_end: Some(line.to),
        ..InvoiceLine::of(line.amount)
    }
}
