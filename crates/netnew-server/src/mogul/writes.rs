//! Data sources, plans, invoices, subscriptions and events.

use super::reads::{given, list};
use super::{Answer, Call, Oops, Reply, missing};
use netnew_connect::mogul::acts::{basics, customers, events, invoices, parts as pieces, subscriptions};
use netnew_connect::mogul::{Object, Order, Refusal, Which};
use netnew_mogul::shapes::{Invoice, PlanGroup};
use netnew_mogul::{cursor, dates};
use serde_json::{Map, Value, json};

/// How a thing is named: in the path, or by its data source and id there.
#[derive(Clone)]
enum Named {
    Id(String),
    External(String, String),
}

impl Named {
    fn of(call: &Call, id: Option<&str>) -> Result<Named, Oops> {
        match (id, call.params.text("data_source_uuid"), call.params.text("external_id")) {
            (Some(id), _, _) => Ok(Named::Id(id.to_string())),
            (None, Some(source), Some(external)) => Ok(Named::External(source, external)),
            _ => Err(missing()),
        }
    }

    fn which(&self) -> Which<'_> {
        match self {
            Named::Id(id) => Which::Id(id),
            Named::External(source, external) => Which::External(source, external),
        }
    }
}

fn source_json(call: &Call, mut value: Value) -> Value {
    let on = |name: &str| call.params.get(name) == Some("true");
    if on("with_processing_status") {
        value["processing_status"] = json!({"processed": null, "pending": 0, "failed": 0});
    }
    if on("with_auto_churn_subscription_setting") {
        value["auto_churn_subscription_setting"] = json!({"enabled": false, "interval": null});
    }
    if on("with_invoice_handling_setting") {
        let one = json!({
            "create_subscription_when_invoice_is": "open",
            "update_subscription_when_invoice_is": "open",
            "prevent_subscription_for_invoice_voided": true,
            "prevent_subscription_for_invoice_refunded": false,
            "prevent_subscription_for_invoice_written_off": true,
        });
        value["invoice_handling_setting"] = json!({"manual": one, "automatic": one});
    }
    value
}

/// `/data_sources`
pub(super) fn data_sources(call: &Call, method: &str, parts: &[&str]) -> Answer {
    match (method, parts) {
        ("POST", []) => {
            let view = call.site.view()?;
            let mut taken: Vec<String> = view.snapshot.begins().keys().map(|name| name.to_string()).collect();
            taken.extend(
                call.site
                    .book()
                    .sources()
                    .map_err(netnew_report::ReportError::from)?
                    .into_iter()
                    .map(|s| s.name),
            );
            // What this API made and took away again may come back.
            let ours = call.read(|store| store.all("gone_source"))?;
            let ours: Vec<String> = ours
                .iter()
                .filter_map(|o| {
                    serde_json::from_str::<Value>(&o.body).ok()?["name"].as_str().map(str::to_string)
                })
                .collect();
            let made = call.write(move |store, request| {
                basics::add_data_source(store, request, |name| {
                    taken.iter().any(|t| t == name) && !ours.iter().any(|o| o == name)
                })
            })?;
            Reply::created(&made)
        }
        ("GET", []) => {
            let mut conditions: Vec<(&str, String)> = given(call, &[("name", "external = ?")]);
            if call.params.get("system").is_some_and(|s| s != "Import API") {
                conditions.push(("0", String::new()));
            }
            // All at once: clients take no cursor here.
            let asked = cursor::Asked { skip: 0, after: None, rows: 100_000, page: None };
            let list = call.read(|store| store.list("data_source", &conditions, &asked, Order::Newest))?;
            let values: Result<Vec<Value>, _> =
                list.objects.iter().map(|o| Ok(source_json(call, serde_json::from_str(&o.body)?))).collect();
            Reply::ok(&json!({"data_sources": values.map_err(|e: serde_json::Error| Oops::from(e))?}))
        }
        ("GET", [uuid]) => {
            let object = call.read(|store| store.need("data_source", uuid, "Data source"))?;
            Reply::ok(&source_json(call, serde_json::from_str(&object.body)?))
        }
        ("DELETE", [uuid]) => {
            let uuid = uuid.to_string();
            call.write(move |store, request| basics::remove_data_source(store, request, &uuid))?;
            Ok(Reply::Empty)
        }
        ("DELETE", [source, "customers", customer, "invoices"]) => {
            let (source, customer) = (source.to_string(), customer.to_string());
            call.write(move |store, request| invoices::remove_all(store, request, &source, &customer))?;
            Ok(Reply::Empty)
        }
        ("PUT", [source, "invoices", external, "status"]) => {
            let named = Named::External(source.to_string(), external.to_string());
            let changed =
                call.write(move |store, request| invoices::change(store, request, named.which()))?;
            Reply::ok(&changed)
        }
        (_, [source, "json_imports", rest @ ..]) => super::extras::json_imports(call, method, source, rest),
        _ => Err(missing()),
    }
}

