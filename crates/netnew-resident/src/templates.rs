//! What an event posts, worked out once for every pair of contents that follow one another on an item.
//!
//! Most customers have every item in a subscription of its own, one currency and no credits. What such an event posts
//! depends on the two contents, the policy, and whether the customer is there before and after; and of pairs of
//! contents there are few. So the rows, kinds, causes and splits of all of them are worked out when the policy
//! changes, and the pass adds them up.

use crate::days::Topic;
use crate::rules::{NONE, Phase};
use foldhash::fast::FixedState;
use netnew_ledger::{Cause, Context, End as _, Kind, Surroundings, of_change, of_end, of_start};
use netnew_policy::TransferResidual;
use rayon::prelude::*;
use std::collections::HashMap;

/// A row that an event posts.
#[derive(Clone, Copy, Debug, Default)]
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
        let parts: Vec<Part> = pairs
            .par_chunks(8192)
            .chain(laid.par_chunks(8192))
            .map(|chunk| {
                let mut part = Part::with_capacity(chunk.len());
                for [before, after] in chunk {
                    let had = if *before == NONE { 0 } else { arr[*before as usize] };
                    let grew = (arr[*after as usize] - had) as i64;
                    let before = (*before != NONE).then(|| &phases[*before as usize]);
                    let after = &phases[*after as usize];
                    part.push(grew, |rows| template(before, after, residual, several, rows));
                }
                part
            })
            .collect();
        if parts.iter().any(|part| part.silent) {
            return None;
        }
        let currencies = phases.iter().map(|p| usize::from(p.currency) + 1).max().unwrap_or(1);
        Some(Templates::join(parts, laid, several, Topic::slots(plans, currencies), plans))
    }

    fn join(parts: Vec<Part>, laid: Vec<[u32; 2]>, several: bool, slots: usize, plans: usize) -> Templates {
        let mut numbers = vec![NONE; slots];
        let mut topics = Vec::new();
        let mut global: Vec<Vec<u32>> = Vec::with_capacity(parts.len());
        for part in &parts {
            let number = |topic: &Topic| {
                let number = &mut numbers[topic.slot(plans)];
                if *number == NONE {
                    *number = topics.len() as u32;
                    topics.push(*topic);
                }
                *number
            };
            global.push(part.topics.iter().map(number).collect());
        }
        let pairs_count = parts.iter().map(|part| part.pairs.len()).sum();
        let rows_count = parts.iter().map(|part| part.rows.len()).sum();
        let mut pairs = vec![Template::default(); pairs_count];
        let mut deltas = vec![0; pairs_count];
        let mut rows = vec![Posted::default(); rows_count];
        let mut befores = vec![0; rows_count];
        let mut places = Vec::with_capacity(parts.len());
        let (mut p, mut d, mut r, mut b) = (&mut pairs[..], &mut deltas[..], &mut rows[..], &mut befores[..]);
        let mut first = 0;
        for part in &parts {
            let (count, posted) = (part.pairs.len(), part.rows.len());
            places.push((
                first,
                p.split_off_mut(..count).unwrap_or_default(),
                d.split_off_mut(..count).unwrap_or_default(),
                r.split_off_mut(..posted).unwrap_or_default(),
                b.split_off_mut(..posted).unwrap_or_default(),
            ));
            first += posted as u32;
        }
        places.into_par_iter().zip(&parts).zip(&global).for_each(|((place, part), global)| {
            let (first, pairs, deltas, rows, befores) = place;
            deltas.copy_from_slice(&part.deltas);
            befores.copy_from_slice(&part.befores);
            for (to, from) in pairs.iter_mut().zip(&part.pairs) {
                *to = Template { first: from.first + first, ..*from };
            }
            for (to, from) in rows.iter_mut().zip(&part.rows) {
                *to = Posted { topics: from.topics.map(|local| global[local as usize]), ..*from };
            }
        });
        Templates { pairs, deltas, laid, several, rows, befores, topics }
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

/// Some pairs, with topics numbered among themselves.
#[derive(Default)]
struct Part {
    pairs: Vec<Template>,
    deltas: Vec<i64>,
    rows: Vec<Posted>,
    befores: Vec<i64>,
    topics: Vec<Topic>,
    numbers: HashMap<Topic, u32, FixedState>,
    /// Rows of the pair at hand.
    drawn: Vec<Drawn>,
    /// Somewhere ARR changes and MRR does not.
    silent: bool,
}

impl Part {
    fn with_capacity(pairs: usize) -> Part {
        Part {
            pairs: Vec::with_capacity(pairs),
            deltas: Vec::with_capacity(pairs),
            rows: Vec::with_capacity(pairs * 3),
            befores: Vec::with_capacity(pairs * 3),
            ..Part::default()
        }
    }

    /// Adds a pair: how its ARR changes, and what draws its rows.
    fn push(&mut self, arr: i64, draw: impl FnOnce(&mut Vec<Drawn>) -> (Template, i64)) {
        self.drawn.clear();
        let (template, delta) = draw(&mut self.drawn);
        self.silent |= delta == NO_STEP && arr != 0;
        self.pairs.push(Template { arr, first: self.rows.len() as u32, ..template });
        self.deltas.push(delta);
        for at in 0..self.drawn.len() {
            let Drawn { amount, before, topic } = self.drawn[at];
            let once = self.number(topic);
            let again = if topic.kind == Kind::New {
                self.number(Topic { kind: Kind::Reactivation, ..topic })
            } else {
                once
            };
            self.rows.push(Posted { amount, topics: [once, again] });
            self.befores.push(before);
        }
    }

    fn number(&mut self, topic: Topic) -> u32 {
        *self.numbers.entry(topic).or_insert_with(|| {
            self.topics.push(topic);
            self.topics.len() as u32 - 1
        })
    }
}

/// A row before its topics have numbers.
#[derive(Clone, Copy)]
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
    let edge = match (before.is_some_and(Phase::live), after.live()) {
        (false, true) => STARTS,
        (true, false) => ENDS,
        _ => 0,
    };
    let mut template = Template { edge, ..Template::default() };
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
