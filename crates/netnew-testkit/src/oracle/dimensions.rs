//! Sections 7 and 9: by what a report groups and filters, and what a row counts to at an instant.

use netnew_money::Instant;

use super::groups::{Cell, Unit, levels};
use super::{Business, OracleError};

/// One thing to group by or to filter on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    Plan,
    Currency,
    Source,
    Layer,
    Attribute(String),
}

impl Dimension {
    pub(super) fn read(name: &str) -> Result<Dimension, OracleError> {
        Ok(match name {
            "plan" => Dimension::Plan,
            "currency" => Dimension::Currency,
            "source" => Dimension::Source,
            "layer" => Dimension::Layer,
            "country" | "channel" => Dimension::Attribute(name.to_string()),
            _ => match name.strip_prefix("attr:") {
                Some(attribute) => Dimension::Attribute(attribute.to_string()),
                None => return Err(OracleError::UnknownField(name.to_string())),
            },
        })
    }
}

/// One `field=a|b` or `field!=a|b` of a filter; an empty value stands for none.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    dimension: Dimension,
    wanted: bool,
    values: Vec<Option<String>>,
}

/// What an amount counts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) group: Vec<Option<String>>,
    filtered: Vec<Option<String>>,
    pub(super) passes: bool,
}

/// A filter: all conditions hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter(Vec<Condition>);

impl Filter {
    /// Reads `plan=Pro,country=DE|FR,channel!=ads`; a backslash takes the next character as it is.
    pub(super) fn read(text: &str) -> Result<Filter, OracleError> {
        let mut conditions = Vec::new();
        for condition in split(text, ',').into_iter().filter(|part| !part.is_empty()) {
            let sides = split(&condition, '=');
            let [field, values @ ..] = &sides[..] else { continue };
            if values.is_empty() {
                return Err(OracleError::UnknownField(condition));
            }
            let (field, wanted) = match field.strip_suffix('!') {
                Some(field) => (field, false),
                None => (field.as_str(), true),
            };
            let values = split(&values.join("="), '|').iter().map(|value| plain(value)).collect();
            conditions.push(Condition { dimension: Dimension::read(field)?, wanted, values });
        }
        Ok(Filter(conditions))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Parts between a separator that is not escaped; escapes stay.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == separator && !escaped {
            parts.push(String::new());
            continue;
        }
        escaped = c == '\\' && !escaped;
        parts.last_mut().expect("there is a first part").push(c);
    }
    parts
}

/// A value without its escapes; nothing when empty.
fn plain(value: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    (!out.is_empty()).then_some(out)
}

impl Business {
    /// What a cell counts to at an instant: the values of the dimensions of the groups and of the filter, and whether
    /// the filter lets it pass.
    pub(super) fn place(
        &self,
        unit: &Unit,
        cell: &Cell,
        at: Instant,
        by: &[Dimension],
        filter: &Filter,
    ) -> Place {
        let value = |dimension: &Dimension| self.dimension(unit, cell, at, dimension);
        let filtered: Vec<Option<String>> = filter.0.iter().map(|c| value(&c.dimension)).collect();
        let mut tested = filter.0.iter().zip(&filtered);
        let passes = tested.all(|(condition, value)| condition.values.contains(value) == condition.wanted);
        Place { group: by.iter().map(value).collect(), filtered, passes }
    }

    fn dimension(&self, unit: &Unit, cell: &Cell, at: Instant, dimension: &Dimension) -> Option<String> {
        match dimension {
            Dimension::Plan => cell.plan.clone(),
            Dimension::Currency => Some(cell.currency.to_string()),
            Dimension::Source => Some(cell.id.source.clone()),
            Dimension::Layer => Some(self.layer(unit, cell, at).to_string()),
            Dimension::Attribute(name) => self.attribute(&unit.customer, name, at),
        }
    }

    /// The layer of the amount that stands in a cell: that of the item while it is worth something there; what has
    /// come to 0 stays where it last was.
    fn layer(&self, unit: &Unit, cell: &Cell, at: Instant) -> &'static str {
        let mut moments: Vec<Instant> =
            self.instants(unit).into_iter().filter(|&moment| moment < at).collect();
        moments.push(at);
        let layer_at = |&moment: &Instant| {
            let items = self.items_of(unit, moment);
            let stands = levels(&items).contains_key(cell);
            stands.then(|| items.iter().find(|item| item.id == cell.id).map(|item| item.layer())).flatten()
        };
        moments.iter().rev().find_map(layer_at).unwrap_or("paid")
    }
}
