//! Attributes of customers by column: a dictionary and a number a customer; what changes over time stands apart.

use crate::image::TooLarge;
use crate::texts::Texts;
use foldhash::fast::FixedState;
use netnew_facts::{AttributeTimeline, Body, CustomerFacts, Fact, PayloadRef, Text, attribute_timelines};
use netnew_money::Instant;
use std::collections::{BTreeMap, HashMap};

/// The customer's value is told by lines of its own.
const LINES: u32 = u32::MAX;

/// One attribute of all customers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Values that occur.
    pub(crate) values: Texts,
    /// Per customer 1 + number of the value that holds from the beginning, 0 without, [`LINES`] where it changes.
    pub(crate) codes: Vec<u32>,
    /// Lines of customers whose value changes, by customer and time: whose,
    pub(crate) whose: Vec<u32>,
    /// from when, in microseconds,
    pub(crate) from: Vec<i64>,
    /// and 1 + number of the value, 0 for none.
    pub(crate) to: Vec<u32>,
}

/// What an attribute of a customer is over the whole time that it has states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// 1 + number of a value, 0 for none.
    Always(u32),
    Changes,
}

impl Column {
    fn lines(&self, customer: usize) -> std::ops::Range<usize> {
        let first = self.whose.partition_point(|c| (*c as usize) < customer);
        let count = self.whose[first..].iter().take_while(|c| **c as usize == customer).count();
        first..first + count
    }

    fn value(&self, code: u32) -> Option<&str> {
        code.checked_sub(1).map(|number| self.values.get(number as usize))
    }

    /// 1 + number of the value that holds at an instant, 0 for none.
    pub(crate) fn code_at(&self, customer: usize, instant: Instant) -> u32 {
        match self.codes.get(customer).copied().unwrap_or_default() {
            LINES => {
                let last = self.lines(customer).rev().find(|line| self.from[*line] <= instant.micros());
                last.map_or(0, |line| self.to[line])
            }
            code => code,
        }
    }

    /// The value that holds at an instant.
    pub fn at(&self, customer: usize, instant: Instant) -> Option<&str> {
        self.value(self.code_at(customer, instant))
    }

    /// The value from a customer's first state on, as far as it is known up to the horizon.
    pub(crate) fn settled(&self, customer: usize, first: i64, horizon: i64) -> Settled {
        match self.codes.get(customer).copied().unwrap_or_default() {
            LINES => {
                let mut always = 0;
                for line in self.lines(customer).filter(|line| self.from[*line] <= horizon) {
                    if self.from[line] >= first {
                        return Settled::Changes;
                    }
                    always = self.to[line];
                }
                Settled::Always(always)
            }
            code => Settled::Always(code),
        }
    }

    /// The values over time.
    fn timeline(&self, customer: usize) -> Vec<(Instant, Option<&str>)> {
        match self.codes.get(customer).copied().unwrap_or_default() {
            0 => Vec::new(),
            LINES => self
                .lines(customer)
                .map(|line| (Instant::from_micros(self.from[line]), self.value(self.to[line])))
                .collect(),
            code => vec![(Instant::MIN, self.value(code))],
        }
    }

    /// How many different values there are.
    pub fn different(&self) -> usize {
        self.values.len()
    }
}

/// Attributes of some customers, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    pub(crate) len: usize,
    /// By name.
    pub(crate) columns: BTreeMap<String, Column>,
}

impl Attributes {
    /// Names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }

    /// One attribute; `None` when nobody has it.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.get(name)
    }

    /// All attributes of a customer that have a value at an instant.
    pub fn at(&self, customer: usize, instant: Instant) -> BTreeMap<String, String> {
        let value = |(name, column): (&String, &Column)| {
            Some((name.clone(), column.at(customer, instant)?.to_string()))
        };
        self.columns.iter().filter_map(value).collect()
    }

    /// Some of a customer's attributes again as facts.
    pub fn facts<'n>(
        &self,
        customer: usize,
        id: &Text,
        names: impl IntoIterator<Item = &'n String>,
    ) -> Vec<Fact> {
        let mut out = Vec::new();
        for name in names {
            let lines = self.columns.get(name).map(|column| column.timeline(customer)).unwrap_or_default();
            out.extend(lines.into_iter().map(|(from, value)| Fact {
                source: Text::from(""),
                customer: id.clone(),
                body: Body::Attributes {
                    effective_at: (from != Instant::MIN).then_some(from),
                    values: Some(BTreeMap::from([(name.clone(), value.map(str::to_string))])),
                },
                recorded_at: Instant::MIN,
                version: None,
                booked_seq: 0,
                payload: PayloadRef::default(),
            }));
        }
        out
    }
}

/// Attributes of everybody: of the customers of an image, and of those who have no states that hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// In the order of the image's customers.
    pub customers: Attributes,
    /// Ids of those without states.
    pub others: Texts,
    /// Their attributes.
    pub of_others: Attributes,
}

impl People {
    /// So many customers of whom nothing is stated.
    pub fn without_attributes(customers: usize) -> People {
        People { customers: Attributes { len: customers, ..Attributes::default() }, ..People::default() }
    }
}

