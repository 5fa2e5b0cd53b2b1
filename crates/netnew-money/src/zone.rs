//! Named time zones: instants to civil days and back.

use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::error::shown;
use crate::time::DAY_MICROS;
use crate::zone_table::{Segment, SegmentTable, day_segments};
use crate::{Day, Instant, IntervalUnit, MoneyError};

/// A time zone of the IANA database that is compiled into the program, so that the same book is cut
/// into the same days on every machine. Cloning shares the tables.
///
/// Offsets are tabulated up to the year 2200 and computed from the zone's rule after that.
#[derive(Clone)]
pub struct Zone(Arc<Inner>);

struct Inner {
    name: String,
    rules: TimeZone,
    /// Offsets of the wall clock.
    clock: SegmentTable,
    /// Offsets by which instants fall into days; see [`day_segments`].
    days: SegmentTable,
    /// The one offset of a zone that never changed it.
    fixed: Option<i64>,
    /// Where the tables stop holding; never for a zone whose clocks no longer change.
    horizon: i64,
}

/// 2200-01-01T00:00:00Z.
const TABLES_END: i64 = 7_258_118_400_000_000;

/// No zone is or was further from UTC than this; the database's format allows up to 25:59:59.
const WIDEST_OFFSET: i64 = 26 * 3_600_000_000;

/// Abbreviations and other names people write, which are not IANA names.
const NICKNAMES: [(&str, &str); 14] = [
    ("PST", "America/Los_Angeles"),
    ("PDT", "America/Los_Angeles"),
    ("PT", "America/Los_Angeles"),
    ("MDT", "America/Denver"),
    ("CST", "America/Chicago"),
    ("CDT", "America/Chicago"),
    ("EDT", "America/New_York"),
    ("ET", "America/New_York"),
    ("BST", "Europe/London"),
    ("CEST", "Europe/Paris"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("AEST", "Australia/Sydney"),
    ("Z", "UTC"),
];

fn database() -> &'static TimeZoneDatabase {
    static BUNDLED: OnceLock<TimeZoneDatabase> = OnceLock::new();
    BUNDLED.get_or_init(TimeZoneDatabase::bundled)
}

impl Zone {
    /// Reads an IANA name in any case: `Europe/Paris`, `utc`.
    ///
    /// # Errors
    /// [`MoneyError::UnknownZone`] with the name most likely meant.
    pub fn parse(name: &str) -> Result<Zone, MoneyError> {
        let trimmed = name.trim();
        let unknown = || MoneyError::UnknownZone { name: shown(trimmed), nearest: nearest(trimmed) };
        let rules = database().get(trimmed).map_err(|_| unknown())?;
        if rules.is_unknown() {
            return Err(unknown());
        }
        let name = rules.iana_name().ok_or_else(unknown)?.to_string();
        Ok(Zone::build(name, rules))
    }

    /// Coordinated universal time.
    pub fn utc() -> Zone {
        static UTC: OnceLock<Zone> = OnceLock::new();
        UTC.get_or_init(|| Zone::build("UTC".to_string(), TimeZone::UTC)).clone()
    }

    fn build(name: String, rules: TimeZone) -> Zone {
        let offset_at = |at: Timestamp| i64::from(rules.to_offset(at).seconds()) * 1_000_000;
        let end = Timestamp::from_microsecond(TABLES_END).unwrap_or(Timestamp::MAX);
        let mut segments = vec![Segment { start: i64::MIN, offset: offset_at(Timestamp::MIN) }];
        let mut horizon = i64::MAX;
        for transition in rules.following(Timestamp::MIN) {
            if transition.timestamp() >= end {
                horizon = TABLES_END;
                break;
            }
            let offset = i64::from(transition.offset().seconds()) * 1_000_000;
            // Some transitions change only the abbreviation.
            if segments.last().is_some_and(|last| last.offset != offset) {
                segments.push(Segment { start: transition.timestamp().as_microsecond(), offset });
            }
        }
        let fixed = (segments.len() == 1).then(|| segments[0].offset);
        let days = SegmentTable::new(day_segments(&segments));
        Zone(Arc::new(Inner { name, rules, clock: SegmentTable::new(segments), days, fixed, horizon }))
    }

