//! One row group of a segment from sorted columns: pages made from numbers, without looking values up.
//!
//! What a content says is a dictionary page of few values and small numbers; ids are a dictionary page in the order of the
//! rows and runs; instants, bookings and lines are differences. All of it is plain Parquet.

use super::Sorted;
use crate::record::{discounts_text, interval_code, reason_code, status_code, subscription_hash};
use crate::segment::{EncodedGroup, HOLDS, INTS, LONGS, METERED, NONE, RECONSTRUCTED, TEXTS, ordered};
use bytes::Bytes;
use netnew_facts::{ItemState, NO_INSTANT, UsageType, WITHDRAWN};
use netnew_money::Instant;
use parquet::basic::Encoding;
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};
use std::collections::HashMap;

/// A column that depends on the content alone: its values, and by content which of them; one more for "withdrawn".
struct OfContent<T> {
    values: Vec<T>,
    codes: Vec<u32>,
}

/// Columns of numbers that depend on the content.
pub(super) const SAID_LONGS: [&str; 7] = [
    "amount_low",
    "amount_high",
    "interval_count",
    "quantity_micros",
    "trial_end",
    "cancel_requested_at",
    "cancel_at",
];
/// Columns of small numbers that depend on the content.
pub(super) const SAID_INTS: [&str; 5] = ["flags", "status", "amount_scale", "interval", "reason"];
/// Columns of texts that depend on the content.
pub(super) const SAID_TEXTS: [&str; 4] = ["plan", "currency", "discounts", "reason_text"];

/// What every content says, column by column, in the order of the lists above.
pub(super) struct ContentColumns {
    longs: [OfContent<i64>; SAID_LONGS.len()],
    ints: [OfContent<i32>; SAID_INTS.len()],
    texts: [OfContent<String>; SAID_TEXTS.len()],
}

fn of_content<T: Clone + Eq + std::hash::Hash>(
    contents: &[ItemState],
    withdrawn: T,
    value: impl Fn(&ItemState) -> T,
) -> OfContent<T> {
    let mut numbers: HashMap<T, u32> = HashMap::new();
    let mut column = OfContent { values: Vec::new(), codes: Vec::with_capacity(contents.len() + 1) };
    for value in contents.iter().map(value).chain([withdrawn]) {
        let next = column.values.len() as u32;
        column.codes.push(*numbers.entry(value).or_insert_with_key(|value| {
            column.values.push(value.clone());
            next
        }));
    }
    column
}

impl ContentColumns {
    pub(super) fn new(contents: &[ItemState]) -> ContentColumns {
        let long = |value: fn(&ItemState) -> i64| of_content(contents, 0, value);
        let int = |value: fn(&ItemState) -> i32| of_content(contents, 0, value);
        let text = |value: fn(&ItemState) -> String| of_content(contents, String::new(), value);
        ContentColumns {
            longs: [
                long(|s| s.amount.mantissa() as i64),
                long(|s| (s.amount.mantissa() >> 64) as i64),
                long(|s| i64::from(s.interval_count)),
                long(|s| s.quantity_micros),
                long(|s| micros(s.trial_end)),
                long(|s| micros(s.cancel_requested_at)),
                long(|s| micros(s.cancel_at)),
            ],
            ints: [
                int(flags),
                int(|s| status_code(s.status)),
                int(|s| i32::from(s.amount.scale())),
                int(|s| interval_code(s.interval)),
                int(|s| reason_code(s.reason)),
            ],
            texts: [
                text(|s| s.plan.as_deref().unwrap_or_default().to_string()),
                text(|s| s.currency.as_str().to_string()),
                text(|s| discounts_text(&s.discounts)),
                text(|s| s.reason_text.as_deref().unwrap_or_default().to_string()),
            ],
        }
    }

    fn long_of(&self, name: &str) -> Option<&OfContent<i64>> {
        SAID_LONGS.iter().position(|said| *said == name).map(|at| &self.longs[at])
    }

    fn int_of(&self, name: &str) -> Option<&OfContent<i32>> {
        SAID_INTS.iter().position(|said| *said == name).map(|at| &self.ints[at])
    }

