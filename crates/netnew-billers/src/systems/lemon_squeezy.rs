//! Lemon Squeezy.
//!
//! Rules and where they are written:
//! - subscriptions: <https://docs.lemonsqueezy.com/api/subscriptions>. `cancelled` is a subscription whose renewal was given
//!   up and that runs until `ends_at`; `expired` is one that is over. The request has no date of its own: it is when the
//!   change was first seen;
//! - prices have no currency of their own, they are in the store's: <https://docs.lemonsqueezy.com/api/prices>,
//!   <https://docs.lemonsqueezy.com/api/stores>. A subscription names its price and does not contain it;
//! - bills: <https://docs.lemonsqueezy.com/api/subscription-invoices>;
//! - events and `X-Signature`: <https://docs.lemonsqueezy.com/help/webhooks>.

use super::{System, Webhook};
use crate::json::{currency, decimal, field, flag, int, list, minor_amount, text, time, word};
use crate::piece::{Item, Seen, Standing, Thing, Tier};
use crate::said::Said;
use crate::signature;
use netnew_facts::{Entry, Invoice, InvoiceLine, InvoiceStatus, Payment, Refund, Text};
use netnew_money::{Amount, Instant};
use serde_json::Value;

pub(super) const SYSTEM: System = System {
    name: "lemonsqueezy",
    title: "Lemon Squeezy",
    kind: "lemonsqueezy-json",
    looks,
    read,
    table: None,
    webhook: Webhook::Checked(signature::lemon_squeezy),
};

const TYPES: [&str; 9] = [
    "subscriptions",
    "subscription-invoices",
    "subscription-items",
    "prices",
    "variants",
    "products",
    "stores",
    "customers",
    "orders",
];

fn looks(value: &Value) -> bool {
    match field(value, "data") {
        Some(Value::Array(entries)) => field(value, "jsonapi").is_some() && entries.iter().any(looks),
        Some(inner) => looks(inner),
        None => {
            let kind = text(value, "type").is_some_and(|t| TYPES.contains(&t));
            kind && field(value, "attributes").is_some_and(|a| field(a, "created_at").is_some())
        }
    }
}

fn read(value: &Value) -> Said {
    let mut said = Said::default();
    let event = field(value, "meta").and_then(|m| text(m, "event_name"));
    let object = field(value, "data").unwrap_or(value);
    let Some(attributes) = field(object, "attributes") else {
        said.strange("Lemon Squeezy", object);
        return said;
    };
    said.live = field(attributes, "test_mode").and_then(Value::as_bool).map(|test| !test);
    let Some(id) = word(object, "id") else {
        said.missing("object", None, "id");
        return said;
    };
    let Some(at) = time(attributes, "updated_at").or_else(|| time(attributes, "created_at")) else {
        said.missing("object", Some(&id), "updated_at");
        return said;
    };
    match text(object, "type") {
        Some("subscriptions") => subscription(&id, attributes, at, event.unwrap_or("object"), &mut said),
        Some("subscription-invoices") => invoice(&id, attributes, at, event, &mut said),
        Some("prices") => price(&id, attributes, at, &mut said),
        Some(kind @ ("variants" | "products")) => {
            let of = word(attributes, "product_id").map(|id| format!("product {id}"));
            let name = text(attributes, "name").map(str::to_string);
            let kind = kind.trim_end_matches('s');
            said.thing(&format!("{kind} {id}"), at, Thing { name, of, ..Thing::default() });
        }
        Some("stores") => {
            let thing =
                Thing { currency: text(attributes, "currency").map(str::to_string), ..Thing::default() };
            said.thing(&format!("store {id}"), at, thing);
        }
        Some("customers") => {
            let own = |name: &str| text(attributes, name).map(str::to_string);
            let since = time(attributes, "created_at").map(|t| Instant::from_micros(t).to_string());
            let values = [
                ("name".to_string(), own("name")),
                ("email".into(), own("email")),
                ("country".into(), own("country")),
                ("signed_up_at".into(), since),
            ];
            said.attributes(&id, "", at, values);
        }
        Some(other) => said.unused = Some(other.to_string()),
        None => said.strange("Lemon Squeezy", object),
    }
    said
}

fn subscription(id: &str, value: &Value, at: i64, by: &str, said: &mut Said) {
    let Some(customer) = word(value, "customer_id") else {
        return said.missing("subscription", Some(id), "customer_id");
    };
    let ends = time(value, "ends_at");
    let standing = match text(value, "status") {
        Some("on_trial") => Standing::Trialing,
        // Given up and still running until `ends_at`.
        Some("active" | "cancelled") => Standing::Active,
        Some("paused") => Standing::Paused,
        Some("past_due") => Standing::PastDue,
        Some("unpaid") => Standing::Unpaid,
        Some("expired") => Standing::Canceled,
        _ => return said.missing("subscription", Some(id), "status"),
    };
    let over = standing == Standing::Canceled;
    let trial_end = time(value, "trial_ends_at");
    let in_trial = trial_end.is_some_and(|end| end > at) && text(value, "status") == Some("cancelled");
    let pause = field(value, "pause");
    let first = field(value, "first_subscription_item");
    let variant = word(value, "variant_id");
    let product = text(value, "product_name").map(str::to_string);
    let plan = match (product, text(value, "variant_name").filter(|v| *v != "Default")) {
        (Some(product), Some(variant)) => Some(format!("{product} {variant}")),
        (product, variant) => product.or(variant.map(str::to_string)),
    };
    let thing = first.and_then(|f| word(f, "price_id")).map(|id| format!("price {id}"));
    let item = Item {
        id: first.and_then(|f| word(f, "id")).unwrap_or_else(|| id.to_string()),
        plan,
        thing: thing.or_else(|| variant.map(|id| format!("variant {id}"))),
        market: word(value, "store_id").map(|id| format!("store {id}")),
        quantity_micros: crate::json::units(first.and_then(|f| decimal(f, "quantity"))),
        metered: first.is_some_and(|f| flag(f, "is_usage_based")),
        ..Item::default()
    };
    let seen = Seen {
        subscription: id.into(),
        customer: customer.clone(),
        at,
        rank: i64::from(by != "subscription_created") + i64::from(over),
        made: by == "subscription_created",
        standing: if in_trial { Standing::Trialing } else { standing },
        started: time(value, "created_at"),
        trial_end,
        ends: ends.filter(|_| !over && flag(value, "cancelled")),
        ended: over.then(|| ends.unwrap_or(at)),
        resumes: pause.and_then(|p| time(p, "resumes_at")),
        items: Some(vec![item]),
        ..Seen::default()
    };
    said.seen(&customer, by, seen);
    let own = |name: &str| text(value, name).map(str::to_string);
    said.attributes(
        &customer,
        id,
        at,
        [("name".to_string(), own("user_name")), ("email".into(), own("user_email"))],
    );
}

