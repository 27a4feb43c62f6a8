//! Compares the local engines with faster-whisper and piper on the same recordings and text, and measures sessions through the
//! server. Run by `bench/local.sh`.
//!
//! Each side runs in a process of its own. Its first run is not counted, because it builds what later runs share.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::panic,
    reason = "a benchmark may fail and prints"
)]

#[path = "load/server.rs"]
#[allow(dead_code, reason = "other servers than this one needs")]
mod server;
#[path = "local/sessions.rs"]
mod sessions;
#[path = "load/socket.rs"]
mod socket;
#[path = "load/times.rs"]
mod times;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use sayna::audio::{Converter, Encoding, Format};
use sayna::config::Config;
use sayna::local::piper::{self, PiperVoice, SynthesisOptions};
use sayna::local::whisper::{RATE, Whisper};
use sayna::models::Models;
use serde_json::{Value, json};

/// The text that is spoken.
const TEXT: &str = "The boat leaves the harbour at seven in the morning. It is cold, and a little rain is falling on the water. \
                    By the time that we have reached the island, the sun will be out, and everybody will be hungry.";

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["hear", files @ ..] => println!("{}", hear(files)),
        ["speak", text] => println!("{}", speak(text)),
        ["together", file] => println!("{}", together(file)),
        _ => compare(),
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.models.path = Some(env::var_os("MODELS").expect("MODELS: a folder of models, see bench/local.sh").into());
    config
}

fn models() -> Models {
    Models::new(&config())
}

/// Returns the samples of a mono recording at the recogniser's rate.
fn samples(path: &str) -> Vec<i16> {
    let file = fs::read(path).unwrap();
    let rate = u32::from_le_bytes(file[24..28].try_into().unwrap());
    let at = file.windows(4).position(|window| window == b"data").unwrap() + 8;
    let mut converter = Converter::new(Format::mono(Encoding::Linear16, rate), Encoding::Linear16, RATE).unwrap();
    let bytes = [converter.push(file[at..].to_vec().into()), converter.finish()].concat();
    bytes.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect()
}

fn hear(files: &[&str]) -> Value {
    let begun = Instant::now();
    let whisper = Whisper::load(&models()).unwrap();
    let load = begun.elapsed().as_secs_f64();
    let all: Vec<Vec<i16>> = files.iter().map(|file| samples(file)).collect();
    whisper.transcribe(&all[0]).unwrap();
    let begun = Instant::now();
    let texts: Vec<String> = all.iter().map(|samples| whisper.transcribe(samples).unwrap().text).collect();
    let took = begun.elapsed().as_secs_f64();
    let seconds: f64 = all.iter().map(|samples| samples.len() as f64 / f64::from(RATE)).sum();
    json!({"load": load, "took": took, "seconds": seconds, "memory": memory(), "texts": texts})
}

fn speak(text: &str) -> Value {
    let begun = Instant::now();
    let voice = PiperVoice::load(&models()).unwrap();
    let load = begun.elapsed().as_secs_f64();
    let sentences = voice.sentences(text).pieces;
    let options = SynthesisOptions { rate: 1.0, noise: true };
    voice.synthesize(&sentences[0], options).unwrap();
    let begun = Instant::now();
    let samples: usize = sentences.iter().map(|sentence| voice.synthesize(sentence, options).unwrap().len()).sum();
    let took = begun.elapsed().as_secs_f64();
    json!({"load": load, "took": took, "seconds": samples as f64 / f64::from(piper::RATE), "memory": memory()})
}

/// Recognises with one thread per processor.
fn together(file: &str) -> Value {
    let whisper = Whisper::load(&models()).unwrap();
    let samples = samples(file);
    whisper.transcribe(&samples).unwrap();
    let workers = std::thread::available_parallelism().unwrap().get();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| (0..3).for_each(|_| drop(whisper.transcribe(&samples).unwrap())));
        }
    });
    let seconds = (workers * 3) as f64 * samples.len() as f64 / f64::from(RATE);
    json!({"workers": workers, "seconds": seconds, "took": begun.elapsed().as_secs_f64()})
}

/// Returns the peak memory of this process in megabytes.
fn memory() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1_024.0
}

fn ours(arguments: &[&str]) -> Value {
    run(Command::new(env::current_exe().unwrap()).args(arguments))
}

fn theirs(arguments: &[&str]) -> Value {
    let python = env::var("PEERS_PYTHON").expect("PEERS_PYTHON: see bench/local.sh");
    run(Command::new(python).arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/local.py")).args(arguments))
}

fn run(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn compare() {
    let speech = env::var("SPEECH").expect("SPEECH: a recording, see bench/local.sh");
    // Ten seconds of one voice, and thirty seconds of two.
    let longer = Path::new(&speech).with_file_name("endgame_nagg_nell.wav");
    let files = [speech.as_str(), longer.to_str().unwrap()];
    println!("{:<34} {:>8} {:>16} {:>10}", "", "load s", "times real time", "most MB");
    let hear = [&["hear"][..], &files].concat();
    let (ours_hear, theirs_hear) = (ours(&hear), theirs(&hear));
    row("recognition  sayna", &ours_hear);
    row("             faster-whisper, int8", &theirs_hear);
    let (ours_speak, theirs_speak) = (ours(&["speak", TEXT]), theirs(&["speak", TEXT]));
    row("speech       sayna", &ours_speak);
    row("             piper", &theirs_speak);
    println!();
    sessions::table(&samples(&speech));
    let together = ours(&["together", &speech]);
    let rate = together["seconds"].as_f64().unwrap() / together["took"].as_f64().unwrap();
    println!("\n{} at a time: {rate:.1} seconds of speech are recognised in one", together["workers"]);
    for (name, side) in [("sayna", &ours_hear), ("faster-whisper", &theirs_hear)] {
        println!("{name} hears: {}", side["texts"][0].as_str().unwrap());
    }
}

fn row(name: &str, side: &Value) {
    let number = |key: &str| side[key].as_f64().unwrap();
    println!(
        "{name:<34} {:>8.2} {:>16.3} {:>10.0}",
        number("load"),
        number("took") / number("seconds"),
        number("memory")
    );
}
