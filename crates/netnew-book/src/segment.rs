//! Segments: immutable Parquet files of facts, sorted by customer, self-contained.
//!
//! One row is one filed fact. Columns are plain integers and texts: instants are microseconds, an absent instant or
//! version is the least 64-bit number, prices are a 128-bit mantissa in two halves and a scale. Row groups end
//! where a bucket ends, and the statistics of the first column tell which customers' hashes a row group covers.

use crate::error::BookError;
use crate::files::{FileLayer, ReadFile, Reading, WriteFile};
use crate::record::{
    Filed, attributes_text, discounts_of, discounts_text, entry_of, entry_text, interval_code, interval_of,
    reason_code, reason_of, shared_hash, status_code, status_of,
};
use bytes::Bytes;
use netnew_facts::{Body, EntryKind, Fact, ItemState, PayloadRef, Text, UsageType, bucket_of, customer_hash};
use netnew_money::{Currency, Decimal, Instant};
use parquet::basic::{Compression, Repetition, Type as Physical, ZstdLevel};
use parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use parquet::file::statistics::Statistics;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// Rows after which a row group ends at the next bucket boundary.
const GROUP_ROWS: usize = 64 * 1024;
/// Rows decoded at a time.
const BATCH_ROWS: usize = 4096;
/// What stands for "no instant" and "no version".
pub(crate) const NONE: i64 = i64::MIN;

pub(crate) const LONGS: [&str; 14] = [
    "customer_hash",
    "effective_at",
    "seq",
    "amount_low",
    "amount_high",
    "interval_count",
    "quantity_micros",
    "trial_end",
    "cancel_requested_at",
    "cancel_at",
    "recorded_at",
    "version",
    "booked_seq",
    "payload_row",
];
pub(crate) const INTS: [&str; 7] =
    ["kind", "flags", "status", "amount_scale", "interval", "reason", "payload"];
pub(crate) const TEXTS: [&str; 10] = [
    "customer",
    "speaks_of",
    "source",
    "subscription",
    "item",
    "plan",
    "currency",
    "discounts",
    "reason_text",
    "attributes",
];

/// Flag bits: the statement holds (is not a retraction), metered, reconstructed.
pub(crate) const HOLDS: i32 = 1;
pub(crate) const METERED: i32 = 2;
pub(crate) const RECONSTRUCTED: i32 = 4;

/// Which facts a segment holds: those that MRR is computed from, or the others. Apart, so that a million usage records
/// cost a replay nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// States and attributes.
    #[default]
    Items,
    /// Entries: invoices, payments, usage, expenses, ...
    Entries,
}

impl Family {
    /// Where a fact belongs.
    pub fn of(body: &Body) -> Family {
        match body {
            Body::State { .. } | Body::Attributes { .. } => Family::Items,
            Body::Entry { .. } => Family::Entries,
        }
    }
}

/// What the catalog knows of a segment besides its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentInfo {
    /// File name inside the book's `segments` folder.
    pub name: String,
    /// Rows, shadows included.
    pub rows: u64,
    /// State facts, without shadows.
    pub states: u64,
    /// Attribute facts.
    pub attributes: u64,
    /// Which facts it holds.
    #[serde(default)]
    pub family: Family,
    /// Entries by the name of their kind, without shadows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub entries: BTreeMap<String, u64>,
    /// Bytes of the file.
    pub bytes: u64,
    /// XXH3-64 of the file.
    pub checksum: u64,
    /// XXH3-64 of the list of owners beside it.
    #[serde(default)]
    pub owners_checksum: u64,
    /// Latest `recorded_at` in microseconds.
    pub newest_recorded: i64,
    /// Per source, the earliest and latest `effective_at` of its states in microseconds.
    pub sources: BTreeMap<String, (i64, i64)>,
    /// Per 64th of the hash space, how many rows: for balanced partitions.
    pub spread: Vec<u64>,
    /// The book's counter at the last import that anything in it comes from; `None` where nobody noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booked_until: Option<u64>,
}

pub(crate) fn schema() -> Result<Type, ParquetError> {
    let field = |name: &&str, physical| {
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::REQUIRED)
            .build()
            .map(Arc::new)
    };
    let mut fields = Vec::new();
    for name in &LONGS {
        fields.push(field(name, Physical::INT64)?);
    }
    for name in &INTS {
        fields.push(field(name, Physical::INT32)?);
    }
    for name in &TEXTS {
        fields.push(field(name, Physical::BYTE_ARRAY)?);
    }
    Type::group_type_builder("facts").with_fields(fields).build()
}

