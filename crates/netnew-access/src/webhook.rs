//! Signing what is sent to others' servers, so that they can tell it is from here, whole, and new.
//!
//! The header is `t=SECONDS,v1=HEX`: the HMAC-SHA256, under the receiver's secret, of the timestamp in decimal, a dot,
//! and the body as sent.

use crate::token::{hex, same};
use hmac::{Hmac, KeyInit, Mac};
use netnew_money::Instant;
use sha2::Sha256;

const SECOND: i64 = crate::SECOND;

fn mac(secret: &str, seconds: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(seconds.as_bytes());
    mac.update(b".");
    mac.update(body);
    hex(&mac.finalize().into_bytes())
}

/// The header's value for a body sent at an instant.
pub fn sign(secret: &str, at: Instant, body: &[u8]) -> String {
    let seconds = at.micros().div_euclid(SECOND).to_string();
    let signature = mac(secret, &seconds, body);
    format!("t={seconds},v1={signature}")
}

/// Whether a header was made with the secret for this body, at most `tolerance_seconds` before or after now. One of
/// several `v1` has to fit: the sender may be changing secrets.
pub fn verify(secret: &str, header: &str, body: &[u8], now: Instant, tolerance_seconds: u32) -> bool {
    let mut time = None;
    let mut given = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", seconds)) if time.is_none() => time = Some(seconds),
            Some(("t", _)) => return false,
            Some(("v1", signature)) => given.push(signature),
            _ => {}
        }
    }
    let Some(text) = time else { return false };
    let Ok(seconds) = text.parse::<i64>() else { return false };
    let age = now.micros().div_euclid(SECOND).saturating_sub(seconds);
    if secret.is_empty() || age.unsigned_abs() > u64::from(tolerance_seconds) {
        return false;
    }
    let wanted = mac(secret, text, body);
    given.iter().fold(false, |fits, signature| fits | same(wanted.as_bytes(), signature.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_micros(seconds * SECOND)
    }

    #[test]
    fn known_answer() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec
        assert_eq!(sign("whsec", at(1_700_000_000), b"{\"a\":1}"), KNOWN);
    }
    const KNOWN: &str = "t=1700000000,v1=8ad37ba156048ae0e0a5533c75cdf26fee88b07f93cb57ee4c80adb053012032";

    #[test]
    fn old_forged_and_odd_headers_are_refused() {
        let header = sign("whsec", at(1_700_000_000), b"body");
        assert!(verify("whsec", &header, b"body", at(1_700_000_300), 300));
        assert!(verify("whsec", &format!("v1=00,{header}"), b"body", at(1_700_000_000), 300));
        assert!(!verify("whsec", &header, b"body", at(1_700_000_301), 300), "replayed");
        assert!(!verify("whsec", &header, b"body", at(1_699_999_699), 300), "from the future");
        assert!(!verify("other", &header, b"body", at(1_700_000_000), 300));
        assert!(!verify("whsec", &header.replace("t=17", "t=18"), b"body", at(1_800_000_000), 300));
        assert!(!verify("whsec", &format!("{header},t=1"), b"body", at(1_700_000_000), 300));
        assert!(!verify("", &sign("", at(0), b""), b"", at(0), 300), "no secret is no signature");
        for odd in ["", "t=", "v1=", "t=1", "t=x,v1=y", "=,=", "t=99999999999999999999,v1=0"] {
            assert!(!verify("whsec", odd, b"body", at(1), u32::MAX), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn only_what_was_signed_fits(body in any::<Vec<u8>>(), other in any::<Vec<u8>>(), seconds in 0i64..4_000_000_000) {
            let header = sign("whsec", at(seconds), &body);
            prop_assert!(verify("whsec", &header, &body, at(seconds), 0));
            prop_assert_eq!(verify("whsec", &header, &other, at(seconds), 0), body == other);
        }
    }
}
