//! A dialect is the adapter for a vendor's speech-to-text protocol: audio into messages, messages into events. It does no I/O.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::Deserialize;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use url::Url;
use uuid::Uuid;

use super::{SttError, Transcript};
use crate::audio::{Converter, Encoding, Format};
use crate::config::Secret;
use crate::provider::{Name, OptionsError, SttOptions};

/// The URL and the headers of a WebSocket handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Handshake {
    pub(super) url: Url,
    pub(super) headers: Vec<(&'static str, Secret)>,
}

/// A WebSocket message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    Text(Utf8Bytes),
    Binary(Bytes),
}

impl Frame {
    pub(super) fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::Text(text.into())
    }
}

/// The meaning of a vendor's message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    /// The vendor accepts audio now.
    Ready,
    /// A result, and the audio that it covers.
    Result(Transcript, Covers),
    /// The vendor reports an error, but the connection continues.
    Error(SttError),
    /// All results were sent. The connection has no further use.
    Finished,
}

/// The audio of a connection that a result covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Covers {
    /// The audio up to this time since the beginning of the connection.
    Until(Duration),
    /// The vendor does not report it.
    Unsaid,
}

impl Covers {
    /// Converts a vendor's number of seconds, which may be invalid.
    pub(super) fn seconds(until: f64) -> Self {
        Duration::try_from_secs_f64(until).map_or(Self::Unsaid, Self::Until)
    }
}

/// A vendor's protocol. The transcription's task owns it for all of its connections. It may hold state of the current connection,
/// which [`Dialect::open`] resets.
pub(super) trait Dialect: Send {
    /// Begins a new connection with this id, and forgets the state of the last one.
    fn open(&mut self, id: Uuid) -> Handshake;

    /// Returns the messages before the first audio.
    fn hello(&mut self, _now: SystemTime) -> Vec<Frame> {
        Vec::new()
    }

    /// Returns whether audio has to wait for [`Event::Ready`].
    fn waits(&self) -> bool {
        false
    }

    /// Returns the message for a piece of audio.
    fn audio(&mut self, audio: Bytes, now: SystemTime) -> Frame;

    /// Returns the keep-alive message. It is sent when nothing was sent for a second.
    fn idle(&mut self, now: SystemTime) -> Option<Frame>;

    /// Returns silence as audio, for vendors that need it to detect the end of a turn.
    fn silence(&self, _time: Duration) -> Option<Bytes> {
        None
    }

    /// Returns the message that requests the results of all sent audio, if the vendor has one.
    fn flush(&mut self, _now: SystemTime) -> Option<Frame> {
        None
    }

    /// Returns the messages behind the last audio.
    fn finish(&mut self, now: SystemTime) -> Vec<Frame>;

    /// Parses a message of the vendor. An error means that the connection is unusable.
    fn read(&mut self, frame: &Frame) -> Result<Option<Event>, SttError>;
}

/// The conversion from the client's audio to the vendor's, with the rates of both sides.
#[derive(Debug)]
pub(super) struct AudioConversion {
    /// From the client's format to the vendor's.
    pub(super) converter: Converter,
    /// Bytes per second of its input; an estimate for compressed audio.
    pub(super) client_bytes_per_second: usize,
    /// Bytes per second of its output.
    pub(super) bytes_per_second: usize,
    /// Bytes of one output sample of all channels. `None` for compressed audio.
    pub(super) sample: Option<usize>,
}

/// An estimate for compressed audio, in bytes per second: more than speech codecs need.
const COMPRESSED: usize = 16_000;

fn bytes_per_second(format: Option<Format>) -> usize {
    let rate = format.and_then(|format| format.bytes_per_second());
    rate.and_then(|rate| usize::try_from(rate).ok()).unwrap_or(COMPRESSED)
}

impl AudioConversion {
    /// Passes audio on unchanged.
    pub(super) fn untouched(format: Option<Format>) -> Result<Self, OptionsError> {
        let format = format.map(Format::checked).transpose()?;
        let sample = format.and_then(|format| format.frame_bytes());
        let rate = bytes_per_second(format);
        let converter = Converter::untouched(sample.unwrap_or(1));
        Ok(Self { converter, client_bytes_per_second: rate, bytes_per_second: rate, sample })
    }

    /// Passes samples of `bytes` bytes per channel on unchanged.
    pub(super) fn samples(bytes: usize, rate: u32, channels: u16) -> Result<Self, OptionsError> {
        Format { channels, ..Format::mono(Encoding::Linear16, rate) }.checked()?;
        let sample = bytes * usize::from(channels);
        let per_second = sample * usize::try_from(rate).unwrap_or_default();
        Ok(Self {
            converter: Converter::untouched(sample),
            client_bytes_per_second: per_second,
            bytes_per_second: per_second,
            sample: Some(sample),
        })
    }

    /// Converts audio to one channel of this encoding and rate. With `filter`, the noise filter runs too.
    pub(super) fn converted(from: Format, to: Encoding, rate: u32, filter: bool) -> Result<Self, OptionsError> {
        let converter = if filter { Converter::filtering(from, to, rate) } else { Converter::new(from, to, rate) }?;
        let [client_bytes_per_second, bytes_per_second] =
            [from, Format::mono(to, rate)].map(|format| bytes_per_second(Some(format)));
        Ok(Self { converter, client_bytes_per_second, bytes_per_second, sample: to.sample_bytes() })
    }
}

