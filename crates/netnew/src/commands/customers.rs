//! `netnew customers`: who pays, how much, since when.

use crate::cli::CustomersArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::{Align, Table};
use netnew_report::Report;
use netnew_report::customers::{Listed, customers, to_json};
use netnew_report::figures::level;
use netnew_report::mrr::{envelope, footer};
use netnew_report::page::page;
use serde_json::Value;
use std::process::ExitCode;

/// Prints customers, largest MRR first.
pub fn run(args: &CustomersArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let report = env.report(&args.read)?;
    let customers = customers(&report, args.search.as_deref())?;
    let (customers, next) = page(customers, args.read.limit, args.read.cursor.as_deref())?;
    let values: Vec<Value> = customers.iter().map(|c| to_json(c, &report)).collect();
    render::rows(env, &envelope(&report), &values, next, || table(&customers, &report))?;
    Ok(ExitCode::SUCCESS)
}

fn table(customers: &[Listed], report: &Report) -> String {
    if customers.is_empty() {
        return "No customers. Import a file: netnew import FILE\n".into();
    }
    let heads = [
        ("customer", Align::Left),
        ("name", Align::Left),
        ("status", Align::Left),
        ("MRR", Align::Right),
        ("plans", Align::Left),
        ("since", Align::Left),
        ("last change", Align::Left),
    ];
    let decimals = match report.currency {
        netnew_metrics::ReportCurrency::In(currency) => currency.exponent(),
        netnew_metrics::ReportCurrency::Original => 2,
    };
    let mut table = Table::new(heads.iter().map(|(h, a)| (h.to_string(), *a)).collect());
    for c in customers {
        table.row(vec![
            c.customer.to_string(),
            c.attributes.get("name").cloned().unwrap_or_default(),
            c.status.to_string(),
            level(c.mrr, decimals),
            c.plans.join(", "),
            c.first.clone().unwrap_or_default(),
            c.last.clone().unwrap_or_default(),
        ]);
    }
    table.render() + &footer(report)
}
