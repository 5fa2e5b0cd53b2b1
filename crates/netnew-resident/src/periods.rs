//! The rollup by period and group, like [`netnew_metrics::Rollup`], over numbers instead of texts.

use crate::image::Image;
use crate::rules::Rules;
use crate::step::{Posting, Sink, Step};
use netnew_ledger::{Cause, Context, Kind, Money};
use netnew_metrics::{
    Converter, Extras, Field, GroupKey, Heads, Period, Query, ReportCurrency, Retained, RollupError,
    RollupRow, Window,
};
use netnew_money::{Amount, Currency, Day, Instant};
use netnew_policy::MovementLevel;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

/// Not in any group: the filter leaves it out.
const OUT: u32 = u32::MAX;

/// How many items stand at a level, by currency and level.
type Counts = HashMap<(u8, i128), i64, foldhash::fast::FixedState>;

/// Levels: what needs no rate is a sum, what does is counted by exact value and converted one by one.
#[derive(Clone, Default)]
struct Levels {
    sum: i128,
    counts: Counts,
}

impl Levels {
    fn shift(&mut self, currency: u8, converts: bool, [before, after]: [i128; 2]) {
        if !converts {
            self.sum += after - before;
        } else if before != after {
            for (level, count) in [(before, -1), (after, 1)] {
                if level != 0 {
                    *self.counts.entry((currency, level)).or_default() += count;
                }
            }
        }
    }

    fn merge(&mut self, other: &Levels) {
        self.sum += other.sum;
        for (key, count) in &other.counts {
            *self.counts.entry(*key).or_default() += count;
        }
    }

    fn is_zero(&self) -> bool {
        self.sum == 0 && self.counts.values().all(|count| *count == 0)
    }
}

/// What one period adds to a group.
#[derive(Clone, Default)]
struct Cell {
    /// By kind and cause; empty until something moves.
    causes: BTreeMap<(Kind, Cause), Amount>,
    heads: Heads,
    mrr: Levels,
    arr: Levels,
    touched: bool,
    retained: [Retained; 3],
}

/// What one customer holds of a group, and held.
struct Holding {
    group: u32,
    money: Vec<(u8, i128)>,
    present: bool,
    /// (day, level, presence from that day's end on); only kept when retention is asked for.
    history: Vec<(Day, Money, bool)>,
}

/// Whether a question's groups and filter are about what steps say: plans, currencies and sources.
pub fn can_group(query: &Query) -> bool {
    let mut fields = query.by.iter().chain(query.filter.0.iter().map(|term| &term.field));
    fields.all(|field| matches!(field, Field::Plan | Field::Currency | Field::Source))
}

/// The rollup of a set of customers for one question.
pub struct Periods<'a> {
    image: &'a Image,
    rules: &'a Rules,
    ctx: &'a Context<'a>,
    query: &'a Query,
    converter: Converter<'a>,
    extras: Extras,
    periods: Vec<Period>,
    /// Group of a (source, currency, plan).
    places: Vec<u32>,
    keys: Vec<GroupKey>,
    /// Group after group: before the range, then the periods.
    cells: Vec<Cell>,
    /// By currency: whether amounts in it need a rate.
    converts: Vec<bool>,
    held: Vec<Holding>,
    separate: bool,
    whole: bool,
    first_change: Option<Instant>,
    posted: bool,
}

