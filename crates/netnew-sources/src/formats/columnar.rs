//! Apache Parquet, through the column readers: a few thousand rows of the columns in use at a time.

use std::fs::File;
use std::path::{Path, PathBuf};

use netnew_money::{Day, Decimal, Instant};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray, Int96};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use crate::cell::{Cell, Source, Step};
use crate::code;
use crate::problem::SourceError;

/// Rows decoded at a time.
const BATCH: usize = 4096;

/// Rows looked at to learn how numbers and dates in columns of text are written.
const EVIDENCE_ROWS: u64 = 10_000;

/// What the stored values of a column stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Meaning {
    Bool,
    Whole,
    Unsigned,
    /// A decimal with so many digits after the point.
    Scaled(u8),
    Day,
    /// Units per second; on a wall clock when not UTC.
    Time {
        per_second: i64,
        utc: bool,
    },
    Julian,
    Binary,
    Text,
    Uuid,
    Unreadable(&'static str),
}

/// One column and the rows of it that are decoded.
struct Column {
    leaf: usize,
    meaning: Meaning,
    max_def_level: i16,
    selected: bool,
    reader: Option<ColumnReader>,
    values: Values,
    levels: Vec<i16>,
    /// By row: 1 + index into `values`, or 0 for null. Empty when no row is null.
    places: Vec<u32>,
}

#[derive(Default)]
pub(crate) struct Values {
    pub(crate) bools: Vec<bool>,
    pub(crate) ints: Vec<i32>,
    pub(crate) longs: Vec<i64>,
    pub(crate) julians: Vec<Int96>,
    pub(crate) floats: Vec<f32>,
    pub(crate) doubles: Vec<f64>,
    pub(crate) bytes: Vec<ByteArray>,
    pub(crate) fixed: Vec<FixedLenByteArray>,
}

/// A Parquet file.
pub(crate) struct Parquet {
    name: String,
    path: PathBuf,
    reader: SerializedFileReader<File>,
    headers: Vec<String>,
    columns: Vec<Column>,
    rows: u64,
    next_group: usize,
    left_in_group: usize,
    in_batch: usize,
    /// Index of the current row within the batch.
    at: usize,
    /// 1-based number of the current record.
    record: u64,
}

impl Parquet {
    pub(crate) fn open(name: &str, path: &Path) -> Result<Parquet, SourceError> {
        let file = File::open(path).map_err(|error| SourceError::io(name, &error))?;
        let reader = SerializedFileReader::new(file).map_err(|error| broken(name, &error))?;
        let metadata = reader.metadata().file_metadata();
        let rows = u64::try_from(metadata.num_rows()).unwrap_or(0);
        let schema = metadata.schema_descr();
        let headers = schema.columns().iter().map(|c| c.path().string()).collect();
        let columns = schema.columns().iter().enumerate().map(|(leaf, c)| Column::new(leaf, c)).collect();
        Ok(Parquet {
            name: name.to_string(),
            path: path.to_path_buf(),
            reader,
            headers,
            columns,
            rows,
            next_group: 0,
            left_in_group: 0,
            in_batch: 0,
            at: 0,
            record: 0,
        })
    }

    /// Decodes the next rows of the current row group, or of the next one that has any.
    fn fill(&mut self) -> Result<bool, ParquetError> {
        while self.left_in_group == 0 {
            if self.next_group == self.reader.num_row_groups() {
                return Ok(false);
            }
            let group = self.reader.get_row_group(self.next_group)?;
            self.next_group += 1;
            self.left_in_group = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            for column in self.columns.iter_mut().filter(|c| c.selected) {
                column.reader = Some(group.get_column_reader(column.leaf)?);
            }
        }
        let wanted = self.left_in_group.min(BATCH);
        for column in self.columns.iter_mut().filter(|c| c.selected) {
            column.fill(wanted)?;
        }
        (self.in_batch, self.at) = (wanted, 0);
        self.left_in_group -= wanted;
        Ok(true)
    }
}

fn broken(name: &str, error: &ParquetError) -> SourceError {
    let hint = match error.to_string().contains("Disabled feature") {
        true => "write the file with snappy, zstd, gzip, lz4 or no compression",
        false => "check that the file is complete",
    };
    SourceError::new(name, code::UNREADABLE, format!("the Parquet file cannot be read: {error}"), hint)
}

impl Column {
    fn new(leaf: usize, descriptor: &ColumnDescriptor) -> Column {
        Column {
            leaf,
            meaning: meaning(descriptor),
            max_def_level: descriptor.max_def_level(),
            selected: false,
            reader: None,
            values: Values::default(),
            levels: Vec::new(),
            places: Vec::new(),
        }
    }

