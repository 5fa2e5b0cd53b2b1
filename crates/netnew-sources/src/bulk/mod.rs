//! Files of states read by column, many rows at a time.
//!
//! Of the many rows of a file, few differ in anything but ids and instants. So the columns of a Parquet file are decoded
//! as far as numbers that stand for values, and every *combination* of values is understood once, by the very code that
//! understands a row ([`crate::Reader`]). Whatever is unusual in a row (an id with blanks around it, a date out of range,
//! a combination that is a problem) sends that row through the same code by itself; whatever is unusual in a file makes
//! it [`Unfit`], and it is to be read row by row. So there is one rule for what a row says, and two speeds.

mod column;
mod combine;
mod pages;

use crate::cell::{Cell, Source, Step};
use crate::fields::Field;
use crate::formats::columnar::meaning;
use crate::kind::Kind;
use crate::open::Reader;
use crate::problem::{Problem, SourceError};
use crate::row::{RowView, Setup};
use crate::rows::Decode;
use crate::rows::states::States;
use bytes::Bytes;
use column::{Coded, Ids, Times};
use combine::Pairing;
use netnew_facts::{
    Body, Instants, ItemState, NO_INSTANT, NO_STATEMENT, StateBatch, Statement, StatementBody, WITHDRAWN,
};
use netnew_money::Instant;
use pages::Pages;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows decoded at a time.
const CHUNK: usize = 1 << 16;

/// The file, or the rest of it, has to be read row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit;

/// A file of states that can be read by column.
pub struct Bulk {
    path: PathBuf,
    setup: Setup,
    used: Vec<usize>,
    /// Where each row group begins, and one more at the end.
    starts: Vec<u64>,
}

impl Reader {
    /// The same file by column, if it is one of states in Apache Parquet with columns of usual types.
    pub fn bulk(&self) -> Option<Bulk> {
        if self.opened().kind != Kind::States {
            return None;
        }
        let path = self.source.parquet()?.to_path_buf();
        let mut setup = self.setup.clone();
        let used: Vec<usize> = setup.columns.shaped(Kind::States).map(|(at, _)| at).collect();
        // Nothing is left to be taken out of use, or the file would be read in two ways.
        States::new(&mut setup, &mut Vec::new());
        let file = parquet_file(&path).ok()?;
        let mut starts = vec![0];
        let mut rows = 0u64;
        for group in file.metadata().row_groups() {
            rows += u64::try_from(group.num_rows()).ok()?;
            starts.push(rows);
        }
        Some(Bulk { path, setup, used, starts })
    }
}

impl Bulk {
    /// How many row groups there are.
    pub fn groups(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        *self.starts.last().unwrap_or(&0)
    }

    /// How many rows a row group has.
    pub fn group_rows(&self, number: usize) -> u64 {
        self.starts[number + 1] - self.starts[number]
    }

