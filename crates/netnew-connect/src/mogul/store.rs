//! The tables.

use super::Refusal;
use netnew_facts::PayloadRef;
use netnew_mogul::cursor::Asked;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An object that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Order in which objects came.
    pub n: i64,
    /// Id.
    pub id: String,
    /// `customer`, `invoice`, ...
    pub kind: String,
    /// Data source, or empty.
    pub source: String,
    /// Id in the data source.
    pub external: Option<String>,
    /// The customer whose history it belongs to, or empty.
    pub about: String,
    /// The object as JSON.
    pub body: String,
    /// Its raw record, once that is kept.
    pub place: PayloadRef,
    /// The arrival that it last came in, until then.
    pub arrival: Option<i64>,
}

impl Object {
    /// The object itself.
    ///
    /// # Errors
    /// A damaged catalog.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        Ok(serde_json::from_str(&self.body)?)
    }
}

/// An object to keep.
#[derive(Clone, Copy, Debug, Default)]
pub struct New<'o> {
    pub id: &'o str,
    pub kind: &'o str,
    pub source: &'o str,
    pub external: Option<&'o str>,
    pub about: &'o str,
    pub search: Option<&'o str>,
    pub arrival: Option<i64>,
}

/// Which way a list goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// What came last first.
    Newest,
    /// What came first first.
    Oldest,
}

/// A page of a list.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// Its objects.
    pub objects: Vec<Object>,
    /// Whether more follow.
    pub more: bool,
    /// How many there are in all; 0 where it was asked for by cursor.
    pub total: usize,
}

impl List {
    /// Where the next page begins.
    pub fn last(&self) -> Option<i64> {
        self.objects.last().map(|object| object.n)
    }
}

const COLUMNS: &str = "n, id, kind, source, external, about, body, payload, row, arrival";

fn object(row: &Row) -> rusqlite::Result<Object> {
    Ok(Object {
        n: row.get(0)?,
        id: row.get(1)?,
        kind: row.get(2)?,
        source: row.get(3)?,
        external: row.get(4)?,
        about: row.get(5)?,
        body: row.get(6)?,
        place: PayloadRef { payload: row.get(7)?, row: row.get::<_, i64>(8)? as u64 },
        arrival: row.get(9)?,
    })
}

/// The tables, inside a transaction.
pub struct Store<'c> {
    db: &'c Connection,
}

impl<'c> Store<'c> {
    pub(super) fn new(db: &'c Connection) -> Store<'c> {
        Store { db }
    }

    pub(super) fn db(&self) -> &Connection {
        self.db
    }

    /// An object of a kind.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn get(&self, kind: &str, id: &str) -> Result<Option<Object>, Refusal> {
        let sql = format!("SELECT {COLUMNS} FROM mogul_objects WHERE id = ?1 AND kind = ?2");
        Ok(self.db.prepare_cached(&sql)?.query_row([id, kind], object).optional()?)
    }

    /// An object of a kind that has to be there; `what` names it in the answer if it is not.
    ///
    /// # Errors
    /// That it is not there, or a catalog that cannot be read.
    pub fn need(&self, kind: &str, id: &str, what: &'static str) -> Result<Object, Refusal> {
        self.get(kind, id)?.ok_or(Refusal::NotFound(what))
    }

