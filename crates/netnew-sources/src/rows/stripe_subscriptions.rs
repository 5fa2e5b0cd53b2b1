//! Stripe's dashboard export of subscriptions: the life of each is rebuilt from one row.
//!
//! The export is a snapshot. It has the dates of a life (start, trial, request to cancel, end) but only today's
//! plan, price and quantity, so earlier ones cannot be known and every state before the last is marked as
//! reconstructed. `Amount` is taken as the plan's price of one unit, in major units.

use std::collections::HashMap;

use netnew_facts::{Body, CancelReason, ItemState, Statement, StatementBody, Status, Text, UsageType};
use netnew_money::{Instant, IntervalUnit};

use crate::code;
use crate::fields::Field;
use crate::problem::Complaint;
use crate::row::{Interner, RowView};
use crate::rows::item::{interval, quantity_micros};
use crate::rows::{Decode, statement};
use crate::words;

pub(crate) struct StripeSubscriptions {
    texts: Interner,
    /// Plan of the first row of each subscription, by the hash of its id.
    first_plans: HashMap<u64, Option<Text>>,
    incomplete: u64,
}

/// The dates of a subscription's life.
struct Life {
    start: Instant,
    /// Start and end of the trial.
    trial: Option<(Instant, Instant)>,
    /// From when on the current status is known to hold.
    current: Instant,
    ended: Option<Instant>,
}

impl StripeSubscriptions {
    pub(crate) fn new() -> StripeSubscriptions {
        StripeSubscriptions { texts: Interner::new(), first_plans: HashMap::new(), incomplete: 0 }
    }

    /// A subscription with several plans has a row for each. The first row is the item of the subscription's
    /// own name, as in an export where it is the only one; the others carry their plan.
    fn item(&mut self, subscription: &Text, plan: Option<&Text>) -> Text {
        // Two ids of one hash would only name an item after its plan without need.
        let key = netnew_facts::hash64(subscription.as_bytes());
        let first = self.first_plans.entry(key).or_insert_with(|| plan.cloned());
        match (first.as_ref() == plan, plan) {
            (true, _) | (_, None) => subscription.clone(),
            (false, Some(plan)) => self.texts.get(&format!("{subscription}/{plan}")),
        }
    }

    fn base(&mut self, row: RowView<'_>, status: Status) -> Result<ItemState, Complaint> {
        let stated = row.currency(Field::Currency)?;
        let (amount, currency) =
            row.money(Field::Amount, stated)?.ok_or_else(|| row.missing(Field::Amount))?;
        if row.text(Field::Interval)?.is_none() {
            return Err(row.missing(Field::Interval));
        }
        let (interval, interval_count): (IntervalUnit, u32) = interval(row)?;
        let plan = match row.text(Field::Plan)? {
            Some(plan) => Some(plan),
            None => row.text(Field::Product)?,
        };
        Ok(ItemState {
            status,
            plan: plan.map(|plan| self.texts.get(&plan)),
            amount,
            currency,
            interval,
            interval_count,
            quantity_micros: quantity_micros(row)?,
            usage_type: UsageType::Licensed,
            discounts: Vec::new(),
            trial_end: None,
            cancel_requested_at: None,
            cancel_at: None,
            reason: None,
            reason_text: None,
            reconstructed: false,
        })
    }
}

impl Decode for StripeSubscriptions {
    fn decode(&mut self, row: RowView<'_>, out: &mut Vec<Statement>) -> Result<(), Complaint> {
        let subscription = self.texts.get(&row.needed_text(Field::Subscription)?);
        let customer = self.texts.get(&row.needed_text(Field::Customer)?);
        let status_text = row.needed_text(Field::Status)?;
        if words::plain(&status_text).starts_with("incomplete") {
            self.incomplete += 1;
            return Ok(());
        }
        let status = row.word(Field::Status, words::status)?.unwrap_or(Status::Active);
        let base = self.base(row, status)?;
        let life = life(row, status)?;
        let item = self.item(&subscription, base.plan.as_ref());
        for (effective_at, state) in states(row, &life, base)? {
            let (subscription, item) = (subscription.clone(), item.clone());
            let body = Body::State { subscription, item, effective_at, seq: 0, state: Some(Box::new(state)) };
            out.push(statement(row, StatementBody::Customer { customer: customer.clone(), body })?);
        }
        Ok(())
    }

    fn closing_notes(&self) -> Vec<String> {
        match self.incomplete {
            0 => Vec::new(),
            1 => vec!["1 row left out because its first payment never came (incomplete)".to_string()],
            n => vec![format!("{n} rows left out because their first payment never came (incomplete)")],
        }
    }
}

