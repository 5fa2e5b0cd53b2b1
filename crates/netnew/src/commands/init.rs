//! `netnew init`: makes an empty book.

use crate::cli::InitArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use netnew_book::{Book, Settings};
use netnew_money::{Currency, Zone};
use netnew_report::find_policy;
use serde_json::json;
use std::process::ExitCode;

/// Makes the book.
pub fn run(args: &InitArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let dir = args.dir.clone().unwrap_or_else(|| env.book_dir.clone());
    let currency = Currency::parse(&args.currency).map_err(usage)?;
    let zone = Zone::parse(&args.timezone).map_err(usage)?;
    let policy = find_policy(&args.policy, None)?;
    let is_file = std::path::Path::new(&args.policy).is_file();
    let settings = Settings { currency, timezone: zone.name().to_string(), policy: policy.name.clone() };
    let book = Book::create_at(&dir, &settings)?;
    if is_file {
        book.save_policy(&policy.name, &policy.to_toml())?;
    }
    let value = json!({
        "book": dir.display().to_string(),
        "currency": currency.as_str(),
        "timezone": zone.name(),
        "policy": policy.name,
    });
    render::object(env, &value, || {
        format!(
            "A new book in {}: {}, {}, policy {}.\nNext: netnew import FILE --book {}\n",
            dir.display(),
            currency.as_str(),
            zone.name(),
            policy.name,
            dir.display()
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

fn usage(error: netnew_money::MoneyError) -> CliError {
    CliError::usage(error.code(), error.to_string(), error.hint())
}
