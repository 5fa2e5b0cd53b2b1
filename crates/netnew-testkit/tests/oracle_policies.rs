//! The oracle's own table of policies says what the policy files say.

use std::collections::BTreeMap;
use std::path::PathBuf;

use netnew_testkit::oracle::{DEFAULTS, Knobs};

fn policy_file(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../policy").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The first string behind `key = "`, if the line is one.
fn value<'t>(line: &'t str, key: &str) -> Option<&'t str> {
    line.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?.split('"').next()
}

#[test]
fn defaults_are_those_of_the_schema() {
    let schema = policy_file("schema.toml");
    let mut defaults = BTreeMap::new();
    let mut name = "";
    for line in schema.lines() {
        name = value(line, "name").unwrap_or(name);
        if let Some(default) = value(line, "default") {
            defaults.insert(name, default);
        }
    }
    for (knob, default) in DEFAULTS {
        assert_eq!(defaults.get(knob), Some(&default), "{knob}");
    }
}

#[test]
fn presets_are_those_of_the_files() {
    for name in Knobs::presets() {
        let file = policy_file(&format!("presets/{name}.toml"));
        let mut stated = BTreeMap::new();
        let mut knob = "";
        for line in file.lines() {
            if let Some(section) = line.strip_prefix("[knobs.\"") {
                knob = section.split('"').next().unwrap_or_default();
            }
            if let Some(value) = value(line, "value") {
                stated.insert(knob, value);
            }
        }
        let preset = Knobs::preset(name).expect("the name is one of the table");
        // What acts only in books with bills is recorded; in a preset the default acts.
        let of_bills = ["period_end", "reduces_mrr", "annual_refund_churns"];
        for (knob, default) in DEFAULTS {
            let stated =
                stated.get(knob).copied().filter(|value| !of_bills.contains(value)).unwrap_or(default);
            assert_eq!(preset.get(knob), stated, "{name}: {knob}");
        }
    }
}