fn properties() -> Result<WriterProperties, ParquetError> {
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_column_statistics_enabled(ColumnPath::from(LONGS[0]), EnabledStatistics::Chunk);
    // Ids hardly repeat beyond their neighbours: a dictionary of them only costs.
    for id in ["customer", "subscription", "item"] {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(id), false);
    }
    Ok(builder.build())
}

/// A hash as a signed number of the same order.
pub(crate) fn ordered(hash: u64) -> i64 {
    (hash ^ (1 << 63)) as i64
}

/// Hashes and counts what passes through.
struct Counted {
    file: Box<dyn WriteFile>,
    hash: Xxh3,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes a segment from records in key order.
pub struct SegmentWriter {
    path: PathBuf,
    writer: SerializedFileWriter<Counted>,
    longs: [Vec<i64>; LONGS.len()],
    ints: [Vec<i32>; INTS.len()],
    texts: [Vec<ByteArray>; TEXTS.len()],
    info: SegmentInfo,
    /// In chunks: one list of them all would need twice its memory each time it grows.
    owners: Vec<Vec<(u64, u64)>>,
    last_bucket: u32,
}

/// Pairs of owners in a chunk.
const OWNERS_CHUNK: usize = 1 << 20;

/// A row group that is encoded already, and what the catalog has to know of it.
pub(crate) struct EncodedGroup {
    /// Column chunks in the order of the schema.
    pub columns: Vec<(Bytes, ColumnCloseResult)>,
    /// Rows; all of them states filed where they belong.
    pub rows: u64,
    /// Per 64th of the hash space, how many rows.
    pub spread: Vec<u64>,
    /// Latest `recorded_at`.
    pub newest_recorded: i64,
    /// Earliest and latest `effective_at`.
    pub span: (i64, i64),
    /// Hashes of subscriptions and customers.
    pub owners: Vec<(u64, u64)>,
}

impl SegmentWriter {
    /// Creates the file at `path`; the name in the info is the one it will be renamed to.
    pub fn create(files: &dyn FileLayer, path: &Path, name: &str) -> Result<SegmentWriter, BookError> {
        let file = files.create(path).map_err(BookError::io(path))?;
        let counted = Counted { file, hash: Xxh3::new(), bytes: 0 };
        let damaged = |error: ParquetError| BookError::damaged(name, error);
        let writer = SerializedFileWriter::new(
            counted,
            Arc::new(schema().map_err(damaged)?),
            Arc::new(properties().map_err(damaged)?),
        )
        .map_err(damaged)?;
        Ok(SegmentWriter {
            path: path.to_path_buf(),
            writer,
            longs: std::array::from_fn(|_| Vec::new()),
            ints: std::array::from_fn(|_| Vec::new()),
            texts: std::array::from_fn(|_| Vec::new()),
            info: SegmentInfo {
                name: name.to_string(),
                newest_recorded: NONE,
                spread: vec![0; 64],
                ..Default::default()
            },
            owners: Vec::new(),
            last_bucket: 0,
        })
    }

    /// Adds a record; they come in key order.
    pub fn push(&mut self, filed: &Filed) -> Result<(), BookError> {
        let hash = customer_hash(&filed.under);
        let bucket = bucket_of(hash);
        if self.longs[0].len() >= GROUP_ROWS && bucket != self.last_bucket {
            self.flush()?;
        }
        self.last_bucket = bucket;
        self.count(filed, hash);
        self.columns(filed, hash);
        Ok(())
    }

    fn count(&mut self, filed: &Filed, hash: u64) {
        let info = &mut self.info;
        info.rows += 1;
        info.spread[(hash >> 58) as usize] += 1;
        info.newest_recorded = info.newest_recorded.max(filed.fact.recorded_at.micros());
        info.family = Family::of(&filed.fact.body);
        if let Some(shared) = shared_hash(&filed.fact) {
            let owner = (shared, hash);
            if self.owners.last().and_then(|chunk| chunk.last()) != Some(&owner) {
                if self.owners.last().is_none_or(|chunk| chunk.len() == OWNERS_CHUNK) {
                    self.owners.push(Vec::new());
                }
                self.owners.last_mut().expect("pushed above").push(owner);
            }
        }
        match &filed.fact.body {
            Body::State { effective_at, .. } => {
                if !filed.is_shadow() {
                    info.states += 1;
                    let at = effective_at.micros();
                    let span = info.sources.entry(filed.fact.source.to_string()).or_insert((at, at));
                    *span = (span.0.min(at), span.1.max(at));
                }
            }
            Body::Attributes { .. } => info.attributes += 1,
            Body::Entry { kind, .. } => {
                if !filed.is_shadow() {
                    *info.entries.entry(kind.as_str().to_string()).or_default() += 1;
                }
            }
        }
    }

