//! What the book has of a customer, by column: to see quickly that an import says what is known already.

use super::encode::{ContentColumns, SAID_INTS, SAID_LONGS, SAID_TEXTS};
use super::sorted::Sorted;
use crate::error::BookError;
use crate::record::discounts_text;
use crate::segment::{Chunks, HOLDS, INTS, LONGS, NONE, SegmentInfo, TEXTS, ordered};
use netnew_facts::{NO_INSTANT, WITHDRAWN, unpack_numbers};
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::statistics::Statistics;
use std::collections::HashMap;
use std::ops::Range;

/// A segment that can be read by row group from several threads.
pub(super) struct Segment {
    name: String,
    reader: SerializedFileReader<Chunks>,
}

impl Segment {
    pub(super) fn open(
        info: &SegmentInfo,
        file: std::sync::Arc<dyn crate::files::ReadFile>,
    ) -> Result<Segment, BookError> {
        let name = info.name.clone();
        let reader = SerializedFileReader::new(Chunks(file)).map_err(|e| BookError::damaged(&name, e))?;
        Ok(Segment { name, reader })
    }

    /// Hashes of the first and last customer of a row group.
    fn covers(&self, group: usize) -> Option<(i64, i64)> {
        match self.reader.metadata().row_group(group).column(0).statistics() {
            Some(Statistics::Int64(statistics)) => Some((*statistics.min_opt()?, *statistics.max_opt()?)),
            _ => None,
        }
    }
}

/// A column of texts: distinct neighbours once.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    spans: Vec<(u32, u32)>,
    codes: Vec<u32>,
}

impl Texts {
    fn value(&self, code: u32) -> &[u8] {
        let (start, length) = self.spans[code as usize];
        &self.bytes[start as usize..(start + length) as usize]
    }

    fn get(&self, row: usize) -> &[u8] {
        self.value(self.codes[row])
    }

    fn add(&mut self, mut bytes: &[u8], count: usize) -> Option<()> {
        for _ in 0..count {
            let (length, rest) = bytes.split_first_chunk::<4>()?;
            let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            bytes = rest;
            self.spans.push((u32::try_from(self.bytes.len()).ok()?, value.len() as u32));
            self.bytes.extend_from_slice(value);
        }
        Some(())
    }

    fn read(mut pages: Box<dyn PageReader>) -> Result<Texts, ParquetError> {
        let broken = || ParquetError::General("a column of texts cannot be decoded".into());
        let mut texts = Texts::default();
        let mut codes = Vec::new();
        while let Some(page) = pages.get_next_page()? {
            let (bytes, count, encoding) = match page {
                Page::DictionaryPage { buf, num_values, .. } => {
                    texts.add(&buf, num_values as usize).ok_or_else(broken)?;
                    continue;
                }
                Page::DataPage { buf, num_values, encoding, .. }
                | Page::DataPageV2 { buf, num_values, encoding, .. } => (buf, num_values as usize, encoding),
            };
            match encoding {
                Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                    let (width, packed) = bytes.split_first().ok_or_else(broken)?;
                    unpack_numbers(packed, *width, count, &mut codes).ok_or_else(broken)?;
                    if codes.iter().any(|code| *code as usize >= texts.spans.len()) {
                        return Err(broken());
                    }
                    texts.codes.extend_from_slice(&codes);
                }
                Encoding::PLAIN => {
                    let first = texts.spans.len() as u32;
                    texts.add(&bytes, count).ok_or_else(broken)?;
                    let mut last = first;
                    for code in first..first + count as u32 {
                        if texts.value(code) != texts.value(last) {
                            last = code;
                        }
                        texts.codes.push(last);
                    }
                }
                _ => return Err(broken()),
            }
        }
        Ok(texts)
    }
}

/// One row group of a segment.
struct Group {
    hashes: Vec<i64>,
    at: Vec<i64>,
    seq: Vec<i64>,
    version: Vec<i64>,
    kind: Vec<i32>,
    longs: [Vec<i64>; SAID_LONGS.len()],
    ints: [Vec<i32>; SAID_INTS.len()],
    customer: Texts,
    speaks_of: Texts,
    source: Texts,
    subscription: Texts,
    item: Texts,
    texts: [Texts; SAID_TEXTS.len()],
    /// For the texts, by number of the text here: its number among the import's, `u32::MAX` for none.
    numbers: [Vec<u32>; SAID_TEXTS.len()],
}

impl Group {
    fn read(segment: &Segment, number: usize, of: &ContentColumns) -> Result<Group, BookError> {
        Group::try_read(segment, number, of).map_err(|e| BookError::damaged(&segment.name, e))
    }

