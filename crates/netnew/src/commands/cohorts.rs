//! `netnew cohorts`: what is left of the customers of each period, age by age.

use super::mrr::envelope;
use crate::cli::CohortsArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render::figures::percent;
use crate::render::table::{Align, Table};
use crate::render::{self, page};
use crate::report::Report;
use netnew_metrics::{CohortRow, Cohorts, Measure, ReportCurrency};
use netnew_money::Ratio;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Prints the cohort table.
pub fn run(args: &CohortsArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let measure = Measure::parse(&args.measure).ok_or_else(|| {
        CliError::usage(
            "unknown_measure",
            format!("unknown measure {:?}", args.measure),
            "use customers, mrr, nrr or grr",
        )
    })?;
    if !args.read.by.as_deref().unwrap_or_default().is_empty() {
        return Err(CliError::usage(
            "usage",
            "cohorts cannot be grouped with --by",
            "filter with --where, one table a group",
        ));
    }
    let report = Report::open(&args.read, env)?;
    if report.currency == ReportCurrency::Original {
        return Err(CliError::usage("usage", "cohorts need one currency", "give --currency a currency code"));
    }
    let query = report.query()?;
    let ctx = report.context(&query, false);
    let parts =
        report.fold(&ctx, || Cohorts::new(&ctx, &query), |cohorts, _, ledger| cohorts.add(&ledger))?;
    let mut whole = Cohorts::new(&ctx, &query)?;
    for part in parts {
        whole.merge(part);
    }
    let rows = whole.finish(measure, |period| report.complete(period));
    let values: Vec<Value> = rows.iter().map(to_json).collect();
    let (values, next) = page(values, args.read.limit, args.read.cursor.as_deref())?;
    render::rows(env, &envelope(&report), &values, next, || table(&rows, measure))?;
    Ok(ExitCode::SUCCESS)
}

fn to_json(row: &CohortRow) -> Value {
    json!({
        "cohort": row.cohort.to_string(),
        "age": row.age,
        "size": row.size,
        "value": row.value.map(|v| v.to_decimal_string(10)),
        "mature": row.mature,
    })
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
