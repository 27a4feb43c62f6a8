//! `POST /livekit/webhook`: events of a LiveKit server. LiveKit's signature authenticates them, not a token of this server.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde::Serialize;
use tracing::debug;

use crate::app::App;
use crate::error::Error;

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Received {
    /// Always `received`.
    status: &'static str,
}

/// Receives an event of LiveKit. The hook of a call is called after the response, because LiveKit waits for the response and
/// repeats events without one.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/livekit/webhook", security(()), request_body(content = String, content_type = "application/webhook+json"),
    responses(
        (status = 200, body = Received),
        (status = 400, body = crate::error::Body, description = "The body is signed, but is not an event of LiveKit"),
        (status = 401, body = crate::error::Body, description = "The signature is missing or invalid"),
        (status = 408, body = crate::error::Body, description = "The body did not arrive within `server.body_timeout_seconds`"),
        (status = 413, body = String, content_type = "text/plain", description = "The body is larger than `server.max_message_bytes`"),
        (status = 503, body = crate::error::Body, description = "LiveKit is not configured"),
    ),
))]
pub(super) async fn webhook(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Json<Received>, Error> {
    let livekit = app.livekit.as_ref().ok_or(Error::WebhookNotConfigured)?;
    let token = headers.get(header::AUTHORIZATION).ok_or(Error::WebhookUnsigned)?;
    // LiveKit sends the token without a scheme. Other senders put `Bearer` before it.
    let token = token.to_str().unwrap_or_default();
    let event = livekit.webhook_event(token.strip_prefix("Bearer ").unwrap_or(token), &body)?;
    debug!(event = event.event, id = event.id, room = event.room.name, "received a webhook event of LiveKit");
    if let Some(call) = event.call() {
        if !livekit.is_first(&call) {
            app.shared.metrics.call_repeated();
            return Ok(Json(Received { status: "received" }));
        }
        let (livekit, hooks) = (Arc::clone(livekit), Arc::clone(&app.hooks));
        // Counted as a session, so that the server does not stop before the hook is called.
        app.sessions.spawn(async move { hooks.notify(&livekit, call).await });
    }
    Ok(Json(Received { status: "received" }))
}
