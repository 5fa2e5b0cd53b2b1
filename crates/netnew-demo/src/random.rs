//! The demo's own random numbers, so that a seed means the same business on every machine and for ever.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): small, and good
/// enough for made-up lives.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

impl Random {
    /// A sequence of its own for each (seed, stream, index): customers do not depend on each other.
    pub(crate) fn of(seed: u64, stream: u64, index: u64) -> Random {
        let mut mixed = seed;
        for part in [stream, index] {
            mixed = Random(mixed ^ part.wrapping_mul(GOLDEN)).next();
        }
        Random(mixed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A whole number from 0 up to, not including, `bound`; 0 when the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product is at most `bound - 1`.
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A whole number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i32, high: i32) -> i32 {
        let span = u64::from(high.abs_diff(low)) + 1;
        low + self.below(span) as i32
    }

    /// True so many times out of 10,000.
    pub(crate) fn chance(&mut self, of_10_000: u32) -> bool {
        self.below(10_000) < u64::from(of_10_000)
    }

    /// One of a list that is not empty.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// One of a list that is not empty, as often as its weight says.
    pub(crate) fn weighted<T: Copy>(&mut self, from: &[(u32, T)]) -> T {
        let total: u64 = from.iter().map(|(weight, _)| u64::from(*weight)).sum();
        let mut left = self.below(total);
        for (weight, one) in from {
            match left.checked_sub(u64::from(*weight)) {
                Some(rest) => left = rest,
                None => return *one,
            }
        }
        from[from.len() - 1].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_published_sequence() {
        // The first outputs for the state 1234567, as printed by the reference implementation.
        let mut random = Random(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn stays_within_bounds_and_reaches_them() {
        let mut random = Random::of(1, 2, 3);
        let drawn: Vec<i32> = (0..1_000).map(|_| random.between(-2, 2)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&-2), Some(&2)));
        assert_eq!(random.below(0), 0);
        let heads = (0..10_000).filter(|_| random.chance(2_500)).count();
        assert!((2_300..2_700).contains(&heads), "{heads}");
        let rare = (0..10_000).filter(|_| random.weighted(&[(99, false), (1, true), (0, true)])).count();
        assert!((50..200).contains(&rare), "{rare}");
    }

    #[test]
    fn neighbours_have_lives_of_their_own() {
        let first = |seed, stream, index| Random::of(seed, stream, index).next();
        let all = [first(1, 0, 0), first(1, 0, 1), first(1, 1, 0), first(2, 0, 0)];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one));
        }
    }
}
