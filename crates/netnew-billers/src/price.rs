//! What a thing costs for a quantity, exactly.

use crate::json::{rounded, shifted};
use crate::piece::{Thing, Tier};
use netnew_money::{Currency, Decimal, Provider, Ratio};

/// Price of a unit and quantity in millionths that together are what is charged.
pub(crate) type Charged = (Decimal, i64);

/// What a quantity of a thing costs per interval in a currency. With tiers the price of a unit is the average where that has
/// an end as a decimal; else the whole counts as one unit, so that nothing is rounded.
pub(crate) fn charged(thing: &Thing, currency: Currency, quantity_micros: i64) -> Option<Charged> {
    let (unit, quantity) = in_own_units(thing, currency.as_str(), quantity_micros)?;
    let exponent = if thing.smallest { currency.provider_exponent(Provider::Iso) } else { 0 };
    Some((shifted(unit, exponent)?, quantity))
}

fn in_own_units(thing: &Thing, currency: &str, quantity_micros: i64) -> Option<Charged> {
    let quantity = match thing.package.filter(|size| *size > 1) {
        Some(size) => {
            let units = quantity_micros.checked_add(999_999)? / 1_000_000;
            (units.checked_add(size - 1)? / size).checked_mul(1_000_000)?
        }
        None => quantity_micros,
    };
    let Some(mode) = thing.tiers_mode.as_deref().filter(|_| !thing.tiers.is_empty()) else {
        let of = |(code, _): &&(String, String)| code.is_empty() || code.eq_ignore_ascii_case(currency);
        let (_, unit) = thing.prices.iter().find(of)?;
        return Some((Decimal::parse(unit).ok()?, quantity));
    };
    let other = |(code, _): &(String, String)| !code.is_empty() && !code.eq_ignore_ascii_case(currency);
    if thing.prices.first().is_some_and(other) {
        return None;
    }
    let total = tiered(&thing.tiers, mode, quantity / 1_000_000)?;
    whole(rounded(total)?, quantity)
}

/// What is charged for all units together, as a price of a unit.
pub(crate) fn whole(total: Decimal, quantity_micros: i64) -> Option<Charged> {
    if quantity_micros > 1_000_000 {
        let units = Ratio::new(i128::from(quantity_micros), 1_000_000)?;
        let unit = total.to_ratio().checked_div(units)?;
        let ends = (0u8..=6).find_map(|scale| {
            let scaled = unit.num().checked_mul(10i128.checked_pow(u32::from(scale))?)?;
            (scaled % unit.den() == 0).then(|| Decimal::new(scaled / unit.den(), scale))
        });
        if let Some(unit) = ends {
            return Some((unit, quantity_micros));
        }
    }
    Some((total, 1_000_000))
}

fn tiered(tiers: &[Tier], mode: &str, quantity: i64) -> Option<Ratio> {
    let of = |price: &Option<String>| match price {
        Some(price) => Decimal::parse(price).ok().map(Decimal::to_ratio),
        None => Some(Ratio::ZERO),
    };
    let (mut total, mut below) = (Ratio::ZERO, 0i64);
    for tier in tiers {
        let last = tier.up_to.is_none_or(|up_to| quantity <= up_to);
        let first = below;
        below = tier.up_to.unwrap_or(i64::MAX);
        match mode {
            "stairstep" if last => return of(if tier.flat.is_some() { &tier.flat } else { &tier.unit }),
            "volume" if last => {
                let units = of(&tier.unit)?.checked_mul(Ratio::from_int(i128::from(quantity)))?;
                return units.checked_add(of(&tier.flat)?);
            }
            "graduated" => {
                let here = quantity.min(below) - first;
                if here > 0 || first == 0 {
                    let units = of(&tier.unit)?.checked_mul(Ratio::from_int(i128::from(here.max(0))))?;
                    total = total.checked_add(units)?.checked_add(of(&tier.flat)?)?;
                }
                if last {
                    return Some(total);
                }
            }
            _ => {}
        }
    }
    // More than the last tier goes to, or a mode that is none: there is no price for that.
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(up_to: Option<i64>, unit: &str) -> Tier {
        Tier { up_to, unit: Some(unit.into()), flat: None }
    }

    fn cost(mode: &str, quantity: i64) -> Option<(String, i64)> {
        let tiers = vec![tier(Some(5), "7"), tier(Some(10), "6.5"), tier(None, "6")];
        let thing = Thing { tiers, tiers_mode: Some(mode.into()), ..Thing::default() };
        charged(&thing, Currency::USD, quantity * 1_000_000)
            .map(|(unit, q)| (unit.to_string(), q / 1_000_000))
    }

    #[test]
    fn tiers_are_added_up_chosen_or_stepped() {
        assert_eq!(cost("graduated", 10), Some(("6.75".into(), 10)));
        // 41.5 / 6 has no end: the whole is one unit.
        assert_eq!(cost("graduated", 6), Some(("41.5".into(), 1)));
        assert_eq!(cost("volume", 6), Some(("6.5".into(), 6)));
        assert_eq!(cost("stairstep", 11), Some(("6".into(), 1)));
        assert_eq!(cost("else", 1), None);
    }

    #[test]
    fn units_may_be_charged_in_packages() {
        let prices = vec![("USD".to_string(), "12.5".to_string())];
        let thing = Thing { prices, package: Some(10), ..Thing::default() };
        let (unit, quantity) = charged(&thing, Currency::USD, 11_000_000).unwrap();
        assert_eq!((unit.to_string().as_str(), quantity), ("12.5", 2_000_000));
        assert_eq!(charged(&thing, Currency::EUR, 11_000_000), None);
    }
}
