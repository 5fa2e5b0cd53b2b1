//! Entries: invoices, payments, refunds, credit notes, disputes, usage, events, expenses, spend, opportunities.

use std::collections::{BTreeMap, HashMap};

use netnew_facts::{
    Body, CreditNote, Dispute, DisputeStatus, Entry, EntryKind, Event, Expense, ExpenseClass, Invoice,
    InvoiceLine, InvoiceStatus, LineKind, Opportunity, Payment, PaymentResult, Refund, Spend, Stage,
    Statement, StatementBody, Text, Usage, hash64,
};
use netnew_money::{Amount, Currency, Decimal, Instant};

use crate::code;
use crate::fields::Field;
use crate::problem::{Complaint, shown};
use crate::row::{Interner, RowView, Setup};
use crate::rows::customers::attribute_name;
use crate::rows::{Decode, statement};
use crate::words;

/// Reads one kind of entry.
pub(crate) struct Entries {
    kind: EntryKind,
    customers: Interner,
    /// How often each made-up key occurred in this file: the second purchase of one day is not the first.
    seen: HashMap<u64, u32>,
    /// Columns that become properties of events, with their names.
    others: Vec<usize>,
    names: Vec<String>,
}

impl Entries {
    pub(crate) fn new(kind: EntryKind, setup: &Setup) -> Entries {
        let (mut others, mut names) = (Vec::new(), Vec::new());
        if kind == EntryKind::Event {
            for &at in &setup.columns.others {
                let name = attribute_name(&setup.headers[at]);
                if !name.is_empty() && !names.contains(&name) {
                    others.push(at);
                    names.push(name);
                }
            }
        }
        Entries { kind, customers: Interner::new(), seen: HashMap::new(), others, names }
    }

    /// The id of the row, or what else identifies it; a repeated one is told apart by counting.
    fn key(&mut self, row: RowView<'_>, at: Instant, customer: &str) -> Result<Text, Complaint> {
        if let Some(id) = text(row, Field::Id)? {
            return Ok(id);
        }
        let by: &[Field] = match self.kind {
            EntryKind::Invoice | EntryKind::Opportunity => return Err(row.missing(Field::Id)),
            EntryKind::Payment => &[Field::Invoice, Field::Subscription, Field::Attempt],
            EntryKind::Refund | EntryKind::Dispute => &[Field::Payment, Field::Invoice],
            EntryKind::CreditNote => &[Field::Invoice],
            EntryKind::Usage => &[Field::Subscription, Field::Item, Field::Metric],
            EntryKind::Event => &[Field::Name, Field::User, Field::Session],
            EntryKind::Expense => &[Field::Category, Field::Vendor, Field::Description],
            EntryKind::Spend => &[Field::Channel, Field::Campaign],
        };
        let mut key = at.to_string();
        key.push('|');
        key.push_str(customer);
        for field in by {
            key.push('|');
            key.push_str(row.text(*field)?.as_deref().unwrap_or_default());
        }
        let times = self.seen.entry(hash64(key.as_bytes())).or_default();
        *times += 1;
        if *times > 1 {
            key.push_str(&format!("|{times}"));
        }
        Ok(key.into())
    }

