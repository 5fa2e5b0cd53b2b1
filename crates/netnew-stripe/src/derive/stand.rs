//! How a subscription stood over time: its status, and what is known of its end.

use super::Case;
use crate::piece::Subscription;
use netnew_facts::{CancelReason, PayloadRef, Status};

/// How a subscription stands from a moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) status: Status,
    pub(crate) trial_end: Option<i64>,
    pub(crate) requested: Option<i64>,
    pub(crate) cancel_at: Option<i64>,
    pub(crate) reason: Option<CancelReason>,
    pub(crate) reason_text: Option<String>,
}

impl Stand {
    fn plain(status: Status) -> Stand {
        Stand { status, trial_end: None, requested: None, cancel_at: None, reason: None, reason_text: None }
    }
}

/// A stand from a moment on; none while the subscription has not begun.
#[derive(Clone, Debug)]
pub(crate) struct StandFrom {
    pub(crate) at: i64,
    pub(crate) stand: Option<Stand>,
    pub(crate) observed: bool,
    pub(crate) place: PayloadRef,
}

/// The stands over time, in order, of one moment only the last.
pub(crate) fn stands(case: &Case) -> Vec<StandFrom> {
    let mut out: Vec<StandFrom> = Vec::new();
    let mut since = i64::MIN;
    let mut earlier: Option<&Subscription> = None;
    for point in &case.points {
        let known = earlier.is_some() && point.before.is_some() && alike(earlier, point.before);
        if !known && !point.made {
            // Nobody watched since the point before: the dates tell.
            let as_of = point.before.unwrap_or(point.after);
            let told = rebuilt(case, as_of, point.at).into_iter().filter(|s| s.at > since && s.at < point.at);
            out.extend(told.map(|s| StandFrom { place: point.place, ..s }));
        }
        // A moment at which the object was only listed is no moment of its own.
        if point.observed {
            let at = match (point.after.status.as_str(), point.after.ended_at) {
                ("canceled", Some(ended)) if ended > since => ended.min(point.at),
                _ => point.at,
            };
            out.push(StandFrom {
                at,
                stand: stand_of(point.after, point.at),
                observed: true,
                place: point.place,
            });
        } else if !known {
            let told = rebuilt(case, point.after, i64::MAX).into_iter().rfind(|s| s.at <= point.at);
            if let Some(told) = told.filter(|s| s.at > since) {
                out.push(StandFrom { place: point.place, ..told });
            }
            // What no date tells is known from the moment on that it was seen.
            let stand = stand_of(point.after, point.at);
            let holds = out.iter().filter(|s| s.at <= point.at).max_by_key(|s| s.at);
            if holds.is_some_and(|h| h.stand != stand) || (holds.is_none() && stand.is_some()) {
                out.push(StandFrom { at: point.at, stand, observed: false, place: point.place });
            }
        }
        resume(point.after, point.at, point.place, &mut out);
        (since, earlier) = (point.at, Some(point.after));
    }
    begin_at_the_start(case, &mut out);
    out.sort_by_key(|s| s.at);
    in_one_moment_the_last(&mut out);
    forget_resumptions_that_did_not_come(case, &mut out);
    out
}

fn in_one_moment_the_last(out: &mut Vec<StandFrom>) {
    let mut kept: Vec<StandFrom> = Vec::with_capacity(out.len());
    for one in out.drain(..) {
        match kept.last_mut() {
            Some(last) if last.at == one.at => *last = one,
            _ => kept.push(one),
        }
    }
    *out = kept;
}

/// A pause with a date ends by itself on it.
fn resume(sub: &Subscription, at: i64, place: PayloadRef, out: &mut Vec<StandFrom>) {
    if let (true, Some(resumes)) = (sub.paused, sub.resumes_at)
        && resumes > at
    {
        let stand = stand_of(&Subscription { paused: false, ..sub.clone() }, resumes);
        out.push(StandFrom { at: resumes, stand, observed: false, place });
    }
}

/// What was to happen at a date does not count once the subscription was seen on that date to be otherwise.
fn forget_resumptions_that_did_not_come(case: &Case, out: &mut Vec<StandFrom>) {
    let announced = |s: &StandFrom| {
        case.points.iter().any(|p| p.after.paused && p.after.resumes_at == Some(s.at) && p.at < s.at)
    };
    out.retain(|s| {
        s.observed || !announced(s) || {
            let last = case.points.iter().rfind(|p| p.at <= s.at);
            last.is_some_and(|p| p.after.paused && p.after.resumes_at == Some(s.at))
        }
    });
}

