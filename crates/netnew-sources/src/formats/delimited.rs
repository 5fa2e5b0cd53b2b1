//! Text with separators: CSV and its relatives.
//!
//! Records are split here rather than by a library because messages need the physical line a record starts on
//! (blank lines, CRLF and quoted line breaks counted), and a file may use any of four separators.

use std::io::{self, BufRead, Read};

use crate::cell::{Cell, Source, Step};
use crate::code;
use crate::fields::{Columns, specs};
use crate::formats::text::{EVIDENCE_BYTES, Position, TextFile};
use crate::kind::Kind;
use crate::problem::{Complaint, SourceError};

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Quoted text longer than this is taken for a quote that was never closed.
const LONGEST_RECORD: usize = 16 << 20;

/// How much of a file is looked at to find its separator.
const SNIFF_BYTES: u64 = 64 * 1024;
const SNIFF_RECORDS: usize = 50;

/// Splits UTF-8 bytes into records.
struct Splitter<R> {
    input: R,
    separator: u8,
    /// Line the next byte is on.
    next_line: u64,
    /// Line the current record started on.
    record_line: u64,
    content: Vec<u8>,
    ends: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    FieldStart,
    Bare,
    Quoted,
    QuoteInQuoted,
}

#[derive(Debug, PartialEq)]
enum Split {
    Record,
    UnclosedQuote,
    End,
}

impl<R: BufRead> Splitter<R> {
    fn new(input: R, separator: u8) -> Splitter<R> {
        Splitter { input, separator, next_line: 1, record_line: 1, content: Vec::new(), ends: Vec::new() }
    }

    /// Reads the next record that is not a blank line.
    fn next(&mut self) -> io::Result<Split> {
        loop {
            self.content.clear();
            self.ends.clear();
            self.record_line = self.next_line;
            let split = self.fill()?;
            let blank = self.ends.len() == 1 && self.content.iter().all(|b| b.is_ascii_whitespace());
            if split != Split::Record || !blank {
                return Ok(split);
            }
        }
    }

    fn fill(&mut self) -> io::Result<Split> {
        let mut state = State::FieldStart;
        let mut any = false;
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(match (any, state) {
                    (false, _) => Split::End,
                    (true, State::Quoted) => Split::UnclosedQuote,
                    (true, _) => self.finish(),
                });
            }
            any = true;
            let mut used = 0;
            let mut ended_by = None;
            for &byte in buffer {
                used += 1;
                state = match (state, byte) {
                    (State::Quoted, b'"') => State::QuoteInQuoted,
                    (State::Quoted, _) => {
                        self.next_line += u64::from(byte == b'\n');
                        self.content.push(byte);
                        State::Quoted
                    }
                    (State::QuoteInQuoted, b'"') => {
                        self.content.push(b'"');
                        State::Quoted
                    }
                    (State::FieldStart, b'"') => State::Quoted,
                    (_, b'\n' | b'\r') => {
                        ended_by = Some(byte);
                        break;
                    }
                    (_, byte) if byte == self.separator => {
                        self.ends.push(self.content.len());
                        State::FieldStart
                    }
                    (_, byte) => {
                        self.content.push(byte);
                        State::Bare
                    }
                };
            }
            self.input.consume(used);
            if let Some(byte) = ended_by {
                self.next_line += 1;
                if byte == b'\r' && self.input.fill_buf()?.first() == Some(&b'\n') {
                    self.input.consume(1);
                }
                return Ok(self.finish());
            }
            if self.content.len() > LONGEST_RECORD {
                return Ok(Split::UnclosedQuote);
            }
        }
    }

    fn finish(&mut self) -> Split {
        self.ends.push(self.content.len());
        Split::Record
    }

    fn fields(&self) -> usize {
        self.ends.len()
    }

    fn field(&self, at: usize) -> Option<&[u8]> {
        let end = *self.ends.get(at)?;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        Some(&self.content[start..end])
    }

    fn strings(&self) -> Vec<String> {
        let text = |at| String::from_utf8_lossy(self.field(at).unwrap_or_default());
        (0..self.fields()).map(|at| crate::cell::trim(&text(at)).to_string()).collect()
    }
}

/// A delimited text file.
pub(crate) struct Delimited {
    file: TextFile,
    name: String,
    separator: u8,
    headers: Vec<String>,
    /// Fields up to the last column with a name; a row may lack those after it.
    named: usize,
    /// Whether the first line is the `sep=;` that spreadsheets write before the header.
    has_separator_line: bool,
    records: Splitter<Box<dyn BufRead + Send>>,
    position: Position,
    /// A quote that never closes has swallowed the rest.
    lost: bool,
    /// The current record as text; the splitter keeps where its fields end.
    text: String,
}

