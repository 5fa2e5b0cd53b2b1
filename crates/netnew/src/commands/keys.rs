//! `netnew keys`: API keys, for programs.

use crate::cli::{KeysArgs, KeysCommand};
use crate::environment::Environment;
use crate::error::CliError;
use crate::render::table::Align;
use crate::render::{self, say};
use netnew_access::{Access, AccessError, Scope, Who};
use netnew_money::{Instant, Zone};
use serde_json::{Map, Value, json};
use std::process::ExitCode;

/// Makes, lists or revokes keys.
pub fn run(args: &KeysArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let access = Access::open(&env.open_book()?).map_err(refused)?;
    let now = env.now(&Zone::utc())?;
    match &args.command {
        KeysCommand::Create { name, scope } => create(&access, name, scope, now),
        KeysCommand::List => list(&access, env),
        KeysCommand::Revoke { name } => {
            access.revoke_key(&Who::console(), name, now).map_err(refused)?;
            let value = json!({"name": name.trim(), "revoked": true});
            render::object(env, &value, || format!("{} is revoked\n", name.trim()))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What the library refuses ends the command with exit 1.
fn refused(error: AccessError) -> CliError {
    CliError::refused(error.code(), error.to_string(), error.hint())
}

/// The key is alone on stdout whatever the format, so that a script can take it from there.
fn create(access: &Access, name: &str, scope: &str, now: Instant) -> Result<ExitCode, CliError> {
    let Some(scope) = Scope::parse(scope) else {
        return Err(CliError::usage(
            "bad_scope",
            format!("unknown scope {scope:?}"),
            "use read, write or admin",
        ));
    };
    let key = access.create_key(&Who::console(), name, scope, now).map_err(refused)?;
    say(&format!("key {} with scope {scope}; it is shown this once and cannot be had again", name.trim()));
    render::stdout(|out| writeln!(out, "{}", key.reveal()))?;
    Ok(ExitCode::SUCCESS)
}

fn list(access: &Access, env: &Environment) -> Result<ExitCode, CliError> {
    let keys = access.keys(&Who::console()).map_err(refused)?;
    let values: Vec<Value> = keys
        .iter()
        .map(|key| {
            json!({
                "name": key.name, "scope": key.scope.as_str(), "prefix": key.prefix,
                "created_at": key.created_at.to_string(),
                "last_used_at": key.last_used_at.map(|at| at.to_string()),
            })
        })
        .collect();
    render::rows(env, &Map::new(), &values, None, || {
        let columns =
            ["name", "scope", "prefix", "created_at", "last_used_at"].map(|name| (name, Align::Left));
        render::plain_table(&values, &columns)
    })?;
    Ok(ExitCode::SUCCESS)
}
