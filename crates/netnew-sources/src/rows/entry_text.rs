//! Entries as rows of text, in the columns that this crate reads: what an export writes.

use netnew_facts::{Body, EntryKind, Fact};

/// Columns of a file of one kind: own columns, then `currency`, `recorded_at`, `retract` as they apply.
pub fn entry_columns(kind: EntryKind) -> &'static [&'static str] {
    match kind {
        EntryKind::Invoice => &[
            "invoice",
            "customer",
            "date",
            "total",
            "tax",
            "currency",
            "status",
            "number",
            "subscription",
            "due_at",
            "paid_at",
            "closed_at",
            "lines",
            "recorded_at",
            "retract",
        ],
        EntryKind::Payment => &[
            "payment",
            "customer",
            "date",
            "amount",
            "currency",
            "result",
            "invoice",
            "subscription",
            "method",
            "attempt",
            "failure",
            "fee",
            "recorded_at",
            "retract",
        ],
        EntryKind::Refund => &[
            "refund",
            "customer",
            "date",
            "amount",
            "currency",
            "result",
            "payment",
            "invoice",
            "subscription",
            "reason",
            "recorded_at",
            "retract",
        ],
        EntryKind::CreditNote => &[
            "credit_note",
            "customer",
            "date",
            "amount",
            "tax",
            "currency",
            "void",
            "invoice",
            "subscription",
            "reason",
            "recorded_at",
            "retract",
        ],
        EntryKind::Dispute => &[
            "dispute",
            "customer",
            "date",
            "amount",
            "currency",
            "status",
            "payment",
            "invoice",
            "closed_at",
            "reason",
            "recorded_at",
            "retract",
        ],
        EntryKind::Usage => &[
            "id",
            "customer",
            "date",
            "quantity",
            "subscription",
            "item",
            "metric",
            "amount",
            "currency",
            "recorded_at",
            "retract",
        ],
        EntryKind::Event => {
            &["id", "customer", "date", "event", "user", "session", "properties", "recorded_at", "retract"]
        }
        EntryKind::Expense => &[
            "expense",
            "date",
            "amount",
            "currency",
            "class",
            "category",
            "vendor",
            "description",
            "recorded_at",
            "retract",
        ],
        EntryKind::Spend => &[
            "spend_id",
            "date",
            "amount",
            "currency",
            "channel",
            "campaign",
            "until",
            "recorded_at",
            "retract",
        ],
        EntryKind::Opportunity => &[
            "opportunity",
            "date",
            "stage",
            "amount",
            "currency",
            "weight",
            "close_date",
            "starts_at",
            "customer",
            "name",
            "recorded_at",
            "retract",
        ],
    }
}

/// A fact's row in those columns; `None` for facts that are no entries.
pub fn entry_row(fact: &Fact) -> Option<Vec<String>> {
    let Body::Entry { kind, key, effective_at, entry } = &fact.body else { return None };
    let json = entry.as_deref().map(|entry| serde_json::to_value(entry).unwrap_or_default());
    let said = |name: &str| match json.as_ref().and_then(|json| json.get(name)) {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let columns = entry_columns(*kind);
    const NUMBERS: [&str; 6] = ["amount", "total", "tax", "fee", "quantity", "weight"];
    let cell = |(at, name): (usize, &&str)| match (*name, kind) {
        _ if at == 0 => key.to_string(),
        ("customer", EntryKind::Opportunity) => said("customer"),
        ("customer", _) => fact.customer.to_string(),
        ("date", _) => effective_at.to_string(),
        ("recorded_at", _) => fact.recorded_at.to_string(),
        ("retract", _) => {
            if entry.is_none() {
                "true".into()
            } else {
                String::new()
            }
        }
        ("event", _) => said("name"),
        ("stage", _) => match said("stage_name") {
            name if name.is_empty() => said("stage"),
            name => name,
        },
        (name, _) if NUMBERS.contains(&name) => plainly(said(name)),
        (name, _) => said(name),
    };
    Some(columns.iter().enumerate().map(cell).collect())
}

/// A number that can only be read one way: a point before exactly three digits might group thousands.
fn plainly(mut number: String) -> String {
    if number.split_once('.').is_some_and(|(_, decimals)| decimals.len() == 3) {
        number.push('0');
    }
    number
}
