//! Google Play subscriptions.
//!
//! Rules and where they are written:
//! - a purchase: <https://developers.google.com/android-publisher/api-ref/rest/v3/purchases.subscriptionsv2>.
//!   `SUBSCRIPTION_STATE_CANCELED` still runs, to `expiryTime`; `.._EXPIRED` is over; `.._IN_GRACE_PERIOD` and `.._ON_HOLD` miss
//!   a payment, with and without access. Asked for at `cancelTime`;
//! - the first shape of a purchase, with `priceAmountMicros` in millionths:
//!   <https://developers.google.com/android-publisher/api-ref/rest/v3/purchases.subscriptions>;
//! - what a base plan's period is (ISO 8601):
//!   <https://developers.google.com/android-publisher/api-ref/rest/v3/monetization.subscriptions>;
//! - renewals share the order's number, with `..0`, `..1` at its end:
//!   <https://developer.android.com/google/play/billing/subscriptions>;
//! - notifications name a purchase and do not contain it:
//!   <https://developer.android.com/google/play/billing/rtdn-reference>.

use super::{System, Webhook};
use crate::json::{currency, decimal, deep, field, int, list, millis, shifted, text, time};
use crate::piece::{Item, Seen, Standing, Thing};
use crate::said::Said;
use netnew_money::Decimal;
use serde_json::Value;

pub(super) const SYSTEM: System = System {
    name: "googleplay",
    title: "Google Play",
    kind: "googleplay-json",
    looks,
    read,
    table: None,
    webhook: Webhook::Refused(
        "a notification names a purchase and contains neither its state nor its price, and who sent it can only be checked \
         with keys that Google changes every few days; both would need a question over the network",
    ),
};

fn looks(value: &Value) -> bool {
    let kind =
        |v: &Value| text(v, "kind").is_some_and(|k| k.starts_with("androidpublisher#subscriptionPurchase"));
    kind(value)
        || field(value, "subscriptionState").is_some_and(|_| field(value, "lineItems").is_some())
        || field(value, "subscription").or_else(|| field(value, "subscriptionPurchase")).is_some_and(looks)
        || (field(value, "basePlans").is_some() && field(value, "productId").is_some())
        || (field(value, "subscriptionPeriod").is_some() && field(value, "productId").is_some())
        || field(value, "subscriptionNotification").is_some()
}

fn read(value: &Value) -> Said {
    let mut said = Said::default();
    if field(value, "basePlans").is_some() {
        base_plans(value, &mut said);
        return said;
    }
    if super::app_store::product(value, &mut said) {
        return said;
    }
    let token = text(value, "purchaseToken")
        .or_else(|| deep(value, &["subscriptionNotification"]).and_then(|n| text(n, "purchaseToken")));
    let product = text(value, "subscriptionId")
        .or_else(|| deep(value, &["subscriptionNotification"]).and_then(|n| text(n, "subscriptionId")));
    let told = millis(value, "eventTimeMillis");
    let inner = field(value, "subscription").or_else(|| field(value, "subscriptionPurchase"));
    let object = inner.unwrap_or(value);
    if field(object, "lineItems").is_some() {
        purchase(object, token, told, &mut said);
    } else if field(object, "expiryTimeMillis").is_some() {
        first_shape(object, product, told, &mut said);
    } else if field(value, "subscriptionNotification").is_some() {
        said.unused = Some("notification without the purchase it names".into());
    } else {
        said.strange("Google Play", object);
    }
    said
}

/// `P1M`, `P1Y`, `P4W`, `P3D`: <https://en.wikipedia.org/wiki/ISO_8601#Durations>.
pub(super) fn iso_period(text: &str) -> Option<(String, u32)> {
    let inside = text.strip_prefix('P')?;
    let unit = match inside.chars().last()? {
        'D' => "day",
        'W' => "week",
        'M' => "month",
        'Y' => "year",
        _ => return None,
    };
    let count: u32 = inside[..inside.len() - 1].parse().ok().filter(|n| *n > 0)?;
    Some((unit.to_string(), count))
}

