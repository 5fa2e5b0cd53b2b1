//! Where a page of movements lies: the instants of the rows that a question takes, and whose they are.

use crate::attributes::People;
use crate::classes::{Classes, without_dimensions};
use crate::cut::Cut;
use crate::image::Image;
use crate::pass::pass_among;
use crate::periods::{Groups, OUT};
use crate::rules::Rules;
use crate::step::{Posting, Row, Sink, Step};
use netnew_ledger::{Context, CustomerLedger, Kind};
use netnew_metrics::{Extras, Query, RollupError, row_place};
use netnew_money::Instant;
use std::collections::BTreeMap;

/// Which rows are looked for.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// Range, filter, and whether what is expected counts.
    pub query: &'a Query,
    /// Only rows of this kind.
    pub kind: Option<Kind>,
    /// So many of the first rows by time; `None` for all.
    pub first: Option<usize>,
    /// By number of a source of the image, the instant at which its history begins.
    pub begins: &'a [Option<Instant>],
}

/// The rows that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// (instant in microseconds, customer) of the first rows by time, in that order; rows of the last instant are all
    /// there.
    pub rows: Vec<(i64, u32)>,
    /// How many rows there are altogether.
    pub count: usize,
    /// By number of a source: up to two customers who are new at the instant at which its history begins.
    pub opening: Vec<Vec<u32>>,
}

impl Found {
    fn new(wanted: &Wanted) -> Found {
        Found { rows: Vec::new(), count: 0, opening: vec![Vec::new(); wanted.begins.len()] }
    }

    fn add(&mut self, at: i64, customer: u32, last: &mut i64, wanted: &Wanted) {
        self.count += 1;
        if at > *last {
            return;
        }
        self.rows.push((at, customer));
        if let Some(first) = wanted.first
            && self.rows.len() > 2 * first + SPARE
        {
            self.shorten(first, last);
        }
    }

    /// Keeps the first rows, and those at the same instant as the last of them.
    fn shorten(&mut self, first: usize, last: &mut i64) {
        if self.rows.len() <= first || first == 0 {
            return;
        }
        let (_, at, _) = self.rows.select_nth_unstable(first - 1);
        *last = at.0;
        self.rows.retain(|(at, _)| at <= last);
    }

    fn opens(&mut self, source: u16, customer: u32) {
        let customers = &mut self.opening[usize::from(source)];
        if customers.len() < 2 && !customers.contains(&customer) {
            customers.push(customer);
        }
    }

    fn merge(&mut self, other: Found) {
        self.rows.extend(other.rows);
        self.count += other.count;
        for (source, customers) in other.opening.iter().enumerate() {
            customers.iter().for_each(|customer| self.opens(source as u16, *customer));
        }
    }
}

/// Rows that are gathered before the last of them are thrown away.
const SPARE: usize = 1 << 16;

/// Finds rows; `rules` are made for the context [`without_dimensions`], `cut` is in its zone. `None` when the question
/// tells too many customers apart.
///
/// # Errors
/// A missing rate, or a level that does not fit.
pub fn find(
    image: &Image,
    people: &People,
    rules: &Rules,
    cut: Option<&Cut>,
    ctx: &Context,
    wanted: Wanted,
) -> Result<Option<Found>, RollupError> {
    let query = wanted.query;
    let Some(classes) = Classes::new(image, people, ctx, query, Extras::default()) else { return Ok(None) };
    let groups = Groups::new(image, rules, query, Some(&classes));
    let plain = without_dimensions(ctx);
    let new = || Finder {
        image,
        rules,
        classes: &classes,
        groups: &groups,
        wanted,
        days: cut.map(|cut| {
            let day = |day: netnew_money::Day| i64::from(day.days_since(cut.first()));
            (day(query.from), day(query.to))
        }),
        last: i64::MAX,
        found: Found::new(&wanted),
    };
    let mut found = Found::new(&wanted);
    for part in pass_among(image, rules, &plain, cut, Some(&classes), new)? {
        found.merge(part.found);
    }
    if classes.special() > 0 {
        let sources: BTreeMap<&str, u16> =
            image.sources.iter().enumerate().map(|(at, source)| (&**source, at as u16)).collect();
        let parts = classes.fold_special(
            image,
            people,
            ctx,
            || Ok::<_, RollupError>((Found::new(&wanted), i64::MAX)),
            |(found, last), customer, ledger| {
                in_ledger(ledger, ctx, &wanted, |at, row| {
                    found.add(at, customer as u32, last, &wanted);
                    let source = sources.get(&*ledger.items[row.item as usize].source);
                    if let Some(source) = source.filter(|s| opens(row.kind, at, &wanted, **s)) {
                        found.opens(*source, customer as u32);
                    }
                });
                Ok(())
            },
        )?;
        parts.into_iter().for_each(|(part, _)| found.merge(part));
    }
    if let Some(first) = wanted.first {
        found.shorten(first, &mut i64::MAX.clone());
    }
    found.rows.sort_unstable();
    Ok(Some(found))
}

