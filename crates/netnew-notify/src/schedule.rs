//! When reports are due, and when nobody wants to be told: wall-clock times in the book's zone.

use crate::channel::mailbox;
use crate::error::NotifyError;
use netnew_money::{Day, Instant, Zone};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const MINUTE: i64 = 60_000_000;

/// A time on the wall clock, in minutes since midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Clock(u16);

impl Clock {
    /// Reads `8:00` or `08:30`.
    ///
    /// # Errors
    /// `bad_time`.
    pub fn parse(text: &str) -> Result<Clock, NotifyError> {
        let bad = || NotifyError::refused("bad_time", format!("{text:?} is no time of day"), "write 08:00");
        let (hour, minute) = text.trim().split_once(':').ok_or_else(bad)?;
        let digits = |s: &str| (1..=2).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(hour) || minute.len() != 2 || !digits(minute) {
            return Err(bad());
        }
        let (hour, minute): (u16, u16) =
            (hour.parse().map_err(|_| bad())?, minute.parse().map_err(|_| bad())?);
        if hour > 23 || minute > 59 {
            return Err(bad());
        }
        Ok(Clock(hour * 60 + minute))
    }

    fn on(self, day: Day, zone: &Zone) -> Instant {
        zone.at(day, u32::from(self.0 / 60), u32::from(self.0 % 60), 0, 0)
    }
}

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl From<Clock> for String {
    fn from(clock: Clock) -> String {
        clock.to_string()
    }
}

impl TryFrom<String> for Clock {
    type Error = NotifyError;

    fn try_from(text: String) -> Result<Clock, NotifyError> {
        Clock::parse(&text)
    }
}

/// Hours in which alerts wait; may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    from: Clock,
    to: Clock,
}

impl Quiet {
    /// Reads `22:00-07:00`.
    ///
    /// # Errors
    /// `bad_time`, also when it begins as it ends.
    pub fn parse(text: &str) -> Result<Quiet, NotifyError> {
        let bad = |what: String| NotifyError::refused("bad_time", what, "write 22:00-07:00, or off");
        let (from, to) = text.split_once('-').ok_or_else(|| bad(format!("{text:?} are no hours")))?;
        let quiet = Quiet { from: Clock::parse(from)?, to: Clock::parse(to)? };
        if quiet.from == quiet.to {
            return Err(bad("quiet hours that begin as they end would be none, or all".into()));
        }
        Ok(quiet)
    }

    /// Whether it is quiet now. Goes by the wall clock, so a night in which clocks change ends in the morning too.
    pub fn holds(&self, now: Instant, zone: &Zone) -> bool {
        let minute = zone.clock(now).1 / MINUTE;
        let (from, to) = (i64::from(self.from.0), i64::from(self.to.0));
        if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to }
    }
}

impl std::fmt::Display for Quiet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.from, self.to)
    }
}

