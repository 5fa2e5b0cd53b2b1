//! The random life of one item.

use netnew_money::{Currency, Decimal, Instant, IntervalUnit, Zone};

use super::random::SplitMix;
use super::{Shape, moment, time_of_day};
use crate::rows::{PlainDiscount, PlainDuration, PlainOff, PlainRow, PlainStatus};

const PRICES: [&str; 12] =
    ["10", "10", "20", "30", "50", "100", "49.99", "0.1", "33.333", "1200", "0.00000000000005", "0"];
const PLANS: [&str; 3] = ["Basic", "Pro", "Team plan"];

/// Writes down a life: source, customer, subscription and item name whose.
pub(super) fn life(
    random: &mut SplitMix,
    shape: &Shape,
    zone: &Zone,
    whose: [&str; 4],
    rows: &mut Vec<PlainRow>,
) {
    let [source, customer, subscription, item] = whose;
    let start = moment(random, zone);
    let mut row = PlainRow::monthly(customer, subscription, start, price(random, shape), Currency::USD);
    row.source = source.to_string();
    row.item = item.to_string();
    row.plan = plan(random);
    if shape.currencies && random.one_in(3) {
        row.currency = currency(random);
    }
    if random.one_in(3) {
        interval(random, &mut row);
    }
    if random.one_in(5) {
        row.status = PlainStatus::Trialing;
        row.trial_end = Some(later(random, zone, start));
    }
    if random.one_in(4) {
        add_discount(random, zone, &mut row);
    }
    rows.push(row.clone());
    for _ in 0..random.below(6) {
        step_time(random, zone, &mut row);
        change(random, shape, zone, &mut row);
        if random.one_in(6) {
            change(random, shape, zone, &mut row);
        }
        rows.push(row.clone());
    }
    // What ends may be begun anew under another item of the subscription on the same day.
    if row.status == PlainStatus::Canceled && random.one_in(2) {
        let mut next = row;
        next.item = format!("{}-again", next.item);
        next.status = PlainStatus::Active;
        (next.seq, next.cancel_at, next.cancel_requested_at, next.voluntary) = (0, None, None, None);
        next.plan = plan(random);
        next.effective_at = time_of_day(random, zone, zone.day_of(next.effective_at));
        rows.push(next);
    }
}

/// Goes on to the next state: at the same instant, within the hour, the day, or some months.
fn step_time(random: &mut SplitMix, zone: &Zone, row: &mut PlainRow) {
    let now = row.effective_at;
    match random.below(10) {
        0 => row.seq += 1,
        1 => row.effective_at = now.add_micros(i64::from(random.between(1, 90)) * 60_000_000),
        2 => row.effective_at = time_of_day(random, zone, zone.day_of(now)).max(now.add_micros(1)),
        _ => row.effective_at = later(random, zone, now),
    }
    if row.effective_at > now {
        row.seq = if random.one_in(8) { 3 } else { 0 };
    }
}

fn later(random: &mut SplitMix, zone: &Zone, now: Instant) -> Instant {
    let day = match random.below(3) {
        0 => zone.day_of(now).add_months(random.small(3) + 1),
        1 => zone.day_of(now).add_days(random.small(10) + 1),
        _ => zone.day_of(now).add_days(random.small(90) + 1),
    };
    time_of_day(random, zone, day)
}

/// Something happens to the item.
fn change(random: &mut SplitMix, shape: &Shape, zone: &Zone, row: &mut PlainRow) {
    match random.below(20) {
        0..=2 => row.amount = price(random, shape),
        3..=4 => {
            row.plan = plan(random);
            row.amount = price(random, shape);
        }
        5 => row.quantity_micros = random.pick(&[0, 500_000, 1_000_000, 2_000_000, 2_500_000, 3_333_333]),
        6 => interval(random, row),
        7..=8 => add_discount(random, zone, row),
        9 => row.discounts.clear(),
        10..=14 => status(random, zone, row),
        15 => row.metered = !row.metered,
        16 if shape.currencies => row.currency = currency(random),
        17 => {
            row.cancel_at = Some(later(random, zone, row.effective_at));
            row.cancel_requested_at = random.one_in(2).then_some(row.effective_at);
        }
        18 => (row.cancel_at, row.cancel_requested_at) = (None, None),
        _ => {}
    }
}

fn status(random: &mut SplitMix, zone: &Zone, row: &mut PlainRow) {
    let was = row.status;
    row.status = match random.below(9) {
        0 => PlainStatus::PastDue,
        1 => PlainStatus::Unpaid,
        2 => PlainStatus::Paused,
        3 => PlainStatus::Free,
        4 => PlainStatus::Trialing,
        5..=6 => PlainStatus::Canceled,
        _ => PlainStatus::Active,
    };
    row.trial_end = match row.status {
        PlainStatus::Trialing if !random.one_in(6) => Some(later(random, zone, row.effective_at)),
        _ => None,
    };
    row.voluntary = None;
    if row.status == PlainStatus::Canceled {
        row.voluntary = random.pick(&[None, Some(true), Some(false)]);
        row.cancel_at = None;
        // Asked for some days before, at times before the state that held then.
        let asked = zone.start_of(zone.day_of(row.effective_at).add_days(-random.small(40)));
        row.cancel_requested_at = random.one_in(2).then_some(asked);
    } else if was == PlainStatus::Canceled {
        (row.cancel_at, row.cancel_requested_at) = (None, None);
    }
}

fn add_discount(random: &mut SplitMix, zone: &Zone, row: &mut PlainRow) {
    if row.discounts.len() == 3 {
        row.discounts.clear();
    }
    let off = match random.below(6) {
        0 => PlainOff::Percent(Decimal::from_i64(100)),
        1 => PlainOff::Percent(Decimal::new(3333, 2)),
        2 => PlainOff::Amount(Decimal::from_i64(15)),
        3 => PlainOff::Amount(Decimal::new(25, 1)),
        _ => PlainOff::Percent(Decimal::from_i64(i64::from(random.between(1, 9)) * 10)),
    };
    let duration = random.pick(&[PlainDuration::Forever, PlainDuration::Repeating, PlainDuration::Once]);
    let dated = duration == PlainDuration::Repeating || random.one_in(4);
    let until = dated.then(|| later(random, zone, row.effective_at));
    row.discounts.push(PlainDiscount { off, duration, until, on_subscription: random.one_in(3) });
}

fn interval(random: &mut SplitMix, row: &mut PlainRow) {
    let intervals = [
        (IntervalUnit::Day, 1),
        (IntervalUnit::Day, 30),
        (IntervalUnit::Week, 1),
        (IntervalUnit::Week, 2),
        (IntervalUnit::Month, 1),
        (IntervalUnit::Month, 3),
        (IntervalUnit::Year, 1),
    ];
    (row.interval, row.interval_count) = random.pick(&intervals);
}

fn price(random: &mut SplitMix, shape: &Shape) -> Decimal {
    if shape.credits && random.one_in(10) {
        return Decimal::from_i64(-i64::from(random.between(1, 60)));
    }
    Decimal::parse(random.pick(&PRICES)).expect("the prices of the list are numbers")
}

fn plan(random: &mut SplitMix) -> Option<String> {
    (!random.one_in(6)).then(|| random.pick(&PLANS).to_string())
}

fn currency(random: &mut SplitMix) -> Currency {
    let gbp = Currency::parse("GBP").expect("a currency");
    random.pick(&[Currency::USD, Currency::EUR, gbp, Currency::JPY])
}
