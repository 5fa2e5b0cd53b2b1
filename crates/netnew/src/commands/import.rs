//! `netnew import`: files into the book. Bad rows are problems, good rows go in.

use crate::cli::ImportArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render::table::{Align, Table};
use crate::render::{self, say};
use indicatif::{ProgressBar, ProgressStyle};
use netnew_book::Book;
use netnew_import::{Given, Summary, Watch, Wish};
use std::process::ExitCode;
use std::time::Duration;

/// Imports the files and prints what happened.
pub fn run(args: &ImportArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let book = env.open_book()?;
    let summary = import(&book, args, env)?;
    let refused = args.strict && summary.problem_count > 0;
    render::object(env, &summary.to_json(), || table(&summary, args, refused))?;
    Ok(if summary.problem_count > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Imports files into a book, with a bar on a terminal.
pub fn import(book: &Book, args: &ImportArgs, env: &Environment) -> Result<Summary, CliError> {
    let given = |path: &std::path::PathBuf| Given { path: path.clone(), name: path.display().to_string() };
    let files: Vec<Given> = args.files.iter().map(given).collect();
    let wish = Wish {
        kind: args.kind.clone(),
        source: args.source.clone(),
        replace: args.replace,
        strict: args.strict,
        dry_run: args.dry_run,
    };
    netnew_import::import(book, &files, &wish, &env.time(), &mut Bar(ProgressBar::hidden()))
}

/// A bar per file, then a spinner.
struct Bar(ProgressBar);

impl Watch for Bar {
    fn file(&mut self, name: &str, total: u64) {
        self.0.finish_and_clear();
        self.0 = progress(total, name);
    }

    fn at(&mut self, done: u64) {
        self.0.set_position(done);
    }

    fn note(&mut self, text: &str) {
        say(text);
    }

    fn writing(&mut self) {
        self.0.finish_and_clear();
        self.0 = progress(0, "writing");
    }

    fn done(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A bar on a terminal (indicatif draws nothing elsewhere).
fn progress(total: u64, what: &str) -> ProgressBar {
    let bar = if total > 0 { ProgressBar::new(total) } else { ProgressBar::new_spinner() };
    let template = if total > 0 {
        "{msg} [{wide_bar}] {percent} % · {per_sec} · {eta} left"
    } else {
        "{spinner} {msg} {elapsed}"
    };
    bar.set_style(ProgressStyle::with_template(template).expect("the template is fixed and valid"));
    bar.set_message(what.to_string());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn table(summary: &Summary, args: &ImportArgs, refused: bool) -> String {
    let outcome = &summary.outcome;
    let mut out = match (refused, args.dry_run) {
        (true, _) => "Nothing imported: --strict, and something is wrong.\n".to_string(),
        (false, true) => format!(
            "Would add {} facts ({} there already, {} replace earlier ones).\n",
            outcome.facts, outcome.duplicates, outcome.superseded
        ),
        (false, false) => format!(
            "{} facts added, {} there already, {} replace earlier ones.\n",
            outcome.facts, outcome.duplicates, outcome.superseded
        ),
    };
    if summary.problem_count == 0 {
        return out;
    }
    out.push_str(&format!("{} problems; the other rows went in:\n", summary.problem_count));
    let heads = ["file", "line", "column", "code", "what", "hint"];
    let mut table = Table::new(heads.iter().map(|h| (h.to_string(), Align::Left)).collect());
    for problem in summary.problems.iter().take(20) {
        table.row(vec![
            problem.file.clone(),
            problem.line.to_string(),
            problem.column.clone().unwrap_or_default(),
            problem.code.to_string(),
            problem.message.clone(),
            problem.hint.clone(),
        ]);
    }
    out.push_str(&table.render());
    if summary.problem_count > 20 {
        out.push_str("The first 20 are shown; --format json lists a thousand.\n");
    }
    out
}
