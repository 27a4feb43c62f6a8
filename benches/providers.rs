//! Compares the providers' clients and the audio conversion with common alternatives. Run by `bench/providers.sh`.
//!
//! Each side runs in a process of its own, so that its processor time and memory can be told apart. The simulated vendors run here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark may fail and prints"
)]

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use sayna::audio::{Converter, Encoding, Format};
use sayna::config::{Config, Secret, Vendor as VendorConfig};
use sayna::outbound::Outbound;
use sayna::provider::{Providers, Source, Voice};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use vendors::{Server, Vendor};

/// 20 ms at 16 kHz.
const PIECE: usize = 640;
const TEXTS: usize = 300;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let seconds: usize = env::var("SECONDS_EACH").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["stt", url, streams, seconds] => client(stt(url, streams.parse().unwrap(), seconds.parse().unwrap())),
        ["tts", url, texts] => client(tts(url, texts.parse().unwrap())),
        ["audio"] => println!("{}", audio()),
        rest => compare(rest.first().and_then(|streams| streams.parse().ok()).unwrap_or(50), seconds),
    }
}

/// Runs a side of this program as a process.
fn client(side: impl Future<Output = Value>) {
    println!("{}", Builder::new_current_thread().enable_all().build().unwrap().block_on(side));
}

fn compare(streams: usize, seconds: usize) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let sides = [side(None), side(env::var("PYTHON").ok())];
    println!(
        "recognition: {streams} streams of {seconds} s in real time, in pieces of 20 ms, to one counterpart of Deepgram"
    );
    println!("{:<14} {:>10} {:>10} {:>10} {:>14} {:>12}", "", "p50 ms", "p99 ms", "max ms", "CPU a stream", "memory");
    let figures = sides.each_ref().map(|side| recognition(&runtime, side, streams, seconds));
    ratios(&figures);
    println!("\nsynthesis: {TEXTS} texts one after another, from the request to the first audio");
    println!("{:<14} {:>10} {:>10} {:>10} {:>14} {:>12}", "", "p50 ms", "p99 ms", "max ms", "CPU a text", "memory");
    let figures = sides.each_ref().map(|side| synthesis(&runtime, side));
    ratios(&figures);
    println!("\naudio: a minute of speech in pieces of 20 ms, milliseconds of one processor");
    let [ours, theirs] = sides.each_ref().map(|side| side.run(&["audio"]));
    for (what, key, peer) in [("48 kHz to 16 kHz", "resample", "soxr HQ"), ("16 bit to mu-law", "mulaw", "audioop")] {
        let [ours, theirs] = [&ours, &theirs].map(|said| said[key].as_f64().unwrap() * 1_000.0);
        println!("{what:<18} sayna {ours:>8.1}   {peer} {theirs:>8.1}   {:.2} times as long", ours / theirs);
    }
    println!("\ncache: the same text again");
    cache(&runtime);
}

/// The program that is measured.
struct Side {
    name: &'static str,
    /// `None` is this program.
    python: Option<String>,
}

fn side(python: Option<String>) -> Side {
    Side { name: if python.is_some() { "deepgram-sdk" } else { "sayna" }, python }
}

