//! The rollup by period of simple customers: sums in tables, straight from templates.

use crate::cut::Cut;
use crate::days::{CAUSES, KINDS};
use crate::periods::{Cell, OUT, Periods};
use crate::rules::NONE;
use crate::step::{Change, Posting, Row, Sink, Step};
use netnew_ledger::{Cause, Kind};
use netnew_metrics::{Period, Retained, RollupError, Window};
use netnew_money::{Amount, Day};
use std::collections::HashMap;

/// Cells of this many sums at most.
const MOST: usize = 6_000_000;

/// After the report's last day.
const LATER: u32 = u32::MAX;

/// Events that wait at a time: what they post lies far apart in memory.
const WAITING: usize = 2048;

/// Sums by group, slot, kind and cause.
pub(crate) struct Quick {
    /// By day of the cut.
    slots: Vec<u32>,
    first: Day,
    width: usize,
    sums: Vec<i64>,
    /// What left the range of a sum.
    large: HashMap<usize, i128>,
    touched: Vec<bool>,
    levels: Vec<[i128; 2]>,
    /// New, reactivated, entered, churned, left.
    heads: Vec<[i64; 5]>,
    waiting: Vec<(Posting, u32)>,
    retaining: Option<Retaining>,
    /// Rows of a customer may lie in several groups.
    several: bool,
    /// Group and currency of the customer at hand, and its level, where all its rows are in one group.
    now: Option<(u32, u8)>,
    level: i128,
    /// What the customer holds where they are not; a level in its one currency, and present while above 0.
    held: Vec<Held>,
    currency: u8,
    spare: Vec<Vec<(Day, i128)>>,
}

struct Held {
    group: u32,
    level: i128,
    present: bool,
    touched: bool,
    history: Vec<(Day, i128)>,
}

fn note(history: &mut Vec<(Day, i128)>, day: Day, level: i128) {
    match history.last_mut() {
        Some(last) if last.0 == day => last.1 = level,
        _ => history.push((day, level)),
    }
}

impl Quick {
    /// Empty tables; `None` when they would be too large.
    pub fn new(
        cut: &Cut,
        periods: &[Period],
        (groups, several): (usize, bool),
        to: Day,
        retaining: Option<Retaining>,
    ) -> Option<Box<Quick>> {
        let width = periods.len() + 1;
        let cells = groups.checked_mul(width).filter(|cells| cells * KINDS * CAUSES <= MOST)?;
        let days = cut.last().days_since(cut.first()).max(0);
        let slot = |day: Day| match day > to {
            true => LATER,
            false => periods.partition_point(|p| p.first <= day) as u32,
        };
        let retaining = retaining.map(|mut retaining| {
            retaining.retained = vec![Retained::default(); groups * periods.len() * 3];
            retaining
        });
        Some(Box::new(Quick {
            slots: (0..=days).map(|day| slot(cut.first().add_days(day))).collect(),
            first: cut.first(),
            width,
            sums: vec![0; cells * KINDS * CAUSES],
            large: HashMap::new(),
            touched: vec![false; cells],
            levels: vec![[0; 2]; cells],
            heads: vec![[0; 5]; cells],
            waiting: Vec::with_capacity(WAITING),
            retaining,
            several,
            now: None,
            level: 0,
            held: Vec::new(),
            currency: 0,
            spare: Vec::new(),
        }))
    }

    fn add(&mut self, cell: usize, kind: Kind, cause: Cause, amount: i128) {
        let at = (cell * KINDS + kind as usize) * CAUSES + cause as usize;
        match i64::try_from(amount).ok().and_then(|amount| self.sums[at].checked_add(amount)) {
            Some(sum) => self.sums[at] = sum,
            None => *self.large.entry(at).or_default() += amount,
        }
        self.touched[cell] = true;
    }

    fn come(&mut self, cell: usize, kind: Kind) {
        match kind {
            Kind::New => self.heads[cell][0] += 1,
            Kind::Reactivation => self.heads[cell][1] += 1,
            Kind::Churn => self.heads[cell][3] += 1,
            _ => {}
        }
    }

