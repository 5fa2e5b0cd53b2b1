//! A disk in memory that loses what was not made durable, and breaks when it is told to.
//!
//! A file's bytes are durable once they are synced, a name once its folder is: [`SimDisk::crash`] takes away the
//! rest. SQLite runs on the same disk through a virtual file system of its own (`sqlite`), so that the catalog and the
//! segments of a book are lost together.

mod sqlite;

use netnew_book::{FileLayer, Lock, ReadFile, WriteFile};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// Bytes of a file, as they are and as they would be after a loss of power.
#[derive(Default)]
struct Inode {
    now: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    locked: BTreeSet<PathBuf>,
    /// Memory that SQLite's connections share, by file; gone with the power.
    shared: HashMap<PathBuf, Vec<usize>>,
    operations: u64,
    fail_at: Option<u64>,
    broken: bool,
}

impl State {
    /// Counts an operation that changes something; from the one that is to fail on, all fail.
    fn operation(&mut self) -> io::Result<()> {
        self.operations += 1;
        if self.fail_at.is_some_and(|at| self.operations >= at) {
            self.broken = true;
        }
        if self.broken { Err(io::Error::other("the disk is gone")) } else { Ok(()) }
    }

    fn create(&mut self, path: &Path) -> usize {
        self.inodes.push(Inode::default());
        let inode = self.inodes.len() - 1;
        self.names.insert(path.to_path_buf(), inode);
        inode
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// The disk. Clones are the same disk.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    vfs: Arc<str>,
}

impl Default for SimDisk {
    fn default() -> SimDisk {
        SimDisk::new()
    }
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> SimDisk {
        let state = Arc::new(Mutex::new(State::default()));
        let vfs = sqlite::register(state.clone());
        SimDisk { state, vfs: vfs.into() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// How many operations have changed something so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Breaks the disk at an operation counted from the beginning: it and every later one fail.
    pub fn fail_at(&self, operation: u64) {
        self.state().fail_at = Some(operation);
    }

    /// Empties the disk for the next try. Everything that had files open has to be dropped before.
    pub fn erase(&self) {
        *self.state() = State::default();
    }

    /// Power is lost and comes back: what was not synced is gone, and the disk works again. Everything that had
    /// files open has to be dropped before.
    pub fn crash(&self) {
        let mut state = self.state();
        state.names = state.durable_names.clone();
        for inode in &mut state.inodes {
            inode.now = inode.durable.clone();
        }
        state.locked.clear();
        state.shared.clear();
        state.fail_at = None;
        state.broken = false;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

struct SimFile {
    state: Arc<Mutex<State>>,
    inode: usize,
}

impl Write for SimFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = lock(&self.state);
        state.operation()?;
        state.inodes[self.inode].now.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteFile for SimFile {
    fn sync(&mut self) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.operation()?;
        let inode = &mut state.inodes[self.inode];
        inode.durable = inode.now.clone();
        Ok(())
    }
}

impl ReadFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(lock(&self.state).inodes[self.inode].now.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = lock(&self.state);
        let bytes = &state.inodes[self.inode].now;
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let count = buffer.len().min(bytes.len() - from);
        buffer[..count].copy_from_slice(&bytes[from..from + count]);
        Ok(count)
    }
}

struct SimLock {
    state: Arc<Mutex<State>>,
    path: PathBuf,
}

impl Lock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        lock(&self.state).locked.remove(&self.path);
    }
}

impl FileLayer for SimDisk {
    fn create_dir_all(&self, _dir: &Path) -> io::Result<()> {
        self.state().operation()
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        let mut state = self.state();
        state.operation()?;
        let inode = state.create(path);
        Ok(Box::new(SimFile { state: self.state.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>> {
        let inode = self.state().find(path)?;
        Ok(Arc::new(SimFile { state: self.state.clone(), inode }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.operation()?;
        let inode = state.find(from)?;
        state.names.remove(from);
        state.names.insert(to.to_path_buf(), inode);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.operation()?;
        state.find(path)?;
        state.names.remove(path);
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.state().names.keys().filter(|p| p.parent() == Some(dir)).cloned().collect())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.operation()?;
        let inside = |path: &PathBuf| path.parent() == Some(dir);
        let now: Vec<(PathBuf, usize)> =
            state.names.iter().filter(|(p, _)| inside(p)).map(|(p, i)| (p.clone(), *i)).collect();
        state.durable_names.retain(|path, _| !inside(path));
        state.durable_names.extend(now);
        Ok(())
    }

    fn exists(&self, path: &Path) -> bool {
        self.state().names.contains_key(path)
    }

    fn lock(&self, path: &Path, _wait_ms: u64) -> io::Result<Result<Box<dyn Lock>, String>> {
        if self.state().locked.insert(path.to_path_buf()) {
            Ok(Ok(Box::new(SimLock { state: self.state.clone(), path: path.to_path_buf() })))
        } else {
            Ok(Err("another writer on this disk".into()))
        }
    }

    fn sqlite_vfs(&self) -> Option<&str> {
        Some(&self.vfs)
    }
}
