//! A dialect is the adapter for a vendor's text-to-speech API: texts into requests, bodies into audio. It does no I/O.

use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use url::Url;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::TtsError;
use super::limit::Limit;
use crate::audio::{Encoding, Format, wav};
use crate::config::Secret;
use crate::provider::{Credential, Name, OptionsError, TtsOptions};

/// The HTTP request for one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) url: Url,
    pub(super) headers: Vec<(&'static str, Secret)>,
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

/// A vendor's API with a voice's settings. The voice's engine owns it. It has no state.
pub(super) trait Dialect: Send + Sync + std::fmt::Debug {
    /// Returns the request for a text. `previous` is the text that was spoken before it.
    fn request(&self, text: &str, previous: Option<&str>) -> Request;

    /// Returns the longest text of a request.
    fn limit(&self) -> Limit;

    /// Returns the format of the audio in the response.
    fn format(&self) -> Format;

    /// Returns a decoder for one response.
    fn decoder(&self) -> Decoder {
        Decoder::Raw
    }
}

/// A client's request for a voice, validated as far as that does not depend on the vendor.
#[derive(Debug)]
pub(super) struct VoiceRequest<'a> {
    pub(super) options: &'a TtsOptions,
    pub(super) credential: &'a Credential,
    pub(super) base: Option<&'a Url>,
    /// The format that the client receives.
    pub(super) format: Format,
    pub(super) rate: f64,
    /// `providers.elevenlabs_high_rates`, if the account is the server's.
    pub(super) high_rates: bool,
}

impl VoiceRequest<'_> {
    /// Returns the requested voice, or the vendor's default.
    pub(super) fn voice<'v>(&'v self, usual: &'v str) -> &'v str {
        self.options.voice_id.as_deref().filter(|voice| !voice.trim().is_empty()).unwrap_or(usual)
    }

    /// Returns the speaking rate, clamped to the vendor's range.
    pub(super) fn rate_within(&self, least: f64, most: f64) -> f64 {
        self.rate.clamp(least, most)
    }

    /// Returns the format of samples to request: the wanted one if the vendor has it at that rate, else 16-bit PCM at its nearest
    /// rate. `None` for compressed formats.
    pub(super) fn samples(&self, linear: &[u32], mulaw: &[u32], alaw: &[u32]) -> Option<Format> {
        let rate = self.format.sample_rate;
        let law = match self.format.encoding {
            Encoding::Linear16 | Encoding::Wav => &[],
            Encoding::Mulaw => mulaw,
            Encoding::Alaw => alaw,
            Encoding::Mp3 | Encoding::Opus | Encoding::Flac | Encoding::Aac => return None,
        };
        if law.contains(&rate) {
            return Some(self.format);
        }
        Some(Format::mono(Encoding::Linear16, crate::provider::nearest(linear, rate)))
    }

    /// The error for an encoding that the vendor does not support.
    pub(super) fn refused(&self, hint: &'static str) -> OptionsError {
        let value = self.format.encoding.name().to_owned();
        OptionsError::NotByProvider { provider: self.credential.provider, field: "audio_format", value, hint }
    }
}

/// Returns the language tag in a voice's name: `en-US` of `en-US-AvaNeural`.
pub(super) fn language(voice: &str) -> String {
    voice.split('-').take(2).collect::<Vec<_>>().join("-")
}

/// Decodes the body of one response into audio, piece by piece.
#[derive(Debug)]
pub(super) enum Decoder {
    /// The body is the audio.
    Raw,
    /// The body is JSON that contains the audio, with or without a WAV header. It cannot be decoded before its end.
    Json { body: BytesMut, format: Format },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    #[serde(borrow)]
    audio_content: std::borrow::Cow<'a, str>,
}

impl Decoder {
    /// Returns whether a response of this media type can be decoded.
    pub(super) fn takes(&self, content_type: &str) -> bool {
        let json = content_type.starts_with("application/json");
        match self {
            // An error page is not audio, whatever its status.
            Self::Raw => !json && !content_type.starts_with("text/"),
            Self::Json { .. } => json,
        }
    }

    /// Decodes a piece.
    pub(super) fn push(&mut self, piece: Bytes) -> Bytes {
        match self {
            Self::Raw => piece,
            Self::Json { body, .. } => {
                body.extend_from_slice(&piece);
                Bytes::new()
            }
        }
    }

    /// Returns the rest of the audio.
    pub(super) fn finish(self, provider: Name) -> Result<Bytes, TtsError> {
        let Self::Json { body, format } = self else { return Ok(Bytes::new()) };
        let unreadable = |problem: String| TtsError::Unreadable { provider, problem };
        let content: Content<'_> = serde_json::from_slice(&body).map_err(|e| unreadable(e.to_string()))?;
        let audio = STANDARD.decode(content.audio_content.as_bytes()).map_err(|e| unreadable(e.to_string()))?;
        if format.encoding.sample_bytes().is_none() {
            return Ok(audio.into());
        }
        let mut reader = wav::Reader::new(format);
        let audio = reader.push(audio.into()).map_err(|e| unreadable(e.to_string()))?;
        Ok(if audio.is_empty() { reader.finish() } else { audio })
    }
}
