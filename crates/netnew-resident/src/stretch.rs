//! For how long an answer stays the same while time goes by: until the next instant at which anything is to happen.

use crate::attributes::People;
use crate::image::{Image, NEVER};
use netnew_facts::{DiscountKind, Status};
use netnew_ledger::Context;
use netnew_money::{Instant, IntervalUnit};
use netnew_policy::Grace;
use rayon::prelude::*;

/// The last instant up to now at which anything in the book begins, ends or is stated, and the first after now, in
/// microseconds. An `as_of` anywhere in between (the first included, the second not) on the same day tells the same.
pub fn stretch(image: &Image, people: &People, ctx: &Context) -> (i64, i64) {
    let now = ctx.as_of.micros();
    let narrow = |(from, until): (i64, i64), at: i64| match at <= now {
        true => (from.max(at), until),
        false => (from, until.min(at)),
    };
    let join = |a: (i64, i64), b: (i64, i64)| (a.0.max(b.0), a.1.min(b.1));
    let none = || (i64::MIN, i64::MAX);
    let grace = match ctx.policy.past_due_grace {
        Grace::Never => None,
        Grace::Days(days) => Some((IntervalUnit::Day, i32::from(days))),
        Grace::Months(months) => Some((IntervalUnit::Month, i32::from(months))),
    };
    // What a content brings about by the calendar, counted from its row or an earlier one that is a row too.
    let ahead: Vec<Vec<(IntervalUnit, i32)>> = image
        .contents
        .iter()
        .map(|content| {
            let state = &content.state;
            let interval = (state.interval, i32::try_from(state.interval_count).unwrap_or(i32::MAX));
            let limited = state.discounts.iter().any(|d| d.kind != DiscountKind::Forever);
            let failed = grace.filter(|_| state.status == Status::PastDue);
            limited.then_some(interval).into_iter().chain(failed).collect()
        })
        .collect();
    let any_ahead = ahead.iter().any(|a| !a.is_empty());
    let rows = image
        .at
        .par_chunks(1 << 16)
        .zip(image.content.par_chunks(1 << 16))
        .map(|(at, content)| {
            let mut found = at.iter().fold(none(), |found, at| narrow(found, *at));
            if any_ahead {
                for (at, content) in at.iter().zip(content) {
                    for (unit, count) in &ahead[*content as usize] {
                        let then = ctx.book_zone.add_interval(Instant::from_micros(*at), *unit, *count);
                        found = narrow(found, then.micros());
                    }
                }
            }
            found
        })
        .reduce(none, join);
    let extras = image.extras.par_iter().fold(none, |found, extra| {
        let instants = [extra.trial_end, extra.cancel_at, extra.requested_at];
        let all = instants.into_iter().chain(extra.until);
        all.filter(|at| *at != NEVER).fold(found, narrow)
    });
    let withdrawn = image.withdrawn.iter().fold(none(), |found, (_, at)| narrow(found, *at));
    let columns = people.customers.columns.values().chain(people.of_others.columns.values());
    let attributes = columns.flat_map(|column| &column.from).fold(none(), |found, at| narrow(found, *at));
    let found = [rows, extras.reduce(none, join), withdrawn, attributes].into_iter().fold(none(), join);
    // Customers that do not fit the columns may hold anything.
    if image.whole.is_empty() { found } else { (now, now + 1) }
}