fn base_plans(value: &Value, said: &mut Said) {
    let Some(product) = text(value, "productId") else { return };
    let title = list(value, "listings").iter().find_map(|l| text(l, "title")).map(str::to_string);
    let name = title.or_else(|| Some(product.to_string()));
    said.thing(product, 0, Thing { name: name.clone(), ..Thing::default() });
    for plan in list(value, "basePlans") {
        let Some(id) = text(plan, "basePlanId") else { continue };
        let kinds = ["autoRenewingBasePlanType", "installmentsBasePlanType", "prepaidBasePlanType"];
        let period =
            kinds.iter().find_map(|kind| field(plan, kind)).and_then(|k| text(k, "billingPeriodDuration"));
        let thing =
            Thing { of: Some(product.into()), interval: period.and_then(iso_period), ..Thing::default() };
        said.thing(&format!("{product}:{id}"), 0, thing);
    }
}

/// `units` and `nanos` as a decimal.
fn money(value: &Value) -> Option<(Decimal, String)> {
    let units = int(value, "units").unwrap_or(0);
    let nanos = int(value, "nanos").unwrap_or(0);
    let whole = i128::from(units).checked_mul(1_000_000_000)?.checked_add(i128::from(nanos))?;
    Some((Decimal::new(whole, 9), currency(value, "currencyCode")?.as_str().to_string()))
}

/// The order's number without that of the renewal.
fn order(text: &str) -> &str {
    text.split_once("..").map_or(text, |(base, _)| base)
}

fn purchase(value: &Value, token: Option<&str>, told: Option<i64>, said: &mut Said) {
    said.live = Some(field(value, "testPurchase").is_none());
    let lines = list(value, "lineItems");
    let latest = text(value, "latestOrderId")
        .or_else(|| lines.iter().find_map(|l| text(l, "latestSuccessfulOrderId")));
    let Some(id) = latest.map(order).or(token) else {
        return said.missing("purchase", None, "latestOrderId or purchaseToken");
    };
    let accounts = field(value, "externalAccountIdentifiers");
    let account = accounts
        .and_then(|a| text(a, "obfuscatedExternalAccountId").or_else(|| text(a, "externalAccountId")));
    let customer = account.unwrap_or(id);
    let expires = lines.iter().filter_map(|l| time(l, "expiryTime")).max();
    let canceled = field(value, "canceledStateContext");
    let by_user = canceled.and_then(|c| field(c, "userInitiatedCancellation"));
    let asked = by_user.and_then(|c| time(c, "cancelTime"));
    let state = text(value, "subscriptionState").map(|s| s.trim_start_matches("SUBSCRIPTION_STATE_"));
    let standing = match state {
        Some("PENDING" | "PENDING_PURCHASE_CANCELED") => Standing::Pending,
        Some("ACTIVE" | "CANCELED") => Standing::Active,
        Some("PAUSED") => Standing::Paused,
        Some("IN_GRACE_PERIOD" | "ON_HOLD") => Standing::PastDue,
        Some("EXPIRED") => Standing::Canceled,
        _ => return said.missing("purchase", Some(id), "subscriptionState"),
    };
    let started = time(value, "startTime");
    let over = standing == Standing::Canceled;
    // A purchase does not say when it was so: no earlier than the newest moment in it that is past.
    let newest = started.max(asked).max(expires.filter(|_| over || standing == Standing::PastDue));
    let Some(at) = told.or(newest) else { return said.missing("purchase", Some(id), "startTime") };
    let trial = lines.iter().any(|l| deep(l, &["offerPhase", "freeTrial"]).is_some());
    let mut seen = Seen {
        subscription: id.into(),
        customer: customer.into(),
        at,
        // Of what is not dated, the later expiry was seen later.
        rank: expires.unwrap_or(0),
        made: started.is_some_and(|s| at - s < 3_600_000_000),
        standing: if trial && standing == Standing::Active { Standing::Trialing } else { standing },
        started,
        trial_end: expires.filter(|_| trial),
        requested: asked,
        ends: expires.filter(|_| state == Some("CANCELED")),
        ended: expires.filter(|_| over),
        due_since: expires.filter(|_| state == Some("ON_HOLD")),
        resumes: deep(value, &["pausedStateContext"]).and_then(|c| time(c, "autoResumeTime")),
        ..Seen::default()
    };
    if let Some(context) = canceled {
        let involuntary = field(context, "systemInitiatedCancellation").is_some();
        seen.reason = Some(if involuntary { "involuntary" } else { "voluntary" }.into());
        if field(context, "replacementCancellation").is_some() {
            seen.reason_text = Some("replaced by another purchase".into());
        }
    }
    seen.items = Some(lines.iter().enumerate().filter_map(|(n, line)| item(line, n, id)).collect());
    said.seen(id, "purchase", seen);
    let country = text(value, "regionCode").map(str::to_string);
    said.attributes(customer, id, at, [("country".to_string(), country)]);
}

