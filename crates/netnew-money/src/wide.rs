//! Products of two 128-bit numbers, which do not fit in 128 bits, and their quotients.

use std::cmp::Ordering;

use crate::Rounding;

/// `10^exponent`, or nothing when it does not fit (`exponent` above 38).
pub(crate) fn pow10(exponent: u8) -> Option<i128> {
    const POWERS: [i128; 39] = {
        let mut powers = [1i128; 39];
        let mut i = 1;
        while i < 39 {
            powers[i] = powers[i - 1] * 10;
            i += 1;
        }
        powers
    };
    POWERS.get(usize::from(exponent)).copied()
}

/// The number with this sign and magnitude, when it fits.
pub(crate) fn signed(negative: bool, magnitude: u128) -> Option<i128> {
    if negative { 0i128.checked_sub_unsigned(magnitude) } else { i128::try_from(magnitude).ok() }
}

/// Greatest common divisor; `gcd(0, b)` is `b`.
pub(crate) fn gcd(mut a: u128, mut b: u128) -> u128 {
    // 128-bit division is several times slower than 64-bit, and most operands are short.
    loop {
        if let (Ok(a), Ok(b)) = (u64::try_from(a), u64::try_from(b)) {
            return u128::from(gcd64(a, b));
        }
        if b == 0 {
            return a;
        }
        (a, b) = (b, a % b);
    }
}

fn gcd64(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// `a * b` as high and low halves.
fn mul(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let low = a0 * b0;
    // Each partial product is below 2^128 - 2^65 + 1, so the carries fit beside it.
    let middle = a1 * b0 + (low >> 64);
    let crossed = a0 * b1 + (middle & LOW);
    (a1 * b1 + (middle >> 64) + (crossed >> 64), (crossed << 64) | (low & LOW))
}

/// Compares `a * b` with `c * d`.
pub(crate) fn cmp_products(a: u128, b: u128, c: u128, d: u128) -> Ordering {
    match (a.checked_mul(b), c.checked_mul(d)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => mul(a, b).cmp(&mul(c, d)),
    }
}

/// Quotient and remainder of a 256-bit number; `high` must be below `divisor`, so that the quotient fits.
fn div_rem(high: u128, low: u128, divisor: u128) -> (u128, u128) {
    let (mut quotient, mut remainder) = (0u128, high);
    for bit in (0..128).rev() {
        let carried = remainder >> 127 != 0;
        remainder = (remainder << 1) | ((low >> bit) & 1);
        quotient <<= 1;
        // With a carry the true remainder is 2^128 larger, so the wrapping difference is the right one.
        if carried || remainder >= divisor {
            remainder = remainder.wrapping_sub(divisor);
            quotient |= 1;
        }
    }
    (quotient, remainder)
}

/// `a * b / divisor` rounded once, or nothing when the result does not fit or the divisor is zero.
pub(crate) fn mul_div(a: i128, b: i128, divisor: u128, rounding: Rounding) -> Option<i128> {
    if divisor == 0 {
        return None;
    }
    let negative = (a < 0) != (b < 0);
    let (x, y) = (a.unsigned_abs(), b.unsigned_abs());
    let (quotient, remainder) = match x.checked_mul(y) {
        Some(product) => match (u64::try_from(product), u64::try_from(divisor)) {
            (Ok(p), Ok(d)) => (u128::from(p / d), u128::from(p % d)),
            _ => (product / divisor, product % divisor),
        },
        None => {
            let (high, low) = mul(x, y);
            if high >= divisor {
                return None;
            }
            div_rem(high, low, divisor)
        }
    };
    let away = remainder != 0 && rounding.rounds_away(quotient & 1 != 0, remainder, divisor);
    signed(negative, quotient.checked_add(u128::from(away))?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn widest_product() {
        assert_eq!(mul(u128::MAX, u128::MAX), (u128::MAX - 1, 1));
        assert_eq!(div_rem(u128::MAX - 1, 1, u128::MAX), (u128::MAX, 0));
        assert_eq!(mul_div(i128::MIN, i128::MIN, 1u128 << 127, Rounding::HalfEven), None);
        assert_eq!(mul_div(i128::MIN, i128::MAX, 1u128 << 127, Rounding::HalfEven), Some(-i128::MAX));
        assert_eq!(mul_div(i128::MIN, 1, 1, Rounding::Truncate), Some(i128::MIN));
        assert_eq!(mul_div(1, 1, 0, Rounding::Truncate), None);
    }

    #[test]
    fn powers() {
        assert_eq!(pow10(0), Some(1));
        assert_eq!(pow10(38), Some(100_000_000_000_000_000_000_000_000_000_000_000_000));
        assert_eq!(pow10(39), None);
    }

    proptest! {
        #[test]
        fn division_undoes_multiplication(a: u128, b: u128, extra: u128) {
            prop_assume!(b > 0);
            let remainder = extra % b;
            let (high, low) = mul(a, b);
            let (low, carry) = low.overflowing_add(remainder);
            prop_assert_eq!(div_rem(high + u128::from(carry), low, b), (a, remainder));
        }

        #[test]
        fn products_compare_like_small_ones(a: u64, b: u64, c: u64, d: u64) {
            let (a, b, c, d) = (u128::from(a), u128::from(b), u128::from(c), u128::from(d));
            // Shifting both sides alike cannot change which is larger, but leaves the fast path.
            prop_assert_eq!(cmp_products(a << 64, b << 64, c << 64, d << 64), (a * b).cmp(&(c * d)));
        }

        #[test]
        fn gcd_divides_both(a: u128, b: u128, shared in 1u128..1 << 40) {
            let (a, b) = ((a >> 41) * shared, (b >> 41) * shared);
            let g = gcd(a, b);
            prop_assume!(g != 0);
            prop_assert_eq!((a % g, b % g, g % shared), (0, 0, 0));
        }
    }
}
