//! The tables: names, columns, types and what each is, written down once. Schemas, `docs/sql.md` and the tests are
//! made from here.

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::fmt::Write;
use std::sync::Arc;

/// Decimals of every amount.
pub const SCALE: i8 = 10;
/// Digits of every amount.
pub const PRECISION: u8 = 38;

/// The tables of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Every posted row.
    Movements,
    /// What each item was worth, from when to when.
    Levels,
    /// `levels`, a row per day.
    LevelsDaily,
    /// From when to when each customer was one.
    Presence,
    /// Changes that are known to come.
    Scheduled,
    /// The periods of the report.
    Periods,
    /// Figures by the registry.
    Metrics,
    /// Customers as they are now.
    Customers,
    /// What each item was.
    ItemStates,
    /// Every booked statement.
    Facts,
    /// Exchange rates.
    Rates,
    /// Files that were imported.
    Payloads,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text.
    Text,
    /// DECIMAL(38,10).
    Money,
    /// BIGINT.
    Int,
    /// BOOLEAN.
    Bool,
    /// DATE.
    Date,
    /// TIMESTAMP WITH TIME ZONE, microseconds.
    At,
    /// A list of texts.
    Texts,
}

impl Type {
    /// As Arrow has it. `zone`: IANA name of the report's zone.
    pub fn arrow(self, zone: &str) -> DataType {
        match self {
            Type::Text => DataType::Utf8View,
            Type::Money => DataType::Decimal128(PRECISION, SCALE),
            Type::Int => DataType::Int64,
            Type::Bool => DataType::Boolean,
            Type::Date => DataType::Date32,
            Type::At => DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into())),
            Type::Texts => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
        }
    }

    /// As SQL calls it.
    pub fn sql(self) -> &'static str {
        match self {
            Type::Text => "TEXT",
            Type::Money => "DECIMAL(38,10)",
            Type::Int => "BIGINT",
            Type::Bool => "BOOLEAN",
            Type::Date => "DATE",
            Type::At => "TIMESTAMPTZ",
            Type::Texts => "TEXT[]",
        }
    }
}

/// A column: name, type, what it is.
pub struct Column(pub &'static str, pub Type, pub &'static str);

use Type::{At, Bool, Date, Int, Money, Text, Texts};

impl Table {
    /// All of them, in the order of the documentation.
    pub const ALL: [Table; 12] = [
        Table::Movements,
        Table::Levels,
        Table::LevelsDaily,
        Table::Presence,
        Table::Scheduled,
        Table::Periods,
        Table::Metrics,
        Table::Customers,
        Table::ItemStates,
        Table::Facts,
        Table::Rates,
        Table::Payloads,
    ];

    /// The name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Table::Movements => "movements",
            Table::Levels => "levels",
            Table::LevelsDaily => "levels_daily",
            Table::Presence => "presence",
            Table::Scheduled => "scheduled",
            Table::Periods => "periods",
            Table::Metrics => "metrics",
            Table::Customers => "customers",
            Table::ItemStates => "item_states",
            Table::Facts => "facts",
            Table::Rates => "rates",
            Table::Payloads => "payloads",
        }
    }

    /// The table of a name.
    pub fn parse(name: &str) -> Option<Table> {
        Table::ALL.into_iter().find(|t| t.name() == name)
    }

    /// What its rows are, in a sentence or two.
    pub fn about(self) -> &'static str {
        match self {
            Table::Movements => {
                "Every posted row from `--from` to `--to`, as `netnew movements` prints it. Amounts are in the report's \
                 currency (`--currency`, else the book's), converted at the day's rate; with `--currency original` each \
                 keeps its own."
            }
            Table::Levels => {
                "What each item was worth, from when to when, after netting; nothing where it was worth nothing. \
                 Amounts are in the item's own currency: `converted(mrr, currency, DATE '2026-10-31')` is the report's. \
                 The whole history up to `--to`, whatever `--from` says."
            }
            Table::LevelsDaily => {
                "`levels` at the end of every day, converted at that day's rate. It has no end, so a query must bound \
                 `date` on both sides in WHERE, by constants."
            }
            Table::Presence => {
                "From when to when each customer was a customer: one row per stay. The whole history up to `--to`."
            }
            Table::Scheduled => {
                "Changes of committed MRR that lie ahead and are known already: scheduled cancellations, ends of \
                 discounts. Amounts in the item's own currency."
            }
            Table::Periods => {
                "The periods of the report, cut by `--from`, `--to` and `--interval`: what `netnew mrr` has a row for."
            }
            Table::Metrics => "Every metric in every period, as `netnew metrics` prints it.",
            Table::Customers => "Customers as they are now, as `netnew customers` lists them.",
            Table::ItemStates => {
                "What each item was, from when to when: the facts that hold, and what time does by itself (trials that \
                 end, cancellations that fall due, discounts that run out). Up to now."
            }
            Table::Facts => {
                "Every statement ever booked, superseded and withdrawn ones too, as far as known (`--known-on`)."
            }
            Table::Rates => "Every exchange rate ever booked, as far as known: one `base` is `rate` `quote`.",
            Table::Payloads => "The files that were imported; their contents are not in here.",
        }
    }

    /// Its columns, in order.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Table::Movements => MOVEMENTS,
            Table::Levels => LEVELS,
            Table::LevelsDaily => LEVELS_DAILY,
            Table::Presence => PRESENCE,
            Table::Scheduled => SCHEDULED,
            Table::Periods => PERIODS,
            Table::Metrics => METRICS,
            Table::Customers => CUSTOMERS,
            Table::ItemStates => ITEM_STATES,
            Table::Facts => FACTS,
            Table::Rates => RATES,
            Table::Payloads => PAYLOADS,
        }
    }

    /// Columns that take long to make (hashes and lists): left null unless a query reads one of them.
    pub fn costly(self) -> &'static [&'static str] {
        match self {
            Table::Movements => &["id", "step", "facts"],
            Table::Facts => &["id"],
            Table::ItemStates => &["fact"],
            _ => &[],
        }
    }

    /// The schema. `zone`: IANA name of the report's zone.
    pub fn schema(self, zone: &str) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns()
            .iter()
            .map(|Column(name, ty, _)| Field::new(*name, ty.arrow(zone), true))
            .collect();
        Arc::new(Schema::new(fields))
    }
}

