//! `netnew demo`, and `netnew` alone: a made-up business, imported by the public path, and its story.

use super::import::import;
use super::serve;
use crate::cli::{DemoArgs, ImportArgs};
use crate::environment::Environment;
use crate::error::CliError;
use crate::render::{self, say};
use crate::story::story_text;
use netnew_book::{Book, Settings};
use netnew_demo::{Demo, DemoOptions};
use netnew_money::{Currency, Zone};
use netnew_report::Question;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Makes the business, imports its files, prints the story.
pub fn run(args: &DemoArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let zone = Zone::utc();
    let as_of = zone.day_of(env.now(&zone)?);
    let demo = Demo::new(DemoOptions { seed: args.seed, customers: args.customers, months: 24, as_of });
    // The temporary directory lives until the story is told.
    let temporary = tempfile::Builder::new().prefix("netnew-demo-").tempdir()?;
    let dir = args.keep.clone().unwrap_or_else(|| temporary.path().to_path_buf());
    let files = write_files(&demo, &dir)?;
    let env = env.with_book(&dir.join("book"));
    let book = Book::create_at(
        &env.book_dir,
        &Settings { currency: Currency::parse("USD")?, timezone: "UTC".into(), policy: "default".into() },
    )?;
    let import_args = ImportArgs {
        files,
        kind: None,
        source: "files".into(),
        replace: false,
        strict: true,
        dry_run: false,
    };
    let summary = import(&book, &import_args, &env)?;
    if let Some(problem) = summary.problems.first() {
        return Err(CliError::refused("demo_import", problem.message.clone(), problem.hint.clone()));
    }
    drop(book);
    say(&format!(
        "A made-up business: {} customers, {} facts imported. Nothing here is real.",
        args.customers, summary.outcome.facts
    ));
    let report = env.ask(Question::default())?;
    let value = netnew_report::story::story_json(&report)?;
    render::object(&env, &value, || story_text(&report).unwrap_or_else(|error| error.message))?;
    if args.answers {
        say(&demo.answers_markdown());
    }
    if args.keep.is_some() {
        say(&format!("Look further: netnew mrr --book {}", env.book_dir.display()));
    } else {
        say("Keep the book with --keep DIR; read your own files with netnew init and netnew import.");
    }
    if args.no_serve {
        return Ok(ExitCode::SUCCESS);
    }
    serve::demo(&env, args.port, !args.no_open)
}

/// The business as the files that a stranger would bring.
fn write_files(demo: &Demo, dir: &Path) -> Result<Vec<PathBuf>, CliError> {
    std::fs::create_dir_all(dir)?;
    let path = |name: &str| dir.join(name);
    let mut states = BufWriter::new(File::create(path("states.csv"))?);
    demo.write_states_csv(&mut states)?;
    let mut customers = BufWriter::new(File::create(path("customers.csv"))?);
    demo.write_customers_csv(&mut customers)?;
    let mut rates = BufWriter::new(File::create(path("rates.csv"))?);
    demo.write_rates_csv(&mut rates)?;
    for file in [states, customers, rates] {
        file.into_inner().map_err(|e| e.into_error())?.sync_all()?;
    }
    Ok(vec![path("states.csv"), path("customers.csv"), path("rates.csv")])
}
