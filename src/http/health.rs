//! `GET /` and `GET /health/ready`: liveness and readiness.

use axum::Json;
use axum::extract::State;
use axum::http::{Extensions, StatusCode};
use serde::Serialize;

use crate::app::{App, Beyond, Kept};

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Health {
    /// Always `OK`.
    status: &'static str,
}

/// Reports that the server runs. Clients and health checks compare the body, so it never changes.
#[cfg_attr(feature = "openapi", utoipa::path(get, path = "/", responses((status = 200, body = Health)), security(())))]
pub(super) async fn health() -> Json<Health> {
    Json(Health { status: "OK" })
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Ready {
    /// `ready`, `full` or `draining`.
    status: &'static str,
}

/// Reports whether the server accepts new sessions. It does not while `server.max_connections` connections are open, or after it
/// was told to stop. The connection of the first health check is not counted.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/health/ready", security(()),
    responses((status = 200, body = Ready), (status = 503, body = Ready, description = "The server is full or stopping")),
))]
pub(super) async fn ready(State(app): State<App>, extensions: Extensions) -> (StatusCode, Json<Ready>) {
    let is_kept = extensions.get::<Kept>().is_some();
    let is_full = extensions.get::<Beyond>().is_some() || (is_kept && app.places.available_permits() == 0);
    let (code, status) = if app.shared.draining.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else if is_full {
        (StatusCode::SERVICE_UNAVAILABLE, "full")
    } else {
        (StatusCode::OK, "ready")
    };
    (code, Json(Ready { status }))
}
