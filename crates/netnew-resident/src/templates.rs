//! What an event posts, worked out once for every pair of contents that follow one another on an item.
//!
//! Most customers have every item in a subscription of its own, one currency and no credits. What such an event posts
//! depends on the two contents, the policy, and whether the customer is there before and after; and of pairs of
//! contents there are few. So the rows, kinds, causes and splits of all of them are worked out when the policy
//! changes, and the pass adds them up.

use crate::days::Topic;
use crate::rules::{NONE, Phase};
use netnew_ledger::{Cause, Context, End as _, Kind, Surroundings, of_change, of_end, of_start};
use netnew_policy::TransferResidual;
use rayon::prelude::*;

/// A row that an event posts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Posted {
    pub amount: i64,
    /// Number of its topic; of a customer who arrives, the second is for one who comes back.
    pub topics: [u32; 2],
}

/// The rows of one event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Which {
    pub pair: u32,
    pub fate: Fate,
    /// The customer comes back.
    pub again: bool,
    /// The item's subscription has others that are live.
    pub others: bool,
}

/// What happens to the customer in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Stays = 0,
    Arrives = 1,
    Leaves = 2,
}

/// A pair of contents under a policy.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Template {
    /// Change of the item's ARR in 10^-10 of the major unit.
    pub arr: i64,
    /// Where its rows begin.
    first: u32,
    /// How many rows by fate.
    counts: [u8; 3],
    /// [`STARTS`] or [`ENDS`]; where subscriptions have several items such a pair has all its rows again, for an item that
    /// is not alone.
    pub edge: u8,
}

/// The item is live from here on.
pub(crate) const STARTS: u8 = 1;
/// The item is no longer live.
pub(crate) const ENDS: u8 = 2;

/// Neither does a level change, nor does it move to another plan.
pub(crate) const NO_STEP: i64 = i64::MIN;

/// All pairs under a policy.
pub(crate) struct Templates {
    pub pairs: Vec<Template>,
    /// Per pair the change of the item's MRR in 10^-10 of the major unit, [`NO_STEP`] where no level changes: apart, for
    /// the walk over customers asks for nothing else, and this much stays in near memory.
    pub deltas: Vec<i64>,
    /// Entries of the pairs that are not the image's own, which come last.
    pub laid: Vec<[u32; 2]>,
    /// Rows are there for items that are not alone in their subscription too.
    pub several: bool,
    pub rows: Vec<Posted>,
    /// Per row: level of the item on this plan before it.
    pub befores: Vec<i64>,
    /// Topics by number.
    pub topics: Vec<Topic>,
}

/// The largest amount that is worked with in 64 bits: sums of a thousand items still fit.
pub(crate) const LARGEST: i128 = 1 << 53;

impl Templates {
    /// `None` where ARR changes and MRR does not, which only rounding does: templates speak of steps.
    pub fn new(
        pairs: &[[u32; 2]],
        laid: Vec<[u32; 2]>,
        several: bool,
        phases: &[Phase],
        arr: &[i128],
        plans: usize,
        ctx: &Context,
    ) -> Option<Templates> {
        let residual = ctx.policy.transfer_residual;
        let parts: Vec<(Vec<Template>, Vec<i64>, Vec<Drawn>)> = pairs
            .par_chunks(8192)
            .chain(laid.par_chunks(8192))
            .map(|chunk| {
                let mut templates = Vec::with_capacity(chunk.len());
                let mut deltas = Vec::with_capacity(chunk.len());
                let mut rows = Vec::with_capacity(chunk.len() * 3);
                for [before, after] in chunk {
                    let had = if *before == NONE { 0 } else { arr[*before as usize] };
                    let grew = (arr[*after as usize] - had) as i64;
                    let before = (*before != NONE).then(|| &phases[*before as usize]);
                    let after = &phases[*after as usize];
                    let (one, delta) = template(before, after, residual, several, &mut rows);
                    templates.push(Template { arr: grew, ..one });
                    deltas.push(delta);
                }
                (templates, deltas, rows)
            })
            .collect();
        let silent = |(arr, delta): (i64, &i64)| *delta == NO_STEP && arr != 0;
        if parts.iter().any(|(of, deltas, _)| of.iter().map(|t| t.arr).zip(deltas).any(silent)) {
            return None;
        }
        let mut all = Templates {
            pairs: Vec::with_capacity(pairs.len() + laid.len()),
            deltas: Vec::with_capacity(pairs.len() + laid.len()),
            laid,
            several,
            rows: Vec::new(),
            befores: Vec::new(),
            topics: Vec::new(),
        };
        let currencies = phases.iter().map(|p| usize::from(p.currency) + 1).max().unwrap_or(1);
        let mut numbers = vec![NONE; Topic::slots(plans, currencies)];
        all.rows.reserve(parts.iter().map(|(_, _, rows)| rows.len()).sum());
        all.befores.reserve(all.rows.capacity());
        for (templates, deltas, rows) in parts {
            all.deltas.extend(deltas);
            let offset = all.rows.len() as u32;
            all.pairs.extend(templates.into_iter().map(|t| Template { first: t.first + offset, ..t }));
            for row in rows {
                let again = if row.topic.kind == Kind::New { Kind::Reactivation } else { row.topic.kind };
                let topics = [row.topic.kind, again].map(|kind| {
                    let topic = Topic { kind, ..row.topic };
                    let number = &mut numbers[topic.slot(plans)];
                    if *number == NONE {
                        *number = all.topics.len() as u32;
                        all.topics.push(topic);
                    }
                    *number
                });
                all.rows.push(Posted { amount: row.amount, topics });
                all.befores.push(row.before);
            }
        }
        Some(all)
    }

