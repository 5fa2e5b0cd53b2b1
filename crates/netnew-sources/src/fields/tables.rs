//! The names that columns go by, kind by kind, in the order of the documentation.

use crate::fields::Shape::{Date as D, Number as N, Text as T};
use crate::fields::{Field, Shape, Spec};

pub(super) const fn spec(
    field: Field,
    name: &'static str,
    shape: Shape,
    strong: &'static [&'static str],
    weak: &'static [&'static str],
) -> Spec {
    Spec { field, name, shape, needed: false, strong, weak }
}

pub(super) const fn needed(mut spec: Spec) -> Spec {
    spec.needed = true;
    spec
}

pub(super) const CUSTOMER: &[&str] = &[
    "customer",
    "customerid",
    "customernumber",
    "customerno",
    "customerkey",
    "customeruuid",
    "custid",
    "client",
    "clientid",
    "account",
    "accountid",
    "accountnumber",
];
pub(super) const CUSTOMER_WEAK: &[&str] = &[
    "subscriber",
    "subscriberid",
    "userid",
    "user",
    "organizationid",
    "organisationid",
    "orgid",
    "companyid",
    "organization",
    "organisation",
    "company",
    "customername",
    "clientname",
    "accountname",
    "companyname",
    "name",
    "customeremail",
    "email",
];
pub(super) const SUBSCRIPTION: &[&str] = &[
    "subscription",
    "subscriptionid",
    "subid",
    "subscriptionnumber",
    "subscriptionkey",
    "contract",
    "contractid",
];
const EFFECTIVE: &[&str] = &[
    "effectiveat",
    "effective",
    "effectivedate",
    "effectivefrom",
    "effectiveon",
    "validfrom",
    "changedat",
    "changedate",
    "changedon",
    "eventdate",
    "occurredat",
];
const EFFECTIVE_WEAK: &[&str] = &[
    "date",
    "timestamp",
    "when",
    "at",
    "startdate",
    "start",
    "startedat",
    "startat",
    "startson",
    "startedon",
    "from",
    "since",
    "begin",
    "begindate",
    "month",
];
const START: &[&str] = &[
    "start",
    "startdate",
    "startedat",
    "startat",
    "startson",
    "startedon",
    "from",
    "begin",
    "begindate",
    "periodstart",
    "validfrom",
    "subscriptionstart",
    "starts",
];
const END: &[&str] = &[
    "end",
    "enddate",
    "endedat",
    "endat",
    "endson",
    "endedon",
    "endsat",
    "until",
    "to",
    "validto",
    "validuntil",
    "periodend",
    "expiresat",
    "expirationdate",
    "expirydate",
    "subscriptionend",
    "ends",
];
/// When somebody cancelled: the end, if the file says no other; else the request.
const CANCELLED: &[&str] = &[
    "cancelledat",
    "canceledat",
    "cancelledon",
    "canceledon",
    "cancellationdate",
    "cancelationdate",
    "canceldate",
    "cancelled",
    "canceled",
    "churnedat",
    "churndate",
    "churnedon",
];
const CANCEL_END: &[&str] = &[
    "endedat",
    "enddate",
    "end",
    "endsat",
    "endat",
    "endson",
    "endedon",
    "until",
    "validto",
    "validuntil",
    "expiresat",
    "expirationdate",
    "cancelledat",
    "canceledat",
    "cancelledon",
    "canceledon",
    "cancellationdate",
    "cancelationdate",
    "canceldate",
    "churnedat",
    "churndate",
    "churnedon",
];
pub(super) const PLAN: &[&str] = &["plan", "planname"];
pub(super) const PLAN_WEAK: &[&str] = &[
    "product",
    "productname",
    "tier",
    "package",
    "planid",
    "plancode",
    "sku",
    "productid",
    "priceid",
    "pricename",
];
const AMOUNT: &[&str] = &[
    "amount",
    "price",
    "unitprice",
    "unitamount",
    "planamount",
    "planprice",
    "listprice",
    "fee",
    "recurringamount",
    "amountperunit",
    "priceperunit",
    "priceperseat",
];
/// Price of one unit for a month, whatever the interval.
pub(super) const MONTHLY_PRICE: &[&str] =
    &["monthlyprice", "monthlyamount", "monthlyfee", "pricepermonth", "amountpermonth"];
/// Price of one unit for a year, whatever the interval.
pub(super) const YEARLY_PRICE: &[&str] =
    &["yearlyprice", "annualprice", "yearlyamount", "annualamount", "yearlyfee", "annualfee", "priceperyear"];
