//! `netnew bench`: how long things take, measured inside one process, as JSON for `bench/run.py`.

mod fact;

use crate::cli::{BenchArgs, BenchCommand, ReadArgs};
use crate::environment::{Environment, Stopwatch};
use crate::error::CliError;
use netnew_bench::{Dice, Shape};
use netnew_ledger::Kind;
use netnew_metrics::{Extras, Measure};
use netnew_money::Amount;
use netnew_policy::Policy;
use netnew_report::cohorts::cohorts;
use netnew_report::{Question, Report, View, customers, movements, resident};
use netnew_resident::{ByPair, Cut, DayCell, Days, Extent, Movements, Rules, pass_in_order, rollup};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

/// Measures.
pub fn run(args: &BenchArgs, env: &Environment) -> Result<ExitCode, CliError> {
    match &args.command {
        BenchCommand::Make { shape, customers, seed, out } => make(shape, *customers, *seed, out),
        BenchCommand::Rebuild { runs, seed } => rebuild(*runs, *seed, env),
        BenchCommand::Reads { runs, seed } => reads(*runs, *seed, env),
        BenchCommand::Fact { runs, seed } => fact::run(*runs, *seed, env),
    }
}

/// A server's reads of a view in memory: each question under policies nobody has asked for, then again.
fn reads(runs: u32, seed: u64, env: &Environment) -> Result<ExitCode, CliError> {
    let book = std::sync::Arc::new(env.open_book()?);
    let view = View::new(book)?;
    let questions: [(&str, Option<&str>, Option<&str>); 7] = [
        ("mrr", None, None),
        ("mrr by country", Some("country"), None),
        ("mrr where country=DE", None, Some("country=DE")),
        ("mrr by channel and tier", Some("channel,attr:tier"), None),
        ("mrr by plan", Some("plan"), None),
        ("mrr by layer", Some("layer"), None),
        ("mrr by country where plan=Pro", Some("country"), Some("plan=Pro")),
    ];
    let mut times: BTreeMap<String, Vec<serde_json::Number>> = BTreeMap::new();
    let mut policies = Policies(seed);
    for run in 0..=runs {
        let policy = policies.draw()?;
        let set: Vec<String> = policy.changed.iter().map(|(knob, value)| format!("{knob}={value}")).collect();
        let ask = |by: Option<&str>, filter: Option<&str>| {
            let (by, filter) = (by.map(str::to_string), filter.map(str::to_string));
            let question = Question { set: set.clone(), by, filter, ..Question::default() };
            Report::of(&question, &view, &env.time())
        };
        let mut time = |name: String, work: &dyn Fn() -> Result<(), CliError>| {
            let watch = Stopwatch::start();
            work()?;
            // The first run brings the book into memory.
            if run > 0 {
                times.entry(name).or_default().push(watch.millis());
            }
            Ok::<_, CliError>(())
        };
        for again in ["", ", again"] {
            for (name, by, filter) in questions {
                let report = ask(by, filter)?;
                let query = report.query()?;
                time(format!("{name}{again}"), &|| report.rows(&query, Extras::default()).map(drop))?;
            }
            let report = ask(None, None)?;
            let query = report.query()?;
            let all = Extras { retention: true, committed: true };
            time(format!("metrics{again}"), &|| report.rows(&query, all).map(drop))?;
            time(format!("cohorts{again}"), &|| cohorts(&report, Measure::Nrr).map(drop))?;
            let page = (0, Some(50));
            time(format!("customers page{again}"), &|| customers::page(&report, None, page).map(drop))?;
            let found = Some("company 12");
            time(format!("customers search{again}"), &|| customers::page(&report, found, page).map(drop))?;
            time(format!("movements page{again}"), &|| {
                movements::page(&report, &query, None, None, true, page).map(drop)
            })?;
        }
    }
    println!("{}", json!({"runs": runs, "ms": times}));
    Ok(ExitCode::SUCCESS)
}

fn make(shape: &str, customers: u32, seed: u64, out: &Path) -> Result<ExitCode, CliError> {
    let kind = match shape {
        "plain" => Shape::Plain,
        "hard" => Shape::Hard,
        _ => {
            let message = format!("unknown data set {shape:?}");
            return Err(CliError::usage("unknown_data_set", message, "use plain or hard"));
        }
    };
    std::fs::create_dir_all(out)?;
    let rows = netnew_bench::rows(customers, seed, kind);
    let file = out.join(format!("{shape}.parquet"));
    netnew_bench::states(&rows, seed, kind, std::fs::File::create(&file)?)
        .map_err(|e| CliError::refused("cannot_write", e.to_string(), "is there room on the disk?"))?;
    if kind == Shape::Hard {
        let rates = out.join(format!("{shape}-rates.csv"));
        netnew_bench::rates(seed, std::io::BufWriter::new(std::fs::File::create(rates)?))?;
    }
    println!("{}", json!({"file": file.display().to_string(), "rows": rows.len()}));
    Ok(ExitCode::SUCCESS)
}

