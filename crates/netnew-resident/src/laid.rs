//! Which customers' events can be posted from templates, and what changes in time without an event, laid down as rows.
//!
//! That a discount ends, a trial converts or a scheduled cancel comes is known from the states alone; a policy only says
//! what it is worth. So such instants become rows once, beside the image's own, and their contents (a state after its
//! trial, with some of its discounts gone, canceled) are paired like stated ones. Where the instants themselves hang on
//! the policy or on how far a source is known, the walk finds them anew.

use crate::image::{Image, NEVER, flags};
use crate::rules::{NONE, Variant};
use foldhash::fast::FixedState;
use netnew_facts::Status;
use netnew_money::{Instant, Zone};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};

/// Customers whose rows are laid down at a time.
const PART: usize = 16_384;

/// How far behind the last state changes are laid down, in microseconds: sums are held for every day up to there.
const BEYOND: i64 = 400 * 86_400_000_000;

/// How a customer's events can be posted.
pub(crate) mod ways {
    /// From templates.
    pub const TEMPLATES: u8 = 1;
    /// ... over rows that were laid down; else over the image's own.
    pub const LAID: u8 = 2;
    /// Some subscription has several items.
    pub const SEVERAL: u8 = 4;
    /// Items in several currencies.
    pub const MIXED: u8 = 8;
}

/// A content in time: content, variant and discounts that apply; [`NO_CODE`] for none.
type Code = u64;
const NO_CODE: Code = u64::MAX;

fn code(content: u32, variant: Variant, mask: u8) -> Code {
    u64::from(content) << 8 | u64::from(variant as u8) << 4 | u64::from(mask)
}

/// What a code stands for, in words of the rules.
pub(crate) fn decode(code: Code) -> Option<(u32, Variant, u8)> {
    let variant = match code >> 4 & 3 {
        0 => Variant::AsStated,
        1 => Variant::Converted,
        _ => Variant::Canceled,
    };
    (code != NO_CODE).then_some(((code >> 8) as u32, variant, (code & 0xf) as u8))
}

/// A customer with rows of their own.
#[derive(Clone, Copy)]
pub(crate) struct Life {
    pub customer: u32,
    /// Where the rows begin; they end where the next one's begin.
    pub first: u32,
    /// Nothing is laid down from here on.
    pub valid_to: i64,
    /// The first end of a trial that counts, and the last.
    pub trials: [i64; 2],
}

const NO_TRIALS: [i64; 2] = [NEVER, i64::MIN];

/// Ways of all customers, and the rows that were laid down.
#[derive(Default)]
pub(crate) struct Laid {
    pub ways: Vec<u8>,
    /// By customer, and one more at the end.
    pub lives: Vec<Life>,
    pub at: Vec<i64>,
    pub item: Vec<u16>,
    /// Index into the image's pairs, or behind them into these.
    pub pair: Vec<u32>,
    /// Local days since the cut's first.
    pub days: Vec<u16>,
    pub pairs: Vec<[Code; 2]>,
    /// Sources of trials that were laid down.
    pub sources: BTreeSet<u16>,
    /// The last instant that was laid down; the least there is for none.
    pub at_most: i64,
    /// Some subscription has several items.
    pub several: bool,
}

/// What of a content matters here.
struct Traits {
    currency: u16,
    credit: bool,
    trial: bool,
    discounts: u8,
    source: u16,
}

#[derive(Default)]
struct Part {
    laid: Laid,
    known: HashMap<[Code; 2], u32, FixedState>,
    /// Per item of a customer: from when its next state holds, what it is held to be, its currency.
    next_at: Vec<i64>,
    holding: Vec<Code>,
    currency: Vec<u16>,
    events: Vec<Laying>,
}

/// An event before it has its place.
struct Laying {
    at: i64,
    item: u16,
    code: Code,
    /// Its pair where the image has it: the pair, and the code that it follows.
    stated: Option<(u32, u32)>,
}

