//! Local servers that speak each vendor's protocol from a script, and keep a strict record of what came in.
//!
//! They know what the vendors' public documentation says, and nothing of Sayna's own types: an error in the client cannot be
//! repeated here by construction. To be believed, each of them satisfies the vendor's own SDK (`sdk/`). Whatever a vendor
//! would refuse is refused here, and is a fault in the record besides.
//!
//! ```no_run
//! # async fn example() {
//! use vendors::{Scene, Say, Vendor};
//!
//! let scene = Scene::new().after(3_200).say(Say::interim("hel")).say(Say::speech_final("hello"));
//! let deepgram = vendors::server(Vendor::Deepgram).stt([scene]).start().await;
//! // … let the client talk to `deepgram.url()` …
//! deepgram.until(|record| record.connections.len() == 1).await;
//! assert_eq!(deepgram.record().faults(), Vec::<String>::new());
//! # }
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::doc_markdown,
    reason = "a counterpart of tests may stop them"
)]

mod azure;
mod cartesia;
mod deepgram;
mod elevenlabs;
mod google;
mod record;
mod script;
mod stt;
mod tls;
mod tts;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

pub use record::{Connection, Heard, Record, Request};
pub use script::{Body, Handshake, Say, Scene, Step, Transcript};
pub use stt::Arrival;
use tls::Tls;
use tts::Peer;
pub use tts::{SAMPLES_PER_CHARACTER, speech};

/// The vendor whose protocol a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// `/v1/listen`, `/v1/speak`, `/v1/models`.
    Deepgram,
    /// `/v1/speech-to-text/realtime`, `/v1/text-to-speech/…`, `/v2/voices`.
    ElevenLabs,
    /// `/stt/websocket`, `/stt/turns/websocket`, `/tts/bytes`.
    Cartesia,
    /// `/speech/recognition/…`, `/cognitiveservices/v1`, `/cognitiveservices/voices/list`.
    Azure,
    /// `/token`, `/v1/text:synthesize`, `/v1/voices`.
    Google,
}

/// The key that every server accepts unless a test sets another.
pub const KEY: &str = "key-of-the-tests";

/// A server that is not started yet.
#[derive(Debug)]
pub struct Builder {
    vendor: Vendor,
    key: String,
    scenes: Vec<Scene>,
    bodies: Vec<Body>,
    keep_audio: bool,
    tap: Option<mpsc::UnboundedSender<Arrival>>,
    tls: Option<Tls>,
}

/// A server of `vendor` with its default scene: see [`Scene::default`] and [`Body::Speech`].
pub fn server(vendor: Vendor) -> Builder {
    Builder {
        vendor,
        key: KEY.to_owned(),
        scenes: vec![Scene::default()],
        bodies: vec![Body::Speech],
        keep_audio: true,
        tap: None,
        tls: None,
    }
}