    fn entry(&self, row: RowView<'_>) -> Result<Entry, Complaint> {
        Ok(match self.kind {
            EntryKind::Invoice => Entry::Invoice(invoice(row)?),
            EntryKind::Payment => Entry::Payment(payment(row)?),
            EntryKind::Refund => {
                let (amount, currency) = needed_money(row, Field::Amount)?;
                Entry::Refund(Refund {
                    amount: amount.abs(),
                    currency,
                    result: result(row)?,
                    payment: text(row, Field::Payment)?,
                    invoice: text(row, Field::Invoice)?,
                    subscription: text(row, Field::Subscription)?,
                    reason: text(row, Field::Reason)?,
                })
            }
            EntryKind::CreditNote => {
                let (amount, currency) = needed_money(row, Field::Amount)?;
                Entry::CreditNote(CreditNote {
                    amount: amount.abs(),
                    tax: money(row, Field::Tax, Some(currency))?.unwrap_or(Amount::ZERO).abs(),
                    currency,
                    void: row.flag(Field::Void)?,
                    invoice: text(row, Field::Invoice)?,
                    subscription: text(row, Field::Subscription)?,
                    reason: text(row, Field::Reason)?,
                })
            }
            EntryKind::Dispute => {
                let (amount, currency) = needed_money(row, Field::Amount)?;
                Entry::Dispute(Dispute {
                    amount: amount.abs(),
                    currency,
                    status: row.word(Field::Status, dispute_status)?.unwrap_or(DisputeStatus::Open),
                    payment: text(row, Field::Payment)?,
                    invoice: text(row, Field::Invoice)?,
                    closed_at: row.instant(Field::ClosedAt)?,
                    reason: text(row, Field::Reason)?,
                })
            }
            EntryKind::Usage => Entry::Usage(usage(row)?),
            EntryKind::Event => Entry::Event(self.event(row)?),
            EntryKind::Expense => {
                let (amount, currency) = needed_money(row, Field::Amount)?;
                let category = text(row, Field::Category)?;
                let class = row.word(Field::Class, expense_class)?;
                let class = class.or_else(|| category.as_deref().and_then(|c| expense_class(c).ok()));
                Entry::Expense(Expense {
                    amount,
                    currency,
                    class: class.unwrap_or(ExpenseClass::General),
                    category,
                    vendor: text(row, Field::Vendor)?,
                    description: text(row, Field::Description)?,
                })
            }
            EntryKind::Spend => {
                let (amount, currency) = needed_money(row, Field::Amount)?;
                Entry::Spend(Spend {
                    amount,
                    currency,
                    channel: text(row, Field::Channel)?,
                    campaign: text(row, Field::Campaign)?,
                    until: row.instant(Field::End)?,
                })
            }
            EntryKind::Opportunity => Entry::Opportunity(opportunity(row)?),
        })
    }

    fn event(&self, row: RowView<'_>) -> Result<Event, Complaint> {
        let mut properties: BTreeMap<String, String> = BTreeMap::new();
        if let Some(json) = row.text(Field::Properties)? {
            properties = serde_json::from_str(&json).map_err(|error| {
                let message = format!("{} is no JSON object of texts: {error}", shown(&json));
                row.complain(Field::Properties, code::BAD_JSON, message, "write {\"name\": \"value\"}")
            })?;
        }
        for (at, name) in self.others.iter().zip(&self.names) {
            if let Some(value) = row.text_at(*at)? {
                properties.insert(name.clone(), value.into_owned());
            }
        }
        Ok(Event {
            name: row.needed_text(Field::Name)?.into(),
            user: text(row, Field::User)?,
            session: text(row, Field::Session)?,
            properties,
        })
    }
}

impl Decode for Entries {
    fn other_columns(&self) -> &[usize] {
        &self.others
    }

    fn decode(&mut self, row: RowView<'_>, out: &mut Vec<Statement>) -> Result<(), Complaint> {
        let customer = match self.kind.is_of_customer() {
            true => self.customers.get(&row.needed_text(Field::Customer)?),
            false => Text::from(""),
        };
        let retract = row.flag(Field::Retract)?;
        let effective_at = match (row.instant(Field::Date)?, self.kind) {
            (Some(at), _) => at,
            (None, EntryKind::Opportunity) => row.instant(Field::CloseDate)?.unwrap_or(Instant::MIN),
            // The id alone says what is withdrawn.
            (None, _) if retract && row.text(Field::Id)?.is_some() => Instant::MIN,
            (None, _) => return Err(row.missing(Field::Date)),
        };
        let key = self.key(row, effective_at, &customer)?;
        let entry = if retract { None } else { Some(Box::new(self.entry(row)?)) };
        let body = Body::Entry { kind: self.kind, key, effective_at, entry };
        out.push(statement(row, StatementBody::Customer { customer, body })?);
        Ok(())
    }
}

/// Text of a field; words that stand for nothing count as nothing.
pub(super) fn text(row: RowView<'_>, field: Field) -> Result<Option<Text>, Complaint> {
    Ok(row.text(field)?.filter(|t| !words::means_nothing(t)).map(Text::from))
}