impl<'a> Periods<'a> {
    /// An empty rollup for a question that [`can_group`] accepts.
    pub fn new(
        image: &'a Image,
        rules: &'a Rules,
        ctx: &'a Context<'a>,
        query: &'a Query,
        extras: Extras,
    ) -> Result<Periods<'a>, RollupError> {
        let periods = query.periods()?;
        let mut keys: Vec<GroupKey> = Vec::new();
        let mut places = Vec::new();
        for source in &image.sources {
            for currency in &rules.currencies {
                for plan in &rules.plans {
                    let value = |field: &Field| match field {
                        Field::Plan => plan.as_deref(),
                        Field::Currency => Some(currency.as_str()),
                        Field::Source => Some(&**source),
                        _ => None,
                    };
                    if !query.filter.accepts(value) {
                        places.push(OUT);
                        continue;
                    }
                    let key = GroupKey {
                        values: query.by.iter().map(|f| value(f).map(str::to_string)).collect(),
                        currency: (query.currency == ReportCurrency::Original).then_some(*currency),
                    };
                    let number = keys.iter().position(|k| *k == key).unwrap_or(keys.len());
                    if number == keys.len() {
                        keys.push(key);
                    }
                    places.push(number as u32);
                }
            }
        }
        let converts = |currency: &Currency| match query.currency {
            ReportCurrency::In(to) => *currency != to,
            ReportCurrency::Original => false,
        };
        Ok(Periods {
            image,
            rules,
            ctx,
            query,
            converter: Converter::new(ctx, query),
            extras,
            cells: vec![Cell::default(); keys.len() * (periods.len() + 1)],
            periods,
            places,
            keys,
            converts: rules.currencies.iter().map(converts).collect(),
            held: Vec::new(),
            separate: ctx.policy.movement_level == MovementLevel::Subscription,
            whole: query.by.is_empty()
                && query.filter.0.is_empty()
                && query.currency != ReportCurrency::Original,
            first_change: None,
            posted: false,
        })
    }

    fn counts(&self, step: &Step) -> bool {
        step.day <= self.query.to && (self.query.with_expected || !step.expected)
    }

    fn group(&self, customer: u32, item: u16, currency: u8, plan: u32) -> u32 {
        let source = match self.image.sources.len() {
            1 => 0,
            _ => usize::from(self.image.source_of(customer as usize, item)),
        };
        let place = source * self.rules.currencies.len() + usize::from(currency);
        self.places[place * self.rules.plans.len() + plan as usize]
    }

    fn slot(&self, day: Day) -> usize {
        self.periods.partition_point(|p| p.first <= day)
    }

    fn cell(&mut self, group: u32, slot: usize) -> &mut Cell {
        &mut self.cells[group as usize * (self.periods.len() + 1) + slot]
    }

    fn add_heads(&mut self, step: &Step) -> Result<(), RollupError> {
        let mut touched: Vec<u32> = Vec::new();
        for change in step.changes {
            let group = self.group(step.customer, change.item, change.currency, change.plan);
            if group == OUT {
                continue;
            }
            let holding = self.holding(group);
            let moved = change.mrr[1] - change.mrr[0];
            match holding.money.iter_mut().find(|(currency, _)| *currency == change.currency) {
                Some((_, sum)) => *sum += moved,
                None => holding.money.push((change.currency, moved)),
            }
            if !touched.contains(&group) {
                touched.push(group);
            }
        }
        if step.present_before != step.present_after {
            // Who comes or goes does so everywhere, and who is kept at 0 changes no level.
            if self.whole && !self.keys.is_empty() {
                self.holding(0);
            }
            touched = self.held.iter().map(|holding| holding.group).collect();
        }
        let slot = self.slot(step.day);
        for group in touched {
            let at = self.held.iter().position(|h| h.group == group).unwrap_or_default();
            let present =
                step.present_after && (self.whole || self.above_zero(&self.held[at].money, step)?);
            let was = std::mem::replace(&mut self.held[at].present, present);
            if self.extras.retention {
                let money = self.money(&self.held[at].money);
                self.held[at].history.push((step.day, money, present));
            }
            let heads = &mut self.cell(group, slot).heads;
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

    fn holding(&mut self, group: u32) -> &mut Holding {
        let at = self.held.iter().position(|h| h.group == group).unwrap_or_else(|| {
            self.held.push(Holding { group, money: Vec::new(), present: false, history: Vec::new() });
            self.held.len() - 1
        });
        &mut self.held[at]
    }

    fn money(&self, sums: &[(u8, i128)]) -> Money {
        let mut money = Money::new();
        for (currency, sum) in sums {
            money.add(self.rules.currencies[usize::from(*currency)], Amount::from_raw(*sum));
        }
        money
    }

    fn above_zero(&self, sums: &[(u8, i128)], step: &Step) -> Result<bool, RollupError> {
        if let [(_, one)] = sums {
            return Ok(*one > 0);
        }
        let customer = self.image.customers.get(step.customer as usize);
        Ok(self.money(sums).sign(self.ctx, customer, step.day)? == Ordering::Greater)
    }

    fn retain(&mut self) -> Result<(), RollupError> {
        let held = std::mem::take(&mut self.held);
        for holding in held.iter().filter(|h| !h.history.is_empty()) {
            let at = |day: Day| {
                let after = holding.history.partition_point(|(d, ..)| *d <= day);
                after.checked_sub(1).map(|i| (&holding.history[i].1, holding.history[i].2))
            };
            let first = holding.history[0].0;
            for slot in 1..=self.periods.len() {
                let period = self.periods[slot - 1];
                if period.last < first {
                    continue;
                }
                for (which, window) in Window::ALL.into_iter().enumerate() {
                    let from = window.start(&period);
                    let Some((money, true)) = at(from) else { continue };
                    let start = self.converter.total(money, from)?.max(Amount::ZERO);
                    let Some((money, present)) = at(period.last) else { continue };
                    let end = self.converter.total(money, period.last)?.max(Amount::ZERO);
                    let retained = &mut self.cell(holding.group, slot).retained[which];
                    retained.start += start;
                    retained.end += end;
                    retained.least += start.min(end);
                    retained.customers += 1;
                    retained.kept += i64::from(present);
                }
            }
        }
        Ok(())
    }

    /// Adds the rollup of other customers for the same question.
    pub fn merge(&mut self, other: Periods<'a>) {
        self.posted |= other.posted;
        self.first_change = match (self.first_change, other.first_change) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        for (mine, theirs) in self.cells.iter_mut().zip(other.cells) {
            for (key, amount) in theirs.causes {
                *mine.causes.entry(key).or_default() += amount;
            }
            mine.heads.new += theirs.heads.new;
            mine.heads.reactivated += theirs.heads.reactivated;
            mine.heads.entered += theirs.heads.entered;
            mine.heads.churned += theirs.heads.churned;
            mine.heads.left += theirs.heads.left;
            mine.mrr.merge(&theirs.mrr);
            mine.arr.merge(&theirs.arr);
            mine.touched |= theirs.touched;
            for (mine, theirs) in mine.retained.iter_mut().zip(theirs.retained) {
                mine.start += theirs.start;
                mine.end += theirs.end;
                mine.least += theirs.least;
                mine.customers += theirs.customers;
                mine.kept += theirs.kept;
            }
        }
    }

    /// Day of the first change of a level, whatever the filter and range; `None` when nothing is posted at all.
    pub fn first_movement(&self) -> Option<Day> {
        self.first_change.filter(|_| self.posted).map(|at| self.ctx.zone.day_of(at))
    }

    /// The rows: every group seen, in every period, by period and then group.
    pub fn finish(mut self) -> Result<Vec<RollupRow>, RollupError> {
        let always = self.query.by.is_empty() && self.query.currency != ReportCurrency::Original;
        if always && self.keys.is_empty() {
            self.keys.push(GroupKey::default());
            self.cells.resize(self.periods.len() + 1, Cell::default());
        }
        let mut rows = Vec::new();
        let width = self.periods.len() + 1;
        for group in 0..self.keys.len() {
            let cells = &self.cells[group * width..(group + 1) * width];
            let seen = !cells[0].mrr.is_zero() || cells[1..].iter().any(|cell| cell.touched);
            if always || seen {
                self.finish_group(group, cells, &mut rows)?;
            }
        }
        rows.sort_by(|a, b| (a.period.start, &a.group).cmp(&(b.period.start, &b.group)));
        Ok(rows)
    }

    fn level(&self, levels: &Levels, day: Day) -> Result<Amount, RollupError> {
        let counts: HashMap<(Currency, Amount), i64> = levels
            .counts
            .iter()
            .map(|((c, level), n)| ((self.rules.currencies[usize::from(*c)], Amount::from_raw(*level)), *n))
            .collect();
        Ok(self.converter.levels(&counts, day)? + Amount::from_raw(levels.sum))
    }

    fn finish_group(
        &self,
        group: usize,
        cells: &[Cell],
        rows: &mut Vec<RollupRow>,
    ) -> Result<(), RollupError> {
        let (mut mrr, mut arr) = (cells[0].mrr.clone(), cells[0].arr.clone());
        let mut heads = net(&cells[0].heads);
        let mut frozen: Amount = cells[0].causes.values().copied().sum();
        let Some(first) = self.periods.first() else { return Ok(()) };
        let mut end = match self.converter.frozen() {
            true => frozen,
            false => self.level(&mrr, first.first.add_days(-1))?,
        };
        for (period, cell) in self.periods.iter().zip(&cells[1..]) {
            mrr.merge(&cell.mrr);
            arr.merge(&cell.arr);
            for levels in [&mut mrr, &mut arr] {
                levels.counts.retain(|_, count| *count != 0);
            }
            let mut movements: BTreeMap<Kind, Amount> = BTreeMap::new();
            for ((kind, _), amount) in &cell.causes {
                *movements.entry(*kind).or_default() += *amount;
            }
            let moved: Amount = movements.values().copied().sum();
            frozen += moved;
            let start = end;
            end = if self.converter.frozen() { frozen } else { self.level(&mrr, period.last)? };
            let heads_start = heads;
            heads += net(&cell.heads);
            let retained =
                Window::ALL.into_iter().zip(cell.retained).filter(|(_, r)| r.customers > 0).collect();
            rows.push(RollupRow {
                period: *period,
                group: self.keys[group].clone(),
                start,
                movements,
                causes: cell.causes.clone(),
                fx: end - start - moved,
                end,
                arr: self.level(&arr, period.last)?,
                committed: None,
                heads_start,
                heads: cell.heads,
                heads_end: heads,
                retained,
            });
        }
        Ok(())
    }
}

fn net(heads: &Heads) -> i64 {
    heads.new + heads.reactivated + heads.entered - heads.churned - heads.left
}

impl Sink for Periods<'_> {
    fn step(&mut self, step: &Step) -> Result<(), RollupError> {
        if !self.counts(step) {
            return Ok(());
        }
        let slot = self.slot(step.day);
        self.posted |= !step.rows.is_empty();
        for row in step.rows {
            let group = self.group(step.customer, row.item, row.currency, row.plan);
            // Before the range only frozen movements need a value: they are what the start is made of.
            if group == OUT || (slot == 0 && !self.converter.frozen()) {
                continue;
            }
            let mut amount = Amount::from_raw(row.amount);
            if self.converts[usize::from(row.currency)] {
                let currency = self.rules.currencies[usize::from(row.currency)];
                amount = self.converter.movement(amount, currency, step.day)?;
            }
            let cell = self.cell(group, slot);
            *cell.causes.entry((row.kind, row.cause)).or_default() += amount;
            cell.touched = true;
        }
        for change in step.changes {
            let group = self.group(step.customer, change.item, change.currency, change.plan);
            if group == OUT {
                continue;
            }
            let converts = self.converts[usize::from(change.currency)];
            let cell = self.cell(group, slot);
            cell.mrr.shift(change.currency, converts, change.mrr);
            cell.arr.shift(change.currency, converts, change.arr);
            cell.touched |= change.mrr[0] != change.mrr[1];
        }
        if self.separate { Ok(()) } else { self.add_heads(step) }
    }

    fn heads(&mut self, step: &Step) -> Result<(), RollupError> {
        if self.counts(step) { self.add_heads(step) } else { Ok(()) }
    }

    fn post(&mut self, _: &Posting) {
        // Levels by group are not in templates: this rollup is passed over without a cut.
    }

    fn end(&mut self, _customer: u32, first_change: Option<i64>) -> Result<(), RollupError> {
        let seen = |at: &Instant| self.query.with_expected || *at <= self.ctx.now();
        if let Some(at) = first_change.map(Instant::from_micros).filter(seen) {
            self.first_change = Some(self.first_change.map_or(at, |known| known.min(at)));
        }
        if self.extras.retention {
            self.retain()?;
        }
        self.held.clear();
        Ok(())
    }
}
