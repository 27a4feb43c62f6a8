//! Compares the noise filter with pipecat's on the same noisy speech. Run by `bench/noise.sh`.
//!
//! Each side runs in a process of its own. The first piece of a stream is not counted, because it builds what later pieces share.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a benchmark may fail and prints"
)]

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use sayna::audio::{Converter, Encoding, Format};
use serde_json::{Value, json};

/// The sample rate of the recording.
const RECORDED: u32 = 16_000;
/// Repetitions of the recording, to measure about a minute.
const TIMES: usize = 6;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["memory"] => println!("{:.0}", memory()),
        [filter, from, rate, to] => println!("{}", ours(*filter == "filter", from, rate.parse().unwrap(), to)),
        _ => compare(&speech(&env::var("SPEECH").expect("SPEECH: a recording, see bench/noise.sh"))),
    }
}

/// Returns the samples of a mono recording at 16 kHz, repeated.
fn speech(path: &str) -> Vec<i16> {
    let file = fs::read(path).unwrap();
    let at = file.windows(4).position(|window| window == b"data").unwrap() + 8;
    samples(&file[at..]).repeat(TIMES)
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    bytes.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect()
}

fn bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn compare(speech: &[i16]) {
    println!("speech with noise at 16 kHz, in pieces of 20 ms: decibels of speech over what differs from it");
    println!("{:<32} {:>8} {:>8} {:>8}", "", "before", "sayna", "pipecat");
    for (name, noise) in [("white", white as fn(usize) -> Vec<f64>), ("pink", pink), ("hum of 100 Hz", hum)] {
        for decibels in [0.0, 10.0, 20.0] {
            let noisy = mixed(speech, &noise(speech.len()), decibels);
            let [ours, theirs] =
                [Side::Sayna, Side::Pipecat].map(|side| clearer(speech, &side.run(&noisy, RECORDED).audio));
            println!("{name:<32} {:>8.1} {ours:>8.1} {theirs:>8.1}", clearer(speech, &noisy));
        }
    }
    println!("\na minute of it: processor, and how far behind the output is (the step of the clock is 20 ms)");
    println!(
        "{:<24} {:>10} {:>10} {:>10} {:>12} {:>12}",
        "", "ms", "of a core", "delay ms", "most ms", "times pipecat"
    );
    for rate in [8_000, 16_000, 48_000] {
        let from = Format::mono(Encoding::Linear16, RECORDED);
        let mut converter = Converter::new(from, Encoding::Linear16, rate).unwrap();
        let clean = samples(&[converter.push(bytes(speech).into()), converter.finish()].concat());
        let noisy = mixed(&clean, &pink(clean.len()), 10.0);
        let theirs = Side::Pipecat.run(&noisy, rate);
        for side in [Side::Sayna, Side::RateOnly] {
            side.run(&noisy, rate).row(side, rate, &clean, &theirs);
        }
        theirs.row(Side::Pipecat, rate, &clean, &theirs);
    }
    let output = Command::new(env::current_exe().unwrap()).arg("memory").output().unwrap();
    println!("\nmemory of a filter: {} KB", String::from_utf8_lossy(&output.stdout).trim());
}

/// The filter that is measured.
#[derive(Debug, Clone, Copy)]
enum Side {
    /// This program, with the filter.
    Sayna,
    /// pipecat's.
    Pipecat,
    /// This program without the filter: only the conversion to 48 kHz and back.
    RateOnly,
}

