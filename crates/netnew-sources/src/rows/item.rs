//! The state of an item, which states and periods have in common.

use netnew_facts::{Discount, DiscountKind, DiscountLevel, DiscountValue, ItemState, Status, Text};
use netnew_money::{Decimal, IntervalUnit};

use crate::code;
use crate::date;
use crate::fields::{AmountOf, Field};
use crate::problem::{Complaint, shown};
use crate::row::{Interner, RowView, Setup};
use crate::words;

/// Reads item states.
pub(crate) struct Items {
    amount_of: AmountOf,
    plans: Interner,
}

/// Columns that say nothing beside an amount that already has them in it.
const WITHIN_WHOLE: [Field; 5] = [
    Field::Quantity,
    Field::DiscountPercent,
    Field::DiscountAmount,
    Field::DiscountKind,
    Field::DiscountUntil,
];

impl Items {
    /// Takes out of use the columns that would be applied to the amount a second time, and says so.
    pub(crate) fn new(setup: &mut Setup, notes: &mut Vec<String>) -> Items {
        let amount_of = setup.columns.amount_of;
        let mut superfluous = Vec::new();
        if amount_of != AmountOf::UnitPerInterval {
            superfluous.extend([Field::Interval, Field::IntervalCount]);
        }
        if amount_of.is_whole() {
            superfluous.extend(WITHIN_WHOLE);
            superfluous.push(Field::Discounts);
        }
        let amount = setup.columns.at(Field::Amount).map(|at| setup.headers[at].clone());
        let left_out: Vec<String> = superfluous
            .into_iter()
            .filter_map(|field| setup.columns.leave_out(field))
            .map(|at| setup.headers[at].clone())
            .collect();
        if let (Some(amount), false) = (amount, left_out.is_empty()) {
            let means = match amount_of {
                AmountOf::UnitPerInterval => "the price of a unit",
                AmountOf::UnitPerMonth => "the price of a unit for a month",
                AmountOf::UnitPerYear => "the price of a unit for a year",
                AmountOf::WholePerMonth => "what the whole item is worth a month",
                AmountOf::WholePerYear => "what the whole item is worth a year",
            };
            notes.push(format!("columns not used because {amount} is {means}: {}", left_out.join(", ")));
        }
        Items { amount_of, plans: Interner::new() }
    }

    /// The state a row describes.
    pub(crate) fn read(&mut self, row: RowView<'_>) -> Result<ItemState, Complaint> {
        let status = row.word(Field::Status, words::status)?.unwrap_or(Status::Active);
        let stated = row.currency(Field::Currency)?;
        let (amount, currency) = match row.money(Field::Amount, stated)? {
            Some(money) => money,
            None if matches!(status, Status::Canceled | Status::Free) => {
                (Decimal::ZERO, stated.unwrap_or(row.setup.currency))
            }
            None => return Err(row.missing(Field::Amount)),
        };
        let (interval, interval_count) = self.interval(row)?;
        let (reason, reason_text) = reason(row)?;
        Ok(ItemState {
            status,
            plan: row.text(Field::Plan)?.map(|plan| self.plans.get(&plan)),
            amount,
            currency,
            interval,
            interval_count,
            quantity_micros: quantity_micros(row)?,
            usage_type: row.word(Field::UsageType, words::usage_type)?.unwrap_or_default(),
            discounts: discounts(row, currency)?,
            trial_end: row.instant(Field::TrialEnd)?,
            cancel_requested_at: row.instant(Field::CancelRequestedAt)?,
            cancel_at: row.instant(Field::CancelAt)?,
            reason,
            reason_text,
            reconstructed: row.flag(Field::Reconstructed)?,
        })
    }

    fn interval(&self, row: RowView<'_>) -> Result<(IntervalUnit, u32), Complaint> {
        match self.amount_of {
            AmountOf::UnitPerInterval => interval(row),
            AmountOf::UnitPerMonth | AmountOf::WholePerMonth => Ok((IntervalUnit::Month, 1)),
            AmountOf::UnitPerYear | AmountOf::WholePerYear => Ok((IntervalUnit::Year, 1)),
        }
    }
}

/// The billing interval: `interval` times `interval_count`, a month when nothing is said.
pub(crate) fn interval(row: RowView<'_>) -> Result<(IntervalUnit, u32), Complaint> {
    let (unit, each) = row.word(Field::Interval, words::interval)?.unwrap_or((IntervalUnit::Month, 1));
    let Some(count) = row.number(Field::IntervalCount)? else { return Ok((unit, each)) };
    let whole = if count.scale() == 0 { u32::try_from(count.mantissa()).ok() } else { None };
    let product = whole.and_then(|count| count.checked_mul(each)).filter(|product| *product > 0);
    product.map(|product| (unit, product)).ok_or_else(|| {
        row.complain(
            Field::IntervalCount,
            code::BAD_INTERVAL_COUNT,
            format!("{count} is not a number of intervals"),
            "write a whole number, one or more",
        )
    })
}

