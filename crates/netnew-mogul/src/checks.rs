//! Reads objects from requests: what is wrong is named field by field, as the API does.

use crate::dates;
use netnew_money::{Currency, Instant, IntervalUnit};
use serde_json::{Map, Value, json};

/// What is wrong, by field, in the order found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrong(pub Vec<(String, String)>);

impl Wrong {
    /// One thing that is wrong.
    pub fn one(field: &str, what: &str) -> Wrong {
        Wrong(vec![(field.into(), what.into())])
    }

    /// Names one more.
    pub fn add(&mut self, field: &str, what: &str) {
        self.0.push((field.into(), what.into()));
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `{"name": "..."}`, the first of each field.
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        for (field, what) in &self.0 {
            out.entry(field.clone()).or_insert_with(|| json!(what));
        }
        Value::Object(out)
    }

    /// The same with a list per field.
    pub fn to_lists(&self) -> Value {
        let mut out = Map::new();
        for (field, what) in &self.0 {
            if let Value::Array(list) = out.entry(field.clone()).or_insert_with(|| json!([])) {
                list.push(json!(what));
            }
        }
        Value::Object(out)
    }

    /// A list of objects that name field and message.
    pub fn details(&self) -> Value {
        self.0
            .iter()
            .map(|(field, what)| json!({"param": field, "code": "invalid", "message": what}))
            .collect()
    }
}

/// The fields of an object of a request, and what has been found wrong with them.
pub struct Fields<'v> {
    from: &'v Map<String, Value>,
    /// What is wrong so far.
    pub wrong: Wrong,
}

impl<'v> Fields<'v> {
    /// Looks into an object.
    pub fn of(from: &'v Map<String, Value>) -> Fields<'v> {
        Fields { from, wrong: Wrong::default() }
    }

    /// Whether a field is there, null or not.
    pub fn has(&self, name: &str) -> bool {
        self.from.contains_key(name)
    }

    /// A field that is there and not null.
    pub fn value(&self, name: &str) -> Option<&'v Value> {
        self.from.get(name).filter(|v| !v.is_null())
    }

    /// A text; numbers count as their digits. None if it is missing, null or empty.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) if text.len() > 10_000 => {
                self.wrong.add(name, "is too long");
                None
            }
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => {
                self.wrong.add(name, "must be a text");
                None
            }
        }
    }

    /// A text that has to be there.
    pub fn required(&mut self, name: &str, missing: &str) -> String {
        match self.text(name) {
            Some(text) => text,
            None => {
                if !self.wrong.0.iter().any(|(field, _)| field == name) {
                    self.wrong.add(name, missing);
                }
                String::new()
            }
        }
    }

    /// A whole number, as number or text.
    pub fn number(&mut self, name: &str) -> Option<i64> {
        let number = match self.value(name)? {
            Value::Number(number) => number.as_i64().or_else(|| whole(&number.to_string())),
            Value::String(text) if text.trim().is_empty() => return None,
            Value::String(text) => whole(text.trim()),
            _ => None,
        };
        // Far beyond any amount, and sums of many still fit.
        let number = number.filter(|n| n.unsigned_abs() <= 1_000_000_000_000_000);
        if number.is_none() {
            self.wrong.add(name, "must be a whole number");
        }
        number
    }

    /// True or false, as such or as text.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text == "true" => Some(true),
            Value::String(text) if text == "false" || text.is_empty() => Some(false),
            _ => {
                self.wrong.add(name, "must be true or false");
                None
            }
        }
    }

    /// A date.
    pub fn date(&mut self, name: &str) -> Option<Instant> {
        let text = self.text(name)?;
        let read = dates::read(&text);
        if read.is_none() {
            self.wrong.add(name, "is not a valid date");
        }
        read
    }

    /// A date that has to be there.
    pub fn required_date(&mut self, name: &str, missing: &str) -> Instant {
        match self.date(name) {
            Some(at) => at,
            None => {
                if !self.wrong.0.iter().any(|(field, _)| field == name) {
                    self.wrong.add(name, missing);
                }
                Instant::from_micros(0)
            }
        }
    }

    /// A currency's code.
    pub fn currency(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        match Currency::parse(&text.to_uppercase()) {
            Ok(currency) => Some(currency.as_str().to_string()),
            Err(_) => {
                self.wrong.add(name, "Currency is invalid");
                None
            }
        }
    }

    /// A list; a missing one is empty.
    pub fn list(&mut self, name: &str) -> &'v [Value] {
        match self.value(name) {
            None => &[],
            Some(Value::Array(list)) => list,
            Some(_) => {
                self.wrong.add(name, "must be a list");
                &[]
            }
        }
    }

    /// A list of texts.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        let list = self.list(name);
        let texts: Vec<String> = list
            .iter()
            .filter_map(Value::as_str)
            .map(|t| t.trim().to_string())
            .filter(|t| !t.is_empty())
            .collect();
        if texts.len() != list.len() {
            self.wrong.add(name, "must be a list of texts");
        }
        texts
    }

    /// One of the words.
    pub fn word(&mut self, name: &str, words: &[&str]) -> Option<String> {
        let text = self.text(name)?;
        if !words.contains(&text.as_str()) {
            self.wrong.add(name, &format!("must be one of {}", words.join(", ")));
        }
        Some(text)
    }
}

