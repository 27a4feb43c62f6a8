//! The accuracy of turn detection, on recordings whose turn ends are known (`tests/data/turns.toml`), compared with timers alone.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sayna::audio::{Converter, Encoding, Format};
use sayna::config;
use sayna::detect::{Detector, Library, RATE, VadEvent};
use sayna::provider::Transcript;
use sayna::voice::{SpeakerActivity, Turn};
use serde::Deserialize;

use crate::detectors_api::model;

/// A frame of voice-activity detection, the step of the simulated time.
const FRAME: Duration = Duration::from_millis(32);
/// The time from the last word to its final result, as with a fast vendor.
const TEXT: Duration = Duration::from_millis(300);
/// The time of a decision on a busy machine.
const DECISION: Duration = Duration::from_millis(100);
/// Silence after a recording, so that its last turn can end.
const SILENCE: Duration = Duration::from_secs(8);

#[derive(Debug, Deserialize)]
struct Turns {
    recording: Vec<Recording>,
}

#[derive(Debug, Deserialize)]
struct Recording {
    file: String,
    speech: Vec<Speech>,
}

#[derive(Debug, Deserialize)]
struct Speech {
    from: f64,
    to: f64,
    then: Then,
    words: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Then {
    End,
    May,
    No,
}

/// Returns the number of samples in this time.
fn samples(time: Duration) -> usize {
    usize::try_from(time.as_millis() * u128::from(RATE) / 1000).unwrap()
}

fn recordings() -> Vec<Recording> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/turns.toml")).unwrap();
    toml::from_str::<Turns>(&text).unwrap().recording
}

fn detector(library: &Library) -> Detector {
    Detector::open(library, &model("silero_vad.onnx"), &model("smart-turn-v3.2-cpu.onnx")).unwrap()
}

impl Recording {
    /// Returns its samples at 16 kHz, and silence after them.
    fn samples(&self) -> Vec<i16> {
        let speech = std::env::var("SAYNA_TEST_SPEECH");
        let speech = speech.expect("SAYNA_TEST_SPEECH: `.ci/run` sets it by bench/speech.sh");
        let bytes = std::fs::read(Path::new(&speech).with_file_name(&self.file)).unwrap();
        let rate = u32::from_le_bytes(bytes[24..28].try_into().unwrap());
        let mut converter = Converter::new(Format::mono(Encoding::Linear16, rate), Encoding::Linear16, RATE).unwrap();
        let mut audio = converter.push(Bytes::from(bytes).slice(44..)).to_vec();
        audio.extend(converter.finish());
        audio.resize(audio.len() + 2 * samples(SILENCE), 0);
        audio.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect()
    }

    /// Returns the speaker's activity with its times. A decision comes later than the silence that asked for it.
    fn activity(&self, detector: &Detector) -> Vec<(Duration, SpeakerActivity)> {
        let silence = config::TurnDetect::default().silence;
        let threshold = config::TurnDetect::default().threshold;
        let (mut stream, mut activity) = (detector.stream(), Vec::new());
        let mut now = Duration::ZERO;
        for frame in self.samples().chunks(512) {
            now += FRAME;
            for heard in stream.push(frame, silence) {
                let VadEvent::SpeechEnd(end) = heard else {
                    activity.push((now, SpeakerActivity::Speech));
                    continue;
                };
                activity.push((now, SpeakerActivity::Silence));
                let probability = detector.predict_endpoint(&end).unwrap();
                activity.push((now + DECISION, SpeakerActivity::Decision(probability >= threshold)));
            }
        }
        activity.sort_by_key(|(at, _)| *at);
        activity
    }

    /// Returns the times in seconds at which a client would receive the ends of turns, with this activity.
    fn ends(&self, activity: &[(Duration, SpeakerActivity)]) -> Vec<f64> {
        let begin = Instant::now();
        let mut turn = Turn::new(config::Turn::default());
        let texts: Vec<_> = self.speech.iter().map(|s| (Duration::from_secs_f64(s.to) + TEXT, &s.words)).collect();
        let last = texts.last().unwrap().0 + SILENCE;
        let mut ends = Vec::new();
        let (mut texts, mut activity) = (texts.into_iter().peekable(), activity.iter().peekable());
        let mut now = Duration::ZERO;
        while now < last {
            now += Duration::from_millis(1);
            let mut tick = |turn: &mut Turn| ends.extend(turn.tick(begin + now).map(|_| now.as_secs_f64()));
            tick(&mut turn);
            while let Some((_, heard)) = activity.next_if(|(at, _)| *at <= now) {
                turn.hear(*heard, begin + now);
                tick(&mut turn);
            }
            while let Some((_, words)) = texts.next_if(|(at, _)| *at <= now) {
                let text =
                    Transcript { transcript: words.clone(), is_final: true, is_speech_final: false, confidence: 1.0 };
                turn.on(text, begin + now).unwrap();
                tick(&mut turn);
            }
        }
        ends
    }

