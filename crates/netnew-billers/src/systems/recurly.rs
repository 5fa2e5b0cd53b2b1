//! Recurly.
//!
//! Rules and where they are written:
//! - subscriptions: <https://recurly.com/developers/api/v2021-02-25/#tag/subscription>. `canceled` is a subscription that will
//!   not renew and runs until `current_period_ends_at` (or `current_term_ends_at`); `canceled_at` is when somebody asked;
//!   `expired` is one that is over, since `expires_at`;
//! - amounts are decimals in major units; `unit_amount` is for one unit and one `plan_interval`; add-ons are items of their own:
//!   <https://recurly.com/developers/api/v2021-02-25/#tag/plan>;
//! - invoices with line items, transactions: <https://recurly.com/developers/api/v2021-02-25/#tag/invoice>;
//! - notifications in JSON carry what changed and the object, or only its id; the signature is in `recurly-signature`:
//!   <https://docs.recurly.com/docs/webhooks>, <https://docs.recurly.com/docs/webhook-signatures>;
//! - the export of subscriptions: <https://docs.recurly.com/docs/export-formats>.

use super::{System, Table, Webhook};
use crate::json::{amount, currency, decimal, deep, field, flag, int, list, text, time, word};
use crate::piece::{Item, Next, Off, Seen, Standing, Thing, Tier};
use crate::said::Said;
use crate::signature;
use netnew_facts::{
    CreditNote, Entry, Invoice, InvoiceLine, InvoiceStatus, LineKind, Payment, PaymentResult, Refund, Text,
};
use netnew_money::{Amount, Instant};
use serde_json::Value;

pub(super) const SYSTEM: System = System {
    name: "recurly",
    title: "Recurly",
    kind: "recurly-json",
    looks,
    read,
    table: Some(Table { kind: "recurly-csv", looks: export, read: row }),
    webhook: Webhook::Checked(signature::recurly),
};

const OBJECTS: [&str; 7] = ["subscription", "account", "invoice", "transaction", "plan", "add_on", "coupon"];

fn looks(value: &Value) -> bool {
    if field(value, "object_type").is_some() && field(value, "event_type").is_some() {
        return field(value, "uuid").is_some() || field(value, "site_id").is_some();
    }
    if let Some(entries) = field(value, "data").and_then(Value::as_array) {
        return text(value, "object") == Some("list") && entries.iter().any(looks);
    }
    let kind = text(value, "object").is_some_and(|kind| OBJECTS.contains(&kind));
    // Stripe writes its times as numbers.
    kind && text(value, "created_at").or_else(|| text(value, "updated_at")).is_some()
}

fn read(value: &Value) -> Said {
    let mut said = Said::default();
    let event = field(value, "object_type").and(text(value, "event_type"));
    let inner = event.and_then(|_| {
        OBJECTS
            .iter()
            .find_map(|name| field(value, name))
            .or_else(|| field(value, "object").filter(|o| o.is_object()))
    });
    let object = inner.unwrap_or(value);
    if let (Some(event), None) = (event, inner) {
        said.problems.push(crate::Trouble::new(
            "only_an_id",
            format!(
                "the notification {event} names {} and does not contain it",
                word(value, "id").unwrap_or_default()
            ),
            "choose the kind of notification that contains the object, or import an export",
        ));
        return said;
    }
    let at = time(object, "updated_at")
        .or_else(|| time(value, "event_time"))
        .or_else(|| time(object, "created_at"));
    let Some(at) = at else {
        said.missing("object", text(object, "id"), "updated_at");
        return said;
    };
    let by = event.unwrap_or("object");
    match text(object, "object").or_else(|| text(value, "object_type")) {
        Some("subscription") => subscription(object, at, by, &mut said),
        Some("account") => account(object, at, &mut said),
        Some("invoice") => invoice(object, at, &mut said),
        Some("transaction") => transaction(object, at, &mut said),
        Some("plan") => plan(object, at, &mut said),
        Some("add_on") => add_on(object, at, &mut said),
        Some("coupon") => coupon(object, at, &mut said),
        Some(other) => said.unused = Some(other.to_string()),
        None => said.strange("Recurly", object),
    }
    said
}

fn customer_of(value: &Value) -> Option<String> {
    let account = field(value, "account")?;
    word(account, "code").or_else(|| word(account, "id"))
}

