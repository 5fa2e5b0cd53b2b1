//! A policy applied once to every distinct content, so that the pass over rows only looks up.

use crate::cut::Cut;
use crate::image::{Content, Image, flags};
use crate::laid::decode;
use crate::templates::{LARGEST, Templates};
use foldhash::fast::FixedState;
use netnew_facts::{CancelReason, Discount, DiscountKind, Status, Text};
use netnew_ledger::{Context, End, Standing};
use netnew_money::{Amount, Currency, IntervalUnit, Ratio};
use netnew_policy::{
    ChurnTiming, DiscountRule, Grace, LimitedDiscountRule, MovementLevel, Netting, OneTimeDiscountRule,
    PartialCancel, PauseRule, Policy, SamePeriod, SecondSubscription, ZeroRule,
};
use rayon::prelude::*;
use std::cmp::Ordering;
use std::collections::HashMap;

/// No entry.
pub(crate) const NONE: u32 = u32::MAX;

const LIVE: u8 = 1;
const COUNTS: u8 = 2;
const KEPT: u8 = 4;
const LAPSED: u8 = 8;
const CREDIT: u8 = 16;
/// The level does not fit; the general replay says what and where.
const BROKEN: u8 = 32;

/// A content under a policy, in one status and with some of its discounts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phase {
    /// MRR in 10^-10 of the major unit.
    pub mrr: i128,
    /// Number of (plan, currency, MRR); 0 when MRR is 0.
    pub cell: u32,
    pub plan: u32,
    /// Index into [`Rules::currencies`].
    pub currency: u8,
    pub status: Status,
    reason: Option<CancelReason>,
    bits: u8,
    interval: u32,
    price: u32,
    /// Rank of what discounts take off.
    off: u32,
    quantity: i64,
}

impl Phase {
    pub fn live(&self) -> bool {
        self.bits & LIVE != 0
    }

    pub fn keeps(&self) -> bool {
        self.bits & (LIVE | KEPT) == LIVE | KEPT
    }

    fn stated_trial(&self) -> bool {
        self.status == Status::Trialing
    }

    pub fn broken(&self) -> bool {
        self.bits & BROKEN != 0
    }
}

impl End for Phase {
    fn is_credit(&self) -> bool {
        self.bits & CREDIT != 0
    }

    fn reason(&self) -> Option<CancelReason> {
        self.reason
    }

    fn status(&self) -> Status {
        self.status
    }

    fn counts(&self) -> bool {
        self.bits & COUNTS != 0
    }

    fn lapsed(&self) -> bool {
        self.bits & LAPSED != 0
    }

    fn mrr(&self) -> Amount {
        Amount::from_raw(self.mrr)
    }

    fn same_currency(&self, other: &Self) -> bool {
        self.currency == other.currency
    }

    fn same_plan(&self, other: &Self) -> bool {
        self.plan == other.plan
    }

    fn same_interval(&self, other: &Self) -> bool {
        self.interval == other.interval
    }

    fn same_quantity(&self, other: &Self) -> bool {
        self.quantity == other.quantity
    }

    fn same_price(&self, other: &Self) -> bool {
        self.price == other.price
    }

    fn off_cmp(&self, other: &Self) -> Ordering {
        self.off.cmp(&other.off)
    }
}

/// Which of a content's entries: its status after transitions in time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    AsStated,
    Converted,
    Canceled,
}

/// Everything that depends on the policy and not on the customer.
pub struct Rules {
    pub(crate) phases: Vec<Phase>,
    /// ARR, parallel to `phases`; apart, because few passes ask for it.
    pub(crate) arr: Vec<i128>,
    /// Per content: where its further entries begin; [`NONE`] without.
    further: Vec<u32>,
    /// Per content: discounts that the policy never applies.
    ignored: Vec<u8>,
    /// Plans that occur; `None` first.
    pub plans: Vec<Option<Text>>,
    /// Currencies that occur.
    pub currencies: Vec<Currency>,
    /// What events of simple customers post; `None` under policies that ask for more.
    pub(crate) templates: Option<Templates>,
    /// The policy may keep customers at 0 or force kinds.
    pub(crate) careful: bool,
    /// Customers with any of these marks are left to the general replay.
    pub(crate) general: u8,
    /// All customers are.
    pub(crate) all_general: bool,
    /// A level does not fit, whoever's.
    pub(crate) any_broken: bool,
    /// Something can keep a customer at 0.
    pub(crate) keeps: bool,
    /// Something is worth less than nothing.
    pub(crate) negative: bool,
}

