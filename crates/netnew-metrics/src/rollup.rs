//! What movements add up to, per period and group. Every cell is a sum or a count, so rollups of parts of a
//! book merge into the rollup of the whole, in any order, to the same bytes.

use crate::convert::Converter;
use crate::query::{Period, Place, Query, QueryError, ReportCurrency};
use netnew_facts::Text;
use netnew_ledger::{Context, CustomerLedger, Kind, LedgerError, LevelChange, Money, Row, Step};
use netnew_money::{Amount, Currency, Day, Instant};
use netnew_policy::ScheduledChanges;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Values of the group's fields, in the order of `--by`; then the currency under `original`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKey {
    /// One value per field; `None` where there is none.
    pub values: Vec<Option<String>>,
    /// The currency, only when the report keeps currencies apart.
    pub currency: Option<Currency>,
}

/// Why a rollup could not be computed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RollupError {
    /// The ledger itself.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A missing rate, naming currency and date.
    #[error(transparent)]
    Rate(#[from] netnew_money::MoneyError),
    /// The question.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl RollupError {
    /// Stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            RollupError::Ledger(e) => e.code(),
            RollupError::Rate(e) => e.code(),
            RollupError::Query(e) => e.code(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            RollupError::Ledger(e) => e.hint(),
            RollupError::Rate(e) => e.hint(),
            RollupError::Query(e) => e.hint(),
        }
    }
}

/// Head counts of a period and group: events, so that start + in - out = end always holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// First-time customers.
    pub new: i64,
    /// Former customers who came back.
    pub reactivated: i64,
    /// Came into the group in another way.
    pub entered: i64,
    /// Lost.
    pub churned: i64,
    /// Left the group in another way.
    pub left: i64,
}

impl Heads {
    fn merge(&mut self, other: &Heads) {
        self.new += other.new;
        self.reactivated += other.reactivated;
        self.entered += other.entered;
        self.churned += other.churned;
        self.left += other.left;
    }

    fn net(&self) -> i64 {
        self.new + self.reactivated + self.entered - self.churned - self.left
    }
}

/// Level before a window and what is left of it at its end, over customers present at its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Sum of levels at the window's start.
    pub start: Amount,
    /// Sum of the same customers' levels at its end.
    pub end: Amount,
    /// Sum of min(start, end) per customer.
    pub least: Amount,
    /// How many customers were present at the start.
    pub customers: i64,
    /// How many of them still are.
    pub kept: i64,
}

impl Retained {
    fn merge(&mut self, other: &Retained) {
        self.start += other.start;
        self.end += other.end;
        self.least += other.least;
        self.customers += other.customers;
        self.kept += other.kept;
    }
}

/// Windows over which retention is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// The period itself.
    Period,
    /// Three months up to the period's end.
    Months3,
    /// Twelve months up to the period's end.
    Months12,
}

impl Window {
    /// All windows.
    pub const ALL: [Window; 3] = [Window::Period, Window::Months3, Window::Months12];

    /// The day at whose end the window starts.
    pub fn start(self, period: &Period) -> Day {
        let next = period.last.add_days(1);
        match self {
            Window::Period => period.first.add_days(-1),
            Window::Months3 => next.add_months(-3).add_days(-1),
            Window::Months12 => next.add_months(-12).add_days(-1),
        }
    }
}

/// Counts of item levels by exact value: what a period's end is converted from, item by item.
type Levels = HashMap<(Currency, Amount), i64>;

/// What one period adds to a group.
#[derive(Clone, Debug, Default)]
struct Cell {
    movements: BTreeMap<Kind, Amount>,
    /// Seed 002 tells upgrades from add-ons and downgrades from cancellations: sums per (kind, cause).
    causes: BTreeMap<(Kind, netnew_ledger::Cause), Amount>,
    heads: Heads,
    mrr: Levels,
    arr: Levels,
    committed: Levels,
    retained: BTreeMap<Window, Retained>,
}

impl Cell {
    fn merge(&mut self, other: Cell) {
        for (kind, amount) in other.movements {
            *self.movements.entry(kind).or_default() += amount;
        }
        for (key, amount) in other.causes {
            *self.causes.entry(key).or_default() += amount;
        }
        self.heads.merge(&other.heads);
        for (mine, theirs) in
            [(&mut self.mrr, other.mrr), (&mut self.arr, other.arr), (&mut self.committed, other.committed)]
        {
            for (key, count) in theirs {
                *mine.entry(key).or_default() += count;
            }
        }
        for (window, retained) in other.retained {
            self.retained.entry(window).or_default().merge(&retained);
        }
    }
}