/// An amount and its currency.
fn money_and_currency(
    row: RowView<'_>,
    field: Field,
    stated: Option<Currency>,
) -> Result<Option<(Amount, Currency)>, Complaint> {
    let stated = match stated {
        Some(stated) => Some(stated),
        None => row.currency(Field::Currency)?,
    };
    let Some((value, currency)) = row.money(field, stated)? else { return Ok(None) };
    let amount = value.to_amount_exact().ok_or_else(|| {
        let message = format!("{value} has more than {} decimals or is too large", Amount::SCALE);
        row.complain(field, code::BAD_NUMBER, message, "write the amount in major units")
    })?;
    Ok(Some((amount, currency)))
}

pub(super) fn money(
    row: RowView<'_>,
    field: Field,
    stated: Option<Currency>,
) -> Result<Option<Amount>, Complaint> {
    Ok(money_and_currency(row, field, stated)?.map(|(amount, _)| amount))
}

pub(super) fn needed_money(row: RowView<'_>, field: Field) -> Result<(Amount, Currency), Complaint> {
    money_and_currency(row, field, None)?.ok_or_else(|| row.missing(field))
}

fn unknown<T>(text: &str, what: &str, known: &str) -> Result<T, Complaint> {
    let message = format!("{} is no {what}", shown(text));
    Err(Complaint::new(code::UNKNOWN_WORD, message, format!("use one of {known}")))
}

/// A result of a payment or a refund; succeeded where the file does not say.
pub(super) fn result(row: RowView<'_>) -> Result<PaymentResult, Complaint> {
    Ok(row.word(Field::Status, payment_result)?.unwrap_or(PaymentResult::Succeeded))
}

pub(super) fn payment_result(text: &str) -> Result<PaymentResult, Complaint> {
    Ok(match &*words::plain(text) {
        "succeeded" | "success" | "successful" | "paid" | "ok" | "complete" | "completed" | "captured"
        | "settled" | "refunded" | "partialrefund" | "partiallyrefunded" | "approved" => {
            PaymentResult::Succeeded
        }
        "failed" | "failure" | "declined" | "blocked" | "rejected" | "error" | "canceled" | "cancelled"
        | "unsuccessful" => PaymentResult::Failed,
        "pending"
        | "processing"
        | "requiresaction"
        | "requiresconfirmation"
        | "requirescapture"
        | "requirespaymentmethod"
        | "incomplete"
        | "uncaptured"
        | "authorized" => PaymentResult::Pending,
        _ => return unknown(text, "result of a payment", "succeeded, failed, pending"),
    })
}

pub(super) fn dispute_status(text: &str) -> Result<DisputeStatus, Complaint> {
    Ok(match &*words::plain(text) {
        "open" | "needsresponse" | "underreview" | "warningneedsresponse" | "warningunderreview" => {
            DisputeStatus::Open
        }
        "won" | "warningclosed" | "prevented" | "reversed" => DisputeStatus::Won,
        "lost" | "accepted" => DisputeStatus::Lost,
        _ => return unknown(text, "status of a dispute", "open, won, lost"),
    })
}

pub(super) fn invoice_status(text: &str) -> Result<InvoiceStatus, Complaint> {
    Ok(match &*words::plain(text) {
        "draft" => InvoiceStatus::Draft,
        "open" | "sent" | "unpaid" | "issued" | "due" | "overdue" | "pastdue" | "partiallypaid"
        | "pending" | "posted" | "notpaid" | "paymentdue" => InvoiceStatus::Open,
        "paid" | "closed" | "settled" => InvoiceStatus::Paid,
        "void" | "voided" | "canceled" | "cancelled" | "deleted" => InvoiceStatus::Void,
        "uncollectible" | "writtenoff" | "baddebt" => InvoiceStatus::Uncollectible,
        _ => return unknown(text, "status of an invoice", "draft, open, paid, void, uncollectible"),
    })
}

