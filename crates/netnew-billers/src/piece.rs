//! What is kept of an object: every system's shape brought to one, and nothing that a ledger does not need.
//!
//! Pieces are plain data, written to and read from JSON. Times are microseconds since 1970, prices are decimals in major
//! units as text. No names or addresses of people.

use serde::{Deserialize, Serialize};

/// One thing that a system said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Piece {
    /// A subscription as it was at a moment.
    Seen(Box<Seen>),
    /// A price, a plan or a product that subscriptions name by its id.
    Thing(Box<Thing>),
    /// A coupon that subscriptions name by its id.
    Coupon(Box<Off>),
    /// What a bill says of a price: what it is without tax.
    Billed(Billed),
    /// An entry that names its subscription and not its customer.
    Owned(Box<Owned>),
}

/// How a subscription stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It has not begun, and may never: nothing was agreed or paid yet.
    #[default]
    Pending,
    /// It will begin at a date that is fixed.
    Future,
    /// In a trial.
    Trialing,
    /// Running.
    Active,
    /// A payment failed and is tried again, or the payer has a time of grace.
    PastDue,
    /// Payments were given up; it still exists and may come back.
    Unpaid,
    /// On hold.
    Paused,
    /// Over.
    Canceled,
}

/// A subscription at one moment. Each system's words are brought to these: when somebody **asked** for the end, when it
/// **will end**, and when it **ended** are three different things.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seen {
    /// Its id.
    pub subscription: String,
    /// Its customer; empty where the payload does not say.
    pub customer: String,
    /// The moment at which it was like this.
    pub at: i64,
    /// Orders what was seen at one moment.
    pub rank: i64,
    /// The payload speaks of its beginning: nothing was before.
    pub made: bool,
    /// How it stands.
    pub standing: Standing,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<i64>,
    /// When its trial began, if not with itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_start: Option<i64>,
    /// When its trial ends or ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_end: Option<i64>,
    /// When somebody asked for the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested: Option<i64>,
    /// When it will end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends: Option<i64>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<i64>,
    /// Since when it is on hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<i64>,
    /// When it will be put on hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pauses: Option<i64>,
    /// When it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumes: Option<i64>,
    /// Since when a payment is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_since: Option<i64>,
    /// Who ended it: `voluntary` or `involuntary`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The system's own word for why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_text: Option<String>,
    /// What it consists of; none where the payload does not say: then it is as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<Item>>,
    /// Discounts on the whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<Off>,
    /// Changes that are fixed already, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<Next>,
}

/// A change to come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Next {
    /// From when.
    pub at: i64,
    /// What it consists of then.
    pub items: Vec<Item>,
}

/// A part of a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Item {
    /// Its id, or what stands for one.
    pub id: String,
    /// The id is only that of a price: an item that takes the place of another is the same item with another price.
    pub by_price: bool,
    /// Since when it is there, if that is later than the subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// Name of the plan, where the payload has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Thing that it is a subscription to: for what the payload leaves out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thing: Option<String>,
    /// Price of one unit for one interval, in major units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Currency code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Thing that has the currency (a store), where nothing nearer does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<String>,
    /// `day`, `week`, `month` or `year`, and how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<(String, u32)>,
    /// Quantity in millionths.
    pub quantity_micros: i64,
    /// Billed by what was used.
    pub metered: bool,
    /// The price has tax in it.
    pub tax_inside: bool,
    /// Discounts on the item.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<Off>,
}

/// A price, plan or product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thing {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another thing that has the name or the rest (a price's product).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Prices by currency: code (empty: any) and what a unit costs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<(String, String)>,
    /// Prices and tiers are in the smallest unit of a currency that is not named here.
    pub smallest: bool,
    /// Currency of whatever names this for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Tiers, in the currency of the first price, or of the subscription when there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// `graduated`, `volume` or `stairstep`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiers_mode: Option<String>,
    /// So many units make one that is charged, rounded up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<i64>,
    /// Interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<(String, u32)>,
    /// Intervals before the first that is charged in full, together a trial.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trials: Vec<(String, u32)>,
    /// Billed by what was used.
    pub metered: bool,
    /// The price has tax in it.
    pub tax_inside: bool,
}

/// One tier of a price.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tier {
    /// Last unit of the tier; none for the last tier.
    pub up_to: Option<i64>,
    /// Price of a unit.
    pub unit: Option<String>,
    /// Price of the tier as such.
    pub flat: Option<String>,
}

/// A discount, or a coupon that is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Off {
    /// Coupon that says the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coupon: Option<String>,
    /// Percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<String>,
    /// Amount per interval, in major units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// The amount is per unit.
    pub per_unit: bool,
    /// Currency of the amount; none is that of the subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// `forever`, `repeating` or `once`.
    pub kind: String,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// So many intervals, where there is no date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycles: Option<u32>,
    /// So many months, where there is no date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub months: Option<u32>,
    /// Things it is for; empty is all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
}

/// What a bill says of a price of a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Billed {
    /// Subscription.
    pub subscription: String,
    /// Thing billed.
    pub thing: String,
    /// When.
    pub at: i64,
    /// Price of a unit without tax and before discounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Of so much with tax (second) so much is without (first).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net: Option<(i64, i64)>,
}

/// An entry whose customer is that of its subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Owned {
    /// Subscription.
    pub subscription: String,
    /// Kind of the entry, in the word of files.
    pub kind: String,
    /// Its id among those of its kind.
    pub key: String,
    /// When it happened.
    pub at: i64,
    /// Of two statements the higher holds.
    pub version: i64,
    /// What it says, as canonical JSON.
    pub entry: String,
}
