//! How soon one new fact is in the totals: from the moment at which it is durable to the moment at which the monthly
//! waterfall has it, in one process that holds the book in memory, as a server does.

use crate::environment::{Environment, Stopwatch};
use crate::error::CliError;
use netnew_bench::Dice;
use netnew_book::{Finish, ImportOptions};
use netnew_facts::{Body, CustomerFacts, Fact, Statement, StatementBody};
use netnew_metrics::{Extras, RollupRow};
use netnew_report::{Question, Report, ReportError, View, resident};
use netnew_resident::Extent;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

/// What is asked after every fact.
const QUESTIONS: [(&str, Option<&str>, bool); 3] =
    [("mrr", None, false), ("mrr by plan", Some("plan"), false), ("retention", None, true)];

/// Books `runs` facts, one after the other, and asks after each. Writes to the book.
pub fn run(runs: u32, seed: u64, env: &Environment) -> Result<ExitCode, CliError> {
    let book = Arc::new(env.open_book()?);
    let mut view = View::new(book.clone())?;
    let image = resident::load(&book, &view.snapshot, Extent::All)?;
    let mut dice = Dice::new(seed, 0);
    let mut times: BTreeMap<String, Vec<serde_json::Number>> = BTreeMap::new();
    for run in 0..runs {
        let customer = dice.below(image.len() as u64) as usize;
        let id = image.customers.text(customer);
        let facts = view.snapshot.customer(&id)?.unwrap_or_else(|| image.customer_facts(customer));
        let Some(next) = raised(&facts, env)? else { continue };
        let source = next.source.clone();
        let mut import = book.begin_import(ImportOptions {
            source: &source,
            now: env.time_now().clock,
            replace: false,
            wait_ms: 30_000,
            memory_budget_bytes: 1 << 20,
        })?;
        let payload = import.add_payload_bytes("one fact", format!("{next:?}").as_bytes())?;
        let Fact { customer, body, .. } = next;
        let body = StatementBody::Customer { customer, body };
        import.push(payload, Statement { row: 1, recorded_at: None, version: None, body })?;
        let mut read: Result<(), ReportError> = Ok(());
        let booking = Stopwatch::start();
        let mut booked_ms = None;
        import.finish_then(Finish::Commit, &mut |_| {
            booked_ms = Some(booking.millis());
            read = follow(&mut view, env, run > 0, &mut times);
        })?;
        read?;
        times.entry("to book it".into()).or_default().extend(booked_ms);
    }
    let anew = View::new(book)?;
    for (name, by, retention) in QUESTIONS {
        if rows(&view, env, by, retention)? != rows(&anew, env, by, retention)? {
            let message = format!("{name} of a view that followed is not that of a new view");
            return Err(CliError::refused("paths_differ", message, "this is a bug: please report it"));
        }
    }
    println!("{}", json!({"customers": image.len(), "states": image.rows(), "runs": runs, "ms": times}));
    Ok(ExitCode::SUCCESS)
}

fn follow(
    view: &mut View,
    env: &Environment,
    counts: bool,
    times: &mut BTreeMap<String, Vec<serde_json::Number>>,
) -> Result<(), ReportError> {
    let watch = Stopwatch::start();
    *view = view.refresh()?;
    let refreshed = watch.millis();
    rows(view, env, QUESTIONS[0].1, QUESTIONS[0].2)?;
    let total = watch.millis();
    // The first brings the book into memory.
    if counts {
        times.entry("to follow".into()).or_default().push(refreshed);
        times.entry("to the new total".into()).or_default().push(total);
    }
    for (name, by, retention) in &QUESTIONS[1..] {
        let watch = Stopwatch::start();
        rows(view, env, *by, *retention)?;
        if counts {
            times.entry(format!("{name}, then")).or_default().push(watch.millis());
        }
    }
    Ok(())
}

/// A question's rows, without kinds and causes that come to nothing.
fn rows(
    view: &View,
    env: &Environment,
    by: Option<&str>,
    retention: bool,
) -> Result<Vec<RollupRow>, ReportError> {
    let question = Question { by: by.map(str::to_string), ..Question::default() };
    let report = Report::of(&question, view, &env.time_now())?;
    let mut rows = report.rows(&report.query()?, Extras { retention, committed: false })?;
    for row in &mut rows {
        row.movements.retain(|_, amount| !amount.is_zero());
        row.causes.retain(|_, amount| !amount.is_zero());
    }
    Ok(rows)
}

/// A customer's last state, at a higher quantity from now on.
fn raised(customer: &CustomerFacts, env: &Environment) -> Result<Option<Fact>, CliError> {
    let now = env.time_now().at(&netnew_money::Zone::utc())?;
    let last = customer.facts.iter().filter_map(|fact| match &fact.body {
        Body::State { effective_at, state: Some(_), .. } => Some((*effective_at, fact)),
        _ => None,
    });
    let Some((_, last)) = last.max_by_key(|(at, _)| *at) else { return Ok(None) };
    let mut next = last.clone();
    if let Body::State { effective_at, state: Some(state), .. } = &mut next.body {
        *effective_at = now;
        state.quantity_micros += 1_000_000;
    }
    Ok(Some(next))
}
