//! One customer's facts, replayed: netted steps, kinds and posted rows (sections 4 to 7).

use crate::attributes::epochs;
use crate::cause::{Surroundings, of_change, of_end, of_start};
use crate::context::{Context, LedgerError};
use crate::entries;
use crate::level::Level;
use crate::movement::{Cause, CustomerLedger, ItemInfo, Kind, Layer, LevelChange, Row, Step};
use crate::phase::{ItemStates, Phase, phases};
use crate::posting::{Delta, split};
use crate::valuation::{Money, overflow, rate};
use netnew_facts::{
    Body, CancelReason, CustomerFacts, Fact, ItemState, Status, Text, UsageType, winning_states,
};
use netnew_money::{Amount, Currency, Day, Grain, Instant, Ratio};
use netnew_policy::{
    MovementLevel, Netting, PartialCancel, PauseRule, ReactivationWindow, SamePeriod, SecondSubscription,
    WeekStart, ZeroRule,
};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The ledger of one customer. Depends on nothing but its arguments; the order of `facts` does not matter.
pub fn replay(customer: &CustomerFacts, ctx: &Context) -> Result<CustomerLedger, LedgerError> {
    let prepared = entries::prepared(customer, ctx)?;
    let customer = prepared.as_ref().unwrap_or(customer);
    let winners = winning_states(&customer.facts, ctx.known_on);
    let mut ledger = CustomerLedger {
        customer: customer.customer.clone(),
        items: Vec::new(),
        epochs: epochs(&customer.facts, ctx.known_on, ctx.horizon, &ctx.dimensions.attributes),
        phases: Vec::new(),
        states: Vec::new(),
        steps: Vec::new(),
        first_change: None,
        whole: None,
    };
    let mut subscriptions: Vec<u32> = Vec::new();
    let mut first = 0;
    for facts in winners.chunk_by(|a, b| same_item(a, b)) {
        let states = ItemStates { facts, first, ids: &customer.ids };
        first += facts.len() as u32;
        let info = item_info(facts[0]);
        let new_subscription = ledger
            .items
            .last()
            .is_none_or(|l| l.source != info.source || l.subscription != info.subscription);
        let index = subscriptions.last().map_or(0, |s| s + u32::from(new_subscription));
        subscriptions.push(index);
        ledger.phases.push(phases(&states, ctx)?);
        ledger.items.push(info);
    }
    let states: Vec<&ItemState> = winners.iter().map(|f| state_of(f)).collect();
    let mut steps = Vec::new();
    let mut first_change: Option<Instant> = None;
    for unit in units(ctx, &subscriptions) {
        let mut walk = Walk::new(ctx, &ledger, &states, &subscriptions, unit);
        walk.run(&mut steps)?;
        first_change = first_change.into_iter().chain(walk.first_change).min();
    }
    steps.sort_by_key(|s| (s.at, s.unit));
    if ctx.policy.movement_level == MovementLevel::Subscription {
        let mut whole = Vec::new();
        let everything = Unit { number: 0, items: (0..subscriptions.len() as u32).collect() };
        Walk::new(ctx, &ledger, &states, &subscriptions, everything).run(&mut whole)?;
        ledger.whole = Some(whole);
    }
    ledger.steps = steps;
    ledger.first_change = first_change;
    ledger.states = winners.into_iter().cloned().collect();
    Ok(ledger)
}

fn same_item(a: &Fact, b: &Fact) -> bool {
    match (&a.body, &b.body) {
        (Body::State { subscription: s, item: i, .. }, Body::State { subscription: s2, item: i2, .. }) => {
            a.source == b.source && s == s2 && i == i2
        }
        _ => false,
    }
}

fn item_info(fact: &Fact) -> ItemInfo {
    match &fact.body {
        Body::State { subscription, item, .. } => {
            ItemInfo { source: fact.source.clone(), subscription: subscription.clone(), item: item.clone() }
        }
        Body::Attributes { .. } | Body::Entry { .. } => {
            unreachable!("winning_states returns states only")
        }
    }
}

