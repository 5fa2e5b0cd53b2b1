//! What is only ever compared of contents, as numbers: the same under every policy, so it is numbered once.

use crate::image::Image;
use foldhash::fast::FixedState;
use netnew_facts::Text;
use netnew_money::Currency;
use std::collections::HashMap;
use std::hash::Hash;

/// Numbers of one content's plan, interval, price and currency.
#[derive(Clone, Copy)]
pub(crate) struct Numbers {
    /// Index into [`Kinds::plans`].
    pub plan: u32,
    pub interval: u32,
    pub price: u32,
    /// Index into [`Kinds::currencies`]; without meaning where there are more than a byte holds.
    pub currency: u8,
}

/// Numbers of all contents of an image.
#[derive(Default)]
pub(crate) struct Kinds {
    pub of: Vec<Numbers>,
    /// Plans that occur; `None` first.
    pub plans: Vec<Option<Text>>,
    /// Currencies that occur, by code.
    pub currencies: Vec<Currency>,
}

impl Kinds {
    /// Numbers an image's contents.
    pub fn new(image: &Image) -> Kinds {
        let currencies = image.currencies();
        let mut plans = vec![None];
        let mut plan_numbers: HashMap<&Text, u32, FixedState> = HashMap::default();
        let (mut intervals, mut prices) = (Numbering::default(), Numbering::default());
        let of = image.contents.iter().map(|content| {
            let state = &content.state;
            let plan = state.plan.as_ref().map_or(0, |plan| {
                *plan_numbers.entry(plan).or_insert_with(|| {
                    plans.push(Some(plan.clone()));
                    plans.len() as u32 - 1
                })
            });
            Numbers {
                plan,
                interval: intervals.number((state.interval, state.interval_count)),
                price: prices.number(state.amount),
                currency: currencies.binary_search(&state.currency).unwrap_or_default() as u8,
            }
        });
        let of = of.collect();
        Kinds { of, plans, currencies }
    }
}

/// Numbers in the order of first occurrence.
struct Numbering<T>(HashMap<T, u32, FixedState>);

impl<T> Default for Numbering<T> {
    fn default() -> Numbering<T> {
        Numbering(HashMap::default())
    }
}

impl<T: Eq + Hash> Numbering<T> {
    fn number(&mut self, value: T) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(value).or_insert(next)
    }
}
