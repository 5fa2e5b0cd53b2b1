//! History as plain rows: what a bookkeeper would write down, before any system has interpreted it.
//!
//! Nothing here knows facts, policies or MRR. The oracle reads these rows directly, the engine gets them through
//! [`crate::to_facts`], and the command line gets them as files ([`states_csv`], [`customers_csv`], [`rates_csv`]).

use std::collections::BTreeMap;

use netnew_money::{Currency, Day, Decimal, Instant, IntervalUnit};

use crate::bills::PlainEntry;

/// The source of a row that names none, as in `netnew import`.
pub const DEFAULT_SOURCE: &str = "files";

/// When a row without `recorded_at` was learned: so early that no `known on` hides it.
pub const KNOWN_FROM_THE_START: Instant = Instant::from_micros(0);

/// Status of an item, in the words of the import format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlainStatus {
    /// Running.
    Active,
    /// In a trial.
    Trialing,
    /// A payment failed and is retried.
    PastDue,
    /// Retries were given up.
    Unpaid,
    /// On hold.
    Paused,
    /// Ended.
    Canceled,
    /// On a plan that costs nothing.
    Free,
}

impl PlainStatus {
    /// Every status.
    pub const ALL: [PlainStatus; 7] = [
        PlainStatus::Active,
        PlainStatus::Trialing,
        PlainStatus::PastDue,
        PlainStatus::Unpaid,
        PlainStatus::Paused,
        PlainStatus::Canceled,
        PlainStatus::Free,
    ];

    /// The word of the import format.
    pub fn as_str(self) -> &'static str {
        match self {
            PlainStatus::Active => "active",
            PlainStatus::Trialing => "trialing",
            PlainStatus::PastDue => "past_due",
            PlainStatus::Unpaid => "unpaid",
            PlainStatus::Paused => "paused",
            PlainStatus::Canceled => "canceled",
            PlainStatus::Free => "free",
        }
    }

    /// Reads the word, exactly as [`PlainStatus::as_str`] writes it.
    pub fn parse(word: &str) -> Option<PlainStatus> {
        PlainStatus::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// How much a discount takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainOff {
    /// Percent of what is left, 0 to 100.
    Percent(Decimal),
    /// Amount per billing interval for the whole item.
    Amount(Decimal),
}

/// How long a discount lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainDuration {
    /// While the state holds.
    Forever,
    /// To its `until`.
    Repeating,
    /// One billing interval.
    Once,
}

impl PlainDuration {
    /// The word of the import format.
    pub fn as_str(self) -> &'static str {
        match self {
            PlainDuration::Forever => "forever",
            PlainDuration::Repeating => "repeating",
            PlainDuration::Once => "once",
        }
    }
}

/// One discount of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainDiscount {
    /// Percent or amount.
    pub off: PlainOff,
    /// Forever, repeating or once.
    pub duration: PlainDuration,
    /// From when it no longer applies; a repeating discount has one.
    pub until: Option<Instant>,
    /// Whether it sits on the subscription instead of the item.
    pub on_subscription: bool,
}

/// One statement about one item: from `effective_at` on, it is this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainRow {
    /// Billing system or import name.
    pub source: String,
    /// Customer id.
    pub customer: String,
    /// Subscription id.
    pub subscription: String,
    /// Item id; the subscription's where there is only one.
    pub item: String,
    /// From when it is true.
    pub effective_at: Instant,
    /// Orders rows of one item at one instant: the highest holds.
    pub seq: i64,
    /// When it was learned; `None`: [`KNOWN_FROM_THE_START`]. Of two rows with one key the later learned wins.
    pub recorded_at: Option<Instant>,
    /// Withdraws the row with the same key; everything below is then without meaning.
    pub retracted: bool,
    /// Rebuilt from later evidence; an observed row with the same key beats it. Files cannot say this.
    pub reconstructed: bool,
    /// Status.
    pub status: PlainStatus,
    /// Plan, if any.
    pub plan: Option<String>,
    /// Price of one unit for one interval; negative for a credit.
    pub amount: Decimal,
    /// Currency of `amount`.
    pub currency: Currency,
    /// Unit of the billing interval.
    pub interval: IntervalUnit,
    /// Units per interval, at least 1.
    pub interval_count: u32,
    /// Quantity in millionths.
    pub quantity_micros: i64,
    /// Whether the price is per use instead of per agreed unit.
    pub metered: bool,
    /// Discounts in the order given.
    pub discounts: Vec<PlainDiscount>,
    /// End of the trial.
    pub trial_end: Option<Instant>,
    /// When the customer asked to cancel.
    pub cancel_requested_at: Option<Instant>,
    /// When it ends, if that is fixed.
    pub cancel_at: Option<Instant>,
    /// Who ended it: `Some(true)` the customer, `Some(false)` a failed payment, `None` not said.
    pub voluntary: Option<bool>,
}