    fn fill(&mut self, wanted: usize) -> Result<(), ParquetError> {
        let Column { reader, values, levels, .. } = self;
        let Some(reader) = reader else {
            return Err(ParquetError::General("a column chunk is missing".into()));
        };
        let (rows, present) = match reader {
            ColumnReader::BoolColumnReader(r) => read(r, wanted, levels, &mut values.bools),
            ColumnReader::Int32ColumnReader(r) => read(r, wanted, levels, &mut values.ints),
            ColumnReader::Int64ColumnReader(r) => read(r, wanted, levels, &mut values.longs),
            ColumnReader::Int96ColumnReader(r) => read(r, wanted, levels, &mut values.julians),
            ColumnReader::FloatColumnReader(r) => read(r, wanted, levels, &mut values.floats),
            ColumnReader::DoubleColumnReader(r) => read(r, wanted, levels, &mut values.doubles),
            ColumnReader::ByteArrayColumnReader(r) => read(r, wanted, levels, &mut values.bytes),
            ColumnReader::FixedLenByteArrayColumnReader(r) => read(r, wanted, levels, &mut values.fixed),
        }?;
        if rows != wanted {
            return Err(ParquetError::EOF(format!("{rows} rows where there should be {wanted}")));
        }
        self.places.clear();
        if present != rows {
            let mut next = 0;
            let full = self.max_def_level;
            self.places.extend(self.levels.iter().map(|level| {
                let here = *level == full;
                next += u32::from(here);
                if here { next } else { 0 }
            }));
        }
        Ok(())
    }

    fn cell(&self, row: usize) -> Cell<'_> {
        let at = match self.places.is_empty() {
            true => row,
            false => match self.places.get(row) {
                None | Some(0) => return Cell::Empty,
                Some(place) => *place as usize - 1,
            },
        };
        self.value(at).unwrap_or(Cell::Empty)
    }

    fn value(&self, at: usize) -> Option<Cell<'_>> {
        cell_of(self.meaning, &self.values, at)
    }
}

/// What a stored value stands for; `None` when there is no such value.
pub(crate) fn cell_of(meaning: Meaning, values: &Values, at: usize) -> Option<Cell<'_>> {
    let whole = || values.ints.get(at).map(|v| i64::from(*v)).or_else(|| values.longs.get(at).copied());
    let bytes =
        || values.bytes.get(at).map(ByteArray::data).or_else(|| values.fixed.get(at).map(|f| f.data()));
    Some(match meaning {
        Meaning::Bool => Cell::Bool(*values.bools.get(at)?),
        Meaning::Whole => Cell::Number(Decimal::from_i64(whole()?)),
        Meaning::Unsigned => Cell::Number(unsigned(values, at)?),
        Meaning::Scaled(scale) => match whole() {
            Some(mantissa) => Cell::Number(Decimal::new(i128::from(mantissa), scale)),
            None => scaled(bytes()?, scale),
        },
        Meaning::Day => day(whole()?),
        Meaning::Time { per_second, utc } => time(whole()?, per_second, utc),
        Meaning::Julian => stamp(values.julians.get(at)?.to_micros(), true),
        Meaning::Binary => match values.floats.get(at) {
            Some(float) => shortest(&float.to_string()),
            None => shortest(&values.doubles.get(at)?.to_string()),
        },
        Meaning::Text => {
            std::str::from_utf8(bytes()?).map_or(Cell::Broken("text that is not UTF-8"), Cell::text)
        }
        Meaning::Uuid => bytes()?.try_into().map_or(Cell::Broken("no UUID"), Cell::Uuid),
        Meaning::Unreadable(what) => Cell::Broken(what),
    })
}

fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    wanted: usize,
    levels: &mut Vec<i16>,
    values: &mut Vec<T::T>,
) -> Result<(usize, usize), ParquetError> {
    levels.clear();
    values.clear();
    let (rows, present, _) = reader.read_records(wanted, Some(levels), None, values)?;
    Ok((rows, present))
}

pub(crate) fn meaning(descriptor: &ColumnDescriptor) -> Meaning {
    if descriptor.max_rep_level() > 0 {
        return Meaning::Unreadable("a list");
    }
    match (descriptor.logical_type_ref(), descriptor.converted_type()) {
        (Some(LogicalType::Decimal(_)), _) | (None, ConvertedType::DECIMAL) => {
            u8::try_from(descriptor.type_scale())
                .map_or(Meaning::Unreadable("a scaled number"), Meaning::Scaled)
        }
        (Some(LogicalType::Date), _) | (None, ConvertedType::DATE) => Meaning::Day,
        (Some(LogicalType::Timestamp(time)), _) => {
            let per_second = match time.unit {
                TimeUnit::MILLIS => 1_000,
                TimeUnit::MICROS => 1_000_000,
                TimeUnit::NANOS => 1_000_000_000,
            };
            Meaning::Time { per_second, utc: time.is_adjusted_to_u_t_c }
        }
        (None, ConvertedType::TIMESTAMP_MILLIS) => Meaning::Time { per_second: 1_000, utc: true },
        (None, ConvertedType::TIMESTAMP_MICROS) => Meaning::Time { per_second: 1_000_000, utc: true },
        (Some(LogicalType::Integer(int)), _) if !int.is_signed => Meaning::Unsigned,
        (
            None,
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64,
        ) => Meaning::Unsigned,
        (Some(LogicalType::Time(_)), _) | (None, ConvertedType::TIME_MILLIS | ConvertedType::TIME_MICROS) => {
            Meaning::Unreadable("a time of day")
        }
        (Some(LogicalType::Uuid), _) => Meaning::Uuid,
        (Some(LogicalType::Float16), _) => Meaning::Unreadable("a 16-bit float"),
        (Some(LogicalType::Bson), _) | (None, ConvertedType::BSON) => Meaning::Unreadable("BSON"),
        (None, ConvertedType::INTERVAL) => Meaning::Unreadable("an interval"),
        _ => match descriptor.physical_type() {
            Type::BOOLEAN => Meaning::Bool,
            Type::INT32 | Type::INT64 => Meaning::Whole,
            Type::INT96 => Meaning::Julian,
            Type::FLOAT | Type::DOUBLE => Meaning::Binary,
            Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY => Meaning::Text,
        },
    }
}