impl Laid {
    /// Lays down an image's changes in time. Days are left out.
    pub fn new(image: &Image) -> Laid {
        let currencies = image.currencies();
        let traits: Vec<Traits> = image
            .contents
            .par_iter()
            .with_min_len(4096)
            .map(|content| Traits {
                currency: currencies.binary_search(&content.state.currency).unwrap_or_default() as u16,
                credit: content.state.amount.is_negative(),
                trial: content.state.status == Status::Trialing,
                discounts: content.state.discounts.len() as u8,
                source: content.source,
            })
            .collect();
        let limit = image.at.par_iter().max().map_or(NEVER, |last| last.saturating_add(BEYOND));
        let parts: Vec<Laid> = (0..image.len().div_ceil(PART))
            .into_par_iter()
            .map(|part| {
                let mut out = Part::default();
                let customers = part * PART..((part + 1) * PART).min(image.len());
                out.laid.ways.reserve(customers.len());
                customers.for_each(|customer| out.customer(image, &traits, customer, limit));
                out.laid
            })
            .collect();
        Laid::join(image, parts)
    }

    fn join(image: &Image, parts: Vec<Laid>) -> Laid {
        let rows: usize = parts.iter().map(|part| part.at.len()).sum();
        let mut all = Laid { ways: Vec::with_capacity(image.len()), ..Laid::default() };
        let fits = u32::try_from(image.rows() + rows).is_ok();
        let mut known: HashMap<[Code; 2], u32, FixedState> = HashMap::default();
        all.at.reserve_exact(rows);
        all.item.reserve_exact(rows);
        all.pair.reserve_exact(rows);
        let stated = image.pairs.len() as u32;
        for part in parts {
            all.ways.extend(part.ways.iter().map(|way| if fits || way & ways::LAID == 0 { *way } else { 0 }));
            if !fits {
                continue;
            }
            let first = all.at.len() as u32;
            let numbers: Vec<u32> = part
                .pairs
                .iter()
                .map(|pair| {
                    *known.entry(*pair).or_insert_with(|| {
                        all.pairs.push(*pair);
                        stated + all.pairs.len() as u32 - 1
                    })
                })
                .collect();
            all.lives.extend(part.lives.iter().map(|life| Life { first: life.first + first, ..*life }));
            let place = |pair: &u32| if *pair < stated { *pair } else { numbers[(*pair - stated) as usize] };
            all.pair.extend(part.pair.iter().map(place));
            all.at.extend(part.at);
            all.item.extend(part.item);
            all.sources.extend(part.sources);
        }
        let end = Life { customer: NONE, first: all.at.len() as u32, valid_to: NEVER, trials: NO_TRIALS };
        all.lives.push(end);
        all.at_most = all.at.par_iter().copied().max().unwrap_or(i64::MIN);
        all.several = all.ways.par_iter().any(|way| way & ways::SEVERAL != 0);
        all
    }

    /// Cuts the rows into days of a zone.
    pub fn cut(&mut self, zone: &Zone, first: netnew_money::Day) {
        let day = |at: &i64| zone.day_of(Instant::from_micros(*at)).days_since(first) as u16;
        self.days = self.at.par_iter().map(day).collect();
    }
}

impl Part {
    fn customer(&mut self, image: &Image, traits: &[Traits], customer: usize, limit: i64) {
        let mark = image.flags[customer];
        let mut way = match mark {
            mark if mark & flags::SIMPLE != 0 => ways::TEMPLATES,
            mark if mark & flags::UNUSUAL != 0 => 0,
            _ => self.way(image, traits, customer),
        };
        if mark & flags::EXTRAS != 0 && way != 0 {
            way |= ways::LAID;
            self.lay(image, traits, customer, limit);
        }
        self.laid.ways.push(way);
    }

    /// Whether templates can tell what this customer's events post.
    fn way(&mut self, image: &Image, traits: &[Traits], customer: usize) -> u8 {
        let items = image.first_item[customer] as usize..image.first_item[customer + 1] as usize;
        self.currency.clear();
        self.currency.resize(items.len(), u16::MAX);
        let mut way = ways::TEMPLATES;
        for row in image.row_range(customer) {
            let content = &traits[image.content[row] as usize];
            let known = &mut self.currency[usize::from(image.item[row])];
            if content.credit || (*known != u16::MAX && *known != content.currency) {
                return 0;
            }
            *known = content.currency;
        }
        if self.currency.windows(2).any(|two| two[0] != two[1]) {
            way |= ways::MIXED;
        }
        if image.item_subscription[items].windows(2).any(|two| two[0] == two[1]) {
            way |= ways::SEVERAL;
        }
        way
    }

