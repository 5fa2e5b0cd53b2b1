//! Prices, plans, products, coupons, promotion codes, discounts.

use super::{Context, Kept, is_deleted};
use crate::json::{deep, digits, field, flag, id, id_of, int, list, text};
use crate::piece::{Charge, Coupon, Discount, Piece, Price, Product, Promotion, Tier};
use serde_json::Value;

fn keep(id: String, piece: Piece, out: &mut Vec<Kept>) {
    out.push(Kept { id, about: String::new(), rank: 0, piece });
}

/// A price or plan, wherever it is mentioned in full; gives its id.
pub(crate) fn mentioned_price(value: &Value, out: &mut Vec<Kept>) -> Option<String> {
    if value.is_object() {
        priced(value, true, out);
    }
    id_of(value).map(str::to_string)
}

pub(crate) fn price(object: &Value, out: &mut Vec<Kept>) {
    priced(object, false, out);
}

fn priced(object: &Value, mentioned: bool, out: &mut Vec<Kept>) {
    let Some(price_id) = text(object, "id") else { return };
    let recurring = field(object, "recurring").unwrap_or(object);
    let (main, mut others) = (charge(object, text(object, "currency").unwrap_or_default()), Vec::new());
    if let Some(Value::Object(options)) = field(object, "currency_options") {
        others.extend(options.iter().filter(|(c, _)| **c != main.currency).map(|(c, o)| charge(o, c)));
    }
    let tiered = text(object, "billing_scheme") == Some("tiered") || !main.tiers.is_empty();
    let transform = field(object, "transform_quantity").or_else(|| field(object, "transform_usage"));
    if let Some(product) = field(object, "product").filter(|p| p.is_object()) {
        self::product(product, out);
    }
    let piece = Price {
        id: price_id.to_string(),
        product: id(object, "product").map(str::to_string),
        // Before there were products, plans had a name.
        nickname: text(object, "nickname").or_else(|| text(object, "name")).map(str::to_string),
        main,
        others,
        tiers_mode: tiered.then(|| text(object, "tiers_mode").unwrap_or("graduated").to_string()),
        divide_by: transform.and_then(|t| int(t, "divide_by")),
        round_up: transform.and_then(|t| text(t, "round")) == Some("up"),
        interval: text(recurring, "interval").map(str::to_string),
        interval_count: int(recurring, "interval_count").unwrap_or(1),
        metered: text(recurring, "usage_type") == Some("metered"),
        tax_inside: text(object, "tax_behavior") == Some("inclusive"),
    };
    // A price is mentioned without its tiers unless they are asked for: that must not hide the one with them.
    let bare = mentioned || (tiered && piece.main.tiers.is_empty());
    let name = if bare { format!("{price_id}#bare") } else { price_id.to_string() };
    keep(name, Piece::Price(piece), out);
}

fn charge(object: &Value, currency: &str) -> Charge {
    let unit = ["unit_amount_decimal", "unit_amount", "amount_decimal", "amount"];
    let tiers = list(object, "tiers").iter().map(|tier| Tier {
        up_to: int(tier, "up_to"),
        unit: ["unit_amount_decimal", "unit_amount"].iter().find_map(|name| digits(tier, name)),
        flat: ["flat_amount_decimal", "flat_amount"].iter().find_map(|name| digits(tier, name)),
    });
    Charge {
        currency: currency.to_string(),
        unit: unit.iter().find_map(|name| digits(object, name)),
        tiers: tiers.collect(),
    }
}

pub(crate) fn product(object: &Value, out: &mut Vec<Kept>) {
    let Some(id) = text(object, "id") else { return };
    let name = text(object, "name").map(str::to_string);
    if name.is_some() {
        keep(id.to_string(), Piece::Product(Product { id: id.to_string(), name }), out);
    }
}

pub(crate) fn coupon(object: &Value, out: &mut Vec<Kept>) {
    couponed(object, false, out);
}

