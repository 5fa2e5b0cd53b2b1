//! How amounts, currencies and instants stand in an entry's text: as the texts that files and JSON use.

/// A text, or the digits of a JSON number, which never pass through a float.
fn number(value: &serde_json::Value) -> Result<String, String> {
    match value {
        serde_json::Value::String(text) => Ok(text.clone()),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        other => Err(format!("{other} is neither a text nor a number")),
    }
}

/// Amounts as `"83.3333333333"`.
pub mod amount {
    use netnew_money::Amount;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(value: &Amount, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Amount, D::Error> {
        let text = super::number(&serde_json::Value::deserialize(from)?).map_err(de::Error::custom)?;
        Amount::parse(&text).map_err(de::Error::custom)
    }
}

/// Decimals as `"1.25"`.
pub mod decimal {
    use netnew_money::Decimal;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(value: &Decimal, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Decimal, D::Error> {
        let text = super::number(&serde_json::Value::deserialize(from)?).map_err(de::Error::custom)?;
        Decimal::parse(&text).map_err(de::Error::custom)
    }
}

/// Currencies as `"EUR"`.
pub mod currency {
    use netnew_money::Currency;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(value: &Currency, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(value.as_str())
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Currency, D::Error> {
        Currency::parse(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}

/// Texts that may be shared.
pub mod text {
    use crate::fact::Text;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &Text, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(value)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Text, D::Error> {
        Ok(String::deserialize(from)?.into())
    }
}

/// The optional forms; an absent value is left out of the text.
macro_rules! optional {
    ($name:ident, $type:ty, $read:expr) => {
        pub mod $name {
            use serde::{Deserialize, Deserializer, Serializer, de};

            pub fn serialize<S: Serializer>(value: &Option<$type>, to: S) -> Result<S::Ok, S::Error> {
                match value {
                    Some(value) => to.collect_str(value),
                    None => to.serialize_none(),
                }
            }

            pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Option<$type>, D::Error> {
                let value: Option<serde_json::Value> = Option::deserialize(from)?;
                let text = value.map(|v| super::number(&v)).transpose().map_err(de::Error::custom)?;
                #[allow(clippy::redundant_closure_call, reason = "the macro takes any function")]
                text.map(|text| ($read)(&text)).transpose().map_err(|e: String| de::Error::custom(e))
            }
        }
    };
}

optional!(optional_amount, netnew_money::Amount, |t: &str| {
    netnew_money::Amount::parse(t).map_err(|e| e.to_string())
});
optional!(optional_decimal, netnew_money::Decimal, |t: &str| {
    netnew_money::Decimal::parse(t).map_err(|e| e.to_string())
});
optional!(optional_instant, netnew_money::Instant, |t: &str| {
    netnew_money::Instant::parse_rfc3339(t).map_err(|e| e.to_string())
});
optional!(optional_text, crate::fact::Text, |t: &str| Ok::<_, String>(t.into()));
optional!(optional_currency, netnew_money::Currency, |t: &str| {
    netnew_money::Currency::parse(t).map_err(|e| e.to_string())
});
