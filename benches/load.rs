//! Measures sessions that stream speech in real time through one server to simulated vendors: the latency that the server adds in
//! each direction, and the cost of a session. Run by `bench/load.sh`. Server, vendors and clients share this machine.
//!
//! A run with the same clients and vendors, but without a server between them, is the baseline. The difference is the server's.
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
    pub(crate) mod chaos;
    pub(crate) mod client;
    pub(crate) mod server;
    pub(crate) mod socket;
    pub(crate) mod stats;
    pub(crate) mod times;
}

use std::env;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use sayna::audio::{Converter, Encoding, Format, wav};

use load::chaos::Chaos;
use load::client::{Scene, run};
use load::server::{Peer, Server};
use load::stats::Figures;
use vendors::{Body, Say, Vendor};

/// Messages per second from a client, as from telephones and browsers.
const CHUNK: Duration = Duration::from_millis(20);

/// 16 kHz, 16 bit.
const CHUNK_BYTES: usize = 640;

/// Pieces of audio for each result of the vendor.
const EACH: usize = 10;

/// The limit of the 99th percentile in milliseconds, in the search for the largest number of sessions.
const LATE: f64 = 10.0;

/// Well-behaved sessions beside the disturbances.
const CHAOS: usize = 100;

/// Sessions with detectors, and the duration of their run.
const LISTENED: usize = 10;
const LISTENING: Duration = Duration::from_secs(30);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let counts = arguments.iter().filter_map(|argument| argument.parse().ok());
    let seconds = env::var("SECONDS_EACH").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let bench = Bench { speech: speech(), length: Duration::from_secs(seconds) };
    let python = env::var("PIPECAT_PYTHON").ok();
    let pipecat = python.clone().map(|python| move |url: &str| Server::pipecat(&python, url, false));
    Figures::title();
    for count in counts {
        let direct = runtime.block_on(bench.measure(None, count));
        println!("{}", direct.row("no server"));
        let figures = runtime.block_on(bench.measure(Some(&Server::sayna), count));
        println!("{}", figures.row("sayna"));
        println!("{}", figures.added(&direct));
        if let Some(pipecat) = &pipecat {
            let peer = runtime.block_on(bench.measure(Some(pipecat), count));
            println!("{}", peer.row("pipecat"));
            println!("{}", figures.against(&peer));
        }
    }
    if arguments.iter().any(|argument| argument == "chaos") {
        let calm = runtime.block_on(bench.measure(Some(&Server::sayna), CHAOS));
        println!("{}", calm.row("sayna"));
        let chaos = Mutex::new(runtime.block_on(Chaos::new()));
        let start = |url: &str| {
            let mut chaos = chaos.lock().unwrap();
            let server = Server::sayna_with(url, &chaos.variables());
            chaos.begin(server.peer().address());
            server
        };
        let figures = runtime.block_on(bench.measure(Some(&start), CHAOS));
        println!("{}", figures.row("in chaos"));
        println!("{}", figures.added(&calm));
        println!("       meanwhile: {}", chaos.lock().unwrap().report());
    }
    if arguments.iter().any(|argument| argument == "listening") {
        listening(&runtime, python.as_deref());
    }
    if arguments.iter().any(|argument| argument == "largest") {
        let largest = |start: &dyn Fn(&str) -> Server, step: usize| {
            let mut count = 0;
            while runtime.block_on(bench.measure(Some(start), count + step)).p99() < LATE {
                count += step;
            }
            count
        };
        println!("\nmost sessions with a p99 under {LATE} ms each way:");
        println!("  sayna   {:>5}, in steps of 50", largest(&Server::sayna, 50));
        if let Some(pipecat) = &pipecat {
            println!("  pipecat {:>5}, in steps of 2", largest(pipecat, 2));
        }
    }
}

/// Measures the cost of the detectors: the same sessions with them, without them, and with pipecat and the same models. Needs a build
/// with the feature `turn-detect`, and `MODELS`, the folder of the models.
fn listening(runtime: &tokio::runtime::Runtime, python: Option<&str>) {
    let models = env::var("MODELS").expect("MODELS: the folder of bench/models.sh");
    let serve = |enabled: bool| {
        let models = models.clone();
        move |url: &str| {
            let enabled = ("SAYNA_TURN_DETECT_ENABLED", enabled.to_string());
            Server::sayna_with(url, &[enabled, ("SAYNA_MODELS_PATH", models.clone())])
        }
    };
    let (deaf, hears) = (serve(false), serve(true));
    let silence: Arc<[Bytes]> = vec![Bytes::from_static(&[0; CHUNK_BYTES]); 50].into();
    for (name, speech) in
        [("silence", silence), ("monologue", beside("two_cities.wav")), ("dialogue", beside("endgame_nagg_nell.wav"))]
    {
        let bench = Bench { speech, length: LISTENING };
        println!("{name}, {LISTENED} sessions:");
        println!("{}", runtime.block_on(bench.measure(Some(&deaf), LISTENED)).row("timers alone"));
        println!("{}", runtime.block_on(bench.measure(Some(&hears), LISTENED)).row("detectors"));
        if let Some(python) = python {
            let start = |url: &str| Server::pipecat(python, url, true);
            println!("{}", runtime.block_on(bench.measure(Some(&start), LISTENED)).row("pipecat"));
        }
    }
}

/// Returns the recording `SPEECH` in pieces of one message each.
fn speech() -> Arc<[Bytes]> {
    recording(&env::var("SPEECH").expect("SPEECH: a WAV file of 16 kHz, 16 bit, mono; bench/load.sh fetches one"))
}

/// Returns the path of another recording in the folder of `SPEECH`.
fn beside(name: &str) -> Arc<[Bytes]> {
    let path = env::var("SPEECH").expect("SPEECH: a WAV file; bench/load.sh fetches one");
    recording(std::path::Path::new(&path).with_file_name(name).to_str().unwrap())
}

fn recording(path: &str) -> Arc<[Bytes]> {
    let format = Format::mono(Encoding::Linear16, 16000);
    let mut reader = wav::Reader::new(format);
    let audio = reader.push(std::fs::read(path).expect(path).into()).expect(path);
    let mut converter = Converter::new(reader.format(), Encoding::Linear16, format.sample_rate).expect(path);
    let audio = [converter.push(audio), converter.finish()].concat();
    audio.chunks_exact(CHUNK_BYTES).map(Bytes::copy_from_slice).collect()
}

struct Bench {
    speech: Arc<[Bytes]>,
    length: Duration,
}

impl Bench {
    /// Runs one scene with this server, or with none.
    async fn measure(&self, start: Option<&dyn Fn(&str) -> Server>, count: usize) -> Figures {
        let (tap, taps) = tokio::sync::mpsc::unbounded_channel();
        let script = vendors::Scene::new().after(CHUNK_BYTES * EACH).say(Say::interim("word")).repeat();
        let provider = vendors::server(Vendor::Deepgram).stt([script]).tts([Body::Speech]).forget_audio().tap(tap);
        let provider = provider.start().await;
        let server = start.map(|start| start(&provider.url()));
        let peer = server.as_ref().map_or_else(|| Peer::Provider(provider.address()), Server::peer);
        let idle = server.as_ref().map(Server::cost);
        let speech = Arc::clone(&self.speech);
        let scene = Scene { count, chunk: CHUNK, speech, bytes: CHUNK_BYTES, each: EACH, length: self.length };
        let measured = run(peer, &scene, taps, || server.as_ref().map(Server::cost)).await;
        Figures::new(count, idle, measured)
    }
}
