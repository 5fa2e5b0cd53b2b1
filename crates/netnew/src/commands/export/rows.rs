//! Facts as rows of text, in the columns that `netnew import` reads.

use netnew_facts::{Body, Discount, Fact};
use netnew_money::Decimal;
use netnew_report::customer::interval_name;

/// Columns of an exported `states` file.
pub const STATE_COLUMNS: [&str; 20] = [
    "customer",
    "subscription",
    "item",
    "effective_at",
    "seq",
    "status",
    "plan",
    "amount",
    "currency",
    "interval",
    "interval_count",
    "quantity",
    "usage_type",
    "discounts",
    "trial_end",
    "cancel_requested_at",
    "cancel_at",
    "reason",
    "recorded_at",
    "retract",
];

/// Columns of an exported `rates` file.
pub const RATE_COLUMNS: [&str; 6] = ["date", "base", "quote", "rate", "recorded_at", "retract"];

/// A state as a row; `None` for other facts.
pub fn state_row(fact: &Fact) -> Option<Vec<String>> {
    let Body::State { subscription, item, effective_at, seq, state } = &fact.body else { return None };
    let mut row = vec![
        fact.customer.to_string(),
        subscription.to_string(),
        item.to_string(),
        effective_at.to_string(),
        seq.to_string(),
    ];
    let instant = |i: Option<netnew_money::Instant>| i.map_or(String::new(), |i| i.to_string());
    match state {
        None => row.extend(std::iter::repeat_n(String::new(), 13)),
        Some(s) => {
            let reason = match (s.reason, &s.reason_text) {
                (Some(reason), Some(text)) => format!("{}: {text}", reason.as_str()),
                (Some(reason), None) => reason.as_str().to_string(),
                (None, _) => String::new(),
            };
            row.extend([
                s.status.as_str().to_string(),
                s.plan.as_deref().unwrap_or_default().to_string(),
                s.amount.to_string(),
                s.currency.as_str().to_string(),
                interval_name(s.interval).to_string(),
                s.interval_count.to_string(),
                Decimal::new(i128::from(s.quantity_micros), 6).to_string(),
                s.usage_type.as_str().to_string(),
                if s.discounts.is_empty() { String::new() } else { Discount::list_to_json(&s.discounts) },
                instant(s.trial_end),
                instant(s.cancel_requested_at),
                instant(s.cancel_at),
                reason,
            ]);
        }
    }
    row.push(fact.recorded_at.to_string());
    row.push(if state.is_none() { "true".into() } else { String::new() });
    Some(row)
}
