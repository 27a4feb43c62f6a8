//! The loading sound of a session, in a simulated room.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vendors::SAMPLES_PER_CHARACTER;

use crate::media::{Stage, den, in_room};
use crate::support::client::{Client, config};
use crate::support::room::{FRAME, Room};

/// 30 ms.
const FADE: i32 = 1_440;

/// Frames that the room's program has before it has taken any.
const AHEAD: usize = 8;

const NO_CLIP: &str = "Loading indicator requires a sound. Include loading_audio in your config message.";

/// A loading sound of these samples, which are those of a room.
fn clip(samples: &[i16]) -> Value {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    json!({"data": STANDARD.encode(bytes), "format": "pcm", "sample_rate": 48_000})
}

/// A session in a room that has it.
fn with(sound: Value) -> Value {
    let mut config = den();
    config["loading_audio"] = sound;
    config
}

/// Nothing is played, nor said otherwise.
async fn is_silent(room: &mut Room) {
    let more = tokio::time::timeout(Duration::from_millis(200), room.next()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_sound_loops_until_stopped_and_fades_out() {
    let stage = Stage::new().await;
    // A quarter of a second and a little more, so that no frame begins the clip twice.
    let ramp: Vec<i16> = (1..=12_100).collect();
    let (mut client, mut room) = stage.session(with(clip(&ramp))).await;
    // It need not have been started.
    client.send(json!({"type": "loading_stop"})).await;
    for _ in 0..2 {
        client.send(json!({"type": "loading_start"})).await;
        let mut expected = ramp.iter().copied().cycle();
        let mut played = room.played(60).await;
        assert!(played.iter().copied().eq(expected.by_ref().take(60 * FRAME)));
        // Twice is once.
        client.send(json!({"type": "loading_start"})).await;
        client.send(json!({"type": "loading_stop"})).await;
        loop {
            played = room.played(1).await;
            let full: Vec<i16> = expected.by_ref().take(FRAME).collect();
            if played != full {
                played.extend(room.played(2).await);
                let whole = full.into_iter().chain(expected.take(2 * FRAME));
                let levels = (0..FADE).rev();
                let faded = whole.zip(levels).map(|(sample, level)| i32::from(sample) * level / FADE);
                break assert!(played.into_iter().map(i32::from).eq(faded));
            }
        }
        is_silent(&mut room).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_sound_plays_under_speech_and_survives_clear() {
    let stage = Stage::new().await;
    let mut sound = clip(&vec![2_000; 12_000]);
    sound["volume"] = json!(0.5);
    let (mut client, mut room) = stage.session(with(sound)).await;
    let frames = "hello".len() * SAMPLES_PER_CHARACTER / 240;
    client.speak("hello").await;
    let alone = room.played(frames).await;
    client.expect("tts_playback_complete").await;
    // The room takes nothing until all of the speech is there.
    client.send(json!({"type": "loading_start"})).await;
    let mut before = Vec::new();
    for _ in 0..AHEAD {
        before.push(room.next().await.unwrap());
    }
    client.speak("hello").await;
    client.expect("tts_playback_complete").await;
    for _ in 0..AHEAD {
        room.say('P', &[]).await;
    }
    let quiet = [1_000; FRAME];
    let quiet_bytes = 1_000_i16.to_le_bytes().repeat(FRAME);
    assert!(before.iter().all(|(kind, frame)| (*kind, frame) == ('A', &quiet_bytes)));
    // One may have been on its way.
    let mut together = room.played(1).await;
    if together == quiet {
        together = room.played(1).await;
    }
    together.extend(room.played(frames - 1).await);
    assert!(together.iter().zip(&alone).all(|(both, speech)| both - 1_000 == *speech));
    assert_eq!(room.played(1).await, quiet);
    client.send(json!({"type": "clear"})).await;
    loop {
        match room.next().await.unwrap().0 {
            'C' => break,
            kind => assert_eq!(kind, 'A'),
        }
        room.say('P', &[]).await;
    }
    assert_eq!(room.played(20).await, quiet.repeat(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn second_config_replaces_the_loading_sound() {
    let stage = Stage::new().await;
    let (mut client, mut room) = stage.session(with(clip(&vec![100; 12_000]))).await;
    client.send(json!({"type": "loading_start"})).await;
    room.played(3).await;
    client.send(with(clip(&vec![200; 12_000]))).await;
    room.until_left().await;
    let (mut second, _) = stage.door.admit().await;
    client.expect("ready").await;
    is_silent(&mut second).await;
    client.send(json!({"type": "loading_start"})).await;
    assert_eq!(second.played(1).await, [200; FRAME]);
    client.send(den()).await;
    second.until_left().await;
    let (_third, _) = stage.door.admit().await;
    client.expect("ready").await;
    client.send(json!({"type": "loading_start"})).await;
    client.expect_error(NO_CLIP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn session_goes_on_after_an_invalid_loading_sound() {
    let stage = Stage::new().await;
    let reason = |text: &str| format!("loading_audio cannot be played: {text}");
    for (sound, text) in [
        (json!({"data": "AAAA", "format": "ogg"}), "unsupported format: use wav or pcm"),
        (json!({"data": "AAAA"}), "pcm needs a sample_rate"),
        (json!({"data": "A".repeat(3_000_000)}), "data is 2250000 bytes; the limit is 1920000"),
        (clip(&vec![1; 4_800]), "sound is 100ms long; the limits are 250ms and 10s"),
    ] {
        let (mut client, mut room) = stage.session(with(sound)).await;
        client.expect_error(&reason(text)).await;
        client.send(json!({"type": "loading_start"})).await;
        client.expect_error(NO_CLIP).await;
        client.speak("on").await;
        room.played("on".len() * SAMPLES_PER_CHARACTER / 240).await;
        client.expect("tts_playback_complete").await;
    }
    // The longest in the most channels is within the limit of a message.
    let longest = json!({"data": STANDARD.encode(vec![0; 1_920_000]), "sample_rate": 48_000, "channels": 2});
    let (mut client, mut room) = stage.session(with(longest)).await;
    client.send(json!({"type": "loading_start"})).await;
    assert_eq!(room.played(1).await, [0; FRAME]);
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_sound_needs_a_room_and_audio() {
    let stage = Stage::new().await;
    let needs_room = "loading_audio requires audio to be enabled and a livekit configuration";
    let without_room =
        "Loading indicator requires a LiveKit room. Include a livekit configuration in your config message.";
    let without_audio = "Loading indicator requires audio to be enabled. Send a config message with audio=true.";
    let mut client = Client::connect(&stage.server).await;
    let mut roomless = config("deepgram", "deepgram");
    roomless["loading_audio"] = clip(&vec![1; 12_000]);
    client.send(roomless).await;
    client.expect_error(needs_room).await;
    client.expect("ready").await;
    client.send(json!({"type": "loading_start"})).await;
    client.expect_error(without_room).await;
    client.send(json!({"type": "loading_stop"})).await;
    let mut silent = with(clip(&vec![1; 12_000]));
    silent["audio"] = json!(false);
    client.send(silent).await;
    client.expect_error(needs_room).await;
    let (_room, _) = stage.door.admit().await;
    client.expect("ready").await;
    client.send(json!({"type": "loading_start"})).await;
    client.expect_error(without_audio).await;
    // A lost connection does not count.
    let (mut client, room) = stage.session(in_room(json!({"room_name": "attic"}))).await;
    drop(room);
    client.expect("error").await;
    client.send(json!({"type": "loading_start"})).await;
    client.expect_error(without_room).await;
}
