//! API keys: for programs.

use crate::audit::note;
use crate::error::AccessError;
use crate::permission::{Action, Scope};
use crate::token::{self, Secret};
use crate::{Access, MINUTE, Who, checked_name, instant};
use netnew_money::Instant;
use rusqlite::{OptionalExtension, params};
use serde_json::json;

/// A key as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub scope: Scope,
    /// Its first letters, to find it again where it is used: too few to guess the rest from.
    pub prefix: String,
    /// When it was made.
    pub created_at: Instant,
    /// Who made it.
    pub created_by: String,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Instant>,
}

/// A key that was shown and is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub scope: Scope,
}

const PREFIX_SHOWN: usize = 8;

fn prefix(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "nn_r",
        Scope::Write => "nn_w",
        Scope::Admin => "nn_a",
    }
}

fn scope_of(text: &str) -> Result<Scope, AccessError> {
    Scope::parse(text).ok_or_else(|| AccessError::Damaged(format!("{text:?} is not a scope")))
}

impl Access {
    /// Makes a key and gives it this once. Nobody makes a key that may do what they may not.
    pub fn create_key(
        &self,
        by: &Who,
        name: &str,
        scope: Scope,
        now: Instant,
    ) -> Result<Secret, AccessError> {
        by.must(Action::ManageKeys)?;
        let name = checked_name(name)?;
        let key = token::make(prefix(scope))?;
        self.write(|db| {
            let taken: bool = db.query_row(
                "SELECT EXISTS (SELECT 1 FROM api_keys WHERE name = ?1 AND revoked_at IS NULL)",
                [name],
                |row| row.get(0),
            )?;
            if taken {
                return Err(AccessError::NameTaken(name.into()));
            }
            let shown = &key.reveal()[..PREFIX_SHOWN];
            db.execute(
                "INSERT INTO api_keys (name, scope, prefix, hash, created_at, created_by) VALUES (?1,?2,?3,?4,?5,?6)",
                params![name, scope.as_str(), shown, token::hash(key.reveal()), now.micros(), by.name],
            )?;
            note(db, by, "create_key", name, &json!({"scope": scope.as_str(), "prefix": shown}), now)
        })?;
        Ok(key)
    }

    /// The keys that work, by name.
    pub fn keys(&self, by: &Who) -> Result<Vec<ApiKey>, AccessError> {
        by.must(Action::ManageKeys)?;
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT name, scope, prefix, created_at, created_by, used_at FROM api_keys WHERE revoked_at IS NULL \
             ORDER BY name",
        )?;
        let mut rows = statement.query([])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(ApiKey {
                name: row.get(0)?,
                scope: scope_of(&row.get::<_, String>(1)?)?,
                prefix: row.get(2)?,
                created_at: instant(row.get(3)?),
                created_by: row.get(4)?,
                last_used_at: row.get::<_, Option<i64>>(5)?.map(instant),
            });
        }
        Ok(out)
    }

    /// Ends a key at once and for good. Its name is free again.
    pub fn revoke_key(&self, by: &Who, name: &str, now: Instant) -> Result<(), AccessError> {
        by.must(Action::ManageKeys)?;
        let name = name.trim();
        self.write(|db| {
            let changed = db.execute(
                "UPDATE api_keys SET revoked_at = ?2 WHERE name = ?1 AND revoked_at IS NULL",
                params![name, now.micros()],
            )?;
            if changed == 0 {
                return Err(AccessError::NoKey(name.chars().take(80).collect()));
            }
            note(db, by, "revoke_key", name, &json!({}), now)
        })
    }

    /// Which key this is; `None` for one that was never made or was revoked. Notes its use at most once a minute.
    pub fn verify_key(&self, key: &str, now: Instant) -> Result<Option<Key>, AccessError> {
        if !Scope::ALL.iter().any(|scope| token::well_formed(prefix(*scope), key)) {
            return Ok(None);
        }
        let hash = token::hash(key);
        let found = self
            .db()
            .prepare_cached(
                "SELECT id, name, scope, hash, used_at FROM api_keys WHERE hash = ?1 AND revoked_at IS NULL",
            )?
            .query_row([hash], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, Vec<u8>>(3)?,
                    row.get::<_, Option<i64>>(4)?,
                ))
            })
            .optional()?;
        let Some((id, name, scope, stored, used_at)) = found else { return Ok(None) };
        let scope = scope_of(&scope)?;
        if !token::same(&stored, &hash) || !key.starts_with(prefix(scope)) {
            return Ok(None);
        }
        if used_at.is_none_or(|at| now.micros() >= at.saturating_add(MINUTE)) {
            self.touch("UPDATE api_keys SET used_at = ?1 WHERE id = ?2", now, id)?;
        }
        Ok(Some(Key { name, scope }))
    }
}
