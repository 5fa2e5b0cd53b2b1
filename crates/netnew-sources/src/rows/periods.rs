//! Periods: a customer was on a plan at a price from a start to an end.

use std::collections::HashMap;

use netnew_facts::{Body, Statement, StatementBody, Text};
use netnew_money::Instant;

use crate::code;
use crate::fields::Field;
use crate::problem::Complaint;
use crate::row::{Interner, RowView, Setup};
use crate::rows::item::Items;
use crate::rows::{Decode, statement};

/// Each row becomes the state that holds from its start and ends by itself at its end, so that a period which
/// meets the next one is replaced by it, and one which does not is cancelled.
pub(crate) struct Periods {
    items: Items,
    customers: Interner,
    ids: Interner,
    seen: HashMap<(Text, Text), Vec<Span>>,
}

/// From the first instant to before the second, with the line it was read from.
#[derive(Clone, Copy)]
struct Span {
    start: Instant,
    end: Instant,
    line: u64,
}

impl Periods {
    pub(crate) fn new(setup: &mut Setup, notes: &mut Vec<String>) -> Periods {
        Periods {
            items: Items::new(setup, notes),
            customers: Interner::new(),
            ids: Interner::new(),
            seen: HashMap::new(),
        }
    }

    /// The subscription a row names, or else the customer's one to that plan.
    fn subscription(&mut self, row: RowView<'_>, customer: &Text) -> Result<Text, Complaint> {
        if let Some(named) = row.text(Field::Subscription)? {
            return Ok(self.ids.get(&named));
        }
        Ok(match row.text(Field::Plan)? {
            Some(plan) => self.ids.get(&format!("{customer} / {plan}")),
            None => customer.clone(),
        })
    }

    fn overlap(&mut self, key: (Text, Text), span: Span) -> Option<Span> {
        let spans = self.seen.entry(key).or_default();
        // Sorted by start and free of overlaps, so only the neighbours matter.
        let at = spans.partition_point(|s| s.start < span.start);
        let before = at.checked_sub(1).map(|at| spans[at]).filter(|s| s.end > span.start);
        let after = spans.get(at).copied().filter(|s| s.start < span.end);
        let found = before.or(after);
        if found.is_none() {
            spans.insert(at, span);
        }
        found
    }
}

impl Decode for Periods {
    fn decode(&mut self, row: RowView<'_>, out: &mut Vec<Statement>) -> Result<(), Complaint> {
        let customer = self.customers.get(&row.needed_text(Field::Customer)?);
        let subscription = self.subscription(row, &customer)?;
        let item = match row.text(Field::Item)? {
            Some(item) => self.ids.get(&item),
            None => subscription.clone(),
        };
        let start = row.needed_instant(Field::Start)?;
        let end = row.instant(Field::End)?;
        if let Some(end) = end.filter(|end| *end <= start) {
            return Err(row.complain(
                Field::End,
                code::BAD_PERIOD,
                format!("the period ends {end}, which is not after its start {start}"),
                "the end is the first moment that no longer counts; leave it empty while the period runs",
            ));
        }
        let seq = row.integer(Field::Seq)?.unwrap_or(0);
        let state = if row.flag(Field::Retract)? {
            None
        } else {
            let mut state = self.items.read(row)?;
            state.cancel_at = [state.cancel_at, end].into_iter().flatten().min();
            let span = Span { start, end: end.unwrap_or(Instant::MAX), line: row.line() };
            if let Some(other) = self.overlap((subscription.clone(), item.clone()), span) {
                return Err(overlapping(row, &subscription, other));
            }
            Some(Box::new(state))
        };
        let body = Body::State { subscription, item, effective_at: start, seq, state };
        out.push(statement(row, StatementBody::Customer { customer, body })?);
        Ok(())
    }
}

fn overlapping(row: RowView<'_>, subscription: &str, other: Span) -> Complaint {
    row.complain(
        Field::Start,
        code::OVERLAPPING_PERIODS,
        format!("the period overlaps the one of line {} of the same subscription {subscription}", other.line),
        "give the rows a subscription column if they are two subscriptions, or end the earlier period",
    )
}