/// Returns the client's format, for vendors that accept only samples.
pub(super) fn samples(options: &SttOptions, provider: Name) -> Result<Format, OptionsError> {
    let encoding = Encoding::parse(&options.encoding).filter(|encoding| encoding.sample_bytes().is_some());
    let encoding = encoding.ok_or_else(|| OptionsError::NotByProvider {
        provider,
        field: "encoding",
        value: options.encoding.clone(),
        hint: "use linear16, mulaw or alaw",
    })?;
    Ok(Format { encoding, sample_rate: options.sample_rate, channels: options.channels }.checked()?)
}

/// Returns the WebSocket URL: the configured base or the vendor's default, and a path.
pub(super) fn address(base: Option<&Url>, usual: &str, path: &str) -> Result<Url, OptionsError> {
    crate::provider::address(base, usual, path).map(|mut url| {
        let scheme = if matches!(url.scheme(), "http" | "ws") { "ws" } else { "wss" };
        // Between these four schemes a change is always possible.
        url.set_scheme(scheme).ok();
        url
    })
}

/// Returns the first part of a language tag if it is an ISO 639 code: `en` of `en-US`.
pub(super) fn primary(language: &str) -> Option<String> {
    let first = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    ((2..=3).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_lowercase())).then_some(first)
}

/// The length of silence that keeps a connection open.
pub(super) const A_LITTLE: Duration = Duration::from_millis(20);

/// Returns `time` of silence.
pub(super) fn silence(encoding: Encoding, rate: u32, time: Duration) -> Bytes {
    let samples = usize::try_from(u128::from(rate) * time.as_millis() / 1000).unwrap_or_default();
    match encoding {
        // Zero in G.711: the quietest code words.
        Encoding::Mulaw => Bytes::from(vec![0xff; samples]),
        Encoding::Alaw => Bytes::from(vec![0xd5; samples]),
        _ => Bytes::from(vec![0; samples * 2]),
    }
}

/// Returns the text of a message, for protocols without binary messages.
pub(super) fn text(provider: Name, frame: &Frame) -> Result<&str, SttError> {
    match frame {
        Frame::Text(text) => Ok(text.as_str()),
        Frame::Binary(_) => Err(SttError::Unreadable { provider, problem: "a binary message".to_owned() }),
    }
}

/// Parses JSON. Unknown fields are ignored.
pub(super) fn parse<'a, T: Deserialize<'a>>(provider: Name, text: &'a str) -> Result<T, SttError> {
    serde_json::from_str(text).map_err(|e| SttError::Unreadable { provider, problem: e.to_string() })
}

/// Returns the kind of a JSON message. It is parsed first, because messages of different kinds use the same names for different
/// types.
pub(super) fn kind(provider: Name, text: &str) -> Result<Cow<'_, str>, SttError> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, rename = "type", alias = "message_type")]
        kind: Cow<'a, str>,
    }
    parse::<Kind<'_>>(provider, text).map(|message| message.kind)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::provider::Credential;

    pub(in crate::provider::stt) fn options(encoding: &str, sample_rate: u32) -> SttOptions {
        let options = serde_json::json!({
            "provider": "any", "language": "en-US", "sample_rate": sample_rate, "channels": 1, "punctuation": true,
            "encoding": encoding, "model": "a-model",
        });
        serde_json::from_value(options).unwrap()
    }

    pub(in crate::provider::stt) fn credential(provider: Name) -> Credential {
        let region = (provider == Name::Azure).then(|| "westeurope".to_owned());
        Credential { provider, own: false, key: Secret::new("k"), region }
    }

    pub(in crate::provider::stt) fn read(dialect: &mut dyn Dialect, text: &str) -> Result<Option<Event>, SttError> {
        dialect.read(&Frame::text(text))
    }

    pub(in crate::provider::stt) fn result(
        text: &str,
        is_final: bool,
        is_speech_final: bool,
        confidence: f32,
    ) -> Event {
        let transcript = Transcript { transcript: text.to_owned(), is_final, is_speech_final, confidence };
        Event::Result(transcript, Covers::Unsaid)
    }

    #[test]
    fn sample_rates_map_to_the_nearest_lossless_rate() {
        for (wanted, nearest) in
            [(8_000, 8_000), (11_025, 16_000), (16_000, 16_000), (32_000, 44_100), (96_000, 44_100)]
        {
            assert_eq!(crate::provider::nearest(&[8_000, 16_000, 44_100], wanted), nearest);
        }
    }

    #[test]
    fn base_urls_keep_their_path() {
        let base = |url: &str| Url::parse(url).unwrap();
        for (url, expected) in [
            ("https://proxy.example/speech/", "wss://proxy.example/speech/v1/listen"),
            ("http://127.0.0.1:81", "ws://127.0.0.1:81/v1/listen"),
            ("ws://127.0.0.1:81/", "ws://127.0.0.1:81/v1/listen"),
        ] {
            assert_eq!(address(Some(&base(url)), "wss://x.example", "v1/listen").unwrap().as_str(), expected);
        }
        assert_eq!(address(None, "wss://x.example", "v1/listen").unwrap().as_str(), "wss://x.example/v1/listen");
    }

    #[test]
    fn language_tags_map_to_their_code() {
        for (tag, code) in
            [("en-US", Some("en")), ("EN", Some("en")), ("cmn-CN", Some("cmn")), ("multi", None), ("", None)]
        {
            assert_eq!(primary(tag).as_deref(), code);
        }
    }
}
