//! What somebody should be told: a customer whose MRR fell, a metric past a threshold.
//!
//! An alert's id is a hash of the rule and of what it is about (a step of a ledger, a period of a metric), so the same
//! book gives the same ids and each can be delivered exactly once.

use netnew_facts::hash128_hex;
use netnew_ledger::{Cause, Kind};
use netnew_money::{Amount, Day, Decimal, Grain, Instant, Ratio};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::words::{money, percent};

/// What a rule watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Any one customer whose MRR falls.
    CustomerDrop {
        /// By more than this share of what it was.
        more_than: Ratio,
        /// And by at least this much.
        least: Amount,
        /// In one step, or over the steps of so many days; 0 for one step only.
        within_days: u16,
    },
    /// A metric of the registry.
    Metric {
        /// Its name.
        metric: String,
        /// Which rows, as in `--where`.
        filter: Option<String>,
        /// Interval.
        grain: Grain,
        /// When to tell.
        test: Test,
    },
}

/// When a metric is worth telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// Above a value.
    Above(Ratio),
    /// Below a value.
    Below(Ratio),
    /// Up by more than a share of the period before.
    RisesBy(Ratio),
    /// Down by more than a share of the period before.
    FallsBy(Ratio),
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, which is part of the ids of its alerts.
    pub name: String,
    /// What it watches.
    pub watch: Watch,
}

/// Why rules were not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct RulesError {
    /// The file.
    pub file: String,
    /// What is wrong, and with which rule.
    pub what: String,
}

impl RulesError {
    /// Stable code for machines.
    pub fn code(&self) -> &'static str {
        "bad_rules"
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        "a [[rule]] has a name and either customer_drop = \"0.05\" or metric = NAME with one of above, below, rises_by, \
         falls_by; docs/deciding.md shows them"
            .into()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    customer_drop: Option<String>,
    least: Option<String>,
    within: Option<u16>,
    metric: Option<String>,
    #[serde(rename = "where")]
    filter: Option<String>,
    interval: Option<String>,
    above: Option<String>,
    below: Option<String>,
    rises_by: Option<String>,
    falls_by: Option<String>,
}

/// Days over which small falls of one customer are added up, unless a rule says otherwise.
pub const WITHIN_DAYS: u16 = 30;

/// The rules of a book that has none of its own: any one customer down by more than 5 %.
pub fn default_rules() -> Vec<Rule> {
    let more_than = Ratio::new(1, 20).unwrap_or(Ratio::ZERO);
    vec![Rule {
        name: "customer_drop".into(),
        watch: Watch::CustomerDrop { more_than, least: Amount::ZERO, within_days: WITHIN_DAYS },
    }]
}

/// Reads rules from TOML. Names must differ.
///
/// # Errors
/// What is wrong with which rule.
pub fn read(text: &str, file: &str) -> Result<Vec<Rule>, RulesError> {
    let bad = |what: String| RulesError { file: file.to_string(), what };
    let parsed: File = toml::from_str(text).map_err(|e| bad(e.to_string().trim().replace('\n', " ")))?;
    let mut out: Vec<Rule> = Vec::with_capacity(parsed.rule.len());
    for entry in parsed.rule {
        let name = entry.name.clone();
        if out.iter().any(|r| r.name == name) {
            return Err(bad(format!("two rules are named {name:?}")));
        }
        out.push(entry.build().map_err(|what| bad(format!("rule {name:?}: {what}")))?);
    }
    Ok(out)
}

