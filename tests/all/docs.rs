//! The reference pages have a section for each endpoint and each message, and their examples are what the server accepts and
//! sends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sayna::voice::{Arrival, Command, Event, RoomMessage, Subscription, VadEvent};
use serde_json::Value;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

const SOCKET: &str = "docs/use/websocket-api.md";

/// The OpenAPI document, which `openapi.rs` compares with the program's.
fn openapi() -> Value {
    serde_json::from_str(&read("docs/use/openapi.json")).unwrap()
}

/// The sections of a page below headings of the third level, by heading. Deeper headings belong to their section.
fn sections(page: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let text = read(page);
    for part in text.split("\n### ").skip(1) {
        let (heading, body) = part.split_once('\n').unwrap();
        let body = body.split("\n## ").next().unwrap().to_owned();
        assert!(found.insert(heading.replace('`', ""), body).is_none(), "{page} has two sections {heading}");
    }
    found
}

/// The fields that a schema of the OpenAPI document has, those of the objects inside included.
fn fields(document: &Value, schema: &Value, found: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        fields(document, &document["components"]["schemas"][name.rsplit('/').next().unwrap()], found);
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        found.insert(name.clone());
        fields(document, inner, found);
    }
    fields_of_items(document, &schema["items"], found);
    for key in ["oneOf", "allOf", "anyOf"] {
        schema[key].as_array().into_iter().flatten().for_each(|inner| fields(document, inner, found));
    }
}

fn fields_of_items(document: &Value, items: &Value, found: &mut BTreeSet<String>) {
    if items.is_object() {
        fields(document, items, found);
    }
}

/// Panics unless the section names each of the fields, alone or behind the name of the object that it is in.
fn assert_names(section: &str, text: &str, expected: &BTreeSet<String>) {
    for field in expected {
        let named = [format!("`{field}`"), format!(".{field}`"), format!("\"{field}\"")];
        assert!(named.iter().any(|name| text.contains(name)), "the section {section} does not name {field}");
    }
}

#[test]
fn every_endpoint_has_a_section_that_names_its_fields() {
    let (document, sections) = (openapi(), sections("docs/use/rest-api.md"));
    let mut endpoints = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let heading = format!("{} {path}", method.to_uppercase());
            let section = sections.get(&heading).unwrap_or_else(|| panic!("rest-api.md has no section {heading}"));
            let mut expected = BTreeSet::new();
            fields(&document, &operation["requestBody"]["content"]["application/json"]["schema"], &mut expected);
            // The settings of speech are a section of the other page.
            if path == "/speak" {
                expected = ["text", "tts_config"].map(str::to_owned).into();
            }
            assert_names(&heading, section, &expected);
            endpoints.insert(heading);
        }
    }
    let shown: BTreeSet<String> = sections.into_keys().filter(|heading| heading.contains(" /")).collect();
    assert_eq!(shown, endpoints);
}

/// The schema that a reference leads to.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let name = schema["$ref"].as_str().map(|name| name.rsplit('/').next().unwrap());
    name.map_or(schema, |name| &document["components"]["schemas"][name])
}

/// Panics unless an example has the fields of its schema and no others.
fn assert_fits(document: &Value, schema: &Value, example: &Value, place: &str) {
    let schema = resolved(document, schema);
    let Some(fields) = example.as_object() else {
        example.as_array().into_iter().flatten().for_each(|item| assert_fits(document, &schema["items"], item, place));
        return;
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(fields.contains_key(name.as_str().unwrap()), "an example of {place} lacks {name}");
    }
    for (name, value) in fields {
        let [known, other] = [&schema["properties"][name], &schema["additionalProperties"]];
        let inner = if known.is_null() { other } else { known };
        assert!(!inner.is_null(), "an example of {place} has {name}");
        assert_fits(document, inner, value, place);
    }
}

#[test]
fn every_answer_shown_has_the_fields_of_its_schema() {
    let document = openapi();
    let mut count = 0;
    for (heading, text) in sections("docs/use/rest-api.md") {
        let Some((method, path)) = heading.split_once(' ').filter(|(_, path)| path.starts_with('/')) else { continue };
        let answer = &document["paths"][path][method.to_lowercase()]["responses"]["200"]["content"];
        for block in text.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            let example = serde_json::from_str(block).unwrap_or_else(|e| panic!("{heading}: {e}"));
            assert_fits(&document, &answer["application/json"]["schema"], &example, &heading);
            count += 1;
        }
    }
    assert!(count >= 6, "{count} answers");
}

