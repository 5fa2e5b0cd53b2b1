//! The App Store: App Store Server Notifications V2 and the App Store Server API.
//!
//! Rules and where they are written:
//! - transactions: <https://developer.apple.com/documentation/appstoreserverapi/jwstransactiondecodedpayload>; `price` is in
//!   thousandths of the currency's unit and is absent in older payloads;
//! - renewal: <https://developer.apple.com/documentation/appstoreserverapi/jwsrenewalinfodecodedpayload>. Turning renewal off
//!   (`autoRenewStatus` 0) is asking for the end; it comes at `expiresDate`;
//! - status (active, expired, billing retry, grace, revoked): <https://developer.apple.com/documentation/appstoreserverapi/status>;
//! - notifications: <https://developer.apple.com/documentation/appstoreservernotifications/responsebodyv2decodedpayload>,
//!   signed by a chain of certificates that ends in Apple's root:
//!   <https://developer.apple.com/documentation/appstoreserverapi/jwsdecodedheader>.

use super::{System, Webhook};
use crate::json::{currency, deep, field, int, list, millis, shifted, text};
use crate::piece::{Item, Seen, Standing, Thing};
use crate::said::Said;
use crate::signature;
use netnew_facts::{Entry, Payment, Refund};
use netnew_money::{Decimal, Instant, IntervalUnit, Zone};
use serde_json::Value;

pub(super) const SYSTEM: System = System {
    name: "appstore",
    title: "App Store",
    kind: "appstore-json",
    looks,
    read,
    table: None,
    webhook: Webhook::Checked(signature::app_store),
};

fn looks(value: &Value) -> bool {
    if field(value, "signedPayload").is_some() || field(value, "signedTransactionInfo").is_some() {
        return true;
    }
    if field(value, "notificationType").is_some() && field(value, "notificationUUID").is_some() {
        return true;
    }
    if field(value, "originalTransactionId").is_some() && field(value, "productId").is_some() {
        return true;
    }
    field(value, "lastTransactions").is_some()
        || list(value, "data").iter().any(|d| field(d, "lastTransactions").is_some())
}

/// What a signed text says. In a file of the user's own nobody else vouches for it either.
fn opened(value: &Value, name: &str, said: &mut Said) -> Option<Value> {
    let signed = text(value, name)?;
    let found = signature::jws_payload(signed);
    if found.is_none() {
        said.missing("payload", None, name);
    }
    found
}

fn read(value: &Value) -> Said {
    let mut said = Said::default();
    if let Some(inner) = field(value, "signedPayload").and_then(|_| opened(value, "signedPayload", &mut said))
    {
        return read(&inner);
    }
    if product(value, &mut said) {
        return said;
    }
    if field(value, "notificationType").is_some() {
        notification(value, &mut said);
    } else if field(value, "lastTransactions").is_some() {
        for last in list(value, "lastTransactions") {
            let status = int(last, "status");
            holder(last, status, None, "status", &mut said);
        }
    } else if field(value, "signedTransactionInfo").is_some() {
        let status = int(value, "status");
        holder(value, status, None, "status", &mut said);
    } else if field(value, "transactionId").is_some() {
        sight(value, None, None, None, "transaction", &mut said);
    } else {
        said.strange("the App Store", value);
    }
    said
}

fn notification(value: &Value, said: &mut Said) {
    let kind = text(value, "notificationType").unwrap_or_default();
    let by = match text(value, "subtype") {
        Some(subtype) => format!("{kind} {subtype}"),
        None => kind.to_string(),
    };
    let Some(data) = field(value, "data").filter(|d| field(d, "signedTransactionInfo").is_some()) else {
        said.unused = Some(by);
        return;
    };
    holder(data, int(data, "status"), millis(value, "signedDate"), &by, said);
}