    /// The name as the database spells it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The civil day an instant counts to. Days never run backwards and cover all time: an instant
    /// counts to `d` exactly when `start_of(d) <= instant < start_of(d + 1)`.
    ///
    /// That is the date on the wall clock, but for the hour in which a clock set back across midnight
    /// shows the day before again; those instants stay in the day that has already begun.
    pub fn day_of(&self, instant: Instant) -> Day {
        let micros = instant.micros();
        let offset = match self.0.fixed {
            Some(offset) => offset,
            None if micros < self.0.horizon => self.0.days.at(micros).offset,
            None => self.rule_offset(micros),
        };
        day_at(micros.saturating_add(offset))
    }

    /// The first instant of a civil day. Where clocks skip its midnight it is the first one that exists;
    /// of a day that was skipped altogether (Apia, 2011-12-30) it is the first one after.
    pub fn start_of(&self, day: Day) -> Instant {
        let local = i64::from(day.days()) * DAY_MICROS;
        if local >= self.0.horizon {
            return self.at(day, 0, 0, 0, 0);
        }
        let segments = self.0.days.from(local - WIDEST_OFFSET);
        let mut found = segments
            .map(|(segment, end)| ((local - segment.offset).max(segment.start), end))
            .filter(|&(start, end)| start < end);
        Instant::from_micros(found.next().map_or(local, |(start, _)| start))
    }

    /// The instant at which the wall clock shows a time on a day. Where it is shown twice, the first
    /// one; where it is skipped, as much later as the clock was moved, as in most calendars.
    /// Hours, minutes, seconds and microseconds beyond their range carry over.
    pub fn at(&self, day: Day, hour: u32, minute: u32, second: u32, micros: u32) -> Instant {
        let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
        let local = i64::from(day.days()) * DAY_MICROS + seconds * 1_000_000 + i64::from(micros);
        self.instant_of(local)
    }

    /// The wall clock at an instant: the day and the microseconds since its midnight.
    pub fn clock(&self, instant: Instant) -> (Day, i64) {
        let local = self.local(instant);
        (day_at(local), local.rem_euclid(DAY_MICROS))
    }

    /// The same wall-clock time so many calendar months later, on day `anchor_day` of that month or the
    /// last one of a shorter month: from January 31 with anchor 31 to February 28, then to March 31.
    pub fn add_months(&self, instant: Instant, months: i32, anchor_day: u32) -> Instant {
        self.moved(instant, |day| day.add_months_anchored(months, anchor_day))
    }

    /// The instant so many billing intervals later (earlier when negative), at the same wall-clock time.
    /// Months and years from a day that the target month does not have end on its last day; to go on from
    /// there use [`Zone::add_months`] with the original day.
    pub fn add_interval(&self, instant: Instant, unit: IntervalUnit, count: i32) -> Instant {
        self.moved(instant, |day| match unit {
            IntervalUnit::Day => day.add_days(count),
            IntervalUnit::Week => day.add_days(count.saturating_mul(7)),
            IntervalUnit::Month => day.add_months(count),
            IntervalUnit::Year => day.add_months(count.saturating_mul(12)),
        })
    }

    fn moved(&self, instant: Instant, to: impl Fn(Day) -> Day) -> Instant {
        let (day, within) = self.clock(instant);
        let target = to(day);
        if target == day {
            // The second of two equal wall-clock times must not turn into the first.
            return instant;
        }
        self.instant_of(i64::from(target.days()) * DAY_MICROS + within)
    }

    fn local(&self, instant: Instant) -> i64 {
        let micros = instant.micros();
        let offset =
            if micros < self.0.horizon { self.0.clock.at(micros).offset } else { self.rule_offset(micros) };
        micros.saturating_add(offset)
    }

    fn instant_of(&self, local: i64) -> Instant {
        if local >= self.0.horizon {
            return self.instant_by_rule(local);
        }
        let mut skipped_by = None;
        for (segment, end) in self.0.clock.from(local - WIDEST_OFFSET) {
            let candidate = local - segment.offset;
            if candidate < segment.start {
                break;
            }
            if candidate < end {
                return Instant::from_micros(candidate);
            }
            skipped_by = Some(candidate);
        }
        // The offset from before the gap, so that the result is as far past it as asked for.
        Instant::from_micros(skipped_by.unwrap_or(local))
    }

    #[cold]
    fn rule_offset(&self, micros: i64) -> i64 {
        let at = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
        i64::from(self.0.rules.to_offset(at).seconds()) * 1_000_000
    }

