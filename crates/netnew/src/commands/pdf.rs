//! `netnew report --pdf`: by the feature `pdf`; without it an error that says how to get it.

use crate::error::CliError;
use netnew_report::written::Written;
use std::path::Path;

/// Refuses before anything is worked out.
#[cfg(not(feature = "pdf"))]
pub fn ready(_paper: &str) -> Result<(), CliError> {
    Err(CliError::refused(
        "not_built",
        "this netnew was built without PDF",
        "build it with the feature: cargo run --release --features pdf -- report ...; --html FILE prints well, too",
    ))
}

/// Nothing, for nothing comes here.
#[cfg(not(feature = "pdf"))]
pub fn file(_written: &Written, paper: &str, _path: &Path) -> Result<(), CliError> {
    ready(paper)
}
