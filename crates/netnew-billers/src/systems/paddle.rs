//! Paddle Billing.
//!
//! Rules and where they are written:
//! - a subscription and its items: <https://developer.paddle.com/api-reference/subscriptions/overview>;
//! - amounts are texts in the currency's smallest unit: <https://developer.paddle.com/api-reference/about/data-types>;
//! - an end that is asked for stands in `scheduled_change` until it comes, then `canceled_at` is when it came:
//!   <https://developer.paddle.com/build/subscriptions/cancel-subscriptions>;
//! - `past_due` while a payment is tried again: <https://developer.paddle.com/build/lifecycle/subscription-renewal-dunning>;
//! - transactions and adjustments: <https://developer.paddle.com/api-reference/transactions/overview>,
//!   <https://developer.paddle.com/api-reference/adjustments/overview>;
//! - events: <https://developer.paddle.com/webhooks/overview>; signatures:
//!   <https://developer.paddle.com/webhooks/signature-verification>.

use super::{System, Webhook};
use crate::json::{currency, decimal, deep, field, flag, int, list, minor, minor_amount, text, time};
use crate::piece::{Billed, Item, Off, Seen, Standing, Thing};
use crate::said::Said;
use crate::signature;
use netnew_facts::{
    CreditNote, Dispute, DisputeStatus, Entry, Invoice, InvoiceLine, InvoiceStatus, LineKind, Payment,
    PaymentResult, Refund, Text,
};
use netnew_money::{Amount, Currency, Instant};
use serde_json::Value;

pub(super) const SYSTEM: System = System {
    name: "paddle",
    title: "Paddle Billing",
    kind: "paddle-json",
    looks,
    read,
    table: None,
    webhook: Webhook::Checked(signature::paddle),
};

fn looks(value: &Value) -> bool {
    if field(value, "event_type").is_some() && field(value, "occurred_at").is_some() {
        return field(value, "data").is_some();
    }
    if let Some(entries) = field(value, "data").and_then(Value::as_array) {
        return field(value, "meta").is_some() && entries.iter().any(looks);
    }
    if let Some(inner) = field(value, "data").filter(|d| d.is_object()) {
        return field(value, "meta").is_some() && looks(inner);
    }
    kind_of(value).is_some()
}

/// Ids say what an object is: <https://developer.paddle.com/api-reference/about/paddle-ids>.
fn kind_of(value: &Value) -> Option<&'static str> {
    let prefix = text(value, "id")?.split_once('_')?.0;
    let (kind, proof) = match prefix {
        "sub" => ("subscription", "customer_id"),
        "txn" => ("transaction", "currency_code"),
        "adj" => ("adjustment", "transaction_id"),
        "ctm" => ("customer", "email"),
        "add" => ("address", "country_code"),
        "pri" => ("price", "unit_price"),
        "pro" => ("product", "tax_category"),
        "dsc" => ("discount", "amount"),
        _ => return None,
    };
    field(value, proof).map(|_| kind)
}

fn read(value: &Value) -> Said {
    let mut said = Said::default();
    let event = text(value, "event_type");
    let object = match event {
        Some(_) => field(value, "data").unwrap_or(value),
        None => match field(value, "data").filter(|d| d.is_object()) {
            Some(inner) => inner,
            None => value,
        },
    };
    let changed = time(object, "updated_at").or_else(|| time(object, "created_at"));
    let at = time(value, "occurred_at").or(changed);
    let Some(at) = at else {
        said.missing("object", text(object, "id"), "updated_at");
        return said;
    };
    let by = event.unwrap_or("object");
    match kind_of(object) {
        Some("subscription") => subscription(object, at, by, &mut said),
        Some("transaction") => transaction(object, at, &mut said),
        Some("adjustment") => adjustment(object, at, &mut said),
        Some("customer") => customer(object, at, &mut said),
        Some("address") => {
            let country = text(object, "country_code").map(str::to_string);
            let customer = text(object, "customer_id").unwrap_or_default();
            said.attributes(customer, "address", at, [("country".to_string(), country)]);
        }
        Some("price") => price(object, at, &mut said),
        Some("product") => product(object, at, &mut said),
        Some("discount") => discount(object, at, &mut said),
        _ if event.is_some() => said.unused = event.map(str::to_string),
        _ => said.strange("Paddle", object),
    }
    said
}