impl Delimited {
    pub(crate) fn open(name: &str, file: TextFile) -> Result<Delimited, SourceError> {
        let failed = |error: io::Error| SourceError::io(name, &error);
        let mut head = Vec::new();
        file.read().map_err(failed)?.bytes.take(SNIFF_BYTES).read_to_end(&mut head).map_err(failed)?;
        let stated = stated_separator(&head);
        let separator = stated.unwrap_or_else(|| sniff(&head, (head.len() as u64) < SNIFF_BYTES));
        let (bytes, position) = file.read().map_err(failed)?.split();
        let mut delimited = Delimited {
            file,
            name: name.to_string(),
            separator,
            headers: Vec::new(),
            named: 0,
            has_separator_line: stated.is_some(),
            records: Splitter::new(bytes, separator),
            position,
            lost: false,
            text: String::new(),
        };
        delimited.headers = delimited.read_header()?;
        delimited.named = delimited.headers.iter().rposition(|h| !h.is_empty()).map_or(0, |last| last + 1);
        Ok(delimited)
    }

    fn read_header(&mut self) -> Result<Vec<String>, SourceError> {
        let skip = usize::from(self.has_separator_line);
        for _ in 0..=skip {
            match self.records.next() {
                Ok(Split::Record) => {}
                Ok(Split::UnclosedQuote) => {
                    return Err(SourceError::new(
                        &self.name,
                        code::UNCLOSED_QUOTE,
                        "a quote in the header is never closed",
                        "check the quotes of the first line",
                    )
                    .at_line(self.records.record_line));
                }
                Ok(Split::End) => {
                    return Err(SourceError::new(
                        &self.name,
                        code::EMPTY_FILE,
                        "the file has no header",
                        "the first line must name the columns",
                    ));
                }
                Err(error) => return Err(SourceError::io(&self.name, &error)),
            }
        }
        Ok(self.records.strings())
    }

    fn ragged(&self, fields: usize) -> Complaint {
        let wanted = self.headers.len();
        let hint = match fields > wanted {
            true => "quote fields that contain the separator, such as \"1,234.50\"",
            false => "give every row as many fields as the header has, empty ones too",
        };
        Complaint::new(code::RAGGED_ROW, format!("the row has {fields} fields, the header {wanted}"), hint)
    }
}

impl Source for Delimited {
    fn headers(&self) -> &[String] {
        &self.headers
    }

    fn advance(&mut self) -> Result<Step, SourceError> {
        loop {
            if self.lost {
                return Ok(Step::End);
            }
            match self.records.next().map_err(|error| SourceError::io(&self.name, &error))? {
                Split::End => return Ok(Step::End),
                Split::UnclosedQuote => {
                    self.lost = true;
                    return Ok(Step::Bad(Complaint::new(
                        code::UNCLOSED_QUOTE,
                        "a quote that opens in this row is never closed, so that all that follows is inside it",
                        "close the quote, and write a quote inside a quoted field twice",
                    )));
                }
                Split::Record => {}
            }
            let fields = self.records.fields();
            let is_empty =
                |at: usize| self.records.field(at).is_none_or(|f| f.iter().all(u8::is_ascii_whitespace));
            // Spreadsheets write rows of separators for rows that were cleared, and separators past the last column.
            if (0..fields).all(is_empty) {
                continue;
            }
            let wanted = self.headers.len();
            if fields < self.named || !(wanted..fields).all(is_empty) {
                return Ok(Step::Bad(self.ragged(fields)));
            }
            let content = std::mem::take(&mut self.text);
            let mut bytes = content.into_bytes();
            bytes.clear();
            bytes.extend_from_slice(&self.records.content);
            return Ok(match String::from_utf8(bytes) {
                Ok(text) => {
                    self.text = text;
                    Step::Record
                }
                Err(_) => Step::Bad(Complaint::new(
                    code::BAD_TEXT,
                    "the row is not valid text",
                    "save the file as UTF-8",
                )),
            });
        }
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        let Some(&end) = self.records.ends.get(column) else { return Cell::Empty };
        let start = if column == 0 { 0 } else { self.records.ends[column - 1] };
        // Fields end at ASCII separators, which are never inside a character.
        self.text.get(start..end).map_or(Cell::Empty, Cell::text)
    }

