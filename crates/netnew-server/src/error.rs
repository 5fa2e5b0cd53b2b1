//! What a reader is told when something is wrong: a problem document for programs (RFC 9457), a page for people.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use netnew_access::AccessError;
use netnew_report::ReportError;
use serde_json::json;

/// An error with the status it is answered with.
#[derive(Debug, thiserror::Error)]
#[error("{}", .error.message)]
pub struct WebError {
    /// Status.
    pub status: StatusCode,
    /// Code, message and hint.
    pub error: ReportError,
}

impl WebError {
    /// An error with a status of its own.
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>, hint: &str) -> WebError {
        WebError { status, error: ReportError::usage(code, message, hint) }
    }

    /// There is no such page or thing.
    pub fn not_found(what: &str) -> WebError {
        WebError::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what} here"), "")
    }

    /// The problem document.
    pub fn problem(&self) -> serde_json::Value {
        json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.error.message,
            "code": self.error.code,
            "hint": self.error.hint,
        })
    }
}

impl From<ReportError> for WebError {
    fn from(error: ReportError) -> WebError {
        let status = match (error.code.as_str(), error.wrong_usage) {
            ("unknown_customer" | "unknown_movement" | "unknown_metric" | "unknown_policy", _) => {
                StatusCode::NOT_FOUND
            }
            ("io" | "damaged" | "not_a_book" | "catalog", _) => StatusCode::INTERNAL_SERVER_ERROR,
            (_, true) => StatusCode::BAD_REQUEST,
            (_, false) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        WebError { status, error }
    }
}

impl From<AccessError> for WebError {
    fn from(error: AccessError) -> WebError {
        let status = match error.code() {
            "forbidden" => StatusCode::FORBIDDEN,
            "bad_login" => StatusCode::UNAUTHORIZED,
            "too_many_attempts" => StatusCode::TOO_MANY_REQUESTS,
            "unknown_user" | "unknown_key" | "unknown_share" | "unknown_goal" | "unknown_annotation" => {
                StatusCode::NOT_FOUND
            }
            "email_taken" | "name_taken" | "already_set_up" | "last_owner" => StatusCode::CONFLICT,
            "catalog" | "damaged_catalog" | "system" | "io" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        WebError { status, error: ReportError::usage(error.code(), error.to_string(), error.hint()) }
    }
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::error!(code = self.error.code, "{}", self.error.message);
        }
        let body = self.problem().to_string();
        let mut response = (self.status, [(CONTENT_TYPE, "application/problem+json")], body).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let seconds = if self.error.code == "queue_full" { "2" } else { "10" };
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        // Pages look at it to show the same error to a person.
        response.extensions_mut().insert(Shown(self.error.code, self.error.message, self.error.hint));
        response
    }
}

/// Code, message and hint of an answered error.
#[derive(Clone, Debug)]
pub struct Shown(pub String, pub String, pub String);
