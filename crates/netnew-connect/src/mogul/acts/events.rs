//! Subscription events.

use super::{Request, parts, refuse};
use crate::mogul::store::New;
use crate::mogul::{Object, Refusal, Store};
use netnew_mogul::Wrong;
use netnew_mogul::checks::Fields;
use netnew_mogul::history::{event_has_amount, event_types};
use netnew_mogul::ids;
use netnew_mogul::shapes::{Customer, Subscription, SubscriptionEvent};
use serde_json::{Map, Value};

/// The event inside a body, in its envelope or without.
pub fn inner(body: &Map<String, Value>) -> Map<String, Value> {
    match body.get("subscription_event") {
        Some(Value::Object(event)) => event.clone(),
        _ => body.clone(),
    }
}

/// Adds an event.
///
/// # Errors
/// What is wrong with it.
pub fn add(store: &Store, request: &Request) -> Result<SubscriptionEvent, Refusal> {
    let given = inner(&request.body);
    let mut event = read(&given, None, request)?;
    let record = parts::record_of(store, &given)?;
    unused(store, &event, None)?;
    let arrival = store.arrive(&record.source, request.now.micros(), &request.record)?;
    let new = New {
        id: "",
        kind: "event",
        source: &record.source,
        external: event.external_id.as_deref(),
        about: &record.about,
        search: None,
        arrival: Some(arrival),
    };
    let made: i64 =
        store.db().query_row("SELECT coalesce(max(n), 0) FROM mogul_objects", [], |row| row.get(0))?;
    let unique = match &event.external_id {
        Some(external) => ids::id("ev", &[&record.source, external, &made.to_string()]),
        None => ids::id("ev", &[&record.source, &made.to_string()]),
    };
    event.id = ids::number(&unique);
    let id = event_id(event.id);
    store.insert(New { id: &id, ..new }, &event)?;
    subscribe(store, &event, &record, arrival)?;
    store.open(&record.about, arrival)?;
    Ok(event)
}

fn event_id(number: i64) -> String {
    format!("ev_{number}")
}

/// The subscription that an event names, if nothing has named it before.
fn subscribe(store: &Store, event: &SubscriptionEvent, record: &Object, arrival: i64) -> Result<(), Refusal> {
    let Some(external) = &event.subscription_external_id else { return Ok(()) };
    let uuid = ids::id("sub", &[&record.source, external]);
    if store.get("subscription", &uuid)?.is_some() {
        return Ok(());
    }
    let plan = event.plan_external_id.as_ref();
    let plan = plan.map(|p| store.by_external("plan", &record.source, p)).transpose()?.flatten();
    let subscription = Subscription {
        uuid: uuid.clone(),
        external_id: external.clone(),
        subscription_set_external_id: event.subscription_set_external_id.clone(),
        cancellation_dates: Vec::new(),
        plan_uuid: plan.map(|p| p.id),
        customer_uuid: record.id.clone(),
        data_source_uuid: record.source.clone(),
        chain: None,
    };
    let new = New {
        id: &uuid,
        kind: "subscription",
        source: &record.source,
        external: Some(external),
        about: &record.about,
        search: None,
        arrival: Some(arrival),
    };
    store.insert(new, &subscription).map(|_| ())
}

fn unused(store: &Store, event: &SubscriptionEvent, own: Option<&str>) -> Result<(), Refusal> {
    let Some(external) = &event.external_id else { return Ok(()) };
    match store.by_external("event", &event.data_source_uuid, external)? {
        Some(other) if Some(other.id.as_str()) != own => Err(Refusal::Wrong(Wrong::one(
            "external_id",
            "The external ID for this subscription event already exists in our system.",
        ))),
        _ => Ok(()),
    }
}

