//! The roles that a column can have in a file of states, and what its rows are kept as.

use super::Unfit;
use super::pages::{Pages, Part, Take, Values as Plain, split};
use crate::cell::Cell;
use crate::formats::columnar::{Meaning, Values, cell_of, stamp};
use netnew_facts::{NO_INSTANT, TextColumn};
use parquet::basic::Type;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use std::collections::HashMap;

type Map<K> = HashMap<K, u32, foldhash::fast::FixedState>;

/// Ids: a text for every row, empty where there is none. Texts that need a closer look are `odd`.
pub(super) struct Ids {
    physical: Type,
    dictionary: TextColumn,
    pub texts: TextColumn,
    /// Rows whose text is to be looked at.
    pub odd: Vec<u32>,
}

impl Ids {
    pub(super) fn new(meaning: Meaning, physical: Type) -> Option<Ids> {
        let fits = match meaning {
            Meaning::Text => physical == Type::BYTE_ARRAY,
            Meaning::Whole => matches!(physical, Type::INT32 | Type::INT64),
            _ => false,
        };
        let (dictionary, texts) = Default::default();
        fits.then(|| Ids { physical, dictionary, texts, odd: Vec::new() })
    }

    fn is_text(&self) -> bool {
        self.physical == Type::BYTE_ARRAY
    }

    /// The text of a row as a cell.
    pub(super) fn cell(&self, row: usize) -> Cell<'_> {
        match std::str::from_utf8(self.texts.get(row)) {
            Ok(text) => Cell::text(text),
            Err(_) => Cell::Broken("text that is not UTF-8"),
        }
    }

    /// Finds the rows whose text is not plain: other than visible ASCII at its ends, or not ASCII at all.
    fn look(&mut self, from: usize) {
        let plain = self.texts.bytes.is_ascii();
        for row in from..self.texts.spans.len() {
            let text = self.texts.get(row);
            let ends = [text.first(), text.last()];
            let visible = ends.iter().all(|end| matches!(end, None | Some(0x21..=0x7e)));
            if !visible || (!plain && !text.is_ascii()) {
                self.odd.push(row as u32);
            }
        }
    }

    pub(super) fn read(&mut self, pages: &mut Pages, rows: usize) -> Result<(), Unfit> {
        self.texts.clear();
        self.odd.clear();
        pages.fill(rows, self)?;
        if u32::try_from(self.texts.bytes.len()).is_err() || self.texts.bytes.contains(&0) {
            return Err(Unfit);
        }
        self.look(0);
        Ok(())
    }
}

fn push_plain(texts: &mut TextColumn, value: &[u8], is_text: bool) -> Result<(), Unfit> {
    use std::io::Write;
    if is_text {
        texts.push(value);
        return Ok(());
    }
    let start = texts.bytes.len();
    write!(texts.bytes, "{}", whole(value)?).map_err(|_| Unfit)?;
    texts.spans.push((start as u32, (texts.bytes.len() - start) as u32));
    Ok(())
}

fn whole(value: &[u8]) -> Result<i64, Unfit> {
    match value.len() {
        4 => Ok(i64::from(i32::from_le_bytes(value.try_into().map_err(|_| Unfit)?))),
        _ => Ok(i64::from_le_bytes(value.try_into().map_err(|_| Unfit)?)),
    }
}

impl Take for Ids {
    fn dictionary(&mut self, mut bytes: &[u8], count: usize) -> Result<(), Unfit> {
        self.dictionary.clear();
        for _ in 0..count {
            let value = split(&mut bytes, self.physical, 0)?;
            let is_text = self.is_text();
            push_plain(&mut self.dictionary, value, is_text)?;
        }
        Ok(())
    }

