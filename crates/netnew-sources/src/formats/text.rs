//! Text files in whatever encoding: UTF-8, UTF-16 with a byte order mark, else Windows-1252.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// A text file and how it is encoded. Opening it again gives the same text.
#[derive(Clone, Debug)]
pub(crate) struct TextFile {
    path: PathBuf,
    encoding: &'static Encoding,
    mark_bytes: u64,
    /// Size in bytes.
    pub size: u64,
    /// Why it is not read as UTF-8, if it is not.
    pub note: Option<String>,
}

impl TextFile {
    /// Looks at the whole file once to learn its encoding.
    pub(crate) fn examine(path: &Path) -> io::Result<TextFile> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut head = [0u8; 3];
        let length = read_full(&mut file, &mut head)?;
        let marked = match &head[..length] {
            [0xEF, 0xBB, 0xBF] => Some((UTF_8, 3)),
            [0xFF, 0xFE, ..] => Some((UTF_16LE, 2)),
            [0xFE, 0xFF, ..] => Some((UTF_16BE, 2)),
            _ => None,
        };
        let (path, mut note) = (path.to_path_buf(), None);
        let (encoding, mark_bytes) = match marked {
            Some((encoding, mark_bytes)) if encoding != UTF_8 => {
                note = Some(format!("read as {}", encoding.name()));
                (encoding, mark_bytes)
            }
            marked => {
                let mark_bytes = marked.map_or(0, |(_, bytes)| bytes);
                file.seek(SeekFrom::Start(mark_bytes))?;
                match first_line_that_is_not_utf8(&mut file)? {
                    None => (UTF_8, mark_bytes),
                    Some(line) => {
                        note = Some(format!("read as Windows-1252 because line {line} is not UTF-8"));
                        (WINDOWS_1252, mark_bytes)
                    }
                }
            }
        };
        Ok(TextFile { path, encoding, mark_bytes, size, note })
    }

    /// The text from its beginning, in UTF-8 and without the byte order mark.
    pub(crate) fn read(&self) -> io::Result<TextReader> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.mark_bytes))?;
        let position = Arc::new(AtomicU64::new(self.mark_bytes));
        let counted = Counted { file, position: position.clone() };
        let buffered = BufReader::with_capacity(BUFFER, counted);
        let bytes: Box<dyn BufRead + Send> = if self.encoding == UTF_8 {
            Box::new(buffered)
        } else {
            Box::new(Transcoder::new(buffered, self.encoding))
        };
        Ok(TextReader { bytes, position })
    }
}

/// How much of a text file is looked at to learn how its numbers and dates are written.
pub(crate) const EVIDENCE_BYTES: u64 = 64 << 20;

const BUFFER: usize = 256 * 1024;

/// UTF-8 text as a buffered stream that knows how much of the file has gone into it.
pub(crate) struct TextReader {
    pub bytes: Box<dyn BufRead + Send>,
    position: Arc<AtomicU64>,
}

impl TextReader {
    /// The stream, and apart from it a way to ask how many bytes of the file have gone into it.
    pub(crate) fn split(self) -> (Box<dyn BufRead + Send>, Position) {
        (self.bytes, Position(self.position))
    }
}

/// How many bytes of a file have been read.
pub(crate) struct Position(Arc<AtomicU64>);

impl Position {
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Counted {
    file: File,
    position: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.position.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// Turns another encoding into UTF-8 on the way.
struct Transcoder<R> {
    inner: R,
    decoder: Decoder,
    text: Vec<u8>,
    from: usize,
    to: usize,
    ended: bool,
}

impl<R: BufRead> Transcoder<R> {
    fn new(inner: R, encoding: &'static Encoding) -> Transcoder<R> {
        let decoder = encoding.new_decoder_without_bom_handling();
        Transcoder { inner, decoder, text: vec![0; BUFFER], from: 0, to: 0, ended: false }
    }
}

impl<R: BufRead> BufRead for Transcoder<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        // One round may give no text, when it takes in only a part of a character.
        while self.from == self.to && !self.ended {
            let raw = self.inner.fill_buf()?;
            let last = raw.is_empty();
            let (result, read, written, _) = self.decoder.decode_to_utf8(raw, &mut self.text, last);
            self.inner.consume(read);
            (self.from, self.to) = (0, written);
            self.ended = last && result == CoderResult::InputEmpty;
        }
        Ok(&self.text[self.from..self.to])
    }

    fn consume(&mut self, used: usize) {
        self.from += used;
    }
}

impl<R: BufRead> Read for Transcoder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(out)?;
        self.consume(length);
        Ok(length)
    }
}

fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match reader.read(&mut buffer[length..])? {
            0 => break,
            more => length += more,
        }
    }
    Ok(length)
}

/// 1-based line of the first byte that is not valid UTF-8.
fn first_line_that_is_not_utf8(reader: &mut impl Read) -> io::Result<Option<u64>> {
    let mut buffer = vec![0u8; 1 << 20];
    let (mut held, mut line) = (0, 1);
    let newlines = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'\n').count() as u64;
    loop {
        let length = held + read_full(reader, &mut buffer[held..])?;
        let at_end = length < buffer.len();
        match std::str::from_utf8(&buffer[..length]) {
            Ok(_) => {
                line += newlines(&buffer[..length]);
                held = 0;
            }
            // A character cut by the end of the buffer is whole in the next one.
            Err(error) if error.error_len().is_none() && !at_end => {
                let valid = error.valid_up_to();
                line += newlines(&buffer[..valid]);
                buffer.copy_within(valid..length, 0);
                held = length - valid;
            }
            Err(error) => return Ok(Some(line + newlines(&buffer[..error.valid_up_to()]))),
        }
        if at_end {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(bytes: &[u8]) -> (String, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, bytes).unwrap();
        let file = TextFile::examine(&path).unwrap();
        let mut text = String::new();
        file.read().unwrap().bytes.read_to_string(&mut text).unwrap();
        (text, file.note)
    }

    #[test]
    fn encodings_are_told_apart() {
        let utf16 = |le: bool| -> Vec<u8> {
            let mark = std::iter::once(0xFEFFu16);
            let units = mark.chain("Zoë,€".encode_utf16());
            units.flat_map(|u| if le { u.to_le_bytes() } else { u.to_be_bytes() }).collect()
        };
        assert_eq!(text_of("Zoë,€".as_bytes()), ("Zoë,€".into(), None));
        assert_eq!(text_of("\u{feff}Zoë,€".as_bytes()), ("Zoë,€".into(), None));
        assert_eq!(text_of(&utf16(true)), ("Zoë,€".into(), Some("read as UTF-16LE".into())));
        assert_eq!(text_of(&utf16(false)), ("Zoë,€".into(), Some("read as UTF-16BE".into())));
        let (text, note) = text_of(b"name\nZo\xEB,\x80");
        assert_eq!(text, "name\nZoë,€");
        assert_eq!(note.as_deref(), Some("read as Windows-1252 because line 2 is not UTF-8"));
    }

    #[test]
    fn a_character_across_buffers_is_still_one() {
        let mut long = "a".repeat((1 << 20) - 1);
        long.push_str("é\nb");
        assert_eq!(text_of(long.as_bytes()), (long.clone(), None));
        let mut broken = long.into_bytes();
        broken.push(0xE9);
        assert_eq!(text_of(&broken).1.unwrap(), "read as Windows-1252 because line 2 is not UTF-8");
    }
}
