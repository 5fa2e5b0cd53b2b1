//! Braintree.
//!
//! Rules and where they are written:
//! - subscriptions: <https://developer.paypal.com/braintree/docs/reference/response/subscription>. `Canceled` is over at once;
//!   when, its `status_history` says. `Past Due` while a payment is missing;
//! - prices are decimals in major units; how often is said by the plan, in months:
//!   <https://developer.paypal.com/braintree/docs/reference/response/plan>; without the plan by the billing period;
//! - add-ons are items of their own, discounts amounts off the whole:
//!   <https://developer.paypal.com/braintree/docs/guides/recurring-billing/plans>;
//! - notifications are XML in base64, signed: <https://developer.paypal.com/braintree/docs/guides/webhooks/parse>.

use super::{System, Webhook};
use crate::json::{amount, currency, decimal, deep, field, flag, int, list, text, time, word};
use crate::piece::{Item, Off, Seen, Standing, Thing};
use crate::said::Said;
use crate::signature;
use netnew_facts::{Entry, Payment, PaymentResult, Refund, Text};
use netnew_money::{Instant, IntervalUnit, Zone};
use serde_json::Value;

pub(super) const SYSTEM: System = System {
    name: "braintree",
    title: "Braintree",
    kind: "braintree-json",
    looks,
    read,
    table: None,
    webhook: Webhook::Checked(signature::braintree),
};

fn looks(value: &Value) -> bool {
    if field(value, "bt_payload").is_some() {
        return true;
    }
    if field(value, "kind").is_some() && field(value, "subject").is_some() {
        return true;
    }
    let is = |v: &Value| {
        field(v, "plan_id").is_some()
            && field(v, "billing_period_start_date").or_else(|| field(v, "payment_method_token")).is_some()
    };
    is(value) || field(value, "subscription").is_some_and(is) || field(value, "billing_frequency").is_some()
}

fn read(value: &Value) -> Said {
    let mut said = Said::default();
    if let Some(payload) = text(value, "bt_payload") {
        return match signature::braintree_payload(payload) {
            Ok(inner) => read(&inner),
            Err(error) => {
                said.problems.push(crate::Trouble::new(
                    "unreadable",
                    error.to_string(),
                    "give bt_payload as it came",
                ));
                said
            }
        };
    }
    let notified = time(value, "timestamp");
    let kind = text(value, "kind");
    let subject = field(value, "subject").unwrap_or(value);
    let object = field(subject, "subscription").unwrap_or(subject);
    if field(object, "billing_frequency").is_some() {
        plan(object, &mut said);
    } else if text(object, "id").is_some() && kind.is_none_or(|kind| kind.starts_with("subscription_")) {
        subscription(object, notified, kind.unwrap_or("object"), &mut said);
    } else if let Some(kind) = kind {
        said.unused = Some(kind.to_string());
    } else {
        said.strange("Braintree", object);
    }
    said
}

fn plan(value: &Value, said: &mut Said) {
    let Some(id) = text(value, "id") else { return };
    let months = int(value, "billing_frequency").and_then(|n| u32::try_from(n).ok());
    let thing = Thing {
        name: text(value, "name").map(str::to_string),
        currency: text(value, "currency_iso_code").map(str::to_string),
        interval: months.map(|n| ("month".to_string(), n)),
        ..Thing::default()
    };
    said.thing(id, time(value, "updated_at").unwrap_or(0), thing);
}

fn subscription(value: &Value, notified: Option<i64>, by: &str, said: &mut Said) {
    let Some(id) = text(value, "id") else { return };
    let transactions = list(value, "transactions");
    let history = list(value, "status_history");
    let customer = transactions
        .iter()
        .find_map(|t| field(t, "customer").and_then(|c| word(c, "id")))
        .unwrap_or_default();
    for transaction in transactions {
        self::transaction(transaction, id, said);
    }
    let Some(at) = notified.or_else(|| time(value, "updated_at")) else {
        return said.missing("subscription", Some(id), "updated_at");
    };
    let standing = match text(value, "status") {
        Some("Active") => Standing::Active,
        Some("Past Due") => Standing::PastDue,
        Some("Canceled" | "Expired") => Standing::Canceled,
        Some("Pending") => Standing::Future,
        // Some notifications name the subscription and nothing else.
        None if text(value, "plan_id").is_none() => {
            said.unused = Some(format!("{by} without the subscription's state"));
            return;
        }
        _ => return said.missing("subscription", Some(id), "status"),
    };
    let over = standing == Standing::Canceled;
    let first = time(value, "first_billing_date");
    let in_trial = flag(value, "trial_period");
    let since = |status: &str| {
        history
            .iter()
            .filter(|h| text(h, "status") == Some(status))
            .filter_map(|h| time(h, "timestamp"))
            .max()
    };
    let ended = since("Canceled").or_else(|| since("Expired")).or_else(|| time(value, "updated_at"));
    let created = time(value, "created_at");
    let started = if standing == Standing::Future { first.or(created) } else { created.or(first) };
    let trial_end = first.filter(|_| in_trial);
    let unpaid = int(value, "days_past_due").unwrap_or(0) > 0
        || since("Past Due").is_some_and(|due| since("Active").is_none_or(|a| a < due));
    let mut seen = Seen {
        subscription: id.into(),
        customer: customer.clone(),
        at,
        rank: i64::from(over),
        made: created.is_some_and(|created| at - created < 3_600_000_000),
        standing: if standing == Standing::Active && trial_end.is_some_and(|end| end > at) {
            Standing::Trialing
        } else {
            standing
        },
        started,
        trial_end,
        ended: ended.filter(|_| over),
        due_since: since("Past Due").filter(|_| standing == Standing::PastDue),
        ..Seen::default()
    };
    if over {
        seen.requested = seen.ended.filter(|_| text(value, "status") == Some("Canceled"));
        seen.reason = Some(if unpaid { "involuntary" } else { "voluntary" }.into());
    }
    let code = history
        .iter()
        .find_map(|h| text(h, "currency_iso_code"))
        .or_else(|| transactions.iter().find_map(|t| text(t, "currency_iso_code")))
        .map(str::to_string);
    seen.items = Some(items(value, code));
    for discount in list(value, "discounts") {
        seen.discounts.extend(self::discount(discount));
    }
    said.seen(id, by, seen);
    if let Some(person) = transactions.iter().find_map(|t| field(t, "customer")) {
        let own = |name: &str| text(person, name).map(str::to_string);
        said.attributes(
            &customer,
            id,
            at,
            [("name".to_string(), own("company")), ("email".into(), own("email"))],
        );
    }
}

