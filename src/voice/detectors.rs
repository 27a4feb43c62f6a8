//! The detectors of a session: they receive the same audio as its provider, and decide when a turn may be over.
//!
//! They have a task of their own per session, because nothing here may delay audio on its way to the provider. Voice activity
//! takes some hundredths of a millisecond for 32 ms of audio, so that task computes it. Longer work runs on blocking threads, at
//! most as many at a time as there are processors. Detectors that fall behind report [`SpeakerActivity::Unknown`], and the timers
//! of the turn decide.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use super::message::{TurnDetectUpdate, VadUpdate};
use super::{Shared, SpeakerActivity, optional};
use crate::audio::{Converter, Encoding, Format, STALLED};
use crate::config::{Config, TurnDetect};
use crate::detect::{Detector, Library, OpenError, RATE, Runtime, VadEvent, VadStream};
use crate::error::SessionError;
use crate::models::{Models, SILERO, SMART_TURN};
use crate::provider::SttOptions;

/// The most pieces of audio that wait for the detectors.
const WAITING: usize = 64;

/// Up to this many bytes of audio are processed in the task itself. That takes at most a tenth of their duration, in any
/// encoding, on any machine that keeps up at all. Handing them to another thread takes longer than running the model.
const BRIEF: usize = 4096;

/// The most reports that wait for the session.
const REPORTS: usize = 16;

/// The range of `silence_duration_ms`, as in the configuration.
const SILENCES: std::ops::RangeInclusive<u64> = 1..=60_000;

/// The models of turn detection and the threads for them. All sessions share it for the life of the server.
#[derive(Debug)]
pub(crate) struct Detection {
    detector: Detector,
    threads: Arc<Semaphore>,
}

impl Detection {
    /// Opens the models. Returns `None`, and logs why, if the configuration disables them or they are not installed.
    pub(crate) fn open(config: &Config) -> Result<Option<Arc<Self>>, OpenError> {
        if !config.turn_detect.enabled {
            info!("turn detection is off: turn_detect.enabled is false");
            return Ok(None);
        }
        let library = Library::named(config.turn_detect.library.as_deref());
        let models = Models::new(config);
        let (vad, turn) = match (models.find(SILERO), models.find(SMART_TURN)) {
            (Ok(vad), Ok(turn)) => (vad, turn),
            (Err(missing), _) | (_, Err(missing)) => {
                // A configured library must be usable, even if nothing needs it.
                Runtime::choose(&library)?;
                warn!("turns are ended by timers alone: {missing}");
                return Ok(None);
            }
        };
        let detector = Detector::open(&library, &vad, &turn)?;
        info!("turn detection by {}", detector.runtime());
        let threads = Semaphore::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
        Ok(Some(Arc::new(Self { detector, threads: Arc::new(threads) })))
    }

    /// Starts work on a blocking thread once a permit is free. The work holds the permit until it is done, also if no task awaits
    /// the result.
    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<JoinHandle<T>> {
        let thread = Arc::clone(&self.threads).acquire_owned().await.ok()?;
        Some(spawn_blocking(move || {
            let outcome = work();
            drop(thread);
            outcome
        }))
    }
}

/// The session's ends of the channels to the task.
#[derive(Debug)]
struct Task {
    audio: mpsc::Sender<Bytes>,
    activity: mpsc::Receiver<SpeakerActivity>,
    settings: watch::Sender<TurnDetect>,
    /// Whether the client receives `vad_event`.
    reports: bool,
}

/// The detectors of one session, or `None` where it has none. The conversation owns it. Dropping it ends the task.
#[derive(Debug)]
pub(super) struct Detectors(Option<Task>);

impl Detectors {
    /// Starts the detectors for this audio. There are none for compressed audio, which is not decoded here, and none if the
    /// client disables them.
    pub(super) fn new(shared: &Shared, options: &SttOptions) -> Self {
        let detection = shared.detection.clone().filter(|_| options.turn_detect);
        let Some(detection) = detection else { return Self(None) };
        let Some(encoding) = Encoding::parse(&options.encoding) else { return Self(None) };
        let format = Format { encoding, sample_rate: options.sample_rate, channels: options.channels };
        let Ok(converter) = Converter::new(format, Encoding::Linear16, RATE) else { return Self(None) };
        let (audio, pieces) = mpsc::channel(WAITING);
        let (sender, activity) = mpsc::channel(REPORTS);
        let (settings, set) = watch::channel(shared.config.turn_detect.clone());
        let input = DetectorInput { converter, stream: detection.detector.stream() };
        tokio::spawn(run(detection, input, pieces, sender, set));
        Self(Some(Task { audio, activity, settings, reports: options.vad_events }))
    }

    /// Passes a piece of audio on. Returns false if the detectors are too slow or have failed.
    pub(super) fn audio(&self, audio: &Bytes) -> bool {
        self.0.as_ref().is_none_or(|task| task.audio.try_send(audio.clone()).is_ok())
    }

    /// Returns the next activity. It never completes without detectors. Cancel safe.
    pub(super) async fn next(&mut self) -> SpeakerActivity {
        let heard = match &mut self.0 {
            Some(task) => task.activity.recv().await,
            None => None,
        };
        match heard {
            Some(activity) => activity,
            None => std::future::pending().await,
        }
    }

