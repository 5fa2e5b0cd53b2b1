//! What came in and went out: invoices, payments, revenue, expenses and acquisition spend, added up by period.
//!
//! Every cell is a sum or a count, so parts of a book merge. Amounts are converted at the rate of the day they belong to:
//! an invoice and the revenue from it at the day of the invoice.

use crate::convert::Converter;
use crate::frame::end_of_day;
use crate::query::{Field, Period, Query};
use crate::recognition::{Schedule, Spread};
use crate::rollup::{GroupKey, RollupError};
use netnew_facts::{
    CustomerFacts, DisputeStatus, Entry, EntryKind, ExpenseClass, Invoice, InvoiceStatus, PaymentResult,
    Text, winning_entries,
};
use netnew_ledger::Context;
use netnew_money::{Amount, Currency, Day, Instant};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Revenue of one way of spreading it, over a period and over the twelve months up to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revenue {
    /// Recognised in the period.
    pub recognised: Amount,
    /// Invoiced and not yet recognised at the period's end; below 0 where recognition runs ahead of invoices.
    pub deferred: Amount,
    /// Recognised in the twelve months up to the period's end.
    pub last_12_months: Amount,
    /// Recognised in the twelve months before those.
    pub prior_12_months: Amount,
}

impl Revenue {
    fn merge(&mut self, other: &Revenue) {
        self.recognised += other.recognised;
        self.deferred += other.deferred;
        self.last_12_months += other.last_12_months;
        self.prior_12_months += other.prior_12_months;
    }
}

/// What came in and went out in one period. Sums and counts only; nothing in it is negative but corrections and
/// deferred revenue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CashRow {
    /// Kinds of entries that the book has at all: what is missing gives no figure instead of 0.
    pub has: BTreeSet<EntryKind>,
    /// True in a report by channel: of entries only spend says which channel it is of.
    pub by_channel: bool,
    /// True when the book has an expense of the class cost of revenue.
    pub has_cost_of_revenue: bool,
    /// True when the book has an expense of the class sales and marketing.
    pub has_sales_expenses: bool,
    /// Invoiced, without tax, credit notes taken off.
    pub invoiced: Amount,
    /// Invoiced up to the period's end since ever, without tax, credit notes taken off.
    pub invoiced_ever: Amount,
    /// Recognised up to the period's end since ever, per day.
    pub recognised_ever: Amount,
    /// Credit notes, without tax.
    pub credited: Amount,
    /// Payments that succeeded, tax included.
    pub collected: Amount,
    /// Given back.
    pub refunded: Amount,
    /// Payments lost in disputes decided in the period.
    pub disputes_lost: Amount,
    /// Attempts to collect that succeeded.
    pub attempts_succeeded: i64,
    /// Attempts to collect that failed.
    pub attempts_failed: i64,
    /// Collected by payments of invoices an attempt of which had failed before.
    pub recovered: Amount,
    /// Amount of the invoices whose first failed attempt lies in the period.
    pub at_risk: Amount,
    /// Of those, what has been collected since.
    pub at_risk_recovered: Amount,
    /// Revenue by civil days: the default.
    pub per_day: Revenue,
    /// Revenue by seconds.
    pub per_second: Revenue,
    /// Revenue in equal parts per calendar month.
    pub even_months: Revenue,
    /// Expenses of every class.
    pub expenses: Amount,
    /// Expenses in the twelve months up to the period's end.
    pub expenses_12_months: Amount,
    /// Expenses of the class cost of revenue.
    pub cost_of_revenue: Amount,
    /// Expenses of the class sales and marketing.
    pub sales_expenses: Amount,
    /// Acquisition spend.
    pub spend: Amount,
    /// Open opportunities at the period's end: MRR x weight.
    pub pipeline_weighted: Amount,
    /// Signed opportunities that are not live at the period's end: MRR.
    pub contracted: Amount,
}

