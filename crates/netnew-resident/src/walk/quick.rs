//! Customers whose events post what their pair of contents posts.

use super::{BLOCK, Event, Position, Presence, Stretch, Walker, kind_of};
use crate::cut::Cut;
use crate::image::flags;
use crate::laid::ways;
use crate::rules::{NONE, Phase};
use crate::step::{Posting, Sink};
use crate::templates::{ENDS, Fate, NO_STEP, STARTS, Templates, Which};
use netnew_ledger::Kind;
use netnew_metrics::RollupError;
use netnew_money::Day;
use std::ops::Range;

/// The events of one customer, by column.
#[derive(Clone, Copy)]
struct Events<'a> {
    /// Number of the first: the image's rows come first, then those laid down.
    first: usize,
    at: &'a [i64],
    days: &'a [u16],
    item: &'a [u16],
    pair: &'a [u32],
}

/// What is known of a customer between two events.
#[derive(Default)]
struct Course {
    presence: Presence,
    /// Sum over all currencies: only its sign is asked for.
    level: i64,
    first_change: Option<i64>,
}

impl<'a> Walker<'a> {
    /// The steps of a block of customers.
    pub(super) fn block<S: Sink>(
        &mut self,
        cut: &'a Cut,
        templates: &Templates,
        customers: Range<usize>,
        sink: &mut S,
    ) -> Result<(), RollupError> {
        let mut stretches = std::mem::take(&mut self.stretches);
        let mut deltas = std::mem::take(&mut self.block);
        stretches.clear();
        deltas.clear();
        // By themselves these look-ups overlap; between the branches below each would wait for the one before.
        for customer in customers.clone() {
            let stretch = self.stretch(cut, templates, customer, sink.takes_every_posting());
            let events = self.events_of(cut, &stretch);
            deltas.extend(events.pair.iter().map(|pair| templates.deltas[*pair as usize]));
            stretches.push(stretch);
        }
        let mut from = 0;
        for (customer, stretch) in customers.zip(&stretches) {
            if stretch.first.is_none() {
                self.customer(customer, sink)?;
                continue;
            }
            self.customer = customer;
            let events = self.events_of(cut, stretch);
            let to = from + stretch.count as usize;
            if stretch.way & ways::SEVERAL == 0 {
                self.alone(cut, events, &deltas[from..to], sink)?;
            } else {
                self.several(cut, templates, events, sink)?;
            }
            from = to;
        }
        self.block = deltas;
        self.stretches = stretches;
        debug_assert!(self.stretches.len() <= BLOCK);
        Ok(())
    }

    /// Which way a customer goes.
    fn stretch(&mut self, cut: &Cut, templates: &Templates, customer: usize, every: bool) -> Stretch {
        let way = cut.laid.ways[customer];
        let other = Stretch { first: None, count: 0, way };
        let mut usable = way & ways::TEMPLATES != 0
            && self.image.flags[customer] & self.rules.general == 0
            && (way & ways::MIXED == 0 || !self.rules.negative)
            && (every || (way == ways::TEMPLATES && self.image.flags[customer] & flags::SIMPLE != 0))
            && (way & ways::SEVERAL == 0 || templates.several);
        let mut lives = 0;
        // Of a trial that ends behind everything that is looked at, it does not matter whether it is known to convert.
        let ahead = |trial: i64| self.horizon <= self.now && trial > self.now;
        let (first, at) = if way & ways::LAID != 0 {
            let (life, next) = (&cut.laid.lives[self.life], &cut.laid.lives[self.life + 1]);
            lives = 1;
            usable &= life.valid_to > self.horizon
                && (life.trials[1] <= self.trials_known || ahead(life.trials[0]))
                && templates.laid.len() == cut.laid.pairs.len();
            (life.first, &cut.laid.at[life.first as usize..next.first as usize])
        } else {
            (self.image.first_row[customer], &self.image.at[self.image.row_range(customer)])
        };
        self.life += lives;
        let count = match at.last() {
            Some(last) if *last <= self.settled => at.len(),
            // What lies ahead has no part in this, or its steps are told from those that happened.
            _ if self.horizon <= self.now => at.partition_point(|at| *at <= self.horizon),
            _ => return other,
        };
        if usable { Stretch { first: Some(first), count: count as u32, way } } else { other }
    }

