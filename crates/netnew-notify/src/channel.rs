//! Channels: where messages go. A channel names its secrets (a variable, a file, a sealed setting) and holds none.

use crate::error::NotifyError;
use lettre::message::Mailbox;
use netnew_access::{Access, Secret};
use netnew_money::Instant;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::path::PathBuf;

/// Where a secret is kept. Written `env:VARIABLE`, `file:PATH` or `sealed:NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SecretRef {
    /// In a variable of the environment of whoever sends.
    Env(String),
    /// In a file, whose last line break does not count.
    File(PathBuf),
    /// Among the book's sealed secrets.
    Sealed(String),
}

impl From<SecretRef> for String {
    fn from(secret: SecretRef) -> String {
        match secret {
            SecretRef::Env(name) => format!("env:{name}"),
            SecretRef::File(path) => format!("file:{}", path.display()),
            SecretRef::Sealed(name) => format!("sealed:{name}"),
        }
    }
}

impl TryFrom<String> for SecretRef {
    type Error = NotifyError;

    /// The text itself is in no error: it may be the secret that should not be there.
    fn try_from(text: String) -> Result<SecretRef, NotifyError> {
        let plain = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        };
        match text.split_once(':') {
            Some(("env", name)) if plain(name) => Ok(SecretRef::Env(name.into())),
            Some(("sealed", name)) if plain(name) => Ok(SecretRef::Sealed(name.into())),
            Some(("file", path)) if !path.is_empty() => Ok(SecretRef::File(path.into())),
            _ => Err(NotifyError::refused(
                "bad_secret_reference",
                "a secret is named by where it is kept, never written out",
                "use env:VARIABLE, file:PATH, or - to type it in and have it sealed",
            )),
        }
    }
}

/// How the way to a mail server is kept private.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// In the clear until STARTTLS, which has to succeed. Usually port 587.
    Starttls,
    /// TLS from the first byte. Usually port 465.
    Implicit,
    /// Not at all: only for a server on this machine.
    None,
}

/// What a channel is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Target {
    /// E-mail through an SMTP server.
    Email {
        /// Its name.
        host: String,
        /// Its port.
        port: u16,
        /// How the way there is kept private.
        tls: Tls,
        /// Who signs in, if somebody has to.
        user: Option<String>,
        /// Their password.
        password: Option<SecretRef>,
        /// Sender.
        from: String,
        /// Recipients of alerts, and of reports that name none.
        to: Vec<String>,
    },
    /// An incoming webhook in the shape that Slack made usual: `{"text": ..., "blocks": [...]}`.
    Slack {
        /// Its address, which is a secret.
        url: SecretRef,
    },
    /// JSON, signed.
    Webhook {
        /// Its address.
        url: SecretRef,
        /// What signs.
        secret: SecretRef,
    },
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// What it is.
    pub target: Target,
    /// What happened before is not told.
    pub since: Instant,
    /// Whether what was there before has been looked through.
    pub(crate) begun: bool,
}

/// Finds secrets for whoever sends.
pub struct Secrets<'a> {
    /// The sealed ones.
    pub access: &'a Access,
    /// What `NETNEW_SECRET_KEY` holds, if it is set.
    pub key: Option<&'a str>,
    /// A variable of the environment.
    pub env: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

impl Secrets<'_> {
    /// A secret in the clear.
    ///
    /// # Errors
    /// One that is not where it should be; the error names the place.
    pub fn find(&self, secret: &SecretRef) -> Result<Secret, NotifyError> {
        let missing = |what: String, hint: &str| NotifyError::refused("missing_secret", what, hint);
        let text = match secret {
            SecretRef::Env(name) => {
                (self.env)(name).filter(|text| !text.trim().is_empty()).ok_or_else(|| {
                    missing(
                        format!("the environment variable {name} is not set"),
                        "set it for whoever sends: serve, or notify run",
                    )
                })?
            }
            SecretRef::File(path) => std::fs::read_to_string(path).map_err(|error| {
                missing(
                    format!("{}: {error}", path.display()),
                    "the file holds the secret alone, and whoever sends may read it",
                )
            })?,
            SecretRef::Sealed(name) => {
                let key = self.access.secret_key(self.key)?;
                return self.access.secret(&key, name)?.ok_or_else(|| {
                    missing(
                        format!("no secret {name} is sealed in the book"),
                        "remove the channel and add it again",
                    )
                });
            }
        };
        Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
    }
}

/// Whether a host is this machine.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// An address as mail knows it: `ada@example.com` or `Ada <ada@example.com>`.
///
/// # Errors
/// `bad_address`, for one that is none or that would break a header.
pub fn mailbox(text: &str) -> Result<Mailbox, NotifyError> {
    let bad = || {
        let shown: String = text.chars().take(80).filter(|c| !c.is_control()).collect();
        NotifyError::refused(
            "bad_address",
            format!("{shown:?} is no e-mail address"),
            "write ada@example.com or Ada <ada@example.com>",
        )
    };
    if text.chars().any(char::is_control) {
        return Err(bad());
    }
    text.trim().parse().map_err(|_| bad())
}

/// A name of a channel, a schedule or a rule: something that can be typed, printed and found again.
///
/// # Errors
/// `bad_name`.
pub fn checked_name(name: &str) -> Result<String, NotifyError> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(fine) {
        let shown: String = name.chars().take(80).collect();
        return Err(NotifyError::refused(
            "bad_name",
            format!("{shown:?} is no name"),
            "use letters, digits, - _ and ., at most 64",
        ));
    }
    Ok(name.to_string())
}

