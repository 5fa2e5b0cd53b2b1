//! Sorting more records than memory holds: sorted runs on disk, then one merge.

use crate::error::BookError;
use crate::files::{FileLayer, Reading};
use crate::record::{Filed, key_bytes, pack, unpack};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Collects records and gives them back in the order of their keys.
pub struct Sorter {
    files: Arc<dyn FileLayer>,
    dir: PathBuf,
    prefix: &'static str,
    budget: usize,
    arena: Vec<u8>,
    entries: Vec<Entry>,
    runs: Vec<PathBuf>,
    count: u64,
}

/// Where a record lies in the arena: the key, then the value.
struct Entry {
    at: usize,
    key: u32,
    value: u32,
}

impl Entry {
    fn key<'a>(&self, arena: &'a [u8]) -> &'a [u8] {
        &arena[self.at..self.at + self.key as usize]
    }
}

impl Sorter {
    /// Runs go to `dir` with names from `prefix`; `budget` is how many bytes to hold before writing one.
    pub fn new(files: Arc<dyn FileLayer>, dir: &Path, prefix: &'static str, budget: usize) -> Sorter {
        Sorter {
            files,
            dir: dir.to_path_buf(),
            prefix,
            budget: budget.max(1 << 16),
            arena: Vec::new(),
            entries: Vec::new(),
            runs: Vec::new(),
            count: 0,
        }
    }

    /// How many records were pushed.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds a record.
    pub fn push(&mut self, filed: &Filed) -> Result<(), BookError> {
        let at = self.arena.len();
        key_bytes(filed, &mut self.arena);
        let key = self.arena.len() - at;
        pack(filed, &mut self.arena);
        let value = self.arena.len() - at - key;
        self.entries.push(Entry { at, key: key as u32, value: value as u32 });
        self.count += 1;
        if self.arena.len() + self.entries.len() * std::mem::size_of::<Entry>() > self.budget {
            self.spill()?;
        }
        Ok(())
    }

    fn sort(&mut self) {
        let arena = &self.arena;
        self.entries.sort_unstable_by(|a, b| a.key(arena).cmp(b.key(arena)));
    }

    fn spill(&mut self) -> Result<(), BookError> {
        self.sort();
        let path = self.dir.join(format!("{}-{}.run", self.prefix, self.runs.len()));
        let file = self.files.create(&path).map_err(BookError::io(&path))?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let mut write = || -> std::io::Result<()> {
            for entry in &self.entries {
                out.write_all(&entry.key.to_le_bytes())?;
                out.write_all(&entry.value.to_le_bytes())?;
                out.write_all(&self.arena[entry.at..entry.at + (entry.key + entry.value) as usize])?;
            }
            out.flush()
        };
        write().map_err(BookError::io(&path))?;
        self.runs.push(path);
        self.arena.clear();
        self.entries.clear();
        Ok(())
    }

    /// The records by key.
    pub fn finish(mut self) -> Result<Sorted, BookError> {
        self.sort();
        let mut sources = Vec::with_capacity(self.runs.len() + 1);
        for path in &self.runs {
            let file = self.files.open(path).map_err(BookError::io(path))?;
            sources.push(Run::Disk {
                path: path.clone(),
                reader: BufReader::with_capacity(1 << 18, Reading::new(file, 0)),
            });
        }
        sources.push(Run::Memory { arena: self.arena, entries: self.entries, at: 0 });
        let mut sorted = Sorted { sources, heap: BinaryHeap::new() };
        for run in 0..sorted.sources.len() {
            sorted.refill(run)?;
        }
        Ok(sorted)
    }
}

enum Run {
    Memory { arena: Vec<u8>, entries: Vec<Entry>, at: usize },
    Disk { path: PathBuf, reader: BufReader<Reading> },
}

/// A record's key and value.
type KeyAndValue = (Vec<u8>, Vec<u8>);

/// Key, run, value: the heap orders by key.
type Head = Reverse<(Vec<u8>, usize, Vec<u8>)>;

/// Records in the order of their keys.
pub struct Sorted {
    sources: Vec<Run>,
    heap: BinaryHeap<Head>,
}

impl Sorted {
    /// The next record.
    pub fn next(&mut self) -> Result<Option<Filed>, BookError> {
        let Some(Reverse((_, run, value))) = self.heap.pop() else { return Ok(None) };
        self.refill(run)?;
        unpack(&value)
            .map(Some)
            .ok_or_else(|| BookError::damaged("a temporary run", "a record cannot be read back"))
    }

    fn refill(&mut self, run: usize) -> Result<(), BookError> {
        if let Some((key, value)) = self.sources[run].next()? {
            self.heap.push(Reverse((key, run, value)));
        }
        Ok(())
    }
}

impl Run {
    fn next(&mut self) -> Result<Option<KeyAndValue>, BookError> {
        match self {
            Run::Memory { arena, entries, at } => {
                let Some(entry) = entries.get(*at) else { return Ok(None) };
                *at += 1;
                let middle = entry.at + entry.key as usize;
                Ok(Some((entry.key(arena).to_vec(), arena[middle..middle + entry.value as usize].to_vec())))
            }
            Run::Disk { path, reader } => {
                let mut lengths = [0u8; 8];
                match reader.read_exact(&mut lengths) {
                    Ok(()) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
                    Err(error) => return Err(BookError::io(path)(error)),
                }
                let length = |at: usize| {
                    u32::from_le_bytes(lengths[at..at + 4].try_into().expect("four bytes")) as usize
                };
                let (mut key, mut value) = (vec![0; length(0)], vec![0; length(4)]);
                reader.read_exact(&mut key).map_err(BookError::io(path))?;
                reader.read_exact(&mut value).map_err(BookError::io(path))?;
                Ok(Some((key, value)))
            }
        }
    }
}
