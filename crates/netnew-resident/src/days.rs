//! What movements add up to per day, kind, cause, plan and currency, and customers per day.

use crate::cut::Cut;
use crate::rules::Rules;
use crate::step::{Posting, Sink, Step};
use crate::templates::Which;
use netnew_ledger::{Cause, Kind};
use netnew_metrics::{GroupKey, Heads, Query, RollupError, RollupRow};
use netnew_money::{Amount, Day, Instant};
use std::collections::{BTreeMap, HashMap};

/// What a cell is about, besides its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic {
    /// What happened.
    pub kind: Kind,
    /// Why.
    pub cause: Cause,
    /// Index into the rules' plans.
    pub plan: u32,
    /// Index into the rules' currencies.
    pub currency: u8,
}

impl Topic {
    /// How many topics there can be.
    pub(crate) fn slots(plans: usize, currencies: usize) -> usize {
        plans * currencies * KINDS * CAUSES
    }

    /// A number below that.
    pub(crate) fn slot(&self, plans: usize) -> usize {
        let place = usize::from(self.currency) * plans + self.plan as usize;
        (place * KINDS + self.kind as usize) * CAUSES + self.cause as usize
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cell {
    sum: i64,
    rows: u32,
}

/// Customers who came and went on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayHeads {
    /// For the first time.
    pub new: u32,
    /// Again.
    pub reactivated: u32,
    /// Lost.
    pub churned: u32,
}

impl DayHeads {
    fn count(&mut self, kind: Kind) {
        match kind {
            Kind::New => self.new += 1,
            Kind::Reactivation => self.reactivated += 1,
            Kind::Churn => self.churned += 1,
            _ => {}
        }
    }
}

/// One finished cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayCell {
    /// The local day.
    pub day: Day,
    /// What it is about.
    pub topic: Topic,
    /// Sum of MRR in the topic's currency.
    pub sum: Amount,
    /// How many rows.
    pub rows: u64,
}

#[derive(Clone, Default)]
struct RollupSums {
    movements: BTreeMap<Kind, Amount>,
    causes: BTreeMap<(Kind, Cause), Amount>,
    heads: Heads,
    arr: i128,
}

/// The rollup by day. Every cell is a sum or a count, so rollups of parts merge in any order to the same.
pub struct Days<'r> {
    rules: &'r Rules,
    first: i32,
    /// One past the last day.
    days: usize,
    /// Up to which day; what comes later is only expected.
    topics: Vec<Topic>,
    numbers: Vec<u32>,
    plans: usize,
    /// Topic after topic, each with all days.
    cells: Vec<Cell>,
    /// Rows that wait for their cells, as (cell, amount): cells lie far apart in memory, and only a loop that does
    /// nothing else fetches many at once.
    waiting: Vec<(u32, i64)>,
    /// Events that wait for their rows, for the same reason: rows and day.
    events: Vec<(Which, u16)>,
    /// What left the range of a cell.
    large: HashMap<u32, i128>,
    heads: Vec<DayHeads>,
    /// Change of ARR, currency after currency, each with all days.
    arr: Vec<i128>,
    first_change: Option<i64>,
    now: i64,
    with_expected: bool,
}

/// Rows that wait at a time.
const WAITING: usize = 4096;

pub(crate) const KINDS: usize = Kind::ALL.len();
pub(crate) const CAUSES: usize = Cause::ALL.len();

