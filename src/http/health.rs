//! `GET /` and `GET /health/ready`: whether the server answers at all, and whether it takes new sessions.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use crate::app::App;

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Health {
    /// `OK`, to the letter.
    status: &'static str,
}

/// The server is there. Clients and health checks compare the body, so it never changes.
#[cfg_attr(feature = "openapi", utoipa::path(get, path = "/", responses((status = 200, body = Health)), security(())))]
pub(super) async fn health() -> Json<Health> {
    Json(Health { status: "OK" })
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Ready {
    /// `ready` or `draining`.
    status: &'static str,
}

/// Whether new sessions are taken: no longer once the server was told to stop.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/health/ready", security(()),
    responses((status = 200, body = Ready), (status = 503, body = Ready, description = "The server is stopping")),
))]
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, Json<Ready>) {
    if app.shared.draining.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Ready { status: "draining" }))
    } else {
        (StatusCode::OK, Json(Ready { status: "ready" }))
    }
}
