//! A session's socket: frames on one side, the session's channels on the other.
//!
//! The reader, the session and the writer run in one task, so a chunk crosses from one to the next without a switch of threads.
//! The channels between them are bounded. A busy session holds up the client's sending, and a client that does not read is
//! disconnected.
//!
//! # Who ends whom
//!
//! The three end each other through their channels only, in one of four ways:
//!
//! 1. The client leaves. The reader ends and drops `input`. The session sees the end of its input and drops `output`. The writer sees
//!    the end of the output, answers the close frame and ends. The session has 2 × `LINGER` for that; then it is dropped, even if it is
//!    still connecting to a provider.
//! 2. The session ends (shutdown, a participant left, a slow client). It queues `Output::Close`, or sends a `Close` by `close` if the
//!    queue is full. The writer sends the close frame and ends. The reader has `LINGER` for the client's answer.
//! 3. The reader finds an invalid or too large message. It sends a `Close` and reports that the rest of the connection cannot be
//!    understood. The writer sends the close frame. Then the unread bytes are drained for at most `LINGER`, because closing with unread
//!    bytes would reset the connection and lose the frame.
//! 4. The writer ends by itself: the client answers no pings, `cut` is cancelled (the time to shut down is over), or the connection is
//!    broken. [`both`] then drops the session, whatever it does, and the reader has `LINGER`.
//!
//! `close` holds one value, so if two parts end the connection at once, the first one counts.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::metrics::Metrics;
use crate::voice::{self, Close, Command, Epoch, Input, KEPT_FREE, Output, SessionChannels, Shared};

/// Bytes of each socket's own buffers. The library's default is 128 KiB, which voice messages do not need.
const BUFFER: usize = 8 * 1024;

/// The most bytes that wait to be written: the largest frame, and answers to pings.
const MAX_UNWRITTEN: usize = 64 * 1024;

/// The capacity of the channels from the reader to the session and from the session to the writer. Audio leaves half of the
/// latter free.
const INPUT: usize = 64;
const OUTPUT: usize = 2 * KEPT_FREE;

/// Bytes that a `config` may have beyond `server.max_message_bytes`: a loading sound of 1.92 MB, which is a third longer in
/// base64.
const LOADING_BYTES: usize = 2_560_000;

/// How long the client may take to receive and answer the end of the connection.
const LINGER: Duration = Duration::from_secs(3);

type Sink<S> = SplitSink<WebSocketStream<S>, Message>;
type Stream<S> = SplitStream<WebSocketStream<S>>;

/// Runs a tenant's session on `io` until either side ends it; see "Who ends whom" above. With `refusal`, it only sends that close
/// frame.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    io: S,
    shared: Shared,
    tenant: Option<String>,
    refusal: Option<Close>,
) {
    let most = shared.config.server.max_message_bytes;
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        // Each message is sent at once, so that none is still buffered when `clear` arrives.
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_UNWRITTEN)
        .max_message_size(Some(most + LOADING_BYTES))
        .max_frame_size(Some(most + LOADING_BYTES));
    let (mut sink, mut stream) = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await.split();
    if let Some(close) = refusal {
        info!(?close, "session refused");
        shared.metrics.session_closed(end(&mut sink, close).await);
        timeout(LINGER, drain(&mut stream)).await.ok();
        return;
    }
    let _open = shared.metrics.session();
    let alive = Alive::new(shared.config.server.pong_timeout);
    let (input, inputs) = mpsc::channel(INPUT);
    let (output, outputs) = mpsc::channel(OUTPUT);
    let (close, closes) = mpsc::channel(1);
    let epoch = Epoch::default();
    let channels = SessionChannels { tenant, input: inputs, output, close: close.clone(), epoch: epoch.clone() };
    let ping = shared.config.server.ping;
    let session = voice::run(shared.clone(), channels);
    let broken = {
        let outputs = Outputs { queue: outputs, metrics: &shared.metrics };
        let writer = Writer { sink: &mut sink, outputs, closes, cut: &shared.cut, epoch, alive: &alive };
        let mut conversation = pin!(both(session, writer.run(ping)));
        let mut reading = pin!(read(&mut stream, input, close, &alive, most));
        tokio::select! {
            // The session sees the end of its input, and the writer that of the output.
            broken = &mut reading => { timeout(2 * LINGER, conversation).await.ok(); broken }
            ended = &mut conversation => {
                shared.metrics.session_closed(ended);
                timeout(LINGER, reading).await.unwrap_or(false)
            }
        }
    };
    // Closing with unread bytes would reset the connection and lose the close frame.
    if broken && let Ok(socket) = sink.reunite(stream) {
        timeout(LINGER, tokio::io::copy(&mut socket.into_inner(), &mut tokio::io::sink())).await.ok();
    }
    info!("session ended");
}

/// Runs the session and the writer until the writer ends. The end of the session makes the writer end.
async fn both(session: impl Future<Output = ()>, writing: impl Future<Output = u16>) -> u16 {
    let mut writing = pin!(writing);
    tokio::select! {
        () = session => writing.await,
        code = &mut writing => code,
    }
}