    /// Where the rows of an event are.
    #[inline]
    pub fn rows_of(&self, which: Which) -> std::ops::Range<usize> {
        let template = &self.pairs[which.pair as usize];
        let counts = template.counts;
        let again = if self.several && which.others && template.edge != 0 {
            counts[0] + counts[1] + counts[2]
        } else {
            0
        };
        let skipped = again
            + match which.fate {
                Fate::Stays => 0,
                Fate::Arrives => counts[0],
                Fate::Leaves => counts[0] + counts[1],
            };
        let first = template.first as usize + usize::from(skipped);
        first..first + usize::from(counts[which.fate as usize])
    }
}

/// A row before its topics have numbers.
struct Drawn {
    amount: i64,
    before: i64,
    topic: Topic,
}

fn template(
    before: Option<&Phase>,
    after: &Phase,
    residual: TransferResidual,
    several: bool,
    rows: &mut Vec<Drawn>,
) -> (Template, i64) {
    let worth = |phase: Option<&Phase>| phase.map_or(0, |p| p.mrr as i64);
    let (had, has) = (worth(before), worth(Some(after)));
    let first = rows.len() as u32;
    let edge = match (before.is_some_and(Phase::live), after.live()) {
        (false, true) => STARTS,
        (true, false) => ENDS,
        _ => 0,
    };
    let mut template = Template { arr: 0, first, counts: [0; 3], edge };
    if Phase::same_cell(before, after) {
        return (template, NO_STEP);
    }
    let fates = [Fate::Stays, Fate::Arrives, Fate::Leaves];
    for (fate, others) in [false, true].into_iter().flat_map(|others| fates.map(|fate| (fate, others))) {
        if others && (edge == 0 || !several) {
            break;
        }
        let possible = match fate {
            Fate::Stays => true,
            Fate::Arrives => has > had,
            Fate::Leaves => has < had,
        };
        if possible {
            let start = rows.len();
            post(before.filter(|p| p.mrr != 0), Some(after).filter(|p| p.mrr != 0), residual, fate, rows);
            let cause = cause(before, after, fate != Fate::Arrives, others);
            rows[start..].iter_mut().for_each(|row| row.topic.cause = cause);
            template.counts[fate as usize] = (rows.len() - start) as u8;
        }
    }
    (template, has - had)
}

fn cause(before: Option<&Phase>, after: &Phase, present_before: bool, others: bool) -> Cause {
    let around = Surroundings { others_before: others, others_after: others, present_before };
    match (before.filter(|p| p.live()), Some(after).filter(|p| p.live())) {
        (Some(before), Some(after)) => of_change(before, after),
        (None, Some(after)) => of_start(after, around),
        (Some(before), None) => of_end(before, Some(after), around),
        (None, None) => Cause::Other,
    }
}

/// The rows of one item that changes from one level to another; causes are filled in later.
fn post(
    before: Option<&Phase>,
    after: Option<&Phase>,
    residual: TransferResidual,
    fate: Fate,
    rows: &mut Vec<Drawn>,
) {
    let mut row = |phase: &Phase, kind: Kind, amount: i64, before: i64| {
        let (plan, currency) = (phase.plan, phase.currency);
        rows.push(Drawn { amount, before, topic: Topic { kind, cause: Cause::Other, plan, currency } });
    };
    let by_sign = |amount: i64| if amount < 0 { Kind::Contraction } else { Kind::Expansion };
    let kind = |amount: i64| match fate {
        Fate::Stays => by_sign(amount),
        Fate::Arrives => Kind::New,
        Fate::Leaves => Kind::Churn,
    };
    match (before, after) {
        (None, None) => {}
        (Some(b), None) => row(b, kind(-1), -(b.mrr as i64), b.mrr as i64),
        (None, Some(a)) => row(a, kind(1), a.mrr as i64, 0),
        (Some(b), Some(a)) => {
            let (lost, gained) = (b.mrr as i64, a.mrr as i64);
            if b.plan == a.plan && b.same_currency(a) {
                row(a, kind(gained - lost), gained - lost, lost);
            } else if fate != Fate::Stays {
                row(b, kind(0), -lost, lost);
                row(a, kind(0), gained, 0);
            } else if gained >= lost {
                row(b, Kind::Transfer, -lost, lost);
                row(a, Kind::Transfer, lost, 0);
                if gained > lost {
                    row(a, Kind::Expansion, gained - lost, lost);
                }
            } else if residual == TransferResidual::Destination {
                row(b, Kind::Transfer, -lost, lost);
                row(a, Kind::Transfer, lost, 0);
                row(a, Kind::Contraction, gained - lost, lost);
            } else {
                row(b, Kind::Transfer, -gained, lost);
                row(b, Kind::Contraction, gained - lost, lost - gained);
                row(a, Kind::Transfer, gained, 0);
            }
        }
    }
}
