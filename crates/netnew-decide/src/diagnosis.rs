//! What is wrong with a business, and the one lever to pull now.
//!
//! Three questions over the last three complete months (is new MRR growing, flat or shrinking; does churn grow faster
//! than new; is there any expansion at all), and the levers in a fixed order: churn, expansion, activation,
//! acquisition. The first that is broken is the one to pull, for what is gained further down runs out above. From too
//! few customers nothing is concluded; the answer then says how many it takes.

mod because;
mod leaks;
mod worth;

pub use leaks::Leak;

use crate::figure::{Reason, Source};
use crate::interval::{Interval, wilson};
use crate::month::{Event, Month, total};
use netnew_ledger::{Cause, Kind};
use netnew_money::{Amount, Day, Ratio};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Churn over this share of new is a leak that no acquisition fills.
pub const LEAK_SHARE: (i128, i128) = (4, 5);
/// A change over three months within this share of their mean is flat.
pub const FLAT_BAND: (i128, i128) = (1, 10);
/// Net new within this share of all gains is standing still.
pub const TREADMILL_BAND: (i128, i128) = (1, 5);
/// Growing churn matters from this share of new in the last month on.
pub const GROWING_CHURN_SHARE: (i128, i128) = (1, 3);
/// Who leaves within so many days of the first MRR never got going.
pub const EARLY_DAYS: i32 = 60;
/// More early leavers among starters than this, surely, is an activation problem.
pub const EARLY_SHARE: (i128, i128) = (1, 10);
/// The widest 95 % interval of the share lost from which anything is concluded.
pub const WIDEST: (i128, i128) = (1, 4);
/// So many lost customers are enough whatever the interval.
pub const LOST_ENOUGH: i64 = 10;

/// A customer who started in the time that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The day of the first MRR.
    pub day: Day,
    /// The day the customer was first lost, if it was.
    pub lost: Option<Day>,
}

/// A customer who pays at the end of the last complete month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paying {
    /// Id.
    pub customer: String,
    /// Name, if one is known.
    pub name: Option<String>,
    /// The plan that most of its MRR is on.
    pub plan: Option<String>,
    /// MRR.
    pub mrr: Amount,
    /// The day of the first MRR.
    pub since: Day,
    /// Whether it ever expanded.
    pub expanded: bool,
}

/// Everything the diagnosis looks at.
#[derive(Clone, Debug, Default)]
pub struct Business {
    /// Where figures come from.
    pub source: Source,
    /// Complete months, oldest first.
    pub months: Vec<Month>,
    /// Movements of the last three complete months.
    pub events: Vec<Event>,
    /// Customers who started in the last eight months.
    pub starts: Vec<Start>,
    /// Customers who pay now.
    pub paying: Vec<Paying>,
    /// Per plan, how many customers were on it at some time in the last three months.
    pub on_plan: BTreeMap<String, i64>,
    /// Least and most gross churn a month that is called normal at this stage.
    pub normal_churn: Option<(Ratio, Ratio)>,
}

/// What is wrong. The codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Illness {
    /// Fewer than three complete months.
    TooLittleHistory,
    /// Too few customers to tell anything from chance.
    TooFewCustomers,
    /// Churn takes nearly all that comes in: much work, no way made.
    Treadmill,
    /// More goes than comes, by far.
    Shrinking,
    /// Over 80 % of new is lost again; expansion hides it.
    HiddenLeak,
    /// Churn grows faster than new.
    ChurnOutgrowsNew,
    /// More is lost a month than is normal at this stage.
    HighChurn,
    /// Nobody ever pays more.
    NoExpansion,
    /// Customers who stay pay less and less.
    ShrinkingAccounts,
    /// Too many who start leave at once.
    EarlyLeavers,
    /// Nobody new.
    NoNew,
    /// Less new each month.
    NewShrinking,
    /// No more new than before.
    NewFlat,
    /// None of these.
    Healthy,
}

