//! What a vendor of synthesis has to say for itself: texts into requests, bodies into audio, as pure values.

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

/// A request for one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) url: Url,
    pub(super) headers: Vec<(&'static str, Secret)>,
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

/// A vendor's protocol with a voice's settings.
pub(super) trait Dialect: Send + Sync + std::fmt::Debug {
    /// What is asked for a text. `previous` is what was spoken before it.
    fn request(&self, text: &str, previous: Option<&str>) -> Request;

    /// The most that a request may have of a text.
    fn limit(&self) -> Limit;

    /// What the audio in the answer is.
    fn format(&self) -> Format;

    /// How the answer is read.
    fn decoder(&self) -> Decoder {
        Decoder::Raw
    }
}

/// What a client wants of a voice, as far as it was understood before anybody's dialect was chosen.
#[derive(Debug)]
pub(super) struct VoiceRequest<'a> {
    pub(super) options: &'a TtsOptions,
    pub(super) credential: &'a Credential,
    pub(super) base: Option<&'a Url>,
    /// What is to come out in the end.
    pub(super) format: Format,
    pub(super) rate: f64,
    /// `providers.elevenlabs_high_rates`, where the account is the server's.
    pub(super) high_rates: bool,
}

impl VoiceRequest<'_> {
    /// The named voice, else the vendor's usual one.
    pub(super) fn voice<'v>(&'v self, usual: &'v str) -> &'v str {
        self.options.voice_id.as_deref().filter(|voice| !voice.trim().is_empty()).unwrap_or(usual)
    }

    /// The speaking rate, within what the vendor takes.
    pub(super) fn rate_within(&self, least: f64, most: f64) -> f64 {
        self.rate.clamp(least, most)
    }

    /// The encoding of samples to ask for: the wanted one where the vendor has it at that rate, else 16-bit PCM at its nearest
    /// rate. Compressed formats are not samples.
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

    /// The vendor does not have this encoding.
    pub(super) fn refused(&self, hint: &'static str) -> OptionsError {
        let value = self.format.encoding.name().to_owned();
        OptionsError::NotByProvider { provider: self.credential.provider, field: "audio_format", value, hint }
    }
}

/// A language tag out of a voice's name: `en-US` of `en-US-AvaNeural`.
pub(super) fn language(voice: &str) -> String {
    voice.split('-').take(2).collect::<Vec<_>>().join("-")
}

/// Turns the body of an answer into audio, piece by piece.
#[derive(Debug)]
pub(super) enum Decoder {
    /// It is the audio.
    Raw,
    /// It is JSON with the audio in it, behind a WAV header or not; nothing can be told before its end.
    Json { body: BytesMut, format: Format },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    #[serde(borrow)]
    audio_content: std::borrow::Cow<'a, str>,
}

impl Decoder {
    /// The beginning of the media type that an answer in this form has.
    pub(super) fn takes(&self, content_type: &str) -> bool {
        let json = content_type.starts_with("application/json");
        match self {
            // An error page is no speech, whatever its status.
            Self::Raw => !json && !content_type.starts_with("text/"),
            Self::Json { .. } => json,
        }
    }

    /// Takes a piece, gives the audio in it.
    pub(super) fn push(&mut self, piece: Bytes) -> Bytes {
        match self {
            Self::Raw => piece,
            Self::Json { body, .. } => {
                body.extend_from_slice(&piece);
                Bytes::new()
            }
        }
    }

    /// The rest of the audio.
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
