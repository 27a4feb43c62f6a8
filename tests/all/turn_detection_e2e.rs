//! Turn detection end to end: a server with the models, a client that sends a recording, and a provider that never ends a turn.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use bytes::Bytes;
use sayna::audio::{Converter, Encoding, Format};
use serde_json::{Value, json};
use vendors::{Say, Scene, Server as Provider, Vendor};

use crate::detectors_api::model;
use crate::support::client::{Client, Frame, config};
use crate::support::{Server, World};

/// Timers that never end a turn while a test runs.
const NEVER: [(&str, &str); 2] = [("SAYNA_TURN_FALLBACK_MS", "60000"), ("SAYNA_TURN_HARD_MS", "60000")];

/// Starts a server with the tests' models.
fn serve(world: &World, deepgram: &Provider) -> Server {
    let models = model("silero_vad.onnx");
    let folder = models.parent().unwrap().to_str().unwrap();
    world.serve_with(&[("deepgram", deepgram)], &[NEVER[0], NEVER[1], ("SAYNA_MODELS_PATH", folder)])
}

/// Returns the first tenths of a second of the recording. It has two words until 1.2 s, then silence until 1.9 s.
fn speech(tenths: usize, encoding: Encoding, rate: u32) -> Vec<u8> {
    let path = std::env::var("SAYNA_TEST_SPEECH").expect("SAYNA_TEST_SPEECH: `.ci/run` sets it by bench/speech.sh");
    let linear = Bytes::from(fs::read(path).unwrap()).slice(44..);
    let mut converter = Converter::new(Format::mono(Encoding::Linear16, 16_000), encoding, rate).unwrap();
    let mut audio = [converter.push(linear), converter.finish()].concat();
    let bytes = encoding.sample_bytes().unwrap() * rate as usize;
    audio.truncate(tenths * bytes / 10);
    audio
}

/// Starts a provider that sends the two words as a final result after one second of audio, and nothing more. It does not even
/// answer `Finalize`, which would end the turn.
async fn provider(bytes_per_second: usize) -> Provider {
    let scene = || Scene::new().after(bytes_per_second).say(Say::last("ever tried")).hang();
    vendors::server(Vendor::Deepgram).stt([scene(), scene()]).start().await
}

async fn send(client: &mut Client, audio: &[u8], piece: usize) {
    for piece in audio.chunks(piece) {
        client.audio(Bytes::copy_from_slice(piece)).await;
    }
}

async fn expect_end(client: &mut Client) {
    client.expect_heard("ever tried", true, false).await;
    client.expect_heard("", true, true).await;
}

#[tokio::test]
#[ignore = "needs models and a recording, from PyPI"]
async fn turn_detection_ends_a_complete_turn_without_the_provider() {
    let deepgram = provider(32_000).await;
    let server = serve(&World::new(), &deepgram);
    let mut client = Client::ready(&server, config("deepgram", "deepgram")).await;
    send(&mut client, &speech(18, Encoding::Linear16, 16_000), 3_200).await;
    expect_end(&mut client).await;
}

#[tokio::test]
#[ignore = "needs models and a recording, from PyPI"]
async fn turn_detection_sends_vad_events_on_request() {
    let deepgram = provider(32_000).await;
    let server = serve(&World::new(), &deepgram);
    let mut config = config("deepgram", "deepgram");
    config["stt_config"]["vad_events"] = json!(true);
    let mut client = Client::ready(&server, config).await;
    send(&mut client, &speech(18, Encoding::Linear16, 16_000), 3_200).await;
    let mut sent = Vec::new();
    loop {
        match client.next().await {
            Frame::Event(event) if event["type"] == "vad_event" => {
                assert!(event["timestamp_ms"].as_u64().is_some_and(|time| time > 1_700_000_000_000), "{event}");
                sent.push((event["event"].as_str().unwrap().to_owned(), event["silence_duration_ms"].as_u64()));
            }
            Frame::Event(event) if event["is_speech_final"] == true => break,
            Frame::Event(event) if event["type"] == "stt_result" => {}
            other => panic!("expected words, not {other:?}"),
        }
    }
    let names: Vec<&str> = sent.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.starts_with(&["speech_start", "silence_detected"]) && names.ends_with(&["turn_end"]), "{names:?}");
    assert!(sent.iter().all(|(name, silence)| (name == "silence_detected") == (*silence == Some(300))), "{sent:?}");
}

