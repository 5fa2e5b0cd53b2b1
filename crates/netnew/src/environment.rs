//! What a command stands on: the clock, the output format, the book. The only place that reads the clock.

use crate::cli::{Common, Format};
use crate::error::CliError;
use netnew_book::Book;
use netnew_metrics::end_of_day;
use netnew_money::{Day, Instant, Zone};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Now, as given or as the clock says, plus where to print and which book.
pub struct Environment {
    as_of: Option<String>,
    clock: Instant,
    /// How to print data.
    pub format: Format,
    /// `--format` as given, for commands that write files.
    pub files: Option<String>,
    /// The book's directory.
    pub book_dir: PathBuf,
}

impl Environment {
    /// From the common flags. `files_too`: the command writes files, so that `--format` may name a file format.
    pub fn new(common: &Common, files_too: bool) -> Result<Environment, CliError> {
        let environment = Environment {
            as_of: common.as_of.clone().filter(|t| !t.trim().is_empty()),
            clock: clock(),
            format: format(common, files_too)?,
            files: common.format.clone(),
            book_dir: common.book.clone(),
        };
        environment.now(&Zone::utc())?;
        Ok(environment)
    }

    /// Now: an instant as given, the end of a given date in a zone, or the clock.
    pub fn now(&self, zone: &Zone) -> Result<Instant, CliError> {
        match &self.as_of {
            None => Ok(self.clock),
            Some(text) => instant_or_end_of_day("--as-of", text, zone),
        }
    }

    /// What time it is at this very moment; a frozen now stays frozen. For what runs long.
    pub fn time(&self) -> Instant {
        match &self.as_of {
            None => clock(),
            Some(_) => self.now(&Zone::utc()).unwrap_or(self.clock),
        }
    }

    /// True when output is JSON.
    pub fn json(&self) -> bool {
        self.format == Format::Json
    }

    /// Opens the book.
    pub fn open_book(&self) -> Result<Book, CliError> {
        Ok(Book::open_at(&self.book_dir)?)
    }

    /// The same environment for another book.
    pub fn with_book(&self, dir: &Path) -> Environment {
        Environment {
            as_of: self.as_of.clone(),
            clock: self.clock,
            format: self.format,
            files: self.files.clone(),
            book_dir: dir.to_path_buf(),
        }
    }
}

/// Whether an error should be printed as JSON before an environment exists.
pub fn wants_json(common: &Common) -> bool {
    matches!(format(common, true), Ok(Format::Json))
}

fn format(common: &Common, files_too: bool) -> Result<Format, CliError> {
    match common.format.as_deref() {
        None => Ok(default_format()),
        Some("table") => Ok(Format::Table),
        Some("json") => Ok(Format::Json),
        Some("csv") if !files_too => Ok(Format::Csv),
        Some("csv" | "parquet" | "xlsx") if files_too => Ok(default_format()),
        Some(other) => Err(CliError::usage(
            "bad_format",
            format!("unknown format {other:?}"),
            if files_too { "use parquet, csv or xlsx" } else { "use table, json or csv" },
        )),
    }
}

fn default_format() -> Format {
    if std::io::stdout().is_terminal() { Format::Table } else { Format::Json }
}

#[allow(clippy::disallowed_methods, reason = "the one place that asks what time it is")]
fn clock() -> Instant {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("the clock is set after 1970");
    Instant::from_micros(i64::try_from(since.as_micros()).expect("the clock is set before the year 200000"))
}

/// How long something takes.
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts now.
    #[allow(clippy::disallowed_methods, reason = "measuring is what it is for")]
    pub fn start() -> Stopwatch {
        Stopwatch(std::time::Instant::now())
    }

    /// Milliseconds since, to the microsecond.
    pub fn millis(&self) -> serde_json::Number {
        let micros = self.0.elapsed().as_micros();
        let text = format!("{}.{:03}", micros / 1_000, micros % 1_000);
        serde_json::from_str(&text).expect("a decimal is a JSON number")
    }
}

/// Reads an RFC 3339 instant, or a date as its last microsecond in the zone.
pub fn instant_or_end_of_day(flag: &str, text: &str, zone: &Zone) -> Result<Instant, CliError> {
    if let Ok(instant) = Instant::parse_rfc3339(text.trim()) {
        return Ok(instant);
    }
    let day = parse_day(flag, text)?;
    Ok(end_of_day(day, zone))
}

/// Reads a date; months (`2026-11`) are their first day.
pub fn parse_day(flag: &str, text: &str) -> Result<Day, CliError> {
    let text = text.trim();
    let padded = if text.len() == 7 { format!("{text}-01") } else { text.to_string() };
    Day::parse(&padded).map_err(|_| {
        CliError::usage(
            "bad_date",
            format!("{flag} {text:?} is not a date"),
            "write YYYY-MM-DD, or for an instant 2026-11-23T14:05:00Z",
        )
    })
}
