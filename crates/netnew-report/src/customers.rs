//! Who pays, how much, since when.

use crate::Report;
use crate::ReportError;
use netnew_facts::{CustomerFacts, Text, attribute_timelines};
use netnew_ledger::{Context, CustomerLedger, Kind};
use netnew_metrics::{Converter, Query, RollupError};
use netnew_money::{Amount, Instant};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One customer as listed.
pub struct Listed {
    /// Id.
    pub customer: Text,
    /// Attributes as they are now.
    pub attributes: BTreeMap<String, String>,
    /// MRR in the report's currency.
    pub mrr: Amount,
    /// `active`, `churned`, or `never` (no MRR yet).
    pub status: &'static str,
    /// First and last day with a movement.
    pub first: Option<String>,
    /// See `first`.
    pub last: Option<String>,
    /// Live subscriptions.
    pub subscriptions: usize,
    /// Plans it pays for, by name.
    pub plans: Vec<String>,
}

/// Customers, largest MRR first. `search`: only those whose id or an attribute contains it, whatever the case.
///
/// # Errors
/// A missing rate, or a book that cannot be read.
pub fn customers(report: &Report, search: Option<&str>) -> Result<Vec<Listed>, ReportError> {
    let query = report.query()?;
    let ctx = report.context(&query, false);
    let parts = report.fold(
        &ctx,
        || Ok::<_, ReportError>(Vec::new()),
        |all, facts, ledger| {
            all.extend(listed(report, &ctx, &query, facts, &ledger)?);
            Ok(())
        },
    )?;
    let mut customers: Vec<Listed> = parts.into_iter().flatten().collect();
    if let Some(wanted) = search {
        let wanted = wanted.to_lowercase();
        customers.retain(|c| {
            c.customer.to_lowercase().contains(&wanted)
                || c.attributes.values().any(|v| v.to_lowercase().contains(&wanted))
        });
    }
    customers.sort_by(|a, b| b.mrr.cmp(&a.mrr).then_with(|| a.customer.cmp(&b.customer)));
    Ok(customers)
}

/// A customer's line, unless the filter leaves nothing of it.
pub fn listed(
    report: &Report,
    ctx: &Context,
    query: &Query,
    facts: &CustomerFacts,
    ledger: &CustomerLedger,
) -> Result<Option<Listed>, RollupError> {
    let converter = Converter::new(ctx, query);
    let mut mrr = Amount::ZERO;
    let mut plans: Vec<String> = Vec::new();
    let mut live: Vec<(&str, &str)> = Vec::new();
    let mut matched = query.filter.0.is_empty();
    for (item, phases) in ledger.phases.iter().enumerate() {
        let Some(phase) = phases.iter().rev().find(|p| p.from <= report.as_of) else { continue };
        let Some(state) = ledger.state(phase) else { continue };
        let place = netnew_metrics::Place {
            ledger,
            attributes: &ctx.dimensions.attributes,
            item: item as u32,
            plan: state.plan.as_ref(),
            currency: state.currency,
            epoch: (ledger.epochs.len() - 1) as u32,
            layer: phase.layer,
        };
        if !query.filter.accepts(|f| place.value(f)) {
            continue;
        }
        matched = true;
        mrr += converter.movement(phase.level.mrr, state.currency, report.today())?;
        if phase.live {
            let info = &ledger.items[item];
            if !live.contains(&(&*info.source, &*info.subscription)) {
                live.push((&info.source, &info.subscription));
            }
            plans.extend(state.plan.as_ref().filter(|_| !phase.level.mrr.is_zero()).map(|p| p.to_string()));
        }
    }
    if !matched {
        return Ok(None);
    }
    plans.sort();
    plans.dedup();
    let happened: Vec<_> = ledger.steps.iter().filter(|s| !s.expected).collect();
    let present = happened.last().is_some_and(|s| s.present_after);
    let ever = happened.iter().any(|s| matches!(s.kind, Some(Kind::New)));
    Ok(Some(Listed {
        customer: ledger.customer.clone(),
        attributes: attributes_now(facts, report.known_on, report.as_of),
        mrr,
        status: match (present, ever) {
            (true, _) => "active",
            (false, true) => "churned",
            (false, false) => "never",
        },
        first: happened.first().map(|s| s.day.to_string()),
        last: happened.last().map(|s| s.day.to_string()),
        subscriptions: live.len(),
        plans,
    }))
}

/// The values that hold at an instant.
pub fn attributes_now(facts: &CustomerFacts, known_on: Instant, at: Instant) -> BTreeMap<String, String> {
    attribute_timelines(&facts.facts, known_on)
        .into_iter()
        .filter_map(|(name, line)| {
            let value = line.into_iter().rev().find(|(from, _)| *from <= at)?.1?;
            Some((name, value))
        })
        .collect()
}

/// A customer in the contract's shape.
pub fn to_json(c: &Listed, report: &Report) -> Value {
    let mut out = Map::new();
    out.insert("customer".into(), json!(&*c.customer));
    for name in ["name", "email", "country", "channel"] {
        out.insert(name.into(), json!(c.attributes.get(name)));
    }
    out.insert("status".into(), json!(c.status));
    out.insert("mrr".into(), json!(c.mrr.to_string()));
    out.insert("currency".into(), json!(report.currency_name()));
    out.insert("plans".into(), json!(c.plans));
    out.insert("subscriptions".into(), json!(c.subscriptions));
    out.insert("first_movement".into(), json!(c.first));
    out.insert("last_movement".into(), json!(c.last));
    Value::Object(out)
}
