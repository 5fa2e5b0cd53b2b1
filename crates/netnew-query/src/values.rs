//! Answers as JSON values: exact, in the shapes that every command prints.

use crate::error::QueryError;
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

/// The rows of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Names of the columns, made distinct.
    pub columns: Vec<String>,
    /// True per column when it holds numbers.
    pub numeric: Vec<bool>,
    /// Rows: decimals as texts without trailing zeros, whole numbers and floats as numbers, dates `YYYY-MM-DD`, instants
    /// RFC 3339 with the offset of their time zone.
    pub rows: Vec<Vec<Value>>,
    /// There are more rows than were asked for.
    pub more: bool,
}

impl Answer {
    pub(crate) fn new(schema: &Schema) -> Answer {
        let mut columns: Vec<String> = Vec::new();
        for field in schema.fields() {
            let mut name = field.name().clone();
            let mut copy = 2;
            while columns.contains(&name) {
                name = format!("{}_{copy}", field.name());
                copy += 1;
            }
            columns.push(name);
        }
        let numeric = schema.fields().iter().map(|f| f.data_type().is_numeric()).collect();
        Answer { columns, numeric, rows: Vec::new(), more: false }
    }
}

/// Adds the rows of a batch.
///
/// # Errors
/// A value that cannot be printed.
pub(crate) fn append(answer: &mut Answer, batch: &RecordBatch) -> Result<(), QueryError> {
    let start = answer.rows.len();
    let columns = batch.num_columns();
    answer.rows.extend((0..batch.num_rows()).map(|_| Vec::with_capacity(columns)));
    for column in batch.columns() {
        for at in 0..batch.num_rows() {
            answer.rows[start + at].push(value(column.as_ref(), at)?);
        }
    }
    Ok(())
}

fn value(array: &dyn Array, at: usize) -> Result<Value, QueryError> {
    if array.is_null(at) {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => Value::Bool(array.as_boolean().value(at)),
        DataType::Utf8View => Value::from(array.as_string_view().value(at)),
        DataType::Utf8 => Value::from(array.as_string::<i32>().value(at)),
        DataType::LargeUtf8 => Value::from(array.as_string::<i64>().value(at)),
        DataType::Decimal128(_, scale) => {
            Value::from(decimal(array.as_primitive::<Decimal128Type>().value(at), *scale))
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(at);
            Value::Array((0..items.len()).map(|i| value(items.as_ref(), i)).collect::<Result<_, _>>()?)
        }
        other => {
            let options = FormatOptions::new();
            let text = ArrayFormatter::try_new(array, &options)
                .map_err(|error| QueryError::internal(error.to_string()))?
                .value(at)
                .try_to_string()
                .map_err(|error| QueryError::internal(error.to_string()))?;
            match other {
                DataType::Decimal256(..) | DataType::Decimal64(..) | DataType::Decimal32(..) => {
                    Value::from(without_zeros(&text))
                }
                // Exact whatever the size: numbers are kept as they are written.
                ty if ty.is_numeric() => serde_json::from_str(&text).unwrap_or(Value::String(text)),
                _ => Value::String(text),
            }
        }
    })
}

/// A decimal without trailing zeros: `83.3333333333`, `0`, `-5`.
pub(crate) fn decimal(raw: i128, scale: i8) -> String {
    let digits = raw.unsigned_abs().to_string();
    let sign = if raw < 0 { "-" } else { "" };
    let places = usize::from(scale.unsigned_abs());
    if scale <= 0 {
        let zeros = if raw == 0 { 0 } else { places };
        return format!("{sign}{digits}{}", "0".repeat(zeros));
    }
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    format!("{sign}{}", without_zeros(&format!("{whole}.{fraction}")))
}

fn without_zeros(text: &str) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn decimals_have_no_trailing_zeros() {
        for (raw, scale, text) in [
            (0, 10, "0"),
            (833_333_333_333, 10, "83.3333333333"),
            (-50_000_000_000, 10, "-5"),
            (-1, 10, "-0.0000000001"),
            (12_300, 2, "123"),
            (12_300, 0, "12300"),
            (123, -2, "12300"),
        ] {
            assert_eq!(decimal(raw, scale), text);
        }
    }
}
