//! Errors as users see them: code, message, hint, and the exit code.

use netnew_book::BookError;
use netnew_ledger::LedgerError;
use netnew_metrics::{QueryError, RollupError};
use netnew_money::MoneyError;
use netnew_policy::PolicyError;
use netnew_sources::SourceError;

/// Anything that ends a command early.
#[derive(Debug)]
pub struct CliError {
    /// Stable code for machines.
    pub code: String,
    /// What and where.
    pub message: String,
    /// How to mend it; may be empty.
    pub hint: String,
    /// 1 for a finding or refused input, 2 for wrong usage.
    pub exit: u8,
}

impl CliError {
    /// A refused input or a finding: exit 1.
    pub fn refused(code: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> CliError {
        CliError { code: code.into(), message: message.into(), hint: hint.into(), exit: 1 }
    }

    /// Wrong usage: exit 2.
    pub fn usage(code: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> CliError {
        CliError { code: code.into(), message: message.into(), hint: hint.into(), exit: 2 }
    }

    /// The JSON shape of errors.
    pub fn to_json(&self) -> String {
        serde_json::json!({"error": {"code": self.code, "message": self.message, "hint": self.hint}})
            .to_string()
    }
}

macro_rules! refused {
    ($($error:ty),*) => {$(
        impl From<$error> for CliError {
            fn from(error: $error) -> CliError {
                CliError::refused(error.code(), error.to_string(), error.hint())
            }
        }
    )*};
}

refused!(BookError, LedgerError, MoneyError, SourceError, RollupError, netnew_connect::ConnectError);

impl From<QueryError> for CliError {
    fn from(error: QueryError) -> CliError {
        CliError::usage(error.code(), error.to_string(), error.hint())
    }
}

impl From<PolicyError> for CliError {
    fn from(error: PolicyError) -> CliError {
        CliError::usage(error.code(), error.to_string(), error.hint())
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> CliError {
        CliError::refused("io", error.to_string(), "check the path, its permissions and the free space")
    }
}
