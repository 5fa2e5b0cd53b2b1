//! What stands between the network and every page: headers, limits, and who may ask.

use crate::sign_in::admit;
use crate::site::Site;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

/// Nothing from elsewhere, nothing written into the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Wraps the routes.
pub fn layers(routes: Router<Arc<Site>>, site: &Arc<Site>) -> Router<Arc<Site>> {
    routes
        .layer(from_fn_with_state(site.clone(), admit))
        .layer(from_fn_with_state(site.clone(), same_site))
        .layer(from_fn(headers))
        .layer(from_fn(log))
        .layer(from_fn_with_state(site.clone(), crate::upkeep::count))
        .layer(CatchPanicLayer::new())
        .layer(CompressionLayer::new())
}

/// Headers that every answer carries.
async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 5] = [
        (HeaderName::from_static("content-security-policy"), POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// A line per request: the route and the status, but neither ids nor parameters, which may name people.
async fn log(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|p| p.as_str().to_string());
    let response = next.run(request).await;
    let route = route.as_deref().unwrap_or("(no route)");
    tracing::info!(%method, route, status = response.status().as_u16(), "request");
    response
}

/// Refuses what a page of another site sends in a reader's name. Browsers say where a request comes from; programs with a
/// key say nothing and are told apart by it.
async fn same_site(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let text = |name: HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    let host = text(HOST).or(request.uri().authority().map(|a| a.as_str())).unwrap_or_default();
    if let Some(hosts) = &site.options().hosts
        && !hosts.iter().any(|h| h.eq_ignore_ascii_case(host))
    {
        // A name that somebody else's server resolves to this machine would make their page ours.
        return (StatusCode::MISDIRECTED_REQUEST, "this book is not served under that name\n")
            .into_response();
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let from_elsewhere = text(ORIGIN)
        .is_some_and(|o| o.split_once("://").is_none_or(|(_, from)| !from.eq_ignore_ascii_case(host)))
        || text(HeaderName::from_static("sec-fetch-site"))
            .is_some_and(|s| !matches!(s, "same-origin" | "none"));
    if changes && from_elsewhere {
        return (StatusCode::FORBIDDEN, "this was sent by another site's page\n").into_response();
    }
    next.run(request).await
}
