//! Workbooks of Office Open XML (`.xlsx`), held in memory as a whole.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use calamine::{Data, ExcelDateTime, Range, Reader, StyleRange, Xlsx};
use netnew_money::{Day, Decimal};

use crate::cell::{Cell, Source, Step, trim};
use crate::code;
use crate::currency_mark;
use crate::problem::SourceError;

/// The first sheet with content. Its first row with content names the columns.
pub(crate) struct Sheet {
    headers: Vec<String>,
    cells: Range<Data>,
    styles: StyleRange,
    /// Index of the header within `cells`.
    header_at: usize,
    /// Index of the current row within `cells`.
    at: usize,
    notes: Vec<String>,
}

impl Sheet {
    pub(crate) fn open(name: &str, path: &Path) -> Result<Sheet, SourceError> {
        let file = File::open(path).map_err(|error| SourceError::io(name, &error))?;
        let refused = |error: calamine::XlsxError| {
            SourceError::new(
                name,
                code::UNSUPPORTED_FORMAT,
                format!("the file is a zip archive but no workbook that can be read: {error}"),
                "save it as .xlsx without a password, or as CSV",
            )
        };
        let mut workbook = Xlsx::new(BufReader::new(file)).map_err(refused)?;
        let (mut chosen, mut left) = (None, Vec::new());
        for sheet in workbook.sheet_names() {
            let cells = workbook.worksheet_range(&sheet).map_err(refused)?;
            if cells.used_cells().next().is_none() {
                continue;
            }
            match &chosen {
                None => chosen = Some((sheet, cells)),
                Some(_) => left.push(sheet),
            }
        }
        let Some((sheet, cells)) = chosen else {
            return Err(SourceError::new(
                name,
                code::EMPTY_FILE,
                "the workbook is empty",
                "check the export",
            ));
        };
        let styles = workbook.worksheet_style(&sheet).map_err(refused)?;
        let mut notes = Vec::new();
        if !left.is_empty() {
            notes.push(format!("sheet {sheet} read, not {}", left.join(", ")));
        }
        let is_filled = |row: &[Data]| row.iter().any(|cell| !matches!(cell_of(cell), Cell::Empty));
        let header_at = cells.rows().position(is_filled).unwrap_or(0);
        let headers =
            cells[header_at].iter().map(|c| cell_of(c).written().unwrap_or_default().to_string()).collect();
        Ok(Sheet { headers, cells, styles, header_at, at: header_at, notes })
    }
}

/// How a number format shows a number.
#[derive(Debug, PartialEq)]
enum Look<'a> {
    Plain,
    Percent,
    Currency(&'a str),
}

impl Sheet {
    /// How the cell of the current row is shown: 0.2 may stand for 20 %, and 5 for 5 €.
    fn look(&self, column: usize) -> Look<'_> {
        let Some((row, first)) = self.cells.start() else { return Look::Plain };
        let place = (row.saturating_add(self.at as u32), first.saturating_add(column as u32));
        let Some(format) = self.styles.get(place).and_then(|s| s.number_format.as_ref()) else {
            return Look::Plain;
        };
        match (look_of(&format.format_code), format.format_id) {
            // These show the currency of whoever looks at the sheet.
            (Look::Currency(_), Some(5..=8 | 37..=44)) => Look::Plain,
            (look, _) => look,
        }
    }
}

/// Reads the first section of a number format, such as `0.0%`, `#,##0.00 "€"` or `[$USD] 0.00`.
fn look_of(format: &str) -> Look<'_> {
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        let (literal, after) = match c {
            ';' => break,
            '%' => return Look::Percent,
            '"' => rest[1..].split_once('"').unwrap_or((&rest[1..], "")),
            '[' => {
                let (inside, after) = rest[1..].split_once(']').unwrap_or((&rest[1..], ""));
                let symbol = inside.strip_prefix('$').map_or("", |s| s.split('-').next().unwrap_or(""));
                (symbol, after)
            }
            _ => rest.split_at(c.len_utf8()),
        };
        let literal = trim(literal);
        // A single letter or sign of the format itself is no currency, but for the signs that are.
        let is_format = literal.len() == 1 && literal != "$";
        if !is_format && currency_mark::is_mark(literal) {
            return Look::Currency(literal);
        }
        rest = after;
    }
    Look::Plain
}

impl Source for Sheet {
    fn headers(&self) -> &[String] {
        &self.headers
    }

