//! From pieces to item states: what is known of a customer, told as a history.
//!
//! The history is a function of the **set** of pieces: it does not matter in which order they came, how often, or
//! whether an event came before or after the listing that covers it.
//!
//! Three kinds of evidence meet. **Events** say how a subscription was at a moment and just before it: observed.
//! A **listed object** says how it is now, and carries dates (start, trial, request to cancel, end) of before.
//! **Invoice lines** and **schedules** say what an item was from a moment on. Where observations cover a time, nothing
//! else counts there; the rest is rebuilt and marked so.

pub(crate) mod cash;
mod config;
mod discounts;
mod stand;
mod states;

use crate::parse::Trouble;
use crate::piece::{
    Coupon, CustomerDiscount, Discount, Invoice, Line, Observation, Piece, Price, Product, Promotion,
    Schedule, Subscription,
};
use netnew_facts::{ItemState, PayloadRef};
use netnew_money::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// A piece with where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it is kept under.
    pub id: String,
    /// Moment of the event, or when the object was listed, in seconds since 1970.
    pub seen: i64,
    /// An object from a file, of which only the earliest moment of its listing is known.
    pub at_least: bool,
    /// The raw record.
    pub place: PayloadRef,
    /// The piece.
    pub piece: Piece,
}

/// What any customer may need: prices, products, coupons and promotion codes by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    prices: BTreeMap<String, Price>,
    products: BTreeMap<String, Product>,
    coupons: BTreeMap<String, Coupon>,
    mentioned_coupons: BTreeMap<String, Coupon>,
    promotions: BTreeMap<String, Promotion>,
}

impl Catalogue {
    /// Adds a piece if it belongs here; of one id the last added holds.
    pub fn add(&mut self, id: &str, piece: &Piece) {
        match piece {
            Piece::Price(price) => {
                self.prices.insert(id.to_string(), price.clone());
            }
            // What is mentioned may leave out which products it is for: the coupon itself says so.
            Piece::Coupon(coupon) if id.ends_with("#bare") => {
                self.mentioned_coupons.insert(coupon.id.clone(), coupon.clone());
            }
            Piece::Product(product) => {
                self.products.insert(product.id.clone(), product.clone());
            }
            Piece::Coupon(coupon) => {
                self.coupons.insert(coupon.id.clone(), coupon.clone());
            }
            Piece::Promotion(promotion) => {
                self.promotions.insert(promotion.id.clone(), promotion.clone());
            }
            _ => {}
        }
    }

    pub(crate) fn price(&self, id: &str) -> Option<&Price> {
        self.prices.get(id).or_else(|| self.prices.get(&format!("{id}#bare")))
    }

    /// What is not known of a price: itself, or the product whose name it has.
    pub(crate) fn wanted_for(&self, id: &str) -> Option<String> {
        let Some(price) = self.price(id) else { return Some(id.to_string()) };
        let product = price.product.as_ref().filter(|_| price.nickname.is_none())?;
        (!self.products.contains_key(product)).then(|| product.clone())
    }

    /// What an item on this price is called: the price's own name, else the product's, else the price's id.
    pub(crate) fn plan(&self, price: &Price) -> String {
        let product = price.product.as_ref().and_then(|id| self.products.get(id));
        let name = price.nickname.as_ref().or_else(|| product.and_then(|p| p.name.as_ref()));
        name.map(|n| n.trim()).filter(|n| !n.is_empty()).unwrap_or(&price.id).to_string()
    }

    pub(crate) fn coupon_of(&self, discount: &Discount) -> Option<&Coupon> {
        let by_code = || self.promotions.get(discount.promotion.as_ref()?)?.coupon.as_ref();
        let id = discount.coupon.as_ref().or_else(by_code)?;
        self.coupons.get(id).or_else(|| self.mentioned_coupons.get(id))
    }
}

/// From `effective_at` on an item is like this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
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

/// What the pieces about one customer tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// States, by subscription, item and time. Every subscription that the pieces speak of is told whole.
    pub states: Vec<Told>,
    /// Subscriptions spoken of, whether or not they have states.
    pub subscriptions: BTreeSet<String>,
    /// What could not be told, with the raw record.
    pub problems: Vec<(PayloadRef, Trouble)>,
    /// Subscriptions whose first payment never came.
    pub never_began: u64,
    /// Prices, products and discounts that are named and given nowhere: with them there will be more to tell.
    pub wanted: BTreeSet<String>,
}

