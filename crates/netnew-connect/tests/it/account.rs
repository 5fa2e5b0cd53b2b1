//! A made account: customers with a subscription each, that changed plans a while ago, and some again last week.

use netnew_book::{Book, Settings};
use netnew_facts::{Body, winning_states};
use netnew_money::{Currency, Instant};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// 20 June 2026, noon.
pub const NOW: i64 = 1_781_956_800;
const DAY: i64 = 86_400;

pub fn at(seconds: i64) -> Instant {
    Instant::from_micros(seconds * 1_000_000)
}

/// A book in a folder.
pub fn book(dir: &Path) -> Book {
    let settings = Settings { currency: Currency::USD, timezone: "UTC".into(), policy: "default".into() };
    Book::create_at(dir, &settings).unwrap()
}

fn price(n: i64) -> Value {
    json!({"id": format!("price_{n}"), "object": "price", "currency": "usd", "unit_amount": 1000 * (n + 1), "livemode": true,
        "product": "prod_1", "nickname": format!("Plan {n}"), "created": NOW - 900 * DAY,
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"}})
}

fn line(n: usize, quantity: i64, price: i64, period: (i64, i64), amount: i64, proration: bool) -> Value {
    json!({"id": format!("il_{n}_{}_{amount}", period.0), "object": "line_item", "amount": amount, "currency": "usd",
        "quantity": quantity, "period": {"start": period.0, "end": period.1},
        "parent": {"type": "subscription_item_details", "subscription_item_details":
            {"subscription": format!("sub_{n:04}"), "subscription_item": format!("si_{n:04}"), "proration": proration}},
        "pricing": {"price_details": {"price": format!("price_{price}"), "product": "prod_1"}}})
}

pub fn subscription(n: usize, quantity: i64) -> Value {
    let start = NOW - (100 + (n as i64 % 500)) * DAY;
    json!({"id": format!("sub_{n:04}"), "object": "subscription", "customer": format!("cus_{n:04}"), "status": "active",
        "created": start, "start_date": start, "currency": "usd", "livemode": true, "discounts": [],
        "items": {"object": "list", "has_more": false, "data": [{"id": format!("si_{n:04}"), "object": "subscription_item",
            "created": start, "quantity": quantity, "price": price(1), "current_period_start": start, "current_period_end": NOW + 9}]}})
}

/// An event of last week: the quantity went from 3 to 5.
pub fn event(n: usize) -> Value {
    json!({"id": format!("evt_{n:04}"), "object": "event", "type": "customer.subscription.updated",
        "created": NOW - 7 * DAY + n as i64, "livemode": true,
        "data": {"object": subscription(n, 5), "previous_attributes": {"items": subscription(n, 3)["items"].clone()}}})
}

/// Every list of the account, newest first, by the name of its path.
pub fn account(customers: usize) -> BTreeMap<String, Vec<Value>> {
    let mut out: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut put = |name: &str, value: Value| out.entry(name.to_string()).or_default().insert(0, value);
    put(
        "products",
        json!({"id": "prod_1", "object": "product", "name": "Pro", "livemode": true, "created": NOW - 900 * DAY}),
    );
    for n in 0..2 {
        put("prices", price(n));
    }
    for n in 0..customers {
        let start = NOW - (100 + (n as i64 % 500)) * DAY;
        let (changed, end) = (start + 10 * DAY, start + 31 * DAY);
        put(
            "customers",
            json!({"id": format!("cus_{n:04}"), "object": "customer", "created": start, "livemode": true,
            "name": format!("Customer {n}"), "email": format!("c{n}@example.org"), "address": {"country": "DE"}}),
        );
        put("subscriptions", subscription(n, if n % 2 == 0 { 5 } else { 3 }));
        let invoice = |id: &str, at: i64, lines: Vec<Value>| {
            json!({"id": format!("in_{n:04}_{id}"), "object": "invoice", "customer": format!("cus_{n:04}"), "created": at,
                "status": "paid", "currency": "usd", "livemode": true, "billing_reason": "subscription_cycle",
                "parent": {"type": "subscription_details", "subscription_details": {"subscription": format!("sub_{n:04}")}},
                "lines": {"object": "list", "has_more": false, "data": lines}})
        };
        put("invoices", invoice("a", start, vec![line(n, 1, 0, (start, end), 1000, false)]));
        let change = vec![
            line(n, 1, 0, (changed, end), -700, true),
            line(n, 3, 1, (changed, end), 4200, true),
            line(n, 3, 1, (end, end + 30 * DAY), 6000, false),
        ];
        put("invoices", invoice("b", end, change));
        if n % 2 == 0 {
            put("events", event(n));
        }
    }
    out
}

/// What a book holds of a source, as text: all states that win, without their marks and payloads.
pub fn held(book: &Book) -> Vec<String> {
    let snapshot = book.snapshot().unwrap();
    let mut out = Vec::new();
    snapshot
        .scan(netnew_book::BucketRange::ALL, &mut |facts| {
            for fact in winning_states(&facts.facts, Instant::MAX) {
                let Body::State { item, effective_at, state: Some(state), .. } = &fact.body else { continue };
                out.push(format!(
                    "{} {item} {effective_at} {} {} x{} {}",
                    fact.customer,
                    state.status.as_str(),
                    state.amount,
                    state.quantity_micros / 1_000_000,
                    if state.reconstructed { "rebuilt" } else { "seen" }
                ));
            }
            Ok(())
        })
        .unwrap();
    out.sort();
    out
}
