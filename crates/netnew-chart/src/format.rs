//! Figures as text: exact ones for labels and tables, compact ones for axes.

use netnew_money::{Amount, Rounding};

use crate::spec::Unit;

/// The typographic minus sign.
const MINUS: char = '\u{2212}';
/// A space that does not break, so that a figure never wraps.
const SPACE: char = '\u{a0}';
/// 10^10, the raw units of one.
pub(crate) const ONE: i128 = 10_000_000_000;

impl Unit {
    /// The figure as it stands in a table whose head names the unit: `−1,010.00`, `2.1 %`, `402`.
    pub fn figure(&self, value: Amount) -> String {
        match self {
            Unit::Money { decimals, .. } => value.display_grouped(*decimals),
            Unit::Percent { decimals } => format!("{}{SPACE}%", value.display_grouped(*decimals)),
            // A count with a fraction (a mean of counts) keeps it.
            Unit::Count => grouped(value),
        }
    }

    /// The figure with its unit, as it is read out: `−1,010.00 USD`.
    pub fn exact(&self, value: Amount) -> String {
        match self {
            Unit::Money { code, .. } if !code.is_empty() => format!("{}{SPACE}{code}", self.figure(value)),
            _ => self.figure(value),
        }
    }

    /// The unit as a table's caption names it, or nothing.
    pub fn name(&self) -> &str {
        match self {
            Unit::Money { code, .. } => code,
            Unit::Percent { .. } => "%",
            Unit::Count => "",
        }
    }

    /// The smallest step between two ticks of an axis, in raw units.
    pub(crate) fn least_step(&self) -> i128 {
        match self {
            Unit::Count => ONE,
            Unit::Money { decimals, .. } | Unit::Percent { decimals } => {
                10_i128.pow(u32::from(Amount::SCALE.saturating_sub(*decimals)))
            }
        }
    }

    /// A tick of an axis: `12.5K`, `−500`, `60 %`. Ticks are round, so nothing is lost.
    pub(crate) fn tick(&self, value: Amount) -> String {
        match self {
            Unit::Percent { .. } => format!("{}{SPACE}%", grouped(value)),
            _ => compact(value),
        }
    }
}

/// All digits, grouped, without trailing zeros: `1,234.5`.
fn grouped(value: Amount) -> String {
    let text = value.display_grouped(Amount::SCALE);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// With a letter for thousands, millions, billions and trillions: `12.5K`. Three decimals of the letter at most;
/// values that need more are written in full.
fn compact(value: Amount) -> String {
    let letters = [
        (ONE * 1_000_000_000_000, "T"),
        (ONE * 1_000_000_000, "B"),
        (ONE * 1_000_000, "M"),
        (ONE * 1_000, "K"),
    ];
    let magnitude = value.raw().unsigned_abs();
    for (unit, letter) in letters {
        if magnitude < unit.unsigned_abs() {
            continue;
        }
        if value.raw() % (unit / 1_000) == 0 {
            // Exact: the remainder has three decimals of the letter at most.
            let thousandths = Amount::from_raw(value.raw() / (unit / 1_000) * (ONE / 1_000));
            return format!("{}{letter}", grouped(thousandths));
        }
        break;
    }
    grouped(value)
}

/// Without unit and decimals, for the smallest cells of a heatmap: `96`.
pub(crate) fn whole(value: Amount) -> String {
    value.round_to(0, Rounding::HalfEven).display_grouped(0)
}

/// With the sign always, for changes: `+310.00`, `−1,010.00`, `0.00`.
pub(crate) fn signed(unit: &Unit, value: Amount) -> String {
    let figure = unit.figure(value);
    if value.is_positive() && !figure.chars().all(|c| !matches!(c, '1'..='9')) {
        format!("+{figure}")
    } else {
        figure
    }
}

/// Whether a printed figure is below nothing.
pub(crate) fn is_loss(figure: &str) -> bool {
    figure.starts_with(MINUS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Amount {
        Amount::parse(text).expect("a number")
    }

    #[test]
    fn figures_are_exact_and_ticks_are_short() {
        let usd = Unit::Money { code: "USD".into(), decimals: 2 };
        assert_eq!(usd.exact(money("-1010")), "−1,010.00\u{a0}USD");
        assert_eq!(usd.figure(money("-0.001")), "0.00");
        for (value, tick) in [
            ("0", "0"),
            ("12500", "12.5K"),
            ("-500", "−500"),
            ("1000", "1K"),
            ("999", "999"),
            ("0.25", "0.25"),
            ("1250000", "1.25M"),
            ("1234567", "1,234,567"),
            ("5e14", "500T"),
            ("2e16", "20,000T"),
            ("-2000000000", "−2B"),
        ] {
            assert_eq!(usd.tick(money(value)), tick, "{value}");
        }
        assert_eq!(Unit::Percent { decimals: 1 }.tick(money("60")), "60\u{a0}%");
        assert_eq!(signed(&usd, money("310")), "+310.00");
        assert_eq!(signed(&usd, money("0.001")), "0.00");
        assert_eq!(Unit::Count.figure(money("402")), "402");
        assert_eq!(Unit::Count.figure(money("1402.5")), "1,402.5");
    }
}