    fn try_read(segment: &Segment, number: usize, of: &ContentColumns) -> Result<Group, ParquetError> {
        let group = segment.reader.get_row_group(number)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let place = |names: &[&str], name: &str| {
            names
                .iter()
                .position(|n| *n == name)
                .ok_or_else(|| ParquetError::General(format!("no column {name}")))
        };
        let uneven = || ParquetError::General("columns of different lengths".into());
        let long = |name: &str| -> Result<Vec<i64>, ParquetError> {
            let at = place(&LONGS, name)?;
            let mut values = Vec::with_capacity(rows);
            let mut reader = get_typed_column_reader::<Int64Type>(group.get_column_reader(at)?);
            reader.read_records(rows, None, None, &mut values)?;
            if values.len() == rows { Ok(values) } else { Err(uneven()) }
        };
        let int = |name: &str| -> Result<Vec<i32>, ParquetError> {
            let at = LONGS.len() + place(&INTS, name)?;
            let mut values = Vec::with_capacity(rows);
            let mut reader = get_typed_column_reader::<Int32Type>(group.get_column_reader(at)?);
            reader.read_records(rows, None, None, &mut values)?;
            if values.len() == rows { Ok(values) } else { Err(uneven()) }
        };
        let text = |name: &str| -> Result<Texts, ParquetError> {
            let at = LONGS.len() + INTS.len() + place(&TEXTS, name)?;
            let texts = Texts::read(group.get_column_page_reader(at)?)?;
            if texts.codes.len() == rows { Ok(texts) } else { Err(uneven()) }
        };
        let mut out = Group {
            hashes: long("customer_hash")?,
            at: long("effective_at")?,
            seq: long("seq")?,
            version: long("version")?,
            kind: int("kind")?,
            longs: Default::default(),
            ints: Default::default(),
            customer: text("customer")?,
            speaks_of: text("speaks_of")?,
            source: text("source")?,
            subscription: text("subscription")?,
            item: text("item")?,
            texts: Default::default(),
            numbers: Default::default(),
        };
        for (slot, name) in out.longs.iter_mut().zip(SAID_LONGS) {
            *slot = long(name)?;
        }
        for (slot, name) in out.ints.iter_mut().zip(SAID_INTS) {
            *slot = int(name)?;
        }
        for (at, name) in SAID_TEXTS.into_iter().enumerate() {
            let texts = text(name)?;
            let known: HashMap<&[u8], u32> =
                of.texts(at).iter().enumerate().map(|(n, v)| (v.as_bytes(), n as u32)).collect();
            let number = |(start, length): &(u32, u32)| {
                let value = &texts.bytes[*start as usize..(start + length) as usize];
                known.get(value).copied().unwrap_or(u32::MAX)
            };
            out.numbers[at] = texts.spans.iter().map(number).collect();
            out.texts[at] = texts;
        }
        Ok(out)
    }

    /// The rows filed under a customer, from a row on.
    fn rows_of(&self, from: usize, hash: u64, id: &str) -> Range<usize> {
        let wanted = (ordered(hash), id.as_bytes());
        let key = |row: usize| (self.hashes[row], self.customer.get(row));
        let mut start = from;
        if start < self.hashes.len() && key(start) < wanted {
            // Customers come in order, so that the next one is near; but for those that the import does not have.
            let mut step = 16;
            while start + step < self.hashes.len() && key(start + step) < wanted {
                start += step;
                step *= 2;
            }
            while start < self.hashes.len() && key(start) < wanted {
                start += 1;
            }
        }
        let end = start
            + self.hashes[start..].iter().enumerate().take_while(|(at, _)| key(start + at) == wanted).count();
        start..end
    }
}

/// Where one thread is in one segment.
struct Place<'s> {
    segment: &'s Segment,
    group: usize,
    read: Option<Group>,
    row: usize,
}

/// The segments of a book, for customers in order.
pub(super) struct Stored<'s> {
    places: Vec<Place<'s>>,
    of: &'s ContentColumns,
}

impl<'s> Stored<'s> {
    pub(super) fn new(segments: &'s [Segment], of: &'s ContentColumns) -> Stored<'s> {
        let places = segments.iter().map(|segment| Place { segment, group: 0, read: None, row: 0 });
        Stored { places: places.collect(), of }
    }

    /// Compares a customer's new rows with what is known; customers come in order.
    pub(super) fn verdict(
        &mut self,
        sorted: &Sorted,
        items: Range<usize>,
        hash: u64,
        id: &str,
    ) -> Result<Verdict, BookError> {
        let mut found: Option<(usize, Range<usize>)> = None;
        let mut several = false;
        for at in 0..self.places.len() {
            let rows = self.places[at].find(hash, id, self.of)?;
            if !rows.is_empty() {
                several |= found.is_some();
                found = Some((at, rows));
            }
        }
        Ok(match found {
            None => Verdict::Nothing,
            Some((at, rows)) => match &self.places[at].read {
                Some(group) if !several => compare(sorted, items, group, rows, self.of),
                _ => Verdict::Unclear,
            },
        })
    }
}