impl Entry {
    fn build(self) -> Result<Rule, String> {
        let number = |name: &str, text: &str| {
            Decimal::parse(text)
                .map(Decimal::to_ratio)
                .map_err(|_| format!("{name} {text:?} is not a number"))
        };
        let tests: Vec<(&str, &String)> = [
            ("above", &self.above),
            ("below", &self.below),
            ("rises_by", &self.rises_by),
            ("falls_by", &self.falls_by),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.as_ref().map(|v| (name, v)))
        .collect();
        let watch = match (&self.customer_drop, &self.metric, tests.as_slice()) {
            (Some(drop), None, []) => {
                let least = self.least.as_deref().unwrap_or("0");
                let least = Amount::parse(least).map_err(|_| format!("least {least:?} is not an amount"))?;
                let within_days = self.within.unwrap_or(WITHIN_DAYS);
                Watch::CustomerDrop { more_than: number("customer_drop", drop)?, least, within_days }
            }
            (None, Some(_), _) if self.within.is_some() || self.least.is_some() => {
                return Err("within and least are for customer_drop".into());
            }
            (None, Some(metric), [(name, value)]) => {
                let value = number(name, value)?;
                let test = match *name {
                    "above" => Test::Above(value),
                    "below" => Test::Below(value),
                    "rises_by" => Test::RisesBy(value),
                    _ => Test::FallsBy(value),
                };
                let interval = self.interval.as_deref().unwrap_or("month");
                let grain =
                    Grain::parse(interval).map_err(|_| format!("interval {interval:?} is unknown"))?;
                Watch::Metric { metric: metric.clone(), filter: self.filter.clone(), grain, test }
            }
            (None, Some(_), _) => return Err("needs exactly one of above, below, rises_by, falls_by".into()),
            _ => return Err("needs either customer_drop or metric".into()),
        };
        Ok(Rule { name: self.name, watch })
    }
}

/// A row behind an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Id of the movement.
    pub id: String,
    /// What happened.
    pub kind: Kind,
    /// Why.
    pub cause: Cause,
    /// Plan.
    pub plan: Option<String>,
    /// Change of MRR.
    pub amount: Amount,
}

/// Why something was to be expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// `scheduled_cancel`, `trial_ended`, `coupon_started`, `coupon_ended`, `scheduled_change`.
    pub code: &'static str,
    /// In words, with the date it was known.
    pub says: String,
}

/// A customer's MRR fell in one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fall {
    /// Id of the step.
    pub step: String,
    /// When.
    pub at: Instant,
    /// Local day.
    pub date: Day,
    /// Customer id.
    pub customer: String,
    /// Its name, if known.
    pub name: Option<String>,
    /// Its MRR before.
    pub before: Amount,
    /// And after.
    pub after: Amount,
    /// The rows of the step.
    pub rows: Vec<Behind>,
    /// Why it was to be expected, if it was.
    pub expected: Option<Expected>,
}

/// A metric's value in one complete period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// First day.
    pub first: Day,
    /// Last day.
    pub last: Day,
    /// The end of the last day.
    pub at: Instant,
    /// The value; `None` where it is not defined.
    pub value: Option<Ratio>,
    /// Its unit.
    pub unit: String,
    /// Largest movements of the period, for the reader to start from.
    pub rows: Vec<Behind>,
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Stable id.
    pub id: String,
    /// Name of the rule.
    pub rule: String,
    /// When.
    pub at: Instant,
    /// Local day.
    pub date: Day,
    /// The customer it is about, if it is about one.
    pub customer: Option<String>,
    /// Its name, if known.
    pub name: Option<String>,
    /// The metric it is about: `mrr` for a customer.
    pub metric: String,
    /// The filter of the rule.
    pub filter: Option<String>,
    /// Value before: of the step, or of the period before.
    pub before: Option<Ratio>,
    /// Value now.
    pub value: Ratio,
    /// Relative change; `None` from nothing.
    pub change: Option<Ratio>,
    /// Unit of the values.
    pub unit: String,
    /// The cause that weighs most among the rows.
    pub cause: Option<Cause>,
    /// Why it was to be expected, if it was.
    pub expected: Option<Expected>,
    /// Rows behind it, largest first.
    pub rows: Vec<Behind>,
    /// The sentence.
    pub says: String,
    /// The command that opens it.
    pub command: String,
}

