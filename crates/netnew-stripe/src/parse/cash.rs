//! Money that moved, and what was asked for it: charges, refunds, disputes, credit notes, and invoices as bills.
//!
//! A charge and the refunds and disputes of it are kept as pieces about the charge, because none of them says all: only the
//! charge knows the customer, only a payment of an invoice knows which invoice. Invoices and credit notes say everything by
//! themselves and are told at once.

use super::{Context, EntrySaid, Kept, Said, Trouble, is_deleted};
use crate::json::{deep, field, flag, id, id_of, int, list, text};
use crate::piece::{Cash, Piece};
use netnew_facts::{
    CreditNote, Dispute, DisputeStatus, Entry, EntryKind, Invoice, InvoiceLine, InvoiceStatus, LineKind,
    Payment, PaymentResult, Refund, Text,
};
use netnew_money::{Amount, Currency, Instant, Provider};
use serde_json::Value;

/// What the pieces of a charge are about.
pub(crate) fn unit(charge: &str) -> String {
    format!("#{charge}")
}

/// The object's currency and how its amounts are read.
struct Money {
    currency: Currency,
}

impl Money {
    fn of(object: &Value, what: &str, said: &mut Said) -> Option<Money> {
        let of_line = || list(object, "lines").iter().find_map(|line| text(line, "currency"));
        let code = text(object, "currency").or_else(of_line).unwrap_or_default();
        match Currency::parse(code) {
            Ok(currency) => Some(Money { currency }),
            Err(error) => {
                let id = text(object, "id").unwrap_or_default();
                said.problems.push(Trouble::new(
                    "unknown_currency",
                    format!("the {what} {id}: {error}"),
                    "check the currency code",
                ));
                None
            }
        }
    }

    fn minor(&self, minor: i64) -> Amount {
        self.currency.checked_amount_from_minor(i128::from(minor), Provider::Stripe).unwrap_or(Amount::ZERO)
    }

    fn field(&self, object: &Value, name: &str) -> Amount {
        self.minor(int(object, name).unwrap_or(0))
    }
}

fn shared(value: Option<&str>) -> Option<Text> {
    value.map(Text::from)
}

fn moment(seconds: Option<i64>) -> Option<Instant> {
    seconds.and_then(|s| s.checked_mul(1_000_000)).map(Instant::from_micros)
}

/// Id and moment of an object, or a complaint.
fn own<'a>(object: &'a Value, what: &str, said: &mut Said) -> Option<(&'a str, i64)> {
    match (text(object, "id"), int(object, "created").or_else(|| int(object, "date"))) {
        (Some(own), Some(created)) => Some((own, created)),
        _ => {
            said.problems.push(Trouble::missing(what, object, "id or created"));
            None
        }
    }
}

fn keep(said: &mut Said, about: &str, rank: i64, id: &str, cash: Cash) {
    said.pieces.push(Kept {
        id: id.to_string(),
        about: unit(about),
        rank,
        piece: Piece::Cash(Box::new(cash)),
    });
}