/// The days of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Days {
    /// The report of the last complete week, on a weekday; Monday is 0.
    Weekly(u8),
    /// The report of the last complete month, on a day of the month; in shorter months on the last.
    Monthly(u8),
}

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Days {
    /// Reads `weekly` with `monday`, or `monthly` with `1`.
    ///
    /// # Errors
    /// `bad_schedule`.
    pub fn parse(every: &str, on: Option<&str>) -> Result<Days, NotifyError> {
        let bad = |what: String, hint: &str| NotifyError::refused("bad_schedule", what, hint);
        match every {
            "weekly" => {
                let on = on.unwrap_or("monday").to_ascii_lowercase();
                let at = WEEKDAYS
                    .iter()
                    .position(|d| *d == on || (on.len() >= 2 && d[..on.len().min(3)] == on[..]));
                let at = at.and_then(|at| u8::try_from(at).ok());
                at.map(Days::Weekly).ok_or_else(|| bad(format!("{on:?} is no weekday"), "--on monday"))
            }
            "monthly" => {
                let on = on.unwrap_or("1");
                let day = on.parse().ok().filter(|day| (1..=31).contains(day));
                day.map(Days::Monthly)
                    .ok_or_else(|| bad(format!("{on:?} is no day of a month"), "--on 1, up to 31"))
            }
            other => Err(bad(format!("no report is called {other:?}"), "use weekly or monthly")),
        }
    }

    /// `weekly` or `monthly`.
    pub fn every(self) -> &'static str {
        match self {
            Days::Weekly(_) => "weekly",
            Days::Monthly(_) => "monthly",
        }
    }

    /// `monday`, or `1`.
    pub fn on(self) -> String {
        match self {
            Days::Weekly(day) => WEEKDAYS.get(usize::from(day)).copied().unwrap_or_default().into(),
            Days::Monthly(day) => day.to_string(),
        }
    }

    /// The latest of its days up to a day.
    fn latest(self, day: Day) -> Day {
        match self {
            Days::Weekly(on) => day.add_days(-(day.weekday().cast_signed() - i32::from(on)).rem_euclid(7)),
            Days::Monthly(on) => {
                let this = in_month(day, on);
                if this <= day { this } else { in_month(day.first_of_month().add_months(-1), on) }
            }
        }
    }
}

fn in_month(day: Day, on: u8) -> Day {
    day.first_of_month().add_days(i32::from(on) - 1).min(day.last_of_month())
}

fn epoch() -> Instant {
    Instant::from_micros(0)
}

/// A schedule of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its name.
    #[serde(skip)]
    pub name: String,
    /// Which report, on which days.
    pub days: Days,
    /// At what time.
    pub at: Clock,
    /// Through which channel.
    pub channel: String,
    /// To whom, if the channel is mail; nobody named means the channel's own recipients.
    pub to: Vec<String>,
    /// Where somebody who does not want it any more goes, if not to the sender.
    pub unsubscribe: Option<String>,
    /// What was due before is not sent.
    #[serde(skip, default = "epoch")]
    pub since: Instant,
}

