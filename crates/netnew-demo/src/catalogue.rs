//! What the business sells, where and for how much.

use netnew_money::{Amount, Currency, Rounding, div_round};

use crate::random::Random;

/// A price list entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Plan {
    Starter,
    Pro,
    Team,
    Business,
    /// An add-on: an item beside the main one.
    Priority,
    /// For nothing, for ever.
    Free,
    /// Metered: billed by what was used, so it is no recurring revenue.
    ApiCalls,
}

impl Plan {
    /// Those that are worth something per month.
    pub(crate) const PAID: [Plan; 5] = [Plan::Starter, Plan::Pro, Plan::Team, Plan::Business, Plan::Priority];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Plan::Starter => "Starter",
            Plan::Pro => "Pro",
            Plan::Team => "Team",
            Plan::Business => "Business",
            Plan::Priority => "Priority support",
            Plan::Free => "Free",
            Plan::ApiCalls => "API calls",
        }
    }

    /// The price of one unit for one month, in thousandths of the major unit.
    ///
    /// `raised`: after the price of Starter went up.
    pub(crate) const fn mills_per_month(self, money: Money, raised: bool) -> i64 {
        match (self, money) {
            (Plan::Starter, Money::Usd) if raised => 22_000,
            (Plan::Starter, Money::Eur) if raised => 20_000,
            (Plan::Starter, Money::Usd) => 19_000,
            (Plan::Starter, Money::Eur) => 17_000,
            (Plan::Pro, Money::Usd) => 49_000,
            (Plan::Pro, Money::Eur) => 45_000,
            (Plan::Team, Money::Usd) => 15_000,
            (Plan::Team, Money::Eur) => 14_000,
            (Plan::Business, Money::Usd) => 199_000,
            (Plan::Business, Money::Eur) => 185_000,
            (Plan::Priority, Money::Usd) => 12_000,
            (Plan::Priority, Money::Eur) => 11_000,
            (Plan::ApiCalls, _) => 2,
            (Plan::Free, _) => 0,
        }
    }

    /// Seats at the start.
    pub(crate) fn first_quantity(self, random: &mut Random) -> i64 {
        match self {
            Plan::Team => i64::from(random.between(3, 9)),
            _ => 1,
        }
    }
}

/// The two currencies; the book keeps US dollars.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Money {
    Usd,
    Eur,
}

impl Money {
    pub(crate) const ALL: [Money; 2] = [Money::Usd, Money::Eur];

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Money::Usd => "USD",
            Money::Eur => "EUR",
        }
    }

    pub(crate) const fn currency(self) -> Currency {
        match self {
            Money::Usd => Currency::USD,
            Money::Eur => Currency::EUR,
        }
    }
}

/// How often a bill comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Billing {
    Monthly,
    Quarterly,
    Annual,
}

impl Billing {
    pub(crate) const fn months(self) -> i32 {
        match self {
            Billing::Monthly => 1,
            Billing::Quarterly => 3,
            Billing::Annual => 12,
        }
    }

    /// The columns `interval` and `interval_count`.
    pub(crate) const fn interval(self) -> (&'static str, &'static str) {
        match self {
            Billing::Monthly => ("month", "1"),
            Billing::Quarterly => ("month", "3"),
            Billing::Annual => ("year", "1"),
        }
    }

    /// The price of one bill: two months of a year and 5 % of a quarter are for free.
    pub(crate) const fn mills(self, per_month: i64) -> i64 {
        match self {
            Billing::Monthly => per_month,
            Billing::Quarterly => per_month * 3 * 95 / 100,
            Billing::Annual => per_month * 10,
        }
    }
}

/// A coupon as it was promised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Coupon {
    /// 30 % off for three months.
    Launch,
    /// 50 % off for a while, for someone who was about to leave.
    Retention,
    /// 20 % off for ever.
    Friends,
    /// 10 % and then 2 a bill off for ever: for good causes, written as a list.
    GoodCause,
    /// Half of the first bill, which says nothing about the months after it.
    FirstBill,
}

impl Coupon {
    /// Percent off and thousandths of the major unit off each bill, as long as it counts towards MRR.
    const fn off(self) -> (i64, i64) {
        match self {
            Coupon::Launch => (30, 0),
            Coupon::Retention => (50, 0),
            Coupon::Friends => (20, 0),
            Coupon::GoodCause => (10, 2_000),
            Coupon::FirstBill => (0, 0),
        }
    }
}

/// What `quantity` units at `mills` a bill are worth per month, less a coupon, rounded once to ten decimals.
pub(crate) fn worth(mills: i64, quantity: i64, billing: Billing, coupon: Option<Coupon>) -> Amount {
    let (percent, off_mills) = coupon.map_or((0, 0), Coupon::off);
    let bill_hundredths = i128::from(mills) * i128::from(quantity) * i128::from(100 - percent);
    let bill_hundredths = (bill_hundredths - i128::from(off_mills) * 100).max(0);
    // Ten decimals of the major unit are seven of a thousandth.
    let raw = bill_hundredths * 10_000_000;
    Amount::from_raw(div_round(raw, 100 * i128::from(billing.months()), Rounding::HalfEven))
}

/// Where customers are: code, the currency they pay in, and how many of 100 are there.
pub(crate) const COUNTRIES: [(u32, (&str, Money)); 9] = [
    (38, ("US", Money::Usd)),
    (10, ("CA", Money::Usd)),
    (14, ("GB", Money::Usd)),
    (6, ("AU", Money::Usd)),
    (13, ("DE", Money::Eur)),
    (7, ("FR", Money::Eur)),
    (6, ("NL", Money::Eur)),
    (4, ("ES", Money::Eur)),
    (2, ("IE", Money::Eur)),
];

/// How customers come: name, how soon they leave as a percentage of the usual, and how many of 100 come so.
pub(crate) const CHANNELS: [(u32, (&str, u32)); 5] = [
    (34, ("organic", 95)),
    (24, ("ads", 150)),
    (18, ("content", 90)),
    (15, ("referral", 65)),
    (9, ("partner", 75)),
];

/// How many people work at a customer.
pub(crate) const SIZES: [(u32, &str); 4] = [(34, "1"), (38, "2-10"), (20, "11-50"), (8, "51-200")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monthly_worth_is_rounded_once() {
        let cases = [
            (19_000, 1, Billing::Monthly, None, "19"),
            (190_000, 1, Billing::Annual, None, "15.8333333333"),
            (190_000, 1, Billing::Annual, Some(Coupon::Friends), "12.6666666667"),
            (567_150, 1, Billing::Quarterly, None, "189.05"),
            (15_000, 7, Billing::Monthly, Some(Coupon::Launch), "73.5"),
            (490_000, 1, Billing::Annual, Some(Coupon::GoodCause), "36.5833333333"),
            (49_000, 1, Billing::Monthly, Some(Coupon::FirstBill), "49"),
            (1_000, 1, Billing::Monthly, Some(Coupon::GoodCause), "0"),
        ];
        for (mills, quantity, billing, coupon, expected) in cases {
            assert_eq!(worth(mills, quantity, billing, coupon).to_string(), expected);
        }
    }
}