pub(super) fn charge(object: &Value, said: &mut Said) {
    let Some((own, created)) = own(object, "charge", said) else { return };
    let Some(money) = Money::of(object, "charge", said) else { return };
    let captured = object.get("captured").is_none() || flag(object, "captured");
    let result = match text(object, "status") {
        Some("failed") => PaymentResult::Failed,
        Some("pending") => PaymentResult::Pending,
        // Authorised is not collected.
        Some("succeeded" | "paid") if !captured => PaymentResult::Pending,
        Some("succeeded" | "paid") => PaymentResult::Succeeded,
        _ if flag(object, "paid") => PaymentResult::Succeeded,
        _ => PaymentResult::Failed,
    };
    // Only a part may have been captured; what was not is released, and is no refund.
    let collected = int(object, "amount_captured").filter(|got| *got > 0 && captured);
    let amount = collected.or_else(|| int(object, "amount")).unwrap_or(0);
    let payment = Payment {
        result,
        amount: money.minor(amount),
        method: shared(deep(object, &["payment_method_details", "type"]).and_then(Value::as_str)),
        failure: if result == PaymentResult::Failed { failure(object) } else { None },
        ..Payment::succeeded(Amount::ZERO, money.currency)
    };
    let intent = id(object, "payment_intent").map(str::to_string);
    let released = collected.map_or(0, |got| int(object, "amount").unwrap_or(got) - got);
    let cash = Cash {
        kind: EntryKind::Payment.as_str().into(),
        at: created,
        customer: id(object, "customer").map(str::to_string),
        intent,
        invoice: id(object, "invoice").map(str::to_string),
        refunded: (int(object, "amount_refunded").unwrap_or(0) - released).max(0),
        entry: Entry::Payment(payment).to_json(),
    };
    let rank = i64::from(result == PaymentResult::Succeeded) + i64::from(cash.refunded > 0);
    keep(said, own, rank, own, cash);
    for inner in list(object, "refunds") {
        refund(inner, Some(own), said);
    }
    if let Some(inner) = field(object, "dispute").filter(|d| d.is_object()) {
        dispute(inner, None, said);
    }
}

/// Stripe's code, and the bank's where it says more.
fn failure(object: &Value) -> Option<Text> {
    let code = text(object, "failure_code");
    let reason = deep(object, &["outcome", "reason"]).and_then(Value::as_str);
    match (code, reason) {
        (Some(code), Some(reason)) if code != reason => Some(format!("{code}: {reason}").into()),
        (code, reason) => shared(code.or(reason).or_else(|| text(object, "failure_message"))),
    }
}

pub(super) fn refund(object: &Value, of: Option<&str>, said: &mut Said) {
    let Some((own, created)) = own(object, "refund", said) else { return };
    let Some(money) = Money::of(object, "refund", said) else { return };
    let result = match text(object, "status") {
        Some("pending" | "requires_action") => PaymentResult::Pending,
        Some("failed" | "canceled") => PaymentResult::Failed,
        // Refunds of old had no status: they went through.
        _ => PaymentResult::Succeeded,
    };
    let intent = id(object, "payment_intent");
    let Some(about) = id(object, "charge").or(of).or(intent) else {
        said.problems.push(Trouble::missing("refund", object, "charge"));
        return;
    };
    let refund = Refund {
        result,
        reason: shared(text(object, "reason")),
        ..Refund::of(money.field(object, "amount").abs(), money.currency)
    };
    let cash = Cash {
        kind: EntryKind::Refund.as_str().into(),
        at: created,
        intent: intent.map(str::to_string),
        refunded: if result == PaymentResult::Failed { 0 } else { int(object, "amount").unwrap_or(0) },
        entry: Entry::Refund(refund).to_json(),
        ..Cash::default()
    };
    keep(said, about, i64::from(result != PaymentResult::Pending), own, cash);
}

pub(super) fn dispute(object: &Value, context: Option<&Context>, said: &mut Said) {
    let Some((own, created)) = own(object, "dispute", said) else { return };
    let Some(money) = Money::of(object, "dispute", said) else { return };
    let Some(about) = id(object, "charge").or_else(|| id(object, "payment_intent")) else {
        said.problems.push(Trouble::missing("dispute", object, "charge"));
        return;
    };
    // An enquiry that ended without a dispute took no money, nor did one that was headed off.
    let status = match text(object, "status") {
        Some("won" | "warning_closed" | "prevented") => DisputeStatus::Won,
        Some("lost") => DisputeStatus::Lost,
        _ => DisputeStatus::Open,
    };
    let dispute = Dispute {
        amount: money.field(object, "amount").abs(),
        currency: money.currency,
        status,
        payment: None,
        invoice: None,
        closed_at: None,
        reason: shared(text(object, "reason")),
    };
    let cash = |at: i64, entry: String| Cash {
        kind: EntryKind::Dispute.as_str().into(),
        at,
        intent: id(object, "payment_intent").map(str::to_string),
        entry,
        ..Cash::default()
    };
    let rank = i64::from(status != DisputeStatus::Open);
    keep(said, about, rank, own, cash(created, Entry::Dispute(dispute).to_json()));
    // When it was decided stands in no field: the event that says so tells.
    if let Some(closed) = context.filter(|c| c.event_type.ends_with("dispute.closed")).and_then(|c| c.at) {
        keep(said, about, 0, &format!("{own} closed"), cash(closed, String::new()));
    }
}

