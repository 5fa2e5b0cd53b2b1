//! What a group posts: changes, kinds, causes, and what of it only moves between plans.

use super::Walker;
use crate::rules::{NONE, Phase};
use crate::step::{Change, Row};
use netnew_ledger::{
    Cause, Delta, Kind, LedgerError, Surroundings, of_change, of_end, of_start, rate, split,
};
use netnew_money::{Amount, Day, Ratio};
use netnew_policy::{PartialCancel, SecondSubscription, TransferResidual};
use std::cmp::Ordering;

impl Walker<'_> {
    /// How the touched items' levels differ between the group's start and end, per plan and currency.
    pub(super) fn find_changes(&mut self) {
        self.changes.clear();
        for at in 0..self.touched.len() {
            let item = self.touched[at];
            let position = self.positions[usize::from(item)];
            self.item_changes(item, position.before, position.now);
        }
    }

    pub(super) fn item_changes(&mut self, item: u16, before: u32, now: u32) {
        if before == now {
            return;
        }
        let rules = self.rules;
        let level = |index: u32| match index {
            NONE => None,
            index => {
                let (phase, arr) = (&rules.phases[index as usize], rules.arr[index as usize]);
                (phase.mrr != 0 || arr != 0).then_some((phase, arr))
            }
        };
        let change = |of: &Phase, mrr: [i128; 2], arr: [i128; 2]| Change {
            item,
            plan: of.plan,
            currency: of.currency,
            mrr,
            arr,
        };
        match (level(before), level(now)) {
            (None, None) => {}
            (Some((b, b_arr)), Some((a, a_arr))) if b.plan == a.plan && b.currency == a.currency => {
                if b.mrr != a.mrr || b_arr != a_arr {
                    self.changes.push(change(a, [b.mrr, a.mrr], [b_arr, a_arr]));
                }
            }
            (before, after) => {
                if let Some((b, arr)) = before {
                    self.changes.push(change(b, [b.mrr, 0], [arr, 0]));
                }
                if let Some((a, arr)) = after {
                    self.changes.push(change(a, [0, a.mrr], [0, arr]));
                }
            }
        }
    }

    /// Posts the changes: rows with kinds and causes, in the order of items.
    pub(super) fn post(
        &mut self,
        kind: Option<Kind>,
        present_before: bool,
        present_after: bool,
        day: Day,
    ) -> Result<(), LedgerError> {
        self.rows.clear();
        self.pairs.clear();
        if self.touched.len() > 1 {
            self.find_pairs();
        }
        let by_sign = |amount: i128| if amount < 0 { Kind::Contraction } else { Kind::Expansion };
        let stays = present_before && present_after;
        let policy = self.ctx.policy;
        let forced = stays
            && (policy.second_subscription == SecondSubscription::New
                || policy.partial_cancel == PartialCancel::Churn);
        for at in 0..self.changes.len() {
            let change = self.changes[at];
            let amount = change.mrr[1] - change.mrr[0];
            if amount == 0 {
                continue;
            }
            let kind = match kind {
                Some(kind) => kind,
                None if forced => self.forced_kind(&change, day)?.unwrap_or(Kind::Transfer),
                // Told below which part is a transfer.
                None if stays => Kind::Transfer,
                None => by_sign(amount),
            };
            let cause = self.cause(&change, present_before);
            let (item, plan, currency) = (change.item, change.plan, change.currency);
            self.rows.push(Row { item, plan, currency, kind, cause, amount, before: change.mrr[0] });
        }
        if kind.is_none() && stays {
            self.split_rows(day)?;
        }
        Ok(())
    }

    /// Tells expansion and contraction from transfer among the rows that are marked transfer.
    pub(super) fn split_rows(&mut self, day: Day) -> Result<(), LedgerError> {
        let (mut gains, mut losses, mut currencies) = (0, 0, true);
        let mut first = None;
        for row in self.rows.iter().filter(|r| r.kind == Kind::Transfer) {
            if row.amount > 0 {
                gains += 1
            } else {
                losses += 1
            }
            currencies &= *first.get_or_insert(row.currency) == row.currency;
        }
        if gains == 0 || losses == 0 {
            let kind = if gains > 0 { Kind::Expansion } else { Kind::Contraction };
            self.rows.iter_mut().filter(|r| r.kind == Kind::Transfer).for_each(|r| r.kind = kind);
            return Ok(());
        }
        if self.rows.len() == 2 && currencies {
            self.split_two();
            return Ok(());
        }
        self.deltas.clear();
        let mut which = Vec::new();
        for (at, row) in self.rows.iter().enumerate().filter(|(_, r)| r.kind == Kind::Transfer) {
            let rate = match currencies {
                true => Ratio::ONE,
                false => {
                    let currency = self.rules.currencies[usize::from(row.currency)];
                    rate(self.ctx, self.image.customers.get(self.customer), day, currency)?
                }
            };
            let subscription = u32::from(self.subscription(row.item));
            self.deltas.push(Delta { subscription, amount: Amount::from_raw(row.amount), rate });
            which.push(at);
        }
        let parts = split(&self.deltas, self.ctx.policy.transfer_residual).ok_or_else(|| {
            let customer = self.image.customers.get(self.customer).to_string();
            LedgerError::Overflow { customer, item: "several".into() }
        })?;
        let whole = std::mem::take(&mut self.rows);
        for (at, row) in whole.into_iter().enumerate() {
            let Some(delta) = which.iter().position(|w| *w == at) else {
                self.rows.push(row);
                continue;
            };
            let mut before = row.before;
            for part in parts.iter().filter(|p| p.delta == delta) {
                let amount = part.amount.raw();
                self.rows.push(Row { kind: part.kind, amount, before, ..row });
                before += amount;
            }
        }
        Ok(())
    }

    /// One loss and one gain in one currency, by far the most usual: what moved is the smaller.
    pub(super) fn split_two(&mut self) {
        let (loss, gain) = if self.rows[0].amount < 0 { (0, 1) } else { (1, 0) };
        let (lost, gained) = (-self.rows[loss].amount, self.rows[gain].amount);
        let moved = lost.min(gained);
        let to_destination = self.ctx.policy.transfer_residual == TransferResidual::Destination;
        // The row whose rest is told apart, what of it is transfer, and the rest's kind.
        let (row, transfer, kind) = match gained.cmp(&lost) {
            Ordering::Equal => return,
            Ordering::Greater => (gain, moved, Kind::Expansion),
            Ordering::Less if to_destination => (gain, lost, Kind::Contraction),
            Ordering::Less => (loss, -moved, Kind::Contraction),
        };
        let whole = self.rows[row];
        let rest = whole.amount - transfer;
        self.rows[row].amount = transfer;
        let part = Row { kind, amount: rest, before: whole.before + transfer, ..whole };
        self.rows.insert(row + 1, part);
    }

    /// `second_subscription = new` and `partial_cancel = churn`.
    pub(super) fn forced_kind(&self, change: &Change, day: Day) -> Result<Option<Kind>, LedgerError> {
        let policy = self.ctx.policy;
        let subscription = self.subscription(change.item);
        let grew = change.mrr[1] > change.mrr[0];
        if policy.second_subscription == SecondSubscription::New
            && grew
            && !self.seen_subscriptions.contains(&subscription)
            && self.subscription_above_zero(subscription, false, day)?
        {
            return Ok(Some(Kind::New));
        }
        if policy.partial_cancel == PartialCancel::Churn
            && !grew
            && self.subscription_above_zero(subscription, true, day)?
            && !self.subscription_above_zero(subscription, false, day)?
        {
            return Ok(Some(Kind::Churn));
        }
        Ok(None)
    }

    pub(super) fn subscription_above_zero(
        &self,
        wanted: u16,
        before: bool,
        day: Day,
    ) -> Result<bool, LedgerError> {
        let of_subscription =
            self.positions.iter().enumerate().filter(|(i, _)| self.subscription(*i as u16) == wanted);
        let sums = of_subscription.filter_map(|(_, position)| {
            let phase = self.phase(if before { position.before } else { position.now })?;
            Some((phase.currency, phase.mrr))
        });
        Ok(self.sign(sums, day)? == Ordering::Greater)
    }

    pub(super) fn remember_subscriptions(&mut self, day: Day) -> Result<(), LedgerError> {
        for at in 0..self.touched.len() {
            let subscription = self.subscription(self.touched[at]);
            if !self.seen_subscriptions.contains(&subscription)
                && self.subscription_above_zero(subscription, false, day)?
            {
                self.seen_subscriptions.push(subscription);
            }
        }
        Ok(())
    }

    /// Items that end and items that start in this group, paired: same subscription first, then in order.
    pub(super) fn find_pairs(&mut self) {
        let live = |index: u32| self.phase(index).is_some_and(Phase::live);
        let mut ended: Vec<u16> = Vec::new();
        let mut started: Vec<u16> = Vec::new();
        for &item in &self.touched {
            let position = self.positions[usize::from(item)];
            match (live(position.before), live(position.now)) {
                (true, false) => ended.push(item),
                (false, true) => started.push(item),
                _ => {}
            }
        }
        let mut pairs = std::mem::take(&mut self.pairs);
        for same_subscription in [true, false] {
            ended.retain(|end| {
                let partner = started.iter().position(|start| {
                    !same_subscription || self.subscription(*start) == self.subscription(*end)
                });
                match partner {
                    Some(at) => {
                        pairs.push((*end, started.remove(at)));
                        false
                    }
                    None => true,
                }
            });
        }
        self.pairs = pairs;
    }

    pub(super) fn cause(&self, change: &Change, present_before: bool) -> Cause {
        let item = change.item;
        let position = self.positions[usize::from(item)];
        let raw_now = self.phase(position.now);
        let mut before = self.phase(position.before).filter(|p| p.live());
        let mut after = raw_now.filter(|p| p.live());
        if let Some((end, start)) = self.pairs.iter().find(|(end, start)| *end == item || *start == item) {
            before = self.phase(self.positions[usize::from(*end)].before);
            after = self.phase(self.positions[usize::from(*start)].now);
        }
        cause_between((before, after), raw_now, || Surroundings {
            others_before: self.others(item, true),
            others_after: self.others(item, false),
            present_before,
        })
    }
}

/// The cause between two live ends; `raw_now` may have ended.
pub(super) fn cause_between(
    ends: (Option<&Phase>, Option<&Phase>),
    raw_now: Option<&Phase>,
    around: impl Fn() -> Surroundings,
) -> Cause {
    match ends {
        (Some(before), Some(after)) => of_change(before, after),
        (None, Some(after)) => of_start(after, around()),
        (Some(before), None) => of_end(before, raw_now, around()),
        (None, None) => Cause::Other,
    }
}
