//! The overview: the five stories of the last months first, then where the business stands.

use super::decide::{Todo, next_milestone, speaks};
use super::parts::{Cell, Empty, Figure, Figures, Head, Row, Table, render};
use super::{Ask, Page, decimals};
use crate::charts;
use crate::error::WebError;
use crate::marks::marks;
use crate::web::work;
use askama::Template;
use axum::response::Response;
use netnew_ledger::Kind;
use netnew_metrics::RollupRow;
use netnew_metrics::registry::{Unit, Value};
use netnew_money::{Amount, Grain, Ratio, Rounding};
use netnew_report::figures::{change, level, percent, printed_parts};
use netnew_report::metrics::Asked;
use netnew_report::story::{STORY, net_new};
use netnew_report::{Report, ReportError};

/// Figures under the story: metric, what it is called in short, whether more is better.
const FIGURES: [(&str, &str, Option<bool>); 10] = [
    ("mrr", "MRR", Some(true)),
    ("arr", "ARR", Some(true)),
    ("net_new_mrr", "Net new MRR", Some(true)),
    ("customers", "Customers", Some(true)),
    ("arpa", "ARPA", Some(true)),
    ("gross_mrr_churn", "Gross MRR churn", Some(false)),
    ("net_mrr_churn", "Net MRR churn", Some(false)),
    ("customer_churn", "Customer churn", Some(false)),
    ("nrr_12m", "NRR, 12 months", Some(true)),
    ("quick_ratio", "Quick ratio", Some(true)),
];

/// How far back the small lines go.
const MONTHS: usize = 13;

/// The page.
pub async fn page(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let mut report = ask.report()?;
        if report.is_empty()? {
            return nothing(&ask, &report);
        }
        report.grain = Grain::Month;
        report.by = Vec::new();
        let range_from = report.from;
        let wanted = report.today().first_of_month().add_months(-(MONTHS as i32));
        report.from = report.from.map(|from| from.min(wanted));
        let names: Vec<String> = FIGURES.iter().map(|(name, ..)| name.to_string()).collect();
        let asked = Asked::new(&report, &names)?;
        let rows = &asked.rows;
        let complete = rows.iter().filter(|r| report.complete(&r.period)).count();
        let to = if complete == 0 { rows.len() } else { complete };
        report.from = range_from;
        let page = Page::new(&ask, "Overview", Some(&report)).filtered(&ask.filters(&report, false)?)?;
        if rows.is_empty() {
            return nothing(&ask, &report);
        }
        let shown = &rows[first_shown(&report, rows)..];
        let mut page = page.part(&story(&ask, &report, &rows[..to]))?;
        let advised = ask.site.advice(&ask)?;
        page = match &advised {
            None => page.part(&Todo::waiting(&ask))?,
            Some(advice) if speaks(&advice.diagnosis) => {
                page.part(&Todo::new(&ask, &report, &advice.diagnosis, NAMED))?
            }
            Some(_) => page,
        };
        page = page.part(&figures(&ask, &report, &asked, to))?;
        let compared = ask.compared(&report, shown)?;
        let mrr = charts::mrr(
            &ask,
            &report,
            shown,
            compared.as_ref().map(|(n, r)| (*n, r.as_slice())),
            &marks(&ask.site)?,
        );
        let mut pair = String::from("<div class=\"cols-2\">");
        if let Some(steps) = charts::waterfall(&ask, &report, shown) {
            pair += &render(&charts::drawn(&steps, ask.chart_links("waterfall", "/api/v1/mrr", &report))?)?;
        }
        pair += &render(&charts::drawn(&mrr, ask.chart_links("mrr", "/api/v1/mrr", &report))?)?;
        pair += "</div>";
        page = page.drawn(pair);
        let mut strip = Vec::new();
        if let Some(line) = advised.as_ref().and_then(|a| next_milestone(&report, &a.milestones)) {
            strip.push((line, ask.kept().link("/decide")));
        }
        strip.extend(health(&report)?);
        page = page.part(&Strip { parts: strip })?.part(&waterfall(&ask, &report, shown))?;
        page.respond(&ask)
    })
    .await
}

/// Customers that the card names.
const NAMED: usize = 5;

