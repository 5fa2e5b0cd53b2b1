//! Subscriptions, as objects and in events, and their schedules.

use super::catalogue::{discounts_of, mentioned_price};
use super::{Context, Kept, Said, Trouble, before};
use crate::json::{deep, digits, exact, field, flag, id, int, list, text};
use crate::piece::{Item, Observation, Phase, Piece, Schedule, Subscription};
use netnew_money::{Decimal, Ratio};
use serde_json::Value;

pub(super) fn read(object: &Value, context: &Context, said: &mut Said) {
    let after = match subscription(object, context, said) {
        Ok(after) => after,
        Err(trouble) => {
            said.problems.push(trouble);
            return;
        }
    };
    let earlier = context.previous.map(|previous| before(object, previous));
    // What is before an event is as old as its prices: they are kept from there too.
    let before = match earlier.filter(|_| context.at.is_some()) {
        Some(earlier) => subscription(&earlier, context, said).ok(),
        None => None,
    };
    let rank = match context.event_type {
        "customer.subscription.created" => 0,
        "customer.subscription.deleted" => 2,
        _ => 1,
    };
    // An object that was listed stands for the subscription; every event stands for itself.
    let name = match context.at {
        Some(_) if !context.event_id.is_empty() => format!("{} {}", after.id, context.event_id),
        Some(at) => format!("{} at {at} {}", after.id, context.event_type),
        None => after.id.clone(),
    };
    let observation = Observation {
        event: context.at,
        rank,
        event_id: context.event_id.to_string(),
        after: after.clone(),
        before,
    };
    said.pieces.push(Kept {
        id: name,
        about: after.customer,
        rank: 0,
        piece: Piece::Subscription(Box::new(observation)),
    });
}

fn subscription(object: &Value, context: &Context, said: &mut Said) -> Result<Subscription, Trouble> {
    let missing = |name: &str| Trouble::missing("subscription", object, name);
    let own = text(object, "id").ok_or_else(|| missing("id"))?;
    let customer = id(object, "customer").ok_or_else(|| missing("customer"))?;
    let created =
        int(object, "created").or_else(|| int(object, "start")).ok_or_else(|| missing("created"))?;
    let mut items = Vec::new();
    for item in list(object, "items") {
        items.push(one_item(item, object, context, customer, said)?);
    }
    // Before there were items, a subscription had one plan.
    let plan = field(object, "plan").or_else(|| field(object, "price"));
    if let (true, Some(plan)) = (items.is_empty(), plan) {
        let price = mentioned_price(plan, &mut said.pieces).ok_or_else(|| missing("plan"))?;
        let quantity = int(object, "quantity");
        items.push(Item { id: own.to_string(), price, quantity, ..Item::default() });
    }
    if items.is_empty() {
        return Err(missing("items"));
    }
    let of_items = |name: &str| list(object, "items").iter().filter_map(|i| int(i, name)).max();
    let period_end = int(object, "current_period_end").or_else(|| of_items("current_period_end"));
    let at_period_end = period_end.filter(|_| flag(object, "cancel_at_period_end"));
    let pause = field(object, "pause_collection");
    let details = field(object, "cancellation_details");
    let word = |name: &str| details.and_then(|d| text(d, name)).map(str::to_string);
    Ok(Subscription {
        id: own.to_string(),
        customer: customer.to_string(),
        status: text(object, "status").ok_or_else(|| missing("status"))?.to_string(),
        created,
        start: int(object, "start_date").unwrap_or(created),
        trial_start: int(object, "trial_start"),
        trial_end: int(object, "trial_end"),
        cancel_at: int(object, "cancel_at").or(at_period_end),
        canceled_at: int(object, "canceled_at"),
        ended_at: int(object, "ended_at"),
        reason: word("reason"),
        feedback: word("feedback").or_else(|| word("comment")),
        paused: pause.is_some(),
        resumes_at: pause.and_then(|p| int(p, "resumes_at")),
        currency: text(object, "currency").map(str::to_string),
        period_start: int(object, "current_period_start").or_else(|| of_items("current_period_start")),
        discounts: discounts_of(object, context, customer, &mut said.pieces),
        items,
        more_items: field(object, "items").is_some_and(|items| flag(items, "has_more")),
    })
}

fn one_item(
    item: &Value,
    object: &Value,
    context: &Context,
    customer: &str,
    said: &mut Said,
) -> Result<Item, Trouble> {
    let missing = |name: &str| Trouble::missing("subscription item", item, name);
    let priced = field(item, "price").or_else(|| field(item, "plan")).ok_or_else(|| missing("price"))?;
    let own = text(item, "id").ok_or_else(|| missing("id"))?;
    Ok(Item {
        id: own.to_string(),
        created: int(item, "created"),
        price: mentioned_price(priced, &mut said.pieces).ok_or_else(|| missing("price"))?,
        quantity: int(item, "quantity"),
        discounts: discounts_of(item, context, customer, &mut said.pieces),
        tax_inside: tax_inside(item, object),
    })
}

/// All rates together that are inside the price: those of the item, else those of the subscription.
fn tax_inside(item: &Value, object: &Value) -> Option<String> {
    let own = list(item, "tax_rates");
    let rates = if own.is_empty() { list(object, "default_tax_rates") } else { own };
    let inside = rates.iter().filter(|rate| flag(rate, "inclusive"));
    let total = inside
        .filter_map(|rate| digits(rate, "percentage").and_then(|d| Decimal::parse(&d).ok()))
        .try_fold(Ratio::ZERO, |sum, one| sum.checked_add(one.to_ratio()))?;
    (total > Ratio::ZERO).then(|| exact(total).map(|d| d.to_string())).flatten()
}

pub(super) fn schedule(object: &Value, context: &Context, said: &mut Said) {
    let (Some(own), Some(customer)) = (text(object, "id"), id(object, "customer")) else {
        said.problems.push(Trouble::missing("subscription schedule", object, "id or customer"));
        return;
    };
    let mut phases = Vec::new();
    for phase in list(object, "phases") {
        let Some(start) = int(phase, "start_date") else { continue };
        let mut items = Vec::new();
        for item in list(phase, "items") {
            let priced = field(item, "price").or_else(|| field(item, "plan"));
            if let Some(price) = priced.and_then(|p| mentioned_price(p, &mut said.pieces)) {
                items.push((price, int(item, "quantity")));
            }
        }
        let coupons = list(phase, "discounts").iter().chain(field(phase, "coupon"));
        let coupons = coupons.filter_map(|d| match id(d, "coupon").or_else(|| d.as_str()) {
            Some(coupon) => Some(coupon.to_string()),
            None => deep(d, &["source", "coupon"]).and_then(crate::json::id_of).map(str::to_string),
        });
        phases.push(Phase {
            start,
            end: int(phase, "end_date"),
            trial_end: int(phase, "trial_end"),
            items,
            coupons: coupons.collect(),
        });
    }
    let piece = Schedule {
        id: own.to_string(),
        subscription: id(object, "subscription").map(str::to_string),
        status: text(object, "status").unwrap_or_default().to_string(),
        end_behavior: text(object, "end_behavior").unwrap_or_default().to_string(),
        left: int(object, "canceled_at").or_else(|| int(object, "released_at")),
        phases,
    };
    let rank = i64::from(context.event_type != "subscription_schedule.created");
    said.pieces.push(Kept {
        id: own.to_string(),
        about: customer.to_string(),
        rank,
        piece: Piece::Schedule(piece),
    });
}
