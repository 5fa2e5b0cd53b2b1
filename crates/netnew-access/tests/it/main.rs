//! Access from outside: on a real book in a temporary folder, with a clock that the tests move.

mod keys;
mod people;
mod secrets;
mod sessions;
mod shares;

use netnew_access::{Access, Secret, SetupProof, User, Who};
use netnew_book::{Book, Settings};
use netnew_money::{Currency, Instant};

/// A password that is taken.
pub const PASSWORD: &str = "four looms and a lamp";

/// A book, its access rooms, and an owner if asked for.
pub(crate) struct Desk {
    /// A folder for more than the book.
    pub dir: tempfile::TempDir,
    /// The book.
    pub book: Book,
    /// Its access rooms.
    pub access: Access,
}

impl Desk {
    /// Without anybody.
    pub(crate) fn new() -> Desk {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            currency: Currency::parse("USD").unwrap(),
            timezone: "UTC".into(),
            policy: "default".into(),
        };
        let book = Book::create_at(&dir.path().join("book"), &settings).unwrap();
        let access = Access::open(&book).unwrap();
        Desk { dir, book, access }
    }

    /// With an owner, `ada@engines.example`.
    pub(crate) fn owned() -> (Desk, User) {
        let desk = Desk::new();
        let ada = desk
            .access
            .set_up(SetupProof::Loopback, "ada@engines.example", &password(), "127.0.0.1", day(0))
            .unwrap();
        (desk, ada)
    }

    /// The catalog's bytes, write-ahead log included.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for name in ["book.db", "book.db-wal"] {
            out.extend(std::fs::read(self.book.dir().join(name)).unwrap_or_default());
        }
        out
    }

    /// Whether a text stands anywhere in the catalog.
    pub(crate) fn stores(&self, text: &str) -> bool {
        self.bytes().windows(text.len()).any(|w| w == text.as_bytes())
    }

    /// What was done, newest first.
    pub(crate) fn trail(&self) -> Vec<String> {
        let lines = self.access.trail(&Who::console(), None, 100).unwrap();
        lines.iter().map(|line| format!("{} {} {}", line.actor, line.action, line.subject)).collect()
    }
}

/// [`PASSWORD`] as a secret.
pub fn password() -> Secret {
    Secret::new(PASSWORD)
}

/// Seconds after the beginning.
pub fn second(seconds: i64) -> Instant {
    Instant::from_micros((1_790_000_000 + seconds) * 1_000_000)
}

/// Days after the beginning.
pub fn day(days: i64) -> Instant {
    second(days * 86_400)
}

/// The code of an error.
pub fn code<T: std::fmt::Debug>(result: Result<T, netnew_access::AccessError>) -> &'static str {
    let error = result.expect_err("an error");
    assert!(!error.hint().is_empty(), "{error} has no hint");
    error.code()
}
