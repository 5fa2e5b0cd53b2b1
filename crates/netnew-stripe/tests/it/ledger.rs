//! Objects to a ledger, as a reader would see it.

use netnew_facts::{Body, CustomerFacts, Fact, ItemState, PayloadRef, Text};
use netnew_ledger::{Context, Dimensions, replay};
use netnew_money::{Currency, Grain, Instant, RateTable, Zone};
use netnew_policy::Policy;
use netnew_stripe::{Catalogue, History, Known, history, read};
use serde_json::Value;
use std::collections::BTreeMap;

/// A state of an item: subscription, item, from when, what.
pub type State = (String, String, Instant, ItemState);

/// When, whether listed, and what breaks ties.
type Version = (i64, bool, i64);

/// Tells the history of the one customer that the objects speak of.
pub fn told(objects: &[Value], listed_at: i64) -> History {
    let mut rows: BTreeMap<String, (Version, String, Known)> = BTreeMap::new();
    for (row, object) in objects.iter().enumerate() {
        let said = read(object);
        assert_eq!(said.problems, Vec::new(), "{object}");
        for kept in said.pieces {
            let seen = said.at.unwrap_or(listed_at);
            let version = (seen, said.at.is_none(), kept.rank);
            let place = PayloadRef { payload: 1, row: row as u64 + 1 };
            let known = Known { id: kept.id.clone(), seen, at_least: false, place, piece: kept.piece };
            match rows.get(&kept.id) {
                Some((held, ..)) if *held > version => {}
                _ => {
                    rows.insert(kept.id, (version, kept.about, known));
                }
            }
        }
    }
    let mut catalogue = Catalogue::default();
    let mut known = Vec::new();
    for (_, about, one) in rows.into_values() {
        if about.is_empty() { catalogue.add(&one.id.clone(), &one.piece) } else { known.push(one) }
    }
    history(&known, &catalogue)
}

/// The states of a history.
pub fn states(history: &History) -> Vec<State> {
    let states = history.states.iter();
    states.map(|t| (t.subscription.clone(), t.item.clone(), t.effective_at, t.state.clone())).collect()
}

/// The ledger of states as lines: when, item, plan, kind, amount, cause.
pub fn ledger(states: &[State], as_of: i64) -> Vec<String> {
    let source: Text = "stripe".into();
    let facts: Vec<Fact> = states
        .iter()
        .enumerate()
        .map(|(at, (subscription, item, effective_at, state))| Fact {
            source: source.clone(),
            customer: "cus_1".into(),
            body: Body::State {
                subscription: subscription.as_str().into(),
                item: item.as_str().into(),
                effective_at: *effective_at,
                seq: 0,
                state: Some(Box::new(state.clone())),
            },
            recorded_at: Instant::from_micros(0),
            version: None,
            booked_seq: at as u64 + 1,
            payload: PayloadRef::default(),
        })
        .collect();
    let as_of = Instant::from_micros(as_of * 1_000_000);
    let zone = Zone::utc();
    let policy = Policy::preset("default").unwrap();
    let rates = RateTable::new();
    // The source was read up to now.
    let data_through: BTreeMap<Text, Instant> = [(source, as_of)].into();
    let ctx = Context {
        policy: &policy,
        zone: &zone,
        book_zone: &zone,
        book_currency: Currency::USD,
        rates: &rates,
        as_of,
        known_on: Instant::MAX,
        horizon: as_of,
        data_through: &data_through,
        grain: Grain::Month,
        range_start: None,
        range_end: None,
        dimensions: Dimensions::default(),
    };
    let ids = vec!["cus_1".into()];
    let ledger = replay(&CustomerFacts { customer: "cus_1".into(), ids, facts }, &ctx).unwrap();
    let mut out = Vec::new();
    for step in &ledger.steps {
        for row in &step.rows {
            out.push(format!(
                "{} {} {} {} {} {}",
                step.at,
                ledger.items[row.item as usize].item,
                row.plan.as_deref().unwrap_or("-"),
                row.kind.as_str(),
                row.amount,
                row.cause.as_str(),
            ));
        }
    }
    out
}