/// What became paid began when Stripe says that it started, not when the first payment came through.
fn begin_at_the_start(case: &Case, out: &mut Vec<StandFrom>) {
    let start = case.latest().start;
    let Some(first) = out.iter().position(|s| s.stand.is_some()) else { return };
    if out[first].at > start {
        out[first].at = start;
    }
    out.drain(..first);
    for later in out.iter_mut() {
        later.at = later.at.max(start);
    }
}

/// Whether two sightings say the same of the stand.
fn alike(a: Option<&Subscription>, b: Option<&Subscription>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    let key = |s: &Subscription| {
        (
            s.status.clone(),
            (s.trial_start, s.trial_end),
            (s.cancel_at, s.canceled_at, s.ended_at),
            (s.paused, s.resumes_at),
            s.reason.clone(),
        )
    };
    key(a) == key(b)
}

/// How it stands as seen at a moment.
fn stand_of(sub: &Subscription, at: i64) -> Option<Stand> {
    let mut stand = Stand::plain(status_of(sub)?);
    let on_hold = sub.paused && sub.resumes_at.is_none_or(|resumes| resumes > at);
    if on_hold && matches!(stand.status, Status::Active | Status::PastDue | Status::Unpaid) {
        stand.status = Status::Paused;
    }
    if stand.status == Status::Trialing && sub.status == "trialing" {
        stand.trial_end = sub.trial_end;
    }
    if stand.status == Status::Canceled {
        stand.requested = sub.canceled_at;
    } else {
        stand.cancel_at = sub.cancel_at;
        // A request that was taken back leaves its date behind.
        stand.requested = sub.canceled_at.filter(|_| sub.cancel_at.is_some());
    }
    if stand.status == Status::Canceled || stand.cancel_at.is_some() {
        (stand.reason, stand.reason_text) = reason(sub);
    }
    Some(stand)
}

/// Stripe's status in the book's words; none for what has not begun, or never did.
fn status_of(sub: &Subscription) -> Option<Status> {
    match sub.status.as_str() {
        "trialing" => Some(Status::Trialing),
        "past_due" => Some(Status::PastDue),
        "unpaid" => Some(Status::Unpaid),
        "canceled" => Some(Status::Canceled),
        // The trial ended without a card: it waits, and was never paid for.
        "paused" => Some(Status::Trialing),
        "incomplete" | "incomplete_expired" => None,
        _ => Some(Status::Active),
    }
}

fn reason(sub: &Subscription) -> (Option<CancelReason>, Option<String>) {
    let who = match sub.reason.as_deref() {
        Some("payment_failed" | "payment_disputed") => Some(CancelReason::Involuntary),
        Some("cancellation_requested") => Some(CancelReason::Voluntary),
        _ => None,
    };
    // A rule about how long to keep what is not paid is no wish of the customer's.
    let who = who.or(match sub.reason.as_deref() {
        Some("canceled_by_retention_policy") => Some(CancelReason::Involuntary),
        _ => None,
    });
    (who, sub.feedback.clone().or_else(|| sub.reason.clone().filter(|_| who.is_none())))
}

