//! The rollup by period and group, like [`netnew_metrics::Rollup`], over numbers instead of texts.

use crate::classes::Classes;
use crate::cut::Cut;
use crate::image::{Image, flags};
use crate::quick::{Quick, Retaining};
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
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Not in any group: the filter leaves it out.
pub(crate) const OUT: u32 = u32::MAX;

/// More cells than this, a group and period each, are left to the general rollup.
const MOST_CELLS: usize = 200_000;

/// How many items stand at a level, by currency and level.
type Counts = HashMap<(u8, i128), i64, foldhash::fast::FixedState>;

/// Levels: what needs no rate is a sum, what does is counted by exact value and converted one by one.
#[derive(Clone, Default)]
pub(crate) struct Levels {
    sum: i128,
    counts: Counts,
}

impl Levels {
    pub(crate) fn shift(&mut self, currency: u8, converts: bool, [before, after]: [i128; 2]) {
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

    pub(crate) fn add(&mut self, sum: i128) {
        self.sum += sum;
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
pub(crate) struct Cell {
    /// By kind and cause; empty until something moves.
    pub causes: BTreeMap<(Kind, Cause), Amount>,
    pub heads: Heads,
    pub mrr: Levels,
    pub arr: Levels,
    pub touched: bool,
    pub retained: [Retained; 3],
}

/// The groups of a question: which a row belongs to.
pub(crate) struct Groups {
    /// Group of a (class, source, currency, plan).
    places: Vec<u32>,
    keys: Vec<GroupKey>,
    /// The plan of a row matters.
    pub plans: bool,
    /// So does the source.
    pub sources: bool,
    /// There is no filter.
    all: bool,
}

/// What one customer holds of a group, and held.
struct Holding {
    group: u32,
    money: Vec<(u8, i128)>,
    present: bool,
    /// (day, level, presence from that day's end on); only kept when retention is asked for.
    history: Vec<(Day, Money, bool)>,
}

/// Whether a question's groups and filter are about what steps say: plans, currencies and sources. What else they are
/// about takes [`Classes`].
pub fn can_group(query: &Query) -> bool {
    let mut fields = query.by.iter().chain(query.filter.0.iter().map(|term| &term.field));
    fields.all(|field| matches!(field, Field::Plan | Field::Currency | Field::Source))
}

/// The rollup of a set of customers for one question.
pub struct Periods<'a> {
    pub(crate) image: &'a Image,
    pub(crate) rules: &'a Rules,
    ctx: &'a Context<'a>,
    pub(crate) query: &'a Query,
    pub(crate) converter: Converter<'a>,
    extras: Extras,
    pub(crate) periods: Vec<Period>,
    classes: Option<&'a Classes>,
    groups: Arc<Groups>,
    /// Group after group: before the range, then the periods.
    cells: Vec<Cell>,
    /// By currency: whether amounts in it need a rate.
    pub(crate) converts: Vec<bool>,
    held: Vec<Holding>,
    separate: bool,
    whole: bool,
    first_change: Option<Instant>,
    pub(crate) posted: bool,
    cut: Option<&'a Cut>,
    /// Boxed: it is taken out and put back for every event.
    pub(crate) quick: Option<Box<Quick>>,
    /// What an event could not be counted for; said at the customer's end.
    pub(crate) failed: Option<RollupError>,
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
        let groups = Groups::new(image, rules, query, None);
        Periods::over(image, rules, ctx, query, extras, None, Arc::new(groups))
    }

    /// An empty rollup of the customers who are in some class; `None` when there are too many groups to be worth it.
    pub fn among(
        image: &'a Image,
        rules: &'a Rules,
        ctx: &'a Context<'a>,
        query: &'a Query,
        extras: Extras,
        classes: &'a Classes,
    ) -> Result<Option<Periods<'a>>, RollupError> {
        let places = classes.values.len() * image.sources.len() * rules.currencies.len() * rules.plans.len();
        if places > MOST_CELLS * 20 {
            return Ok(None);
        }
        let groups = Groups::new(image, rules, query, Some(classes));
        if groups.keys.len() * (query.periods()?.len() + 1) > MOST_CELLS {
            return Ok(None);
        }
        Periods::over(image, rules, ctx, query, extras, Some(classes), Arc::new(groups)).map(Some)
    }

