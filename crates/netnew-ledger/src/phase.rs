//! An item over time: states, and the transitions that need no event (section 2).

use crate::context::{Context, LedgerError};
use crate::level::{Level, discounted, level_of};
use crate::movement::Layer;
use netnew_facts::{Body, Discount, DiscountKind, Fact, ItemState, Status, Text, UsageType};
use netnew_money::{Amount, Instant, IntervalUnit, Ratio, line_value};
use netnew_policy::{
    ChurnTiming, DiscountRule, Grace, LimitedDiscountRule, MeteredRule, OneTimeDiscountRule, PauseRule,
    Policy, StatusSet, ZeroRule,
};

/// From `from` on, an item is this, until its next phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// First instant.
    pub from: Instant,
    /// Index of the winning state that it comes from.
    pub fact: u32,
    /// Status after transitions in time.
    pub status: Status,
    /// MRR and ARR.
    pub level: Level,
    /// True while it belongs to this customer and is not canceled.
    pub live: bool,
    /// True when its status counts.
    pub counts: bool,
    /// True when it holds a customer who is at 0 (section 4).
    pub kept: bool,
    /// Part of the stack.
    pub layer: Layer,
    /// What discounts take off per billing interval, exactly.
    pub off: Ratio,
    /// True when the level is 0 because of a payment that failed for good.
    pub lapsed: bool,
}

/// The winning states of one item, of consecutive indices from `first` in the customer's list.
pub struct ItemStates<'a> {
    /// Sorted by (effective_at, seq).
    pub facts: &'a [&'a Fact],
    /// Index of the first in the customer's list of states.
    pub first: u32,
    /// Ids that are this customer.
    pub ids: &'a [Text],
}

/// Where a discount began: when, and the billing interval it began in.
#[derive(Clone, Copy)]
struct Start {
    at: Instant,
    interval: IntervalUnit,
    count: u32,
}

struct Held<'a> {
    from: Instant,
    to: Instant,
    fact: u32,
    here: bool,
    state: &'a ItemState,
    /// Parallel to `state.discounts`: since when each has been carried without a break.
    discount_starts: Vec<Start>,
    past_due_since: Instant,
}

/// The phases of an item up to the horizon, by time. Empty when nothing of it is true yet.
pub fn phases(states: &ItemStates, ctx: &Context) -> Result<Vec<Phase>, LedgerError> {
    // A cancellation that lies ahead may have been asked for long before.
    let at_request = ctx.policy.churn_timing == ChurnTiming::AtRequest;
    let held = held_states(states, if at_request { Instant::MAX } else { ctx.horizon });
    let mut out: Vec<Phase> = Vec::with_capacity(held.len());
    for one in &held {
        for at in instants(one, states, ctx) {
            out.push(phase_at(one, at, states, ctx)?);
        }
    }
    if at_request {
        backdate_requests(&held, &mut out);
        out.retain(|phase| phase.from <= ctx.horizon);
    }
    Ok(out)
}

/// States that hold for some time, each with its span.
fn held_states<'a>(states: &ItemStates<'a>, horizon: Instant) -> Vec<Held<'a>> {
    let mut held: Vec<Held<'a>> = Vec::with_capacity(states.facts.len());
    for (at, fact) in states.facts.iter().enumerate() {
        let Body::State { effective_at, state: Some(state), .. } = &fact.body else { continue };
        if *effective_at > horizon {
            break;
        }
        // Of several states at one instant the last holds.
        if held.last().is_some_and(|h| h.from == *effective_at) {
            held.pop();
        }
        if let Some(last) = held.last_mut() {
            last.to = *effective_at;
        }
        let previous = held.last();
        let discount_starts = state
            .discounts
            .iter()
            .map(|d| {
                let here = Start { at: *effective_at, interval: state.interval, count: state.interval_count };
                previous.and_then(|p| carried_since(p, d)).unwrap_or(here)
            })
            .collect();
        let past_due_since = previous
            .filter(|p| p.state.status == Status::PastDue && state.status == Status::PastDue)
            .map_or(*effective_at, |p| p.past_due_since);
        held.push(Held {
            from: *effective_at,
            to: Instant::MAX,
            fact: states.first + at as u32,
            here: states.ids.contains(&fact.customer),
            state,
            discount_starts,
            past_due_since,
        });
    }
    held
}

fn carried_since(previous: &Held, discount: &Discount) -> Option<Start> {
    let at = previous.state.discounts.iter().position(|d| d == discount)?;
    Some(previous.discount_starts[at])
}

/// The instants at which a held state begins a phase: its start, and its transitions inside its span.
fn instants(held: &Held, states: &ItemStates, ctx: &Context) -> Vec<Instant> {
    let mut at = vec![held.from];
    let mut transition = |instant: Option<Instant>| {
        if let Some(instant) = instant
            && instant > held.from
            && instant < held.to
            && instant <= ctx.horizon
        {
            at.push(instant);
        }
    };
    transition(conversion(held, states, ctx));
    transition(held.state.cancel_at);
    transition(grace_end(held, ctx));
    if ctx.policy.churn_timing == ChurnTiming::AtRequest && held.state.cancel_at.is_some() {
        transition(held.state.cancel_requested_at);
    }
    for (discount, start) in held.state.discounts.iter().zip(&held.discount_starts) {
        transition(discount_end(discount, *start, held.state, ctx));
    }
    at.sort_unstable();
    at.dedup();
    at
}