impl Target {
    /// `email`, `slack` or `webhook`.
    pub fn kind(&self) -> &'static str {
        match self {
            Target::Email { .. } => "email",
            Target::Slack { .. } => "slack",
            Target::Webhook { .. } => "webhook",
        }
    }

    /// Refuses what could not work or would not be safe.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), NotifyError> {
        let Target::Email { host, tls, user, password, from, to, .. } = self else { return Ok(()) };
        let fine = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        if host.is_empty() || !host.chars().all(fine) {
            return Err(NotifyError::refused(
                "bad_host",
                format!("{host:?} is no name of a server"),
                "--host mail.example.com",
            ));
        }
        if *tls == Tls::None && !is_loopback(host) {
            return Err(NotifyError::refused(
                "insecure",
                format!("mail would go to {host} in the clear"),
                "use starttls or implicit; none is for a server on this machine",
            ));
        }
        if user.is_some() != password.is_some() {
            return Err(NotifyError::refused(
                "bad_login",
                "a user without a password, or the other way round",
                "give both or neither",
            ));
        }
        mailbox(from)?;
        if to.is_empty() {
            return Err(NotifyError::refused(
                "no_recipient",
                "nobody would get it",
                "give --to ada@example.com, once for each",
            ));
        }
        to.iter().try_for_each(|one| mailbox(one).map(drop))
    }

    /// The secrets it names.
    pub fn secrets(&self) -> Vec<&SecretRef> {
        match self {
            Target::Email { password, .. } => password.iter().collect(),
            Target::Slack { url } => vec![url],
            Target::Webhook { url, secret } => vec![url, secret],
        }
    }
}

impl Channel {
    /// The channel as JSON. Of secrets it shows where they are kept.
    pub fn to_json(&self) -> Value {
        let (mut host, mut from, mut to, mut url, mut secret) = (None, None, Vec::new(), None, None);
        let text = |r: &SecretRef| String::from(r.clone());
        match &self.target {
            Target::Email { host: h, port, from: f, to: t, password, .. } => {
                (host, from, to) = (Some(format!("{h}:{port}")), Some(f.clone()), t.clone());
                secret = password.as_ref().map(text);
            }
            Target::Slack { url: u } => url = Some(text(u)),
            Target::Webhook { url: u, secret: s } => (url, secret) = (Some(text(u)), Some(text(s))),
        }
        json!({
            "name": self.name, "kind": self.target.kind(), "host": host, "from": from, "to": to, "url": url,
            "secret": secret, "since": self.since.to_string(),
        })
    }
}

/// Checks an address of a webhook: HTTPS anywhere, HTTP on this machine only. The address is in no error.
///
/// # Errors
/// `bad_url`.
pub fn safe_url(url: &str) -> Result<reqwest::Url, NotifyError> {
    let bad = |what: &str| {
        NotifyError::refused(
            "bad_url",
            format!("the address of the webhook {what}"),
            "use https://, or http:// for a server on this machine",
        )
    };
    let url = reqwest::Url::parse(url.trim()).map_err(|_| bad("is none"))?;
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" if !host.is_empty() => Ok(url),
        "http" if is_loopback(host) => Ok(url),
        _ => Err(bad("is not safe")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_named_never_written() {
        for (text, fine) in [
            ("env:SMTP_PASSWORD", true),
            ("file:/run/secrets/smtp", true),
            ("sealed:channel.slack.url", true),
            ("https://hooks.example.com/T000/B000/xyz", false),
            ("hunter2", false),
            ("env:", false),
            ("env:A B", false),
        ] {
            let read = SecretRef::try_from(text.to_string());
            assert_eq!(read.is_ok(), fine, "{text}");
            if let Err(error) = read {
                assert!(!error.to_string().contains(text), "{error}");
            }
        }
    }

    #[test]
    fn nothing_goes_in_the_clear_to_others() {
        for (url, fine) in [
            ("https://example.com/x", true),
            ("http://127.0.0.1:9/x", true),
            ("http://localhost/x", true),
            ("http://[::1]:1/x", true),
            ("http://example.com/x", false),
            ("http://127.0.0.1.example.com/x", false),
            ("file:///etc/passwd", false),
            ("ftp://127.0.0.1/", false),
            ("", false),
        ] {
            assert_eq!(safe_url(url).is_ok(), fine, "{url}");
        }
        let mail = |host: &str, tls| Target::Email {
            host: host.into(),
            port: 25,
            tls,
            user: None,
            password: None,
            from: "a@example.com".into(),
            to: vec!["b@example.com".into()],
        };
        assert!(mail("127.0.0.1", Tls::None).check().is_ok());
        assert!(mail("mail.example.com", Tls::None).check().is_err());
        assert!(mail("mail.example.com", Tls::Starttls).check().is_ok());
    }

    #[test]
    fn an_address_cannot_bring_headers() {
        assert!(mailbox("Ada <ada@example.com>").is_ok());
        for bad in ["ada@example.com\r\nBcc: eve@example.com", "ada", "", "a@b, c@d"] {
            assert!(mailbox(bad).is_err(), "{bad:?}");
        }
    }
}
