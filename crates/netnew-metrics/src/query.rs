//! What a report asks: range, interval, currency, groups and filters.

use netnew_facts::Text;
use netnew_ledger::{CustomerLedger, Dimensions, Layer};
use netnew_money::{Currency, Day, Grain, WeekStart};

/// A field that reports group by and filter on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// Plan of the item.
    Plan,
    /// Currency of the item.
    Currency,
    /// Source that speaks of the item.
    Source,
    /// Part of the stack: past due, paused, cancelling, discounted, paid.
    Layer,
    /// An attribute of the customer as of then; `country` and `channel` are attributes like any other.
    Attribute(String),
}

impl Field {
    /// Reads `plan`, `currency`, `source`, `layer`, `country`, `channel` or `attr:NAME`.
    pub fn parse(text: &str) -> Result<Field, QueryError> {
        match text.trim() {
            "plan" => Ok(Field::Plan),
            "currency" => Ok(Field::Currency),
            "source" => Ok(Field::Source),
            "layer" => Ok(Field::Layer),
            "country" | "channel" => Ok(Field::Attribute(text.trim().to_string())),
            other => match other.strip_prefix("attr:") {
                Some(name) if !name.is_empty() => Ok(Field::Attribute(name.to_string())),
                _ => Err(QueryError::UnknownField(other.to_string())),
            },
        }
    }

    /// The word that [`Field::parse`] reads.
    pub fn name(&self) -> String {
        match self {
            Field::Plan => "plan".into(),
            Field::Currency => "currency".into(),
            Field::Source => "source".into(),
            Field::Layer => "layer".into(),
            Field::Attribute(name) if name == "country" || name == "channel" => name.clone(),
            Field::Attribute(name) => format!("attr:{name}"),
        }
    }
}

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A field that reports do not know.
    #[error("unknown field {0:?}")]
    UnknownField(String),
    /// A filter that cannot be read.
    #[error("cannot read the filter {text:?}: {what}")]
    Filter {
        /// The filter as given.
        text: String,
        /// What is wrong.
        what: String,
    },
    /// A range that ends before it starts.
    #[error("the range ends ({to}) before it starts ({from})")]
    Range {
        /// First day.
        from: Day,
        /// Last day.
        to: Day,
    },
}

impl QueryError {
    /// Stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            QueryError::UnknownField(_) => "unknown_field",
            QueryError::Filter { .. } => "bad_filter",
            QueryError::Range { .. } => "bad_range",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            QueryError::UnknownField(_) => {
                "fields are plan, currency, country, channel, source, layer and attr:NAME".into()
            }
            QueryError::Filter { .. } => {
                "write FIELD=VALUE|VALUE,FIELD!=VALUE; put \\ before a comma, bar or backslash in a value"
                    .into()
            }
            QueryError::Range { .. } => "give --from no later than --to".into(),
        }
    }
}

/// One term of a filter: the field has one of the values (or none of them).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Field looked at.
    pub field: Field,
    /// True for `!=`.
    pub negated: bool,
    /// Accepted values; `None` is "has no value".
    pub values: Vec<Option<String>>,
}

/// Terms that must all hold. Empty: everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(pub Vec<Term>);

impl Filter {
    /// Reads `plan=Pro,country=DE|FR,channel!=ads`: `,` is and, `|` is or, `\` escapes, an empty value is none.
    pub fn parse(text: &str) -> Result<Filter, QueryError> {
        let bad = |what: &str| QueryError::Filter { text: text.to_string(), what: what.to_string() };
        let mut terms = Vec::new();
        if text.trim().is_empty() {
            return Ok(Filter(terms));
        }
        for part in split_escaped(text, ',') {
            let Some(at) = find_unescaped(&part, '=') else {
                return Err(bad(&format!("{part:?} has no =")));
            };
            let (name, values) = (&part[..at], &part[at + 1..]);
            let (name, negated) = match name.strip_suffix('!') {
                Some(name) => (name, true),
                None => (name, false),
            };
            let values = split_escaped(values, '|')
                .iter()
                .map(|v| Some(unescape(v)).filter(|v| !v.is_empty()))
                .collect();
            terms.push(Term { field: Field::parse(&unescape(name))?, negated, values });
        }
        Ok(Filter(terms))
    }

    /// True when every term holds for the values that `value_of` gives.
    pub fn accepts<'v>(&self, mut value_of: impl FnMut(&Field) -> Option<&'v str>) -> bool {
        self.0.iter().all(|term| {
            let value = value_of(&term.field);
            term.values.iter().any(|v| v.as_deref() == value) != term.negated
        })
    }
}

