//! A whole book in one file: a compressed row of entries, each a name, a length and bytes.

use crate::book::{Book, CATALOG};
use crate::error::BookError;
use crate::files::{FileLayer, OsFiles, ReadFile, Reading};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8; 16] = b"netnew-backup-1\n";

impl Book {
    /// Writes a consistent copy of the book to a file, while others may read and write it.
    pub fn backup(&self, file: &Path) -> Result<(), BookError> {
        let _lock = self.write_lock(60_000)?;
        let copy = self.dir.join("tmp").join("backup.db");
        if self.files.exists(&copy) {
            self.files.remove(&copy).map_err(BookError::io(&copy))?;
        }
        self.catalog().execute("VACUUM INTO ?1", [copy.display().to_string()])?;
        let snapshot = self.snapshot()?;
        let mut entries: Vec<(String, Arc<dyn ReadFile>)> = Vec::new();
        let open = |path: &Path| self.files.open(path).map_err(BookError::io(path));
        entries.push((CATALOG.to_string(), open(&copy)?));
        for (info, data) in snapshot.segments() {
            entries.push((format!("segments/{}", info.name), data.clone()));
            let owners = format!("{}.owners", info.name);
            entries.push((format!("segments/{owners}"), open(&self.segment_path(&owners))?));
        }
        let mut kept: Vec<PathBuf> = snapshot.payloads().into_iter().map(|p| p.path).collect();
        kept.sort();
        kept.dedup();
        for path in kept {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_string();
            entries.push((format!("payloads/{name}"), open(&path)?));
        }
        let temporary = file.with_extension("partial");
        let write = || -> std::io::Result<()> {
            let out = self.files.create(&temporary)?;
            let mut out = zstd::Encoder::new(BufWriter::with_capacity(1 << 18, out), 3)?;
            out.write_all(MAGIC)?;
            for (name, data) in &entries {
                out.write_all(&(name.len() as u32).to_le_bytes())?;
                out.write_all(name.as_bytes())?;
                let length = data.len()?;
                out.write_all(&length.to_le_bytes())?;
                let copied = std::io::copy(&mut Reading::new(data.clone(), 0).take(length), &mut out)?;
                if copied != length {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
            }
            out.write_all(&0u32.to_le_bytes())?;
            let mut out = out.finish()?;
            out.flush()?;
            out.get_mut().sync()?;
            self.files.rename(&temporary, file)?;
            self.files.sync_dir(file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")))
        };
        write().map_err(BookError::io(file))?;
        self.files.remove(&copy).map_err(BookError::io(&copy))
    }

    /// Makes a book in a new directory from a backup file.
    pub fn restore(file: &Path, dir: &Path) -> Result<(), BookError> {
        let files = OsFiles;
        if files.exists(&dir.join(CATALOG)) {
            return Err(BookError::Exists(dir.to_path_buf()));
        }
        for part in ["", "segments", "payloads", "tmp"] {
            let path = dir.join(part);
            files.create_dir_all(&path).map_err(BookError::io(&path))?;
        }
        let source = files.open(file).map_err(BookError::io(file))?;
        let shown = file.display().to_string();
        let broken = |error: std::io::Error| BookError::damaged(&shown, error);
        let mut from = BufReader::new(zstd::Decoder::new(Reading::new(source, 0)).map_err(broken)?);
        let mut magic = [0u8; 16];
        from.read_exact(&mut magic).map_err(broken)?;
        if &magic != MAGIC {
            return Err(BookError::damaged(&shown, "not a backup of netnew"));
        }
        let mut catalog = None;
        loop {
            let mut length = [0u8; 4];
            from.read_exact(&mut length).map_err(broken)?;
            let length = u32::from_le_bytes(length) as usize;
            if length == 0 {
                break;
            }
            if length > 1024 {
                return Err(BookError::damaged(&shown, "an entry's name is too long"));
            }
            let mut name = vec![0u8; length];
            from.read_exact(&mut name).map_err(broken)?;
            let name = String::from_utf8(name).map_err(|e| BookError::damaged(&shown, e))?;
            let parts: Vec<&str> = name.split('/').collect();
            let inside = matches!(parts.as_slice(), ["segments" | "payloads", file] if !file.is_empty() && !file.contains(".."));
            if !inside && name != CATALOG {
                return Err(BookError::damaged(&shown, format!("unexpected entry {name:?}")));
            }
            let mut size = [0u8; 8];
            from.read_exact(&mut size).map_err(broken)?;
            // The catalog gets its name last: until then there is no book.
            let target = if name == CATALOG { dir.join("tmp").join(CATALOG) } else { dir.join(&name) };
            copy_entry(&files, &mut from, u64::from_le_bytes(size), &target)?;
            if name == CATALOG {
                catalog = Some(target);
            }
        }
        let catalog = catalog.ok_or_else(|| BookError::damaged(&shown, "it holds no catalog"))?;
        for part in ["segments", "payloads"] {
            let path = dir.join(part);
            files.sync_dir(&path).map_err(BookError::io(&path))?;
        }
        files.rename(&catalog, &dir.join(CATALOG)).map_err(BookError::io(&catalog))?;
        files.sync_dir(dir).map_err(BookError::io(dir))
    }
}

fn copy_entry(files: &OsFiles, from: &mut impl Read, size: u64, target: &Path) -> Result<(), BookError> {
    let mut out = files.create(target).map_err(BookError::io(target))?;
    let copied = std::io::copy(&mut from.take(size), &mut out).map_err(BookError::io(target))?;
    if copied != size {
        return Err(BookError::damaged(&target.display().to_string(), "the backup ends inside it"));
    }
    out.sync().map_err(BookError::io(target))
}
