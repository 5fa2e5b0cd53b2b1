//! Scalar functions of the tables: `ratio(a, b)` and `converted(amount, currency, day)`.

use crate::source::{SourceError, Tables};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Decimal128Array};
use datafusion::arrow::datatypes::{DataType, Date32Type, Decimal128Type};
use datafusion::common::{DataFusionError, Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use netnew_money::{Amount, Day, Ratio, Rounding};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Type of what both functions give.
const MONEY: DataType = DataType::Decimal128(crate::tables::PRECISION, crate::tables::SCALE);

/// `ratio(a, b)`: a over b, exact and rounded once, half-even, to ten decimals; null where b is 0 or either is null.
/// The engine's own division truncates.
pub fn ratio() -> ScalarUDF {
    ScalarUDF::new_from_impl(RatioOf { signature: Signature::user_defined(Volatility::Immutable) })
}

/// `converted(amount, currency, day)`: the amount in the report's currency at the day's rate, as reports convert it;
/// an error where the rate is missing. With `--currency original` it is the amount itself.
pub fn converted(tables: Arc<dyn Tables>) -> ScalarUDF {
    let types = vec![MONEY, DataType::Utf8View, DataType::Date32];
    ScalarUDF::new_from_impl(Converted { signature: Signature::exact(types, Volatility::Stable), tables })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RatioOf {
    signature: Signature,
}

impl ScalarUDFImpl for RatioOf {
    fn name(&self) -> &str {
        "ratio"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if types.len() != 2 {
            return plan_err!("ratio() takes two numbers, not {}", types.len());
        }
        types.iter().map(exact_type).collect()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(MONEY)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let (a, b) = (arrays[0].as_primitive::<Decimal128Type>(), arrays[1].as_primitive::<Decimal128Type>());
        // Ten to the difference of the scales: what one unit of a is in units of b.
        let shift = i32::from(b.scale()) - i32::from(a.scale());
        let power = 10i128.checked_pow(shift.unsigned_abs()).ok_or_else(too_large)?;
        let shift =
            if shift >= 0 { Ratio::from_int(power) } else { Ratio::new(1, power).ok_or_else(too_large)? };
        let values = (0..a.len())
            .map(|at| {
                if a.is_null(at) || b.is_null(at) || b.value(at) == 0 {
                    return Ok(None);
                }
                Ratio::new(a.value(at), b.value(at))
                    .and_then(|r| r.checked_mul(shift))
                    .and_then(|r| r.round_to(Amount::SCALE, Rounding::HalfEven))
                    .map(Some)
                    .ok_or_else(too_large)
            })
            .collect::<Result<Vec<_>>>()?;
        money(values)
    }
}

/// The exact type that a number is taken as; floats are refused, for they are not the number that was meant.
fn exact_type(ty: &DataType) -> Result<DataType> {
    Ok(match ty {
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) => {
            DataType::Decimal128(*p, *s)
        }
        DataType::Decimal256(_, s) => DataType::Decimal128(38, *s),
        DataType::Null => MONEY,
        ty if ty.is_integer() => DataType::Decimal128(20, 0),
        other => {
            return plan_err!(
                "ratio() takes whole numbers and decimals, not {other}; CAST(x AS DECIMAL(38,10))"
            );
        }
    })
}

fn too_large() -> DataFusionError {
    DataFusionError::Execution("overflow: the ratio does not fit 38 digits".into())
}

fn money(values: Vec<Option<i128>>) -> Result<ColumnarValue> {
    let array = Decimal128Array::from(values)
        .with_precision_and_scale(crate::tables::PRECISION, crate::tables::SCALE)?;
    Ok(ColumnarValue::Array(Arc::new(array)))
}

#[derive(Debug)]
struct Converted {
    signature: Signature,
    tables: Arc<dyn Tables>,
}

impl PartialEq for Converted {
    fn eq(&self, other: &Converted) -> bool {
        Arc::ptr_eq(&self.tables, &other.tables)
    }
}

impl Eq for Converted {}

impl Hash for Converted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl ScalarUDFImpl for Converted {
    fn name(&self) -> &str {
        "converted"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(MONEY)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        Ok(ColumnarValue::Array(convert(self.tables.as_ref(), &arrays[0], &arrays[1], &arrays[2])?))
    }
}

/// Amounts in the report's currency. Neighbours mostly share currency and day, so the last rate is kept.
///
/// # Errors
/// A missing rate; an amount that does not fit.
pub(crate) fn convert(
    tables: &dyn Tables,
    amounts: &ArrayRef,
    currencies: &ArrayRef,
    days: &ArrayRef,
) -> Result<ArrayRef> {
    let amounts = amounts.as_primitive::<Decimal128Type>();
    let currencies = currencies.as_string_view();
    let days = days.as_primitive::<Date32Type>();
    let mut last: Option<(&str, i32, Option<netnew_money::Rate>)> = None;
    let values = (0..amounts.len())
        .map(|at| {
            if amounts.is_null(at) || currencies.is_null(at) || days.is_null(at) {
                return Ok(None);
            }
            let (amount, currency, day) = (amounts.value(at), currencies.value(at), days.value(at));
            if amount == 0 {
                return Ok(Some(0));
            }
            let rate = match &last {
                Some((c, d, rate)) if *c == currency && *d == day => *rate,
                _ => {
                    let rate =
                        tables.rate(currency, Day::from_days(day)).map_err(SourceError::into_engine)?;
                    last = Some((currency, day, rate));
                    rate
                }
            };
            match rate {
                None => Ok(Some(amount)),
                Some(rate) => rate
                    .convert(Amount::from_raw(amount), Rounding::HalfEven)
                    .map(|a| Some(a.raw()))
                    .ok_or_else(|| {
                        DataFusionError::Execution("overflow: the converted amount does not fit".into())
                    }),
            }
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(
        Decimal128Array::from(values)
            .with_precision_and_scale(crate::tables::PRECISION, crate::tables::SCALE)?,
    ))
}