    fn columns(&mut self, filed: &Filed, hash: u64) {
        let fact = &filed.fact;
        let instant = |i: Option<Instant>| i.map_or(NONE, Instant::micros);
        let mut longs = [0i64; LONGS.len()];
        let mut ints = [0i32; INTS.len()];
        let mut texts: [&str; TEXTS.len()] = [""; TEXTS.len()];
        let (discounts, attributes, entry_json);
        longs[0] = ordered(hash);
        longs[10] = fact.recorded_at.micros();
        longs[11] = fact.version.unwrap_or(NONE);
        longs[12] = fact.booked_seq as i64;
        longs[13] = fact.payload.row as i64;
        ints[6] = fact.payload.payload as i32;
        texts[0] = &filed.under;
        texts[1] = if filed.is_shadow() { &fact.customer } else { "" };
        texts[2] = &fact.source;
        match &fact.body {
            Body::Attributes { effective_at, values } => {
                longs[1] = instant(*effective_at);
                ints[1] = if values.is_some() { HOLDS } else { 0 };
                attributes = values.as_ref().map_or_else(String::new, attributes_text);
                texts[9] = &attributes;
            }
            Body::Entry { kind, key, effective_at, entry } => {
                ints[0] = 2;
                ints[1] = if entry.is_some() { HOLDS } else { 0 };
                ints[2] = i32::from(kind.code());
                longs[1] = effective_at.micros();
                entry_json = entry_text(entry.as_deref());
                texts[4] = key;
                texts[9] = &entry_json;
            }
            Body::State { subscription, item, effective_at, seq, state } => {
                ints[0] = 1;
                longs[1] = effective_at.micros();
                longs[2] = *seq;
                texts[3] = subscription;
                texts[4] = if item == subscription { "" } else { item };
                if let Some(s) = state {
                    let mantissa = s.amount.mantissa();
                    longs[3] = mantissa as i64;
                    longs[4] = (mantissa >> 64) as i64;
                    longs[5] = i64::from(s.interval_count);
                    longs[6] = s.quantity_micros;
                    longs[7] = instant(s.trial_end);
                    longs[8] = instant(s.cancel_requested_at);
                    longs[9] = instant(s.cancel_at);
                    ints[1] = HOLDS
                        | if s.usage_type == UsageType::Metered { METERED } else { 0 }
                        | if s.reconstructed { RECONSTRUCTED } else { 0 };
                    ints[2] = status_code(s.status);
                    ints[3] = i32::from(s.amount.scale());
                    ints[4] = interval_code(s.interval);
                    ints[5] = reason_code(s.reason);
                    discounts = discounts_text(&s.discounts);
                    texts[5] = s.plan.as_deref().unwrap_or_default();
                    texts[6] = s.currency.as_str();
                    texts[7] = &discounts;
                    texts[8] = s.reason_text.as_deref().unwrap_or_default();
                }
            }
        }
        for (column, value) in self.longs.iter_mut().zip(longs) {
            column.push(value);
        }
        for (column, value) in self.ints.iter_mut().zip(ints) {
            column.push(value);
        }
        for (column, value) in self.texts.iter_mut().zip(texts) {
            column.push(if value.is_empty() {
                ByteArray::from(Bytes::new())
            } else {
                ByteArray::from(value)
            });
        }
    }

    /// Adds a row group of states of one source; groups come in key order.
    pub fn append(&mut self, source: &str, group: EncodedGroup) -> Result<(), BookError> {
        self.flush()?;
        let name = self.info.name.clone();
        self.append_columns(group.columns).map_err(|error| BookError::damaged(&name, error))?;
        let info = &mut self.info;
        info.rows += group.rows;
        info.states += group.rows;
        info.newest_recorded = info.newest_recorded.max(group.newest_recorded);
        info.spread.iter_mut().zip(group.spread).for_each(|(sum, rows)| *sum += rows);
        let span = info.sources.entry(source.to_string()).or_insert(group.span);
        *span = (span.0.min(group.span.0), span.1.max(group.span.1));
        self.owners.push(group.owners);
        Ok(())
    }

