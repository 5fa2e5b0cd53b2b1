//! `netnew mrr`: the waterfall, period by period.

use crate::cli::ReadArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::{Align, Table};
use netnew_ledger::Kind;
use netnew_metrics::{Query, ReportCurrency, RollupRow};
use netnew_money::Amount;
use netnew_report::Report;
use netnew_report::figures::{change, level, printed_parts, sparkline};
use netnew_report::mrr::{decimals, envelope, row_json, waterfall};
use netnew_report::page::page;
use serde_json::Value;
use std::process::ExitCode;

pub use netnew_report::mrr::footer;

/// Prints the waterfall.
pub fn run(args: &ReadArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let report = env.report(args)?;
    let query = report.query()?;
    let rows = waterfall(&report, &query)?;
    let values: Vec<Value> = rows.iter().map(|row| row_json(&report, &query, row)).collect();
    let (values, next) = page(values, args.limit, args.cursor.as_deref())?;
    render::rows(env, &envelope(&report), &values, next, || table(&report, &query, &rows))?;
    Ok(ExitCode::SUCCESS)
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

fn period_name(query: &Query, row: &RollupRow) -> String {
    let text = row.period.start.to_string();
    match query.grain {
        netnew_money::Grain::Month => text[..7].to_string(),
        netnew_money::Grain::Year => text[..4].to_string(),
        _ => text,
    }
}