/// One moment at which a subscription was seen.
#[derive(Clone, Copy)]
pub(crate) struct Point<'a> {
    pub(crate) at: i64,
    /// Just before; the same as `after` for a listed object.
    pub(crate) before: Option<&'a Subscription>,
    pub(crate) after: &'a Subscription,
    /// From an event.
    pub(crate) observed: bool,
    /// The event says that it was made then.
    pub(crate) made: bool,
    pub(crate) place: PayloadRef,
}

/// All that is known of one subscription.
pub(crate) struct Case<'a> {
    pub(crate) id: &'a str,
    pub(crate) points: Vec<Point<'a>>,
    pub(crate) invoices: Vec<(&'a Invoice, PayloadRef)>,
    pub(crate) schedules: Vec<(&'a Schedule, PayloadRef)>,
    pub(crate) discounts: &'a BTreeMap<&'a str, &'a Discount>,
    pub(crate) customer_discount: Option<&'a CustomerDiscount>,
    pub(crate) catalogue: &'a Catalogue,
}

impl<'a> Case<'a> {
    /// The subscription as it was last seen.
    pub(crate) fn latest(&self) -> &'a Subscription {
        self.points.last().expect("a case has a point").after
    }

    /// When it was last seen.
    pub(crate) fn seen(&self) -> i64 {
        self.points.last().expect("a case has a point").at
    }

    /// The first moment from which it was watched: nothing before it was observed.
    pub(crate) fn watched_from(&self) -> i64 {
        self.points.first().expect("a case has a point").at
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = (&'a Line, &'a Invoice, PayloadRef)> {
        let id = self.id;
        self.invoices
            .iter()
            .flat_map(|(invoice, place)| invoice.lines.iter().map(move |line| (line, *invoice, *place)))
            .filter(move |(line, ..)| line.subscription == id)
    }
}

/// Tells the history of one customer from everything known about it.
pub fn history(known: &[Known], catalogue: &Catalogue) -> History {
    let mut discounts: BTreeMap<&str, &Discount> = BTreeMap::new();
    let mut observations: BTreeMap<&str, Vec<(&Observation, &Known)>> = BTreeMap::new();
    let mut invoices: Vec<(&Invoice, PayloadRef)> = Vec::new();
    let mut schedules: Vec<(&Schedule, PayloadRef)> = Vec::new();
    let mut customer_discount = None;
    for one in known {
        match &one.piece {
            Piece::Subscription(seen) => observations.entry(&seen.after.id).or_default().push((seen, one)),
            Piece::Invoice(invoice) => invoices.push((invoice, one.place)),
            Piece::Schedule(schedule) => schedules.push((schedule, one.place)),
            Piece::Discount(discount) => {
                discounts.insert(&discount.id, discount);
            }
            Piece::CustomerDiscount(discount) => customer_discount = Some(discount),
            Piece::Price(_) | Piece::Product(_) | Piece::Coupon(_) | Piece::Promotion(_) | Piece::Cash(_) => {
            }
        }
    }
    invoices.sort_by(|(a, _), (b, _)| (a.created, &a.id).cmp(&(b.created, &b.id)));
    schedules.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    let mut history = History::default();
    let unseen = invoices_without_subscription(&invoices, &observations);
    for (place, id) in unseen {
        history.problems.push((
            place,
            Trouble::new(
                "missing_subscription",
                format!("invoices speak of the subscription {id}, which is not given"),
                "give the subscription too; Stripe lists ended ones only with status=all",
            ),
        ));
    }
    for (id, seen) in observations {
        let of_case: Vec<(&Invoice, PayloadRef)> = invoices
            .iter()
            .filter(|(i, _)| {
                i.lines.iter().any(|l| l.subscription == id) || i.subscription.as_deref() == Some(id)
            })
            .copied()
            .collect();
        let case = Case {
            id,
            points: in_order(dated(seen, &of_case)),
            invoices: of_case,
            schedules: schedules
                .iter()
                .filter(|(s, _)| s.subscription.as_deref() == Some(id))
                .copied()
                .collect(),
            discounts: &discounts,
            customer_discount,
            catalogue,
        };
        history.subscriptions.insert(id.to_string());
        states::tell(&case, &mut history);
    }
    history
}

fn invoices_without_subscription<'a>(
    invoices: &[(&'a Invoice, PayloadRef)],
    seen: &BTreeMap<&str, Vec<(&Observation, &Known)>>,
) -> BTreeMap<PayloadRef, &'a str> {
    let mut missing: BTreeMap<&str, PayloadRef> = BTreeMap::new();
    for (invoice, place) in invoices {
        for line in invoice.lines.iter().filter(|l| !seen.contains_key(l.subscription.as_str())) {
            missing.entry(&line.subscription).or_insert(*place);
        }
    }
    missing.into_iter().map(|(id, place)| (place, id)).collect()
}

/// A sighting: what was seen, where that is kept, and when it was.
type Sighting<'a> = (&'a Observation, &'a Known, i64);

/// When each sighting was. An object from a file was listed no earlier than anything in its file; it goes with the newest
/// invoice of the subscription, and after the newest event if it shows what that left behind.
fn dated<'a>(
    seen: Vec<(&'a Observation, &'a Known)>,
    invoices: &[(&Invoice, PayloadRef)],
) -> Vec<Sighting<'a>> {
    let last_event =
        seen.iter().filter(|(o, _)| o.event.is_some()).max_by_key(|(o, k)| (k.seen, o.rank)).copied();
    let billed = invoices.iter().flat_map(|(i, _)| i.lines.iter().map(|l| l.start).chain([i.created])).max();
    let left_so = |sub: &Subscription| {
        last_event.filter(|(o, _)| {
            (&o.after.status, &o.after.items, o.after.cancel_at) == (&sub.status, &sub.items, sub.cancel_at)
        })
    };
    let date = |(observation, known): (&'a Observation, &'a Known)| {
        let mut at = known.seen;
        if known.at_least && observation.event.is_none() {
            at = match left_so(&observation.after) {
                Some((_, event)) => at.max(event.seen).max(billed.unwrap_or(at)),
                None if last_event.is_none_or(|(_, event)| event.seen <= at) => at.max(billed.unwrap_or(at)),
                None => at,
            };
        }
        (observation, known, at)
    };
    seen.into_iter().map(date).collect()
}

