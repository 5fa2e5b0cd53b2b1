//! PayPal subscriptions.
//!
//! Rules and where they are written:
//! - subscriptions: <https://developer.paypal.com/docs/api/subscriptions/v1/#subscriptions_get>. `CANCELLED` is over at once,
//!   since `status_update_time`: nothing is billed any more, whatever the customer has paid for;
//! - `SUSPENDED` is on hold, or given up where payments failed; `failed_payments_count` counts failures in a row;
//! - what is billed stands in the plan: <https://developer.paypal.com/docs/api/subscriptions/v1/#plans_get>;
//! - events: <https://developer.paypal.com/docs/subscriptions/webhooks/>; how they are signed:
//!   <https://developer.paypal.com/api/rest/webhooks/rest/#link-selfverificationmethod>.

use super::{System, Webhook};
use crate::json::{amount, currency, decimal, deep, field, flag, int, list, rounded, text, time};
use crate::piece::{Item, Seen, Standing, Thing, Tier};
use crate::said::Said;
use crate::signature;
use netnew_facts::{Entry, Payment, PaymentResult, Refund, Text};
use netnew_money::{Amount, Decimal, Ratio};
use serde_json::Value;

pub(super) const SYSTEM: System = System {
    name: "paypal",
    title: "PayPal",
    kind: "paypal-json",
    looks,
    read,
    table: None,
    webhook: Webhook::Checked(signature::paypal),
};

fn looks(value: &Value) -> bool {
    let event = text(value, "event_type").is_some_and(|kind| {
        ["BILLING.", "PAYMENT.", "CATALOG.", "CUSTOMER.DISPUTE"].iter().any(|start| kind.starts_with(start))
    });
    if event {
        return field(value, "resource").is_some();
    }
    let inner = |name: &str| list(value, name).iter().any(looks);
    is_subscription(value) || is_plan(value) || inner("subscriptions") || inner("plans")
}

fn is_subscription(value: &Value) -> bool {
    text(value, "id").is_some_and(|id| id.starts_with("I-")) && text(value, "plan_id").is_some()
}

fn is_plan(value: &Value) -> bool {
    text(value, "id").is_some_and(|id| id.starts_with("P-")) && field(value, "billing_cycles").is_some()
}

fn read(value: &Value) -> Said {
    let mut said = Said::default();
    let event = text(value, "event_type");
    let object = field(value, "resource").filter(|_| event.is_some()).unwrap_or(value);
    let occurred = time(value, "create_time").filter(|_| event.is_some());
    let changed = time(object, "update_time").or_else(|| time(object, "create_time"));
    let Some(at) = occurred.or_else(|| time(object, "status_update_time").max(changed)) else {
        said.missing("object", text(object, "id"), "update_time");
        return said;
    };
    match event {
        _ if is_subscription(object) => subscription(object, at, event.unwrap_or("object"), &mut said),
        _ if is_plan(object) => {
            let id = text(object, "id").unwrap_or_default();
            plan(id, object, text(object, "name"), changed.unwrap_or(at), &mut said);
        }
        Some("PAYMENT.SALE.COMPLETED" | "PAYMENT.SALE.DENIED" | "PAYMENT.SALE.PENDING") => {
            sale(object, at, &mut said)
        }
        Some("PAYMENT.SALE.REFUNDED" | "PAYMENT.SALE.REVERSED") => refund(object, at, &mut said),
        Some(other) => said.unused = Some(other.to_string()),
        None => said.strange("PayPal", object),
    }
    said
}

