//! From invoices, events and cancellations to item states: how levels follow from lines.
//!
//! A line of type `subscription` says what its subscription is worth from the start of its service period on, until the
//! next line says otherwise or a cancellation ends it; that no invoice follows ends nothing. The level is the amount less
//! tax, over the interval of the plan; of a prorated line, what the whole interval would have cost. Lines of one invoice for
//! one subscription and one start, on different plans, are parts of it side by side.

mod slots;

use crate::dates;
use crate::money;
use crate::shapes::{Invoice, LineItem, Plan, Subscription, SubscriptionEvent};
use netnew_facts::{ItemState, PayloadRef};
use netnew_money::{Currency, Instant, IntervalUnit, Ratio, Zone};
use slots::Slots;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An object, when it came in relation to others, and the raw record that it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known<T> {
    /// The object.
    pub what: T,
    /// Later ones have higher numbers.
    pub order: i64,
    /// Its raw record.
    pub place: PayloadRef,
}

/// All that is known of one customer, over all data sources that it was merged from.
#[derive(Clone, Debug, Default)]
pub struct Life {
    /// Plans by uuid.
    pub plans: Arc<BTreeMap<String, Plan>>,
    /// Invoices.
    pub invoices: Vec<Known<Invoice>>,
    /// Subscription events.
    pub events: Vec<Known<SubscriptionEvent>>,
    /// Subscriptions: their cancellations and what they are connected to.
    pub subscriptions: Vec<Known<Subscription>>,
}

/// A state of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Data source.
    pub data_source_uuid: String,
    /// Subscription, by its external id.
    pub subscription: String,
    /// The same, or with a number behind it for what is side by side.
    pub item: String,
    /// From when.
    pub effective_at: Instant,
    /// What it is.
    pub state: ItemState,
    /// The raw record that says so.
    pub place: PayloadRef,
}

/// What one line or event says that a subscription is, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    plan: Option<String>,
    /// Per interval, in the currency's unit.
    worth: Ratio,
    currency: Currency,
    unit: IntervalUnit,
    count: u32,
    quantity: i64,
    trial: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    /// It is this from now on, side by side.
    Is(Vec<Part>),
    /// So much more (or less).
    More(Part),
    /// It ends; asked for at.
    Ends(Option<Instant>),
}

/// A change and what orders it: instant, ends first, the order that was asked for, the order in which it came.
#[derive(Clone, Debug)]
struct Moment {
    at: Instant,
    rank: (u8, i64, i64, usize),
    change: Change,
    place: PayloadRef,
}

/// Data source and external id.
type Key = (String, String);

/// The states of every subscription, by data source, subscription, time and item.
pub fn states(life: &Life) -> Vec<Told> {
    let mut moments: BTreeMap<Key, Vec<Moment>> = BTreeMap::new();
    for invoice in life.invoices.iter().filter(|known| counts(&known.what)) {
        of_invoice(life, invoice, &mut moments);
    }
    of_events(life, &mut moments);
    for known in &life.subscriptions {
        let one = &known.what;
        let key = (one.data_source_uuid.clone(), one.external_id.clone());
        let slot = moments.entry(key).or_default();
        for (index, at) in one.cancellation_dates.iter().enumerate() {
            let rank = (0, 0, known.order, index);
            slot.push(Moment { at: *at, rank, change: Change::Ends(None), place: known.place });
        }
    }
    for all in moments.values_mut() {
        all.sort_by_key(|m| (m.at, m.rank));
    }
    connect(life, &mut moments);
    let mut out = Vec::new();
    for ((source, subscription), all) in moments {
        let mut slots = Slots::new(&source, &subscription);
        for at_once in all.chunk_by(|a, b| a.at == b.at) {
            slots.apply(at_once, &mut out);
        }
    }
    out
}

/// Whether an invoice says anything about levels.
fn counts(invoice: &Invoice) -> bool {
    !invoice.disabled && !matches!(invoice.status.as_deref(), Some("voided" | "written_off"))
}

