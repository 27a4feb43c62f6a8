//! Sessions without a word spoken: order, texts of errors, what is heard.

use serde_json::{Value, json};
use vendors::{Say, Scene, Vendor};

use crate::support::World;
use crate::support::client::{Client, Frame, config};

const DISABLED: &str = "Audio processing is disabled. Send config message with audio=true first.";
const NOT_CONFIGURED: &str = "Voice manager not configured. Send config message with audio=true first.";

#[tokio::test]
async fn a_session_without_audio_is_ready_with_a_uuid() {
    let server = World::new().serve(&[]);
    let mut client = Client::connect(&server).await;
    client.send(json!({"type": "config", "audio": false})).await;
    let ready = client.expect("ready").await;
    let id = ready["stream_id"].as_str().unwrap();
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 4);
    assert_eq!(ready, json!({"type": "ready", "stream_id": id, "livekit_url": "http://localhost:7880"}));
    client.audio(vec![0; 320]).await;
    client.expect_error(DISABLED).await;
    client.speak("hello").await;
    client.expect_error(DISABLED).await;
    // `clear` has nothing to clear and says nothing; the next answer is to what follows.
    client.send(json!({"type": "clear"})).await;
    client.send(json!({"type": "config", "audio": false, "stream_id": "my-own"})).await;
    assert_eq!(client.expect("ready").await["stream_id"], "my-own");
}

#[tokio::test]
async fn commands_before_config_are_errors_and_keep_the_socket() {
    let server = World::new().serve(&[]);
    let mut client = Client::connect(&server).await;
    client.audio(vec![0; 320]).await;
    client.expect_error(DISABLED).await;
    client.speak("hello").await;
    client.expect_error(DISABLED).await;
    client.send(json!({"type": "clear"})).await;
    client.expect_error(DISABLED).await;
    client.send(json!({"type": "loading_start"})).await;
    client.expect_error("Send a config message first before using loading_start.").await;
    client.send(json!({"type": "send_message", "message": "m", "role": "user"})).await;
    client.expect_error("LiveKit client not configured. Send config message with livekit configuration first.").await;
    client.send(json!({"type": "sip_transfer", "transfer_to": "+1"})).await;
    client.expect("sip_transfer_error").await;
    client.send(json!({"type": "update_config", "turn_detect": {"threshold": 1.5}})).await;
    client.expect_error("Invalid turn detection threshold: 1.5. Must be between 0.0 and 1.0").await;
    client.send(json!({"type": "update_config", "vad": {"silence_duration_ms": 300}})).await;
    client.send(json!({"type": "config", "audio": false})).await;
    client.expect("ready").await;
}

#[tokio::test]
async fn malformed_message_is_an_error_and_keeps_the_socket() {
    let server = World::new().serve(&[]);
    let mut client = Client::connect(&server).await;
    for text in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        r#"{"type":"text"}"#,
        r#"{"type":"speak"}"#,
        r#"{"type":"speak","text":1}"#,
        r#"{"type":"config","audio":"yes"}"#,
        r#"{"type":"config","audio":false,"stream_id":""}"#,
        r#"{"type":"in two\nlines"}"#,
    ] {
        client.text(text).await;
        let error = client.expect("error").await;
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("Invalid message format: ") && message.lines().count() == 1, "{text}: {error}");
    }
    client.send(json!({"type": "config", "audio": false, "surprise": {"of": "the future"}})).await;
    client.expect("ready").await;
}

