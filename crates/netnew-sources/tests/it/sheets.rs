//! Workbooks.

use netnew_sources::Format;
use rust_xlsxwriter::{ExcelDateTime, Format as CellFormat, Formula, Workbook};

use crate::support::{Desk, Outcome};

fn read(fill: impl FnOnce(&mut Workbook) -> Result<(), rust_xlsxwriter::XlsxError>) -> Outcome {
    let mut workbook = Workbook::new();
    fill(&mut workbook).expect("the workbook is filled");
    Desk::new().zone("Europe/Paris").read(workbook.save_to_buffer().expect("the workbook is written"))
}

#[test]
fn cells_keep_their_types() {
    let outcome = read(|workbook| {
        workbook.add_worksheet().set_name("Cover")?;
        let date = CellFormat::new().set_num_format("yyyy-mm-dd");
        let time = CellFormat::new().set_num_format("yyyy-mm-dd hh:mm");
        let money = CellFormat::new().set_num_format("#,##0.00 €");
        let sheet = workbook.add_worksheet();
        for (at, header) in
            ["Customer", "Subscription", "Effective at", "Amount", "Retract"].iter().enumerate()
        {
            sheet.write_string(2, at as u16 + 1, *header)?;
        }
        sheet.write_number(3, 1, 1001)?;
        sheet.write_string(3, 2, " s ")?;
        sheet.write_datetime_with_format(3, 3, ExcelDateTime::from_ymd(2026, 1, 31)?, &date)?;
        sheet.write_number_with_format(3, 4, 1234.1, &money)?;
        sheet.write_boolean(3, 5, false)?;
        sheet.write_string(5, 1, "b")?;
        sheet.write_string(5, 2, "s")?;
        let noon = ExcelDateTime::from_ymd(2026, 1, 31)?.and_hms(12, 0, 0)?;
        sheet.write_datetime_with_format(5, 3, noon, &time)?;
        sheet.write_formula(5, 4, Formula::new("=0.1+0.2").set_result("0.30000000000000004"))?;
        workbook.add_worksheet().set_name("Notes")?.write_string(0, 0, "x")?;
        Ok(())
    })
    .sound();
    assert_eq!(outcome.opened.format, Format::Xlsx);
    assert_eq!(
        outcome.lines(),
        [
            "1001 s 2026-01-30T23:00:00Z active 1234.1 EUR /month",
            "b s 2026-01-31T11:00:00Z active 0.3 USD /month",
        ]
    );
    assert_eq!(
        outcome.statements.iter().map(|s| s.row).collect::<Vec<_>>(),
        [4, 6],
        "rows as the sheet numbers them"
    );
    assert_eq!(outcome.opened.notes, ["sheet Sheet2 read, not Notes"]);
    assert_eq!(outcome.opened.total, 3);
}

#[test]
fn cells_that_hold_no_value_of_their_kind_are_problems() {
    let outcome = read(|workbook| {
        let sheet = workbook.add_worksheet();
        for (at, header) in ["customer", "subscription", "effective_at", "amount"].iter().enumerate() {
            sheet.write_string(0, at as u16, *header)?;
        }
        for row in 1..=4 {
            sheet.write_string(row, 0, "a")?.write_string(row, 1, format!("s{row}"))?;
            sheet.write_string(row, 2, "2026-01-31")?.write_number(row, 3, 5)?;
        }
        sheet.write_number(1, 2, 46053)?;
        let time = CellFormat::new().set_num_format("hh:mm");
        sheet.write_number_with_format(2, 2, 0.5, &time)?;
        sheet.write_formula(3, 3, Formula::new("=1/0").set_result("#DIV/0!"))?;
        Ok(())
    });
    assert_eq!(outcome.lines(), ["a s4 2026-01-30T23:00:00Z active 5 USD /month"]);
    assert_eq!(
        outcome.faults(),
        ["2 effective_at bad_date", "3 effective_at cell_error", "4 amount cell_error"]
    );
    assert!(
        outcome.problems[0].message.contains("day number of a spreadsheet"),
        "{}",
        outcome.problems[0].message
    );
}

#[test]
fn numbers_mean_what_they_are_shown_as() {
    let outcome = read(|workbook| {
        let percent = CellFormat::new().set_num_format("0%");
        let yen = CellFormat::new().set_num_format("[$¥-411]#,##0");
        let sheet = workbook.add_worksheet();
        for (at, header) in
            ["customer", "subscription", "effective_at", "amount", "discount_percent", "currency"]
                .iter()
                .enumerate()
        {
            sheet.write_string(0, at as u16, *header)?;
        }
        for row in 1..=3 {
            sheet.write_string(row, 0, "a")?.write_string(row, 1, format!("s{row}"))?;
            sheet.write_string(row, 2, "2026-01-31")?.write_number(row, 3, 5)?;
        }
        sheet.write_number_with_format(1, 4, 0.2, &percent)?;
        sheet.write_number_with_format(2, 3, 500, &yen)?.write_string(2, 5, "JPY")?;
        sheet.write_number_with_format(3, 3, 500, &yen)?.write_string(3, 5, "USD")?;
        Ok(())
    });
    assert_eq!(
        outcome.lines(),
        [
            "a s1 2026-01-30T23:00:00Z active 5 USD /month [{\"percent\":\"20\",\"kind\":\"forever\"}]",
            "a s2 2026-01-30T23:00:00Z active 500 JPY /month",
        ]
    );
    assert_eq!(outcome.faults(), ["4 amount currency_conflict"]);
}

#[test]
fn an_empty_workbook_is_refused() {
    let bytes = Workbook::new().save_to_buffer().expect("the workbook is written");
    assert_eq!(Desk::new().refusal(bytes).code(), "empty_file");
}
