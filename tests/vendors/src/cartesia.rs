//! Cartesia: transcription by Ink (finalised by itself, by command, or by turns), speech by Sonic.

use axum::Router;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::App;
use crate::record::Heard;
use crate::script::Say;
use crate::stt::{Input, Protocol, transcribe};
use crate::tts::{Asked, Wanted, fields_only, json, synthesize};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/stt/websocket", get(websocket))
        .route("/stt/turns/websocket", get(turns))
        .route("/tts/bytes", post(bytes))
}

/// In a header of two kinds, or in the query: all of them are documented.
fn right_key(app: &App, asked: &Asked) -> bool {
    let bearer = asked.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
    let key = bearer.or(asked.header("x-api-key")).or(asked.query("api_key"));
    key == Some(app.key.as_str())
}

/// Every request names the version of the interface that it means.
fn check_version(asked: &mut Asked) {
    let version = asked.query("cartesia_version").or(asked.header("cartesia-version")).unwrap_or_default();
    let date = version.len() == 10 && version.split('-').map(str::len).eq([4, 2, 2]);
    asked.check(date, || "there is no Cartesia-Version".to_owned());
}

const RATES: &[&str] = &["8000", "16000", "22050", "24000", "44100", "48000"];
const ENCODINGS: &[&str] = &["pcm_s16le", "pcm_s32le", "pcm_f16le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"];

async fn websocket(
    State(app): State<App>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    parts: Parts,
) -> Response {
    let mut asked = Asked::new(&parts);
    asked.query_in("model", &["ink-whisper", "ink-whisper-2025-06-04", "ink-2"]);
    let language =
        asked.query("language").is_none_or(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_lowercase()));
    asked.check(language, || "language is no ISO 639-1 code".to_owned());
    check_audio(&mut asked, &["language", "min_volume", "max_silence_duration_secs", "keyterm"]);
    let right = right_key(&app, &asked);
    transcribe(app, asked, right, upgrade.ok(), Ink { turns: false }).await
}

async fn turns(
    State(app): State<App>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    parts: Parts,
) -> Response {
    let mut asked = Asked::new(&parts);
    asked.query_in("model", &["ink-2"]);
    check_audio(&mut asked, &["keyterm", "turn_start_threshold", "turn_end_threshold", "turn_end_timeout_ms"]);
    let right = right_key(&app, &asked);
    transcribe(app, asked, right, upgrade.ok(), Ink { turns: true }).await
}

fn check_audio(asked: &mut Asked, further: &[&str]) {
    asked.query_in("encoding", ENCODINGS);
    asked.query_in("sample_rate", RATES);
    check_version(asked);
    let mut known = vec!["model", "encoding", "sample_rate", "api_key", "access_token", "cartesia_version"];
    known.extend(further);
    asked.query_only(&known);
}

/// A transcription by Ink.
struct Ink {
    /// In events of turns instead of pieces of a transcript.
    turns: bool,
}

const ID: &str = "7a2b9d0e-2c7a-4bb4-9f5d-0d6c6a1f3f55";

impl Protocol for Ink {
    fn ready(&mut self) -> Option<Message> {
        self.turns.then(|| Message::text(json!({"type": "connected", "request_id": ID}).to_string()))
    }

    fn say(&mut self, say: &Say) -> Vec<Message> {
        let message = match say {
            Say::Transcript(said) if self.turns && said.is_speech_final => {
                json!({"type": "turn.end", "request_id": ID, "transcript": said.text})
            }
            Say::Transcript(said) if self.turns => {
                json!({"type": "turn.update", "request_id": ID, "transcript": said.text})
            }
            Say::Transcript(said) => json!({
                "type": "transcript", "request_id": ID, "text": said.text, "is_final": said.is_final,
                "duration": 0.5, "language": "en",
            }),
            Say::Error(text) => json!({
                "type": "error", "request_id": ID, "message": text, "title": "Bad request", "status_code": 400,
                "error_code": "invalid_request",
            }),
            Say::Text(_) | Say::Binary(_) | Say::Ping => return vec![],
        };
        vec![Message::text(message.to_string())]
    }

