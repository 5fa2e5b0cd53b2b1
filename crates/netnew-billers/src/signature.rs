//! Deliveries that systems make by themselves: checked before anything in them is believed, without asking anybody.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use netnew_money::Instant;
use ring::{digest, hmac, signature};
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

/// PayPal signs with a certificate: `ID|TIME|WEBHOOK ID|CRC32 of the body`. The header names an address to fetch the
/// certificate from; nothing is fetched here, the certificate is one of the secrets, as is the webhook's id. The time is
/// not held against it: PayPal tries for three days.
/// <https://developer.paypal.com/api/rest/webhooks/rest/#link-selfverificationmethod>
pub(crate) fn paypal(delivery: &Delivery<'_>) -> Result<Opened, Refused> {
    let tag = STANDARD
        .decode(delivery.header("paypal-transmission-sig")?)
        .map_err(|_| Refused::Header("paypal-transmission-sig"))?;
    let (id, time) =
        (delivery.header("paypal-transmission-id")?, delivery.header("paypal-transmission-time")?);
    if !delivery.header("paypal-auth-algo")?.eq_ignore_ascii_case("SHA256withRSA") {
        return Err(Refused::Header("paypal-auth-algo"));
    }
    let (certificates, ids): (Vec<&String>, Vec<&String>) =
        delivery.secrets.iter().partition(|secret| secret.contains("CERTIFICATE"));
    if certificates.is_empty() || ids.is_empty() {
        return Err(Refused::Secret(
            "it needs the webhook's id and PayPal's certificate in PEM, with a comma between".into(),
        ));
    }
    let mut fits = false;
    for pem in certificates {
        let der = certificate(pem)?;
        let leaf = webpki::EndEntityCert::try_from(&der)
            .map_err(|error| Refused::Secret(format!("the certificate cannot be read: {error}")))?;
        for webhook in &ids {
            let message = format!("{id}|{time}|{webhook}|{}", crc32fast::hash(delivery.body));
            let algorithm = webpki::ring::RSA_PKCS1_2048_8192_SHA256;
            fits |= leaf.verify_signature(algorithm, message.as_bytes(), &tag).is_ok();
        }
    }
    if !fits {
        return Err(Refused::Signature("PAYPAL-TRANSMISSION-SIG"));
    }
    let value = delivery.json()?;
    Ok(Opened { id: self::id(&value, &["id"]), value })
}

/// A certificate in PEM, or its base64 alone.
fn certificate(pem: &str) -> Result<pki_types::CertificateDer<'static>, Refused> {
    let inside = pem.lines().flat_map(|line| line.split("\\n"));
    let text: String = inside.map(str::trim).filter(|line| !line.starts_with("-----")).collect();
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let der = STANDARD.decode(text).map_err(|_| Refused::Secret("the certificate is not in PEM".into()))?;
    Ok(pki_types::CertificateDer::from(der))
}

/// A form of `bt_signature` (`PUBLIC KEY|HEX`, several with `&`) and `bt_payload`: HMAC-SHA1 over the payload, whose key is
/// the SHA1 of the private key. <https://developer.paypal.com/braintree/docs/guides/webhooks/parse>
pub(crate) fn braintree(delivery: &Delivery<'_>) -> Result<Opened, Refused> {
    let form: BTreeMap<String, String> = form_urlencoded::parse(delivery.body).into_owned().collect();
    let lacks = |name: &str| Refused::Body(format!("the form has no {name}"));
    let payload = form.get("bt_payload").ok_or_else(|| lacks("bt_payload"))?;
    let signatures = form.get("bt_signature").ok_or_else(|| lacks("bt_signature"))?;
    let tags: Vec<Vec<u8>> =
        signatures.split('&').filter_map(|pair| bytes_of(pair.split_once('|')?.1)).collect();
    // Braintree signs the payload with or without the line break at its end.
    let variants = [payload.clone(), format!("{payload}\n"), payload.trim_end().to_string()];
    let fits = delivery.secrets.iter().filter(|s| !s.is_empty()).any(|secret| {
        let key = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_ref());
        tags.iter().any(|tag| variants.iter().any(|text| hmac::verify(&key, text.as_bytes(), tag).is_ok()))
    });
    if !fits {
        return Err(Refused::Signature("bt_signature"));
    }
    let value = braintree_payload(payload)?;
    Ok(Opened { id: id(&value, &["kind"]), value })
}

/// XML in base64, as JSON.
pub(crate) fn braintree_payload(payload: &str) -> Result<Value, Refused> {
    let text: String = payload.chars().filter(|c| !c.is_whitespace()).collect();
    let xml = STANDARD.decode(text).map_err(|_| Refused::Body("bt_payload is not base64".into()))?;
    let xml = String::from_utf8(xml).map_err(|_| Refused::Body("bt_payload is not UTF-8".into()))?;
    crate::xml::to_json(&xml).map_err(|error| Refused::Body(format!("bt_payload: {error}")))
}

