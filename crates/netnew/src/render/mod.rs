//! Printing: tables somebody likes to read, JSON and CSV that are exact.

pub mod table;

use crate::cli::Format;
use crate::environment::Environment;
use crate::error::CliError;
pub use netnew_report::flat::text_of;
use serde_json::{Map, Value};
use std::io::{BufWriter, Write};
use table::Table;

/// Writes to stdout; a closed pipe is nobody listening and ends the program quietly.
pub fn stdout(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), CliError> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => Ok(other?),
    }
}

/// A line of words, to stderr.
pub fn say(text: &str) {
    eprintln!("{text}");
}

/// Prints one value: as JSON, or as a table of its own making.
pub fn object(env: &Environment, value: &Value, table: impl FnOnce() -> String) -> Result<(), CliError> {
    match env.format {
        Format::Json => stdout(|out| {
            serde_json::to_writer(&mut *out, value)?;
            out.write_all(b"\n")
        }),
        Format::Csv => csv(std::slice::from_ref(value)),
        Format::Table => stdout(|out| out.write_all(table().as_bytes())),
    }
}

/// Prints rows inside an envelope: JSON `{..envelope, "rows": [..], "next": ..}` with a row a line, CSV of the
/// rows alone, or a table.
pub fn rows(
    env: &Environment,
    envelope: &Map<String, Value>,
    rows: &[Value],
    next: Option<String>,
    table: impl FnOnce() -> String,
) -> Result<(), CliError> {
    match env.format {
        Format::Table => stdout(|out| out.write_all(table().as_bytes())),
        Format::Csv => csv(rows),
        Format::Json => stdout(|out| {
            out.write_all(b"{")?;
            for (key, value) in envelope {
                serde_json::to_writer(&mut *out, key)?;
                out.write_all(b":")?;
                serde_json::to_writer(&mut *out, value)?;
                out.write_all(b",")?;
            }
            out.write_all(b"\"rows\":[")?;
            for (at, row) in rows.iter().enumerate() {
                out.write_all(if at == 0 { b"\n" } else { b",\n" })?;
                serde_json::to_writer(&mut *out, row)?;
            }
            out.write_all(b"],\"next\":")?;
            serde_json::to_writer(&mut *out, &next)?;
            out.write_all(b"}\n")
        }),
    }
}

/// Rows as CSV.
fn csv(rows: &[Value]) -> Result<(), CliError> {
    stdout(|out| netnew_report::flat::write_csv(rows, out))
}

/// A text cut to a width for a table; the whole is in `--format json`.
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_string();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// A plain table of JSON rows, for listings that need nothing finer.
pub fn plain_table(rows: &[Value], columns: &[(&str, table::Align)]) -> String {
    let mut table =
        Table::new(columns.iter().map(|(name, align)| (name.replace('_', " "), *align)).collect());
    for row in rows {
        table.row(columns.iter().map(|(name, _)| text_of(row.get(*name).unwrap_or(&Value::Null))).collect());
    }
    table.render()
}