/// A payment of an invoice: since 2025 nothing else says which invoice a charge is for.
pub(super) fn invoice_payment(object: &Value, said: &mut Said) {
    let Some(invoice) = id(object, "invoice") else { return };
    for name in ["payment_intent", "charge"] {
        if let Some(pays) = deep(object, &["payment", name]).and_then(id_of) {
            said.links.push((pays.to_string(), invoice.to_string()));
        }
    }
}

pub(super) fn credit_note(object: &Value, said: &mut Said) {
    let Some((own, created)) = own(object, "credit note", said) else { return };
    let Some(money) = Money::of(object, "credit note", said) else { return };
    let Some(customer) = id(object, "customer") else {
        said.problems.push(Trouble::missing("credit note", object, "customer"));
        return;
    };
    let note = CreditNote {
        amount: money.field(object, if field(object, "total").is_some() { "total" } else { "amount" }).abs(),
        tax: taxes(object, &["total_taxes", "tax_amounts"], None, &money).abs(),
        currency: money.currency,
        void: text(object, "status") == Some("void"),
        invoice: shared(id(object, "invoice")),
        subscription: None,
        reason: shared(text(object, "reason")),
    };
    said.entries.push(EntrySaid {
        key: own.to_string(),
        customer: customer.to_string(),
        at: int(object, "effective_at").unwrap_or(created),
        rank: i64::from(note.void),
        kind: EntryKind::CreditNote,
        entry: Some(Entry::CreditNote(note)),
    });
}

/// Taxes from the first of the lists that is there: only those inside or outside of prices, or all.
fn taxes(object: &Value, names: &[&str], inside: Option<bool>, money: &Money) -> Amount {
    let Some(name) = names.iter().find(|name| !list(object, name).is_empty()) else {
        return if inside.is_none() { money.field(object, "tax") } else { Amount::ZERO };
    };
    let is_inside = |tax: &Value| flag(tax, "inclusive") || text(tax, "tax_behavior") == Some("inclusive");
    let wanted = list(object, name).iter().filter(|tax| inside.is_none_or(|inside| is_inside(tax) == inside));
    money.minor(wanted.filter_map(|tax| int(tax, "amount")).fold(0, i64::saturating_add))
}