fn cycle(value: &Value, name: &str) -> Option<(String, u32)> {
    let cycle = field(value, name)?;
    Some((text(cycle, "interval")?.to_string(), u32::try_from(int(cycle, "frequency")?).ok()?))
}

fn subscription(object: &Value, at: i64, by: &str, said: &mut Said) {
    let (Some(id), Some(customer)) = (text(object, "id"), text(object, "customer_id")) else {
        return said.missing("subscription", text(object, "id"), "customer_id");
    };
    let standing = match text(object, "status") {
        Some("active") => Standing::Active,
        Some("trialing") => Standing::Trialing,
        Some("past_due") => Standing::PastDue,
        Some("paused") => Standing::Paused,
        Some("canceled") => Standing::Canceled,
        _ => return said.missing("subscription", Some(id), "status"),
    };
    let trials = || list(object, "items").iter().filter_map(|i| field(i, "trial_dates"));
    let mut seen = Seen {
        subscription: id.into(),
        customer: customer.into(),
        at,
        // What is told of one moment: made before changed before ended.
        rank: match (by, standing) {
            ("subscription.created" | "subscription.imported", _) => 0,
            (_, Standing::Canceled) => 2,
            _ => 1,
        },
        made: matches!(by, "subscription.created" | "subscription.imported"),
        standing,
        started: time(object, "started_at").or_else(|| time(object, "created_at")),
        trial_start: trials().filter_map(|t| time(t, "starts_at")).min(),
        trial_end: trials().filter_map(|t| time(t, "ends_at")).max(),
        // Paddle's `canceled_at` is when it ended; the request is when the change was first seen to be scheduled.
        ended: time(object, "canceled_at"),
        paused: time(object, "paused_at").filter(|_| standing == Standing::Paused),
        ..Seen::default()
    };
    if let Some(change) = field(object, "scheduled_change") {
        let effective = time(change, "effective_at");
        match text(change, "action") {
            Some("cancel") => seen.ends = effective,
            Some("pause") => {
                seen.pauses = effective;
                seen.resumes = time(change, "resume_at");
            }
            Some("resume") => seen.resumes = effective,
            _ => {}
        }
    }
    let code = text(object, "currency_code").map(str::to_string);
    let whole = cycle(object, "billing_cycle");
    seen.items = Some(
        list(object, "items")
            .iter()
            .filter(|i| field(i, "recurring").and_then(Value::as_bool) != Some(false))
            .filter(|i| text(i, "status") != Some("inactive"))
            .filter_map(|i| item(i, at, code.as_deref(), whole.clone(), said))
            .collect(),
    );
    if let Some(discount) = field(object, "discount") {
        seen.discounts.extend(text(discount, "id").map(|id| Off {
            coupon: Some(id.to_string()),
            from: time(discount, "starts_at"),
            until: time(discount, "ends_at"),
            ..Off::default()
        }));
    }
    // Included on request: what the next bill has, without tax, override by country and all.
    let recurring = deep(object, &["recurring_transaction_details", "line_items"])
        .or_else(|| deep(object, &["next_transaction", "details", "line_items"]));
    for line in recurring.and_then(Value::as_array).map_or(&[][..], Vec::as_slice) {
        billed(line, id, customer, at, by, code.as_deref(), said);
    }
    said.seen(customer, by, seen);
    if let Some(custom) = field(object, "custom_data").and_then(Value::as_object) {
        let values = custom.iter().filter_map(|(k, v)| Some((k.clone(), Some(v.as_str()?.to_string()))));
        said.attributes(customer, id, at, values);
    }
}

