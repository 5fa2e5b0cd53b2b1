//! Chargebee, with either of its product catalogues.
//!
//! Rules and where they are written:
//! - subscriptions: <https://apidocs.chargebee.com/docs/api/subscriptions#subscription_attributes>. `cancelled_at` is when it
//!   ended **or will end**; `non_renewing` is one that will; `cancel_schedule_created_at` is when somebody asked;
//! - amounts are in the currency's smallest unit, `.._in_decimal` in major units:
//!   <https://apidocs.chargebee.com/docs/api/currencies>;
//! - prices with tiers: <https://www.chargebee.com/docs/2.0/pricing-models.html>;
//! - coupons and discounts: <https://apidocs.chargebee.com/docs/api/coupons>, <https://apidocs.chargebee.com/docs/api/discounts>;
//! - invoices, credit notes, transactions: <https://apidocs.chargebee.com/docs/api/invoices>,
//!   <https://apidocs.chargebee.com/docs/api/credit_notes>, <https://apidocs.chargebee.com/docs/api/transactions>;
//! - events: <https://apidocs.chargebee.com/docs/api/events>. Their address is protected by a user name and password:
//!   <https://www.chargebee.com/docs/2.0/webhook_settings.html>.

use super::{System, Webhook};
use crate::json::{
    amount, currency, decimal, deep, field, flag, int, list, millis, minor, minor_amount, seconds, text,
};
use crate::piece::{Billed, Item, Off, Seen, Standing, Thing, Tier};
use crate::price::whole;
use crate::said::Said;
use crate::signature;
use netnew_facts::{
    CreditNote, Entry, Invoice, InvoiceLine, InvoiceStatus, LineKind, Payment, PaymentResult, Refund, Text,
};
use netnew_money::{Amount, Currency, Decimal, Instant};
use serde_json::Value;

pub(super) const SYSTEM: System = System {
    name: "chargebee",
    title: "Chargebee",
    kind: "chargebee-json",
    looks,
    read,
    table: None,
    webhook: Webhook::Checked(signature::basic),
};

/// Objects that an entry of a list, or the content of an event, has side by side.
const OBJECTS: [&str; 11] = [
    "subscription",
    "customer",
    "invoice",
    "credit_note",
    "transaction",
    "plan",
    "addon",
    "item_price",
    "item",
    "coupon",
    "event",
];

fn looks(value: &Value) -> bool {
    if field(value, "event_type").is_some() && field(value, "content").is_some_and(Value::is_object) {
        return true;
    }
    if let Some(entries) = field(value, "list").and_then(Value::as_array) {
        return entries.iter().any(looks);
    }
    // Others have objects side by side too; Chargebee writes its times as numbers.
    let marked = |v: &Value, name: &str| {
        let named = text(v, "object") == Some(name) && text(v, "created_at").is_none();
        v.is_object() && (field(v, "resource_version").is_some() || named)
    };
    let nested = |name: &&str| field(value, name).is_some_and(|v| marked(v, name));
    if field(value, "object_type").is_none() && OBJECTS.iter().any(nested) {
        return true;
    }
    OBJECTS.iter().any(|name| text(value, "object") == Some(name))
        && field(value, "resource_version").is_some()
}

fn read(value: &Value) -> Said {
    let mut said = Said::default();
    let event = text(value, "event_type");
    let (holder, occurred) = match field(value, "content").filter(|_| event.is_some()) {
        Some(content) => (content, seconds(value, "occurred_at")),
        None => (value, None),
    };
    let by = event.unwrap_or("object");
    if let Some(kind) = text(holder, "object").filter(|_| event.is_none()) {
        object(kind, holder, occurred, by, &mut said);
        return said;
    }
    if let Some(inner) = field(holder, "event") {
        return read(inner);
    }
    let mut any = false;
    for kind in OBJECTS {
        if let Some(inner) = field(holder, kind).filter(|v| v.is_object()) {
            any = true;
            object(kind, inner, occurred, by, &mut said);
        }
    }
    match (any, event) {
        (true, _) => {}
        (false, Some(event)) => said.unused = Some(event.to_string()),
        (false, None) => said.strange("Chargebee", value),
    }
    said
}

