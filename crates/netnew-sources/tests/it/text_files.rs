//! Encodings, separators, line ends, and numbers and dates that can be read two ways.

use netnew_sources::Kind;

use crate::support::Desk;

const HEADER: &str = "customer;subscription;effective_at;amount\n";

fn amounts(cells: &[&str]) -> (Vec<String>, Vec<String>) {
    let rows: String = cells.iter().enumerate().map(|(n, c)| format!("a;s{n};2026-01-01;{c}\n")).collect();
    let outcome = Desk::new().read(format!("{HEADER}{rows}"));
    (outcome.states().iter().map(|s| s.amount.to_string()).collect(), outcome.faults())
}

#[test]
fn a_column_decides_between_decimal_point_and_comma() {
    assert_eq!(amounts(&["1,234", "49.50"]).0, ["1234", "49.5"]);
    assert_eq!(amounts(&["1,234", "49,50"]).0, ["1.234", "49.5"]);
    assert_eq!(amounts(&["1.234", "12,5"]).0, ["1234", "12.5"]);
    assert_eq!(amounts(&["1.234", "2.345.678"]).0, ["1234", "2345678"]);
}

#[test]
fn what_no_cell_decides_is_never_guessed() {
    let (read, faults) = amounts(&["1,234", "99", "12.345"]);
    assert_eq!(read, ["99"]);
    assert_eq!(faults, ["2 amount ambiguous_number", "4 amount ambiguous_number"]);
    let (read, faults) = amounts(&["1,234", "49.50", "49,50"]);
    assert_eq!(read, ["49.5", "49.5"], "cells that can mean one thing only are read");
    assert_eq!(faults, ["2 amount ambiguous_number"]);
}

#[test]
fn currencies_beside_numbers_agree_with_their_column() {
    let outcome = Desk::new().read(
        "customer;subscription;effective_at;amount;currency\n\
         a;s1;2026-01-01;€49;\n\
         a;s2;2026-01-01;49 USD;USD\n\
         a;s3;2026-01-01;$1,200.00;CAD\n\
         a;s4;2026-01-01;(5.00);GBP\n\
         a;s5;2026-01-01;49 EUR;USD\n",
    );
    let read: Vec<String> = outcome.states().iter().map(|s| format!("{} {}", s.amount, s.currency)).collect();
    assert_eq!(read, ["49 EUR", "49 USD", "1200 CAD", "-5 GBP"]);
    assert_eq!(outcome.faults(), ["6 amount currency_conflict"]);
    let euro_book =
        Desk::new().currency("EUR").read("customer;subscription;effective_at;amount\na;s;2026-01-01;$49\n");
    assert_eq!(euro_book.faults(), ["2 amount ambiguous_currency"]);
}

fn dates(cells: &[&str]) -> (Vec<String>, Vec<String>, Vec<String>) {
    let rows: String = cells.iter().enumerate().map(|(n, c)| format!("a;s{n};{c};1\n")).collect();
    let outcome = Desk::new().read(format!("{HEADER}{rows}"));
    let days = outcome.lines().iter().map(|l| l.split(' ').nth(2).unwrap_or("")[..10].to_string()).collect();
    (days, outcome.faults(), outcome.opened.notes.clone())
}

#[test]
fn a_column_decides_between_day_and_month_first() {
    let (days, _, notes) = dates(&["1/2/2026", "31/1/2026"]);
    assert_eq!(days, ["2026-02-01", "2026-01-31"]);
    assert_eq!(notes, ["separator ;", "effective_at read as day/month/year because line 3 has `31/1/2026`"]);
    assert_eq!(dates(&["1/2/2026", "1/31/2026"]).0, ["2026-01-02", "2026-01-31"]);
    let (days, faults, _) = dates(&["1/2/2026", "3/3/2026", "2026-05-06", "7.8.2026"]);
    assert_eq!(days, ["2026-03-03", "2026-05-06", "2026-08-07"]);
    assert_eq!(faults, ["2 effective_at ambiguous_date"]);
    let (days, faults, _) = dates(&["1/2/2026", "31/1/2026", "1/31/2026"]);
    assert_eq!((days.len(), faults.len()), (2, 1), "two orders in one column settle nothing");
}

#[test]
fn dates_of_one_file_are_written_alike() {
    let outcome =
        Desk::new().read("customer,start,end,amount\na,01/02/2026,28/02/2026,5\nb,01/03/2026,,5\n").sound();
    assert_eq!(
        outcome.lines(),
        [
            "a a 2026-02-01T00:00:00Z active 5 USD /month cancel_at=2026-02-28T00:00:00Z",
            "b b 2026-03-01T00:00:00Z active 5 USD /month",
        ]
    );
    assert!(outcome.opened.notes.contains(&"start read as day/month/year like end".to_string()));
    let torn = Desk::new().read(
        "customer,start,end,trial_end,amount\na,01/02/2026,28/02/2026,,5\nb,2026-03-01,,12/31/2025,5\n",
    );
    assert_eq!(torn.faults(), ["2 start ambiguous_date"]);
}

