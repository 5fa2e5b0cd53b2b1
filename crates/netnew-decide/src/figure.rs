//! A number and the way to what is behind it.

use netnew_ledger::Kind;
use netnew_money::{Amount, Day, Ratio};
use serde_json::{Map, Value, json};

use crate::interval::Interval;
use crate::words::{filter_value, quoted};

/// The value of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureValue {
    /// Money in the report's currency.
    Money(Amount),
    /// A fraction: 0.05 is five percent.
    Ratio(Ratio),
    /// A count.
    Count(i64),
}

/// Where figures come from: what every command that opens one has to repeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Code of the report's currency.
    pub currency: String,
    /// Decimals of that currency when printed.
    pub decimals: u8,
    /// Flags of the question, each with a space before it: ` --policy stripe --where plan=Pro`.
    pub flags: String,
    /// The question's own filter, which groups are added to.
    pub filter: Option<String>,
}

/// A number with what is needed to open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What it is: `new`, `churn`, `churn_of_new`.
    pub name: String,
    /// How much.
    pub value: FigureValue,
    /// Currency code, `ratio` or `count`.
    pub unit: String,
    /// First day.
    pub from: Day,
    /// Last day, inclusive.
    pub to: Day,
    /// The kind of movement that it sums, if it is one.
    pub kind: Option<Kind>,
    /// Field and value of the group it is about, if it is about one.
    pub group: Option<(String, String)>,
    /// The 95 % interval, where the sample is what limits it.
    pub interval: Option<Interval>,
    /// The command that opens it.
    pub command: String,
}

impl Source {
    /// A sum of movements of a kind.
    pub fn movements(&self, name: &str, value: Amount, kind: Kind, from: Day, to: Day) -> Figure {
        let command =
            format!("netnew movements --from {from} --to {to} --kind {}{}", kind.as_str(), self.asked());
        self.figure(name, FigureValue::Money(value), from, to, Some(kind), command)
    }

    /// A level, a sum of several kinds, or a count over the waterfall.
    pub fn waterfall(&self, name: &str, value: FigureValue, from: Day, to: Day) -> Figure {
        let command = format!("netnew mrr --from {from} --to {to}{}", self.asked());
        self.figure(name, value, from, to, None, command)
    }

    /// A metric of the registry.
    pub fn metric(&self, name: &str, value: FigureValue, from: Day, to: Day) -> Figure {
        let command = format!("netnew metrics {name} --from {from} --to {to}{}", self.asked());
        self.figure(name, value, from, to, None, command)
    }

    /// A figure opened by a command of its own.
    pub fn figure(
        &self,
        name: &str,
        value: FigureValue,
        from: Day,
        to: Day,
        kind: Option<Kind>,
        command: String,
    ) -> Figure {
        let unit = match value {
            FigureValue::Money(_) => self.currency.clone(),
            FigureValue::Ratio(_) => "ratio".into(),
            FigureValue::Count(_) => "count".into(),
        };
        Figure { name: name.into(), value, unit, from, to, kind, group: None, interval: None, command }
    }

    /// The figure of one group only.
    pub fn of_group(&self, mut figure: Figure, field: &str, value: &str) -> Figure {
        let mine = format!("{field}={}", filter_value(value));
        let narrowed = match &self.filter {
            Some(filter) => format!("{filter},{mine}"),
            None => mine,
        };
        let before = self.filter.as_deref().map(|f| format!(" --where {}", quoted(f))).unwrap_or_default();
        if !before.is_empty() {
            figure.command = figure.command.replace(&before, "");
        }
        figure.command.push_str(&format!(" --where {}", quoted(&narrowed)));
        figure.group = Some((field.into(), value.into()));
        figure
    }

    /// The flags of the question and its filter.
    pub fn asked(&self) -> String {
        let filter = self.filter.as_deref().map(|f| format!(" --where {}", quoted(f))).unwrap_or_default();
        format!("{}{filter}", self.flags)
    }
}

impl Figure {
    /// The figure with the interval that its sample allows.
    pub fn within(mut self, interval: Option<Interval>) -> Figure {
        self.interval = interval;
        self
    }

    /// `{"name","value","unit","from","to","kind","group","low","high","command"}`; amounts and ratios are strings.
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        out.insert("name".into(), json!(self.name));
        let value = match self.value {
            FigureValue::Money(amount) => amount.to_string(),
            FigureValue::Ratio(ratio) => ratio.to_decimal_string(10),
            FigureValue::Count(count) => count.to_string(),
        };
        out.insert("value".into(), json!(value));
        out.insert("unit".into(), json!(self.unit));
        out.insert("from".into(), json!(self.from.to_string()));
        out.insert("to".into(), json!(self.to.to_string()));
        out.insert("kind".into(), json!(self.kind.map(Kind::as_str)));
        let group = self.group.as_ref().map(|(field, value)| json!({"field": field, "value": value}));
        out.insert("group".into(), group.unwrap_or(Value::Null));
        if let Some(interval) = self.interval {
            out.insert("low".into(), json!(interval.low.to_decimal_string(6)));
            out.insert("high".into(), json!(interval.high.to_decimal_string(6)));
        }
        out.insert("command".into(), json!(self.command));
        Value::Object(out)
    }
}

/// A sentence and the figures that stand in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What it is about, for machines: `churn_of_new`.
    pub code: &'static str,
    /// The sentence.
    pub says: String,
    /// Its figures.
    pub figures: Vec<Figure>,
}

impl Reason {
    /// `{"code","says","figures"}`.
    pub fn to_json(&self) -> Value {
        let figures: Vec<Value> = self.figures.iter().map(Figure::to_json).collect();
        json!({"code": self.code, "says": self.says, "figures": figures})
    }
}
