//! For who runs the server: is it well, and what is it doing.

use crate::site::Site;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// `/healthz` and `/metrics`.
pub fn routes() -> Router<Arc<Site>> {
    Router::new().route("/healthz", get(health)).route("/metrics", get(metrics))
}

/// Well when the book can be read.
async fn health(State(site): State<Arc<Site>>) -> Response {
    match site.book().version() {
        Ok(version) => {
            let body = serde_json::json!({"ok": true, "version": version}).to_string();
            ([(CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "{\"ok\":false}").into_response(),
    }
}

/// Bounds of the histogram, in microseconds.
const BOUNDS: [u64; 12] =
    [1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 150_000, 250_000, 500_000, 1_000_000, 5_000_000];

#[derive(Default, Clone)]
struct Series {
    within: [u64; BOUNDS.len()],
    count: u64,
    sum_micros: u64,
}

/// Requests by route and status.
#[derive(Default)]
pub struct Counters(Mutex<BTreeMap<(String, u16), Series>>);

impl Counters {
    fn count(&self, route: String, status: u16, micros: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let series = all.entry((route, status)).or_default();
        series.count += 1;
        series.sum_micros += micros;
        for (slot, bound) in series.within.iter_mut().zip(BOUNDS) {
            *slot += u64::from(micros <= bound);
        }
    }
}

/// Counts every request; the clock is the site's.
pub async fn count(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|p| p.as_str().to_string());
    let begun = site.options().stopwatch.now_micros();
    let response = next.run(request).await;
    let micros = site.options().stopwatch.now_micros().saturating_sub(begun);
    let route = route.unwrap_or_else(|| "other".into());
    site.counters().count(route, response.status().as_u16(), micros);
    response
}

/// The counters in the text format of Prometheus.
async fn metrics(State(site): State<Arc<Site>>) -> Response {
    let all = site.counters().0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut out = String::from(
        "# HELP netnew_request_seconds Time to answer a request.\n# TYPE netnew_request_seconds histogram\n",
    );
    for ((route, status), series) in &all {
        let labels = format!("route=\"{route}\",status=\"{status}\"");
        for (within, bound) in series.within.iter().zip(BOUNDS) {
            let _ =
                writeln!(out, "netnew_request_seconds_bucket{{{labels},le=\"{}\"}} {within}", seconds(bound));
        }
        let _ = writeln!(out, "netnew_request_seconds_bucket{{{labels},le=\"+Inf\"}} {}", series.count);
        let _ = writeln!(out, "netnew_request_seconds_sum{{{labels}}} {}", seconds(series.sum_micros));
        let _ = writeln!(out, "netnew_request_seconds_count{{{labels}}} {}", series.count);
    }
    if let Ok(view) = site.view() {
        let counts = view.snapshot.counts().unwrap_or_default();
        out.push_str("# TYPE netnew_book_states gauge\n");
        let _ = writeln!(out, "netnew_book_states {}", counts.states);
        out.push_str("# TYPE netnew_book_version gauge\n");
        let _ = writeln!(out, "netnew_book_version {}", view.snapshot.version());
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], out).into_response()
}

/// Microseconds as a decimal number of seconds.
fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
