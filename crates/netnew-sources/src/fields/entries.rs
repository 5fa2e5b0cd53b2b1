//! The names that columns of entries go by: invoices, payments, usage, expenses, ...

use netnew_facts::EntryKind;

use super::tables::{
    CURRENCY, CUSTOMER, CUSTOMER_WEAK, PLAN, PLAN_WEAK, RECORDED, RETRACT, SUBSCRIPTION, needed, spec,
};
use crate::fields::Shape::{Date as D, Number as N, Text as T};
use crate::fields::{Field, Spec};

const WHEN: &[&str] =
    &["date", "at", "when", "timestamp", "time", "occurredat", "day", "createdat", "created"];
const WHEN_WEAK: &[&str] = &["effectiveat", "month", "period", "eventdate", "postedat", "posteddate"];
const AMOUNT: &[&str] = &["amount", "amountpaid", "grossamount"];
const AMOUNT_WEAK: &[&str] = &["total", "value", "sum", "gross", "price"];
const INVOICE: &[&str] = &["invoice", "invoiceid", "invoicenumber", "invoiceno"];
const PAYMENT: &[&str] = &["payment", "paymentid", "charge", "chargeid", "transaction", "transactionid"];
const DESCRIPTION: &[&str] = &["description", "memo", "note", "notes"];

/// The fields of a kind of entry.
pub(super) fn of(kind: EntryKind) -> &'static [Spec] {
    match kind {
        EntryKind::Invoice => INVOICES,
        EntryKind::Payment => PAYMENTS,
        EntryKind::Refund => REFUNDS,
        EntryKind::CreditNote => CREDIT_NOTES,
        EntryKind::Dispute => DISPUTES,
        EntryKind::Usage => USAGE,
        EntryKind::Event => EVENTS,
        EntryKind::Expense => EXPENSES,
        EntryKind::Spend => SPEND,
        EntryKind::Opportunity => OPPORTUNITIES,
    }
}

/// What every entry has besides its own columns.
macro_rules! entry_fields {
    ($($own:expr),* $(,)?) => {
        &[
            $($own,)*
            spec(Field::Currency, "currency", T, CURRENCY, &[]),
            spec(Field::RecordedAt, "recorded_at", D, RECORDED, &[]),
            spec(Field::Retract, "retract", T, RETRACT, &[]),
        ]
    };
}

#[rustfmt::skip]
static INVOICES: &[Spec] = entry_fields![
    needed(spec(Field::Id, "invoice", T, INVOICE, &["id", "number"])),
    needed(spec(Field::Customer, "customer", T, CUSTOMER, CUSTOMER_WEAK)),
    needed(spec(Field::Date, "date", D, &["date", "invoicedate", "issuedat", "issuedate", "issued", "issuedon", "finalizedat"], &["createdat", "created", "effectiveat", "timestamp"])),
    needed(spec(Field::Total, "total", N, &["total", "totalamount", "invoicetotal", "grandtotal", "amountdue"], &["amount", "gross"])),
    spec(Field::Tax, "tax", N, &["tax", "taxamount", "vat", "salestax", "totaltax"], &[]),
    spec(Field::Status, "status", T, &["status", "invoicestatus", "state"], &[]),
    spec(Field::Number, "number", T, &["number", "printednumber"], &[]),
    spec(Field::Subscription, "subscription", T, SUBSCRIPTION, &[]),
    spec(Field::Item, "item", T, &["item", "itemid", "subscriptionitem"], &[]),
    spec(Field::Plan, "plan", T, PLAN, PLAN_WEAK),
    spec(Field::Description, "description", T, DESCRIPTION, &[]),
    spec(Field::Quantity, "quantity", N, &["quantity", "qty", "seats"], &[]),
    spec(Field::DiscountAmount, "discount_amount", N, &["discountamount", "discount", "amountoff"], &[]),
    spec(Field::PeriodStart, "period_start", D, &["periodstart", "serviceperiodstart", "servicestart"], &["start", "startdate", "from"]),
    spec(Field::PeriodEnd, "period_end", D, &["periodend", "serviceperiodend", "serviceend"], &["end", "enddate", "to"]),
    spec(Field::LineKind, "kind", T, &["kind", "linekind", "linetype", "type"], &[]),
    spec(Field::Proration, "proration", T, &["proration", "prorated", "isproration"], &[]),
    spec(Field::DueAt, "due_at", D, &["dueat", "duedate", "due", "dueon"], &[]),
    spec(Field::PaidAt, "paid_at", D, &["paidat", "paiddate", "paidon", "paymentdate"], &[]),
    spec(Field::ClosedAt, "closed_at", D, &["closedat", "voidedat", "uncollectibleat", "markeduncollectibleat"], &[]),
    spec(Field::Lines, "lines", T, &["lines", "lineitems"], &[]),
];

