//! How customers come, and come back.

use netnew_money::{Day, Instant};

use super::Life;
use crate::calendar::{day_of, later, moment, start_of};
use crate::catalogue::{Billing, Coupon, Money, Plan};
use crate::witness::{Discount, Item, Status, Witness};

/// What newcomers choose, per 100.
const FIRST_CHOICE: [(u32, Plan); 4] =
    [(44, Plan::Starter), (32, Plan::Pro), (19, Plan::Team), (5, Plan::Business)];

const TRIAL_DAYS: i32 = 14;

impl<W: Witness> Life<'_, W> {
    /// The first customer, whose life is written down: it is there from the first day, and what it does last
    /// is the last thing in the history. So the history is known to be complete up to its end, however few
    /// customers there are.
    pub(super) fn found(&mut self) -> Option<()> {
        let calendar = &self.world.calendar;
        let (start, end, months) = (calendar.opening(), calendar.end, calendar.months.len());
        self.items = vec![self.item(Plan::Team, Billing::Monthly)];
        self.items[0].quantity = 4;
        self.tell(start, 0);
        self.start_paying(start);
        let middle = self.anchor.add_months(months as i32 / 2).add_days(7);
        let home = self.who.country;
        if start_of(middle) < end {
            // Another country where the same currency is paid.
            self.who.country = match (self.who.money, home) {
                (Money::Usd, "US") => "CA",
                (Money::Usd, _) => "US",
                (Money::Eur, "DE") => "NL",
                (Money::Eur, _) => "DE",
            };
            self.witness.relocated(&self.who, middle);
        }
        for cycle in (3..months as i32).step_by(3) {
            let at = self.moment_in(cycle, 5, 20);
            if at >= end {
                break;
            }
            self.go_to(at)?;
            self.add_seats(at, 1);
        }
        if end > self.now {
            self.go_to(end)?;
            self.add_seats(end, 1);
        }
        Some(())
    }

    pub(super) fn add_seats(&mut self, at: Instant, seats: i64) {
        let before = self.items[0].worth();
        self.items[0].quantity += seats;
        self.tell(at, 0);
        self.resize(day_of(at), 0, before);
    }

    /// A fresh item on the current subscription at today's price.
    pub(super) fn item(&mut self, plan: Plan, billing: Billing) -> Item {
        let money = self.who.money;
        Item {
            subscription: self.subscriptions,
            plan,
            mills: billing.mills(self.price(plan, money)),
            money,
            billing,
            quantity: plan.first_quantity(&mut self.random),
            discount: None,
            status: Status::Active,
            trial_end: None,
            cancel_requested_at: None,
            cancel_at: None,
            reason: None,
        }
    }

    fn choose(&mut self) -> Item {
        let plan = self.random.weighted(&FIRST_CHOICE);
        let billing = match plan {
            Plan::Business if self.random.chance(1_800) => Billing::Quarterly,
            _ if self.random.chance(1_700) => Billing::Annual,
            _ => Billing::Monthly,
        };
        self.item(plan, billing)
    }

    /// Whether the customer came to pay.
    pub(super) fn sign_up(&mut self) -> Option<bool> {
        let at = self.now;
        self.go_to(at)?;
        match self.random.below(100) {
            0..12 => self.start_free(at),
            12..64 => self.start_trial(at),
            _ => {
                let mut item = self.choose();
                item.discount = self.coupon(at);
                self.items = vec![item];
                self.tell(at, 0);
                self.start_paying(at);
                Some(true)
            }
        }
    }

    fn coupon(&mut self, from: Instant) -> Option<Discount> {
        let forever = |coupon| Some(Discount { coupon, until: None });
        match self.random.below(100) {
            0..14 => launch(day_of(from)),
            14..18 => forever(Coupon::Friends),
            18..20 => forever(Coupon::GoodCause),
            20..24 => forever(Coupon::FirstBill),
            _ => None,
        }
    }

    fn start_free(&mut self, at: Instant) -> Option<bool> {
        let mut item = self.item(Plan::Free, Billing::Monthly);
        item.status = Status::Free;
        self.items = vec![item];
        self.tell(at, 0);
        if !self.random.chance(3_500) {
            return Some(false);
        }
        let cycle = self.random.between(0, 5);
        let at = self.moment_in(cycle, 5, 25);
        self.go_to(at)?;
        let plan = self.random.weighted(&[(70, Plan::Starter), (30, Plan::Pro)]);
        self.items = vec![self.item(plan, Billing::Monthly)];
        self.tell(at, 0);
        self.start_paying(at);
        Some(true)
    }

    fn start_trial(&mut self, at: Instant) -> Option<bool> {
        let mut item = self.choose();
        let mut trial_end = later(at, TRIAL_DAYS, 0);
        item.status = Status::Trialing;
        item.trial_end = Some(trial_end);
        if self.random.chance(1_500) {
            item.discount = launch(day_of(trial_end));
        }
        self.items = vec![item];
        self.tell(at, 0);
        // A coupon ends with a cycle, which a longer trial would shift.
        if item.discount.is_none() && self.random.chance(600) {
            let asked = later(at, self.random.between(8, 12), 0);
            self.go_to(asked)?;
            trial_end = later(trial_end, 7, 0);
            self.items[0].trial_end = Some(trial_end);
            self.tell(asked, 0);
        }
        match self.random.below(100) {
            0..66 => {
                self.go_to(trial_end)?;
                self.items[0].status = Status::Active;
                self.items[0].trial_end = None;
                // A billing system that sends no event at a trial's end leaves it to the reader.
                if self.random.chance(6_000) {
                    self.tell(trial_end, 0);
                }
                self.start_paying(trial_end);
                Some(true)
            }
            66..86 => self.end_trial(trial_end, "voluntary: not what I need"),
            86..94 => {
                let days = day_of(trial_end).days_since(day_of(self.now));
                let at = later(self.now, self.random.between(1, days - 1), 1_800);
                self.end_trial(at, "voluntary: too expensive")
            }
            _ => {
                let asked = later(self.now, 1, 3_600);
                self.go_to(asked)?;
                self.items[0].cancel_requested_at = Some(asked);
                self.items[0].cancel_at = Some(trial_end);
                self.tell(asked, 0);
                self.go_to(trial_end)?;
                self.items[0].status = Status::Canceled;
                Some(false)
            }
        }
    }

    fn end_trial(&mut self, at: Instant, reason: &'static str) -> Option<bool> {
        self.go_to(at)?;
        self.items[0].trial_end = None;
        self.end_all(reason);
        self.tell(at, 0);
        Some(false)
    }

    /// Whether someone who left comes back, months later.
    pub(super) fn come_back(&mut self) -> Option<bool> {
        if !self.random.chance(2_100) {
            return Some(false);
        }
        let at = moment(day_of(self.now).add_days(self.random.between(35, 210)), 36_000);
        self.go_to(at)?;
        let left = self.items[0];
        let same = left.status == Status::Free || self.random.chance(2_500);
        let subscription = if same { left.subscription } else { self.subscriptions + 1 };
        self.subscriptions = self.subscriptions.max(subscription);
        let plan = match left.plan {
            Plan::Business => Plan::Pro,
            Plan::Free | Plan::Pro if self.random.chance(5_000) => Plan::Starter,
            Plan::Free => Plan::Pro,
            other => other,
        };
        let mut item = self.item(plan, Billing::Monthly);
        item.subscription = subscription;
        if self.random.chance(2_500) {
            item.discount = launch(day_of(at));
        }
        self.items = vec![item];
        self.tell(at, 0);
        self.start_paying(at);
        Some(true)
    }
}

/// The coupon for newcomers: three months from the day on which they begin to pay.
fn launch(from: Day) -> Option<Discount> {
    Some(Discount { coupon: Coupon::Launch, until: Some(from.add_months(3)) })
}
