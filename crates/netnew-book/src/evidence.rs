//! What is kept of a billing system's own objects, so that histories can be told anew when more is learned; the sources
//! that are synced; how far each has been read. All of it lives in the catalog and is committed with the facts.
//!
//! A row of **evidence** is text that only its maker understands, under an id of its own within a source. The row with the
//! highest version holds. `about` gathers what belongs together (a customer); rows about nobody in particular have it empty.

use crate::book::Book;
use crate::error::BookError;
use netnew_facts::{PayloadRef, Text};
use netnew_money::Instant;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeMap;

/// Tables of this room.
pub(crate) const MIGRATION: &str = "
CREATE TABLE evidence (
  source TEXT NOT NULL, id TEXT NOT NULL, about TEXT NOT NULL, version INTEGER NOT NULL,
  payload INTEGER NOT NULL, row INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (source, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX evidence_about ON evidence (source, about);
CREATE TABLE evidence_open (source TEXT NOT NULL, about TEXT NOT NULL, PRIMARY KEY (source, about)) STRICT, WITHOUT ROWID;
CREATE TABLE evidence_wanted (
  source TEXT NOT NULL, id TEXT NOT NULL, about TEXT NOT NULL, PRIMARY KEY (source, id, about)
) STRICT, WITHOUT ROWID;
CREATE TABLE sources (name TEXT PRIMARY KEY, kind TEXT NOT NULL, settings TEXT NOT NULL) STRICT;
CREATE TABLE source_marks (source TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (source, name)) STRICT, WITHOUT ROWID;
";

/// What lacks something is looked up by what it is, too: every time that it is told.
pub(crate) const WANTED_MIGRATION: &str =
    "CREATE INDEX evidence_wanted_about ON evidence_wanted (source, about);";

/// One row of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Unique within the source.
    pub id: String,
    /// What it is about, or empty.
    pub about: String,
    /// The highest of one id holds.
    pub version: i64,
    /// The raw record it was taken from.
    pub place: PayloadRef,
    /// Its text.
    pub body: String,
}

impl Evidence {
    /// Whether this row holds over another of its id, whichever came first.
    pub fn beats(&self, other: &Evidence) -> bool {
        (self.version, &self.body) > (other.version, &other.body)
    }
}

/// What an import keeps besides facts.
#[derive(Clone, Debug, Default)]
pub struct Evident {
    /// Forget all evidence of the source first.
    pub forget: bool,
    /// Rows of evidence.
    pub rows: Vec<Evidence>,
    /// What is to be told anew.
    pub open: Vec<String>,
    /// Tell everything anew that there is evidence about, see [`Book::evidence_abouts`].
    pub open_all: bool,
    /// What was told: no longer open.
    pub told: Vec<String>,
    /// Of each that was told, the ids that it lacks.
    pub wanted: BTreeMap<String, Vec<String>>,
    /// How far the source has been read: name and value; an empty value removes.
    pub marks: Vec<(String, String)>,
}

impl Evident {
    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        !self.forget
            && self.rows.is_empty()
            && self.open.is_empty()
            && self.told.is_empty()
            && self.marks.is_empty()
            && !self.open_all
    }

    pub(crate) fn write(&self, source: &str, transaction: &Transaction) -> Result<(), BookError> {
        if self.forget {
            for table in ["evidence", "evidence_open", "evidence_wanted"] {
                transaction.execute(&format!("DELETE FROM {table} WHERE source = ?1"), [source])?;
            }
        }
        let mut put = transaction.prepare_cached(
            "INSERT INTO evidence (source, id, about, version, payload, row, body) VALUES (?1,?2,?3,?4,?5,?6,?7)
             ON CONFLICT (source, id) DO UPDATE SET
               payload = CASE WHEN body = excluded.body THEN payload ELSE excluded.payload END,
               row = CASE WHEN body = excluded.body THEN row ELSE excluded.row END,
               about = excluded.about, version = excluded.version, body = excluded.body
             WHERE (excluded.version, excluded.body) > (version, body)",
        )?;
        for row in &self.rows {
            put.execute(params![
                source,
                row.id,
                row.about,
                row.version,
                row.place.payload,
                row.place.row as i64,
                row.body
            ])?;
        }
        let mut open = transaction.prepare_cached("INSERT OR IGNORE INTO evidence_open VALUES (?1, ?2)")?;
        for about in &self.open {
            open.execute([source, about])?;
        }
        if self.open_all {
            transaction.execute(
                "INSERT OR IGNORE INTO evidence_open SELECT DISTINCT source, about FROM evidence WHERE source = ?1 AND about <> '' AND about NOT LIKE '#%' AND about NOT LIKE '@%'",
                [source],
            )?;
        }
        let mut close =
            transaction.prepare_cached("DELETE FROM evidence_open WHERE source = ?1 AND about = ?2")?;
        let mut forget =
            transaction.prepare_cached("DELETE FROM evidence_wanted WHERE source = ?1 AND about = ?2")?;
        for about in &self.told {
            close.execute([source, about])?;
            forget.execute([source, about])?;
        }
        let mut want =
            transaction.prepare_cached("INSERT OR IGNORE INTO evidence_wanted VALUES (?1, ?2, ?3)")?;
        for (about, ids) in &self.wanted {
            for id in ids {
                want.execute([source, id, about])?;
            }
        }
        for (name, value) in &self.marks {
            if value.is_empty() {
                transaction
                    .execute("DELETE FROM source_marks WHERE source = ?1 AND name = ?2", [source, name])?;
            } else {
                transaction.execute(
                    "INSERT OR REPLACE INTO source_marks VALUES (?1, ?2, ?3)",
                    [source, name, value],
                )?;
            }
        }
        Ok(())
    }
}

