//! The pass over all customers, several at once.

use crate::cut::Cut;
use crate::image::Image;
use crate::rules::Rules;
use crate::step::Sink;
use crate::walk::Walker;
use netnew_ledger::Context;
use netnew_metrics::RollupError;
use rayon::prelude::*;
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
                walk(image, rules, ctx, cut, first..(first + CHUNK).min(image.len()), &mut sink)?;
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
    customers: std::ops::Range<usize>,
    sink: &mut S,
) -> Result<(), RollupError> {
    let mut walker = Walker::new(image, rules, ctx, customers.start);
    if let Some(cut) = cut {
        walker = walker.with_cut(cut);
    }
    walker.customers(customers, sink)
}
