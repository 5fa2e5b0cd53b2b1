//! `netnew sources` and `netnew sync`: billing systems that are read over HTTP.

use crate::cli::{SourcesArgs, SourcesCommand, SyncArgs};
use crate::environment::Environment;
use crate::error::CliError;
use crate::render::table::Align;
use crate::render::{self, say};
use indicatif::{ProgressBar, ProgressStyle};
use netnew_book::{Book, SyncedSource};
use netnew_connect::Trouble;
use netnew_connect::check::{self, Found};
use netnew_connect::http::{Stripe, safe_base};
use netnew_connect::source;
use netnew_connect::sync::{self, Progress};
use netnew_import::refused;
use netnew_money::{Instant, Zone};
use serde_json::{Map, Value, json};
use std::process::ExitCode;
use std::time::Duration;

/// Where Stripe is, unless said otherwise.
const STRIPE: &str = "https://api.stripe.com";
/// At most so many problems are listed; all are counted.
const LISTED_PROBLEMS: usize = 1_000;

/// Adds, lists or checks sources.
pub fn run(args: &SourcesArgs, env: &Environment) -> Result<ExitCode, CliError> {
    match &args.command {
        SourcesCommand::Add { kind, name, key_env, api_base } => {
            add(kind, name, key_env, api_base.as_deref(), env)
        }
        SourcesCommand::List => list(env),
        SourcesCommand::Check { name } => check(name, env),
    }
}

