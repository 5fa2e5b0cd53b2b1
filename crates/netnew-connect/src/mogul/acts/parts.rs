//! Lines and transactions by themselves.

use super::invoices::{Owner, edit, line_of, subscribe, tidy, transaction_of};
use super::{Request, customers, refuse};
use crate::mogul::store::Which;
use crate::mogul::{Object, Refusal, Store};
use netnew_mogul::checks::Fields;
use netnew_mogul::shapes::{Customer, Invoice, LineItem, Transaction};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A line or a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A line of an invoice.
    Line,
    /// A payment or refund.
    Transaction,
}

impl Kind {
    fn word(self) -> &'static str {
        if self == Kind::Line { "line_item" } else { "transaction" }
    }

    fn missing(self) -> Refusal {
        Refusal::NotFound(if self == Kind::Line { "Line item" } else { "Transaction" })
    }
}

/// The invoice that a part is in, and the part's own id.
///
/// # Errors
/// That there is no such part.
pub fn find(store: &Store, kind: Kind, which: Which<'_>) -> Result<(Object, String), Refusal> {
    let (invoice, id) = store.part(kind.word(), which)?.ok_or_else(|| kind.missing())?;
    Ok((store.need("invoice", &invoice, "Invoice")?, id))
}

/// One part as it is answered.
///
/// # Errors
/// That there is no such part.
pub fn read(store: &Store, kind: Kind, which: Which<'_>) -> Result<Value, Refusal> {
    let (object, id) = find(store, kind, which)?;
    answer(&object.read()?, kind, &id)
}

fn answer(invoice: &Invoice, kind: Kind, id: &str) -> Result<Value, Refusal> {
    let found = match kind {
        Kind::Line => invoice.line_items.iter().find(|l| l.uuid == id).map(serde_json::to_value),
        Kind::Transaction => invoice.transactions.iter().find(|t| t.uuid == id).map(serde_json::to_value),
    };
    Ok(found.ok_or_else(|| kind.missing())??)
}

/// Adds a transaction to an invoice.
///
/// # Errors
/// What is wrong with it.
pub fn add_transaction(store: &Store, request: &Request, invoice: &str) -> Result<Transaction, Refusal> {
    let object = store.need("invoice", invoice, "Invoice")?;
    let before: Invoice = object.read()?;
    let given = Value::Object(request.body.clone());
    let mut index = before.transactions.len();
    let mut one = transaction_of(store, &given, &object.source, &object.id, index)?;
    while before.transactions.iter().any(|t| t.uuid == one.uuid) {
        index += 1;
        one = transaction_of(store, &given, &object.source, &object.id, index)?;
    }
    store.add_part(
        &one.uuid,
        Kind::Transaction.word(),
        &object.id,
        &object.source,
        one.external_id.as_deref(),
    )?;
    let added = one.clone();
    edit(store, request, &object, |invoice, _| {
        invoice.transactions.push(one);
        Ok(())
    })?;
    Ok(added)
}

/// Adds a line to an invoice.
///
/// # Errors
/// What is wrong with it.
pub fn add_line(store: &Store, request: &Request, invoice: &str) -> Result<LineItem, Refusal> {
    let object = store.need("invoice", invoice, "Invoice")?;
    let before: Invoice = object.read()?;
    let given = Value::Object(request.body.clone());
    let mut ends = BTreeMap::new();
    let mut index = before.line_items.len();
    let mut line = line_of(store, &given, &object.source, &object.id, index, &mut ends)?;
    while before.line_items.iter().any(|l| l.uuid == line.uuid) {
        index += 1;
        line = line_of(store, &given, &object.source, &object.id, index, &mut ends)?;
    }
    store.add_part(&line.uuid, Kind::Line.word(), &object.id, &object.source, line.external_id.as_deref())?;
    let record: Customer = store.need("customer", &before.customer_uuid, "Customer")?.read()?;
    let owner = Owner { record, about: object.about.clone() };
    let added = line.clone();
    edit(store, request, &object, |invoice, arrival| {
        subscribe(store, &line, &owner, &ends, arrival)?;
        invoice.line_items.push(line);
        Ok(())
    })?;
    Ok(added)
}

