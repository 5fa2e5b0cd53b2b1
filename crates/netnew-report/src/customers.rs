//! Who pays, how much, since when.

use crate::Report;
use crate::ReportError;
use crate::answers::answer;
use netnew_facts::{CustomerFacts, Text, attribute_timelines};
use netnew_ledger::{Context, CustomerLedger, Kind, replay};
use netnew_metrics::{Converter, Query, RollupError};
use netnew_money::{Amount, Instant};
use netnew_resident::{largest, listed_facts, search as search_in};
use rayon::prelude::*;
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
    Ok(page(report, search, (0, None))?.0)
}

/// A page of the customers that [`customers`] gives: `limit` of them (`None`: all) after `start`, and whether more follow.
/// From memory only the customers of the page are replayed.
///
/// # Errors
/// A missing rate, or a book that cannot be read.
pub fn page(
    report: &Report,
    search: Option<&str>,
    (start, limit): (usize, Option<usize>),
) -> Result<(Vec<Listed>, bool), ReportError> {
    let query = report.query()?;
    let ctx = report.context(&query, false);
    if limit.is_none() {
        return work(report, &ctx, &query, search, (start, limit));
    }
    let what = format!("customers {start} {limit:?} {search:?}");
    answer(report, &ctx, &query, &what, || work(report, &ctx, &query, search, (start, limit)))
}

fn work(
    report: &Report,
    ctx: &Context,
    query: &Query,
    search: Option<&str>,
    (start, limit): (usize, Option<usize>),
) -> Result<(Vec<Listed>, bool), ReportError> {
    let wanted = search.map(str::to_lowercase);
    if let Some(page) = from_memory(report, ctx, query, wanted.as_deref(), (start, limit))? {
        return Ok(page);
    }
    let parts = report.fold(
        ctx,
        || Ok::<_, ReportError>(Vec::new()),
        |all, facts, ledger| {
            all.extend(listed(report, ctx, query, facts, &ledger)?);
            Ok(())
        },
    )?;
    let mut customers: Vec<Listed> = parts.into_iter().flatten().collect();
    if let Some(wanted) = wanted {
        customers.retain(|c| {
            c.customer.to_lowercase().contains(&wanted)
                || c.attributes.values().any(|v| v.to_lowercase().contains(&wanted))
        });
    }
    customers.sort_by(|a, b| b.mrr.cmp(&a.mrr).then_with(|| a.customer.cmp(&b.customer)));
    customers.drain(..start.min(customers.len()));
    let more = limit.is_some_and(|limit| limit < customers.len());
    customers.truncate(limit.unwrap_or(usize::MAX));
    Ok((customers, more))
}

/// A page by way of memory: first what everybody is worth, then the ledgers of those on the page.
fn from_memory(
    report: &Report,
    ctx: &Context,
    query: &Query,
    wanted: Option<&str>,
    (start, limit): (usize, Option<usize>),
) -> Result<Option<(Vec<Listed>, bool)>, ReportError> {
    let Some(memory) = report.memory()? else { return Ok(None) };
    let slow = |facts: &CustomerFacts| {
        let ledger = replay(facts, ctx)?;
        Ok(listed(report, ctx, query, facts, &ledger)?.map(|listed| listed.mrr))
    };
    let now = (report.as_of, report.today());
    let Some((held, mut worth)) = memory.worth(&report.view, ctx, query, now, slow)? else {
        return Ok(None);
    };
    if let Some(wanted) = wanted {
        search_in(&held.0, &held.1, &mut worth, wanted, report.as_of);
    }
    let count = worth.len();
    let end = limit.map_or(count, |limit| start.saturating_add(limit)).min(count);
    let page = largest(&held.0, &held.1, &mut worth, end).get(start..).unwrap_or_default();
    let listed: Vec<Result<Option<Listed>, ReportError>> = page
        .par_iter()
        .with_min_len(16)
        .map(|(_, number)| {
            let facts = listed_facts(&held.0, &held.1, *number);
            let ledger = replay(&facts, ctx)?;
            Ok(listed(report, ctx, query, &facts, &ledger)?)
        })
        .collect();
    let mut out = Vec::with_capacity(listed.len());
    for one in listed {
        out.extend(one?);
    }
    Ok(Some((out, end < count)))
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