fn subscription(value: &Value, at: i64, by: &str, said: &mut Said) {
    let id = text(value, "uuid").or_else(|| text(value, "id"));
    let (Some(id), Some(customer)) = (id, customer_of(value)) else {
        return said.missing("subscription", text(value, "id"), "account.code");
    };
    let (standing, past_due) = match text(value, "state") {
        Some("future") => (Standing::Future, false),
        Some("active" | "in_trial" | "live" | "canceled") => (Standing::Active, false),
        Some("past_due") => (Standing::Active, true),
        Some("paused") => (Standing::Paused, false),
        Some("expired") => (Standing::Canceled, false),
        // Its first payment never came.
        Some("failed" | "pending") => (Standing::Pending, false),
        _ => return said.missing("subscription", Some(id), "state"),
    };
    let canceled = text(value, "state") == Some("canceled");
    let trial_end = time(value, "trial_ends_at");
    let standing = match standing {
        Standing::Active if trial_end.is_some_and(|end| end > at) => Standing::Trialing,
        Standing::Active if past_due || flag(value, "has_past_due_invoice") => Standing::PastDue,
        other => other,
    };
    let over = standing == Standing::Canceled;
    let term = time(value, "current_term_ends_at").or_else(|| time(value, "current_period_ends_at"));
    let mut seen = Seen {
        subscription: id.into(),
        customer: customer.clone(),
        at,
        rank: i64::from(by != "created") + i64::from(over),
        made: by == "created",
        standing,
        started: time(value, "activated_at")
            .or_else(|| time(value, "trial_started_at"))
            .or_else(|| time(value, "created_at")),
        trial_start: time(value, "trial_started_at"),
        trial_end,
        requested: time(value, "canceled_at"),
        ends: canceled.then(|| time(value, "expires_at").or(term)).flatten(),
        ended: over.then(|| time(value, "expires_at").unwrap_or(at)),
        paused: time(value, "paused_at").filter(|_| standing == Standing::Paused),
        pauses: time(value, "paused_at").filter(|paused| standing != Standing::Paused && *paused > at),
        resumes: time(value, "resume_at").or_else(|| time(value, "resumes_at")),
        ..Seen::default()
    };
    if standing == Standing::Future {
        seen.started = time(value, "starts_at").or(time(value, "current_period_started_at")).or(seen.started);
    }
    // `expiration_reason`: nonpayment of a bill, or of a trial.
    if let Some(why) = text(value, "expiration_reason").filter(|_| over) {
        let unpaid = why.contains("nonpayment") || why.contains("non_payment") || why.contains("dunning");
        let asked = why.contains("cancel") || seen.requested.is_some();
        seen.reason =
            if unpaid { Some("involuntary".into()) } else { asked.then(|| "voluntary".to_string()) };
        seen.reason_text = Some(why.to_string());
    } else if canceled || (over && seen.requested.is_some()) {
        seen.reason = Some("voluntary".into());
    }
    let items = items(value, said, at);
    if let Some(change) = field(value, "pending_change")
        && let Some(from) = time(change, "activate_at")
    {
        let then = self::items(change, said, at);
        let then = then.into_iter().map(|item| carried(item, &items)).collect();
        seen.next.push(Next { at: from, items: then });
    }
    seen.items = Some(items);
    for redemption in list(value, "coupon_redemptions") {
        if let Some(coupon) = field(redemption, "coupon") {
            self::coupon(coupon, at, said);
            let id = text(coupon, "code").or_else(|| text(coupon, "id"));
            let from = time(redemption, "created_at");
            seen.discounts.extend(id.map(|id| Off { coupon: Some(id.into()), from, ..Off::default() }));
        }
    }
    let email = field(value, "account").and_then(|a| text(a, "email")).map(str::to_string);
    let company = field(value, "account").and_then(|a| text(a, "company")).map(str::to_string);
    said.attributes(&customer, id, at, [("email".to_string(), email), ("name".into(), company)]);
    said.seen(&customer, by, seen);
}

/// What a change to come leaves out stays as it is.
fn carried(mut item: Item, now: &[Item]) -> Item {
    if let Some(was) = now.iter().find(|was| was.id == item.id) {
        item.currency = item.currency.or_else(|| was.currency.clone());
        if item.thing == was.thing {
            item.interval = item.interval.or_else(|| was.interval.clone());
        }
    }
    item
}