fn of_invoice(life: &Life, known: &Known<Invoice>, out: &mut BTreeMap<Key, Vec<Moment>>) {
    let invoice = &known.what;
    let Ok(currency) = Currency::parse(&invoice.currency) else { return };
    let recurs = |line: &&LineItem| !line.disabled && matches!(line.kind.as_str(), "subscription" | "trial");
    let lines: Vec<&LineItem> = invoice.line_items.iter().filter(recurs).collect();
    for (index, line) in lines.iter().enumerate() {
        let (Some(subscription), Some(start)) = (&line.subscription_external_id, line.service_period_start)
        else {
            continue;
        };
        let Some(part) = part_of(life, line, currency) else { continue };
        let beside = |other: &&LineItem| {
            other.subscription_external_id.as_ref() == Some(subscription)
                && other.service_period_start == Some(start)
        };
        let together: Vec<&LineItem> = lines.iter().copied().filter(beside).collect();
        let change = match line.prorated {
            true if is_difference(line) => Change::More(part),
            // What is given back of the old plan says nothing beside what the new one costs.
            true if part.worth.is_negative() && together.len() > 1 => continue,
            true if part.worth.is_negative() => Change::More(part),
            _ => {
                let key = (invoice.data_source_uuid.clone(), subscription.clone());
                if joined(out.get_mut(&key), known.order, line, start, &part) {
                    continue;
                }
                Change::Is(vec![part])
            }
        };
        let rank = (1, line.event_order.unwrap_or(0), known.order, index);
        let key = (invoice.data_source_uuid.clone(), subscription.clone());
        out.entry(key).or_default().push(Moment { at: start, rank, change, place: known.place });
    }
}

fn is_difference(line: &LineItem) -> bool {
    matches!(line.proration_type.as_deref(), Some("differential" | "differential_mrr"))
}

/// Puts a part beside another of the same invoice, start and subscription that is on another plan; false when there is none.
fn joined(there: Option<&mut Vec<Moment>>, order: i64, line: &LineItem, start: Instant, part: &Part) -> bool {
    if line.event_order.is_some() {
        return false;
    }
    let same = |m: &&mut Moment| m.at == start && m.rank.0 == 1 && m.rank.1 == 0 && m.rank.2 == order;
    match there.into_iter().flatten().find(same).map(|m| &mut m.change) {
        Some(Change::Is(parts)) if parts.iter().all(|p| p.plan != part.plan) => {
            parts.push(part.clone());
            true
        }
        _ => false,
    }
}

fn part_of(life: &Life, line: &LineItem, currency: Currency) -> Option<Part> {
    let plan = line.plan_uuid.as_ref().and_then(|id| life.plans.get(id));
    let (unit, count) = interval_of(plan);
    let net = line.amount_in_cents.checked_sub(line.tax_amount_in_cents)?;
    let mut worth = Ratio::from_amount(money::amount(net));
    if line.prorated
        && let (Some(start), Some(end)) = (line.service_period_start, line.service_period_end)
        && let Some(stretch) = stretch(start, end, unit, count)
    {
        worth = worth.checked_mul(stretch)?;
    }
    Some(Part {
        plan: plan.map(|p| p.name.clone()),
        worth,
        currency,
        unit,
        count,
        quantity: line.quantity.max(1),
        trial: line.kind == "trial",
    })
}

fn interval_of(plan: Option<&Plan>) -> (IntervalUnit, u32) {
    let unit = plan.and_then(|p| IntervalUnit::parse(&p.interval_unit).ok()).unwrap_or(IntervalUnit::Month);
    (unit, plan.map_or(1, |p| p.interval_count.max(1)))
}

/// How often a prorated period goes into the whole one that ends with it, in seconds. The whole one is as long as the
/// plan's interval is at that place of the calendar.
fn stretch(start: Instant, end: Instant, unit: IntervalUnit, count: u32) -> Option<Ratio> {
    let back = i32::try_from(count).ok()?.checked_neg()?;
    let begin = Zone::utc().add_interval(end, unit, back);
    let seconds = |from: Instant| (end.micros() - from.micros()) / 1_000_000;
    let (whole, part) = (seconds(begin), seconds(start));
    (part > 0 && whole > 0).then(|| Ratio::new(i128::from(whole), i128::from(part))).flatten()
}

const SETS: [&str; 4] = [
    "subscription_start",
    "subscription_start_scheduled",
    "subscription_updated",
    "subscription_update_scheduled",
];
const ENDS: [&str; 2] = ["subscription_cancelled", "subscription_cancellation_scheduled"];

/// Every type of a subscription event that is understood.
pub fn event_types() -> impl Iterator<Item = &'static str> {
    SETS.into_iter().chain(ENDS).chain([
        "scheduled_subscription_start_retracted",
        "scheduled_subscription_update_retracted",
        "scheduled_subscription_cancellation_retracted",
        "subscription_event_retracted",
    ])
}

/// Whether an event of this type says what the subscription is worth.
pub fn event_has_amount(kind: &str) -> bool {
    SETS.contains(&kind)
}

