//! The `stt_config` and `tts_config` of the protocol.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::audio::{Encoding, Format};

/// The options of speech-to-text. Unknown fields are ignored.
#[expect(clippy::struct_excessive_bools, reason = "the protocol has these fields")]
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SttOptions {
    /// The provider: `deepgram`, `elevenlabs`, `cartesia`, `google`, `azure` or `local`.
    pub provider: String,
    /// The language in the provider's notation, such as `en-US`. Some providers accept an empty one.
    pub language: String,
    /// The sample rate of the client's audio, in Hz.
    pub sample_rate: u32,
    /// The number of interleaved channels.
    pub channels: u16,
    /// Whether results have punctuation, if the provider has that option.
    pub punctuation: bool,
    /// The encoding of the client's audio, such as `linear16`.
    pub encoding: String,
    /// The provider's model. Empty: its default.
    pub model: String,
    /// Whether noise is removed from the audio before it goes to the provider. Default: false.
    #[serde(default)]
    pub noise_filter: bool,
    /// Whether the client receives `vad_event` messages. Default: false.
    #[serde(default)]
    pub vad_events: bool,
    /// Whether the server's turn detection is used, if it has one. Default: true.
    #[serde(default = "yes")]
    pub turn_detect: bool,
    /// The client's own credentials for the provider. Default: the server's.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub auth: Option<Map<String, Value>>,
}

fn yes() -> bool {
    true
}

impl SttOptions {
    /// Returns the format of the client's audio. `None` for an encoding that only the provider knows.
    pub fn format(&self) -> Option<Format> {
        let Self { sample_rate, channels, .. } = *self;
        Encoding::parse(&self.encoding).map(|encoding| Format { encoding, sample_rate, channels })
    }
}

/// The options of text-to-speech. Unknown fields are ignored.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TtsOptions {
    /// The provider: `deepgram`, `elevenlabs`, `cartesia`, `google`, `azure` or `local`.
    pub provider: String,
    /// The provider's model. Empty: its default.
    pub model: String,
    /// The provider's voice. Default: the provider's default voice.
    #[serde(default)]
    pub voice_id: Option<String>,
    /// The speed, from 0.25 to 4. Default: 1.
    #[serde(default)]
    pub speaking_rate: Option<f32>,
    /// The encoding of the audio, such as `linear16`. Default: `linear16`.
    #[serde(default)]
    pub audio_format: Option<String>,
    /// The sample rate, in Hz. Default: 24000.
    #[serde(default)]
    pub sample_rate: Option<u32>,
    /// The time-out for a connection to the provider, from 1 to 600 seconds. Default: 30.
    #[serde(default)]
    pub connection_timeout: Option<u64>,
    /// The time-out for an answer of the provider, from 1 to 600 seconds. Default: 60.
    #[serde(default)]
    pub request_timeout: Option<u64>,
    /// Words with their pronunciations.
    #[serde(default)]
    pub pronunciations: Vec<Pronunciation>,
    /// The client's own credentials for the provider. Default: the server's.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub auth: Option<Map<String, Value>>,
}

/// A word and its pronunciation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pronunciation {
    /// The word, as it stands in texts.
    pub word: String,
    /// The text that the provider gets instead.
    pub pronunciation: String,
}

/// Returns the names of the fields only, so that `Debug` shows no credentials.
fn shown(auth: Option<&Map<String, Value>>) -> Option<Vec<&String>> {
    auth.map(|auth| auth.keys().collect())
}

impl std::fmt::Debug for SttOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SttOptions")
            .field("provider", &self.provider)
            .field("language", &self.language)
            .field("sample_rate", &self.sample_rate)
            .field("channels", &self.channels)
            .field("punctuation", &self.punctuation)
            .field("encoding", &self.encoding)
            .field("model", &self.model)
            .field("noise_filter", &self.noise_filter)
            .field("vad_events", &self.vad_events)
            .field("turn_detect", &self.turn_detect)
            .field("auth", &shown(self.auth.as_ref()))
            .finish()
    }
}

impl std::fmt::Debug for TtsOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TtsOptions")
            .field("provider", &self.provider)
            .field("model", &self.model)
            .field("voice_id", &self.voice_id)
            .field("speaking_rate", &self.speaking_rate)
            .field("audio_format", &self.audio_format)
            .field("sample_rate", &self.sample_rate)
            .field("auth", &shown(self.auth.as_ref()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_debug_hides_credentials() {
        let stt = r#"{"provider":"deepgram","language":"en","sample_rate":16000,"channels":1,"punctuation":true,
            "encoding":"linear16","model":"nova-3","auth":{"api_key":"hunter2"},"vad":{"unknown":"is left alone"}}"#;
        let tts = r#"{"provider":"deepgram","model":"","auth":{"api_key":"hunter2"}}"#;
        let shown = format!("{:?}", serde_json::from_str::<SttOptions>(stt).unwrap());
        assert!(shown.contains("api_key") && !shown.contains("hunter2"), "{shown}");
        let shown = format!("{:?}", serde_json::from_str::<TtsOptions>(tts).unwrap());
        assert!(shown.contains("api_key") && !shown.contains("hunter2"), "{shown}");
    }
}