/// The result of one side.
struct Ran {
    audio: Vec<i16>,
    /// Processor time in seconds.
    cpu: f64,
    /// Samples by which the output was shorter than the input, after each piece.
    behind: Vec<f64>,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Sayna => "sayna",
            Self::Pipecat => "pipecat",
            Self::RateOnly => "48 kHz and back alone",
        }
    }

    fn run(self, noisy: &[i16], rate: u32) -> Ran {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        fs::write(&from, bytes(noisy)).unwrap();
        let mut command = match self {
            Self::Pipecat => {
                let mut command = Command::new(env::var("PIPECAT_PYTHON").expect("PIPECAT_PYTHON: see bench/noise.sh"));
                command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/noise.py"));
                command
            }
            Self::Sayna | Self::RateOnly => {
                let mut command = Command::new(env::current_exe().unwrap());
                command.arg(if matches!(self, Self::Sayna) { "filter" } else { "rate" });
                command
            }
        };
        let output = command.arg(&from).arg(rate.to_string()).arg(&to).output().unwrap();
        assert!(output.status.success(), "{}: {}", self.name(), String::from_utf8_lossy(&output.stderr));
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let behind = said["behind"].as_array().unwrap().iter().map(|samples| samples.as_f64().unwrap()).collect();
        Ran { audio: samples(&fs::read(to).unwrap()), cpu: said["cpu"].as_f64().unwrap(), behind }
    }
}

impl Ran {
    fn row(&self, side: Side, rate: u32, clean: &[i16], peer: &Self) {
        let millis = |samples: f64| samples * 1_000.0 / f64::from(rate);
        // The samples that are missing at the end, plus those that were added at the beginning.
        let (late, mean) = (lag(clean, &self.audio) as f64, self.behind.iter().sum::<f64>() / self.behind.len() as f64);
        let most = self.behind.iter().copied().fold(0.0, f64::max);
        println!(
            "{:<32} {:>10.0} {:>9.2}% {:>10.1} {:>12.1} {:>12.2}",
            format!("{} at {rate}", side.name()),
            self.cpu * 1_000.0,
            self.cpu / (clean.len() as f64 / f64::from(rate)) * 100.0,
            millis(late + mean),
            millis(late + most),
            self.cpu / peer.cpu,
        );
    }
}

/// Our side, as a process.
fn ours(filter: bool, from: &str, rate: u32, to: &str) -> Value {
    let format = Format::mono(Encoding::Linear16, rate);
    let mut stages = if filter {
        vec![Converter::filtering(format, Encoding::Linear16, rate).unwrap()]
    } else {
        let high = Format::mono(Encoding::Linear16, 48_000);
        let there = Converter::new(format, Encoding::Linear16, 48_000).unwrap();
        vec![there, Converter::new(high, Encoding::Linear16, rate).unwrap()]
    };
    let audio = Bytes::from(fs::read(from).unwrap());
    let (mut out, mut behind, mut taken, mut begun) = (Vec::new(), Vec::new(), 0, None);
    for at in (0..audio.len()).step_by(rate as usize / 50 * 2) {
        let piece = audio.slice(at..audio.len().min(at + rate as usize / 50 * 2));
        taken += piece.len();
        let came = stages.iter_mut().fold(piece, |piece, stage| stage.push(piece));
        begun.get_or_insert_with(processor);
        out.extend_from_slice(&came);
        behind.push((taken - out.len()) / 2);
    }
    let cpu = processor() - begun.unwrap();
    fs::write(Path::new(to), out).unwrap();
    json!({"cpu": cpu, "behind": behind})
}