const MOVEMENTS: &[Column] = &[
    Column("id", Text, "equal after re-import and rebuild; `netnew explain` takes it"),
    Column("step", Text, "what was posted together"),
    Column("at", At, "when"),
    Column("date", Date, "its day in the report's time zone"),
    Column("customer", Text, "customer"),
    Column("subscription", Text, "subscription"),
    Column("item", Text, "item of the subscription"),
    Column("plan", Text, "plan, null when there is none"),
    Column("kind", Text, "`new`, `reactivation`, `expansion`, `contraction`, `churn`, `transfer`"),
    Column("cause", Text, "`upgrade`, `cancel_voluntary`, `price_change`, ...: docs/ledger.md"),
    Column("amount", Money, "change of MRR; losses negative"),
    Column("currency", Text, "currency of the amounts"),
    Column("rate", Money, "the rate that converted it, to ten decimals; 1 where nothing had to be converted"),
    Column("before", Money, "the item's MRR before"),
    Column("after", Money, "and after: before + amount"),
    Column("customer_before", Money, "the customer's MRR before the step"),
    Column("customer_after", Money, "and after"),
    Column("facts", Texts, "ids of the facts that made it"),
    Column("source", Text, "source that speaks of the item"),
    Column("original_amount", Money, "the amount before conversion"),
    Column("original_currency", Text, "and its currency"),
    Column("truncated", Bool, "new at the very instant at which its source's history begins, with others"),
    Column("expected", Bool, "known to come, not yet happened"),
];

const LEVELS: &[Column] = &[
    Column("customer", Text, "customer"),
    Column("source", Text, "source that speaks of the item"),
    Column("subscription", Text, "subscription"),
    Column("item", Text, "item"),
    Column("plan", Text, "plan"),
    Column("currency", Text, "currency of the amounts"),
    Column("mrr", Money, "per month"),
    Column("arr", Money, "per year, from the same exact value"),
    Column("committed", Money, "per month, once everything that is fixed already has happened"),
    Column("valid_from", At, "from this instant on"),
    Column("valid_to", At, "up to this instant, exclusive; null while it lasts"),
    Column("first_day", Date, "the first day at whose end it holds"),
    Column(
        "last_day",
        Date,
        "the last one, null while it lasts; before `first_day` where it held at no day's end",
    ),
];

const LEVELS_DAILY: &[Column] = &[
    Column("date", Date, "the day; the level is that of its end"),
    Column("customer", Text, "customer"),
    Column("source", Text, "source that speaks of the item"),
    Column("subscription", Text, "subscription"),
    Column("item", Text, "item"),
    Column("plan", Text, "plan"),
    Column("mrr", Money, "per month, in the report's currency at the day's rate"),
    Column("arr", Money, "per year, likewise"),
    Column("committed", Money, "per month, likewise, with what is fixed already"),
    Column("currency", Text, "currency of the three"),
    Column("original_mrr", Money, "per month, not converted"),
    Column("original_currency", Text, "and its currency"),
];

