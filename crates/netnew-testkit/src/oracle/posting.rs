//! Section 7: from a group to its posted rows.

use std::collections::{BTreeMap, BTreeSet};

use netnew_money::{Amount, Currency, Ratio, Rounding};

use super::groups::{Cell, Group, Turn, levels};
use super::{Business, OracleError};

/// One posted row of a group.
#[derive(Clone, Debug)]
pub(super) struct Posted {
    pub(super) cell: Cell,
    pub(super) kind: &'static str,
    pub(super) cause: &'static str,
    pub(super) amount: Amount,
}

/// A gain or loss that is being matched.
struct Side {
    cell: Cell,
    amount: Amount,
    /// The book's currency per unit of the row's.
    rate: Ratio,
    /// Value without sign, and how much of it is not matched yet.
    value: Ratio,
    open: Ratio,
    /// For a loss: the gain it was matched with last.
    last_partner: Option<usize>,
}

const IN_RANGE: &str = "the oracle is asked about amounts that fit";

impl Business {
    /// The rows of a group, by cell, then kind.
    pub(super) fn post(&self, group: &Group<'_>) -> Result<Vec<Posted>, OracleError> {
        let (before, after) = (levels(&group.before), levels(&group.after));
        let mut changes: BTreeMap<Cell, Amount> = after;
        for (cell, amount) in before {
            *changes.entry(cell).or_default() -= amount;
        }
        changes.retain(|_, amount| !amount.is_zero());

        let mut rows: Vec<(Cell, &'static str, Amount)> = Vec::new();
        let all_of = |kind: &'static str| move |(cell, amount)| (cell, kind, amount);
        match group.turn {
            Turn::New => rows.extend(changes.into_iter().map(all_of("new"))),
            Turn::Reactivation => rows.extend(changes.into_iter().map(all_of("reactivation"))),
            Turn::Churn => rows.extend(changes.into_iter().map(all_of("churn"))),
            Turn::Absent => rows.extend(changes.into_iter().map(|(cell, amount)| {
                (cell, if amount.is_positive() { "expansion" } else { "contraction" }, amount)
            })),
            Turn::Stays => {
                let apart = self.apart(group)?;
                let mut matched = BTreeMap::new();
                for (cell, amount) in changes {
                    let key = (cell.id.source.clone(), cell.id.subscription.clone());
                    match apart.get(&key) {
                        Some(kind) => rows.push((cell, kind, amount)),
                        None => {
                            matched.insert(cell, amount);
                        }
                    }
                }
                rows.extend(self.matched(group, matched)?);
            }
        }
        rows.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        let causes = self.causes(group);
        Ok(rows
            .into_iter()
            .filter(|(_, _, amount)| !amount.is_zero())
            .map(|(cell, kind, amount)| {
                let cause = causes.get(&cell.id).copied().unwrap_or("other");
                Posted { cell, kind, cause, amount }
            })
            .collect())
    }

    /// Section 6: subscriptions whose rows are new or churn by themselves while their customer stays.
    fn apart(&self, group: &Group<'_>) -> Result<BTreeMap<(String, String), &'static str>, OracleError> {
        let before = self.subscriptions_above_zero(&group.before, group.last)?;
        let after = self.subscriptions_above_zero(&group.after, group.last)?;
        let mut apart = BTreeMap::new();
        if self.knobs.is("second_subscription", "new") {
            apart.extend(
                after.difference(&before).filter(|s| !group.known.contains(*s)).map(|s| (s.clone(), "new")),
            );
        }
        if self.knobs.is("partial_cancel", "churn") {
            let gone: BTreeSet<_> = before.difference(&after).collect();
            apart.extend(gone.into_iter().map(|s| (s.clone(), "churn")));
        }
        Ok(apart)
    }

    /// Matches gains with losses and names what is left of either.
    fn matched(
        &self,
        group: &Group<'_>,
        changes: BTreeMap<Cell, Amount>,
    ) -> Result<Vec<(Cell, &'static str, Amount)>, OracleError> {
        let (mut gains, mut losses) = self.sides(group, changes)?;
        let subscriptions: BTreeSet<(String, String)> = losses
            .iter()
            .map(|loss| (loss.cell.id.source.clone(), loss.cell.id.subscription.clone()))
            .collect();
        for (source, subscription) in subscriptions {
            let inside =
                |side: &Side| side.cell.id.source == source && side.cell.id.subscription == subscription;
            pair_up(&mut gains, &mut losses, inside);
        }
        pair_up(&mut gains, &mut losses, |_| true);

        let to_destination = self.knobs.is("transfer.residual", "destination");
        let mut rows: BTreeMap<(Cell, &'static str), Amount> = BTreeMap::new();
        let mut post = |cell: &Cell, kind, amount| *rows.entry((cell.clone(), kind)).or_default() += amount;
        for gain in &gains {
            let rest = gain.part(gain.open);
            post(&gain.cell, "transfer", gain.amount - rest);
            post(&gain.cell, "expansion", rest);
        }
        for loss in &losses {
            match loss.last_partner.map(|at| &gains[at]) {
                Some(gain) if to_destination && !loss.open.is_zero() => {
                    let moved = gain.part(loss.open);
                    post(&loss.cell, "transfer", loss.amount);
                    post(&gain.cell, "transfer", moved);
                    post(&gain.cell, "contraction", -moved);
                }
                _ => {
                    let rest = loss.part(loss.open);
                    post(&loss.cell, "transfer", loss.amount - rest);
                    post(&loss.cell, "contraction", rest);
                }
            }
        }
        Ok(rows.into_iter().map(|((cell, kind), amount)| (cell, kind, amount)).collect())
    }

    /// Gains and losses in the order of cells, valued; a rate is asked for only when currencies differ and there is
    /// something to match.
    fn sides(
        &self,
        group: &Group<'_>,
        changes: BTreeMap<Cell, Amount>,
    ) -> Result<(Vec<Side>, Vec<Side>), OracleError> {
        let currencies: BTreeSet<Currency> = changes.keys().map(|cell| cell.currency).collect();
        let any = |sign: fn(Amount) -> bool| changes.values().any(|&amount| sign(amount));
        let needs_rates = currencies.len() > 1 && any(Amount::is_positive) && any(Amount::is_negative);
        let day = self.report_zone.day_of(group.last);
        let mut sides = Vec::new();
        for (cell, amount) in changes {
            let rate = if needs_rates { self.rate(cell.currency, self.currency, day)? } else { Ratio::ONE };
            let value = Ratio::from_amount(amount.abs()).checked_mul(rate).expect(IN_RANGE);
            sides.push(Side { cell, amount, rate, value, open: value, last_partner: None });
        }
        Ok(sides.into_iter().partition(|side| side.amount.is_positive()))
    }
}

impl Side {
    /// A value as a signed part of this row, in its currency.
    fn part(&self, value: Ratio) -> Amount {
        if value == self.value {
            return self.amount;
        }
        let own =
            value.checked_div(self.rate).and_then(|own| own.to_amount(Rounding::HalfEven)).expect(IN_RANGE);
        if self.amount.is_negative() { -own } else { own }
    }
}

/// Takes losses in order, and for each of them gains in order.
fn pair_up(gains: &mut [Side], losses: &mut [Side], among: impl Fn(&Side) -> bool) {
    for loss in losses.iter_mut().filter(|loss| among(loss)) {
        for (at, gain) in gains.iter_mut().enumerate().filter(|(_, gain)| among(gain)) {
            let matched = loss.open.min(gain.open);
            if matched.is_zero() {
                continue;
            }
            loss.open = loss.open.checked_sub(matched).expect(IN_RANGE);
            gain.open = gain.open.checked_sub(matched).expect(IN_RANGE);
            loss.last_partner = Some(at);
        }
    }
}