fn subscription(value: &Value, at: i64, by: &str, said: &mut Said) {
    let Some(id) = text(value, "id") else { return };
    let customer = field(value, "subscriber").and_then(|s| text(s, "payer_id")).unwrap_or_default();
    let billing = field(value, "billing_info");
    let failed = billing.and_then(|b| int(b, "failed_payments_count")).unwrap_or(0) > 0;
    let standing = match text(value, "status") {
        Some("APPROVAL_PENDING" | "APPROVED") => Standing::Pending,
        Some("ACTIVE") if failed => Standing::PastDue,
        Some("ACTIVE") => Standing::Active,
        Some("SUSPENDED") if failed => Standing::Unpaid,
        Some("SUSPENDED") => Standing::Paused,
        Some("CANCELLED" | "EXPIRED") => Standing::Canceled,
        _ => return said.missing("subscription", Some(id), "status"),
    };
    let over = standing == Standing::Canceled;
    let since = time(value, "status_update_time");
    let last_failed = billing.and_then(|b| field(b, "last_failed_payment"));
    let mut seen = Seen {
        subscription: id.into(),
        customer: customer.into(),
        at,
        rank: i64::from(by != "BILLING.SUBSCRIPTION.ACTIVATED") + i64::from(over),
        made: by == "BILLING.SUBSCRIPTION.ACTIVATED",
        standing,
        started: time(value, "start_time").or_else(|| time(value, "create_time")),
        ended: over.then(|| since.unwrap_or(at)),
        requested: since.filter(|_| text(value, "status") == Some("CANCELLED")),
        paused: since.filter(|_| standing == Standing::Paused),
        due_since: last_failed.and_then(|l| time(l, "time")).filter(|_| failed),
        ..Seen::default()
    };
    if over {
        let given_up = failed && text(value, "status") == Some("CANCELLED");
        seen.reason = Some(if given_up { "involuntary" } else { "voluntary" }.into());
        seen.reason_text = text(value, "status_change_note").map(str::to_string);
    }
    let own = format!("plan of {id}");
    let overridden = field(value, "plan").filter(|p| field(p, "billing_cycles").is_some());
    let thing = match (overridden, text(value, "plan_id")) {
        (Some(changed), plan_id) => {
            plan(&own, changed, text(changed, "name").or(plan_id), at, said);
            Some(own)
        }
        (None, plan_id) => plan_id.map(str::to_string),
    };
    seen.items = Some(vec![Item {
        id: id.into(),
        thing,
        quantity_micros: crate::json::units(decimal(value, "quantity")),
        ..Item::default()
    }]);
    said.seen(id, by, seen);
    if let Some(subscriber) = field(value, "subscriber") {
        let name = field(subscriber, "name").map(|n| {
            let parts: Vec<&str> = ["given_name", "surname"].iter().filter_map(|p| text(n, p)).collect();
            parts.join(" ")
        });
        let email = text(subscriber, "email_address").map(str::to_string);
        said.attributes(customer, id, at, [("name".to_string(), name), ("email".into(), email)]);
    }
    if let Some(failed) = last_failed {
        let money = field(failed, "amount");
        let of =
            money.and_then(|m| Some((decimal(m, "value").and_then(amount)?, currency(m, "currency_code")?)));
        if let (Some((sum, code)), Some(when)) = (of, time(failed, "time")) {
            let entry = Payment {
                result: PaymentResult::Failed,
                subscription: Some(id.into()),
                failure: text(failed, "reason_code").map(Text::from),
                ..Payment::succeeded(sum, code)
            };
            said.owned(id, &format!("{id} failed {when}"), when, when, &Entry::Payment(entry));
        }
    }
}

