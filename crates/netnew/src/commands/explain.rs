//! `netnew explain`: from a number to its movements, to the facts, to the rows of your files.

use crate::cli::ExplainArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use netnew_metrics::ReportCurrency;
use netnew_report::Report;
use netnew_report::explain::{Explained, distinct, movement, period};
use netnew_report::figures::{change, level};
use netnew_report::movements::parse_kind;
use netnew_report::mrr::footer;
use serde_json::Value;
use std::process::ExitCode;

/// Explains a movement or a period.
pub fn run(args: &ExplainArgs, env: &Environment) -> Result<ExitCode, CliError> {
    match (&args.movement, &args.period) {
        (Some(id), None) => {
            let report = env.ask(args.read.question().in_own_currency())?;
            let value = movement(&report, id, None, args.read.currency.is_some())?;
            render::object(env, &value, || text(&value, 0))?;
        }
        (None, Some(day)) => {
            let kind = args.kind.as_deref().map(parse_kind).transpose()?;
            let mut report = env.report(&args.read)?;
            let explained = period(&mut report, day, kind)?;
            render::object(env, &explained.value, || period_text(&explained, &report))?;
        }
        _ => {
            return Err(CliError::usage(
                "usage",
                "explain takes a movement's id, or --period",
                "netnew explain --period 2026-10 --kind churn; ids are in `netnew movements`",
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn period_text(explained: &Explained, report: &Report) -> String {
    let Explained { value, movements } = explained;
    let decimals = match report.currency {
        ReportCurrency::In(currency) => currency.exponent(),
        ReportCurrency::Original => 2,
    };
    let kind = value["kind"].as_str().unwrap_or("net new");
    let total: netnew_money::Amount = movements.iter().map(|m| m.row.amount).sum();
    let mut out = format!(
        "{kind}, {}   {} {}\n{}\n{}{} · {}\n\n",
        value["period"].as_str().unwrap_or_default(),
        change(total, decimals),
        report.currency_name(),
        value["definition"].as_str().unwrap_or_default(),
        footer(report),
        count(distinct(movements), "customer"),
        count(movements.len(), "movement"),
    );
    for (m, tree) in movements.iter().zip(value["movements"].as_array().into_iter().flatten()) {
        out.push_str(&format!(
            "{}  {}  {}  {}  {}  MRR {} → {}\n",
            m.date,
            m.customer,
            m.row.kind.as_str(),
            change(m.row.amount, decimals),
            m.row.cause.as_str(),
            level(m.customer_before, decimals),
            level(m.customer_after, decimals),
        ));
        for fact in tree["facts"].as_array().into_iter().flatten() {
            out.push_str(&receipt(fact));
        }
    }
    out.push_str(&format!("\nThe same number: {}\n", value["command"].as_str().unwrap_or_default()));
    out
}

fn count(number: usize, of: &str) -> String {
    if number == 1 { format!("1 {of}") } else { format!("{number} {of}s") }
}

fn receipt(fact: &Value) -> String {
    let payload = &fact["payload"];
    let raw = payload["raw"].as_str().map(|raw| format!("\n        {raw}")).unwrap_or_default();
    let rebuilt = if fact["state"]["reconstructed"] == true { ", rebuilt from later evidence" } else { "" };
    format!(
        "    fact {} in {} row {}{rebuilt}{raw}\n",
        &fact["id"].as_str().unwrap_or_default()[..12.min(fact["id"].as_str().unwrap_or_default().len())],
        payload["file"].as_str().unwrap_or("(no file)"),
        payload["row"],
    )
}

fn text(value: &Value, depth: usize) -> String {
    let pad = "  ".repeat(depth);
    let mut out = String::new();
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::Object(_) => out.push_str(&format!("{pad}{key}:\n{}", text(value, depth + 1))),
                    Value::Array(items) if items.iter().any(Value::is_object) => {
                        out.push_str(&format!("{pad}{key}:\n"));
                        for item in items {
                            out.push_str(&text(item, depth + 1));
                        }
                    }
                    Value::Null => {}
                    other => out.push_str(&format!("{pad}{key}: {}\n", render::text_of(other))),
                }
            }
        }
        other => out.push_str(&format!("{pad}{}\n", render::text_of(other))),
    }
    out
}
