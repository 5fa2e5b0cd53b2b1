//! Parquet files in the types that programs write.

use std::sync::Arc;

use netnew_money::{Day, Instant};
use netnew_sources::Format;
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::support::Desk;

/// Values of one column; a null is `None`.
enum Column {
    Bool(Vec<Option<bool>>),
    Int(Vec<Option<i32>>),
    Long(Vec<Option<i64>>),
    Julian(Vec<Option<Int96>>),
    Float(Vec<Option<f32>>),
    Double(Vec<Option<f64>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Fixed(Vec<Option<Vec<u8>>>),
}

fn texts(values: &[Option<&str>]) -> Column {
    Column::Bytes(values.iter().map(|v| v.map(|v| v.as_bytes().to_vec())).collect())
}

/// Levels and the values that are there.
fn split<T: Clone, U>(values: &[Option<T>], convert: impl Fn(T) -> U) -> (Vec<i16>, Vec<U>) {
    let levels = values.iter().map(|v| i16::from(v.is_some())).collect();
    (levels, values.iter().flatten().cloned().map(convert).collect())
}

/// Writes a file with one row group per element of `groups`. All fields of the schema are optional.
fn write(schema: &str, compression: Compression, groups: &[Vec<Column>]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).expect("the test's schema is valid"));
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, properties).expect("a writer");
    for columns in groups {
        let mut group = file.next_row_group().expect("a row group");
        for column in columns {
            let mut writer =
                group.next_column().expect("no fault").expect("a column for each of the schema's");
            let written = match (writer.untyped(), column) {
                (ColumnWriter::BoolColumnWriter(w), Column::Bool(v)) => {
                    let (levels, values) = split(v, |v| v);
                    w.write_batch(&values, Some(&levels), None)
                }
                (ColumnWriter::Int32ColumnWriter(w), Column::Int(v)) => {
                    let (levels, values) = split(v, |v| v);
                    w.write_batch(&values, Some(&levels), None)
                }
                (ColumnWriter::Int64ColumnWriter(w), Column::Long(v)) => {
                    let (levels, values) = split(v, |v| v);
                    w.write_batch(&values, Some(&levels), None)
                }
                (ColumnWriter::Int96ColumnWriter(w), Column::Julian(v)) => {
                    let (levels, values) = split(v, |v| v);
                    w.write_batch(&values, Some(&levels), None)
                }
                (ColumnWriter::FloatColumnWriter(w), Column::Float(v)) => {
                    let (levels, values) = split(v, |v| v);
                    w.write_batch(&values, Some(&levels), None)
                }
                (ColumnWriter::DoubleColumnWriter(w), Column::Double(v)) => {
                    let (levels, values) = split(v, |v| v);
                    w.write_batch(&values, Some(&levels), None)
                }
                (ColumnWriter::ByteArrayColumnWriter(w), Column::Bytes(v)) => {
                    let (levels, values) = split(v, ByteArray::from);
                    w.write_batch(&values, Some(&levels), None)
                }
                (ColumnWriter::FixedLenByteArrayColumnWriter(w), Column::Fixed(v)) => {
                    let (levels, values) = split(v, FixedLenByteArray::from);
                    w.write_batch(&values, Some(&levels), None)
                }
                _ => panic!("the column is of another type than the schema says"),
            };
            written.expect("the values are written");
            writer.close().expect("the column is closed");
        }
        group.close().expect("the row group is closed");
    }
    file.close().expect("the file is closed");
    bytes
}

fn day(text: &str) -> i32 {
    Day::parse(text).expect("a day").days()
}

fn micros(text: &str) -> i64 {
    Instant::parse_rfc3339(text).expect("an instant").micros()
}

#[test]
fn typed_columns_are_read_as_what_they_are() {
    let schema = "message rows {
        optional binary customer (UTF8);
        optional binary subscription;
        optional int64 effective_at (TIMESTAMP(MICROS, true));
        optional int64 amount (DECIMAL(18, 2));
        optional int32 trial_end (DATE);
        optional int64 cancel_at (TIMESTAMP(MILLIS, false));
        optional int32 interval_count;
        optional double quantity;
        optional boolean retract;
        optional int96 recorded_at;
    }";
    let mut julian = Int96::new();
    // Julian day 2440588 is 1970-01-01; the first two words are nanoseconds of the day.
    julian.set_data(1_000_000_000, 0, 2_440_588);
    let columns = vec![
        texts(&[Some("a"), Some("b"), Some("c")]),
        texts(&[Some("s"), Some("t"), Some("u")]),
        Column::Long(vec![
            Some(micros("2026-01-01T00:00:00Z")),
            None,
            Some(micros("2026-01-02T03:04:05.678Z")),
        ]),
        Column::Long(vec![Some(4_999), Some(1), None]),
        Column::Int(vec![Some(day("2026-02-01")), None, None]),
        Column::Long(vec![Some(micros("2026-03-01T12:00:00Z") / 1000), None, None]),
        Column::Int(vec![Some(3), None, None]),
        Column::Double(vec![Some(0.1), None, None]),
        Column::Bool(vec![Some(false), None, Some(true)]),
        Column::Julian(vec![Some(julian), None, None]),
    ];
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(Default::default()),
        Compression::GZIP(Default::default()),
        Compression::LZ4_RAW,
    ] {
        let outcome =
            Desk::new().zone("Europe/Paris").read(write(schema, compression, std::slice::from_ref(&columns)));
        assert_eq!(outcome.opened.format, Format::Parquet);
        assert_eq!(
            outcome.lines(),
            [
                "a s 2026-01-01T00:00:00Z active 49.99 USD /3month x0.1 trial_end=2026-01-31T23:00:00Z \
                 cancel_at=2026-03-01T11:00:00Z",
                "c u 2026-01-02T03:04:05.678Z withdrawn",
            ],
            "{compression}"
        );
        assert_eq!(outcome.statements[0].version, Some(1_000_000));
        assert_eq!(outcome.faults(), ["2 effective_at missing_value"]);
        assert_eq!(
            outcome.opened.notes,
            ["binary floating point read as the shortest decimal that stands for it: quantity"]
        );
    }
}

