//! A delivery that Stripe makes by itself, from its signature to the book.
//!
//! [`admit`] checks and reads one, on the thread that took it; [`Deliveries`] is the door through which a
//! [`netnew_writer::Writer`] books whole groups of them: each customer that a group speaks of is told once, however many
//! deliveries spoke of it.

use crate::error::ConnectError;
use crate::intake::{self, Gathered, Listed, Mode, Taken};
use netnew_book::{Book, Finish, Import, ImportOptions, Outcome};
use netnew_facts::PayloadRef;
use netnew_money::Instant;
use netnew_stripe::{Said, Trouble, read, webhook};
use netnew_writer::{Door, Failure, Group, Submitted};
use std::collections::BTreeMap;

/// Whether a source is of live data or of test data, once it is known: `live` or `test`.
pub(crate) const MODE_MARK: &str = "mode";

/// A delivery that was checked and read, and is not booked yet.
#[derive(Debug)]
pub struct Delivered {
    /// Id of the event.
    pub event: String,
    said: Said,
    /// When it came, in seconds.
    at: i64,
}

impl Delivered {
    /// Whether there is nothing in it that a book would keep.
    pub fn says_nothing(&self) -> bool {
        self.said.says_nothing() || self.said.test_clock.is_some()
    }
}

/// What a delivery did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Id of the event.
    pub event: String,
    /// It is of the other mode than the source, and was left out.
    pub left_out: bool,
    /// What could not be understood of it.
    pub problems: Vec<Trouble>,
}

/// Checks a delivery and reads it: `header` is `Stripe-Signature`, `body` the raw bytes, `secrets` those of the endpoint.
///
/// # Errors
/// When the signature does not fit or is stale, or the body is no event.
pub fn admit(header: &str, body: &[u8], secrets: &[&str], now: Instant) -> Result<Delivered, ConnectError> {
    let event = webhook::open(header, body, secrets, now)?;
    let id = event.get("id").and_then(serde_json::Value::as_str).unwrap_or("event").to_string();
    Ok(Delivered { event: id, said: read(&event), at: now.micros().div_euclid(1_000_000) })
}

/// The door for deliveries: they may come in any order, more than once, before or after a sync that covers them, and the
/// book says the same in the end. The first delivery or the key of a sync settle whether a source is of live data or of test
/// data; what is of the other mode is left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deliveries;

impl Door for Deliveries {
    type Item = Delivered;
    type Answer = Received;

    fn book(
        &self,
        group: &mut Group<'_, '_>,
        items: &[Submitted<'_, Delivered>],
    ) -> Result<Vec<Result<Received, Failure>>, Failure> {
        let (received, _) = take(group.book, group.import, group.source, group.now, items)?;
        Ok(received.into_iter().map(Ok).collect())
    }
}

/// Takes a group in; gives what each did, and how many states were there already.
fn take(
    book: &Book,
    import: &mut Import,
    source: &str,
    now: Instant,
    items: &[Submitted<'_, Delivered>],
) -> Result<(Vec<Received>, u64), ConnectError> {
    let mut mode = book.source_marks(source)?.remove(MODE_MARK);
    let mut gathered = Gathered::default();
    let mut out = Vec::with_capacity(items.len());
    let mut by_place: BTreeMap<PayloadRef, usize> = BTreeMap::new();
    for (at, Submitted { item, place }) in items.iter().enumerate() {
        by_place.insert(*place, at);
        let is = item.said.live.map(|live| if live { "live" } else { "test" });
        if mode.is_none()
            && let Some(is) = is
        {
            import.evident().marks.push((MODE_MARK.into(), is.into()));
            mode = Some(is.into());
        }
        let left_out = is.is_some() && is != mode.as_deref() || item.said.test_clock.is_some();
        let problems = match left_out {
            true => Vec::new(),
            false => gathered.add(item.said.clone(), *place, Listed::At(item.at)),
        };
        out.push(Received { event: item.event.clone(), left_out, problems });
    }
    if gathered.is_empty() {
        // Nothing to keep: not even a mark, which the next that says something will set.
        import.evident().marks.clear();
        return Ok((out, 0));
    }
    let Taken { unchanged, problems, .. } = intake::take(book, import, source, now, gathered, Mode::Tell)?;
    for (place, trouble) in problems {
        if let Some(at) = by_place.get(&place) {
            out[*at].problems.push(trouble);
        }
    }
    Ok((out, unchanged))
}

/// Checks a delivery and books it at once, in an import of its own.
///
/// # Errors
/// As [`admit`], and when the book cannot be written. Nothing is booked then.
pub fn receive(
    book: &Book,
    source: &str,
    header: &str,
    body: &[u8],
    secrets: &[&str],
    now: Instant,
) -> Result<(Received, Outcome), ConnectError> {
    let item = admit(header, body, secrets, now)?;
    let mut import = book.begin_import(ImportOptions {
        source,
        now,
        replace: false,
        wait_ms: 30_000,
        memory_budget_bytes: 16 << 20,
    })?;
    let line: Vec<u8> = body.iter().map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { *b }).collect();
    let payload = import.add_payload_bytes(&format!("{source} writes"), &line)?;
    let items = [Submitted { item: &item, place: PayloadRef { payload, row: 1 } }];
    let (mut received, unchanged) = take(book, &mut import, source, now, &items)?;
    let mut outcome = import.finish(Finish::Commit)?;
    outcome.duplicates += unchanged;
    Ok((received.pop().unwrap_or_default(), outcome))
}
