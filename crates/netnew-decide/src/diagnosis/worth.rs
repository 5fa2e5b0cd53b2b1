//! Who is behind a lever, and what pulling it is worth a month.

use super::{Affected, Business, Facts, Lever, leaks};
use crate::month::Event;
use netnew_ledger::Kind;
use netnew_money::{Amount, Ratio, Rounding};
use std::collections::BTreeMap;

/// One in so many paying customers is counted on for an expansion.
const ONE_IN: i128 = 10;

/// The customers behind a lever, largest amount first.
///
/// Churn: who was lost. Activation: who of them left early. Acquisition: who came. Expansion: who pays, never paid
/// more, and has a dearer plan above; the amount is one tenth of the step there (one in ten takes it).
pub fn customers(business: &Business, facts: &Facts, lever: Lever) -> Vec<Affected> {
    let of = |keep: fn(&Event) -> bool| gathered(business.events.iter().filter(|e| keep(e)));
    let mut out = match lever {
        Lever::Churn => of(|e| e.kind == Kind::Churn),
        Lever::Activation => of(|e| e.kind == Kind::Churn && leaks::early(e)),
        Lever::Acquisition => of(|e| e.kind == Kind::New),
        Lever::Expansion if facts.expansion.is_positive() => of(|e| e.kind == Kind::Contraction),
        Lever::Expansion => candidates(business),
    };
    out.sort_by(|a, b| b.amount.abs().cmp(&a.amount.abs()).then_with(|| a.customer.cmp(&b.customer)));
    out
}

fn gathered<'e>(events: impl Iterator<Item = &'e Event>) -> Vec<Affected> {
    let mut by_customer: BTreeMap<&str, Affected> = BTreeMap::new();
    for event in events {
        let one = by_customer.entry(&event.customer).or_insert_with(|| Affected {
            customer: event.customer.clone(),
            name: event.name.clone(),
            plan: event.plan.clone(),
            amount: Amount::ZERO,
            date: None,
            causes: Vec::new(),
            days: None,
            movements: Vec::new(),
        });
        one.amount += event.amount;
        one.date = one.date.max(Some(event.date));
        one.days = event.tenure();
        if !one.causes.contains(&event.cause.as_str()) {
            one.causes.push(event.cause.as_str());
        }
        one.movements.push(event.id.clone());
    }
    by_customer.into_values().collect()
}

/// Who could pay more: the step from their own MRR to what a customer on the next dearer plan pays on average; without
/// a dearer plan, once more what they pay on average (a second seat).
fn candidates(business: &Business) -> Vec<Affected> {
    let mut plans: BTreeMap<Option<&str>, (Amount, i128)> = BTreeMap::new();
    for one in &business.paying {
        let sum = plans.entry(one.plan.as_deref()).or_default();
        sum.0 += one.mrr;
        sum.1 += 1;
    }
    let mut means: Vec<Amount> =
        plans.values().filter(|(_, n)| *n > 0).map(|(sum, n)| Amount::from_raw(sum.raw() / n)).collect();
    means.sort_unstable();
    let dearest = means.last().copied().unwrap_or_default();
    let mut out = Vec::new();
    for one in business.paying.iter().filter(|p| !p.expanded) {
        let step = match means.iter().find(|mean| **mean > one.mrr) {
            Some(next) => *next - one.mrr,
            None if means.len() == 1 => dearest,
            None => continue,
        };
        let expected = Ratio::new(step.raw(), ONE_IN)
            .and_then(|r| r.round_to(0, Rounding::HalfEven))
            .map(Amount::from_raw)
            .unwrap_or_default();
        if expected.is_positive() {
            out.push(Affected {
                customer: one.customer.clone(),
                name: one.name.clone(),
                plan: one.plan.clone(),
                amount: expected,
                date: None,
                causes: Vec::new(),
                days: None,
                movements: Vec::new(),
            });
        }
    }
    out
}

/// What pulling a lever is worth a month, at most: what the customers behind it are together, per month looked at.
/// For acquisition it is a tenth more of the new MRR, or what a shrinking stream has lost since the first month.
pub fn worth(facts: &Facts, lever: Lever, customers: &[Affected]) -> Amount {
    let all: Amount = customers.iter().map(|c| c.amount.abs()).sum();
    let months = i128::try_from(facts.months.len().max(1)).unwrap_or(1);
    let mean = |sum: Amount| {
        Ratio::new(sum.raw(), months)
            .and_then(|r| r.round_to(0, Rounding::HalfEven))
            .map(Amount::from_raw)
            .unwrap_or_default()
    };
    match lever {
        Lever::Churn | Lever::Activation => mean(all),
        Lever::Expansion if facts.expansion.is_positive() => mean(all),
        Lever::Expansion => all,
        Lever::Acquisition => {
            let fallen = match (facts.months.first(), facts.months.last()) {
                (Some(first), Some(last)) => first.new - last.new,
                _ => Amount::ZERO,
            };
            fallen.max(Amount::from_raw(mean(all).raw() / ONE_IN))
        }
    }
}
