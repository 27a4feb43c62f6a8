//! Google's speech: `/v1/text:synthesize`. The HTTP client adds the access token.

use bytes::BytesMut;
use serde_json::{Value, json};
use url::Url;

use super::dialect::{Decoder, Dialect, Request, VoiceRequest, language};
use super::limit::Limit;
use crate::audio::{Encoding, Format};
use crate::provider::{OptionsError, address};

const VOICE: &str = "en-US-Neural2-F";
/// The range of rates, in Hz.
const LEAST: u32 = 8_000;
const MOST: u32 = 48_000;

#[derive(Debug)]
pub(super) struct Google {
    url: Url,
    voice: Value,
    config: Value,
    format: Format,
}

impl Google {
    pub(super) fn choose(request: &VoiceRequest<'_>) -> Result<Box<dyn Dialect>, OptionsError> {
        let rate = request.format.sample_rate.clamp(LEAST, MOST);
        // All encodings are supported at all rates in the range.
        let encoding =
            request.samples(&[rate], &[rate], &[rate]).map_or(request.format.encoding, |format| format.encoding);
        let name = match encoding {
            Encoding::Linear16 | Encoding::Wav => "LINEAR16",
            Encoding::Mulaw => "MULAW",
            Encoding::Alaw => "ALAW",
            Encoding::Mp3 => "MP3",
            Encoding::Opus => "OGG_OPUS",
            Encoding::Flac | Encoding::Aac => {
                return Err(request.refused("use linear16, mulaw, alaw, wav, mp3 or opus"));
            }
        };
        let url = address(request.base, "https://texttospeech.googleapis.com", "v1/text:synthesize")?;
        let voice = request.voice(VOICE);
        let voice = json!({"languageCode": language(voice), "name": voice});
        let mut config = json!({"audioEncoding": name, "sampleRateHertz": rate});
        let speed = request.rate_within(0.25, 2.0);
        if (speed - 1.0).abs() > 0.001
            && let Some(fields) = config.as_object_mut()
        {
            fields.insert("speakingRate".to_owned(), json!(speed));
        }
        Ok(Box::new(Self { url, voice, config, format: Format::mono(encoding, rate) }))
    }
}

impl Dialect for Google {
    fn request(&self, text: &str, _previous: Option<&str>) -> Request {
        let body = json!({"input": {"text": text}, "voice": self.voice, "audioConfig": self.config});
        Request { url: self.url.clone(), headers: Vec::new(), content_type: "application/json", body: body.to_string() }
    }

    fn limit(&self) -> Limit {
        Limit::Bytes(5_000)
    }

    fn format(&self) -> Format {
        self.format
    }

    fn decoder(&self) -> Decoder {
        Decoder::Json { body: BytesMut::new(), format: self.format }
    }
}
