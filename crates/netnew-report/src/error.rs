//! Errors as users see them: code, message, hint, and whether the question or the book is at fault.

use netnew_book::BookError;
use netnew_decide::alerts::RulesError;
use netnew_decide::benchmarks::BenchmarkError;
use netnew_ledger::LedgerError;
use netnew_metrics::{QueryError, RollupError};
use netnew_money::MoneyError;
use netnew_policy::PolicyError;
use netnew_sources::SourceError;

/// Anything that ends an answer early.
#[derive(Debug)]
pub struct ReportError {
    /// Stable code for machines.
    pub code: String,
    /// What and where.
    pub message: String,
    /// How to mend it; may be empty.
    pub hint: String,
    /// True when the question itself is wrong, false for a finding or a refused input.
    pub wrong_usage: bool,
}

impl ReportError {
    /// A refused input or a finding.
    pub fn refused(
        code: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> ReportError {
        ReportError { code: code.into(), message: message.into(), hint: hint.into(), wrong_usage: false }
    }

    /// Wrong usage.
    pub fn usage(
        code: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> ReportError {
        ReportError { code: code.into(), message: message.into(), hint: hint.into(), wrong_usage: true }
    }

    /// The JSON shape of errors.
    pub fn to_json(&self) -> String {
        serde_json::json!({"error": {"code": self.code, "message": self.message, "hint": self.hint}})
            .to_string()
    }
}

macro_rules! refused {
    ($($error:ty),*) => {$(
        impl From<$error> for ReportError {
            fn from(error: $error) -> ReportError {
                ReportError::refused(error.code(), error.to_string(), error.hint())
            }
        }
    )*};
}

refused!(BookError, LedgerError, MoneyError, SourceError, RollupError, RulesError, BenchmarkError);

impl From<QueryError> for ReportError {
    fn from(error: QueryError) -> ReportError {
        ReportError::usage(error.code(), error.to_string(), error.hint())
    }
}

impl From<PolicyError> for ReportError {
    fn from(error: PolicyError) -> ReportError {
        ReportError::usage(error.code(), error.to_string(), error.hint())
    }
}

impl From<std::io::Error> for ReportError {
    fn from(error: std::io::Error) -> ReportError {
        ReportError::refused("io", error.to_string(), "check the path, its permissions and the free space")
    }
}
