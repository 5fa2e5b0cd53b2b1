//! Figures for reading: signs, groups of thousands, cents that add up, sparklines.

use netnew_money::{Amount, Rounding, apportion};

/// A level: `12,480.33`.
pub fn level(amount: Amount, decimals: u8) -> String {
    amount.display_grouped(decimals)
}

/// A change: `+1,240.00`, `−120.00`, and nothing for nothing.
pub fn change(amount: Amount, decimals: u8) -> String {
    let text = amount.display_grouped(decimals);
    let zero = text.chars().all(|c| matches!(c, '0' | '.' | ',' | '−'));
    match (zero, amount.is_positive()) {
        (true, _) => "·".to_string(),
        (false, true) => format!("+{text}"),
        (false, false) => text,
    }
}

/// Parts of a row as printed: rounded so that start + parts = end holds in print too.
///
/// Start and end are rounded by themselves, so that a row's end is the next row's start; the parts share the
/// difference by largest remainder.
pub fn printed_parts(start: Amount, parts: &[Amount], end: Amount, decimals: u8) -> Vec<Amount> {
    let total = end.round_to(decimals, Rounding::HalfEven) - start.round_to(decimals, Rounding::HalfEven);
    apportion(parts, total, decimals)
}

/// A fraction in percent: `2.1 %`.
pub fn percent(ratio: netnew_money::Ratio) -> String {
    let tenths = ratio
        .checked_mul(netnew_money::Ratio::from_int(1000))
        .and_then(|r| r.round_to(0, Rounding::HalfEven))
        .unwrap_or_default();
    let sign = if tenths < 0 { "−" } else { "" };
    let tenths = tenths.unsigned_abs();
    format!("{sign}{}.{} %", tenths / 10, tenths % 10)
}

/// Eight heights from the least to the greatest, zero included so that small and large look it.
pub fn sparkline(values: &[Amount]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let least = values.iter().copied().min().unwrap_or_default().min(Amount::ZERO).raw();
    let greatest = values.iter().copied().max().unwrap_or_default().max(Amount::ZERO).raw();
    let span = (greatest - least).max(1);
    values.iter().map(|v| BARS[usize::try_from((v.raw() - least) * 7 / span).unwrap_or(0).min(7)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_cents_add_up() {
        let third = Amount::parse("33.3333333333").unwrap();
        let parts = [third, third, third];
        let end = third + third + third;
        let printed = printed_parts(Amount::ZERO, &parts, end, 2);
        assert_eq!(printed.iter().copied().sum::<Amount>(), Amount::from_major(100));
    }

    #[test]
    fn nothing_is_a_dot_and_never_minus_zero() {
        assert_eq!(change(Amount::ZERO, 2), "·");
        assert_eq!(change(Amount::parse("-0.001").unwrap(), 2), "·");
        assert_eq!(change(Amount::parse("-1234.5").unwrap(), 2), "−1,234.50");
        assert_eq!(change(Amount::parse("1234.5").unwrap(), 2), "+1,234.50");
    }

    #[test]
    fn a_sparkline_keeps_zero_in_sight() {
        let values: Vec<Amount> = [0, 5, 10].map(Amount::from_major).to_vec();
        assert_eq!(sparkline(&values), "▁▄█");
    }
}
