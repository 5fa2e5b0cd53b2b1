//! Entries of billing: invoices, payments, refunds, credit notes, disputes.

use super::wire;
use super::words;
use crate::fact::Text;
use netnew_money::{Amount, Currency, Instant};
use serde::{Deserialize, Serialize};

words! {
    /// What has become of an invoice.
    InvoiceStatus {
        /// Not issued yet; counts for nothing.
        Draft = "draft",
        /// Issued and not paid.
        Open = "open",
        /// Paid in full.
        Paid = "paid",
        /// Taken back as if it had never been issued.
        Void = "void",
        /// Issued, and given up.
        Uncollectible = "uncollectible",
    }
}

words! {
    /// What a line of an invoice charges for.
    LineKind {
        /// A subscription for a period.
        Subscription = "subscription",
        /// Metered use.
        Usage = "usage",
        /// Anything that does not recur: set-up, services, hardware.
        OneTime = "one_time",
    }
}

words! {
    /// How an attempt to collect money ended.
    PaymentResult {
        /// The money came.
        Succeeded = "succeeded",
        /// It did not.
        Failed = "failed",
        /// Not known yet.
        Pending = "pending",
    }
}

words! {
    /// Where a dispute stands.
    DisputeStatus {
        /// Not decided; the money is held back.
        Open = "open",
        /// Decided for the business.
        Won = "won",
        /// Decided for the payer: the money is gone.
        Lost = "lost",
    }
}

/// An invoice. `effective_at` of its fact is when it was issued; its key is the invoice's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invoice {
    /// Draft, open, paid, void or uncollectible.
    pub status: InvoiceStatus,
    /// Currency of every amount in it.
    #[serde(with = "wire::currency")]
    pub currency: Currency,
    /// What is owed in all, tax included, discounts taken off.
    #[serde(with = "wire::amount")]
    pub total: Amount,
    /// Tax within `total`.
    #[serde(with = "wire::amount")]
    pub tax: Amount,
    /// The number printed on it.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub number: Option<Text>,
    /// Subscription that it bills, where its lines do not say.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Text>,
    /// When it is due.
    #[serde(with = "wire::optional_instant", default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// When it was paid in full.
    #[serde(with = "wire::optional_instant", default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Instant>,
    /// When it was voided or given up.
    #[serde(with = "wire::optional_instant", default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Instant>,
    /// What it charges for. Lines add up to `total - tax`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<InvoiceLine>,
}

impl Invoice {
    /// An open invoice of nothing: a base to build on.
    pub fn open(currency: Currency) -> Invoice {
        Invoice {
            status: InvoiceStatus::Open,
            currency,
            total: Amount::ZERO,
            tax: Amount::ZERO,
            number: None,
            subscription: None,
            due_at: None,
            paid_at: None,
            closed_at: None,
            lines: Vec::new(),
        }
    }

    /// What it charges without tax.
    pub fn net(&self) -> Amount {
        self.total - self.tax
    }
}

/// One line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvoiceLine {
    /// What it charges: discounts taken off, tax left out. Negative for a credit.
    #[serde(with = "wire::amount")]
    pub amount: Amount,
    /// What kind of charge.
    pub kind: LineKind,
    /// How much discounts took off, not negative.
    #[serde(with = "wire::optional_amount", default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<Amount>,
    /// Tax on it, where known by line.
    #[serde(with = "wire::optional_amount", default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Amount>,
    /// Subscription charged for.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Text>,
    /// Item of the subscription.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Text>,
    /// Plan, product or price.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Text>,
    /// The source's own words.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text>,
    /// Quantity in millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity_micros: Option<i64>,
    /// First instant of the period charged for.
    #[serde(with = "wire::optional_instant", default, skip_serializing_if = "Option::is_none")]
    pub period_start: Option<Instant>,
    /// First instant after it.
    #[serde(with = "wire::optional_instant", default, skip_serializing_if = "Option::is_none")]
    pub period_end: Option<Instant>,
    /// True for a charge or credit for part of a period, after a change in it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proration: bool,
}

