//! A delivery that Stripe makes by itself, from its signature to the book.

use crate::error::ConnectError;
use crate::intake::{self, Gathered, Listed, Mode, Taken};
use netnew_book::{Book, Finish, ImportOptions, Outcome};
use netnew_facts::PayloadRef;
use netnew_money::Instant;
use netnew_stripe::{Trouble, read, webhook};

/// What a delivery did.
#[derive(Debug, Default)]
pub struct Received {
    /// Id of the event.
    pub event: String,
    /// What the book counts: nothing new for an event that was delivered before.
    pub outcome: Outcome,
    /// What could not be understood of it.
    pub problems: Vec<Trouble>,
}

/// Takes a delivery in: `header` is `Stripe-Signature`, `body` the raw bytes, `secrets` those of the endpoint. Deliveries may
/// come in any order, more than once, before or after a sync that covers them: the book says the same in the end. Test
/// events are refused where `live` is `Some(true)`, live ones where it is `Some(false)`.
///
/// # Errors
/// When the signature does not fit or is stale, the body is no event or of the other mode, or the book cannot be written.
/// Nothing is booked then.
pub fn receive(
    book: &Book,
    source: &str,
    header: &str,
    body: &[u8],
    secrets: &[&str],
    live: Option<bool>,
    now: Instant,
) -> Result<Received, ConnectError> {
    let event = webhook::open(header, body, secrets, now)?;
    let id = event.get("id").and_then(serde_json::Value::as_str).unwrap_or("event").to_string();
    let said = read(&event);
    if let (Some(wanted), Some(is)) = (live, said.live)
        && wanted != is
    {
        let (is, wanted) = if is { ("live", "test") } else { ("test", "live") };
        return Err(ConnectError::Settings {
            code: "other_mode",
            what: format!("the event {id} is of {is} mode and the source {source} of {wanted} mode"),
            hint: "give each mode an endpoint and a source of its own".into(),
        });
    }
    let mut import = book.begin_import(ImportOptions {
        source,
        now,
        replace: false,
        wait_ms: 30_000,
        memory_budget_bytes: 16 << 20,
    })?;
    // One line, as it stands, so that it can be pointed to as row 1.
    let line = one_line(body, &event);
    let payload = import.add_payload_bytes(&format!("{source} {id}"), &line)?;
    let mut gathered = Gathered::default();
    let listed_at = now.micros().div_euclid(1_000_000);
    let problems = gathered.add(said, PayloadRef { payload, row: 1 }, Listed::At(listed_at));
    if gathered.is_empty() {
        return Ok(Received { event: id, outcome: Outcome::default(), problems });
    }
    let Taken { unchanged, problems: later, .. } =
        intake::take(book, &mut import, source, now, gathered, Mode::Tell)?;
    let mut outcome = import.finish(Finish::Commit)?;
    outcome.duplicates += unchanged;
    let problems = problems.into_iter().chain(later.into_iter().map(|(_, trouble)| trouble)).collect();
    Ok(Received { event: id, outcome, problems })
}

fn one_line(body: &[u8], event: &serde_json::Value) -> Vec<u8> {
    match body.contains(&b'\n') {
        true => event.to_string().into_bytes(),
        false => body.to_vec(),
    }
}
