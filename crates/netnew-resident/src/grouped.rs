//! Any rollup over a book in memory: the pass for who is in a class, the general replay for who is not.

use crate::attributes::People;
use crate::classes::{Classes, without_dimensions};
use crate::cut::Cut;
use crate::image::Image;
use crate::pass::pass_among;
use crate::periods::Periods;
use crate::rules::Rules;
use netnew_ledger::Context;
use netnew_metrics::{Extras, Query, Rollup, RollupError, RollupRow, join_rows};
use netnew_money::Day;

/// Finished rows, and the day of the first change behind them.
pub type Rows = (Vec<RollupRow>, Option<Day>);

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
    rows.retain(|row| seen.contains(&row.group));
    Ok(Some((rows, first.filter(|_| posted))))
}
