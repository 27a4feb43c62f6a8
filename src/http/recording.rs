//! `/recording`: recordings of sessions. This build does not record.

use axum::extract::Path;

use crate::error::Error;

/// Returns the recording of a session. This build has none, so a valid id gets 503.
#[cfg_attr(feature = "openapi", utoipa::path(get, path = "/recording/{stream_id}", params(("stream_id" = String, Path)),
    responses((status = 400, body = crate::error::Body), (status = 401, body = crate::error::AuthBody), (status = 503, body = crate::error::Body))))]
pub(super) async fn recording(Path(stream_id): Path<String>) -> Error {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name =
        !stream_id.is_empty() && stream_id.len() <= 256 && stream_id.chars().all(good) && !stream_id.starts_with('.');
    if name { Error::RecordingNotConfigured } else { Error::StreamId }
}
