//! Tables as the engine sees them: read when a query first needs them, and kept for the next one.

use crate::daily;
use crate::source::{Parts, SourceError, Tables, Wanted};
use crate::tables::Table;
use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The rows that were read so far. The book is read once per table and process, however many queries there are.
#[derive(Debug)]
pub struct Store {
    tables: Arc<dyn Tables>,
    parts: usize,
    kept: Mutex<BTreeMap<Table, (bool, Arc<Parts>)>>,
}

impl Store {
    /// An empty store over a book's tables. `parts`: how many parts are read side by side.
    pub fn new(tables: Arc<dyn Tables>, parts: usize) -> Store {
        Store { tables, parts: parts.max(1), kept: Mutex::new(BTreeMap::new()) }
    }

    /// What the rows come from.
    pub fn tables(&self) -> &Arc<dyn Tables> {
        &self.tables
    }

    /// Makes sure that tables are there, in one pass over the book where they need one. Blocks.
    ///
    /// # Errors
    /// See [`Tables::load`].
    pub fn ensure(&self, wanted: &[Wanted]) -> Result<(), SourceError> {
        // Whoever waits here waits for rows that it would otherwise have to make again.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut missing: Vec<Wanted> = Vec::new();
        for one in wanted {
            if kept.get(&one.table).is_some_and(|(whole, _)| *whole || !one.whole) {
                continue;
            }
            match missing.iter_mut().find(|m| m.table == one.table) {
                Some(known) => known.whole |= one.whole,
                None => missing.push(*one),
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        for (one, parts) in missing.iter().zip(self.tables.load(&missing)?) {
            kept.insert(one.table, (one.whole, Arc::new(spread(parts, self.parts))));
        }
        Ok(())
    }

    /// The rows of a table. Blocks while they are made.
    ///
    /// # Errors
    /// See [`Tables::load`].
    pub fn rows(&self, wanted: Wanted) -> Result<Arc<Parts>, SourceError> {
        self.ensure(&[wanted])?;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.get(&wanted.table).map(|(_, parts)| parts.clone()).unwrap_or_default())
    }
}

/// As many parts as there are hands, of about as many batches each.
fn spread(parts: Parts, wanted: usize) -> Parts {
    let batches: Vec<_> = parts.into_iter().flatten().collect();
    if batches.is_empty() {
        return vec![Vec::new()];
    }
    let each = batches.len().div_ceil(wanted);
    batches.chunks(each).map(<[_]>::to_vec).collect()
}

/// A table of the book.
#[derive(Debug)]
pub struct BookTable {
    table: Table,
    schema: SchemaRef,
    store: Arc<Store>,
}

impl BookTable {
    /// The table over a store.
    pub fn new(table: Table, store: Arc<Store>) -> BookTable {
        let schema = table.schema(store.tables().zone());
        BookTable { table, schema, store }
    }

    /// What a scan with a projection reads.
    pub fn wanted(table: Table, projection: Option<&[usize]>) -> Wanted {
        if table == Table::LevelsDaily {
            return Wanted { table: Table::Levels, whole: false };
        }
        let costly = |at: &usize| table.columns().get(*at).is_some_and(|c| table.costly().contains(&c.0));
        let whole = !table.costly().is_empty() && projection.is_none_or(|p| p.iter().any(costly));
        Wanted { table, whole }
    }
}

#[async_trait]
impl TableProvider for BookTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let how = match self.table {
            Table::LevelsDaily => TableProviderFilterPushDown::Inexact,
            _ => TableProviderFilterPushDown::Unsupported,
        };
        Ok(vec![how; filters.len()])
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let days = match self.table {
            Table::LevelsDaily => Some(daily::days(filters).map_err(SourceError::into_engine)?),
            _ => None,
        };
        let wanted = BookTable::wanted(self.table, projection.map(Vec::as_slice));
        let store = self.store.clone();
        let rows = tokio::task::spawn_blocking(move || store.rows(wanted))
            .await
            .map_err(|error| DataFusionError::External(Box::new(error)))?
            .map_err(SourceError::into_engine)?;
        match days {
            Some(days) => daily::plan(self.store.tables(), &self.schema, &rows, days, projection),
            None => Ok(MemorySourceConfig::try_new_exec(&rows, self.schema.clone(), projection.cloned())?),
        }
    }
}
