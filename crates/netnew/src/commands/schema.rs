//! `netnew schema`: the JSON Schema of each command's output. The files are committed and outputs are tested
//! against them.

use crate::cli::SchemaArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::Align;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

macro_rules! schemas {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../schemas/", $name, ".json")))),*]
    };
}

/// Command and schema.
const SCHEMAS: &[(&str, &str)] = schemas![
    "alerts",
    "alerts-add",
    "alerts-remove",
    "alerts-rules",
    "annotations",
    "annotations-add",
    "annotations-remove",
    "backup",
    "benchmarks",
    "check",
    "cohorts",
    "customer",
    "customers",
    "demo",
    "diagnose",
    "error",
    "explain",
    "export",
    "forecast",
    "goals",
    "goals-add",
    "goals-remove",
    "import",
    "init",
    "keys-list",
    "keys-revoke",
    "metrics",
    "milestones",
    "movements",
    "mrr",
    "notify-address",
    "notify-channels-add",
    "notify-channels-list",
    "notify-channels-remove",
    "notify-channels-test",
    "notify-log",
    "notify-quiet",
    "notify-run",
    "notify-schedules-add",
    "notify-schedules-list",
    "notify-schedules-remove",
    "policy-compare",
    "policy-list",
    "policy-show",
    "report",
    "restore",
    "sources-add",
    "sources-check",
    "sources-list",
    "sql",
    "sync",
    "whatif",
];

/// Prints one schema, or their names.
pub fn run(args: &SchemaArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let Some(command) = &args.command else {
        let values: Vec<Value> = SCHEMAS.iter().map(|(name, _)| json!({"command": name})).collect();
        render::rows(env, &Map::new(), &values, None, || {
            render::plain_table(&values, &[("command", Align::Left)])
        })?;
        return Ok(ExitCode::SUCCESS);
    };
    let wanted = command.trim().replace(' ', "-");
    let wanted = if wanted == "policy" { "policy-show".to_string() } else { wanted };
    let wanted = if wanted == "keys" { "keys-list".to_string() } else { wanted };
    let wanted = if wanted == "notify" { "notify-log".to_string() } else { wanted };
    let Some((_, text)) = SCHEMAS.iter().find(|(name, _)| *name == wanted) else {
        let names: Vec<&str> = SCHEMAS.iter().map(|(name, _)| *name).collect();
        return Err(CliError::usage(
            "unknown_command",
            format!("no schema for {command:?}"),
            format!("there are {}", names.join(", ")),
        ));
    };
    render::stdout(|out| out.write_all(text.as_bytes()))?;
    Ok(ExitCode::SUCCESS)
}