/// The moments in the order of time. Events of one second are put so that each begins where the one before ended.
fn in_order<'a>(mut seen: Vec<Sighting<'a>>) -> Vec<Point<'a>> {
    seen.sort_by(|(a, known_a, at_a), (b, known_b, at_b)| {
        let key = |o: &Observation, at: i64| (at, o.event.is_none(), o.rank);
        key(a, *at_a).cmp(&key(b, *at_b)).then_with(|| known_a.id.cmp(&known_b.id))
    });
    let mut from = 0;
    while from < seen.len() {
        let key = |at: usize| (seen[at].2, seen[at].0.event.is_none(), seen[at].0.rank);
        let mut to = from + 1;
        while to < seen.len() && key(to) == key(from) {
            to += 1;
        }
        let mut earlier = from.checked_sub(1).map(|at| &seen[at].0.after);
        for at in from..to {
            let next = (at..to).find(|other| earlier.is_some() && seen[*other].0.before.as_ref() == earlier);
            // Without one before it, the first is the one that no other of its second leads to.
            let next = next.or_else(|| {
                (at..to).find(|one| !(at..to).any(|o| seen[*one].0.before.as_ref() == Some(&seen[o].0.after)))
            });
            if let Some(next) = next {
                seen[at..=next].rotate_right(1);
            }
            earlier = Some(&seen[at].0.after);
        }
        from = to;
    }
    let points = seen.into_iter().map(|(observation, known, at)| Point {
        at,
        before: match (&observation.before, observation.event) {
            (Some(before), _) => Some(before),
            (None, None) => Some(&observation.after),
            (None, Some(_)) => None,
        },
        after: &observation.after,
        observed: observation.event.is_some(),
        made: observation.event.is_some() && observation.rank == 0,
        place: known.place,
    });
    points.collect()
}