    /// What the customer at hand holds of a group moves.
    fn moves(&mut self, group: u32, amount: i128) {
        let at = self.held.iter().position(|held| held.group == group).unwrap_or_else(|| {
            let history = self.spare.pop().unwrap_or_default();
            self.held.push(Held { group, level: 0, present: false, touched: false, history });
            self.held.len() - 1
        });
        let held = &mut self.held[at];
        held.level += amount;
        held.touched = true;
    }

    /// After all of an event's moves: who came into a group or left it.
    fn moved(&mut self, slot: usize, day: Day, kind: Option<Kind>) {
        for held in self.held.iter_mut().filter(|held| held.touched) {
            held.touched = false;
            let present = held.level > 0;
            if self.retaining.is_some() {
                note(&mut held.history, day, held.level);
            }
            let heads = &mut self.heads[held.group as usize * self.width + slot];
            match (std::mem::replace(&mut held.present, present), present) {
                (false, true) => match kind {
                    Some(Kind::New) => heads[0] += 1,
                    Some(Kind::Reactivation) => heads[1] += 1,
                    _ => heads[2] += 1,
                },
                (true, false) => match kind {
                    Some(Kind::Churn) => heads[3] += 1,
                    _ => heads[4] += 1,
                },
                _ => {}
            }
        }
    }

    /// Adds everything to the cells, group after group.
    pub fn unfold(self, cells: &mut [Cell]) {
        for (at, cell) in cells.iter_mut().enumerate() {
            cell.touched |= self.touched[at];
            for kind in Kind::ALL {
                for cause in Cause::ALL {
                    let place = (at * KINDS + kind as usize) * CAUSES + cause as usize;
                    let more = self.large.get(&place).copied().unwrap_or_default();
                    let sum = i128::from(self.sums[place]) + more;
                    if sum != 0 {
                        *cell.causes.entry((kind, cause)).or_default() += Amount::from_raw(sum);
                    }
                }
            }
            let [mrr, arr] = self.levels[at];
            cell.mrr.add(mrr);
            cell.arr.add(arr);
            let [new, reactivated, entered, churned, left] = self.heads[at];
            cell.heads.new += new;
            cell.heads.reactivated += reactivated;
            cell.heads.entered += entered;
            cell.heads.churned += churned;
            cell.heads.left += left;
            let (group, slot) = (at / self.width, at % self.width);
            if let Some(retaining) = self.retaining.as_ref().filter(|_| slot > 0) {
                let first = (group * (self.width - 1) + slot - 1) * 3;
                for (mine, more) in cell.retained.iter_mut().zip(&retaining.retained[first..first + 3]) {
                    mine.start += more.start;
                    mine.end += more.end;
                    mine.least += more.least;
                    mine.customers += more.customers;
                    mine.kept += more.kept;
                }
            }
        }
    }
}

/// NRR and GRR: levels at the days that windows begin and end on.
pub(crate) struct Retaining {
    days: Vec<Day>,
    /// Per period and window: places of its first and last day among `days`.
    windows: Vec<(u32, u32)>,
    /// The customer's levels so far: from the end of which day on, and whether it is there.
    history: Vec<(Day, i128)>,
    /// Levels at `days`, of the customer at hand.
    levels: Vec<i128>,
    retained: Vec<Retained>,
}

impl Retaining {
    pub fn new(periods: &[Period]) -> Retaining {
        let mut days: Vec<Day> = Vec::new();
        for period in periods {
            days.push(period.last);
            days.extend(Window::ALL.map(|window| window.start(period)));
        }
        days.sort_unstable();
        days.dedup();
        let place = |day: Day| days.partition_point(|d| *d < day) as u32;
        let windows = periods
            .iter()
            .flat_map(|period| Window::ALL.map(|window| (place(window.start(period)), place(period.last))))
            .collect();
        Retaining { levels: vec![0; days.len()], windows, history: Vec::new(), days, retained: Vec::new() }
    }

    fn note(&mut self, day: Day, level: i128) {
        note(&mut self.history, day, level);
    }

