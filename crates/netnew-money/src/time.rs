//! UTC instants and civil days.

use std::fmt;

use crate::MoneyError;
use crate::error::shown;

/// Microseconds of a civil day.
pub(crate) const DAY_MICROS: i64 = 86_400_000_000;

/// A moment: UTC microseconds since 1970-01-01T00:00:00Z, from the year 0001 to the year 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl Instant {
    /// 0001-01-01T00:00:00Z, also the stand-in for "since ever".
    pub const MIN: Instant = Instant(-62_135_596_800_000_000);
    /// 9999-12-31T23:59:59.999999Z, also the stand-in for "never".
    pub const MAX: Instant = Instant(253_402_300_799_999_999);

    /// The moment so many microseconds after 1970-01-01T00:00:00Z; beyond the range it is the end of it.
    pub const fn from_micros(micros: i64) -> Instant {
        if micros < Instant::MIN.0 {
            Instant::MIN
        } else if micros > Instant::MAX.0 {
            Instant::MAX
        } else {
            Instant(micros)
        }
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The moment so many microseconds later (earlier when negative); beyond the range it is the end of it.
    pub const fn add_micros(self, micros: i64) -> Instant {
        Instant::from_micros(self.0.saturating_add(micros))
    }

    /// Reads RFC 3339: `2026-01-31T12:00:00Z`, `2026-01-31T12:00:00.25+05:30`. The offset is required.
    /// Digits past the microsecond are dropped; a leap second is the second after it.
    ///
    /// # Errors
    /// [`MoneyError::BadInstant`] for anything else, for days and times that do not exist and for
    /// moments outside the range.
    pub fn parse_rfc3339(text: &str) -> Result<Instant, MoneyError> {
        read_rfc3339(text.as_bytes()).ok_or_else(|| MoneyError::BadInstant { text: shown(text) })
    }
}

fn read_rfc3339(text: &[u8]) -> Option<Instant> {
    let (date, rest) = text.split_at_checked(10)?;
    let (clock, rest) = rest.split_at_checked(9)?;
    let [b'T' | b't', h1, h2, b':', m1, m2, b':', s1, s2] = *clock else { return None };
    let day = read_day(date)?;
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction, zone) = match rest {
        [b'.', rest @ ..] => {
            let length = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            let (digits, zone) = rest.split_at(length);
            (micros_of_fraction(digits)?, zone)
        }
        _ => (0, rest),
    };
    let offset_minutes = match *zone {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[h1, h2])?, number(&[m1, m2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset = hours * 60 + minutes;
            if sign == b'-' { -offset } else { offset }
        }
        _ => return None,
    };
    let seconds = (hour * 60 + minute - offset_minutes) * 60 + second;
    let micros = i64::from(day.days()) * DAY_MICROS + seconds * 1_000_000 + fraction;
    (Instant::MIN.0..=Instant::MAX.0).contains(&micros).then_some(Instant(micros))
}

/// A short run of ASCII digits as a number.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

fn micros_of_fraction(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() {
        return None;
    }
    (0..6).try_fold(0i64, |sum, at| number(&[*digits.get(at).unwrap_or(&b'0')]).map(|d| sum * 10 + d))
}

impl fmt::Display for Instant {
    /// RFC 3339 in UTC, the fraction only when there is one: `2026-01-31T00:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, within) = (self.0.div_euclid(DAY_MICROS), self.0.rem_euclid(DAY_MICROS));
        let day = Day(i32::try_from(day).map_err(|_| fmt::Error)?);
        let (seconds, mut fraction) = (within / 1_000_000, within % 1_000_000);
        write!(f, "{day}T{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        if fraction != 0 {
            let mut width = 6;
            while fraction % 10 == 0 {
                fraction /= 10;
                width -= 1;
            }
            write!(f, ".{fraction:0width$}")?;
        }
        f.write_str("Z")
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A day of the Gregorian calendar, without a time zone, from 0001-01-01 to 9999-12-31.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    /// 0001-01-01.
    pub const MIN: Day = Day(-719_162);
    /// 9999-12-31.
    pub const MAX: Day = Day(2_932_896);

    /// The day so many days after 1970-01-01; beyond the range it is the end of it.
    pub const fn from_days(days: i32) -> Day {
        if days < Day::MIN.0 {
            Day::MIN
        } else if days > Day::MAX.0 {
            Day::MAX
        } else {
            Day(days)
        }
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The day of this year, month (1 to 12) and day of the month, when it exists.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Day> {
        let exists = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day);
        exists.then(|| Day(days_from_civil(year, month, day)))
    }