fn state_of(fact: &Fact) -> &ItemState {
    match &fact.body {
        Body::State { state: Some(state), .. } => state,
        _ => unreachable!("winning_states returns states that hold only"),
    }
}

/// What kinds are decided over: the customer, or each subscription by itself.
fn units(ctx: &Context, subscriptions: &[u32]) -> Vec<Unit> {
    match ctx.policy.movement_level {
        MovementLevel::Customer => {
            vec![Unit { number: 0, items: (0..subscriptions.len() as u32).collect() }]
        }
        MovementLevel::Subscription => {
            let mut units: Vec<Unit> = Vec::new();
            for (item, subscription) in subscriptions.iter().enumerate() {
                if units.last().is_none_or(|u| u.number != subscription + 1) {
                    units.push(Unit { number: subscription + 1, items: Vec::new() });
                }
                units.last_mut().expect("pushed above").items.push(item as u32);
            }
            units
        }
    }
}

struct Unit {
    number: u32,
    items: Vec<u32>,
}

/// Something that happens: an item enters a phase, or the customer an attribute epoch.
#[derive(Clone, Copy)]
struct Event {
    at: Instant,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Phase { item: u32, phase: u32 },
    Epoch(u32),
}

/// Where an item stands: phase index (`None` before its first) at the group's start and now.
#[derive(Clone, Copy, Default)]
struct Position {
    before: Option<u32>,
    now: Option<u32>,
    first_in_group: Option<u32>,
}

struct Walk<'a> {
    ctx: &'a Context<'a>,
    ledger: &'a CustomerLedger,
    states: &'a [&'a ItemState],
    subscriptions: &'a [u32],
    unit: Unit,
    positions: Vec<Position>,
    epoch: u32,
    level: Money,
    present: bool,
    ever_present: bool,
    left_on: Option<Day>,
    /// Subscriptions that were above 0 once, for `second_subscription = new`.
    ever_subscriptions: BTreeSet<u32>,
    /// When a level changed for the first time.
    first_change: Option<Instant>,
}

/// What a row is about, and how it changed over the group.
struct Change {
    item: u32,
    plan: Option<Text>,
    currency: Currency,
    before: Level,
    after: Level,
    epoch_before: u32,
    epoch_after: u32,
    layer_before: Layer,
    layer_after: Layer,
}

impl Change {
    /// The part of the level that is there before and after: the smaller, or where the sign turns what was.
    fn stays(&self) -> Amount {
        let (had, has) = (self.before.mrr, self.after.mrr);
        if had.is_negative() != has.is_negative() || had.abs() < has.abs() { had } else { has }
    }
}

