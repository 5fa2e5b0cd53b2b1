//! Metrics in the units, signs and roundings of the API.
//!
//! Money is in whole hundredths, losses are negative, rates are percent with two decimals. What is derived is derived from
//! figures as they are shown: annual is twelve times the month's, a change is of shown figures, a lifetime value uses the
//! rate as it is shown.

use crate::money::share;
use netnew_money::{Day, Ratio, Rounding};
use serde_json::{Map, Value, json};

/// What a period comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its last day.
    pub date: Day,
    /// MRR at its end, in hundredths.
    pub mrr: i64,
    /// Movements in it, in hundredths; losses negative.
    pub new_business: i64,
    /// More from those who were there.
    pub expansion: i64,
    /// Less from those who stay.
    pub contraction: i64,
    /// All from those who left.
    pub churn: i64,
    /// From those who came back.
    pub reactivation: i64,
    /// Customers at its end.
    pub customers: i64,
    /// Customers who came for the first time.
    pub new_customers: i64,
    /// Customers lost over those at the start, in hundredths of a percent.
    pub customer_churn: i64,
    /// MRR lost less gained over that at the start, in hundredths of a percent.
    pub mrr_churn: i64,
}

/// A ratio in hundredths of a percent, halves away from zero.
pub fn percent(ratio: Ratio) -> i64 {
    ratio.round_to(4, Rounding::HalfUp).and_then(|p| i64::try_from(p).ok()).unwrap_or(0)
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Monthly recurring revenue.
    Mrr,
    /// Twelve times it.
    Arr,
    /// MRR by customer.
    Arpa,
    /// New business by new customer.
    Asp,
    /// Customers.
    Customers,
    /// Customers lost.
    CustomerChurnRate,
    /// MRR lost, net.
    MrrChurnRate,
    /// What a customer brings over its life.
    Ltv,
}

impl Metric {
    /// All, in the order of `metrics/all`.
    pub const ALL: [Metric; 8] = [
        Metric::Mrr,
        Metric::Arr,
        Metric::CustomerChurnRate,
        Metric::MrrChurnRate,
        Metric::Ltv,
        Metric::Customers,
        Metric::Asp,
        Metric::Arpa,
    ];

    /// The last part of its path.
    pub fn path(self) -> &'static str {
        if self == Metric::Customers { "customer-count" } else { self.key() }
    }

    /// Its key in answers.
    pub fn key(self) -> &'static str {
        match self {
            Metric::Mrr => "mrr",
            Metric::Arr => "arr",
            Metric::Arpa => "arpa",
            Metric::Asp => "asp",
            Metric::Customers => "customers",
            Metric::CustomerChurnRate => "customer-churn-rate",
            Metric::MrrChurnRate => "mrr-churn-rate",
            Metric::Ltv => "ltv",
        }
    }

    fn is_rate(self) -> bool {
        matches!(self, Metric::CustomerChurnRate | Metric::MrrChurnRate)
    }

    /// Its figure as it is shown: whole, or hundredths of a percent.
    pub fn of(self, row: &Row) -> i64 {
        let arpa = share(row.mrr, row.customers);
        match self {
            Metric::Mrr => row.mrr,
            Metric::Arr => row.mrr.saturating_mul(12),
            Metric::Arpa => arpa,
            Metric::Asp => share(row.new_business, row.new_customers),
            Metric::Customers => row.customers,
            Metric::CustomerChurnRate => row.customer_churn,
            Metric::MrrChurnRate => row.mrr_churn,
            Metric::Ltv => share(arpa.saturating_mul(10_000), row.customer_churn),
        }
    }

    fn shown(self, figure: i64) -> Value {
        if self.is_rate() { hundredths(figure) } else { json!(figure) }
    }
}

/// A number with two decimals.
fn hundredths(number: i64) -> Value {
    let sign = if number < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:02}", number.unsigned_abs() / 100, number.unsigned_abs() % 100);
    // Written as other programs write it: at least one decimal.
    let text = if text.ends_with('0') { &text[..text.len() - 1] } else { &text };
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// By how much one figure is above another, in percent of it; 0 where there is nothing to compare with.
fn change(from: i64, to: i64) -> Value {
    let difference = to.saturating_sub(from).saturating_mul(10_000);
    hundredths(share(difference, from.saturating_abs()))
}

