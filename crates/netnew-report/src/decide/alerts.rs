//! Alerts out of a book: its rules, and what they find in customers' steps and in metrics.

use super::gather::source;
use crate::customers::attributes_now;
use crate::metrics::{cash, earlier_rows, figures, find, needs, unit_name};
use crate::movements::collect;
use crate::{Report, ReportError};
use netnew_book::Book;
use netnew_decide::alerts::{
    Alert, Behind, Expected, Fall, Point, Rule, Watch, default_rules, of_falls, of_metric, read,
};
use netnew_facts::CustomerFacts;
use netnew_ledger::{Cause, Context, CustomerLedger, Row, Step};
use netnew_metrics::registry::Value as MetricValue;
use netnew_metrics::{Converter, Filter, Query, RollupError, end_of_day};
use netnew_money::Ratio;
use std::collections::BTreeMap;
use std::path::Path;

/// Name of a book's rules, in its directory.
pub const RULES_FILE: &str = "alerts.toml";

/// Movements shown behind a metric's alert.
const ROWS_SHOWN: usize = 5;

/// The alerts and the rules that made them.
pub struct Alerts {
    /// Rules in force.
    pub rules: Vec<Rule>,
    /// Alerts, newest first.
    pub rows: Vec<Alert>,
}

/// The rules in force: a file's, else the book's own, else any one customer down by more than 5 %.
///
/// # Errors
/// A file that cannot be read, naming the rule that is wrong; a metric that does not exist.
pub fn rules(report: &Report, file: Option<&Path>) -> Result<Vec<Rule>, ReportError> {
    let rules = match rules_file(&report.book, file)? {
        Some((text, name)) => read(&text, &name)?,
        None => {
            let kept: Vec<String> = report.book.alert_rules()?.into_iter().map(|(_, text)| text).collect();
            if kept.is_empty() {
                return Ok(default_rules());
            }
            read(&kept.join("\n"), "the book")?
        }
    };
    check(&rules)?;
    Ok(rules)
}

/// A file's text and name: the given one, else the book's own if it has one.
fn rules_file(book: &Book, file: Option<&Path>) -> Result<Option<(String, String)>, ReportError> {
    let kept = book.dir().join(RULES_FILE);
    let path = match file {
        Some(path) => path.to_path_buf(),
        None if kept.is_file() => kept,
        None => return Ok(None),
    };
    let text = std::fs::read_to_string(&path).map_err(|e| {
        ReportError::refused("io", format!("{}: {e}", path.display()), "give a file of rules in TOML")
    })?;
    Ok(Some((text, path.display().to_string())))
}

/// Refuses rules about metrics or fields that do not exist.
fn check(rules: &[Rule]) -> Result<(), ReportError> {
    for rule in rules {
        if let Watch::Metric { metric, filter, .. } = &rule.watch {
            find(metric)?;
            Filter::parse(filter.as_deref().unwrap_or_default())?;
        }
    }
    Ok(())
}

/// Adds a rule to the book: TOML of one `[[rule]]`. The first one added to a book without rules stands beside the usual one,
/// which is written down with it.
///
/// # Errors
/// A rule that is wrong, a name that is taken, a book whose rules are in a file of its own.
pub fn add_rule(book: &Book, text: &str) -> Result<Rule, ReportError> {
    if rules_file(book, None)?.is_some() {
        return Err(ReportError::refused(
            "rules_in_file",
            format!("the rules of this book are in its {RULES_FILE}"),
            "write the rule there, or move the file away",
        ));
    }
    let mut rules = read(text, "the rule")?;
    let (Some(rule), true) = (rules.pop(), rules.is_empty()) else {
        return Err(ReportError::usage("bad_rules", "one rule at a time", "give one [[rule]]"));
    };
    check(std::slice::from_ref(&rule))?;
    let usual = default_rules();
    if book.alert_rules()?.is_empty() && usual.iter().all(|u| u.name != rule.name) {
        book.set_alert_rule(&usual[0].name, Some(USUAL_RULE))?;
    }
    if !book.set_alert_rule(&rule.name, Some(text))? {
        return Err(ReportError::refused(
            "name_taken",
            format!("there is a rule {} already", rule.name),
            "choose another name, or remove it first",
        ));
    }
    Ok(rule)
}

/// The usual rule as text.
const USUAL_RULE: &str = "[[rule]]\nname = \"customer_drop\"\ncustomer_drop = \"0.05\"\n";

