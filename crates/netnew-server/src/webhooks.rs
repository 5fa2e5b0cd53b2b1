//! Deliveries of sources: Stripe's events, signed. Answered only after they are durable, so that a lost one comes again.

use crate::error::WebError;
use crate::sign_in::now;
use crate::site::Site;
use crate::web::work;
use crate::writing::write;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use netnew_connect::webhook::{Delivered, admit};
use std::sync::Arc;

/// Bytes of a delivery; Stripe's are far smaller.
const MOST_BYTES: usize = 2 << 20;

/// A body up to this size is checked and read faster than it is handed to another thread and back.
const SMALL_BYTES: usize = 64 << 10;

/// `/webhooks/stripe/SOURCE` and `/webhooks/SYSTEM/SOURCE`
pub fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/webhooks/stripe/{source}", post(stripe))
        .route("/webhooks/{system}/{source}", post(crate::biller_hooks::biller))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
}

async fn stripe(
    State(site): State<Arc<Site>>,
    Path(source): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, WebError> {
    let header =
        headers.get("stripe-signature").and_then(|v| v.to_str().ok()).unwrap_or_default().to_string();
    let delivered = match body.len() {
        0..=SMALL_BYTES => checked(&site, &source, &header, &body),
        _ => {
            let (site, source, body) = (site.clone(), source.clone(), body.clone());
            work(move || checked(&site, &source, &header, &body)).await
        }
    }?;
    let event = delivered.event.clone();
    if !delivered.says_nothing() {
        let done = write(&site.deliveries(&source), body.into(), delivered).await?;
        for problem in done.answer.problems {
            // The id of a delivery names nobody.
            tracing::warn!(code = problem.code, source, event, "a delivery was not understood in full");
        }
    }
    let body = serde_json::json!({"received": event}).to_string();
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

/// Checks the signature and reads the event.
fn checked(site: &Site, source: &str, header: &str, body: &[u8]) -> Result<Delivered, WebError> {
    let secrets = (site.options().webhook_secrets)(source);
    if secrets.is_empty() {
        return Err(WebError::new(
            StatusCode::NOT_FOUND,
            "no_webhook_secret",
            format!("the source {source:?} has no webhook here"),
            "put the endpoint's signing secret into the environment of the server; docs/stripe.md says where",
        ));
    }
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    admit(header, body, &secrets, now(site)?).map_err(|error| {
        // What is wrong with a delivery will not get better by sending it again.
        WebError::new(StatusCode::BAD_REQUEST, error.code(), error.to_string(), &error.hint())
    })
}
