//! Any rollup over a book in memory: the pass for who is in a class, the general replay for who is not.

use crate::attributes::People;
use crate::classes::{Classes, without_dimensions};
use crate::cut::Cut;
use crate::image::Image;
use crate::pass::pass_among;
use crate::periods::Periods;
use crate::rules::Rules;
use netnew_ledger::Context;
use netnew_metrics::{Extras, GroupKey, Query, Rollup, RollupError, RollupRow, join_rows};
use netnew_money::Day;
use std::collections::BTreeSet;

/// Finished rows and what is to be known of them to add them to those of other customers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// By period, then group; of groups that are not seen too.
    pub rows: Vec<RollupRow>,
    /// Groups in which something is posted; the others' rows are not shown.
    pub seen: BTreeSet<GroupKey>,
    /// The day of the first change of any level, in the rows or not.
    pub first_change: Option<Day>,
    /// Whether anything is posted up to the question's end.
    pub posted: bool,
}

impl Rows {
    /// The rows to show, and the day of the first change behind them.
    pub fn shown(mut self) -> (Vec<RollupRow>, Option<Day>) {
        self.rows.retain(|row| self.seen.contains(&row.group));
        (self.rows, self.first_change.filter(|_| self.posted))
    }
}

/// The rollup of a whole book for a question, equal to [`netnew_metrics::Rollup`] over every customer. `rules` are made
/// for the context [`without_dimensions`]; `cut` is in its zone. `None` when there are more groups than the pass should
/// hold tables for.
///
/// # Errors
/// A missing rate, or a level that does not fit.
pub fn grouped(
    image: &Image,
    people: &People,
    rules: &Rules,
    cut: Option<&Cut>,
    ctx: &Context,
    query: &Query,
    extras: Extras,
) -> Result<Option<Rows>, RollupError> {
    let Some(classes) = Classes::new(image, people, ctx, query, extras) else { return Ok(None) };
    let plain = without_dimensions(ctx);
    let Some(mut whole) = Periods::among(image, rules, &plain, query, extras, &classes)? else {
        return Ok(None);
    };
    if let Some(cut) = cut {
        whole = whole.with_cut(cut);
    }
    let parts = pass_among(image, rules, &plain, cut, Some(&classes), whole.fork())?;
    parts.into_iter().for_each(|part| whole.merge(part));
    let (mut first, mut posted) = whole.first_and_posted();
    let (mut rows, mut seen) = whole.finish_all()?;
    if classes.special() > 0 {
        let parts = classes.fold_special(
            image,
            people,
            ctx,
            || Rollup::new(ctx, query, extras),
            |rollup, _, ledger| rollup.add(ledger),
        )?;
        let mut rest = Rollup::new(ctx, query, extras)?;
        parts.into_iter().for_each(|part| rest.merge(part));
        let (day, any) = rest.first_and_posted();
        first = first.into_iter().chain(day).min();
        posted |= any;
        let (more, also) = rest.finish_all()?;
        rows = join_rows(rows, more);
        seen.extend(also);
    }
    Ok(Some(Rows { rows, seen, first_change: first, posted }))
}
