//! One customer's rows to steps, without allocating: the rules of [`netnew_ledger::replay`] over numbers instead of
//! texts. The two are held equal by tests; what is rare is left to the other.

use crate::cut::Cut;
use crate::image::{Image, NEVER, flags};
use crate::rules::{NONE, Phase, Rules, Variant};
use crate::templates::{Fate, NO_STEP, Which};
use netnew_facts::Status;
use netnew_ledger::{
    Cause, Context, Delta, Kind, LedgerError, Money, Surroundings, of_change, of_end, of_start, rate, replay,
    split,
};
use netnew_metrics::RollupError;
use netnew_money::{Amount, Day, Instant, Ratio};
use netnew_policy::{Netting, PartialCancel, ReactivationWindow, SecondSubscription, TransferResidual};
use std::cmp::Ordering;

/// Customers whose levels are looked up at a time.
const BLOCK: usize = 128;

/// A day in microseconds, more or less: clocks change.
const DAY: i64 = 86_400_000_000;

/// One posted row of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Index of the item among the customer's.
    pub item: u16,
    /// Index into [`Rules::plans`].
    pub plan: u32,
    /// Index into [`Rules::currencies`].
    pub currency: u8,
    /// What happened.
    pub kind: Kind,
    /// Why.
    pub cause: Cause,
    /// Change of MRR in 10^-10 of the major unit.
    pub amount: i128,
    /// Level of this item on this plan before the row; after it is `before + amount`.
    pub before: i128,
}

/// How the level of one item on one plan changed over a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Index of the item among the customer's.
    pub item: u16,
    /// Index into [`Rules::plans`].
    pub plan: u32,
    /// Index into [`Rules::currencies`].
    pub currency: u8,
    /// MRR before and after.
    pub mrr: [i128; 2],
    /// ARR before and after.
    pub arr: [i128; 2],
}

/// All that changed for one customer in one netted group.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Index of the customer in the image.
    pub customer: u32,
    /// Instant of the group's last step, in microseconds.
    pub at: i64,
    /// Its local day in the report's zone.
    pub day: Day,
    /// `New`, `Reactivation` or `Churn` when presence changed.
    pub kind: Option<Kind>,
    /// Present before.
    pub present_before: bool,
    /// Present after.
    pub present_after: bool,
    /// Lies after now.
    pub expected: bool,
    /// Posted rows.
    pub rows: &'a [Row],
    /// Changes behind them.
    pub changes: &'a [Change],
}

/// What steps are handed to, customer by customer.
pub trait Sink {
    /// A step. Under `movement.level = subscription` a step of one subscription has rows and says nothing of presence:
    /// see [`Sink::heads`].
    fn step(&mut self, step: &Step) -> Result<(), RollupError>;

    /// What head counts follow, when it is not the steps themselves.
    fn heads(&mut self, _step: &Step) -> Result<(), RollupError> {
        Ok(())
    }

    /// An event of a simple customer: the rows of a step, from a template.
    fn post(&mut self, posting: &Posting);

    /// The customer is done. `first_change`: when a level changed for the first time; may lie ahead.
    fn end(&mut self, customer: u32, first_change: Option<i64>) -> Result<(), RollupError>;
}

/// What an event of a simple customer posts.
#[derive(Clone, Copy)]
pub struct Posting {
    /// Index of the customer in the image.
    pub customer: u32,
    /// The row of the image that brings it.
    pub(crate) row: u32,
    pub(crate) which: Which,
    /// Local day, since the cut's first.
    pub(crate) day: u16,
    /// `New`, `Reactivation` or `Churn` when presence changed.
    pub kind: Option<Kind>,
}

impl Posting {
    /// Instant of the event, in microseconds.
    pub fn at(&self, image: &Image) -> i64 {
        image.at[self.row as usize]
    }

    /// The rows that it posts.
    pub fn rows(&self, image: &Image, rules: &Rules) -> impl Iterator<Item = Row> {
        let which = self.which;
        let item = image.item[self.row as usize];
        rules.templates.iter().flat_map(move |templates| {
            templates.rows_of(which).map(move |at| {
                let row = templates.rows[at];
                let topic = templates.topics[row.topics[usize::from(which.again)] as usize];
                Row {
                    item,
                    plan: topic.plan,
                    currency: topic.currency,
                    kind: topic.kind,
                    cause: topic.cause,
                    amount: i128::from(row.amount),
                    before: i128::from(templates.befores[at]),
                }
            })
        })
    }
}

#[derive(Clone, Copy)]
struct Event {
    at: i64,
    item: u16,
    phase: u32,
}

#[derive(Clone, Copy)]
struct Position {
    before: u32,
    now: u32,
}

#[derive(Clone, Copy)]
struct Moment {
    at: i64,
    from: u32,
    to: u32,
    day: Day,
    step: bool,
}

