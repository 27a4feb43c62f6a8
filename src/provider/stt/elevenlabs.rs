//! ElevenLabs' realtime transcription: `/v1/speech-to-text/realtime`.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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

/// The default model, the one for live transcription.
const MODEL: &str = "scribe_v2_realtime";

/// Supported rates of 16-bit PCM, in Hz. Mu-law is supported only at 8 kHz.
const RATES: &[u32] = &[8_000, 16_000, 22_050, 24_000, 44_100, 48_000];

pub(super) struct ElevenLabs {
    url: Url,
    key: Secret,
    encoding: Encoding,
    rate: u32,
}

impl ElevenLabs {
    pub(super) fn choose(
        options: &SttOptions,
        credential: &Credential,
        base: Option<&Url>,
    ) -> Result<(Box<dyn Dialect>, AudioConversion), OptionsError> {
        let from = samples(options, Name::ElevenLabs)?;
        let telephone = from.encoding == Encoding::Mulaw && from.sample_rate == 8_000;
        let (encoding, rate) =
            if telephone { (Encoding::Mulaw, 8_000) } else { (Encoding::Linear16, nearest(RATES, from.sample_rate)) };
        let mut url = address(base, "wss://api.elevenlabs.io", "v1/speech-to-text/realtime")?;
        let model = if options.model.is_empty() { MODEL } else { &options.model };
        let format = format!("{}_{rate}", if telephone { "ulaw" } else { "pcm" });
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("model_id", model).append_pair("audio_format", &format);
            query.append_pair("commit_strategy", "vad");
            if let Some(language) = primary(&options.language) {
                query.append_pair("language_code", &language);
            }
            // Shorter than its defaults, which are for dictation.
            query.append_pair("vad_silence_threshold_secs", "0.5");
            query.append_pair("min_speech_duration_ms", "50").append_pair("min_silence_duration_ms", "300");
        }
        let dialect = Self { url, key: credential.key.clone(), encoding, rate };
        Ok((Box::new(dialect), AudioConversion::converted(from, encoding, rate, options.noise_filter)?))
    }

    fn chunk(&self, audio: &[u8], commit: bool) -> Frame {
        // Base64 and numbers need no escaping.
        let mut message = String::with_capacity(audio.len() * 4 / 3 + 100);
        message.push_str(r#"{"message_type":"input_audio_chunk","audio_base_64":""#);
        STANDARD.encode_string(audio, &mut message);
        message.push_str(if commit {
            r#"","commit":true,"sample_rate":"#
        } else {
            r#"","commit":false,"sample_rate":"#
        });
        message.push_str(&self.rate.to_string());
        message.push('}');
        Frame::text(message)
    }
}

#[derive(Deserialize)]
struct Words {
    text: String,
    #[serde(default)]
    words: Vec<Word>,
}

#[derive(Deserialize)]
struct Word {
    #[serde(default)]
    logprob: Option<f64>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    error: String,
}

impl Words {
    /// Returns the mean of the words' probabilities, or 1 without any.
    fn confidence(&self) -> f32 {
        let known: Vec<f64> = self.words.iter().filter_map(|word| word.logprob).map(f64::exp).collect();
        if known.is_empty() {
            return 1.0;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a probability")]
        let mean = (known.iter().sum::<f64>() / known.len() as f64) as f32;
        mean
    }
}

/// Returns the kind of an error after which ElevenLabs ends the connection, and whether a new connection may help. `None` for an
/// error about one message.
fn ends(kind: &str) -> Option<(ErrorKind, bool)> {
    match kind {
        "auth_error" | "unaccepted_terms" | "unaccepted_terms_error" => {
            Some((ErrorKind::ProviderAuth { own: false }, false))
        }
        "quota_exceeded" | "quota_exceeded_error" => Some((ErrorKind::RateLimited, false)),
        "invalid_request" => Some((ErrorKind::Provider, false)),
        "rate_limited" | "resource_exhausted" | "queue_overflow" => Some((ErrorKind::RateLimited, true)),
        "session_time_limit_exceeded" | "transcriber_error" => Some((ErrorKind::Provider, true)),
        _ => None,
    }
}

impl Dialect for ElevenLabs {
    fn open(&mut self, _id: Uuid) -> Handshake {
        Handshake { url: self.url.clone(), headers: vec![("xi-api-key", self.key.clone())] }
    }

    fn waits(&self) -> bool {
        true
    }

    fn audio(&mut self, audio: Bytes, _now: SystemTime) -> Frame {
        self.chunk(&audio, false)
    }

    /// ElevenLabs has no keep-alive message. Silence also lets it detect the end of speech.
    fn idle(&mut self, _now: SystemTime) -> Option<Frame> {
        Some(self.chunk(&silence(self.encoding, self.rate, A_LITTLE), false))
    }

    fn silence(&self, time: Duration) -> Option<Bytes> {
        Some(silence(self.encoding, self.rate, time))
    }

    fn flush(&mut self, _now: SystemTime) -> Option<Frame> {
        Some(self.chunk(&[], true))
    }

    fn finish(&mut self, _now: SystemTime) -> Vec<Frame> {
        vec![self.chunk(&[], true)]
    }

