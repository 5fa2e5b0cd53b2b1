//! The three-month story as a page of text.

use crate::commands::mrr::footer;
use crate::error::CliError;
use crate::render::table::{Align, Table};
use netnew_ledger::Kind;
use netnew_metrics::registry::Value as MetricValue;
use netnew_metrics::{ReportCurrency, RollupRow};
use netnew_money::Amount;
use netnew_report::Report;
use netnew_report::figures::{change, level, percent, printed_parts, sparkline};
use netnew_report::story::{STORY, Story, net_new, story};

/// The story as a page of text.
pub fn story_text(report: &Report) -> Result<String, CliError> {
    let told = story(report)?;
    if told.rows.is_empty() {
        return Ok("No movements yet. Import a file: netnew import FILE\n".into());
    }
    let decimals = match report.currency {
        ReportCurrency::In(currency) => currency.exponent(),
        ReportCurrency::Original => 2,
    };
    let (months, year) = (told.months(), told.year());
    let mut out = String::from("Net new, last three months\n\n");
    out.push_str(&components(months, year, decimals));
    out.push('\n');
    out.push_str(&stands(report, &told, decimals));
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

fn stands(report: &Report, told: &Story, decimals: u8) -> String {
    let all = told.figures(report);
    let words = ["MRR", "ARR", "Customers", "ARPA", "Net churn", "NRR 12m", "Quick ratio"];
    let parts: Vec<String> = all
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
    format!("{}\n", parts.join("   "))
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
