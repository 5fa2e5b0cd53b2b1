//! Answers that were worked out before: in memory for as long as a process holds the book, and beside the book for the
//! next process.
//!
//! An answer is found by everything that it is a function of: the book's version, the policy's knobs, time zones, what
//! was asked, how far each source is known, today's day, the program itself; and for `as_of` by the stretch of time in
//! which nothing happens. So it is never old, and there is nothing to clear.

use crate::keep::Keep;
use crate::memory::Memory;
use crate::resident::{WORTH_KEEPING, read_whole};
use crate::{Report, ReportError};
use netnew_facts::hash64;
use netnew_ledger::Context;
use netnew_metrics::{Extras, Query, registry};
use netnew_money::Instant;
use std::sync::{Arc, Mutex, PoisonError};

/// How many answers a process holds.
const HELD: usize = 128;

/// Larger answers are not worth their place.
const LARGEST: usize = 8 << 20;

/// How many are kept beside a book, at most.
const PLACES: u64 = 256;

/// Changes with the layout of answers.
const MAGIC: &[u8; 8] = b"nnanswr1";

/// An answer, and from when until when (not included) it is the answer, in microseconds.
#[derive(Clone)]
struct Kept {
    from: i64,
    until: i64,
    bytes: Arc<[u8]>,
}

/// The answers that a process holds.
#[derive(Default)]
pub(crate) struct Answers(Mutex<Vec<(String, Kept)>>);

impl Answers {
    fn get(&self, key: &str, now: i64) -> Option<Kept> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = all.iter().position(|(k, kept)| k == key && kept.from <= now && now < kept.until)?;
        let found = all.remove(at);
        let kept = found.1.clone();
        all.push(found);
        Some(kept)
    }

    fn put(&self, key: String, kept: Kept) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= HELD {
            all.remove(0);
        }
        all.push((key, kept));
    }
}

/// The answer to `what`, as it was worked out before or by `work`. `what` names the kind of answer and everything in it
/// that the question does not.
///
/// # Errors
/// Those of `work`.
pub(crate) fn answer<T: Keep>(
    report: &Report,
    ctx: &Context,
    query: &Query,
    what: &str,
    work: impl FnOnce() -> Result<T, ReportError>,
) -> Result<T, ReportError> {
    if report.snapshot.counts()?.states < WORTH_KEEPING {
        return work();
    }
    let key = key(report, query, what)?;
    let now = report.as_of.micros();
    let memory = &report.view.memory;
    let kept = memory.answers.get(&key, now).or_else(|| {
        let kept = read(report, &key, now)?;
        memory.answers.put(key.clone(), kept.clone());
        Some(kept)
    });
    if let Some(kept) = kept
        && let mut bytes = &kept.bytes[..]
        && let Some(answer) = T::take(&mut bytes)
        && bytes.is_empty()
    {
        return Ok(answer);
    }
    let answer = work()?;
    let mut bytes = Vec::new();
    answer.put(&mut bytes);
    if bytes.len() <= LARGEST {
        let (from, until) = stretch(report, ctx, query, memory)?;
        let kept = Kept { from, until, bytes: bytes.into() };
        write(report, &key, &kept);
        memory.answers.put(key, kept);
    }
    Ok(answer)
}

/// Works the answers out that most readers ask for first, so that they find them kept: the monthly waterfall and the
/// usual metrics. Nothing to do for small books.
///
/// # Errors
/// A book that cannot be read. What cannot be computed is left for who asks for it.
pub fn warm(report: &Report) -> Result<(), ReportError> {
    if report.snapshot.counts()?.states < WORTH_KEEPING || !crate::resident::fits(&report.snapshot)? {
        return Ok(());
    }
    let query = report.query()?;
    let usual: Vec<_> =
        registry::default_names().iter().filter_map(|name| registry::find(name).ok()).collect();
    for extras in [Extras::default(), crate::metrics::needs(&usual)] {
        let _ = report.rows(&query, extras);
    }
    Ok(())
}

/// Everything that an answer is a function of, but for the moment.
fn key(report: &Report, query: &Query, what: &str) -> Result<String, ReportError> {
    let frame = &report.frame;
    let counts = report.snapshot.counts()?;
    Ok(format!(
        "{what}\n{query:?}\n{:?}\n{} {} {:?} {:?} {:?}\n{:?}\n{} {} {}\n{}",
        frame.policy,
        frame.zone.name(),
        frame.book_zone.name(),
        frame.book_currency,
        frame.known_on,
        frame.today(),
        frame.data_through,
        report.snapshot.version(),
        counts.rates,
        counts.aliases,
        env!("CARGO_PKG_VERSION"),
    ))
}

/// From when until when an answer holds.
fn stretch(
    report: &Report,
    ctx: &Context,
    query: &Query,
    memory: &Memory,
) -> Result<(i64, i64), ReportError> {
    let now = report.as_of.micros();
    match report.known_on == Instant::MAX && report.memory()?.is_some() {
        true => memory.stretch(&report.view, ctx, query),
        false => Ok((now, now + 1)),
    }
}

/// The program that answers: another build may well answer otherwise.
fn program() -> Option<String> {
    let file = std::fs::metadata(std::env::current_exe().ok()?).ok()?;
    Some(format!("{} {:?}", file.len(), file.modified().ok()?))
}

fn name(key: &str) -> String {
    format!("answer-{:02x}", hash64(key.as_bytes()) % PLACES)
}

fn read(report: &Report, key: &str, now: i64) -> Option<Kept> {
    let key = format!("{key}\n{}", program()?);
    let bytes = read_whole(&*report.book.open_derived(&name(&key))?, LARGEST * 2)?;
    let mut from = bytes.strip_prefix(MAGIC)?;
    let sum = u64::take(&mut from)?;
    if hash64(from) != sum {
        return None;
    }
    let (kept_key, (begins, ends)): (String, (i64, i64)) = Keep::take(&mut from)?;
    (kept_key == key && begins <= now && now < ends).then(|| Kept {
        from: begins,
        until: ends,
        bytes: from.into(),
    })
}

/// That an answer cannot be kept is nobody's trouble.
fn write(report: &Report, key: &str, kept: &Kept) {
    let Some(program) = program() else { return };
    let key = format!("{key}\n{program}");
    let mut body = Vec::new();
    (key.clone(), (kept.from, kept.until)).put(&mut body);
    body.extend_from_slice(&kept.bytes);
    let _ = report.book.write_derived(&name(&key), &mut |out| {
        out.write_all(MAGIC)?;
        out.write_all(&hash64(&body).to_le_bytes())?;
        out.write_all(&body)?;
        Ok(true)
    });
}
