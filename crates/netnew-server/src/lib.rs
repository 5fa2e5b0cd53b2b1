//! HTTP: the pages that people open, the API that programs call, and what guards both.
//!
//! Nothing is computed here: a request becomes a [`netnew_report::Question`], the answer is printed as a page or as JSON.
//! [`Site`] holds what requests share, `params` is the state of a page (it lives in the address), and there
//! is one file per page under `pages` and one per group of paths under `api`.

mod api;
mod assets;
mod biller_hooks;
mod charts;
mod error;
mod guard;
mod marks;
mod mogul;
mod notify;
mod openapi;
mod pages;
mod params;
mod sign_in;
mod site;
pub mod syncing;
mod upkeep;
mod upload;
mod web;
mod webhooks;
pub mod writing;

pub use error::WebError;
pub use site::{Options, Secrets, Site, Stopwatch};

use axum::Router;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Everything that is served, for a site.
pub fn router(site: Arc<Site>) -> Router {
    let routes = Router::new()
        .merge(assets::routes())
        .nest("/api/v1", api::routes())
        .merge(upkeep::routes())
        .merge(webhooks::routes())
        .merge(mogul::routes())
        .merge(pages::routes(&site));
    guard::layers(routes, &site).with_state(site)
}

/// Serves until `stop` is done, then finishes what is under way.
///
/// # Errors
/// A listener that fails.
pub async fn serve(
    site: Arc<Site>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let telling = tokio::spawn(keep_telling(site.clone()));
    let rounds = tokio::spawn(notify::rounds(site.clone()));
    let service = router(site.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service).with_graceful_shutdown(stop).await;
    telling.abort();
    // A message that is on its way is sent to its end by the thread that sends it.
    rounds.abort();
    // What was answered is durable; it is made facts of now, or when the book is served again.
    if let Err(error) = web::work(move || site.tell()).await {
        tracing::error!(code = error.error.code, "{}", error.error.message);
    }
    served
}

/// How long after it was sent what came by the API under `/v1` is facts, unless somebody asks for figures before.
const TELL_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

async fn keep_telling(site: Arc<Site>) {
    let mut pause = TELL_EVERY;
    loop {
        tokio::time::sleep(pause).await;
        let began = site.options().stopwatch.now_micros();
        let (site, clock) = (site.clone(), site.clone());
        if let Err(error) = web::work(move || site.tell()).await {
            tracing::error!(code = error.error.code, "{}", error.error.message);
        }
        // While much comes in, telling takes a fifth of the time at most: who sends does not wait for it.
        let took = clock.options().stopwatch.now_micros().saturating_sub(began);
        pause = TELL_EVERY.max(std::time::Duration::from_micros(took.saturating_mul(4)));
    }
}
