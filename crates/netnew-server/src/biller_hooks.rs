//! Deliveries of billing systems other than Stripe. Answered only after they are durable, so that a lost one comes again.

use crate::error::WebError;
use crate::sign_in::now;
use crate::site::Site;
use crate::web::work;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Takes a delivery of a system other than Stripe: checked, durable, then answered.
pub async fn biller(
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