/// Returns all events up to and including the first of this kind.
async fn events_until(client: &mut Client, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut events = Vec::new();
    while !events.last().is_some_and(&is_last) {
        match client.next().await {
            Frame::Event(event) => events.push(event),
            other => panic!("expected an event, not {other:?}"),
        }
    }
    events
}

/// Expects a result as the first event, and no `vad_event` before it, with `"vad_events": true`.
async fn expect_no_detection(server: &Server, turn_detect: bool) {
    let mut config = config("deepgram", "deepgram");
    config["stt_config"]["vad_events"] = json!(true);
    config["stt_config"]["turn_detect"] = json!(turn_detect);
    let mut client = Client::ready(server, config).await;
    send(&mut client, &speech(18, Encoding::Linear16, 16_000), 3_200).await;
    client.expect_heard("ever tried", true, false).await;
    client.close().await;
}

#[tokio::test]
#[ignore = "needs models and a recording, from PyPI"]
async fn turn_detection_can_be_off_by_session_and_by_server() {
    let deepgram = provider(32_000).await;
    expect_no_detection(&serve(&World::new(), &deepgram), false).await;
    let world = World::new();
    let models = model("silero_vad.onnx");
    let folder = models.parent().unwrap().to_str().unwrap();
    let off = [("SAYNA_MODELS_PATH", folder), ("SAYNA_TURN_DETECT_ENABLED", "false")];
    expect_no_detection(&world.serve_with(&[("deepgram", &deepgram)], &[NEVER[0], NEVER[1], off[0], off[1]]), true)
        .await;
    let version = world.run_with(&["--version", "--verbose"], &off);
    assert!(version.stdout.contains("turn detection: off (turn_detect.enabled)"), "{}", version.stdout);
}

#[tokio::test]
#[ignore = "needs models and a recording, from PyPI"]
async fn turn_detection_works_in_every_format_and_when_audio_stops() {
    // The last stops in the middle of a word.
    for (encoding, rate, tenths) in [
        (Encoding::Mulaw, 8_000, 18),
        (Encoding::Alaw, 8_000, 18),
        (Encoding::Linear16, 48_000, 18),
        (Encoding::Linear16, 16_000, 10),
    ] {
        let bytes = encoding.sample_bytes().unwrap() * rate as usize;
        let deepgram = provider(bytes).await;
        let server = serve(&World::new(), &deepgram);
        let mut config = config("deepgram", "deepgram");
        config["stt_config"]["encoding"] = json!(encoding.name());
        config["stt_config"]["sample_rate"] = json!(rate);
        let mut client = Client::ready(&server, config).await;
        // Any decision ends the turn, and a decision needs a silence.
        client.send(json!({"type": "update_config", "turn_detect": {"threshold": 0.0}})).await;
        send(&mut client, &speech(tenths, encoding, rate), bytes / 10).await;
        expect_end(&mut client).await;
    }
}

#[tokio::test]
#[ignore = "needs models and a recording, from PyPI"]
async fn turn_detection_updates_are_per_session() {
    let deepgram = provider(32_000).await;
    let server = serve(&World::new(), &deepgram);
    let mut telling = config("deepgram", "deepgram");
    telling["stt_config"]["vad_events"] = json!(true);
    let mut strict = Client::ready(&server, telling).await;
    strict.send(json!({"type": "update_config", "turn_detect": {"threshold": 1.0}})).await;
    let speech = speech(18, Encoding::Linear16, 16_000);
    send(&mut strict, &speech, 3_200).await;
    events_until(&mut strict, |event| event["event"] == "silence_detected").await;
    let mut other = Client::ready(&server, config("deepgram", "deepgram")).await;
    send(&mut other, &speech, 3_200).await;
    expect_end(&mut other).await;
    strict.send(json!({"type": "update_config", "vad": {"silence_duration_ms": 0}})).await;
    let events = events_until(&mut strict, |event| event["type"] == "error").await;
    assert_eq!(
        events.last().unwrap()["message"],
        "Invalid message format: silence_duration_ms of 0: it must be 1 to 60000"
    );
    assert!(events.iter().all(|event| event["event"] != "turn_end"), "{events:?}");
    // A refused update changes nothing. An accepted one applies to the next audio.
    strict.send(json!({"type": "update_config", "turn_detect": {"threshold": 0.0}})).await;
    send(&mut strict, &speech, 3_200).await;
    events_until(&mut strict, |event| event["event"] == "turn_end").await;
}

