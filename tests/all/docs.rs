//! What the documents show is what the server takes and says.

use std::collections::BTreeSet;
use std::path::Path;

use sayna::voice::{Arrival, Command, Event, RoomMessage, Subscription, VadEvent};
use serde_json::Value;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The JSON values in the fenced blocks of this kind.
fn examples(kind: &str) -> Vec<Value> {
    let text = read("docs/use/websocket-api.md");
    let fence = format!("```json {kind}\n");
    let blocks = text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks
        .flat_map(|block| {
            serde_json::Deserializer::from_str(&block).into_iter().map(Result::unwrap).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_client_message_of_the_protocol_is_understood() {
    let shown: BTreeSet<String> = examples("client")
        .into_iter()
        .map(|example| {
            serde_json::from_value::<Command>(example.clone()).unwrap_or_else(|e| panic!("{e}: {example}"));
            example["type"].as_str().unwrap().to_owned()
        })
        .collect();
    let all =
        ["clear", "config", "loading_start", "loading_stop", "send_message", "sip_transfer", "speak", "update_config"];
    assert_eq!(shown.iter().map(String::as_str).collect::<Vec<_>>(), all);
}

fn ann(name: Option<&str>) -> Arrival {
    let (identity, room) = ("ann-1".to_owned(), "den".to_owned());
    Arrival { identity, name: name.map(str::to_owned), room, timestamp: 1_700_000_000_000 }
}

/// What detectors hear, `after` so many milliseconds.
fn detected(event: VadEvent, after: u64, silence_duration_ms: Option<u64>) -> Event {
    Event::VadEvent { event, timestamp_ms: 1_700_000_000_000 + after, silence_duration_ms }
}

#[test]
fn every_server_message_of_the_protocol_is_written_so() {
    let events = [
        Event::Ready {
            stream_id: "a-name".to_owned(),
            livekit_room_name: None,
            livekit_url: "http://localhost:7880".to_owned(),
            sayna_participant_identity: None,
            sayna_participant_name: None,
        },
        Event::Ready {
            stream_id: "a-name".to_owned(),
            livekit_room_name: Some("den".to_owned()),
            livekit_url: "http://localhost:7880".to_owned(),
            sayna_participant_identity: Some("sayna-ai".to_owned()),
            sayna_participant_name: Some("Sayna AI".to_owned()),
        },
        Event::SttResult {
            transcript: "hello there".to_owned(),
            is_final: true,
            is_speech_final: false,
            confidence: 0.5,
        },
        detected(VadEvent::SpeechStart, 0, None),
        detected(VadEvent::SilenceDetected, 1_000, Some(300)),
        detected(VadEvent::SpeechResumed, 1_500, None),
        detected(VadEvent::TurnEnd, 2_000, None),
        Event::TtsPlaybackComplete { timestamp: 1_700_000_000_000 },
        Event::Message {
            message: RoomMessage {
                message: Some("hello".to_owned()),
                data: None,
                identity: "ann-1".to_owned(),
                topic: "default".to_owned(),
                room: "den".to_owned(),
                timestamp: 1_700_000_000_000,
            },
        },
        Event::ParticipantConnected { participant: ann(Some("Ann")) },
        Event::ParticipantDisconnected { participant: ann(None) },
        Event::TrackSubscribed {
            track: Subscription {
                identity: "ann-1".to_owned(),
                name: Some("Ann".to_owned()),
                track_kind: "audio",
                track_sid: "TR_1".to_owned(),
                room: "den".to_owned(),
                timestamp: 1_700_000_000_000,
            },
        },
        Event::Error { message: "Invalid message format: missing field `text` at line 1 column 16".to_owned() },
        Event::SipTransferError {
            message: "LiveKit client not configured. Send config message with livekit configuration first.".to_owned(),
        },
    ];
    let written: Vec<Value> = events.iter().map(|event| serde_json::from_str(&event.to_json()).unwrap()).collect();
    assert_eq!(written, examples("server"));
}
