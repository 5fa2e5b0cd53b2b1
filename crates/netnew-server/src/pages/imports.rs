//! Imports and findings: what came in, and whether the book holds what it should.

use super::overview::grouped;
use super::parts::{Cell, Empty, Head, Row, Table};
use super::{Ask, Page};
use crate::error::WebError;
use crate::web::work;
use axum::response::Response;
use netnew_report::ReportError;
use netnew_report::check::check;

/// The page.
pub async fn page(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let report = ask.report()?;
        let mut imports = report.book.imports().map_err(ReportError::from)?;
        imports.reverse();
        let mut page = Page::new(&ask, "Imports", Some(&report))
            .sub("What came in, and whether the book holds what it should.")
            .tools(vec![("JSON".into(), "/api/v1/imports".into())]);
        if imports.is_empty() {
            let empty = Empty {
                heading: "Nothing has come in yet".into(),
                text: "Subscriptions as CSV, JSONL, XLSX or Parquet, or Stripe's exports, recognised by content.".into(),
                code: "netnew import subscriptions.csv".into(),
                ..Empty::default()
            };
            return page.part(&empty)?.respond(&ask);
        }
        let mut table = Table { heading: "Imports".into(), caption: "Imports, newest first".into(), ..Table::default() };
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
            page = page.part(&checks(&ask)?)?;
        } else {
            let ask_for = Empty {
                heading: "Does everything add up?".into(),
                text: "Nine checks over every customer and every file: it takes a moment on a large book.".into(),
                href: "/imports?check=1".into(),
                action: "Run the checks".into(),
                ..Empty::default()
            };
            page = page.part(&ask_for)?;
        }
        page.respond(&ask)
    })
    .await
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
