//! The API under `/v1`, in the shapes of ChartMogul's: for programs that speak to that.
//!
//! One handler for all paths: the table of what there is stands in [`answer`]. What is sent is durable before it is answered
//! ([`netnew_connect::mogul`]); whoever asks for figures gets them after all of it has become facts.

mod activities;
mod customers;
mod extras;
mod metrics;
mod reads;
mod writes;

use crate::error::WebError;
use crate::params::Params;
use crate::sign_in::now;
use crate::site::Site;
use crate::web::work;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use netnew_connect::mogul::acts::Request;
use netnew_connect::mogul::{Refusal, Store};
use netnew_mogul::Wrong;
use netnew_mogul::cursor;
use netnew_money::Instant;
use netnew_report::ReportError;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Bytes of a request: some thousand invoices.
const MOST_BYTES: usize = 64 << 20;

/// `/v1/...`
pub fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/v1", any(serve))
        .route("/v1/{*path}", any(serve))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
}

/// What goes wrong, as this API says it.
enum Oops {
    Refused(Refusal),
    Web(WebError),
    /// A parameter and what is wrong with it.
    Param(String, String),
    /// A status and a body of its own.
    Body(StatusCode, Value),
}

impl From<Refusal> for Oops {
    fn from(refusal: Refusal) -> Oops {
        Oops::Refused(refusal)
    }
}

impl From<WebError> for Oops {
    fn from(error: WebError) -> Oops {
        Oops::Web(error)
    }
}

impl From<ReportError> for Oops {
    fn from(error: ReportError) -> Oops {
        Oops::Web(error.into())
    }
}

impl From<Wrong> for Oops {
    fn from(wrong: Wrong) -> Oops {
        Oops::Refused(Refusal::Wrong(wrong))
    }
}

impl From<serde_json::Error> for Oops {
    fn from(error: serde_json::Error) -> Oops {
        Oops::Refused(error.into())
    }
}

/// `{"code": ..., "message": ..., "param": ...}`
pub fn plain(status: StatusCode, message: &str, param: Option<&str>) -> Response {
    let body = json!({"code": status.as_u16(), "message": message, "param": param});
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

impl IntoResponse for Oops {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Oops::Refused(Refusal::NotFound(what)) => {
                let message = format!("{what} not found");
                let param = what.to_lowercase().replace(' ', "_");
                let details = json!([{"param": param, "code": "invalid", "message": message}]);
                (StatusCode::NOT_FOUND, json!({"error": message, "error_details": details}))
            }
            Oops::Refused(Refusal::Wrong(wrong)) => {
                (StatusCode::UNPROCESSABLE_ENTITY, json!({"errors": wrong.to_json()}))
            }
            Oops::Refused(Refusal::WrongBody(body)) => (StatusCode::UNPROCESSABLE_ENTITY, body),
            Oops::Refused(Refusal::Catalog(what)) => {
                tracing::error!("the catalog: {what}");
                return plain(StatusCode::INTERNAL_SERVER_ERROR, "the book could not be written", None);
            }
            Oops::Param(param, message) => {
                return plain(StatusCode::BAD_REQUEST, &format!("{param} {message}"), Some(&param));
            }
            Oops::Body(status, body) => (status, body),
            Oops::Web(error) => {
                if error.status.is_server_error() {
                    tracing::error!(code = error.error.code, "{}", error.error.message);
                }
                return plain(error.status, &error.error.message, None);
            }
        };
        (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    }
}

/// What is answered.
enum Reply {
    Json(StatusCode, Value),
    /// 204.
    Empty,
    /// A file of that name.
    Csv(String, Vec<u8>),
}

impl Reply {
    fn ok(value: &impl Serialize) -> Result<Reply, Oops> {
        Ok(Reply::Json(StatusCode::OK, serde_json::to_value(value)?))
    }

    fn created(value: &impl Serialize) -> Result<Reply, Oops> {
        Ok(Reply::Json(StatusCode::CREATED, serde_json::to_value(value)?))
    }

