//! Sessions that stream speech in real time through one server, to providers of the tests: what the server adds to each
//! way, and what a session costs it. Run by `bench/load.sh`; everything is on this machine, the providers and the
//! clients on the same processors as the server.
//!
//! The same clients and providers without a server between them are the peer that a run is compared with: what is left
//! is added by the server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark may fail and prints"
)]

mod load {
    pub(crate) mod client;
    pub(crate) mod server;
    pub(crate) mod stats;
}

use std::env;
use std::time::Duration;

use load::client::{Scene, run};
use load::server::{Peer, Server};
use load::stats::Figures;
use vendors::{Body, Say, Vendor};

/// How often a second a client sends, as telephones and browsers do.
const CHUNK: Duration = Duration::from_millis(20);

/// 16 kHz, 16 bit.
const CHUNK_BYTES: usize = 640;

/// How often the provider has something to say: with each of these pieces.
const EACH: usize = 10;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let counts: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let seconds = env::var("SECONDS_EACH").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    Figures::title();
    for count in counts {
        let direct = runtime.block_on(measure(None, count, seconds));
        println!("{}", direct.row("no server"));
        let figures = runtime.block_on(measure(Some(&Server::sayna), count, seconds));
        println!("{}", figures.row("sayna"));
        println!("{}", figures.ratios(&direct));
        if let Ok(python) = env::var("PIPECAT_PYTHON") {
            let start = |url: &str| Server::pipecat(&python, url);
            let peer = runtime.block_on(measure(Some(&start), count, seconds));
            println!("{}", peer.row("pipecat"));
            println!("{}", figures.against(&peer));
        }
    }
}

/// One scene, by this server or by none.
async fn measure(start: Option<&dyn Fn(&str) -> Server>, count: usize, seconds: u64) -> Figures {
    let (tap, taps) = tokio::sync::mpsc::unbounded_channel();
    let scene = vendors::Scene::new().after(CHUNK_BYTES * EACH).say(Say::interim("word")).repeat();
    let provider = vendors::server(Vendor::Deepgram).stt([scene]).tts([Body::Speech]).forget_audio().tap(tap);
    let provider = provider.start().await;
    let server = start.map(|start| start(&provider.url()));
    let peer = server.as_ref().map_or_else(|| Peer::Provider(provider.address()), Server::peer);
    let idle = server.as_ref().map(Server::cost);
    let scene = Scene { count, chunk: CHUNK, bytes: CHUNK_BYTES, each: EACH, length: Duration::from_secs(seconds) };
    let measured = run(peer, &scene, taps, || server.as_ref().map(Server::cost)).await;
    Figures::new(count, idle, measured)
}
