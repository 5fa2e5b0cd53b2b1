//! Search: pages, figures and customers by name, for the palette and as a page of its own.

use super::movements::customer_path;
use super::parts::{Cell, Filters, Head, Row, Table, Text};
use super::{Ask, MORE, NAV, Page};
use crate::error::WebError;
use crate::params::Params;
use crate::web::{tagged, work};
use axum::response::Response;
use netnew_metrics::registry;
use netnew_report::customers::customers;
use serde_json::json;

/// Results of each sort.
const LISTED: usize = 8;

struct Found {
    label: String,
    what: &'static str,
    href: String,
}

/// Results as JSON, for the palette.
pub async fn data(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let found = find(&ask)?;
        let rows: Vec<_> =
            found.iter().map(|f| json!({"label": f.label, "what": f.what, "href": f.href})).collect();
        Ok(tagged(&ask.headers, "application/json", json!({"rows": rows}).to_string()))
    })
    .await
}

/// Results as a page.
pub async fn page(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let mut table = Table { caption: "Results".into(), ..Table::default() };
        table.heads = vec![Head::text("Found"), Head::text("What")];
        table.rows = find(&ask)?
            .into_iter()
            .map(|f| Row { class: "", cells: vec![Cell::text(f.label).to(f.href), Cell::dim(f.what)] })
            .collect();
        let value = ask.params.get("q").unwrap_or_default().to_string();
        let filters = Filters {
            action: "/search".into(),
            texts: vec![Text {
                name: "q",
                label: "Search",
                kind: "search",
                value,
                placeholder: "A page, a customer, a figure",
            }],
            ..Filters::default()
        };
        Page::new(&ask, "Search", None).filtered(&filters)?.part(&table)?.respond(&ask)
    })
    .await
}

fn find(ask: &Ask) -> Result<Vec<Found>, WebError> {
    let wanted = ask.params.get("q").unwrap_or_default().trim().to_lowercase();
    // The page that asks keeps its state wherever it leads.
    let back = ask.params.get("back").unwrap_or_default();
    let kept = Params::parse(back.trim_start_matches('?')).only(&crate::params::SHARED);
    let mut out = Vec::new();
    for (path, label, _) in NAV.into_iter().chain(MORE) {
        if label.to_lowercase().contains(&wanted) {
            out.push(Found { label: label.into(), what: "page", href: kept.link(path) });
        }
    }
    if wanted.is_empty() {
        return Ok(out);
    }
    let fits = |m: &&registry::Metric| {
        m.title.to_lowercase().contains(&wanted) || m.name.contains(&wanted.replace(' ', "_"))
    };
    for metric in registry::all().iter().filter(fits).take(LISTED) {
        let href = kept.link(&format!("/definitions/{}", metric.name));
        out.push(Found { label: metric.title.into(), what: "figure", href });
    }
    let report = ask.site.ask(&netnew_report::Question::default())?;
    for customer in customers(&report, Some(&wanted))?.into_iter().take(LISTED) {
        let id = customer.customer.to_string();
        let label = match customer.attributes.get("name") {
            Some(name) => format!("{name} ({id})"),
            None => id.clone(),
        };
        out.push(Found { label, what: "customer", href: kept.without(&["by"]).link(&customer_path(&id)) });
    }
    Ok(out)
}
