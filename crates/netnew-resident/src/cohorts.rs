//! Cohorts over a book in memory, equal to [`netnew_metrics::Cohorts`] over every customer.

use crate::attributes::People;
use crate::classes::{Classes, without_dimensions};
use crate::cut::Cut;
use crate::image::Image;
use crate::pass::pass_among;
use crate::periods::{Groups, OUT};
use crate::rules::Rules;
use crate::step::{Posting, Sink, Step};
use netnew_ledger::{Context, Kind};
use netnew_metrics::{Cohorts, Converter, Extras, Query, RollupError};
use netnew_money::{Amount, Day, Instant};
use netnew_policy::{CohortStart, MovementLevel};

/// The cohorts of a whole book. `rules` are made for the context [`without_dimensions`]; `cut` is in its zone. `None`
/// when the question tells more classes of customers apart than are worth their tables.
///
/// # Errors
/// A missing rate, or a level that does not fit.
pub fn cohorts<'a>(
    image: &Image,
    people: &People,
    rules: &Rules,
    cut: Option<&Cut>,
    ctx: &'a Context<'a>,
    query: &'a Query,
) -> Result<Option<Cohorts<'a>>, RollupError> {
    let Some(classes) = Classes::new(image, people, ctx, query, Extras::default()) else { return Ok(None) };
    let plain = without_dimensions(ctx);
    let groups = Groups::new(image, rules, query, Some(&classes));
    let mut whole = Cohorts::new(ctx, query)?;
    let new = || Following {
        image,
        rules,
        classes: &classes,
        groups: &groups,
        ctx,
        cut,
        converter: Converter::new(ctx, query),
        cohorts: Cohorts::new(ctx, query).ok(),
        separate: ctx.policy.movement_level == MovementLevel::Subscription,
        accepted: None,
        stands: Vec::new(),
        levels: Vec::new(),
        level: Vec::new(),
    };
    for part in pass_among(image, rules, &plain, cut, Some(&classes), new)? {
        part.cohorts.into_iter().for_each(|part| whole.merge(part));
    }
    if classes.special() > 0 {
        let parts = classes.fold_special(
            image,
            people,
            ctx,
            || Cohorts::new(ctx, query),
            |cohorts, _, ledger| cohorts.add(ledger),
        )?;
        parts.into_iter().for_each(|part| whole.merge(part));
    }
    Ok(Some(whole))
}

/// Follows customers, one after the other.
struct Following<'a, 'b> {
    image: &'b Image,
    rules: &'b Rules,
    classes: &'b Classes,
    groups: &'b Groups,
    ctx: &'a Context<'a>,
    cut: Option<&'b Cut>,
    converter: Converter<'a>,
    cohorts: Option<Cohorts<'a>>,
    separate: bool,
    /// Once the customer has arrived: which stand it arrived with, and whether the filter takes it.
    accepted: Option<(usize, bool)>,
    /// Day, presence, and where its levels end.
    stands: Vec<(Day, bool, u32)>,
    levels: Vec<(u8, i128)>,
    /// The level now.
    level: Vec<(u8, i128)>,
}

impl Following<'_, '_> {
    fn moves(&mut self, currency: u8, amount: i128) {
        match self.level.iter_mut().find(|(c, _)| *c == currency) {
            Some((_, sum)) => *sum += amount,
            None => self.level.push((currency, amount)),
        }
    }

    fn stand(&mut self, day: Day, present: bool) {
        self.levels.extend_from_slice(&self.level);
        self.stands.push((day, present, self.levels.len() as u32));
    }

    fn accepts(&self, customer: u32, item: u16, currency: u8, plan: u32) -> bool {
        let class = self.classes.class(customer);
        self.groups.of(self.image, self.rules, class, (customer, item, currency, plan)) != OUT
    }

    fn follow(&mut self, step: &Step) {
        if step.expected {
            return;
        }
        for change in step.changes {
            self.moves(change.currency, change.mrr[1] - change.mrr[0]);
        }
        if self.accepted.is_none() && step.present_after && !step.present_before {
            // Whoever arrives with no row at all is taken only where nothing is asked for.
            let unasked = self.groups.takes_all();
            let accepted =
                unasked || step.rows.iter().any(|r| self.accepts(step.customer, r.item, r.currency, r.plan));
            self.accepted = Some((self.stands.len(), accepted));
        }
        self.stand(step.day, step.present_after);
    }

    fn total(&self, levels: &[(u8, i128)], day: Day) -> Result<Amount, RollupError> {
        let mut sum = Amount::ZERO;
        for (currency, level) in levels.iter().filter(|(_, level)| *level != 0) {
            let currency = self.rules.currencies[usize::from(*currency)];
            sum += self.converter.movement(Amount::from_raw(*level), currency, day)?;
        }
        Ok(sum)
    }

    fn levels_of(&self, stand: usize) -> &[(u8, i128)] {
        let from = stand.checked_sub(1).map_or(0, |before| self.stands[before].2 as usize);
        &self.levels[from..self.stands[stand].2 as usize]
    }
}

impl Sink for Following<'_, '_> {
    fn takes_every_posting(&self) -> bool {
        // A customer's levels are added up in one currency here, and by what the image's own rows say.
        false
    }

    fn step(&mut self, step: &Step) -> Result<(), RollupError> {
        if !self.separate {
            self.follow(step);
        }
        Ok(())
    }

    fn heads(&mut self, step: &Step) -> Result<(), RollupError> {
        self.follow(step);
        Ok(())
    }

    fn post(&mut self, posting: &Posting) {
        let (Some(cut), Some(templates)) = (self.cut, &self.rules.templates) else { return };
        let entry = self.rules.entries(self.image, posting.which.pair)[1];
        let currency = self.rules.phases[entry as usize].currency;
        self.moves(currency, i128::from(templates.deltas[posting.which.pair as usize]));
        if self.accepted.is_none() && matches!(posting.kind, Some(Kind::New | Kind::Reactivation)) {
            let accepted = self.groups.takes_all()
                || posting
                    .rows(self.rules)
                    .any(|r| self.accepts(posting.customer, r.item, r.currency, r.plan));
            self.accepted = Some((self.stands.len(), accepted));
        }
        let day = cut.first().add_days(i32::from(posting.day));
        self.stand(day, posting.kind != Some(Kind::Churn));
    }

    fn end(&mut self, customer: u32, _first_change: Option<i64>) -> Result<(), RollupError> {
        let mut outcome = Ok(());
        if let Some((first, true)) = self.accepted
            && let Some(mut cohorts) = self.cohorts.take()
        {
            let day = self.stands[first].0;
            let start = match self.ctx.policy.cohort_start {
                CohortStart::FirstPositiveMrr => day,
                CohortStart::FirstSubscription => {
                    self.ctx.zone.day_of(Instant::from_micros(self.image.first_at(customer as usize)))
                }
            };
            let mut next = 0;
            outcome = cohorts.put(
                start,
                || self.total(self.levels_of(first), day),
                |day| {
                    while next < self.stands.len() && self.stands[next].0 <= day {
                        next += 1;
                    }
                    match next.checked_sub(1) {
                        Some(at) => Ok((self.stands[at].1, self.total(self.levels_of(at), day)?)),
                        None => Ok((false, Amount::ZERO)),
                    }
                },
            );
            self.cohorts = Some(cohorts);
        }
        self.accepted = None;
        self.stands.clear();
        self.levels.clear();
        self.level.clear();
        outcome
    }
}
