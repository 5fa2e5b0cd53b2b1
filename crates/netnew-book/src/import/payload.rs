//! Keeping raw files: the same bytes once, under their SHA-256.

use super::{Import, NewPayload};
use crate::book::PayloadInfo;
use crate::error::BookError;
use crate::files::{FileLayer, Reading};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes read at a time.
const BLOCK: usize = 1 << 20;

/// Bytes after which a copy is made durable, so that little is left to do at its end.
const SYNC_EVERY: u64 = 64 << 20;

/// Copying a raw file, which needs nothing of the import and can be done beside it.
pub struct Keeping {
    files: Arc<dyn FileLayer>,
    name: String,
    path: PathBuf,
    temporary: PathBuf,
    next: u32,
    known: Vec<PayloadInfo>,
}

/// A raw file that was copied, or that turned out to be kept already.
pub struct Kept {
    name: String,
    sha256: String,
    bytes: u64,
    id: u32,
    temporary: PathBuf,
    copied: bool,
}

impl Keeping {
    /// Copies the file.
    pub fn run(self) -> Result<Kept, BookError> {
        let file = self.files.open(&self.path).map_err(BookError::io(&self.path))?;
        let length = file.len().map_err(BookError::io(&self.path))?;
        // A file of the length of a kept one is most likely that one: then looking is enough.
        if self.known.iter().any(|p| p.bytes == length) {
            let (sha256, bytes) = hash(&mut Reading::new(file.clone(), 0), &self.path, &mut |_| Ok(()))?;
            if self.known.iter().any(|p| p.sha256 == sha256) {
                return Ok(self.kept(sha256, bytes, false));
            }
        }
        let mut out = self.files.create(&self.temporary).map_err(BookError::io(&self.temporary))?;
        let mut unsynced = 0;
        let copied = hash(&mut Reading::new(file, 0), &self.path, &mut |block| {
            out.write_all(block).map_err(BookError::io(&self.temporary))?;
            unsynced += block.len() as u64;
            if unsynced >= SYNC_EVERY {
                unsynced = 0;
                out.sync().map_err(BookError::io(&self.temporary))?;
            }
            Ok(())
        });
        let (sha256, bytes) = copied?;
        out.sync().map_err(BookError::io(&self.temporary))?;
        Ok(self.kept(sha256, bytes, true))
    }

    fn kept(self, sha256: String, bytes: u64, copied: bool) -> Kept {
        Kept { name: self.name, sha256, bytes, id: self.next, temporary: self.temporary, copied }
    }
}

/// SHA-256 and length of what is read; every block goes to `with`.
fn hash(
    from: &mut dyn Read,
    shown: &Path,
    with: &mut dyn FnMut(&[u8]) -> Result<(), BookError>,
) -> Result<(String, u64), BookError> {
    let mut hash = Sha256::new();
    let mut bytes = 0u64;
    let mut buffer = vec![0u8; BLOCK];
    loop {
        let read = from.read(&mut buffer).map_err(BookError::io(shown))?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        with(&buffer[..read])?;
        bytes += read as u64;
    }
    Ok((hash.finalize().iter().map(|b| format!("{b:02x}")).collect(), bytes))
}

impl Import<'_> {
    /// Keeps a raw file; the same bytes are kept once. Returns its number for [`Import::push`].
    pub fn add_payload(&mut self, name: &str, path: &Path) -> Result<u32, BookError> {
        let kept = self.keeping(name, path).run()?;
        Ok(self.add_kept(kept))
    }

    /// Begins to keep a raw file: [`Keeping::run`] does it, [`Import::add_kept`] makes it part of the import. One at a time.
    pub fn keeping(&self, name: &str, path: &Path) -> Keeping {
        let known = self.snapshot.payloads();
        let next = self.next_payload();
        let temporary = self.book.dir.join("tmp").join(format!("payload-{next}"));
        Keeping {
            files: self.book.files.clone(),
            name: name.to_string(),
            path: path.to_path_buf(),
            temporary,
            next,
            known,
        }
    }

    /// Makes a kept file part of the import. Returns its number for [`Import::push`].
    pub fn add_kept(&mut self, kept: Kept) -> u32 {
        let Kept { name, sha256, bytes, id, temporary, copied } = kept;
        let known = self.snapshot.payloads();
        if let Some(same) = known.iter().find(|p| p.sha256 == sha256 && p.name == name) {
            return same.id;
        }
        let there =
            known.iter().any(|p| p.sha256 == sha256) || self.payloads.iter().any(|p| p.sha256 == sha256);
        let temporary = (copied && !there).then_some(temporary);
        self.payloads.push(NewPayload { id, name, sha256, bytes, temporary });
        id
    }

    fn next_payload(&self) -> u32 {
        let known = self.snapshot.payloads();
        known.iter().map(|p| p.id).chain(self.payloads.iter().map(|p| p.id)).max().unwrap_or(0) + 1
    }

    /// Keeps raw bytes, like [`Import::add_payload`].
    pub fn add_payload_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<u32, BookError> {
        let id = self.next_payload();
        let temporary = self.book.dir.join("tmp").join(format!("payload-{id}"));
        let mut out = self.book.files.create(&temporary).map_err(BookError::io(&temporary))?;
        out.write_all(bytes).and_then(|()| out.sync()).map_err(BookError::io(&temporary))?;
        let (sha256, bytes) = hash(&mut &bytes[..], Path::new(name), &mut |_| Ok(()))?;
        let kept = Kept { name: name.to_string(), sha256, bytes, id, temporary, copied: true };
        Ok(self.add_kept(kept))
    }
}