/// Changes a part: the fields that are given, checked as a whole.
///
/// # Errors
/// That there is no such part, or what is wrong.
pub fn change(store: &Store, request: &Request, kind: Kind, which: Which<'_>) -> Result<Value, Refusal> {
    let (object, id) = find(store, kind, which)?;
    let before: Invoice = object.read()?;
    let mut whole = answer(&before, kind, &id)?;
    let external = whole.get("external_id").cloned().unwrap_or(Value::Null);
    if let Some(fields) = whole.as_object_mut() {
        for (name, value) in &request.body {
            if !["uuid", "subscription_uuid"].contains(&name.as_str()) {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
    let new_external = whole.get("external_id").cloned().unwrap_or(Value::Null);
    if new_external == external
        && let Some(fields) = whole.as_object_mut()
    {
        // It would be found to be taken, by itself.
        fields.remove("external_id");
    }
    let mut ends = BTreeMap::new();
    match kind {
        Kind::Line => {
            let mut line = line_of(store, &whole, &object.source, &object.id, 0, &mut ends)?;
            line.uuid.clone_from(&id);
            line.external_id = new_external.as_str().map(str::to_string);
            rename(store, &id, line.external_id.as_deref())?;
            let record: Customer = store.need("customer", &before.customer_uuid, "Customer")?.read()?;
            let owner = Owner { record, about: object.about.clone() };
            edit(store, request, &object, |invoice, arrival| {
                subscribe(store, &line, &owner, &ends, arrival)?;
                invoice.line_items.iter_mut().filter(|l| l.uuid == id).for_each(|l| *l = line.clone());
                Ok(())
            })?;
            tidy(store, &object.about)?;
        }
        Kind::Transaction => {
            let mut one = transaction_of(store, &whole, &object.source, &object.id, 0)?;
            one.uuid.clone_from(&id);
            one.external_id = new_external.as_str().map(str::to_string);
            rename(store, &id, one.external_id.as_deref())?;
            edit(store, request, &object, |invoice, _| {
                invoice.transactions.iter_mut().filter(|t| t.uuid == id).for_each(|t| *t = one.clone());
                Ok(())
            })?;
        }
    }
    read(store, kind, Which::Id(&id))
}

fn rename(store: &Store, id: &str, external: Option<&str>) -> Result<(), Refusal> {
    store
        .db()
        .execute("UPDATE mogul_parts SET external = ?2 WHERE id = ?1", rusqlite::params![id, external])?;
    Ok(())
}

/// Takes a part out, or in again.
///
/// # Errors
/// That there is no such part, or what is wrong.
pub fn disable(store: &Store, request: &Request, kind: Kind, which: Which<'_>) -> Result<Value, Refusal> {
    let (object, id) = find(store, kind, which)?;
    let mut fields = Fields::of(&request.body);
    let disabled = fields.flag("disabled").unwrap_or(true);
    refuse(fields.wrong)?;
    let at = disabled.then_some(request.now);
    let invoice = edit(store, request, &object, |invoice, _| {
        for line in invoice.line_items.iter_mut().filter(|l| l.uuid == id) {
            (line.disabled, line.disabled_at) = (disabled, at);
        }
        for one in invoice.transactions.iter_mut().filter(|t| t.uuid == id) {
            (one.disabled, one.disabled_at) = (disabled, at);
        }
        Ok(())
    })?;
    answer(&invoice, kind, &id)
}

/// Takes a part away.
///
/// # Errors
/// That there is no such part.
pub fn remove(store: &Store, request: &Request, kind: Kind, which: Which<'_>) -> Result<(), Refusal> {
    let (object, id) = find(store, kind, which)?;
    store.db().execute("DELETE FROM mogul_parts WHERE id = ?1", [&id])?;
    edit(store, request, &object, |invoice, _| {
        invoice.line_items.retain(|line| line.uuid != id);
        invoice.transactions.retain(|one| one.uuid != id);
        Ok(())
    })?;
    tidy(store, &object.about)
}

/// The customer that a body names by data source and id there.
pub(super) fn record_of(store: &Store, fields: &Map<String, Value>) -> Result<Object, Refusal> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let found = store.by_external("customer", text("data_source_uuid"), text("customer_external_id"))?;
    let object = found.ok_or(Refusal::NotFound("Customer"))?;
    customers::find(store, &object.about)?;
    Ok(object)
}
