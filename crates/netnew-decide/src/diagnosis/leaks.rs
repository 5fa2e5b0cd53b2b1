//! Where it leaks: lost MRR by plan, cause, how long customers stayed, and when they started.

use super::{Business, EARLY_DAYS, Facts};
use crate::figure::Figure;
use crate::interval::{Interval, wilson};
use crate::month::Event;
use crate::words::{customers, money, month, percent, whole_percent};
use netnew_ledger::{Cause, Kind};
use netnew_money::{Amount, Ratio};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One cut of what was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// `plan`, `cause`, `tenure`, `cohort`, or `named` for the one sentence that says most.
    pub by: &'static str,
    /// The value: a plan's name, a cause's word, `60 days` or `later`, a month.
    pub value: Option<String>,
    /// Customers lost.
    pub customers: i64,
    /// MRR lost, negative.
    pub amount: Amount,
    /// Its share of all that churned.
    pub share: Ratio,
    /// Of the customers who were on the plan: how many it lost, with the interval. Only for plans.
    pub rate: Option<(i64, Interval)>,
    /// True when the plan surely loses more of its customers than the others do; of the `named` one, when it says more than
    /// that customers left.
    pub stands_out: bool,
    /// The sentence.
    pub says: String,
    /// Figures of the sentence.
    pub figures: Vec<Figure>,
    /// Ids of the movements that it is made of, which are exactly its amount.
    pub movements: Vec<String>,
}

impl Leak {
    /// The row as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "by": self.by,
            "value": self.value,
            "customers": self.customers,
            "amount": self.amount.to_string(),
            "share": self.share.to_decimal_string(10),
            "of_customers": self.rate.map(|(n, _)| n),
            "rate_low": self.rate.map(|(_, i)| i.low.to_decimal_string(6)),
            "rate_high": self.rate.map(|(_, i)| i.high.to_decimal_string(6)),
            "stands_out": self.stands_out,
            "says": self.says,
            "figures": self.figures.iter().map(Figure::to_json).collect::<Vec<_>>(),
            "movements": self.movements,
        })
    }
}

/// Whether a lost customer's payment failed.
pub fn involuntary(event: &Event) -> bool {
    event.cause == Cause::CancelInvoluntary
}

/// Whether a lost customer left early.
pub fn early(event: &Event) -> bool {
    event.tenure().is_some_and(|days| days <= EARLY_DAYS)
}

/// The churn movements.
pub fn churned(business: &Business) -> Vec<&Event> {
    business.events.iter().filter(|e| e.kind == Kind::Churn).collect()
}

/// Distinct customers.
pub fn heads(events: &[&Event]) -> i64 {
    let ids: BTreeSet<&str> = events.iter().map(|e| e.customer.as_str()).collect();
    i64::try_from(ids.len()).unwrap_or(i64::MAX)
}

fn ids(events: &[&Event]) -> Vec<String> {
    events.iter().map(|e| e.id.clone()).collect()
}

