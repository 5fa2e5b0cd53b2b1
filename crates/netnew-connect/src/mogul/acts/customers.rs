//! Customers: made, changed, merged, taken away; their tags and custom attributes.

use super::{Request, refuse};
use crate::mogul::store::New;
use crate::mogul::{Object, Refusal, Store};
use netnew_mogul::Wrong;
use netnew_mogul::checks::{self, Fields};
use netnew_mogul::ids;
use netnew_mogul::shapes::Customer;
use serde_json::Value;

const EXISTS: &str = "The external ID for this customer already exists in our system.";

/// Makes a customer.
///
/// # Errors
/// What is wrong with it.
pub fn add(store: &Store, request: &Request) -> Result<Customer, Refusal> {
    let mut fields = Fields::of(&request.body);
    let source = fields.required("data_source_uuid", "can't be blank");
    let external = fields.required("external_id", "can't be blank");
    let mut customer = Customer::default();
    take(&mut fields, &mut customer);
    refuse(fields.wrong)?;
    let source = store.need("data_source", &source, "Data source")?;
    if store.by_external("customer", &source.id, &external)?.is_some() {
        return Err(Refusal::Wrong(Wrong::one("external_id", EXISTS)));
    }
    customer.book_id = book_id(store, &source, &external)?;
    customer.uuid = ids::id("cus", &[&source.id, &external]);
    customer.data_source_uuid.clone_from(&source.id);
    customer.external_id = external;
    let arrival = store.arrive(&source.id, request.now.micros(), &request.record)?;
    let email = customer.email.to_lowercase();
    store.insert(
        New {
            id: &customer.uuid,
            kind: "customer",
            source: &source.id,
            external: Some(&customer.external_id),
            about: &customer.uuid,
            search: Some(&email),
            arrival: Some(arrival),
        },
        &customer,
    )?;
    store.open(&customer.uuid, arrival)?;
    Ok(customer)
}

/// The id that facts carry: the external id, unless another data source of this API has a customer of that id, who is
/// somebody else until they are merged.
fn book_id(store: &Store, source: &Object, external: &str) -> Result<String, Refusal> {
    let clash: bool = store
        .db()
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM mogul_objects WHERE kind IN ('customer', 'gone') AND source <> ?1 \
             AND json_extract(body, '$.book_id') = ?2)",
        )?
        .query_row([&source.id, external], |row| row.get(0))?;
    Ok(match clash {
        false => external.to_string(),
        true => format!("{external} ({})", super::basics::source_name(source)?),
    })
}

/// The fields that a request may set.
fn take(fields: &mut Fields<'_>, customer: &mut Customer) {
    let plain = |fields: &mut Fields<'_>, name: &str, slot: &mut String| {
        if fields.has(name) {
            *slot = fields.text(name).unwrap_or_default();
        }
    };
    plain(fields, "name", &mut customer.name);
    plain(fields, "email", &mut customer.email);
    plain(fields, "company", &mut customer.company);
    let optional = |fields: &mut Fields<'_>, name: &str, slot: &mut Option<String>| {
        if fields.has(name) {
            *slot = fields.text(name);
        }
    };
    optional(fields, "country", &mut customer.country);
    optional(fields, "state", &mut customer.state);
    optional(fields, "city", &mut customer.city);
    optional(fields, "zip", &mut customer.zip);
    optional(fields, "owner", &mut customer.owner);
    optional(fields, "website_url", &mut customer.website_url);
    if fields.has("lead_created_at") {
        customer.lead_created_at = fields.date("lead_created_at");
    }
    if fields.has("free_trial_started_at") {
        customer.free_trial_started_at = fields.date("free_trial_started_at");
    }
    if customer.country.as_ref().is_some_and(|c| c.len() != 2) {
        fields.wrong.add("country", "must be a code of two letters");
    }
    let Some(Value::Object(attributes)) = fields.value("attributes") else { return };
    let mut inner = Fields::of(attributes);
    if inner.has("tags") {
        customer.tags = inner.texts("tags");
    }
    fields.wrong.0.append(&mut inner.wrong.0);
    if let Some(custom) = attributes.get("custom").filter(|v| !v.is_null()) {
        match checks::custom(custom) {
            Ok(pairs) => customer.custom.extend(pairs),
            Err(mut wrong) => fields.wrong.0.append(&mut wrong.0),
        }
    }
}