impl Rules {
    /// Entries of the phases before and after a pair, the image's own or one that was laid down; [`NONE`] before the first.
    pub(crate) fn entries(&self, image: &Image, pair: u32) -> [u32; 2] {
        let pair = pair as usize;
        match pair.checked_sub(image.pairs.len()) {
            None => image.pairs[pair],
            Some(laid) => self.templates.as_ref().map_or([NONE; 2], |templates| templates.laid[laid]),
        }
    }

    /// Works out every content of an image under a context's policy.
    pub fn new(image: &Image, ctx: &Context) -> Rules {
        Rules::with_cut(image, ctx, None)
    }

    /// The same, and what changes between the rows of a cut; only so do such customers go the quick way.
    pub fn with_cut(image: &Image, ctx: &Context, cut: Option<&Cut>) -> Rules {
        let policy = ctx.policy;
        let mut rules = Rules {
            phases: Vec::with_capacity(image.contents.len()),
            arr: Vec::new(),
            further: vec![NONE; image.contents.len()],
            ignored: Vec::with_capacity(image.contents.len()),
            plans: vec![None],
            currencies: image.currencies(),
            general: general(policy),
            all_general: policy.movement_level == MovementLevel::Subscription
                || policy.same_period_new_and_churn == SamePeriod::BothHidden
                || ctx.dimensions.layer
                || image.currencies().len() > usize::from(u8::MAX),
            templates: None,
            careful: false,
            any_broken: false,
            negative: false,
            keeps: policy.discount_100 == ZeroRule::StaysActive
                || policy.free_plan == ZeroRule::StaysActive
                || policy.pause == PauseRule::Contraction,
        };
        for content in &image.contents {
            rules.ignored.push(ignored(content, policy));
        }
        // What is to be worked out: content, status, discounts that apply.
        let mut wanted: Vec<(u32, Status, u8)> = Vec::with_capacity(image.contents.len());
        for (at, content) in image.contents.iter().enumerate() {
            wanted.push((at as u32, content.state.status, all(content) & !rules.ignored[at]));
        }
        for (at, content) in image.contents.iter().enumerate() {
            let discounts = content.state.discounts.len();
            if discounts > crate::image::MOST_DISCOUNTS {
                continue;
            }
            if discounts == 0 && content.state.status != Status::Trialing && !content.ends {
                continue;
            }
            rules.further[at] = wanted.len() as u32;
            let trial = (content.state.status == Status::Trialing).then_some(Status::Active);
            for status in [Some(content.state.status), trial].into_iter().flatten() {
                wanted.extend((0..1u8 << discounts).map(|mask| (at as u32, status, mask)));
            }
            // What is canceled is worth nothing, whatever the discounts.
            wanted.extend(content.ends.then_some((at as u32, Status::Canceled, 0)));
        }
        let standings: Vec<Option<Standing>> = wanted
            .par_iter()
            .with_min_len(512)
            .map(|(at, status, mask)| standing(&image.contents[*at as usize], *status, *mask, policy))
            .collect();
        let mut numbers = Numbers::default();
        let mut offs = Vec::with_capacity(wanted.len());
        for ((at, status, _), standing) in wanted.iter().zip(standings) {
            rules.entry(&image.contents[*at as usize], *status, standing, &mut numbers, &mut offs);
        }
        rules.any_broken = rules.phases.iter().any(Phase::broken);
        rules.careful = rules.keeps
            || policy.second_subscription == SecondSubscription::New
            || policy.partial_cancel == PartialCancel::Churn;
        let mut ranks: Vec<Ratio> = offs.iter().copied().filter(|off| *off != Ratio::ZERO).collect();
        ranks.push(Ratio::ZERO);
        ranks.sort_unstable();
        ranks.dedup();
        let nothing = ranks.binary_search(&Ratio::ZERO).unwrap_or_default();
        for (phase, off) in rules.phases.iter_mut().zip(&offs) {
            let rank =
                if *off == Ratio::ZERO { nothing } else { ranks.binary_search(off).unwrap_or_default() };
            phase.off = rank as u32;
        }
        let large = rules.phases.iter().any(|p| p.mrr.abs() > LARGEST)
            || rules.arr.iter().any(|arr| arr.abs() > LARGEST * 12);
        let unfit = rules.careful || rules.all_general || rules.any_broken || large;
        if !unfit && policy.netting != Netting::Period {
            let plans = rules.plans.len();
            let entry = |code| {
                decode(code).map_or(NONE, |(content, variant, mask)| rules.phase(content, variant, mask))
            };
            let laid =
                cut.map(|cut| cut.laid.pairs.par_iter().with_min_len(4096).map(|pair| pair.map(entry)));
            let laid = laid.map(|pairs| pairs.collect()).unwrap_or_default();
            rules.negative = rules.phases.iter().any(|phase| phase.mrr < 0);
            let several = cut.is_some_and(|cut| cut.laid.several);
            let (phases, arr) = (&rules.phases, &rules.arr);
            rules.templates = Templates::new(&image.pairs, laid, several, phases, arr, plans, ctx);
        }
        rules
    }

