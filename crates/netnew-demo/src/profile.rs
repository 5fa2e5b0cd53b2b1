//! Who a customer is.

use netnew_money::Instant;

use crate::World;
use crate::catalogue::{CHANNELS, COUNTRIES, Money, SIZES};
use crate::random::Random;
use crate::words::{FIRST, SECOND};

/// Who a customer is: the row of the file of customers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    /// From 0; the id counts from 1.
    pub index: u32,
    pub name: (&'static str, &'static str),
    pub country: &'static str,
    pub money: Money,
    pub channel: &'static str,
    /// How soon it leaves, as a percentage of the usual.
    pub restless: u32,
    pub size: &'static str,
    pub signed_up: Instant,
}

impl Profile {
    pub(crate) fn of(world: &World, index: u32) -> Profile {
        let mut random = Random::of(world.seed, 1, index.into());
        let (country, money) = random.weighted(&COUNTRIES);
        let (channel, restless) = random.weighted(&CHANNELS);
        let calendar = &world.calendar;
        let arrival = calendar.arrival(index, world.customers, &mut random);
        Profile {
            index,
            name: (random.pick(&FIRST), random.pick(&SECOND)),
            country,
            money,
            channel,
            restless,
            size: random.weighted(&SIZES),
            // The first customer is there when the business opens.
            signed_up: if index == 0 { calendar.opening() } else { arrival },
        }
    }
}
