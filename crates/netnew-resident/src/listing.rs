//! Who is worth what now, over a book in memory: what a list of customers is sorted by.

use crate::attributes::{Attributes, People};
use crate::classes::{Classes, facts_with};
use crate::image::{Image, flags};
use crate::periods::{Groups, OUT};
use crate::rules::{NONE, Rules};
use netnew_facts::{CustomerFacts, Text};
use netnew_ledger::Context;
use netnew_metrics::{Converter, Extras, Query, RollupError};
use netnew_money::{Amount, Day, Instant};
use rayon::prelude::*;
use std::cmp::Ordering;

/// Customers with their MRR in the report's currency; numbers from the image's length on are those without states.
pub type Worth = Vec<(Amount, u32)>;

/// What every customer that the filter takes is worth at an instant, in no order. `slow` tells it of a customer whose facts
/// are given, `None` where the filter takes nothing of it. `None` when the question tells too many customers apart.
///
/// # Errors
/// A missing rate, or a level that does not fit.
pub fn worth(
    image: &Image,
    people: &People,
    rules: &Rules,
    ctx: &Context,
    query: &Query,
    (now, today): (Instant, Day),
    slow: impl Fn(&CustomerFacts) -> Result<Option<Amount>, RollupError> + Sync,
) -> Result<Option<Worth>, RollupError> {
    let Some(classes) = Classes::new(image, people, ctx, query, Extras::default()) else { return Ok(None) };
    let groups = Groups::new(image, rules, query, Some(&classes));
    let length = (image.len() / (rayon::current_num_threads() * 4)).max(1024);
    let parts: Vec<Result<Worth, RollupError>> = (0..image.len())
        .into_par_iter()
        .step_by(length)
        .map(|first| {
            let reader =
                Reader { image, rules, classes: &classes, groups: &groups, now: now.micros(), today };
            let converter = Converter::new(ctx, query);
            let mut standing = Vec::new();
            let mut out = Vec::with_capacity(length);
            for customer in first..(first + length).min(image.len()) {
                let mark = image.flags[customer];
                let odd = mark & (flags::EXTRAS | rules.general) != 0 || rules.any_broken;
                let worth = match odd || classes.is_special(customer) {
                    true => slow(&facts_with(image, people, customer, &ctx.dimensions))?,
                    false => reader.worth(customer, &converter, &mut standing)?,
                };
                out.extend(worth.map(|worth| (worth, customer as u32)));
            }
            Ok(out)
        })
        .collect();
    let mut all = Vec::with_capacity(image.len() + people.others.len());
    for part in parts {
        all.extend(part?);
    }
    if groups.takes_all() {
        all.extend((0..people.others.len()).map(|at| (Amount::ZERO, (image.len() + at) as u32)));
    }
    Ok(Some(all))
}

struct Reader<'a> {
    image: &'a Image,
    rules: &'a Rules,
    classes: &'a Classes,
    groups: &'a Groups,
    now: i64,
    today: Day,
}

impl Reader<'_> {
    fn worth(
        &self,
        customer: usize,
        converter: &Converter,
        standing: &mut Vec<u32>,
    ) -> Result<Option<Amount>, RollupError> {
        let image = self.image;
        let items = (image.first_item[customer + 1] - image.first_item[customer]) as usize;
        standing.clear();
        standing.resize(items, NONE);
        for row in image.row_range(customer) {
            if image.at[row] > self.now {
                break;
            }
            standing[usize::from(image.item[row])] = image.content[row];
        }
        let class = self.classes.class(customer as u32);
        let mut matched = self.groups.takes_all();
        let mut sum = Amount::ZERO;
        for (item, content) in standing.iter().enumerate().filter(|(_, content)| **content != NONE) {
            let phase = &self.rules.phases[*content as usize];
            let place = (customer as u32, item as u16, phase.currency, phase.plan);
            if !self.groups.takes_all() && self.groups.of(image, self.rules, class, place) == OUT {
                continue;
            }
            matched = true;
            if phase.mrr != 0 {
                let currency = self.rules.currencies[usize::from(phase.currency)];
                sum += converter.movement(Amount::from_raw(phase.mrr), currency, self.today)?;
            }
        }
        Ok(matched.then_some(sum))
    }
}