impl<'a> Walk<'a> {
    fn new(
        ctx: &'a Context<'a>,
        ledger: &'a CustomerLedger,
        states: &'a [&'a ItemState],
        subscriptions: &'a [u32],
        unit: Unit,
    ) -> Walk<'a> {
        let positions = vec![Position::default(); ledger.items.len()];
        Walk {
            ctx,
            ledger,
            states,
            subscriptions,
            unit,
            positions,
            epoch: 0,
            level: Money::new(),
            present: false,
            ever_present: false,
            left_on: None,
            ever_subscriptions: BTreeSet::new(),
            first_change: None,
        }
    }

    fn run(&mut self, steps: &mut Vec<Step>) -> Result<(), LedgerError> {
        let events = self.events();
        let moments = self.moments(&events);
        let hidden = match self.ctx.policy.same_period_new_and_churn {
            SamePeriod::BothHidden => self.hidden_months(&events, &moments)?,
            _ => BTreeSet::new(),
        };
        for (from, to, is_step) in groups(&moments, self.ctx, &hidden) {
            // Attributes that change at an earlier instant than the group's move what stands then: the level
            // before the group.
            let last = events[to - 1].at;
            let early = |e: &Event| matches!(e.what, What::Epoch(_)) && e.at < last;
            for event in events[from..to].iter().filter(|e| early(e)) {
                steps.extend(self.group(std::slice::from_ref(event), false)?);
            }
            let rest: Vec<Event> = events[from..to].iter().copied().filter(|e| !early(e)).collect();
            steps.extend(self.group(&rest, is_step)?);
        }
        Ok(())
    }

    /// The instants at which something happens, each with whether it is a step: whether a level changes, or what
    /// keeps a customer at 0. What is no step (a trial that begins, a renewal) happens by itself and starts no group.
    fn moments(&mut self, events: &[Event]) -> Vec<Moment> {
        let policy = self.ctx.policy;
        let keeps = policy.discount_100 == ZeroRule::StaysActive
            || policy.free_plan == ZeroRule::StaysActive
            || policy.pause == PauseRule::Contraction;
        let mut now: Vec<Option<u32>> = vec![None; self.ledger.items.len()];
        let mut level = Money::new();
        let mut kept_at_zero = false;
        let mut moments = Vec::new();
        let mut from = 0;
        while from < events.len() {
            let at = events[from].at;
            let mut to = from;
            let mut step = false;
            while to < events.len() && events[to].at == at {
                if let What::Phase { item, phase } = events[to].what {
                    let before = self.cell(item, now[item as usize]);
                    let after = self.cell(item, Some(phase));
                    step |= before != after;
                    for (cell, add) in [(before, false), (after, true)] {
                        if let Some((_, currency, amount)) = cell {
                            level.add(currency, if add { amount } else { -amount });
                        }
                    }
                    now[item as usize] = Some(phase);
                }
                to += 1;
            }
            if step && self.first_change.is_none() {
                self.first_change = Some(at);
            }
            if keeps {
                let at_zero = level.iter().all(|(_, sum)| !sum.is_positive());
                let kept = at_zero
                    && self
                        .unit
                        .items
                        .iter()
                        .any(|i| self.phase(*i, now[*i as usize]).is_some_and(|p| p.live && p.kept));
                step |= kept != kept_at_zero;
                kept_at_zero = kept;
            }
            moments.push(Moment { place: Place::of(at, self.ctx), from, to, step });
            from = to;
        }
        moments
    }

    /// Plan, currency and MRR of an item; `None` at 0.
    fn cell(&self, item: u32, index: Option<u32>) -> Option<(&'a Option<Text>, Currency, Amount)> {
        let end = self.end(self.phase(item, index))?;
        let amount = end.phase.level.mrr;
        (!amount.is_zero()).then_some((&end.state.plan, end.state.currency, amount))
    }

    fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for &item in &self.unit.items {
            for (phase, one) in self.ledger.phases[item as usize].iter().enumerate() {
                events.push(Event { at: one.from, what: What::Phase { item, phase: phase as u32 } });
            }
        }
        for (index, epoch) in self.ledger.epochs.iter().enumerate().skip(1) {
            events.push(Event { at: epoch.from, what: What::Epoch(index as u32) });
        }
        events.sort_by_key(|e| (e.at, e.what));
        events
    }

    /// Months at whose start and end the unit is absent, though it is present in between: a rehearsal without
    /// posting, since kinds after such a month depend on its being hidden.
    fn hidden_months(
        &self,
        events: &[Event],
        moments: &[Moment],
    ) -> Result<BTreeSet<(Day, bool)>, LedgerError> {
        let unit = Unit { number: self.unit.number, items: self.unit.items.clone() };
        let mut rehearsal = Walk::new(self.ctx, self.ledger, self.states, self.subscriptions, unit);
        // Month and whether it is expected; present before, present in between, present after.
        let mut months: Vec<((Day, bool), bool, bool, bool)> = Vec::new();
        for (from, to, is_step) in groups(moments, self.ctx, &BTreeSet::new()) {
            let place = Place::of(events[to - 1].at, self.ctx);
            let month = (place.month, place.expected);
            let before = rehearsal.present;
            rehearsal.group(&events[from..to], is_step)?;
            match months.last_mut() {
                Some(last) if last.0 == month => {
                    last.2 |= rehearsal.present;
                    last.3 = rehearsal.present;
                }
                _ => months.push((month, before, rehearsal.present, rehearsal.present)),
            }
        }
        Ok(months
            .into_iter()
            .filter(|(_, before, between, after)| !before && *between && !after)
            .map(|(month, ..)| month)
            .collect())
    }

    /// Applies one netted group of events; a step if anything changed. Only a group of steps decides presence anew:
    /// between steps a rate alone makes nobody come or go.
    fn group(&mut self, events: &[Event], is_step: bool) -> Result<Option<Step>, LedgerError> {
        let at = events[events.len() - 1].at;
        let day = self.ctx.zone.day_of(at);
        let epoch_before = self.epoch;
        let mut touched: Vec<u32> = Vec::with_capacity(events.len());
        for event in events {
            match event.what {
                What::Phase { item, phase } => {
                    let position = &mut self.positions[item as usize];
                    position.first_in_group.get_or_insert(phase);
                    position.now = Some(phase);
                    touched.push(item);
                }
                What::Epoch(index) => self.epoch = index,
            }
        }
        if self.epoch != epoch_before {
            touched.extend(self.unit.items.iter().filter(|i| self.positions[**i as usize].now.is_some()));
        }
        touched.sort_unstable();
        touched.dedup();

        let changes = self.changes(&touched, epoch_before);
        let level_before = self.level.clone();
        for change in &changes {
            self.level.add(change.currency, change.after.mrr - change.before.mrr);
        }
        let present_before = self.present;
        if is_step {
            let sign = self.level.sign(self.ctx, &self.ledger.customer, day)?;
            self.present = sign == Ordering::Greater || (present_before && self.kept());
        }
        let kind = self.kind(present_before, day);
        let rows = self.rows(&changes, &touched, kind, present_before, day)?;
        self.remember_subscriptions(&touched, day)?;
        for item in touched {
            let position = &mut self.positions[item as usize];
            position.before = position.now;
            position.first_in_group = None;
        }
        if rows.is_empty() && kind.is_none() && changes.iter().all(|c| c.before == c.after) {
            return Ok(None);
        }
        Ok(Some(Step {
            unit: self.unit.number,
            at,
            day,
            kind,
            present_before,
            present_after: self.present,
            rows,
            changes: changes.iter().flat_map(level_changes).collect(),
            level_before,
            level_after: self.level.clone(),
            expected: at > self.ctx.now(),
        }))
    }

    fn kept(&self) -> bool {
        self.unit.items.iter().any(|i| self.phase_now(*i).is_some_and(|p| p.live && p.kept))
    }

    fn kind(&mut self, before: bool, day: Day) -> Option<Kind> {
        match (before, self.present) {
            (false, true) => {
                let within = match (self.ctx.policy.reactivation_window, self.left_on) {
                    (ReactivationWindow::Days(days), Some(left)) => day.days_since(left) <= i32::from(days),
                    _ => true,
                };
                let again = self.ever_present && within;
                self.ever_present = true;
                Some(if again { Kind::Reactivation } else { Kind::New })
            }
            (true, false) => {
                self.left_on = Some(day);
                Some(Kind::Churn)
            }
            _ => None,
        }
    }

    fn phase(&self, item: u32, index: Option<u32>) -> Option<&'a Phase> {
        index.map(|i| &self.ledger.phases[item as usize][i as usize])
    }

    fn phase_now(&self, item: u32) -> Option<&'a Phase> {
        self.phase(item, self.positions[item as usize].now)
    }

    fn end(&self, phase: Option<&'a Phase>) -> Option<End<'a>> {
        phase.map(|phase| End { phase, state: self.states[phase.fact as usize] })
    }

    /// How the touched items' levels differ between the group's start and end, per plan and currency.
    fn changes(&self, touched: &[u32], epoch_before: u32) -> Vec<Change> {
        let mut out = Vec::with_capacity(touched.len());
        for &item in touched {
            let position = self.positions[item as usize];
            let before = self.end(self.phase(item, position.before)).filter(|e| !e.phase.level.is_zero());
            let after = self.end(self.phase(item, position.now)).filter(|e| !e.phase.level.is_zero());
            let layer = |e: Option<End>| match e {
                Some(e) if self.ctx.dimensions.layer => e.phase.layer,
                _ => Layer::Paid,
            };
            let change = |of: End<'a>, before: Level, after: Level, lb: Layer, la: Layer| Change {
                item,
                plan: of.state.plan.clone(),
                currency: of.state.currency,
                before,
                after,
                epoch_before,
                epoch_after: self.epoch,
                layer_before: lb,
                layer_after: la,
            };
            match (before, after) {
                (None, None) => {}
                (Some(b), None) => {
                    out.push(change(b, b.phase.level, Level::ZERO, layer(before), layer(before)))
                }
                (None, Some(a)) => {
                    out.push(change(a, Level::ZERO, a.phase.level, layer(after), layer(after)))
                }
                (Some(b), Some(a))
                    if b.state.plan == a.state.plan && b.state.currency == a.state.currency =>
                {
                    let one = change(a, b.phase.level, a.phase.level, layer(before), layer(after));
                    let regrouped =
                        one.epoch_before != one.epoch_after || one.layer_before != one.layer_after;
                    if one.before != one.after || regrouped {
                        out.push(one);
                    }
                }
                (Some(b), Some(a)) => {
                    out.push(change(b, b.phase.level, Level::ZERO, layer(before), layer(before)));
                    out.push(change(a, Level::ZERO, a.phase.level, layer(after), layer(after)));
                }
            }
        }
        out
    }

    /// Posts the changes: parts with kinds and causes, then moves between attributes or layers.
    fn rows(
        &self,
        changes: &[Change],
        touched: &[u32],
        kind: Option<Kind>,
        present_before: bool,
        day: Day,
    ) -> Result<Vec<Row>, LedgerError> {
        let moving: Vec<&Change> = changes.iter().filter(|c| c.before.mrr != c.after.mrr).collect();
        let parts = match kind {
            Some(kind) => {
                moving.iter().enumerate().map(|(i, c)| (i, kind, c.after.mrr - c.before.mrr)).collect()
            }
            None => self.split(&moving, present_before, day)?,
        };
        let pairs = self.pairs(touched);
        let mut rows: Vec<Row> = Vec::with_capacity(parts.len());
        let mut told: Option<usize> = None;
        for (index, kind, amount) in parts {
            let change = moving[index];
            let again = told == Some(index);
            told = Some(index);
            let before = if again { rows.last().expect("a part precedes").after } else { change.before.mrr };
            let (had, has) = (change.before.mrr, change.after.mrr);
            let arrives = had.is_zero() || (!has.is_zero() && change.stays() != has);
            rows.push(Row {
                item: change.item,
                plan: change.plan.clone(),
                currency: change.currency,
                kind,
                cause: self.cause(change, &pairs, present_before),
                amount,
                arr: if again { Amount::ZERO } else { change.after.arr - change.before.arr },
                before,
                after: before + amount,
                epoch: if arrives { change.epoch_after } else { change.epoch_before },
                layer: if arrives { change.layer_after } else { change.layer_before },
                phases: self.phases_of(change.item),
                regroup: false,
            });
        }
        for change in changes {
            self.regroup(change, &mut rows);
        }
        rows.sort_by_key(|a| (a.item, a.regroup));
        Ok(rows)
    }

    fn phases_of(&self, item: u32) -> (u32, u32) {
        let position = self.positions[item as usize];
        let last = position.now.map_or(0, |p| p + 1);
        (position.first_in_group.unwrap_or(last.saturating_sub(1)), last)
    }

    /// Expansion, contraction and transfer of a unit that stays (or stays away).
    fn split(
        &self,
        moving: &[&Change],
        present_before: bool,
        day: Day,
    ) -> Result<Vec<(usize, Kind, Amount)>, LedgerError> {
        let by_sign = |amount: Amount| if amount.is_negative() { Kind::Contraction } else { Kind::Expansion };
        let amount = |c: &Change| c.after.mrr - c.before.mrr;
        if !self.present || !present_before {
            return Ok(moving.iter().enumerate().map(|(i, c)| (i, by_sign(amount(c)), amount(c))).collect());
        }
        let mut parts: Vec<(usize, Kind, Amount)> = Vec::with_capacity(moving.len() + 1);
        let mut ordinary: Vec<usize> = Vec::with_capacity(moving.len());
        for (index, change) in moving.iter().enumerate() {
            match self.forced_kind(change, day)? {
                Some(kind) => parts.push((index, kind, amount(change))),
                None => ordinary.push(index),
            }
        }
        let several = ordinary.iter().any(|i| moving[*i].currency != moving[ordinary[0]].currency);
        let mut deltas = Vec::with_capacity(ordinary.len());
        for &index in &ordinary {
            let change = moving[index];
            let rate = match several {
                true => rate(self.ctx, &self.ledger.customer, day, change.currency)?,
                false => Ratio::ONE,
            };
            let subscription = self.subscriptions[change.item as usize];
            deltas.push(Delta { subscription, amount: amount(change), rate });
        }
        let split = split(&deltas, self.ctx.policy.transfer_residual)
            .ok_or_else(|| overflow(&self.ledger.customer))?;
        parts.extend(split.into_iter().map(|p| (ordinary[p.delta], p.kind, p.amount)));
        parts.sort_by_key(|(index, ..)| *index);
        Ok(parts)
    }

    /// `second_subscription = new` and `partial_cancel = churn`.
    fn forced_kind(&self, change: &Change, day: Day) -> Result<Option<Kind>, LedgerError> {
        let policy = self.ctx.policy;
        let subscription = self.subscriptions[change.item as usize];
        let grew = change.after.mrr > change.before.mrr;
        if policy.second_subscription == SecondSubscription::New
            && grew
            && !self.ever_subscriptions.contains(&subscription)
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

    fn subscription_above_zero(
        &self,
        subscription: u32,
        before: bool,
        day: Day,
    ) -> Result<bool, LedgerError> {
        let mut sum = Money::new();
        for &item in &self.unit.items {
            if self.subscriptions[item as usize] != subscription {
                continue;
            }
            let position = self.positions[item as usize];
            let index = if before { position.before } else { position.now };
            if let Some(end) = self.end(self.phase(item, index)) {
                sum.add(end.state.currency, end.phase.level.mrr);
            }
        }
        Ok(sum.sign(self.ctx, &self.ledger.customer, day)? == Ordering::Greater)
    }

    fn remember_subscriptions(&mut self, touched: &[u32], day: Day) -> Result<(), LedgerError> {
        if self.ctx.policy.second_subscription != SecondSubscription::New {
            return Ok(());
        }
        for &item in touched {
            let subscription = self.subscriptions[item as usize];
            if self.subscription_above_zero(subscription, false, day)? {
                self.ever_subscriptions.insert(subscription);
            }
        }
        Ok(())
    }

    /// Items that end and items that start in this group, paired: same subscription first, then in order.
    fn pairs(&self, touched: &[u32]) -> Vec<(u32, u32)> {
        let mut ended: Vec<u32> = Vec::new();
        let mut started: Vec<u32> = Vec::new();
        for &item in touched {
            let position = self.positions[item as usize];
            let before = self.phase(item, position.before).is_some_and(|p| p.live);
            let after = self.phase(item, position.now).is_some_and(|p| p.live);
            if before && !after {
                ended.push(item);
            } else if !before && after {
                started.push(item);
            }
        }
        let mut pairs = Vec::new();
        for same_subscription in [true, false] {
            ended.retain(|end| {
                let partner = started.iter().position(|start| {
                    !same_subscription
                        || self.subscriptions[*start as usize] == self.subscriptions[*end as usize]
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
        pairs
    }

    fn cause(&self, change: &Change, pairs: &[(u32, u32)], present_before: bool) -> Cause {
        let item = change.item;
        let position = self.positions[item as usize];
        let raw_now = self.end(self.phase(item, position.now));
        let mut before = self.end(self.phase(item, position.before)).filter(|e| e.phase.live);
        let mut after = raw_now.filter(|e| e.phase.live);
        if let Some((end, start)) = pairs.iter().find(|(end, start)| *end == item || *start == item) {
            before = self.end(self.phase(*end, self.positions[*end as usize].before));
            after = self.end(self.phase_now(*start));
        }
        let subscription = self.subscriptions[item as usize];
        let others = |before: bool| {
            self.unit.items.iter().any(|&other| {
                let position = self.positions[other as usize];
                let index = if before { position.before } else { position.now };
                other != item
                    && self.subscriptions[other as usize] == subscription
                    && self.phase(other, index).is_some_and(|p| p.live)
            })
        };
        let around =
            Surroundings { others_before: others(true), others_after: others(false), present_before };
        match (before, after) {
            (Some(before), Some(after)) => of_change(&before, &after),
            (None, Some(after)) => of_start(&after, around),
            (Some(before), None) => of_end(&before, raw_now.as_ref(), around),
            (None, None) => Cause::Other,
        }
    }

    /// What stays on the same plan but changes attributes or layer moves: -x there, +x here.
    fn regroup(&self, change: &Change, rows: &mut Vec<Row>) {
        let same = change.epoch_before == change.epoch_after && change.layer_before == change.layer_after;
        if same || change.before.mrr.is_zero() || change.after.mrr.is_zero() {
            return;
        }
        let carried = if change.stays() == change.before.mrr { change.before } else { change.after };
        let side = |sign_out: bool| Row {
            item: change.item,
            plan: change.plan.clone(),
            currency: change.currency,
            kind: Kind::Transfer,
            cause: Cause::Other,
            amount: if sign_out { -carried.mrr } else { carried.mrr },
            arr: if sign_out { -carried.arr } else { carried.arr },
            before: if sign_out { carried.mrr } else { Amount::ZERO },
            after: if sign_out { Amount::ZERO } else { carried.mrr },
            epoch: if sign_out { change.epoch_before } else { change.epoch_after },
            layer: if sign_out { change.layer_before } else { change.layer_after },
            phases: self.phases_of(change.item),
            regroup: true,
        };
        rows.push(side(true));
        rows.push(side(false));
    }
}

/// An item at one end of a group: its phase and the state behind it.
#[derive(Clone, Copy)]
struct End<'a> {
    phase: &'a Phase,
    state: &'a ItemState,
}

impl crate::cause::End for End<'_> {
    fn is_credit(&self) -> bool {
        self.state.amount.is_negative()
    }

    fn reason(&self) -> Option<CancelReason> {
        self.state.reason
    }

    fn status(&self) -> Status {
        self.phase.status
    }

    fn counts(&self) -> bool {
        self.phase.counts
    }

    fn lapsed(&self) -> bool {
        self.phase.lapsed
    }

    fn mrr(&self) -> Amount {
        self.phase.level.mrr
    }

    fn same_currency(&self, other: &Self) -> bool {
        self.state.currency == other.state.currency
    }

    fn same_plan(&self, other: &Self) -> bool {
        self.state.plan == other.state.plan
    }

    fn same_interval(&self, other: &Self) -> bool {
        let interval = |s: &ItemState| (s.interval, s.interval_count);
        interval(self.state) == interval(other.state)
    }

    fn same_quantity(&self, other: &Self) -> bool {
        self.state.quantity_micros == other.state.quantity_micros
    }

    fn same_price(&self, other: &Self) -> bool {
        self.state.amount == other.state.amount
    }

    fn by_usage(&self) -> bool {
        self.state.usage_type == UsageType::Metered
    }

    fn off_cmp(&self, other: &Self) -> Ordering {
        self.phase.off.cmp(&other.phase.off)
    }
}

/// A change as level changes: one, or two when attributes or layer moved.
fn level_changes(change: &Change) -> Vec<LevelChange> {
    let one = |epoch: u32, layer: Layer, before: Level, after: Level| LevelChange {
        item: change.item,
        plan: change.plan.clone(),
        currency: change.currency,
        epoch,
        layer,
        before,
        after,
    };
    if change.epoch_before == change.epoch_after && change.layer_before == change.layer_after {
        return vec![one(change.epoch_after, change.layer_after, change.before, change.after)];
    }
    vec![
        one(change.epoch_before, change.layer_before, change.before, Level::ZERO),
        one(change.epoch_after, change.layer_after, Level::ZERO, change.after),
    ]
}

/// Calendar month in the book's zone, whatever zone the report is cut in.
fn month_of(ctx: &Context, at: Instant) -> Day {
    Grain::Month.period_start(ctx.book_zone.day_of(at), WeekStart::Monday)
}

/// An instant at which something happens: its events, and whether it is a step.
struct Moment {
    place: Place,
    from: usize,
    to: usize,
    step: bool,
}

/// Cuts moments into netted groups (section 5), as ranges of events and whether they are steps. A group begins and ends with a step; what
/// happens outside of groups stands by itself.
fn groups(moments: &[Moment], ctx: &Context, hidden: &BTreeSet<(Day, bool)>) -> Vec<(usize, usize, bool)> {
    let mut out = Vec::with_capacity(moments.len());
    let mut at = 0;
    while at < moments.len() {
        let first = &moments[at];
        let mut last = at;
        if first.step {
            let hide = hidden.contains(&(first.place.month, first.place.expected));
            for (next, moment) in moments.iter().enumerate().skip(at + 1).filter(|(_, m)| m.step) {
                if !first.place.joins(&moment.place, hide, ctx) {
                    break;
                }
                last = next;
            }
        }
        out.push((first.from, moments[last].to, first.step));
        at = last + 1;
    }
    out
}

/// Where an instant lies, as far as netting cares.
struct Place {
    at: Instant,
    day: Day,
    month: Day,
    expected: bool,
}

impl Place {
    fn of(at: Instant, ctx: &Context) -> Place {
        Place { at, day: ctx.zone.day_of(at), month: month_of(ctx, at), expected: at > ctx.now() }
    }

    fn joins(&self, next: &Place, hide: bool, ctx: &Context) -> bool {
        if self.expected != next.expected {
            return false;
        }
        if hide {
            return self.month == next.month;
        }
        match ctx.policy.netting {
            Netting::Event => self.at == next.at,
            Netting::Window => {
                let span = i64::from(ctx.policy.grouping_window) * 60_000_000;
                self.day == next.day && next.at.micros() - self.at.micros() <= span
            }
            Netting::Day => self.day == next.day,
            Netting::Period => {
                let week = ctx.policy.week_start;
                let cut = ctx.range_start.is_some_and(|start| self.day < start && next.day >= start)
                    || ctx.range_end.is_some_and(|end| self.day <= end && next.day > end);
                !cut && ctx.grain.period_start(self.day, week) == ctx.grain.period_start(next.day, week)
            }
        }
    }
}
