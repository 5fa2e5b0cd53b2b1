//! The registry of metric definitions: every figure that a report shows under a name is defined here, once.
//!
//! A [`Metric`] says what it is in one sentence, how it is worked out, which rule of the policy selects another
//! formula ([`Variant`]), where the definition comes from, and shows worked examples. The examples are run as tests;
//! `docs/metrics.md`, the help on pages and `netnew metrics describe NAME` are made from the same entries.
//!
//! Metrics are figures over finished rows ([`RollupRow`]), computed in whole numbers and exact fractions and
//! rounded once. What is not defined, a rate over nothing above all, has no value: `None`, printed as null, never 0.

mod acquisition;
mod buyer;
mod cash;
mod churn;
mod customers;
mod growth;
mod levels;
mod markdown;
mod movements;
mod retention;
mod sample;
mod sql;
mod value;

#[cfg(test)]
mod tests;

use crate::cash::CashRow;
use crate::rollup::{Extras, RollupRow};
use netnew_money::{Amount, Ratio, Rounding};
use netnew_policy::Policy;
use std::fmt;
use std::sync::LazyLock;

pub use cash::missing;
pub use markdown::reference_markdown;
pub use sample::{CashSample, Example, KeptSample, Sample};

/// What a metric counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Money in the report's currency; reports print its code as the unit.
    Currency,
    /// A fraction: 0.05 is five percent.
    Ratio,
    /// Whole things, mostly customers.
    Count,
    /// Months.
    Months,
    /// Days.
    Days,
}

impl Unit {
    /// The word in the list of metrics. Rows of a report print the currency's code in place of `currency`.
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Currency => "currency",
            Unit::Ratio => "ratio",
            Unit::Count => "count",
            Unit::Months => "months",
            Unit::Days => "days",
        }
    }
}

/// The value of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Money, at ten decimals.
    Money(Amount),
    /// A fraction, or a length of time in the metric's unit, still exact.
    Ratio(Ratio),
    /// A count.
    Count(i64),
}

impl fmt::Display for Value {
    /// As reports print it: no trailing zeros, fractions rounded half-even to ten decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Money(amount) => write!(f, "{amount}"),
            Value::Ratio(ratio) => f.write_str(&ratio.to_decimal_string(10)),
            Value::Count(count) => write!(f, "{count}"),
        }
    }
}

/// What a metric is worked out from.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The period and group.
    pub row: &'a RollupRow,
    /// The rows right before it, of the same group and interval, oldest first. Formulas that look back
    /// ([`Metric::looks_back_months`]) use what is there; every other one ignores it.
    pub history: &'a [RollupRow],
    /// True when the period is neither clipped nor still running.
    pub complete: bool,
    /// The rules, which select the formulas.
    pub policy: &'a Policy,
    /// What came in and went out over the same period and group; `None` where entries cannot be told apart by what the
    /// report groups by or filters on.
    pub cash: Option<&'a CashRow>,
    /// Length of the interval in months: month 1, quarter 3, year 12, week and day by the policy's factors.
    pub months: Ratio,
}

/// A formula: `None` where it is not defined.
type Formula = fn(&Inputs) -> Option<Value>;

/// Under which heading a metric stands in the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// What there is at the end of a period.
    Levels,
    /// What changed it.
    Movements,
    /// Heads.
    Customers,
    /// How fast it grows.
    Growth,
    /// What is lost.
    Churn,
    /// What stays.
    Retention,
    /// What a customer is worth.
    Value,
    /// Other ways of cutting the movements, for tying out a buyer's figures.
    Buyer,
    /// Invoices, payments and revenue.
    Cash,
    /// What customers cost, and what is left.
    Acquisition,
}

impl Section {
    /// All of them, in the order of the reference.
    pub const ALL: [Section; 10] = [
        Section::Levels,
        Section::Movements,
        Section::Customers,
        Section::Growth,
        Section::Churn,
        Section::Retention,
        Section::Value,
        Section::Buyer,
        Section::Cash,
        Section::Acquisition,
    ];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Section::Levels => "What there is",
            Section::Movements => "What changed it",
            Section::Customers => "Customers",
            Section::Growth => "Growth",
            Section::Churn => "Churn",
            Section::Retention => "Retention",
            Section::Value => "What a customer is worth",
            Section::Buyer => "A buyer's wording",
            Section::Cash => "Invoices, payments and revenue",
            Section::Acquisition => "What customers cost, and what is left",
        }
    }
}

/// The rule of the policy that selects a metric's formula.
#[derive(Clone, Copy)]
pub struct Choice {
    /// Name of the knob.
    pub knob: &'static str,
    /// The value for which the metric's own formula is written. Any value without a variant uses it too.
    pub own: &'static str,
    /// The value in force.
    in_force: fn(&Policy) -> &'static str,
}

/// Another formula of a metric.
#[derive(Clone, Copy)]
pub struct Variant {
    /// The value of the metric's knob that selects it.
    pub value: &'static str,
    /// One sentence: how it differs.
    pub definition: &'static str,
    /// The formula in words.
    pub formula: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// The query that gives the same number by this formula; `None` where looking back takes more than a query.
    pub sql: Option<&'static str>,
    compute: Formula,
}

