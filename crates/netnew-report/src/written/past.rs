//! What the months and weeks before the reported one were said to be, and are now: late data, corrections, refunds.

use super::Every;
use crate::question::{Now, Question};
use crate::{Report, ReportError};
use netnew_metrics::{Extras, RollupRow};
use netnew_money::{Amount, Day, Instant};

/// What was known at a moment is replayed from the book; larger ones would keep a reader waiting.
const MOST_STATES: u64 = 2_000_000;

/// Periods before the reported one that are another now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Compared with what was known at this moment.
    pub since: Instant,
    /// What changed, oldest first; `None` where the book is too large to look, or was empty then.
    pub changes: Option<Vec<Change>>,
}

/// A period that is another now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its first day.
    pub first: Day,
    /// Its last day.
    pub last: Day,
    /// Net new as it was known.
    pub net_was: Amount,
    /// Net new now.
    pub net_is: Amount,
    /// MRR at its end as it was known.
    pub end_was: Amount,
    /// MRR at its end now.
    pub end_is: Amount,
}

/// Compares the periods of a trend but its last with what was known of them at a moment.
///
/// # Errors
/// A missing rate, or a book that cannot be read.
pub fn past(report: &Report, every: Every, trend: &[RollupRow], since: Instant) -> Result<Past, ReportError> {
    let mut out = Past { since, changes: None };
    let [first, .., last] = trend else { return Ok(out) };
    let states = report.snapshot.counts()?.states;
    // Whoever asks what was known at some moment asks about that, not about what changed since.
    if states > MOST_STATES || report.question.known_on.is_some() || since >= report.as_of {
        return Ok(out);
    }
    let question = Question { known_on: Some(since.to_string()), ..report.question.clone() };
    let now = Now { said: Some(report.as_of.to_string()), clock: report.as_of };
    let then = Report::of(&question, &report.view, &now)?;
    let mut query = then.query_over(first.period.first, last.period.first.add_days(-1));
    query.by.clear();
    query.grain = every.grain();
    query.with_expected = false;
    let known = then.rows(&query, Extras::default())?;
    if known.iter().all(|row| row.end.is_zero() && row.start.is_zero()) {
        return Ok(out);
    }
    let net = |row: &RollupRow| row.end - row.start;
    let changes = trend[..trend.len() - 1].iter().filter_map(|now| {
        // Before the first fact that was known there was nothing.
        let was = known.iter().find(|was| was.period.first == now.period.first);
        let change = Change {
            first: now.period.first,
            last: now.period.last,
            net_was: was.map_or(Amount::ZERO, net),
            net_is: net(now),
            end_was: was.map_or(Amount::ZERO, |was| was.end),
            end_is: now.end,
        };
        (change.net_was != change.net_is || change.end_was != change.end_is).then_some(change)
    });
    out.changes = Some(changes.collect());
    Ok(out)
}
