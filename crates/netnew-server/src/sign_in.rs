//! Who asks: a person with a session, a program with a key, somebody with a share link; and whether they may.

use crate::error::WebError;
use crate::params::Params;
use crate::site::Site;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, LOCATION, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use netnew_access::{Action, Who};
use netnew_money::{Instant, Zone};
use std::net::SocketAddr;
use std::sync::Arc;

/// The cookie that holds a session's secret.
pub const COOKIE_NAME: &str = "session";

/// Whoever a request comes from.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Them.
    pub who: Who,
    /// The session's secret, for signing out.
    pub session: Option<String>,
    /// They hold a link to this page alone.
    pub shared: bool,
}

/// The value of a cookie.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(COOKIE).iter().filter_map(|v| v.to_str().ok());
    let mut pairs = all.flat_map(|v| v.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_string())
}

/// Now, for what ages.
pub fn now(site: &Site) -> Result<Instant, WebError> {
    Ok(site.now().at(&Zone::utc())?)
}

/// Where a request comes from, for the trail and for the back-off of sign-ins.
pub fn address(request: &Request) -> String {
    request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or_else(|| "unknown".to_string(), |ConnectInfo(from)| from.ip().to_string())
}

/// Paths that everybody may open.
fn open_to_all(path: &str) -> bool {
    ["/sign-in", "/setup", "/healthz", "/favicon.ico", "/theme", "/invitation"].contains(&path)
        || path.starts_with("/assets/")
        || path.starts_with("/webhooks/")
}

/// What a request does, for the table of permissions.
fn action(method: &Method, path: &str) -> Action {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    match path {
        "/settings/audit" => Action::ReadAudit,
        _ if path.starts_with("/settings/people") => Action::ManageUsers,
        _ if path.starts_with("/settings/keys") => Action::ManageKeys,
        _ if path.starts_with("/settings/shares") => Action::Share,
        _ if path.starts_with("/settings/notify") || path.starts_with("/api/v1/notify") => {
            Action::ManageSecrets
        }
        // Asking for a file of what may be read is reading.
        "/v1/activities_export" => Action::Read,
        _ if path.starts_with("/v1/") && !reads => Action::Import,
        _ if reads => Action::Read,
        "/sign-out" | "/settings/password" | "/settings/sessions" => Action::Read,
        "/policy/save" => Action::ChangePolicy,
        "/goals" | "/annotations" => Action::Annotate,
        _ => Action::Import,
    }
}

/// Finds out who asks and lets them through if they may.
pub async fn admit(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_string();
    let from = address(&request);
    let found = {
        let (site, headers) = (site.clone(), request.headers().clone());
        let (uri, from) = (request.uri().clone(), from.clone());
        crate::web::work(move || caller(&site, &headers, &uri, &from)).await
    };
    let caller = match found {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    let may = caller.who.grant.may(action(request.method(), &path)) || (caller.shared && is_get(&request));
    if !may && !open_to_all(&path) {
        return refuse(&site, &request, &caller);
    }
    if caller.session.is_some() && !is_get(&request) && !says_same_site(request.headers()) {
        // A session travels with every request of a browser, wherever the page that sends it comes from.
        return (StatusCode::FORBIDDEN, "this did not come from a page of this book\n").into_response();
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

fn is_get(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// Whether a browser says that its own page of this site sent it. That the origin is this one is checked for all requests.
fn says_same_site(headers: &HeaderMap) -> bool {
    let fetch = headers.get(HeaderName::from_static("sec-fetch-site")).and_then(|v| v.to_str().ok());
    fetch == Some("same-origin") || (fetch.is_none() && headers.contains_key(ORIGIN))
}

fn caller(site: &Site, headers: &HeaderMap, uri: &axum::http::Uri, from: &str) -> Result<Caller, WebError> {
    if site.options().demo {
        return Ok(Caller { who: Who::console(), session: None, shared: false });
    }
    let now = now(site)?;
    let access = site.access();
    if let Some(key) = bearer(headers) {
        let key = access.verify_key(&key, now)?;
        let who = key.map_or_else(|| Who::nobody(from), |key| Who::key(&key, from));
        return Ok(Caller { who, session: None, shared: false });
    }
    let params = Params::parse(uri.query().unwrap_or_default());
    if let Some(share) = params.get("share") {
        let rest = params.without(&["share"]).link("");
        let query = rest.trim_start_matches('?');
        let good = access.verify_share(share, uri.path(), query, now)?.is_some();
        return Ok(Caller { who: Who::nobody(from), session: None, shared: good });
    }
    if let Some(secret) = cookie(headers, COOKIE_NAME)
        && let Some(signed_in) = access.session(&secret, now)?
    {
        return Ok(Caller { who: Who::user(&signed_in.user, from), session: Some(secret), shared: false });
    }
    Ok(Caller { who: Who::nobody(from), session: None, shared: false })
}

/// With padding or without, as clients send it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key, as a bearer token or as the user name of basic authentication.
fn bearer(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = text.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_string());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let bytes = BASE64.decode(rest.trim()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        return Some(text.split_once(':').map_or(text.clone(), |(user, _)| user.to_string()));
    }
    None
}

fn refuse(site: &Site, request: &Request, caller: &Caller) -> Response {
    let path = request.uri().path();
    let known = caller.who.grant != netnew_access::Grant::Nobody;
    if path == "/v1" || path.starts_with("/v1/") {
        return match known {
            true => crate::mogul::plain(StatusCode::FORBIDDEN, "this API key may not do that", None),
            false => crate::mogul::plain(StatusCode::UNAUTHORIZED, "No valid API key provided", None),
        };
    }
    if path.starts_with("/api/") || path == "/metrics" {
        let mut response = match known {
            true => forbidden().into_response(),
            false => WebError::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "a key or a session is needed",
                "send Authorization: Bearer KEY; make a key with `netnew keys create NAME --scope read`",
            )
            .into_response(),
        };
        if !known {
            let challenge = HeaderValue::from_static("Bearer, Basic realm=\"netnew\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        return response;
    }
    if known {
        return forbidden().into_response();
    }
    let door = match site.access().is_new() {
        Ok(true) => "/setup".to_string(),
        _ => {
            let here = request.uri().path_and_query().map_or("/", |p| p.as_str());
            Params::default().with("back", here).link("/sign-in")
        }
    };
    (StatusCode::SEE_OTHER, [(LOCATION, door)]).into_response()
}

fn forbidden() -> WebError {
    WebError::new(
        StatusCode::FORBIDDEN,
        "forbidden",
        "this role or key may not do that",
        "ask an owner of the book, or use a key with a wider scope",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_authentication_carries_a_key_as_its_user() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic bm5fcmFiYzo="));
        assert_eq!(bearer(&headers).as_deref(), Some("nn_rabc"));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic bm5fcmFiYw"));
        assert_eq!(bearer(&headers).as_deref(), Some("nn_rabc"));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic %%%"));
        assert_eq!(bearer(&headers), None);
    }
}