    /// Returns the length of a detected silence, if the client receives `vad_event`.
    pub(super) fn reported_silence(&self) -> Option<Duration> {
        self.0.as_ref().filter(|task| task.reports).map(|task| task.settings.borrow().silence)
    }

    /// Changes the settings of this session's detectors.
    pub(super) fn update(&self, vad: Option<&VadUpdate>, turn: Option<&TurnDetectUpdate>) -> Result<(), SessionError> {
        let Some(task) = &self.0 else { return Ok(()) };
        let silence = vad.and_then(|vad| vad.silence_duration_ms);
        if let Some(wrong) = silence.filter(|silence| !SILENCES.contains(silence)) {
            let reason = format!("silence_duration_ms of {wrong}: it must be 1 to 60000");
            return Err(SessionError::Malformed(reason));
        }
        task.settings.send_modify(|settings| {
            settings.silence = silence.map_or(settings.silence, Duration::from_millis);
            settings.threshold = turn.and_then(|turn| turn.threshold).unwrap_or(settings.threshold);
        });
        Ok(())
    }
}

/// The client's audio on its way to the models: conversion to 16 kHz, then voice activity.
#[derive(Debug)]
struct DetectorInput {
    converter: Converter,
    stream: VadStream,
}

impl DetectorInput {
    /// Processes the pieces, or without any as much silence as the detectors need to report one.
    fn process(&mut self, pieces: Vec<Bytes>, silence: Duration) -> Vec<VadEvent> {
        if pieces.is_empty() {
            let samples = (silence + STALLED).as_millis() * u128::from(RATE) / 1000;
            return self.stream.push(&vec![0; usize::try_from(samples).unwrap_or_default()], silence);
        }
        let mut samples: Vec<i16> = Vec::new();
        for piece in pieces {
            let whole = self.converter.push(piece);
            samples.extend(whole.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)));
        }
        self.stream.push(&samples, silence)
    }
}

/// A decision that is being computed. Dropping it before it begins cancels it.
type PendingDecision = AbortOnDropHandle<Option<f32>>;

async fn run(
    detection: Arc<Detection>,
    mut input: DetectorInput,
    mut audio: mpsc::Receiver<Bytes>,
    activity: mpsc::Sender<SpeakerActivity>,
    settings: watch::Receiver<TurnDetect>,
) {
    let mut pending: Option<PendingDecision> = None;
    let mut pieces = Vec::new();
    loop {
        let speaking = input.stream.is_speaking();
        let answer = optional(pending.as_mut());
        tokio::select! {
            taken = audio.recv_many(&mut pieces, WAITING) => if taken == 0 { return },
            () = sleep(STALLED), if speaking => {}
            answer = answer => {
                pending = None;
                let probability = answer.ok().flatten();
                let decision = probability.map(|p| SpeakerActivity::Decision(p >= settings.borrow().threshold));
                if let Some(decision) = decision
                    && activity.send(decision).await.is_err()
                {
                    return;
                }
                continue;
            }
        }
        let silence = settings.borrow().silence;
        let Some((back, heard)) = process(&detection, input, std::mem::take(&mut pieces), silence).await else {
            // The session continues without detectors. If it is gone too, nothing has to be reported.
            activity.send(SpeakerActivity::Unknown).await.ok();
            return;
        };
        input = back;
        for heard in heard {
            if activity.send(activity_of(heard, &mut pending, &detection)).await.is_err() {
                return;
            }
        }
    }
}

/// Converts an event into a report for the session. A silence also starts a decision, and speech cancels it.
fn activity_of(heard: VadEvent, pending: &mut Option<PendingDecision>, detection: &Arc<Detection>) -> SpeakerActivity {
    match heard {
        VadEvent::SpeechStart => {
            *pending = None;
            SpeakerActivity::Speech
        }
        VadEvent::SpeechEnd(end) => {
            *pending = Some(AbortOnDropHandle::new(tokio::spawn(predict_turn_end(Arc::clone(detection), end))));
            SpeakerActivity::Silence
        }
    }
}

/// Processes the pieces, or silence if there are none. Returns `None` after a failure.
async fn process(
    detection: &Detection,
    mut input: DetectorInput,
    pieces: Vec<Bytes>,
    silence: Duration,
) -> Option<(DetectorInput, Vec<VadEvent>)> {
    let bytes: usize = pieces.iter().map(Bytes::len).sum();
    let heard = move || {
        let heard = input.process(pieces, silence);
        (input, heard)
    };
    if bytes <= BRIEF {
        return Some(heard());
    }
    let heard = detection.compute(heard).await?;
    heard.await.inspect_err(|error| warn!(%error, "turn detection failed, the session continues without it")).ok()
}

async fn predict_turn_end(detection: Arc<Detection>, end: Box<[i16]>) -> Option<f32> {
    let detector = Arc::clone(&detection);
    let answer = detection.compute(move || detector.detector.predict_endpoint(&end)).await?.await.ok()?;
    answer.inspect_err(|error| warn!(%error, "turn decision failed")).ok()
}
