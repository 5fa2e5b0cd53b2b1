//! The rollup by day, a chunk of customers at a time, in two sweeps that each touch memory in order.
//!
//! The first goes from customer to customer and only notes what each event is to its customer: who arrives, who
//! leaves, who stays. The second goes from pair of contents to pair of contents: all its events post the same few
//! rows, so their cells stay in the nearest memory. A chunk is small enough for its notes to stay near too.

use crate::cut::Cut;
use crate::days::Days;
use crate::image::Image;
use crate::laid::ways;
use crate::pass::pass;
use crate::rules::Rules;
use crate::step::{Posting, Sink, Step};
use crate::templates::{Fate, Posted, Templates, Which};
use crate::walk::Walker;
use netnew_ledger::Context;
use netnew_metrics::RollupError;
use netnew_money::{Day, Instant};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The events of a chunk of customers, about: more make runs of the same pair longer, fewer keep their notes nearer.
const EVENTS: usize = 1 << 20;

/// The events that templates can tell, chunk by chunk ordered by pair of contents: the same for every policy.
pub struct ByPair {
    /// Per row of the image, then per row laid down, its place in its chunk's order; without meaning for rows that templates
    /// cannot tell.
    place: Vec<u32>,
    chunks: Vec<Chunk>,
    pairs: usize,
}

struct Chunk {
    customers: Range<usize>,
    /// Pairs that occur and where their events begin in the order; one more at the end.
    runs: Vec<(u32, u32)>,
}

impl ByPair {
    /// Orders an image's events.
    pub fn new(image: &Image, cut: &Cut) -> ByPair {
        ByPair::in_chunks(image, cut, EVENTS)
    }

    /// The same in chunks of about so many rows.
    pub fn in_chunks(image: &Image, cut: &Cut, events: usize) -> ByPair {
        let laid = &cut.laid;
        let pairs = image.pairs.len() + laid.pairs.len();
        let mut place = vec![0u32; image.rows() + laid.at.len()];
        let (mut of_rows, mut of_laid) = place.split_at_mut(image.rows());
        let mut parts = Vec::new();
        let (mut first, mut life) = (0, 0);
        while first < image.len() {
            let until = image.first_row[first] as usize + events;
            let next = image.first_row[first..].partition_point(|row| (*row as usize) <= until);
            let last = (first + next.max(2) - 1).min(image.len());
            let lives = laid.lives[life..].partition_point(|life| (life.customer as usize) < last);
            let count = (image.first_row[last] - image.first_row[first]) as usize;
            let laid_count = (laid.lives[life + lives].first - laid.lives[life].first) as usize;
            let (rows, rest) = of_rows.split_at_mut(count);
            let (laid_rows, laid_rest) = of_laid.split_at_mut(laid_count);
            (of_rows, of_laid) = (rest, laid_rest);
            parts.push((first..last, life, rows, laid_rows));
            (first, life) = (last, life + lives);
        }
        let chunks = parts.into_par_iter().map(|(customers, life, rows, laid_rows)| {
            let row = image.first_row[customers.start] as usize;
            let laid_row = laid.lives[life].first as usize;
            let mut starts = vec![0u32; pairs + 1];
            let own =
                |customer: &usize| laid.ways[*customer] & (ways::TEMPLATES | ways::LAID) == ways::TEMPLATES;
            let of_laid = &laid.pair[laid_row..laid_row + laid_rows.len()];
            for customer in customers.clone().filter(own) {
                image.pair[image.row_range(customer)].iter().for_each(|pair| starts[*pair as usize + 1] += 1);
            }
            of_laid.iter().for_each(|pair| starts[*pair as usize + 1] += 1);
            let mut runs = Vec::new();
            for pair in 0..pairs {
                if starts[pair + 1] > 0 {
                    runs.push((pair as u32, starts[pair]));
                }
                starts[pair + 1] += starts[pair];
            }
            runs.push((pairs as u32, starts[pairs]));
            let mut next = |pair: u32| {
                let at = &mut starts[pair as usize];
                *at += 1;
                *at - 1
            };
            for customer in customers.clone().filter(own) {
                for at in image.row_range(customer) {
                    rows[at - row] = next(image.pair[at]);
                }
            }
            laid_rows.iter_mut().zip(of_laid).for_each(|(place, pair)| *place = next(*pair));
            Chunk { customers, runs }
        });
        let chunks = chunks.collect();
        ByPair { place, chunks, pairs }
    }
}