    /// Year, month (1 to 12) and day of the month.
    pub fn ymd(self) -> (i32, u32, u32) {
        civil_from_days(self.0)
    }

    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`MoneyError::BadDay`] for anything else and for days that do not exist.
    pub fn parse(text: &str) -> Result<Day, MoneyError> {
        read_day(text.as_bytes()).ok_or_else(|| MoneyError::BadDay { text: shown(text) })
    }

    /// The day so many days later (earlier when negative), at most the end of the range.
    pub const fn add_days(self, days: i32) -> Day {
        Day::from_days(self.0.saturating_add(days))
    }

    /// How many days `earlier` lies before this one; negative when it lies after.
    pub const fn days_since(self, earlier: Day) -> i32 {
        self.0 - earlier.0
    }

    /// Day of the week, Monday 0 to Sunday 6.
    pub const fn weekday(self) -> u32 {
        // 1970-01-01 was a Thursday.
        (self.0 + 3).rem_euclid(7).unsigned_abs()
    }

    /// The same day of the month so many months later, or the last one of a shorter month:
    /// January 31 plus one month is February 28 or 29.
    pub fn add_months(self, months: i32) -> Day {
        self.add_months_anchored(months, self.ymd().2)
    }

    /// The day `anchor_day` (1 to 31) of the month so many months later, or the last one of a shorter
    /// month: from February 28, one month on with anchor 31 is March 31.
    pub fn add_months_anchored(self, months: i32, anchor_day: u32) -> Day {
        let (year, month, _) = self.ymd();
        let target = i64::from(year) * 12 + i64::from(month) - 1 + i64::from(months);
        if target < 12 {
            return Day::MIN;
        }
        let (Ok(year), Ok(month)) = (i32::try_from(target / 12), u32::try_from(target % 12 + 1)) else {
            return Day::MAX;
        };
        if year > 9999 {
            return Day::MAX;
        }
        Day(days_from_civil(year, month, anchor_day.clamp(1, days_in_month(year, month))))
    }

    /// The first day of its month.
    pub fn first_of_month(self) -> Day {
        let (_, _, day) = self.ymd();
        self.add_days(1 - day.cast_signed())
    }

    /// The last day of its month.
    pub fn last_of_month(self) -> Day {
        self.add_months_anchored(0, 31)
    }

    /// How many days its month has.
    pub fn days_in_month(self) -> u32 {
        let (year, month, _) = self.ymd();
        days_in_month(year, month)
    }
}

fn read_day(text: &[u8]) -> Option<Day> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else { return None };
    let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    let month = u32::try_from(number(&[m1, m2])?).ok()?;
    Day::from_ymd(year, month, u32::try_from(number(&[d1, d2])?).ok()?)
}