/// Walks customers, one after the other.
pub struct Walker<'a> {
    image: &'a Image,
    rules: &'a Rules,
    ctx: &'a Context<'a>,
    /// Up to when each source is known complete.
    through: Vec<Option<i64>>,
    now: i64,
    horizon: i64,
    events: Vec<Event>,
    moments: Vec<Moment>,
    positions: Vec<Position>,
    next_at: Vec<i64>,
    touched: Vec<u16>,
    changes: Vec<Change>,
    rows: Vec<Row>,
    deltas: Vec<Delta>,
    pairs: Vec<(u16, u16)>,
    /// The customer's level per currency, as far as it occurs.
    level: Vec<(u8, i128)>,
    seen_subscriptions: Vec<u16>,
    extra: usize,
    customer: usize,
    block: Vec<i64>,
    /// Further apart than this, in microseconds, no two events belong to one group.
    reach: i64,
    /// The policy may keep customers at 0 or force kinds.
    careful: bool,
    cut: Option<&'a Cut>,
    /// Nothing after this instant is for the templates.
    settled: i64,
}

/// Presence so far.
#[derive(Clone, Copy, Default)]
struct Presence {
    now: bool,
    ever: bool,
    left_on: Option<Day>,
}

impl<'a> Walker<'a> {
    /// A walker; `first` is the first customer that it will be asked for.
    pub fn new(image: &'a Image, rules: &'a Rules, ctx: &'a Context<'a>, first: usize) -> Walker<'a> {
        let through = image.sources.iter().map(|s| ctx.data_through.get(s).map(|i| i.micros())).collect();
        let row = image.first_row.get(first).copied().unwrap_or_default();
        Walker {
            image,
            rules,
            ctx,
            through,
            now: ctx.now().micros(),
            horizon: ctx.horizon.micros(),
            events: Vec::new(),
            moments: Vec::new(),
            positions: Vec::new(),
            next_at: Vec::new(),
            touched: Vec::new(),
            changes: Vec::new(),
            rows: Vec::new(),
            deltas: Vec::new(),
            pairs: Vec::new(),
            level: Vec::new(),
            seen_subscriptions: Vec::new(),
            extra: image.extras.partition_point(|e| e.row < row),
            customer: first,
            block: Vec::new(),
            reach: match ctx.policy.netting {
                Netting::Event => 0,
                Netting::Window | Netting::Day => 2 * DAY,
                Netting::Period => 400 * DAY,
            },
            careful: rules.careful,
            cut: None,
            settled: ctx.now().min(ctx.horizon).micros(),
        }
    }

    /// Lets simple customers' events be posted from templates, over rows cut into days in the context's zone.
    pub fn with_cut(mut self, cut: &'a Cut) -> Walker<'a> {
        self.cut = Some(cut);
        self
    }

    /// The steps of some customers, who are asked for in order.
    pub fn customers<S: Sink>(
        &mut self,
        customers: std::ops::Range<usize>,
        sink: &mut S,
    ) -> Result<(), RollupError> {
        let (Some(cut), Some(templates)) = (self.cut, &self.rules.templates) else {
            return customers.into_iter().try_for_each(|customer| self.customer(customer, sink));
        };
        let mut first = customers.start;
        while first < customers.end {
            let last = (first + BLOCK).min(customers.end);
            let rows = self.image.first_row[first] as usize..self.image.first_row[last] as usize;
            // By themselves these look-ups overlap; between the branches below each would wait for the one before.
            let mut deltas = std::mem::take(&mut self.block);
            deltas.clear();
            let pairs = &self.image.pair[rows.clone()];
            deltas.extend(pairs.iter().map(|pair| templates.pairs[*pair as usize].delta));
            for customer in first..last {
                let range = self.image.row_range(customer);
                let simple = self.image.flags[customer] & flags::SIMPLE != 0
                    && self.image.at[range.end - 1] <= self.settled;
                if simple {
                    self.customer = customer;
                    let deltas = &deltas[range.start - rows.start..range.end - rows.start];
                    self.simple(cut, deltas, range.start, sink)?;
                } else {
                    self.customer(customer, sink)?;
                }
            }
            self.block = deltas;
            first = last;
        }
        Ok(())
    }

    /// One customer's steps. Customers are asked for in order.
    pub fn customer<S: Sink>(&mut self, customer: usize, sink: &mut S) -> Result<(), RollupError> {
        let mark = self.image.flags[customer];
        self.customer = customer;
        if self.rules.all_general || mark & self.rules.general != 0 {
            return self.general(customer, sink);
        }
        let items = (self.image.first_item[customer + 1] - self.image.first_item[customer]) as usize;
        self.positions.clear();
        self.positions.resize(items, Position { before: NONE, now: NONE });
        self.level.clear();
        let plain = mark & flags::EXTRAS == 0;
        if plain && !self.careful && !self.rules.any_broken {
            return self.quick(true, sink);
        }
        self.events.clear();
        if if plain { self.plain_events() } else { self.events_in_time() } {
            return self.general(customer, sink);
        }
        if !self.careful {
            return self.quick(false, sink);
        }
        self.seen_subscriptions.clear();
        let mut presence = Presence::default();
        let mut first_change = None;
        self.run(&mut presence, &mut first_change, sink)?;
        sink.end(customer as u32, first_change)
    }

    /// The walk of a customer whose events post what their pair of contents posts. `deltas`: change of MRR of each of
    /// the rows from `start` on.
    fn simple<S: Sink>(
        &mut self,
        cut: &Cut,
        deltas: &[i64],
        start: usize,
        sink: &mut S,
    ) -> Result<(), RollupError> {
        let days = &cut.days[start..start + deltas.len()];
        let pairs = &self.image.pair[start..start + deltas.len()];
        let window = self.ctx.policy.reactivation_window;
        let mut presence = Presence::default();
        let mut first_change = None;
        let mut level = 0i64;
        let mut at = 0;
        while at < deltas.len() {
            let day = days[at];
            if at + 1 < days.len() && days[at + 1] == day {
                let to = at + days[at..].iter().take_while(|d| **d == day).count();
                self.run_from(start, at..to, level, &mut presence, &mut first_change, sink)?;
                level = self.level.iter().map(|(_, sum)| *sum as i64).sum();
                at = to;
                continue;
            }
            let delta = deltas[at];
            let row = start + at;
            at += 1;
            if delta == NO_STEP {
                continue;
            }
            level += delta;
            first_change = first_change.or(Some(row));
            let fate = match (presence.now, level > 0) {
                (true, true) => Fate::Stays,
                (false, true) => Fate::Arrives,
                (true, false) => Fate::Leaves,
                (false, false) => continue,
            };
            let mut kind = None;
            if fate != Fate::Stays {
                let before = presence.now;
                presence.now = level > 0;
                let today = Day::from_days(cut.first().days() + i32::from(day));
                kind = kind_of(&mut presence, before, today, window);
            }
            let which = Which { pair: pairs[row - start], fate, again: kind == Some(Kind::Reactivation) };
            sink.post(&Posting { customer: self.customer as u32, row: row as u32, day, which, kind });
        }
        sink.end(self.customer as u32, first_change.map(|row| self.image.at[row]))
    }

    /// Groups among rows of one day, given what went before.
    fn run_from<S: Sink>(
        &mut self,
        first: usize,
        rows: std::ops::Range<usize>,
        level: i64,
        presence: &mut Presence,
        first_change: &mut Option<usize>,
        sink: &mut S,
    ) -> Result<(), RollupError> {
        let image = self.image;
        let items = (image.first_item[self.customer + 1] - image.first_item[self.customer]) as usize;
        self.positions.clear();
        self.positions.resize(items, Position { before: NONE, now: NONE });
        for row in first..first + rows.start {
            let phase = image.content[row];
            self.positions[usize::from(image.item[row])] = Position { before: phase, now: phase };
        }
        let currency = self.rules.phases[image.content[first] as usize].currency;
        self.level.clear();
        self.level.push((currency, i128::from(level)));
        self.events.clear();
        let run = first + rows.start..first + rows.end;
        self.events.extend(run.clone().map(|row| Event {
            at: image.at[row],
            item: image.item[row],
            phase: image.content[row],
        }));
        let mut change = first_change.map(|row| image.at[row]);
        self.run(presence, &mut change, sink)?;
        if first_change.is_none()
            && let Some(at) = change
        {
            *first_change = run.into_iter().find(|row| image.at[*row] == at);
        }
        Ok(())
    }

    /// The walk under policies that keep nobody at 0 and force no kinds. Nearly every group is one event by itself; those
    /// that may belong together are told apart as in the careful walk.
    fn quick<S: Sink>(&mut self, plain: bool, sink: &mut S) -> Result<(), RollupError> {
        let image = self.image;
        let events = std::mem::take(&mut self.events);
        let range = image.row_range(self.customer);
        let (ats, items, phases) =
            (&image.at[range.clone()], &image.item[range.clone()], &image.content[range]);
        let count = if plain { ats.partition_point(|at| *at <= self.horizon) } else { events.len() };
        let event = |i: usize| match plain {
            true => Event { at: ats[i], item: items[i], phase: phases[i] },
            false => events[i],
        };
        let mut presence = Presence::default();
        let mut first_change = None;
        let mut at = 0;
        while at < count {
            let first = event(at);
            if at + 1 == count || event(at + 1).at - first.at > self.reach {
                self.quick_event(first, &mut presence, &mut first_change, sink)?;
                at += 1;
                continue;
            }
            let mut moment = self.moment(first.at);
            let mut to = at + 1;
            while to < count {
                let next = event(to).at;
                if next != moment.at {
                    let next = self.moment(next);
                    if !self.joins(&moment, &next) {
                        break;
                    }
                    moment = next;
                }
                to += 1;
            }
            if to == at + 1 {
                self.quick_event(first, &mut presence, &mut first_change, sink)?;
            } else {
                self.events.clear();
                self.events.extend((at..to).map(event));
                self.run(&mut presence, &mut first_change, sink)?;
            }
            at = to;
        }
        self.events = events;
        sink.end(self.customer as u32, first_change)
    }

    fn moment(&self, at: i64) -> Moment {
        Moment { at, from: 0, to: 0, day: self.ctx.zone.day_of(Instant::from_micros(at)), step: true }
    }

    /// An event that is a group by itself.
    #[inline]
    fn quick_event<S: Sink>(
        &mut self,
        event: Event,
        presence: &mut Presence,
        first_change: &mut Option<i64>,
        sink: &mut S,
    ) -> Result<(), RollupError> {
        let rules = self.rules;
        let place = usize::from(event.item);
        let before = self.positions[place].now;
        self.positions[place].now = event.phase;
        let after = &rules.phases[event.phase as usize];
        let cell = if before == NONE { 0 } else { rules.phases[before as usize].cell };
        let is_step = after.cell != cell;
        self.changes.clear();
        self.item_changes(event.item, before, event.phase);
        if self.changes.is_empty() && !is_step {
            self.positions[place].before = event.phase;
            return Ok(());
        }
        let day = self.ctx.zone.day_of(Instant::from_micros(event.at));
        let present_before = presence.now;
        if is_step {
            *first_change = first_change.or(Some(event.at));
            for change in &self.changes {
                add(&mut self.level, change.currency, change.mrr[1] - change.mrr[0]);
            }
            presence.now = self.above_zero(day)?;
        }
        let kind = self.kind(presence, present_before, day);
        self.rows.clear();
        let stays = present_before && presence.now;
        let raw_now = Some(after);
        let ends = (self.phase(before).filter(|p| p.live()), raw_now.filter(|p| p.live()));
        let cause = match ends {
            (Some(before), Some(after)) => of_change(before, after),
            _ => cause_between(ends, raw_now, || Surroundings {
                others_before: self.others(event.item, true),
                others_after: self.others(event.item, false),
                present_before,
            }),
        };
        for change in &self.changes {
            let amount = change.mrr[1] - change.mrr[0];
            if amount == 0 {
                continue;
            }
            let by_sign = if amount < 0 { Kind::Contraction } else { Kind::Expansion };
            let alone =
                kind.unwrap_or(if stays && self.changes.len() > 1 { Kind::Transfer } else { by_sign });
            let Change { item, plan, currency, mrr, .. } = *change;
            self.rows.push(Row { item, plan, currency, kind: alone, cause, amount, before: mrr[0] });
        }
        if kind.is_none() && stays && self.changes.len() > 1 {
            self.split_rows(day)?;
        }
        self.positions[place].before = event.phase;
        sink.step(&Step {
            customer: self.customer as u32,
            at: event.at,
            day,
            kind,
            present_before,
            present_after: presence.now,
            expected: event.at > self.now,
            rows: &self.rows,
            changes: &self.changes,
        })
    }

    /// Whether an item's subscription has another item that is live, before the group or after it.
    fn others(&self, item: u16, before: bool) -> bool {
        self.positions.len() > 1
            && self.positions.iter().enumerate().any(|(other, position)| {
                other != usize::from(item)
                    && self.subscription(other as u16) == self.subscription(item)
                    && self
                        .phase(if before { position.before } else { position.now })
                        .is_some_and(Phase::live)
            })
    }

    /// Groups among the events at hand.
    fn run<S: Sink>(
        &mut self,
        presence: &mut Presence,
        first_change: &mut Option<i64>,
        sink: &mut S,
    ) -> Result<(), RollupError> {
        let first = self.find_moments();
        *first_change = first_change.or(first);
        let mut at = 0;
        while at < self.moments.len() {
            let first = self.moments[at];
            let mut last = at;
            if first.step {
                for next in at + 1..self.moments.len() {
                    if !self.moments[next].step {
                        continue;
                    }
                    if !self.joins(&first, &self.moments[next]) {
                        break;
                    }
                    last = next;
                }
            }
            let end = self.moments[last];
            self.group(first.from as usize..end.to as usize, &end, first.step, presence, sink)?;
            at = last + 1;
        }
        Ok(())
    }

    /// Rows without instants of their own are events as they are. True when a level does not fit.
    fn plain_events(&mut self) -> bool {
        let range = self.image.row_range(self.customer);
        let image = self.image;
        let rows = image.at[range.clone()].iter().zip(&image.item[range.clone()]).zip(&image.content[range]);
        for ((at, item), content) in rows {
            if *at > self.horizon {
                break;
            }
            if self.rules.phases[*content as usize].broken() {
                return true;
            }
            self.events.push(Event { at: *at, item: *item, phase: *content });
        }
        false
    }

    /// Rows and the transitions in time that they bring.
    fn events_in_time(&mut self) -> bool {
        let range = self.image.row_range(self.customer);
        let items =
            (self.image.first_item[self.customer + 1] - self.image.first_item[self.customer]) as usize;
        self.next_at.clear();
        self.next_at.resize(items, NEVER);
        let extras = &self.image.extras;
        while self.extra < extras.len() && (extras[self.extra].row as usize) < range.end {
            self.extra += 1;
        }
        let mut extra = self.extra;
        let mut broken = false;
        for row in range.rev() {
            let at = self.image.at[row];
            let item = self.image.item[row];
            let found = match extra.checked_sub(1).map(|e| extras[e]) {
                Some(e) if e.row as usize == row => {
                    extra -= 1;
                    Some(e)
                }
                _ => None,
            };
            if at > self.horizon {
                continue;
            }
            let to = std::mem::replace(&mut self.next_at[usize::from(item)], at);
            let content = self.image.content[row];
            let Some(found) = found else {
                broken |= self.rules.phases[content as usize].broken();
                self.events.push(Event { at, item, phase: content });
                continue;
            };
            let stated = &self.image.contents[content as usize];
            let conversion = self.conversion(stated.state.status, stated.source, found.trial_end, at);
            let discounts = stated.state.discounts.len();
            let mut instants = [at, conversion, found.cancel_at, NEVER, NEVER, NEVER];
            for (slot, until) in found.until.iter().enumerate().take(discounts) {
                if !self.rules.never_applies(content, slot) {
                    instants[3 + slot] = *until;
                }
            }
            let inside = |instant: i64| instant > at && instant < to && instant <= self.horizon;
            for which in 0..instants.len() {
                let instant = instants[which];
                if which > 0 && (!inside(instant) || instants[..which].contains(&instant)) {
                    continue;
                }
                let variant = if found.cancel_at <= instant {
                    Variant::Canceled
                } else if conversion <= instant {
                    Variant::Converted
                } else {
                    Variant::AsStated
                };
                let mut mask = 0u8;
                for (slot, until) in found.until.iter().enumerate().take(discounts) {
                    mask |= u8::from(*until > instant) << slot;
                }
                let phase = self.rules.phase(content, variant, mask);
                broken |= self.rules.phases[phase as usize].broken();
                self.events.push(Event { at: instant, item, phase });
            }
        }
        self.events.sort_unstable_by_key(|e| (e.at, e.item));
        broken
    }

    /// When a trial turns into a paid subscription by itself; [`NEVER`] when that is neither known nor ahead.
    fn conversion(&self, status: Status, source: u16, trial_end: i64, from: i64) -> i64 {
        if status != Status::Trialing || trial_end == NEVER {
            return NEVER;
        }
        let known = self.through[usize::from(source)].is_some_and(|through| trial_end <= through);
        if known || trial_end > self.now { trial_end.max(from) } else { NEVER }
    }

    /// The instants at which something happens, and whether they are steps. Gives the first change of a level.
    fn find_moments(&mut self) -> Option<i64> {
        self.moments.clear();
        let mut first_change = None;
        let mut kept_at_zero = false;
        let mut level = Money::new();
        let mut from = 0;
        while from < self.events.len() {
            let at = self.events[from].at;
            let mut to = from;
            let mut step = false;
            while to < self.events.len() && self.events[to].at == at {
                let event = self.events[to];
                let position = &mut self.positions[usize::from(event.item)];
                let before =
                    if position.now == NONE { 0 } else { self.rules.phases[position.now as usize].cell };
                let after = self.rules.phases[event.phase as usize].cell;
                step |= before != after;
                if self.rules.keeps {
                    for (phase, sign) in [(position.now, -1), (event.phase, 1)] {
                        if phase != NONE {
                            let phase = &self.rules.phases[phase as usize];
                            let currency = self.rules.currencies[usize::from(phase.currency)];
                            level.add(currency, Amount::from_raw(phase.mrr * sign));
                        }
                    }
                }
                position.now = event.phase;
                to += 1;
            }
            if step && first_change.is_none() {
                first_change = Some(at);
            }
            if self.rules.keeps {
                let at_zero = level.iter().all(|(_, sum)| !sum.is_positive());
                let kept = at_zero && self.kept();
                step |= kept != kept_at_zero;
                kept_at_zero = kept;
            }
            let day = self.ctx.zone.day_of(Instant::from_micros(at));
            self.moments.push(Moment { at, from: from as u32, to: to as u32, day, step });
            from = to;
        }
        // The groups are applied after they are all known.
        for event in &self.events {
            let position = &mut self.positions[usize::from(event.item)];
            position.now = position.before;
        }
        first_change
    }

    fn kept(&self) -> bool {
        self.positions.iter().any(|p| p.now != NONE && self.rules.phases[p.now as usize].keeps())
    }

    fn joins(&self, first: &Moment, next: &Moment) -> bool {
        if (first.at > self.now) != (next.at > self.now) {
            return false;
        }
        match self.ctx.policy.netting {
            Netting::Event => first.at == next.at,
            Netting::Window => {
                let span = i64::from(self.ctx.policy.grouping_window) * 60_000_000;
                first.day == next.day && next.at - first.at <= span
            }
            Netting::Day => first.day == next.day,
            Netting::Period => {
                let week = self.ctx.policy.week_start;
                let cut = self.ctx.range_start.is_some_and(|start| first.day < start && next.day >= start)
                    || self.ctx.range_end.is_some_and(|end| first.day <= end && next.day > end);
                let start = |day: Day| self.ctx.grain.period_start(day, week);
                !cut && start(first.day) == start(next.day)
            }
        }
    }

    fn group<S: Sink>(
        &mut self,
        events: std::ops::Range<usize>,
        end: &Moment,
        is_step: bool,
        presence: &mut Presence,
        sink: &mut S,
    ) -> Result<(), RollupError> {
        self.touched.clear();
        for event in &self.events[events] {
            self.positions[usize::from(event.item)].now = event.phase;
            self.touched.push(event.item);
        }
        if self.touched.len() > 1 {
            self.touched.sort_unstable();
            self.touched.dedup();
        }
        self.find_changes();
        for change in &self.changes {
            add(&mut self.level, change.currency, change.mrr[1] - change.mrr[0]);
        }
        let present_before = presence.now;
        if is_step {
            presence.now = self.above_zero(end.day)? || (present_before && self.rules.keeps && self.kept());
        }
        let kind = self.kind(presence, present_before, end.day);
        self.post(kind, present_before, presence.now, end.day)?;
        if self.ctx.policy.second_subscription == SecondSubscription::New {
            self.remember_subscriptions(end.day)?;
        }
        for item in &self.touched {
            let position = &mut self.positions[usize::from(*item)];
            position.before = position.now;
        }
        if self.changes.is_empty() && kind.is_none() {
            return Ok(());
        }
        sink.step(&Step {
            customer: self.customer as u32,
            at: end.at,
            day: end.day,
            kind,
            present_before,
            present_after: presence.now,
            expected: end.at > self.now,
            rows: &self.rows,
            changes: &self.changes,
        })
    }

    fn phase(&self, index: u32) -> Option<&'a Phase> {
        (index != NONE).then(|| &self.rules.phases[index as usize])
    }

    /// How the touched items' levels differ between the group's start and end, per plan and currency.
    fn find_changes(&mut self) {
        self.changes.clear();
        for at in 0..self.touched.len() {
            let item = self.touched[at];
            let position = self.positions[usize::from(item)];
            self.item_changes(item, position.before, position.now);
        }
    }

    fn item_changes(&mut self, item: u16, before: u32, now: u32) {
        if before == now {
            return;
        }
        let rules = self.rules;
        let level = |index: u32| match index {
            NONE => None,
            index => {
                let (phase, arr) = (&rules.phases[index as usize], rules.arr[index as usize]);
                (phase.mrr != 0 || arr != 0).then_some((phase, arr))
            }
        };
        let change = |of: &Phase, mrr: [i128; 2], arr: [i128; 2]| Change {
            item,
            plan: of.plan,
            currency: of.currency,
            mrr,
            arr,
        };
        match (level(before), level(now)) {
            (None, None) => {}
            (Some((b, b_arr)), Some((a, a_arr))) if b.plan == a.plan && b.currency == a.currency => {
                if b.mrr != a.mrr || b_arr != a_arr {
                    self.changes.push(change(a, [b.mrr, a.mrr], [b_arr, a_arr]));
                }
            }
            (before, after) => {
                if let Some((b, arr)) = before {
                    self.changes.push(change(b, [b.mrr, 0], [arr, 0]));
                }
                if let Some((a, arr)) = after {
                    self.changes.push(change(a, [0, a.mrr], [0, arr]));
                }
            }
        }
    }

    fn above_zero(&self, day: Day) -> Result<bool, LedgerError> {
        match self.level.as_slice() {
            [] => Ok(false),
            [(_, one)] => Ok(*one > 0),
            several => Ok(self.sign(several.iter().copied(), day)? == Ordering::Greater),
        }
    }

    fn sign(&self, sums: impl Iterator<Item = (u8, i128)>, day: Day) -> Result<Ordering, LedgerError> {
        let mut money = Money::new();
        for (currency, sum) in sums {
            money.add(self.rules.currencies[usize::from(currency)], Amount::from_raw(sum));
        }
        money.sign(self.ctx, self.image.customers.get(self.customer), day)
    }

    fn kind(&self, presence: &mut Presence, before: bool, day: Day) -> Option<Kind> {
        kind_of(presence, before, day, self.ctx.policy.reactivation_window)
    }

    /// Posts the changes: rows with kinds and causes, in the order of items.
    fn post(
        &mut self,
        kind: Option<Kind>,
        present_before: bool,
        present_after: bool,
        day: Day,
    ) -> Result<(), LedgerError> {
        self.rows.clear();
        self.pairs.clear();
        if self.touched.len() > 1 {
            self.find_pairs();
        }
        let by_sign = |amount: i128| if amount < 0 { Kind::Contraction } else { Kind::Expansion };
        let stays = present_before && present_after;
        let policy = self.ctx.policy;
        let forced = stays
            && (policy.second_subscription == SecondSubscription::New
                || policy.partial_cancel == PartialCancel::Churn);
        for at in 0..self.changes.len() {
            let change = self.changes[at];
            let amount = change.mrr[1] - change.mrr[0];
            if amount == 0 {
                continue;
            }
            let kind = match kind {
                Some(kind) => kind,
                None if forced => self.forced_kind(&change, day)?.unwrap_or(Kind::Transfer),
                // Told below which part is a transfer.
                None if stays => Kind::Transfer,
                None => by_sign(amount),
            };
            let cause = self.cause(&change, present_before);
            let (item, plan, currency) = (change.item, change.plan, change.currency);
            self.rows.push(Row { item, plan, currency, kind, cause, amount, before: change.mrr[0] });
        }
        if kind.is_none() && stays {
            self.split_rows(day)?;
        }
        Ok(())
    }

    /// Tells expansion and contraction from transfer among the rows that are marked transfer.
    fn split_rows(&mut self, day: Day) -> Result<(), LedgerError> {
        let (mut gains, mut losses, mut currencies) = (0, 0, true);
        let mut first = None;
        for row in self.rows.iter().filter(|r| r.kind == Kind::Transfer) {
            if row.amount > 0 {
                gains += 1
            } else {
                losses += 1
            }
            currencies &= *first.get_or_insert(row.currency) == row.currency;
        }
        if gains == 0 || losses == 0 {
            let kind = if gains > 0 { Kind::Expansion } else { Kind::Contraction };
            self.rows.iter_mut().filter(|r| r.kind == Kind::Transfer).for_each(|r| r.kind = kind);
            return Ok(());
        }
        if self.rows.len() == 2 && currencies {
            self.split_two();
            return Ok(());
        }
        self.deltas.clear();
        let mut which = Vec::new();
        for (at, row) in self.rows.iter().enumerate().filter(|(_, r)| r.kind == Kind::Transfer) {
            let rate = match currencies {
                true => Ratio::ONE,
                false => {
                    let currency = self.rules.currencies[usize::from(row.currency)];
                    rate(self.ctx, self.image.customers.get(self.customer), day, currency)?
                }
            };
            let subscription = u32::from(self.subscription(row.item));
            self.deltas.push(Delta { subscription, amount: Amount::from_raw(row.amount), rate });
            which.push(at);
        }
        let parts = split(&self.deltas, self.ctx.policy.transfer_residual).ok_or_else(|| {
            let customer = self.image.customers.get(self.customer).to_string();
            LedgerError::Overflow { customer, item: "several".into() }
        })?;
        let whole = std::mem::take(&mut self.rows);
        for (at, row) in whole.into_iter().enumerate() {
            let Some(delta) = which.iter().position(|w| *w == at) else {
                self.rows.push(row);
                continue;
            };
            let mut before = row.before;
            for part in parts.iter().filter(|p| p.delta == delta) {
                let amount = part.amount.raw();
                self.rows.push(Row { kind: part.kind, amount, before, ..row });
                before += amount;
            }
        }
        Ok(())
    }

    /// One loss and one gain in one currency, by far the most usual: what moved is the smaller.
    fn split_two(&mut self) {
        let (loss, gain) = if self.rows[0].amount < 0 { (0, 1) } else { (1, 0) };
        let (lost, gained) = (-self.rows[loss].amount, self.rows[gain].amount);
        let moved = lost.min(gained);
        let to_destination = self.ctx.policy.transfer_residual == TransferResidual::Destination;
        // The row whose rest is told apart, what of it is transfer, and the rest's kind.
        let (row, transfer, kind) = match gained.cmp(&lost) {
            Ordering::Equal => return,
            Ordering::Greater => (gain, moved, Kind::Expansion),
            Ordering::Less if to_destination => (gain, lost, Kind::Contraction),
            Ordering::Less => (loss, -moved, Kind::Contraction),
        };
        let whole = self.rows[row];
        let rest = whole.amount - transfer;
        self.rows[row].amount = transfer;
        let part = Row { kind, amount: rest, before: whole.before + transfer, ..whole };
        self.rows.insert(row + 1, part);
    }

    fn subscription(&self, item: u16) -> u16 {
        self.image.item_subscription[self.image.first_item[self.customer] as usize + usize::from(item)]
    }

    /// `second_subscription = new` and `partial_cancel = churn`.
    fn forced_kind(&self, change: &Change, day: Day) -> Result<Option<Kind>, LedgerError> {
        let policy = self.ctx.policy;
        let subscription = self.subscription(change.item);
        let grew = change.mrr[1] > change.mrr[0];
        if policy.second_subscription == SecondSubscription::New
            && grew
            && !self.seen_subscriptions.contains(&subscription)
            && self.subscription_above_zero(subscription, false, day)?
        {
            return Ok(Some(Kind::New));
        }
        if policy.partial_cancel == PartialCancel::Churn
            && !grew
            && self.subscription_above_zero(subscription, true, day)?
            && !self.subscription_above_zero(subscription, false, day)?
        {
            return Ok(Some(Kind::Churn));
        }
        Ok(None)
    }

    fn subscription_above_zero(&self, wanted: u16, before: bool, day: Day) -> Result<bool, LedgerError> {
        let of_subscription =
            self.positions.iter().enumerate().filter(|(i, _)| self.subscription(*i as u16) == wanted);
        let sums = of_subscription.filter_map(|(_, position)| {
            let phase = self.phase(if before { position.before } else { position.now })?;
            Some((phase.currency, phase.mrr))
        });
        Ok(self.sign(sums, day)? == Ordering::Greater)
    }

    fn remember_subscriptions(&mut self, day: Day) -> Result<(), LedgerError> {
        for at in 0..self.touched.len() {
            let subscription = self.subscription(self.touched[at]);
            if !self.seen_subscriptions.contains(&subscription)
                && self.subscription_above_zero(subscription, false, day)?
            {
                self.seen_subscriptions.push(subscription);
            }
        }
        Ok(())
    }

    /// Items that end and items that start in this group, paired: same subscription first, then in order.
    fn find_pairs(&mut self) {
        let live = |index: u32| self.phase(index).is_some_and(Phase::live);
        let mut ended: Vec<u16> = Vec::new();
        let mut started: Vec<u16> = Vec::new();
        for &item in &self.touched {
            let position = self.positions[usize::from(item)];
            match (live(position.before), live(position.now)) {
                (true, false) => ended.push(item),
                (false, true) => started.push(item),
                _ => {}
            }
        }
        let mut pairs = std::mem::take(&mut self.pairs);
        for same_subscription in [true, false] {
            ended.retain(|end| {
                let partner = started.iter().position(|start| {
                    !same_subscription || self.subscription(*start) == self.subscription(*end)
                });
                match partner {
                    Some(at) => {
                        pairs.push((*end, started.remove(at)));
                        false
                    }
                    None => true,
                }
            });
        }
        self.pairs = pairs;
    }

    fn cause(&self, change: &Change, present_before: bool) -> Cause {
        let item = change.item;
        let position = self.positions[usize::from(item)];
        let raw_now = self.phase(position.now);
        let mut before = self.phase(position.before).filter(|p| p.live());
        let mut after = raw_now.filter(|p| p.live());
        if let Some((end, start)) = self.pairs.iter().find(|(end, start)| *end == item || *start == item) {
            before = self.phase(self.positions[usize::from(*end)].before);
            after = self.phase(self.positions[usize::from(*start)].now);
        }
        cause_between((before, after), raw_now, || Surroundings {
            others_before: self.others(item, true),
            others_after: self.others(item, false),
            present_before,
        })
    }

    /// The same by the general replay.
    fn general<S: Sink>(&mut self, customer: usize, sink: &mut S) -> Result<(), RollupError> {
        let ledger = replay(&self.image.customer_facts(customer), self.ctx)?;
        let separate = self.ctx.policy.movement_level == netnew_policy::MovementLevel::Subscription;
        for step in &ledger.steps {
            if self.take(step) {
                sink.step(&self.told(step))?;
            }
        }
        for step in ledger.customer_steps().iter().filter(|_| separate) {
            if self.take(step) {
                sink.heads(&self.told(step))?;
            }
        }
        sink.end(customer as u32, ledger.first_change.map(Instant::micros))
    }

    fn told<'s>(&'s self, step: &netnew_ledger::Step) -> Step<'s> {
        Step {
            customer: self.customer as u32,
            at: step.at.micros(),
            day: step.day,
            kind: step.kind,
            present_before: step.present_before,
            present_after: step.present_after,
            expected: step.expected,
            rows: &self.rows,
            changes: &self.changes,
        }
    }

    /// Takes a step of the general replay over; false when there is nothing in it for a pass.
    fn take(&mut self, step: &netnew_ledger::Step) -> bool {
        self.rows.clear();
        self.changes.clear();
        let rules = self.rules;
        let currency = |c| rules.currencies.binary_search(&c).unwrap_or_default() as u8;
        let plan = |p: &Option<netnew_facts::Text>| rules.plan_number(p.as_ref()).unwrap_or_default();
        for row in step.rows.iter().filter(|r| !r.regroup) {
            self.rows.push(Row {
                item: row.item as u16,
                plan: plan(&row.plan),
                currency: currency(row.currency),
                kind: row.kind,
                cause: row.cause,
                amount: row.amount.raw(),
                before: row.before.raw(),
            });
        }
        // What is only committed is none of the pass's business.
        let moves =
            |c: &&netnew_ledger::LevelChange| c.before.mrr != c.after.mrr || c.before.arr != c.after.arr;
        for change in step.changes.iter().filter(moves) {
            self.changes.push(Change {
                item: change.item as u16,
                plan: plan(&change.plan),
                currency: currency(change.currency),
                mrr: [change.before.mrr.raw(), change.after.mrr.raw()],
                arr: [change.before.arr.raw(), change.after.arr.raw()],
            });
        }
        !self.rows.is_empty() || !self.changes.is_empty() || step.kind.is_some()
    }
}

