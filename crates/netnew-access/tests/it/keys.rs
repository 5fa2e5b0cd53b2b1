//! API keys: shown once, verified, revoked, misused.

use crate::{Desk, code, day, second};
use netnew_access::{Access, Scope, Who};
use proptest::prelude::*;

#[test]
fn a_key_works_until_it_is_revoked() {
    let desk = Desk::new();
    let by = Who::console();
    for scope in Scope::ALL {
        let name = scope.as_str();
        let key = desk.access.create_key(&by, name, *scope, day(0)).unwrap();
        let found = desk.access.verify_key(key.reveal(), day(1)).unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.scope), (name, *scope));
        assert!(!desk.stores(&key.reveal()[8..]), "the catalog holds no key");
        desk.access.revoke_key(&by, name, day(2)).unwrap();
        assert_eq!(desk.access.verify_key(key.reveal(), day(2)).unwrap(), None);
        assert_eq!(
            desk.access.verify_key(key.reveal(), day(1)).unwrap(),
            None,
            "nor with the clock set back"
        );
        assert_eq!(code(desk.access.revoke_key(&by, name, day(2))), "unknown_key");
        let again = desk.access.create_key(&by, name, *scope, day(3)).unwrap();
        assert_eq!(
            desk.access.verify_key(key.reveal(), day(3)).unwrap(),
            None,
            "the name is free, the key is not"
        );
        assert!(desk.access.verify_key(again.reveal(), day(3)).unwrap().is_some());
    }
}

#[test]
fn another_process_sees_a_revocation_at_once() {
    let desk = Desk::new();
    let other = Access::open(&desk.book).unwrap();
    let key = desk.access.create_key(&Who::console(), "ci", Scope::Read, day(0)).unwrap();
    assert!(other.verify_key(key.reveal(), day(0)).unwrap().is_some());
    desk.access.revoke_key(&Who::console(), "ci", day(0)).unwrap();
    assert_eq!(other.verify_key(key.reveal(), day(0)).unwrap(), None);
}

#[test]
fn its_use_is_noted_once_a_minute_and_never_backwards() {
    let desk = Desk::new();
    let by = Who::console();
    let key = desk.access.create_key(&by, "ci", Scope::Read, second(0)).unwrap();
    let used = |at: i64| {
        assert!(desk.access.verify_key(key.reveal(), second(at)).unwrap().is_some());
        desk.access.keys(&by).unwrap()[0].last_used_at.unwrap()
    };
    assert_eq!(desk.access.keys(&by).unwrap()[0].last_used_at, None);
    assert_eq!(used(10), second(10));
    assert_eq!(used(69), second(10));
    assert_eq!(used(70), second(70));
    assert_eq!(used(5), second(70), "the clock was set back");
}

#[test]
fn a_key_verifies_while_somebody_else_writes() {
    let desk = Desk::new();
    let key = desk.access.create_key(&Who::console(), "ci", Scope::Read, day(0)).unwrap();
    let mut other = desk.book.connect().unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    assert!(desk.access.verify_key(key.reveal(), day(1)).unwrap().is_some());
    drop(held);
    assert_eq!(desk.access.keys(&Who::console()).unwrap()[0].last_used_at, None, "its use was left out");
}

#[test]
fn a_changed_scope_letter_is_another_key() {
    let desk = Desk::new();
    let key = desk.access.create_key(&Who::console(), "ci", Scope::Read, day(0)).unwrap();
    let raised = key.reveal().replacen("nn_r", "nn_a", 1);
    assert_eq!(desk.access.verify_key(&raised, day(0)).unwrap(), None);
    // Somebody who can write to the catalog, but not sign, cannot raise it quietly either.
    desk.book.connect().unwrap().execute("UPDATE api_keys SET scope = 'admin'", []).unwrap();
    assert_eq!(desk.access.verify_key(key.reveal(), day(0)).unwrap(), None);
}

#[test]
fn names_and_rights_are_checked() {
    let desk = Desk::new();
    let by = Who::console();
    desk.access.create_key(&by, " ci ", Scope::Read, day(0)).unwrap();
    assert_eq!(code(desk.access.create_key(&by, "ci", Scope::Write, day(0))), "name_taken");
    for odd in ["", "  ", "a\nb", "a;b", &"x".repeat(65)] {
        assert_eq!(code(desk.access.create_key(&by, odd, Scope::Read, day(0))), "bad_name");
    }
    let write = desk.access.create_key(&by, "w", Scope::Write, day(0)).unwrap();
    let write = desk.access.verify_key(write.reveal(), day(0)).unwrap().unwrap();
    let who = Who::key(&write, "203.0.113.9");
    assert_eq!(code(desk.access.create_key(&who, "more", Scope::Read, day(0))), "forbidden");
    assert_eq!(code(desk.access.revoke_key(&who, "ci", day(0))), "forbidden");
    assert_eq!(code(desk.access.keys(&who)), "forbidden");
    assert_eq!(code(desk.access.trail(&who, None, 1)), "forbidden");
    assert_eq!(desk.trail(), ["console create_key w", "console create_key ci"]);
}

#[test]
fn the_trail_is_only_added_to() {
    let desk = Desk::new();
    desk.access.create_key(&Who::console(), "ci", Scope::Read, day(0)).unwrap();
    let db = desk.book.connect().unwrap();
    for tampering in ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"] {
        assert!(db.execute(tampering, []).unwrap_err().to_string().contains("only added to"));
    }
    for at in [day(1), day(-1), day(2)] {
        desk.access.note(&Who::console(), "look", "", &serde_json::json!({}), at).unwrap();
    }
    let lines = desk.access.trail(&Who::console(), None, 2).unwrap();
    assert_eq!(
        (lines[0].at, lines[1].at),
        (day(2), day(-1)),
        "in the order of doing, whatever the clock says"
    );
    let older = desk.access.trail(&Who::console(), Some(lines[1].id), 100).unwrap();
    assert_eq!(older.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn nothing_but_the_key_is_the_key(at in 0usize..53, to in "[ -~]", noise in ".{0,60}") {
        thread_local! { static DESK: (Desk, String) = {
            let desk = Desk::new();
            let key = desk.access.create_key(&Who::console(), "ci", Scope::Admin, day(0)).unwrap();
            (desk, key.reveal().to_string())
        } }
        DESK.with(|(desk, key)| {
            let mut changed = key.clone();
            changed.replace_range(at..=at, &to);
            let good = |text: &str| desk.access.verify_key(text, day(0)).unwrap().is_some();
            prop_assert_eq!(good(&changed), &changed == key);
            prop_assert!(!good(&noise));
            let (short, long) = (&key[..at], format!("{key}{to}"));
            prop_assert!(!good(short));
            prop_assert!(!good(&long));
            Ok(())
        })?;
    }
}
