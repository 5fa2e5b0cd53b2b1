//! Dates and times as people and programs write them.
//!
//! `1/2/2026` is read by what the column's other cells show (`31/1/2026` proves day before month), or not at all.

use netnew_money::{Day, Instant, Zone};

use crate::code;
use crate::problem::{Complaint, shown};

/// Whether the day or the month comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    DayFirst,
    MonthFirst,
}

impl Order {
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Order::DayFirst => "day/month/year",
            Order::MonthFirst => "month/day/year",
        }
    }
}

/// What a cell says about when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// A civil day.
    Day(Day),
    /// A civil day and microseconds since midnight on the wall clock.
    Clock(Day, i64),
    /// A moment.
    Instant(Instant),
}

impl When {
    /// The moment: a day is its first instant in the zone.
    pub(crate) fn instant(self, zone: &Zone) -> Instant {
        match self {
            When::Day(day) => zone.start_of(day),
            When::Clock(day, micros) => {
                let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
                // Both fit: a day has 86,400 seconds, a second a million microseconds.
                zone.at(day, 0, 0, seconds as u32, fraction as u32)
            }
            When::Instant(instant) => instant,
        }
    }

    /// The civil day, of a moment the one in the zone.
    pub(crate) fn day(self, zone: &Zone) -> Day {
        match self {
            When::Day(day) | When::Clock(day, _) => day,
            When::Instant(instant) => zone.day_of(instant),
        }
    }
}

/// Reads a date, a date with a time, or a Unix time.
pub(crate) fn read(text: &str, order: Option<Order>) -> Result<When, Complaint> {
    // What programs write, before what people do.
    let bytes = text.as_bytes();
    if bytes.len() == 10
        && bytes[4] == b'-'
        && let Ok(day) = Day::parse(text)
    {
        return Ok(When::Day(day));
    }
    if bytes.len() >= 20
        && bytes[10] == b'T'
        && let Ok(instant) = Instant::parse_rfc3339(text)
    {
        return Ok(When::Instant(instant));
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return digits_only(text);
    }
    let (date, clock) = split_clock(text);
    let day = match parse_date(date).ok_or_else(|| bad(text))? {
        Written::Day(day) => day,
        Written::Slashed { first, second, year } => slashed(text, first, second, year, order)?,
    };
    let Some(clock) = clock else { return Ok(When::Day(day)) };
    let (micros, offset) = parse_clock(clock).ok_or_else(|| bad(text))?;
    Ok(match offset {
        None => When::Clock(day, micros),
        Some(offset) => When::Instant(Instant::from_micros(utc_micros(day, micros) - offset)),
    })
}

/// What a cell proves about the order of day and month in its column.
pub(crate) fn evidence(text: &str) -> Option<Order> {
    match parse_date(split_clock(text).0)? {
        Written::Slashed { first, second, .. } if first > 12 && second <= 12 => Some(Order::DayFirst),
        Written::Slashed { first, second, .. } if first <= 12 && second > 12 => Some(Order::MonthFirst),
        _ => None,
    }
}

fn utc_micros(day: Day, micros: i64) -> i64 {
    i64::from(day.days()) * 86_400_000_000 + micros
}

fn bad(text: &str) -> Complaint {
    Complaint::new(
        code::BAD_DATE,
        format!("{} is not a date", shown(text)),
        "write the date as YYYY-MM-DD, such as 2026-01-31, or with a time, such as 2026-01-31T12:00:00Z",
    )
}