    fn hear(&mut self, message: Message) -> Result<Input, String> {
        let text = match message {
            Message::Binary(audio) if audio.is_empty() => return Err("an empty frame of audio".to_owned()),
            Message::Binary(audio) => return Ok(Input::Audio(audio)),
            Message::Text(text) => text,
            other => return Err(format!("{other:?}")),
        };
        if self.turns {
            let value: Value = serde_json::from_str(&text).map_err(|e| format!("no JSON: {e}: {text}"))?;
            return match value["type"].as_str() {
                Some("close") => Ok(Input::Other(Heard::Finish)),
                _ => Err(format!("unknown message {text}")),
            };
        }
        // Bare words: in JSON quotes they mean nothing.
        match text.as_str() {
            "finalize" => Ok(Input::Other(Heard::Flush)),
            "done" | "close" => Ok(Input::Other(Heard::Finish)),
            _ => Err(format!("unknown command {text}")),
        }
    }

    fn done(&mut self, end: bool) -> Vec<Message> {
        let kind = if end { "done" } else { "flush_done" };
        if self.turns { vec![] } else { vec![Message::text(json!({"type": kind, "request_id": ID}).to_string())] }
    }
}

async fn bytes(State(app): State<App>, parts: Parts, body: String) -> Response {
    let mut asked = Asked::new(&parts);
    check_version(&mut asked);
    asked.query_only(&[]);
    let value = json(&mut asked, &body);
    fields_only(
        &mut asked,
        &value,
        &["model_id", "transcript", "voice", "output_format", "language", "generation_config", "speed"],
    );
    asked.check(value["model_id"].as_str().is_some_and(|model| model.starts_with("sonic")), || "model_id".to_owned());
    let voice = &value["voice"];
    fields_only(&mut asked, voice, &["mode", "id"]);
    let named = voice["mode"] == "id" && voice["id"].as_str().is_some_and(|id| !id.is_empty());
    asked.check(named || voice.is_string(), || format!("the voice is {voice}"));
    let speed = &value["generation_config"]["speed"];
    asked.check(speed.is_null() || speed.as_f64().is_some_and(|n| (0.599..=1.501).contains(&n)), || {
        format!("speed {speed}")
    });
    let text = value["transcript"].as_str().unwrap_or_default().to_owned();
    asked.check(!text.trim().is_empty(), || "there is no transcript".to_owned());
    let wanted = output_format(&mut asked, &value["output_format"], text);
    let right = right_key(&app, &asked);
    synthesize(app, asked, &body, right, wanted, |audio| audio).await
}

fn output_format(asked: &mut Asked, format: &Value, text: String) -> Wanted {
    let rate = format["sample_rate"].as_u64().unwrap_or_default();
    let known = RATES.contains(&rate.to_string().as_str());
    asked.check(known, || format!("the sample rate is {}", format["sample_rate"]));
    let (encoding, fields): (&str, &[&str]) = match format["container"].as_str() {
        Some("mp3") => {
            let bits = format["bit_rate"]
                .as_u64()
                .is_some_and(|rate| [32_000, 64_000, 96_000, 128_000, 192_000].contains(&rate));
            asked.check(bits, || format!("the bit rate is {}", format["bit_rate"]));
            ("mp3", &["container", "sample_rate", "bit_rate"])
        }
        Some("raw") => {
            let encoding = match format["encoding"].as_str() {
                Some("pcm_s16le") => "linear16",
                Some("pcm_mulaw") => "mulaw",
                Some("pcm_alaw") => "alaw",
                _ => "unknown",
            };
            asked.check(encoding != "unknown", || format!("the encoding is {}", format["encoding"]));
            (encoding, &["container", "encoding", "sample_rate"])
        }
        _ => {
            asked.faults.push(format!("the container is {}", format["container"]));
            ("unknown", &["container", "encoding", "sample_rate"])
        }
    };
    fields_only(asked, format, fields);
    let sample_rate = u32::try_from(rate).unwrap_or_default().max(1);
    Wanted { text, encoding: encoding.to_owned(), sample_rate, content_type: "application/octet-stream" }
}
