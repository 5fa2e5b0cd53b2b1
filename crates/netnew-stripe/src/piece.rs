//! What is kept of an object: both shapes of the API brought to one, and nothing that a ledger does not need.
//!
//! Pieces are plain data, written to and read from JSON. Times are whole seconds since 1970 as Stripe gives them,
//! amounts are the digits that Stripe wrote, in the currency's smallest unit. No names or addresses of people.

use serde::{Deserialize, Serialize};

/// One thing that Stripe said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Piece {
    /// A price, or a plan of the older kind.
    Price(Price),
    /// A product, for its name.
    Product(Product),
    /// A coupon.
    Coupon(Coupon),
    /// A promotion code, which stands for a coupon.
    Promotion(Promotion),
    /// A coupon as it was put on a customer, a subscription or an item.
    Discount(Discount),
    /// Which discount a customer has now.
    CustomerDiscount(CustomerDiscount),
    /// A subscription as it was at one moment.
    Subscription(Box<Observation>),
    /// An invoice with its lines.
    Invoice(Box<Invoice>),
    /// A subscription schedule with its phases.
    Schedule(Schedule),
    /// A charge, or a refund or dispute of one.
    Cash(Box<Cash>),
}

/// A price: per unit or in tiers, for an interval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Price {
    /// Id of the price or plan.
    pub id: String,
    /// Product it is a price of.
    pub product: Option<String>,
    /// Name given to the price itself.
    pub nickname: Option<String>,
    /// Currency, and what is charged in it.
    pub main: Charge,
    /// The same in other currencies.
    pub others: Vec<Charge>,
    /// `graduated` or `volume`; none when there are no tiers.
    pub tiers_mode: Option<String>,
    /// So many units make one that is charged, rounded up or down.
    pub divide_by: Option<i64>,
    /// Whether the division rounds up.
    pub round_up: bool,
    /// `day`, `week`, `month` or `year`; none for one-off prices.
    pub interval: Option<String>,
    /// How many of them.
    pub interval_count: i64,
    /// Billed by what was used.
    pub metered: bool,
    /// Tax is inside the price.
    pub tax_inside: bool,
}

/// What a price charges in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Charge {
    /// Currency code as Stripe writes it.
    pub currency: String,
    /// Price of a unit, in smallest units.
    pub unit: Option<String>,
    /// Tiers, in order.
    pub tiers: Vec<Tier>,
}

/// One tier of a price.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tier {
    /// Last unit of the tier; none for the last tier.
    pub up_to: Option<i64>,
    /// Price of a unit, in smallest units.
    pub unit: Option<String>,
    /// Price of the tier as such, in smallest units.
    pub flat: Option<String>,
}

/// A product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Product {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
}

/// A coupon.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Coupon {
    /// Its id.
    pub id: String,
    /// Percent taken off.
    pub percent_off: Option<String>,
    /// Amounts taken off, by currency, in smallest units.
    pub amounts_off: Vec<(String, String)>,
    /// `forever`, `repeating` or `once`.
    pub duration: String,
    /// For how many months a repeating one lasts.
    pub months: Option<i64>,
    /// Only items of these products; none is all.
    pub products: Vec<String>,
}

/// A promotion code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Promotion {
    /// Its id.
    pub id: String,
    /// Coupon it stands for.
    pub coupon: Option<String>,
}

/// A discount: a coupon in use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Discount {
    /// Its id.
    pub id: String,
    /// Coupon, if said.
    pub coupon: Option<String>,
    /// Promotion code it came by.
    pub promotion: Option<String>,
    /// Subscription it is on.
    pub subscription: Option<String>,
    /// Item it is on.
    pub item: Option<String>,
    /// On a single invoice, which says nothing of any subscription.
    pub one_invoice: bool,
    /// From when.
    pub start: Option<i64>,
    /// Until when.
    pub end: Option<i64>,
    /// When it was taken away.
    pub removed: Option<i64>,
}

/// The discount that a customer has now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CustomerDiscount {
    /// Its id; none when there is none.
    pub discount: Option<String>,
}

/// A subscription at one moment, and, in an event, just before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Observation {
    /// Moment of the event; none for an object that was listed.
    pub event: Option<i64>,
    /// Order of events of one second: created, anything else, deleted.
    pub rank: i64,
    /// Id of the event, or empty.
    pub event_id: String,
    /// As it was then.
    pub after: Subscription,
    /// As it was just before, where the event says what changed.
    pub before: Option<Subscription>,
}