    fn text_of(&self, name: &str) -> Option<&OfContent<String>> {
        SAID_TEXTS.iter().position(|said| *said == name).map(|at| &self.texts[at])
    }

    /// A number that a content says, by place in [`SAID_LONGS`].
    pub(super) fn long(&self, at: usize, content: usize) -> i64 {
        self.longs[at].values[self.longs[at].codes[content] as usize]
    }

    /// A small number that a content says, by place in [`SAID_INTS`].
    pub(super) fn int(&self, at: usize, content: usize) -> i32 {
        self.ints[at].values[self.ints[at].codes[content] as usize]
    }

    /// Number of the text that a content says, by place in [`SAID_TEXTS`].
    pub(super) fn text(&self, at: usize, content: usize) -> u32 {
        self.texts[at].codes[content]
    }

    /// The texts of a column, by number.
    pub(super) fn texts(&self, at: usize) -> &[String] {
        &self.texts[at].values
    }
}

fn micros(at: Option<Instant>) -> i64 {
    at.map_or(NONE, Instant::micros)
}

fn flags(state: &ItemState) -> i32 {
    HOLDS
        | if state.usage_type == UsageType::Metered { METERED } else { 0 }
        | if state.reconstructed { RECONSTRUCTED } else { 0 }
}

/// The values of a page's dictionary, by type.
trait Plain {
    fn put(&self, out: &mut Vec<u8>);
}

impl Plain for i64 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

impl Plain for i32 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

impl Plain for &str {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.len() as u32).to_le_bytes());
        out.extend_from_slice(self.as_bytes());
    }
}

impl Plain for String {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_str().put(out);
    }
}

/// Encodes the rows of `sorted` with the columns of `schema`, as [`crate::segment::SegmentWriter`] has them.
pub(super) fn encode(
    sorted: &Sorted,
    of: &ContentColumns,
    schema: &SchemaDescriptor,
) -> Result<EncodedGroup, ParquetError> {
    let encoder = Encoder { sorted, of, rows: sorted.rows() };
    let mut columns = Vec::with_capacity(schema.num_columns());
    for name in LONGS {
        columns.push(encoder.long(name, schema.column(columns.len()))?);
    }
    for name in INTS {
        columns.push(encoder.int(name, schema.column(columns.len()))?);
    }
    for name in TEXTS {
        columns.push(encoder.text(name, schema.column(columns.len()))?);
    }
    let mut spread = vec![0; 64];
    let mut owners = Vec::new();
    for (customer, hash) in sorted.hashes.iter().enumerate() {
        for item in sorted.items_of(customer) {
            spread[(hash >> 58) as usize] += sorted.rows_of(item).len() as u64;
            let owner = (subscription_hash(sorted.source(), sorted.subscriptions.get(item)), *hash);
            if owners.last() != Some(&owner) {
                owners.push(owner);
            }
        }
    }
    let learned = (0..sorted.rows()).map(|row| sorted.learned(row).0);
    let newest_recorded =
        if sorted.has_rare() { learned.max() } else { learned.take(1).max() }.unwrap_or(NONE);
    let least = sorted.at.iter().copied().min().unwrap_or(NONE);
    let most = sorted.at.iter().copied().max().unwrap_or(NONE);
    Ok(EncodedGroup {
        columns,
        rows: sorted.rows() as u64,
        spread,
        newest_recorded,
        span: (least, most),
        owners,
    })
}

struct Encoder<'e> {
    sorted: &'e Sorted<'e>,
    of: &'e ContentColumns,
    rows: usize,
}

type Column = Result<(Bytes, ColumnCloseResult), ParquetError>;

