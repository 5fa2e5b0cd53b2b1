//! One customer: what it pays for, what happened, and every fact behind it.

use super::movements::movement_table;
use super::parts::{Cell, Head, Row, Table, render};
use super::{Ask, Page};
use crate::error::WebError;
use crate::web::work;
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use netnew_money::{Amount, Currency};
use netnew_report::customer::customer;
use netnew_report::figures::level;
use netnew_report::flat::text_of;
use serde_json::Value;

/// The page.
pub async fn page(Path(id): Path<String>, ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let report = ask.report_in_own_currency()?;
        let found = customer(&report, &id)?;
        let value = &found.value;
        let name = value["attributes"]["name"].as_str().unwrap_or(&id).to_string();
        let mut movements = found.movements;
        movements.reverse();
        let mut listed = movement_table(&ask, &movements);
        listed.heading = format!("{} movements, newest first", movements.len());
        let params = ask.asked().with("customer", &id);
        listed.links = ask.downloads("/api/v1/movements", &params);
        let who = Who { pairs: pairs(value), expected: expected(value) };
        let facts = Facts { facts: facts(value) };
        let api = ask.asked().link(&format!("/api/v1{}", ask.path));
        Page::new(&ask, &name, Some(&report))
            .under("Customers", ask.kept().link("/customers"))
            .tools(vec![("JSON".into(), api)])
            .part(&items(value))?
            .drawn(render(&who)?)
            .part(&listed)?
            .drawn(render(&facts)?)
            .respond(&ask)
    })
    .await
}

#[derive(Template)]
#[template(path = "customer.html")]
struct Who {
    pairs: Vec<(String, String)>,
    expected: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "facts.html")]
struct Facts {
    facts: Vec<FactLine>,
}

struct FactLine {
    id: String,
    says: String,
    at: String,
    detail: String,
    recorded: String,
    payload: String,
    payload_href: String,
    reconstructed: bool,
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let mut out = vec![("id".to_string(), text_of(&value["customer"]))];
    let ids: Vec<String> = value["ids"].as_array().into_iter().flatten().map(text_of).collect();
    if ids.len() > 1 {
        out.push(("also known as".into(), ids[1..].join(", ")));
    }
    for (name, one) in value["attributes"].as_object().into_iter().flatten() {
        out.push((name.replace('_', " "), text_of(one)));
    }
    out
}

fn money(amount: &Value, currency: &Value) -> String {
    let exponent = currency.as_str().and_then(|c| Currency::parse(c).ok()).map_or(2, |c| c.exponent());
    amount.as_str().and_then(|a| Amount::parse(a).ok()).map_or(String::new(), |a| level(a, exponent))
}

fn expected(value: &Value) -> Vec<(String, String)> {
    let list = value["expected"].as_array().into_iter().flatten();
    list.map(|e| {
        let amount = format!("{} {}", money(&e["amount"], &e["currency"]), text_of(&e["currency"]));
        (text_of(&e["date"]), amount)
    })
    .collect()
}

fn items(value: &Value) -> Table {
    let mut table =
        Table { heading: "Subscriptions".into(), caption: "Subscriptions".into(), ..Table::default() };
    table.heads = vec![
        Head::text("Subscription"),
        Head::text("Status"),
        Head::text("Plan"),
        Head::num("MRR"),
        Head::num("ARR"),
        Head::text("Currency"),
        Head::text("Layer"),
        Head::text("Since"),
        Head::text("Source"),
    ];
    for item in value["items"].as_array().into_iter().flatten() {
        let mut first = Cell::text(text_of(&item["subscription"]));
        if item["item"] != item["subscription"] {
            first = first.noted(text_of(&item["item"]));
        }
        table.rows.push(Row {
            class: "",
            cells: vec![
                first,
                Cell::text(text_of(&item["status"]).replace('_', " ")),
                Cell::text(text_of(&item["plan"])),
                Cell::num(money(&item["mrr"], &item["currency"])),
                Cell::num(money(&item["arr"], &item["currency"])),
                Cell::dim(text_of(&item["currency"])),
                Cell::dim(text_of(&item["layer"]).replace('_', " ")),
                Cell::dim(day(&item["since"])),
                Cell::dim(text_of(&item["source"])),
            ],
        });
    }
    table
}

fn day(instant: &Value) -> String {
    text_of(instant).chars().take(10).collect()
}

fn facts(value: &Value) -> Vec<FactLine> {
    value["facts"].as_array().into_iter().flatten().map(fact).collect()
}

fn fact(fact: &Value) -> FactLine {
    let state = &fact["state"];
    let (says, detail) = match fact["says"].as_str() {
        Some("attributes") => {
            let pairs = fact["attributes"].as_object().into_iter().flatten();
            let list: Vec<String> = pairs.map(|(k, v)| format!("{k} = {}", text_of(v))).collect();
            ("Attributes".to_string(), list.join(", "))
        }
        _ if state.is_null() => {
            (format!("{}: withdrawn", text_of(&fact["subscription"])), "this row was retracted".to_string())
        }
        _ => {
            let price = format!(
                "{} × {} {} per {} {}",
                text_of(&state["quantity"]),
                text_of(&state["amount"]),
                text_of(&state["currency"]),
                text_of(&state["interval_count"]),
                text_of(&state["interval"])
            );
            let mut detail = vec![price];
            for (key, word) in
                [("trial_end", "trial until"), ("cancel_at", "ends"), ("cancel_requested_at", "cancel asked")]
            {
                if !state[key].is_null() {
                    detail.push(format!("{word} {}", day(&state[key])));
                }
            }
            if !state["reason"].is_null() {
                detail.push(text_of(&state["reason"]));
            }
            if state["discounts"].as_array().is_some_and(|d| !d.is_empty()) {
                detail.push(format!("discounts {}", state["discounts"]));
            }
            let status = text_of(&state["status"]).replace('_', " ");
            let plan = text_of(&state["plan"]);
            (format!("{}: {status}, {plan}", text_of(&fact["subscription"])), detail.join(", "))
        }
    };
    let payload = &fact["payload"];
    let (label, href) = match payload.is_null() {
        true => (String::new(), String::new()),
        false => (
            format!("{} row {}", super::file_name(&text_of(&payload["file"])), text_of(&payload["row"])),
            format!("/payloads/{}?row={}", text_of(&payload["sha256"]), text_of(&payload["row"])),
        ),
    };
    FactLine {
        id: text_of(&fact["id"]),
        says,
        at: match fact["effective_at"].is_null() {
            true => "from the beginning".into(),
            false => text_of(&fact["effective_at"]),
        },
        detail,
        recorded: text_of(&fact["recorded_at"]),
        payload: label,
        payload_href: href,
        reconstructed: state["reconstructed"].as_bool().unwrap_or(false),
    }
}
