//! Figures over the movements, each defined once in the registry.

use crate::Report;
use crate::ReportError;
use crate::mrr::group_json;
use netnew_metrics::registry::{self, Inputs, Metric, Unit, Value as MetricValue};
use netnew_metrics::{CashRows, Extras, GroupKey, Query, RollupRow};
use netnew_money::{Grain, IntervalUnit, Ratio};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A metric by name, or what is near.
pub fn find(name: &str) -> Result<&'static Metric, ReportError> {
    registry::find(name).map_err(|e| ReportError::usage(e.code(), e.to_string(), e.hint()))
}

/// Metrics of a report: what was asked, and the rows that answer it.
pub struct Asked {
    /// The question.
    pub query: Query,
    /// Which metrics.
    pub metrics: Vec<&'static Metric>,
    /// The report's rows.
    pub rows: Vec<RollupRow>,
    /// Rows right before them that some formula looks back at.
    pub earlier: Vec<RollupRow>,
    /// What came in and went out, where a metric asks for it and the report can tell it apart.
    pub cash: Option<CashRows>,
}

impl Asked {
    /// Asks for metrics by name; without names for the usual ones.
    ///
    /// # Errors
    /// `unknown_metric`, a missing rate, or a book that cannot be read.
    pub fn new(report: &Report, names: &[String]) -> Result<Asked, ReportError> {
        let names: Vec<&str> = match names.is_empty() {
            true => registry::default_names().to_vec(),
            false => names.iter().flat_map(|n| n.split(',')).map(str::trim).collect(),
        };
        let metrics = names.iter().map(|n| find(n)).collect::<Result<Vec<_>, _>>()?;
        let query = report.query()?;
        let extras = needs(&metrics);
        let rows = match report.is_empty()? {
            true => Vec::new(),
            false => report.rows(&query, extras)?,
        };
        let earlier = earlier_rows(report, &query, &rows, &metrics, extras)?;
        let cash = cash(report, &query, &metrics)?;
        Ok(Asked { query, metrics, rows, earlier, cash })
    }

    /// Every metric of every row.
    pub fn figures(&self, report: &Report) -> Vec<Figure<'_>> {
        figures(report, &self.query, &self.earlier, &self.rows, &self.metrics, self.cash.as_ref())
    }

    /// Why some of the figures over entries have no value: one sentence per metric that lacks something.
    pub fn missing(&self) -> Vec<String> {
        let Some(last) = self.rows.last() else { return Vec::new() };
        let cash = self.cash.as_ref().map(|cash| cash.of(&last.group, &last.period));
        let one = |metric: &&Metric| {
            registry::missing(metric, cash).map(|why| format!("{}: no figure, {why}", metric.name))
        };
        self.metrics.iter().filter_map(one).collect()
    }
}

/// Every metric's name, unit and definition.
pub fn list_json() -> Vec<Value> {
    registry::all()
        .iter()
        .map(|m| json!({"name": m.name, "unit": m.unit.as_str(), "definition": m.definition}))
        .collect()
}

/// What a metric means.
pub fn describe_json(metric: &Metric) -> Value {
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
    json!({
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
    })
}

/// What came in and went out over a question's periods, if one of the metrics asks for it.
///
/// # Errors
/// A missing rate, or a book that cannot be read.
pub fn cash(report: &Report, query: &Query, metrics: &[&Metric]) -> Result<Option<CashRows>, ReportError> {
    match metrics.iter().any(|metric| metric.needs_cash()) {
        true => report.cash(query),
        false => Ok(None),
    }
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
    /// A figure in the contract's shape.
    pub fn to_json(&self, report: &Report) -> Value {
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
) -> Result<Vec<RollupRow>, ReportError> {
    let months = metrics.iter().map(|m| m.looks_back_months).max().unwrap_or(0);
    if months == 0 || report.from.is_none() || rows.is_empty() {
        return Ok(Vec::new());
    }
    let start = query.grain.period_start(query.from, query.week_start);
    let first = start.add_months(-i32::try_from(months).unwrap_or(i32::MAX));
    let first = query.grain.period_start(first, query.week_start);
    report.rows(&report.query_over(first, start.add_days(-1)), extras)
}

/// Every metric of every row, by period, then group, then the order asked for. `earlier`: rows right before them;
/// `cash`: see [`cash`].
pub fn figures<'r>(
    report: &Report,
    query: &Query,
    earlier: &'r [RollupRow],
    rows: &'r [RollupRow],
    metrics: &[&'static Metric],
    cash: Option<&CashRows>,
) -> Vec<Figure<'r>> {
    let months = months(report, query.grain);
    let mut history: BTreeMap<&GroupKey, Vec<RollupRow>> = BTreeMap::new();
    for row in earlier {
        history.entry(&row.group).or_default().push(row.clone());
    }
    let mut out = Vec::with_capacity(rows.len() * metrics.len());
    for row in rows {
        let earlier = history.entry(&row.group).or_default();
        let complete = report.complete(&row.period);
        let cash = cash.map(|cash| cash.of(&row.group, &row.period));
        for metric in metrics {
            let inputs = Inputs { row, history: earlier, complete, policy: &report.policy, cash, months };
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