/// The regular cycle is the price; free cycles before it are a trial. Tax inside is taken out by its percentage.
fn plan(id: &str, value: &Value, name: Option<&str>, at: i64, said: &mut Said) {
    let cycles = list(value, "billing_cycles");
    let regular = cycles.iter().find(|c| text(c, "tenure_type") == Some("REGULAR"));
    let Some(regular) = regular else { return said.missing("plan", Some(id), "regular billing cycle") };
    let interval = |cycle: &Value| {
        let frequency = field(cycle, "frequency")?;
        let count = u32::try_from(int(frequency, "interval_count").unwrap_or(1)).ok()?;
        Some((text(frequency, "interval_unit")?.to_lowercase(), count))
    };
    let tax = field(value, "taxes").filter(|t| flag(t, "inclusive")).and_then(|t| decimal(t, "percentage"));
    let net = |price: Decimal| match tax {
        None => Some(price),
        Some(tax) => {
            let whole = Ratio::from_int(100).checked_add(tax.to_ratio())?;
            rounded(price.to_ratio().checked_mul(Ratio::from_int(100))?.checked_div(whole)?)
        }
    };
    let scheme = field(regular, "pricing_scheme");
    let price = |money: Option<&Value>| {
        let money = money?;
        Some((text(money, "currency_code")?.to_string(), net(decimal(money, "value")?)?.to_string()))
    };
    let tiers: Vec<(Tier, Option<String>)> = scheme
        .map_or(&[][..], |s| list(s, "tiers"))
        .iter()
        .map(|tier| {
            let (code, unit) = price(field(tier, "amount")).unzip();
            (Tier { up_to: int(tier, "ending_quantity"), unit, flat: None }, code)
        })
        .collect();
    let code = tiers.first().and_then(|(_, code)| code.clone());
    let fixed = price(scheme.and_then(|s| field(s, "fixed_price")));
    let mode = match scheme.and_then(|s| text(s, "pricing_model")) {
        Some("VOLUME") => Some("volume".to_string()),
        Some("TIERED") => Some("graduated".to_string()),
        _ => None,
    };
    let trials = cycles.iter().filter(|c| text(c, "tenure_type") == Some("TRIAL")).filter_map(|cycle| {
        let (unit, count) = interval(cycle)?;
        Some((unit, count.checked_mul(u32::try_from(int(cycle, "total_cycles").unwrap_or(1)).ok()?)?))
    });
    let thing = Thing {
        name: name.map(str::to_string),
        prices: fixed.or_else(|| Some((code?, "0".to_string()))).into_iter().collect(),
        tiers: tiers.into_iter().map(|(tier, _)| tier).collect(),
        tiers_mode: mode,
        interval: interval(regular),
        trials: trials.collect(),
        ..Thing::default()
    };
    said.thing(id, at, thing);
}

/// <https://developer.paypal.com/docs/api/payments/v1/#sale>: it names its subscription, and not who paid.
fn sale(value: &Value, at: i64, said: &mut Said) {
    let Some(id) = text(value, "id") else { return };
    let Some(subscription) = text(value, "billing_agreement_id") else {
        said.unused = Some("payment without a subscription".into());
        return;
    };
    let Some((sum, code)) = money(value) else { return said.missing("sale", Some(id), "amount") };
    let result = match text(value, "state") {
        Some("completed" | "partially_refunded" | "refunded") => PaymentResult::Succeeded,
        Some("denied") => PaymentResult::Failed,
        _ => PaymentResult::Pending,
    };
    let fee = field(value, "transaction_fee").and_then(|f| decimal(f, "value")).and_then(amount);
    let entry =
        Payment { result, subscription: Some(subscription.into()), fee, ..Payment::succeeded(sum, code) };
    let when = time(value, "create_time").unwrap_or(at);
    said.owned(subscription, id, when, at, &Entry::Payment(entry));
}

fn money(value: &Value) -> Option<(Amount, netnew_money::Currency)> {
    let money = field(value, "amount")?;
    let sum = decimal(money, "total").or_else(|| decimal(money, "value")).and_then(amount)?;
    Some((sum.abs(), currency(money, "currency").or_else(|| currency(money, "currency_code"))?))
}

fn refund(value: &Value, at: i64, said: &mut Said) {
    let Some(id) = text(value, "id") else { return };
    let Some((sum, code)) = money(value) else { return said.missing("refund", Some(id), "amount") };
    let own = text(value, "billing_agreement_id")
        .or_else(|| deep(value, &["sale"]).and_then(|s| text(s, "billing_agreement_id")));
    let Some(subscription) = own else {
        said.problems.push(crate::Trouble::new(
            "no_customer",
            format!("the refund {id} names a sale and no subscription, so that nobody can tell whose it is"),
            "add a refunds file with a customer column; docs/importing.md has the columns",
        ));
        return;
    };
    let entry = Refund {
        payment: text(value, "sale_id").map(Text::from),
        subscription: Some(subscription.into()),
        reason: text(value, "description").map(Text::from),
        ..Refund::of(sum, code)
    };
    said.owned(subscription, id, time(value, "create_time").unwrap_or(at), at, &Entry::Refund(entry));
}
