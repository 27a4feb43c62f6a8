//! Deepgram's live transcription: `/v1/listen`.

use std::time::SystemTime;

use bytes::Bytes;
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::dialect::{AudioConversion, Covers, Dialect, Event, Frame, Handshake, address, kind, parse, text};
use super::{SttError, Transcript};
use crate::audio::{Encoding, Format};
use crate::config::Secret;
use crate::provider::{Credential, ErrorKind, Name, OptionsError, SttOptions};

const MODEL: &str = "nova-3";

/// Milliseconds of silence that end an utterance.
const ENDPOINTING: &str = "200";

/// Encodings that are passed on by name, beside those of [`Encoding`].
const OTHERS: &[&str] = &["linear32", "flac", "amr-nb", "amr-wb", "opus", "ogg-opus", "speex", "g729"];

pub(super) struct Deepgram {
    url: Url,
    key: Secret,
    /// A final result has arrived without the end of its utterance.
    open: bool,
}

impl Deepgram {
    pub(super) fn choose(
        options: &SttOptions,
        credential: &Credential,
        base: Option<&Url>,
    ) -> Result<(Box<dyn Dialect>, AudioConversion), OptionsError> {
        let mut url = address(base, "wss://api.deepgram.com", "v1/listen")?;
        let (name, format) = encoding(options)?;
        let (conversion, channels) = match format {
            Some(from) if options.noise_filter => {
                (AudioConversion::converted(from, from.encoding, from.sample_rate, true)?, 1)
            }
            None if options.noise_filter => return Err(OptionsError::Unfiltered(options.encoding.clone())),
            None if name == Some("linear32") => {
                (AudioConversion::samples(4, options.sample_rate, options.channels)?, options.channels)
            }
            _ => (AudioConversion::untouched(format)?, options.channels),
        };
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("model", if options.model.is_empty() { MODEL } else { &options.model });
            if !options.language.is_empty() {
                query.append_pair("language", &options.language);
            }
            // A file has its own header, and Deepgram refuses an encoding beside it.
            if let Some(name) = name {
                query.append_pair("encoding", name).append_pair("sample_rate", &options.sample_rate.to_string());
                query.append_pair("channels", &channels.to_string());
            }
            query.append_pair("punctuate", if options.punctuation { "true" } else { "false" });
            query.append_pair("interim_results", "true").append_pair("smart_format", "true");
            query.append_pair("endpointing", ENDPOINTING);
        }
        let key = Secret::new(format!("token {}", credential.key.expose()));
        Ok((Box::new(Self { url, key, open: false }), conversion))
    }
}

/// Returns Deepgram's name for the encoding, and the format if it is one of samples.
fn encoding(options: &SttOptions) -> Result<(Option<&str>, Option<Format>), OptionsError> {
    let (sample_rate, channels) = (options.sample_rate, options.channels);
    let format = |encoding| Format { encoding, sample_rate, channels };
    let lower = options.encoding.to_ascii_lowercase();
    if let Some(other) = OTHERS.iter().find(|other| **other == lower) {
        format(Encoding::Linear16).checked()?;
        return Ok((Some(other), None));
    }
    match Encoding::parse(&lower) {
        Some(encoding) if encoding.sample_bytes().is_some() => Ok((Some(encoding.name()), Some(format(encoding)))),
        Some(_) => Ok((None, None)),
        None => Err(OptionsError::Encoding {
            field: "encoding",
            value: options.encoding.clone(),
            known: "linear16, mulaw, alaw, opus, flac, wav and Deepgram's other ones",
        }),
    }
}

#[derive(Deserialize)]
struct Results {
    channel: Channel,
    #[serde(default)]
    is_final: bool,
    #[serde(default)]
    speech_final: bool,
    /// The answer to `Finalize`.
    #[serde(default)]
    from_finalize: bool,
    /// Where the result begins and how long it is, in seconds of the connection's audio.
    #[serde(default)]
    start: Option<f64>,
    #[serde(default)]
    duration: Option<f64>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    description: String,
    #[serde(default)]
    message: Option<String>,
}

#[derive(Deserialize)]
struct Channel {
    alternatives: Vec<Alternative>,
}

#[derive(Deserialize)]
struct Alternative {
    transcript: String,
    #[serde(default)]
    confidence: f32,
}

impl Dialect for Deepgram {
    fn open(&mut self, _id: Uuid) -> Handshake {
        self.open = false;
        Handshake { url: self.url.clone(), headers: vec![("Authorization", self.key.clone())] }
    }

    fn audio(&mut self, audio: Bytes, _now: SystemTime) -> Frame {
        Frame::Binary(audio)
    }