fn split_escaped(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let last = parts.last_mut().expect("starts with one part");
        if c == '\\' {
            last.push(c);
            last.extend(chars.next());
        } else if c == separator {
            parts.push(String::new());
        } else {
            last.push(c);
        }
    }
    parts
}

fn find_unescaped(text: &str, wanted: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == wanted => return Some(at),
            _ => {}
        }
    }
    None
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    out.trim().to_string()
}

/// The currency of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportCurrency {
    /// Everything converted to one currency.
    In(Currency),
    /// Each currency by itself, no conversion.
    Original,
}

/// A report's question, besides what the ledger's context says.
#[derive(Clone, Debug)]
pub struct Query {
    /// First day, inclusive.
    pub from: Day,
    /// Last day, inclusive.
    pub to: Day,
    /// Interval of the rows.
    pub grain: Grain,
    /// On which day weeks start.
    pub week_start: WeekStart,
    /// Currency of the figures.
    pub currency: ReportCurrency,
    /// One day whose rates convert everything.
    pub constant_rates: Option<Day>,
    /// Groups; several fields make one group of their combinations.
    pub by: Vec<Field>,
    /// Which posted rows count.
    pub filter: Filter,
    /// Whether what is expected after now belongs into the rows.
    pub with_expected: bool,
}

impl Query {
    /// The dimensions that the ledger has to tell apart for this question.
    pub fn dimensions(&self) -> Dimensions {
        let mut dimensions = Dimensions::default();
        let fields = self.by.iter().chain(self.filter.0.iter().map(|t| &t.field));
        for field in fields {
            match field {
                Field::Attribute(name) if !dimensions.attributes.contains(name) => {
                    dimensions.attributes.push(name.clone());
                }
                Field::Layer => dimensions.layer = true,
                _ => {}
            }
        }
        dimensions
    }

    /// The periods of the range, in order.
    pub fn periods(&self) -> Result<Vec<Period>, QueryError> {
        if self.to < self.from {
            return Err(QueryError::Range { from: self.from, to: self.to });
        }
        let mut periods = Vec::new();
        let mut start = self.grain.period_start(self.from, self.week_start);
        while start <= self.to {
            let next = self.grain.next_start(start, self.week_start);
            let whole_last = next.add_days(-1);
            periods.push(Period {
                start,
                first: start.max(self.from),
                last: whole_last.min(self.to),
                whole: start >= self.from && whole_last <= self.to,
                next,
            });
            start = next;
        }
        Ok(periods)
    }
}

/// One period of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The calendar first day.
    pub start: Day,
    /// The first day in range.
    pub first: Day,
    /// The last day in range.
    pub last: Day,
    /// True when the range does not clip it.
    pub whole: bool,
    /// The first day of the next calendar period.
    pub next: Day,
}

/// Where a row belongs, as far as groups and filters ask.
pub struct Place<'a> {
    /// Ledger of the customer.
    pub ledger: &'a CustomerLedger,
    /// Attribute names, parallel to the epochs' values.
    pub attributes: &'a [String],
    /// Item index.
    pub item: u32,
    /// Plan.
    pub plan: Option<&'a Text>,
    /// Currency.
    pub currency: Currency,
    /// Epoch index.
    pub epoch: u32,
    /// Layer.
    pub layer: Layer,
}

impl Place<'_> {
    /// Value of a field here; `None` when it has none.
    pub fn value(&self, field: &Field) -> Option<&str> {
        match field {
            Field::Plan => self.plan.map(|p| &**p),
            Field::Currency => Some(self.currency.as_str()),
            Field::Source => Some(&self.ledger.items[self.item as usize].source),
            Field::Layer => Some(self.layer.as_str()),
            Field::Attribute(name) => {
                let at = self.attributes.iter().position(|a| a == name)?;
                self.ledger.epochs[self.epoch as usize].values[at].as_deref()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_reads_as_documented() {
        let filter = Filter::parse(r"plan=Pro,country=DE|FR,channel!=ads,attr:tier=a\,b|").unwrap();
        assert_eq!(filter.0.len(), 4);
        assert_eq!(filter.0[1].values, vec![Some("DE".to_string()), Some("FR".to_string())]);
        assert!(filter.0[2].negated);
        assert_eq!(filter.0[3].values, vec![Some("a,b".to_string()), None]);
        assert!(filter.accepts(|f| match f {
            Field::Plan => Some("Pro"),
            Field::Attribute(n) if n == "country" => Some("FR"),
            _ => None,
        }));
        assert!(!filter.accepts(|_| None));
    }

    #[test]
    fn what_is_unknown_is_said() {
        assert_eq!(Filter::parse("plann=Pro").unwrap_err().code(), "unknown_field");
        assert_eq!(Filter::parse("plan").unwrap_err().code(), "bad_filter");
    }
}
