//! An image as bytes: columns as they lie in memory, each with a checksum.
//!
//! What is written here is derived and can be made again at any time; nothing of it is ever the truth. A reader takes
//! it only if it was made from the very version of the book that it reads, by the same layout, undamaged.

use crate::image::{Content, Extra, Image, MOST_DISCOUNTS};
use netnew_facts::{
    CancelReason, Discount, DiscountKind, DiscountLevel, DiscountValue, ItemState, Status, Text, UsageType,
    hash64,
};
use netnew_money::{Currency, Decimal, IntervalUnit};
use rayon::prelude::*;
use std::io::{self, Write};

/// Changes with the layout, and with what an image is made of.
const MAGIC: &[u8; 8] = b"nnimage1";

/// How much of an image to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What a pass needs: no names of customers, subscriptions and items.
    Numbers,
    /// Everything.
    All,
}

/// Where an image is read from: fills the whole buffer from an offset.
pub trait Source: Sync {
    /// Reads.
    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl Image {
    /// Writes the image, made from version `version` of its book. `false` when it holds what cannot be written.
    pub fn write(&self, version: u64, out: &mut dyn Write) -> io::Result<bool> {
        if !self.whole.is_empty() || cfg!(target_endian = "big") {
            return Ok(false);
        }
        let head = self.head();
        let extras: Vec<i64> = self.extras.iter().flat_map(extra_words).collect();
        let sections: [&[u8]; SECTIONS] = [
            &head,
            bytemuck::cast_slice(&self.first_row),
            bytemuck::cast_slice(&self.first_item),
            &self.flags,
            bytemuck::cast_slice(&self.at),
            bytemuck::cast_slice(&self.item),
            bytemuck::cast_slice(&self.content),
            bytemuck::cast_slice(&self.pair),
            bytemuck::cast_slice(&self.pairs),
            bytemuck::cast_slice(&extras),
            bytemuck::cast_slice(&self.item_subscription),
            bytemuck::cast_slice(&self.item_source),
            bytemuck::cast_slice(&self.customers.ends),
            &self.customers.bytes,
            bytemuck::cast_slice(&self.subscriptions.ends),
            &self.subscriptions.bytes,
            bytemuck::cast_slice(&self.items.ends),
            &self.items.bytes,
            bytemuck::cast_slice(&self.written.ends),
            &self.written.bytes,
        ];
        let sums: Vec<u64> = sections.par_iter().map(|section| hash64(section)).collect();
        let mut index = Vec::with_capacity(HEADER);
        index.extend_from_slice(MAGIC);
        index.extend_from_slice(&version.to_le_bytes());
        for (section, sum) in sections.iter().zip(sums) {
            index.extend_from_slice(&(section.len() as u64).to_le_bytes());
            index.extend_from_slice(&sum.to_le_bytes());
        }
        index.extend_from_slice(&hash64(&index).to_le_bytes());
        out.write_all(&index)?;
        sections.iter().try_for_each(|section| out.write_all(section))?;
        Ok(true)
    }

    /// Reads what [`Image::write`] wrote for this version of the book; `None` when it was made for another, or is damaged.
    pub fn read(source: &dyn Source, version: u64, extent: Extent) -> io::Result<Option<Image>> {
        let mut index = vec![0u8; HEADER];
        if let Err(error) = source.read(0, &mut index) {
            return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
        }
        let word = |at: usize| u64::from_le_bytes(index[at..at + 8].try_into().expect("eight bytes"));
        let sound = index.starts_with(MAGIC)
            && word(8) == version
            && word(HEADER - 8) == hash64(&index[..HEADER - 8])
            && cfg!(target_endian = "little");
        if !sound {
            return Ok(None);
        }
        let mut places = Vec::with_capacity(SECTIONS);
        let mut offset = HEADER as u64;
        for section in 0..SECTIONS {
            let at = 16 + section * 16;
            places.push(Place { offset, length: word(at) as usize, sum: word(at + 8) });
            offset += word(at);
        }
        let mut image = Image::default();
        let (mut head, mut extras) = (Vec::new(), Vec::new());
        let mut columns: Vec<(usize, Column)> = vec![
            (0, Column::U8(&mut head)),
            (4, Column::I64(&mut image.at)),
            (6, Column::U32(&mut image.content)),
            (7, Column::U32(&mut image.pair)),
            (5, Column::U16(&mut image.item)),
            (1, Column::U32(&mut image.first_row)),
            (2, Column::U32(&mut image.first_item)),
            (3, Column::U8(&mut image.flags)),
            (8, Column::Pairs(&mut image.pairs)),
            (9, Column::I64(&mut extras)),
            (10, Column::U16(&mut image.item_subscription)),
            (11, Column::U16(&mut image.item_source)),
        ];
        if extent == Extent::All {
            columns.extend([
                (12, Column::U32(&mut image.customers.ends)),
                (13, Column::U8(&mut image.customers.bytes)),
                (14, Column::U32(&mut image.subscriptions.ends)),
                (15, Column::U8(&mut image.subscriptions.bytes)),
                (16, Column::U32(&mut image.items.ends)),
                (17, Column::U8(&mut image.items.bytes)),
                (18, Column::U32(&mut image.written.ends)),
                (19, Column::U8(&mut image.written.bytes)),
            ]);
        }
        let read: Vec<io::Result<bool>> = columns
            .into_par_iter()
            .with_max_len(1)
            .map(|(section, column)| column.fill(source, &places[section]))
            .collect();
        for sound in read {
            if !sound? {
                return Ok(None);
            }
        }
        image.extras = extras.chunks_exact(EXTRA_WORDS).map(extra_of).collect();
        Ok(image.take_head(&head).map(|()| image))
    }

    fn head(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, self.sources.len() as i64);
        self.sources.iter().for_each(|source| put_text(&mut out, source));
        put(&mut out, self.withdrawn.len() as i64);
        for (source, at) in &self.withdrawn {
            put(&mut out, i64::from(*source));
            put(&mut out, *at);
        }
        put(&mut out, self.contents.len() as i64);
        self.contents.iter().for_each(|content| put_content(&mut out, content));
        out
    }