    fn lay(&mut self, image: &Image, traits: &[Traits], customer: usize, limit: i64) {
        let items = (image.first_item[customer + 1] - image.first_item[customer]) as usize;
        let rows = image.row_range(customer);
        let mut life = Life {
            customer: customer as u32,
            first: self.laid.at.len() as u32,
            valid_to: NEVER,
            trials: NO_TRIALS,
        };
        self.next_at.clear();
        self.next_at.resize(items, NEVER);
        self.events.clear();
        let mut extra = image.extras.partition_point(|e| (e.row as usize) < rows.end);
        for row in rows.rev() {
            let (at, item, content) = (image.at[row], image.item[row], image.content[row]);
            let to = std::mem::replace(&mut self.next_at[usize::from(item)], at);
            let pair = image.pair[row];
            let stated = Some((pair, image.pairs[pair as usize][0]));
            let of = &traits[content as usize];
            let full = ((1u16 << of.discounts) - 1) as u8;
            let found = extra.checked_sub(1).map(|e| &image.extras[e]).filter(|e| e.row as usize == row);
            let Some(found) = found else {
                self.events.push(Laying { at, item, code: code(content, Variant::AsStated, full), stated });
                continue;
            };
            extra -= 1;
            let conversion = match found.trial_end {
                end if of.trial && end != NEVER => end.max(at),
                _ => NEVER,
            };
            if conversion < to {
                let [first, last] = life.trials;
                life.trials = [first.min(found.trial_end), last.max(found.trial_end)];
                self.laid.sources.insert(of.source);
            }
            let mut instants = [at, conversion, found.cancel_at, NEVER, NEVER, NEVER];
            let discounts = usize::from(of.discounts);
            instants[3..3 + discounts].copy_from_slice(&found.until[..discounts]);
            for which in 0..instants.len() {
                let instant = instants[which];
                let inside = instant > at && instant < to && !instants[..which].contains(&instant);
                if which > 0 && !inside {
                    continue;
                }
                if instant > limit {
                    life.valid_to = life.valid_to.min(instant);
                    continue;
                }
                let variant = match instant {
                    _ if found.cancel_at <= instant => Variant::Canceled,
                    _ if conversion <= instant => Variant::Converted,
                    _ => Variant::AsStated,
                };
                let applies = |slot: usize| u8::from(found.until[slot] > instant) << slot;
                let mask = match variant {
                    Variant::Canceled => 0,
                    _ => (0..discounts).map(applies).sum(),
                };
                let stated = stated.filter(|_| which == 0);
                self.events.push(Laying { at: instant, item, code: code(content, variant, mask), stated });
            }
        }
        self.events.sort_unstable_by_key(|e| (e.at, e.item));
        self.laid.lives.push(life);
        self.place(image, traits, items);
    }

    /// Gives a customer's events their pairs.
    fn place(&mut self, image: &Image, traits: &[Traits], items: usize) {
        let plain = |content: u32| match traits.get(content as usize) {
            Some(of) => code(content, Variant::AsStated, ((1u16 << of.discounts) - 1) as u8),
            None => NO_CODE,
        };
        self.holding.clear();
        self.holding.resize(items, NO_CODE);
        let Laid { at, item, pair, pairs, .. } = &mut self.laid;
        for event in &self.events {
            let before = std::mem::replace(&mut self.holding[usize::from(event.item)], event.code);
            let number = match event.stated {
                Some((number, follows))
                    if event.code == plain(image.pairs[number as usize][1]) && before == plain(follows) =>
                {
                    number
                }
                _ => *self.known.entry([before, event.code]).or_insert_with(|| {
                    pairs.push([before, event.code]);
                    (image.pairs.len() + pairs.len() - 1) as u32
                }),
            };
            at.push(event.at);
            item.push(event.item);
            pair.push(number);
        }
    }
}
