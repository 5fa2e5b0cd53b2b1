//! Section 9: periods, conversion and head counts.

use std::collections::{BTreeMap, BTreeSet};

use netnew_money::{Amount, Currency, Day, Grain, Instant};

use super::dimensions::{Dimension, Filter, Place};
use super::groups::{Cell, Group, Turn, Unit, levels, sums};
use super::{Business, OracleError};
use crate::question::{PlainHeads, PlainMovement, PlainPeriod, Shown};

/// What a report is asked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// First day; default: the first of the month of the first movement.
    pub from: Option<Day>,
    /// Last day; default: the day of now.
    pub to: Option<Day>,
    /// Length of the periods.
    pub interval: Grain,
    /// Dimensions by name.
    pub by: Vec<String>,
    /// Filter; empty: none.
    pub filter: String,
    /// Currency.
    pub shown: Shown,
    /// One day's rates for everything.
    pub constant_rates: Option<Day>,
}

/// The group of a row, with the currency where it is a dimension of its own.
type Key = (Vec<Option<String>>, Currency);

/// A posted row or an attribute's move, as it counts in a report.
struct Flow {
    at: Instant,
    key: Key,
    kind: &'static str,
    cause: &'static str,
    cell: Cell,
    customer: String,
    amount: Amount,
}

/// How a customer came into a group or went out of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Move {
    New,
    Reactivated,
    Entered,
    Churned,
    Left,
}

/// A report that has been read.
struct Plan<'a> {
    asked: &'a Report,
    by: Vec<Dimension>,
    filter: Filter,
}

