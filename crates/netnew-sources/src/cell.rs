//! Cells and records, whatever the format they come from.

use std::borrow::Cow;
use std::path::Path;

use netnew_money::{Day, Decimal, Instant};

use crate::problem::{Complaint, SourceError};

/// One cell. Text formats give only `Text` and `Empty`; typed formats say what they know.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Empty,
    /// Text, never empty, without blanks around it.
    Text(&'a str),
    Number(Decimal),
    /// A number shown as a percentage: 20 for 20 %.
    Percent(Decimal),
    /// A number shown with a currency sign or code beside it.
    Money(Decimal, &'a str),
    Bool(bool),
    Day(Day),
    /// Date and microseconds since midnight on a wall clock, without a time zone.
    Clock(Day, i64),
    Instant(Instant),
    Uuid([u8; 16]),
    /// A value that cannot be read, with what it is.
    Broken(&'static str),
}

impl<'a> Cell<'a> {
    /// A cell of text: blanks around it do not count.
    pub(crate) fn text(raw: &'a str) -> Cell<'a> {
        match trim(raw) {
            "" => Cell::Empty,
            text => Cell::Text(text),
        }
    }

    /// The value as one would write it.
    pub(crate) fn written(&self) -> Option<Cow<'a, str>> {
        Some(match self {
            Cell::Empty => return None,
            Cell::Text(text) => Cow::Borrowed(*text),
            Cell::Number(number) | Cell::Money(number, _) => Cow::Owned(number.to_string()),
            Cell::Percent(number) => Cow::Owned(format!("{number}%")),
            Cell::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Cell::Day(day) => Cow::Owned(day.to_string()),
            Cell::Clock(day, micros) => Cow::Owned(clock_text(*day, *micros)),
            Cell::Instant(instant) => Cow::Owned(instant.to_string()),
            Cell::Uuid(bytes) => Cow::Owned(uuid_text(bytes)),
            Cell::Broken(what) => Cow::Borrowed(*what),
        })
    }
}

/// RFC 3339 without the offset.
fn clock_text(day: Day, micros: i64) -> String {
    let as_utc = Instant::from_micros(i64::from(day.days()) * 86_400_000_000 + micros).to_string();
    as_utc.trim_end_matches('Z').to_string()
}

/// Hexadecimal in groups of 8, 4, 4, 4 and 12.
fn uuid_text(bytes: &[u8; 16]) -> String {
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Without blanks around it; no-break spaces and stray byte order marks are blanks too.
pub(crate) fn trim(text: &str) -> &str {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        // Most cells have nothing to trim, and begin and end with visible ASCII.
        (Some(0x21..=0x7e), Some(0x21..=0x7e)) => text,
        _ => text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}'),
    }
}

/// What came of moving to the next record.
#[derive(Debug)]
pub(crate) enum Step {
    Record,
    /// There is a record, but it cannot be read.
    Bad(Complaint),
    End,
}

/// A file as a stream of records with named columns.
pub(crate) trait Source: Send {
    /// Columns as written in the file.
    fn headers(&self) -> &[String];
    /// Moves on to the next record; cells and line speak of that one then.
    fn advance(&mut self) -> Result<Step, SourceError>;
    fn cell(&self, column: usize) -> Cell<'_>;
    /// 1-based line, row or record number of the current record.
    fn line(&self) -> u64;
    /// Back to before the first record.
    fn rewind(&mut self) -> Result<(), SourceError>;
    /// Says which columns will be read, so that a columnar format can leave the others alone.
    fn select(&mut self, _columns: &[usize]) {}
    /// The file, if it is one of Apache Parquet, whose columns can be read by themselves.
    fn parquet(&self) -> Option<&Path> {
        None
    }
    /// What the cells of a column are, if they cannot be read.
    fn unreadable(&self, _column: usize) -> Option<&'static str> {
        None
    }
    /// Whether the cells of a column are text, which has to be understood, or already typed.
    fn is_text(&self, _column: usize) -> bool {
        true
    }
    /// Whether so much has been read that it shows how numbers and dates are written.
    fn enough_for_evidence(&self) -> bool;
    /// How far it is and how much there is, in the unit of [`crate::Opened::total`].
    fn progress(&self) -> (u64, u64);
    /// How the file was understood.
    fn notes(&self) -> Vec<String>;
}
