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