fn items(value: &Value, said: &mut Said, at: i64) -> Vec<Item> {
    let code = text(value, "currency").map(str::to_string);
    let plan = field(value, "plan");
    let plan_code = plan.and_then(|p| text(p, "code"));
    if let Some(plan) = plan {
        self::plan(plan, at, said);
    }
    let length = int(value, "plan_interval_length").or_else(|| plan.and_then(|p| int(p, "interval_length")));
    let unit = text(value, "plan_interval_unit").or_else(|| plan.and_then(|p| text(p, "interval_unit")));
    let interval = unit.map(str::to_string).zip(length.and_then(|n| u32::try_from(n).ok()));
    let inside = flag(value, "tax_inclusive");
    let mut out = Vec::new();
    out.push(Item {
        id: "plan".into(),
        plan: plan.and_then(|p| text(p, "name")).map(str::to_string),
        thing: plan_code.map(str::to_string),
        unit: decimal(value, "unit_amount").map(|d| d.to_string()),
        currency: code.clone(),
        interval: interval.clone(),
        quantity_micros: crate::json::units(decimal(value, "quantity")),
        tax_inside: inside,
        ..Item::default()
    });
    for own in list(value, "add_ons") {
        let add_on = field(own, "add_on").unwrap_or(own);
        let Some(id) = text(add_on, "code").or_else(|| text(own, "code")) else { continue };
        let quantity = crate::json::units(decimal(own, "quantity"));
        let tiers: Vec<Tier> = list(own, "tiers").iter().map(tier).collect();
        let thing = match text(own, "tier_type").filter(|kind| *kind != "flat" && !tiers.is_empty()) {
            Some(kind) => {
                let mode = if kind == "tiered" { "graduated" } else { kind };
                let prices = code.iter().map(|c| (c.clone(), "0".to_string())).collect();
                Thing { tiers, tiers_mode: Some(mode.into()), prices, ..Thing::default() }
            }
            None => Thing::default(),
        };
        let tiered = thing.tiers_mode.is_some();
        let priced = code.as_deref().and_then(|c| netnew_money::Currency::parse(c).ok()).filter(|_| tiered);
        let cost = priced.and_then(|code| crate::price::charged(&thing, code, quantity));
        let flat = decimal(own, "unit_amount_decimal").or_else(|| decimal(own, "unit_amount"));
        let (unit, quantity) = match cost {
            Some((unit, quantity)) => (Some(unit), quantity),
            None => (flat.filter(|_| !tiered), quantity),
        };
        out.push(Item {
            id: id.into(),
            plan: text(add_on, "name").map(str::to_string),
            thing: Some(format!("add-on {id}")),
            unit: unit.map(|d| d.to_string()),
            currency: code.clone(),
            interval: interval.clone(),
            quantity_micros: quantity,
            metered: text(add_on, "add_on_type") == Some("usage"),
            tax_inside: inside,
            ..Item::default()
        });
    }
    out
}

fn tier(value: &Value) -> Tier {
    Tier {
        up_to: int(value, "ending_quantity"),
        unit: decimal(value, "unit_amount_decimal")
            .or_else(|| decimal(value, "unit_amount"))
            .map(|d| d.to_string()),
        flat: None,
    }
}

fn plan(value: &Value, at: i64, said: &mut Said) {
    let Some(code) = text(value, "code") else { return };
    let prices = list(value, "currencies").iter();
    let prices =
        prices.filter_map(|c| Some((text(c, "currency")?.into(), decimal(c, "unit_amount")?.to_string())));
    let length = int(value, "interval_length").and_then(|n| u32::try_from(n).ok());
    let full = field(value, "currencies").is_some();
    let thing = Thing {
        name: text(value, "name").map(str::to_string),
        prices: prices.collect(),
        interval: text(value, "interval_unit").map(str::to_string).zip(length),
        ..Thing::default()
    };
    // What is only mentioned never takes the place of the plan itself.
    said.thing(code, if full { at } else { 0 }, thing);
}

fn add_on(value: &Value, at: i64, said: &mut Said) {
    let Some(code) = text(value, "code") else { return };
    let prices = list(value, "currencies").iter();
    let prices =
        prices.filter_map(|c| Some((text(c, "currency")?.into(), decimal(c, "unit_amount")?.to_string())));
    let metered = text(value, "add_on_type") == Some("usage");
    let name = text(value, "name").map(str::to_string);
    said.thing(
        &format!("add-on {code}"),
        at,
        Thing { name, prices: prices.collect(), metered, ..Thing::default() },
    );
}

