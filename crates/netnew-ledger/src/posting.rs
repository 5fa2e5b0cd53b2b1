//! Which part of a change is a transfer, and which is expansion or contraction (section 7).

use crate::movement::Kind;
use netnew_money::{Amount, Ratio, Rounding};
use netnew_policy::TransferResidual;

/// One row's change, before it is told what it is.
#[derive(Clone, Copy, Debug)]
pub struct Delta {
    /// Index of the (source, subscription); deltas come sorted by it, then item, then plan.
    pub subscription: u32,
    /// Change in the row's own currency; not zero.
    pub amount: Amount,
    /// Value of one unit of the row's currency in the book's currency on that day (1 when all rows share one).
    pub rate: Ratio,
}

/// A posted part of a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Index of the delta.
    pub delta: usize,
    /// What it is.
    pub kind: Kind,
    /// How much, in the row's currency.
    pub amount: Amount,
}

struct Side {
    delta: usize,
    subscription: u32,
    left: Ratio,
    matched: Ratio,
    partner: Option<usize>,
}

/// Splits the deltas of one group of a unit that is present before and after. `None` on overflow.
///
/// Parts come in the order of deltas; a delta's transfer comes before its expansion or contraction.
pub fn split(deltas: &[Delta], residual: TransferResidual) -> Option<Vec<Part>> {
    let gains_only = deltas.iter().all(|d| d.amount.is_positive());
    if gains_only || deltas.iter().all(|d| d.amount.is_negative()) {
        let kind = if gains_only { Kind::Expansion } else { Kind::Contraction };
        return Some(
            deltas.iter().enumerate().map(|(delta, d)| Part { delta, kind, amount: d.amount }).collect(),
        );
    }
    let mut gains = Vec::new();
    let mut losses = Vec::new();
    for (delta, d) in deltas.iter().enumerate() {
        let value = Ratio::from_amount(d.amount.abs()).checked_mul(d.rate)?;
        let side =
            Side { delta, subscription: d.subscription, left: value, matched: Ratio::ZERO, partner: None };
        if d.amount.is_positive() { gains.push(side) } else { losses.push(side) }
    }
    match_sides(&mut losses, &mut gains, true)?;
    match_sides(&mut losses, &mut gains, false)?;

    let mut parts = Vec::with_capacity(deltas.len() + 2);
    for side in losses.iter().chain(&gains) {
        let d = &deltas[side.delta];
        let transfer = if side.left == Ratio::ZERO { d.amount } else { part_of(d, side.matched)? };
        push(&mut parts, side.delta, Kind::Transfer, transfer);
        let kind = if d.amount.is_positive() { Kind::Expansion } else { Kind::Contraction };
        push(&mut parts, side.delta, kind, d.amount - transfer);
    }
    if residual == TransferResidual::Destination {
        move_residuals(deltas, &losses, &mut parts)?;
    }
    parts.sort_by_key(|p| (p.delta, p.kind != Kind::Transfer));
    Some(parts)
}

/// Pairs losses with gains in their order, inside subscriptions or over all of them.
fn match_sides(losses: &mut [Side], gains: &mut [Side], same_subscription: bool) -> Option<()> {
    for loss in losses.iter_mut() {
        for gain in gains.iter_mut() {
            if loss.left == Ratio::ZERO {
                break;
            }
            if gain.left == Ratio::ZERO || (same_subscription && gain.subscription != loss.subscription) {
                continue;
            }
            let matched = loss.left.min(gain.left);
            loss.left = loss.left.checked_sub(matched)?;
            gain.left = gain.left.checked_sub(matched)?;
            loss.matched = loss.matched.checked_add(matched)?;
            gain.matched = gain.matched.checked_add(matched)?;
            loss.partner = Some(gain.delta);
            gain.partner = Some(loss.delta);
        }
    }
    Some(())
}

/// `destination`: the rest of a loss that moved in part shows where it went, not where it came from.
fn move_residuals(deltas: &[Delta], losses: &[Side], parts: &mut Vec<Part>) -> Option<()> {
    for loss in losses {
        let (Some(gain), true) = (loss.partner, loss.left > Ratio::ZERO) else { continue };
        parts.retain(|p| p.delta != loss.delta);
        push(parts, loss.delta, Kind::Transfer, deltas[loss.delta].amount);
        let moved = loss.left.checked_div(deltas[gain].rate)?.to_amount(Rounding::HalfEven)?;
        add(parts, gain, Kind::Transfer, moved);
        add(parts, gain, Kind::Contraction, -moved);
    }
    Some(())
}

fn part_of(delta: &Delta, value: Ratio) -> Option<Amount> {
    let amount = value.checked_div(delta.rate)?.to_amount(Rounding::HalfEven)?;
    Some(if delta.amount.is_negative() { -amount } else { amount })
}

fn push(parts: &mut Vec<Part>, delta: usize, kind: Kind, amount: Amount) {
    if !amount.is_zero() {
        parts.push(Part { delta, kind, amount });
    }
}

fn add(parts: &mut Vec<Part>, delta: usize, kind: Kind, amount: Amount) {
    match parts.iter_mut().find(|p| p.delta == delta && p.kind == kind) {
        Some(part) => part.amount += amount,
        None => push(parts, delta, kind, amount),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta(subscription: u32, amount: i64) -> Delta {
        Delta { subscription, amount: Amount::from_major(amount), rate: Ratio::ONE }
    }

    fn check(deltas: &[Delta], residual: TransferResidual, expect: &[(usize, Kind, i64)]) {
        let parts = split(deltas, residual).unwrap();
        let expect: Vec<Part> = expect
            .iter()
            .map(|(delta, kind, amount)| Part {
                delta: *delta,
                kind: *kind,
                amount: Amount::from_major(*amount),
            })
            .collect();
        assert_eq!(parts, expect);
    }

    use Kind::{Contraction, Expansion, Transfer};
    use TransferResidual::{Destination, Origin};

    #[test]
    fn up_shows_the_rest_where_it_went_either_way() {
        for residual in [Origin, Destination] {
            check(
                &[delta(0, -100), delta(0, 250)],
                residual,
                &[(0, Transfer, -100), (1, Transfer, 100), (1, Expansion, 150)],
            );
        }
    }

    #[test]
    fn down_shows_the_leaking_plan_or_the_plan_it_went_to() {
        let down = [delta(0, -50), delta(0, 30)];
        check(&down, Origin, &[(0, Transfer, -30), (0, Contraction, -20), (1, Transfer, 30)]);
        check(&down, Destination, &[(0, Transfer, -50), (1, Transfer, 50), (1, Contraction, -20)]);
    }

    #[test]
    fn the_same_subscription_is_matched_first() {
        check(
            &[delta(0, -30), delta(1, -50), delta(1, 60)],
            Origin,
            &[(0, Transfer, -10), (0, Contraction, -20), (1, Transfer, -50), (2, Transfer, 60)],
        );
    }

    #[test]
    fn a_loss_that_went_nowhere_stays_where_it_is() {
        check(
            &[delta(0, -50), delta(0, 30), delta(1, -10)],
            Destination,
            &[(0, Transfer, -50), (1, Transfer, 50), (1, Contraction, -20), (2, Contraction, -10)],
        );
    }

    #[test]
    fn currencies_are_matched_by_value() {
        let euro = Ratio::new(11, 10).unwrap();
        let deltas = [Delta { rate: euro, ..delta(0, -10) }, delta(0, 12)];
        check(&deltas, Origin, &[(0, Transfer, -10), (1, Transfer, 11), (1, Expansion, 1)]);
    }
}