#[rustfmt::skip]
static PAYMENTS: &[Spec] = entry_fields![
    spec(Field::Id, "payment", T, PAYMENT, &["id"]),
    needed(spec(Field::Customer, "customer", T, CUSTOMER, CUSTOMER_WEAK)),
    needed(spec(Field::Date, "date", D, &["date", "paymentdate", "paidat", "chargedat", "at", "when", "timestamp"], &["createdat", "created", "effectiveat", "day"])),
    needed(spec(Field::Amount, "amount", N, AMOUNT, AMOUNT_WEAK)),
    spec(Field::Status, "result", T, &["result", "status", "paymentstatus", "outcome"], &[]),
    spec(Field::Invoice, "invoice", T, INVOICE, &[]),
    spec(Field::Subscription, "subscription", T, SUBSCRIPTION, &[]),
    spec(Field::Method, "method", T, &["method", "paymentmethod", "paymentsourcetype"], &[]),
    spec(Field::Attempt, "attempt", N, &["attempt", "attemptcount", "attemptnumber", "retry"], &[]),
    spec(Field::Failure, "failure", T, &["failure", "failurereason", "failurecode", "declinereason", "declinecode", "error"], &[]),
    spec(Field::Fee, "fee", N, &["fee", "fees", "processingfee"], &[]),
];

#[rustfmt::skip]
static REFUNDS: &[Spec] = entry_fields![
    spec(Field::Id, "refund", T, &["refund", "refundid"], &["id"]),
    needed(spec(Field::Customer, "customer", T, CUSTOMER, CUSTOMER_WEAK)),
    needed(spec(Field::Date, "date", D, &["date", "refunddate", "refundedat", "at", "when", "timestamp"], &["createdat", "created", "effectiveat"])),
    needed(spec(Field::Amount, "amount", N, &["amount", "refundamount", "amountrefunded"], AMOUNT_WEAK)),
    spec(Field::Status, "result", T, &["result", "status", "refundstatus"], &[]),
    spec(Field::Payment, "payment", T, PAYMENT, &[]),
    spec(Field::Invoice, "invoice", T, INVOICE, &[]),
    spec(Field::Subscription, "subscription", T, SUBSCRIPTION, &[]),
    spec(Field::Reason, "reason", T, &["reason", "refundreason"], &["description"]),
];

#[rustfmt::skip]
static CREDIT_NOTES: &[Spec] = entry_fields![
    spec(Field::Id, "credit_note", T, &["creditnote", "creditnoteid", "creditnotenumber"], &["id", "number"]),
    needed(spec(Field::Customer, "customer", T, CUSTOMER, CUSTOMER_WEAK)),
    needed(spec(Field::Date, "date", D, &["date", "issuedat", "issuedate", "at"], &["createdat", "created", "effectiveat"])),
    needed(spec(Field::Amount, "amount", N, &["amount", "creditamount"], AMOUNT_WEAK)),
    spec(Field::Tax, "tax", N, &["tax", "taxamount", "vat"], &[]),
    spec(Field::Void, "void", T, &["void", "voided"], &[]),
    spec(Field::Invoice, "invoice", T, INVOICE, &[]),
    spec(Field::Subscription, "subscription", T, SUBSCRIPTION, &[]),
    spec(Field::Reason, "reason", T, &["reason", "creditreason"], &["description"]),
];

