//! `netnew keys`, and where secrets must not turn up.

use crate::harness::{Desk, rows};
use netnew_access::{Access, Scope, Secret, SetupProof, Who};
use netnew_book::Book;
use netnew_money::Instant;

const NOW: &str = "2026-04-15T12:00:00Z";

fn create(desk: &Desk, args: &[&str]) -> String {
    let mut all = vec!["keys", "create"];
    all.extend(args);
    let output = desk.run(&all);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("stdout is UTF-8");
    let key = text.lines().last().expect("a line").to_string();
    assert!(!String::from_utf8_lossy(&output.stderr).contains(&key[8..]), "the key is on stdout only");
    key
}

#[test]
fn a_key_is_printed_once_listed_and_revoked() {
    let desk = Desk::new(NOW);
    assert!(rows(&desk.ok(&["keys", "list"])).is_empty());
    for (scope, format) in [("read", "json"), ("write", "table"), ("admin", "csv")] {
        let key = create(&desk, &[scope, "--scope", scope, "--format", format]);
        let access = Access::open(&Book::open_at(&desk.path("book")).unwrap()).unwrap();
        let now = Instant::parse_rfc3339("2026-04-15T12:05:00Z").unwrap();
        let found = access.verify_key(&key, now).unwrap().expect("it is good");
        assert_eq!(found.scope, Scope::parse(scope).unwrap());
        let list = desk.ok(&["keys", "list"]);
        assert!(!list.to_string().contains(&key));
        let row = rows(&list).iter().find(|row| row["name"] == scope).expect("it is listed").clone();
        assert_eq!(row["prefix"], key[..8]);
        assert_eq!((&row["created_at"], &row["last_used_at"]), (&NOW.into(), &"2026-04-15T12:05:00Z".into()));
        desk.ok(&["keys", "revoke", scope]);
        assert_eq!(access.verify_key(&key, now).unwrap(), None);
    }
    assert!(rows(&desk.ok(&["keys", "list"])).is_empty());
}

#[test]
fn wrong_use_is_refused() {
    let desk = Desk::new(NOW);
    desk.refused(&["keys", "create", "ci", "--scope", "god"], "bad_scope", 2);
    desk.refused(&["keys", "create", "ci"], "usage", 2);
    desk.refused(&["keys", "create", "a;b", "--scope", "read"], "bad_name", 1);
    desk.refused(&["keys", "revoke", "ci"], "unknown_key", 1);
    create(&desk, &["ci", "--scope", "read"]);
    desk.refused(&["keys", "create", "ci", "--scope", "read"], "name_taken", 1);
    let bare = Desk::bare(NOW);
    bare.refused(&["keys", "list"], "not_a_book", 1);
}

/// Everything that access keeps, in an export of every format: none of it is there. The formats carry the same rows; CSV
/// is the one in which a text would be seen whatever the others do to it.
#[test]
fn an_export_holds_nothing_of_access() {
    let desk = Desk::new(NOW);
    desk.import(
        "s.csv",
        "customer,subscription,effective_at,status,plan,amount\nacme,s1,2026-01-10,active,Basic,20\n",
    );
    let key = create(&desk, &["keyname-marker", "--scope", "read"]);
    let now = Instant::parse_rfc3339(NOW).unwrap();
    let access = Access::open(&Book::open_at(&desk.path("book")).unwrap()).unwrap();
    let password = Secret::new("password-marker");
    access.set_up(SetupProof::Loopback, "email-marker@x.example", &password, "", now).unwrap();
    let sealing = access.secret_key(None).unwrap();
    access
        .set_secret(&Who::console(), &sealing, "secret-marker", &Secret::new("sk_live_marker"), now)
        .unwrap();
    access.set_document(&Who::console(), "goals-marker", &serde_json::json!(1), now).unwrap();
    let digits = std::fs::read_to_string(desk.path("book").join("secret.key")).unwrap();
    let markers = ["marker", &key[8..], digits.trim(), "argon2id", "email-"];
    let found = |bytes: &[u8]| markers.iter().any(|m| bytes.windows(m.len()).any(|w| w == m.as_bytes()));
    assert!(
        found(&std::fs::read(desk.path("book").join("book.db-wal")).unwrap_or_default())
            || found(&std::fs::read(desk.path("book").join("book.db")).unwrap()),
        "the search finds what is there"
    );
    for format in ["csv", "parquet", "xlsx"] {
        let dir = desk.path(format);
        let output = desk.run(&["export", &dir.display().to_string(), "--format", format]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (mut files, mut folders) = (0, vec![dir]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                files += 1;
                assert!(!found(&std::fs::read(&path).unwrap()), "{}", path.display());
            }
        }
        assert!(files > 0, "{format} wrote nothing");
    }
}