    /// Opens a row group.
    ///
    /// # Errors
    /// [`Unfit`] for a column of a type or encoding that only the other way can read.
    pub fn group(&self, number: usize) -> Result<Group, Unfit> {
        let file = parquet_file(&self.path).map_err(|_| Unfit)?;
        let group = file.get_row_group(number).map_err(|_| Unfit)?;
        let schema = file.metadata().file_metadata().schema_descr();
        let (mut columns, mut pages) = (Vec::new(), Vec::new());
        let mut place = vec![None; self.setup.headers.len()];
        for &at in &self.used {
            let descriptor = schema.column(at);
            if descriptor.max_rep_level() > 0 {
                return Err(Unfit);
            }
            let (meaning, physical) = (meaning(&descriptor), descriptor.physical_type());
            let is = |field: Field| self.setup.columns.at(field) == Some(at);
            let role = if [Field::Customer, Field::Subscription, Field::Item].into_iter().any(is) {
                Role::Ids(Ids::new(meaning, physical).ok_or(Unfit)?)
            } else if let Some(times) =
                INSTANTS.into_iter().any(is).then(|| Times::new(meaning, physical)).flatten()
            {
                Role::Times(times)
            } else {
                let width = usize::try_from(descriptor.type_length()).unwrap_or(0);
                Role::Coded(Coded::new(meaning, physical, width).ok_or(Unfit)?)
            };
            let reader = group.get_column_page_reader(at).map_err(|_| Unfit)?;
            place[at] = Some(columns.len());
            columns.push(role);
            pages.push(Pages::new(reader, descriptor.max_def_level()));
        }
        let mut setup = self.setup.clone();
        let decoder = States::new(&mut setup, &mut Vec::new());
        let keys = [
            Field::Customer,
            Field::Subscription,
            Field::Item,
            Field::EffectiveAt,
            Field::Seq,
            Field::RecordedAt,
        ];
        let mixed = self
            .used
            .iter()
            .filter(|at| !keys.iter().any(|field| setup.columns.at(*field) == Some(**at)))
            .filter_map(|at| place[*at])
            .collect::<Vec<usize>>();
        Ok(Group {
            pairings: mixed.iter().map(|_| Pairing::new()).collect(),
            mixed,
            columns,
            pages,
            place,
            setup,
            decoder,
            next: self.starts[number],
            end: self.starts[number + 1],
            known: Vec::new(),
            contents: Vec::new(),
            by_content: HashMap::new(),
            caches: Default::default(),
            bad: Vec::new(),
        })
    }
}

/// Columns that are read as instants, if their type is that of one.
const INSTANTS: [Field; 6] = [
    Field::EffectiveAt,
    Field::RecordedAt,
    Field::TrialEnd,
    Field::CancelRequestedAt,
    Field::CancelAt,
    Field::DiscountUntil,
];

/// What a column is kept as. There are a dozen of them to a row group: their size does not matter.
#[expect(clippy::large_enum_variant, reason = "few of them, and read for every row")]
enum Role {
    Ids(Ids),
    Times(Times),
    Coded(Coded),
}

/// What a combination of values means.
#[derive(Clone, Copy)]
enum Known {
    Not,
    /// A problem, or unusual: rows of it are read one by one.
    RowByRow,
    Content(u32),
}

/// A row group being read.
pub struct Group {
    columns: Vec<Role>,
    /// Pages of the columns, in the same order.
    pages: Vec<Pages>,
    /// By column of the file: its place among `columns`.
    place: Vec<Option<usize>>,
    /// Places of the columns whose combination is a content.
    mixed: Vec<usize>,
    pairings: Vec<Pairing>,
    setup: Setup,
    decoder: States,
    next: u64,
    end: u64,
    /// By combination.
    known: Vec<Known>,
    contents: Vec<ItemState>,
    /// Contents of rows read by themselves.
    by_content: HashMap<ItemState, u32>,
    /// By code of the columns `effective_at`, `seq` and `recorded_at`, where they are no instants.
    caches: [Vec<Option<Result<i64, Unfit>>>; 3],
    bad: Vec<bool>,
}

/// The rows of a chunk as a source, so that any of them can be read by itself.
struct Chunk<'a> {
    columns: &'a [Role],
    place: &'a [Option<usize>],
    row: usize,
    line: u64,
}

