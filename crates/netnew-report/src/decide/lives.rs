//! Customers as decisions see them: when they started, when they were first lost, what they paid at some days.

use crate::customers::attributes_now;
use crate::{Report, ReportError};
use netnew_facts::CustomerFacts;
use netnew_ledger::{Context, CustomerLedger, Kind};
use netnew_metrics::{Converter, Place, Query, RollupError, end_of_day};
use netnew_money::{Amount, Day, Instant};
use std::collections::BTreeMap;

/// One customer.
#[derive(Clone, Debug)]
pub struct Life {
    /// Id.
    pub customer: String,
    /// Its name, where it pays or moved lately.
    pub name: Option<String>,
    /// The day of the first MRR.
    pub first: Day,
    /// The day it was first lost.
    pub lost: Option<Day>,
    /// What it pays at the asked days, in their order.
    pub levels: Vec<Amount>,
    /// The plan that most of its MRR is on at the last asked day.
    pub plan: Option<String>,
    /// Whether it ever expanded by then.
    pub expanded: bool,
}

/// The days whose ends are asked, oldest first.
pub struct Asked<'a> {
    /// Days.
    pub days: &'a [Day],
    /// From this day on, who moved has a name.
    pub named_from: Day,
}

/// Every customer who ever paid, by id.
pub fn lives(report: &Report, query: &Query, asked: &Asked) -> Result<Vec<Life>, ReportError> {
    let ctx = report.context(query, false);
    let parts = report.fold(
        &ctx,
        || Ok::<_, ReportError>(Vec::new()),
        |all, facts, ledger| {
            all.extend(life(report, &ctx, query, asked, facts, &ledger)?);
            Ok(())
        },
    )?;
    let mut all: Vec<Life> = parts.into_iter().flatten().collect();
    all.sort_by(|a, b| a.customer.cmp(&b.customer));
    Ok(all)
}

fn life(
    report: &Report,
    ctx: &Context,
    query: &Query,
    asked: &Asked,
    facts: &CustomerFacts,
    ledger: &CustomerLedger,
) -> Result<Option<Life>, RollupError> {
    let steps: Vec<_> = ledger.customer_steps().iter().filter(|s| !s.expected && s.day <= query.to).collect();
    let Some(first) = steps.iter().find(|s| s.present_after && !s.present_before) else { return Ok(None) };
    let accepted = query.filter.0.is_empty()
        || steps.iter().flat_map(|s| &s.rows).any(|row| {
            let place = netnew_metrics::row_place(ctx, ledger, row);
            query.filter.accepts(|f| place.value(f))
        });
    if !accepted {
        return Ok(None);
    }
    let lost = steps.iter().find(|s| s.present_before && !s.present_after).map(|s| s.day);
    let mut levels = Vec::with_capacity(asked.days.len());
    let mut plan = None;
    for day in asked.days {
        let (level, on) = level_at(report, ctx, query, ledger, *day)?;
        levels.push(level);
        plan = on;
    }
    let last = asked.days.last().copied().unwrap_or(Day::MIN);
    let expanded =
        steps.iter().filter(|s| s.day <= last).flat_map(|s| &s.rows).any(|row| row.kind == Kind::Expansion);
    let moved = steps.last().is_some_and(|s| s.day >= asked.named_from);
    let pays = levels.last().is_some_and(|l| l.is_positive());
    let name = match moved || pays {
        true => attributes_now(facts, report.known_on, report.as_of).remove("name"),
        false => None,
    };
    let (customer, first) = (ledger.customer.to_string(), first.day);
    Ok(Some(Life { customer, name, first, lost, levels, plan, expanded }))
}

/// MRR at the end of a day under the filter, and the plan that most of it is on.
fn level_at(
    report: &Report,
    ctx: &Context,
    query: &Query,
    ledger: &CustomerLedger,
    day: Day,
) -> Result<(Amount, Option<String>), RollupError> {
    let converter = Converter::new(ctx, query);
    let at: Instant = end_of_day(day, &report.zone);
    let mut sum = Amount::ZERO;
    let mut plans: BTreeMap<String, Amount> = BTreeMap::new();
    for (item, phases) in ledger.phases.iter().enumerate() {
        let Some(phase) = phases.iter().rev().find(|p| p.from <= at) else { continue };
        let Some(state) = ledger.state(phase) else { continue };
        let place = Place {
            ledger,
            attributes: &ctx.dimensions.attributes,
            item: item as u32,
            plan: state.plan.as_ref(),
            currency: state.currency,
            epoch: epoch_at(ledger, at),
            layer: phase.layer,
        };
        if !query.filter.accepts(|f| place.value(f)) {
            continue;
        }
        let level = converter.movement(phase.level.mrr, state.currency, day)?;
        sum += level;
        if let Some(plan) = &state.plan {
            *plans.entry(plan.to_string()).or_default() += level;
        }
    }
    let best =
        plans.into_iter().filter(|(_, a)| a.is_positive()).max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
    Ok((sum, best.map(|(plan, _)| plan)))
}

fn epoch_at(ledger: &CustomerLedger, at: Instant) -> u32 {
    let after = ledger.epochs.partition_point(|e| e.from <= at);
    u32::try_from(after.saturating_sub(1)).unwrap_or(0)
}
