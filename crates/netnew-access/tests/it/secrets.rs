//! Sealed secrets: at rest, moved, tampered with, under another key, through a rotation.

use crate::{Desk, code, day};
use netnew_access::{Access, Secret, SecretKey, Who};
use netnew_book::Book;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;

const HEX: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const SMTP: &str = "hunter2-but-for-mail";

fn sealed(desk: &Desk, key: &SecretKey) {
    desk.access.set_secret(&Who::console(), key, "smtp", &Secret::new(SMTP), day(0)).unwrap();
}

#[test]
fn a_secret_comes_back_and_lies_nowhere_in_the_clear() {
    let desk = Desk::new();
    let key = desk.access.secret_key(None).unwrap();
    sealed(&desk, &key);
    assert_eq!(desk.access.secret(&key, "smtp").unwrap().unwrap().reveal(), SMTP);
    assert_eq!(desk.access.secret(&key, "other").unwrap(), None);
    assert!(!desk.stores(SMTP));
    assert!(!format!("{:?} {key:?}", Secret::new(SMTP)).contains(SMTP));
    let file = desk.book.dir().join("secret.key");
    let digits = std::fs::read_to_string(&file).unwrap();
    assert!(!format!("{key:?}").contains(digits.trim()));
    assert!(!desk.stores(digits.trim()));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(desk.access.secrets(&Who::console()).unwrap(), [("smtp".to_string(), day(0))]);
    assert_eq!(desk.trail(), ["console set_secret smtp"]);
    assert!(desk.access.remove_secret(&Who::console(), "smtp", day(0)).unwrap());
    assert!(!desk.access.remove_secret(&Who::console(), "smtp", day(0)).unwrap());
}

#[test]
fn the_key_file_is_made_once_and_has_to_be_private() {
    let desk = Desk::new();
    let first = desk.access.secret_key(None).unwrap();
    let again = Access::open(&desk.book).unwrap().secret_key(None).unwrap();
    assert_eq!(first.id(), again.id());
    let file = desk.book.dir().join("secret.key");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(code(desk.access.secret_key(None)), "loose_key_file");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&file, "hello").unwrap();
    assert_eq!(code(desk.access.secret_key(None)), "bad_secret_key");
}

