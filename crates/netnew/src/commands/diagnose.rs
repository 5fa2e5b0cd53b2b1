//! `netnew diagnose`: what is wrong, and the one lever to pull now.

use crate::cli::ReadArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::{Align, Table};
use netnew_decide::diagnosis::{Diagnosis, Lever};
use netnew_report::decide::{decimals, diagnose};
use netnew_report::figures::change;
use std::process::ExitCode;

/// Customers shown in the table; all are in `--format json`.
const SHOWN: usize = 15;

/// Prints the diagnosis.
pub fn run(args: &ReadArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let report = env.report(args)?;
    let told = diagnose(&report)?;
    let decimals = decimals(&report);
    render::object(env, &told.to_json(), || text(&told, decimals))?;
    Ok(ExitCode::SUCCESS)
}

fn text(told: &Diagnosis, decimals: u8) -> String {
    let mut out = format!("{}\n", told.says);
    if let Some(lever) = told.lever {
        out.push_str(&format!("Pull {} first. {}\n", lever.as_str(), told.worth_says));
    }
    out.push_str("\nBecause\n");
    for reason in &told.because {
        out.push_str(&format!("- {}\n", reason.says));
        for figure in reason.figures.iter().take(1) {
            out.push_str(&format!("    {}\n", figure.command));
        }
    }
    if told.customers.is_empty() {
        return out;
    }
    let heading = match told.lever {
        Some(Lever::Expansion) if !told.facts.expansion.is_positive() => {
            "could step up (a tenth of the step)"
        }
        Some(Lever::Expansion) => "pay less",
        Some(Lever::Acquisition) => "came",
        _ => "left",
    };
    let heads = [
        ("customer", Align::Left),
        ("name", Align::Left),
        ("plan", Align::Left),
        ("amount", Align::Right),
        ("date", Align::Left),
        ("days", Align::Right),
        ("cause", Align::Left),
    ];
    let mut table = Table::new(heads.iter().map(|(h, a)| (h.to_string(), *a)).collect());
    for c in told.customers.iter().take(SHOWN) {
        table.row(vec![
            c.customer.clone(),
            c.name.clone().unwrap_or_default(),
            c.plan.clone().unwrap_or_default(),
            change(c.amount, decimals),
            c.date.map(|d| d.to_string()).unwrap_or_default(),
            c.days.map(|d| d.to_string()).unwrap_or_default(),
            c.causes.join(", "),
        ]);
    }
    out.push_str(&format!(
        "\n{} {heading}\n{}",
        netnew_decide::words::customers(count(told)),
        table.render()
    ));
    if told.customers.len() > SHOWN {
        out.push_str(&format!("{} more in --format json.\n", told.customers.len() - SHOWN));
    }
    out
}

fn count(told: &Diagnosis) -> i64 {
    i64::try_from(told.customers.len()).unwrap_or(i64::MAX)
}