#[rustfmt::skip]
static DISPUTES: &[Spec] = entry_fields![
    spec(Field::Id, "dispute", T, &["dispute", "disputeid", "chargeback", "chargebackid"], &["id"]),
    needed(spec(Field::Customer, "customer", T, CUSTOMER, CUSTOMER_WEAK)),
    needed(spec(Field::Date, "date", D, &["date", "disputedate", "openedat", "at"], &["createdat", "created", "effectiveat"])),
    needed(spec(Field::Amount, "amount", N, &["amount", "disputedamount"], AMOUNT_WEAK)),
    spec(Field::Status, "status", T, &["status", "disputestatus"], &[]),
    spec(Field::Payment, "payment", T, PAYMENT, &[]),
    spec(Field::Invoice, "invoice", T, INVOICE, &[]),
    spec(Field::ClosedAt, "closed_at", D, &["closedat", "decidedat", "resolvedat"], &[]),
    spec(Field::Reason, "reason", T, &["reason", "disputereason"], &["description"]),
];

#[rustfmt::skip]
static USAGE: &[Spec] = entry_fields![
    spec(Field::Id, "id", T, &["id", "usageid", "recordid"], &[]),
    needed(spec(Field::Customer, "customer", T, CUSTOMER, CUSTOMER_WEAK)),
    needed(spec(Field::Date, "date", D, WHEN, WHEN_WEAK)),
    needed(spec(Field::Quantity, "quantity", N, &["quantity", "usage", "units", "unitsused", "qty"], &["value", "count"])),
    spec(Field::Subscription, "subscription", T, SUBSCRIPTION, &[]),
    spec(Field::Item, "item", T, &["item", "itemid", "subscriptionitem", "subscriptionitemid"], &[]),
    spec(Field::Metric, "metric", T, &["metric", "meter", "metername", "unit"], &[]),
    spec(Field::Amount, "amount", N, AMOUNT, &["cost", "charge"]),
];

#[rustfmt::skip]
static EVENTS: &[Spec] = entry_fields![
    spec(Field::Id, "id", T, &["id", "eventid"], &[]),
    needed(spec(Field::Customer, "customer", T, CUSTOMER, &["organizationid", "organisationid", "orgid", "companyid", "company", "organization", "organisation", "groupid", "distinctid", "email"])),
    needed(spec(Field::Date, "date", D, WHEN, WHEN_WEAK)),
    needed(spec(Field::Name, "event", T, &["event", "eventname", "action", "eventtype"], &["name"])),
    spec(Field::User, "user", T, &["user", "userid"], &[]),
    spec(Field::Session, "session", T, &["session", "sessionid"], &[]),
    spec(Field::Properties, "properties", T, &["properties"], &[]),
];

#[rustfmt::skip]
static EXPENSES: &[Spec] = entry_fields![
    spec(Field::Id, "expense", T, &["expense", "expenseid", "id"], &[]),
    needed(spec(Field::Date, "date", D, WHEN, WHEN_WEAK)),
    needed(spec(Field::Amount, "amount", N, AMOUNT, &["total", "value", "cost", "sum"])),
    spec(Field::Class, "class", T, &["class", "expenseclass", "function"], &["type"]),
    spec(Field::Category, "category", T, &["category", "accountname", "account"], &[]),
    spec(Field::Vendor, "vendor", T, &["vendor", "supplier", "payee"], &["name"]),
    spec(Field::Description, "description", T, DESCRIPTION, &[]),
];

#[rustfmt::skip]
static SPEND: &[Spec] = entry_fields![
    spec(Field::Id, "spend_id", T, &["spendid", "id"], &[]),
    needed(spec(Field::Date, "date", D, &["date", "day", "start", "startdate", "from", "month", "week"], WHEN_WEAK)),
    needed(spec(Field::Amount, "amount", N, &["amount", "spend", "spent", "cost", "adspend"], &["total", "value"])),
    spec(Field::Channel, "channel", T, &["channel", "acquisitionchannel", "marketingchannel", "medium"], &["source", "platform"]),
    spec(Field::Campaign, "campaign", T, &["campaign", "campaignname"], &[]),
    spec(Field::End, "until", D, &["until", "end", "enddate", "to"], &[]),
];

