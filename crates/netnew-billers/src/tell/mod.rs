//! From pieces to item states: what is known of a customer, told as a history.
//!
//! A subscription was seen at moments. Between two of them it was as it was seen first, but for what is dated: what the earlier
//! one announces (the end of a trial, a change, a pause) and what the later one remembers (when it was put on hold, when
//! somebody asked for the end, when it ended). Before the first of them it is rebuilt from the dates that it carries, and
//! marked so unless that was its beginning.

mod items;
mod stand;

use crate::piece::{Billed, Off, Owned, Piece, Seen, Thing};
use crate::said::{EntrySaid, Trouble};
use items::Teller;
use netnew_facts::{Entry, EntryKind, ItemState, PayloadRef};
use netnew_money::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// A piece with where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it is kept under.
    pub id: String,
    /// The raw record.
    pub place: PayloadRef,
    /// The piece.
    pub piece: Piece,
}

/// What any customer may need: prices, plans, products and coupons by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    things: BTreeMap<String, Thing>,
    coupons: BTreeMap<String, Off>,
}

impl Catalogue {
    /// Adds a piece if it belongs here, under the id it is kept under.
    pub fn add(&mut self, id: &str, piece: &Piece) {
        match piece {
            Piece::Thing(thing) => {
                self.things.insert(id.to_string(), (**thing).clone());
            }
            Piece::Coupon(coupon) => {
                self.coupons.insert(id.to_string(), (**coupon).clone());
            }
            Piece::Seen(_) | Piece::Billed(_) | Piece::Owned(_) => {}
        }
    }

    pub(crate) fn thing(&self, id: &str) -> Option<&Thing> {
        self.things.get(id)
    }

    pub(crate) fn coupon(&self, id: &str) -> Option<&Off> {
        self.coupons.get(&format!("coupon {id}"))
    }

    /// Name of a thing: its own, else that of what it belongs to.
    pub(crate) fn name(&self, id: &str) -> Option<&str> {
        let thing = self.thing(id)?;
        let of = || self.thing(thing.of.as_deref()?)?.name.as_deref();
        thing.name.as_deref().or_else(of)
    }
}

/// From `effective_at` on an item is like this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Customer id.
    pub customer: String,
    /// Subscription id.
    pub subscription: String,
    /// Item id.
    pub item: String,
    /// From when.
    pub effective_at: Instant,
    /// What it is.
    pub state: ItemState,
    /// The raw record that says it.
    pub place: PayloadRef,
}

/// What the pieces tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// States, by subscription, item and time. Every subscription that the pieces speak of is told whole.
    pub states: Vec<Told>,
    /// Entries whose customer is that of their subscription, with the raw record.
    pub entries: Vec<(PayloadRef, EntrySaid)>,
    /// Subscriptions spoken of, whether or not they have states.
    pub subscriptions: BTreeSet<String>,
    /// Every customer that a subscription was ever said to belong to.
    pub customers: BTreeSet<String>,
    /// What could not be told, with the raw record.
    pub problems: Vec<(PayloadRef, Trouble)>,
    /// Subscriptions that never began.
    pub never_began: u64,
    /// Things and coupons that are named and given nowhere, by the ids they would be kept under.
    pub wanted: BTreeSet<String>,
}

/// A subscription seen, and where.
#[derive(Clone, Copy)]
pub(crate) struct Sight<'a> {
    pub(crate) seen: &'a Seen,
    pub(crate) place: PayloadRef,
}

/// Tells the subscriptions that the pieces speak of. `about` is the customer where no piece names one. Order and repetition
/// of pieces do not matter.
pub fn history(known: &[Known], about: &str, catalogue: &Catalogue) -> History {
    let mut sorted: Vec<&Known> = known.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    let mut subscriptions: BTreeMap<&str, (Vec<Sight>, Vec<&Billed>)> = BTreeMap::new();
    let mut owned: Vec<(PayloadRef, &Owned)> = Vec::new();
    for one in sorted {
        match &one.piece {
            Piece::Seen(seen) => {
                let slot = subscriptions.entry(&seen.subscription).or_default();
                slot.0.push(Sight { seen, place: one.place });
            }
            Piece::Billed(billed) => subscriptions.entry(&billed.subscription).or_default().1.push(billed),
            Piece::Owned(entry) => owned.push((one.place, entry)),
            Piece::Thing(_) | Piece::Coupon(_) => {}
        }
    }
    let mut history = History::default();
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for (id, (mut sights, billed)) in subscriptions {
        if sights.is_empty() {
            continue;
        }
        // A stable sort: what was seen at one moment keeps the order of ids.
        sights.sort_by_key(|s| (s.seen.at, s.seen.rank));
        let customers = sights.iter().map(|s| s.seen.customer.as_str()).filter(|c| !c.is_empty());
        let customer = customers.clone().next_back().unwrap_or(about).to_string();
        history.customers.extend(customers.map(str::to_string));
        history.customers.extend([customer.clone(), about.to_string()]);
        history.subscriptions.insert(id.to_string());
        owners.insert(id.to_string(), customer.clone());
        Teller::new(id, &customer, &sights, &billed, catalogue).tell(&mut history);
    }
    for (place, entry) in owned {
        let customer = owners.get(&entry.subscription).map_or(about, String::as_str);
        history.entries.extend(of_customer(entry, customer).map(|said| (place, said)));
    }
    history
}

fn of_customer(owned: &Owned, customer: &str) -> Option<EntrySaid> {
    let kind = EntryKind::parse(&owned.kind)?;
    Some(EntrySaid {
        customer: customer.to_string(),
        key: owned.key.clone(),
        at: Instant::from_micros(owned.at),
        version: owned.version,
        entry: Ok(Entry::from_json(kind, &owned.entry).ok()?),
    })
}
