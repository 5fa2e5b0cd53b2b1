//! Which fact wins, and what was known when.

use crate::entry::{Entry, EntryKind};
use crate::fact::{Body, CustomerFacts, Fact};
use netnew_money::Instant;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Orders two facts of one natural key: `Greater` means `a` wins over `b`.
///
/// Observed beats reconstructed; then the higher source version (where a source gives none, the moment we
/// learned it stands in); then the later booking, so that a corrected file that is imported again corrects.
pub fn beats(a: &Fact, b: &Fact) -> Ordering {
    rank(a).cmp(&rank(b))
}

fn rank(fact: &Fact) -> (bool, i64, u64) {
    let observed = match &fact.body {
        Body::State { state: Some(state), .. } => !state.reconstructed,
        _ => true,
    };
    (observed, fact.version.unwrap_or(fact.recorded_at.micros()), fact.booked_seq)
}

/// The states that hold, as known at `known_on`: per natural key the winner among visible facts, retracted
/// ones left out, sorted by (source, subscription, item, effective_at, seq).
///
/// Winners may name another customer: from such a state on, the item belongs to that customer and no longer to
/// the one whose facts these are (see [`crate::CustomerFacts::ids`]).
pub fn winning_states(facts: &[Fact], known_on: Instant) -> Vec<&Fact> {
    let mut visible: Vec<&Fact> =
        facts.iter().filter(|f| f.recorded_at <= known_on && matches!(f.body, Body::State { .. })).collect();
    visible.sort_by(|a, b| state_key(a).cmp(&state_key(b)).then_with(|| beats(b, a)));
    visible.dedup_by(|later, kept| state_key(later) == state_key(kept));
    visible.retain(|f| matches!(&f.body, Body::State { state: Some(_), .. }));
    visible
}

fn state_key(fact: &Fact) -> (&str, &str, &str, Instant, i64) {
    match &fact.body {
        Body::State { subscription, item, effective_at, seq, .. } => {
            (&fact.source, subscription, item, *effective_at, *seq)
        }
        _ => (&fact.source, "", "", Instant::MIN, 0),
    }
}

/// The entries of a customer that hold, as known at `known_on`, with their instants: per (source, kind, key) the winner
/// among visible facts. Retracted ones are left out, and those that a correction moved to another customer.
/// Sorted by (instant, kind, source, key).
pub fn winning_entries(facts: &CustomerFacts, known_on: Instant) -> Vec<(&Fact, Instant, &Entry)> {
    let mut visible: Vec<(EntryKind, &str, &Fact)> = facts
        .facts
        .iter()
        .filter(|f| f.recorded_at <= known_on)
        .filter_map(|f| match &f.body {
            Body::Entry { kind, key, .. } => Some((*kind, &**key, f)),
            _ => None,
        })
        .collect();
    let key = |e: &(EntryKind, &str, &Fact)| (e.0, e.2.source.clone());
    visible
        .sort_by(|a, b| (a.0, &a.2.source, a.1).cmp(&(b.0, &b.2.source, b.1)).then_with(|| beats(b.2, a.2)));
    visible.dedup_by(|later, kept| later.1 == kept.1 && key(later) == key(kept));
    let mut out: Vec<(&Fact, Instant, &Entry)> = visible
        .into_iter()
        .filter(|(_, _, fact)| facts.ids.contains(&fact.customer))
        .filter_map(|(_, _, fact)| match &fact.body {
            Body::Entry { effective_at, entry: Some(entry), .. } => Some((fact, *effective_at, &**entry)),
            _ => None,
        })
        .collect();
    // Stable: what stands at one instant keeps the order of kind, source and key.
    out.sort_by_key(|(_, at, _)| *at);
    out
}

/// One attribute's values over time: (from when, value), sorted; the first entry may be `Instant::MIN`.
pub type AttributeTimeline = Vec<(Instant, Option<String>)>;

/// A stated value and the fact that states it.
type Stated<'a> = (&'a Fact, &'a Option<String>);

