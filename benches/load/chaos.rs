//! Disturbances: misbehaving clients and vendors beside the measured ones.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use vendors::{Body, Handshake, Say, Scene, Vendor};

/// The pause between two disturbances of the same kind.
const PAUSE: Duration = Duration::from_millis(50);

/// A disturbance of the server.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// The vendor is killed in the middle of a word, refuses, or never answers.
    Provider,
    /// A client disconnects in the middle of an utterance without closing.
    Vanish,
    /// A client requests minutes of speech and reads none.
    Deaf,
    /// A client begins a frame of 100 MB.
    Huge,
    /// A client sends malformed messages in each state of a session.
    Garbage,
}

const KINDS: [(Kind, &str); 5] = [
    (Kind::Provider, "sessions whose provider failed"),
    (Kind::Vanish, "clients that vanished"),
    (Kind::Deaf, "that did not read"),
    (Kind::Huge, "frames of 100 MB"),
    (Kind::Garbage, "sessions of garbage"),
];

/// The disturbances, which run until this is dropped.
#[derive(Debug)]
pub(crate) struct Chaos {
    failing: vendors::Server,
    sound: vendors::Server,
    times: Arc<[AtomicUsize; KINDS.len()]>,
    tasks: JoinSet<()>,
}

impl Chaos {
    /// The vendors: one that fails in turns, and one that does not.
    pub(crate) async fn new() -> Self {
        let word = || Scene::new().after(3_200).say(Say::interim("word")).after(3_200);
        let scenes = [
            word().drop_connection(),
            Scene::refuse(503, "busy"),
            word().say(Say::Error("out of order".to_owned())),
            Scene::new().handshake(Handshake::Silent),
            word().say(Say::Text("{".to_owned())).drop_connection(),
        ];
        let bodies = [Body::Cut(3_000), Body::status(500, "no"), Body::Stall(3_000), Body::status(429, "later")];
        let turns = 5_000;
        let failing = vendors::server(Vendor::ElevenLabs)
            .stt(scenes.into_iter().cycle().take(turns))
            .tts(bodies.into_iter().cycle().take(turns));
        Self {
            failing: failing.forget_audio().start().await,
            sound: vendors::server(Vendor::Cartesia).forget_audio().start().await,
            times: Arc::default(),
            tasks: JoinSet::new(),
        }
    }

    /// Returns the environment variables that point a server at the vendors.
    pub(crate) fn variables(&self) -> [(&'static str, String); 6] {
        let (failing, sound) = (self.failing.url(), self.sound.url());
        [
            ("ELEVENLABS_API_KEY", vendors::KEY.to_owned()),
            ("SAYNA_PROVIDERS_ELEVENLABS_STT_URL", failing.replace("http", "ws")),
            ("SAYNA_PROVIDERS_ELEVENLABS_TTS_URL", failing),
            ("CARTESIA_API_KEY", vendors::KEY.to_owned()),
            ("SAYNA_PROVIDERS_CARTESIA_STT_URL", sound.replace("http", "ws")),
            ("SAYNA_PROVIDERS_CARTESIA_TTS_URL", sound),
        ]
    }

    /// Starts all kinds against this server, each at most twenty times per second.
    pub(crate) fn begin(&mut self, server: SocketAddr) {
        for (at, (kind, _)) in KINDS.into_iter().enumerate() {
            let times = Arc::clone(&self.times);
            self.tasks.spawn(async move {
                loop {
                    timeout(PAUSE * 40, act(kind, server)).await.ok();
                    times[at].fetch_add(1, Ordering::Relaxed);
                    sleep(PAUSE).await;
                }
            });
        }
    }

    /// Returns the number of disturbances of each kind.
    pub(crate) fn report(&self) -> String {
        let each = KINDS.iter().zip(&*self.times);
        each.map(|((_, name), times)| format!("{} {name}", times.load(Ordering::Relaxed)))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects. Returns `None` if the server is gone, because the run is over.
async fn connect(server: SocketAddr) -> Option<Socket> {
    connect_async(format!("ws://{server}/ws")).await.ok().map(|(socket, _)| socket)
}

async fn open(server: SocketAddr, provider: &str) -> Option<Socket> {
    let mut socket = connect(server).await?;
    socket.send(Message::text(config(provider).to_string())).await.ok()?;
    Some(socket)
}

fn config(provider: &str) -> Value {
    json!({
        "type": "config",
        "stt_config": {"provider": provider, "language": "en", "sample_rate": 16000, "channels": 1,
            "punctuation": true, "encoding": "linear16", "model": ""},
        "tts_config": {"provider": provider, "model": "", "voice_id": "voice", "audio_format": "linear16",
            "sample_rate": 24000},
    })
}

fn speak(text: &str) -> Message {
    Message::text(json!({"type": "speak", "text": text}).to_string())
}

/// Returns the TCP stream, for what a WebSocket library does not allow.
fn stream(socket: &mut Socket) -> &mut TcpStream {
    let MaybeTlsStream::Plain(stream) = socket.get_mut() else { panic!("plain TCP") };
    stream
}

async fn act(kind: Kind, server: SocketAddr) -> Option<()> {
    // The tests check the server's answer. Here it does not matter.
    let audio = || Message::Binary(Bytes::from_static(&[1; 3_200]));
    match kind {
        Kind::Provider => {
            let mut socket = open(server, "elevenlabs").await?;
            for _ in 0..4 {
                socket.send(audio()).await.ok();
                socket.send(speak("some words")).await.ok();
                timeout(PAUSE, socket.next()).await.ok();
            }
        }
        Kind::Vanish => {
            let mut socket = open(server, "cartesia").await?;
            socket.next().await;
            socket.send(audio()).await.ok();
            socket.send(speak("in the middle of this")).await.ok();
            stream(&mut socket).set_zero_linger().unwrap();
        }
        Kind::Deaf => {
            let mut socket = open(server, "cartesia").await?;
            socket.next().await;
            let text = "minutes of it ".repeat(100);
            for _ in 0..10 {
                socket.send(speak(&text)).await.ok();
            }
            sleep(PAUSE * 20).await;
        }
        Kind::Huge => {
            let mut socket = open(server, "cartesia").await?;
            let mut head = vec![0x82, 0xff];
            head.extend_from_slice(&100_000_000_u64.to_be_bytes());
            head.extend_from_slice(&[1, 2, 3, 4]);
            stream(&mut socket).write_all(&head).await.ok();
            stream(&mut socket).write_all(&vec![0; 100_000]).await.ok();
            socket.next().await;
        }
        Kind::Garbage => {
            let garbage =
                || [Message::text("{\"type\":"), Message::text("\u{0}"), Message::Binary(Bytes::from_static(&[7]))];
            let mut socket = connect(server).await?;
            for message in garbage() {
                socket.send(message).await.ok();
            }
            socket.send(Message::text(config("cartesia").to_string())).await.ok();
            for message in garbage() {
                socket.send(message).await.ok();
            }
            socket.send(speak("while it speaks")).await.ok();
            for message in garbage() {
                socket.send(message).await.ok();
            }
            stream(&mut socket).write_all(&[0x83, 0x80, 1, 2, 3, 4]).await.ok();
            socket.next().await;
        }
    }
    Some(())
}
