//! Goals against what the book says, and what people wrote down of single days.

use super::gather;
use crate::figures::{level, percent};
use crate::metrics::{cash, figures, find};
use crate::{Report, ReportError};
use netnew_access::{Access, AccessError, Annotation, Goal};
use netnew_decide::forecast::forecast;
use netnew_decide::goals::{Aim, Course, Standing, Verdict, standing};
use netnew_decide::words::quoted;
use netnew_metrics::registry::{Metric, Unit, Value as MetricValue};
use netnew_metrics::{Extras, ReportCurrency};
use netnew_money::{Amount, Day, Grain, Ratio, Rounding};
use serde_json::{Value, json};

/// Metrics that have a value at the end of every day; others are of whole months.
const LEVELS: [&str; 3] = ["mrr", "arr", "customers"];
/// How far ahead a pace is followed.
const MOST_MONTHS: i32 = 120;
/// Complete months that make the pace of customers.
const PACE_MONTHS: usize = 6;

/// What people wrote down about a book.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// What happened, by day.
    pub annotations: Vec<Annotation>,
    /// What is to be reached, by day.
    pub goals: Vec<Goal>,
}

impl Marks {
    /// All of a book's.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn of(access: &Access) -> Result<Marks, AccessError> {
        Ok(Marks { annotations: access.annotations()?, goals: access.goals()? })
    }

    /// The goal that a chart of MRR shows: the nearest one ahead, in the currency of the chart, while the chart is of the
    /// whole business.
    pub fn on_chart(&self, report: &Report) -> Option<&Goal> {
        let whole = report.question.filter.as_deref().is_none_or(|f| f.trim().is_empty());
        let currency = report.currency_name();
        let today = report.today();
        let shown = |g: &&Goal| {
            g.metric == "mrr"
                && !g.at_most
                && g.by >= today
                && g.currency.as_deref() == Some(currency.as_str())
        };
        self.goals.iter().find(shown).filter(|_| whole)
    }
}

/// A goal and how it stands.
#[derive(Clone)]
pub struct GoalStanding {
    /// The goal.
    pub goal: Goal,
    /// Its metric.
    pub metric: &'static Metric,
    /// How it stands.
    pub standing: Standing,
    /// The last day that its value is of.
    pub day: Day,
    /// What it is counted in: a currency's code, `ratio`, `count`, ...
    pub unit: String,
    /// Decimals of its money.
    pub decimals: u8,
    /// The same in a sentence, with its figures.
    pub says: String,
    /// The command that gives its value.
    pub command: String,
}

/// A goal from what somebody typed: shares as `5%` or `0.05`.
///
/// # Errors
/// An unknown metric, a value or a day that is none, or a rate of loss that is to be *at least* something.
pub fn goal_from(
    report: &Report,
    metric: &str,
    value: &str,
    by: &str,
    at_most: bool,
) -> Result<Goal, ReportError> {
    let metric = find(metric.trim())?;
    let value = parse_value(metric, value.trim())?;
    let by = Day::parse(by.trim())
        .map_err(|e| ReportError::usage("bad_date", e.to_string(), "write a day like 2027-03-31"))?;
    if !at_most && metric.name.contains("churn") {
        return Err(ReportError::usage(
            "bad_goal",
            format!("{} is a loss: at least {value} of it is no goal", metric.name),
            "say that the value or less is good: --at-most, or the aim at_most",
        ));
    }
    let currency = match (metric.unit, report.currency) {
        (Unit::Currency, ReportCurrency::In(currency)) => Some(currency.as_str().to_string()),
        (Unit::Currency, ReportCurrency::Original) => {
            return Err(ReportError::usage(
                "bad_goal",
                "a goal of money needs one currency",
                "give --currency a currency code, or leave it out for the book's",
            ));
        }
        _ => None,
    };
    let since = report.as_of;
    Ok(Goal { id: String::new(), metric: metric.name.into(), at_most, value, currency, by, since })
}

fn parse_value(metric: &Metric, text: &str) -> Result<Amount, ReportError> {
    let bad =
        |what: String| ReportError::usage("bad_goal", what, "give a number, for example 10000, 5% or 0.05");
    let plain = text.trim_end_matches('%').trim();
    let value = Amount::parse(&plain.replace([',', '_'], "")).map_err(|e| bad(e.to_string()))?;
    let whole = Ratio::from_amount(value).den() == 1;
    match (metric.unit, text.ends_with('%')) {
        (Unit::Ratio, true) => Ratio::from_amount(value)
            .checked_div(Ratio::from_int(100))
            .and_then(|r| r.to_amount(Rounding::HalfEven))
            .ok_or_else(|| bad(format!("{text:?} is out of range"))),
        (_, true) => Err(bad(format!("{} is not counted in percent", metric.name))),
        (Unit::Count, false) if !whole => Err(bad(format!("{} are whole: {text:?}", metric.name))),
        _ => Ok(value),
    }
}