/// All cuts, each largest first; the named one before all.
pub fn leaks(business: &Business, facts: &Facts) -> Vec<Leak> {
    let lost = churned(business);
    let (Some(from), Some(to)) = (facts.months.first(), facts.months.last()) else { return Vec::new() };
    let all: Amount = lost.iter().map(|e| e.amount).sum();
    if lost.is_empty() || all.is_zero() {
        return Vec::new();
    }
    let mut cuts: Vec<Leak> = Vec::new();
    type Key = fn(&Event) -> Option<String>;
    let by: [(&'static str, Key); 4] = [
        ("plan", |e| e.plan.clone()),
        ("cause", |e| Some(e.cause.as_str().to_string())),
        ("tenure", |e| Some(if early(e) { format!("{EARLY_DAYS} days") } else { "later".into() })),
        ("cohort", |e| e.since.map(|d| d.first_of_month().to_string()[..7].to_string())),
    ];
    for (name, key) in by {
        let mut groups: BTreeMap<Option<String>, Vec<&Event>> = BTreeMap::new();
        for event in &lost {
            groups.entry(key(event)).or_default().push(event);
        }
        let mut part: Vec<Leak> = groups
            .into_iter()
            .map(|(value, events)| cut(business, facts, name, value, &events, all))
            .collect();
        part.sort_by(|a, b| a.amount.cmp(&b.amount).then_with(|| a.value.cmp(&b.value)));
        cuts.extend(part);
    }
    let source = &business.source;
    for leak in &mut cuts {
        let figure = source.movements("churn", leak.amount, Kind::Churn, from.first, to.last);
        leak.figures = vec![match (leak.by, &leak.value) {
            ("plan", Some(plan)) => source.of_group(figure, "plan", plan),
            ("cause", Some(cause)) => figure.of_cause(cause),
            (by, Some(value)) => Figure { group: Some((by.into(), value.clone())), ..figure },
            _ => figure,
        }];
    }
    cuts.insert(0, named(business, facts, &cuts, &lost, all));
    cuts
}

fn cut(
    business: &Business,
    facts: &Facts,
    by: &'static str,
    value: Option<String>,
    events: &[&Event],
    all: Amount,
) -> Leak {
    let amount: Amount = events.iter().map(|e| e.amount).sum();
    let count = heads(events);
    let share = Ratio::new(amount.raw(), all.raw()).unwrap_or(Ratio::ZERO);
    let rate = match (by, &value) {
        ("plan", Some(plan)) => business.on_plan.get(plan).and_then(|on| {
            let on = (*on).max(count);
            Some((on, wilson(count, on)?))
        }),
        _ => None,
    };
    // Against everybody else: who was on other plans, and who of them was lost.
    let stands_out = rate.is_some_and(|(on, interval)| {
        let (others, lost) = ((facts.exposed - on).max(0), (facts.lost - count).max(0));
        others > 0 && Ratio::new(i128::from(lost), i128::from(others)).is_some_and(|r| interval.low > r)
    });
    let source = &business.source;
    let lost = money(amount, source.decimals, &source.currency);
    let what = match (by, value.as_deref()) {
        ("plan", Some(plan)) => format!("on {plan}"),
        ("plan", None) => "on no named plan".into(),
        ("cause", Some("cancel_involuntary")) => "after a failed payment".into(),
        ("cause", Some("cancel_voluntary")) => "by their own decision, as far as the source says".into(),
        ("cause", Some(cause)) => format!("with the cause {cause}"),
        ("tenure", Some("later")) => format!("more than {EARLY_DAYS} days after their first MRR"),
        ("tenure", _) => format!("within {EARLY_DAYS} days of their first MRR"),
        ("cohort", Some(when)) => format!("who started in {when}"),
        _ => String::new(),
    };
    let of = rate.map_or(String::new(), |(on, i)| {
        format!(" of {on} ({}\u{2013}{} %)", whole_percent(i.low), whole_percent(i.high))
    });
    let says = format!("{}{of} left {what}: {lost}, {} of all churn.", customers(count), percent(share))
        .replace("left who", "who left");
    let says = says.replace("who left started", "left who started");
    Leak {
        by,
        value,
        customers: count,
        amount,
        share,
        rate,
        stands_out,
        says,
        figures: Vec::new(),
        movements: ids(events),
    }
}

/// The sentence that says most: the plan that stands out, whether they left early, whether payments failed.
fn named(business: &Business, facts: &Facts, cuts: &[Leak], lost: &[&Event], all: Amount) -> Leak {
    let plan = cuts
        .iter()
        .filter(|c| c.by == "plan" && c.value.is_some())
        .filter(|_| business.on_plan.len() > 1)
        .find(|c| c.stands_out || c.share > Ratio::new(3, 5).unwrap_or(Ratio::ONE))
        .and_then(|c| c.value.clone());
    let mut events: Vec<&Event> = lost.iter().copied().filter(|e| plan.is_none() || e.plan == plan).collect();
    let soon: Vec<&Event> = events.iter().copied().filter(|e| early(e)).collect();
    let mut when = String::new();
    if heads(&soon) * 2 >= heads(&events) {
        events = soon;
        when = format!(" within {EARLY_DAYS} days of their first MRR");
    } else if let Some(cohort) = narrow_cohort(&events) {
        events.retain(|e| e.since.is_some_and(|d| d.first_of_month() == cohort));
        when = format!(" who started in {}", month(cohort));
    }
    let failed: Vec<&Event> = events.iter().copied().filter(|e| involuntary(e)).collect();
    if plan.is_none() && when.is_empty() && !failed.is_empty() {
        events = failed.clone();
    }
    let (count, unpaid) = (heads(&events), heads(&failed));
    let cause = match unpaid {
        0 => String::new(),
        n if n == count => " after a failed payment".into(),
        n => format!(", {n} of them after a failed payment"),
    };
    let amount: Amount = events.iter().map(|e| e.amount).sum();
    let source = &business.source;
    let on = plan.as_deref().map_or(String::new(), |p| format!(" on {p}"));
    let lost = money(amount, source.decimals, &source.currency);
    let figures = match (facts.months.first(), facts.months.last()) {
        (Some(from), Some(to)) => {
            let figure = source.movements("churn", amount, Kind::Churn, from.first, to.last);
            vec![match &plan {
                Some(plan) => source.of_group(figure, "plan", plan),
                None => figure,
            }]
        }
        _ => Vec::new(),
    };
    let share = Ratio::new(amount.raw(), all.raw()).unwrap_or(Ratio::ZERO);
    let stands_out = plan.is_some() || !when.is_empty() || unpaid > 0;
    Leak {
        by: "named",
        says: format!("{} left{on}{when}{cause}: {lost}, {} of all churn.", customers(count), percent(share)),
        value: plan,
        customers: count,
        amount,
        share,
        rate: None,
        stands_out,
        figures,
        movements: ids(&events),
    }
}

/// The month in which at least half of the lost customers started, if they did not all.
fn narrow_cohort(events: &[&Event]) -> Option<netnew_money::Day> {
    let mut months: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for event in events {
        months.entry(event.since?.first_of_month()).or_default().insert(&event.customer);
    }
    let (cohort, ids) = months.iter().max_by_key(|(_, ids)| ids.len())?;
    let count = i64::try_from(ids.len()).ok()?;
    (months.len() > 1 && count >= 3 && count * 2 >= heads(events)).then_some(*cohort)
}
