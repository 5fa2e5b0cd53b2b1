//! `netnew policy`: the rules, where they come from, and what changing them changes.

use crate::cli::{PolicyArgs, PolicyCommand, ReadArgs};
use crate::environment::Environment;
use crate::error::CliError;
use crate::render::table::{Align, Table};
use crate::render::{self, say};
use netnew_book::Book;
use netnew_policy::Policy;
use netnew_report::{find_policy, parse_day, set_knob};
use serde_json::{Map, Value, json};
use std::process::ExitCode;

/// Lists, shows, compares or saves policies.
pub fn run(args: &PolicyArgs, env: &Environment) -> Result<ExitCode, CliError> {
    match &args.command {
        PolicyCommand::List => list(env),
        PolicyCommand::Show { name, set } => show(name, set, env),
        PolicyCommand::Compare { a, b, at, currency, known_on } => {
            let read = ReadArgs {
                interval: "month".into(),
                currency: currency.clone(),
                known_on: known_on.clone(),
                ..ReadArgs::default()
            };
            compare(a, b, at.as_deref(), &read, env)
        }
        PolicyCommand::Save { file } => save(file, env),
    }
}

fn some_book(env: &Environment) -> Option<Book> {
    env.book_dir.exists().then(|| env.open_book().ok()).flatten()
}

fn list(env: &Environment) -> Result<ExitCode, CliError> {
    let mut values = Vec::new();
    for name in Policy::names() {
        let policy = Policy::preset(name)?;
        values.push(json!({"name": name, "version": policy.version, "kind": "preset"}));
    }
    if let Some(book) = some_book(env) {
        for name in book.policies()? {
            let policy = find_policy(&name, Some(&book))?;
            values.push(json!({"name": name, "version": policy.version, "kind": "saved"}));
        }
    }
    render::rows(env, &Map::new(), &values, None, || {
        render::plain_table(
            &values,
            &[("name", Align::Left), ("version", Align::Left), ("kind", Align::Left)],
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

fn show(name: &str, set: &[String], env: &Environment) -> Result<ExitCode, CliError> {
    let mut policy = find_policy(name, some_book(env).as_ref())?;
    for change in set {
        set_knob(&mut policy, change)?;
    }
    let rows: Vec<Value> = policy
        .entries()
        .iter()
        .map(|k| {
            json!({
                "knob": k.knob, "value": k.value, "default": k.default, "source": k.source,
                "date": k.date, "found": k.found, "note": k.note,
            })
        })
        .collect();
    for one in policy.inactive() {
        say(&format!(
            "note: {} = {} needs {}, which the book does not hold; {} acts instead",
            one.knob, one.vendor_value, one.needs, one.acting
        ));
    }
    let mut envelope = Map::new();
    envelope.insert("policy".into(), netnew_report::mrr::policy_json(&policy));
    render::rows(env, &envelope, &rows, None, || {
        let mut table = Table::new(
            ["knob", "value", "default", "source"].iter().map(|h| (h.to_string(), Align::Left)).collect(),
        );
        for k in policy.entries() {
            let mark = if k.value == k.default { "" } else { " *" };
            let source = render::shortened(&k.source, 60);
            table.row(vec![k.knob.to_string(), format!("{}{mark}", k.value), k.default.clone(), source]);
        }
        format!("{} {}\n{}* differs from the default\n", policy.name, policy.version, table.render())
    })?;
    Ok(ExitCode::SUCCESS)
}

fn save(file: &std::path::Path, env: &Environment) -> Result<ExitCode, CliError> {
    let book = env.open_book()?;
    let policy = Policy::from_toml(&std::fs::read_to_string(file)?, &file.display().to_string())?;
    book.save_policy(&policy.name, &policy.to_toml())?;
    let value = json!({"saved": policy.name, "version": policy.version});
    render::object(env, &value, || format!("Saved policy {} {}.\n", policy.name, policy.version))?;
    Ok(ExitCode::SUCCESS)
}

fn compare(
    a: &str,
    b: &str,
    at: Option<&str>,
    read: &ReadArgs,
    env: &Environment,
) -> Result<ExitCode, CliError> {
    let mut report = env.report(read)?;
    let (a, b) = (find_policy(a, Some(&report.book))?, find_policy(b, Some(&report.book))?);
    let day = at.map(|text| parse_day("--at", text)).transpose()?;
    let compared = netnew_report::compare::compare(&mut report, &a, &b, day)?;
    let rows: Vec<Value> = compared.rows.iter().map(|row| row.to_json()).collect();
    render::rows(env, &compared.envelope(&report.currency_name()), &rows, None, || {
        let columns = [
            ("knob", Align::Left),
            ("from", Align::Left),
            ("to", Align::Left),
            ("customer", Align::Left),
            ("amount", Align::Right),
        ];
        format!(
            "{} {} → {} {}\n{}difference {}, residual {}\n",
            a.name,
            compared.a_mrr,
            b.name,
            compared.b_mrr,
            render::plain_table(&rows, &columns),
            compared.difference(),
            compared.residual(),
        )
    })?;
    Ok(ExitCode::SUCCESS)
}
