//! ElevenLabs: realtime transcription (Scribe), speech, the list of voices.

use axum::Router;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::App;
use crate::record::Heard;
use crate::script::Say;
use crate::stt::{Input, Protocol, transcribe};
use crate::tts::{Asked, Wanted, fields_only, json, list, synthesize};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/speech-to-text/realtime", get(realtime))
        .route("/v1/text-to-speech/{voice}", post(convert))
        .route("/v1/text-to-speech/{voice}/stream", post(convert))
        .route("/v2/voices", get(voices))
}

fn right_key(app: &App, asked: &Asked) -> bool {
    asked.header("xi-api-key") == Some(app.key.as_str())
}

async fn realtime(
    State(app): State<App>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    parts: Parts,
) -> Response {
    let mut asked = Asked::new(&parts);
    asked.query_in("model_id", &["scribe_v2_realtime"]);
    let formats = ["pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_44100", "pcm_48000", "ulaw_8000"];
    asked.query_in("audio_format", &formats);
    asked.query_may("commit_strategy", &["manual", "vad"]);
    for name in ["include_timestamps", "include_language_detection", "enable_logging", "no_verbatim"] {
        asked.query_may(name, &["true", "false"]);
    }
    for (name, least, most) in [
        ("vad_silence_threshold_secs", 0.3, 3.0),
        ("vad_threshold", 0.1, 0.9),
        ("min_speech_duration_ms", 50.0, 2_000.0),
        ("min_silence_duration_ms", 50.0, 2_000.0),
    ] {
        let right = |value: &str| value.parse().is_ok_and(|number: f64| (least..=most).contains(&number));
        let right = asked.query(name).is_none_or(right);
        asked.check(right, || format!("{name} is outside of {least} to {most}"));
    }
    let code = |code: &str| (2..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase());
    let language = asked.query("language_code").is_none_or(code);
    asked.check(language, || "language_code is no ISO 639 code".to_owned());
    asked.query_only(&[
        "model_id",
        "audio_format",
        "commit_strategy",
        "language_code",
        "vad_silence_threshold_secs",
        "vad_threshold",
        "min_speech_duration_ms",
        "min_silence_duration_ms",
        "include_timestamps",
        "include_language_detection",
        "enable_logging",
        "no_verbatim",
        "keyterms",
    ]);
    let right = right_key(&app, &asked);
    let format = asked.query("audio_format").unwrap_or_default().to_owned();
    let rate = format.rsplit('_').next().and_then(|rate| rate.parse().ok()).unwrap_or(0);
    transcribe(app, asked, right, upgrade.ok(), Scribe { format, rate }).await
}

/// A transcription by Scribe.
struct Scribe {
    format: String,
    rate: u64,
}

impl Protocol for Scribe {
    fn ready(&mut self) -> Option<Message> {
        let config = json!({
            "sample_rate": self.rate, "audio_format": self.format, "language_code": "en", "commit_strategy": "vad",
            "vad_silence_threshold_secs": 0.5, "vad_threshold": 0.4, "min_speech_duration_ms": 50,
            "min_silence_duration_ms": 300, "model_id": "scribe_v2_realtime", "include_timestamps": false,
        });
        let started = json!({"message_type": "session_started", "session_id": "0b0a72b57fd743ebbed6555d44836cf2", "config": config});
        Some(Message::text(started.to_string()))
    }

    fn say(&mut self, say: &Say) -> Vec<Message> {
        let message = match say {
            Say::Transcript(said) if said.is_final => {
                json!({"message_type": "committed_transcript", "text": said.text})
            }
            Say::Transcript(said) => json!({"message_type": "partial_transcript", "text": said.text}),
            Say::Error(text) => json!({"message_type": "input_error", "error": text}),
            Say::Text(_) | Say::Binary(_) | Say::Ping => return vec![],
        };
        vec![Message::text(message.to_string())]
    }

    fn hear(&mut self, message: Message) -> Result<Input, String> {
        let Message::Text(text) = message else { return Err("a frame that is not text".to_owned()) };
        let value: Value = serde_json::from_str(&text).map_err(|e| format!("no JSON: {e}: {text}"))?;
        if value["message_type"] != "input_audio_chunk" {
            return Err(format!("unknown message {text}"));
        }
        let known = ["message_type", "audio_base_64", "commit", "sample_rate", "previous_text"];
        if let Some(unknown) =
            value.as_object().and_then(|object| object.keys().find(|key| !known.contains(&key.as_str())))
        {
            return Err(format!("unknown field {unknown}"));
        }
        if !value["sample_rate"].is_null() && value["sample_rate"].as_u64() != Some(self.rate) {
            return Err(format!("sample_rate is {}, and the session has {}", value["sample_rate"], self.rate));
        }
        let audio = value["audio_base_64"].as_str().ok_or("no audio_base_64")?;
        let audio = STANDARD.decode(audio).map_err(|e| format!("audio_base_64: {e}"))?;
        match value["commit"].as_bool() {
            Some(true) if audio.is_empty() => Ok(Input::Other(Heard::Flush)),
            _ => Ok(Input::Audio(Bytes::from(audio))),
        }
    }

