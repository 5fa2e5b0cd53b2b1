//! The thread that writes, and the entrances to it.

use crate::door::Door;
use crate::error::WriteError;
use crate::queue::{AnyQueue, Queue};
use netnew_book::{Book, Outcome};
use netnew_money::Instant;
use std::collections::VecDeque;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// How much may wait, and how much goes into one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Writes that may wait before the next is turned away.
    pub waiting_writes: usize,
    /// Bytes of raw records that may wait.
    pub waiting_bytes: usize,
    /// Writes in one commit.
    pub group_writes: usize,
    /// Bytes of raw records in one commit.
    pub group_bytes: usize,
    /// Milliseconds to wait for another process that writes to the book.
    pub wait_ms: u64,
    /// Bytes of rows of one group to hold in memory.
    pub memory_budget_bytes: usize,
}

impl Default for Limits {
    /// Room for some seconds at a thousand writes a second, in at most about 100 MiB.
    fn default() -> Limits {
        Limits {
            waiting_writes: 8_192,
            waiting_bytes: 64 << 20,
            group_writes: 2_048,
            group_bytes: 16 << 20,
            wait_ms: 20_000,
            memory_budget_bytes: 32 << 20,
        }
    }
}

/// A write that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed<A> {
    /// What the door says of it.
    pub answer: A,
    /// What the whole group did: facts of one item cannot be told from the others'.
    pub outcome: Outcome,
    /// Writes in the group.
    pub writes: usize,
}

/// How busy a writer is and has been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Writes that wait.
    pub waiting: usize,
    /// Bytes of their raw records.
    pub waiting_bytes: usize,
    /// Writes taken out of the queue since the start, booked or not.
    pub writes: u64,
    /// Groups that they went in.
    pub groups: u64,
    /// Writes turned away because the queue was full.
    pub turned_away: u64,
}

#[derive(Default)]
struct State {
    /// Queues in which something waits, in the order of their turns.
    ready: VecDeque<Arc<dyn AnyQueue>>,
    load: Load,
    closed: bool,
}

struct Shared {
    limits: Limits,
    state: Mutex<State>,
    wake: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a queue with something in it; none when the writer is closed and all is written.
    fn next(&self) -> Option<Arc<dyn AnyQueue>> {
        let mut state = self.state();
        loop {
            if let Some(queue) = state.ready.pop_front() {
                return Some(queue);
            }
            if state.closed {
                return None;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn serve(&self, book: &Book, clock: &Clock) {
        while let Some(queue) = self.next() {
            queue.run(book, clock(), &self.limits, &mut |taken| {
                let mut state = self.state();
                state.load.waiting -= taken.writes;
                state.load.waiting_bytes -= taken.bytes;
                state.load.writes += taken.writes as u64;
                state.load.groups += u64::from(taken.writes > 0);
                if taken.more {
                    state.ready.push_back(queue.clone());
                }
            });
        }
    }
}

/// One thread that writes to one book.
pub struct Writer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts a writer. Give it a book of its own ([`Book::open_at`] once more), so that readers of another do not wait
    /// for its commits.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(book: Book, clock: Clock, limits: Limits) -> std::io::Result<Writer> {
        let shared = Arc::new(Shared { limits, state: Mutex::default(), wake: Condvar::new() });
        let serving = shared.clone();
        let thread = std::thread::Builder::new()
            .name("netnew-writer".into())
            .spawn(move || serving.serve(&book, &clock))?;
        Ok(Writer { shared, thread: Mutex::new(Some(thread)) })
    }

    /// An entrance for one source. Two entrances of one source are two queues, with no order between them.
    pub fn entrance<D: Door>(&self, source: &str, door: D) -> Entrance<D> {
        Entrance { shared: self.shared.clone(), queue: Arc::new(Queue::new(source, door)) }
    }

    /// How busy it is.
    pub fn load(&self) -> Load {
        self.shared.state().load
    }

    /// Takes no more, and returns when all that was taken is written.
    pub fn close(&self) {
        self.shared.state().closed = true;
        self.shared.wake.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A writer that panicked has told whoever waited by dropping what it would have told them.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

/// Where writes of one source come in. Clones share the queue.
pub struct Entrance<D: Door> {
    shared: Arc<Shared>,
    queue: Arc<Queue<D>>,
}

impl<D: Door> Clone for Entrance<D> {
    fn clone(&self) -> Entrance<D> {
        Entrance { shared: self.shared.clone(), queue: self.queue.clone() }
    }
}

impl<D: Door> Entrance<D> {
    /// Queues a write and returns at once. `record` is the raw record, kept as one line (line breaks in it become blanks: give
    /// JSON, a form, or a line of text); `tell` is called once, on the writer's thread, when it is durable or when it
    /// is not going to be: it should only pass the answer on.
    ///
    /// # Errors
    /// [`WriteError::Full`] or [`WriteError::Closed`] when it was not taken; `tell` is never called then.
    pub fn submit(
        &self,
        record: Vec<u8>,
        item: D::Item,
        tell: impl FnOnce(Result<Committed<D::Answer>, WriteError>) + Send + 'static,
    ) -> Result<(), WriteError> {
        let limits = &self.shared.limits;
        let mut state = self.shared.state();
        if state.closed {
            return Err(WriteError::Closed);
        }
        let bytes = record.len();
        let full = state.load.waiting >= limits.waiting_writes
            || (state.load.waiting > 0 && state.load.waiting_bytes + bytes > limits.waiting_bytes);
        if full {
            state.load.turned_away += 1;
            return Err(WriteError::Full { retry_after_seconds: 2 });
        }
        state.load.waiting += 1;
        state.load.waiting_bytes += bytes;
        // Under the state's lock, so that a queue that is being emptied is not forgotten.
        if self.queue.add(record, item, Box::new(tell)) {
            state.ready.push_back(self.queue.clone());
            self.shared.wake.notify_one();
        }
        Ok(())
    }

    /// Queues a write and waits until it is durable.
    ///
    /// # Errors
    /// Why it is not.
    pub fn write(&self, record: Vec<u8>, item: D::Item) -> Result<Committed<D::Answer>, WriteError> {
        let (send, receive) = sync_channel(1);
        self.submit(record, item, move |ended| {
            // Whoever asked may have gone; the write stands all the same.
            let _ = send.send(ended);
        })?;
        receive.recv().unwrap_or(Err(WriteError::Closed))
    }
}
