//! Discounts as billing systems state them, in order, and their compact text form.

use netnew_money::{Decimal, Instant};
use serde::{Deserialize, Serialize};

/// How much a discount takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DiscountValue {
    /// Percent of what is left, 0 to 100.
    Percent(Decimal),
    /// Amount in the item's currency, per billing interval, for the whole item (not per unit).
    Amount(Decimal),
}

/// How long a discount lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DiscountKind {
    /// As long as the state holds.
    Forever,
    /// Until its `until` instant.
    Repeating,
    /// For one billing interval.
    Once,
}

impl DiscountKind {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            DiscountKind::Forever => "forever",
            DiscountKind::Repeating => "repeating",
            DiscountKind::Once => "once",
        }
    }

    /// Reads the word, exactly as [`DiscountKind::as_str`] writes it.
    pub fn parse(text: &str) -> Option<DiscountKind> {
        [DiscountKind::Forever, DiscountKind::Repeating, DiscountKind::Once]
            .into_iter()
            .find(|k| k.as_str() == text)
    }
}

/// Where a discount sits. Item discounts apply before subscription discounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DiscountLevel {
    /// On the item itself.
    #[default]
    Item,
    /// On the subscription that the item belongs to.
    Subscription,
}

impl DiscountLevel {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            DiscountLevel::Item => "item",
            DiscountLevel::Subscription => "subscription",
        }
    }

    /// Reads the word, exactly as [`DiscountLevel::as_str`] writes it.
    pub fn parse(text: &str) -> Option<DiscountLevel> {
        [DiscountLevel::Item, DiscountLevel::Subscription].into_iter().find(|l| l.as_str() == text)
    }
}

/// One discount on an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Discount {
    /// Percent or amount.
    pub value: DiscountValue,
    /// Forever, repeating or once.
    pub kind: DiscountKind,
    /// The instant from which it no longer applies. Needed for `Repeating`, optional for the others.
    pub until: Option<Instant>,
    /// Item or subscription.
    pub level: DiscountLevel,
}

/// What is wrong with a discount's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscountError {
    /// Not the JSON list that is expected.
    #[error("discounts are not a JSON list of {{percent|amount, kind, until, level}}: {0}")]
    Json(String),
    /// A value inside is out of range or unknown.
    #[error("discount {index}: {what}")]
    Value {
        /// Position in the list, from 1.
        index: usize,
        /// What is wrong.
        what: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<String>,
}

impl Discount {
    /// Checks ranges: percent within 0..=100, amount not negative, `Repeating` with an `until`.
    pub fn validate(&self) -> Result<(), String> {
        let hundred = Decimal::from_i64(100);
        match self.value {
            DiscountValue::Percent(p) if p.is_negative() || p > hundred => {
                return Err(format!("percent {p} is not within 0 and 100"));
            }
            DiscountValue::Amount(a) if a.is_negative() => return Err(format!("amount {a} is negative")),
            _ => {}
        }
        if self.kind == DiscountKind::Repeating && self.until.is_none() {
            return Err("a repeating discount needs the date until which it lasts".into());
        }
        Ok(())
    }

    /// Reads the JSON list of CLI and storage. `parse_until` turns a date or instant text into an instant (a
    /// date needs the book's time zone, which this crate does not know).
    pub fn parse_list(
        json: &str,
        parse_until: &mut dyn FnMut(&str) -> Result<Instant, String>,
    ) -> Result<Vec<Discount>, DiscountError> {
        let wires: Vec<Wire> = serde_json::from_str(json).map_err(|e| DiscountError::Json(e.to_string()))?;
        let mut discounts = Vec::with_capacity(wires.len());
        for (at, wire) in wires.into_iter().enumerate() {
            let index = at + 1;
            let discount =
                from_wire(wire, parse_until).map_err(|what| DiscountError::Value { index, what })?;
            discount.validate().map_err(|what| DiscountError::Value { index, what })?;
            discounts.push(discount);
        }
        Ok(discounts)
    }