fn kind_of(presence: &mut Presence, before: bool, day: Day, window: ReactivationWindow) -> Option<Kind> {
    match (before, presence.now) {
        (false, true) => {
            let within = match (window, presence.left_on) {
                (ReactivationWindow::Days(days), Some(left)) => day.days_since(left) <= i32::from(days),
                _ => true,
            };
            let again = presence.ever && within;
            presence.ever = true;
            Some(if again { Kind::Reactivation } else { Kind::New })
        }
        (true, false) => {
            presence.left_on = Some(day);
            Some(Kind::Churn)
        }
        _ => None,
    }
}

/// The cause between two live ends; `raw_now` may have ended.
fn cause_between(
    ends: (Option<&Phase>, Option<&Phase>),
    raw_now: Option<&Phase>,
    around: impl Fn() -> Surroundings,
) -> Cause {
    match ends {
        (Some(before), Some(after)) => of_change(before, after),
        (None, Some(after)) => of_start(after, around()),
        (Some(before), None) => of_end(before, raw_now, around()),
        (None, None) => Cause::Other,
    }
}

fn add(level: &mut Vec<(u8, i128)>, currency: u8, amount: i128) {
    match level.iter_mut().find(|(c, _)| *c == currency) {
        Some((_, sum)) => *sum += amount,
        None => level.push((currency, amount)),
    }
}
