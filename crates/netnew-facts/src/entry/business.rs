//! Entries around billing: usage, product events, expenses, acquisition spend, opportunities.

use super::wire;
use super::words;
use crate::fact::Text;
use netnew_money::{Amount, Currency, Decimal, Instant};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

words! {
    /// Which part of the profit and loss statement an expense belongs to.
    ExpenseClass {
        /// Cost of revenue: hosting, support, payment fees. What gross margin subtracts.
        CostOfRevenue = "cost_of_revenue",
        /// Sales and marketing. Part of the cost of acquiring customers where no `spend` says it by channel.
        SalesAndMarketing = "sales_and_marketing",
        /// Research and development.
        ResearchAndDevelopment = "research_and_development",
        /// General and administrative.
        General = "general",
    }
}

words! {
    /// How far a deal is.
    Stage {
        /// Not decided.
        Open = "open",
        /// Signed.
        Won = "won",
        /// Not going to happen.
        Lost = "lost",
    }
}

/// Use of a metered item. Its key is the record's id, or what identifies it: subscription, item, metric, instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// How many units were used; negative corrects.
    #[serde(with = "wire::decimal")]
    pub quantity: Decimal,
    /// Subscription used.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Text>,
    /// Item of the subscription; the subscription itself where it has no items.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Text>,
    /// What is counted: calls, gigabytes, ...
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Text>,
    /// What it costs, where the source says; otherwise quantity x the item's unit price.
    #[serde(with = "wire::optional_amount", default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// Currency of `amount`; `None` only where there is no amount.
    #[serde(with = "wire::optional_currency", default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
}

/// Something a customer did in the product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// What was done.
    #[serde(with = "wire::text")]
    pub name: Text,
    /// Who of the customer's people did it.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Text>,
    /// In which session.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Text>,
    /// Whatever else the source says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

/// Money spent on running the business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expense {
    /// How much; negative for money that came back.
    #[serde(with = "wire::amount")]
    pub amount: Amount,
    /// Currency of `amount`.
    #[serde(with = "wire::currency")]
    pub currency: Currency,
    /// Part of the profit and loss statement.
    pub class: ExpenseClass,
    /// The account or category as the source names it.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Text>,
    /// Who was paid.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Text>,
    /// The source's own words.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text>,
}

/// Money spent on acquiring customers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spend {
    /// How much.
    #[serde(with = "wire::amount")]
    pub amount: Amount,
    /// Currency of `amount`.
    #[serde(with = "wire::currency")]
    pub currency: Currency,
    /// Channel, in the words of the customers' attribute `channel`; `None` is spend without a channel.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Text>,
    /// Campaign within the channel.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<Text>,
    /// First instant after the time it was spent for; `None`: it is of one day.
    #[serde(with = "wire::optional_instant", default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
}

impl Spend {
    /// Spend of one day without a channel: a base to build on.
    pub fn of(amount: Amount, currency: Currency) -> Spend {
        Spend { amount, currency, channel: None, campaign: None, until: None }
    }
}

/// A deal that may become a customer. Its key is the deal's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opportunity {
    /// Open, won or lost.
    pub stage: Stage,
    /// The stage as the source names it.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub stage_name: Option<Text>,
    /// MRR that it would bring.
    #[serde(with = "wire::amount")]
    pub amount: Amount,
    /// Currency of `amount`.
    #[serde(with = "wire::currency")]
    pub currency: Currency,
    /// How likely, 0 to 1; `None` when the source does not say.
    #[serde(with = "wire::optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Decimal>,
    /// When it was or should be signed.
    #[serde(with = "wire::optional_instant", default, skip_serializing_if = "Option::is_none")]
    pub close_date: Option<Instant>,
    /// From when a signed deal is live; until then it counts as contracted, not as MRR.
    #[serde(with = "wire::optional_instant", default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Instant>,
    /// Customer it would be, or is.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Text>,
    /// What the deal is called.
    #[serde(with = "wire::optional_text", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
}
