//! What a book holds of some subscriptions against what is told of them now.

use netnew_facts::{Body, Fact, ItemState, PayloadRef, Text, beats};
use netnew_money::Instant;
use netnew_stripe::Told;
use std::collections::BTreeMap;

/// A statement to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) place: PayloadRef,
    pub(crate) body: Body,
}

type Key = (String, String, Instant);

/// The statements that turn what is held into what is told, and how many states are held already. `held` are all facts of
/// the subscriptions told, superseded ones included.
pub(crate) fn compare(held: Vec<&Fact>, told: Vec<Told>, now: Instant) -> (Vec<Change>, u64) {
    let mut slots: BTreeMap<Key, BTreeMap<i64, &Fact>> = BTreeMap::new();
    for fact in held {
        let Body::State { subscription, item, effective_at, seq, .. } = &fact.body else { continue };
        let key = (subscription.to_string(), item.to_string(), *effective_at);
        let slot = slots.entry(key).or_default().entry(*seq).or_insert(fact);
        if beats(fact, slot).is_gt() {
            *slot = fact;
        }
    }
    let (mut changes, mut unchanged) = (Vec::new(), 0);
    for one in told {
        let key = (one.subscription.clone(), one.item.clone(), one.effective_at);
        let there = slots.remove(&key).unwrap_or_default();
        let holds = there.values().rev().find_map(|fact| state_of(fact));
        if holds.is_some_and(|holds| says(holds, &one.state)) {
            unchanged += 1;
            continue;
        }
        let seq = match there.last_key_value() {
            None => 0,
            Some((top, winner)) if gives_way(winner, &one.state, now) => *top,
            // Rebuilt never beats observed or withdrawn under one key: what is told now goes above it.
            Some((top, _)) => top + 1,
        };
        changes.push(Change { place: one.place, body: body(&key, seq, Some(one.state)) });
    }
    for (key, there) in slots {
        for (seq, _) in there.iter().filter(|(_, fact)| state_of(fact).is_some()) {
            changes.push(Change { place: PayloadRef::default(), body: body(&key, *seq, None) });
        }
    }
    (changes, unchanged)
}

fn body(key: &Key, seq: i64, state: Option<ItemState>) -> Body {
    Body::State {
        subscription: Text::from(key.0.as_str()),
        item: Text::from(key.1.as_str()),
        effective_at: key.2,
        seq,
        state: state.map(Box::new),
    }
}

fn state_of(fact: &Fact) -> Option<&ItemState> {
    match &fact.body {
        Body::State { state, .. } => state.as_deref(),
        Body::Attributes { .. } | Body::Entry { .. } => None,
    }
}

/// Whether what holds says what is told. What was observed stays observed.
fn says(holds: &ItemState, told: &ItemState) -> bool {
    let same = ItemState { reconstructed: told.reconstructed, ..holds.clone() } == *told;
    same && (!holds.reconstructed || told.reconstructed)
}

/// Whether a statement made now under the same key wins.
fn gives_way(winner: &Fact, told: &ItemState, now: Instant) -> bool {
    let rebuilt = state_of(winner).is_some_and(|s| s.reconstructed);
    (rebuilt || !told.reconstructed) && winner.version.unwrap_or(winner.recorded_at.micros()) <= now.micros()
}
