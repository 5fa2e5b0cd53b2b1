//! The three-month story: the components first, then where the business stands.

use crate::commands::metrics::{figures, find, needs, value_json};
use crate::commands::mrr::footer;
use crate::error::CliError;
use crate::render::figures::{change, level, percent, printed_parts, sparkline};
use crate::render::table::{Align, Table};
use crate::report::Report;
use netnew_ledger::Kind;
use netnew_metrics::registry::Value as MetricValue;
use netnew_metrics::{Query, ReportCurrency, RollupRow};
use netnew_money::Amount;
use serde_json::{Map, Value, json};

/// The five stories, gains first.
const STORY: [Kind; 5] = [Kind::New, Kind::Expansion, Kind::Reactivation, Kind::Contraction, Kind::Churn];

/// Figures under the table.
const FIGURES: [&str; 7] = ["mrr", "arr", "customers", "arpa", "net_mrr_churn", "nrr_12m", "quick_ratio"];

struct Told {
    query: Query,
    rows: Vec<RollupRow>,
}

fn tell(report: &Report) -> Result<Told, CliError> {
    let query = report.query()?;
    let metrics = FIGURES.iter().map(|n| find(n)).collect::<Result<Vec<_>, _>>()?;
    let rows = match report.is_empty()? {
        true => Vec::new(),
        false => report.rows(&query, needs(&metrics))?,
    };
    Ok(Told { query, rows })
}

/// The last three complete months, or what there is.
fn last_three(report: &Report, rows: &[RollupRow]) -> (usize, usize) {
    let complete = rows.iter().filter(|r| report.complete(&r.period)).count();
    let end = if complete == 0 { rows.len() } else { complete };
    (end.saturating_sub(3), end)
}

/// The story as data.
pub fn story_json(report: &Report) -> Result<Value, CliError> {
    let told = tell(report)?;
    let (from, to) = last_three(report, &told.rows);
    let months: Vec<Value> = told.rows[from..to]
        .iter()
        .map(|row| {
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
        })
        .collect();
    let metrics = FIGURES.iter().map(|n| find(n)).collect::<Result<Vec<_>, _>>()?;
    let mut now = Map::new();
    if to > 0 {
        for figure in figures(report, &told.query, &[], &told.rows[..to], &metrics)
            .iter()
            .rev()
            .take(metrics.len())
            .rev()
        {
            now.insert(figure.metric.name.to_string(), value_json(figure.value.as_ref()));
        }
    }
    Ok(json!({
        "currency": report.currency_name(),
        "as_of": report.as_of.to_string(),
        "data_through": report.least_data_through().map(|i| i.to_string()),
        "months": months,
        "figures": now,
    }))
}

fn net_new(row: &RollupRow) -> Amount {
    row.movements.values().copied().sum()
}

/// The story as a page of text.
pub fn story_text(report: &Report) -> Result<String, CliError> {
    let told = tell(report)?;
    if told.rows.is_empty() {
        return Ok("No movements yet. Import a file: netnew import FILE\n".into());
    }
    let decimals = match report.currency {
        ReportCurrency::In(currency) => currency.exponent(),
        ReportCurrency::Original => 2,
    };
    let (from, to) = last_three(report, &told.rows);
    let months = &told.rows[from..to];
    let year = &told.rows[to.saturating_sub(13)..to];
    let mut out = String::from("Net new, last three months\n\n");
    out.push_str(&components(months, year, decimals));
    out.push('\n');
    out.push_str(&stands(report, &told, to, decimals)?);
    out.push('\n');
    out.push_str(&said(months, report, decimals));
    out.push_str(&footer(report));
    Ok(out)
}

fn components(months: &[RollupRow], year: &[RollupRow], decimals: u8) -> String {
    let mut columns = vec![("".to_string(), Align::Left)];
    columns.extend(months.iter().map(|m| (m.period.start.to_string()[..7].to_string(), Align::Right)));
    columns.push((format!("{} months", year.len()), Align::Left));
    let mut table = Table::new(columns);
    // Cents are shared out per month, so that each column adds up as printed.
    let printed: Vec<Vec<Amount>> = months
        .iter()
        .map(|m| {
            let mut parts: Vec<Amount> = STORY.iter().map(|k| m.movement(*k)).collect();
            parts.push(m.fx + m.movement(Kind::Transfer));
            printed_parts(m.start, &parts, m.end, decimals)
        })
        .collect();
    for (at, kind) in STORY.iter().enumerate() {
        let mut cells = vec![capital(kind.as_str())];
        cells.extend(printed.iter().map(|p| change(p[at], decimals)));
        let line: Vec<Amount> = year.iter().map(|m| m.movement(*kind).abs()).collect();
        cells.push(sparkline(&line));
        table.row(cells);
    }
    table.rule();
    let mut cells = vec!["Net new".to_string()];
    cells.extend(printed.iter().map(|p| change(p[..STORY.len()].iter().copied().sum(), decimals)));
    cells.push(sparkline(&year.iter().map(net_new).collect::<Vec<_>>()));
    table.row(cells);
    if months.iter().any(|m| !m.fx.is_zero()) {
        let mut cells = vec!["Exchange rates".to_string()];
        cells.extend(printed.iter().map(|p| change(p[STORY.len()], decimals)));
        cells.push(String::new());
        table.row(cells);
    }
    let mut cells = vec!["MRR at the end".to_string()];
    cells.extend(months.iter().map(|m| level(m.end, decimals)));
    cells.push(sparkline(&year.iter().map(|m| m.end).collect::<Vec<_>>()));
    table.row(cells);
    table.render()
}

fn stands(report: &Report, told: &Told, to: usize, decimals: u8) -> Result<String, CliError> {
    let metrics = FIGURES.iter().map(|n| find(n)).collect::<Result<Vec<_>, _>>()?;
    let all = figures(report, &told.query, &[], &told.rows[..to], &metrics);
    let words = ["MRR", "ARR", "Customers", "ARPA", "Net churn", "NRR 12m", "Quick ratio"];
    let parts: Vec<String> = all[all.len() - metrics.len()..]
        .iter()
        .zip(words)
        .map(|(figure, word)| {
            let text = match &figure.value {
                None => "–".to_string(),
                Some(MetricValue::Money(amount)) => level(*amount, decimals),
                Some(MetricValue::Ratio(ratio)) if word == "Quick ratio" => ratio.to_decimal_string(2),
                Some(MetricValue::Ratio(ratio)) => percent(*ratio),
                Some(MetricValue::Count(count)) => count.to_string(),
            };
            format!("{word} {text}")
        })
        .collect();
    Ok(format!("{}\n", parts.join("   ")))
}

/// One sentence that a reader would want said; the figures stand in it.
fn said(months: &[RollupRow], report: &Report, decimals: u8) -> String {
    let sum = |kind: Kind| months.iter().map(|m| m.movement(kind)).sum::<Amount>();
    let (new, lost) = (sum(Kind::New), (sum(Kind::Churn) + sum(Kind::Contraction)).abs());
    let share = netnew_money::Ratio::from_amount(sum(Kind::Churn).abs())
        .checked_div(netnew_money::Ratio::from_amount(new))
        .map_or("–".to_string(), percent);
    format!(
        "In these months new brought {} {}, churn and contraction took {}; churn alone is {} of new.\n",
        level(new, decimals),
        report.currency_name(),
        level(lost, decimals),
        share
    )
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + chars.as_str())
}
