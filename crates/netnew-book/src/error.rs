//! What can go wrong in the store.

use std::io;
use std::path::{Path, PathBuf};

/// An error of the store: what, where, and a hint.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// There is no book in the directory.
    #[error("{0} is not a book")]
    NotABook(PathBuf),
    /// There is one already.
    #[error("there is a book in {0} already")]
    Exists(PathBuf),
    /// Another process is writing.
    #[error("the book in {dir} is being written to by {holder}")]
    Locked {
        /// The book.
        dir: PathBuf,
        /// Who holds the lock, as far as known.
        holder: String,
    },
    /// A file of the store is not what was written.
    #[error("{file} is damaged: {what}")]
    Damaged {
        /// Name of the segment or file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// The book was written by a newer version.
    #[error("the book in {0} was written by a newer version of netnew")]
    Newer(PathBuf),
    /// Aliases that lead in a circle.
    #[error("customer {0} is merged into itself through other customers")]
    AliasCycle(String),
    /// The file system.
    #[error("{path}: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The catalog.
    #[error("catalog: {0}")]
    Catalog(#[from] rusqlite::Error),
    /// A reader asked to stop; its own error says why.
    #[error("stopped")]
    Stopped,
}

impl BookError {
    /// What a reader returns from a scan to end it early.
    pub fn stopped() -> BookError {
        BookError::Stopped
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> BookError + '_ {
        move |source| BookError::Io { path: path.to_path_buf(), source }
    }

    pub(crate) fn damaged(file: &str, what: impl ToString) -> BookError {
        BookError::Damaged { file: file.to_string(), what: what.to_string() }
    }

    /// Stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            BookError::NotABook(_) => "not_a_book",
            BookError::Exists(_) => "book_exists",
            BookError::Locked { .. } => "locked",
            BookError::Damaged { .. } => "damaged_segment",
            BookError::Newer(_) => "newer_book",
            BookError::AliasCycle(_) => "alias_cycle",
            BookError::Io { .. } => "io",
            BookError::Catalog(_) => "catalog",
            BookError::Stopped => "stopped",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            BookError::NotABook(dir) => {
                format!("make one with `netnew init {}`, or name another with --book", dir.display())
            }
            BookError::Exists(_) => "import into it, or choose another directory".into(),
            BookError::Locked { .. } => "wait for it to finish and try again".into(),
            BookError::Damaged { .. } => {
                "restore the book from a backup, or import its files again into a new book; reading it would give wrong figures".into()
            }
            BookError::Newer(_) => "use the version of netnew that wrote it, or a newer one".into(),
            BookError::AliasCycle(_) => "withdraw one of the merges".into(),
            BookError::Io { .. } => "check the path, its permissions and the free space".into(),
            BookError::Catalog(_) => "run `netnew check store`; restore from a backup if it cannot be read".into(),
            BookError::Stopped => String::new(),
        }
    }
}
