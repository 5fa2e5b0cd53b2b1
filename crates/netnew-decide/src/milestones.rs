//! Milestones: reached on which day, next when, and what each changes.

use crate::forecast::{Row, reach};
use crate::words::month;
use netnew_money::{Amount, Day};
use serde_json::{Value, json};

/// Thresholds in thousands of the major unit.
const LADDER: [i64; 16] =
    [1, 5, 10, 15, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000];

/// A threshold and where the business stands to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// The threshold.
    pub amount: Amount,
    /// What it changes.
    pub meaning: &'static str,
    /// The first day that ended at or above it.
    pub reached: Option<Day>,
    /// Since when it has held without a break; `None` when MRR is below it now.
    pub held_since: Option<Day>,
    /// True for the lowest one that MRR is below.
    pub next: bool,
    /// What is missing.
    pub missing: Amount,
    /// The month it is reached by the high path, the middle, the low path; only for the next ones.
    pub earliest: Option<Day>,
    /// See `earliest`.
    pub expected: Option<Day>,
    /// See `earliest`.
    pub latest: Option<Day>,
}

/// The thresholds of a currency: for currencies without decimals a hundred times as much.
pub fn ladder(decimals: u8) -> Vec<Amount> {
    let scale = if decimals == 0 { 100_000 } else { 1_000 };
    LADDER.iter().map(|thousands| Amount::from_major(thousands * scale)).collect()
}

/// What a threshold changes.
fn meaning(thousands: usize) -> &'static str {
    match thousands {
        0 => {
            "Strangers pay, again and again, for what you made. It hardly pays for itself yet, but the question \
             whether this is a business is answered."
        }
        1 => {
            "It starts to feel stable. There are enough customers to see who stays and why, to try a second way of \
             finding them without risking the first, and to think about prices."
        }
        2 => {
            "You run a business. There is money to replace your own hours by processes, tools and a hand now and \
             then; growth turns from hustle into tuning. The figures of the next stage apply from here."
        }
        3 => {
            "Halfway between living from it and hiring for it: one outage or one large customer no longer decides."
        }
        4 => "It carries a first full position beside you; what is not written down now costs time twice.",
        5 => "It carries a small team; who owns retention matters more than who owns the next feature.",
        6 => {
            "The next stage: growth slows in percent, and what customers stay and grow by decides. Net retention of 100 % becomes the aim."
        }
        9 => {
            "The last stage of the tables: growth of a few percent a month, and net retention of 110 % a year as the aim."
        }
        _ => "A step on the way.",
    }
}

/// Milestones against the level at the end of each day and the paths ahead.
///
/// `days`: day and MRR at its end, oldest first, without gaps. `ahead`: forecast rows.
pub fn milestones(days: &[(Day, Amount)], ahead: &[Row], decimals: u8) -> Vec<Milestone> {
    let now = days.last().map_or(Amount::ZERO, |(_, level)| *level);
    let mut next_seen = false;
    let mut out = Vec::new();
    for (at, amount) in ladder(decimals).into_iter().enumerate() {
        let reached = days.iter().find(|(_, level)| *level >= amount).map(|(day, _)| *day);
        let below = now < amount;
        let next = below && !next_seen;
        next_seen |= below;
        let when = reach(ahead, amount);
        let held_since = match below {
            true => None,
            false => {
                let broken = days.iter().rposition(|(_, level)| *level < amount);
                days.get(broken.map_or(0, |at| at + 1)).map(|(day, _)| *day)
            }
        };
        out.push(Milestone {
            amount,
            meaning: meaning(at),
            reached,
            held_since,
            next,
            missing: (amount - now).max(Amount::ZERO),
            earliest: when.earliest.filter(|_| below),
            expected: when.expected.filter(|_| below),
            latest: when.latest.filter(|_| below),
        });
    }
    // The next, and one beyond what was ever reached: further ones say nothing.
    let last = out.iter().rposition(|m| m.next || m.reached.is_some()).unwrap_or(0);
    out.truncate((last + 2).min(out.len()));
    out
}

impl Milestone {
    /// When it is reached, in words: `March 2027 at this pace, from January 2027 to not within ten years`.
    pub fn outlook(&self) -> String {
        let name = |day: Option<Day>| day.map_or("not within ten years".into(), month);
        match (self.expected, self.earliest, self.latest) {
            (None, None, None) => "not at this pace".into(),
            (expected, None, None) => {
                format!("{} at this pace (too little history for a range)", name(expected))
            }
            (expected, earliest, latest) => {
                format!("{} at this pace, from {} to {}", name(expected), name(earliest), name(latest))
            }
        }
    }

    /// The row as JSON; `next` months are first days.
    pub fn to_json(&self) -> Value {
        let day = |d: Option<Day>| json!(d.map(|d| d.to_string()));
        json!({
            "amount": self.amount.to_string(),
            "reached": day(self.reached),
            "held_since": day(self.held_since),
            "next": self.next,
            "missing": self.missing.to_string(),
            "earliest": day(self.earliest),
            "expected": day(self.expected),
            "latest": day(self.latest),
            "meaning": self.meaning,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::{History, forecast};
    use crate::pace::tests::run;

    fn days(levels: &[i64]) -> Vec<(Day, Amount)> {
        let first = Day::from_ymd(2026, 1, 1).unwrap();
        levels.iter().zip(0..).map(|(level, at)| (first.add_days(at), Amount::from_major(*level))).collect()
    }

    #[test]
    fn reached_lost_and_reached_again() {
        let list = milestones(&days(&[900, 1_000, 999, 1_200, 1_300]), &[], 2);
        let day = |d| Day::from_ymd(2026, 1, d).unwrap();
        assert_eq!((list[0].reached, list[0].held_since), (Some(day(2)), Some(day(4))));
        assert!(list[1].next && !list[0].next);
        assert_eq!(list[1].missing, Amount::from_major(3_700));
        let lost = milestones(&days(&[1_100, 400]), &[], 2);
        assert_eq!((lost[0].reached, lost[0].held_since, lost[0].next), (Some(day(1)), None, true));
    }

    #[test]
    fn the_next_one_has_a_range() {
        let mut moves = vec![[300, 0, 0, 0, 0]; 12];
        moves[4][0] = 500;
        moves[8][0] = 100;
        let months = run(1_000, &moves);
        let next = months[11].last.add_days(1);
        let rows = forecast(&History { months, known: Vec::new(), next }, 36).rows;
        let list = milestones(&days(&[4_600]), &rows, 2);
        let five = list.iter().find(|m| m.next).unwrap();
        assert_eq!(five.amount, Amount::from_major(5_000));
        assert!(five.earliest <= five.expected && five.expected <= five.latest);
        assert!(five.expected.is_some());
    }

    #[test]
    fn yen_have_more_of_them() {
        assert_eq!(ladder(0)[0], Amount::from_major(100_000));
        assert_eq!(ladder(2)[1], Amount::from_major(5_000));
    }
}