impl Encoder<'_> {
    fn long(&self, name: &str, column: ColumnDescPtr) -> Column {
        let sorted = self.sorted;
        match name {
            "customer_hash" => {
                let values: Vec<i64> = sorted.hashes.iter().map(|hash| ordered(*hash)).collect();
                let ends = (0..values.len()).map(|customer| sorted.items_of(customer).end);
                let data = runs(
                    ends.map(|item| item.checked_sub(1).map_or(0, |i| sorted.rows_end[i])),
                    values.len(),
                );
                let statistics =
                    Statistics::int64(values.first().copied(), values.last().copied(), None, Some(0), false);
                coded(column, &values, data, self.rows, Some(statistics))
            }
            "effective_at" => differences(column, sorted.at.iter().copied(), self.rows),
            "booked_seq" => differences(column, sorted.booked.iter().map(|seq| *seq as i64), self.rows),
            "payload_row" => differences(column, sorted.line.iter().map(|line| *line as i64), self.rows),
            "seq" if sorted.has_rare() => self.found(column, (0..self.rows).map(|row| sorted.seq(row))),
            "recorded_at" if sorted.has_rare() => {
                self.found(column, (0..self.rows).map(|row| sorted.learned(row).0))
            }
            "recorded_at" if self.rows > 0 => constant(column, sorted.learned(0).0, self.rows),
            "version" => match sorted.has_rare() {
                true => self.found(column, (0..self.rows).map(|row| sorted.learned(row).1.unwrap_or(NONE))),
                false => constant(column, NONE, self.rows),
            },
            "trial_end" | "cancel_requested_at" | "cancel_at" if !sorted.instants.is_empty() => {
                let place = SAID_LONGS.iter().position(|said| *said == name).unwrap_or_default();
                let of = &self.of.longs[place];
                let mut own = sorted.instants.iter().peekable();
                let values = (0..self.rows).map(|row| {
                    let content = self.content(row);
                    let mut at = of.values[of.codes[content] as usize];
                    if let Some((_, instants)) = own.next_if(|(own, _)| *own as usize == row) {
                        let stated = match name {
                            "trial_end" => instants.trial_end,
                            "cancel_requested_at" => instants.cancel_requested_at,
                            _ => instants.cancel_at,
                        };
                        if stated != NO_INSTANT {
                            at = stated;
                        }
                    }
                    at
                });
                self.found(column, values)
            }
            _ => match self.of.long_of(name) {
                Some(of) => self.of_content(column, of),
                None => constant(column, 0i64, self.rows),
            },
        }
    }

    fn int(&self, name: &str, column: ColumnDescPtr) -> Column {
        match (name, self.of.int_of(name)) {
            ("kind", _) => constant(column, 1, self.rows),
            ("payload", _) => self.found(column, self.sorted.payload.iter().map(|payload| *payload as i32)),
            (_, Some(of)) => self.of_content(column, of),
            (_, None) => constant(column, 0, self.rows),
        }
    }

    fn text(&self, name: &str, column: ColumnDescPtr) -> Column {
        let sorted = self.sorted;
        let item_ends = || sorted.rows_end.iter().copied();
        match name {
            "customer" => {
                let values: Vec<&str> = (0..sorted.hashes.len()).map(|at| sorted.customers.get(at)).collect();
                let ends = (0..values.len()).map(|customer| sorted.items_of(customer).end);
                let data = runs(
                    ends.map(|item| item.checked_sub(1).map_or(0, |i| sorted.rows_end[i])),
                    values.len(),
                );
                coded(column, &values, data, self.rows, None)
            }
            "subscription" => {
                let values: Vec<&str> =
                    (0..sorted.rows_end.len()).map(|at| sorted.subscriptions.get(at)).collect();
                coded(column, &values, runs(item_ends(), values.len()), self.rows, None)
            }
            "item" => {
                let values: Vec<&str> = (0..sorted.rows_end.len()).map(|at| sorted.items.get(at)).collect();
                coded(column, &values, runs(item_ends(), values.len()), self.rows, None)
            }
            "source" => constant(column, &**sorted.source(), self.rows),
            "discounts" if sorted.instants.iter().any(|(_, instants)| instants.until != NO_INSTANT) => {
                let of = &self.of.texts[2];
                let values = (0..self.rows).map(|row| match sorted.instants_of(row) {
                    Some(instants) if instants.until != NO_INSTANT => {
                        sorted.state(row).map_or_else(String::new, |state| discounts_text(&state.discounts))
                    }
                    _ => of.values[of.codes[self.content(row)] as usize].clone(),
                });
                self.found(column, values)
            }
            _ => match self.of.text_of(name) {
                Some(of) => self.of_content(column, of),
                None => constant(column, "", self.rows),
            },
        }
    }

    fn content(&self, row: usize) -> usize {
        match self.sorted.content[row] {
            WITHDRAWN => self.sorted.contents.len(),
            content => content as usize,
        }
    }

    fn of_content<T: Plain>(&self, column: ColumnDescPtr, of: &OfContent<T>) -> Column {
        if let [only] = of.values.as_slice() {
            return constant_of(column, only, self.rows);
        }
        let mut here = vec![u32::MAX; of.values.len()];
        let mut values: Vec<&T> = Vec::new();
        let codes: Vec<u32> = (0..self.rows)
            .map(|row| {
                let value = of.codes[self.content(row)] as usize;
                if here[value] == u32::MAX {
                    here[value] = values.len() as u32;
                    values.push(&of.values[value]);
                }
                here[value]
            })
            .collect();
        let data = packed(&codes, values.len());
        let mut dictionary = Vec::new();
        values.iter().for_each(|value| value.put(&mut dictionary));
        chunk(column, Some((dictionary, values.len())), data, Encoding::RLE_DICTIONARY, self.rows, None)
    }

    /// A dictionary of the values that are found.
    fn found<T: Plain + Clone + Eq + std::hash::Hash>(
        &self,
        column: ColumnDescPtr,
        all: impl Iterator<Item = T>,
    ) -> Column {
        let mut numbers: HashMap<T, u32, foldhash::fast::FixedState> = HashMap::default();
        let mut values: Vec<T> = Vec::new();
        let mut codes: Vec<u32> = Vec::with_capacity(self.rows);
        for value in all {
            let next = values.len() as u32;
            codes.push(*numbers.entry(value).or_insert_with_key(|value| {
                values.push(value.clone());
                next
            }));
        }
        let data = packed(&codes, values.len());
        coded(column, &values, data, self.rows, None)
    }
}