/// How it stands with each goal, in the order given.
///
/// # Errors
/// A missing rate, or a book that cannot be read.
pub fn goals(report: &Report, goals: &[Goal]) -> Result<Vec<GoalStanding>, ReportError> {
    let empty = report.is_empty()?;
    goals.iter().map(|goal| measure(report, goal, empty)).collect()
}

fn measure(report: &Report, goal: &Goal, empty: bool) -> Result<GoalStanding, ReportError> {
    let metric = find(&goal.metric)?;
    let aim = if goal.at_most { Aim::AtMost } else { Aim::AtLeast };
    let other = goal.currency.as_ref().is_some_and(|c| *c != report.currency_name());
    let today = report.today();
    let day = today.min(goal.by);
    let level = LEVELS.contains(&metric.name);
    let (from, to) = if level { (day, day) } else { last_month(day) };
    let mut course = Course { day, value: None, ahead: Vec::new() };
    if !empty && !other {
        course.value = value(report, metric, from, to)?;
        if level && goal.by > today {
            course.ahead = ahead(report, metric, goal.by, course.value)?;
        }
    }
    let mut standing = standing(aim, Ratio::from_amount(goal.value), goal.by, &course);
    if !level {
        // A share does not grow month by month towards its goal.
        standing.needed = None;
    }
    let decimals = match report.currency {
        ReportCurrency::In(currency) => currency.exponent(),
        ReportCurrency::Original => 2,
    };
    let unit = match (metric.unit, &goal.currency) {
        (Unit::Currency, Some(currency)) => currency.clone(),
        (unit, _) => unit.as_str().to_string(),
    };
    let interval = if level { " --interval day" } else { "" };
    // `source` refuses several currencies; a goal of heads does not need one.
    let flags = gather::source(report).map(|s| s.flags).unwrap_or_default();
    let filter = report.question.filter.as_deref().filter(|f| !f.trim().is_empty());
    let filter = filter.map(|f| format!(" --where {}", quoted(f))).unwrap_or_default();
    let command = format!("netnew metrics {} --from {from} --to {to}{interval}{flags}{filter}", metric.name);
    let mut out = GoalStanding {
        goal: goal.clone(),
        metric,
        standing,
        day: to,
        unit,
        decimals,
        says: String::new(),
        command,
    };
    out.says = match other {
        true => format!("The goal is in {}; these figures are in {}.", out.unit, report.currency_name()),
        false => out.sentence(),
    };
    Ok(out)
}

/// The last whole month that is over at the end of a day.
fn last_month(day: Day) -> (Day, Day) {
    let last = if day == day.last_of_month() { day } else { day.first_of_month().add_days(-1) };
    (last.first_of_month(), last)
}

/// A metric over the row that ends on `to`.
fn value(report: &Report, metric: &'static Metric, from: Day, to: Day) -> Result<Option<Ratio>, ReportError> {
    let back = i32::try_from(metric.looks_back_months).unwrap_or(0);
    let mut query = report.query_over(from.add_months(-back), to);
    query.by.clear();
    query.with_expected = false;
    query.grain = if from == to { Grain::Day } else { Grain::Month };
    let extras: Extras = crate::metrics::needs(&[metric]);
    let rows = report.rows(&query, extras)?;
    let cash = cash(report, &query, &[metric])?;
    let all = figures(report, &query, &[], &rows, &[metric], cash.as_ref());
    let of_row = all.into_iter().rfind(|figure| figure.row.period.last == to);
    Ok(of_row.and_then(|figure| figure.value).map(|value| match value {
        MetricValue::Money(amount) => Ratio::from_amount(amount),
        MetricValue::Ratio(ratio) => ratio,
        MetricValue::Count(count) => Ratio::from_int(i128::from(count)),
    }))
}

