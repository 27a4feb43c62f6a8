//! `/recording`: recordings of sessions, of which this build makes and keeps none.

use axum::extract::Path;

use crate::error::Error;

/// Gives out the recording of a session.
#[cfg_attr(feature = "openapi", utoipa::path(get, path = "/recording/{stream_id}", params(("stream_id" = String, Path)),
    responses((status = 400, body = crate::error::Body), (status = 401, body = crate::error::AuthBody), (status = 503, body = crate::error::Body))))]
pub(super) async fn recording(Path(stream_id): Path<String>) -> Error {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name =
        !stream_id.is_empty() && stream_id.len() <= 256 && stream_id.chars().all(good) && !stream_id.starts_with('.');
    if name { Error::RecordingNotConfigured } else { Error::StreamId }
}
