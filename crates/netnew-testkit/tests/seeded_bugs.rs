//! Ten bugs, one at a time, put into a copy of the engine: the suite has to notice each of them.
//!
//! A suite that has never failed proves little. Every bug below is one that a tired person could write; each is
//! applied to a copy of the sources, which is built and tested on its own. The copy without a bug has to pass.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A change to one file that makes the engine wrong.
struct Bug {
    what: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

const BUGS: [Bug; 10] = [
    Bug {
        what: "expansion is tested before reactivation",
        file: "crates/netnew-ledger/src/replay.rs",
        from: "Some(if again { Kind::Reactivation } else { Kind::New })",
        to: "if again { None } else { Some(Kind::New) }",
    },
    Bug {
        what: "a percent discount is taken off after an amount",
        file: "crates/netnew-ledger/src/level.rs",
        from: "for percents in [true, false]",
        to: "for percents in [false, true]",
    },
    Bug {
        what: "a discount still applies at the instant it ends",
        file: "crates/netnew-ledger/src/phase.rs",
        from: "is_none_or(|end| at < end)",
        to: "is_none_or(|end| at <= end)",
    },
    Bug {
        what: "a trial converts although its end is not known to have passed",
        file: "crates/netnew-ledger/src/phase.rs",
        from: "(known || end > ctx.now())",
        to: "(known || end <= ctx.now() || end > ctx.now())",
    },
    Bug {
        what: "the first state of an instant holds instead of the last",
        file: "crates/netnew-ledger/src/phase.rs",
        from: "if held.last().is_some_and(|h| h.from == *effective_at) {\n            held.pop();\n        }",
        to: "if held.last().is_some_and(|h| h.from == *effective_at) {\n            continue;\n        }",
    },
    Bug {
        what: "the older of two facts wins",
        file: "crates/netnew-facts/src/resolve.rs",
        from: "rank(a).cmp(&rank(b))",
        to: "rank(b).cmp(&rank(a))",
    },
    Bug {
        what: "gains of another subscription are matched first",
        file: "crates/netnew-ledger/src/posting.rs",
        from: "match_sides(&mut losses, &mut gains, true)?;\n    match_sides(&mut losses, &mut gains, false)?;",
        to: "match_sides(&mut losses, &mut gains, false)?;",
    },
    Bug {
        what: "levels are converted at the first day of a period",
        file: "crates/netnew-metrics/src/rollup.rs",
        from: "false => self.converter.levels(&levels[0], period.last)?,",
        to: "false => self.converter.levels(&levels[0], period.first)?,",
    },
    Bug {
        what: "a change of attribute posts only the arrival",
        file: "crates/netnew-ledger/src/replay.rs",
        from: "rows.push(side(true));\n        rows.push(side(false));",
        to: "rows.push(side(false));",
    },
    Bug {
        what: "ARR is twelve times the rounded MRR",
        file: "crates/netnew-ledger/src/level.rs",
        from: "if policy.arr_is_twelve_times_mrr() {",
        to: "if !policy.arr_is_twelve_times_mrr() {",
    },
];

const CRATES: [&str; 6] =
    ["netnew-money", "netnew-facts", "netnew-policy", "netnew-ledger", "netnew-metrics", "netnew-testkit"];

#[test]
fn every_seeded_bug_is_caught() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let copy = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("seeded-bugs");
    copy_workspace(&root, &copy);
    let (passed, output) = suite(&copy);
    assert!(passed, "the copy without a bug has to pass\n{output}");
    let mut missed = Vec::new();
    for bug in BUGS {
        let path = copy.join(bug.file);
        let text = std::fs::read_to_string(&path).expect("the file is in the copy");
        assert_eq!(
            text.matches(bug.from).count(),
            1,
            "{}: {} no longer has that one place",
            bug.what,
            bug.file
        );
        std::fs::write(&path, text.replace(bug.from, bug.to)).expect("the copy can be written to");
        assert!(builds(&copy), "{}: the bug does not compile", bug.what);
        if suite(&copy).0 {
            missed.push(bug.what);
        }
        std::fs::write(&path, text).expect("the copy can be written to");
    }
    assert!(missed.is_empty(), "the suite does not notice: {missed:#?}");
}

fn cargo(copy: &Path, args: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO"))
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", copy.join("target"))
        .env_remove("RUSTFLAGS")
        .args(args)
        .output()
        .expect("cargo runs");
    let text = String::from_utf8_lossy(&output.stdout).to_string() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

const SUITE: [&str; 8] = ["test", "--offline", "--quiet", "-p", "netnew-facts", "-p", "netnew-ledger", "-p"];

fn builds(copy: &Path) -> bool {
    cargo(copy, &[&SUITE[..], &["netnew-metrics", "--no-run"]].concat()).0
}

fn suite(copy: &Path) -> (bool, String) {
    cargo(copy, &[&SUITE[..], &["netnew-metrics"]].concat())
}

/// The pure crates with their tests, as a workspace of their own.
fn copy_workspace(root: &Path, copy: &Path) {
    let kept = copy.join("target");
    std::fs::create_dir_all(&kept).expect("a folder for the copy");
    for name in ["crates", "policy", "docs"] {
        let _ = std::fs::remove_dir_all(copy.join(name));
    }
    for name in CRATES {
        copy_folder(&root.join("crates").join(name), &copy.join("crates").join(name));
    }
    for name in ["policy", "docs"] {
        copy_folder(&root.join(name), &copy.join(name));
    }
    for name in ["Cargo.lock", "clippy.toml"] {
        std::fs::copy(root.join(name), copy.join(name)).expect("a file of the root");
    }
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).expect("the root's manifest");
    let manifest = manifest.replace("default-members = [\"crates/netnew\"]\n", "");
    std::fs::write(copy.join("Cargo.toml"), manifest).expect("the copy can be written to");
    // The store and what needs it stay behind; the test kit only names it for a feature that is off here.
    let testkit = copy.join("crates/netnew-testkit/Cargo.toml");
    let text = std::fs::read_to_string(&testkit).expect("the test kit's manifest");
    let text: String =
        text.lines().filter(|l| !l.contains("netnew-book")).map(|l| format!("{l}\n")).collect();
    std::fs::write(testkit, text).expect("the copy can be written to");
    let _ = std::fs::remove_dir_all(copy.join("crates/netnew-testkit/tests"));
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder of the copy");
    for entry in std::fs::read_dir(from).expect("a folder of the project") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file of the project");
        }
    }
}