/// What the whole item is worth a month or a year, with quantity and discounts in it.
pub(super) const MRR: &[&str] = &["mrr", "monthlyrecurringrevenue", "monthlyrevenue"];
pub(super) const ARR: &[&str] = &["arr", "annualrecurringrevenue", "acv", "annualcontractvalue"];
const AMOUNT_WEAK: &[&str] = &[
    "monthlyprice",
    "monthlyamount",
    "monthlyfee",
    "pricepermonth",
    "amountpermonth",
    "yearlyprice",
    "annualprice",
    "yearlyamount",
    "annualamount",
    "yearlyfee",
    "annualfee",
    "priceperyear",
    "mrr",
    "monthlyrecurringrevenue",
    "monthlyrevenue",
    "arr",
    "annualrecurringrevenue",
    "acv",
    "annualcontractvalue",
];
pub(super) const CURRENCY: &[&str] = &["currency", "currencycode", "isocurrency", "ccy", "cur"];
pub(super) const RECORDED: &[&str] = &["recordedat", "recorded", "recordedon", "knownat", "learnedat"];
pub(super) const RETRACT: &[&str] = &["retract", "retracted", "withdrawn"];
const NAME: &[&str] = &["name", "customername"];
const EMAIL: &[&str] = &["email", "emailaddress", "customeremail", "mail"];

/// What states and periods share.
macro_rules! item_fields {
    ($($first:expr),*; $cancel_at_weak:expr) => {
        &[
            $($first,)*
            spec(Field::Item, "item", T, &["item", "itemid", "subscriptionitem", "subscriptionitemid", "lineitem", "lineitemid"], &[]),
            spec(Field::Status, "status", T, &["status", "subscriptionstatus", "state"], &[]),
            spec(Field::Plan, "plan", T, PLAN, PLAN_WEAK),
            spec(Field::Amount, "amount", N, AMOUNT, AMOUNT_WEAK),
            spec(Field::Currency, "currency", T, CURRENCY, &[]),
            spec(Field::Interval, "interval", T, &["interval", "billinginterval", "billingperiod", "billingcycle", "billingfrequency", "planinterval", "intervalunit"], &["frequency", "period", "term", "cycle", "billing", "recurrence"]),
            spec(Field::IntervalCount, "interval_count", N, &["intervalcount", "billingintervalcount", "planintervalcount", "periodcount"], &[]),
            spec(Field::Quantity, "quantity", N, &["quantity", "qty", "seats", "seatcount", "numberofseats", "licenses", "licences", "units"], &[]),
            spec(Field::UsageType, "usage_type", T, &["usagetype"], &[]),
            spec(Field::DiscountPercent, "discount_percent", N, &["discountpercent", "discountpercentage", "discountpct", "percentoff"], &[]),
            spec(Field::DiscountAmount, "discount_amount", N, &["discountamount", "amountoff"], &[]),
            spec(Field::DiscountKind, "discount_kind", T, &["discountkind", "discountduration"], &[]),
            spec(Field::DiscountUntil, "discount_until", D, &["discountuntil", "discountend", "discountendsat", "discountenddate", "discountendat"], &[]),
            spec(Field::Discounts, "discounts", T, &["discounts"], &[]),
            spec(Field::TrialEnd, "trial_end", D, &["trialend", "trialendsat", "trialendat", "trialenddate", "trialuntil", "trialendson"], &[]),
            spec(Field::CancelAt, "cancel_at", D, &["cancelat", "cancelsat", "cancelson"], $cancel_at_weak),
            spec(Field::CancelRequestedAt, "cancel_requested_at", D, &["cancelrequestedat", "cancelrequested", "cancellationrequestedat", "cancelrequestdate"], CANCELLED),
            spec(Field::Reason, "reason", T, &["reason", "cancelreason", "cancellationreason", "churnreason"], &[]),
            spec(Field::Seq, "seq", N, &["seq", "sequence"], &[]),
            spec(Field::RecordedAt, "recorded_at", D, RECORDED, &[]),
            spec(Field::Retract, "retract", T, RETRACT, &[]),
            spec(Field::Reconstructed, "reconstructed", T, &["reconstructed"], &[]),
        ]
    };
}

#[rustfmt::skip]
pub(super) static STATES: &[Spec] = item_fields!(
    needed(spec(Field::Customer, "customer", T, CUSTOMER, CUSTOMER_WEAK)),
    needed(spec(Field::Subscription, "subscription", T, SUBSCRIPTION, &["id"])),
    needed(spec(Field::EffectiveAt, "effective_at", D, EFFECTIVE, EFFECTIVE_WEAK)); CANCEL_END
);

#[rustfmt::skip]
pub(super) static PERIODS: &[Spec] = item_fields!(
    needed(spec(Field::Customer, "customer", T, CUSTOMER, CUSTOMER_WEAK)),
    spec(Field::Subscription, "subscription", T, SUBSCRIPTION, &[]),
    needed(spec(Field::Start, "start", D, START, &["effectiveat", "effectivedate", "effectivefrom", "date"])),
    spec(Field::End, "end", D, END, CANCELLED); &[]
);

