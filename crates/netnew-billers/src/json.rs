//! Reading what may be absent, null, a number or the text of one. Nothing passes through a float.

use netnew_money::{Amount, Currency, Day, Decimal, Instant, IntervalUnit, Provider, Ratio, Rounding, Zone};
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
    field(value, name).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty())
}

/// A text, or the digits of a number: ids are either.
pub(crate) fn word(value: &Value, name: &str) -> Option<String> {
    match field(value, name)? {
        Value::String(text) => Some(text.trim().to_string()).filter(|t| !t.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number, or the text of one.
pub(crate) fn int(value: &Value, name: &str) -> Option<i64> {
    match field(value, name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A flag; absent is false.
pub(crate) fn flag(value: &Value, name: &str) -> bool {
    match field(value, name) {
        Some(Value::Bool(set)) => *set,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("yes"),
        _ => false,
    }
}

/// The entries of a list; none for anything else.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    field(value, name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A decimal given as number or text.
pub(crate) fn decimal(value: &Value, name: &str) -> Option<Decimal> {
    Decimal::parse(&word(value, name)?).ok()
}

/// A currency code.
pub(crate) fn currency(value: &Value, name: &str) -> Option<Currency> {
    Currency::parse(text(value, name)?).ok()
}

/// Smallest units of a currency (ISO 4217: none in JPY, three decimals in KWD), in major units.
pub(crate) fn minor(value: &Value, name: &str, currency: Currency) -> Option<Decimal> {
    shifted(decimal(value, name)?, currency.provider_exponent(Provider::Iso))
}

/// A decimal divided by a power of ten.
pub(crate) fn shifted(number: Decimal, places: u8) -> Option<Decimal> {
    let scale = number.scale().checked_add(places)?;
    (scale <= Decimal::MAX_SCALE).then(|| Decimal::new(number.mantissa(), scale))
}

/// An exact amount of a decimal; rounded half-even to ten decimals if it has more.
pub(crate) fn amount(number: Decimal) -> Option<Amount> {
    number.to_amount_exact().or_else(|| number.to_ratio().to_amount(Rounding::HalfEven))
}

/// [`minor`] as an amount.
pub(crate) fn minor_amount(value: &Value, name: &str, currency: Currency) -> Option<Amount> {
    amount(minor(value, name, currency)?)
}

/// A time in RFC 3339, or a day (its first moment in UTC), as microseconds.
pub(crate) fn time(value: &Value, name: &str) -> Option<i64> {
    moment(text(value, name)?)
}

/// Reads a time as systems write it: RFC 3339, with `+0000` for an offset, with a blank for the `T`, or a day alone.
pub(crate) fn moment(text: &str) -> Option<i64> {
    if let Ok(at) = Instant::parse_rfc3339(text) {
        return Some(at.micros());
    }
    if text.len() == 10 {
        return Some(Zone::utc().start_of(Day::parse(text).ok()?).micros());
    }
    let mut written = text.trim_end_matches(" UTC").replacen(' ', "T", 1);
    if !written.is_ascii() {
        return None;
    }
    let tail = written.len().checked_sub(5).and_then(|from| written.get(from..)).unwrap_or_default();
    if tail.starts_with(['+', '-']) && tail[1..].bytes().all(|b| b.is_ascii_digit()) {
        written.insert(written.len() - 2, ':');
    } else if !written.ends_with('Z') {
        written.push('Z');
    }
    Instant::parse_rfc3339(&written).ok().map(Instant::micros)
}

/// Seconds since 1970, as microseconds.
pub(crate) fn seconds(value: &Value, name: &str) -> Option<i64> {
    int(value, name)?.checked_mul(1_000_000)
}

/// Milliseconds since 1970, as microseconds.
pub(crate) fn millis(value: &Value, name: &str) -> Option<i64> {
    int(value, name)?.checked_mul(1_000)
}

/// A unit of time in any of the words that systems use.
pub(crate) fn unit(word: &str) -> Option<IntervalUnit> {
    match word.to_ascii_lowercase().as_str() {
        "day" | "days" | "daily" => Some(IntervalUnit::Day),
        "week" | "weeks" | "weekly" => Some(IntervalUnit::Week),
        "month" | "months" | "monthly" => Some(IntervalUnit::Month),
        "year" | "years" | "yearly" | "annual" => Some(IntervalUnit::Year),
        _ => None,
    }
}

/// A whole quantity, or one with up to six decimals, in millionths.
pub(crate) fn micros(quantity: Decimal) -> Option<i64> {
    let millionths = quantity.to_ratio().checked_mul(Ratio::from_int(1_000_000))?;
    (millionths.den() == 1 && !quantity.is_negative()).then(|| i64::try_from(millionths.num()).ok())?
}

/// [`micros`] of a quantity that may be absent; then it is one.
pub(crate) fn units(quantity: Option<Decimal>) -> i64 {
    quantity.and_then(micros).unwrap_or(1_000_000)
}

/// The value as an exact decimal, if it has one of at most 12 decimals; else rounded half-even to 12.
pub(crate) fn rounded(ratio: Ratio) -> Option<Decimal> {
    let exact = (0u8..=12).find_map(|scale| {
        let scaled = ratio.num().checked_mul(10i128.checked_pow(u32::from(scale))?)?;
        (scaled % ratio.den() == 0).then(|| Decimal::new(scaled / ratio.den(), scale))
    });
    exact.or_else(|| ratio.round_to(12, Rounding::HalfEven).map(|mantissa| Decimal::new(mantissa, 12)))
}

/// A value as it goes into a message: cut, so that a broken file cannot flood the screen.
pub(crate) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_however_they_are_written() {
        let wanted = moment("2025-03-01T10:00:00Z");
        assert!(wanted.is_some());
        for written in [
            "2025-03-01T10:00:00.000000Z",
            "2025-03-01T12:00:00+0200",
            "2025-03-01T12:00:00+02:00",
            "2025-03-01 10:00:00",
            "2025-03-01 10:00:00 UTC",
        ] {
            assert_eq!(moment(written), wanted, "{written}");
        }
        assert_eq!(moment("2025-03-01"), moment("2025-03-01T00:00:00Z"));
        for wrong in ["", "soon", "2025-13-01", "ä25-03-01 1", "03/04/2025"] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn smallest_units_follow_the_currency() {
        let value = serde_json::json!({"a": "1050", "b": 1050});
        for (code, written) in [("USD", "10.5"), ("JPY", "1050"), ("KWD", "1.05")] {
            let currency = Currency::parse(code).unwrap();
            assert_eq!(minor(&value, "a", currency).unwrap().to_string(), written);
            assert_eq!(minor(&value, "b", currency), minor(&value, "a", currency));
        }
    }
}
