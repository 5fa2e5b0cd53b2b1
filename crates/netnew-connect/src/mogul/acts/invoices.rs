//! Invoices: imported, changed, taken away.

use super::{Request, customers, refuse};
use crate::mogul::store::{New, Which};
use crate::mogul::{Object, Refusal, Store};
use netnew_mogul::Wrong;
use netnew_mogul::checks::Fields;
use netnew_mogul::ids;
use netnew_mogul::shapes::{Customer, Invoice, LineItem, Subscription, Transaction};
use netnew_money::Instant;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Whose invoice it is.
pub(super) struct Owner {
    /// The record it was sent for.
    pub(super) record: Customer,
    /// The customer that it belongs to, merged or not.
    pub(super) about: String,
}

/// Imports a customer's invoices, all or none.
///
/// # Errors
/// What is wrong, by invoice.
pub fn import(store: &Store, request: &Request, customer: &str) -> Result<Vec<Invoice>, Refusal> {
    let object = customers::find(store, customer)?;
    let mut fields = Fields::of(&request.body);
    let list = fields.list("invoices");
    if list.is_empty() {
        fields.wrong.add("invoices", "can't be blank");
    }
    refuse(fields.wrong)?;
    let own: Customer = object.read()?;
    // Only a merged customer has more than one record.
    let mut records: Option<Vec<Customer>> = None;
    let arrival = store.arrive(&object.source, request.now.micros(), &request.record)?;
    let (mut done, mut failed): (Vec<Invoice>, Vec<Value>) = (Vec::new(), Vec::new());
    for one in list {
        let Some(given) = one.as_object() else {
            failed.push(json!({"errors": {"base": ["must be an object"]}}));
            continue;
        };
        let mut fields = Fields::of(given);
        let (source, external) = (fields.text("data_source_uuid"), fields.text("customer_external_id"));
        let is_own = source.as_ref().is_none_or(|s| *s == own.data_source_uuid)
            && external.as_ref().is_none_or(|e| *e == own.external_id);
        let record = if is_own {
            Some(own.clone())
        } else {
            if records.is_none() {
                records = Some(customers::records(store, customer)?);
            }
            let fits = |r: &&Customer| {
                source.as_ref().is_none_or(|s| *s == r.data_source_uuid)
                    && external.as_ref().is_none_or(|e| *e == r.external_id)
            };
            records.iter().flatten().find(fits).cloned()
        };
        let result = match record {
            None => Err(Refusal::Wrong(Wrong::one(
                "customer_external_id",
                "Customer not found in this data source",
            ))),
            Some(record) => {
                let owner = Owner { record, about: object.id.clone() };
                add(store, given, &owner, arrival)
            }
        };
        match result {
            Ok(invoice) => done.push(invoice),
            Err(Refusal::Wrong(wrong)) => {
                failed.push(json!({"external_id": given.get("external_id"), "errors": wrong.to_lists()}));
            }
            Err(other) => return Err(other),
        }
    }
    if !failed.is_empty() {
        let errors = failed[0]["errors"].clone();
        return Err(Refusal::WrongBody(json!({"errors": errors, "invoices": failed})));
    }
    store.open(&object.id, arrival)?;
    Ok(done)
}

/// Takes one invoice in.
pub(super) fn add(
    store: &Store,
    given: &Map<String, Value>,
    owner: &Owner,
    arrival: i64,
) -> Result<Invoice, Refusal> {
    let source = owner.record.data_source_uuid.as_str();
    let mut fields = Fields::of(given);
    let external = fields.required("external_id", "can't be blank");
    let date = fields.required_date("date", "can't be blank");
    let due_date = fields.date("due_date");
    let currency = fields.currency("currency").unwrap_or_default();
    if currency.is_empty() && !fields.has("currency") {
        fields.wrong.add("currency", "can't be blank");
    }
    let lines = fields.list("line_items");
    if lines.is_empty() {
        fields.wrong.add("line_items", "can't be blank");
    }
    let transactions = fields.list("transactions");
    let mut wrong = fields.wrong;
    let uuid = ids::id("inv", &[source, &external]);
    if !external.is_empty() && store.by_external("invoice", source, &external)?.is_some() {
        wrong.add("external_id", "The external ID for this invoice already exists in our system.");
    }
    let mut ends: BTreeMap<String, Vec<Instant>> = BTreeMap::new();
    let mut line_items = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        match line_of(store, line, source, &uuid, index, &mut ends) {
            Ok(line) => line_items.push(line),
            Err(Refusal::Wrong(more)) => {
                more.0.into_iter().for_each(|(f, w)| wrong.add(&format!("line_items.{f}"), &w))
            }
            Err(other) => return Err(other),
        }
    }
    let mut paid = Vec::with_capacity(transactions.len());
    for (index, transaction) in transactions.iter().enumerate() {
        match transaction_of(store, transaction, source, &uuid, index) {
            Ok(transaction) => paid.push(transaction),
            Err(Refusal::Wrong(more)) => {
                more.0.into_iter().for_each(|(f, w)| wrong.add(&format!("transactions.{f}"), &w))
            }
            Err(other) => return Err(other),
        }
    }
    refuse(wrong)?;
    let invoice = Invoice {
        uuid,
        date,
        due_date,
        errors: Map::new(),
        external_id: external,
        currency,
        customer_uuid: owner.record.uuid.clone(),
        customer_external_id: Some(owner.record.external_id.clone()),
        data_source_uuid: source.to_string(),
        status: None,
        disabled: false,
        disabled_at: None,
        line_items,
        transactions: paid,
    };
    put(store, &invoice, owner, arrival)?;
    for line in &invoice.line_items {
        subscribe(store, line, owner, &ends, arrival)?;
    }
    Ok(invoice)
}