fn opens(kind: Kind, at: i64, wanted: &Wanted, source: u16) -> bool {
    kind == Kind::New && wanted.begins[usize::from(source)].is_some_and(|begins| begins.micros() == at)
}

fn in_ledger(
    ledger: &CustomerLedger,
    ctx: &Context,
    wanted: &Wanted,
    mut found: impl FnMut(i64, &netnew_ledger::Row),
) {
    let query = wanted.query;
    for step in &ledger.steps {
        if step.day < query.from || step.day > query.to || (step.expected && !query.with_expected) {
            continue;
        }
        for row in step.rows.iter().filter(|r| wanted.kind.is_none_or(|kind| r.kind == kind)) {
            let place = row_place(ctx, ledger, row);
            if query.filter.accepts(|f| place.value(f)) {
                found(step.at.micros(), row);
            }
        }
    }
}

struct Finder<'a> {
    image: &'a Image,
    rules: &'a Rules,
    classes: &'a Classes,
    groups: &'a Groups,
    wanted: Wanted<'a>,
    /// The range in days of the cut.
    days: Option<(i64, i64)>,
    last: i64,
    found: Found,
}

impl Finder<'_> {
    fn row(&mut self, at: i64, customer: u32, row: &Row) {
        if self.wanted.kind.is_some_and(|kind| row.kind != kind) {
            return;
        }
        let place = (customer, row.item, row.currency, row.plan);
        if !self.groups.takes_all()
            && self.groups.of(self.image, self.rules, self.classes.class(customer), place) == OUT
        {
            return;
        }
        self.found.add(at, customer, &mut self.last, &self.wanted);
        if row.kind == Kind::New {
            let source = self.image.source_of(customer as usize, row.item);
            if opens(row.kind, at, &self.wanted, source) {
                self.found.opens(source, customer);
            }
        }
    }
}

impl Sink for Finder<'_> {
    fn step(&mut self, step: &Step) -> Result<(), RollupError> {
        let query = self.wanted.query;
        let inside = step.day >= query.from && step.day <= query.to;
        if inside && (query.with_expected || !step.expected) {
            step.rows.iter().for_each(|row| self.row(step.at, step.customer, row));
        }
        Ok(())
    }

    fn post(&mut self, posting: &Posting) {
        let day = i64::from(posting.day);
        if self.days.is_none_or(|(from, to)| day < from || day > to) {
            return;
        }
        let at = posting.at;
        // The usual question, of which only the first rows are wanted.
        let count = match (&self.rules.templates, self.wanted.kind, posting.kind) {
            (Some(templates), None, kind) if kind != Some(Kind::New) && self.groups.takes_all() => {
                templates.rows_of(posting.which).len()
            }
            _ => {
                let rules = self.rules;
                posting.rows(rules).for_each(|row| self.row(at, posting.customer, &row));
                return;
            }
        };
        if at > self.last {
            self.found.count += count;
            return;
        }
        for _ in 0..count {
            self.found.add(at, posting.customer, &mut self.last, &self.wanted);
        }
    }

    fn end(&mut self, _customer: u32, _first_change: Option<i64>) -> Result<(), RollupError> {
        Ok(())
    }
}
