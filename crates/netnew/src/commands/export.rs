//! `netnew export`: the whole book as files that can be imported again.
//!
//! Every fact is written, superseded ones too, in the order of booking and with its `recorded_at`, so that what
//! was known when survives the round trip. One folder per source, since a file states nothing about its source.

mod rows;
mod workbook;
mod write;

use crate::cli::{ExportArgs, ReadArgs};
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use serde_json::json;
use std::process::ExitCode;
use write::FileFormat;

/// Writes the files.
pub fn run(args: &ExportArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let read = ReadArgs { interval: "month".into(), ..ReadArgs::default() };
    let report = env.report(&read)?;
    std::fs::create_dir_all(&args.dir)?;
    let written = match env.files.as_deref() {
        Some("csv") => write::folder(&report, &args.dir, FileFormat::Csv)?,
        Some("xlsx") => workbook::write(&report, &args.dir)?,
        _ => write::folder(&report, &args.dir, FileFormat::Parquet)?,
    };
    let value = json!({
        "dir": args.dir.display().to_string(),
        "files": written.iter().map(|(file, rows)| json!({"file": file, "rows": rows})).collect::<Vec<_>>(),
    });
    render::object(env, &value, || {
        let mut out = String::new();
        for (file, rows) in &written {
            out.push_str(&format!("{}  {rows} rows\n", args.dir.join(file).display()));
        }
        out.push_str("Import them into a new book: netnew import DIR/SOURCE/FILE --source SOURCE\n");
        out
    })?;
    Ok(ExitCode::SUCCESS)
}
