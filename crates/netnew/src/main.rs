//! `netnew`: MRR to the cent, with receipts.
//!
//! This binary parses the command line, opens a book and wires the libraries together. Data goes to stdout,
//! words and progress to stderr. It is the only place that asks what time it is ([`environment`]).

mod cli;
mod commands;
mod environment;
mod error;
mod render;
mod story;

use clap::Parser;
use cli::{Cli, Command};
use environment::Environment;
use error::CliError;
use std::process::ExitCode;

/// Set up in `.cargo/config.toml`.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    reset_sigpipe();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(error),
    };
    let files_too = matches!(cli.command, Some(Command::Export(_)));
    let environment = match Environment::new(&cli.common, files_too) {
        Ok(environment) => environment,
        Err(error) => return fail(&error, environment::wants_json(&cli.common)),
    };
    match run(cli.command.unwrap_or_default(), &environment) {
        Ok(code) => code,
        Err(error) => fail(&error, environment.json()),
    }
}

fn run(command: Command, env: &Environment) -> Result<ExitCode, CliError> {
    match command {
        Command::Demo(args) => commands::demo::run(&args, env),
        Command::Init(args) => commands::init::run(&args, env),
        Command::Import(args) => commands::import::run(&args, env),
        Command::Sources(args) => commands::sources::run(&args, env),
        Command::Sync(args) => commands::sources::sync(&args, env),
        Command::Mrr(args) => commands::mrr::run(&args, env),
        Command::Movements(args) => commands::movements::run(&args, env),
        Command::Metrics(args) => commands::metrics::run(&args, env),
        Command::Cohorts(args) => commands::cohorts::run(&args, env),
        Command::Customers(args) => commands::customers::run(&args, env),
        Command::Customer(args) => commands::customer::run(&args, env),
        Command::Diagnose(args) => commands::diagnose::run(&args, env),
        Command::Benchmarks(args) => commands::benchmarks::run(&args, env),
        Command::Milestones(args) => commands::milestones::run(&args, env),
        Command::Goals(args) => commands::goals::run(&args, env),
        Command::Annotations(args) => commands::annotations::run(&args, env),
        Command::Whatif(args) => commands::whatif::run(&args, env),
        Command::Forecast(args) => commands::forecast::run(&args, env),
        Command::Alerts(args) => commands::alerts::run(&args, env),
        Command::Notify(args) => commands::notify::run(&args, env),
        Command::Report(args) => commands::report::run(&args, env),
        Command::Explain(args) => commands::explain::run(&args, env),
        Command::Check(args) => commands::check::run(&args, env),
        Command::Policy(args) => commands::policy::run(&args, env),
        Command::Export(args) => commands::export::run(&args, env),
        Command::Backup(args) => commands::backup::run(&args, env),
        Command::Restore(args) => commands::backup::restore(&args, env),
        Command::Sql(args) => commands::sql::run(&args, env),
        Command::Serve(args) => commands::serve::run(&args, env),
        Command::Keys(args) => commands::keys::run(&args, env),
        Command::Schema(args) => commands::schema::run(&args, env),
        Command::Bench(args) => commands::bench::run(&args, env),
    }
}

/// Prints an error where the reader of this format looks for it, and gives its exit code.
fn fail(error: &CliError, json: bool) -> ExitCode {
    if json {
        println!("{}", error.to_json());
    } else {
        eprintln!("error: {}", error.message);
        if !error.hint.is_empty() {
            eprintln!("hint: {}", error.hint);
        }
    }
    error::exit_code(error)
}

/// Wrong usage: clap's own words, or the JSON shape when that was asked for.
fn usage(error: clap::Error) -> ExitCode {
    let shown = !error.use_stderr();
    let args: Vec<String> = std::env::args().collect();
    let json = args.windows(2).any(|w| w[0] == "--format" && w[1] == "json")
        || args.iter().any(|a| a == "--format=json");
    if !shown && json {
        let text = error.render().to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_string();
        return fail(&CliError::usage("usage", message, "`netnew help` lists commands and flags"), true);
    }
    // A closed pipe here is nobody listening; there is nothing left to say.
    let _ = error.print();
    if shown { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

/// `netnew movements | head` should end quietly: output errors on a closed pipe are handled where we write.
fn reset_sigpipe() {
    std::panic::set_hook(Box::new(|info| {
        let text = info.to_string();
        if text.contains("Broken pipe") {
            std::process::exit(0);
        }
        eprintln!("{text}");
        eprintln!("hint: this is a bug in netnew; please report it with the command that led here");
    }));
}
