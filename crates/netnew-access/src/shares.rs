//! Share links: one page with one query, read-only, for whoever holds the link, until a day.

use crate::audit::note;
use crate::error::AccessError;
use crate::permission::Action;
use crate::token::{self, Secret};
use crate::{Access, DAY, MINUTE, SLACK, Who, checked_name, instant};
use netnew_money::Instant;
use rusqlite::{OptionalExtension, Row, params};
use serde_json::json;

/// The longest a share link can last, in days.
pub const SHARE_DAYS: i64 = 366;
const SHARE: &str = "nh_";

/// A share link as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Its number.
    pub id: i64,
    /// The page's path.
    pub path: String,
    /// The page's query without `?`, its pairs in order.
    pub query: String,
    /// What it is for, in somebody's words.
    pub label: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Instant,
    /// When it ends.
    pub expires_at: Instant,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Instant>,
    /// When it was revoked, or was found to be too old.
    pub revoked_at: Option<Instant>,
}

const COLUMNS: &str = "id, path, query, label, created_by, created_at, expires_at, used_at, revoked_at";

fn share_of(row: &Row) -> rusqlite::Result<Share> {
    Ok(Share {
        id: row.get(0)?,
        path: row.get(1)?,
        query: row.get(2)?,
        label: row.get(3)?,
        created_by: row.get(4)?,
        created_at: instant(row.get(5)?),
        expires_at: instant(row.get(6)?),
        last_used_at: row.get::<_, Option<i64>>(7)?.map(instant),
        revoked_at: row.get::<_, Option<i64>>(8)?.map(instant),
    })
}

/// A page's path in its one spelling; `None` for what could be read as another path by somebody further in.
fn plain_path(path: &str) -> Option<&str> {
    let fine = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
    };
    let parts = path.strip_prefix('/')?;
    (path.len() <= 200 && (parts.is_empty() || parts.split('/').all(fine))).then_some(path)
}

/// A query with its pairs in order, so that who writes them in another order means the same; `None` for what is not a
/// query. The pairs are compared as they are written: an escape that somebody else spells differently is another query.
fn plain_query(query: &str) -> Option<String> {
    let query = query.strip_prefix('?').unwrap_or(query);
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-_.~%+=&,:!*'()|@/".contains(&b);
    if query.len() > 2000 || !query.bytes().all(fine) {
        return None;
    }
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.sort_unstable();
    Some(pairs.join("&"))
}

impl Access {
    /// Makes a link to one page with one query and gives its secret this once.
    pub fn create_share(
        &self,
        by: &Who,
        (path, query): (&str, &str),
        label: &str,
        expires_at: Instant,
        now: Instant,
    ) -> Result<(Secret, Share), AccessError> {
        by.must(Action::Share)?;
        let bad = || AccessError::BadPage(format!("{path}?{query}").chars().take(80).collect());
        let path = plain_path(path).ok_or_else(bad)?;
        let query = plain_query(query).ok_or_else(bad)?;
        let label = checked_name(label)?;
        if expires_at <= now || expires_at.micros() > now.micros().saturating_add(SHARE_DAYS * DAY) {
            return Err(AccessError::BadExpiry(SHARE_DAYS));
        }
        let secret = token::make(SHARE)?;
        let share = self.write(|db| {
            db.execute(
                "INSERT INTO share_links (hash, path, query, label, created_by, created_at, expires_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    token::hash(secret.reveal()),
                    path,
                    query,
                    label,
                    by.name,
                    now.micros(),
                    expires_at.micros()
                ],
            )?;
            let id = db.last_insert_rowid();
            let detail =
                json!({"share": id, "query": query, "label": label, "expires_at": expires_at.to_string()});
            note(db, by, "create_share", path, &detail, now)?;
            Ok(db.query_row(&format!("SELECT {COLUMNS} FROM share_links WHERE id = ?1"), [id], share_of)?)
        })?;
        Ok((secret, share))
    }

    /// The share links, newest first, those that ended too.
    pub fn shares(&self, by: &Who) -> Result<Vec<Share>, AccessError> {
        by.must(Action::Share)?;
        let db = self.db();
        let mut statement =
            db.prepare_cached(&format!("SELECT {COLUMNS} FROM share_links ORDER BY id DESC"))?;
        Ok(statement.query_map([], share_of)?.collect::<Result<_, _>>()?)
    }

    /// Ends a share link at once; one that ended stays as it is.
    pub fn revoke_share(&self, by: &Who, id: i64, now: Instant) -> Result<(), AccessError> {
        by.must(Action::Share)?;
        self.write(|db| {
            let path: Option<String> = db
                .query_row("SELECT path FROM share_links WHERE id = ?1", [id], |row| row.get(0))
                .optional()?;
            let path = path.ok_or(AccessError::NoShare(id))?;
            let changed = db.execute(
                "UPDATE share_links SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
                [id, now.micros()],
            )?;
            if changed > 0 {
                note(db, by, "revoke_share", &path, &json!({"share": id}), now)?;
            }
            Ok(())
        })
    }

    /// The share link if it is good for exactly this page with exactly this query (without the link's own secret).
    /// `None` otherwise, whatever the reason.
    pub fn verify_share(
        &self,
        secret: &str,
        path: &str,
        query: &str,
        now: Instant,
    ) -> Result<Option<Share>, AccessError> {
        if !token::well_formed(SHARE, secret) {
            return Ok(None);
        }
        let hash = token::hash(secret);
        let found = self
            .db()
            .prepare_cached(&format!("SELECT {COLUMNS}, hash FROM share_links WHERE hash = ?1"))?
            .query_row([hash], |row| Ok((share_of(row)?, row.get::<_, Vec<u8>>(9)?)))
            .optional()?;
        let Some((share, stored)) = found else { return Ok(None) };
        if share.revoked_at.is_some() || !token::same(&stored, &hash) {
            return Ok(None);
        }
        let from_the_future = now.micros() < share.created_at.micros().saturating_sub(SLACK);
        if now >= share.expires_at {
            // Once too old, always too old: no clock that is set back brings it back.
            self.db().execute(
                "UPDATE share_links SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
                [share.id, share.expires_at.micros()],
            )?;
            return Ok(None);
        }
        let this_page =
            plain_path(path) == Some(&share.path) && plain_query(query).as_ref() == Some(&share.query);
        if from_the_future || !this_page {
            return Ok(None);
        }
        if share.last_used_at.is_none_or(|at| now.micros() >= at.micros().saturating_add(MINUTE)) {
            self.touch("UPDATE share_links SET used_at = ?1 WHERE id = ?2", now, share.id)?;
        }
        Ok(Some(share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        for good in ["/", "/board", "/buyer/2026-10", "/a.b/c_d~e"] {
            assert_eq!(plain_path(good), Some(good));
        }
        for bad in [
            "",
            "board",
            "//board",
            "/board/",
            "/a/../b",
            "/a/./b",
            "/%2e%2e/b",
            "/a\\b",
            "/a b",
            "/a?b",
            "/a#b",
            "/ä",
        ] {
            assert_eq!(plain_path(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_query_means_the_same_in_any_order() {
        assert_eq!(plain_query("?b=2&a=1"), plain_query("a=1&b=2&"));
        assert_ne!(plain_query("a=1"), plain_query("a=1&a=1"));
        assert_eq!(plain_query("a=1#b"), None);
        assert_eq!(plain_query("a=\n"), None);
    }
}
