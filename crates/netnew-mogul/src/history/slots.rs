//! The parts of one subscription side by side, and the states that follow when they change.

use super::{Change, Moment, Part, Told};
use netnew_facts::{ItemState, PayloadRef, Status, UsageType};
use netnew_money::{Decimal, Instant, Ratio, Rounding};

pub(super) struct Slots<'k> {
    source: &'k str,
    subscription: &'k str,
    held: Vec<Option<Part>>,
}

impl<'k> Slots<'k> {
    pub(super) fn new(source: &'k str, subscription: &'k str) -> Slots<'k> {
        Slots { source, subscription, held: Vec::new() }
    }

    /// Applies what happens at one instant, in order; the states are those at its end.
    pub(super) fn apply(&mut self, at_once: &[Moment], out: &mut Vec<Told>) {
        let before = self.held.clone();
        let Some(last) = at_once.last() else { return };
        let mut touched: Vec<Option<PayloadRef>> = vec![None; before.len()];
        let (mut asked, mut ended) = (None, last.place);
        for moment in at_once {
            match &moment.change {
                Change::Ends(request) => {
                    asked = *request;
                    ended = moment.place;
                    self.held.iter_mut().for_each(|slot| *slot = None);
                }
                Change::Is(parts) => {
                    ended = moment.place;
                    self.set(parts, moment.place, &mut touched);
                }
                Change::More(part) => self.add(part, moment.place, &mut touched),
            }
        }
        for index in 0..self.held.len() {
            let was = before.get(index).and_then(Option::as_ref);
            match (&self.held[index], was) {
                (Some(part), _) => {
                    if let Some(place) = touched.get(index).copied().flatten() {
                        out.push(self.told(index, last.at, state(part), place));
                    }
                }
                (None, Some(part)) => {
                    let cancel_requested_at = asked;
                    let state = ItemState { status: Status::Canceled, cancel_requested_at, ..state(part) };
                    out.push(self.told(index, last.at, state, ended));
                }
                (None, None) => {}
            }
        }
    }

    /// Each part takes the slot of its plan, else the lowest one that no other part takes.
    fn set(&mut self, parts: &[Part], place: PayloadRef, touched: &mut Vec<Option<PayloadRef>>) {
        let mut taken: Vec<Option<usize>> = vec![None; parts.len()];
        let held = std::mem::take(&mut self.held);
        for (number, part) in parts.iter().enumerate() {
            let same = |(at, slot): &(usize, &Option<Part>)| {
                !taken.contains(&Some(*at)) && slot.as_ref().is_some_and(|p| p.plan == part.plan)
            };
            taken[number] = held.iter().enumerate().find(same).map(|(at, _)| at);
        }
        for number in 0..parts.len() {
            if taken[number].is_none() {
                taken[number] = (0..).find(|at| !taken.contains(&Some(*at)));
            }
        }
        self.held = vec![None; held.len()];
        for (part, slot) in parts.iter().zip(taken) {
            self.put(slot.unwrap_or(0), part.clone(), place, touched);
        }
    }

    /// More of a plan that is there, or one more beside what is there.
    fn add(&mut self, part: &Part, place: PayloadRef, touched: &mut Vec<Option<PayloadRef>>) {
        let there = self.held.iter().position(|slot| slot.as_ref().is_some_and(|p| p.plan == part.plan));
        let Some(at) = there else {
            let free = self.held.iter().position(Option::is_none).unwrap_or(self.held.len());
            return self.put(free, part.clone(), place, touched);
        };
        if let Some(held) = self.held[at].clone()
            && let Some(worth) = held.worth.checked_add(part.worth)
        {
            self.put(at, Part { worth, ..held }, place, touched);
        }
    }

    fn put(&mut self, at: usize, part: Part, place: PayloadRef, touched: &mut Vec<Option<PayloadRef>>) {
        if self.held.len() <= at {
            self.held.resize(at + 1, None);
        }
        if touched.len() <= at {
            touched.resize(at + 1, None);
        }
        self.held[at] = Some(part);
        touched[at] = Some(place);
    }

    fn told(&self, index: usize, effective_at: Instant, state: ItemState, place: PayloadRef) -> Told {
        let item = match index {
            0 => self.subscription.to_string(),
            more => format!("{}:{}", self.subscription, more + 1),
        };
        Told {
            data_source_uuid: self.source.to_string(),
            subscription: self.subscription.to_string(),
            item,
            effective_at,
            state,
            place,
        }
    }
}

fn state(part: &Part) -> ItemState {
    let (amount, quantity) = unit_price(part.worth, part.quantity);
    ItemState {
        status: if part.trial { Status::Trialing } else { Status::Active },
        plan: part.plan.as_deref().map(Into::into),
        interval: part.unit,
        interval_count: part.count,
        quantity_micros: quantity.saturating_mul(1_000_000),
        usage_type: UsageType::Licensed,
        ..ItemState::monthly(amount, part.currency)
    }
}

/// The price of one, where it is exact at ten decimals; otherwise the price of all, as one.
fn unit_price(worth: Ratio, quantity: i64) -> (Decimal, i64) {
    // Quantities are kept in millionths.
    let sensible = (1..=9_000_000_000).contains(&quantity);
    let one =
        Ratio::new(1, i128::from(quantity)).and_then(|part| worth.checked_mul(part)).filter(|_| sensible);
    if let Some(one) = one
        && let Some(raw) = one.round_to(10, Rounding::HalfEven)
        && Ratio::new(raw, 10_000_000_000) == Some(one)
    {
        return (plain(raw), quantity);
    }
    (plain(worth.round_to(10, Rounding::HalfEven).unwrap_or(0)), 1)
}

/// Ten-decimal units without the zeros behind.
fn plain(raw: i128) -> Decimal {
    let (mut mantissa, mut scale) = (raw, 10);
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    Decimal::new(mantissa, scale)
}
