//! Policies by name: a preset, one saved in the book, or a file.

use crate::ReportError;
use netnew_book::{Book, Snapshot};
use netnew_facts::EntryKind;
use netnew_policy::{Needs, Policy};
use std::path::Path;

/// A policy by preset name, saved name or file; without one, the book's.
pub fn load_policy(name: Option<&str>, book: &Book) -> Result<Policy, ReportError> {
    let own = book.settings().policy.clone();
    find_policy(name.unwrap_or(&own), Some(book))
}

/// A policy by preset name, name saved in the book, or file. `NAME@VERSION` insists on a version.
pub fn find_policy(name: &str, book: Option<&Book>) -> Result<Policy, ReportError> {
    let (name, version) = match name.split_once('@') {
        Some((name, version)) if !Path::new(name).exists() || version.len() <= 10 => (name, Some(version)),
        _ => (name, None),
    };
    let policy = match book.map(|b| b.policy(name)).transpose()?.flatten() {
        Some(text) => Policy::from_toml(&text, name)?,
        None => match Policy::preset(name) {
            Ok(policy) => policy,
            Err(error) if !Path::new(name).is_file() => return Err(error.into()),
            Err(_) => Policy::from_toml(&std::fs::read_to_string(name)?, name)?,
        },
    };
    match version {
        Some(version) if version != policy.version => Err(ReportError::usage(
            "unknown_policy",
            format!("policy {name} has version {}, not {version}", policy.version),
            "leave out @VERSION for the one there is, or give the file of the version you want",
        )),
        _ => Ok(policy),
    }
}

/// Refuses a policy whose rules act on facts that a book does not have.
///
/// # Errors
/// `knob_needs_facts`, wrong usage.
pub fn require_facts(policy: &Policy, snapshot: &Snapshot) -> Result<(), ReportError> {
    let has = snapshot.entry_counts();
    for (knob, value, needs) in policy.needed_facts() {
        let kind = match needs {
            Needs::Invoices => EntryKind::Invoice,
            Needs::Payments => EntryKind::Payment,
            Needs::Refunds => EntryKind::Refund,
            Needs::CreditNotes => EntryKind::CreditNote,
            Needs::Usage => EntryKind::Usage,
            Needs::Schedules => EntryKind::Opportunity,
        };
        if !has.contains_key(&kind) {
            return Err(Policy::lacks(knob, value, needs).into());
        }
    }
    Ok(())
}

/// Applies one `--set KNOB=VALUE`.
pub fn set_knob(policy: &mut Policy, change: &str) -> Result<(), ReportError> {
    let Some((knob, value)) = change.split_once('=') else {
        return Err(ReportError::usage(
            "bad_set",
            format!("--set {change:?} has no ="),
            "write --set KNOB=VALUE, for example --set netting=event",
        ));
    };
    Ok(policy.set(knob.trim(), value.trim())?)
}
