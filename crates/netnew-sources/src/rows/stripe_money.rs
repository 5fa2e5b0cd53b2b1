//! Stripe's dashboard exports of payments and invoices, as they come.

use netnew_facts::{
    Body, Dispute, DisputeStatus, Entry, Invoice, InvoiceLine, InvoiceStatus, Payment, PaymentResult, Refund,
    Statement, StatementBody, Text,
};
use netnew_money::{Amount, Instant};

use crate::fields::Field;
use crate::problem::Complaint;
use crate::row::RowView;
use crate::rows::entries::{dispute_status, invoice_status, money, needed_money, payment_result, text};
use crate::rows::{Decode, statement};

/// Payments, and the refunds and disputes that their rows tell of.
#[derive(Default)]
pub(crate) struct StripePayments {
    undated_refunds: u64,
}

impl Decode for StripePayments {
    fn decode(&mut self, row: RowView<'_>, out: &mut Vec<Statement>) -> Result<(), Complaint> {
        let id: Text = row.needed_text(Field::Id)?.into();
        // A payment without a customer (a payment link, say) belongs to the business itself.
        let customer = text(row, Field::Customer)?.unwrap_or_else(|| Text::from(""));
        let at = row.needed_instant(Field::Created)?;
        let (amount, currency) = needed_money(row, Field::Amount)?;
        let mut result = row.word(Field::Status, payment_result)?.unwrap_or(PaymentResult::Succeeded);
        if row.text(Field::Captured)?.is_some()
            && !row.flag(Field::Captured)?
            && result == PaymentResult::Succeeded
        {
            result = PaymentResult::Pending;
        }
        let invoice = text(row, Field::Invoice)?;
        let refunded = money(row, Field::Refunded, Some(currency))?.unwrap_or(Amount::ZERO).abs();
        let disputed = money(row, Field::Disputed, Some(currency))?.unwrap_or(Amount::ZERO).abs();
        let payment = Payment {
            result,
            amount,
            currency,
            invoice: invoice.clone(),
            subscription: None,
            method: text(row, Field::Method)?,
            attempt: None,
            failure: if result == PaymentResult::Failed { text(row, Field::Failure)? } else { None },
            fee: money(row, Field::Fee, Some(currency))?.filter(|fee| !fee.is_zero()),
        };
        out.push(booked(row, &customer, id.clone(), at, Entry::Payment(payment))?);
        if refunded.is_positive() {
            let dated = row.instant(Field::RefundedAt)?;
            self.undated_refunds += u64::from(dated.is_none());
            let refund = Refund {
                payment: Some(id.clone()),
                invoice: invoice.clone(),
                ..Refund::of(refunded, currency)
            };
            let key = format!("{id}/refund").into();
            out.push(booked(row, &customer, key, dated.unwrap_or(at), Entry::Refund(refund))?);
        }
        if disputed.is_positive() {
            let dispute = Dispute {
                amount: disputed,
                currency,
                status: row.word(Field::DisputeStatus, dispute_status)?.unwrap_or(DisputeStatus::Open),
                payment: Some(id.clone()),
                invoice,
                closed_at: None,
                reason: text(row, Field::Reason)?,
            };
            let when = row.instant(Field::DisputedAt)?.unwrap_or(at);
            out.push(booked(row, &customer, format!("{id}/dispute").into(), when, Entry::Dispute(dispute))?);
        }
        Ok(())
    }

    fn closing_notes(&self) -> Vec<String> {
        match self.undated_refunds {
            0 => Vec::new(),
            n => vec![format!("{n} refunds have no date of their own and are dated like their payment")],
        }
    }
}

/// Invoices, one line each: the export has no lines.
pub(crate) struct StripeInvoices;

impl Decode for StripeInvoices {
    fn decode(&mut self, row: RowView<'_>, out: &mut Vec<Statement>) -> Result<(), Complaint> {
        let id: Text = row.needed_text(Field::Id)?.into();
        let customer: Text = row.needed_text(Field::Customer)?.into();
        let at = row.needed_instant(Field::Date)?;
        let (total, currency) = needed_money(row, Field::Total)?;
        let tax = money(row, Field::Tax, Some(currency))?.unwrap_or(Amount::ZERO);
        let paid = row.flag(Field::Void)?;
        let assumed = if paid { InvoiceStatus::Paid } else { InvoiceStatus::Open };
        let subscription = text(row, Field::Subscription)?;
        let kind = match &subscription {
            Some(_) => netnew_facts::LineKind::Subscription,
            None => netnew_facts::LineKind::OneTime,
        };
        let mut invoice = Invoice {
            status: row.word(Field::Status, invoice_status)?.unwrap_or(assumed),
            total,
            tax,
            number: text(row, Field::Number)?,
            subscription: subscription.clone(),
            due_at: row.instant(Field::DueAt)?,
            paid_at: row.instant(Field::PaidAt)?,
            ..Invoice::open(currency)
        };
        invoice.lines.push(InvoiceLine {
            kind,
            discount: money(row, Field::DiscountAmount, Some(currency))?.filter(|d| !d.is_zero()),
            subscription,
            period_start: row.instant(Field::PeriodStart)?,
            period_end: row.instant(Field::PeriodEnd)?,
            ..InvoiceLine::of(invoice.net())
        });
        out.push(booked(row, &customer, id, at, Entry::Invoice(invoice))?);
        Ok(())
    }
}

fn booked(
    row: RowView<'_>,
    customer: &Text,
    key: Text,
    effective_at: Instant,
    entry: Entry,
) -> Result<Statement, Complaint> {
    let body = Body::Entry { kind: entry.kind(), key, effective_at, entry: Some(Box::new(entry)) };
    statement(row, StatementBody::Customer { customer: customer.clone(), body })
}