fn item(
    item: &Value,
    at: i64,
    code: Option<&str>,
    whole: Option<(String, u32)>,
    said: &mut Said,
) -> Option<Item> {
    let price = field(item, "price")?;
    let id = text(price, "id")?;
    self::price(price, at, said);
    if let Some(full) = field(item, "product") {
        product(full, at, said);
    }
    let unit = field(price, "unit_price");
    let own = unit.and_then(|u| text(u, "currency_code"));
    let currency = Currency::parse(own.or(code)?).ok();
    Some(Item {
        id: id.to_string(),
        by_price: true,
        since: time(item, "created_at"),
        plan: text(price, "name").map(str::to_string),
        thing: Some(id.to_string()),
        unit: unit.zip(currency).and_then(|(u, c)| minor(u, "amount", c)).map(|d| d.to_string()),
        currency: own.or(code).map(str::to_string),
        interval: cycle(price, "billing_cycle").or(whole),
        quantity_micros: crate::json::units(decimal(item, "quantity")),
        tax_inside: text(price, "tax_mode") == Some("internal"),
        ..Item::default()
    })
}

/// `unit_totals` is one unit before discount and without tax: <https://developer.paddle.com/api-reference/transactions/overview>.
fn billed(line: &Value, id: &str, customer: &str, at: i64, by: &str, code: Option<&str>, said: &mut Said) {
    let Some(currency) = code.and_then(|c| Currency::parse(c).ok()) else { return };
    let Some(thing) = text(line, "price_id") else { return };
    // Part of a period only: its unit is not that of a whole one.
    if field(line, "proration").is_some() {
        return;
    }
    let unit = field(line, "unit_totals").and_then(|u| minor(u, "subtotal", currency));
    if let Some(unit) = unit {
        let unit = Some(unit.to_string());
        let billed = Billed { subscription: id.into(), thing: thing.into(), at, unit, net: None };
        said.billed(customer, &format!("{at} {by}"), billed);
    }
}

fn price(object: &Value, at: i64, said: &mut Said) {
    let Some(id) = text(object, "id") else { return };
    let unit = field(object, "unit_price");
    let main = unit.and_then(|u| {
        let code = currency(u, "currency_code")?;
        Some((code.to_string(), minor(u, "amount", code)?.to_string()))
    });
    let thing = Thing {
        name: text(object, "name").map(str::to_string),
        of: text(object, "product_id").map(str::to_string),
        prices: main.into_iter().collect(),
        interval: cycle(object, "billing_cycle"),
        tax_inside: text(object, "tax_mode") == Some("internal"),
        ..Thing::default()
    };
    said.thing(id, time(object, "updated_at").unwrap_or(at), thing);
}

fn product(object: &Value, at: i64, said: &mut Said) {
    if let (Some(id), Some(name)) = (text(object, "id"), text(object, "name")) {
        let version = time(object, "updated_at").unwrap_or(at);
        said.thing(id, version, Thing { name: Some(name.to_string()), ..Thing::default() });
    }
}

/// <https://developer.paddle.com/api-reference/discounts/overview>: `amount` is a percentage, or smallest units.
fn discount(object: &Value, at: i64, said: &mut Said) {
    let Some(id) = text(object, "id") else { return };
    let mut off = Off {
        kind: if flag(object, "recur") { "forever" } else { "once" }.to_string(),
        cycles: int(object, "maximum_recurring_intervals").and_then(|n| u32::try_from(n).ok()),
        only: list(object, "restrict_to").iter().filter_map(|v| v.as_str().map(str::to_string)).collect(),
        currency: text(object, "currency_code").map(str::to_string),
        ..Off::default()
    };
    if off.cycles.is_some() {
        off.kind = "repeating".into();
    }
    match (text(object, "type"), currency(object, "currency_code")) {
        (Some("percentage"), _) => off.percent = decimal(object, "amount").map(|d| d.to_string()),
        (Some(kind), Some(code)) => {
            off.amount = minor(object, "amount", code).map(|d| d.to_string());
            off.per_unit = kind == "flat_per_seat";
        }
        _ => return said.missing("discount", Some(id), "type or currency_code"),
    }
    said.coupon(id, at, off);
}

