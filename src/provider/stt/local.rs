//! Recognition by the local engine, as one of the providers: a task finds utterances in the audio, and the workers that all
//! sessions share recognise them one after the other.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::dialect::{AudioConversion, primary, samples, silence};
use super::pause::{STEP, Sounding};
use super::{SttError, SttEvent, TaskChannels, Transcript};
use crate::audio::{Converter, Encoding, STALLED};
use crate::local::whisper::{RATE, Transcription};
use crate::local::{Error, Recognizer, Utterance, UtteranceStream};
use crate::provider::stats::Count;
use crate::provider::{Name, OptionsError, Shared, SttOptions};

/// New samples after which an interim result is computed.
const PARTIAL: usize = RATE as usize;
/// The most utterances that wait for a worker. Then audio waits too, and the session's queue drops what is too much.
const WAITING: usize = 3;
/// Bytes that are converted and analysed at a time: a quarter of a second of telephone audio, less of any other.
const SLICE: usize = 2_048;

/// Validates the options, and returns the conversion to the model's format.
pub(super) fn conversion(options: &SttOptions) -> Result<AudioConversion, OptionsError> {
    let unknown = |field, value: &str, hint| {
        Err(OptionsError::NotByProvider { provider: Name::Local, field, value: value.to_owned(), hint })
    };
    if !options.language.is_empty() && primary(&options.language).as_deref() != Some("en") {
        return unknown("language", &options.language, "its model supports only English (en)");
    }
    if !matches!(options.model.as_str(), "" | "tiny.en" | "whisper-tiny.en") {
        return unknown("model", &options.model, "its only model is whisper-tiny.en");
    }
    AudioConversion::converted(samples(options, Name::Local)?, Encoding::Linear16, RATE, options.noise_filter)
}

/// Runs until the audio has ended and its results have arrived, until it fails, or until `stop` is dropped.
pub(super) async fn run(shared: Arc<Shared>, conversion: AudioConversion, channels: TaskChannels) {
    let TaskChannels { audio, events, ready, stop } = channels;
    shared.stats.count(Name::Local, Count::Session);
    let failed = |error: &Error| shared.stats.count(Name::Local, Count::Error(SttError::from(error.clone()).kind()));
    let recognizer = match shared.local.recognizer().await {
        Ok(recognizer) => recognizer,
        Err(error) => {
            failed(&error);
            // The caller may have given up.
            ready.send(Err(error.into())).ok();
            return;
        }
    };
    if ready.send(Ok(())).is_err() {
        return;
    }
    let listener = Listener::new(Arc::clone(&shared), recognizer, conversion, audio, events.clone());
    let ended = tokio::select! {
        _ = stop => return,
        ended = listener.run() => ended,
    };
    // `Ended` means that the caller is gone: nothing has failed.
    if let Err(error) = ended
        && error != Error::Ended
    {
        failed(&error);
        events.send(SttEvent::Error(error.into())).await.ok();
    }
}

/// The result of a worker, or the error that there is no worker.
type Outcome = Result<Result<Transcription, Error>, Error>;

/// A recognition that is under way.
struct Work {
    heard: Pin<Box<dyn Future<Output = Outcome> + Send>>,
    part: Part,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The beginning of the utterance with this number, for an interim result.
    Beginning(u64),
    /// A whole utterance. `ended` is true if the speaker's turn has ended.
    Whole { ended: bool },
}

struct Listener {
    shared: Arc<Shared>,
    recognizer: Recognizer,
    stream: UtteranceStream,
    converter: Converter,
    audio: mpsc::Receiver<Bytes>,
    /// The client's audio has ended.
    ended: bool,
    /// Audio that was received and is not analysed yet.
    raw: Bytes,
    /// When the client counts as silent.
    sounding: Sounding,
    /// When the client counts as silent, and how much silence is to be added.
    pause: Option<(Instant, Duration)>,
    waiting: VecDeque<Utterance>,
    work: Option<Work>,
    events: mpsc::Sender<SttEvent>,
}

impl Listener {
    fn new(
        shared: Arc<Shared>,
        recognizer: Recognizer,
        conversion: AudioConversion,
        audio: mpsc::Receiver<Bytes>,
        events: mpsc::Sender<SttEvent>,
    ) -> Self {
        let AudioConversion { converter, client_bytes_per_second, .. } = conversion;
        let sounding = Sounding::new(Some(client_bytes_per_second));
        let (stream, raw, waiting) = (recognizer.stream(), Bytes::new(), VecDeque::new());
        Self {
            shared,
            recognizer,
            stream,
            converter,
            audio,
            ended: false,
            raw,
            sounding,
            pause: None,
            waiting,
            work: None,
            events,
        }
    }

