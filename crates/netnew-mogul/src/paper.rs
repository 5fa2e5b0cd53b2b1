//! Invoices, payments, refunds and customers as facts of the book.

use crate::dates;
use crate::money;
use crate::shapes::{Customer, Invoice, LineItem, Plan, Transaction};
use netnew_facts::{
    Attributes, Entry, Invoice as Bill, InvoiceLine, InvoiceStatus, LineKind, Payment, PaymentResult, Refund,
};
use netnew_money::{Amount, Currency, Instant};
use serde_json::Value;
use std::collections::BTreeMap;

/// An entry with its key and its instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Its id within the data source and kind.
    pub key: String,
    /// When.
    pub at: Instant,
    /// What it says.
    pub entry: Entry,
}

/// The invoice, and a payment or refund for each transaction. Nothing for one that is disabled.
pub fn of_invoice(invoice: &Invoice, plans: &BTreeMap<String, Plan>) -> Vec<Paper> {
    let Ok(currency) = Currency::parse(&invoice.currency) else { return Vec::new() };
    if invoice.disabled {
        return Vec::new();
    }
    let lines: Vec<&LineItem> = invoice.line_items.iter().filter(|line| !line.disabled).collect();
    let total = lines.iter().fold(0i64, |sum, line| sum.saturating_add(line.amount_in_cents));
    let tax = lines.iter().fold(0i64, |sum, line| sum.saturating_add(line.tax_amount_in_cents));
    let live: Vec<&Transaction> = invoice.transactions.iter().filter(|t| !t.disabled).collect();
    let (status, paid_at, closed_at) = standing(invoice, &live, total);
    let bill = Bill {
        status,
        total: money::amount(total),
        tax: money::amount(tax),
        number: None,
        subscription: None,
        due_at: invoice.due_date,
        paid_at,
        closed_at,
        lines: lines.iter().map(|line| line_of(line, plans)).collect(),
        ..Bill::open(currency)
    };
    let mut out =
        vec![Paper { key: invoice.external_id.clone(), at: invoice.date, entry: Entry::Invoice(bill) }];
    for transaction in live {
        let key = transaction.external_id.clone().unwrap_or_else(|| transaction.uuid.clone());
        let amount = money::amount(transaction.amount_in_cents.unwrap_or(total).saturating_abs());
        let entry = entry_of(transaction, amount, currency, &invoice.external_id);
        out.push(Paper { key, at: transaction.date, entry });
    }
    out
}

fn standing(
    invoice: &Invoice,
    live: &[&Transaction],
    total: i64,
) -> (InvoiceStatus, Option<Instant>, Option<Instant>) {
    match invoice.status.as_deref() {
        Some("voided") => return (InvoiceStatus::Void, None, Some(invoice.date)),
        Some("written_off") => return (InvoiceStatus::Uncollectible, None, Some(invoice.date)),
        _ => {}
    }
    let paid: Vec<&&Transaction> =
        live.iter().filter(|t| t.kind == "payment" && t.result == "successful").collect();
    let sum = paid.iter().fold(0i64, |sum, t| sum.saturating_add(t.amount_in_cents.unwrap_or(total)));
    match paid.iter().map(|t| t.date).max() {
        Some(last) if sum >= total => (InvoiceStatus::Paid, Some(last), None),
        // Nothing is owed where nothing is charged.
        None if total <= 0 => (InvoiceStatus::Paid, Some(invoice.date), None),
        _ => (InvoiceStatus::Open, None, None),
    }
}

fn line_of(line: &LineItem, plans: &BTreeMap<String, Plan>) -> InvoiceLine {
    let net = line.amount_in_cents.saturating_sub(line.tax_amount_in_cents);
    let plan = line.plan_uuid.as_ref().and_then(|id| plans.get(id));
    let text = |text: &Option<String>| text.as_deref().map(Into::into);
    let some = |cents: i64| (cents != 0).then(|| money::amount(cents));
    InvoiceLine {
        kind: if line.kind == "one_time" { LineKind::OneTime } else { LineKind::Subscription },
        discount: some(line.discount_amount_in_cents.saturating_abs()),
        tax: some(line.tax_amount_in_cents),
        subscription: text(&line.subscription_external_id),
        item: None,
        plan: plan.map(|p| p.name.as_str().into()),
        description: text(&line.description),
        quantity_micros: line.quantity.checked_mul(1_000_000),
        period_start: line.service_period_start,
        period_end: line.service_period_end.filter(|end| line.service_period_start.is_none_or(|s| s < *end)),
        proration: line.prorated,
        ..InvoiceLine::of(money::amount(net))
    }
}

