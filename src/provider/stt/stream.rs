//! The task of a transcription, for all vendors: it connects, keeps the connection alive, reconnects, and moves audio in and
//! results out. The dialect defines the bytes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use uuid::Uuid;

use super::clock::{Clock, DEAD, Due, STUCK};
use super::connection::{Connection, ConnectionEvent};
use super::dialect::{A_LITTLE, AudioConversion, Covers, Dialect, Event, Frame};
use super::input::AudioInput;
use super::{SttError, SttEvent, TaskChannels, Transcript};
use crate::outbound::RetryPolicy;
use crate::provider::stats::Count;
use crate::provider::{Credential, Shared};

/// The capacity of the audio channel in pieces: 0.64 s of the usual 20 ms. Further audio waits in the sender's queue, which drops
/// the oldest.
pub(super) const AUDIO: usize = 32;
/// The capacity of the event channel.
pub(super) const EVENTS: usize = 64;
/// The longest time until a vendor accepts audio.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest time for the closing handshake.
const CLOSE: Duration = Duration::from_secs(1);
/// A connection that lasted this long resets the retry count, even without a result.
const STABLE: Duration = Duration::from_secs(10);
/// Six attempts in a row that bring no final words. The pauses between them begin at 0.1 s and double, and each is up to half of
/// itself longer. A result, or a connection of [`STABLE`], resets the count.
const RETRY: RetryPolicy =
    RetryPolicy { attempts: 6, first_pause: Duration::from_millis(100), factor: 2, jitter: true };
/// The longest pause, also where a vendor asks for more.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The task of one transcription. It owns the connection and the audio that may have to be sent again. It ends when the audio has
/// ended and its last results have arrived, when all retries have failed, or when the caller drops its [`super::Stt`].
pub(super) struct SttStream {
    shared: Arc<Shared>,
    credential: Credential,
    dialect: Box<dyn Dialect>,
    input: AudioInput,
    events: mpsc::Sender<SttEvent>,
    connection: Option<Connection>,
    /// Attempts since the last result or stable connection.
    attempts: u32,
    /// The last interim result that was sent, and whether a connection was lost since.
    last_interim: String,
    reconnected: bool,
    /// The last final result: its text, and whether it ended a turn.
    last_final: Option<(String, bool)>,
    /// A connection was lost, and no final result about sent audio has arrived since.
    unconfirmed: bool,
}

/// How a connection ended.
enum End {
    /// In order, behind the end of the audio.
    Finished,
    /// The caller has dropped the events.
    Abandoned,
    Lost(SttError),
}

impl From<SttError> for End {
    fn from(error: SttError) -> Self {
        Self::Lost(error)
    }
}

impl SttStream {
    /// Runs until the audio has ended and its results have arrived, until it fails for good, or until the caller drops its
    /// [`super::Stt`].
    pub(super) async fn run(
        shared: Arc<Shared>,
        credential: Credential,
        dialect: Box<dyn Dialect>,
        conversion: AudioConversion,
        channels: TaskChannels,
    ) {
        let TaskChannels { audio, events, ready, stop } = channels;
        shared.stats.count(credential.provider, Count::Session);
        let mut stream = Self {
            shared,
            credential,
            dialect,
            input: AudioInput::new(audio, conversion),
            events,
            connection: None,
            attempts: 0,
            last_interim: String::new(),
            reconnected: false,
            last_final: None,
            unconfirmed: false,
        };
        tokio::select! {
            _ = stop => {}
            () = stream.keep_connected(ready) => {}
        }
        if let Some(connection) = stream.connection.take() {
            connection.close(CLOSE).await;
        }
    }