fn items(value: &Value, code: Option<String>) -> Vec<Item> {
    let id = text(value, "id").unwrap_or_default();
    let plan = text(value, "plan_id").unwrap_or_default();
    let interval = months(value).map(|n| ("month".to_string(), n));
    let thing = Some(plan.to_string());
    let mut out = vec![Item {
        id: id.into(),
        thing: thing.clone(),
        unit: decimal(value, "price").map(|d| d.to_string()),
        currency: code.clone(),
        market: thing.clone(),
        interval: interval.clone(),
        quantity_micros: 1_000_000,
        ..Item::default()
    }];
    for own in list(value, "add_ons") {
        let Some(name) = text(own, "id") else { continue };
        out.push(Item {
            id: format!("{id} {name}"),
            plan: text(own, "name").or(Some(name)).map(str::to_string),
            // Its interval is that of the plan.
            thing: thing.clone(),
            unit: decimal(own, "amount").map(|d| d.to_string()),
            currency: code.clone(),
            market: thing.clone(),
            interval: interval.clone(),
            quantity_micros: crate::json::units(decimal(own, "quantity")),
            ..Item::default()
        });
    }
    out
}

/// Length of the billing period, whose last day is in it, if that is whole months.
fn months(value: &Value) -> Option<u32> {
    let (start, end) = (time(value, "billing_period_start_date")?, time(value, "billing_period_end_date")?);
    let (start, end) = (Instant::from_micros(start), Instant::from_micros(end.checked_add(86_400_000_000)?));
    (1..=36)
        .find(|n| Zone::utc().add_interval(start, IntervalUnit::Month, *n) == end)
        .and_then(|n| u32::try_from(n).ok())
}

fn discount(value: &Value) -> Option<Off> {
    let sum = decimal(value, "amount")?.to_ratio();
    let times = netnew_money::Ratio::from_int(i128::from(int(value, "quantity").unwrap_or(1)));
    let left = int(value, "number_of_billing_cycles").and_then(|n| u32::try_from(n).ok());
    let forever = flag(value, "never_expires") || left.is_none();
    Some(Off {
        coupon: text(value, "id").map(str::to_string),
        amount: crate::json::rounded(sum.checked_mul(times)?).map(|d| d.to_string()),
        kind: if forever { "forever" } else { "repeating" }.into(),
        cycles: left.filter(|_| !forever),
        ..Off::default()
    })
}

fn transaction(value: &Value, subscription: &str, said: &mut Said) {
    let Some(id) = text(value, "id") else { return };
    let Some(code) = currency(value, "currency_iso_code") else {
        return said.missing("transaction", Some(id), "currency_iso_code");
    };
    let (Some(sum), Some(made)) = (decimal(value, "amount").and_then(amount), time(value, "created_at"))
    else {
        return said.missing("transaction", Some(id), "amount or created_at");
    };
    let at = time(value, "updated_at").unwrap_or(made);
    let result = match text(value, "status") {
        Some(
            "settled"
            | "settling"
            | "submitted_for_settlement"
            | "settlement_confirmed"
            | "settlement_pending",
        ) => PaymentResult::Succeeded,
        Some("authorized" | "authorizing") => PaymentResult::Pending,
        _ => PaymentResult::Failed,
    };
    let owner = Some(Text::from(subscription));
    let entry = if text(value, "type") == Some("credit") {
        let payment = text(value, "refunded_transaction_id").map(Text::from);
        Entry::Refund(Refund { result, payment, subscription: owner, ..Refund::of(sum, code) })
    } else {
        let failure = text(value, "processor_response_text")
            .filter(|_| result == PaymentResult::Failed)
            .map(Text::from);
        let method = deep(value, &["payment_instrument_type"]).and_then(Value::as_str).map(Text::from);
        Entry::Payment(Payment {
            result,
            subscription: owner,
            failure,
            method,
            ..Payment::succeeded(sum, code)
        })
    };
    said.owned(subscription, id, made, at, &entry);
}
