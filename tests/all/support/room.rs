//! A room that a test plays, in the place of the library that a session joins it by.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// A limit that no expected event exceeds.
const NEVER: Duration = Duration::from_secs(30);

/// 10 ms of the room's samples.
pub(crate) const FRAME: usize = 480;

/// Where sessions ask to join.
#[derive(Debug)]
pub(crate) struct Door(TcpListener);

impl Door {
    pub(crate) async fn open() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// The program that leads a session here.
    pub(crate) fn program(&self) -> String {
        let bridge = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/support/bridge.sh");
        format!("bash {bridge} {}", self.0.local_addr().unwrap().port())
    }

    /// The connecting server and its options. It waits for an answer.
    pub(crate) async fn knock(&self) -> (Room, Value) {
        let (stream, _) = timeout(NEVER, self.0.accept()).await.expect("somebody who joins").unwrap();
        let mut room = Room(stream);
        let (kind, wish) = room.next().await.unwrap();
        assert_eq!(kind, 'J');
        (room, serde_json::from_slice(&wish).unwrap())
    }

    /// Admits a participant.
    pub(crate) async fn admit(&self) -> (Room, Value) {
        let (mut room, wish) = self.knock().await;
        room.say('J', &[]).await;
        (room, wish)
    }
}

/// A room with a session in it.
#[derive(Debug)]
pub(crate) struct Room(TcpStream);

impl Room {
    pub(crate) async fn say(&mut self, kind: char, payload: &[u8]) {
        let length = u32::try_from(payload.len() + 1).unwrap();
        let message = [&length.to_le_bytes()[..], &[u8::try_from(kind).unwrap()], payload].concat();
        self.0.write_all(&message).await.unwrap();
    }

    pub(crate) async fn tell(&mut self, event: Value) {
        self.say('E', event.to_string().as_bytes()).await;
    }

    /// A participant of this identity, as in an event.
    pub(crate) fn person(kind: &str, identity: &str) -> Value {
        json!({"type": kind, "identity": identity, "name": identity.to_uppercase()})
    }

    /// A track says these samples, in pieces of 10 ms.
    pub(crate) async fn sound(&mut self, track: u32, samples: &[i16]) {
        for frame in samples.chunks(FRAME) {
            let samples = frame.iter().flat_map(|sample| sample.to_le_bytes());
            let payload: Vec<u8> = track.to_le_bytes().into_iter().chain(samples).collect();
            self.say('S', &payload).await;
        }
    }

    /// What the session says next; none when it has left.
    pub(crate) async fn next(&mut self) -> Option<(char, Vec<u8>)> {
        let mut length = [0; 4];
        timeout(NEVER, self.0.read_exact(&mut length)).await.expect("a message").ok()?;
        let mut message = vec![0; u32::from_le_bytes(length) as usize];
        self.0.read_exact(&mut message).await.unwrap();
        let kind = char::from(message.remove(0));
        Some((kind, message))
    }

    /// The next frames that are played, each of them taken at once.
    pub(crate) async fn played(&mut self, frames: usize) -> Vec<i16> {
        let mut samples = Vec::new();
        for _ in 0..frames {
            let (kind, frame) = self.next().await.unwrap();
            assert_eq!((kind, frame.len()), ('A', FRAME * 2));
            samples.extend(frame.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)));
            self.say('P', &[]).await;
        }
        samples
    }

    /// Whatever is still being said, until the session has left.
    pub(crate) async fn until_left(&mut self) {
        while self.next().await.is_some() {}
    }
}