/// An invoice as a bill, and what it says of who pays it.
pub(super) fn bill(object: &Value, context: &Context, said: &mut Said) {
    let (Some(own), Some(customer)) = (text(object, "id"), id(object, "customer")) else { return };
    let Some(created) = int(object, "created").or_else(|| int(object, "date")) else { return };
    for name in ["charge", "payment_intent"] {
        if let Some(pays) = id(object, name) {
            said.links.push((pays.to_string(), own.to_string()));
        }
    }
    for payment in list(object, "payments") {
        invoice_payment(payment, said);
    }
    let moved = |name: &str| field(object, "status_transitions").and_then(|m| int(m, name));
    let told = |entry, at, rank| EntrySaid {
        key: own.to_string(),
        customer: customer.to_string(),
        at,
        rank,
        kind: EntryKind::Invoice,
        entry,
    };
    if is_deleted(object, context) {
        said.entries.push(told(None, created, 3));
        return;
    }
    let Some(money) = Money::of(object, "invoice", said) else { return };
    let (status, rank) = match text(object, "status") {
        Some("draft") => (InvoiceStatus::Draft, 0),
        Some("paid") => (InvoiceStatus::Paid, 3),
        Some("void") => (InvoiceStatus::Void, 3),
        Some("uncollectible") => (InvoiceStatus::Uncollectible, 2),
        None if flag(object, "paid") => (InvoiceStatus::Paid, 3),
        _ => (InvoiceStatus::Open, 1),
    };
    let subscription = id(object, "subscription")
        .or_else(|| deep(object, &["parent", "subscription_details", "subscription"]).and_then(id_of));
    let closed = moved("voided_at").or_else(|| moved("marked_uncollectible_at"));
    let invoice = Invoice {
        status,
        total: money.field(object, "total"),
        tax: taxes(object, &["total_taxes", "total_tax_amounts"], None, &money),
        number: shared(text(object, "number")),
        subscription: shared(subscription),
        due_at: moment(int(object, "due_date")),
        paid_at: moment(moved("paid_at").filter(|_| status == InvoiceStatus::Paid)),
        closed_at: moment(closed),
        lines: list(object, "lines").iter().map(|line| bill_line(line, subscription, &money)).collect(),
        ..Invoice::open(money.currency)
    };
    let issued = int(object, "effective_at").or_else(|| moved("finalized_at")).unwrap_or(created);
    said.entries.push(told(Some(Entry::Invoice(invoice)), issued, rank));
}

fn bill_line(line: &Value, of_invoice: Option<&str>, money: &Money) -> InvoiceLine {
    let parent = |kind: &str, name: &str| deep(line, &["parent", kind, name]);
    let subscription = id(line, "subscription")
        .or_else(|| parent("subscription_item_details", "subscription").and_then(id_of))
        .or_else(|| parent("invoice_item_details", "subscription").and_then(id_of));
    let item = id(line, "subscription_item")
        .or_else(|| parent("subscription_item_details", "subscription_item").and_then(id_of));
    let proration = flag(line, "proration")
        || ["subscription_item_details", "invoice_item_details"]
            .iter()
            .any(|kind| parent(kind, "proration").and_then(Value::as_bool) == Some(true));
    let recurs = text(line, "type") == Some("subscription") || item.is_some() || proration;
    let priced = field(line, "price").or_else(|| field(line, "plan"));
    let metered = priced.is_some_and(|price| {
        let recurring = field(price, "recurring").unwrap_or(price);
        text(recurring, "usage_type") == Some("metered")
    });
    let plan = priced
        .and_then(|p| text(p, "nickname").or_else(|| id_of(p)))
        .or_else(|| deep(line, &["pricing", "price_details", "price"]).and_then(id_of));
    let off =
        list(line, "discount_amounts").iter().filter_map(|d| int(d, "amount")).fold(0, i64::saturating_add);
    let inside = taxes(line, &["taxes", "tax_amounts"], Some(true), money);
    let tax = inside + taxes(line, &["taxes", "tax_amounts"], Some(false), money);
    let gross = money.field(line, "amount");
    let period = field(line, "period").filter(|_| recurs);
    InvoiceLine {
        kind: match (recurs, metered) {
            (true, true) => LineKind::Usage,
            (true, false) => LineKind::Subscription,
            (false, _) => LineKind::OneTime,
        },
        discount: Some(money.minor(off)).filter(|d| !d.is_zero()),
        tax: Some(tax).filter(|t| !t.is_zero()),
        subscription: shared(subscription.or(of_invoice.filter(|_| recurs))),
        item: shared(item),
        plan: shared(plan),
        description: shared(text(line, "description")),
        quantity_micros: int(line, "quantity").and_then(|q| q.checked_mul(1_000_000)),
        period_start: moment(period.and_then(|p| int(p, "start"))),
        period_end: moment(period.and_then(|p| int(p, "end"))),
        proration,
        ..InvoiceLine::of(gross - money.minor(off) - inside)
    }
}
