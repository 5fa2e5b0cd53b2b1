//! Hundredths in and out.

use netnew_money::{Amount, Decimal, Ratio, Rounding};

/// Ten-decimal units in a hundredth.
const RAW: i128 = 100_000_000;

/// So many hundredths of the currency's unit.
pub fn amount(cents: i64) -> Amount {
    Amount::from_raw(i128::from(cents) * RAW)
}

/// So many hundredths as a plain decimal.
pub fn decimal(cents: i64) -> Decimal {
    Decimal::new(i128::from(cents), 2)
}

/// An amount in whole hundredths, halves away from zero.
pub fn cents(amount: Amount) -> i64 {
    let rounded = amount.round_to(2, Rounding::HalfUp).raw() / RAW;
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

/// A quotient of whole numbers, rounded to a whole number, halves away from zero; 0 for nothing to divide by.
pub fn share(of: i64, by: i64) -> i64 {
    let exact = Ratio::new(i128::from(of), i128::from(by));
    exact.and_then(|r| r.round_to(0, Rounding::HalfUp)).and_then(|r| i64::try_from(r).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hundredths_round_half_away_from_zero() {
        assert_eq!(cents(Amount::parse("43.485").unwrap()), 4349);
        assert_eq!(cents(Amount::parse("-43.485").unwrap()), -4349);
        assert_eq!(cents(amount(-17)), -17);
        assert_eq!(share(10, 4), 3);
        assert_eq!(share(10, 0), 0);
    }
}