fn line_kind(text: &str) -> Result<LineKind, Complaint> {
    Ok(match &*words::plain(text) {
        "subscription" | "recurring" | "plan" => LineKind::Subscription,
        "usage" | "metered" | "overage" => LineKind::Usage,
        "onetime" | "oneoff" | "setup" | "services" | "hardware" | "invoiceitem" => LineKind::OneTime,
        _ => return unknown(text, "kind of line", "subscription, usage, one_time"),
    })
}

fn expense_class(text: &str) -> Result<ExpenseClass, Complaint> {
    Ok(match &*words::plain(text) {
        "costofrevenue" | "cogs" | "costofgoodssold" | "costofsales" | "hosting" | "infrastructure"
        | "directcosts" => ExpenseClass::CostOfRevenue,
        "salesandmarketing" | "salesmarketing" | "marketing" | "sales" | "sm" | "advertising" => {
            ExpenseClass::SalesAndMarketing
        }
        "researchanddevelopment" | "rd" | "research" | "development" | "engineering" | "product" => {
            ExpenseClass::ResearchAndDevelopment
        }
        "general" | "generalandadministrative" | "ga" | "administrative" | "admin" | "overhead" => {
            ExpenseClass::General
        }
        _ => {
            let known = ExpenseClass::ALL.iter().map(|c| c.as_str()).collect::<Vec<_>>().join(", ");
            return unknown(text, "class of expense", &known);
        }
    })
}

fn stage(text: &str) -> Stage {
    match &*words::plain(text) {
        "won" | "closedwon" | "signed" | "closed" | "contracted" => Stage::Won,
        "lost" | "closedlost" | "dead" | "disqualified" | "abandoned" => Stage::Lost,
        _ => Stage::Open,
    }
}

fn payment(row: RowView<'_>) -> Result<Payment, Complaint> {
    let (amount, currency) = needed_money(row, Field::Amount)?;
    let attempt = match row.integer(Field::Attempt)? {
        None => None,
        Some(attempt) => Some(u32::try_from(attempt).map_err(|_| {
            let message = format!("{attempt} is no number of an attempt");
            row.complain(Field::Attempt, code::BAD_INTEGER, message, "count attempts from 1")
        })?),
    };
    Ok(Payment {
        result: result(row)?,
        amount,
        currency,
        invoice: text(row, Field::Invoice)?,
        subscription: text(row, Field::Subscription)?,
        method: text(row, Field::Method)?,
        attempt,
        failure: text(row, Field::Failure)?,
        fee: money(row, Field::Fee, Some(currency))?,
    })
}

fn usage(row: RowView<'_>) -> Result<Usage, Complaint> {
    let amount = money_and_currency(row, Field::Amount, None)?;
    Ok(Usage {
        quantity: row.number(Field::Quantity)?.ok_or_else(|| row.missing(Field::Quantity))?,
        subscription: text(row, Field::Subscription)?,
        item: text(row, Field::Item)?,
        metric: text(row, Field::Metric)?,
        amount: amount.map(|(amount, _)| amount),
        currency: amount.map(|(_, currency)| currency),
    })
}

fn opportunity(row: RowView<'_>) -> Result<Opportunity, Complaint> {
    let (amount, currency) = needed_money(row, Field::Amount)?;
    let name = row.needed_text(Field::StageName)?;
    let weight = match row.percent(Field::Weight)? {
        None => None,
        Some(weight) => Some(share(row, weight)?),
    };
    Ok(Opportunity {
        stage: stage(&name),
        stage_name: Some(name.into()),
        amount,
        currency,
        weight,
        close_date: row.instant(Field::CloseDate)?,
        starts_at: row.instant(Field::StartsAt)?,
        customer: text(row, Field::Customer)?,
        name: text(row, Field::Name)?,
    })
}

/// A share: up to 1 as it is, above in percent (a probability of 1 % is written 0.01).
fn share(row: RowView<'_>, weight: Decimal) -> Result<Decimal, Complaint> {
    if weight.is_negative() || weight > Decimal::from_i64(100) {
        let message = format!("{weight} is no share");
        return Err(row.complain(Field::Weight, code::BAD_WEIGHT, message, "write 0 to 1, or 0 to 100 %"));
    }
    if weight <= Decimal::ONE {
        return Ok(weight);
    }
    Ok(Decimal::new(weight.mantissa(), weight.scale() + 2))
}

