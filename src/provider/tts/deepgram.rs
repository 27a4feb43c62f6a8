//! Deepgram's speech: `/v1/speak`.

use serde_json::json;
use url::Url;

use super::dialect::{Dialect, Request, VoiceRequest};
use super::limit::Limit;
use crate::audio::{Encoding, Format};
use crate::config::Secret;
use crate::provider::{OptionsError, address, nearest};

const VOICE: &str = "aura-asteria-en";

/// Rates by encoding, in Hz. Requests for other compressed encodings cannot name a rate.
const LINEAR: &[u32] = &[8_000, 16_000, 24_000, 32_000, 48_000];
const LAW: &[u32] = &[8_000, 16_000];
const FLAC: &[u32] = &[8_000, 16_000, 22_050, 32_000, 48_000];
const MP3_AND_AAC: u32 = 22_050;
const OPUS: u32 = 48_000;

#[derive(Debug)]
pub(super) struct Deepgram {
    url: Url,
    key: Secret,
    format: Format,
}

impl Deepgram {
    pub(super) fn choose(request: &VoiceRequest<'_>) -> Result<Box<dyn Dialect>, OptionsError> {
        let encoding = request.format.encoding;
        let format = request.samples(LINEAR, LAW, LAW).unwrap_or(match encoding {
            Encoding::Flac => Format::mono(encoding, nearest(FLAC, request.format.sample_rate)),
            Encoding::Opus => Format::mono(encoding, OPUS),
            _ => Format::mono(encoding, MP3_AND_AAC),
        });
        let mut url = address(request.base, "https://api.deepgram.com", "v1/speak")?;
        {
            let mut query = url.query_pairs_mut();
            let model = if request.options.model.is_empty() { request.voice(VOICE) } else { &request.options.model };
            query.append_pair("model", model).append_pair("encoding", format.encoding.name());
            if format.encoding.sample_bytes().is_some() {
                query.append_pair("container", "none");
            }
            if format.encoding.sample_bytes().is_some() || format.encoding == Encoding::Flac {
                query.append_pair("sample_rate", &format.sample_rate.to_string());
            }
            // Not every voice accepts a speed, so the default is left out.
            let speed = request.rate_within(0.7, 1.5);
            if (speed - 1.0).abs() > 0.001 {
                query.append_pair("speed", &speed.to_string());
            }
        }
        let key = Secret::new(format!("Token {}", request.credential.key.expose()));
        Ok(Box::new(Self { url, key, format }))
    }
}

impl Dialect for Deepgram {
    fn request(&self, text: &str, _previous: Option<&str>) -> Request {
        Request {
            url: self.url.clone(),
            headers: vec![("Authorization", self.key.clone())],
            content_type: "application/json",
            body: json!({"text": text}).to_string(),
        }
    }

    fn limit(&self) -> Limit {
        Limit::Characters(2_000)
    }

    fn format(&self) -> Format {
        self.format
    }
}