impl Place<'_> {
    fn find(&mut self, hash: u64, id: &str, of: &ContentColumns) -> Result<Range<usize>, BookError> {
        let hash_ordered = ordered(hash);
        loop {
            if self.group >= self.segment.reader.num_row_groups() {
                return Ok(0..0);
            }
            let covers = self.segment.covers(self.group);
            if covers.is_some_and(|(_, last)| last < hash_ordered) {
                self.group += 1;
                (self.read, self.row) = (None, 0);
                continue;
            }
            if covers.is_some_and(|(first, _)| first > hash_ordered) {
                return Ok(0..0);
            }
            if self.read.is_none() {
                self.read = Some(Group::read(self.segment, self.group, of)?);
            }
            let Some(group) = &self.read else { return Ok(0..0) };
            let rows = group.rows_of(self.row, hash, id);
            self.row = rows.start;
            if rows.is_empty() && rows.start == group.hashes.len() && covers.is_none() {
                self.group += 1;
                (self.read, self.row) = (None, 0);
                continue;
            }
            return Ok(rows);
        }
    }
}

/// What there is to say of a customer's rows, each of which says something of its own.
pub(super) enum Verdict {
    /// Nothing is known of the customer.
    Nothing,
    /// All of it is known.
    Known,
    /// These rows are new, and the others known.
    New(Vec<u64>),
    /// It takes a closer look.
    Unclear,
}

/// Compares a customer's new rows with what is known of it, both in the order of keys.
fn compare(
    sorted: &Sorted,
    items: Range<usize>,
    group: &Group,
    known: Range<usize>,
    of: &ContentColumns,
) -> Verdict {
    let source = sorted.source().as_bytes();
    let mut news = Vec::new();
    // Attributes, and what other sources say, is about something else. Copies of others' facts are not.
    let mut old = known.filter(|row| group.kind[*row] == 1 && group.source.get(*row) == source).peekable();
    for item in items {
        let (subscription, own) = (sorted.subscriptions.get(item), sorted.items.get(item));
        for row in sorted.rows_of(item) {
            let key = (subscription, own_of(subscription, own), sorted.at[row], sorted.seq(row));
            loop {
                let Some(next) = old.peek().copied() else {
                    news.push(sorted.booked[row]);
                    break;
                };
                if !group.speaks_of.get(next).is_empty() {
                    return Verdict::Unclear;
                }
                match group.key(next).cmp(&bytes_of(key)) {
                    std::cmp::Ordering::Less => {
                        old.next();
                    }
                    std::cmp::Ordering::Greater => {
                        news.push(sorted.booked[row]);
                        break;
                    }
                    std::cmp::Ordering::Equal => {
                        old.next();
                        let twice = old.peek().is_some_and(|after| group.key(*after) == bytes_of(key));
                        if twice || !group.says(next, sorted, row, of) {
                            return Verdict::Unclear;
                        }
                        break;
                    }
                }
            }
        }
    }
    if old.any(|row| !group.speaks_of.get(row).is_empty()) {
        return Verdict::Unclear;
    }
    if news.is_empty() { Verdict::Known } else { Verdict::New(news) }
}

fn own_of<'a>(subscription: &'a str, own: &'a str) -> &'a str {
    if own.is_empty() { subscription } else { own }
}

type Key<'a> = (&'a [u8], &'a [u8], i64, i64);

fn bytes_of<'a>(key: (&'a str, &'a str, i64, i64)) -> Key<'a> {
    (key.0.as_bytes(), key.1.as_bytes(), key.2, key.3)
}

impl Group {
    fn key(&self, row: usize) -> Key<'_> {
        let subscription = self.subscription.get(row);
        let own = self.item.get(row);
        (subscription, if own.is_empty() { subscription } else { own }, self.at[row], self.seq[row])
    }

    /// Whether a row says what a new row of the same key says, under the same version.
    fn says(&self, old: usize, sorted: &Sorted, new: usize, of: &ContentColumns) -> bool {
        let content = sorted.content[new];
        if content == WITHDRAWN || self.ints[0][old] & HOLDS == 0 {
            return false;
        }
        let content = content as usize;
        let instants = sorted.instants_of(new);
        if sorted.learned(new).1.unwrap_or(NONE) != self.version[old] {
            return false;
        }
        for at in 0..SAID_INTS.len() {
            if self.ints[at][old] != of.int(at, content) {
                return false;
            }
        }
        for at in 0..SAID_LONGS.len() {
            let mut value = of.long(at, content);
            if let (Some(instants), 4..) = (&instants, at) {
                let stated = [instants.trial_end, instants.cancel_requested_at, instants.cancel_at][at - 4];
                if stated != NO_INSTANT {
                    value = stated;
                }
            }
            if self.longs[at][old] != value {
                return false;
            }
        }
        for at in 0..SAID_TEXTS.len() {
            let own_end = at == 2 && instants.is_some_and(|instants| instants.until != NO_INSTANT);
            let same = match own_end {
                true => sorted.state(new).is_some_and(|state| {
                    self.texts[at].get(old) == discounts_text(&state.discounts).as_bytes()
                }),
                false => self.numbers[at][self.texts[at].codes[old] as usize] == of.text(at, content),
            };
            if !same {
                return false;
            }
        }
        true
    }
}