fn is_leap_year(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days in the months of a year that begins in March, up to month `shifted` (March is 0); counting from
/// March puts the leap day at the end, where it shifts nothing.
const fn days_before(shifted: i32) -> i32 {
    (153 * shifted + 2) / 5
}

/// Days in a 400-year cycle, and from 0000-03-01 to 1970-01-01.
const CYCLE: i32 = 146_097;
const EPOCH_FROM_MARCH_0: i32 = 719_468;

fn days_from_civil(year: i32, month: u32, day: u32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_cycle = year.rem_euclid(400);
    let shifted = ((month + 9) % 12).cast_signed();
    let of_year = days_before(shifted) + day.cast_signed() - 1;
    year.div_euclid(400) * CYCLE + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year
        - EPOCH_FROM_MARCH_0
}

fn civil_from_days(days: i32) -> (i32, u32, u32) {
    let since = days + EPOCH_FROM_MARCH_0;
    let of_cycle = since.rem_euclid(CYCLE);
    // The last day of 4, 100 and 400 years is a leap day that must not start another year.
    let year_of_cycle = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - days_before(shifted) + 1;
    let month = (shifted + 2) % 12 + 1;
    let year = since.div_euclid(CYCLE) * 400 + year_of_cycle + i32::from(month <= 2);
    (year, month.unsigned_abs(), day.unsigned_abs())
}

impl fmt::Display for Day {
    /// `YYYY-MM-DD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        if f.width().is_some() {
            return f.pad(&format!("{year:04}-{month:02}-{day:02}"));
        }
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn reads_rfc3339() {
        let cases = [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("2026-01-31t12:00:00z", "2026-01-31T12:00:00Z"),
            ("2026-01-31T00:00:00.000Z", "2026-01-31T00:00:00Z"),
            ("2026-01-31T12:00:00.25+05:30", "2026-01-31T06:30:00.25Z"),
            ("2026-01-31T23:59:59.123456789-00:00", "2026-01-31T23:59:59.123456Z"),
            ("2024-02-29T23:30:00-03:30", "2024-03-01T03:00:00Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ];
        for (text, printed) in cases {
            assert_eq!(Instant::parse_rfc3339(text).unwrap().to_string(), printed, "{text}");
        }
        assert_eq!(Instant::parse_rfc3339("1970-01-01T00:00:01Z").unwrap().micros(), 1_000_000);
    }

    #[test]
    fn refuses_other_dates_and_times() {
        let garbage = [
            "",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-01-31 12:00:00Z",
            "2026-01-31T12:00Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00+0100",
            "2026-01-31T12:00:00+01",
            "2026-01-31T12:00:00+24:00",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:60:00Z",
            "2026-02-30T12:00:00Z",
            "2025-02-29T12:00:00Z",
            "2026-1-31T12:00:00Z",
            "2026-01-31T12:00:00Zx",
            "0000-12-31T23:59:59Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "２026-01-31T12:00:00Z",
            "1769817600",
        ];
        for text in garbage {
            assert_eq!(Instant::parse_rfc3339(text).map_err(|e| e.code()), Err("bad_instant"), "{text}");
        }
    }

    #[test]
    fn stays_in_range() {
        assert_eq!(Instant::from_micros(i64::MIN), Instant::MIN);
        assert_eq!(Instant::MAX.add_micros(1), Instant::MAX);
        assert_eq!(Instant::MIN.to_string(), "0001-01-01T00:00:00Z");
        assert_eq!(Instant::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Day::from_days(i32::MIN).to_string(), "0001-01-01");
        assert_eq!(Day::from_days(i32::MAX).to_string(), "9999-12-31");
        assert_eq!(Day::MAX.add_months(1), Day::MAX);
        assert_eq!(Day::MIN.add_months(-1), Day::MIN);
        assert_eq!(day("2026-01-31").add_months(i32::MAX), Day::MAX);
        assert_eq!(day("2026-01-31").add_months(i32::MIN), Day::MIN);
    }

    #[test]
    fn days() {
        assert_eq!(day("1970-01-01").days(), 0);
        assert_eq!(day("2000-03-01").days(), 11_017);
        assert_eq!(day("2026-01-31").ymd(), (2026, 1, 31));
        assert_eq!(day("2026-02-28").add_days(1), day("2026-03-01"));
        assert_eq!(day("2024-03-01").days_since(day("2024-02-28")), 2);
        assert_eq!(day("1970-01-01").weekday(), 3);
        assert_eq!(day("2026-02-02").weekday(), 0);
        assert_eq!(day("1900-01-01").weekday(), 0);
        assert_eq!(day("2024-02-10").last_of_month(), day("2024-02-29"));
        assert_eq!(day("2024-02-10").first_of_month(), day("2024-02-01"));
        assert_eq!((day("1900-02-10").days_in_month(), day("2000-02-10").days_in_month()), (28, 29));
        for text in
            ["2025-02-29", "1900-02-29", "2026-13-01", "2026-00-01", "2026-01-00", "26-01-01", "2026/01/01"]
        {
            assert_eq!(Day::parse(text).map_err(|e| e.code()), Err("bad_day"), "{text}");
        }
        assert_eq!(Day::from_ymd(0, 1, 1), None);
        assert_eq!(Day::from_ymd(10_000, 1, 1), None);
    }

    #[test]
    fn month_ends() {
        let january = day("2023-01-31");
        assert_eq!(january.add_months(1), day("2023-02-28"));
        assert_eq!(january.add_months(13), day("2024-02-29"));
        assert_eq!(january.add_months(-2), day("2022-11-30"));
        assert_eq!(day("2023-02-28").add_months_anchored(1, 31), day("2023-03-31"));
        assert_eq!(day("2023-02-28").add_months(1), day("2023-03-28"));
        assert_eq!(day("2024-02-29").add_months(12), day("2025-02-28"));
        assert_eq!(day("2023-05-15").add_months_anchored(1, 0), day("2023-06-01"));
    }

    #[test]
    fn every_day_of_the_calendar_follows_the_one_before() {
        let (mut year, mut month, mut of_month) = (1, 1, 1);
        for number in Day::MIN.days()..=Day::MAX.days() {
            let here = Day::from_days(number);
            assert_eq!(here.ymd(), (year, month, of_month));
            assert_eq!(Day::from_ymd(year, month, of_month), Some(here));
            of_month += 1;
            if of_month > days_in_month(year, month) {
                (of_month, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
        assert_eq!(year, 10_000);
    }

    proptest! {
        #[test]
        fn printing_loses_nothing(micros in Instant::MIN.micros()..=Instant::MAX.micros()) {
            let here = Instant::from_micros(micros);
            prop_assert_eq!(Instant::parse_rfc3339(&here.to_string()), Ok(here));
            let day = Day::from_days(i32::try_from(micros.div_euclid(DAY_MICROS)).unwrap());
            prop_assert_eq!(Day::parse(&day.to_string()), Ok(day));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = Instant::parse_rfc3339(&text);
            let _ = Day::parse(&text);
        }
    }
}
