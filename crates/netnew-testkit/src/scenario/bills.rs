//! Reading and writing the lines of a scenario that are invoices, refunds and credit notes.

use std::fmt::Write;

use netnew_money::{Amount, Currency, Instant, Rounding};

use super::ScenarioError;
use super::cursor::{Cursor, DateMeans};
use super::lexer::{Token, write_name};
use crate::bills::{PlainEntry, PlainLine, PlainWhat};
use crate::rows::DEFAULT_SOURCE;

const HINT: &str = "write `invoice KEY TOTAL [CUR] [void] for SUBSCRIPTION[/ITEM] AMOUNT FROM to TO [less DISCOUNT] ...`, \
                    `refund KEY AMOUNT [CUR] of INVOICE [failed]` or `credit KEY AMOUNT [CUR] of INVOICE [void]`, \
                    then `recorded DATE` and `from SOURCE`";

/// Whether a word begins what an entry says.
pub(super) fn begins(token: &Token) -> bool {
    matches!(token.bare(), Some("invoice" | "refund" | "credit"))
}

/// The entry behind a date and a customer.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    (source, customer, at): (&str, String, Instant),
    currency: Currency,
) -> Result<PlainEntry, ScenarioError> {
    let kind = cursor.take("a kind of entry", HINT)?.text.clone();
    let key = cursor.name("the entry's id")?;
    let amount = amount(cursor)?;
    let currency = cursor.maybe_currency().unwrap_or(currency);
    let mut what = match kind.as_str() {
        "invoice" => PlainWhat::Invoice { total: amount, void: false, lines: Vec::new() },
        _ => {
            if !cursor.eat("of") {
                return cursor.error("it does not say of which invoice", HINT);
            }
            let of = cursor.name("the invoice's id")?;
            match kind.as_str() {
                "refund" => PlainWhat::Refund { amount, of, went: true },
                _ => PlainWhat::Credit { amount, of, void: false },
            }
        }
    };
    let (mut source, mut recorded_at) = (source.to_string(), None);
    while let Some(word) = cursor.next() {
        match (word.bare().unwrap_or_default(), &mut what) {
            ("for", PlainWhat::Invoice { lines, .. }) => lines.push(line(cursor)?),
            ("void", PlainWhat::Invoice { void, .. } | PlainWhat::Credit { void, .. }) => *void = true,
            ("failed", PlainWhat::Refund { went, .. }) => *went = false,
            ("recorded", _) => recorded_at = Some(cursor.instant(DateMeans::Start)?),
            ("from", _) => source = cursor.name("a source")?,
            _ => return cursor.error(format!("`{}` says nothing about an entry", word.text), HINT),
        }
    }
    Ok(PlainEntry { source, customer, key, at, recorded_at, currency, what })
}

fn amount(cursor: &mut Cursor<'_>) -> Result<Amount, ScenarioError> {
    let decimal = cursor.decimal("an amount")?;
    match decimal.to_ratio().to_amount(Rounding::HalfEven) {
        Some(amount) => Ok(amount),
        None => cursor.error("the amount is too large", HINT),
    }
}

fn line(cursor: &mut Cursor<'_>) -> Result<PlainLine, ScenarioError> {
    let (subscription, item) = cursor.item()?;
    let item = (item != subscription).then_some(item);
    let charged = amount(cursor)?;
    let from = cursor.instant(DateMeans::Start)?;
    if !cursor.eat("to") {
        return cursor.error("the period has no end", HINT);
    }
    let to = cursor.instant(DateMeans::Start)?;
    let discount = if cursor.eat("less") { amount(cursor)? } else { Amount::ZERO };
    Ok(PlainLine { subscription, item, amount: charged, discount, from, to })
}

/// One entry as a line of a scenario.
pub(super) fn write(row: &PlainEntry) -> String {
    let key = write_name(&row.key);
    let mut out = format!("{}  {}  {} {key}", row.at, write_name(&row.customer), row.what.word());
    match &row.what {
        PlainWhat::Invoice { total, void, lines } => {
            let _ = write!(out, " {total} {}{}", row.currency, if *void { " void" } else { "" });
            for line in lines {
                let _ = write!(out, " for {}", write_name(&line.subscription));
                if let Some(item) = &line.item {
                    let _ = write!(out, "/{}", write_name(item));
                }
                let _ = write!(out, " {} {} to {}", line.amount, line.from, line.to);
                if !line.discount.is_zero() {
                    let _ = write!(out, " less {}", line.discount);
                }
            }
        }
        PlainWhat::Refund { amount, of, went } => {
            let failed = if *went { "" } else { " failed" };
            let _ = write!(out, " {amount} {} of {}{failed}", row.currency, write_name(of));
        }
        PlainWhat::Credit { amount, of, void } => {
            let void = if *void { " void" } else { "" };
            let _ = write!(out, " {amount} {} of {}{void}", row.currency, write_name(of));
        }
    }
    if let Some(recorded) = row.recorded_at {
        let _ = write!(out, "  recorded {recorded}");
    }
    if row.source != DEFAULT_SOURCE {
        let _ = write!(out, "  from {}", write_name(&row.source));
    }
    out
}