const PRESENCE: &[Column] = &[
    Column("customer", Text, "customer"),
    Column("began", Text, "`new`, `reactivation` or `entered`"),
    Column("ended", Text, "`churn` or `left`; null while it lasts"),
    Column("valid_from", At, "from this instant on"),
    Column("valid_to", At, "up to this instant, exclusive; null while it lasts"),
    Column("first_day", Date, "the day it began"),
    Column("end_day", Date, "the day it ended; null while it lasts"),
];

const SCHEDULED: &[Column] = &[
    Column("customer", Text, "customer"),
    Column("source", Text, "source that speaks of the item"),
    Column("subscription", Text, "subscription"),
    Column("item", Text, "item"),
    Column("plan", Text, "plan"),
    Column("currency", Text, "currency of the amounts"),
    Column("at", At, "when it will happen"),
    Column("date", Date, "its day in the report's time zone"),
    Column("mrr_before", Money, "MRR before"),
    Column("mrr_after", Money, "and after"),
    Column("committed_before", Money, "committed MRR before"),
    Column("committed_after", Money, "and after"),
];

const PERIODS: &[Column] = &[
    Column("period", Date, "the calendar first day, as reports name it"),
    Column("first", Date, "the first day in range"),
    Column("last", Date, "the last day in range"),
    Column("before", Date, "the day before `first`: a level there is the period's opening level"),
    Column("before_3m", Date, "the day at whose end the three months up to `last` begin"),
    Column("before_12m", Date, "the same for twelve months"),
    Column("complete", Bool, "neither clipped nor still running"),
    Column("holds_now", Bool, "true for the period in which now lies and for every later one"),
    Column(
        "months_num",
        Int,
        "length in months, a fraction: 1, 3 or 12 over 1; weeks and days by the policy",
    ),
    Column("months_den", Int, "its denominator"),
];

const METRICS: &[Column] = &[
    Column("period", Date, "the calendar first day"),
    Column("metric", Text, "name: `netnew metrics list`"),
    Column("value", Money, "value, null where it is not defined; ratios are fractions, rounded half-even"),
    Column("unit", Text, "currency code, `ratio`, `count`, `months`, `days`"),
    Column("complete", Bool, "the period is neither clipped nor still running"),
];

const CUSTOMERS: &[Column] = &[
    Column("customer", Text, "id"),
    Column("name", Text, "attribute"),
    Column("email", Text, "attribute"),
    Column("country", Text, "attribute"),
    Column("channel", Text, "attribute"),
    Column("status", Text, "`active`, `churned` or `never`"),
    Column("mrr", Money, "MRR in the report's currency at today's rate; null with `--currency original`"),
    Column("currency", Text, "the report's currency"),
    Column("plans", Texts, "plans it pays for"),
    Column("subscriptions", Int, "how many live ones"),
    Column("first_movement", Date, "day of the first movement"),
    Column("last_movement", Date, "day of the last"),
    Column("attributes", Text, "all attributes as a JSON object"),
];

const ITEM_STATES: &[Column] = &[
    Column("customer", Text, "customer"),
    Column("source", Text, "source that speaks of it"),
    Column("subscription", Text, "subscription"),
    Column("item", Text, "item"),
    Column("valid_from", At, "from this instant on"),
    Column("valid_to", At, "up to this instant, exclusive; null while it lasts"),
    Column("status", Text, "`active`, `trialing`, `past_due`, `unpaid`, `paused`, `canceled`, `free`"),
    Column("plan", Text, "plan"),
    Column("amount", Money, "price of one unit for one interval; past ten decimals rounded half-even"),
    Column("amount_text", Text, "the same as the source wrote it"),
    Column("currency", Text, "its currency"),
    Column("interval", Text, "`day`, `week`, `month`, `year`"),
    Column("interval_count", Int, "how many of them make one billing interval"),
    Column("quantity", Money, "how many units"),
    Column("usage_type", Text, "`licensed` or `metered`"),
    Column("discounts", Text, "JSON list, null when there are none"),
    Column("trial_end", At, "when the trial ends"),
    Column("cancel_requested_at", At, "when the cancellation was asked for"),
    Column("cancel_at", At, "when it ends, if fixed"),
    Column("reason", Text, "`voluntary` or `involuntary`"),
    Column("mrr", Money, "what it is worth per month under the policy, in its own currency"),
    Column("arr", Money, "and per year"),
    Column("counts", Bool, "its status counts under the policy"),
    Column("layer", Text, "`past_due`, `paused`, `cancelling`, `discounted`, `paid`"),
    Column("fact", Text, "id of the fact it comes from"),
];

