//! The registry as Markdown: one entry, and the whole reference.

use super::sample::NO_CASH;
use super::{CashSample, Example, KeptSample, Metric, Sample, Section, all, default_names};
use crate::rollup::{Heads, Window};
use netnew_policy::schema;
use std::fmt::Write;

/// The reference of all metrics: what `docs/metrics.md` holds.
pub fn reference_markdown() -> String {
    let mut out = String::from(INTRODUCTION);
    out.push_str("\n| name | unit | what it is |\n|---|---|---|\n");
    for metric in all() {
        let shown = if default_names().contains(&metric.name) { "**" } else { "" };
        writeln!(
            out,
            "| {shown}[`{name}`](#{name}){shown} | {} | {} |",
            metric.unit.as_str(),
            metric.definition,
            name = metric.name
        )
        .expect("writing to a string does not fail");
    }
    for section in Section::ALL {
        write!(out, "\n## {}\n", section.title()).expect("writing to a string does not fail");
        for metric in all().iter().filter(|m| m.section == section) {
            out.push('\n');
            out.push_str(&describe(metric));
        }
    }
    out
}

const INTRODUCTION: &str = "\
# Metrics

Made from the registry in `crates/netnew-metrics/src/registry.rs`; do not edit by hand, run its tests with
`NETNEW_BLESS=1`. `netnew metrics describe NAME` prints one entry, `netnew metrics list` the names. Every worked
example is run as a test.

- A metric is a figure over one row of `netnew mrr`: one period, one group. Losses are negative in money and counts of
  losses are positive, as in the waterfall; in formulas of rates losses are taken as positive.
- A rate over nothing has no value: it is null, never 0. A base below 0 (credits that outweigh the rest) counts as
  nothing too.
- The window of a rate is the period of the report. Where a tool publishes a rate over 30 days, the same formula is
  taken over the period, and says so: with `--interval month` that is the calendar month, not 30 days.
- Rates, money per customer and lengths of time are worked out from exact fractions and rounded once, half-even, to
  ten decimals.
- A knob of the policy may select another formula. The one in force is printed with the policy's changed knobs.
- In a report by group, a customer who moves from one group to another is neither churn nor new: the MRR is `transfer`
  and the head counts as entered and left.
- Names in bold are shown when none is asked for.
- The query under an entry gives the same numbers by `netnew sql`, for the same flags; [sql.md](sql.md) describes the
  tables. A test runs every one of them against the figures of `netnew metrics`.
";

/// One entry.
pub(super) fn describe(metric: &Metric) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(format!("### {}\n", metric.name));
    line(format!("**{}** ({}). {}\n", metric.title, metric.unit.as_str(), metric.definition));
    line(format!("- Formula: {}.", metric.formula));
    let when = if metric.null_when.starts_with("never") { "" } else { "when " };
    line(format!("- Null: {when}{}.", metric.null_when));
    line(format!("- Source: {}.", metric.source));
    if let Some(choice) = &metric.choice {
        let own: Vec<String> = own_values(metric, choice.knob).map(|value| format!("`{value}`")).collect();
        line(format!("- The knob `{}` selects the formula: {} the one above;", choice.knob, own.join(", ")));
        for variant in metric.variants {
            line(format!("  - `{}`: {}", variant.value, variant.definition));
            line(format!("    Formula: {}.", variant.formula));
            line(format!("    Source: {}.", variant.source));
        }
    }
    line("- Worked examples:".into());
    for example in metric.examples {
        line(format!("  - {}", example_text(metric, example)));
    }
    match metric.sql {
        Some(sql) => line(format!("\n```sql\n{}\n```", sql.trim())),
        None => line("\nThere is no query for it: the open tables do not hold what it is made from.".into()),
    }
    for variant in metric.variants.iter().filter(|v| v.sql.is_some() && v.sql != metric.sql) {
        line(format!("\nUnder `{}`:\n", variant.value));
        line(format!("```sql\n{}\n```", variant.sql.unwrap_or_default().trim()));
    }
    out
}

/// The values of a knob that select a metric's own formula.
pub(super) fn own_values(metric: &Metric, knob: &str) -> impl Iterator<Item = &'static str> {
    let values = schema().knob(knob).map(|knob| knob.values.as_slice()).unwrap_or_default();
    values
        .iter()
        .map(|value| value.name.as_str())
        .filter(|value| !metric.variants.iter().any(|variant| variant.value == *value))
}