#[test]
fn several_at_once_agree_on_one_key() {
    let desk = Desk::new();
    let ids: Vec<[u8; 8]> = std::thread::scope(|scope| {
        let one = || Access::open(&desk.book).unwrap().secret_key(None).unwrap().id();
        let running: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[test]
fn a_given_key_makes_no_file_and_has_to_be_one() {
    let desk = Desk::new();
    let key = desk.access.secret_key(Some(HEX)).unwrap();
    sealed(&desk, &key);
    assert!(!desk.book.dir().join("secret.key").exists());
    for odd in ["abc", &"0".repeat(64), &"zz".repeat(32), &format!("{HEX}00")] {
        let error = desk.access.secret_key(Some(odd)).unwrap_err();
        assert_eq!(error.code(), "bad_secret_key");
        assert!(!error.to_string().contains(odd), "an error does not repeat a key");
    }
    let file = desk.access.secret_key(Some(" ")).unwrap();
    assert_eq!(code(desk.access.secret(&file, "smtp")), "other_secret_key");
}

#[test]
fn what_was_moved_or_changed_is_refused() {
    let desk = Desk::new();
    let key = desk.access.secret_key(None).unwrap();
    sealed(&desk, &key);
    desk.access.set_secret(&Who::console(), &key, "stripe", &Secret::new("sk_live"), day(0)).unwrap();
    let db = desk.book.connect().unwrap();
    db.execute(
        "UPDATE sealed SET (nonce, sealed) = (SELECT nonce, sealed FROM sealed WHERE name = 'stripe')",
        [],
    )
    .unwrap();
    assert_eq!(code(desk.access.secret(&key, "smtp")), "tampered_secret");
    assert_eq!(desk.access.secret(&key, "stripe").unwrap().unwrap().reveal(), "sk_live");
    db.execute("UPDATE sealed SET sealed = zeroblob(length(sealed)), nonce = substr(nonce, 2)", []).unwrap();
    assert_eq!(code(desk.access.secret(&key, "stripe")), "tampered_secret");
    assert_eq!(code(desk.access.rotate_file(&Who::console(), day(0))), "tampered_secret");
    assert_eq!(
        desk.access.secret_key(None).unwrap().id(),
        key.id(),
        "a rotation that failed changed nothing"
    );
}

#[test]
fn a_rotation_seals_all_anew() {
    let desk = Desk::new();
    let by = Who::console();
    let old = desk.access.secret_key(None).unwrap();
    sealed(&desk, &old);
    assert_eq!(desk.access.rotate_file(&by, day(1)).unwrap(), 1);
    let new = desk.access.secret_key(None).unwrap();
    assert_ne!(old.id(), new.id());
    assert_eq!(desk.access.secret(&new, "smtp").unwrap().unwrap().reveal(), SMTP);
    assert_eq!(code(desk.access.secret(&old, "smtp")), "other_secret_key");
    assert!(!desk.book.dir().join("secret.key.next").exists());
    let given = SecretKey::from_hex(HEX, "a test").unwrap();
    assert_eq!(desk.access.rotate(&by, &new, &given, day(2)).unwrap(), 1);
    assert_eq!(code(desk.access.rotate(&by, &new, &old, day(2))), "other_secret_key");
    assert_eq!(desk.access.secret(&given, "smtp").unwrap().unwrap().reveal(), SMTP);
}

#[test]
fn a_rotation_cut_short_leaves_the_key_that_fits() {
    let desk = Desk::new();
    let by = Who::console();
    let old = desk.access.secret_key(None).unwrap();
    sealed(&desk, &old);
    let next = desk.book.dir().join("secret.key.next");
    let private = |text: &str| {
        std::fs::write(&next, text).unwrap();
        std::fs::set_permissions(&next, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    // Before the next key was written whole, and after that but before the commit.
    for text in ["", "0011", HEX] {
        private(text);
        assert_eq!(desk.access.secret_key(None).unwrap().id(), old.id());
    }
    // After the commit, before the key got its place.
    let new = SecretKey::from_hex(HEX, "a test").unwrap();
    desk.access.rotate(&by, &old, &new, day(1)).unwrap();
    let found = desk.access.secret_key(None).unwrap();
    assert_eq!(found.id(), new.id());
    assert!(!next.exists());
    assert_eq!(desk.access.secret(&found, "smtp").unwrap().unwrap().reveal(), SMTP);
}

#[test]
fn a_backup_holds_the_sealed_and_not_the_key() {
    let desk = Desk::new();
    let key = desk.access.secret_key(None).unwrap();
    sealed(&desk, &key);
    let (file, dir) = (desk.dir.path().join("b.netnew"), desk.dir.path().join("restored"));
    desk.book.backup(&file).unwrap();
    Book::restore(&file, &dir).unwrap();
    assert!(!dir.join("secret.key").exists());
    let restored = Access::open(&Book::open_at(&dir).unwrap()).unwrap();
    let other = restored.secret_key(None).unwrap();
    assert_eq!(code(restored.secret(&other, "smtp")), "other_secret_key");
    assert_eq!(
        restored.secret(&key, "smtp").unwrap().unwrap().reveal(),
        SMTP,
        "with the key beside the old book"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_text_can_be_sealed(text in ".{0,200}") {
        thread_local! { static DESK: (Desk, SecretKey) = {
            let desk = Desk::new();
            let key = SecretKey::from_hex(HEX, "a test").unwrap();
            (desk, key)
        } }
        DESK.with(|(desk, key)| {
            desk.access.set_secret(&Who::console(), key, "any", &Secret::new(&text), day(0)).unwrap();
            let back = desk.access.secret(key, "any").unwrap().unwrap();
            prop_assert_eq!(back.reveal(), text);
            Ok(())
        })?;
    }
}
