//! The catalog: what counts. A SQLite file in WAL mode, synced on every commit.

use crate::error::BookError;
use crate::files::FileLayer;
use crate::segment::SegmentInfo;
use netnew_facts::{AliasFact, PayloadRef, RateFact, Text};
use netnew_money::{Currency, Day, Decimal, Instant};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};
use rusqlite_migration::{M, Migrations};
use std::path::Path;

const SCHEMA: &str = "
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE policies (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
CREATE TABLE payloads (id INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL) STRICT;
CREATE TABLE imports (
  id INTEGER PRIMARY KEY, source TEXT NOT NULL, at INTEGER NOT NULL, facts INTEGER NOT NULL,
  duplicates INTEGER NOT NULL, superseded INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL
) STRICT;
CREATE TABLE segments (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, info TEXT NOT NULL) STRICT;
CREATE TABLE rates (
  source TEXT NOT NULL, day INTEGER NOT NULL, base TEXT NOT NULL, quote TEXT NOT NULL, rate TEXT,
  recorded_at INTEGER NOT NULL, version INTEGER, booked_seq INTEGER NOT NULL, payload INTEGER NOT NULL, row INTEGER NOT NULL
) STRICT;
CREATE INDEX rates_key ON rates (source, day, base, quote);
CREATE TABLE aliases (
  source TEXT NOT NULL, customer TEXT NOT NULL, merged_into TEXT,
  recorded_at INTEGER NOT NULL, version INTEGER, booked_seq INTEGER NOT NULL, payload INTEGER NOT NULL, row INTEGER NOT NULL
) STRICT;
CREATE INDEX aliases_key ON aliases (source, customer);
";

/// In the order in which they came: a book knows by their number which it has had, so one is only ever added at the
/// end.
fn migrations() -> Migrations<'static> {
    Migrations::new(vec![
        // The book itself.
        M::up(SCHEMA),
        // Who may do what.
        M::up(include_str!("catalog/access.sql")),
        // What sources said that facts are told from.
        M::up(crate::evidence::MIGRATION),
        M::up(crate::evidence::WANTED_MIGRATION),
        // What was sent to the API under /v1.
        M::up(include_str!("catalog/mogul.sql")),
        // Who is told what: rules, channels, schedules, the outbox.
        M::up(include_str!("catalog/notify.sql")),
    ])
}

/// Opens the catalog, making or upgrading its tables.
pub fn open(path: &Path, files: &dyn FileLayer) -> Result<Connection, BookError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = match files.sqlite_vfs() {
        None => Connection::open_with_flags(path, flags)?,
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs)?,
    };
    connection.busy_timeout(std::time::Duration::from_secs(30))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Up to so many KiB, and only what is used: a flood of deliveries looks up thousands of rows per commit.
    connection.pragma_update(None, "cache_size", -32_768)?;
    connection.set_prepared_statement_cache_capacity(64);
    let known = migrations();
    match known.to_latest(&mut connection) {
        Ok(()) => Ok(connection),
        Err(rusqlite_migration::Error::RusqliteError { err, .. }) => Err(BookError::Catalog(err)),
        Err(rusqlite_migration::Error::MigrationDefinition(_)) => {
            Err(BookError::Newer(path.parent().unwrap_or(path).to_path_buf()))
        }
        Err(other) => Err(BookError::damaged("book.db", other)),
    }
}

/// A setting by key.
pub fn setting(connection: &Connection, key: &str) -> Result<Option<String>, BookError> {
    Ok(connection
        .query_row("SELECT value FROM settings WHERE key = ?1", [key], |row| row.get(0))
        .optional()?)
}

/// Sets a setting.
pub fn set_setting(connection: &Connection, key: &str, value: &str) -> Result<(), BookError> {
    connection.execute(
        "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [key, value],
    )?;
    Ok(())
}

