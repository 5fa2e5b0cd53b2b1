//! Every posted row, one by one.

use crate::Report;
use crate::ReportError;
use netnew_facts::Text;
use netnew_ledger::{Context, CustomerLedger, Kind, Row, Step};
use netnew_metrics::{Converter, GroupKey, Query, ReportCurrency, RollupError, row_place};
use netnew_money::{Amount, Currency, Instant};
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

/// The movements in range that pass the filter, by at, customer, step, item.
pub fn collect(
    report: &Report,
    query: &Query,
    customer: Option<&str>,
    kind: Option<Kind>,
    convert: bool,
) -> Result<Vec<Movement>, ReportError> {
    let ctx = report.context(query, false);
    let mut movements = Vec::new();
    if let Some(id) = customer {
        if let Some(facts) = report.customer_facts(id)? {
            let ledger = netnew_ledger::replay(&facts, &ctx)?;
            of_ledger(&ledger, &ctx, query, kind, convert, &mut movements)?;
        }
    } else {
        let parts = report.fold(
            &ctx,
            || Ok::<_, ReportError>(Vec::new()),
            |all, _, ledger| Ok(of_ledger(&ledger, &ctx, query, kind, convert, all)?),
        )?;
        movements = parts.into_iter().flatten().collect();
    }
    mark_truncated(report, &mut movements);
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
    Ok(movements)
}

/// Marks what looks like an opening balance: several customers who are new at the first instant their source knows.
/// A single one is taken for the first customer there ever was.
fn mark_truncated(report: &Report, movements: &mut [Movement]) {
    for (source, first) in report.snapshot.begins() {
        let opens = |m: &Movement| m.row.kind == Kind::New && m.at == first && m.item.source == source;
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
    query: &Query,
    kind: Option<Kind>,
    convert: bool,
    out: &mut Vec<Movement>,
) -> Result<(), RollupError> {
    let converter = Converter::new(ctx, query);
    for step in &ledger.steps {
        if step.day < query.from || step.day > query.to || (step.expected && !query.with_expected) {
            continue;
        }
        for row in step.rows.iter().filter(|r| kind.is_none_or(|k| r.kind == k)) {
            let place = row_place(ctx, ledger, row);
            if !query.filter.accepts(|f| place.value(f)) {
                continue;
            }
            let group = GroupKey {
                values: query.by.iter().map(|f| place.value(f).map(str::to_string)).collect(),
                currency: None,
            };
            out.push(movement(ledger, step, row, &converter, convert, group)?);
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
        facts: ledger.row_facts(row).into_iter().map(|f| f.id()).collect(),
        group,
        expected: step.expected,
        truncated: false,
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
    Value::Object(out)
}
