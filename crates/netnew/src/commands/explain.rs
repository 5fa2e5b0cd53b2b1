//! `netnew explain`: from a number to its movements, to the facts, to the rows of your files.

use super::customer::fact_json;
use super::metrics::find;
use super::movements::{Movement, collect, parse_kind, to_json};
use super::mrr::envelope;
use crate::cli::ExplainArgs;
use crate::environment::{Environment, parse_day};
use crate::error::CliError;
use crate::render;
use crate::render::figures::{change, level};
use crate::report::Report;
use netnew_book::PayloadInfo;
use netnew_ledger::Kind;
use netnew_metrics::{Extras, Query, ReportCurrency, RollupRow};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::process::ExitCode;

/// Explains a movement or a period.
pub fn run(args: &ExplainArgs, env: &Environment) -> Result<ExitCode, CliError> {
    match (&args.movement, &args.period) {
        (Some(id), None) => movement(id, args, env),
        (None, Some(period)) => explain_period(period, args, env),
        _ => Err(CliError::usage(
            "usage",
            "explain takes a movement's id, or --period",
            "netnew explain --period 2026-10 --kind churn; ids are in `netnew movements`",
        )),
    }
}

fn movement(id: &str, args: &ExplainArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let mut read = args.read.clone();
    let convert = read.currency.is_some();
    read.currency = Some(read.currency.unwrap_or_else(|| "original".into()));
    let report = Report::open(&read, env)?;
    let query = report.query()?;
    let found: Vec<Movement> =
        collect(&report, &query, None, None, convert)?.into_iter().filter(|m| m.id.starts_with(id)).collect();
    let [one] = found.as_slice() else {
        return Err(CliError::refused(
            "unknown_movement",
            format!("{} movements have an id that starts with {id:?}", found.len()),
            "ids are in `netnew movements`, with the same --policy, --set, --by and --timezone",
        ));
    };
    let value = tree(&report, std::slice::from_ref(one))?.remove(0);
    render::object(env, &value, || text(&value, 0))?;
    Ok(ExitCode::SUCCESS)
}

fn explain_period(text_of_period: &str, args: &ExplainArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let kind = args.kind.as_deref().map(parse_kind).transpose()?;
    let mut read = args.read.clone();
    let report = Report::open(&read, env)?;
    let day = parse_day("--period", text_of_period)?;
    let start = report.grain.period_start(day, report.policy.week_start);
    let next = report.grain.next_start(start, report.policy.week_start);
    read.from = Some(start.to_string());
    read.to = Some(next.add_days(-1).min(report.today().max(start)).to_string());
    let report = Report::open(&read, env)?;
    let query = report.query()?;
    let rows = report.rows(&query, Extras::default())?;
    let convert = report.currency != ReportCurrency::Original;
    let movements = collect(&report, &query, None, kind, convert)?;
    let total: netnew_money::Amount = movements.iter().map(|m| m.row.amount).sum();
    let metric = find(kind.map_or("net_new_mrr", metric_of))?;
    let mut value = envelope(&report);
    value.insert("period".into(), json!(start.to_string()));
    value.insert("kind".into(), json!(kind.map(Kind::as_str)));
    value.insert("definition".into(), json!(metric.definition));
    value.insert("amount".into(), json!(total.to_string()));
    value.insert("customers".into(), json!(distinct(&movements)));
    value.insert("movement_count".into(), json!(movements.len()));
    value.insert("waterfall".into(), Value::Array(rows.iter().map(waterfall).collect()));
    value.insert("command".into(), json!(command(&query, kind, args)));
    value.insert("movements".into(), Value::Array(tree(&report, &movements)?));
    let value = Value::Object(value);
    render::object(env, &value, || period_text(&value, &movements, &report))?;
    Ok(ExitCode::SUCCESS)
}

fn metric_of(kind: Kind) -> &'static str {
    match kind {
        Kind::New => "new_mrr",
        Kind::Reactivation => "reactivation_mrr",
        Kind::Expansion => "expansion_mrr",
        Kind::Contraction => "contraction_mrr",
        Kind::Churn => "churned_mrr",
        Kind::Transfer => "net_new_mrr",
    }
}

fn distinct(movements: &[Movement]) -> usize {
    let mut customers: Vec<&str> = movements.iter().map(|m| &*m.customer).collect();
    customers.sort_unstable();
    customers.dedup();
    customers.len()
}