fn item(line: &Value, n: usize, id: &str) -> Option<Item> {
    let product = text(line, "productId")?;
    let renewing = field(line, "autoRenewingPlan");
    let price = renewing.and_then(|plan| field(plan, "recurringPrice")).and_then(money);
    let (unit, code) = price.unzip();
    let base = deep(line, &["offerDetails"]).and_then(|o| text(o, "basePlanId"));
    Some(Item {
        id: if n == 0 { id.to_string() } else { format!("{id} {product}") },
        thing: Some(base.map_or_else(|| product.to_string(), |base| format!("{product}:{base}"))),
        unit: unit.map(|d| d.to_string()),
        currency: code,
        quantity_micros: 1_000_000,
        ..Item::default()
    })
}

fn first_shape(value: &Value, product: Option<&str>, told: Option<i64>, said: &mut Said) {
    said.live = Some(field(value, "purchaseType").is_none());
    let (Some(order_id), Some(product)) = (text(value, "orderId"), product) else {
        return said.missing("purchase", text(value, "orderId"), "orderId, or subscriptionId beside it");
    };
    let id = order(order_id);
    let customer = text(value, "obfuscatedExternalAccountId").unwrap_or(id);
    let (Some(started), Some(expires)) =
        (millis(value, "startTimeMillis"), millis(value, "expiryTimeMillis"))
    else {
        return said.missing("purchase", Some(id), "startTimeMillis or expiryTimeMillis");
    };
    let asked = millis(value, "userCancellationTimeMillis");
    let at = told.unwrap_or_else(|| started.max(asked.unwrap_or(started)));
    let over = told.is_some_and(|told| expires <= told);
    let trial = int(value, "paymentState") == Some(2);
    let renews = field(value, "autoRenewing").and_then(Value::as_bool) != Some(false);
    let standing = match int(value, "paymentState") {
        _ if over => Standing::Canceled,
        Some(0) => Standing::PastDue,
        Some(2) => Standing::Trialing,
        _ => Standing::Active,
    };
    let micros = decimal(value, "priceAmountMicros").and_then(|m| shifted(m, 6));
    let seen = Seen {
        subscription: id.into(),
        customer: customer.into(),
        at,
        rank: expires,
        made: at - started < 3_600_000_000,
        standing,
        started: Some(started),
        trial_end: trial.then_some(expires),
        requested: asked,
        ends: (!renews && !over).then_some(expires),
        ended: over.then_some(expires),
        reason: int(value, "cancelReason")
            .map(|why| if why == 1 { "involuntary" } else { "voluntary" }.to_string()),
        resumes: millis(value, "autoResumeTimeMillis"),
        items: Some(vec![Item {
            id: id.into(),
            thing: Some(product.into()),
            unit: micros.map(|d| d.to_string()),
            currency: text(value, "priceCurrencyCode").map(str::to_string),
            quantity_micros: 1_000_000,
            ..Item::default()
        }]),
        ..Seen::default()
    };
    said.seen(id, "purchase", seen);
    let country = text(value, "countryCode").map(str::to_string);
    said.attributes(customer, id, at, [("country".to_string(), country)]);
}