/// Amounts are in the smallest unit of the store's currency, which the price does not name.
fn price(id: &str, value: &Value, at: i64, said: &mut Said) {
    let tier = |tier: &Value| Tier {
        up_to: int(tier, "last_unit"),
        unit: decimal(tier, "unit_price_decimal")
            .or_else(|| decimal(tier, "unit_price"))
            .map(|d| d.to_string()),
        flat: decimal(tier, "fixed_fee").map(|d| d.to_string()),
    };
    let unit = decimal(value, "unit_price_decimal").or_else(|| decimal(value, "unit_price"));
    let mode = text(value, "scheme");
    let count = int(value, "renewal_interval_quantity").and_then(|n| u32::try_from(n).ok());
    let thing = Thing {
        of: word(value, "variant_id").map(|id| format!("variant {id}")),
        prices: unit.map(|unit| (String::new(), unit.to_string())).into_iter().collect(),
        smallest: true,
        tiers: list(value, "tiers").iter().map(tier).collect(),
        tiers_mode: mode.filter(|m| matches!(*m, "graduated" | "volume")).map(str::to_string),
        package: int(value, "package_size").filter(|_| mode == Some("package")),
        interval: text(value, "renewal_interval_unit").map(str::to_string).zip(count),
        metered: field(value, "usage_aggregation").is_some(),
        tax_inside: flag(value, "tax_inclusive"),
        ..Thing::default()
    };
    said.thing(&format!("price {id}"), at, thing);
}

fn invoice(id: &str, value: &Value, at: i64, event: Option<&str>, said: &mut Said) {
    let Some(customer) = word(value, "customer_id") else {
        return said.missing("invoice", Some(id), "customer_id");
    };
    let (Some(code), Some(made)) = (currency(value, "currency"), time(value, "created_at")) else {
        return said.missing("invoice", Some(id), "currency or created_at");
    };
    let of = |name: &str| minor_amount(value, name, code).unwrap_or(Amount::ZERO);
    let subscription = word(value, "subscription_id").map(|id| Text::from(id.as_str()));
    let status = match text(value, "status") {
        Some("pending") => InvoiceStatus::Open,
        Some("paid" | "refunded" | "partial_refund") => InvoiceStatus::Paid,
        Some("void") => InvoiceStatus::Void,
        _ => return said.missing("invoice", Some(id), "status"),
    };
    let (total, tax) = (of("total"), of("tax"));
    let paid = status == InvoiceStatus::Paid;
    let mut invoice = Invoice {
        status,
        total,
        tax,
        subscription: subscription.clone(),
        paid_at: paid.then(|| Instant::from_micros(made)),
        closed_at: (status == InvoiceStatus::Void).then(|| Instant::from_micros(at)),
        ..Invoice::open(code)
    };
    let off = of("discount_total");
    invoice.lines.push(InvoiceLine {
        discount: Some(off).filter(|off| !off.is_zero()),
        tax: Some(tax),
        subscription: subscription.clone(),
        ..InvoiceLine::of(invoice.net())
    });
    said.entry(&customer, id, made, at, Entry::Invoice(invoice));
    if let Some(store) = word(value, "store_id") {
        // The store itself says it better, whenever it does.
        let thing = Thing { currency: Some(code.as_str().to_string()), ..Thing::default() };
        said.thing(&format!("store {store}"), 0, thing);
    }
    let invoice = Some(Text::from(id));
    if paid {
        let payment = Payment { invoice: invoice.clone(), subscription, ..Payment::succeeded(total, code) };
        said.entry(&customer, id, made, at, Entry::Payment(payment));
    } else if event == Some("subscription_payment_failed") {
        let result = netnew_facts::PaymentResult::Failed;
        let payment =
            Payment { result, invoice: invoice.clone(), subscription, ..Payment::succeeded(total, code) };
        said.entry(&customer, &format!("{id} failed {at}"), at, at, Entry::Payment(payment));
    }
    let back = of("refunded_amount");
    let back = if back.is_zero() && flag(value, "refunded") { total } else { back };
    if let Some(when) = time(value, "refunded_at").filter(|_| !back.is_zero()) {
        let refund = Refund { invoice, payment: Some(id.into()), ..Refund::of(back, code) };
        said.entry(&customer, id, when, at, Entry::Refund(refund));
    }
}