fn waterfall(row: &RollupRow) -> Value {
    let mut out = Map::new();
    out.insert("start".into(), json!(row.start.to_string()));
    for kind in Kind::ALL {
        out.insert(kind.as_str().into(), json!(row.movement(kind).to_string()));
    }
    out.insert("fx".into(), json!(row.fx.to_string()));
    out.insert("end".into(), json!(row.end.to_string()));
    Value::Object(out)
}

/// A command that gives the same number.
fn command(query: &Query, kind: Option<Kind>, args: &ExplainArgs) -> String {
    let mut out = format!("netnew movements --from {} --to {}", query.from, query.to);
    if let Some(kind) = kind {
        out.push_str(&format!(" --kind {}", kind.as_str()));
    }
    let read = &args.read;
    for (flag, value) in [
        ("--policy", &read.policy),
        ("--currency", &read.currency),
        ("--timezone", &read.timezone),
        ("--where", &read.filter),
        ("--known-on", &read.known_on),
    ] {
        if let Some(value) = value {
            out.push_str(&format!(" {flag} '{value}'"));
        }
    }
    for set in &read.set {
        out.push_str(&format!(" --set {set}"));
    }
    out
}

/// Movements with the facts and payload rows under them.
fn tree(report: &Report, movements: &[Movement]) -> Result<Vec<Value>, CliError> {
    let mut facts: HashMap<String, Value> = HashMap::new();
    let mut customers: Vec<&str> = movements.iter().map(|m| &*m.customer).collect();
    customers.sort_unstable();
    customers.dedup();
    let wanted: std::collections::HashSet<&str> =
        movements.iter().flat_map(|m| m.facts.iter().map(String::as_str)).collect();
    let mut rows_wanted: Vec<(String, u32, u64)> = Vec::new();
    for customer in customers {
        let Some(all) = report.snapshot.customer(customer)? else { continue };
        for fact in &all.facts {
            let id = fact.id();
            if wanted.contains(id.as_str()) && !facts.contains_key(&id) {
                facts.insert(id.clone(), fact_json(fact, &report.snapshot)?);
                rows_wanted.push((id, fact.payload.payload, fact.payload.row));
            }
        }
    }
    attach_raw_rows(report, &mut rows_wanted, &mut facts)?;
    let mut out = Vec::with_capacity(movements.len());
    for m in movements {
        let mut value = to_json(m, report);
        let receipts: Vec<Value> = m.facts.iter().filter_map(|id| facts.get(id).cloned()).collect();
        value["facts"] = Value::Array(receipts);
        out.push(value);
    }
    Ok(out)
}

/// Reads the wanted rows of each kept file in one pass.
fn attach_raw_rows(
    report: &Report,
    wanted: &mut [(String, u32, u64)],
    facts: &mut HashMap<String, Value>,
) -> Result<(), CliError> {
    wanted.sort_by_key(|(_, payload, row)| (*payload, *row));
    for rows in wanted.chunk_by(|a, b| a.1 == b.1) {
        let Some(info) = report.snapshot.payload(rows[0].1)? else { continue };
        let lines = text_lines(&info, &rows.iter().map(|r| r.2).collect::<Vec<_>>())?;
        for ((id, ..), line) in rows.iter().zip(lines) {
            if let (Some(fact), Some(line)) = (facts.get_mut(id), line) {
                fact["payload"]["raw"] = json!(line);
            }
        }
    }
    Ok(())
}

/// The lines of a kept text file, for ascending line numbers; `None` for files that are not text.
fn text_lines(info: &PayloadInfo, rows: &[u64]) -> Result<Vec<Option<String>>, CliError> {
    let mut reader = BufReader::new(std::fs::File::open(&info.path)?);
    let mut head = [0u8; 4];
    let read = reader.read(&mut head)?;
    if read >= 4 && (&head == b"PAR1" || &head == b"PK\x03\x04") {
        return Ok(vec![None; rows.len()]);
    }
    let mut reader = BufReader::new(std::fs::File::open(&info.path)?);
    let mut out = Vec::with_capacity(rows.len());
    let (mut number, mut line) = (0u64, Vec::new());
    for &row in rows {
        while number < row {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            number += 1;
        }
        let text = String::from_utf8_lossy(&line)
            .trim_end_matches(['\r', '\n'])
            .trim_start_matches('\u{feff}')
            .to_string();
        out.push((number == row && row > 0).then_some(text));
    }
    Ok(out)
}

fn period_text(value: &Value, movements: &[Movement], report: &Report) -> String {
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
        super::mrr::footer(report),
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
