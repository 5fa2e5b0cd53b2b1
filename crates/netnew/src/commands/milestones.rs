//! `netnew milestones`: thresholds of MRR, reached and ahead.

use crate::cli::ReadArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::{Align, Table};
use netnew_decide::milestones::Milestone;
use netnew_report::decide::{decimals, milestones};
use netnew_report::figures::level;
use netnew_report::mrr::{envelope, footer};
use netnew_report::page::page;
use serde_json::Value;
use std::process::ExitCode;

/// Prints milestones.
pub fn run(args: &ReadArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let report = env.report(args)?;
    let found = milestones(&report)?;
    let values: Vec<Value> = found.iter().map(Milestone::to_json).collect();
    let (values, next) = page(values, args.limit, args.cursor.as_deref())?;
    let decimals = decimals(&report);
    render::rows(env, &envelope(&report), &values, next, || table(&found, decimals) + &footer(&report))?;
    Ok(ExitCode::SUCCESS)
}

fn table(found: &[Milestone], decimals: u8) -> String {
    if found.is_empty() {
        return "No movements yet. Import a file: netnew import FILE\n".into();
    }
    let heads = [
        ("MRR", Align::Right),
        ("reached", Align::Left),
        ("holds since", Align::Left),
        ("missing", Align::Right),
        ("next", Align::Left),
    ];
    let mut table = Table::new(heads.iter().map(|(h, a)| (h.to_string(), *a)).collect());
    for m in found {
        table.row(vec![
            level(m.amount, 0),
            m.reached.map(|d| d.to_string()).unwrap_or_default(),
            m.held_since.map(|d| d.to_string()).unwrap_or_default(),
            if m.missing.is_zero() { String::new() } else { level(m.missing, decimals) },
            if m.held_since.is_some() { String::new() } else { m.outlook() },
        ]);
    }
    let words: String = found.iter().map(|m| format!("{}: {}\n", level(m.amount, 0), m.meaning)).collect();
    table.render() + &words
}
