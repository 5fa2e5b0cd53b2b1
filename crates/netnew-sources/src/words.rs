//! Words with a fixed meaning: statuses, intervals, yes and no, who ended a subscription.

use netnew_facts::{CancelReason, DiscountKind, Status, UsageType};
use netnew_money::IntervalUnit;

use crate::code;
use crate::problem::{Complaint, shown};

/// Lower case, letters and digits only.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Compares with a word that is already plain, without allocating.
fn is_word(text: &str, word: &str) -> bool {
    let mut letters = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    word.chars().all(|w| letters.next() == Some(w)) && letters.next().is_none()
}

fn find<T: Copy>(text: &str, words: &[(T, &[&str])]) -> Option<T> {
    // Programs write the plain word; only people need the slower look.
    let plainly = words.iter().find(|(_, these)| these.contains(&text));
    let found =
        plainly.or_else(|| words.iter().find(|(_, these)| these.iter().any(|word| is_word(text, word))));
    found.map(|(found, _)| *found)
}

const STATUSES: &[(Status, &[&str])] = &[
    (
        Status::Active,
        &["active", "live", "current", "paid", "paying", "nonrenewing", "ingrace", "ingraceperiod"],
    ),
    (Status::Trialing, &["trialing", "trial", "trialling", "intrial", "ontrial", "freetrial"]),
    (Status::PastDue, &["pastdue", "overdue", "late", "delinquent", "billingretry"]),
    (Status::Unpaid, &["unpaid"]),
    (Status::Paused, &["paused", "onhold", "hold", "suspended"]),
    (
        Status::Canceled,
        &["canceled", "cancelled", "cancel", "ended", "expired", "churned", "terminated", "inactive"],
    ),
    (Status::Free, &["free", "freemium", "freeplan", "comped", "complimentary"]),
];

/// Reads a status.
pub(crate) fn status(text: &str) -> Result<Status, Complaint> {
    Status::parse(text).or_else(|| find(text, STATUSES)).ok_or_else(|| {
        let known = Status::ALL.map(Status::as_str).join(", ");
        Complaint::new(
            code::UNKNOWN_STATUS,
            format!("{} is no status", shown(text)),
            format!("use one of {known}"),
        )
    })
}

const INTERVALS: &[((IntervalUnit, u32), &[&str])] = &[
    ((IntervalUnit::Month, 1), &["month", "months", "monthly", "mo", "mth", "permonth"]),
    (
        (IntervalUnit::Year, 1),
        &["year", "years", "yearly", "annual", "annually", "yr", "peryear", "annum", "perannum"],
    ),
    ((IntervalUnit::Month, 3), &["quarter", "quarters", "quarterly", "qtr"]),
    ((IntervalUnit::Week, 1), &["week", "weeks", "weekly", "wk", "perweek"]),
    ((IntervalUnit::Day, 1), &["day", "days", "daily", "perday"]),
    ((IntervalUnit::Year, 2), &["biennial", "biennially"]),
    ((IntervalUnit::Year, 3), &["triennial", "triennially"]),
    ((IntervalUnit::Month, 6), &["semiannual", "semiannually", "halfyear", "halfyearly", "semester"]),
    ((IntervalUnit::Week, 2), &["fortnight", "fortnightly"]),
];

/// Reads an interval: a unit, a word such as `quarterly`, or a count with a unit such as `3 months`.
pub(crate) fn interval(text: &str) -> Result<(IntervalUnit, u32), Complaint> {
    if let Some(found) = find(text, INTERVALS) {
        return Ok(found);
    }
    counted_interval(text).ok_or_else(|| {
        Complaint::new(
            code::UNKNOWN_INTERVAL,
            format!("{} is no billing interval", shown(text)),
            "use day, week, month or year, with interval_count for several of them",
        )
    })
}

/// `3 months`, `every 6 months`, `12-month`, `2yr`.
fn counted_interval(text: &str) -> Option<(IntervalUnit, u32)> {
    let lower = plain(text);
    let rest = lower.strip_prefix("every").unwrap_or(&lower);
    let unit_at = rest.find(|c: char| !c.is_ascii_digit())?;
    let (unit, each) = find(&rest[unit_at..], INTERVALS)?;
    let count: u32 = if unit_at == 0 { 1 } else { rest[..unit_at].parse().ok()? };
    let count = count.checked_mul(each).filter(|c| *c > 0)?;
    Some((unit, count))
}

const FLAGS: &[(bool, &[&str])] = &[
    (true, &["true", "yes", "1", "t", "y", "x", "wahr", "vrai"]),
    (false, &["false", "no", "0", "f", "n", "falsch", "faux"]),
];

/// Reads yes or no.
pub(crate) fn flag(text: &str) -> Result<bool, Complaint> {
    find(text, FLAGS).ok_or_else(|| {
        Complaint::new(code::BAD_FLAG, format!("{} is neither yes nor no", shown(text)), "use true or false")
    })
}

