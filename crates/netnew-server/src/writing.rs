//! How a request waits for a small write: it is answered when the write is durable, and meanwhile holds no thread.

use crate::error::WebError;
use axum::http::StatusCode;
use netnew_report::ReportError;
use netnew_writer::{Committed, Door, Entrance, WriteError};

/// Hands a write in and waits until it is durable.
///
/// # Errors
/// 503 with `Retry-After` when too much waits or somebody else is writing, 422 for what the door refuses, 500 when the book
/// cannot be written. Nothing of it is booked then.
pub async fn write<D: Door>(
    entrance: &Entrance<D>,
    record: Vec<u8>,
    item: D::Item,
) -> Result<Committed<D::Answer>, WebError> {
    let (send, receive) = tokio::sync::oneshot::channel();
    let told = move |ended| {
        // Whoever asked may have gone; the write stands all the same.
        let _ = send.send(ended);
    };
    let ended = match entrance.submit(record, item, told) {
        Ok(()) => receive.await.unwrap_or(Err(WriteError::Closed)),
        Err(turned_away) => Err(turned_away),
    };
    ended.map_err(unwritten)
}

fn unwritten(error: WriteError) -> WebError {
    let status = match &error {
        WriteError::Full { .. } | WriteError::Busy(_) | WriteError::Closed => StatusCode::SERVICE_UNAVAILABLE,
        WriteError::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        WriteError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    WebError { status, error: ReportError::refused(error.code(), error.to_string(), error.hint()) }
}
