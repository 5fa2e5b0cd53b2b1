//! A charge with its refunds and disputes, told as entries.

use crate::piece::{Cash, Piece};
use netnew_facts::{Entry, EntryKind, PaymentResult, Refund, Text};
use netnew_money::{Amount, Instant, Provider};

/// A piece about a charge.
#[derive(Clone, Copy, Debug)]
pub struct Paid<'a> {
    /// What it is kept under: the object's id, or that and ` closed`.
    pub id: &'a str,
    /// The piece.
    pub piece: &'a Piece,
}

/// An entry as all that is known tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// What it is.
    pub kind: EntryKind,
    /// Its id.
    pub key: String,
    /// Customer, or empty where no one is known.
    pub customer: String,
    /// When it happened.
    pub at: Instant,
    /// What it says; none for one that is not, or no longer.
    pub entry: Option<Entry>,
    /// Which of the pieces says it.
    pub by: usize,
}

/// The entries of one charge from all pieces about it, and what of links it lacks: ids of payments whose invoice is not known.
/// `invoice_of` finds the invoice that a payment intent or a charge is for.
///
/// What a charge says was given back and no refund tells of is an entry of its own, under the charge's id and `/refund`, at
/// the moment of the charge: the object does not say when.
pub fn entries_of_charge(
    rows: &[Paid<'_>],
    invoice_of: &dyn Fn(&str) -> Option<String>,
) -> (Vec<Entered>, Vec<String>) {
    let cash = |row: &Paid| match row.piece {
        Piece::Cash(cash) => Some((**cash).clone()),
        _ => None,
    };
    let all: Vec<(usize, &str, Cash)> =
        rows.iter().enumerate().filter_map(|(at, row)| Some((at, row.id, cash(row)?))).collect();
    let of = |kind: EntryKind| all.iter().filter(move |(_, _, c)| c.kind == kind.as_str());
    let charge = of(EntryKind::Payment).next();
    let intent = all.iter().find_map(|(_, _, c)| c.intent.clone());
    let known = charge.and_then(|(_, id, c)| c.invoice.clone().or_else(|| invoice_of(id)));
    let invoice = known.or_else(|| invoice_of(intent.as_deref()?));
    let mut wanted = Vec::new();
    if invoice.is_none() {
        wanted.extend(intent.iter().map(|id| format!("pays {id}")));
        wanted.extend(charge.map(|(_, id, _)| format!("pays {id}")));
    }
    let customer = charge.and_then(|(_, _, c)| c.customer.clone()).unwrap_or_default();
    let payment: Option<Text> = charge.map(|(_, id, _)| Text::from(*id));
    let invoice: Option<Text> = invoice.as_deref().map(Text::from);
    let mut out = Vec::new();
    for (by, id, cash) in all.iter().filter(|(_, _, c)| !c.entry.is_empty()) {
        let Some(kind) = EntryKind::parse(&cash.kind) else { continue };
        let Ok(mut entry) = Entry::from_json(kind, &cash.entry) else { continue };
        match &mut entry {
            Entry::Payment(paid) => paid.invoice.clone_from(&invoice),
            Entry::Refund(refund) => {
                refund.payment.clone_from(&payment);
                refund.invoice.clone_from(&invoice);
            }
            Entry::Dispute(dispute) => {
                dispute.payment.clone_from(&payment);
                dispute.invoice.clone_from(&invoice);
                let closed = all.iter().find(|(_, other, _)| other.strip_suffix(" closed") == Some(*id));
                dispute.closed_at = closed.map(|(_, _, c)| instant(c.at));
            }
            _ => continue,
        }
        let entered = Entered {
            kind,
            key: id.to_string(),
            customer: customer.clone(),
            at: instant(cash.at),
            entry: Some(entry),
            by: *by,
        };
        out.push(entered);
    }
    if let Some((by, id, cash)) = charge {
        let told: i64 = of(EntryKind::Refund).map(|(_, _, c)| c.refunded).fold(0, i64::saturating_add);
        let entry = untold(cash, cash.refunded - told).map(|refund| Refund {
            payment: payment.clone(),
            invoice: invoice.clone(),
            ..refund
        });
        out.push(Entered {
            kind: EntryKind::Refund,
            key: format!("{id}/refund"),
            customer,
            at: instant(cash.at),
            entry: entry.map(Entry::Refund),
            by: *by,
        });
    }
    (out, wanted)
}

fn instant(seconds: i64) -> Instant {
    Instant::from_micros(seconds.saturating_mul(1_000_000))
}

/// A refund of so many smallest units of a charge, if they are any.
fn untold(charge: &Cash, minor: i64) -> Option<Refund> {
    let Ok(Entry::Payment(payment)) = Entry::from_json(EntryKind::Payment, &charge.entry) else {
        return None;
    };
    let amount = payment.currency.checked_amount_from_minor(i128::from(minor), Provider::Stripe)?;
    let worth_it = amount.is_positive() && payment.result == PaymentResult::Succeeded;
    worth_it.then(|| Refund::of(amount.max(Amount::ZERO), payment.currency))
}