    fn accepted(value: &impl Serialize) -> Result<Reply, Oops> {
        Ok(Reply::Json(StatusCode::ACCEPTED, serde_json::to_value(value)?))
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self {
            Reply::Json(status, value) => {
                (status, [(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
            }
            Reply::Empty => StatusCode::NO_CONTENT.into_response(),
            Reply::Csv(name, bytes) => {
                let attachment = format!("attachment; filename=\"{name}\"");
                let headers = [
                    (CONTENT_TYPE, "text/csv; charset=utf-8".to_string()),
                    (CONTENT_DISPOSITION, attachment),
                ];
                (headers, Body::from(bytes)).into_response()
            }
        }
    }
}

type Answer = Result<Reply, Oops>;

/// A request, taken apart.
struct Call {
    site: Arc<Site>,
    method: Method,
    path: String,
    params: Params,
    body: Map<String, Value>,
    now: Instant,
    /// Where this was asked, for addresses in answers.
    base: String,
}

impl Call {
    fn asked(&self) -> Result<cursor::Asked, Oops> {
        let get = |name: &str| self.params.text(name);
        cursor::read(get).map_err(|(param, what)| Oops::Param(param.into(), what.into()))
    }

    fn request(&self) -> Request {
        let record = json!({"request": format!("{} {}", self.method, self.path), "body": self.body});
        Request { now: self.now, record: record.to_string(), body: self.body.clone() }
    }

    /// Writes; durable when it returns.
    fn write<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Store, &Request) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Oops> {
        let request = self.request();
        Ok(self.site.desk().write(move |store| act(store, &request))?)
    }

    fn read<T>(&self, ask: impl FnOnce(&Store) -> Result<T, Refusal>) -> Result<T, Oops> {
        Ok(self.site.desk().read(ask)?)
    }
}

async fn serve(
    State(site): State<Arc<Site>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let done = work(move || {
        let body = match bytes.iter().all(u8::is_ascii_whitespace) {
            true => Map::new(),
            false => match serde_json::from_slice(&bytes) {
                Ok(Value::Object(body)) => body,
                _ => return Ok(Err(Oops::Param("body".into(), "is not a JSON object".into()))),
            },
        };
        let host = headers.get(HOST).and_then(|v| v.to_str().ok()).unwrap_or("localhost");
        let scheme = if site.options().https { "https" } else { "http" };
        let params = Params::parse(uri.query().unwrap_or_default());
        // Where a record is named in the address, the request is told apart by it too.
        let path = uri.path_and_query().map_or_else(|| uri.path().to_string(), ToString::to_string);
        let now = now(&site)?;
        let call = Call { method, path, params, body, now, base: format!("{scheme}://{host}"), site };
        Ok(answer(&call, uri.path()))
    })
    .await;
    match done {
        Ok(Ok(reply)) => reply.into_response(),
        Ok(Err(oops)) => oops.into_response(),
        Err(error) => Oops::Web(error).into_response(),
    }
}

/// Every path there is.
fn answer(call: &Call, path: &str) -> Answer {
    let parts: Vec<String> = path.split('/').skip(2).filter(|p| !p.is_empty()).map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let method = match call.method {
        Method::HEAD => "GET",
        ref other => other.as_str(),
    };
    match (method, parts.as_slice()) {
        ("GET", ["ping"]) => Reply::ok(&json!({"data": "pong!"})),
        ("GET", ["account"]) => reads::account(call),
        (_, ["metrics", ..]) => metrics::answer(call, method, &parts[1..]),
        (_, ["activities" | "activities_export", ..]) => activities::answer(call, method, &parts),
        (_, ["data_sources", ..]) => writes::data_sources(call, method, &parts[1..]),
        (_, ["customers", ..]) => customers::answer(call, method, &parts[1..]),
        (_, ["plans", ..]) => writes::plans(call, method, &parts[1..]),
        (_, ["plan_groups", ..]) => writes::plan_groups(call, method, &parts[1..]),
        (_, ["import", ..]) => writes::import(call, method, &parts[1..]),
        (_, ["invoices", ..]) => writes::invoices(call, method, &parts[1..]),
        (_, ["line_items" | "transactions", ..]) => writes::parts(call, method, &parts),
        (_, ["subscription_events", ..]) => writes::events(call, method, &parts[1..]),
        (_, ["contacts" | "customer_notes" | "notes" | "tasks" | "opportunities", ..]) => {
            extras::answer(call, method, &parts)
        }
        _ => Err(missing()),
    }
}

fn missing() -> Oops {
    Oops::Body(
        StatusCode::NOT_FOUND,
        json!({"error": "Not found", "code": 404, "message": "there is no such path", "param": null}),
    )
}

fn decoded(part: &str) -> String {
    // A plus is a plus in a path.
    let query = format!("p={}", part.replace('+', "%2B"));
    form_urlencoded::parse(query.as_bytes()).next().map(|(_, v)| v.into_owned()).unwrap_or_default()
}