    /// Opens one connection after the other, with pauses by [`RETRY`].
    async fn keep_connected(&mut self, ready: oneshot::Sender<Result<(), SttError>>) {
        let mut ready = Some(ready);
        loop {
            self.attempts += 1;
            let error = match self.connect().await {
                Ok(()) => {
                    // The caller may have given up.
                    ready.take().map(|ready| ready.send(Ok(())));
                    let begun = Instant::now();
                    let End::Lost(error) = self.exchange().await else { return };
                    if begun.elapsed() >= STABLE {
                        self.attempts = 0;
                    }
                    error
                }
                Err(error) => error,
            };
            self.connection = None;
            self.reconnected = true;
            self.unconfirmed = true;
            self.shared.stats.count(self.credential.provider, Count::Error(error.kind()));
            let error = match self.input.beheaded() {
                Some(container) => SttError::Beheaded { container, last: Box::new(error) },
                None => error,
            };
            if !error.is_retryable() || RETRY.is_exhausted(self.attempts) {
                self.give_up(error, ready).await;
                return;
            }
            if self.input.ended {
                return;
            }
            let pause = RETRY.pause(self.attempts, error.retry_after()).min(MAX_PAUSE);
            self.shared.stats.count(self.credential.provider, Count::Reconnect);
            tracing::warn!(provider = %self.credential.provider, attempt = self.attempts, %error, "connection lost");
            if self.events.send(SttEvent::Reconnecting(error)).await.is_err() {
                return;
            }
            self.input.during(sleep(pause)).await;
        }
    }

    async fn give_up(&mut self, error: SttError, ready: Option<oneshot::Sender<Result<(), SttError>>>) {
        let attempts = self.attempts;
        self.shared.stats.count(self.credential.provider, Count::GaveUp);
        let error = if attempts > 1 { SttError::GaveUp { attempts, last: Box::new(error) } } else { error };
        match ready {
            // The caller still waits for the first connection.
            Some(ready) => drop(ready.send(Err(error))),
            None => drop(self.events.send(SttEvent::Error(error)).await),
        }
    }

    /// Opens a connection that accepts audio. The backlog is sent on it from its beginning.
    async fn connect(&mut self) -> Result<(), SttError> {
        let Self { shared, credential, dialect, input, connection, .. } = self;
        let (provider, own) = (credential.provider, credential.own);
        let handshake = dialect.open(Uuid::new_v4());
        let connect = async {
            let mut fresh = Connection::open(provider, own, handshake, &shared.outbound).await?;
            for frame in dialect.hello(SystemTime::now()) {
                fresh.write(frame)?;
            }
            while dialect.waits() || fresh.is_unflushed() {
                match fresh.next(!dialect.waits()).await? {
                    ConnectionEvent::Writable => break,
                    ConnectionEvent::Activity => {}
                    ConnectionEvent::Message(frame) => match dialect.read(&frame)? {
                        Some(Event::Ready) => break,
                        Some(Event::Error(error)) => return Err(error),
                        Some(Event::Finished | Event::Result(..)) | None => {}
                    },
                }
            }
            Ok(fresh)
        };
        let timed_out = SttError::Timeout { provider, what: "take the connection", limit: CONNECT };
        // Boxed, so that the 20 KB of state of the TLS and WebSocket handshakes are freed once it is connected.
        let connect = Box::pin(timeout(CONNECT, connect));
        let fresh = input.during(connect).await.unwrap_or(Err(timed_out))?;
        *connection = Some(fresh);
        self.input.backlog.rewind();
        Ok(())
    }

    /// Sends audio and receives results until the connection ends.
    async fn exchange(&mut self) -> End {
        let mut clock = Clock::new();
        loop {
            if let Err(end) = self.step(&mut clock).await {
                return end;
            }
        }
    }

    /// Handles one event of the connection, the audio channel or the clock.
    async fn step(&mut self, clock: &mut Clock) -> Result<(), End> {
        let Self { dialect, input, connection, .. } = self;
        let Some(connection) = connection else { return Err(End::Abandoned) };
        if input.fill() {
            yield_now().await;
        }
        if input.is_done() && !clock.is_finishing() {
            clock.finishes();
            for frame in dialect.finish(SystemTime::now()) {
                connection.write(frame)?;
            }
        }
        clock.unflushed(connection.is_unflushed());
        tokio::select! {
            biased;
            // Results first: they are few, and the client waits for them.
            event = connection.next(input.backlog.has_next()) => match event {
                Ok(ConnectionEvent::Writable) => {
                    // Everything before it was sent.
                    clock.unflushed(false);
                    if let Some(audio) = input.backlog.next() {
                        connection.write(dialect.audio(audio, SystemTime::now()))?;
                        clock.wrote(input.sounding.silent_at());
                    }
                }
                Ok(ConnectionEvent::Activity) => clock.received(),
                Ok(ConnectionEvent::Message(frame)) => {
                    clock.received();
                    if self.read(&frame).await? {
                        clock.received_final(!self.input.backlog.has_unanswered());
                    }
                }
                // The last results have arrived, or never will.
                Err(_) if clock.is_finishing() => return Err(End::Finished),
                Err(error) => return Err(error.into()),
            },
            piece = input.audio.recv(), if input.wants_more() => input.take(piece),
            () = sleep_until(clock.next()) => self.tick(clock)?,
        }
        Ok(())
    }