#[rustfmt::skip]
pub(super) static CUSTOMERS: &[Spec] = &[
    needed(spec(Field::Customer, "customer", T, CUSTOMER, &["id", "externalid", "subscriber", "subscriberid", "userid", "user", "organizationid", "organisationid", "orgid", "companyid", "uuid"])),
    spec(Field::Name, "name", T, NAME, &["companyname", "fullname", "clientname", "accountname"]),
    spec(Field::Email, "email", T, EMAIL, &[]),
    spec(Field::Country, "country", T, &["country"], &["countrycode", "billingcountry", "addresscountry"]),
    spec(Field::Channel, "channel", T, &["channel"], &["acquisitionchannel", "marketingchannel"]),
    spec(Field::SignedUpAt, "signed_up_at", D, &["signedupat", "signupdate", "signedup", "signup", "signupat", "signedupon", "registeredat", "customersince", "joinedat"], &["createdat", "created", "createdutc", "createdon", "createddate"]),
    spec(Field::EffectiveAt, "effective_at", D, EFFECTIVE, &[]),
    spec(Field::MergedInto, "merged_into", T, &["mergedinto", "mergedintoid", "mergedintocustomer", "duplicateof"], &[]),
    spec(Field::RecordedAt, "recorded_at", D, RECORDED, &[]),
    spec(Field::Retract, "retract", T, RETRACT, &[]),
];

#[rustfmt::skip]
pub(super) static RATES: &[Spec] = &[
    needed(spec(Field::Date, "date", D, &["date", "day", "ratedate", "publishedat", "publishedon"], &["effectivedate", "effectiveat", "asof", "month"])),
    needed(spec(Field::Base, "base", T, &["base", "basecurrency", "fromcurrency", "sourcecurrency"], &["from"])),
    needed(spec(Field::Quote, "quote", T, &["quote", "quotecurrency", "tocurrency", "targetcurrency", "countercurrency"], &["to", "target", "currency"])),
    needed(spec(Field::Rate, "rate", N, &["rate", "exchangerate", "fxrate"], &["value", "close", "price"])),
    spec(Field::RecordedAt, "recorded_at", D, RECORDED, &[]),
    spec(Field::Retract, "retract", T, RETRACT, &[]),
];

#[rustfmt::skip]
pub(super) static STRIPE_SUBSCRIPTIONS: &[Spec] = &[
    needed(spec(Field::Subscription, "id", T, &["id", "subscriptionid"], &[])),
    needed(spec(Field::Customer, "Customer ID", T, &["customerid", "customer"], &[])),
    spec(Field::Plan, "Plan", T, &["plan", "planname"], &["priceid", "planid"]),
    spec(Field::Product, "Product", T, &["product", "productname"], &["productid"]),
    spec(Field::Quantity, "Quantity", N, &["quantity"], &[]),
    spec(Field::Currency, "Currency", T, &["currency"], &["plancurrency"]),
    needed(spec(Field::Interval, "Interval", T, &["interval", "planinterval"], &[])),
    spec(Field::IntervalCount, "Interval Count", N, &["intervalcount", "planintervalcount"], &[]),
    needed(spec(Field::Amount, "Amount", N, &["amount", "planamount"], &[])),
    needed(spec(Field::Status, "Status", T, &["status"], &[])),
    spec(Field::Reason, "Cancellation Reason", T, &["cancellationreason"], &[]),
    spec(Field::Created, "Created (UTC)", D, &["createdutc", "createddateutc"], &["created"]),
    spec(Field::Start, "Start (UTC)", D, &["startutc"], &["start"]),
    spec(Field::EffectiveAt, "Start Date (UTC)", D, &["startdateutc"], &["startdate"]),
    spec(Field::PeriodStart, "Current Period Start (UTC)", D, &["currentperiodstartutc"], &["currentperiodstart"]),
    spec(Field::PeriodEnd, "Current Period End (UTC)", D, &["currentperiodendutc"], &["currentperiodend"]),
    spec(Field::TrialStart, "Trial Start (UTC)", D, &["trialstartutc"], &["trialstart"]),
    spec(Field::TrialEnd, "Trial End (UTC)", D, &["trialendutc"], &["trialend"]),
    spec(Field::CancelRequestedAt, "Canceled At (UTC)", D, &["canceledatutc", "cancelledatutc"], &["canceledat"]),
    spec(Field::CancelAt, "Cancel At (UTC)", D, &["cancelatutc"], &["cancelat"]),
    spec(Field::CancelAtPeriodEnd, "Cancel At Period End", T, &["cancelatperiodend"], &[]),
    spec(Field::EndedAt, "Ended At (UTC)", D, &["endedatutc"], &["endedat"]),
];

#[rustfmt::skip]
pub(super) static STRIPE_CUSTOMERS: &[Spec] = &[
    needed(spec(Field::Customer, "id", T, &["id", "customerid"], &[])),
    spec(Field::Name, "Name", T, &["name", "customername"], &["businessname"]),
    spec(Field::Email, "Email", T, &["email", "customeremail"], &[]),
    spec(Field::Description, "Description", T, &["description", "customerdescription"], &[]),
    spec(Field::Created, "Created (UTC)", D, &["createdutc", "createddateutc"], &["created"]),
    spec(Field::Currency, "Currency", T, &["currency"], &[]),
    spec(Field::Country, "Address Country", T, &["country"], &["addresscountry", "billingaddresscountry", "cardaddresscountry", "shippingaddresscountry"]),
];
