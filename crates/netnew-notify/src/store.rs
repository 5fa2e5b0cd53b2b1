//! What the catalog keeps: channels, schedules, marks, deliveries and messages.
//!
//! A **delivery** is one alert for one channel; its id is a hash of both, so that there is never a second. A **message** is
//! what goes over the wire, with one delivery or several in it. It is put together once and kept as it is until it is
//! sent, so that a second try is the same message under the same id.

use crate::channel::{Channel, Target, checked_name};
use crate::error::NotifyError;
use crate::schedule::{Quiet, Schedule};
use netnew_book::{Book, FileLayer};
use netnew_facts::hash128_hex;
use netnew_money::Instant;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The rooms of a book that say who is told what. Safe to share between threads; other processes are seen at once.
pub struct Notify {
    dir: PathBuf,
    files: Arc<dyn FileLayer>,
    db: Mutex<Connection>,
}

/// A message of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id, which every try carries.
    pub id: String,
    /// Through which channel.
    pub channel: String,
    /// `alert`, `report` or `test`.
    pub kind: String,
    /// To whom, when not to all of the channel.
    pub recipient: Option<String>,
    /// In one line.
    pub subject: String,
    /// What is in it, until it was sent.
    pub body: Option<String>,
    /// `queued`, `sending`, `sent` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: Instant,
    /// When it was put together.
    pub created_at: Instant,
    /// When it was sent or given up.
    pub done_at: Option<Instant>,
    /// What was said the last time it was tried.
    pub said: Option<String>,
}

impl Message {
    /// As JSON, without what is in it.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id, "channel": self.channel, "kind": self.kind, "recipient": self.recipient,
            "subject": self.subject, "state": if self.state == "sending" { "queued" } else { &self.state },
            "attempts": self.attempts,
            "next_at": matches!(self.state.as_str(), "queued" | "sending").then(|| self.next_at.to_string()),
            "created_at": self.created_at.to_string(), "done_at": self.done_at.map(|at| at.to_string()),
            "said": self.said,
        })
    }
}

const COLUMNS: &str =
    "id, channel, kind, recipient, subject, body, state, attempts, next_at, created_at, done_at, said";

fn message(row: &Row) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        channel: row.get(1)?,
        kind: row.get(2)?,
        recipient: row.get(3)?,
        subject: row.get(4)?,
        body: row.get(5)?,
        state: row.get(6)?,
        attempts: row.get(7)?,
        next_at: instant(row.get(8)?),
        created_at: instant(row.get(9)?),
        done_at: row.get::<_, Option<i64>>(10)?.map(instant),
        said: row.get(11)?,
    })
}

fn instant(micros: i64) -> Instant {
    Instant::from_micros(micros.clamp(Instant::MIN.micros(), Instant::MAX.micros()))
}

fn unknown(what: &str, name: &str) -> NotifyError {
    let shown: String = name.chars().take(80).collect();
    NotifyError::refused(
        "unknown_name",
        format!("there is no {what} {shown:?}"),
        format!("netnew notify {what}s list shows them"),
    )
}

impl Notify {
    /// Opens them with a connection of their own.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn open(book: &Book) -> Result<Notify, NotifyError> {
        Ok(Notify { dir: book.dir().to_path_buf(), files: book.files(), db: Mutex::new(book.connect()?) })
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

    pub(crate) fn write<T>(
        &self,
        run: impl FnOnce(&Transaction) -> Result<T, NotifyError>,
    ) -> Result<T, NotifyError> {
        let mut db = self.db();
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let out = run(&transaction)?;
        transaction.commit()?;
        Ok(out)
    }

