//! `netnew movements`: every posted row, one by one.

use crate::cli::MovementsArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::{Align, Table};
use netnew_metrics::ReportCurrency;
use netnew_report::figures::{change, level};
use netnew_report::movements::{Movement, collect, page, parse_cause, parse_kind, to_json};
use netnew_report::page::{next, page as cut, start};
use serde_json::{Map, Value};
use std::process::ExitCode;

/// Prints the movements.
pub fn run(args: &MovementsArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let kind = args.kind.as_deref().map(parse_kind).transpose()?;
    let cause = args.cause.as_deref().map(parse_cause).transpose()?;
    let report = env.ask(args.read.question().in_own_currency())?;
    let query = report.query()?;
    let convert = args.read.currency.is_some() && report.currency != ReportCurrency::Original;
    let (start, limit) = (start(args.read.cursor.as_deref())?, args.read.limit);
    let customer = args.customer.as_deref();
    let (movements, next) = match cause {
        Some(cause) => {
            let mut all = collect(&report, &query, customer, kind, convert)?;
            all.retain(|m| m.row.cause == cause);
            cut(all, limit, args.read.cursor.as_deref())?
        }
        None => {
            let (movements, more) = page(&report, &query, customer, kind, convert, (start, limit))?;
            (movements, next(start, limit, more))
        }
    };
    let values: Vec<Value> = movements.iter().map(|m| to_json(m, &report)).collect();
    render::rows(env, &Map::new(), &values, next, || table(&movements))?;
    Ok(ExitCode::SUCCESS)
}

/// The movements as a table.
pub fn table(movements: &[Movement]) -> String {
    if movements.is_empty() {
        return "No movements in this range.\n".into();
    }
    let heads = [
        ("date", Align::Left),
        ("customer", Align::Left),
        ("kind", Align::Left),
        ("cause", Align::Left),
        ("plan", Align::Left),
        ("amount", Align::Right),
        ("cur", Align::Left),
        ("customer MRR", Align::Right),
        ("id", Align::Left),
    ];
    let mut table = Table::new(heads.iter().map(|(h, a)| (h.to_string(), *a)).collect());
    for m in movements {
        let decimals = m.currency.exponent();
        table.row(vec![
            m.date.to_string(),
            m.customer.to_string(),
            m.row.kind.as_str().to_string(),
            m.row.cause.as_str().to_string(),
            m.row.plan.as_deref().unwrap_or("").to_string(),
            change(m.row.amount, decimals),
            m.currency.as_str().to_string(),
            level(m.customer_after, decimals),
            m.id[..12].to_string(),
        ]);
    }
    let truncated = movements.iter().filter(|m| m.truncated).count();
    let note = match truncated {
        0 => String::new(),
        n => format!(
            "{n} of these are new at the very instant at which their source's history begins: the customers may have been there before.\n"
        ),
    };
    let rebuilt = match movements.iter().filter(|m| m.reconstructed).count() {
        0 => String::new(),
        n => format!("{n} of these were not observed but rebuilt from later evidence, such as invoices.\n"),
    };
    table.render() + &note + &rebuilt + "An id explains itself: netnew explain ID\n"
}
