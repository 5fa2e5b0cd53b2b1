//! A policy applied once to every distinct content, so that the pass over rows only looks up.

use crate::cut::Cut;
use crate::image::{Content, Image, flags};
use crate::kinds::{Kinds, Numbers};
use crate::laid::decode;
use crate::templates::{LARGEST, Templates};
use netnew_facts::{CancelReason, Discount, DiscountKind, Status, Text};
use netnew_ledger::{Context, End, Standing};
use netnew_money::{Amount, Currency, IntervalUnit, Ratio, Rounding};
use netnew_policy::{
    ChurnTiming, DiscountRule, Grace, LimitedDiscountRule, MovementLevel, Netting, OneTimeDiscountRule,
    PartialCancel, PauseRule, Policy, SamePeriod, SecondSubscription, ZeroRule,
};
use rayon::prelude::*;
use std::cmp::Ordering;

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
    /// Whether two levels of an item are the same: the same MRR on the same plan, or nothing on both.
    pub fn same_cell(before: Option<&Phase>, after: &Phase) -> bool {
        let (mrr, plan, currency) = before.map_or((0, 0, 0), |p| (p.mrr, p.plan, p.currency));
        mrr == after.mrr && (mrr == 0 || (plan == after.plan && currency == after.currency))
    }

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
    /// Head counts follow steps of their own.
    pub(crate) separate: bool,
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
        let numbered = cut.is_none().then(|| Kinds::new(image));
        let kinds = numbered.as_ref().or(cut.map(|cut| &cut.kinds)).expect("one of the two");
        let mut rules = Rules {
            phases: Vec::new(),
            arr: Vec::new(),
            further: vec![NONE; image.contents.len()],
            ignored: Vec::with_capacity(image.contents.len()),
            plans: kinds.plans.clone(),
            currencies: kinds.currencies.clone(),
            general: general(policy),
            separate: policy.movement_level == MovementLevel::Subscription,
            all_general: policy.movement_level == MovementLevel::Subscription
                || policy.same_period_new_and_churn == SamePeriod::BothHidden
                || ctx.dimensions.layer
                || kinds.currencies.len() > usize::from(u8::MAX),
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
        let entries: Vec<Entry> = wanted
            .par_iter()
            .with_min_len(512)
            .map(|(at, status, mask)| {
                let content = &image.contents[*at as usize];
                let standing = standing(content, *status, *mask, policy);
                entry(content, kinds.of[*at as usize], *status, standing)
            })
            .collect();
        rules.arr = entries.iter().map(|entry| entry.arr).collect();
        rules.phases = entries.iter().map(|entry| entry.phase).collect();
        ranks(&entries, &mut rules.phases);
        rules.any_broken = rules.phases.iter().any(Phase::broken);
        rules.careful = rules.keeps
            || policy.second_subscription == SecondSubscription::New
            || policy.partial_cancel == PartialCancel::Churn;
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

/// A content under a policy before its place among the others is known.
#[derive(Clone, Copy)]
struct Entry {
    phase: Phase,
    arr: i128,
    /// What discounts take off.
    off: Ratio,
}

fn entry(content: &Content, numbers: Numbers, status: Status, standing: Option<Standing>) -> Entry {
    let state = &content.state;
    let mut bits = if state.amount.is_negative() { CREDIT } else { 0 };
    let (mut mrr, mut arr, mut off) = (0, 0, Ratio::ZERO);
    match standing {
        Some(standing) => {
            let marks = [
                (standing.live, LIVE),
                (standing.counts, COUNTS),
                (standing.kept, KEPT),
                (standing.lapsed, LAPSED),
            ];
            bits |= marks.into_iter().filter(|(on, _)| *on).map(|(_, bit)| bit).sum::<u8>();
            (mrr, arr) = (standing.level.mrr.raw(), standing.level.arr.raw());
            off = standing.off;
        }
        None => bits |= BROKEN,
    }
    // Sums of a few thousand items must not leave the range either.
    if mrr.unsigned_abs() > 1 << 100 {
        bits |= BROKEN;
    }
    let Numbers { plan, interval, price, currency } = numbers;
    let (reason, quantity) = (state.reason, state.quantity_micros);
    let phase = Phase { mrr, plan, currency, status, reason, bits, interval, price, off: 0, quantity };
    Entry { phase, arr, off }
}

/// Ranks what discounts take off.
fn ranks(entries: &[Entry], phases: &mut [Phase]) {
    // Rounded the same way, whatever is less is never more: exact fractions are only compared among neighbours.
    let rough = |off: &Ratio| {
        let beyond = if *off < Ratio::ZERO { i128::MIN } else { i128::MAX };
        off.round_to(Amount::SCALE, Rounding::Truncate).unwrap_or(beyond)
    };
    let some = entries.par_iter().enumerate().filter(|(_, entry)| entry.off != Ratio::ZERO);
    let mut order: Vec<(i128, Ratio, u32)> =
        some.map(|(at, entry)| (rough(&entry.off), entry.off, at as u32)).collect();
    order.push((0, Ratio::ZERO, NONE));
    order.par_sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    let (mut rank, mut nothing) = (0, 0);
    for (at, (_, off, place)) in order.iter().enumerate() {
        rank += u32::from(at > 0 && order[at - 1].1 != *off);
        match phases.get_mut(*place as usize) {
            Some(phase) => phase.off = rank,
            None => nothing = rank,
        }
    }
    let without = entries.iter().zip(phases).filter(|(entry, _)| entry.off == Ratio::ZERO);
    without.for_each(|(_, phase)| phase.off = nothing);
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
