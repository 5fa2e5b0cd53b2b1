//! The one layer through which the store touches files.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A file being written from its beginning.
pub trait WriteFile: Write + Send {
    /// Makes everything written so far survive a loss of power.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file open for reading; stays readable when its name is removed.
pub trait ReadFile: Send + Sync {
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// True for an empty file.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Reads up to `buffer.len()` bytes at an offset; 0 at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// A held exclusive lock; dropping it lets go.
pub trait Lock: Send {}

/// What the store needs of a file system. Names become durable only with [`FileLayer::sync_dir`], contents only with
/// [`WriteFile::sync`].
pub trait FileLayer: Send + Sync {
    /// Makes a directory and its parents, durably.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Creates or truncates a file.
    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>>;
    /// Creates or replaces a file that only its owner may read, as far as the file system knows owners.
    fn create_private(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        self.create(path)
    }
    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>>;
    /// Renames a file, replacing.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Files in a directory; empty when there is none.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Whether a file is there.
    fn exists(&self, path: &Path) -> bool;
    /// An exclusive lock on a path, waiting up to `wait_ms`; `Err` with who holds it, as far as known.
    fn lock(&self, path: &Path, wait_ms: u64) -> io::Result<Result<Box<dyn Lock>, String>>;
    /// Name of the SQLite VFS that stands for this layer; `None` is the system's own.
    fn sqlite_vfs(&self) -> Option<&str> {
        None
    }
}

/// The operating system's files.
#[derive(Debug, Default)]
pub struct OsFiles;

impl WriteFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl ReadFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }
}

struct OsLock {
    // The lock goes with the file handle.
    _file: File,
}

impl Lock for OsLock {}

impl FileLayer for OsFiles {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        std::fs::create_dir_all(dir)?;
        match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => self.sync_dir(parent),
            _ => Ok(()),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(File::create(path)?))
    }

    fn create_private(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        // A file that is there already would keep its permissions and whoever has it open.
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok(Box::new(OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>> {
        Ok(Arc::new(File::open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        match std::fs::read_dir(dir) {
            Ok(entries) => entries.map(|e| Ok(e?.path())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn lock(&self, path: &Path, wait_ms: u64) -> io::Result<Result<Box<dyn Lock>, String>> {
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let mut waited = 0;
        loop {
            match file.try_lock() {
                Ok(()) => {
                    file.set_len(0)?;
                    file.seek(SeekFrom::Start(0))?;
                    write!(file, "process {}", std::process::id())?;
                    return Ok(Ok(Box::new(OsLock { _file: file })));
                }
                Err(TryLockError::WouldBlock) if waited < wait_ms => {
                    std::thread::sleep(Duration::from_millis(20));
                    waited += 20;
                }
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    file.seek(SeekFrom::Start(0))?;
                    file.read_to_string(&mut holder)?;
                    return Ok(Err(if holder.is_empty() { "another process".into() } else { holder }));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

/// Reads a [`ReadFile`] in order.
pub struct Reading {
    file: Arc<dyn ReadFile>,
    at: u64,
}

impl Reading {
    /// From an offset on.
    pub fn new(file: Arc<dyn ReadFile>, at: u64) -> Reading {
        Reading { file, at }
    }
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(self.at, buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}
