//! A source looked over: what there is in the account against what the book holds of it, and whatever else is worth knowing.
//! Nothing is changed but what is kept of the findings.

use crate::error::ConnectError;
use crate::http::{Refusal, Stripe};
use crate::sync::{GAP_MARK, Progress, RESOURCES, Resource, encoded};
use netnew_book::{Book, BucketRange};
use netnew_facts::{Body, winning_states};
use netnew_money::{Currency, Instant};
use netnew_stripe::{Trouble, read};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Ids that are named of what is missing.
const NAMED: usize = 20;

/// What a check found of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Name of the resource.
    pub resource: String,
    /// What Stripe says when the key may not read it.
    pub refused: Option<String>,
    /// How many there are; none when they cannot be read.
    pub there: Option<u64>,
    /// How many of those are kept here.
    pub here: u64,
    /// The first ids that are there and not here.
    pub missing: Vec<String>,
    /// When the newest was made, in seconds.
    pub newest: Option<i64>,
    /// Currencies that are none.
    pub unknown_currencies: Vec<String>,
}

/// Compares an account with what the book holds of it: every list is paged through.
///
/// # Errors
/// When the key is refused or the account cannot be reached.
pub fn check(
    book: &Book,
    source: &str,
    stripe: &Stripe,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Found>, ConnectError> {
    // Payments of invoices only link others; what is missing of them shows there.
    let resources = RESOURCES.into_iter().filter(|r| !r.of_newer_versions);
    resources.map(|resource| one(book, source, stripe, resource, progress)).collect()
}

fn one(
    book: &Book,
    source: &str,
    stripe: &Stripe,
    resource: Resource,
    progress: &mut dyn FnMut(Progress),
) -> Result<Found, ConnectError> {
    let mut found = Found { resource: resource.name.to_string(), ..Found::default() };
    let mut after = String::new();
    let mut there = 0;
    loop {
        let query = format!("limit=100{}{after}", resource.query);
        let page = match stripe.get(&format!("/v1/{}", resource.name), &query) {
            Ok(page) => page,
            Err(Refusal::Fatal(error)) => return Err(error),
            Err(Refusal::Permission(said) | Refusal::Request(said) | Refusal::Gone(said)) => {
                found.refused = Some(said);
                return Ok(found);
            }
        };
        let data = page.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
        let last = data.last().and_then(|o| o.get("id")).and_then(Value::as_str).map(str::to_string);
        for object in &data {
            let said = read(object);
            // What says nothing here is not missed here.
            if said.test_clock.is_some() || said.says_nothing() {
                continue;
            }
            there += 1;
            let id = object.get("id").and_then(Value::as_str).unwrap_or_default();
            let kept = format!("{}{id}{}", resource.kept.0, resource.kept.1);
            match book.evidence(source, &kept)? {
                Some(_) => found.here += 1,
                None if found.missing.len() < NAMED => found.missing.push(id.to_string()),
                None => {}
            }
            found.newest = found.newest.max(object.get("created").and_then(Value::as_i64));
            let code = object.get("currency").and_then(Value::as_str);
            if let Some(code) = code.filter(|c| Currency::parse(c).is_err())
                && !found.unknown_currencies.iter().any(|c| c == code)
            {
                found.unknown_currencies.push(code.to_string());
            }
        }
        progress(Progress::Fetched(resource.name, there, None));
        match (page.get("has_more").and_then(Value::as_bool), last) {
            (Some(true), Some(last)) => after = format!("&starting_after={}", encoded(&last)),
            _ => break,
        }
    }
    found.there = Some(there);
    Ok(found)
}

fn trouble(code: &'static str, message: String, hint: impl Into<String>) -> Trouble {
    Trouble { code, message, hint: hint.into() }
}

/// What is wrong with a source, by what was found in the account and by what the book holds; empty when nothing is.
///
/// # Errors
/// When the book cannot be read.
pub fn findings(book: &Book, source: &str, found: &[Found]) -> Result<Vec<Trouble>, ConnectError> {
    let mut out = Vec::new();
    for one in found {
        let name = one.resource.replace('_', " ");
        if let Some(said) = &one.refused {
            out.push(trouble(
                "missing_permission",
                format!("{name} cannot be read: {said}"),
                format!("give the restricted key read access to {name}, then sync"),
            ));
        }
        if let Some(missing) = one.there.map(|there| there - one.here).filter(|n| *n > 0) {
            let first = one.missing.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
            out.push(trouble(
                "missing_here",
                format!("{missing} {name} are there and not here: {first}"),
                format!("run netnew sync {source}; if they stay away, say so in a bug report"),
            ));
        }
        if !one.unknown_currencies.is_empty() {
            out.push(trouble(
                "unknown_currency",
                format!("{name} are in currencies that are none: {}", one.unknown_currencies.join(", ")),
                "what is in them is left out",
            ));
        }
    }
    out.extend(in_the_book(book, source)?);
    Ok(out)
}

/// What is wrong with a source as the book alone can tell: lists that were cut off, times that no event covers, subscriptions
/// that another source has too.
///
/// # Errors
/// When the book cannot be read.
pub fn in_the_book(book: &Book, source: &str) -> Result<Vec<Trouble>, ConnectError> {
    let mut out = Vec::new();
    let cut_off = [("\"more_lines\":true", "lines"), ("\"more_items\":true", "items")];
    for (fragment, what) in cut_off {
        let ids = book.evidence_with(source, fragment, 1_000)?;
        if let Some(first) = ids.first() {
            let first = first.split(' ').next().unwrap_or_default();
            out.push(trouble(
                "truncated",
                format!("{} objects were given without all of their {what}, {first} among them", ids.len()),
                format!("run netnew sync {source}, which fetches the rest; in files give them in full"),
            ));
        }
    }
    if let Some(gap) = book.source_marks(source)?.get(GAP_MARK)
        && let Some((from, to)) = gap.split_once(' ')
        && let (Ok(from), Ok(to)) = (from.parse::<i64>(), to.parse::<i64>())
        && from < to
    {
        let at = |seconds: i64| Instant::from_micros(seconds.saturating_mul(1_000_000));
        out.push(trouble(
            "gap",
            format!("no events could be read between {} and {}", at(from), at(to)),
            "what changed then is rebuilt from invoices and dates; sync at least every 29 days",
        ));
    }
    out.extend(duplicates(book, source)?);
    Ok(out)
}

/// Subscriptions that other sources have too count twice.
fn duplicates(book: &Book, source: &str) -> Result<Option<Trouble>, ConnectError> {
    let snapshot = book.snapshot()?;
    if snapshot.begins().keys().all(|name| &**name == source) {
        return Ok(None);
    }
    let mut held: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    snapshot.scan(BucketRange::ALL, &mut |customer| {
        for fact in winning_states(&customer.facts, Instant::MAX) {
            if let Body::State { subscription, .. } = &fact.body {
                held.entry(subscription.to_string()).or_default().insert(fact.source.to_string());
            }
        }
        Ok(())
    })?;
    let twice: Vec<_> = held.iter().filter(|(_, of)| of.len() > 1 && of.contains(source)).collect();
    let Some((first, sources)) = twice.first() else { return Ok(None) };
    let others: Vec<&str> = sources.iter().map(String::as_str).filter(|name| *name != source).collect();
    Ok(Some(trouble(
        "duplicates",
        format!("{} subscriptions count twice: {first} is also in {}", twice.len(), others.join(", ")),
        "keep each system in one source: import its files under the source's own name (--source)",
    )))
}