/// <https://recurly.com/developers/api/v2021-02-25/#tag/coupon>
fn coupon(value: &Value, at: i64, said: &mut Said) {
    let Some(id) = text(value, "code").or_else(|| text(value, "id")) else { return };
    let Some(discount) = field(value, "discount") else { return };
    let amounts = list(discount, "currencies");
    let first = amounts.first();
    let kind = match text(value, "duration") {
        Some("single_use") => "once",
        Some("temporal") => "repeating",
        _ => "forever",
    };
    let mut off = Off {
        percent: decimal(discount, "percent").map(|d| d.to_string()),
        kind: kind.into(),
        ..Off::default()
    };
    if text(discount, "type") == Some("fixed") {
        off.percent = None;
        off.amount = first.and_then(|c| decimal(c, "amount")).map(|d| d.to_string());
        off.currency = first.and_then(|c| text(c, "currency")).map(str::to_string);
    }
    if let Some(months) =
        int(value, "temporal_amount").filter(|_| text(value, "temporal_unit") == Some("month"))
    {
        off.months = u32::try_from(months).ok();
    }
    if off.percent.is_some() || off.amount.is_some() {
        said.coupon(id, at, off);
    }
}

fn account(value: &Value, at: i64, said: &mut Said) {
    let Some(id) = word(value, "code").or_else(|| word(value, "id")) else { return };
    let own = |name: &str| text(value, name).map(str::to_string);
    let person: Vec<&str> = ["first_name", "last_name"].iter().filter_map(|n| text(value, n)).collect();
    let name = own("company").or_else(|| (!person.is_empty()).then(|| person.join(" ")));
    let country = deep(value, &["address", "country"]).and_then(Value::as_str).map(str::to_string);
    let since = time(value, "created_at").map(|t| Instant::from_micros(t).to_string());
    let mut values = vec![
        ("name".to_string(), name),
        ("email".into(), own("email")),
        ("country".into(), country),
        ("signed_up_at".into(), since),
    ];
    for custom in list(value, "custom_fields") {
        values
            .extend(text(custom, "name").map(|n| (n.to_string(), text(custom, "value").map(str::to_string))));
    }
    said.attributes(&id, "", at, values);
}

fn invoice(value: &Value, at: i64, said: &mut Said) {
    let key = text(value, "number").or_else(|| text(value, "id"));
    let (Some(key), Some(customer)) = (key, customer_of(value)) else {
        return said.missing("invoice", text(value, "id"), "account.code");
    };
    let (Some(code), Some(made)) = (currency(value, "currency"), time(value, "created_at")) else {
        return said.missing("invoice", Some(key), "currency or created_at");
    };
    let of = |v: &Value, name: &str| decimal(v, name).and_then(amount).unwrap_or(Amount::ZERO);
    let subscription = list(value, "subscription_ids").first().and_then(Value::as_str).map(Text::from);
    if text(value, "type") == Some("credit") {
        let note = CreditNote {
            tax: of(value, "tax").abs(),
            void: text(value, "state") == Some("voided"),
            invoice: list(value, "previous_invoice_id").first().and_then(Value::as_str).map(Text::from),
            subscription,
            reason: text(value, "origin").map(Text::from),
            ..CreditNote::of(of(value, "total").abs(), code)
        };
        return said.entry(&customer, key, made, at, Entry::CreditNote(note));
    }
    let status = match text(value, "state") {
        Some("paid" | "closed") => InvoiceStatus::Paid,
        Some("pending" | "processing" | "past_due" | "open") => InvoiceStatus::Open,
        Some("failed") => InvoiceStatus::Uncollectible,
        Some("voided") => InvoiceStatus::Void,
        _ => return said.missing("invoice", Some(key), "state"),
    };
    let closed = time(value, "closed_at").map(Instant::from_micros);
    let mut invoice = Invoice {
        status,
        total: of(value, "total"),
        tax: of(value, "tax"),
        number: text(value, "number").map(Text::from),
        subscription,
        due_at: time(value, "due_at").map(Instant::from_micros),
        paid_at: closed.filter(|_| status == InvoiceStatus::Paid),
        closed_at: closed.filter(|_| matches!(status, InvoiceStatus::Void | InvoiceStatus::Uncollectible)),
        ..Invoice::open(code)
    };
    let lines =
        field(value, "line_items").map(|l| l.as_array().map_or_else(|| list(l, "data"), Vec::as_slice));
    for line in lines.unwrap_or_default() {
        let recurs = matches!(text(line, "origin"), Some("plan" | "add_on" | "plan_trial" | "add_on_trial"));
        let off = of(line, "discount");
        let net = of(line, "subtotal").checked_sub(off).unwrap_or(Amount::ZERO);
        invoice.lines.push(InvoiceLine {
            kind: if recurs { LineKind::Subscription } else { LineKind::OneTime },
            discount: Some(off).filter(|off| !off.is_zero()),
            tax: Some(of(line, "tax")),
            subscription: text(line, "subscription_id").map(Text::from),
            plan: text(line, "plan_code").map(Text::from),
            period_start: time(line, "start_date").map(Instant::from_micros),
            period_end: time(line, "end_date").map(Instant::from_micros),
            proration: decimal(line, "proration_rate").is_some(),
            ..InvoiceLine::of(net)
        });
    }
    let sum = invoice.lines.iter().try_fold(Amount::ZERO, |sum, line| sum.checked_add(line.amount));
    if sum != Some(invoice.net()) {
        invoice.lines.clear();
    }
    said.entry(&customer, key, made, at, Entry::Invoice(invoice));
    for paid in list(value, "transactions") {
        transaction(paid, time(paid, "updated_at").unwrap_or(at), said);
    }
}