fn entry_of(transaction: &Transaction, amount: Amount, currency: Currency, invoice: &str) -> Entry {
    let result =
        if transaction.result == "successful" { PaymentResult::Succeeded } else { PaymentResult::Failed };
    let invoice = Some(invoice.into());
    if transaction.kind == "refund" {
        return Entry::Refund(Refund { result, invoice, ..Refund::of(amount, currency) });
    }
    let same = transaction.transaction_fees_currency.as_deref().is_none_or(|c| c == currency.as_str());
    let fee = transaction.transaction_fees_in_cents.filter(|fee| *fee != 0 && same).map(money::amount);
    Entry::Payment(Payment { result, invoice, fee, ..Payment::succeeded(amount, currency) })
}

/// Names under which a customer's own fields are attributes.
const OWN: [&str; 13] = [
    "name",
    "email",
    "company",
    "country",
    "state",
    "city",
    "zip",
    "owner",
    "website_url",
    "lead_created_at",
    "free_trial_started_at",
    "tags",
    "status",
];

/// What is known of a customer, as attributes; custom ones by their own name, with `custom.` before it where a field of
/// the API has that name.
pub fn attributes(customer: &Customer) -> Attributes {
    let mut out = Attributes::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            out.insert(name.to_string(), Some(value));
        }
    };
    let some = |text: &str| Some(text.to_string());
    put("name", some(&customer.name));
    put("email", some(&customer.email));
    put("company", some(&customer.company));
    put("country", customer.country.clone());
    put("state", customer.state.clone());
    put("city", customer.city.clone());
    put("zip", customer.zip.clone());
    put("owner", customer.owner.clone());
    put("website_url", customer.website_url.clone());
    put("lead_created_at", customer.lead_created_at.map(dates::write));
    put("free_trial_started_at", customer.free_trial_started_at.map(dates::write));
    put("tags", some(&customer.tags.join(", ")));
    for (name, value) in &customer.custom {
        let text = match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        match OWN.contains(&name.as_str()) {
            true => put(&format!("custom.{name}"), text),
            false => put(name, text),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn invoice(fields: Value) -> Invoice {
        let mut whole = json!({
            "uuid": "inv_1", "date": "2026-01-01", "due_date": "2026-01-15", "external_id": "i1", "currency": "EUR",
            "customer_uuid": "cus", "line_items": [
                {"uuid": "li_1", "external_id": null, "type": "subscription", "amount_in_cents": 1190, "quantity": 2,
                 "tax_amount_in_cents": 190, "discount_amount_in_cents": 100},
                {"uuid": "li_2", "external_id": null, "type": "one_time", "amount_in_cents": 500, "quantity": 1}
            ], "transactions": []
        });
        for (key, value) in fields.as_object().unwrap() {
            whole[key] = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    fn bill(invoice: &Invoice) -> Bill {
        match &of_invoice(invoice, &BTreeMap::new())[0].entry {
            Entry::Invoice(bill) => bill.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_add_up_to_the_total_less_tax() {
        let bill = bill(&invoice(json!({})));
        assert_eq!(bill.total, Amount::parse("16.9").unwrap());
        assert_eq!(bill.lines.iter().map(|l| l.amount).sum::<Amount>(), bill.net());
        assert_eq!(bill.status, InvoiceStatus::Open);
        assert_eq!(bill.lines[1].kind, LineKind::OneTime);
    }

    #[test]
    fn transactions_pay_an_invoice_or_do_not() {
        let with = |list: Value| invoice(json!({"transactions": list}));
        let one = |kind: &str, result: &str, cents: Value| json!({"uuid": "tr_1", "external_id": null, "type": kind, "date": "2026-01-03", "result": result, "amount_in_cents": cents});
        assert_eq!(
            bill(&with(json!([one("payment", "successful", Value::Null)]))).status,
            InvoiceStatus::Paid
        );
        assert_eq!(
            bill(&with(json!([one("payment", "successful", json!(500))]))).status,
            InvoiceStatus::Open
        );
        assert_eq!(bill(&with(json!([one("payment", "failed", Value::Null)]))).status, InvoiceStatus::Open);
        assert_eq!(bill(&invoice(json!({"status": "voided"}))).status, InvoiceStatus::Void);
        let all = of_invoice(&with(json!([one("refund", "successful", json!(300))])), &BTreeMap::new());
        assert_eq!(all[1].key, "tr_1");
        assert!(matches!(&all[1].entry, Entry::Refund(r) if r.amount == Amount::from_major(3)));
        assert!(of_invoice(&invoice(json!({"disabled": true})), &BTreeMap::new()).is_empty());
    }

    #[test]
    fn a_customer_is_attributes() {
        let mut customer =
            Customer { name: "Ada".into(), tags: vec!["a".into(), "b".into()], ..Customer::default() };
        customer.custom.insert("channel".into(), json!("ads"));
        customer.custom.insert("name".into(), json!("x"));
        let all = attributes(&customer);
        assert_eq!(all["tags"].as_deref(), Some("a, b"));
        assert_eq!((all["channel"].as_deref(), all["custom.name"].as_deref()), (Some("ads"), Some("x")));
        assert!(!all.contains_key("email"));
    }
}
