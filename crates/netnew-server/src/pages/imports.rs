//! Imports and findings: what came in, and whether the book holds what it should.

use super::overview::grouped;
use super::parts::{Cell, Empty, Head, Row, Table};
use super::{Ask, Page};
use crate::error::WebError;
use crate::upload::Upload;
use crate::web::work;
use askama::Template;
use axum::extract::Multipart;
use axum::extract::multipart::MultipartRejection;
use axum::response::Response;
use netnew_access::Action;
use netnew_import::Summary;
use netnew_report::ReportError;
use netnew_report::check::check;
use netnew_sources::Kind;

/// The page.
pub async fn page(ask: Ask) -> Result<Response, WebError> {
    work(move || shown(&ask, None)?.respond(&ask)).await
}

/// Files dropped on the page.
pub async fn bring(ask: Ask, form: Result<Multipart, MultipartRejection>) -> Result<Response, WebError> {
    let upload = Upload::receive(form?).await?;
    work(move || {
        let summary = upload.import(&ask.site)?;
        shown(&ask, Some(&summary))?.respond(&ask)
    })
    .await
}

#[derive(Template)]
#[template(path = "bring.html")]
struct Bring {
    kinds: Vec<(&'static str, &'static str)>,
}

const KINDS: [(&str, &str); 20] = [
    ("", "Recognise it"),
    ("states", "Subscription states"),
    ("periods", "Subscription periods"),
    ("customers", "Customers"),
    ("rates", "Exchange rates"),
    ("stripe-subscriptions", "Stripe's export of subscriptions"),
    ("stripe-customers", "Stripe's export of customers"),
    ("stripe-payments", "Stripe's export of payments"),
    ("stripe-invoices", "Stripe's export of invoices"),
    ("stripe-json", "Stripe's objects or events"),
    ("invoices", "Invoices"),
    ("payments", "Payments"),
    ("refunds", "Refunds"),
    ("credit-notes", "Credit notes"),
    ("disputes", "Disputes"),
    ("usage", "Usage"),
    ("events", "Product events"),
    ("expenses", "Expenses"),
    ("spend", "Spend on acquisition"),
    ("opportunities", "Opportunities"),
];

fn shown(ask: &Ask, summary: Option<&Summary>) -> Result<Page, WebError> {
    let report = ask.report()?;
    let mut imports = report.book.imports().map_err(ReportError::from)?;
    imports.reverse();
    let mut page = Page::new(ask, "Imports", Some(&report))
        .sub("What came in, and whether the book holds what it should.")
        .tools(vec![("JSON".into(), "/api/v1/imports".into())]);
    if let Some(summary) = summary {
        page = told(page, summary)?;
    }
    if ask.caller.who.grant.may(Action::Import) {
        let mut kinds = KINDS.to_vec();
        let others = Kind::names().into_iter().filter(|name| !KINDS.iter().any(|(known, _)| known == name));
        kinds.extend(others.map(|name| (name, name)));
        page = page.part(&Bring { kinds })?;
    }
    if imports.is_empty() {
        return Ok(page);
    }
    let mut table =
        Table { heading: "So far".into(), caption: "Imports, newest first".into(), ..Table::default() };
    table.heads = vec![
        Head::text("When"),
        Head::text("Source"),
        Head::num("Facts"),
        Head::num("There already"),
        Head::num("Replaced earlier ones"),
    ];
    for import in &imports {
        let number = |n: u64| Cell::num(grouped(i64::try_from(n).unwrap_or(i64::MAX)));
        table.rows.push(Row {
            class: "",
            cells: vec![
                Cell::text(import.at.to_string()),
                Cell::text(&import.source),
                number(import.facts),
                number(import.duplicates),
                number(import.superseded),
            ],
        });
    }
    page = page.part(&table)?;
    if ask.params.get("check").is_some() {
        return page.part(&checks(ask)?);
    }
    page.part(&Empty {
        heading: "Does everything add up?".into(),
        text: "Nine checks over every customer and every file: it takes a moment on a large book.".into(),
        href: "/imports?check=1".into(),
        action: "Run the checks".into(),
        ..Empty::default()
    })
}

/// What an import did, with the rows that could not be taken.
fn told(page: Page, summary: &Summary) -> Result<Page, WebError> {
    let count = |n: u64| grouped(i64::try_from(n).unwrap_or(i64::MAX));
    let outcome = &summary.outcome;
    let text = format!(
        "{} facts added, {} there already, {} replace earlier ones.",
        count(outcome.facts),
        count(outcome.duplicates),
        count(outcome.superseded)
    );
    if summary.problem_count == 0 {
        return Ok(page.notice("good", text));
    }
    let page = page.notice("warn", format!("{text} {} rows need a look.", count(summary.problem_count)));
    let mut table = Table {
        heading: "Rows that need a look".into(),
        caption: "Problems of the import".into(),
        ..Table::default()
    };
    table.heads = ["File", "Line", "Column", "What", "How to mend it", "Code"].map(Head::text).into();
    for problem in summary.problems.iter().take(100) {
        table.rows.push(Row {
            class: "",
            cells: vec![
                Cell::text(&problem.file),
                Cell::num(problem.line.to_string()),
                Cell::text(problem.column.clone().unwrap_or_default()),
                Cell { class: "wrap", ..Cell::text(&problem.message) },
                Cell { class: "wrap", ..Cell::text(&problem.hint) },
                Cell::dim(problem.code),
            ],
        });
    }
    if summary.problem_count > 100 {
        table.foot = "The first 100 are shown; the command line lists a thousand.".into();
    }
    page.part(&table)
}

fn checks(ask: &Ask) -> Result<Table, WebError> {
    let mut report = ask.site.ask(&ask.params.question())?;
    let outcomes = check(&mut report, None)?;
    let mut table = Table { heading: "Checks".into(), caption: "Checks".into(), ..Table::default() };
    table.heads = vec![Head::text("Check"), Head::text(""), Head::num("Looked at"), Head::text("Findings")];
    for o in &outcomes {
        let verdict = match o.count {
            0 => "<span class=\"badge good\">passes</span>".to_string(),
            n => format!("<span class=\"badge bad\">{n} failures</span>"),
        };
        table.rows.push(Row {
            class: "",
            cells: vec![
                Cell::text(o.name.replace('_', " ")),
                Cell { html: verdict, ..Cell::default() },
                Cell::num(grouped(i64::try_from(o.checked).unwrap_or(i64::MAX))),
                Cell { class: "wrap", ..Cell::text(o.failures.join("; ")) },
            ],
        });
    }
    Ok(table)
}