impl<'r> Days<'r> {
    /// An empty rollup of the days of a cut and on to `last`, for what the rules can post.
    pub fn new(cut: &Cut, last: Day, rules: &'r Rules, now: Instant, with_expected: bool) -> Days<'r> {
        let (first, last, plans) = (cut.first(), cut.last().max(last), rules.plans.len());
        let days = usize::try_from(last.days_since(first).max(0)).unwrap_or_default() + 1;
        let topics = rules.templates.as_ref().map(|t| t.topics.clone()).unwrap_or_default();
        let mut numbers = vec![u32::MAX; Topic::slots(plans, rules.currencies.len())];
        for (number, topic) in topics.iter().enumerate() {
            numbers[topic.slot(plans)] = number as u32;
        }
        Days {
            rules,
            first: first.days(),
            days,
            cells: vec![Cell::default(); days * topics.len()],
            topics,
            numbers,
            plans,
            waiting: Vec::with_capacity(WAITING * 4),
            events: Vec::with_capacity(WAITING),
            large: HashMap::new(),
            heads: vec![DayHeads::default(); days],
            arr: vec![0; days * rules.currencies.len()],
            now: now.micros(),
            first_change: None,
            with_expected,
        }
    }

    fn topic(&mut self, topic: Topic) -> usize {
        let number = &mut self.numbers[topic.slot(self.plans)];
        if *number == u32::MAX {
            *number = self.topics.len() as u32;
            self.topics.push(topic);
            self.cells.resize(self.cells.len() + self.days, Cell::default());
        }
        *number as usize
    }

    fn of_topic(&self, number: usize) -> &[Cell] {
        &self.cells[number * self.days..(number + 1) * self.days]
    }

    fn add(&mut self, topic: Topic, day: usize, amount: i128, rows: u32) {
        let cell = self.topic(topic) * self.days + day;
        self.cells[cell].rows += rows;
        self.add_to(cell as u32, amount);
    }

    fn add_to(&mut self, cell: u32, amount: i128) {
        let sum = &mut self.cells[cell as usize].sum;
        match i64::try_from(amount).ok().and_then(|amount| sum.checked_add(amount)) {
            Some(added) => *sum = added,
            None => *self.large.entry(cell).or_default() += amount,
        }
    }

    fn settle(&mut self) {
        if let Some(templates) = &self.rules.templates {
            let days = self.days as u32;
            for (which, day) in &self.events {
                let rows = &templates.rows[templates.rows_of(*which)];
                if let Some(row) = rows.first() {
                    let currency = templates.topics[row.topics[0] as usize].currency;
                    let grew = i128::from(templates.pairs[which.pair as usize].arr);
                    self.arr[usize::from(currency) * self.days + usize::from(*day)] += grew;
                }
                for row in rows {
                    let cell = row.topics[usize::from(which.again)] * days + u32::from(*day);
                    self.waiting.push((cell, row.amount));
                }
            }
            self.events.clear();
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut beyond = Vec::new();
        for (at, amount) in &waiting {
            let cell = &mut self.cells[*at as usize];
            cell.rows += 1;
            match cell.sum.checked_add(*amount) {
                Some(sum) => cell.sum = sum,
                None => beyond.push((*at, *amount)),
            }
        }
        for (cell, amount) in beyond {
            *self.large.entry(cell).or_default() += i128::from(amount);
        }
        waiting.clear();
        self.waiting = waiting;
    }

    /// Adds one row to a topic that the rules can post.
    #[inline]
    pub(crate) fn add_row(&mut self, topic: u32, day: u16, amount: i64) {
        let at = topic as usize * self.days + usize::from(day);
        let cell = &mut self.cells[at];
        cell.rows += 1;
        match cell.sum.checked_add(amount) {
            Some(sum) => cell.sum = sum,
            None => *self.large.entry(at as u32).or_default() += i128::from(amount),
        }
    }

    /// Adds to what a year's worth changes.
    #[inline]
    pub(crate) fn add_arr(&mut self, currency: u8, day: u16, change: i64) {
        self.arr[usize::from(currency) * self.days + usize::from(day)] += i128::from(change);
    }

    /// Counts a customer who comes or goes.
    #[inline]
    pub(crate) fn come(&mut self, day: u16, kind: Kind) {
        self.heads[usize::from(day)].count(kind);
    }

    /// Takes what still waits into its cells.
    pub fn finish(mut self) -> Days<'r> {
        self.settle();
        self
    }

    /// Adds the finished rollup of other customers over the same days to this finished one.
    pub fn merge(&mut self, other: Days<'r>) {
        for (number, topic) in other.topics.iter().enumerate() {
            for (day, cell) in other.of_topic(number).iter().enumerate() {
                if cell.rows > 0 {
                    self.add(*topic, day, i128::from(cell.sum), cell.rows);
                }
            }
        }
        for (cell, sum) in other.large {
            let (number, day) = (cell as usize / other.days, cell as usize % other.days);
            self.add(other.topics[number], day, sum, 0);
        }
        self.arr.iter_mut().zip(other.arr).for_each(|(mine, theirs)| *mine += theirs);
        for (mine, theirs) in self.heads.iter_mut().zip(other.heads) {
            mine.new += theirs.new;
            mine.reactivated += theirs.reactivated;
            mine.churned += theirs.churned;
        }
        self.first_change = match (self.first_change, other.first_change) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// The cells that hold something, by day and topic.
    pub fn cells(&self) -> Vec<DayCell> {
        let mut out = Vec::new();
        self.each_cell(|cell| out.push(cell));
        out.sort_unstable_by_key(|c| (c.day, c.topic));
        out
    }

    fn each_cell(&self, mut visit: impl FnMut(DayCell)) {
        for (number, topic) in self.topics.iter().enumerate() {
            for (day, cell) in self.of_topic(number).iter().enumerate().filter(|(_, c)| c.rows > 0) {
                let at = (number * self.days + day) as u32;
                let more = if self.large.is_empty() { None } else { self.large.get(&at).copied() };
                visit(DayCell {
                    day: Day::from_days(self.first + day as i32),
                    topic: *topic,
                    sum: Amount::from_raw(i128::from(cell.sum) + more.unwrap_or_default()),
                    rows: u64::from(cell.rows),
                });
            }
        }
    }

    /// Customers who came and went, per day on which any did.
    pub fn heads(&self) -> impl Iterator<Item = (Day, DayHeads)> + '_ {
        let some = |heads: &DayHeads| *heads != DayHeads::default();
        self.heads
            .iter()
            .enumerate()
            .filter(move |(_, heads)| some(heads))
            .map(|(day, heads)| (Day::from_days(self.first + day as i32), *heads))
    }

    /// When a level changed for the first time.
    pub fn first_change(&self) -> Option<Instant> {
        self.first_change.map(Instant::from_micros)
    }

    /// The waterfall of the whole book over the periods of a query, for a report in the only currency there is. Besides
    /// the rows, whether anything is posted up to the query's end.
    pub fn waterfall(&self, query: &Query) -> Result<(Vec<RollupRow>, bool), RollupError> {
        let periods = query.periods()?;
        let slot = |day: Day| periods.partition_point(|p| p.first <= day);
        let mut rows = vec![RollupSums::default(); periods.len() + 1];
        let mut posted = false;
        let slots: Vec<usize> =
            (0..self.days).map(|day| slot(Day::from_days(self.first + day as i32))).collect();
        self.each_cell(|cell| {
            if cell.day <= query.to {
                let Topic { kind, cause, .. } = cell.topic;
                let sums = &mut rows[slots[(cell.day.days() - self.first) as usize]];
                *sums.movements.entry(kind).or_default() += cell.sum;
                *sums.causes.entry((kind, cause)).or_default() += cell.sum;
                posted = true;
            }
        });
        for (day, heads) in self.heads().filter(|(day, _)| *day <= query.to) {
            let sums = &mut rows[slot(day)].heads;
            sums.new += i64::from(heads.new);
            sums.reactivated += i64::from(heads.reactivated);
            sums.churned += i64::from(heads.churned);
        }
        for (at, change) in self.arr.iter().enumerate() {
            let day = Day::from_days(self.first + (at % self.days) as i32);
            if day <= query.to {
                rows[slot(day)].arr += *change;
            }
        }
        let net = |heads: &Heads| heads.new + heads.reactivated - heads.churned;
        let mut rows = rows.into_iter();
        let before = rows.next().unwrap_or_default();
        let mut end: Amount = before.movements.values().copied().sum();
        let (mut arr, mut heads_end) = (before.arr, net(&before.heads));
        let finished = periods.into_iter().zip(rows).map(|(period, sums)| {
            let (start, heads_start) = (end, heads_end);
            end += sums.movements.values().copied().sum::<Amount>();
            arr += sums.arr;
            heads_end += net(&sums.heads);
            RollupRow {
                period,
                group: GroupKey::default(),
                start,
                movements: sums.movements,
                causes: sums.causes,
                fx: Amount::ZERO,
                end,
                arr: Amount::from_raw(arr),
                committed: None,
                heads_start,
                heads: sums.heads,
                heads_end,
                retained: BTreeMap::new(),
            }
        });
        Ok((finished.collect(), posted))
    }
}

impl Sink for Days<'_> {
    #[inline]
    fn post(&mut self, posting: &Posting) {
        if self.events.len() == WAITING {
            self.settle();
        }
        self.events.push((posting.which, posting.day));
        if let Some(kind) = posting.kind {
            self.heads[usize::from(posting.day)].count(kind);
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), RollupError> {
        if step.expected && !self.with_expected {
            return Ok(());
        }
        let day = step.day.days() - self.first;
        let Ok(day) = usize::try_from(day) else { return Ok(()) };
        if day >= self.days {
            return Ok(());
        }
        for row in step.rows {
            let topic = Topic { kind: row.kind, cause: row.cause, plan: row.plan, currency: row.currency };
            let Ok(amount) = i64::try_from(row.amount) else {
                self.add(topic, day, row.amount, 1);
                continue;
            };
            let cell = self.topic(topic) * self.days + day;
            if self.waiting.len() >= WAITING {
                self.settle();
            }
            self.waiting.push((cell as u32, amount));
        }
        for change in step.changes {
            self.arr[usize::from(change.currency) * self.days + day] += change.arr[1] - change.arr[0];
        }
        if let Some(kind) = step.kind.filter(|_| !self.rules.separate) {
            self.heads[day].count(kind);
        }
        Ok(())
    }

    fn heads(&mut self, step: &Step) -> Result<(), RollupError> {
        let day = usize::try_from(step.day.days() - self.first).ok().filter(|day| *day < self.days);
        if let (Some(kind), Some(day)) = (step.kind, day)
            && (self.with_expected || !step.expected)
        {
            self.heads[day].count(kind);
        }
        Ok(())
    }

    fn end(&mut self, _customer: u32, first_change: Option<i64>) -> Result<(), RollupError> {
        if let Some(at) = first_change.filter(|at| self.with_expected || *at <= self.now) {
            self.first_change = Some(self.first_change.map_or(at, |known| known.min(at)));
        }
        Ok(())
    }
}
