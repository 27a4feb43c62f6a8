//! Media of a room: what is said there, what is said into it, and who comes and goes.
//!
//! To a session a room is a [`Connection`]; which library is behind it cannot be seen. It is the `livekit` crate (feature
//! `livekit`), or, in builds for development alone, a program that the environment names. Without either no connection can
//! be made, and nothing of this is in the executable.

mod live;

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use tokio_util::task::TaskTracker;

use super::{EntryError, Livekit};
use crate::audio::{self, Format};
pub use live::ClipError;
pub(crate) use live::Connection;

/// Who lets sessions into rooms.
#[derive(Debug, Clone)]
pub(crate) struct Rooms {
    pub(crate) livekit: Arc<Livekit>,
    /// Connections, which end a moment after their sessions.
    pub(crate) tasks: TaskTracker,
}

/// The place in a room that a session wants.
#[derive(Debug)]
pub(crate) struct JoinRequest {
    /// The room's name.
    pub(crate) room: String,
    /// Whose room it has to be, or becomes.
    pub(crate) tenant: Option<String>,
    /// The session's identity there.
    pub(crate) identity: String,
    /// Its name there.
    pub(crate) name: String,
    /// Whom it listens to; everybody where empty.
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

/// The loading sound.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoadingAudio {
    /// Audio, base64.
    pub data: String,
    /// `wav` or `pcm`.
    #[serde(default)]
    pub format: Option<String>,
    /// Samples a second, needed for `pcm`.
    #[serde(default)]
    pub sample_rate: Option<u32>,
    /// 1 or 2.
    #[serde(default)]
    pub channels: Option<u16>,
    /// 0 to 1.
    #[serde(default)]
    pub volume: Option<f32>,
}

/// What happens in a room, in its order.
#[derive(Debug)]
pub enum RoomEvent {
    /// What those who are listened to say, as one, in the form that was asked for.
    Audio(Bytes),
    /// A message.
    Data {
        /// Who says so; empty for the server's own API.
        identity: String,
        /// What about.
        topic: Option<String>,
        /// Anything.
        payload: Bytes,
    },
    /// Somebody has come.
    Joined(Participant),
    /// Somebody has left, or is lost.
    Left(Participant),
    /// Somebody is being listened to.
    Track {
        /// Who.
        participant: Participant,
        /// The track's id.
        sid: String,
    },
    /// The connection has ended for good, and why.
    Lost(String),
}

/// Somebody else in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// One of its kind in the room.
    pub identity: String,
    /// May be empty.
    pub name: String,
}

/// What a session waits for.
#[derive(Debug)]
pub enum RoomWakeup {
    /// Something happened in the room; none where the connection has ended.
    Event(Option<RoomEvent>),
    /// There is room for speech again.
    RoomForSpeech,
}

/// A message to the room.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
}

/// Why a session is not in its room.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Not by this program.
    #[error("this server is built without the feature livekit")]
    NotBuilt,
    /// The room is not to be had.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A form that no track has.
    #[error(transparent)]
    Audio(#[from] audio::Error),
    /// A form that nobody here knows.
    #[error("what is said in a room cannot become '{0}': linear16, mulaw and alaw can")]
    Encoding(String),
    /// Nobody answers.
    #[error("LiveKit does not answer in time")]
    Late,
    /// The connection did not come about.
    #[error("LiveKit cannot be reached: {0}")]
    Unreachable(String),
}

impl JoinError {
    /// Whether the room is another tenant's.
    pub fn is_foreign(&self) -> bool {
        matches!(self, Self::Entry(EntryError::Foreign))
    }
}
