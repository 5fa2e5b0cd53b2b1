//! One query: flags in, rows out.

use crate::cli::{Format, SqlArgs};
use crate::environment::Environment;
use crate::error::CliError;
use crate::render::table::{Align, Table};
use crate::render::{self, text_of};
use netnew_query::{Answer, Limits, Sql};
use netnew_report::page::start;
use netnew_report::tables::BookTables;
use serde_json::{Map, Value};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Answers a query.
pub fn run(sql: &str, args: &SqlArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let session = session(args, env)?;
    let start = start(args.read.cursor.as_deref())?;
    let runtime = runtime()?;
    let answer = runtime.block_on(session.query(sql, start, args.read.limit));
    // A query that ran out of time may still be reading the book; nobody waits for it.
    runtime.shutdown_background();
    let answer = answer?;
    let next = answer.more.then(|| format!("r{}", start + answer.rows.len()));
    print(&answer, next, env)?;
    Ok(ExitCode::SUCCESS)
}

/// The engine over the environment's book.
pub fn session(args: &SqlArgs, env: &Environment) -> Result<Sql, CliError> {
    for (given, flag, clause) in
        [(&args.read.by, "--by", "GROUP BY"), (&args.read.filter, "--where", "WHERE")]
    {
        if given.is_some() {
            return Err(CliError::usage(
                "usage",
                format!("{flag} is not a flag of netnew sql"),
                format!("say it in the query, by {clause}"),
            ));
        }
    }
    let megabytes = args.memory.clamp(1, 1 << 40);
    let limits = Limits {
        memory: usize::try_from(megabytes << 20).unwrap_or(usize::MAX),
        rows: args.max_rows,
        time: (args.timeout > 0).then(|| Duration::from_secs(args.timeout)),
    };
    Ok(Sql::new(Arc::new(BookTables::new(env.report(&args.read)?)?), limits)?)
}

/// The engine's threads.
pub fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

fn print(answer: &Answer, next: Option<String>, env: &Environment) -> Result<(), CliError> {
    if env.format == Format::Csv {
        return csv(answer);
    }
    let values: Vec<Value> = match env.format {
        Format::Json => answer
            .rows
            .iter()
            .map(|row| Value::Object(answer.columns.iter().cloned().zip(row.iter().cloned()).collect()))
            .collect(),
        _ => Vec::new(),
    };
    render::rows(env, &Map::new(), &values, next, || table(answer))
}

/// Unlike other listings a query has its columns even when it has no rows.
fn csv(answer: &Answer) -> Result<(), CliError> {
    render::stdout(|out| {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(&answer.columns)?;
        for row in &answer.rows {
            writer.write_record(row.iter().map(text_of))?;
        }
        writer.flush()
    })
}

fn table(answer: &Answer) -> String {
    if answer.rows.is_empty() {
        return "No rows.\n".into();
    }
    let align = |numeric: bool| if numeric { Align::Right } else { Align::Left };
    let columns = answer.columns.iter().cloned().zip(answer.numeric.iter().map(|n| align(*n))).collect();
    let mut table = Table::new(columns);
    for row in &answer.rows {
        table.row(row.iter().map(text_of).collect());
    }
    let more = if answer.more { "There are more rows than --limit.\n" } else { "" };
    table.render() + more
}
