//! Answers over HTTP: JSON and CSV with entity tags, and work that is not done on the threads that serve.

use crate::error::WebError;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use netnew_report::ReportError;
use sha2::{Digest, Sha256};

/// Does what takes a while on a thread of its own.
///
/// # Errors
/// What the work answers; a panic in it is `internal`.
pub async fn work<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, WebError> + Send + 'static,
) -> Result<T, WebError> {
    match tokio::task::spawn_blocking(job).await {
        Ok(answer) => answer,
        Err(_) => Err(WebError {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            error: ReportError::refused(
                "internal",
                "something went wrong inside netnew",
                "this is a bug; please report it with the address that led here",
            ),
        }),
    }
}

/// A body with its type and a tag made from its bytes; who has it already gets 304.
pub fn tagged(headers: &HeaderMap, kind: &'static str, body: impl Into<Vec<u8>>) -> Response {
    let body: Vec<u8> = body.into();
    let digest = Sha256::digest(&body);
    let hex: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{hex}\"");
    let asked = headers.get_all(IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok());
    let known = asked.flat_map(|v| v.split(',')).any(|one| {
        let one = one.trim().trim_start_matches("W/");
        one == tag || one == "*"
    });
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(CONTENT_TYPE, kind)], Body::from(body)).into_response(),
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// Offers a body as a file of that name.
pub fn as_file(mut response: Response, name: &str) -> Response {
    let clean: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' }).collect();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{clean}\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    response
}
