//! The ways in and out: setting up the owner, signing in, taking an invitation, signing out.

use super::parts::render;
use super::{Ask, Page};
use crate::error::WebError;
use crate::params::Params;
use crate::sign_in::{COOKIE_NAME, now};
use crate::site::Site;
use crate::web::work;
use askama::Template;
use axum::Router;
use axum::extract::{ConnectInfo, RawForm};
use axum::http::StatusCode;
use axum::http::header::{LOCATION, SET_COOKIE, USER_AGENT};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use netnew_access::{AccessError, SESSION_DAYS, Secret, SetupProof};
use std::net::SocketAddr;
use std::sync::Arc;

/// The doors.
pub fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/setup", get(setup).post(set_up))
        .route("/sign-in", get(sign_in).post(signed_in))
        .route("/invitation", get(invitation).post(accept))
        .route("/sign-out", post(sign_out))
}

/// A form with a button.
#[derive(Template, Default)]
#[template(path = "door.html")]
struct Door {
    action: &'static str,
    said: String,
    hidden: Vec<(String, String)>,
    fields: Vec<Field>,
    button: &'static str,
}

/// A field of a form.
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Words before it.
    pub label: &'static str,
    /// Input type.
    pub kind: &'static str,
    /// What stands in it.
    pub value: String,
    /// What browsers may fill in.
    pub complete: &'static str,
    /// A line below.
    pub hint: &'static str,
}

impl Field {
    /// An e-mail address.
    pub fn email(value: &str) -> Field {
        Field {
            name: "email",
            label: "E-mail",
            kind: "email",
            value: value.into(),
            complete: "username",
            hint: "",
        }
    }

    /// A password; a new one says what it has to be.
    pub fn password(name: &'static str, label: &'static str, new: bool) -> Field {
        let (complete, hint) = match new {
            true => ("new-password", "At least 10 characters."),
            false => ("current-password", ""),
        };
        Field { name, label, kind: "password", value: String::new(), complete, hint }
    }
}

/// The fields of a posted form.
pub fn form(body: &[u8]) -> Params {
    Params::parse(&String::from_utf8_lossy(body))
}

fn show(ask: &Ask, title: &str, sub: &str, door: &Door) -> Result<Response, WebError> {
    Page::new(ask, title, None).sub(sub).drawn(render(door)?).respond(ask)
}

/// What went wrong, said on the form itself; what is nobody's mistake is an error page.
fn said(error: AccessError) -> Result<String, WebError> {
    let web = WebError::from(error);
    match web.status.is_server_error() {
        true => Err(web),
        false if web.error.hint.is_empty() => Ok(format!("{}.", web.error.message)),
        false => Ok(format!("{}: {}.", web.error.message, web.error.hint)),
    }
}

fn go(to: &str, cookie: Option<String>) -> Response {
    match cookie {
        Some(cookie) => {
            (StatusCode::SEE_OTHER, [(LOCATION, to.to_string()), (SET_COOKIE, cookie)]).into_response()
        }
        None => (StatusCode::SEE_OTHER, [(LOCATION, to.to_string())]).into_response(),
    }
}

fn session_cookie(site: &Site, secret: &str, days: i64) -> String {
    let secure = if site.options().https { "; Secure" } else { "" };
    format!("{COOKIE_NAME}={secret}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}", days * 86_400)
}

/// An address inside this site.
pub fn inside(back: Option<&str>) -> String {
    match back {
        Some(path)
            if path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']) =>
        {
            path.to_string()
        }
        _ => "/".into(),
    }
}

fn setup_door(ask: &Ask, said: String, email: &str) -> Door {
    let mut fields = vec![Field::email(email), Field::password("password", "Password", true)];
    if !ask.site.options().loopback {
        fields.push(Field {
            name: "token",
            label: "Token",
            kind: "text",
            value: ask.params.get("token").unwrap_or_default().to_string(),
            complete: "off",
            hint: "It stands on the console of the server.",
        });
    }
    Door { action: "/setup", said, fields, button: "Set up", ..Door::default() }
}

const SETUP_SUB: &str = "This book has no owner yet. Whoever owns it decides about policy, people and keys.";

async fn setup(ask: Ask) -> Result<Response, WebError> {
    work(move || match ask.site.access().is_new()? {
        true => show(&ask, "Set up", SETUP_SUB, &setup_door(&ask, String::new(), "")),
        false => Ok(go("/sign-in", None)),
    })
    .await
}

