//! Every posted row, one by one.

use crate::Report;
use crate::ReportError;
use crate::answers::answer;
use netnew_facts::{Body, Text};
use netnew_ledger::{Cause, Context, CustomerLedger, Kind, Row, Step};
use netnew_metrics::{Converter, GroupKey, Query, ReportCurrency, RollupError, row_place};
use netnew_money::{Amount, Currency, Instant};
use netnew_resident::facts_with;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

/// One posted row with everything that is printed of it.
pub struct Movement {
    /// Id, equal after re-import and rebuild.
    pub id: String,
    /// Id of its step.
    pub step: String,
    /// When.
    pub at: Instant,
    /// Local day.
    pub date: netnew_money::Day,
    /// Customer.
    pub customer: Text,
    /// Source, subscription and item.
    pub item: netnew_ledger::ItemInfo,
    /// The row itself, amounts in the report's currency.
    pub row: Row,
    /// Currency of the amounts.
    pub currency: Currency,
    /// Rate that converted it, as text; `None` without a conversion.
    pub rate: Option<String>,
    /// The customer's level before the step, in the row's currency or the report's.
    pub customer_before: Amount,
    /// And after.
    pub customer_after: Amount,
    /// Ids of the facts that made it.
    pub facts: Vec<String>,
    /// Group, with `--by`.
    pub group: GroupKey,
    /// Expected, not yet happened.
    pub expected: bool,
    /// A first movement at the very instant at which the source's history begins, together with others': the customer
    /// may well have been there before.
    pub truncated: bool,
    /// The state that it leads to was not observed but rebuilt from later evidence: when and how it came may be otherwise.
    pub reconstructed: bool,
}

/// Reads a kind, naming the ones there are.
pub fn parse_kind(text: &str) -> Result<Kind, ReportError> {
    Kind::parse(text).ok_or_else(|| {
        let kinds: Vec<&str> = Kind::ALL.iter().map(|k| k.as_str()).collect();
        ReportError::usage(
            "unknown_kind",
            format!("unknown kind {text:?}"),
            format!("kinds are {}", kinds.join(", ")),
        )
    })
}

/// Reads a cause, naming the ones there are.
///
/// # Errors
/// `unknown_cause`.
pub fn parse_cause(text: &str) -> Result<Cause, ReportError> {
    Cause::parse(text).ok_or_else(|| {
        let causes: Vec<&str> = Cause::ALL.iter().map(|c| c.as_str()).collect();
        ReportError::usage(
            "unknown_cause",
            format!("unknown cause {text:?}"),
            format!("causes are {}", causes.join(", ")),
        )
    })
}

/// The movements in range that pass the filter, by at, customer, step, item.
pub fn collect(
    report: &Report,
    query: &Query,
    customer: Option<&str>,
    kind: Option<Kind>,
    convert: bool,
) -> Result<Vec<Movement>, ReportError> {
    Ok(page(report, query, customer, kind, convert, (0, None))?.0)
}

/// A page of the movements that [`collect`] gives: `limit` of them (`None`: all) after `start`, and whether more follow.
/// From memory only the customers of the page are replayed.
///
/// # Errors
/// A missing rate, or a book that cannot be read.
pub fn page(
    report: &Report,
    query: &Query,
    customer: Option<&str>,
    kind: Option<Kind>,
    convert: bool,
    (start, limit): (usize, Option<usize>),
) -> Result<(Vec<Movement>, bool), ReportError> {
    let ctx = report.context(query, false);
    let all = Asked { query, kind, convert, between: (i64::MIN, i64::MAX) };
    let mut movements = Vec::new();
    if let Some(id) = customer {
        if let Some(facts) = report.customer_facts(id)? {
            let ledger = netnew_ledger::replay(&facts, &ctx)?;
            of_ledger(&ledger, &ctx, &all, &mut movements)?;
        }
    } else if limit.is_some() {
        let what = format!("movements {start} {limit:?} {kind:?} {convert}");
        return answer(report, &ctx, query, &what, || work(report, &ctx, &all, (start, limit)));
    } else {
        return work(report, &ctx, &all, (start, limit));
    }
    mark_truncated(report, &mut movements);
    sort(&mut movements);
    Ok(cut(movements, start, limit))
}

fn cut(mut movements: Vec<Movement>, start: usize, limit: Option<usize>) -> (Vec<Movement>, bool) {
    movements.drain(..start.min(movements.len()));
    let more = limit.is_some_and(|limit| limit < movements.len());
    movements.truncate(limit.unwrap_or(usize::MAX));
    (movements, more)
}

