//! The pages.
use crate::site::Site;
use axum::Router;
use std::sync::Arc;

/// The pages' routes.
pub fn routes() -> Router<Arc<Site>> {
    Router::new()
}
