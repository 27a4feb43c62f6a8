//! Texts from outside cannot start a line of the log.

use std::fs::File;

use serde_json::{Value, json};
use vendors::{Scene, Vendor};

use crate::support::client::{Client, Frame, config};
use crate::support::{Server, World};

const FORGED: &str = "x\r\n2026-01-01T00:00:00.000000Z  INFO forged\u{85}forged\u{2028}forged\u{1b}[2J";

/// Vendors, clients' messages and names: each says the same.
async fn log(json: &str) -> String {
    let scene = Scene::new().after(3200).close(1008, FORGED);
    let deepgram = vendors::server(Vendor::Deepgram).stt([scene]).start().await;
    let world = World::new();
    let mut command = world.command(&[]);
    command.env("SAYNA_PROVIDERS_DEEPGRAM_STT_URL", deepgram.ws_url()).env("DEEPGRAM_API_KEY", vendors::KEY);
    command.env("HOST", "127.0.0.1").env("PORT", "0").env("RUST_LOG", "sayna=trace").env("SAYNA_LOG_JSON", json);
    let server = Server::start_logging(command, File::create(world.path("log")).unwrap());
    let mut client = Client::connect(&server).await;
    for (part, field) in [
        ("stt_config", "encoding"),
        ("stt_config", "provider"),
        ("stt_config", "language"),
        ("tts_config", "audio_format"),
        ("tts_config", "voice_id"),
    ] {
        let mut setup = config("deepgram", "deepgram");
        setup[part][field] = json!(FORGED);
        setup["stream_id"] = json!("x\u{2028}forged");
        client.send(setup).await;
        while !matches!(client.next().await, Frame::Event(_)) {}
    }
    client.send(json!({"type": FORGED})).await;
    client.expect("error").await;
    client.send(config("deepgram", "deepgram")).await;
    client.expect("ready").await;
    client.audio(vec![0; 3200]).await;
    let error = client.expect("error").await;
    assert!(error["message"].as_str().unwrap().contains("forged"), "{error}");
    server.request("GET", "/ws?x=%0Aforged", &[("Origin", "http://forged")], b"");
    drop(client);
    server.stop();
    std::fs::read_to_string(world.path("log")).unwrap()
}

#[tokio::test]
async fn external_text_never_begins_a_log_line() {
    let log = log("false").await;
    assert!(log.matches("INFO forged").count() >= 2, "{log}");
    for line in log.split(['\n', '\r', '\u{85}', '\u{2028}']).filter(|line| !line.is_empty()) {
        let (time, rest) = line.split_once(' ').unwrap_or_else(|| panic!("{line}"));
        let level = rest.trim_start().split(' ').next().unwrap();
        assert!(time.ends_with('Z') && ["INFO", "WARN", "DEBUG", "TRACE"].contains(&level), "{line}");
        assert!(!rest.trim_start().starts_with("INFO forged") && !line.contains('\u{1b}'), "{line}");
    }
}

#[tokio::test]
async fn json_log_has_one_object_per_line() {
    let log = log("true").await;
    assert!(log.matches("INFO forged").count() >= 2, "{log}");
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["level"].is_string() && !line.contains(['\u{85}', '\u{2028}', '\u{1b}']), "{line}");
    }
}
