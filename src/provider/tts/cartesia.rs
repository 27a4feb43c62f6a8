//! Cartesia's speech: `/tts/bytes`.

use serde_json::{Value, json};
use url::Url;

use super::dialect::{Dialect, Request, VoiceRequest};
use super::limit::Limit;
use crate::audio::{Encoding, Format};
use crate::config::Secret;
use crate::provider::{Name, OptionsError, address, nearest};

const MODEL: &str = "sonic-3";
const VERSION: &str = "2025-04-16";
const RATES: &[u32] = &[8_000, 16_000, 22_050, 24_000, 44_100, 48_000];

#[derive(Debug)]
pub(super) struct Cartesia {
    url: Url,
    key: Secret,
    /// The request without the text.
    body: Value,
    format: Format,
}

impl Cartesia {
    pub(super) fn choose(request: &VoiceRequest<'_>) -> Result<Box<dyn Dialect>, OptionsError> {
        let voice = request.voice("");
        if voice.is_empty() {
            return Err(OptionsError::Required { provider: Name::Cartesia, field: "voice_id" });
        }
        let model = if request.options.model.is_empty() { MODEL } else { &request.options.model };
        let (format, output) = output(request)?;
        // No language: the model detects it in the text.
        let mut body = json!({"model_id": model, "voice": {"mode": "id", "id": voice}, "output_format": output});
        let speed = request.rate_within(0.6, 1.5);
        if (speed - 1.0).abs() > 0.001
            && let Some(fields) = body.as_object_mut()
        {
            fields.insert("generation_config".to_owned(), json!({"speed": speed}));
        }
        let url = address(request.base, "https://api.cartesia.ai", "tts/bytes")?;
        let key = Secret::new(format!("Bearer {}", request.credential.key.expose()));
        Ok(Box::new(Self { url, key, body, format }))
    }
}

/// Returns the format to request, and the vendor's terms for it.
fn output(request: &VoiceRequest<'_>) -> Result<(Format, Value), OptionsError> {
    let rate = nearest(RATES, request.format.sample_rate);
    if request.format.encoding == Encoding::Mp3 {
        let output = json!({"container": "mp3", "sample_rate": rate, "bit_rate": 128_000});
        return Ok((Format::mono(Encoding::Mp3, rate), output));
    }
    let format = request.samples(RATES, RATES, RATES);
    let format = format.ok_or_else(|| request.refused("use linear16, mulaw, alaw, wav or mp3"))?;
    let encoding = match format.encoding {
        Encoding::Mulaw => "pcm_mulaw",
        Encoding::Alaw => "pcm_alaw",
        _ => "pcm_s16le",
    };
    Ok((format, json!({"container": "raw", "encoding": encoding, "sample_rate": format.sample_rate})))
}

impl Dialect for Cartesia {
    fn request(&self, text: &str, _previous: Option<&str>) -> Request {
        let mut body = self.body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("transcript".to_owned(), text.into());
        }
        Request {
            url: self.url.clone(),
            headers: vec![("Authorization", self.key.clone()), ("Cartesia-Version", Secret::new(VERSION))],
            content_type: "application/json",
            body: body.to_string(),
        }
    }

    fn limit(&self) -> Limit {
        Limit::None
    }

    fn format(&self) -> Format {
        self.format
    }
}
