//! The default build stays small: SQL and what it stands on come by a feature only.

use std::process::Command;

#[test]
fn the_default_build_has_no_arrow_and_no_engine() {
    let tree = |features: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "-p", "netnew", "-e", "normal,build", "--prefix", "none"])
            .args(["--format", "{p}"])
            .args(features)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let mut names: Vec<String> =
            text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_string).collect();
        names.sort();
        names.dedup();
        names
    };
    let heavy = |name: &&String| {
        ["arrow", "datafusion", "pgwire", "sqlparser", "object_store", "netnew-query"]
            .iter()
            .any(|heavy| name.as_str() == *heavy || name.starts_with(&format!("{heavy}-")))
    };
    let lean = tree(&[]);
    assert!(lean.iter().any(|name| name == "parquet"), "the tree is not the one that was meant: {lean:?}");
    let found: Vec<&String> = lean.iter().filter(heavy).collect();
    assert!(found.is_empty(), "the default build has {found:?}");
    // With the features there is one copy of each, so that the check above looks for the right names.
    let full = tree(&["--features", "pg"]);
    for name in ["arrow", "datafusion", "pgwire", "netnew-query"] {
        assert!(full.iter().any(|n| n == name), "{name} is not in {full:?}");
    }
    let lock = include_str!("../../../../Cargo.lock");
    for name in ["arrow", "arrow-array", "parquet", "datafusion", "object_store", "sqlparser"] {
        assert_eq!(lock.matches(&format!("name = \"{name}\"\n")).count(), 1, "copies of {name}");
    }
}

#[cfg(not(feature = "sql"))]
#[test]
fn without_the_feature_sql_says_how_to_get_it() {
    let desk = crate::harness::Desk::new("2026-04-15T12:00:00Z");
    let error = desk.refused(&["sql", "SELECT 1"], "no_sql", 2);
    let hint = error["error"]["hint"].as_str().expect("a hint");
    assert!(hint.contains("cargo build") && hint.contains("--features sql"), "{hint}");
}
