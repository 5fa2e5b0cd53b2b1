//! Settings of the sources that are synced: how each is, what was found, and whether the server reads it by itself.

use super::doors::form;
use super::parts::{Cell, Head, Row, Table};
use super::settings::{act, back, page, wrong};
use super::{Ask, Page};
use crate::error::WebError;
use crate::site::Site;
use crate::web::work;
use axum::Router;
use axum::extract::RawForm;
use axum::response::Response;
use axum::routing::get;
use netnew_book::Book;
use netnew_connect::source::{EVERY_MINUTES, Health, Source, health, set_automatic, set_wanted};
use netnew_import::refused;
use netnew_money::Instant;
use std::sync::Arc;

/// Where they are.
const HERE: &str = "/settings/sources";

/// The page.
pub fn routes() -> Router<Arc<Site>> {
    Router::new().route(HERE, get(show).post(change))
}

/// Parts of the overview's health strip: how each source is, with the way to what was found.
///
/// # Errors
/// A book that cannot be read.
pub fn strip(book: &Book, now: Instant) -> Result<Vec<(String, String)>, WebError> {
    let mut out = Vec::new();
    for source in Source::all(book).map_err(refused)? {
        let health = health(book, &source.name).map_err(refused)?;
        out.push((format!("{}: {}", source.name, said(&health, now)), HERE.to_string()));
    }
    Ok(out)
}

/// How a source is, in a few words; what is wrong first.
fn said(health: &Health, now: Instant) -> String {
    let synced = health.synced_at.map_or("never synced".to_string(), |at| format!("synced {}", ago(at, now)));
    match health.findings.len() {
        0 => synced,
        1 => format!("1 finding ({}), {synced}", health.findings[0].code.replace('_', " ")),
        n => format!("{n} findings, {synced}"),
    }
}

fn ago(at: Instant, now: Instant) -> String {
    let minutes = (now.micros() - at.micros()).max(0) / 60_000_000;
    match minutes {
        0 => "just now".to_string(),
        1..120 => format!("{minutes} min ago"),
        120..2_880 => format!("{} hours ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1_440),
    }
}

async fn show(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let book = ask.site.book().clone();
        let sources = Source::all(&book).map_err(refused)?;
        let mut shown = page(&ask, HERE)?;
        if sources.is_empty() {
            let text = "No billing system is connected. On the command line: netnew sources add stripe --name stripe --key-env STRIPE_KEY";
            return shown.notice("info", text).respond(&ask);
        }
        let mut table =
            Table { heading: "Sources".into(), caption: "Sources that are synced".into(), ..Table::default() };
        table.heads =
            ["Source", "Mode", "Synced", "Complete to", "By itself", "Findings", "", ""].map(Head::text).into();
        table.foot = format!("What reads by itself does so every {EVERY_MINUTES} minutes while the book is served.");
        let mut notes = Vec::new();
        for source in &sources {
            let health = health(&book, &source.name).map_err(refused)?;
            table.rows.push(row(source, &health)?);
            notes.extend(findings(&source.name, &health));
        }
        shown = shown.part(&table)?;
        finish(shown, notes)?.respond(&ask)
    })
    .await
}

fn row(source: &Source, health: &Health) -> Result<Row, WebError> {
    let at = |at: Option<Instant>, none: &str| Cell::text(at.map_or(none.to_string(), |at| at.to_string()));
    let button =
        |what: &str, label| act(HERE, vec![("name", source.name.clone()), ("do", what.to_string())], label);
    let cells = vec![
        Cell::text(source.name.clone()).noted(source.kind.clone()),
        Cell::text(health.mode.clone().unwrap_or_else(|| "not known yet".into())),
        at(health.synced_at, "never"),
        at(health.complete_to, "nothing yet"),
        Cell::text(if health.automatic { "on" } else { "off" }),
        Cell::text(health.findings.len().to_string()),
        match health.wanted {
            true => Cell::dim("will begin in a moment"),
            false => button("sync", "Sync now")?,
        },
        match health.automatic {
            true => button("off", "Turn off")?,
            false => button("on", "Turn on")?,
        },
    ];
    Ok(Row { class: "", cells })
}

fn findings(name: &str, health: &Health) -> Option<Table> {
    if health.findings.is_empty() {
        return None;
    }
    let heading = format!("What was found in {name}");
    let mut table = Table { caption: heading.clone(), heading, ..Table::default() };
    table.heads = ["What", "Said", "What to do"].map(Head::text).into();
    for finding in &health.findings {
        table.rows.push(Row {
            class: "",
            cells: vec![
                Cell::text(finding.code.replace('_', " ")),
                Cell { class: "wrap", ..Cell::text(finding.message.clone()) },
                Cell { class: "wrap", ..Cell::text(finding.hint.clone()) },
            ],
        });
    }
    Some(table)
}

fn finish(mut shown: Page, tables: Vec<Table>) -> Result<Page, WebError> {
    for table in &tables {
        shown = shown.part(table)?;
    }
    Ok(shown)
}

async fn change(ask: Ask, RawForm(body): RawForm) -> Result<Response, WebError> {
    work(move || {
        let fields = form(&body);
        let book = ask.site.book();
        let name = fields.get("name").unwrap_or_default().to_string();
        if !Source::all(book).map_err(refused)?.iter().any(|source| source.name == name) {
            return Err(wrong("source"));
        }
        match fields.get("do") {
            Some("sync") => set_wanted(book, &name, true),
            Some("on") => set_automatic(book, &name, true),
            Some("off") => set_automatic(book, &name, false),
            _ => return Err(wrong("such button")),
        }
        .map_err(refused)?;
        Ok(back(HERE))
    })
    .await
}