fn customer(object: &Value, at: i64, said: &mut Said) {
    let Some(id) = text(object, "id") else { return };
    let own = |name: &str| text(object, name).map(str::to_string);
    let mut values: Vec<(String, Option<String>)> = vec![
        ("name".into(), own("name")),
        ("email".into(), own("email")),
        ("signed_up_at".into(), time(object, "created_at").map(|t| Instant::from_micros(t).to_string())),
    ];
    let custom = field(object, "custom_data").and_then(Value::as_object);
    for (key, value) in custom.into_iter().flatten() {
        values.push((key.clone(), value.as_str().map(str::to_string)));
    }
    said.attributes(id, "", at, values);
}

fn transaction(object: &Value, at: i64, said: &mut Said) {
    let Some(id) = text(object, "id") else { return };
    let (Some(customer), Some(code)) = (text(object, "customer_id"), currency(object, "currency_code"))
    else {
        // A checkout that was opened and not filled in has no customer yet.
        said.unused = Some("transaction without a customer".into());
        return;
    };
    let subscription = text(object, "subscription_id");
    let status = match text(object, "status") {
        Some("draft" | "ready") => InvoiceStatus::Draft,
        Some("billed" | "past_due") => InvoiceStatus::Open,
        Some("paid" | "completed") => InvoiceStatus::Paid,
        Some("canceled") => InvoiceStatus::Void,
        _ => return said.missing("transaction", Some(id), "status"),
    };
    let totals = deep(object, &["details", "totals"]);
    let of = |name: &str| totals.and_then(|t| minor_amount(t, name, code));
    let (Some(total), Some(tax)) = (of("total"), of("tax")) else {
        return said.missing("transaction", Some(id), "details.totals");
    };
    let issued = time(object, "billed_at").or_else(|| time(object, "created_at")).unwrap_or(at);
    let payments = list(object, "payments");
    let paid_at = payments.iter().filter_map(|p| time(p, "captured_at")).max();
    let mut invoice = Invoice {
        status,
        total,
        tax,
        number: text(object, "invoice_number").map(Text::from),
        subscription: subscription.map(Text::from),
        paid_at: paid_at.filter(|_| status == InvoiceStatus::Paid).map(Instant::from_micros),
        closed_at: (status == InvoiceStatus::Void).then(|| Instant::from_micros(at)),
        ..Invoice::open(code)
    };
    let lines = deep(object, &["details", "line_items"]).and_then(Value::as_array);
    for line in lines.into_iter().flatten() {
        invoice.lines.extend(self::line(line, object, code));
        if let Some(subscription) = subscription.filter(|_| status != InvoiceStatus::Void) {
            billed(line, subscription, customer, issued, id, Some(code.as_str()), said);
        }
    }
    // Lines that do not add up would be taken for ones that do.
    let sum = invoice.lines.iter().try_fold(Amount::ZERO, |sum, line| sum.checked_add(line.amount));
    if sum != Some(invoice.net()) {
        invoice.lines.clear();
    }
    said.entry(customer, id, issued, at, Entry::Invoice(invoice));
    for (n, payment) in payments.iter().enumerate() {
        self::payment(payment, n, (id, customer, subscription, code, at), said);
    }
}

fn line(line: &Value, transaction: &Value, code: Currency) -> Option<InvoiceLine> {
    let totals = field(line, "totals")?;
    let thing = text(line, "price_id");
    let item = list(transaction, "items")
        .iter()
        .find(|i| field(i, "price").and_then(|p| text(p, "id")).or_else(|| text(i, "price_id")) == thing);
    let price = item.and_then(|i| field(i, "price"));
    let recurs = price.is_none_or(|p| field(p, "billing_cycle").is_some());
    let discount = minor_amount(totals, "discount", code).unwrap_or(Amount::ZERO);
    let period =
        deep(line, &["proration", "billing_period"]).or_else(|| field(transaction, "billing_period"));
    let named = price
        .and_then(|p| text(p, "name"))
        .or_else(|| deep(line, &["product"]).and_then(|p| text(p, "name")));
    Some(InvoiceLine {
        kind: if recurs { LineKind::Subscription } else { LineKind::OneTime },
        discount: Some(discount).filter(|d| !d.is_zero()),
        tax: minor_amount(totals, "tax", code),
        subscription: text(transaction, "subscription_id").map(Text::from),
        plan: named.or(thing).map(Text::from),
        quantity_micros: decimal(line, "quantity").and_then(crate::json::micros),
        period_start: period.and_then(|p| time(p, "starts_at")).filter(|_| recurs).map(Instant::from_micros),
        period_end: period.and_then(|p| time(p, "ends_at")).filter(|_| recurs).map(Instant::from_micros),
        proration: field(line, "proration").is_some(),
        ..InvoiceLine::of(minor_amount(totals, "subtotal", code)?.checked_sub(discount)?)
    })
}

