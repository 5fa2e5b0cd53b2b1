//! Files of a system's objects and events, and its exports as tables.

use super::Gathered;
use crate::error::ConnectError;
use netnew_billers::{SYSTEMS, Said, System, Trouble, recognised, recognised_table};
use netnew_book::Import;
use netnew_facts::PayloadRef;
use netnew_sources::{JsonObjects, Problem, Records};
use serde_json::Value;
use std::io::{BufWriter, Write};
use std::path::Path;

/// So many objects at the head of a file decide what it is.
const HEAD: usize = 20;

/// A file of a system: its objects, or its export as a table.
#[derive(Clone, Copy)]
pub struct Form {
    /// The system.
    pub system: &'static System,
    /// It is a table.
    pub table: bool,
}

/// The form that a kind names.
pub fn form_of(kind: &str) -> Option<Form> {
    let is_table = |system: &&System| system.table.as_ref().is_some_and(|t| t.kind == kind);
    let by_table = SYSTEMS.iter().find(is_table).map(|system| Form { system, table: true });
    by_table.or_else(|| SYSTEMS.iter().find(|s| s.kind == kind).map(|system| Form { system, table: false }))
}

/// What system's a file is, by its first objects or its columns; none for anything else.
///
/// # Errors
/// When it cannot be read.
pub fn recognise(path: &Path) -> Result<Option<Form>, ConnectError> {
    if let Some(mut objects) = JsonObjects::open(path)? {
        for _ in 0..HEAD {
            match objects.advance()? {
                Some((_, Ok(value))) => {
                    if let Some(system) = recognised(&value) {
                        return Ok(Some(Form { system, table: false }));
                    }
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
        return Ok(None);
    }
    let records = Records::open(path)?;
    Ok(recognised_table(records.headers()).map(|(system, _)| Form { system, table: true }))
}

/// Reads a file into `gathered` and keeps it; what could not be understood goes to `problem`, what a user should know is
/// returned.
///
/// # Errors
/// When the file cannot be read or kept.
pub fn gather(
    path: &Path,
    form: Form,
    import: &mut Import,
    gathered: &mut Gathered,
    progress: &mut dyn FnMut(u64),
    problem: &mut dyn FnMut(Problem),
) -> Result<Vec<String>, ConnectError> {
    let name = path.display().to_string();
    let mut said: Vec<(u64, u64, Said)> = Vec::new();
    let payload = if form.table {
        rows(path, form.system, &mut said, problem)?;
        import.add_payload(&name, path)?
    } else {
        objects(path, form.system, import, &mut said, (progress, problem))?
    };
    // Where there is live data, that of a sandbox is left out.
    let live = said.iter().any(|(.., one)| one.live == Some(true));
    let mut left = 0u64;
    for (line, row, one) in said {
        if live && one.live == Some(false) {
            left += 1;
            continue;
        }
        for trouble in gathered.add(one, PayloadRef { payload, row }) {
            problem(problem_of(&name, line, trouble));
        }
    }
    let mut notes = Vec::new();
    if left > 0 {
        notes.push(format!("{left} objects of test mode left out, as there are live ones"));
    }
    if !gathered.unused.is_empty() {
        let list: Vec<String> = gathered.unused.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        notes.push(format!("objects not used: {}", list.join(", ")));
    }
    Ok(notes)
}

/// What is wrong with an object, with where it stands.
pub fn problem_of(file: &str, line: u64, trouble: Trouble) -> Problem {
    let Trouble { code, message, hint } = trouble;
    Problem { file: file.to_string(), line, column: None, code, message, hint }
}

fn rows(
    path: &Path,
    system: &System,
    said: &mut Vec<(u64, u64, Said)>,
    problem: &mut dyn FnMut(Problem),
) -> Result<(), ConnectError> {
    let Some(table) = &system.table else { return Ok(()) };
    let mut records = Records::open(path)?;
    while let Some((line, record)) = records.advance()? {
        match record {
            Ok(record) => said.push((line, line, (table.read)(&record))),
            Err(bad) => problem(bad),
        }
    }
    Ok(())
}

type Told<'a> = (&'a mut dyn FnMut(u64), &'a mut dyn FnMut(Problem));

fn objects(
    path: &Path,
    system: &System,
    import: &mut Import,
    said: &mut Vec<(u64, u64, Said)>,
    (progress, problem): Told<'_>,
) -> Result<u32, ConnectError> {
    let name = path.display().to_string();
    let Some(mut objects) = JsonObjects::open(path)? else {
        let what = format!("the file does not hold {}'s objects as JSON", system.title);
        let hint = "give the objects or events as the API writes them: one a line, as a list, or one after the other";
        problem(problem_of(
            &name,
            0,
            Trouble { code: "unsupported_format", message: what, hint: hint.into() },
        ));
        return Ok(import.add_payload(&name, path)?);
    };
    // Pages of objects are kept with an object a line, so that each can be pointed to.
    let mut out = BufWriter::new(tempfile::NamedTempFile::new()?);
    let (mut row, mut as_it_is) = (0u64, objects.by_line());
    while let Some((line, value)) = objects.advance()? {
        match value {
            Ok(value) => {
                for object in unrolled(value, &mut as_it_is) {
                    row += 1;
                    as_it_is &= row == line;
                    serde_json::to_writer(&mut out, &object).map_err(std::io::Error::from)?;
                    out.write_all(b"\n")?;
                    said.push((line, row, (system.read)(&object)));
                }
            }
            Err(bad) => problem(bad),
        }
        progress(objects.progress().0);
    }
    if as_it_is {
        return Ok(import.add_payload(&name, path)?);
    }
    let file = out.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(import.add_payload(&name, file.path())?)
}

/// Names under which the pages of lists have their objects.
const LISTS: [&str; 8] =
    ["data", "list", "subscriptions", "plans", "items", "events", "transactions", "signedTransactions"];

/// Reads a JSON value as one object, an event, or a page or list of them.
fn unrolled(value: Value, as_it_is: &mut bool) -> Vec<Value> {
    match value {
        Value::Array(entries) => {
            *as_it_is = false;
            entries.into_iter().flat_map(|entry| unrolled(entry, as_it_is)).collect()
        }
        Value::Object(mut fields) => {
            let page = !fields.contains_key("id")
                && ["meta", "next_offset", "has_more", "links", "total_items", "next_page_token"]
                    .iter()
                    .any(|mark| fields.contains_key(*mark));
            let only = fields.len() == 1;
            let name = LISTS.into_iter().find(|n| fields.get(*n).is_some_and(Value::is_array));
            match name.filter(|_| page || only).and_then(|name| fields.remove(name)) {
                Some(Value::Array(mut entries)) => {
                    *as_it_is = false;
                    if let Some(Value::Array(more)) = fields.remove("included") {
                        entries.extend(more);
                    }
                    entries.into_iter().flat_map(|entry| unrolled(entry, as_it_is)).collect()
                }
                _ => vec![Value::Object(fields)],
            }
        }
        other => vec![other],
    }
}
