//! Which customers hold, or ever held, a subscription: a sorted list of hash pairs beside each segment.

use crate::error::BookError;
use crate::files::{FileLayer, ReadFile, Reading};
use std::collections::BTreeMap;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;
use xxhash_rust::xxh3::Xxh3;

/// Bytes of a pair: hash of (source, subscription), hash of the customer.
const PAIR: u64 = 16;

/// Writes sorted pairs and syncs them; returns the XXH3-64 of the file.
pub fn write(files: &dyn FileLayer, path: &Path, owners: &[(u64, u64)]) -> Result<u64, BookError> {
    let file = files.create(path).map_err(BookError::io(path))?;
    let mut out = BufWriter::with_capacity(1 << 18, file);
    let mut all = || -> std::io::Result<u64> {
        let mut hash = Xxh3::new();
        for (subscription, customer) in owners {
            for bytes in [subscription.to_le_bytes(), customer.to_le_bytes()] {
                hash.update(&bytes);
                out.write_all(&bytes)?;
            }
        }
        out.flush()?;
        out.get_mut().sync()?;
        Ok(hash.digest())
    };
    all().map_err(BookError::io(path))
}

/// Subscriptions that several customers hold, among new pairs (sorted) and those of earlier segments, with the
/// hashes of all their customers.
pub fn moved(
    new: &[(u64, u64)],
    earlier: &[(std::path::PathBuf, std::sync::Arc<dyn ReadFile>)],
) -> Result<BTreeMap<u64, Vec<u64>>, BookError> {
    let mut moved: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let mut note = |subscription: u64, customers: &[u64]| {
        let slot = moved.entry(subscription).or_default();
        slot.extend_from_slice(customers);
        slot.sort_unstable();
        slot.dedup();
    };
    for run in new.chunk_by(|a, b| a.0 == b.0) {
        if run.len() > 1 {
            note(run[0].0, &run.iter().map(|pair| pair.1).collect::<Vec<_>>());
        }
    }
    for (path, file) in earlier {
        let pairs = file.len().map_err(BookError::io(path))? / PAIR;
        // A few new subscriptions are looked up; many are matched in one pass over both lists.
        if (new.len() as u64) * 64 < pairs {
            for run in new.chunk_by(|a, b| a.0 == b.0) {
                let mut at = lower_bound(&**file, pairs, run[0].0).map_err(BookError::io(path))?;
                while at < pairs {
                    let pair = read_pair(&**file, at).map_err(BookError::io(path))?;
                    if pair.0 != run[0].0 {
                        break;
                    }
                    compare(run, pair, &mut note);
                    at += 1;
                }
            }
        } else {
            let mut reader = BufReader::with_capacity(1 << 18, Reading::new(file.clone(), 0));
            let mut runs = new.chunk_by(|a, b| a.0 == b.0).peekable();
            for _ in 0..pairs {
                let mut bytes = [0u8; PAIR as usize];
                reader.read_exact(&mut bytes).map_err(BookError::io(path))?;
                let pair = pair_of(&bytes);
                while runs.peek().is_some_and(|run| run[0].0 < pair.0) {
                    runs.next();
                }
                match runs.peek() {
                    None => break,
                    Some(run) if run[0].0 == pair.0 => compare(run, pair, &mut note),
                    Some(_) => {}
                }
            }
        }
    }
    Ok(moved)
}

fn compare(run: &[(u64, u64)], pair: (u64, u64), note: &mut impl FnMut(u64, &[u64])) {
    if run.iter().any(|new| new.1 != pair.1) {
        let mut customers: Vec<u64> = run.iter().map(|new| new.1).collect();
        customers.push(pair.1);
        note(pair.0, &customers);
    }
}

fn pair_of(bytes: &[u8; PAIR as usize]) -> (u64, u64) {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    (word(0), word(8))
}

fn read_pair(file: &dyn ReadFile, at: u64) -> std::io::Result<(u64, u64)> {
    let mut bytes = [0u8; PAIR as usize];
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(at * PAIR + read as u64, &mut bytes[read..])? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            more => read += more,
        }
    }
    Ok(pair_of(&bytes))
}

/// The first position whose subscription hash is not below the wanted one.
fn lower_bound(file: &dyn ReadFile, pairs: u64, wanted: u64) -> std::io::Result<u64> {
    let (mut low, mut high) = (0, pairs);
    while low < high {
        let middle = low + (high - low) / 2;
        if read_pair(file, middle)?.0 < wanted {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
