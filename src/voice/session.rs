//! The task that owns a conversation. All of its state is in [`Session`], without locks.

mod input;
mod room;

use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use tracing::{Span, debug, info};

use super::audio_queue::Forwarded;
use super::message::{Command, Event, Setup};
use super::speech::{SpeechQueue, Step};
use super::start::{self, Conversation};
use super::{Close, Detectors, Epoch, Input, Output, Shared, SpeakerActivity, optional};
use crate::error::SessionError;
use crate::provider::SttEvent;
use crate::room::{Connection, RoomWakeup};

/// Places in the queue to the client that audio leaves free for events.
pub(crate) const KEPT_FREE: usize = 32;

/// How often a session checks during a shutdown whether its sentence is over.
const DRAIN_CHECK: Duration = Duration::from_millis(200);

/// The session's ends of the channels to its client's socket, and the client's tenant. The session owns them; when it drops
/// `output`, the writer closes the socket.
pub(crate) struct SessionChannels {
    /// The tenant that the client authenticated as.
    pub(crate) tenant: Option<String>,
    /// Closes when the client is gone.
    pub(crate) input: mpsc::Receiver<Input>,
    pub(crate) output: mpsc::Sender<Output>,
    /// For an end that must not wait behind queued output. It holds one: the first end counts.
    pub(crate) close: mpsc::Sender<Close>,
    pub(crate) epoch: Epoch,
}

/// How far the client's configuration has come. It decides which error a command without a conversation gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No `config` yet, or only ones that were not accepted.
    Unconfigured,
    /// A `config` with `audio: false`.
    WithoutAudio,
    /// A `config` with audio whose providers or room failed.
    Failed,
    /// A conversation is running.
    Ready,
}

/// One client's session. The task that [`run`] is part of owns it, from the upgrade until the client is gone or the server has
/// shut down. A session outlives its conversations: each `config` replaces the conversation and the room.
struct Session {
    shared: Shared,
    channels: SessionChannels,
    stage: Stage,
    /// `None` without a `config` that succeeded, and with `audio: false`.
    conversation: Option<Conversation>,
    /// The LiveKit room. It carries the audio of both directions instead of the socket.
    room: Option<Connection>,
    /// A frame for which the queue to the client, or to the room, was full. No more audio is produced until it is sent.
    pending: Option<Bytes>,
    /// The timer of the open turn; reset by [`Session::next`].
    deadline: Pin<Box<Sleep>>,
    /// Whether the client was told already that its audio is being dropped.
    dropping: bool,
    /// The server is shutting down: the session ends behind the current sentence.
    draining: bool,
    /// The session ends now.
    over: bool,
}

/// The next event of a session, as [`Session::next`] returns it.
enum Next {
    Input(Option<Input>),
    SttEvent(Option<SttEvent>),
    Forwarded(Forwarded),
    SpeakerActivity(SpeakerActivity),
    Speech(Step),
    Room(RoomWakeup),
    HandedOver,
    Deadline,
    Drain,
    ClientGone,
}

/// Runs a session until the client is gone, or until the server shuts down and neither side is in the middle of a sentence.
pub(crate) async fn run(shared: Shared, channels: SessionChannels) {
    let deadline = Box::pin(tokio::time::sleep_until(tokio::time::Instant::now()));
    let mut session = Session {
        shared,
        channels,
        stage: Stage::Unconfigured,
        conversation: None,
        room: None,
        pending: None,
        deadline,
        dropping: false,
        draining: false,
        over: false,
    };
    while !session.over {
        match session.next().await {
            Next::Input(Some(input)) => session.input(input).await,
            Next::Input(None) | Next::ClientGone => break,
            Next::SttEvent(event) => session.stt_event(event),
            Next::Forwarded(passed) => {
                if let Err(error) = session.passed(passed) {
                    session.fail(&error);
                }
            }
            Next::SpeakerActivity(activity) => session.activity(activity),
            Next::Speech(step) => session.speech(step),
            Next::Room(moment) => session.room_event(moment).await,
            Next::HandedOver => {}
            Next::Deadline => session.tick(),
            Next::Drain => session.draining = true,
        }
        session.end_if_drained();
    }
}

