//! Subscriptions: ended, connected.

use super::{Request, customers, refuse};
use crate::mogul::{Object, Refusal, Store};
use netnew_mogul::checks::Fields;
use netnew_mogul::shapes::Subscription;
use netnew_mogul::{Wrong, dates};
use serde_json::Value;

fn with_prefix(uuid: &str) -> String {
    if uuid.starts_with("sub_") { uuid.to_string() } else { format!("sub_{uuid}") }
}

/// A subscription by its id, with its prefix or without.
///
/// # Errors
/// That it is not there.
pub fn find(store: &Store, uuid: &str) -> Result<Object, Refusal> {
    store.need("subscription", &with_prefix(uuid), "Subscription")
}

/// Says when a subscription was canceled: one more date, or all of them anew.
///
/// # Errors
/// That it is not there, or what is wrong.
pub fn cancel(store: &Store, request: &Request, uuid: &str) -> Result<Subscription, Refusal> {
    let object = find(store, uuid)?;
    let mut subscription: Subscription = object.read()?;
    let mut fields = Fields::of(&request.body);
    let at = fields.date("cancelled_at");
    let mut all = fields.has("cancellation_dates").then(Vec::new);
    for date in fields.list("cancellation_dates") {
        match date.as_str().and_then(dates::read) {
            Some(at) => all.iter_mut().for_each(|all| all.push(at)),
            None => fields.wrong.add("cancellation_dates", "is not a list of valid dates"),
        }
    }
    if at.is_none() && all.is_none() && fields.wrong.is_empty() {
        fields.wrong.add("cancelled_at", "can't be blank");
    }
    refuse(fields.wrong)?;
    if let Some(all) = all {
        subscription.cancellation_dates = all;
    }
    if let Some(at) = at
        && !subscription.cancellation_dates.contains(&at)
    {
        subscription.cancellation_dates.push(at);
    }
    subscription.cancellation_dates.sort();
    let arrival = store.arrive(&object.source, request.now.micros(), &request.record)?;
    store.rewrite(&object.id, &subscription, Some(arrival))?;
    store.open(&object.about, arrival)?;
    Ok(subscription)
}

/// Connects a customer's subscriptions, or takes them apart again.
///
/// # Errors
/// That one of them is not there or another customer's.
pub fn connect(store: &Store, request: &Request, customer: &str, connect: bool) -> Result<(), Refusal> {
    let object = customers::find(store, customer)?;
    let mut fields = Fields::of(&request.body);
    let list = fields.list("subscriptions");
    if list.is_empty() {
        fields.wrong.add("subscriptions", "can't be blank");
    }
    refuse(fields.wrong)?;
    let mut found = Vec::with_capacity(list.len());
    for one in list {
        let text = |name: &str| one.get(name).and_then(Value::as_str);
        let named = match (text("uuid"), text("data_source_uuid"), text("external_id")) {
            (Some(uuid), _, _) => store.get("subscription", &with_prefix(uuid))?,
            (None, Some(source), Some(external)) => store.by_external("subscription", source, external)?,
            _ => None,
        };
        found.push(named.filter(|o| o.about == object.id).ok_or(Refusal::NotFound("Subscription"))?);
    }
    if connect && found.len() < 2 {
        return Err(Refusal::Wrong(Wrong::one("subscriptions", "name at least two")));
    }
    let arrival = store.arrive(&object.source, request.now.micros(), &request.record)?;
    let chain = found.first().map(|first| first.id.clone());
    for one in &found {
        let mut subscription: Subscription = one.read()?;
        subscription.chain = chain.clone().filter(|_| connect);
        store.rewrite(&one.id, &subscription, Some(arrival))?;
    }
    store.open(&object.id, arrival)
}
