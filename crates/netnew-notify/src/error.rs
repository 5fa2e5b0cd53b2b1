//! What can be wrong with telling somebody something.

use netnew_access::AccessError;
use netnew_book::BookError;
use netnew_report::ReportError;

/// Anything that ends telling early. No text of it holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The book.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The sealed secrets.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The catalog.
    #[error("the book's catalog: {0}")]
    Catalog(#[from] rusqlite::Error),
    /// A figure that could not be worked out.
    #[error("{}", .0.message)]
    Report(ReportError),
    /// Something that somebody asked for cannot be done as asked.
    #[error("{what}")]
    Refused {
        /// Stable code for machines.
        code: &'static str,
        /// What, and about what.
        what: String,
        /// How to mend it.
        hint: String,
    },
}

impl NotifyError {
    /// A refusal.
    pub fn refused(code: &'static str, what: impl Into<String>, hint: impl Into<String>) -> NotifyError {
        NotifyError::Refused { code, what: what.into(), hint: hint.into() }
    }

    /// Stable code for machines.
    pub fn code(&self) -> String {
        match self {
            NotifyError::Book(error) => error.code().into(),
            NotifyError::Access(error) => error.code().into(),
            NotifyError::Catalog(_) => "catalog".into(),
            NotifyError::Report(error) => error.code.clone(),
            NotifyError::Refused { code, .. } => (*code).into(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            NotifyError::Book(error) => error.hint(),
            NotifyError::Access(error) => error.hint().to_string(),
            NotifyError::Catalog(_) => "is the disk full, or the book being restored?".into(),
            NotifyError::Report(error) => error.hint.clone(),
            NotifyError::Refused { hint, .. } => hint.clone(),
        }
    }
}

impl From<ReportError> for NotifyError {
    fn from(error: ReportError) -> NotifyError {
        NotifyError::Report(error)
    }
}

impl From<NotifyError> for ReportError {
    fn from(error: NotifyError) -> ReportError {
        match error {
            NotifyError::Report(error) => error,
            other => ReportError::refused(other.code(), other.to_string(), other.hint()),
        }
    }
}
