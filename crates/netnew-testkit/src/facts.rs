//! Plain rows as facts, the way a book would hold them.

use std::collections::{BTreeMap, BTreeSet};

use netnew_facts::{
    Body, CancelReason, CustomerFacts, Discount, DiscountKind, DiscountLevel, DiscountValue, Fact, ItemState,
    PayloadRef, RateFact, Status, Text, UsageType,
};

use crate::bills::entry_fact;
use crate::rows::{
    DEFAULT_SOURCE, KNOWN_FROM_THE_START, PlainAttributes, PlainDiscount, PlainDuration, PlainHistory,
    PlainOff, PlainRate, PlainRow, PlainStatus,
};

/// The facts of a history, filed per customer in the order of customer ids, booked in the order of the rows:
/// states first, then attributes, then entries.
///
/// Where rows of one (source, subscription) name several customers, all of them are filed under each of those
/// customers, so that each sees the subscription come or go.
pub fn to_facts(history: &PlainHistory) -> Vec<CustomerFacts> {
    let mut owners: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for row in &history.rows {
        owners.entry((&row.source, &row.subscription)).or_default().insert(&row.customer);
    }
    let mut filed: BTreeMap<&str, Vec<Fact>> = BTreeMap::new();
    for (booked_seq, row) in (1u64..).zip(&history.rows) {
        let fact = state_fact(row, booked_seq);
        for customer in &owners[&(row.source.as_str(), row.subscription.as_str())] {
            filed.entry(customer).or_default().push(fact.clone());
        }
    }
    let booked_before = history.rows.len() as u64;
    for (booked_seq, row) in (booked_before + 1..).zip(&history.attributes) {
        filed.entry(&row.customer).or_default().push(attribute_fact(row, booked_seq));
    }
    let booked_before = booked_before + history.attributes.len() as u64;
    for (booked_seq, row) in (booked_before + 1..).zip(&history.entries) {
        filed.entry(&row.customer).or_default().push(entry_fact(row, booked_seq));
    }
    filed
        .into_iter()
        .map(|(customer, facts)| {
            let customer: Text = customer.into();
            CustomerFacts { ids: vec![customer.clone()], customer, facts }
        })
        .collect()
}

/// The exchange rates as facts, booked in the order given.
pub fn to_rate_facts(rates: &[PlainRate]) -> Vec<RateFact> {
    (1u64..)
        .zip(rates)
        .map(|(booked_seq, rate)| RateFact {
            source: DEFAULT_SOURCE.into(),
            day: rate.day,
            base: rate.base,
            quote: rate.quote,
            rate: rate.rate,
            recorded_at: rate.recorded_at.unwrap_or(KNOWN_FROM_THE_START),
            version: rate.recorded_at.map(|at| at.micros()),
            booked_seq,
            payload: PayloadRef::default(),
        })
        .collect()
}

fn state_fact(row: &PlainRow, booked_seq: u64) -> Fact {
    Fact {
        source: row.source.as_str().into(),
        customer: row.customer.as_str().into(),
        body: Body::State {
            subscription: row.subscription.as_str().into(),
            item: row.item.as_str().into(),
            effective_at: row.effective_at,
            seq: row.seq,
            state: (!row.retracted).then(|| Box::new(state(row))),
        },
        recorded_at: row.learned_at(),
        version: row.recorded_at.map(|at| at.micros()),
        booked_seq,
        payload: PayloadRef { payload: 0, row: booked_seq },
    }
}

fn attribute_fact(row: &PlainAttributes, booked_seq: u64) -> Fact {
    Fact {
        source: row.source.as_str().into(),
        customer: row.customer.as_str().into(),
        body: Body::Attributes { effective_at: row.effective_at, values: row.values.clone() },
        recorded_at: row.recorded_at.unwrap_or(KNOWN_FROM_THE_START),
        version: row.recorded_at.map(|at| at.micros()),
        booked_seq,
        payload: PayloadRef { payload: 0, row: booked_seq },
    }
}

fn state(row: &PlainRow) -> ItemState {
    ItemState {
        status: status(row.status),
        plan: row.plan.as_deref().map(Text::from),
        amount: row.amount,
        currency: row.currency,
        interval: row.interval,
        interval_count: row.interval_count,
        quantity_micros: row.quantity_micros,
        usage_type: if row.metered { UsageType::Metered } else { UsageType::Licensed },
        discounts: row.discounts.iter().map(discount).collect(),
        trial_end: row.trial_end,
        cancel_requested_at: row.cancel_requested_at,
        cancel_at: row.cancel_at,
        reason: row
            .voluntary
            .map(|voluntary| if voluntary { CancelReason::Voluntary } else { CancelReason::Involuntary }),
        reason_text: None,
        reconstructed: row.reconstructed,
    }
}

fn status(status: PlainStatus) -> Status {
    match status {
        PlainStatus::Active => Status::Active,
        PlainStatus::Trialing => Status::Trialing,
        PlainStatus::PastDue => Status::PastDue,
        PlainStatus::Unpaid => Status::Unpaid,
        PlainStatus::Paused => Status::Paused,
        PlainStatus::Canceled => Status::Canceled,
        PlainStatus::Free => Status::Free,
    }
}

fn discount(discount: &PlainDiscount) -> Discount {
    Discount {
        value: match discount.off {
            PlainOff::Percent(percent) => DiscountValue::Percent(percent),
            PlainOff::Amount(amount) => DiscountValue::Amount(amount),
        },
        kind: match discount.duration {
            PlainDuration::Forever => DiscountKind::Forever,
            PlainDuration::Repeating => DiscountKind::Repeating,
            PlainDuration::Once => DiscountKind::Once,
        },
        until: discount.until,
        level: if discount.on_subscription { DiscountLevel::Subscription } else { DiscountLevel::Item },
    }
}

#[cfg(test)]
mod tests {
    use netnew_facts::winning_states;
    use netnew_money::{Currency, Decimal, Instant};

    use super::*;

    fn row(customer: &str, amount: i64, recorded: Option<i64>) -> PlainRow {
        let start = Instant::from_micros(1_000_000);
        let mut row = PlainRow::monthly(customer, "s", start, Decimal::from_i64(amount), Currency::USD);
        row.recorded_at = recorded.map(Instant::from_micros);
        row
    }

    #[test]
    fn the_later_learned_row_wins_whatever_the_order() {
        let history =
            PlainHistory { rows: vec![row("c", 20, Some(9)), row("c", 10, None)], ..Default::default() };
        let facts = to_facts(&history);
        assert_eq!(facts.len(), 1);
        let winners = winning_states(&facts[0].facts, Instant::MAX);
        let Body::State { state: Some(state), .. } = &winners[0].body else { panic!("not a state") };
        assert_eq!((winners.len(), state.amount), (1, Decimal::from_i64(20)));
    }

    #[test]
    fn a_subscription_that_moves_is_filed_under_both_customers() {
        let history =
            PlainHistory { rows: vec![row("a", 10, None), row("b", 10, Some(9))], ..Default::default() };
        let facts = to_facts(&history);
        assert_eq!(
            facts.iter().map(|f| (&*f.customer, f.facts.len())).collect::<Vec<_>>(),
            [("a", 2), ("b", 2)]
        );
    }

    #[test]
    fn a_retracted_row_withdraws() {
        let mut gone = row("c", 10, Some(9));
        gone.retracted = true;
        let history = PlainHistory { rows: vec![row("c", 10, None), gone], ..Default::default() };
        assert!(winning_states(&to_facts(&history)[0].facts, Instant::MAX).is_empty());
    }
}