    async fn run(mut self) -> Result<(), Error> {
        loop {
            self.begin();
            let room = self.waiting.len() < WAITING;
            let more = room && !self.raw.is_empty();
            if self.ended && self.raw.is_empty() && self.work.is_none() {
                return Ok(());
            }
            tokio::select! {
                biased;
                (heard, part) = done(&mut self.work) => match heard {
                    // This utterance is lost. The next one may be recognised.
                    Err(error @ Error::Overloaded { .. }) => self.refuse(error).await?,
                    heard => self.tell(heard?, part).await?,
                },
                () = yield_now(), if more => {
                    let slice = self.raw.split_to(self.raw.len().min(SLICE));
                    let audio = self.converter.push(slice);
                    self.stream.push(&audio, &mut self.waiting)?;
                    self.pause = Some((self.sounding.silent_at(), STALLED));
                }
                time = silent(self.pause), if room && !more && !self.ended => {
                    self.stream.push(&silence(Encoding::Linear16, RATE, time), &mut self.waiting)?;
                    // More silence follows until the utterance ends.
                    self.pause = self.stream.is_speaking().then(|| (Instant::now() + STEP, STEP));
                }
                piece = self.audio.recv(), if room && !more && !self.ended => match piece {
                    Some(piece) => {
                        self.sounding.come(piece.len());
                        self.raw = piece;
                    }
                    None => self.end()?,
                },
            }
        }
    }

    /// Handles the end of the audio.
    fn end(&mut self) -> Result<(), Error> {
        self.ended = true;
        let rest = self.converter.finish();
        self.stream.push(&rest, &mut self.waiting)?;
        self.waiting.extend(self.stream.finish());
        Ok(())
    }

    /// Starts the recognition of the next utterance, or of the current one if none waits and a worker is idle.
    fn begin(&mut self) {
        // A whole utterance replaces an interim recognition, whose worker finishes and is ignored.
        let whole = |work: &Work| matches!(work.part, Part::Whole { .. });
        if self.work.as_ref().is_some_and(|work| whole(work) || self.waiting.is_empty()) {
            return;
        }
        let whisper = Arc::clone(&self.recognizer.whisper);
        if let Some(Utterance { samples, ended }) = self.waiting.pop_front() {
            let (pool, places) = (self.shared.local.pool().clone(), self.shared.local.recognition_slots().clone());
            // The place is held only during recognition, so silent sessions take none.
            let heard = Box::pin(async move {
                let _place = places.acquire().await?;
                pool.run(move || whisper.transcribe(&samples)).await
            });
            self.work = Some(Work { heard, part: Part::Whole { ended } });
        } else if let Some(samples) = self.stream.interim(PARTIAL)
            && let Some(heard) = self.shared.local.pool().run_idle(move || whisper.transcribe(&samples))
        {
            self.stream.mark_interim();
            self.work = Some(Work { heard: Box::pin(heard), part: Part::Beginning(self.stream.index()) });
        }
    }

    async fn refuse(&mut self, error: Error) -> Result<(), Error> {
        let error = SttError::from(error);
        self.shared.stats.count(Name::Local, Count::Error(error.kind()));
        self.events.send(SttEvent::Error(error)).await.map_err(|_| Error::Ended)
    }

    async fn tell(&mut self, heard: Result<Transcription, Error>, part: Part) -> Result<(), Error> {
        let Transcription { text, confidence } = heard?;
        let (is_final, is_speech_final) = match part {
            // The whole utterance is being recognised already.
            Part::Beginning(number) if number != self.stream.index() => return Ok(()),
            Part::Beginning(_) => (false, false),
            Part::Whole { ended } => (true, ended),
        };
        if text.is_empty() {
            return Ok(());
        }
        let transcript = Transcript::new(text, is_final, is_speech_final, confidence);
        self.events.send(SttEvent::Result(transcript)).await.map_err(|_| Error::Ended)
    }
}

/// Waits until the client counts as silent. Returns how much silence is to be added.
async fn silent(pause: Option<(Instant, Duration)>) -> Duration {
    let Some((at, time)) = pause else { return std::future::pending().await };
    sleep_until(at).await;
    time
}

/// Waits for the recognition that is under way. It is removed only when it is done, so this is cancel safe.
async fn done(work: &mut Option<Work>) -> (Outcome, Part) {
    let Some(running) = work else { return std::future::pending().await };
    let heard = running.heard.as_mut().await;
    let part = running.part;
    *work = None;
    (heard, part)
}