/// What to work out besides the waterfall.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras {
    /// NRR and GRR over the windows.
    pub retention: bool,
    /// Committed MRR, which looks into the known future.
    pub committed: bool,
}

/// The rollup of a set of customers.
pub struct Rollup<'a> {
    ctx: &'a Context<'a>,
    query: &'a Query,
    converter: Converter<'a>,
    extras: Extras,
    periods: Vec<Period>,
    /// Index 0 is all time before the range; 1.. are the periods.
    groups: BTreeMap<GroupKey, Vec<Cell>>,
    first_movement: Option<Day>,
    /// Whether anything is posted at all, whatever the filter.
    posted: bool,
}

/// One finished row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupRow {
    /// The period.
    pub period: Period,
    /// The group; empty values without `--by`.
    pub group: GroupKey,
    /// MRR at the period's start.
    pub start: Amount,
    /// Sum per kind; kinds that do not occur are 0.
    pub movements: BTreeMap<Kind, Amount>,
    /// Sum per kind and cause.
    pub causes: BTreeMap<(Kind, netnew_ledger::Cause), Amount>,
    /// What rates did to the level.
    pub fx: Amount,
    /// MRR at the period's end.
    pub end: Amount,
    /// ARR at the period's end.
    pub arr: Amount,
    /// Committed MRR at the period's end; `None` unless asked for.
    pub committed: Option<Amount>,
    /// Customers at the start.
    pub heads_start: i64,
    /// Head counts in between.
    pub heads: Heads,
    /// Customers at the end.
    pub heads_end: i64,
    /// Retention per window; empty unless asked for.
    pub retained: BTreeMap<Window, Retained>,
}

/// Puts the finished rows of two sets of customers together: every figure of a row is a sum over customers.
pub fn join_rows(mine: Vec<RollupRow>, theirs: Vec<RollupRow>) -> Vec<RollupRow> {
    if mine.is_empty() || theirs.is_empty() {
        return if mine.is_empty() { theirs } else { mine };
    }
    let mut all: BTreeMap<(Day, GroupKey), RollupRow> =
        mine.into_iter().map(|row| ((row.period.start, row.group.clone()), row)).collect();
    for row in theirs {
        match all.entry((row.period.start, row.group.clone())) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(row);
            }
            std::collections::btree_map::Entry::Occupied(mut place) => place.get_mut().add(&row),
        }
    }
    all.into_values().collect()
}

/// The same rows with every figure negative: to take a set of customers out of a sum by [`join_rows`].
pub fn negated(mut rows: Vec<RollupRow>) -> Vec<RollupRow> {
    rows.iter_mut().for_each(RollupRow::negate);
    rows
}

impl RollupRow {
    /// True when no figure of the row is other than 0, what is committed aside.
    pub fn is_zero(&self) -> bool {
        let amounts = [self.start, self.fx, self.end, self.arr];
        let sums = self.movements.values().chain(self.causes.values());
        amounts.iter().chain(sums).all(|amount| amount.is_zero())
            && [self.heads_start, self.heads_end] == [0; 2]
            && self.heads == Heads::default()
            && self.retained.values().all(|retained| *retained == Retained::default())
    }

    fn negate(&mut self) {
        for amount in [&mut self.start, &mut self.fx, &mut self.end, &mut self.arr] {
            *amount = -*amount;
        }
        self.committed = self.committed.map(|amount| -amount);
        self.movements.values_mut().chain(self.causes.values_mut()).for_each(|amount| *amount = -*amount);
        let Heads { new, reactivated, entered, churned, left } = &mut self.heads;
        for count in [new, reactivated, entered, churned, left, &mut self.heads_start, &mut self.heads_end] {
            *count = -*count;
        }
        for Retained { start, end, least, customers, kept } in self.retained.values_mut() {
            for amount in [start, end, least] {
                *amount = -*amount;
            }
            (*customers, *kept) = (-*customers, -*kept);
        }
    }

    fn add(&mut self, other: &RollupRow) {
        self.start += other.start;
        self.fx += other.fx;
        self.end += other.end;
        self.arr += other.arr;
        self.committed = match (self.committed, other.committed) {
            (Some(mine), Some(theirs)) => Some(mine + theirs),
            (mine, theirs) => mine.or(theirs),
        };
        for (kind, amount) in &other.movements {
            *self.movements.entry(*kind).or_default() += *amount;
        }
        for (key, amount) in &other.causes {
            *self.causes.entry(*key).or_default() += *amount;
        }
        self.heads_start += other.heads_start;
        self.heads.merge(&other.heads);
        self.heads_end += other.heads_end;
        for (window, retained) in &other.retained {
            self.retained.entry(*window).or_default().merge(retained);
        }
    }

