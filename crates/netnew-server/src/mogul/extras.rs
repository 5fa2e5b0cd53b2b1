//! What has no figures: contacts, notes, tasks, opportunities, kept as they are sent; and bulk imports.

use super::reads::{close, given};
use super::writes::outcome;
use super::{Answer, Call, Oops, Reply, missing};
use netnew_connect::mogul::acts::{Request, basics, bulk, customers};
use netnew_connect::mogul::{Object, Order, Refusal, Store};
use netnew_mogul::{Wrong, dates, ids};
use serde_json::{Map, Value, json};

/// A kind of record.
struct Kind {
    path: &'static str,
    word: &'static str,
    what: &'static str,
    prefix: &'static str,
    /// Name of its own id.
    id: &'static str,
}

const KINDS: [Kind; 5] = [
    Kind { path: "contacts", word: "contact", what: "Contact", prefix: "con", id: "uuid" },
    Kind { path: "customer_notes", word: "note", what: "Note", prefix: "note", id: "uuid" },
    Kind { path: "notes", word: "note", what: "Note", prefix: "note", id: "uuid" },
    Kind { path: "tasks", word: "task", what: "Task", prefix: "", id: "task_uuid" },
    Kind { path: "opportunities", word: "opportunity", what: "Opportunity", prefix: "", id: "uuid" },
];

/// Fields that a client may not set.
const FIXED: [&str; 4] = ["uuid", "task_uuid", "created_at", "updated_at"];

/// Keeps what was sent over what was there.
fn fill(kind: &Kind, into: &mut Map<String, Value>, from: &Map<String, Value>) -> Result<(), Refusal> {
    for (name, value) in from {
        if FIXED.contains(&name.as_str()) {
            continue;
        }
        let value = match (name.as_str(), value) {
            ("custom", given) if !given.is_null() => {
                let mut all = into.get("custom").and_then(Value::as_object).cloned().unwrap_or_default();
                all.extend(netnew_mogul::checks::custom(given)?);
                Value::Object(all)
            }
            ("due_date" | "completed_at" | "last_seen", Value::String(text)) => match dates::read(text) {
                Some(at) => json!(dates::write(at)),
                None => return Err(Refusal::Wrong(Wrong::one(name, "is not a valid date"))),
            },
            _ => value.clone(),
        };
        into.insert(name.clone(), value);
    }
    let needed: &[&str] = match kind.word {
        "note" => &["text"],
        "task" => &["task_details"],
        "opportunity" => &["owner", "pipeline"],
        _ => &[],
    };
    match needed.iter().find(|name| into.get(**name).is_none_or(Value::is_null)) {
        Some(name) => Err(Refusal::Wrong(Wrong::one(name, "can't be blank"))),
        None => Ok(()),
    }
}

/// The customer that a record is about, by its uuid or by the identifier that newer clients send.
fn about(store: &Store, body: &Map<String, Value>) -> Result<Option<Object>, Refusal> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    if let Some(uuid) = text("customer_uuid") {
        return customers::find(store, uuid).map(Some);
    }
    let Some(named) = body.get("associated_object_identifier") else { return Ok(None) };
    let value = named.get("value").and_then(Value::as_str).unwrap_or_default();
    match named.get("associated_object").and_then(Value::as_str) {
        Some("contact") => {
            let contact: Value = store.need("contact", value, "Contact")?.read()?;
            contact["customer_uuid"].as_str().map(|uuid| customers::find(store, uuid)).transpose()
        }
        _ => customers::find(store, value).map(Some),
    }
}

fn make(store: &Store, request: &Request, kind: &Kind) -> Result<Value, Refusal> {
    let customer = about(store, &request.body)?;
    let customer = customer.ok_or_else(|| Refusal::Wrong(Wrong::one("customer_uuid", "can't be blank")))?;
    let parts = [kind.word, &customer.id, &request.now.micros().to_string(), &request.record];
    let id = ids::id(kind.prefix, &parts);
    let mut body = Map::new();
    body.insert(kind.id.into(), json!(id));
    body.insert("customer_uuid".into(), json!(customer.id));
    if kind.word == "contact" {
        body.insert("data_source_uuid".into(), json!(customer.source));
        body.insert("customer_external_id".into(), json!(customer.external));
        body.insert("position".into(), json!(1));
        body.insert("custom".into(), json!({}));
    }
    if let Some(named) = request.body.get("associated_object_identifier") {
        body.insert("associated_object".into(), named["associated_object"].clone());
        body.insert("associated_object_uuid".into(), named["value"].clone());
    }
    let mut given = request.body.clone();
    given.shift_remove("associated_object_identifier");
    fill(kind, &mut body, &given)?;
    if kind.word != "contact" {
        body.insert("created_at".into(), json!(dates::write(request.now)));
        body.insert("updated_at".into(), json!(dates::write(request.now)));
    }
    basics::keep(store, kind.word, &id, &customer.id, &body)?;
    Ok(Value::Object(body))
}

