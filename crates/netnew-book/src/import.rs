//! Import: statements in, facts booked. What is already known adds nothing; what differs supersedes.

pub(crate) mod commit;
pub(crate) mod customer;
mod owners;
mod payload;
mod reference;

pub use payload::{Keeping, Kept};

use crate::book::{Book, Snapshot};
use crate::bulk::Filled;
use crate::catalog;
use crate::changes::Touched;
use crate::error::BookError;
use crate::evidence::Evident;
use crate::files::Lock;
use crate::record::Filed;
use crate::runs::Sorter;
use crate::segment::Family;
use netnew_facts::{AliasFact, EntryKind, Fact, PayloadRef, RateFact, Statement, StatementBody, Text};
use netnew_money::Instant;
use std::path::{Path, PathBuf};

/// How to import.
#[derive(Clone, Copy, Debug)]
pub struct ImportOptions<'a> {
    /// Name of the source.
    pub source: &'a str,
    /// Now: when statements that do not say so are learned.
    pub now: Instant,
    /// The files are the whole truth of their source for the kinds named by [`Import::declare_kind`].
    pub replace: bool,
    /// How long to wait for another writer.
    pub wait_ms: u64,
    /// Bytes of rows to hold before they go to disk in sorted runs.
    pub memory_budget_bytes: usize,
}

/// What a file speaks of, for `replace`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KindOfBody {
    /// Item states.
    States,
    /// Attributes of customers.
    Attributes,
    /// Rates.
    Rates,
    /// Merges of customers.
    Aliases,
    /// Entries of one kind.
    Entries(EntryKind),
}

impl KindOfBody {
    /// Which segments such facts lie in; `None` for those of the catalog.
    pub(crate) fn family(self) -> Option<Family> {
        match self {
            KindOfBody::States | KindOfBody::Attributes => Some(Family::Items),
            KindOfBody::Entries(_) => Some(Family::Entries),
            KindOfBody::Rates | KindOfBody::Aliases => None,
        }
    }
}

/// How to end an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Book it, durably.
    Commit,
    /// Book it if its rows do not contradict one another; else only say so.
    CommitIfConsistent,
    /// Only say what would happen.
    DryRun,
}

/// Two rows of one import that say different things of the same key, with nothing to order them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Payload of the row that holds.
    pub payload: u32,
    /// The row that holds: the later one.
    pub row: u64,
    /// The other row.
    pub other_row: u64,
    /// What they speak of.
    pub what: String,
}

/// What an import did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Facts added, retractions included.
    pub facts: u64,
    /// Rows that added nothing.
    pub duplicates: u64,
    /// Added facts that replaced an earlier one.
    pub superseded: u64,
    /// Of the duplicates, those kept because they say again, under a version of their own, what holds.
    pub confirmed: u64,
    /// Contradictions inside the import; at most a thousand.
    pub conflicts: Vec<Conflict>,
}

/// At most so many contradictions are listed.
pub(crate) const LISTED_CONFLICTS: usize = 1_000;

/// A raw file that waits to be kept.
struct NewPayload {
    id: u32,
    name: String,
    sha256: String,
    bytes: u64,
    /// `None` when a file with these bytes is kept already.
    temporary: Option<PathBuf>,
}

/// An import under way; it holds the book's write lock. Dropping it without [`Import::finish`] changes nothing.
pub struct Import<'b> {
    pub(crate) book: &'b Book,
    _lock: Box<dyn Lock>,
    pub(crate) source: Text,
    pub(crate) now: Instant,
    replace: bool,
    pub(crate) kinds: Vec<KindOfBody>,
    pub(crate) snapshot: Snapshot,
    pub(crate) sorter: Sorter,
    /// Entries, sorted apart: they go into segments of their own.
    entries: Sorter,
    rates: Vec<RateFact>,
    aliases: Vec<AliasFact>,
    payloads: Vec<NewPayload>,
    pub(crate) bulk: Option<Filled>,
    evident: Evident,
    pub(crate) touched: Touched,
    /// Given to retractions that `replace` makes: before every row of the import.
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
}

