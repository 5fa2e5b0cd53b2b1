//! How a subscription stands over time, from the moments at which it was seen.

use super::Sight;
use crate::piece::{Item, Seen, Standing};
use netnew_facts::{CancelReason, PayloadRef, Status};
use std::collections::BTreeSet;

/// How a subscription stands from a moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stand {
    pub(super) status: Status,
    pub(super) trial_end: Option<i64>,
    pub(super) requested: Option<i64>,
    pub(super) cancel_at: Option<i64>,
    pub(super) reason: Option<CancelReason>,
    pub(super) reason_text: Option<String>,
}

/// A moment at which something may change.
pub(super) struct Point<'a> {
    pub(super) at: i64,
    /// None: it has not begun.
    pub(super) stand: Option<Stand>,
    /// Items and discounts are those of this sight ...
    pub(super) sight: usize,
    /// ... or of a change that it announced.
    pub(super) changed: Option<&'a [Item]>,
    /// Rebuilt from what was seen later.
    pub(super) rebuilt: bool,
    pub(super) place: PayloadRef,
}

/// What follows from several sights together: requests that only show as a date of the end.
pub(super) fn settled(sights: &[Sight]) -> Vec<Seen> {
    let mut out: Vec<Seen> = Vec::with_capacity(sights.len());
    for sight in sights {
        let mut seen = sight.seen.clone();
        let before = out.last();
        // What a payload leaves out stays as it was.
        seen.started = before.map_or(seen.started, |b| seen.started.or(b.started).or(Some(b.at)));
        if seen.items.is_none() {
            seen.trial_start = seen.trial_start.or(before.and_then(|b| b.trial_start));
            seen.trial_end = seen.trial_end.or(before.and_then(|b| b.trial_end));
        }
        if seen.requested.is_none() && (seen.ends.is_some() || seen.ended.is_some()) {
            let same = before.filter(|b| b.ends.is_some() && (seen.ended.is_some() || b.ends == seen.ends));
            let now = seen.ends.map(|_| seen.at).filter(|_| seen.ended.is_none());
            seen.requested = same.and_then(|b| b.requested).or(now);
        }
        // What stays overdue or on hold was so since it was first seen.
        if let Some(before) = before.filter(|b| b.standing == seen.standing) {
            seen.due_since = seen.due_since.or(before.due_since);
            seen.paused = seen.paused.or(before.paused);
        }
        match seen.standing {
            Standing::PastDue | Standing::Unpaid => seen.due_since = seen.due_since.or(Some(seen.at)),
            Standing::Paused => seen.paused = seen.paused.or(Some(seen.at)),
            _ => {}
        }
        out.push(seen);
    }
    out
}

/// Every moment at which the subscription may change, in order.
pub(super) fn points<'a>(
    seen: &'a [Seen],
    sights: &[Sight],
    extra: &[Vec<i64>],
    discounts: &BTreeSet<i64>,
) -> Vec<Point<'a>> {
    let mut out = Vec::new();
    for (n, one) in seen.iter().enumerate() {
        let place = sights[n].place;
        if n == 0 {
            let before: BTreeSet<i64> = dates(one)
                .into_iter()
                .chain(extra[n].iter().copied())
                .chain(discounts.iter().copied())
                .filter(|at| *at < one.at)
                .collect();
            for at in before {
                let stand = stand_at(one, at);
                out.push(Point { at, stand, sight: 0, changed: None, rebuilt: !one.made, place });
            }
        }
        out.push(Point {
            at: one.at,
            stand: stand_at(one, one.at),
            sight: n,
            changed: None,
            rebuilt: false,
            place,
        });
        let later = seen.get(n + 1);
        let until = later.map_or(i64::MAX, |l| l.at);
        // From the first date on that the later sight remembers, it is the one that knows.
        let knows = later.map_or(i64::MAX, |l| remembered(l, one.at));
        let mut between: BTreeSet<i64> = dates(one).into_iter().chain(discounts.iter().copied()).collect();
        between.extend(one.next.iter().map(|n| n.at));
        if let Some(later) = later {
            between.extend(dates(later));
            between.extend(extra[n + 1].iter().copied());
        }
        for at in between.into_iter().filter(|at| *at > one.at && *at < until) {
            let by_later = at >= knows;
            let teller = later.filter(|_| by_later).unwrap_or(one);
            let changed = one.next.iter().rfind(|n| n.at <= at).map(|n| n.items.as_slice());
            let place = if by_later { sights[n + 1].place } else { place };
            out.push(Point { at, stand: stand_at(teller, at), sight: n, changed, rebuilt: false, place });
        }
    }
    out
}

