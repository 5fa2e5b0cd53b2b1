//! Pages of a column chunk, decoded as far as dictionary codes and raw values.

use super::Unfit;
use bytes::Bytes;
use netnew_facts::unpack_numbers;
use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageReader};

/// Some rows of one page.
pub(super) struct Part<'a> {
    pub rows: usize,
    /// By row whether there is a value; `None` when every row has one.
    pub present: Option<&'a [bool]>,
    pub values: Values<'a>,
}

pub(super) enum Values<'a> {
    /// Places in the dictionary.
    Codes(&'a [u32]),
    /// Values one after the other, as many as are present; what follows belongs to later parts.
    Plain(&'a [u8]),
}

/// Takes the values of a column in.
pub(super) trait Take {
    /// A dictionary of so many plain values; codes speak of the last one.
    fn dictionary(&mut self, bytes: &[u8], count: usize) -> Result<(), Unfit>;
    /// Rows; returns how many bytes of plain values they took.
    fn part(&mut self, part: Part<'_>) -> Result<usize, Unfit>;
}

/// The pages of one column chunk.
pub(super) struct Pages {
    reader: Box<dyn PageReader>,
    max_def_level: i16,
    page: Loaded,
    codes: Vec<u32>,
    present: Vec<bool>,
}

#[derive(Default)]
struct Loaded {
    bytes: Bytes,
    /// Where plain values go on.
    at: usize,
    coded: bool,
    /// Rows and values already given out, rows there are.
    row: usize,
    value: usize,
    rows: usize,
    all_present: bool,
}

impl Pages {
    pub(super) fn new(reader: Box<dyn PageReader>, max_def_level: i16) -> Pages {
        Pages { reader, max_def_level, page: Loaded::default(), codes: Vec::new(), present: Vec::new() }
    }

    /// Gives `rows` rows to `take`.
    pub(super) fn fill(&mut self, mut rows: usize, take: &mut dyn Take) -> Result<(), Unfit> {
        while rows > 0 {
            while self.page.row == self.page.rows {
                self.load(take)?;
            }
            let page = &mut self.page;
            let here = rows.min(page.rows - page.row);
            let present = (!page.all_present).then(|| &self.present[page.row..page.row + here]);
            let count = present.map_or(here, |present| present.iter().filter(|p| **p).count());
            let values = match page.coded {
                true => Values::Codes(self.codes.get(page.value..page.value + count).ok_or(Unfit)?),
                false => Values::Plain(page.bytes.get(page.at..).ok_or(Unfit)?),
            };
            page.at += take.part(Part { rows: here, present, values })?;
            page.row += here;
            page.value += count;
            rows -= here;
        }
        Ok(())
    }

    fn load(&mut self, take: &mut dyn Take) -> Result<(), Unfit> {
        let page = self.reader.get_next_page().map_err(|_| Unfit)?.ok_or(Unfit)?;
        let (bytes, rows, encoding, levels) = match page {
            Page::DictionaryPage { buf, num_values, encoding, .. } => {
                if !matches!(encoding, Encoding::PLAIN | Encoding::PLAIN_DICTIONARY) {
                    return Err(Unfit);
                }
                return take.dictionary(&buf, num_values as usize);
            }
            Page::DataPage { buf, num_values, encoding, def_level_encoding, .. } => {
                let levels = match self.max_def_level {
                    0 => 0..0,
                    _ if def_level_encoding != Encoding::RLE => return Err(Unfit),
                    _ => {
                        let length: [u8; 4] = buf.get(..4).and_then(|b| b.try_into().ok()).ok_or(Unfit)?;
                        4..4 + u32::from_le_bytes(length) as usize
                    }
                };
                (buf, num_values as usize, encoding, levels)
            }
            Page::DataPageV2 {
                buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, ..
            } => {
                let start = rep_levels_byte_len as usize;
                (buf, num_values as usize, encoding, start..start + def_levels_byte_len as usize)
            }
        };
        self.present.clear();
        let values_at = levels.end;
        let mut count = rows;
        if self.max_def_level > 0 {
            let width = (u16::BITS - (self.max_def_level as u16).leading_zeros()) as u8;
            unpack_numbers(bytes.get(levels).ok_or(Unfit)?, width, rows, &mut self.codes).ok_or(Unfit)?;
            let full = self.max_def_level as u32;
            self.present.extend(self.codes.iter().map(|level| *level == full));
            count = self.present.iter().filter(|p| **p).count();
        }
        let coded = match encoding {
            Encoding::PLAIN => false,
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                let (width, packed) =
                    bytes.get(values_at..).and_then(<[u8]>::split_first).unwrap_or((&0, &[]));
                unpack_numbers(packed, *width, count, &mut self.codes).ok_or(Unfit)?;
                true
            }
            _ => return Err(Unfit),
        };
        let all_present = count == rows;
        self.page = Loaded { bytes, at: values_at, coded, row: 0, value: 0, rows, all_present };
        Ok(())
    }
}

/// Splits the next plain value of a physical type off; `width` is that of fixed byte arrays.
pub(super) fn split<'a>(bytes: &mut &'a [u8], physical: Type, width: usize) -> Result<&'a [u8], Unfit> {
    let length = match physical {
        Type::INT32 | Type::FLOAT => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::FIXED_LEN_BYTE_ARRAY => width,
        Type::BYTE_ARRAY => {
            let (length, rest) = bytes.split_first_chunk::<4>().ok_or(Unfit)?;
            *bytes = rest;
            u32::from_le_bytes(*length) as usize
        }
        Type::BOOLEAN | Type::INT96 => return Err(Unfit),
    };
    let (value, rest) = bytes.split_at_checked(length).ok_or(Unfit)?;
    *bytes = rest;
    Ok(value)
}