/// Reads `licensed` or `metered`.
pub(crate) fn usage_type(text: &str) -> Result<UsageType, Complaint> {
    let words: &[(UsageType, &[&str])] = &[
        (UsageType::Licensed, &["licensed", "license", "licence", "seat", "fixed", "flat", "recurring"]),
        (UsageType::Metered, &["metered", "usage", "usagebased", "payg"]),
    ];
    find(text, words).ok_or_else(|| {
        Complaint::new(
            code::UNKNOWN_USAGE_TYPE,
            format!("{} is no usage type", shown(text)),
            "use licensed or metered",
        )
    })
}

/// Reads how long a discount lasts.
pub(crate) fn discount_kind(text: &str) -> Result<DiscountKind, Complaint> {
    let words: &[(DiscountKind, &[&str])] = &[
        (DiscountKind::Forever, &["forever", "permanent", "always"]),
        (DiscountKind::Repeating, &["repeating", "limited", "recurring", "temporary"]),
        (DiscountKind::Once, &["once", "onetime", "single"]),
    ];
    find(text, words).ok_or_else(|| {
        Complaint::new(
            code::BAD_DISCOUNT,
            format!("{} does not say how long a discount lasts", shown(text)),
            "use forever, repeating or once",
        )
    })
}

const REASONS: &[(CancelReason, &[&str])] = &[
    (CancelReason::Voluntary, &["voluntary", "cancellationrequested", "customerrequest", "requested"]),
    (
        CancelReason::Involuntary,
        &[
            "involuntary",
            "paymentfailed",
            "paymentfailure",
            "paymentdisputed",
            "nonpayment",
            "dunning",
            "chargeback",
        ],
    ),
];

/// Reads `voluntary` or `involuntary`, optionally with words of the source after a colon.
pub(crate) fn reason(text: &str) -> Result<(CancelReason, Option<&str>), Complaint> {
    let (who, words) = match text.split_once(':') {
        Some((who, words)) => (who, Some(words.trim()).filter(|w| !w.is_empty())),
        None => (text, None),
    };
    let found = find(who, REASONS).ok_or_else(|| {
        Complaint::new(
            code::UNKNOWN_REASON,
            format!("{} does not say who ended it", shown(text)),
            "write voluntary or involuntary, with other words after a colon: voluntary: too expensive",
        )
    })?;
    let is_ours = CancelReason::parse(who.trim()).is_some();
    // A biller's own word says more than ours; it is kept.
    Ok((found, words.or_else(|| (!is_ours && !is_word(who, found.as_str())).then(|| who.trim()))))
}

/// Words that stand for an empty cell in exports of databases and spreadsheets.
pub(crate) fn means_nothing(text: &str) -> bool {
    matches!(text, "NULL" | "null" | "\\N" | "None" | "none" | "N/A" | "n/a" | "NA" | "nil" | "-" | "–" | "—")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_reads_its_own_word_and_the_usual_others() {
        for known in Status::ALL {
            assert_eq!(status(known.as_str()), Ok(known));
        }
        for (text, expected) in [
            ("Cancelled", Status::Canceled),
            ("In Trial", Status::Trialing),
            ("past due", Status::PastDue),
            ("PAST-DUE", Status::PastDue),
            ("on_hold", Status::Paused),
        ] {
            assert_eq!(status(text), Ok(expected), "{text}");
        }
        assert_eq!(status("activ").unwrap_err().code(), code::UNKNOWN_STATUS);
    }

    #[test]
    fn intervals_read_words_and_counts() {
        for (text, unit, count) in [
            ("month", IntervalUnit::Month, 1),
            ("Annual", IntervalUnit::Year, 1),
            ("quarterly", IntervalUnit::Month, 3),
            ("semi-annual", IntervalUnit::Month, 6),
            ("biennial", IntervalUnit::Year, 2),
            ("3 months", IntervalUnit::Month, 3),
            ("every 2 quarters", IntervalUnit::Month, 6),
            ("every month", IntervalUnit::Month, 1),
            ("per year", IntervalUnit::Year, 1),
        ] {
            assert_eq!(interval(text), Ok((unit, count)), "{text}");
        }
        for text in ["biannual", "bimonthly", "0 months", "3", "", "99999999999 days", "mois"] {
            assert_eq!(interval(text).unwrap_err().code(), code::UNKNOWN_INTERVAL, "{text}");
        }
    }

    #[test]
    fn reasons_keep_the_words_of_the_source() {
        assert_eq!(reason("voluntary"), Ok((CancelReason::Voluntary, None)));
        assert_eq!(
            reason("Voluntary: too dear: sorry"),
            Ok((CancelReason::Voluntary, Some("too dear: sorry")))
        );
        assert_eq!(reason("involuntary:"), Ok((CancelReason::Involuntary, None)));
        assert_eq!(reason("payment_failed"), Ok((CancelReason::Involuntary, Some("payment_failed"))));
        assert_eq!(reason("too dear").unwrap_err().code(), code::UNKNOWN_REASON);
    }

    #[test]
    fn yes_and_no() {
        for (text, expected) in [("TRUE", true), ("1", true), ("no", false), ("F", false)] {
            assert_eq!(flag(text), Ok(expected));
        }
        assert!(flag("maybe").is_err());
    }
}
