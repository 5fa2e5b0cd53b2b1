//! Taking away what a failure does not need.

use netnew_money::IntervalUnit;

use super::Lives;
use crate::question::Shown;
use crate::rows::PlainRow;

/// The smallest business found that still fails: rows are taken away in ever smaller pieces, then knobs, then what is
/// particular about each row and the question, until nothing more can go. `fails` must hold for `lives`.
pub fn shrink(lives: &Lives, fails: impl Fn(&Lives) -> bool) -> Lives {
    let mut best = lives.clone();
    loop {
        let before = best.clone();
        fewer(&mut best, &fails, |lives| &mut lives.history.rows);
        fewer(&mut best, &fails, |lives| &mut lives.history.attributes);
        fewer(&mut best, &fails, |lives| &mut lives.history.rates);
        fewer(&mut best, &fails, |lives| &mut lives.history.entries);
        for knob in best.question.knobs.keys().cloned().collect::<Vec<_>>() {
            attempt(&mut best, &fails, |lives| {
                lives.question.knobs.remove(&knob);
            });
        }
        simpler_question(&mut best, &fails);
        for at in 0..best.history.rows.len() {
            for simplify in SIMPLER {
                attempt(&mut best, &fails, |lives| simplify(&mut lives.history.rows[at]));
            }
        }
        if best == before {
            return best;
        }
    }
}

/// What may be plain about a row.
const SIMPLER: [fn(&mut PlainRow); 12] = [
    |row| row.discounts.clear(),
    |row| row.discounts.truncate(1),
    |row| row.quantity_micros = 1_000_000,
    |row| (row.interval, row.interval_count) = (IntervalUnit::Month, 1),
    |row| row.plan = None,
    |row| row.recorded_at = None,
    |row| row.metered = false,
    |row| row.trial_end = None,
    |row| row.cancel_requested_at = None,
    |row| row.cancel_at = None,
    |row| row.voluntary = None,
    |row| row.seq = 0,
];

fn simpler_question(best: &mut Lives, fails: &impl Fn(&Lives) -> bool) {
    let simpler: [fn(&mut Lives); 9] = [
        |lives| lives.question.by.clear(),
        |lives| lives.question.filter.clear(),
        |lives| lives.question.shown = Shown::Default,
        |lives| lives.question.constant_rates = None,
        |lives| lives.question.known_on = None,
        |lives| lives.question.from = None,
        |lives| lives.question.to = None,
        |lives| lives.question.zone = lives.settings.zone.clone(),
        |lives| {
            lives.settings.zone = netnew_money::Zone::utc();
            lives.question.zone = netnew_money::Zone::utc();
        },
    ];
    for change in simpler {
        attempt(best, fails, change);
    }
}

/// Keeps a change that still fails.
fn attempt(best: &mut Lives, fails: &impl Fn(&Lives) -> bool, change: impl FnOnce(&mut Lives)) -> bool {
    let mut candidate = best.clone();
    change(&mut candidate);
    let keeps = candidate != *best && fails(&candidate);
    if keeps {
        *best = candidate;
    }
    keeps
}

/// Takes away pieces of half, a quarter, ... of a list, down to single entries.
fn fewer<T: Clone + PartialEq>(
    best: &mut Lives,
    fails: &impl Fn(&Lives) -> bool,
    list: impl Fn(&mut Lives) -> &mut Vec<T>,
) {
    let mut piece = list(best).len();
    while piece > 0 {
        let mut at = 0;
        while at < list(best).len() {
            let end = (at + piece).min(list(best).len());
            let gone = attempt(best, fails, |lives| {
                list(lives).drain(at..end);
            });
            if !gone {
                at = end;
            }
        }
        piece /= 2;
    }
}
