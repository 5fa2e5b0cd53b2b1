//! Customers: who pays, how much, since when.

use super::movements::customer_path;
use super::overview::grouped;
use super::parts::{Cell, Empty, Filters, Head, Row, Select, Table, Text};
use super::{Ask, Page, decimals};
use crate::error::WebError;
use crate::params::Params;
use crate::web::work;
use axum::response::Response;
use netnew_report::customers::{Listed, customers};
use netnew_report::figures::level;
use netnew_report::page::page as cut;

const LISTED: usize = 50;

/// The page.
pub async fn page(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let report = ask.report()?;
        let mut found = customers(&report, ask.params.get("search"))?;
        let count = |status: &str| found.iter().filter(|c| c.status == status).count();
        let sub = format!(
            "{} paying, {} gone, {} never paid",
            grouped(count("active") as i64),
            grouped(count("churned") as i64),
            grouped(count("never") as i64)
        );
        if let Some(status) = ask.params.get("status") {
            found.retain(|c| c.status == status);
        }
        sort(&mut found, ask.params.get("sort").unwrap_or("-mrr"));
        let total = found.len();
        let (found, next) = cut(found, Some(LISTED), ask.params.get("cursor"))?;
        let page = Page::new(&ask, "Customers", Some(&report)).sub(sub).filtered(&filters(&ask))?;
        if found.is_empty() {
            let empty = Empty {
                heading: "No customers here".into(),
                text: "None fits this search, or none has been imported yet.".into(),
                href: "/customers".into(),
                action: "Show all".into(),
                ..Empty::default()
            };
            return page.part(&empty)?.respond(&ask);
        }
        let mut table = table(&ask, &found, decimals(&report), &report.currency_name());
        table.heading = format!("{} customers", grouped(total as i64));
        let params = ask.exact(&report);
        let params = match ask.params.get("search") {
            Some(search) => params.with("search", search),
            None => params,
        };
        table.links = ask.downloads("/api/v1/customers", &params);
        let base = ask.params.without(&["cursor"]);
        if ask.params.get("cursor").is_some() {
            table.pager.push(("First".into(), base.link("/customers")));
        }
        if let Some(next) = next {
            table.pager.push(("Next".into(), base.with("cursor", &next).link("/customers")));
        }
        page.part(&table)?.respond(&ask)
    })
    .await
}

fn filters(ask: &Ask) -> Filters {
    let options = [("", "All"), ("active", "Paying"), ("churned", "Gone"), ("never", "Never paid")];
    let hidden = ask.params.without(&["search", "status", "where", "cursor"]);
    let value = |name: &str| ask.params.get(name).unwrap_or_default().to_string();
    Filters {
        action: "/customers".into(),
        hidden: hidden.pairs().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        selects: vec![Select {
            name: "status",
            label: "Who",
            value: value("status"),
            options: options.iter().map(|(v, w)| (v.to_string(), w.to_string())).collect(),
        }],
        texts: vec![
            Text {
                name: "search",
                label: "Search",
                kind: "search",
                value: value("search"),
                placeholder: "Name, e-mail or id",
            },
            Text {
                name: "where",
                label: "Only where",
                kind: "text",
                value: value("where"),
                placeholder: "plan=Pro,country=DE|FR",
            },
        ],
        chips: Vec::new(),
    }
}

fn sort(found: &mut [Listed], by: &str) {
    let (field, descending) = by.strip_prefix('-').map_or((by, false), |field| (field, true));
    found.sort_by(|a, b| {
        let order = match field {
            "customer" => a.customer.cmp(&b.customer),
            "since" => a.first.cmp(&b.first),
            "changed" => a.last.cmp(&b.last),
            _ => a.mrr.cmp(&b.mrr),
        };
        let order = if descending { order.reverse() } else { order };
        order.then_with(|| a.customer.cmp(&b.customer))
    });
}

/// A head that sorts.
fn sorted(params: &Params, label: &str, field: &str, class: &'static str) -> Head {
    let now = params.get("sort").unwrap_or("-mrr");
    let (sort, next) = if now == field {
        ("ascending", format!("-{field}"))
    } else if now.strip_prefix('-') == Some(field) {
        ("descending", field.to_string())
    } else {
        ("", if field == "customer" { field.to_string() } else { format!("-{field}") })
    };
    let href = params.without(&["cursor"]).with("sort", &next).link("/customers");
    Head { label: label.into(), class, href, sort }
}

fn table(ask: &Ask, found: &[Listed], decimals: u8, currency: &str) -> Table {
    let mut table = Table { caption: "Customers".into(), wrap: "fit", ..Table::default() };
    table.heads = vec![
        sorted(&ask.params, "Customer", "customer", ""),
        Head::text("Status"),
        sorted(&ask.params, &format!("MRR, {currency}"), "mrr", "num"),
        Head::text("Plans"),
        Head::text("Country"),
        sorted(&ask.params, "Since", "since", ""),
        sorted(&ask.params, "Last change", "changed", ""),
    ];
    let kept = ask.kept().without(&["by"]);
    for c in found {
        let name = c.attributes.get("name").cloned();
        let id = c.customer.to_string();
        let mut first = Cell::text(name.clone().unwrap_or_else(|| id.clone()));
        if name.is_some() {
            first = first.noted(&id);
        }
        let status = match c.status {
            "active" => Cell::text("Paying"),
            "churned" => Cell::dim("Gone"),
            _ => Cell::dim("Never paid"),
        };
        table.rows.push(Row {
            class: "",
            cells: vec![
                first.to(kept.link(&customer_path(&id))),
                status,
                Cell::num(level(c.mrr, decimals)),
                Cell::text(c.plans.join(", ")),
                Cell::text(c.attributes.get("country").cloned().unwrap_or_default()),
                Cell::dim(c.first.clone().unwrap_or_default()),
                Cell::dim(c.last.clone().unwrap_or_default()),
            ],
        });
    }
    table
}