fn add(
    kind: &str,
    name: &str,
    key_env: &str,
    api_base: Option<&str>,
    env: &Environment,
) -> Result<ExitCode, CliError> {
    if kind != "stripe" {
        return Err(CliError::usage(
            "unknown_source_kind",
            format!("there is no kind of source {kind:?}"),
            "use stripe",
        ));
    }
    if name.trim().is_empty() {
        return Err(CliError::usage("bad_name", "the source has no name", "give one with --name"));
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if key_env.is_empty() || !key_env.chars().all(is_name) || looks_like_a_key(key_env) {
        return Err(CliError::usage(
            "bad_key_env",
            "--key-env takes the name of an environment variable, not the key itself",
            "put the key into a variable and name it: --key-env STRIPE_KEY",
        ));
    }
    let base = safe_base(api_base.unwrap_or(STRIPE)).map_err(refused)?;
    let settings = json!({"key_env": key_env, "api_base": base});
    let source = SyncedSource { name: name.to_string(), kind: kind.into(), settings: settings.to_string() };
    if !env.open_book()?.add_source(&source)? {
        return Err(CliError::refused(
            "source_exists",
            format!("there is a source {name} already"),
            "choose another --name; netnew sources list shows them",
        ));
    }
    let value = json!({"name": name, "kind": kind, "key_env": key_env, "api_base": base});
    render::object(env, &value, || {
        format!("Source {name} added; its key is read from ${key_env}. Next: netnew sync {name}\n")
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A key where a name should be would end up in the book.
fn looks_like_a_key(text: &str) -> bool {
    ["sk_live_", "sk_test_", "rk_live_", "rk_test_"].iter().any(|start| text.starts_with(start))
}

fn list(env: &Environment) -> Result<ExitCode, CliError> {
    let book = env.open_book()?;
    let mut rows = Vec::new();
    for source in book.sources()? {
        let settings: Value = serde_json::from_str(&source.settings).unwrap_or_default();
        let marks = book.source_marks(&source.name)?;
        let health = source::health(&book, &source.name).map_err(refused)?;
        let synced = marks.get("synced").and_then(|v| v.parse::<i64>().ok());
        rows.push(json!({
            "name": source.name,
            "kind": source.kind,
            "key_env": settings["key_env"],
            "api_base": settings["api_base"],
            "synced_at": synced.map(second),
            "complete": marks.contains_key("listed"),
            "complete_to": health.complete_to.map(|at| at.to_string()),
            "automatic": health.automatic,
            "findings": health.findings.len(),
        }));
    }
    render::rows(env, &Map::new(), &rows, None, || {
        let columns =
            ["name", "kind", "key_env", "api_base", "synced_at", "complete_to", "automatic", "findings"];
        render::plain_table(&rows, &columns.map(|c| (c, Align::Left)))
    })?;
    Ok(ExitCode::SUCCESS)
}

fn second(at: i64) -> String {
    Instant::from_micros(at.saturating_mul(1_000_000)).to_string()
}

/// The source of a name, with its address and its key from the environment.
fn connection(book: &Book, name: &str) -> Result<(String, String), CliError> {
    let Some(source) = book.sources()?.into_iter().find(|s| s.name == name) else {
        return Err(CliError::refused(
            "unknown_source",
            format!("there is no source {name}"),
            "netnew sources list shows them; netnew sources add stripe makes one",
        ));
    };
    let settings: Value = serde_json::from_str(&source.settings).unwrap_or_default();
    let text = |field: &str| settings[field].as_str().unwrap_or_default().to_string();
    let variable = text("key_env");
    let key = std::env::var(&variable).unwrap_or_default();
    if key.trim().is_empty() {
        return Err(CliError::refused(
            "missing_key",
            format!("the environment variable {variable}, which holds the key of {name}, is not set"),
            format!("export {variable}=rk_live_... with a restricted key that may read"),
        ));
    }
    Ok((text("api_base"), key))
}

/// Reads a source into the book.
pub fn sync(args: &SyncArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let book = env.open_book()?;
    let (base, key) = connection(&book, &args.name)?;
    let stripe = Stripe::new(&base, &key, &std::thread::sleep).map_err(refused)?;
    env.now(&Zone::parse(&book.settings().timezone)?)?;
    let clock = || env.instant();
    let bar = bar();
    let run = sync::sync(&book, &args.name, &stripe, &clock, &mut |progress| show(&bar, &progress));
    bar.finish_and_clear();
    source::keep_run(&book, &args.name, clock(), &run).map_err(refused)?;
    let done = run.map_err(refused)?;
    if done.facts > 0 {
        netnew_report::resident::refresh(&book)?;
    }
    if done.left_out > 0 {
        say(&format!("{} objects of the other mode or on test clocks left out", done.left_out));
    }
    let problems: Vec<Value> = done
        .problems
        .iter()
        .take(LISTED_PROBLEMS)
        .map(|p| json!({"code": p.code, "message": p.message, "hint": p.hint}))
        .collect();
    let value = json!({
        "source": args.name,
        "fetched": done.fetched,
        "customers": done.customers,
        "facts": done.facts,
        "duplicates": done.duplicates,
        "superseded": done.superseded,
        "problem_count": done.problems.len(),
        "problems": problems,
    });
    render::object(env, &value, || {
        let fetched: u64 = done.fetched.values().sum();
        let mut out = format!(
            "{fetched} objects read, {} customers told: {} facts added, {} there already, {} replace earlier ones.\n",
            done.customers, done.facts, done.duplicates, done.superseded
        );
        for problem in done.problems.iter().take(20) {
            out.push_str(&format!("{}: {}\n  hint: {}\n", problem.code, problem.message, problem.hint));
        }
        out
    })?;
    Ok(if done.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Lists have no total, so that they show a count and a rate; telling has one, and a time that is left.
fn show(bar: &ProgressBar, progress: &Progress) {
    let style =
        |template: &str| ProgressStyle::with_template(template).expect("the template is fixed and valid");
    match progress {
        Progress::Fetched(name, count, far) => {
            if bar.message() != *name {
                bar.reset();
                bar.set_message(name.to_string());
            }
            bar.set_position(*count);
            // As much as is left of the account's time, as fast as so far.
            match far.filter(|far| *far >= 20) {
                Some(far) => {
                    bar.set_length((*count).saturating_mul(1_000) / far);
                    bar.set_style(style("{msg} [{wide_bar}] {pos} read · {per_sec} · about {eta} left"));
                }
                None => bar.set_style(style("{spinner} {msg} {pos} read · {per_sec} · {elapsed}")),
            }
        }
        Progress::Told(done, total) => {
            bar.set_style(style("{msg} [{wide_bar}] {percent} % · {per_sec} · {eta} left"));
            if bar.message() != "customers" {
                bar.reset();
                bar.set_message("customers");
            }
            bar.set_length(*total);
            bar.set_position(*done);
        }
    }
}

fn check(name: &str, env: &Environment) -> Result<ExitCode, CliError> {
    let book = env.open_book()?;
    let (base, key) = connection(&book, name)?;
    let stripe = Stripe::new(&base, &key, &std::thread::sleep).map_err(refused)?;
    env.now(&Zone::parse(&book.settings().timezone)?)?;
    let bar = bar();
    let found = check::check(&book, name, &stripe, &mut |progress| show(&bar, &progress));
    bar.finish_and_clear();
    if let Err(error) = &found {
        let trouble = Trouble { code: error.code(), message: error.to_string(), hint: error.hint() };
        source::keep_check(&book, name, env.instant(), &[trouble]).map_err(refused)?;
    }
    let found = found.map_err(refused)?;
    let findings = check::findings(&book, name, &found).map_err(refused)?;
    source::keep_check(&book, name, env.instant(), &findings).map_err(refused)?;
    let rows: Vec<Value> = found.iter().map(row).collect();
    let ok = findings.is_empty();
    let health = source::health(&book, name).map_err(refused)?;
    let list: Vec<Value> =
        findings.iter().map(|f| json!({"code": f.code, "message": f.message, "hint": f.hint})).collect();
    let mut envelope = Map::new();
    envelope.insert("source".into(), json!(name));
    envelope.insert("reachable".into(), json!(true));
    envelope.insert("livemode".into(), json!(stripe.live()));
    envelope.insert("complete_to".into(), json!(health.complete_to.map(|at| at.to_string())));
    envelope.insert("ok".into(), json!(ok));
    envelope.insert("findings".into(), json!(list));
    render::rows(env, &envelope, &rows, None, || {
        let columns = ["resource", "permission", "there", "here", "missing", "newest", "unknown_currencies"];
        let mut out = render::plain_table(&rows, &columns.map(|c| (c, Align::Left)));
        for finding in &findings {
            out.push_str(&format!("{}: {}\n  hint: {}\n", finding.code, finding.message, finding.hint));
        }
        out
    })?;
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn row(found: &Found) -> Value {
    json!({
        "resource": found.resource,
        "permission": if found.refused.is_some() { "missing" } else { "read" },
        "refused": found.refused,
        "there": found.there,
        "here": found.here,
        "missing": found.there.map(|there| there - found.here),
        "missing_ids": found.missing,
        "newest": found.newest.map(second),
        "unknown_currencies": found.unknown_currencies,
    })
}
