//! What can go wrong, in words that tell an attacker nothing.

use crate::permission::Action;
use netnew_book::BookError;
use std::io;
use std::path::PathBuf;

/// An error of access: what, and a hint. No message holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The book.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The catalog.
    #[error("catalog: {0}")]
    Catalog(#[from] rusqlite::Error),
    /// The catalog holds something that was not written by this program.
    #[error("book.db: {0}")]
    Damaged(String),
    /// The operating system gave no random bytes.
    #[error("no random numbers from the operating system: {0}")]
    Randomness(String),
    /// A hash could not be made.
    #[error("the password could not be hashed: {0}")]
    Hashing(String),
    /// Not allowed.
    #[error("{who} may not {}", action.as_str().replace('_', " "))]
    Forbidden {
        /// Who asked.
        who: String,
        /// For what.
        action: Action,
    },
    /// A password nobody should have.
    #[error("that password cannot be used: {0}")]
    WeakPassword(&'static str),
    /// Not an e-mail address.
    #[error("{0:?} is not an e-mail address")]
    BadEmail(String),
    /// Somebody has this e-mail address already.
    #[error("{0} is a user already")]
    EmailTaken(String),
    /// There is an owner already.
    #[error("this book has its owner already")]
    AlreadySetUp,
    /// A one-time link that was never made, was used, was withdrawn or is too old: which of them is not said.
    #[error("this link is not valid, or not any more")]
    BadLink,
    /// The last owner would be gone.
    #[error("{0} is the last owner")]
    LastOwner(String),
    /// There is no such user.
    #[error("there is no user {0}")]
    NoUser(i64),
    /// Wrong e-mail or password, or a disabled user: which of them is not said.
    #[error("wrong e-mail or password")]
    BadLogin,
    /// Too many attempts.
    #[error("too many attempts; the next is possible in {wait_seconds} seconds")]
    TooMany {
        /// How long to wait.
        wait_seconds: u64,
    },
    /// Two keys with one name.
    #[error("there is a key named {0:?} already")]
    NameTaken(String),
    /// A name nobody could type.
    #[error("{0:?} cannot be a name")]
    BadName(String),
    /// There is no such key.
    #[error("there is no key named {0:?}")]
    NoKey(String),
    /// There is no such share link.
    #[error("there is no share link {0}")]
    NoShare(i64),
    /// A page that cannot be shared.
    #[error("{0:?} cannot be shared")]
    BadPage(String),
    /// A link that would end before it begins, or never.
    #[error("a share link has to end within {0} days from now")]
    BadExpiry(i64),
    /// A key for secrets that is none.
    #[error("{from} is not a secret key: {what}")]
    BadSecretKey {
        /// Where it came from.
        from: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A key file that others can read.
    #[error("others may read {path} (mode {mode:o})")]
    LooseKeyFile {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A secret was sealed with a key that is not the one given.
    #[error("the secret {0:?} was sealed with another key")]
    OtherKey(String),
    /// A sealed secret was changed, or moved to another name.
    #[error("the secret {0:?} was tampered with")]
    Tampered(String),
    /// Not JSON.
    #[error("the setting {0:?} is not JSON")]
    NotJson(String),
    /// An annotation that is none.
    #[error("an annotation is one line of 1 to {0} characters")]
    BadAnnotation(usize),
    /// More goals or annotations than anybody reads.
    #[error("there are {1} {0} already")]
    TooManyMarks(&'static str, usize),
    /// There is no such goal or annotation.
    #[error("there is no {0} {1:?}")]
    NoMark(&'static str, String),
    /// The file system.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl AccessError {
    /// Stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            AccessError::Book(error) => error.code(),
            AccessError::Catalog(_) => "catalog",
            AccessError::Damaged(_) => "damaged_catalog",
            AccessError::Randomness(_) | AccessError::Hashing(_) => "system",
            AccessError::Forbidden { .. } => "forbidden",
            AccessError::WeakPassword(_) => "weak_password",
            AccessError::BadEmail(_) => "bad_email",
            AccessError::EmailTaken(_) => "email_taken",
            AccessError::AlreadySetUp => "already_set_up",
            AccessError::BadLink => "bad_link",
            AccessError::LastOwner(_) => "last_owner",
            AccessError::NoUser(_) => "unknown_user",
            AccessError::BadLogin => "bad_login",
            AccessError::TooMany { .. } => "too_many_attempts",
            AccessError::NameTaken(_) => "name_taken",
            AccessError::BadName(_) => "bad_name",
            AccessError::NoKey(_) => "unknown_key",
            AccessError::NoShare(_) => "unknown_share",
            AccessError::BadPage(_) => "bad_page",
            AccessError::BadExpiry(_) => "bad_expiry",
            AccessError::BadSecretKey { .. } => "bad_secret_key",
            AccessError::LooseKeyFile { .. } => "loose_key_file",
            AccessError::OtherKey(_) => "other_secret_key",
            AccessError::Tampered(_) => "tampered_secret",
            AccessError::NotJson(_) => "not_json",
            AccessError::BadAnnotation(_) => "bad_annotation",
            AccessError::TooManyMarks(..) => "too_many_marks",
            AccessError::NoMark("goal", _) => "unknown_goal",
            AccessError::NoMark(..) => "unknown_annotation",
            AccessError::Io { .. } => "io",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            AccessError::Book(error) => return error.hint(),
            AccessError::Catalog(_) | AccessError::Damaged(_) => {
                "run `netnew check store`; restore from a backup if it cannot be read"
            }
            AccessError::Randomness(_) | AccessError::Hashing(_) => {
                "the system may be short of memory or entropy; try again"
            }
            AccessError::Forbidden { .. } => "ask an owner of the book, or use a key with a wider scope",
            AccessError::WeakPassword(_) => "take at least 10 characters; four unrelated words are good",
            AccessError::BadEmail(_) => "write it like name@example.com",
            AccessError::EmailTaken(_) => "change the role of the user, or enable them again",
            AccessError::AlreadySetUp => "sign in, or ask an owner for an invitation",
            AccessError::BadLink => "links work once and for a limited time; ask for a new one",
            AccessError::LastOwner(_) => "make somebody else an owner first",
            AccessError::NoUser(_) => "list the users; somebody may have been quicker",
            AccessError::BadLogin => "an owner can make a link for a new password",
            AccessError::TooMany { .. } => "wait; further attempts before then are not looked at",
            AccessError::NameTaken(_) => "revoke that one first, or take another name",
            AccessError::BadName(_) => "take 1 to 64 letters, digits, spaces, dots, dashes or underscores",
            AccessError::NoKey(_) => "`netnew keys list` names those there are",
            AccessError::NoShare(_) => "list the share links; it may have been revoked",
            AccessError::BadPage(_) => "share a page by its plain path, for example /board, and a query without a fragment",
            AccessError::BadExpiry(_) => "make a new link when this one ends",
            AccessError::BadSecretKey { .. } => "a key is 64 hexadecimal digits; `openssl rand -hex 32` makes one",
            AccessError::LooseKeyFile { path, .. } => return format!("chmod 600 {}", path.display()),
            AccessError::OtherKey(_) => {
                "give the key it was sealed with (NETNEW_SECRET_KEY, or secret.key beside the book), or set the secret again"
            }
            AccessError::Tampered(_) => "set it again, and look at who can write to the book's files",
            AccessError::NotJson(_) => "set it again",
            AccessError::BadAnnotation(_) => "say it shorter: it stands on the charts",
            AccessError::TooManyMarks(..) => "remove some that are over",
            AccessError::NoMark("goal", _) => "`netnew goals` names those there are",
            AccessError::NoMark(..) => "`netnew annotations` names those there are",
            AccessError::Io { .. } => "check the path, its permissions and the free space",
        }
        .into()
    }
}
