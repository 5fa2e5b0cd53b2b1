//! Months, movements and customers out of a report, in the shape that decisions ask for.

use super::lives::{Asked, Life, lives};
use crate::movements::{Movement, collect};
use crate::{Report, ReportError};
use netnew_decide::benchmarks::{Benchmark, Standing, normal_gross_churn};
use netnew_decide::diagnosis::{Business, Paying, Start};
use netnew_decide::forecast::History;
use netnew_decide::pace::Known;
use netnew_decide::words::quoted;
use netnew_decide::{Event, Month, Source};
use netnew_metrics::{Extras, Field, Query, ReportCurrency, RollupRow};
use netnew_money::{Amount, Day, Grain, Ratio};
use std::collections::BTreeMap;

/// Months, and customers' levels at the days that decisions compare.
pub struct Decisions {
    /// Complete months, oldest first.
    pub months: Vec<Month>,
    /// The rows behind them.
    pub rows: Vec<RollupRow>,
    lives: Vec<Life>,
    /// Which of a life's levels are the start of three months, the start of twelve, the end.
    at: Month12,
}

/// Positions of a life's levels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Month12 {
    twelve: usize,
    three: usize,
    end: usize,
}

impl Decisions {
    /// Gathers months and customers.
    ///
    /// # Errors
    /// Several currencies (wrong usage), a missing rate, a book that cannot be read.
    pub fn gather(report: &Report) -> Result<Decisions, ReportError> {
        let (_, rows) = complete_months(report, Extras { retention: true, committed: false })?;
        let months: Vec<Month> = rows.iter().map(Month::of).collect();
        let Some(last) = months.last() else {
            return Ok(Decisions { months, rows, lives: Vec::new(), at: Month12::default() });
        };
        let back = |n: usize| months[months.len().saturating_sub(n)].first;
        let before = |n: usize| back(n).add_days(-1);
        let days = [before(12), before(3), last.last];
        let query = monthly(report)?;
        let lives = lives(report, &query, &Asked { days: &days, named_from: back(3) })?;
        Ok(Decisions { months, rows, lives, at: Month12 { twelve: 0, three: 1, end: 2 } })
    }

    /// The last so many complete months, or what there is.
    pub fn last(&self, months: usize) -> &[Month] {
        &self.months[self.months.len().saturating_sub(months)..]
    }

    /// What is placed among benchmarks.
    pub fn standing(&self) -> Standing {
        let pairs = |from: usize| -> Vec<(Amount, Amount)> {
            let level = |life: &Life, at: usize| life.levels.get(at).copied().unwrap_or_default();
            self.lives
                .iter()
                .filter(|life| level(life, from).is_positive())
                .map(|life| (level(life, from), level(life, self.at.end).max(Amount::ZERO)))
                .collect()
        };
        Standing { months: self.months.clone(), three: pairs(self.at.three), twelve: pairs(self.at.twelve) }
    }

    /// Movements of the last three complete months.
    ///
    /// # Errors
    /// A missing rate, or a book that cannot be read.
    pub fn events(&self, report: &Report) -> Result<Vec<Event>, ReportError> {
        let window = self.last(3);
        let (Some(first), Some(last)) = (window.first(), window.last()) else { return Ok(Vec::new()) };
        self.events_between(report, first.first, last.last)
    }

    /// Movements between two days, inclusive, by time.
    ///
    /// # Errors
    /// A missing rate, or a book that cannot be read.
    pub fn events_between(&self, report: &Report, from: Day, to: Day) -> Result<Vec<Event>, ReportError> {
        let mut query = monthly(report)?;
        (query.from, query.to, query.with_expected) = (from, to, false);
        let movements = collect(report, &query, None, None, true)?;
        Ok(movements.iter().map(|m| self.event(m)).collect())
    }

    fn event(&self, m: &Movement) -> Event {
        let life = self
            .lives
            .binary_search_by(|life| life.customer.as_str().cmp(&m.customer))
            .ok()
            .map(|at| &self.lives[at]);
        Event {
            id: m.id.clone(),
            date: m.date,
            customer: m.customer.to_string(),
            name: life.and_then(|l| l.name.clone()),
            plan: m.row.plan.as_deref().map(str::to_string),
            kind: m.row.kind,
            cause: m.row.cause,
            amount: m.row.amount,
            since: life.map(|l| l.first),
        }
    }

    /// Everything that the diagnosis looks at.
    ///
    /// # Errors
    /// A missing rate, or a book that cannot be read.
    pub fn business(&self, report: &Report, benchmarks: &[Benchmark]) -> Result<Business, ReportError> {
        let source = source(report)?;
        let Some(last) = self.months.last() else { return Ok(Business { source, ..Business::default() }) };
        let since = last.first.add_months(-7).first_of_month();
        let starts = self.lives.iter().filter(|l| l.first >= since && l.first <= last.last);
        let level = |life: &Life| life.levels.get(self.at.end).copied().unwrap_or_default();
        let paying = self.lives.iter().filter(|l| level(l).is_positive());
        Ok(Business {
            events: self.events(report)?,
            starts: starts.map(|l| Start { day: l.first, lost: l.lost }).collect(),
            paying: paying
                .map(|l| Paying {
                    customer: l.customer.clone(),
                    name: l.name.clone(),
                    plan: l.plan.clone(),
                    mrr: level(l),
                    since: l.first,
                    expanded: l.expanded,
                })
                .collect(),
            on_plan: self.on_plan(report)?,
            normal_churn: normal_gross_churn(benchmarks, last.end),
            months: self.months.clone(),
            source,
        })
    }