/// A subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// Customer.
    pub customer: String,
    /// Stripe's status.
    pub status: String,
    /// When the object was made.
    pub created: i64,
    /// When it started, which may be before it was made.
    pub start: i64,
    /// Trial.
    pub trial_start: Option<i64>,
    /// End of the trial.
    pub trial_end: Option<i64>,
    /// When it will end, or would have: a date of its own or the end of the period.
    pub cancel_at: Option<i64>,
    /// When somebody last asked for the end. Not the end.
    pub canceled_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Stripe's word for why.
    pub reason: Option<String>,
    /// What the customer gave as a reason.
    pub feedback: Option<String>,
    /// Collection is paused.
    pub paused: bool,
    /// Until when.
    pub resumes_at: Option<i64>,
    /// Currency code as Stripe writes it.
    pub currency: Option<String>,
    /// Start of the current period, the latest of its items'.
    pub period_start: Option<i64>,
    /// Discounts on the subscription, by id, in order.
    pub discounts: Vec<String>,
    /// Items.
    pub items: Vec<Item>,
    /// There are more items than are given.
    pub more_items: bool,
}

/// An item of a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// When it was added.
    pub created: Option<i64>,
    /// Price, by id.
    pub price: String,
    /// Quantity; none for metered prices.
    pub quantity: Option<i64>,
    /// Discounts on the item, by id, in order.
    pub discounts: Vec<String>,
    /// Percent of tax that the price includes, all rates together.
    pub tax_inside: Option<String>,
}

/// An invoice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Invoice {
    /// All lines are given. It stands first, so that of two that say so much the complete one holds.
    pub complete: bool,
    /// Its id.
    pub id: String,
    /// Subscription it is for.
    pub subscription: Option<String>,
    /// When it was made.
    pub created: i64,
    /// `draft`, `open`, `paid`, `uncollectible` or `void`.
    pub status: String,
    /// Why it was made.
    pub reason: Option<String>,
    /// When it was finalised.
    pub finalized: Option<i64>,
    /// When it was paid.
    pub paid: Option<i64>,
    /// How often a payment was tried.
    pub attempts: i64,
    /// Lines that speak of subscriptions.
    pub lines: Vec<Line>,
    /// There are more lines than are given.
    pub more_lines: bool,
}

/// A line of an invoice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// Subscription.
    pub subscription: String,
    /// Item, if said.
    pub item: Option<String>,
    /// Price, by id, if said.
    pub price: Option<String>,
    /// Price of a unit in smallest units, as the line has it.
    pub unit: Option<String>,
    /// Currency code.
    pub currency: String,
    /// Quantity.
    pub quantity: Option<i64>,
    /// First second that it is for.
    pub start: i64,
    /// First second that it is no longer for.
    pub end: i64,
    /// Amount before discounts, in smallest units; negative for what is given back.
    pub amount: i64,
    /// Part of a period only.
    pub proration: bool,
    /// Discounts that were taken off, by id, with what they took, in smallest units.
    pub discounts: Vec<(String, i64)>,
    /// Tax inside the amount, in smallest units.
    pub tax_inside: i64,
}

/// A schedule of what a subscription was and will be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Schedule {
    /// Its id.
    pub id: String,
    /// Subscription.
    pub subscription: Option<String>,
    /// Status.
    pub status: String,
    /// What happens after the last phase.
    pub end_behavior: String,
    /// When it was given up (cancelled or released).
    pub left: Option<i64>,
    /// Phases in order.
    pub phases: Vec<Phase>,
}

/// A phase of a schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Phase {
    /// First second.
    pub start: i64,
    /// First second after.
    pub end: Option<i64>,
    /// End of a trial in it.
    pub trial_end: Option<i64>,
    /// Price and quantity of each item.
    pub items: Vec<(String, Option<i64>)>,
    /// Coupons on the subscription.
    pub coupons: Vec<String>,
}

/// A charge, or a refund or dispute of one, as far as it says by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cash {
    /// `payments`, `refunds` or `disputes`.
    pub kind: String,
    /// When it was made.
    pub at: i64,
    /// Customer, where it says.
    pub customer: Option<String>,
    /// Payment intent that the charge belongs to.
    pub intent: Option<String>,
    /// Invoice, where it says.
    pub invoice: Option<String>,
    /// Of a charge what was given back of it, of a refund what it gives back, in smallest units.
    pub refunded: i64,
    /// The entry as JSON, without what others know; empty where it only says when a dispute was decided.
    pub entry: String,
}
