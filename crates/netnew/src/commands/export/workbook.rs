//! The book as workbooks: the facts, importable, and the waterfall as a sheet with live formulas.

use super::write::{FileFormat, Written, folder};
use crate::error::CliError;
use netnew_ledger::Kind;
use netnew_metrics::{Extras, RollupRow};
use netnew_money::Amount;
use netnew_report::Report;
use rust_xlsxwriter::{Format, Formula, Workbook, Worksheet, XlsxError};
use std::path::Path;

/// Writes the facts as workbooks and `mrr.xlsx`.
pub fn write(report: &Report, dir: &Path) -> Result<Written, CliError> {
    let mut written = folder(report, dir, FileFormat::Xlsx)?;
    let query = report.query()?;
    let rows = match report.is_empty()? {
        true => Vec::new(),
        false => report.rows(&query, Extras::default())?,
    };
    let mut workbook = Workbook::new();
    let failed = |error: XlsxError| {
        CliError::refused("export", error.to_string(), "check the free space and the folder's permissions")
    };
    waterfall(workbook.add_worksheet(), report, &rows).map_err(failed)?;
    workbook.save(dir.join("mrr.xlsx")).map_err(failed)?;
    written.push(("mrr.xlsx".into(), rows.len() as u64));
    Ok(written)
}

/// One row a month; start, end, net new and rates are formulas over the movements, so that a reader can follow
/// and change them.
fn waterfall(sheet: &mut Worksheet, report: &Report, rows: &[RollupRow]) -> Result<(), XlsxError> {
    let money = Format::new().set_num_format("#,##0.00");
    let share = Format::new().set_num_format("0.0%");
    let bold = Format::new().set_bold();
    sheet.set_name("MRR")?;
    let heads = [
        "period",
        "start",
        "new",
        "reactivation",
        "expansion",
        "contraction",
        "churn",
        "transfer",
        "fx",
        "end",
        "net new",
        "gross MRR churn",
        "customers start",
        "in",
        "out",
        "customers end",
        "ARPA",
    ];
    for (at, head) in heads.iter().enumerate() {
        sheet.write_string_with_format(0, at as u16, *head, &bold)?;
    }
    for (index, row) in rows.iter().enumerate() {
        let line = index as u32 + 1;
        let n = line + 1;
        sheet.write_string(line, 0, row.period.start.to_string())?;
        match index {
            0 => number(sheet, line, 1, row.start, &money)?,
            _ => formula(sheet, line, 1, format!("=J{}", n - 1), row.start, &money)?,
        }
        for (at, kind) in Kind::ALL.iter().enumerate() {
            number(sheet, line, 2 + at as u16, row.movement(*kind), &money)?;
        }
        number(sheet, line, 8, row.fx, &money)?;
        formula(sheet, line, 9, format!("=SUM(B{n}:I{n})"), row.end, &money)?;
        let net: Amount = row.movements.values().copied().sum();
        formula(sheet, line, 10, format!("=SUM(C{n}:H{n})"), net, &money)?;
        sheet.write_formula_with_format(
            line,
            11,
            Formula::new(format!("=IF(B{n}=0,\"\",-(F{n}+G{n})/B{n})")),
            &share,
        )?;
        let h = row.heads;
        match index {
            0 => sheet.write_number(line, 12, row.heads_start as f64)?,
            _ => sheet.write_formula(line, 12, Formula::new(format!("=P{}", n - 1)))?,
        };
        sheet.write_number(line, 13, (h.new + h.reactivated + h.entered) as f64)?;
        sheet.write_number(line, 14, (h.churned + h.left) as f64)?;
        sheet.write_formula(line, 15, Formula::new(format!("=M{n}+N{n}-O{n}")))?;
        sheet.write_formula_with_format(
            line,
            16,
            Formula::new(format!("=IF(P{n}=0,\"\",J{n}/P{n})")),
            &money,
        )?;
    }
    let last = rows.len() as u32 + 2;
    sheet.write_string(last, 0, super::super::mrr::footer(report).trim_end())?;
    sheet.set_freeze_panes(1, 1)?;
    Ok(())
}

/// A spreadsheet cell holds a binary number whatever we do; the exact figure is in the other formats.
fn number(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    amount: Amount,
    format: &Format,
) -> Result<(), XlsxError> {
    let value: f64 = amount.to_string().parse().unwrap_or_default();
    sheet.write_number_with_format(row, column, value, format)?;
    Ok(())
}

fn formula(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    text: String,
    result: Amount,
    format: &Format,
) -> Result<(), XlsxError> {
    sheet.write_formula_with_format(
        row,
        column,
        Formula::new(text).set_result(result.to_string()),
        format,
    )?;
    Ok(())
}