/// What is said, what goes in, what comes out.
fn example_text(metric: &Metric, example: &Example) -> String {
    let mut out = String::new();
    if let Some(variant) = example.variant {
        write!(out, "`{variant}`: ").expect("writing to a string does not fail");
    }
    out.push_str(example.says);
    if !example.rules.is_empty() {
        let rules: Vec<String> =
            example.rules.iter().map(|(knob, value)| format!("`{knob} = {value}`")).collect();
        write!(out, " With {}.", rules.join(", ")).expect("writing to a string does not fail");
    }
    if example.months != 1 {
        write!(out, " A period of {} months.", example.months).expect("writing to a string does not fail");
    }
    if !example.history.is_empty() {
        write!(out, " Before: {}.", history_text(metric, example.history))
            .expect("writing to a string does not fail");
    }
    let sample = sample_text(metric, &example.sample, &example.cash);
    write!(out, " *{sample}* → **{}**", example.expected.unwrap_or("null"))
        .expect("writing to a string does not fail");
    out
}

/// Rows before, equal neighbours counted.
fn history_text(metric: &Metric, history: &[Sample]) -> String {
    let mut rows: Vec<(String, usize)> = Vec::new();
    for sample in history {
        let text = sample_text(metric, sample, &NO_CASH);
        match rows.last_mut() {
            Some((last, count)) if *last == text => *count += 1,
            _ => rows.push((text, 1)),
        }
    }
    let rows: Vec<String> = rows
        .into_iter()
        .map(|(text, count)| if count == 1 { format!("*{text}*") } else { format!("{count} times *{text}*") })
        .collect();
    rows.join("; ")
}

/// The parts of a sample that metrics of a section are worked out from.
fn sample_text(metric: &Metric, sample: &Sample, cash: &CashSample) -> String {
    let mut parts = Vec::new();
    if metric.section != Section::Customers {
        parts.extend(money_text(sample));
    }
    if matches!(metric.section, Section::Customers | Section::Churn | Section::Value | Section::Acquisition) {
        parts.extend(heads_text(sample.customers, &sample.heads));
    }
    if metric.needs().retention {
        parts.extend(sample.kept.iter().map(|(window, kept)| kept_text(*window, kept)));
    }
    if metric.needs_cash() {
        parts.extend(cash_text(cash));
    }
    if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
}

fn money_text(sample: &Sample) -> Vec<String> {
    let mut parts = Vec::new();
    if sample.start != "0" {
        parts.push(format!("start {}", sample.start));
    }
    parts.extend(sample.movements.iter().map(|(kind, amount)| format!("{} {amount}", kind.as_str())));
    if sample.fx != "0" {
        parts.push(format!("fx {}", sample.fx));
    }
    for (kind, cause, amount) in sample.causes.iter().filter(|(_, cause, _)| cause.as_str() != "other") {
        parts.push(format!("{} by {} {amount}", kind.as_str(), cause.as_str()));
    }
    if sample.arr != "0" {
        parts.push(format!("arr {}", sample.arr));
    }
    parts.extend(sample.committed.map(|amount| format!("committed {amount}")));
    parts
}

fn cash_text(cash: &CashSample) -> Vec<String> {
    let mut parts: Vec<String> = cash.money.iter().map(|(what, amount)| format!("{what} {amount}")).collect();
    if cash.attempts != (0, 0) {
        parts.push(format!("{} attempts succeeded, {} failed", cash.attempts.0, cash.attempts.1));
    }
    parts
}

fn heads_text(customers: i64, heads: &Heads) -> Option<String> {
    let counts = [
        (customers, "at the start"),
        (heads.new, "new"),
        (heads.reactivated, "reactivated"),
        (heads.entered, "entered"),
        (heads.churned, "churned"),
        (heads.left, "left"),
    ];
    let counts: Vec<String> =
        counts.into_iter().filter(|(n, _)| *n != 0).map(|(n, what)| format!("{n} {what}")).collect();
    (!counts.is_empty()).then(|| format!("customers {}", counts.join(", ")))
}

fn kept_text(window: Window, kept: &KeptSample) -> String {
    let window = match window {
        Window::Period => "those at the start",
        Window::Months3 => "those of three months ago",
        Window::Months12 => "those of twelve months ago",
    };
    format!(
        "{window}: {} with {}, now {} with {}, sum of min(then, now) {}",
        kept.customers, kept.start, kept.kept, kept.end, kept.least
    )
}
