//! `netnew metrics`: figures over the movements, each defined once in the registry.

use crate::cli::MetricsArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::{Align, Table};
use netnew_metrics::registry::{Metric, Unit, Value as MetricValue};
use netnew_report::Report;
use netnew_report::figures::{level, percent};
use netnew_report::metrics::{Asked, Figure, describe_json, find, list_json};
use netnew_report::mrr::{decimals, envelope, footer};
use netnew_report::page::page;
use serde_json::{Map, Value};
use std::process::ExitCode;

/// Prints metrics, or lists or describes them.
pub fn run(args: &MetricsArgs, env: &Environment) -> Result<ExitCode, CliError> {
    match args.names.split_first() {
        Some((first, [])) if first == "list" => return list(env),
        Some((first, [name])) if first == "describe" => return describe(name, env),
        Some((first, _)) if first == "describe" => {
            return Err(CliError::usage("usage", "describe takes one metric", "netnew metrics describe nrr"));
        }
        _ => {}
    }
    // A name is looked up before the book is opened: a wrong one is wrong whatever the book.
    args.names.iter().flat_map(|n| n.split(',')).try_for_each(|n| find(n.trim()).map(|_| ()))?;
    let report = env.report(&args.read)?;
    let asked = Asked::new(&report, &args.names)?;
    asked.missing().iter().for_each(|why| render::say(why));
    let figures = asked.figures(&report);
    let values: Vec<Value> = figures.iter().map(|f| f.to_json(&report)).collect();
    let (values, next) = page(values, args.read.limit, args.read.cursor.as_deref())?;
    render::rows(env, &envelope(&report), &values, next, || table(&report, &figures, &asked.metrics))?;
    Ok(ExitCode::SUCCESS)
}

fn table(report: &Report, figures: &[Figure], metrics: &[&Metric]) -> String {
    if figures.is_empty() {
        return "No movements yet. Import a file: netnew import FILE\n".into();
    }
    let mut columns = vec![("period".to_string(), Align::Left)];
    if !report.by.is_empty() {
        columns.push((report.by.iter().map(|f| f.name()).collect::<Vec<_>>().join(","), Align::Left));
    }
    columns.extend(metrics.iter().map(|m| (m.name.replace('_', " "), Align::Right)));
    let mut table = Table::new(columns);
    for line in figures.chunks(metrics.len()) {
        let row = line[0].row;
        let mark = if report.complete(&row.period) { "" } else { "*" };
        let mut cells = vec![format!("{}{mark}", row.period.start)];
        if !report.by.is_empty() {
            cells.push(
                row.group
                    .values
                    .iter()
                    .map(|v| v.as_deref().unwrap_or("(none)"))
                    .collect::<Vec<_>>()
                    .join(","),
            );
        }
        cells.extend(line.iter().map(|f| text(f, report)));
        table.row(cells);
    }
    table.render()
        + &footer(report)
        + "Empty: not defined there. What each means: netnew metrics describe NAME\n"
}

fn text(figure: &Figure, report: &Report) -> String {
    match (&figure.value, figure.metric.unit) {
        (None, _) => String::new(),
        (Some(MetricValue::Money(amount)), _) => level(*amount, decimals(report, figure.row)),
        (Some(MetricValue::Ratio(ratio)), Unit::Ratio) if figure.metric.name != "quick_ratio" => {
            percent(*ratio)
        }
        (Some(MetricValue::Ratio(ratio)), _) => ratio.to_decimal_string(2),
        (Some(MetricValue::Count(count)), _) => count.to_string(),
    }
}

fn list(env: &Environment) -> Result<ExitCode, CliError> {
    let values = list_json();
    render::rows(env, &Map::new(), &values, None, || {
        render::plain_table(
            &values,
            &[("name", Align::Left), ("unit", Align::Left), ("definition", Align::Left)],
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

fn describe(name: &str, env: &Environment) -> Result<ExitCode, CliError> {
    let metric = find(name)?;
    render::object(env, &describe_json(metric), || metric.describe_markdown())?;
    Ok(ExitCode::SUCCESS)
}
