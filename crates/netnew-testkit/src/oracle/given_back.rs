//! Section 10: what was given back of an item's bills, worked out for one instant from all entries.

use netnew_money::{Amount, Instant, Ratio, Rounding};

use super::Business;
use super::item::ItemId;
use crate::bills::{PlainEntry, PlainLine, PlainWhat};
use crate::rows::{KNOWN_FROM_THE_START, PlainOff, PlainRow};

const IN_RANGE: &str = "the oracle is asked about amounts that fit";

/// The statements of entries that hold: of several of one entry the one learned last.
pub(super) fn entries(all: &[PlainEntry], known_on: Instant, now: Instant) -> Vec<PlainEntry> {
    let learned = |entry: &PlainEntry| entry.recorded_at.unwrap_or(KNOWN_FROM_THE_START);
    let name = |entry: &PlainEntry| (entry.what.word(), entry.source.clone(), entry.key.clone());
    let mut winners: Vec<(Instant, PlainEntry)> = Vec::new();
    for entry in all.iter().filter(|entry| learned(entry) <= known_on) {
        match winners.iter_mut().find(|(_, other)| name(other) == name(entry)) {
            Some(winner) if winner.0 > learned(entry) => {}
            Some(winner) => *winner = (learned(entry), entry.clone()),
            None => winners.push((learned(entry), entry.clone())),
        }
    }
    winners.into_iter().map(|(_, entry)| entry).filter(|entry| entry.at <= now).collect()
}

fn exact(amount: Amount) -> Ratio {
    Ratio::from_amount(amount)
}

impl Business {
    /// Whether anything is asked of bills at all.
    fn asks_bills(&self) -> bool {
        self.knobs.is("refund", "reduces_mrr") || self.knobs.is("credit_note", "reduces_mrr")
    }

    /// Every instant at which a bill of a customer may change something.
    pub(super) fn bill_instants(&self, customer: &str) -> Vec<Instant> {
        let mut out = Vec::new();
        for entry in self.entries.iter().filter(|entry| self.asks_bills() && entry.customer == customer) {
            match &entry.what {
                PlainWhat::Invoice { lines, .. } => out.extend(lines.iter().flat_map(|l| [l.from, l.to])),
                PlainWhat::Credit { .. } => out.push(entry.at),
                // A refund holds over whole periods: nothing changes when it goes.
                PlainWhat::Refund { .. } => {}
            }
        }
        out
    }

    /// The price of one unit of an item while `row` holds, less what was given back for the instant.
    pub(super) fn price_at(&self, row: &PlainRow, at: Instant) -> Ratio {
        let stated = row.amount.to_ratio();
        if !self.asks_bills() {
            return stated;
        }
        let by_amount = row.discounts.iter().any(|discount| matches!(discount.off, PlainOff::Amount(_)));
        let (mut asked, mut back) = (Ratio::ZERO, Ratio::ZERO);
        for (invoice, line) in self.lines_at(row, at) {
            let weight = |amount: Amount| {
                let (from, to) = (line.from.micros(), line.to.micros());
                let days = Ratio::new(i128::from(to - from), 24 * 60 * 60 * 1_000_000);
                let days = days.and_then(|days| days.round_to(0, Rounding::HalfUp)).expect(IN_RANGE);
                let length = Ratio::from_int(days.max(1));
                exact(amount).checked_div(length).expect(IN_RANGE)
            };
            let before = if by_amount { line.amount + line.discount } else { line.amount };
            asked = asked.checked_add(weight(before)).expect(IN_RANGE);
            let returned = weight(line.amount).checked_mul(self.share_of(invoice, at)).expect(IN_RANGE);
            back = back.checked_add(returned).expect(IN_RANGE);
        }
        if asked <= Ratio::ZERO || back <= Ratio::ZERO {
            return stated;
        }
        let gone = back.checked_div(asked).expect(IN_RANGE).min(Ratio::ONE);
        let kept = Ratio::ONE.checked_sub(gone).and_then(|kept| kept.checked_mul(stated)).expect(IN_RANGE);
        let units = kept.round_to(Amount::SCALE, Rounding::HalfEven).expect(IN_RANGE);
        exact(Amount::from_raw(units))
    }

    /// The lines about an item of a customer whose period holds an instant, each with its invoice.
    fn lines_at(&self, row: &PlainRow, at: Instant) -> Vec<(&PlainEntry, &PlainLine)> {
        let id = ItemId::of(row);
        let mut out = Vec::new();
        for entry in &self.entries {
            let PlainWhat::Invoice { void: false, lines, .. } = &entry.what else { continue };
            if entry.customer != row.customer || entry.source != id.source {
                continue;
            }
            let about = |line: &&PlainLine| {
                line.subscription == id.subscription
                    && line.item.as_ref().is_none_or(|item| *item == id.item)
                    && line.from <= at
                    && at < line.to
            };
            out.extend(lines.iter().filter(about).map(|line| (entry, line)));
        }
        out
    }

    /// The share of an invoice that is given back at an instant.
    fn share_of(&self, invoice: &PlainEntry, at: Instant) -> Ratio {
        let PlainWhat::Invoice { total, .. } = &invoice.what else { return Ratio::ZERO };
        if !total.is_positive() {
            return Ratio::ZERO;
        }
        let (mut refunds, mut credits) = (Amount::ZERO, Amount::ZERO);
        let own = |entry: &&PlainEntry| entry.customer == invoice.customer && entry.source == invoice.source;
        for entry in self.entries.iter().filter(own) {
            match &entry.what {
                PlainWhat::Refund { amount, of, went: true } if *of == invoice.key => refunds += *amount,
                PlainWhat::Credit { amount, of, void: false } if *of == invoice.key && entry.at <= at => {
                    credits += *amount;
                }
                _ => {}
            }
        }
        let acting = |knob: &str, sum: Amount| {
            if self.knobs.is(knob, "reduces_mrr") { sum } else { Amount::ZERO }
        };
        let back = acting("refund", refunds).max(acting("credit_note", credits));
        exact(back.min(*total)).checked_div(exact(*total)).expect(IN_RANGE)
    }
}
