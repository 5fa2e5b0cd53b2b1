//! Settings of pages: goals, annotations, saved views, when reports are sent. A key and a JSON value each; what is in
//! them is the pages' business. Nothing secret belongs here.

use crate::audit::note;
use crate::error::AccessError;
use crate::permission::Action;
use crate::{Access, Who};
use netnew_money::Instant;
use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};

fn parsed(key: &str, text: &str) -> Result<Value, AccessError> {
    serde_json::from_str(text).map_err(|_| AccessError::NotJson(key.into()))
}

impl Access {
    /// A page's setting; `None` when it was never set.
    pub fn document(&self, key: &str) -> Result<Option<Value>, AccessError> {
        let text: Option<String> = self
            .db()
            .prepare_cached("SELECT value FROM documents WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?;
        text.map(|text| parsed(key, &text)).transpose()
    }

    /// All settings whose key begins with a text, by key.
    pub fn documents(&self, prefix: &str) -> Result<Vec<(String, Value)>, AccessError> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT key, value FROM documents WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key",
        )?;
        let mut rows = statement.query([prefix])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let key: String = row.get(0)?;
            let value = parsed(&key, &row.get::<_, String>(1)?)?;
            out.push((key, value));
        }
        Ok(out)
    }

    /// Changes a setting from what it is now, in one piece: two people who add an annotation at once both keep theirs.
    /// `None` from `change` removes it. Gives the new value.
    pub fn update_document(
        &self,
        by: &Who,
        key: &str,
        now: Instant,
        change: impl FnOnce(Option<Value>) -> Option<Value>,
    ) -> Result<Option<Value>, AccessError> {
        by.must(Action::Annotate)?;
        self.write(|db| {
            let old: Option<String> = db
                .query_row("SELECT value FROM documents WHERE key = ?1", [key], |row| row.get(0))
                .optional()?;
            let new = change(old.map(|text| parsed(key, &text)).transpose()?);
            match &new {
                Some(value) => db.execute(
                    "INSERT INTO documents (key, value, updated_at) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE \
                     SET value = excluded.value, updated_at = excluded.updated_at",
                    params![key, value.to_string(), now.micros()],
                )?,
                None => db.execute("DELETE FROM documents WHERE key = ?1", [key])?,
            };
            note(db, by, "set", key, &json!({"removed": new.is_none()}), now)?;
            Ok(new)
        })
    }

    /// Sets a setting, replacing.
    pub fn set_document(&self, by: &Who, key: &str, value: &Value, now: Instant) -> Result<(), AccessError> {
        self.update_document(by, key, now, |_| Some(value.clone())).map(drop)
    }
}
