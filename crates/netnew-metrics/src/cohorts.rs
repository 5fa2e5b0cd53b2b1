//! Cohorts: customers by the period of their first MRR, and what is left of them at each age.

use crate::convert::Converter;
use crate::query::{Period, Query};
use crate::rollup::RollupError;
use netnew_ledger::{Context, CustomerLedger, Money, Step};
use netnew_money::{Amount, Day, Ratio};
use netnew_policy::CohortStart;
use std::collections::BTreeMap;

/// What a cohort table shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Customers still there.
    Customers,
    /// Their MRR.
    Mrr,
    /// Their MRR over what they started with.
    Nrr,
    /// The same without expansion: sum of min(start, now) over start.
    Grr,
}

impl Measure {
    /// Reads `customers`, `mrr`, `nrr` or `grr`.
    pub fn parse(text: &str) -> Option<Measure> {
        match text {
            "customers" => Some(Measure::Customers),
            "mrr" => Some(Measure::Mrr),
            "nrr" => Some(Measure::Nrr),
            "grr" => Some(Measure::Grr),
            _ => None,
        }
    }
}

/// What is left of a cohort at one age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Left {
    customers: i64,
    mrr: Amount,
    least: Amount,
}

#[derive(Clone, Debug, Default)]
struct Cohort {
    size: i64,
    base: Amount,
    /// By age in periods.
    left: Vec<Left>,
}

/// One cell of the cohort table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CohortRow {
    /// First day of the cohort's period.
    pub cohort: Day,
    /// Periods since: 0 is the end of the cohort's own period.
    pub age: u32,
    /// Customers who started in the cohort's period.
    pub size: i64,
    /// Value by measure; `None` where the denominator is 0.
    pub value: Option<Ratio>,
    /// True once the period of that age is over.
    pub mature: bool,
}

/// Accumulates cohorts over customers; parts of a book merge.
pub struct Cohorts<'a> {
    ctx: &'a Context<'a>,
    query: &'a Query,
    converter: Converter<'a>,
    periods: Vec<Period>,
    cohorts: BTreeMap<usize, Cohort>,
}

impl<'a> Cohorts<'a> {
    /// Empty cohorts over the periods of a query. Its groups are not used; its filter picks customers by what
    /// their first movement's rows say.
    pub fn new(ctx: &'a Context<'a>, query: &'a Query) -> Result<Cohorts<'a>, RollupError> {
        Ok(Cohorts {
            ctx,
            query,
            converter: Converter::new(ctx, query),
            periods: query.periods()?,
            cohorts: BTreeMap::new(),
        })
    }

    /// Adds a customer to the cohort of its first MRR.
    pub fn add(&mut self, ledger: &CustomerLedger) -> Result<(), RollupError> {
        let steps: Vec<&Step> = ledger.customer_steps().iter().filter(|s| !s.expected).collect();
        let Some(first) = steps.iter().find(|s| s.present_after && !s.present_before) else { return Ok(()) };
        let accepted = self.query.filter.0.is_empty()
            || first.rows.iter().any(|row| {
                let place = crate::rollup::row_place(self.ctx, ledger, row);
                self.query.filter.accepts(|f| place.value(f))
            });
        if !accepted {
            return Ok(());
        }
        let start_day = match self.ctx.policy.cohort_start {
            CohortStart::FirstPositiveMrr => first.day,
            CohortStart::FirstSubscription => {
                let earliest = ledger.phases.iter().filter_map(|p| p.first()).map(|p| p.from).min();
                earliest.map_or(first.day, |at| self.ctx.zone.day_of(at))
            }
        };
        // Out while it is used, so that the rates it has looked up stay.
        let converter = std::mem::replace(&mut self.converter, Converter::new(self.ctx, self.query));
        let outcome = self.put(
            start_day,
            || converter.total(&first.level_after, first.day),
            |day| {
                let (present, money) = standing(&steps, day);
                Ok((present, converter.total(&money, day)?))
            },
        );
        self.converter = converter;
        outcome
    }

    /// Adds a customer who starts on a day. `base` gives the level that it starts with, `stands` whether it is there at the
    /// end of a day and at which level; days are asked for in order. All in the report's currency.
    pub fn put(
        &mut self,
        start_day: Day,
        base: impl FnOnce() -> Result<Amount, RollupError>,
        mut stands: impl FnMut(Day) -> Result<(bool, Amount), RollupError>,
    ) -> Result<(), RollupError> {
        let index = self.periods.partition_point(|p| p.last < start_day);
        if self.periods.get(index).is_none_or(|p| start_day < p.first) {
            return Ok(());
        }
        let base = base()?;
        let ages = self.periods.len() - index;
        let cohort = self.cohorts.entry(index).or_default();
        cohort.size += 1;
        cohort.base += base;
        cohort.left.resize(ages, Left::default());
        for (left, period) in cohort.left.iter_mut().zip(&self.periods[index..]) {
            let (present, level) = stands(period.last)?;
            let level = level.max(Amount::ZERO);
            left.customers += i64::from(present);
            left.mrr += level;
            left.least += level.min(base);
        }
        Ok(())
    }

    /// Adds cohorts of other customers.
    pub fn merge(&mut self, other: Cohorts<'a>) {
        for (index, theirs) in other.cohorts {
            let mine = self.cohorts.entry(index).or_default();
            mine.size += theirs.size;
            mine.base += theirs.base;
            mine.left.resize(mine.left.len().max(theirs.left.len()), Left::default());
            for (m, t) in mine.left.iter_mut().zip(theirs.left) {
                m.customers += t.customers;
                m.mrr += t.mrr;
                m.least += t.least;
            }
        }
    }

    /// The table, by cohort and age. `over` tells whether a period has ended.
    pub fn finish(self, measure: Measure, over: impl Fn(&Period) -> bool) -> Vec<CohortRow> {
        let mut rows = Vec::new();
        for (index, cohort) in &self.cohorts {
            for (age, left) in cohort.left.iter().enumerate() {
                let base = Ratio::from_amount(cohort.base);
                let value = match measure {
                    Measure::Customers => Some(Ratio::from_int(i128::from(left.customers))),
                    Measure::Mrr => Some(Ratio::from_amount(left.mrr)),
                    Measure::Nrr => Ratio::from_amount(left.mrr).checked_div(base),
                    Measure::Grr => Ratio::from_amount(left.least).checked_div(base),
                };
                rows.push(CohortRow {
                    cohort: self.periods[*index].start,
                    age: age as u32,
                    size: cohort.size,
                    value,
                    mature: over(&self.periods[index + age]),
                });
            }
        }
        rows
    }
}

/// Presence and level at the end of a day.
fn standing(steps: &[&Step], day: Day) -> (bool, Money) {
    let after = steps.partition_point(|s| s.day <= day);
    match after.checked_sub(1) {
        Some(at) => (steps[at].present_after, steps[at].level_after.clone()),
        None => (false, Money::new()),
    }
}
