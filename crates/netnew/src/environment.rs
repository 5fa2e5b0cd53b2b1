//! What a command stands on: the clock, the output format, the book. The only place that reads the clock.

use crate::cli::{Common, Format, ReadArgs};
use crate::error::CliError;
use netnew_book::Book;
use netnew_money::{Instant, Zone};
use netnew_report::{Now, Question, Report};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Now, as given or as the clock says, plus where to print and which book.
pub struct Environment {
    now: Now,
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
            now: Now { said: common.as_of.clone().filter(|t| !t.trim().is_empty()), clock: clock() },
            format: format(common, files_too)?,
            files: common.format.clone(),
            book_dir: common.book.clone(),
        };
        environment.now(&Zone::utc())?;
        Ok(environment)
    }

    /// Now: an instant as given, the end of a given date in a zone, or the clock.
    pub fn now(&self, zone: &Zone) -> Result<Instant, CliError> {
        self.now.at(zone)
    }

    /// What time it is.
    pub fn time(&self) -> Now {
        self.now.clone()
    }

    /// What time it is at this very moment, as said or by the clock.
    pub fn time_now(&self) -> Now {
        Now { said: self.now.said.clone(), clock: clock() }
    }

    /// Tells the time again and again, for what runs on.
    pub fn ticking(&self) -> impl Fn() -> Now + Send + Sync + 'static {
        let said = self.now.said.clone();
        move || Now { said: said.clone(), clock: clock() }
    }

    /// What time it is at this very moment; a frozen now stays frozen. For what runs long.
    pub fn instant(&self) -> Instant {
        match &self.now.said {
            None => clock(),
            Some(_) => self.now(&Zone::utc()).unwrap_or(self.now.clock),
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

    /// The report that the flags ask for.
    pub fn report(&self, args: &ReadArgs) -> Result<Report, CliError> {
        self.ask(args.question())
    }

    /// The answer to a question about the book.
    pub fn ask(&self, question: Question) -> Result<Report, CliError> {
        Report::open(&question, self.open_book()?, &self.now)
    }

    /// The same environment for another book.
    pub fn with_book(&self, dir: &Path) -> Environment {
        Environment {
            now: self.now.clone(),
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

    /// Microseconds since.
    pub fn micros(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Milliseconds since, to the microsecond.
    pub fn millis(&self) -> serde_json::Number {
        let micros = self.0.elapsed().as_micros();
        let text = format!("{}.{:03}", micros / 1_000, micros % 1_000);
        serde_json::from_str(&text).expect("a decimal is a JSON number")
    }
}
