//! Over the wire: SMTP and HTTP. What comes back says whether to try again; no text of it holds a secret.

use crate::channel::{Channel, SecretRef, Secrets, Target, Tls, mailbox, safe_url};
use crate::error::NotifyError;
use crate::message::{Letter, letter, slack_json, webhook_json};
use crate::store::Message;
use crate::words::one_line;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls as Mode, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{SmtpTransport, Transport};
use netnew_access::webhook::sign;
use netnew_money::Instant;
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};
use std::sync::Once;
use std::time::{Duration, SystemTime};

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The other side took it.
    Sent,
    /// Not now; in at least so many seconds, if it said so.
    Later {
        /// Why.
        said: String,
        /// As the other side asked.
        after_seconds: Option<u64>,
    },
    /// Never, as it is.
    Refused(String),
}

/// Sends a message once. `now` goes into the signature of a webhook.
pub fn send(channel: &Channel, message: &Message, secrets: &Secrets, now: Instant) -> Outcome {
    let body: Value = message.body.as_deref().and_then(|b| serde_json::from_str(b).ok()).unwrap_or(json!({}));
    let tried = match &channel.target {
        Target::Email { .. } => mail(channel, message, &body, secrets),
        Target::Slack { url } => {
            let bytes = slack_json(&message.kind, &message.subject, &body).to_string().into_bytes();
            post(url, message, bytes, None, secrets)
        }
        Target::Webhook { url, secret } => {
            let value = webhook_json(
                &message.id,
                &message.kind,
                &message.created_at.to_string(),
                &message.subject,
                &body,
            );
            let bytes = value.to_string().into_bytes();
            secrets.find(secret).and_then(|secret| {
                let signature = sign(secret.reveal(), now, &bytes);
                post(url, message, bytes, Some(&signature), secrets)
            })
        }
    };
    // A secret that is missing may be there at the next try.
    tried.unwrap_or_else(|error| Outcome::Later {
        said: format!("{error} (hint: {})", error.hint()),
        after_seconds: None,
    })
}

/// Both are built with ring; whichever part of the program is first says so.
fn provider() {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

fn post(
    url: &SecretRef,
    message: &Message,
    body: Vec<u8>,
    signature: Option<&str>,
    secrets: &Secrets,
) -> Result<Outcome, NotifyError> {
    provider();
    let secret = secrets.find(url)?;
    let url = safe_url(secret.reveal())?;
    let later = |said: String| Outcome::Later { said, after_seconds: None };
    let client = reqwest::blocking::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .user_agent(concat!("netnew/", env!("CARGO_PKG_VERSION")))
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => return Ok(later(format!("no connection can be made: {}", error.without_url()))),
    };
    let mut request = client
        .post(url)
        .header("content-type", "application/json")
        .header("idempotency-key", &message.id)
        .header("netnew-delivery", &message.id);
    if let Some(signature) = signature {
        request = request.header("netnew-signature", signature);
    }
    let response = match request.body(body).send() {
        Ok(response) => response,
        Err(error) => {
            let why = if error.is_timeout() { "it did not answer in time" } else { "no connection" };
            return Ok(later(why.to_string()));
        }
    };
    let status = response.status();
    let after_seconds =
        response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|v| v.trim().parse().ok());
    Ok(match status.as_u16() {
        200..=299 => Outcome::Sent,
        408 | 409 | 425 | 429 | 500..=599 => {
            Outcome::Later { said: format!("it answers {status}"), after_seconds }
        }
        _ => Outcome::Refused(format!("it answers {status}")),
    })
}