    fn take_head(&mut self, head: &[u8]) -> Option<()> {
        let mut from = Reader { bytes: head, words: std::collections::HashMap::new() };
        self.sources = (0..from.count()?).map(|_| from.text()).collect::<Option<_>>()?;
        self.withdrawn =
            (0..from.count()?).map(|_| Some((from.int()? as u16, from.int()?))).collect::<Option<_>>()?;
        self.contents = (0..from.count()?).map(|_| from.content()).collect::<Option<_>>()?;
        let rows = self.at.len();
        let customers = self.flags.len();
        let whole = self.first_row.len() == customers + 1
            && self.first_item.len() == customers + 1
            && self.first_row.last() == Some(&(rows as u32))
            && [self.item.len(), self.content.len(), self.pair.len()] == [rows; 3];
        whole.then_some(())
    }
}

const SECTIONS: usize = 20;
const HEADER: usize = 16 + SECTIONS * 16 + 8;

pub(crate) struct Place {
    pub offset: u64,
    pub length: usize,
    pub sum: u64,
}

enum Column<'a> {
    U8(&'a mut Vec<u8>),
    U16(&'a mut Vec<u16>),
    U32(&'a mut Vec<u32>),
    I64(&'a mut Vec<i64>),
    Pairs(&'a mut Vec<[u32; 2]>),
}

impl Column<'_> {
    /// Reads a section into a column; false when its bytes are not those that were written.
    fn fill(self, source: &dyn Source, place: &Place) -> io::Result<bool> {
        match self {
            Column::U8(column) => fill(column, source, place),
            Column::U16(column) => fill(column, source, place),
            Column::U32(column) => fill(column, source, place),
            Column::I64(column) => fill(column, source, place),
            Column::Pairs(column) => fill(column, source, place),
        }
    }
}

/// Reads a section into a column; false when its bytes are not those that were written.
pub(crate) fn fill<T: bytemuck::Pod>(
    column: &mut Vec<T>,
    source: &dyn Source,
    place: &Place,
) -> io::Result<bool> {
    let width = size_of::<T>();
    if !place.length.is_multiple_of(width) {
        return Ok(false);
    }
    *column = vec![T::zeroed(); place.length / width];
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(column);
    match source.read(place.offset, bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        other => other?,
    }
    Ok(hash64(bytes) == place.sum)
}

const EXTRA_WORDS: usize = 6 + MOST_DISCOUNTS;

fn extra_words(extra: &Extra) -> [i64; EXTRA_WORDS] {
    let [a, b, c] = extra.until;
    let (row, written) = (i64::from(extra.row), i64::from(extra.written));
    [row, extra.trial_end, extra.cancel_at, extra.requested_at, extra.seq, written, a, b, c]
}

fn extra_of(words: &[i64]) -> Extra {
    Extra {
        row: words[0] as u32,
        trial_end: words[1],
        cancel_at: words[2],
        requested_at: words[3],
        seq: words[4],
        written: words[5] as u32,
        until: [words[6], words[7], words[8]],
    }
}

pub(crate) fn put(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as i64);
    out.extend_from_slice(text.as_bytes());
}

fn put_option(out: &mut Vec<u8>, text: Option<&Text>) {
    put(out, i64::from(text.is_some()));
    put_text(out, text.map_or("", |t| t));
}

fn put_decimal(out: &mut Vec<u8>, value: Decimal) {
    out.extend_from_slice(&value.mantissa().to_le_bytes());
    out.push(value.scale());
}

const INTERVALS: [IntervalUnit; 4] =
    [IntervalUnit::Day, IntervalUnit::Week, IntervalUnit::Month, IntervalUnit::Year];
const KINDS: [DiscountKind; 3] = [DiscountKind::Forever, DiscountKind::Repeating, DiscountKind::Once];
const REASONS: [Option<CancelReason>; 3] =
    [None, Some(CancelReason::Voluntary), Some(CancelReason::Involuntary)];

fn place_in<T: PartialEq>(all: &[T], one: &T) -> u8 {
    all.iter().position(|other| other == one).unwrap_or_default() as u8
}

fn put_content(out: &mut Vec<u8>, content: &Content) {
    let state = &content.state;
    out.extend_from_slice(&[
        u8::from(content.here),
        u8::from(content.ends),
        place_in(&Status::ALL, &state.status),
        place_in(&INTERVALS, &state.interval),
        u8::from(state.usage_type == UsageType::Metered),
        place_in(&REASONS, &state.reason),
        u8::from(state.reconstructed),
        state.discounts.len() as u8,
    ]);
    put(out, i64::from(content.source));
    put_decimal(out, state.amount);
    put(out, i64::from(state.interval_count));
    put(out, state.quantity_micros);
    out.extend_from_slice(state.currency.as_str().as_bytes());
    put_option(out, state.plan.as_ref());
    put_option(out, state.reason_text.as_ref());
    for discount in &state.discounts {
        let (percent, value) = match discount.value {
            DiscountValue::Percent(value) => (1, value),
            DiscountValue::Amount(value) => (0, value),
        };
        let on_item = u8::from(discount.level == DiscountLevel::Item);
        out.extend_from_slice(&[percent, place_in(&KINDS, &discount.kind), on_item]);
        put_decimal(out, value);
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    /// Texts read before, so that equal ones share memory.
    words: std::collections::HashMap<&'a [u8], Text>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.bytes.split_at_checked(count)?;
        self.bytes = tail;
        Some(head)
    }

    fn int(&mut self) -> Option<i64> {
        Some(i64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.int()?).ok().filter(|count| *count <= self.bytes.len())
    }

    fn text(&mut self) -> Option<Text> {
        let length = self.count()?;
        let bytes = self.take(length)?;
        if let Some(word) = self.words.get(bytes) {
            return Some(word.clone());
        }
        let word: Text = std::str::from_utf8(bytes).ok()?.into();
        self.words.insert(bytes, word.clone());
        Some(word)
    }

    fn option(&mut self) -> Option<Option<Text>> {
        let some = self.int()? == 1;
        let text = self.text()?;
        Some(some.then_some(text))
    }

    fn decimal(&mut self) -> Option<Decimal> {
        let mantissa = i128::from_le_bytes(self.take(16)?.try_into().ok()?);
        Some(Decimal::new(mantissa, self.take(1)?[0]))
    }

    fn content(&mut self) -> Option<Content> {
        let codes: [u8; 8] = self.take(8)?.try_into().ok()?;
        let source = self.int()? as u16;
        let amount = self.decimal()?;
        let interval_count = u32::try_from(self.int()?).ok()?;
        let quantity_micros = self.int()?;
        let currency = Currency::parse(std::str::from_utf8(self.take(3)?).ok()?).ok()?;
        let mut state = ItemState::monthly(amount, currency);
        state.status = *Status::ALL.get(usize::from(codes[2]))?;
        state.interval = *INTERVALS.get(usize::from(codes[3]))?;
        state.usage_type = if codes[4] == 1 { UsageType::Metered } else { UsageType::Licensed };
        state.reason = *REASONS.get(usize::from(codes[5]))?;
        state.reconstructed = codes[6] == 1;
        state.interval_count = interval_count;
        state.quantity_micros = quantity_micros;
        state.plan = self.option()?;
        state.reason_text = self.option()?;
        for _ in 0..codes[7] {
            let [percent, kind, on_item]: [u8; 3] = self.take(3)?.try_into().ok()?;
            let value = self.decimal()?;
            state.discounts.push(Discount {
                value: if percent == 1 {
                    DiscountValue::Percent(value)
                } else {
                    DiscountValue::Amount(value)
                },
                kind: *KINDS.get(usize::from(kind))?,
                until: None,
                level: if on_item == 1 { DiscountLevel::Item } else { DiscountLevel::Subscription },
            });
        }
        Some(Content { source, here: codes[0] == 1, ends: codes[1] == 1, state })
    }
}