impl Builder {
    /// The key that is right; another gets 401.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        key.clone_into(&mut self.key);
        self
    }

    /// What happens on the first, second … transcription; the last scene is repeated.
    #[must_use]
    pub fn stt(mut self, scenes: impl IntoIterator<Item = Scene>) -> Self {
        self.scenes = scenes.into_iter().collect();
        self
    }

    /// What the first, second … synthesis is answered with; the last is repeated.
    #[must_use]
    pub fn tts(mut self, bodies: impl IntoIterator<Item = Body>) -> Self {
        self.bodies = bodies.into_iter().collect();
        self
    }

    /// Counts audio and forgets it: for loads that would not fit into memory.
    #[must_use]
    pub fn forget_audio(mut self) -> Self {
        self.keep_audio = false;
        self
    }

    /// Tells of every piece of audio when it arrives.
    #[must_use]
    pub fn tap(mut self, tap: mpsc::UnboundedSender<Arrival>) -> Self {
        self.tap = Some(tap);
        self
    }

    /// Speaks TLS, under the names `localhost` and `vendor.test`, with a certificate that only [`Server::authority`] vouches for.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = Some(Tls::new());
        self
    }

    /// Starts it on a free port of the loopback, on the runtime that this is called from.
    pub async fn start(self) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.start_on(listener)
    }

    /// Starts it on a listener, so that a server that was stopped can come back on its port.
    pub fn start_on(self, listener: TcpListener) -> Server {
        let address = listener.local_addr().unwrap();
        let (record, _) = watch::channel(Record::default());
        let (stop, stopped) = watch::channel(());
        let authority = self.tls.as_ref().map(|tls| tls.authority.clone());
        let url = match authority {
            Some(_) => format!("https://localhost:{}", address.port()),
            None => format!("http://{address}"),
        };
        let shared = Arc::new(Shared {
            url: url.clone(),
            key: self.key,
            scenes: self.scenes,
            bodies: self.bodies,
            keep_audio: self.keep_audio,
            tap: self.tap,
            record: record.clone(),
            stopped: stopped.clone(),
        });
        let routes = match self.vendor {
            Vendor::Deepgram => deepgram::routes(),
            Vendor::ElevenLabs => elevenlabs::routes(),
            Vendor::Cartesia => cartesia::routes(),
            Vendor::Azure => azure::routes(),
            Vendor::Google => google::routes(),
        };
        let routes = routes.fallback(tts::unknown).with_state(Arc::clone(&shared));
        let task = tokio::spawn(serve(listener, self.tls, routes, stopped));
        Server { address, url, authority, record, stop, task }
    }
}

/// What every connection of a server knows.
#[derive(Debug)]
struct Shared {
    url: String,
    key: String,
    scenes: Vec<Scene>,
    bodies: Vec<Body>,
    keep_audio: bool,
    tap: Option<mpsc::UnboundedSender<Arrival>>,
    record: watch::Sender<Record>,
    /// Changes or closes when the server ends.
    stopped: watch::Receiver<()>,
}

type App = Arc<Shared>;

/// A running server; ends when dropped, with all its connections cut.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    url: String,
    authority: Option<String>,
    record: watch::Sender<Record>,
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    /// Its base address: `http://127.0.0.1:PORT`, with TLS `https://localhost:PORT`.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The certificate, in PEM, of the authority that vouches for it.
    pub fn authority(&self) -> &str {
        self.authority.as_deref().unwrap_or_default()
    }

    /// Its base address for WebSockets, `ws://127.0.0.1:PORT`.
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has come in so far.
    pub fn record(&self) -> Record {
        self.record.borrow().clone()
    }

    /// Waits until the record is as wanted, and panics with the record when it never is.
    pub async fn until(&self, wanted: impl FnMut(&Record) -> bool) {
        let mut record = self.record.subscribe();
        let found = tokio::time::timeout(Duration::from_secs(30), record.wait_for(wanted)).await.is_ok();
        assert!(found, "this never came: {:#?}", self.record());
    }

    /// Cuts every connection and listens no more, as a vendor that was killed.
    pub async fn kill(self) {
        let Self { stop, task, .. } = self;
        drop(stop);
        task.await.unwrap();
    }
}

/// Accepts until `stopped`, then cuts the connections where they are; those that became WebSockets see to it themselves.
async fn serve(listener: TcpListener, tls: Option<Tls>, routes: Router, mut stopped: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                let (stream, peer) = accepted.unwrap();
                stream.set_nodelay(true).unwrap();
                let routes = routes.clone().layer(Extension(Peer(peer)));
                let tls = tls.as_ref().map(|tls| tls.acceptor.clone());
                connections.spawn(async move {
                    match tls {
                        None => connection(stream, routes).await,
                        // A client that does not trust it is gone.
                        Some(tls) => if let Ok(stream) = tls.accept(stream).await {
                            connection(stream, routes).await;
                        },
                    }
                });
            }
        }
    }
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, routes: Router) {
    let service = TowerToHyperService::new(routes);
    // How it ends is the client's business.
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await.ok();
}