/// Builds [`People`] customer by customer, beside an image.
pub struct PeopleBuilder {
    known_on: Instant,
    customers: Building,
    others: Texts,
    of_others: Building,
}

impl PeopleBuilder {
    /// Nobody yet, as known at `known_on`.
    pub fn new(known_on: Instant) -> PeopleBuilder {
        PeopleBuilder {
            known_on,
            customers: Building::default(),
            others: Texts::default(),
            of_others: Building::default(),
        }
    }

    /// Goes on where others stopped: those are before who is added now.
    pub fn after(people: People, known_on: Instant) -> PeopleBuilder {
        PeopleBuilder {
            known_on,
            customers: Building::after(people.customers),
            others: people.others,
            of_others: Building::after(people.of_others),
        }
    }

    /// Adds a customer; `in_image`: it has states, so that the image holds it.
    pub fn push(&mut self, customer: &CustomerFacts, in_image: bool) -> Result<(), TooLarge> {
        let stated = customer.facts.iter().any(|f| matches!(f.body, Body::Attributes { .. }));
        let lines = match stated {
            true => attribute_timelines(&customer.facts, self.known_on),
            false => BTreeMap::new(),
        };
        if in_image {
            return self.customers.push(&lines);
        }
        self.others.push(&customer.customer).ok_or(TooLarge)?;
        self.of_others.push(&lines)
    }

    /// Adds those of another, who come after this one's in the book's order.
    pub fn append(&mut self, other: PeopleBuilder) -> Result<(), TooLarge> {
        self.customers.append(other.customers.done)?;
        self.others.append(&other.others).ok_or(TooLarge)?;
        self.of_others.append(other.of_others.done)
    }

    /// Everybody.
    pub fn finish(self) -> People {
        People {
            customers: self.customers.done.padded(),
            others: self.others,
            of_others: self.of_others.done.padded(),
        }
    }
}

impl Attributes {
    fn padded(mut self) -> Attributes {
        let len = self.len;
        self.columns.values_mut().for_each(|column| column.codes.resize(len, 0));
        self
    }
}

/// Numbers of values.
type Known = HashMap<Box<str>, u32, FixedState>;

#[derive(Default)]
struct Building {
    done: Attributes,
    known: HashMap<String, Known>,
}

impl Building {
    fn after(done: Attributes) -> Building {
        let numbers = |column: &Column| {
            let values = (0..column.values.len()).map(|at| (column.values.get(at).into(), at as u32 + 1));
            values.collect::<Known>()
        };
        let known = done.columns.iter().map(|(name, column)| (name.clone(), numbers(column))).collect();
        Building { done, known }
    }

    fn push(&mut self, lines: &BTreeMap<String, AttributeTimeline>) -> Result<(), TooLarge> {
        let customer = u32::try_from(self.done.len).map_err(|_| TooLarge)?;
        self.done.len += 1;
        for (name, line) in lines {
            if !self.done.columns.contains_key(name) {
                self.done.columns.insert(name.clone(), Column::default());
                self.known.insert(name.clone(), Known::default());
            }
            let (Some(column), Some(known)) = (self.done.columns.get_mut(name), self.known.get_mut(name))
            else {
                continue;
            };
            column.codes.resize(customer as usize, 0);
            if let [(Instant::MIN, value)] = line.as_slice() {
                column.codes.push(code(column_value(value), &mut column.values, known)?);
                continue;
            }
            column.codes.push(LINES);
            for (from, value) in line {
                let to = code(column_value(value), &mut column.values, known)?;
                column.whose.push(customer);
                column.from.push(from.micros());
                column.to.push(to);
            }
        }
        Ok(())
    }

    fn append(&mut self, other: Attributes) -> Result<(), TooLarge> {
        let before = self.done.len;
        let offset = u32::try_from(before).map_err(|_| TooLarge)?;
        self.done.len += other.len;
        u32::try_from(self.done.len).map_err(|_| TooLarge)?;
        for (name, theirs) in other.columns {
            let column = self.done.columns.entry(name.clone()).or_default();
            let known = self.known.entry(name).or_default();
            column.codes.resize(before, 0);
            let mut codes = Vec::with_capacity(theirs.values.len());
            for number in 0..theirs.values.len() {
                codes.push(code(Some(theirs.values.get(number)), &mut column.values, known)?);
            }
            let mine = |code: u32| match code {
                0 | LINES => code,
                code => codes[code as usize - 1],
            };
            column.codes.extend(theirs.codes.iter().map(|code| mine(*code)));
            column.whose.extend(theirs.whose.iter().map(|customer| customer + offset));
            column.from.extend(theirs.from);
            column.to.extend(theirs.to.iter().map(|code| mine(*code)));
        }
        Ok(())
    }
}

fn column_value(value: &Option<String>) -> Option<&str> {
    value.as_deref()
}

fn code(value: Option<&str>, values: &mut Texts, known: &mut Known) -> Result<u32, TooLarge> {
    let Some(value) = value else { return Ok(0) };
    if let Some(code) = known.get(value) {
        return Ok(*code);
    }
    let code = values.push(value).ok_or(TooLarge)? + 1;
    known.insert(value.into(), code);
    Ok(code)
}
