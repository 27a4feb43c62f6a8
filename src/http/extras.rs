//! Paths of parts that this build has not: what clients are told there is what they are told of a server that has the
//! part, but not the keys to it.

use axum::extract::Path;

#[cfg(feature = "openapi")]
use crate::error::{AuthBody, Body};
use crate::error::{Coded, Error};

/// One function per path, so that each is in the OpenAPI document by its own name.
macro_rules! without_livekit {
    ($($name:ident, $method:ident, $path:literal, $answer:ty, $error:expr, $help:literal;)*) => { $(
        #[doc = $help]
        #[cfg_attr(feature = "openapi", utoipa::path($method, path = $path,
            responses((status = 401, body = AuthBody), (status = 500, body = Body))))]
        pub(super) async fn $name() -> $answer {
            $error
        }
    )* };
}

without_livekit! {
    hooks, get, "/sip/hooks", Error, Error::LivekitNotConfigured, "Lists who is told of calls.";
    set_hooks, post, "/sip/hooks", Error, Error::LivekitNotConfigured, "Adds to them.";
    delete_hooks, delete, "/sip/hooks", Error, Error::LivekitNotConfigured, "Removes some of them.";
    transfer, post, "/sip/transfer", Coded, Coded(Error::LivekitNotConfigured), "Hands a call to another number.";
    call, post, "/sip/call", Coded, Coded(Error::LivekitNotConfigured), "Calls a number.";
}

/// Takes `LiveKit`'s news. It repeats what it is not thanked for; a server that cannot check signatures has no use for it.
#[cfg_attr(feature = "openapi", utoipa::path(post, path = "/livekit/webhook", security(()),
    responses((status = 503, body = Body))))]
pub(super) async fn webhook() -> Error {
    Error::WebhookNotConfigured
}

/// Gives out the recording of a session.
#[cfg_attr(feature = "openapi", utoipa::path(get, path = "/recording/{stream_id}", params(("stream_id" = String, Path)),
    responses((status = 400, body = Body), (status = 401, body = AuthBody), (status = 503, body = Body))))]
pub(super) async fn recording(Path(stream_id): Path<String>) -> Error {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name =
        !stream_id.is_empty() && stream_id.len() <= 256 && stream_id.chars().all(good) && !stream_id.starts_with('.');
    if name { Error::RecordingNotConfigured } else { Error::StreamId }
}