fn invoice(row: RowView<'_>) -> Result<Invoice, Complaint> {
    let (total, currency) = needed_money(row, Field::Total)?;
    let tax = money(row, Field::Tax, Some(currency))?.unwrap_or(Amount::ZERO);
    let paid_at = row.instant(Field::PaidAt)?;
    let assumed = if paid_at.is_some() { InvoiceStatus::Paid } else { InvoiceStatus::Open };
    let subscription = text(row, Field::Subscription)?;
    let mut invoice = Invoice {
        status: row.word(Field::Status, invoice_status)?.unwrap_or(assumed),
        currency,
        total,
        tax,
        number: text(row, Field::Number)?,
        subscription: subscription.clone(),
        due_at: row.instant(Field::DueAt)?,
        paid_at,
        closed_at: row.instant(Field::ClosedAt)?,
        lines: Vec::new(),
    };
    invoice.lines = match row.text(Field::Lines)? {
        Some(json) => lines(row, &json)?,
        None => vec![InvoiceLine {
            kind: row.word(Field::LineKind, line_kind)?.unwrap_or(LineKind::Subscription),
            discount: money(row, Field::DiscountAmount, Some(currency))?,
            tax: (!tax.is_zero()).then_some(tax),
            subscription,
            item: text(row, Field::Item)?,
            plan: text(row, Field::Plan)?,
            description: text(row, Field::Description)?,
            quantity_micros: quantity(row)?,
            period_start: row.instant(Field::PeriodStart)?,
            period_end: row.instant(Field::PeriodEnd)?,
            proration: row.flag(Field::Proration)?,
            ..InvoiceLine::of(invoice.net())
        }],
    };
    for line in &invoice.lines {
        if let (Some(start), Some(end)) = (line.period_start, line.period_end)
            && end < start
        {
            let message = format!("the period ends at {end}, before it starts at {start}");
            return Err(row.complain(Field::PeriodEnd, code::BAD_PERIOD, message, "correct the dates"));
        }
    }
    let charged: Amount = invoice.lines.iter().map(|line| line.amount).sum();
    if charged != invoice.net() {
        let message = format!("the lines add up to {charged}, the invoice without tax is {}", invoice.net());
        let hint = "amounts of lines are without tax, with discounts taken off";
        return Err(row.complain(Field::Lines, code::BAD_LINES, message, hint));
    }
    Ok(invoice)
}

fn quantity(row: RowView<'_>) -> Result<Option<i64>, Complaint> {
    let Some(number) = row.number(Field::Quantity)? else { return Ok(None) };
    let micros = 6u8
        .checked_sub(number.scale())
        .and_then(|missing| number.mantissa().checked_mul(10i128.pow(u32::from(missing))))
        .and_then(|micros| i64::try_from(micros).ok());
    micros.map(Some).ok_or_else(|| {
        let message = format!("{number} has more than 6 decimals or is too large");
        row.complain(Field::Quantity, code::BAD_QUANTITY, message, "round the quantity")
    })
}

/// The JSON list of lines: the columns of an invoice's own line by name, dates as in files.
fn lines(row: RowView<'_>, json: &str) -> Result<Vec<InvoiceLine>, Complaint> {
    let bad = |what: String| {
        let hint = r#"write [{"amount": "100", "kind": "subscription", "period_start": "2026-01-01", ...}]"#;
        row.complain(Field::Lines, code::BAD_LINES, what, hint)
    };
    let mut values: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(json).map_err(|e| bad(format!("no JSON list of lines: {e}")))?;
    for line in &mut values {
        line.entry("kind").or_insert_with(|| LineKind::Subscription.as_str().into());
        for name in ["period_start", "period_end"] {
            let Some(serde_json::Value::String(date)) = line.get(name) else { continue };
            let when = crate::date::read(date, None)?;
            let instant = when.instant(&row.setup.zone).to_string();
            line.insert(name.to_string(), instant.into());
        }
    }
    values
        .into_iter()
        .map(|line| serde_json::from_value(serde_json::Value::Object(line)).map_err(|e| bad(e.to_string())))
        .collect()
}