    fn advance(&mut self) -> Result<Step, SourceError> {
        while self.at + 1 < self.cells.height() {
            self.at += 1;
            if self.cells[self.at].iter().any(|cell| !matches!(cell_of(cell), Cell::Empty)) {
                return Ok(Step::Record);
            }
        }
        Ok(Step::End)
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        let Some(data) = self.cells[self.at].get(column) else { return Cell::Empty };
        match (cell_of(data), self.look(column)) {
            (Cell::Number(number), Look::Currency(mark)) => Cell::Money(number, mark),
            (Cell::Number(number), Look::Percent) => number
                .mantissa()
                .checked_mul(100)
                .map_or(Cell::Broken("a number out of range"), |hundredfold| {
                    Cell::Percent(Decimal::new(hundredfold, number.scale()))
                }),
            (cell, _) => cell,
        }
    }

    fn line(&self) -> u64 {
        let first = self.cells.start().map_or(0, |(row, _)| u64::from(row));
        first + self.at as u64 + 1
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.at = self.header_at;
        Ok(())
    }

    fn enough_for_evidence(&self) -> bool {
        false
    }

    fn progress(&self) -> (u64, u64) {
        let rows = |at: usize| (at - self.header_at) as u64;
        (rows(self.at), rows(self.cells.height().saturating_sub(1).max(self.header_at)))
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

fn cell_of(data: &Data) -> Cell<'_> {
    match data {
        Data::Empty => Cell::Empty,
        Data::Int(whole) => Cell::Number(Decimal::from_i64(*whole)),
        Data::Float(number) => float(*number),
        Data::String(text) | Data::DateTimeIso(text) => Cell::text(text),
        Data::Bool(value) => Cell::Bool(*value),
        Data::DateTime(serial) => date(serial),
        Data::DurationIso(_) => Cell::Broken("a duration"),
        Data::Error(error) => Cell::Broken(match error {
            calamine::CellErrorType::Div0 => "the error #DIV/0!",
            calamine::CellErrorType::NA => "the error #N/A",
            calamine::CellErrorType::Name => "the error #NAME?",
            calamine::CellErrorType::Ref => "the error #REF!",
            calamine::CellErrorType::Value => "the error #VALUE!",
            _ => "an error",
        }),
    }
}

/// A spreadsheet keeps and shows 15 significant digits; what its binary numbers have beyond is noise: 0.1 + 0.2
/// is 0.3.
fn float(number: f64) -> Cell<'static> {
    Decimal::parse(&format!("{number:.14e}")).map_or(Cell::Broken("a number out of range"), Cell::Number)
}

/// Cells formatted as dates. A time without a date says nothing about when.
fn date(serial: &ExcelDateTime) -> Cell<'static> {
    if serial.is_duration() {
        return Cell::Broken("a duration");
    }
    let (year, month, day, hour, minute, second, milli) = serial.to_ymd_hms_milli();
    let found = Day::from_ymd(i32::from(year), u32::from(month), u32::from(day)).filter(|_| year >= 1900);
    let Some(day) = found else { return Cell::Broken("a time without a date") };
    let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    match seconds * 1_000_000 + i64::from(milli) * 1_000 {
        0 => Cell::Day(day),
        micros => Cell::Clock(day, micros),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_show_percentages_and_currencies() {
        for (format, look) in [
            ("General", Look::Plain),
            ("#,##0.00", Look::Plain),
            ("0.0%", Look::Percent),
            ("0.00\"%\"", Look::Plain),
            ("#,##0.00 €", Look::Currency("€")),
            ("#,##0.00\\ \"€\"", Look::Currency("€")),
            ("\"$\"#,##0.00;[Red]-\"$\"#,##0.00", Look::Currency("$")),
            ("[$€-407] #,##0.00", Look::Currency("€")),
            ("[$USD] #,##0.00", Look::Currency("USD")),
            ("[$-409]#,##0", Look::Plain),
            ("[Red]0 \"seats\"", Look::Plain),
            ("_($* #,##0.00_)", Look::Currency("$")),
            ("0;0%", Look::Plain),
        ] {
            assert_eq!(look_of(format), look, "{format}");
        }
    }

    #[test]
    fn binary_noise_is_not_read() {
        for (number, text) in [
            (0.300_000_000_000_000_04, "0.3"),
            (49.99, "49.99"),
            (83.333_333_333_333_33, "83.3333333333333"),
            (-7.0, "-7"),
        ] {
            assert_eq!(float(number).written().unwrap(), text);
        }
        assert_eq!(float(f64::MAX), Cell::Broken("a number out of range"));
    }
}