/// A line of short facts.
#[derive(Template)]
#[template(path = "strip.html")]
struct Strip {
    parts: Vec<(String, String)>,
}

/// Up to when the book is complete, and what came in last.
fn health(report: &Report) -> Result<Vec<(String, String)>, WebError> {
    let through = report.least_data_through().map_or("nothing yet".to_string(), |at| at.to_string());
    let mut parts = vec![(format!("Data through {through}"), String::new())];
    let imports = report.book.imports().map_err(ReportError::from)?;
    if let Some(last) = imports.last() {
        let facts = grouped(i64::try_from(last.facts).unwrap_or(i64::MAX));
        parts.push((format!("Last import {}: {facts} facts", last.at), "/imports".into()));
    }
    parts.extend(super::sources::strip(&report.book, report.as_of)?);
    parts.push(("Run the checks".into(), "/imports?check=1".into()));
    Ok(parts)
}

/// What a book without MRR shows: the one step to it.
pub fn nothing(ask: &Ask, report: &Report) -> Result<Response, WebError> {
    let empty = Empty {
        heading: "Your MRR, to the cent, will stand here".into(),
        text: "Bring a file with your subscriptions (CSV, JSONL, XLSX or Parquet), or Stripe's export."
            .into(),
        href: "/imports".into(),
        action: "Import a file".into(),
        code: "netnew import subscriptions.csv".into(),
    };
    Page::new(ask, "Overview", Some(report)).part(&empty)?.respond(ask)
}

fn first_shown(report: &Report, rows: &[RollupRow]) -> usize {
    rows.iter().position(|r| report.from.is_none_or(|from| r.period.last >= from)).unwrap_or(0)
}

/// `Oct 2026`.
pub fn month_name(row: &RollupRow) -> String {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, _) = row.period.start.ymd();
    format!("{} {year}", NAMES[(month as usize - 1) % 12])
}

fn capital(kind: Kind) -> String {
    let word = kind.as_str();
    word[..1].to_uppercase() + &word[1..]
}

/// The last three complete months, component by component.
fn story(ask: &Ask, report: &Report, rows: &[RollupRow]) -> Table {
    let months = &rows[rows.len().saturating_sub(3)..];
    let decimals = decimals(report);
    let mut kinds = STORY.to_vec();
    if months.iter().any(|m| !m.movement(Kind::Transfer).is_zero()) {
        kinds.push(Kind::Transfer);
    }
    // Cents are shared out per month, so that each column adds up as printed.
    let printed: Vec<Vec<Amount>> = months
        .iter()
        .map(|m| {
            let mut parts: Vec<Amount> = kinds.iter().map(|k| m.movement(*k)).collect();
            parts.push(m.fx);
            printed_parts(m.start, &parts, m.end, decimals)
        })
        .collect();
    let mut table = Table {
        heading: format!("Net new, last {} months", months.len()),
        caption: "Movements of the last complete months".into(),
        links: ask.downloads("/api/v1/mrr", &ask.exact(report)),
        foot: format!("In {}. Each figure opens its movements.", report.currency_name()),
        ..Table::default()
    };
    let year = &rows[rows.len().saturating_sub(MONTHS)..];
    table.heads.push(Head::text(""));
    table.heads.extend(months.iter().map(|m| Head {
        class: if report.complete(&m.period) { "num" } else { "num running" },
        ..Head::num(&month_name(m))
    }));
    table.heads.push(Head { class: "spark", ..Head::text(&format!("{} months", year.len())) });
    let spark = |name: &str, value: &dyn Fn(&RollupRow) -> Amount| Cell {
        class: "spark",
        html: charts::spark(
            format!("{name}, {} months", year.len()),
            year.iter().map(|r| Some(value(r).abs())).collect(),
        ),
        ..Cell::default()
    };
    let mut line = |name: Cell, class: &'static str, kind: Option<Kind>, values: Vec<Amount>| {
        let mut cells = vec![name];
        for (month, value) in months.iter().zip(values) {
            let text = change(value, decimals);
            let period = month.period.start.to_string();
            let label = format!("{}, {}, {text}", month_name(month), kind.map_or("net new", Kind::as_str));
            let mut cell =
                Cell::num(text).explained(ask.explain(&period, kind.map(Kind::as_str), None), label);
            if value.is_negative() {
                cell.class = "num loss";
            }
            cells.push(cell);
        }
        cells.push(match kind {
            Some(kind) => spark(kind.as_str(), &|r: &RollupRow| r.movement(kind)),
            None => spark("net new", &net_new),
        });
        table.rows.push(Row { class, cells });
    };
    for (at, kind) in kinds.iter().enumerate() {
        let values = printed.iter().map(|p| p[at]).collect();
        line(Cell::kind(kind.as_str(), capital(*kind)), "", Some(*kind), values);
    }
    let sums = printed.iter().map(|p| p[..kinds.len()].iter().copied().sum()).collect();
    line(Cell::text("Net new"), "total", None, sums);
    if months.iter().any(|m| !m.fx.is_zero()) {
        let mut cells = vec![Cell::kind("fx", "Exchange rates")];
        cells.extend(printed.iter().map(|p| Cell::num(change(p[kinds.len()], decimals))));
        cells.push(spark("exchange rates", &|r: &RollupRow| r.fx));
        table.rows.push(Row { class: "", cells });
    }
    table
}

