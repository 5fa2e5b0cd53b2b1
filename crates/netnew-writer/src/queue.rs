//! What waits at one entrance, and how a group of it is committed.

use crate::door::{Door, Group, Submitted};
use crate::error::{Failure, WriteError};
use crate::writer::{Committed, Limits};
use netnew_book::{Book, BookError, Finish, ImportOptions, Outcome};
use netnew_facts::PayloadRef;
use netnew_money::Instant;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// Told once how a write ended.
pub(crate) type Answering<A> = Box<dyn FnOnce(Result<Committed<A>, WriteError>) + Send>;

/// A write that waits: its raw record and what it says.
struct Write<I> {
    record: Vec<u8>,
    item: I,
}

/// A write and whom to tell of its end.
type Waiting<D> = (Write<<D as Door>::Item>, Answering<<D as Door>::Answer>);

/// The writes that wait at one entrance.
pub(crate) struct Queue<D: Door> {
    source: String,
    door: D,
    waiting: Mutex<VecDeque<Waiting<D>>>,
}

/// How much was taken out of a queue.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken {
    pub(crate) writes: usize,
    pub(crate) bytes: usize,
    /// Whether more waits.
    pub(crate) more: bool,
}

/// A queue, whatever waits in it.
pub(crate) trait AnyQueue: Send + Sync {
    /// Takes a group out and sees it through; `taken` is told what it was before it is written.
    fn run(&self, book: &Book, now: Instant, limits: &Limits, taken: &mut dyn FnMut(Taken));
}

/// The result of a group: what each item is answered.
type Answers<A> = Vec<Result<A, Failure>>;

impl<D: Door> Queue<D> {
    pub(crate) fn new(source: &str, door: D) -> Queue<D> {
        Queue { source: source.to_string(), door, waiting: Mutex::default() }
    }

    /// Adds a write; whether it is the only one that waits.
    pub(crate) fn add(&self, record: Vec<u8>, item: D::Item, answer: Answering<D::Answer>) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back((Write { record, item }, answer));
        waiting.len() == 1
    }

    fn take(&self, limits: &Limits) -> (Vec<Waiting<D>>, Taken) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut group: Vec<Waiting<D>> = Vec::new();
        let mut bytes = 0;
        while let Some((next, _)) = waiting.front() {
            let full = group.len() >= limits.group_writes || bytes + next.record.len() > limits.group_bytes;
            if full && !group.is_empty() {
                break;
            }
            bytes += next.record.len();
            group.extend(waiting.pop_front());
        }
        let taken = Taken { writes: group.len(), bytes, more: !waiting.is_empty() };
        (group, taken)
    }

    /// Commits a group; `told` gets each item's answer as soon as all are durable.
    fn commit(
        &self,
        book: &Book,
        now: Instant,
        limits: &Limits,
        group: &[Write<D::Item>],
        told: &mut dyn FnMut(Answers<D::Answer>, &Outcome),
    ) -> Result<(), WriteError> {
        let options = ImportOptions {
            source: &self.source,
            now,
            replace: false,
            wait_ms: limits.wait_ms,
            memory_budget_bytes: limits.memory_budget_bytes,
        };
        let mut import = book.begin_import(options).map_err(unbooked)?;
        let mut lines = Vec::with_capacity(group.iter().map(|w| w.record.len() + 1).sum());
        for write in group {
            // Between the tokens of JSON a line break is as good as a blank, and inside them there is none.
            lines.extend(write.record.iter().map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { *b }));
            lines.push(b'\n');
        }
        let name = format!("{} writes", self.source);
        let payload = import.add_payload_bytes(&name, &lines).map_err(unbooked)?;
        let items: Vec<Submitted<'_, D::Item>> = (1u64..)
            .zip(group)
            .map(|(row, write)| Submitted { item: &write.item, place: PayloadRef { payload, row } })
            .collect();
        let mut parts = Group { book, import: &mut import, source: &self.source, now };
        let answers = self.door.book(&mut parts, &items).map_err(WriteError::Failed)?;
        if answers.len() != items.len() {
            return Err(WriteError::Failed(Failure::new(
                "internal",
                "a door gave too few answers",
                "this is a bug; please report it",
            )));
        }
        let mut answers = Some(answers);
        let finished = import.finish_then(Finish::Commit, &mut |outcome| {
            if let Some(answers) = answers.take() {
                told(answers, outcome);
            }
        });
        // Tidying up that fails after the commit is the next writer's, who begins with it.
        match (finished, answers) {
            (Err(error), Some(_)) => Err(unbooked(error)),
            _ => Ok(()),
        }
    }

    /// Commits a group and tells everybody in it, as soon as it is durable; why not, if it is not, and then nobody was told.
    fn see_through(
        &self,
        book: &Book,
        now: Instant,
        limits: &Limits,
        group: &[Write<D::Item>],
        answering: &mut [Option<Answering<D::Answer>>],
    ) -> Result<(), WriteError> {
        let mut told = false;
        let mut tell = |answers: Answers<D::Answer>, outcome: &Outcome| {
            told = true;
            for (slot, answer) in answering.iter_mut().zip(answers) {
                let Some(tell) = slot.take() else { continue };
                tell(match answer {
                    Ok(answer) => Ok(Committed { answer, outcome: outcome.clone(), writes: group.len() }),
                    Err(failure) => Err(WriteError::Refused(failure)),
                });
            }
        };
        let tried = catch_unwind(AssertUnwindSafe(|| self.commit(book, now, limits, group, &mut tell)));
        match tried {
            _ if told => Ok(()),
            Ok(done) => done,
            Err(_) => Err(WriteError::Failed(Failure::new(
                "internal",
                "something went wrong inside netnew",
                "this is a bug; please report it",
            ))),
        }
    }
}

impl<D: Door> AnyQueue for Queue<D> {
    fn run(&self, book: &Book, now: Instant, limits: &Limits, taken: &mut dyn FnMut(Taken)) {
        let (group, count) = self.take(limits);
        taken(count);
        let (writes, answering): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let mut answering: Vec<Option<Answering<D::Answer>>> = answering.into_iter().map(Some).collect();
        if writes.is_empty() {
            return;
        }
        let Err(error) = self.see_through(book, now, limits, &writes, &mut answering) else { return };
        // Another writer or a full disk would be no better one by one; what one item does to a group is.
        let alone = matches!(&error, WriteError::Failed(_)) && writes.len() > 1;
        for (write, slot) in writes.chunks(1).zip(answering.chunks_mut(1)) {
            let ended = match alone {
                true => self.see_through(book, now, limits, write, slot),
                false => Err(error.clone()),
            };
            if let (Err(error), Some(tell)) = (ended, slot[0].take()) {
                tell(Err(error));
            }
        }
    }
}

fn unbooked(error: BookError) -> WriteError {
    match error {
        BookError::Locked { .. } => WriteError::Busy(error.into()),
        other => WriteError::Failed(other.into()),
    }
}
