//! `netnew policy`: the rules, where they come from, and what changing them changes.

use crate::cli::{PolicyArgs, PolicyCommand, ReadArgs};
use crate::environment::{Environment, parse_day};
use crate::error::CliError;
use crate::render::table::{Align, Table};
use crate::render::{self, say};
use crate::report::{Report, find_policy, set_knob};
use netnew_book::Book;
use netnew_facts::Text;
use netnew_ledger::Context;
use netnew_metrics::{Converter, RollupError, end_of_day};
use netnew_money::{Amount, Day};
use netnew_policy::Policy;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
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
    envelope.insert("policy".into(), super::mrr::policy_json(&policy));
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

/// MRR per customer at the end of a day, in the report's currency, item level by item level.
type Levels = BTreeMap<Text, Amount>;

/// Switches knobs one at a time in schema order; each step's difference belongs to that knob and customer, so
/// that nothing is left over.
fn compare(
    a: &str,
    b: &str,
    at: Option<&str>,
    read: &ReadArgs,
    env: &Environment,
) -> Result<ExitCode, CliError> {
    let mut report = Report::open(read, env)?;
    let (a, b) = (find_policy(a, Some(&report.book))?, find_policy(b, Some(&report.book))?);
    let day = match at {
        Some(text) => parse_day("--at", text)?,
        None => report.today(),
    };
    let first = levels(&mut report, &a, day)?;
    let last = levels(&mut report, &b, day)?;
    let mut rows: Vec<Value> = Vec::new();
    let mut explained = Amount::ZERO;
    let mut current = a.clone();
    let mut before = first.clone();
    for change in Policy::differences(&a, &b) {
        current.switch(change.knob, &b);
        let after = levels(&mut report, &current, day)?;
        for (customer, amount) in difference(&before, &after) {
            explained += amount;
            rows.push(json!({
                "knob": change.knob, "from": change.from, "to": change.to,
                "customer": &*customer, "amount": amount.to_string(),
            }));
        }
        before = after;
    }
    let total = |levels: &Levels| levels.values().copied().sum::<Amount>();
    let difference = total(&last) - total(&first);
    let residual = difference - explained;
    let mut envelope = Map::new();
    envelope.insert("at".into(), json!(day.to_string()));
    envelope.insert("a".into(), json!(a.name));
    envelope.insert("b".into(), json!(b.name));
    envelope.insert("currency".into(), json!(report.currency_name()));
    envelope.insert("a_mrr".into(), json!(total(&first).to_string()));
    envelope.insert("b_mrr".into(), json!(total(&last).to_string()));
    envelope.insert("difference".into(), json!(difference.to_string()));
    envelope.insert("residual".into(), json!(residual.to_string()));
    render::rows(env, &envelope, &rows, None, || {
        let columns = [
            ("knob", Align::Left),
            ("from", Align::Left),
            ("to", Align::Left),
            ("customer", Align::Left),
            ("amount", Align::Right),
        ];
        format!(
            "{} {} → {} {}\n{}difference {difference}, residual {residual}\n",
            a.name,
            total(&first),
            b.name,
            total(&last),
            render::plain_table(&rows, &columns)
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

fn levels(report: &mut Report, policy: &Policy, day: Day) -> Result<Levels, CliError> {
    report.policy = policy.clone();
    let query = report.query_over(day, day);
    let mut ctx: Context = report.context(&query, false);
    // A level at a past day's end must not know what only happened later that day or after.
    ctx.horizon =
        end_of_day(day, &report.zone).min(if query.with_expected { ctx.horizon } else { report.as_of });
    let converter = || Converter::new(&ctx, &query);
    let parts = report.fold(
        &ctx,
        || Ok::<_, CliError>((Levels::new(), converter())),
        |(levels, converter), _, ledger| {
            let mut sum = Amount::ZERO;
            for phases in &ledger.phases {
                let Some(phase) = phases.last() else { continue };
                let Some(state) = ledger.state(phase) else { continue };
                sum +=
                    converter.movement(phase.level.mrr, state.currency, day).map_err(|e: RollupError| e)?;
            }
            if !sum.is_zero() {
                levels.insert(ledger.customer.clone(), sum);
            }
            Ok(())
        },
    )?;
    Ok(parts.into_iter().flat_map(|(levels, _)| levels).collect())
}

fn difference(before: &Levels, after: &Levels) -> Levels {
    let mut out = Levels::new();
    for (customer, amount) in after {
        *out.entry(customer.clone()).or_default() += *amount;
    }
    for (customer, amount) in before {
        *out.entry(customer.clone()).or_default() -= *amount;
    }
    out.retain(|_, amount| !amount.is_zero());
    out
}