#[tokio::test]
async fn invalid_config_is_an_error_and_may_be_repeated() {
    let deepgram = vendors::server(Vendor::Deepgram).stt([Scene::refuse(401, "no"), Scene::default()]).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    let mut client = Client::connect(&server).await;
    let base = config("deepgram", "deepgram");
    let with = |pointer: &str, value: Value| {
        let mut config = base.clone();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        config.pointer_mut(parent).unwrap()[field] = value;
        config
    };
    let without = |field: &str| {
        let mut config = base.clone();
        config.as_object_mut().unwrap().remove(field);
        config
    };
    for (config, expected) in [
        (without("stt_config"), "STT configuration is required when audio=true"),
        (without("tts_config"), "TTS configuration is required when audio=true"),
        (with("/stt_config/provider", json!("nobody")), "Unsupported provider: nobody"),
        (with("/tts_config/provider", json!("nobody")), "Unsupported provider: nobody"),
        (
            with("/livekit", json!({"room_name": "r"})),
            "LiveKit room handler not initialized. Check API keys configuration.",
        ),
    ] {
        client.send(config).await;
        client.expect_error(expected).await;
    }
    for (config, begin) in [
        (with("/stt_config/provider", json!("elevenlabs")), "Missing server auth for provider elevenlabs: "),
        (with("/stt_config/auth", json!({"nothing": 1})), "Invalid auth input for provider deepgram: "),
        (with("/stt_config/encoding", json!("gsm")), "Failed to create voice manager: "),
        // The provider's own no.
        (base.clone(), "Failed to start voice manager: "),
    ] {
        client.send(config).await;
        let error = client.expect("error").await;
        assert!(error["message"].as_str().unwrap().starts_with(begin), "{begin}: {error}");
        client.audio(vec![0; 320]).await;
        client.expect_error(NOT_CONFIGURED).await;
    }
    client.send(base).await;
    client.expect("ready").await;
    assert_eq!(deepgram.record().faults(), Vec::<String>::new());
}