    /// The channels, by name.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn channels(&self) -> Result<Vec<Channel>, NotifyError> {
        let db = self.db();
        let mut statement =
            db.prepare_cached("SELECT name, target, since, begun FROM notify_channels ORDER BY name")?;
        let mut rows = statement.query([])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            let target: Target = serde_json::from_str(&row.get::<_, String>(1)?).map_err(|_| {
                NotifyError::refused(
                    "damaged",
                    format!("the settings of channel {name} cannot be read"),
                    "remove it and add it again",
                )
            })?;
            out.push(Channel { name, target, since: instant(row.get(2)?), begun: row.get(3)? });
        }
        Ok(out)
    }

    /// A channel by name.
    ///
    /// # Errors
    /// `unknown_name`.
    pub fn channel(&self, name: &str) -> Result<Channel, NotifyError> {
        self.channels()?.into_iter().find(|c| c.name == name).ok_or_else(|| unknown("channel", name))
    }

    /// Adds a channel. What happened before `since` is not told there.
    ///
    /// # Errors
    /// One that would not be safe, or whose name is taken.
    pub fn add_channel(&self, name: &str, target: Target, since: Instant) -> Result<Channel, NotifyError> {
        let name = checked_name(name)?;
        target.check()?;
        let text = serde_json::to_string(&target).map_err(|_| unknown("channel", &name))?;
        let added = self.db().execute(
            "INSERT OR IGNORE INTO notify_channels (name, target, since) VALUES (?1, ?2, ?3)",
            params![name, text, since.micros()],
        )?;
        if added == 0 {
            return Err(NotifyError::refused(
                "name_taken",
                format!("there is a channel {name} already"),
                "choose another name, or remove it first",
            ));
        }
        Ok(Channel { name, target, since, begun: false })
    }

    /// Removes a channel, with what waits for it and the schedules that use it. What was sent stays in the log.
    ///
    /// # Errors
    /// `unknown_name`.
    pub fn remove_channel(&self, name: &str) -> Result<Channel, NotifyError> {
        let channel = self.channel(name)?;
        self.write(|db| {
            for schedule in schedules(db)?.iter().filter(|s| s.channel == name) {
                db.execute("DELETE FROM notify_schedules WHERE name = ?1", [&schedule.name])?;
            }
            db.execute("DELETE FROM notify_deliveries WHERE channel = ?1", [name])?;
            db.execute(
                "DELETE FROM notify_messages WHERE channel = ?1 AND state IN ('queued', 'sending')",
                [name],
            )?;
            db.execute("DELETE FROM notify_channels WHERE name = ?1", [name])?;
            Ok(())
        })?;
        Ok(channel)
    }

    /// The schedules, by name.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn schedules(&self) -> Result<Vec<Schedule>, NotifyError> {
        schedules(&self.db())
    }

    /// Adds a schedule.
    ///
    /// # Errors
    /// One that cannot work, or whose name is taken.
    pub fn add_schedule(&self, schedule: &Schedule) -> Result<(), NotifyError> {
        let name = checked_name(&schedule.name)?;
        schedule.check()?;
        let channel = self.channel(&schedule.channel)?;
        if !schedule.to.is_empty() && channel.target.kind() != "email" {
            return Err(NotifyError::refused(
                "bad_schedule",
                format!("{} is no channel of mail and has no recipients", channel.name),
                "leave --to out",
            ));
        }
        let text = serde_json::to_string(schedule).map_err(|_| unknown("schedule", &name))?;
        let added = self.db().execute(
            "INSERT OR IGNORE INTO notify_schedules (name, settings, since) VALUES (?1, ?2, ?3)",
            params![name, text, schedule.since.micros()],
        )?;
        match added {
            0 => Err(NotifyError::refused(
                "name_taken",
                format!("there is a schedule {name} already"),
                "choose another name, or remove it first",
            )),
            _ => Ok(()),
        }
    }

    /// Removes a schedule.
    ///
    /// # Errors
    /// `unknown_name`.
    pub fn remove_schedule(&self, name: &str) -> Result<(), NotifyError> {
        match self.db().execute("DELETE FROM notify_schedules WHERE name = ?1", [name])? {
            0 => Err(unknown("schedule", name)),
            _ => Ok(()),
        }
    }

    /// A mark by name: `quiet`, `address`, and what the machinery remembers.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn mark(&self, name: &str) -> Result<Option<String>, NotifyError> {
        let db = self.db();
        let found = db
            .query_row("SELECT value FROM notify_marks WHERE name = ?1", [name], |row| row.get(0))
            .optional()?;
        Ok(found)
    }

    /// Sets a mark, or with `None` removes it.
    ///
    /// # Errors
    /// A catalog that cannot be written.
    pub fn set_mark(&self, name: &str, value: Option<&str>) -> Result<(), NotifyError> {
        let db = self.db();
        match value {
            Some(value) => db.execute(
                "INSERT INTO notify_marks (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                [name, value],
            )?,
            None => db.execute("DELETE FROM notify_marks WHERE name = ?1", [name])?,
        };
        Ok(())
    }

    /// The quiet hours, if there are any.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn quiet(&self) -> Result<Option<Quiet>, NotifyError> {
        self.mark("quiet")?.map(|text| Quiet::parse(&text)).transpose()
    }

    /// Where the pages are, for links: as somebody set it, else where they were last served.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn address(&self) -> Result<Option<String>, NotifyError> {
        Ok(match self.mark("address")? {
            Some(address) => Some(address),
            None => self.mark("served_at")?,
        })
    }

    /// Sets where the pages are, or with `None` forgets it.
    ///
    /// # Errors
    /// `bad_url`.
    pub fn set_address(&self, address: Option<&str>) -> Result<(), NotifyError> {
        let Some(address) = address else { return self.set_mark("address", None) };
        let address = address.trim().trim_end_matches('/');
        let fine = reqwest::Url::parse(address)
            .is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.username().is_empty());
        if !fine || address.chars().any(|c| c.is_whitespace() || "<>\"'".contains(c)) {
            return Err(NotifyError::refused(
                "bad_url",
                "the address of the pages is none",
                "use https://netnew.example.com",
            ));
        }
        self.set_mark("address", Some(address))
    }

    /// Newest messages, of all channels or one.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn log(&self, channel: Option<&str>, limit: usize) -> Result<Vec<Message>, NotifyError> {
        let db = self.db();
        let mut statement = db.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM notify_messages WHERE ?1 IS NULL OR channel = ?1 ORDER BY created_at DESC, rowid DESC LIMIT ?2"
        ))?;
        let rows = statement.query_map(params![channel, limit as i64], message)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Alerts that wait, by channel: for quiet hours to end, or to be sent.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn waiting(&self) -> Result<Vec<(String, u64)>, NotifyError> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT channel, count(*) FROM notify_deliveries WHERE state = 'queued' GROUP BY channel ORDER BY channel",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Puts messages that were given up back into the queue; gives how many.
    ///
    /// # Errors
    /// A catalog that cannot be written.
    pub fn revive(&self, now: Instant) -> Result<usize, NotifyError> {
        Ok(self.db().execute(
            "UPDATE notify_messages SET state = 'queued', attempts = 0, next_at = ?1, done_at = NULL WHERE state = 'failed' AND body IS NOT NULL",
            [now.micros()],
        )?)
    }

    pub(crate) fn message(&self, id: &str) -> Result<Option<Message>, NotifyError> {
        let db = self.db();
        let found = db
            .query_row(&format!("SELECT {COLUMNS} FROM notify_messages WHERE id = ?1"), [id], message)
            .optional()?;
        Ok(found)
    }

    pub(crate) fn due(&self, now: Instant, with_alerts: bool) -> Result<Vec<String>, NotifyError> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT id FROM notify_messages WHERE state IN ('queued', 'sending') AND next_at <= ?1 AND (?2 OR kind <> 'alert') \
             ORDER BY created_at, rowid",
        )?;
        let rows = statement.query_map(params![now.micros(), with_alerts], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn schedules(db: &Connection) -> Result<Vec<Schedule>, NotifyError> {
    let mut statement =
        db.prepare_cached("SELECT name, settings, since FROM notify_schedules ORDER BY name")?;
    let mut rows = statement.query([])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let mut schedule: Schedule = serde_json::from_str(&row.get::<_, String>(1)?).map_err(|_| {
            NotifyError::refused(
                "damaged",
                format!("schedule {name} cannot be read"),
                "remove it and add it again",
            )
        })?;
        (schedule.name, schedule.since) = (name, instant(row.get(2)?));
        out.push(schedule);
    }
    Ok(out)
}

/// The id of an alert's delivery through a channel.
pub fn delivery_id(alert: &str, channel: &str) -> String {
    hash128_hex(&[b"delivery", alert.as_bytes(), channel.as_bytes()])
}

/// What a new message is made of.
pub(crate) struct Draft<'a> {
    pub id: &'a str,
    pub channel: &'a str,
    pub kind: &'a str,
    pub recipient: Option<&'a str>,
    pub subject: &'a str,
    pub body: &'a Value,
}

/// Puts a message into the outbox, once.
pub(crate) fn post(db: &Connection, draft: &Draft, now: Instant) -> Result<bool, NotifyError> {
    let added = db.execute(
        "INSERT OR IGNORE INTO notify_messages (id, channel, kind, recipient, subject, body, state, next_at, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'queued', ?7, ?7)",
        params![draft.id, draft.channel, draft.kind, draft.recipient, draft.subject, draft.body.to_string(), now.micros()],
    )?;
    Ok(added > 0)
}
