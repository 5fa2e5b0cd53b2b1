//! A customer's rows as events in time, and which of them belong to one group.

use super::{Event, Moment, Walker};
use crate::image::NEVER;
use crate::rules::{NONE, Phase, Variant};
use netnew_facts::Status;
use netnew_ledger::Money;
use netnew_money::{Amount, Day, Instant};
use netnew_policy::Netting;

impl Walker<'_> {
    /// Rows without instants of their own are events as they are. True when a level does not fit.
    pub(super) fn plain_events(&mut self) -> bool {
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
    pub(super) fn events_in_time(&mut self) -> bool {
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
    pub(super) fn conversion(&self, status: Status, source: u16, trial_end: i64, from: i64) -> i64 {
        if status != Status::Trialing || trial_end == NEVER {
            return NEVER;
        }
        let known = self.through[usize::from(source)].is_some_and(|through| trial_end <= through);
        if known || trial_end > self.now { trial_end.max(from) } else { NEVER }
    }

    /// The instants at which something happens, and whether they are steps. Gives the first change of a level.
    pub(super) fn find_moments(&mut self) -> Option<i64> {
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
                let phases = &self.rules.phases;
                let before = (position.now != NONE).then(|| &phases[position.now as usize]);
                step |= !Phase::same_cell(before, &phases[event.phase as usize]);
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

    pub(super) fn kept(&self) -> bool {
        self.positions.iter().any(|p| p.now != NONE && self.rules.phases[p.now as usize].keeps())
    }

    pub(super) fn joins(&self, first: &Moment, next: &Moment) -> bool {
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

    pub(super) fn moment(&self, at: i64) -> Moment {
        Moment { at, from: 0, to: 0, day: self.ctx.zone.day_of(Instant::from_micros(at)), step: true }
    }
}