/// Completes when the server begins to shut down, and from then on every [`DRAIN_CHECK`], because a sentence may also end without
/// an event.
async fn drain(stops: &CancellationToken, draining: bool) {
    if draining {
        tokio::time::sleep(DRAIN_CHECK).await;
    } else {
        stops.cancelled().await;
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Returns the time in milliseconds since 1970.
fn timestamp() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(u64::MAX)
}

impl Session {
    /// Waits for the next event. Each source is an optional future, which never completes while the source is absent or must not
    /// be polled. Every branch is cancel safe.
    async fn next(&mut self) -> Next {
        let kept = self.speaks_to_the_end();
        let (mut stt, mut audio_queue, mut detectors, mut speech, mut turn) = (None, None, None, None, None);
        let mut held = false;
        if let Some(conversation) = &mut self.conversation {
            // A client that sends a recording faster than real time is not read while the queue is full.
            held = conversation.audio_queue.is_full();
            audio_queue = Some(&mut conversation.audio_queue).filter(|audio_queue| !audio_queue.is_empty());
            stt = conversation.stt.as_mut().map(|stt| (&stt.audio, &mut stt.events));
            detectors = Some(&mut conversation.detectors);
            speech = Some(&mut conversation.speech).filter(|speech| speech.is_busy());
            turn = conversation.turn.deadline();
        }
        if let Some(at) = turn.map(tokio::time::Instant::from_std)
            && self.deadline.deadline() != at
        {
            self.deadline.as_mut().reset(at);
        }
        let (pending, output) = (&mut self.pending, &self.channels.output);
        let (waits, in_room) = (pending.is_some(), self.room.is_some());
        let (provider, events) = stt.unzip();
        let happened = optional(self.room.as_mut().map(|room| room.next(waits)));
        let stt_event = optional(events.map(mpsc::Receiver::recv));
        let forwarded =
            optional(audio_queue.zip(provider).map(|(audio_queue, provider)| audio_queue.forward(provider)));
        let activity = optional(detectors.map(Detectors::next));
        let spoken = optional(speech.map(SpeechQueue::next));
        tokio::select! {
            input = self.channels.input.recv(), if !held => Next::Input(input),
            event = stt_event => Next::SttEvent(event),
            passed = forwarded => Next::Forwarded(passed),
            activity = activity => Next::SpeakerActivity(activity),
            step = spoken, if !waits => Next::Speech(step),
            moment = happened => Next::Room(moment),
            room = output.reserve_many(KEPT_FREE + 1), if waits && !in_room => match (room, pending.take()) {
                (Ok(mut room), Some(frame)) => {
                    if let Some(place) = room.next() {
                        self.shared.metrics.queued(1);
                        place.send(Output::Audio(self.channels.epoch.tag(kept), frame));
                    }
                    Next::HandedOver
                }
                _ => Next::ClientGone,
            },
            () = self.deadline.as_mut(), if turn.is_some() => Next::Deadline,
            () = drain(&self.shared.draining, self.draining) => Next::Drain,
        }
    }

    async fn input(&mut self, input: Input) {
        let result = match input {
            Input::Audio(audio) => self.audio(audio),
            Input::Malformed(reason) => Err(SessionError::Malformed(reason)),
            Input::Command(Command::Config(setup)) => self.configure(*setup).await,
            Input::Command(Command::Speak { text, allow_interruption, .. }) => {
                self.speak(text, allow_interruption.unwrap_or(true))
            }
            Input::Command(Command::Clear) => self.clear(),
            Input::Command(Command::SendMessage { message, role, topic, debug }) => {
                self.send_message(&message, &role, topic, debug.as_ref())
            }
            Input::Command(Command::SipTransfer { transfer_to }) => {
                self.transfer(&transfer_to);
                Ok(())
            }
            Input::Command(Command::UpdateConfig { vad, turn_detect }) => {
                let threshold = turn_detect.as_ref().and_then(|update| update.threshold);
                match (threshold.filter(|threshold| !(0.0..=1.0).contains(threshold)), &self.conversation) {
                    (Some(wrong), _) => Err(SessionError::Threshold(wrong)),
                    (None, Some(conversation)) => conversation.detectors.update(vad.as_ref(), turn_detect.as_ref()),
                    (None, None) => Ok(()),
                }
            }
            Input::Command(Command::LoadingStart) => self.start_loading(),
            Input::Command(Command::LoadingStop) => {
                self.stop_loading();
                Ok(())
            }
        };
        if let Err(error) = result {
            self.fail(&error);
        }
    }

    async fn configure(&mut self, mut setup: Setup) -> Result<(), SessionError> {
        if self.draining {
            return Err(SessionError::Draining);
        }
        // The previous conversation stops first: one per socket, and none of its audio follows the new `ready`.
        self.conversation = None;
        if let Some(room) = self.room.take() {
            room.leave().await;
        }
        self.pending = None;
        self.channels.epoch.begin();
        self.dropping = false;
        let stream_id = start::stream_id(&setup)?;
        Span::current().record("stream_id", &stream_id);
        self.stage = if setup.audio.unwrap_or(true) { Stage::Failed } else { Stage::WithoutAudio };
        if setup.loading_audio.is_some() && (setup.livekit.is_none() || self.stage == Stage::WithoutAudio) {
            self.fail(&SessionError::LoadingNeedsRoom);
        }
        let unfiltered = start::leave_noise(&mut setup);
        let conversation = start::conversation(&self.shared, &setup).await?;
        let voice = conversation.as_ref().map(|conversation| conversation.speech.voice());
        self.room = start::room(&self.shared, self.channels.tenant.as_deref(), &setup, voice).await?;
        self.conversation = conversation;
        if let Some(conversation) = &self.conversation {
            self.stage = Stage::Ready;
            info!(tts = %conversation.speech.voice().provider(), "session ready");
        } else {
            info!("session ready, without audio");
        }
        self.emit(self.ready(stream_id, setup.livekit.as_ref()));
        // These errors follow `ready`, because to the SDKs an error before it means that there is no session.
        if let (Some(sound), Some(room), Some(_)) = (&setup.loading_audio, &mut self.room, &self.conversation)
            && let Err(error) = room.load(sound).await
        {
            self.fail(&SessionError::Clip(error));
        }
        if unfiltered && self.conversation.is_some() {
            return Err(SessionError::NoNoiseFilter);
        }
        Ok(())
    }

    /// Returns the conversation, or the error that says what the client has to do first.
    fn conversation(&mut self) -> Result<&mut Conversation, SessionError> {
        let missing = match self.stage {
            Stage::Unconfigured | Stage::WithoutAudio => SessionError::AudioDisabled,
            Stage::Failed | Stage::Ready => SessionError::NotConfigured,
        };
        self.conversation.as_mut().ok_or(missing)
    }

    fn speak(&mut self, text: String, allow_interruption: bool) -> Result<(), SessionError> {
        let most = self.shared.config.server.max_text_chars;
        let draining = self.draining;
        let conversation = self.conversation()?;
        let chars = text.chars().count();
        if draining {
            Err(SessionError::Draining)
        } else if chars > most {
            Err(SessionError::TextTooLong { chars, most })
        } else {
            let pushed = conversation.speech.push(text, allow_interruption);
            pushed.map_err(|_| SessionError::SpeechQueueFull)
        }
    }

    fn clear(&mut self) -> Result<(), SessionError> {
        if self.stage == Stage::WithoutAudio {
            return Ok(());
        }
        if self.conversation()?.speech.clear() {
            self.pending = None;
        }
        self.channels.epoch.clear();
        if let Some(room) = &mut self.room {
            room.clear();
        }
        // The end of an uninterruptible text may still have to be reported, if it ended before the texts that are dropped now.
        self.complete();
        Ok(())
    }

    /// Returns whether the current text may not be interrupted.
    fn speaks_to_the_end(&self) -> bool {
        self.conversation.as_ref().is_some_and(|conversation| conversation.speech.is_kept())
    }

    /// Emits `tts_playback_complete` once when everything has been spoken.
    fn complete(&mut self) {
        let complete = self.conversation.as_mut().is_some_and(|conversation| conversation.speech.take_complete());
        if complete {
            self.emit(Event::TtsPlaybackComplete { timestamp: timestamp() });
        }
    }

    fn speech(&mut self, step: Step) {
        match step {
            Step::Audio(frame, latency) => {
                if let Some(latency) = latency
                    && let Some(conversation) = &self.conversation
                {
                    self.shared.metrics.first_audio(conversation.speech.voice().provider(), latency);
                }
                self.play(frame);
            }
            Step::Ended => self.end_utterance(),
            Step::Failed(error) => {
                self.end_utterance();
                self.fail(&SessionError::Tts(error));
            }
        }
        self.complete();
    }

    /// During a shutdown: closes when neither side is in the middle of a sentence.
    fn end_if_drained(&mut self) {
        let is_busy = |c: &Conversation| c.speech.is_busy() || c.turn.is_in_sentence(now());
        let busy = self.conversation.as_ref().is_some_and(is_busy);
        if self.draining && !busy && self.pending.is_none() && !self.over {
            self.send(Output::Close(Close::Shutdown));
            self.over = true;
        }
    }

    /// Emits an `error` event, logs it and counts it.
    fn fail(&mut self, error: &SessionError) {
        self.shared.metrics.session_error(error.kind());
        // A malformed message may contain what a person said, so it is not logged.
        if let SessionError::Malformed(_) = error {
            debug!("rejected a malformed message");
        } else {
            debug!(%error, "sent an error to the client");
        }
        self.emit(Event::Error { message: error.to_string() });
    }

    /// Sends an event to the client.
    fn emit(&mut self, event: Event) {
        self.send(Output::Event(event));
    }

    /// Queues a message to the client. A full queue ends the session, because a slow client must not cost more memory than that.
    fn send(&mut self, output: Output) {
        let Err(refused) = self.channels.output.try_send(output) else {
            self.shared.metrics.queued(1);
            return;
        };
        self.over = true;
        if matches!(refused, TrySendError::Full(_)) {
            // If another end is queued already, that one counts.
            self.channels.close.try_send(Close::SlowReader).ok();
        }
    }
}
