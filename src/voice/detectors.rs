//! The detectors of a session, beside its provider: they hear the same audio and say when a turn may be over.
//!
//! A task of its own per session, as nothing here may hold up audio on its way to the provider. Voice activity takes some
//! hundredths of a millisecond for 32 ms of audio, and is computed in that task; whatever takes longer is on threads for that, as
//! many at a time as there are processors. Detectors that fall behind report [`SpeakerActivity::Unknown`], and
//! the timers decide.

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

/// Pieces of audio that may wait.
const WAITING: usize = 64;

/// Bytes of audio that are heard in the task itself: at most a tenth of what they last, in any encoding, on any machine that keeps
/// up at all. Handing them to another thread takes longer than running the model.
const BRIEF: usize = 4096;

/// What was heard and the session has not taken yet.
const HEARD: usize = 16;

/// How long a silence may have to be, in milliseconds, as in the configuration.
const SILENCES: std::ops::RangeInclusive<u64> = 1..=60_000;

/// The models of the server, and the threads for them.
#[derive(Debug)]
pub(crate) struct Detection {
    detector: Detector,
    threads: Arc<Semaphore>,
}

impl Detection {
    /// What this configuration asks for; none where it asks for none, or the models are not there. Says in the log which it is.
    pub(crate) fn open(config: &Config) -> Result<Option<Arc<Self>>, OpenError> {
        if !config.turn_detect.enabled {
            info!("no turn detection: turn_detect.enabled is false");
            return Ok(None);
        }
        let library = Library::named(config.turn_detect.library.as_deref());
        let models = Models::new(config);
        let (vad, turn) = match (models.find(SILERO), models.find(SMART_TURN)) {
            (Ok(vad), Ok(turn)) => (vad, turn),
            (Err(missing), _) | (_, Err(missing)) => {
                // A library that is named must be one, even where it has nothing to do.
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

    /// Begins work on a thread for what computes, once one is free. It is taken until the work is done, also where the outcome is
    /// not waited for.
    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<JoinHandle<T>> {
        let thread = Arc::clone(&self.threads).acquire_owned().await.ok()?;
        Some(spawn_blocking(move || {
            let outcome = work();
            drop(thread);
            outcome
        }))
    }
}

/// The ends of the task.
#[derive(Debug)]
struct Task {
    audio: mpsc::Sender<Bytes>,
    activity: mpsc::Receiver<SpeakerActivity>,
    settings: watch::Sender<TurnDetect>,
    /// Whether the client is told what they hear.
    reports: bool,
}

/// The detectors of one session, where it has any.
#[derive(Debug)]
pub(super) struct Detectors(Option<Task>);

impl Detectors {
    /// For audio of this kind. Compressed audio is not decoded here, and not listened to; nor is what the client wants no
    /// detectors for.
    pub(super) fn new(shared: &Shared, options: &SttOptions) -> Self {
        let detection = shared.detection.clone().filter(|_| options.turn_detect);
        let Some(detection) = detection else { return Self(None) };
        let Some(encoding) = Encoding::parse(&options.encoding) else { return Self(None) };
        let format = Format { encoding, sample_rate: options.sample_rate, channels: options.channels };
        let Ok(converter) = Converter::new(format, Encoding::Linear16, RATE) else { return Self(None) };
        let (audio, pieces) = mpsc::channel(WAITING);
        let (sender, activity) = mpsc::channel(HEARD);
        let (settings, set) = watch::channel(shared.config.turn_detect.clone());
        let input = DetectorInput { converter, stream: detection.detector.stream() };
        tokio::spawn(run(detection, input, pieces, sender, set));
        Self(Some(Task { audio, activity, settings, reports: options.vad_events }))
    }

    /// Takes a piece of audio; false where it cannot be heard.
    pub(super) fn audio(&self, audio: &Bytes) -> bool {
        self.0.as_ref().is_none_or(|task| task.audio.try_send(audio.clone()).is_ok())
    }

    /// The next that is heard; never, where nothing is.
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

    /// How long a silence is when it is heard, for a client that wants to be told what is.
    pub(super) fn reported_silence(&self) -> Option<Duration> {
        self.0.as_ref().filter(|task| task.reports).map(|task| task.settings.borrow().silence)
    }

    /// Changes the detectors of this session and of no other.
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

/// What comes from a client on its way to the models.
#[derive(Debug)]
struct DetectorInput {
    converter: Converter,
    stream: VadStream,
}

impl DetectorInput {
    /// Hears the pieces, or where there are none as much silence as makes one.
    fn hear(&mut self, pieces: Vec<Bytes>, silence: Duration) -> Vec<VadEvent> {
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

/// The answer to a pending, which is on its way. Dropped before it has begun, it is not computed.
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
        let Some((back, heard)) = hear(&detection, input, std::mem::take(&mut pieces), silence).await else {
            // The session goes on without; where it is gone too, nobody has to be told.
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

/// What the session is told of it, and the pending that it raises.
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

/// Hears the pieces, or silence where there are none. Gives nothing once that has failed.
async fn hear(
    detection: &Detection,
    mut input: DetectorInput,
    pieces: Vec<Bytes>,
    silence: Duration,
) -> Option<(DetectorInput, Vec<VadEvent>)> {
    let bytes: usize = pieces.iter().map(Bytes::len).sum();
    let heard = move || {
        let heard = input.hear(pieces, silence);
        (input, heard)
    };
    if bytes <= BRIEF {
        return Some(heard());
    }
    let heard = detection.compute(heard).await?;
    heard.await.inspect_err(|error| warn!(%error, "a session goes on without turn detection")).ok()
}

async fn predict_turn_end(detection: Arc<Detection>, end: Box<[i16]>) -> Option<f32> {
    let detector = Arc::clone(&detection);
    let answer = detection.compute(move || detector.detector.predict_endpoint(&end)).await?.await.ok()?;
    answer.inspect_err(|error| warn!(%error, "a silence stays undecided")).ok()
}
