//! Exported tables as files: one folder per source, streamed customer by customer.

use super::rows::{RATE_COLUMNS, STATE_COLUMNS, state_row};
use crate::error::CliError;
use bytes::Bytes;
use netnew_facts::{Body, Fact};
use netnew_report::Report;
use netnew_sources::{entry_columns, entry_row};
use parquet::basic::{Compression, ConvertedType, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use rust_xlsxwriter::Workbook;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of a Parquet row group, and the most that a sheet may hold besides its head.
const GROUP_ROWS: usize = 64 * 1024;
const SHEET_ROWS: usize = 1_048_575;

/// File formats of a table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Comma-separated text.
    Csv,
    /// Parquet with text columns: exact whatever reads it.
    Parquet,
    /// A workbook of one sheet.
    Xlsx,
}

impl FileFormat {
    fn ending(self) -> &'static str {
        match self {
            FileFormat::Csv => "csv",
            FileFormat::Parquet => "parquet",
            FileFormat::Xlsx => "xlsx",
        }
    }
}

/// File, relative to the folder, and how many rows it has.
pub type Written = Vec<(String, u64)>;

/// Writes every fact, one folder per source.
pub fn folder(report: &Report, dir: &Path, format: FileFormat) -> Result<Written, CliError> {
    let mut files = Files { dir: dir.to_path_buf(), format, open: BTreeMap::new() };
    for part in report.snapshot.partitions(1) {
        let mut failed = None;
        let scanned = report.snapshot.scan_part(part, netnew_book::Part::All, &mut |customer| {
            let mut facts: Vec<&Fact> =
                customer.facts.iter().filter(|f| customer.ids.contains(&f.customer)).collect();
            facts.sort_by_key(|f| f.booked_seq);
            for fact in facts {
                if let Err(error) = files.fact(fact) {
                    failed = Some(error);
                    return Err(netnew_book::BookError::stopped());
                }
            }
            Ok(())
        });
        if let Some(error) = failed {
            return Err(error);
        }
        scanned?;
    }
    for rate in report.snapshot.rates()? {
        let row = vec![
            rate.day.to_string(),
            rate.base.as_str().to_string(),
            rate.quote.as_str().to_string(),
            rate.rate.map_or(String::new(), |r| r.to_string()),
            rate.recorded_at.to_string(),
            if rate.rate.is_none() { "true".into() } else { String::new() },
        ];
        let columns = RATE_COLUMNS.map(str::to_string).to_vec();
        files.row(&rate.source, "rates", columns, row)?;
    }
    for alias in report.snapshot.aliases()? {
        let columns = ["customer", "merged_into", "recorded_at", "retract"].map(str::to_string).to_vec();
        let row = vec![
            alias.customer.to_string(),
            alias.merged_into.as_deref().unwrap_or_default().to_string(),
            alias.recorded_at.to_string(),
            if alias.merged_into.is_none() { "true".into() } else { String::new() },
        ];
        files.row(&alias.source, "customers", columns, row)?;
    }
    files.finish()
}

/// Open files by source, kind and columns: a column that a row lacks says nothing, while an empty cell states
/// that there is no value, so rows with other columns go to a file of their own.
struct Files {
    dir: PathBuf,
    format: FileFormat,
    open: BTreeMap<(String, &'static str, Vec<String>), TableFile>,
}

impl Files {
    fn fact(&mut self, fact: &Fact) -> Result<(), CliError> {
        if let Some(row) = state_row(fact) {
            return self.row(&fact.source, "states", STATE_COLUMNS.map(str::to_string).to_vec(), row);
        }
        if let (Some(row), Body::Entry { kind, .. }) = (entry_row(fact), &fact.body) {
            let columns = entry_columns(*kind).iter().map(|name| name.to_string()).collect();
            return self.row(&fact.source, kind.as_str(), columns, row);
        }
        let Body::Attributes { effective_at, values } = &fact.body else { return Ok(()) };
        let mut columns: Vec<String> =
            ["customer", "effective_at", "recorded_at", "retract"].map(str::to_string).to_vec();
        let mut row = vec![
            fact.customer.to_string(),
            effective_at.map_or(String::new(), |e| e.to_string()),
            fact.recorded_at.to_string(),
            if values.is_none() { "true".into() } else { String::new() },
        ];
        for (name, value) in values.iter().flatten() {
            columns.push(name.clone());
            row.push(value.clone().unwrap_or_default());
        }
        self.row(&fact.source, "customers", columns, row)
    }

    fn row(
        &mut self,
        source: &str,
        kind: &'static str,
        columns: Vec<String>,
        row: Vec<String>,
    ) -> Result<(), CliError> {
        let key = (source.to_string(), kind, columns);
        if !self.open.contains_key(&key) {
            let earlier = self.open.keys().filter(|(s, k, _)| *s == key.0 && *k == kind).count();
            let number = if earlier == 0 { String::new() } else { format!("-{}", earlier + 1) };
            let folder: String = source
                .chars()
                .map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' })
                .collect();
            let name = format!("{folder}/{kind}{number}.{}", self.format.ending());
            let file = TableFile::create(&self.dir, name, key.2.clone(), self.format)?;
            self.open.insert(key.clone(), file);
        }
        self.open.get_mut(&key).expect("inserted above").push(row)
    }