/// A customer by its id; of a merged one the whole that it was merged into answers under its own id only.
///
/// # Errors
/// That it is not there.
pub fn find(store: &Store, uuid: &str) -> Result<Object, Refusal> {
    let object = store.need("customer", uuid, "Customer")?;
    if object.about == object.id { Ok(object) } else { Err(Refusal::NotFound("Customer")) }
}

/// Every record of a customer, its own first, then those merged into it.
///
/// # Errors
/// A catalog that cannot be read.
pub fn records(store: &Store, uuid: &str) -> Result<Vec<Customer>, Refusal> {
    let mut out: Vec<Customer> = Vec::new();
    for object in store.about(uuid)?.iter().filter(|o| o.kind == "customer") {
        let customer: Customer = object.read()?;
        if object.id == uuid { out.insert(0, customer) } else { out.push(customer) }
    }
    Ok(out)
}

fn save(store: &Store, request: &Request, object: &Object, customer: &Customer) -> Result<(), Refusal> {
    let arrival = store.arrive(&object.source, request.now.micros(), &request.record)?;
    let email = customer.email.to_lowercase();
    store.update(
        New {
            id: &object.id,
            external: Some(&customer.external_id),
            about: &object.about,
            search: Some(&email),
            arrival: Some(arrival),
            ..New::default()
        },
        customer,
    )?;
    store.open(&object.about, arrival)
}

/// Changes a customer.
///
/// # Errors
/// What is wrong with it.
pub fn change(store: &Store, request: &Request, uuid: &str) -> Result<Customer, Refusal> {
    let object = find(store, uuid)?;
    let mut customer: Customer = object.read()?;
    let mut fields = Fields::of(&request.body);
    take(&mut fields, &mut customer);
    refuse(fields.wrong)?;
    save(store, request, &object, &customer)?;
    Ok(customer)
}

/// Takes a customer away with all that belongs to it.
///
/// # Errors
/// That it is not there.
pub fn remove(store: &Store, request: &Request, uuid: &str) -> Result<(), Refusal> {
    let object = find(store, uuid)?;
    let arrival = store.arrive(&object.source, request.now.micros(), &request.record)?;
    for one in store.about(uuid)? {
        match one.kind.as_str() {
            "customer" => bury(store, &one, arrival)?,
            "invoice" => {
                store.remove_parts(&one.id)?;
                store.remove(&one.id)?;
            }
            "gone" => {}
            _ => store.remove(&one.id)?,
        }
    }
    Ok(())
}

/// What is left of a customer that was taken away: enough to withdraw its facts.
pub(super) fn bury(store: &Store, object: &Object, arrival: i64) -> Result<(), Refusal> {
    store.db().execute(
        "UPDATE mogul_objects SET kind = 'gone', external = NULL, search = NULL, id = 'gone ' || n || ' ' || id WHERE id = ?1",
        [&object.id],
    )?;
    store.open(&object.about, arrival)
}

/// The customer that a merge names, by its id or by its data source and id there.
fn named(store: &Store, side: Option<&Value>) -> Result<Object, Refusal> {
    let Some(Value::Object(side)) = side else {
        return Err(Refusal::Wrong(Wrong::one("customer_uuid", "from and into each name a customer")));
    };
    let text = |name: &str| side.get(name).and_then(Value::as_str).unwrap_or_default();
    if !text("customer_uuid").is_empty() {
        return find(store, text("customer_uuid"));
    }
    let found = store.by_external("customer", text("data_source_uuid"), text("external_id"))?;
    let object = found.ok_or(Refusal::NotFound("Customer"))?;
    find(store, &object.about)
}

/// Makes two customers one.
///
/// # Errors
/// That one of them is not there, or both are the same.
pub fn merge(store: &Store, request: &Request) -> Result<(), Refusal> {
    let from = named(store, request.body.get("from"))?;
    let into = named(store, request.body.get("into"))?;
    if from.id == into.id {
        return Err(Refusal::Wrong(Wrong::one("into", "a customer cannot be merged into itself")));
    }
    let arrival = store.arrive(&from.source, request.now.micros(), &request.record)?;
    let sql = "UPDATE mogul_objects SET about = ?2, arrival = CASE WHEN kind = 'customer' THEN ?3 ELSE arrival END WHERE about = ?1";
    store.db().execute(sql, rusqlite::params![from.id, into.id, arrival])?;
    store.open(&from.id, arrival)?;
    store.open(&into.id, arrival)
}

