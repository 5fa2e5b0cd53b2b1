//! Sections 4 to 6: presence, steps, netting, and the kind of a group.

use std::collections::{BTreeMap, BTreeSet};

use netnew_money::{Amount, Currency, Instant};

use super::item::{Item, ItemId};
use super::report::Report;
use super::{Business, OracleError};
use crate::rows::PlainRow;

/// What presence and kinds are decided for: a customer, or one subscription of a customer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unit {
    pub(super) customer: String,
    /// Source and subscription.
    pub(super) subscription: Option<(String, String)>,
}

/// Where an amount stands: an item, on a plan, in a currency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    pub(super) id: ItemId,
    pub(super) plan: Option<String>,
    pub(super) currency: Currency,
}

/// What a group does to the presence of its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    New,
    Reactivation,
    Churn,
    /// Present before and after.
    Stays,
    /// Present neither before nor after.
    Absent,
}

/// Steps netted together.
#[derive(Clone, Debug)]
pub(super) struct Group<'a> {
    /// Instant of the first step.
    pub(super) first: Instant,
    /// Instant of the last step, which is the group's.
    pub(super) last: Instant,
    pub(super) before: Vec<Item<'a>>,
    pub(super) after: Vec<Item<'a>>,
    pub(super) turn: Turn,
    /// Subscriptions that were above 0 at the end of an earlier group.
    pub(super) known: BTreeSet<(String, String)>,
    /// Whether `both_hidden` made it from groups that cancel out.
    pub(super) hidden: bool,
}

impl Group<'_> {
    pub(super) fn was_present(&self) -> bool {
        matches!(self.turn, Turn::Churn | Turn::Stays)
    }

    pub(super) fn is_present(&self) -> bool {
        matches!(self.turn, Turn::New | Turn::Reactivation | Turn::Stays)
    }
}

/// The levels of some items by cell, without those at 0.
pub(super) fn levels(items: &[Item<'_>]) -> BTreeMap<Cell, Amount> {
    let mut levels = BTreeMap::new();
    for item in items.iter().filter(|item| !item.mrr.is_zero()) {
        let cell = Cell { id: item.id.clone(), plan: item.row.plan.clone(), currency: item.row.currency };
        levels.insert(cell, item.mrr);
    }
    levels
}

/// The sums of some levels by currency.
pub(super) fn sums<'c>(levels: impl IntoIterator<Item = (&'c Cell, &'c Amount)>) -> Vec<(Currency, Amount)> {
    let mut sums: BTreeMap<Currency, Amount> = BTreeMap::new();
    for (cell, amount) in levels {
        *sums.entry(cell.currency).or_default() += *amount;
    }
    sums.into_iter().collect()
}

impl Business {
    /// Everything that kinds are decided for, sorted.
    pub(super) fn units(&self) -> Vec<Unit> {
        let by_subscription = self.knobs.is("movement.level", "subscription");
        let unit = |row: &PlainRow| Unit {
            customer: row.customer.clone(),
            subscription: by_subscription.then(|| (row.source.clone(), row.subscription.clone())),
        };
        self.states.iter().map(unit).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The customers as units, whatever `movement.level` says.
    pub(super) fn whole_customers(&self) -> Vec<Unit> {
        self.customers().into_iter().map(|customer| Unit { customer, subscription: None }).collect()
    }

    /// The items of a unit at an instant.
    pub(super) fn items_of(&self, unit: &Unit, at: Instant) -> Vec<Item<'_>> {
        let at = self.within_horizon(at);
        let own = self.ids_of(unit).filter_map(|id| self.item_at(id, at));
        own.filter(|item| item.row.customer == unit.customer).collect()
    }

    /// The items that ever were the unit's.
    fn ids_of(&self, unit: &Unit) -> impl Iterator<Item = &ItemId> {
        let subscription = unit.subscription.clone();
        self.owned.get(&unit.customer).into_iter().flatten().filter(move |id| match &subscription {
            None => true,
            Some((source, subscription)) => id.source == *source && id.subscription == *subscription,
        })
    }

    /// Every instant at which an item of the unit may change.
    pub(super) fn instants(&self, unit: &Unit) -> Vec<Instant> {
        let mut instants = BTreeSet::new();
        for id in self.ids_of(unit) {
            let states = self.states_of(id);
            for (index, row) in states.iter().enumerate() {
                instants.insert(row.effective_at);
                instants
                    .extend([row.trial_end, row.cancel_at, row.cancel_requested_at].into_iter().flatten());
                instants.extend(row.discounts.iter().filter_map(|d| self.discount_end(states, index, d)));
                instants.extend(self.grace_end(states, index));
            }
        }
        instants.extend(self.bill_instants(&unit.customer));
        instants.into_iter().collect()
    }

    /// The instants at which something changes for the unit: a level, or what keeps it present at 0.
    fn steps(&self, unit: &Unit) -> Vec<Instant> {
        let seen = |at: Instant| {
            let items = self.items_of(unit, at);
            let levels = levels(&items);
            let at_zero = sums(&levels).iter().all(|(_, sum)| !sum.is_positive());
            let kept = at_zero && items.iter().any(|item| item.keeps(self));
            (levels, kept)
        };
        self.instants(unit).into_iter().filter(|&at| seen(at.add_micros(-1)) != seen(at)).collect()
    }

