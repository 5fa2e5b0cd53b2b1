//! The job that reads synced sources while a book is served: every few minutes each, at once when somebody asks.
//!
//! What it did is kept in the book, where pages and the command line find it. It may be stopped at any moment: a run goes on
//! from its last commit the next time.

use netnew_book::Book;
use netnew_connect::http::Stripe;
use netnew_connect::source::{due, keep_run, set_wanted};
use netnew_connect::sync::sync;
use netnew_connect::{ConnectError, source};
use netnew_writer::Clock;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Seconds between two looks at what is due.
const LOOK_SECONDS: u64 = 10;

/// Finds the value of an environment variable.
pub type Variables = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A job under way; it ends when this is dropped, after the page that it is reading.
pub struct Syncing {
    stopped: Arc<(Mutex<bool>, Condvar)>,
}

impl Syncing {
    /// Starts the job on a thread of its own. `clock` says what time it is, `variables` where keys are.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(book: Book, clock: Clock, variables: Variables) -> std::io::Result<Syncing> {
        let stopped: Arc<(Mutex<bool>, Condvar)> = Arc::default();
        let told = stopped.clone();
        std::thread::Builder::new().name("netnew-sync".into()).spawn(move || {
            while !rest(&told, Duration::from_secs(LOOK_SECONDS)) {
                let pause = |wait: Duration| {
                    let _ = rest(&told, wait);
                };
                if let Err(error) = tick(&book, &clock, &variables, &pause) {
                    tracing::error!(code = error.code(), "looking for sources that are due: {error}");
                }
            }
        })?;
        Ok(Syncing { stopped })
    }
}

impl Drop for Syncing {
    fn drop(&mut self) {
        *self.stopped.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stopped.1.notify_all();
    }
}

/// Waits, or less long when the job is to end; whether it is.
fn rest((stopped, changed): &(Mutex<bool>, Condvar), wait: Duration) -> bool {
    let guard = stopped.lock().unwrap_or_else(PoisonError::into_inner);
    let ended = changed.wait_timeout_while(guard, wait, |stopped| !*stopped);
    *ended.unwrap_or_else(PoisonError::into_inner).0
}

/// Reads every source that is due; gives the names of those that were read. How each went is kept in the book.
///
/// # Errors
/// When the book cannot be read or written.
pub fn tick(
    book: &Book,
    clock: &Clock,
    variables: &Variables,
    pause: &(dyn Fn(Duration) + Sync),
) -> Result<Vec<String>, ConnectError> {
    let mut read = Vec::new();
    for source in due(book, clock())? {
        set_wanted(book, &source.name, false)?;
        let run = one(book, &source, clock, variables, pause);
        if let Err(error) = &run {
            tracing::warn!(code = error.code(), source = source.name, "a source was not read");
        }
        keep_run(book, &source.name, clock(), &run)?;
        read.push(source.name);
    }
    Ok(read)
}

fn one(
    book: &Book,
    source: &source::Source,
    clock: &Clock,
    variables: &Variables,
    pause: &(dyn Fn(Duration) + Sync),
) -> Result<netnew_connect::sync::Synced, ConnectError> {
    let key = variables(&source.key_env).unwrap_or_default();
    if key.trim().is_empty() {
        return Err(ConnectError::Settings {
            code: "missing_key",
            what: format!(
                "the environment variable {}, which holds the key of {}, is not set for the server",
                source.key_env, source.name
            ),
            hint: format!("start the server with {} set to a restricted key that may read", source.key_env),
        });
    }
    let stripe = Stripe::new(&source.api_base, &key, pause)?;
    sync(book, &source.name, &stripe, &|| clock(), &mut |_| {})
}
