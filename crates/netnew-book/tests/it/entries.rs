//! Entries (payments, invoices, expenses, ...) follow the rules of states: kept, superseded, retracted, known-on.

use crate::helpers::{How, book, import, state, usd};
use netnew_book::{Book, BucketRange, Finish, ImportOptions, KindOfBody, Outcome, Part};
use netnew_facts::{
    Body, Entry, EntryKind, Expense, ExpenseClass, Payment, Statement, StatementBody, winning_entries,
};
use netnew_money::{Amount, Instant};

fn entry(row: u64, customer: &str, key: &str, kind: EntryKind, entry: Option<Entry>) -> Statement {
    let effective_at = Instant::from_micros(row as i64);
    let entry = entry.map(Box::new);
    let body = Body::Entry { kind, key: key.into(), effective_at, entry };
    Statement {
        row,
        recorded_at: None,
        version: None,
        body: StatementBody::Customer { customer: customer.into(), body },
    }
}

fn payment(row: u64, customer: &str, key: &str, amount: i64) -> Statement {
    let said = Entry::Payment(Payment::succeeded(Amount::from_major(amount), usd()));
    entry(row, customer, key, EntryKind::Payment, Some(said))
}

fn take(book: &Book, now: i64, whole: Option<EntryKind>, statements: Vec<Statement>) -> Outcome {
    let mut import = book
        .begin_import(ImportOptions {
            source: "files",
            now: Instant::from_micros(now),
            replace: whole.is_some(),
            wait_ms: 10_000,
            memory_budget_bytes: 1,
        })
        .unwrap();
    if let Some(kind) = whole {
        import.declare_kind(KindOfBody::Entries(kind));
    }
    let payload = import.add_payload_bytes("payments.csv", format!("{now}").as_bytes()).unwrap();
    for statement in statements {
        import.push(payload, statement).unwrap();
    }
    import.finish(Finish::Commit).unwrap()
}

/// What holds, as "customer key amount", as known at an instant.
fn holds(book: &Book, known_on: i64) -> Vec<String> {
    let snapshot = book.snapshot().unwrap();
    let mut out = Vec::new();
    snapshot
        .scan_part(BucketRange::ALL, Part::Entries, &mut |customer| {
            for (fact, _, entry) in winning_entries(&customer, Instant::from_micros(known_on)) {
                let Body::Entry { key, .. } = &fact.body else { panic!("an entry") };
                let amount = match entry {
                    Entry::Payment(p) => p.amount,
                    Entry::Expense(e) => e.amount,
                    other => panic!("{other:?}"),
                };
                out.push(format!("{} {key} {amount}", customer.customer));
            }
            Ok(())
        })
        .unwrap();
    out.sort();
    out
}

#[test]
fn a_corrected_payment_replaces_and_the_past_stays_readable() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(&dir.path().join("b"));
    let first = take(&book, 10, None, vec![payment(1, "acme", "p1", 5), payment(2, "acme", "p2", 7)]);
    assert_eq!((first.facts, first.duplicates), (2, 0));
    let again = take(&book, 20, None, vec![payment(1, "acme", "p1", 5), payment(2, "acme", "p2", 7)]);
    assert_eq!((again.facts, again.duplicates), (0, 2));
    let corrected = take(&book, 30, None, vec![payment(1, "acme", "p1", 6)]);
    assert_eq!((corrected.facts, corrected.superseded), (1, 1));
    let gone = take(&book, 40, None, vec![entry(2, "acme", "p2", EntryKind::Payment, None)]);
    assert_eq!((gone.facts, gone.superseded), (1, 1));
    assert_eq!(holds(&book, 15), ["acme p1 5", "acme p2 7"]);
    assert_eq!(holds(&book, 35), ["acme p1 6", "acme p2 7"]);
    assert_eq!(holds(&book, 45), ["acme p1 6"]);
    assert!(book.verify().unwrap().is_empty());
}

#[test]
fn the_whole_truth_of_a_kind_takes_back_what_it_lacks_and_no_other_kind() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(&dir.path().join("b"));
    let expense = Entry::Expense(Expense {
        amount: Amount::from_major(9),
        currency: usd(),
        class: ExpenseClass::General,
        category: None,
        vendor: None,
        description: None,
    });
    import(&book, vec![state(1, "acme", "s", 0, 10)], How::default());
    take(&book, 10, None, vec![payment(1, "acme", "p1", 5), payment(2, "beta", "p2", 7)]);
    take(&book, 20, None, vec![entry(1, "", "e1", EntryKind::Expense, Some(expense))]);
    let outcome = take(&book, 30, Some(EntryKind::Payment), vec![payment(2, "beta", "p2", 7)]);
    assert_eq!((outcome.facts, outcome.superseded, outcome.duplicates), (1, 1, 1));
    assert_eq!(holds(&book, 99), [" e1 9", "beta p2 7"]);
    let snapshot = book.snapshot().unwrap();
    let counts = snapshot.entry_counts();
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(EntryKind::Payment, 3), (EntryKind::Expense, 1)]);
    assert_eq!(snapshot.counts().unwrap().entries, 4);
    let mut items = 0;
    snapshot
        .scan(BucketRange::ALL, &mut |customer| {
            items += customer.facts.len();
            assert_eq!(&*customer.customer, "acme");
            Ok(())
        })
        .unwrap();
    assert_eq!(items, 1, "a replay does not see entries");
    let all = snapshot.customer_part("acme", Part::All).unwrap().unwrap();
    assert_eq!(all.facts.len(), 3, "the state, the payment and its withdrawal");
}

#[test]
fn a_payment_that_moves_to_another_customer_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(&dir.path().join("b"));
    take(&book, 10, None, vec![payment(1, "acme", "p1", 5)]);
    let moved = take(&book, 20, None, vec![payment(1, "beta", "p1", 5)]);
    assert_eq!((moved.facts, moved.superseded), (1, 1));
    assert_eq!(holds(&book, 15), ["acme p1 5"]);
    assert_eq!(holds(&book, 25), ["beta p1 5"]);
    assert!(book.verify().unwrap().is_empty());
}

#[test]
fn entries_survive_merges_of_segments_backup_and_restore() {
    let dir = tempfile::tempdir().unwrap();
    let original = book(&dir.path().join("b"));
    for now in 0..9 {
        import(&original, vec![state(1, "acme", "s", now, now)], How { now, ..How::default() });
        take(&original, now, None, vec![payment(1, "acme", &format!("p{now}"), now)]);
    }
    let before = holds(&original, 99);
    assert_eq!(before.len(), 9);
    assert!(original.snapshot().unwrap().counts().unwrap().segments < 12, "segments were merged");
    let file = dir.path().join("backup");
    original.backup(&file).unwrap();
    Book::restore(&file, &dir.path().join("again")).unwrap();
    let again = Book::open_at(&dir.path().join("again")).unwrap();
    assert_eq!(holds(&again, 99), before);
    assert!(again.verify().unwrap().is_empty());
}
