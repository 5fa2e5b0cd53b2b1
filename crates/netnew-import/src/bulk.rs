//! Importing by column: files of states in Apache Parquet, several row groups at once.

use crate::{Given, Problems, Watch, body_kind};
use netnew_book::{Book, Bulk, Finish, Follow, Full, Import, Outcome, Sorted, SortedRow};
use netnew_facts::StateBatch;
use netnew_report::{ReportError, resident};
use netnew_resident::{Columns, ColumnsBuilder, Joined, PlainRow};
use netnew_sources::{Context, Problem, Unfit};
use rayon::prelude::*;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bytes that rows by column may take; what needs more is imported row by row.
const BUDGET_BYTES: usize = 640 << 20;

/// Bytes that a row takes at least.
const BYTES_OF_ROW: u64 = 20;

/// How often whoever watches is told how far it is.
const WATCH_EVERY: Duration = Duration::from_millis(10);

/// A file and what is known of it before it is read.
struct File<'f> {
    given: &'f Given,
    kind: netnew_sources::Kind,
    notes: Vec<String>,
    bulk: netnew_sources::Bulk,
    /// How many rows of the import come before.
    first: u64,
}

/// Reads all files by column into the import. False, with nothing changed, if any of them has to be read row by row.
pub fn read(
    files: &[Given],
    context: &Context,
    import: &mut Import,
    replace: bool,
    problems: &mut Problems,
    watch: &mut dyn Watch,
) -> Result<bool, ReportError> {
    let Some(files) = open(files, context) else { return Ok(false) };
    let rows = files.last().map_or(0, |file| file.first + file.bulk.rows());
    if rows.saturating_mul(BYTES_OF_ROW) > BUDGET_BYTES as u64 {
        return Ok(false);
    }
    let bulk = Bulk::new(BUDGET_BYTES);
    let groups: Vec<(&File, usize)> =
        files.iter().flat_map(|file| (0..file.bulk.groups()).map(move |group| (file, group))).collect();
    watch.file(&files[0].given.name, rows);
    let done = AtomicU64::new(0);
    let (kept, read) = std::thread::scope(|scope| {
        // One raw file is copied while it is read; several are copied afterwards, one after the other.
        let keeping = (files.len() == 1).then(|| import.keeping(&files[0].given.name, &files[0].given.path));
        let keeping = keeping.map(|keeping| scope.spawn(|| keeping.run()));
        let reading = scope.spawn(|| {
            let each = groups.par_iter().with_max_len(1);
            each.map(|(file, group)| read_group(file, *group, &bulk, &done))
                .collect::<Result<Vec<_>, Unfit>>()
        });
        while !reading.is_finished() {
            std::thread::sleep(WATCH_EVERY);
            watch.at(done.load(Ordering::Relaxed));
        }
        (keeping.map(joined), joined(reading))
    });
    let Ok(found) = read else { return Ok(false) };
    for file in &files {
        file.notes.iter().for_each(|note| watch.note(&format!("{}: {note}", file.given.name)));
    }
    if replace {
        files.iter().for_each(|file| import.declare_kind(body_kind(file.kind)));
    }
    let mut payloads = Vec::with_capacity(files.len());
    match kept {
        Some(kept) => payloads.push((0, import.add_kept(kept?))),
        None => {
            for file in &files {
                payloads.push((file.first, import.add_payload(&file.given.name, &file.given.path)?));
            }
        }
    }
    import.add_bulk(bulk, payloads, rows)?;
    found.into_iter().flatten().for_each(|problem| problems.add(problem));
    Ok(true)
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn open<'f>(files: &'f [Given], context: &Context) -> Option<Vec<File<'f>>> {
    let mut out: Vec<File> = Vec::with_capacity(files.len());
    for given in files {
        let reader = netnew_sources::open(&given.path, context).ok()?;
        let bulk = reader.bulk()?;
        let first = out.last().map_or(0, |file| file.first + file.bulk.rows());
        let opened = reader.opened();
        out.push(File { given, kind: opened.kind, notes: opened.notes.clone(), bulk, first });
    }
    (!out.is_empty()).then_some(out)
}

fn read_group(file: &File, number: usize, bulk: &Bulk, done: &AtomicU64) -> Result<Vec<Problem>, Unfit> {
    let mut group = file.bulk.group(number)?;
    let mut feeder = bulk.feeder(file.first);
    let (mut batch, mut problems) = (StateBatch::default(), Vec::new());
    while group.next(&mut batch, &mut problems)? {
        feeder.add(&batch, group.contents()).map_err(|Full| Unfit)?;
        done.fetch_add(batch.len() as u64, Ordering::Relaxed);
    }
    problems.iter_mut().for_each(|problem| problem.file.clone_from(&file.given.name));
    Ok(problems)
}

/// Ends an import by column; the book's image is made from the columns if they are the whole book.
pub fn finish(book: &Book, import: Import, finish: Finish) -> Result<Outcome, ReportError> {
    let columns: OnceLock<Columns> = OnceLock::new();
    let begin = |contents: &[_], source: &_| {
        ColumnsBuilder::new(columns.get_or_init(|| Columns::new(source, contents)))
    };
    let add = |builder: &mut ColumnsBuilder, sorted: &Sorted| {
        for customer in sorted.customers() {
            let row = |row: usize| {
                let SortedRow { at, content, seq, instants } = customer.row(row);
                PlainRow { at, content, seq, instants }
            };
            let done = customer.is_plain() && builder.push_plain(customer.id(), customer.items(), row);
            if !done {
                builder.push(&customer.facts());
            }
        }
    };
    let (rows, items) = import.bulk_size();
    // Only an empty book's image can be made here; of others it would be thrown away.
    let mut joined =
        (resident::is_empty(book)? && finish != Finish::DryRun).then(|| Joined::new(rows, items));
    let follows = joined.is_some();
    let follow = Follow {
        new: &begin,
        add: &|builder, sorted| {
            if follows {
                add(builder, sorted);
            }
        },
        take: &mut |part| {
            if joined.as_mut().is_some_and(|joined| joined.add(part).is_err()) {
                joined = None;
            }
        },
    };
    let (outcome, whole) = import.finish_with(finish, follow)?;
    if outcome.facts > 0 && finish != Finish::DryRun {
        match joined.filter(|_| whole) {
            Some(joined) => resident::keep_joined(book, joined)?,
            None => resident::refresh(book)?,
        }
    }
    Ok(outcome)
}
