//! What clients say about speech: the `stt_config` and `tts_config` of the protocol.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::audio::{Encoding, Format};

/// How speech is to be recognised. Unknown fields are left alone.
#[expect(clippy::struct_excessive_bools, reason = "as the protocol has them")]
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SttOptions {
    /// Whose engine.
    pub provider: String,
    /// The language that is spoken, as the provider calls it; may be empty for some of them.
    pub language: String,
    /// Samples a second of the audio that will come.
    pub sample_rate: u32,
    /// Its channels, interleaved.
    pub channels: u16,
    /// Whether results have punctuation, where that can be chosen.
    pub punctuation: bool,
    /// How samples are written: `linear16` and others.
    pub encoding: String,
    /// The provider's model; empty for its usual one.
    pub model: String,
    /// Whether noise is taken out of the audio before the provider hears it.
    #[serde(default)]
    pub noise_filter: bool,
    /// Whether the client is told what the detectors of this server hear.
    #[serde(default)]
    pub vad_events: bool,
    /// Whether the detectors of this server listen, where it has any.
    #[serde(default = "yes")]
    pub turn_detect: bool,
    /// The client's own credentials.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub auth: Option<Map<String, Value>>,
}

fn yes() -> bool {
    true
}

impl SttOptions {
    /// The form of the audio that will come; none where the encoding is a provider's own.
    pub fn format(&self) -> Option<Format> {
        let Self { sample_rate, channels, .. } = *self;
        Encoding::parse(&self.encoding).map(|encoding| Format { encoding, sample_rate, channels })
    }
}

/// How text is to be spoken. Unknown fields are left alone.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TtsOptions {
    /// Whose engine.
    pub provider: String,
    /// The provider's model; empty for its usual one.
    pub model: String,
    /// The provider's voice.
    #[serde(default)]
    pub voice_id: Option<String>,
    /// 1 is usual.
    #[serde(default)]
    pub speaking_rate: Option<f32>,
    /// How samples come: `linear16` and others.
    #[serde(default)]
    pub audio_format: Option<String>,
    /// Samples a second.
    #[serde(default)]
    pub sample_rate: Option<u32>,
    /// Seconds until a connection is there.
    #[serde(default)]
    pub connection_timeout: Option<u64>,
    /// Seconds until the whole answer is there.
    #[serde(default)]
    pub request_timeout: Option<u64>,
    /// Words that are spoken as something else.
    #[serde(default)]
    pub pronunciations: Vec<Pronunciation>,
    /// The client's own credentials.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub auth: Option<Map<String, Value>>,
}

/// A word and what is spoken for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pronunciation {
    /// As it stands in texts.
    pub word: String,
    /// What the provider is given instead.
    pub pronunciation: String,
}

/// Credentials are not shown.
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
    fn credentials_are_not_shown() {
        let stt = r#"{"provider":"deepgram","language":"en","sample_rate":16000,"channels":1,"punctuation":true,
            "encoding":"linear16","model":"nova-3","auth":{"api_key":"hunter2"},"vad":{"unknown":"is left alone"}}"#;
        let tts = r#"{"provider":"deepgram","model":"","auth":{"api_key":"hunter2"}}"#;
        let shown = format!("{:?}", serde_json::from_str::<SttOptions>(stt).unwrap());
        assert!(shown.contains("api_key") && !shown.contains("hunter2"), "{shown}");
        let shown = format!("{:?}", serde_json::from_str::<TtsOptions>(tts).unwrap());
        assert!(shown.contains("api_key") && !shown.contains("hunter2"), "{shown}");
    }
}