type Of<'a> = (&'a str, &'a str, Option<&'a str>, Currency, i64);

fn payment(payment: &Value, n: usize, (id, customer, subscription, code, at): Of, said: &mut Said) {
    let result = match text(payment, "status") {
        Some("captured") => PaymentResult::Succeeded,
        Some("error" | "canceled" | "dropped") => PaymentResult::Failed,
        _ => PaymentResult::Pending,
    };
    let amount = minor_amount(payment, "amount", code);
    let (Some(amount), Some(made)) = (amount, time(payment, "created_at")) else { return };
    let own = text(payment, "payment_attempt_id");
    let key = own.map_or_else(|| format!("{id} payment {}", n + 1), str::to_string);
    let entry = Payment {
        result,
        invoice: Some(id.into()),
        subscription: subscription.map(Text::from),
        method: deep(payment, &["method_details"]).and_then(|m| text(m, "type")).map(Text::from),
        failure: text(payment, "error_code").map(Text::from),
        ..Payment::succeeded(amount, code)
    };
    let when = time(payment, "captured_at").unwrap_or(made);
    said.entry(customer, &key, when, at, Entry::Payment(entry));
}

/// Money back, credit, and payments that were contested.
fn adjustment(object: &Value, at: i64, said: &mut Said) {
    let Some(id) = text(object, "id") else { return };
    let (Some(customer), Some(code)) = (text(object, "customer_id"), currency(object, "currency_code"))
    else {
        return said.missing("adjustment", Some(id), "customer_id or currency_code");
    };
    let totals = field(object, "totals");
    let of = |name: &str| totals.and_then(|t| minor_amount(t, name, code)).map(Amount::abs);
    let Some(amount) = of("total") else { return said.missing("adjustment", Some(id), "totals.total") };
    let result = match text(object, "status") {
        Some("approved") => PaymentResult::Succeeded,
        Some("pending_approval") => PaymentResult::Pending,
        _ => PaymentResult::Failed,
    };
    let invoice = text(object, "transaction_id").map(Text::from);
    let subscription = text(object, "subscription_id").map(Text::from);
    let reason = text(object, "reason").map(Text::from);
    let when = time(object, "created_at").unwrap_or(at);
    let entry = match text(object, "action") {
        Some("refund") => {
            Entry::Refund(Refund { result, invoice, subscription, reason, ..Refund::of(amount, code) })
        }
        Some("credit") => Entry::CreditNote(CreditNote {
            tax: of("tax").unwrap_or(Amount::ZERO),
            void: result == PaymentResult::Failed,
            invoice,
            subscription,
            reason,
            ..CreditNote::of(amount, code)
        }),
        Some("chargeback" | "chargeback_warning") => {
            let status = match (text(object, "action"), text(object, "status")) {
                (_, Some("reversed")) => DisputeStatus::Won,
                (Some("chargeback"), Some("approved")) => DisputeStatus::Lost,
                _ => DisputeStatus::Open,
            };
            let (currency, payment, closed_at) = (code, None, None);
            Entry::Dispute(Dispute { amount, currency, status, payment, invoice, closed_at, reason })
        }
        // A reversal takes back another adjustment, which then says `reversed` itself.
        Some(other) => {
            said.unused = Some(format!("adjustment {other}"));
            return;
        }
        None => return said.missing("adjustment", Some(id), "action"),
    };
    said.entry(customer, id, when, at, entry);
}