/// `signedPayload`: a JWS signed with ES256 by a chain of certificates that has to end in the root that is the secret
/// (Apple Root CA - G3, <https://www.apple.com/certificateauthority/>). The transaction and the renewal inside are signed alike
/// and checked alike. <https://developer.apple.com/documentation/appstoreservernotifications/responsebodyv2>
pub(crate) fn app_store(delivery: &Delivery<'_>) -> Result<Opened, Refused> {
    let body = delivery.json()?;
    let signed = body.get("signedPayload").and_then(Value::as_str);
    let signed = signed.ok_or_else(|| Refused::Body("it has no signedPayload".into()))?;
    let roots = delivery.secrets.iter().map(|secret| certificate(secret)).collect::<Result<Vec<_>, _>>()?;
    let value = checked_jws(signed, &roots, delivery.now)?;
    let inside = ["signedTransactionInfo", "signedRenewalInfo"]
        .iter()
        .filter_map(|name| value.get("data").and_then(|data| data.get(*name)).and_then(Value::as_str));
    for inner in inside {
        checked_jws(inner, &roots, delivery.now)?;
    }
    Ok(Opened { id: id(&value, &["notificationUUID"]), value })
}

/// Marks of Apple's certificates for receipts: the leaf's and the intermediate's, as they stand in DER.
/// <https://developer.apple.com/documentation/appstoreserverapi/jwsdecodedheader>
const APPLE_LEAF: &[u8] = &[0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 0x06, 0x0b, 0x01];
const APPLE_INTERMEDIATE: &[u8] = &[0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 0x06, 0x02, 0x01];

/// Purposes that a certificate of Apple's names: none that is known elsewhere.
const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];

fn checked_jws(
    signed: &str,
    roots: &[pki_types::CertificateDer<'_>],
    now: Instant,
) -> Result<Value, Refused> {
    let bad = || Refused::Signature("signedPayload");
    let (text, tag) = signed.rsplit_once('.').ok_or_else(bad)?;
    let head = text.split('.').next().and_then(json_part).ok_or_else(bad)?;
    if head.get("alg").and_then(Value::as_str) != Some("ES256") {
        return Err(bad());
    }
    let chain = head.get("x5c").and_then(Value::as_array).ok_or_else(bad)?;
    let chain: Option<Vec<pki_types::CertificateDer>> =
        chain.iter().map(|c| Some(STANDARD.decode(c.as_str()?).ok()?.into())).collect();
    let chain = chain.filter(|chain| chain.len() >= 2).ok_or_else(bad)?;
    let holds =
        |der: &pki_types::CertificateDer, mark: &[u8]| der.windows(mark.len()).any(|part| part == mark);
    if !holds(&chain[0], APPLE_LEAF) || !holds(&chain[1], APPLE_INTERMEDIATE) {
        return Err(bad());
    }
    let leaf = webpki::EndEntityCert::try_from(&chain[0]).map_err(|_| bad())?;
    let anchors = roots.iter().map(webpki::anchor_from_trusted_cert).collect::<Result<Vec<_>, _>>();
    let anchors = anchors.map_err(|error| Refused::Secret(format!("the root certificate: {error}")))?;
    let seconds = u64::try_from(now.micros().div_euclid(1_000_000)).unwrap_or(0);
    let time = pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let algorithms: [&dyn pki_types::SignatureVerificationAlgorithm; 4] = [
        webpki::ring::ECDSA_P256_SHA256,
        webpki::ring::ECDSA_P256_SHA384,
        webpki::ring::ECDSA_P384_SHA256,
        webpki::ring::ECDSA_P384_SHA384,
    ];
    let usage = webpki::KeyUsage::required_if_present(ANY_PURPOSE);
    leaf.verify_for_usage(&algorithms, &anchors, &chain[1..], time, usage, None, None).map_err(|_| bad())?;
    // The key of P-256 is the last 65 bytes of what says what it is.
    let public = leaf.subject_public_key_info();
    let point = public.len().checked_sub(65).map(|from| &public[from..]).ok_or_else(bad)?;
    let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| bad())?;
    signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
        .verify(text.as_bytes(), &tag)
        .map_err(|_| bad())?;
    jws_payload(signed).ok_or_else(|| Refused::Body("signedPayload holds no JSON".into()))
}

/// What a JWS says, unchecked.
pub(crate) fn jws_payload(signed: &str) -> Option<Value> {
    json_part(signed.split('.').nth(1)?)
}

fn json_part(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?).ok()
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
