//! A book's image: from its snapshot, several parts at once.

use crate::error::CliError;
use netnew_book::{BookError, Snapshot};
use netnew_money::Instant;
use netnew_resident::{Image, ImageBuilder, TooLarge};
use rayon::prelude::*;

/// Reads the whole snapshot into an image of what was known at `known_on`.
pub fn read(snapshot: &Snapshot, known_on: Instant) -> Result<Image, CliError> {
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
