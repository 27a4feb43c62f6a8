//! One conversation over channels: recognition, turns and synthesis. This module does not know how a client is connected.
//!
//! Three tasks meet in a session. Only the first one knows the conversation; the others know channels.
//!
//! ```text
//!              input (commands, audio)             audio
//!  ws::socket ------------------------> session -----------------------> SttStream (provider::stt)
//!  reader,    <------------------------ task    <----------------------- its own task, one per transcription
//!  writer      output (events, audio)   |    ^     results, errors
//!                                       v    |
//!                          audio, settings   speaker activity
//!                                       |    ^
//!                                       v    |
//!                                     detectors: their own task, only with `turn-detect`
//! ```
//!
//! The reader, the session and the writer of one socket run in one task; see `ws::socket`. Every channel is bounded. The session
//! never waits for a full one:
//!
//! | channel | when it is full |
//! |---|---|
//! | input | the reader waits, so the client's sending is held up |
//! | output | the session closes with 1008: the client reads too slowly; audio leaves `KEPT_FREE` places for events |
//! | audio to the provider | audio waits in `audio_queue`, which drops the oldest |
//! | audio to the detectors | the detectors are bypassed, and the timers decide ([`SpeakerActivity::Unknown`]) |
//! | audio to the room | the frame waits in the session, which then asks for no more audio |

mod audio_queue;
#[cfg(feature = "turn-detect")]
mod detectors;
#[cfg(not(feature = "turn-detect"))]
mod detectors_off;
mod message;
mod session;
mod speech;
mod start;
mod turn;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

#[cfg(feature = "turn-detect")]
pub(crate) use detectors::Detection;
#[cfg(feature = "turn-detect")]
use detectors::Detectors;
#[cfg(not(feature = "turn-detect"))]
use detectors_off::Detectors;
pub use message::{
    Arrival, Command, Event, LivekitSetup, RoomMessage, Setup, Subscription, TurnDetectUpdate, VadUpdate,
};
pub(crate) use session::{KEPT_FREE, SessionChannels, run};
pub use turn::{DECISION, SpeakerActivity, Turn, VadEvent};

use crate::config::Config;
use crate::error::ORIGIN_REFUSED;
use crate::metrics::Metrics;
use crate::provider::Providers;
use crate::room::Rooms;

/// The state that all sessions share. `App` owns it for the life of the server. It never changes.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) config: Arc<Config>,
    pub(crate) providers: Providers,
    /// `None` if the configuration has no keys for `LiveKit`.
    pub(crate) rooms: Option<Rooms>,
    pub(crate) metrics: Arc<Metrics>,
    /// The models of turn detection. `None` if they are disabled or not installed.
    #[cfg(feature = "turn-detect")]
    pub(crate) detection: Option<Arc<Detection>>,
    /// Cancelled when the server begins to shut down.
    pub(crate) draining: CancellationToken,
    /// Cancelled when the time to shut down is over.
    pub(crate) cut: CancellationToken,
}

/// Awaits the future. Without one, it never completes.
async fn optional<F: Future>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

/// A message from the client to the session, in the order of arrival.
#[derive(Debug)]
pub(crate) enum Input {
    /// A binary frame.
    Audio(Bytes),
    /// A text frame.
    Command(Command),
    /// A text frame that is not a valid message, with the reason.
    Malformed(String),
}

/// A message from the session to the client. The writer keeps their order.
#[derive(Debug)]
pub(crate) enum Output {
    /// A text frame.
    Event(Event),
    /// A binary frame. The writer skips it if its tag is no longer current.
    Audio(Tag, Bytes),
    /// The end of the connection.
    Close(Close),
}

/// Why the server closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    /// The server shuts down.
    Shutdown,
    /// The client reads too slowly.
    SlowReader,
    /// The client has sent no frame for `server.pong_timeout_seconds`.
    Silent,
    /// The page's origin is not allowed.
    Origin,
    /// A message exceeds `server.max_message_bytes`.
    TooLarge,
    /// Invalid WebSocket frames.
    Protocol,
    /// A text frame is not UTF-8.
    NotUtf8,
    /// A participant has left the room.
    Left,
}

impl Close {
    /// Returns the code and the reason of the close frame (RFC 6455, section 7.4.1).
    pub(crate) fn frame(self) -> (u16, &'static str) {
        match self {
            Self::Shutdown => (1001, "the server is shutting down"),
            Self::SlowReader => (1008, "the client reads too slowly"),
            Self::Silent => (1008, "the client does not answer pings"),
            Self::Origin => (1008, ORIGIN_REFUSED),
            Self::Protocol => (1002, "not the WebSocket protocol"),
            Self::NotUtf8 => (1007, "a text frame is not UTF-8"),
            Self::Left => (1000, "a participant has left the room"),
            Self::TooLarge => (1009, "a message exceeds server.max_message_bytes"),
        }
    }
}

/// Counts how often the audio of a client was dropped. The session and the writer of one socket share it: the session advances
/// it, and the writer skips audio with an older [`Tag`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Epoch(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// How often a conversation began.
    begun: AtomicU64,
    /// How often a client sent `clear`.
    cleared: AtomicU64,
}

/// The counts at the time when a frame of audio was produced. They show whether the frame is still current. Audio that may not be
/// interrupted has no count of interruptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    begun: u64,
    cleared: Option<u64>,
}

impl Epoch {
    fn tag(&self, kept: bool) -> Tag {
        Tag { begun: self.0.begun.load(Ordering::Relaxed), cleared: (!kept).then(|| self.cleared()) }
    }

    /// Returns whether audio with this tag is still to be sent.
    pub(crate) fn is_current(&self, tag: Tag) -> bool {
        tag == self.tag(tag.cleared.is_none())
    }

    fn cleared(&self) -> u64 {
        self.0.cleared.load(Ordering::Relaxed)
    }

    /// Invalidates all audio.
    fn begin(&self) {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// Invalidates the audio that may be interrupted.
    fn clear(&self) {
        self.0.cleared.fetch_add(1, Ordering::Relaxed);
    }
}