fn object(kind: &str, value: &Value, occurred: Option<i64>, by: &str, said: &mut Said) {
    // `resource_version` has milliseconds and grows with every change.
    let own = millis(value, "resource_version").or_else(|| seconds(value, "updated_at"));
    let Some(at) = own.or(occurred).or_else(|| seconds(value, "created_at")) else {
        return said.missing(kind, text(value, "id"), "resource_version or updated_at");
    };
    match kind {
        "subscription" => subscription(value, at, by, said),
        "customer" => customer(value, at, said),
        "invoice" => invoice(value, at, said),
        "credit_note" => credit_note(value, at, said),
        "transaction" => transaction(value, at, said),
        "plan" | "addon" | "item_price" => price(value, at, said),
        "item" => {
            if let (Some(id), Some(name)) = (text(value, "id"), text(value, "name")) {
                said.thing(&format!("item {id}"), at, Thing { name: Some(name.into()), ..Thing::default() });
            }
        }
        "coupon" => coupon(value, at, said),
        other => said.unused = Some(other.to_string()),
    }
}

fn subscription(value: &Value, at: i64, by: &str, said: &mut Said) {
    let (Some(id), Some(customer)) = (text(value, "id"), text(value, "customer_id")) else {
        return said.missing("subscription", text(value, "id"), "customer_id");
    };
    let due = int(value, "due_invoices_count").unwrap_or(0) > 0;
    let status = text(value, "status");
    let standing = match status {
        Some("future") => Standing::Future,
        Some("in_trial") => Standing::Trialing,
        Some("active" | "non_renewing") if due => Standing::PastDue,
        Some("active" | "non_renewing") => Standing::Active,
        Some("paused") => Standing::Paused,
        Some("cancelled" | "transferred") => Standing::Canceled,
        _ => return said.missing("subscription", Some(id), "status"),
    };
    let over = standing == Standing::Canceled;
    let cancelled = seconds(value, "cancelled_at");
    let pause = seconds(value, "pause_date");
    let held = standing == Standing::Paused;
    let mut seen = Seen {
        subscription: id.into(),
        customer: customer.into(),
        at,
        rank: if by == "subscription_created" { 0 } else { 1 + i64::from(over) },
        made: matches!(by, "subscription_created" | "subscription_created_with_backdating"),
        standing,
        started: seconds(value, "started_at")
            .or_else(|| seconds(value, "start_date").filter(|_| standing == Standing::Future))
            .or_else(|| seconds(value, "created_at")),
        trial_start: seconds(value, "trial_start"),
        trial_end: seconds(value, "trial_end"),
        requested: seconds(value, "cancel_schedule_created_at").filter(|_| cancelled.is_some()),
        ends: cancelled.filter(|_| !over),
        ended: cancelled.filter(|_| over),
        paused: pause.filter(|_| held),
        pauses: pause.filter(|_| !held && !over),
        resumes: seconds(value, "resume_date").filter(|_| !over),
        due_since: seconds(value, "due_since").filter(|_| due),
        ..Seen::default()
    };
    // A trial that is to end in an end is asked for without a date of its own.
    if standing == Standing::Trialing && text(value, "trial_end_action") == Some("cancel_subscription") {
        seen.ends = seen.ends.or(seen.trial_end);
    }
    let why = text(value, "cancel_reason").or_else(|| text(value, "cancel_reason_code"));
    if let Some(why) = why.filter(|_| cancelled.is_some()) {
        let for_payment = matches!(text(value, "cancel_reason"), Some("not_paid" | "no_card"));
        let known = for_payment || field(value, "cancel_reason").is_none();
        seen.reason = known.then(|| if for_payment { "involuntary" } else { "voluntary" }.to_string());
        seen.reason_text = Some(why.to_string());
    } else if cancelled.is_some() {
        seen.reason = Some("voluntary".into());
    }
    let Some(code) = currency(value, "currency_code") else {
        return said.missing("subscription", Some(id), "currency_code");
    };
    seen.items = Some(items(value, code));
    discounts(value, code, &mut seen);
    said.seen(customer, by, seen);
    if flag(value, "deleted") {
        said.problems.push(crate::Trouble::new(
            "deleted",
            format!("the subscription {id} was deleted in Chargebee; what the book knows of it stays"),
            "exclude the customer if it was a test",
        ));
    }
}

