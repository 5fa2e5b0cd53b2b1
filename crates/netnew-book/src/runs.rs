//! Sorting more records than memory holds: sorted runs on disk, then one merge.

use crate::error::BookError;
use crate::files::{FileLayer, ReadFile, Reading};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs that are merged at once; more are first merged into one.
const MERGED_AT_ONCE: usize = 128;
/// Bytes read at a time from each run.
const READ_BYTES: usize = 1 << 18;
/// Less than this is not worth a run.
const LEAST_BUDGET_BYTES: usize = 1 << 16;

/// Collects records, each a key and a value, and gives them back in the order of their keys.
pub struct Sorter {
    files: Arc<dyn FileLayer>,
    dir: PathBuf,
    prefix: &'static str,
    budget: usize,
    arena: Vec<u8>,
    entries: Vec<Entry>,
    runs: Vec<PathBuf>,
    runs_written: usize,
    count: u64,
}

/// Where a record lies in the arena: the key, then the value.
struct Entry {
    /// The first eight bytes of the key, by which nearly all comparisons are decided.
    head: u64,
    at: usize,
    key: u32,
    value: u32,
}

impl Entry {
    fn key<'a>(&self, arena: &'a [u8]) -> &'a [u8] {
        &arena[self.at..self.at + self.key as usize]
    }

    fn value<'a>(&self, arena: &'a [u8]) -> &'a [u8] {
        let at = self.at + self.key as usize;
        &arena[at..at + self.value as usize]
    }
}

fn head(key: &[u8]) -> u64 {
    let mut bytes = [0u8; 8];
    let length = key.len().min(8);
    bytes[..length].copy_from_slice(&key[..length]);
    u64::from_be_bytes(bytes)
}

impl Sorter {
    /// Runs go to `dir` with names from `prefix`; `budget` is how many bytes to hold before writing one.
    pub fn new(files: Arc<dyn FileLayer>, dir: &Path, prefix: &'static str, budget: usize) -> Sorter {
        Sorter {
            files,
            dir: dir.to_path_buf(),
            prefix,
            budget: budget.max(LEAST_BUDGET_BYTES),
            arena: Vec::new(),
            entries: Vec::new(),
            runs: Vec::new(),
            runs_written: 0,
            count: 0,
        }
    }

    /// How many records were pushed.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds a record; `write` appends the key, then the value, and returns where the value begins.
    pub fn push(&mut self, write: impl FnOnce(&mut Vec<u8>) -> usize) -> Result<(), BookError> {
        let at = self.arena.len();
        let value_at = write(&mut self.arena);
        let (key, value) = (value_at - at, self.arena.len() - value_at);
        let head = head(&self.arena[at..value_at]);
        self.entries.push(Entry { head, at, key: key as u32, value: value as u32 });
        self.count += 1;
        let entry_bytes = self.entries.len() * size_of::<Entry>();
        if self.arena.len() + entry_bytes >= self.budget {
            return self.spill();
        }
        // Growing by doubling would hold up to three times the budget for a moment; what is reserved and not
        // written to costs nothing.
        if self.arena.capacity() < self.budget && self.arena.len() > self.budget / 8 {
            self.arena.reserve_exact(self.budget - self.arena.len());
            self.entries.reserve_exact(
                self.budget / 2 / size_of::<Entry>()
                    - self.entries.len().min(self.budget / 2 / size_of::<Entry>()),
            );
        }
        Ok(())
    }

    fn sort(&mut self) {
        let arena = &self.arena;
        self.entries
            .sort_unstable_by(|a, b| a.head.cmp(&b.head).then_with(|| a.key(arena).cmp(b.key(arena))));
    }

    fn next_path(&mut self) -> PathBuf {
        self.runs_written += 1;
        self.dir.join(format!("{}-{}.run", self.prefix, self.runs_written))
    }

    fn spill(&mut self) -> Result<(), BookError> {
        self.sort();
        let mut out = RunWriter::create(&*self.files, self.next_path())?;
        for entry in &self.entries {
            out.add(entry.key(&self.arena), entry.value(&self.arena))?;
        }
        self.runs.push(out.finish()?);
        self.arena.clear();
        self.entries.clear();
        if self.runs.len() == MERGED_AT_ONCE {
            self.merge_runs()?;
        }
        Ok(())
    }

