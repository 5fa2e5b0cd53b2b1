//! The reference of policies, made from the schema and the presets.

use crate::preset::{self, Note, Preset};
use crate::schema::{Knob, KnobType, schema};
use std::fmt::Write;

const HEAD: &str = "# Policies

<!-- Made from policy/schema.toml and policy/presets/ by netnew_policy::reference_markdown; do not edit. -->

What counts as monthly recurring revenue, and what a change of it is called, differs from tool to tool. Every such
rule is a **knob** with named values. A **policy** is a value for each knob, with a name and a version.

- `--policy NAME` takes a built-in policy, one saved in the book, or a file.
- `--set KNOB=VALUE` changes one knob, and can be repeated.
- `netnew policy show NAME` lists the values and where each comes from; `netnew policy compare A B` shows what the
  difference comes to for each knob and customer.
- Name, version and changed knobs are printed with every report.

A policy file is TOML. What it leaves out is as in its base, or as in `default` without one:

```toml
name = \"ours\"
version = \"2026-11\"
base = \"stripe\"

[knobs]
discount.one_time = \"subtract\"
past_due.grace = 30
statuses.counted = [\"active\", \"past_due\", \"unpaid\"]
```

The policies named after vendors hold what their documentation said when it was read; vendors change their rules
without notice. Where nothing was found the value of `default` acts, and it says *not found*. Where a rule needs facts
beyond states, such as invoices, the vendor's value is recorded and the value of `default` acts instead, so that a policy's
figures do not depend on what else a book holds; set the knob to have it act.
";

/// `docs/policies.md`: the built-in policies, then every knob with its values and what each policy has.
pub fn reference_markdown() -> String {
    let mut out = HEAD.to_string();
    out.push_str("\n## Built-in policies\n");
    for preset in preset::all() {
        let about = preset.about.replace('\n', " ");
        line(
            &mut out,
            format_args!("\n### {} {}\n\n{}\n", preset.policy.name, preset.policy.version, about.trim()),
        );
        line(&mut out, format_args!("{}", counts(preset)));
    }
    out.push_str("\n## Knobs\n");
    for (index, knob) in schema().knobs.iter().enumerate() {
        describe(&mut out, index, knob);
    }
    out
}

fn line(out: &mut String, text: std::fmt::Arguments) {
    writeln!(out, "{text}").expect("writing to a string does not fail");
}

/// How much of a preset is the vendor's.
fn counts(preset: &Preset) -> String {
    let of = |test: fn(&Note) -> bool| preset.notes.iter().filter(|n| test(n)).count();
    let (found, all) = (of(|n| n.found), preset.notes.len());
    let recorded = of(|n| n.recorded.is_some());
    let mut text = format!("Found: {found} of {all} knobs.");
    if recorded > 0 {
        write!(text, " Recorded and not acting yet: {recorded}.").expect("writing to a string does not fail");
    }
    text
}

fn describe(out: &mut String, index: usize, knob: &Knob) {
    line(
        out,
        format_args!(
            "\n### {}\n\n{} Group: {}. Default: `{}`.\n",
            knob.name, knob.meaning, knob.group, knob.default
        ),
    );
    for choice in &knob.values {
        let with = choice.with.map_or(String::new(), |n| format!(" *Acts in books that have {n}.*"));
        let needs =
            choice.needs.map_or(String::new(), |n| format!(" *Needs {n}, which the rule cannot use yet.*"));
        line(out, format_args!("- `{}`: {}{with}{needs}", choice.name, choice.meaning));
    }
    if let (Some(min), Some(max)) = (knob.min, knob.max) {
        line(out, format_args!("- {min} to {max} {}.", knob.unit.as_deref().unwrap_or("days")));
    }
    if let Some(max) = knob.max_months {
        line(out, format_args!("- `1 month` to `{max} months`: calendar months."));
    }
    match knob.kind {
        KnobType::Zone => line(out, format_args!("- An IANA name such as `Europe/Paris`.")),
        KnobType::Set => line(out, format_args!("\nSeveral, separated by commas.")),
        _ => {}
    }
    out.push_str("\n| policy | value | source |\n|---|---|---|\n");
    for preset in preset::all() {
        let note = &preset.notes[index];
        let acting = preset.policy.get(&knob.name).unwrap_or_default();
        let value = match (note.recorded, note.found) {
            (Some((value, needs)), _) => format!("`{value}`, needs {needs}; `{acting}` acts"),
            (None, true) => format!("`{acting}`"),
            (None, false) => format!("*not found*; `{acting}` acts"),
        };
        line(out, format_args!("| {} | {value} | {} |", preset.policy.name, cell(note)));
    }
}

/// What is known, where it was read and when, in one cell of a table.
fn cell(note: &Note) -> String {
    let mut parts: Vec<String> = note.says.iter().cloned().collect();
    if !note.source.is_empty() {
        let evidence = match note.evidence {
            Some(preset::Evidence::Derived) => "Derived from ",
            Some(preset::Evidence::ThirdParty) => "Third party: ",
            Some(preset::Evidence::Code) => "Code: ",
            Some(preset::Evidence::Stated) | None => "",
        };
        parts.push(format!("{evidence}{}, {}.", note.source, note.date));
    }
    parts.join(" ").replace('|', "\\|")
}
