//! `POST /speak`: one text, spoken.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use tracing::{debug, warn};

use crate::app::App;
use crate::audio::{Encoding, wav};
use crate::error::Error;
use crate::provider::{Synthesis, TtsOptions};

pub(super) const FORMAT: HeaderName = HeaderName::from_static("x-audio-format");
pub(super) const RATE: HeaderName = HeaderName::from_static("x-sample-rate");

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SpeakRequest))]
pub(super) struct Request {
    /// What to say.
    text: String,
    /// How.
    tts_config: TtsOptions,
}

/// Speaks a text. The audio is sent as it comes; a connection that ends early means that it is not whole.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/speak", request_body = Request,
    responses(
        super::rejection::Rejection,
        (status = 200, description = "Audio in the format that was asked for",
            content((Vec<u8> = "audio/pcm"), (Vec<u8> = "audio/wav"), (Vec<u8> = "audio/mpeg"), (Vec<u8> = "audio/ogg"),
                (Vec<u8> = "audio/basic"), (Vec<u8> = "application/octet-stream")),
            headers(("x-audio-format" = String), ("x-sample-rate" = u32))),
        (status = 400, description = "What cannot be spoken; not JSON at all",
            content((crate::error::Body = "application/json"), (String = "text/plain"))),
        (status = 401, body = crate::error::AuthBody),
        (status = 429, body = crate::error::Body, description = "The provider asks for patience",
            headers(("retry-after" = u64))),
        (status = 500, body = crate::error::Body), (status = 503, body = crate::error::Body),
    ),
))]
pub(super) async fn speak(State(app): State<App>, Json(request): Json<Request>) -> Result<Response, Error> {
    let Request { text, tts_config } = request;
    if text.trim().is_empty() {
        return Err(Error::EmptyText);
    }
    let (chars, most) = (text.chars().count(), app.shared.config.server.max_text_chars);
    if chars > most {
        return Err(Error::TextTooLong { chars, most });
    }
    let voice = app.shared.providers.voice(&tts_config)?;
    let begun = tokio::time::Instant::now();
    let mut speech = voice.speak(&text, None);
    // The first audio decides the status; what breaks later breaks the connection.
    let started = speech.start().await.inspect_err(|error| warn!(%error, "speech failed"))?;
    app.shared.metrics.first_audio(voice.provider(), begun.elapsed());
    let format = voice.format();
    let silence =
        wav::header(&format, Some(0)).filter(|_| format.encoding == Encoding::Wav && started.cached_len == Some(0));
    let body = match silence {
        // A file without samples is a file all the same.
        Some(header) => Body::from(header.to_vec()),
        None => Body::from_stream(futures_util::stream::unfold(speech, piece)),
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.encoding.content_type()));
    let name = HeaderValue::from_str(voice.format_name());
    headers.insert(FORMAT, name.unwrap_or_else(|_| HeaderValue::from_static(format.encoding.name())));
    headers.insert(RATE, HeaderValue::from(format.sample_rate));
    if let Some(length) = started.cached_len.filter(|_| silence.is_none()) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(response)
}

async fn piece(mut speech: Synthesis) -> Option<(Result<bytes::Bytes, crate::provider::TtsError>, Synthesis)> {
    let piece = speech.next().await?;
    if let Err(error) = &piece {
        debug!(%error, "speech broke off, and so does the answer");
    }
    Some((piece, speech))
}
