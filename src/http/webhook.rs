//! `POST /livekit/webhook`: a LiveKit server's news.

use crate::error::Error;

/// Takes `LiveKit`'s news. It repeats what it is not thanked for; a server that cannot check signatures has no use for it.
#[cfg_attr(feature = "openapi", utoipa::path(post, path = "/livekit/webhook", security(()),
    responses((status = 503, body = crate::error::Body))))]
pub(super) async fn webhook() -> Error {
    Error::WebhookNotConfigured
}