/// The messages of one direction with their schemas, by `type`.
fn messages(document: &Value, name: &str) -> BTreeMap<String, Value> {
    let kind = |message: &Value| {
        let tagged = message["allOf"].as_array().and_then(|all| all.iter().find(|part| part["properties"].is_object()));
        let tag = &tagged.unwrap_or(message)["properties"]["type"]["enum"][0];
        tag.as_str().unwrap_or_else(|| panic!("{message}")).to_owned()
    };
    let all = document["components"]["schemas"][name]["oneOf"].as_array().unwrap();
    all.iter().map(|message| (kind(message), message.clone())).collect()
}

#[test]
fn every_message_has_a_section_that_names_its_fields() {
    let (document, sections) = (openapi(), sections(SOCKET));
    let text = read(SOCKET);
    let (client, server) = (text.find("\n## Client messages").unwrap(), text.find("\n## Server messages").unwrap());
    let mut all = BTreeSet::new();
    for (name, place) in [("Command", client..server), ("Event", server..text.len())] {
        for (kind, schema) in messages(&document, name) {
            assert!(text[place.clone()].contains(&format!("\n### `{kind}`\n")), "{SOCKET} has no section {kind}");
            let mut expected = BTreeSet::new();
            fields(&document, &schema, &mut expected);
            expected.remove("type");
            assert_names(&kind, &sections[&kind], &expected);
            assert!(sections[&kind].contains("\n```json "), "{kind} has no example");
            all.insert(kind);
        }
    }
    let shown: BTreeSet<String> = sections.into_keys().filter(|heading| !heading.contains(' ')).collect();
    assert_eq!(shown, all);
}

/// The text of the sources below a folder, with single spaces.
fn sources(folder: &Path, found: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            sources(&entry.path(), found);
        } else {
            let words = std::fs::read_to_string(entry.path()).unwrap();
            found.extend(words.split_whitespace().flat_map(|word| [word, " "]));
        }
    }
}

#[test]
fn every_error_that_the_socket_page_quotes_is_in_the_sources() {
    let mut source = String::new();
    for folder in ["src/error", "src/provider"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut source);
    }
    let text = read(SOCKET);
    let prose: String = text.split("```").step_by(2).collect();
    let mut count = 0;
    for quoted in prose.split('`').skip(1).step_by(2) {
        let quoted = quoted.split_whitespace().collect::<Vec<_>>().join(" ");
        // Up to what differs from one error to the next. A method and its path are no error.
        let fixed = quoted.split(['…', ':', '\'']).next().unwrap().trim();
        if fixed.starts_with(char::is_uppercase) && fixed.contains(' ') && !fixed.contains('/') && fixed != "Sayna AI" {
            assert!(source.contains(fixed), "no source has the error {quoted}");
            count += 1;
        }
    }
    assert!(count > 20, "{count} errors");
}

/// An unknown `type` makes the parser list those that it knows.
#[test]
fn the_client_messages_of_the_openapi_document_are_those_of_the_parser() {
    let error = serde_json::from_value::<Command>(serde_json::json!({"type": "none"})).unwrap_err().to_string();
    let known: BTreeSet<String> = error.split('`').skip(3).step_by(2).map(str::to_owned).collect();
    assert_eq!(known, messages(&openapi(), "Command").into_keys().collect());
}

/// The JSON values in the fenced blocks of this kind.
fn examples(kind: &str) -> Vec<Value> {
    let text = read(SOCKET);
    let fence = format!("```json {kind}\n");
    let blocks = text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks
        .flat_map(|block| {
            serde_json::Deserializer::from_str(&block).into_iter().map(Result::unwrap).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_client_example_of_the_socket_page_is_parsed() {
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

/// An event of the detectors, `after` so many milliseconds.
fn detected(event: VadEvent, after: u64, silence_duration_ms: Option<u64>) -> Event {
    Event::VadEvent { event, timestamp_ms: 1_700_000_000_000 + after, silence_duration_ms }
}

#[test]
fn every_server_example_of_the_socket_page_is_what_the_server_sends() {
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