    fn line(&self) -> u64 {
        self.records.record_line
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        let reader = self.file.read().map_err(|error| SourceError::io(&self.name, &error))?;
        let (bytes, position) = reader.split();
        self.records = Splitter::new(bytes, self.separator);
        self.position = position;
        self.lost = false;
        self.read_header().map(|_| ())
    }

    fn enough_for_evidence(&self) -> bool {
        self.position.bytes() > EVIDENCE_BYTES
    }

    fn progress(&self) -> (u64, u64) {
        (self.position.bytes(), self.file.size)
    }

    fn notes(&self) -> Vec<String> {
        let separator = match self.separator {
            b',' => None,
            b'\t' => Some("separator tab".to_string()),
            other => Some(format!("separator {}", char::from(other))),
        };
        self.file.note.clone().into_iter().chain(separator).collect()
    }
}

/// `sep=;` in the first line, as spreadsheets write and read it.
fn stated_separator(head: &[u8]) -> Option<u8> {
    let line = head.split(|b| matches!(b, b'\n' | b'\r')).next()?;
    match line {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] if SEPARATORS.contains(separator) => {
            Some(*separator)
        }
        _ => None,
    }
}

/// The separator under which the first record looks most like a header and the others agree with it.
fn sniff(head: &[u8], is_whole: bool) -> u8 {
    // The first of equals wins, so a file of one column counts as separated by commas.
    let mut best = (b',', (0, 0, 0));
    for separator in SEPARATORS {
        let mut records = Splitter::new(head, separator);
        if !matches!(records.next(), Ok(Split::Record)) {
            continue;
        }
        let headers = records.strings();
        let known = known_names(&headers);
        let (mut same, mut total) = (0, 0);
        while total < SNIFF_RECORDS && matches!(records.next(), Ok(Split::Record)) {
            let cut_off = !is_whole && records.input.is_empty();
            if !cut_off {
                total += 1;
                same += usize::from(records.fields() >= headers.len());
            }
        }
        let agreement = usize::checked_div(same * 100, total).unwrap_or(100);
        let score = (known, if headers.len() > 1 { agreement } else { 0 }, headers.len());
        if score > best.1 {
            best = (separator, score);
        }
    }
    best.0
}

/// How many of the headers some kind of file knows.
fn known_names(headers: &[String]) -> usize {
    let count = |kind: Kind| {
        Columns::find("", headers, kind).map_or(0, |c| specs(kind).iter().filter(|s| c.has(s.field)).count())
    };
    Kind::ALL.into_iter().map(count).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, separator: u8) -> Vec<(u64, Vec<String>)> {
        let mut splitter = Splitter::new(text.as_bytes(), separator);
        let mut records = Vec::new();
        while splitter.next().unwrap() == Split::Record {
            records.push((splitter.record_line, splitter.strings()));
        }
        records
    }

    fn record(line: u64, fields: &[&str]) -> (u64, Vec<String>) {
        (line, fields.iter().map(|f| f.to_string()).collect())
    }

    #[test]
    fn records_know_their_physical_line() {
        let text = "a,b\r\n\r\n1,\"x\r\ny\"\r\n\n2,\"say \"\"hi\"\"\"\n3,";
        assert_eq!(
            split(text, b','),
            vec![
                record(1, &["a", "b"]),
                record(3, &["1", "x\r\ny"]),
                record(6, &["2", "say \"hi\""]),
                record(7, &["3", ""])
            ]
        );
    }

    #[test]
    fn old_line_ends_and_stray_quotes() {
        assert_eq!(split("a;b\r1;2\r", b';'), vec![record(1, &["a", "b"]), record(2, &["1", "2"])]);
        assert_eq!(split("5\" disk,\"a\"b\n", b','), vec![record(1, &["5\" disk", "ab"])]);
        let mut open = Splitter::new("a,\"b\nc".as_bytes(), b',');
        assert_eq!(open.next().unwrap(), Split::UnclosedQuote);
    }

    #[test]
    fn the_separator_shows_in_header_and_rows() {
        for (head, expected) in [
            ("customer,name\n1,a\n", b','),
            ("customer;amount\n1;1,50\n2;2,50\n", b';'),
            ("customer\tname\n1\ta, b\n", b'\t'),
            ("customer|name\n1|a, b\n", b'|'),
            ("customer\n1\n", b','),
            ("colour;size\nred;1,2\n", b';'),
        ] {
            assert_eq!(sniff(head.as_bytes(), true), expected, "{head}");
        }
        assert_eq!(stated_separator(b"sep=;\r\na;b"), Some(b';'));
    }
}
