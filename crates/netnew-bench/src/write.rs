//! Rows as Parquet, the way an export of a billing system looks; rates as CSV.

use crate::Dice;
use crate::lives::{INTERVALS, PLANS, Row, STATUSES, Shape};
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::io::Write;
use std::sync::Arc;

/// Rows of one row group.
const GROUP: usize = 1 << 20;

const PLAIN: &str = "message states {
    required binary customer (UTF8);
    required binary subscription (UTF8);
    required binary item (UTF8);
    required int64 effective_at (TIMESTAMP(MICROS,true));
    required binary status (UTF8);
    required binary plan (UTF8);
    required int64 amount (DECIMAL(18,2));
    required binary currency (UTF8);
    required binary interval (UTF8);
    required int32 interval_count;
    required int64 quantity;";

const HARD: &str = "
    optional int32 discount_percent;
    optional binary discount_kind (UTF8);
    optional int64 discount_until (TIMESTAMP(MICROS,true));
    optional int64 trial_end (TIMESTAMP(MICROS,true));";

/// Writes rows with the columns of `netnew import --as states`.
pub fn states<W: Write + Send>(rows: &[Row], seed: u64, shape: Shape, out: W) -> Result<(), ParquetError> {
    let hard = shape == Shape::Hard;
    let schema = parse_message_type(&format!("{PLAIN}{} }}", if hard { HARD } else { "" }))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(GROUP))
        .build();
    let mut writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
    for chunk in rows.chunks(GROUP) {
        let mut group = writer.next_row_group()?;
        let mut number = 0;
        while let Some(mut column) = group.next_column()? {
            write_column(column.untyped(), number, chunk, seed)?;
            column.close()?;
            number += 1;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

fn write_column(
    writer: &mut ColumnWriter,
    number: usize,
    rows: &[Row],
    seed: u64,
) -> Result<(), ParquetError> {
    let text = |value: &dyn Fn(&Row) -> String| -> Vec<ByteArray> {
        rows.iter().map(|r| ByteArray::from(value(r).into_bytes())).collect()
    };
    let present =
        |has: &dyn Fn(&Row) -> bool| -> Vec<i16> { rows.iter().map(|r| i16::from(has(r))).collect() };
    let discounted = |r: &Row| r.discount > 0;
    match writer {
        ColumnWriter::ByteArrayColumnWriter(writer) => {
            let (values, levels) = match number {
                0 => (text(&|r| id("cus", seed, u64::from(r.customer))), None),
                1 => (text(&|r| id("sub", seed, of_subscription(r))), None),
                2 => (text(&|r| id("si", seed, of_subscription(r) * 2 + u64::from(r.item))), None),
                4 => (text(&|r| STATUSES[usize::from(r.status)].into()), None),
                5 => (text(&|r| PLANS[usize::from(r.plan)].0.into()), None),
                7 => (text(&|r| if r.euros { "EUR" } else { "USD" }.into()), None),
                8 => (text(&|r| INTERVALS[usize::from(r.interval)].0.into()), None),
                _ => {
                    let count = rows.iter().filter(|r| discounted(r)).count();
                    (vec![ByteArray::from("repeating"); count], Some(present(&discounted)))
                }
            };
            writer.write_batch(&values, levels.as_deref(), None)?;
        }
        ColumnWriter::Int64ColumnWriter(writer) => {
            let all = |value: fn(&Row) -> i64| rows.iter().map(value).collect::<Vec<_>>();
            let some = |value: fn(&Row) -> i64| {
                let values: Vec<i64> = rows.iter().map(value).filter(|v| *v != 0).collect();
                (values, Some(present(&|r| value(r) != 0)))
            };
            let (values, levels) = match number {
                3 => (all(|r| r.at), None),
                6 => (all(|r| i64::from(r.cents)), None),
                10 => (all(|r| i64::from(r.quantity)), None),
                13 => some(|r| r.discount_until),
                _ => some(|r| r.trial_end),
            };
            writer.write_batch(&values, levels.as_deref(), None)?;
        }
        ColumnWriter::Int32ColumnWriter(writer) => {
            if number == 9 {
                let counts: Vec<i32> = rows.iter().map(|r| INTERVALS[usize::from(r.interval)].1).collect();
                writer.write_batch(&counts, None, None)?;
            } else {
                let percents: Vec<i32> =
                    rows.iter().filter(|r| discounted(r)).map(|r| i32::from(r.discount)).collect();
                writer.write_batch(&percents, Some(&present(&discounted)), None)?;
            }
        }
        _ => return Err(ParquetError::General("a column of an unexpected type".into())),
    }
    Ok(())
}

fn of_subscription(row: &Row) -> u64 {
    u64::from(row.customer) * 4 + u64::from(row.subscription)
}

/// An id as billing systems write them: a prefix and fourteen letters and digits.
fn id(prefix: &str, seed: u64, number: u64) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut dice = Dice::new(seed.rotate_left(17) ^ prefix.len() as u64, number);
    let mut out = String::with_capacity(prefix.len() + 15);
    out.push_str(prefix);
    out.push('_');
    let (mut high, mut low) = (dice.next(), dice.next());
    for _ in 0..7 {
        for bits in [&mut high, &mut low] {
            out.push(char::from(LETTERS[(*bits % 62) as usize]));
            *bits /= 62;
        }
    }
    out
}

/// A euro's price in dollars for each day of the data set and a year on, as `netnew import --as rates` reads them.
pub fn rates(seed: u64, mut out: impl Write) -> std::io::Result<()> {
    writeln!(out, "date,base,quote,rate")?;
    let mut dice = Dice::new(seed, u64::MAX);
    let mut rate: u64 = 11_500;
    let (mut year, mut month, mut day) = (2020, 12, 25);
    while year < 2026 {
        rate = (rate + dice.below(81)).saturating_sub(40).clamp(10_000, 12_500);
        writeln!(out, "{year:04}-{month:02}-{day:02},EUR,USD,{}.{:04}", rate / 10_000, rate % 10_000)?;
        let leap = year % 4 == 0;
        let last = match month {
            2 => 28 + i32::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        day += 1;
        if day > last {
            (month, day) = (month + 1, 1);
        }
        if month > 12 {
            (year, month) = (year + 1, 1);
        }
    }
    Ok(())
}
