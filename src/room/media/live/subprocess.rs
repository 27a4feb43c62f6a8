//! The transport by another program, in debug builds only. Tests simulate a room with it. On machines that cannot link the
//! `livekit` crate, a program with LiveKit's Python SDK joins a real room. `tests/sdk/room.py` is the other side.
//!
//! A message is a length of four bytes (little-endian), a letter, and a payload. The length counts the letter and the payload.
//!
//! | to the program | payload | meaning |
//! |---|---|---|
//! | `J` | JSON | join |
//! | `A` | samples | play 10 ms |
//! | `C` | none | drop the playout buffer |
//! | `D` | JSON | send a message |
//!
//! | from the program | payload | meaning |
//! |---|---|---|
//! | `J` | none | joined |
//! | `F` | text | could not join |
//! | `P` | none | accepted a frame of `A` |
//! | `S` | number of the track, samples | samples of a track |
//! | `X` | number of the track | a track has ended |
//! | `E` | JSON | another event |
//!
//! The end of its input asks the program to leave. The end of its output is the end of the connection.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};

use super::transport::{PLAYOUT_BUFFER_MS, RoomTransport, TRACK, TransportEvent, TransportOptions, WIRE};
use crate::room::media::{JoinError, Packet, Participant, RoomEvent};

/// The environment variable with the program's command line, whose words are separated by spaces.
const VARIABLE: &str = "SAYNA_LIVEKIT_SUBPROCESS";

/// The size limit of a message, in bytes.
const LONGEST: usize = 1 << 20;

/// The capacity of the queue of messages in each direction.
const QUEUE: usize = 64;

/// The number of frames that are sent before the program accepts one.
const FRAMES: usize = 8;

/// Returns the program's command line, if it is set.
pub(super) fn program() -> Option<String> {
    std::env::var(VARIABLE).ok()
}

/// A message of the program.
#[derive(Debug)]
enum ProgramMessage {
    Joined,
    Failed(String),
    Event(TransportEvent),
}

/// An event of the program, as JSON.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ProgramEvent {
    Joined { identity: String, name: String },
    Left { identity: String, name: String },
    Track { identity: String, name: String, sid: String },
    Data { identity: String, topic: Option<String>, payload: String },
    Lost { reason: String },
    Reconnecting,
    Reconnected,
}

/// A participant that is another process.
#[derive(Debug)]
pub(super) struct Subprocess {
    child: Child,
    received: mpsc::Receiver<ProgramMessage>,
    messages: mpsc::Sender<Vec<u8>>,
    free: Arc<Semaphore>,
}

impl Subprocess {
    pub(super) async fn join(program: &str, options: &TransportOptions) -> Result<Self, JoinError> {
        let failed = |error: std::io::Error| JoinError::Unreachable(format!("{program}: {error}"));
        let mut words = program.split_whitespace();
        let mut command = Command::new(words.next().unwrap_or_default());
        let command = command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let (received, receiving) = mpsc::channel(QUEUE);
        let (messages, written) = mpsc::channel(QUEUE);
        let free = Arc::new(Semaphore::new(FRAMES));
        if let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) {
            let taken = Arc::clone(&free);
            std::thread::spawn(move || read(stdout, &received, &taken));
            std::thread::spawn(move || write(stdin, written));
        }
        let mut joining = Self { child, received: receiving, messages, free };
        let TransportOptions { url, token, audio, listen } = options;
        let request = json!({
            "url": url, "token": token, "audio": audio, "listen": listen,
            "track": TRACK, "sample_rate": WIRE.sample_rate, "ahead_ms": PLAYOUT_BUFFER_MS,
        });
        joining.messages.send(message(b'J', request.to_string().as_bytes())).await.ok();
        match joining.received.recv().await {
            Some(ProgramMessage::Joined) => Ok(joining),
            Some(ProgramMessage::Failed(reason)) => Err(JoinError::Unreachable(reason)),
            Some(ProgramMessage::Event(_)) | None => Err(JoinError::Unreachable(format!("{program} has ended"))),
        }
    }
}

