//! An image made from columns that are sorted already, as an import has them in its hands.
//!
//! All parts of an import share one list of contents, so that a row's content is a look-up; customers who need more than
//! that go through [`ImageBuilder::push`], and [`Joined`] puts the parts together.

use crate::image::{
    Content, Extra, Image, ImageBuilder, MOST_DISCOUNTS, NEVER, Pairs, TooLarge, flags, marks, pair_number,
};
use crate::rules::NONE;
use netnew_facts::{CustomerFacts, Instants, ItemState, NO_INSTANT, Text};
use netnew_money::{Currency, Instant};
use std::collections::HashMap;
use std::ops::Range;

/// The contents of an import, as an image has them.
pub struct Columns {
    source: Text,
    contents: Vec<Content>,
    /// By number of the import's content.
    prepared: Vec<Prepared>,
}

struct Prepared {
    number: u32,
    /// Marks without and with an end of its discounts.
    marks: [u8; 2],
    discounts: usize,
    currency: Currency,
    credit: bool,
    /// Has instants of its own, or more than columns hold.
    general: bool,
}

/// A row of a customer whose rows all hold.
#[derive(Clone, Copy, Debug)]
pub struct PlainRow {
    /// From when, in microseconds.
    pub at: i64,
    /// Number of the import's content.
    pub content: u32,
    /// Order within the instant.
    pub seq: i64,
    /// Instants to put to the content.
    pub instants: Option<Instants>,
}

/// The state with some end to its discounts.
fn ending(state: &ItemState) -> ItemState {
    let mut state = state.clone();
    state.discounts.iter_mut().for_each(|discount| discount.until = Some(Instant::MAX));
    state
}

/// A row on its way into a part.
struct Queued {
    at: i64,
    item: u16,
    number: u32,
    extra: Option<Extra>,
}

impl Columns {
    /// Prepares the contents of an import from a source.
    pub fn new(source: &Text, states: &[ItemState]) -> Columns {
        let mut numbers: HashMap<Content, u32, foldhash::fast::FixedState> = HashMap::default();
        let mut contents = Vec::new();
        let mut prepared = Vec::with_capacity(states.len());
        for state in states {
            let has_instants = state.trial_end.is_some()
                || state.cancel_at.is_some()
                || state.cancel_requested_at.is_some()
                || state.discounts.iter().any(|d| d.until.is_some());
            let general = has_instants || state.discounts.len() > MOST_DISCOUNTS;
            let mut number = NONE;
            if !general {
                let content = Content { source: 0, here: true, ends: false, state: state.clone() };
                let next = contents.len() as u32;
                number = *numbers.entry(content).or_insert_with_key(|content| {
                    contents.push(content.clone());
                    next
                });
            }
            prepared.push(Prepared {
                number,
                marks: [marks(state), marks(&ending(state))],
                discounts: state.discounts.len(),
                currency: state.currency,
                credit: state.amount.is_negative(),
                general,
            });
        }
        Columns { source: source.clone(), contents, prepared }
    }
}

/// What a row has besides its content: nothing, instants, or (`None`) more than is put in columns here.
fn extra(row: &PlainRow, prepared: &Prepared) -> Option<Option<Extra>> {
    if row.seq != 0 {
        return None;
    }
    let Some(instants) = row.instants else { return Some(None) };
    if instants.cancel_at != NO_INSTANT || instants.cancel_requested_at != NO_INSTANT {
        return None;
    }
    let or_never = |at: i64| if at == NO_INSTANT { NEVER } else { at };
    let mut until = [NEVER; MOST_DISCOUNTS];
    until[..prepared.discounts].fill(or_never(instants.until));
    let extra = Extra {
        row: 0,
        trial_end: or_never(instants.trial_end),
        cancel_at: NEVER,
        requested_at: NEVER,
        seq: 0,
        until,
        written: 0,
    };
    let says = extra.trial_end != NEVER || extra.until != [NEVER; MOST_DISCOUNTS];
    Some(says.then_some(extra))
}

