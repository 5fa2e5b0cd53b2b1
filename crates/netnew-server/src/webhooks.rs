//! Deliveries of sources, Stripe's and other systems', each checked. Answered only after they are durable, so that a lost
//! one comes again.

use crate::error::WebError;
use crate::sign_in::now;
use crate::site::Site;
use crate::web::work;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use netnew_connect::webhook::receive;
use std::sync::Arc;

/// Bytes of a delivery; Stripe's are far smaller.
const MOST_BYTES: usize = 2 << 20;

/// `/webhooks/stripe/SOURCE` and `/webhooks/SYSTEM/SOURCE`
pub fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/webhooks/stripe/{source}", post(stripe))
        .route("/webhooks/{system}/{source}", post(biller))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
}

async fn biller(
    State(site): State<Arc<Site>>,
    Path((system, source)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, WebError> {
    let headers = headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_string(), value.to_str().ok()?.to_string())))
        .collect();
    let received = work(move || {
        let system = netnew_connect::billers::system(&system).ok_or_else(|| {
            WebError::new(
                StatusCode::NOT_FOUND,
                "unknown_system",
                format!("there is no billing system {system:?} here"),
                &format!("use one of {}", netnew_connect::billers::system_names().join(", ")),
            )
        })?;
        let secrets = (site.options().webhook_secrets)(&source);
        if secrets.is_empty() {
            return Err(no_secret(&source, "docs/billers.md"));
        }
        let at = now(&site)?;
        netnew_connect::billers::webhook::receive(site.book(), system, &source, &headers, &body, &secrets, at)
            .map_err(|error| netnew_import::refused(error).into())
    })
    .await
    .map_err(final_refusal)?;
    let body = serde_json::json!({
        "received": received.id,
        "facts": received.outcome.facts,
        "problems": received.problems.iter().map(|p| p.code).collect::<Vec<_>>(),
    });
    Ok(([(CONTENT_TYPE, "application/json")], body.to_string()).into_response())
}

fn no_secret(source: &str, page: &str) -> WebError {
    WebError::new(
        StatusCode::NOT_FOUND,
        "no_webhook_secret",
        format!("the source {source:?} has no webhook here"),
        &format!("put the endpoint's signing secret into the environment of the server; {page} says where"),
    )
}

/// What is wrong with a delivery will not get better by sending it again; what is wrong here may.
fn final_refusal(error: WebError) -> WebError {
    match error.status {
        StatusCode::UNPROCESSABLE_ENTITY => WebError { status: StatusCode::BAD_REQUEST, ..error },
        _ => error,
    }
}

async fn stripe(
    State(site): State<Arc<Site>>,
    Path(source): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, WebError> {
    let header =
        headers.get("stripe-signature").and_then(|v| v.to_str().ok()).unwrap_or_default().to_string();
    let received = work(move || {
        let secrets = (site.options().webhook_secrets)(&source);
        if secrets.is_empty() {
            return Err(no_secret(&source, "docs/stripe.md"));
        }
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let at = now(&site)?;
        receive(site.book(), &source, &header, &body, &secrets, None, at)
            .map_err(|error| netnew_import::refused(error).into())
    })
    .await
    .map_err(final_refusal)?;
    let body = serde_json::json!({"received": received.event, "facts": received.outcome.facts}).to_string();
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}
