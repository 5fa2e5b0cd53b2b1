//! One customer's attributes, items, movements and the facts behind them.

use crate::Report;
use crate::ReportError;
use crate::customers::attributes_now;
use crate::movements::{Movement, collect, to_json};
use netnew_book::Snapshot;
use netnew_facts::{Body, Discount, Fact, ItemState};
use netnew_ledger::{CustomerLedger, replay};
use netnew_metrics::ReportCurrency;
use netnew_money::Instant;
use serde_json::{Map, Value, json};

/// One customer, whole.
pub struct Customer {
    /// Everything, in the contract's shape.
    pub value: Value,
    /// Movements in range.
    pub movements: Vec<Movement>,
}

/// One customer. The report is best asked for with [`crate::Question::in_own_currency`].
///
/// # Errors
/// `unknown_customer`, a missing rate, or a book that cannot be read.
pub fn customer(report: &Report, id: &str) -> Result<Customer, ReportError> {
    let query = report.query()?;
    let ctx = report.context(&query, true);
    let facts = report.customer_facts(id)?.ok_or_else(|| {
        ReportError::refused(
            "unknown_customer",
            format!("no customer {id:?} in this book"),
            "`netnew customers --search TEXT` finds ids by name or e-mail",
        )
    })?;
    let ledger = replay(&facts, &ctx)?;
    let convert = report.currency != ReportCurrency::Original;
    let movements = collect(report, &query, Some(id), None, convert)?;
    let expected: Vec<Value> = ledger.steps.iter().filter(|s| s.expected).map(expected_json).collect();
    // Entries are there only where the policy asks for them; what is listed does not depend on it.
    let shown = |f: &&Fact| f.recorded_at <= report.known_on && !matches!(f.body, Body::Entry { .. });
    let mut facts_list: Vec<&Fact> = facts.facts.iter().filter(shown).collect();
    facts_list.sort_by_key(|f| (f.effective_at(), f.booked_seq));
    let value = json!({
        "customer": &*facts.customer,
        "ids": facts.ids.iter().map(|id| &**id).collect::<Vec<_>>(),
        "attributes": attributes_now(&facts, report.known_on, report.as_of),
        "items": items_json(&ledger, report.as_of),
        "movements": movements.iter().map(|m| to_json(m, report)).collect::<Vec<_>>(),
        "expected": expected,
        "facts": facts_list.iter().map(|f| fact_json(f, &report.snapshot)).collect::<Result<Vec<_>, _>>()?,
    });
    Ok(Customer { value, movements })
}

fn items_json(ledger: &CustomerLedger, now: Instant) -> Vec<Value> {
    let mut out = Vec::new();
    for (info, phases) in ledger.items.iter().zip(&ledger.phases) {
        let Some(phase) = phases.iter().rev().find(|p| p.from <= now) else { continue };
        let Some(state) = ledger.state(phase) else { continue };
        out.push(json!({
            "source": &*info.source,
            "subscription": &*info.subscription,
            "item": &*info.item,
            "status": phase.status.as_str(),
            "plan": state.plan.as_deref(),
            "mrr": phase.level.mrr.to_string(),
            "arr": phase.level.arr.to_string(),
            "committed_mrr": phase.level.committed.to_string(),
            "currency": state.currency.as_str(),
            "layer": phase.layer.as_str(),
            "since": phase.from.to_string(),
        }));
    }
    out
}

fn expected_json(step: &netnew_ledger::Step) -> Value {
    let change = &step.level_after;
    let mut moved = netnew_ledger::Money::new();
    for (currency, amount) in change.iter() {
        moved.add(currency, amount);
    }
    for (currency, amount) in step.level_before.iter() {
        moved.add(currency, -amount);
    }
    let (currency, amount) = moved
        .iter()
        .next()
        .map_or((String::new(), "0".to_string()), |(c, a)| (c.as_str().to_string(), a.to_string()));
    json!({"date": step.day.to_string(), "at": step.at.to_string(), "currency": currency, "amount": amount})
}

/// A fact with its receipt: what was said, when, where it stands.
pub fn fact_json(fact: &Fact, snapshot: &Snapshot) -> Result<Value, ReportError> {
    let payload = snapshot.payload(fact.payload.payload)?;
    let mut out = Map::new();
    out.insert("id".into(), json!(fact.id()));
    out.insert("source".into(), json!(&*fact.source));
    out.insert("customer".into(), json!(&*fact.customer));
    match &fact.body {
        Body::State { subscription, item, effective_at, seq, state } => {
            out.insert("says".into(), json!("state"));
            out.insert("subscription".into(), json!(&**subscription));
            out.insert("item".into(), json!(&**item));
            out.insert("effective_at".into(), json!(effective_at.to_string()));
            out.insert("seq".into(), json!(seq));
            out.insert("state".into(), state.as_deref().map_or(Value::Null, state_json));
        }
        Body::Attributes { effective_at, values } => {
            out.insert("says".into(), json!("attributes"));
            out.insert("effective_at".into(), json!(effective_at.map(|e| e.to_string())));
            out.insert("attributes".into(), json!(values));
        }
        Body::Entry { kind, key, effective_at, entry } => {
            out.insert("says".into(), json!(kind.as_str()));
            out.insert("key".into(), json!(&**key));
            out.insert("effective_at".into(), json!(effective_at.to_string()));
            out.insert("entry".into(), json!(entry));
        }
    }
    out.insert("recorded_at".into(), json!(fact.recorded_at.to_string()));
    out.insert("booked_seq".into(), json!(fact.booked_seq));
    out.insert(
        "payload".into(),
        match payload {
            Some(p) => json!({"file": p.name, "sha256": p.sha256, "row": fact.payload.row}),
            None => Value::Null,
        },
    );
    Ok(Value::Object(out))
}

fn state_json(state: &ItemState) -> Value {
    let discounts: Value =
        serde_json::from_str(&Discount::list_to_json(&state.discounts)).unwrap_or(Value::Array(Vec::new()));
    json!({
        "status": state.status.as_str(),
        "plan": state.plan.as_deref(),
        "amount": state.amount.to_string(),
        "currency": state.currency.as_str(),
        "interval": interval_name(state.interval),
        "interval_count": state.interval_count,
        "quantity": netnew_money::Decimal::new(i128::from(state.quantity_micros), 6).to_string(),
        "usage_type": state.usage_type.as_str(),
        "discounts": discounts,
        "trial_end": state.trial_end.map(|i| i.to_string()),
        "cancel_requested_at": state.cancel_requested_at.map(|i| i.to_string()),
        "cancel_at": state.cancel_at.map(|i| i.to_string()),
        "reason": state.reason.map(|r| r.as_str()),
        "reason_text": state.reason_text.as_deref(),
        "reconstructed": state.reconstructed,
    })
}

/// `day`, `week`, `month` or `year`.
pub fn interval_name(unit: netnew_money::IntervalUnit) -> &'static str {
    match unit {
        netnew_money::IntervalUnit::Day => "day",
        netnew_money::IntervalUnit::Week => "week",
        netnew_money::IntervalUnit::Month => "month",
        netnew_money::IntervalUnit::Year => "year",
    }
}