    /// Sum of a kind, 0 when it does not occur.
    pub fn movement(&self, kind: Kind) -> Amount {
        self.movements.get(&kind).copied().unwrap_or_default()
    }
}

impl<'a> Rollup<'a> {
    /// An empty rollup for a question.
    pub fn new(ctx: &'a Context<'a>, query: &'a Query, extras: Extras) -> Result<Rollup<'a>, RollupError> {
        Ok(Rollup {
            ctx,
            query,
            converter: Converter::new(ctx, query),
            extras,
            periods: query.periods()?,
            groups: BTreeMap::new(),
            first_movement: None,
            posted: false,
        })
    }

    /// Day of the first change of a level in the whole ledger, whatever the filter, range and netting.
    /// `None` when nothing is posted at all.
    pub fn first_movement(&self) -> Option<Day> {
        self.first_movement.filter(|_| self.posted)
    }

    /// Like [`Rollup::first_movement`], whether anything is posted or not; and whether anything is.
    pub fn first_and_posted(&self) -> (Option<Day>, bool) {
        (self.first_movement, self.posted)
    }

    /// Adds a customer.
    pub fn add(&mut self, ledger: &CustomerLedger) -> Result<(), RollupError> {
        let seen = |first: &Instant| self.query.with_expected || *first <= self.ctx.now();
        if let Some(first) = ledger.first_change.filter(seen) {
            let day = self.ctx.zone.day_of(first);
            self.first_movement = Some(self.first_movement.map_or(day, |known| known.min(day)));
        }
        let scheduled = self.ctx.policy.scheduled_changes != ScheduledChanges::Ignored;
        for step in &ledger.steps {
            if self.counts(step) {
                let slot = self.slot(step.day);
                self.posted |= step.rows.iter().any(|row| !row.regroup);
                self.add_rows(ledger, step, slot)?;
                self.add_levels(ledger, step, slot);
            } else if self.extras.committed && scheduled && step.expected {
                self.commit_future(ledger, step);
            }
        }
        let mut held: BTreeMap<GroupKey, Holding> = BTreeMap::new();
        for step in ledger.customer_steps() {
            if self.counts(step) {
                self.add_heads(ledger, step, &mut held)?;
            }
        }
        if self.extras.retention {
            for (key, holding) in held {
                self.retain(&key, &holding)?;
            }
        }
        Ok(())
    }

    /// Whether a step belongs to the report's past and range.
    fn counts(&self, step: &Step) -> bool {
        step.day <= self.query.to && (self.query.with_expected || !step.expected)
    }

    /// 0 before the range, else 1 + the period's index.
    fn slot(&self, day: Day) -> usize {
        self.periods.partition_point(|p| p.first <= day)
    }

    fn cell(&mut self, key: &GroupKey, slot: usize) -> &mut Cell {
        if !self.groups.contains_key(key) {
            self.groups.insert(key.clone(), vec![Cell::default(); self.periods.len() + 1]);
        }
        &mut self.groups.get_mut(key).expect("inserted above")[slot]
    }

    fn group(&self, place: &Place) -> Option<GroupKey> {
        self.query.filter.accepts(|f| place.value(f)).then(|| GroupKey {
            values: self.query.by.iter().map(|f| place.value(f).map(str::to_string)).collect(),
            currency: (self.query.currency == ReportCurrency::Original).then_some(place.currency),
        })
    }

    fn add_rows(&mut self, ledger: &CustomerLedger, step: &Step, slot: usize) -> Result<(), RollupError> {
        for row in &step.rows {
            let Some(key) = self.group(&row_place(self.ctx, ledger, row)) else { continue };
            // Before the range only frozen movements need a value: they are what the start is made of.
            if slot == 0 && !self.converter.frozen() {
                continue;
            }
            let amount = self.converter.movement(row.amount, row.currency, step.day)?;
            let cell = self.cell(&key, slot);
            *cell.movements.entry(row.kind).or_default() += amount;
            *cell.causes.entry((row.kind, row.cause)).or_default() += amount;
        }
        Ok(())
    }

    fn add_levels(&mut self, ledger: &CustomerLedger, step: &Step, slot: usize) {
        for change in &step.changes {
            let Some(key) = self.group(&change_place(self.ctx, ledger, change)) else { continue };
            let cell = self.cell(&key, slot);
            shift(&mut cell.mrr, change.currency, change.before.mrr, change.after.mrr);
            shift(&mut cell.arr, change.currency, change.before.arr, change.after.arr);
            shift(&mut cell.committed, change.currency, change.before.committed, change.after.committed);
        }
    }

    /// Counts heads: a customer is in a group while it is present and holds something above 0 there.
    fn add_heads(
        &mut self,
        ledger: &CustomerLedger,
        step: &Step,
        held: &mut BTreeMap<GroupKey, Holding>,
    ) -> Result<(), RollupError> {
        let mut touched: Vec<GroupKey> = Vec::new();
        for change in &step.changes {
            let Some(key) = self.group(&change_place(self.ctx, ledger, change)) else { continue };
            let holding = held.entry(key.clone()).or_default();
            holding.money.add(change.currency, change.after.mrr - change.before.mrr);
            if !touched.contains(&key) {
                touched.push(key);
            }
        }
        let whole = self.query.by.is_empty()
            && self.query.filter.0.is_empty()
            && self.query.currency != ReportCurrency::Original;
        if step.present_before != step.present_after {
            // Who comes or goes does so everywhere, and who is kept at 0 changes no level.
            if whole {
                held.entry(GroupKey::default()).or_default();
            }
            touched = held.keys().cloned().collect();
        }
        let slot = self.slot(step.day);
        for key in touched {
            let holding = held.get_mut(&key).expect("touched groups are held");
            let present = step.present_after
                && (whole || holding.money.sign(self.ctx, &ledger.customer, step.day)? == Ordering::Greater);
            let was = std::mem::replace(&mut holding.present, present);
            if self.extras.retention {
                holding.history.push((step.day, holding.money.clone(), present));
            }
            let heads = &mut self.cell(&key, slot).heads;
            match (was, present) {
                (false, true) => match step.kind {
                    Some(Kind::New) => heads.new += 1,
                    Some(Kind::Reactivation) => heads.reactivated += 1,
                    _ => heads.entered += 1,
                },
                (true, false) => match step.kind {
                    Some(Kind::Churn) => heads.churned += 1,
                    _ => heads.left += 1,
                },
                _ => {}
            }
        }
        Ok(())
    }

    /// What is scheduled after now belongs to the committed MRR of the period that holds now.
    fn commit_future(&mut self, ledger: &CustomerLedger, step: &Step) {
        let now = self.ctx.zone.day_of(self.ctx.now());
        let Some(slot) = self.periods.iter().position(|p| p.first <= now && now <= p.last) else { return };
        for change in &step.changes {
            let Some(key) = self.group(&change_place(self.ctx, ledger, change)) else { continue };
            let cell = self.cell(&key, slot + 1);
            shift(&mut cell.committed, change.currency, change.before.committed, change.after.committed);
        }
    }

    fn retain(&mut self, key: &GroupKey, holding: &Holding) -> Result<(), RollupError> {
        for slot in 1..=self.periods.len() {
            let period = self.periods[slot - 1];
            for window in Window::ALL {
                let from = window.start(&period);
                let Some((money, true)) = holding.at(from) else { continue };
                let start = self.converter.total(money, from)?.max(Amount::ZERO);
                let Some((money, present)) = holding.at(period.last) else { continue };
                let end = self.converter.total(money, period.last)?.max(Amount::ZERO);
                let kept = i64::from(present);
                let retained = Retained { start, end, least: start.min(end), customers: 1, kept };
                self.cell(key, slot).retained.entry(window).or_default().merge(&retained);
            }
        }
        Ok(())
    }

    /// Adds another rollup of the same question over other customers.
    pub fn merge(&mut self, other: Rollup<'a>) {
        self.posted |= other.posted;
        self.first_movement = match (self.first_movement, other.first_movement) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        for (key, cells) in other.groups {
            match self.groups.get_mut(&key) {
                Some(mine) => mine.iter_mut().zip(cells).for_each(|(m, c)| m.merge(c)),
                None => {
                    self.groups.insert(key, cells);
                }
            }
        }
    }

    /// The rows: every group seen, in every period, by period and then group.
    pub fn finish(self) -> Result<Vec<RollupRow>, RollupError> {
        let (mut rows, seen) = self.finish_all()?;
        rows.retain(|row| seen.contains(&row.group));
        Ok(rows)
    }

    /// The rows of every group, and which groups are seen. What parts of a book do not see, the whole may.
    pub fn finish_all(mut self) -> Result<(Vec<RollupRow>, BTreeSet<GroupKey>), RollupError> {
        let whole = self.query.by.is_empty() && self.query.currency != ReportCurrency::Original;
        if whole {
            let cells = self.periods.len() + 1;
            self.groups.entry(GroupKey::default()).or_insert_with(|| vec![Cell::default(); cells]);
        }
        let mut rows = Vec::new();
        let mut told = BTreeSet::new();
        for (key, cells) in &self.groups {
            if whole || seen(cells) {
                told.insert(key.clone());
            }
            self.finish_group(key, cells, &mut rows)?;
        }
        rows.sort_by(|a, b| (a.period.start, &a.group).cmp(&(b.period.start, &b.group)));
        Ok((rows, told))
    }

    fn finish_group(
        &self,
        key: &GroupKey,
        cells: &[Cell],
        rows: &mut Vec<RollupRow>,
    ) -> Result<(), RollupError> {
        let mut levels = [cells[0].mrr.clone(), cells[0].arr.clone(), cells[0].committed.clone()];
        let mut heads = cells[0].heads.net();
        let mut frozen: Amount = cells[0].movements.values().copied().sum();
        let Some(first) = self.periods.first() else { return Ok(()) };
        let mut end = match self.converter.frozen() {
            true => frozen,
            false => self.converter.levels(&levels[0], first.first.add_days(-1))?,
        };
        for (period, cell) in self.periods.iter().zip(&cells[1..]) {
            for (sum, delta) in levels.iter_mut().zip([&cell.mrr, &cell.arr, &cell.committed]) {
                for (at, count) in delta {
                    *sum.entry(*at).or_default() += count;
                }
                sum.retain(|_, count| *count != 0);
            }
            let moved: Amount = cell.movements.values().copied().sum();
            frozen += moved;
            let start = end;
            end = match self.converter.frozen() {
                true => frozen,
                false => self.converter.levels(&levels[0], period.last)?,
            };
            let heads_start = heads;
            heads += cell.heads.net();
            rows.push(RollupRow {
                period: *period,
                group: key.clone(),
                start,
                movements: cell.movements.clone(),
                causes: cell.causes.clone(),
                fx: end - start - moved,
                end,
                arr: self.converter.levels(&levels[1], period.last)?,
                committed: match self.extras.committed {
                    true => Some(self.converter.levels(&levels[2], period.last)?),
                    false => None,
                },
                heads_start,
                heads: cell.heads,
                heads_end: heads,
                retained: cell.retained.clone(),
            });
        }
        Ok(())
    }
}

/// What one customer holds of a group, and held.
#[derive(Default)]
struct Holding {
    money: Money,
    present: bool,
    /// (day, level and presence from that day's end on), by day; only kept when retention is asked for.
    history: Vec<(Day, Money, bool)>,
}

impl Holding {
    /// Level and presence at the end of a day; `None` before the first.
    fn at(&self, day: Day) -> Option<(&Money, bool)> {
        let after = self.history.partition_point(|(d, ..)| *d <= day);
        after.checked_sub(1).map(|i| (&self.history[i].1, self.history[i].2))
    }
}

/// Whether a group is seen in range: it holds something at the start, or something happens to it.
fn seen(cells: &[Cell]) -> bool {
    cells[0].mrr.values().any(|count| *count != 0)
        || cells[1..].iter().any(|cell| !cell.movements.is_empty() || !cell.mrr.is_empty())
}

fn shift(levels: &mut Levels, currency: Currency, before: Amount, after: Amount) {
    if before == after {
        return;
    }
    if !before.is_zero() {
        *levels.entry((currency, before)).or_default() -= 1;
    }
    if !after.is_zero() {
        *levels.entry((currency, after)).or_default() += 1;
    }
}

/// Where a posted row belongs.
pub fn row_place<'a>(ctx: &'a Context, ledger: &'a CustomerLedger, row: &'a Row) -> Place<'a> {
    place(ctx, ledger, row.item, row.plan.as_ref(), row.currency, row.epoch, row.layer)
}

fn change_place<'a>(ctx: &'a Context, ledger: &'a CustomerLedger, change: &'a LevelChange) -> Place<'a> {
    place(ctx, ledger, change.item, change.plan.as_ref(), change.currency, change.epoch, change.layer)
}

fn place<'a>(
    ctx: &'a Context,
    ledger: &'a CustomerLedger,
    item: u32,
    plan: Option<&'a Text>,
    currency: Currency,
    epoch: u32,
    layer: netnew_ledger::Layer,
) -> Place<'a> {
    Place { ledger, attributes: &ctx.dimensions.attributes, item, plan, currency, epoch, layer }
}
