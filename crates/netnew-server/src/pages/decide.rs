//! Decisions: what is wrong and which lever to pull, where the business stands, what comes next.

use super::marks::goal_table;
use super::overview::{grouped, nothing};
use super::parts::{Cell, Filters, Head, Link, Row, Table, Text};
use super::{Ask, Page, decimals};
use crate::charts;
use crate::error::WebError;
use crate::marks::marks;
use crate::params::Params;
use crate::web::work;
use askama::Template;
use axum::extract::Path;
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use axum::response::Response;
use netnew_decide::Figure;
use netnew_decide::benchmarks::Placed;
use netnew_decide::diagnosis::{Diagnosis, Illness};
use netnew_decide::milestones::Milestone;
use netnew_decide::whatif::{Assumptions, By, Scenario, read_by};
use netnew_money::Ratio;
use netnew_report::decide::{alerts, benchmarks, diagnose, forecast, goals, milestones, whatif};
use netnew_report::figures::{change, level, percent};
use netnew_report::written::{Every, write};
use netnew_report::{Report, ReportError};

/// Months that the page looks ahead.
const AHEAD: usize = 12;

/// Reasons that the card on the overview gives.
const REASONS: usize = 3;

/// Rows of each list on the page.
const LISTED: usize = 20;

/// The page.
pub async fn page(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let report = whole(&ask)?;
        if report.is_empty()? {
            return nothing(&ask, &report);
        }
        let assume = assumptions(&ask.params)?;
        let found = diagnose(&report)?;
        let reached = milestones(&report)?;
        let mut page = Page::new(&ask, "Decide", Some(&report))
            .sub("What is wrong, which lever to pull first, and what it is worth.")
            .tools(vec![
                ("Weekly report".into(), ask.asked().link("/reports/weekly")),
                ("Monthly report".into(), ask.asked().link("/reports/monthly")),
                ("JSON".into(), ask.asked().link("/api/v1/diagnose")),
            ])
            .part(&Todo::new(&ask, &report, &found, LISTED))?;
        if !found.leaks.is_empty() {
            page = page.part(&leaks(&ask, &report, &found))?;
        }
        let tried = whatif(&report, &assume)?;
        page = page.part(&levers(&ask, &report, &tried))?.part(&assume_form(&ask))?;
        let ahead = forecast(&report, AHEAD)?;
        if let Some(spec) = charts::forecast(&report, &ahead) {
            page = page.part(&charts::drawn(&spec, ask.downloads("/api/v1/forecast", &ask.asked()))?)?;
        }
        let aims = goals(&report, &marks(&ask.site)?.goals)?;
        if !aims.is_empty() {
            page = page.part(&goal_table(&ask, &aims, false)?)?;
        }
        page = page.part(&standing(&ask, &benchmarks(&report, None)?))?;
        page = page.part(&thresholds(&ask, &report, &reached))?;
        page.part(&told(&ask, &report)?)?.respond(&ask)
    })
    .await
}

/// A report over the whole life of the book: decisions look as far back as there is something.
pub fn whole(ask: &Ask) -> Result<Report, WebError> {
    let mut question = ask.params.question();
    (question.from, question.to, question.by) = (None, None, None);
    ask.site.ask_as_of(&question, ask.params.get("as_of"))
}

/// The card: the conclusion, its worth, why, and who is behind it.
#[derive(Template)]
#[template(path = "todo.html")]
pub struct Todo {
    says: String,
    worth: String,
    reasons: Vec<(String, Vec<Link>)>,
    customers_word: String,
    customers: Vec<(String, String, String)>,
    more: String,
}

