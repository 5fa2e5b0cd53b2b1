//! Goals: a figure, a value, a day; and whether the present pace gets there.
//!
//! The path between two known points is a straight line by days, so where a goal's day is not the end of a month, what is
//! expected of it lies between the ends of the months around it. Everything is an exact fraction until it is printed.

use netnew_money::{Day, Ratio};
use serde_json::{Value, json};

/// Which side of the value is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// The value or more.
    AtLeast,
    /// The value or less.
    AtMost,
}

impl Aim {
    /// `at_least` or `at_most`.
    pub fn as_str(self) -> &'static str {
        match self {
            Aim::AtLeast => "at_least",
            Aim::AtMost => "at_most",
        }
    }

    /// From `at_least` or `at_most`.
    pub fn parse(text: &str) -> Option<Aim> {
        [Aim::AtLeast, Aim::AtMost].into_iter().find(|aim| aim.as_str() == text)
    }

    fn met(self, value: Ratio, target: Ratio) -> bool {
        match self {
            Aim::AtLeast => value >= target,
            Aim::AtMost => value <= target,
        }
    }

    /// How far a value is from the target; zero when it is there.
    fn missing(self, value: Ratio, target: Ratio) -> Option<Ratio> {
        if self.met(value, target) {
            return Some(Ratio::ZERO);
        }
        match self {
            Aim::AtLeast => target.checked_sub(value),
            Aim::AtMost => value.checked_sub(target),
        }
    }
}

/// How it stands with a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its day is over and the value was there.
    Reached,
    /// Its day is over and the value was not there.
    Missed,
    /// The value is there before its day.
    Met,
    /// Not there yet; at the present pace it will be.
    OnPace,
    /// Not there yet; at the present pace it will not be.
    Short,
    /// Not there yet, and the figure has no pace.
    Open,
    /// The figure has no value.
    Unknown,
}

impl Verdict {
    /// Its code.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Reached => "reached",
            Verdict::Missed => "missed",
            Verdict::Met => "met",
            Verdict::OnPace => "on_pace",
            Verdict::Short => "short",
            Verdict::Open => "open",
            Verdict::Unknown => "unknown",
        }
    }
}

/// What is known of a goal's figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// Today, or the goal's day when that is over.
    pub day: Day,
    /// The value then; `None` where the figure has none.
    pub value: Option<Ratio>,
    /// The ends of the months ahead with the value at the present pace; empty where the figure has no pace.
    pub ahead: Vec<(Day, Ratio)>,
}

/// A goal against its figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The value now, or on the goal's day when that is over.
    pub value: Option<Ratio>,
    /// What is missing; zero when it is there.
    pub missing: Option<Ratio>,
    /// The value on the goal's day at the present pace.
    pub expected: Option<Ratio>,
    /// What that is short of the goal; zero when it is not.
    pub short: Option<Ratio>,
    /// What each month until then has to bring, on average.
    pub needed: Option<Ratio>,
    /// What each month until then brings at the present pace, on average.
    pub pace: Option<Ratio>,
    /// How it stands.
    pub verdict: Verdict,
}

/// Months from one day to a later one: whole months, and parts of those that are not whole.
pub fn months_between(from: Day, to: Day) -> Ratio {
    let part = |days: i32, of: Day| {
        Ratio::new(i128::from(days), i128::from(of.days_in_month())).unwrap_or(Ratio::ZERO)
    };
    if to <= from {
        return Ratio::ZERO;
    }
    let (start, end) = (from.first_of_month(), to.first_of_month());
    if start == end {
        return part(to.days_since(from), from);
    }
    let whole = (0..).take_while(|n| start.add_months(n + 1) < end).count();
    let rest =
        part(from.last_of_month().days_since(from), from).checked_add(part(to.days_since(end) + 1, to));
    rest.and_then(|r| r.checked_add(Ratio::from_int(i128::try_from(whole).ok()?))).unwrap_or(Ratio::ZERO)
}

/// The value on a day along points in order of time; `None` outside them.
fn along(points: &[(Day, Ratio)], day: Day) -> Option<Ratio> {
    let at = points.iter().position(|(d, _)| *d >= day)?;
    let (after, high) = points[at];
    if after == day {
        return Some(high);
    }
    let (before, low) = *points.get(at.checked_sub(1)?)?;
    let share = Ratio::new(i128::from(day.days_since(before)), i128::from(after.days_since(before)))?;
    low.checked_add(high.checked_sub(low)?.checked_mul(share)?)
}