    fn read(&mut self, frame: &Frame) -> Result<Option<Event>, SttError> {
        let provider = Name::ElevenLabs;
        let text = text(provider, frame)?;
        let kind = kind(provider, text)?;
        let result = |words: Words, confidence, is_final| {
            Event::Result(Transcript::new(words.text, is_final, is_final, confidence), Covers::Unsaid)
        };
        match &*kind {
            "session_started" => Ok(Some(Event::Ready)),
            "partial_transcript" => Ok(Some(result(parse(provider, text)?, 0.0, false))),
            "committed_transcript" | "committed_transcript_with_timestamps" => {
                let words: Words = parse(provider, text)?;
                let confidence = words.confidence();
                Ok(Some(result(words, confidence, true)))
            }
            // The server sends commits by itself. If there was nothing to commit, the client has missed nothing.
            "commit_throttled" | "insufficient_audio_activity" => Ok(None),
            kind => {
                let Problem { error } = parse(provider, text)?;
                if error.is_empty() {
                    return Ok(None);
                }
                let message = format!("{kind}: {error}");
                let Some((kind, retryable)) = ends(kind) else {
                    let kind = ErrorKind::Provider;
                    return Ok(Some(Event::Error(SttError::Vendor { provider, message, kind, retryable: true })));
                };
                Err(SttError::Vendor { provider, message, kind, retryable })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dialect::tests::{credential, options, read, result};
    use super::*;

    fn dialect(options: &SttOptions) -> Box<dyn Dialect> {
        ElevenLabs::choose(options, &credential(Name::ElevenLabs), None).unwrap().0
    }

    #[test]
    fn elevenlabs_handshake_has_the_options() {
        let mut with_model = options("linear16", 16_000);
        with_model.model = "scribe_v2_realtime".to_owned();
        let handshake = dialect(&with_model).open(Uuid::nil());
        assert_eq!(
            handshake.url.as_str(),
            "wss://api.elevenlabs.io/v1/speech-to-text/realtime?model_id=scribe_v2_realtime&audio_format=pcm_16000\
             &commit_strategy=vad&language_code=en&vad_silence_threshold_secs=0.5&min_speech_duration_ms=50\
             &min_silence_duration_ms=300"
        );
        assert_eq!(handshake.headers, [("xi-api-key", Secret::new("k"))]);
        with_model.model = String::new();
        assert_eq!(dialect(&with_model).open(Uuid::nil()), handshake);
    }

    #[test]
    fn elevenlabs_audio_format_is_the_nearest_supported_one() {
        for (encoding, rate, format) in [
            ("pcm", 48_000, "pcm_48000"),
            ("linear16", 32_000, "pcm_44100"),
            ("mulaw", 8_000, "ulaw_8000"),
            ("mulaw", 16_000, "pcm_16000"),
            ("alaw", 8_000, "pcm_8000"),
        ] {
            let url = dialect(&options(encoding, rate)).open(Uuid::nil()).url;
            assert!(url.as_str().contains(&format!("&audio_format={format}&")), "{url}");
        }
        let error = ElevenLabs::choose(&options("opus", 48_000), &credential(Name::ElevenLabs), None).err().unwrap();
        let expected = "provider elevenlabs does not support encoding 'opus': use linear16, mulaw or alaw";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn elevenlabs_audio_is_sent_as_json() {
        let mut dialect = dialect(&options("linear16", 16_000));
        let frame = dialect.audio(Bytes::from_static(&[1, 2, 3, 4]), SystemTime::UNIX_EPOCH);
        let chunk = |audio: &str, commit: bool| {
            let commit = format!(r#"","commit":{commit},"sample_rate":16000}}"#);
            Frame::text(format!(r#"{{"message_type":"input_audio_chunk","audio_base_64":"{audio}{commit}"#))
        };
        assert_eq!(frame, chunk("AQIDBA==", false));
        assert_eq!(dialect.finish(SystemTime::UNIX_EPOCH), [chunk("", true)]);
        let silence = STANDARD.encode([0; 640]);
        assert_eq!(dialect.idle(SystemTime::UNIX_EPOCH), Some(chunk(&silence, false)));
    }

    #[test]
    fn elevenlabs_results_are_parsed() {
        let mut dialect = dialect(&options("linear16", 16_000));
        for (message, event) in [
            (
                r#"{"message_type":"session_started","session_id":"1","config":{"sample_rate":16000}}"#,
                Some(Event::Ready),
            ),
            (r#"{"message_type":"partial_transcript","text":"hel"}"#, Some(result("hel", false, false, 0.0))),
            (r#"{"message_type":"committed_transcript","text":"hello"}"#, Some(result("hello", true, true, 1.0))),
            (
                r#"{"message_type":"committed_transcript_with_timestamps","text":"hello","language_code":"en","words":[
                {"text":"hello","start":0.1,"end":0.5,"type":"word","logprob":-0.6931471805599453}]}"#,
                Some(result("hello", true, true, 0.5)),
            ),
            (r#"{"message_type":"committed_transcript_entities","entities":[]}"#, None),
        ] {
            assert_eq!(read(&mut *dialect, message), Ok(event));
        }
    }

    #[test]
    fn elevenlabs_errors_end_the_connection_by_their_kind() {
        let mut dialect = dialect(&options("linear16", 16_000));
        let message = |kind: &str| format!(r#"{{"message_type":"{kind}","error":"because"}}"#);
        for (kind, retryable) in [("auth_error", false), ("quota_exceeded", false), ("rate_limited", true)] {
            let error = read(&mut *dialect, &message(kind)).unwrap_err();
            assert_eq!((error.to_string(), error.is_retryable()), (format!("elevenlabs: {kind}: because"), retryable));
        }
        for kind in ["error", "input_error", "quite_new_error"] {
            assert!(matches!(read(&mut *dialect, &message(kind)), Ok(Some(Event::Error(_)))), "{kind}");
        }
        for kind in ["commit_throttled", "insufficient_audio_activity"] {
            assert_eq!(read(&mut *dialect, &message(kind)), Ok(None), "{kind}");
        }
        for garbage in ["", "null", r#"{"message_type":7}"#, r#"{"message_type":"partial_transcript"}"#] {
            assert!(read(&mut *dialect, garbage).is_err(), "{garbage}");
        }
    }
}
