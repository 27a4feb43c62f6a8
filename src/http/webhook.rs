//! `POST /livekit/webhook`: a LiveKit server's news. Its signature says who sends them, not a token of ours.

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
    /// `received`.
    status: &'static str,
}

/// Takes `LiveKit`'s news. What follows of them happens after the answer: LiveKit waits for it, and repeats what it is not
/// thanked for.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/livekit/webhook", security(()), request_body(content = String, content_type = "application/webhook+json"),
    responses(
        (status = 200, body = Received),
        (status = 400, body = crate::error::Body, description = "Signed, but not what LiveKit writes"),
        (status = 401, body = crate::error::Body, description = "Not signed by LiveKit"),
        (status = 408, body = crate::error::Body, description = "A body that did not come in time"),
        (status = 413, body = String, content_type = "text/plain", description = "A body beyond the limit"),
        (status = 503, body = crate::error::Body, description = "No keys of LiveKit"),
    ),
))]
pub(super) async fn webhook(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Json<Received>, Error> {
    let livekit = app.livekit.as_ref().ok_or(Error::WebhookNotConfigured)?;
    let token = headers.get(header::AUTHORIZATION).ok_or(Error::WebhookUnsigned)?;
    // LiveKit sends the bare token; others put the scheme before it.
    let token = token.to_str().unwrap_or_default();
    let event = livekit.webhook_event(token.strip_prefix("Bearer ").unwrap_or(token), &body)?;
    debug!(event = event.event, id = event.id, room = event.room.name, "LiveKit's news");
    if let Some(call) = event.call() {
        if !livekit.is_first(&call) {
            app.shared.metrics.call_repeated();
            return Ok(Json(Received { status: "received" }));
        }
        let (livekit, hooks) = (Arc::clone(livekit), Arc::clone(&app.hooks));
        // Among the sessions, so that the server does not stop before the hook is told.
        app.sessions.spawn(async move { hooks.notify(&livekit, call).await });
    }
    Ok(Json(Received { status: "received" }))
}