fn put(store: &Store, invoice: &Invoice, owner: &Owner, arrival: i64) -> Result<(), Refusal> {
    store.insert(
        New {
            id: &invoice.uuid,
            kind: "invoice",
            source: &invoice.data_source_uuid,
            external: Some(&invoice.external_id),
            about: &owner.about,
            search: None,
            arrival: Some(arrival),
        },
        invoice,
    )?;
    for line in &invoice.line_items {
        let external = line.external_id.as_deref();
        store.add_part(&line.uuid, "line_item", &invoice.uuid, &invoice.data_source_uuid, external)?;
    }
    for one in &invoice.transactions {
        let external = one.external_id.as_deref();
        store.add_part(&one.uuid, "transaction", &invoice.uuid, &invoice.data_source_uuid, external)?;
    }
    Ok(())
}

/// The uuid of a part: by its external id, or else by its place in the invoice.
fn part_id(prefix: &str, source: &str, external: Option<&str>, invoice: &str, index: usize) -> String {
    match external {
        Some(external) => ids::id(prefix, &[source, external]),
        None => ids::id(prefix, &[source, invoice, &index.to_string()]),
    }
}

fn object_of(value: &Value) -> Result<&Map<String, Value>, Refusal> {
    value.as_object().ok_or_else(|| Refusal::Wrong(Wrong::one("base", "must be an object")))
}

/// Reads a line item.
pub(super) fn line_of(
    store: &Store,
    given: &Value,
    source: &str,
    invoice: &str,
    index: usize,
    ends: &mut BTreeMap<String, Vec<Instant>>,
) -> Result<LineItem, Refusal> {
    let mut fields = Fields::of(object_of(given)?);
    let kind = fields.word("type", &["subscription", "one_time", "trial"]).unwrap_or_default();
    if kind.is_empty() {
        fields.wrong.add("type", "can't be blank");
    }
    let external_id = fields.text("external_id");
    let amount = fields.number("amount_in_cents");
    if amount.is_none() && !fields.has("amount_in_cents") && kind != "trial" {
        fields.wrong.add("amount_in_cents", "can't be blank");
    }
    let recurs = kind != "one_time";
    let subscription = recurs.then(|| fields.required("subscription_external_id", "can't be blank"));
    let start = recurs.then(|| fields.required_date("service_period_start", "is required"));
    let end = if recurs { fields.date("service_period_end") } else { None };
    if kind == "subscription" && end.is_none() {
        fields.wrong.add("service_period_end", "is required");
    }
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        fields.wrong.add("service_period_end", "must not be before service_period_start");
    }
    let plan_uuid = if recurs { plan_of(store, &mut fields, source, kind == "subscription")? } else { None };
    let cancelled_at = fields.date("cancelled_at");
    if let (Some(subscription), Some(at)) = (&subscription, cancelled_at) {
        ends.entry(subscription.clone()).or_default().push(at);
    }
    if let Some(external) = &external_id
        && store.part("line_item", Which::External(source, external))?.is_some()
    {
        fields.wrong.add("external_id", "The external ID for this line item already exists in our system.");
    }
    let line = LineItem {
        uuid: part_id("li", source, external_id.as_deref(), invoice, index),
        external_id,
        kind,
        subscription_uuid: subscription.as_ref().map(|s| ids::id("sub", &[source, s])),
        subscription_external_id: subscription,
        subscription_set_external_id: fields.text("subscription_set_external_id").filter(|_| recurs),
        prorated: fields.flag("prorated").unwrap_or(false),
        proration_type: fields.word("proration_type", &["differential", "full", "differential_mrr"]),
        service_period_start: start,
        service_period_end: end,
        plan_uuid,
        description: fields.text("description"),
        amount_in_cents: amount.unwrap_or(0),
        quantity: fields.number("quantity").unwrap_or(1),
        discount_code: fields.text("discount_code").unwrap_or_default(),
        discount_amount_in_cents: fields.number("discount_amount_in_cents").unwrap_or(0),
        discount_description: fields.text("discount_description"),
        tax_amount_in_cents: fields.number("tax_amount_in_cents").unwrap_or(0),
        transaction_fees_in_cents: fields.number("transaction_fees_in_cents").unwrap_or(0),
        transaction_fees_currency: fields.currency("transaction_fees_currency"),
        account_code: fields.text("account_code").unwrap_or_default(),
        event_order: fields.number("event_order"),
        disabled: false,
        disabled_at: None,
    };
    if line.quantity < 0 {
        fields.wrong.add("quantity", "must not be below 0");
    }
    refuse(fields.wrong)?;
    Ok(line)
}