impl Schedule {
    /// Refuses recipients that are none.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), NotifyError> {
        if let Some(url) = &self.unsubscribe
            && (!url.starts_with("https://")
                || url.chars().any(|c| c.is_control() || c.is_whitespace() || "<>,".contains(c)))
        {
            return Err(NotifyError::refused(
                "bad_url",
                "the address for unsubscribing is none",
                "use https://...",
            ));
        }
        self.to.iter().try_for_each(|one| mailbox(one).map(drop))
    }

    /// The latest moment at which it was due, with its day; `None` when that was before it was made. However many were
    /// missed, there is one latest.
    pub fn due(&self, now: Instant, zone: &Zone) -> Option<(Day, Instant)> {
        let today = zone.clock(now).0;
        let mut day = self.days.latest(today);
        if self.at.on(day, zone) > now {
            day = self.days.latest(day.add_days(-1));
        }
        let at = self.at.on(day, zone);
        (at > self.since && at <= now).then_some((day, at))
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "name": self.name, "report": self.days.every(), "on": self.days.on(), "at": self.at.to_string(),
            "channel": self.channel, "to": self.to, "unsubscribe": self.unsubscribe, "since": self.since.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(days: Days, at: &str, since: &str) -> Schedule {
        Schedule {
            name: "s".into(),
            days,
            at: Clock::parse(at).unwrap(),
            channel: "c".into(),
            to: Vec::new(),
            unsubscribe: None,
            since: Instant::parse_rfc3339(since).unwrap(),
        }
    }

    #[track_caller]
    fn due(s: &Schedule, now: &str, zone: &str, wanted: Option<&str>) {
        let zone = Zone::parse(zone).unwrap();
        let found = s.due(Instant::parse_rfc3339(now).unwrap(), &zone).map(|(_, at)| at.to_string());
        assert_eq!(found.as_deref(), wanted, "at {now}");
    }

    #[test]
    fn weekly_in_the_books_zone_over_a_change_of_clocks() {
        let s = schedule(Days::parse("weekly", Some("monday")).unwrap(), "08:00", "2026-03-01T00:00:00Z");
        // Berlin: summer time from 29 March 2026.
        due(&s, "2026-03-23T06:59:59Z", "Europe/Berlin", Some("2026-03-16T07:00:00Z"));
        due(&s, "2026-03-23T07:00:00Z", "Europe/Berlin", Some("2026-03-23T07:00:00Z"));
        due(&s, "2026-03-30T05:59:59Z", "Europe/Berlin", Some("2026-03-23T07:00:00Z"));
        due(&s, "2026-03-30T06:00:00Z", "Europe/Berlin", Some("2026-03-30T06:00:00Z"));
        // Down for weeks: the latest only.
        due(&s, "2026-05-20T12:00:00Z", "Europe/Berlin", Some("2026-05-18T06:00:00Z"));
        // Nothing that was due before it was made.
        due(&s, "2026-03-01T12:00:00Z", "Europe/Berlin", None);
    }

    #[test]
    fn a_time_that_a_day_lacks_or_has_twice_is_due_once() {
        let s = schedule(Days::parse("weekly", Some("sun")).unwrap(), "02:30", "2026-03-01T00:00:00Z");
        due(&s, "2026-03-29T12:00:00Z", "Europe/Berlin", Some("2026-03-29T01:30:00Z"));
        // 25 October has 02:30 twice; the second one is not due again.
        due(&s, "2026-10-25T00:30:00Z", "Europe/Berlin", Some("2026-10-25T00:30:00Z"));
        due(&s, "2026-10-25T01:30:00Z", "Europe/Berlin", Some("2026-10-25T00:30:00Z"));
    }

    #[test]
    fn monthly_on_a_day_that_months_lack() {
        let s = schedule(Days::parse("monthly", Some("31")).unwrap(), "09:00", "2026-01-01T00:00:00Z");
        due(&s, "2026-02-28T08:59:00Z", "UTC", Some("2026-01-31T09:00:00Z"));
        due(&s, "2026-02-28T09:00:00Z", "UTC", Some("2026-02-28T09:00:00Z"));
        due(&s, "2026-03-30T09:00:00Z", "UTC", Some("2026-02-28T09:00:00Z"));
        due(&s, "2026-03-31T09:00:00Z", "UTC", Some("2026-03-31T09:00:00Z"));
    }

    #[test]
    fn quiet_hours_over_midnight() {
        let quiet = Quiet::parse("22:00-07:00").unwrap();
        let zone = Zone::parse("Europe/Berlin").unwrap();
        for (now, wanted) in [
            ("2026-01-10T20:59:59Z", false),
            ("2026-01-10T21:00:00Z", true),
            ("2026-01-11T05:59:59Z", true),
            ("2026-01-11T06:00:00Z", false),
            ("2026-07-11T05:00:00Z", false),
            ("2026-07-10T20:00:00Z", true),
        ] {
            assert_eq!(quiet.holds(Instant::parse_rfc3339(now).unwrap(), &zone), wanted, "{now}");
        }
        let noon = Quiet::parse("12:00-13:00").unwrap();
        assert!(noon.holds(Instant::parse_rfc3339("2026-01-10T11:30:00Z").unwrap(), &zone));
        for bad in ["", "22:00", "25:00-07:00", "22:00-22:00", "22-7", "22:0-7:00", "aa:bb-cc:dd"] {
            assert!(Quiet::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn schedules_that_are_none() {
        for (every, on) in [
            ("daily", None),
            ("weekly", Some("1")),
            ("weekly", Some("someday")),
            ("monthly", Some("0")),
            ("monthly", Some("32")),
        ] {
            assert!(Days::parse(every, on).is_err(), "{every} {on:?}");
        }
        assert_eq!(Days::parse("weekly", Some("Tue")).unwrap(), Days::Weekly(1));
    }
}