fn work(
    report: &Report,
    ctx: &Context,
    all: &Asked,
    (start, limit): (usize, Option<usize>),
) -> Result<(Vec<Movement>, bool), ReportError> {
    if let Some(page) = from_memory(report, ctx, all, (start, limit))? {
        return Ok(page);
    }
    let parts = report.fold(
        ctx,
        || Ok::<_, ReportError>(Vec::new()),
        |found, _, ledger| Ok(of_ledger(&ledger, ctx, all, found)?),
    )?;
    let mut movements: Vec<Movement> = parts.into_iter().flatten().collect();
    mark_truncated(report, &mut movements);
    sort(&mut movements);
    Ok(cut(movements, start, limit))
}

/// What is asked of a ledger.
struct Asked<'a> {
    query: &'a Query,
    kind: Option<Kind>,
    convert: bool,
    /// Only steps between these instants, both included.
    between: (i64, i64),
}

fn sort(movements: &mut [Movement]) {
    movements.sort_by(|a, b| {
        (a.at, &a.customer, &a.step, &a.item.item, &a.item.subscription, a.row.regroup).cmp(&(
            b.at,
            &b.customer,
            &b.step,
            &b.item.item,
            &b.item.subscription,
            b.row.regroup,
        ))
    });
}

/// A page by way of memory: first where its rows lie, then the ledgers of the customers whose rows these are.
fn from_memory(
    report: &Report,
    ctx: &Context,
    asked: &Asked,
    (start, limit): (usize, Option<usize>),
) -> Result<Option<(Vec<Movement>, bool)>, ReportError> {
    let Some(memory) = report.memory()? else { return Ok(None) };
    let end = limit.map(|limit| start.saturating_add(limit));
    if end == Some(start) {
        return Ok(None);
    }
    let begins = report.snapshot.begins();
    let Some((held, found)) = memory.find(&report.view, ctx, asked.query, asked.kind, end, &begins)? else {
        return Ok(None);
    };
    let last = end.unwrap_or(usize::MAX).min(found.rows.len());
    let (Some(low), Some(high)) =
        (found.rows.get(start), last.checked_sub(1).and_then(|l| found.rows.get(l)))
    else {
        return Ok(Some((Vec::new(), false)));
    };
    let between = (low.0, high.0);
    let skipped = found.rows.partition_point(|(at, _)| *at < low.0);
    let mut customers: Vec<u32> = found.rows[skipped..]
        .iter()
        .take_while(|(at, _)| *at <= high.0)
        .map(|(_, customer)| *customer)
        .collect();
    customers.sort_unstable();
    customers.dedup();
    let asked = Asked { between, ..*asked };
    let length = (customers.len() / (rayon::current_num_threads() * 4)).max(16);
    let parts: Vec<Result<Vec<Movement>, ReportError>> = customers
        .par_chunks(length)
        .map(|customers| {
            let mut movements = Vec::new();
            for customer in customers {
                let facts = facts_with(&held.0, &held.1, *customer as usize, &ctx.dimensions);
                of_ledger(&netnew_ledger::replay(&facts, ctx)?, ctx, &asked, &mut movements)?;
            }
            Ok(movements)
        })
        .collect();
    let mut movements = Vec::new();
    for part in parts {
        movements.extend(part?);
    }
    for (source, first) in begins {
        let number = held.0.sources.iter().position(|s| *s == source);
        if number.is_some_and(|number| found.opening[number].len() > 1) {
            let opens = |m: &&mut Movement| opens(m, &source, first);
            movements.iter_mut().filter(opens).for_each(|m| m.truncated = true);
        }
    }
    sort(&mut movements);
    movements.drain(..(start - skipped).min(movements.len()));
    movements.truncate(limit.unwrap_or(usize::MAX));
    let more = end.is_some_and(|end| end < found.count);
    Ok(Some((movements, more)))
}

fn opens(m: &Movement, source: &Text, first: Instant) -> bool {
    m.row.kind == Kind::New && m.at == first && m.item.source == *source
}