impl Illness {
    /// Every illness.
    pub const ALL: [Illness; 14] = [
        Illness::TooLittleHistory,
        Illness::TooFewCustomers,
        Illness::Treadmill,
        Illness::Shrinking,
        Illness::HiddenLeak,
        Illness::ChurnOutgrowsNew,
        Illness::HighChurn,
        Illness::NoExpansion,
        Illness::ShrinkingAccounts,
        Illness::EarlyLeavers,
        Illness::NoNew,
        Illness::NewShrinking,
        Illness::NewFlat,
        Illness::Healthy,
    ];

    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Illness::TooLittleHistory => "too_little_history",
            Illness::TooFewCustomers => "too_few_customers",
            Illness::Treadmill => "treadmill",
            Illness::Shrinking => "shrinking",
            Illness::HiddenLeak => "hidden_leak",
            Illness::ChurnOutgrowsNew => "churn_outgrows_new",
            Illness::HighChurn => "high_churn",
            Illness::NoExpansion => "no_expansion",
            Illness::ShrinkingAccounts => "shrinking_accounts",
            Illness::EarlyLeavers => "early_leavers",
            Illness::NoNew => "no_new",
            Illness::NewShrinking => "new_shrinking",
            Illness::NewFlat => "new_flat",
            Illness::Healthy => "healthy",
        }
    }

    /// The lever that mends it; `None` when nothing can be concluded.
    pub fn lever(self) -> Option<Lever> {
        match self {
            Illness::TooLittleHistory | Illness::TooFewCustomers => None,
            Illness::Treadmill
            | Illness::Shrinking
            | Illness::HiddenLeak
            | Illness::ChurnOutgrowsNew
            | Illness::HighChurn => Some(Lever::Churn),
            Illness::NoExpansion | Illness::ShrinkingAccounts => Some(Lever::Expansion),
            Illness::EarlyLeavers => Some(Lever::Activation),
            Illness::NoNew | Illness::NewShrinking | Illness::NewFlat | Illness::Healthy => {
                Some(Lever::Acquisition)
            }
        }
    }
}

/// What to work on, in the order in which it pays. The codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lever {
    /// Keep what there is.
    Churn,
    /// More from who is there.
    Expansion,
    /// Get starters going.
    Activation,
    /// More starters.
    Acquisition,
}

impl Lever {
    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Lever::Churn => "churn",
            Lever::Expansion => "expansion",
            Lever::Activation => "activation",
            Lever::Acquisition => "acquisition",
        }
    }
}

/// Where something goes over three months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// Up by more than a tenth of the mean.
    Growing,
    /// Neither.
    Flat,
    /// Down by more than a tenth of the mean.
    Shrinking,
}

impl Trend {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Trend::Growing => "growing",
            Trend::Flat => "flat",
            Trend::Shrinking => "shrinking",
        }
    }

    /// From the first to the last of some amounts, against their mean.
    fn of(amounts: &[Amount]) -> Trend {
        let (Some(first), Some(last)) = (amounts.first(), amounts.last()) else { return Trend::Flat };
        let (step, sum) = (*last - *first, amounts.iter().copied().sum::<Amount>());
        let months = i128::try_from(amounts.len()).unwrap_or(1);
        // step / (sum / months) against the band, without dividing.
        let (left, right) = (step.raw() * months * FLAT_BAND.1, sum.raw().abs() * FLAT_BAND.0);
        match (left > right, left < -right) {
            (true, _) => Trend::Growing,
            (_, true) => Trend::Shrinking,
            _ => Trend::Flat,
        }
    }
}