/// Removes a rule of the book by name. When the last one is gone, the usual one is in force again.
///
/// # Errors
/// A rule that is not there, a book whose rules are in a file of its own.
pub fn remove_rule(book: &Book, name: &str) -> Result<(), ReportError> {
    if rules_file(book, None)?.is_some() {
        return Err(ReportError::refused(
            "rules_in_file",
            format!("the rules of this book are in its {RULES_FILE}"),
            "take the rule out there",
        ));
    }
    match book.set_alert_rule(name, None)? {
        true => Ok(()),
        false => Err(ReportError::refused(
            "unknown_name",
            format!("there is no rule {name:?} in the book"),
            "netnew alerts rules shows them; without any the usual one is in force",
        )),
    }
}

/// What the rules find in the report's range: customers' steps, and metrics of complete periods.
///
/// # Errors
/// Several currencies (wrong usage), rules or a book that cannot be read, a missing rate.
pub fn alerts(report: &Report, file: Option<&Path>) -> Result<Alerts, ReportError> {
    let source = source(report)?;
    let rules = rules(report, file)?;
    let mut rows = Vec::new();
    if report.is_empty()? {
        return Ok(Alerts { rules, rows });
    }
    let falls = falls(report)?;
    let query = report.query()?;
    for rule in &rules {
        match &rule.watch {
            Watch::CustomerDrop { .. } => {
                for one in falls.chunk_by(|a, b| a.customer == b.customer) {
                    let told = of_falls(rule, one, source.decimals, &source.currency);
                    rows.extend(told.into_iter().filter(|a| query.from <= a.date && a.date <= query.to));
                }
            }
            Watch::Metric { .. } => rows.extend(metric_alerts(report, rule, &falls)?),
        }
    }
    for alert in &mut rows {
        // A metric's rule has a filter of its own, which holds besides the question's.
        if alert.customer.is_some() {
            alert.command.push_str(&source.converted());
        }
        alert.command.push_str(&source.flags);
        if alert.filter.is_none()
            && let Some(filter) = &source.filter
        {
            alert.command.push_str(&format!(" --where {}", netnew_decide::words::quoted(filter)));
        }
    }
    rows.sort_by(|a, b| (b.at, &a.rule, &a.customer, &a.id).cmp(&(a.at, &b.rule, &b.customer, &b.id)));
    Ok(Alerts { rules, rows })
}

/// Every step up to the range's end in which a customer's MRR fell, by customer and time. Those before the range decide
/// which of several small ones tips the scale.
fn falls(report: &Report) -> Result<Vec<Fall>, ReportError> {
    let mut query = report.query()?;
    query.by.clear();
    let ctx = report.context(&query, false);
    let parts = report.fold(
        &ctx,
        || Ok::<_, ReportError>(Vec::new()),
        |all, facts, ledger| Ok(add_falls(report, &ctx, &query, facts, &ledger, all)?),
    )?;
    let mut all: Vec<Fall> = parts.into_iter().flatten().collect();
    all.sort_by(|a, b| (&a.customer, a.at, &a.step).cmp(&(&b.customer, b.at, &b.step)));
    Ok(all)
}

fn add_falls(
    report: &Report,
    ctx: &Context,
    query: &Query,
    facts: &CustomerFacts,
    ledger: &CustomerLedger,
    out: &mut Vec<Fall>,
) -> Result<(), RollupError> {
    let converter = Converter::new(ctx, query);
    for step in ledger.customer_steps() {
        if step.expected || step.day > query.to {
            continue;
        }
        let early = step.day < query.from;
        let levels = converter
            .total(&step.level_before, step.day)
            .and_then(|before| Ok((before, converter.total(&step.level_after, step.day)?)));
        let (before, after) = match levels {
            // What was before the range needs no rate: nobody asked about it.
            Err(_) if early => continue,
            levels => levels?,
        };
        let accepted = query.filter.0.is_empty()
            || step.rows.iter().any(|row| {
                let place = netnew_metrics::row_place(ctx, ledger, row);
                query.filter.accepts(|f| place.value(f))
            });
        if after >= before || !accepted {
            continue;
        }
        let mut rows = Vec::with_capacity(step.rows.len());
        for row in step.rows.iter().filter(|r| !r.regroup) {
            rows.push(Behind {
                id: ledger.row_id(step, row),
                kind: row.kind,
                cause: row.cause,
                plan: row.plan.as_deref().map(str::to_string),
                amount: converter.movement(row.amount, row.currency, step.day)?,
            });
        }
        let lost = step.rows.iter().filter(|r| r.amount.is_negative());
        out.push(Fall {
            step: ledger.step_id(step),
            at: step.at,
            date: step.day,
            customer: ledger.customer.to_string(),
            name: attributes_now(facts, report.known_on, report.as_of).remove("name"),
            before,
            after,
            rows,
            expected: lost.filter_map(|row| expected(report, ledger, step, row)).next(),
        });
    }
    Ok(())
}

