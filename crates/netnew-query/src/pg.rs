//! The Postgres protocol: whatever speaks to a PostgreSQL server can ask the book. Only questions are answered, and a
//! password is asked for by SCRAM-SHA-256 unless there is none. Connections are not encrypted.

use crate::error::QueryError;
use crate::guard;
use crate::session::{CATALOG, Limits, Sql};
use async_trait::async_trait;
use datafusion::common::{DataFusionError, ParamValues};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{Set, Statement};
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::setup_pg_catalog;
use datafusion_postgres::hooks::HookClient;
use datafusion_postgres::hooks::cursor::CursorStatementHook;
use datafusion_postgres::hooks::set_show::SetShowHook;
use datafusion_postgres::hooks::transactions::TransactionStatementHook;
use datafusion_postgres::{DfSessionService, Parser, QueryHook};
use futures::{Sink, StreamExt, stream};
use pgwire::api::auth::noop::NoopStartupHandler;
use pgwire::api::auth::sasl::SASLAuthStartupHandler;
use pgwire::api::auth::sasl::scram::{SCRAM_ITERATIONS, ScramAuth, gen_salted_password};
use pgwire::api::auth::{AuthSource, DefaultServerParameterProvider, LoginInfo, Password, StartupHandler};
use pgwire::api::cancel::{CancelHandler, DefaultCancelHandler};
use pgwire::api::portal::Portal;
use pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use pgwire::api::results::{QueryResponse, Response, Tag};
use pgwire::api::store::PortalStore;
use pgwire::api::{ClientInfo, ClientPortalStore, ConnectionManager, PgWireServerHandlers};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use std::fmt::Debug;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Serves queries until the process ends. `password`: `None` lets everybody in; any user name will do.
///
/// # Errors
/// The engine's, when its catalog cannot be set up.
pub async fn serve(sql: Sql, listener: TcpListener, password: Option<String>) -> Result<(), QueryError> {
    setup_pg_catalog(sql.context(), CATALOG, EmptyContextProvider)
        .map_err(|error| QueryError::from(*error))?;
    let hooks: Vec<Arc<dyn QueryHook>> = vec![
        Arc::new(Guard),
        Arc::new(CursorStatementHook),
        Arc::new(SetShowHook),
        Arc::new(TransactionStatementHook),
    ];
    let connections = Arc::new(ConnectionManager::new());
    let inner = DfSessionService::new_with_hooks(Arc::new(sql.context().clone()), hooks);
    let server = Arc::new(Server {
        service: Arc::new(Service { inner, limits: sql.limits() }),
        cancel: Arc::new(DefaultCancelHandler::new(connections.clone())),
        connections,
        secret: password.map(|password| Arc::new(Secret::new(&password))),
    });
    loop {
        // A client that hangs up while it connects is no reason to stop serving the others.
        let Ok((socket, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        tokio::spawn(pgwire::tokio::process_socket(socket, None, server.clone()));
    }
}

struct Server {
    service: Arc<Service>,
    cancel: Arc<DefaultCancelHandler>,
    connections: Arc<ConnectionManager>,
    secret: Option<Arc<Secret>>,
}

impl PgWireServerHandlers for Server {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        self.service.clone()
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        self.service.clone()
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        Arc::new(match &self.secret {
            None => Startup::Open(Open(self.connections.clone())),
            Some(secret) => {
                let mut scram = ScramAuth::new(secret.clone());
                scram.set_iterations(SCRAM_ITERATIONS);
                let handler =
                    SASLAuthStartupHandler::new(Arc::new(DefaultServerParameterProvider::default()))
                        .with_scram(scram)
                        .with_connection_manager(self.connections.clone());
                Startup::Password(Box::new(handler))
            }
        })
    }

    fn cancel_handler(&self) -> Arc<impl CancelHandler> {
        self.cancel.clone()
    }
}

/// The password, salted; it is not kept as it was given.
#[derive(Debug)]
struct Secret {
    salt: Vec<u8>,
    salted: Vec<u8>,
}

impl Secret {
    fn new(password: &str) -> Secret {
        // A salt has to differ between servers, not to be secret: the standard library's random hash keys will do.
        let random = || std::collections::hash_map::RandomState::new().build_hasher().finish().to_le_bytes();
        let salt: Vec<u8> = [random(), random()].concat();
        let salted = gen_salted_password(password, &salt, SCRAM_ITERATIONS);
        Secret { salt, salted }
    }
}

#[async_trait]
impl AuthSource for Secret {
    async fn get_password(&self, _: &LoginInfo) -> PgWireResult<Password> {
        Ok(Password::new(Some(self.salt.clone()), self.salted.clone()))
    }
}

/// Who comes in: everybody, or who knows the password.
enum Startup {
    Open(Open),
    Password(Box<SASLAuthStartupHandler<DefaultServerParameterProvider>>),
}

struct Open(Arc<ConnectionManager>);

impl NoopStartupHandler for Open {
    fn connection_manager(&self) -> Option<Arc<ConnectionManager>> {
        Some(self.0.clone())
    }
}

#[async_trait]
impl StartupHandler for Startup {
    async fn on_startup<C>(&self, client: &mut C, message: PgWireFrontendMessage) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        match self {
            Startup::Open(open) => open.on_startup(client, message).await,
            Startup::Password(handler) => handler.on_startup(client, message).await,
        }
    }
}