/// Id of a customer of a list.
fn id<'a>(image: &'a Image, people: &'a People, number: u32) -> &'a [u8] {
    match (number as usize).checked_sub(image.len()) {
        None => image.customers.bytes_of(number as usize),
        Some(other) => people.others.bytes_of(other),
    }
}

/// Puts the first `count` of a list in front, largest first, then by id; gives those.
pub fn largest<'w>(
    image: &Image,
    people: &People,
    worth: &'w mut Worth,
    count: usize,
) -> &'w [(Amount, u32)] {
    let count = count.min(worth.len());
    let order = |a: &(Amount, u32), b: &(Amount, u32)| -> Ordering {
        b.0.cmp(&a.0).then_with(|| id(image, people, a.1).cmp(id(image, people, b.1)))
    };
    if count < worth.len() && count > 0 {
        // By amount alone first: ids lie far apart in memory.
        let (_, last, _) =
            worth.select_nth_unstable_by_key(count - 1, |(amount, _)| std::cmp::Reverse(*amount));
        let last = last.0;
        let more = to_front(worth, |amount| amount > last);
        let rest = &mut worth[more..];
        let ties = to_front(rest, |amount| amount == last);
        let wanted = count - more;
        if wanted < ties {
            rest[..ties].select_nth_unstable_by(wanted, order);
        }
    }
    worth[..count].par_sort_unstable_by(order);
    &worth[..count]
}

/// Swaps those that are wanted to the front; how many there are.
fn to_front(list: &mut [(Amount, u32)], wanted: impl Fn(Amount) -> bool) -> usize {
    let mut front = 0;
    for at in 0..list.len() {
        if wanted(list[at].0) {
            list.swap(front, at);
            front += 1;
        }
    }
    front
}

/// Leaves those in a list whose id or an attribute, as it is at an instant, contains a text in small letters.
pub fn search(image: &Image, people: &People, worth: &mut Worth, wanted: &str, now: Instant) {
    let (here, others) = (Hits::new(&people.customers, wanted), Hits::new(&people.of_others, wanted));
    let hit = |(_, number): &(Amount, u32)| {
        let id = String::from_utf8_lossy(id(image, people, *number)).to_lowercase();
        id.contains(wanted)
            || match (*number as usize).checked_sub(image.len()) {
                None => here.hit(&people.customers, *number as usize, now),
                Some(other) => others.hit(&people.of_others, other, now),
            }
    };
    *worth = std::mem::take(worth).into_par_iter().filter(hit).collect();
}

/// Values that contain a text, by column.
struct Hits(Vec<Vec<bool>>);

impl Hits {
    fn new(attributes: &Attributes, wanted: &str) -> Hits {
        let hits = attributes.columns.values().map(|column| {
            (0..column.values.len())
                .into_par_iter()
                .map(|value| column.values.get(value).to_lowercase().contains(wanted))
                .collect()
        });
        Hits(hits.collect())
    }

    fn hit(&self, attributes: &Attributes, customer: usize, now: Instant) -> bool {
        attributes.columns.values().zip(&self.0).any(|(column, hits)| {
            column.code_at(customer, now).checked_sub(1).is_some_and(|value| hits[value as usize])
        })
    }
}

/// Everything that is known of a listed customer.
pub fn listed_facts(image: &Image, people: &People, number: u32) -> CustomerFacts {
    match (number as usize).checked_sub(image.len()) {
        None => {
            let mut facts = image.customer_facts(number as usize);
            let names = people.customers.columns.keys();
            facts.facts.extend(people.customers.facts(number as usize, &facts.customer, names));
            facts
        }
        Some(other) => {
            let id: Text = people.others.text(other);
            let names = people.of_others.columns.keys();
            let facts = people.of_others.facts(other, &id, names);
            CustomerFacts { customer: id.clone(), ids: vec![id], facts }
        }
    }
}
