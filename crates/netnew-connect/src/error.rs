//! What can go wrong between a billing system and a book.

use netnew_book::BookError;
use netnew_sources::SourceError;
use netnew_stripe::webhook::WebhookError;
use thiserror::Error;

/// Why nothing was taken.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The book could not be read or written.
    #[error(transparent)]
    Book(#[from] BookError),
    /// A file could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A delivery was refused.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// A delivery of another system was refused.
    #[error(transparent)]
    Delivery(#[from] netnew_billers::signature::Refused),
    /// A temporary file could not be written.
    #[error("a temporary file cannot be written: {0}")]
    Io(#[from] std::io::Error),
    /// Something kept of a source's objects cannot be read back.
    #[error("what is kept of {id} cannot be read: {what}")]
    Evidence {
        /// Its id.
        id: String,
        /// What is wrong.
        what: String,
    },
    /// The system does not answer as it should.
    #[error("{0}")]
    Remote(String),
    /// The key is not valid.
    #[error("Stripe does not accept the key: {0}")]
    Unauthorised(String),
    /// The source is not there, or there already, or its settings are wrong.
    #[error("{what}")]
    Settings {
        /// Stable code.
        code: &'static str,
        /// What is wrong.
        what: String,
        /// What to do about it.
        hint: String,
    },
}

impl ConnectError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ConnectError::Book(error) => error.code(),
            ConnectError::Source(error) => error.code(),
            ConnectError::Webhook(error) => error.code(),
            ConnectError::Delivery(error) => error.code(),
            ConnectError::Io(_) => "io",
            ConnectError::Evidence { .. } => "damaged",
            ConnectError::Remote(_) => "unreachable",
            ConnectError::Unauthorised(_) => "unauthorised",
            ConnectError::Settings { code, .. } => code,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            ConnectError::Book(error) => error.hint(),
            ConnectError::Source(error) => error.hint(),
            ConnectError::Webhook(error) => error.hint().to_string(),
            ConnectError::Delivery(error) => error.hint().to_string(),
            ConnectError::Io(_) => "check space and permissions of the temporary folder".into(),
            ConnectError::Evidence { .. } => {
                "run netnew check; restore the book from a backup if it is damaged".into()
            }
            ConnectError::Remote(_) => "run the sync again: it goes on where it stopped".into(),
            ConnectError::Unauthorised(_) => {
                "check the environment variable that holds the key, and that the key is not revoked".into()
            }
            ConnectError::Settings { hint, .. } => hint.clone(),
        }
    }
}

impl From<ConnectError> for netnew_writer::Failure {
    fn from(error: ConnectError) -> netnew_writer::Failure {
        netnew_writer::Failure::new(error.code(), error.to_string(), error.hint())
    }
}
