//! Which statements add facts, and who finds them.

use crate::helpers::{How, book, import, lines, state};
use netnew_book::{Book, Finish};
use netnew_facts::{Body, Statement, StatementBody};
use netnew_money::Instant;

fn counts(outcome: &netnew_book::Outcome) -> (u64, u64, u64) {
    (outcome.facts, outcome.duplicates, outcome.superseded)
}

#[test]
fn the_same_file_twice_adds_none_and_a_b_a_is_three_facts() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(&dir.path().join("b"));
    let told: Vec<_> = [10, 10, 20, 10]
        .into_iter()
        .enumerate()
        .map(|(day, amount)| {
            let how = How { now: day as i64, ..How::default() };
            counts(&import(&book, vec![state(1, "acme", "s", 0, amount)], how))
        })
        .collect();
    assert_eq!(told, [(1, 0, 0), (0, 1, 0), (1, 0, 1), (1, 0, 1)]);
    assert_eq!(lines(&book.snapshot().unwrap()).len(), 3);
    assert!(book.verify().unwrap().is_empty());
}

#[test]
fn an_older_version_that_comes_late_is_kept_and_does_not_win() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(&dir.path().join("b"));
    let versioned = |version: i64, amount: i64| Statement {
        recorded_at: Some(Instant::from_micros(version)),
        version: Some(version),
        ..state(1, "acme", "s", 0, amount)
    };
    assert_eq!(counts(&import(&book, vec![versioned(200, 20)], How::default())), (1, 0, 0));
    assert_eq!(counts(&import(&book, vec![versioned(100, 10)], How::default())), (1, 0, 0));
    assert_eq!(counts(&import(&book, vec![versioned(100, 10)], How::default())), (0, 1, 0));
    let facts = book.snapshot().unwrap().customer("acme").unwrap().unwrap().facts;
    let winners = netnew_facts::winning_states(&facts, Instant::MAX);
    let Body::State { state: Some(state), .. } = &winners[0].body else { panic!("a state") };
    assert_eq!(state.amount.to_string(), "20");
}

#[test]
fn what_is_confirmed_later_stands_whatever_comes_late() {
    let versioned = |version: i64, amount: i64| Statement {
        recorded_at: Some(Instant::from_micros(version)),
        version: Some(version),
        ..state(1, "acme", "s", 0, amount)
    };
    let said = [(1, 10), (3, 10), (2, 20)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let dir = tempfile::tempdir().unwrap();
        let book = book(&dir.path().join("b"));
        for at in order {
            let (version, amount) = said[at];
            import(&book, vec![versioned(version, amount)], How::default());
            assert_eq!(counts(&import(&book, vec![versioned(version, amount)], How::default())), (0, 1, 0));
        }
        let facts = book.snapshot().unwrap().customer("acme").unwrap().unwrap().facts;
        let known = |known_on: i64| {
            let winners = netnew_facts::winning_states(&facts, Instant::from_micros(known_on));
            let Body::State { state: Some(state), .. } = &winners[0].body else { panic!("a state") };
            state.amount.to_string()
        };
        assert_eq!([known(1), known(2), known(3)], ["10", "20", "10"], "{order:?}");
    }
}

#[test]
fn a_file_that_contradicts_itself_adds_none_the_second_time() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(&dir.path().join("b"));
    let rows = |amounts: &[i64]| {
        amounts.iter().enumerate().map(|(at, a)| state(at as u64 + 1, "acme", "s", 0, *a)).collect::<Vec<_>>()
    };
    assert_eq!(counts(&import(&book, rows(&[10, 20, 10]), How::default())), (3, 0, 2));
    assert_eq!(counts(&import(&book, rows(&[10, 20, 10]), How::default())), (0, 3, 0));
    assert_eq!(counts(&import(&book, rows(&[10, 20]), How::default())), (1, 1, 1));
    assert_eq!(counts(&import(&book, rows(&[10, 20]), How::default())), (0, 2, 0));
}

#[test]
fn a_file_that_contradicts_itself_is_told_and_its_later_row_holds() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(&dir.path().join("b"));
    let outcome =
        import(&book, vec![state(1, "acme", "s", 0, 10), state(2, "acme", "s", 0, 20)], How::default());
    assert_eq!((outcome.facts, outcome.conflicts.len()), (2, 1));
    assert_eq!((outcome.conflicts[0].row, outcome.conflicts[0].other_row), (2, 1));
}

#[test]
fn replace_takes_back_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(&dir.path().join("b"));
    import(&book, vec![state(1, "acme", "s", 0, 10), state(2, "zen", "t", 0, 10)], How::default());
    let how = How { now: 2_000, replace: true, ..How::default() };
    assert_eq!(counts(&import(&book, vec![state(1, "acme", "s", 0, 10)], how)), (1, 1, 1));
    let now: Vec<String> =
        lines(&book.snapshot().unwrap()).into_iter().filter(|l| l.ends_with("gone")).collect();
    assert_eq!(now, ["zen zen t 0 gone"]);
}

