//! `netnew metrics`: figures over the movements, each defined once in the registry.

use super::mrr::{envelope, footer, group_json};
use crate::cli::MetricsArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render::figures::{level, percent};
use crate::render::table::{Align, Table};
use crate::render::{self, page};
use crate::report::Report;
use netnew_metrics::registry::{self, Inputs, Metric, Unit, Value as MetricValue};
use netnew_metrics::{Extras, GroupKey, Query, RollupRow};
use netnew_money::{Grain, IntervalUnit, Ratio};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
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
    let names: Vec<String> = match args.names.is_empty() {
        true => registry::default_names().iter().map(|n| n.to_string()).collect(),
        false => args.names.iter().flat_map(|n| n.split(',')).map(|n| n.trim().to_string()).collect(),
    };
    let metrics = names.iter().map(|n| find(n)).collect::<Result<Vec<_>, _>>()?;
    let report = Report::open(&args.read, env)?;
    let query = report.query()?;
    let extras = needs(&metrics);
    let rows = match report.is_empty()? {
        true => Vec::new(),
        false => report.rows(&query, extras)?,
    };
    let earlier = earlier_rows(&report, &query, &rows, &metrics, extras)?;
    let figures = figures(&report, &query, &earlier, &rows, &metrics);
    let values: Vec<Value> = figures.iter().map(|f| f.to_json(&report)).collect();
    let (values, next) = page(values, args.read.limit, args.read.cursor.as_deref())?;
    render::rows(env, &envelope(&report), &values, next, || table(&report, &figures, &metrics))?;
    Ok(ExitCode::SUCCESS)
}

/// A metric by name, or what is near.
pub fn find(name: &str) -> Result<&'static Metric, CliError> {
    registry::find(name).map_err(|e| CliError::usage(e.code(), e.to_string(), e.hint()))
}

/// What has to be worked out for a set of metrics.
pub fn needs(metrics: &[&Metric]) -> Extras {
    let mut extras = Extras::default();
    for metric in metrics {
        extras.retention |= metric.needs().retention;
        extras.committed |= metric.needs().committed;
    }
    extras
}

/// One figure.
pub struct Figure<'r> {
    /// Row it is of.
    pub row: &'r RollupRow,
    /// Which metric.
    pub metric: &'static Metric,
    /// Value; `None` where it is not defined.
    pub value: Option<MetricValue>,
}

impl Figure<'_> {
    fn to_json(&self, report: &Report) -> Value {
        let mut out = Map::new();
        out.insert("period".into(), json!(self.row.period.start.to_string()));
        out.insert("metric".into(), json!(self.metric.name));
        if !report.by.is_empty() {
            out.insert("group".into(), group_json(&self.row.group));
        }
        out.insert("value".into(), value_json(self.value.as_ref()));
        out.insert("unit".into(), json!(unit_name(self.metric, self.row, report)));
        Value::Object(out)
    }
}

/// Amounts and ratios as strings, counts as strings too, null where not defined.
pub fn value_json(value: Option<&MetricValue>) -> Value {
    match value {
        None => Value::Null,
        Some(MetricValue::Money(amount)) => json!(amount.to_string()),
        Some(MetricValue::Ratio(ratio)) => json!(ratio.to_decimal_string(10)),
        Some(MetricValue::Count(count)) => json!(count.to_string()),
    }
}

/// The unit as reports print it: the currency's code for money.
pub fn unit_name(metric: &Metric, row: &RollupRow, report: &Report) -> String {
    match metric.unit {
        Unit::Currency => {
            row.group.currency.map_or_else(|| report.currency_name(), |c| c.as_str().to_string())
        }
        Unit::Ratio => "ratio".into(),
        Unit::Count => "count".into(),
        Unit::Months => "months".into(),
        Unit::Days => "days".into(),
    }
}

/// The rows before the range that some formula looks back at, so that a figure does not depend on `--from`.
pub fn earlier_rows(
    report: &Report,
    query: &Query,
    rows: &[RollupRow],
    metrics: &[&'static Metric],
    extras: Extras,
) -> Result<Vec<RollupRow>, CliError> {
    let months = metrics.iter().map(|m| m.looks_back_months).max().unwrap_or(0);
    if months == 0 || report.from.is_none() || rows.is_empty() {
        return Ok(Vec::new());
    }
    let start = query.grain.period_start(query.from, query.week_start);
    let first = start.add_months(-i32::try_from(months).unwrap_or(i32::MAX));
    let first = query.grain.period_start(first, query.week_start);
    report.rows(&report.query_over(first, start.add_days(-1)), extras)
}

/// Every metric of every row, by period, then group, then the order asked for. `earlier`: rows right before them.
pub fn figures<'r>(
    report: &Report,
    query: &Query,
    earlier: &'r [RollupRow],
    rows: &'r [RollupRow],
    metrics: &[&'static Metric],
) -> Vec<Figure<'r>> {
    let months = months(report, query.grain);
    let mut history: BTreeMap<&GroupKey, Vec<RollupRow>> = BTreeMap::new();
    for row in earlier {
        history.entry(&row.group).or_default().push(row.clone());
    }
    let mut out = Vec::with_capacity(rows.len() * metrics.len());
    for row in rows {
        let earlier = history.entry(&row.group).or_default();
        for metric in metrics {
            let complete = report.complete(&row.period);
            let inputs = Inputs { row, history: earlier, complete, policy: &report.policy, months };
            out.push(Figure { row, metric, value: metric.value(&inputs) });
        }
        earlier.push(row.clone());
    }
    out
}

/// Length of an interval in months.
pub fn months(report: &Report, grain: Grain) -> Ratio {
    let factors = &report.policy.factors;
    let per_month = |unit| netnew_money::monthly_factor(unit, 1, factors);
    match grain {
        Grain::Month => Ratio::ONE,
        Grain::Quarter => Ratio::from_int(3),
        Grain::Year => Ratio::from_int(12),
        Grain::Week => Ratio::ONE.checked_div(per_month(IntervalUnit::Week)).unwrap_or(Ratio::ONE),
        Grain::Day => Ratio::ONE.checked_div(per_month(IntervalUnit::Day)).unwrap_or(Ratio::ONE),
    }
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
        (Some(MetricValue::Money(amount)), _) => level(*amount, super::mrr::decimals(report, figure.row)),
        (Some(MetricValue::Ratio(ratio)), Unit::Ratio) if figure.metric.name != "quick_ratio" => {
            percent(*ratio)
        }
        (Some(MetricValue::Ratio(ratio)), _) => ratio.to_decimal_string(2),
        (Some(MetricValue::Count(count)), _) => count.to_string(),
    }
}

fn list(env: &Environment) -> Result<ExitCode, CliError> {
    let values: Vec<Value> = registry::all()
        .iter()
        .map(|m| json!({"name": m.name, "unit": m.unit.as_str(), "definition": m.definition}))
        .collect();
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
    let variants: Vec<Value> = metric
        .variants
        .iter()
        .map(|v| {
            let knob = metric.choice.as_ref().map(|c| c.knob);
            json!({
                "knob": knob, "value": v.value, "definition": v.definition, "formula": v.formula,
                "source": v.source, "sql": v.sql,
            })
        })
        .collect();
    let value = json!({
        "name": metric.name,
        "title": metric.title,
        "unit": metric.unit.as_str(),
        "definition": metric.definition,
        "formula": metric.formula,
        "null_when": metric.null_when,
        "source": metric.source,
        "variants": variants,
        "sql": metric.sql,
        "text": metric.describe_markdown(),
    });
    render::object(env, &value, || metric.describe_markdown())?;
    Ok(ExitCode::SUCCESS)
}
