//! Which kind of file it is, from its columns alone.

use netnew_facts::EntryKind;

use crate::code;
use crate::fields::{Columns, Field, has_strong};
use crate::kind::Kind;
use crate::problem::SourceError;
use crate::words::plain;

/// Recognises the kind of a file.
///
/// # Errors
/// `unknown_kind` when nothing fits, `ambiguous_kind` when two kinds fit and would mean different things.
pub(crate) fn recognise(file: &str, headers: &[String]) -> Result<Kind, SourceError> {
    let names: Vec<String> = headers.iter().map(|h| plain(h)).collect();
    if let Some(kind) = stripe(&names) {
        return Ok(kind);
    }
    let has = |kind: Kind, field: Field| Columns::find(file, headers, kind).map(|c| c.has(field));
    if names_any(&names, &["rate", "exchangerate", "fxrate"])
        && has(Kind::Rates, Field::Base)?
        && has(Kind::Rates, Field::Quote)?
    {
        return Ok(Kind::Rates);
    }
    if let Some(kind) = entries(&names) {
        return Ok(Kind::Entries(kind));
    }
    let (amount, status) = (has(Kind::States, Field::Amount)?, has(Kind::States, Field::Status)?);
    let customer = has(Kind::States, Field::Customer)?;
    let subscription = has_strong(headers, Kind::States, Field::Subscription);
    let effective = has_strong(headers, Kind::States, Field::EffectiveAt);
    let start = has_strong(headers, Kind::Periods, Field::Start) && !is_only_effective(&names);
    let end = has(Kind::Periods, Field::End)?;
    if !customer && !subscription {
        return customers_or_nothing(file, headers);
    }
    let dated = names_any(&names, &["date", "timestamp", "when", "month"]);
    match (subscription, effective, start) {
        (true, true, true) if end && amount => Err(ambiguous(file, "effective_at", "start and end")),
        (true, true, _) if amount || status => Ok(Kind::States),
        (true, false, true) if status && !end && amount => Err(ambiguous(file, "status", "start")),
        (_, false, true) if amount => Ok(Kind::Periods),
        (true, false, false) if dated && (amount || status) => Ok(Kind::States),
        (false, _, false) if !amount => customers_or_nothing(file, headers),
        (false, false, true) if !amount && !status && !end => customers_or_nothing(file, headers),
        _ => Err(unknown(file, headers)),
    }
}

/// `valid_from` says when a state begins as well as when a period does; alone it is no start.
fn is_only_effective(names: &[String]) -> bool {
    let periods_end = names_any(names, &["validto", "validuntil"]);
    names_any(names, &["validfrom"]) && !periods_end
}

fn names_any(names: &[String], wanted: &[&str]) -> bool {
    names.iter().any(|n| wanted.contains(&n.as_str()))
}

/// Exports of Stripe's dashboard have an `id` and times marked as UTC. Their other columns vary by account.
fn stripe(names: &[String]) -> Option<Kind> {
    if !names_any(names, &["id"]) || !names.iter().any(|n| n.ends_with("utc")) {
        return None;
    }
    if names_any(names, &["amountrefunded", "captured", "sellermessage"]) {
        return Some(Kind::StripePayments);
    }
    if names_any(names, &["amountdue", "amountpaid", "duedateutc"]) {
        return Some(Kind::StripeInvoices);
    }
    let lives = [
        "startutc",
        "startdateutc",
        "currentperiodstartutc",
        "currentperiodendutc",
        "endedatutc",
        "canceledatutc",
        "interval",
        "cancelatperiodend",
    ];
    if names_any(names, &["customerid"]) {
        return names_any(names, &lives).then_some(Kind::StripeSubscriptions);
    }
    let is_customers = names_any(names, &["createdutc", "createddateutc"]) && !names_any(names, &["amount"]);
    is_customers.then_some(Kind::StripeCustomers)
}

/// Entries name what they are: by a column of their own ids, or by columns that nothing else has.
fn entries(names: &[String]) -> Option<EntryKind> {
    let any = |wanted: &[&str]| names_any(names, wanted);
    let customer = any(&["customer", "customerid", "client", "clientid", "account", "accountid"]);
    let amount = any(&["amount", "total", "cost", "spend", "spent", "value", "price"]);
    let dated = any(DATES) || names.iter().any(|n| n.ends_with("date") || n.ends_with("at"));
    // Files about subscriptions may name the invoice or the event that a state comes from.
    if any(&["effectiveat", "validfrom"]) && any(&["subscription", "subscriptionid"]) {
        return None;
    }
    let found = [
        (any(&["creditnote", "creditnoteid"]) && amount, EntryKind::CreditNote),
        (any(&["dispute", "disputeid", "chargeback", "chargebackid"]) && amount, EntryKind::Dispute),
        (any(&["refund", "refundid"]) && (amount || dated), EntryKind::Refund),
        (
            any(&["opportunity", "opportunityid", "deal", "dealid"]) || (any(&["stage"]) && amount),
            EntryKind::Opportunity,
        ),
        (
            any(&["payment", "paymentid", "charge", "chargeid", "transaction", "transactionid"])
                && (amount || dated),
            EntryKind::Payment,
        ),
        (
            any(&["invoice", "invoiceid", "invoicenumber", "invoiceno"]) && customer && (amount || dated),
            EntryKind::Invoice,
        ),
        (any(&["event", "eventname"]) && customer && dated, EntryKind::Event),
        (
            any(&["metric", "usage", "meter", "unitsused"]) && customer && dated && !any(&["status"]),
            EntryKind::Usage,
        ),
        (any(&["channel", "campaign"]) && amount && dated && !customer, EntryKind::Spend),
        (
            any(&["category", "vendor", "supplier", "expense", "expenseclass", "payee"])
                && amount
                && dated
                && !customer,
            EntryKind::Expense,
        ),
    ];
    found.into_iter().find(|(fits, _)| *fits).map(|(_, kind)| kind)
}