#[test]
fn a_subscription_that_moves_is_filed_under_both_also_later() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(&dir.path().join("b"));
    import(&book, vec![state(1, "acme", "s", 0, 10)], How::default());
    import(&book, vec![state(1, "zen", "s", 5, 10)], How::default());
    import(&book, vec![state(1, "zen", "s", 9, 20)], How::default());
    let both = [
        "acme acme s 0 10",
        "acme zen s 5 10",
        "acme zen s 9 20",
        "zen acme s 0 10",
        "zen zen s 5 10",
        "zen zen s 9 20",
    ];
    assert_eq!(lines(&book.snapshot().unwrap()), both);
    assert_eq!(book.snapshot().unwrap().counts().unwrap().states, 3);
}

#[test]
fn merged_customers_are_gathered_under_the_canonical_id() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(&dir.path().join("b"));
    import(&book, vec![state(1, "old", "s", 0, 10), state(2, "new", "t", 0, 20)], How::default());
    let merge = Statement {
        row: 1,
        recorded_at: Some(Instant::from_micros(5_000)),
        version: Some(5_000),
        body: StatementBody::Alias { customer: "old".into(), merged_into: Some("new".into()) },
    };
    import(&book, vec![merge], How { now: 5_000, ..How::default() });
    assert_eq!(lines(&book.snapshot().unwrap()), ["new new t 0 20", "new old s 0 10"]);
    let before = book.snapshot_at(Instant::from_micros(4_999)).unwrap();
    assert_eq!(lines(&before), ["new new t 0 20", "old old s 0 10"]);
    let snapshot = book.snapshot().unwrap();
    assert_eq!(snapshot.customer("old").unwrap().unwrap().ids.len(), 2);
}

#[test]
fn memory_budget_merges_and_dry_runs_change_nothing_a_reader_sees() {
    let dir = tempfile::tempdir().unwrap();
    let (small, large) = (book(&dir.path().join("small")), book(&dir.path().join("large")));
    for round in 0..9i64 {
        let rows = |_: ()| -> Vec<Statement> {
            (0..300)
                .map(|i| {
                    state(
                        i,
                        &format!("c{}", i % 70),
                        &format!("s{}", i % 90),
                        i as i64 % 7,
                        round * 3 + i as i64 % 5,
                    )
                })
                .collect()
        };
        let how = |budget| How { now: round, budget, ..How::default() };
        let dry = import(&small, rows(()), How { finish: Finish::DryRun, ..how(1) });
        let a = import(&small, rows(()), how(1));
        let b = import(&large, rows(()), how(64 << 20));
        assert_eq!(counts(&a), counts(&b));
        assert_eq!(counts(&dry), counts(&a));
    }
    assert_eq!(lines(&small.snapshot().unwrap()), lines(&large.snapshot().unwrap()));
    assert!(small.snapshot().unwrap().counts().unwrap().segments < 9, "segments are merged");
    assert!(small.verify().unwrap().is_empty());
    let leftovers = std::fs::read_dir(dir.path().join("small/tmp")).unwrap().count();
    assert_eq!(leftovers, 0);
}

#[test]
fn data_through_knows_both_clocks() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(&dir.path().join("b"));
    import(&book, vec![state(1, "acme", "s", 10, 10), state(2, "acme", "s", 90, 20)], How::default());
    import(&book, vec![state(1, "acme", "s", 40, 10)], How { now: 2_000, ..How::default() });
    let at = |as_of: i64, known_on: i64| {
        let snapshot = book.snapshot().unwrap();
        let through =
            snapshot.data_through(Instant::from_micros(as_of), Instant::from_micros(known_on)).unwrap();
        through.get("files").map(|i| i.micros())
    };
    assert_eq!(at(100, 9_999), Some(90));
    assert_eq!(at(50, 9_999), Some(40));
    assert_eq!(at(50, 1_500), Some(10));
    assert_eq!(at(50, 500), None);
}

#[test]
fn a_backup_comes_back_whole() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(&dir.path().join("b"));
    import(&book, (0..50).map(|i| state(i, &format!("c{i}"), "s", i as i64, 5)).collect(), How::default());
    let file = dir.path().join("book.backup");
    book.backup(&file).unwrap();
    Book::restore(&file, &dir.path().join("again")).unwrap();
    let again = Book::open_at(&dir.path().join("again")).unwrap();
    assert_eq!(lines(&again.snapshot().unwrap()), lines(&book.snapshot().unwrap()));
    assert!(again.verify().unwrap().is_empty());
    assert_eq!(Book::restore(&file, &dir.path().join("again")).unwrap_err().code(), "book_exists");
    std::fs::write(&file, b"something else").unwrap();
    assert_eq!(Book::restore(&file, &dir.path().join("third")).unwrap_err().code(), "damaged_segment");
}

#[test]
fn a_circle_of_merges_is_refused_on_reading_and_can_be_withdrawn() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(&dir.path().join("b"));
    import(&book, vec![state(1, "a", "s", 0, 10)], How::default());
    let merge = |from: &str, to: Option<&str>| Statement {
        row: 1,
        recorded_at: None,
        version: None,
        body: StatementBody::Alias { customer: from.into(), merged_into: to.map(Into::into) },
    };
    import(&book, vec![merge("a", Some("b")), merge("b", Some("a"))], How::default());
    assert_eq!(book.snapshot().err().expect("a circle").code(), "alias_cycle");
    import(&book, vec![merge("b", None)], How { now: 2_000, ..How::default() });
    assert_eq!(lines(&book.snapshot().unwrap()), ["b a s 0 10"]);
}
