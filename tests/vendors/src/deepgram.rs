//! Deepgram: live transcription (Nova), speech (Aura), the list of models.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::record::Heard;
use crate::script::Say;
use crate::stt::{Input, Protocol, transcribe};
use crate::tts::{Asked, Wanted, fields_only, json, list, synthesize};
use crate::{App, Transcript};

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/v1/listen", get(listen)).route("/v1/speak", post(speak)).route("/v1/models", get(models))
}

/// The scheme of the key is compared in any case.
fn right_key(app: &App, asked: &Asked) -> bool {
    let header = asked.header("authorization").and_then(|header| header.split_once(' '));
    header.is_some_and(|(scheme, key)| scheme.eq_ignore_ascii_case("token") && key == app.key)
}

const BOOLEAN: &[&str] = &["true", "false"];

async fn listen(
    State(app): State<App>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    parts: Parts,
) -> Response {
    let mut asked = Asked::new(&parts);
    asked.query_in("model", &[]);
    asked.check(asked.query("model") != Some(""), || "the model is empty".to_owned());
    let encodings =
        ["linear16", "linear32", "flac", "alaw", "mulaw", "amr-nb", "amr-wb", "opus", "ogg-opus", "speex", "g729"];
    asked.query_may("encoding", &encodings);
    for name in ["interim_results", "punctuate", "smart_format", "vad_events", "multichannel", "numerals", "diarize"] {
        asked.query_may(name, BOOLEAN);
    }
    for name in ["sample_rate", "channels", "utterance_end_ms"] {
        let number = asked.query(name).is_none_or(|value| value.parse::<u32>().is_ok_and(|number| number > 0));
        asked.check(number, || format!("{name} is no number"));
    }
    let end = asked.query("endpointing").is_none_or(|value| value == "false" || value.parse::<u32>().is_ok());
    asked.check(end, || "endpointing is neither a number nor false".to_owned());
    let raw = asked.query("encoding").is_some() == asked.query("sample_rate").is_some();
    asked.check(raw, || "encoding and sample_rate go together".to_owned());
    let known = [
        "model",
        "language",
        "encoding",
        "sample_rate",
        "channels",
        "punctuate",
        "interim_results",
        "smart_format",
        "endpointing",
        "vad_events",
        "utterance_end_ms",
        "multichannel",
        "numerals",
        "detect_entities",
        "diarize",
        "keyterm",
        "keywords",
        "tag",
        "version",
        "mip_opt_out",
        "profanity_filter",
        "redact",
        "replace",
        "search",
        "dictation",
        "extra",
    ];
    asked.query_only(&known);
    let right = right_key(&app, &asked);
    let interim = asked.query("interim_results") == Some("true");
    let number = |name| asked.query(name).and_then(|value| value.parse::<f64>().ok());
    let sample = match asked.query("encoding") {
        Some("linear16") => 2.0,
        Some("linear32") => 4.0,
        _ => 1.0,
    };
    let rate = number("sample_rate").unwrap_or(8_000.0) * number("channels").unwrap_or(1.0) * sample;
    transcribe(app, asked, right, upgrade.ok(), Nova { interim, rate, heard: 0.0, at: 0.0 }).await
}

/// A transcription by a Nova model.
struct Nova {
    /// Interim results were asked for.
    interim: bool,
    /// Bytes a second of the audio.
    rate: f64,
    /// Seconds of audio that the next results are about.
    heard: f64,
    /// Seconds of audio that final results were given for.
    at: f64,
}

impl Nova {
    fn results(&mut self, said: &Transcript, from_finalize: bool) -> Message {
        let (start, duration) = (self.at, (self.heard - self.at).max(0.0));
        if said.is_final {
            self.at = start + duration;
        }
        let words: Vec<Value> = said
            .text
            .split_whitespace()
            .map(|word| json!({"word": word, "start": start, "end": start + duration, "confidence": said.confidence, "punctuated_word": word}))
            .collect();
        let alternative = json!({"transcript": said.text, "confidence": said.confidence, "words": words});
        let message = json!({
            "type": "Results", "channel_index": [0, 1], "duration": duration, "start": start,
            "is_final": said.is_final, "speech_final": said.is_speech_final,
            "channel": {"alternatives": [alternative]},
            "metadata": {
                "request_id": "6b1c1b1e-8f1c-4d38-9a56-4cfb4a0e1a11", "model_uuid": "1ed36bac-f71c-4f3f-a31f-02fd6525c489",
                "model_info": {"name": "general-nova-3", "version": "2025-04-17.21547", "arch": "nova-3"},
            },
            "from_finalize": from_finalize,
        });
        Message::text(message.to_string())
    }
}

impl Protocol for Nova {
    fn say(&mut self, say: &Say) -> Vec<Message> {
        match say {
            Say::Transcript(said) if !said.is_final && !self.interim => vec![],
            Say::Transcript(said) => vec![self.results(said, false)],
            Say::Error(text) => {
                let message = json!({"type": "Error", "variant": "SchemaError", "description": text, "message": text});
                vec![Message::text(message.to_string())]
            }
            Say::Text(_) | Say::Binary(_) | Say::Ping => vec![],
        }
    }

