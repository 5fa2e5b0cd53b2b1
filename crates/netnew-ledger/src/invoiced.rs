//! What was invoiced for an item, and what was given back of it (section 10 of `docs/ledger.md`).

use netnew_facts::{Body, Discount, DiscountValue, Entry, Fact, Invoice, InvoiceStatus, PaymentResult};
use netnew_money::{Amount, Instant, Ratio, Rounding};
use std::collections::BTreeMap;

/// Microseconds in a day.
const DAY: i64 = 86_400_000_000;

/// A source and a key in it.
type Key<'f> = (&'f str, &'f str);

/// Amounts given back of one invoice, each from an instant on.
type Given = Vec<(Instant, Amount)>;

/// A line of an invoice with the period that it is for.
struct Line<'f> {
    source: &'f str,
    subscription: &'f str,
    item: Option<&'f str>,
    from: Instant,
    to: Instant,
    /// What it charges.
    amount: Amount,
    /// The same before its discounts.
    gross: Amount,
    /// Position of its invoice.
    invoice: usize,
}

impl Line<'_> {
    fn holds(&self, at: Instant) -> bool {
        self.from <= at && at < self.to
    }
}

struct Whole {
    total: Amount,
    refunds: Given,
    notes: Given,
}

/// The invoices of a customer that were issued, with what lowers them.
pub(crate) struct Invoiced<'f> {
    invoices: Vec<Whole>,
    lines: Vec<Line<'f>>,
}

impl<'f> Invoiced<'f> {
    /// From the entries that hold. `refunds` and `notes` say which of the two lower levels.
    pub(crate) fn new(
        entries: &[(&'f Fact, Instant, &'f Entry)],
        refunds: bool,
        notes: bool,
    ) -> Invoiced<'f> {
        let mut out = Invoiced { invoices: Vec::new(), lines: Vec::new() };
        let mut places: BTreeMap<Key, usize> = BTreeMap::new();
        let mut paid_for: BTreeMap<Key, &str> = BTreeMap::new();
        for (fact, _, entry) in entries {
            let Body::Entry { key, .. } = &fact.body else { continue };
            match entry {
                Entry::Invoice(invoice)
                    if !matches!(invoice.status, InvoiceStatus::Draft | InvoiceStatus::Void) =>
                {
                    places.insert((&fact.source, key), out.invoices.len());
                    out.invoice(&fact.source, invoice);
                }
                Entry::Payment(payment) => {
                    paid_for.extend(payment.invoice.as_deref().map(|of| ((&*fact.source, &**key), of)));
                }
                _ => {}
            }
        }
        for (fact, at, entry) in entries {
            let source = &*fact.source;
            match entry {
                Entry::Refund(refund) if refunds && refund.result == PaymentResult::Succeeded => {
                    let paid = refund.payment.as_deref().and_then(|p| paid_for.get(&(source, p)).copied());
                    let place = refund.invoice.as_deref().or(paid).and_then(|of| places.get(&(source, of)));
                    if let Some(place) = place {
                        out.invoices[*place].refunds.push((*at, refund.amount));
                    }
                }
                Entry::CreditNote(note) if notes && !note.void => {
                    let place = note.invoice.as_deref().and_then(|of| places.get(&(source, of)));
                    if let Some(place) = place {
                        out.invoices[*place].notes.push((*at, note.amount));
                    }
                }
                _ => {}
            }
        }
        out
    }

    fn invoice(&mut self, source: &'f str, invoice: &'f Invoice) {
        for line in &invoice.lines {
            let subscription = line.subscription.as_deref().or(invoice.subscription.as_deref());
            let period = line.period_start.zip(line.period_end).filter(|(from, to)| from < to);
            let (Some(subscription), Some((from, to))) = (subscription, period) else { continue };
            self.lines.push(Line {
                source,
                subscription,
                item: line.item.as_deref(),
                from,
                to,
                amount: line.amount,
                gross: line.amount + line.discount.unwrap_or_default(),
                invoice: self.invoices.len(),
            });
        }
        self.invoices.push(Whole { total: invoice.total, refunds: Vec::new(), notes: Vec::new() });
    }

    fn of<'s>(&'s self, (source, subscription, item): (&'s str, &'s str, &'s str)) -> Vec<&'s Line<'f>> {
        let about = |line: &&Line| {
            line.source == source
                && line.subscription == subscription
                && line.item.is_none_or(|named| named == item)
        };
        self.lines.iter().filter(about).collect()
    }

    /// Instants at which the share of an item that was given back may change; none where nothing was.
    pub(crate) fn cuts(&self, item: (&str, &str, &str)) -> Vec<Instant> {
        let lines = self.of(item);
        let mut out = Vec::new();
        for line in &lines {
            let whole = &self.invoices[line.invoice];
            out.extend(whole.notes.iter().map(|(at, _)| *at).filter(|at| line.holds(*at)));
            if !whole.refunds.is_empty() || !whole.notes.is_empty() {
                // What else was invoiced for a part of the time changes the share too.
                let beside = lines.iter().filter(|other| other.from < line.to && line.from < other.to);
                out.extend(beside.flat_map(|other| [other.from, other.to]));
            }
        }
        out
    }

    /// The share of what was invoiced for an instant that was not given back, 0 to 1; `None` where it does not fit.
    pub(crate) fn kept(&self, item: (&str, &str, &str), at: Instant, gross: bool) -> Option<Ratio> {
        let (mut billed, mut back) = (Ratio::ZERO, Ratio::ZERO);
        for line in self.of(item).into_iter().filter(|line| line.holds(at)) {
            let whole = &self.invoices[line.invoice];
            // Whole days: an hour of summer time plays no part, and the fractions stay small enough to add up.
            let days = (line.to.micros() - line.from.micros() + DAY / 2) / DAY;
            let length = Ratio::from_int(i128::from(days.max(1)));
            let rate = |amount: Amount| Ratio::from_amount(amount).checked_div(length);
            billed = billed.checked_add(rate(if gross { line.gross } else { line.amount })?)?;
            back = back.checked_add(rate(line.amount)?.checked_mul(whole.share(at)?)?)?;
        }
        if billed <= Ratio::ZERO || back <= Ratio::ZERO {
            return Some(Ratio::ONE);
        }
        Some(Ratio::ONE.checked_sub(back.checked_div(billed)?)?.max(Ratio::ZERO))
    }

    /// Where a cancellation takes effect under `churn.timing = period_end`: at the end of the last period invoiced
    /// that holds it, otherwise where it stands.
    pub(crate) fn period_end(&self, item: (&str, &str, &str), end: Instant) -> Instant {
        let holding = self.of(item).into_iter().filter(|line| line.holds(end)).map(|line| line.to);
        holding.max().unwrap_or(end)
    }

    /// When the last of an invoice was given back, and until when its lines of the item are, for every invoice
    /// that was refunded whole.
    pub(crate) fn refunded(&self, item: (&str, &str, &str)) -> Vec<(Instant, Instant)> {
        let whole = |line: &&Line| self.invoices[line.invoice].refunded_at().map(|at| (at, line.to));
        self.of(item).iter().filter_map(whole).collect()
    }
}

