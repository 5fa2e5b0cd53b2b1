//! A book's image: read from where it was kept, or made from the snapshot, several parts at once.

use crate::error::CliError;
use netnew_book::{Book, BookError, ReadFile, Snapshot};
use netnew_ledger::Context;
use netnew_metrics::{Extras, Query, ReportCurrency, RollupError, RollupRow};
use netnew_money::{Currency, Day, Instant};
use netnew_resident::{Cut, Extent, Image, ImageBuilder, Periods, Rules, Source, TooLarge, pass, rollup};
use rayon::prelude::*;
use std::io;
use std::sync::Arc;

/// Name of the kept image.
const NAME: &str = "image";

/// Below so many states making an image anew takes no longer than looking for a kept one.
const WORTH_KEEPING: u64 = 20_000;

/// Above so many states an image takes more memory than a command should without being asked; the book itself is
/// read in little, however large.
const MOST: u64 = 12_000_000;

/// Whether a book is of a size to be held in memory.
pub fn fits(snapshot: &Snapshot) -> Result<bool, CliError> {
    Ok(snapshot.counts()?.states <= MOST)
}

struct Kept(Arc<dyn ReadFile>);

impl Source for Kept {
    fn read(&self, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.0.read_at(offset, buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => {
                    offset += read as u64;
                    buffer = &mut buffer[read..];
                }
            }
        }
        Ok(())
    }
}

/// The image of everything that a snapshot knows. A kept one is used only if it was made from this very version.
pub fn load(book: &Book, snapshot: &Snapshot, extent: Extent) -> Result<Image, CliError> {
    if snapshot.counts()?.states >= WORTH_KEEPING {
        // Whatever is wrong with the kept image, it can be made again.
        let kept = book.open_derived(NAME).map(|file| Image::read(&Kept(file), snapshot.version(), extent));
        if let Some(Ok(Some(image))) = kept {
            return Ok(image);
        }
    }
    let image = make(snapshot, Instant::MAX)?;
    keep(book, snapshot, &image);
    Ok(image)
}

/// Keeps an image for later readers; that it cannot be kept is nobody's trouble.
fn keep(book: &Book, snapshot: &Snapshot, image: &Image) {
    if snapshot.counts().is_ok_and(|counts| counts.states >= WORTH_KEEPING) {
        let version = snapshot.version();
        let _ = book.write_derived(NAME, &mut |out| image.write(version, out));
    }
}

/// Makes and keeps the image of a book that has just changed, so that the next reader finds it.
pub fn refresh(book: &Book) -> Result<(), CliError> {
    let snapshot = book.snapshot()?;
    if snapshot.counts()?.states >= WORTH_KEEPING && fits(&snapshot)? {
        keep(book, &snapshot, &make(&snapshot, Instant::MAX)?);
    }
    Ok(())
}

/// Reads the whole snapshot into an image of what was known at `known_on`.
pub fn make(snapshot: &Snapshot, known_on: Instant) -> Result<Image, CliError> {
    let parts = snapshot.partitions(rayon::current_num_threads() * 8);
    let images: Vec<Result<Image, CliError>> = parts
        .into_par_iter()
        .map(|part| {
            let mut builder = ImageBuilder::new(known_on);
            let mut full = false;
            let scanned = snapshot.scan(part, &mut |customer| {
                builder.push(&customer).map_err(|TooLarge| {
                    full = true;
                    BookError::stopped()
                })
            });
            match scanned {
                _ if full => Err(too_large(TooLarge)),
                Err(error) => Err(error.into()),
                Ok(()) => Ok(builder.finish()),
            }
        })
        .collect();
    let mut whole = Image::default();
    for image in images {
        whole.append(image?).map_err(too_large)?;
    }
    Ok(whole.finish())
}

fn too_large(error: TooLarge) -> CliError {
    CliError::refused("book_too_large", error.to_string(), "split the book by source, or run it on a cluster")
}

/// Rows, and the day of the first change behind them.
type Rows = (Vec<RollupRow>, Option<Day>);

/// Rolls an image up for a question that [`netnew_resident::can_group`] accepts.
pub fn rows(image: &Image, ctx: &Context, query: &Query, extras: Extras) -> Result<Rows, RollupError> {
    // The whole book in the only currency there is can be added up from days, which is quicker.
    let only = |currency: Currency| image.currencies().iter().all(|c| *c == currency);
    let whole = query.by.is_empty() && query.filter.0.is_empty() && !extras.retention;
    if let ReportCurrency::In(currency) = query.currency
        && whole
        && only(currency)
        && let Some(cut) = Cut::new(image, ctx.zone)
    {
        let rules = Rules::with_cut(image, ctx, Some(&cut));
        let days = rollup(image, &rules, ctx, &cut, None, query.to, query.with_expected)?;
        let (rows, posted) = days.waterfall(query)?;
        let first = days.first_change().filter(|_| posted).map(|at| ctx.zone.day_of(at));
        return Ok((rows, first));
    }
    let rules = Rules::new(image, ctx);
    let mut whole = Periods::new(image, &rules, ctx, query, extras)?;
    let part = || Periods::new(image, &rules, ctx, query, extras).expect("one was made above");
    pass(image, &rules, ctx, None, part)?.into_iter().for_each(|part| whole.merge(part));
    let first = whole.first_movement();
    Ok((whole.finish()?, first))
}