fn plan_of(
    store: &Store,
    fields: &mut Fields<'_>,
    source: &str,
    needed: bool,
) -> Result<Option<String>, Refusal> {
    let (uuid, external) = (fields.text("plan_uuid"), fields.text("plan_external_id"));
    let found = match (&uuid, &external) {
        (Some(uuid), _) => store.get("plan", uuid)?,
        (None, Some(external)) => store.by_external("plan", source, external)?,
        (None, None) => {
            if needed {
                fields.wrong.add("plan_uuid", "can't be blank");
            }
            return Ok(None);
        }
    };
    if found.is_none() {
        fields.wrong.add("plan_uuid", "Plan not found");
    }
    Ok(found.map(|plan| plan.id))
}

/// Reads a transaction.
pub(super) fn transaction_of(
    store: &Store,
    given: &Value,
    source: &str,
    invoice: &str,
    index: usize,
) -> Result<Transaction, Refusal> {
    let mut fields = Fields::of(object_of(given)?);
    let kind = fields.word("type", &["payment", "refund"]).unwrap_or_default();
    if kind.is_empty() {
        fields.wrong.add("type", "can't be blank");
    }
    let result = fields.word("result", &["successful", "failed"]).unwrap_or_default();
    if result.is_empty() {
        fields.wrong.add("result", "can't be blank");
    }
    let external_id = fields.text("external_id");
    if let Some(external) = &external_id
        && store.part("transaction", Which::External(source, external))?.is_some()
    {
        fields.wrong.add("external_id", "The external ID for this transaction already exists in our system.");
    }
    let transaction = Transaction {
        uuid: part_id("tr", source, external_id.as_deref(), invoice, index),
        external_id,
        kind,
        date: fields.required_date("date", "can't be blank"),
        result,
        amount_in_cents: fields.number("amount_in_cents"),
        transaction_fees_in_cents: fields.number("transaction_fees_in_cents"),
        transaction_fees_currency: fields.currency("transaction_fees_currency"),
        disabled: false,
        disabled_at: None,
    };
    refuse(fields.wrong)?;
    Ok(transaction)
}

/// Makes the subscription that a line names, or tells it what is new of it.
pub(super) fn subscribe(
    store: &Store,
    line: &LineItem,
    owner: &Owner,
    ends: &BTreeMap<String, Vec<Instant>>,
    arrival: i64,
) -> Result<(), Refusal> {
    let (Some(uuid), Some(external)) = (&line.subscription_uuid, &line.subscription_external_id) else {
        return Ok(());
    };
    let known = store.get("subscription", uuid)?;
    let before: Option<Subscription> = known.as_ref().map(Object::read).transpose()?;
    let mut now = before.clone().unwrap_or_else(|| Subscription {
        uuid: uuid.clone(),
        external_id: external.clone(),
        subscription_set_external_id: None,
        cancellation_dates: Vec::new(),
        plan_uuid: None,
        customer_uuid: owner.record.uuid.clone(),
        data_source_uuid: owner.record.data_source_uuid.clone(),
        chain: None,
    });
    now.plan_uuid = line.plan_uuid.clone().or(now.plan_uuid);
    now.subscription_set_external_id =
        line.subscription_set_external_id.clone().or(now.subscription_set_external_id);
    for at in ends.get(external).into_iter().flatten() {
        if !now.cancellation_dates.contains(at) {
            now.cancellation_dates.push(*at);
            now.cancellation_dates.sort();
        }
    }
    match before {
        Some(before) if before == now => Ok(()),
        Some(_) => store.rewrite(uuid, &now, Some(arrival)),
        None => {
            let new = New {
                id: uuid,
                kind: "subscription",
                source: &now.data_source_uuid,
                external: Some(external),
                about: &owner.about,
                search: None,
                arrival: Some(arrival),
            };
            store.insert(new, &now).map(|_| ())
        }
    }
}

