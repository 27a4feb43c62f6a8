//! The one client of all recognition: a task that connects, keeps the connection alive, seeks a lost one again, and moves
//! audio in and results out. What the bytes mean is the dialect's business.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use uuid::Uuid;

use super::dialect::{Dialect, Event, Frame, Intake};
use super::input::Input;
use super::link::{Link, Woke};
use super::{SttError, SttEvent};
use crate::provider::stats::Count;
use crate::provider::{Credential, Shared};

/// Pieces of audio that may wait here: 2 s of the usual 20 ms.
pub(super) const AUDIO: usize = 100;
/// Events that may wait for whoever listens.
pub(super) const EVENTS: usize = 64;
/// Until a vendor takes audio.
const CONNECT: Duration = Duration::from_secs(10);
/// Silence of ours after which the dialect says that we are still there.
const IDLE: Duration = Duration::from_secs(1);
/// Silence of the vendor's after which it is asked for a sign of life, and after which it is taken for dead.
const PING: Duration = Duration::from_secs(10);
const DEAD: Duration = Duration::from_secs(20);
/// As long as a vendor may take nothing of what is written.
const STUCK: Duration = Duration::from_secs(5);
/// Until the last results have come; where some have, until no more do.
const FINISH: Duration = Duration::from_secs(3);
const QUIET: Duration = Duration::from_millis(500);
/// Until a connection that nobody needs any more is closed in order.
const CLOSE: Duration = Duration::from_secs(1);
/// A connection that has lasted as long was a good one, whether or not anybody spoke.
const STABLE: Duration = Duration::from_secs(10);
/// Attempts in a row that bring no result, and the pauses between them: 0.1 s, doubled each time, and up to half of it more.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause that a vendor can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A transcription.
pub(super) struct Socket {
    shared: Arc<Shared>,
    credential: Credential,
    dialect: Box<dyn Dialect>,
    input: Input,
    events: mpsc::Sender<SttEvent>,
    link: Option<Link>,
    /// Attempts since something good happened.
    attempts: u32,
}

/// How a connection has ended.
enum End {
    /// As it should.
    Finished,
    /// Nobody listens any more.
    Unheard,
    Lost(SttError),
}

impl From<SttError> for End {
    fn from(error: SttError) -> Self {
        Self::Lost(error)
    }
}

impl Socket {
    pub(super) fn new(
        shared: Arc<Shared>,
        credential: Credential,
        (dialect, intake): (Box<dyn Dialect>, Intake),
        audio: mpsc::Receiver<Bytes>,
        events: mpsc::Sender<SttEvent>,
    ) -> Self {
        Self { shared, credential, dialect, input: Input::new(audio, intake), events, link: None, attempts: 0 }
    }

    /// Runs until the audio has ended and its results have come, until it fails for good, or until `stop` is dropped. `ready`
    /// is told of the first connection, or why there is none.
    pub(super) async fn run(
        mut self,
        ready: oneshot::Sender<Result<(), SttError>>,
        stop: oneshot::Receiver<std::convert::Infallible>,
    ) {
        self.shared.stats.count(self.credential.provider, Count::Session);
        tokio::select! {
            _ = stop => {}
            () = self.seek(ready) => {}
        }
        self.tell_lost();
        if let Some(link) = self.link.take() {
            link.close(CLOSE).await;
        }
    }

    /// Connection after connection.
    async fn seek(&mut self, ready: oneshot::Sender<Result<(), SttError>>) {
        let mut ready = Some(ready);
        loop {
            self.attempts += 1;
            let error = match self.connect().await {
                Ok(()) => {
                    // Whoever waited may have given up.
                    ready.take().map(|ready| ready.send(Ok(())));
                    let begun = Instant::now();
                    let End::Lost(error) = self.converse().await else { return };
                    if begun.elapsed() >= STABLE {
                        self.attempts = 0;
                    }
                    error
                }
                Err(error) => error,
            };
            self.link = None;
            self.shared.stats.count(self.credential.provider, Count::Error(error.kind()));
            if !error.is_retryable() || self.attempts >= ATTEMPTS {
                self.give_up(error, ready).await;
                return;
            }
            if self.input.ended {
                return;
            }
            let pause = pause(self.attempts, &error);
            self.shared.stats.count(self.credential.provider, Count::Reconnect);
            tracing::warn!(provider = %self.credential.provider, attempt = self.attempts, %error, "connection lost");
            if self.events.send(SttEvent::Reconnecting(error)).await.is_err() {
                return;
            }
            self.input.during(sleep(pause)).await;
        }
    }