/// Rebuilds the ledger of a book under policies it has never seen: rollups by day, then every movement.
fn rebuild(runs: u32, seed: u64, env: &Environment) -> Result<ExitCode, CliError> {
    let args = ReadArgs { interval: "month".into(), ..ReadArgs::default() };
    let mut report = env.report(&args)?;
    let watch = Stopwatch::start();
    let image = resident::load(&report.book, &report.snapshot, Extent::All)?;
    let load_ms = watch.millis();
    let watch = Stopwatch::start();
    let cut = Cut::new(&image, &report.zone).ok_or_else(|| {
        CliError::refused("too_long", "the book spans more than 179 years", "check its dates")
    })?;
    let by_pair = ByPair::new(&image, &cut);
    let order_ms = watch.millis();
    let watch = Stopwatch::start();
    let bare = image.checksum();
    let floor_ms = watch.millis();
    let mut policies = Policies(seed);
    let mut rows: Vec<Value> = Vec::new();
    for _ in 0..runs {
        report.frame.policy = policies.draw()?;
        let query = report.query()?;
        let ctx = report.context(&query, false);
        let watch = Stopwatch::start();
        let rules = Rules::with_cut(&image, &ctx, Some(&cut));
        let rules_ms = watch.millis();
        let days = rollup(&image, &rules, &ctx, &cut, Some(&by_pair), query.to, query.with_expected)?;
        let rollups_ms = watch.millis();
        let (cells, heads) = (days.cells(), heads(&days));
        drop(days);
        let months = months(&rules, &cells);
        drop(rules);
        let watch = Stopwatch::start();
        let again = Rules::with_cut(&image, &ctx, Some(&cut));
        let parts = pass_in_order(&image, &again, &ctx, Some(&cut), |about| {
            Movements::new(&again, about * 3 / 2, query.with_expected)
        })?;
        let parts: Vec<Movements> = parts.into_iter().map(Movements::finish).collect();
        let movements_ms = watch.millis();
        let movements: usize = parts.iter().map(|p| p.rows.len()).sum();
        let rows_in_cells: u64 = cells.iter().map(|cell| cell.rows).sum();
        if rows_in_cells != movements as u64 {
            let message = format!("{rows_in_cells} rows by day, {movements} movements");
            return Err(CliError::refused("paths_differ", message, "this is a bug: please report it"));
        }
        rows.push(json!({
            "rules_ms": rules_ms,
            "policy": report.policy.changed.iter().cloned().collect::<BTreeMap<_, _>>(),
            "rollups_ms": rollups_ms,
            "movements_ms": movements_ms,
            "movements": movements,
            "cells": cells.len(),
            "months": months,
            "heads": heads,
        }));
    }
    let out = json!({
        "customers": image.len(),
        "states": image.rows(),
        "load_ms": load_ms,
        "order_ms": order_ms,
        "floor_ms": floor_ms,
        "checksum": bare.to_string(),
        "runs": rows,
    });
    println!("{out}");
    Ok(ExitCode::SUCCESS)
}

/// Sums per month, currency and kind; transfers sum to nothing and are left out.
fn months(rules: &Rules, cells: &[DayCell]) -> BTreeMap<String, String> {
    let mut sums: BTreeMap<(String, &str, &str), Amount> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| cell.topic.kind != Kind::Transfer) {
        let month = cell.day.to_string()[..7].to_string();
        let currency = rules.currencies[usize::from(cell.topic.currency)].as_str();
        *sums.entry((month, currency, cell.topic.kind.as_str())).or_default() += cell.sum;
    }
    sums.into_iter()
        .map(|((month, currency, kind), sum)| (format!("{month} {currency} {kind}"), sum.to_string()))
        .collect()
}

/// Customers who came and went per month.
fn heads(days: &Days) -> BTreeMap<String, u64> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (day, heads) in days.heads() {
        let month = day.to_string()[..7].to_string();
        let kinds = [("new", heads.new), ("reactivation", heads.reactivated), ("churn", heads.churned)];
        for (kind, count) in kinds.into_iter().filter(|(_, count)| *count > 0) {
            *counts.entry(format!("{month} {kind}")).or_default() += u64::from(count);
        }
    }
    counts
}

/// Policies nobody has seen before, of the knobs that a baseline in SQL can follow too.
struct Policies(u64);

impl Policies {
    fn draw(&mut self) -> Result<Policy, CliError> {
        let mut dice = Dice::new(self.0, 0);
        self.0 = dice.next();
        let mut policy = Policy::preset("default")?;
        policy.set("reactivation.window", &(30 + dice.below(1_000)).to_string())?;
        let knobs: [(&str, &[&str]); 4] = [
            ("interval.week", &["52/12", "4.33", "4", "30/7", "30.4375/7"]),
            ("interval.day", &["365/12", "30", "30.4375"]),
            ("transfer.residual", &["origin", "destination"]),
            ("statuses.counted", &["active,past_due", "active"]),
        ];
        for (knob, values) in knobs {
            policy.set(knob, values[dice.below(values.len() as u64) as usize])?;
        }
        Ok(policy)
    }
}