impl Todo {
    /// From a diagnosis, with at most so many customers by name.
    pub fn new(ask: &Ask, report: &Report, found: &Diagnosis, most: usize) -> Todo {
        let decimals = decimals(report);
        let kept = ask.kept().without(&["by"]);
        let customers: Vec<(String, String, String)> = found
            .customers
            .iter()
            .take(most)
            .map(|c| {
                let name = c.name.clone().unwrap_or_else(|| c.customer.clone());
                let href = kept.link(&super::movements::customer_path(&c.customer));
                (name, href, change(c.amount, decimals))
            })
            .collect();
        let hidden = found.customers.len().saturating_sub(most);
        Todo {
            says: found.says.clone(),
            worth: found.worth_says.clone(),
            reasons: found
                .because
                .iter()
                .take(if most < LISTED { REASONS } else { usize::MAX })
                .map(|r| (r.says.clone(), links(ask, &r.figures)))
                .collect(),
            customers_word: match found.customers.len() {
                1 => "The customer behind it".into(),
                n => format!("The {} customers behind it", grouped(i64::try_from(n).unwrap_or(i64::MAX))),
            },
            customers,
            more: if hidden > 0 && most < LISTED { ask.kept().link("/decide") } else { String::new() },
        }
    }

    /// What stands there until it is worked out.
    pub fn waiting(ask: &Ask) -> Todo {
        Todo {
            says: "Being worked out: every customer is looked at. Load the page again in a moment.".into(),
            worth: String::new(),
            reasons: Vec::new(),
            customers_word: String::new(),
            customers: Vec::new(),
            more: ask.kept().link("/decide"),
        }
    }
}

/// True when there is something to say beside the figures.
pub fn speaks(found: &Diagnosis) -> bool {
    found.illness != Illness::TooLittleHistory
}

/// Figures of a sentence as links to what is behind them.
fn links(ask: &Ask, figures: &[Figure]) -> Vec<Link> {
    figures
        .iter()
        .filter(|f| f.kind.is_some() || f.group.is_some())
        .map(|f| {
            let mut params = ask.asked().with("from", &f.from.to_string()).with("to", &f.to.to_string());
            if let Some(kind) = f.kind {
                params = params.with("kind", kind.as_str());
            }
            if let Some((field, value)) = &f.group {
                let own = format!("{field}={}", super::movements::escaped(value));
                let filter = match params.get("where") {
                    Some(page) => format!("{page},{own}"),
                    None => own,
                };
                params = params.with("where", &filter);
            }
            // Of several months the month says which.
            let label = match figures.iter().filter(|other| other.name == f.name).count() {
                1 => f.name.replace('_', " "),
                _ => f.from.to_string()[..7].to_string(),
            };
            (label, params.link("/movements"))
        })
        .collect()
}

fn leaks(ask: &Ask, report: &Report, found: &Diagnosis) -> Table {
    let decimals = decimals(report);
    let mut table = Table {
        heading: "Where it leaks".into(),
        caption: "Where it leaks".into(),
        links: vec![("JSON".into(), ask.asked().link("/api/v1/diagnose"))],
        ..Table::default()
    };
    table.heads = vec![
        Head::text("By"),
        Head::text("Which"),
        Head::num("Customers"),
        Head::num("MRR lost"),
        Head::num("Of all churn"),
        Head::text(""),
    ];
    for leak in found.leaks.iter().take(LISTED) {
        let mut says = Cell { class: "wrap", ..Cell::text(&leak.says) };
        if leak.by == "plan" && leak.stands_out {
            says.note = "surely more than the others".into();
        }
        table.rows.push(Row {
            class: "",
            cells: vec![
                Cell::text(if leak.by == "named" { "above all" } else { leak.by }),
                Cell::text(leak.value.clone().unwrap_or_else(|| "(none)".into())),
                Cell::num(leak.customers.to_string()),
                Cell { class: "num loss", ..Cell::num(change(leak.amount, decimals)) },
                Cell::num(percent(leak.share)),
                says,
            ],
        });
    }
    table
}

/// Assumptions of the address over the usual ones.
pub fn assumptions(params: &Params) -> Result<Assumptions, WebError> {
    let mut assume = Assumptions::default();
    let bad = |name: &str, what: String| -> WebError {
        let hint = "write 20% for a share, 200 for an amount a month";
        ReportError::usage("bad_assumption", format!("{name}: {what}"), hint).into()
    };
    let by = |name: &str, usual: By| match params.get(name) {
        None => Ok(usual),
        Some(text) => read_by(text, true).map_err(|what| bad(name, what)),
    };
    let share = |name: &str, usual: Ratio| match params.get(name).map(|t| read_by(t, false)) {
        None => Ok(usual),
        Some(Ok(By::Share(share))) if share <= Ratio::ONE => Ok(share),
        Some(Ok(_)) => Err(bad(name, "a share is meant, at most all".into())),
        Some(Err(what)) => Err(bad(name, what)),
    };
    assume.churn = by("churn", assume.churn)?;
    if let By::Share(share) = assume.churn
        && share > Ratio::ONE
    {
        return Err(bad("churn", "more than all".into()));
    }
    assume.new = by("new", assume.new)?;
    assume.price = share("price", assume.price)?;
    assume.annual = share("annual", assume.annual)?;
    assume.expansion = share("expansion", assume.expansion)?;
    Ok(assume)
}