/// `/contacts`, `/customer_notes`, `/notes`, `/tasks`, `/opportunities`
pub(super) fn answer(call: &Call, method: &str, parts: &[&str]) -> Answer {
    let kind = KINDS.iter().find(|k| k.path == parts[0]).ok_or_else(missing)?;
    match (method, &parts[1..]) {
        ("POST", []) => Reply::created(&call.write(move |store, request| make(store, request, kind))?),
        ("GET", []) => {
            let conditions = given(
                call,
                &[
                    ("customer_uuid", "about = ?"),
                    ("data_source_uuid", "json_extract(body, '$.data_source_uuid') = ?"),
                    ("email", "json_extract(body, '$.email') = ?"),
                    ("contact_uuid", "json_extract(body, '$.associated_object_uuid') = ?"),
                ],
            );
            entries(call, kind, &conditions)
        }
        ("GET", [id]) => {
            let body: Value = call.read(|store| store.need(kind.word, id, kind.what)?.read())?;
            Reply::ok(&body)
        }
        ("PATCH" | "PUT", [id]) => {
            let id = id.to_string();
            let changed = call.write(move |store, request| {
                let mut body: Map<String, Value> = store.need(kind.word, &id, kind.what)?.read()?;
                fill(kind, &mut body, &request.body)?;
                if kind.word != "contact" {
                    body.insert("updated_at".into(), json!(dates::write(request.now)));
                }
                basics::rekeep(store, &id, &body)?;
                Ok(Value::Object(body))
            })?;
            Reply::ok(&changed)
        }
        ("DELETE", [id]) => {
            let id = id.to_string();
            call.write(move |store, _| {
                store.need(kind.word, &id, kind.what)?;
                basics::forget(store, &id)
            })?;
            match kind.word {
                "contact" | "note" => Reply::ok(&json!({})),
                _ => Ok(Reply::Empty),
            }
        }
        ("POST", [into, "merge", from]) if kind.word == "contact" => {
            let (into, from) = (into.to_string(), from.to_string());
            let merged = call.write(move |store, _| {
                let mut body: Map<String, Value> = store.need("contact", &into, "Contact")?.read()?;
                let other: Map<String, Value> = store.need("contact", &from, "Contact")?.read()?;
                for (name, value) in other {
                    let slot = body.entry(name).or_insert(Value::Null);
                    if slot.is_null() {
                        *slot = value;
                    }
                }
                basics::rekeep(store, &into, &body)?;
                basics::forget(store, &from)?;
                Ok(Value::Object(body))
            })?;
            Reply::ok(&merged)
        }
        _ => Err(missing()),
    }
}

fn entries(call: &Call, kind: &Kind, conditions: &[(&str, String)]) -> Answer {
    let asked = call.asked()?;
    let list = call.read(|store| store.list(kind.word, conditions, &asked, Order::Newest))?;
    let mut body = Map::new();
    let values: Result<Vec<Value>, _> = list.objects.iter().map(|o| serde_json::from_str(&o.body)).collect();
    body.insert("entries".into(), Value::Array(values?));
    close(&mut body, &asked, &list);
    Reply::ok(&body)
}

/// `/customers/UUID/contacts`
pub(super) fn contacts_of(call: &Call, method: &str, uuid: &str) -> Answer {
    let kind = &KINDS[0];
    match method {
        "GET" => {
            call.read(|store| customers::find(store, uuid))?;
            entries(call, kind, &[("about = ?", uuid.to_string())])
        }
        "POST" => {
            let uuid = uuid.to_string();
            let made = call.write(move |store, request| {
                let mut request = request.clone();
                request.body.insert("customer_uuid".into(), json!(uuid));
                make(store, &request, kind)
            })?;
            Reply::created(&made)
        }
        _ => Err(missing()),
    }
}

/// `/data_sources/UUID/json_imports`: done before it is answered.
pub(super) fn json_imports(call: &Call, method: &str, source: &str, rest: &[&str]) -> Answer {
    match (method, rest) {
        ("POST", []) => {
            let source = source.to_string();
            let made = call.write(move |store, request| {
                store.need("data_source", &source, "Data source")?;
                let failed = bulk::import(store, request, &source, &|result| outcome(result))?;
                let id =
                    ids::id("", &["import", &source, &request.now.micros().to_string(), &request.record]);
                let body = json!({
                    "id": id,
                    "data_source_uuid": source,
                    "status": if failed.is_empty() { "completed" } else { "completed_with_errors" },
                    "external_id": request.body.get("external_id").cloned().unwrap_or(Value::Null),
                    "status_details": failed,
                    "created_at": dates::write(request.now),
                    "updated_at": dates::write(request.now),
                });
                basics::keep(store, "json_import", &id, "", &body)?;
                Ok(body)
            })?;
            Reply::ok(&made)
        }
        ("GET", [id]) => {
            let body: Value = call.read(|store| store.need("json_import", id, "Import")?.read())?;
            Reply::ok(&body)
        }
        _ => Err(Oops::from(Refusal::NotFound("Import"))),
    }
}