const FACTS: &[Column] = &[
    Column("id", Text, "equal after re-import"),
    Column("source", Text, "billing system or import"),
    Column("customer", Text, "customer it is filed under, after merges"),
    Column("stated_customer", Text, "customer as written"),
    Column("type", Text, "`state` or `attributes`"),
    Column("subscription", Text, "of a state"),
    Column("item", Text, "of a state"),
    Column("effective_at", At, "since when it is true; null is from the beginning"),
    Column("recorded_at", At, "when it was learned"),
    Column("booked_seq", Int, "the book's own counter"),
    Column("seq", Int, "orders states of one item at one instant"),
    Column("retracted", Bool, "it withdraws what was said before"),
    Column("status", Text, "of a state"),
    Column("plan", Text, "of a state"),
    Column("amount", Money, "price of one unit for one interval; past ten decimals rounded half-even"),
    Column("amount_text", Text, "the same as the source wrote it"),
    Column("currency", Text, "its currency"),
    Column("interval", Text, "`day`, `week`, `month`, `year`"),
    Column("interval_count", Int, "how many of them make one billing interval"),
    Column("quantity", Money, "how many units"),
    Column("usage_type", Text, "`licensed` or `metered`"),
    Column("discounts", Text, "JSON list, null when there are none"),
    Column("trial_end", At, "when the trial ends"),
    Column("cancel_requested_at", At, "when the cancellation was asked for"),
    Column("cancel_at", At, "when it ends, if fixed"),
    Column("reason", Text, "`voluntary` or `involuntary`"),
    Column("reason_text", Text, "in the source's words"),
    Column("attributes", Text, "attributes as a JSON object"),
    Column("payload", Int, "the file it was read from: `payloads.payload`"),
    Column("payload_row", Int, "its line or record there, from 1; 0 is the whole"),
];

const RATES: &[Column] = &[
    Column("date", Date, "day of publication"),
    Column("base", Text, "one unit of this"),
    Column("quote", Text, "is worth `rate` of this"),
    Column("rate", Money, "the rate, past ten decimals rounded half-even; null withdraws it"),
    Column("rate_text", Text, "the same as published"),
    Column("source", Text, "who published it"),
    Column("recorded_at", At, "when it was learned"),
    Column("booked_seq", Int, "the book's own counter"),
    Column("payload", Int, "the file it was read from"),
    Column("payload_row", Int, "its line there"),
];

const PAYLOADS: &[Column] = &[
    Column("payload", Int, "its number"),
    Column("name", Text, "the name it was imported under"),
    Column("sha256", Text, "of its bytes"),
    Column("bytes", Int, "its length"),
];

/// All tables as Markdown, for `docs/sql.md`.
pub fn reference_markdown() -> String {
    let mut out = String::new();
    for table in Table::ALL {
        write!(
            out,
            "### {}\n\n{}\n\n| column | type | what it is |\n|---|---|---|\n",
            table.name(),
            table.about()
        )
        .expect("writing to a string does not fail");
        for Column(name, ty, about) in table.columns() {
            writeln!(out, "| `{name}` | {} | {about} |", ty.sql())
                .expect("writing to a string does not fail");
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const START: &str = "<!-- tables: made by the tests of netnew-query, NETNEW_BLESS=1 rewrites them -->\n";

    #[test]
    fn the_documentation_has_the_tables_as_they_are() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sql.md");
        let found = std::fs::read_to_string(&path).expect("docs/sql.md is there");
        let (before, _) = found.split_once(START).expect("docs/sql.md has a place for the tables");
        let wanted = format!("{before}{START}\n{}\n", reference_markdown().trim_end());
        if std::env::var_os("NETNEW_BLESS").is_some() {
            std::fs::write(&path, &wanted).expect("docs is writable when blessing");
            return;
        }
        assert!(found == wanted, "docs/sql.md is out of date: run this test with NETNEW_BLESS=1");
    }

    #[test]
    fn costly_columns_are_columns() {
        for table in Table::ALL {
            assert_eq!(Table::parse(table.name()), Some(table));
            for name in table.costly() {
                assert!(table.columns().iter().any(|c| c.0 == *name), "{}.{name}", table.name());
            }
        }
    }
}
