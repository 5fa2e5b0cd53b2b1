//! Attributes of a customer as of then, as far as a report asks for them.

use netnew_facts::{Fact, attribute_timelines};
use netnew_money::Instant;

/// What rows are told apart by, besides item and plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dimensions {
    /// Attribute names (`country`, `channel`, any other), in the order of [`Epoch::values`].
    pub attributes: Vec<String>,
    /// Whether layers are told apart.
    pub layer: bool,
}

/// From this instant on the customer has these attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// `Instant::MIN` for the first.
    pub from: Instant,
    /// One value per asked-for attribute; `None` when unknown or empty.
    pub values: Vec<Option<String>>,
}

/// The epochs of a customer: at least one, the first from the beginning, consecutive ones different.
///
/// An attribute stated only from a later date on is unknown before it; one stated without a date holds from
/// the beginning (section 7).
pub fn epochs(facts: &[Fact], known_on: Instant, horizon: Instant, names: &[String]) -> Vec<Epoch> {
    let first = Epoch { from: Instant::MIN, values: vec![None; names.len()] };
    if names.is_empty() {
        return vec![first];
    }
    let lines = attribute_timelines(facts, known_on);
    let mut cuts: Vec<(Instant, usize, Option<String>)> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        for (from, value) in lines.get(name).into_iter().flatten() {
            if *from <= horizon {
                cuts.push((*from, at, value.clone()));
            }
        }
    }
    cuts.sort_by_key(|(from, at, _)| (*from, *at));
    let mut epochs = vec![first];
    for (from, at, value) in cuts {
        let last = epochs.last().expect("there is always a first epoch");
        let mut values = last.values.clone();
        values[at] = value.filter(|v| !v.is_empty());
        if last.from == from {
            epochs.last_mut().expect("there is always a first epoch").values = values;
        } else if values != last.values {
            epochs.push(Epoch { from, values });
        }
    }
    epochs
}