    fn append_columns(&mut self, columns: Vec<(Bytes, ColumnCloseResult)>) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for (bytes, close) in columns {
            group.append_column(&bytes, close)?;
        }
        group.close()?;
        Ok(())
    }

    /// Makes what was written so far durable, so that less is left to do at the end.
    pub fn sync(&mut self) -> Result<(), BookError> {
        self.writer.flush().map_err(BookError::io(&self.path))?;
        self.writer.inner_mut().file.sync().map_err(BookError::io(&self.path))
    }

    fn flush(&mut self) -> Result<(), BookError> {
        if self.longs[0].is_empty() {
            return Ok(());
        }
        let name = self.info.name.clone();
        self.write_group().map_err(|error| BookError::damaged(&name, error))
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        let missing = || ParquetError::General("a column is missing from the schema".into());
        for values in &mut self.longs {
            let mut column = group.next_column()?.ok_or_else(missing)?;
            column.typed::<Int64Type>().write_batch(values, None, None)?;
            column.close()?;
            values.clear();
        }
        for values in &mut self.ints {
            let mut column = group.next_column()?.ok_or_else(missing)?;
            column.typed::<Int32Type>().write_batch(values, None, None)?;
            column.close()?;
            values.clear();
        }
        for values in &mut self.texts {
            let mut column = group.next_column()?.ok_or_else(missing)?;
            column.typed::<ByteArrayType>().write_batch(values, None, None)?;
            column.close()?;
            values.clear();
        }
        group.close()?;
        Ok(())
    }

    /// Ends the file and syncs it: what the catalog has to know, and which customers hold which subscription.
    pub fn finish(mut self) -> Result<(SegmentInfo, Vec<(u64, u64)>), BookError> {
        self.flush()?;
        let name = self.info.name.clone();
        let mut counted = self.writer.into_inner().map_err(|error| BookError::damaged(&name, error))?;
        counted.flush().and_then(|()| counted.file.sync()).map_err(BookError::io(&self.path))?;
        self.info.bytes = counted.bytes;
        self.info.checksum = counted.hash.digest();
        let mut owners = Vec::with_capacity(self.owners.iter().map(Vec::len).sum());
        self.owners.into_iter().for_each(|chunk| owners.extend(chunk));
        owners.sort_unstable();
        owners.dedup();
        Ok((self.info, owners))
    }
}

/// A file as Parquet reads it.
pub(crate) struct Chunks(pub Arc<dyn ReadFile>);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.len().unwrap_or(0)
    }
}

impl ChunkReader for Chunks {
    type T = Reading;

    fn get_read(&self, start: u64) -> Result<Reading, ParquetError> {
        Ok(Reading::new(self.0.clone(), start))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let mut bytes = vec![0; length];
        let mut read = 0;
        while read < length {
            match self.0.read_at(start + read as u64, &mut bytes[read..])? {
                0 => return Err(ParquetError::EOF("the file is shorter than it says".into())),
                more => read += more,
            }
        }
        Ok(bytes.into())
    }
}

/// Reads a segment's records with hashes in a range, in key order.
pub struct SegmentCursor {
    name: String,
    reader: SerializedFileReader<Chunks>,
    group: usize,
    columns: Option<Columns>,
    batch: Batch,
    at: usize,
    range: (u64, u64),
    memory: Memory,
}

struct Columns {
    longs: Vec<ColumnReaderImpl<Int64Type>>,
    ints: Vec<ColumnReaderImpl<Int32Type>>,
    texts: Vec<ColumnReaderImpl<ByteArrayType>>,
}

#[derive(Default)]
struct Batch {
    longs: Vec<Vec<i64>>,
    ints: Vec<Vec<i32>>,
    texts: Vec<Vec<ByteArray>>,
}

impl Batch {
    fn rows(&self) -> usize {
        self.longs.first().map_or(0, Vec::len)
    }
}

/// Texts seen before, so that equal ones share memory.
#[derive(Default)]
struct Memory {
    last: HashMap<usize, Text>,
    words: HashMap<Bytes, Text>,
    currency: Option<(Bytes, Currency)>,
}

impl Memory {
    /// Ids repeat from row to row.
    fn id(&mut self, column: usize, bytes: &ByteArray) -> Result<Text, BookError> {
        let text = text(bytes)?;
        match self.last.get(&column) {
            Some(last) if **last == *text => Ok(last.clone()),
            _ => {
                let shared: Text = text.into();
                self.last.insert(column, shared.clone());
                Ok(shared)
            }
        }
    }