/// The alert that a rule makes of a fall, if it does. `decimals` and `currency` are those of the amounts.
pub fn of_fall(rule: &Rule, fall: &Fall, decimals: u8, currency: &str) -> Option<Alert> {
    let Watch::CustomerDrop { more_than, least, .. } = &rule.watch else { return None };
    let lost = fall.before - fall.after;
    if !fall.before.is_positive() || !lost.is_positive() || lost < *least {
        return None;
    }
    let share = Ratio::new(lost.raw(), fall.before.raw())?;
    if share <= *more_than {
        return None;
    }
    let cause = heaviest(&fall.rows);
    let who = match &fall.name {
        Some(name) => format!("{name} ({})", fall.customer),
        None => fall.customer.clone(),
    };
    let why = cause.map_or(String::new(), |c| format!(", {}", c.as_str().replace('_', " ")));
    let foreseen = fall.expected.as_ref().map_or(String::new(), |e| format!(" Expected because {}.", e.says));
    Some(Alert {
        id: hash128_hex(&[b"alert", rule.name.as_bytes(), fall.step.as_bytes()]),
        rule: rule.name.clone(),
        at: fall.at,
        date: fall.date,
        customer: Some(fall.customer.clone()),
        name: fall.name.clone(),
        metric: "mrr".into(),
        filter: None,
        before: Some(Ratio::from_amount(fall.before)),
        value: Ratio::from_amount(fall.after),
        change: share.checked_neg(),
        unit: currency.to_string(),
        cause,
        expected: fall.expected.clone(),
        rows: sorted(&fall.rows),
        says: format!(
            "{who} fell by {} from {} to {}{why}.{foreseen}",
            percent(share),
            money(fall.before, decimals, currency),
            money(fall.after, decimals, currency)
        ),
        command: format!(
            "netnew movements --customer {} --from {} --to {}",
            crate::words::quoted(&fall.customer),
            fall.date,
            fall.date
        ),
    })
}

/// The alerts that a rule makes of all the falls of one customer, oldest first: of each that is enough by itself, and of
/// those that are enough together within the rule's days. A fall is told once at most: what was told does not count again.
///
/// Give the falls since the customer began, whatever the range that is asked about: which fall tips the scale depends on those
/// before it, and the ids must not depend on the range.
pub fn of_falls(rule: &Rule, falls: &[Fall], decimals: u8, currency: &str) -> Vec<Alert> {
    let Watch::CustomerDrop { within_days, .. } = &rule.watch else { return Vec::new() };
    let mut out = Vec::new();
    let mut small: Vec<&Fall> = Vec::new();
    for fall in falls {
        if let Some(alert) = of_fall(rule, fall, decimals, currency) {
            out.push(alert);
            small.clear();
            continue;
        }
        let first_day = fall.date.add_days(-i32::from(*within_days));
        small.retain(|f| f.date > first_day);
        small.push(fall);
        if *within_days > 0
            && small.len() > 1
            && let Some(alert) = of_small(rule, &small, decimals, currency)
        {
            out.push(alert);
            small.clear();
        }
    }
    out
}

/// The alert that several falls make together, if they do. Rises in between count: it is the level that fell.
fn of_small(rule: &Rule, falls: &[&Fall], decimals: u8, currency: &str) -> Option<Alert> {
    let (first, last) = (falls.first()?, falls.last()?);
    let together = Fall {
        before: first.before,
        rows: falls.iter().flat_map(|f| f.rows.iter().cloned()).collect(),
        expected: falls.iter().all(|f| f.expected.is_some()).then(|| last.expected.clone()).flatten(),
        ..(*last).clone()
    };
    let mut alert = of_fall(rule, &together, decimals, currency)?;
    alert.id = hash128_hex(&[b"alert, several", rule.name.as_bytes(), last.step.as_bytes()]);
    let from = first.date;
    let count = falls.len();
    alert.says = match alert.says.split_once(" fell by ") {
        Some((who, rest)) => format!("{who}, in {count} steps since {from}, fell by {rest}"),
        None => alert.says,
    };
    alert.command = format!(
        "netnew movements --customer {} --from {from} --to {}",
        crate::words::quoted(&last.customer),
        last.date
    );
    Some(alert)
}

