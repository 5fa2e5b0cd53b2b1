//! Customers' lives as rows of item states.

use crate::Dice;

/// Which of the two data sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// What billing systems give.
    Plain,
    /// With discounts, trials, failed payments, second items and a second currency.
    Hard,
}

/// One item state. Times in microseconds since 1970, UTC; money in cents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// From when it holds.
    pub at: i64,
    /// Until when the discount applies; 0 without.
    pub discount_until: i64,
    /// When the trial ends; 0 without.
    pub trial_end: i64,
    /// Customer.
    pub customer: u32,
    /// Price of one unit for one interval.
    pub cents: u32,
    /// Units.
    pub quantity: u16,
    /// Subscription of the customer.
    pub subscription: u8,
    /// Item of the subscription.
    pub item: u8,
    /// Index into [`PLANS`].
    pub plan: u8,
    /// Index into [`INTERVALS`].
    pub interval: u8,
    /// Index into [`STATUSES`].
    pub status: u8,
    /// Percent off; 0 without a discount.
    pub discount: u8,
    /// Billed in euros instead of dollars.
    pub euros: bool,
}

/// Plans: name and monthly price in cents.
pub const PLANS: [(&str, u32); 24] = [
    ("Starter", 900),
    ("Starter Plus", 1_500),
    ("Solo", 1_900),
    ("Solo Pro", 2_400),
    ("Basic", 2_900),
    ("Basic Plus", 3_500),
    ("Team", 4_900),
    ("Team Plus", 5_900),
    ("Growth", 7_900),
    ("Growth Plus", 8_900),
    ("Pro", 9_900),
    ("Pro Plus", 11_900),
    ("Studio", 12_900),
    ("Agency", 14_900),
    ("Agency Plus", 17_900),
    ("Business", 19_900),
    ("Business Plus", 24_900),
    ("Scale", 29_900),
    ("Scale Plus", 34_900),
    ("Company", 39_900),
    ("Company Plus", 49_900),
    ("Enterprise", 79_900),
    ("Enterprise Plus", 99_900),
    ("Add-on", 500),
];

/// Intervals: unit, how many, and what a year's twelve monthly prices are times as much of.
pub const INTERVALS: [(&str, i32); 4] = [("month", 1), ("year", 1), ("month", 3), ("week", 1)];

/// Statuses.
pub const STATUSES: [&str; 4] = ["active", "canceled", "trialing", "past_due"];

/// 2021-01-01T00:00:00Z.
const START: i64 = 1_609_459_200_000_000;
/// 2025-01-01T00:00:00Z.
const END: i64 = 1_735_689_600_000_000;
const DAY: i64 = 86_400_000_000;

/// All rows in the order of time.
pub fn rows(customers: u32, seed: u64, shape: Shape) -> Vec<Row> {
    let mut out = Vec::with_capacity(customers as usize * 9);
    for customer in 0..customers {
        let mut dice = Dice::new(seed, u64::from(customer));
        life(customer, shape, &mut dice, &mut out);
    }
    out.sort_by_key(|r| (r.at, r.customer, r.subscription, r.item));
    out
}

fn price(plan: u8, interval: u8) -> u32 {
    let monthly = PLANS[usize::from(plan)].1;
    match interval {
        1 => monthly * 10,
        2 => monthly * 3 - 100,
        3 => monthly / 4,
        _ => monthly,
    }
}

fn life(customer: u32, shape: Shape, dice: &mut Dice, out: &mut Vec<Row>) {
    let signed_up = START + dice.below(((END - START) / DAY) as u64 - 20) as i64 * DAY + time_of_day(dice);
    let subscriptions = match dice.below(100) {
        0..=79 => 1,
        80..=94 => 2,
        _ => 3,
    };
    let hard = shape == Shape::Hard;
    let special: [bool; 5] = std::array::from_fn(|_| dice.percent(10) && hard);
    for subscription in 0..subscriptions {
        let begins = match subscription {
            0 => signed_up,
            _ => signed_up + dice.below(400) as i64 * DAY + time_of_day(dice),
        };
        if begins >= END {
            continue;
        }
        let items = 1 + u8::from(special[3] && subscription == 0);
        for item in 0..items {
            let first = Row {
                at: begins + i64::from(item) * dice.below(200) as i64 * DAY,
                discount_until: 0,
                trial_end: 0,
                customer,
                cents: 0,
                quantity: 1 + dice.below(10) as u16,
                subscription,
                item,
                plan: if item == 0 { dice.below(23) as u8 } else { 23 },
                interval: [0, 0, 0, 0, 0, 0, 0, 1, 1, 2][dice.below(10) as usize],
                status: 0,
                discount: 0,
                euros: special[4],
            };
            let first = Row { interval: if dice.percent(3) { 3 } else { first.interval }, ..first };
            run(Row { cents: price(first.plan, first.interval), ..first }, special, dice, out);
        }
    }
}

fn time_of_day(dice: &mut Dice) -> i64 {
    dice.below(DAY as u64) as i64
}

/// One item from its first state on.
fn run(first: Row, special: [bool; 5], dice: &mut Dice, out: &mut Vec<Row>) {
    let [discounted, on_trial, fails, ..] = special;
    let mut now = first;
    if now.at >= END {
        return;
    }
    if discounted {
        now.discount = 10 * (1 + dice.below(5)) as u8;
        now.discount_until = now.at + (30 + dice.below(300) as i64) * DAY;
    }
    if on_trial {
        let ends = now.at + 14 * DAY;
        out.push(Row { status: 2, trial_end: ends, ..now });
        now.at = ends + (3 + dice.below(60) as i64) * DAY + time_of_day(dice);
        now.quantity += 1;
        if now.at >= END {
            return;
        }
    }
    out.push(now);
    loop {
        now.at += (10 + dice.below(128) as i64) * DAY + time_of_day(dice);
        if now.at >= END {
            return;
        }
        if now.discount_until <= now.at {
            (now.discount, now.discount_until) = (0, 0);
        }
        if fails && dice.percent(25) {
            out.push(Row { status: 3, ..now });
            now.at += (2 + dice.below(12) as i64) * DAY + time_of_day(dice);
            if now.at >= END {
                return;
            }
            out.push(now);
            continue;
        }
        match dice.below(100) {
            0..=11 => {
                out.push(Row { status: 1, ..now });
                now.at += (20 + dice.below(200) as i64) * DAY + time_of_day(dice);
                if !dice.percent(35) || now.at >= END {
                    return;
                }
            }
            12..=61 => {
                let change = 1 + dice.below(5) as u16;
                now.quantity = match dice.percent(60) {
                    true => (now.quantity + change).min(50),
                    false => now.quantity.saturating_sub(change).max(1),
                };
            }
            62..=74 => now.plan = (now.plan + 1).min(22 + u8::from(now.plan == 23)),
            75..=84 => now.plan = if now.plan == 23 { 23 } else { now.plan.saturating_sub(1) },
            85..=89 => now.interval = if now.interval == 0 { 1 } else { 0 },
            _ => {
                now.cents += now.cents / 10;
                out.push(now);
                continue;
            }
        }
        now.cents = price(now.plan, now.interval);
        out.push(now);
    }
}
