//! Telling people: a round every minute, and the API of channels, rules, schedules and the log.

use crate::error::WebError;
use crate::params::Params;
use crate::sign_in::{Caller, now};
use crate::site::Site;
use crate::web::{tagged, work};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Extension, Router};
use netnew_access::{Access, Action, Secret};
use netnew_money::Zone;
use netnew_notify::{
    Channel, Clock, Days, Notify, NotifyError, Ran, Schedule, SecretRef, Secrets, Target, Tls, World, begin,
};
use netnew_report::{ReportError, decide};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Between two rounds.
const PAUSE: Duration = Duration::from_secs(60);

/// Paths below `/api/v1`.
pub fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/notify/channels", get(channels).post(add_channel))
        .route("/notify/channels/{name}", delete(remove_channel))
        .route("/notify/rules", get(rules).post(add_rule))
        .route("/notify/rules/{name}", delete(remove_rule))
        .route("/notify/schedules", get(schedules).post(add_schedule))
        .route("/notify/schedules/{name}", delete(remove_schedule))
        .route("/notify/log", get(log))
        .route("/notify/run", post(run_now))
}

/// Rounds, one a minute, until the server ends; the first at once, for what came due while nothing ran. The made-up business
/// tells nobody anything.
pub async fn rounds(site: Arc<Site>) {
    if site.options().demo {
        return;
    }
    let mut minutes = tokio::time::interval(PAUSE);
    minutes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        minutes.tick().await;
        let site = site.clone();
        let ran = work(move || round(&site)).await;
        match ran {
            Ok(ran) => {
                for (id, said) in ran.later.iter().chain(&ran.failed) {
                    tracing::warn!(message = %id, "not sent: {said}");
                }
                for problem in &ran.problems {
                    tracing::warn!("alerts and reports: {problem}");
                }
            }
            Err(error) => {
                tracing::error!(code = error.error.code, "alerts and reports: {}", error.error.message)
            }
        }
    }
}

fn round(site: &Site) -> Result<Ran, WebError> {
    let notify = open(site)?;
    if notify.channels().map_err(wrong)?.is_empty() {
        return Ok(Ran::default());
    }
    with(site, &notify, netnew_notify::run)
}

pub fn wrong(error: NotifyError) -> WebError {
    let usage = error.code().starts_with("bad_");
    let mut error = ReportError::from(error);
    error.wrong_usage |= usage;
    let mut error = WebError::from(error);
    if error.error.code == "unknown_name" {
        error.status = StatusCode::NOT_FOUND;
    }
    error
}

/// The outbox, on a connection of its own.
pub fn open(site: &Site) -> Result<Notify, WebError> {
    Notify::open(site.book()).map_err(wrong)
}

