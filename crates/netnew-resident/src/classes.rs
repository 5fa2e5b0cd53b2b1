//! Customers by what a question asks of them: one class for each combination of attributes that occurs.
//!
//! Most customers have the same attributes, and the same layer, over their whole life. Those belong to a class, and the
//! pass groups them by its number. The rest is special: the general replay tells their rows apart.

use crate::attributes::{Column, People, Settled};
use crate::image::Image;
use foldhash::fast::FixedState;
use netnew_facts::{CustomerFacts, Status};
use netnew_ledger::{Context, CustomerLedger, Dimensions, Layer, replay};
use netnew_metrics::{Extras, Field, Query};
use rayon::prelude::*;
use std::collections::HashMap;

/// Not in a class: left to the general replay.
pub(crate) const SPECIAL: u32 = u32::MAX;

/// More classes than this are not worth their tables.
const MOST: usize = 1 << 14;

/// The classes of a question.
pub struct Classes {
    /// Per customer; empty when all are in one.
    pub(crate) of: Vec<u32>,
    /// Values per class, parallel to `fields`.
    pub(crate) values: Vec<Vec<Option<String>>>,
    pub(crate) fields: Vec<Field>,
    /// Customers who are in none, in order.
    special: Vec<u32>,
}

impl Classes {
    /// Sorts an image's customers for a question; `None` when there are too many classes to be worth it.
    pub fn new(
        image: &Image,
        people: &People,
        ctx: &Context,
        query: &Query,
        extras: Extras,
    ) -> Option<Classes> {
        let mut fields: Vec<Field> = Vec::new();
        for field in query.by.iter().chain(query.filter.0.iter().map(|term| &term.field)) {
            if matches!(field, Field::Attribute(_) | Field::Layer) && !fields.contains(field) {
                fields.push(field.clone());
            }
        }
        let layer = fields.contains(&Field::Layer);
        let mut classes =
            Classes { of: Vec::new(), values: vec![Vec::new()], fields: Vec::new(), special: Vec::new() };
        if fields.is_empty() && !extras.committed {
            return Some(classes);
        }
        classes.of = vec![0; image.len()];
        for field in fields {
            match &field {
                Field::Attribute(name) => classes.split(image, people.customers.column(name), ctx)?,
                _ => classes.values.iter_mut().for_each(|v| v.push(Some(Layer::Paid.as_str().into()))),
            }
            classes.fields.push(field);
        }
        if layer || extras.committed {
            classes.set_aside(image, ctx, extras.committed);
        }
        let of = &classes.of;
        classes.special =
            (0..image.len() as u32).into_par_iter().filter(|c| of[*c as usize] == SPECIAL).collect();
        Some(classes)
    }

    /// Splits every class by an attribute.
    fn split(&mut self, image: &Image, column: Option<&Column>, ctx: &Context) -> Option<()> {
        let Some(column) = column else {
            self.values.iter_mut().for_each(|values| values.push(None));
            return Some(());
        };
        let horizon = ctx.horizon.micros();
        let empty = (0..column.values.len()).find(|v| column.values.get(*v).is_empty());
        let empty = empty.map_or(SPECIAL, |number| number as u32 + 1);
        let mut numbers: HashMap<(u32, u32), u32, FixedState> = HashMap::default();
        let mut values: Vec<Vec<Option<String>>> = Vec::new();
        let mut last = ((SPECIAL, SPECIAL), 0);
        for (customer, class) in self.of.iter_mut().enumerate().filter(|(_, class)| **class != SPECIAL) {
            let code = match column.codes.get(customer).copied().unwrap_or_default() {
                code if code != u32::MAX => code,
                _ => match column.settled(customer, image.first_at(customer), horizon) {
                    Settled::Always(code) => code,
                    Settled::Changes => {
                        *class = SPECIAL;
                        continue;
                    }
                },
            };
            let key = (*class, if code == empty { 0 } else { code });
            if key != last.0 {
                let number = *numbers.entry(key).or_insert_with(|| {
                    let mut all = self.values[key.0 as usize].clone();
                    all.push(key.1.checked_sub(1).map(|v| column.values.get(v as usize).to_string()));
                    values.push(all);
                    values.len() as u32 - 1
                });
                last = (key, number);
                if values.len() > MOST {
                    return None;
                }
            }
            *class = last.1;
        }
        self.values = values;
        Some(())
    }

    /// Sets customers aside whose layer is not always the same, or who are committed to another level than theirs.
    fn set_aside(&mut self, image: &Image, ctx: &Context, committed: bool) {
        let odd: Vec<bool> = image
            .contents
            .iter()
            .map(|content| match content.state.status {
                // Worth nothing, but a list of customers still asks for its layer.
                Status::Canceled => content.ends,
                Status::Trialing if committed => true,
                Status::PastDue | Status::Unpaid | Status::Paused => true,
                _ => content.ends || !content.state.discounts.is_empty(),
            })
            .collect();
        let now = ctx.now().min(ctx.horizon).micros();
        self.of.par_iter_mut().enumerate().with_min_len(4096).for_each(|(customer, class)| {
            let rows = image.row_range(customer);
            let later = committed && image.at[rows.clone()].last().is_some_and(|at| *at > now);
            let odd = |content: &u32| odd[*content as usize];
            if later || image.content[rows].iter().any(odd) {
                *class = SPECIAL;
            }
        });
    }

    pub(crate) fn is_special(&self, customer: usize) -> bool {
        !self.special.is_empty() && self.of[customer] == SPECIAL
    }

    /// How many customers are left to the general replay.
    pub fn special(&self) -> usize {
        self.special.len()
    }

    pub(crate) fn class(&self, customer: u32) -> u32 {
        self.of.get(customer as usize).copied().unwrap_or_default()
    }

    /// A class's value of a field.
    pub(crate) fn value(&self, class: usize, field: &Field) -> Option<&str> {
        let at = self.fields.iter().position(|f| f == field)?;
        self.values[class][at].as_deref()
    }

    /// Replays the customers who are in no class, several at once, each part into an accumulator of its own.
    pub fn fold_special<A: Send, E: Send + From<netnew_ledger::LedgerError>>(
        &self,
        image: &Image,
        people: &People,
        ctx: &Context,
        new: impl Fn() -> Result<A, E> + Sync,
        add: impl Fn(&mut A, usize, &CustomerLedger) -> Result<(), E> + Sync,
    ) -> Result<Vec<A>, E> {
        let length = (self.special.len() / (rayon::current_num_threads() * 4)).max(64);
        self.special
            .par_chunks(length)
            .map(|customers| {
                let mut accumulator = new()?;
                for customer in customers {
                    let facts = facts_with(image, people, *customer as usize, &ctx.dimensions);
                    add(&mut accumulator, *customer as usize, &replay(&facts, ctx)?)?;
                }
                Ok(accumulator)
            })
            .collect()
    }
}

/// A customer's facts with the attributes that a question tells apart.
pub fn facts_with(image: &Image, people: &People, customer: usize, dimensions: &Dimensions) -> CustomerFacts {
    let mut facts = image.customer_facts(customer);
    facts.facts.extend(people.customers.facts(customer, &facts.customer, &dimensions.attributes));
    facts
}

/// A context for those customers whom a class speaks for: nothing is told apart.
pub fn without_dimensions<'c>(ctx: &Context<'c>) -> Context<'c> {
    Context { dimensions: Dimensions::default(), ..*ctx }
}
