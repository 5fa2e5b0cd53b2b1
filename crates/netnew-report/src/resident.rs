//! A book's image: read from where it was kept, or made from the snapshot, several parts at once.

use crate::ReportError;
use netnew_book::{Book, BookError, ReadFile, Snapshot};
use netnew_money::Instant;
use netnew_resident::{Extent, Image, ImageBuilder, Joined, People, PeopleBuilder, Source, TooLarge};
use rayon::prelude::*;
use std::io;
use std::sync::Arc;

/// Name of the kept image.
const NAME: &str = "image";

/// Name of what is kept of everybody's attributes.
const PEOPLE: &str = "people";

/// Below so many states making an image anew takes no longer than looking for a kept one.
pub(crate) const WORTH_KEEPING: u64 = 20_000;

/// Above so many states an image takes more memory than a command should without being asked; the book itself is
/// read in little, however large.
const MOST: u64 = 12_000_000;

/// Whether a book is of a size to be held in memory.
pub fn fits(snapshot: &Snapshot) -> Result<bool, ReportError> {
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

/// All of a file that is not too large; `None` when it is, or cannot be read.
pub(crate) fn read_whole(file: &dyn ReadFile, most: usize) -> Option<Vec<u8>> {
    let length = usize::try_from(file.len().ok()?).ok().filter(|length| *length <= most)?;
    let mut bytes = vec![0u8; length];
    let mut at = 0;
    while at < length {
        match file.read_at(at as u64, &mut bytes[at..]).ok()? {
            0 => return None,
            read => at += read,
        }
    }
    Some(bytes)
}

/// The image of everything that a snapshot knows. A kept one is used only if it was made from this very version.
pub fn load(book: &Book, snapshot: &Snapshot, extent: Extent) -> Result<Image, ReportError> {
    if snapshot.counts()?.states >= WORTH_KEEPING {
        // Whatever is wrong with the kept image, it can be made again.
        let kept = book.open_derived(NAME).map(|file| Image::read(&Kept(file), snapshot.version(), extent));
        if let Some(Ok(Some(image))) = kept {
            return Ok(image);
        }
    }
    let (image, people) = make(snapshot, Instant::MAX)?;
    keep(book, snapshot, &image, &people);
    Ok(image)
}

/// Everybody's attributes, at least those that are `wanted`; `image` is the same snapshot's.
pub fn load_people(
    book: &Book,
    snapshot: &Snapshot,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Result<People, ReportError> {
    if snapshot.counts()?.states >= WORTH_KEEPING {
        let kept =
            book.open_derived(PEOPLE).map(|file| People::read(&Kept(file), snapshot.version(), wanted));
        if let Some(Ok(Some(people))) = kept {
            return Ok(people);
        }
    }
    let (image, people) = make(snapshot, Instant::MAX)?;
    keep(book, snapshot, &image, &people);
    Ok(people)
}

/// Keeps an image for later readers; that it cannot be kept is nobody's trouble.
fn keep(book: &Book, snapshot: &Snapshot, image: &Image, people: &People) {
    if snapshot.counts().is_ok_and(|counts| counts.states >= WORTH_KEEPING) {
        let version = snapshot.version();
        let _ = book.write_derived(NAME, &mut |out| image.write(version, out));
        let _ = book.write_derived(PEOPLE, &mut |out| people.write(version, out));
    }
}

/// Makes and keeps the image of a book that has just changed, so that the next reader finds it.
pub fn refresh(book: &Book) -> Result<(), ReportError> {
    let snapshot = book.snapshot()?;
    if snapshot.counts()?.states >= WORTH_KEEPING && fits(&snapshot)? {
        let (image, people) = make(&snapshot, Instant::MAX)?;
        keep(book, &snapshot, &image, &people);
    }
    Ok(())
}

/// Whether the image of a book of so many states is kept.
pub fn is_kept(states: u64) -> bool {
    (WORTH_KEEPING..=MOST).contains(&states)
}

/// Whether a book has no facts about customers yet.
pub fn is_empty(book: &Book) -> Result<bool, ReportError> {
    Ok(book.snapshot()?.counts()?.segments == 0)
}

/// Keeps the image of a book that an import has just filled, from what the import had in its hands.
pub fn keep_joined(book: &Book, joined: Joined) -> Result<(), ReportError> {
    let snapshot = book.snapshot()?;
    if is_kept(snapshot.counts()?.states) {
        let image = joined.finish();
        let people = People::without_attributes(image.len());
        keep(book, &snapshot, &image, &people);
    }
    Ok(())
}

/// Reads the whole snapshot into an image of what was known at `known_on`, and everybody's attributes.
pub fn make(snapshot: &Snapshot, known_on: Instant) -> Result<(Image, People), ReportError> {
    let parts = snapshot.partitions(rayon::current_num_threads() * 8);
    let made: Vec<Result<(Image, PeopleBuilder), ReportError>> = parts
        .into_par_iter()
        .map(|part| {
            let (mut builder, mut people) = (ImageBuilder::new(known_on), PeopleBuilder::new(known_on));
            let mut full = false;
            let scanned = snapshot.scan(part, &mut |customer| {
                let before = builder.customers();
                builder
                    .push(&customer)
                    .and_then(|()| people.push(&customer, builder.customers() > before))
                    .map_err(|TooLarge| {
                        full = true;
                        BookError::stopped()
                    })
            });
            match scanned {
                _ if full => Err(too_large(TooLarge)),
                Err(error) => Err(error.into()),
                Ok(()) => Ok((builder.finish(), people)),
            }
        })
        .collect();
    let (mut whole, mut everybody) = (Image::default(), PeopleBuilder::new(known_on));
    for part in made {
        let (image, people) = part?;
        whole.append(image).map_err(too_large)?;
        everybody.append(people).map_err(too_large)?;
    }
    Ok((whole.finish(), everybody.finish()))
}

pub(crate) fn too_large(error: TooLarge) -> ReportError {
    ReportError::refused(
        "book_too_large",
        error.to_string(),
        "split the book by source, or run it on a cluster",
    )
}
