//! `netnew benchmarks`: where the business stands among published figures.

use crate::cli::BenchmarksArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::{Align, Table};
use netnew_decide::benchmarks::Placed;
use netnew_money::Ratio;
use netnew_report::decide::benchmarks;
use netnew_report::figures::percent;
use netnew_report::mrr::{envelope, footer};
use netnew_report::page::page;
use serde_json::Value;
use std::process::ExitCode;

/// Prints benchmarks and the own position.
pub fn run(args: &BenchmarksArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let report = env.report(&args.read)?;
    let placed = benchmarks(&report, args.benchmarks.as_deref())?;
    let values: Vec<Value> = placed.iter().map(Placed::to_json).collect();
    let (values, next) = page(values, args.read.limit, args.read.cursor.as_deref())?;
    render::rows(env, &envelope(&report), &values, next, || table(&placed) + &footer(&report))?;
    Ok(ExitCode::SUCCESS)
}

/// `5.0–10.0 %`, `at least 100.0 %`.
pub fn band(low: Option<Ratio>, high: Option<Ratio>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => {
            format!("{}\u{2013}{}", percent(low).trim_end_matches(" %"), percent(high))
        }
        (Some(low), None) => format!("at least {}", percent(low)),
        (None, Some(high)) => format!("at most {}", percent(high)),
        (None, None) => String::new(),
    }
}

fn table(placed: &[Placed]) -> String {
    if placed.is_empty() {
        return "No complete month yet. Import a file: netnew import FILE\n".into();
    }
    let heads = [
        ("metric", Align::Left),
        ("over", Align::Left),
        ("yours", Align::Right),
        ("could be", Align::Right),
        ("published", Align::Right),
        ("for", Align::Left),
        ("you are", Align::Left),
        ("source", Align::Left),
    ];
    let mut table = Table::new(heads.iter().map(|(h, a)| (h.to_string(), *a)).collect());
    for p in placed {
        let interval = p.own.and_then(|m| m.interval);
        table.row(vec![
            p.benchmark.metric.replace('_', " "),
            if p.benchmark.yearly { "12 months".into() } else { "month".to_string() },
            p.own.map(|m| percent(m.value)).unwrap_or_else(|| "too little history".into()),
            interval.map(|i| band(Some(i.low), Some(i.high))).unwrap_or_default(),
            band(p.benchmark.low, p.benchmark.high),
            format!("{} ({})", p.benchmark.stage, p.benchmark.says),
            p.verdict.map(|v| v.replace('_', " ")).unwrap_or_default(),
            p.benchmark.source.id.clone(),
        ]);
    }
    let mut sources: Vec<String> = placed
        .iter()
        .map(|p| {
            format!("{}: {}. {}\n", p.benchmark.source.id, p.benchmark.source.title, p.benchmark.source.note)
        })
        .collect();
    sources.sort();
    sources.dedup();
    table.render()
        + "Months are the mean of the last three complete ones; the range is what your sample allows (95 %; for growth, \
           the least and the greatest of them).\n"
        + &sources.concat()
}
