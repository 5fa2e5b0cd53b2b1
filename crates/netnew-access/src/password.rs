//! Passwords: which are refused, and how they are hashed.

use crate::error::AccessError;
use crate::token::{Secret, random};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use std::sync::OnceLock;

/// Shortest password, in characters.
pub const SHORTEST: usize = 10;
const LONGEST: usize = 1024;

/// Argon2id with 19 MiB, two passes, one lane: the least that OWASP recommends, so that a small server can take several
/// sign-ins at once. Hashes say what they were made with, and an older one is replaced at the next sign-in.
fn hasher() -> Result<Argon2<'static>, AccessError> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|e| AccessError::Hashing(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes a password with a salt of its own.
pub fn hash(password: &Secret) -> Result<String, AccessError> {
    let salt = random::<16>()?;
    let hash: PasswordHash = hasher()?
        .hash_password_with_salt(password.reveal().as_bytes(), &salt)
        .map_err(|e| AccessError::Hashing(e.to_string()))?;
    Ok(hash.to_string())
}

/// Whether a password is the hashed one. A hash that cannot be read fits nothing.
pub fn fits(password: &Secret, hash: &str) -> bool {
    // Hashing a megabyte that somebody sent is work for nothing: no such password was ever taken.
    if password.reveal().len() > LONGEST {
        return false;
    }
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    hasher().is_ok_and(|hasher| hasher.verify_password(password.reveal().as_bytes(), &hash).is_ok())
}

/// Whether a hash was made with other parameters than today's.
pub fn outdated(hash: &str) -> bool {
    !hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
}

/// A hash that no password fits, made once: checking against it takes as long as against a real one.
#[derive(Default)]
pub struct Dummy(OnceLock<String>);

impl Dummy {
    /// The hash.
    pub fn hash(&self) -> Result<&str, AccessError> {
        if let Some(hash) = self.0.get() {
            return Ok(hash);
        }
        let made = hash(&crate::token::make("")?)?;
        Ok(self.0.get_or_init(|| made))
    }
}

/// Refuses passwords that would be among the first guesses of somebody who knows the e-mail address.
pub fn check(password: &Secret, email: &str) -> Result<(), AccessError> {
    let text = password.reveal();
    if text.chars().count() < SHORTEST {
        return Err(AccessError::WeakPassword("it is shorter than 10 characters"));
    }
    if text.len() > LONGEST {
        return Err(AccessError::WeakPassword("it is longer than 1,024 bytes"));
    }
    let letters: Vec<char> = text.to_lowercase().chars().collect();
    let mut different = letters.clone();
    different.sort_unstable();
    different.dedup();
    if different.len() < 4 {
        return Err(AccessError::WeakPassword("it is made of fewer than four different characters"));
    }
    let steps = letters.windows(2).filter(|w| (w[1] as i64 - w[0] as i64).abs() == 1).count();
    if steps + 2 >= letters.len() {
        return Err(AccessError::WeakPassword("it is a row of neighbours, like 123456789"));
    }
    if too_like(text, email) {
        return Err(AccessError::WeakPassword("it is the e-mail address, or little more"));
    }
    Ok(())
}

/// Whether the letters of a password are the e-mail address, a part of it, or one of these backwards.
fn too_like(password: &str, email: &str) -> bool {
    let bare = |text: &str| -> String { text.to_lowercase().chars().filter(|c| c.is_alphabetic()).collect() };
    let whole =
        |text: &str| -> String { text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect() };
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    let company = domain.split('.').next().unwrap_or_default();
    [email, local, domain, company].iter().any(|part| {
        [bare, whole].iter().any(|of| {
            let (part, password) = (of(part), of(password));
            let backwards: String = part.chars().rev().collect();
            !part.is_empty() && (password == part || password == backwards || password == part.repeat(2))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(password: &str) -> bool {
        check(&Secret::new(password), "ada.lovelace@engines.example").is_err()
    }

    #[test]
    fn first_guesses_are_refused() {
        for bad in [
            "short",
            "123456789",
            "0123456789",
            "9876543210",
            "abcdefghijkl",
            "aaaaaaaaaaaa",
            "abababababab",
            "ada.lovelace@engines.example",
            "ADA.LOVELACE",
            "adalovelace1843!",
            "ecalevolada",
            "enginesengines",
            "engines.example",
        ] {
            assert!(refused(bad), "{bad}");
        }
        for good in ["correct horse", "ünïcödé-ïs-fïne", "Ada likes 7 looms", "pA7#kk02Lm"] {
            assert!(!refused(good), "{good}");
        }
        assert!(refused(&"long ones".repeat(200)));
    }

    #[test]
    fn hashes_fit_their_password_only() {
        let (one, two) = (Secret::new("correct horse"), Secret::new("correct horsf"));
        let hashed = hash(&one).unwrap();
        assert!(fits(&one, &hashed) && !fits(&two, &hashed));
        assert_ne!(hashed, hash(&one).unwrap(), "salted");
        assert!(!outdated(&hashed));
        assert!(outdated(&hashed.replace("t=2", "t=1")));
        assert!(!fits(&one, "nonsense") && !fits(&one, ""));
        let dummy = Dummy::default();
        assert!(!fits(&one, dummy.hash().unwrap()));
        assert!(!outdated(dummy.hash().unwrap()), "as much work as a real one");
    }

    proptest! {
        #[test]
        fn any_text_can_be_checked(password in ".{0,60}", email in ".{0,30}") {
            let _ = check(&Secret::new(password), &email);
        }
    }
}
