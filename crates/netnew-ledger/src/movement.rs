//! What the ledger is made of: kinds, causes, rows and steps, and their ids.

use crate::attributes::Epoch;
use crate::level::Level;
use crate::phase::Phase;
use crate::valuation::Money;
use netnew_facts::{Body, Fact, ItemState, Text, hash128_hex};
use netnew_money::{Amount, Currency, Day, Instant};

/// The five stories of MRR, and what only moves between plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A customer's first MRR.
    New,
    /// A former customer's MRR.
    Reactivation,
    /// More from a customer.
    Expansion,
    /// Less from a customer who stays.
    Contraction,
    /// The last of a customer's MRR.
    Churn,
    /// From one plan (or group) to another; zero over the customer.
    Transfer,
}

impl Kind {
    /// All kinds in the order of reports.
    pub const ALL: [Kind; 6] =
        [Kind::New, Kind::Reactivation, Kind::Expansion, Kind::Contraction, Kind::Churn, Kind::Transfer];

    /// The word used everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::New => "new",
            Kind::Reactivation => "reactivation",
            Kind::Expansion => "expansion",
            Kind::Contraction => "contraction",
            Kind::Churn => "churn",
            Kind::Transfer => "transfer",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|k| k.as_str() == text)
    }
}

/// Why a row is there; one per row, by the precedence of section 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the words are the documentation; docs/ledger.md section 8 defines them")]
pub enum Cause {
    Upgrade,
    Downgrade,
    Interval,
    Quantity,
    PriceChange,
    AddonAdded,
    AddonRemoved,
    DiscountStart,
    DiscountEnd,
    Pause,
    Resume,
    CancelVoluntary,
    CancelInvoluntary,
    Credit,
    TrialConversion,
    Usage,
    SecondSubscription,
    CurrencySwitch,
    Other,
}

impl Cause {
    /// All causes.
    pub const ALL: [Cause; 19] = [
        Cause::Upgrade,
        Cause::Downgrade,
        Cause::Interval,
        Cause::Quantity,
        Cause::PriceChange,
        Cause::AddonAdded,
        Cause::AddonRemoved,
        Cause::DiscountStart,
        Cause::DiscountEnd,
        Cause::Pause,
        Cause::Resume,
        Cause::CancelVoluntary,
        Cause::CancelInvoluntary,
        Cause::Credit,
        Cause::TrialConversion,
        Cause::Usage,
        Cause::SecondSubscription,
        Cause::CurrencySwitch,
        Cause::Other,
    ];

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Cause> {
        Cause::ALL.into_iter().find(|c| c.as_str() == text)
    }

    /// The word used everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Upgrade => "upgrade",
            Cause::Downgrade => "downgrade",
            Cause::Interval => "interval",
            Cause::Quantity => "quantity",
            Cause::PriceChange => "price_change",
            Cause::AddonAdded => "addon_added",
            Cause::AddonRemoved => "addon_removed",
            Cause::DiscountStart => "discount_start",
            Cause::DiscountEnd => "discount_end",
            Cause::Pause => "pause",
            Cause::Resume => "resume",
            Cause::CancelVoluntary => "cancel_voluntary",
            Cause::CancelInvoluntary => "cancel_involuntary",
            Cause::Credit => "credit",
            Cause::TrialConversion => "trial_conversion",
            Cause::Usage => "usage",
            Cause::SecondSubscription => "second_subscription",
            Cause::CurrencySwitch => "currency_switch",
            Cause::Other => "other",
        }
    }
}

/// Which part of the stack an item's MRR belongs to: the first that fits, in this order of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// A payment failed.
    PastDue,
    /// On hold.
    Paused,
    /// An end is known or asked for.
    Cancelling,
    /// A discount takes something off.
    Discounted,
    /// None of these.
    Paid,
}

impl Layer {
    /// The word used everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Layer::PastDue => "past_due",
            Layer::Paused => "paused",
            Layer::Cancelling => "cancelling",
            Layer::Discounted => "discounted",
            Layer::Paid => "paid",
        }
    }
}

/// An item of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemInfo {
    /// Source that speaks of it.
    pub source: Text,
    /// Its subscription.
    pub subscription: Text,
    /// Its id.
    pub item: Text,
}

/// One posted row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Index into [`CustomerLedger::items`].
    pub item: u32,
    /// Plan the row is about.
    pub plan: Option<Text>,
    /// Currency of the amounts.
    pub currency: Currency,
    /// What happened.
    pub kind: Kind,
    /// Why.
    pub cause: Cause,
    /// Change of MRR.
    pub amount: Amount,
    /// Change of ARR; the first row of an item and plan carries all of it.
    pub arr: Amount,
    /// Level of this item on this plan before the row.
    pub before: Amount,
    /// And after: `before + amount`.
    pub after: Amount,
    /// Index into [`CustomerLedger::epochs`]: the customer's attributes that the row belongs to.
    pub epoch: u32,
    /// Layer that the row belongs to ([`Layer::Paid`] unless the report tells layers apart).
    pub layer: Layer,
    /// Phases of the item that began inside the group: first and one past the last index.
    pub phases: (u32, u32),
    /// True for a row that only moves MRR between attributes or layers.
    pub regroup: bool,
}

