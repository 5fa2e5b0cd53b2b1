//! The objects that are kept, as the API answers them.

use crate::dates;
use netnew_money::Instant;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

fn is_false(flag: &bool) -> bool {
    !flag
}

/// Where data comes from. Its name is the source that its facts carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSource {
    /// `ds_...`
    pub uuid: String,
    /// Unique in the book.
    pub name: String,
    /// What sends it; always `Import API`.
    pub system: String,
    /// When it was made here.
    #[serde(with = "dates::wire")]
    pub created_at: Instant,
    /// Always `idle`: nothing waits once it was answered.
    pub status: String,
}

/// A customer of one data source. Its answer carries more, see the server: its status and MRR are worked out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Customer {
    /// `cus_...`
    pub uuid: String,
    /// Data source.
    pub data_source_uuid: String,
    /// Id that the data source gives it.
    pub external_id: String,
    /// Id that the book's facts carry: the external id, unless another data source has one of the same id.
    pub book_id: String,
    /// Name.
    pub name: String,
    /// E-mail.
    pub email: String,
    /// Company.
    pub company: String,
    /// ISO 3166-1 code.
    pub country: Option<String>,
    /// State.
    pub state: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Postal code.
    pub zip: Option<String>,
    /// When it first showed interest.
    #[serde(with = "dates::optional")]
    pub lead_created_at: Option<Instant>,
    /// When its free trial began.
    #[serde(with = "dates::optional")]
    pub free_trial_started_at: Option<Instant>,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Its own site.
    pub website_url: Option<String>,
    /// Tags, in the order they were given.
    pub tags: Vec<String>,
    /// Custom attributes.
    pub custom: Map<String, Value>,
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Id that the data source gives it.
    pub external_id: String,
    /// Its name, by which reports know it.
    pub name: String,
    /// Units of one interval.
    pub interval_count: u32,
    /// `day`, `month` or `year` (`week` is taken too).
    pub interval_unit: String,
    /// Data source.
    pub data_source_uuid: String,
    /// `pl_...`
    pub uuid: String,
}

/// Plans that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanGroup {
    /// Its name.
    pub name: String,
    /// `plg_...`
    pub uuid: String,
    /// Its plans.
    #[serde(default)]
    pub plans: Vec<String>,
}

/// An invoice. No status of payment of its own: its transactions say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// `inv_...`
    pub uuid: String,
    /// When it was issued.
    #[serde(with = "dates::wire")]
    pub date: Instant,
    /// When it is due.
    #[serde(with = "dates::optional", default)]
    pub due_date: Option<Instant>,
    /// What is wrong with it; nothing ever is, what is wrong is not taken.
    #[serde(default)]
    pub errors: Map<String, Value>,
    /// Id that the data source gives it.
    pub external_id: String,
    /// Currency of every amount in it.
    pub currency: String,
    /// Its customer.
    pub customer_uuid: String,
    /// The customer's id in the data source.
    #[serde(default)]
    pub customer_external_id: Option<String>,
    /// Data source.
    #[serde(default)]
    pub data_source_uuid: String,
    /// `voided` or `written_off` take it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Taken out until it is enabled again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// When.
    #[serde(with = "dates::optional", default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Instant>,
    /// What it charges.
    pub line_items: Vec<LineItem>,
    /// What was paid and given back.
    pub transactions: Vec<Transaction>,
}