    /// An object by its id in its data source.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn by_external(&self, kind: &str, source: &str, external: &str) -> Result<Option<Object>, Refusal> {
        let sql =
            format!("SELECT {COLUMNS} FROM mogul_objects WHERE kind = ?1 AND source = ?2 AND external = ?3");
        Ok(self.db.prepare_cached(&sql)?.query_row([kind, source, external], object).optional()?)
    }

    /// Everything that belongs to a customer's history, in the order in which it came.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn about(&self, about: &str) -> Result<Vec<Object>, Refusal> {
        let sql = format!("SELECT {COLUMNS} FROM mogul_objects WHERE about = ?1 ORDER BY n");
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map([about], object)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All of a kind, in the order in which they came.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn all(&self, kind: &str) -> Result<Vec<Object>, Refusal> {
        let sql = format!("SELECT {COLUMNS} FROM mogul_objects WHERE kind = ?1 ORDER BY n");
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map([kind], object)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A page of a kind, of those that fit every condition: SQL with one `?` each, and its value.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn list(
        &self,
        kind: &str,
        conditions: &[(&str, String)],
        asked: &Asked,
        order: Order,
    ) -> Result<List, Refusal> {
        let mut filter = String::from("kind = ?");
        let mut values = vec![Sql::from(kind.to_string())];
        for (condition, value) in conditions {
            filter.push_str(" AND ");
            filter.push_str(condition);
            values.extend(condition.contains('?').then(|| Sql::from(value.clone())));
        }
        let total = match asked.page {
            None => 0,
            Some(_) => {
                let sql = format!("SELECT count(*) FROM mogul_objects WHERE {filter}");
                let count: i64 =
                    self.db.prepare_cached(&sql)?.query_row(params_from_iter(&values), |row| row.get(0))?;
                usize::try_from(count).unwrap_or(0)
            }
        };
        let (past, way) = match order {
            Order::Newest => ("n < ?", "DESC"),
            Order::Oldest => ("n > ?", "ASC"),
        };
        if let Some(after) = asked.after {
            filter.push_str(" AND ");
            filter.push_str(past);
            values.push(Sql::from(after));
        }
        values.push(Sql::from(i64::try_from(asked.rows + 1).unwrap_or(i64::MAX)));
        values.push(Sql::from(i64::try_from(asked.skip).unwrap_or(i64::MAX)));
        let sql =
            format!("SELECT {COLUMNS} FROM mogul_objects WHERE {filter} ORDER BY n {way} LIMIT ? OFFSET ?");
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(&values), object)?;
        let mut objects: Vec<Object> = rows.collect::<Result<_, _>>()?;
        let more = objects.len() > asked.rows;
        objects.truncate(asked.rows);
        Ok(List { objects, more, total })
    }

    /// Writes a raw record down; what it changes refers to it.
    pub(super) fn arrive(&self, source: &str, at: i64, record: &str) -> Result<i64, Refusal> {
        let line: String = record.chars().map(|c| if c == '\n' || c == '\r' { ' ' } else { c }).collect();
        self.db
            .prepare_cached("INSERT INTO mogul_arrivals (source, at, record) VALUES (?1, ?2, ?3)")?
            .execute(params![source, at, line])?;
        Ok(self.db.last_insert_rowid())
    }

    /// Marks a customer's history as to be told anew.
    pub(super) fn open(&self, about: &str, arrival: i64) -> Result<(), Refusal> {
        self.db
            .prepare_cached(
                "INSERT INTO mogul_open VALUES (?1, ?2) ON CONFLICT (about) DO UPDATE SET arrival = excluded.arrival",
            )?
            .execute(params![about, arrival])?;
        Ok(())
    }

    pub(super) fn insert(&self, new: New<'_>, body: &impl Serialize) -> Result<i64, Refusal> {
        self.db
            .prepare_cached(
                "INSERT INTO mogul_objects (id, kind, source, external, about, search, body, arrival) VALUES (?1,?2,?3,?4,?5,?6,?7,?8)",
            )?
            .execute(params![
                new.id,
                new.kind,
                new.source,
                new.external,
                new.about,
                new.search,
                serde_json::to_string(body)?,
                new.arrival
            ])?;
        Ok(self.db.last_insert_rowid())
    }

    pub(super) fn update(&self, new: New<'_>, body: &impl Serialize) -> Result<(), Refusal> {
        self.db
            .prepare_cached(
                "UPDATE mogul_objects SET external = ?2, about = ?3, search = ?4, body = ?5, arrival = coalesce(?6, arrival) WHERE id = ?1",
            )?
            .execute(params![
                new.id,
                new.external,
                new.about,
                new.search,
                serde_json::to_string(body)?,
                new.arrival
            ])?;
        Ok(())
    }

    /// Changes only what an object says.
    pub(super) fn rewrite(
        &self,
        id: &str,
        body: &impl Serialize,
        arrival: Option<i64>,
    ) -> Result<(), Refusal> {
        self.db
            .prepare_cached(
                "UPDATE mogul_objects SET body = ?2, arrival = coalesce(?3, arrival) WHERE id = ?1",
            )?
            .execute(params![id, serde_json::to_string(body)?, arrival])?;
        Ok(())
    }

    pub(super) fn remove(&self, id: &str) -> Result<(), Refusal> {
        self.db.prepare_cached("DELETE FROM mogul_objects WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    pub(super) fn add_part(
        &self,
        id: &str,
        kind: &str,
        invoice: &str,
        source: &str,
        external: Option<&str>,
    ) -> Result<(), Refusal> {
        self.db
            .prepare_cached("INSERT INTO mogul_parts VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![id, kind, invoice, source, external])?;
        Ok(())
    }

    pub(super) fn remove_parts(&self, invoice: &str) -> Result<(), Refusal> {
        self.db.prepare_cached("DELETE FROM mogul_parts WHERE invoice = ?1")?.execute([invoice])?;
        Ok(())
    }

    /// The invoice that a line or transaction is in, and its own id; by its id, or by its data source and id there.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn part(&self, kind: &str, which: Which<'_>) -> Result<Option<(String, String)>, Refusal> {
        let pair = |row: &Row| Ok((row.get(0)?, row.get(1)?));
        Ok(match which {
            Which::Id(id) => self
                .db
                .prepare_cached("SELECT invoice, id FROM mogul_parts WHERE id = ?1 AND kind = ?2")?
                .query_row([id, kind], pair)
                .optional()?,
            Which::External(source, external) => self
                .db
                .prepare_cached(
                    "SELECT invoice, id FROM mogul_parts WHERE kind = ?1 AND source = ?2 AND external = ?3",
                )?
                .query_row([kind, source, external], pair)
                .optional()?,
        })
    }

    /// How many raw records are not yet facts.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn waiting(&self) -> Result<i64, Refusal> {
        Ok(self.db.query_row("SELECT count(*) FROM mogul_open", [], |row| row.get(0))?)
    }
}

/// How a thing is named in a request.
#[derive(Clone, Copy, Debug)]
pub enum Which<'w> {
    /// By its id.
    Id(&'w str),
    /// By its data source and its id there.
    External(&'w str, &'w str),
}