/// A value as readers see it, with its unit where that is not in the text.
pub fn shown(report: &Report, name: &str, unit: Unit, value: Option<&Value>) -> (String, String) {
    match value {
        None => ("–".into(), String::new()),
        Some(Value::Money(amount)) => (level(*amount, decimals(report)), report.currency_name()),
        Some(Value::Ratio(ratio)) if unit == Unit::Ratio && name != "quick_ratio" => {
            (percent(*ratio), String::new())
        }
        Some(Value::Ratio(ratio)) => (ratio.to_decimal_string(2), String::new()),
        Some(Value::Count(count)) => (grouped(*count), String::new()),
    }
}

/// `12,480`.
pub fn grouped(count: i64) -> String {
    Amount::from_major(count).display_grouped(0)
}

/// The figures at the end of the last complete month, against the month before.
fn figures(ask: &Ask, report: &Report, asked: &Asked, to: usize) -> Figures {
    let all = asked.figures(report);
    let width = asked.metrics.len();
    let at = |row: usize, metric: usize| all.get(row * width + metric).and_then(|f| f.value.as_ref());
    let (now, before) = (to.saturating_sub(1), to.checked_sub(2));
    let first = to.saturating_sub(MONTHS).min(now);
    let figures = asked.metrics.iter().zip(FIGURES).enumerate().map(
        |(place, (metric, (name, short, more_is_good)))| {
            let value = at(now, place);
            let (text, unit) = shown(report, name, metric.unit, value);
            let previous = before.and_then(|row| at(row, place));
            let (delta, class) = difference(report, name, metric.unit, value, previous, more_is_good);
            let delta_words = match before {
                Some(row) if !delta.is_empty() => format!("since {}:", month_name(&asked.rows[row])),
                _ => String::new(),
            };
            Figure {
                label: short.to_string(),
                value: text,
                unit,
                delta,
                delta_words,
                class,
                href: ask.explain_metric(name, &asked.rows[now].period.start.to_string()),
                spark: charts::spark(
                    format!("{short}, {} months", now + 1 - first),
                    (first..=now).map(|row| at(row, place).map(plain)).collect(),
                ),
            }
        },
    );
    Figures { figures: figures.collect() }
}

/// A value as a place on a line.
fn plain(value: &Value) -> Amount {
    match value {
        Value::Money(amount) => *amount,
        Value::Count(count) => Amount::from_major(*count),
        Value::Ratio(ratio) => {
            ratio.round_to(Amount::SCALE, Rounding::HalfEven).map(Amount::from_raw).unwrap_or_default()
        }
    }
}