/// How the level of one (item, plan, currency, attributes, layer) changed over a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelChange {
    /// Index into [`CustomerLedger::items`].
    pub item: u32,
    /// Plan.
    pub plan: Option<Text>,
    /// Currency of the levels.
    pub currency: Currency,
    /// Attributes.
    pub epoch: u32,
    /// Layer.
    pub layer: Layer,
    /// Level before.
    pub before: Level,
    /// Level after.
    pub after: Level,
}

/// All that changed for one unit (customer, or subscription under that knob) in one netted group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Unit: 0 for the customer, else 1 + index of the subscription.
    pub unit: u32,
    /// Instant of the group's last step.
    pub at: Instant,
    /// Its local day in the report's zone.
    pub day: Day,
    /// `New`, `Reactivation` or `Churn` when presence changed; `None` otherwise.
    pub kind: Option<Kind>,
    /// Whether the unit was present before.
    pub present_before: bool,
    /// Whether it is after.
    pub present_after: bool,
    /// Posted rows; empty when everything netted to zero.
    pub rows: Vec<Row>,
    /// Level changes behind the rows, in the same order of items.
    pub changes: Vec<LevelChange>,
    /// The unit's level before, per currency.
    pub level_before: Money,
    /// And after.
    pub level_after: Money,
    /// True for what is expected after now.
    pub expected: bool,
}

/// The ledger of one customer.
#[derive(Clone, Debug)]
pub struct CustomerLedger {
    /// Canonical id.
    pub customer: Text,
    /// Items, sorted by (source, subscription, item).
    pub items: Vec<ItemInfo>,
    /// Attributes over time, as far as the report asks; at least one epoch, the first from the beginning.
    pub epochs: Vec<Epoch>,
    /// Per item, its phases over time.
    pub phases: Vec<Vec<Phase>>,
    /// The winning states that phases point to.
    pub states: Vec<Fact>,
    /// Steps by time, then unit.
    pub steps: Vec<Step>,
    /// When a level changes for the first time, before netting; may lie ahead.
    pub first_change: Option<Instant>,
    /// Under `movement.level = subscription`, the steps of the customer as a whole; see
    /// [`CustomerLedger::customer_steps`].
    pub(crate) whole: Option<Vec<Step>>,
}

impl CustomerLedger {
    /// The steps of the customer as a whole, by time: what head counts, retention and cohorts follow, whatever
    /// kinds of movement are decided over.
    pub fn customer_steps(&self) -> &[Step] {
        self.whole.as_deref().unwrap_or(&self.steps)
    }

    /// The state behind a phase.
    pub fn state(&self, phase: &Phase) -> Option<&ItemState> {
        match &self.states.get(phase.fact as usize)?.body {
            Body::State { state: Some(state), .. } => Some(state),
            _ => None,
        }
    }

    /// Id of a step: equal after re-import and rebuild.
    pub fn step_id(&self, step: &Step) -> String {
        let unit = step.unit.to_le_bytes();
        hash128_hex(&[b"step", self.customer.as_bytes(), &step.at.micros().to_le_bytes(), &unit])
    }

    /// Id of a row of a step: equal after re-import and rebuild.
    pub fn row_id(&self, step: &Step, row: &Row) -> String {
        let item = &self.items[row.item as usize];
        hash128_hex(&[
            b"movement",
            self.customer.as_bytes(),
            &step.at.micros().to_le_bytes(),
            item.source.as_bytes(),
            item.subscription.as_bytes(),
            item.item.as_bytes(),
            row.plan.as_deref().unwrap_or("\u{0}").as_bytes(),
            row.currency.as_str().as_bytes(),
            row.kind.as_str().as_bytes(),
            &row.amount.raw().to_le_bytes(),
            if row.regroup { b"regroup" } else { b"" },
        ])
    }

    /// The facts that made a row: the states behind the phases that began in its group, without repeats.
    pub fn row_facts(&self, row: &Row) -> Vec<&Fact> {
        let mut indices: Vec<u32> = self.phases[row.item as usize]
            [row.phases.0 as usize..row.phases.1 as usize]
            .iter()
            .map(|p| p.fact)
            .collect();
        indices.dedup();
        indices.into_iter().map(|i| &self.states[i as usize]).collect()
    }
}