/// The engine's service, with netnew's limits and errors.
struct Service {
    inner: DfSessionService,
    limits: Limits,
}

impl Service {
    /// Stops a query that takes too long, before and while its rows are read, and says errors as netnew does.
    async fn bounded<T>(&self, work: impl Future<Output = PgWireResult<T>>) -> PgWireResult<T> {
        let done = match self.limits.time {
            None => work.await,
            Some(time) => match tokio::time::timeout(time, work).await {
                Ok(done) => done,
                Err(_) => return Err(pg_error(&QueryError::timeout(time))),
            },
        };
        done.map_err(own_words)
    }

    fn response(&self, response: Response) -> Response {
        match response {
            Response::Query(query) => Response::Query(self.rows(query)),
            other => other,
        }
    }

    fn rows(&self, mut query: QueryResponse) -> QueryResponse {
        let (time, most) = (self.limits.time, self.limits.rows);
        let tag = query.command_tag().to_string();
        let schema = query.row_schema();
        let rows = std::mem::replace(query.data_rows(), Box::pin(stream::empty()));
        let rows = rows.map(|row| row.map_err(own_words)).enumerate().map(move |(at, row)| {
            if at < most { row } else { Err(pg_error(&QueryError::too_many_rows(most))) }
        });
        let deadline = async move {
            match time {
                Some(time) => tokio::time::sleep(time).await,
                None => futures::future::pending().await,
            }
        };
        let late = stream::once(async move { Err(pg_error(&QueryError::timeout(time.unwrap_or_default()))) });
        // Rows until the deadline; what ended early ends without the error after it.
        let ended = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = ended.clone();
        let marked = rows.chain(stream::poll_fn(move |_| {
            seen.store(true, std::sync::atomic::Ordering::Relaxed);
            std::task::Poll::Ready(None)
        }));
        let bounded = marked.take_until(Box::pin(deadline)).chain(
            late.filter(move |_| futures::future::ready(!ended.load(std::sync::atomic::Ordering::Relaxed))),
        );
        let mut bounded = QueryResponse::new(schema, bounded);
        bounded.set_command_tag(&tag);
        bounded
    }
}

#[async_trait]
impl SimpleQueryHandler for Service {
    async fn do_query<C>(&self, client: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let responses = self.bounded(SimpleQueryHandler::do_query(&self.inner, client, query)).await?;
        Ok(responses.into_iter().map(|response| self.response(response)).collect())
    }
}

#[async_trait]
impl ExtendedQueryHandler for Service {
    type Statement = <DfSessionService as ExtendedQueryHandler>::Statement;
    type QueryParser = Parser;

    fn query_parser(&self) -> Arc<Parser> {
        self.inner.query_parser()
    }

    async fn do_query<C>(
        &self,
        client: &mut C,
        portal: &Portal<Self::Statement>,
        max_rows: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let response =
            self.bounded(ExtendedQueryHandler::do_query(&self.inner, client, portal, max_rows)).await?;
        Ok(self.response(response))
    }
}

/// An error of the engine in netnew's words, with a code that clients know.
fn own_words(error: PgWireError) -> PgWireError {
    match error {
        PgWireError::ApiError(inner) => match inner.downcast::<DataFusionError>() {
            Ok(engine) => pg_error(&QueryError::from(*engine)),
            Err(inner) => PgWireError::ApiError(inner),
        },
        other => other,
    }
}