/// `/plans`
pub(super) fn plans(call: &Call, method: &str, parts: &[&str]) -> Answer {
    match (method, parts) {
        ("POST", []) => Reply::created(&call.write(basics::add_plan)?),
        ("GET", []) => {
            let conditions = given(
                call,
                &[
                    ("data_source_uuid", "source = ?"),
                    ("external_id", "external = ?"),
                    ("system", "? = 'Import API'"),
                ],
            );
            list(call, "plan", "plans", &conditions, Order::Newest, |_, value| value)
        }
        ("GET", [uuid]) => {
            let plan: Value = call.read(|store| store.need("plan", uuid, "Plan")?.read())?;
            Reply::ok(&plan)
        }
        ("PATCH" | "PUT", [uuid]) => {
            let uuid = uuid.to_string();
            Reply::accepted(&call.write(move |store, request| basics::change_plan(store, request, &uuid))?)
        }
        ("DELETE", [uuid]) => {
            let uuid = uuid.to_string();
            call.write(move |store, _| basics::remove_plan(store, &uuid))?;
            Ok(Reply::Empty)
        }
        _ => Err(missing()),
    }
}

fn group_json(group: &PlanGroup) -> Value {
    json!({"name": group.name, "uuid": group.uuid, "plans_count": group.plans.len()})
}

/// `/plan_groups`
pub(super) fn plan_groups(call: &Call, method: &str, parts: &[&str]) -> Answer {
    match (method, parts) {
        ("POST", []) => Reply::ok(&group_json(&call.write(basics::add_plan_group)?)),
        ("GET", []) => list(call, "plan_group", "plan_groups", &[], Order::Newest, |_, value| {
            serde_json::from_value(value).map(|group| group_json(&group)).unwrap_or(Value::Null)
        }),
        ("GET", [uuid]) => {
            let group: PlanGroup = call.read(|store| store.need("plan_group", uuid, "Plan group")?.read())?;
            Reply::ok(&group_json(&group))
        }
        ("GET", [uuid, "plans"]) => {
            let group: PlanGroup = call.read(|store| store.need("plan_group", uuid, "Plan group")?.read())?;
            let ids = serde_json::to_string(&group.plans)?;
            let conditions = [("id IN (SELECT value FROM json_each(?))", ids)];
            list(call, "plan", "plans", &conditions, Order::Newest, |_, value| value)
        }
        ("PATCH" | "PUT", [uuid]) => {
            let uuid = uuid.to_string();
            let group = call.write(move |store, request| basics::change_plan_group(store, request, &uuid))?;
            Reply::ok(&group_json(&group))
        }
        ("DELETE", [uuid]) => {
            let uuid = uuid.to_string();
            call.write(move |store, _| {
                store.need("plan_group", &uuid, "Plan group")?;
                basics::forget(store, &uuid)
            })?;
            Ok(Reply::Empty)
        }
        _ => Err(missing()),
    }
}

