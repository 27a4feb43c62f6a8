//! Cartesia's transcription: `/stt/websocket` (Ink Whisper), and `/stt/turns/websocket` (Ink 2, which detects the ends of turns).

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::dialect::{
    A_LITTLE, AudioConversion, Covers, Dialect, Event, Frame, Handshake, address, kind, parse, primary, samples,
    silence, text,
};
use super::{SttError, Transcript};
use crate::audio::Encoding;
use crate::config::Secret;
use crate::provider::{Credential, ErrorKind, Name, OptionsError, SttOptions, nearest};

const MODEL: &str = "ink-whisper";

/// API versions: the one that text-to-speech uses too, and the first one with turns.
const VERSION: &str = "2025-04-16";
const VERSION_TURNS: &str = "2026-03-01";

const RATES: &[u32] = &[8_000, 16_000, 22_050, 24_000, 44_100, 48_000];

pub(super) struct Cartesia {
    url: Url,
    rate: u32,
    turns: bool,
}

impl Cartesia {
    pub(super) fn choose(
        options: &SttOptions,
        credential: &Credential,
        base: Option<&Url>,
    ) -> Result<(Box<dyn Dialect>, AudioConversion), OptionsError> {
        let from = samples(options, Name::Cartesia)?;
        let rate = nearest(RATES, from.sample_rate);
        let model = if options.model.is_empty() { MODEL } else { &options.model };
        // On the other path, these models send no result without a request for it.
        let turns = model.starts_with("ink-2");
        let path = if turns { "stt/turns/websocket" } else { "stt/websocket" };
        let mut url = address(base, "wss://api.cartesia.ai", path)?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("model", model);
            if let Some(language) = primary(&options.language).filter(|_| !turns) {
                query.append_pair("language", &language);
            }
            query.append_pair("encoding", "pcm_s16le").append_pair("sample_rate", &rate.to_string());
            query.append_pair("cartesia_version", if turns { VERSION_TURNS } else { VERSION });
            query.append_pair("api_key", credential.key.expose());
        }
        Ok((
            Box::new(Self { url, rate, turns }),
            AudioConversion::converted(from, Encoding::Linear16, rate, options.noise_filter)?,
        ))
    }
}

#[derive(Deserialize)]
struct Words {
    #[serde(alias = "transcript")]
    text: String,
    #[serde(default)]
    is_final: bool,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default, alias = "error")]
    message: String,
    #[serde(default)]
    status_code: Option<u16>,
}

impl Dialect for Cartesia {
    fn open(&mut self, _id: Uuid) -> Handshake {
        Handshake { url: self.url.clone(), headers: Vec::<(&str, Secret)>::new() }
    }

    fn audio(&mut self, audio: Bytes, _now: SystemTime) -> Frame {
        Frame::Binary(audio)
    }

    /// Cartesia has no keep-alive message, and closes connections without audio.
    fn idle(&mut self, _now: SystemTime) -> Option<Frame> {
        Some(Frame::Binary(silence(Encoding::Linear16, self.rate, A_LITTLE)))
    }

    fn silence(&self, time: Duration) -> Option<Bytes> {
        Some(silence(Encoding::Linear16, self.rate, time))
    }

    /// Ink 2 detects the end of a turn by itself.
    fn flush(&mut self, _now: SystemTime) -> Option<Frame> {
        (!self.turns).then(|| Frame::text("finalize"))
    }