/// Whatever has a signed transaction and renewal beside each other; both may be given decoded.
fn holder(value: &Value, status: Option<i64>, at: Option<i64>, by: &str, said: &mut Said) {
    let part = |name: &str, said: &mut Said| match field(value, name) {
        Some(decoded @ Value::Object(_)) => Some(decoded.clone()),
        Some(_) => opened(value, name, said),
        None => None,
    };
    let Some(transaction) = part("signedTransactionInfo", said) else { return };
    let renewal = part("signedRenewalInfo", said);
    sight(&transaction, renewal.as_ref(), status, at, by, said);
}

fn sight(
    value: &Value,
    renewal: Option<&Value>,
    status: Option<i64>,
    at: Option<i64>,
    by: &str,
    said: &mut Said,
) {
    said.live = text(value, "environment").map(|e| e == "Production");
    let (Some(id), Some(product)) = (text(value, "originalTransactionId"), text(value, "productId")) else {
        return said.missing("transaction", text(value, "transactionId"), "originalTransactionId");
    };
    if text(value, "type").is_some_and(|kind| kind != "Auto-Renewable Subscription") {
        said.unused = Some(text(value, "type").unwrap_or_default().to_string());
        return;
    }
    if text(value, "inAppOwnershipType") == Some("FAMILY_SHARED") {
        said.unused = Some("family member's share of a subscription".into());
        return;
    }
    let customer = text(value, "appAccountToken").unwrap_or(id);
    let (Some(bought), Some(expires)) = (millis(value, "purchaseDate"), millis(value, "expiresDate")) else {
        return said.missing("transaction", Some(id), "purchaseDate or expiresDate");
    };
    let Some(at) =
        at.or_else(|| millis(value, "signedDate")).or_else(|| renewal.and_then(|r| millis(r, "signedDate")))
    else {
        return said.missing("transaction", Some(id), "signedDate");
    };
    money(value, customer, id, (bought, at), said);
    let revoked = millis(value, "revocationDate");
    let flag = |name: &str| renewal.and_then(|r| field(r, name));
    let retrying = flag("isInBillingRetryPeriod").and_then(Value::as_bool) == Some(true);
    let standing = match status {
        _ if revoked.is_some() => Standing::Canceled,
        Some(3 | 4) => Standing::PastDue,
        Some(2 | 5) => Standing::Canceled,
        Some(1) => Standing::Active,
        _ if retrying && expires <= at => Standing::PastDue,
        _ if expires > at => Standing::Active,
        _ => Standing::Canceled,
    };
    let free = text(value, "offerDiscountType") == Some("FREE_TRIAL")
        || (int(value, "offerType") == Some(1) && int(value, "price") == Some(0));
    let over = standing == Standing::Canceled;
    let intent = renewal.and_then(|r| int(r, "expirationIntent"));
    let renews = renewal.and_then(|r| int(r, "autoRenewStatus"));
    let mut seen = Seen {
        subscription: id.into(),
        customer: customer.into(),
        at,
        rank: i64::from(over),
        made: by.starts_with("SUBSCRIBED INITIAL_BUY"),
        standing: if free && standing == Standing::Active { Standing::Trialing } else { standing },
        started: millis(value, "originalPurchaseDate"),
        trial_start: free.then_some(bought),
        trial_end: free.then_some(expires),
        ends: (renews == Some(0) && !over).then_some(expires),
        due_since: (standing == Standing::PastDue).then_some(expires),
        ..Seen::default()
    };
    if over {
        // Where payments failed it was tried again until it was given up: that is when this was said.
        let given_up = intent == Some(2);
        seen.ended = Some(revoked.unwrap_or(if given_up { at.max(expires) } else { expires }));
        seen.reason = match (revoked, intent) {
            (None, Some(2)) => Some("involuntary".into()),
            (None, Some(1 | 3)) | (Some(_), _) => Some("voluntary".into()),
            _ => None,
        };
        let word = match (revoked, intent) {
            (Some(_), _) => Some("refunded or revoked"),
            (None, Some(2)) => Some("billing error"),
            (None, Some(3)) => Some("did not agree to a higher price"),
            (None, Some(4)) => Some("product not available"),
            _ => None,
        };
        seen.reason_text = word.map(str::to_string);
    }
    seen.items = Some(vec![item(id, product, value, (bought, expires), free, renewal)]);
    said.seen(customer, by, seen);
    let storefront = text(value, "storefront").map(str::to_string);
    said.attributes(customer, id, at, [("country".to_string(), storefront)]);
}