/// When a trial turns into a paid subscription by itself, if that is known to have happened or still ahead.
fn conversion(held: &Held, states: &ItemStates, ctx: &Context) -> Option<Instant> {
    if held.state.status != Status::Trialing {
        return None;
    }
    let end = held.state.trial_end?;
    let source = &states.facts[0].source;
    let known = ctx.data_through.get(source).is_some_and(|through| end <= *through);
    (known || end > ctx.now()).then(|| end.max(held.from))
}

fn grace_end(held: &Held, ctx: &Context) -> Option<Instant> {
    if held.state.status != Status::PastDue {
        return None;
    }
    let end = match ctx.policy.past_due_grace {
        Grace::Never => return None,
        Grace::Days(days) => {
            ctx.book_zone.add_interval(held.past_due_since, IntervalUnit::Day, i32::from(days))
        }
        Grace::Months(months) => {
            ctx.book_zone.add_interval(held.past_due_since, IntervalUnit::Month, i32::from(months))
        }
    };
    Some(end)
}

/// From when a discount no longer applies; `Some(start)` when the policy never applies it, `None` for never.
fn discount_end(discount: &Discount, begun: Start, state: &ItemState, ctx: &Context) -> Option<Instant> {
    let policy = ctx.policy;
    let start = begun.at;
    let one_time = || {
        if policy.discount_one_time == OneTimeDiscountRule::Ignore {
            return start;
        }
        let count = i32::try_from(begun.count).unwrap_or(i32::MAX);
        ctx.book_zone.add_interval(start, begun.interval, count)
    };
    match discount.kind {
        DiscountKind::Forever if policy.discount_forever == DiscountRule::Ignore => Some(start),
        DiscountKind::Forever => discount.until,
        DiscountKind::Repeating => match policy.discount_recurring_limited {
            LimitedDiscountRule::Ignore => Some(start),
            LimitedDiscountRule::MonthlyPlansOnly if !at_most_a_month(state) => {
                Some(discount.until.map_or_else(one_time, |until| until.min(one_time())))
            }
            _ => discount.until,
        },
        DiscountKind::Once if policy.discount_one_time == OneTimeDiscountRule::Ignore => Some(start),
        DiscountKind::Once => Some(discount.until.unwrap_or_else(one_time)),
    }
}

fn at_most_a_month(state: &ItemState) -> bool {
    match state.interval {
        IntervalUnit::Day => state.interval_count <= 31,
        IntervalUnit::Week => state.interval_count <= 4,
        IntervalUnit::Month => state.interval_count <= 1,
        IntervalUnit::Year => false,
    }
}

fn phase_at(held: &Held, at: Instant, states: &ItemStates, ctx: &Context) -> Result<Phase, LedgerError> {
    let state = held.state;
    let policy = ctx.policy;
    let mut status = state.status;
    if conversion(held, states, ctx).is_some_and(|end| at >= end) {
        status = Status::Active;
    }
    if state.cancel_at.is_some_and(|end| at >= end) {
        status = Status::Canceled;
    }
    let requested = policy.churn_timing == ChurnTiming::AtRequest
        && state.cancel_at.is_some()
        && state.cancel_requested_at.is_some_and(|asked| at >= asked);
    if requested {
        status = Status::Canceled;
    }
    let out_of_grace = status == Status::PastDue && grace_end(held, ctx).is_some_and(|end| at >= end);
    let overflow = || LedgerError::Overflow {
        customer: states.facts[0].customer.to_string(),
        item: item_id(states.facts[0]),
    };
    let applying: Vec<Discount> = state
        .discounts
        .iter()
        .zip(&held.discount_starts)
        .filter(|(d, start)| discount_end(d, **start, state, ctx).is_none_or(|end| at < end))
        .map(|(d, _)| *d)
        .collect();
    let mut standing =
        Standing::of(state, status, held.here, out_of_grace, &applying, policy).ok_or_else(overflow)?;
    if standing.counts && state.usage_type == UsageType::Licensed {
        standing.level.committed = committed(held, at, standing.level, ctx).ok_or_else(overflow)?;
    }
    Ok(Phase {
        from: at,
        fact: held.fact,
        status,
        level: standing.level,
        live: standing.live,
        counts: standing.counts,
        kept: standing.kept,
        layer: standing.layer,
        off: standing.off,
        lapsed: standing.lapsed,
    })
}

/// What a state is worth and counts as, once it is settled which status and discounts hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// MRR and ARR; `committed` is the same as MRR here.
    pub level: Level,
    /// True while it belongs to this customer and is not canceled.
    pub live: bool,
    /// True when its status counts.
    pub counts: bool,
    /// True when it holds a customer who is at 0 (section 4).
    pub kept: bool,
    /// Part of the stack.
    pub layer: Layer,
    /// What discounts take off per billing interval, exactly.
    pub off: Ratio,
    /// True when the level is 0 because of a payment that failed for good.
    pub lapsed: bool,
}

