//! Policy: the rules, where they come from, and what changing one would change.

use super::overview::nothing;
use super::parts::{Cell, Filters, Head, Row, Select, Table, Text};
use super::{Ask, Page, decimals};
use crate::error::WebError;
use crate::site::named_policy;
use crate::web::work;
use axum::response::Response;
use netnew_money::Amount;
use netnew_policy::{Policy, schema};
use netnew_report::compare::{Comparison, compare};
use netnew_report::figures::{change, level};
use netnew_report::{Report, ReportError, set_knob};
use std::collections::BTreeMap;

/// Customers listed in a comparison.
const LISTED: usize = 50;

/// The page.
pub async fn page(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let mut report = ask.report()?;
        report.by = Vec::new();
        let policy = report.policy.clone();
        let other = other_policy(&ask, &policy)?;
        let sub = format!("{} {}: what counts as MRR here, and why.", policy.name, policy.version);
        let mut page =
            Page::new(&ask, "Policy", Some(&report)).sub(sub).filtered(&filters(&ask, &policy)?)?;
        for one in policy.inactive() {
            page = page.notice(
                "info",
                format!(
                    "{} = {} needs {}, which this book does not hold yet; {} acts instead.",
                    one.knob, one.vendor_value, one.needs, one.acting
                ),
            );
        }
        if let Some(other) = other {
            if report.is_empty()? {
                return nothing(&ask, &report);
            }
            let compared = compare(&mut report, &policy, &other, None)?;
            report.policy = policy.clone();
            page = page.part(&by_knob(&report, &compared))?.part(&by_customer(&ask, &report, &compared))?;
        }
        page.part(&knobs(&ask, &policy))?.respond(&ask)
    })
    .await
}

/// The policy that this one is compared with: `against`, or this one with a knob changed.
fn other_policy(ask: &Ask, policy: &Policy) -> Result<Option<Policy>, WebError> {
    if let Some(name) = ask.params.get("against") {
        return Ok(Some(named_policy(ask.site.book(), name)?));
    }
    match (ask.params.get("knob"), ask.params.get("value")) {
        (Some(knob), Some(value)) => {
            let mut other = policy.clone();
            set_knob(&mut other, &format!("{knob}={value}"))?;
            Ok(Some(other))
        }
        _ => Ok(None),
    }
}

fn filters(ask: &Ask, policy: &Policy) -> Result<Filters, WebError> {
    let names: Vec<String> = crate::api::list_policies(ask.site.book())?
        .iter()
        .filter_map(|p| p["name"].as_str().map(str::to_string))
        .collect();
    let value = |name: &str| ask.params.get(name).unwrap_or_default().to_string();
    let hidden = ask.params.without(&["policy", "against", "knob", "value"]);
    let choose = |first: String| {
        let mut options = vec![(String::new(), first)];
        options.extend(names.iter().map(|n| (n.clone(), n.clone())));
        options
    };
    let mut knob_options = vec![(String::new(), "A knob …".to_string())];
    knob_options.extend(policy.entries().iter().map(|k| (k.knob.to_string(), k.knob.to_string())));
    Ok(Filters {
        action: "/policy".into(),
        hidden: hidden.pairs().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        selects: vec![
            Select {
                name: "policy",
                label: "Policy",
                value: value("policy"),
                options: choose(format!("{} (the book's)", ask.site.book().settings().policy)),
            },
            Select {
                name: "against",
                label: "Compare with",
                value: value("against"),
                options: choose("Nothing".into()),
            },
            Select { name: "knob", label: "or what if", value: value("knob"), options: knob_options },
        ],
        texts: vec![Text {
            name: "value",
            label: "were",
            kind: "text",
            value: value("value"),
            placeholder: "value",
        }],
        chips: Vec::new(),
    })
}