    /// Adds the customer at hand; `value`: a level on a day in the report's currency.
    fn customer(
        &mut self,
        group: usize,
        value: Option<&dyn Fn(i128, Day) -> Result<Amount, RollupError>>,
    ) -> Result<(), RollupError> {
        let Some((first, _)) = self.history.first() else { return Ok(()) };
        let begins = self.days.partition_point(|day| day < first);
        let (mut next, mut level) = (0, 0);
        for at in begins..self.days.len() {
            while next < self.history.len() && self.history[next].0 <= self.days[at] {
                level = self.history[next].1;
                next += 1;
            }
            self.levels[at] = level;
        }
        let first = group * self.windows.len();
        let retained = &mut self.retained[first..first + self.windows.len()];
        for ((from, to), retained) in self.windows.iter().zip(retained) {
            let (from, to) = (*from as usize, *to as usize);
            if from < begins || self.levels[from] <= 0 {
                continue;
            }
            let (start, end) = match value {
                None => (Amount::from_raw(self.levels[from]), Amount::from_raw(self.levels[to])),
                Some(value) => (
                    value(self.levels[from], self.days[from])?.max(Amount::ZERO),
                    value(self.levels[to], self.days[to])?.max(Amount::ZERO),
                ),
            };
            retained.start += start;
            retained.end += end;
            retained.least += start.min(end);
            retained.customers += 1;
            retained.kept += i64::from(self.levels[to] > 0);
        }
        self.history.clear();
        Ok(())
    }
}

