//! What a euro costs in dollars, day by day.

use netnew_money::{Amount, Day, Rounding, div_round};

use crate::calendar::Calendar;
use crate::catalogue::Money;
use crate::random::Random;

/// Published on working days only, as central banks do; on other days the last one holds.
#[derive(Clone, Debug)]
pub(crate) struct Rates {
    first: Day,
    /// Dollars per euro in ten-thousandths that hold on each day from `first`.
    ten_thousandths: Vec<i64>,
}

/// Where the rate starts, and what it is drawn back to.
const USUAL: i64 = 10_850;
/// Days before the history for which rates are published, so that a weekend at its start has one.
const AHEAD: i32 = 10;

impl Rates {
    pub(crate) fn new(calendar: &Calendar, seed: u64) -> Rates {
        let mut random = Random::of(seed, 8, 0);
        let first = calendar.months[0].add_days(-AHEAD);
        let mut rate = USUAL;
        let days = 0..=calendar.as_of.days_since(first);
        let ten_thousandths = days
            .map(|day| {
                if is_working(first.add_days(day)) {
                    rate += i64::from(random.between(-42, 42)) + (USUAL - rate) / 60;
                }
                rate
            })
            .collect();
        Rates { first, ten_thousandths }
    }

    /// Days with a published rate, and the rate in ten-thousandths.
    pub(crate) fn published(&self) -> impl Iterator<Item = (Day, i64)> + '_ {
        let days = self.ten_thousandths.iter().zip(0..).map(|(rate, at)| (self.first.add_days(at), *rate));
        days.filter(|(day, _)| is_working(*day))
    }

    /// Ten-thousandths of a dollar that one unit costs on a day of the history.
    pub(crate) fn dollars(&self, of: Money, day: Day) -> i128 {
        match of {
            Money::Usd => 10_000,
            Money::Eur => {
                let at = usize::try_from(day.days_since(self.first)).unwrap_or(0);
                i128::from(self.ten_thousandths[at.min(self.ten_thousandths.len() - 1)])
            }
        }
    }

    /// An amount in dollars at a day's rate, rounded once.
    pub(crate) fn in_dollars(&self, amount: Amount, of: Money, day: Day) -> Amount {
        match of {
            Money::Usd => amount,
            Money::Eur => {
                let scaled = amount.raw() * self.dollars(of, day);
                Amount::from_raw(div_round(scaled, 10_000, Rounding::HalfEven))
            }
        }
    }
}

fn is_working(day: Day) -> bool {
    day.weekday() < 5
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DemoOptions;

    #[test]
    fn weekends_have_the_rate_of_friday() {
        let as_of = Day::parse("2026-11-24").expect("a day");
        let calendar = Calendar::new(&DemoOptions { seed: 1, customers: 1, months: 24, as_of });
        let rates = Rates::new(&calendar, 1);
        let friday = Day::parse("2026-11-20").expect("a day");
        let on = |days| rates.dollars(Money::Eur, friday.add_days(days));
        assert_eq!((on(1), on(2)), (on(0), on(0)));
        let published: Vec<(Day, i64)> = rates.published().collect();
        assert!(published.iter().all(|(day, rate)| day.weekday() < 5 && (9_500..12_500).contains(rate)));
        assert!(published[0].0 < calendar.months[0]);
        assert_eq!(published.last().map(|(day, _)| *day), Some(as_of));
        let euro = rates.in_dollars(Amount::from_major(1), Money::Eur, friday);
        assert_eq!(euro.raw(), on(0) * 1_000_000);
        assert_eq!(rates.in_dollars(Amount::from_major(1), Money::Usd, friday), Amount::from_major(1));
    }
}