    fn done(&mut self, _end: bool) -> Vec<Message> {
        vec![Message::text(json!({"message_type": "committed_transcript", "text": ""}).to_string())]
    }
}

const OUTPUTS: &[&str] = &[
    "mp3_22050_32",
    "mp3_24000_48",
    "mp3_44100_32",
    "mp3_44100_64",
    "mp3_44100_96",
    "mp3_44100_128",
    "mp3_44100_192",
    "pcm_8000",
    "pcm_16000",
    "pcm_22050",
    "pcm_24000",
    "pcm_32000",
    "pcm_44100",
    "pcm_48000",
    "ulaw_8000",
    "alaw_8000",
    "opus_48000_32",
    "opus_48000_64",
    "opus_48000_96",
    "opus_48000_128",
    "opus_48000_192",
];

const FIELDS: &[&str] = &[
    "text",
    "model_id",
    "language_code",
    "voice_settings",
    "seed",
    "previous_text",
    "next_text",
    "previous_request_ids",
    "next_request_ids",
    "apply_text_normalization",
    "pronunciation_dictionary_locators",
];

async fn convert(State(app): State<App>, Path(voice): Path<String>, parts: Parts, body: String) -> Response {
    let mut asked = Asked::new(&parts);
    asked.check(voice.bytes().all(|byte| byte.is_ascii_alphanumeric()), || format!("{voice:?} is no voice"));
    asked.query_may("output_format", OUTPUTS);
    asked.query_only(&["output_format", "enable_logging", "optimize_streaming_latency"]);
    let value = json(&mut asked, &body);
    fields_only(&mut asked, &value, FIELDS);
    check_settings(&mut asked, &value["voice_settings"]);
    let third = value["model_id"].as_str().is_some_and(|model| model.starts_with("eleven_v3"));
    asked.check(!third || value["previous_text"].is_null(), || "previous_text with a model of eleven_v3".to_owned());
    let text = value["text"].as_str().unwrap_or_default().to_owned();
    asked.check(!text.trim().is_empty(), || "there is no text".to_owned());
    let right = right_key(&app, &asked);
    let wanted = output_format(asked.query("output_format").unwrap_or("mp3_44100_128"), text);
    synthesize(app, asked, &body, right, wanted, |audio| audio).await
}

fn check_settings(asked: &mut Asked, settings: &Value) {
    fields_only(asked, settings, &["stability", "similarity_boost", "style", "use_speaker_boost", "speed"]);
    let bounds = [("stability", 0.0, 1.0), ("similarity_boost", 0.0, 1.0), ("style", 0.0, 1.0), ("speed", 0.7, 1.2)];
    for (name, least, most) in bounds {
        // The last digits of a number that was 32 bits wide are no fault.
        let right = |number: f64| (least - 1e-6..=most + 1e-6).contains(&number);
        let right = settings[name].is_null() || settings[name].as_f64().is_some_and(right);
        asked.check(right, || format!("{name} is outside of {least} to {most}: {}", settings[name]));
    }
}

fn output_format(format: &str, text: String) -> Wanted {
    let mut words = format.split('_');
    let encoding = match words.next() {
        Some("pcm") => "linear16",
        Some("ulaw") => "mulaw",
        Some("alaw") => "alaw",
        Some("opus") => "opus",
        _ => "mp3",
    };
    let sample_rate = words.next().and_then(|rate| rate.parse().ok()).unwrap_or(44_100);
    let content_type = if encoding == "mp3" { "audio/mpeg" } else { "application/octet-stream" };
    Wanted { text, encoding: encoding.to_owned(), sample_rate, content_type }
}

/// Two pages.
async fn voices(State(app): State<App>, parts: Parts) -> Response {
    let mut asked = Asked::new(&parts);
    asked.query_may("next_page_token", &["second"]);
    asked.query_only(&["page_size", "next_page_token", "search", "sort", "voice_type", "category"]);
    let right = right_key(&app, &asked);
    let body = if asked.query("next_page_token").is_none() {
        json!({
            "voices": [
                {
                    "voice_id": "21m00Tcm4TlvDq8ikWAM", "name": "Rachel", "category": "premade",
                    "preview_url": "https://static.example/rachel.mp3", "labels": {"gender": "female", "age": "young"},
                    "verified_languages": [{"language": "en", "model_id": "eleven_v3", "accent": "american", "locale": "en-US"}],
                },
                {
                    "voice_id": "pNInz6obpgDQGcFmaJgB", "name": "Adam", "preview_url": null, "labels": {},
                    "description": "A deep voice of an elderly gentleman", "verified_languages": null,
                },
            ],
            "has_more": true, "total_count": 3, "next_page_token": "second",
        })
    } else {
        json!({"voices": [{"voice_id": "abc", "name": "Nobody", "labels": null}], "has_more": false, "total_count": 3, "next_page_token": null})
    };
    list(&app, &asked, right, &body.to_string())
}
