//! The API's own description: OpenAPI 3.1, built from one table of paths and from the committed schemas of the command
//! line's answers, which the API shares.

use crate::error::WebError;
use crate::params::SHARED;
use crate::web::tagged;
use axum::http::HeaderMap;
use axum::response::Response;
use netnew_metrics::registry;
use netnew_policy::Policy;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

macro_rules! schemas {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../netnew/schemas/", $name, ".json")))),*]
    };
}

/// Schemas of answers, by the command that gives the same.
const SCHEMAS: [(&str, &str); 17] = schemas![
    "alerts",
    "benchmarks",
    "check",
    "cohorts",
    "customer",
    "customers",
    "diagnose",
    "explain",
    "forecast",
    "import",
    "metrics",
    "milestones",
    "movements",
    "mrr",
    "policy-compare",
    "policy-show",
    "whatif",
];

/// A path: what it answers, which parameters it takes besides the shared ones, and in which schema.
struct Path {
    path: &'static str,
    method: &'static str,
    says: &'static str,
    /// Takes the parameters that all reports share.
    shared: bool,
    params: &'static [&'static str],
    schema: &'static str,
    /// Also as CSV.
    csv: bool,
}

const LIST: [&str; 3] = ["limit", "cursor", "format"];

/// Every path of the API.
const PATHS: [Path; 42] = [
    get("/story", "The last three complete months, component by component", true, &[], "story", false),
    get("/mrr", "MRR and its movements, period by period", true, &LIST, "mrr", true),
    get(
        "/movements",
        "Every movement, one by one",
        true,
        &["limit", "cursor", "format", "kind", "customer"],
        "movements",
        true,
    ),
    get(
        "/metrics",
        "Figures over the movements",
        true,
        &["limit", "cursor", "format", "name"],
        "metrics",
        true,
    ),
    get("/metrics/list", "Every figure there is", false, &["format"], "rows", true),
    get("/metrics/{name}", "What a figure means", false, &[], "object", false),
    get(
        "/cohorts",
        "What is left of the customers of each period",
        true,
        &["limit", "cursor", "format", "measure"],
        "cohorts",
        true,
    ),
    get(
        "/customers",
        "Customers and what they are worth",
        true,
        &["limit", "cursor", "format", "search"],
        "customers",
        true,
    ),
    get("/customers/{id}", "One customer: items, movements, facts", true, &[], "customer", false),
    get(
        "/explain",
        "A period's number down to the rows of the files",
        true,
        &["period!", "kind"],
        "explain",
        false,
    ),
    get(
        "/explain/{movement}",
        "A movement down to the rows of the files",
        true,
        &["customer"],
        "object",
        false,
    ),
    get("/check", "The invariants of the ledger and the store", true, &["name", "format"], "check", true),
    get("/policies", "Presets and saved policies", false, &["format"], "rows", true),
    get(
        "/policies/{name}",
        "Every knob of a policy, with its source",
        false,
        &["set", "format"],
        "policy-show",
        true,
    ),
    get(
        "/policies/compare",
        "Where the MRR of two policies differs",
        true,
        &["a!", "b!", "at", "limit", "cursor", "format"],
        "policy-compare",
        true,
    ),
    get("/imports", "What came in", false, &["format"], "rows", true),
    get("/diagnose", "What is wrong, and which lever to pull now", true, &[], "diagnose", false),
    get(
        "/benchmarks",
        "Where the business stands among published figures",
        true,
        &["format"],
        "benchmarks",
        true,
    ),
    get("/milestones", "Thresholds of MRR, reached and ahead", true, &["format"], "milestones", true),
    get("/forecast", "MRR ahead, with its own error", true, &["months", "format"], "forecast", true),
    get(
        "/whatif",
        "Each lever by itself over the next twelve months",
        true,
        &["churn", "price", "annual", "expansion", "new", "format"],
        "whatif",
        true,
    ),
    get("/alerts", "What somebody should be told", true, &LIST, "alerts", true),
    Path {
        path: "/import",
        method: "post",
        says: "Files in: the parts of a form, imported together",
        shared: false,
        params: &["as", "source", "replace", "strict", "dry_run"],
        schema: "import",
        csv: false,
    },
    Path {
        path: "/events",
        method: "post",
        says: "Product events in: an object, a list, or {\"events\": [...]}; an id that is there already adds nothing",
        shared: false,
        params: &["source"],
        schema: "import",
        csv: false,
    },
    get(
        "/goals",
        "What is to be reached by when, and whether the present pace gets there",
        true,
        &[],
        "rows",
        false,
    ),
    change("/goals", "post", "Set a goal"),
    change("/goals/{id}", "delete", "Remove a goal"),
    get("/annotations", "What happened on which day, as people wrote it down", false, &[], "rows", false),
    change("/annotations", "post", "Write down what happened on a day"),
    change("/annotations/{id}", "delete", "Remove an annotation"),
    get("/notify/channels", "Where messages go, without secrets", false, &[], "rows", false),
    change("/notify/channels", "post", "Add a channel; its secrets are sealed"),
    change("/notify/channels/{name}", "delete", "Remove a channel"),
    get("/notify/rules", "The rules of alerts in force", false, &[], "rows", false),
    change("/notify/rules", "post", "Add a rule of alerts"),
    change("/notify/rules/{name}", "delete", "Remove a rule of alerts"),
    get("/notify/schedules", "Reports that are sent by themselves", false, &[], "rows", false),
    change("/notify/schedules", "post", "Add a schedule of a report"),
    change("/notify/schedules/{name}", "delete", "Remove a schedule"),
    get("/notify/log", "What was sent, what waits, what failed and why", false, &["limit"], "rows", false),
    change("/notify/run", "post", "Look for what is to be told and send what is due, now"),
    get("/openapi.json", "This description", false, &[], "object", false),
];