/// Does something in the world as the site sees it.
pub fn with<T>(
    site: &Site,
    notify: &Notify,
    run: impl FnOnce(&Notify, &World) -> Result<T, NotifyError>,
) -> Result<T, WebError> {
    let view = site.view()?;
    let key = variable("NETNEW_SECRET_KEY");
    let now = || site.now();
    let secrets = Secrets { access: site.access(), key: key.as_deref(), env: &variable };
    let title = site.options().title.clone();
    let world = World { view: &view, secrets, now: &now, title: &title };
    run(notify, &world).map_err(wrong)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Adds a channel from fields. Secrets are sealed: whoever comes over the network names no variable and no file of this
/// machine, which would let them send its contents to themselves.
///
/// # Errors
/// What is wrong with which field, or that they may not.
pub fn channel_from(
    site: &Site,
    caller: &Caller,
    field: &dyn Fn(&str) -> Option<String>,
) -> Result<Channel, WebError> {
    caller.who.must(Action::ManageSecrets)?;
    let at = now(site)?;
    let need = |name: &str| field(name).filter(|v| !v.trim().is_empty()).ok_or_else(|| missing(name));
    let name = netnew_notify::checked_name(&need("name")?).map_err(wrong)?;
    let mut typed: Vec<(String, Secret)> = Vec::new();
    let mut seal = |what: &str, text: String| {
        let place = format!("notify.{name}.{what}");
        typed.push((place.clone(), Secret::new(text.trim())));
        SecretRef::Sealed(place)
    };
    let target = match need("kind")?.as_str() {
        "email" => {
            let (tls, usual) = match field("tls").unwrap_or_default().as_str() {
                "" | "starttls" => (Tls::Starttls, 587),
                "implicit" => (Tls::Implicit, 465),
                "none" => (Tls::None, 25),
                _ => return Err(missing("tls: starttls, implicit or none")),
            };
            let port = match field("port").filter(|p| !p.is_empty()) {
                None => usual,
                Some(text) => text.parse().map_err(|_| missing("port that is a number"))?,
            };
            let some = |name: &str| field(name).filter(|v| !v.trim().is_empty());
            let to = need("to")?;
            Target::Email {
                host: need("host")?.trim().to_string(),
                port,
                tls,
                user: some("user"),
                password: some("password").map(|p| seal("password", p)),
                from: need("from")?,
                to: to.split(',').map(|one| one.trim().to_string()).filter(|one| !one.is_empty()).collect(),
            }
        }
        "slack" => {
            let url = need("url")?;
            netnew_notify::safe_url(&url).map_err(wrong)?;
            Target::Slack { url: seal("url", url) }
        }
        "webhook" => {
            let url = need("url")?;
            netnew_notify::safe_url(&url).map_err(wrong)?;
            Target::Webhook { url: seal("url", url), secret: seal("secret", need("secret")?) }
        }
        _ => return Err(missing("kind: email, slack or webhook")),
    };
    let notify = open(site)?;
    let channel = notify.add_channel(&name, target, at).map_err(wrong)?;
    let access = site.access();
    if !typed.is_empty() {
        let key = access.secret_key(variable("NETNEW_SECRET_KEY").as_deref())?;
        for (place, secret) in &typed {
            access.set_secret(&caller.who, &key, place, secret, at)?;
        }
    }
    if let Err(error) = with(site, &notify, begin) {
        tracing::warn!(code = error.error.code, "what is there already could not be looked through");
    }
    Ok(channel)
}

/// Removes a channel and the secrets sealed for it.
///
/// # Errors
/// One that is not there, or that they may not.
pub fn forget_channel(site: &Site, caller: &Caller, name: &str) -> Result<(), WebError> {
    caller.who.must(Action::ManageSecrets)?;
    let channel = open(site)?.remove_channel(name).map_err(wrong)?;
    let access: &Access = site.access();
    for secret in channel.target.secrets() {
        if let SecretRef::Sealed(place) = secret {
            access.remove_secret(&caller.who, place, now(site)?)?;
        }
    }
    Ok(())
}

/// Adds a schedule from fields.
///
/// # Errors
/// What is wrong with which field, or that they may not.
pub fn schedule_from(
    site: &Site,
    caller: &Caller,
    field: &dyn Fn(&str) -> Option<String>,
) -> Result<Schedule, WebError> {
    caller.who.must(Action::ManageSecrets)?;
    let some = |name: &str| field(name).filter(|v| !v.trim().is_empty());
    let zone = Zone::parse(&site.book().settings().timezone).map_err(ReportError::from)?;
    let at = some("at").unwrap_or_else(|| "08:00".into());
    let schedule = Schedule {
        name: some("name").ok_or_else(|| missing("name"))?,
        days: Days::parse(&some("report").ok_or_else(|| missing("report"))?, some("on").as_deref())
            .map_err(wrong)?,
        at: Clock::parse(&at).map_err(wrong)?,
        channel: some("channel").ok_or_else(|| missing("channel"))?,
        to: some("to")
            .unwrap_or_default()
            .split(',')
            .map(|t| t.trim().to_string())
            .filter(|t| !t.is_empty())
            .collect(),
        unsubscribe: some("unsubscribe"),
        since: site.now().at(&zone)?,
    };
    open(site)?.add_schedule(&schedule).map_err(wrong)?;
    Ok(schedule)
}

/// The text of a rule from fields.
///
/// # Errors
/// A name that is none.
pub fn rule_text(field: &dyn Fn(&str) -> Option<String>) -> Result<String, WebError> {
    let name = field("name").ok_or_else(|| missing("name"))?;
    netnew_notify::checked_name(&name).map_err(wrong)?;
    let mut out = String::from("[[rule]]\n");
    for key in [
        "name",
        "customer_drop",
        "least",
        "metric",
        "where",
        "interval",
        "above",
        "below",
        "rises_by",
        "falls_by",
    ] {
        if let Some(value) = field(key).filter(|v| !v.trim().is_empty()) {
            // JSON's escapes are a part of TOML's, but for the slash and DEL, which are no matter here.
            out.push_str(&format!("{key} = {}\n", json!(value.replace('\u{7f}', ""))));
        }
    }
    if let Some(days) = field("within").filter(|v| !v.is_empty()) {
        let days: u16 = days.parse().map_err(|_| missing("within that is a number of days"))?;
        out.push_str(&format!("within = {days}\n"));
    }
    Ok(out)
}

fn missing(what: &str) -> WebError {
    WebError::new(
        StatusCode::BAD_REQUEST,
        "bad_form",
        format!("there is no {what}"),
        "docs/notifications.md lists the fields",
    )
}

/// The fields of a JSON object; lists are joined with commas.
pub(crate) fn fields(body: &[u8]) -> Result<Map<String, Value>, WebError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(missing("JSON object in the body")),
    }
}