/// Builds a part of an image; customers come in the book's order.
pub struct ColumnsBuilder<'c> {
    columns: &'c Columns,
    builder: ImageBuilder,
    rows: Vec<Queued>,
    full: bool,
}

impl<'c> ColumnsBuilder<'c> {
    /// An empty part.
    pub fn new(columns: &'c Columns) -> ColumnsBuilder<'c> {
        let mut builder = ImageBuilder::new(Instant::MAX);
        builder.base = columns.contents.len() as u32;
        ColumnsBuilder { columns, builder, rows: Vec::new(), full: false }
    }

    /// Adds any customer.
    pub fn push(&mut self, customer: &CustomerFacts) {
        self.full |= self.builder.push(customer).is_err();
    }

    /// Adds a customer whose rows all hold and name it by this id: its items (subscription, item, rows by time) in the
    /// book's order. False, and nothing was done, where more has to be known than columns hold, and
    /// [`ColumnsBuilder::push`] has to.
    pub fn push_plain<'s>(
        &mut self,
        id: &str,
        items: impl Iterator<Item = (&'s str, &'s str, Range<usize>)> + Clone,
        row: impl Fn(usize) -> PlainRow,
    ) -> bool {
        self.rows.clear();
        let mut mark = 0u8;
        let (mut one_currency, mut credits) = (true, false);
        let mut currency = None;
        let mut count = 0usize;
        for (_, _, rows) in items.clone() {
            let Ok(item) = u16::try_from(count) else { return false };
            count += 1;
            for at in rows {
                let row = row(at);
                let Some(prepared) = self.columns.prepared.get(row.content as usize).filter(|p| !p.general)
                else {
                    return false;
                };
                let Some(extra) = extra(&row, prepared) else { return false };
                let ends = row.instants.is_some_and(|instants| instants.until != NO_INSTANT);
                mark |= prepared.marks[usize::from(ends)];
                mark |= extra.map_or(0, |_| flags::EXTRAS);
                credits |= prepared.credit;
                one_currency &= *currency.get_or_insert(prepared.currency) == prepared.currency;
                self.rows.push(Queued { at: row.at, item, number: prepared.number, extra });
            }
        }
        if count == 0 || count >= usize::from(u16::MAX) {
            return false;
        }
        if count > 1 {
            self.rows.sort_by_key(|row| (row.at, row.item));
        }
        self.full |= self.put(id, items, count, mark, one_currency && !credits).is_none();
        true
    }

    fn put<'s>(
        &mut self,
        id: &str,
        items: impl Iterator<Item = (&'s str, &'s str, Range<usize>)>,
        count: usize,
        mark: u8,
        even: bool,
    ) -> Option<()> {
        let source = self.builder.source(&self.columns.source);
        let image = &mut self.builder.image;
        image.customers.push(id)?;
        let mut subscriptions = 0u16;
        let mut previous: Option<&str> = None;
        for (subscription, item, _) in items {
            subscriptions += u16::from(previous.is_some_and(|before| before != subscription));
            previous = Some(subscription);
            image.item_subscription.push(subscriptions);
            image.item_source.push(source);
            image.subscriptions.push(subscription)?;
            image.items.push(item)?;
        }
        let simple = mark == 0 && count == usize::from(subscriptions) + 1 && even;
        image.flags.push(if simple { mark | flags::SIMPLE } else { mark });
        let holding = &mut self.builder.holding;
        holding.clear();
        holding.resize(count, NONE);
        for row in &self.rows {
            let before = std::mem::replace(&mut holding[usize::from(row.item)], row.number);
            if let Some(extra) = row.extra {
                let row = u32::try_from(image.at.len()).ok()?;
                image.extras.push(Extra { row, ..extra });
            }
            image.pair.push(pair_number(&mut self.builder.pairs, &mut image.pairs, [before, row.number]));
            image.at.push(row.at);
            image.item.push(row.item);
            image.content.push(row.number);
        }
        image.first_row.push(u32::try_from(image.at.len()).ok()?);
        image.first_item.push(u32::try_from(image.items.len()).ok()?);
        Some(())
    }
}

