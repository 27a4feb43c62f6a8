//! The REST interface: which path is answered by what.

mod health;

use axum::Router;
use axum::routing::get;

use crate::error::Error;

/// Every path there is; the rest is refused as JSON too.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/", get(health::health))
        .fallback(async || Error::NotFound)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
}