impl RoomTransport for Subprocess {
    async fn next(&mut self) -> Option<TransportEvent> {
        match self.received.recv().await? {
            ProgramMessage::Event(event) => Some(event),
            ProgramMessage::Joined | ProgramMessage::Failed(_) => None,
        }
    }

    fn play(&self, frame: Bytes) -> BoxFuture<'static, ()> {
        let (messages, free) = (self.messages.clone(), Arc::clone(&self.free));
        let play = async move {
            // Released when the program accepts a frame.
            if let Ok(permit) = free.acquire().await {
                permit.forget();
            }
            messages.send(message(b'A', &frame)).await.ok();
        };
        play.boxed()
    }

    fn clear(&self) {
        let messages = self.messages.clone();
        tokio::spawn(async move { messages.send(message(b'C', &[])).await });
    }

    fn send(&self, packet: Packet) -> BoxFuture<'static, Result<(), String>> {
        let messages = self.messages.clone();
        let data = json!({"topic": packet.topic, "payload": STANDARD.encode(packet.payload)});
        let send = async move {
            let sent = messages.send(message(b'D', data.to_string().as_bytes())).await;
            sent.map_err(|_| "the program has ended".to_owned())
        };
        send.boxed()
    }

    async fn leave(mut self) {
        // The writing thread ends with the last sender, and the program's input with it.
        self.messages = mpsc::channel(1).0;
        while self.received.recv().await.is_some() {}
    }
}

impl Drop for Subprocess {
    fn drop(&mut self) {
        // It has usually ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn message(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 1).unwrap_or_default();
    [&length.to_le_bytes()[..], &[kind], payload].concat()
}

fn write(mut stdin: ChildStdin, mut messages: mpsc::Receiver<Vec<u8>>) {
    while let Some(message) = messages.blocking_recv() {
        if stdin.write_all(&message).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

/// Reads messages until the program ends or sends an invalid one.
fn read(mut stdout: ChildStdout, received: &mpsc::Sender<ProgramMessage>, taken: &Semaphore) {
    let mut length = [0; 4];
    while stdout.read_exact(&mut length).is_ok() {
        let mut message = vec![0; u32::from_le_bytes(length).try_into().unwrap_or(usize::MAX).min(LONGEST)];
        if stdout.read_exact(&mut message).is_err() {
            return;
        }
        if message == b"P" {
            taken.add_permits(1);
            continue;
        }
        let Some(next) = parse(&message) else { return };
        if received.blocking_send(next).is_err() {
            return;
        }
    }
}

fn parse(message: &[u8]) -> Option<ProgramMessage> {
    let (kind, payload) = message.split_first()?;
    let track = || Some((u32::from_le_bytes(*payload.first_chunk()?).into(), payload.get(4..)?));
    Some(match kind {
        b'J' => ProgramMessage::Joined,
        b'F' => ProgramMessage::Failed(String::from_utf8_lossy(payload).into_owned()),
        b'S' => {
            let (track, samples) = track()?;
            ProgramMessage::Event(TransportEvent::Samples(track, Bytes::copy_from_slice(samples)))
        }
        b'X' => ProgramMessage::Event(TransportEvent::TrackEnded(track()?.0)),
        b'E' => ProgramMessage::Event(event(serde_json::from_slice(payload).ok()?)?),
        _ => return None,
    })
}

fn event(event: ProgramEvent) -> Option<TransportEvent> {
    let event = match event {
        ProgramEvent::Joined { identity, name } => RoomEvent::Joined(Participant { identity, name }),
        ProgramEvent::Left { identity, name } => RoomEvent::Left(Participant { identity, name }),
        ProgramEvent::Track { identity, name, sid } => {
            RoomEvent::Track { participant: Participant { identity, name }, sid }
        }
        ProgramEvent::Data { identity, topic, payload } => {
            RoomEvent::Data { identity, topic, payload: STANDARD.decode(payload).ok()?.into() }
        }
        ProgramEvent::Lost { reason } => RoomEvent::Lost(reason),
        ProgramEvent::Reconnecting => return Some(TransportEvent::Reconnecting),
        ProgramEvent::Reconnected => return Some(TransportEvent::Reconnected),
    };
    Some(TransportEvent::Event(event))
}
