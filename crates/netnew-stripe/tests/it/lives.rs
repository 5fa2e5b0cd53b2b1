//! Random lives, written down as Stripe's objects, come back as the very ledger they had.

use crate::ledger::{ledger, states, told};
use crate::life::{Dice, Life, NOW, Shape};
use proptest::prelude::*;

fn shape(n: u8) -> Shape {
    [Shape::Old, Shape::New, Shape::Mixed][usize::from(n) % 3]
}

fn check(seed: u64, shape: Shape) -> Result<(), TestCaseError> {
    let life = Life::live(seed, shape);
    let objects = life.objects();
    let history = told(&objects, NOW);
    prop_assert_eq!(&history.problems, &Vec::new());
    let (found, expected) = (ledger(&states(&history), NOW), ledger(&life.truth, NOW));
    prop_assert_eq!(&found, &expected, "seed {} {:?}", seed, shape);
    // In any order, and said twice, the objects say the same.
    let mut shuffled = objects.clone();
    shuffled.extend(objects.iter().take(7).cloned());
    let mut dice = Dice::new(seed.wrapping_add(1));
    for at in (1..shuffled.len()).rev() {
        shuffled.swap(at, dice.below(at as u64 + 1) as usize);
    }
    let other = told(&shuffled, NOW);
    let plain = |h: &netnew_stripe::History| states(h);
    prop_assert_eq!(plain(&other), plain(&history), "seed {} {:?}, shuffled", seed, shape);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_life_comes_back_from_its_objects(seed in 0u64..1_000_000, shape_no in 0u8..3) {
        check(seed, shape(shape_no))?;
    }
}