    fn part(&mut self, part: Part<'_>) -> Result<usize, Unfit> {
        let mut present = part.present.map(<[bool]>::iter);
        let mut here = move || present.as_mut().is_none_or(|p| p.next().copied().unwrap_or(false));
        match part.values {
            Plain::Codes(codes) => {
                let mut codes = codes.iter();
                for _ in 0..part.rows {
                    if !here() {
                        self.texts.push(&[]);
                        continue;
                    }
                    let code = *codes.next().ok_or(Unfit)? as usize;
                    if code >= self.dictionary.spans.len() {
                        return Err(Unfit);
                    }
                    self.texts.push(self.dictionary.get(code));
                }
                Ok(0)
            }
            Plain::Plain(bytes) => {
                let mut rest = bytes;
                let is_text = self.is_text();
                for _ in 0..part.rows {
                    match here() {
                        true => push_plain(&mut self.texts, split(&mut rest, self.physical, 0)?, is_text)?,
                        false => self.texts.push(&[]),
                    }
                }
                Ok(bytes.len() - rest.len())
            }
        }
    }
}

/// Timestamps in UTC, in microseconds, [`NO_INSTANT`] where there is none. What is out of range is `i64::MAX`.
pub(super) struct Times {
    per_second: i64,
    dictionary: Vec<i64>,
    pub micros: Vec<i64>,
}

impl Times {
    pub(super) fn new(meaning: Meaning, physical: Type) -> Option<Times> {
        match (meaning, physical) {
            (Meaning::Time { per_second, utc: true }, Type::INT64) => {
                Some(Times { per_second, dictionary: Vec::new(), micros: Vec::new() })
            }
            _ => None,
        }
    }

    fn micros(&self, value: &[u8]) -> Result<i64, Unfit> {
        let units = whole(value)?;
        let micros = match self.per_second {
            1_000 => units.checked_mul(1_000).unwrap_or(i64::MAX),
            1_000_000 => units,
            _ => units.div_euclid(1_000),
        };
        Ok(if matches!(stamp(micros, true), Cell::Instant(_)) { micros } else { i64::MAX })
    }

    pub(super) fn cell(&self, row: usize) -> Cell<'_> {
        match self.micros[row] {
            NO_INSTANT => Cell::Empty,
            micros => stamp(micros, true),
        }
    }

    pub(super) fn read(&mut self, pages: &mut Pages, rows: usize) -> Result<(), Unfit> {
        self.micros.clear();
        pages.fill(rows, self)
    }
}

impl Take for Times {
    fn dictionary(&mut self, mut bytes: &[u8], count: usize) -> Result<(), Unfit> {
        self.dictionary.clear();
        for _ in 0..count {
            let value = self.micros(split(&mut bytes, Type::INT64, 0)?)?;
            self.dictionary.push(value);
        }
        Ok(())
    }

    fn part(&mut self, part: Part<'_>) -> Result<usize, Unfit> {
        let mut present = part.present.map(<[bool]>::iter);
        let mut here = move || present.as_mut().is_none_or(|p| p.next().copied().unwrap_or(false));
        match part.values {
            Plain::Codes(codes) => {
                let mut codes = codes.iter();
                for _ in 0..part.rows {
                    let micros = match here() {
                        true => {
                            let code = *codes.next().ok_or(Unfit)? as usize;
                            *self.dictionary.get(code).ok_or(Unfit)?
                        }
                        false => NO_INSTANT,
                    };
                    self.micros.push(micros);
                }
                Ok(0)
            }
            Plain::Plain(bytes) => {
                let mut rest = bytes;
                for _ in 0..part.rows {
                    let micros = match here() {
                        true => self.micros(split(&mut rest, Type::INT64, 0)?)?,
                        false => NO_INSTANT,
                    };
                    self.micros.push(micros);
                }
                Ok(bytes.len() - rest.len())
            }
        }
    }
}

/// Values by number: equal ones have one number, for the whole row group. Number 0 is null.
pub(super) struct Coded {
    meaning: Meaning,
    physical: Type,
    width: usize,
    values: Values,
    numbers: Map<i64>,
    texts: Map<Box<[u8]>>,
    count: u32,
    dictionary: Vec<u32>,
    pub codes: Vec<u32>,
}

