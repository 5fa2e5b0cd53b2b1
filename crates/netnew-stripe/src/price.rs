//! What a price charges for a quantity, exactly.

use crate::json::{exact, major, rounded};
use crate::piece::{Charge, Price, Tier};
use netnew_money::{Currency, Decimal, Ratio};

/// Price of one unit and the quantity, in millionths, that together make what is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charged {
    pub(crate) unit: Decimal,
    pub(crate) quantity_micros: i64,
}

/// What `quantity` of a price costs per interval. With tiers the amount of a unit is the average where that has an
/// end as a decimal; otherwise the whole counts as one unit, so that nothing is rounded.
pub(crate) fn charged(price: &Price, quantity: i64, currency: Currency) -> Option<Charged> {
    let charge = charge_in(price, currency)?;
    let quantity = match price.divide_by.filter(|by| *by > 0) {
        Some(by) if price.round_up => quantity.checked_add(by - 1)? / by,
        Some(by) => quantity / by,
        None => quantity,
    };
    if price.tiers_mode.is_none() {
        let unit = major(charge.unit.as_deref()?, currency)?;
        return Some(Charged { unit, quantity_micros: quantity.checked_mul(1_000_000)? });
    }
    let total = tiered(&charge.tiers, price.tiers_mode.as_deref() == Some("volume"), quantity, currency)?;
    if quantity > 1
        && let Some(unit) = exact(total.checked_div(Ratio::from_int(i128::from(quantity)))?)
    {
        return Some(Charged { unit, quantity_micros: quantity.checked_mul(1_000_000)? });
    }
    Some(Charged { unit: rounded(total)?, quantity_micros: 1_000_000 })
}

/// The price in this currency: its own or one of its options.
pub(crate) fn charge_in(price: &Price, currency: Currency) -> Option<&Charge> {
    let is = |charge: &&Charge| charge.currency.eq_ignore_ascii_case(currency.as_str());
    Some(&price.main).filter(is).or_else(|| price.others.iter().find(is))
}

fn tiered(tiers: &[Tier], volume: bool, quantity: i64, currency: Currency) -> Option<Ratio> {
    let of = |digits: &Option<String>| match digits {
        Some(digits) => major(digits, currency).map(Decimal::to_ratio),
        None => Some(Ratio::ZERO),
    };
    if tiers.is_empty() {
        return None;
    }
    let mut total = Ratio::ZERO;
    let mut below = 0i64;
    for tier in tiers {
        let last = tier.up_to.is_none_or(|up_to| quantity <= up_to);
        let first_of_tier = below;
        below = tier.up_to.unwrap_or(i64::MAX);
        if volume {
            if last {
                let units = of(&tier.unit)?.checked_mul(Ratio::from_int(i128::from(quantity)))?;
                return units.checked_add(of(&tier.flat)?);
            }
            continue;
        }
        let here = quantity.min(below) - first_of_tier;
        // The first tier's flat amount is charged even for nothing; a later tier's once it is reached.
        if here > 0 || first_of_tier == 0 {
            let units = of(&tier.unit)?.checked_mul(Ratio::from_int(i128::from(here.max(0))))?;
            total = total.checked_add(units)?.checked_add(of(&tier.flat)?)?;
        }
        if last {
            return Some(total);
        }
    }
    // More than the last tier goes to: there is no price for that.
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(up_to: Option<i64>, unit: &str, flat: &str) -> Tier {
        let digits = |t: &str| (!t.is_empty()).then(|| t.to_string());
        Tier { up_to, unit: digits(unit), flat: digits(flat) }
    }

    fn price(mode: &str, tiers: Vec<Tier>) -> Price {
        let main = Charge { currency: "usd".into(), unit: None, tiers };
        Price { tiers_mode: Some(mode.into()), main, ..Price::default() }
    }

    fn total(price: &Price, quantity: i64) -> String {
        let c = charged(price, quantity, Currency::USD).unwrap();
        let units = Ratio::new(i128::from(c.quantity_micros), 1_000_000).unwrap();
        exact(c.unit.to_ratio().checked_mul(units).unwrap()).unwrap().to_string()
    }

    #[test]
    fn tiers_are_added_up_or_chosen() {
        let tiers = vec![tier(Some(5), "700", ""), tier(Some(10), "650", "1000"), tier(None, "600", "")];
        let (graduated, volume) = (price("graduated", tiers.clone()), price("volume", tiers));
        for (quantity, by_tier, by_volume) in
            [(0, "0", "0"), (5, "35", "35"), (6, "51.5", "49"), (10, "77.5", "75"), (11, "83.5", "66")]
        {
            assert_eq!(total(&graduated, quantity), by_tier, "graduated {quantity}");
            assert_eq!(total(&volume, quantity), by_volume, "volume {quantity}");
        }
        let ends = price("graduated", vec![tier(Some(5), "700", "")]);
        assert!(charged(&ends, 6, Currency::USD).is_none());
    }

    #[test]
    fn units_may_be_charged_in_packages() {
        let main = Charge { currency: "usd".into(), unit: Some("1250.5".into()), tiers: Vec::new() };
        let mut price = Price { main, divide_by: Some(10), round_up: true, ..Price::default() };
        assert_eq!(total(&price, 11), "25.01");
        price.round_up = false;
        assert_eq!(total(&price, 19), "12.505");
    }

    #[test]
    fn smallest_units_follow_stripe() {
        let charge = |currency: &str, unit: &str| Charge {
            currency: currency.into(),
            unit: Some(unit.into()),
            tiers: Vec::new(),
        };
        let others = vec![charge("jpy", "1050"), charge("kwd", "1050"), charge("ugx", "1050")];
        let price = Price { main: charge("usd", "1050"), others, ..Price::default() };
        for (code, expected) in [("USD", "10.5"), ("JPY", "1050"), ("KWD", "1.05"), ("UGX", "10.5")] {
            let currency = Currency::parse(code).unwrap();
            assert_eq!(charged(&price, 1, currency).unwrap().unit.to_string(), expected, "{code}");
        }
        assert!(charged(&price, 1, Currency::EUR).is_none());
    }
}
