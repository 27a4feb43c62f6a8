//! Sessions in a simulated room.

use std::time::Duration;

use serde_json::{Value, json};
use vendors::{SAMPLES_PER_CHARACTER, Scene, Vendor};

use crate::livekit::SECRETS;
use crate::support::client::{Client, Frame, config};
use crate::support::livekit::{KEYS, Livekit, claims};
use crate::support::room::{Door, FRAME, Room};
use crate::support::{Server, World};

/// A server with a provider, a LiveKit API, and a door to the room.
pub(crate) struct Stage {
    deepgram: vendors::Server,
    livekit: Livekit,
    pub(crate) door: Door,
    pub(crate) server: Server,
    _world: World,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(Livekit::default(), &[]).await
    }

    async fn with(livekit: Livekit, variables: &[(&str, &str)]) -> Self {
        let deepgram = vendors::server(Vendor::Deepgram).stt([Scene::new()]).start().await;
        let (url, door) = (livekit.start().await, Door::open().await);
        let program = door.program();
        let own = [KEYS[0], KEYS[1], ("LIVEKIT_URL", &url), ("SAYNA_LIVEKIT_SUBPROCESS", &program)];
        let all: Vec<(&str, &str)> = own.iter().chain(variables).copied().collect();
        let world = World::new();
        let server = world.serve_with(&[("deepgram", &deepgram)], &all);
        Self { deepgram, livekit, door, server, _world: world }
    }

    /// Waits until the provider has so many bytes of audio. A room that runs ahead of what is heard loses some of it.
    async fn hears(&self, bytes: usize) {
        self.deepgram.until(|record| record.connections[0].audio_bytes >= bytes).await;
    }

    /// A session in the room.
    pub(crate) async fn session(&self, config: Value) -> (Client, Room) {
        let mut client = Client::connect(&self.server).await;
        client.send(config).await;
        let (room, _) = self.door.admit().await;
        client.expect("ready").await;
        (client, room)
    }
}

pub(crate) fn in_room(livekit: Value) -> Value {
    let mut config = config("deepgram", "deepgram");
    config["livekit"] = livekit;
    config
}

pub(crate) fn den() -> Value {
    in_room(json!({"room_name": "den"}))
}

/// As an event without its time.
fn timeless(mut event: Value, part: &str) -> Value {
    let time = event[part].as_object_mut().unwrap().remove("timestamp").unwrap();
    assert!(time.as_u64().unwrap() > 1_700_000_000_000);
    event
}

