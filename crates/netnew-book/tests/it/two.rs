//! Two writers: the second waits, or is told who holds the book.

use crate::helpers::{How, book, import, lines, state};
use netnew_book::{Book, Finish, ImportOptions};
use netnew_money::Instant;

fn options(wait_ms: u64) -> ImportOptions<'static> {
    ImportOptions {
        source: "files",
        now: Instant::from_micros(1),
        replace: false,
        wait_ms,
        memory_budget_bytes: 1 << 20,
    }
}

#[test]
fn the_second_writer_is_told_who_writes() {
    let dir = tempfile::tempdir().unwrap();
    let first = book(&dir.path().join("b"));
    let second = Book::open_at(&dir.path().join("b")).unwrap();
    let held = first.begin_import(options(0)).unwrap();
    let error = second.begin_import(options(50)).err().expect("the book is held");
    assert_eq!(error.code(), "locked");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    drop(held);
    assert!(second.begin_import(options(0)).is_ok());
}

#[test]
fn the_second_writer_waits_and_sees_what_the_first_booked() {
    let dir = tempfile::tempdir().unwrap();
    let first = book(&dir.path().join("b"));
    let path = dir.path().join("b");
    let mut held = first.begin_import(options(0)).unwrap();
    let payload = held.add_payload_bytes("a", b"a").unwrap();
    held.push(payload, state(1, "acme", "s", 0, 10)).unwrap();
    let waiting = std::thread::spawn(move || {
        let second = Book::open_at(&path).unwrap();
        import(&second, vec![state(1, "acme", "s", 0, 10)], How::default())
    });
    std::thread::sleep(std::time::Duration::from_millis(100));
    held.finish(Finish::Commit).unwrap();
    let outcome = waiting.join().unwrap();
    assert_eq!((outcome.facts, outcome.duplicates), (0, 1));
}

#[test]
fn a_reader_keeps_its_view_while_segments_are_merged_away() {
    let dir = tempfile::tempdir().unwrap();
    let writer = book(&dir.path().join("b"));
    import(&writer, vec![state(1, "acme", "s", 0, 10)], How::default());
    let reader = Book::open_at(&dir.path().join("b")).unwrap();
    let view = reader.snapshot().unwrap();
    for at in 1..12 {
        import(&writer, vec![state(1, "acme", "s", at, 10)], How::default());
    }
    assert_eq!(lines(&view), ["acme acme s 0 10"]);
    assert_eq!(lines(&reader.snapshot().unwrap()).len(), 12);
}