/// Quantity in millionths, 1 when nothing is said.
pub(crate) fn quantity_micros(row: RowView<'_>) -> Result<i64, Complaint> {
    let Some(quantity) = row.number(Field::Quantity)? else { return Ok(1_000_000) };
    let micros = 6u8.checked_sub(quantity.scale()).and_then(|missing| {
        let scaled = quantity.mantissa().checked_mul(10i128.pow(u32::from(missing)))?;
        i64::try_from(scaled).ok().filter(|micros| *micros >= 0)
    });
    micros.ok_or_else(|| {
        let (what, hint) = match (quantity.is_negative(), quantity.scale() > 6) {
            (true, _) => ("is below zero", "a credit has a negative amount, not a negative quantity"),
            (_, true) => ("has more than 6 decimals", "round it to 6 decimals"),
            _ => ("is too large", "check the column"),
        };
        row.complain(Field::Quantity, code::BAD_QUANTITY, format!("the quantity {quantity} {what}"), hint)
    })
}

fn reason(row: RowView<'_>) -> Result<(Option<netnew_facts::CancelReason>, Option<Text>), Complaint> {
    let read = row.word(Field::Reason, |text| {
        let (who, words) = words::reason(text)?;
        Ok((who, words.map(Text::from)))
    })?;
    Ok(match read {
        Some((who, words)) => (Some(who), words),
        None => (None, None),
    })
}

fn discounts(row: RowView<'_>, currency: netnew_money::Currency) -> Result<Vec<Discount>, Complaint> {
    let listed = row.word(Field::Discounts, |text| {
        let mut until = |text: &str| match date::read(text.trim(), None) {
            Ok(when) => Ok(when.instant(&row.setup.zone)),
            Err(_) => Err(format!("{} is not a date", shown(text))),
        };
        Discount::parse_list(text, &mut until).map_err(|error| {
            Complaint::new(
                code::BAD_DISCOUNT,
                error.to_string(),
                r#"write [{"percent": 20, "kind": "forever"}], or use the columns discount_percent and discount_amount"#,
            )
        })
    })?;
    let single = discount_columns(row, currency)?;
    match listed {
        Some(listed) if !listed.is_empty() && !single.is_empty() => Err(row.complain(
            Field::Discounts,
            code::CONFLICTING_DISCOUNTS,
            "the row has discounts in the column of lists and in columns of their own",
            "leave one of the two empty",
        )),
        Some(listed) if !listed.is_empty() => Ok(listed),
        _ => Ok(single),
    }
}

/// The discount of the columns `discount_*`; two when percent and amount are both given, percent first.
fn discount_columns(row: RowView<'_>, currency: netnew_money::Currency) -> Result<Vec<Discount>, Complaint> {
    let percent =
        row.percent(Field::DiscountPercent)?.map(|p| (Field::DiscountPercent, DiscountValue::Percent(p)));
    let amount = row.money(Field::DiscountAmount, Some(currency))?;
    let amount = amount.map(|(a, _)| (Field::DiscountAmount, DiscountValue::Amount(a)));
    let given: Vec<_> = percent.into_iter().chain(amount).filter(|(_, value)| !is_nothing(value)).collect();
    if given.is_empty() {
        return Ok(Vec::new());
    }
    let until = row.instant(Field::DiscountUntil)?;
    let kind = match (row.word(Field::DiscountKind, words::discount_kind)?, until) {
        (Some(kind), _) => kind,
        (None, Some(_)) => DiscountKind::Repeating,
        (None, None) => DiscountKind::Forever,
    };
    let build = |(field, value)| {
        let discount = Discount { value, kind, until, level: DiscountLevel::Item };
        let hint = "a percent is within 0 and 100, an amount is not negative, a repeating discount has a discount_until";
        discount
            .validate()
            .map(|()| discount)
            .map_err(|what| row.complain(field, code::BAD_DISCOUNT, what, hint))
    };
    given.into_iter().map(build).collect()
}

fn is_nothing(value: &DiscountValue) -> bool {
    match value {
        DiscountValue::Percent(number) | DiscountValue::Amount(number) => number.is_zero(),
    }
}