/// The alerts that a rule makes of a metric's complete periods, oldest first.
pub fn of_metric(rule: &Rule, points: &[Point]) -> Vec<Alert> {
    let Watch::Metric { metric, filter, grain, test } = &rule.watch else { return Vec::new() };
    let mut out = Vec::new();
    for (at, point) in points.iter().enumerate() {
        let Some(value) = point.value else { continue };
        let before = at.checked_sub(1).and_then(|b| points[b].value);
        let change = before.and_then(|b| {
            let size = if b.is_negative() { b.checked_neg()? } else { b };
            value.checked_sub(b)?.checked_div(size)
        });
        let told = match test {
            Test::Above(limit) => (value > *limit).then(|| format!("above {}", limit.to_decimal_string(4))),
            Test::Below(limit) => (value < *limit).then(|| format!("below {}", limit.to_decimal_string(4))),
            Test::RisesBy(share) => {
                change.filter(|c| *c > *share).map(|c| format!("up {} on the period before", percent(c)))
            }
            Test::FallsBy(share) => change
                .and_then(Ratio::checked_neg)
                .filter(|c| *c > *share)
                .map(|c| format!("down {} on the period before", percent(c))),
        };
        let Some(told) = told else { continue };
        let narrowed =
            filter.as_deref().map(|f| format!(" --where {}", crate::words::quoted(f))).unwrap_or_default();
        let of = filter.as_deref().map(|f| format!(" of {f}")).unwrap_or_default();
        let grain_word = grain_name(*grain);
        out.push(Alert {
            id: hash128_hex(&[
                b"alert",
                rule.name.as_bytes(),
                metric.as_bytes(),
                filter.as_deref().unwrap_or_default().as_bytes(),
                grain_word.as_bytes(),
                point.first.to_string().as_bytes(),
            ]),
            rule: rule.name.clone(),
            at: point.at,
            date: point.last,
            customer: None,
            name: None,
            metric: metric.clone(),
            filter: filter.clone(),
            before,
            value,
            change,
            unit: point.unit.clone(),
            cause: heaviest(&point.rows),
            expected: None,
            rows: sorted(&point.rows),
            says: format!(
                "{metric}{of} in the {grain_word} from {} was {} {}: {told}.",
                point.first,
                value.to_decimal_string(4),
                point.unit
            ),
            command: format!(
                "netnew metrics {metric} --interval {grain_word} --from {} --to {}{narrowed}",
                point.first, point.last
            ),
        });
    }
    out
}

/// The word of an interval.
pub fn grain_name(grain: Grain) -> &'static str {
    match grain {
        Grain::Day => "day",
        Grain::Week => "week",
        Grain::Month => "month",
        Grain::Quarter => "quarter",
        Grain::Year => "year",
    }
}

fn sorted(rows: &[Behind]) -> Vec<Behind> {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| b.amount.abs().cmp(&a.amount.abs()).then_with(|| a.id.cmp(&b.id)));
    rows
}

fn heaviest(rows: &[Behind]) -> Option<Cause> {
    sorted(rows).first().map(|row| row.cause)
}

impl Alert {
    /// The row as JSON.
    pub fn to_json(&self) -> Value {
        let ratio = |r: Option<Ratio>| json!(r.map(|r| r.to_decimal_string(10)));
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|r| {
                json!({
                    "id": r.id, "kind": r.kind.as_str(), "cause": r.cause.as_str(), "plan": r.plan,
                    "amount": r.amount.to_string(),
                })
            })
            .collect();
        json!({
            "id": self.id,
            "rule": self.rule,
            "at": self.at.to_string(),
            "date": self.date.to_string(),
            "customer": self.customer,
            "name": self.name,
            "metric": self.metric,
            "where": self.filter,
            "before": ratio(self.before),
            "value": self.value.to_decimal_string(10),
            "change": ratio(self.change),
            "unit": self.unit,
            "cause": self.cause.map(Cause::as_str),
            "expected": self.expected.as_ref().map(|e| json!({"code": e.code, "because": e.says})),
            "rows": rows,
            "says": self.says,
            "command": self.command,
        })
    }
}

