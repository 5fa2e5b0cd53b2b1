//! Figures inside sentences.

use netnew_money::{Amount, Day, Ratio, Rounding};

/// `1,240.00 USD`; losses with a true minus sign.
pub fn money(amount: Amount, decimals: u8, currency: &str) -> String {
    format!("{} {currency}", amount.display_grouped(decimals))
}

/// `+1,240.00 USD`: a gain carries its sign, nothing carries none.
pub fn signed(amount: Amount, decimals: u8, currency: &str) -> String {
    let sign = if amount.is_positive() { "+" } else { "" };
    format!("{sign}{}", money(amount, decimals, currency))
}

/// `88.0 %`.
pub fn percent(ratio: Ratio) -> String {
    let tenths = ratio
        .checked_mul(Ratio::from_int(1000))
        .and_then(|r| r.round_to(0, Rounding::HalfEven))
        .unwrap_or_default();
    let sign = if tenths < 0 { "\u{2212}" } else { "" };
    let tenths = tenths.unsigned_abs();
    format!("{sign}{}.{} %", tenths / 10, tenths % 10)
}

/// `22 %`: for the bounds of an interval.
pub fn whole_percent(ratio: Ratio) -> String {
    let whole = ratio
        .checked_mul(Ratio::from_int(100))
        .and_then(|r| r.round_to(0, Rounding::HalfEven))
        .unwrap_or_default();
    let sign = if whole < 0 { "\u{2212}" } else { "" };
    format!("{sign}{}", whole.unsigned_abs())
}

/// `1 customer`, `2 customers`.
pub fn customers(count: i64) -> String {
    format!("{count} customer{}", if count == 1 { "" } else { "s" })
}

/// `August 2026`.
pub fn month(day: Day) -> String {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let (year, month, _) = day.ymd();
    let name = usize::try_from(month).ok().and_then(|m| NAMES.get(m.wrapping_sub(1))).copied().unwrap_or("?");
    format!("{name} {year}")
}

/// A value for a shell: bare where that is safe, else in single quotes.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.=:/@+".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_string(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// A value inside `--where`: its own commas, bars, equal signs and backslashes escaped.
pub fn filter_value(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, ',' | '|' | '=' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_survive_a_shell_and_a_filter() {
        assert_eq!(quoted("plan=Pro"), "plan=Pro");
        assert_eq!(quoted("plan=Joe's"), "'plan=Joe'\\''s'");
        assert_eq!(filter_value("A,B|C"), "A\\,B\\|C");
    }

    #[test]
    fn months_have_names() {
        assert_eq!(month(Day::from_ymd(2026, 12, 31).unwrap()), "December 2026");
        assert_eq!(percent(Ratio::new(-1, 40).unwrap()), "\u{2212}2.5 %");
    }
}