    fn tell_lost(&mut self) {
        self.shared.stats.dropped(self.credential.provider, std::mem::take(&mut self.input.lost));
    }

    async fn give_up(&mut self, error: SttError, ready: Option<oneshot::Sender<Result<(), SttError>>>) {
        let attempts = self.attempts;
        let error = if attempts > 1 { SttError::GaveUp { attempts, last: Box::new(error) } } else { error };
        match ready {
            // Whoever waits is told, and nobody else is there.
            Some(ready) => drop(ready.send(Err(error))),
            None => drop(self.events.send(SttEvent::Error(error)).await),
        }
    }

    /// A connection on which audio may go out; everything that is kept is to go out on it.
    async fn connect(&mut self) -> Result<(), SttError> {
        let Self { shared, credential, dialect, input, link, .. } = self;
        let (provider, own) = (credential.provider, credential.own);
        let handshake = dialect.open(Uuid::new_v4());
        let connect = async {
            let mut fresh = Link::open(provider, own, handshake, &shared.outbound).await?;
            for frame in dialect.hello(SystemTime::now()) {
                fresh.write(frame)?;
            }
            while dialect.waits() || fresh.is_unflushed() {
                match fresh.next(!dialect.waits()).await? {
                    Woke::Writable => break,
                    Woke::Alive => {}
                    Woke::Message(frame) => match dialect.read(&frame)? {
                        Some(Event::Ready) => break,
                        Some(Event::Error(error)) => return Err(error),
                        Some(Event::Finished | Event::Result(_)) | None => {}
                    },
                }
            }
            Ok(fresh)
        };
        let timed_out = SttError::Timeout { provider, what: "take the connection", limit: CONNECT };
        // In a box of its own, which is gone once it is connected: the handshakes of TLS and WebSocket have 20 KB of state.
        let connect = Box::pin(timeout(CONNECT, connect));
        let fresh = input.during(connect).await.unwrap_or(Err(timed_out))?;
        *link = Some(fresh);
        self.input.backlog.rewind();
        self.tell_lost();
        Ok(())
    }

    /// Audio out, results in, until the connection ends.
    async fn converse(&mut self) -> End {
        let mut clock = Clock::new();
        loop {
            if let Err(end) = self.step(&mut clock).await {
                return end;
            }
        }
    }

    async fn step(&mut self, clock: &mut Clock) -> Result<(), End> {
        let Self { dialect, input, link, .. } = self;
        let Some(link) = link else { return Err(End::Unheard) };
        if input.fill(false) {
            yield_now().await;
        }
        if input.is_done() && clock.finish.is_none() {
            clock.finish = Some(Instant::now() + FINISH);
            for frame in dialect.finish(SystemTime::now()) {
                link.write(frame)?;
            }
        }
        clock.stuck = link.is_unflushed().then(|| clock.stuck.unwrap_or_else(|| Instant::now() + STUCK));
        tokio::select! {
            biased;
            // Results first: they are few, and somebody waits for them.
            woke = link.next(input.backlog.has_next()) => match woke {
                Ok(Woke::Writable) => {
                    // Everything before it has gone out.
                    clock.stuck = None;
                    if let Some(audio) = input.backlog.next() {
                        link.write(dialect.audio(audio, SystemTime::now()))?;
                        clock.wrote();
                    }
                }
                Ok(Woke::Alive) => clock.heard(),
                Ok(Woke::Message(frame)) => {
                    clock.heard();
                    if self.read(&frame).await? {
                        clock.quieten();
                    }
                }
                // What was to come has come, or will not.
                Err(_) if clock.finish.is_some() => return Err(End::Finished),
                Err(error) => return Err(error.into()),
            },
            piece = input.audio.recv(), if input.wants_more() => input.take(piece),
            () = sleep_until(clock.next()) => self.tick(clock)?,
        }
        Ok(())
    }