fn assume_form(ask: &Ask) -> Filters {
    let text = |name: &'static str, label: &'static str, placeholder: &'static str| Text {
        name,
        label,
        kind: "text",
        value: ask.params.get(name).unwrap_or_default().to_string(),
        placeholder,
    };
    let own = ["churn", "price", "annual", "expansion", "new"];
    let hidden = ask.params.without(&own);
    Filters {
        action: "/decide".into(),
        hidden: hidden.pairs().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        texts: vec![
            text("churn", "Churn less by", "20% or 200"),
            text("price", "Prices up by", "20%"),
            text("annual", "To annual plans", "10%"),
            text("expansion", "Expansion up by, of MRR", "1%"),
            text("new", "New up by", "20% or 200"),
        ],
        ..Filters::default()
    }
}

fn levers(ask: &Ask, report: &Report, tried: &[Scenario]) -> Table {
    let decimals = decimals(report);
    let mut table = Table {
        heading: "What each lever would bring".into(),
        caption: "Levers compared".into(),
        links: vec![("JSON".into(), ask.asked().link("/api/v1/whatif"))],
        foot: format!("MRR a month more than as it is, in {}.", report.currency_name()),
        ..Table::default()
    };
    table.heads = vec![
        Head::text("Lever"),
        Head::text("Assumed"),
        Head::num("After 3 months"),
        Head::num("After 6"),
        Head::num("After 12"),
        Head::num("All twelve together"),
    ];
    for one in tried {
        let mut cells =
            vec![Cell::text(one.lever.replace('_', " ")), Cell { class: "wrap", ..Cell::text(&one.assumes) }];
        if one.lever == "as_is" {
            let ends = [2usize, 5, 11].map(|at| one.rows.get(at).map(|r| level(r.end, decimals)));
            cells.extend(ends.map(|e| Cell { class: "num dim", ..Cell::num(e.unwrap_or_default()) }));
            cells.push(Cell::num(""));
        } else {
            cells.extend(one.gains.map(|gain| Cell::num(change(gain, decimals))));
            cells.push(Cell::num(change(one.sum, decimals)));
        }
        table.rows.push(Row { class: "", cells });
    }
    table
}

/// `5.0–10.0 %`, `at least 100.0 %`.
fn band(low: Option<Ratio>, high: Option<Ratio>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{}–{}", percent(low).trim_end_matches(" %"), percent(high)),
        (Some(low), None) => format!("at least {}", percent(low)),
        (None, Some(high)) => format!("at most {}", percent(high)),
        (None, None) => String::new(),
    }
}

fn standing(ask: &Ask, placed: &[Placed]) -> Table {
    let mut table = Table {
        heading: "Among others".into(),
        caption: "Benchmarks".into(),
        links: vec![("JSON".into(), ask.asked().link("/api/v1/benchmarks"))],
        foot: "Months are the mean of the last three complete ones; “could be” is what your sample allows."
            .into(),
        ..Table::default()
    };
    table.heads = vec![
        Head::text("Figure"),
        Head::text("Over"),
        Head::num("Yours"),
        Head::num("Could be"),
        Head::num("Published"),
        Head::text("You are"),
        Head::text("For"),
        Head::text("Source"),
    ];
    for p in placed {
        let interval = p.own.and_then(|m| m.interval);
        let verdict = match p.verdict {
            Some(word @ "better") => format!("<span class=\"badge good\">{word}</span>"),
            Some(word @ "worse") => format!("<span class=\"badge bad\">{word}</span>"),
            Some(word) => format!("<span class=\"badge\">{}</span>", word.replace('_', " ")),
            None => String::new(),
        };
        let name = netnew_metrics::registry::find(&p.benchmark.metric).map_or("", |m| m.title);
        table.rows.push(Row {
            class: "",
            cells: vec![
                Cell::text(name).to(ask.kept().link(&format!("/definitions/{}", p.benchmark.metric))),
                Cell::dim(if p.benchmark.yearly { "12 months" } else { "month" }),
                Cell::num(p.own.map_or("too little history".into(), |m| percent(m.value))),
                Cell {
                    class: "num dim",
                    ..Cell::num(interval.map_or(String::new(), |i| band(Some(i.low), Some(i.high))))
                },
                Cell::num(band(p.benchmark.low, p.benchmark.high)),
                Cell { html: verdict, ..Cell::default() },
                Cell::dim(format!("{} ({})", p.benchmark.stage, p.benchmark.says)),
                Cell { class: "wrap dim", ..Cell::text(&p.benchmark.source.title) },
            ],
        });
    }
    table
}