fn period(value: &Value) -> Option<(String, u32)> {
    let count = int(value, "billing_period").or_else(|| int(value, "period"))?;
    let unit = text(value, "billing_period_unit").or_else(|| text(value, "period_unit"))?;
    Some((unit.to_string(), u32::try_from(count).ok()?))
}

fn items(value: &Value, code: Currency) -> Vec<Item> {
    let whole_period = period(value);
    let mut out = Vec::new();
    // The first catalogue: a plan and addons.
    if let Some(plan) = text(value, "plan_id") {
        out.extend(item(value, "plan_", plan, "plan", code, whole_period.clone()));
        for addon in list(value, "addons") {
            if let Some(id) = text(addon, "id") {
                out.extend(item(addon, "", id, id, code, whole_period.clone()));
            }
        }
    }
    // The second: items of three types, of which charges are billed once.
    for own in list(value, "subscription_items") {
        let Some(id) = text(own, "item_price_id") else { continue };
        let kind = text(own, "item_type");
        if kind == Some("charge") {
            continue;
        }
        let slot = if kind == Some("plan") { "plan" } else { id };
        out.extend(item(own, "", id, slot, code, period(own).or_else(|| whole_period.clone())));
    }
    out
}

/// One item: `prefix` is what its fields begin with, `slot` what it is told as; a plan takes the place of a plan.
fn item(
    value: &Value,
    prefix: &str,
    thing: &str,
    slot: &str,
    code: Currency,
    interval: Option<(String, u32)>,
) -> Option<Item> {
    let name = |field: &str| format!("{prefix}{field}");
    let quantity = decimal(value, &name("quantity_in_decimal")).or_else(|| decimal(value, &name("quantity")));
    let unit =
        decimal(value, &name("unit_price_in_decimal")).or_else(|| minor(value, &name("unit_price"), code));
    let total = decimal(value, &name("amount_in_decimal")).or_else(|| minor(value, &name("amount"), code));
    let free =
        decimal(value, &name("free_quantity_in_decimal")).or_else(|| decimal(value, &name("free_quantity")));
    let units = crate::json::units(quantity);
    let metered = field(value, "metered_quantity").is_some()
        || field(value, "usage_accumulation_reset_frequency").is_some();
    let (unit, units) = match (unit, total) {
        // Tiers, volumes, steps, free units: the amount of them all is what counts.
        (unit, Some(total)) if unit.is_none_or(|unit| !multiplies(unit, units, total)) => {
            whole(total, units)?
        }
        (Some(unit), _) if free.is_none_or(|f| f.is_zero()) => (unit, units),
        (Some(unit), _) => (unit, units.checked_sub(crate::json::units(free))?.max(0)),
        _ if metered => (Decimal::ZERO, 1_000_000),
        _ => {
            return Some(Item {
                id: slot.into(),
                thing: Some(thing.into()),
                currency: Some(code.as_str().into()),
                interval,
                quantity_micros: units,
                ..Item::default()
            });
        }
    };
    Some(Item {
        id: slot.into(),
        thing: Some(thing.into()),
        unit: Some(unit.to_string()),
        currency: Some(code.as_str().into()),
        interval,
        quantity_micros: units,
        metered,
        ..Item::default()
    })
}

fn multiplies(unit: Decimal, units: i64, total: Decimal) -> bool {
    netnew_money::line_value(unit, units).is_some_and(|worth| worth == total.to_ratio())
}

