//! How amounts, currencies and instants stand in an entry's text: as the texts that files and JSON use.

/// Amounts as `"83.3333333333"`.
pub mod amount {
    use netnew_money::Amount;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(value: &Amount, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Amount, D::Error> {
        Amount::parse(&String::deserialize(from)?).map_err(de::Error::custom)
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
        Decimal::parse(&String::deserialize(from)?).map_err(de::Error::custom)
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
                let text: Option<String> = Option::deserialize(from)?;
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