#[rustfmt::skip]
static OPPORTUNITIES: &[Spec] = entry_fields![
    needed(spec(Field::Id, "opportunity", T, &["opportunity", "opportunityid", "deal", "dealid", "id"], &["name", "dealname"])),
    needed(spec(Field::StageName, "stage", T, &["stage", "dealstage", "stagename", "status"], &[])),
    needed(spec(Field::Amount, "amount", N, &["amount", "mrr", "dealamount"], &["value", "total"])),
    spec(Field::Weight, "weight", N, &["weight", "probability", "likelihood", "confidence"], &[]),
    spec(Field::CloseDate, "close_date", D, &["closedate", "closeson", "expectedclosedate", "closedat", "signedat"], &[]),
    spec(Field::StartsAt, "starts_at", D, &["startsat", "startdate", "start", "goliveat", "livefrom"], &[]),
    spec(Field::Date, "date", D, &["date", "updatedat", "stagechangedat"], &["createdat", "created", "effectiveat"]),
    spec(Field::Customer, "customer", T, CUSTOMER, &["company", "companyname", "accountname"]),
    spec(Field::Name, "name", T, &["name", "dealname", "opportunityname"], &[]),
];

#[rustfmt::skip]
pub(super) static STRIPE_PAYMENTS: &[Spec] = &[
    needed(spec(Field::Id, "id", T, &["id"], &[])),
    needed(spec(Field::Created, "Created date (UTC)", D, &["createddateutc", "createdutc"], &["created"])),
    needed(spec(Field::Amount, "Amount", N, &["amount"], &[])),
    needed(spec(Field::Currency, "Currency", T, &["currency"], &[])),
    needed(spec(Field::Status, "Status", T, &["status"], &[])),
    needed(spec(Field::Customer, "Customer ID", T, &["customerid"], &["customer"])),
    spec(Field::Refunded, "Amount Refunded", N, &["amountrefunded"], &[]),
    spec(Field::RefundedAt, "Refunded date (UTC)", D, &["refundeddateutc"], &[]),
    spec(Field::Captured, "Captured", T, &["captured"], &[]),
    spec(Field::Failure, "Decline Reason", T, &["declinereason"], &["failuremessage", "sellermessage"]),
    spec(Field::Fee, "Fee", N, &["fee"], &[]),
    spec(Field::Invoice, "Invoice ID", T, &["invoiceid"], &[]),
    spec(Field::Method, "Payment Source Type", T, &["paymentsourcetype"], &["cardbrand"]),
    spec(Field::Disputed, "Disputed Amount", N, &["disputedamount"], &[]),
    spec(Field::DisputedAt, "Dispute Date (UTC)", D, &["disputedateutc"], &[]),
    spec(Field::DisputeStatus, "Dispute Status", T, &["disputestatus"], &[]),
    spec(Field::Reason, "Dispute Reason", T, &["disputereason"], &[]),
];

#[rustfmt::skip]
pub(super) static STRIPE_INVOICES: &[Spec] = &[
    needed(spec(Field::Id, "id", T, &["id"], &[])),
    needed(spec(Field::Customer, "Customer", T, &["customer", "customerid"], &[])),
    needed(spec(Field::Date, "Date (UTC)", D, &["dateutc", "finalizedatutc"], &["createdutc", "createddateutc"])),
    needed(spec(Field::Currency, "Currency", T, &["currency"], &[])),
    needed(spec(Field::Total, "Total", N, &["total"], &["amountdue"])),
    spec(Field::Tax, "Tax", N, &["tax"], &[]),
    spec(Field::Status, "Status", T, &["status"], &[]),
    spec(Field::Void, "Paid", T, &["paid"], &[]),
    spec(Field::Number, "Number", T, &["number"], &[]),
    spec(Field::Subscription, "Subscription", T, &["subscription", "subscriptionid"], &[]),
    spec(Field::DueAt, "Due Date (UTC)", D, &["duedateutc"], &[]),
    spec(Field::PaidAt, "Paid At (UTC)", D, &["paidatutc"], &[]),
    spec(Field::DiscountAmount, "Total Discount Amount", N, &["totaldiscountamount"], &[]),
    spec(Field::PeriodStart, "Minimum Line Item Period Start (UTC)", D, &["minimumlineitemperiodstartutc"], &["periodstartutc"]),
    spec(Field::PeriodEnd, "Maximum Line Item Period End (UTC)", D, &["maximumlineitemperiodendutc"], &["periodendutc"]),
];