/// A source that is synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncedSource {
    /// Its name, which its facts carry.
    pub name: String,
    /// What it is: `stripe`.
    pub kind: String,
    /// Its settings as JSON. Never a key: where to find it.
    pub settings: String,
}

fn evidence_of(row: &Row) -> rusqlite::Result<Evidence> {
    Ok(Evidence {
        id: row.get(0)?,
        about: row.get(1)?,
        version: row.get(2)?,
        place: PayloadRef { payload: row.get(3)?, row: row.get::<_, i64>(4)? as u64 },
        body: row.get(5)?,
    })
}

const COLUMNS: &str = "id, about, version, payload, row, body";

impl Book {
    /// The rows of a source about something, by id.
    pub fn evidence_about(&self, source: &str, about: &str) -> Result<Vec<Evidence>, BookError> {
        let catalog = self.catalog();
        // Left to itself the planner walks all rows of the source to have them sorted.
        let sql = format!(
            "SELECT {COLUMNS} FROM evidence INDEXED BY evidence_about WHERE source = ?1 AND about = ?2 ORDER BY id"
        );
        let mut statement = catalog.prepare_cached(&sql)?;
        let rows = statement.query_map([source, about], evidence_of)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One row of a source.
    pub fn evidence(&self, source: &str, id: &str) -> Result<Option<Evidence>, BookError> {
        let catalog = self.catalog();
        let sql = format!("SELECT {COLUMNS} FROM evidence WHERE source = ?1 AND id = ?2");
        Ok(catalog.prepare_cached(&sql)?.query_row([source, id], evidence_of).optional()?)
    }

    /// What is to be told anew, after `after`, at most `limit`.
    pub fn evidence_open(&self, source: &str, after: &str, limit: u32) -> Result<Vec<String>, BookError> {
        let catalog = self.catalog();
        let mut statement = catalog.prepare_cached(
            "SELECT about FROM evidence_open WHERE source = ?1 AND about > ?2 ORDER BY about LIMIT ?3",
        )?;
        let rows = statement.query_map(params![source, after, limit], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What lacks an id that was not known when it was told.
    pub fn evidence_wanting(&self, source: &str, id: &str) -> Result<Vec<String>, BookError> {
        texts(
            &self.catalog(),
            "SELECT about FROM evidence_wanted WHERE source = ?1 AND id = ?2",
            &[source, id],
        )
    }

    /// Everything a source has evidence about; not what begins with `#` or `@`, which is its maker's own and told for itself
    /// alone.
    pub fn evidence_abouts(&self, source: &str) -> Result<Vec<String>, BookError> {
        texts(
            &self.catalog(),
            "SELECT DISTINCT about FROM evidence WHERE source = ?1 AND about <> '' AND about NOT LIKE '#%' AND about NOT LIKE '@%' ORDER BY about",
            &[source],
        )
    }

    /// How many rows of a source have ids that begin so and go on without a blank: objects, not their versions.
    pub fn evidence_count(&self, source: &str, prefix: &str) -> Result<u64, BookError> {
        let catalog = self.catalog();
        let count: i64 = catalog.query_row(
            "SELECT count(*) FROM evidence WHERE source = ?1 AND id >= ?2 AND id < ?2 || 'zzzz' AND id NOT LIKE '% %' AND id NOT LIKE '%#%'",
            [source, prefix],
            |row| row.get(0),
        )?;
        Ok(count as u64)
    }

    /// The synced sources, by name.
    pub fn sources(&self) -> Result<Vec<SyncedSource>, BookError> {
        let catalog = self.catalog();
        let mut statement = catalog.prepare("SELECT name, kind, settings FROM sources ORDER BY name")?;
        let rows = statement.query_map([], |row| {
            Ok(SyncedSource { name: row.get(0)?, kind: row.get(1)?, settings: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Adds a source; `false` when there is one of the name, which stays.
    pub fn add_source(&self, source: &SyncedSource) -> Result<bool, BookError> {
        let added = self.catalog().execute(
            "INSERT OR IGNORE INTO sources VALUES (?1, ?2, ?3)",
            [&source.name, &source.kind, &source.settings],
        )?;
        Ok(added == 1)
    }

    /// Keeps a mark of a source by itself, outside of any import; an empty value removes it.
    pub fn set_source_mark(&self, source: &str, name: &str, value: &str) -> Result<(), BookError> {
        let catalog = self.catalog();
        match value.is_empty() {
            true => {
                catalog.execute("DELETE FROM source_marks WHERE source = ?1 AND name = ?2", [source, name])?
            }
            false => catalog
                .execute("INSERT OR REPLACE INTO source_marks VALUES (?1, ?2, ?3)", [source, name, value])?,
        };
        Ok(())
    }

    /// Ids of a source's rows whose text holds a fragment, at most `limit`, by id.
    pub fn evidence_with(&self, source: &str, fragment: &str, limit: u32) -> Result<Vec<String>, BookError> {
        let catalog = self.catalog();
        let mut statement = catalog.prepare_cached(
            "SELECT id FROM evidence WHERE source = ?1 AND instr(body, ?2) > 0 ORDER BY id LIMIT ?3",
        )?;
        let rows = statement.query_map(params![source, fragment, limit], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How far a source has been read, by name.
    pub fn source_marks(&self, source: &str) -> Result<BTreeMap<String, String>, BookError> {
        let catalog = self.catalog();
        let mut statement = catalog.prepare("SELECT name, value FROM source_marks WHERE source = ?1")?;
        let rows = statement.query_map([source], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Name of the mark that says to which instant (in microseconds) a source is known to be complete.
pub(crate) const COMPLETE: &str = "complete";

/// To which instant each source that is synced is known to be complete.
pub(crate) fn complete(connection: &Connection) -> Result<BTreeMap<Text, Instant>, BookError> {
    let mut statement = connection.prepare("SELECT source, value FROM source_marks WHERE name = ?1")?;
    let rows = statement
        .query_map([COMPLETE], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    let known = rows.into_iter().filter_map(|(source, micros)| {
        Some((Text::from(source.as_str()), Instant::from_micros(micros.parse().ok()?)))
    });
    Ok(known.collect())
}

fn texts(connection: &Connection, sql: &str, values: &[&str]) -> Result<Vec<String>, BookError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(rusqlite::params_from_iter(values), |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
