//! A session: one engine over one book under one report, for one query or for many.

use crate::error::QueryError;
use crate::guard;
use crate::provider::{BookTable, Store};
use crate::source::{SourceError, Tables, Wanted};
use crate::tables::Table;
use crate::values::{self, Answer};
use crate::{exact, functions};
use datafusion::common::config::Dialect;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;

/// Name of the catalog that the tables are in.
pub const CATALOG: &str = "netnew";
/// Name of the schema that the tables are in.
pub const SCHEMA: &str = "public";

/// What a query may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory for sorting, grouping and joining; the tables themselves are not counted.
    pub memory: usize,
    /// Rows of an answer; more is an error.
    pub rows: usize,
    /// How long a query may take; `None` for ever.
    pub time: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { memory: 4 << 30, rows: 1_000_000, time: Some(Duration::from_secs(600)) }
    }
}

/// A session.
pub struct Sql {
    context: SessionContext,
    store: Arc<Store>,
    limits: Limits,
}

impl Sql {
    /// An engine over a book's tables. Nothing is read yet.
    ///
    /// # Errors
    /// The engine's, when it cannot be set up.
    pub fn new(tables: Arc<dyn Tables>, limits: Limits) -> Result<Sql, QueryError> {
        let hands = std::thread::available_parallelism().map_or(1, usize::from);
        let mut config = SessionConfig::new()
            .with_information_schema(true)
            .with_default_catalog_and_schema(CATALOG, SCHEMA)
            .with_target_partitions(hands);
        let options = config.options_mut();
        options.sql_parser.parse_float_as_decimal = true;
        options.sql_parser.dialect = Dialect::PostgreSQL;
        options.execution.time_zone = Some(tables.zone().to_string());
        // Nothing goes to disk: what does not fit the memory is refused.
        let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(limits.memory)))
            .with_disk_manager_builder(disk)
            .build_arc()?;
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_default_features()
            .with_file_formats(Vec::new())
            .with_table_factories(Default::default())
            .build();
        let context = SessionContext::new_with_state(state);
        context.register_udaf(exact::sum());
        context.register_udaf(exact::avg());
        context.register_udf(functions::ratio());
        context.register_udf(functions::converted(tables.clone()));
        let store = Arc::new(Store::new(tables, hands));
        for table in Table::ALL {
            context.register_table(table.name(), Arc::new(BookTable::new(table, store.clone())))?;
        }
        Ok(Sql { context, store, limits })
    }

    /// The engine's own session, for servers.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// The limits.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Answers a query. `skip`: rows to leave out first; `most`: at most so many rows, [`Answer::more`] says whether
    /// there are more. Without it the session's row limit holds and more is an error.
    ///
    /// # Errors
    /// What is wrong with the query, what the book cannot answer, and which limit was reached.
    pub async fn query(&self, sql: &str, skip: usize, most: Option<usize>) -> Result<Answer, QueryError> {
        match self.limits.time {
            None => self.answer(sql, skip, most).await,
            Some(time) => tokio::time::timeout(time, self.answer(sql, skip, most))
                .await
                .map_err(|_| QueryError::timeout(time))?,
        }
    }

    async fn answer(&self, sql: &str, skip: usize, most: Option<usize>) -> Result<Answer, QueryError> {
        let state = self.context.state();
        let statement = guard::one_statement(sql)?;
        guard::check_statement(&statement)?;
        let plan = state.statement_to_plan(statement).await?;
        guard::check_plan(&plan)?;
        let plan = state.optimize(&plan)?;
        self.prepare(&plan).await?;
        let frame = self.context.execute_logical_plan(plan).await?;
        let mut answer = Answer::new(frame.schema().as_arrow());
        let mut stream = frame.execute_stream().await?;
        let (mut skip, bound) = (skip, most.unwrap_or(self.limits.rows));
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            let passed = skip.min(batch.num_rows());
            skip -= passed;
            let left = batch.num_rows() - passed;
            let taken = left.min(bound - answer.rows.len());
            values::append(&mut answer, &batch.slice(passed, taken))?;
            if taken < left {
                if most.is_none() {
                    return Err(QueryError::too_many_rows(self.limits.rows));
                }
                answer.more = true;
                break;
            }
        }
        Ok(answer)
    }

    /// Reads all tables of a plan in one pass over the book.
    async fn prepare(&self, plan: &LogicalPlan) -> Result<(), QueryError> {
        let mut wanted: Vec<Wanted> = Vec::new();
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && scan.table_name.schema().is_none_or(|schema| schema == SCHEMA)
                && let Some(table) = Table::parse(scan.table_name.table())
            {
                wanted.push(BookTable::wanted(table, scan.projection.as_deref()));
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        if wanted.is_empty() {
            return Ok(());
        }
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || store.ensure(&wanted))
            .await
            .map_err(|error| QueryError::internal(error.to_string()))?
            .map_err(|error: SourceError| QueryError::from(error))
    }
}
