//! `netnew cohorts`: what is left of the customers of each period, age by age.

use crate::cli::CohortsArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::{Align, Table};
use netnew_metrics::{CohortRow, Measure};
use netnew_money::Ratio;
use netnew_report::cohorts::{cohorts, parse_measure, row_json};
use netnew_report::figures::percent;
use netnew_report::mrr::envelope;
use netnew_report::page::page;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Prints the cohort table.
pub fn run(args: &CohortsArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let measure = parse_measure(&args.measure)?;
    let report = env.report(&args.read)?;
    let rows = cohorts(&report, measure)?;
    let values: Vec<Value> = rows.iter().map(row_json).collect();
    let (values, next) = page(values, args.read.limit, args.read.cursor.as_deref())?;
    render::rows(env, &envelope(&report), &values, next, || table(&rows, measure))?;
    Ok(ExitCode::SUCCESS)
}

fn table(rows: &[CohortRow], measure: Measure) -> String {
    let mut cohorts: BTreeMap<_, Vec<&CohortRow>> = BTreeMap::new();
    for row in rows {
        cohorts.entry(row.cohort).or_default().push(row);
    }
    let Some(ages) = cohorts.values().map(Vec::len).max() else {
        return "No customers yet. Import a file: netnew import FILE\n".into();
    };
    let shown = ages.min(13);
    let mut columns = vec![("cohort".to_string(), Align::Left), ("size".to_string(), Align::Right)];
    columns.extend((0..shown).map(|age| (age.to_string(), Align::Right)));
    let mut table = Table::new(columns);
    for (cohort, rows) in &cohorts {
        let size = rows[0].size;
        let mut cells = vec![cohort.to_string(), size.to_string()];
        for age in 0..shown {
            cells.push(rows.get(age).map_or(String::new(), |row| cell(row, size, measure)));
        }
        table.row(cells);
    }
    let more =
        if ages > shown { format!("Ages past {} are in --format json.\n", shown - 1) } else { String::new() };
    table.render() + "Ages in intervals; * is still running.\n" + &more
}

fn cell(row: &CohortRow, size: i64, measure: Measure) -> String {
    let mark = if row.mature { "" } else { "*" };
    let Some(value) = row.value else { return String::new() };
    let text = match measure {
        Measure::Customers => {
            value.checked_div(Ratio::from_int(i128::from(size))).map(percent).unwrap_or_default()
        }
        Measure::Mrr => value.to_decimal_string(2),
        Measure::Nrr | Measure::Grr => percent(value),
    };
    format!("{text}{mark}")
}
