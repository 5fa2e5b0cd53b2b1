//! Signing in, the sessions that come of it, and their protection against forged requests.

use crate::audit::note;
use crate::error::AccessError;
use crate::throttle::Counters;
use crate::token::{self, Secret};
use crate::users::{User, UserId, known_role, normal_email, user_of};
use crate::{Access, DAY, MINUTE, SLACK, Who, after, instant, password};
use hmac::{Hmac, KeyInit, Mac};
use netnew_money::Instant;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;
use sha2::Sha256;

/// Days after which a session ends however much it is used.
pub const SESSION_DAYS: i64 = 30;
/// Days after which a session ends that is not used.
const IDLE_DAYS: i64 = 7;
const SESSION: &str = "ns_";

/// A session as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: i64,
    /// When it began.
    pub created_at: Instant,
    /// When it was last used, to the minute.
    pub seen_at: Instant,
    /// When it ends at the latest.
    pub expires_at: Instant,
    /// From where it was begun.
    pub address: Option<String>,
    /// With which browser, as that says.
    pub agent: Option<String>,
}

/// Who is behind a session that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The session's number.
    pub session: i64,
    /// Whose it is.
    pub user: User,
}

/// The token that a form of this session has to carry: the session cookie alone is sent by the browser whoever made
/// the page, this is not. It is keyed with the session's secret, so it fits no other session and gives nothing away.
pub fn csrf_token(session: &str) -> String {
    token::hex(&csrf(session).finalize().into_bytes())
}

/// Whether a form's token belongs to the session, in the same time for every wrong one.
pub fn csrf_verify(session: &str, given: &str) -> bool {
    token::well_formed(SESSION, session) && token::same(csrf_token(session).as_bytes(), given.as_bytes())
}