    fn over(
        image: &'a Image,
        rules: &'a Rules,
        ctx: &'a Context<'a>,
        query: &'a Query,
        extras: Extras,
        classes: Option<&'a Classes>,
        groups: Arc<Groups>,
    ) -> Result<Periods<'a>, RollupError> {
        let periods = query.periods()?;
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
            cells: vec![Cell::default(); groups.keys.len() * (periods.len() + 1)],
            periods,
            classes,
            groups,
            converts: rules.currencies.iter().map(converts).collect(),
            held: Vec::new(),
            separate: ctx.policy.movement_level == MovementLevel::Subscription,
            whole: query.by.is_empty()
                && query.filter.0.is_empty()
                && query.currency != ReportCurrency::Original,
            first_change: None,
            posted: false,
            cut: None,
            quick: None,
            failed: None,
        })
    }

    /// Makes it ready for a pass over rows cut into days.
    pub fn with_cut(mut self, cut: &'a Cut) -> Periods<'a> {
        self.cut = Some(cut);
        let one_group = !self.groups.plans && (!self.groups.sources || self.image.sources.len() == 1);
        if !self.separate && self.rules.templates.is_some() {
            let retaining = self.extras.retention.then(|| Retaining::new(&self.periods));
            let groups = self.groups.keys.len();
            self.quick = Quick::new(cut, &self.periods, (groups, !one_group), self.query.to, retaining);
        }
        self
    }

    pub(crate) fn cut(&self) -> Option<&'a Cut> {
        self.cut
    }

    /// What makes empty rollups for the same question, on any thread.
    pub fn fork(&self) -> impl Fn() -> Periods<'a> + Sync + use<'a> {
        let (image, rules, ctx, query) = (self.image, self.rules, self.ctx, self.query);
        let (extras, classes, cut, groups) = (self.extras, self.classes, self.cut, self.groups.clone());
        move || {
            let groups = groups.clone();
            let empty = Periods::over(image, rules, ctx, query, extras, classes, groups);
            // Only a range that ends before it starts is refused, and one was made for it.
            let empty = empty.expect("the range is in order");
            match cut {
                Some(cut) => empty.with_cut(cut),
                None => empty,
            }
        }
    }

    fn counts(&self, step: &Step) -> bool {
        step.day <= self.query.to && (self.query.with_expected || !step.expected)
    }

    pub(crate) fn group(&self, customer: u32, item: u16, currency: u8, plan: u32) -> u32 {
        let class = self.classes.map_or(0, |classes| classes.class(customer));
        self.groups.of(self.image, self.rules, class, (customer, item, currency, plan))
    }

    fn slot(&self, day: Day) -> usize {
        self.periods.partition_point(|p| p.first <= day)
    }

    pub(crate) fn cell(&mut self, group: u32, slot: usize) -> &mut Cell {
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
            if self.whole && !self.groups.keys.is_empty() {
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
    pub fn merge(&mut self, mut other: Periods<'a>) {
        other.settle();
        other.unfold();
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

    /// The day of the first change whether anything is posted or not; and whether anything is.
    pub fn first_and_posted(&self) -> (Option<Day>, bool) {
        (self.first_change.map(|at| self.ctx.zone.day_of(at)), self.posted)
    }

    /// Takes what was summed up quickly into the cells.
    fn unfold(&mut self) {
        if let Some(quick) = self.quick.take() {
            quick.unfold(&mut self.cells);
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
        self.settle();
        self.unfold();
        let always = self.query.by.is_empty() && self.query.currency != ReportCurrency::Original;
        let mut keys = self.groups.keys.clone();
        if always && keys.is_empty() {
            keys.push(GroupKey::default());
            self.cells.resize(self.periods.len() + 1, Cell::default());
        }
        let (mut rows, mut told) = (Vec::new(), BTreeSet::new());
        let width = self.periods.len() + 1;
        for (group, key) in keys.iter().enumerate() {
            let cells = &self.cells[group * width..(group + 1) * width];
            if always || !cells[0].mrr.is_zero() || cells[1..].iter().any(|cell| cell.touched) {
                told.insert(key.clone());
            }
            self.finish_group(key, cells, &mut rows)?;
        }
        rows.sort_by(|a, b| (a.period.start, &a.group).cmp(&(b.period.start, &b.group)));
        Ok((rows, told))
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
        key: &GroupKey,
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
                group: key.clone(),
                start,
                movements,
                causes: cell.causes.clone(),
                fx: end - start - moved,
                end,
                arr: self.level(&arr, period.last)?,
                // Who is committed to another level than the own is in no class.
                committed: match self.extras.committed {
                    true => Some(self.level(&mrr, period.last)?),
                    false => None,
                },
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

impl Groups {
    /// Nothing is filtered out.
    pub fn takes_all(&self) -> bool {
        self.all
    }

    /// Group of a row, [`OUT`] where the filter leaves it out.
    pub fn of(&self, image: &Image, rules: &Rules, class: u32, row: (u32, u16, u8, u32)) -> u32 {
        let (customer, item, currency, plan) = row;
        let source = match self.sources && image.sources.len() > 1 {
            true => usize::from(image.source_of(customer as usize, item)),
            false => 0,
        };
        let place = class as usize * image.sources.len() + source;
        let place = place * rules.currencies.len() + usize::from(currency);
        self.places[place * rules.plans.len() + plan as usize]
    }

    pub fn new(image: &Image, rules: &Rules, query: &Query, classes: Option<&Classes>) -> Groups {
        let mut fields = query.by.iter().chain(query.filter.0.iter().map(|term| &term.field));
        let mut groups = Groups {
            places: Vec::new(),
            keys: Vec::new(),
            plans: fields.clone().any(|field| *field == Field::Plan),
            sources: fields.any(|field| *field == Field::Source),
            all: query.filter.0.is_empty(),
        };
        let mut known: HashMap<GroupKey, u32> = HashMap::new();
        for class in 0..classes.map_or(1, |c| c.values.len()) {
            for source in &image.sources {
                for currency in &rules.currencies {
                    for (at, plan) in rules.plans.iter().enumerate() {
                        if at > 0 && !groups.plans {
                            groups.places.push(groups.places[groups.places.len() - 1]);
                            continue;
                        }
                        let value = |field: &Field| match field {
                            Field::Plan => plan.as_deref(),
                            Field::Currency => Some(currency.as_str()),
                            Field::Source => Some(&**source),
                            other => classes.and_then(|c| c.value(class, other)),
                        };
                        if !query.filter.accepts(value) {
                            groups.places.push(OUT);
                            continue;
                        }
                        let key = GroupKey {
                            values: query.by.iter().map(|f| value(f).map(str::to_string)).collect(),
                            currency: (query.currency == ReportCurrency::Original).then_some(*currency),
                        };
                        let next = groups.keys.len() as u32;
                        let number = *known.entry(key).or_insert_with_key(|key| {
                            groups.keys.push(key.clone());
                            next
                        });
                        groups.places.push(number);
                    }
                }
            }
        }
        groups
    }
}

impl Sink for Periods<'_> {
    fn takes_every_posting(&self) -> bool {
        // A customer's levels are added up in one currency here, and by what the image's own rows say.
        false
    }

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
        if self.separate {
            return Ok(());
        }
        if self.quick.is_some() && self.image.flags[step.customer as usize] & flags::SIMPLE != 0 {
            self.quick_heads(step, slot);
            return Ok(());
        }
        self.add_heads(step)
    }

    fn heads(&mut self, step: &Step) -> Result<(), RollupError> {
        if self.counts(step) { self.add_heads(step) } else { Ok(()) }
    }

    #[inline]
    fn post(&mut self, posting: &Posting) {
        if self.quick.is_some() {
            self.quick_post(posting);
        } else {
            self.post_as_step(posting);
        }
    }

    fn end(&mut self, customer: u32, first_change: Option<i64>) -> Result<(), RollupError> {
        let seen = |at: &Instant| self.query.with_expected || *at <= self.ctx.now();
        if let Some(at) = first_change.map(Instant::from_micros).filter(seen) {
            self.first_change = Some(self.first_change.map_or(at, |known| known.min(at)));
        }
        if self.quick.is_some() && self.image.flags[customer as usize] & flags::SIMPLE != 0 {
            self.quick_end()?;
        } else if self.extras.retention {
            self.retain()?;
        }
        self.held.clear();
        self.failed.take().map_or(Ok(()), Err)
    }
}
