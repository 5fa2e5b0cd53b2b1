//! Secrets that are given out once: random, and kept here only as a hash.

use crate::error::AccessError;
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What is stored of a secret.
pub type Hash = [u8; 32];

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 43 digits of 62 hold 256 bits.
const BODY: usize = 43;
const CHECK: usize = 6;

/// A secret in the clear: wiped when dropped, and hidden from debug output. Whoever wants to print it has to say so
/// with [`Secret::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text in.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(text.into()))
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Random bytes from the operating system.
pub fn random<const N: usize>() -> Result<[u8; N], AccessError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| AccessError::Randomness(error.to_string()))?;
    Ok(bytes)
}

/// The hash under which a secret is looked up. A secret of 256 random bits needs neither salt nor a slow hash; looking
/// up by hash also tells a stopwatch nothing about the secret.
pub fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

/// Equality that takes as long wherever the two differ.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// Makes a secret: the prefix, 256 random bits, and a checksum that tells a typing error from a wrong secret.
pub fn make(prefix: &str) -> Result<Secret, AccessError> {
    let bytes = Zeroizing::new(random::<32>()?);
    let mut text = Zeroizing::new(format!("{prefix}{}", base62(&*bytes, BODY)));
    let check = checksum(&text);
    text.push_str(&check);
    Ok(Secret(text))
}

/// Whether a text has the shape [`make`] gives for this prefix, checksum included. Says nothing about whether it is
/// one that was given out.
pub fn well_formed(prefix: &str, text: &str) -> bool {
    let Some(rest) = text.strip_prefix(prefix) else { return false };
    if rest.len() != BODY + CHECK || !rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return false;
    }
    let (before, check) = text.split_at(prefix.len() + BODY);
    same(checksum(before).as_bytes(), check.as_bytes())
}

fn checksum(text: &str) -> String {
    let digest = Sha256::new().chain_update(b"netnew checksum 1\n").chain_update(text).finalize();
    base62(&digest[..4], CHECK)
}

/// Big-endian bytes as digits of 62, padded with zeros to a length that holds them.
fn base62(bytes: &[u8], length: usize) -> String {
    let mut number = Zeroizing::new(bytes.to_vec());
    let mut out = vec![b'0'; length];
    for slot in out.iter_mut().rev() {
        let mut rest = 0u32;
        for byte in number.iter_mut() {
            let value = rest << 8 | u32::from(*byte);
            *byte = (value / 62) as u8;
            rest = value % 62;
        }
        *slot = DIGITS[rest as usize];
    }
    out.into_iter().map(char::from).collect()
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_are_of_the_number() {
        assert_eq!(base62(&[0], 3), "000");
        assert_eq!(base62(&[61], 2), "0z");
        assert_eq!(base62(&[1, 0], 3), "048", "256 = 4 * 62 + 8");
        assert_eq!(base62(&[255; 4], 6), "4gfFC3", "2^32 - 1 fits six digits");
        assert_eq!(
            base62(&[255; 32], 43),
            "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1",
            "and 2^256 - 1 forty-three"
        );
    }

    #[test]
    fn no_two_are_alike_and_debug_hides_them() {
        let (a, b) = (make("nn_r").unwrap(), make("nn_r").unwrap());
        assert_ne!(a, b);
        assert_eq!(format!("{a:?}"), "Secret(..)");
        assert!(well_formed("nn_r", a.reveal()));
        assert!(!well_formed("nn_w", a.reveal()));
    }

    proptest! {
        #[test]
        fn one_wrong_letter_shows(at in 0usize..49, to in "[0-9A-Za-z]") {
            let secret = make("nn_r").unwrap();
            let mut text = secret.reveal().to_string();
            text.replace_range(4 + at..5 + at, &to);
            prop_assert_eq!(well_formed("nn_r", &text), text == secret.reveal());
        }

        #[test]
        fn any_text_can_be_asked_about(text in ".{0,80}") {
            prop_assert!(!well_formed("nn_r", &text));
            prop_assert!(!well_formed("", &text) || text.len() == 49);
        }
    }
}
