//! The pace of a business and where it leads: month after month, start + movements = end.
//!
//! New and reactivation are taken as amounts a month, expansion, contraction and churn as shares of the MRR at the
//! month's start, each over the last complete months together: six of them unless a [`Method`] says otherwise. With a
//! trend, new goes on rising or falling by the same amount a month as it did (the least-squares line). Shares are exact fractions of sums in hundredths of
//! the major unit; every projected movement is rounded once, half-even, to ten decimals. So a projection is the same
//! on every machine, and its rows add up exactly.

use crate::month::{Month, total};
use netnew_ledger::Kind;
use netnew_money::{Amount, Day, Ratio, Rounding};

/// Complete months that make the pace, if there are so many.
pub const PACE_MONTHS: usize = 6;

/// How the pace is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// From so many complete months.
    pub months: usize,
    /// Whether new follows its line, or stays at its mean.
    pub trend: bool,
}

impl Method {
    /// All that are tried, the usual one first.
    pub const ALL: [Method; 6] = [
        Method { months: PACE_MONTHS, trend: false },
        Method { months: 3, trend: false },
        Method { months: 12, trend: false },
        Method { months: PACE_MONTHS, trend: true },
        Method { months: 12, trend: true },
        Method { months: 24, trend: true },
    ];
}

/// What a month brings at the present pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// New MRR in the first month ahead.
    pub new: Amount,
    /// By how much it differs from month to month; zero without a trend.
    pub new_step: Amount,
    /// Reactivated MRR a month.
    pub reactivation: Amount,
    /// Expansion over MRR at the month's start.
    pub expansion: Ratio,
    /// Contraction over MRR at the month's start, above zero.
    pub contraction: Ratio,
    /// Churn over MRR at the month's start, above zero.
    pub churn: Ratio,
    /// How many months it is taken from.
    pub months: usize,
}

impl Pace {
    /// From the last complete months; `None` without any.
    pub fn of(months: &[Month]) -> Option<Pace> {
        Pace::by(months, Method::ALL[0])
    }

    /// From the last complete months by a method; `None` without any.
    pub fn by(months: &[Month], method: Method) -> Option<Pace> {
        let months = &months[months.len().saturating_sub(method.months)..];
        let count = i128::try_from(months.len()).ok().filter(|n| *n > 0)?;
        let base: Amount = months.iter().map(|m| m.start).sum();
        let rate = |sum: Amount| rate(sum, base).unwrap_or(Ratio::ZERO);
        let mean = |kind: Kind| mean(total(months, kind), count);
        let (new, new_step) = match method.trend {
            true => line(months).unwrap_or((mean(Kind::New), Amount::ZERO)),
            false => (mean(Kind::New), Amount::ZERO),
        };
        Some(Pace {
            new,
            new_step,
            reactivation: mean(Kind::Reactivation),
            expansion: rate(total(months, Kind::Expansion)),
            contraction: rate(-total(months, Kind::Contraction)),
            churn: rate(-total(months, Kind::Churn)),
            months: months.len(),
        })
    }

    /// The movement of a kind in a whole month that starts with `start`; losses are negative.
    fn movement(&self, kind: Kind, start: Amount, ahead: usize) -> Amount {
        let start = start.max(Amount::ZERO);
        match kind {
            Kind::New => {
                let steps = i128::try_from(ahead).unwrap_or(0);
                Amount::from_raw(self.new.raw() + self.new_step.raw() * steps).max(Amount::ZERO)
            }
            Kind::Reactivation => self.reactivation,
            Kind::Expansion => part(start, self.expansion),
            Kind::Contraction => -part(start, self.contraction),
            Kind::Churn => -part(start, self.churn),
            Kind::Transfer => Amount::ZERO,
        }
    }
}

/// The least-squares line of new over months: its value in the month after the last, and its slope. `None` for fewer than
/// three months.
fn line(months: &[Month]) -> Option<(Amount, Amount)> {
    let n = i128::try_from(months.len()).ok().filter(|n| *n >= 3)?;
    // With months 0..n: slope = 12 * sum((x - mean) y) / (n (n^2 - 1)); twice (x - mean) is 2x - (n - 1).
    let twice: i128 = months.iter().zip(0i128..).map(|(m, x)| (2 * x - (n - 1)) * m.new.raw()).sum();
    let slope = Ratio::new(twice * 6, n * (n * n - 1))?;
    let mean = Ratio::new(total(months, Kind::New).raw(), n)?;
    let next = mean.checked_add(slope.checked_mul(Ratio::new(n + 1, 2)?)?)?;
    let raw = |r: Ratio| r.round_to(0, Rounding::HalfEven).map(Amount::from_raw);
    Some((raw(next)?.max(Amount::ZERO), raw(slope)?))
}

