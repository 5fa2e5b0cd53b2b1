//! An image of a book that has changed a little: the customers that changed are taken out and added anew.
//!
//! Customers then no longer stand in the book's order, which nothing that is added up or sorted depends on.

use crate::attributes::{Attributes, Column, People};
use crate::image::{Extra, Image, NEVER};
use crate::texts::Texts;
use netnew_facts::Text;
use std::collections::BTreeSet;
use std::ops::Range;

impl Image {
    /// When trials end, in order, in microseconds.
    pub fn trial_ends(&self) -> Vec<i64> {
        let ends = self.extras.iter().map(|extra| extra.trial_end);
        let mut ends: Vec<i64> = ends.filter(|at| *at != NEVER).collect();
        ends.sort_unstable();
        ends
    }

    /// The image without some customers, given by number in order.
    pub fn without(&self, gone: &[usize]) -> Image {
        let mut image = Image {
            sources: self.sources.clone(),
            contents: self.contents.clone(),
            pairs: self.pairs.clone(),
            withdrawn: self.withdrawn.clone(),
            written: self.written.clone(),
            first_row: vec![0],
            first_item: vec![0],
            ..Image::default()
        };
        for customers in stretches(self.len(), gone) {
            let rows = self.first_row[customers.start] as usize..self.first_row[customers.end] as usize;
            let items = self.first_item[customers.start] as usize..self.first_item[customers.end] as usize;
            let (row, item, customer) = (image.at.len(), image.items.len(), image.flags.len());
            let shift = |at: &u32, from: usize, to: usize| (*at as usize - from + to) as u32;
            let ends = customers.start + 1..customers.end + 1;
            image.first_row.extend(self.first_row[ends.clone()].iter().map(|at| shift(at, rows.start, row)));
            image.first_item.extend(self.first_item[ends].iter().map(|at| shift(at, items.start, item)));
            image.flags.extend_from_slice(&self.flags[customers.clone()]);
            image.item_subscription.extend_from_slice(&self.item_subscription[items.clone()]);
            image.item_source.extend_from_slice(&self.item_source[items.clone()]);
            image.at.extend_from_slice(&self.at[rows.clone()]);
            image.item.extend_from_slice(&self.item[rows.clone()]);
            image.content.extend_from_slice(&self.content[rows.clone()]);
            image.pair.extend_from_slice(&self.pair[rows.clone()]);
            let first = self.extras.partition_point(|e| (e.row as usize) < rows.start);
            let last = self.extras.partition_point(|e| (e.row as usize) < rows.end);
            let extras = self.extras[first..last].iter();
            image.extras.extend(extras.map(|e| Extra { row: shift(&e.row, rows.start, row), ..*e }));
            let whole = self.whole.iter().filter(|(c, _)| customers.contains(&(*c as usize)));
            image.whole.extend(whole.map(|(c, facts)| (shift(c, customers.start, customer), facts.clone())));
            image.customers.extend_from(&self.customers, customers);
            image.subscriptions.extend_from(&self.subscriptions, items.clone());
            image.items.extend_from(&self.items, items);
        }
        image
    }
}

impl People {
    /// Everybody but some: customers of the image by number, the others by id.
    pub fn without(&self, gone: &[usize], ids: &BTreeSet<Text>) -> People {
        let others: Vec<usize> =
            (0..self.others.len()).filter(|other| ids.contains(self.others.get(*other))).collect();
        let mut left = Texts::default();
        for stretch in stretches(self.others.len(), &others) {
            left.extend_from(&self.others, stretch);
        }
        People {
            customers: self.customers.without(gone),
            others: left,
            of_others: self.of_others.without(&others),
        }
    }
}

impl Attributes {
    fn without(&self, gone: &[usize]) -> Attributes {
        let columns = self.columns.iter().map(|(name, column)| {
            let mut left = Column { values: column.values.clone(), ..Column::default() };
            for customers in stretches(self.len, gone) {
                let before = left.codes.len();
                left.codes.extend_from_slice(&column.codes[customers.clone()]);
                let first = column.whose.partition_point(|c| (*c as usize) < customers.start);
                let last = column.whose.partition_point(|c| (*c as usize) < customers.end);
                let whose = column.whose[first..last].iter();
                left.whose.extend(whose.map(|c| (*c as usize - customers.start + before) as u32));
                left.from.extend_from_slice(&column.from[first..last]);
                left.to.extend_from_slice(&column.to[first..last]);
            }
            (name.clone(), left)
        });
        Attributes { len: self.len - gone.len(), columns: columns.collect() }
    }
}

impl Texts {
    /// Adds some of another's, which together fit.
    fn extend_from(&mut self, other: &Texts, numbers: Range<usize>) {
        if numbers.is_empty() || other.is_empty() {
            return;
        }
        let start = numbers.start.checked_sub(1).map_or(0, |before| other.ends[before]);
        let end = other.ends[numbers.end - 1];
        let to = self.bytes.len() as u32;
        self.bytes.extend_from_slice(&other.bytes[start as usize..end as usize]);
        self.ends.extend(other.ends[numbers].iter().map(|at| at - start + to));
    }
}

/// What is left of so many between those that are gone.
fn stretches(count: usize, gone: &[usize]) -> impl Iterator<Item = Range<usize>> {
    let starts = std::iter::once(0).chain(gone.iter().map(|at| at + 1));
    let ends = gone.iter().copied().chain(std::iter::once(count));
    starts.zip(ends).map(|(start, end)| start..end).filter(|stretch| !stretch.is_empty())
}
