//! `netnew backup` and `netnew restore`: a whole book in one file.

use crate::cli::{BackupArgs, RestoreArgs};
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use netnew_book::Book;
use serde_json::json;
use std::process::ExitCode;

/// Writes the backup file.
pub fn run(args: &BackupArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let book = env.open_book()?;
    book.backup(&args.file)?;
    let bytes = std::fs::metadata(&args.file)?.len();
    let value = json!({"file": args.file.display().to_string(), "bytes": bytes});
    render::object(env, &value, || {
        format!(
            "Backed up to {} ({bytes} bytes). netnew restore FILE DIR brings it back.\n",
            args.file.display()
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Makes a book from a backup file.
pub fn restore(args: &RestoreArgs, env: &Environment) -> Result<ExitCode, CliError> {
    Book::restore(&args.file, &args.dir)?;
    let value = json!({"book": args.dir.display().to_string()});
    render::object(env, &value, || {
        format!("Restored to {0}. Look at it: netnew mrr --book {0}\n", args.dir.display())
    })?;
    Ok(ExitCode::SUCCESS)
}
