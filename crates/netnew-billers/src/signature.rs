//! Deliveries that systems make by themselves: checked before anything in them is believed, without asking anybody.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use netnew_money::Instant;
use ring::{digest, hmac};
use serde_json::Value;
use std::collections::BTreeMap;
use thiserror::Error;

/// How far from now a delivery may be signed, in seconds, where the signature has a time.
pub const TOLERANCE_SECONDS: i64 = 300;

/// What came in.
pub struct Delivery<'a> {
    /// Headers, with names in lower case.
    pub headers: &'a BTreeMap<String, String>,
    /// The body, byte for byte.
    pub body: &'a [u8],
    /// What the system and we share; several while one replaces another. What it is differs by system.
    pub secrets: &'a [String],
    /// Now.
    pub now: Instant,
}

/// A delivery that may be believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The system's id of it, or a word for it.
    pub id: String,
    /// What it says, for [`crate::System::read`].
    pub value: Value,
}

/// Why a delivery is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// A header is missing or cannot be read.
    #[error("the delivery has no usable {0} header")]
    Header(&'static str),
    /// The signature does not fit.
    #[error("the delivery's {0} does not fit the secret of this source")]
    Signature(&'static str),
    /// The signature fits but is too old, or from the future.
    #[error("the delivery was signed {seconds} seconds away from now; at most {TOLERANCE_SECONDS} are taken")]
    Stale {
        /// Seconds between the signature and now.
        seconds: i64,
    },
    /// The body is not what the system sends.
    #[error("the delivery cannot be read: {0}")]
    Body(String),
    /// What is to be checked against is not set or cannot be read.
    #[error("the secret of this source cannot be used: {0}")]
    Secret(String),
}

impl Refused {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Refused::Header(_) => "bad_signature_header",
            Refused::Signature(_) => "bad_signature",
            Refused::Stale { .. } => "stale_signature",
            Refused::Body(_) => "bad_event",
            Refused::Secret(_) => "bad_secret",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Refused::Header(_) => "only the billing system calls this address; pass its headers on unchanged",
            Refused::Signature(_) => {
                "check the secret in the server's environment, and that the body is passed on byte for byte"
            }
            Refused::Stale { .. } => "check this machine's clock; each delivery is signed anew",
            Refused::Body(_) => {
                "the address takes the system's own notifications; docs/billers.md lists them"
            }
            Refused::Secret(_) => "docs/billers.md says what the secret of each system is",
        }
    }
}

impl Delivery<'_> {
    fn header(&self, name: &'static str) -> Result<&str, Refused> {
        self.headers.get(name).map(|h| h.trim()).filter(|h| !h.is_empty()).ok_or(Refused::Header(name))
    }

    /// Whether a tag fits the text under any of the secrets; compared in constant time.
    fn fits(&self, text: &[&[u8]], tag: &[u8]) -> bool {
        let message = text.concat();
        self.secrets.iter().filter(|s| !s.is_empty()).any(|secret| {
            hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), &message, tag).is_ok()
        })
    }

    fn fresh(&self, seconds: i64) -> Result<(), Refused> {
        let away = self.now.micros().div_euclid(1_000_000).saturating_sub(seconds).saturating_abs();
        if away > TOLERANCE_SECONDS { Err(Refused::Stale { seconds: away }) } else { Ok(()) }
    }

    fn json(&self) -> Result<Value, Refused> {
        let value: Value = serde_json::from_slice(self.body).map_err(|e| Refused::Body(e.to_string()))?;
        if value.is_object() { Ok(value) } else { Err(Refused::Body("it is no JSON object".into())) }
    }
}

fn id(value: &Value, names: &[&str]) -> String {
    names.iter().find_map(|name| crate::json::word(value, name)).unwrap_or_else(|| "event".into())
}

