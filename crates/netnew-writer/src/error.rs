//! Why a write was not taken.

use netnew_book::BookError;
use thiserror::Error;

/// Why something could not be booked, in words for whoever brought it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Failure {
    /// Stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Failure {
    /// A failure in words.
    pub fn new(code: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure { code: code.into(), message: message.into(), hint: hint.into() }
    }
}

impl From<BookError> for Failure {
    fn from(error: BookError) -> Failure {
        Failure::new(error.code(), error.to_string(), error.hint())
    }
}

/// What a write comes to when it is not booked. Nothing of it is in the book then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WriteError {
    /// The queue is full: to be tried again.
    #[error("too much is waiting to be written")]
    Full {
        /// Seconds after which there is likely to be room.
        retry_after_seconds: u32,
    },
    /// Somebody else is writing to the book and does not end: to be tried again.
    #[error("the book is being written to: {0}")]
    Busy(Failure),
    /// The writer takes no more: the program is ending.
    #[error("the writer has been closed")]
    Closed,
    /// The door said no to this item.
    #[error(transparent)]
    Refused(Failure),
    /// The book could not be read or written.
    #[error(transparent)]
    Failed(Failure),
}

impl WriteError {
    /// Stable code.
    pub fn code(&self) -> &str {
        match self {
            WriteError::Full { .. } => "queue_full",
            WriteError::Busy(_) => "busy",
            WriteError::Closed => "closing",
            WriteError::Refused(failure) | WriteError::Failed(failure) => &failure.code,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        match self {
            WriteError::Full { .. } | WriteError::Closed => "send it again in a moment",
            WriteError::Busy(failure) | WriteError::Refused(failure) | WriteError::Failed(failure) => {
                &failure.hint
            }
        }
    }

    /// Seconds after which it is worth trying again; none when trying again changes nothing.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            WriteError::Full { retry_after_seconds } => Some(*retry_after_seconds),
            WriteError::Busy(_) => Some(10),
            WriteError::Closed => Some(5),
            WriteError::Refused(_) | WriteError::Failed(_) => None,
        }
    }
}
