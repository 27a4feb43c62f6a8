//! Azure: recognition by the Speech service's own framing over a WebSocket, speech by SSML, the list of voices.

use axum::Router;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::App;
use crate::record::Heard;
use crate::script::Say;
use crate::stt::{Input, Protocol, transcribe};
use crate::tts::{Asked, Wanted, list, synthesize};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/speech/recognition/{mode}/cognitiveservices/v1", get(recognise))
        .route("/cognitiveservices/v1", post(speak))
        .route("/cognitiveservices/voices/list", get(voices))
}

fn right_key(app: &App, asked: &Asked) -> bool {
    asked.header("ocp-apim-subscription-key") == Some(app.key.as_str())
}

/// 32 digits, or a UUID in its usual form.
fn is_id(id: &str) -> bool {
    let digits: Vec<u8> = id.bytes().filter(|byte| *byte != b'-').collect();
    digits.len() == 32 && digits.iter().all(u8::is_ascii_hexdigit)
}

async fn recognise(
    State(app): State<App>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    parts: Parts,
) -> Response {
    let mut asked = Asked::new(&parts);
    let mode = asked.path.split('/').nth(3).unwrap_or_default().to_owned();
    let known = ["interactive", "conversation", "dictation"].contains(&mode.as_str());
    asked.check(known, || format!("there is no mode {mode}"));
    let language = asked.query("language").is_some_and(|language| language.contains('-'));
    asked.check(language, || "the language is no locale such as en-US".to_owned());
    asked.query_may("format", &["simple", "detailed"]);
    asked.query_may("profanity", &["masked", "removed", "raw"]);
    let connection = asked.header("x-connectionid").is_some_and(is_id);
    asked.check(connection, || "there is no X-ConnectionId".to_owned());
    let right = right_key(&app, &asked);
    let detailed = asked.query("format") == Some("detailed");
    transcribe(app, asked, right, upgrade.ok(), Turn { detailed, ..Turn::default() }).await
}

/// How far a turn is.
#[derive(Debug, Default)]
struct Progress {
    /// The client has been told that it has begun.
    begun: bool,
    /// The RIFF header has come.
    headed: bool,
}

/// A connection with one turn after the other.
#[derive(Debug, Default)]
struct Turn {
    detailed: bool,
    configured: bool,
    /// The request that the turn belongs to; none between turns.
    request: Option<String>,
    progress: Progress,
    /// Bytes of audio a second, by the RIFF header.
    rate: u64,
    /// Of 100 ns: audio that has come, what the next words are about, and what was said before.
    at: u64,
    heard: u64,
    said: u64,
}

impl Turn {
    fn message(&self, path: &str, body: &Value) -> Message {
        let request = self.request.as_deref().unwrap_or_default();
        let head =
            format!("X-RequestId:{request}\r\nContent-Type:application/json; charset=utf-8\r\nPath:{path}\r\n\r\n");
        Message::text(head + &body.to_string())
    }

    fn headers(head: &str) -> Vec<(String, String)> {
        let pair =
            |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        head.split("\r\n").filter_map(pair).collect()
    }

    fn check(headers: &[(String, String)]) -> Result<String, String> {
        let get = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let time = get("x-timestamp").ok_or("no X-Timestamp")?;
        if time.len() < 20 || !time.ends_with('Z') || time.as_bytes().get(10) != Some(&b'T') {
            return Err(format!("X-Timestamp is {time}"));
        }
        get("path").map(str::to_owned).ok_or_else(|| "no Path".to_owned())
    }

    fn text(&mut self, text: &str) -> Result<Input, String> {
        let (head, body) = text.split_once("\r\n\r\n").ok_or("no empty line behind the headers")?;
        let headers = Self::headers(head);
        let body_json = || serde_json::from_str::<Value>(body).map_err(|e| format!("no JSON: {e}"));
        match Self::check(&headers)?.to_ascii_lowercase().as_str() {
            "speech.config" => {
                if body_json()?["context"]["system"].is_null() {
                    return Err("speech.config without context.system".to_owned());
                }
                self.configured = true;
                Ok(Input::Other(Heard::Config(body.to_owned())))
            }
            "speech.context" | "telemetry" | "agent.config" | "speech.agent.context" => {
                body_json()?;
                Ok(Input::Other(Heard::KeepAlive))
            }
            path => Err(format!("unknown path {path}")),
        }
    }