const fn get(
    path: &'static str,
    says: &'static str,
    shared: bool,
    params: &'static [&'static str],
    schema: &'static str,
    csv: bool,
) -> Path {
    Path { path, method: "get", says, shared, params, schema, csv }
}

const fn change(path: &'static str, method: &'static str, says: &'static str) -> Path {
    Path { path, method, says, shared: false, params: &[], schema: "object", csv: false }
}

/// What is added as JSON, by path.
fn added_body(path: &str) -> Option<Value> {
    let text = || json!({"type": "string"});
    let list = json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]});
    let (required, fields) = match path {
        "/notify/channels" => (
            json!(["kind", "name"]),
            json!({
                "kind": {"enum": ["email", "slack", "webhook"]}, "name": text(), "host": text(), "port": {"type": "integer"},
                "tls": {"enum": ["starttls", "implicit", "none"]}, "user": text(), "password": text(), "from": text(),
                "to": list, "url": text(), "secret": text(),
            }),
        ),
        "/goals" => (
            json!(["metric", "value", "by"]),
            json!({
                "metric": text(), "value": text(), "by": {"type": "string", "format": "date"},
                "aim": {"enum": ["at_least", "at_most"]}, "currency": text(),
            }),
        ),
        "/annotations" => (
            json!(["date", "text"]),
            json!({
                "date": {"type": "string", "format": "date"},
                "text": {"type": "string", "minLength": 1, "maxLength": 80},
            }),
        ),
        "/notify/rules" => (
            json!(["name"]),
            json!({
                "name": text(), "customer_drop": text(), "least": text(), "within": {"type": "integer"}, "metric": text(),
                "where": text(), "interval": text(), "above": text(), "below": text(), "rises_by": text(), "falls_by": text(),
            }),
        ),
        "/notify/schedules" => (
            json!(["name", "report", "channel"]),
            json!({
                "name": text(), "report": {"enum": ["weekly", "monthly"]}, "on": text(), "at": text(), "channel": text(),
                "to": list, "unsubscribe": text(),
            }),
        ),
        _ => return None,
    };
    Some(json!({"type": "object", "required": required, "properties": fields}))
}

/// The description, the same bytes each time.
pub fn document() -> Value {
    let mut paths = Map::new();
    for path in &PATHS {
        let slot = paths.entry(path.path).or_insert_with(|| json!({}));
        slot[path.method] = operation(path);
    }
    let mut components = Map::new();
    for (name, text) in SCHEMAS {
        let mut schema: Value = serde_json::from_str(text).unwrap_or_default();
        if let Some(fields) = schema.as_object_mut() {
            fields.remove("$schema");
        }
        point_inside(&mut schema, name);
        components.insert(name.into(), schema);
    }
    components.insert("object".into(), json!({"type": "object"}));
    components
        .insert("story".into(), json!({"type": "object", "required": ["currency", "months", "figures"]}));
    components.insert(
        "rows".into(),
        json!({
            "type": "object", "required": ["rows", "next"],
            "properties": {
                "rows": {"type": "array", "items": {"type": "object"}},
                "next": {"type": ["string", "null"]},
            },
        }),
    );
    components.insert(
        "problem".into(),
        json!({
            "type": "object",
            "required": ["type", "title", "status", "detail", "code", "hint"],
            "properties": {
                "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
                "detail": {"type": "string"}, "code": {"type": "string"}, "hint": {"type": "string"},
            },
        }),
    );
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "netnew",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "MRR to the cent, with receipts. Amounts are strings in major units, ratios fractions as strings, dates YYYY-MM-DD, instants RFC 3339.",
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"key": []}, {"session": []}, {}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key made with `netnew keys create`"},
                "session": {"type": "apiKey", "in": "cookie", "name": "session"},
            },
        },
    })
}