impl PlainRow {
    /// An active monthly row with quantity 1 and nothing special, to build on.
    pub fn monthly(
        customer: &str,
        subscription: &str,
        effective_at: Instant,
        amount: Decimal,
        currency: Currency,
    ) -> PlainRow {
        PlainRow {
            source: DEFAULT_SOURCE.to_string(),
            customer: customer.to_string(),
            subscription: subscription.to_string(),
            item: subscription.to_string(),
            effective_at,
            seq: 0,
            recorded_at: None,
            retracted: false,
            reconstructed: false,
            status: PlainStatus::Active,
            plan: None,
            amount,
            currency,
            interval: IntervalUnit::Month,
            interval_count: 1,
            quantity_micros: 1_000_000,
            metered: false,
            discounts: Vec::new(),
            trial_end: None,
            cancel_requested_at: None,
            cancel_at: None,
            voluntary: None,
        }
    }

    /// When it was learned.
    pub fn learned_at(&self) -> Instant {
        self.recorded_at.unwrap_or(KNOWN_FROM_THE_START)
    }
}

/// Attributes of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainAttributes {
    /// Billing system or import name.
    pub source: String,
    /// Customer id.
    pub customer: String,
    /// From when they hold; `None`: from the beginning.
    pub effective_at: Option<Instant>,
    /// When it was learned, as in [`PlainRow::recorded_at`].
    pub recorded_at: Option<Instant>,
    /// Attribute to value, where `None` states that there is none. `None` altogether withdraws the row.
    pub values: Option<BTreeMap<String, Option<String>>>,
}

/// A published exchange rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainRate {
    /// Day of publication.
    pub day: Day,
    /// One unit of this ...
    pub base: Currency,
    /// ... costs `rate` of this.
    pub quote: Currency,
    /// The rate; `None` withdraws it.
    pub rate: Option<Decimal>,
    /// When it was learned, as in [`PlainRow::recorded_at`].
    pub recorded_at: Option<Instant>,
}

/// Everything that was ever written down about a business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainHistory {
    /// Item states, in the order in which they arrived.
    pub rows: Vec<PlainRow>,
    /// Attributes of customers, in the order in which they arrived.
    pub attributes: Vec<PlainAttributes>,
    /// Exchange rates, in the order in which they arrived.
    pub rates: Vec<PlainRate>,
    /// Invoices and what was given back of them, in the order in which they arrived.
    pub entries: Vec<PlainEntry>,
}

/// Rows of one source as a `states` file for `netnew import --source NAME`; a file holds no other source's rows.
///
/// Every row states its `recorded_at`, so that the moment of the import plays no part.
/// [`PlainRow::reconstructed`] has no column and is left out.
pub fn states_csv(rows: &[PlainRow], source: &str) -> String {
    let mut out = String::from(
        "customer,subscription,item,effective_at,seq,recorded_at,retract,status,plan,amount,currency,interval,\
         interval_count,quantity,usage_type,discounts,trial_end,cancel_requested_at,cancel_at,reason\n",
    );
    for row in rows.iter().filter(|row| row.source == source) {
        let quantity = Decimal::new(i128::from(row.quantity_micros), 6).to_string();
        let usage = if row.metered { "metered" } else { "licensed" };
        let reason =
            row.voluntary.map_or("", |voluntary| if voluntary { "voluntary" } else { "involuntary" });
        push_line(
            &mut out,
            &[
                &row.customer,
                &row.subscription,
                &row.item,
                &row.effective_at.to_string(),
                &row.seq.to_string(),
                &row.learned_at().to_string(),
                if row.retracted { "true" } else { "" },
                row.status.as_str(),
                row.plan.as_deref().unwrap_or(""),
                &row.amount.to_string(),
                row.currency.as_str(),
                row.interval.as_str(),
                &row.interval_count.to_string(),
                &quantity,
                usage,
                &discounts_json(&row.discounts),
                &optional(row.trial_end),
                &optional(row.cancel_requested_at),
                &optional(row.cancel_at),
                reason,
            ],
        );
    }
    out
}

