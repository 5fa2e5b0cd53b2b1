//! Files of other billing systems: what they say is gathered first, then every customer spoken of is told anew.

use crate::stripe::refused;
use crate::{Given, Problems, Watch, Wish};
use netnew_book::{Book, Import};
use netnew_connect::billers::files::{Form, form_of, gather, problem_of, recognise};
use netnew_connect::billers::{Gathered, take};
use netnew_money::Instant;
use netnew_report::ReportError;
use netnew_sources::{Kind, Problem};
use std::path::Path;

/// What system's a file is. What cannot be read is none; that is found out when it is read as a table.
pub fn form(file: &Path, kind: Option<Kind>) -> Option<Form> {
    match kind {
        Some(Kind::Biller(name)) => form_of(name),
        Some(_) => None,
        None => recognise(file).unwrap_or(None),
    }
}

/// Reads files of systems into the import; gives how many statements said nothing new.
pub fn read(
    book: &Book,
    files: &[(&Given, Form)],
    wish: &Wish,
    import: &mut Import,
    now: Instant,
    (problems, watch): (&mut Problems, &dyn Watch),
) -> Result<u64, ReportError> {
    let mut gathered = Gathered::default();
    for (file, form) in files {
        let total = file.path.metadata().map_or(0, |m| m.len());
        watch.file(&file.name, total);
        let notes =
            gather(&file.path, *form, import, &mut gathered, &mut |done| watch.at(done), &mut |problem| {
                problems.add(Problem { file: file.name.clone(), ..problem })
            });
        match notes {
            Ok(notes) => notes.iter().for_each(|note| watch.note(&format!("{}: {note}", file.name))),
            Err(netnew_connect::ConnectError::Source(error)) => {
                problems.add(Problem { file: file.name.clone(), ..Problem::from(error) });
            }
            Err(error) => return Err(refused(error)),
        }
    }
    let taken = take(book, import, &wish.source, now, gathered, wish.replace).map_err(refused)?;
    if taken.never_began > 0 {
        watch.note(&format!("{} subscriptions left out because they never began", taken.never_began));
    }
    for (place, trouble) in taken.problems {
        let name = files.first().map(|(file, _)| file.name.as_str()).unwrap_or_default();
        problems.add(problem_of(name, place.row, trouble));
    }
    Ok(taken.unchanged)
}
