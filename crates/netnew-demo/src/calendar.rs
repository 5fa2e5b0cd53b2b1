//! The days of the history, and who signs up when.

use netnew_money::{Day, Instant};

use crate::DemoOptions;
use crate::random::Random;

const DAY_SECONDS: i64 = 86_400;
/// Customers are at work from 6:00 to 18:00, so that what takes some hours still ends on the same day.
const WORKDAY: (i32, i32) = (6 * 3_600, 18 * 3_600);
const MOST_MONTHS: u32 = 1_200;

/// The days of the history. All days and moments are UTC, the zone the demo's book keeps.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    /// First days of its months; the last one is running.
    pub months: Vec<Day>,
    /// The last day.
    pub as_of: Day,
    /// The last moment: the first one of the last day, so that the answers hold all of that day long.
    pub end: Instant,
    /// When the price of Starter goes up.
    pub rise: Day,
    /// Per day how many shares of all sign-ups came up to its end.
    arrivals: Vec<u64>,
}

impl Calendar {
    pub(crate) fn new(options: &DemoOptions) -> Calendar {
        let as_of = options.as_of;
        let count = options.months.clamp(1, MOST_MONTHS).cast_signed();
        let first = as_of.first_of_month().add_months(1 - count);
        let months: Vec<Day> = (0..count).map(|m| first.add_months(m)).take_while(|m| *m <= as_of).collect();
        let rise = months[months.len() * 2 / 3];
        let arrivals = arrivals(&months, as_of, options.seed);
        Calendar { as_of, end: start_of(as_of), rise, arrivals, months }
    }

    /// The last day of a month that is in the history.
    pub(crate) fn last_day(&self, month: usize) -> Day {
        self.months[month].last_of_month().min(self.as_of)
    }

    /// Nine in the morning of the first day, unless the history is shorter than that.
    pub(crate) fn opening(&self) -> Instant {
        moment(self.months[0], 9 * 3_600).min(self.end)
    }

    /// When the customer signs up. Those with a higher index come later.
    pub(crate) fn arrival(&self, index: u32, customers: u32, random: &mut Random) -> Instant {
        let total = self.arrivals.last().copied().unwrap_or(0);
        let place = (u128::from(index) << 20) + u128::from(random.below(1 << 20));
        let share = place * u128::from(total) / (u128::from(customers.max(1)) << 20);
        let days = self.arrivals.partition_point(|shares| u128::from(*shares) <= share);
        if total == 0 {
            return self.end;
        }
        let day = self.months[0].add_days(i32::try_from(days).unwrap_or(i32::MAX));
        moment(day, random.between(WORKDAY.0, WORKDAY.1)).min(self.end)
    }
}

/// Sign-ups grow for the first 60 % of the months and then stay, give or take the season.
fn arrivals(months: &[Day], as_of: Day, seed: u64) -> Vec<u64> {
    let mut random = Random::of(seed, 7, 0);
    let mut shares = Vec::new();
    let mut sum = 0;
    for (at, month) in months.iter().enumerate() {
        let grown = (at as u64 * 1_000 / months.len() as u64).min(600) * 100 / 600;
        let weight = (30 + grown * 70 / 100) * (94 + random.below(13));
        let days = month.last_of_month().min(as_of.add_days(-1)).days_since(*month) + 1;
        for _ in 0..days.max(0) {
            sum += weight;
            shares.push(sum);
        }
    }
    shares
}

/// A time of day at which customers are at work, in seconds.
pub(crate) fn working_time(random: &mut Random) -> i32 {
    random.between(WORKDAY.0, WORKDAY.1)
}

/// The first moment of a day.
pub(crate) fn start_of(day: Day) -> Instant {
    moment(day, 0)
}

/// So many seconds into a day.
pub(crate) fn moment(day: Day, seconds: i32) -> Instant {
    Instant::from_micros((i64::from(day.days()) * DAY_SECONDS + i64::from(seconds)) * 1_000_000)
}

/// The day of a moment.
pub(crate) fn day_of(at: Instant) -> Day {
    let days = at.micros().div_euclid(DAY_SECONDS * 1_000_000);
    Day::from_days(i32::try_from(days).expect("instants lie within the years 1 to 9999"))
}

/// So many days and seconds later.
pub(crate) fn later(at: Instant, days: i32, seconds: i32) -> Instant {
    at.add_micros((i64::from(days) * DAY_SECONDS + i64::from(seconds)) * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(as_of: &str, months: u32) -> Calendar {
        let as_of = Day::parse(as_of).expect("a day");
        Calendar::new(&DemoOptions { seed: 1, customers: 100, months, as_of })
    }

    #[test]
    fn the_running_month_is_the_last() {
        let calendar = calendar("2026-11-24", 24);
        assert_eq!(calendar.months.len(), 24);
        assert_eq!(calendar.months[0].to_string(), "2024-12-01");
        assert_eq!(calendar.months[23].to_string(), "2026-11-01");
        assert_eq!(calendar.rise.to_string(), "2026-04-01");
        assert_eq!(calendar.last_day(22).to_string(), "2026-10-31");
        assert_eq!(calendar.last_day(23).to_string(), "2026-11-24");
        assert_eq!(calendar.end.to_string(), "2026-11-24T00:00:00Z");
    }

    #[test]
    fn customers_arrive_one_after_the_other_and_never_late() {
        for (as_of, months) in [("2026-11-24", 24), ("2026-03-01", 2), ("2026-03-01", 1), ("2026-03-02", 0)] {
            let calendar = calendar(as_of, months);
            let mut days = Vec::new();
            for index in 0..100 {
                let at = calendar.arrival(index, 100, &mut Random::of(1, 0, index.into()));
                assert!(at >= start_of(calendar.months[0]) && at <= calendar.end, "{as_of}: {at}");
                days.push(day_of(at));
            }
            assert!(days.is_sorted());
        }
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        for (as_of, months) in [(Day::MIN, 24), (Day::MAX, 24), (Day::MAX, u32::MAX)] {
            let calendar = Calendar::new(&DemoOptions { seed: 1, customers: 1, months, as_of });
            assert!(!calendar.months.is_empty() && calendar.end >= start_of(calendar.months[0]));
        }
    }
}
