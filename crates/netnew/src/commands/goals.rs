//! `netnew goals`: what is to be reached by when, and whether the present pace gets there.

use crate::cli::{GoalsArgs, GoalsCommand, ReadArgs};
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::{Align, Table};
use netnew_access::{Access, AccessError, Who};
use netnew_report::decide::{GoalStanding, goal_from, goals};
use netnew_report::mrr::{envelope, footer};
use netnew_report::page::page;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Lists, sets or removes goals.
pub fn run(args: &GoalsArgs, env: &Environment) -> Result<ExitCode, CliError> {
    match &args.command {
        None | Some(GoalsCommand::List) => list(&args.read, env),
        Some(GoalsCommand::Add { metric, value, by, at_most, currency }) => {
            let currency = currency.clone().or_else(|| args.read.currency.clone());
            let report = env.report(&ReadArgs { currency, ..args.read.clone() })?;
            let goal = goal_from(&report, metric, value, by, *at_most)?;
            let access = Access::open(&report.book).map_err(refused)?;
            let goal = access.set_goal(&Who::console(), &goal, report.as_of).map_err(refused)?;
            let told = goals(&report, std::slice::from_ref(&goal))?;
            let json = told.first().map_or(Value::Null, GoalStanding::to_json);
            let says = told.first().map(|g| g.says.clone()).unwrap_or_default();
            render::object(env, &json, || format!("{} is set. {says}\n", goal.id))?;
            Ok(ExitCode::SUCCESS)
        }
        Some(GoalsCommand::Remove { id }) => {
            let access = Access::open(&env.open_book()?).map_err(refused)?;
            let now = env.now(&netnew_money::Zone::utc())?;
            access.remove_goal(&Who::console(), id, now).map_err(refused)?;
            render::object(env, &json!({"id": id, "removed": true}), || format!("{id} is removed\n"))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What the library refuses ends the command with exit 1.
pub fn refused(error: AccessError) -> CliError {
    CliError::refused(error.code(), error.to_string(), error.hint())
}

fn list(args: &ReadArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let report = env.report(args)?;
    let access = Access::open(&report.book).map_err(refused)?;
    let told = goals(&report, &access.goals().map_err(refused)?)?;
    let values: Vec<Value> = told.iter().map(GoalStanding::to_json).collect();
    let (values, next) = page(values, args.limit, args.cursor.as_deref())?;
    render::rows(env, &envelope(&report), &values, next, || table(&told) + &footer(&report))?;
    Ok(ExitCode::SUCCESS)
}

fn table(told: &[GoalStanding]) -> String {
    if told.is_empty() {
        return "No goals yet. Set one: netnew goals add mrr 10000 --by 2027-12-31\n".into();
    }
    let heads = [
        ("id", Align::Left),
        ("metric", Align::Left),
        ("by", Align::Left),
        ("goal", Align::Right),
        ("now", Align::Right),
        ("at this pace", Align::Right),
        ("so far", Align::Left),
    ];
    let mut table = Table::new(heads.iter().map(|(h, a)| (h.to_string(), *a)).collect());
    for one in told {
        let show = |value: Option<_>| value.map(|v| one.shown(v)).unwrap_or_default();
        let than = if one.goal.at_most { "at most " } else { "" };
        table.row(vec![
            one.goal.id.clone(),
            one.goal.metric.clone(),
            one.goal.by.to_string(),
            format!("{than}{}", one.target()),
            show(one.standing.value),
            show(one.standing.expected),
            one.standing.verdict.as_str().replace('_', " "),
        ]);
    }
    let words: String = told.iter().map(|g| format!("{}: {}\n", g.goal.id, g.says)).collect();
    table.render() + &words
}
