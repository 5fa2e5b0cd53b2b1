//! `netnew customer C`: one customer's attributes, items, movements and the facts behind them.

use super::movements::table;
use crate::cli::CustomerArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::table::Align;
use netnew_report::customer::customer;
use serde_json::Value;
use std::process::ExitCode;

/// Prints one customer.
pub fn run(args: &CustomerArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let report = env.ask(args.read.question().in_own_currency())?;
    let customer = customer(&report, &args.customer)?;
    let value = &customer.value;
    render::object(env, value, || {
        let list = |name: &str| value[name].as_array().map_or(&[] as &[Value], Vec::as_slice);
        let mut out = format!("{}\n", render::text_of(&value["customer"]));
        for (name, value) in value["attributes"].as_object().into_iter().flatten() {
            out.push_str(&format!("  {name}: {}\n", render::text_of(value)));
        }
        let columns = [
            ("subscription", Align::Left),
            ("item", Align::Left),
            ("status", Align::Left),
            ("plan", Align::Left),
            ("mrr", Align::Right),
            ("currency", Align::Left),
            ("since", Align::Left),
        ];
        out.push('\n');
        out.push_str(&render::plain_table(list("items"), &columns));
        out.push('\n');
        out.push_str(&table(&customer.movements));
        if !list("expected").is_empty() {
            let columns = [("date", Align::Left), ("currency", Align::Left), ("amount", Align::Right)];
            out.push_str("\nExpected:\n");
            out.push_str(&render::plain_table(list("expected"), &columns));
        }
        out
    })?;
    Ok(ExitCode::SUCCESS)
}
