//! A kept file, at the row that a fact comes from: the end of every explanation.

use super::{Ask, Page};
use crate::error::WebError;
use crate::web::work;
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use netnew_report::explain::text_lines;

/// Rows shown around the one that is asked for.
const AROUND: u64 = 3;

#[derive(Template)]
#[template(path = "payload.html")]
struct Payload {
    name: String,
    sha256: String,
    bytes: u64,
    lines: Vec<(u64, String, bool)>,
    row: u64,
    is_text: bool,
}

/// The page.
pub async fn page(Path(sha256): Path<String>, ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let view = ask.site.view()?;
        let Some(info) = view.snapshot.payloads().into_iter().find(|p| p.sha256 == sha256) else {
            return Err(WebError::not_found("such kept file"));
        };
        let row: u64 = ask.params.get("row").and_then(|r| r.parse().ok()).unwrap_or(1).max(1);
        // The first line of a text file often names its columns.
        let mut rows: Vec<u64> = vec![1];
        rows.extend((row.saturating_sub(AROUND).max(2)..=row + AROUND).filter(|r| *r > 1));
        let found = text_lines(&info, &rows)?;
        let is_text = found.iter().any(Option::is_some);
        let lines = rows
            .iter()
            .zip(found)
            .filter_map(|(number, line)| Some((*number, line?.chars().take(4_000).collect(), *number == row)))
            .collect();
        let payload = Payload {
            name: info.name.clone(),
            sha256: info.sha256.clone(),
            bytes: info.bytes,
            lines,
            row,
            is_text,
        };
        Page::new(&ask, "Where it comes from", None)
            .under("Imports", "/imports")
            .sub(format!("{}, row {row}", info.name))
            .part(&payload)?
            .respond(&ask)
    })
    .await
}
