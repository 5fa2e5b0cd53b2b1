//! Calendar periods.

use std::fmt;

use crate::error::shown;
use crate::{Day, MoneyError};

/// The length of a report's periods; all but weeks follow the calendar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Grain {
    /// Single days.
    Day,
    /// Seven days from the first day of the week.
    Week,
    /// Calendar months.
    Month,
    /// Calendar quarters, from January, April, July and October.
    Quarter,
    /// Calendar years.
    Year,
}

/// The first day of a week.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum WeekStart {
    /// As in ISO 8601.
    #[default]
    Monday,
    /// As in North America.
    Sunday,
}

impl WeekStart {
    /// How many days before `day` its week began, 0 to 6.
    fn days_into_week(self, day: Day) -> i32 {
        let since_monday = day.weekday().cast_signed();
        match self {
            WeekStart::Monday => since_monday,
            WeekStart::Sunday => (since_monday + 1) % 7,
        }
    }
}

impl Grain {
    /// Every grain, shortest first.
    pub const ALL: [Grain; 5] = [Grain::Day, Grain::Week, Grain::Month, Grain::Quarter, Grain::Year];

    /// Reads `day`, `week`, `month`, `quarter` or `year`.
    ///
    /// # Errors
    /// [`MoneyError::UnknownGrain`] for anything else.
    pub fn parse(text: &str) -> Result<Grain, MoneyError> {
        let found = Grain::ALL.into_iter().find(|grain| grain.as_str() == text);
        found.ok_or_else(|| MoneyError::UnknownGrain { text: shown(text) })
    }

    /// `day`, `week`, `month`, `quarter` or `year`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Grain::Day => "day",
            Grain::Week => "week",
            Grain::Month => "month",
            Grain::Quarter => "quarter",
            Grain::Year => "year",
        }
    }

    /// The first day of the period that `day` lies in.
    pub fn period_start(self, day: Day, week_start: WeekStart) -> Day {
        match self {
            Grain::Day => day,
            Grain::Week => day.add_days(-week_start.days_into_week(day)),
            Grain::Month | Grain::Quarter | Grain::Year => {
                let months_in = (day.ymd().1 - 1) % self.months().unsigned_abs();
                day.first_of_month().add_months(-months_in.cast_signed())
            }
        }
    }

    /// The first day of the period after the one that `day` lies in, usually its first day.
    pub fn next_start(self, day: Day, week_start: WeekStart) -> Day {
        let start = self.period_start(day, week_start);
        match self {
            Grain::Day => start.add_days(1),
            Grain::Week => start.add_days(7),
            Grain::Month | Grain::Quarter | Grain::Year => start.add_months(self.months()),
        }
    }

    /// The first day of the period before the one that `day` lies in.
    pub fn previous_start(self, day: Day, week_start: WeekStart) -> Day {
        let start = self.period_start(day, week_start);
        match self {
            Grain::Day => start.add_days(-1),
            Grain::Week => start.add_days(-7),
            Grain::Month | Grain::Quarter | Grain::Year => start.add_months(-self.months()),
        }
    }

    fn months(self) -> i32 {
        match self {
            Grain::Day | Grain::Week | Grain::Month => 1,
            Grain::Quarter => 3,
            Grain::Year => 12,
        }
    }
}

impl fmt::Display for Grain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(grain: Grain, week_start: WeekStart, day: &str, expected: [&str; 3]) {
        let day = Day::parse(day).unwrap();
        let starts = [
            grain.previous_start(day, week_start),
            grain.period_start(day, week_start),
            grain.next_start(day, week_start),
        ];
        assert_eq!(starts.map(|start| start.to_string()), expected, "{grain} of {day}");
    }

    #[test]
    fn periods() {
        use Grain::*;
        use WeekStart::*;
        check(Day, Monday, "2024-02-29", ["2024-02-28", "2024-02-29", "2024-03-01"]);
        check(Week, Monday, "2026-02-01", ["2026-01-19", "2026-01-26", "2026-02-02"]);
        check(Week, Sunday, "2026-02-01", ["2026-01-25", "2026-02-01", "2026-02-08"]);
        check(Week, Sunday, "2026-01-31", ["2026-01-18", "2026-01-25", "2026-02-01"]);
        check(Week, Monday, "2025-01-01", ["2024-12-23", "2024-12-30", "2025-01-06"]);
        check(Month, Monday, "2026-01-31", ["2025-12-01", "2026-01-01", "2026-02-01"]);
        check(Quarter, Monday, "2026-02-28", ["2025-10-01", "2026-01-01", "2026-04-01"]);
        check(Quarter, Monday, "2025-12-31", ["2025-07-01", "2025-10-01", "2026-01-01"]);
        check(Year, Monday, "2024-12-31", ["2023-01-01", "2024-01-01", "2025-01-01"]);
    }

    #[test]
    fn names() {
        for grain in Grain::ALL {
            assert_eq!(Grain::parse(grain.as_str()), Ok(grain));
        }
        assert_eq!(Grain::parse("decade").unwrap_err().hint(), "use day, week, month, quarter or year");
    }

    proptest! {
        #[test]
        fn periods_tile_the_calendar(days in -600_000i32..2_000_000, sunday: bool) {
            let day = Day::from_days(days);
            let weeks = if sunday { WeekStart::Sunday } else { WeekStart::Monday };
            for grain in Grain::ALL {
                let (start, next) = (grain.period_start(day, weeks), grain.next_start(day, weeks));
                prop_assert!(start <= day && day < next);
                prop_assert_eq!(grain.period_start(next.add_days(-1), weeks), start);
                prop_assert_eq!(grain.period_start(next, weeks), next);
                prop_assert_eq!(grain.previous_start(next, weeks), start);
            }
        }
    }
}
