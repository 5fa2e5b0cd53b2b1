//! The same history told in another way.

use super::random::SplitMix;
use crate::rows::PlainHistory;

/// The same rows in another order of arrival.
pub fn shuffled(history: &PlainHistory, seed: u64) -> PlainHistory {
    let mut random = SplitMix::new(seed);
    let mut history = history.clone();
    shuffle(&mut random, &mut history.rows);
    shuffle(&mut random, &mut history.attributes);
    shuffle(&mut random, &mut history.rates);
    shuffle(&mut random, &mut history.entries);
    history
}

/// The same rows, some of them delivered again.
pub fn repeated(history: &PlainHistory, seed: u64) -> PlainHistory {
    let mut random = SplitMix::new(seed);
    let mut history = history.clone();
    repeat(&mut random, &mut history.rows);
    repeat(&mut random, &mut history.attributes);
    repeat(&mut random, &mut history.rates);
    repeat(&mut random, &mut history.entries);
    history
}

/// The same rows in so many deliveries, each row in one of them, in an order of their own.
pub fn deliveries(history: &PlainHistory, parts: usize, seed: u64) -> Vec<PlainHistory> {
    let mut random = SplitMix::new(seed);
    let mut deliveries = vec![PlainHistory::default(); parts.max(1)];
    let told = shuffled(history, random.next_u64());
    for row in told.rows {
        let at = random.index(deliveries.len());
        deliveries[at].rows.push(row);
    }
    for row in told.attributes {
        let at = random.index(deliveries.len());
        deliveries[at].attributes.push(row);
    }
    for rate in told.rates {
        let at = random.index(deliveries.len());
        deliveries[at].rates.push(rate);
    }
    for entry in told.entries {
        let at = random.index(deliveries.len());
        deliveries[at].entries.push(entry);
    }
    deliveries
}

/// Fisher and Yates.
fn shuffle<T>(random: &mut SplitMix, items: &mut [T]) {
    for at in (1..items.len()).rev() {
        items.swap(at, random.index(at + 1));
    }
}

fn repeat<T: Clone>(random: &mut SplitMix, items: &mut Vec<T>) {
    for at in 0..items.len() {
        if random.one_in(4) {
            items.push(items[at].clone());
        }
    }
}