/// Measures a goal: `by` the day at whose end the value is to be there.
pub fn standing(aim: Aim, target: Ratio, by: Day, course: &Course) -> Standing {
    let missing = course.value.and_then(|value| aim.missing(value, target));
    let mut out = Standing {
        value: course.value,
        missing,
        expected: None,
        short: None,
        needed: None,
        pace: None,
        verdict: Verdict::Unknown,
    };
    let Some(value) = course.value else { return out };
    let there = aim.met(value, target);
    if course.day >= by {
        out.verdict = if there { Verdict::Reached } else { Verdict::Missed };
        return out;
    }
    let mut points = vec![(course.day, value)];
    points.extend(course.ahead.iter().filter(|(day, _)| *day > course.day));
    let months = months_between(course.day, by);
    out.expected = (points.len() > 1).then(|| along(&points, by)).flatten();
    out.short = out.expected.and_then(|e| aim.missing(e, target));
    let a_month = |end: Ratio| end.checked_sub(value)?.checked_div(months);
    out.pace = out.expected.and_then(a_month);
    out.needed = if there { None } else { a_month(target) };
    out.verdict = match (there, out.short) {
        (true, _) => Verdict::Met,
        (false, None) => Verdict::Open,
        (false, Some(short)) if short == Ratio::ZERO => Verdict::OnPace,
        (false, Some(_)) => Verdict::Short,
    };
    out
}

impl Standing {
    /// The figures as JSON, decimals as text.
    pub fn to_json(&self) -> Value {
        let text = |r: Option<Ratio>| json!(r.map(|r| r.to_decimal_string(10)));
        json!({
            "now": text(self.value), "missing": text(self.missing), "expected": text(self.expected),
            "short": text(self.short), "needed_a_month": text(self.needed), "pace_a_month": text(self.pace),
            "verdict": self.verdict.as_str(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn int(n: i128) -> Ratio {
        Ratio::from_int(n)
    }

    fn course(value: i128, ahead: &[(&str, i128)]) -> Course {
        let ahead = ahead.iter().map(|(d, v)| (day(d), int(*v))).collect();
        Course { day: day("2026-06-15"), value: Some(int(value)), ahead }
    }

    #[test]
    fn months_are_counted_with_their_parts() {
        assert_eq!(months_between(day("2026-06-15"), day("2026-06-30")), Ratio::new(15, 30).unwrap());
        assert_eq!(months_between(day("2026-06-30"), day("2026-08-31")), int(2));
        assert_eq!(months_between(day("2026-06-15"), day("2026-08-31")), Ratio::new(5, 2).unwrap());
        assert_eq!(months_between(day("2026-12-31"), day("2027-02-14")), Ratio::new(3, 2).unwrap());
        assert_eq!(months_between(day("2026-06-15"), day("2026-06-15")), Ratio::ZERO);
    }

    #[test]
    fn what_is_short_names_what_each_month_has_to_bring() {
        let path = [("2026-06-30", 1_100), ("2026-07-31", 1_300), ("2026-08-31", 1_500)];
        let told = standing(Aim::AtLeast, int(2_000), day("2026-08-31"), &course(1_000, &path));
        assert_eq!(told.verdict, Verdict::Short);
        assert_eq!((told.missing, told.expected), (Some(int(1_000)), Some(int(1_500))));
        assert_eq!(told.short, Some(int(500)));
        // Two and a half months to go.
        assert_eq!((told.needed, told.pace), (Some(int(400)), Some(int(200))));
    }

    #[test]
    fn a_day_within_a_month_lies_on_the_line_between() {
        let path = [("2026-06-30", 1_100), ("2026-07-31", 1_410)];
        let told = standing(Aim::AtLeast, int(1_200), day("2026-07-10"), &course(1_000, &path));
        assert_eq!((told.expected, told.verdict), (Some(int(1_200)), Verdict::OnPace));
        let told = standing(Aim::AtLeast, int(1_201), day("2026-07-10"), &course(1_000, &path));
        assert_eq!(told.verdict, Verdict::Short);
    }

    #[test]
    fn what_is_there_is_met_and_what_is_over_is_judged() {
        let met = standing(Aim::AtLeast, int(900), day("2026-08-31"), &course(1_000, &[]));
        assert_eq!((met.verdict, met.missing, met.needed), (Verdict::Met, Some(Ratio::ZERO), None));
        let over =
            |target| standing(Aim::AtLeast, int(target), day("2026-06-15"), &course(1_000, &[])).verdict;
        assert_eq!((over(1_000), over(1_001)), (Verdict::Reached, Verdict::Missed));
        let nothing = Course { value: None, ..course(0, &[]) };
        assert_eq!(standing(Aim::AtLeast, int(1), day("2026-08-31"), &nothing).verdict, Verdict::Unknown);
    }

    #[test]
    fn less_can_be_the_aim() {
        let told = standing(Aim::AtMost, int(3), day("2026-08-31"), &course(5, &[]));
        assert_eq!((told.verdict, told.missing), (Verdict::Open, Some(int(2))));
        assert_eq!(standing(Aim::AtMost, int(3), day("2026-08-31"), &course(3, &[])).verdict, Verdict::Met);
    }

    #[test]
    fn beyond_the_path_nothing_is_expected() {
        let told =
            standing(Aim::AtLeast, int(3_000), day("2026-12-31"), &course(1_000, &[("2026-06-30", 1_100)]));
        assert_eq!((told.verdict, told.expected), (Verdict::Open, None));
    }
}
