//! A small generator of random numbers, the same on every machine.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014), with a serial number
/// on the side for things that must differ.
#[derive(Clone, Debug)]
pub struct SplitMix {
    state: u64,
    serial: i64,
}

impl SplitMix {
    /// A generator that always gives the same numbers for a seed.
    pub fn new(seed: u64) -> SplitMix {
        SplitMix { state: seed, serial: 0 }
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to below `limit`; 0 for a limit of 0. The bias of the remainder is far below what a test sees.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next_u64() % limit.max(1)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        let span = u64::from(high.saturating_sub(low)) + 1;
        low + u32::try_from(self.below(span)).expect("the span fits")
    }

    /// A number from 0 to below `limit`, for days and months.
    pub fn small(&mut self, limit: u16) -> i32 {
        i32::try_from(self.below(u64::from(limit))).expect("the limit fits")
    }

    /// A position in something that long; 0 for nothing.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("below a length")
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of some, which must not be none.
    pub fn pick<T: Copy>(&mut self, some: &[T]) -> T {
        some[self.index(some.len())]
    }

    /// A number that this generator has not given before: 1, 2, 3, ...
    pub fn serial(&mut self) -> i64 {
        self.serial += 1;
        self.serial
    }
}
