//! Sources that are synced: their settings, when they are due, and how the last run went. All of it is kept in the book, so that
//! the command line, the job of a server and its pages say the same.

use crate::error::ConnectError;
use crate::sync::Synced;
use netnew_book::{Book, SyncedSource};
use netnew_money::Instant;
use netnew_stripe::Trouble;
use serde_json::{Value, json};

/// Minutes between two runs of a server's job, unless the source says otherwise.
pub const EVERY_MINUTES: i64 = 5;
/// Findings that are kept of a run.
const KEPT: usize = 50;

const LAST: &str = "last run";
const CHECKED: &str = "last check";
const OFF: &str = "automatic";
const WANTED: &str = "wanted";

/// A source and where it is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// What it is: `stripe`.
    pub kind: String,
    /// Environment variable that holds its key.
    pub key_env: String,
    /// Address of its API.
    pub api_base: String,
}

impl Source {
    /// Reads what the book keeps.
    pub fn of(kept: &SyncedSource) -> Source {
        let settings: Value = serde_json::from_str(&kept.settings).unwrap_or_default();
        let text = |field: &str| settings[field].as_str().unwrap_or_default().to_string();
        Source {
            name: kept.name.clone(),
            kind: kept.kind.clone(),
            key_env: text("key_env"),
            api_base: text("api_base"),
        }
    }

    /// All of a book.
    ///
    /// # Errors
    /// When the book cannot be read.
    pub fn all(book: &Book) -> Result<Vec<Source>, ConnectError> {
        Ok(book.sources()?.iter().map(Source::of).collect())
    }
}

/// Code, message and hint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// Stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Finding {
    fn json(code: &str, message: &str, hint: &str) -> Value {
        json!({"code": code, "message": message, "hint": hint})
    }

    fn of(value: &Value) -> Finding {
        let text = |field: &str| value[field].as_str().unwrap_or_default().to_string();
        Finding { code: text("code"), message: text("message"), hint: text("hint") }
    }
}

/// How a source is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// When a run last ended well.
    pub synced_at: Option<Instant>,
    /// To when everything that happened is known.
    pub complete_to: Option<Instant>,
    /// When a run last ended, well or not.
    pub tried_at: Option<Instant>,
    /// When it was last checked against the account.
    pub checked_at: Option<Instant>,
    /// Why the last run did not end well, if it did not, and what the last run and the last check found.
    pub findings: Vec<Finding>,
    /// A server's job reads it by itself.
    pub automatic: bool,
    /// Somebody asked for a run, which has not begun.
    pub wanted: bool,
    /// `live` or `test`, once known.
    pub mode: Option<String>,
}

/// How a source is, by what the book keeps of it.
///
/// # Errors
/// When the book cannot be read.
pub fn health(book: &Book, name: &str) -> Result<Health, ConnectError> {
    let marks = book.source_marks(name)?;
    let parsed = |mark: &str| {
        marks.get(mark).and_then(|text| serde_json::from_str::<Value>(text).ok()).unwrap_or_default()
    };
    let (last, checked) = (parsed(LAST), parsed(CHECKED));
    let instant = |value: &Value| value["at"].as_i64().map(Instant::from_micros);
    let number = |mark: &str, unit: i64| {
        let value = marks.get(mark)?.parse::<i64>().ok()?;
        value.checked_mul(unit).map(Instant::from_micros)
    };
    let mut findings: Vec<Finding> = Vec::new();
    for value in [&last, &checked] {
        for finding in value["findings"].as_array().into_iter().flatten().map(Finding::of) {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    Ok(Health {
        synced_at: number("synced", 1_000_000),
        complete_to: number("complete", 1),
        tried_at: instant(&last),
        checked_at: instant(&checked),
        findings,
        automatic: marks.get(OFF).is_none_or(|v| v != "off"),
        wanted: marks.contains_key(WANTED),
        mode: marks.get(crate::webhook::MODE_MARK).cloned(),
    })
}

fn listed(found: &[Trouble]) -> Vec<Value> {
    found.iter().take(KEPT).map(|t| Finding::json(t.code, &t.message, &t.hint)).collect()
}

/// Keeps how a run went, for whoever asks later.
///
/// # Errors
/// When the book cannot be written.
pub fn keep_run(
    book: &Book,
    name: &str,
    now: Instant,
    run: &Result<Synced, ConnectError>,
) -> Result<(), ConnectError> {
    let findings = match run {
        Ok(done) => listed(&done.problems),
        Err(error) => vec![Finding::json(error.code(), &error.to_string(), &error.hint())],
    };
    let value = json!({"at": now.micros(), "findings": findings});
    Ok(book.set_source_mark(name, LAST, &value.to_string())?)
}

/// Keeps what a check found.
///
/// # Errors
/// When the book cannot be written.
pub fn keep_check(book: &Book, name: &str, now: Instant, found: &[Trouble]) -> Result<(), ConnectError> {
    let value = json!({"at": now.micros(), "findings": listed(found)});
    Ok(book.set_source_mark(name, CHECKED, &value.to_string())?)
}

/// Lets a server's job read a source by itself, or not.
///
/// # Errors
/// When the book cannot be written.
pub fn set_automatic(book: &Book, name: &str, on: bool) -> Result<(), ConnectError> {
    Ok(book.set_source_mark(name, OFF, if on { "" } else { "off" })?)
}

/// Asks a server's job for a run as soon as it can, or takes that back.
///
/// # Errors
/// When the book cannot be written.
pub fn set_wanted(book: &Book, name: &str, wanted: bool) -> Result<(), ConnectError> {
    Ok(book.set_source_mark(name, WANTED, if wanted { "1" } else { "" })?)
}

/// The sources that a server's job should read now: those asked for, and those that are on and were not tried for
/// [`EVERY_MINUTES`].
///
/// # Errors
/// When the book cannot be read.
pub fn due(book: &Book, now: Instant) -> Result<Vec<Source>, ConnectError> {
    let mut out = Vec::new();
    for source in Source::all(book)? {
        let health = health(book, &source.name)?;
        let rested = |at: Instant| now.micros() - at.micros() >= EVERY_MINUTES * 60_000_000;
        if health.wanted || (health.automatic && health.tried_at.max(health.synced_at).is_none_or(rested)) {
            out.push(source);
        }
    }
    Ok(out)
}
