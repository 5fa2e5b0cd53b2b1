//! Invoices: the lines that speak of subscriptions, in either shape.

use super::catalogue::{discounts_of, mentioned_price};
use super::{Context, Kept, Said, Trouble};
use crate::json::{deep, digits, field, flag, id, id_of, int, list, text};
use crate::piece::{Invoice, Line, Piece};
use serde_json::Value;

pub(super) fn read(object: &Value, context: &Context, said: &mut Said) {
    // What is only announced has no id yet and has not happened.
    let Some(own) = text(object, "id").filter(|id| !id.starts_with("upcoming")) else {
        said.unused = Some("invoice without an id".to_string());
        return;
    };
    let (Some(customer), Some(created)) =
        (id(object, "customer"), int(object, "created").or_else(|| int(object, "date")))
    else {
        said.problems.push(Trouble::missing("invoice", object, "customer or created"));
        return;
    };
    let subscription = id(object, "subscription")
        .or_else(|| deep(object, &["parent", "subscription_details", "subscription"]).and_then(id_of));
    discounts_of(object, context, customer, &mut said.pieces);
    let mut lines = Vec::new();
    for line in list(object, "lines") {
        lines.extend(one_line(line, subscription, context, customer, said));
    }
    let moved = field(object, "status_transitions");
    let moment = |name: &str| moved.and_then(|m| int(m, name));
    let status = match text(object, "status") {
        Some(status) => status.to_string(),
        None if flag(object, "paid") => "paid".to_string(),
        None => "open".to_string(),
    };
    let rank = match status.as_str() {
        "draft" => 0,
        "open" => 1,
        "paid" => 3,
        _ => 2,
    };
    let more_lines = field(object, "lines").is_some_and(|lines| flag(lines, "has_more"));
    if more_lines {
        said.problems.push(Trouble::new(
            "cut_off",
            format!("the invoice {own} has more lines than the {} given", list(object, "lines").len()),
            "fetch the rest of its lines and give them inside the invoice; a synced source does so by itself",
        ));
    }
    let piece = Invoice {
        complete: !more_lines,
        id: own.to_string(),
        subscription: subscription.map(str::to_string),
        created,
        status,
        reason: text(object, "billing_reason").map(str::to_string),
        finalized: moment("finalized_at"),
        paid: moment("paid_at"),
        attempts: int(object, "attempt_count").unwrap_or(0),
        lines,
        more_lines,
    };
    said.pieces.push(Kept {
        id: own.to_string(),
        about: customer.to_string(),
        rank,
        piece: Piece::Invoice(Box::new(piece)),
    });
    super::cash::bill(object, context, said);
}

/// What waits for the next invoice: the proration of a change shows here long before it is billed.
pub(super) fn pending(object: &Value, context: &Context, said: &mut Said) {
    let (Some(own), Some(customer)) = (text(object, "id"), id(object, "customer")) else {
        said.problems.push(Trouble::missing("invoice item", object, "id or customer"));
        return;
    };
    let subscription = id(object, "subscription")
        .or_else(|| deep(object, &["parent", "subscription_details", "subscription"]).and_then(id_of));
    // On its invoice it stands as a line.
    let billed = field(object, "invoice").is_some() || context.event_type.ends_with(".deleted");
    let mut line = one_line(object, subscription, context, customer, said);
    if let Some(line) = &mut line {
        let item = deep(object, &["parent", "subscription_details", "subscription_item"]).and_then(id_of);
        line.item = line.item.take().or(item.map(str::to_string));
    }
    if line.is_none() {
        said.unused = Some("invoiceitem".to_string());
        return;
    }
    let piece = Invoice {
        id: own.to_string(),
        subscription: subscription.map(str::to_string),
        created: int(object, "date").unwrap_or_default(),
        status: "draft".to_string(),
        lines: line.into_iter().filter(|_| !billed).collect(),
        ..Invoice::default()
    };
    said.pieces.push(Kept {
        id: own.to_string(),
        about: customer.to_string(),
        rank: i64::from(billed),
        piece: Piece::Invoice(Box::new(piece)),
    });
}

fn one_line(
    line: &Value,
    of_invoice: Option<&str>,
    context: &Context,
    customer: &str,
    said: &mut Said,
) -> Option<Line> {
    let parent = |path: &[&str]| deep(line, path);
    let own = id(line, "subscription")
        .or_else(|| parent(&["parent", "subscription_item_details", "subscription"]).and_then(id_of))
        .or_else(|| parent(&["parent", "invoice_item_details", "subscription"]).and_then(id_of));
    let item = id(line, "subscription_item")
        .or_else(|| parent(&["parent", "subscription_item_details", "subscription_item"]).and_then(id_of));
    let proration = flag(line, "proration")
        || ["subscription_item_details", "invoice_item_details"]
            .iter()
            .any(|kind| parent(&["parent", kind, "proration"]).and_then(Value::as_bool) == Some(true));
    let of_subscription = text(line, "type") == Some("subscription") || item.is_some() || proration;
    let subscription = own.or(of_invoice.filter(|_| of_subscription))?;
    // The line's id was the subscription's own in old versions; an item that a customer was billed besides is none of it.
    if !of_subscription {
        return None;
    }
    let priced = field(line, "price")
        .or_else(|| parent(&["pricing", "price_details", "price"]))
        .or_else(|| field(line, "plan"));
    let price = priced.and_then(|p| mentioned_price(p, &mut said.pieces));
    // What is mentioned by id there may stand in full beside it.
    if let Some(plan) = field(line, "plan").filter(|p| p.is_object() && field(line, "price").is_none()) {
        mentioned_price(plan, &mut said.pieces);
    }
    discounts_of(line, context, customer, &mut said.pieces);
    let period = field(line, "period");
    let taken = list(line, "discount_amounts").iter().filter_map(|taken| {
        if let Some(full) = field(taken, "discount").filter(|d| d.is_object()) {
            super::catalogue::discount(
                full,
                &Context { event_type: "", ..*context },
                customer,
                &mut said.pieces,
            );
        }
        Some((id(taken, "discount")?.to_string(), int(taken, "amount")?))
    });
    let discounts = taken.collect();
    let old = list(line, "tax_amounts").iter().filter(|t| flag(t, "inclusive"));
    let new = list(line, "taxes").iter().filter(|t| text(t, "tax_behavior") == Some("inclusive"));
    let sum = |taxes: Vec<&Value>| taxes.iter().filter_map(|t| int(t, "amount")).sum::<i64>();
    let (old, new): (Vec<&Value>, Vec<&Value>) = (old.collect(), new.collect());
    let unit = digits(line, "unit_amount_decimal")
        .or_else(|| parent(&["pricing"]).and_then(|pricing| digits(pricing, "unit_amount_decimal")));
    Some(Line {
        subscription: subscription.to_string(),
        item: item.map(str::to_string),
        price,
        unit,
        currency: text(line, "currency").unwrap_or_default().to_string(),
        quantity: int(line, "quantity"),
        start: period.and_then(|p| int(p, "start"))?,
        end: period.and_then(|p| int(p, "end"))?,
        amount: int(line, "amount").unwrap_or(0),
        proration,
        discounts,
        tax_inside: if new.is_empty() { sum(old) } else { sum(new) },
    })
}