impl Rule {
    /// The rule as JSON.
    pub fn to_json(&self) -> Value {
        match &self.watch {
            Watch::CustomerDrop { more_than, least, within_days } => json!({
                "name": self.name, "watch": "customer_drop", "more_than": more_than.to_decimal_string(10),
                "least": least.to_string(), "within_days": within_days, "metric": null, "where": null, "interval": null, "test": null,
            }),
            Watch::Metric { metric, filter, grain, test } => {
                let (word, value) = match test {
                    Test::Above(v) => ("above", v),
                    Test::Below(v) => ("below", v),
                    Test::RisesBy(v) => ("rises_by", v),
                    Test::FallsBy(v) => ("falls_by", v),
                };
                json!({
                    "name": self.name, "watch": "metric", "more_than": null, "least": null, "within_days": null,
                    "metric": metric,
                    "where": filter, "interval": grain_name(*grain),
                    "test": {"is": word, "value": value.to_decimal_string(10)},
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fall(before: &str, after: &str) -> Fall {
        Fall {
            step: "s1".into(),
            at: Instant::from_micros(0),
            date: Day::from_ymd(2026, 3, 1).unwrap(),
            customer: "acme".into(),
            name: Some("Acme".into()),
            before: Amount::parse(before).unwrap(),
            after: Amount::parse(after).unwrap(),
            rows: vec![Behind {
                id: "m1".into(),
                kind: Kind::Contraction,
                cause: Cause::Downgrade,
                plan: None,
                amount: Amount::parse(after).unwrap() - Amount::parse(before).unwrap(),
            }],
            expected: None,
        }
    }

    #[test]
    fn five_percent_is_not_more_than_five_percent() {
        let rule = &default_rules()[0];
        assert_eq!(of_fall(rule, &fall("100", "95"), 2, "USD"), None);
        let alert = of_fall(rule, &fall("100", "94.9999999999"), 2, "USD").unwrap();
        assert_eq!(alert.cause, Some(Cause::Downgrade));
        assert!(alert.says.starts_with("Acme (acme) fell by 5.0 % from 100.00 USD"), "{}", alert.says);
        // A rise, and a fall from nothing, are none.
        assert_eq!(of_fall(rule, &fall("100", "101"), 2, "USD"), None);
        assert_eq!(of_fall(rule, &fall("0", "-5"), 2, "USD"), None);
    }

    #[test]
    fn ids_are_of_rule_and_step() {
        let rule = &default_rules()[0];
        let (a, b) = (
            of_fall(rule, &fall("100", "0"), 2, "USD").unwrap(),
            of_fall(rule, &fall("100", "0"), 2, "USD").unwrap(),
        );
        assert_eq!(a.id, b.id);
        let other = Rule { name: "mine".into(), ..rule.clone() };
        assert_ne!(of_fall(&other, &fall("100", "0"), 2, "USD").unwrap().id, a.id);
        let again = Fall { step: "s2".into(), ..fall("100", "0") };
        assert_ne!(of_fall(rule, &again, 2, "USD").unwrap().id, a.id);
    }

    fn on(day: &str, before: &str, after: &str) -> Fall {
        let date = Day::parse(day).unwrap();
        Fall { step: format!("s{day}"), date, ..fall(before, after) }
    }

    #[test]
    fn small_falls_add_up_within_the_days_and_are_told_once() {
        let rule = &default_rules()[0];
        let told = |falls: &[Fall]| -> Vec<(String, Option<String>)> {
            of_falls(rule, falls, 2, "USD")
                .iter()
                .map(|a| (a.date.to_string(), a.change.map(|c| c.to_decimal_string(2))))
                .collect()
        };
        let steady = [
            on("2026-03-01", "100", "97"),
            on("2026-03-10", "97", "94"),
            on("2026-03-12", "94", "92"),
            on("2026-03-20", "92", "89"),
        ];
        // 3 and 3 are 6; then 2 and 3 of 94 are more than 5 again.
        let wanted = [
            ("2026-03-10".to_string(), Some("-0.06".to_string())),
            ("2026-03-20".into(), Some("-0.05".into())),
        ];
        assert_eq!(told(&steady), wanted);
        // The ids are of the last step, and the same when more happens later.
        let ids =
            |falls: &[Fall]| of_falls(rule, falls, 2, "USD").iter().map(|a| a.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&steady)[..1], ids(&steady[..3])[..]);
        // Too far apart; a rise between; one that is enough by itself is not told again with the next.
        assert_eq!(told(&[on("2026-03-01", "100", "97"), on("2026-03-31", "97", "94")]), []);
        assert_eq!(told(&[on("2026-03-01", "100", "97"), on("2026-03-05", "100", "97")]), []);
        let big = [on("2026-03-01", "100", "90"), on("2026-03-05", "90", "88")];
        assert_eq!(told(&big), [("2026-03-01".to_string(), Some("-0.1".to_string()))]);
        let says = &of_falls(rule, &steady, 2, "USD")[0].says;
        assert!(
            says.starts_with("Acme (acme), in 2 steps since 2026-03-01, fell by 6.0 % from 100.00 USD"),
            "{says}"
        );
        let one_step = read("[[rule]]\nname='r'\ncustomer_drop='0.05'\nwithin=0", "f").unwrap();
        assert_eq!(of_falls(&one_step[0], &steady, 2, "USD"), []);
    }

    fn points(values: &[&str]) -> Vec<Point> {
        values
            .iter()
            .zip(1..)
            .map(|(value, month)| {
                let first = Day::from_ymd(2026, month, 1).unwrap();
                Point {
                    first,
                    last: first.last_of_month(),
                    at: Instant::from_micros(0),
                    value: Decimal::parse(value).ok().map(Decimal::to_ratio),
                    unit: "ratio".into(),
                    rows: Vec::new(),
                }
            })
            .collect()
    }

    #[test]
    fn thresholds_and_changes() {
        for (test, values, told) in [
            ("above = \"0.05\"", &["0.05", "0.06", "-"][..], &["2026-02-28"][..]),
            ("below = \"100\"", &["100", "99"], &["2026-02-28"]),
            ("rises_by = \"0.1\"", &["100", "110", "121.1"], &["2026-03-31"]),
            ("falls_by = \"0.1\"", &["100", "80", "-", "10"], &["2026-02-28"]),
            ("falls_by = \"0.1\"", &["-10", "-12"], &["2026-02-28"]),
        ] {
            let rules = read(&format!("[[rule]]\nname='r'\nmetric='mrr'\n{test}"), "alerts.toml").unwrap();
            let days: Vec<String> =
                of_metric(&rules[0], &points(values)).iter().map(|a| a.date.to_string()).collect();
            assert_eq!(days, told, "{test} {values:?}");
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_rule() {
        for (text, wanted) in [
            ("[[rule]]\nname='a'", "either"),
            ("[[rule]]\nname='a'\nmetric='mrr'", "exactly one"),
            ("[[rule]]\nname='a'\nmetric='mrr'\nabove='1'\nbelow='2'", "exactly one"),
            ("[[rule]]\nname='a'\nmetric='mrr'\nabove='x'", "not a number"),
            ("[[rule]]\nname='a'\nmetric='mrr'\nabove='1'\ninterval='aeon'", "aeon"),
            ("[[rule]]\nname='a'\ncustomer_drop='0.1'\n[[rule]]\nname='a'\ncustomer_drop='0.1'", "two rules"),
            ("[[rule]]\nname='a'\nmetric='mrr'\nabove='1'\nwithin=3", "customer_drop"),
            ("[[rule]]\nname='a'\nmood='1'", "mood"),
        ] {
            assert!(read(text, "f").unwrap_err().to_string().contains(wanted), "{text}");
        }
    }
}
