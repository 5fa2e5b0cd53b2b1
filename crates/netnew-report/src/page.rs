//! Pages of long answers: at most so many rows, and where the next ones begin.

use crate::ReportError;

/// Cuts a page out of rows. `cursor`: the `next` of an earlier answer; the second value is the next one, if there is
/// more.
///
/// # Errors
/// `bad_cursor` for a text that no answer gave.
pub fn page<T>(
    mut rows: Vec<T>,
    limit: Option<usize>,
    cursor: Option<&str>,
) -> Result<(Vec<T>, Option<String>), ReportError> {
    let start = start(cursor)?;
    rows.drain(..start.min(rows.len()));
    let next = limit.filter(|limit| *limit < rows.len()).map(|limit| format!("r{}", start + limit));
    if let Some(limit) = limit {
        rows.truncate(limit);
    }
    Ok((rows, next))
}

/// The row that a cursor points to.
///
/// # Errors
/// `bad_cursor` for a text that no answer gave.
pub fn start(cursor: Option<&str>) -> Result<usize, ReportError> {
    match cursor {
        None => Ok(0),
        Some(text) => text.strip_prefix('r').and_then(|n| n.parse().ok()).ok_or_else(|| {
            ReportError::usage(
                "bad_cursor",
                format!("{text:?} is not a cursor"),
                "use the `next` of an earlier answer",
            )
        }),
    }
}