/// The three questions answered, and the sums behind them.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The months looked at; at most three.
    pub months: Vec<Month>,
    /// Where new MRR goes.
    pub new_trend: Trend,
    /// Where churned MRR goes.
    pub churn_trend: Trend,
    /// Whether churn grows faster than new, relative to each.
    pub churn_faster: bool,
    /// Expansion other than the end of a discount.
    pub expansion: Amount,
    /// Churn over new; `None` without new.
    pub churn_of_new: Option<Ratio>,
    /// Customers at the start and who came since.
    pub exposed: i64,
    /// Of them, who were lost.
    pub lost: i64,
    /// The share lost: what the sample allows.
    pub lost_interval: Option<Interval>,
    /// Starters with at least [`EARLY_DAYS`] behind them, and how many left within these.
    pub early: (i64, i64),
    /// Churn and contraction a month over MRR at the start.
    pub gross_churn: Option<Ratio>,
}

impl Facts {
    /// Over the last three complete months.
    pub fn of(business: &Business) -> Facts {
        let all = &business.months;
        let months = all[all.len().saturating_sub(3)..].to_vec();
        let news: Vec<Amount> = months.iter().map(|m| m.new).collect();
        let churns: Vec<Amount> = months.iter().map(|m| -m.churn).collect();
        let faster = match (churns.first(), churns.last(), news.first(), news.last()) {
            // c3/c1 > n3/n1, without dividing; from nothing to something is faster than anything finite.
            (Some(c1), Some(c3), Some(n1), Some(n3)) => {
                c3 > c1 && mul(*c3, *n1).is_none_or(|left| mul(*n3, *c1).is_none_or(|right| left > right))
            }
            _ => false,
        };
        let discounts_ended: Amount = business
            .events
            .iter()
            .filter(|e| e.kind == Kind::Expansion && e.cause == Cause::DiscountEnd)
            .map(|e| e.amount)
            .sum();
        let new = total(&months, Kind::New);
        let churn = total(&months, Kind::Churn);
        let came: i64 = months.iter().map(|m| m.customers_new + m.customers_back).sum();
        let lost: i64 = months.iter().map(|m| m.customers_lost).sum();
        let exposed = months.first().map_or(0, |m| m.customers_start) + came;
        let starts: Amount = months.iter().map(|m| m.start).sum();
        let losses = -(churn + total(&months, Kind::Contraction));
        Facts {
            new_trend: Trend::of(&news),
            churn_trend: Trend::of(&churns),
            churn_faster: faster,
            expansion: total(&months, Kind::Expansion) - discounts_ended,
            churn_of_new: new.is_positive().then(|| Ratio::new(-churn.raw(), new.raw())).flatten(),
            exposed,
            lost,
            lost_interval: wilson(lost.min(exposed), exposed),
            early: early(business, months.last().map(|m| m.last)),
            gross_churn: starts.is_positive().then(|| Ratio::new(losses.raw(), starts.raw())).flatten(),
            months,
        }
    }

    /// A kind's sum.
    pub fn sum(&self, kind: Kind) -> Amount {
        total(&self.months, kind)
    }

    /// Whether anything can be concluded.
    pub fn enough(&self) -> bool {
        sure(self.lost, self.lost_interval)
    }

    /// How many customers it takes at the same rate of loss.
    pub fn needed(&self) -> i64 {
        let exposed = self.exposed.max(1);
        let mut n = exposed;
        while n < 1_000 {
            let k = self.lost * n / exposed;
            if sure(k, wilson(k, n)) {
                return n;
            }
            n += 1;
        }
        n
    }
}

fn sure(lost: i64, interval: Option<Interval>) -> bool {
    lost >= LOST_ENOUGH || interval.is_some_and(|i| i.width() <= share(WIDEST))
}

fn mul(a: Amount, b: Amount) -> Option<i128> {
    // In hundredths, so that the product of two large sums fits.
    (a.raw() / 100_000_000).checked_mul(b.raw() / 100_000_000)
}

fn share(of: (i128, i128)) -> Ratio {
    Ratio::new(of.0, of.1).unwrap_or(Ratio::ONE)
}

