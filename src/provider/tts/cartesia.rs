//! Cartesia's speech: `/tts/bytes`.

use serde_json::{Value, json};
use url::Url;

use super::dialect::{Dialect, Request, Wish};
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
    /// Everything but the text.
    body: Value,
    format: Format,
}

impl Cartesia {
    pub(super) fn choose(wish: &Wish<'_>) -> Result<Box<dyn Dialect>, OptionsError> {
        let voice = wish.voice("");
        if voice.is_empty() {
            return Err(OptionsError::Required { provider: Name::Cartesia, field: "voice_id" });
        }
        let model = if wish.options.model.is_empty() { MODEL } else { &wish.options.model };
        let (format, output) = output(wish)?;
        // No language: the model hears it in the text.
        let mut body = json!({"model_id": model, "voice": {"mode": "id", "id": voice}, "output_format": output});
        let speed = wish.rate_within(0.6, 1.5);
        if (speed - 1.0).abs() > 0.001
            && let Some(fields) = body.as_object_mut()
        {
            fields.insert("generation_config".to_owned(), json!({"speed": speed}));
        }
        let url = address(wish.base, "https://api.cartesia.ai", "tts/bytes")?;
        let key = Secret::new(format!("Bearer {}", wish.credential.key.expose()));
        Ok(Box::new(Self { url, key, body, format }))
    }
}

/// What is asked for, and the vendor's words for it.
fn output(wish: &Wish<'_>) -> Result<(Format, Value), OptionsError> {
    let rate = nearest(RATES, wish.format.sample_rate);
    if wish.format.encoding == Encoding::Mp3 {
        let output = json!({"container": "mp3", "sample_rate": rate, "bit_rate": 128_000});
        return Ok((Format::mono(Encoding::Mp3, rate), output));
    }
    let format = wish.samples(RATES, RATES, RATES);
    let format = format.ok_or_else(|| wish.refused("linear16, mulaw, alaw, wav and mp3 are there"))?;
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