/// Puts the parts of an import together, in the book's order.
pub struct Joined {
    whole: Image,
    base: u32,
    /// Contents of customers that went another way.
    codes: HashMap<Content, u32, foldhash::fast::FixedState>,
    pairs: Pairs,
}

impl Joined {
    /// Nothing yet, with room for so many rows and items.
    pub fn new(rows: usize, items: usize) -> Joined {
        let mut whole = Image { first_row: vec![0], first_item: vec![0], ..Image::default() };
        whole.at.reserve_exact(rows);
        whole.item.reserve_exact(rows);
        whole.content.reserve_exact(rows);
        whole.pair.reserve_exact(rows);
        whole.flags.reserve_exact(items);
        whole.first_row.reserve_exact(items);
        whole.first_item.reserve_exact(items);
        whole.item_subscription.reserve_exact(items);
        whole.item_source.reserve_exact(items);
        for texts in [&mut whole.customers, &mut whole.subscriptions, &mut whole.items] {
            texts.ends.reserve_exact(items);
        }
        Joined { whole, base: 0, codes: HashMap::default(), pairs: Pairs::default() }
    }

    /// The whole.
    pub fn finish(self) -> Image {
        self.whole.finish()
    }

    /// Adds a part; all of them were built from the same columns.
    pub fn add(&mut self, part: ColumnsBuilder) -> Result<(), TooLarge> {
        if self.whole.sources.is_empty() {
            self.whole.sources.push(part.columns.source.clone());
            self.whole.contents.clone_from(&part.columns.contents);
            self.base = part.columns.contents.len() as u32;
        }
        if part.full { Err(TooLarge) } else { self.append(part.builder.finish()) }
    }

    fn append(&mut self, part: Image) -> Result<(), TooLarge> {
        let whole = &mut self.whole;
        let small = |n: usize| u32::try_from(n).map_err(|_| TooLarge);
        let (customers, rows) = (small(whole.len())?, small(whole.rows())?);
        let items = small(whole.items.len())?;
        let mut more = Vec::with_capacity(part.contents.len());
        for content in part.contents {
            let next = whole.contents.len() as u32;
            more.push(*self.codes.entry(content).or_insert_with_key(|content| {
                whole.contents.push(content.clone());
                next
            }));
        }
        let base = self.base;
        let code = |content: u32| match content {
            NONE => NONE,
            own if own < base => own,
            other => more[(other - base) as usize],
        };
        let numbers: Vec<u32> = part
            .pairs
            .iter()
            .map(|pair| pair_number(&mut self.pairs, &mut whole.pairs, pair.map(code)))
            .collect();
        let written = whole.written.len() as u32;
        whole.pair.extend(part.pair.iter().map(|pair| numbers[*pair as usize]));
        whole.customers.append(&part.customers).ok_or(TooLarge)?;
        whole.subscriptions.append(&part.subscriptions).ok_or(TooLarge)?;
        whole.items.append(&part.items).ok_or(TooLarge)?;
        whole.written.append(&part.written).ok_or(TooLarge)?;
        whole.first_row.extend(part.first_row.iter().skip(1).map(|at| at + rows));
        whole.first_item.extend(part.first_item.iter().skip(1).map(|at| at + items));
        whole.flags.extend(part.flags);
        whole.item_subscription.extend(part.item_subscription);
        whole.item_source.extend(part.item_source);
        whole.at.extend(part.at);
        whole.item.extend(part.item);
        whole.content.extend(part.content.iter().map(|content| code(*content)));
        whole.extras.extend(part.extras.into_iter().map(|extra| Extra {
            row: extra.row + rows,
            written: if extra.written == 0 { 0 } else { extra.written + written },
            ..extra
        }));
        whole.withdrawn.extend(part.withdrawn);
        whole.whole.extend(part.whole.into_iter().map(|(customer, facts)| (customer + customers, facts)));
        Ok(())
    }
}