/// `Paddle-Signature: ts=..;h1=..`, HMAC-SHA256 over `ts:body`; several `h1` while secrets rotate.
/// <https://developer.paddle.com/webhooks/signature-verification>
pub(crate) fn paddle(delivery: &Delivery<'_>) -> Result<Opened, Refused> {
    let header = delivery.header("paddle-signature")?;
    let parts: Vec<(&str, &str)> = header.split(';').filter_map(|p| p.trim().split_once('=')).collect();
    let at = parts.iter().find(|(name, _)| *name == "ts").map(|(_, at)| *at);
    let (at, seconds) =
        at.and_then(|at| Some((at, at.parse().ok()?))).ok_or(Refused::Header("paddle-signature"))?;
    let tags = parts.iter().filter(|(name, _)| *name == "h1").filter_map(|(_, hex)| bytes_of(hex));
    let mut tags = tags.peekable();
    tags.peek().ok_or(Refused::Header("paddle-signature"))?;
    if !tags.any(|tag| delivery.fits(&[at.as_bytes(), b":", delivery.body], &tag)) {
        return Err(Refused::Signature("Paddle-Signature"));
    }
    delivery.fresh(seconds)?;
    let value = delivery.json()?;
    Ok(Opened { id: id(&value, &["event_id"]), value })
}

/// A user name and a password, as the address of Chargebee's webhooks has them; the secret is `USER:PASSWORD`.
/// <https://www.chargebee.com/docs/2.0/webhook_settings.html>
pub(crate) fn basic(delivery: &Delivery<'_>) -> Result<Opened, Refused> {
    let header = delivery.header("authorization")?;
    let encoded = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let given = encoded.and_then(|(_, text)| STANDARD.decode(text.trim()).ok());
    let given = given.ok_or(Refused::Header("authorization"))?;
    // Hashed first, so that the comparison takes the same time whatever the lengths.
    let hashed = |bytes: &[u8]| digest::digest(&digest::SHA256, bytes);
    let is = hashed(&given);
    let fits = |secret: &&String| {
        !secret.is_empty()
            && bool::from(subtle::ConstantTimeEq::ct_eq(is.as_ref(), hashed(secret.as_bytes()).as_ref()))
    };
    if !delivery.secrets.iter().any(|secret| fits(&secret)) {
        return Err(Refused::Signature("user name and password"));
    }
    let value = delivery.json()?;
    Ok(Opened { id: id(&value, &["id"]), value })
}

/// `X-Signature`: HMAC-SHA256 over the body, in hexadecimal. It has no time, so an old delivery may be played again: it says
/// nothing new then. <https://docs.lemonsqueezy.com/help/webhooks/signing-requests>
pub(crate) fn lemon_squeezy(delivery: &Delivery<'_>) -> Result<Opened, Refused> {
    let tag = bytes_of(delivery.header("x-signature")?).ok_or(Refused::Header("x-signature"))?;
    if !delivery.fits(&[delivery.body], &tag) {
        return Err(Refused::Signature("X-Signature"));
    }
    let value = delivery.json()?;
    let event = value.get("meta").and_then(|meta| crate::json::word(meta, "event_name"));
    Ok(Opened { id: event.unwrap_or_else(|| "event".into()), value })
}

/// `recurly-signature: MILLISECONDS,HEX[,HEX]`: HMAC-SHA256 over `MILLISECONDS.body`.
/// <https://docs.recurly.com/docs/webhook-signatures>
pub(crate) fn recurly(delivery: &Delivery<'_>) -> Result<Opened, Refused> {
    let header = delivery.header("recurly-signature")?;
    let mut parts = header.split(',').map(str::trim);
    let at = parts.next().unwrap_or_default();
    let millis: i64 = at.parse().map_err(|_| Refused::Header("recurly-signature"))?;
    let fits = |tag: Vec<u8>| delivery.fits(&[at.as_bytes(), b".", delivery.body], &tag);
    if !parts.filter_map(bytes_of).any(fits) {
        return Err(Refused::Signature("recurly-signature"));
    }
    delivery.fresh(millis.div_euclid(1_000))?;
    let value = delivery.json()?;
    Ok(Opened { id: id(&value, &["uuid", "id"]), value })
}

/// Bytes written in hexadecimal.
pub(crate) fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let hex = hex.trim().as_bytes();
    if hex.is_empty() || !hex.len().is_multiple_of(2) {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16);
    hex.chunks(2).map(|pair| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()).collect()
}
