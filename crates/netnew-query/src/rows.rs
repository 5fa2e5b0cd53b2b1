//! Rows into record batches, value by value, in the order of a table's columns.

use crate::tables::{Table, Type};
use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Int64Builder, ListBuilder, StringBuilder,
    StringViewBuilder, TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use netnew_money::{Amount, Day, Decimal, Instant, Rounding};
use std::sync::Arc;

/// Rows per batch: what the engine's operators are tuned for.
const BATCH: usize = 8192;

enum Cells {
    Text(StringViewBuilder),
    Money(Decimal128Builder),
    Int(Int64Builder),
    Bool(BooleanBuilder),
    Date(Date32Builder),
    At(TimestampMicrosecondBuilder),
    Texts(ListBuilder<StringBuilder>),
}

impl Cells {
    fn new(ty: Type, zone: &str) -> Cells {
        match ty {
            Type::Text => Cells::Text(StringViewBuilder::new()),
            Type::Money => Cells::Money(Decimal128Builder::new().with_data_type(ty.arrow(zone))),
            Type::Int => Cells::Int(Int64Builder::new()),
            Type::Bool => Cells::Bool(BooleanBuilder::new()),
            Type::Date => Cells::Date(Date32Builder::new()),
            Type::At => Cells::At(TimestampMicrosecondBuilder::new().with_data_type(ty.arrow(zone))),
            Type::Texts => Cells::Texts(ListBuilder::new(StringBuilder::new())),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Cells::Text(b) => Arc::new(b.finish()),
            Cells::Money(b) => Arc::new(b.finish()),
            Cells::Int(b) => Arc::new(b.finish()),
            Cells::Bool(b) => Arc::new(b.finish()),
            Cells::Date(b) => Arc::new(b.finish()),
            Cells::At(b) => Arc::new(b.finish()),
            Cells::Texts(b) => Arc::new(b.finish()),
        }
    }
}

/// A table being written. Each row appends every column once, in order; a value of the wrong type for its column is a
/// bug of the caller and is written as null, which the schema's tests notice.
pub struct Rows {
    schema: SchemaRef,
    cells: Vec<Cells>,
    at: usize,
    rows: usize,
    done: Vec<RecordBatch>,
}

macro_rules! put {
    ($self:ident, $kind:ident, $value:expr) => {{
        let at = $self.at;
        if let Some(Cells::$kind(builder)) = $self.cells.get_mut(at) {
            builder.append_option($value);
        }
        $self.at += 1;
        $self
    }};
}

impl Rows {
    /// An empty table.
    pub fn new(table: Table, zone: &str) -> Rows {
        let cells = table.columns().iter().map(|c| Cells::new(c.1, zone)).collect();
        Rows { schema: table.schema(zone), cells, at: 0, rows: 0, done: Vec::new() }
    }

    /// Text.
    pub fn text(&mut self, value: Option<&str>) -> &mut Rows {
        put!(self, Text, value)
    }

    /// An amount.
    pub fn money(&mut self, value: Option<Amount>) -> &mut Rows {
        put!(self, Money, value.map(Amount::raw))
    }

    /// A number at ten decimals, half-even; null when it does not fit.
    pub fn decimal(&mut self, value: Option<Decimal>) -> &mut Rows {
        put!(self, Money, value.and_then(|v| v.to_ratio().round_to(Amount::SCALE, Rounding::HalfEven)))
    }

    /// A whole number.
    pub fn int(&mut self, value: Option<i64>) -> &mut Rows {
        put!(self, Int, value)
    }

    /// True or false.
    pub fn bool(&mut self, value: Option<bool>) -> &mut Rows {
        put!(self, Bool, value)
    }

    /// A day.
    pub fn date(&mut self, value: Option<Day>) -> &mut Rows {
        put!(self, Date, value.map(Day::days))
    }

    /// An instant; "since ever" and "never" are null.
    pub fn at(&mut self, value: Option<Instant>) -> &mut Rows {
        put!(self, At, value.filter(|i| *i != Instant::MIN && *i != Instant::MAX).map(Instant::micros))
    }

    /// A list of texts; `None` is null.
    pub fn texts<'a>(&mut self, value: Option<impl IntoIterator<Item = &'a str>>) -> &mut Rows {
        let at = self.at;
        if let Some(Cells::Texts(builder)) = self.cells.get_mut(at) {
            match value {
                None => builder.append_null(),
                Some(texts) => builder.append_value(texts.into_iter().map(Some)),
            }
        }
        self.at += 1;
        self
    }

    /// Ends the row.
    ///
    /// # Errors
    /// The engine's, when columns and schema disagree.
    pub fn end(&mut self) -> Result<(), datafusion::error::DataFusionError> {
        self.at = 0;
        self.rows += 1;
        if self.rows == BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), datafusion::error::DataFusionError> {
        if self.rows > 0 {
            let columns = self.cells.iter_mut().map(Cells::finish).collect();
            self.done.push(RecordBatch::try_new(self.schema.clone(), columns)?);
            self.rows = 0;
        }
        Ok(())
    }

    /// The batches.
    ///
    /// # Errors
    /// The engine's, when columns and schema disagree.
    pub fn finish(mut self) -> Result<Vec<RecordBatch>, datafusion::error::DataFusionError> {
        self.flush()?;
        Ok(self.done)
    }
}
