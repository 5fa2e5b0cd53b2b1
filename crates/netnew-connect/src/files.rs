//! Files of Stripe's objects and events.

use crate::error::ConnectError;
use crate::intake::{Gathered, Listed, unrolled};
use netnew_book::Import;
use netnew_facts::PayloadRef;
use netnew_money::Instant;
use netnew_sources::{JsonObjects, Problem};
use netnew_stripe::{looks_like_stripe, read};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// So many objects at the head of a file decide what it is.
const HEAD: usize = 20;

/// Whether a file holds objects or events of Stripe's, by its first objects.
///
/// # Errors
/// When it cannot be read.
pub fn is_stripe_json(path: &Path) -> Result<bool, ConnectError> {
    let Some(mut objects) = JsonObjects::open(path)? else { return Ok(false) };
    for _ in 0..HEAD {
        match objects.advance()? {
            Some((_, Ok(value))) if looks_like_stripe(&value) => return Ok(true),
            Some(_) => {}
            None => return Ok(false),
        }
    }
    Ok(false)
}

/// What is to be known of all files before any object is taken.
#[derive(Debug, Default)]
struct Survey {
    newest: i64,
    live: u64,
    test: u64,
    clocked: BTreeSet<String>,
    unclocked: u64,
    /// Per file, whether it can be kept as it is: an object a line.
    as_it_is: Vec<bool>,
}

/// Reads files into `gathered` and keeps them; what could not be understood goes to `problem`, what a user should know
/// is returned.
///
/// Objects that are no events were listed no earlier than the newest moment that anything in the files speaks of. Where there is live data, test data is left out; where there are customers without a test clock, those on
/// one are.
///
/// # Errors
/// When a file cannot be read or kept.
pub fn gather(
    paths: &[PathBuf],
    import: &mut Import,
    now: Instant,
    gathered: &mut Gathered,
    progress: &mut dyn FnMut(&Path, u64, u64),
    problem: &mut dyn FnMut(Problem),
) -> Result<Vec<String>, ConnectError> {
    let survey = survey(paths)?;
    let listed_at = survey.newest.min(now.micros().div_euclid(1_000_000));
    let live_only = survey.live > 0;
    let (mut left_test, mut left_clocked) = (0u64, 0u64);
    for (path, as_it_is) in paths.iter().zip(&survey.as_it_is) {
        let name = path.display().to_string();
        let Some(mut objects) = JsonObjects::open(path)? else { continue };
        // A page of a hundred objects is kept with an object a line, so that each can be pointed to.
        let mut rewritten = match as_it_is {
            true => None,
            false => Some(BufWriter::new(tempfile::NamedTempFile::new()?)),
        };
        let mut said = Vec::new();
        let mut row = 0u64;
        while let Some((line, value)) = objects.advance()? {
            let value = match value {
                Ok(value) => value,
                Err(bad) => {
                    problem(bad);
                    continue;
                }
            };
            for object in unrolled(value) {
                row += 1;
                let row = if *as_it_is { line } else { row };
                if let Some(out) = &mut rewritten {
                    serde_json::to_writer(&mut *out, &object).map_err(std::io::Error::from)?;
                    out.write_all(b"\n")?;
                }
                said.push((line, row, read(&object), customer_of(&object)));
            }
            progress(path, objects.progress().0, objects.progress().1);
        }
        let payload = match rewritten {
            None => import.add_payload(&name, path)?,
            Some(out) => {
                let file = out.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
                import.add_payload(&name, file.path())?
            }
        };
        for (line, row, one, customer) in said {
            if live_only && one.live == Some(false) {
                left_test += 1;
                continue;
            }
            let on_clock = one.test_clock.is_some() || customer.is_some_and(|c| survey.clocked.contains(&c));
            if on_clock && survey.unclocked > 0 {
                left_clocked += 1;
                continue;
            }
            for trouble in gathered.add(one, PayloadRef { payload, row }, Listed::AtLeast(listed_at)) {
                problem(Problem {
                    file: name.clone(),
                    line,
                    column: None,
                    code: trouble.code,
                    message: trouble.message,
                    hint: trouble.hint,
                });
            }
        }
    }
    let mut notes = Vec::new();
    if left_test > 0 {
        notes.push(format!("{left_test} objects of test mode left out, as there are live ones"));
    }
    if left_clocked > 0 {
        notes.push(format!("{left_clocked} objects of customers on test clocks left out"));
    }
    if !gathered.unused.is_empty() {
        let list: Vec<String> = gathered.unused.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        notes.push(format!("objects not used: {}", list.join(", ")));
    }
    Ok(notes)
}

fn customer_of(object: &Value) -> Option<String> {
    let object = object.get("data").and_then(|d| d.get("object")).unwrap_or(object);
    let id = match object.get("object").and_then(Value::as_str) {
        Some("customer") => object.get("id"),
        _ => object.get("customer"),
    }?;
    id.as_str().or_else(|| id.get("id").and_then(Value::as_str)).map(str::to_string)
}

fn survey(paths: &[PathBuf]) -> Result<Survey, ConnectError> {
    let mut survey = Survey::default();
    for path in paths {
        let Some(mut objects) = JsonObjects::open(path)? else {
            survey.as_it_is.push(true);
            continue;
        };
        let mut as_it_is = objects.by_line();
        while let Some((_, value)) = objects.advance()? {
            let Ok(value) = value else { continue };
            as_it_is &= value.get("object").and_then(Value::as_str) != Some("list");
            for object in unrolled(value) {
                let said = read(&object);
                survey.newest = survey.newest.max(said.newest.unwrap_or(0));
                match said.live {
                    Some(true) => survey.live += 1,
                    Some(false) => survey.test += 1,
                    None => {}
                }
                match (&said.test_clock, customer_of(&object)) {
                    (Some(_), Some(customer)) => {
                        survey.clocked.insert(customer);
                    }
                    (None, Some(_)) => survey.unclocked += 1,
                    _ => {}
                }
            }
        }
        survey.as_it_is.push(as_it_is);
    }
    Ok(survey)
}
