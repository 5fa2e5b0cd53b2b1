//! Many objects of one data source at once, in the order in which they need one another.

use super::{Request, basics, customers, events, invoices, parts};
use crate::mogul::{Refusal, Store};
use netnew_mogul::Wrong;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Says what a part came to: nothing, or what is wrong; an error ends it all.
pub type Outcome<'o> = &'o dyn Fn(Result<(), Refusal>) -> Result<Option<Value>, Refusal>;

/// Takes plans, customers, invoices with their lines and transactions, and subscription events in; gives what was wrong,
/// part by part. What is right goes in.
///
/// # Errors
/// A catalog that cannot be written.
pub fn import(
    store: &Store,
    request: &Request,
    source: &str,
    outcome: Outcome<'_>,
) -> Result<Vec<Value>, Refusal> {
    let mut failed = Vec::new();
    let mut note = |kind: &str, given: &Value, result: Result<(), Refusal>| -> Result<(), Refusal> {
        if let Some(errors) = outcome(result)? {
            let external = given.get("external_id").cloned().unwrap_or(Value::Null);
            failed.push(json!({"type": kind, "external_id": external, "errors": errors}));
        }
        Ok(())
    };
    let list = |name: &str| request.body.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let with_source = |given: &Value| {
        let mut body = given.as_object().cloned().unwrap_or_default();
        body.insert("data_source_uuid".into(), json!(source));
        Request { body: body.clone(), record: Value::Object(body).to_string(), now: request.now }
    };
    for given in list("plans") {
        note("plan", given, basics::add_plan(store, &with_source(given)).map(drop))?;
    }
    for given in list("customers") {
        note("customer", given, customers::add(store, &with_source(given)).map(drop))?;
    }
    let lines = by_invoice(list("line_items"));
    let transactions = by_invoice(list("transactions"));
    let mut taken: Vec<&str> = Vec::new();
    for given in list("invoices") {
        let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut invoice = given.as_object().cloned().unwrap_or_default();
        for (name, all) in [("line_items", &lines), ("transactions", &transactions)] {
            if let Some(more) = all.get(text("external_id"))
                && let Value::Array(list) = invoice.entry(name).or_insert_with(|| json!([]))
            {
                list.extend(more.iter().map(|v| (*v).clone()));
            }
        }
        taken.push(text("external_id"));
        let found = store.by_external("customer", source, text("customer_external_id"))?;
        let result = match found {
            None => Err(Refusal::Wrong(Wrong::one(
                "customer_external_id",
                "Customer not found in this data source",
            ))),
            Some(object) => {
                let body: Map<String, Value> =
                    [("invoices".to_string(), json!([invoice]))].into_iter().collect();
                let one = Request { record: Value::Object(body.clone()).to_string(), body, now: request.now };
                invoices::import(store, &one, &object.about).map(drop)
            }
        };
        note("invoice", given, result)?;
    }
    // Lines and transactions of invoices that came before.
    for (kind, all) in [("line_item", &lines), ("transaction", &transactions)] {
        for (invoice, given) in all.iter().filter(|(invoice, _)| !taken.contains(*invoice)) {
            let object = store.by_external("invoice", source, invoice)?;
            for given in given {
                let result = match &object {
                    None => Err(Refusal::NotFound("Invoice")),
                    Some(object) if kind == "line_item" => {
                        parts::add_line(store, &with_source(given), &object.id).map(drop)
                    }
                    Some(object) => parts::add_transaction(store, &with_source(given), &object.id).map(drop),
                };
                note(kind, given, result)?;
            }
        }
    }
    for given in list("subscription_events") {
        note("subscription_event", given, events::add(store, &with_source(given)).map(drop))?;
    }
    Ok(failed)
}

/// Lines or transactions by the external id of their invoice.
fn by_invoice(all: &[Value]) -> BTreeMap<&str, Vec<&Value>> {
    let mut out: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for one in all {
        let invoice = one.get("invoice_external_id").and_then(Value::as_str).unwrap_or_default();
        out.entry(invoice).or_default().push(one);
    }
    out
}
