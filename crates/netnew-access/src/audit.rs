//! The trail: who did what, when. It is only added to; the catalog itself refuses to change or delete a line.

use crate::error::AccessError;
use crate::permission::Action;
use crate::{Access, Who, instant};
use netnew_money::Instant;
use rusqlite::{Connection, params};
use serde_json::Value;

/// A line of the trail.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number; later lines have higher ones, whatever the clock says.
    pub id: i64,
    /// When, by the clock of then.
    pub at: Instant,
    /// Who: `user ada@example.com`, `key ci`, `console`, `nobody`.
    pub actor: String,
    /// From where, if over the network.
    pub address: Option<String>,
    /// What: `log_in`, `create_key`, `change_policy`, ...
    pub action: String,
    /// To whom or what.
    pub subject: String,
    /// More about it; an object. Never a secret.
    pub detail: Value,
}

pub(crate) fn note(
    db: &Connection,
    who: &Who,
    action: &str,
    subject: &str,
    detail: &Value,
    now: Instant,
) -> Result<(), AccessError> {
    db.prepare_cached(
        "INSERT INTO audit (at, actor, address, action, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![now.micros(), who.name, who.address, action, subject, detail.to_string()])?;
    Ok(())
}

impl Access {
    /// Adds a line to the trail, for what other rooms do: an import, a policy, a closed period. `detail` is an object
    /// and holds no secret.
    pub fn note(
        &self,
        who: &Who,
        action: &str,
        subject: &str,
        detail: &Value,
        now: Instant,
    ) -> Result<(), AccessError> {
        note(&self.db(), who, action, subject, detail, now)
    }

    /// The trail, newest first: up to `limit` lines before line `before` (all of them when `None`).
    pub fn trail(&self, by: &Who, before: Option<i64>, limit: usize) -> Result<Vec<Entry>, AccessError> {
        by.must(Action::ReadAudit)?;
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT id, at, actor, address, action, subject, detail FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![before.unwrap_or(i64::MAX), limit])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let detail: String = row.get(6)?;
            out.push(Entry {
                id: row.get(0)?,
                at: instant(row.get(1)?),
                actor: row.get(2)?,
                address: row.get(3)?,
                action: row.get(4)?,
                subject: row.get(5)?,
                detail: serde_json::from_str(&detail)
                    .map_err(|_| AccessError::Damaged("a line of the trail is not JSON".into()))?,
            });
        }
        Ok(out)
    }
}
