//! The media of a room: audio and messages in both directions, and participants who join and leave.
//!
//! A session sees a room as a [`Connection`]. The transport behind it is the `livekit` crate (feature `livekit`), or, in debug
//! builds only, a program that the environment names. Without either, [`Connection::join`] returns [`JoinError::NotBuilt`].

mod live;

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use tokio_util::task::TaskTracker;

use super::{EntryError, Livekit};
use crate::audio::{self, Format};
pub use live::ClipError;
pub(crate) use live::Connection;

/// What a session needs to join rooms. Shared by all sessions.
#[derive(Debug, Clone)]
pub(crate) struct Rooms {
    pub(crate) livekit: Arc<Livekit>,
    /// The tasks of connections, which end shortly after their sessions.
    pub(crate) tasks: TaskTracker,
}

/// A session's request to join a room.
#[derive(Debug)]
pub(crate) struct JoinRequest {
    /// The room's name.
    pub(crate) room: String,
    /// The tenant that owns the room. A room without an owner is assigned to it.
    pub(crate) tenant: Option<String>,
    /// The session's identity in the room.
    pub(crate) identity: String,
    /// The session's name in the room.
    pub(crate) name: String,
    /// Identities whose audio and messages the session receives. Empty is all.
    pub(crate) listen: Vec<String>,
    /// The forms in which it hears and speaks; none for a session without audio.
    pub(crate) audio: Option<AudioFormats>,
}

/// In which form a session hears, and in which it speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AudioFormats {
    pub(crate) input: Format,
    pub(crate) output: Format,
}

/// The loading sound: a clip that is played to the room while an answer is being prepared.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoadingAudio {
    /// The audio, as base64. At most 1,920,000 bytes, and 0.25 to 10 seconds.
    pub data: String,
    /// The format: `wav` or `pcm`. If missing, `wav` if the data begins with `RIFF`, else `pcm`.
    #[serde(default)]
    pub format: Option<String>,
    /// The sample rate in Hz, 8000 to 48000. Required for `pcm`; ignored for `wav`.
    #[serde(default)]
    pub sample_rate: Option<u32>,
    /// The number of channels of `pcm`, 1 or 2. The default is 1.
    #[serde(default)]
    pub channels: Option<u16>,
    /// The volume, 0 to 1. The default is 1.
    #[serde(default)]
    pub volume: Option<f32>,
}

/// An event of a room, as a session receives it. The order is that of the room.
#[derive(Debug)]
pub enum RoomEvent {
    /// The mixed audio of the participants, in the session's input format.
    Audio(Bytes),
    /// A data message.
    Data {
        /// The identity of the sender. Empty for messages of LiveKit's server API.
        identity: String,
        /// The topic of the message.
        topic: Option<String>,
        /// The payload, any bytes.
        payload: Bytes,
    },
    /// A participant has joined.
    Joined(Participant),
    /// A participant has left or lost their connection.
    Left(Participant),
    /// An audio track of a participant is subscribed to.
    Track {
        /// The participant.
        participant: Participant,
        /// The id of the track.
        sid: String,
    },
    /// The connection has ended for good, with the reason.
    Lost(String),
}

/// Another participant in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// The identity, unique in the room.
    pub identity: String,
    /// The name, which may be empty.
    pub name: String,
}

/// Why `Connection::next` returns.
#[derive(Debug)]
pub enum RoomWakeup {
    /// An event of the room, or none if the connection has ended.
    Event(Option<RoomEvent>),
    /// The queue accepts speech again.
    RoomForSpeech,
}

/// A data message to all participants of the room.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
}

/// Why a session could not join its room.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The program is built without the feature `livekit`.
    #[error("this server is built without the feature livekit")]
    NotBuilt,
    /// The room cannot be entered.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The audio format cannot be converted from or to that of a track.
    #[error(transparent)]
    Audio(#[from] audio::Error),
    /// The encoding of `stt_config` is unknown.
    #[error("encoding '{0}' is not supported in a room: use linear16, mulaw or alaw")]
    Encoding(String),
    /// LiveKit did not answer in time.
    #[error("LiveKit did not answer in time")]
    Late,
    /// The connection could not be made.
    #[error("LiveKit cannot be reached: {0}")]
    Unreachable(String),
}

impl JoinError {
    /// Returns whether the room belongs to another tenant.
    pub fn is_foreign(&self) -> bool {
        matches!(self, Self::Entry(EntryError::Foreign))
    }
}
