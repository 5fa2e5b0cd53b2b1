//! What entries do to items (section 10 of `docs/ledger.md`): items that wait for money, time that was refunded, levels
//! by usage. All of it becomes states, so that everything after it is as without entries.

use crate::context::{Context, LedgerError};
use crate::invoiced::{Invoiced, part_of, takes_amounts};
use crate::valuation::overflow;
use netnew_facts::{
    Body, CustomerFacts, Entry, Fact, InvoiceStatus, ItemState, PaymentResult, Status, Usage, UsageType,
    winning_entries, winning_states,
};
use netnew_money::{Decimal, Instant, IntervalUnit, Ratio};
use netnew_policy::{ActivationMoment, ChurnTiming, CreditNoteRule, MeteredRule, RefundRule};
use std::collections::{BTreeMap, BTreeSet};

/// The customer's facts with states in place of what entries say; `None` where the policy asks nothing of entries.
///
/// # Errors
/// Amounts that are too large to compute exactly.
pub(crate) fn prepared(
    customer: &CustomerFacts,
    ctx: &Context,
) -> Result<Option<CustomerFacts>, LedgerError> {
    if !ctx.policy.uses_entries() {
        return Ok(None);
    }
    let told = Told::new(customer, ctx);
    let winners = winning_states(&customer.facts, ctx.known_on);
    let mut facts: Vec<Fact> =
        customer.facts.iter().filter(|f| matches!(f.body, Body::Attributes { .. })).cloned().collect();
    for states in winners.chunk_by(|a, b| item_of(a) == item_of(b)) {
        facts.extend(item(states, &told, ctx).ok_or_else(|| overflow(&customer.customer))?);
    }
    Ok(Some(CustomerFacts { customer: customer.customer.clone(), ids: customer.ids.clone(), facts }))
}

fn item_of(fact: &Fact) -> Option<(&str, &str, &str)> {
    match &fact.body {
        Body::State { subscription, item, .. } => Some((&fact.source, subscription, item)),
        _ => None,
    }
}

fn state_of(fact: &Fact) -> Option<(Instant, &ItemState)> {
    match &fact.body {
        Body::State { effective_at, state: Some(state), .. } => Some((*effective_at, state)),
        _ => None,
    }
}

/// A stretch of time, its end left out.
type Span = (Instant, Instant);

/// An invoice: when it was opened, what it is, and the subscriptions it bills.
type Billed<'f> = (Instant, &'f netnew_facts::Invoice, BTreeSet<&'f str>);