pub(crate) fn text_of(fields: &Map<String, Value>, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
        _ => None,
    }
}

type Shared = State<Arc<Site>>;
type Answer = Result<Response, WebError>;

fn rows(headers: &HeaderMap, rows: Vec<Value>) -> Answer {
    Ok(tagged(headers, "application/json", json!({"rows": rows, "next": null}).to_string()))
}

fn done(value: &Value) -> Answer {
    Ok(([(CONTENT_TYPE, "application/json")], value.to_string()).into_response())
}

fn must(caller: &Caller) -> Result<(), WebError> {
    Ok(caller.who.must(Action::ManageSecrets)?)
}

async fn channels(
    State(site): Shared,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    params: Params,
) -> Answer {
    params.allow(&[])?;
    work(move || {
        must(&caller)?;
        rows(&headers, open(&site)?.channels().map_err(wrong)?.iter().map(Channel::to_json).collect())
    })
    .await
}

async fn add_channel(State(site): Shared, Extension(caller): Extension<Caller>, body: Bytes) -> Answer {
    work(move || {
        let fields = fields(&body)?;
        done(&channel_from(&site, &caller, &|name| text_of(&fields, name))?.to_json())
    })
    .await
}

async fn remove_channel(
    State(site): Shared,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Answer {
    work(move || {
        forget_channel(&site, &caller, &name)?;
        done(&json!({"name": name, "removed": true}))
    })
    .await
}

async fn rules(
    State(site): Shared,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    params: Params,
) -> Answer {
    params.allow(&[])?;
    work(move || {
        must(&caller)?;
        let report = site.ask(&Params::default().question())?;
        rows(&headers, decide::rules(&report, None)?.iter().map(|r| r.to_json()).collect())
    })
    .await
}

async fn add_rule(State(site): Shared, Extension(caller): Extension<Caller>, body: Bytes) -> Answer {
    work(move || {
        must(&caller)?;
        let fields = fields(&body)?;
        let rule = decide::add_rule(site.book(), &rule_text(&|name| text_of(&fields, name))?)?;
        done(&rule.to_json())
    })
    .await
}

async fn remove_rule(
    State(site): Shared,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Answer {
    work(move || {
        must(&caller)?;
        decide::remove_rule(site.book(), &name).map_err(|e| not_found(e.into()))?;
        done(&json!({"name": name, "removed": true}))
    })
    .await
}

fn not_found(mut error: WebError) -> WebError {
    if error.error.code == "unknown_name" {
        error.status = StatusCode::NOT_FOUND;
    }
    error
}

async fn schedules(
    State(site): Shared,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    params: Params,
) -> Answer {
    params.allow(&[])?;
    work(move || {
        must(&caller)?;
        rows(&headers, open(&site)?.schedules().map_err(wrong)?.iter().map(Schedule::to_json).collect())
    })
    .await
}

async fn add_schedule(State(site): Shared, Extension(caller): Extension<Caller>, body: Bytes) -> Answer {
    work(move || {
        let fields = fields(&body)?;
        done(&schedule_from(&site, &caller, &|name| text_of(&fields, name))?.to_json())
    })
    .await
}

async fn remove_schedule(
    State(site): Shared,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Answer {
    work(move || {
        must(&caller)?;
        open(&site)?.remove_schedule(&name).map_err(wrong)?;
        done(&json!({"name": name, "removed": true}))
    })
    .await
}

async fn log(
    State(site): Shared,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    params: Params,
) -> Answer {
    params.allow(&["limit"])?;
    work(move || {
        must(&caller)?;
        let limit = params.limit(100, 1_000)?;
        rows(&headers, open(&site)?.log(None, limit).map_err(wrong)?.iter().map(|m| m.to_json()).collect())
    })
    .await
}

async fn run_now(State(site): Shared, Extension(caller): Extension<Caller>) -> Answer {
    work(move || {
        must(&caller)?;
        let ran = if site.options().demo { Ran::default() } else { round(&site)? };
        done(&ran.to_json())
    })
    .await
}