impl InvoiceLine {
    /// A subscription line of an amount: a base to build on.
    pub fn of(amount: Amount) -> InvoiceLine {
        InvoiceLine {
            amount,
            kind: LineKind::Subscription,
            discount: None,
            tax: None,
            subscription: None,
            item: None,
            plan: None,
            description: None,
            quantity_micros: None,
            period_start: None,
            period_end: None,
            proration: false,
        }
    }
}

/// An attempt to collect money. Its key is the attempt's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// How it ended.
    pub result: PaymentResult,
    /// How much was, or would have been, collected.
    #[serde(with = "wire::amount")]
    pub amount: Amount,
    /// Currency of `amount` and `fee`.
    #[serde(with = "wire::currency")]
    pub currency: Currency,
    /// Invoice it pays.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<Text>,
    /// Subscription it pays for, where there is no invoice.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Text>,
    /// Card, bank transfer, ...
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Text>,
    /// Which attempt for its invoice, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Why it failed, in the source's words.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Text>,
    /// What the processor kept.
    #[serde(with = "wire::optional_amount", default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Amount>,
}

impl Payment {
    /// A successful payment: a base to build on.
    pub fn succeeded(amount: Amount, currency: Currency) -> Payment {
        Payment {
            result: PaymentResult::Succeeded,
            amount,
            currency,
            invoice: None,
            subscription: None,
            method: None,
            attempt: None,
            failure: None,
            fee: None,
        }
    }
}

/// Money given back. Its key is the refund's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refund {
    /// How much, not negative.
    #[serde(with = "wire::amount")]
    pub amount: Amount,
    /// Currency of `amount`.
    #[serde(with = "wire::currency")]
    pub currency: Currency,
    /// Whether the money went; `pending` and `failed` count for nothing.
    pub result: PaymentResult,
    /// Payment it gives back.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<Text>,
    /// Invoice of that payment.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<Text>,
    /// Subscription, where the source says.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Text>,
    /// The source's own words.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}

impl Refund {
    /// A refund that went through: a base to build on.
    pub fn of(amount: Amount, currency: Currency) -> Refund {
        Refund {
            amount,
            currency,
            result: PaymentResult::Succeeded,
            payment: None,
            invoice: None,
            subscription: None,
            reason: None,
        }
    }
}

/// An invoice reduced after it was issued. Its key is the credit note's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditNote {
    /// How much, tax included, not negative.
    #[serde(with = "wire::amount")]
    pub amount: Amount,
    /// Tax within `amount`.
    #[serde(with = "wire::amount")]
    pub tax: Amount,
    /// Currency of both.
    #[serde(with = "wire::currency")]
    pub currency: Currency,
    /// True when it was taken back: then it counts for nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub void: bool,
    /// Invoice it reduces.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<Text>,
    /// Subscription, where the source says.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Text>,
    /// The source's own words.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}

impl CreditNote {
    /// A credit note without tax: a base to build on.
    pub fn of(amount: Amount, currency: Currency) -> CreditNote {
        CreditNote {
            amount,
            tax: Amount::ZERO,
            currency,
            void: false,
            invoice: None,
            subscription: None,
            reason: None,
        }
    }
}

/// A payment contested by its payer. Its key is the dispute's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispute {
    /// How much is contested, not negative.
    #[serde(with = "wire::amount")]
    pub amount: Amount,
    /// Currency of `amount`.
    #[serde(with = "wire::currency")]
    pub currency: Currency,
    /// Open, won or lost.
    pub status: DisputeStatus,
    /// Payment contested.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<Text>,
    /// Invoice of that payment.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<Text>,
    /// When it was decided.
    #[serde(with = "wire::optional_instant", default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Instant>,
    /// The source's own words.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}