async fn set_up(
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    ask: Ask,
    RawForm(body): RawForm,
) -> Result<Response, WebError> {
    work(move || {
        let fields = form(&body);
        let get = |name: &str| fields.get(name).unwrap_or_default();
        let proof = match ask.site.options().loopback {
            true => SetupProof::Loopback,
            false => SetupProof::Token(get("token")),
        };
        let password = Secret::new(get("password"));
        let (access, at) = (ask.site.access(), now(&ask.site)?);
        match access.set_up(proof, get("email"), &password, &from.ip().to_string(), at) {
            Ok(_) => enter(&ask, get("email"), &password, &from, "/"),
            Err(error) => show(&ask, "Set up", SETUP_SUB, &setup_door(&ask, said(error)?, get("email"))),
        }
    })
    .await
}

/// Signs in and goes on.
fn enter(
    ask: &Ask,
    email: &str,
    password: &Secret,
    from: &SocketAddr,
    back: &str,
) -> Result<Response, WebError> {
    let agent = ask.headers.get(USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let at = now(&ask.site)?;
    let (secret, _) = ask.site.access().log_in(email, password, (&from.ip().to_string(), agent), at)?;
    Ok(go(back, Some(session_cookie(&ask.site, secret.reveal(), SESSION_DAYS))))
}

fn sign_in_door(said: String, email: &str, back: &str) -> Door {
    Door {
        action: "/sign-in",
        said,
        hidden: vec![("back".into(), back.into())],
        fields: vec![Field::email(email), Field::password("password", "Password", false)],
        button: "Sign in",
    }
}

async fn sign_in(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        if ask.site.access().is_new()? {
            return Ok(go("/setup", None));
        }
        let back = inside(ask.params.get("back"));
        show(&ask, "Sign in", "", &sign_in_door(String::new(), "", &back))
    })
    .await
}

async fn signed_in(
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    ask: Ask,
    RawForm(body): RawForm,
) -> Result<Response, WebError> {
    work(move || {
        let fields = form(&body);
        let get = |name: &str| fields.get(name).unwrap_or_default();
        let back = inside(fields.get("back"));
        match enter(&ask, get("email"), &Secret::new(get("password")), &from, &back) {
            Ok(response) => Ok(response),
            Err(error) if error.status.is_server_error() => Err(error),
            Err(error) => {
                let said = format!("{}: {}.", error.error.message, error.error.hint);
                let mut response = show(&ask, "Sign in", "", &sign_in_door(said, get("email"), &back))?;
                *response.status_mut() = error.status;
                Ok(response)
            }
        }
    })
    .await
}

fn invitation_door(said: String, token: &str) -> Door {
    Door {
        action: "/invitation",
        said,
        hidden: vec![("token".into(), token.into())],
        fields: vec![Field::password("password", "Your new password", true)],
        button: "Join",
    }
}

async fn invitation(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let token = ask.params.get("token").unwrap_or_default();
        match ask.site.access().invitation(token, now(&ask.site)?)? {
            Some(invited) => {
                let sub =
                    format!("{} was invited by {} as {}.", invited.email, invited.created_by, invited.role);
                show(&ask, "Join", &sub, &invitation_door(String::new(), token))
            }
            None => Err(AccessError::BadLink.into()),
        }
    })
    .await
}

async fn accept(
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    ask: Ask,
    RawForm(body): RawForm,
) -> Result<Response, WebError> {
    work(move || {
        let fields = form(&body);
        let token = fields.get("token").unwrap_or_default();
        let password = Secret::new(fields.get("password").unwrap_or_default());
        match ask.site.access().accept(token, &password, &from.ip().to_string(), now(&ask.site)?) {
            Ok(user) => enter(&ask, &user.email, &password, &from, "/"),
            Err(error) => show(&ask, "Join", "", &invitation_door(said(error)?, token)),
        }
    })
    .await
}

async fn sign_out(ConnectInfo(from): ConnectInfo<SocketAddr>, ask: Ask) -> Result<Response, WebError> {
    work(move || {
        if let Some(secret) = &ask.caller.session {
            ask.site.access().log_out(secret, &from.ip().to_string(), now(&ask.site)?)?;
        }
        Ok(go("/sign-in", Some(session_cookie(&ask.site, "", 0))))
    })
    .await
}