#[test]
#[ignore = "needs models and ONNX Runtime, from PyPI"]
fn turn_detection_runtime_is_in_the_log_and_in_version_verbose() {
    let library = std::env::var("SAYNA_TEST_ONNXRUNTIME");
    let library = library.expect("SAYNA_TEST_ONNXRUNTIME: `.ci/run` sets it by bench/onnxruntime.sh");
    let world = World::new();
    let log = world.path("log");
    let mut command = world.command(&[]);
    command.env("HOST", "127.0.0.1").env("PORT", "0").env("SAYNA_TURN_DETECT_LIBRARY", &library);
    command.env("SAYNA_MODELS_PATH", model("").to_str().unwrap());
    Server::start_logging(command, fs::File::create(&log).unwrap()).stop();
    let shown = format!("ONNX Runtime ({library})");
    let log = fs::read_to_string(log).unwrap();
    assert_eq!(log.matches(&format!("turn detection by {shown}")).count(), 1, "{log}");
    let version = world.run_with(&["--version", "--verbose"], &[("SAYNA_TURN_DETECT_LIBRARY", &library)]);
    assert!(version.stdout.ends_with(&format!("turn detection: {shown}\n")), "{}", version.stdout);
}

#[test]
fn turn_detection_without_models_is_a_warning_with_the_command() {
    let world = World::new();
    let log = world.path("log");
    let mut command = world.command(&[]);
    command.env("HOST", "127.0.0.1").env("PORT", "0").env("XDG_CACHE_HOME", world.path("nothing"));
    command.env("HOME", world.path("nothing"));
    Server::start_logging(command, fs::File::create(&log).unwrap()).stop();
    let log = fs::read_to_string(log).unwrap();
    let warning = "turns are ended by timers alone: the model file silero_vad.onnx is missing";
    assert!(log.contains(warning) && log.contains("`sayna init` fetches it"), "{log}");
}

/// The server does not start if the configured library cannot be used.
#[test]
fn turn_detection_library_that_cannot_be_loaded_is_an_error() {
    let world = World::new().with_file("text.so", "no library").with_file("old.c", OLD);
    let old: PathBuf = world.path("old.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).args([&old, &world.path("old.c")]);
    assert!(compiler.status().unwrap().success());
    for (name, reason) in [("none.so", "No such file"), ("text.so", ""), ("old.so", "'1.16.3'")] {
        let path = world.path(name);
        let named = [("SAYNA_TURN_DETECT_LIBRARY", path.to_str().unwrap()), ("PORT", "0")];
        for arguments in [&[][..], &["--version", "--verbose"]] {
            let ended = world.run_with(arguments, &named);
            assert_eq!(ended.status, Some(2), "{name}: {}", ended.stderr);
            let begin = format!("error: {} cannot be used as ONNX Runtime: ", path.display());
            assert!(ended.stderr.contains(&begin) && ended.stderr.contains(reason), "{}", ended.stderr);
        }
    }
}

/// The part of an old ONNX Runtime that is read to find its version.
const OLD: &str = r#"
static const void *api(unsigned version) { return 0; }
static const char *version(void) { return "1.16.3"; }
static const struct { const void *(*api)(unsigned); const char *(*version)(void); } base = { api, version };
const void *OrtGetApiBase(void) { return &base; }
"#;