impl CashRow {
    fn merge(&mut self, other: &CashRow) {
        self.has.extend(&other.has);
        self.by_channel |= other.by_channel;
        self.has_cost_of_revenue |= other.has_cost_of_revenue;
        self.has_sales_expenses |= other.has_sales_expenses;
        self.attempts_succeeded += other.attempts_succeeded;
        self.attempts_failed += other.attempts_failed;
        self.per_day.merge(&other.per_day);
        self.per_second.merge(&other.per_second);
        self.even_months.merge(&other.even_months);
        for (mine, theirs) in [
            (&mut self.invoiced, other.invoiced),
            (&mut self.invoiced_ever, other.invoiced_ever),
            (&mut self.recognised_ever, other.recognised_ever),
            (&mut self.credited, other.credited),
            (&mut self.collected, other.collected),
            (&mut self.refunded, other.refunded),
            (&mut self.disputes_lost, other.disputes_lost),
            (&mut self.recovered, other.recovered),
            (&mut self.at_risk, other.at_risk),
            (&mut self.at_risk_recovered, other.at_risk_recovered),
            (&mut self.expenses, other.expenses),
            (&mut self.expenses_12_months, other.expenses_12_months),
            (&mut self.cost_of_revenue, other.cost_of_revenue),
            (&mut self.sales_expenses, other.sales_expenses),
            (&mut self.spend, other.spend),
            (&mut self.pipeline_weighted, other.pipeline_weighted),
            (&mut self.contracted, other.contracted),
        ] {
            *mine += theirs;
        }
    }
}

/// Which rows of a report an amount belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Slot {
    currency: Option<Currency>,
    /// Of a report by channel: the channel.
    channel: Option<Option<Text>>,
}

/// Adds up entries for one report; mergeable.
pub struct CashRollup<'a> {
    ctx: &'a Context<'a>,
    converter: Converter<'a>,
    periods: Vec<Period>,
    by_channel: bool,
    slots: HashMap<Slot, Vec<CashRow>>,
    has: BTreeSet<EntryKind>,
    cost_of_revenue: bool,
    sales_expenses: bool,
}

/// Everything a report can ask of entries.
pub struct CashRows {
    rows: BTreeMap<(Slot, Day), CashRow>,
    by_channel: bool,
    nothing: CashRow,
}

impl CashRows {
    /// What belongs to a row of the report.
    pub fn of(&self, group: &GroupKey, period: &Period) -> &CashRow {
        let channel = self.by_channel.then(|| group.values.first().cloned().flatten().map(Text::from));
        let slot = Slot { currency: group.currency, channel };
        self.rows.get(&(slot, period.start)).unwrap_or(&self.nothing)
    }
}

