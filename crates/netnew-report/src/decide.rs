//! From numbers to decisions: what the libraries of decisions look at, gathered from a book.
//!
//! The command line, the API and the pages call one function each and get a typed answer with a `to_json`.

mod alerts;
mod gather;
mod goals;
mod lives;

pub use alerts::{Alerts, RULES_FILE, add_rule, alerts, remove_rule, rules};
pub use gather::{Decisions, Month12};
pub use goals::{GoalStanding, Marks, goal_from, goals};

use crate::{Report, ReportError};
use netnew_decide::benchmarks::{Benchmark, Placed, own, place, read};
use netnew_decide::diagnosis::{Diagnosis, diagnose as work_out};
use netnew_decide::forecast::{Forecast, Reached, Runway, forecast as look_ahead, reach, runway};
use netnew_decide::milestones::{Milestone, milestones as find_milestones};
use netnew_decide::whatif::{Assumptions, Scenario, whatif as try_levers};
use netnew_metrics::{Extras, ReportCurrency};
use netnew_money::{Amount, Day, Grain};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Name of a book's own benchmarks, in its directory.
pub const BENCHMARKS_FILE: &str = "benchmarks.toml";

/// How far milestones look ahead, in months.
const MILESTONE_MONTHS: usize = 120;

/// What is wrong, and which lever to pull now.
///
/// # Errors
/// Several currencies (wrong usage), a missing rate, a book or benchmarks that cannot be read.
pub fn diagnose(report: &Report) -> Result<Diagnosis, ReportError> {
    let decisions = Decisions::gather(report)?;
    diagnose_from(&decisions, report)
}

/// [`diagnose`] from what is gathered already.
///
/// # Errors
/// As [`diagnose`].
pub fn diagnose_from(decisions: &Decisions, report: &Report) -> Result<Diagnosis, ReportError> {
    let benchmarks = known_benchmarks(report, None)?;
    Ok(work_out(&decisions.business(report, &benchmarks)?))
}

/// The benchmarks in force: a file's or the book's own first, then those that come with netnew.
///
/// # Errors
/// A file that cannot be read, naming what is wrong in it.
pub fn known_benchmarks(report: &Report, file: Option<&Path>) -> Result<Vec<Benchmark>, ReportError> {
    let mut all = Vec::new();
    let kept = report.book.dir().join(BENCHMARKS_FILE);
    let mut add = |path: &Path| -> Result<(), ReportError> {
        let text = std::fs::read_to_string(path).map_err(|e| {
            ReportError::refused(
                "io",
                format!("{}: {e}", path.display()),
                "give a file of benchmarks in TOML",
            )
        })?;
        all.extend(read(&text, &path.display().to_string())?);
        Ok(())
    };
    if let Some(file) = file {
        add(file)?;
    }
    if kept.is_file() {
        add(&kept)?;
    }
    all.extend(own());
    Ok(all)
}

/// Where the business stands among benchmarks.
///
/// # Errors
/// As [`diagnose`].
pub fn benchmarks(report: &Report, file: Option<&Path>) -> Result<Vec<Placed>, ReportError> {
    let decisions = Decisions::gather(report)?;
    benchmarks_from(&decisions, report, file)
}

/// [`benchmarks`] from what is gathered already.
///
/// # Errors
/// As [`diagnose`].
pub fn benchmarks_from(
    decisions: &Decisions,
    report: &Report,
    file: Option<&Path>,
) -> Result<Vec<Placed>, ReportError> {
    let known = known_benchmarks(report, file)?;
    Ok(place(&decisions.standing(), &known, &gather::source(report)?))
}

/// MRR ahead.
///
/// # Errors
/// As [`diagnose`].
pub fn forecast(report: &Report, months: usize) -> Result<Forecast, ReportError> {
    Ok(look_ahead(&gather::history(report, months)?, months))
}

/// Milestones reached and ahead.
///
/// # Errors
/// As [`diagnose`].
pub fn milestones(report: &Report) -> Result<Vec<Milestone>, ReportError> {
    let source = gather::source(report)?;
    if report.is_empty()? {
        return Ok(Vec::new());
    }
    let mut query = report.query()?;
    query.by.clear();
    query.grain = Grain::Day;
    query.to = query.to.min(report.today()).max(query.from);
    query.with_expected = false;
    let days: Vec<(Day, Amount)> =
        report.rows(&query, Extras::default())?.iter().map(|row| (row.period.last, row.end)).collect();
    if days.is_empty() {
        return Ok(Vec::new());
    }
    let mut history = gather::history(report, 12)?;
    history.known.truncate(12);
    let ahead = look_ahead(&history, MILESTONE_MONTHS);
    Ok(find_milestones(&days, &ahead.rows, source.decimals))
}

/// Each lever by itself over the next twelve months.
///
/// # Errors
/// As [`diagnose`].
pub fn whatif(report: &Report, assume: &Assumptions) -> Result<Vec<Scenario>, ReportError> {
    let history = gather::history(report, 12)?;
    Ok(try_levers(&history.months, history.next, &history.known, assume))
}

/// What a forecast is asked besides the months.
#[derive(Clone, Debug, Default)]
pub struct ForecastQuestions {
    /// When does MRR reach these?
    pub reach: Vec<Amount>,
    /// Costs a month.
    pub costs: Option<Amount>,
    /// Cash at hand.
    pub cash: Option<Amount>,
}

/// A forecast in the shape of `netnew forecast`, without the rows.
pub fn forecast_envelope(report: &Report, told: &Forecast, asked: &ForecastQuestions) -> Map<String, Value> {
    let mut out = crate::mrr::envelope(report);
    out.insert("pace".into(), told.pace.map_or(Value::Null, |p| p.to_json()));
    out.insert("method".into(), json!({"months": told.method.months, "trend": told.method.trend}));
    out.insert("errors".into(), told.errors.iter().map(|e| e.to_json()).collect());
    out.insert("tries".into(), json!(told.tries.len()));
    let reached: Vec<Value> = asked.reach.iter().map(|a| reached_json(&reach(&told.rows, *a))).collect();
    out.insert("reach".into(), reached.into());
    let money =
        asked.costs.map(|costs| runway_json(&runway(&told.rows, costs, asked.cash.unwrap_or_default())));
    out.insert("runway".into(), money.unwrap_or(Value::Null));
    out
}

fn reached_json(r: &Reached) -> Value {
    let day = |d: Option<Day>| d.map(|d| d.to_string());
    json!({
        "amount": r.amount.to_string(), "earliest": day(r.earliest), "expected": day(r.expected),
        "latest": day(r.latest),
    })
}

fn runway_json(r: &Runway) -> Value {
    json!({
        "profitable": r.profitable.map(|d| d.to_string()),
        "empty": r.empty.map(|d| d.to_string()),
        "least": r.least.to_string(),
    })
}

/// Decimals of the report's currency.
pub fn decimals(report: &Report) -> u8 {
    match report.currency {
        ReportCurrency::In(currency) => currency.exponent(),
        ReportCurrency::Original => 2,
    }
}