fn csrf(session: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(session.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(b"netnew form 1");
    mac
}

/// The session if it is good. One that is too old is removed, so that no clock brings it back.
fn good(db: &Connection, hash: &[u8], now: Instant) -> Result<Option<(SignedIn, i64)>, AccessError> {
    let found = db
        .prepare_cached(
            "SELECT u.id, u.email, u.role, u.created_at, u.disabled_at, s.id, s.hash, s.created_at, s.seen_at, s.expires_at \
             FROM sessions s JOIN users u ON u.id = s.user WHERE s.hash = ?1",
        )?
        .query_row([hash], |row| {
            let numbers = [row.get::<_, i64>(5)?, row.get(7)?, row.get(8)?, row.get(9)?];
            Ok((user_of(row)?, row.get::<_, Vec<u8>>(6)?, numbers))
        })
        .optional()?;
    let Some((user, stored, [id, created, seen, expires])) = found else { return Ok(None) };
    let user = known_role(user)?;
    let now = now.micros();
    let too_old = now >= expires || now >= seen.saturating_add(IDLE_DAYS * DAY);
    // It claims to come from the future: whichever clock was wrong, its age is not known.
    let from_the_future = now < created.max(seen).saturating_sub(SLACK);
    if too_old || from_the_future || user.disabled_at.is_some() || !token::same(&stored, hash) {
        db.execute("DELETE FROM sessions WHERE id = ?1", [id])?;
        return Ok(None);
    }
    Ok(Some((SignedIn { session: id, user }, seen)))
}

impl Access {
    /// Signs in: gives the secret of a new session. A wrong password, an unknown address and a disabled user cannot be
    /// told apart by the answer or by the time it takes. It takes some 20 MiB and tens of milliseconds of a processor:
    /// run it where blocking is allowed.
    pub fn log_in(
        &self,
        email: &str,
        password: &Secret,
        (address, agent): (&str, &str),
        now: Instant,
    ) -> Result<(Secret, SignedIn), AccessError> {
        // What is not an address has no account, but goes the same way.
        let email = normal_email(email).unwrap_or_else(|_| email.trim().to_lowercase());
        let counters = Counters::new(&email, address);
        self.write(|db| counters.attempt(db, now))??;
        let dummy = self.dummy.hash()?;
        let account = self
            .db()
            .query_row(
                "SELECT id, password, disabled_at IS NULL FROM users WHERE email = ?1",
                [&email],
                |row| Ok((row.get::<_, UserId>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?)),
            )
            .optional()?;
        let stored = account.as_ref().map_or(dummy, |(_, hash, _)| hash);
        let fits = password::fits(password, stored);
        let Some((id, stored, true)) = account.as_ref().filter(|_| fits).map(|(a, b, c)| (*a, b, *c)) else {
            // People type passwords where the address belongs, so one that nobody has is not written down.
            let subject = if account.is_some() { email.as_str() } else { "unknown" };
            self.note(&Who::nobody(address), "log_in_failed", subject, &json!({}), now)?;
            return Err(AccessError::BadLogin);
        };
        let better = if password::outdated(stored) { Some(password::hash(password)?) } else { None };
        let secret = token::make(SESSION)?;
        let signed_in = self.write(|db| {
            // Their password may have been changed, or they disabled, while the hash was computed.
            let unchanged: bool = db.query_row(
                "SELECT EXISTS (SELECT 1 FROM users WHERE id = ?1 AND password = ?2 AND disabled_at IS NULL)",
                params![id, stored],
                |row| row.get(0),
            )?;
            if !unchanged {
                return Err(AccessError::BadLogin);
            }
            if let Some(better) = better {
                db.execute("UPDATE users SET password = ?2 WHERE id = ?1", params![id, better])?;
            }
            counters.was_right(db, now)?;
            let hash = token::hash(secret.reveal());
            let agent: String = agent.chars().filter(|c| !c.is_control()).take(200).collect();
            db.execute(
                "INSERT INTO sessions (hash, user, created_at, seen_at, expires_at, address, agent) \
                 VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6)",
                params![hash, id, now.micros(), after(now, SESSION_DAYS * DAY).micros(), address, agent],
            )?;
            let (signed_in, _) = good(db, &hash, now)?.ok_or(AccessError::BadLogin)?;
            note(db, &Who::user(&signed_in.user, address), "log_in", &email, &json!({}), now)?;
            Ok(signed_in)
        })?;
        Ok((secret, signed_in))
    }

    /// Who is behind a session's secret; `None` when it is not good (any more). Notes its use at most once a minute.
    pub fn session(&self, secret: &str, now: Instant) -> Result<Option<SignedIn>, AccessError> {
        if !token::well_formed(SESSION, secret) {
            return Ok(None);
        }
        let found = good(&self.db(), &token::hash(secret), now)?;
        let Some((signed_in, seen)) = found else { return Ok(None) };
        if now.micros() >= seen.saturating_add(MINUTE) {
            self.touch("UPDATE sessions SET seen_at = ?1 WHERE id = ?2", now, signed_in.session)?;
        }
        Ok(Some(signed_in))
    }

    /// Ends a session by its secret; nothing happens when it is not good.
    pub fn log_out(&self, secret: &str, address: &str, now: Instant) -> Result<(), AccessError> {
        let hash = token::hash(secret);
        self.write(|db| {
            let Some((signed_in, _)) = good(db, &hash, now)? else { return Ok(()) };
            db.execute("DELETE FROM sessions WHERE id = ?1", [signed_in.session])?;
            let who = Who::user(&signed_in.user, address);
            note(db, &who, "log_out", &signed_in.user.email, &json!({}), now)
        })
    }

    /// Ends all of one's own sessions, or all but one. Gives how many.
    pub fn log_out_everywhere(
        &self,
        who: &Who,
        but: Option<i64>,
        now: Instant,
    ) -> Result<usize, AccessError> {
        self.write(|db| {
            let ended =
                db.execute("DELETE FROM sessions WHERE user IS ?1 AND id IS NOT ?2", params![who.user, but])?;
            note(db, who, "log_out_everywhere", &who.name, &json!({"sessions": ended}), now)?;
            Ok(ended)
        })
    }

    /// Ends one of one's own sessions by its number. Somebody else's is left alone.
    pub fn end_session(&self, who: &Who, id: i64, now: Instant) -> Result<(), AccessError> {
        self.write(|db| {
            if db.execute("DELETE FROM sessions WHERE id = ?1 AND user IS ?2", params![id, who.user])? > 0 {
                note(db, who, "end_session", &who.name, &json!({"session": id}), now)?;
            }
            Ok(())
        })
    }

    /// One's own sessions that are good, the latest used first.
    pub fn sessions(&self, who: &Who, now: Instant) -> Result<Vec<Session>, AccessError> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT id, created_at, seen_at, expires_at, address, agent FROM sessions \
             WHERE user IS ?1 AND expires_at > ?2 AND seen_at > ?3 ORDER BY seen_at DESC, id DESC",
        )?;
        let idle = now.micros().saturating_sub(IDLE_DAYS * DAY);
        let rows = statement.query_map(params![who.user, now.micros(), idle], |row| {
            Ok(Session {
                id: row.get(0)?,
                created_at: instant(row.get(1)?),
                seen_at: instant(row.get(2)?),
                expires_at: instant(row.get(3)?),
                address: row.get(4)?,
                agent: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Removes sessions and links that are too old to be good: for the server to do once in a while.
    pub fn sweep(&self, now: Instant) -> Result<(), AccessError> {
        self.write(|db| {
            let idle = now.micros().saturating_sub(IDLE_DAYS * DAY);
            db.execute("DELETE FROM sessions WHERE expires_at <= ?1 OR seen_at <= ?2", [now.micros(), idle])?;
            db.execute("DELETE FROM one_time_links WHERE expires_at <= ?1", [now.micros()])?;
            Ok(())
        })
    }
}