fn operation(path: &Path) -> Value {
    let mut parameters: Vec<Value> = Vec::new();
    for piece in path.path.split('/').filter_map(|p| p.strip_prefix('{')?.strip_suffix('}')) {
        let schema = match path.path {
            "/metrics/{name}" => json!({"enum": registry::all().iter().map(|m| m.name).collect::<Vec<_>>()}),
            "/policies/{name}" => json!({"type": "string", "minLength": 1, "examples": Policy::names()}),
            _ => json!({"type": "string", "minLength": 1}),
        };
        parameters.push(json!({"name": piece, "in": "path", "required": true, "schema": schema}));
    }
    for name in path.params {
        parameters.push(parameter(name));
    }
    if path.shared {
        parameters.extend(SHARED.iter().map(|name| parameter(name)));
    }
    let mut content = Map::new();
    let schema = json!({"$ref": format!("#/components/schemas/{}", path.schema)});
    content.insert("application/json".into(), json!({"schema": schema}));
    if path.csv {
        content.insert("text/csv".into(), json!({"schema": {"type": "string"}}));
    }
    let problem = |says: &str| {
        json!({
            "description": says,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}},
        })
    };
    let mut responses = Map::new();
    responses.insert("200".into(), json!({"description": "The answer", "content": content}));
    responses.insert("304".into(), json!({"description": "What you have is still so"}));
    responses.insert("400".into(), problem("The question is wrong; code and hint say how"));
    responses.insert("401".into(), problem("A key or a session is needed"));
    responses.insert("403".into(), problem("This key or role may not do this"));
    responses.insert("404".into(), problem("There is no such thing"));
    let mut refused = problem("The book has no answer: a rate that is missing, a knob that needs facts");
    if path.method == "post" {
        refused["content"]["application/json"] = json!({"schema": schema});
        responses.insert("413".into(), problem("The file is too large"));
    }
    responses.insert("422".into(), refused);
    let name: Vec<&str> =
        path.path.split(['/', '{', '}', '.', '-']).filter(|piece| !piece.is_empty()).collect();
    let mut out = json!({
        "operationId": format!("{}_{}", path.method, name.join("_")),
        "summary": path.says,
        "parameters": parameters,
        "responses": responses,
    });
    if path.path == "/events" {
        let event = json!({
            "type": "object", "required": ["customer", "date", "event"],
            "properties": {
                "customer": {"type": "string"}, "date": {"type": "string"}, "event": {"type": "string"},
                "id": {"type": "string"}, "user": {"type": "string"}, "session": {"type": "string"},
            },
        });
        let schema = json!({"anyOf": [event, {"type": "array", "items": event, "minItems": 1}]});
        out["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": schema}}});
    } else if let Some(schema) = added_body(path.path).filter(|_| path.method == "post") {
        out["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": schema}}});
    } else if path.method == "post" && path.path != "/notify/run" {
        out["requestBody"] = json!({
            "required": true,
            "content": {"multipart/form-data": {"schema": {
                "type": "object", "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            }}},
        });
    }
    out
}

/// A parameter; a `!` behind its name: it has to be there.
fn parameter(name: &str) -> Value {
    let (name, required) = name.strip_suffix('!').map_or((name, false), |name| (name, true));
    let schema = match name {
        "interval" => json!({"enum": ["day", "week", "month", "quarter", "year"], "default": "month"}),
        "measure" => json!({"enum": ["customers", "mrr", "nrr", "grr"], "default": "customers"}),
        "kind" => json!({"enum": ["new", "reactivation", "expansion", "contraction", "churn", "transfer"]}),
        "format" => json!({"enum": ["json", "csv"], "default": "json"}),
        "limit" => json!({"type": "integer", "minimum": 1, "default": 1000}),
        "months" => json!({"type": "integer", "minimum": 1, "maximum": 60, "default": 12}),
        "from" | "to" | "at" | "constant_rates" | "period" => json!({"type": "string", "format": "date"}),
        "set" | "name" => json!({"type": "array", "items": {"type": "string"}}),
        "replace" | "strict" | "dry_run" => json!({"type": "boolean"}),
        _ => json!({"type": "string"}),
    };
    json!({"name": name, "in": "query", "required": required, "schema": schema})
}

/// References inside a schema, from the root of the whole description.
fn point_inside(value: &mut Value, name: &str) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get_mut("$ref")
                && let Some(inside) = target.strip_prefix("#/")
            {
                *target = format!("#/components/schemas/{name}/{inside}");
            }
            fields.values_mut().for_each(|v| point_inside(v, name));
        }
        Value::Array(items) => items.iter_mut().for_each(|v| point_inside(v, name)),
        _ => {}
    }
}

static TEXT: LazyLock<String> =
    LazyLock::new(|| serde_json::to_string_pretty(&document()).unwrap_or_default() + "\n");

/// The description as it is committed and served.
pub fn text() -> &'static str {
    &TEXT
}

/// `/api/v1/openapi.json`
pub async fn serve(headers: HeaderMap) -> Result<Response, WebError> {
    Ok(tagged(&headers, "application/json", text()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_description_is_the_one_served() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        if committed != super::text() {
            std::fs::write(path, super::text()).expect("openapi.json is written anew");
            panic!("openapi.json was old and has been written anew; look at it and commit it");
        }
    }
}
