//! `netnew import`: files into the book. Bad rows are problems, good rows go in.

use crate::cli::ImportArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render::table::{Align, Table};
use crate::render::{self, say};
use indicatif::{ProgressBar, ProgressStyle};
use netnew_book::{Book, Finish, Import, ImportOptions, KindOfBody, Outcome};
use netnew_connect::intake::{self, Gathered, Mode};
use netnew_money::{Instant, Zone};
use netnew_sources::{Context, Kind, Problem, Row};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
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
    let (objects, tables) = apart(&args.files, kind)?;
    let mut unchanged = 0;
    if !objects.is_empty() {
        unchanged = read_objects(book, &objects, args, &mut import, env.now(&zone)?, &mut problems)?;
    }
    for file in tables {
        if let Err(error) = read_file(&file, &context, &mut import, args.replace, &mut problems) {
            let whole_file = match error {
                FileError::Source(error) => Problem::from(error),
                FileError::Other(error) => return Err(error),
            };
            problems.add(whole_file);
        }
    }
    let spinner = progress(0, "writing");
    let refuse = args.dry_run || (args.strict && problems.count > 0);
    let mut outcome = import.finish(match (refuse, args.strict) {
        (true, _) => Finish::DryRun,
        (false, true) => Finish::CommitIfConsistent,
        (false, false) => Finish::Commit,
    })?;
    outcome.duplicates += unchanged;
    if outcome.facts > 0 && !refuse {
        crate::resident::refresh(book)?;
    }
    spinner.finish_and_clear();
    for conflict in &outcome.conflicts {
        problems.add(conflict_problem(conflict, args));
    }
    let nothing = Outcome::default();
    let outcome = if args.strict && problems.count > 0 { nothing } else { outcome };
    Ok(Summary { outcome, problems: problems.listed, problem_count: problems.count })
}

/// Files of Stripe's objects, and the others: the objects of several files belong together.
fn apart(files: &[PathBuf], kind: Option<Kind>) -> Result<(Vec<PathBuf>, Vec<PathBuf>), CliError> {
    let mut objects = Vec::new();
    let mut tables = Vec::new();
    for file in files {
        let stripe = match kind {
            Some(Kind::StripeJson) => {
                netnew_sources::JsonObjects::open(file).is_ok_and(|found| found.is_some())
            }
            Some(_) => false,
            // What cannot be read is a problem of its own, found below.
            None => netnew_connect::files::is_stripe_json(file).unwrap_or(false),
        };
        if stripe { objects.push(file.clone()) } else { tables.push(file.clone()) }
    }
    Ok((objects, tables))
}

fn read_objects(
    book: &Book,
    files: &[PathBuf],
    args: &ImportArgs,
    import: &mut Import,
    now: Instant,
    problems: &mut Problems,
) -> Result<u64, CliError> {
    let mut gathered = Gathered::default();
    let bar = progress(files.iter().filter_map(|f| f.metadata().ok()).map(|m| m.len()).sum(), "stripe-json");
    let notes = netnew_connect::files::gather(
        files,
        import,
        now,
        &mut gathered,
        &mut |_, done, _| bar.set_position(done),
        &mut |problem| problems.add(problem),
    )?;
    bar.finish_and_clear();
    for note in notes {
        say(&note);
    }
    let mode = if args.replace { Mode::Replace } else { Mode::Tell };
    let taken = intake::take(book, import, &args.source, now, gathered, mode)?;
    if taken.never_began > 0 {
        say(&format!(
            "{} subscriptions left out because their first payment never came (incomplete)",
            taken.never_began
        ));
    }
    let file = files.first().map(|f| f.display().to_string()).unwrap_or_default();
    for (place, trouble) in taken.problems {
        problems.add(Problem {
            file: file.clone(),
            line: place.row,
            column: None,
            code: trouble.code,
            message: trouble.message,
            hint: trouble.hint,
        });
    }
    Ok(taken.unchanged)
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
        import.declare_kind(body_kind(opened.kind));
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

fn body_kind(kind: Kind) -> KindOfBody {
    match kind {
        Kind::States | Kind::Periods | Kind::StripeSubscriptions => KindOfBody::States,
        Kind::Customers | Kind::StripeCustomers => KindOfBody::Attributes,
        Kind::Rates => KindOfBody::Rates,
        // Read as objects, which say for themselves what they replace.
        Kind::StripeJson => KindOfBody::States,
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