    fn binary(&mut self, frame: &Bytes) -> Result<Input, String> {
        let length =
            frame.get(..2).map(|length| usize::from(u16::from_be_bytes([length[0], length[1]]))).ok_or("no length")?;
        let head = frame.get(2..2 + length).and_then(|head| std::str::from_utf8(head).ok()).ok_or("no headers")?;
        let headers = Self::headers(head);
        let path = Self::check(&headers)?;
        if path != "audio" {
            return Err(format!("binary path {path}"));
        }
        if !self.configured {
            return Err("audio before speech.config".to_owned());
        }
        let request =
            headers.iter().find(|(name, _)| name == "x-requestid").map(|(_, value)| value.clone()).unwrap_or_default();
        if !is_id(&request) {
            return Err(format!("X-RequestId is {request:?}"));
        }
        if self.request.get_or_insert_with(|| request.clone()) != &request {
            return Err("another X-RequestId within one turn".to_owned());
        }
        let mut audio = frame.slice(2 + length..);
        if audio.is_empty() {
            // The end of the audio of this turn.
            return Ok(Input::Other(Heard::Flush));
        }
        if !self.progress.headed {
            if audio.len() < 44 || &audio[..4] != b"RIFF" || &audio[36..40] != b"data" {
                return Err("the first audio has no WAV header of 44 bytes".to_owned());
            }
            self.progress.headed = true;
            self.rate = u64::from(u32::from_le_bytes([audio[28], audio[29], audio[30], audio[31]])).max(1);
            audio = audio.slice(44..);
        }
        self.at += audio.len() as u64 * 10_000_000 / self.rate;
        Ok(Input::Audio(audio))
    }
}

impl Protocol for Turn {
    fn say(&mut self, say: &Say) -> Vec<Message> {
        let mut frames = Vec::new();
        if !self.progress.begun && self.request.is_some() {
            self.progress.begun = true;
            frames.push(
                self.message("turn.start", &json!({"context": {"serviceTag": "c1c1ab6f2a9a4c5a9f4b0a9c8c2f8d3e"}})),
            );
            frames.push(self.message("speech.startDetected", &json!({"Offset": 0})));
        }
        let (offset, duration) = (self.said, self.heard.saturating_sub(self.said));
        match say {
            Say::Transcript(said) if said.is_final => {
                let text = &said.text;
                let mut phrase = json!({"RecognitionStatus": "Success", "Offset": offset, "Duration": duration, "DisplayText": text});
                if self.detailed {
                    let best = json!({"Confidence": said.confidence, "Lexical": text, "ITN": text, "MaskedITN": text, "Display": text});
                    phrase["NBest"] = json!([best]);
                }
                frames.push(self.message("speech.phrase", &phrase));
                self.said = self.heard;
            }
            Say::Transcript(said) => {
                let hypothesis = json!({"Text": said.text, "Offset": offset, "Duration": duration});
                frames.push(self.message("speech.hypothesis", &hypothesis));
            }
            Say::Error(_) => {
                let phrase = json!({"RecognitionStatus": "Error", "Offset": 0, "Duration": 0});
                frames.push(self.message("speech.phrase", &phrase));
            }
            Say::Text(_) | Say::Binary(_) | Say::Ping => {}
        }
        frames
    }

    fn covers(&mut self, bytes: usize) {
        self.heard = bytes as u64 * 10_000_000 / self.rate.max(1);
    }

    fn hear(&mut self, message: Message) -> Result<Input, String> {
        match message {
            Message::Text(text) => self.text(&text),
            Message::Binary(frame) => self.binary(&frame),
            other => Err(format!("{other:?}")),
        }
    }

    fn done(&mut self, _end: bool) -> Vec<Message> {
        let nothing = json!({"RecognitionStatus": "EndOfDictation", "Offset": self.at, "Duration": 0});
        let frames = vec![
            self.message("speech.endDetected", &json!({"Offset": self.at})),
            self.message("speech.phrase", &nothing),
            self.message("turn.end", &json!({})),
        ];
        (self.request, self.progress) = (None, Progress::default());
        frames
    }
}

const FORMATS: &[&str] = &[
    "raw-8khz-16bit-mono-pcm",
    "raw-16khz-16bit-mono-pcm",
    "raw-22050hz-16bit-mono-pcm",
    "raw-24khz-16bit-mono-pcm",
    "raw-44100hz-16bit-mono-pcm",
    "raw-48khz-16bit-mono-pcm",
    "raw-8khz-8bit-mono-mulaw",
    "raw-8khz-8bit-mono-alaw",
    "audio-16khz-32kbitrate-mono-mp3",
    "audio-16khz-64kbitrate-mono-mp3",
    "audio-16khz-128kbitrate-mono-mp3",
    "audio-24khz-48kbitrate-mono-mp3",
    "audio-24khz-96kbitrate-mono-mp3",
    "audio-24khz-160kbitrate-mono-mp3",
    "audio-48khz-96kbitrate-mono-mp3",
    "audio-48khz-192kbitrate-mono-mp3",
    "ogg-16khz-16bit-mono-opus",
    "ogg-24khz-16bit-mono-opus",
    "ogg-48khz-16bit-mono-opus",
    "audio-16khz-16bit-32kbps-mono-opus",
    "audio-24khz-16bit-24kbps-mono-opus",
    "audio-24khz-16bit-48kbps-mono-opus",
];

