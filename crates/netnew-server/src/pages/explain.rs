//! Explanations: from any figure to its movements, to the facts, to the rows of the files. A panel beside the page where
//! scripts run (it is asked for with a header), a page of its own where they do not.

use super::movements::{customer_path, explain_link};
use super::overview::{grouped, month_name, shown};
use super::parts::render;
use super::{Ask, Page, decimals};
use crate::error::WebError;
use crate::web::{tagged, work};
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use netnew_ledger::Kind;
use netnew_metrics::Query;
use netnew_report::explain::{command, distinct, movement as one_movement, movements_of, tree};
use netnew_report::figures::{change, level};
use netnew_report::flat::text_of;
use netnew_report::metrics::Asked;
use netnew_report::movements::{Movement, parse_kind};
use netnew_report::{Report, parse_day};
use serde_json::Value;

/// Movements shown at a time.
const LISTED: usize = 20;

/// The header by which the panel asks for its part alone.
const FRAGMENT: &str = "x-fragment";

#[derive(Template, Default)]
#[template(path = "explain.html")]
struct Explanation {
    heading: String,
    value: String,
    unit: String,
    back: String,
    definition: String,
    definition_href: String,
    formula: String,
    /// Name, value, address, class.
    pairs: Vec<(String, String, String, &'static str)>,
    count: String,
    movements: Vec<Line>,
    more: String,
    command: String,
    foot: Vec<String>,
}

struct Line {
    customer: String,
    customer_href: String,
    amount: String,
    why: String,
    href: String,
    facts: Vec<(String, String)>,
    raw: Vec<String>,
}

/// A period's number: `period` and `kind`, or `period` and `metric`.
pub async fn page(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let Some(period) = ask.params.get("period").map(str::to_string) else {
            return Err(WebError::new(
                StatusCode::BAD_REQUEST,
                "usage",
                "an explanation needs a period",
                "open it from a figure, or write /explain?period=2026-10&kind=churn",
            ));
        };
        let mut report = ask.site.ask_as_of(&ask.params.question(), ask.params.get("as_of"))?;
        report.by = Vec::new();
        match ask.params.get("metric").map(str::to_string) {
            Some(metric) => of_metric(&ask, &mut report, &period, &metric),
            None => of_kind(&ask, &mut report, &period),
        }
    })
    .await
}

/// One movement, by its id.
pub async fn movement(Path(id): Path<String>, ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let report = ask.report_in_own_currency()?;
        let convert = ask.params.get("currency").is_some();
        let value = one_movement(&report, &id, ask.params.get("customer"), convert)?;
        let decimals = netnew_money::Currency::parse(value["currency"].as_str().unwrap_or_default())
            .map_or(2, |c| c.exponent());
        let amount = |key: &str| {
            let parsed = value[key].as_str().and_then(|a| netnew_money::Amount::parse(a).ok());
            parsed.unwrap_or_default()
        };
        let mut explanation = Explanation {
            heading: format!("{}, {}", text_of(&value["kind"]), text_of(&value["date"])),
            value: change(amount("amount"), decimals),
            unit: text_of(&value["currency"]),
            definition: format!(
                "{}: {}.",
                text_of(&value["customer"]),
                text_of(&value["cause"]).replace('_', " ")
            ),
            foot: foot(&report),
            command: format!("netnew explain {}", text_of(&value["id"])),
            back: ask.kept().link(&customer_path(value["customer"].as_str().unwrap_or_default())),
            ..Explanation::default()
        };
        let mut pair =
            |name: &str, text: String, href: String| explanation.pairs.push((name.into(), text, href, ""));
        pair("plan", text_of(&value["plan"]), String::new());
        pair("subscription", text_of(&value["subscription"]), String::new());
        pair("item before", level(amount("before"), decimals), String::new());
        pair("item after", level(amount("after"), decimals), String::new());
        pair("customer before", level(amount("customer_before"), decimals), String::new());
        pair("customer after", level(amount("customer_after"), decimals), String::new());
        if !value["rate"].is_null() {
            pair("rate", text_of(&value["rate"]), String::new());
        }
        explanation.movements.push(line(&ask, &value, decimals, String::new()));
        respond(&ask, Some(&report), &explanation)
    })
    .await
}

fn of_kind(ask: &Ask, report: &mut Report, period: &str) -> Result<Response, WebError> {
    let kind = ask.params.get("kind").map(parse_kind).transpose()?;
    let found = movements_of(report, period, kind)?;
    let decimals = decimals(report);
    let skip = ask.params.get("cursor").and_then(|c| c.parse::<usize>().ok()).unwrap_or(0);
    let mut movements: Vec<Movement> = found.movements;
    // The largest first: they say most.
    movements.sort_by(|a, b| b.row.amount.abs().cmp(&a.row.amount.abs()).then_with(|| a.id.cmp(&b.id)));
    let (total, customers) = (movements.len(), distinct(&movements));
    let page: Vec<Movement> = movements.into_iter().skip(skip).take(LISTED).collect();
    let trees = tree(report, &page)?;
    let lines = page
        .iter()
        .zip(&trees)
        .map(|(m, value)| line(ask, value, m.currency.exponent(), explain_link(ask, m)));
    let month = found.rows.first().map_or(found.start.to_string(), month_name);
    let name = kind.map_or("net new".to_string(), |k| k.as_str().to_string());
    let mut explanation = Explanation {
        heading: format!("{}, {month}", capital(&name)),
        value: change(found.total, decimals),
        unit: report.currency_name(),
        back: ask.kept().link("/movements"),
        definition: found.metric.definition.to_string(),
        definition_href: format!("/definitions/{}", found.metric.name),
        count: format!("{} · {}", counted(customers, "customer"), counted(total, "movement")),
        command: command(&found.query, kind, &report.question),
        foot: foot(report),
        movements: lines.collect(),
        ..Explanation::default()
    };
    if total > skip + LISTED {
        explanation.more = ask.params.with("cursor", &(skip + LISTED).to_string()).link("/explain");
    }
    if kind.is_none() {
        explanation.pairs = components(ask, report, &found.rows, &found.start.to_string());
    }
    respond(ask, Some(report), &explanation)
}

