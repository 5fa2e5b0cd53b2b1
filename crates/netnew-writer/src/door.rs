//! What a door tells the writer: how a group of its items becomes statements.

use crate::error::Failure;
use netnew_book::{Book, Import};
use netnew_facts::{PayloadRef, Statement};
use netnew_money::Instant;

/// A kind of write: deliveries of one billing system, requests of one API.
pub trait Door: Send + Sync + 'static {
    /// What one write says, checked and parsed before it queues.
    type Item: Send + 'static;
    /// What whoever brought it is told once it is durable.
    type Answer: Send + 'static;

    /// Turns a group into statements, pushed to [`Group::import`], and says what each item is to be answered, in the same
    /// order. An item that is refused must have pushed nothing. Called on the writer's thread; nothing is durable until
    /// it returns and the group is committed. What several items have in common should be worked out once here.
    ///
    /// # Errors
    /// When the group as a whole cannot be booked; nothing of it is then, and its items are tried again one by one.
    fn book(
        &self,
        group: &mut Group<'_, '_>,
        items: &[Submitted<'_, Self::Item>],
    ) -> Result<Vec<Result<Self::Answer, Failure>>, Failure>;
}

/// What a group is booked into.
pub struct Group<'g, 'b> {
    /// The book, as it was before the group.
    pub book: &'b Book,
    /// The import that all of the group goes into.
    pub import: &'g mut Import<'b>,
    /// Source of the group.
    pub source: &'g str,
    /// Now.
    pub now: Instant,
}

/// One write of a group.
#[derive(Clone, Copy, Debug)]
pub struct Submitted<'i, I> {
    /// What it says.
    pub item: &'i I,
    /// Where its raw record is kept; the row is the line of the kept file.
    pub place: PayloadRef,
}

/// The door of those who have statements already: each item is a list of them, whose rows are set to the raw record's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statements;

impl Door for Statements {
    type Item = Vec<Statement>;
    type Answer = ();

    fn book(
        &self,
        group: &mut Group<'_, '_>,
        items: &[Submitted<'_, Vec<Statement>>],
    ) -> Result<Vec<Result<(), Failure>>, Failure> {
        for one in items {
            for statement in one.item {
                let statement = Statement { row: one.place.row, ..statement.clone() };
                group.import.push(one.place.payload, statement)?;
            }
        }
        Ok(items.iter().map(|_| Ok(())).collect())
    }
}