#[tokio::test]
async fn stt_results_are_sent_as_they_arrive() {
    for vendor in [Vendor::Deepgram, Vendor::ElevenLabs, Vendor::Cartesia, Vendor::Azure] {
        let provider = vendors::server(vendor).start().await;
        let speaker = vendors::server(Vendor::Deepgram).start().await;
        let name = format!("{vendor:?}").to_lowercase();
        let server = World::new().serve_with(&[("deepgram", &speaker), (&name, &provider)], &[]);
        let mut config = config(&name, "deepgram");
        config["stt_config"]["model"] = json!(if vendor == Vendor::Deepgram { "nova-3" } else { "" });
        let mut client = Client::ready(&server, config).await;
        for _ in 0..5 {
            client.audio(vec![0; 3200]).await;
        }
        client.expect_heard("hello", false, false).await;
        // Only Deepgram tells the last words of a piece from those of an utterance.
        client.expect_heard("hello there", true, vendor != Vendor::Deepgram).await;
        client.expect_heard("friend", true, true).await;
        client.close().await;
        provider.until(|record| record.connections.iter().all(|connection| connection.ended)).await;
        let record = provider.record();
        assert_eq!(record.faults(), Vec::<String>::new(), "{name}");
        assert_eq!(record.connections.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn turn_without_speech_final_is_ended_by_the_fallback() {
    let scene = Scene::new().after(3200).say(Say::last("well then"));
    let deepgram = vendors::server(Vendor::Deepgram).stt([scene]).start().await;
    let short = [("SAYNA_TURN_FALLBACK_MS", "30"), ("SAYNA_TURN_HARD_MS", "60")];
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &short);
    let mut client = Client::ready(&server, config("deepgram", "deepgram")).await;
    client.audio(vec![0; 3200]).await;
    client.expect_heard("well then", true, false).await;
    let forced = client.expect("stt_result").await;
    let expected =
        json!({"type": "stt_result", "transcript": "", "is_final": true, "is_speech_final": true, "confidence": 1.0});
    assert_eq!(forced, expected);
}

#[tokio::test]
async fn turn_does_not_end_by_an_empty_final_without_text() {
    let scene = Scene::new().after(3200).say(Say::speech_final(""));
    let scene = scene.after(3200).say(Say::last("hello")).after(3200).say(Say::speech_final(""));
    let scene = scene.after(3200).say(Say::speech_final("")).after(3200).say(Say::speech_final("bye"));
    let deepgram = vendors::server(Vendor::Deepgram).stt([scene]).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    let mut client = Client::ready(&server, config("deepgram", "deepgram")).await;
    for _ in 0..5 {
        client.audio(vec![0; 3200]).await;
    }
    client.expect_heard("hello", true, false).await;
    client.expect_heard("", true, true).await;
    client.expect_heard("bye", true, true).await;
}

#[tokio::test]
async fn second_config_replaces_the_session() {
    let deepgram = vendors::server(Vendor::Deepgram).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    let mut client = Client::ready(&server, config("deepgram", "deepgram")).await;
    client.audio(vec![0; 3200]).await;
    deepgram.until(|record| record.connections.first().is_some_and(|first| first.audio_bytes == 3200)).await;
    client.send(config("deepgram", "deepgram")).await;
    client.expect("ready").await;
    deepgram.until(|record| record.connections.len() == 2 && record.connections[0].ended).await;
    client.audio(vec![0; 16_000]).await;
    client.expect_heard("hello", false, false).await;
    assert_eq!(deepgram.record().connections[0].audio_bytes, 3200);
}

/// A failure of the provider is reported, and the session stays open for another try.
#[tokio::test]
async fn provider_failure_does_not_end_the_session() {
    let scene = Scene::new().after(3200).say(Say::Error("no more".to_owned()));
    let deepgram = vendors::server(Vendor::Deepgram).stt([scene, Scene::default()]).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    let mut client = Client::ready(&server, config("deepgram", "deepgram")).await;
    client.audio(vec![0; 3200]).await;
    let error = client.expect("error").await["message"].clone();
    assert!(error.as_str().unwrap().starts_with("STT streaming error: "), "{error}");
    client.speak("still here").await;
    assert!(!client.utterance().await.is_empty());
    client.send(config("deepgram", "deepgram")).await;
    client.expect("ready").await;
}

/// Two hundred at once: each hears its own words.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_sessions_at_once() {
    let deepgram = vendors::server(Vendor::Deepgram).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    let mut sessions = Vec::new();
    for _ in 0..200 {
        sessions.push(Client::ready(&server, config("deepgram", "deepgram")).await);
    }
    for client in &mut sessions {
        client.audio(vec![0; 16_000]).await;
        client.speak("one of many").await;
    }
    for client in &mut sessions {
        let (mut heard, mut audio, mut complete) = (0, 0, false);
        while heard < 3 || !complete {
            match client.next().await {
                Frame::Audio(frame) => audio += frame.len(),
                Frame::Event(event) if event["type"] == "stt_result" => heard += 1,
                Frame::Event(event) if event["type"] == "tts_playback_complete" => complete = true,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(audio, "one of many".len() * vendors::SAMPLES_PER_CHARACTER * 2);
    }
    // One text, asked for by all of them within a moment: one request.
    assert_eq!(deepgram.record().asked("/v1/speak").len(), 1);
    assert_eq!(deepgram.record().faults(), Vec::<String>::new());
}

#[tokio::test]
#[cfg(not(feature = "noise-filter"))]
async fn noise_filter_that_is_not_built_in_is_reported_and_the_session_continues() {
    let deepgram = vendors::server(Vendor::Deepgram).stt([Scene::new()]).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    let mut wish = config("deepgram", "deepgram");
    wish["stt_config"]["noise_filter"] = json!(true);
    let mut client = Client::ready(&server, wish.clone()).await;
    client.expect_error("Noise filter not built in: audio goes to the provider as it comes").await;
    client.audio(vec![7; 640]).await;
    deepgram.until(|record| record.connections[0].audio[..] == [7; 640]).await;
    wish["audio"] = json!(false);
    client.send(wish.clone()).await;
    client.expect("ready").await;
    wish["stt_config"]["noise_filter"] = json!("yes");
    client.send(wish).await;
    let error = client.expect("error").await;
    assert!(error["message"].as_str().unwrap().starts_with("Invalid message format: "), "{error}");
}