/// Days that fit a note beside what happened.
const NOTED_DAYS: i32 = 1 << 13;

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
            if last.days_since(cut.first()) < NOTED_DAYS && by_pair.pairs == templates.pairs.len() =>
        {
            let next = AtomicUsize::new(0);
            let threads = rayon::current_num_threads().min(by_pair.chunks.len());
            let parts = (0..threads).into_par_iter().map(|_| {
                let mut sink = Notes { days: new(), place: &by_pair.place, notes: Vec::new() };
                while let Some(chunk) = by_pair.chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let events = chunk.runs.last().map_or(0, |(_, end)| *end as usize);
                    sink.notes.clear();
                    sink.notes.resize(events, 0);
                    let first = chunk.customers.start;
                    let mut walker = Walker::new(image, rules, ctx, first).with_cut(cut);
                    walker.customers(chunk.customers.clone(), &mut sink)?;
                    for run in chunk.runs.windows(2) {
                        let notes = &sink.notes[run[0].1 as usize..run[1].1 as usize];
                        post(&mut sink.days, templates, run[0].0, notes);
                    }
                }
                Ok(sink.days)
            });
            parts.collect::<Result<_, RollupError>>()?
        }
        _ => pass(image, rules, ctx, Some(cut), new)?,
    };
    let mut parts = parts.into_iter().map(Days::finish);
    let mut whole = parts.next().unwrap_or_else(new);
    parts.for_each(|part| whole.merge(part));
    Ok(whole)
}

/// What an event is to its customer, beside its day: 0 is nothing.
const CODES: [(Fate, bool, bool); 5] = [
    (Fate::Stays, false, false),
    (Fate::Arrives, false, false),
    (Fate::Arrives, true, false),
    (Fate::Leaves, false, false),
    (Fate::Stays, false, true),
];

/// Posts all events of one pair.
fn post(days: &mut Days, templates: &Templates, pair: u32, notes: &[u16]) {
    let arr = templates.pairs[pair as usize].arr;
    let mut known: [Option<&[Posted]>; CODES.len()] = [None; CODES.len()];
    for note in notes {
        let Some(code) = (note & 7).checked_sub(1) else { continue };
        let (fate, again, others) = CODES[usize::from(code)];
        let rows = known[usize::from(code)]
            .get_or_insert_with(|| &templates.rows[templates.rows_of(Which { pair, fate, again, others })]);
        for row in *rows {
            days.add_row(row.topics[usize::from(again)], note >> 3, row.amount);
        }
        if let Some(row) = rows.first() {
            days.add_arr(templates.topics[row.topics[0] as usize].currency, note >> 3, arr);
        }
    }
}

/// Notes what happens in events that templates tell; everybody else's steps are rolled up right away.
struct Notes<'r, 'n> {
    days: Days<'r>,
    place: &'n [u32],
    notes: Vec<u16>,
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

    fn heads(&mut self, step: &Step) -> Result<(), RollupError> {
        Sink::heads(&mut self.days, step)
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
        self.notes[place] = posting.day << 3 | code;
        if let Some(kind) = posting.kind {
            self.days.come(posting.day, kind);
        }
    }

    fn end(&mut self, customer: u32, first_change: Option<i64>) -> Result<(), RollupError> {
        self.days.end(customer, first_change)
    }
}
