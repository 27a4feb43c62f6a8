//! Recognition on this machine, as one of the providers: a task that finds utterances in the audio and has them recognised, one
//! after the other, by the workers that all sessions share.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::dialect::{AudioConversion, primary, samples, silence};
use super::pause::{STEP, Sounding};
use super::{SttError, SttEvent, Transcript};
use crate::audio::{Converter, Encoding, STALLED};
use crate::local::whisper::{RATE, Transcription};
use crate::local::{Error, Recognizer, Utterance, UtteranceStream};
use crate::provider::stats::Count;
use crate::provider::{Name, OptionsError, Shared, SttOptions};

/// New samples after which what is being said is recognised for the time being.
const PARTIAL: usize = RATE as usize;
/// Utterances that may wait. Then audio waits, and what is too much of it is dropped by whoever sends it.
const WAITING: usize = 3;
/// Bytes that are converted and looked at at once: a quarter of a second of telephone audio, less of any other.
const SLICE: usize = 2_048;

/// What audio is taken; the model knows one language.
pub(super) fn conversion(options: &SttOptions) -> Result<AudioConversion, OptionsError> {
    let unknown = |field, value: &str, hint| {
        Err(OptionsError::NotByProvider { provider: Name::Local, field, value: value.to_owned(), hint })
    };
    if !options.language.is_empty() && primary(&options.language).as_deref() != Some("en") {
        return unknown("language", &options.language, "its model knows English (en)");
    }
    if !matches!(options.model.as_str(), "" | "tiny.en" | "whisper-tiny.en") {
        return unknown("model", &options.model, "it has one model, whisper-tiny.en");
    }
    AudioConversion::converted(samples(options, Name::Local)?, Encoding::Linear16, RATE, options.noise_filter)
}

/// Runs until the audio has ended and its results have come, until it fails, or until `stop` is dropped.
pub(super) async fn run(
    shared: Arc<Shared>,
    conversion: AudioConversion,
    audio: mpsc::Receiver<Bytes>,
    events: mpsc::Sender<SttEvent>,
    ready: oneshot::Sender<Result<(), SttError>>,
    stop: oneshot::Receiver<Infallible>,
) {
    shared.stats.count(Name::Local, Count::Session);
    let failed = |error: &Error| shared.stats.count(Name::Local, Count::Error(SttError::from(error.clone()).kind()));
    let recognizer = match shared.local.recognizer().await {
        Ok(recognizer) => recognizer,
        Err(error) => {
            failed(&error);
            // Whoever waited may have given up.
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
    // Without anybody to tell, nothing has failed.
    if let Err(error) = ended
        && error != Error::Ended
    {
        failed(&error);
        events.send(SttEvent::Error(error.into())).await.ok();
    }
}

/// What a worker has made of it, unless there was none.
type Outcome = Result<Result<Transcription, Error>, Error>;

/// A recognition under way, and what it is of.
struct Work {
    heard: Pin<Box<dyn Future<Output = Outcome> + Send>>,
    part: Part,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The beginning of what somebody is saying, by its number.
    Beginning(u64),
    /// A whole utterance, with whether the speaker has ended.
    Whole { ended: bool },
}

struct Listener {
    shared: Arc<Shared>,
    recognizer: Recognizer,
    stream: UtteranceStream,
    converter: Converter,
    audio: mpsc::Receiver<Bytes>,
    /// No more will come.
    ended: bool,
    /// What has come and is not looked at yet.
    raw: Bytes,
    /// Until when what has come sounds.
    sounding: Sounding,
    /// The client is silent then, and how much silence it is.
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
                    // What was said is lost, and what is said next may be heard.
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
                    // Until what was said has ended by it.
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

    /// The audio has ended.
    fn end(&mut self) -> Result<(), Error> {
        self.ended = true;
        let rest = self.converter.finish();
        self.stream.push(&rest, &mut self.waiting)?;
        self.waiting.extend(self.stream.finish());
        Ok(())
    }

    /// Has the next utterance recognised; where none waits and a worker is idle, what is being said.
    fn begin(&mut self) {
        // Nobody waits for the beginning of what has ended: its worker goes on to the end, and is not listened to.
        let whole = |work: &Work| matches!(work.part, Part::Whole { .. });
        if self.work.as_ref().is_some_and(|work| whole(work) || self.waiting.is_empty()) {
            return;
        }
        let whisper = Arc::clone(&self.recognizer.whisper);
        if let Some(Utterance { samples, ended }) = self.waiting.pop_front() {
            let (pool, places) = (self.shared.local.pool().clone(), self.shared.local.recognition_slots().clone());
            // It has a place while it is recognised: a session that says nothing takes none.
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
            // The whole of it is on its way.
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

/// Waits until the client is silent, and gives how much silence that is.
async fn silent(pause: Option<(Instant, Duration)>) -> Duration {
    let Some((at, time)) = pause else { return std::future::pending().await };
    sleep_until(at).await;
    time
}

/// What is under way, once it is done; taken out then and not before, so that this may be given up.
async fn done(work: &mut Option<Work>) -> (Outcome, Part) {
    let Some(running) = work else { return std::future::pending().await };
    let heard = running.heard.as_mut().await;
    let part = running.part;
    *work = None;
    (heard, part)
}
