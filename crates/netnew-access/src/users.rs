//! People: setting up the first, inviting others, roles, passwords.

use crate::audit::note;
use crate::error::AccessError;
use crate::permission::{Action, Role};
use crate::throttle::Counters;
use crate::token::{self, Secret};
use crate::{Access, DAY, Who, after, instant, password};
use netnew_money::Instant;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::json;

/// A person's number.
pub type UserId = i64;

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their number.
    pub id: UserId,
    /// Their e-mail address, in lower case.
    pub email: String,
    /// What they are.
    pub role: Role,
    /// When they came.
    pub created_at: Instant,
    /// Since when they are shut out, if they are.
    pub disabled_at: Option<Instant>,
}

/// An invitation that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Who is invited.
    pub email: String,
    /// As what.
    pub role: Role,
    /// Who invited them.
    pub created_by: String,
    /// Until when it can be taken.
    pub expires_at: Instant,
}

/// Why somebody may become the first owner.
#[derive(Clone, Copy, Debug)]
pub enum SetupProof<'a> {
    /// The server listens on loopback only and no proxy stands before it: they are on the machine.
    Loopback,
    /// They read the token on the server's console.
    Token(&'a str),
}

const LINK: &str = "nl_";
const SETUP: &str = "setup";
const INVITE: &str = "invite";
const PASSWORD: &str = "password";
const COLUMNS: &str = "id, email, role, created_at, disabled_at";

/// An e-mail address in the form in which it is stored and compared.
pub(crate) fn normal_email(text: &str) -> Result<String, AccessError> {
    let email = text.trim().to_lowercase();
    let bad = || AccessError::BadEmail(text.chars().take(80).collect());
    let (local, domain) = email.rsplit_once('@').ok_or_else(bad)?;
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>\"(),:;[]\\".contains(c);
    if local.is_empty()
        || domain.is_empty()
        || email.len() > 254
        || local.contains('@')
        || email.chars().any(odd)
        || domain.split('.').any(str::is_empty)
    {
        return Err(bad());
    }
    Ok(email)
}

pub(crate) fn user_of(row: &Row) -> rusqlite::Result<(User, String)> {
    let role: String = row.get(2)?;
    let user = User {
        id: row.get(0)?,
        email: row.get(1)?,
        // An unknown role is less than any known one would be; `role` is checked by whoever gets the pair.
        role: Role::parse(&role).unwrap_or(Role::Viewer),
        created_at: instant(row.get(3)?),
        disabled_at: row.get::<_, Option<i64>>(4)?.map(instant),
    };
    Ok((user, role))
}

pub(crate) fn known_role((user, role): (User, String)) -> Result<User, AccessError> {
    match Role::parse(&role) {
        Some(_) => Ok(user),
        None => Err(AccessError::Damaged(format!("{role:?} is not a role"))),
    }
}

pub(crate) fn find(db: &Connection, id: UserId) -> Result<User, AccessError> {
    let found = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM users WHERE id = ?1"))?
        .query_row([id], user_of)
        .optional()?;
    known_role(found.ok_or(AccessError::NoUser(id))?)
}

/// A one-time link as stored.
struct Link {
    email: Option<String>,
    role: Option<Role>,
    created_by: String,
    expires_at: Instant,
}

fn link(db: &Connection, kind: &str, secret: &str, now: Instant) -> Result<Option<Link>, AccessError> {
    if !token::well_formed(LINK, secret) {
        return Ok(None);
    }
    let hash = token::hash(secret);
    let found = db
        .query_row(
            "SELECT email, role, created_by, expires_at FROM one_time_links WHERE hash = ?1 AND kind = ?2",
            params![hash, kind],
            |row| {
                Ok(Link {
                    email: row.get(0)?,
                    role: row.get::<_, Option<String>>(1)?.and_then(|text| Role::parse(&text)),
                    created_by: row.get(2)?,
                    expires_at: instant(row.get(3)?),
                })
            },
        )
        .optional()?;
    match found {
        // What is too old goes for good: a clock that is set back does not bring it back.
        Some(link) if link.expires_at <= now => {
            db.execute("DELETE FROM one_time_links WHERE hash = ?1", [hash])?;
            Ok(None)
        }
        other => Ok(other),
    }
}

fn use_up(db: &Transaction, secret: &str) -> Result<(), AccessError> {
    db.execute("DELETE FROM one_time_links WHERE hash = ?1", [token::hash(secret)])?;
    Ok(())
}

