//! One customer's rows to steps, without allocating: the rules of [`netnew_ledger::replay`] over numbers instead of
//! texts. The two are held equal by tests; what is rare is left to the other.

mod events;
mod general;
mod posting;
mod quick;

use crate::cut::Cut;
use crate::image::{Image, flags};
use crate::rules::{NONE, Phase, Rules};
use crate::step::{Change, Row, Sink, Step};
use netnew_ledger::{Context, Delta, Kind, LedgerError, Money, Surroundings, of_change};
use netnew_metrics::RollupError;
use netnew_money::{Amount, Day, Instant};
use netnew_policy::{Netting, ReactivationWindow, SecondSubscription};
use posting::cause_between;
use std::cmp::Ordering;

/// Customers whose levels are looked up at a time.
const BLOCK: usize = 128;

/// A day in microseconds, more or less: clocks change.
const DAY: i64 = 86_400_000_000;
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

/// Events that templates tell, of one customer.
#[derive(Clone, Copy)]
struct Stretch {
    /// Place of the first: among the image's rows, or among those laid down; `None` for who goes another way.
    first: Option<u32>,
    count: u32,
    way: u8,
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
    stretches: Vec<Stretch>,
    /// Place among the cut's lives, of the next customer who has one.
    life: usize,
    /// Up to where every source of trials is known complete.
    trials_known: i64,
    /// Per subscription of the customer, how many items are live.
    live: Vec<u16>,
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
            stretches: Vec::new(),
            life: 0,
            trials_known: i64::MAX,
            live: Vec::new(),
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
        let known = |source: &u16| self.through[usize::from(*source)].unwrap_or(i64::MIN);
        self.trials_known = cut.laid.sources.iter().map(known).min().unwrap_or(i64::MAX);
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
        self.life = cut.laid.lives.partition_point(|life| (life.customer as usize) < customers.start);
        let mut first = customers.start;
        while first < customers.end {
            let last = (first + BLOCK).min(customers.end);
            self.block(cut, templates, first..last, sink)?;
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
        let is_step = !Phase::same_cell(self.phase(before), after);
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

    fn subscription(&self, item: u16) -> u16 {
        self.image.item_subscription[self.image.first_item[self.customer] as usize + usize::from(item)]
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

fn add(level: &mut Vec<(u8, i128)>, currency: u8, amount: i128) {
    match level.iter_mut().find(|(c, _)| *c == currency) {
        Some((_, sum)) => *sum += amount,
        None => level.push((currency, amount)),
    }
}
