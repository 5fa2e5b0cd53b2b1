//! The invariants of the ledger and the store, on this very book.

use crate::Report;
use crate::ReportError;
use netnew_facts::CustomerFacts;
use netnew_ledger::{Context, CustomerLedger, Kind, Money, replay};
use netnew_metrics::{Extras, Field, Query, ReportCurrency, RollupRow};
use netnew_money::{Amount, Currency, Grain};
use netnew_policy::Netting;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// At most so many failures are listed per check.
const LISTED: usize = 20;

/// One check's outcome.
pub struct Outcome {
    /// Which check.
    pub name: &'static str,
    /// How many things were looked at.
    pub checked: u64,
    /// The first failures.
    pub failures: Vec<String>,
    /// How many there are.
    pub count: u64,
}

impl Outcome {
    fn new(name: &'static str) -> Outcome {
        Outcome { name, checked: 0, failures: Vec::new(), count: 0 }
    }

    fn fail(&mut self, what: String) {
        self.count += 1;
        if self.failures.len() < LISTED {
            self.failures.push(what);
        }
    }

    fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        self.checked += 1;
        if !holds {
            self.fail(what());
        }
    }

    fn merge(&mut self, other: Outcome) {
        self.checked += other.checked;
        self.count += other.count;
        for failure in other.failures {
            if self.failures.len() < LISTED {
                self.failures.push(failure);
            }
        }
    }
}

/// Names of all checks, in the order they run.
pub const NAMES: [&str; 9] = [
    "store",
    "waterfall",
    "customer_counts",
    "groups_add_up",
    "netting",
    "movements_sum_to_level",
    "transfers_net_to_zero",
    "order_of_arrival",
    "negative_levels",
];

/// Runs one check or all.
///
/// # Errors
/// `unknown_check`, or a book that cannot be read.
pub fn check(report: &mut Report, name: Option<&str>) -> Result<Vec<Outcome>, ReportError> {
    if let Some(name) = name
        && !NAMES.contains(&name)
    {
        return Err(ReportError::usage(
            "unknown_check",
            format!("unknown check {name:?}"),
            format!("checks are {}", NAMES.join(", ")),
        ));
    }
    let wanted = |check: &str| name.is_none_or(|n| n == check);
    report.currency = ReportCurrency::Original;
    let mut outcomes = Vec::new();
    if wanted("store") {
        outcomes.push(store(report)?);
    }
    if ["waterfall", "customer_counts", "groups_add_up"].iter().any(|n| wanted(n)) {
        outcomes.extend(waterfalls(report)?);
    }
    if wanted("netting") {
        outcomes.push(netting(report)?);
    }
    if NAMES[5..].iter().any(|n| wanted(n)) {
        outcomes.extend(customers(report)?);
    }
    outcomes.retain(|o| wanted(o.name));
    Ok(outcomes)
}

/// An outcome in the contract's shape.
pub fn outcome_json(o: &Outcome) -> Value {
    json!({"name": o.name, "ok": o.count == 0, "checked": o.checked, "failures": o.failures})
}

fn store(report: &Report) -> Result<Outcome, ReportError> {
    let mut outcome = Outcome::new("store");
    let counts = report.snapshot.counts()?;
    outcome.checked = counts.states + counts.attributes + counts.rates + counts.aliases;
    for finding in report.book.verify()? {
        outcome.fail(format!("{}: {}", finding.code, finding.message));
    }
    Ok(outcome)
}

/// Start + movements = end and the same for customers, at several intervals and groups; groups add up.
fn waterfalls(report: &mut Report) -> Result<Vec<Outcome>, ReportError> {
    let mut sums = Outcome::new("waterfall");
    let mut heads = Outcome::new("customer_counts");
    let mut groups = Outcome::new("groups_add_up");
    let fields: [&[Field]; 6] = [
        &[],
        &[Field::Plan],
        &[Field::Source],
        &[Field::Layer],
        &[Field::Attribute("country".into())],
        &[Field::Plan, Field::Attribute("channel".into())],
    ];
    for grain in [Grain::Month, Grain::Week, Grain::Year] {
        let mut whole: BTreeMap<(netnew_money::Day, Option<Currency>), Amount> = BTreeMap::new();
        for by in fields {
            if grain != Grain::Month && by.len() > 1 {
                continue;
            }
            report.grain = grain;
            report.by = by.to_vec();
            let query = report.query()?;
            let rows = report.rows(&query, Extras::default())?;
            identities(&rows, by, grain, &mut sums, &mut heads);
            let mut ends: BTreeMap<(netnew_money::Day, Option<Currency>), Amount> = BTreeMap::new();
            for row in &rows {
                *ends.entry((row.period.start, row.group.currency)).or_default() += row.end;
            }
            ends.retain(|_, end| !end.is_zero());
            if by.is_empty() {
                whole = ends;
            } else {
                groups.expect(whole == ends, || {
                    format!("the groups of {by:?} do not add up to the whole by {grain:?}")
                });
            }
        }
    }
    report.by = Vec::new();
    report.grain = Grain::Month;
    Ok(vec![sums, heads, groups])
}