#[test]
fn decimals_and_dates_in_their_other_types() {
    let schema = "message rows {
        optional binary customer (UTF8);
        optional fixed_len_byte_array(16) subscription (UUID);
        optional binary effective_at (UTF8);
        optional fixed_len_byte_array(16) amount (DECIMAL(38, 10));
        optional binary discount_amount (DECIMAL(4, 1));
        optional float quantity;
        optional int64 cancel_at (TIMESTAMP(NANOS, true));
        optional int32 seq (INTEGER(32, false));
    }";
    let negative = (-5i128 * 10i128.pow(10)).to_be_bytes().to_vec();
    let columns = vec![
        texts(&[Some("a"), Some("a")]),
        Column::Fixed(vec![Some((0..16).collect()), Some((16..32).collect())]),
        texts(&[Some("31/01/2026"), Some("01/02/2026")]),
        Column::Fixed(vec![Some(negative), Some(5i128.to_be_bytes().to_vec())]),
        Column::Bytes(vec![Some(vec![0x01, 0x00]), None]),
        Column::Float(vec![Some(2.7), None]),
        Column::Long(vec![Some(micros("2027-01-01T00:00:00Z") * 1000), None]),
        Column::Int(vec![Some(-1), None]),
    ];
    let outcome = Desk::new().read(write(schema, Compression::SNAPPY, &[columns])).sound();
    assert_eq!(
        outcome.lines(),
        [
            "a 00010203-0405-0607-0809-0a0b0c0d0e0f 2026-01-31T00:00:00Z#4294967295 active -5 USD /month x2.7 \
             [{\"amount\":\"25.6\",\"kind\":\"forever\"}] cancel_at=2027-01-01T00:00:00Z",
            "a 10111213-1415-1617-1819-1a1b1c1d1e1f 2026-02-01T00:00:00Z active 0.0000000005 USD /month",
        ]
    );
}

#[test]
fn rows_are_numbered_across_row_groups_and_batches() {
    let schema = "message rows {
        optional binary customer (UTF8);
        optional binary subscription (UTF8);
        optional int32 effective_at (DATE);
        optional int64 amount;
        optional binary plan (UTF8);
    }";
    let group = |rows: usize, from: usize| {
        let names = (0..rows).map(|n| Some(format!("c{}", from + n).into_bytes())).collect();
        vec![
            Column::Bytes(names),
            texts(&vec![Some("s"); rows]),
            Column::Int(vec![Some(day("2026-01-01")); rows]),
            Column::Long((0..rows).map(|n| (n % 1000 != 7).then_some(5)).collect()),
            texts(&vec![Some("Pro"); rows]),
        ]
    };
    let bytes = write(schema, Compression::SNAPPY, &[group(5_000, 1), group(0, 0), group(4_100, 5_001)]);
    let outcome = Desk::new().read(bytes);
    assert_eq!(outcome.opened.total, 9_100);
    assert_eq!(outcome.statements.len(), 9_100 - outcome.problems.len());
    for statement in &outcome.statements {
        let netnew_facts::StatementBody::Customer { customer, .. } = &statement.body else {
            panic!("a state")
        };
        assert_eq!(**customer, format!("c{}", statement.row));
    }
    let faults = outcome.faults();
    assert_eq!(
        (faults.len(), faults[0].as_str(), faults[5].as_str()),
        (10, "8 amount missing_value", "5008 amount missing_value")
    );
    let plans: Vec<_> = outcome.states().iter().map(|s| s.plan.clone().expect("a plan")).collect();
    assert!(plans.iter().all(|p| Arc::ptr_eq(p, &plans[0])), "a repeated plan is one text in memory");
}

#[test]
fn columns_that_cannot_be_read_are_said_or_refused() {
    let schema = |amount: &str| {
        format!(
            "message rows {{
                optional binary customer (UTF8);
                optional binary subscription (UTF8);
                optional int32 effective_at (DATE);
                optional {amount} amount;
                optional int32 opened (TIME(MILLIS, true));
            }}"
        )
    };
    let columns = |amount| {
        let day = Column::Int(vec![Some(day("2026-01-01"))]);
        vec![texts(&[Some("a")]), texts(&[Some("s")]), day, amount, Column::Int(vec![Some(0)])]
    };
    let good = write(&schema("int64"), Compression::SNAPPY, &[columns(Column::Long(vec![Some(5)]))]);
    let outcome = Desk::new().read(good).sound();
    assert_eq!(outcome.opened.notes, ["columns of a type that cannot be read: opened"]);
    let bad = write(
        &schema("fixed_len_byte_array(2)").replace(" amount;", " amount (FLOAT16);"),
        Compression::SNAPPY,
        &[columns(Column::Fixed(vec![Some(vec![0, 0])]))],
    );
    let refusal = Desk::new().refusal(bad);
    assert_eq!((refusal.code(), refusal.column()), ("unsupported_column", Some("amount")));
}

#[test]
fn a_file_that_was_cut_off_is_refused() {
    let schema = "message rows { optional binary customer (UTF8); }";
    let whole = write(schema, Compression::SNAPPY, &[vec![texts(&[Some("a")])]]);
    for length in [8, whole.len() / 2, whole.len() - 1] {
        assert_eq!(Desk::new().refusal(&whole[..length]).code(), "unreadable", "{length}");
    }
}
