//! The rollup by day, in two sweeps that each touch memory in order.
//!
//! The first goes from customer to customer and only notes what each event is to its customer: who arrives, who
//! leaves, who stays. The second goes from pair of contents to pair of contents: all its events post the same few
//! rows, so their cells stay in the nearest memory.

use crate::cut::Cut;
use crate::days::Days;
use crate::image::Image;
use crate::laid::ways;
use crate::pass::pass;
use crate::rules::Rules;
use crate::step::{Posting, Sink, Step};
use crate::templates::{Fate, Templates, Which};
use netnew_ledger::Context;
use netnew_metrics::RollupError;
use netnew_money::{Day, Instant};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

/// The rows of simple customers, ordered by pair of contents: the same for every policy.
pub struct ByPair {
    /// Per row of the image its place in the order; [`NOWHERE`] for other customers' rows.
    place: Vec<u32>,
    /// Per pair where its rows begin in the order; one more at the end.
    starts: Vec<u32>,
}

const NOWHERE: u32 = u32::MAX;

/// Days that fit a note beside what happened.
const NOTED_DAYS: i32 = 1 << 13;

impl ByPair {
    /// Orders an image's rows.
    pub fn new(image: &Image, cut: &Cut) -> ByPair {
        let laid = &cut.laid;
        let mut starts = vec![0u32; image.pairs.len() + laid.pairs.len() + 1];
        let own = |customer: &usize| laid.ways[*customer] & (ways::TEMPLATES | ways::LAID) == ways::TEMPLATES;
        for customer in (0..image.len()).filter(own) {
            image.pair[image.row_range(customer)].iter().for_each(|pair| starts[*pair as usize + 1] += 1);
        }
        laid.pair.iter().for_each(|pair| starts[*pair as usize + 1] += 1);
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut place = vec![NOWHERE; image.rows() + laid.at.len()];
        for customer in (0..image.len()).filter(own) {
            for row in image.row_range(customer) {
                let at = &mut next[image.pair[row] as usize];
                place[row] = *at;
                *at += 1;
            }
        }
        for (place, pair) in place[image.rows()..].iter_mut().zip(&laid.pair) {
            *place = next[*pair as usize];
            next[*pair as usize] += 1;
        }
        ByPair { place, starts }
    }
}

/// Rolls a whole image up by day, up to `last`. `by_pair` is worth making for whoever rolls up more than once.
pub fn rollup<'r>(
    image: &Image,
    rules: &'r Rules,
    ctx: &Context,
    cut: &Cut,
    by_pair: Option<&ByPair>,
    last: Day,
    with_expected: bool,
) -> Result<Days<'r>, RollupError> {
    // What was laid down behind the last state happens only as far as is looked.
    let laid_to = cut.laid.at_most.min(ctx.horizon.micros());
    let last = last.max(cut.last());
    let last =
        if laid_to > i64::MIN { last.max(ctx.zone.day_of(Instant::from_micros(laid_to))) } else { last };
    let new = || Days::new(cut, last, rules, ctx.now(), with_expected);
    let parts: Vec<Days> = match (&rules.templates, by_pair) {
        (Some(templates), Some(by_pair))
            if last.days_since(cut.first()) < NOTED_DAYS
                && by_pair.starts.len() == templates.pairs.len() + 1 =>
        {
            let events = by_pair.starts.last().copied().unwrap_or_default() as usize;
            let notes: Vec<AtomicU16> = (0..events).map(|_| AtomicU16::new(0)).collect();
            let sinks = pass(image, rules, ctx, Some(cut), || Notes {
                days: new(),
                place: &by_pair.place,
                notes: &notes,
            })?;
            let next = AtomicUsize::new(0);
            sinks
                .into_par_iter()
                .map(|sink| {
                    let mut days = sink.days;
                    loop {
                        let first = next.fetch_add(PAIRS, Ordering::Relaxed);
                        if first >= templates.pairs.len() {
                            return days;
                        }
                        for pair in first..(first + PAIRS).min(templates.pairs.len()) {
                            let events = by_pair.starts[pair] as usize..by_pair.starts[pair + 1] as usize;
                            post(&mut days, templates, pair as u32, &notes[events]);
                        }
                    }
                })
                .collect()
        }
        _ => pass(image, rules, ctx, Some(cut), new)?,
    };
    let mut parts = parts.into_iter().map(Days::finish);
    let mut whole = parts.next().unwrap_or_else(new);
    parts.for_each(|part| whole.merge(part));
    Ok(whole)
}

/// Pairs that a thread takes at a time.
const PAIRS: usize = 256;

/// What an event is to its customer, beside its day: 0 is nothing.
const CODES: [(Fate, bool, bool); 5] = [
    (Fate::Stays, false, false),
    (Fate::Arrives, false, false),
    (Fate::Arrives, true, false),
    (Fate::Leaves, false, false),
    (Fate::Stays, false, true),
];

/// Posts all events of one pair.
fn post(days: &mut Days, templates: &Templates, pair: u32, notes: &[AtomicU16]) {
    let rows = CODES.map(|(fate, again, others)| {
        let rows = &templates.rows[templates.rows_of(Which { pair, fate, again, others })];
        (rows, usize::from(again))
    });
    let arr = templates.pairs[pair as usize].arr;
    let currency = rows.iter().find_map(|(rows, _)| {
        let row = rows.first()?;
        Some(templates.topics[row.topics[0] as usize].currency)
    });
    for note in notes {
        let note = note.load(Ordering::Relaxed);
        let Some(code) = (note & 7).checked_sub(1) else { continue };
        let (rows, again) = rows[usize::from(code)];
        for row in rows {
            days.add_row(row.topics[again], note >> 3, row.amount);
        }
        if let Some(currency) = currency {
            days.add_arr(currency, note >> 3, arr);
        }
    }
}

/// Notes what happens in simple customers' events; everybody else's steps are rolled up right away.
struct Notes<'r, 'n> {
    days: Days<'r>,
    place: &'n [u32],
    notes: &'n [AtomicU16],
}

impl Notes<'_, '_> {
    /// Who comes or goes by an item that is not alone in its subscription: too seldom for a note of its own.
    #[cold]
    #[inline(never)]
    fn rare(&mut self, posting: &Posting) {
        self.days.post(posting);
    }
}

impl Sink for Notes<'_, '_> {
    fn step(&mut self, step: &Step) -> Result<(), RollupError> {
        self.days.step(step)
    }

    #[inline(always)]
    fn post(&mut self, posting: &Posting) {
        let Which { fate, again, others, .. } = posting.which;
        let code = match (fate, again) {
            (Fate::Stays, _) => 1 + u16::from(others) * 4,
            _ if others => return self.rare(posting),
            (Fate::Arrives, false) => 2,
            (Fate::Arrives, true) => 3,
            (Fate::Leaves, _) => 4,
        };
        let place = self.place[posting.row as usize] as usize;
        self.notes[place].store(posting.day << 3 | code, Ordering::Relaxed);
        if let Some(kind) = posting.kind {
            self.days.come(posting.day, kind);
        }
    }

    fn end(&mut self, customer: u32, first_change: Option<i64>) -> Result<(), RollupError> {
        self.days.end(customer, first_change)
    }
}
