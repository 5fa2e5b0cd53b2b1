//! Data sets for measuring: item states of a million made-up customers, the same for the same seed.
//!
//! *Plain* is what billing systems give: text ids, one to three subscriptions, months and years, seats that grow and
//! shrink, plans that change, cancellations and returns, in the order of time over the whole file. *Hard* gives a tenth
//! of the customers each: a discount that ends, a trial that ends by itself, a payment that fails for a while, a second
//! item, and another currency.
//!
//! Whole numbers only, no clock: a data set is a function of its size and seed.

mod lives;
mod write;

pub use lives::{INTERVALS, PLANS, Row, STATUSES, Shape, rows};
pub use write::{rates, states};

/// SplitMix64, by Steele, Lea and Flood (2014).
#[derive(Clone, Copy, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice of a seed and a stream, so that customers do not depend on one another.
    pub fn new(seed: u64, stream: u64) -> Dice {
        let mut dice = Dice(seed ^ stream.wrapping_mul(0xd605_bbb5_8c8a_bbc9));
        dice.next();
        dice
    }

    /// The next 64 bits.
    #[allow(clippy::should_implement_trait, reason = "dice never run out")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}
