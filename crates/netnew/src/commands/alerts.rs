//! `netnew alerts`: what somebody should be told.

use crate::cli::{AlertsArgs, AlertsCommand};
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::{Align, Table};
use netnew_decide::alerts::{Alert, Rule};
use netnew_report::decide::{add_rule, alerts, remove_rule, rules};
use netnew_report::mrr::{envelope, footer};
use netnew_report::page::page;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::process::ExitCode;

/// Alerts shown in the table; all are in `--format json`.
const SHOWN: usize = 40;

/// Prints alerts, or with a bare `--rules` the rules in force.
pub fn run(args: &AlertsArgs, env: &Environment) -> Result<ExitCode, CliError> {
    match &args.command {
        None => {}
        Some(AlertsCommand::Rules) => return list(&rules(&env.report(&args.read)?, None)?, env),
        Some(AlertsCommand::Remove { name }) => {
            remove_rule(&env.open_book()?, name)?;
            let value = json!({"name": name, "removed": true});
            render::object(env, &value, || format!("The rule {name} is gone.\n"))?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(add @ AlertsCommand::Add { .. }) => {
            let rule = add_rule(&env.open_book()?, &rule_text(add)?)?;
            render::object(env, &rule.to_json(), || {
                format!("The rule {} is in force. Next: netnew alerts\n", rule.name)
            })?;
            return Ok(ExitCode::SUCCESS);
        }
    }
    let report = env.report(&args.read)?;
    if args.rules.as_deref() == Some("") {
        return list(&rules(&report, None)?, env);
    }
    let told = alerts(&report, args.rules.as_deref().map(Path::new))?;
    let values: Vec<Value> = told.rows.iter().map(Alert::to_json).collect();
    let (values, next) = page(values, args.read.limit, args.read.cursor.as_deref())?;
    let mut head = envelope(&report);
    head.insert("rules".into(), told.rules.iter().map(Rule::to_json).collect());
    render::rows(env, &head, &values, next, || table(&told.rows) + &footer(&report))?;
    Ok(ExitCode::SUCCESS)
}

/// The flags as the text of a rule.
fn rule_text(add: &AlertsCommand) -> Result<String, CliError> {
    let AlertsCommand::Add {
        name,
        customer_drop,
        least,
        within,
        metric,
        filter,
        interval,
        above,
        below,
        rises_by,
        falls_by,
    } = add
    else {
        return Ok(String::new());
    };
    netnew_notify::checked_name(name)?;
    let within = within.map(i64::from);
    let mut table = toml::Table::new();
    let mut put = |key: &str, value: &Option<String>| {
        if let Some(value) = value {
            table.insert(key.into(), toml::Value::String(value.clone()));
        }
    };
    put("name", &Some(name.clone()));
    for (key, value) in [
        ("customer_drop", customer_drop),
        ("least", least),
        ("metric", metric),
        ("where", filter),
        ("interval", interval),
        ("above", above),
        ("below", below),
        ("rises_by", rises_by),
        ("falls_by", falls_by),
    ] {
        put(key, value);
    }
    if let Some(within) = within {
        table.insert("within".into(), toml::Value::Integer(within));
    }
    let rule =
        toml::Table::from_iter([("rule".to_string(), toml::Value::Array(vec![toml::Value::Table(table)]))]);
    toml::to_string(&rule)
        .map_err(|e| CliError::usage("bad_rules", e.to_string(), "netnew alerts add --help"))
}

fn list(rules: &[Rule], env: &Environment) -> Result<ExitCode, CliError> {
    let values: Vec<Value> = rules.iter().map(Rule::to_json).collect();
    render::rows(env, &Map::from_iter([("list".to_string(), json!("rules"))]), &values, None, || {
        let columns = ["name", "watch", "more_than", "within_days", "metric", "where", "interval", "test"];
        let columns: Vec<(&str, Align)> = columns.into_iter().map(|c| (c, Align::Left)).collect();
        render::plain_table(&values, &columns)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn table(rows: &[Alert]) -> String {
    if rows.is_empty() {
        return "Nothing to tell: no rule fired in this range.\n".into();
    }
    let heads = [("date", Align::Left), ("rule", Align::Left), ("what", Align::Left), ("id", Align::Left)];
    let mut table = Table::new(heads.iter().map(|(h, a)| (h.to_string(), *a)).collect());
    for alert in rows.iter().take(SHOWN) {
        table.row(vec![
            alert.date.to_string(),
            alert.rule.clone(),
            alert.says.clone(),
            alert.id[..12].into(),
        ]);
    }
    let more = match rows.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!("{n} older ones: --from and --to choose a range, --format json shows all.\n"),
    };
    table.render() + &more
}
