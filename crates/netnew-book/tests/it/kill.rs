//! A process that imports is killed at random instants: what it acknowledged is there, once.

use crate::helpers::{How, book, import, lines, state};
use netnew_book::Book;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const DIR: &str = "NETNEW_KILL_TEST_DIR";
const ROWS: u64 = 40;

/// The process that is killed: imports one batch after the other and says which it was told are booked. Does
/// nothing when the suite runs it.
#[test]
fn child() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let book = Book::open_at(Path::new(&dir)).expect("the book");
    let first = book.imports().expect("the imports").len() as u64;
    for batch in first.. {
        import(&book, rows(batch), How { now: batch as i64, budget: 1, ..How::default() });
        println!("booked {batch}");
    }
}

/// A batch: its own facts, and a correction of the batch before.
fn rows(batch: u64) -> Vec<netnew_facts::Statement> {
    let mut rows: Vec<_> = (0..ROWS)
        .map(|i| state(i, &format!("c{i}"), &format!("s{i}"), batch as i64 * 10, batch as i64))
        .collect();
    if batch > 0 {
        rows.push(state(ROWS, "c0", "s0", (batch as i64 - 1) * 10, 1_000 + batch as i64));
    }
    rows
}

fn batches(book: &Book) -> BTreeSet<u64> {
    let all = lines(&book.snapshot().expect("a snapshot"));
    let unique: BTreeSet<&String> = all.iter().collect();
    assert_eq!(unique.len(), all.len(), "nothing is doubled");
    let mut seen = BTreeSet::new();
    for batch in 0.. {
        let own = all.iter().filter(|l| l.ends_with(&format!(" {} {batch}", batch * 10))).count() as u64;
        if own == 0 {
            break;
        }
        assert_eq!(own, ROWS, "batch {batch} is there in part");
        seen.insert(batch);
    }
    seen
}

#[test]
fn what_was_acknowledged_survives_being_killed() {
    let dir = tempfile::tempdir().unwrap();
    let path: PathBuf = dir.path().join("b");
    drop(book(&path));
    let mut acknowledged = BTreeSet::new();
    let mut random: u64 = 42;
    for _ in 0..60 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "kill::child", "--nocapture"])
            .env(DIR, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a child");
        std::thread::sleep(Duration::from_micros(5_000 + random % 120_000));
        child.kill().expect("it can be killed");
        let out = BufReader::new(child.stdout.take().expect("its stdout"));
        for line in out.lines().map_while(Result::ok) {
            if let Some(batch) = line.strip_prefix("booked ").and_then(|n| n.parse::<u64>().ok()) {
                acknowledged.insert(batch);
            }
        }
        child.wait().expect("it ended");
        let book = Book::open_at(&path).expect("the book opens");
        let there = batches(&book);
        assert!(acknowledged.is_subset(&there), "acknowledged {acknowledged:?}, there {there:?}");
        assert!(there.len() <= acknowledged.len() + 60, "only batches in flight are unacknowledged");
    }
    let book = Book::open_at(&path).expect("the book opens");
    assert!(acknowledged.len() > 20, "the test did something: {}", acknowledged.len());
    assert!(book.verify().expect("verify").is_empty());
}
