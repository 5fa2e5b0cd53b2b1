//! `levels_daily`: `levels` spelled out day by day, made while it is read. Days without end would be rows without
//! end, so a query has to say which.

use crate::functions::convert;
use crate::source::{Parts, SourceError, Tables};
use crate::tables::{Column, Table, Type};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, StringViewArray};
use datafusion::arrow::compute::filter;
use datafusion::arrow::datatypes::{DataType, Date32Type, SchemaRef};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{Result, ScalarValue};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use std::sync::Arc;

/// First and last day, inclusive, in days since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    first: i32,
    last: i32,
}

/// The days that a query's conditions leave.
///
/// # Errors
/// `needs_dates` when there is no first or no last one.
pub fn days(filters: &[Expr]) -> Result<Days, SourceError> {
    let (first, last) = filters.iter().map(bounds).fold((None, None), both);
    match (first, last) {
        (Some(first), Some(last)) => Ok(Days { first, last }),
        _ => Err(SourceError {
            code: "needs_dates".into(),
            message: "levels_daily has a row for every day and item: the query does not say which days".into(),
            hint: "bound date by constants, for example WHERE date BETWEEN '2026-10-01' AND '2026-10-31'; for the end \
                   of each period join levels with periods instead"
                .into(),
        }),
    }
}

/// First and last day that a condition leaves, inclusive; `None` where it does not say.
type Bounds = (Option<i32>, Option<i32>);

fn both(a: Bounds, b: Bounds) -> Bounds {
    let first = a.0.map_or(b.0, |x| Some(b.0.map_or(x, |y| x.max(y))));
    let last = a.1.map_or(b.1, |x| Some(b.1.map_or(x, |y| x.min(y))));
    (first, last)
}

fn either(a: Bounds, b: Bounds) -> Bounds {
    (a.0.zip(b.0).map(|(x, y)| x.min(y)), a.1.zip(b.1).map(|(x, y)| x.max(y)))
}

/// What is not understood does not narrow; the engine filters again.
fn bounds(filter: &Expr) -> Bounds {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => both(bounds(left), bounds(right)),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => either(bounds(left), bounds(right)),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            match (is_date(left), day_of(right), day_of(left), is_date(right)) {
                (true, Some(day), ..) => compared(*op, day),
                (_, _, Some(day), true) => op.swap().map_or((None, None), |op| compared(op, day)),
                _ => (None, None),
            }
        }
        Expr::Between(Between { expr, negated: false, low, high }) if is_date(expr) => {
            (day_of(low), day_of(high))
        }
        Expr::InList(list) if !list.negated && is_date(&list.expr) => {
            let days: Option<Vec<i32>> = list.list.iter().map(day_of).collect();
            let days = days.unwrap_or_default();
            (days.iter().copied().min(), days.iter().copied().max())
        }
        _ => (None, None),
    }
}

/// `date op day`.
fn compared(op: Operator, day: i32) -> Bounds {
    match op {
        Operator::Eq => (Some(day), Some(day)),
        Operator::GtEq => (Some(day), None),
        Operator::Gt => (Some(day.saturating_add(1)), None),
        Operator::LtEq => (None, Some(day)),
        Operator::Lt => (None, Some(day.saturating_sub(1))),
        _ => (None, None),
    }
}

fn is_date(expr: &Expr) -> bool {
    match expr {
        Expr::Column(column) => column.name == "date",
        Expr::Alias(alias) => is_date(&alias.expr),
        _ => false,
    }
}

fn day_of(expr: &Expr) -> Option<i32> {
    match expr {
        Expr::Literal(ScalarValue::Date32(day), _) => *day,
        Expr::Literal(value, _) => match value.cast_to(&DataType::Date32) {
            Ok(ScalarValue::Date32(day)) => day,
            _ => None,
        },
        Expr::Cast(cast) => day_of(&cast.expr),
        _ => None,
    }
}

/// The plan that makes the rows of some days.
///
/// # Errors
/// The engine's.
pub fn plan(
    tables: &Arc<dyn Tables>,
    schema: &SchemaRef,
    levels: &Arc<Parts>,
    days: Days,
    projection: Option<&Vec<usize>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let columns: Vec<usize> = projection.cloned().unwrap_or_else(|| (0..schema.fields().len()).collect());
    let schema = Arc::new(schema.project(&columns)?);
    let parts = (0..levels.len())
        .map(|part| {
            let (tables, levels) = (tables.clone(), levels.clone());
            Arc::new(Daily { tables, levels, part, days, schema: schema.clone(), columns: columns.clone() })
                as Arc<dyn PartitionStream>
        })
        .collect();
    Ok(Arc::new(StreamingTableExec::try_new(schema, parts, None, Vec::new(), false, None)?))
}

#[derive(Clone, Debug)]
struct Daily {
    tables: Arc<dyn Tables>,
    levels: Arc<Parts>,
    part: usize,
    days: Days,
    schema: SchemaRef,
    columns: Vec<usize>,
}

impl PartitionStream for Daily {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let this = self.clone();
        let batches = (self.days.first..=self.days.last)
            .flat_map({
                let count = self.levels[self.part].len();
                move |day| (0..count).map(move |batch| (day, batch))
            })
            .map(move |(day, batch)| this.day(&this.levels[this.part][batch], day));
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), futures::stream::iter(batches)))
    }
}

impl Daily {
    /// The levels of a batch that hold at the end of a day.
    fn day(&self, levels: &RecordBatch, day: i32) -> Result<RecordBatch> {
        let column = |name: &str| -> Result<&ArrayRef> {
            let at = levels.schema().index_of(name)?;
            Ok(levels.column(at))
        };
        let first = column("first_day")?.as_primitive::<Date32Type>();
        let last = column("last_day")?.as_primitive::<Date32Type>();
        let holds: BooleanArray = (0..levels.num_rows())
            .map(|at| Some(first.value(at) <= day && (last.is_null(at) || last.value(at) >= day)))
            .collect();
        let rows = holds.true_count();
        let held = |name: &str| -> Result<ArrayRef> { Ok(filter(column(name)?, &holds)?) };
        let dates: ArrayRef = Arc::new(Date32Array::from_value(day, rows));
        let all = Table::LevelsDaily.columns();
        let made = self.columns.iter().map(|at| {
            let Column(name, ty, _) = &all[*at];
            match (*name, ty) {
                ("date", _) => Ok(dates.clone()),
                ("original_mrr", _) => held("mrr"),
                ("original_currency", _) => held("currency"),
                ("currency", _) => match self.tables.currency() {
                    Some(code) => {
                        Ok(Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(code, rows)))
                            as ArrayRef)
                    }
                    None => held("currency"),
                },
                (name, Type::Money) => {
                    convert(self.tables.as_ref(), &held(name)?, &held("currency")?, &dates)
                }
                (name, _) => held(name),
            }
        });
        let made = made.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), made, &options)?)
    }
}