    /// Per plan, how many customers were on it at some time in the last three months.
    fn on_plan(&self, report: &Report) -> Result<BTreeMap<String, i64>, ReportError> {
        let window = self.last(3);
        let (Some(first), Some(last)) = (window.first(), window.last()) else { return Ok(BTreeMap::new()) };
        let mut query = monthly(report)?;
        (query.from, query.to, query.with_expected) = (first.first, last.last, false);
        query.by = vec![Field::Plan];
        let mut out: BTreeMap<String, i64> = BTreeMap::new();
        for row in report.rows(&query, Extras::default())? {
            let Some(Some(plan)) = row.group.values.first() else { continue };
            let came = row.heads.new + row.heads.reactivated + row.heads.entered;
            let starts = if row.period.first == first.first { row.heads_start } else { 0 };
            *out.entry(plan.clone()).or_default() += came + starts;
        }
        Ok(out)
    }
}

/// The report's question by month, without groups.
fn monthly(report: &Report) -> Result<Query, ReportError> {
    let mut query = report.query()?;
    query.grain = Grain::Month;
    query.by.clear();
    Ok(query)
}

/// The complete months of the report's range, oldest first.
fn complete_months(report: &Report, extras: Extras) -> Result<(Query, Vec<RollupRow>), ReportError> {
    source(report)?;
    let query = monthly(report)?;
    let rows = match report.is_empty()? {
        true => Vec::new(),
        false => report.rows(&query, extras)?,
    };
    let rows = rows.into_iter().filter(|r| report.complete(&r.period)).collect();
    Ok((query, rows))
}

/// Where figures come from; refuses several currencies, for one lever needs one number.
pub fn source(report: &Report) -> Result<Source, ReportError> {
    let ReportCurrency::In(currency) = report.currency else {
        return Err(ReportError::usage(
            "usage",
            "decisions need one currency",
            "give --currency a currency code, or leave it out for the book's",
        ));
    };
    let asked = &report.question;
    let mut flags = String::new();
    for (flag, value) in [
        ("--policy", &asked.policy),
        ("--currency", &asked.currency),
        ("--timezone", &asked.timezone),
        ("--known-on", &asked.known_on),
        ("--constant-rates", &asked.constant_rates),
    ] {
        if let Some(value) = value {
            flags.push_str(&format!(" {flag} {}", quoted(value)));
        }
    }
    for set in &asked.set {
        flags.push_str(&format!(" --set {}", quoted(set)));
    }
    let filter = asked.filter.clone().filter(|f| !f.trim().is_empty());
    Ok(Source { currency: currency.as_str().into(), decimals: currency.exponent(), flags, filter })
}

/// Complete months, and what is known of the months after them.
pub fn history(report: &Report, months: usize) -> Result<History, ReportError> {
    let (query, rows) = complete_months(report, Extras::default())?;
    let past: Vec<Month> = rows.iter().map(Month::of).collect();
    let today = report.today();
    let Some(last) = past.last() else {
        return Ok(History { next: today.first_of_month(), months: past, known: Vec::new() });
    };
    let next = last.last.add_days(1);
    let ahead = i32::try_from(months).unwrap_or(i32::MAX).clamp(1, 1_200);
    let end = next.add_months(ahead - 1).last_of_month();
    let part = |from: Day, to: Day| -> Result<Vec<Month>, ReportError> {
        let mut part = report.query_over(from, to);
        (part.grain, part.by) = (query.grain, query.by.clone());
        Ok(report.rows(&part, Extras::default())?.iter().map(Month::of).collect())
    };
    let all = part(next, end)?;
    let running = if today >= next { part(next, today)? } else { Vec::new() };
    // What is agreed is only known under a policy that looks at it; otherwise the rows ahead are empty.
    let known = all
        .iter()
        .enumerate()
        .map(|(at, month)| {
            let first = next.add_months(i32::try_from(at).unwrap_or(0));
            let happened = running.iter().find(|m| m.first.first_of_month() == first).cloned();
            known_of(first, month, happened, today)
        })
        .collect();
    Ok(History { months: past, known, next })
}

fn known_of(first: Day, all: &Month, happened: Option<Month>, today: Day) -> Known {
    let last = first.last_of_month();
    let zero = Month {
        first,
        last,
        start: all.start,
        new: Amount::ZERO,
        reactivation: Amount::ZERO,
        expansion: Amount::ZERO,
        contraction: Amount::ZERO,
        churn: Amount::ZERO,
        transfer: Amount::ZERO,
        fx: Amount::ZERO,
        end: all.start,
        customers_start: 0,
        customers_new: 0,
        customers_back: 0,
        customers_lost: 0,
        customers_end: 0,
        retained_12: None,
    };
    let so_far = happened.unwrap_or_else(|| zero.clone());
    let agreed = Month {
        new: all.new - so_far.new,
        reactivation: all.reactivation - so_far.reactivation,
        expansion: all.expansion - so_far.expansion,
        contraction: all.contraction - so_far.contraction,
        churn: all.churn - so_far.churn,
        transfer: all.transfer - so_far.transfer,
        ..zero
    };
    let days = last.days_since(first) + 1;
    let left = last.days_since(today.max(first.add_days(-1)).min(last));
    let left = Ratio::new(i128::from(left), i128::from(days)).unwrap_or(Ratio::ONE);
    Known { so_far, agreed, left }
}
