//! Style sheet, scripts and icon: in the binary, under names that change with their content.

use crate::site::Site;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};
use std::sync::{Arc, LazyLock};

/// A file that pages load.
struct Asset {
    stem: &'static str,
    ending: &'static str,
    kind: &'static str,
    body: &'static str,
}

const ASSETS: [Asset; 4] = [
    Asset {
        stem: "app",
        ending: "css",
        kind: "text/css; charset=utf-8",
        body: include_str!("../assets/app.css"),
    },
    Asset {
        stem: "app",
        ending: "js",
        kind: "text/javascript; charset=utf-8",
        body: include_str!("../assets/app.js"),
    },
    Asset {
        stem: "tokens",
        ending: "css",
        kind: "text/css; charset=utf-8",
        body: include_str!("../assets/tokens.css"),
    },
    Asset { stem: "icon", ending: "svg", kind: "image/svg+xml", body: include_str!("../assets/icon.svg") },
];

static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let hash = |body: &str| -> String {
        Sha256::digest(body.as_bytes())[..6].iter().map(|byte| format!("{byte:02x}")).collect()
    };
    ASSETS.iter().map(|a| format!("{}-{}.{}", a.stem, hash(a.body), a.ending)).collect()
});

/// Address of the style sheet.
pub fn css() -> String {
    format!("/assets/{}", NAMES[0])
}

/// Address of the script.
pub fn js() -> String {
    format!("/assets/{}", NAMES[1])
}

/// Address of the colours.
pub fn tokens() -> String {
    format!("/assets/{}", NAMES[2])
}

/// Address of the icon.
pub fn icon() -> String {
    format!("/assets/{}", NAMES[3])
}

/// The files' routes.
pub fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/assets/{name}", get(asset))
        .route("/favicon.ico", get(|| asset(Path(NAMES[3].clone()))))
}

async fn asset(Path(name): Path<String>) -> Response {
    match NAMES.iter().position(|n| *n == name) {
        Some(at) => (
            [(CONTENT_TYPE, ASSETS[at].kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")],
            ASSETS[at].body,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