impl Whole {
    /// What was given back of it by an instant, 0 to 1. A refund holds for the whole period, a note from its issue.
    fn share(&self, at: Instant) -> Option<Ratio> {
        if !self.total.is_positive() {
            return Some(Ratio::ZERO);
        }
        let sum = |given: &Given, until: Instant| {
            given.iter().filter(|(from, _)| *from <= until).map(|(_, amount)| *amount).sum::<Amount>()
        };
        // A note that is paid out is told twice and counts once.
        let back = sum(&self.refunds, Instant::MAX).max(sum(&self.notes, at));
        let share = Ratio::from_amount(back).checked_div(Ratio::from_amount(self.total))?;
        Some(share.clamp(Ratio::ZERO, Ratio::ONE))
    }

    fn refunded_at(&self) -> Option<Instant> {
        let mut given = self.refunds.clone();
        given.sort_unstable();
        let mut sum = Amount::ZERO;
        let reaches = |(at, amount): (Instant, Amount)| {
            sum += amount;
            (sum >= self.total).then_some(at)
        };
        if self.total.is_positive() { given.into_iter().find_map(reaches) } else { None }
    }
}

/// A unit price of which a share is kept, rounded once to 10 decimals; `None` where it does not fit.
pub(crate) fn part_of(price: netnew_money::Decimal, kept: Ratio) -> Option<netnew_money::Decimal> {
    let exact = price.to_ratio().checked_mul(kept)?;
    Some(exact.to_amount(Rounding::HalfEven)?.to_decimal())
}

/// Whether amounts are taken off, so that what was given back is a part of the price before them.
pub(crate) fn takes_amounts(discounts: &[Discount]) -> bool {
    discounts.iter().any(|discount| matches!(discount.value, DiscountValue::Amount(_)))
}
