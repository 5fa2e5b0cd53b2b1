//! What can go wrong with a query, in the words of users.

use crate::source::SourceError;
use crate::tables::Table;
use datafusion::common::DataFusionError;
use std::time::Duration;

/// An error of a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// Stable code for machines: `sql_syntax`, `sql_plan`, `read_only`, `sql_failed`, `sql_memory`, `sql_timeout`,
    /// `too_many_rows`, `needs_dates`, or a code of the book.
    pub code: String,
    /// What and where.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// True when the question itself is wrong.
    pub usage: bool,
}

impl QueryError {
    /// The question is wrong.
    pub fn usage(code: &str, message: impl Into<String>, hint: impl Into<String>) -> QueryError {
        QueryError { code: code.into(), message: message.into(), hint: hint.into(), usage: true }
    }

    /// The question is right and cannot be answered.
    pub fn refused(code: &str, message: impl Into<String>, hint: impl Into<String>) -> QueryError {
        QueryError { code: code.into(), message: message.into(), hint: hint.into(), usage: false }
    }

    pub(crate) fn internal(message: String) -> QueryError {
        QueryError::refused("sql_failed", message, "this is a bug in netnew; please report it with the query")
    }

    pub(crate) fn timeout(time: Duration) -> QueryError {
        QueryError::refused(
            "sql_timeout",
            format!("the query took longer than {} s and was stopped", time.as_secs()),
            "ask for less, or give --timeout SECONDS",
        )
    }

    pub(crate) fn too_many_rows(most: usize) -> QueryError {
        QueryError::refused(
            "too_many_rows",
            format!("the answer has more than {most} rows"),
            "add them up (GROUP BY), give --limit N for the first N, or raise --max-rows",
        )
    }
}

impl From<SourceError> for QueryError {
    fn from(error: SourceError) -> QueryError {
        QueryError {
            usage: error.code == "needs_dates",
            code: error.code,
            message: error.message,
            hint: error.hint,
        }
    }
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> QueryError {
        if let Some(own) = SourceError::within(&error) {
            return own.clone().into();
        }
        let message = error.strip_backtrace();
        match error.find_root() {
            DataFusionError::SQL(..) => QueryError::usage(
                "sql_syntax",
                message,
                "the dialect is PostgreSQL's; docs/sql.md has examples",
            ),
            DataFusionError::Plan(_)
            | DataFusionError::SchemaError(..)
            | DataFusionError::NotImplemented(_)
            | DataFusionError::Diagnostic(..) => QueryError::usage("sql_plan", message, tables()),
            DataFusionError::ResourcesExhausted(_) => {
                QueryError::refused("sql_memory", message, "ask for less at once, or give --memory MEGABYTES")
            }
            _ if message.contains("Divide by zero") => {
                QueryError::refused("sql_failed", message, "ratio(a, b) is null where b is 0")
            }
            _ => QueryError::refused(
                "sql_failed",
                message,
                "docs/sql.md says how amounts are added up and divided",
            ),
        }
    }
}

/// The tables, as a hint.
fn tables() -> String {
    let names: Vec<&str> = Table::ALL.iter().map(|t| t.name()).collect();
    format!("tables: {}; DESCRIBE TABLE has the columns, docs/sql.md all of it", names.join(", "))
}