fn item(
    id: &str,
    product: &str,
    value: &Value,
    (bought, expires): (i64, i64),
    free: bool,
    renewal: Option<&Value>,
) -> Item {
    // What a free trial turns into stands in the renewal.
    let of = |from: Option<&Value>, name: &str| from.and_then(|v| milli(v, name)).map(|d| d.to_string());
    let unit = if free { of(renewal, "renewalPrice") } else { of(Some(value), "price") };
    // A trial's length is not that of what follows; without the product it is not known.
    let interval = length(bought, expires).filter(|_| !free);
    Item {
        id: id.into(),
        plan: None,
        thing: Some(product.into()),
        unit,
        currency: text(value, "currency")
            .or_else(|| renewal.and_then(|r| text(r, "currency")))
            .map(str::to_string),
        interval,
        quantity_micros: int(value, "quantity").unwrap_or(1).saturating_mul(1_000_000),
        ..Item::default()
    }
}

fn milli(value: &Value, name: &str) -> Option<Decimal> {
    shifted(Decimal::from_i64(int(value, name)?), 3)
}

/// The product's period, where the transaction's is that to the second: a week, or so many months.
fn length(from: i64, to: i64) -> Option<(String, u32)> {
    let (start, end) = (Instant::from_micros(from), Instant::from_micros(to));
    let zone = Zone::utc();
    if zone.add_interval(start, IntervalUnit::Day, 7) == end {
        return Some(("week".into(), 1));
    }
    [1u8, 2, 3, 6, 12]
        .into_iter()
        .find(|n| zone.add_interval(start, IntervalUnit::Month, i32::from(*n)) == end)
        .map(|n| if n == 12 { ("year".to_string(), 1) } else { ("month".to_string(), u32::from(n)) })
}

fn money(value: &Value, customer: &str, subscription: &str, (bought, at): (i64, i64), said: &mut Said) {
    let Some(id) = text(value, "transactionId") else { return };
    let sum = milli(value, "price").and_then(crate::json::amount);
    let (Some(sum), Some(code)) = (sum, currency(value, "currency")) else { return };
    if sum.is_zero() {
        return;
    }
    let owner = Some(netnew_facts::Text::from(subscription));
    let paid = Payment { subscription: owner.clone(), ..Payment::succeeded(sum, code) };
    said.entry(customer, id, bought, at, Entry::Payment(paid));
    if let Some(when) = millis(value, "revocationDate") {
        let refund = Refund { payment: Some(id.into()), subscription: owner, ..Refund::of(sum, code) };
        said.entry(customer, id, when, at, Entry::Refund(refund));
    }
}

/// A product that the user describes, as the payloads have neither name nor, for trials, period and price.
pub(super) fn product(value: &Value, said: &mut Said) -> bool {
    let (Some(id), Some(period)) = (text(value, "productId"), text(value, "subscriptionPeriod")) else {
        return false;
    };
    let prices = field(value, "prices").and_then(Value::as_object);
    let prices = prices.into_iter().flatten().filter_map(|(code, price)| {
        let text =
            price.as_str().map(str::to_string).or_else(|| price.as_number().map(ToString::to_string))?;
        Some((code.clone(), Decimal::parse(&text).ok()?.to_string()))
    });
    let thing = Thing {
        name: text(value, "name").map(str::to_string),
        prices: prices.collect(),
        interval: super::google_play::iso_period(period),
        ..Thing::default()
    };
    said.thing(id, deep(value, &["version"]).and_then(Value::as_i64).unwrap_or(0), thing);
    true
}