/// A change as printed, and how it is coloured: ratios differ in points, other figures in percent.
fn difference(
    report: &Report,
    name: &str,
    unit: Unit,
    now: Option<&Value>,
    before: Option<&Value>,
    more_is_good: Option<bool>,
) -> (String, String) {
    let (Some(now), Some(before)) = (now, before) else { return (String::new(), String::new()) };
    let as_ratio = |value: &Value| match value {
        Value::Money(amount) => Ratio::from_amount(*amount),
        Value::Ratio(ratio) => *ratio,
        Value::Count(count) => Ratio::from_int(i128::from(*count)),
    };
    let (a, b) = (as_ratio(before), as_ratio(now));
    let Some(moved) = b.checked_sub(a) else { return (String::new(), String::new()) };
    let points = unit == Unit::Ratio && name != "quick_ratio";
    let text = if points {
        format!("{} points", percent(moved).trim_end_matches(" %"))
    } else if name == "quick_ratio" {
        moved.to_decimal_string(2)
    } else if a.num() <= 0 {
        match now {
            Value::Money(amount) => change(
                *amount - if let Value::Money(b) = before { *b } else { Amount::ZERO },
                decimals(report),
            ),
            _ => String::new(),
        }
    } else {
        moved.checked_div(a).map(percent).unwrap_or_default()
    };
    let (direction, rising) = match moved.num().signum() {
        1 => ("up", true),
        -1 => ("down", false),
        _ => return ("no change".into(), "flat".into()),
    };
    let meaning = match more_is_good {
        Some(good) if good == rising => " good",
        Some(_) => " bad",
        None => "",
    };
    (text.trim_start_matches(['−', '-', '+']).to_string(), format!("{direction}{meaning}"))
}

/// Start, every kind, end: period by period, and over the whole range in the last line.
fn waterfall(ask: &Ask, report: &Report, rows: &[RollupRow]) -> Table {
    let decimals = decimals(report);
    let kinds: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|k| *k != Kind::Transfer || rows.iter().any(|r| !r.movement(*k).is_zero()))
        .collect();
    let with_fx = rows.iter().any(|r| !r.fx.is_zero());
    let mut table = Table {
        heading: "From start to end".into(),
        caption: "Start, movements and end of each month".into(),
        links: ask.downloads("/api/v1/mrr", &ask.exact(report)),
        ..Table::default()
    };
    table.heads.push(Head::text("Month"));
    table.heads.push(Head::num("Start"));
    table.heads.extend(kinds.iter().map(|k| Head::num(&capital(*k))));
    if with_fx {
        table.heads.push(Head::num("Rates"));
    }
    table.heads.push(Head::num("End"));
    table.heads.push(Head::num("Customers"));
    for row in rows {
        let mut parts: Vec<Amount> = kinds.iter().map(|k| row.movement(*k)).collect();
        parts.push(row.fx);
        let printed = printed_parts(row.start, &parts, row.end, decimals);
        let period = row.period.start.to_string();
        let name = month_name(row);
        let running = !report.complete(&row.period);
        let mut first =
            Cell::text(&name).to(ask.params.without(&["cursor"]).with("period", &period).link("/movements"));
        if running {
            first.class = "running";
        }
        let mut cells = vec![first, Cell::num(level(row.start, decimals))];
        for (kind, amount) in kinds.iter().zip(&printed) {
            let text = change(*amount, decimals);
            let label = format!("{name}, {}, {text}", kind.as_str());
            let mut cell = Cell::num(text).explained(ask.explain(&period, Some(kind.as_str()), None), label);
            if amount.is_negative() {
                cell.class = "num loss";
            }
            cells.push(cell);
        }
        if with_fx {
            cells.push(Cell::num(change(printed[kinds.len()], decimals)));
        }
        let end = level(row.end, decimals);
        let label = format!("{name}, MRR at the end, {end}");
        cells.push(Cell::num(end).explained(ask.explain_metric("mrr", &period), label));
        cells.push(Cell::num(grouped(row.heads_end)));
        table.rows.push(Row { class: "", cells });
    }
    if rows.iter().any(|r| !report.complete(&r.period)) {
        table.foot = "◔ the month is still running, or the range cuts it".into();
    }
    let total: Amount = rows.iter().map(net_new).sum();
    let foot = format!(
        "Over the range: {} → {}, net new {}. ",
        rows.first().map_or(String::new(), |r| level(r.start, decimals)),
        rows.last().map_or(String::new(), |r| level(r.end, decimals)),
        change(total, decimals)
    );
    table.foot = foot + &table.foot;
    table
}

impl From<netnew_metrics::QueryError> for WebError {
    fn from(error: netnew_metrics::QueryError) -> WebError {
        ReportError::from(error).into()
    }
}
