//! The pass over all customers, several at once.

use crate::classes::Classes;
use crate::cut::Cut;
use crate::image::Image;
use crate::rules::Rules;
use crate::step::Sink;
use crate::walk::Walker;
use netnew_ledger::Context;
use netnew_metrics::RollupError;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Customers that a thread takes at a time.
const CHUNK: usize = 4096;

/// Walks every customer, handing steps to one sink per thread; which customers a sink sees differs from run to run,
/// so sinks have to be such that their merge does not. With a `cut` in the context's zone, simple customers are quicker.
pub fn pass<S: Sink + Send>(
    image: &Image,
    rules: &Rules,
    ctx: &Context,
    cut: Option<&Cut>,
    new: impl Fn() -> S + Sync,
) -> Result<Vec<S>, RollupError> {
    pass_among(image, rules, ctx, cut, None, new)
}

/// Like [`pass`] over the customers who are in some class.
pub fn pass_among<S: Sink + Send>(
    image: &Image,
    rules: &Rules,
    ctx: &Context,
    cut: Option<&Cut>,
    classes: Option<&Classes>,
    new: impl Fn() -> S + Sync,
) -> Result<Vec<S>, RollupError> {
    let next = AtomicUsize::new(0);
    let threads = rayon::current_num_threads().min(image.len() / CHUNK + 1);
    (0..threads)
        .into_par_iter()
        .map(|_| {
            let mut sink = new();
            loop {
                let first = next.fetch_add(CHUNK, Ordering::Relaxed);
                if first >= image.len() {
                    return Ok(sink);
                }
                let chunk = first..(first + CHUNK).min(image.len());
                let mut walker = walker(image, rules, ctx, cut, first);
                for run in runs(chunk, classes.filter(|c| c.special() > 0)) {
                    walker.customers(run, &mut sink)?;
                }
            }
        })
        .collect()
}

/// Walks parts of the customers, each with a sink of its own (made for about so many rows), given back in the
/// customers' order.
pub fn pass_in_order<S: Sink + Send>(
    image: &Image,
    rules: &Rules,
    ctx: &Context,
    cut: Option<&Cut>,
    new: impl Fn(usize) -> S + Sync,
) -> Result<Vec<S>, RollupError> {
    if image.is_empty() {
        return Ok(Vec::new());
    }
    let parts = (rayon::current_num_threads() * 4).clamp(1, image.len().max(1));
    let bound = |part: usize| image.len() * part / parts;
    (0..parts)
        .into_par_iter()
        .map(|part| {
            let rows = image.first_row[bound(part + 1)] - image.first_row[bound(part)];
            let mut sink = new(rows as usize);
            walk(image, rules, ctx, cut, bound(part)..bound(part + 1), &mut sink)?;
            Ok(sink)
        })
        .collect()
}

fn walk<S: Sink>(
    image: &Image,
    rules: &Rules,
    ctx: &Context,
    cut: Option<&Cut>,
    customers: Range<usize>,
    sink: &mut S,
) -> Result<(), RollupError> {
    walker(image, rules, ctx, cut, customers.start).customers(customers, sink)
}

fn walker<'a>(
    image: &'a Image,
    rules: &'a Rules,
    ctx: &'a Context<'a>,
    cut: Option<&'a Cut>,
    first: usize,
) -> Walker<'a> {
    let walker = Walker::new(image, rules, ctx, first);
    match cut {
        Some(cut) => walker.with_cut(cut),
        None => walker,
    }
}

/// The stretches of a range in which every customer is in a class.
fn runs(range: Range<usize>, classes: Option<&Classes>) -> impl Iterator<Item = Range<usize>> {
    let special = move |customer: &usize| classes.is_some_and(|c| c.is_special(*customer));
    let mut at = range.start;
    std::iter::from_fn(move || {
        if classes.is_none() {
            let whole = at..range.end;
            at = range.end;
            return (!whole.is_empty()).then_some(whole);
        }
        let first = (at..range.end).find(|c| !special(c))?;
        at = (first..range.end).find(special).unwrap_or(range.end);
        Some(first..at)
    })
}