/// Passes frames to the session until the client is gone. Returns true if the rest of the connection cannot be understood.
async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut Stream<S>,
    input: mpsc::Sender<Input>,
    close: mpsc::Sender<Close>,
    alive: &Alive,
    most: usize,
) -> bool {
    let refuse = |why| {
        // If another end is queued already, that one counts.
        close.try_send(why).ok();
        true
    };
    loop {
        let message = match stream.next().await {
            Some(Ok(message)) => message,
            Some(Err(Error::Capacity(_))) => return refuse(Close::TooLarge),
            // Leaving without a close frame is common, and not a protocol error.
            Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => return false,
            Some(Err(Error::Protocol(_))) => return refuse(Close::Protocol),
            Some(Err(Error::Utf8(_))) => return refuse(Close::NotUtf8),
            Some(Err(_)) | None => return false,
        };
        alive.sign();
        let next = match message {
            // To some vendors, an empty frame means the end of the stream.
            Message::Binary(audio) if audio.is_empty() => continue,
            Message::Binary(audio) if audio.len() <= most => Input::Audio(audio),
            Message::Text(text) => match parse(&text) {
                Input::Command(Command::Config(setup)) if setup.loading_audio.is_some() => {
                    Input::Command(Command::Config(setup))
                }
                other if text.len() <= most => other,
                _ => return refuse(Close::TooLarge),
            },
            Message::Binary(_) => return refuse(Close::TooLarge),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => continue,
        };
        // After the end of the session, frames are only read to find the answer to the close frame.
        if let Err(TrySendError::Full(next)) = input.try_send(next) {
            // The client's answers to pings are queued behind audio that the server does not read now.
            alive.wait(true);
            input.send(next).await.ok();
            alive.wait(false);
        }
    }
}

/// Parses a text frame.
fn parse(text: &str) -> Input {
    Command::read(text).map_or_else(Input::Malformed, Input::Command)
}

async fn drain<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut Stream<S>) {
    while let Some(Ok(_)) = stream.next().await {}
}

struct Writer<'a, S> {
    sink: &'a mut Sink<S>,
    outputs: Outputs<'a>,
    closes: mpsc::Receiver<Close>,
    cut: &'a CancellationToken,
    epoch: Epoch,
    alive: &'a Alive,
}

/// The session's queued output, with its gauge in the metrics.
struct Outputs<'a> {
    queue: mpsc::Receiver<Output>,
    metrics: &'a Metrics,
}

impl Outputs<'_> {
    async fn next(&mut self) -> Option<Output> {
        let output = self.queue.recv().await?;
        self.metrics.queued(-1);
        Some(output)
    }
}

impl Drop for Outputs<'_> {
    fn drop(&mut self) {
        self.metrics.queued(-i64::try_from(self.queue.len()).unwrap_or_default());
    }
}

/// Why a writer stops.
enum Stop {
    /// Send this close frame.
    Close(Close),
    /// The connection is broken.
    Broken,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Writer<'_, S> {
    /// Writes the session's messages, and pings between them, until the session or the connection ends. Returns the close code.
    async fn run(mut self, ping: Duration) -> u16 {
        let mut pings = interval_at(Instant::now() + ping, ping);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let message = tokio::select! {
                biased;
                Some(close) = self.closes.recv() => return end(self.sink, close).await,
                () = self.cut.cancelled() => return end(self.sink, Close::Shutdown).await,
                _ = pings.tick() => if self.alive.is_over() {
                    return end(self.sink, Close::Silent).await;
                } else {
                    Message::Ping(Bytes::new())
                },
                output = self.outputs.next() => match output {
                    Some(Output::Event(event)) => Message::Text(Utf8Bytes::from(event.to_json())),
                    Some(Output::Audio(tag, frame)) if self.epoch.is_current(tag) => Message::Binary(frame),
                    Some(Output::Audio(..)) => continue,
                    Some(Output::Close(close)) => return end(self.sink, close).await,
                    None => {
                        // The client has left, or its close frame gets its answer.
                        timeout(LINGER, self.sink.close()).await.ok();
                        return 1000;
                    }
                },
            };
            match self.send(message, &mut pings).await {
                Ok(()) => {}
                Err(Stop::Close(close)) => return end(self.sink, close).await,
                Err(Stop::Broken) => return 1006,
            }
        }
    }

    /// Sends a message, for as long as the client is alive and nothing else ends the connection.
    async fn send(&mut self, message: Message, pings: &mut Interval) -> Result<(), Stop> {
        let mut sending = pin!(self.sink.send(message));
        loop {
            tokio::select! {
                sent = &mut sending => return sent.map_err(|_| Stop::Broken),
                Some(close) = self.closes.recv() => return Err(Stop::Close(close)),
                () = self.cut.cancelled() => return Err(Stop::Close(Close::Shutdown)),
                _ = pings.tick() => if self.alive.is_over() {
                    return Err(Stop::Close(Close::Silent));
                },
            }
        }
    }
}

/// Sends the close frame, if the client takes it in time. Returns its code.
async fn end<S: AsyncRead + AsyncWrite + Unpin>(sink: &mut Sink<S>, close: Close) -> u16 {
    let (code, reason) = close.frame();
    info!(code, reason, "closing the session");
    let frame = CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::from_static(reason) };
    // A client that does not read gets no close frame.
    timeout(LINGER, sink.send(Message::Close(Some(frame)))).await.ok();
    code
}

/// When the client last sent a frame. The reader and the writer share it.
struct Alive {
    begun: Instant,
    /// Milliseconds since `begun`.
    last: AtomicU64,
    /// The server does not read from the client now.
    waits: AtomicBool,
    timeout: Duration,
}

impl Alive {
    fn new(timeout: Duration) -> Self {
        Self { begun: Instant::now(), last: AtomicU64::new(0), waits: AtomicBool::new(false), timeout }
    }

    /// Records a frame of any kind, not only the answer to a ping.
    fn sign(&self) {
        self.last.store(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Records whether the server waits for the session. A client that is not read counts as alive.
    fn wait(&self, waits: bool) {
        self.waits.store(waits, Ordering::Relaxed);
        self.sign();
    }

    fn is_over(&self) -> bool {
        !self.waits.load(Ordering::Relaxed)
            && self.begun + Duration::from_millis(self.last.load(Ordering::Relaxed)) + self.timeout <= Instant::now()
    }
}
