//! Files of Stripe's objects and events: what they say is gathered first, then every customer spoken of is told anew.

use crate::{Given, Problems, Watch, Wish};
use netnew_book::{Book, Import};
use netnew_connect::ConnectError;
use netnew_connect::intake::{self, Gathered, Mode};
use netnew_money::Instant;
use netnew_report::ReportError;
use netnew_sources::{JsonObjects, Kind, Problem};
use std::path::{Path, PathBuf};

/// What went wrong with a source, as a reader is told.
pub fn refused(error: ConnectError) -> ReportError {
    ReportError::refused(error.code(), error.to_string(), error.hint())
}

/// Whether a file holds Stripe's objects. What cannot be read is not one; that is found out when it is read as a table.
pub fn is_objects(file: &Path, kind: Option<Kind>) -> bool {
    match kind {
        Some(Kind::StripeJson) => JsonObjects::open(file).is_ok_and(|found| found.is_some()),
        Some(_) => false,
        None => netnew_connect::files::is_stripe_json(file).unwrap_or(false),
    }
}

/// Reads files of objects into the import; gives how many of them said nothing new.
pub fn read(
    book: &Book,
    files: &[&Given],
    wish: &Wish,
    import: &mut Import,
    now: Instant,
    (problems, watch): (&mut Problems, &dyn Watch),
) -> Result<u64, ReportError> {
    let mut gathered = Gathered::default();
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let total = paths.iter().filter_map(|path| path.metadata().ok()).map(|m| m.len()).sum();
    // Problems and receipts name files as whoever brought them does.
    let named =
        |path: &str| files.iter().find(|f| f.path.display().to_string() == path).map(|f| f.name.clone());
    watch.file("stripe-json", total);
    let notes = netnew_connect::files::gather(
        &paths,
        import,
        now,
        &mut gathered,
        &mut |_, done, _| watch.at(done),
        &mut |problem| {
            let file = named(&problem.file).unwrap_or_else(|| problem.file.clone());
            problems.add(Problem { file, ..problem });
        },
    )
    .map_err(refused)?;
    notes.iter().for_each(|note| watch.note(note));
    let mode = if wish.replace { Mode::Replace } else { Mode::Tell };
    let taken = intake::take(book, import, &wish.source, now, gathered, mode).map_err(refused)?;
    if taken.never_began > 0 {
        watch.note(&format!(
            "{} subscriptions left out because their first payment never came (incomplete)",
            taken.never_began
        ));
    }
    for (place, trouble) in taken.problems {
        problems.add(Problem {
            file: files.first().map(|f| f.name.clone()).unwrap_or_default(),
            line: place.row,
            column: None,
            code: trouble.code,
            message: trouble.message,
            hint: trouble.hint,
        });
    }
    Ok(taken.unchanged)
}
