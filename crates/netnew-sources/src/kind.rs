//! Kinds of files.

use std::fmt;

use netnew_facts::EntryKind;

use crate::code;
use crate::problem::{SourceError, shown};

/// What the rows of a file are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Item states: from an instant on, an item is like this.
    States,
    /// Periods: a customer paid this much from a start to an end.
    Periods,
    /// Customers with their attributes.
    Customers,
    /// Published exchange rates.
    Rates,
    /// Stripe's dashboard export of subscriptions.
    StripeSubscriptions,
    /// Stripe's dashboard export of customers.
    StripeCustomers,
    /// Stripe's API objects and events. They are read as objects ([`crate::JsonObjects`]), not as rows.
    StripeJson,
    /// Entries of one kind: invoices, payments, usage, expenses, ...
    Entries(EntryKind),
    /// Stripe's dashboard export of payments.
    StripePayments,
    /// Stripe's dashboard export of invoices.
    StripeInvoices,
    /// Objects or exports of another billing system, by the name of the kind. They are read as objects
    /// ([`crate::JsonObjects`]) or records ([`crate::Records`]) by the room that knows the system.
    Biller(&'static str),
}

/// Kinds of other billing systems' objects and exports.
const BILLERS: [&str; 9] = [
    "paddle-json",
    "chargebee-json",
    "recurly-json",
    "recurly-csv",
    "lemonsqueezy-json",
    "paypal-json",
    "braintree-json",
    "appstore-json",
    "googleplay-json",
];

impl Kind {
    /// Every kind that can be read, in the order of the documentation.
    pub const ALL: [Kind; 19] = [
        Kind::States,
        Kind::Periods,
        Kind::Customers,
        Kind::Rates,
        Kind::StripeSubscriptions,
        Kind::StripeCustomers,
        Kind::StripeJson,
        Kind::Entries(EntryKind::Invoice),
        Kind::Entries(EntryKind::Payment),
        Kind::Entries(EntryKind::Refund),
        Kind::Entries(EntryKind::CreditNote),
        Kind::Entries(EntryKind::Dispute),
        Kind::Entries(EntryKind::Usage),
        Kind::Entries(EntryKind::Event),
        Kind::Entries(EntryKind::Expense),
        Kind::Entries(EntryKind::Spend),
        Kind::Entries(EntryKind::Opportunity),
        Kind::StripePayments,
        Kind::StripeInvoices,
    ];

    /// Every name that `--as` takes, in the order of the documentation.
    pub fn names() -> Vec<&'static str> {
        Kind::ALL.map(Kind::as_str).into_iter().chain(BILLERS).collect()
    }

    /// The name used with `--as`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::States => "states",
            Kind::Periods => "periods",
            Kind::Customers => "customers",
            Kind::Rates => "rates",
            Kind::StripeSubscriptions => "stripe-subscriptions",
            Kind::StripeCustomers => "stripe-customers",
            Kind::StripeJson => "stripe-json",
            Kind::Entries(kind) => kind.as_str(),
            Kind::StripePayments => "stripe-payments",
            Kind::StripeInvoices => "stripe-invoices",
            Kind::Biller(name) => name,
        }
    }

    /// Reads the name as [`Kind::as_str`] writes it, in any case and with `_` for `-`.
    ///
    /// # Errors
    /// `unknown_kind` for any other name.
    pub fn parse(text: &str) -> Result<Kind, SourceError> {
        let name = text.trim().to_lowercase().replace('_', "-");
        if let Some(kind) = Kind::ALL.into_iter().find(|k| k.as_str() == name) {
            return Ok(kind);
        }
        if let Some(name) = BILLERS.into_iter().find(|known| *known == name) {
            return Ok(Kind::Biller(name));
        }
        let hint = format!("use one of {}", Kind::names().join(", "));
        Err(SourceError::new("", code::UNKNOWN_KIND, format!("there is no kind {}", shown(&name)), hint))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_others_are_told_apart() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Ok(kind));
        }
        assert_eq!(Kind::parse("Stripe_Customers"), Ok(Kind::StripeCustomers));
        assert_eq!(Kind::parse("credit_notes"), Ok(Kind::Entries(EntryKind::CreditNote)));
        assert_eq!(Kind::parse("statements").unwrap_err().code(), code::UNKNOWN_KIND);
    }
}