/// Returns the processor time of this process in seconds.
fn processor() -> f64 {
    // The first field is the time on a processor in nanoseconds.
    let stat = fs::read_to_string("/proc/self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Mixes speech with noise that is so many decibels quieter.
fn mixed(speech: &[i16], noise: &[f64], decibels: f64) -> Vec<i16> {
    let power = |samples: &mut dyn Iterator<Item = f64>| samples.map(|sample| sample * sample).sum::<f64>();
    let ratio = power(&mut speech.iter().map(|sample| f64::from(*sample))) / power(&mut noise.iter().copied());
    let scale = (ratio / 10_f64.powf(decibels / 10.0)).sqrt();
    speech.iter().zip(noise).map(|(speech, noise)| (f64::from(*speech) + noise * scale).round() as i16).collect()
}

/// Decibels of the speech over what differs from it in loudness, in each band of 50 Hz and each 20 ms, wherever in `heard` it
/// begins. Not sample by sample: both sides change the phase of low tones, which is inaudible.
fn clearer(speech: &[i16], heard: &[i16]) -> f64 {
    let late = lag(speech, heard);
    let recording = speech.len() / TIMES;
    let [speech, heard] = [&speech[..recording], &heard[late..late + recording]].map(spectra);
    let (mut signal, mut rest) = (0.0, 0.0);
    for (speech, heard) in speech.iter().zip(&heard) {
        signal += speech * speech;
        rest += (heard - speech).powi(2);
    }
    10.0 * (signal / rest).log10()
}

/// Returns the power of each band in frames of 20 ms that overlap by half.
fn spectra(samples: &[i16]) -> Vec<f64> {
    const FRAME: usize = RECORDED as usize / 50;
    let turn = |n: usize| std::f64::consts::TAU * n as f64 / FRAME as f64;
    let (cosines, sines): (Vec<f64>, Vec<f64>) = (0..FRAME).map(|n| (turn(n).cos(), turn(n).sin())).unzip();
    let mut loudness = Vec::new();
    for at in (0..samples.len() - FRAME).step_by(FRAME / 2) {
        let window = |n: usize| f64::from(samples[at + n]) * (0.5 - 0.5 * cosines[n]);
        let frame: Vec<f64> = (0..FRAME).map(window).collect();
        let band = |band: usize| {
            let part = |table: &[f64]| frame.iter().enumerate().map(|(n, x)| x * table[n * band % FRAME]).sum::<f64>();
            part(&cosines).hypot(part(&sines))
        };
        loudness.extend((0..FRAME / 2).map(band));
    }
    loudness
}

/// Returns the kilobytes of one stream's filter at 16 kHz.
fn memory() -> f64 {
    let resident = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap()
    };
    let format = Format::mono(Encoding::Linear16, RECORDED);
    let begun = || {
        let mut filter = Converter::filtering(format, Encoding::Linear16, RECORDED).unwrap();
        for _ in 0..50 {
            filter.push(vec![1; 640].into());
        }
        filter
    };
    // The first filter builds what all filters share.
    let mut filters = vec![begun()];
    let before = resident();
    filters.extend((0..200).map(|_| begun()));
    (resident() - before) / 200.0
}

/// Returns by how many samples `heard` is late: the shift with the highest correlation within 100 ms at 48 kHz.
fn lag(speech: &[i16], heard: &[i16]) -> usize {
    let speech = &speech[..speech.len() / TIMES];
    let alike = |late: usize| {
        let pairs = speech.iter().zip(heard.get(late..).unwrap_or_default());
        pairs.map(|(speech, heard)| i64::from(*speech) * i64::from(*heard)).sum::<i64>()
    };
    (0..4_800).max_by_key(|late| alike(*late)).unwrap()
}

/// Returns white noise from -1 to 1, the same each time.
fn white(samples: usize) -> Vec<f64> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..samples).map(|_| next()).collect()
}

/// Returns pink noise, as of traffic and fans (Paul Kellet's three filters).
fn pink(samples: usize) -> Vec<f64> {
    let mut kept = [0.0; 3];
    let filter = |white: f64| {
        for (kept, (old, new)) in
            kept.iter_mut().zip([(0.997_65, 0.099_046), (0.963, 0.296_516_4), (0.57, 1.052_691_3)])
        {
            *kept = *kept * old + white * new;
        }
        kept.iter().sum::<f64>() + white * 0.1848
    };
    white(samples).into_iter().map(filter).collect()
}

/// Returns a rectified mains hum.
fn hum(samples: usize) -> Vec<f64> {
    (0..samples).map(|n| (std::f64::consts::PI * 100.0 * n as f64 / f64::from(RECORDED)).sin().abs() - 0.637).collect()
}