/// A sum over a base, both in hundredths; `None` without a base.
fn rate(sum: Amount, base: Amount) -> Option<Ratio> {
    let cents = |amount: Amount| amount.raw() / 100_000_000;
    base.is_positive().then(|| Ratio::new(cents(sum), cents(base))).flatten()
}

fn mean(sum: Amount, count: i128) -> Amount {
    Ratio::new(sum.raw(), count)
        .and_then(|r| r.round_to(0, Rounding::HalfEven))
        .map_or(Amount::ZERO, Amount::from_raw)
}

/// A share of an amount, rounded once; what does not fit the range is nothing.
pub fn part(amount: Amount, share: Ratio) -> Amount {
    Ratio::from_amount(amount)
        .checked_mul(share)
        .and_then(|r| r.to_amount(Rounding::HalfEven))
        .unwrap_or(Amount::ZERO)
}

/// What changes the pace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Taken off the churn of every month; never turns it into a gain.
    pub churn_less: Amount,
    /// Added to the new of every month.
    pub new_more: Amount,
    /// Expansion (or, below zero, contraction) in the first month only.
    pub once: Amount,
}

/// What is known of a month before it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What happened so far; all zero in a month that lies ahead.
    pub so_far: Month,
    /// What is agreed for the rest of it: scheduled ends, starts, changes of plan, coupons that run out.
    pub agreed: Month,
    /// How much of the month is left, from 0 to 1.
    pub left: Ratio,
}

/// A month ahead: as [`Month`], with nothing from exchange rates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// First day.
    pub first: Day,
    /// Last day.
    pub last: Day,
    /// MRR at the start.
    pub start: Amount,
    /// Movement per kind, in the order of [`Kind::ALL`].
    pub movements: [Amount; 6],
    /// Of these, what is agreed already.
    pub agreed: [Amount; 6],
    /// Exchange rates, only what happened so far.
    pub fx: Amount,
    /// MRR at the end.
    pub end: Amount,
}

impl Ahead {
    /// The movement of a kind.
    pub fn movement(&self, kind: Kind) -> Amount {
        let at = Kind::ALL.iter().position(|k| *k == kind);
        at.map_or(Amount::ZERO, |at| self.movements[at])
    }
}

/// Months ahead from a level at the start of the month that begins on `first`.
///
/// `known` speaks of these months in order and may be shorter. What is agreed counts within the pace of its kind, not
/// on top: past months had their scheduled ends and starts too. Only where more is agreed than the pace brings does
/// the agreed count instead.
pub fn project(
    start: Amount,
    first: Day,
    months: usize,
    pace: &Pace,
    change: &Change,
    known: &[Known],
) -> Vec<Ahead> {
    let mut out = Vec::with_capacity(months);
    let (mut start, mut first) = (start, first);
    for at in 0..months {
        let here = known.get(at);
        let mut movements = [Amount::ZERO; 6];
        let mut agreed = [Amount::ZERO; 6];
        for (slot, kind) in Kind::ALL.into_iter().enumerate() {
            let left = here.map_or(Ratio::ONE, |k| k.left);
            let paced = part(pace.movement(kind, start, at), left);
            agreed[slot] = here.map_or(Amount::ZERO, |k| k.agreed.movement(kind));
            let rest = if agreed[slot].abs() > paced.abs() { agreed[slot] } else { paced };
            movements[slot] = here.map_or(Amount::ZERO, |k| k.so_far.movement(kind)) + rest;
        }
        apply(change, at == 0, &mut movements);
        let fx = here.map_or(Amount::ZERO, |k| k.so_far.fx);
        let end = start + movements.iter().copied().sum::<Amount>() + fx;
        out.push(Ahead { first, last: first.last_of_month(), start, movements, agreed, fx, end });
        start = end;
        first = first.last_of_month().add_days(1);
    }
    out
}