/// Rows of original currencies have no fx, so that any rest is an error; ends are counted from item levels and
/// movements from posted rows, two paths that must meet.
fn identities(rows: &[RollupRow], by: &[Field], grain: Grain, sums: &mut Outcome, heads: &mut Outcome) {
    let mut last: BTreeMap<&netnew_metrics::GroupKey, (Amount, i64)> = BTreeMap::new();
    for row in rows {
        let place = || format!("{:?} {} {:?} {:?}", grain, row.period.start, by, row.group);
        sums.expect(row.fx.is_zero(), || {
            format!("{}: start + movements is off the end by {}", place(), row.fx)
        });
        let h = row.heads;
        let end = row.heads_start + h.new + h.reactivated + h.entered - h.churned - h.left;
        heads.expect(end == row.heads_end && row.heads_end >= 0, || {
            format!("{}: customers do not add up", place())
        });
        if let Some((end, count)) = last.insert(&row.group, (row.end, row.heads_end)) {
            sums.expect(end == row.start, || {
                format!("{}: does not start where the last period ended", place())
            });
            heads.expect(count == row.heads_start, || format!("{}: customers do not carry over", place()));
        }
    }
}

/// Netting changes how a change is told, never where it ends.
fn netting(report: &mut Report) -> Result<Outcome, ReportError> {
    let mut outcome = Outcome::new("netting");
    let own = report.policy.netting;
    let mut ends: Option<Vec<(netnew_money::Day, Amount)>> = None;
    for netting in [Netting::Event, Netting::Window, Netting::Day, Netting::Period] {
        report.policy.netting = netting;
        let query = Query { from: report.query()?.from, ..report.query()? };
        let rows = report.rows(&query, Extras::default())?;
        let mut these: Vec<(netnew_money::Day, Amount)> =
            rows.iter().filter(|r| !r.end.is_zero()).map(|r| (r.period.start, r.end)).collect();
        these.sort();
        match &ends {
            None => ends = Some(these),
            Some(first) => {
                outcome.expect(*first == these, || {
                    format!("month ends under {netting:?} differ from those by event")
                });
            }
        }
    }
    report.policy.netting = own;
    Ok(outcome)
}

/// Checks that look at one customer at a time.
fn customers(report: &Report) -> Result<Vec<Outcome>, ReportError> {
    let query = report.query()?;
    let ctx = report.context(&query, false);
    let new = || {
        Ok::<_, ReportError>([
            Outcome::new("movements_sum_to_level"),
            Outcome::new("transfers_net_to_zero"),
            Outcome::new("order_of_arrival"),
            Outcome::new("negative_levels"),
        ])
    };
    let parts = report.fold(&ctx, new, |outcomes, facts, ledger| {
        sum_to_level(&ledger, &mut outcomes[0]);
        transfers(&ledger, &mut outcomes[1]);
        arrival(facts, &ledger, &ctx, &mut outcomes[2])?;
        negative(&ledger, &mut outcomes[3]);
        Ok::<_, ReportError>(())
    })?;
    let mut whole = new()?;
    for part in parts {
        for (mine, theirs) in whole.iter_mut().zip(part) {
            mine.merge(theirs);
        }
    }
    Ok(whole.into())
}

fn sum_to_level(ledger: &CustomerLedger, outcome: &mut Outcome) {
    let mut sum = Money::new();
    for row in ledger.steps.iter().flat_map(|s| &s.rows) {
        sum.add(row.currency, row.amount);
    }
    let mut level = Money::new();
    for phases in &ledger.phases {
        let Some(phase) = phases.last() else { continue };
        if let Some(state) = ledger.state(phase) {
            level.add(state.currency, phase.level.mrr);
        }
    }
    outcome.expect(sum == level, || {
        format!("customer {}: movements sum to {sum:?}, items to {level:?}", ledger.customer)
    });
}

/// Transfers of a step in one currency cancel out exactly; across currencies they do by value, to the rounding.
fn transfers(ledger: &CustomerLedger, outcome: &mut Outcome) {
    for step in &ledger.steps {
        let mut sum = Money::new();
        let mut currencies: Vec<Currency> = Vec::new();
        for row in step.rows.iter().filter(|r| r.kind == Kind::Transfer) {
            sum.add(row.currency, row.amount);
            if !currencies.contains(&row.currency) {
                currencies.push(row.currency);
            }
        }
        if currencies.len() == 1 {
            let left = sum.iter().next();
            outcome.expect(left.is_none(), || {
                format!("customer {} on {}: transfers leave {left:?}", ledger.customer, step.day)
            });
        }
    }
}

fn arrival(
    facts: &CustomerFacts,
    ledger: &CustomerLedger,
    ctx: &Context,
    outcome: &mut Outcome,
) -> Result<(), ReportError> {
    let mut other = facts.clone();
    other.facts.reverse();
    let half = other.facts.len() / 2;
    other.facts.rotate_left(half);
    let again = replay(&other, ctx)?;
    outcome.expect(again.steps == ledger.steps, || {
        format!("customer {}: another order of the same facts gives other movements", ledger.customer)
    });
    Ok(())
}

fn negative(ledger: &CustomerLedger, outcome: &mut Outcome) {
    for step in &ledger.steps {
        let below = step.level_after.iter().find(|(_, amount)| amount.is_negative());
        outcome.expect(below.is_none(), || {
            format!("customer {} is below 0 from {} on; it counts as 0 for kinds", ledger.customer, step.day)
        });
    }
}