impl Book {
    /// Begins an import; a second writer waits, or is told who holds the book.
    pub fn begin_import(&self, options: ImportOptions) -> Result<Import<'_>, BookError> {
        let lock = self.write_lock(options.wait_ms)?;
        self.remove_leftovers()?;
        let snapshot = self.unmerged_snapshot()?;
        let first_seq = snapshot.version() + 1;
        let tmp = self.dir.join("tmp");
        Ok(Import {
            book: self,
            _lock: lock,
            source: options.source.into(),
            now: options.now,
            replace: options.replace,
            kinds: Vec::new(),
            sorter: Sorter::new(self.files.clone(), &tmp, "rows", options.memory_budget_bytes),
            entries: Sorter::new(self.files.clone(), &tmp, "entries", options.memory_budget_bytes),
            snapshot,
            rates: Vec::new(),
            aliases: Vec::new(),
            payloads: Vec::new(),
            bulk: None,
            evident: Evident::default(),
            touched: Touched::default(),
            first_seq,
            last_seq: first_seq,
        })
    }

    pub(crate) fn write_lock(&self, wait_ms: u64) -> Result<Box<dyn Lock>, BookError> {
        let path = self.dir.join("lock");
        match self.files.lock(&path, wait_ms).map_err(BookError::io(&path))? {
            Ok(lock) => {
                self.missing_folders()?;
                Ok(lock)
            }
            Err(holder) => Err(BookError::Locked { dir: self.dir.clone(), holder }),
        }
    }

    /// Makes folders that got lost because they were empty: not every way of copying a book takes those along.
    fn missing_folders(&self) -> Result<(), BookError> {
        for part in ["segments", "payloads", "tmp"] {
            let path = self.dir.join(part);
            if !self.files.exists(&path) {
                self.files.create_dir_all(&path).map_err(BookError::io(&path))?;
            }
        }
        Ok(())
    }

    /// Sorted runs, segments and payloads that were not booked.
    pub(crate) fn clear_temporary(&self) -> Result<(), BookError> {
        let tmp = self.dir.join("tmp");
        for path in self.files.list(&tmp).map_err(BookError::io(&tmp))? {
            self.files.remove(&path).map_err(BookError::io(&path))?;
        }
        Ok(())
    }

    /// What an interrupted writer left behind: files that the catalog does not name. Only under the write lock.
    fn remove_leftovers(&self) -> Result<(), BookError> {
        let named: Vec<String> = catalog::segments(&self.catalog())?.into_iter().map(|s| s.name).collect();
        let remove = |path: &Path| self.files.remove(path).map_err(BookError::io(path));
        self.clear_temporary()?;
        let segments = self.dir.join("segments");
        for path in self.files.list(&segments).map_err(BookError::io(&segments))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_string();
            let segment = name.strip_suffix(".owners").unwrap_or(&name);
            if !named.iter().any(|n| n == segment) {
                remove(&path)?;
            }
        }
        Ok(())
    }
}

impl Import<'_> {
    /// Names a kind of which the files are the whole truth; only of meaning under `replace`.
    pub fn declare_kind(&mut self, kind: KindOfBody) {
        if self.replace && !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }

    /// What is to be kept besides facts, committed with them.
    pub fn evident(&mut self) -> &mut Evident {
        &mut self.evident
    }

    /// Takes a statement in.
    pub fn push(&mut self, payload: u32, statement: Statement) -> Result<(), BookError> {
        self.last_seq += 1;
        let booked_seq = self.last_seq;
        let recorded_at = statement.recorded_at.unwrap_or(self.now);
        let payload = PayloadRef { payload, row: statement.row };
        let (source, version) = (self.source.clone(), statement.version);
        match statement.body {
            StatementBody::Customer { customer, body } => {
                let fact = Fact { source, customer, body, recorded_at, version, booked_seq, payload };
                match Family::of(&fact.body) {
                    Family::Items => self.sorter.push(&Filed::own(fact)),
                    Family::Entries => self.entries.push(&Filed::own(fact)),
                }
            }
            StatementBody::Rate { day, base, quote, rate } => {
                self.rates.push(RateFact {
                    source,
                    day,
                    base,
                    quote,
                    rate,
                    recorded_at,
                    version,
                    booked_seq,
                    payload,
                });
                Ok(())
            }
            StatementBody::Alias { customer, merged_into } => {
                self.aliases.push(AliasFact {
                    source,
                    customer,
                    merged_into,
                    recorded_at,
                    version,
                    booked_seq,
                    payload,
                });
                Ok(())
            }
        }
    }
}