    /// A bare word. Cartesia does not accept it as a JSON string.
    fn finish(&mut self, _now: SystemTime) -> Vec<Frame> {
        vec![Frame::text(if self.turns { r#"{"type":"close"}"# } else { "done" })]
    }

    fn read(&mut self, frame: &Frame) -> Result<Option<Event>, SttError> {
        let provider = Name::Cartesia;
        let text = text(provider, frame)?;
        let result = |words: Words, is_final: bool, confidence| {
            Event::Result(Transcript::new(words.text, is_final, is_final, confidence), Covers::Unsaid)
        };
        match &*kind(provider, text)? {
            "transcript" => {
                let words: Words = parse(provider, text)?;
                let is_final = words.is_final;
                Ok(Some(result(words, is_final, 1.0)))
            }
            "turn.update" => Ok(Some(result(parse(provider, text)?, false, 1.0))),
            "turn.end" => Ok(Some(result(parse(provider, text)?, true, 1.0))),
            "done" => Ok(Some(Event::Finished)),
            "error" => {
                let Problem { message, status_code } = parse(provider, text)?;
                let status = status_code.unwrap_or(500);
                let (kind, retryable) = (ErrorKind::of_status(status, false), matches!(status, 429 | 500..));
                Err(SttError::Vendor { provider, message, kind, retryable })
            }
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dialect::tests::{credential, options, read, result};
    use super::*;

    fn dialect(model: &str, encoding: &str, rate: u32) -> Box<dyn Dialect> {
        let options = SttOptions { model: model.to_owned(), ..options(encoding, rate) };
        Cartesia::choose(&options, &credential(Name::Cartesia), None).unwrap().0
    }

    #[test]
    fn cartesia_handshake_has_the_options() {
        assert_eq!(
            dialect("", "linear16", 16_000).open(Uuid::nil()).url.as_str(),
            "wss://api.cartesia.ai/stt/websocket?model=ink-whisper&language=en&encoding=pcm_s16le&sample_rate=16000\
             &cartesia_version=2025-04-16&api_key=k"
        );
        assert_eq!(
            dialect("ink-2", "mulaw", 11_025).open(Uuid::nil()).url.as_str(),
            "wss://api.cartesia.ai/stt/turns/websocket?model=ink-2&encoding=pcm_s16le&sample_rate=16000\
             &cartesia_version=2026-03-01&api_key=k"
        );
    }

    #[test]
    fn cartesia_audio_is_sent_unchanged() {
        let mut dialect = dialect("", "linear16", 8_000);
        let audio = Bytes::from_static(b"some");
        assert_eq!(dialect.audio(audio.clone(), SystemTime::UNIX_EPOCH), Frame::Binary(audio));
        assert_eq!(dialect.idle(SystemTime::UNIX_EPOCH), Some(Frame::Binary(Bytes::from(vec![0; 320]))));
        assert_eq!(dialect.finish(SystemTime::UNIX_EPOCH), [Frame::text("done")]);
    }

    #[test]
    fn cartesia_results_are_parsed() {
        let mut dialect = dialect("", "linear16", 16_000);
        for (message, event) in [
            (
                r#"{"type":"transcript","request_id":"1","text":"hel","is_final":false,"duration":0.5,"language":"en"}"#,
                Some(result("hel", false, false, 1.0)),
            ),
            (
                r#"{"type":"transcript","request_id":"1","text":"hello","is_final":true}"#,
                Some(result("hello", true, true, 1.0)),
            ),
            (r#"{"type":"turn.update","request_id":"1","transcript":"hel"}"#, Some(result("hel", false, false, 1.0))),
            (r#"{"type":"turn.end","request_id":"1","transcript":"hello"}"#, Some(result("hello", true, true, 1.0))),
            (r#"{"type":"turn.start","request_id":"1"}"#, None),
            (r#"{"type":"connected","request_id":"1"}"#, None),
            (r#"{"type":"flush_done","request_id":"1"}"#, None),
            (r#"{"type":"done","request_id":"1"}"#, Some(Event::Finished)),
        ] {
            assert_eq!(read(&mut *dialect, message), Ok(event));
        }
    }

    #[test]
    fn cartesia_error_is_retryable_by_its_status() {
        let mut dialect = dialect("", "linear16", 16_000);
        for (status, retryable) in [("400", false), ("402", false), ("429", true), ("500", true), ("null", true)] {
            let message = format!(r#"{{"type":"error","title":"t","message":"no more","status_code":{status}}}"#);
            let error = read(&mut *dialect, &message).unwrap_err();
            assert_eq!(
                (error.to_string().as_str(), error.is_retryable()),
                ("cartesia: no more", retryable),
                "{status}"
            );
        }
        for garbage in ["done", "{}", r#"{"type":"transcript"}"#] {
            assert!(read(&mut *dialect, garbage).is_err(), "{garbage}");
        }
    }
}