    /// Like the tables, by asking the rule on both sides: no two transitions are as close as the window.
    #[cold]
    fn instant_by_rule(&self, local: i64) -> Instant {
        let before = self.rule_offset(local - WIDEST_OFFSET);
        let after = self.rule_offset(local + WIDEST_OFFSET);
        let holds = |offset: i64| self.rule_offset(local - offset) == offset;
        let offset = if holds(before) || !holds(after) { before } else { after };
        Instant::from_micros(local - offset)
    }
}

fn day_at(local: i64) -> Day {
    // Instants span 10,000 years, so their days fit with room to spare.
    Day::from_days(i32::try_from(local.div_euclid(DAY_MICROS)).unwrap_or(i32::MAX))
}

fn nearest(name: &str) -> Option<String> {
    if let Some((_, zone)) = NICKNAMES.iter().find(|(nickname, _)| nickname.eq_ignore_ascii_case(name)) {
        return Some((*zone).to_string());
    }
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let wanted = plain(name);
    if wanted.len() < 3 {
        return None;
    }
    let names: Vec<String> = database().available().map(|name| name.to_string()).collect();
    let city = |name: &str| plain(name.rsplit('/').next().unwrap_or(name));
    let wanted_city = city(name);
    names
        .iter()
        .find(|name| plain(name) == wanted)
        .or_else(|| names.iter().find(|name| city(name) == wanted || city(name) == wanted_city))
        .or_else(|| names.iter().find(|name| is_one_letter_off(&plain(name), &wanted)))
        .cloned()
}