    /// Handles a message. Returns true if it is a final result.
    async fn read(&mut self, frame: &Frame) -> Result<bool, End> {
        let mut is_final = false;
        let event = match self.dialect.read(frame)? {
            None | Some(Event::Ready) => return Ok(false),
            Some(Event::Finished) if self.input.ended => return Err(End::Finished),
            Some(Event::Finished) => {
                let (provider, reason) = (self.credential.provider, "the vendor has ended the turn".to_owned());
                return Err(SttError::Closed { provider, code: None, reason }.into());
            }
            Some(Event::Result(transcript, covers)) => {
                is_final = transcript.is_final;
                if !self.is_new(&transcript, covers) {
                    return Ok(is_final);
                }
                SttEvent::Result(transcript)
            }
            Some(Event::Error(error)) => {
                self.shared.stats.count(self.credential.provider, Count::Error(error.kind()));
                SttEvent::Error(error)
            }
        };
        self.events.send(event).await.map(|()| is_final).map_err(|_| End::Abandoned)
    }

    /// Records a result, and returns whether it goes to the client. A final result about sent audio resets the retry count. Two
    /// kinds of results are kept back. After a reconnect, the interim results begin again, so those that the client has already
    /// are dropped. And some vendors repeat on each connection a final result that is not about any sent audio: the client gets
    /// it once.
    fn is_new(&mut self, result: &Transcript, covers: Covers) -> bool {
        let Self { last_interim, reconnected, .. } = self;
        if result.is_final {
            last_interim.clear();
            let settled = self.input.settle(covers);
            if settled && !result.transcript.trim().is_empty() {
                self.attempts = 0;
            }
            self.unconfirmed &= !settled;
            let this = Some((result.transcript.clone(), result.is_speech_final));
            let is_known = self.unconfirmed && self.last_final == this;
            self.last_final = this;
            return !is_known;
        }
        if *reconnected && last_interim.starts_with(&result.transcript) {
            return false;
        }
        *reconnected = false;
        last_interim.clone_from(&result.transcript);
        true
    }

    /// Handles what the clock is due for.
    fn tick(&mut self, clock: &mut Clock) -> Result<(), End> {
        let provider = self.credential.provider;
        let Self { dialect, input, connection, .. } = self;
        let Some(connection) = connection else { return Err(End::Abandoned) };
        clock.unflushed(connection.is_unflushed());
        let now = SystemTime::now();
        match clock.due() {
            Some(Due::Finished) => return Err(End::Finished),
            Some(Due::Stuck) => return Err(SttError::Timeout { provider, what: "take any audio", limit: STUCK }.into()),
            Some(Due::Dead) => {
                return Err(SttError::Timeout { provider, what: "give a sign of life", limit: DEAD }.into());
            }
            Some(Due::Ping) => connection.ping()?,
            // Silence must not overtake audio that is still to be sent.
            Some(Due::Pause { .. }) if !input.is_sent() => clock.wrote(input.sounding.silent_at()),
            Some(Due::Pause { silence, first }) => {
                if let Some(silence) = dialect.silence(silence) {
                    input.backlog.passed(silence.len());
                    connection.write(dialect.audio(silence, now))?;
                    clock.wrote_more();
                }
                if let Some(frame) = dialect.flush(now).filter(|_| first) {
                    connection.write(frame)?;
                    clock.wrote_more();
                }
            }
            Some(Due::Idle) if !clock.is_finishing() => {
                if let Some(frame) = dialect.idle(now) {
                    // It shifts the vendor's time of all audio behind it.
                    input.backlog.passed(dialect.silence(A_LITTLE).map_or(0, |silence| silence.len()));
                    connection.write(frame)?;
                }
            }
            Some(Due::Idle) | None => {}
        }
        Ok(())
    }
}
