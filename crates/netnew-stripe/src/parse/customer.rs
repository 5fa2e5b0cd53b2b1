//! Customers: attributes as of then, and the discount they have.

use super::{Context, CustomerSaid, Kept, Said, Trouble, catalogue, is_deleted};
use crate::json::{deep, field, int, text};
use crate::piece::{CustomerDiscount, Piece};
use netnew_facts::Attributes;
use netnew_money::Instant;
use serde_json::Value;

pub(super) fn read(object: &Value, context: &Context, said: &mut Said) {
    let Some(customer) = text(object, "id") else {
        said.problems.push(Trouble::missing("customer", object, "id"));
        return;
    };
    let mut ids = catalogue::discounts_of(object, context, customer, &mut said.pieces);
    if is_deleted(object, context) {
        ids.clear();
    } else {
        said.customers.push(CustomerSaid { customer: customer.to_string(), attributes: attributes(object) });
    }
    // Objects of some versions leave the field out unless it is asked for: that says nothing.
    if is_deleted(object, context) || object.get("discount").is_some() || object.get("discounts").is_some() {
        said.pieces.push(Kept {
            id: format!("{customer} discount"),
            about: customer.to_string(),
            rank: 0,
            piece: Piece::CustomerDiscount(CustomerDiscount { discount: ids.first().cloned() }),
        });
    }
}

fn attributes(object: &Value) -> Attributes {
    let mut out = Attributes::new();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value.map(str::trim).filter(|v| !v.is_empty()) {
            out.insert(name.to_string(), Some(value.to_string()));
        }
    };
    put("name", text(object, "name"));
    put("email", text(object, "email"));
    put("description", text(object, "description"));
    let country =
        deep(object, &["address", "country"]).or_else(|| deep(object, &["shipping", "address", "country"]));
    put("country", country.and_then(Value::as_str));
    put("currency", text(object, "currency").map(str::to_uppercase).as_deref());
    let created = int(object, "created").and_then(|s| s.checked_mul(1_000_000)).map(Instant::from_micros);
    put("signed_up_at", created.map(|at| at.to_string()).as_deref());
    if let Some(Value::Object(metadata)) = field(object, "metadata") {
        for (key, value) in metadata {
            let name: String = key
                .trim()
                .to_lowercase()
                .chars()
                .map(|c| if c.is_alphanumeric() { c } else { '_' })
                .collect();
            // What Stripe says of a customer is not overruled by a key of the same name.
            let known = ["name", "email", "description", "country", "currency", "signed_up_at"];
            if !name.is_empty() && !known.contains(&name.as_str()) {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_string);
                put(&name, Some(&value));
            }
        }
    }
    out
}
