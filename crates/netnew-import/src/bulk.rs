//! Importing by column: files of states in Apache Parquet, several row groups at once.

use crate::{Given, Problems, Watch, body_kinds};
use netnew_book::{Book, Bulk, Finish, Follow, Full, Import, Outcome, Sorted, SortedRow};
use netnew_facts::StateBatch;
use netnew_report::{ReportError, resident};
use netnew_resident::{Columns, ColumnsBuilder, Joined, PlainRow};
use netnew_sources::{Context, Problem, Unfit};
use rayon::prelude::*;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that rows by column may take; what needs more is imported row by row.
const BUDGET_BYTES: usize = 640 << 20;

/// Bytes that a row takes at least.
const BYTES_OF_ROW: u64 = 20;

/// A file and what is known of it before it is read.
struct File {
    name: String,
    path: PathBuf,
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
    (problems, watch): (&mut Problems, &dyn Watch),
) -> Result<bool, ReportError> {
    let Some(files) = open(files, context) else { return Ok(false) };
    let rows = files.last().map_or(0, |file| file.first + file.bulk.rows());
    if rows.saturating_mul(BYTES_OF_ROW) > BUDGET_BYTES as u64 {
        return Ok(false);
    }
    let bulk = Bulk::new(BUDGET_BYTES);
    watch.file("reading", rows);
    let done = AtomicU64::new(0);
    let groups: Vec<(&File, usize)> =
        files.iter().flat_map(|file| (0..file.bulk.groups()).map(move |group| (file, group))).collect();
    let one = files.len() == 1;
    let (kept, read) = std::thread::scope(|scope| {
        // One raw file is copied while it is read; several are copied afterwards, one after the other.
        let keeping = one.then(|| import.keeping(&files[0].name, &files[0].path));
        let keeping = keeping.map(|keeping| scope.spawn(|| keeping.run()));
        let read: Result<Vec<Vec<Problem>>, Unfit> = groups
            .par_iter()
            .with_max_len(1)
            .map(|(file, group)| {
                let found = read_group(file, *group, &bulk)?;
                let rows = file.bulk.group_rows(*group);
                watch.at(done.fetch_add(rows, Ordering::Relaxed) + rows);
                Ok(found)
            })
            .collect();
        let kept = keeping.map(|thread| match thread.join() {
            Ok(kept) => kept,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        (kept, read)
    });
    let Ok(found) = read else { return Ok(false) };
    for file in &files {
        file.notes.iter().for_each(|note| watch.note(&format!("{}: {note}", file.name)));
        if replace {
            body_kinds(file.kind).into_iter().for_each(|kind| import.declare_kind(kind));
        }
    }
    let mut payloads = Vec::with_capacity(files.len());
    match kept {
        Some(kept) => payloads.push((0, import.add_kept(kept?))),
        None => {
            for file in &files {
                payloads.push((file.first, import.add_payload(&file.name, &file.path)?));
            }
        }
    }
    import.add_bulk(bulk, payloads, rows)?;
    for (problems_of, (file, _)) in found.into_iter().zip(&groups) {
        for problem in problems_of {
            problems.add(Problem { file: file.name.clone(), ..problem });
        }
    }
    Ok(true)
}

fn open(files: &[Given], context: &Context) -> Option<Vec<File>> {
    let mut out: Vec<File> = Vec::with_capacity(files.len());
    for given in files {
        let reader = netnew_sources::open(&given.path, context).ok()?;
        let bulk = reader.bulk()?;
        let first = out.last().map_or(0, |file| file.first + file.bulk.rows());
        let opened = reader.opened();
        out.push(File {
            name: given.name.clone(),
            path: given.path.clone(),
            kind: opened.kind,
            notes: opened.notes.clone(),
            bulk,
            first,
        });
    }
    (!out.is_empty()).then_some(out)
}

fn read_group(file: &File, number: usize, bulk: &Bulk) -> Result<Vec<Problem>, Unfit> {
    let mut group = file.bulk.group(number)?;
    let mut feeder = bulk.feeder(file.first);
    let (mut batch, mut problems) = (StateBatch::default(), Vec::new());
    while group.next(&mut batch, &mut problems)? {
        feeder.add(&batch, group.contents()).map_err(|Full| Unfit)?;
    }
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