impl<'a> CashRollup<'a> {
    /// An empty rollup for a question; `None` when entries cannot be told apart by what it groups by or filters on.
    ///
    /// # Errors
    /// A range without periods.
    pub fn new(ctx: &'a Context<'a>, query: &Query) -> Result<Option<CashRollup<'a>>, RollupError> {
        let channel = Field::Attribute("channel".into());
        let by_channel = query.by == [channel];
        if !query.filter.0.is_empty() || !(query.by.is_empty() || by_channel) {
            return Ok(None);
        }
        Ok(Some(CashRollup {
            ctx,
            converter: Converter::new(ctx, query),
            periods: query.periods()?,
            by_channel,
            slots: HashMap::new(),
            has: BTreeSet::new(),
            cost_of_revenue: false,
            sales_expenses: false,
        }))
    }

    /// Adds the entries of a customer, or of the business (the empty id).
    ///
    /// # Errors
    /// A missing rate, or an amount out of range.
    pub fn add(&mut self, facts: &CustomerFacts) -> Result<(), RollupError> {
        let entries: Vec<(Instant, Text, &Entry)> = winning_entries(facts, self.ctx.known_on)
            .into_iter()
            .filter_map(|(fact, at, entry)| match &fact.body {
                netnew_facts::Body::Entry { key, .. } => Some((at, key.clone(), entry)),
                _ => None,
            })
            .collect();
        let invoices: HashMap<&str, (Instant, &Invoice)> = entries
            .iter()
            .filter_map(|(at, key, entry)| match entry {
                Entry::Invoice(invoice) => Some((&**key, (*at, invoice))),
                _ => None,
            })
            .collect();
        for (at, _, entry) in &entries {
            // By channel there is no figure but of spend, rather than 0.
            if !self.by_channel || entry.kind() == EntryKind::Spend {
                self.has.insert(entry.kind());
            }
            // A deal counts from the date its file names; a close date ahead is no reason to leave it out.
            if *at > self.ctx.as_of && entry.kind() != EntryKind::Opportunity {
                continue;
            }
            self.entry(*at, entry, &invoices)?;
        }
        self.attempts(&entries)
    }

    fn day(&self, at: Instant) -> Day {
        self.ctx.zone.day_of(at)
    }

    fn converted(&self, amount: Amount, currency: Currency, at: Instant) -> Result<Amount, RollupError> {
        self.converter.movement(amount, currency, self.day(at))
    }

    fn rows(&mut self, currency: Currency, channel: Option<Text>) -> &mut Vec<CashRow> {
        let kept = matches!(self.converter.currency(), crate::ReportCurrency::Original);
        let slot = Slot { currency: kept.then_some(currency), channel: self.by_channel.then_some(channel) };
        let periods = self.periods.len();
        self.slots.entry(slot).or_insert_with(|| vec![CashRow::default(); periods])
    }

    /// The row of the period that a day lies in.
    fn row(&mut self, day: Day, currency: Currency, channel: Option<Text>) -> Option<&mut CashRow> {
        let at = self.periods.iter().position(|p| (p.first..=p.last).contains(&day))?;
        Some(&mut self.rows(currency, channel)[at])
    }

    fn sum(
        &mut self,
        (amount, currency, at): (Amount, Currency, Instant),
        cell: impl Fn(&mut CashRow) -> &mut Amount,
    ) -> Result<(), RollupError> {
        let amount = self.converted(amount, currency, at)?;
        if let Some(row) = self.row(self.day(at), currency, None) {
            *cell(row) += amount;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        at: Instant,
        entry: &Entry,
        invoices: &HashMap<&str, (Instant, &Invoice)>,
    ) -> Result<(), RollupError> {
        match entry {
            // By channel there is only spend: money does not say which channel its customer came by.
            Entry::Spend(spend) => {
                let day = self.day(at);
                let last = spend.until.map_or(day, |until| self.day(until.add_micros(-1))).max(day);
                self.spend(spend.amount, spend.currency, (day, last), spend.channel.clone(), at)
            }
            _ if self.by_channel => Ok(()),
            Entry::Invoice(invoice) => self.invoice(at, invoice),
            Entry::CreditNote(note) if !note.void => {
                let net = note.amount - note.tax;
                self.sum((net, note.currency, at), |row| &mut row.credited)?;
                let about = note.invoice.as_deref().and_then(|key| invoices.get(key));
                let ends = about.and_then(|(_, i)| i.lines.iter().filter_map(|l| l.period_end).max());
                self.revenue(at, -net, note.currency, Some((at, ends.unwrap_or(at).max(at))))
            }
            Entry::Refund(refund) if refund.result == PaymentResult::Succeeded => {
                self.sum((refund.amount, refund.currency, at), |row| &mut row.refunded)
            }
            Entry::Dispute(dispute) if dispute.status == DisputeStatus::Lost => {
                let when = dispute.closed_at.unwrap_or(at);
                self.sum((dispute.amount, dispute.currency, when), |row| &mut row.disputes_lost)
            }
            Entry::Expense(expense) => self.expense(at, expense),
            Entry::Opportunity(deal) => self.opportunity(deal),
            _ => Ok(()),
        }
    }

    fn spend(
        &mut self,
        amount: Amount,
        currency: Currency,
        (first, last): (Day, Day),
        channel: Option<Text>,
        at: Instant,
    ) -> Result<(), RollupError> {
        let amount = self.converted(amount, currency, at)?;
        let days = i64::from(last.days() - first.days()) + 1;
        let share = |until: Day| {
            let spent = (i64::from(until.days() - first.days()) + 1).clamp(0, days);
            Spread::part(amount, spent, days)
        };
        for index in 0..self.periods.len() {
            let period = self.periods[index];
            let part = share(period.last) - share(period.first.add_days(-1));
            if !part.is_zero() {
                self.rows(currency, channel.clone())[index].spend += part;
            }
        }
        Ok(())
    }

    fn expense(&mut self, at: Instant, expense: &netnew_facts::Expense) -> Result<(), RollupError> {
        self.cost_of_revenue |= expense.class == ExpenseClass::CostOfRevenue;
        self.sales_expenses |= expense.class == ExpenseClass::SalesAndMarketing;
        let amount = self.converted(expense.amount, expense.currency, at)?;
        let day = self.day(at);
        for index in 0..self.periods.len() {
            let period = self.periods[index];
            let last = period.last;
            let inside = (period.first..=last).contains(&day);
            if (last.add_days(1).add_months(-12)..=last).contains(&day) {
                self.rows(expense.currency, None)[index].expenses_12_months += amount;
            }
            if inside {
                let row = &mut self.rows(expense.currency, None)[index];
                row.expenses += amount;
                match expense.class {
                    ExpenseClass::CostOfRevenue => row.cost_of_revenue += amount,
                    ExpenseClass::SalesAndMarketing => row.sales_expenses += amount,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn invoice(&mut self, at: Instant, invoice: &Invoice) -> Result<(), RollupError> {
        if matches!(invoice.status, InvoiceStatus::Draft | InvoiceStatus::Void) {
            return Ok(());
        }
        for line in &invoice.lines {
            let period = line.period_start.zip(line.period_end);
            self.revenue(at, line.amount, invoice.currency, period)?;
        }
        Ok(())
    }

    /// An amount invoiced at an instant and recognised over a period, or at once.
    fn revenue(
        &mut self,
        issued: Instant,
        amount: Amount,
        currency: Currency,
        period: Option<(Instant, Instant)>,
    ) -> Result<(), RollupError> {
        let amount = self.converted(amount, currency, issued)?;
        let (start, end) = period.unwrap_or((issued, issued));
        let schedule = Schedule::new(amount, start, end, self.ctx.zone);
        for index in 0..self.periods.len() {
            let period = self.periods[index];
            let zone = self.ctx.zone;
            let as_of = self.ctx.as_of;
            // Instants right after a day's end; nothing is recognised past now.
            let after = |day: Day| end_of_day(day, zone).add_micros(1).min(as_of.add_micros(1));
            let (from, to) = (after(period.first.add_days(-1)), after(period.last));
            let (year, two) = {
                let next = period.last.add_days(1);
                (after(next.add_months(-12).add_days(-1)), after(next.add_months(-24).add_days(-1)))
            };
            let billed = if issued < to { amount } else { Amount::ZERO };
            let row = &mut self.rows(currency, None)[index];
            if issued >= from && issued < to {
                row.invoiced += amount;
            }
            row.invoiced_ever += billed;
            for spread in Spread::ALL {
                let until = |at: Instant| schedule.recognised(spread, at);
                let done = until(to);
                let revenue = match spread {
                    Spread::PerDay => &mut row.per_day,
                    Spread::PerSecond => &mut row.per_second,
                    Spread::EvenMonths => &mut row.even_months,
                };
                revenue.recognised += done - until(from);
                revenue.deferred += billed - done;
                revenue.last_12_months += done - until(year);
                revenue.prior_12_months += until(year) - until(two);
                if spread == Spread::PerDay {
                    row.recognised_ever += done;
                }
            }
        }
        Ok(())
    }

    fn opportunity(&mut self, deal: &netnew_facts::Opportunity) -> Result<(), RollupError> {
        let when = deal.close_date.unwrap_or(self.ctx.as_of).min(self.ctx.as_of);
        let amount = self.converted(deal.amount, deal.currency, when)?;
        let weighted = match deal.weight {
            Some(weight) => Spread::weighted(amount, weight),
            None => amount,
        };
        for index in 0..self.periods.len() {
            let ends = end_of_day(self.periods[index].last, self.ctx.zone);
            // A deal's file says how it stands now: of the past only what was signed is known.
            let now = ends >= self.ctx.as_of;
            match deal.stage {
                netnew_facts::Stage::Open if now => {
                    self.rows(deal.currency, None)[index].pipeline_weighted += weighted;
                }
                netnew_facts::Stage::Won
                    if deal.close_date.is_some_and(|signed| signed <= ends)
                        && deal.starts_at.is_some_and(|start| start > ends.min(self.ctx.as_of)) =>
                {
                    self.rows(deal.currency, None)[index].contracted += amount;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Payments: what came, what failed, and what came after it had failed.
    fn attempts(&mut self, entries: &[(Instant, Text, &Entry)]) -> Result<(), RollupError> {
        if self.by_channel {
            return Ok(());
        }
        /// An invoice that a payment failed for: when first, how much, what came since.
        struct Failed {
            at: Instant,
            amount: Amount,
            currency: Currency,
            collected: Amount,
        }
        let mut failed: BTreeMap<&str, Failed> = BTreeMap::new();
        let as_of = self.ctx.as_of;
        for (at, key, entry) in entries {
            let Entry::Payment(payment) = entry else { continue };
            if *at > as_of || payment.result == PaymentResult::Pending {
                continue;
            }
            // Without an invoice an attempt stands for itself.
            let about: &str = payment.invoice.as_deref().unwrap_or(key);
            let money = (payment.amount, payment.currency, *at);
            let day = self.day(*at);
            if payment.result == PaymentResult::Failed {
                if let Some(row) = self.row(day, payment.currency, None) {
                    row.attempts_failed += 1;
                }
                failed.entry(about).or_insert(Failed {
                    at: *at,
                    amount: payment.amount,
                    currency: payment.currency,
                    collected: Amount::ZERO,
                });
                continue;
            }
            self.sum(money, |row| &mut row.collected)?;
            if let Some(row) = self.row(day, payment.currency, None) {
                row.attempts_succeeded += 1;
            }
            if let Some(earlier) = failed.get_mut(about) {
                let open = (earlier.amount - earlier.collected).max(Amount::ZERO);
                earlier.collected += payment.amount.min(open);
                self.sum(money, |row| &mut row.recovered)?;
            }
        }
        for failed in failed.into_values() {
            self.sum((failed.amount, failed.currency, failed.at), |row| &mut row.at_risk)?;
            self.sum((failed.collected, failed.currency, failed.at), |row| &mut row.at_risk_recovered)?;
        }
        Ok(())
    }

    /// Adds another part of the same report.
    pub fn merge(&mut self, other: CashRollup<'a>) {
        self.has.extend(other.has);
        self.cost_of_revenue |= other.cost_of_revenue;
        self.sales_expenses |= other.sales_expenses;
        for (slot, theirs) in other.slots {
            match self.slots.get_mut(&slot) {
                Some(mine) => mine.iter_mut().zip(&theirs).for_each(|(mine, theirs)| mine.merge(theirs)),
                None => {
                    self.slots.insert(slot, theirs);
                }
            }
        }
    }

    /// The rows. In each, what was recognised and what is deferred are together what was invoiced.
    pub fn finish(self) -> CashRows {
        let nothing = CashRow {
            has: self.has,
            by_channel: self.by_channel,
            has_cost_of_revenue: self.cost_of_revenue,
            has_sales_expenses: self.sales_expenses,
            ..CashRow::default()
        };
        let mut rows = BTreeMap::new();
        for (slot, cells) in self.slots {
            let mut before: Option<Amount> = None;
            for (period, mut row) in self.periods.iter().zip(cells) {
                let before = before
                    .replace(row.recognised_ever)
                    .unwrap_or(row.recognised_ever - row.per_day.recognised);
                assert_eq!(
                    before + row.per_day.recognised,
                    row.recognised_ever,
                    "periods recognise all there is"
                );
                assert_eq!(
                    row.recognised_ever + row.per_day.deferred,
                    row.invoiced_ever,
                    "the rest is deferred"
                );
                row.merge(&nothing);
                rows.insert((slot.clone(), period.start), row);
            }
        }
        CashRows { rows, by_channel: self.by_channel, nothing }
    }
}
