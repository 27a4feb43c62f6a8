//! Azure's speech: SSML to `/cognitiveservices/v1`.

use url::Url;

use super::dialect::{Dialect, Request, VoiceRequest, language};
use super::limit::Limit;
use crate::audio::{Encoding, Format};
use crate::config::Secret;
use crate::provider::{OptionsError, address, nearest};

const VOICE: &str = "en-US-AvaNeural";
const LINEAR: &[u32] = &[8_000, 16_000, 22_050, 24_000, 44_100, 48_000];
const LAW: &[u32] = &[8_000];
/// Azure limits the audio to ten minutes, which this many characters do not exceed at half the default speed.
const LIMIT: Limit = Limit::Characters(3_000);
const COMPRESSED: &[u32] = &[16_000, 24_000, 48_000];

#[derive(Debug)]
pub(super) struct Azure {
    url: Url,
    key: Secret,
    output: String,
    /// The SSML before and behind the text.
    head: String,
    tail: &'static str,
    format: Format,
}

impl Azure {
    pub(super) fn choose(request: &VoiceRequest<'_>) -> Result<Box<dyn Dialect>, OptionsError> {
        let (format, output) = output(request)?;
        let region = request.credential.region.as_deref().unwrap_or_default();
        let usual = format!("https://{region}.tts.speech.microsoft.com");
        let url = address(request.base, &usual, "cognitiveservices/v1")?;
        let voice = request.voice(VOICE);
        let (language, voice) = (escaped(&language(voice)), escaped(voice));
        let namespace = "http://www.w3.org/2001/10/synthesis";
        let speak =
            format!("<speak version=\"1.0\" xmlns=\"{namespace}\" xml:lang=\"{language}\"><voice name=\"{voice}\">");
        // The percentage is relative: +50% is 1.5 times as fast.
        let percent = (request.rate_within(0.5, 2.0) - 1.0) * 100.0;
        let (head, tail) = if percent.abs() < 1.0 {
            (speak, "</voice></speak>")
        } else {
            (format!("{speak}<prosody rate=\"{percent:+.0}%\">"), "</prosody></voice></speak>")
        };
        Ok(Box::new(Self { url, key: request.credential.key.clone(), output, head, tail, format }))
    }
}

/// Returns the format to request, and the vendor's name for it.
fn output(request: &VoiceRequest<'_>) -> Result<(Format, String), OptionsError> {
    if let Some(format) = request.samples(LINEAR, LAW, LAW) {
        let rate = format.sample_rate;
        let rate = if rate % 1_000 == 0 { format!("{}khz", rate / 1_000) } else { format!("{rate}hz") };
        let kind = match format.encoding {
            Encoding::Mulaw => "8bit-mono-mulaw",
            Encoding::Alaw => "8bit-mono-alaw",
            _ => "16bit-mono-pcm",
        };
        return Ok((format, format!("raw-{rate}-{kind}")));
    }
    let rate = nearest(COMPRESSED, request.format.sample_rate);
    let name = match (request.format.encoding, rate) {
        (Encoding::Mp3, 16_000) => "audio-16khz-64kbitrate-mono-mp3".to_owned(),
        (Encoding::Mp3, 24_000) => "audio-24khz-96kbitrate-mono-mp3".to_owned(),
        (Encoding::Mp3, _) => "audio-48khz-192kbitrate-mono-mp3".to_owned(),
        (Encoding::Opus, rate) => format!("ogg-{}khz-16bit-mono-opus", rate / 1_000),
        _ => return Err(request.refused("use linear16, mulaw, alaw, wav, mp3 or opus")),
    };
    Ok((Format::mono(request.format.encoding, rate), name))
}

/// Escapes text for XML content and attributes. Characters that XML cannot hold are dropped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

impl Dialect for Azure {
    fn request(&self, text: &str, _previous: Option<&str>) -> Request {
        let headers = vec![
            ("Ocp-Apim-Subscription-Key", self.key.clone()),
            ("X-Microsoft-OutputFormat", Secret::new(self.output.as_str())),
        ];
        let body = format!("{}{}{}", self.head, escaped(text), self.tail);
        Request { url: self.url.clone(), headers, content_type: "application/ssml+xml", body }
    }

    fn limit(&self) -> Limit {
        LIMIT
    }

    fn format(&self) -> Format {
        self.format
    }
}
