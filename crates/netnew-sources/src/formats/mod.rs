//! The formats files come in, each as a stream of records.

pub(crate) mod columnar;
mod delimited;
mod json;
mod sheet;
mod text;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::cell::Source;
use crate::code;
use crate::open::Format;
use crate::problem::SourceError;
use columnar::Parquet;
use delimited::Delimited;
use json::Json;
pub use json::JsonObjects;
use sheet::Sheet;
use text::TextFile;

/// Opens a file in the format its content shows.
pub(crate) fn open(path: &Path, name: &str) -> Result<(Format, Box<dyn Source>), SourceError> {
    let failed = |error: io::Error| SourceError::io(name, &error);
    let mut head = Vec::new();
    File::open(path).and_then(|f| f.take(4096).read_to_end(&mut head)).map_err(failed)?;
    if head.starts_with(b"PAR1") {
        return Ok((Format::Parquet, Box::new(Parquet::open(name, path)?)));
    }
    if head.starts_with(b"PK\x03\x04") {
        return Ok((Format::Xlsx, Box::new(Sheet::open(name, path)?)));
    }
    refuse_what_is_no_text(name, &head)?;
    let file = TextFile::examine(path).map_err(failed)?;
    let mut start = Vec::new();
    file.read().and_then(|text| text.bytes.take(4096).read_to_end(&mut start)).map_err(failed)?;
    let start = String::from_utf8_lossy(&start);
    if start.trim().is_empty() && file.size < 4096 {
        return Err(SourceError::new(name, code::EMPTY_FILE, "the file is empty", "check the export"));
    }
    Ok(match json::looks_like_json(&start) {
        true => (Format::Jsonl, Box::new(Json::open(name, file)?)),
        false => (Format::Csv, Box::new(Delimited::open(name, file)?)),
    })
}

fn refuse_what_is_no_text(name: &str, head: &[u8]) -> Result<(), SourceError> {
    let utf16 = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    let (what, hint) = if head.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        (
            "a workbook in the old format of .xls, or one with a password",
            "save it as .xlsx without a password, or as CSV",
        )
    } else if head.starts_with(&[0x1f, 0x8b]) || head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        ("compressed", "decompress it first")
    } else if head.starts_with(b"PARE") {
        ("an encrypted Parquet file", "write it without encryption")
    } else if head.starts_with(b"%PDF") {
        ("a PDF", "export CSV, JSON lines, XLSX or Parquet instead")
    } else if head.contains(&0) && !utf16 {
        ("binary", "export CSV, JSON lines, XLSX or Parquet instead")
    } else {
        return Ok(());
    };
    Err(SourceError::new(name, code::UNSUPPORTED_FORMAT, format!("the file is {what}"), hint))
}