fn discounts(value: &Value, code: Currency, seen: &mut Seen) {
    // Full discounts, of which some were made by coupons.
    let own = list(value, "discounts");
    for discount in own {
        let kind = match text(discount, "duration_type") {
            Some("one_time") => "once",
            Some("limited_period") => "repeating",
            _ => "forever",
        };
        let off = Off {
            percent: decimal(discount, "percentage").map(|d| d.to_string()),
            amount: minor(discount, "amount", code).map(|d| d.to_string()),
            kind: kind.into(),
            from: seconds(discount, "created_at"),
            until: seconds(discount, "apply_till"),
            only: text(discount, "item_price_id").map(str::to_string).into_iter().collect(),
            ..Off::default()
        };
        seen.discounts.push(off);
    }
    let coupons = list(value, "coupons").iter().filter_map(|c| Some((c, text(c, "coupon_id")?)));
    for (coupon, id) in coupons.filter(|_| own.is_empty()) {
        let until = seconds(coupon, "apply_till");
        seen.discounts.push(Off { coupon: Some(id.to_string()), until, ..Off::default() });
    }
    if let Some(id) = text(value, "coupon").filter(|_| seen.discounts.is_empty()) {
        seen.discounts.push(Off { coupon: Some(id.to_string()), ..Off::default() });
    }
}

fn price(value: &Value, at: i64, said: &mut Said) {
    let Some(id) = text(value, "id") else { return };
    let Some(code) = currency(value, "currency_code") else {
        return said.missing("price", Some(id), "currency_code");
    };
    let unit = decimal(value, "price_in_decimal").or_else(|| minor(value, "price", code));
    let tiers = list(value, "tiers").iter().map(|tier| {
        let price = decimal(tier, "price_in_decimal").or_else(|| minor(tier, "price", code));
        Tier { up_to: int(tier, "ending_unit"), unit: price.map(|d| d.to_string()), flat: None }
    });
    let name =
        text(value, "external_name").or_else(|| text(value, "invoice_name")).or_else(|| text(value, "name"));
    let thing = Thing {
        name: name.map(str::to_string),
        of: text(value, "item_id").map(|item| format!("item {item}")),
        prices: unit.map(|unit| (code.as_str().to_string(), unit.to_string())).into_iter().collect(),
        tiers: tiers.collect(),
        tiers_mode: match text(value, "pricing_model") {
            Some("tiered") => Some("graduated".into()),
            Some(mode @ ("volume" | "stairstep")) => Some(mode.into()),
            _ => None,
        },
        interval: period(value),
        metered: flag(value, "metered"),
        ..Thing::default()
    };
    said.thing(id, at, thing);
}

fn coupon(value: &Value, at: i64, said: &mut Said) {
    let Some(id) = text(value, "id") else { return };
    let code = currency(value, "currency_code");
    let kind = match text(value, "duration_type") {
        Some("one_time") => "once",
        Some("limited_period") => "repeating",
        _ => "forever",
    };
    let months = int(value, "duration_month").or_else(|| int(value, "period"));
    let off = Off {
        percent: decimal(value, "discount_percentage").map(|d| d.to_string()),
        amount: code.and_then(|c| minor(value, "discount_amount", c)).map(|d| d.to_string()),
        currency: code.map(|c| c.as_str().to_string()),
        kind: kind.into(),
        cycles: months.and_then(|n| u32::try_from(n).ok()).filter(|_| kind == "repeating"),
        ..Off::default()
    };
    said.coupon(id, at, off);
}