fn unsigned(values: &Values, at: usize) -> Option<Decimal> {
    let number = match values.ints.get(at) {
        Some(int) => i128::from(int.cast_unsigned()),
        None => i128::from(values.longs.get(at)?.cast_unsigned()),
    };
    Some(Decimal::new(number, 0))
}

/// A decimal of bytes: a big-endian number in two's complement, of whatever length.
fn scaled(bytes: &[u8], scale: u8) -> Cell<'static> {
    let negative = bytes.first().is_some_and(|b| b & 0x80 != 0);
    let filler = if negative { 0xff } else { 0 };
    let (beyond, low) = bytes.split_at(bytes.len().saturating_sub(16));
    let mut wide = [filler; 16];
    wide[16 - low.len()..].copy_from_slice(low);
    let mantissa = i128::from_be_bytes(wide);
    let fits = beyond.iter().all(|b| *b == filler) && (mantissa < 0) == negative;
    if fits { Cell::Number(Decimal::new(mantissa, scale)) } else { Cell::Broken("a number out of range") }
}

fn day(days: i64) -> Cell<'static> {
    let in_range = (i64::from(Day::MIN.days())..=i64::from(Day::MAX.days())).contains(&days);
    match i32::try_from(days) {
        Ok(days) if in_range => Cell::Day(Day::from_days(days)),
        _ => Cell::Broken("a date outside the years 1 to 9999"),
    }
}

fn time(units: i64, per_second: i64, utc: bool) -> Cell<'static> {
    let micros = match per_second {
        1_000 => units.checked_mul(1_000),
        1_000_000 => Some(units),
        _ => Some(units.div_euclid(1_000)),
    };
    stamp(micros.unwrap_or(i64::MAX), utc)
}

const DAY_MICROS: i64 = 86_400_000_000;

pub(crate) fn stamp(micros: i64, utc: bool) -> Cell<'static> {
    if !(Instant::MIN.micros()..=Instant::MAX.micros()).contains(&micros) {
        return Cell::Broken("a time outside the years 1 to 9999");
    }
    if utc {
        return Cell::Instant(Instant::from_micros(micros));
    }
    match day(micros.div_euclid(DAY_MICROS)) {
        Cell::Day(day) => Cell::Clock(day, micros.rem_euclid(DAY_MICROS)),
        other => other,
    }
}

/// Binary floating point read as the shortest decimal that gives the same binary number.
fn shortest(text: &str) -> Cell<'static> {
    Decimal::parse(text).map_or(Cell::Broken("a number out of range"), Cell::Number)
}

impl Source for Parquet {
    fn headers(&self) -> &[String] {
        &self.headers
    }

    fn advance(&mut self) -> Result<Step, SourceError> {
        self.at += 1;
        if self.at >= self.in_batch && !self.fill().map_err(|error| broken(&self.name, &error))? {
            self.in_batch = 0;
            return Ok(Step::End);
        }
        self.record += 1;
        Ok(Step::Record)
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        self.columns.get(column).filter(|c| c.selected).map_or(Cell::Empty, |c| c.cell(self.at))
    }

    fn line(&self) -> u64 {
        self.record
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        (self.next_group, self.left_in_group, self.in_batch, self.at, self.record) = (0, 0, 0, 0, 0);
        Ok(())
    }

    fn parquet(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn unreadable(&self, column: usize) -> Option<&'static str> {
        match self.columns.get(column)?.meaning {
            Meaning::Unreadable(what) => Some(what),
            _ => None,
        }
    }

    fn select(&mut self, columns: &[usize]) {
        for &column in columns {
            self.columns[column].selected = true;
        }
    }

    fn is_text(&self, column: usize) -> bool {
        self.columns.get(column).is_some_and(|c| c.meaning == Meaning::Text)
    }

    fn enough_for_evidence(&self) -> bool {
        self.record >= EVIDENCE_ROWS
    }

    fn progress(&self) -> (u64, u64) {
        (self.record, self.rows)
    }

    fn notes(&self) -> Vec<String> {
        let binary = |c: &&Column| c.selected && c.meaning == Meaning::Binary;
        let names: Vec<&str> =
            self.columns.iter().filter(binary).map(|c| self.headers[c.leaf].as_str()).collect();
        match names.is_empty() {
            true => Vec::new(),
            false => vec![format!(
                "binary floating point read as the shortest decimal that stands for it: {}",
                names.join(", ")
            )],
        }
    }
}
