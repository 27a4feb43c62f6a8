//! Measures sessions at a server with the local engines: the time from the end of speech to its text, and from `speak` to the
//! first audio. All sessions send the same audio at the same moment in real time, which is the worst case for their number.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use sayna::local::Engines;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::server::Server;
use super::socket::{Socket, session};
use super::times::Times;

/// Samples that a client sends at a time: 20 ms.
const PIECE: usize = 320;
/// Samples of a frame of voice-activity detection, and frames of silence that end an utterance: 0.64 s.
const FRAME: usize = 512;
const SILENT: usize = 20;
/// Samples of silence after the recording.
const SILENCE: usize = 32_000;
/// Texts that each session sends.
const SPOKEN: usize = 4;
/// Longer than any answer takes.
const NEVER: Duration = Duration::from_secs(30);

/// The measurements of one session.
#[derive(Debug, Default)]
struct Seen {
    texts: Times,
    partials: usize,
    audio: Times,
}

pub(crate) fn table(recording: &[i16]) {
    let samples: Vec<i16> = recording.iter().copied().chain(std::iter::repeat_n(0, SILENCE)).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let ends = runtime.block_on(ends(&samples));
    println!(
        "{:<10} {:>27} {:>9} {:>27}",
        "", "s from end of speech to text", "partials", "s from speak to first audio"
    );
    println!("{:<10} {:>19} {:>8} {:>9} {:>18} {:>8}", "sessions", "median", "worst", "of each", "median", "worst");
    for count in [1, 2, 4] {
        let Seen { texts, partials, audio } = runtime.block_on(measure(count, &samples, &ends));
        let seconds = |times: &Times, share: f64| times.percentile(share) / 1_000.0;
        println!(
            "{count:<10} {:>19.2} {:>8.2} {:>9.1} {:>18.2} {:>8.2}",
            seconds(&texts, 0.5),
            seconds(&texts, 1.0),
            partials as f64 / count as f64,
            seconds(&audio, 0.5),
            seconds(&audio, 1.0),
        );
    }
}

/// Returns the number of samples before each pause: before the silence that ends an utterance.
async fn ends(samples: &[i16]) -> Vec<usize> {
    let recognizer = Engines::new(&super::config()).recognizer().await.unwrap();
    let (mut stream, mut ends, mut ended) = (recognizer.stream(), Vec::new(), Vec::new());
    for (number, frame) in samples.chunks(FRAME).enumerate() {
        let bytes: Vec<u8> = frame.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        stream.push(&bytes, &mut ended).unwrap();
        ends.extend(ended.drain(..).map(|_| (number + 1 - SILENT) * FRAME));
    }
    ends
}

async fn measure(count: usize, samples: &[i16], ends: &[usize]) -> Seen {
    let server = Server::local(&std::env::var("MODELS").unwrap());
    let address = server.peer().address();
    let mut sockets = Vec::new();
    for _ in 0..count {
        sockets.push(session(address, &config()).await);
    }
    // The first text loads the voice.
    speak(&mut sockets[0], "Hello.").await;
    let mut sessions = JoinSet::new();
    for (number, socket) in sockets.into_iter().enumerate() {
        let pieces = samples.chunks(PIECE);
        let pieces = pieces.map(|piece| piece.iter().flat_map(|sample| sample.to_le_bytes()).collect()).collect();
        sessions.spawn(talk(socket, number, pieces, ends.to_vec()));
    }
    let mut all = Seen::default();
    for Seen { texts, partials, audio } in sessions.join_all().await {
        all.texts.0.extend(texts.0);
        all.partials += partials;
        all.audio.0.extend(audio.0);
    }
    all
}

fn config() -> Value {
    json!({
        "type": "config",
        "stt_config": {"provider": "local", "language": "en-US", "sample_rate": 16000, "channels": 1,
            "punctuation": true, "encoding": "linear16", "model": ""},
        "tts_config": {"provider": "local", "model": "", "audio_format": "linear16", "sample_rate": 24000},
    })
}

async fn talk(mut socket: Socket, number: usize, pieces: Vec<Bytes>, ends: Vec<usize>) -> Seen {
    let (mut sent, mut seen) = (Vec::new(), Seen::default());
    let mut ticks = interval(Duration::from_millis(20));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while seen.texts.0.len() < ends.len() {
        let message = tokio::select! {
            _ = ticks.tick(), if sent.len() < pieces.len() => {
                socket.send(Message::Binary(pieces[sent.len()].clone())).await.unwrap();
                sent.push(Instant::now());
                continue;
            }
            message = timeout(NEVER, socket.next()) => message.expect("a text in time").unwrap().unwrap(),
        };
        let Message::Text(text) = message else { continue };
        let event: Value = serde_json::from_str(&text).unwrap();
        match (event["is_final"].as_bool(), event["is_speech_final"].as_bool()) {
            (Some(true), Some(true)) => {
                let end = ends[seen.texts.0.len()];
                seen.texts.0.push(sent[(end - 1) / PIECE].elapsed());
            }
            (Some(false), _) => seen.partials += 1,
            _ => panic!("expected words, not {event}"),
        }
    }
    for time in 0..SPOKEN {
        // A text of its own, because equal texts share one synthesis.
        let said = format!("The boat number {number} leaves the harbour at {} in the morning.", time + 6);
        seen.audio.0.push(speak(&mut socket, &said).await);
    }
    seen
}

/// Returns the time to the first audio, after all of it has come.
async fn speak(socket: &mut Socket, text: &str) -> Duration {
    let asked = Instant::now();
    socket.send(Message::text(json!({"type": "speak", "text": text}).to_string())).await.unwrap();
    let mut first = None;
    loop {
        match timeout(NEVER, socket.next()).await.expect("audio in time").unwrap().unwrap() {
            Message::Binary(_) => first = first.or_else(|| Some(asked.elapsed())),
            Message::Text(text) if text.contains("tts_playback_complete") => return first.expect("audio"),
            Message::Text(text) => panic!("expected audio, not {text}"),
            _ => {}
        }
    }
}
