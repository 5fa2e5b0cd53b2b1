//! The formats files come in, each as a stream of records.

mod delimited;
pub(crate) mod text;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::cell::Source;
use crate::code;
use crate::open::Format;
use crate::problem::SourceError;
use text::TextFile;

/// Opens a file in the format its content shows.
pub(crate) fn open(path: &Path, name: &str) -> Result<(Format, Box<dyn Source>), SourceError> {
    let failed = |error: std::io::Error| SourceError::io(name, &error);
    let mut head = Vec::new();
    File::open(path).and_then(|f| f.take(4096).read_to_end(&mut head)).map_err(failed)?;
    if head.iter().all(u8::is_ascii_whitespace) && head.len() < 4096 {
        return Err(SourceError::new(name, code::EMPTY_FILE, "the file is empty", "check the export"));
    }
    let text = TextFile::examine(path).map_err(failed)?;
    Ok((Format::Csv, Box::new(delimited::Delimited::open(name, text)?)))
}