    fn entry(
        &mut self,
        content: &Content,
        status: Status,
        standing: Option<Standing>,
        numbers: &mut Numbers,
        offs: &mut Vec<Ratio>,
    ) {
        let state = &content.state;
        let currency = self.currencies.binary_search(&state.currency).unwrap_or_default() as u8;
        let plan = numbers.plan(state.plan.as_ref(), &mut self.plans);
        let mut bits = if state.amount.is_negative() { CREDIT } else { 0 };
        let (mut mrr, mut arr, mut off) = (0, 0, Ratio::ZERO);
        match standing {
            Some(standing) => {
                let marks = [(standing.live, LIVE), (standing.counts, COUNTS), (standing.kept, KEPT)];
                bits |= marks.into_iter().filter(|(on, _)| *on).map(|(_, bit)| bit).sum::<u8>();
                bits |= if standing.lapsed { LAPSED } else { 0 };
                (mrr, arr) = (standing.level.mrr.raw(), standing.level.arr.raw());
                off = standing.off;
            }
            None => bits |= BROKEN,
        }
        // Sums of a few thousand items must not leave the range either.
        if mrr.unsigned_abs() > 1 << 100 {
            bits |= BROKEN;
        }
        self.phases.push(Phase {
            mrr,
            cell: numbers.cell(plan, currency, mrr),
            plan,
            currency,
            status,
            reason: state.reason,
            bits,
            interval: numbers.interval(state.interval, state.interval_count),
            price: numbers.price(state.amount),
            off: 0,
            quantity: state.quantity_micros,
        });
        self.arr.push(arr);
        offs.push(off);
    }

    /// The entry of a content in a variant with some of its discounts (a bit each, those the policy never applies
    /// left out).
    pub(crate) fn phase(&self, content: u32, variant: Variant, discounts: u8) -> u32 {
        let further = self.further[content as usize];
        if further == NONE {
            return content;
        }
        // `ignored` has the number of discounts above their bits.
        let ignored = self.ignored[content as usize];
        let masks = 1 << (ignored >> 4);
        let mask = u32::from(discounts & !ignored & 0xf);
        let trial = u32::from(self.phases[content as usize].stated_trial());
        match variant {
            Variant::AsStated => further + mask,
            Variant::Converted => further + trial * masks + mask,
            Variant::Canceled => further + (1 + trial) * masks,
        }
    }

    pub(crate) fn never_applies(&self, content: u32, discount: usize) -> bool {
        self.ignored[content as usize] & (1 << discount) != 0
    }

