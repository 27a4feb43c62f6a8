//! What a library has to do to be behind a [`super::Connection`].

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::audio::{Encoding, Format};
use crate::room::media::{Packet, RoomEvent};

/// The form of all samples between a library and here: what the media of rooms has anyway.
pub(super) const WIRE: Format = Format { encoding: Encoding::Linear16, sample_rate: 48_000, channels: 1 };

/// How much a library keeps of what is to be played, in milliseconds: enough that a busy machine does not make a gap,
/// and all that is heard after an interruption where a library cannot clear it.
pub(super) const PLAYOUT_BUFFER_MS: u32 = 200;

/// The name of the agent's track.
pub(super) const TRACK: &str = "tts-audio";

/// What a library needs to join.
#[derive(Debug)]
pub(super) struct TransportOptions {
    pub(super) url: String,
    pub(super) token: String,
    /// Whether there is audio, in both directions.
    pub(super) audio: bool,
    /// Whose audio; everybody's where empty.
    pub(super) listen: Vec<String>,
}

/// What happens, as a library tells it.
#[derive(Debug)]
pub(super) enum TransportEvent {
    /// Samples of a track, in [`WIRE`]'s form and in their order.
    Samples(u64, Bytes),
    /// A track has ended.
    TrackEnded(u64),
    /// The connection is lost and sought again; everybody may seem to leave, from a moment before this.
    Reconnecting,
    /// It is there again.
    Reconnected,
    /// What the session is told; never [`RoomEvent::Audio`].
    Event(RoomEvent),
}

/// A participant in a room. Dropped, it leaves as one who is lost.
pub(super) trait RoomTransport: Send + 'static {
    /// What happens next; none once the connection has ended for good. Cancel safe.
    fn next(&mut self) -> impl Future<Output = Option<TransportEvent>> + Send;

    /// Puts 10 ms on the track, and is done when there is room for the next. Never called while another is not done.
    fn play(&self, frame: Bytes) -> BoxFuture<'static, ()>;

    /// Drops what has been put on the track and is not played.
    fn clear(&self);

    /// Sends a message to all, reliably.
    fn send(&self, packet: Packet) -> BoxFuture<'static, Result<(), String>>;

    /// Says good-bye.
    fn leave(self) -> impl Future<Output = ()> + Send;
}