fn read(
    given: &Map<String, Value>,
    before: Option<&SubscriptionEvent>,
    request: &Request,
) -> Result<SubscriptionEvent, Refusal> {
    let mut fields = Fields::of(given);
    let kind = fields.required("event_type", "can't be blank");
    if !kind.is_empty() && !event_types().any(|t| t == kind) {
        fields.wrong.add("event_type", "is not a type of subscription events");
    }
    let event = SubscriptionEvent {
        id: before.map_or(0, |b| b.id),
        data_source_uuid: fields.required("data_source_uuid", "can't be blank"),
        customer_external_id: fields.required("customer_external_id", "can't be blank"),
        subscription_set_external_id: fields.text("subscription_set_external_id"),
        subscription_external_id: fields.text("subscription_external_id"),
        plan_external_id: fields.text("plan_external_id"),
        event_date: fields.required_date("event_date", "can't be blank"),
        effective_date: fields.required_date("effective_date", "can't be blank"),
        external_id: fields.text("external_id"),
        errors: Map::new(),
        created_at: before.map_or(request.now, |b| b.created_at),
        updated_at: request.now,
        quantity: fields.number("quantity"),
        currency: fields.currency("currency"),
        amount_in_cents: fields.number("amount_in_cents"),
        tax_amount_in_cents: fields.number("tax_amount_in_cents"),
        retracted_event_id: fields.text("retracted_event_id"),
        event_order: fields.number("event_order"),
        disabled: before.is_some_and(|b| b.disabled),
        disabled_at: before.and_then(|b| b.disabled_at),
        event_type: kind,
    };
    let mut wrong = fields.wrong;
    if event_has_amount(&event.event_type) {
        for (name, missing) in [
            ("subscription_external_id", event.subscription_external_id.is_none()),
            ("plan_external_id", event.plan_external_id.is_none()),
            ("currency", event.currency.is_none() && !wrong.0.iter().any(|(f, _)| f == "currency")),
            ("amount_in_cents", event.amount_in_cents.is_none()),
        ] {
            if missing {
                wrong.add(name, "can't be blank");
            }
        }
    }
    refuse(wrong)?;
    Ok(event)
}

/// The event that a request names: by its number, or by data source and id there.
///
/// # Errors
/// That it is not there.
pub fn find(store: &Store, named: &Map<String, Value>) -> Result<Object, Refusal> {
    let mut fields = Fields::of(named);
    let found = match (fields.number("id"), fields.text("data_source_uuid"), fields.text("external_id")) {
        (Some(id), _, _) => store.get("event", &event_id(id))?,
        (None, Some(source), Some(external)) => store.by_external("event", &source, &external)?,
        _ => None,
    };
    found.ok_or(Refusal::NotFound("Subscription event"))
}

/// Changes an event.
///
/// # Errors
/// That it is not there, or what is wrong.
pub fn change(store: &Store, request: &Request) -> Result<SubscriptionEvent, Refusal> {
    let given = inner(&request.body);
    let object = find(store, &given)?;
    let before: SubscriptionEvent = object.read()?;
    let mut whole = serde_json::to_value(&before)?;
    if let Some(fields) = whole.as_object_mut() {
        fields.extend(given.into_iter().filter(|(name, _)| name != "id" && name != "data_source_uuid"));
    }
    let whole = whole.as_object().cloned().unwrap_or_default();
    let event = read(&whole, Some(&before), request)?;
    unused(store, &event, Some(&object.id))?;
    save(store, request, &object, &event)?;
    Ok(event)
}

fn save(store: &Store, request: &Request, object: &Object, event: &SubscriptionEvent) -> Result<(), Refusal> {
    let arrival = store.arrive(&object.source, request.now.micros(), &request.record)?;
    let new = New {
        id: &object.id,
        external: event.external_id.as_deref(),
        about: &object.about,
        arrival: Some(arrival),
        ..New::default()
    };
    store.update(new, event)?;
    let record = parts::record_of(store, serde_json::to_value(event)?.as_object().unwrap_or(&Map::new()))?;
    subscribe(store, event, &record, arrival)?;
    super::invoices::tidy(store, &object.about)?;
    store.open(&object.about, arrival)
}

/// Takes an event out, or in again.
///
/// # Errors
/// That it is not there, or what is wrong.
pub fn disable(store: &Store, request: &Request, object: &Object) -> Result<SubscriptionEvent, Refusal> {
    let mut fields = Fields::of(&request.body);
    let disabled = fields.flag("disabled").unwrap_or(true);
    refuse(fields.wrong)?;
    let mut event: SubscriptionEvent = object.read()?;
    event.disabled = disabled;
    event.disabled_at = disabled.then_some(request.now);
    save(store, request, object, &event)?;
    Ok(event)
}

/// Takes an event away.
///
/// # Errors
/// That it is not there.
pub fn remove(store: &Store, request: &Request, named: &Map<String, Value>) -> Result<(), Refusal> {
    let object = find(store, named)?;
    let arrival = store.arrive(&object.source, request.now.micros(), &request.record)?;
    store.remove(&object.id)?;
    super::invoices::tidy(store, &object.about)?;
    store.open(&object.about, arrival)
}

/// The customers' records that a customer is made of, by data source and id there.
pub(crate) fn account<'a>(records: &'a [Customer], event: &SubscriptionEvent) -> Option<&'a Customer> {
    records
        .iter()
        .find(|r| r.data_source_uuid == event.data_source_uuid && r.external_id == event.customer_external_id)
}
