//! The three-month story: the components first, then where the business stands.

use crate::metrics::{Figure, figures, find, needs, value_json};
use crate::{Report, ReportError};
use netnew_ledger::Kind;
use netnew_metrics::registry::Metric;
use netnew_metrics::{Query, RollupRow};
use netnew_money::Amount;
use serde_json::{Map, Value, json};

/// The five stories, gains first.
pub const STORY: [Kind; 5] = [Kind::New, Kind::Expansion, Kind::Reactivation, Kind::Contraction, Kind::Churn];

/// Figures under the table.
pub const FIGURES: [&str; 7] = ["mrr", "arr", "customers", "arpa", "net_mrr_churn", "nrr_12m", "quick_ratio"];

/// The rows that the story is told from.
pub struct Story {
    /// The question behind them.
    pub query: Query,
    /// Every month of the book's life.
    pub rows: Vec<RollupRow>,
    /// The last complete months, at most three: `rows[from..to]`.
    pub from: usize,
    /// See `from`.
    pub to: usize,
    metrics: Vec<&'static Metric>,
}

impl Story {
    /// The last complete months, or what there is.
    pub fn months(&self) -> &[RollupRow] {
        &self.rows[self.from..self.to]
    }

    /// Up to thirteen months to the last complete one.
    pub fn year(&self) -> &[RollupRow] {
        &self.rows[self.to.saturating_sub(13)..self.to]
    }

    /// The figures of the last complete month, in the order of [`FIGURES`]; none without a month.
    pub fn figures(&self, report: &Report) -> Vec<Figure<'_>> {
        let mut all = figures(report, &self.query, &[], &self.rows[..self.to], &self.metrics, None);
        all.split_off(all.len().saturating_sub(self.metrics.len()))
    }
}

/// Works the story out.
///
/// # Errors
/// A missing rate, or a book that cannot be read.
pub fn story(report: &Report) -> Result<Story, ReportError> {
    let query = report.query()?;
    let metrics = FIGURES.iter().map(|n| find(n)).collect::<Result<Vec<_>, _>>()?;
    let rows = match report.is_empty()? {
        true => Vec::new(),
        false => report.rows(&query, needs(&metrics))?,
    };
    let complete = rows.iter().filter(|r| report.complete(&r.period)).count();
    let to = if complete == 0 { rows.len() } else { complete };
    Ok(Story { query, rows, from: to.saturating_sub(3), to, metrics })
}

/// The story as data.
///
/// # Errors
/// As [`story`].
pub fn story_json(report: &Report) -> Result<Value, ReportError> {
    let story = story(report)?;
    let months: Vec<Value> = story.months().iter().map(|row| month_json(report, row)).collect();
    let mut now = Map::new();
    for figure in story.figures(report) {
        now.insert(figure.metric.name.to_string(), value_json(figure.value.as_ref()));
    }
    Ok(json!({
        "currency": report.currency_name(),
        "as_of": report.as_of.to_string(),
        "data_through": report.least_data_through().map(|i| i.to_string()),
        "months": months,
        "figures": now,
    }))
}

fn month_json(report: &Report, row: &RollupRow) -> Value {
    let mut out = Map::new();
    out.insert("period".into(), json!(row.period.start.to_string()));
    out.insert("complete".into(), json!(report.complete(&row.period)));
    out.insert("start".into(), json!(row.start.to_string()));
    for kind in Kind::ALL {
        out.insert(kind.as_str().into(), json!(row.movement(kind).to_string()));
    }
    out.insert("fx".into(), json!(row.fx.to_string()));
    out.insert("end".into(), json!(row.end.to_string()));
    out.insert("net_new".into(), json!(net_new(row).to_string()));
    Value::Object(out)
}

/// All movements of a row together.
pub fn net_new(row: &RollupRow) -> Amount {
    row.movements.values().copied().sum()
}
