//! The knobs there are and what they take, from `policy/schema.toml`.

use crate::error::PolicyError;
use crate::nearest::{nearest, shown};
use netnew_money::Zone;
use serde::Deserialize;
use std::fmt;
use std::sync::LazyLock;

/// Every knob, in the order in which policies are compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// The knobs.
    #[serde(rename = "knob")]
    pub knobs: Vec<Knob>,
}

/// One rule that tools differ in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knob {
    /// The name, as in `--set NAME=VALUE`.
    pub name: String,
    /// What it belongs to: `counting`, `discounts`, `charges`, `status`, `movements`, `currency`, `time`,
    /// `amounts` or `formulas`.
    pub group: String,
    /// What it decides, in one sentence.
    pub meaning: String,
    /// The form of its values.
    #[serde(rename = "type")]
    pub kind: KnobType,
    /// The value when nothing else is said.
    pub default: String,
    /// Named values.
    #[serde(default)]
    pub values: Vec<Choice>,
    /// Least whole number.
    pub min: Option<u16>,
    /// Greatest whole number.
    pub max: Option<u16>,
    /// Greatest number of calendar months.
    pub max_months: Option<u16>,
    /// What whole numbers count.
    pub unit: Option<String>,
}

/// The form of a knob's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnobType {
    /// One of the named values.
    Choice,
    /// Any of the named values, separated by commas.
    Set,
    /// A whole number.
    Integer,
    /// A named value, days (`30`), or calendar months (`2 months`).
    Period,
    /// A named value or the IANA name of a time zone.
    Zone,
}

impl KnobType {
    /// The word used in the schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            KnobType::Choice => "choice",
            KnobType::Set => "set",
            KnobType::Integer => "integer",
            KnobType::Period => "period",
            KnobType::Zone => "zone",
        }
    }
}

/// A named value of a knob.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The value, as in `--set KNOB=VALUE`.
    pub name: String,
    /// What it does, in one sentence.
    pub meaning: String,
    /// Facts it would need which are not taken in yet; such a value can be recorded, not used.
    pub needs: Option<Needs>,
    /// Facts that a book must have for the value to act.
    pub with: Option<Needs>,
}

/// Facts that a rule may need beyond item states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// Invoices with their lines.
    Invoices,
    /// Payments and attempts.
    Payments,
    /// Refunds.
    Refunds,
    /// Credit notes.
    CreditNotes,
    /// Metered usage.
    Usage,
    /// Schedules of agreed changes.
    Schedules,
}

impl Needs {
    /// The word used in the schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            Needs::Invoices => "invoices",
            Needs::Payments => "payments",
            Needs::Refunds => "refunds",
            Needs::CreditNotes => "credit_notes",
            Needs::Usage => "usage",
            Needs::Schedules => "schedules",
        }
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The schema that is compiled in.
pub fn schema() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
        toml::from_str(include_str!("../../../policy/schema.toml"))
            .expect("the schema compiled in is tested to parse")
    });
    &SCHEMA
}

impl Schema {
    /// The knob of a name.
    ///
    /// # Errors
    /// [`PolicyError::UnknownKnob`] with the name most likely meant.
    pub fn knob(&'static self, name: &str) -> Result<&'static Knob, PolicyError> {
        self.knobs.iter().find(|k| k.name == name).ok_or_else(|| PolicyError::UnknownKnob {
            knob: shown(name),
            nearest: nearest(name, self.knobs.iter().map(|k| k.name.as_str())),
        })
    }
}

impl Knob {
    /// The canonical text of a value: spaces and leading zeros gone, sets in the order of the schema, `30 days` as
    /// `30`, time zones as the database spells them.
    ///
    /// # Errors
    /// [`PolicyError::BadKnobValue`] naming what the knob takes, [`PolicyError::KnobNeedsFacts`] for a value that
    /// cannot be used yet.
    pub fn canonical(&'static self, text: &str) -> Result<String, PolicyError> {
        let value = self.canonical_or_recorded(text)?;
        match self.choice(&value) {
            Some(Choice { name, needs: Some(needs), .. }) => Err(PolicyError::KnobNeedsFacts {
                knob: &self.name,
                value: name,
                needs: *needs,
                takes: self.takes(),
            }),
            _ => Ok(value),
        }
    }

