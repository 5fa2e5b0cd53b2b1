//! What happens to a customer who pays, cycle by cycle.

use netnew_money::{Amount, Instant, Rounding, div_round};

use super::Life;
use crate::calendar::{day_of, later, start_of};
use crate::catalogue::{Billing, COUNTRIES, Coupon, Money, Plan};
use crate::witness::{Discount, Item, Kind, Status, Witness};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Happening {
    Nothing,
    CancelAtPeriodEnd,
    CancelAtOnce,
    GoFree,
    PaymentFails,
    Pause,
    Upgrade,
    Downgrade,
    ChangeSeats,
    AddSupport,
    DropSupport,
    PayByTheYear,
    SecondSubscription,
    EndSecondSubscription,
    StayForLess,
    Correction,
    Relocate,
    UseApi,
}

/// Chances are out of so many a cycle.
const ALL: u32 = 10_000;

impl<W: Witness> Life<'_, W> {
    /// Pays until the customer leaves.
    pub(super) fn pay_on(&mut self) -> Option<()> {
        loop {
            self.raise_price()?;
            if !self.something_happens()? {
                return Some(());
            }
            self.cycle += 1;
            self.go_to(start_of(self.first_day(self.cycle)))?;
            self.items.iter_mut().filter(|i| is_first_bill(i)).for_each(|i| i.discount = None);
        }
    }

    /// Those who pay the old price for Starter pay the new one from the day after their next bill.
    fn raise_price(&mut self) -> Option<()> {
        for at in 0..self.items.len() {
            let item = self.items[at];
            let day = self.first_day(self.cycle).add_days(1);
            let billed = self.cycle > 0 && self.cycle % item.billing.months() == 0;
            if item.plan != Plan::Starter || !billed || day < self.world.calendar.rise {
                continue;
            }
            let mills = item.billing.mills(item.plan.mills_per_month(item.money, true));
            if item.mills < mills {
                let instant = later(start_of(day), 0, 3 * 3_600);
                self.go_to(instant)?;
                let before = item.worth();
                self.items[at].mills = mills;
                self.tell(instant, at);
                self.resize(day, at, before);
            }
        }
        Some(())
    }

    /// Whether the customer still pays afterwards.
    fn something_happens(&mut self) -> Option<bool> {
        let chances = self.chances();
        match self.random.weighted(&chances) {
            Happening::Nothing => self.nothing(),
            Happening::CancelAtPeriodEnd => self.cancel_at_period_end(),
            Happening::CancelAtOnce => self.cancel_at_once(),
            Happening::GoFree => self.go_free(),
            Happening::PaymentFails => self.payment_fails(),
            Happening::Pause => self.pause(),
            Happening::Upgrade => self.change_plan(true),
            Happening::Downgrade => self.change_plan(false),
            Happening::ChangeSeats => self.change_seats(),
            Happening::AddSupport => self.add_item(Plan::Priority),
            Happening::UseApi => self.add_item(Plan::ApiCalls),
            Happening::DropSupport => self.drop_support(),
            Happening::PayByTheYear => self.pay_by_the_year(),
            Happening::SecondSubscription => self.second_subscription(),
            Happening::EndSecondSubscription => self.end_second_subscription(),
            Happening::StayForLess => self.stay_for_less(),
            Happening::Correction => self.correction(),
            Happening::Relocate => self.relocate(),
        }
    }

    fn chances(&self) -> [(u32, Happening); 18] {
        use Happening as H;
        let main = self.items[0];
        let only = self.items.len() == 1;
        let has = |plan| self.items.iter().any(|item| item.plan == plan);
        let second = self.items.iter().any(|item| item.subscription != main.subscription);
        let when = |condition: bool, chance: u32| if condition { chance } else { 0 };
        let small = matches!(main.plan, Plan::Starter | Plan::Pro);
        let cancels = self.cancel_chance();
        let mut chances = [
            (0, H::Nothing),
            (cancels * 60 / 100, H::CancelAtPeriodEnd),
            (cancels * 26 / 100, H::CancelAtOnce),
            (when(small, cancels * 14 / 100), H::GoFree),
            (when(main.billing == Billing::Monthly, 650), H::PaymentFails),
            (when(main.billing == Billing::Monthly, 90), H::Pause),
            (when(main.plan != Plan::Business, 150), H::Upgrade),
            (when(main.plan != Plan::Starter, 110), H::Downgrade),
            (when(main.plan == Plan::Team, 1_100), H::ChangeSeats),
            (when(main.plan != Plan::Starter && !has(Plan::Priority), 120), H::AddSupport),
            (when(has(Plan::Priority), 350), H::DropSupport),
            (when(main.billing == Billing::Monthly, 70), H::PayByTheYear),
            (when(only && main.plan == Plan::Pro, 60), H::SecondSubscription),
            (when(second, 500), H::EndSecondSubscription),
            (when(main.discount.is_none() && main.billing == Billing::Monthly, 70), H::StayForLess),
            (60, H::Correction),
            (when(only, 12), H::Relocate),
            (when(main.plan == Plan::Business && !has(Plan::ApiCalls), 250), H::UseApi),
        ];
        let taken: u32 = chances.iter().map(|(chance, _)| chance).sum();
        chances[0].0 = ALL.saturating_sub(taken);
        chances
    }

    /// Small and new customers leave sooner, so do those from ads, after a failed payment, and those who were
    /// told that the price goes up.
    fn cancel_chance(&self) -> u32 {
        let main = self.items[0];
        let mut chance = match main.plan {
            Plan::Starter => 680,
            Plan::Pro => 580,
            _ => 540,
        };
        let raised = main.plan == Plan::Starter && self.first_day(self.cycle) >= self.world.calendar.rise;
        for (applies, percent) in [
            (true, self.who.restless),
            (self.cycle < 3, 135),
            (self.cycle <= self.shaken_until, 260),
            (raised, 130),
            (main.billing == Billing::Annual, 35),
        ] {
            chance = if applies { chance * percent / 100 } else { chance };
        }
        chance
    }

    /// Billing systems also write when nothing changes that matters here: a card, a note, a date.
    fn nothing(&mut self) -> Option<bool> {
        if self.random.chance(6_500) {
            let at = self.moment_in(self.cycle, 2, 26);
            self.go_to(at)?;
            self.tell_all(at);
        }
        Some(true)
    }

    // Leaving.

    fn cancel_at_period_end(&mut self) -> Option<bool> {
        let asked = self.moment_in(self.cycle, 2, 18);
        let months = self.items[0].billing.months();
        let last = (self.cycle / months + 1) * months;
        let end_day = self.first_day(last);
        let end = start_of(end_day);
        self.go_to(asked)?;
        for item in &mut self.items {
            (item.cancel_requested_at, item.cancel_at) = (Some(asked), Some(end));
        }
        self.tell_all(asked);
        if self.random.chance(1_300) {
            let again = self.moment_in(self.cycle, 20, 26);
            self.go_to(again)?;
            for item in &mut self.items {
                (item.cancel_requested_at, item.cancel_at) = (None, None);
            }
            self.tell_all(again);
            return Some(true);
        }
        // A discount that would end on the same day never does: what leaves is the discounted price.
        for discount in self.items.iter_mut().filter_map(|item| item.discount.as_mut()) {
            discount.until = discount.until.filter(|until| *until != end_day);
        }
        self.go_to(end)?;
        self.leave(end_day);
        self.end_all("voluntary");
        // Not every billing system says again what it said before.
        if self.random.chance(5_000) {
            self.tell_all(end);
        }
        self.cycle = last;
        self.forget_notice();
        Some(false)
    }

    fn forget_notice(&mut self) {
        for item in &mut self.items {
            (item.cancel_requested_at, item.cancel_at) = (None, None);
        }
    }

    fn cancel_at_once(&mut self) -> Option<bool> {
        let at = self.moment_in(self.cycle, 2, 26);
        self.go_to(at)?;
        self.leave(day_of(at));
        let reason =
            self.random.pick(&["voluntary: too expensive", "voluntary: missing a feature", "voluntary"]);
        self.end_all(reason);
        self.tell_all(at);
        Some(false)
    }

    fn go_free(&mut self) -> Option<bool> {
        let at = self.moment_in(self.cycle, 2, 26);
        self.go_to(at)?;
        self.leave(day_of(at));
        self.end_all("voluntary");
        let mut free = self.item(Plan::Free, Billing::Monthly);
        free.subscription = self.items[0].subscription;
        free.status = Status::Free;
        self.items[0] = free;
        self.tell_all(at);
        Some(false)
    }

    /// A payment that fails is late for a while; then it comes, or is given up.
    fn payment_fails(&mut self) -> Option<bool> {
        let failed = self.moment_in(self.cycle, 2, 8);
        self.go_to(failed)?;
        self.set_all(Status::PastDue);
        self.tell_all(failed);
        self.shaken_until = self.cycle + 2;
        match self.random.below(100) {
            0..72 => {
                let paid = later(failed, self.random.between(2, 9), 600);
                self.go_to(paid)?;
                self.set_all(Status::Active);
                self.tell_all(paid);
                Some(true)
            }
            72..86 => {
                let given_up = later(failed, self.random.between(10, 17), 600);
                self.go_to(given_up)?;
                self.leave(day_of(given_up));
                self.end_all("involuntary: card declined");
                self.tell_all(given_up);
                Some(false)
            }
            _ => {
                let unpaid = later(failed, self.random.between(7, 10), 600);
                self.stay_unpaid(unpaid)
            }
        }
    }

    fn stay_unpaid(&mut self, at: Instant) -> Option<bool> {
        self.go_to(at)?;
        self.leave(day_of(at));
        self.set_all(Status::Unpaid);
        self.tell_all(at);
        if self.random.chance(4_000) {
            let cycles = self.random.between(1, 2);
            return self.return_in_cycle(cycles);
        }
        let ended = later(at, self.random.between(5, 8), 60);
        self.go_to(ended)?;
        self.end_all("involuntary: card declined");
        self.tell_all(ended);
        Some(false)
    }

    fn pause(&mut self) -> Option<bool> {
        let at = self.moment_in(self.cycle, 2, 12);
        self.go_to(at)?;
        self.leave(day_of(at));
        self.set_all(Status::Paused);
        self.tell_all(at);
        let cycles = self.random.between(1, 3);
        if self.random.chance(8_000) {
            return self.return_in_cycle(cycles);
        }
        let ended = self.moment_in(self.cycle + cycles, 2, 20);
        self.go_to(ended)?;
        self.end_all("voluntary");
        self.tell_all(ended);
        Some(false)
    }

    /// What was paused or unpaid runs again, some cycles on.
    fn return_in_cycle(&mut self, cycles: i32) -> Option<bool> {
        let cycle = self.cycle + cycles;
        let at = self.moment_in(cycle, 2, 20);
        self.go_to(at)?;
        self.cycle = cycle;
        self.set_all(Status::Active);
        self.tell_all(at);
        self.come(day_of(at));
        Some(true)
    }

    // Changing.

    fn change_plan(&mut self, up: bool) -> Option<bool> {
        let target = self.other_plan(up);
        let at = self.moment_in(self.cycle, 2, 26);
        self.go_to(at)?;
        let before = self.items[0];
        let mut fresh = self.item(target, before.billing);
        if before.billing == Billing::Quarterly && target != Plan::Business {
            fresh = self.item(target, Billing::Monthly);
        }
        (fresh.subscription, fresh.discount) = (before.subscription, before.discount);
        self.items[0] = fresh;
        self.tell(at, 0);
        self.replan(day_of(at), (before.plan, before.worth()), (target, fresh.worth()), fresh.money);
        Some(true)
    }

    fn other_plan(&mut self, up: bool) -> Plan {
        match (self.items[0].plan, up) {
            (Plan::Starter, _) => self.random.weighted(&[(80, Plan::Pro), (20, Plan::Team)]),
            (Plan::Pro, true) => self.random.weighted(&[(75, Plan::Team), (25, Plan::Business)]),
            (Plan::Pro, false) => Plan::Starter,
            (Plan::Team, true) => Plan::Business,
            (Plan::Business, false) => self.random.weighted(&[(60, Plan::Team), (40, Plan::Pro)]),
            _ => Plan::Pro,
        }
    }

    fn change_seats(&mut self) -> Option<bool> {
        let at = self.moment_in(self.cycle, 2, 26);
        self.go_to(at)?;
        let grows = self.items[0].quantity <= 2 || self.random.chance(5_400);
        let seats = i64::from(if grows { self.random.between(1, 3) } else { -self.random.between(1, 2) });
        self.add_seats(at, seats);
        Some(true)
    }

    fn add_item(&mut self, plan: Plan) -> Option<bool> {
        let at = self.moment_in(self.cycle, 2, 26);
        self.go_to(at)?;
        let mut item = self.item(plan, self.items[0].billing);
        item.subscription = self.items[0].subscription;
        if plan == Plan::ApiCalls {
            (item.billing, item.mills) =
                (Billing::Monthly, Billing::Monthly.mills(self.price(plan, item.money)));
        }
        self.begin_beside(at, item);
        Some(true)
    }

    fn begin_beside(&mut self, at: Instant, item: Item) {
        self.items.push(item);
        self.tell(at, self.items.len() - 1);
        self.resize(day_of(at), self.items.len() - 1, Amount::ZERO);
    }

    fn end_beside(&mut self, at: Instant, index: usize) {
        let before = self.items[index].worth();
        self.items[index].status = Status::Canceled;
        self.items[index].reason = Some("voluntary");
        self.tell(at, index);
        self.resize(day_of(at), index, before);
        self.items.remove(index);
    }

    fn drop_support(&mut self) -> Option<bool> {
        let at = self.moment_in(self.cycle, 2, 26);
        self.go_to(at)?;
        if let Some(index) = self.items.iter().position(|item| item.plan == Plan::Priority) {
            self.end_beside(at, index);
        }
        Some(true)
    }

    fn pay_by_the_year(&mut self) -> Option<bool> {
        let at = self.moment_in(self.cycle, 2, 26);
        self.go_to(at)?;
        let before = self.items[0].worth();
        let (plan, money) = (self.items[0].plan, self.items[0].money);
        self.items[0].billing = Billing::Annual;
        self.items[0].mills = Billing::Annual.mills(self.price(plan, money));
        self.tell(at, 0);
        self.resize(day_of(at), 0, before);
        Some(true)
    }

    /// Another department subscribes for itself.
    fn second_subscription(&mut self) -> Option<bool> {
        let at = self.moment_in(self.cycle, 2, 26);
        self.go_to(at)?;
        self.subscriptions += 1;
        let plan = self.random.pick(&[Plan::Starter, Plan::Team]);
        let item = self.item(plan, Billing::Monthly);
        self.begin_beside(at, item);
        Some(true)
    }

    fn end_second_subscription(&mut self) -> Option<bool> {
        let at = self.moment_in(self.cycle, 2, 26);
        self.go_to(at)?;
        let main = self.items[0].subscription;
        if let Some(index) = self.items.iter().position(|item| item.subscription != main) {
            self.end_beside(at, index);
        }
        Some(true)
    }

    /// Someone who wanted to leave stays for half the price.
    fn stay_for_less(&mut self) -> Option<bool> {
        let at = self.moment_in(self.cycle, 2, 26);
        self.go_to(at)?;
        let before = self.items[0].worth();
        let until = self.first_day(self.cycle + 3);
        self.items[0].discount = Some(Discount { coupon: Coupon::Retention, until: Some(until) });
        self.tell(at, 0);
        self.resize(day_of(at), 0, before);
        Some(true)
    }

    // Several things on one day, and what they come to.

    fn correction(&mut self) -> Option<bool> {
        let at = self.moment_in(self.cycle, 2, 26);
        self.go_to(at)?;
        match self.random.below(4) {
            0 if self.items[0].plan == Plan::Team => self.mistype_seats(at),
            1 if self.items.len() == 1 && self.items[0].discount.is_none() => self.buy_again(at),
            2 => self.change_mind(at),
            _ => self.mistype_price(at),
        }
        Some(true)
    }

    /// Ten times the seats for some minutes; one more is what was meant.
    fn mistype_seats(&mut self, at: Instant) {
        let before = self.items[0].worth();
        let meant = self.items[0].quantity + 1;
        self.items[0].quantity = meant * 10;
        self.tell(at, 0);
        self.items[0].quantity = meant;
        self.tell(later(at, 0, 720), 0);
        self.resize(day_of(at), 0, before);
    }

    /// Ends one subscription and begins another on another plan: over the day that is a change of plan.
    fn buy_again(&mut self, at: Instant) {
        let before = self.items[0];
        self.end_all("voluntary");
        self.tell(at, 0);
        let up = self.random.chance(6_500);
        let plan = self.other_plan(up);
        self.subscriptions += 1;
        let item = self.item(plan, Billing::Monthly);
        self.items[0] = item;
        self.tell(later(at, 0, 1_800), 0);
        self.replan(day_of(at), (before.plan, before.worth()), (plan, item.worth()), item.money);
    }

    /// Cancels in the morning and takes it back in the afternoon: nothing happened.
    fn change_mind(&mut self, at: Instant) {
        let before = self.items.clone();
        self.end_all("voluntary");
        self.tell_all(at);
        self.items = before;
        self.tell_all(later(at, 0, 4 * 3_600));
    }

    /// A tenth of the price, put right at the same instant: the row that counts higher holds.
    fn mistype_price(&mut self, at: Instant) {
        let mut wrong = self.items[0];
        wrong.mills /= 10;
        self.witness.state(&self.who, at, 0, &wrong);
        self.witness.state(&self.who, at, 1, &self.items[0]);
    }

    /// Moves to a country with the other currency, and pays its price there.
    fn relocate(&mut self) -> Option<bool> {
        let at = self.moment_in(self.cycle, 2, 26);
        self.go_to(at)?;
        let before = self.items[0];
        let day = day_of(at);
        loop {
            let (country, money) = self.random.weighted(&COUNTRIES);
            if money != before.money {
                (self.who.country, self.who.money) = (country, money);
                break;
            }
        }
        self.witness.relocated(&self.who, day);
        let money = self.who.money;
        self.items[0].money = money;
        self.items[0].mills = before.billing.mills(self.price(before.plan, money));
        self.tell(at, 0);
        self.exchange(at, before.plan, (before.money, before.worth()), (money, self.items[0].worth()));
        Some(true)
    }

    /// One currency for another: what both are worth in dollars that day moves, the rest is gained or lost in
    /// its own currency.
    fn exchange(&mut self, at: Instant, plan: Plan, from: (Money, Amount), to: (Money, Amount)) {
        let day = day_of(at);
        let rate = |money| self.world.rates.dollars(money, day);
        let (rate_from, rate_to) = (rate(from.0), rate(to.0));
        let (value_from, value_to) = (from.1.raw() * rate_from, to.1.raw() * rate_to);
        let least = value_from.min(value_to);
        let part = |whole: Amount, value: i128, rate: i128| match value == least {
            true => whole,
            false => Amount::from_raw(div_round(least, rate, Rounding::HalfEven)),
        };
        let (lost, gained) = (part(from.1, value_from, rate_from), part(to.1, value_to, rate_to));
        self.post(day, Kind::Transfer, plan, from.0, -lost);
        self.post(day, Kind::Contraction, plan, from.0, lost - from.1);
        self.post(day, Kind::Transfer, plan, to.0, gained);
        self.post(day, Kind::Expansion, plan, to.0, to.1 - gained);
    }
}

fn is_first_bill(item: &Item) -> bool {
    item.discount.is_some_and(|discount| discount.coupon == Coupon::FirstBill)
}