fn apply(change: &Change, first: bool, movements: &mut [Amount; 6]) {
    let mut add = |kind: Kind, amount: Amount| {
        if let Some(at) = Kind::ALL.iter().position(|k| *k == kind) {
            movements[at] += amount;
        }
    };
    add(Kind::New, change.new_more);
    if first {
        let kind = if change.once.is_negative() { Kind::Contraction } else { Kind::Expansion };
        add(kind, change.once);
    }
    if let Some(at) = Kind::ALL.iter().position(|k| *k == Kind::Churn) {
        movements[at] = (movements[at] + change.churn_less).min(Amount::ZERO);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A month of whole amounts: new, reactivation, expansion, contraction and churn (losses below zero).
    pub(crate) fn month(first: Day, start: i64, moves: [i64; 5]) -> Month {
        let amount = Amount::from_major;
        Month {
            first,
            last: first.last_of_month(),
            start: amount(start),
            new: amount(moves[0]),
            reactivation: amount(moves[1]),
            expansion: amount(moves[2]),
            contraction: amount(moves[3]),
            churn: amount(moves[4]),
            transfer: Amount::ZERO,
            fx: Amount::ZERO,
            end: amount(start + moves.iter().sum::<i64>()),
            customers_start: 0,
            customers_new: 0,
            customers_back: 0,
            customers_lost: 0,
            customers_end: 0,
            retained_12: None,
        }
    }

    /// Months one after another from January 2025.
    pub(crate) fn run(start: i64, moves: &[[i64; 5]]) -> Vec<Month> {
        let (mut start, mut first) = (start, Day::from_ymd(2025, 1, 1).unwrap());
        moves
            .iter()
            .map(|m| {
                let month = month(first, start, *m);
                start += m.iter().sum::<i64>();
                first = first.last_of_month().add_days(1);
                month
            })
            .collect()
    }

    fn first() -> Day {
        Day::from_ymd(2026, 1, 1).unwrap()
    }

    #[test]
    fn rows_add_up_and_follow_on() {
        let months = run(1_000, &[[100, 0, 7, -3, -50]; 6]);
        let pace = Pace::of(&months).unwrap();
        let ahead = project(months[5].end, first(), 24, &pace, &Change::default(), &[]);
        for (at, row) in ahead.iter().enumerate() {
            assert_eq!(row.start + row.movements.iter().copied().sum::<Amount>() + row.fx, row.end);
            if at > 0 {
                assert_eq!(row.start, ahead[at - 1].end);
            }
        }
        // Losses grow with the level, so growth slows down.
        assert!(ahead[23].end - ahead[23].start < ahead[0].end - ahead[0].start);
    }

    #[test]
    fn two_hundred_less_churn_is_two_hundred_more_new() {
        let months = run(5_000, &[[400, 0, 0, 0, -380]; 6]);
        let pace = Pace::of(&months).unwrap();
        let two_hundred = Amount::from_major(200);
        let less = Change { churn_less: two_hundred, ..Change::default() };
        let more = Change { new_more: two_hundred, ..Change::default() };
        let ends =
            |c| project(months[5].end, first(), 12, &pace, &c, &[]).iter().map(|a| a.end).collect::<Vec<_>>();
        assert_eq!(ends(less), ends(more));
    }

    #[test]
    fn a_line_goes_on() {
        let months = run(0, &[[100, 0, 0, 0, 0], [110, 0, 0, 0, 0], [120, 0, 0, 0, 0], [130, 0, 0, 0, 0]]);
        let pace = Pace::by(&months, Method { months: 12, trend: true }).unwrap();
        assert_eq!((pace.new, pace.new_step), (Amount::from_major(140), Amount::from_major(10)));
        let ahead = project(Amount::ZERO, first(), 3, &pace, &Change::default(), &[]);
        assert_eq!(ahead[2].end, Amount::from_major(140 + 150 + 160));
    }

    #[test]
    fn what_is_agreed_counts_within_the_pace_until_it_is_more() {
        let months = run(1_000, &[[0, 0, 0, 0, -100]; 1]);
        let pace = Pace::of(&months).unwrap();
        let agreed = |churn: i64| {
            vec![Known {
                so_far: month(first(), 0, [0; 5]),
                agreed: month(first(), 0, [0, 0, 0, 0, churn]),
                left: Ratio::ONE,
            }]
        };
        let end = |churn| {
            project(Amount::from_major(1_000), first(), 1, &pace, &Change::default(), &agreed(churn))[0].end
        };
        assert_eq!(end(-40), Amount::from_major(900));
        assert_eq!(end(-300), Amount::from_major(700));
    }

    #[test]
    fn a_running_month_keeps_what_happened() {
        let months = run(1_000, &[[100, 0, 0, 0, 0]]);
        let pace = Pace::of(&months).unwrap();
        let known = [Known {
            so_far: month(first(), 1_100, [70, 0, 0, 0, 0]),
            agreed: month(first(), 0, [0; 5]),
            left: Ratio::new(1, 4).unwrap(),
        }];
        let ahead = project(Amount::from_major(1_100), first(), 1, &pace, &Change::default(), &known);
        assert_eq!(ahead[0].movement(Kind::New), Amount::from_major(95));
    }
}