    fn covers(&mut self, bytes: usize) {
        self.heard = u32::try_from(bytes).map_or(f64::MAX, f64::from) / self.rate;
    }

    fn hear(&mut self, message: Message) -> Result<Input, String> {
        let text = match message {
            Message::Binary(audio) if audio.is_empty() => return Err("an empty frame of audio".to_owned()),
            Message::Binary(audio) => return Ok(Input::Audio(audio)),
            Message::Text(text) => text,
            other => return Err(format!("{other:?}")),
        };
        let value: Value = serde_json::from_str(&text).map_err(|e| format!("no JSON: {e}: {text}"))?;
        match value["type"].as_str() {
            Some("KeepAlive") => Ok(Input::Other(Heard::KeepAlive)),
            Some("Finalize") => Ok(Input::Other(Heard::Flush)),
            Some("CloseStream") => Ok(Input::Other(Heard::Finish)),
            _ => Err(format!("unknown message {text}")),
        }
    }

    fn done(&mut self, end: bool) -> Vec<Message> {
        let nothing = Transcript { text: String::new(), is_final: true, is_speech_final: false, confidence: 0.0 };
        let mut frames = vec![self.results(&nothing, true)];
        if end {
            let metadata = json!({
                "type": "Metadata", "transaction_key": "deprecated", "request_id": "6b1c1b1e-8f1c-4d38-9a56-4cfb4a0e1a11",
                "sha256": "0".repeat(64), "created": "2026-01-01T00:00:00.000Z", "duration": self.at, "channels": 1,
            });
            frames.push(Message::text(metadata.to_string()));
        }
        frames
    }

    /// "NET-0001": ten seconds without audio or keep-alive.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }
}

async fn speak(State(app): State<App>, parts: Parts, body: String) -> Response {
    let mut asked = Asked::new(&parts);
    asked.query_in("model", &[]);
    asked.query_may("encoding", &["linear16", "mulaw", "alaw", "mp3", "opus", "flac", "aac"]);
    asked.query_only(&["model", "encoding", "container", "sample_rate", "bit_rate", "speed", "tag", "mip_opt_out"]);
    let encoding = asked.query("encoding").unwrap_or("mp3").to_owned();
    let (rates, containers): (&[&str], &[&str]) = match encoding.as_str() {
        "linear16" => (&["8000", "16000", "24000", "32000", "48000"], &["none", "wav"]),
        "mulaw" | "alaw" => (&["8000", "16000"], &["none", "wav"]),
        "flac" => (&["8000", "16000", "22050", "32000", "48000"], &[]),
        "opus" => (&["48000"], &["ogg"]),
        _ => (&[], &[]),
    };
    // Of formats whose rate or container is fixed, naming one is an error.
    let fixed = |name: &str, allowed: &[&str]| asked.query(name).is_none_or(|value| allowed.contains(&value));
    let (rate_right, container_right) = (fixed("sample_rate", rates), fixed("container", containers));
    asked.check(rate_right, || format!("{encoding} has one of the rates {rates:?}"));
    asked.check(container_right, || format!("{encoding} has one of the containers {containers:?}"));
    let speed =
        asked.query("speed").is_none_or(|speed| speed.parse().is_ok_and(|speed: f32| (0.7..=1.5).contains(&speed)));
    asked.check(speed, || "speed is outside of 0.7 to 1.5".to_owned());
    let value = json(&mut asked, &body);
    fields_only(&mut asked, &value, &["text"]);
    let text = value["text"].as_str().unwrap_or_default().to_owned();
    asked.check((1..=2_000).contains(&text.chars().count()), || "the text has not 1 to 2000 characters".to_owned());
    let wav = asked.query("container") != Some("none") && rates.len() > 1 && encoding != "flac";
    asked.check(!wav, || "a raw format without container=none comes with a WAV header".to_owned());
    let right = right_key(&app, &asked);
    let usual = match encoding.as_str() {
        "mp3" | "aac" => 22_050,
        "opus" => 48_000,
        _ => 24_000,
    };
    let sample_rate = asked.query("sample_rate").and_then(|rate| rate.parse().ok()).unwrap_or(usual);
    let wanted = Wanted { text, encoding, sample_rate, content_type: "audio/*" };
    synthesize(app, asked, &body, right, wanted, |audio| audio).await
}

async fn models(State(app): State<App>, parts: Parts) -> Response {
    let asked = Asked::new(&parts);
    let right = right_key(&app, &asked);
    let voice = |name: &str, tags: &[&str], languages: &[&str]| {
        json!({
            "name": name, "canonical_name": format!("aura-2-{name}-en"), "architecture": "aura-2", "languages": languages,
            "version": "2025-04-07.0", "uuid": "ecb76e9d-f2db-4127-8060-79b05590d22f",
            "metadata": {"accent": "American", "age": "Adult", "sample": format!("https://static.example/{name}.wav"), "tags": tags},
        })
    };
    let body = json!({
        "stt": [{"name": "nova-3", "canonical_name": "nova-3", "languages": ["en"]}],
        "tts": [
            voice("thalia", &["feminine", "clear"], &["en", "en-US"]),
            voice("apollo", &["masculine"], &["en"]),
            voice("celeste", &[], &["es"]),
        ],
    });
    list(&app, &asked, right, &body.to_string())
}