/// Starters of the half year before the last [`EARLY_DAYS`], and how many of them left within these.
fn early(business: &Business, last: Option<Day>) -> (i64, i64) {
    let Some(last) = last else { return (0, 0) };
    let (from, to) = (last.add_days(-EARLY_DAYS - 180), last.add_days(-EARLY_DAYS));
    let ripe = business.starts.iter().filter(|s| s.day > from && s.day <= to);
    ripe.fold((0, 0), |(n, k), s| {
        let left = s.lost.is_some_and(|lost| lost.days_since(s.day) <= EARLY_DAYS);
        (n + 1, k + i64::from(left))
    })
}

/// The illness, by the order of the levers.
pub fn illness(facts: &Facts, normal_churn: Option<(Ratio, Ratio)>) -> Illness {
    if facts.months.len() < 3 {
        return Illness::TooLittleHistory;
    }
    if !facts.enough() {
        return Illness::TooFewCustomers;
    }
    churn_illness(facts, normal_churn)
        .or_else(|| expansion_illness(facts))
        .or_else(|| activation_illness(facts))
        .unwrap_or_else(|| acquisition_illness(facts))
}

fn churn_illness(facts: &Facts, normal: Option<(Ratio, Ratio)>) -> Option<Illness> {
    let (new, churn) = (facts.sum(Kind::New), -facts.sum(Kind::Churn));
    if churn.raw() * LEAK_SHARE.1 > new.raw() * LEAK_SHARE.0 {
        let gains = new + facts.sum(Kind::Expansion) + facts.sum(Kind::Reactivation);
        let net: Amount = facts.months.iter().map(Month::net_new).sum();
        let still = net.abs().raw() * TREADMILL_BAND.1 <= gains.raw() * TREADMILL_BAND.0;
        return Some(match (still, net.is_negative()) {
            (true, _) => Illness::Treadmill,
            (false, true) => Illness::Shrinking,
            (false, false) => Illness::HiddenLeak,
        });
    }
    let last = facts.months.last()?;
    let weighty = -last.churn.raw() * GROWING_CHURN_SHARE.1 > last.new.raw() * GROWING_CHURN_SHARE.0;
    if facts.churn_trend == Trend::Growing && facts.churn_faster && weighty {
        return Some(Illness::ChurnOutgrowsNew);
    }
    let (_, most) = normal?;
    let heads: i64 = facts.months.iter().map(|m| m.customers_start).sum();
    let surely = wilson(facts.lost.min(heads), heads).is_some_and(|i| i.low > most);
    (surely && facts.gross_churn.is_some_and(|c| c > most)).then_some(Illness::HighChurn)
}

fn expansion_illness(facts: &Facts) -> Option<Illness> {
    if !facts.expansion.is_positive() {
        return Some(Illness::NoExpansion);
    }
    let contraction = -facts.sum(Kind::Contraction);
    (contraction > facts.sum(Kind::Expansion)).then_some(Illness::ShrinkingAccounts)
}

fn activation_illness(facts: &Facts) -> Option<Illness> {
    let (starters, left) = facts.early;
    wilson(left, starters).filter(|i| i.low > share(EARLY_SHARE)).map(|_| Illness::EarlyLeavers)
}

fn acquisition_illness(facts: &Facts) -> Illness {
    if !facts.sum(Kind::New).is_positive() {
        return Illness::NoNew;
    }
    match facts.new_trend {
        Trend::Shrinking => Illness::NewShrinking,
        Trend::Flat => Illness::NewFlat,
        Trend::Growing => Illness::Healthy,
    }
}