/// The first date after `from` that a sight remembers and that no earlier one could know.
fn remembered(seen: &Seen, from: i64) -> i64 {
    let own = [seen.requested, seen.ended, seen.paused, seen.due_since, seen.started];
    own.into_iter().flatten().filter(|at| *at > from && *at < seen.at).min().unwrap_or(i64::MAX)
}

/// The end of a trial to come is not among them: the ledger lets it end by itself, once the source is known up to then.
fn dates(seen: &Seen) -> Vec<i64> {
    let own = [
        seen.started,
        seen.trial_start,
        seen.trial_end.filter(|end| *end <= seen.at),
        seen.requested,
        seen.ended,
        seen.paused,
        seen.pauses,
        seen.resumes,
        seen.due_since,
    ];
    own.into_iter().flatten().collect()
}

/// What a sight says of a moment, be it before, at or after its own.
pub(super) fn stand_at(seen: &Seen, at: i64) -> Option<Stand> {
    let began = seen.started.or(seen.trial_start).unwrap_or(seen.at.min(seen.ended.unwrap_or(seen.at)));
    if seen.standing == Standing::Pending || at < began {
        return None;
    }
    let reached = |date: Option<i64>| date.is_some_and(|date| at >= date);
    let over =
        reached(seen.ended) || (seen.standing == Standing::Canceled && seen.ended.is_none() && at >= seen.at);
    let asked = reached(seen.requested);
    let mut stand = Stand {
        status: status_at(seen, at, began),
        trial_end: None,
        requested: seen.requested.filter(|_| asked || over),
        cancel_at: seen.ends.or(seen.ended).filter(|_| asked && !over),
        reason: None,
        reason_text: None,
    };
    if stand.status == Status::Trialing {
        stand.trial_end = seen.trial_end;
    }
    if over {
        stand.status = Status::Canceled;
        stand.trial_end = None;
    }
    if over || asked {
        stand.reason = seen.reason.as_deref().and_then(CancelReason::parse);
        stand.reason_text.clone_from(&seen.reason_text);
    }
    Some(stand)
}

fn status_at(seen: &Seen, at: i64, began: i64) -> Status {
    let reached = |date: Option<i64>| date.is_some_and(|date| at >= date);
    let (here, trial) = (at >= seen.at, seen.trial_end.is_some_and(|end| at < end));
    let on_hold = match seen.standing {
        Standing::Paused => reached(seen.paused),
        _ => here && reached(seen.pauses),
    };
    if on_hold && !reached(seen.resumes) {
        return Status::Paused;
    }
    let running =
        matches!(seen.standing, Standing::Active | Standing::PastDue | Standing::Unpaid | Standing::Paused);
    if trial && at >= seen.trial_start.unwrap_or(began) && !(running && here) {
        return Status::Trialing;
    }
    match seen.standing {
        Standing::Trialing if seen.trial_end.is_none() => Status::Trialing,
        Standing::PastDue if reached(seen.due_since) => Status::PastDue,
        Standing::Unpaid if here => Status::Unpaid,
        Standing::Unpaid if reached(seen.due_since) => Status::PastDue,
        _ => Status::Active,
    }
}
