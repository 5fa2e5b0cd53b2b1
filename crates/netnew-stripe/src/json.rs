//! Reading what may be absent, null, an id or the object itself.

use netnew_money::{Currency, Decimal, Provider, Ratio};
use serde_json::Value;

/// A field that is there and not null.
pub(crate) fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|v| !v.is_null())
}

/// A field of a field of a field.
pub(crate) fn deep<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |at, name| field(at, name))
}

/// A text that is not empty.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    field(value, name).and_then(Value::as_str).filter(|t| !t.is_empty())
}

/// An id, given as such or as the object that has it.
pub(crate) fn id_of(value: &Value) -> Option<&str> {
    match value {
        Value::String(id) if !id.is_empty() => Some(id),
        Value::Object(_) => text(value, "id"),
        _ => None,
    }
}

/// An id in a field.
pub(crate) fn id<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    field(value, name).and_then(id_of)
}

/// A whole number.
pub(crate) fn int(value: &Value, name: &str) -> Option<i64> {
    field(value, name).and_then(Value::as_i64)
}

/// A flag; absent is false.
pub(crate) fn flag(value: &Value, name: &str) -> bool {
    field(value, name).and_then(Value::as_bool).unwrap_or(false)
}

/// The entries of a list, given bare or as Stripe's `{"object": "list", "data": [...]}`.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let found = field(value, name);
    let data = found.and_then(|v| v.as_array().or_else(|| v.get("data").and_then(Value::as_array)));
    data.map_or(&[], Vec::as_slice)
}

/// The digits of a number or of a text that is one; nothing passes through a float.
pub(crate) fn digits(value: &Value, name: &str) -> Option<String> {
    match field(value, name)? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if Decimal::parse(text.trim()).is_ok() => Some(text.trim().to_string()),
        _ => None,
    }
}

/// The value as an exact decimal, if it has one of at most 14 decimals.
pub(crate) fn exact(ratio: Ratio) -> Option<Decimal> {
    (0u8..=14).find_map(|scale| {
        let scaled = ratio.num().checked_mul(10i128.checked_pow(u32::from(scale))?)?;
        (scaled % ratio.den() == 0).then(|| Decimal::new(scaled / ratio.den(), scale))
    })
}

/// The value as a decimal, rounded half-even to 12 decimals where it has no end.
pub(crate) fn rounded(ratio: Ratio) -> Option<Decimal> {
    exact(ratio).or_else(|| {
        ratio.round_to(12, netnew_money::Rounding::HalfEven).map(|mantissa| Decimal::new(mantissa, 12))
    })
}

/// So many of Stripe's smallest units, in major units: `1050` is 10.5 USD, 1050 JPY, 1.05 KWD.
pub(crate) fn major(minor: &str, currency: Currency) -> Option<Decimal> {
    let minor = Decimal::parse(minor).ok()?;
    let exponent = currency.provider_exponent(Provider::Stripe);
    let scale = minor.scale().checked_add(exponent)?;
    (scale <= Decimal::MAX_SCALE).then(|| Decimal::new(minor.mantissa(), scale))
}