/// Marks what looks like an opening balance: several customers who are new at the first instant their source knows.
/// A single one is taken for the first customer there ever was.
fn mark_truncated(report: &Report, movements: &mut [Movement]) {
    for (source, first) in report.snapshot.begins() {
        let opens = |m: &Movement| opens(m, &source, first);
        let mut customers: Vec<Text> =
            movements.iter().filter(|m| opens(m)).map(|m| m.customer.clone()).collect();
        customers.sort();
        customers.dedup();
        if customers.len() > 1 {
            movements.iter_mut().filter(|m| opens(m)).for_each(|m| m.truncated = true);
        }
    }
}

fn of_ledger(
    ledger: &CustomerLedger,
    ctx: &Context,
    asked: &Asked,
    out: &mut Vec<Movement>,
) -> Result<(), RollupError> {
    let query = asked.query;
    let converter = Converter::new(ctx, query);
    for step in &ledger.steps {
        let at = step.at.micros();
        let outside = step.day < query.from
            || step.day > query.to
            || at < asked.between.0
            || at > asked.between.1
            || (step.expected && !query.with_expected);
        if outside {
            continue;
        }
        for row in step.rows.iter().filter(|r| asked.kind.is_none_or(|k| r.kind == k)) {
            let place = row_place(ctx, ledger, row);
            if !query.filter.accepts(|f| place.value(f)) {
                continue;
            }
            let group = GroupKey {
                values: query.by.iter().map(|f| place.value(f).map(str::to_string)).collect(),
                currency: None,
            };
            out.push(movement(ledger, step, row, &converter, asked.convert, group)?);
        }
    }
    Ok(())
}

fn movement(
    ledger: &CustomerLedger,
    step: &Step,
    row: &Row,
    converter: &Converter,
    convert: bool,
    group: GroupKey,
) -> Result<Movement, RollupError> {
    let mut shown = row.clone();
    let mut currency = row.currency;
    let mut rate = None;
    let (mut before, mut after) = (step.level_before.get(currency), step.level_after.get(currency));
    if convert && let ReportCurrency::In(to) = converter.currency() {
        rate =
            Some(converter.rate(currency, step.day)?.map_or("1".into(), |r| r.value.to_decimal_string(10)));
        shown.amount = converter.movement(row.amount, currency, step.day)?;
        shown.before = converter.movement(row.before, currency, step.day)?;
        shown.after = shown.before + shown.amount;
        before = converter.total(&step.level_before, step.day)?;
        after = converter.total(&step.level_after, step.day)?;
        currency = to;
    }
    let facts = ledger.row_facts(row);
    let latest = facts.iter().max_by_key(|fact| fact.effective_at());
    let reconstructed = latest.is_some_and(
        |fact| matches!(&fact.body, Body::State { state: Some(state), .. } if state.reconstructed),
    );
    Ok(Movement {
        id: ledger.row_id(step, row),
        step: ledger.step_id(step),
        at: step.at,
        date: step.day,
        customer: ledger.customer.clone(),
        item: ledger.items[row.item as usize].clone(),
        row: shown,
        currency,
        rate,
        customer_before: before,
        customer_after: after,
        facts: facts.into_iter().map(|f| f.id()).collect(),
        group,
        expected: step.expected,
        truncated: false,
        reconstructed,
    })
}

/// A movement in the contract's shape.
pub fn to_json(m: &Movement, report: &Report) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| {
        out.insert(key.to_string(), value);
    };
    put("id", json!(m.id));
    put("step", json!(m.step));
    put("at", json!(m.at.to_string()));
    put("date", json!(m.date.to_string()));
    put("customer", json!(&*m.customer));
    put("subscription", json!(&*m.item.subscription));
    put("item", json!(&*m.item.item));
    put("plan", json!(m.row.plan.as_deref()));
    put("kind", json!(m.row.kind.as_str()));
    put("cause", json!(m.row.cause.as_str()));
    put("amount", json!(m.row.amount.to_string()));
    put("currency", json!(m.currency.as_str()));
    if let Some(rate) = &m.rate {
        put("rate", json!(rate));
    }
    put("before", json!(m.row.before.to_string()));
    put("after", json!(m.row.after.to_string()));
    put("customer_before", json!(m.customer_before.to_string()));
    put("customer_after", json!(m.customer_after.to_string()));
    put("facts", json!(m.facts));
    if !report.by.is_empty() {
        put("group", crate::mrr::group_json(&m.group));
    }
    if m.truncated {
        put("truncated", json!(true));
    }
    if m.expected {
        put("expected", json!(true));
    }
    if m.reconstructed {
        put("reconstructed", json!(true));
    }
    Value::Object(out)
}
