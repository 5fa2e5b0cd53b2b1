//! Files of objects: lines, lists, pages, mixed; told once however often they are given.

use crate::account::{NOW, account, at, book, held};
use netnew_book::{Book, Finish, ImportOptions};
use netnew_connect::files::{gather, is_stripe_json};
use netnew_connect::intake::{Gathered, Mode, take};
use serde_json::{Value, json};
use std::path::PathBuf;

fn import(book: &Book, paths: &[PathBuf], now: i64, mode: Mode) -> (u64, Vec<String>) {
    let options = ImportOptions {
        source: "files",
        now: at(now),
        replace: mode == Mode::Replace,
        wait_ms: 1_000,
        memory_budget_bytes: 1 << 20,
    };
    let mut import = book.begin_import(options).unwrap();
    let mut gathered = Gathered::default();
    let mut problems = Vec::new();
    let notes =
        gather(paths, &mut import, at(now), &mut gathered, &mut |_, _, _| {}, &mut |p| problems.push(p))
            .unwrap();
    assert_eq!(problems, Vec::new());
    take(book, &mut import, "files", at(now), gathered, mode).unwrap();
    (import.finish(Finish::Commit).unwrap().facts, notes)
}

#[test]
fn however_it_is_written_it_says_the_same() {
    let all: Vec<Value> = account(4).into_values().flatten().collect();
    let lines: String = all.iter().map(|o| format!("{o}\n")).collect();
    let page =
        |objects: &[Value]| json!({"object": "list", "has_more": false, "url": "/v1/x", "data": objects});
    let (one, two) = all.split_at(5);
    let written = [
        lines,
        json!(all).to_string(),
        serde_json::to_string_pretty(&all).unwrap(),
        page(&all).to_string(),
        format!(
            "{}\n{}",
            serde_json::to_string_pretty(&page(one)).unwrap(),
            serde_json::to_string_pretty(&page(two)).unwrap()
        ),
    ];
    let mut said: Option<Vec<String>> = None;
    for text in written {
        let folder = tempfile::tempdir().unwrap();
        let book = book(&folder.path().join("book"));
        let path = folder.path().join("export");
        std::fs::write(&path, &text).unwrap();
        assert!(is_stripe_json(&path).unwrap());
        let (facts, _) = import(&book, std::slice::from_ref(&path), NOW, Mode::Tell);
        assert!(facts > 0);
        assert_eq!(
            import(&book, std::slice::from_ref(&path), NOW + 9, Mode::Tell).0,
            0,
            "said twice adds nothing"
        );
        // Each fact points to a line that is an object of its own.
        let snapshot = book.snapshot().unwrap();
        let facts = snapshot.customer("cus_0001").unwrap().unwrap().facts;
        for fact in &facts {
            let payload = snapshot.payload(fact.payload.payload).unwrap().unwrap();
            let kept = std::fs::read_to_string(&payload.path).unwrap();
            let line = kept.lines().nth(fact.payload.row as usize - 1).unwrap();
            let object: Value = serde_json::from_str(line).unwrap();
            assert!(object["id"].as_str().unwrap().contains("0001"), "{line}");
        }
        let states = held(&book);
        assert_eq!(said.get_or_insert_with(|| states.clone()), &states);
    }
}

#[test]
fn files_given_one_after_the_other_are_told_together() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (book(&folder.path().join("one")), book(&folder.path().join("two")));
    let mut paths = Vec::new();
    for (name, objects) in account(4) {
        let path = folder.path().join(&name);
        std::fs::write(&path, objects.iter().map(|o| format!("{o}\n")).collect::<String>()).unwrap();
        paths.push(path);
    }
    import(&one, &paths, NOW, Mode::Tell);
    for path in &paths {
        import(&two, std::slice::from_ref(path), NOW, Mode::Tell);
    }
    let plain = |book: &Book| -> Vec<String> {
        held(book).into_iter().map(|s| s.replace(" rebuilt", "").replace(" seen", "")).collect()
    };
    assert_eq!(plain(&one), plain(&two));
}

#[test]
fn test_data_and_other_files_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(&folder.path().join("book"));
    let mut all: Vec<Value> = account(2).into_values().flatten().collect();
    let mut test = crate::account::subscription(1, 99);
    test["livemode"] = json!(false);
    test["id"] = json!("sub_test");
    all.push(test);
    let path = folder.path().join("export");
    std::fs::write(&path, json!(all).to_string()).unwrap();
    let (_, notes) = import(&book, std::slice::from_ref(&path), NOW, Mode::Tell);
    assert!(notes.iter().any(|n| n.contains("1 objects of test mode")), "{notes:?}");
    assert!(!held(&book).iter().any(|s| s.contains("x99")));
    for text in ["customer,plan\n", "{\"customer\":\"a\",\"amount\":1}\n", "[]"] {
        let path = folder.path().join("other");
        std::fs::write(&path, text).unwrap();
        assert!(!is_stripe_json(&path).unwrap(), "{text}");
    }
}

#[test]
fn the_whole_truth_replaces_what_was_said_before() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(&folder.path().join("book"));
    let path = folder.path().join("export");
    let write = |customers: usize| {
        let all: Vec<Value> = account(customers).into_values().flatten().collect();
        std::fs::write(&path, json!(all).to_string()).unwrap();
    };
    write(3);
    import(&book, std::slice::from_ref(&path), NOW, Mode::Tell);
    write(2);
    import(&book, std::slice::from_ref(&path), NOW + 9, Mode::Replace);
    let states = held(&book);
    assert!(!states.is_empty() && !states.iter().any(|s| s.starts_with("cus_0002")), "{states:?}");
}
