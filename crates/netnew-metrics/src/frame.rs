//! The frame of a report: everything its figures are a function of besides the facts, and what follows from it
//! (default range, what is complete, what is only expected).

use crate::query::{Field, Filter, Period, Query, QueryError, ReportCurrency};
use crate::rollup::RollupRow;
use netnew_facts::{RateFact, Text};
use netnew_ledger::Context;
use netnew_money::{Currency, Day, Grain, Instant, MoneyError, RateTable, WeekStart, Zone};
use netnew_policy::{Policy, SamePeriod, ScheduledChanges};
use std::collections::BTreeMap;

/// A report's inputs. Times: `as_of` is never after `known_on`.
#[derive(Clone)]
pub struct Frame {
    /// The rules.
    pub policy: Policy,
    /// The report's zone.
    pub zone: Zone,
    /// The book's zone.
    pub book_zone: Zone,
    /// The book's currency.
    pub book_currency: Currency,
    /// Rates as known.
    pub rates: RateTable,
    /// Now.
    pub as_of: Instant,
    /// What was known.
    pub known_on: Instant,
    /// Per source, up to when it is known complete.
    pub data_through: BTreeMap<Text, Instant>,
    /// The earliest state there is, from which a report without `from` looks for the first movement.
    pub first_effective: Option<Instant>,
    /// Currency of the report.
    pub currency: ReportCurrency,
    /// One day's rates for everything.
    pub constant_rates: Option<Day>,
    /// Interval.
    pub grain: Grain,
    /// Groups.
    pub by: Vec<Field>,
    /// Filter.
    pub filter: Filter,
    /// First day; `None`: the first of the month of the first movement.
    pub from: Option<Day>,
    /// Last day, inclusive; `None`: as-of's day.
    pub to: Option<Day>,
}

impl Frame {
    /// As-of's day in the report's zone.
    pub fn today(&self) -> Day {
        self.zone.day_of(self.as_of)
    }

    /// The instant up to which every source is known complete: the least over sources.
    pub fn least_data_through(&self) -> Option<Instant> {
        self.data_through.values().min().copied()
    }

    /// The question. Without `from` it covers the whole life of the book; [`Frame::trim`] then cuts the rows before the
    /// first movement's month.
    pub fn query(&self) -> Result<Query, QueryError> {
        let to = self.to.unwrap_or_else(|| self.today());
        let from = match self.from {
            Some(day) => day,
            None => {
                let first = self.first_effective.map_or(to, |at| self.zone.day_of(at));
                month_start(first.min(to))
            }
        };
        if to < from {
            return Err(QueryError::Range { from, to });
        }
        Ok(self.query_over(from, to))
    }

    /// The question over given days.
    pub fn query_over(&self, from: Day, to: Day) -> Query {
        Query {
            from,
            to,
            grain: self.grain,
            week_start: self.policy.week_start,
            currency: self.currency,
            constant_rates: self.constant_rates,
            by: self.by.clone(),
            filter: self.filter.clone(),
            with_expected: to > self.today()
                && self.policy.scheduled_changes == ScheduledChanges::KnownFuture,
        }
    }

    /// The ledger's context for a question. `future`: work out everything that is already known, not only what
    /// lies in range.
    pub fn context(&self, query: &Query, future: bool) -> Context<'_> {
        // Whether a month is hidden shows only at its end.
        let last = match self.policy.same_period_new_and_churn {
            SamePeriod::BothHidden => query.to.last_of_month().add_days(1),
            _ => query.to,
        };
        let in_range = end_of_day(last, &self.zone);
        Context {
            policy: &self.policy,
            zone: &self.zone,
            book_zone: &self.book_zone,
            book_currency: self.book_currency,
            rates: &self.rates,
            as_of: self.as_of,
            known_on: self.known_on,
            horizon: if future { Instant::MAX } else { in_range.max(self.as_of) },
            data_through: &self.data_through,
            grain: query.grain,
            range_start: Some(query.from),
            range_end: Some(query.to),
            dimensions: query.dimensions(),
        }
    }

    /// Without `from`, a report starts with the month of the first movement (`first`, `None` when there is none).
    pub fn trim(&self, mut rows: Vec<RollupRow>, first: Option<Day>) -> Vec<RollupRow> {
        if self.from.is_some() {
            return rows;
        }
        let last = rows.last().map(|row| row.period.last);
        let Some(first) = first.filter(|first| last.is_some_and(|last| *first <= last)) else {
            return Vec::new();
        };
        let month = month_start(first);
        rows.retain(|row| row.period.last >= month);
        for row in &mut rows {
            row.period.first = row.period.first.max(month);
            row.period.whole &= row.period.start >= month;
        }
        rows
    }

    /// True when a period is whole and over.
    pub fn complete(&self, period: &Period) -> bool {
        period.whole && self.as_of >= end_of_day(period.next.add_days(-1), &self.zone)
    }

    /// True when a row holds what is only expected.
    pub fn expected(&self, query: &Query, period: &Period) -> bool {
        query.to > self.today() && end_of_day(period.last, &self.zone) > self.as_of
    }

    /// Name of the report's currency.
    pub fn currency_name(&self) -> String {
        match self.currency {
            ReportCurrency::In(currency) => currency.as_str().to_string(),
            ReportCurrency::Original => "original".to_string(),
        }
    }
}

/// The last microsecond of a day in a zone.
pub fn end_of_day(day: Day, zone: &Zone) -> Instant {
    zone.start_of(day.add_days(1)).add_micros(-1)
}

fn month_start(day: Day) -> Day {
    Grain::Month.period_start(day, WeekStart::Monday)
}

/// The rates that were known: per day and pair the winner by source version, then order of booking.
pub fn known_rates(facts: &[RateFact], known_on: Instant) -> Result<RateTable, MoneyError> {
    let mut winners = BTreeMap::new();
    for fact in facts.iter().filter(|f| f.recorded_at <= known_on) {
        let rank = (fact.version.unwrap_or(fact.recorded_at.micros()), fact.booked_seq);
        let slot = winners.entry((fact.day, fact.base, fact.quote)).or_insert((rank, fact.rate));
        if rank > slot.0 {
            *slot = (rank, fact.rate);
        }
    }
    let mut table = RateTable::new();
    for ((day, base, quote), (_, rate)) in winners {
        if let Some(rate) = rate {
            table.insert(day, base, quote, rate)?;
        }
    }
    Ok(table)
}
