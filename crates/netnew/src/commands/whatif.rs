//! `netnew whatif`: each lever by itself over the next twelve months.

use crate::cli::WhatifArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::{Align, Table};
use netnew_decide::whatif::{Assumptions, By, Scenario, read_by, yield_of};
use netnew_money::Ratio;
use netnew_report::decide::{decimals, whatif};
use netnew_report::figures::{change, level};
use netnew_report::mrr::{envelope, footer};
use serde_json::Value;
use std::process::ExitCode;

/// Prints the levers, compared.
pub fn run(args: &WhatifArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let assume = assumptions(args)?;
    let report = env.report(&args.read)?;
    let tried = whatif(&report, &assume)?;
    let values: Vec<Value> = tried.iter().map(Scenario::to_json).collect();
    let mut head = envelope(&report);
    head.insert("assumptions".into(), assume.to_json());
    let decimals = decimals(&report);
    render::rows(env, &head, &values, None, || table(&tried, decimals) + &footer(&report))?;
    Ok(ExitCode::SUCCESS)
}

/// The flags over the defaults.
fn assumptions(args: &WhatifArgs) -> Result<Assumptions, CliError> {
    let mut assume = Assumptions::default();
    let bad = |flag: &str, what: String| {
        CliError::usage(
            "bad_assumption",
            format!("{flag}: {what}"),
            "write 20% for a share, 200 for an amount a month",
        )
    };
    let by = |flag: &str, text: &Option<String>, usual: By| match text {
        None => Ok(usual),
        Some(text) => read_by(text, true).map_err(|what| bad(flag, what)),
    };
    let share =
        |flag: &str, text: &Option<String>, usual: Ratio| match text.as_deref().map(|t| read_by(t, false)) {
            None => Ok(usual),
            Some(Ok(By::Share(share))) => Ok(share),
            Some(Ok(By::Amount(_))) => Err(bad(flag, "a share is meant".into())),
            Some(Err(what)) => Err(bad(flag, what)),
        };
    assume.churn = by("--churn", &args.churn, assume.churn)?;
    assume.new = by("--new", &args.new, assume.new)?;
    assume.price = share("--price", &args.price, assume.price)?;
    if args.price_brings.is_some() {
        let brings = share("--price-brings", &args.price_brings, Ratio::ZERO)?;
        assume.price_yield = yield_of(assume.price, brings)
            .ok_or_else(|| bad("--price-brings", "no price rise to bring it".into()))?;
    }
    assume.annual = share("--annual", &args.annual, assume.annual)?;
    assume.annual_discount = share("--annual-discount", &args.annual_discount, assume.annual_discount)?;
    assume.expansion = share("--expansion", &args.expansion, assume.expansion)?;
    for (flag, value) in [("--annual", assume.annual), ("--annual-discount", assume.annual_discount)] {
        if value > Ratio::ONE {
            return Err(bad(flag, "more than all".into()));
        }
    }
    if let By::Share(share) = assume.churn
        && share > Ratio::ONE
    {
        return Err(bad("--churn", "more than all".into()));
    }
    Ok(assume)
}

fn table(tried: &[Scenario], decimals: u8) -> String {
    let Some(base) = tried.first() else {
        return "No complete month yet. Import a file: netnew import FILE\n".into();
    };
    let heads = [
        ("lever", Align::Left),
        ("MRR after 3 months", Align::Right),
        ("after 6", Align::Right),
        ("after 12", Align::Right),
        ("12 months together", Align::Right),
        ("assumed", Align::Left),
    ];
    let mut table = Table::new(heads.iter().map(|(h, a)| (h.to_string(), *a)).collect());
    let at = |month: usize| level(base.rows[month - 1].end, decimals);
    table.row(vec!["as is".into(), at(3), at(6), at(12), String::new(), base.assumes.clone()]);
    table.rule();
    for s in &tried[1..] {
        table.row(vec![
            s.lever.to_string(),
            change(s.gains[0], decimals),
            change(s.gains[1], decimals),
            change(s.gains[2], decimals),
            change(s.sum, decimals),
            s.assumes.clone(),
        ]);
    }
    format!(
        "{}Each lever by itself, against as is. An assumption is a flag: netnew whatif --churn 200 --price 15%\nPrice: {}.\n",
        table.render(),
        netnew_decide::whatif::PRICE_SOURCE
    )
}