impl Standing {
    /// The standing of a state under `status` (after transitions in time) with the discounts that apply. `here`: the
    /// state names this customer; `out_of_grace`: it has been past due for too long. `None` when the numbers do not fit.
    pub fn of(
        state: &ItemState,
        status: Status,
        here: bool,
        out_of_grace: bool,
        applying: &[Discount],
        policy: &Policy,
    ) -> Option<Standing> {
        let live = here && status != Status::Canceled;
        let mut standing = Standing {
            level: Level::ZERO,
            live,
            counts: false,
            kept: false,
            layer: layer(status, state, false),
            off: Ratio::ZERO,
            lapsed: live && (out_of_grace || status == Status::Unpaid),
        };
        if !live {
            return Some(standing);
        }
        standing.counts = counts(status, policy) && !out_of_grace;
        if standing.counts {
            let metered = state.usage_type == UsageType::Metered && policy.metered == MeteredRule::Excluded;
            if !metered {
                standing.level = level_of(state, applying, policy)?;
            }
            let gross = line_value(state.amount, state.quantity_micros)?;
            if !applying.is_empty() {
                let net = discounted(gross, applying)?;
                standing.off = gross.checked_sub(net)?;
                standing.layer = layer(status, state, standing.off != Ratio::ZERO);
                let taken_off = gross > Ratio::ZERO && net == Ratio::ZERO;
                standing.kept = policy.discount_100 == ZeroRule::StaysActive && taken_off && !metered;
            }
            standing.kept |= policy.free_plan == ZeroRule::StaysActive && gross == Ratio::ZERO && !metered;
        }
        standing.kept |= policy.free_plan == ZeroRule::StaysActive && status == Status::Free;
        standing.kept |= policy.pause == PauseRule::Contraction && status == Status::Paused;
        Some(standing)
    }
}

/// MRR once what is fixed has happened: 0 with a scheduled cancel or on a trial, without discounts that will
/// end, otherwise as it is.
fn committed(held: &Held, at: Instant, level: Level, ctx: &Context) -> Option<Amount> {
    let state = held.state;
    let on_trial = state.status == Status::Trialing && at > ctx.now();
    if state.cancel_at.is_some() || on_trial {
        return Some(Amount::ZERO);
    }
    if state.discounts.is_empty() {
        return Some(level.mrr);
    }
    let lasting: Vec<Discount> = state
        .discounts
        .iter()
        .zip(&held.discount_starts)
        .filter(|(d, start)| discount_end(d, **start, state, ctx).is_none())
        .map(|(d, _)| *d)
        .collect();
    Some(level_of(state, &lasting, ctx.policy)?.mrr)
}

fn counts(status: Status, policy: &Policy) -> bool {
    let counted: &StatusSet = &policy.statuses_counted;
    match status {
        Status::Active => counted.active,
        Status::PastDue => counted.past_due,
        Status::Trialing => counted.trialing || policy.trial_counts(),
        Status::Unpaid => counted.unpaid || policy.unpaid_counts(),
        Status::Paused => counted.paused || policy.pause == PauseRule::Counted,
        Status::Canceled | Status::Free => false,
    }
}

fn layer(status: Status, state: &ItemState, discounted: bool) -> Layer {
    match status {
        Status::PastDue | Status::Unpaid => Layer::PastDue,
        Status::Paused => Layer::Paused,
        _ if state.cancel_at.is_some() || state.cancel_requested_at.is_some() => Layer::Cancelling,
        _ if discounted => Layer::Discounted,
        _ => Layer::Paid,
    }
}

/// Under `churn.timing = at_request`: a cancellation that says when it was asked for takes the level to 0 from
/// then on, back over the states before it.
fn backdate_requests(held: &[Held], phases: &mut Vec<Phase>) {
    for end in held.iter().filter(|h| h.state.status == Status::Canceled) {
        let Some(asked) = end.state.cancel_requested_at.filter(|r| *r < end.from) else { continue };
        let running = phases.iter().rposition(|p| p.from <= asked);
        for phase in phases.iter_mut().filter(|p| p.from >= asked && p.from < end.from) {
            gone(phase);
        }
        if let Some(running) = running.filter(|at| phases[*at].from < asked) {
            let mut cut = Phase { from: asked, fact: end.fact, ..phases[running].clone() };
            gone(&mut cut);
            phases.insert(running + 1, cut);
        }
    }
}

fn gone(phase: &mut Phase) {
    phase.status = Status::Canceled;
    phase.level = Level::ZERO;
    phase.live = false;
    phase.counts = false;
    phase.kept = false;
    phase.lapsed = false;
    phase.off = Ratio::ZERO;
}

fn item_id(fact: &Fact) -> String {
    match &fact.body {
        Body::State { item, .. } => item.to_string(),
        Body::Attributes { .. } | Body::Entry { .. } => String::new(),
    }
}