/// The ends of the months up to a day's own, with a level at the present pace.
fn ahead(
    report: &Report,
    metric: &Metric,
    by: Day,
    now: Option<Ratio>,
) -> Result<Vec<(Day, Ratio)>, ReportError> {
    let Some(now) = now else { return Ok(Vec::new()) };
    let today = report.today();
    let months = (1..=MOST_MONTHS).find(|n| today.first_of_month().add_months(*n) > by);
    let Some(months) = months else { return Ok(Vec::new()) };
    let months = usize::try_from(months).unwrap_or(1);
    if metric.name == "customers" {
        return Ok(heads_ahead(&gather::history(report, 1)?.months, today, now, months));
    }
    let mut whole = report.query_over(today, today);
    whole.by.clear();
    whole.grain = Grain::Day;
    // ARR has the pace of MRR as long as it is twelve times as much; what is counted from contracts has none.
    let factor = match metric.name {
        "arr" => {
            let mrr = report.rows(&whole, Extras::default())?.last().map(|r| Ratio::from_amount(r.end));
            let twelve = mrr.and_then(|mrr| mrr.checked_mul(Ratio::from_int(12)));
            if twelve != Some(now) {
                return Ok(Vec::new());
            }
            Ratio::from_int(12)
        }
        _ => Ratio::ONE,
    };
    // The month before may still be open for lack of data, so a month more is looked at.
    let history = gather::history(report, months + 1)?;
    let path = forecast(&history, months + 1);
    let points = path
        .rows
        .iter()
        .filter_map(|row| Some((row.month.last, Ratio::from_amount(row.month.end).checked_mul(factor)?)));
    Ok(points.collect())
}

/// Customers at the ends of months, by the mean of the last complete ones.
fn heads_ahead(past: &[netnew_decide::Month], today: Day, now: Ratio, months: usize) -> Vec<(Day, Ratio)> {
    let recent = &past[past.len().saturating_sub(PACE_MONTHS)..];
    let net: i64 = recent.iter().map(|m| m.customers_end - m.customers_start).sum();
    let count = i128::try_from(recent.len()).unwrap_or(0);
    let Some(mean) = Ratio::new(i128::from(net), count) else { return Vec::new() };
    let mut out: Vec<(Day, Ratio)> = Vec::new();
    let mut level = now;
    for at in 0..i32::try_from(months).unwrap_or(0) {
        let first = today.first_of_month().add_months(at);
        let last = first.last_of_month();
        let from = if at == 0 { today } else { first.add_days(-1) };
        let share = netnew_decide::goals::months_between(from, last);
        let next = mean.checked_mul(share).and_then(|part| level.checked_add(part));
        let Some(next) = next else { break };
        level = next;
        out.push((last, level));
    }
    out
}

impl GoalStanding {
    /// A value as readers see it, without its currency.
    pub fn shown(&self, value: Ratio) -> String {
        let rounded = |decimals: u8| {
            value
                .round_to(Amount::SCALE, Rounding::HalfEven)
                .map_or_else(String::new, |raw| level(Amount::from_raw(raw), decimals))
        };
        match self.metric.unit {
            Unit::Currency => rounded(self.decimals),
            Unit::Ratio => percent(value),
            Unit::Count => rounded(0),
            Unit::Months | Unit::Days => rounded(1),
        }
    }

    /// The goal's own value as readers see it.
    pub fn target(&self) -> String {
        self.shown(Ratio::from_amount(self.goal.value))
    }

    /// The figures in a sentence.
    fn sentence(&self) -> String {
        let day = self.day;
        let told = &self.standing;
        let name = self.metric.title;
        let unit = self.goal.currency.as_ref().map(|c| format!(" {c}")).unwrap_or_default();
        let by = self.goal.by;
        let target = self.target();
        let show = |value: Option<Ratio>| value.map(|v| self.shown(v)).unwrap_or_default();
        let value = show(told.value);
        match told.verdict {
            Verdict::Unknown => format!("{name}: no value yet; the goal is {target}{unit} by {by}."),
            Verdict::Reached => {
                format!("{name}: {value}{unit} on {day}; the goal of {target} was reached.")
            }
            Verdict::Missed => format!(
                "{name}: {value}{unit} on {day}, {} away from the goal of {target}.",
                show(told.missing)
            ),
            Verdict::Met => format!("{name}: {value}{unit}; the goal of {target} by {by} is met."),
            Verdict::OnPace => format!(
                "{name}: {value}{unit}; at the present pace {} by {by}, which meets the goal of {target}.",
                show(told.expected)
            ),
            Verdict::Short => format!(
                "{name}: {value}{unit}; at the present pace {} by {by}, {} short of the goal of {target}. It takes {} a \
                 month; the pace brings {}.",
                show(told.expected),
                show(told.short),
                show(told.needed),
                show(told.pace)
            ),
            Verdict::Open => {
                format!("{name}: {value}{unit}; the goal is {target} by {by}, {} away.", show(told.missing))
            }
        }
    }

    /// The row as JSON: the goal, its figures, and what they say.
    pub fn to_json(&self) -> Value {
        let mut out = self.goal.to_json();
        if let (Value::Object(out), Value::Object(told)) = (&mut out, self.standing.to_json()) {
            out.extend(told);
            out.insert("unit".into(), json!(self.unit));
            out.insert("says".into(), json!(self.says));
            out.insert("command".into(), json!(self.command));
        }
        out
    }
}