/// Every attribute of a customer over time, as known at `known_on`.
///
/// Each attribute of each row stands for itself: a file that lacks a column says nothing about it. Where two
/// statements about one attribute start at the same instant, the winner by [`beats`] holds.
pub fn attribute_timelines(facts: &[Fact], known_on: Instant) -> BTreeMap<String, AttributeTimeline> {
    let mut rows: Vec<&Fact> = facts
        .iter()
        .filter(|f| f.recorded_at <= known_on && matches!(f.body, Body::Attributes { .. }))
        .collect();
    rows.sort_by(|a, b| beats(a, b));
    // A withdrawn row takes away what the same source said before it for that instant.
    let mut held: BTreeMap<(&str, Instant), BTreeMap<&str, Stated>> = BTreeMap::new();
    for fact in rows {
        let Body::Attributes { effective_at, values } = &fact.body else { continue };
        let slot = held.entry((&fact.source, effective_at.unwrap_or(Instant::MIN))).or_default();
        match values {
            None => slot.clear(),
            Some(values) => {
                for (name, value) in values {
                    slot.insert(name, (fact, value));
                }
            }
        }
    }
    let mut picked: BTreeMap<&str, BTreeMap<Instant, Stated>> = BTreeMap::new();
    for ((_, from), values) in held {
        for (name, (fact, value)) in values {
            let slot = picked.entry(name).or_default().entry(from).or_insert((fact, value));
            if beats(fact, slot.0) == Ordering::Greater {
                *slot = (fact, value);
            }
        }
    }
    picked
        .into_iter()
        .map(|(name, values)| {
            (name.to_string(), values.into_iter().map(|(from, (_, v))| (from, v.clone())).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::PayloadRef;
    use crate::state::ItemState;
    use netnew_money::{Currency, Decimal};

    fn state(amount: i64, recorded: i64, seq: u64) -> Fact {
        let usd = Currency::parse("USD").unwrap();
        Fact {
            source: "files".into(),
            customer: "c".into(),
            body: Body::State {
                subscription: "s".into(),
                item: "s".into(),
                effective_at: Instant::from_micros(0),
                seq: 0,
                state: Some(Box::new(ItemState::monthly(Decimal::from_i64(amount), usd))),
            },
            recorded_at: Instant::from_micros(recorded),
            version: None,
            booked_seq: seq,
            payload: PayloadRef::default(),
        }
    }

    fn amount(fact: &Fact) -> i128 {
        match &fact.body {
            Body::State { state: Some(s), .. } => s.amount.mantissa(),
            _ => -1,
        }
    }

    #[test]
    fn the_later_booking_corrects_and_the_past_stays_readable() {
        let facts = [state(10, 100, 1), state(20, 200, 2)];
        assert_eq!(amount(winning_states(&facts, Instant::MAX)[0]), 20);
        assert_eq!(amount(winning_states(&facts, Instant::from_micros(150))[0]), 10);
        assert!(winning_states(&facts, Instant::from_micros(50)).is_empty());
    }

    #[test]
    fn a_version_beats_the_order_of_booking() {
        let mut newer = state(10, 100, 1);
        newer.version = Some(900);
        let mut late_but_older = state(20, 200, 2);
        late_but_older.version = Some(800);
        let facts = [newer, late_but_older];
        assert_eq!(amount(winning_states(&facts, Instant::MAX)[0]), 10);
    }

    #[test]
    fn observed_beats_reconstructed() {
        let observed = state(10, 100, 1);
        let mut rebuilt = state(20, 200, 2);
        if let Body::State { state: Some(s), .. } = &mut rebuilt.body {
            s.reconstructed = true;
        }
        assert_eq!(amount(winning_states(&[rebuilt, observed], Instant::MAX)[0]), 10);
    }

    #[test]
    fn a_correction_may_move_a_state_to_another_customer() {
        let mut moved = state(10, 200, 2);
        moved.customer = "other".into();
        let facts = [state(10, 100, 1), moved];
        let winners = winning_states(&facts, Instant::MAX);
        assert_eq!(winners.len(), 1);
        assert_eq!(&*winners[0].customer, "other");
    }

    fn attributes(effective: Option<i64>, recorded: i64, seq: u64, values: &[(&str, Option<&str>)]) -> Fact {
        let mut fact = state(0, recorded, seq);
        fact.body = Body::Attributes {
            effective_at: effective.map(Instant::from_micros),
            values: Some(values.iter().map(|(k, v)| (k.to_string(), v.map(str::to_string))).collect()),
        };
        fact
    }

    #[test]
    fn a_file_without_a_column_says_nothing_about_it() {
        let facts = [
            attributes(None, 1, 1, &[("country", Some("DE")), ("name", Some("Acme"))]),
            attributes(None, 2, 2, &[("country", Some("FR"))]),
            attributes(Some(50), 3, 3, &[("country", None)]),
        ];
        let lines = attribute_timelines(&facts, Instant::MAX);
        assert_eq!(lines["name"], vec![(Instant::MIN, Some("Acme".to_string()))]);
        assert_eq!(
            lines["country"],
            vec![(Instant::MIN, Some("FR".to_string())), (Instant::from_micros(50), None)]
        );
    }

    #[test]
    fn ids_cover_the_statement_and_not_the_booking() {
        assert_eq!(state(10, 1, 1).id(), state(10, 99, 7).id());
        assert_ne!(state(10, 1, 1).id(), state(11, 1, 1).id());
    }
}