/// The rules of alerts that were added by command or page, by name: TOML of one `[[rule]]` each.
pub fn alert_rules(connection: &Connection) -> Result<Vec<(String, String)>, BookError> {
    let mut statement = connection.prepare("SELECT name, text FROM alert_rules ORDER BY name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The book's counter: the highest `booked_seq` given out.
pub fn last_seq(connection: &Connection) -> Result<u64, BookError> {
    Ok(setting(connection, "last_seq")?.and_then(|v| v.parse().ok()).unwrap_or(0))
}

/// The segments that count, oldest first.
pub fn segments(connection: &Connection) -> Result<Vec<SegmentInfo>, BookError> {
    let mut statement = connection.prepare("SELECT name, info FROM segments ORDER BY id")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut out = Vec::new();
    for row in rows {
        let (name, info) = row?;
        out.push(serde_json::from_str(&info).map_err(|e| BookError::damaged(&name, e))?);
    }
    Ok(out)
}

/// The segments that count, oldest first, by name; what the catalog knows of those that are not `known` already.
pub fn segments_beside(
    connection: &Connection,
    known: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Option<SegmentInfo>)>, BookError> {
    let mut statement = connection.prepare_cached("SELECT id, name FROM segments ORDER BY id")?;
    let listed = statement
        .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut statement = connection.prepare_cached("SELECT info FROM segments WHERE id = ?1")?;
    let mut out = Vec::with_capacity(listed.len());
    for (id, name) in listed {
        let info = match known(&name) {
            true => None,
            false => {
                let info: String = statement.query_row([id], |row| row.get(0))?;
                Some(serde_json::from_str(&info).map_err(|e| BookError::damaged(&name, e))?)
            }
        };
        out.push((name, info));
    }
    Ok(out)
}

/// How many rates and merges were ever stated.
pub fn stated(connection: &Connection) -> Result<[u64; 2], BookError> {
    // Rows are only ever added, so the last one's number tells.
    let last = |table: &str| -> Result<u64, BookError> {
        let sql = format!("SELECT coalesce(max(rowid), 0) FROM {table}");
        let last: i64 = connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
        Ok(last as u64)
    };
    Ok([last("rates")?, last("aliases")?])
}

/// Makes a segment count.
pub fn add_segment(transaction: &Transaction, info: &SegmentInfo) -> Result<(), BookError> {
    let text = serde_json::to_string(info).map_err(|e| BookError::damaged(&info.name, e))?;
    transaction.execute("INSERT INTO segments (name, info) VALUES (?1, ?2)", [&info.name, &text])?;
    Ok(())
}

/// Every rate ever stated.
pub fn rates(connection: &Connection) -> Result<Vec<RateFact>, BookError> {
    let mut statement = connection.prepare(
        "SELECT source, day, base, quote, rate, recorded_at, version, booked_seq, payload, row FROM rates ORDER BY booked_seq",
    )?;
    let mut rows = statement.query([])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let currency = |at: usize| -> Result<Currency, BookError> {
            Currency::parse(&row.get::<_, String>(at)?).map_err(|e| BookError::damaged("book.db", e))
        };
        let rate: Option<String> = row.get(4)?;
        out.push(RateFact {
            source: Text::from(row.get::<_, String>(0)?),
            day: Day::from_days(row.get(1)?),
            base: currency(2)?,
            quote: currency(3)?,
            rate: rate
                .map(|r| Decimal::parse(&r))
                .transpose()
                .map_err(|e| BookError::damaged("book.db", e))?,
            recorded_at: Instant::from_micros(row.get(5)?),
            version: row.get(6)?,
            booked_seq: row.get::<_, i64>(7)? as u64,
            payload: PayloadRef { payload: row.get(8)?, row: row.get::<_, i64>(9)? as u64 },
        });
    }
    Ok(out)
}

/// Adds a rate.
pub fn add_rate(transaction: &Transaction, rate: &RateFact) -> Result<(), BookError> {
    transaction.prepare_cached("INSERT INTO rates VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)")?.execute(
        params![
            &*rate.source,
            rate.day.days(),
            rate.base.as_str(),
            rate.quote.as_str(),
            rate.rate.map(|r| r.to_string()),
            rate.recorded_at.micros(),
            rate.version,
            rate.booked_seq as i64,
            rate.payload.payload,
            rate.payload.row as i64,
        ],
    )?;
    Ok(())
}

/// Every merge ever stated.
pub fn aliases(connection: &Connection) -> Result<Vec<AliasFact>, BookError> {
    let mut statement = connection.prepare(
        "SELECT source, customer, merged_into, recorded_at, version, booked_seq, payload, row FROM aliases ORDER BY booked_seq",
    )?;
    let mut rows = statement.query([])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(AliasFact {
            source: Text::from(row.get::<_, String>(0)?),
            customer: Text::from(row.get::<_, String>(1)?),
            merged_into: row.get::<_, Option<String>>(2)?.map(Text::from),
            recorded_at: Instant::from_micros(row.get(3)?),
            version: row.get(4)?,
            booked_seq: row.get::<_, i64>(5)? as u64,
            payload: PayloadRef { payload: row.get(6)?, row: row.get::<_, i64>(7)? as u64 },
        });
    }
    Ok(out)
}

/// Adds a merge.
pub fn add_alias(transaction: &Transaction, alias: &AliasFact) -> Result<(), BookError> {
    transaction.prepare_cached("INSERT INTO aliases VALUES (?1,?2,?3,?4,?5,?6,?7,?8)")?.execute(params![
        &*alias.source,
        &*alias.customer,
        alias.merged_into.as_deref(),
        alias.recorded_at.micros(),
        alias.version,
        alias.booked_seq as i64,
        alias.payload.payload,
        alias.payload.row as i64,
    ])?;
    Ok(())
}