fn pg_error(error: &QueryError) -> PgWireError {
    let code = match error.code.as_str() {
        "sql_syntax" | "sql_statements" => "42601",
        "sql_plan" | "needs_dates" => "42000",
        "read_only" => "25006",
        "sql_timeout" => "57014",
        "sql_memory" => "53200",
        "too_many_rows" => "54000",
        "sql_failed" if error.message.contains("Divide by zero") => "22012",
        "sql_failed" if error.message.to_lowercase().contains("overflow") => "22003",
        _ => "XX000",
    };
    let mut info = ErrorInfo::new("ERROR".into(), code.into(), error.message.clone());
    info.hint = (!error.hint.is_empty()).then(|| error.hint.clone());
    PgWireError::UserError(Box::new(info))
}

/// Comes before every other hook and lets nothing through that would change anything for anybody.
#[derive(Debug)]
struct Guard;

/// What becomes of a statement.
enum Verdict {
    /// The next hook, or the engine.
    Pass,
    /// A question, whose plan is checked too.
    Question,
    /// Nothing is done, and the client is told that it was.
    Ignore,
    Refuse,
}

fn verdict(statement: &Statement) -> Verdict {
    match statement {
        ast if guard::is_question(ast) => Verdict::Question,
        Statement::Set(set) => match set {
            Set::SetTimeZone { .. } => Verdict::Pass,
            // The engine would change its settings for every client; what clients set for themselves is harmless.
            Set::SingleAssignment { variable, .. } => match variable.to_string().to_lowercase().as_str() {
                "statement_timeout" | "datestyle" | "bytea_output" | "intervalstyle" | "application_name"
                | "extra_float_digits" | "search_path" => Verdict::Pass,
                name if name.contains('.') => Verdict::Refuse,
                _ => Verdict::Ignore,
            },
            _ => Verdict::Ignore,
        },
        Statement::Declare { .. }
        | Statement::Fetch { .. }
        | Statement::Close { .. }
        | Statement::StartTransaction { .. }
        | Statement::Commit { .. }
        | Statement::Rollback { .. }
        | Statement::Savepoint { .. }
        | Statement::ReleaseSavepoint { .. } => Verdict::Pass,
        Statement::Deallocate { .. } | Statement::Discard { .. } => Verdict::Ignore,
        _ => Verdict::Refuse,
    }
}

fn refused(statement: &Statement) -> PgWireError {
    pg_error(&guard::read_only(&statement.to_string()))
}

#[async_trait]
impl QueryHook for Guard {
    async fn handle_simple_query(
        &self,
        statement: &Statement,
        session: &SessionContext,
        _: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        match verdict(statement) {
            Verdict::Pass => None,
            Verdict::Ignore => Some(Ok(Response::Execution(Tag::new("SET")))),
            Verdict::Refuse => Some(Err(refused(statement))),
            Verdict::Question => {
                let words = DfStatement::Statement(Box::new(statement.clone()));
                // What cannot be planned is told by the engine itself, right after.
                let plan = session.state().statement_to_plan(words).await.ok()?;
                guard::check_plan(&plan).err().map(|error| Err(pg_error(&error)))
            }
        }
    }

    async fn handle_extended_parse_query(
        &self,
        statement: &Statement,
        session: &SessionContext,
        _: &(dyn ClientInfo + Send + Sync),
    ) -> Option<PgWireResult<LogicalPlan>> {
        match verdict(statement) {
            Verdict::Pass => None,
            Verdict::Ignore => Some(Ok(LogicalPlan::default())),
            Verdict::Refuse => Some(Err(refused(statement))),
            Verdict::Question => {
                if let Statement::ShowVariable { .. } = statement {
                    return None;
                }
                let words = DfStatement::Statement(Box::new(statement.clone()));
                let planned = session.state().statement_to_plan(words).await.map_err(QueryError::from);
                let checked = planned.and_then(|plan| guard::check_plan(&plan).map(|()| plan));
                Some(checked.map_err(|error| pg_error(&error)))
            }
        }
    }

    async fn handle_extended_query(
        &self,
        statement: &Statement,
        plan: &LogicalPlan,
        _: &ParamValues,
        _: &SessionContext,
        _: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        match verdict(statement) {
            Verdict::Pass => None,
            Verdict::Ignore => Some(Ok(Response::Execution(Tag::new("SET")))),
            Verdict::Refuse => Some(Err(refused(statement))),
            Verdict::Question => guard::check_plan(plan).err().map(|error| Err(pg_error(&error))),
        }
    }
}