/// `20260131`, and Unix times by their length: seconds, milliseconds, microseconds.
fn digits_only(text: &str) -> Result<When, Complaint> {
    let number: i64 = text.parse().map_err(|_| bad(text))?;
    let unix = |scale: i64| Ok(When::Instant(Instant::from_micros(number * scale)));
    match text.len() {
        8 => {
            let (year, month, day) = (&text[..4], &text[4..6], &text[6..]);
            Day::parse(&format!("{year}-{month}-{day}")).map(When::Day).map_err(|_| bad(text))
        }
        10 => unix(1_000_000),
        13 => unix(1_000),
        16 => unix(1),
        5 => Err(Complaint::new(
            code::BAD_DATE,
            format!("{} looks like the day number of a spreadsheet", shown(text)),
            "format the column as a date before saving, or write YYYY-MM-DD",
        )),
        _ => Err(bad(text)),
    }
}

/// Reads a whole number found in a typed column: a Unix time, or `20260131`.
pub(crate) fn read_number(number: i64) -> Result<When, Complaint> {
    digits_only(&number.to_string())
}

/// Splits off the time of day, which starts at a `T` or blank before `HH:MM`.
fn split_clock(text: &str) -> (&str, Option<&str>) {
    let Some(colon) = text.find(':') else { return (text, None) };
    let Some(gap) = text[..colon].rfind(|c: char| !c.is_ascii_digit()) else { return (text, None) };
    let width = text[gap..].chars().next().map_or(1, char::len_utf8);
    let date = text[..gap].trim_end_matches([',', ' ']);
    match text[gap..].chars().next() {
        Some('T' | 't') => (date, Some(&text[gap + width..])),
        Some(c) if c.is_whitespace() => (date, Some(&text[gap + width..])),
        _ => (text, None),
    }
}

/// Microseconds since midnight and, if given, the offset east of UTC in microseconds.
fn parse_clock(text: &str) -> Option<(i64, Option<i64>)> {
    let end =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.' | ','))).unwrap_or(text.len());
    let (clock, rest) = text.split_at(end);
    let mut parts = clock.split(':');
    let hour = small(parts.next()?)?;
    let minute = small(parts.next()?).filter(|m| *m < 60)?;
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once(['.', ',']) {
            None => (small(seconds)?, 0),
            Some((whole, digits)) => (small(whole)?, fraction_micros(digits)?),
        },
    };
    if parts.next().is_some() || second > 60 {
        return None;
    }
    let rest = rest.trim();
    let upper = rest.to_ascii_uppercase();
    let (hour, zone) = match upper.strip_prefix("AM").or_else(|| upper.strip_prefix("PM")) {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(zone) => (hour % 12 + if upper.starts_with('P') { 12 } else { 0 }, zone.trim()),
        None => (hour, upper.as_str()),
    };
    if hour > 23 {
        return None;
    }
    let micros = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction;
    Some((micros, parse_offset(zone)?))
}

/// One or two digits.
fn small(text: &str) -> Option<i64> {
    let sound = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if sound { text.parse().ok() } else { None }
}

fn fraction_micros(digits: &str) -> Option<i64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let padded = format!("{digits:0<6}");
    padded[..6].parse().ok()
}

/// `Z`, `UTC`, `+01:00`, `+0100`, `+01`, or nothing.
fn parse_offset(zone: &str) -> Option<Option<i64>> {
    if zone.is_empty() {
        return Some(None);
    }
    if matches!(zone, "Z" | "UTC" | "GMT" | "(UTC)") {
        return Some(Some(0));
    }
    let zone = zone.strip_prefix("UTC").or_else(|| zone.strip_prefix("GMT")).unwrap_or(zone);
    let (sign, digits) = match zone.as_bytes().first()? {
        b'+' => (1, &zone[1..]),
        b'-' => (-1, &zone[1..]),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None => (digits, "0"),
    };
    let (hours, minutes) = (small(hours).filter(|h| *h < 24)?, small(minutes).filter(|m| *m < 60)?);
    Some(Some(sign * (hours * 60 + minutes) * 60_000_000))
}

enum Written {
    Day(Day),
    Slashed { first: u32, second: u32, year: i32 },
}