    fn idle(&mut self, _now: SystemTime) -> Option<Frame> {
        Some(Frame::text(r#"{"type":"KeepAlive"}"#))
    }

    /// Without audio Deepgram detects no silence, so the result would arrive with the next sentence.
    fn flush(&mut self, _now: SystemTime) -> Option<Frame> {
        Some(Frame::text(r#"{"type":"Finalize"}"#))
    }

    fn finish(&mut self, _now: SystemTime) -> Vec<Frame> {
        vec![Frame::text(r#"{"type":"CloseStream"}"#)]
    }

    fn read(&mut self, frame: &Frame) -> Result<Option<Event>, SttError> {
        let text = text(Name::Deepgram, frame)?;
        match &*kind(Name::Deepgram, text)? {
            "Results" => {
                let Results { channel, is_final, speech_final, from_finalize, start, duration } =
                    parse(Name::Deepgram, text)?;
                let Some(Alternative { transcript, confidence }) = channel.alternatives.into_iter().next() else {
                    return Ok(None);
                };
                let covers = start.zip(duration).map(|(start, duration)| Covers::seconds(start + duration));
                self.open |= is_final && !transcript.trim().is_empty();
                // `Finalize` is sent after a silence that is longer than the one that ends an utterance.
                let ended = speech_final || (from_finalize && self.open);
                self.open &= !ended;
                let transcript = Transcript::new(transcript, is_final, ended, confidence);
                Ok(Some(Event::Result(transcript, covers.unwrap_or(Covers::Unsaid))))
            }
            "Error" => {
                let Problem { description, message } = parse(Name::Deepgram, text)?;
                let message = if description.is_empty() { message.unwrap_or_default() } else { description };
                let (provider, kind) = (Name::Deepgram, ErrorKind::Provider);
                Ok(Some(Event::Error(SttError::Vendor { provider, message, kind, retryable: true })))
            }
            // The summary that follows the last result.
            "Metadata" => Ok(Some(Event::Finished)),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dialect::tests::{credential, options, read};
    use super::*;

    fn dialect(options: &SttOptions) -> Box<dyn Dialect> {
        Deepgram::choose(options, &credential(Name::Deepgram), None).unwrap().0
    }

    #[test]
    fn deepgram_handshake_has_the_options() {
        let handshake = dialect(&options("linear16", 16_000)).open(Uuid::nil());
        assert_eq!(
            handshake.url.as_str(),
            "wss://api.deepgram.com/v1/listen?model=a-model&language=en-US&encoding=linear16&sample_rate=16000&channels=1\
             &punctuate=true&interim_results=true&smart_format=true&endpointing=200"
        );
        assert_eq!(handshake.headers, [("Authorization", Secret::new("token k"))]);
    }

    #[test]
    fn deepgram_empty_options_take_defaults_or_are_left_out() {
        let empty = SttOptions { model: String::new(), language: String::new(), ..options("linear16", 16_000) };
        let url = dialect(&empty).open(Uuid::nil()).url;
        assert!(url.as_str().contains("?model=nova-3&encoding="), "{url}");
    }

    #[test]
    fn deepgram_encodings_have_its_names() {
        for (ours, theirs) in
            [("pcm", "linear16"), ("ULAW", "mulaw"), ("alaw", "alaw"), ("opus", "opus"), ("g729", "g729")]
        {
            let url = dialect(&options(ours, 8_000)).open(Uuid::nil()).url;
            assert!(url.as_str().contains(&format!("&encoding={theirs}&sample_rate=8000&")), "{url}");
        }
        // A file has its own header.
        let url = dialect(&options("wav", 8_000)).open(Uuid::nil()).url;
        assert!(!url.as_str().contains("encoding") && !url.as_str().contains("sample_rate"), "{url}");
        let error = Deepgram::choose(&options("smell", 8_000), &credential(Name::Deepgram), None).err().unwrap();
        assert!(error.to_string().starts_with("unknown encoding 'smell': linear16, "), "{error}");
        assert!(Deepgram::choose(&options("linear16", 0), &credential(Name::Deepgram), None).is_err());
    }

    #[test]
    fn deepgram_results_are_parsed() {
        let mut dialect = dialect(&options("linear16", 16_000));
        let message = |is_final, speech_final| {
            format!(
                r#"{{"type":"Results","channel_index":[0,1],"duration":1.98,"start":0.0,"is_final":{is_final},
                "speech_final":{speech_final},"channel":{{"alternatives":[{{"transcript":"hello there","confidence":0.987,
                "words":[{{"word":"hello","start":0.4,"end":0.7,"confidence":0.99,"punctuated_word":"Hello"}}]}}]}},
                "metadata":{{"request_id":"1","model_info":{{"name":"n","version":"v","arch":"a"}},"model_uuid":"2"}},
                "from_finalize":false}}"#
            )
        };
        for (is_final, speech_final) in [(false, false), (true, false), (true, true)] {
            let event = read(&mut *dialect, &message(is_final, speech_final)).unwrap();
            let Some(Event::Result(told, covers)) = event else { panic!("{event:?}") };
            assert_eq!(
                (told.transcript.as_str(), told.is_final, told.is_speech_final),
                ("hello there", is_final, speech_final)
            );
            assert_eq!((told.confidence, covers), (0.987, Covers::seconds(1.98)));
        }
        assert_eq!(read(&mut *dialect, r#"{"type":"Results","channel":{"alternatives":[]}}"#), Ok(None));
    }

    #[test]
    fn deepgram_non_result_messages_map_to_error_finished_or_ignored() {
        let mut dialect = dialect(&options("linear16", 16_000));
        for nothing in [
            r#"{"type":"SpeechStarted","channel":[0,1],"timestamp":1.5}"#,
            r#"{"type":"UtteranceEnd","channel":[0,1],"last_word_end":2.1}"#,
            r#"{"type":"SomethingNew"}"#,
        ] {
            assert_eq!(read(&mut *dialect, nothing), Ok(None));
        }
        let metadata = r#"{"type":"Metadata","transaction_key":"deprecated","request_id":"1","sha256":"0","created":"now","duration":2.0,"channels":1}"#;
        assert_eq!(read(&mut *dialect, metadata), Ok(Some(Event::Finished)));
        let error = r#"{"type":"Error","variant":"SchemaError","description":"no such message","message":"{}"}"#;
        let Ok(Some(Event::Error(error))) = read(&mut *dialect, error) else { panic!("no error") };
        assert_eq!(error.to_string(), "deepgram: no such message");
        for garbage in ["", "{", "[]", r#"{"kind":1}"#, r#"{"type":"Results","channel":[0,1]}"#] {
            assert!(read(&mut *dialect, garbage).unwrap_err().is_retryable(), "{garbage}");
        }
        assert!(dialect.read(&Frame::Binary(Bytes::new())).is_err());
    }
}