/// What a customer's entries say, as far as rules ask.
struct Told<'f> {
    /// Instants from which a subscription's items may count; without a subscription: of all of them.
    moments: Vec<(BTreeSet<&'f str>, Instant)>,
    /// Whether items wait for one.
    waits: bool,
    /// Time taken out of the history, by subscription.
    erased: BTreeMap<&'f str, Vec<Span>>,
    usage: Vec<(Instant, &'f Usage)>,
    /// What was invoiced, and given back of it.
    invoiced: Invoiced<'f>,
}

impl<'f> Told<'f> {
    fn new(customer: &'f CustomerFacts, ctx: &Context) -> Told<'f> {
        let entries: Vec<(&'f Fact, Instant, &'f Entry)> = winning_entries(customer, ctx.known_on)
            .into_iter()
            .filter(|(_, at, _)| *at <= ctx.as_of)
            .collect();
        let mut invoices: BTreeMap<&'f str, Billed<'f>> = BTreeMap::new();
        for (fact, at, entry) in &entries {
            if let (Entry::Invoice(invoice), Body::Entry { key, .. }) = (entry, &fact.body)
                && !matches!(invoice.status, InvoiceStatus::Draft | InvoiceStatus::Void)
            {
                let lines = invoice.lines.iter().filter_map(|line| line.subscription.as_deref());
                let subscriptions: BTreeSet<&str> = lines.chain(invoice.subscription.as_deref()).collect();
                invoices.insert(&**key, (*at, invoice, subscriptions));
            }
        }
        let mut told = Told {
            moments: Vec::new(),
            waits: ctx.policy.activation_moment != ActivationMoment::Start,
            erased: BTreeMap::new(),
            usage: Vec::new(),
            invoiced: Invoiced::new(
                &entries,
                matches!(ctx.policy.refund, RefundRule::ReducesMrr | RefundRule::AnnualRefundChurns),
                ctx.policy.credit_note == CreditNoteRule::ReducesMrr,
            ),
        };
        let mut paid_for: BTreeMap<&str, &str> = BTreeMap::new();
        let mut refunded: BTreeMap<&str, netnew_money::Amount> = BTreeMap::new();
        for (fact, at, entry) in &entries {
            match entry {
                Entry::Usage(usage) => told.usage.push((*at, usage)),
                Entry::Payment(payment) => {
                    if let (Some(invoice), Body::Entry { key, .. }) = (payment.invoice.as_deref(), &fact.body)
                    {
                        paid_for.insert(key, invoice);
                    }
                    let counts = payment.result == PaymentResult::Succeeded && payment.amount.is_positive();
                    if counts && ctx.policy.activation_moment == ActivationMoment::FirstPayment {
                        let billed = payment.invoice.as_deref().and_then(|invoice| invoices.get(invoice));
                        let mut of = billed.map(|(_, _, of)| of.clone()).unwrap_or_default();
                        of.extend(payment.subscription.as_deref());
                        told.moments.push((of, *at));
                    }
                }
                _ => {}
            }
        }
        if ctx.policy.activation_moment == ActivationMoment::InvoiceOpened {
            let opened = invoices.values().filter(|(_, invoice, _)| invoice.total.is_positive());
            told.moments.extend(opened.map(|(at, _, of)| (of.clone(), *at)));
        }
        if ctx.policy.refund == RefundRule::ErasesHistory {
            for (_, _, entry) in &entries {
                let Entry::Refund(refund) = entry else { continue };
                let payment = refund.payment.as_deref().and_then(|payment| paid_for.get(payment).copied());
                if let (Some(invoice), PaymentResult::Succeeded) =
                    (refund.invoice.as_deref().or(payment), refund.result)
                {
                    *refunded.entry(invoice).or_default() += refund.amount;
                }
            }
            for (key, (_, invoice, _)) in invoices {
                let whole = refunded.get(key).is_some_and(|r| *r >= invoice.total);
                if !whole || !invoice.total.is_positive() {
                    continue;
                }
                for line in &invoice.lines {
                    let of = line.subscription.as_deref().or(invoice.subscription.as_deref());
                    if let (Some(of), Some(start), Some(end)) = (of, line.period_start, line.period_end) {
                        told.erased.entry(of).or_default().push((start, end));
                    }
                }
            }
        }
        told
    }

    /// When items of a subscription do not count, whatever their states say.
    fn silent(&self, subscription: &str) -> Vec<Span> {
        let mut spans = self.erased.get(subscription).cloned().unwrap_or_default();
        if self.waits {
            let about = self.moments.iter().filter(|(of, _)| of.is_empty() || of.contains(subscription));
            let first = about.map(|(_, at)| *at).min().unwrap_or(Instant::MAX);
            spans.push((Instant::MIN, first));
        }
        spans
    }
}

/// What entries do to one item.
struct Acting<'a> {
    id: (&'a str, &'a str, &'a str),
    silent: Vec<Span>,
    levels: Vec<(Instant, Level)>,
    /// Time in which it has ended already, because it was paid back.
    over: Vec<Span>,
    /// Whether what was given back lowers its price.
    lowers: bool,
    told: &'a Told<'a>,
    rule: MeteredRule,
}

/// One item's states with what entries do to them; `None` where an amount does not fit.
fn item(facts: &[&Fact], told: &Told, ctx: &Context) -> Option<Vec<Fact>> {
    let Some((source, subscription, id)) = item_of(facts[0]) else { return Some(Vec::new()) };
    let of = (source, subscription, id);
    let moved: Vec<Fact>;
    let put_off: Vec<&Fact>;
    let facts = if ctx.policy.churn_timing == ChurnTiming::PeriodEnd {
        moved = ends_put_off(facts, of, &told.invoiced);
        put_off = moved.iter().collect();
        &put_off[..]
    } else {
        facts
    };
    let metered = ctx.policy.metered != MeteredRule::Excluded
        && facts.iter().any(|f| state_of(f).is_some_and(|(_, s)| s.usage_type == UsageType::Metered));
    let acting = Acting {
        id: of,
        silent: told.silent(subscription),
        levels: if metered { levels(facts, subscription, id, told, ctx) } else { Vec::new() },
        over: if ctx.policy.refund == RefundRule::AnnualRefundChurns {
            ended_by_refund(facts, of, &told.invoiced)
        } else {
            Vec::new()
        },
        lowers: ctx.policy.refund == RefundRule::ReducesMrr
            || ctx.policy.credit_note == CreditNoteRule::ReducesMrr,
        told,
        rule: ctx.policy.metered,
    };
    let first = facts.iter().filter_map(|f| state_of(f)).map(|(at, _)| at).min();
    let spans = acting.silent.iter().chain(&acting.over);
    let mut cuts: BTreeSet<Instant> = spans.flat_map(|(from, to)| [*from, *to]).collect();
    cuts.extend(acting.levels.iter().map(|(at, _)| *at));
    if acting.lowers {
        cuts.extend(told.invoiced.cuts(of));
    }
    let stated: BTreeSet<Instant> = facts.iter().filter_map(|f| state_of(f)).map(|(at, _)| at).collect();
    let mut out: Vec<Fact> = Vec::with_capacity(facts.len() + cuts.len());
    for fact in facts {
        if let Some((at, _)) = state_of(fact) {
            out.push(changed(fact, at, &acting)?);
        }
    }
    for at in cuts.into_iter().filter(|at| first.is_some_and(|first| first < *at) && !stated.contains(at)) {
        // The last state that began before; of several at one instant the last is the highest.
        let held = facts.iter().rev().find(|f| state_of(f).is_some_and(|(from, _)| from < at));
        let Some((fact, (_, state))) = held.and_then(|f| Some((f, state_of(f)?))) else { continue };
        let over = state.status == Status::Canceled || state.cancel_at.is_some_and(|end| end <= at);
        if !over && at < Instant::MAX {
            out.push(changed(fact, at, &acting)?);
        }
    }
    Some(out)
}

/// An item's states with every end inside an invoiced period put off to the end of that period.
fn ends_put_off(facts: &[&Fact], of: (&str, &str, &str), invoiced: &Invoiced) -> Vec<Fact> {
    let mut out = Vec::with_capacity(facts.len());
    for (index, fact) in facts.iter().enumerate() {
        let mut fact = (*fact).clone();
        if let Body::State { effective_at, state: Some(state), .. } = &mut fact.body {
            state.cancel_at = state.cancel_at.map(|end| invoiced.period_end(of, end.max(*effective_at)));
            if state.status == Status::Canceled {
                let end = invoiced.period_end(of, *effective_at);
                let next = facts[index + 1..].iter().find_map(|f| state_of(f));
                if next.is_some_and(|(next, _)| next <= end && end > *effective_at) {
                    continue; // It went on before the period was over.
                }
                *effective_at = end;
            }
        }
        out.push(fact);
    }
    out
}

/// When an item billed by the year or longer has ended because it was paid back: from the refund, or the request to
/// cancel if that came later, to the end that it had otherwise.
fn ended_by_refund(facts: &[&Fact], of: (&str, &str, &str), invoiced: &Invoiced) -> Vec<Span> {
    let refunded = invoiced.refunded(of);
    let mut out = Vec::new();
    let mut yearly = false;
    for (began, state) in facts.iter().filter_map(|f| state_of(f)) {
        let months = match state.interval {
            IntervalUnit::Year => 12,
            IntervalUnit::Month => 1,
            _ => 0,
        };
        let canceled = state.status == Status::Canceled;
        yearly = if canceled { yearly } else { months * state.interval_count >= 12 };
        let (end, asked) = match (canceled, state.cancel_at) {
            (true, _) => (began, state.cancel_requested_at),
            (false, Some(end)) => (end, Some(state.cancel_requested_at.unwrap_or(began))),
            (false, None) => continue,
        };
        for (at, until) in refunded.iter().filter(|(at, until)| yearly && *at < end && end <= *until) {
            let from = (*at).max(asked.unwrap_or(end));
            if from < end {
                out.push((from, end.min(*until)));
            }
        }
    }
    out
}

/// The state as it is from an instant on: not counting inside a silent span, ended where it was paid back, a metered
/// one at its last level, at what is left of its price where some was given back. `None` where that does not fit.
fn changed(fact: &Fact, at: Instant, acting: &Acting) -> Option<Fact> {
    let mut fact = fact.clone();
    let Body::State { effective_at, state: Some(state), .. } = &mut fact.body else { return Some(fact) };
    *effective_at = at;
    if acting.rule == MeteredRule::CommittedPlusOverage {
        // What is used beyond the committed amount is kept apart, so the item counts like any other.
        state.usage_type = UsageType::Licensed;
    }
    let by_usage = !matches!(acting.rule, MeteredRule::Excluded | MeteredRule::CommittedPlusOverage);
    if state.usage_type == UsageType::Metered && by_usage {
        let level = acting.levels.iter().rev().find(|(from, _)| *from <= at).map(|(_, level)| *level);
        let level = level.unwrap_or(Level { sum: Decimal::ZERO, months: 1 });
        state.amount = level.sum;
        state.quantity_micros = 1_000_000;
        state.interval = IntervalUnit::Month;
        state.interval_count = level.months;
        state.discounts.clear();
    } else if acting.lowers {
        let kept = acting.told.invoiced.kept(acting.id, at, takes_amounts(&state.discounts))?;
        if kept < Ratio::ONE {
            state.amount = part_of(state.amount, kept)?;
        }
    }
    if acting.over.iter().any(|(from, to)| (*from..*to).contains(&at)) {
        state.status = Status::Canceled;
    }
    if acting.silent.iter().any(|(from, to)| (*from..*to).contains(&at)) {
        match state.status {
            Status::Canceled => {}
            Status::Trialing => state.trial_end = None,
            _ => state.status = Status::Free,
        }
    }
    Some(fact)
}

/// What a metered item's use was worth: a sum over so many months.
#[derive(Clone, Copy)]
struct Level {
    sum: Decimal,
    months: u32,
}

/// The levels set at the ends of local months, from the first state's month on.
fn levels(
    facts: &[&Fact],
    subscription: &str,
    item: &str,
    told: &Told,
    ctx: &Context,
) -> Vec<(Instant, Level)> {
    if ctx.policy.metered == MeteredRule::CommittedPlusOverage {
        return Vec::new();
    }
    let Some((begins, _)) = facts.first().and_then(|f| state_of(f)) else { return Vec::new() };
    let about: Vec<(Instant, &Usage)> = told
        .usage
        .iter()
        .filter(|(_, usage)| {
            let of_item = usage.item.as_deref().is_none_or(|named| named == item);
            of_item && usage.subscription.as_deref().is_none_or(|named| named == subscription)
        })
        .copied()
        .collect();
    let mut out = Vec::new();
    let first_month = ctx.zone.day_of(begins).first_of_month();
    let mut day = first_month.add_months(1);
    while ctx.zone.start_of(day) <= ctx.as_of {
        let end = ctx.zone.start_of(day);
        let (from, months) = match ctx.policy.metered {
            MeteredRule::ThreeMonthMean => {
                let since = day.add_months(-3).max(first_month);
                let whole = (1..=3).find(|n| day.add_months(-n) <= since).unwrap_or(3);
                (ctx.zone.start_of(since), whole as u32)
            }
            _ => (ctx.zone.start_of(day.add_days(-30)), 1),
        };
        let used = about.iter().filter(|(at, _)| (from..end).contains(at));
        let sum = used.fold(Ratio::ZERO, |sum, (at, usage)| {
            let worth = worth(usage, *at, facts).unwrap_or(Ratio::ZERO);
            sum.checked_add(worth).unwrap_or(sum)
        });
        let exact = sum.to_amount(netnew_money::Rounding::HalfEven).unwrap_or_default();
        out.push((end, Level { sum: exact.to_decimal(), months }));
        day = day.add_months(1);
    }
    out
}

/// What a record is worth: its own amount, or quantity x the unit price of the state that held then.
fn worth(usage: &Usage, at: Instant, facts: &[&Fact]) -> Option<Ratio> {
    let held = facts.iter().rev().filter_map(|f| state_of(f)).find(|(from, _)| *from <= at);
    let (_, state) = held.or_else(|| facts.first().and_then(|f| state_of(f)))?;
    match usage.amount {
        // An amount in another currency than the item's is not the item's.
        Some(_) if usage.currency.is_some_and(|currency| currency != state.currency) => None,
        Some(amount) => Some(Ratio::from_amount(amount)),
        None => usage.quantity.to_ratio().checked_mul(state.amount.to_ratio()),
    }
}