    /// Writes the JSON list that [`Discount::parse_list`] reads; equal lists give equal text.
    pub fn list_to_json(discounts: &[Discount]) -> String {
        let wires: Vec<Wire> = discounts.iter().map(to_wire).collect();
        serde_json::to_string(&wires).expect("plain strings always serialise")
    }
}

fn from_wire(
    wire: Wire,
    parse_until: &mut dyn FnMut(&str) -> Result<Instant, String>,
) -> Result<Discount, String> {
    let value = match (wire.percent, wire.amount) {
        (Some(p), None) => DiscountValue::Percent(number(&p)?),
        (None, Some(a)) => DiscountValue::Amount(number(&a)?),
        (Some(_), Some(_)) => return Err("has both percent and amount; give one".into()),
        (None, None) => return Err("has neither percent nor amount".into()),
    };
    let until = wire.until.as_deref().filter(|u| !u.is_empty()).map(parse_until).transpose()?;
    let kind = match wire.kind.as_deref() {
        Some(text) => DiscountKind::parse(text).ok_or_else(|| format!("unknown kind {text:?}"))?,
        None if until.is_some() => DiscountKind::Repeating,
        None => DiscountKind::Forever,
    };
    let level = match wire.level.as_deref() {
        Some(text) => DiscountLevel::parse(text).ok_or_else(|| format!("unknown level {text:?}"))?,
        None => DiscountLevel::Item,
    };
    Ok(Discount { value, kind, until, level })
}

/// JSON numbers are read through their text (serde_json keeps it), so that 33.333 never passes through a float.
fn number(value: &serde_json::Value) -> Result<Decimal, String> {
    let text = match value {
        serde_json::Value::String(s) => s.trim().to_string(),
        serde_json::Value::Number(n) => n.to_string(),
        other => return Err(format!("{other} is not a number")),
    };
    Decimal::parse(&text).map_err(|e| e.to_string())
}

fn to_wire(discount: &Discount) -> Wire {
    let text = |d: Decimal| Some(serde_json::Value::String(d.to_string()));
    let (percent, amount) = match discount.value {
        DiscountValue::Percent(p) => (text(p), None),
        DiscountValue::Amount(a) => (None, text(a)),
    };
    Wire {
        percent,
        amount,
        kind: Some(discount.kind.as_str().into()),
        until: discount.until.map(|u| u.to_string()),
        level: (discount.level != DiscountLevel::Item).then(|| discount.level.as_str().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Vec<Discount>, DiscountError> {
        Discount::parse_list(json, &mut |t| Instant::parse_rfc3339(t).map_err(|e| e.to_string()))
    }

    #[test]
    fn a_list_round_trips() {
        let text = r#"[{"percent":"50","kind":"forever"},{"amount":"4.5","kind":"repeating","until":"2026-03-01T00:00:00Z","level":"subscription"}]"#;
        let list = parse(text).unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(Discount::list_to_json(&list), text);
        assert_eq!(parse(&Discount::list_to_json(&list)).unwrap(), list);
    }

    #[test]
    fn numbers_and_strings_mean_the_same() {
        assert_eq!(parse(r#"[{"percent":33.333}]"#), parse(r#"[{"percent":"33.333"}]"#));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (json, words) in [
            (r#"[{"percent":101}]"#, "not within 0 and 100"),
            (r#"[{"amount":-1}]"#, "negative"),
            (r#"[{"percent":5,"kind":"repeating"}]"#, "needs the date"),
            (r#"[{"percent":5,"amount":5}]"#, "both"),
            (r#"[{}]"#, "neither"),
            (r#"[{"percent":5,"kind":"monthly"}]"#, "unknown kind"),
            (r#"{"percent":5}"#, "not a JSON list"),
        ] {
            let error = parse(json).unwrap_err().to_string();
            assert!(error.contains(words), "{json}: {error}");
        }
    }
}