fn by_knob(report: &Report, compared: &Comparison) -> Table {
    let decimals = decimals(report);
    let mut table = Table {
        heading: format!("MRR at the end of {}: what would change", compared.day),
        caption: "Difference by knob".into(),
        foot: format!(
            "{} {} → {} {}: {} {}, all of it explained (rest {}).",
            compared.a.name,
            level(compared.a_mrr, decimals),
            compared.b.name,
            level(compared.b_mrr, decimals),
            change(compared.difference(), decimals),
            report.currency_name(),
            compared.residual()
        ),
        ..Table::default()
    };
    table.heads = vec![
        Head::text("Knob"),
        Head::text("Now"),
        Head::text("Then"),
        Head::num("Customers"),
        Head::num(&format!("MRR, {}", report.currency_name())),
    ];
    for change_of in Policy::differences(&compared.a, &compared.b) {
        let rows: Vec<_> = compared.rows.iter().filter(|r| r.knob == change_of.knob).collect();
        let sum: Amount = rows.iter().map(|r| r.amount).sum();
        table.rows.push(Row {
            class: if rows.is_empty() { "sub" } else { "" },
            cells: vec![
                Cell::text(change_of.knob).to(format!("#{}", change_of.knob)),
                Cell::text(change_of.from),
                Cell::text(change_of.to),
                Cell::num(rows.len().to_string()),
                Cell::num(change(sum, decimals)),
            ],
        });
    }
    table
}

fn by_customer(ask: &Ask, report: &Report, compared: &Comparison) -> Table {
    let decimals = decimals(report);
    let mut sums: BTreeMap<&str, (Amount, Vec<&str>)> = BTreeMap::new();
    for row in &compared.rows {
        let slot = sums.entry(&row.customer).or_default();
        slot.0 += row.amount;
        slot.1.push(&row.knob);
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|a, b| b.1.0.abs().cmp(&a.1.0.abs()).then_with(|| a.0.cmp(b.0)));
    let total = sums.len();
    let mut table = Table {
        heading: format!("For {total} customers"),
        caption: "Difference by customer".into(),
        links: ask.downloads(
            "/api/v1/policies/compare",
            &ask.asked().with("a", &compared.a.name).with("b", &compared.b.name),
        ),
        ..Table::default()
    };
    if total > LISTED {
        table.foot = format!("The {LISTED} largest; the file has all.");
    }
    table.heads = vec![Head::text("Customer"), Head::text("Because of"), Head::num("MRR")];
    for (customer, (amount, knobs)) in sums.into_iter().take(LISTED) {
        table.rows.push(Row {
            class: "",
            cells: vec![
                Cell::text(customer).to(ask.kept().link(&super::movements::customer_path(customer))),
                Cell::text(knobs.join(", ")),
                Cell::num(change(amount, decimals)),
            ],
        });
    }
    table
}

fn knobs(ask: &Ask, policy: &Policy) -> Table {
    let mut table = Table {
        heading: format!("{} knobs", policy.entries().len()),
        caption: "Knobs of the policy".into(),
        links: ask.downloads(&format!("/api/v1/policies/{}", policy.name), &ask.params.only(&["set"])),
        foot: "A value opens what would change.".into(),
        ..Table::default()
    };
    table.heads =
        vec![Head::text("Knob"), Head::text("Value"), Head::text("Other values"), Head::text("Source")];
    for entry in policy.entries() {
        let knob = schema().knob(entry.knob).ok();
        let meaning = knob.map_or(String::new(), |k| k.meaning.clone());
        let others: Vec<String> = knob
            .map(|k| k.values.iter().map(|v| v.name.clone()).filter(|v| *v != entry.value).collect())
            .unwrap_or_default();
        let links: Vec<String> = others
            .iter()
            .map(|value| {
                let href = ask.kept().with("knob", entry.knob).with("value", value).link("/policy");
                format!("<a href=\"{}\">{}</a>", escape(&href), escape(value))
            })
            .collect();
        let first = Cell {
            html: format!(
                "<span id=\"{0}\"><code>{0}</code></span><br><small class=\"dim\">{1}</small>",
                escape(entry.knob),
                escape(&meaning)
            ),
            ..Cell::default()
        };
        let value = Cell {
            class: if entry.value == entry.default { "" } else { "strong" },
            ..Cell::text(&entry.value)
        };
        let source = match entry.found {
            true => format!("{} {}", entry.source, entry.date),
            false => "nothing found; the default acts".into(),
        };
        table.rows.push(Row {
            class: "",
            cells: vec![
                Cell { class: "wrap", ..first },
                value,
                Cell { class: "wrap", html: links.join(", "), ..Cell::default() },
                Cell { class: "wrap dim", ..Cell::text(source) },
            ],
        });
    }
    table
}

/// A text as it stands in HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl From<netnew_policy::PolicyError> for WebError {
    fn from(error: netnew_policy::PolicyError) -> WebError {
        ReportError::from(error).into()
    }
}