/// Attributes of one source as a `customers` file. A row that states only some attributes needs a file of its own,
/// because an empty cell would state that there is none: hence one file per set of columns.
pub fn customers_csv(attributes: &[PlainAttributes], source: &str) -> Vec<String> {
    let mut files: BTreeMap<Vec<String>, String> = BTreeMap::new();
    for row in attributes.iter().filter(|row| row.source == source) {
        let columns: Vec<String> = row.values.iter().flat_map(|values| values.keys().cloned()).collect();
        let out = files.entry(columns.clone()).or_insert_with(|| {
            let mut header = vec!["customer", "effective_at", "recorded_at", "retract"];
            header.extend(columns.iter().map(String::as_str));
            let mut out = String::new();
            push_line(&mut out, &header);
            out
        });
        let (from, learned) =
            (optional(row.effective_at), row.recorded_at.unwrap_or(KNOWN_FROM_THE_START).to_string());
        let mut cells =
            vec![row.customer.as_str(), &from, &learned, if row.values.is_none() { "true" } else { "" }];
        cells
            .extend(row.values.iter().flat_map(|values| values.values()).map(|v| v.as_deref().unwrap_or("")));
        push_line(out, &cells);
    }
    files.into_values().collect()
}

/// Rates as a `rates` file.
pub fn rates_csv(rates: &[PlainRate]) -> String {
    let mut out = String::from("date,base,quote,rate,recorded_at,retract\n");
    for row in rates {
        push_line(
            &mut out,
            &[
                &row.day.to_string(),
                row.base.as_str(),
                row.quote.as_str(),
                &row.rate.map_or_else(String::new, |rate| rate.to_string()),
                &row.recorded_at.unwrap_or(KNOWN_FROM_THE_START).to_string(),
                if row.rate.is_none() { "true" } else { "" },
            ],
        );
    }
    out
}

fn discounts_json(discounts: &[PlainDiscount]) -> String {
    if discounts.is_empty() {
        return String::new();
    }
    let one = |discount: &PlainDiscount| {
        let (name, number) = match discount.off {
            PlainOff::Percent(percent) => ("percent", percent),
            PlainOff::Amount(amount) => ("amount", amount),
        };
        let until = discount.until.map_or_else(String::new, |until| format!(r#","until":"{until}""#));
        let level = if discount.on_subscription { "subscription" } else { "item" };
        format!(r#"{{"{name}":"{number}","kind":"{}"{until},"level":"{level}"}}"#, discount.duration.as_str())
    };
    format!("[{}]", discounts.iter().map(one).collect::<Vec<_>>().join(","))
}

fn optional(instant: Option<Instant>) -> String {
    instant.map_or_else(String::new, |instant| instant.to_string())
}

fn push_line(out: &mut String, cells: &[&str]) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        if cell.contains(['"', ',', '\n', '\r']) || cell.starts_with(' ') || cell.ends_with(' ') {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(cell);
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_becomes_a_line_of_an_import_file() {
        let start = Instant::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let mut row = PlainRow::monthly("a,b", "s", start, Decimal::from_i64(100), Currency::USD);
        row.quantity_micros = 2_500_000;
        row.discounts.push(PlainDiscount {
            off: PlainOff::Percent(Decimal::from_i64(20)),
            duration: PlainDuration::Repeating,
            until: Some(start),
            on_subscription: true,
        });
        let csv = states_csv(&[row], DEFAULT_SOURCE);
        assert_eq!(
            csv.lines().nth(1).unwrap(),
            r#""a,b",s,s,2026-01-01T00:00:00Z,0,1970-01-01T00:00:00Z,,active,,100,USD,month,1,2.5,licensed,"[{""percent"":""20"",""kind"":""repeating"",""until"":""2026-01-01T00:00:00Z"",""level"":""subscription""}]",,,,"#
        );
        assert_eq!(states_csv(&[], DEFAULT_SOURCE).lines().count(), 1);
    }

    #[test]
    fn each_set_of_attributes_is_a_file_of_its_own() {
        let row = |names: &[&str]| PlainAttributes {
            source: DEFAULT_SOURCE.into(),
            customer: "c".into(),
            effective_at: None,
            recorded_at: None,
            values: Some(names.iter().map(|n| (n.to_string(), None)).collect()),
        };
        let files =
            customers_csv(&[row(&["country"]), row(&["country", "channel"]), row(&["country"])], "files");
        assert_eq!(files.len(), 2);
        assert_eq!(
            files[0].lines().next().unwrap(),
            "customer,effective_at,recorded_at,retract,channel,country"
        );
        assert_eq!(files[1].lines().count(), 3);
    }
}
