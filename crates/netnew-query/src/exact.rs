//! `sum` and `avg` that never wrap and never guess: whole numbers and decimals are added up in 128 bits with a
//! check, an overflow is an error. The engine's own wrap around silently. Floats and intervals keep the engine's.

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, UInt64Array,
};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Int64Type, UInt64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::functions_aggregate::{average::avg_udaf, sum::sum_udaf};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature,
    Volatility,
};
use netnew_money::{Ratio, Rounding};
use std::collections::HashSet;
use std::sync::Arc;

/// One past the largest magnitude of 38 digits.
const LIMIT: u128 = 10u128.pow(38);
/// Decimals of an average, at least.
const AVG_SCALE: i8 = 10;

/// The checked `sum`.
pub fn sum() -> AggregateUDF {
    AggregateUDF::new_from_impl(Exact::new(Of::Sum))
}

/// The checked `avg`, also under the name `mean`: exact and rounded once, half-even, to ten decimals at least.
pub fn avg() -> AggregateUDF {
    AggregateUDF::new_from_impl(Exact::new(Of::Avg))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Of {
    Sum,
    Avg,
}

impl Of {
    fn name(self) -> &'static str {
        match self {
            Of::Sum => "sum",
            Of::Avg => "avg",
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Exact {
    of: Of,
    signature: Signature,
    aliases: Vec<String>,
}

impl Exact {
    fn new(of: Of) -> Exact {
        let aliases = if of == Of::Avg { vec!["mean".to_string()] } else { Vec::new() };
        Exact { of, signature: Signature::user_defined(Volatility::Immutable), aliases }
    }

    /// The engine's own, for types that are not exact.
    fn inner(&self) -> Arc<AggregateUDF> {
        match self.of {
            Of::Sum => sum_udaf(),
            Of::Avg => avg_udaf(),
        }
    }

    fn rule(&self, args: &AccumulatorArgs) -> Rule {
        Rule {
            of: self.of,
            input: args.expr_fields[0].data_type().clone(),
            output: args.return_field.data_type().clone(),
        }
    }
}

fn exact(ty: &DataType) -> bool {
    matches!(ty, DataType::Int64 | DataType::UInt64 | DataType::Decimal128(..))
}

fn overflow(of: Of) -> DataFusionError {
    DataFusionError::Execution(format!("overflow: {}() does not fit 38 digits", of.name()))
}

fn scale_of(ty: &DataType) -> i8 {
    match ty {
        DataType::Decimal128(_, scale) => *scale,
        _ => 0,
    }
}

impl AggregateUDFImpl for Exact {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [one] = types else {
            return plan_err!("{}() takes one argument, not {}", self.of.name(), types.len());
        };
        Ok(vec![match one {
            DataType::Dictionary(_, value) => self.coerce_types(&[value.as_ref().clone()])?.remove(0),
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 | DataType::Null => {
                DataType::Int64
            }
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => DataType::UInt64,
            DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => DataType::Decimal128(*p, *s),
            DataType::Decimal128(p, s) => DataType::Decimal128(*p, *s),
            DataType::Decimal256(_, s) => DataType::Decimal128(38, *s),
            DataType::Float16 | DataType::Float32 | DataType::Float64 => DataType::Float64,
            DataType::Duration(_) | DataType::Interval(_) => one.clone(),
            other => return plan_err!("{}() takes numbers, not {other}", self.of.name()),
        }])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let one = &types[0];
        if !exact(one) {
            return self.inner().return_type(types);
        }
        Ok(match (self.of, one) {
            (Of::Sum, DataType::Decimal128(_, s)) => DataType::Decimal128(38, *s),
            (Of::Sum, other) => other.clone(),
            (Of::Avg, other) => DataType::Decimal128(38, scale_of(other).max(AVG_SCALE)),
        })
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let input = args.input_fields[0].data_type();
        if !exact(input) {
            return self.inner().state_fields(args);
        }
        let sum = DataType::Decimal128(38, scale_of(input));
        let name = args.name;
        if args.is_distinct {
            return Ok(vec![
                Field::new_list(format!("{name}[distinct]"), Field::new_list_field(sum, true), false).into(),
            ]);
        }
        Ok(vec![
            Field::new(format!("{name}[sum]"), sum, true).into(),
            Field::new(format!("{name}[count]"), DataType::Int64, true).into(),
        ])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let rule = self.rule(&args);
        match (exact(&rule.input), args.is_distinct) {
            (false, _) => self.inner().accumulator(args),
            (true, true) => Ok(Box::new(Distinct { rule, seen: HashSet::new() })),
            (true, false) => Ok(Box::new(One { rule, sum: 0, count: 0 })),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match exact(args.expr_fields[0].data_type()) {
            true => self.accumulator(args),
            false => self.inner().create_sliding_accumulator(args),
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        match exact(args.expr_fields[0].data_type()) {
            true => !args.is_distinct,
            false => self.inner().groups_accumulator_supported(args),
        }
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let rule = self.rule(&args);
        match exact(&rule.input) {
            true => Ok(Box::new(Groups { rule, sums: Vec::new(), counts: Vec::new() })),
            false => self.inner().create_groups_accumulator(args),
        }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// What is worked out, from which type to which.
#[derive(Clone, Debug)]
struct Rule {
    of: Of,
    input: DataType,
    output: DataType,
}

impl Rule {
    fn plus(&self, sum: i128, value: i128) -> Result<i128> {
        sum.checked_add(value).ok_or_else(|| overflow(self.of))
    }

    /// A sum that is handed on has to fit the digits its type promises.
    fn checked(&self, sum: i128) -> Result<i128> {
        if sum.unsigned_abs() < LIMIT { Ok(sum) } else { Err(overflow(self.of)) }
    }

    /// The result, in units of the output's last digit; `None` when nothing was added.
    fn finish(&self, sum: i128, count: i64) -> Result<Option<i128>> {
        if count == 0 {
            return Ok(None);
        }
        let value = match self.of {
            Of::Sum => sum,
            Of::Avg => {
                let up =
                    10i128.pow(u32::from((scale_of(&self.output) - scale_of(&self.input)).unsigned_abs()));
                Ratio::new(sum, i128::from(count))
                    .and_then(|mean| mean.checked_mul(Ratio::from_int(up)))
                    .and_then(|mean| mean.round_to(0, Rounding::HalfEven))
                    .ok_or_else(|| overflow(self.of))?
            }
        };
        let fits = match self.output {
            DataType::Int64 => i64::try_from(value).is_ok(),
            DataType::UInt64 => u64::try_from(value).is_ok(),
            _ => value.unsigned_abs() < LIMIT,
        };
        if fits { Ok(Some(value)) } else { Err(overflow(self.of)) }
    }

    fn array(&self, values: Vec<Option<i128>>) -> Result<ArrayRef> {
        Ok(match &self.output {
            DataType::Int64 => Arc::new(
                values.into_iter().map(|v| v.and_then(|v| i64::try_from(v).ok())).collect::<Int64Array>(),
            ),
            DataType::UInt64 => Arc::new(
                values.into_iter().map(|v| v.and_then(|v| u64::try_from(v).ok())).collect::<UInt64Array>(),
            ),
            other => Arc::new(Decimal128Array::from_iter(values).with_data_type(other.clone())),
        })
    }

    fn sums(&self, values: impl Iterator<Item = Option<i128>>) -> ArrayRef {
        let ty = DataType::Decimal128(38, scale_of(&self.input));
        Arc::new(Decimal128Array::from_iter(values).with_data_type(ty))
    }
}

/// Visits the values of an array that are not null and pass the filter: index, value.
fn each(
    array: &dyn Array,
    filter: Option<&BooleanArray>,
    mut visit: impl FnMut(usize, i128) -> Result<()>,
) -> Result<()> {
    macro_rules! walk {
        ($ty:ty) => {{
            let array = array.as_primitive::<$ty>();
            let values = array.values();
            match (array.nulls().filter(|n| n.null_count() > 0), filter) {
                (None, None) => {
                    for (at, value) in values.iter().enumerate() {
                        visit(at, i128::from(*value))?;
                    }
                }
                (nulls, filter) => {
                    for (at, value) in values.iter().enumerate() {
                        let there = nulls.is_none_or(|n| n.is_valid(at));
                        if there && filter.is_none_or(|f| f.is_valid(at) && f.value(at)) {
                            visit(at, i128::from(*value))?;
                        }
                    }
                }
            }
            Ok(())
        }};
    }
    match array.data_type() {
        DataType::Int64 => walk!(Int64Type),
        DataType::UInt64 => walk!(UInt64Type),
        DataType::Decimal128(..) => walk!(Decimal128Type),
        other => exec_err!("sum() and avg() do not add up {other}"),
    }
}

#[derive(Debug)]
struct One {
    rule: Rule,
    sum: i128,
    count: i64,
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (mut sum, mut count) = (self.sum, self.count);
        each(&values[0], None, |_, value| {
            sum = self.rule.plus(sum, value)?;
            count += 1;
            Ok(())
        })?;
        (self.sum, self.count) = (sum, count);
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let mut sum = self.sum;
        each(&states[0], None, |_, value| {
            sum = self.rule.plus(sum, value)?;
            Ok(())
        })?;
        self.sum = sum;
        self.count += states[1].as_primitive::<Int64Type>().iter().flatten().sum::<i64>();
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (mut sum, mut count) = (self.sum, self.count);
        each(&values[0], None, |_, value| {
            sum = sum.checked_sub(value).ok_or_else(|| overflow(self.rule.of))?;
            count -= 1;
            Ok(())
        })?;
        (self.sum, self.count) = (sum, count);
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let sum = (self.count > 0).then_some(self.rule.checked(self.sum)?);
        Ok(vec![
            ScalarValue::Decimal128(sum, 38, scale_of(&self.rule.input)),
            ScalarValue::Int64(Some(self.count)),
        ])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = self.rule.finish(self.sum, self.count)?;
        ScalarValue::try_from_array(&self.rule.array(vec![value])?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

#[derive(Debug)]
struct Distinct {
    rule: Rule,
    seen: HashSet<i128>,
}

impl Accumulator for Distinct {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        each(&values[0], None, |_, value| {
            self.seen.insert(value);
            Ok(())
        })
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for list in states[0].as_list::<i32>().iter().flatten() {
            self.update_batch(&[list])?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let scale = scale_of(&self.rule.input);
        let values: Vec<ScalarValue> =
            self.seen.iter().map(|v| ScalarValue::Decimal128(Some(*v), 38, scale)).collect();
        let list = ScalarValue::new_list_nullable(&values, &DataType::Decimal128(38, scale));
        Ok(vec![ScalarValue::List(list)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut sum = 0;
        // The order of a hash set is nobody's; a sum that fits in one order but not in another would be.
        let mut values: Vec<i128> = self.seen.iter().copied().collect();
        values.sort_unstable_by_key(|v| v.unsigned_abs());
        for value in values {
            sum = self.rule.plus(sum, value)?;
        }
        let count = i64::try_from(self.seen.len()).map_err(|_| overflow(self.rule.of))?;
        let value = self.rule.finish(sum, count)?;
        ScalarValue::try_from_array(&self.rule.array(vec![value])?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.seen.capacity() * size_of::<i128>()
    }
}

#[derive(Debug)]
struct Groups {
    rule: Rule,
    sums: Vec<i128>,
    counts: Vec<i64>,
}

impl Groups {
    fn grow(&mut self, total: usize) {
        self.sums.resize(total.max(self.sums.len()), 0);
        self.counts.resize(total.max(self.counts.len()), 0);
    }

    fn take(&mut self, emit: EmitTo) -> (Vec<i128>, Vec<i64>) {
        (emit.take_needed(&mut self.sums), emit.take_needed(&mut self.counts))
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let of = self.rule.of;
        let (sums, counts) = (&mut self.sums, &mut self.counts);
        each(&values[0], filter, |at, value| {
            let group = groups[at];
            sums[group] = sums[group].checked_add(value).ok_or_else(|| overflow(of))?;
            counts[group] += 1;
            Ok(())
        })
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        let of = self.rule.of;
        let sums = &mut self.sums;
        each(&states[0], None, |at, value| {
            let group = groups[at];
            sums[group] = sums[group].checked_add(value).ok_or_else(|| overflow(of))?;
            Ok(())
        })?;
        for (at, count) in states[1].as_primitive::<Int64Type>().iter().enumerate() {
            self.counts[groups[at]] += count.unwrap_or(0);
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let (sums, counts) = self.take(emit);
        let values = sums
            .into_iter()
            .zip(counts)
            .map(|(sum, count)| self.rule.finish(sum, count))
            .collect::<Result<Vec<_>>>()?;
        self.rule.array(values)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let (sums, counts) = self.take(emit);
        for sum in &sums {
            self.rule.checked(*sum)?;
        }
        let states =
            self.rule.sums(sums.iter().zip(&counts).map(|(sum, count)| (*count > 0).then_some(*sum)));
        Ok(vec![states, Arc::new(Int64Array::from(counts))])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let mut sums = vec![None; values[0].len()];
        each(&values[0], filter, |at, value| {
            sums[at] = Some(value);
            Ok(())
        })?;
        let counts = sums.iter().map(|sum| Some(i64::from(sum.is_some()))).collect::<Int64Array>();
        Ok(vec![self.rule.sums(sums.into_iter()), Arc::new(counts)])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<i128>() + self.counts.capacity() * size_of::<i64>()
    }
}
