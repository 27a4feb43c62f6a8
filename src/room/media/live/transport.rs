//! The interface between a [`super::Connection`] and the library or program that is in the room.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::audio::{Encoding, Format};
use crate::room::media::{Packet, RoomEvent};

/// The format of all samples that a transport sends and receives. It is that of LiveKit's media.
pub(super) const WIRE: Format = Format { encoding: Encoding::Linear16, sample_rate: 48_000, channels: 1 };

/// The length of a transport's playout buffer, in milliseconds. A busy machine makes no gap in it. Speech goes on for this long
/// after an interruption if a transport cannot clear the buffer.
pub(super) const PLAYOUT_BUFFER_MS: u32 = 200;

/// The name of the agent's track.
pub(super) const TRACK: &str = "tts-audio";

/// What a transport needs to join.
#[derive(Debug)]
pub(super) struct TransportOptions {
    pub(super) url: String,
    pub(super) token: String,
    /// Whether the session has audio, in both directions.
    pub(super) audio: bool,
    /// Identities whose audio is subscribed to. Empty is all.
    pub(super) listen: Vec<String>,
}

/// An event of a transport.
#[derive(Debug)]
pub(super) enum TransportEvent {
    /// Samples of a track in the format [`WIRE`], in order.
    Samples(u64, Bytes),
    /// A track has ended.
    TrackEnded(u64),
    /// The connection was lost and is being retried. All participants may seem to leave, beginning shortly before this event.
    Reconnecting,
    /// The connection works again.
    Reconnected,
    /// An event for the session, never [`RoomEvent::Audio`].
    Event(RoomEvent),
}

/// The session's participant in a room, owned by its [`super::RoomTask`]. Dropping it closes the connection without a goodbye.
pub(super) trait RoomTransport: Send + 'static {
    /// Waits for the next event. Returns none when the connection has ended for good. Cancel safe.
    fn next(&mut self) -> impl Future<Output = Option<TransportEvent>> + Send;

    /// Plays 10 ms on the track. Done when the next 10 ms are accepted. Never called while another call is running.
    fn play(&self, frame: Bytes) -> BoxFuture<'static, ()>;

    /// Drops the audio in the playout buffer.
    fn clear(&self);

    /// Sends a message to all participants, reliably.
    fn send(&self, packet: Packet) -> BoxFuture<'static, Result<(), String>>;

    /// Leaves the room.
    fn leave(self) -> impl Future<Output = ()> + Send;
}