/// The stands that a sighting's dates and the invoices tell of the time before it.
fn rebuilt(case: &Case, sub: &Subscription, until: i64) -> Vec<StandFrom> {
    if status_of(sub).is_none() {
        return Vec::new();
    }
    let mut out: Vec<(i64, Stand)> = Vec::new();
    let trial = sub.trial_end.filter(|end| *end > sub.start);
    let mut running = sub.start;
    match trial {
        Some(end) => {
            let from = sub.trial_start.unwrap_or(sub.start).max(sub.start);
            if from > sub.start {
                out.push((sub.start, Stand::plain(Status::Active)));
            }
            out.push((from, Stand { trial_end: Some(end), ..Stand::plain(Status::Trialing) }));
            running = end;
            if end <= until && sub.status != "trialing" {
                let status = if sub.status == "paused" { Status::Trialing } else { Status::Active };
                out.push((end, Stand::plain(status)));
            }
        }
        None => out.push((sub.start, Stand::plain(Status::Active))),
    }
    for (from, to) in overdue(case, sub) {
        let from = from.max(running);
        let status = if sub.status == "unpaid" && to.is_none() { Status::Unpaid } else { Status::PastDue };
        out.push((from, Stand::plain(status)));
        out.extend(to.filter(|to| *to > from).map(|to| (to, Stand::plain(Status::Active))));
    }
    if sub.paused && sub.resumes_at.is_none_or(|at| at > until.min(case.seen())) && sub.status != "trialing" {
        let from = unpaid_on_purpose(case, sub).or(sub.period_start).unwrap_or(running).max(running);
        out.retain(|(at, _)| *at < from);
        out.push((from, Stand::plain(Status::Paused)));
    }
    out.sort_by_key(|(at, _)| *at);
    with_end(sub, &mut out);
    let placed = out.into_iter().map(|(at, stand)| StandFrom {
        at,
        stand: Some(stand),
        observed: false,
        place: PayloadRef::default(),
    });
    placed.collect()
}

/// Puts the request to cancel and the end into a rebuilt life.
fn with_end(sub: &Subscription, out: &mut Vec<(i64, Stand)>) {
    let ended = match sub.status.as_str() {
        "canceled" => sub.ended_at.or(sub.canceled_at),
        _ => None,
    };
    let (who, words) = reason(sub);
    if let Some(end) = ended.or(sub.cancel_at) {
        let asked = sub.canceled_at.filter(|asked| *asked < end);
        if let Some(asked) = asked.or(ended.is_none().then_some(sub.period_start).flatten()) {
            let asked = asked.max(sub.start);
            if let Some(at) = out.iter().rposition(|(at, _)| *at <= asked) {
                let running = out[at].1.clone();
                out.insert(at + 1, (asked, running));
            }
            for (_, stand) in out.iter_mut().filter(|(at, _)| *at >= asked) {
                stand.cancel_at = Some(end);
                stand.requested = sub.canceled_at;
                (stand.reason, stand.reason_text) = (who, words.clone());
            }
        }
    }
    if let Some(end) = ended.map(|end| end.max(sub.start)) {
        out.retain(|(at, _)| *at < end);
        let gone = Stand {
            requested: sub.canceled_at,
            reason: who,
            reason_text: words,
            ..Stand::plain(Status::Canceled)
        };
        out.push((end, gone));
    }
}

/// Spells in which an invoice of a period was not paid: from when it was due, to when it was paid, if it was.
fn overdue(case: &Case, sub: &Subscription) -> Vec<(i64, Option<i64>)> {
    let still = matches!(sub.status.as_str(), "past_due" | "unpaid");
    let failed_for_good = sub.status == "canceled" && sub.reason.as_deref() == Some("payment_failed");
    let mut spells = Vec::new();
    for (invoice, _) in &case.invoices {
        if invoice.reason.as_deref() == Some("subscription_create") || invoice.status == "draft" {
            continue;
        }
        let due = invoice.finalized.unwrap_or(invoice.created);
        match (invoice.status.as_str(), invoice.paid) {
            ("paid", Some(paid)) if invoice.attempts > 1 && paid > due => spells.push((due, Some(paid))),
            ("open" | "uncollectible", _) if still || failed_for_good => spells.push((due, None)),
            _ => {}
        }
    }
    if still && !spells.iter().any(|(_, to)| to.is_none()) {
        spells.extend(sub.period_start.map(|from| (from, None)));
    }
    // Of what is still open the first counts.
    if let Some(first) = spells.iter().position(|(_, to)| to.is_none()) {
        spells.truncate(first + 1);
    }
    spells
}

/// Since when the periods' invoices were made void, left as drafts or given up one after the other: a pause of
/// collection does that to them.
fn unpaid_on_purpose(case: &Case, sub: &Subscription) -> Option<i64> {
    let mut since = None;
    for (invoice, _) in case.invoices.iter().rev() {
        if invoice.reason.as_deref() != Some("subscription_cycle") {
            continue;
        }
        if !matches!(invoice.status.as_str(), "void" | "draft" | "uncollectible") {
            break;
        }
        let start =
            invoice.lines.iter().filter(|l| l.subscription == sub.id && !l.proration).map(|l| l.start).min();
        since = start.or(Some(invoice.created));
    }
    since
}
