//! Customers that are left to the general replay.

use super::Walker;
use crate::step::{Change, Row, Sink, Step};
use netnew_ledger::replay;
use netnew_metrics::RollupError;
use netnew_money::Instant;

impl Walker<'_> {
    /// The same by the general replay.
    pub(super) fn general<S: Sink>(&mut self, customer: usize, sink: &mut S) -> Result<(), RollupError> {
        let ledger = replay(&self.image.customer_facts(customer), self.ctx)?;
        let separate = self.ctx.policy.movement_level == netnew_policy::MovementLevel::Subscription;
        for step in &ledger.steps {
            if self.take(step) {
                sink.step(&self.told(step))?;
            }
        }
        for step in ledger.customer_steps().iter().filter(|_| separate) {
            if self.take(step) {
                sink.heads(&self.told(step))?;
            }
        }
        sink.end(customer as u32, ledger.first_change.map(Instant::micros))
    }

    pub(super) fn told<'s>(&'s self, step: &netnew_ledger::Step) -> Step<'s> {
        Step {
            customer: self.customer as u32,
            at: step.at.micros(),
            day: step.day,
            kind: step.kind,
            present_before: step.present_before,
            present_after: step.present_after,
            expected: step.expected,
            rows: &self.rows,
            changes: &self.changes,
        }
    }

    /// Takes a step of the general replay over; false when there is nothing in it for a pass.
    pub(super) fn take(&mut self, step: &netnew_ledger::Step) -> bool {
        self.rows.clear();
        self.changes.clear();
        let rules = self.rules;
        let currency = |c| rules.currencies.binary_search(&c).unwrap_or_default() as u8;
        let plan = |p: &Option<netnew_facts::Text>| rules.plan_number(p.as_ref()).unwrap_or_default();
        for row in step.rows.iter().filter(|r| !r.regroup) {
            self.rows.push(Row {
                item: row.item as u16,
                plan: plan(&row.plan),
                currency: currency(row.currency),
                kind: row.kind,
                cause: row.cause,
                amount: row.amount.raw(),
                before: row.before.raw(),
            });
        }
        // What is only committed is none of the pass's business.
        let moves =
            |c: &&netnew_ledger::LevelChange| c.before.mrr != c.after.mrr || c.before.arr != c.after.arr;
        for change in step.changes.iter().filter(moves) {
            self.changes.push(Change {
                item: change.item as u16,
                plan: plan(&change.plan),
                currency: currency(change.currency),
                mrr: [change.before.mrr.raw(), change.after.mrr.raw()],
                arr: [change.before.arr.raw(), change.after.arr.raw()],
            });
        }
        !self.rows.is_empty() || !self.changes.is_empty() || step.kind.is_some()
    }
}