/// `/import`
pub(super) fn import(call: &Call, method: &str, parts: &[&str]) -> Answer {
    match (method, parts) {
        ("POST", ["customers", uuid, "invoices"]) => {
            let uuid = uuid.to_string();
            let made = call.write(move |store, request| invoices::import(store, request, &uuid))?;
            Reply::created(&json!({"invoices": made.iter().map(own_invoice).collect::<Vec<_>>()}))
        }
        ("GET", ["customers", uuid, "invoices"]) => {
            let conditions = [("about = ?", uuid.to_string())];
            of_customer(call, uuid, "invoice", "invoices", &conditions, |value| value)
        }
        ("GET", ["customers", uuid, "subscriptions"]) => {
            let conditions = [("about = ?", uuid.to_string())];
            of_customer(call, uuid, "subscription", "subscriptions", &conditions, |mut value| {
                if let Some(fields) = value.as_object_mut() {
                    fields.shift_remove("chain");
                }
                value
            })
        }
        ("POST", ["invoices", uuid, "transactions"]) => {
            let uuid = uuid.to_string();
            Reply::created(&call.write(move |store, request| pieces::add_transaction(store, request, &uuid))?)
        }
        ("POST", ["invoices", uuid, "line_items"]) => {
            let uuid = uuid.to_string();
            Reply::created(&call.write(move |store, request| pieces::add_line(store, request, &uuid))?)
        }
        ("PATCH", ["subscriptions", uuid]) => {
            let uuid = uuid.to_string();
            let changed = call.write(move |store, request| subscriptions::cancel(store, request, &uuid))?;
            let mut value = serde_json::to_value(&changed)?;
            if let Some(fields) = value.as_object_mut() {
                fields.shift_remove("chain");
            }
            Reply::accepted(&value)
        }
        _ => Err(missing()),
    }
}

fn of_customer(
    call: &Call,
    uuid: &str,
    kind: &str,
    key: &str,
    conditions: &[(&str, String)],
    shape: impl Fn(Value) -> Value,
) -> Answer {
    let asked = call.asked()?;
    let list = call.read(|store| {
        customers::find(store, uuid)?;
        store.list(kind, conditions, &asked, Order::Newest)
    })?;
    let mut body = Map::new();
    body.insert("customer_uuid".into(), json!(uuid));
    let values: Result<Vec<Value>, _> = list.objects.iter().map(|o| serde_json::from_str(&o.body)).collect();
    body.insert(key.into(), Value::Array(values?.into_iter().map(shape).collect()));
    super::reads::close(&mut body, &asked, &list);
    Reply::ok(&body)
}

/// An invoice as it is answered to who sent it.
fn own_invoice(invoice: &Invoice) -> Value {
    let mut value = serde_json::to_value(invoice).unwrap_or(Value::Null);
    if let Some(fields) = value.as_object_mut() {
        fields.shift_remove("customer_uuid");
    }
    value
}

/// `/invoices`
pub(super) fn invoices(call: &Call, method: &str, parts: &[&str]) -> Answer {
    let state = parts.last() == Some(&"disabled_state");
    let id = parts.first().copied().filter(|part| *part != "disabled_state");
    match (method, parts.len(), id) {
        ("GET", 0, _) => {
            let conditions = given(
                call,
                &[
                    ("data_source_uuid", "source = ?"),
                    ("external_id", "external = ?"),
                    ("customer_uuid", "about = ?"),
                ],
            );
            list(call, "invoice", "invoices", &conditions, Order::Newest, |_, value| value)
        }
        ("GET", 1, Some(id)) => {
            let invoice: Invoice = call.read(|store| invoices::find(store, Which::Id(id))?.read())?;
            Reply::ok(&invoice)
        }
        ("PATCH", 1 | 2, _) if state => {
            let named = Named::of(call, id)?;
            Reply::ok(&call.write(move |store, request| invoices::disable(store, request, named.which()))?)
        }
        ("PATCH", 0 | 1, _) => {
            let named = Named::of(call, id)?;
            Reply::ok(&call.write(move |store, request| invoices::change(store, request, named.which()))?)
        }
        ("DELETE", 0 | 1, _) => {
            let named = Named::of(call, id)?;
            call.write(move |store, request| invoices::remove(store, request, named.which()))?;
            Ok(Reply::Empty)
        }
        _ => Err(missing()),
    }
}