/// Why a loss was to be expected: its end was scheduled, it was booked ahead, or a coupon began.
fn expected(report: &Report, ledger: &CustomerLedger, step: &Step, row: &Row) -> Option<Expected> {
    if row.cause == Cause::DiscountStart {
        let says = format!("a coupon began on {}", step.day);
        return Some(Expected { code: "coupon_started", says });
    }
    let phases = ledger.phases.get(row.item as usize)?;
    let began = phases.get(row.phases.0 as usize)?;
    let before = (row.phases.0 as usize).checked_sub(1).and_then(|at| phases.get(at))?;
    let state = ledger.state(before)?;
    let asked = state.cancel_requested_at.filter(|at| *at < step.at);
    let fixed = state.cancel_at.is_some_and(|at| at <= step.at);
    if fixed || asked.is_some() {
        let day = report.zone.day_of(asked.unwrap_or(before.from));
        let says = match asked {
            Some(_) => format!("its end was asked for on {day}"),
            None => format!("its end was scheduled on {day} or before"),
        };
        return Some(Expected { code: "scheduled_cancel", says });
    }
    let fact = ledger.states.get(began.fact as usize)?;
    (fact.recorded_at < step.at).then(|| Expected {
        code: "scheduled_change",
        says: format!("it was booked ahead, on {}", report.zone.day_of(fact.recorded_at)),
    })
}

fn metric_alerts(report: &Report, rule: &Rule, falls: &[Fall]) -> Result<Vec<Alert>, ReportError> {
    let Watch::Metric { metric, filter, grain, .. } = &rule.watch else { return Ok(Vec::new()) };
    let metric = find(metric)?;
    let extras = needs(&[metric]);
    let mut query = report.query()?;
    query.by.clear();
    query.grain = *grain;
    query.filter.0.extend(Filter::parse(filter.as_deref().unwrap_or_default())?.0);
    let rows = report.rows(&query, extras)?;
    let earlier = earlier_rows(report, &query, &rows, &[metric], extras)?;
    let cash = cash(report, &query, &[metric])?;
    let mut points: Vec<Point> = figures(report, &query, &earlier, &rows, &[metric], cash.as_ref())
        .iter()
        .filter(|f| report.complete(&f.row.period))
        .map(|f| Point {
            first: f.row.period.first,
            last: f.row.period.last,
            at: end_of_day(f.row.period.last, &report.zone),
            value: f.value.map(ratio_of),
            unit: unit_name(metric, f.row, report),
            rows: Vec::new(),
        })
        .collect();
    let told = of_metric(rule, &points);
    let (Some(first), Some(last)) = (told.first(), told.last()) else { return Ok(told) };
    // One pass over the movements of all that fired, then each period keeps its largest.
    query.from = points.iter().find(|p| p.last == first.date).map_or(query.from, |p| p.first);
    query.to = last.date;
    let foreseen: BTreeMap<&str, &Expected> = falls
        .iter()
        .filter_map(|fall| fall.expected.as_ref().map(|e| (fall, e)))
        .flat_map(|(fall, e)| fall.rows.iter().map(move |row| (row.id.as_str(), e)))
        .collect();
    let movements = collect(report, &query, None, None, true)?;
    for point in &mut points {
        let mut here: Vec<Behind> = movements
            .iter()
            .filter(|m| point.first <= m.date && m.date <= point.last)
            .map(|m| Behind {
                id: m.id.clone(),
                kind: m.row.kind,
                cause: m.row.cause,
                plan: m.row.plan.as_deref().map(str::to_string),
                amount: m.row.amount,
            })
            .collect();
        here.sort_by(|a, b| b.amount.abs().cmp(&a.amount.abs()).then_with(|| a.id.cmp(&b.id)));
        here.truncate(ROWS_SHOWN);
        point.rows = here;
    }
    let mut told = of_metric(rule, &points);
    for alert in &mut told {
        alert.expected = alert.rows.first().and_then(|row| match row.cause {
            Cause::DiscountEnd => {
                Some(Expected { code: "coupon_ended", says: "a coupon ended behind the largest row".into() })
            }
            _ => foreseen.get(row.id.as_str()).map(|e| (*e).clone()),
        });
    }
    Ok(told)
}

fn ratio_of(value: MetricValue) -> Ratio {
    match value {
        MetricValue::Money(amount) => Ratio::from_amount(amount),
        MetricValue::Ratio(ratio) => ratio,
        MetricValue::Count(count) => Ratio::from_int(i128::from(count)),
    }
}