fn mail(
    channel: &Channel,
    message: &Message,
    body: &Value,
    secrets: &Secrets,
) -> Result<Outcome, NotifyError> {
    provider();
    let Target::Email { host, port, tls, user, password, from, to } = &channel.target else {
        return Ok(Outcome::Refused("no channel of mail".into()));
    };
    channel.target.check()?;
    let content = match message.kind.as_str() {
        "alert" => letter(&message.subject, body),
        "report" => Letter::from_json(&body["letter"]),
        _ => note(&message.subject, body["text"].as_str().unwrap_or_default()),
    };
    let to: Vec<Mailbox> = match &message.recipient {
        Some(one) => vec![mailbox(one)?],
        None => to.iter().map(|one| mailbox(one)).collect::<Result<_, _>>()?,
    };
    let email = compose(&mailbox(from)?, &to, message, &content)?;
    let mode = |parameters: TlsParameters| match tls {
        Tls::Implicit => Mode::Wrapper(parameters),
        Tls::Starttls => Mode::Required(parameters),
        Tls::None => Mode::None,
    };
    let mut server = SmtpTransport::builder_dangerous(host).port(*port).timeout(Some(PATIENCE));
    if *tls != Tls::None {
        let parameters = TlsParameters::new(host.clone()).map_err(|error| {
            NotifyError::refused(
                "tls",
                format!("no TLS with {host}: {error}"),
                "is the name of the server right?",
            )
        })?;
        server = server.tls(mode(parameters));
    }
    // The domain of the sender stands for this machine, whose own name is nobody's business.
    server = server.hello_name(ClientId::Domain(domain(from)));
    let mut hidden = None;
    if let (Some(user), Some(password)) = (user, password) {
        let password = secrets.find(password)?;
        server = server.credentials(Credentials::new(user.clone(), password.reveal().to_string()));
        hidden = Some(password);
    }
    let masked = |text: String| match &hidden {
        Some(secret) if !secret.reveal().is_empty() => text.replace(secret.reveal(), "[password]"),
        _ => text,
    };
    Ok(match server.build().send(&email) {
        Ok(_) => Outcome::Sent,
        Err(error) => {
            let mut said = error.to_string();
            if let Some(source) = std::error::Error::source(&error) {
                said = format!("{said}: {source}");
            }
            let said = one_line(&masked(said), 300);
            match error.is_permanent() {
                true => Outcome::Refused(said),
                false => Outcome::Later { said, after_seconds: None },
            }
        }
    })
}

fn domain(from: &str) -> String {
    mailbox(from).map_or_else(|_| "localhost".into(), |m| m.email.domain().to_string())
}

/// A mail of one sentence.
fn note(subject: &str, text: &str) -> Letter {
    Letter {
        subject: subject.into(),
        text: format!("{text}\n"),
        html: crate::message::frame(
            subject,
            &format!("<p>{}</p>", crate::words::html(text)),
            "Sent by netnew.",
        ),
        ..Letter::default()
    }
}

/// Puts a mail together: plain text and HTML, its pictures beside the HTML, and headers that make every try the same mail.
///
/// # Errors
/// One that cannot be put together.
pub fn compose(
    from: &Mailbox,
    to: &[Mailbox],
    message: &Message,
    content: &Letter,
) -> Result<lettre::Message, NotifyError> {
    let at = u64::try_from(message.created_at.micros()).unwrap_or(0);
    let unsubscribe = match &content.unsubscribe {
        Some(url) => format!("<{url}>"),
        None => format!("<mailto:{}?subject=unsubscribe>", from.email),
    };
    let mut builder = lettre::Message::builder()
        .from(from.clone())
        .subject(one_line(&content.subject, 200))
        .date(SystemTime::UNIX_EPOCH + Duration::from_micros(at))
        .message_id(Some(format!("<{}.netnew@{}>", message.id, from.email.domain())))
        .raw_header(raw("List-Unsubscribe", unsubscribe))
        .raw_header(raw("Auto-Submitted", "auto-generated".into()))
        .raw_header(raw("Netnew-Delivery", message.id.clone()));
    for one in to {
        builder = builder.to(one.clone());
    }
    let plain = SinglePart::plain(content.text.clone());
    let marked = SinglePart::html(content.html.clone());
    let alternatives = MultiPart::alternative().singlepart(plain);
    let whole = match content.pictures.is_empty() {
        true => alternatives.singlepart(marked),
        false => {
            let png = ContentType::parse("image/png").map_err(|_| cannot("no such type"))?;
            let mut related = MultiPart::related().singlepart(marked);
            for (name, bytes) in &content.pictures {
                let part = Attachment::new_inline_with_name(name.clone(), format!("{name}.png"));
                related = related.singlepart(part.body(bytes.clone(), png.clone()));
            }
            alternatives.multipart(related)
        }
    };
    builder.multipart(whole).map_err(|error| cannot(&error.to_string()))
}

fn cannot(why: &str) -> NotifyError {
    NotifyError::refused(
        "mail",
        format!("the mail cannot be put together: {why}"),
        "are sender and recipients addresses?",
    )
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}
