//! What axum answers to a body that cannot be read, for the OpenAPI document. No code of this server sends these answers.

/// The answers to an unreadable body, on every path that expects JSON.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "described, never made: axum answers like this by itself")]
pub(super) enum Rejection {
    /// The body did not arrive within `server.body_timeout_seconds`.
    #[response(status = 408)]
    Late(crate::error::Body),
    /// The body is larger than `server.max_message_bytes`.
    #[response(status = 413, content_type = "text/plain")]
    TooLarge(String),
    /// The content type is not JSON.
    #[response(status = 415, content_type = "text/plain")]
    NotJson(String),
    /// A field is missing or has a wrong value.
    #[response(status = 422, content_type = "text/plain")]
    Field(String),
}