fn couponed(object: &Value, mentioned: bool, out: &mut Vec<Kept>) {
    let (Some(id), Some(duration)) = (text(object, "id"), text(object, "duration")) else { return };
    let mut amounts_off = Vec::new();
    if let (Some(amount), Some(currency)) = (digits(object, "amount_off"), text(object, "currency")) {
        amounts_off.push((currency.to_string(), amount));
    }
    if let Some(Value::Object(options)) = field(object, "currency_options") {
        for (currency, option) in options {
            if let Some(amount) = digits(option, "amount_off") {
                amounts_off.push((currency.clone(), amount));
            }
        }
    }
    let products = deep(object, &["applies_to"]).map(|a| list(a, "products")).unwrap_or_default();
    let piece = Coupon {
        id: id.to_string(),
        percent_off: digits(object, "percent_off"),
        amounts_off,
        duration: duration.to_string(),
        months: int(object, "duration_in_months"),
        products: products.iter().filter_map(id_of).map(str::to_string).collect(),
    };
    // Coupons choose their own ids, which may be anything.
    let bare = if mentioned { "#bare" } else { "" };
    keep(format!("coupon {id}{bare}"), Piece::Coupon(piece), out);
}

pub(crate) fn promotion(object: &Value, out: &mut Vec<Kept>) {
    let Some(promotion_id) = text(object, "id") else { return };
    let of = deep(object, &["promotion", "coupon"]).or_else(|| field(object, "coupon"));
    if let Some(full) = of.filter(|c| c.is_object()) {
        couponed(full, true, out);
    }
    let coupon = of.and_then(id_of).map(str::to_string);
    keep(promotion_id.to_string(), Piece::Promotion(Promotion { id: promotion_id.to_string(), coupon }), out);
}

/// A discount in full; `customer` for those that do not say whose.
pub(crate) fn discount(object: &Value, context: &Context, customer: &str, out: &mut Vec<Kept>) {
    let of = deep(object, &["source", "coupon"]).or_else(|| field(object, "coupon"));
    if let Some(full) = of.filter(|c| c.is_object()) {
        couponed(full, true, out);
    }
    let promotion_code = field(object, "promotion_code");
    if let Some(full) = promotion_code.filter(|p| p.is_object()) {
        promotion(full, out);
    }
    let about = id(object, "customer").unwrap_or(customer).to_string();
    // Discounts had no id before there could be several.
    let own = text(object, "id").map(str::to_string);
    let (subscription, item) = (id(object, "subscription"), id(object, "subscription_item"));
    let name = own.unwrap_or_else(|| unnamed(&about, subscription, of, int(object, "start")));
    let removed = context.at.filter(|_| context.event_type == "customer.discount.deleted");
    let piece = Discount {
        id: name.clone(),
        coupon: of.and_then(id_of).map(str::to_string),
        promotion: promotion_code.and_then(id_of).map(str::to_string),
        subscription: subscription.map(str::to_string),
        item: item.map(str::to_string),
        one_invoice: subscription.is_none()
            && item.is_none()
            && (id(object, "invoice").is_some() || id(object, "invoice_item").is_some()),
        start: int(object, "start"),
        end: int(object, "end"),
        removed: removed
            .or_else(|| context.at.filter(|_| flag(object, "deleted") && is_deleted(object, context))),
    };
    out.push(Kept { id: name, about, rank: i64::from(removed.is_some()), piece: Piece::Discount(piece) });
}

fn unnamed(customer: &str, subscription: Option<&str>, coupon: Option<&Value>, start: Option<i64>) -> String {
    let coupon = coupon.and_then(id_of).unwrap_or_default();
    format!("di:{}:{coupon}:{}", subscription.unwrap_or(customer), start.unwrap_or_default())
}

/// The ids of an object's discounts: the list, or the single one of older versions; what is given in full is kept.
pub(crate) fn discounts_of(
    object: &Value,
    context: &Context,
    customer: &str,
    out: &mut Vec<Kept>,
) -> Vec<String> {
    let several = list(object, "discounts");
    let single: Option<&Value> = field(object, "discount");
    let mut ids = Vec::new();
    let entries = several.iter().chain(single.filter(|_| several.is_empty()));
    for entry in entries {
        if entry.is_object() {
            let from = out.len();
            let bare = Context { event_type: "", ..*context };
            discount(entry, &bare, customer, out);
            ids.extend(out[from..].last().map(|kept| kept.id.clone()));
        } else if let Some(id) = id_of(entry) {
            ids.push(id.to_string());
        }
    }
    // The list has only ids where the single one is there in full.
    if let Some(full) = single.filter(|s| s.is_object() && !several.is_empty()) {
        discount(full, &Context { event_type: "", ..*context }, customer, out);
    }
    ids
}