    fn finish(self) -> Result<Written, CliError> {
        let mut written: Written =
            self.open.into_values().map(TableFile::finish).collect::<Result<_, _>>()?;
        written.sort();
        Ok(written)
    }
}

/// One table being written.
struct TableFile {
    name: String,
    rows: u64,
    columns: Vec<String>,
    sink: Sink,
}

enum Sink {
    Csv(Box<csv::Writer<BufWriter<File>>>),
    Parquet { writer: Box<SerializedFileWriter<File>>, held: Vec<Vec<String>> },
    Xlsx { path: PathBuf, rows: Vec<Vec<String>> },
}

impl TableFile {
    fn create(
        dir: &Path,
        name: String,
        columns: Vec<String>,
        format: FileFormat,
    ) -> Result<TableFile, CliError> {
        let path = dir.join(&name);
        std::fs::create_dir_all(path.parent().unwrap_or(dir))?;
        let sink = match format {
            FileFormat::Csv => {
                let mut writer = csv::Writer::from_writer(BufWriter::new(File::create(&path)?));
                writer.write_record(&columns).map_err(std::io::Error::from)?;
                Sink::Csv(Box::new(writer))
            }
            FileFormat::Parquet => {
                Sink::Parquet { writer: Box::new(parquet_writer(&path, &columns)?), held: Vec::new() }
            }
            FileFormat::Xlsx => Sink::Xlsx { path, rows: Vec::new() },
        };
        Ok(TableFile { name, rows: 0, columns, sink })
    }

    fn push(&mut self, row: Vec<String>) -> Result<(), CliError> {
        self.rows += 1;
        match &mut self.sink {
            Sink::Csv(writer) => writer.write_record(&row).map_err(std::io::Error::from)?,
            Sink::Parquet { writer, held } => {
                held.push(row);
                if held.len() == GROUP_ROWS {
                    write_group(writer, held, self.columns.len())?;
                }
            }
            Sink::Xlsx { rows, .. } => {
                if rows.len() == SHEET_ROWS {
                    return Err(CliError::refused(
                        "too_many_rows",
                        format!("{} has more than {SHEET_ROWS} rows, the most that a sheet holds", self.name),
                        "export as parquet or csv instead",
                    ));
                }
                rows.push(row);
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<(String, u64), CliError> {
        match self.sink {
            Sink::Csv(mut writer) => writer.flush()?,
            Sink::Parquet { mut writer, mut held } => {
                write_group(&mut writer, &mut held, self.columns.len())?;
                writer.close().map_err(parquet_error)?;
            }
            Sink::Xlsx { path, rows } => write_sheet(&path, &self.columns, &rows)?,
        }
        Ok((self.name, self.rows))
    }
}

fn parquet_writer(path: &Path, columns: &[String]) -> Result<SerializedFileWriter<File>, CliError> {
    let fields = columns
        .iter()
        .map(|name| {
            Type::primitive_type_builder(name, PhysicalType::BYTE_ARRAY)
                .with_repetition(Repetition::REQUIRED)
                .with_converted_type(ConvertedType::UTF8)
                .build()
                .map(Arc::new)
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(parquet_error)?;
    let schema = Type::group_type_builder("rows").with_fields(fields).build().map_err(parquet_error)?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    SerializedFileWriter::new(File::create(path)?, Arc::new(schema), Arc::new(properties))
        .map_err(parquet_error)
}

fn write_group(
    writer: &mut SerializedFileWriter<File>,
    held: &mut Vec<Vec<String>>,
    columns: usize,
) -> Result<(), CliError> {
    if held.is_empty() {
        return Ok(());
    }
    let rows = std::mem::take(held);
    let mut group = writer.next_row_group().map_err(parquet_error)?;
    for column in 0..columns {
        let values: Vec<ByteArray> =
            rows.iter().map(|row| ByteArray::from(Bytes::copy_from_slice(row[column].as_bytes()))).collect();
        let mut one = group.next_column().map_err(parquet_error)?.ok_or_else(|| {
            CliError::refused("export", "a Parquet column is missing", "please report this")
        })?;
        one.typed::<ByteArrayType>().write_batch(&values, None, None).map_err(parquet_error)?;
        one.close().map_err(parquet_error)?;
    }
    group.close().map_err(parquet_error)?;
    Ok(())
}

fn parquet_error(error: parquet::errors::ParquetError) -> CliError {
    CliError::refused("export", error.to_string(), "check the free space and the folder's permissions")
}

fn write_sheet(path: &Path, columns: &[String], rows: &[Vec<String>]) -> Result<(), CliError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let cell = |error: rust_xlsxwriter::XlsxError| {
        CliError::refused("export", error.to_string(), "export as parquet or csv instead")
    };
    for (at, name) in columns.iter().enumerate() {
        sheet.write_string(0, at as u16, name).map_err(cell)?;
    }
    for (number, row) in rows.iter().enumerate() {
        for (at, text) in row.iter().enumerate() {
            if !text.is_empty() {
                sheet.write_string(number as u32 + 1, at as u16, text).map_err(cell)?;
            }
        }
    }
    workbook.save(path).map_err(cell)
}
