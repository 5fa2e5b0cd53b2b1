//! The three ways of rounding, and integer division by them.

/// How a value between two representable ones is rounded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Rounding {
    /// To the nearer; a tie goes to the even digit. No bias over many amounts.
    #[default]
    HalfEven,
    /// To the nearer; a tie goes away from zero.
    HalfUp,
    /// Toward zero.
    Truncate,
}

impl Rounding {
    /// Every way, in declaration order.
    pub const ALL: [Rounding; 3] = [Rounding::HalfEven, Rounding::HalfUp, Rounding::Truncate];

    /// Whether the magnitude `quotient` grows by one, given what the division left over.
    pub(crate) fn rounds_away(self, quotient_is_odd: bool, remainder: u128, divisor: u128) -> bool {
        // remainder < divisor, so divisor - remainder cannot wrap where 2 * remainder could.
        let half = remainder.cmp(&(divisor - remainder));
        match self {
            Rounding::Truncate => false,
            Rounding::HalfUp => half.is_ge(),
            Rounding::HalfEven => half.is_gt() || (half.is_eq() && quotient_is_odd),
        }
    }
}

/// `num / den` rounded to an integer; `den` must be above zero.
///
/// Rounding is symmetric: `div_round(-n, d, r) == -div_round(n, d, r)` for every way.
///
/// # Panics
/// When `den` is zero or below, which is a mistake of the caller and never data.
pub fn div_round(num: i128, den: i128, rounding: Rounding) -> i128 {
    assert!(den > 0, "div_round needs a divisor above zero, got {den}");
    let quotient = num / den;
    let remainder = (num % den).unsigned_abs();
    if remainder != 0 && rounding.rounds_away(quotient & 1 != 0, remainder, den.unsigned_abs()) {
        // A remainder exists only for den >= 2, so |quotient| is at most half the range.
        quotient + num.signum()
    } else {
        quotient
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ties() {
        let cases = [
            (5, 2, 2, 3, 2),
            (3, 2, 2, 2, 1),
            (1, 2, 0, 1, 0),
            (7, 2, 4, 4, 3),
            (2, 3, 1, 1, 0),
            (1, 3, 0, 0, 0),
            (6, 3, 2, 2, 2),
        ];
        for (num, den, even, up, truncated) in cases {
            assert_eq!(div_round(num, den, Rounding::HalfEven), even, "{num}/{den}");
            assert_eq!(div_round(num, den, Rounding::HalfUp), up, "{num}/{den}");
            assert_eq!(div_round(num, den, Rounding::Truncate), truncated, "{num}/{den}");
            assert_eq!(div_round(-num, den, Rounding::HalfEven), -even, "-{num}/{den}");
            assert_eq!(div_round(-num, den, Rounding::HalfUp), -up, "-{num}/{den}");
            assert_eq!(div_round(-num, den, Rounding::Truncate), -truncated, "-{num}/{den}");
        }
    }

    #[test]
    fn extremes() {
        for rounding in Rounding::ALL {
            assert_eq!(div_round(i128::MIN, 1, rounding), i128::MIN);
            assert_eq!(div_round(i128::MAX, 1, rounding), i128::MAX);
        }
        assert_eq!(div_round(i128::MAX, i128::MAX, Rounding::HalfEven), 1);
        assert_eq!(div_round(i128::MAX - 1, i128::MAX, Rounding::HalfEven), 1);
        assert_eq!(div_round(i128::MAX / 2, i128::MAX, Rounding::HalfUp), 0);
        assert_eq!(div_round(i128::MAX / 2 + 1, i128::MAX, Rounding::HalfUp), 1);
    }

    proptest! {
        #[test]
        fn symmetric_and_nearest(num in -1_000_000i128..1_000_000, den in 1i128..1_000) {
            for rounding in Rounding::ALL {
                let rounded = div_round(num, den, rounding);
                prop_assert_eq!(div_round(-num, den, rounding), -rounded);
                let error = (rounded * den - num).abs();
                if rounding == Rounding::Truncate {
                    prop_assert!(error < den && rounded.abs() * den <= num.abs());
                } else {
                    prop_assert!(2 * error <= den);
                }
                if rounding == Rounding::HalfEven && 2 * error == den {
                    prop_assert_eq!(rounded % 2, 0);
                }
            }
        }
    }
}