fn of_metric(ask: &Ask, report: &mut Report, period: &str, metric: &str) -> Result<Response, WebError> {
    let day = parse_day("period", period)?;
    let start = report.grain.period_start(day, report.policy.week_start);
    let next = report.grain.next_start(start, report.policy.week_start);
    report.from = Some(start);
    report.to = Some(next.add_days(-1).min(report.today().max(start)));
    let asked = Asked::new(report, &[metric.to_string()])?;
    let figures = asked.figures(report);
    let Some(figure) = figures.first() else {
        return Err(WebError::not_found("figure in that period"));
    };
    let (value, unit) = shown(report, metric, figure.metric.unit, figure.value.as_ref());
    let chosen = figure.metric.variant(&report.policy);
    let explanation = Explanation {
        heading: format!("{}, {}", figure.metric.title, month_name(figure.row)),
        value,
        unit,
        back: ask.kept().link("/"),
        definition: chosen.map_or(figure.metric.definition, |v| v.definition).to_string(),
        definition_href: format!("/definitions/{metric}"),
        formula: chosen.map_or(figure.metric.formula, |v| v.formula).to_string(),
        pairs: components(ask, report, &asked.rows, &start.to_string()),
        command: metric_command(report, &asked.query, metric),
        foot: foot(report),
        ..Explanation::default()
    };
    let report = &*report;
    respond(ask, Some(report), &explanation)
}

/// The waterfall of the period, each line leading to its movements.
fn components(
    ask: &Ask,
    report: &Report,
    rows: &[netnew_metrics::RollupRow],
    period: &str,
) -> Vec<(String, String, String, &'static str)> {
    let decimals = decimals(report);
    let mut out = Vec::new();
    for row in rows {
        out.push(("start".to_string(), level(row.start, decimals), String::new(), "num"));
        for kind in Kind::ALL {
            let amount = row.movement(kind);
            if !amount.is_zero() {
                let href = ask.explain(period, Some(kind.as_str()), None);
                let class = if amount.is_negative() { "num loss" } else { "num" };
                out.push((kind.as_str().to_string(), change(amount, decimals), href, class));
            }
        }
        if !row.fx.is_zero() {
            out.push(("rates".to_string(), change(row.fx, decimals), String::new(), "num"));
        }
        out.push(("end".to_string(), level(row.end, decimals), String::new(), "num"));
        let heads = format!("{} → {}", grouped(row.heads_start), grouped(row.heads_end));
        out.push(("customers".to_string(), heads, String::new(), "num"));
    }
    out
}

fn line(ask: &Ask, value: &Value, decimals: u8, href: String) -> Line {
    let amount = |key: &str| {
        let parsed = value[key].as_str().and_then(|a| netnew_money::Amount::parse(a).ok());
        parsed.unwrap_or_default()
    };
    let customer = text_of(&value["customer"]);
    let mut facts = Vec::new();
    let mut raw = Vec::new();
    for fact in value["facts"].as_array().into_iter().flatten() {
        let payload = &fact["payload"];
        if payload.is_null() {
            continue;
        }
        let label =
            format!("{} row {}", super::file_name(&text_of(&payload["file"])), text_of(&payload["row"]));
        let row = text_of(&payload["row"]);
        facts.push((label, format!("/payloads/{}?row={row}", text_of(&payload["sha256"]))));
        if let Some(text) = payload["raw"].as_str() {
            raw.push(text.chars().take(400).collect());
        }
    }
    Line {
        customer_href: ask.kept().link(&customer_path(&customer)),
        customer,
        amount: change(amount("amount"), decimals),
        why: format!(
            "{}, {}, MRR {} → {}",
            text_of(&value["date"]),
            text_of(&value["cause"]).replace('_', " "),
            level(amount("customer_before"), decimals),
            level(amount("customer_after"), decimals)
        ),
        href,
        facts,
        raw,
    }
}

fn metric_command(report: &Report, query: &Query, metric: &str) -> String {
    let whole = command(query, None, &report.question);
    whole.replacen("netnew movements", &format!("netnew metrics {metric}"), 1)
}

fn foot(report: &Report) -> Vec<String> {
    super::foot(report)
}

fn counted(number: usize, of: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {of}{plural}", grouped(i64::try_from(number).unwrap_or(i64::MAX)))
}

fn capital(word: &str) -> String {
    word.chars()
        .next()
        .map_or(String::new(), |c| c.to_uppercase().collect::<String>() + &word[c.len_utf8()..])
}

fn respond(ask: &Ask, report: Option<&Report>, explanation: &Explanation) -> Result<Response, WebError> {
    let part = render(explanation)?;
    if ask.headers.contains_key(FRAGMENT) {
        return Ok(tagged(&ask.headers, "text/html; charset=utf-8", part));
    }
    Page::new(ask, "Explanation", report)
        .drawn(format!("<section class=\"explain\" aria-label=\"Explanation\">{part}</section>"))
        .respond(ask)
}
