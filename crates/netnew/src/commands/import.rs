//! `netnew import`: files into the book. Bad rows are problems, good rows go in.

use crate::cli::ImportArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render::table::{Align, Table};
use crate::render::{self, say};
use indicatif::{ProgressBar, ProgressStyle};
use netnew_book::{Book, Finish, Import, ImportOptions, KindOfBody, Outcome};
use netnew_facts::EntryKind;
use netnew_money::Zone;
use netnew_sources::{Context, Kind, Problem, Row};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// At most so many problems are listed; all are counted.
const LISTED_PROBLEMS: usize = 1_000;

/// How long to wait for another import to finish before saying so.
const WAIT_MS: u64 = 60_000;

/// Memory for rows before they are spilled to disk in sorted runs.
const MEMORY_BUDGET_BYTES: usize = 192 << 20;

/// What an import did.
pub struct Summary {
    /// Facts added, replaced, or there already.
    pub outcome: Outcome,
    /// The first problems.
    pub problems: Vec<Problem>,
    /// How many there are.
    pub problem_count: u64,
}

/// Imports the files and prints what happened.
pub fn run(args: &ImportArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let book = env.open_book()?;
    let summary = import(&book, args, env)?;
    let refused = args.strict && summary.problem_count > 0;
    let value = json!({
        "facts": summary.outcome.facts,
        "duplicates": summary.outcome.duplicates,
        "superseded": summary.outcome.superseded,
        "problem_count": summary.problem_count,
        "problems": summary.problems.iter().map(problem_json).collect::<Vec<Value>>(),
    });
    render::object(env, &value, || table(&summary, args, refused))?;
    Ok(if summary.problem_count > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Imports files into a book; nothing goes in on a dry run, nor under `--strict` when anything is wrong.
pub fn import(book: &Book, args: &ImportArgs, env: &Environment) -> Result<Summary, CliError> {
    let kind = args.kind.as_deref().map(Kind::parse).transpose()?;
    let settings = book.settings().clone();
    let zone = Zone::parse(&settings.timezone)?;
    let mut import = book.begin_import(ImportOptions {
        source: &args.source,
        now: env.now(&zone)?,
        replace: args.replace,
        wait_ms: WAIT_MS,
        memory_budget_bytes: MEMORY_BUDGET_BYTES,
    })?;
    let context = Context { zone: &zone, currency: settings.currency, kind };
    let mut problems = Problems::default();
    for file in &args.files {
        if let Err(error) = read_file(file, &context, &mut import, args.replace, &mut problems) {
            let whole_file = match error {
                FileError::Source(error) => Problem::from(error),
                FileError::Other(error) => return Err(error),
            };
            problems.add(whole_file);
        }
    }
    let spinner = progress(0, "writing");
    let refuse = args.dry_run || (args.strict && problems.count > 0);
    let outcome = import.finish(match (refuse, args.strict) {
        (true, _) => Finish::DryRun,
        (false, true) => Finish::CommitIfConsistent,
        (false, false) => Finish::Commit,
    })?;
    if outcome.facts > 0 && !refuse {
        netnew_report::resident::refresh(book)?;
    }
    spinner.finish_and_clear();
    for conflict in &outcome.conflicts {
        problems.add(conflict_problem(conflict, args));
    }
    let nothing = Outcome::default();
    let outcome = if args.strict && problems.count > 0 { nothing } else { outcome };
    Ok(Summary { outcome, problems: problems.listed, problem_count: problems.count })
}

#[derive(Default)]
struct Problems {
    listed: Vec<Problem>,
    count: u64,
}

impl Problems {
    fn add(&mut self, problem: Problem) {
        self.count += 1;
        if self.listed.len() < LISTED_PROBLEMS {
            self.listed.push(problem);
        }
    }
}

enum FileError {
    Source(netnew_sources::SourceError),
    Other(CliError),
}

impl From<netnew_sources::SourceError> for FileError {
    fn from(error: netnew_sources::SourceError) -> FileError {
        FileError::Source(error)
    }
}

impl From<netnew_book::BookError> for FileError {
    fn from(error: netnew_book::BookError) -> FileError {
        FileError::Other(error.into())
    }
}

fn read_file(
    file: &Path,
    context: &Context,
    import: &mut Import,
    replace: bool,
    problems: &mut Problems,
) -> Result<(), FileError> {
    let mut reader = netnew_sources::open(file, context)?;
    let opened = reader.opened().clone();
    let name = file.display().to_string();
    for note in &opened.notes {
        say(&format!("{name}: {note}"));
    }
    if replace {
        body_kinds(opened.kind).iter().for_each(|kind| import.declare_kind(*kind));
    }
    let payload = import.add_payload(&name, file)?;
    let (_, total) = reader.progress();
    let bar = progress(total, &name);
    let mut batch: Vec<Row> = Vec::new();
    let mut more = true;
    while more {
        batch.clear();
        more = reader.next_batch(&mut batch)?;
        for row in batch.drain(..) {
            match row {
                Row::Statement(statement) => import.push(payload, statement)?,
                Row::Problem(problem) => problems.add(problem),
            }
        }
        bar.set_position(reader.progress().0);
    }
    bar.finish_and_clear();
    Ok(())
}

/// What a file of a kind is the whole truth of, under `--replace`.
fn body_kinds(kind: Kind) -> Vec<KindOfBody> {
    match kind {
        Kind::States | Kind::Periods | Kind::StripeSubscriptions => vec![KindOfBody::States],
        Kind::Customers | Kind::StripeCustomers => vec![KindOfBody::Attributes],
        Kind::Rates => vec![KindOfBody::Rates],
        Kind::Entries(kind) => vec![KindOfBody::Entries(kind)],
        Kind::StripeInvoices => vec![KindOfBody::Entries(EntryKind::Invoice)],
        Kind::StripePayments => {
            [EntryKind::Payment, EntryKind::Refund, EntryKind::Dispute].map(KindOfBody::Entries).to_vec()
        }
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

fn conflict_problem(conflict: &netnew_book::Conflict, args: &ImportArgs) -> Problem {
    Problem {
        file: args.files.first().map(|f| f.display().to_string()).unwrap_or_default(),
        line: conflict.row,
        column: None,
        code: "conflicting_fact",
        message: format!(
            "{} (row {} says something else for the same key; the later row holds)",
            conflict.what, conflict.other_row
        ),
        hint: "give the rows a seq or recorded_at column that orders them, or remove one".into(),
    }
}

/// A problem in the contract's shape.
fn problem_json(problem: &Problem) -> Value {
    json!({
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
    })
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