fn customer(value: &Value, at: i64, said: &mut Said) {
    let Some(id) = text(value, "id") else { return };
    let own = |name: &str| text(value, name).map(str::to_string);
    let person: Vec<&str> = ["first_name", "last_name"].iter().filter_map(|n| text(value, n)).collect();
    let name = own("company").or_else(|| (!person.is_empty()).then(|| person.join(" ")));
    let country = deep(value, &["billing_address"]).and_then(|a| text(a, "country")).map(str::to_string);
    let mut values = vec![
        ("name".to_string(), name),
        ("email".into(), own("email")),
        ("country".into(), country),
        ("channel".into(), own("channel")),
        ("signed_up_at".into(), seconds(value, "created_at").map(|t| Instant::from_micros(t).to_string())),
    ];
    for (key, value) in value.as_object().into_iter().flatten() {
        if let Some(name) = key.strip_prefix("cf_") {
            values.push((name.to_string(), value.as_str().map(str::to_string)));
        }
    }
    said.attributes(id, "", at, values);
}

fn invoice(value: &Value, at: i64, said: &mut Said) {
    let (Some(id), Some(customer)) = (text(value, "id"), text(value, "customer_id")) else {
        return said.missing("invoice", text(value, "id"), "customer_id");
    };
    let (Some(code), Some(date)) = (currency(value, "currency_code"), seconds(value, "date")) else {
        return said.missing("invoice", Some(id), "currency_code or date");
    };
    if flag(value, "deleted") {
        said.entries.push(crate::EntrySaid {
            customer: customer.into(),
            key: id.into(),
            at: Instant::from_micros(date),
            version: at,
            entry: Err(netnew_facts::EntryKind::Invoice),
        });
        return;
    }
    let status = match text(value, "status") {
        Some("paid") => InvoiceStatus::Paid,
        Some("posted" | "payment_due") => InvoiceStatus::Open,
        // Dunning is over and nothing came.
        Some("not_paid") => InvoiceStatus::Uncollectible,
        Some("voided") => InvoiceStatus::Void,
        Some("pending") => InvoiceStatus::Draft,
        _ => return said.missing("invoice", Some(id), "status"),
    };
    let inclusive = text(value, "price_type") == Some("tax_inclusive");
    let of = |name: &str| minor_amount(value, name, code);
    let mut invoice = Invoice {
        status,
        total: of("total").unwrap_or(Amount::ZERO),
        tax: of("tax").unwrap_or(Amount::ZERO),
        number: Some(id.into()),
        subscription: text(value, "subscription_id").map(Text::from),
        due_at: seconds(value, "due_date").map(Instant::from_micros),
        paid_at: seconds(value, "paid_at").map(Instant::from_micros),
        closed_at: seconds(value, "voided_at").map(Instant::from_micros),
        ..Invoice::open(code)
    };
    for line in list(value, "line_items") {
        invoice.lines.extend(self::line(line, inclusive, code));
        billed(line, customer, (id, date, inclusive), said);
    }
    let sum = invoice.lines.iter().try_fold(Amount::ZERO, |sum, line| sum.checked_add(line.amount));
    // Discounts on the whole and round-offs stand beside the lines: then the lines do not say what each is worth.
    if sum != Some(invoice.net()) {
        invoice.lines.clear();
    }
    said.entry(customer, id, date, at, Entry::Invoice(invoice));
}

fn line(line: &Value, inclusive: bool, code: Currency) -> Option<InvoiceLine> {
    let gross = minor_amount(line, "amount", code)?;
    let off = minor_amount(line, "discount_amount", code).unwrap_or(Amount::ZERO);
    let tax = minor_amount(line, "tax_amount", code).unwrap_or(Amount::ZERO);
    let net = gross.checked_sub(off)?;
    let recurs = matches!(
        text(line, "entity_type"),
        Some("plan" | "addon" | "plan_item_price" | "addon_item_price" | "plan_setup")
    );
    Some(InvoiceLine {
        kind: if recurs { LineKind::Subscription } else { LineKind::OneTime },
        discount: Some(off).filter(|off| !off.is_zero()),
        tax: Some(tax).filter(|tax| !tax.is_zero()),
        subscription: text(line, "subscription_id").map(Text::from),
        plan: text(line, "entity_id").map(Text::from),
        description: text(line, "description").map(Text::from),
        quantity_micros: decimal(line, "quantity").and_then(crate::json::micros),
        period_start: seconds(line, "date_from").map(Instant::from_micros),
        period_end: seconds(line, "date_to").map(Instant::from_micros),
        ..InvoiceLine::of(if inclusive { net.checked_sub(tax)? } else { net })
    })
}

