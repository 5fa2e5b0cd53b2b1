//! Where requests are written down: one thread, and a transaction for all that have gathered while the last one was made
//! durable.

use super::{Refusal, Store};
use netnew_book::{Book, BookError};
use rusqlite::{Connection, TransactionBehavior};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};

/// Requests in one transaction.
const GROUP: usize = 256;

/// Told whether the transaction was made durable.
type Finish = Box<dyn FnOnce(Result<(), String>) + Send>;

/// Does one request inside the transaction; says whether what it did is to stay, and whom to tell.
type Job = Box<dyn FnOnce(Result<&Connection, String>) -> (bool, Finish) + Send>;

/// The objects of one book. Safe to share between threads.
pub struct Desk {
    reader: Mutex<Connection>,
    jobs: Mutex<Sender<Job>>,
}

impl Desk {
    /// Opens the objects of a book with connections of their own.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn open(book: &Book) -> Result<Desk, BookError> {
        let (jobs, waiting) = channel();
        let writer = book.connect()?;
        // Ends when the desk is dropped, after what was sent to it.
        std::thread::spawn(move || serve(writer, &waiting));
        Ok(Desk { reader: Mutex::new(book.connect()?), jobs: Mutex::new(jobs) })
    }

    /// Reads.
    ///
    /// # Errors
    /// What `ask` gives.
    pub fn read<T>(&self, ask: impl FnOnce(&Store) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = reader.transaction()?;
        ask(&Store::new(&transaction))
    }

    /// Writes; when this returns without an error it is durable. With one nothing was written.
    ///
    /// # Errors
    /// What `act` gives, or a catalog that cannot be written.
    pub fn write<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Store) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (send, receive) = sync_channel(1);
        let job: Job = Box::new(move |connection| {
            let done = match connection {
                Ok(connection) => act(&Store::new(connection)),
                Err(why) => Err(Refusal::Catalog(why)),
            };
            let keep = done.is_ok();
            let finish: Finish = Box::new(move |durable| {
                let answer = match durable {
                    Ok(()) => done,
                    Err(why) => done.and(Err(Refusal::Catalog(why))),
                };
                // Whoever asked may have gone; what is written stays.
                let _ = send.send(answer);
            });
            (keep, finish)
        });
        let gone = || Refusal::Catalog("the writer has ended".into());
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).send(job).map_err(|_| gone())?;
        receive.recv().unwrap_or_else(|_| Err(gone()))
    }
}

fn serve(mut connection: Connection, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let mut jobs = vec![first];
        while jobs.len() < GROUP
            && let Ok(job) = waiting.try_recv()
        {
            jobs.push(job);
        }
        let mut finish = Vec::with_capacity(jobs.len());
        let durable = write(&mut connection, jobs, &mut finish).map_err(|error| error.to_string());
        for finish in finish {
            finish(durable.clone());
        }
    }
}

fn write(connection: &mut Connection, jobs: Vec<Job>, finish: &mut Vec<Finish>) -> rusqlite::Result<()> {
    let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        Err(error) => {
            finish.extend(jobs.into_iter().map(|job| job(Err(error.to_string())).1));
            return Err(error);
        }
    };
    for job in jobs {
        transaction.execute_batch("SAVEPOINT one")?;
        // A request that panics is answered by the end of its channel and leaves nothing behind.
        let done = catch_unwind(AssertUnwindSafe(|| job(Ok(&transaction)))).ok();
        let keep = done.as_ref().is_some_and(|(keep, _)| *keep);
        finish.extend(done.map(|(_, finish)| finish));
        transaction.execute_batch(if keep { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" })?;
    }
    transaction.commit()
}