    fn merge_runs(&mut self) -> Result<(), BookError> {
        let old = std::mem::take(&mut self.runs);
        let mut merged = Sorted::open(&*self.files, &old, None)?;
        let mut out = RunWriter::create(&*self.files, self.next_path())?;
        while let Some((key, value)) = merged.peek() {
            out.add(key, value)?;
            merged.advance()?;
        }
        self.runs.push(out.finish()?);
        drop(merged);
        for path in old {
            self.files.remove(&path).map_err(BookError::io(&path))?;
        }
        Ok(())
    }

    /// The records by key.
    pub fn finish(mut self) -> Result<Sorted, BookError> {
        self.sort();
        let memory = Memory { arena: self.arena, entries: self.entries, at: 0 };
        Sorted::open(&*self.files, &self.runs, Some(memory))
    }
}

struct RunWriter {
    path: PathBuf,
    out: BufWriter<Box<dyn crate::files::WriteFile>>,
}

impl RunWriter {
    fn create(files: &dyn FileLayer, path: PathBuf) -> Result<RunWriter, BookError> {
        let file = files.create(&path).map_err(BookError::io(&path))?;
        Ok(RunWriter { path, out: BufWriter::with_capacity(1 << 20, file) })
    }

    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), BookError> {
        let out = &mut self.out;
        let mut write = || {
            out.write_all(&(key.len() as u32).to_le_bytes())?;
            out.write_all(&(value.len() as u32).to_le_bytes())?;
            out.write_all(key)?;
            out.write_all(value)
        };
        write().map_err(BookError::io(&self.path))
    }

    /// Runs need not survive a crash, so they are not synced.
    fn finish(mut self) -> Result<PathBuf, BookError> {
        self.out.flush().map_err(BookError::io(&self.path))?;
        Ok(self.path)
    }
}

struct Memory {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    at: usize,
}

struct Disk {
    path: PathBuf,
    reading: Reading,
    buffer: Vec<u8>,
    /// Where in the buffer the current record's key begins; its lengths.
    at: usize,
    key: usize,
    value: usize,
}

enum Run {
    Memory(Memory),
    Disk(Disk),
}

/// Records in the order of their keys.
pub struct Sorted {
    runs: Vec<Run>,
    /// A heap of those that are not at their end, by the key they stand at: head of the key, run.
    heap: Vec<(u64, usize)>,
}

impl Sorted {
    fn open(files: &dyn FileLayer, paths: &[PathBuf], memory: Option<Memory>) -> Result<Sorted, BookError> {
        let mut runs: Vec<Run> = memory.map(Run::Memory).into_iter().collect();
        for path in paths {
            let file = files.open(path).map_err(BookError::io(path))?;
            runs.push(Run::Disk(Disk::open(path.clone(), file)?));
        }
        let mut sorted = Sorted { runs, heap: Vec::new() };
        for run in 0..sorted.runs.len() {
            if let Some((key, _)) = sorted.runs[run].current() {
                let entry = (head(key), run);
                sorted.heap.push(entry);
            }
        }
        for at in (0..sorted.heap.len()).rev() {
            sorted.sift_down(at);
        }
        Ok(sorted)
    }

    /// Key and value of the next record.
    pub fn peek(&self) -> Option<(&[u8], &[u8])> {
        self.heap.first().and_then(|(_, run)| self.runs[*run].current())
    }

    /// Goes on to the record after it.
    pub fn advance(&mut self) -> Result<(), BookError> {
        let Some((_, run)) = self.heap.first().copied() else { return Ok(()) };
        match &mut self.runs[run] {
            Run::Memory(memory) => memory.at += 1,
            Run::Disk(disk) => disk.advance()?,
        }
        match self.runs[run].current() {
            Some((key, _)) => self.heap[0].0 = head(key),
            None => {
                self.heap.swap_remove(0);
            }
        }
        self.sift_down(0);
        Ok(())
    }

    fn before(&self, a: (u64, usize), b: (u64, usize)) -> bool {
        let key = |run: usize| self.runs[run].current().map_or(&[][..], |(key, _)| key);
        a.0.cmp(&b.0).then_with(|| key(a.1).cmp(key(b.1))).is_lt()
    }

