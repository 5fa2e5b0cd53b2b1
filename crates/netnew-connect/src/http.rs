//! Stripe's API over HTTP: one GET at a time, patient with limits and failures, silent about the key.

use crate::error::ConnectError;
use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use serde_json::Value;
use std::sync::Once;
use std::time::Duration;

/// Tries of one request before it is given up.
const TRIES: u32 = 8;
/// Never wait longer than this, whatever the answer asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// How long to wait: given by the caller, so that nothing here owns a clock.
pub type Pause<'a> = &'a (dyn Fn(Duration) + Sync);

/// A connection to one account with one key.
pub struct Stripe<'a> {
    client: Client,
    base: String,
    key: String,
    pause: Pause<'a>,
}

/// Why a request got no data.
#[derive(Debug)]
pub enum Refusal {
    /// The key may not do that; the text names the permission where Stripe does.
    Permission(String),
    /// The request is not understood, such as something that this version cannot expand.
    Request(String),
    /// There is no such thing, or not any more.
    Gone(String),
    /// Nothing works with this key or address.
    Fatal(ConnectError),
}

impl<'a> Stripe<'a> {
    /// A connection. Plain HTTP is only for this machine: a key is never sent in the clear.
    ///
    /// # Errors
    /// When the address is none, or not safe.
    pub fn new(base: &str, key: &str, pause: Pause<'a>) -> Result<Stripe<'a>, ConnectError> {
        let base = safe_base(base)?;
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // Another part of the program may have chosen before; either will do.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let wrong = || ConnectError::Settings {
            code: "bad_key",
            what: "the key holds characters that no key has".into(),
            hint: "set the variable to the key alone, without quotes or line breaks".into(),
        };
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.trim())).map_err(|_| wrong())?;
        bearer.set_sensitive(true);
        let headers: HeaderMap = [(AUTHORIZATION, bearer)].into_iter().collect();
        let client = Client::builder()
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(80))
            .user_agent(concat!("netnew/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ConnectError::Remote(format!("no connection can be made: {error}")))?;
        Ok(Stripe { client, base, key: key.trim().to_string(), pause })
    }

    /// Whether the key says that it is for test data; none for a key that does not say.
    pub fn live(&self) -> Option<bool> {
        let says = |mode: &str| self.key.split('_').nth(1) == Some(mode);
        if says("live") {
            Some(true)
        } else if says("test") {
            Some(false)
        } else {
            None
        }
    }

    /// Gets a path of the API with a query that is encoded already.
    ///
    /// # Errors
    /// When it is refused, or was tried in vain.
    pub fn get(&self, path: &str, query: &str) -> Result<Value, Refusal> {
        let address = format!("{}{path}?{query}", self.base);
        let mut last = String::new();
        for attempt in 0..TRIES {
            match self.client.get(&address).send() {
                Ok(response) => {
                    let (status, asked) = (response.status(), retry_after(&response));
                    let body = response.bytes().map_err(|error| error.without_url().to_string());
                    match (status.as_u16(), body) {
                        (200, Ok(body)) => match serde_json::from_slice(&body) {
                            Ok(value) => return Ok(value),
                            Err(error) => last = format!("the answer is not JSON: {error}"),
                        },
                        (200 | 409 | 429 | 500..=599, Err(error)) => last = error,
                        (409 | 429 | 500..=599, Ok(_)) => last = format!("it answers {status}"),
                        (_, body) => return Err(self.refused(status, &body.unwrap_or_default())),
                    }
                    (self.pause)(asked.unwrap_or_else(|| backoff(attempt)));
                }
                Err(error) => {
                    last = self.masked(&error.without_url().to_string());
                    (self.pause)(backoff(attempt));
                }
            }
        }
        let what = format!("{} does not answer {path} after {TRIES} tries: {last}", self.base);
        Err(Refusal::Fatal(ConnectError::Remote(self.masked(&what))))
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> Refusal {
        let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
        let said = parsed.get("error").and_then(|e| e.get("message")).and_then(Value::as_str);
        let said = self.masked(said.unwrap_or("no reason given"));
        match status.as_u16() {
            401 => Refusal::Fatal(ConnectError::Unauthorised(said)),
            403 => Refusal::Permission(said),
            404 => Refusal::Gone(said),
            400 => Refusal::Request(said),
            other => Refusal::Fatal(ConnectError::Remote(format!("{} answers {other}: {said}", self.base))),
        }
    }

    /// Whatever the key is part of is not shown.
    fn masked(&self, text: &str) -> String {
        if self.key.is_empty() { text.to_string() } else { text.replace(&self.key, "[key]") }
    }
}

impl std::fmt::Debug for Stripe<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stripe").field("base", &self.base).finish_non_exhaustive()
    }
}

/// Checks an address: HTTPS anywhere, or HTTP on this machine.
///
/// # Errors
/// `bad_api_base` for any other.
pub fn safe_base(base: &str) -> Result<String, ConnectError> {
    let base = base.trim().trim_end_matches('/').to_string();
    let bad = |what: &str| ConnectError::Settings {
        code: "bad_api_base",
        what: format!("{base:?} {what}"),
        hint: "use https://api.stripe.com, or http:// only for a server on this machine".into(),
    };
    let url = reqwest::Url::parse(&base).map_err(|_| bad("is no address"))?;
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        "https" => Ok(base),
        "http" if here => Ok(base),
        "http" => Err(bad("would send the key in the clear")),
        _ => Err(bad("is not reached by HTTP")),
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse::<u64>().ok().map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// Half a second, doubled each time.
fn backoff(attempt: u32) -> Duration {
    Duration::from_millis(500u64.saturating_mul(1 << attempt.min(8))).min(LONGEST_WAIT)
}