fn make_link(
    db: &Transaction,
    kind: &str,
    email: Option<&str>,
    role: Option<Role>,
    by: &Who,
    (now, expires_at): (Instant, Instant),
) -> Result<Secret, AccessError> {
    let secret = token::make(LINK)?;
    // A new link for the same purpose ends the older one.
    db.execute("DELETE FROM one_time_links WHERE kind = ?1 AND email IS ?2", params![kind, email])?;
    db.execute(
        "INSERT INTO one_time_links (hash, kind, email, role, created_by, created_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            token::hash(secret.reveal()),
            kind,
            email,
            role.map(Role::as_str),
            by.name,
            now.micros(),
            expires_at.micros()
        ],
    )?;
    Ok(secret)
}

fn add(db: &Transaction, email: &str, role: Role, hash: &str, now: Instant) -> Result<User, AccessError> {
    let taken: bool =
        db.query_row("SELECT EXISTS (SELECT 1 FROM users WHERE email = ?1)", [email], |row| row.get(0))?;
    if taken {
        return Err(AccessError::EmailTaken(email.into()));
    }
    db.execute(
        "INSERT INTO users (email, role, password, created_at, password_at) VALUES (?1, ?2, ?3, ?4, ?4)",
        params![email, role.as_str(), hash, now.micros()],
    )?;
    find(db, db.last_insert_rowid())
}

fn anybody(db: &Connection) -> Result<bool, AccessError> {
    Ok(db.query_row("SELECT EXISTS (SELECT 1 FROM users)", [], |row| row.get(0))?)
}

/// Refuses when nobody but this user is an owner who can sign in.
fn not_the_last_owner(db: &Transaction, user: &User) -> Result<(), AccessError> {
    let others: bool = db.query_row(
        "SELECT EXISTS (SELECT 1 FROM users WHERE role = 'owner' AND disabled_at IS NULL AND id <> ?1)",
        [user.id],
        |row| row.get(0),
    )?;
    if user.role == Role::Owner && user.disabled_at.is_none() && !others {
        return Err(AccessError::LastOwner(user.email.clone()));
    }
    Ok(())
}

fn set_password(db: &Transaction, id: UserId, hash: &str, now: Instant) -> Result<(), AccessError> {
    db.execute(
        "UPDATE users SET password = ?2, password_at = ?3 WHERE id = ?1",
        params![id, hash, now.micros()],
    )?;
    db.execute("DELETE FROM sessions WHERE user = ?1", [id])?;
    Ok(())
}

impl Access {
    /// Whether nobody has been set up yet.
    pub fn is_new(&self) -> Result<bool, AccessError> {
        Ok(!anybody(&self.db())?)
    }

    /// A token for setting up the owner, for the server to print on its console when it starts, is new, and can be
    /// reached by others than this machine. It ends the ones before it, and after a day. `None` once there is an owner.
    pub fn setup_token(&self, now: Instant) -> Result<Option<Secret>, AccessError> {
        self.write(|db| {
            if anybody(db)? {
                return Ok(None);
            }
            make_link(db, SETUP, None, Some(Role::Owner), &Who::console(), (now, after(now, DAY))).map(Some)
        })
    }

    /// Makes the owner, once. `address` is where the request came from.
    pub fn set_up(
        &self,
        proof: SetupProof,
        email: &str,
        password: &Secret,
        address: &str,
        now: Instant,
    ) -> Result<User, AccessError> {
        let proven = |db: &Connection| match proof {
            SetupProof::Loopback => Ok(true),
            SetupProof::Token(text) => Ok::<_, AccessError>(link(db, SETUP, text, now)?.is_some()),
        };
        // Before the password is hashed, so that strangers cannot make the server work.
        if anybody(&self.db())? {
            return Err(AccessError::AlreadySetUp);
        }
        if !proven(&self.db())? {
            return Err(AccessError::BadLink);
        }
        let email = normal_email(email)?;
        password::check(password, &email)?;
        let hash = password::hash(password)?;
        self.write(|db| {
            if anybody(db)? {
                return Err(AccessError::AlreadySetUp);
            }
            if !proven(db)? {
                return Err(AccessError::BadLink);
            }
            db.execute("DELETE FROM one_time_links", [])?;
            let user = add(db, &email, Role::Owner, &hash, now)?;
            note(db, &Who::user(&user, address), "set_up", &email, &json!({}), now)?;
            Ok(user)
        })
    }

