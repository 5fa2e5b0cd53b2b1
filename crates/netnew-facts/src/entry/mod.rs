//! Entries: what happened around the subscriptions. Invoices, payments, refunds, credit notes, disputes, usage,
//! product events, expenses, acquisition spend and opportunities.
//!
//! An entry is a fact like any other: it has a natural key (source, kind, key), is superseded by a later statement
//! of the same key or retracted, and is never changed. One kind is one plain struct. A new kind takes a
//! struct, a variant in [`Entry`] and a line in the list below.

mod billing;
mod business;
mod wire;

pub use billing::{
    CreditNote, Dispute, DisputeStatus, Invoice, InvoiceLine, InvoiceStatus, LineKind, Payment,
    PaymentResult, Refund,
};
pub use business::{Event, Expense, ExpenseClass, Opportunity, Spend, Stage, Usage};

use serde::Serialize;
use std::fmt;

/// Declares the kinds once: codes are stored in books, so positions may never change.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal, $name:literal, $bound:literal;)*) => {
        /// What an entry is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EntryKind {
            $($(#[$doc])* $kind,)*
        }

        impl EntryKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &[EntryKind] = &[$(EntryKind::$kind),*];

            /// The word used in files, JSON and pages; the name of the files that hold them.
            pub const fn as_str(self) -> &'static str {
                match self { $(EntryKind::$kind => $name,)* }
            }

            /// The number that books store.
            pub const fn code(self) -> u8 {
                match self { $(EntryKind::$kind => $code,)* }
            }

            /// True when such an entry belongs to a customer; the others are the business's own.
            pub const fn is_of_customer(self) -> bool {
                match self { $(EntryKind::$kind => $bound,)* }
            }
        }

        /// What an entry says. Its instant, its customer and its key stand beside it in the fact.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum Entry {
            $($(#[$doc])* $kind($kind),)*
        }

        impl Entry {
            /// Its kind.
            pub const fn kind(&self) -> EntryKind {
                match self { $(Entry::$kind(_) => EntryKind::$kind,)* }
            }

            /// The entry as canonical JSON: equal entries give equal text.
            pub fn to_json(&self) -> String {
                serde_json::to_string(self).expect("plain structs of texts always serialise")
            }

            /// Reads what [`Entry::to_json`] wrote of an entry of this kind.
            ///
            /// # Errors
            /// What is wrong with the text.
            pub fn from_json(kind: EntryKind, json: &str) -> Result<Entry, String> {
                match kind {
                    $(EntryKind::$kind => serde_json::from_str(json).map(Entry::$kind),)*
                }
                .map_err(|error| error.to_string())
            }
        }
    };
}

kinds! {
    /// An invoice with its lines; its instant is when it was issued.
    Invoice = 0, "invoices", true;
    /// An attempt to collect money, successful or not; its instant is that of the attempt.
    Payment = 1, "payments", true;
    /// Money given back; its instant is when.
    Refund = 2, "refunds", true;
    /// An invoice reduced after it was issued; its instant is when.
    CreditNote = 3, "credit-notes", true;
    /// A payment contested by its payer; its instant is when it was opened.
    Dispute = 4, "disputes", true;
    /// Use of a metered item; its instant is when it was used.
    Usage = 5, "usage", true;
    /// Something a customer did in the product.
    Event = 6, "events", true;
    /// Money spent on running the business; its instant is the day it belongs to.
    Expense = 7, "expenses", false;
    /// Money spent on acquiring customers, by channel; its instant is the first day it was spent for.
    Spend = 8, "spend", false;
    /// A deal that may become a customer; its instant is the one its file names, or the close date.
    Opportunity = 9, "opportunities", false;
}

impl EntryKind {
    /// Reads the word, exactly as [`EntryKind::as_str`] writes it.
    pub fn parse(text: &str) -> Option<EntryKind> {
        EntryKind::ALL.iter().copied().find(|k| k.as_str() == text)
    }

    /// Reads [`EntryKind::code`].
    pub fn from_code(code: u8) -> Option<EntryKind> {
        EntryKind::ALL.iter().copied().find(|k| k.code() == code)
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Declares an enum whose words are those of files and JSON.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
        )]
        pub enum $name {
            $($(#[$word_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The word used in files and JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }

            /// Reads the word, exactly as `as_str` writes it.
            pub fn parse(text: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|w| w.as_str() == text)
            }
        }
    };
}
use words;

#[cfg(test)]
mod tests {
    use super::*;
    use netnew_money::{Amount, Currency, Instant};

    fn usd() -> Currency {
        Currency::parse("USD").unwrap()
    }

    #[test]
    fn kinds_keep_their_numbers_and_names() {
        let codes: Vec<u8> = EntryKind::ALL.iter().map(|k| k.code()).collect();
        assert_eq!(codes, (0..10).collect::<Vec<u8>>());
        for kind in EntryKind::ALL {
            assert_eq!(EntryKind::parse(kind.as_str()), Some(*kind));
            assert_eq!(EntryKind::from_code(kind.code()), Some(*kind));
        }
        assert_eq!(EntryKind::from_code(99), None);
    }

    #[test]
    fn an_invoice_comes_back_to_the_last_digit() {
        let mut invoice = Invoice::open(usd());
        invoice.status = InvoiceStatus::Paid;
        invoice.tax = Amount::parse("19.0000000001").unwrap();
        invoice.lines.push(InvoiceLine {
            subscription: Some("s".into()),
            amount: Amount::parse("-100").unwrap(),
            period_start: Some(Instant::from_micros(-1)),
            period_end: Some(Instant::from_micros(86_400_000_000)),
            proration: true,
            ..InvoiceLine::of(Amount::ZERO)
        });
        let entry = Entry::Invoice(invoice);
        let text = entry.to_json();
        assert_eq!(Entry::from_json(EntryKind::Invoice, &text), Ok(entry.clone()));
        assert_eq!(Entry::from_json(EntryKind::Invoice, &text).unwrap().to_json(), text);
        assert!(Entry::from_json(EntryKind::Payment, &text).is_err(), "one kind is not read as another");
    }

    #[test]
    fn absent_values_take_no_room() {
        let spend =
            Entry::Spend(Spend { channel: Some("ads".into()), ..Spend::of(Amount::from_major(5), usd()) });
        assert_eq!(spend.to_json(), r#"{"amount":"5","currency":"USD","channel":"ads"}"#);
    }
}
