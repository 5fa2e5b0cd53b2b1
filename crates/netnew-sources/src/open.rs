//! Opening a file and reading it in batches.

use std::fmt;
use std::path::Path;

use netnew_facts::Statement;
use netnew_money::{Currency, Zone};

use crate::cell::{Source, Step};
use crate::code;
use crate::evidence;
use crate::fields::{Columns, Shape};
use crate::formats;
use crate::kind::Kind;
use crate::problem::{Problem, SourceError};
use crate::recognise;
use crate::row::{RowView, Setup};
use crate::rows::{self, Decode};

/// What a file cannot say about itself.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The book's time zone: dates without a time are civil days there.
    pub zone: &'a Zone,
    /// The book's currency: of amounts that name none.
    pub currency: Currency,
    /// The kind of file, when the user says it; else it is recognised from the columns.
    pub kind: Option<Kind>,
}

/// What a file is written in, recognised from its content and never from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text with separators.
    Csv,
    /// JSON objects, one a line or as a list.
    Jsonl,
    /// An Office Open XML workbook; its first sheet with content.
    Xlsx,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// `csv`, `jsonl`, `xlsx` or `parquet`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
            Format::Xlsx => "xlsx",
            Format::Parquet => "parquet",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a file was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What its rows are about.
    pub kind: Kind,
    /// What it is written in.
    pub format: Format,
    /// What a user should know about how it is read: columns not used, the encoding, the separator, what
    /// settled the order of day and month. Some are only known when the last batch has been read.
    pub notes: Vec<String>,
    /// How much there is to read, for a progress bar: bytes of a text file, rows of the other formats.
    pub total: u64,
}

/// What a row gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// Something to book.
    Statement(Statement),
    /// A row that could not be taken.
    Problem(Problem),
}

/// A file being read.
pub struct Reader {
    pub(crate) source: Box<dyn Source>,
    decoder: Box<dyn Decode>,
    pub(crate) setup: Setup,
    opened: Opened,
    statements: Vec<Statement>,
    ended: bool,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("file", &self.setup.file)
            .field("opened", &self.opened)
            .finish_non_exhaustive()
    }
}

/// Opens a file: finds out its format, encoding, separator, kind, columns, and how its numbers and dates are
/// written. For that the head of the file is read twice.
///
/// # Errors
/// When the file as a whole cannot be used, see [`SourceError::code`].
pub fn open(path: &Path, context: &Context<'_>) -> Result<Reader, SourceError> {
    let file = path.display().to_string();
    let (format, mut source) = formats::open(path, &file)?;
    let headers = source.headers().to_vec();
    let kind = match context.kind {
        Some(kind) => kind,
        None => recognise::recognise(&file, &headers)?,
    };
    let mut columns = Columns::find(&file, &headers, kind)?;
    columns.check(&file, &headers, kind)?;
    let mut notes = Vec::new();
    leave_out_unreadable(&*source, &file, kind, &mut columns, &mut notes)?;
    let mut setup = Setup {
        file,
        headers,
        columns,
        styles: Vec::new(),
        zone: context.zone.clone(),
        currency: context.currency,
    };
    let decoder = rows::decoder(kind, &mut setup, &mut notes)?;
    let shaped: Vec<(usize, Shape)> = setup.columns.shaped(kind).collect();
    let used: Vec<usize> =
        shaped.iter().map(|(at, _)| *at).chain(decoder.other_columns().iter().copied()).collect();
    note_unused(&setup, &used, &mut notes);
    source.select(&used);
    let (styles, evidence) = evidence::survey(&mut *source, &shaped)?;
    setup.styles = styles;
    let notes = source.notes().into_iter().chain(evidence).chain(notes).collect();
    let opened = Opened { kind, format, notes, total: source.progress().1 };
    Ok(Reader { source, decoder, setup, opened, statements: Vec::new(), ended: false })
}

/// A column of a type that cannot be read is an error if the kind knows it, and not used otherwise.
fn leave_out_unreadable(
    source: &dyn Source,
    file: &str,
    kind: Kind,
    columns: &mut Columns,
    notes: &mut Vec<String>,
) -> Result<(), SourceError> {
    for (at, _) in columns.shaped(kind) {
        if let Some(what) = source.unreadable(at) {
            let header = &source.headers()[at];
            return Err(SourceError::new(
                file,
                code::UNSUPPORTED_COLUMN,
                format!("the column {header} cannot be read: its values are {what}"),
                "write it as text, number, date or timestamp",
            )
            .in_column(header.as_str()));
        }
    }
    let (left_out, others): (Vec<usize>, Vec<usize>) =
        columns.others.iter().partition(|at| source.unreadable(**at).is_some());
    columns.others = others;
    if !left_out.is_empty() {
        let names: Vec<&str> = left_out.iter().map(|at| source.headers()[*at].as_str()).collect();
        notes.push(format!("columns of a type that cannot be read: {}", names.join(", ")));
    }
    Ok(())
}

fn note_unused(setup: &Setup, used: &[usize], notes: &mut Vec<String>) {
    let unused: Vec<&str> = setup
        .columns
        .others
        .iter()
        .filter(|at| !used.contains(at))
        .map(|at| setup.headers[*at].as_str())
        .filter(|header| !header.is_empty())
        .collect();
    if !unused.is_empty() {
        notes.push(format!("columns not used: {}", unused.join(", ")));
    }
}

/// Records in a batch: enough to make the loop around it cheap, few enough to stay small.
const BATCH: usize = 4096;

impl Reader {
    /// How the file was understood.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Reads some rows more and adds what they give to `out`, in the order of the file. Returns whether there
    /// is more to read.
    ///
    /// # Errors
    /// When the file cannot be read on; what was added before holds.
    pub fn next_batch(&mut self, out: &mut Vec<Row>) -> Result<bool, SourceError> {
        for _ in 0..BATCH {
            if self.ended {
                return Ok(false);
            }
            let complaint = match self.source.advance()? {
                Step::End => {
                    self.ended = true;
                    self.opened.notes.extend(self.decoder.closing_notes());
                    return Ok(false);
                }
                Step::Bad(complaint) => Some(complaint),
                Step::Record => {
                    let row = RowView { source: &*self.source, setup: &self.setup };
                    self.decoder.decode(row, &mut self.statements).err()
                }
            };
            match complaint {
                None => out.extend(self.statements.drain(..).map(Row::Statement)),
                Some(complaint) => {
                    self.statements.clear();
                    let problem =
                        complaint.into_problem(&self.setup.file, self.source.line(), &self.setup.headers);
                    out.push(Row::Problem(problem));
                }
            }
        }
        Ok(true)
    }

    /// How far it is and how much there is, in the unit of [`Opened::total`].
    pub fn progress(&self) -> (u64, u64) {
        self.source.progress()
    }
}