/// The answer for one metric. `before`: the period before the first row, for the summary of a single one.
pub fn one(metric: Metric, rows: &[Row], before: &Row) -> Value {
    let mut entries = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let mut entry = Map::new();
        entry.insert("date".into(), json!(row.date.to_string()));
        entry.insert(metric.key().into(), metric.shown(metric.of(row)));
        entry.insert("percentage-change".into(), step(metric, rows, index));
        if metric == Metric::Mrr {
            for (name, cents) in [
                ("mrr-new-business", row.new_business),
                ("mrr-expansion", row.expansion),
                ("mrr-contraction", row.contraction),
                ("mrr-churn", row.churn),
                ("mrr-reactivation", row.reactivation),
            ] {
                entry.insert(name.into(), json!(cents));
            }
        }
        entries.push(Value::Object(entry));
    }
    let (previous, current) = ends(rows, before);
    let (previous, current) = (metric.of(&previous), metric.of(&current));
    json!({
        "entries": entries,
        "summary": {
            "current": metric.shown(current),
            "previous": metric.shown(previous),
            "percentage-change": change(previous, current),
        },
    })
}

fn step(metric: Metric, rows: &[Row], index: usize) -> Value {
    match index.checked_sub(1) {
        None => hundredths(0),
        Some(earlier) => change(metric.of(&rows[earlier]), metric.of(&rows[index])),
    }
}

/// The last two periods.
fn ends(rows: &[Row], before: &Row) -> (Row, Row) {
    match rows {
        [] => (*before, *before),
        [only] => (*before, *only),
        [.., previous, current] => (*previous, *current),
    }
}

/// The answer for all metrics at once.
pub fn all(rows: &[Row], before: &Row) -> Value {
    let mut entries = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let mut entry = Map::new();
        entry.insert("date".into(), json!(row.date.to_string()));
        for metric in Metric::ALL {
            entry.insert(metric.key().into(), metric.shown(metric.of(row)));
            entry.insert(format!("{}-percentage-change", metric.key()), step(metric, rows, index));
        }
        entries.push(Value::Object(entry));
    }
    let (previous, current) = ends(rows, before);
    let mut summary = Map::new();
    for metric in Metric::ALL {
        let (previous, current) = (metric.of(&previous), metric.of(&current));
        summary.insert(format!("current-{}", metric.key()), metric.shown(current));
        summary.insert(format!("previous-{}", metric.key()), metric.shown(previous));
        summary.insert(format!("{}-percentage-change", metric.key()), change(previous, current));
    }
    json!({"entries": entries, "summary": summary})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(mrr: i64, customers: i64) -> Row {
        Row {
            date: Day::parse("2026-01-31").unwrap(),
            mrr,
            new_business: 0,
            expansion: 0,
            contraction: 0,
            churn: 0,
            reactivation: 0,
            customers,
            new_customers: 0,
            customer_churn: 0,
            mrr_churn: 0,
        }
    }

    #[test]
    fn figures_follow_from_what_is_shown() {
        let rows = [Row { customer_churn: 56, ..row(383_859_450, 585) }];
        assert_eq!(Metric::Arpa.of(&rows[0]), 656_170);
        // The rate as it is shown, 0.56 %.
        assert_eq!(Metric::Ltv.of(&rows[0]), 117_173_214);
        assert_eq!(Metric::Arr.of(&rows[0]), 383_859_450 * 12);
        assert_eq!(Metric::Ltv.of(&row(100, 1)), 0);
        assert_eq!(percent(Ratio::new(-7452, 10_000).unwrap()), -7452);
    }

    #[test]
    fn changes_are_in_percent_of_the_size_of_what_was_before() {
        let text = |value: Value| value.to_string();
        assert_eq!(text(change(383_859_969, 670_280_904)), "74.62");
        assert_eq!(text(change(-17, -7452)), "-43735.29");
        assert_eq!(text(change(585, 602)), "2.91");
        assert_eq!(text(change(0, 5)), "0.0");
        assert_eq!(text(change(100, 90)), "-10.0");
    }

    #[test]
    fn answers_have_the_keys_of_the_api() {
        let rows = [row(1000, 1), Row { churn: -400, contraction: -100, mrr_churn: -5000, ..row(500, 1) }];
        let answer = one(Metric::Mrr, &rows, &row(0, 0));
        assert_eq!(answer["entries"][1]["mrr-churn"], json!(-400));
        assert_eq!(answer["entries"][1]["percentage-change"].to_string(), "-50.0");
        assert_eq!(answer["summary"]["previous"], json!(1000));
        let answer = all(&rows, &row(0, 0));
        assert_eq!(answer["entries"][1]["mrr-churn-rate"].to_string(), "-50.0");
        assert_eq!(answer["summary"]["current-mrr"], json!(500));
        let answer = one(Metric::Customers, &rows[..1], &row(0, 0));
        assert_eq!((&answer["summary"]["current"], &answer["summary"]["previous"]), (&json!(1), &json!(0)));
    }
}