/// An invoice by its id, or by its data source and id there.
///
/// # Errors
/// That it is not there.
pub fn find(store: &Store, which: Which<'_>) -> Result<Object, Refusal> {
    let found = match which {
        Which::Id(id) => store.get("invoice", id)?,
        Which::External(source, external) => store.by_external("invoice", source, external)?,
    };
    found.ok_or(Refusal::NotFound("Invoice"))
}

/// Changes an invoice and writes it back; its customer is told anew.
pub(super) fn edit(
    store: &Store,
    request: &Request,
    object: &Object,
    change: impl FnOnce(&mut Invoice, i64) -> Result<(), Refusal>,
) -> Result<Invoice, Refusal> {
    let mut invoice: Invoice = object.read()?;
    let arrival = store.arrive(&object.source, request.now.micros(), &request.record)?;
    change(&mut invoice, arrival)?;
    store.rewrite(&object.id, &invoice, Some(arrival))?;
    store.open(&object.about, arrival)?;
    Ok(invoice)
}

/// Takes an invoice out, or in again.
///
/// # Errors
/// That it is not there, or what is wrong.
pub fn disable(store: &Store, request: &Request, which: Which<'_>) -> Result<Invoice, Refusal> {
    let object = find(store, which)?;
    let mut fields = Fields::of(&request.body);
    let disabled = fields.flag("disabled").unwrap_or(true);
    refuse(fields.wrong)?;
    edit(store, request, &object, |invoice, _| {
        invoice.disabled = disabled;
        invoice.disabled_at = disabled.then_some(request.now);
        Ok(())
    })
}

/// Changes what an invoice says of itself: its date, when it is due, its currency, its status.
///
/// # Errors
/// That it is not there, or what is wrong.
pub fn change(store: &Store, request: &Request, which: Which<'_>) -> Result<Invoice, Refusal> {
    let object = find(store, which)?;
    let mut fields = Fields::of(&request.body);
    let (date, due, currency) = (fields.date("date"), fields.date("due_date"), fields.currency("currency"));
    let status = fields.word("status", &["voided", "written_off", "open", "paid", "due"]);
    let due_given = fields.has("due_date");
    refuse(fields.wrong)?;
    edit(store, request, &object, |invoice, _| {
        invoice.date = date.unwrap_or(invoice.date);
        invoice.due_date = if due_given { due } else { invoice.due_date };
        invoice.currency = currency.unwrap_or_else(|| invoice.currency.clone());
        if let Some(status) = status {
            invoice.status = matches!(status.as_str(), "voided" | "written_off").then_some(status);
        }
        Ok(())
    })
}

/// Takes an invoice away, and the subscriptions that nothing names any more.
///
/// # Errors
/// That it is not there.
pub fn remove(store: &Store, request: &Request, which: Which<'_>) -> Result<(), Refusal> {
    let object = find(store, which)?;
    let arrival = store.arrive(&object.source, request.now.micros(), &request.record)?;
    store.remove_parts(&object.id)?;
    store.remove(&object.id)?;
    tidy(store, &object.about)?;
    store.open(&object.about, arrival)
}

/// Takes away every invoice of a customer that came by one data source.
///
/// # Errors
/// That either is not there.
pub fn remove_all(store: &Store, request: &Request, source: &str, customer: &str) -> Result<(), Refusal> {
    store.need("data_source", source, "Data source")?;
    let object = customers::find(store, customer)?;
    let arrival = store.arrive(source, request.now.micros(), &request.record)?;
    for one in store.about(&object.id)?.iter().filter(|o| o.kind == "invoice" && o.source == source) {
        store.remove_parts(&one.id)?;
        store.remove(&one.id)?;
    }
    tidy(store, &object.id)?;
    store.open(&object.id, arrival)
}

/// Takes away the subscriptions of a customer that no line and no event names.
pub(super) fn tidy(store: &Store, about: &str) -> Result<(), Refusal> {
    let all = store.about(about)?;
    let mut named: BTreeSet<(String, String)> = BTreeSet::new();
    for object in &all {
        let body: Value = match object.kind.as_str() {
            "invoice" | "event" => object.read()?,
            _ => continue,
        };
        let lines = body.get("line_items").and_then(Value::as_array);
        let texts =
            lines.into_iter().flatten().chain([&body]).filter_map(|v| v.get("subscription_external_id"));
        named.extend(texts.filter_map(Value::as_str).map(|t| (object.source.clone(), t.to_string())));
    }
    for object in all.iter().filter(|o| o.kind == "subscription") {
        let key = (object.source.clone(), object.external.clone().unwrap_or_default());
        if !named.contains(&key) {
            store.remove(&object.id)?;
        }
    }
    Ok(())
}
