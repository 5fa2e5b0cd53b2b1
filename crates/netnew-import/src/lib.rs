//! Files into a book, whoever brings them: the command line, a page, the API. Bad rows are problems, good rows go in.

mod billers;
mod bulk;
mod stripe;

pub use stripe::refused;

use netnew_book::{Book, Finish, Import, ImportOptions, KindOfBody, Outcome};
use netnew_facts::EntryKind;
use netnew_money::Zone;
use netnew_report::{Now, ReportError, resident};
use netnew_sources::{Context, Kind, Problem, Row};
use serde_json::{Value, json};
use std::path::PathBuf;

/// At most so many problems are listed; all are counted.
const LISTED_PROBLEMS: usize = 1_000;

/// How long to wait for another import to finish before saying so.
const WAIT_MS: u64 = 60_000;

/// Memory for rows before they are spilled to disk in sorted runs.
const MEMORY_BUDGET_BYTES: usize = 192 << 20;

/// A file to read.
pub struct Given {
    /// Where it lies.
    pub path: PathBuf,
    /// The name that problems and receipts call it by.
    pub name: String,
}

/// How files are imported.
pub struct Wish {
    /// What they hold; without it each file is recognised by its content.
    pub kind: Option<String>,
    /// Name of the source.
    pub source: String,
    /// These files are the whole truth of their source for their kind.
    pub replace: bool,
    /// Nothing goes in if anything is wrong.
    pub strict: bool,
    /// Nothing goes in at all.
    pub dry_run: bool,
}

/// Told how far an import is.
pub trait Watch: Sync {
    /// A file is begun; `total`: bytes or rows, 0 if not known.
    fn file(&self, name: &str, total: u64);
    /// So much of it is read.
    fn at(&self, done: u64);
    /// Something to say about it.
    fn note(&self, text: &str);
    /// All files are read; what was read is being written.
    fn writing(&self);
    /// All is done.
    fn done(&self);
}

/// Nobody watches.
pub struct Unwatched;

impl Watch for Unwatched {
    fn file(&self, _: &str, _: u64) {}
    fn at(&self, _: u64) {}
    fn note(&self, _: &str) {}
    fn writing(&self) {}
    fn done(&self) {}
}

/// What an import did.
pub struct Summary {
    /// Facts added, replaced, or there already.
    pub outcome: Outcome,
    /// The first problems.
    pub problems: Vec<Problem>,
    /// How many there are.
    pub problem_count: u64,
}

impl Summary {
    /// The contract's shape.
    pub fn to_json(&self) -> Value {
        json!({
            "facts": self.outcome.facts,
            "duplicates": self.outcome.duplicates,
            "superseded": self.outcome.superseded,
            "problem_count": self.problem_count,
            "problems": self.problems.iter().map(problem_json).collect::<Vec<Value>>(),
        })
    }
}

/// Imports files into a book; nothing goes in on a dry run, nor under `strict` when anything is wrong.
///
/// # Errors
/// An unknown kind, another import that does not end, or a book that cannot be written. What is wrong with a file is a
/// problem in the summary.
pub fn import(
    book: &Book,
    files: &[Given],
    wish: &Wish,
    now: &Now,
    watch: &dyn Watch,
) -> Result<Summary, ReportError> {
    let kind = wish.kind.as_deref().map(Kind::parse).transpose()?;
    let settings = book.settings().clone();
    let zone = Zone::parse(&settings.timezone)?;
    let mut import = book.begin_import(ImportOptions {
        source: &wish.source,
        now: now.at(&zone)?,
        replace: wish.replace,
        wait_ms: WAIT_MS,
        memory_budget_bytes: MEMORY_BUDGET_BYTES,
    })?;
    let context = Context { zone: &zone, currency: settings.currency, kind };
    let mut problems = Problems::default();
    let (objects, others): (Vec<&Given>, Vec<&Given>) =
        files.iter().partition(|file| stripe::is_objects(&file.path, kind));
    let (mut billers, mut tables) = (Vec::new(), Vec::new());
    for file in others {
        match billers::form(&file.path, kind) {
            Some(form) => billers.push((file, form)),
            None => tables.push(file),
        }
    }
    // The objects of several files belong together.
    let mut unchanged = match objects.as_slice() {
        [] => 0,
        objects => stripe::read(book, objects, wish, &mut import, now.at(&zone)?, (&mut problems, watch))?,
    };
    if !billers.is_empty() {
        let at = now.at(&zone)?;
        unchanged += billers::read(book, &billers, wish, &mut import, at, (&mut problems, watch))?;
    }
    let by_column = objects.is_empty()
        && billers.is_empty()
        && bulk::read(files, &context, &mut import, wish.replace, (&mut problems, watch))?;
    for file in tables.into_iter().filter(|_| !by_column) {
        if let Err(error) = read_file(file, &context, &mut import, wish.replace, &mut problems, watch) {
            let whole_file = match error {
                FileError::Source(error) => Problem { file: file.name.clone(), ..Problem::from(error) },
                FileError::Other(error) => return Err(error),
            };
            problems.add(whole_file);
        }
    }
    watch.writing();
    let refuse = wish.dry_run || (wish.strict && problems.count > 0);
    let finish = match (refuse, wish.strict) {
        (true, _) => Finish::DryRun,
        (false, true) => Finish::CommitIfConsistent,
        (false, false) => Finish::Commit,
    };
    let mut outcome =
        if by_column { bulk::finish(book, import, finish)? } else { finish_rows(book, import, finish)? };
    outcome.duplicates += unchanged;
    watch.done();
    for conflict in &outcome.conflicts {
        problems.add(conflict_problem(conflict, files));
    }
    let nothing = Outcome::default();
    let outcome = if wish.strict && problems.count > 0 { nothing } else { outcome };
    Ok(Summary { outcome, problems: problems.listed, problem_count: problems.count })
}

fn finish_rows(book: &Book, import: Import, finish: Finish) -> Result<Outcome, ReportError> {
    let outcome = import.finish(finish)?;
    if outcome.facts > 0 && finish != Finish::DryRun {
        resident::refresh(book)?;
    }
    Ok(outcome)
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
    Other(ReportError),
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
    file: &Given,
    context: &Context,
    import: &mut Import,
    replace: bool,
    problems: &mut Problems,
    watch: &dyn Watch,
) -> Result<(), FileError> {
    let mut reader = netnew_sources::open(&file.path, context)?;
    let opened = reader.opened().clone();
    for note in &opened.notes {
        watch.note(&format!("{}: {note}", file.name));
    }
    if replace {
        body_kinds(opened.kind).into_iter().for_each(|kind| import.declare_kind(kind));
    }
    let payload = import.add_payload(&file.name, &file.path)?;
    let (_, total) = reader.progress();
    watch.file(&file.name, total);
    let mut batch: Vec<Row> = Vec::new();
    let mut more = true;
    while more {
        batch.clear();
        more = reader.next_batch(&mut batch)?;
        for row in batch.drain(..) {
            match row {
                Row::Statement(statement) => import.push(payload, statement)?,
                Row::Problem(mut problem) => {
                    problem.file.clone_from(&file.name);
                    problems.add(problem);
                }
            }
        }
        watch.at(reader.progress().0);
    }
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
        // Read as objects, which say for themselves what they replace.
        Kind::StripeJson | Kind::Biller(_) => vec![KindOfBody::States],
    }
}

fn conflict_problem(conflict: &netnew_book::Conflict, files: &[Given]) -> Problem {
    Problem {
        file: files.first().map(|f| f.name.clone()).unwrap_or_default(),
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
pub fn problem_json(problem: &Problem) -> Value {
    json!({
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
    })
}