    /// Number of a plan; 0 for none. `None` for one that does not occur.
    pub(crate) fn plan_number(&self, plan: Option<&Text>) -> Option<u32> {
        self.plans.iter().position(|p| p.as_ref() == plan).map(|at| at as u32)
    }
}

fn standing(content: &Content, status: Status, mask: u8, policy: &Policy) -> Option<Standing> {
    let state = &content.state;
    let applying: Vec<Discount> =
        state.discounts.iter().enumerate().filter(|(i, _)| mask & (1 << i) != 0).map(|(_, d)| *d).collect();
    Standing::of(state, status, content.here, false, &applying, policy)
}

fn general(policy: &Policy) -> u8 {
    let mut marks = flags::UNUSUAL;
    if policy.discount_one_time != OneTimeDiscountRule::Ignore {
        marks |= flags::ONCE;
        if policy.discount_recurring_limited == LimitedDiscountRule::MonthlyPlansOnly {
            marks |= flags::REPEATING;
        }
    }
    if policy.past_due_grace != Grace::Never {
        marks |= flags::PAST_DUE;
    }
    if policy.churn_timing == ChurnTiming::AtRequest {
        marks |= flags::REQUESTED;
    }
    marks
}

fn all(content: &Content) -> u8 {
    ((1u16 << content.state.discounts.len().min(crate::image::MOST_DISCOUNTS)) - 1) as u8
}

/// Discounts that never apply, a bit each; their number in the upper half.
fn ignored(content: &Content, policy: &Policy) -> u8 {
    let state = &content.state;
    let short = match state.interval {
        IntervalUnit::Day => state.interval_count <= 31,
        IntervalUnit::Week => state.interval_count <= 4,
        IntervalUnit::Month => state.interval_count <= 1,
        IntervalUnit::Year => false,
    };
    let no_one_time = policy.discount_one_time == OneTimeDiscountRule::Ignore;
    let mut mask = 0;
    for (at, discount) in state.discounts.iter().enumerate().take(crate::image::MOST_DISCOUNTS) {
        let never = match discount.kind {
            DiscountKind::Forever => policy.discount_forever == DiscountRule::Ignore,
            DiscountKind::Once => no_one_time,
            DiscountKind::Repeating => match policy.discount_recurring_limited {
                LimitedDiscountRule::Ignore => true,
                LimitedDiscountRule::MonthlyPlansOnly => !short && no_one_time,
                _ => false,
            },
        };
        mask |= u8::from(never) << at;
    }
    mask | (state.discounts.len().min(crate::image::MOST_DISCOUNTS) as u8) << 4
}

/// Numbers for what is only ever compared.
#[derive(Default)]
struct Numbers {
    plans: HashMap<Text, u32, FixedState>,
    cells: HashMap<(u32, u8, i128), u32, FixedState>,
    intervals: HashMap<(IntervalUnit, u32), u32, FixedState>,
    prices: HashMap<netnew_money::Decimal, u32, FixedState>,
}

impl Numbers {
    fn plan(&mut self, plan: Option<&Text>, plans: &mut Vec<Option<Text>>) -> u32 {
        let Some(plan) = plan else { return 0 };
        *self.plans.entry(plan.clone()).or_insert_with(|| {
            plans.push(Some(plan.clone()));
            plans.len() as u32 - 1
        })
    }

    fn cell(&mut self, plan: u32, currency: u8, mrr: i128) -> u32 {
        if mrr == 0 {
            return 0;
        }
        let next = self.cells.len() as u32 + 1;
        *self.cells.entry((plan, currency, mrr)).or_insert(next)
    }

    fn interval(&mut self, unit: IntervalUnit, count: u32) -> u32 {
        let next = self.intervals.len() as u32;
        *self.intervals.entry((unit, count)).or_insert(next)
    }

    fn price(&mut self, price: netnew_money::Decimal) -> u32 {
        let next = self.prices.len() as u32;
        *self.prices.entry(price).or_insert(next)
    }
}