async fn speak(State(app): State<App>, parts: Parts, body: String) -> Response {
    let mut asked = Asked::new(&parts);
    asked.query_only(&[]);
    let ssml = asked.header("content-type").is_some_and(|kind| kind.split(';').next() == Some("application/ssml+xml"));
    asked.check(ssml, || "the body is not sent as application/ssml+xml".to_owned());
    let agent = asked.header("user-agent").is_some_and(|agent| !agent.is_empty() && agent.len() < 255);
    asked.check(agent, || "there is no User-Agent".to_owned());
    let format = asked.header("x-microsoft-outputformat").unwrap_or_default().to_owned();
    asked.check(FORMATS.contains(&format.as_str()), || format!("there is no format {format:?}"));
    let text = spoken(&mut asked, &body);
    let rate = format.split('-').nth(1).unwrap_or_default();
    let sample_rate = match rate.strip_suffix("khz") {
        Some(thousands) => thousands.parse().map(|thousands: u32| thousands * 1_000),
        None => rate.trim_end_matches("hz").parse(),
    };
    let encoding = match format.rsplit('-').next() {
        Some("pcm") => "linear16",
        Some(other) => other,
        None => "unknown",
    };
    let right = right_key(&app, &asked);
    let content_type = if encoding == "mp3" { "audio/mpeg" } else { "application/octet-stream" };
    let wanted =
        Wanted { text, encoding: encoding.to_owned(), sample_rate: sample_rate.unwrap_or(24_000), content_type };
    synthesize(app, asked, &body, right, wanted, |audio| audio).await
}

/// The text of an SSML document, read by its tags: `speak` around one `voice` around the text, with or without `prosody`.
fn spoken(asked: &mut Asked, body: &str) -> String {
    let (mut text, mut open, mut rest) = (String::new(), Vec::new(), body);
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let Some((tag, after)) = after.split_once('>') else {
            asked.faults.push("a tag without an end".to_owned());
            return text;
        };
        match tag.strip_prefix('/') {
            Some(name) => {
                let matching = open.pop() == Some(name);
                asked.check(matching, || format!("</{name}> closes nothing"));
            }
            None => open.push(tag.split_whitespace().next().unwrap_or_default()),
        }
        let attribute = |name: &str| tag.contains(&format!("{name}=\"")) || tag.contains(&format!("{name}='"));
        match tag.split_whitespace().next() {
            Some("speak") => asked.check(attribute("version") && attribute("xml:lang"), || format!("<{tag}>")),
            Some("voice") => asked.check(attribute("name"), || format!("<{tag}>")),
            Some("prosody") => asked.check(attribute("rate"), || format!("<{tag}>")),
            Some("/speak" | "/voice" | "/prosody") => {}
            _ => asked.faults.push(format!("unknown tag <{tag}>")),
        }
        rest = after;
    }
    asked.check(open.is_empty() && body.contains("<voice"), || "SSML without an end or a voice".to_owned());
    asked.check(rest.trim().is_empty(), || "text behind </speak>".to_owned());
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    let bare = plain.split('&').skip(1).any(|part| !part.starts_with("amp;"));
    asked.check(!bare, || "a bare & in SSML".to_owned());
    plain.replace("&amp;", "&")
}

async fn voices(State(app): State<App>, parts: Parts) -> Response {
    let asked = Asked::new(&parts);
    let right = right_key(&app, &asked);
    let voice = |short: &str, display: &str, gender: &str, locale: &str| {
        json!({
            "Name": format!("Microsoft Server Speech Text to Speech Voice ({locale}, {display}Neural)"), "DisplayName": display,
            "LocalName": display, "ShortName": short, "Gender": gender, "Locale": locale, "LocaleName": locale,
            "SampleRateHertz": "48000", "VoiceType": "Neural", "Status": "GA", "WordsPerMinute": "152",
        })
    };
    let body = json!([
        voice("en-US-AvaNeural", "Ava", "Female", "en-US"),
        voice("de-CH-JanNeural", "Jan", "Male", "de-CH"),
        voice("zh-CN-liaoning-XiaobeiNeural", "Xiaobei", "Female", "zh-CN-liaoning"),
    ]);
    list(&app, &asked, right, &body.to_string())
}