fn is_one_letter_off(known: &str, typed: &str) -> bool {
    let (known, typed): (Vec<char>, Vec<char>) = (known.chars().collect(), typed.chars().collect());
    let same = known.iter().zip(&typed).take_while(|(a, b)| a == b).count();
    let (known, typed) = (&known[same..], &typed[same..]);
    match (known, typed) {
        ([_, a @ ..], [_, b @ ..]) if a == b => true,
        ([_, a @ ..], b) if a == b => true,
        (a, [_, b @ ..]) => a == b,
        _ => false,
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.0.name)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.name)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::DateTime;

    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::parse(name).unwrap()
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn instant(text: &str) -> Instant {
        Instant::parse_rfc3339(text).unwrap()
    }

    fn starts(name: &str, of: &str, at: &str) {
        assert_eq!(zone(name).start_of(day(of)), instant(at), "{of} in {name}");
    }

    #[test]
    fn names() {
        assert_eq!(zone("europe/paris").name(), "Europe/Paris");
        assert_eq!(zone(" utc ").name(), "UTC");
        assert_eq!(zone("UTC"), Zone::utc());
        assert_ne!(zone("Asia/Tokyo"), Zone::utc());
        let cases = [
            ("Paris", "did you mean Europe/Paris?"),
            ("New York", "did you mean America/New_York?"),
            ("america/new-york", "did you mean America/New_York?"),
            ("Europe/Pari", "did you mean Europe/Paris?"),
            ("Europe/Calcutta", "did you mean Asia/Calcutta?"),
            ("pst", "did you mean America/Los_Angeles?"),
            ("+02:00", "use an IANA name such as Europe/Paris or UTC"),
            ("", "use an IANA name such as Europe/Paris or UTC"),
            ("Etc/Unknown", "use an IANA name such as Europe/Paris or UTC"),
            ("../../etc/passwd", "use an IANA name such as Europe/Paris or UTC"),
        ];
        for (name, hint) in cases {
            let error = Zone::parse(name).unwrap_err();
            assert_eq!((error.code(), error.hint().as_str()), ("unknown_zone", hint), "{name}");
        }
    }

    #[test]
    fn days_by_the_wall_clock() {
        let cases = [
            ("UTC", "2026-01-31T23:59:59.999999Z", "2026-01-31"),
            ("Asia/Kolkata", "2026-01-31T18:29:59.999999Z", "2026-01-31"),
            ("Asia/Kolkata", "2026-01-31T18:30:00Z", "2026-02-01"),
            ("America/St_Johns", "2026-02-01T03:29:59Z", "2026-01-31"),
            ("America/St_Johns", "2026-02-01T03:30:00Z", "2026-02-01"),
            ("America/St_Johns", "2026-07-01T02:30:00Z", "2026-07-01"),
            ("Australia/Lord_Howe", "2026-01-31T13:00:00Z", "2026-02-01"),
            ("Australia/Lord_Howe", "2026-06-30T13:29:59Z", "2026-06-30"),
            ("Australia/Lord_Howe", "2026-06-30T13:30:00Z", "2026-07-01"),
            ("America/New_York", "2300-07-01T03:59:59Z", "2300-06-30"),
            ("America/New_York", "2300-07-01T04:00:00Z", "2300-07-01"),
        ];
        for (name, at, expected) in cases {
            assert_eq!(zone(name).day_of(instant(at)), day(expected), "{at} in {name}");
        }
    }

    #[test]
    fn days_begin_at_the_first_instant_there_is() {
        starts("Asia/Kolkata", "2026-02-01", "2026-01-31T18:30:00Z");
        starts("America/St_Johns", "2026-02-01", "2026-02-01T03:30:00Z");
        starts("Australia/Lord_Howe", "2026-07-01", "2026-06-30T13:30:00Z");
        // Clocks went from 00:00 to 01:00.
        starts("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z");
        starts("America/Sao_Paulo", "2018-11-05", "2018-11-05T02:00:00Z");
        // Clocks went from 24:00 back to 23:00: the day begins once.
        starts("America/Sao_Paulo", "2019-02-17", "2019-02-17T03:00:00Z");
        starts("America/Sao_Paulo", "2019-02-16", "2019-02-16T02:00:00Z");
        // Clocks went from 00:00 to 01:00 under a rule that still holds.
        starts("Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z");
        starts("Asia/Beirut", "2300-04-01", "2300-03-31T21:00:00Z");
        // A day that never was.
        starts("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z");
        starts("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z");
        starts("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z");
        // 00:01 went back to 23:01: the minute before counts too.
        starts("America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z");
    }

    #[test]
    fn days_never_run_backwards() {
        let newfoundland = zone("America/St_Johns");
        let repeated = instant("2010-11-07T03:00:00Z");
        assert_eq!(newfoundland.clock(repeated), (day("2010-11-06"), 23 * 3_600_000_000 + 30 * 60_000_000));
        assert_eq!(newfoundland.day_of(repeated), day("2010-11-07"), "the day had begun half an hour before");
        assert_eq!(newfoundland.day_of(instant("2010-11-07T02:29:59Z")), day("2010-11-06"));
        assert_eq!(newfoundland.day_of(instant("2010-11-08T03:29:59Z")), day("2010-11-07"));
    }

    #[test]
    fn wall_clock_times() {
        let new_york = zone("America/New_York");
        let at = |of: &str, hour, minute| new_york.at(day(of), hour, minute, 0, 0);
        assert_eq!(at("2026-03-08", 2, 30), instant("2026-03-08T07:30:00Z"), "skipped: as late as 03:30");
        assert_eq!(at("2026-11-01", 1, 30), instant("2026-11-01T05:30:00Z"), "twice: the first");
        assert_eq!(at("2026-07-01", 24, 0), instant("2026-07-02T04:00:00Z"));
        assert_eq!(at("2300-03-11", 2, 30), instant("2300-03-11T07:30:00Z"));
        assert_eq!(at("2300-11-04", 1, 30), instant("2300-11-04T05:30:00Z"));
        let half_past = zone("Asia/Kolkata").at(day("2026-02-01"), 12, 0, 5, 7);
        assert_eq!(half_past, instant("2026-02-01T06:30:05.000007Z"));
    }

    #[test]
    fn months_keep_the_anchor_and_the_wall_clock() {
        let new_york = zone("America/New_York");
        let start = new_york.at(day("2026-01-31"), 9, 0, 0, 0);
        let february = new_york.add_months(start, 1, 31);
        assert_eq!(february, instant("2026-02-28T14:00:00Z"));
        assert_eq!(
            new_york.add_months(february, 1, 31),
            instant("2026-03-31T13:00:00Z"),
            "summer time by now"
        );
        assert_eq!(new_york.add_months(start, -11, 31), instant("2025-02-28T14:00:00Z"));
        // The anchor is a day there: 20:30 on the 31st is already the 1st in UTC.
        let evening = new_york.at(day("2026-01-31"), 20, 30, 0, 0);
        assert_eq!(new_york.add_months(evening, 1, 31), instant("2026-03-01T01:30:00Z"));
    }

    #[test]
    fn intervals() {
        let paris = zone("Europe/Paris");
        let start = paris.at(day("2024-02-29"), 0, 0, 0, 0);
        let after = |unit, count| paris.day_of(paris.add_interval(start, unit, count)).to_string();
        assert_eq!(after(IntervalUnit::Day, 1), "2024-03-01");
        assert_eq!(after(IntervalUnit::Week, 6), "2024-04-11");
        assert_eq!(after(IntervalUnit::Month, 1), "2024-03-29");
        assert_eq!(after(IntervalUnit::Year, 1), "2025-02-28");
        assert_eq!(after(IntervalUnit::Year, 4), "2028-02-29");
        assert_eq!(after(IntervalUnit::Month, -1), "2024-01-29");
        let summer = paris.add_interval(start, IntervalUnit::Week, 6);
        assert_eq!(summer, instant("2024-04-10T22:00:00Z"), "still midnight");
        let second_time = instant("2024-10-27T01:30:00Z");
        assert_eq!(paris.add_interval(second_time, IntervalUnit::Day, 0), second_time);
        for forever in [Instant::MIN, Instant::MAX] {
            for name in ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"] {
                for count in [i32::MIN, -1, 0, 1, i32::MAX] {
                    let _ = zone(name).add_interval(forever, IntervalUnit::Year, count);
                    let _ = zone(name).add_interval(forever, IntervalUnit::Week, count);
                }
            }
        }
    }

    /// Enough of a generator for spreading test instants, the same ones every time.
    fn scattered(seed: u64, within: std::ops::Range<i64>) -> impl Iterator<Item = i64> {
        let mut state = seed;
        std::iter::repeat_with(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            within.start + i64::try_from(state >> 1).unwrap_or(0) % (within.end - within.start)
        })
    }

    fn jiff_clock(zone: &Zone, at: Instant) -> (Day, i64) {
        let read = zone.0.rules.to_datetime(Timestamp::from_microsecond(at.micros()).unwrap());
        let midnight = DateTime::from_parts(read.date(), jiff::civil::Time::midnight());
        let within = read.duration_since(midnight).as_micros();
        let date = Day::from_ymd(
            read.year().into(),
            read.month().unsigned_abs().into(),
            read.day().unsigned_abs().into(),
        );
        (date.unwrap(), i64::try_from(within).unwrap())
    }

    #[test]
    fn every_zone_agrees_with_the_database() {
        let range = instant("1850-01-01T00:00:00Z").micros()..instant("2400-01-01T00:00:00Z").micros();
        for (seed, name) in (1..).zip(database().available()) {
            let Ok(zone) = Zone::parse(name.as_str()) else {
                assert_eq!(name.as_str(), "Etc/Unknown");
                continue;
            };
            let changes =
                zone.0.rules.following(Timestamp::MIN).take(500).map(|t| t.timestamp().as_microsecond());
            let around = changes.flat_map(|at| [at - 1, at, at + 1_800_000_000, at - 1_800_000_000]);
            for micros in around.chain(scattered(seed, range.clone()).take(300)) {
                let at = Instant::from_micros(micros);
                let (shown, within) = zone.clock(at);
                assert_eq!((shown, within), jiff_clock(&zone, at), "{at} in {name}");

                let day = zone.day_of(at);
                assert!(zone.start_of(day) <= at, "{at} in {name} before its day {day}");
                assert!(at < zone.start_of(day.add_days(1)), "{at} in {name} after its day {day}");
                assert!(day >= shown, "{at} in {name}");

                let (year, month, of_month) = shown.ymd();
                let civil = jiff::civil::date(
                    year.try_into().unwrap(),
                    month.try_into().unwrap(),
                    of_month.try_into().unwrap(),
                );
                // A wall clock half an hour on may be shown never, once or twice.
                let asked = within + 1_800_000_000;
                let civil =
                    civil.at(0, 0, 0, 0).checked_add(jiff::SignedDuration::from_micros(asked)).unwrap();
                let expected = zone.0.rules.to_ambiguous_timestamp(civil).compatible().unwrap();
                let seconds = u32::try_from(asked / 1_000_000).unwrap();
                let found = zone.at(shown, 0, 0, seconds, u32::try_from(asked % 1_000_000).unwrap());
                // Around the change to a rule without a change of offset (Nuuk, 2023-10-29) jiff takes the
                // rule's clock change for one of that year and answers with another time than asked for.
                let expected_shows = zone.0.rules.to_datetime(expected) == civil;
                let midnight = i64::from(shown.days()) * DAY_MICROS;
                if expected_shows || zone.local(found) != midnight + asked {
                    assert_eq!(found.micros(), expected.as_microsecond(), "{civil} in {name}");
                }
            }
        }
    }
}