    /// Invites somebody: gives the secret of a link that works once, for a week. An older invitation of the same
    /// address ends.
    pub fn invite(&self, by: &Who, email: &str, role: Role, now: Instant) -> Result<Secret, AccessError> {
        by.must(Action::ManageUsers)?;
        let email = normal_email(email)?;
        self.write(|db| {
            let taken: bool =
                db.query_row("SELECT EXISTS (SELECT 1 FROM users WHERE email = ?1)", [&email], |row| {
                    row.get(0)
                })?;
            if taken {
                return Err(AccessError::EmailTaken(email.clone()));
            }
            let secret = make_link(db, INVITE, Some(&email), Some(role), by, (now, after(now, 7 * DAY)))?;
            note(db, by, "invite", &email, &json!({"role": role.as_str()}), now)?;
            Ok(secret)
        })
    }

    /// Whom an invitation is for; `None` when it is not valid. Does not use it up.
    pub fn invitation(&self, secret: &str, now: Instant) -> Result<Option<Invitation>, AccessError> {
        Ok(link(&self.db(), INVITE, secret, now)?.and_then(|link| {
            Some(Invitation {
                email: link.email?,
                role: link.role?,
                created_by: link.created_by,
                expires_at: link.expires_at,
            })
        }))
    }

    /// The invitations that wait, by address.
    pub fn invitations(&self, by: &Who, now: Instant) -> Result<Vec<Invitation>, AccessError> {
        by.must(Action::ManageUsers)?;
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT email, role, created_by, expires_at FROM one_time_links WHERE kind = ?1 AND expires_at > ?2 \
             ORDER BY email",
        )?;
        let mut rows = statement.query(params![INVITE, now.micros()])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let role: String = row.get(1)?;
            out.push(Invitation {
                email: row.get(0)?,
                role: Role::parse(&role)
                    .ok_or_else(|| AccessError::Damaged(format!("{role:?} is not a role")))?,
                created_by: row.get(2)?,
                expires_at: instant(row.get(3)?),
            });
        }
        Ok(out)
    }

    /// Withdraws an invitation; nothing happens when there is none.
    pub fn withdraw_invitation(&self, by: &Who, email: &str, now: Instant) -> Result<(), AccessError> {
        by.must(Action::ManageUsers)?;
        let email = normal_email(email)?;
        self.write(|db| {
            let gone = db.execute(
                "DELETE FROM one_time_links WHERE kind = ?1 AND email = ?2",
                params![INVITE, email],
            )?;
            if gone > 0 {
                note(db, by, "withdraw_invitation", &email, &json!({}), now)?;
            }
            Ok(())
        })
    }

    /// Takes an invitation, which uses it up.
    pub fn accept(
        &self,
        secret: &str,
        password: &Secret,
        address: &str,
        now: Instant,
    ) -> Result<User, AccessError> {
        let invited = self.invitation(secret, now)?.ok_or(AccessError::BadLink)?;
        password::check(password, &invited.email)?;
        let hash = password::hash(password)?;
        self.write(|db| {
            if link(db, INVITE, secret, now)?.is_none() {
                return Err(AccessError::BadLink);
            }
            use_up(db, secret)?;
            let user = add(db, &invited.email, invited.role, &hash, now)?;
            note(db, &Who::user(&user, address), "accept_invitation", &user.email, &json!({}), now)?;
            Ok(user)
        })
    }

    /// The people, by address, those who are disabled too.
    pub fn users(&self, by: &Who) -> Result<Vec<User>, AccessError> {
        by.must(Action::ManageUsers)?;
        let db = self.db();
        let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM users ORDER BY email"))?;
        let rows = statement.query_map([], user_of)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(known_role).collect()
    }

    /// Changes what somebody is, at once, in the sessions they have too.
    pub fn change_role(&self, by: &Who, id: UserId, role: Role, now: Instant) -> Result<User, AccessError> {
        by.must(Action::ManageUsers)?;
        self.write(|db| {
            let user = find(db, id)?;
            if role != Role::Owner {
                not_the_last_owner(db, &user)?;
            }
            db.execute("UPDATE users SET role = ?2 WHERE id = ?1", params![id, role.as_str()])?;
            let detail = json!({"from": user.role.as_str(), "to": role.as_str()});
            note(db, by, "change_role", &user.email, &detail, now)?;
            find(db, id)
        })
    }

    /// Shuts somebody out: their sessions, their links for a new password and the invitations they made end.
    pub fn disable(&self, by: &Who, id: UserId, now: Instant) -> Result<(), AccessError> {
        by.must(Action::ManageUsers)?;
        self.write(|db| {
            let user = find(db, id)?;
            not_the_last_owner(db, &user)?;
            db.execute(
                "UPDATE users SET disabled_at = coalesce(disabled_at, ?2) WHERE id = ?1",
                [id, now.micros()],
            )?;
            db.execute("DELETE FROM sessions WHERE user = ?1", [id])?;
            db.execute(
                "DELETE FROM one_time_links WHERE (kind = ?1 AND email = ?2) OR created_by = ?3",
                params![PASSWORD, user.email, Who::user(&user, "").name],
            )?;
            note(db, by, "disable", &user.email, &json!({}), now)
        })
    }

    /// Lets somebody in again, with the password they had.
    pub fn enable(&self, by: &Who, id: UserId, now: Instant) -> Result<(), AccessError> {
        by.must(Action::ManageUsers)?;
        self.write(|db| {
            let user = find(db, id)?;
            db.execute("UPDATE users SET disabled_at = NULL WHERE id = ?1", [id])?;
            note(db, by, "enable", &user.email, &json!({}), now)
        })
    }

    /// Changes one's own password. The old one is asked for, with the back-off of a sign-in; all sessions end.
    pub fn change_password(
        &self,
        by: &Who,
        old: &Secret,
        new: &Secret,
        now: Instant,
    ) -> Result<(), AccessError> {
        let Some(id) = by.user else {
            return Err(AccessError::Forbidden { who: by.name.clone(), action: Action::ManageUsers });
        };
        let user = find(&self.db(), id)?;
        password::check(new, &user.email)?;
        let counters = Counters::new(&user.email, by.address.as_deref().unwrap_or_default());
        self.write(|db| counters.attempt(db, now))??;
        let stored: String =
            self.db().query_row("SELECT password FROM users WHERE id = ?1", [id], |row| row.get(0))?;
        if user.disabled_at.is_some() || !password::fits(old, &stored) {
            self.note(by, "change_password_failed", &user.email, &json!({}), now)?;
            return Err(AccessError::BadLogin);
        }
        let hash = password::hash(new)?;
        self.write(|db| {
            // It may have been changed, or they disabled, while the hashes were computed.
            let unchanged: bool = db.query_row(
                "SELECT EXISTS (SELECT 1 FROM users WHERE id = ?1 AND password = ?2 AND disabled_at IS NULL)",
                params![id, stored],
                |row| row.get(0),
            )?;
            if !unchanged {
                return Err(AccessError::BadLogin);
            }
            counters.was_right(db, now)?;
            set_password(db, id, &hash, now)?;
            note(db, by, "change_password", &user.email, &json!({}), now)
        })
    }

    /// A link with which somebody sets a new password, once, within a day: for those who forgot theirs. From the
    /// command line also for the last owner.
    pub fn password_link(&self, by: &Who, id: UserId, now: Instant) -> Result<Secret, AccessError> {
        by.must(Action::ManageUsers)?;
        self.write(|db| {
            let user = find(db, id)?;
            let secret = make_link(db, PASSWORD, Some(&user.email), None, by, (now, after(now, DAY)))?;
            note(db, by, "make_password_link", &user.email, &json!({}), now)?;
            Ok(secret)
        })
    }

    /// Sets a new password with such a link, which uses it up and ends all sessions.
    pub fn reset_password(
        &self,
        secret: &str,
        new: &Secret,
        address: &str,
        now: Instant,
    ) -> Result<(), AccessError> {
        let email = |db: &Connection| -> Result<String, AccessError> {
            link(db, PASSWORD, secret, now)?.and_then(|link| link.email).ok_or(AccessError::BadLink)
        };
        password::check(new, &email(&self.db())?)?;
        let hash = password::hash(new)?;
        self.write(|db| {
            let email = email(db)?;
            let id: UserId = db
                .query_row("SELECT id FROM users WHERE email = ?1 AND disabled_at IS NULL", [&email], |row| {
                    row.get(0)
                })
                .optional()?
                .ok_or(AccessError::BadLink)?;
            use_up(db, secret)?;
            set_password(db, id, &hash, now)?;
            note(db, &Who::user(&find(db, id)?, address), "reset_password", &email, &json!({}), now)
        })
    }
}
