//! `POST /speak`: synthesises one text.

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
    /// The text to speak. The length limit is `server.max_text_chars`.
    text: String,
    /// The provider, the voice and the audio format.
    tts_config: TtsOptions,
}

/// Synthesises a text and streams the audio. If synthesis fails after the response has begun, the connection is closed early.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/speak", request_body = Request,
    responses(
        super::rejection::Rejection,
        (status = 200, description = "Audio in the requested format",
            content((Vec<u8> = "audio/pcm"), (Vec<u8> = "audio/wav"), (Vec<u8> = "audio/mpeg"), (Vec<u8> = "audio/ogg"),
                (Vec<u8> = "audio/basic"), (Vec<u8> = "application/octet-stream")),
            headers(("x-audio-format" = String), ("x-sample-rate" = u32))),
        (status = 400, description = "A text or an option that is not supported (JSON), or the body is not JSON (text)",
            content((crate::error::Body = "application/json"), (String = "text/plain"))),
        (status = 401, body = crate::error::AuthBody),
        (status = 429, body = crate::error::Body, description = "The rate limit of the provider is reached",
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
    // The first audio decides the status. A later error closes the connection.
    let started = speech.start().await.inspect_err(|error| warn!(%error, "synthesis failed"))?;
    app.shared.metrics.first_audio(voice.provider(), begun.elapsed());
    let format = voice.format();
    let silence =
        wav::header(&format, Some(0)).filter(|_| format.encoding == Encoding::Wav && started.cached_len == Some(0));
    let body = match silence {
        // Without audio, the WAV file is its header.
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
        debug!(%error, "synthesis failed after the response had begun");
    }
    Some((piece, speech))
}