/// A customer behind the conclusion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affected {
    /// Id.
    pub customer: String,
    /// Name, if one is known.
    pub name: Option<String>,
    /// Plan.
    pub plan: Option<String>,
    /// What it adds to the worth over the months looked at: lost MRR negative, what could come positive.
    pub amount: Amount,
    /// The last day of a movement behind it.
    pub date: Option<Day>,
    /// Causes of these movements.
    pub causes: Vec<&'static str>,
    /// Days from the first MRR to the movement.
    pub days: Option<i32>,
    /// Ids of the movements.
    pub movements: Vec<String>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// What is wrong.
    pub illness: Illness,
    /// What to pull now.
    pub lever: Option<Lever>,
    /// What pulling it is worth a month, at most.
    pub worth: Option<Amount>,
    /// That in a sentence.
    pub worth_says: String,
    /// The conclusion in a sentence.
    pub says: String,
    /// Why.
    pub because: Vec<Reason>,
    /// Where it leaks, largest first.
    pub leaks: Vec<Leak>,
    /// Who is behind it, largest first.
    pub customers: Vec<Affected>,
    /// The questions and sums.
    pub facts: Facts,
    /// Where the figures come from.
    pub source: Source,
}

/// Works the diagnosis out.
pub fn diagnose(business: &Business) -> Diagnosis {
    let facts = Facts::of(business);
    let illness = illness(&facts, business.normal_churn);
    let lever = illness.lever();
    let leaks = leaks::leaks(business, &facts);
    let customers = lever.map(|l| worth::customers(business, &facts, l)).unwrap_or_default();
    let worth = lever.map(|l| worth::worth(&facts, l, &customers));
    Diagnosis {
        says: because::conclusion(illness, &facts, &business.source),
        worth_says: because::worth(lever, worth, &leaks, &facts, &business.source),
        because: because::reasons(illness, business, &facts, &leaks),
        source: business.source.clone(),
        illness,
        lever,
        worth,
        leaks,
        customers,
        facts,
    }
}

impl Affected {
    /// The row as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "customer": self.customer,
            "name": self.name,
            "plan": self.plan,
            "amount": self.amount.to_string(),
            "date": self.date.map(|d| d.to_string()),
            "causes": self.causes,
            "days": self.days,
            "movements": self.movements,
        })
    }
}

impl Diagnosis {
    /// The contract's shape and more; see `netnew schema diagnose`.
    pub fn to_json(&self) -> Value {
        let facts = &self.facts;
        let enough = !matches!(self.illness, Illness::TooFewCustomers | Illness::TooLittleHistory);
        let months: Vec<Value> = facts
            .months
            .iter()
            .map(|m| {
                json!({
                    "period": m.first.to_string(), "start": m.start.to_string(), "new": m.new.to_string(),
                    "reactivation": m.reactivation.to_string(), "expansion": m.expansion.to_string(),
                    "contraction": m.contraction.to_string(), "churn": m.churn.to_string(),
                    "net_new": m.net_new().to_string(), "end": m.end.to_string(),
                })
            })
            .collect();
        json!({
            "illness": self.illness.as_str(),
            "lever": self.lever.map(Lever::as_str),
            "worth": self.worth.map(|w| w.to_string()),
            "worth_says": self.worth_says,
            "says": self.says,
            "because": self.because.iter().map(Reason::to_json).collect::<Vec<_>>(),
            "customers": self.customers.iter().map(Affected::to_json).collect::<Vec<_>>(),
            "leaks": self.leaks.iter().map(Leak::to_json).collect::<Vec<_>>(),
            "questions": {
                "new": facts.new_trend.as_str(),
                "churn": facts.churn_trend.as_str(),
                "churn_faster_than_new": facts.churn_faster,
                "any_expansion": facts.expansion.is_positive(),
                "churn_of_new": facts.churn_of_new.map(|r| r.to_decimal_string(10)),
            },
            "enough": enough,
            "needs": {
                "months": 3,
                "months_seen": facts.months.len(),
                "customers": if self.illness == Illness::TooFewCustomers { facts.needed() } else { 0 },
                "customers_seen": facts.exposed,
            },
            "months": months,
            "currency": self.source.currency,
        })
    }
}
