//! Tables whose columns another room understands: each row as an object of texts.

use crate::cell::{Source, Step};
use crate::formats;
use crate::problem::{Problem, SourceError};
use serde_json::{Map, Value};
use std::path::Path;

/// A table, row by row.
pub struct Records {
    source: Box<dyn Source>,
    name: String,
    keys: Vec<String>,
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").field("name", &self.name).field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl Records {
    /// Opens a table of any format.
    ///
    /// # Errors
    /// When it cannot be read or is none.
    pub fn open(path: &Path) -> Result<Records, SourceError> {
        let name = path.display().to_string();
        let (_, source) = formats::open(path, &name)?;
        let keys = source.headers().iter().map(|header| header.trim().to_lowercase()).collect();
        Ok(Records { source, name, keys })
    }

    /// Columns in lower case.
    pub fn headers(&self) -> &[String] {
        &self.keys
    }

    /// The next row with its line, as an object with the columns in lower case; empty cells are left out. `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read on.
    #[allow(clippy::type_complexity, reason = "a line, and an object or a problem")]
    pub fn advance(&mut self) -> Result<Option<(u64, Result<Value, Problem>)>, SourceError> {
        match self.source.advance()? {
            Step::End => Ok(None),
            Step::Bad(complaint) => {
                let line = self.source.line();
                Ok(Some((line, Err(complaint.into_problem(&self.name, line, self.source.headers())))))
            }
            Step::Record => {
                let mut fields = Map::new();
                for (at, key) in self.keys.iter().enumerate() {
                    if let Some(text) = self.source.cell(at).written() {
                        fields.insert(key.clone(), Value::String(text.into_owned()));
                    }
                }
                Ok(Some((self.source.line(), Ok(Value::Object(fields)))))
            }
        }
    }
}
