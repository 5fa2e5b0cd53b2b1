//! Writing the language, so that a failing random case becomes a scenario that can be read and kept.

use std::fmt::Write;

use netnew_money::{Decimal, IntervalUnit};

use super::Settings;
use super::lexer::write_name;
use crate::question::{COLUMNS, PlainMovement, PlainPeriod};
use crate::rows::{
    DEFAULT_SOURCE, PlainAttributes, PlainDiscount, PlainDuration, PlainHistory, PlainOff, PlainRow,
};

/// The whole history as the first part of a scenario, times as exact instants.
pub fn write_history(settings: &Settings, history: &PlainHistory) -> String {
    let mut out = format!("book currency {} timezone {}\n", settings.currency, settings.zone);
    for rate in &history.rates {
        let value = rate.rate.map_or_else(|| "retracted".to_string(), |rate| rate.to_string());
        let _ = write!(out, "rate {} {} {} {value}", rate.day, rate.base, rate.quote);
        if let Some(recorded) = rate.recorded_at {
            let _ = write!(out, " recorded {recorded}");
        }
        out.push('\n');
    }
    for row in &history.attributes {
        out.push_str(&attributes(row));
        out.push('\n');
    }
    for row in &history.rows {
        out.push_str(&write_row(row));
        out.push('\n');
    }
    for row in &history.entries {
        out.push_str(&super::bills::write(row));
        out.push('\n');
    }
    out
}

/// One state as a line of a scenario.
pub fn write_row(row: &PlainRow) -> String {
    let mut out =
        format!("{}  {}  {}", row.effective_at, write_name(&row.customer), write_name(&row.subscription));
    if row.item != row.subscription {
        let _ = write!(out, "/{}", write_name(&row.item));
    }
    if row.retracted {
        out.push_str("  retracted");
    } else {
        let plan = row.plan.as_deref().map_or_else(|| "-".to_string(), write_name);
        let _ = write!(out, "  {}  {plan}  {} {} ", row.status.as_str(), row.amount, row.currency);
        out.push_str(&interval(row));
        particulars(&mut out, row);
    }
    if row.seq != 0 {
        let _ = write!(out, "  seq {}", row.seq);
    }
    if let Some(recorded) = row.recorded_at {
        let _ = write!(out, "  recorded {recorded}");
    }
    if row.source != DEFAULT_SOURCE {
        let _ = write!(out, "  from {}", write_name(&row.source));
    }
    if row.reconstructed {
        out.push_str("  reconstructed");
    }
    out
}

fn particulars(out: &mut String, row: &PlainRow) {
    if row.quantity_micros != 1_000_000 {
        let _ = write!(out, "  x{}", Decimal::new(i128::from(row.quantity_micros), 6));
    }
    if row.metered {
        out.push_str("  metered");
    }
    for discount in &row.discounts {
        out.push_str(&discount_words(discount));
    }
    for (word, at) in
        [("trial until", row.trial_end), ("cancels", row.cancel_at), ("asked", row.cancel_requested_at)]
    {
        if let Some(at) = at {
            let _ = write!(out, "  {word} {at}");
        }
    }
    match row.voluntary {
        Some(true) => out.push_str("  voluntary"),
        Some(false) => out.push_str("  involuntary"),
        None => {}
    }
}

fn interval(row: &PlainRow) -> String {
    match (row.interval, row.interval_count) {
        (IntervalUnit::Day, 1) => "daily".to_string(),
        (IntervalUnit::Week, 1) => "weekly".to_string(),
        (IntervalUnit::Month, 1) => "monthly".to_string(),
        (IntervalUnit::Year, 1) => "yearly".to_string(),
        (unit, count) => format!("every {count} {unit}s"),
    }
}

fn discount_words(discount: &PlainDiscount) -> String {
    let mut out = match discount.off {
        PlainOff::Percent(percent) => format!("  -{percent}%"),
        PlainOff::Amount(amount) => format!("  -{amount}"),
    };
    if !(discount.duration == PlainDuration::Repeating && discount.until.is_some()) {
        let _ = write!(out, " {}", discount.duration.as_str());
    }
    if let Some(until) = discount.until {
        let _ = write!(out, " until {until}");
    }
    if discount.on_subscription {
        out.push_str(" on subscription");
    }
    out
}

fn attributes(row: &PlainAttributes) -> String {
    let mut out = row.effective_at.map_or_else(String::new, |at| format!("{at} "));
    let _ = write!(out, "customer {}", write_name(&row.customer));
    match &row.values {
        None => out.push_str(" retracted"),
        Some(values) => {
            for (name, value) in values {
                let value = value.as_deref().map_or_else(String::new, write_name);
                let _ = write!(out, " {name}={value}");
            }
        }
    }
    if let Some(recorded) = row.recorded_at {
        let _ = write!(out, " recorded {recorded}");
    }
    if row.source != DEFAULT_SOURCE {
        let _ = write!(out, " from {}", write_name(&row.source));
    }
    out
}

/// Movements as the rows behind `expect movements`, by the local time of each.
pub fn write_movements(rows: &[PlainMovement]) -> String {
    let mut out = String::new();
    for row in rows {
        let sign = if row.amount.is_negative() { "" } else { "+" };
        let mut item = write_name(&row.subscription);
        if row.item != row.subscription {
            let _ = write!(item, "/{}", write_name(&row.item));
        }
        let plan = row.plan.as_deref().map_or_else(|| "-".to_string(), write_name);
        let _ = writeln!(
            out,
            "{}  {}  {item}  {plan}  {}  {sign}{} {}  {}",
            row.at,
            write_name(&row.customer),
            row.kind,
            row.amount,
            row.currency,
            row.cause
        );
    }
    out
}

/// Periods as the rows behind `expect mrr`; `original` writes the currency of each.
pub fn write_periods(rows: &[PlainPeriod], original: bool) -> String {
    let mut out = String::new();
    for row in rows {
        let _ = write!(out, "{}", row.period);
        for value in &row.group {
            let _ = write!(out, "  {}", value.as_deref().map_or_else(|| "-".to_string(), write_name));
        }
        if original {
            let _ = write!(out, "  {}", row.currency);
        }
        for (name, read) in COLUMNS {
            let amount = read(row);
            if !amount.is_zero() {
                let _ = write!(out, "  {name} {amount}");
            }
        }
        let heads = &row.customers;
        let _ = write!(out, "  customers {}", heads.start);
        for (word, count) in [("+", heads.new), ("-", heads.churned)] {
            if count != 0 {
                let _ = write!(out, " {word}{count}");
            }
        }
        for (word, count) in
            [("reactivated", heads.reactivated), ("entered", heads.entered), ("left", heads.left)]
        {
            if count != 0 {
                let _ = write!(out, " {word} {count}");
            }
        }
        let _ = write!(out, " ={}", heads.end);
        for (word, holds) in [("running", !row.complete), ("expected", row.expected)] {
            if holds {
                let _ = write!(out, "  {word}");
            }
        }
        out.push('\n');
    }
    out
}
