//! Callers with LiveKit's Python SDK, in a room of a real `livekit-server`. With the feature `livekit`, and where
//! `SAYNA_TEST_PROGRAM` names a program that has it, the server is in the room by the crate of that name, else by a program with the
//! same SDK.
#![allow(clippy::cast_precision_loss, reason = "a few seconds of samples")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use vendors::{SAMPLES_PER_CHARACTER, Say, Scene, Vendor};

use crate::livekit_server::{Real, SECRET, free_port};
use crate::sdk::installed;
use crate::support::client::{Client, Frame, config};
use crate::support::{Server, World, foreign};

/// A limit that no expected event exceeds.
const NEVER: Duration = Duration::from_secs(60);

const WORDS: &str = "Ever tried. Ever failed.";

fn script(name: &str) -> String {
    format!("{}/tests/sdk/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A participant of the room, who follows commands and reports the audio that it receives.
#[derive(Debug)]
struct Caller {
    child: Child,
    stdin: ChildStdin,
    lines: mpsc::UnboundedReceiver<Value>,
}

impl Caller {
    async fn join(url: &str, server: &Server, identity: &str) -> Self {
        let request = json!({"room_name": "den", "participant_name": "A caller", "participant_identity": identity});
        let answer = server.post("/livekit/token", &request).json();
        let mut command = Command::new(installed("python"));
        command.args([&script("caller.py"), url, answer["token"].as_str().unwrap()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (said, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.for_each(|line| said.send(serde_json::from_str(&line).unwrap()).unwrap_or_default());
        });
        let mut caller = Self { child, stdin, lines };
        caller.tells("joined").await;
        caller
    }

    fn told(&mut self, what: &Value) {
        writeln!(self.stdin, "{what}").unwrap();
    }

    /// The next of their lines that is about this.
    async fn tells(&mut self, what: &str) -> Value {
        loop {
            let line = tokio::time::timeout(NEVER, self.lines.recv()).await.expect(what).expect(what);
            if line.get(what).is_some() {
                return line;
            }
        }
    }

    /// They have heard all of this text.
    async fn has_heard(&mut self, text: &str) {
        let heard = self.tells("seconds").await;
        let number = |field: &str| heard[field].as_f64().unwrap();
        let samples = vendors::speech(text, "linear16", 24_000);
        let samples: Vec<i16> = samples.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
        let lowest = |from: usize| samples[from..].iter().position(|sample| *sample == -4_000).unwrap() + from;
        let period = lowest(lowest(0) + 1) - lowest(0);
        let (seconds, hertz) = (samples.len() as f64 / 24_000.0, 24_000.0 / period as f64);
        assert!((number("seconds") - seconds).abs() < 0.3, "{seconds} s of {text}: {heard}");
        assert!((number("hertz") - hertz).abs() < 5.0, "{hertz} Hz of {text}: {heard}");
        assert!(number("peak") > 2_000.0, "{heard}");
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        // They have usually left already, which is all that is wanted.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A LiveKit, a server with a provider, and a session in the room.
struct Stage {
    livekit: Real,
    port: u16,
    url: String,
    deepgram: vendors::Server,
    server: Server,
    client: Client,
    _world: World,
}

impl Stage {
    async fn new() -> Self {
        let port = free_port();
        let (livekit, url, world) = (Real::start(port, &[]), format!("ws://127.0.0.1:{port}"), World::new());
        // Eight seconds of audio, of which the words are the most.
        let scene = Scene::new().after(8 * 32_000).say(Say::speech_final(WORDS));
        let deepgram = vendors::server(Vendor::Deepgram).stt([scene]).start().await;
        let program = format!("{} {}", installed("python").display(), script("room.py"));
        let mut variables =
            vec![("LIVEKIT_API_KEY", "the-key"), ("LIVEKIT_API_SECRET", SECRET), ("LIVEKIT_URL", url.as_str())];
        if !cfg!(feature = "livekit") && foreign().is_none() {
            variables.push(("SAYNA_LIVEKIT_SUBPROCESS", &program));
        }
        let server = world.serve_with(&[("deepgram", &deepgram)], &variables);
        let mut config = config("deepgram", "deepgram");
        config["livekit"] = json!({"room_name": "den"});
        config["loading_audio"] = tone();
        let client = Client::ready(&server, config).await;
        Self { livekit, port, url, deepgram, server, client, _world: world }
    }

    /// A participant joins, and its audio is recognised.
    async fn caller(&mut self, identity: &str) -> Caller {
        let caller = Caller::join(&self.url, &self.server, identity).await;
        assert_eq!(self.client.expect("participant_connected").await["participant"]["identity"], identity);
        assert_eq!(self.client.expect("track_subscribed").await["track"]["identity"], identity);
        caller
    }

    /// Speaks, and everybody hears it.
    async fn speak(&mut self, text: &str, callers: &mut [&mut Caller]) {
        for caller in callers.iter_mut() {
            caller.told(&json!({"hear": true}));
        }
        self.client.speak(text).await;
        for caller in callers {
            caller.has_heard(text).await;
        }
        self.client.expect("tts_playback_complete").await;
    }
}

/// A loading sound: half a second of a tone of 500 Hz.
fn tone() -> Value {
    let wave = (0..96).map(|n: i16| if n < 48 { n - 24 } else { 72 - n } * 200);
    let samples: Vec<u8> = wave.flat_map(i16::to_le_bytes).collect::<Vec<_>>().repeat(250);
    json!({"data": STANDARD.encode(samples), "format": "pcm", "sample_rate": 48_000})
}

/// How loud it is, every 20 ms.
fn envelope(samples: &[u8]) -> Vec<f64> {
    let samples: Vec<i16> = samples.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
    samples.chunks(320).map(|chunk| chunk.iter().map(|sample| f64::from(*sample).abs()).sum()).collect()
}

/// How alike two of the same length are, at most 1.
fn alike(one: &[f64], other: &[f64]) -> f64 {
    let about_mean = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|value| value - mean).collect::<Vec<_>>()
    };
    let (one, other) = (about_mean(one), about_mean(other));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    product(&one, &other) / (product(&one, &one) * product(&other, &other)).sqrt()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs livekit-server, livekit from PyPI, and a recording"]
async fn callers_are_heard_and_hear_the_answer_until_one_vanishes() {
    let recording = std::env::var("SAYNA_TEST_SPEECH").expect("SAYNA_TEST_SPEECH: `.ci/run` sets it");
    let mut stage = Stage::new().await;
    let mut ann = stage.caller("ann").await;
    ann.told(&json!({"say": recording}));
    stage.client.expect_heard(WORDS, true, true).await;
    ann.tells("said").await;
    // All of it at the provider's rate: faster, slower or with gaps, it would be louder and softer at other times.
    let said = envelope(&std::fs::read(&recording).unwrap()[44..]);
    let heard = envelope(&stage.deepgram.record().connections[0].audio);
    let best = heard.windows(said.len()).map(|heard| alike(&said, heard)).fold(0.0, f64::max);
    assert!(best > 0.8, "{best}");

    stage.speak("No matter. Try again.", &mut [&mut ann]).await;
    ann.told(&json!({"send": "fail again", "topic": "t"}));
    let message = stage.client.expect("message").await["message"].clone();
    let expected = (&json!("fail again"), &json!("t"), &json!("ann"));
    assert_eq!((&message["message"], &message["topic"], &message["identity"]), expected);
    stage.client.send(json!({"type": "send_message", "message": "better", "role": "assistant"})).await;
    let data = ann.tells("data").await;
    assert_eq!(data, json!({"topic": "messages", "data": r#"{"message":"better","role":"assistant"}"#}));

    // Ten seconds, of which only the beginning is heard.
    ann.told(&json!({"hear": true}));
    stage.client.speak(&"long ".repeat(40)).await;
    ann.tells("begins").await;
    stage.client.send(json!({"type": "clear"})).await;
    let heard = ann.tells("seconds").await["seconds"].as_f64().unwrap();
    let whole = (200 * SAMPLES_PER_CHARACTER) as f64 / 24_000.0;
    assert!(heard < whole / 2.0, "{heard} of {whole} s");

    let mut bob = stage.caller("bob").await;
    stage.speak("Fail better.", &mut [&mut ann, &mut bob]).await;
    bob.child.kill().unwrap();
    assert_eq!(stage.client.expect("participant_disconnected").await["participant"]["identity"], "bob");
    assert!(matches!(stage.client.next().await, Frame::Close(1000, _)));
    assert_eq!(ann.tells("disconnected").await["disconnected"], "ROOM_DELETED");
    assert_eq!(stage.deepgram.record().faults(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs livekit-server, livekit from PyPI"]
async fn the_loading_sound_is_heard_until_it_stops_and_an_answer_behind_it() {
    let mut stage = Stage::new().await;
    let mut ann = stage.caller("ann").await;
    ann.told(&json!({"hear": true}));
    stage.client.send(json!({"type": "loading_start"})).await;
    ann.tells("begins").await;
    stage.client.send(json!({"type": "loading_stop"})).await;
    let hertz = ann.tells("seconds").await["hertz"].as_f64().unwrap();
    assert!((hertz - 500.0).abs() < 20.0, "{hertz} Hz");
    stage.speak("There it is.", &mut [&mut ann]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs livekit-server, livekit from PyPI"]
async fn a_conversation_outlives_the_restart_of_livekit() {
    let mut stage = Stage::new().await;
    let mut ann = stage.caller("ann").await;
    stage.speak("Before.", &mut [&mut ann]).await;
    drop(stage.livekit);
    stage.livekit = Real::start(stage.port, &[]);
    ann.tells("track").await;
    assert_eq!(stage.client.expect("track_subscribed").await["track"]["identity"], "ann");
    stage.speak("After all that.", &mut [&mut ann]).await;
    ann.told(&json!({"send": "still here", "topic": ""}));
    assert_eq!(stage.client.expect("message").await["message"]["message"], "still here");
}
