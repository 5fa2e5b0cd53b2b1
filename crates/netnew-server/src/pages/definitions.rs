//! Definitions: what every figure means, from the registry.

use super::parts::{Cell, Head, Row, Table, render};
use super::{Ask, Page};
use crate::error::WebError;
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use netnew_metrics::registry::{self, Metric};
use netnew_report::metrics::find;

/// All of them.
pub async fn page(ask: Ask) -> Result<Response, WebError> {
    let mut page = Page::new(&ask, "Definitions", None)
        .sub("What every figure means here; each worked example is run as a test.")
        .tools(vec![("JSON".into(), "/api/v1/metrics/list".into())]);
    let mut sections: Vec<(&'static str, Vec<&'static Metric>)> = Vec::new();
    for metric in registry::all() {
        let title = metric.section.title();
        match sections.iter_mut().find(|(name, _)| *name == title) {
            Some((_, metrics)) => metrics.push(metric),
            None => sections.push((title, vec![metric])),
        }
    }
    for (title, metrics) in sections {
        let mut table = Table { heading: title.into(), caption: title.into(), ..Table::default() };
        table.heads = vec![Head::text("Figure"), Head::text("Means"), Head::text("Unit")];
        for metric in metrics {
            table.rows.push(Row {
                class: "",
                cells: vec![
                    Cell::text(metric.title).to(ask.kept().link(&format!("/definitions/{}", metric.name))),
                    Cell { class: "wrap", ..Cell::text(metric.definition) },
                    Cell::dim(metric.unit.as_str()),
                ],
            });
        }
        page = page.part(&table)?;
    }
    page.respond(&ask)
}

#[derive(Template)]
#[template(path = "definition.html")]
struct Definition {
    metric: &'static Metric,
    chosen: Option<String>,
}

/// One of them.
pub async fn one(Path(name): Path<String>, ask: Ask) -> Result<Response, WebError> {
    let metric = find(&name)?;
    let report = ask.report()?;
    let chosen = metric.variant(&report.policy).map(|v| v.value.to_string());
    let body = render(&Definition { metric, chosen })?;
    Page::new(&ask, metric.title, Some(&report))
        .under("Definitions", ask.kept().link("/definitions"))
        .sub(metric.name)
        .tools(vec![("JSON".into(), format!("/api/v1/metrics/{}", metric.name))])
        .drawn(body)
        .respond(&ask)
}