    fn sift_down(&mut self, mut at: usize) {
        loop {
            let mut least = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.heap.len() && self.before(self.heap[child], self.heap[least]) {
                    least = child;
                }
            }
            if least == at {
                return;
            }
            self.heap.swap(at, least);
            at = least;
        }
    }
}

impl Run {
    fn current(&self) -> Option<(&[u8], &[u8])> {
        match self {
            Run::Memory(memory) => {
                let entry = memory.entries.get(memory.at)?;
                Some((entry.key(&memory.arena), entry.value(&memory.arena)))
            }
            Run::Disk(disk) if disk.key == 0 => None,
            Run::Disk(disk) => {
                let (key, rest) = disk.buffer.get(disk.at..)?.split_at_checked(disk.key)?;
                Some((key, rest.get(..disk.value)?))
            }
        }
    }
}

impl Disk {
    fn open(path: PathBuf, file: Arc<dyn ReadFile>) -> Result<Disk, BookError> {
        let mut disk = Disk {
            path,
            reading: Reading::new(file, 0),
            buffer: Vec::with_capacity(READ_BYTES),
            at: 0,
            key: 0,
            value: 0,
        };
        disk.advance()?;
        Ok(disk)
    }

    /// At the end of the run `key` is 0; no key is empty.
    fn advance(&mut self) -> Result<(), BookError> {
        self.at += self.key + self.value;
        (self.key, self.value) = (0, 0);
        let Some(lengths) = self.ensure(8)? else { return Ok(()) };
        let length = |at: usize| {
            u32::from_le_bytes(lengths[at..at + 4].try_into().expect("four bytes of eight")) as usize
        };
        let (key, value) = (length(0), length(4));
        self.at += 8;
        if self.ensure(key + value)?.is_none() {
            return Err(BookError::damaged("a temporary run", "it ends inside a record"));
        }
        (self.key, self.value) = (key, value);
        Ok(())
    }

    /// The next `count` bytes, read if need be; `None` at the end of the file.
    fn ensure(&mut self, count: usize) -> Result<Option<&[u8]>, BookError> {
        if self.buffer.len() - self.at < count {
            self.buffer.drain(..self.at);
            self.at = 0;
            let wanted = count.max(READ_BYTES) - self.buffer.len();
            let before = self.buffer.len();
            self.buffer.resize(before + wanted, 0);
            let mut filled = before;
            while filled < self.buffer.len() {
                match self.reading.read(&mut self.buffer[filled..]).map_err(BookError::io(&self.path))? {
                    0 => break,
                    read => filled += read,
                }
            }
            self.buffer.truncate(filled);
        }
        Ok(self.buffer.get(self.at..self.at + count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::OsFiles;

    /// Numbers in no order, some of them twice.
    fn numbers(count: u64) -> impl Iterator<Item = u64> {
        (0..count).map(move |n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (count * 3 / 4).max(1))
    }

    fn sorted(count: u64, value_bytes: usize) -> Vec<u64> {
        let dir = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(Arc::new(OsFiles), dir.path(), "test", 0);
        for number in numbers(count) {
            sorter
                .push(|out| {
                    out.extend_from_slice(&number.to_be_bytes());
                    out.extend_from_slice(b"tail");
                    let value_at = out.len();
                    out.resize(value_at + value_bytes, number as u8);
                    value_at
                })
                .unwrap();
        }
        let mut sorted = sorter.finish().unwrap();
        let mut out = Vec::new();
        while let Some((key, value)) = sorted.peek() {
            let number = u64::from_be_bytes(key[..8].try_into().unwrap());
            assert!(value.len() == value_bytes && value.iter().all(|b| *b == number as u8));
            out.push(number);
            sorted.advance().unwrap();
        }
        out
    }

    #[test]
    fn records_come_back_in_order_from_memory_runs_and_merged_runs() {
        // In memory; in a few runs; in more runs than are merged at once; records longer than the buffer.
        for (count, value_bytes) in [(0, 1), (1, 0), (500, 3), (10_000, 10), (5_000, 4_000), (3, 400_000)] {
            let mut expected: Vec<u64> = numbers(count).collect();
            expected.sort_unstable();
            assert_eq!(sorted(count, value_bytes), expected, "{count} records of {value_bytes} bytes");
        }
    }
}