/// A whole number in digits, with zeros behind a point or without.
fn whole(text: &str) -> Option<i64> {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    fraction.bytes().all(|b| b == b'0').then(|| digits.parse().ok()).flatten()
}

/// Reads an interval's unit.
pub fn unit(word: &str) -> Option<IntervalUnit> {
    IntervalUnit::parse(word).ok()
}

/// Custom attributes, as `[{type, key, value}]` or as `{key: value}`; dates are written as the API does.
///
/// # Errors
/// What is wrong with them.
pub fn custom(value: &Value) -> Result<Map<String, Value>, Wrong> {
    let mut out = Map::new();
    match value {
        Value::Object(pairs) => {
            for (key, value) in pairs {
                out.insert(key.clone(), custom_value(None, value)?);
            }
        }
        Value::Array(list) => {
            for one in list {
                let Some(object) = one.as_object() else {
                    return Err(Wrong::one("custom", "must be a list of type, key and value"));
                };
                let mut fields = Fields::of(object);
                let key = fields.required("key", "can't be blank");
                let kind = fields.text("type");
                if !fields.wrong.is_empty() {
                    return Err(fields.wrong);
                }
                let value = object.get("value").cloned().unwrap_or(Value::Null);
                out.insert(key, custom_value(kind.as_deref(), &value)?);
            }
        }
        _ => return Err(Wrong::one("custom", "must be a list or an object")),
    }
    Ok(out)
}

fn custom_value(kind: Option<&str>, value: &Value) -> Result<Value, Wrong> {
    let bad = |what: &str| Err(Wrong::one("custom", what));
    match (kind, value) {
        (_, Value::Object(_) | Value::Array(_)) => bad("values are texts, numbers, dates, true or false"),
        (Some("Timestamp"), Value::String(text)) => match dates::read(text) {
            Some(at) => Ok(json!(dates::write(at))),
            None => bad("is not a valid date"),
        },
        (Some("Integer"), value) if value.as_i64().is_none() => bad("must be a whole number"),
        (Some("Boolean"), value) if !value.is_boolean() => bad("must be true or false"),
        // Without a type what looks like an instant is one, as it was when it was added.
        (None, Value::String(text)) if text.len() >= 19 && text.as_bytes().get(4) == Some(&b'-') => {
            Ok(dates::read(text).map_or_else(|| value.clone(), |at| json!(dates::write(at))))
        }
        _ => Ok(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let body = json!({"name": "", "amount": "12.5", "n": "12", "m": 7.0, "when": "soon", "currency": "ZZZ", "tags": [1]});
        let mut fields = Fields::of(body.as_object().unwrap());
        assert_eq!(fields.required("name", "A name is required."), "");
        assert_eq!(
            (fields.number("amount"), fields.number("n"), fields.number("m")),
            (None, Some(12), Some(7))
        );
        assert_eq!((fields.date("when"), fields.currency("currency")), (None, None));
        fields.texts("tags");
        let named: Vec<&str> = fields.wrong.0.iter().map(|(f, _)| f.as_str()).collect();
        assert_eq!(named, ["name", "amount", "when", "currency", "tags"]);
        assert_eq!(fields.wrong.to_json()["name"], json!("A name is required."));
        assert_eq!(fields.wrong.to_lists()["amount"], json!(["must be a whole number"]));
    }

    #[test]
    fn custom_attributes_come_in_two_shapes() {
        let list = json!([{"type": "Timestamp", "key": "t", "value": "2016-01-31 00:00:00 UTC"}, {"type": "Integer", "key": "n", "value": 8}]);
        assert_eq!(Value::Object(custom(&list).unwrap()), json!({"t": "2016-01-31T00:00:00.000Z", "n": 8}));
        assert_eq!(
            Value::Object(custom(&json!({"t": "2016-02-01 00:00:00 UTC", "b": false})).unwrap()),
            json!({"t": "2016-02-01T00:00:00.000Z", "b": false})
        );
        assert!(custom(&json!([{"type": "Integer", "key": "n", "value": "x"}])).is_err());
        assert!(custom(&json!("x")).is_err());
    }
}