/// What a line says of tax inside a price.
fn billed(line: &Value, customer: &str, (invoice, at, inclusive): (&str, i64, bool), said: &mut Said) {
    let (Some(subscription), Some(thing)) = (text(line, "subscription_id"), text(line, "entity_id")) else {
        return;
    };
    let taxed = int(line, "amount").unwrap_or(0) - int(line, "discount_amount").unwrap_or(0);
    let tax = int(line, "tax_amount").unwrap_or(0);
    if inclusive && taxed > tax && tax >= 0 {
        let net = Some((taxed - tax, taxed));
        let billed = Billed { subscription: subscription.into(), thing: thing.into(), at, unit: None, net };
        said.billed(customer, invoice, billed);
    }
}

fn credit_note(value: &Value, at: i64, said: &mut Said) {
    let (Some(id), Some(customer)) = (text(value, "id"), text(value, "customer_id")) else {
        return said.missing("credit note", text(value, "id"), "customer_id");
    };
    let (Some(code), Some(date)) = (currency(value, "currency_code"), seconds(value, "date")) else {
        return said.missing("credit note", Some(id), "currency_code or date");
    };
    let total = minor_amount(value, "total", code).unwrap_or(Amount::ZERO);
    let taxes = list(value, "taxes").iter().filter_map(|tax| minor_amount(tax, "amount", code));
    let note = CreditNote {
        tax: taxes.fold(Amount::ZERO, |sum, tax| sum.checked_add(tax).unwrap_or(sum)),
        void: text(value, "status") == Some("voided") || flag(value, "deleted"),
        invoice: text(value, "reference_invoice_id").map(Text::from),
        subscription: text(value, "subscription_id").map(Text::from),
        reason: text(value, "reason_code").or_else(|| text(value, "create_reason_code")).map(Text::from),
        ..CreditNote::of(total, code)
    };
    said.entry(customer, id, date, at, Entry::CreditNote(note));
}

fn transaction(value: &Value, at: i64, said: &mut Said) {
    let (Some(id), Some(customer)) = (text(value, "id"), text(value, "customer_id")) else {
        return said.missing("transaction", text(value, "id"), "customer_id");
    };
    let (Some(code), Some(date)) = (currency(value, "currency_code"), seconds(value, "date")) else {
        return said.missing("transaction", Some(id), "currency_code or date");
    };
    let sum = minor(value, "amount", code).and_then(amount).unwrap_or(Amount::ZERO);
    let result = match text(value, "status") {
        Some("success") => PaymentResult::Succeeded,
        Some("failure" | "timeout" | "voided") => PaymentResult::Failed,
        _ => PaymentResult::Pending,
    };
    let linked =
        list(value, "linked_invoices").first().or_else(|| list(value, "linked_credit_notes").first());
    let invoice = linked
        .and_then(|l| text(l, "invoice_id").or_else(|| text(l, "cn_reference_invoice_id")))
        .map(Text::from);
    let subscription = text(value, "subscription_id").map(Text::from);
    let entry = match text(value, "type") {
        Some("payment") => Entry::Payment(Payment {
            result,
            invoice,
            subscription,
            method: text(value, "payment_method").map(Text::from),
            failure: text(value, "error_text").or_else(|| text(value, "error_code")).map(Text::from),
            ..Payment::succeeded(sum, code)
        }),
        Some("refund" | "payment_reversal") => Entry::Refund(Refund {
            result,
            payment: text(value, "refunded_txn_id").map(Text::from),
            invoice,
            subscription,
            reason: text(value, "fraud_reason").map(Text::from),
            ..Refund::of(sum, code)
        }),
        // An authorisation moves no money.
        _ => {
            said.unused = Some("transaction that moves no money".into());
            return;
        }
    };
    said.entry(customer, id, date, at, entry);
}