/// Finds the dates of a life. `Start Date` may lie before `Created` (backdated); the older column `Start` moves
/// when the plan changes, so of it and `Created` the earlier one counts.
fn life(row: RowView<'_>, status: Status) -> Result<Life, Complaint> {
    let (created, moved) = (row.instant(Field::Created)?, row.instant(Field::Start)?);
    let start = match row.instant(Field::EffectiveAt)? {
        Some(start) => start,
        None => [created, moved].into_iter().flatten().min().ok_or_else(|| {
            let missing = row.missing(Field::Created);
            match row.setup.columns.has(Field::Created) {
                true => missing,
                false => row.missing(Field::Start),
            }
        })?,
    };
    let trial = row.instant(Field::TrialEnd)?.filter(|end| *end > start);
    let trial = match trial {
        Some(end) => Some((row.instant(Field::TrialStart)?.unwrap_or(start).max(start), end)),
        None => None,
    };
    let ended = match status {
        Status::Canceled => {
            let ended = row.instant(Field::EndedAt)?;
            let ended = if ended.is_some() { ended } else { row.instant(Field::CancelRequestedAt)? };
            Some(ended.ok_or_else(|| row.missing(Field::EndedAt))?.max(start))
        }
        _ => None,
    };
    let after_trial = trial.map_or(start, |(_, end)| end);
    let current = match status {
        Status::Trialing => trial.map_or(start, |(from, _)| from),
        Status::Canceled => ended.unwrap_or(after_trial),
        // The failed payment is the one that opened the current period; a pause is only known to be one now.
        Status::PastDue | Status::Unpaid | Status::Paused => {
            row.instant(Field::PeriodStart)?.unwrap_or(after_trial).max(after_trial)
        }
        Status::Active | Status::Free => after_trial,
    };
    Ok(Life { start, trial, current, ended })
}

/// The states of a life, oldest first: trial, then active, then the current status, which alone is observed.
fn states(row: RowView<'_>, life: &Life, base: ItemState) -> Result<Vec<(Instant, ItemState)>, Complaint> {
    let earlier = |status: Status, trial_end: Option<Instant>| {
        let mut state = base.clone();
        (state.status, state.trial_end, state.reconstructed) = (status, trial_end, true);
        state
    };
    let mut states = Vec::with_capacity(3);
    match life.trial {
        Some((from, to)) => {
            if from > life.start {
                states.push((life.start, earlier(Status::Active, None)));
            }
            states.push((from, earlier(Status::Trialing, Some(to))));
            states.push((to, earlier(Status::Active, None)));
        }
        None => states.push((life.start, earlier(Status::Active, None))),
    }
    states.retain(|(at, _)| *at < life.current);
    let mut now = base;
    now.trial_end = life.trial.map(|(_, end)| end).filter(|_| now.status == Status::Trialing);
    now.cancel_requested_at = row.instant(Field::CancelRequestedAt)?;
    if life.ended.is_none() {
        now.cancel_at = scheduled_end(row)?;
        // An old request that was taken back is still in the export.
        now.cancel_requested_at = now.cancel_requested_at.filter(|_| now.cancel_at.is_some());
    }
    if now.status == Status::Canceled || now.cancel_at.is_some() {
        (now.reason, now.reason_text) = reason(row)?;
    }
    states.push((life.current, now));
    Ok(states)
}

/// When a running subscription will end: a date of its own, or the end of the period.
fn scheduled_end(row: RowView<'_>) -> Result<Option<Instant>, Complaint> {
    if let Some(at) = row.instant(Field::CancelAt)? {
        return Ok(Some(at));
    }
    if !row.flag(Field::CancelAtPeriodEnd)? {
        return Ok(None);
    }
    row.instant(Field::PeriodEnd)?.map(Some).ok_or_else(|| {
        row.complain(
            Field::CancelAtPeriodEnd,
            code::MISSING_VALUE,
            "the subscription ends with its period, but the end of the period is not given",
            "export the column Current Period End (UTC) too",
        )
    })
}

/// Stripe's reasons say who ended it; any other word is kept as text.
fn reason(row: RowView<'_>) -> Result<(Option<CancelReason>, Option<Text>), Complaint> {
    let Some(text) = row.text(Field::Reason)? else { return Ok((None, None)) };
    Ok(match words::reason(&text) {
        Ok((who, words)) => (Some(who), words.map(Text::from)),
        Err(_) => (None, Some(Text::from(&*text))),
    })
}
