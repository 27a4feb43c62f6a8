//! One conversation: what is heard and what is spoken. Knows channels; not how a client is connected.

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

/// What sessions share; nothing in it changes.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) config: Arc<Config>,
    pub(crate) providers: Providers,
    /// None where the configuration has no keys to `LiveKit`.
    pub(crate) rooms: Option<Rooms>,
    pub(crate) metrics: Arc<Metrics>,
    /// The models that hear when a turn is over, where they are there.
    #[cfg(feature = "turn-detect")]
    pub(crate) detection: Option<Arc<Detection>>,
    /// Cancelled when the server was told to stop.
    pub(crate) draining: CancellationToken,
    /// Cancelled when the time to stop is over.
    pub(crate) cut: CancellationToken,
}

/// The future, or one that never completes.
async fn optional<F: Future>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

/// What comes from the client, in its order.
#[derive(Debug)]
pub(crate) enum Input {
    /// A binary frame.
    Audio(Bytes),
    /// A text frame.
    Command(Command),
    /// A text frame that is no message, and why.
    Malformed(String),
}

/// What goes to the client, in this order.
#[derive(Debug)]
pub(crate) enum Output {
    /// A text frame.
    Event(Event),
    /// A binary frame, which is left out once it is not current.
    Audio(Tag, Bytes),
    /// The end, and why.
    Close(Close),
}

/// How a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    /// The server stops.
    Shutdown,
    /// The client does not take what it is sent.
    SlowReader,
    /// The client has not given a sign of life.
    Silent,
    /// A page of an origin that is not allowed.
    Origin,
    /// A message beyond the limit.
    TooLarge,
    /// Frames that are none.
    Protocol,
    /// Text that is not UTF-8.
    NotUtf8,
    /// Somebody has left the room.
    Left,
}

impl Close {
    /// The code and the reason of the close frame (RFC 6455, section 7.4.1).
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

/// Counts how often the client has had its audio dropped: the session advances it, the writer skips what is older.
#[derive(Debug, Clone, Default)]
pub(crate) struct Epoch(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Of conversations.
    begun: AtomicU64,
    /// Of interruptions.
    cleared: AtomicU64,
}

/// The counts at the time when audio was made, by which it is known whether it is still current. Audio that may not be interrupted
/// has no count of interruptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    begun: u64,
    cleared: Option<u64>,
}

impl Epoch {
    fn tag(&self, kept: bool) -> Tag {
        Tag { begun: self.0.begun.load(Ordering::Relaxed), cleared: (!kept).then(|| self.cleared()) }
    }

    /// Whether audio with this tag is still to be sent.
    pub(crate) fn is_current(&self, tag: Tag) -> bool {
        tag == self.tag(tag.cleared.is_none())
    }

    fn cleared(&self) -> u64 {
        self.0.cleared.load(Ordering::Relaxed)
    }

    /// All audio is dropped.
    fn begin(&self) {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// Audio that may be interrupted is dropped.
    fn clear(&self) {
        self.0.cleared.fetch_add(1, Ordering::Relaxed);
    }
}