impl Source for Chunk<'_> {
    fn headers(&self) -> &[String] {
        &[]
    }

    fn advance(&mut self) -> Result<Step, SourceError> {
        Ok(Step::End)
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        match self.place.get(column).copied().flatten().map(|place| &self.columns[place]) {
            None => Cell::Empty,
            Some(Role::Ids(ids)) => ids.cell(self.row),
            Some(Role::Times(times)) => times.cell(self.row),
            Some(Role::Coded(coded)) => coded.cell(self.row),
        }
    }

    fn line(&self) -> u64 {
        self.line
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        Ok(())
    }

    fn enough_for_evidence(&self) -> bool {
        true
    }

    fn progress(&self) -> (u64, u64) {
        (0, 0)
    }

    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Group {
    /// The contents that batches point to; the list grows from batch to batch.
    pub fn contents(&self) -> &[ItemState] {
        &self.contents
    }

    /// Reads some rows more, and adds the problems among them. Returns false at the end.
    ///
    /// # Errors
    /// [`Unfit`] when the file has to be read the other way.
    pub fn next(&mut self, batch: &mut StateBatch, problems: &mut Vec<Problem>) -> Result<bool, Unfit> {
        let rows = usize::try_from(self.end - self.next).unwrap_or(usize::MAX).min(CHUNK);
        if rows == 0 {
            return Ok(false);
        }
        batch.first = self.next;
        self.next += rows as u64;
        self.bad.clear();
        self.bad.resize(rows, false);
        for (role, pages) in self.columns.iter_mut().zip(&mut self.pages) {
            match role {
                Role::Ids(ids) => ids.read(pages, rows)?,
                Role::Times(times) => times.read(pages, rows)?,
                Role::Coded(coded) => coded.read(pages, rows)?,
            }
        }
        self.look_at_ids();
        self.numbers(Field::EffectiveAt, 0, rows, batch);
        self.numbers(Field::Seq, 1, rows, batch);
        self.numbers(Field::RecordedAt, 2, rows, batch);
        self.contents_of(rows, batch)?;
        let late = self.read_bad(batch, problems);
        self.hand_over_ids(rows, batch);
        for (row, statement) in late {
            self.put(row, statement, batch);
        }
        Ok(true)
    }

    fn place_of(&self, field: Field) -> Option<usize> {
        self.place[self.setup.columns.at(field)?]
    }

    /// Trims ids, and marks rows that lack one.
    fn look_at_ids(&mut self) {
        for field in [Field::Customer, Field::Subscription, Field::Item] {
            let Some(place) = self.place_of(field) else { continue };
            let Role::Ids(ids) = &mut self.columns[place] else { continue };
            for row in std::mem::take(&mut ids.odd) {
                let trimmed = match ids.cell(row as usize) {
                    Cell::Text(text) => text.as_bytes().to_vec(),
                    Cell::Empty => Vec::new(),
                    _ => {
                        self.bad[row as usize] = true;
                        continue;
                    }
                };
                ids.texts.set(row as usize, &trimmed);
            }
            if field != Field::Item {
                for (bad, (_, length)) in self.bad.iter_mut().zip(&ids.texts.spans) {
                    *bad |= *length == 0;
                }
            }
        }
    }

    /// Reads one of the three columns of numbers by row.
    fn numbers(&mut self, field: Field, cache: usize, rows: usize, batch: &mut StateBatch) {
        let out = match field {
            Field::EffectiveAt => &mut batch.effective_at,
            Field::Seq => &mut batch.seq,
            _ => &mut batch.recorded_at,
        };
        out.clear();
        let needed = field == Field::EffectiveAt;
        let Some(place) = self.place_of(field) else {
            out.resize(rows, if field == Field::Seq { 0 } else { NO_INSTANT });
            return;
        };
        match &self.columns[place] {
            Role::Times(times) => {
                out.extend_from_slice(&times.micros);
                for (bad, at) in self.bad.iter_mut().zip(&times.micros) {
                    *bad |= *at == i64::MAX || (needed && *at == NO_INSTANT);
                }
            }
            Role::Coded(coded) => {
                let known = &mut self.caches[cache];
                known.resize(coded.cardinality(), None);
                for row in 0..rows {
                    let slot = &mut known[coded.codes[row] as usize];
                    let value = *slot.get_or_insert_with(|| {
                        let chunk = Chunk { columns: &self.columns, place: &self.place, row, line: 0 };
                        let view = RowView { source: &chunk, setup: &self.setup };
                        let instant = |at: Option<Instant>| at.map_or(NO_INSTANT, Instant::micros);
                        match field {
                            Field::EffectiveAt => view.needed_instant(field).map(Instant::micros),
                            Field::Seq => view.integer(field).map(|seq| seq.unwrap_or(0)),
                            _ => view.instant(field).map(instant),
                        }
                        .map_err(|_| Unfit)
                    });
                    self.bad[row] |= value.is_err();
                    out.push(value.unwrap_or_default());
                }
            }
            Role::Ids(_) => self.bad.fill(true),
        }
    }

    fn contents_of(&mut self, rows: usize, batch: &mut StateBatch) -> Result<(), Unfit> {
        let mut numbers = vec![0u32; rows];
        let mut presence = Vec::new();
        for (pairing, place) in self.pairings.iter_mut().zip(&self.mixed) {
            match &self.columns[*place] {
                Role::Coded(coded) => pairing.combine(&mut numbers, &coded.codes, coded.cardinality())?,
                Role::Times(times) => {
                    presence.clear();
                    presence.extend(times.micros.iter().map(|at| u32::from(*at != NO_INSTANT)));
                    pairing.combine(&mut numbers, &presence, 2)?;
                    self.bad.iter_mut().zip(&times.micros).for_each(|(bad, at)| *bad |= *at == i64::MAX);
                }
                Role::Ids(_) => return Err(Unfit),
            }
        }
        let most = numbers.iter().max().map_or(0, |most| *most as usize + 1);
        if most > self.known.len() {
            self.known.resize(most, Known::Not);
        }
        batch.content.clear();
        for (row, number) in numbers.into_iter().enumerate() {
            let number = number as usize;
            if self.bad[row] {
                batch.content.push(NO_STATEMENT);
                continue;
            }
            if let Known::Not = self.known[number] {
                self.known[number] = self.understand(row);
            }
            match self.known[number] {
                Known::Content(content) => batch.content.push(content),
                _ => {
                    self.bad[row] = true;
                    batch.content.push(NO_STATEMENT);
                }
            }
        }
        self.instants(rows, batch);
        Ok(())
    }

    /// Instants to put to the contents.
    fn instants(&self, rows: usize, batch: &mut StateBatch) {
        batch.instants.clear();
        let times = |field: Field| match self.place_of(field).map(|place| &self.columns[place]) {
            Some(Role::Times(times)) => Some(&times.micros),
            _ => None,
        };
        let columns =
            [Field::TrialEnd, Field::CancelRequestedAt, Field::CancelAt, Field::DiscountUntil].map(times);
        if columns.iter().all(Option::is_none) {
            return;
        }
        for row in 0..rows {
            let [trial_end, cancel_requested_at, cancel_at, until] =
                columns.map(|column| column.map_or(NO_INSTANT, |c| c[row]));
            let instants = Instants { trial_end, cancel_requested_at, cancel_at, until };
            if instants != Instants::NONE && batch.content[row] < WITHDRAWN {
                batch.instants.push((row as u32, instants));
            }
        }
    }

    /// Reads a row for what all rows with its combination of values say.
    fn understand(&mut self, row: usize) -> Known {
        let chunk = Chunk { columns: &self.columns, place: &self.place, row, line: 0 };
        let view = RowView { source: &chunk, setup: &self.setup };
        let mut out = Vec::new();
        if self.decoder.decode(view, &mut out).is_err() {
            return Known::RowByRow;
        }
        let Some(StatementBody::Customer { body: Body::State { state, .. }, .. }) = out.pop().map(|s| s.body)
        else {
            return Known::RowByRow;
        };
        let Some(state) = state else { return Known::Content(WITHDRAWN) };
        let at = |field: Field| match self.place_of(field).map(|place| &self.columns[place]) {
            Some(Role::Times(times)) => times.micros[row],
            _ => NO_INSTANT,
        };
        let instants = Instants {
            trial_end: at(Field::TrialEnd),
            cancel_requested_at: at(Field::CancelRequestedAt),
            cancel_at: at(Field::CancelAt),
            until: at(Field::DiscountUntil),
        };
        let mut bare = (*state).clone();
        let strip = |slot: &mut Option<Instant>, at: i64| {
            if at != NO_INSTANT {
                *slot = None;
            }
        };
        strip(&mut bare.trial_end, instants.trial_end);
        strip(&mut bare.cancel_requested_at, instants.cancel_requested_at);
        strip(&mut bare.cancel_at, instants.cancel_at);
        bare.discounts.iter_mut().for_each(|discount| strip(&mut discount.until, instants.until));
        // A list of discounts has ends of its own.
        let listed = self.setup.columns.at(Field::Discounts).map(|at| chunk.cell(at));
        let own_ends = instants.until != NO_INSTANT && listed.is_some_and(|cell| cell != Cell::Empty);
        let mut again = bare.clone();
        instants.put_to(&mut again);
        if own_ends || again != *state {
            return Known::RowByRow;
        }
        self.contents.push(bare);
        Known::Content(self.contents.len() as u32 - 1)
    }

    /// Reads the marked rows by themselves.
    fn read_bad(&mut self, batch: &mut StateBatch, problems: &mut Vec<Problem>) -> Vec<(usize, Statement)> {
        let mut late = Vec::new();
        let mut out = Vec::new();
        for row in 0..self.bad.len() {
            if !self.bad[row] {
                continue;
            }
            let line = batch.first + row as u64 + 1;
            let chunk = Chunk { columns: &self.columns, place: &self.place, row, line };
            let view = RowView { source: &chunk, setup: &self.setup };
            match self.decoder.decode(view, &mut out) {
                Ok(()) => late.extend(out.drain(..).map(|statement| (row, statement))),
                Err(complaint) => {
                    out.clear();
                    problems.push(complaint.into_problem(&self.setup.file, line, &self.setup.headers));
                }
            }
        }
        late
    }

    fn hand_over_ids(&mut self, rows: usize, batch: &mut StateBatch) {
        let StateBatch { customers, subscriptions, items, .. } = batch;
        for (field, to) in
            [(Field::Customer, customers), (Field::Subscription, subscriptions), (Field::Item, items)]
        {
            let place = self.place_of(field);
            match place.map(|place| &mut self.columns[place]) {
                Some(Role::Ids(ids)) => std::mem::swap(&mut ids.texts, to),
                _ => {
                    to.clear();
                    to.spans.resize(rows, (0, 0));
                }
            }
        }
    }

    /// Puts a statement that was read by itself among the columns.
    fn put(&mut self, row: usize, statement: Statement, batch: &mut StateBatch) {
        let StatementBody::Customer { customer, body } = statement.body else { return };
        let Body::State { subscription, item, effective_at, seq, state } = body else { return };
        batch.customers.set(row, customer.as_bytes());
        batch.subscriptions.set(row, subscription.as_bytes());
        batch.items.set(row, if item == subscription { b"" } else { item.as_bytes() });
        batch.effective_at[row] = effective_at.micros();
        batch.seq[row] = seq;
        batch.recorded_at[row] = statement.recorded_at.map_or(NO_INSTANT, Instant::micros);
        batch.content[row] = match state {
            None => WITHDRAWN,
            Some(state) => {
                let next = self.contents.len() as u32;
                let contents = &mut self.contents;
                *self.by_content.entry(*state).or_insert_with_key(|state| {
                    contents.push(state.clone());
                    next
                })
            }
        };
    }
}

/// A file that several threads read at once, each where it likes.
struct Shared(Arc<File>);

struct SharedRead {
    file: Arc<File>,
    at: u64,
}

impl Read for SharedRead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Length for Shared {
    fn len(&self) -> u64 {
        self.0.metadata().map_or(0, |m| m.len())
    }
}

impl ChunkReader for Shared {
    type T = io::BufReader<SharedRead>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(io::BufReader::with_capacity(1 << 16, SharedRead { file: self.0.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let mut bytes = vec![0; length];
        self.0.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

fn parquet_file(path: &PathBuf) -> Result<SerializedFileReader<Shared>, ParquetError> {
    SerializedFileReader::new(Shared(Arc::new(File::open(path)?)))
}