    #[inline]
    fn events_of<'s>(&self, cut: &'s Cut, stretch: &Stretch) -> Events<'s>
    where
        'a: 's,
    {
        let image = self.image;
        let Some(first) = stretch.first else {
            return Events { first: 0, at: &[], days: &[], item: &[], pair: &[] };
        };
        let range = first as usize..(first + stretch.count) as usize;
        if stretch.way & ways::LAID == 0 {
            let (at, days) = (&image.at[range.clone()], &cut.days[range.clone()]);
            let (item, pair) = (&image.item[range.clone()], &image.pair[range]);
            return Events { first: first as usize, at, days, item, pair };
        }
        let laid = &cut.laid;
        let (at, days) = (&laid.at[range.clone()], &laid.days[range.clone()]);
        let (item, pair) = (&laid.item[range.clone()], &laid.pair[range]);
        Events { first: image.rows() + first as usize, at, days, item, pair }
    }

    /// The walk of a customer with every item in a subscription of its own. `deltas`: change of MRR of each event.
    fn alone<S: Sink>(
        &mut self,
        cut: &Cut,
        events: Events,
        deltas: &[i64],
        sink: &mut S,
    ) -> Result<(), RollupError> {
        let mut course = Course::default();
        let mut at = 0;
        while at < deltas.len() {
            if at + 1 < deltas.len() && events.days[at + 1] == events.days[at] {
                at = self.one_day(events, at, &mut course, sink)?;
                continue;
            }
            if deltas[at] != NO_STEP {
                self.event(cut, events, at, deltas[at], false, &mut course, sink);
            }
            at += 1;
        }
        sink.end(self.customer as u32, course.first_change)
    }

    /// The walk of a customer with several items in a subscription: causes ask for the others.
    fn several<S: Sink>(
        &mut self,
        cut: &Cut,
        templates: &Templates,
        events: Events,
        sink: &mut S,
    ) -> Result<(), RollupError> {
        let items =
            (self.image.first_item[self.customer + 1] - self.image.first_item[self.customer]) as usize;
        self.live.clear();
        self.live.resize(items, 0);
        let mut course = Course::default();
        let mut at = 0;
        while at < events.pair.len() {
            if at + 1 < events.pair.len() && events.days[at + 1] == events.days[at] {
                at = self.one_day(events, at, &mut course, sink)?;
                self.live.fill(0);
                for (item, position) in self.positions.iter().enumerate() {
                    if self.phase(position.now).is_some_and(Phase::live) {
                        let subscription = self.subscription(item as u16);
                        self.live[usize::from(subscription)] += 1;
                    }
                }
                continue;
            }
            let pair = events.pair[at] as usize;
            let (template, delta) = (&templates.pairs[pair], templates.deltas[pair]);
            let mut others = false;
            if template.edge != 0 {
                let subscription = self.subscription(events.item[at]);
                let live = &mut self.live[usize::from(subscription)];
                if template.edge == ENDS {
                    *live -= 1;
                }
                others = *live > 0;
                if template.edge == STARTS {
                    *live += 1;
                }
            }
            if delta != NO_STEP {
                self.event(cut, events, at, delta, others, &mut course, sink);
            }
            at += 1;
        }
        sink.end(self.customer as u32, course.first_change)
    }

    /// One event that is a group by itself.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn event<S: Sink>(
        &mut self,
        cut: &Cut,
        events: Events,
        at: usize,
        delta: i64,
        others: bool,
        course: &mut Course,
        sink: &mut S,
    ) {
        course.level += delta;
        course.first_change = course.first_change.or(Some(events.at[at]));
        let presence = &mut course.presence;
        let fate = match (presence.now, course.level > 0) {
            (true, true) => Fate::Stays,
            (false, true) => Fate::Arrives,
            (true, false) => Fate::Leaves,
            (false, false) => return,
        };
        let day = events.days[at];
        let mut kind = None;
        if fate != Fate::Stays {
            let before = presence.now;
            presence.now = course.level > 0;
            let today = Day::from_days(cut.first().days() + i32::from(day));
            kind = kind_of(presence, before, today, self.ctx.policy.reactivation_window);
        }
        let again = kind == Some(Kind::Reactivation);
        sink.post(&Posting {
            customer: self.customer as u32,
            item: events.item[at],
            at: events.at[at],
            row: (events.first + at) as u32,
            day,
            which: Which { pair: events.pair[at], fate, again, others },
            kind,
        });
    }

    /// Groups among the events of one day, from `from` on, given what went before. Gives where the next day begins.
    fn one_day<S: Sink>(
        &mut self,
        events: Events,
        from: usize,
        course: &mut Course,
        sink: &mut S,
    ) -> Result<usize, RollupError> {
        let (image, rules) = (self.image, self.rules);
        let day = events.days[from];
        let to = from + events.days[from..].iter().take_while(|d| **d == day).count();
        let items = (image.first_item[self.customer + 1] - image.first_item[self.customer]) as usize;
        let phase = |at: usize| rules.entries(image, events.pair[at])[1];
        self.positions.clear();
        self.positions.resize(items, Position { before: NONE, now: NONE });
        for at in 0..from {
            let phase = phase(at);
            self.positions[usize::from(events.item[at])] = Position { before: phase, now: phase };
        }
        self.level.clear();
        for position in self.positions.iter().filter(|position| position.now != NONE) {
            let phase = &rules.phases[position.now as usize];
            super::add(&mut self.level, phase.currency, phase.mrr);
        }
        self.events.clear();
        self.events.extend((from..to).map(|at| Event {
            at: events.at[at],
            item: events.item[at],
            phase: phase(at),
        }));
        self.run(&mut course.presence, &mut course.first_change, sink)?;
        course.level = self.level.iter().map(|(_, sum)| *sum as i64).sum();
        Ok(to)
    }
}
