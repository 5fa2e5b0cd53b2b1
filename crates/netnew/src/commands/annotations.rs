//! `netnew annotations`: what happened on which day, for the charts and reports.

use crate::cli::{AnnotationsArgs, AnnotationsCommand};
use crate::commands::goals::refused;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::Align;
use netnew_access::{Access, Annotation, Who};
use netnew_money::{Day, Zone};
use serde_json::{Map, Value, json};
use std::process::ExitCode;

/// Lists, adds or removes annotations.
pub fn run(args: &AnnotationsArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let access = Access::open(&env.open_book()?).map_err(refused)?;
    let now = env.now(&Zone::utc())?;
    match &args.command {
        None | Some(AnnotationsCommand::List) => {
            let all = access.annotations().map_err(refused)?;
            let values: Vec<Value> = all.iter().map(Annotation::to_json).collect();
            render::rows(env, &Map::new(), &values, None, || match values.is_empty() {
                true => {
                    "No annotations yet. Add one: netnew annotations add 2026-11-02 \"Price change\"\n".into()
                }
                false => {
                    let columns = ["id", "date", "text", "by"].map(|name| (name, Align::Left));
                    render::plain_table(&values, &columns)
                }
            })?;
        }
        Some(AnnotationsCommand::Add { date, text }) => {
            let date = Day::parse(date)
                .map_err(|e| CliError::usage("bad_date", e.to_string(), "write a day like 2026-11-02"))?;
            let added = access.annotate(&Who::console(), date, text, now).map_err(refused)?;
            render::object(env, &added.to_json(), || format!("{} is on the charts\n", added.id))?;
        }
        Some(AnnotationsCommand::Remove { id }) => {
            access.remove_annotation(&Who::console(), id, now).map_err(refused)?;
            render::object(env, &json!({"id": id, "removed": true}), || format!("{id} is removed\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