    /// As [`Knob::canonical`], but lets values through that need facts not taken in yet.
    pub(crate) fn canonical_or_recorded(&'static self, text: &str) -> Result<String, PolicyError> {
        let text = text.trim();
        let found = match self.kind {
            KnobType::Choice => self.choice(text).map(|c| c.name.clone()),
            KnobType::Set => self.set(text),
            KnobType::Integer => self.number(text).map(|n| n.to_string()),
            KnobType::Period => self.choice(text).map(|c| c.name.clone()).or_else(|| self.period(text)),
            KnobType::Zone => self
                .choice(text)
                .map(|c| c.name.clone())
                .or_else(|| Zone::parse(text).ok().map(|zone| zone.name().to_string())),
        };
        found.ok_or_else(|| PolicyError::BadKnobValue {
            knob: &self.name,
            value: shown(text),
            takes: self.takes(),
            nearest: self.nearest_value(text),
        })
    }

    /// The named value of a name.
    pub fn choice(&self, name: &str) -> Option<&Choice> {
        self.values.iter().find(|c| c.name == name)
    }

    /// What the knob takes, for reading: named values that can be used now, and the range of numbers.
    pub fn takes(&self) -> String {
        let mut parts: Vec<String> =
            self.values.iter().filter(|c| c.needs.is_none()).map(|c| format!("`{}`", c.name)).collect();
        if let (Some(min), Some(max)) = (self.min, self.max) {
            parts.push(format!("{min} to {max} {}", self.unit.as_deref().unwrap_or("days")));
        }
        if let Some(max) = self.max_months {
            parts.push(format!("`1 month` to `{max} months`"));
        }
        match self.kind {
            KnobType::Zone => parts.push("an IANA time zone such as `Europe/Paris`".into()),
            KnobType::Set => return format!("any of {}, separated by commas", parts.join(", ")),
            _ => {}
        }
        match parts.as_slice() {
            [one] => format!("only {one}"),
            _ => parts.join(", "),
        }
    }

    fn set(&self, text: &str) -> Option<String> {
        let mut wanted: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        let mut found: Vec<&str> = Vec::new();
        for choice in &self.values {
            if wanted.contains(&choice.name.as_str()) {
                wanted.retain(|part| *part != choice.name);
                found.push(&choice.name);
            }
        }
        (wanted.is_empty() && !found.is_empty()).then(|| found.join(","))
    }

    fn number(&self, text: &str) -> Option<u16> {
        let number = digits(text)?;
        (self.min? <= number && number <= self.max?).then_some(number)
    }

    fn period(&self, text: &str) -> Option<String> {
        let (number, unit) = match text.split_once(' ') {
            Some((number, unit)) => (number, unit.trim()),
            None => (text, "days"),
        };
        match unit {
            "day" | "days" => self.number(number).map(|days| days.to_string()),
            "month" | "months" => {
                let months = digits(number)?;
                let plural = if months == 1 { "" } else { "s" };
                (1..=self.max_months?).contains(&months).then(|| format!("{months} month{plural}"))
            }
            _ => None,
        }
    }

    fn nearest_value(&self, text: &str) -> Option<String> {
        let names = self.values.iter().filter(|c| c.needs.is_none()).map(|c| c.name.as_str());
        match self.kind {
            // The first part that is no value is the one to mend.
            KnobType::Set => {
                let bad = text.split(',').map(str::trim).find(|part| self.choice(part).is_none())?;
                nearest(bad, names).map(str::to_string)
            }
            KnobType::Zone => match Zone::parse(text) {
                Err(netnew_money::MoneyError::UnknownZone { nearest: Some(zone), .. }) => Some(zone),
                _ => nearest(text, names).map(str::to_string),
            },
            _ => nearest(text, names).map(str::to_string),
        }
    }
}

/// A whole number written in digits alone: `parse` would take `+5` as well.
fn digits(text: &str) -> Option<u16> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}