    /// Plans and sources repeat over the whole file.
    fn word(&mut self, bytes: &ByteArray) -> Result<Text, BookError> {
        if let Some(known) = self.words.get(bytes.data()) {
            return Ok(known.clone());
        }
        let shared: Text = text(bytes)?.into();
        if self.words.len() < 100_000 {
            self.words.insert(Bytes::copy_from_slice(bytes.data()), shared.clone());
        }
        Ok(shared)
    }

    fn currency(&mut self, bytes: &ByteArray) -> Result<Currency, BookError> {
        match &self.currency {
            Some((known, currency)) if known == bytes.data() => Ok(*currency),
            _ => {
                let currency =
                    Currency::parse(text(bytes)?).map_err(|e| BookError::damaged("a segment", e))?;
                self.currency = Some((Bytes::copy_from_slice(bytes.data()), currency));
                Ok(currency)
            }
        }
    }
}

fn text(bytes: &ByteArray) -> Result<&str, BookError> {
    std::str::from_utf8(bytes.data()).map_err(|e| BookError::damaged("a segment", e))
}

impl SegmentCursor {
    /// Opens a segment for the records whose customer hash lies in the range, ends included.
    pub fn open(file: Arc<dyn ReadFile>, name: &str, range: (u64, u64)) -> Result<SegmentCursor, BookError> {
        let reader = SerializedFileReader::new(Chunks(file)).map_err(|e| BookError::damaged(name, e))?;
        Ok(SegmentCursor {
            name: name.to_string(),
            reader,
            group: 0,
            columns: None,
            batch: Batch::default(),
            at: 0,
            range,
            memory: Memory::default(),
        })
    }

