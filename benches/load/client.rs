//! Clients that stream audio continuously, and their measurements.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::{Barrier, mpsc};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::Message;
use vendors::Arrival;

use super::server::{Cost, Peer};
use super::socket::{Socket, connect, session};
use super::times::Times;

/// Texts that each client sends.
const SPEAK: Duration = Duration::from_secs(2);

/// The load of a run.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) count: usize,
    pub(crate) chunk: Duration,
    /// The speech of each chunk, repeated. Each client begins at another chunk.
    pub(crate) speech: Arc<[Bytes]>,
    pub(crate) bytes: usize,
    /// The provider answers each of so many chunks.
    pub(crate) each: usize,
    pub(crate) length: Duration,
}

/// The measurements of a run.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) up: Times,
    pub(crate) down: Times,
    pub(crate) speak: Times,
    /// Answers that never came.
    pub(crate) lost: usize,
    pub(crate) took: Duration,
    /// The cost at the beginning and at the end of the load.
    pub(crate) cost: Option<(Cost, Cost)>,
}

/// The times when a client sent an answered piece, and when the answers came.
#[derive(Debug, Default)]
struct Talk {
    sent: Vec<Instant>,
    answered: Vec<Instant>,
    speak: Vec<Duration>,
}

/// Opens all sessions, streams, and joins the clients' and the vendor's times of the same pieces.
pub(crate) async fn run(
    peer: Peer,
    scene: &Scene,
    mut taps: mpsc::UnboundedReceiver<Arrival>,
    cost: impl Fn() -> Option<Cost>,
) -> Measured {
    let mut sockets = Vec::new();
    // The vendor numbers connections in order, so sessions are opened one after the other.
    while sockets.len() < scene.count {
        sockets.push(open(peer).await);
    }
    let barrier = Arc::new(Barrier::new(scene.count + 1));
    let talks: Vec<_> = sockets
        .into_iter()
        .enumerate()
        .map(|(number, socket)| {
            let speech = Arc::clone(&scene.speech);
            let (chunk, each, length) = (scene.chunk, scene.each, scene.length);
            // Staggered, because people do not speak in step.
            let offset = chunk.mul_f64(number as f64 / scene.count as f64);
            tokio::spawn(talk(peer, socket, number, Arc::clone(&barrier), offset, (chunk, speech, each, length)))
        })
        .collect();
    barrier.wait().await;
    let (begun, first) = (Instant::now(), cost());
    tokio::time::sleep(scene.length).await;
    let last = cost();
    let took = begun.elapsed();
    let mut arrivals = vec![Vec::new(); scene.count];
    let mut measured = Measured {
        up: Times::default(),
        down: Times::default(),
        speak: Times::default(),
        lost: 0,
        took,
        cost: first.zip(last),
    };
    let mut done = Vec::new();
    for talk in talks {
        done.push(talk.await.unwrap());
    }
    while let Ok(arrival) = taps.try_recv() {
        // A server may split the audio in another way. The piece that completes an answered one counts.
        if let Some(came) = arrivals.get_mut(arrival.connection) {
            came.resize(arrival.total / (scene.bytes * scene.each), arrival.at);
        }
    }
    for (talk, arrivals) in done.into_iter().zip(arrivals) {
        measured.lost += talk.sent.len() - talk.answered.len().min(talk.sent.len());
        measured.up.0.extend(talk.sent.iter().zip(&arrivals).map(|(sent, came)| came.saturating_duration_since(*sent)));
        measured
            .down
            .0
            .extend(arrivals.iter().zip(&talk.answered).map(|(came, told)| told.saturating_duration_since(*came)));
        measured.speak.0.extend(talk.speak);
    }
    measured
}

async fn open(peer: Peer) -> Socket {
    match peer {
        Peer::Sayna(address) => session(address, &config()).await,
        Peer::Provider(address) => {
            let query = "model=nova-3&language=en-US&sample_rate=16000&channels=1&punctuate=true&interim_results=true\
                         &smart_format=true&encoding=linear16&endpointing=200";
            connect(format!("ws://{address}/v1/listen?{query}"), true).await
        }
        Peer::Pipecat(address) => {
            let mut socket = connect(format!("ws://{address}/ws"), false).await;
            // It plays silence from the beginning.
            while !socket.next().await.unwrap().unwrap().to_text().is_ok_and(|text| text.contains("ready")) {}
            socket
        }
    }
}

fn config() -> Value {
    json!({
        "type": "config",
        "stt_config": {"provider": "deepgram", "language": "en-US", "sample_rate": 16000, "channels": 1,
            "punctuation": true, "encoding": "linear16", "model": "nova-3"},
        "tts_config": {"provider": "deepgram", "model": "", "voice_id": "aura-asteria-en", "audio_format": "linear16",
            "sample_rate": 24000},
    })
}

async fn talk(
    peer: Peer,
    mut socket: Socket,
    number: usize,
    barrier: Arc<Barrier>,
    offset: Duration,
    (chunk, speech, each, length): (Duration, Arc<[Bytes]>, usize, Duration),
) -> Talk {
    let mut talk = Talk::default();
    barrier.wait().await;
    tokio::time::sleep(offset).await;
    let (begun, mut sent) = (Instant::now(), 0);
    let mut asked: Option<Instant> = None;
    let mut said = 0;
    let mut ticks = interval(chunk);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut chunks = speech.iter().cycle().skip(number * 7 % speech.len());
    // A server that closes a connection is overloaded. Missing answers count as lost.
    let mut open = true;
    while open && begun.elapsed() < length {
        tokio::select! {
            _ = ticks.tick() => {
                sent += 1;
                if sent % each == 0 {
                    talk.sent.push(Instant::now());
                }
                let audio = chunks.next().cloned().unwrap_or_default();
                open = socket.send(Message::Binary(audio)).await.is_ok();
                let due = SPEAK.mul_f64(f64::from(said + 1));
                if asked.is_none() && begun.elapsed() + offset * 50 >= due && !matches!(peer, Peer::Provider(_)) {
                    said += 1;
                    let text = json!({"type": "speak", "text": format!("{number} {said}")}).to_string();
                    asked = Some(Instant::now());
                    open &= socket.send(Message::text(text)).await.is_ok();
                }
            }
            message = socket.next() => open = heard(message, &mut talk, &mut asked),
        }
    }
    // Waits for the last answers.
    while open && talk.answered.len() < talk.sent.len() {
        let Ok(message) = timeout(Duration::from_secs(2), socket.next()).await else { break };
        open = heard(message, &mut talk, &mut asked);
    }
    talk
}

/// Takes a message. Returns whether the connection is still open.
fn heard(
    message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    talk: &mut Talk,
    asked: &mut Option<Instant>,
) -> bool {
    let Some(Ok(message)) = message else { return false };
    match message {
        Message::Text(text) if text.contains("\"word\"") => talk.answered.push(Instant::now()),
        Message::Binary(_) => talk.speak.extend(asked.take().map(|asked| asked.elapsed())),
        _ => {}
    }
    true
}