    /// When a level changed for the first time.
    pub(super) fn first_movement(&self) -> Option<Instant> {
        let first_of = |unit: &Unit| {
            let differs = |at: &Instant| {
                levels(&self.items_of(unit, at.add_micros(-1))) != levels(&self.items_of(unit, *at))
            };
            self.instants(unit).into_iter().find(differs)
        };
        self.units().iter().filter_map(first_of).min()
    }

    /// Whether a step belongs to the group that began and last went on at these instants.
    fn joins(&self, first: Instant, last: Instant, step: Instant, report: &Report) -> bool {
        let day = |at: Instant| self.report_zone.day_of(at);
        if (last <= self.as_of) != (step <= self.as_of) {
            return false;
        }
        match self.knobs.get("netting") {
            "event" => false,
            "window" => {
                let minutes = i64::from(self.knobs.number("grouping_window").unwrap_or(60));
                step.micros() - first.micros() <= minutes * 60_000_000 && day(first) == day(step)
            }
            "period" => {
                let part = |at: Instant| {
                    let start = report.interval.period_start(day(at), self.knobs.week_start());
                    (start, report.from.is_some_and(|d| day(at) >= d), report.to.is_some_and(|d| day(at) > d))
                };
                part(first) == part(step)
            }
            _ => day(first) == day(step),
        }
    }

    /// The netted groups of a unit since the start of history.
    pub(super) fn groups(&self, unit: &Unit, report: &Report) -> Result<Vec<Group<'_>>, OracleError> {
        let mut spans: Vec<(Instant, Instant)> = Vec::new();
        for step in self.steps(unit) {
            match spans.last_mut() {
                Some((first, last)) if self.joins(*first, *last, step, report) => *last = step,
                _ => spans.push((step, step)),
            }
        }
        let hides = self.knobs.is("same_period_new_and_churn", "both_hidden");
        let month = |at: Instant| (self.zone.day_of(at).first_of_month(), at <= self.as_of);
        let mut past =
            Past { present: false, ever_present: false, left_at: Instant::MIN, known: BTreeSet::new() };
        let mut groups: Vec<Group<'_>> = Vec::new();
        for spans in spans.chunk_by(|a, b| hides && month(a.1) == month(b.1)) {
            let before = past.clone();
            let mut of_month = Vec::new();
            for &(first, last) in spans {
                of_month.push(self.group(unit, first, last, &mut past)?);
            }
            let came_and_went = !before.present && !past.present && of_month.iter().any(Group::is_present);
            if hides && came_and_went {
                past = before;
                of_month = vec![hidden(of_month)];
            }
            groups.extend(of_month);
        }
        Ok(groups)
    }

    /// One group, from what was before it; goes on to what is after it.
    fn group(
        &self,
        unit: &Unit,
        first: Instant,
        last: Instant,
        past: &mut Past,
    ) -> Result<Group<'_>, OracleError> {
        let before = self.items_of(unit, first.add_micros(-1));
        let after = self.items_of(unit, last);
        let day = self.report_zone.day_of(last);
        let above = self.is_above_zero(&sums(&levels(&after)), day)?;
        let is_present = above || (past.present && after.iter().any(|item| item.keeps(self)));
        let days_away = day.days_since(self.report_zone.day_of(past.left_at));
        let too_long = self.knobs.reactivation_days().is_some_and(|window| days_away > window);
        let turn = match (past.present, is_present) {
            (false, true) if !past.ever_present || too_long => Turn::New,
            (false, true) => Turn::Reactivation,
            (true, false) => Turn::Churn,
            (true, true) => Turn::Stays,
            (false, false) => Turn::Absent,
        };
        if turn == Turn::Churn {
            past.left_at = last;
        }
        past.present = is_present;
        past.ever_present |= is_present;
        let known = past.known.clone();
        past.known.extend(self.subscriptions_above_zero(&after, last)?);
        Ok(Group { first, last, before, after, turn, known, hidden: false })
    }

    /// The subscriptions among some items that come to more than 0.
    pub(super) fn subscriptions_above_zero(
        &self,
        items: &[Item<'_>],
        at: Instant,
    ) -> Result<BTreeSet<(String, String)>, OracleError> {
        let levels = levels(items);
        let mut above = BTreeSet::new();
        for item in items {
            let of_it = levels.iter().filter(|(cell, _)| cell.id.shares_subscription(&item.id));
            if self.is_above_zero(&sums(of_it), self.report_zone.day_of(at))? {
                above.insert((item.id.source.clone(), item.id.subscription.clone()));
            }
        }
        Ok(above)
    }
}

/// What kinds depend on besides the group itself.
#[derive(Clone)]
struct Past {
    present: bool,
    ever_present: bool,
    left_at: Instant,
    /// Subscriptions that were above 0 at the end of a group.
    known: BTreeSet<(String, String)>,
}

/// Section 6: who is absent at a calendar month's start and end and was there in between has no movement in it. The
/// groups become one, which has no rows unless something below 0 changed, and leave no trace in what follows. What
/// lies before and after now is a month of its own each.
fn hidden(mut of_month: Vec<Group<'_>>) -> Group<'_> {
    let last = of_month.pop().expect("a month has groups");
    let first = of_month.swap_remove(0);
    Group {
        first: first.first,
        before: first.before,
        known: first.known,
        turn: Turn::Absent,
        hidden: true,
        ..last
    }
}
