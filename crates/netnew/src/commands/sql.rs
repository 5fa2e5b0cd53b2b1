//! `netnew sql`: questions in SQL over the book's tables, with the feature `sql`. `--serve-pg` answers them over the
//! Postgres protocol, with the feature `pg`.

#[cfg(feature = "sql")]
mod query;
#[cfg(feature = "pg")]
mod serve;

use crate::cli::SqlArgs;
use crate::environment::Environment;
use crate::error::CliError;
use std::process::ExitCode;

/// Without the feature there is only the way to it.
#[cfg(not(feature = "sql"))]
pub fn run(_: &SqlArgs, _: &Environment) -> Result<ExitCode, CliError> {
    Err(CliError::usage(
        "no_sql",
        "this netnew was built without SQL",
        "build one with it: cargo build --release -p netnew --features sql (with --serve-pg: --features pg)",
    ))
}

/// Answers a query, or serves them.
#[cfg(feature = "sql")]
pub fn run(args: &SqlArgs, env: &Environment) -> Result<ExitCode, CliError> {
    match (&args.serve_pg, &args.query) {
        (Some(_), Some(_)) => Err(CliError::usage(
            "usage",
            "--serve-pg takes no query",
            "leave out one of them; clients send their own queries",
        )),
        (Some(address), None) => serve_pg(address, args, env),
        (None, Some(sql)) => query::run(sql, args, env),
        (None, None) => Err(CliError::usage(
            "usage",
            "there is no query",
            "netnew sql 'SELECT kind, sum(amount) FROM movements GROUP BY kind'",
        )),
    }
}

#[cfg(feature = "pg")]
fn serve_pg(address: &str, args: &SqlArgs, env: &Environment) -> Result<ExitCode, CliError> {
    serve::run(address, args, env)
}

#[cfg(all(feature = "sql", not(feature = "pg")))]
fn serve_pg(_: &str, _: &SqlArgs, _: &Environment) -> Result<ExitCode, CliError> {
    Err(CliError::usage(
        "no_pg",
        "this netnew was built without the Postgres protocol",
        "build one with it: cargo build --release -p netnew --features pg",
    ))
}