/// A named, defined figure over rows.
#[derive(Clone, Copy)]
pub struct Metric {
    /// The name in commands, the API and SQL.
    pub name: &'static str,
    /// What it counts in.
    pub unit: Unit,
    /// Heading in the reference.
    pub section: Section,
    /// The name for readers.
    pub title: &'static str,
    /// What it is, in one sentence.
    pub definition: &'static str,
    /// The formula in words.
    pub formula: &'static str,
    /// When it has no value.
    pub null_when: &'static str,
    /// Where the definition comes from.
    pub source: &'static str,
    /// The knob that selects a variant, if one does.
    pub choice: Option<Choice>,
    /// The other formulas.
    pub variants: &'static [Variant],
    /// Worked examples; the first is the metric's own, every variant has at least one.
    pub examples: &'static [Example],
    /// The query over the open tables that gives the same number; `None` where no table holds what it is made from.
    pub sql: Option<&'static str>,
    /// How many months before the row some formula looks at; 0 for none.
    pub looks_back_months: u32,
    needs: Extras,
    compute: Formula,
}

const NEEDS_NOTHING: Extras = Extras { retention: false, committed: false };
const NEEDS_RETENTION: Extras = Extras { retention: true, committed: false };
const NEEDS_COMMITTED: Extras = Extras { retention: false, committed: true };

impl Metric {
    /// The value, by the formula that the policy selects; `None` where it is not defined, and where the row lacks
    /// what [`Metric::needs`] asks for.
    pub fn value(&self, inputs: &Inputs) -> Option<Value> {
        let compute = self.variant(inputs.policy).map_or(self.compute, |variant| variant.compute);
        compute(inputs)
    }

    /// The variant that a policy selects; `None` for the metric's own formula.
    pub fn variant(&self, policy: &Policy) -> Option<&Variant> {
        let value = (self.choice.as_ref()?.in_force)(policy);
        self.variants.iter().find(|variant| variant.value == value)
    }

    /// What the rollup has to work out besides the waterfall, whatever formula is selected.
    pub fn needs(&self) -> Extras {
        self.needs
    }

    /// True when it is worked out from entries ([`Inputs::cash`]): invoices, payments, expenses, spend.
    pub fn needs_cash(&self) -> bool {
        matches!(self.section, Section::Cash | Section::Acquisition)
    }

    /// The entry as Markdown, the same as in `docs/metrics.md`.
    pub fn describe_markdown(&self) -> String {
        markdown::describe(self)
    }
}

/// A name that no metric has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no metric named {name:?}")]
pub struct UnknownMetric {
    /// The name as given.
    pub name: String,
    /// The metric whose name is closest, when one is close.
    pub nearest: Option<&'static str>,
}

impl UnknownMetric {
    /// Stable code for machines.
    pub fn code(&self) -> &'static str {
        "unknown_metric"
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self.nearest {
            Some(nearest) => format!("did you mean {nearest}? `netnew metrics list` names them all"),
            None => "`netnew metrics list` names them all".into(),
        }
    }
}

static ALL: LazyLock<Vec<Metric>> = LazyLock::new(|| {
    let parts = [
        levels::METRICS,
        movements::METRICS,
        customers::METRICS,
        growth::METRICS,
        churn::METRICS,
        retention::METRICS,
        value::METRICS,
        buyer::METRICS,
        cash::METRICS,
        acquisition::METRICS,
    ];
    parts.into_iter().flatten().copied().collect()
});

/// All metrics, in the order of the reference.
pub fn all() -> &'static [Metric] {
    &ALL
}

/// The metric of a name; case, spaces around it and `-` for `_` do not matter.
///
/// # Errors
/// [`UnknownMetric`] with the nearest name.
pub fn find(name: &str) -> Result<&'static Metric, UnknownMetric> {
    let wanted = name.trim().to_ascii_lowercase().replace('-', "_");
    all()
        .iter()
        .find(|metric| metric.name == wanted)
        .ok_or_else(|| UnknownMetric { name: name.to_string(), nearest: nearest(&wanted) })
}

/// The metrics that a report shows when none is named.
pub fn default_names() -> &'static [&'static str] {
    &[
        "mrr",
        "arr",
        "net_new_mrr",
        "growth_rate",
        "customers",
        "arpa",
        "asp",
        "gross_mrr_churn",
        "net_mrr_churn",
        "customer_churn",
        "nrr",
        "grr",
        "nrr_12m",
        "grr_12m",
        "quick_ratio",
        "ltv",
        "cmrr",
    ]
}

/// The name fewest edits away, if that is no more than a third of what was typed.
fn nearest(wanted: &str) -> Option<&'static str> {
    let most = (wanted.chars().count() / 3).max(1);
    all().iter().map(|m| (edits(wanted, m.name), m.name)).filter(|(n, _)| *n <= most).min().map(|(_, n)| n)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// One amount over another; `None` unless the base is above zero, for a share of nothing or of a debt says nothing.
fn share(part: Amount, base: Amount) -> Option<Value> {
    if !base.is_positive() {
        return None;
    }
    Ratio::new(part.raw(), base.raw()).map(Value::Ratio)
}

/// An amount divided among heads, rounded half-even to ten decimals; `None` when there are none.
fn per_head(amount: Amount, heads: i64) -> Option<Value> {
    if heads <= 0 {
        return None;
    }
    Ratio::new(amount.raw(), i128::from(heads))?
        .round_to(0, Rounding::HalfEven)
        .map(Amount::from_raw)
        .map(Value::Money)
}