/// Takes one record out of a merged customer again.
///
/// # Errors
/// That it is not there, or is the one that others were merged into.
pub fn unmerge(store: &Store, request: &Request) -> Result<(), Refusal> {
    let mut fields = Fields::of(&request.body);
    let uuid = fields.required("customer_uuid", "can't be blank");
    let source = fields.required("data_source_uuid", "can't be blank");
    let external = fields.required("external_id", "can't be blank");
    refuse(fields.wrong)?;
    let whole = find(store, &uuid)?;
    let found = store.by_external("customer", &source, &external)?.filter(|o| o.about == whole.id);
    let record = found.ok_or(Refusal::NotFound("Customer"))?;
    if record.id == whole.id {
        let what = "others were merged into this one: take those out";
        return Err(Refusal::Wrong(Wrong::one("external_id", what)));
    }
    let arrival = store.arrive(&record.source, request.now.micros(), &request.record)?;
    store.db().execute(
        "UPDATE mogul_objects SET about = id, arrival = ?2 WHERE id = ?1",
        rusqlite::params![record.id, arrival],
    )?;
    // What belongs to the record goes with it.
    for one in store.about(&whole.id)? {
        let body: Value = one.read()?;
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let its = text("customer_uuid") == Some(record.id.as_str())
            || (one.kind == "event"
                && one.source == source
                && text("customer_external_id") == Some(external.as_str()));
        if its {
            store.db().execute("UPDATE mogul_objects SET about = ?2 WHERE id = ?1", [&one.id, &record.id])?;
        }
    }
    store.open(&record.id, arrival)?;
    store.open(&whole.id, arrival)
}

/// Changes a customer's tags and gives those that it has then.
///
/// # Errors
/// That it is not there, or what is wrong with them.
pub fn tags(store: &Store, request: &Request, uuid: &str, add: bool) -> Result<Vec<String>, Refusal> {
    let mut fields = Fields::of(&request.body);
    let named = fields.texts("tags");
    refuse(fields.wrong)?;
    let object = find(store, uuid)?;
    let mut customer: Customer = object.read()?;
    customer.tags.retain(|tag| add || !named.contains(tag));
    for tag in named.into_iter().filter(|_| add) {
        if !customer.tags.contains(&tag) {
            customer.tags.push(tag);
        }
    }
    save(store, request, &object, &customer)?;
    Ok(customer.tags)
}

/// What is done with custom attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Custom {
    /// Set, whether they were there or not.
    Set,
    /// Taken away.
    Remove,
}

/// Changes a customer's custom attributes and gives the customer.
///
/// # Errors
/// That it is not there, or what is wrong with them.
pub fn custom(store: &Store, request: &Request, uuid: &str, how: Custom) -> Result<Customer, Refusal> {
    let object = find(store, uuid)?;
    let mut customer: Customer = object.read()?;
    match how {
        Custom::Set => {
            let Some(given) = request.body.get("custom") else {
                return Err(Refusal::Wrong(Wrong::one("custom", "can't be blank")));
            };
            customer.custom.extend(checks::custom(given)?);
        }
        Custom::Remove => {
            let mut fields = Fields::of(&request.body);
            let names = fields.texts("custom");
            refuse(fields.wrong)?;
            customer.custom.retain(|name, _| !names.contains(name));
        }
    }
    save(store, request, &object, &customer)?;
    Ok(customer)
}

/// Customers with an e-mail address, whatever the case.
///
/// # Errors
/// A catalog that cannot be read.
pub fn by_email(store: &Store, email: &str) -> Result<Vec<Object>, Refusal> {
    let asked = netnew_mogul::cursor::Asked { skip: 0, after: None, rows: 10_000, page: None };
    let conditions = [("about = id", String::new()), ("search = ?", email.trim().to_lowercase())];
    Ok(store.list("customer", &conditions, &asked, crate::mogul::Order::Oldest)?.objects)
}