/// `/line_items` and `/transactions`
pub(super) fn parts(call: &Call, method: &str, parts: &[&str]) -> Answer {
    let kind = if parts[0] == "line_items" { pieces::Kind::Line } else { pieces::Kind::Transaction };
    let key = parts[0];
    let state = parts.last() == Some(&"disabled_state");
    let id = parts.get(1).copied().filter(|part| *part != "disabled_state");
    match (method, parts.len(), id) {
        ("GET", 1, _) => {
            let named = Named::of(call, None)?;
            let found = call.read(|store| match pieces::read(store, kind, named.which()) {
                Ok(one) => Ok(vec![one]),
                Err(Refusal::NotFound(_)) => Ok(Vec::new()),
                Err(other) => Err(other),
            })?;
            let mut body = Map::new();
            body.insert(key.into(), json!(found));
            body.insert("cursor".into(), Value::Null);
            body.insert("has_more".into(), json!(false));
            Reply::ok(&body)
        }
        ("GET", 2, Some(id)) => Reply::ok(&call.read(|store| pieces::read(store, kind, Which::Id(id)))?),
        ("PATCH", 2 | 3, _) if state => {
            let named = Named::of(call, id)?;
            Reply::ok(
                &call.write(move |store, request| pieces::disable(store, request, kind, named.which()))?,
            )
        }
        ("PATCH", 1 | 2, _) => {
            let named = Named::of(call, id)?;
            Reply::ok(&call.write(move |store, request| pieces::change(store, request, kind, named.which()))?)
        }
        ("DELETE", 1 | 2, _) => {
            let named = Named::of(call, id)?;
            call.write(move |store, request| pieces::remove(store, request, kind, named.which()))?;
            Ok(Reply::Empty)
        }
        _ => Err(missing()),
    }
}

/// Events carry whole seconds.
fn event_json(mut value: Value) -> Value {
    for name in ["event_date", "effective_date", "created_at", "updated_at"] {
        if let Some(at) = value[name].as_str().and_then(dates::read) {
            value[name] = json!(dates::write_seconds(at));
        }
    }
    value
}

/// The event that the address names, where the body does not: `subscription_event[id]=1`.
fn named_event(call: &Call) -> Map<String, Value> {
    let mut named = events::inner(&call.body);
    for name in ["id", "external_id", "data_source_uuid"] {
        let value =
            call.params.text(&format!("subscription_event[{name}]")).or_else(|| call.params.text(name));
        if let Some(value) = value {
            named.entry(name).or_insert_with(|| json!(value));
        }
    }
    named
}

/// `/subscription_events`
pub(super) fn events(call: &Call, method: &str, parts: &[&str]) -> Answer {
    match (method, parts) {
        ("POST", []) => {
            let made = call.write(events::add)?;
            Reply::created(&event_json(serde_json::to_value(&made)?))
        }
        ("GET", []) => {
            let conditions = given(
                call,
                &[
                    ("data_source_uuid", "source = ?"),
                    ("external_id", "external = ?"),
                    ("customer_uuid", "about = ?"),
                    ("customer_external_id", "json_extract(body, '$.customer_external_id') = ?"),
                    ("subscription_external_id", "json_extract(body, '$.subscription_external_id') = ?"),
                    ("event_type", "json_extract(body, '$.event_type') = ?"),
                    ("plan_external_id", "json_extract(body, '$.plan_external_id') = ?"),
                ],
            );
            list(call, "event", "subscription_events", &conditions, Order::Newest, |_, value| {
                event_json(value)
            })
        }
        ("PATCH", []) => {
            let changed = call.write(events::change)?;
            Reply::ok(&event_json(serde_json::to_value(&changed)?))
        }
        ("DELETE", []) => {
            let named = named_event(call);
            call.write(move |store, request| events::remove(store, request, &named))?;
            Ok(Reply::Empty)
        }
        ("PATCH", [.., "disabled_state"]) => {
            let mut named = named_event(call);
            if let [id, _] = parts {
                named.insert("id".into(), json!(id));
            }
            let changed = call.write(move |store, request| {
                let object: Object = events::find(store, &named)?;
                events::disable(store, request, &object)
            })?;
            Reply::ok(&event_json(serde_json::to_value(&changed)?))
        }
        _ => Err(missing()),
    }
}

/// What one part of a bulk import came to.
pub(super) fn outcome(result: Result<(), Refusal>) -> Result<Option<Value>, Refusal> {
    match result {
        Ok(()) => Ok(None),
        Err(Refusal::Wrong(wrong)) => Ok(Some(wrong.to_json())),
        Err(Refusal::WrongBody(body)) => Ok(Some(body)),
        Err(Refusal::NotFound(what)) => Ok(Some(json!({"base": format!("{what} not found")}))),
        Err(other) => Err(other),
    }
}
