//! `netnew mrr`: the waterfall, period by period.

use crate::cli::ReadArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render::figures::{change, level, printed_parts, sparkline};
use crate::render::table::{Align, Table};
use crate::render::{self, page};
use crate::report::Report;
use netnew_ledger::Kind;
use netnew_metrics::{Extras, GroupKey, Query, ReportCurrency, RollupRow};
use netnew_money::Amount;
use netnew_policy::Policy;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

/// Prints the waterfall.
pub fn run(args: &ReadArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let report = Report::open(args, env)?;
    let query = report.query()?;
    let rows = match report.is_empty()? {
        true => Vec::new(),
        false => report.rows(&query, Extras::default())?,
    };
    let values: Vec<Value> = rows.iter().map(|row| json_row(&report, &query, row)).collect();
    let (values, next) = page(values, args.limit, args.cursor.as_deref())?;
    render::rows(env, &envelope(&report), &values, next, || table(&report, &query, &rows))?;
    Ok(ExitCode::SUCCESS)
}

/// What every report says about itself.
pub fn envelope(report: &Report) -> Map<String, Value> {
    let mut envelope = Map::new();
    envelope.insert("policy".into(), policy_json(&report.policy));
    envelope.insert("currency".into(), json!(report.currency_name()));
    envelope.insert("timezone".into(), json!(report.zone.name()));
    envelope.insert("as_of".into(), json!(report.as_of.to_string()));
    envelope.insert("data_through".into(), json!(report.least_data_through().map(|i| i.to_string())));
    envelope
}

/// Name, version and what was changed.
pub fn policy_json(policy: &Policy) -> Value {
    let changed: Map<String, Value> =
        policy.changed.iter().map(|(knob, value)| (knob.clone(), json!(value))).collect();
    json!({"name": policy.name, "version": policy.version, "changed": changed})
}

/// A group as one text: null without one, fields joined by commas.
pub fn group_json(key: &GroupKey) -> Value {
    match key.values.as_slice() {
        [] => Value::Null,
        [one] => json!(one),
        several => {
            json!(several.iter().map(|v| v.as_deref().unwrap_or_default()).collect::<Vec<_>>().join(","))
        }
    }
}

fn json_row(report: &Report, query: &Query, row: &RollupRow) -> Value {
    let mut out = Map::new();
    out.insert("period".into(), json!(row.period.start.to_string()));
    out.insert("complete".into(), json!(report.complete(&row.period)));
    if !report.by.is_empty() {
        out.insert("group".into(), group_json(&row.group));
    }
    if let Some(currency) = row.group.currency {
        out.insert("currency".into(), json!(currency.as_str()));
    }
    let amount = |a: Amount| json!(a.to_string());
    out.insert("start".into(), amount(row.start));
    for kind in Kind::ALL {
        out.insert(kind.as_str().into(), amount(row.movement(kind)));
    }
    out.insert("fx".into(), amount(row.fx));
    out.insert("end".into(), amount(row.end));
    out.insert(
        "customers".into(),
        json!({
            "start": row.heads_start,
            "new": row.heads.new,
            "reactivated": row.heads.reactivated,
            "entered": row.heads.entered,
            "churned": row.heads.churned,
            "left": row.heads.left,
            "end": row.heads_end,
        }),
    );
    if report.expected(query, &row.period) {
        out.insert("expected".into(), json!(true));
    }
    Value::Object(out)
}

fn table(report: &Report, query: &Query, rows: &[RollupRow]) -> String {
    if rows.is_empty() {
        return "No movements yet. Import a file: netnew import FILE\n".into();
    }
    let kinds: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|k| *k != Kind::Transfer || rows.iter().any(|r| !r.movement(*k).is_zero()))
        .collect();
    let with_fx = rows.iter().any(|r| !r.fx.is_zero());
    let mut columns = vec![("period".to_string(), Align::Left)];
    if !report.by.is_empty() {
        columns.push((report.by.iter().map(|f| f.name()).collect::<Vec<_>>().join(","), Align::Left));
    }
    if report.currency == ReportCurrency::Original {
        columns.push(("currency".into(), Align::Left));
    }
    columns.push(("start".into(), Align::Right));
    columns.extend(kinds.iter().map(|k| (k.as_str().to_string(), Align::Right)));
    if with_fx {
        columns.push(("fx".into(), Align::Right));
    }
    for name in ["end", "customers"] {
        columns.push((name.into(), Align::Right));
    }
    let mut table = Table::new(columns);
    for row in rows {
        table.row(table_row(report, query, row, &kinds, with_fx));
    }
    let mut out = table.render();
    if report.by.is_empty() && report.currency != ReportCurrency::Original {
        let ends: Vec<Amount> = rows.iter().map(|r| r.end).collect();
        out.push_str(&format!("MRR {}\n", sparkline(&ends[ends.len().saturating_sub(24)..])));
    }
    out.push_str(&footer(report));
    if rows.iter().any(|r| !report.complete(&r.period)) {
        out.push_str("* not complete: the period is still running, or the range cuts it\n");
    }
    out
}

fn table_row(report: &Report, query: &Query, row: &RollupRow, kinds: &[Kind], with_fx: bool) -> Vec<String> {
    let decimals = decimals(report, row);
    let mut parts: Vec<Amount> = kinds.iter().map(|k| row.movement(*k)).collect();
    if with_fx {
        parts.push(row.fx);
    }
    let printed = printed_parts(row.start, &parts, row.end, decimals);
    let mark = match (report.expected(query, &row.period), report.complete(&row.period)) {
        (true, _) => " expected",
        (false, false) => "*",
        (false, true) => "",
    };
    let mut cells = vec![format!("{}{mark}", period_name(query, row))];
    if !report.by.is_empty() {
        cells.push(
            row.group.values.iter().map(|v| v.as_deref().unwrap_or("(none)")).collect::<Vec<_>>().join(","),
        );
    }
    if let Some(currency) = row.group.currency {
        cells.push(currency.as_str().to_string());
    }
    cells.push(level(row.start, decimals));
    cells.extend(printed.iter().map(|a| change(*a, decimals)));
    cells.push(level(row.end, decimals));
    cells.push(row.heads_end.to_string());
    cells
}

/// Minor-unit decimals of a row's currency.
pub fn decimals(report: &Report, row: &RollupRow) -> u8 {
    match (report.currency, row.group.currency) {
        (ReportCurrency::In(currency), _) | (ReportCurrency::Original, Some(currency)) => currency.exponent(),
        (ReportCurrency::Original, None) => 2,
    }
}

fn period_name(query: &Query, row: &RollupRow) -> String {
    let text = row.period.start.to_string();
    match query.grain {
        netnew_money::Grain::Month => text[..7].to_string(),
        netnew_money::Grain::Year => text[..4].to_string(),
        _ => text,
    }
}

/// What a reader needs to know to repeat the figures.
pub fn footer(report: &Report) -> String {
    let changed: Vec<String> = report.policy.changed.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let changed = if changed.is_empty() { String::new() } else { format!(" ({})", changed.join(", ")) };
    let through = report.least_data_through().map_or("nothing yet".to_string(), |i| i.to_string());
    format!(
        "{} · policy {} {}{} · {} · as of {} · data through {}\n",
        report.currency_name(),
        report.policy.name,
        report.policy.version,
        changed,
        report.zone.name(),
        report.as_of,
        through
    )
}
