//! `netnew bench`: how long things take, measured inside one process, as JSON for `bench/run.py`.

use crate::cli::{BenchArgs, BenchCommand, ReadArgs};
use crate::environment::{Environment, Stopwatch};
use crate::error::CliError;
use crate::report::Report;
use crate::resident;
use netnew_bench::Shape;
use netnew_policy::Policy;
use netnew_resident::{ByPair, Cut, Extent, Movements, Rules, pass_in_order, rollup};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

/// Measures.
pub fn run(args: &BenchArgs, env: &Environment) -> Result<ExitCode, CliError> {
    match &args.command {
        BenchCommand::Make { shape, customers, seed, out } => make(shape, *customers, *seed, out),
        BenchCommand::Rebuild { runs, seed } => rebuild(*runs, *seed, env),
    }
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

fn rebuild(runs: u32, seed: u64, env: &Environment) -> Result<ExitCode, CliError> {
    let args = ReadArgs { interval: "month".into(), ..ReadArgs::default() };
    let mut report = Report::open(&args, env)?;
    let loading = Stopwatch::start();
    let image = resident::load(&report.book, &report.snapshot, Extent::All)?;
    let load_ms = loading.millis();
    let watch = Stopwatch::start();
    let cut = Cut::new(&image, &report.zone).ok_or_else(|| {
        CliError::refused("too_long", "the book spans more than 179 years", "check its dates")
    })?;
    let by_pair = ByPair::new(&image);
    let cut_ms = watch.millis();
    let mut policies = Policies(seed);
    let mut rows: Vec<Value> = Vec::new();
    for _ in 0..runs {
        report.frame.policy = policies.draw()?;
        let query = report.query()?;
        let ctx = report.context(&query, false);
        let watch = Stopwatch::start();
        let rules = Rules::new(&image, &ctx);
        eprintln!("rules {}", watch.millis());
        let days = rollup(&image, &rules, &ctx, &cut, Some(&by_pair), query.to, query.with_expected)?;
        let rollups_ms = watch.millis();
        let watch = Stopwatch::start();
        let rules = Rules::new(&image, &ctx);
        let parts = pass_in_order(&image, &rules, &ctx, Some(&cut), |about| {
            Movements::new(&image, &rules, about * 3 / 2)
        })?;
        let parts: Vec<Movements> = parts.into_iter().map(Movements::finish).collect();
        let movements_ms = watch.millis();
        let movements: usize = parts.iter().map(|p| p.rows.len()).sum();
        let cells = days.cells();
        rows.push(json!({
            "policy": report.policy.changed,
            "rollups_ms": rollups_ms,
            "movements_ms": movements_ms,
            "movements": movements,
            "cells": cells.len(),
        }));
    }
    let out = json!({
        "customers": image.len(),
        "states": image.rows(),
        "load_ms": load_ms,
        "cut_ms": cut_ms,
        "runs": rows,
    });
    println!("{out}");
    Ok(ExitCode::SUCCESS)
}

/// Policies nobody has seen before: drawn from the knobs that matter to item states.
struct Policies(u64);

impl Policies {
    /// SplitMix64, by Steele, Lea and Flood (2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn draw(&mut self) -> Result<Policy, CliError> {
        let mut policy = Policy::preset("default")?;
        let days = 30 + self.next() % 3_000;
        policy.set("reactivation.window", &days.to_string())?;
        let knobs: [(&str, &[&str]); 5] = [
            ("interval.week", &["52/12", "4.33", "4", "30/7", "30.4375/7"]),
            ("interval.day", &["365/12", "30", "30.4375"]),
            ("netting", &["event", "window", "day"]),
            ("transfer.residual", &["origin", "destination"]),
            ("statuses.counted", &["active,past_due", "active", "active,past_due,trialing"]),
        ];
        for (knob, values) in knobs {
            policy.set(knob, values[self.next() as usize % values.len()])?;
        }
        Ok(policy)
    }
}
