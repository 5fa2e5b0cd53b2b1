//! Random bills for the states of a random business.

use netnew_money::{Amount, Instant, Zone};

use super::random::SplitMix;
use super::{Lives, learned};
use crate::bills::{PlainEntry, PlainLine, PlainWhat};
use crate::rows::PlainRow;

impl Lives {
    /// The same business with invoices for some of its states, some of them given back, under rules that ask of them.
    #[must_use]
    pub fn with_bills(mut self) -> Lives {
        let mut random = SplitMix::new(self.seed ^ 0x5eed_b111);
        let rows: Vec<PlainRow> = self.history.rows.iter().filter(|row| !row.retracted).cloned().collect();
        for (number, row) in rows.iter().enumerate() {
            if !random.one_in(3) {
                bill(&mut random, &self.settings.zone, number, row, &mut self.history.entries);
            }
        }
        let knobs = &mut self.question.knobs;
        if !random.one_in(4) {
            knobs.insert("refund".into(), "reduces_mrr".into());
        }
        if !random.one_in(4) {
            knobs.insert("credit_note".into(), "reduces_mrr".into());
        }
        self
    }
}

fn money(random: &mut SplitMix, low: u32, high: u32) -> Amount {
    Amount::from_major(i64::from(random.between(low, high)))
}

fn later(random: &mut SplitMix, zone: &Zone, at: Instant) -> Instant {
    zone.start_of(zone.day_of(at).add_days(random.small(60) + 1))
}

fn bill(random: &mut SplitMix, zone: &Zone, number: usize, row: &PlainRow, out: &mut Vec<PlainEntry>) {
    let (key, from) = (format!("in{number}"), row.effective_at);
    let named = random.one_in(2) && row.item != row.subscription;
    let line = PlainLine {
        subscription: row.subscription.clone(),
        item: named.then(|| row.item.clone()),
        amount: if random.one_in(8) { -money(random, 1, 9) } else { money(random, 1, 100) },
        discount: if random.one_in(3) { money(random, 1, 30) } else { Amount::ZERO },
        from,
        to: later(random, zone, from),
    };
    let mut lines = vec![line];
    if random.one_in(3) {
        // A part of the period is billed again, as after a change in it.
        let mut part = lines[0].clone();
        part.amount = money(random, 1, 20);
        part.to = later(random, zone, part.from);
        lines.push(part);
    }
    let entry = |key: String, at: Instant, recorded_at: Option<Instant>, what: PlainWhat| PlainEntry {
        source: row.source.clone(),
        customer: row.customer.clone(),
        key,
        at,
        recorded_at,
        currency: row.currency,
        what,
    };
    let total = lines.iter().map(|line| line.amount).sum::<Amount>();
    let void = random.one_in(8);
    let late = random.one_in(4).then(|| learned(random));
    out.push(entry(key.clone(), from, late, PlainWhat::Invoice { total, void, lines: lines.clone() }));
    if random.one_in(5) {
        // Corrected: another total, or taken back.
        let what = PlainWhat::Invoice { total: total + money(random, 0, 9), void: random.one_in(2), lines };
        out.push(entry(key.clone(), from, Some(learned(random)), what));
    }
    for nth in 0..random.below(3) {
        let at = later(random, zone, from);
        let (amount, of) = (money(random, 1, 60), key.clone());
        let what = if random.one_in(2) {
            PlainWhat::Refund { amount, of, went: !random.one_in(6) }
        } else {
            PlainWhat::Credit { amount, of, void: random.one_in(6) }
        };
        let late = random.one_in(4).then(|| learned(random));
        out.push(entry(format!("{key}-{nth}"), at, late, what));
    }
}
