//! Books that are served, backed up while they are written, and carried over from versions before.

use crate::flood::serve;
use crate::harness::{Desk, rows};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

/// Fifty customers of 10 USD a month, numbered from `first`.
fn fifty(first: usize) -> String {
    let mut text = String::from("customer,subscription,effective_at,plan,amount\n");
    for n in first..first + 50 {
        text.push_str(&format!("c{n:05},s{n:05},2026-05-01,Pro,10\n"));
    }
    text
}

fn healthy(address: &str) -> bool {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.starts_with("HTTP/1.1 200")
}

#[test]
fn a_backup_taken_while_the_book_is_served_and_written_is_whole() {
    let desk = Desk::new("2026-06-15");
    desk.ok(&["import", &desk.file("first.csv", &fifty(0))]);
    let served = serve(&desk);
    let files: Vec<String> = (1..12).map(|n| desk.file(&format!("more-{n}.csv"), &fifty(n * 50))).collect();
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| files.iter().for_each(|file| drop(desk.ok(&["import", file]))));
        for n in 0.. {
            let done = writer.is_finished();
            let backup = desk.path(&format!("{n}.backup")).display().to_string();
            let restored = desk.path(&format!("restored-{n}")).display().to_string();
            desk.ok(&["backup", &backup]);
            desk.ok(&["restore", &backup, &restored]);
            desk.ok(&["check", "--book", &restored]);
            let output = desk.ok(&["mrr", "--to", "2026-05-31", "--book", &restored]);
            let months = rows(&output);
            let end: i64 = months.last().unwrap()["end"].as_str().unwrap().parse().unwrap();
            assert_eq!(end % 500, 0, "half an import is in backup {n}");
            assert!(healthy(&served.address));
            seen.push(end);
            if done {
                break;
            }
        }
    });
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!(seen.last(), Some(&6_000));
}

/// Made by the first version that could keep a book, from `tests/books/first.csv`, with one late correction.
const FIRST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/books/first");

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

#[test]
fn a_book_of_the_first_version_is_carried_over_with_all_it_knew() {
    let desk = Desk::bare("2026-06-15");
    copy(Path::new(FIRST), &desk.path("book"));
    let ends = || -> Vec<String> {
        let output = desk.ok(&["mrr"]);
        rows(&output).iter().map(|row| row["end"].as_str().unwrap().to_string()).collect()
    };
    assert_eq!(ends(), ["350", "750", "1000", "650", "550", "650"]);
    desk.ok(&["check"]);
    // What is new since: keys, and entries as facts.
    assert!(desk.run(&["keys", "create", "reports", "--scope", "read"]).status.success());
    let invoices = "invoice,customer,date,amount\nin-1,acme,2026-05-01,250\n";
    desk.ok(&["import", &desk.file("invoices.csv", invoices), "--as", "invoices"]);
    let late = "customer,subscription,effective_at,plan,amount\nfir,fir-1,2026-05-20,Pro,250\n";
    desk.ok(&["import", &desk.file("late.csv", late)]);
    assert_eq!(ends(), ["350", "750", "1000", "650", "800", "900"]);
    desk.ok(&["check"]);
    assert!(healthy(&serve(&desk).address));
}
