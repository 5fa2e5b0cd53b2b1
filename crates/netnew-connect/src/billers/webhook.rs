//! A delivery that a system makes by itself, from its signature to the book.

use super::{Gathered, take};
use crate::error::ConnectError;
use netnew_billers::signature::{Delivery, Refused};
use netnew_billers::{System, Trouble, Webhook};
use netnew_book::{Book, Finish, ImportOptions, Outcome};
use netnew_facts::PayloadRef;
use netnew_money::Instant;
use std::collections::BTreeMap;

/// What a delivery did.
#[derive(Debug, Default)]
pub struct Received {
    /// The system's id of it.
    pub id: String,
    /// What the book counts: nothing new for what was delivered before.
    pub outcome: Outcome,
    /// What could not be understood of it.
    pub problems: Vec<Trouble>,
}

/// Takes a delivery in; when this returns it is durable. Deliveries may come in any order, more than once, before or after a
/// file that covers them: the book says the same in the end.
///
/// # Errors
/// When the system's deliveries cannot be checked here, the signature does not fit, the body cannot be read, or the book
/// cannot be written. Nothing is booked then.
pub fn receive(
    book: &Book,
    system: &System,
    source: &str,
    headers: &BTreeMap<String, String>,
    body: &[u8],
    secrets: &[String],
    now: Instant,
) -> Result<Received, ConnectError> {
    let check = match system.webhook {
        Webhook::Checked(check) => check,
        Webhook::Refused(why) => {
            return Err(ConnectError::Settings {
                code: "webhook_refused",
                what: format!("deliveries of {} are not taken: {why}", system.title),
                hint: "import its files instead; docs/billers.md says which".into(),
            });
        }
    };
    let opened = check(&Delivery { headers, body, secrets, now })?;
    let mut import = book.begin_import(ImportOptions {
        source,
        now,
        replace: false,
        wait_ms: 30_000,
        memory_budget_bytes: 16 << 20,
    })?;
    // What was signed may be wrapped; what is kept is what it says, on one line.
    let line = serde_json::to_vec(&opened.value).map_err(|e| Refused::Body(e.to_string()))?;
    let payload = import.add_payload_bytes(&format!("{source} {}", opened.id), &line)?;
    let mut gathered = Gathered::default();
    let mut problems = gathered.add((system.read)(&opened.value), PayloadRef { payload, row: 1 });
    if gathered.is_empty() {
        return Ok(Received { id: opened.id, outcome: Outcome::default(), problems });
    }
    let taken = take(book, &mut import, source, now, gathered, false)?;
    let mut outcome = import.finish(Finish::Commit)?;
    outcome.duplicates += taken.unchanged;
    problems.extend(taken.problems.into_iter().map(|(_, trouble)| trouble));
    Ok(Received { id: opened.id, outcome, problems })
}