fn parse_date(text: &str) -> Option<Written> {
    if text.contains(|c: char| c.is_alphabetic()) {
        return with_month_name(text).map(Written::Day);
    }
    let separator = text.chars().find(|c| !c.is_ascii_digit())?;
    if !matches!(separator, '-' | '/' | '.') {
        return None;
    }
    let parts: Vec<&str> = text.split(separator).collect();
    if !parts.iter().all(|p| !p.is_empty() && p.len() <= 4 && p.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let number = |at: usize| parts[at].parse::<u32>().ok();
    match parts.len() {
        2 if parts[0].len() == 4 && separator != '.' => {
            Day::from_ymd(parts[0].parse().ok()?, number(1)?, 1).map(Written::Day)
        }
        3 if parts[0].len() == 4 => {
            Day::from_ymd(parts[0].parse().ok()?, number(1)?, number(2)?).map(Written::Day)
        }
        3 if parts[2].len() == 4 => {
            let (first, second, year) = (number(0)?, number(1)?, parts[2].parse().ok()?);
            match separator {
                // Nowhere is the month written first with full stops.
                '.' => Day::from_ymd(year, second, first).map(Written::Day),
                _ if first == second => Day::from_ymd(year, second, first).map(Written::Day),
                _ => Some(Written::Slashed { first, second, year }),
            }
        }
        _ => None,
    }
}

fn slashed(text: &str, first: u32, second: u32, year: i32, order: Option<Order>) -> Result<Day, Complaint> {
    let day_first = Day::from_ymd(year, second, first);
    let month_first = Day::from_ymd(year, first, second);
    match (order, day_first, month_first) {
        (_, None, None) => Err(bad(text)),
        (Some(Order::DayFirst), Some(day), _) | (Some(Order::MonthFirst), _, Some(day)) => Ok(day),
        (None, Some(day), None) | (None, None, Some(day)) => Ok(day),
        (Some(order), _, _) => Err(Complaint::new(
            code::BAD_DATE,
            format!("{} is not {}, as the rest of the column is", shown(text), order.describe()),
            "write the dates as YYYY-MM-DD",
        )),
        (None, Some(a), Some(b)) => Err(Complaint::new(
            code::AMBIGUOUS_DATE,
            format!("{} may be {a} or {b}, and no other cell tells", shown(text)),
            "write the dates as YYYY-MM-DD",
        )),
    }
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// `Jan 31, 2026`, `31 January 2026`, `31-Jan-2026`, `Jan 2026`, with or without the name of the weekday.
fn with_month_name(text: &str) -> Option<Day> {
    let words: Vec<&str> =
        text.split([' ', ',', '-', '/', '.', '\u{a0}']).filter(|w| !w.is_empty() && !is_weekday(w)).collect();
    let month_at = words.iter().position(|w| month(w).is_some())?;
    let month = month(words[month_at])?;
    let numbers: Vec<&str> =
        words.iter().enumerate().filter(|(at, _)| *at != month_at).map(|(_, w)| *w).collect();
    let (day, year) = match numbers[..] {
        [year] => ("1", year),
        [year, day] if year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()) && month_at == 1 => {
            (day, year)
        }
        [day, year] => (day, year),
        _ => return None,
    };
    let day = ["st", "nd", "rd", "th"].iter().find_map(|s| day.strip_suffix(s)).unwrap_or(day);
    let sound = year.len() == 4
        && day.len() <= 2
        && [day, year].iter().all(|p| p.bytes().all(|b| b.is_ascii_digit()));
    if !sound {
        return None;
    }
    Day::from_ymd(year.parse().ok()?, month, day.parse().ok()?)
}

fn month(word: &str) -> Option<u32> {
    let lower = word.to_lowercase();
    let at = MONTHS
        .iter()
        .position(|m| lower == *m || lower == m[..3] || (lower == "sept" && *m == "september"))?;
    u32::try_from(at + 1).ok()
}

fn is_weekday(word: &str) -> bool {
    let lower = word.to_lowercase();
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        .iter()
        .any(|d| lower == *d || lower == d[..3])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str, order: Option<Order>) -> Result<String, &'static str> {
        read(text, order).map(|w| w.instant(&Zone::utc()).to_string()).map_err(|c| c.code())
    }

    #[test]
    fn dates_that_can_mean_only_one_thing() {
        for text in [
            "2026-01-31",
            "2026/01/31",
            "2026.01.31",
            "2026-1-31",
            "20260131",
            "31.01.2026",
            "31.1.2026",
            "1/31/2026",
            "31/1/2026",
            "31-01-2026",
            "Jan 31, 2026",
            "January 31 2026",
            "31 Jan 2026",
            "31st January, 2026",
            "31-Jan-2026",
            "Sat, 31 Jan 2026",
            "2026 Jan 31",
            "1769817600",
            "1769817600000",
            "1769817600000000",
            "2026-01-31T00:00:00Z",
            "2026-01-31 01:00+01:00",
            "2026-01-30 19:00:00 -0500",
            "2026-01-31 00:00 UTC",
            "31/01/2026, 12:00 AM",
        ] {
            assert_eq!(utc(text, None).as_deref(), Ok("2026-01-31T00:00:00Z"), "{text}");
        }
        assert_eq!(utc("2026-01", None).unwrap(), "2026-01-01T00:00:00Z");
        assert_eq!(utc("Jan 2026", None).unwrap(), "2026-01-01T00:00:00Z");
        assert_eq!(utc("5/5/2026", None).unwrap(), "2026-05-05T00:00:00Z");
        assert_eq!(utc("1/31/2026 3:04:05.25 PM", None).unwrap(), "2026-01-31T15:04:05.25Z");
        assert_eq!(utc("2026-01-31T12:00:00.123456789Z", None).unwrap(), "2026-01-31T12:00:00.123456Z");
    }

    #[test]
    fn day_and_month_are_told_apart_by_the_column_or_not_at_all() {
        assert_eq!(utc("1/2/2026", None), Err(code::AMBIGUOUS_DATE));
        assert_eq!(utc("01-02-2026", None), Err(code::AMBIGUOUS_DATE));
        assert_eq!(utc("1/2/2026", Some(Order::DayFirst)).unwrap(), "2026-02-01T00:00:00Z");
        assert_eq!(utc("1/2/2026 10:00", Some(Order::MonthFirst)).unwrap(), "2026-01-02T10:00:00Z");
        assert_eq!(utc("31/1/2026", Some(Order::MonthFirst)), Err(code::BAD_DATE));
        assert_eq!(evidence("31/1/2026 10:00"), Some(Order::DayFirst));
        assert_eq!(evidence("1/31/2026"), Some(Order::MonthFirst));
        assert_eq!(evidence("1/2/2026"), None);
        assert_eq!(evidence("2026-01-31"), None);
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "2026-02-30",
            "31/31/2026",
            "1/31/26",
            "soon",
            "46053",
            "2026",
            "2026-13-01",
            "2026-01-31T25:00:00Z",
            "30 Feb 2026",
            "2026-01-31 10:61",
            "13:00 PM",
            "2026-01-31 13:00 PM",
            "12345678901",
            "99999999",
        ] {
            assert_eq!(utc(text, None), Err(code::BAD_DATE), "{text}");
        }
    }

    #[test]
    fn a_time_without_a_zone_is_on_the_given_clock() {
        let paris = Zone::parse("Europe/Paris").unwrap();
        let at = |text: &str| read(text, None).unwrap().instant(&paris).to_string();
        assert_eq!(at("2026-01-31 12:00"), "2026-01-31T11:00:00Z");
        assert_eq!(at("2026-07-31"), "2026-07-30T22:00:00Z");
        assert_eq!(at("2026-07-31T12:00:00Z"), "2026-07-31T12:00:00Z");
    }
}
