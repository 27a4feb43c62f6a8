//! ElevenLabs' speech: `/v1/text-to-speech/{voice}/stream`.

use serde_json::json;
use url::Url;

use super::dialect::{Dialect, Request, VoiceRequest};
use super::limit::Limit;
use crate::audio::{Encoding, Format};
use crate::config::Secret;
use crate::provider::{OptionsError, address};

const VOICE: &str = "21m00Tcm4TlvDq8ikWAM";
const MODEL: &str = "eleven_v3";
const LINEAR: &[u32] = &[16_000, 22_050, 24_000];
/// Further rates, which only the larger plans have.
const HIGH: &[u32] = &[16_000, 22_050, 24_000, 44_100, 48_000];
const MULAW: &[u32] = &[8_000];

#[derive(Debug)]
pub(super) struct ElevenLabs {
    url: Url,
    key: Secret,
    model: String,
    speed: f64,
    format: Format,
    limit: Limit,
}

/// The longest text in characters, by the prefix of the model's name. The first match counts.
const LIMITS: [(&str, usize); 6] = [
    ("eleven_flash_v2_5", 40_000),
    ("eleven_turbo_v2_5", 40_000),
    ("eleven_flash_v2", 30_000),
    ("eleven_turbo_v2", 30_000),
    ("eleven_multilingual", 10_000),
    ("eleven_monolingual", 10_000),
];
/// The longest text of all other models, in characters.
const OTHERS: usize = 3_000;

impl ElevenLabs {
    pub(super) fn choose(request: &VoiceRequest<'_>) -> Result<Box<dyn Dialect>, OptionsError> {
        let (format, name) = output(request)?;
        let mut url = address(request.base, "https://api.elevenlabs.io", "v1/text-to-speech")?;
        // A base URL has path segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(request.voice(VOICE)).push("stream");
        }
        url.query_pairs_mut().append_pair("output_format", &name);
        let model = if request.options.model.is_empty() { MODEL } else { &request.options.model };
        let (key, speed) = (request.credential.key.clone(), request.rate_within(0.7, 1.2));
        let most = LIMITS.iter().find(|(name, _)| model.starts_with(name)).map_or(OTHERS, |(_, most)| *most);
        let limit = Limit::Characters(most);
        Ok(Box::new(Self { url, key, model: model.to_owned(), speed, format, limit }))
    }
}

/// Returns the format to request, and the vendor's name for it.
fn output(request: &VoiceRequest<'_>) -> Result<(Format, String), OptionsError> {
    if let Some(format) = request.samples(if request.high_rates { HIGH } else { LINEAR }, MULAW, &[]) {
        let word = if format.encoding == Encoding::Mulaw { "ulaw" } else { "pcm" };
        return Ok((format, format!("{word}_{}", format.sample_rate)));
    }
    let (rate, name) = match (request.format.encoding, request.format.sample_rate) {
        (Encoding::Mp3, 22_050) => (22_050, "mp3_22050_32"),
        (Encoding::Mp3, _) => (44_100, "mp3_44100_128"),
        (Encoding::Opus, _) => (48_000, "opus_48000_128"),
        _ => return Err(request.refused("use linear16, mulaw, alaw, wav, mp3 or opus")),
    };
    Ok((Format::mono(request.format.encoding, rate), name.to_owned()))
}

impl Dialect for ElevenLabs {
    fn request(&self, text: &str, previous: Option<&str>) -> Request {
        let mut body = json!({
            "text": text,
            "model_id": self.model,
            "voice_settings": {
                "stability": 0.5, "similarity_boost": 0.8, "style": 0, "use_speaker_boost": false, "speed": self.speed,
            },
        });
        // Models of this family reject a request that has it.
        if let Some(previous) = previous.filter(|_| !self.model.starts_with("eleven_v3"))
            && let Some(fields) = body.as_object_mut()
        {
            fields.insert("previous_text".to_owned(), previous.into());
        }
        Request {
            url: self.url.clone(),
            headers: vec![("xi-api-key", self.key.clone())],
            content_type: "application/json",
            body: body.to_string(),
        }
    }

    fn limit(&self) -> Limit {
        self.limit
    }

    fn format(&self) -> Format {
        self.format
    }
}