const DATES: &[&str] = &["date", "day", "month", "timestamp", "time", "when"];

fn customers_or_nothing(file: &str, headers: &[String]) -> Result<Kind, SourceError> {
    let columns = Columns::find(file, headers, Kind::Customers)?;
    let is_about_more =
        [Field::Name, Field::Email, Field::Country, Field::Channel, Field::SignedUpAt, Field::MergedInto]
            .iter()
            .any(|f| columns.has(*f));
    let named = has_strong(headers, Kind::Customers, Field::Customer);
    match columns.has(Field::Customer) && (named || is_about_more) {
        true => Ok(Kind::Customers),
        false => Err(unknown(file, headers)),
    }
}

fn unknown(file: &str, headers: &[String]) -> SourceError {
    let written: Vec<&str> = headers.iter().map(String::as_str).filter(|h| !h.is_empty()).collect();
    SourceError::new(
        file,
        code::UNKNOWN_KIND,
        format!("the columns fit no kind of file: {}", written.join(", ")),
        "states need customer, subscription, effective_at and amount; periods customer, start, end and amount; \
         customers a customer; rates date, base, quote and rate; or say with --as what the file is",
    )
}

fn ambiguous(file: &str, one: &str, other: &str) -> SourceError {
    SourceError::new(
        file,
        code::AMBIGUOUS_KIND,
        format!("the columns fit states (by {one}) and periods (by {other})"),
        "say which with --as states or --as periods",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(names: &str) -> Result<Kind, &'static str> {
        let headers: Vec<String> = names.split(',').map(str::to_string).collect();
        recognise("f", &headers).map_err(|e| e.code())
    }

    #[test]
    fn kinds_are_recognised_by_their_columns() {
        for (names, expected) in [
            ("customer,subscription,effective_at,amount", Kind::States),
            ("customer,subscription,effective_at,status", Kind::States),
            ("Customer ID,Subscription ID,Date,MRR", Kind::States),
            ("customer,subscription,effective_at,amount,ended_at", Kind::States),
            ("customer,subscription,valid_from,price", Kind::States),
            ("customer,start,end,amount", Kind::Periods),
            ("customer,plan,start_date,end_date,mrr", Kind::Periods),
            ("client,start,price", Kind::Periods),
            ("customer,subscription,start,end,amount,status", Kind::Periods),
            ("customer,subscription,start_date,amount", Kind::Periods),
            ("Name,Plan,Start,Cancelled At,Monthly price", Kind::Periods),
            ("customer,name,email,country", Kind::Customers),
            ("customer", Kind::Customers),
            ("id,name,email", Kind::Customers),
            ("customer,segment,effective_at", Kind::Customers),
            ("customer,merged_into", Kind::Customers),
            ("customer,name,plan,seats,start_date", Kind::Customers),
            ("date,base,quote,rate", Kind::Rates),
            ("Date,From,To,Exchange rate", Kind::Rates),
            (
                "id,Customer ID,Plan,Quantity,Currency,Interval,Amount,Status,Created (UTC),Start (UTC),Ended At (UTC)",
                Kind::StripeSubscriptions,
            ),
            ("id,Description,Email,Name,Created (UTC),Delinquent,Card ID", Kind::StripeCustomers),
            ("id,Email,Name,Created (UTC),Total Spend,crm (metadata)", Kind::StripeCustomers),
            (
                "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Customer ID",
                Kind::StripePayments,
            ),
            ("id,Amount Due,Currency,Customer,Date (UTC),Subscription,Total,Tax", Kind::StripeInvoices),
            ("customer,invoice,date,total", Kind::Entries(EntryKind::Invoice)),
            ("payment_id,customer,date,amount,invoice", Kind::Entries(EntryKind::Payment)),
            ("refund,payment,customer,date,amount", Kind::Entries(EntryKind::Refund)),
            ("Date,Channel,Spend", Kind::Entries(EntryKind::Spend)),
            ("Month,Category,Amount", Kind::Entries(EntryKind::Expense)),
            ("customer,event,timestamp", Kind::Entries(EntryKind::Event)),
            ("customer,date,metric,quantity", Kind::Entries(EntryKind::Usage)),
            ("Deal,Stage,Amount,Close Date", Kind::Entries(EntryKind::Opportunity)),
        ] {
            assert_eq!(kind(names), Ok(expected), "{names}");
        }
    }

    #[test]
    fn what_fits_twice_or_not_at_all_is_said() {
        for (names, expected) in [
            ("customer,subscription,effective_at,start,end,amount", code::AMBIGUOUS_KIND),
            ("customer,subscription,start,status,amount", code::AMBIGUOUS_KIND),
            ("customer,date,amount", code::UNKNOWN_KIND),
            ("colour,size", code::UNKNOWN_KIND),
            ("customer,customer_id,name", code::DUPLICATE_COLUMN),
        ] {
            assert_eq!(kind(names), Err(expected), "{names}");
        }
    }
}
