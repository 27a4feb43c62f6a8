//! Azure's recognition: the Speech service's own framing over a WebSocket.
//!
//! A message has headers, one per line, and a body. In a text message, an empty line separates them. A binary message begins with
//! the length of its headers. A recognition is one turn: it begins with a WAV header as the first audio, and all of its messages
//! have one request id.

use std::time::{Duration, SystemTime};

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::dialect::{
    A_LITTLE, AudioConversion, Covers, Dialect, Event, Frame, Handshake, address, parse, samples, silence, text,
};
use super::{SttError, Transcript};
use crate::audio::{Encoding, Format, wav};
use crate::config::Secret;
use crate::provider::{Credential, ErrorKind, Name, OptionsError, SttOptions, nearest};

/// Supported rates of 16-bit PCM, in Hz.
const RATES: &[u32] = &[8_000, 16_000];

pub(super) struct Azure {
    url: Url,
    key: Secret,
    rate: u32,
    /// The id of the connection, and of the only turn on it.
    id: String,
}

impl Azure {
    pub(super) fn choose(
        options: &SttOptions,
        credential: &Credential,
        base: Option<&Url>,
    ) -> Result<(Box<dyn Dialect>, AudioConversion), OptionsError> {
        let from = samples(options, Name::Azure)?;
        let rate = nearest(RATES, from.sample_rate);
        let region = credential.region.as_deref().unwrap_or_default();
        let usual = format!("wss://{region}.stt.speech.microsoft.com");
        let mut url = address(base, &usual, "speech/recognition/conversation/cognitiveservices/v1")?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("language", &options.language);
            query.append_pair("format", "detailed").append_pair("profanity", "masked");
            // A model is the id of a custom endpoint.
            if !options.model.is_empty() {
                query.append_pair("cid", &options.model);
            }
        }
        let dialect = Self { url, key: credential.key.clone(), rate, id: String::new() };
        Ok((Box::new(dialect), AudioConversion::converted(from, Encoding::Linear16, rate, options.noise_filter)?))
    }

    fn audio_message(&self, audio: &[u8], now: SystemTime) -> Frame {
        let time = humantime::format_rfc3339_millis(now);
        let id = &self.id;
        let head = format!("path:audio\r\nx-requestid:{id}\r\nx-timestamp:{time}\r\ncontent-type:audio/x-wav\r\n");
        let mut message = BytesMut::with_capacity(2 + head.len() + audio.len());
        // The headers have a fixed length of less than 64 KiB.
        message.put_u16(u16::try_from(head.len()).unwrap_or_default());
        message.put_slice(head.as_bytes());
        message.put_slice(audio);
        Frame::Binary(message.freeze())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Hypothesis {
    text: String,
    #[serde(flatten)]
    span: Span,
}

/// A span of the connection's audio, in units of 100 ns.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Span {
    #[serde(default)]
    offset: Option<u64>,
    #[serde(default)]
    duration: Option<u64>,
}