impl Business {
    /// The rows of `netnew mrr`.
    ///
    /// # Errors
    /// A missing rate, an unknown dimension.
    pub fn mrr_rows(&self, asked: &Report) -> Result<Vec<PlainPeriod>, OracleError> {
        let Some((from, to)) = self.range(asked)? else { return Ok(Vec::new()) };
        let bounded = Report { from: Some(from), to: Some(to), ..asked.clone() };
        let plan = self.plan(&bounded)?;
        let flows = self.flows(&plan)?;
        let moves = self.moves(&plan)?;

        let week_start = self.knobs.week_start();
        let mut periods = Vec::new();
        let mut first = bounded.interval.period_start(from, week_start);
        while first <= to {
            let next = bounded.interval.next_start(first, week_start);
            periods.push((first, first.max(from), next.add_days(-1).min(to), next.add_days(-1)));
            first = next;
        }
        let (start, end) = (self.last_instant(from.add_days(-1), to), self.last_instant(to, to));
        let mut keys = BTreeSet::new();
        if plan.by.is_empty() && asked.shown != Shown::Original {
            keys.insert((Vec::new(), self.target(asked).unwrap_or(self.currency)));
        }
        keys.extend(self.standing(&plan, start)?.amounts.into_iter().map(|(key, _, _)| key));
        keys.extend(
            flows.iter().filter(|flow| flow.at > start && flow.at <= end).map(|flow| flow.key.clone()),
        );

        let mut rows = Vec::new();
        for (period, clip_from, clip_to, last_day) in periods {
            let since = self.last_instant(clip_from.add_days(-1), to);
            let until = self.last_instant(clip_to, to);
            let (before, after) = (self.standing(&plan, since)?, self.standing(&plan, until)?);
            let whole = clip_from == period && clip_to == last_day;
            for key in &keys {
                let mut row = PlainPeriod::empty(period, key.0.clone(), key.1);
                row.complete = whole && self.last_instant(clip_to, Day::MAX) <= self.as_of;
                row.expected = until > self.as_of;
                row.start = self.level(&plan, key, &before, clip_from.add_days(-1), &flows)?;
                row.end = self.level(&plan, key, &after, clip_to, &flows)?;
                for flow in
                    flows.iter().filter(|flow| flow.at > since && flow.at <= until && flow.key == *key)
                {
                    let amount = self.flow_amount(asked, flow)?;
                    *column(&mut row, flow.kind) += amount;
                }
                row.fx = row.end - row.start - row.change();
                row.customers = heads(&moves, key, since, until);
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// The rows of `netnew movements` in range, sorted; moves of an attribute that the filter asks about included.
    ///
    /// # Errors
    /// A missing rate, an unknown field of the filter.
    pub fn movements(&self, asked: &Report) -> Result<Vec<PlainMovement>, OracleError> {
        let Some((from, to)) = self.range(asked)? else { return Ok(Vec::new()) };
        let bounded = Report { from: Some(from), to: Some(to), by: Vec::new(), ..asked.clone() };
        let plan = self.plan(&bounded)?;
        let (start, end) = (self.last_instant(from.add_days(-1), to), self.last_instant(to, to));
        let mut rows = Vec::new();
        for flow in self.flows(&plan)?.into_iter().filter(|flow| flow.at > start && flow.at <= end) {
            let (amount, currency) = match asked.shown {
                Shown::In(currency) => (self.flow_amount(asked, &flow)?, currency),
                Shown::Default | Shown::Original => (flow.amount, flow.cell.currency),
            };
            rows.push(PlainMovement {
                at: flow.at,
                date: self.report_zone.day_of(flow.at),
                customer: flow.customer,
                source: flow.cell.id.source,
                subscription: flow.cell.id.subscription,
                item: flow.cell.id.item,
                plan: flow.cell.plan,
                kind: flow.kind.to_string(),
                cause: flow.cause.to_string(),
                amount,
                currency,
            });
        }
        rows.sort();
        Ok(rows)
    }

    fn plan<'a>(&self, asked: &'a Report) -> Result<Plan<'a>, OracleError> {
        let by = asked.by.iter().map(|name| Dimension::read(name)).collect::<Result<_, _>>()?;
        Ok(Plan { asked, by, filter: Filter::read(&asked.filter)? })
    }

    /// First and last day; nothing where there is nothing to report. The first movement is the first change of a
    /// level, so that the range does not depend on what is netted; where nothing is posted at all there is none.
    fn range(&self, asked: &Report) -> Result<Option<(Day, Day)>, OracleError> {
        if self.states.is_empty() {
            return Ok(None);
        }
        let to = asked.to.unwrap_or_else(|| self.report_zone.day_of(self.as_of));
        if let Some(from) = asked.from {
            return Ok((from <= to).then_some((from, to)));
        }
        let end = self.last_instant(to, to);
        let Some(first) = self.first_movement().filter(|first| *first <= end) else { return Ok(None) };
        let from = self.report_zone.day_of(first).first_of_month();
        let bounded = Report { from: Some(from), to: Some(to), ..asked.clone() };
        let posted = self.ledger(&bounded)?.iter().any(|row| row.at <= end);
        Ok(posted.then_some((from, to)))
    }

    /// The last instant of a day that counts: not after now, unless the report goes on to a later day.
    pub(super) fn last_instant(&self, day: Day, to: Day) -> Instant {
        let last = self.report_zone.start_of(day.add_days(1)).add_micros(-1);
        if to <= self.report_zone.day_of(self.as_of) { last.min(self.as_of) } else { last }
    }

    /// The currency everything is converted to.
    fn target(&self, asked: &Report) -> Option<Currency> {
        match asked.shown {
            Shown::Default => Some(self.currency),
            Shown::In(currency) => Some(currency),
            Shown::Original => None,
        }
    }

    fn place_of(&self, plan: &Plan<'_>, unit: &Unit, cell: &Cell, at: Instant) -> Place {
        self.place(unit, cell, at, &plan.by, &plan.filter)
    }

    /// The row of the report that a cell counts to; nothing when the filter leaves it out.
    fn key(&self, plan: &Plan<'_>, cell: &Cell, place: &Place) -> Option<Key> {
        let currency = self.target(plan.asked).unwrap_or(cell.currency);
        place.passes.then(|| (place.group.clone(), currency))
    }

    /// Walks through the life of a unit: at every instant at which a group is posted or an amount may change its
    /// place, calls with the group, and the cells before and after by what they count to.
    fn walk<'a>(
        &'a self,
        plan: &Plan<'_>,
        unit: &Unit,
        mut visit: impl FnMut(Instant, Option<&Group<'a>>, &Cells, &Cells) -> Result<(), OracleError>,
    ) -> Result<(), OracleError> {
        let groups = self.groups(unit, plan.asked)?;
        let mut instants: BTreeSet<Instant> = groups.iter().map(|group| group.last).collect();
        instants.extend(self.attribute_instants(&unit.customer));
        instants.extend(self.instants(unit));
        let mut standing: BTreeMap<Cell, Amount> = BTreeMap::new();
        for at in instants {
            let before: Cells = standing
                .iter()
                .map(|(cell, amount)| {
                    (cell.clone(), (*amount, self.place_of(plan, unit, cell, at.add_micros(-1))))
                })
                .collect();
            let group = groups.iter().find(|group| group.last == at);
            if let Some(group) = group {
                standing = levels(&group.after);
            }
            let after: Cells = standing
                .iter()
                .map(|(cell, amount)| (cell.clone(), (*amount, self.place_of(plan, unit, cell, at))))
                .collect();
            visit(at, group, &before, &after)?;
        }
        Ok(())
    }

    /// Every posted row with what it counts to, and every move that an attribute or a layer makes.
    fn flows(&self, plan: &Plan<'_>) -> Result<Vec<Flow>, OracleError> {
        let mut flows = Vec::new();
        for unit in self.units() {
            self.walk(plan, &unit, |at, group, before, after| {
                let mut push = |place: &Place, kind, cause, cell: &Cell, amount: Amount| {
                    if let Some(key) = self.key(plan, cell, place) {
                        let (cell, customer) = (cell.clone(), unit.customer.clone());
                        flows.push(Flow { at, key, kind, cause, cell, customer, amount });
                    }
                };
                for (cell, (had, was)) in before {
                    let Some((has, is)) = after.get(cell) else { continue };
                    let stays = what_stays(*had, *has);
                    if is != was {
                        push(was, "transfer", "other", cell, -stays);
                        push(is, "transfer", "other", cell, stays);
                    }
                }
                let Some(group) = group else { return Ok(()) };
                for row in self.post(group)? {
                    // What leaves leaves from where it stood, what arrives counts to where it is now.
                    let place = match (before.get(&row.cell), after.get(&row.cell)) {
                        (Some((_, was)), None) => was.clone(),
                        (Some((had, was)), Some((has, _))) if what_stays(*had, *has) == *has => was.clone(),
                        (_, Some((_, is))) => is.clone(),
                        (None, None) => self.place_of(plan, &unit, &row.cell, at),
                    };
                    push(&place, row.kind, row.cause, &row.cell, row.amount);
                }
                Ok(())
            })?;
        }
        Ok(flows)
    }

    /// How customers came into groups and went out of them, in order.
    fn moves(&self, plan: &Plan<'_>) -> Result<Vec<(Instant, Key, Move)>, OracleError> {
        let everybody = plan.by.is_empty() && plan.filter.is_empty() && plan.asked.shown != Shown::Original;
        let all: Key = (Vec::new(), self.target(plan.asked).unwrap_or(self.currency));
        let mut moves = Vec::new();
        for unit in self.whole_customers() {
            let mut inside: BTreeSet<Key> = BTreeSet::new();
            let mut present = false;
            self.walk(plan, &unit, |at, group, _, after| {
                present = group.map_or(present, Group::is_present);
                let mut now = BTreeSet::new();
                if present && everybody {
                    now.insert(all.clone());
                } else if present {
                    now = self.groups_held(plan, after, at)?;
                }
                let turn = group.map(|group| group.turn);
                for key in now.difference(&inside) {
                    let how = match turn {
                        Some(Turn::New) => Move::New,
                        Some(Turn::Reactivation) => Move::Reactivated,
                        _ => Move::Entered,
                    };
                    moves.push((at, key.clone(), how));
                }
                for key in inside.difference(&now) {
                    let how = if turn == Some(Turn::Churn) { Move::Churned } else { Move::Left };
                    moves.push((at, key.clone(), how));
                }
                inside = now;
                Ok(())
            })?;
        }
        Ok(moves)
    }

    /// The groups in which some cells come to more than 0.
    fn groups_held(&self, plan: &Plan<'_>, cells: &Cells, at: Instant) -> Result<BTreeSet<Key>, OracleError> {
        let key_of = |cell: &Cell, place: &Place| self.key(plan, cell, place);
        let keys: BTreeSet<Key> = cells.iter().filter_map(|(cell, (_, place))| key_of(cell, place)).collect();
        let mut held = BTreeSet::new();
        for key in keys {
            let of_key = cells.iter().filter(|(cell, (_, place))| key_of(cell, place).as_ref() == Some(&key));
            let sums = sums(of_key.map(|(cell, (amount, _))| (cell, amount)));
            if self.is_above_zero(&sums, self.report_zone.day_of(at))? {
                held.insert(key);
            }
        }
        Ok(held)
    }

    /// Every amount that stands at an instant.
    fn standing(&self, plan: &Plan<'_>, at: Instant) -> Result<Standing, OracleError> {
        let mut amounts = Vec::new();
        for unit in self.units() {
            let seen_at = if self.knobs.is("same_period_new_and_churn", "both_hidden") {
                let groups = self.groups(&unit, plan.asked)?;
                let hidden = groups.iter().find(|group| group.hidden && group.first <= at && at < group.last);
                hidden.map_or(at, |group| group.first.add_micros(-1))
            } else {
                at
            };
            for (cell, amount) in levels(&self.items_of(&unit, seen_at)) {
                if let Some(key) = self.key(plan, &cell, &self.place_of(plan, &unit, &cell, at)) {
                    amounts.push((key, cell.currency, amount));
                }
            }
        }
        Ok(Standing { at, amounts })
    }

    /// The level of a group, every item level converted and rounded by itself.
    fn level(
        &self,
        plan: &Plan<'_>,
        key: &Key,
        standing: &Standing,
        day: Day,
        flows: &[Flow],
    ) -> Result<Amount, OracleError> {
        let mut total = Amount::ZERO;
        if self.knobs.is("fx.row", "frozen") && self.target(plan.asked).is_some() {
            for flow in flows.iter().filter(|flow| flow.at <= standing.at && flow.key == *key) {
                total += self.flow_amount(plan.asked, flow)?;
            }
            return Ok(total);
        }
        let day = plan.asked.constant_rates.unwrap_or(day);
        for (_, currency, amount) in standing.amounts.iter().filter(|(own, _, _)| own == key) {
            total += self.converted(*amount, *currency, key.1, day)?;
        }
        Ok(total)
    }

    fn flow_amount(&self, asked: &Report, flow: &Flow) -> Result<Amount, OracleError> {
        let day = asked.constant_rates.unwrap_or_else(|| self.report_zone.day_of(flow.at));
        self.converted(flow.amount, flow.cell.currency, flow.key.1, day)
    }
}

/// What stands at an instant: what it counts to, in which currency, how much.
struct Standing {
    at: Instant,
    amounts: Vec<(Key, Currency, Amount)>,
}

/// Cells with their amounts and what they count to.
type Cells = BTreeMap<Cell, (Amount, Place)>;

/// The part of an amount that is there before and after, the one nearer to 0; where the sign changed, all that was.
fn what_stays(had: Amount, has: Amount) -> Amount {
    let shrank = had.is_negative() == has.is_negative() && had.abs() >= has.abs();
    if shrank { has } else { had }
}

fn column<'r>(row: &'r mut PlainPeriod, kind: &str) -> &'r mut Amount {
    match kind {
        "new" => &mut row.new,
        "reactivation" => &mut row.reactivation,
        "expansion" => &mut row.expansion,
        "contraction" => &mut row.contraction,
        "churn" => &mut row.churn,
        _ => &mut row.transfer,
    }
}

fn heads(moves: &[(Instant, Key, Move)], key: &Key, since: Instant, until: Instant) -> PlainHeads {
    let mut heads = PlainHeads::default();
    for (at, _, how) in moves.iter().filter(|(_, own, _)| own == key) {
        let joins = matches!(how, Move::New | Move::Reactivated | Move::Entered);
        let change = if joins { 1 } else { -1 };
        if *at <= since {
            heads.start += change;
        }
        if *at <= until {
            heads.end += change;
        }
        if *at > since && *at <= until {
            match how {
                Move::New => heads.new += 1,
                Move::Reactivated => heads.reactivated += 1,
                Move::Entered => heads.entered += 1,
                Move::Churned => heads.churned += 1,
                Move::Left => heads.left += 1,
            }
        }
    }
    heads
}
