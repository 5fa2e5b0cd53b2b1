//! The life of one customer.
//!
//! Whatever happens is told twice at the same moment: as rows, the way a billing system would have them, and as
//! movements, which the simulator knows because it makes them happen ("from Starter at 19 to Pro at 49 today:
//! transfer 19, expansion 30"). The movements are never worked out from the rows, so that a ledger made from the
//! rows can be held against them.
//!
//! Nothing that changes revenue happens to a customer twice on one day, except where a happening says what
//! it comes to over the day. For that, time is cut in cycles of a month from the day the customer began to pay:
//! discounts and notice periods end on a cycle's first day, a raised price holds from its second, and everything
//! else happens between the third and the 28th.

mod happenings;
mod signing_up;

use netnew_money::{Amount, Day, Instant};

use crate::World;
use crate::calendar::{day_of, moment, start_of, working_time};
use crate::catalogue::{Money, Plan};
use crate::profile::Profile;
use crate::random::Random;
use crate::witness::{Item, Kind, Level, Movement, Status, Witness};

/// Lives the life of the customer with this index, up to the end of the history.
pub(crate) fn live(world: &World, index: u32, witness: &mut impl Witness) {
    let who = Profile::of(world, index);
    witness.profile(&who);
    let mut life = Life {
        world,
        witness,
        random: Random::of(world.seed, 2, index.into()),
        who,
        items: Vec::with_capacity(2),
        subscriptions: 1,
        now: who.signed_up,
        anchor: day_of(who.signed_up),
        cycle: 0,
        month: 0,
        has_paid: false,
        shaken_until: 0,
    };
    // Nothing: the history ended in the middle of this life, as it does for everyone who stays.
    let _ = life.run();
    life.reach_end();
}

struct Life<'a, W: Witness> {
    world: &'a World,
    witness: &'a mut W,
    random: Random,
    who: Profile,
    /// What is running, the main item first.
    items: Vec<Item>,
    /// How many subscriptions there were.
    subscriptions: u32,
    now: Instant,
    /// The day from which cycles are counted.
    anchor: Day,
    cycle: i32,
    /// The month of `now`; those before it are closed.
    month: usize,
    has_paid: bool,
    /// The last cycle in which a failed payment is still remembered.
    shaken_until: i32,
}

impl<W: Witness> Life<'_, W> {
    /// Nothing when the history ends first.
    fn run(&mut self) -> Option<()> {
        if self.who.index == 0 {
            return self.found();
        }
        if !self.sign_up()? {
            return Some(());
        }
        loop {
            self.pay_on()?;
            if !self.come_back()? {
                return Some(());
            }
        }
    }

    /// Goes on to a moment; nothing when that lies after the history.
    fn go_to(&mut self, at: Instant) -> Option<()> {
        debug_assert!(at >= self.now, "time runs forward: {} to {at}", self.now);
        if at > self.world.calendar.end {
            return None;
        }
        self.end_discounts(at);
        self.close_months(day_of(at));
        self.now = at;
        Some(())
    }

    fn reach_end(&mut self) {
        let calendar = &self.world.calendar;
        let (end, as_of, last) = (calendar.end, calendar.as_of, calendar.months.len() - 1);
        self.end_discounts(end);
        self.close_months(as_of);
        debug_assert_eq!(self.month, last);
        self.tell_levels();
    }

    /// Tells the levels at the end of every month before that of `day`.
    fn close_months(&mut self, day: Day) {
        while self.world.calendar.months.get(self.month + 1).is_some_and(|next| *next <= day) {
            self.tell_levels();
            self.month += 1;
        }
    }

    fn tell_levels(&mut self) {
        for item in &self.items {
            let amount = item.worth();
            if !amount.is_zero() {
                let (month, plan, money) = (self.month, item.plan, item.money);
                self.witness.level(&Level { month, plan, money, amount });
            }
        }
    }

    /// Discounts end by themselves: no row says so.
    fn end_discounts(&mut self, upto: Instant) {
        for at in 0..self.items.len() {
            let until = self.items[at].discount.and_then(|d| d.until);
            let Some(day) = until.filter(|day| start_of(*day) <= upto) else { continue };
            self.close_months(day);
            let before = self.items[at].worth();
            self.items[at].discount = None;
            self.resize(day, at, before);
        }
    }

    /// The moment in a cycle, so many days in, at a time of day at which customers are at work.
    fn moment_in(&mut self, cycle: i32, earliest: i32, latest: i32) -> Instant {
        let day = self.first_day(cycle).add_days(self.random.between(earliest, latest));
        moment(day, working_time(&mut self.random))
    }

    fn first_day(&self, cycle: i32) -> Day {
        self.anchor.add_months(cycle)
    }

    fn price(&self, plan: Plan, money: Money) -> i64 {
        plan.mills_per_month(money, day_of(self.now) >= self.world.calendar.rise)
    }

    // Rows.

    fn tell(&mut self, at: Instant, item: usize) {
        self.witness.state(&self.who, at, 0, &self.items[item]);
    }

    fn tell_all(&mut self, at: Instant) {
        for item in 0..self.items.len() {
            self.tell(at, item);
        }
    }

    fn set_all(&mut self, status: Status) {
        self.items.iter_mut().for_each(|item| item.status = status);
    }

    /// Marks everything as canceled; rows are told apart.
    fn end_all(&mut self, reason: &'static str) {
        for item in &mut self.items {
            item.status = Status::Canceled;
            item.discount = None;
            item.reason = Some(reason);
        }
    }

    // Movements.

    fn post(&mut self, day: Day, kind: Kind, plan: Plan, money: Money, amount: Amount) {
        if !amount.is_zero() {
            let month = self.month;
            self.witness.movement(&Movement { month, day, kind, plan, money, amount });
        }
    }

    /// Everything that runs begins to count.
    fn come(&mut self, day: Day) {
        let kind = if self.has_paid { Kind::Reactivation } else { Kind::New };
        self.has_paid = true;
        self.witness.head(self.month, kind);
        for at in 0..self.items.len() {
            let item = self.items[at];
            self.post(day, kind, item.plan, item.money, item.worth());
        }
    }

    /// Everything that runs ceases to count; to be called while it still does.
    fn leave(&mut self, day: Day) {
        self.witness.head(self.month, Kind::Churn);
        for at in 0..self.items.len() {
            let item = self.items[at];
            self.post(day, Kind::Churn, item.plan, item.money, -item.worth());
        }
    }

    /// An item on the same plan as before is worth something else now.
    fn resize(&mut self, day: Day, at: usize, before: Amount) {
        let item = self.items[at];
        let change = item.worth() - before;
        let kind = if change.is_positive() { Kind::Expansion } else { Kind::Contraction };
        self.post(day, kind, item.plan, item.money, change);
    }

    /// What was worth something on one plan is worth something on another: what both have in common moves, and
    /// the rest shows on the plan that gains or loses it.
    fn replan(&mut self, day: Day, from: (Plan, Amount), to: (Plan, Amount), money: Money) {
        let moved = from.1.min(to.1);
        self.post(day, Kind::Transfer, from.0, money, -moved);
        self.post(day, Kind::Transfer, to.0, money, moved);
        self.post(day, Kind::Contraction, from.0, money, moved - from.1);
        self.post(day, Kind::Expansion, to.0, money, to.1 - moved);
    }

    /// Begins to pay, and to count cycles from that day.
    fn start_paying(&mut self, at: Instant) {
        self.anchor = day_of(at);
        self.cycle = 0;
        self.shaken_until = 0;
        self.come(self.anchor);
    }
}