    /// Compares these ends with the labels.
    fn score(&self, ends: &[f64]) -> Score {
        let mut score = Score::default();
        let next = self.speech.iter().skip(1).map(|speech| speech.from).chain([f64::INFINITY]);
        for (speech, next) in self.speech.iter().zip(next) {
            score.cut_offs += ends.iter().filter(|at| (speech.from..speech.to).contains(at)).count();
            let mut pause = ends.iter().filter(|at| (speech.to..next).contains(at));
            match (speech.then, pause.next()) {
                (Then::No, Some(_)) => score.cut_offs += 1 + pause.count(),
                (Then::End, Some(at)) => score.delays.push(at - speech.to),
                (Then::End, None) => score.misses += 1,
                (Then::May, _) | (Then::No, None) => {}
            }
        }
        score
    }
}

#[derive(Debug, Default)]
struct Score {
    /// Ends within speech, or within a sentence.
    cut_offs: usize,
    /// Turns whose end is not detected before the next turn begins.
    misses: usize,
    /// The seconds from the last word to the end of the turn, if there was one.
    delays: Vec<f64>,
}

impl Score {
    fn add(&mut self, other: Self) {
        self.cut_offs += other.cut_offs;
        self.misses += other.misses;
        self.delays.extend(other.delays);
    }

    fn delay(&self) -> f64 {
        self.delays.iter().sum::<f64>() / f64::from(u32::try_from(self.delays.len()).unwrap())
    }

    fn row(&self) -> String {
        let turns = self.misses + self.delays.len();
        format!("{} | {} of {turns} | {:.2} s", self.cut_offs, self.misses, self.delay())
    }
}

#[allow(clippy::print_stdout, reason = "bench/turns.sh shows it")]
fn print(text: &str) {
    println!("{text}");
}

#[test]
#[ignore = "needs models and recordings, from PyPI"]
fn turns_end_better_with_the_model_than_by_timers() {
    let detector = detector(&Library::Without);
    let (mut timers, mut model) = (Score::default(), Score::default());
    let mut table = "| recording | by | cut-offs | misses | delay |\n|---|---|---|---|---|\n".to_owned();
    for recording in recordings() {
        let by_timers = recording.score(&recording.ends(&[]));
        let by_model = recording.score(&recording.ends(&recording.activity(&detector)));
        for (by, score) in [("timers", &by_timers), ("model", &by_model)] {
            writeln!(table, "| {} | {by} | {} |", recording.file, score.row()).unwrap();
        }
        timers.add(by_timers);
        model.add(by_model);
    }
    print(&format!("{table}| all | timers | {} |\n| all | model | {} |", timers.row(), model.row()));
    assert!(model.cut_offs < timers.cut_offs, "cut-offs: {} and {}", model.cut_offs, timers.cut_offs);
    assert!(model.misses < timers.misses, "misses: {} and {}", model.misses, timers.misses);
    assert!(model.delay() < timers.delay(), "delay: {} and {}", model.delay(), timers.delay());
}

#[test]
#[ignore = "needs models, recordings and ONNX Runtime, from PyPI"]
fn onnx_runtime_and_rten_decide_alike_where_they_are_sure() {
    let library = std::env::var_os("SAYNA_TEST_ONNXRUNTIME");
    let library = library.expect("SAYNA_TEST_ONNXRUNTIME: `.ci/run` sets it by bench/onnxruntime.sh");
    let onnx = detector(&Library::Named(PathBuf::from(library)));
    let rten = detector(&Library::Without);
    let (mut asked, mut otherwise) = (0, 0);
    for recording in recordings() {
        let audio = recording.samples();
        for speech in &recording.speech {
            // In the silence after the last word.
            let end = &audio[..samples(Duration::from_secs_f64(speech.to + 0.224))];
            let [onnx, rten] = [&onnx, &rten].map(|detector| detector.predict_endpoint(end).unwrap());
            print(&format!("{} {:.2}: ONNX Runtime {onnx:.3}, rten {rten:.3}", recording.file, speech.to));
            asked += 1;
            if (onnx >= 0.5) != (rten >= 0.5) {
                otherwise += 1;
                // The model is quantised, and the two round differently. They may differ where neither is sure.
                let unsure = [onnx, rten].iter().all(|probability| (0.3..=0.7).contains(probability));
                assert!(unsure, "{} {}: {onnx} and {rten}", recording.file, speech.to);
            }
        }
    }
    assert!(asked == 34 && otherwise <= 4, "{otherwise} of {asked}");
}