    /// Takes a message; true when it has final words.
    async fn read(&mut self, frame: &Frame) -> Result<bool, End> {
        let mut is_final = false;
        let event = match self.dialect.read(frame)? {
            None | Some(Event::Ready) => return Ok(false),
            Some(Event::Finished) if self.input.ended => return Err(End::Finished),
            Some(Event::Finished) => {
                let (provider, reason) = (self.credential.provider, "the vendor has ended the turn".to_owned());
                return Err(SttError::Closed { provider, code: None, reason }.into());
            }
            Some(Event::Result(transcript)) => {
                self.attempts = 0;
                is_final = transcript.is_final;
                if is_final {
                    self.input.backlog.settle();
                }
                SttEvent::Result(transcript)
            }
            Some(Event::Error(error)) => {
                self.shared.stats.count(self.credential.provider, Count::Error(error.kind()));
                SttEvent::Error(error)
            }
        };
        self.events.send(event).await.map(|()| is_final).map_err(|_| End::Unheard)
    }

    /// Some time has passed in which nothing happened.
    fn tick(&mut self, clock: &mut Clock) -> Result<(), End> {
        let (now, provider) = (Instant::now(), self.credential.provider);
        let Some(link) = &mut self.link else { return Err(End::Unheard) };
        if clock.finish.is_some_and(|finish| finish <= now) {
            return Err(End::Finished);
        }
        clock.stuck = clock.stuck.filter(|_| link.is_unflushed());
        if clock.stuck.is_some_and(|stuck| stuck <= now) {
            return Err(SttError::Timeout { provider, what: "take any audio", limit: STUCK }.into());
        }
        if clock.heard + DEAD <= now {
            return Err(SttError::Timeout { provider, what: "give a sign of life", limit: DEAD }.into());
        }
        if clock.heard + PING <= now && !clock.pinged {
            clock.pinged = true;
            link.ping()?;
        }
        if clock.wrote + IDLE <= now {
            clock.wrote();
            if clock.finish.is_none()
                && let Some(frame) = self.dialect.idle(SystemTime::now())
            {
                link.write(frame)?;
            }
        }
        Ok(())
    }
}

/// When things have happened on a connection.
struct Clock {
    wrote: Instant,
    heard: Instant,
    pinged: bool,
    /// What is written must have gone out by then.
    stuck: Option<Instant>,
    /// The audio has ended, and everything must have come by then.
    finish: Option<Instant>,
}

impl Clock {
    fn new() -> Self {
        let now = Instant::now();
        Self { wrote: now, heard: now, pinged: false, stuck: None, finish: None }
    }

    fn wrote(&mut self) {
        self.wrote = Instant::now();
    }

    fn heard(&mut self) {
        (self.heard, self.pinged) = (Instant::now(), false);
    }

    /// The last words may have come.
    fn quieten(&mut self) {
        self.finish = self.finish.map(|finish| finish.min(Instant::now() + QUIET));
    }

    /// When something is to be done next.
    fn next(&self) -> Instant {
        let silence = self.heard + if self.pinged { DEAD } else { PING };
        let limits = [self.stuck, self.finish].into_iter().flatten();
        limits.chain([self.wrote + IDLE, silence]).min().unwrap_or(silence)
    }
}

fn pause(attempts: u32, error: &SttError) -> Duration {
    let pause = FIRST_PAUSE * 2_u32.pow(attempts.saturating_sub(1).min(10));
    // Sessions that were lost together do not come back together.
    let [random, ..] = *Uuid::new_v4().as_bytes();
    let pause = pause + pause * u32::from(random) / 512;
    match error {
        SttError::Refused { retry_after: Some(after), .. } => pause.max(*after),
        _ => pause,
    }
    .min(LONGEST_PAUSE)
}