    /// The next record.
    pub fn next(&mut self) -> Result<Option<Filed>, BookError> {
        loop {
            while self.at < self.batch.rows() {
                let row = self.at;
                self.at += 1;
                let hash = self.batch.longs[0][row];
                if hash < ordered(self.range.0) {
                    continue;
                }
                if hash > ordered(self.range.1) {
                    return Ok(None);
                }
                return self.record(row).map(Some);
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Goes on no earlier than at a hash; skips whole row groups before it.
    pub fn seek(&mut self, hash: u64) -> Result<(), BookError> {
        self.range.0 = self.range.0.max(hash);
        let inside = self.batch.rows() > self.at
            && self.batch.longs[0].last().is_some_and(|last| *last >= ordered(hash));
        if inside {
            return Ok(());
        }
        self.at = self.batch.rows();
        if self.columns.is_some() && self.group > 0 && self.group_ends_before(self.group - 1, hash) {
            self.columns = None;
        }
        Ok(())
    }

    fn group_ends_before(&self, group: usize, hash: u64) -> bool {
        match self.reader.metadata().row_group(group).column(0).statistics() {
            Some(Statistics::Int64(statistics)) => {
                statistics.max_opt().is_some_and(|max| *max < ordered(hash))
            }
            _ => false,
        }
    }

    fn fill(&mut self) -> Result<bool, BookError> {
        loop {
            if self.columns.is_none() {
                while self.group < self.reader.num_row_groups()
                    && self.group_ends_before(self.group, self.range.0)
                {
                    self.group += 1;
                }
                if self.group >= self.reader.num_row_groups() {
                    return Ok(false);
                }
                let columns = self.open_group(self.group).map_err(|e| BookError::damaged(&self.name, e))?;
                self.columns = Some(columns);
                self.group += 1;
            }
            let columns = self.columns.as_mut().expect("opened above");
            self.batch = read_batch(columns).map_err(|e| BookError::damaged(&self.name, e))?;
            self.at = 0;
            if self.batch.rows() > 0 {
                return Ok(true);
            }
            self.columns = None;
        }
    }

    fn open_group(&self, group: usize) -> Result<Columns, ParquetError> {
        let group = self.reader.get_row_group(group)?;
        let mut columns = Columns { longs: Vec::new(), ints: Vec::new(), texts: Vec::new() };
        for at in 0..LONGS.len() {
            columns.longs.push(get_typed_column_reader(group.get_column_reader(at)?));
        }
        for at in 0..INTS.len() {
            columns.ints.push(get_typed_column_reader(group.get_column_reader(LONGS.len() + at)?));
        }
        for at in 0..TEXTS.len() {
            let column = LONGS.len() + INTS.len() + at;
            columns.texts.push(get_typed_column_reader(group.get_column_reader(column)?));
        }
        Ok(columns)
    }

    fn record(&mut self, row: usize) -> Result<Filed, BookError> {
        let long = |at: usize| self.batch.longs[at][row];
        let int = |at: usize| self.batch.ints[at][row];
        let texts = &self.batch.texts;
        let memory = &mut self.memory;
        let instant = |at: usize| Some(long(at)).filter(|v| *v != NONE).map(Instant::from_micros);
        let under = memory.id(0, &texts[0][row])?;
        let customer = if texts[1][row].is_empty() { under.clone() } else { memory.id(1, &texts[1][row])? };
        let source = memory.word(&texts[2][row])?;
        let unknown = |what: &str| BookError::damaged(&self.name, format!("row with an unknown {what}"));
        let holds = int(1) & HOLDS != 0;
        let body = if int(0) == 0 {
            let values = match holds {
                true => Some(
                    serde_json::from_slice(texts[9][row].data())
                        .map_err(|e| BookError::damaged(&self.name, e))?,
                ),
                false => None,
            };
            Body::Attributes { effective_at: instant(1), values }
        } else if int(0) == 2 {
            let kind = u8::try_from(int(2)).ok().and_then(EntryKind::from_code);
            let kind = kind.ok_or_else(|| unknown("kind of entry"))?;
            let entry =
                entry_of(kind, text(&texts[9][row])?).map_err(|e| BookError::damaged(&self.name, e))?;
            let effective_at = Instant::from_micros(long(1));
            Body::Entry { kind, key: memory.id(4, &texts[4][row])?, effective_at, entry }
        } else {
            let subscription = memory.id(3, &texts[3][row])?;
            let item =
                if texts[4][row].is_empty() { subscription.clone() } else { memory.id(4, &texts[4][row])? };
            let state = match holds {
                false => None,
                true => Some(Box::new(ItemState {
                    status: status_of(int(2)).ok_or_else(|| unknown("status"))?,
                    plan: match texts[5][row].is_empty() {
                        true => None,
                        false => Some(memory.word(&texts[5][row])?),
                    },
                    amount: Decimal::new(
                        (i128::from(long(4)) << 64) | i128::from(long(3) as u64),
                        u8::try_from(int(3)).map_err(|_| unknown("scale"))?,
                    ),
                    currency: memory.currency(&texts[6][row])?,
                    interval: interval_of(int(4)).ok_or_else(|| unknown("interval"))?,
                    interval_count: u32::try_from(long(5)).map_err(|_| unknown("interval count"))?,
                    quantity_micros: long(6),
                    usage_type: if int(1) & METERED != 0 { UsageType::Metered } else { UsageType::Licensed },
                    discounts: discounts_of(text(&texts[7][row])?).ok_or_else(|| unknown("discount"))?,
                    trial_end: instant(7),
                    cancel_requested_at: instant(8),
                    cancel_at: instant(9),
                    reason: reason_of(int(5)),
                    reason_text: match texts[8][row].is_empty() {
                        true => None,
                        false => Some(memory.word(&texts[8][row])?),
                    },
                    reconstructed: int(1) & RECONSTRUCTED != 0,
                })),
            };
            Body::State {
                subscription,
                item,
                effective_at: Instant::from_micros(long(1)),
                seq: long(2),
                state,
            }
        };
        let fact = Fact {
            source,
            customer,
            body,
            recorded_at: Instant::from_micros(long(10)),
            version: Some(long(11)).filter(|v| *v != NONE),
            booked_seq: long(12) as u64,
            payload: PayloadRef { payload: int(6) as u32, row: long(13) as u64 },
        };
        Ok(Filed { under, fact })
    }
}

fn read_batch(columns: &mut Columns) -> Result<Batch, ParquetError> {
    let mut batch = Batch::default();
    for reader in &mut columns.longs {
        let mut values = Vec::with_capacity(BATCH_ROWS);
        reader.read_records(BATCH_ROWS, None, None, &mut values)?;
        batch.longs.push(values);
    }
    for reader in &mut columns.ints {
        let mut values = Vec::with_capacity(BATCH_ROWS);
        reader.read_records(BATCH_ROWS, None, None, &mut values)?;
        batch.ints.push(values);
    }
    for reader in &mut columns.texts {
        let mut values = Vec::with_capacity(BATCH_ROWS);
        reader.read_records(BATCH_ROWS, None, None, &mut values)?;
        batch.texts.push(values);
    }
    let rows = batch.rows();
    let even = batch.ints.iter().all(|c| c.len() == rows) && batch.texts.iter().all(|c| c.len() == rows);
    if even { Ok(batch) } else { Err(ParquetError::General("columns of different lengths".into())) }
}
