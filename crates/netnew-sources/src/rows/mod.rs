//! From records to statements, one module per kind.

mod customers;
mod entries;
mod entry_text;
mod item;
mod periods;
mod rates;
pub(crate) mod states;
mod stripe_customers;
mod stripe_money;
mod stripe_subscriptions;

pub use entry_text::{entry_columns, entry_row};
use netnew_facts::{Statement, StatementBody};
use netnew_money::Instant;

use crate::fields::Field;
use crate::kind::Kind;
use crate::problem::{Complaint, SourceError};
use crate::row::{RowView, Setup};

/// Turns the records of one kind into statements.
pub(crate) trait Decode: Send {
    /// Adds what the record states.
    fn decode(&mut self, row: RowView<'_>, out: &mut Vec<Statement>) -> Result<(), Complaint>;

    /// Columns that are no field of the kind but are read all the same.
    fn other_columns(&self) -> &[usize] {
        &[]
    }

    /// What is to be said when all records have been read.
    fn closing_notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The decoder of a kind, which may take columns out of use or add notes.
pub(crate) fn decoder(
    kind: Kind,
    setup: &mut Setup,
    notes: &mut Vec<String>,
) -> Result<Box<dyn Decode>, SourceError> {
    Ok(match kind {
        Kind::States => Box::new(states::States::new(setup, notes)),
        Kind::Periods => Box::new(periods::Periods::new(setup, notes)),
        Kind::Customers => Box::new(customers::Customers::new(setup)?),
        Kind::Rates => Box::new(rates::Rates),
        Kind::StripeSubscriptions => Box::new(stripe_subscriptions::StripeSubscriptions::new()),
        Kind::StripeCustomers => Box::new(stripe_customers::StripeCustomers::new(setup)),
        Kind::StripeJson => {
            return Err(SourceError::new(
                &setup.file,
                crate::code::UNSUPPORTED_FORMAT,
                "the file does not hold Stripe's objects as JSON",
                "give the objects or events as the API writes them: one a line, as a list, or one after the other",
            ));
        }
        Kind::Biller(name) => {
            return Err(SourceError::new(
                &setup.file,
                crate::code::UNSUPPORTED_FORMAT,
                format!("the file does not hold what {name} is"),
                "give the objects or events as the system's API writes them, or its export as it comes",
            ));
        }
        Kind::Entries(kind) => Box::new(entries::Entries::new(kind, setup)),
        Kind::StripePayments => Box::new(stripe_money::StripePayments::default()),
        Kind::StripeInvoices => Box::new(stripe_money::StripeInvoices),
    })
}

/// A statement with the row it comes from and when the file says it became known.
fn statement(row: RowView<'_>, body: StatementBody) -> Result<Statement, Complaint> {
    let recorded_at = row.instant(Field::RecordedAt)?;
    Ok(Statement { row: row.line(), recorded_at, version: recorded_at.map(Instant::micros), body })
}
