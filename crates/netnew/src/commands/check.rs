//! `netnew check`: the invariants of the ledger and the store, on this very book.

use crate::cli::CheckArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::{Align, Table};
use netnew_report::check::{Outcome, check, outcome_json};
use serde_json::{Map, Value};
use std::process::ExitCode;

/// Runs one check or all.
pub fn run(args: &CheckArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let mut report = env.report(&args.read)?;
    let outcomes = check(&mut report, args.name.as_deref())?;
    let failed = outcomes.iter().any(|o| o.count > 0);
    let values: Vec<Value> = outcomes.iter().map(outcome_json).collect();
    render::rows(env, &Map::new(), &values, None, || table(&outcomes))?;
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn table(outcomes: &[Outcome]) -> String {
    let mut table = Table::new(vec![
        ("check".into(), Align::Left),
        ("".into(), Align::Left),
        ("checked".into(), Align::Right),
    ]);
    for o in outcomes {
        let verdict = if o.count == 0 { "ok".to_string() } else { format!("{} failures", o.count) };
        table.row(vec![o.name.to_string(), verdict, o.checked.to_string()]);
    }
    let mut out = table.render();
    for o in outcomes {
        for failure in &o.failures {
            out.push_str(&format!("{}: {failure}\n", o.name));
        }
    }
    out
}
