//! Style sheets, script and icon: in the binary, under names that change with their content.

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
    name: String,
    kind: &'static str,
    body: String,
}

impl Asset {
    fn new(stem: &str, ending: &str, kind: &'static str, body: impl Into<String>) -> Asset {
        let body = body.into();
        let hash: String = Sha256::digest(&body)[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        Asset { name: format!("{stem}-{hash}.{ending}"), kind, body }
    }

    fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

/// Colours and charts, everything else, the script, the icon.
static ASSETS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    [
        Asset::new("tokens", "css", "text/css; charset=utf-8", netnew_chart::css()),
        Asset::new("app", "css", "text/css; charset=utf-8", include_str!("../assets/app.css")),
        Asset::new("app", "js", "text/javascript; charset=utf-8", include_str!("../assets/app.js")),
        Asset::new("icon", "svg", "image/svg+xml", include_str!("../assets/icon.svg")),
    ]
});

/// Address of the colours.
pub fn tokens() -> String {
    ASSETS[0].path()
}

/// Address of the style sheet.
pub fn css() -> String {
    ASSETS[1].path()
}

/// Address of the script.
pub fn js() -> String {
    ASSETS[2].path()
}

/// Address of the icon.
pub fn icon() -> String {
    ASSETS[3].path()
}

/// The files' routes.
pub fn routes() -> Router<Arc<Site>> {
    let favicon = || asset(Path(ASSETS[3].name.clone()));
    Router::new().route("/assets/{name}", get(asset)).route("/favicon.ico", get(favicon))
}

async fn asset(Path(name): Path<String>) -> Response {
    let cached = "public, max-age=31536000, immutable";
    match ASSETS.iter().find(|a| a.name == name) {
        Some(found) => {
            ([(CONTENT_TYPE, found.kind), (CACHE_CONTROL, cached)], found.body.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
