//! How values of facts are written in segments and sorted runs. Books hold these codes, so none may ever change.

use netnew_facts::{Attributes, CancelReason, Discount, Status};
use netnew_money::{Instant, IntervalUnit};

/// The position in [`Status::ALL`].
pub fn status_code(status: Status) -> i32 {
    Status::ALL.iter().position(|s| *s == status).map_or(0, |at| at as i32)
}

/// Reads [`status_code`].
pub fn status_of(code: i32) -> Option<Status> {
    Status::ALL.get(usize::try_from(code).ok()?).copied()
}

/// Month 0, year 1, week 2, day 3: the most frequent is the default of its column.
pub fn interval_code(unit: IntervalUnit) -> i32 {
    match unit {
        IntervalUnit::Month => 0,
        IntervalUnit::Year => 1,
        IntervalUnit::Week => 2,
        IntervalUnit::Day => 3,
    }
}

/// Reads [`interval_code`].
pub fn interval_of(code: i32) -> Option<IntervalUnit> {
    [IntervalUnit::Month, IntervalUnit::Year, IntervalUnit::Week, IntervalUnit::Day]
        .get(usize::try_from(code).ok()?)
        .copied()
}

/// None 0, voluntary 1, involuntary 2.
pub fn reason_code(reason: Option<CancelReason>) -> i32 {
    match reason {
        None => 0,
        Some(CancelReason::Voluntary) => 1,
        Some(CancelReason::Involuntary) => 2,
    }
}

/// Reads [`reason_code`].
pub fn reason_of(code: i32) -> Option<Option<CancelReason>> {
    match code {
        0 => Some(None),
        1 => Some(Some(CancelReason::Voluntary)),
        2 => Some(Some(CancelReason::Involuntary)),
        _ => None,
    }
}

/// Empty for no discounts, else the JSON list.
pub fn discounts_text(discounts: &[Discount]) -> String {
    if discounts.is_empty() { String::new() } else { Discount::list_to_json(discounts) }
}

/// Reads [`discounts_text`].
pub fn discounts_of(text: &str) -> Option<Vec<Discount>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    Discount::parse_list(text, &mut |t| Instant::parse_rfc3339(t).map_err(|e| e.to_string())).ok()
}

/// Attributes as JSON; equal maps give equal text. A withdrawn row is the empty text.
pub fn attributes_text(values: Option<&Attributes>) -> String {
    values.map_or_else(String::new, |values| {
        serde_json::to_string(values).expect("a map of strings always serialises")
    })
}

/// Reads [`attributes_text`].
pub fn attributes_of(text: &str) -> Option<Option<Attributes>> {
    if text.is_empty() { Some(None) } else { serde_json::from_str(text).ok().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netnew_facts::{DiscountKind, DiscountLevel, DiscountValue};
    use netnew_money::Decimal;

    #[test]
    fn codes_come_back_as_they_were() {
        for status in Status::ALL {
            assert_eq!(status_of(status_code(status)), Some(status));
        }
        for unit in [IntervalUnit::Day, IntervalUnit::Week, IntervalUnit::Month, IntervalUnit::Year] {
            assert_eq!(interval_of(interval_code(unit)), Some(unit));
        }
        for reason in [None, Some(CancelReason::Voluntary), Some(CancelReason::Involuntary)] {
            assert_eq!(reason_of(reason_code(reason)), Some(reason));
        }
        assert_eq!((status_of(7), interval_of(-1), reason_of(3)), (None, None, None));
    }

    #[test]
    fn the_codes_are_pinned_because_books_hold_them() {
        let statuses = Status::ALL.map(|s| (s.as_str(), status_code(s)));
        assert_eq!(statuses[0], ("active", 0));
        assert_eq!(statuses[5], ("canceled", 5));
        assert_eq!(interval_code(IntervalUnit::Year), 1);
    }

    #[test]
    fn an_instant_of_a_discount_keeps_its_microseconds() {
        let discount = Discount {
            value: DiscountValue::Percent(Decimal::parse("33.333").unwrap()),
            kind: DiscountKind::Repeating,
            until: Some(Instant::from_micros(1_700_000_000_000_001)),
            level: DiscountLevel::Subscription,
        };
        assert_eq!(discounts_of(&discounts_text(&[discount])), Some(vec![discount]));
    }
}
