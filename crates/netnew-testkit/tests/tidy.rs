//! The style that is a test: rules of the house that a machine can see, each with its why.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// Source files below `crates/NAME/src` for each name, with their text without comments.
fn code_of(crates: &[&str]) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for name in crates {
        sources(&root().join("crates").join(name).join("src"), &mut files);
    }
    files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a readable source");
            let code = text.lines().map(|line| line.split("//").next().unwrap_or(line)).collect::<Vec<_>>();
            (path, code.join("\n"))
        })
        .collect()
}

fn has_word(code: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word)
        .any(|(at, _)| !part(code[..at].chars().next_back()) && !part(code[at + word.len()..].chars().next()))
}

const PURE: [&str; 7] = [
    "netnew-money",
    "netnew-facts",
    "netnew-policy",
    "netnew-ledger",
    "netnew-metrics",
    "netnew-decide",
    "netnew-resident",
];

#[test]
fn no_float_touches_money() {
    let below: Vec<&str> = PURE.into_iter().chain(["netnew-book", "netnew-demo"]).collect();
    for (path, code) in code_of(&below) {
        for float in ["f32", "f64"] {
            assert!(
                !has_word(&code, float),
                "{}: {float} cannot hold money; use Amount or Ratio",
                path.display()
            );
        }
    }
}

#[test]
fn no_clock_sits_below_the_binary() {
    let mut files = Vec::new();
    sources(&root().join("crates"), &mut files);
    let clocks =
        ["SystemTime::now", "Instant::now()", "Timestamp::now", "Zoned::now", "Utc::now", "Local::now"];
    for path in files {
        let shown = path.display().to_string();
        let tests = shown.contains("/tests/") || shown.ends_with("crates/netnew/src/environment.rs");
        if tests {
            continue;
        }
        let code = std::fs::read_to_string(&path).expect("a readable source");
        for clock in clocks {
            assert!(
                !code.contains(clock),
                "{shown}: now is an argument below the binary, or no report repeats"
            );
        }
    }
}

#[test]
fn pure_crates_touch_no_file_and_the_store_only_in_one_place() {
    for (path, code) in code_of(&PURE) {
        let tests = path.ends_with("tests.rs");
        let files =
            ["std::fs", "File::", "std::net", "std::process"].into_iter().find(|word| code.contains(word));
        assert!(tests || files.is_none(), "{}: {files:?} in a crate that does no I/O", path.display());
    }
    for (path, code) in code_of(&["netnew-book"]) {
        let layer = path.ends_with("files.rs");
        assert!(
            layer || !(code.contains("std::fs") || code.contains("File::open")),
            "{}: a write past the file layer is one that no test can lose",
            path.display()
        );
    }
}

#[test]
fn files_are_small() {
    let mut files = Vec::new();
    sources(&root().join("crates"), &mut files);
    for path in files {
        let lines = std::fs::read_to_string(&path).expect("a readable source").lines().count();
        assert!(lines <= 1_000, "{} has {lines} lines: a room with two purposes, split it", path.display());
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/DECISIONS.md"];
    for page in pages {
        let path = root().join(page);
        let text = std::fs::read_to_string(&path).expect("a page");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.starts_with("http") {
                continue;
            }
            let there = path.parent().expect("a folder").join(target);
            assert!(there.exists(), "{page} links to {target}, which is not there");
        }
    }
}