fn thresholds(ask: &Ask, report: &Report, found: &[Milestone]) -> Table {
    let mut table = Table {
        heading: "Milestones".into(),
        caption: "Milestones".into(),
        links: vec![("JSON".into(), ask.asked().link("/api/v1/milestones"))],
        ..Table::default()
    };
    table.heads = vec![
        Head::num("MRR"),
        Head::text("Reached"),
        Head::num("Missing"),
        Head::text("Next"),
        Head::text("What it changes"),
    ];
    for m in found.iter().filter(|m| m.reached.is_some() || m.next || m.expected.is_some()) {
        table.rows.push(Row {
            class: "",
            cells: vec![
                Cell::num(level(m.amount, 0)),
                Cell::text(m.reached.map(|d| d.to_string()).unwrap_or_default()),
                Cell::num(if m.missing.is_zero() {
                    String::new()
                } else {
                    level(m.missing, decimals(report))
                }),
                Cell::text(if m.held_since.is_some() { String::new() } else { m.outlook() }),
                Cell { class: "wrap", ..Cell::text(m.meaning) },
            ],
        });
    }
    table
}

fn told(ask: &Ask, report: &Report) -> Result<Table, WebError> {
    let all = alerts(report, None)?;
    let mut table = Table {
        heading: "Alerts".into(),
        caption: "Alerts, newest first".into(),
        links: vec![("JSON".into(), ask.asked().link("/api/v1/alerts"))],
        ..Table::default()
    };
    table.heads = vec![Head::text("Date"), Head::text("What"), Head::text("Rule")];
    for alert in all.rows.iter().take(LISTED) {
        let mut says = Cell { class: "wrap", ..Cell::text(&alert.says) };
        if let Some(customer) = &alert.customer {
            says = says.to(ask.kept().without(&["by"]).link(&super::movements::customer_path(customer)));
        }
        let mut date = Cell::text(alert.date.to_string());
        date.class = "nowrap";
        table.rows.push(Row { class: "", cells: vec![date, says, Cell::dim(&alert.rule)] });
    }
    if all.rows.len() > LISTED {
        table.foot = format!("The {LISTED} newest of {}.", all.rows.len());
    } else if all.rows.is_empty() {
        table.foot = "Nothing to tell: no rule fired.".into();
    }
    Ok(table)
}

/// One line: the next milestone and when.
pub fn next_milestone(report: &Report, found: &[Milestone]) -> Option<String> {
    let next = found.iter().find(|m| m.next)?;
    let missing = level(next.missing, decimals(report));
    Some(format!("Milestone {}: {missing} missing, {}", level(next.amount, 0), next.outlook()))
}

/// `/reports/weekly`, `/reports/monthly`: the report that is mailed, as it is mailed.
pub async fn written(Path(name): Path<String>, ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let every = match name.as_str() {
            "weekly" => Every::Week,
            "monthly" => Every::Month,
            _ => return Err(WebError::not_found("such report")),
        };
        let html = write(&whole(&ask)?, every, &marks(&ask.site)?, None)?.html()?;
        let mut response = crate::web::tagged(&ask.headers, "text/html; charset=utf-8", html);
        // It has to stand alone in a mail, so its style is inside; nothing in it runs.
        let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        Ok(response)
    })
    .await
}