/// The loudest sample.
fn peak(samples: &[i16]) -> u16 {
    samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn session_joins_its_room_and_deletes_it_at_the_end() {
    let stage = Stage::new().await;
    let mut client = Client::connect(&stage.server).await;
    client.send(den()).await;
    let (mut room, wish) = stage.door.admit().await;
    let claims = claims(wish["token"].as_str().unwrap()).unwrap();
    assert_eq!((&claims["sub"], &claims["name"]), (&json!("sayna-ai"), &json!("Sayna AI")));
    assert_eq!((&claims["video"]["room"], &claims["video"]["roomJoin"]), (&json!("den"), &json!(true)));
    assert_eq!((&wish["audio"], &wish["listen"], &wish["track"]), (&json!(true), &json!([]), &json!("tts-audio")));
    assert!(wish["url"].as_str().unwrap().starts_with("ws://127.0.0.1:"), "{wish}");
    let ready = client.expect("ready").await;
    let expected = json!({
        "type": "ready", "stream_id": ready["stream_id"], "livekit_url": "http://localhost:7880",
        "livekit_room_name": "den", "sayna_participant_identity": "sayna-ai", "sayna_participant_name": "Sayna AI",
    });
    assert_eq!(ready, expected);
    client.close().await;
    room.until_left().await;
    stage.livekit.until_called("DeleteRoom").await;
    assert_eq!(stage.livekit.said("DeleteRoom"), json!({"room": "den"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn room_audio_reaches_the_provider_at_its_rate_and_in_order() {
    let stage = Stage::new().await;
    let (_client, mut room) = stage.session(den()).await;
    // A second of a ramp at 48 kHz: it stays one at 16 kHz, and nothing of it is anywhere else.
    let ramp: Vec<i16> = (0..48_000_i32).map(|n| i16::try_from(n / 3).unwrap()).collect();
    for (n, second) in ramp.chunks(10 * FRAME).enumerate() {
        room.sound(7, second).await;
        stage.hears(n * 3200).await;
    }
    stage.hears(31_800).await;
    let record = stage.deepgram.record();
    assert_eq!(record.connections[0].query("sample_rate"), Some("16000"));
    assert!(record.connections[0].audio_bytes <= 32_000);
    let heard = record.connections[0].audio.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample));
    // The first milliseconds ring.
    let wrong =
        heard.enumerate().skip(50).find(|(n, sample)| i32::try_from(*n).unwrap().abs_diff((*sample).into()) > 8);
    assert_eq!(wrong, None);
    assert_eq!(record.faults(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn room_tracks_are_mixed_without_waiting_for_ended_ones() {
    let stage = Stage::new().await;
    let (_client, mut room) = stage.session(den()).await;
    for n in 0..50 {
        room.sound(1, &[1_000; FRAME]).await;
        room.sound(2, &[500; FRAME]).await;
        stage.hears((n * 320_usize).saturating_sub(3200)).await;
    }
    room.say('X', &2_u32.to_le_bytes()).await;
    for n in 50..100 {
        room.sound(1, &[1_000; FRAME]).await;
        stage.hears((n * 320_usize).saturating_sub(3200)).await;
    }
    stage.hears(31_800).await;
    let audio = stage.deepgram.record().connections[0].audio.clone();
    let at = |n: usize| i16::from_le_bytes([audio[n * 2], audio[n * 2 + 1]]);
    assert!(at(4_000).abs_diff(1_500) < 10 && at(12_000).abs_diff(1_000) < 10, "{} {}", at(4_000), at(12_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn speech_is_played_in_the_room_and_not_sent_to_the_client() {
    let stage = Stage::new().await;
    let (mut client, mut room) = stage.session(den()).await;
    client.speak("hello").await;
    let frames = "hello".len() * SAMPLES_PER_CHARACTER / 240;
    let samples = room.played(frames).await;
    // A triangle of 4000 in either direction; the change of the rate rounds its corners.
    assert!((3_000..5_000).contains(&peak(&samples)), "{}", peak(&samples));
    client.expect("tts_playback_complete").await;
    client.speak("you").await;
    room.played("you".len() * SAMPLES_PER_CHARACTER / 240).await;
    client.expect("tts_playback_complete").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn speech_that_the_room_does_not_play_is_queued_within_bounds() {
    let stage = Stage::new().await;
    let (mut client, mut room) = stage.session(den()).await;
    // Twenty seconds, of which the room takes nothing: the end of them is not told.
    client.speak(&"long ".repeat(80)).await;
    for _ in 0..8 {
        assert_eq!(room.next().await.unwrap().0, 'A');
    }
    client.text("nonsense").await;
    client.expect("error").await;
    let more = tokio::time::timeout(Duration::from_millis(200), room.next()).await;
    assert!(more.is_err(), "{more:?}");
    // The room never gets the frames that `clear` drops.
    client.send(json!({"type": "clear"})).await;
    let mut frames = 0;
    loop {
        match room.next().await.unwrap().0 {
            'A' => frames += 1,
            kind => break assert_eq!(kind, 'C'),
        }
    }
    assert!(frames <= 1, "{frames} frames more");
    client.speak("after").await;
    for _ in 0..8 {
        room.say('P', &[]).await;
    }
    let after = "after".len() * SAMPLES_PER_CHARACTER / 240;
    // One frame may have been on its way when the others were dropped.
    room.played(after).await;
    client.expect("tts_playback_complete").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uninterruptible_speech_is_played_to_its_end_in_a_room() {
    let stage = Stage::new().await;
    let (mut client, mut room) = stage.session(den()).await;
    let text = ["to the end"; 10].join(" ");
    client.send(json!({"type": "speak", "text": text, "allow_interruption": false})).await;
    client.speak("never").await;
    assert_eq!(room.next().await.unwrap().0, 'A');
    client.send(json!({"type": "clear"})).await;
    client.text("nonsense").await;
    client.expect("error").await;
    room.say('P', &[]).await;
    // All of it comes, and nothing on the track is dropped meanwhile.
    room.played(text.len() * SAMPLES_PER_CHARACTER / 240 - 1).await;
    client.expect("tts_playback_complete").await;
    let more = tokio::time::timeout(Duration::from_millis(200), room.next()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_messages_pass_between_client_and_room() {
    let stage = Stage::new().await;
    let (mut client, mut room) =
        stage.session(in_room(json!({"room_name": "den", "listen_participants": ["ann"]}))).await;
    client.send(json!({"type": "send_message", "message": "hello", "role": "user"})).await;
    let told =
        json!({"message": "other", "role": "assistant", "topic": "t", "debug": {"a": 1}, "type": "send_message"});
    client.send(told).await;
    for (topic, payload) in [
        ("messages", r#"{"message":"hello","role":"user"}"#),
        ("t", r#"{"message":"other","role":"assistant","debug":{"a":1}}"#),
    ] {
        let (kind, data) = room.next().await.unwrap();
        let data: Value = serde_json::from_slice(&data).unwrap();
        assert_eq!((kind, &data["topic"]), ('D', &json!(topic)));
        assert_eq!(decoded(&data["payload"]), payload.as_bytes());
    }
    // Only of those who are listened to.
    room.tell(json!({"type": "data", "identity": "bob", "topic": "x", "payload": "aGk="})).await;
    room.tell(json!({"type": "data", "identity": "ann", "topic": "x", "payload": "aGk="})).await;
    room.tell(json!({"type": "data", "identity": "ann", "topic": null, "payload": "/w=="})).await;
    let text = json!({"message": "hi", "identity": "ann", "topic": "x", "room": "den"});
    assert_eq!(timeless(client.expect("message").await, "message")["message"], text);
    let bytes = json!({"data": "/w==", "identity": "ann", "topic": "default", "room": "den"});
    assert_eq!(timeless(client.expect("message").await, "message")["message"], bytes);
}

fn decoded(text: &Value) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn participant_events_are_forwarded_and_a_departure_ends_the_session() {
    let stage = Stage::new().await;
    let (mut client, mut room) = stage.session(den()).await;
    room.tell(Room::person("joined", "ann")).await;
    let mut track = Room::person("track", "ann");
    track["sid"] = json!("TR_1");
    room.tell(track).await;
    room.tell(json!({"type": "left", "identity": "ann", "name": ""})).await;
    let connected = timeless(client.expect("participant_connected").await, "participant");
    assert_eq!(connected["participant"], json!({"identity": "ann", "name": "ANN", "room": "den"}));
    let subscribed = timeless(client.expect("track_subscribed").await, "track");
    let expected = json!({"identity": "ann", "name": "ANN", "track_kind": "audio", "track_sid": "TR_1", "room": "den"});
    assert_eq!(subscribed["track"], expected);
    let disconnected = timeless(client.expect("participant_disconnected").await, "participant");
    assert_eq!(disconnected["participant"], json!({"identity": "ann", "room": "den"}));
    assert_eq!(client.next().await, Frame::Close(1000, "a participant has left the room".to_owned()));
    room.until_left().await;
    stage.livekit.until_called("DeleteRoom").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn participant_lost_in_a_reconnect_has_not_left() {
    let stage = Stage::new().await;
    let (mut client, mut room) = stage.session(den()).await;
    room.tell(Room::person("left", "ann")).await;
    room.tell(json!({"type": "reconnecting"})).await;
    room.tell(Room::person("left", "bob")).await;
    room.tell(Room::person("joined", "bob")).await;
    room.tell(json!({"type": "reconnected"})).await;
    room.tell(Room::person("joined", "ann")).await;
    room.tell(json!({"type": "data", "identity": "ann", "topic": "x", "payload": "aGk="})).await;
    client.expect("message").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn session_without_its_room_goes_on_by_its_socket() {
    let stage = Stage::new().await;
    let (mut client, mut room) = stage.session(den()).await;
    client.speak(&"long ".repeat(20)).await;
    room.played(5).await;
    room.tell(json!({"type": "lost", "reason": "SERVER_SHUTDOWN"})).await;
    client.expect_error("LiveKit room lost: SERVER_SHUTDOWN. Speech goes to this socket.").await;
    assert!(!client.utterance().await.is_empty());
    client.send(json!({"type": "send_message", "message": "m", "role": "user"})).await;
    client.expect_error("LiveKit client not configured. Send config message with livekit configuration first.").await;
    drop(room);
    // One that ends without a word is lost as well.
    client.send(den()).await;
    let (room, _) = stage.door.admit().await;
    client.expect("ready").await;
    drop(room);
    client.expect_error("LiveKit room lost: the connection has ended. Speech goes to this socket.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sip_transfer_forwards_the_call_and_reports_a_failure() {
    let livekit = Livekit::default().with_participant("den", "ann", "STANDARD", &json!({})).with_participant(
        "den",
        "bob",
        "SIP",
        &json!({"sip.callID": "SC_1"}),
    );
    let stage = Stage::with(livekit, &[]).await;
    let (mut client, _room) = stage.session(den()).await;
    for (to, error) in [
        ("sip:x", "Invalid phone number in transfer_to"),
        ("2", "Failed to transfer call: LiveKit answered unavailable: twirp error unknown: busy"),
    ] {
        client.send(json!({"type": "sip_transfer", "transfer_to": to})).await;
        assert_eq!(client.expect("sip_transfer_error").await["message"], error);
    }
    client.send(json!({"type": "sip_transfer", "transfer_to": "+15551234567"})).await;
    let asked = json!({"room_name": "den", "participant_identity": "bob", "transfer_to": "tel:+15551234567"});
    while stage.livekit.said("TransferSIPParticipant") != asked {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // No telephone participant: there is no such room at all.
    let (mut client, _room) = stage.session(in_room(json!({"room_name": "attic"}))).await;
    client.send(json!({"type": "sip_transfer", "transfer_to": "1"})).await;
    assert_eq!(client.expect("sip_transfer_error").await["message"], "No SIP participant in the room");
}

#[tokio::test(flavor = "multi_thread")]
async fn session_without_audio_receives_only_room_messages() {
    let stage = Stage::new().await;
    let mut client = Client::connect(&stage.server).await;
    let livekit = json!({"room_name": "den", "sayna_participant_identity": "bot", "sayna_participant_name": "Bot"});
    client.send(json!({"type": "config", "audio": false, "livekit": livekit})).await;
    let (mut room, wish) = stage.door.admit().await;
    assert_eq!(wish["audio"], false);
    assert_eq!(client.expect("ready").await["sayna_participant_name"], "Bot");
    room.sound(1, &[1; FRAME]).await;
    room.tell(json!({"type": "data", "identity": "ann", "topic": "x", "payload": "aGk="})).await;
    assert_eq!(client.expect("message").await["message"]["message"], "hi");
}

#[tokio::test(flavor = "multi_thread")]
async fn room_that_cannot_be_joined_is_reported_and_may_be_retried() {
    let auth = [("AUTH_REQUIRED", "true"), ("AUTH_API_SECRETS_JSON", SECRETS)];
    let stage = Stage::with(Livekit::default().with_room("other", r#"{"auth_id":"second"}"#), &auth).await;
    let headers = [("authorization", "Bearer s1")];
    let mut client = Client::connect_with(&stage.server, "/ws", &headers).await.unwrap();
    client.send(in_room(json!({"room_name": "other"}))).await;
    client.expect_error("Access denied: room 'other' belongs to a different tenant").await;
    client.send(in_room(json!({"room_name": " "}))).await;
    client.expect_error("Invalid message format: livekit.room_name cannot be empty").await;
    let mut compressed = den();
    compressed["tts_config"]["audio_format"] = json!("mp3");
    client.send(compressed).await;
    let refused = "Failed to join LiveKit room: mp3 audio cannot be converted: use linear16, mulaw or alaw";
    client.expect_error(refused).await;
    client.send(den()).await;
    let (mut room, _) = stage.door.knock().await;
    room.say('F', b"no way in").await;
    client.expect_error("Failed to join LiveKit room: LiveKit cannot be reached: no way in").await;
    client.speak("hello").await;
    client.expect_error("Voice manager not configured. Send config message with audio=true first.").await;
    client.send(den()).await;
    let (_room, _) = stage.door.admit().await;
    client.expect("ready").await;
    assert_eq!(stage.livekit.metadata("den"), json!({"auth_id": "first"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn second_config_leaves_the_room_without_deleting_it() {
    let stage = Stage::new().await;
    let (mut client, mut room) = stage.session(den()).await;
    client.send(in_room(json!({"room_name": "attic"}))).await;
    room.until_left().await;
    let (mut second, _) = stage.door.admit().await;
    assert_eq!(client.expect("ready").await["livekit_room_name"], "attic");
    assert_eq!(stage.livekit.called(), "");
    // At the end of the server, rooms are seen to before it stops.
    stage.server.signal("TERM");
    assert!(matches!(client.next().await, Frame::Close(1001, _)));
    second.until_left().await;
    assert_eq!(stage.server.end().0, Some(0));
    assert_eq!(stage.livekit.said("DeleteRoom"), json!({"room": "attic"}));
}
