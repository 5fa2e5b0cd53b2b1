//! `netnew forecast`: MRR ahead, with its own error shown.

use crate::cli::ForecastArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::{Align, Table};
use netnew_decide::forecast::{Forecast, Row, reach};
use netnew_decide::words::month;
use netnew_ledger::Kind;
use netnew_money::{Amount, Ratio, Rounding};
use netnew_report::decide::{ForecastQuestions, decimals, forecast, forecast_envelope};
use netnew_report::figures::{change, level, percent};
use netnew_report::mrr::footer;
use serde_json::Value;
use std::process::ExitCode;

/// Prints the forecast.
pub fn run(args: &ForecastArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let amount = |flag: &str, text: &str| {
        Amount::parse(text).map_err(|e| {
            CliError::usage("bad_amount", format!("{flag} {text:?}: {e}"), "write an amount such as 15000")
        })
    };
    let asked = ForecastQuestions {
        reach: args.reach.iter().map(|t| amount("--reach", t)).collect::<Result<_, _>>()?,
        costs: args.costs.as_deref().map(|t| amount("--costs", t)).transpose()?,
        cash: args.cash.as_deref().map(|t| amount("--cash", t)).transpose()?,
    };
    let report = env.report(&args.read)?;
    let told = forecast(&report, usize::from(args.months))?;
    let values: Vec<Value> = told.rows.iter().map(Row::to_json).collect();
    let head = forecast_envelope(&report, &told, &asked);
    let decimals = decimals(&report);
    render::rows(env, &head, &values, None, || {
        table(&told, decimals) + &questions(&told, &asked, decimals) + &footer(&report)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn table(told: &Forecast, decimals: u8) -> String {
    let Some(pace) = &told.pace else {
        return "No complete month yet, so there is no pace to go by.\n".into();
    };
    let heads = [
        ("month", Align::Left),
        ("start", Align::Right),
        ("new", Align::Right),
        ("reactivation", Align::Right),
        ("expansion", Align::Right),
        ("contraction", Align::Right),
        ("churn", Align::Right),
        ("low", Align::Right),
        ("MRR", Align::Right),
        ("high", Align::Right),
        ("agreed", Align::Right),
    ];
    let mut table = Table::new(heads.iter().map(|(h, a)| (h.to_string(), *a)).collect());
    for row in &told.rows {
        let m = &row.month;
        let mut cells = vec![m.first.to_string()[..7].to_string(), level(m.start, decimals)];
        for kind in [Kind::New, Kind::Reactivation, Kind::Expansion, Kind::Contraction, Kind::Churn] {
            cells.push(change(m.movement(kind), decimals));
        }
        cells.push(row.range.map(|(low, _)| level(low, decimals)).unwrap_or_default());
        cells.push(level(m.end, decimals));
        cells.push(row.range.map(|(_, high)| level(high, decimals)).unwrap_or_default());
        cells.push(change(m.agreed.iter().copied().sum(), decimals));
        table.row(cells);
    }
    let share = |millionths: i128| Ratio::new(millionths, 1_000_000).map(percent).unwrap_or_default();
    let mut out = table.render();
    let trend = if told.method.trend { ", and new goes on along its line" } else { "" };
    out.push_str(&format!(
        "The pace of the last {} months goes on{trend}; what is agreed counts within it.\n",
        pace.months
    ));
    match told.errors.iter().filter(|e| [1, 3, 6, 12].contains(&e.ahead)).collect::<Vec<_>>().as_slice() {
        [] => out.push_str("The history is too short to know how far off this is: there is no range yet.\n"),
        errors => {
            out.push_str("How far off it would have been on this book's own past:");
            for e in errors {
                out.push_str(&format!(
                    " {} months ahead {} ({} tries, {} {});",
                    e.ahead,
                    share(e.size),
                    e.tries,
                    share(e.bias.abs()),
                    if e.bias < 0 { "too high" } else { "too low" }
                ));
            }
            out.pop();
            out.push_str(".\n");
        }
    }
    out
}

fn questions(told: &Forecast, asked: &ForecastQuestions, decimals: u8) -> String {
    let mut out = String::new();
    let name = |day: Option<netnew_money::Day>| day.map_or("not within these months".to_string(), month);
    for amount in &asked.reach {
        let at = reach(&told.rows, *amount);
        out.push_str(&format!(
            "{} is reached: {} (earliest {}, latest {}).\n",
            level(*amount, decimals),
            name(at.expected),
            name(at.earliest),
            name(at.latest)
        ));
    }
    if let Some(costs) = asked.costs {
        let cash = asked.cash.unwrap_or_default();
        let run = netnew_decide::forecast::runway(&told.rows, costs, cash);
        out.push_str(&format!(
            "Costs of {} a month are covered: {}. ",
            level(costs.round_to(decimals, Rounding::HalfEven), decimals),
            name(run.profitable)
        ));
        out.push_str(&match run.empty {
            Some(day) => format!("Cash of {} is used up in {}.\n", level(cash, decimals), month(day)),
            None => format!("Cash never falls below {}.\n", level(run.least, decimals)),
        });
    }
    out
}