impl Side {
    fn run(&self, arguments: &[&str]) -> Value {
        let mut command = match &self.python {
            None => Command::new(env::current_exe().unwrap()),
            Some(python) => {
                let mut command = Command::new(python);
                command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/providers.py"));
                command
            }
        };
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{}: {}", self.name, String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// The compared figures: milliseconds at p50 and p99, processor seconds and kilobytes for each.
type Figures = [f64; 4];

fn row(name: &str, mut millis: Vec<f64>, used: &Value, count: usize) -> Figures {
    millis.sort_by(f64::total_cmp);
    let at = |share: f64| millis[((millis.len() - 1) as f64 * share) as usize];
    let (cpu, memory) = (used["cpu"].as_f64().unwrap() / count as f64, used["memory"].as_f64().unwrap());
    let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
    println!("{name:<14} {p50:>10.3} {p99:>10.3} {max:>10.3} {:>11.2} ms {:>9.1} MB", cpu * 1_000.0, memory / 1_024.0);
    [p50, p99, cpu, memory]
}

fn ratios([ours, theirs]: &[Figures; 2]) {
    let [p50, p99, cpu, memory] = std::array::from_fn(|n| theirs[n] / ours[n]);
    println!("  ratios: {p50:.1} at p50, {p99:.1} at p99, {cpu:.1} CPU, {memory:.1} memory");
}

fn recognition(runtime: &Runtime, side: &Side, streams: usize, seconds: usize) -> Figures {
    let (tap, mut arrivals) = mpsc::unbounded_channel();
    let server = runtime.block_on(vendors::server(Vendor::Deepgram).forget_audio().tap(tap).start());
    let measuring = runtime.spawn(async move {
        let mut millis = Vec::new();
        while let Some(arrival) = arrivals.recv().await {
            // Only reads the clock, so that arrivals are not delayed here.
            let sent = u64::from_le_bytes(arrival.head);
            millis.push((nanos() - arrival.at.elapsed().as_nanos() as u64).saturating_sub(sent) as f64 / 1e6);
        }
        millis
    });
    let used = side.run(&["stt", &server.url(), &streams.to_string(), &seconds.to_string()]);
    runtime.block_on(server.kill());
    let millis = runtime.block_on(measuring).unwrap();
    assert!(millis.len() >= streams * seconds * 50, "{}: only {} pieces came", side.name, millis.len());
    row(side.name, millis, &used, streams)
}

fn synthesis(runtime: &Runtime, side: &Side) -> Figures {
    let server = runtime.block_on(vendors::server(Vendor::Deepgram).start());
    let said = side.run(&["tts", &server.url(), &TEXTS.to_string()]);
    let first = said["first"].as_array().unwrap();
    row(side.name, first.iter().map(|seconds| seconds.as_f64().unwrap() * 1_000.0).collect(), &said, TEXTS)
}

fn nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

/// Returns the processor seconds and peak kilobytes of this process.
fn usage() -> Value {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // Fields 14 and 15, in hundredths of a second. The program's name ends with the last bracket.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let memory: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    json!({"cpu": ticks / 100.0, "memory": memory})
}

fn providers(url: &str, cache: Option<&Path>) -> Providers {
    let (key, url) = (Some(Secret::new(vendors::KEY)), Some(url.parse().unwrap()));
    let mut config = Config::default();
    config.cache.path = cache.map(Path::to_owned);
    config.providers.deepgram = VendorConfig { key, stt_url: url.clone(), tts_url: url };
    Providers::new(&config, Outbound::new(None).unwrap()).unwrap()
}

async fn stt(url: &str, streams: usize, seconds: usize) -> Value {
    let providers = providers(url, None);
    let streams: Vec<_> = (0..streams)
        .map(|number| {
            let providers = providers.clone();
            tokio::spawn(async move { stream(&providers, number as f64 / streams as f64, seconds).await })
        })
        .collect();
    for stream in streams {
        stream.await.unwrap();
    }
    usage()
}

async fn stream(providers: &Providers, offset: f64, seconds: usize) {
    let options = json!({
        "provider": "deepgram", "language": "en-US", "sample_rate": 16_000, "channels": 1, "punctuation": true,
        "encoding": "linear16", "model": "nova-3",
    });
    let stt = providers.stt(&serde_json::from_value(options).unwrap()).unwrap().connect().await.unwrap();
    let sayna::provider::Stt { audio, mut events, .. } = stt;
    let listening = tokio::spawn(async move { while events.recv().await.is_some() {} });
    let begin = tokio::time::Instant::now() + Duration::from_secs_f64(0.02 * offset);
    for piece in 0..seconds * 50 {
        tokio::time::sleep_until(begin + Duration::from_millis(20) * piece as u32).await;
        let mut bytes = BytesMut::zeroed(PIECE);
        bytes[..8].copy_from_slice(&nanos().to_le_bytes());
        audio.send(bytes.freeze()).await.unwrap();
    }
    drop(audio);
    listening.await.unwrap();
}

fn voice(providers: &Providers) -> Voice {
    let options = json!({"provider": "deepgram", "model": "aura-asteria-en"});
    providers.voice(&serde_json::from_value(options).unwrap()).unwrap()
}

async fn tts(url: &str, texts: usize) -> Value {
    let providers = providers(url, None);
    let voice = voice(&providers);
    let mut first = Vec::new();
    for number in 0..texts {
        first.push(speak(&voice, &format!("a sentence, number {number}")).await.as_secs_f64());
    }
    let mut said = usage();
    said["first"] = json!(first);
    said
}

/// Returns the time to the first audio, after all of it has come.
async fn speak(voice: &Voice, text: &str) -> Duration {
    let begun = Instant::now();
    let mut speech = voice.speak(text, None);
    speech.next().await.unwrap().unwrap();
    let first = begun.elapsed();
    while let Some(piece) = speech.next().await {
        piece.unwrap();
    }
    first
}

fn audio() -> Value {
    let minute: Vec<u8> =
        (0..48_000 * 60).flat_map(|n| (((f64::from(n) * 0.05).sin() * 10_000.0) as i16).to_le_bytes()).collect();
    let pieces: Vec<Bytes> = minute.chunks(1_920).map(Bytes::copy_from_slice).collect();
    let seconds = |encoding, rate| {
        let mut converter = Converter::new(Format::mono(Encoding::Linear16, 48_000), encoding, rate).unwrap();
        let begun = Instant::now();
        for piece in &pieces {
            std::hint::black_box(converter.push(piece.clone()));
        }
        begun.elapsed().as_secs_f64()
    };
    json!({"resample": seconds(Encoding::Linear16, 16_000), "mulaw": seconds(Encoding::Mulaw, 48_000)})
}

fn cache(runtime: &Runtime) {
    let folder = tempfile::tempdir().unwrap();
    for (name, path) in [("in memory", None), ("in a directory", Some(folder.path()))] {
        let server: Server = runtime.block_on(vendors::server(Vendor::Deepgram).start());
        let (asked, found) = runtime.block_on(async {
            let voice = voice(&providers(&server.url(), path));
            let asked = speak(&voice, "a sentence that is said more than once").await;
            let mut found = Vec::new();
            while found.len() < 101 {
                let begun = Instant::now();
                let started = voice.speak("a sentence that is said more than once", None).start().await.unwrap();
                // Until the file is in the directory, the first request is still shared.
                if started.source == Source::Cache {
                    found.push(begun.elapsed());
                }
            }
            found.sort_unstable();
            (asked, found[50])
        });
        let times = asked.as_secs_f64() / found.as_secs_f64();
        println!("{name:<18} {:>8.1} µs, asked for {:>8.1} µs: {times:.0} times sooner", micros(found), micros(asked));
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
