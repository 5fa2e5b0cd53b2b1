//! What is wrong with one row, and with a whole file.

use serde::Serialize;
use thiserror::Error;

use crate::code;

/// A row that could not be taken. The other rows of the file are not affected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// File as it was named to [`crate::open`].
    pub file: String,
    /// 1-based: the physical line a row of text starts on, the row of a sheet, the record of a Parquet file.
    /// 0 when the whole file is meant.
    pub line: u64,
    /// Column as written in the file, when one cell is at fault.
    pub column: Option<String>,
    /// Stable code, one of [`crate::code::ALL`].
    pub code: &'static str,
    /// What is wrong, with the value.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// What is wrong with a row before file and line are put to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    column: Option<usize>,
    code: &'static str,
    message: String,
    hint: String,
}

impl Complaint {
    pub(crate) fn new(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Complaint {
        let (message, hint) = (message.into(), hint.into());
        Complaint(Box::new(Parts { column: None, code, message, hint }))
    }

    pub(crate) fn in_column(mut self, column: usize) -> Complaint {
        self.0.column.get_or_insert(column);
        self
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        self.0.code
    }

    pub(crate) fn into_problem(self, file: &str, line: u64, headers: &[String]) -> Problem {
        let Parts { column, code, message, hint } = *self.0;
        let column = column.and_then(|c| headers.get(c).cloned());
        Problem { file: file.to_string(), line, column, code, message, hint }
    }
}

/// A value as it goes into a message: cut, so that a broken file cannot flood the screen.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// A whole file that could not be read, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", self.describe())]
pub struct SourceError {
    problem: Box<Problem>,
}

impl SourceError {
    pub(crate) fn new(
        file: &str,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> SourceError {
        let (file, message, hint) = (file.to_string(), message.into(), hint.into());
        SourceError { problem: Box::new(Problem { file, line: 0, column: None, code, message, hint }) }
    }

    pub(crate) fn io(file: &str, error: &std::io::Error) -> SourceError {
        SourceError::new(
            file,
            code::UNREADABLE,
            format!("cannot be read: {error}"),
            "check the path and its permissions",
        )
    }

    pub(crate) fn at_line(mut self, line: u64) -> SourceError {
        self.problem.line = line;
        self
    }

    pub(crate) fn in_column(mut self, column: impl Into<String>) -> SourceError {
        self.problem.column = Some(column.into());
        self
    }

    fn describe(&self) -> String {
        let Problem { file, line, message, .. } = &*self.problem;
        match (file.is_empty(), line) {
            (true, _) => message.clone(),
            (false, 0) => format!("{file}: {message}"),
            (false, line) => format!("{file}, line {line}: {message}"),
        }
    }

    /// Stable code, one of [`crate::code::ALL`].
    pub fn code(&self) -> &'static str {
        self.problem.code
    }

    /// What to do about it, without a trailing full stop.
    pub fn hint(&self) -> String {
        self.problem.hint.clone()
    }

    /// File as it was named; empty when no file is at fault.
    pub fn file(&self) -> &str {
        &self.problem.file
    }

    /// 1-based line or row, where one is known.
    pub fn line(&self) -> Option<u64> {
        (self.problem.line > 0).then_some(self.problem.line)
    }

    /// Column as written in the file, where one is known.
    pub fn column(&self) -> Option<&str> {
        self.problem.column.as_deref()
    }
}

impl From<SourceError> for Problem {
    fn from(error: SourceError) -> Problem {
        *error.problem
    }
}