/// A line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineItem {
    /// `li_...`
    pub uuid: String,
    /// Id that the data source gives it.
    pub external_id: Option<String>,
    /// `subscription`, `one_time` or `trial`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The subscription that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_uuid: Option<String>,
    /// Its id in the data source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_external_id: Option<String>,
    /// What several subscriptions have in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_set_external_id: Option<String>,
    /// Whether it is for part of a period.
    #[serde(default)]
    pub prorated: bool,
    /// `full`: what the rest of the period costs; `differential`: how much more (or less) it costs.
    #[serde(default)]
    pub proration_type: Option<String>,
    /// First instant that it is for.
    #[serde(with = "dates::optional", default)]
    pub service_period_start: Option<Instant>,
    /// First instant after.
    #[serde(with = "dates::optional", default)]
    pub service_period_end: Option<Instant>,
    /// Plan.
    #[serde(default)]
    pub plan_uuid: Option<String>,
    /// Its own words.
    #[serde(default)]
    pub description: Option<String>,
    /// For the whole quantity, discounts taken off, tax included.
    pub amount_in_cents: i64,
    /// How many.
    pub quantity: i64,
    /// Code of a discount.
    #[serde(default)]
    pub discount_code: String,
    /// How much was taken off already.
    #[serde(default)]
    pub discount_amount_in_cents: i64,
    /// Words about it.
    #[serde(default)]
    pub discount_description: Option<String>,
    /// Tax within the amount.
    #[serde(default)]
    pub tax_amount_in_cents: i64,
    /// What the processor kept.
    #[serde(default)]
    pub transaction_fees_in_cents: i64,
    /// In which currency.
    #[serde(default)]
    pub transaction_fees_currency: Option<String>,
    /// Account of the book-keeping.
    #[serde(default)]
    pub account_code: String,
    /// Orders lines that begin at one instant.
    #[serde(default)]
    pub event_order: Option<i64>,
    /// Taken out until it is enabled again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// When.
    #[serde(with = "dates::optional", default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Instant>,
}

/// A payment or a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// `tr_...`
    pub uuid: String,
    /// Id that the data source gives it.
    pub external_id: Option<String>,
    /// `payment` or `refund`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When.
    #[serde(with = "dates::wire")]
    pub date: Instant,
    /// `successful` or `failed`.
    pub result: String,
    /// How much; none is all of the invoice.
    #[serde(default)]
    pub amount_in_cents: Option<i64>,
    /// What the processor kept.
    #[serde(default)]
    pub transaction_fees_in_cents: Option<i64>,
    /// In which currency.
    #[serde(default)]
    pub transaction_fees_currency: Option<String>,
    /// Taken out until it is enabled again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// When.
    #[serde(with = "dates::optional", default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Instant>,
}

/// A subscription, as the lines and events that name it make it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// `sub_...`
    pub uuid: String,
    /// Id that the data source gives it.
    pub external_id: String,
    /// What several have in common.
    #[serde(default)]
    pub subscription_set_external_id: Option<String>,
    /// When it was canceled, in order.
    #[serde(with = "dates::list", default)]
    pub cancellation_dates: Vec<Instant>,
    /// The plan of its latest line.
    #[serde(default)]
    pub plan_uuid: Option<String>,
    /// Its customer.
    #[serde(default)]
    pub customer_uuid: String,
    /// Data source.
    pub data_source_uuid: String,
    /// Subscriptions connected to one another have the same text here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
}

/// Something that happened to a subscription, or is scheduled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionEvent {
    /// Number.
    pub id: i64,
    /// Data source.
    pub data_source_uuid: String,
    /// The customer's id in the data source.
    pub customer_external_id: String,
    /// What several subscriptions have in common.
    #[serde(default)]
    pub subscription_set_external_id: Option<String>,
    /// The subscription.
    #[serde(default)]
    pub subscription_external_id: Option<String>,
    /// The plan.
    #[serde(default)]
    pub plan_external_id: Option<String>,
    /// When it was known.
    #[serde(with = "dates::wire")]
    pub event_date: Instant,
    /// From when it holds.
    #[serde(with = "dates::wire")]
    pub effective_date: Instant,
    /// `subscription_start`, `subscription_cancelled`, ...
    pub event_type: String,
    /// Id that the data source gives it.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Always empty: what is wrong is not taken.
    #[serde(default)]
    pub errors: Map<String, Value>,
    /// When it came.
    #[serde(with = "dates::wire")]
    pub created_at: Instant,
    /// When it was last changed.
    #[serde(with = "dates::wire")]
    pub updated_at: Instant,
    /// How many.
    #[serde(default)]
    pub quantity: Option<i64>,
    /// Currency of the amounts.
    #[serde(default)]
    pub currency: Option<String>,
    /// For the whole quantity, per interval of the plan.
    #[serde(default)]
    pub amount_in_cents: Option<i64>,
    /// Tax within it.
    #[serde(default)]
    pub tax_amount_in_cents: Option<i64>,
    /// The event that this one takes back.
    #[serde(default)]
    pub retracted_event_id: Option<String>,
    /// Orders events at one instant.
    #[serde(default)]
    pub event_order: Option<i64>,
    /// Taken out until it is enabled again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// When.
    #[serde(with = "dates::optional", default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Instant>,
}