impl Coded {
    pub(super) fn new(meaning: Meaning, physical: Type, width: usize) -> Option<Coded> {
        let fits = !matches!(physical, Type::BOOLEAN | Type::INT96)
            && !matches!(meaning, Meaning::Unreadable(_) | Meaning::Julian | Meaning::Bool);
        fits.then(|| Coded {
            meaning,
            physical,
            width,
            values: Values::default(),
            numbers: Map::default(),
            texts: Map::default(),
            count: 0,
            dictionary: Vec::new(),
            codes: Vec::new(),
        })
    }

    /// How many numbers there are, null included.
    pub(super) fn cardinality(&self) -> usize {
        self.count as usize + 1
    }

    pub(super) fn cell(&self, row: usize) -> Cell<'_> {
        match self.codes[row] {
            0 => Cell::Empty,
            code => cell_of(self.meaning, &self.values, code as usize - 1).unwrap_or(Cell::Empty),
        }
    }

    pub(super) fn read(&mut self, pages: &mut Pages, rows: usize) -> Result<(), Unfit> {
        self.codes.clear();
        pages.fill(rows, self)
    }

    fn number(&mut self, value: &[u8]) -> Result<u32, Unfit> {
        if matches!(self.physical, Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY) {
            if let Some(code) = self.texts.get(value) {
                return Ok(*code);
            }
            self.count += 1;
            self.texts.insert(value.into(), self.count);
            match self.physical {
                Type::BYTE_ARRAY => self.values.bytes.push(ByteArray::from(value.to_vec())),
                _ => self.values.fixed.push(FixedLenByteArray::from(value.to_vec())),
            }
            return Ok(self.count);
        }
        // Floats are told apart by their bits.
        let bits = whole(value)?;
        if let Some(code) = self.numbers.get(&bits) {
            return Ok(*code);
        }
        self.count += 1;
        self.numbers.insert(bits, self.count);
        match self.physical {
            Type::INT32 => self.values.ints.push(bits as i32),
            Type::INT64 => self.values.longs.push(bits),
            Type::FLOAT => self.values.floats.push(f32::from_bits(bits as u32)),
            _ => self.values.doubles.push(f64::from_bits(bits as u64)),
        }
        Ok(self.count)
    }
}

impl Take for Coded {
    fn dictionary(&mut self, mut bytes: &[u8], count: usize) -> Result<(), Unfit> {
        let mut dictionary = std::mem::take(&mut self.dictionary);
        dictionary.clear();
        for _ in 0..count {
            let value = split(&mut bytes, self.physical, self.width)?;
            dictionary.push(self.number(value)?);
        }
        self.dictionary = dictionary;
        Ok(())
    }

    fn part(&mut self, part: Part<'_>) -> Result<usize, Unfit> {
        match (part.values, part.present) {
            (Plain::Codes(codes), None) => {
                for code in codes {
                    self.codes.push(*self.dictionary.get(*code as usize).ok_or(Unfit)?);
                }
                Ok(0)
            }
            (Plain::Codes(codes), Some(present)) => {
                let mut codes = codes.iter();
                for here in present {
                    let code = match here {
                        true => {
                            let code = *codes.next().ok_or(Unfit)? as usize;
                            *self.dictionary.get(code).ok_or(Unfit)?
                        }
                        false => 0,
                    };
                    self.codes.push(code);
                }
                Ok(0)
            }
            (Plain::Plain(bytes), present) => {
                let mut rest = bytes;
                for row in 0..part.rows {
                    let code = match present.is_none_or(|p| p[row]) {
                        true => self.number(split(&mut rest, self.physical, self.width)?)?,
                        false => 0,
                    };
                    self.codes.push(code);
                }
                Ok(bytes.len() - rest.len())
            }
        }
    }
}