fn transaction(value: &Value, at: i64, said: &mut Said) {
    let (Some(id), Some(customer)) = (text(value, "id"), customer_of(value)) else {
        return said.missing("transaction", text(value, "id"), "account.code");
    };
    let made = time(value, "collected_at").or_else(|| time(value, "created_at"));
    let (Some(code), Some(made)) = (currency(value, "currency"), made) else {
        return said.missing("transaction", Some(id), "currency or created_at");
    };
    let sum = decimal(value, "amount").and_then(amount).unwrap_or(Amount::ZERO).abs();
    let result = match text(value, "status") {
        Some("success" | "successful") => PaymentResult::Succeeded,
        Some("declined" | "error" | "void" | "chargeback") => PaymentResult::Failed,
        _ => PaymentResult::Pending,
    };
    let invoice = deep(value, &["invoice"]).and_then(|i| text(i, "number")).map(Text::from);
    let entry = match text(value, "type") {
        Some("purchase" | "capture") => Entry::Payment(Payment {
            result,
            invoice,
            method: text(value, "collection_method").map(Text::from),
            failure: text(value, "status_message")
                .filter(|_| result == PaymentResult::Failed)
                .map(Text::from),
            ..Payment::succeeded(sum, code)
        }),
        Some("refund") => Entry::Refund(Refund {
            result,
            payment: text(value, "original_transaction_id").map(Text::from),
            invoice,
            ..Refund::of(sum, code)
        }),
        _ => {
            said.unused = Some("transaction that moves no money".into());
            return;
        }
    };
    said.entry(&customer, id, made, at, entry);
}

/// The export of subscriptions, of which the plan's part is read; add-ons stand in a column together and are named in a problem.
fn export(headers: &[String]) -> bool {
    ["account_code", "plan_code", "state", "activated_at"]
        .iter()
        .all(|name| headers.iter().any(|h| h == name))
        && headers.iter().any(|h| h == "uuid" || h == "subscription_id" || h == "id")
}

fn row(value: &Value) -> Said {
    let mut said = Said::default();
    let id = ["uuid", "subscription_id", "id"].iter().find_map(|name| text(value, name));
    let (Some(id), Some(customer)) = (id, text(value, "account_code")) else {
        said.missing("row", None, "uuid or account_code");
        return said;
    };
    let mut object = value.clone();
    if let Some(fields) = object.as_object_mut() {
        let plan = serde_json::json!({"code": text(value, "plan_code"), "name": text(value, "plan_name")});
        let account = serde_json::json!({"code": customer, "email": text(value, "email"), "company": text(value, "company")});
        fields.insert("uuid".into(), id.into());
        fields.insert("plan".into(), plan);
        fields.insert("account".into(), account);
        for (from, to) in [
            ("unit_amount", "unit_amount"),
            ("plan_unit_amount", "unit_amount"),
            ("interval_length", "plan_interval_length"),
            ("interval_unit", "plan_interval_unit"),
        ] {
            if let Some(found) = text(value, from) {
                fields.insert(to.into(), found.into());
            }
        }
        fields.remove("add_ons");
    }
    let modified = ["updated_at", "modified_at", "exported_at"].iter().find_map(|name| time(value, name));
    let past = ["expires_at", "canceled_at", "paused_at", "current_period_started_at", "activated_at"];
    let Some(at) = modified.or_else(|| past.iter().find_map(|name| time(value, name))) else {
        said.missing("subscription", Some(id), "updated_at or activated_at");
        return said;
    };
    subscription(&object, at, "export", &mut said);
    if let Some(more) = text(value, "add_ons").filter(|a| *a != "[]") {
        said.problems.push(crate::Trouble::new(
            "add_ons_left_out",
            format!("the subscription {id} has add-ons ({more}) whose prices the export does not say"),
            "import its objects as JSON (recurly-json) to have them",
        ));
    }
    said
}
