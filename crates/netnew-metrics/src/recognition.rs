//! How an invoiced amount becomes revenue over the period it is for.
//!
//! What is recognised up to an instant is one rounding of the exact share, and what a period recognises is the difference
//! of two of those: over all periods the parts are the whole, to the last digit.

use netnew_money::{Amount, Day, Decimal, Instant, Ratio, Rounding, Zone};

/// How it is spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// By civil days of the report's zone: the first day counts whole, the day of the end does not.
    PerDay,
    /// By time.
    PerSecond,
    /// In equal parts for each calendar month from that of the start, at the month's end.
    EvenMonths,
}

impl Spread {
    /// All of them.
    pub const ALL: [Spread; 3] = [Spread::PerDay, Spread::PerSecond, Spread::EvenMonths];

    /// So much of an amount as `done` is of `whole`; all of it where there is no whole.
    pub fn part(amount: Amount, done: i64, whole: i64) -> Amount {
        if whole <= 0 || done >= whole {
            return amount;
        }
        if done <= 0 {
            return Amount::ZERO;
        }
        let share = Ratio::new(i128::from(done), i128::from(whole)).unwrap_or(Ratio::ONE);
        let exact = Ratio::from_amount(amount).checked_mul(share);
        exact.and_then(|exact| exact.to_amount(Rounding::HalfEven)).unwrap_or(amount)
    }

    /// An amount times a share of 0 to 1, rounded once.
    pub fn weighted(amount: Amount, weight: Decimal) -> Amount {
        let exact = Ratio::from_amount(amount).checked_mul(weight.to_ratio());
        exact.and_then(|exact| exact.to_amount(Rounding::HalfEven)).unwrap_or(amount)
    }
}

/// An amount and the period it is for.
pub struct Schedule<'z> {
    amount: Amount,
    start: Instant,
    end: Instant,
    first: Day,
    last: Day,
    months: i64,
    zone: &'z Zone,
}

impl<'z> Schedule<'z> {
    /// An amount for a period. Without length it is recognised at its start.
    pub fn new(amount: Amount, start: Instant, end: Instant, zone: &'z Zone) -> Schedule<'z> {
        let (first, last) = (zone.day_of(start), zone.day_of(end));
        let mut months = 1;
        while months < 1_200 && first.add_months(months) < last {
            months += 1;
        }
        Schedule { amount, start, end, first, last, months: i64::from(months), zone }
    }

    /// What is recognised of it before an instant.
    pub fn recognised(&self, spread: Spread, before: Instant) -> Amount {
        if before <= self.start {
            return Amount::ZERO;
        }
        if self.end <= self.start {
            return self.amount;
        }
        match spread {
            Spread::PerSecond => Spread::part(
                self.amount,
                before.micros() - self.start.micros(),
                self.end.micros() - self.start.micros(),
            ),
            Spread::PerDay => {
                // Days that have begun before the instant.
                let begun = self.zone.day_of(before.add_micros(-1)).days() - self.first.days() + 1;
                Spread::part(self.amount, i64::from(begun), i64::from(self.last.days() - self.first.days()))
            }
            Spread::EvenMonths => {
                let (day, first) = (self.zone.day_of(before), self.first);
                let index = |day: Day| {
                    let (year, month, _) = day.ymd();
                    i64::from(year) * 12 + i64::from(month)
                };
                Spread::part(self.amount, index(day) - index(first), self.months)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse_rfc3339(text).unwrap()
    }

    /// The figures that Stripe's documentation prints for its three granularities.
    #[test]
    fn a_published_schedule_comes_out_to_the_cent() {
        let zone = Zone::utc();
        let schedule = Schedule::new(
            Amount::from_major(120),
            at("2026-06-15T12:00:00Z"),
            at("2026-10-13T12:00:00Z"),
            &zone,
        );
        let ends = ["06", "07", "08", "09", "10", "11"].map(|m| at(&format!("2026-{m}-01T00:00:00Z")));
        for (spread, wanted) in [
            (Spread::PerSecond, ["15.5", "31", "31", "30", "12.5"]),
            (Spread::PerDay, ["16", "31", "31", "30", "12"]),
            (Spread::EvenMonths, ["30", "30", "30", "30", "0"]),
        ] {
            let parts: Vec<String> = ends
                .windows(2)
                .map(|w| schedule.recognised(spread, w[1]) - schedule.recognised(spread, w[0]))
                .map(|part| part.to_string())
                .collect();
            assert_eq!(parts, wanted, "{spread:?}");
        }
    }

    #[test]
    fn the_parts_of_a_third_are_the_whole() {
        let zone = Zone::parse("America/New_York").unwrap();
        let amount = Amount::parse("100.01").unwrap();
        let schedule = Schedule::new(amount, at("2026-01-31T05:00:00Z"), at("2027-01-31T05:00:00Z"), &zone);
        for spread in Spread::ALL {
            let mut day = Day::from_ymd(2026, 1, 1).unwrap();
            let mut sum = Amount::ZERO;
            while day < Day::from_ymd(2027, 4, 1).unwrap() {
                let next = day.add_days(7);
                let (from, to) = (zone.start_of(day), zone.start_of(next));
                sum += schedule.recognised(spread, to) - schedule.recognised(spread, from);
                day = next;
            }
            assert_eq!(sum, amount, "{spread:?}");
        }
    }

    #[test]
    fn what_has_no_length_is_recognised_at_once() {
        let zone = Zone::utc();
        let now = at("2026-01-01T00:00:00Z");
        let schedule = Schedule::new(Amount::from_major(-5), now, now, &zone);
        for spread in Spread::ALL {
            assert_eq!(schedule.recognised(spread, now), Amount::ZERO);
            assert_eq!(schedule.recognised(spread, now.add_micros(1)), Amount::from_major(-5));
        }
    }
}
