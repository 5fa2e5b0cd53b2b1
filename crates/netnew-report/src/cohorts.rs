//! What is left of the customers of each period, age by age.

use crate::{Report, ReportError};
use netnew_metrics::{CohortRow, Cohorts, Measure, ReportCurrency};
use serde_json::{Value, json};

/// Reads a measure, naming the ones there are.
///
/// # Errors
/// `unknown_measure`.
pub fn parse_measure(text: &str) -> Result<Measure, ReportError> {
    Measure::parse(text).ok_or_else(|| {
        ReportError::usage(
            "unknown_measure",
            format!("unknown measure {text:?}"),
            "use customers, mrr, nrr or grr",
        )
    })
}

/// The cohort table, by cohort, then age.
///
/// # Errors
/// A group or several currencies (wrong usage), a missing rate, or a book that cannot be read.
pub fn cohorts(report: &Report, measure: Measure) -> Result<Vec<CohortRow>, ReportError> {
    if !report.by.is_empty() {
        return Err(ReportError::usage(
            "usage",
            "cohorts cannot be grouped with --by",
            "filter with --where, one table a group",
        ));
    }
    if report.currency == ReportCurrency::Original {
        return Err(ReportError::usage(
            "usage",
            "cohorts need one currency",
            "give --currency a currency code",
        ));
    }
    let query = report.query()?;
    let ctx = report.context(&query, false);
    let parts =
        report.fold(&ctx, || Cohorts::new(&ctx, &query), |cohorts, _, ledger| cohorts.add(&ledger))?;
    let mut whole = Cohorts::new(&ctx, &query)?;
    for part in parts {
        whole.merge(part);
    }
    Ok(whole.finish(measure, |period| report.complete(period)))
}

/// A row in the contract's shape.
pub fn row_json(row: &CohortRow) -> Value {
    json!({
        "cohort": row.cohort.to_string(),
        "age": row.age,
        "size": row.size,
        "value": row.value.map(|v| v.to_decimal_string(10)),
        "mature": row.mature,
    })
}