fn of_events(life: &Life, out: &mut BTreeMap<Key, Vec<Moment>>) {
    let taken_back = taken_back(&life.events);
    let by_name: BTreeMap<(&str, &str), &Plan> = life
        .plans
        .values()
        .map(|plan| ((plan.data_source_uuid.as_str(), plan.external_id.as_str()), plan))
        .collect();
    for known in &life.events {
        let event = &known.what;
        let Some(subscription) = &event.subscription_external_id else { continue };
        if event.disabled || taken_back.contains(&event.id) {
            continue;
        }
        let kind = event.event_type.as_str();
        let change = if ENDS.contains(&kind) {
            let asked = Some(event.event_date).filter(|at| *at < event.effective_date);
            Change::Ends(asked)
        } else if SETS.contains(&kind) {
            let plan = event.plan_external_id.as_deref();
            let plan = plan.and_then(|p| by_name.get(&(event.data_source_uuid.as_str(), p)).copied());
            let Some(part) = part_of_event(event, plan) else { continue };
            Change::Is(vec![part])
        } else {
            continue;
        };
        let first = u8::from(!matches!(change, Change::Ends(_)));
        let rank = (first, event.event_order.unwrap_or(0), known.order, 0);
        let key = (event.data_source_uuid.clone(), subscription.clone());
        let moment = Moment { at: event.effective_date, rank, change, place: known.place };
        out.entry(key).or_default().push(moment);
    }
}

fn part_of_event(event: &SubscriptionEvent, plan: Option<&Plan>) -> Option<Part> {
    let currency = Currency::parse(event.currency.as_deref()?).ok()?;
    let net = event.amount_in_cents?.checked_sub(event.tax_amount_in_cents.unwrap_or(0))?;
    let (unit, count) = interval_of(plan);
    Some(Part {
        plan: plan.map(|p| p.name.clone()).or_else(|| event.plan_external_id.clone()),
        worth: Ratio::from_amount(money::amount(net)),
        currency,
        unit,
        count,
        quantity: event.quantity.unwrap_or(1).max(1),
        trial: false,
    })
}

/// Numbers of the events that others take back: the one they name, or else the last of their kind that was scheduled
/// before for the same subscription.
fn taken_back(events: &[Known<SubscriptionEvent>]) -> BTreeSet<i64> {
    let mut out = BTreeSet::new();
    let mut ordered: Vec<&Known<SubscriptionEvent>> = events.iter().collect();
    ordered.sort_by_key(|known| known.order);
    for (at, known) in ordered.iter().enumerate() {
        let event = &known.what;
        if event.disabled || !event.event_type.ends_with("_retracted") {
            continue;
        }
        let word = ["start", "update", "cancellation"].into_iter().find(|w| event.event_type.contains(w));
        let fits = |other: &&&Known<SubscriptionEvent>| {
            let other = &other.what;
            let same = other.data_source_uuid == event.data_source_uuid;
            match &event.retracted_event_id {
                Some(named) => {
                    same && (other.external_id.as_ref() == Some(named) || other.id.to_string() == *named)
                }
                None => {
                    same && other.subscription_external_id == event.subscription_external_id
                        && other.event_type.ends_with("_scheduled")
                        && word.is_none_or(|w| other.event_type.contains(w))
                        && !out.contains(&other.id)
                }
            }
        };
        let found = match event.retracted_event_id {
            Some(_) => ordered.iter().find(fits),
            None => ordered[..at].iter().rev().find(fits),
        };
        out.extend(found.map(|known| known.what.id));
    }
    out
}

/// Subscriptions that are connected are one that goes on: each ends when the next begins, whatever else was said.
fn connect(life: &Life, moments: &mut BTreeMap<Key, Vec<Moment>>) {
    let mut chains: BTreeMap<&str, Vec<(Instant, Key)>> = BTreeMap::new();
    for known in &life.subscriptions {
        let one = &known.what;
        let Some(chain) = &one.chain else { continue };
        let key = (one.data_source_uuid.clone(), one.external_id.clone());
        let begins = moments.get(&key).and_then(|all| all.iter().find(|m| m.rank.0 == 1)).map(|m| m.at);
        if let Some(begins) = begins {
            chains.entry(chain).or_default().push((begins, key));
        }
    }
    for chain in chains.values_mut() {
        chain.sort();
        for pair in chain.windows(2) {
            let [(_, key), (next, _)] = pair else { continue };
            let Some(all) = moments.get_mut(key) else { continue };
            all.retain(|m| m.at < *next && !matches!(m.change, Change::Ends(_)));
            let Some(last) = all.last() else { continue };
            let (at, place) = (*next, last.place);
            all.push(Moment { at, rank: (0, 0, 0, 0), change: Change::Ends(None), place });
        }
    }
}

/// A day in words, for descriptions.
pub fn day(at: Instant) -> String {
    dates::write(at).chars().take(10).collect()
}

#[cfg(test)]
mod tests;