impl Span {
    fn covers(&self) -> Covers {
        let (Some(offset), Some(duration)) = (self.offset, self.duration) else { return Covers::Unsaid };
        offset.checked_add(duration).map_or(Covers::Unsaid, |end| Covers::Until(Duration::from_micros(end / 10)))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Phrase {
    recognition_status: String,
    #[serde(default)]
    display_text: Option<String>,
    #[serde(default, rename = "NBest")]
    best: Vec<Best>,
    #[serde(flatten)]
    span: Span,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Best {
    #[serde(default)]
    confidence: Option<f32>,
    #[serde(default)]
    display: String,
}

impl Phrase {
    fn event(self) -> Option<Event> {
        let covers = self.span.covers();
        match self.recognition_status.as_str() {
            "Success" => {
                let best = self.best.into_iter().next();
                let confidence = best.as_ref().and_then(|best| best.confidence).unwrap_or(1.0);
                let transcript = self.display_text.or(best.map(|best| best.display)).unwrap_or_default();
                Some(Event::Result(Transcript::new(transcript, true, true, confidence), covers))
            }
            // Silence, noise and the end of the audio are not errors.
            "NoMatch" | "InitialSilenceTimeout" | "BabbleTimeout" | "EndOfDictation" => None,
            status => Some(Event::Error(SttError::Vendor {
                provider: Name::Azure,
                message: format!("recognition status {status}"),
                kind: ErrorKind::Provider,
                retryable: true,
            })),
        }
    }
}

impl Dialect for Azure {
    fn open(&mut self, id: Uuid) -> Handshake {
        self.id = id.simple().to_string();
        let headers =
            vec![("Ocp-Apim-Subscription-Key", self.key.clone()), ("X-ConnectionId", Secret::new(self.id.as_str()))];
        Handshake { url: self.url.clone(), headers }
    }

    fn hello(&mut self, now: SystemTime) -> Vec<Frame> {
        let system = json!({"name": "sayna", "version": env!("CARGO_PKG_VERSION"), "build": "rust", "lang": "Rust"});
        let os = json!({"platform": std::env::consts::OS, "name": std::env::consts::OS, "version": "unknown"});
        let source = json!({
            "connectivity": "Unknown", "manufacturer": "Unknown", "model": "Stream", "type": "Stream",
            "samplerate": self.rate, "bitspersample": 16, "channelcount": 1,
        });
        let context = json!({"context": {"system": system, "os": os, "audio": {"source": source}}});
        let (id, time) = (&self.id, humantime::format_rfc3339_millis(now));
        let head =
            format!("path:speech.config\r\nx-requestid:{id}\r\nx-timestamp:{time}\r\ncontent-type:application/json");
        let header = wav::header(&Format::mono(Encoding::Linear16, self.rate), Some(0)).unwrap_or([0; wav::HEADER]);
        vec![Frame::text(format!("{head}\r\n\r\n{context}")), self.audio_message(&header, now)]
    }

    fn audio(&mut self, audio: Bytes, now: SystemTime) -> Frame {
        self.audio_message(&audio, now)
    }

    fn idle(&mut self, now: SystemTime) -> Option<Frame> {
        Some(self.audio_message(&silence(Encoding::Linear16, self.rate, A_LITTLE), now))
    }

    fn silence(&self, time: Duration) -> Option<Bytes> {
        Some(silence(Encoding::Linear16, self.rate, time))
    }

    /// An empty audio message is the end of the audio.
    fn finish(&mut self, now: SystemTime) -> Vec<Frame> {
        vec![self.audio_message(&[], now)]
    }

    fn read(&mut self, frame: &Frame) -> Result<Option<Event>, SttError> {
        let provider = Name::Azure;
        let unreadable = |problem: &str| SttError::Unreadable { provider, problem: problem.to_owned() };
        let text = text(provider, frame)?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| unreadable("no empty line behind the headers"))?;
        let mut headers = head.split("\r\n").filter_map(|line| line.split_once(':'));
        let path = headers.find(|(name, _)| name.eq_ignore_ascii_case("path")).map(|(_, path)| path.trim());
        let path = path.ok_or_else(|| unreadable("no header that names the path"))?;
        match path.to_ascii_lowercase().as_str() {
            "speech.hypothesis" | "speech.fragment" => {
                let Hypothesis { text: transcript, span } = parse(provider, body)?;
                Ok(Some(Event::Result(Transcript::new(transcript, false, false, 0.0), span.covers())))
            }
            "speech.phrase" => Ok(parse::<Phrase>(provider, body)?.event()),
            // A further turn would need a new id and a new header, which a new connection has.
            "turn.end" => Ok(Some(Event::Finished)),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dialect::tests::{credential, options, read, result};
    use super::*;

    fn dialect(rate: u32) -> Box<dyn Dialect> {
        let options = SttOptions { model: String::new(), ..options("linear16", rate) };
        Azure::choose(&options, &credential(Name::Azure), None).unwrap().0
    }

    const ID: Uuid = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_225_600_250)
    }

    #[test]
    fn azure_handshake_has_the_options() {
        let handshake = dialect(16_000).open(ID);
        assert_eq!(
            handshake.url.as_str(),
            "wss://westeurope.stt.speech.microsoft.com/speech/recognition/conversation/cognitiveservices/v1\
             ?language=en-US&format=detailed&profanity=masked"
        );
        assert_eq!(
            handshake.headers,
            [
                ("Ocp-Apim-Subscription-Key", Secret::new("k")),
                ("X-ConnectionId", Secret::new("0123456789abcdef0123456789abcdef"))
            ]
        );
        let trained = Azure::choose(&options("linear16", 16_000), &credential(Name::Azure), None).unwrap().0.open(ID);
        assert!(trained.url.as_str().ends_with("&cid=a-model"), "{}", trained.url);
    }

    fn message(body: &[u8]) -> Frame {
        let head = "path:audio\r\nx-requestid:0123456789abcdef0123456789abcdef\r\n\
                    x-timestamp:2026-01-01T00:00:00.250Z\r\ncontent-type:audio/x-wav\r\n";
        let mut message = u16::try_from(head.len()).unwrap().to_be_bytes().to_vec();
        message.extend(head.as_bytes());
        message.extend(body);
        Frame::Binary(message.into())
    }

    #[test]
    fn azure_audio_is_framed_behind_a_wav_header() {
        let mut dialect = dialect(48_000);
        dialect.open(ID);
        let hello = dialect.hello(now());
        let [Frame::Text(config), header] = hello.as_slice() else { panic!("{hello:?}") };
        let (head, body) = config.split_once("\r\n\r\n").unwrap();
        assert_eq!(
            head,
            "path:speech.config\r\nx-requestid:0123456789abcdef0123456789abcdef\r\nx-timestamp:2026-01-01T00:00:00.250Z\r\n\
             content-type:application/json"
        );
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["context"]["audio"]["source"]["samplerate"], 16_000);
        assert_eq!(*header, message(&wav::header(&Format::mono(Encoding::Linear16, 16_000), Some(0)).unwrap()));
        assert_eq!(dialect.audio(Bytes::from_static(b"some"), now()), message(b"some"));
        assert_eq!(dialect.idle(now()), Some(message(&[0; 640])));
        assert_eq!(dialect.finish(now()), [message(b"")]);
    }

    fn said(path: &str, body: &str) -> String {
        format!("X-RequestId:0123\r\nContent-Type:application/json; charset=utf-8\r\nPath:{path}\r\n\r\n{body}")
    }

    #[test]
    fn azure_results_are_parsed() {
        let mut dialect = dialect(16_000);
        let detailed = r#"{"Id":"1","RecognitionStatus":"Success","Offset":1,"Duration":2,"DisplayText":"Hello.","NBest":[
            {"Confidence":0.75,"Lexical":"hello","ITN":"hello","MaskedITN":"hello","Display":"Hello."}]}"#;
        let simple = r#"{"RecognitionStatus":"Success","Offset":1,"Duration":2,"DisplayText":"Hello."}"#;
        let status = |status: &str| format!(r#"{{"RecognitionStatus":"{status}","Offset":1,"Duration":0}}"#);
        for (path, body, event) in [
            ("speech.hypothesis", r#"{"Text":"hel","Offset":1,"Duration":2}"#, Some(result("hel", false, false, 0.0))),
            ("speech.phrase", detailed, Some(result("Hello.", true, true, 0.75))),
            ("speech.phrase", simple, Some(result("Hello.", true, true, 1.0))),
            ("speech.phrase", &status("NoMatch"), None),
            ("speech.phrase", &status("InitialSilenceTimeout"), None),
            ("turn.start", r#"{"context":{"serviceTag":"1"}}"#, None),
            ("speech.startDetected", r#"{"Offset":1}"#, None),
            ("turn.end", "{}", Some(Event::Finished)),
        ] {
            let read = read(&mut *dialect, &said(path, body)).unwrap();
            let read = match read {
                Some(Event::Result(words, _)) => Some(Event::Result(words, Covers::Unsaid)),
                other => other,
            };
            assert_eq!(read, event, "{path} {body}");
        }
        let body = r#"{"RecognitionStatus":"Success","Offset":5000000,"Duration":12500000,"DisplayText":"Hello."}"#;
        let Some(Event::Result(_, covers)) = read(&mut *dialect, &said("speech.phrase", body)).unwrap() else {
            panic!()
        };
        assert_eq!(covers, Covers::Until(Duration::from_millis(1_750)));
        let error = read(&mut *dialect, &said("speech.phrase", &status("Error")));
        assert!(matches!(error, Ok(Some(Event::Error(_)))), "{error:?}");
    }

    #[test]
    fn azure_message_without_headers_is_rejected() {
        let mut dialect = dialect(16_000);
        for garbage in
            ["", "{}", "Path:turn.end", "a\r\n\r\n{}", &said("speech.phrase", "{}"), &said("speech.phrase", "")]
        {
            assert!(read(&mut *dialect, garbage).is_err(), "{garbage}");
        }
    }
}
