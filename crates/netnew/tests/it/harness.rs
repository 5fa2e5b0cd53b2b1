//! Runs the real binary on a book of its own, with a frozen clock.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A temporary folder with a book in it.
pub struct Desk {
    dir: tempfile::TempDir,
    now: String,
}

impl Desk {
    /// A desk without a book, at an instant or date.
    pub fn bare(now: &str) -> Desk {
        Desk { dir: tempfile::tempdir().expect("a temporary folder"), now: now.to_string() }
    }

    /// A desk with an empty book in USD and UTC.
    pub fn new(now: &str) -> Desk {
        Desk::with(now, &[])
    }

    /// A desk with an empty book and other settings.
    pub fn with(now: &str, init: &[&str]) -> Desk {
        let desk = Desk::bare(now);
        let mut args = vec!["init"];
        args.extend(init);
        desk.ok(&args);
        desk
    }

    /// Another now from here on.
    pub fn at(&mut self, now: &str) {
        self.now = now.to_string();
    }

    /// A path on the desk.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file on the desk.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the desk can be written to");
        path.display().to_string()
    }

    /// The binary on the desk's book, not yet running.
    #[allow(dead_code, reason = "for servers, which other tests do not start")]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = command(&self.path("book"), &self.now);
        command.args(args);
        command
    }

    /// Runs the binary on the desk's book.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the binary runs")
    }

    /// Runs it and returns its JSON and exit code.
    pub fn json(&self, args: &[&str]) -> (Value, i32) {
        let mut all = args.to_vec();
        all.extend(["--format", "json"]);
        let output = self.run(&all);
        let text = String::from_utf8(output.stdout).expect("stdout is UTF-8");
        let value = serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!(
                "{args:?} printed no JSON ({error}): {text:?}\n{}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
        (value, output.status.code().expect("it was not killed"))
    }

    /// Runs it, expects exit 0, returns its JSON.
    pub fn ok(&self, args: &[&str]) -> Value {
        let (value, code) = self.json(args);
        assert_eq!(code, 0, "{args:?} failed: {value:#}");
        value
    }

    /// Runs it, expects an error with this code and exit.
    pub fn refused(&self, args: &[&str], code: &str, exit: i32) -> Value {
        let (value, status) = self.json(args);
        assert_eq!(value["error"]["code"], code, "{args:?}: {value:#}");
        assert_eq!(status, exit, "{args:?}: {value:#}");
        value
    }

    /// Imports a file and expects that nothing is wrong with it.
    pub fn import(&self, name: &str, text: &str) -> Value {
        let file = self.file(name, text);
        self.ok(&["import", &file])
    }

    /// The waterfall as lines: `2026-01 start new react exp contr churn transfer fx end customers`.
    pub fn waterfall(&self, args: &[&str]) -> Vec<String> {
        let mut all = vec!["mrr"];
        all.extend(args);
        let value = self.ok(&all);
        rows(&value)
            .iter()
            .map(|row| {
                let mut parts = vec![row["period"].as_str().expect("a period").to_string()];
                if let Some(group) = row.get("group") {
                    parts.push(group.as_str().unwrap_or("-").to_string());
                }
                for key in [
                    "start",
                    "new",
                    "reactivation",
                    "expansion",
                    "contraction",
                    "churn",
                    "transfer",
                    "fx",
                    "end",
                ] {
                    parts.push(row[key].as_str().expect("an amount").to_string());
                }
                parts.push(format!("={}", row["customers"]["end"]));
                parts.join(" ")
            })
            .collect()
    }

    /// Movements as lines: `2026-01-10 customer kind amount cause plan`.
    pub fn movements(&self, args: &[&str]) -> Vec<String> {
        let mut all = vec!["movements"];
        all.extend(args);
        let value = self.ok(&all);
        rows(&value)
            .iter()
            .map(|m| {
                let text = |key: &str| m[key].as_str().unwrap_or("-").to_string();
                format!(
                    "{} {} {} {} {} {}",
                    text("date"),
                    text("customer"),
                    text("kind"),
                    text("amount"),
                    text("cause"),
                    text("plan")
                )
            })
            .collect()
    }
}

/// The binary with a clean environment.
pub fn command(book: &Path, now: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netnew"));
    command.env_remove("NETNEW_BOOK").env("NETNEW_NOW", now).arg("--book").arg(book);
    command
}

/// The rows of an answer.
pub fn rows(value: &Value) -> &[Value] {
    value["rows"].as_array().map(Vec::as_slice).expect("rows")
}