impl Periods<'_> {
    #[inline]
    pub(crate) fn quick_post(&mut self, posting: &Posting) {
        if self.quick.as_ref().is_some_and(|quick| quick.waiting.len() >= WAITING) {
            self.settle();
        }
        let rules = self.rules;
        let Some(quick) = &mut self.quick else { return };
        if quick.several {
            return self.post_among_several(posting);
        }
        let group = match quick.now {
            Some((group, _)) => group,
            None => {
                // All rows of a simple customer are in one currency.
                let entry = rules.entries(self.image, posting.which.pair)[1];
                let currency = rules.phases[entry as usize].currency;
                let group = self.group(posting.customer, 0, currency, 0);
                if let Some(quick) = &mut self.quick {
                    quick.now = Some((group, currency));
                }
                group
            }
        };
        let Some(quick) = &mut self.quick else { return };
        let slot = quick.slots[usize::from(posting.day)];
        if slot == LATER {
            return;
        }
        self.posted = true;
        if group == OUT {
            return;
        }
        if let (Some(kind), cell) = (posting.kind, group as usize * quick.width + slot as usize) {
            quick.come(cell, kind);
        }
        if let Some(retaining) = &mut quick.retaining
            && let Some(templates) = &rules.templates
        {
            quick.level += i128::from(templates.deltas[posting.which.pair as usize]);
            retaining.note(quick.first.add_days(i32::from(posting.day)), quick.level);
        }
        quick.waiting.push((*posting, group));
    }

    /// An event where the rows of a customer may lie in several groups.
    fn post_among_several(&mut self, posting: &Posting) {
        let Some(mut quick) = self.quick.take() else { return };
        let slot = quick.slots[usize::from(posting.day)];
        if slot != LATER {
            self.posted = true;
            let item = posting.item;
            let [before, after] = self.rules.entries(self.image, posting.which.pair);
            for (content, sign) in [(before, -1), (after, 1)] {
                if content == NONE {
                    continue;
                }
                let phase = &self.rules.phases[content as usize];
                quick.currency = phase.currency;
                let group = match phase.mrr {
                    0 => OUT,
                    _ => self.group(posting.customer, item, phase.currency, phase.plan),
                };
                if group != OUT {
                    quick.moves(group, phase.mrr * sign);
                }
            }
            let day = quick.first.add_days(i32::from(posting.day));
            quick.moved(slot as usize, day, posting.kind);
            quick.waiting.push((*posting, OUT));
        }
        self.quick = Some(quick);
    }

    /// Takes an event that waits into the sums of the groups of its rows.
    fn settle_among_several(&mut self, quick: &mut Quick, posting: &Posting) {
        let Some(templates) = &self.rules.templates else { return };
        let slot = quick.slots[usize::from(posting.day)] as usize;
        let day = quick.first.add_days(i32::from(posting.day));
        let item = posting.item;
        for row in &templates.rows[templates.rows_of(posting.which)] {
            let topic = templates.topics[row.topics[usize::from(posting.which.again)] as usize];
            let group = self.group(posting.customer, item, topic.currency, topic.plan);
            if group == OUT {
                continue;
            }
            let cell = group as usize * quick.width + slot;
            let mut amount = Amount::from_raw(i128::from(row.amount));
            if !self.converts[usize::from(topic.currency)] {
                quick.levels[cell][0] += amount.raw();
            } else if slot > 0 || self.converter.frozen() {
                let from = self.rules.currencies[usize::from(topic.currency)];
                match self.converter.movement(amount, from, day) {
                    Ok(converted) => amount = converted,
                    Err(error) => {
                        self.failed.get_or_insert(error);
                    }
                }
            }
            if slot > 0 || self.converter.frozen() {
                quick.add(cell, topic.kind, topic.cause, amount.raw());
            }
        }
        let [before, after] = self.image.pairs[posting.which.pair as usize];
        for (content, leaves) in [(before, true), (after, false)] {
            if content == NONE {
                continue;
            }
            let phase = &self.rules.phases[content as usize];
            let arr = self.rules.arr[content as usize];
            let currency = phase.currency;
            let group = match phase.mrr == 0 && arr == 0 {
                true => OUT,
                false => self.group(posting.customer, item, currency, phase.plan),
            };
            if group == OUT {
                continue;
            }
            let side = |level: i128| if leaves { [level, 0] } else { [0, level] };
            if !self.converts[usize::from(currency)] {
                let cell = group as usize * quick.width + slot;
                quick.levels[cell][1] += if leaves { -arr } else { arr };
                continue;
            }
            let mrr = phase.mrr;
            let cell = self.cell(group, slot);
            cell.mrr.shift(currency, true, side(mrr));
            cell.arr.shift(currency, true, side(arr));
            cell.touched |= mrr != 0;
        }
    }

    /// Takes the events that wait into their sums.
    pub(crate) fn settle(&mut self) {
        let (Some(mut quick), Some(templates)) = (self.quick.take(), &self.rules.templates) else { return };
        let waiting = std::mem::take(&mut quick.waiting);
        let frozen = self.converter.frozen();
        if quick.several {
            waiting.iter().for_each(|(posting, _)| self.settle_among_several(&mut quick, posting));
        }
        for (posting, group) in waiting.iter().filter(|(_, group)| *group != OUT) {
            let slot = quick.slots[usize::from(posting.day)] as usize;
            let cell = *group as usize * quick.width + slot;
            let pair = posting.which.pair as usize;
            let after = self.image.pairs[pair][1];
            let currency = self.rules.phases[after as usize].currency;
            let converts = self.converts[usize::from(currency)];
            let day = quick.first.add_days(i32::from(posting.day));
            if slot > 0 || frozen {
                for row in &templates.rows[templates.rows_of(posting.which)] {
                    let topic = templates.topics[row.topics[usize::from(posting.which.again)] as usize];
                    let mut amount = Amount::from_raw(i128::from(row.amount));
                    if converts {
                        let from = self.rules.currencies[usize::from(currency)];
                        match self.converter.movement(amount, from, day) {
                            Ok(converted) => amount = converted,
                            Err(error) => {
                                self.failed.get_or_insert(error);
                            }
                        }
                    }
                    quick.add(cell, topic.kind, topic.cause, amount.raw());
                }
            }
            if !converts {
                quick.levels[cell][0] += i128::from(templates.deltas[pair]);
                quick.levels[cell][1] += i128::from(templates.pairs[pair].arr);
                continue;
            }
            let before = self.image.pairs[pair][0];
            let [mrr, arr] = levels(self.rules, before, after);
            let cell = self.cell(*group, slot);
            cell.mrr.shift(currency, true, mrr);
            cell.arr.shift(currency, true, arr);
            cell.touched |= mrr[0] != mrr[1];
        }
        quick.waiting = waiting;
        quick.waiting.clear();
        self.quick = Some(quick);
    }

    /// Who comes or goes in a step of a simple customer, which is in one group as a whole.
    pub(crate) fn quick_heads(&mut self, step: &Step, slot: usize) {
        if self.quick.as_ref().is_some_and(|quick| quick.several) {
            let Some(mut quick) = self.quick.take() else { return };
            for change in step.changes {
                let group = self.group(step.customer, change.item, change.currency, change.plan);
                quick.currency = change.currency;
                if group != OUT {
                    quick.moves(group, change.mrr[1] - change.mrr[0]);
                }
            }
            quick.moved(slot, step.day, step.kind);
            self.quick = Some(quick);
            return;
        }
        let Some(change) = step.changes.first() else { return };
        let group = self.group(step.customer, change.item, change.currency, change.plan);
        let Some(quick) = &mut self.quick else { return };
        quick.now = Some((group, change.currency));
        if group == OUT {
            return;
        }
        if let Some(kind) = step.kind {
            quick.come(group as usize * quick.width + slot, kind);
        }
        if let Some(retaining) = &mut quick.retaining {
            quick.level += step.changes.iter().map(|c| c.mrr[1] - c.mrr[0]).sum::<i128>();
            retaining.note(step.day, quick.level);
        }
    }

    /// A simple customer is done.
    pub(crate) fn quick_end(&mut self) -> Result<(), RollupError> {
        let Some(quick) = &mut self.quick else { return Ok(()) };
        quick.level = 0;
        if quick.several {
            let mut held = std::mem::take(&mut quick.held);
            let from = self.rules.currencies.get(usize::from(quick.currency)).copied();
            let converts = self.converts.get(usize::from(quick.currency)).copied().unwrap_or_default();
            let converter = &self.converter;
            for mut one in held.drain(..) {
                if let (Some(retaining), Some(from)) = (&mut quick.retaining, from) {
                    std::mem::swap(&mut retaining.history, &mut one.history);
                    let value =
                        |level: i128, day: Day| converter.movement(Amount::from_raw(level), from, day);
                    retaining.customer(one.group as usize, converts.then_some(&value as _))?;
                    std::mem::swap(&mut retaining.history, &mut one.history);
                }
                one.history.clear();
                quick.spare.push(one.history);
            }
            quick.held = held;
            return Ok(());
        }
        let Some((group, currency)) = quick.now.take() else { return Ok(()) };
        let Some(retaining) = quick.retaining.as_mut().filter(|_| group != OUT) else { return Ok(()) };
        if !self.converts[usize::from(currency)] {
            return retaining.customer(group as usize, None);
        }
        let from = self.rules.currencies[usize::from(currency)];
        let converter = &self.converter;
        let value = |level: i128, day: Day| converter.movement(Amount::from_raw(level), from, day);
        retaining.customer(group as usize, Some(&value))
    }

    /// An event as the step that it stands for, for groups that tell a customer's rows apart.
    pub(crate) fn post_as_step(&mut self, posting: &Posting) {
        let (image, rules) = (self.image, self.rules);
        let Some(cut) = self.cut() else { return };
        let rows: Vec<Row> = posting.rows(rules).collect();
        let [before, after] = rules.entries(image, posting.which.pair);
        let item = posting.item;
        let phase = |content: u32| &rules.phases[content as usize];
        let change = |content: u32, mrr: [i128; 2], arr: [i128; 2]| {
            let phase = phase(content);
            Change { item, plan: phase.plan, currency: phase.currency, mrr, arr }
        };
        let one_place = before != NONE
            && phase(before).plan == phase(after).plan
            && phase(before).currency == phase(after).currency;
        let [mrr, arr] = levels(rules, before, after);
        let changes = match one_place || before == NONE {
            true => vec![change(after, mrr, arr)],
            false => {
                vec![change(before, [mrr[0], 0], [arr[0], 0]), change(after, [0, mrr[1]], [0, arr[1]])]
            }
        };
        let step = Step {
            customer: posting.customer,
            at: posting.at,
            day: cut.first().add_days(i32::from(posting.day)),
            kind: posting.kind,
            present_before: !matches!(posting.kind, Some(Kind::New | Kind::Reactivation)),
            present_after: posting.kind != Some(Kind::Churn),
            expected: false,
            rows: &rows,
            changes: &changes,
        };
        if let Err(error) = self.step(&step) {
            self.failed.get_or_insert(error);
        }
    }
}

/// MRR before and after, and ARR.
fn levels(rules: &crate::rules::Rules, before: u32, after: u32) -> [[i128; 2]; 2] {
    let level = |content: u32| match content {
        NONE => (0, 0),
        content => (rules.phases[content as usize].mrr, rules.arr[content as usize]),
    };
    let (had, has) = (level(before), level(after));
    [[had.0, has.0], [had.1, has.1]]
}
