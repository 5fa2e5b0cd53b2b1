//! Who may do what in a book, and the trail of who did.
//!
//! People have a role and sign in with a password for a session; programs have an API key with a scope; a page can be
//! shown to whoever holds a share link. [`Grant::may`] is the one table of what each may do. Everything that can be
//! given away once (sessions, keys, links) is random, and the catalog holds only its hash; secrets the program
//! has to use itself (a source's key, the mail server's password) are sealed with a key kept outside the catalog.
//!
//! There is no HTTP and no clock here: now is an argument of everything that depends on it. A clock that was set back
//! never brings anything back to life that was once refused for its age, and never makes anybody wait longer than the
//! back-off itself. See `docs/security.md` for what this defends against and what it does not.

mod audit;
mod documents;
mod error;
mod keys;
mod marks;
mod password;
mod permission;
mod sealed;
mod secret_key;
mod sessions;
mod shares;
mod throttle;
mod token;
mod users;
pub mod webhook;

pub use audit::Entry;
pub use error::AccessError;
pub use keys::{ApiKey, Key};
pub use marks::{Annotation, Goal};
pub use permission::{Action, Grant, Role, Scope};
pub use secret_key::SecretKey;
pub use sessions::{SESSION_DAYS, Session, SignedIn, csrf_token, csrf_verify};
pub use shares::{SHARE_DAYS, Share};
pub use token::{Secret, random};
pub use users::{Invitation, SetupProof, User, UserId};

use netnew_book::{Book, FileLayer};
use netnew_money::Instant;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const DAY: i64 = 24 * 60 * MINUTE;
/// How far a clock may be set back before what it stamped counts as coming from the future.
pub(crate) const SLACK: i64 = 5 * MINUTE;

/// Who does something, for the table of permissions and for the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// What they hold.
    pub grant: Grant,
    /// As the trail says it: `user ada@example.com`, `key ci`, `console`, `nobody`.
    pub name: String,
    /// The person, if it is one.
    pub user: Option<UserId>,
    /// Where the request came from, if it came over the network.
    pub address: Option<String>,
}

impl Who {
    /// Whoever runs the command line, or the program itself.
    pub fn console() -> Who {
        Who { grant: Grant::Console, name: "console".into(), user: None, address: None }
    }

    /// Somebody who did not say who they are.
    pub fn nobody(address: &str) -> Who {
        Who { grant: Grant::Nobody, name: "nobody".into(), user: None, address: Some(address.into()) }
    }

    /// A person; one who is disabled holds nothing.
    pub fn user(user: &User, address: &str) -> Who {
        Who {
            grant: if user.disabled_at.is_some() { Grant::Nobody } else { Grant::Role(user.role) },
            name: format!("user {}", user.email),
            user: Some(user.id),
            address: Some(address.into()),
        }
    }

    /// A program.
    pub fn key(key: &Key, address: &str) -> Who {
        Who {
            grant: Grant::Scope(key.scope),
            name: format!("key {}", key.name),
            user: None,
            address: Some(address.into()),
        }
    }

    /// Refuses unless they may.
    pub fn must(&self, action: Action) -> Result<(), AccessError> {
        if self.grant.may(action) {
            return Ok(());
        }
        Err(AccessError::Forbidden { who: self.name.clone(), action })
    }
}

/// The rooms of a book that say who may do what. Safe to share between threads; other processes on the same book are
/// seen at once.
pub struct Access {
    dir: PathBuf,
    files: Arc<dyn FileLayer>,
    db: Mutex<Connection>,
    dummy: password::Dummy,
}

impl Access {
    /// Opens them with a connection of its own, so that signing in does not wait for an import's use of the book.
    pub fn open(book: &Book) -> Result<Access, AccessError> {
        Ok(Access {
            dir: book.dir().to_path_buf(),
            files: book.files(),
            db: Mutex::new(book.connect()?),
            dummy: password::Dummy::default(),
        })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn files(&self) -> &dyn FileLayer {
        &*self.files
    }

    pub(crate) fn db(&self) -> MutexGuard<'_, Connection> {
        // A panic while it was in use leaves SQLite's own state sound.
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One transaction that holds the write lock from its beginning, so that what it checks still holds when it writes.
    /// An error rolls it back.
    pub(crate) fn write<T>(
        &self,
        run: impl FnOnce(&Transaction) -> Result<T, AccessError>,
    ) -> Result<T, AccessError> {
        let mut db = self.db();
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let out = run(&transaction)?;
        transaction.commit()?;
        Ok(out)
    }

    /// A write that may be left out when somebody else is writing: the time something was last used.
    pub(crate) fn touch(&self, sql: &str, now: Instant, id: i64) -> Result<(), AccessError> {
        let db = self.db();
        db.busy_timeout(Duration::ZERO)?;
        let done = db.execute(sql, [now.micros(), id]);
        db.busy_timeout(Duration::from_secs(30))?;
        match done {
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }
}

/// An instant some microseconds later; the end of time when there is none.
pub(crate) fn after(now: Instant, micros: i64) -> Instant {
    Instant::from_micros(now.micros().saturating_add(micros).min(Instant::MAX.micros()))
}

/// A name for keys and labels: something that can be typed, printed and found again.
pub(crate) fn checked_name(name: &str) -> Result<&str, AccessError> {
    let name = name.trim();
    let fine = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_');
    if name.is_empty() || name.chars().count() > 64 || !name.chars().all(fine) {
        return Err(AccessError::BadName(name.chars().take(80).collect()));
    }
    Ok(name)
}

pub(crate) fn instant(micros: i64) -> Instant {
    Instant::from_micros(micros.clamp(Instant::MIN.micros(), Instant::MAX.micros()))
}