#[test]
fn encodings_and_line_ends_make_no_difference() {
    let text = "customer,subscription,effective_at,plan,amount\r\n\r\nZoë,s,2026-01-01,\"Pro,\r\nlarge\",€49\r\n\r\n,,,,\r\n";
    let utf16: Vec<u8> =
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let windows: Vec<u8> = text.chars().map(|c| if c == '€' { 0x80 } else { c as u8 }).collect();
    let expected = ["Zoë s 2026-01-01T00:00:00Z active [Pro,\r\nlarge] 49 EUR /month"];
    for (content, note) in [
        (text.as_bytes().to_vec(), None),
        (format!("\u{feff}{text}").into_bytes(), None),
        (utf16, Some("read as UTF-16LE")),
        (windows, Some("read as Windows-1252 because line 3 is not UTF-8")),
    ] {
        let outcome = Desk::new().read(content).sound();
        assert_eq!(outcome.lines(), expected);
        assert_eq!(outcome.statements[0].row, 3);
        assert_eq!(outcome.opened.notes.first().map(String::as_str), note);
    }
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let outcome = Desk::new().read(
        "\n\ncustomer,subscription,effective_at,amount\n\na,\"s\n1\",2026-01-01,1\n\nb,s,never,1\n\nc,s,2026-01-01,1,,\nd,s,2026-01-01,1,9,\n",
    );
    assert_eq!(outcome.statements.iter().map(|s| s.row).collect::<Vec<_>>(), [5, 10]);
    assert_eq!(outcome.faults(), ["8 effective_at bad_date", "11 - ragged_row"]);
}

#[test]
fn an_open_quote_is_said_with_its_line() {
    let outcome = Desk::new().read(
        "customer,subscription,effective_at,amount\na,s,2026-01-01,1\nb,\"s,2026-01-01,1\nc,s,2026-01-01,1\n",
    );
    assert_eq!(outcome.statements.len(), 1);
    assert_eq!(outcome.faults(), ["3 - unclosed_quote"]);
    let endless = format!("{HEADER}a;\"{}", "s;2026-01-01;1\n".repeat(1_300_000));
    assert_eq!(
        Desk::new().read(endless).faults(),
        ["2 - unclosed_quote"],
        "memory does not grow with the file"
    );
}

#[test]
fn a_stated_separator_and_unnamed_columns() {
    let outcome = Desk::new()
        .read("sep=;\r\ncustomer;subscription;effective_at;amount;\r\na;s;2026-01-01;1,5;note\r\nb;s;2026-01-01;2\r\n")
        .sound();
    assert_eq!(outcome.statements.iter().map(|s| s.row).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(outcome.states()[0].amount.to_string(), "1.5");
}

#[test]
fn files_that_are_no_tables_are_refused_with_a_way_out() {
    for (content, code) in [
        (&b""[..], "empty_file"),
        (b" \n \n", "empty_file"),
        (b"[]", "empty_file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "unsupported_format"),
        (b"\x1f\x8b\x08\x00", "unsupported_format"),
        (b"%PDF-1.7", "unsupported_format"),
        (b"customer\0name\n", "unsupported_format"),
        (b"PK\x03\x04 no workbook", "unsupported_format"),
        (b"PAR1 no parquet", "unreadable"),
        (b"colour,size\nred,5\n", "unknown_kind"),
    ] {
        let refusal = Desk::new().refusal(content);
        assert_eq!(refusal.code(), code, "{refusal}");
        assert!(!refusal.hint().is_empty());
    }
    let absent = Desk::new().read_path(std::path::Path::new("/nowhere/at/all.csv")).unwrap_err();
    assert_eq!((absent.code(), absent.file()), ("unreadable", "/nowhere/at/all.csv"));
}

#[test]
fn a_header_without_rows_is_no_error() {
    let outcome = Desk::new().read("customer,subscription,effective_at,amount\n").sound();
    assert_eq!((outcome.opened.kind, outcome.statements.len()), (Kind::States, 0));
}

#[test]
fn progress_ends_at_the_total() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("data");
    let rows: String = (0..10_000).map(|n| format!("a;s{n};2026-01-01;1\n")).collect();
    std::fs::write(&path, format!("{HEADER}{rows}")).expect("a temporary file");
    let mut reader = Desk::new().open(&path).expect("the file opens");
    let mut rows = Vec::new();
    let mut batches = 0;
    while reader.next_batch(&mut rows).expect("the file reads on") {
        batches += 1;
    }
    assert_eq!((rows.len(), batches), (10_000, 2));
    let (done, total) = reader.progress();
    assert_eq!((done, total), (total, reader.opened().total));
    assert!(!reader.next_batch(&mut rows).expect("nothing more"), "the end stays the end");
}