fn constant<T: Plain>(column: ColumnDescPtr, value: T, rows: usize) -> Column {
    constant_of(column, &value, rows)
}

fn constant_of<T: Plain>(column: ColumnDescPtr, value: &T, rows: usize) -> Column {
    let mut dictionary = Vec::new();
    value.put(&mut dictionary);
    let data = runs([rows as u32].into_iter(), 1);
    chunk(column, Some((dictionary, 1)), data, Encoding::RLE_DICTIONARY, rows, None)
}

fn coded<T: Plain>(
    column: ColumnDescPtr,
    values: &[T],
    data: Vec<u8>,
    rows: usize,
    statistics: Option<Statistics>,
) -> Column {
    let mut dictionary = Vec::new();
    values.iter().for_each(|value| value.put(&mut dictionary));
    chunk(column, Some((dictionary, values.len())), data, Encoding::RLE_DICTIONARY, rows, statistics)
}

fn bits(count: usize) -> u32 {
    usize::BITS - count.saturating_sub(1).leading_zeros()
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Numbers 0, 1, 2 ... below `count`, each up to a row.
fn runs(ends: impl Iterator<Item = u32>, count: usize) -> Vec<u8> {
    let width = bits(count).max(1);
    let bytes = width.div_ceil(8) as usize;
    let mut out = vec![width as u8];
    let mut from = 0;
    for (number, end) in ends.enumerate() {
        if end > from {
            varint(u64::from(end - from) << 1, &mut out);
            out.extend_from_slice(&(number as u32).to_le_bytes()[..bytes]);
        }
        from = end;
    }
    out
}

/// Numbers below `count`, in groups of eight.
fn packed(codes: &[u32], count: usize) -> Vec<u8> {
    if count <= 1 {
        return runs([codes.len() as u32].into_iter(), count);
    }
    let width = bits(count);
    let groups = codes.len().div_ceil(8);
    let mut out = Vec::with_capacity(groups * width as usize + 8);
    out.push(width as u8);
    varint((groups as u64) << 1 | 1, &mut out);
    let values = codes.iter().map(|code| u64::from(*code)).chain(std::iter::repeat(0));
    pack(values.take(groups * 8), width, &mut out);
    out
}

/// Packs values of `width` bits, lowest bits first; together they fill whole bytes.
fn pack(values: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    let (mut word, mut filled) = (0u128, 0u32);
    for value in values {
        word |= u128::from(value) << filled;
        filled += width;
        while filled >= 64 {
            out.extend_from_slice(&(word as u64).to_le_bytes());
            word >>= 64;
            filled -= 64;
        }
    }
    let rest = (word as u64).to_le_bytes();
    out.extend_from_slice(&rest[..filled.div_ceil(8) as usize]);
}

/// Values of a block and of its four parts, which have widths of their own.
const BLOCK: usize = 128;
const MINI: usize = 32;

/// Numbers as differences to the one before.
fn differences(column: ColumnDescPtr, values: impl Iterator<Item = i64>, rows: usize) -> Column {
    let mut out = Vec::with_capacity(rows * 4 + 64);
    varint(BLOCK as u64, &mut out);
    varint((BLOCK / MINI) as u64, &mut out);
    varint(rows as u64, &mut out);
    let mut values = values;
    let mut last = values.next().unwrap_or(0);
    varint(zigzag(last), &mut out);
    let mut block: Vec<i64> = Vec::with_capacity(BLOCK);
    loop {
        block.clear();
        block.extend(values.by_ref().take(BLOCK).map(|value| {
            let difference = value.wrapping_sub(last);
            last = value;
            difference
        }));
        let Some(least) = block.iter().copied().min() else { break };
        varint(zigzag(least), &mut out);
        let above: Vec<u64> = block.iter().map(|d| d.wrapping_sub(least) as u64).collect();
        let widths: Vec<u32> = above
            .chunks(MINI)
            .map(|mini| u64::BITS - mini.iter().fold(0, |all, d| all | d).leading_zeros())
            .collect();
        out.extend(widths.iter().map(|width| *width as u8).chain([0; BLOCK / MINI]).take(BLOCK / MINI));
        for (mini, width) in above.chunks(MINI).zip(widths) {
            pack(mini.iter().copied().chain(std::iter::repeat(0)).take(MINI), width, &mut out);
        }
    }
    chunk(column, None, out, Encoding::DELTA_BINARY_PACKED, rows, None)
}

/// A column chunk of one data page.
fn chunk(
    column: ColumnDescPtr,
    dictionary: Option<(Vec<u8>, usize)>,
    data: Vec<u8>,
    encoding: Encoding,
    rows: usize,
    statistics: Option<Statistics>,
) -> Column {
    let size = data.len() + dictionary.as_ref().map_or(0, |(bytes, _)| bytes.len()) + 64;
    let mut sink = TrackedWrite::new(Vec::with_capacity(size));
    let mut writer = SerializedPageWriter::new(&mut sink);
    let mut dictionary_at = None;
    if let Some((bytes, count)) = dictionary {
        let length = bytes.len();
        let page = Page::DictionaryPage {
            buf: bytes.into(),
            num_values: count as u32,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        dictionary_at = Some(writer.write_page(CompressedPage::new(page, length))?.offset as i64);
    }
    let length = data.len();
    let page = Page::DataPage {
        buf: data.into(),
        num_values: rows as u32,
        encoding,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    };
    let data_at = writer.write_page(CompressedPage::new(page, length))?.offset as i64;
    writer.close()?;
    let bytes = sink.into_inner()?;
    let total = bytes.len() as i64;
    let encodings = match dictionary_at {
        Some(_) => vec![Encoding::PLAIN, Encoding::RLE, encoding],
        None => vec![Encoding::RLE, encoding],
    };
    let mut metadata = ColumnChunkMetaData::builder(column)
        .set_encodings(encodings)
        .set_total_compressed_size(total)
        .set_total_uncompressed_size(total)
        .set_num_values(rows as i64)
        .set_data_page_offset(data_at)
        .set_dictionary_page_offset(dictionary_at);
    if let Some(statistics) = statistics {
        metadata = metadata.set_statistics(statistics);
    }
    let close = ColumnCloseResult {
        bytes_written: total as u64,
        rows_written: rows as u64,
        metadata: metadata.build()?,
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    };
    Ok((bytes.into(), close))
}
